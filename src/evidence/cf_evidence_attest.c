/* TPM 2.0 in the frame, as clouds and tools hand it out: a quote with its key in one of several forms, PCR values and an event
   log; and a log alone, against PCR values that somebody read. */
#include "evidence/cf_platforms.h"

#include <stdio.h>

#include "base/cf_text.h"
#include "codec/cf_pem.h"
#include "crypto/cf_hash.h"
#include "document/cf_carrier.h"
#include "evidence/cf_eventlog.h"
#include "evidence/cf_hcl.h"

#define CHAIN_MAX 32768 /* bytes of certificates */

/* One run; each check reads what those before it established. */
typedef struct {
  cf_evidence_parts_t const *parts;
  cf_evidence_ask_t const   *ask;
  cf_key_t                   key;
  cf_tpm_public_t            ak;
  bool                       has_key, has_ak, chained;
  cf_tpm_bank_t              banks[CF_TPM_BANK_MAX];
  size_t                     bank_cnt;
  cf_facts_t                *facts;
  cf_attest_facts_t         *f;
  cf_verdict_t              *v;
} run_t;

static cf_span_t item(run_t const *r, cf_role_t role) { return r->parts->item[role]; }

/* ---- PCR values: {bank: {index: hex}} ---- */

static struct {
  char const *name;
  uint16_t    alg;
} const algs[] = {{"sha1", CF_TPM_SHA1}, {"sha256", CF_TPM_SHA256}, {"sha384", CF_TPM_SHA384}, {"sha512", CF_TPM_SHA512}};

static char const *alg_name(uint16_t alg) {
  for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
    if (algs[i].alg == alg) return algs[i].name;
  return "unknown";
}

static bool read_bank(cf_tpm_bank_t *bank, cf_span_t name, cf_json_t values) {
  *bank = (cf_tpm_bank_t){0};
  for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
    if (cf_span_eq(name, CF_SPAN(algs[i].name, strlen(algs[i].name)))) bank->alg = algs[i].alg;
  cf_span_t idx;
  cf_json_t value;
  if (!bank->alg || values.type != CF_JSON_OBJECT) return false;
  for (size_t pos = 0; cf_json_each(values, &pos, &idx, &value);) {
    uint64_t i;
    if (cf_dec_u64(&i, idx) || i >= CF_TPM_PCR_CNT || bank->mask >> i & 1) return false;
    if (cf_json_hex(bank->value[i], cf_digest_tpm_sz(bank->alg), value)) return false;
    bank->mask |= 1u << i;
  }
  return true;
}

static cf_verdict_code_t check_pcrs(run_t *r) {
  cf_error_t err = {0};
  cf_json_t  json, values;
  cf_span_t  name;
  if (!item(r, CF_ROLE_PCRS).ptr) return CF_VERDICT_OK;
  if (cf_json_parse(&json, item(r, CF_ROLE_PCRS), &err)) return cf_verdict_error(r->v, &err);
  bool good = json.type == CF_JSON_OBJECT;
  for (size_t pos = 0; good && cf_json_each(json, &pos, &name, &values);)
    good = r->bank_cnt < CF_TPM_BANK_MAX && read_bank(&r->banks[r->bank_cnt++], name, values);
  if (!good || !r->bank_cnt)
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "pcrs", 0, "not {\"sha256\": {\"0\": HEX, ...}, ...}");
  return CF_VERDICT_OK;
}

/* ---- the attestation key ---- */

/* A key in another form than before must be the same. */
static cf_verdict_code_t add_key(run_t *r, cf_key_t const *key, char const *what) {
  if (r->has_key && !cf_key_eq(&r->key, key)) return cf_verdict_set(r->v, CF_VERDICT_CHAIN, what, 0, "another attestation key");
  r->key = *key;
  r->has_key = true;
  return CF_VERDICT_OK;
}

static cf_verdict_code_t key_of_public(run_t *r) {
  cf_error_t err = {0};
  if (!item(r, CF_ROLE_AK_PUBLIC).ptr) return CF_VERDICT_OK;
  if (cf_tpm_public_decode(&r->ak, item(r, CF_ROLE_AK_PUBLIC), &err)) return cf_verdict_error(r->v, &err);
  r->has_ak = true;
  return add_key(r, &r->ak.key, "ak_public");
}

