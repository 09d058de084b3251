/* "The machine is the enclave" (PROTOCOL P4): a quote over PCRs 0-9, 11, 12 and 14 by an attestation key, bound to an epoch
   certificate that is signed by the identity which PCR 12 holds. */
#include <stdio.h>

#include "crypto/cf_hash.h"
#include "evidence/cf_eventlog.h"
#include "evidence/cf_platforms.h"

/* One run; each check reads what those before it established. */
typedef struct {
  cf_evidence_parts_t const *parts;
  cf_evidence_ask_t const   *ask;
  cf_tpm_evidence_t          e;
  cf_tpm_public_t            ak;
  cf_hash_t                  program, configuration;
  cf_tpm_bank_t              bank;
  cf_tpm_attest_t            attest;
  cf_facts_t                *f;
  cf_verdict_t              *v;
} run_t;

static cf_hash_t hash_at(uint8_t const *at) {
  cf_hash_t h;
  memcpy(h.b, at, sizeof h.b);
  return h;
}

static cf_verdict_code_t check_carrier(run_t *r) {
  cf_error_t err = {0};
  if (cf_carrier_decode(&r->e, r->parts->item[CF_ROLE_EVIDENCE], &err)) return cf_verdict_error(r->v, &err);
  if (cf_nonces_check(r->e.nonces))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "evidence.nonces", 0, "not 1 to 16 nonces of 32 bytes, strictly ascending");
  if (cf_tpm_public_decode(&r->ak, r->e.ak_public, &err)) return cf_verdict_error(r->v, &err);
  if (r->ak.bytes.len != r->e.ak_public.len)
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "evidence.ak_public", 0, "a TPMT_PUBLIC is due, without a length in front");
  if (r->ak.name_alg != CF_TPM_SHA256)
    return cf_verdict_set(r->v, CF_VERDICT_UNSUPPORTED, "evidence.ak_public", 0, "name algorithm is not SHA-256");
  r->program = hash_at(r->e.program);
  r->configuration = hash_at(r->e.configuration);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_chain(run_t *r) {
  cf_span_t       certs[CF_X509_CHAIN_MAX], roots[CF_ROOTS_MAX];
  cf_x509_facts_t x;
  bool            certified = r->e.ak_chain.len != 0;
  for (size_t i = 0; i < r->ask->root_cnt; i++) roots[i] = r->ask->roots[i].der;
  cf_x509_ask_t ask = {.certs = certs,
                       .crls = r->parts->crls,
                       .crl_cnt = r->parts->crl_cnt,
                       .roots = roots,
                       .root_cnt = r->ask->root_cnt,
                       .at_s = r->ask->at_s,
                       .crl_required = true,
                       .use = certified ? CF_X509_AK : CF_X509_EK,
                       .dates = r->ask->dates};
  if (cf_der_split(certs, &ask.cert_cnt, CF_X509_CHAIN_MAX, certified ? r->e.ak_chain : r->e.ek_chain))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "chain", 0, "not DER certificates one after the other");
  cf_verdict_code_t code = cf_x509_chain_check(&x, &ask, r->v);
  if (code) return code;
  if (certified && !cf_key_eq(&x.key, &r->ak.key))
    return cf_verdict_set(r->v, CF_VERDICT_CHAIN, "chain[0]", 0, "certifies another attestation key");
  r->f->cls = r->ask->roots[x.root_idx].cls;
  r->f->root = cf_sha256(roots[x.root_idx]);
  r->f->ak_certified = certified;
  r->f->ek_certificate = x.leaf;
  r->f->ek = x.key;
  r->f->valid_until_s = x.not_after_s;
  r->f->crl_issued_s = x.crl_issued_s;
  memcpy(r->f->tpm_manufacturer, x.tpm_manufacturer, sizeof x.tpm_manufacturer);
  memcpy(r->f->tpm_model, x.tpm_model, sizeof x.tpm_model);
  memcpy(r->f->tpm_version, x.tpm_version, sizeof x.tpm_version);
  return CF_VERDICT_OK;
}