static cf_verdict_code_t key_of_pem(run_t *r) {
  uint8_t  der[1024];
  cf_key_t key;
  cf_pem_t block;
  cf_rd_t  rd = cf_rd_span(item(r, CF_ROLE_AK_PEM));
  if (!item(r, CF_ROLE_AK_PEM).ptr) return CF_VERDICT_OK;
  if (!cf_pem_find(&rd, &block, "PUBLIC KEY") || cf_pem_decode(der, sizeof der, &block) ||
      cf_key_from_spki(&key, CF_SPAN(der, block.data_sz)))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "ak_pem", 0, "not a public key in PEM, RSA, P-256 or P-384");
  return add_key(r, &key, "ak_pem");
}

static cf_verdict_code_t key_of_jwk(run_t *r) {
  cf_error_t err = {0};
  cf_json_t  json;
  cf_key_t   key;
  if (!item(r, CF_ROLE_AK_JWK).ptr) return CF_VERDICT_OK;
  if (cf_json_parse(&json, item(r, CF_ROLE_AK_JWK), &err)) return cf_verdict_error(r->v, &err);
  if (cf_jwk_rsa(&key, json)) return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "ak_jwk", 0, "not an RSA key in JWK form");
  return add_key(r, &key, "ak_jwk");
}

/* Azure's hardware report vouches for the key; the report itself is judged as evidence of its own. */
static cf_verdict_code_t key_of_hcl(run_t *r) {
  cf_error_t err = {0};
  cf_hcl_t   hcl;
  if (!item(r, CF_ROLE_HCL_REPORT).ptr) return CF_VERDICT_OK;
  cf_status_t st = cf_hcl_open(&hcl, item(r, CF_ROLE_HCL_REPORT), &err);
  if (st == CF_ERR_AUTH) return cf_verdict_set(r->v, CF_VERDICT_BINDING, err.item, 0, "%s", err.text);
  return st ? cf_verdict_error(r->v, &err) : add_key(r, &hcl.ak, "hcl_report");
}

/* PEM blocks, or DER one after the other. */
static bool split_chain(cf_span_t certs[CF_X509_CHAIN_MAX], size_t *cnt, uint8_t buf[CHAIN_MAX], cf_span_t in) {
  cf_rd_t  rd = cf_rd_span(in);
  cf_pem_t block;
  size_t   used = 0;
  if (in.len && in.ptr[0] == 0x30) return !cf_der_split(certs, cnt, CF_X509_CHAIN_MAX, in);
  for (*cnt = 0; cf_pem_find(&rd, &block, "CERTIFICATE"); used += block.data_sz) {
    if (*cnt == CF_X509_CHAIN_MAX || cf_pem_decode(buf + used, CHAIN_MAX - used, &block)) return false;
    certs[(*cnt)++] = CF_SPAN(buf + used, block.data_sz);
  }
  return !rd.bad;
}

static cf_verdict_code_t key_of_chain(run_t *r) {
  uint8_t         buf[CHAIN_MAX];
  cf_span_t       certs[CF_X509_CHAIN_MAX], roots[CF_ROOTS_MAX];
  cf_x509_facts_t x;
  cf_x509_ask_t   ask = {.certs = certs,
                         .crls = r->parts->crls,
                         .crl_cnt = r->parts->crl_cnt,
                         .roots = roots,
                         .root_cnt = r->ask->root_cnt,
                         .at_s = r->ask->at_s,
                         .use = CF_X509_AK,
                         .dates = r->ask->dates};
  if (!item(r, CF_ROLE_AK_CHAIN).ptr) return CF_VERDICT_OK;
  for (size_t i = 0; i < r->ask->root_cnt; i++) roots[i] = r->ask->roots[i].der;
  if (!split_chain(certs, &ask.cert_cnt, buf, item(r, CF_ROLE_AK_CHAIN)))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "ak_chain", 0, "not certificates in PEM or DER");
  cf_verdict_code_t code = cf_x509_chain_check(&x, &ask, r->v);
  if (code) return code;
  r->facts->root = cf_sha256(roots[x.root_idx]);
  r->facts->cls = r->ask->roots[x.root_idx].cls;
  r->facts->valid_until_s = x.not_after_s;
  r->facts->crl_issued_s = x.crl_issued_s;
  r->facts->unlisted = x.unlisted;
  memcpy(r->facts->place, x.place, sizeof x.place);
  r->chained = true;
  return add_key(r, &x.key, "chain[0]");
}