/* The identity's own word for the epoch keys: anybody may ask a TPM for a quote over any data. */
static cf_verdict_code_t check_certificate(run_t *r) {
  cf_sign1_t    sign1;
  cf_p256_pub_t identity;
  cf_error_t    err = {0};
  if (cf_document_open(&r->f->epoch, &sign1, &cf_epoch_table, r->e.certificate, &err)) return cf_verdict_error(r->v, &err);
  memcpy(identity.b, r->e.identity, sizeof identity.b);
  if (cf_sign1_verify(&sign1, &identity))
    return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "certificate", 0, "the identity did not sign the epoch certificate");
  r->f->instance = cf_p256_thumbprint(&identity);
  r->f->certificate = cf_document_hash(sign1.protected_hdr, sign1.payload);
  if (memcmp(r->f->epoch.instance, r->f->instance.b, 32) || memcmp(r->f->epoch.domain, r->ask->domain.b, 32) ||
      memcmp(r->f->epoch.configuration, r->configuration.b, 32))
    return cf_verdict_set(r->v, CF_VERDICT_BINDING, "certificate", 0,
                          "the epoch certificate names another instance, domain or configuration");
  int64_t end = (int64_t)r->f->epoch.not_after;
  cf_dates_add(r->ask->dates, "certificate", (int64_t)r->f->epoch.not_before, end);
  if (r->ask->at_s > end) return cf_verdict_set(r->v, CF_VERDICT_EXPIRED, "certificate", end, "the epoch ended on this date");
  if (end < r->f->valid_until_s) r->f->valid_until_s = end;
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_quote(run_t *r) {
  uint8_t const     *value = r->e.pcrs;
  cf_tpm_signature_t sig;
  r->bank.alg = CF_TPM_SHA256;
  r->bank.mask = CF_TPM_EVIDENCE_PCRS;
  for (size_t i = 0; i < CF_TPM_PCR_CNT; i++)
    if (CF_TPM_EVIDENCE_PCRS >> i & 1) {
      memcpy(r->bank.value[i], value, 32);
      value += 32;
    }
  r->f->nonces_hash = cf_nonces_hash(r->e.nonces);
  cf_hash_t         binding = cf_binding(&r->f->certificate, &r->f->nonces_hash);
  cf_tpm_quote_t    quote = {.attest = r->e.attest,
                             .signature = r->e.signature,
                             .key = &r->ak.key,
                             .ak = &r->ak,
                             .nonce = CF_SPAN_OF(binding.b),
                             .banks = &r->bank,
                             .bank_cnt = 1};
  cf_verdict_code_t code = cf_tpm_quote_verify(&r->attest, &sig, &quote, r->v);
  if (code) return code;
  uint8_t name[CF_TPM_NAME_MAX];
  cf_tpm_name(name, &r->ak);
  memcpy(r->f->ak_name, name, sizeof r->f->ak_name); /* a SHA-256 name: check_carrier */
  r->f->ak_attributes = r->ak.attributes;
  r->f->clock = r->attest.clock;
  r->f->clock_safe = r->attest.safe;
  r->f->firmware = r->attest.firmware;
  r->f->reset_cnt = r->attest.reset_cnt;
  r->f->restart_cnt = r->attest.restart_cnt;
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_nonce(run_t *r) {
  cf_hash_t nonce;
  cf_span_t asked = r->ask->nonce;
  if (!asked.len) return CF_VERDICT_OK;
  if (asked.len == sizeof nonce.b) {
    nonce = hash_at(asked.ptr);
    if (cf_nonces_has(r->e.nonces, &nonce)) return CF_VERDICT_OK;
  }
  return cf_verdict_set(r->v, CF_VERDICT_NONCE, "nonces", 0, "the asker's own nonce is not in the list");
}

/* Exactly this selection: one bank, and nothing that policy reads left out. */
static cf_verdict_code_t check_selection(run_t *r) {
  cf_tpm_selection_t const *sel = r->attest.selection;
  if (r->attest.selection_cnt != 1 || sel->alg != CF_TPM_SHA256 || sel->mask != CF_TPM_EVIDENCE_PCRS)
    return cf_verdict_set(r->v, CF_VERDICT_PCR, "tpm.selection", 0,
                          "the quote does not select PCRs 0-9, 11, 12, 14 of the SHA-256 bank");
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_pcr11(run_t *r) {
  cf_hash_t want = cf_pcr11(&r->program, &r->configuration, &r->ask->domain);
  if (memcmp(r->bank.value[11], want.b, 32))
    return cf_verdict_set(r->v, CF_VERDICT_PCR, "tpm.pcr11", 0,
                          "not program, configuration and this domain's genesis, and nothing else");
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_pcr12(run_t *r) {
  cf_hash_t want = cf_pcr12(&r->f->instance), zero = {{0}}, bare = cf_pcr_extend(&zero, &r->f->instance);
  if (memcmp(r->bank.value[12], want.b, 32) == 0) return CF_VERDICT_OK;
  char const *why = "not this instance and the cap, and nothing else";
  if (memcmp(r->bank.value[12], bare.b, 32) == 0) why = "the cap is missing: another identity could still be measured";
  return cf_verdict_set(r->v, CF_VERDICT_PCR, "tpm.pcr12", 0, "%s", why);
}

static cf_verdict_code_t check_event_log(run_t *r) {
  if (!r->e.event_log.len) return CF_VERDICT_OK;
  r->f->event_log = true;
  return cf_eventlog_check(r->e.event_log, &r->bank, r->v);
}

static cf_verdict_code_t measure(run_t *r) {
  uint8_t registers[11 * 32];
  memcpy(registers, r->e.pcrs, 10 * 32); /* PCRs 0-9 */
  memcpy(registers + 10 * 32, r->bank.value[14], 32);
  r->f->program = r->program;
  r->f->configuration = r->configuration;
  r->f->measurement = cf_measurement(CF_PLATFORM_TPM, &r->program, &r->configuration, CF_SPAN_OF(registers));
  r->f->nonces = r->e.nonces;
  return CF_VERDICT_OK;
}

static struct {
  char const *name, *what;
  cf_verdict_code_t (*fn)(run_t *r);
} const checks[] = {
    {"carrier", "CMW record, strict map, nonce list rising, AK public area", check_carrier},
    {"chain", "EK or AK certificate to a root of policy at T: signatures, usages, validity, revocation", check_chain},
    {"certificate", "epoch certificate signed by the identity, for this instance, domain and configuration", check_certificate},
    {"quote", "TPM_GENERATED, restricted AK, signature, binding in full, PCR digest over every value", check_quote},
    {"nonce", "where one is asked for, it is in the list", check_nonce},
    {"selection", "SHA-256 bank, PCRs 0-9, 11, 12, 14", check_selection},
    {"pcr11", "program, configuration, genesis, in this order and nothing after", check_pcr11},
    {"pcr12", "instance, then the cap, and nothing after", check_pcr12},
    {"event-log", "where one is supplied, its replay leads to the PCRs quoted", check_event_log},
    {"measurement", "computed from program, configuration, PCRs 0-9 and 14", measure},
};
#define CHECKS (sizeof checks / sizeof checks[0])

static bool tpm_row(char const **name, char const **what, size_t k) {
  if (k >= CHECKS) return false;
  *name = checks[k].name;
  *what = checks[k].what;
  return true;
}

static cf_verdict_code_t tpm_verify(cf_facts_t *facts, cf_evidence_parts_t const *parts, cf_evidence_ask_t const *ask,
                                    cf_verdict_t *v) {
  run_t r = {.parts = parts, .ask = ask, .f = facts, .v = v};
  memcpy(facts->statements, parts->statements, sizeof facts->statements);
  facts->statement_cnt = parts->statement_cnt;
  facts->domain = ask->domain;
  for (size_t k = 0; k < CHECKS; k++) {
    cf_verdict_code_t code = checks[k].fn(&r);
    if (code) return code;
  }
  return CF_VERDICT_OK;
}

static bool tpm_register(char name[CF_REGISTER_NAME_MAX], cf_span_t *value, cf_facts_t const *f, size_t k) {
  static char const *const names[] = {"program", "configuration", "measurement"};
  if (k >= CF_COUNT_OF(names)) return false;
  snprintf(name, CF_REGISTER_NAME_MAX, "%s", names[k]);
  *value = CF_SPAN(NULL, 0);
  if (f) *value = CF_SPAN((k == 0 ? &f->program : k == 1 ? &f->configuration : &f->measurement)->b, 32);
  return true;
}

static bool tpm_is(cf_span_t record) {
  cf_span_t type, content;
  return !cf_cmw_decode(&type, &content, record, NULL) && cf_span_eq(type, CF_SPAN_LIT(CF_TPM_EVIDENCE_TYP));
}

cf_evidence_platform_t const cf_evidence_tpm = {.platform = CF_PLATFORM_TPM,
                                                .subject = CF_ROLE_EVIDENCE,
                                                .reads = CF_ROLE_BIT(CF_ROLE_EVIDENCE) | CF_ROLE_BIT(CF_ROLE_CRL) |
                                                         CF_ROLE_BIT(CF_ROLE_STATEMENT),
                                                .is = tpm_is,
                                                .verify = tpm_verify,
                                                .row = tpm_row,
                                                .reg = tpm_register};