static cf_verdict_code_t check_key(run_t *r) {
  cf_verdict_code_t code = key_of_public(r);
  if (!code) code = key_of_pem(r);
  if (!code) code = key_of_jwk(r);
  if (!code) code = key_of_hcl(r);
  if (!code) code = key_of_chain(r);
  if (!code && !r->has_key)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "ak_public", 0, "no attestation key was given, in any form");
  if (!code && !r->chained) r->facts->root = cf_sha256(CF_SPAN(r->key.b, r->key.sz));
  return code;
}

/* ---- the quote ---- */

static cf_verdict_code_t check_attest(run_t *r) {
  cf_error_t err = {0};
  if (cf_tpm_attest_decode(&r->f->attest, item(r, CF_ROLE_ATTEST), &err)) return cf_verdict_error(r->v, &err);
  r->f->read = true;
  return CF_VERDICT_OK;
}

/* A signature as long as the RSA key's modulus is the bare value; one with its header is longer. */
static cf_verdict_code_t check_quote(run_t *r) {
  cf_span_t      signature = item(r, CF_ROLE_SIGNATURE);
  cf_tpm_quote_t quote = {.attest = item(r, CF_ROLE_ATTEST),
                          .signature = signature,
                          .raw_rsa = r->key.kind == CF_KEY_RSA && signature.len == r->key.sz,
                          .allow_sha1 = r->ask->bank == CF_TPM_SHA1,
                          .key = &r->key,
                          .ak = r->has_ak ? &r->ak : NULL,
                          .nonce = r->ask->nonce.len ? r->ask->nonce : r->f->attest.extra,
                          .banks = r->banks,
                          .bank_cnt = r->bank_cnt};
  if (!signature.ptr) return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "signature", 0, "no signature was given");
  cf_verdict_code_t code = cf_tpm_quote_verify(&r->f->attest, &r->f->signature, &quote, r->v);
  r->f->verified = !code;
  r->f->has_pcrs = !code && r->bank_cnt;
  for (size_t i = 0; !code && i < r->bank_cnt; i++) r->f->banks[r->f->bank_cnt++] = r->banks[i];
  return code;
}

/* ---- the event log ---- */

static cf_verdict_code_t replay(run_t *r, cf_tpm_bank_t const *bank) {
  cf_tpm_bank_t      replayed;
  cf_error_t         err = {0};
  cf_replay_facts_t *log = &r->f->log[r->f->log_cnt];
  if (cf_eventlog_replay(&replayed, item(r, CF_ROLE_EVENT_LOG), bank->alg, &err)) return cf_verdict_error(r->v, &err);
  *log = (cf_replay_facts_t){.alg = bank->alg};
  r->f->log_cnt++;
  for (unsigned i = 0; i < CF_TPM_PCR_CNT; i++) {
    if (!((replayed.mask & bank->mask) >> i & 1)) continue;
    if (memcmp(replayed.value[i], bank->value[i], cf_digest_tpm_sz(bank->alg))) log->differ |= 1u << i;
    else log->agree |= 1u << i;
  }
  if (log->differ)
    return cf_verdict_set(r->v, CF_VERDICT_EVENT_LOG, "event_log", 0, "the log leads to another PCR %d of bank %s",
                          __builtin_ctz(log->differ), alg_name(bank->alg));
  return CF_VERDICT_OK;
}

/* Into the bank asked for, or each that there are values of.  A quote's values are those that it covers. */
static cf_verdict_code_t check_log(run_t *r) {
  cf_verdict_code_t code = CF_VERDICT_OK;
  bool              done = false;
  if (!item(r, CF_ROLE_EVENT_LOG).ptr && item(r, CF_ROLE_ATTEST).ptr) return CF_VERDICT_OK;
  if (!item(r, CF_ROLE_EVENT_LOG).ptr)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "event_log", 0,
                          "PCR values without a quote or a log prove nothing");
  for (size_t i = 0; i < r->bank_cnt && !code; i++) {
    if (r->ask->bank && r->banks[i].alg != r->ask->bank) continue;
    code = replay(r, &r->banks[i]);
    done = true;
  }
  if (!done)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "pcrs", 0, "no values of the bank to compare the log with");
  return code;
}

/* ---- the two subjects ---- */

typedef struct {
  char const *name, *what;
  cf_verdict_code_t (*fn)(run_t *r);
} check_t;

static check_t const quote_checks[] = {
    {"attest", "TPM_GENERATED, a quote, nothing after it", check_attest},
    {"pcrs", "values by bank and index, each once, of the bank's length", check_pcrs},
    {"key", "public area, PEM, JWK, HCL report, chain to a root at T: all that are given name one key", check_key},
    {"quote", "restricted AK where its area is known, signature, nonce in full, PCR digest over every value", check_quote},
    {"event-log", "where one is supplied, its replay leads to the PCRs quoted", check_log},
};

static check_t const log_checks[] = {
    {"pcrs", "values by bank and index, each once, of the bank's length; nobody vouches for them", check_pcrs},
    {"event-log", "its replay leads to the values", check_log},
};

#define COUNT(checks) (sizeof(checks) / sizeof(checks)[0])

static cf_verdict_code_t run(check_t const *checks, size_t cnt, cf_facts_t *facts, cf_evidence_parts_t const *parts,
                             cf_evidence_ask_t const *ask, cf_verdict_t *v) {
  run_t             r = {.parts = parts, .ask = ask, .facts = facts, .f = &facts->of.attest, .v = v};
  cf_verdict_code_t code = CF_VERDICT_OK;
  for (size_t k = 0; k < cnt && !code; k++) code = checks[k].fn(&r);
  return code;
}

static bool row(check_t const *checks, size_t cnt, char const **name, char const **what, size_t k) {
  if (k >= cnt) return false;
  *name = checks[k].name;
  *what = checks[k].what;
  return true;
}

static cf_verdict_code_t verify_quote(cf_facts_t *facts, cf_evidence_parts_t const *parts, cf_evidence_ask_t const *ask,
                                      cf_verdict_t *v) {
  return run(quote_checks, COUNT(quote_checks), facts, parts, ask, v);
}

static cf_verdict_code_t verify_log(cf_facts_t *facts, cf_evidence_parts_t const *parts, cf_evidence_ask_t const *ask,
                                    cf_verdict_t *v) {
  return run(log_checks, COUNT(log_checks), facts, parts, ask, v);
}

static bool row_quote(char const **name, char const **what, size_t k) {
  return row(quote_checks, COUNT(quote_checks), name, what, k);
}

static bool row_log(char const **name, char const **what, size_t k) { return row(log_checks, COUNT(log_checks), name, what, k); }

/* ---- registers: "sha256.pcr4" ---- */

static bool attest_register(char name[CF_REGISTER_NAME_MAX], cf_span_t *value, cf_facts_t const *facts, size_t k) {
  size_t a = k / CF_TPM_PCR_CNT, pcr = k % CF_TPM_PCR_CNT;
  if (a >= sizeof algs / sizeof algs[0]) return false;
  snprintf(name, CF_REGISTER_NAME_MAX, "%s.pcr%zu", algs[a].name, pcr);
  *value = CF_SPAN(NULL, 0);
  for (size_t i = 0; facts && i < facts->of.attest.bank_cnt; i++) {
    cf_tpm_bank_t const *bank = &facts->of.attest.banks[i];
    if (bank->alg == algs[a].alg && bank->mask >> pcr & 1) *value = CF_SPAN(bank->value[pcr], cf_digest_tpm_sz(bank->alg));
  }
  return true;
}

/* ---- what was found ---- */

static void report_mask(cf_jw_t *j, char const *name, uint32_t mask) {
  cf_jw_arr(j, name);
  for (unsigned i = 0; i < CF_TPM_PCR_CNT; i++)
    if (mask >> i & 1) cf_jw_u64(j, NULL, i);
  cf_jw_end(j, ']');
}

static void report_quote(cf_jw_t *j, cf_facts_t const *facts) {
  static char const *const kinds[] = {
      [CF_SIG_RSASSA] = "rsassa", [CF_SIG_RSAPSS] = "rsapss", [CF_SIG_ECDSA] = "ecdsa", [CF_SIG_RSAPSS_DIGEST] = "rsapss"};
  cf_attest_facts_t const *f = &facts->of.attest;
  cf_tpm_attest_t const   *a = &f->attest;
  char                     firmware[20];
  if (!f->read) return;
  snprintf(firmware, sizeof firmware, "%016llx", (unsigned long long)a->firmware);
  cf_jw_hex(j, "nonce", a->extra);
  cf_jw_hex(j, "pcr_digest", a->pcr_digest);
  cf_jw_obj(j, "pcr_selection");
  for (size_t i = 0; i < a->selection_cnt; i++) report_mask(j, alg_name(a->selection[i].alg), a->selection[i].mask);
  cf_jw_end(j, '}');
  cf_jw_u64(j, "clock", a->clock);
  cf_jw_u64(j, "reset_count", a->reset_cnt);
  cf_jw_u64(j, "restart_count", a->restart_cnt);
  cf_jw_u64(j, "safe", a->safe);
  cf_jw_str(j, "firmware_version", firmware);
  if (!f->verified) return;
  cf_jw_str(j, "sig_alg", kinds[f->signature.kind]);
  cf_jw_str(j, "sig_hash", alg_name(f->signature.hash));
  if (f->has_pcrs) cf_jw_bool(j, "pcr_digest_ok", true);
  for (size_t i = 0; i < f->log_cnt && i < 1; i++) { /* of the bank that was asked for, or the first */
    report_mask(j, "event_log_pcrs_ok", f->log[i].agree);
    report_mask(j, "event_log_pcrs_mismatch", f->log[i].differ);
  }
}

static void report_log(cf_jw_t *j, cf_facts_t const *facts) {
  cf_attest_facts_t const *f = &facts->of.attest;
  if (!f->log_cnt) return;
  cf_jw_obj(j, "event_log_pcrs_ok");
  for (size_t i = 0; i < f->log_cnt; i++) report_mask(j, alg_name(f->log[i].alg), f->log[i].agree);
  cf_jw_end(j, '}');
  cf_jw_obj(j, "event_log_pcrs_mismatch");
  for (size_t i = 0; i < f->log_cnt; i++) report_mask(j, alg_name(f->log[i].alg), f->log[i].differ);
  cf_jw_end(j, '}');
}

cf_evidence_platform_t const cf_evidence_attest = {.platform = CF_PLATFORM_TPM,
                                                   .subject = CF_ROLE_ATTEST,
                                                   .reads = CF_ROLE_BIT(CF_ROLE_ATTEST) | CF_ROLE_BIT(CF_ROLE_SIGNATURE) |
                                                            CF_ROLE_BIT(CF_ROLE_AK_PUBLIC) | CF_ROLE_BIT(CF_ROLE_AK_PEM) |
                                                            CF_ROLE_BIT(CF_ROLE_AK_JWK) | CF_ROLE_BIT(CF_ROLE_AK_CHAIN) |
                                                            CF_ROLE_BIT(CF_ROLE_CRL) | CF_ROLE_BIT(CF_ROLE_HCL_REPORT) |
                                                            CF_ROLE_BIT(CF_ROLE_PCRS) | CF_ROLE_BIT(CF_ROLE_EVENT_LOG),
                                                   .verify = verify_quote,
                                                   .row = row_quote,
                                                   .reg = attest_register,
                                                   .report = report_quote};

cf_evidence_platform_t const cf_evidence_pcrs = {.platform = CF_PLATFORM_TPM,
                                                 .subject = CF_ROLE_PCRS,
                                                 .reads = CF_ROLE_BIT(CF_ROLE_PCRS) | CF_ROLE_BIT(CF_ROLE_EVENT_LOG),
                                                 .verify = verify_log,
                                                 .row = row_log,
                                                 .report = report_log};
