/* Every TPM case of the shared vector collection: quotes and logs of real clouds and machines, and forgeries of them. */
#include <dirent.h>
#include <time.h>

#include "codec/cf_pem.h"
#include "evidence/cf_eventlog.h"
#include "evidence/cf_hcl.h"
#include "support.h"

#define CASES CF_SOURCE_DIR "/../shared/vectors/tpm"

static char const *case_name;
static cf_json_t   vector;

static cf_span_t role(char const *name) {
  char file[64], path[512];
  if (cf_json_str(file, sizeof file, cf_json_get(cf_json_get(vector, "files"), name))) return CF_SPAN(NULL, 0);
  snprintf(path, sizeof path, CASES "/%s/%s", case_name, file);
  return file_need(path);
}

static uint16_t bank_alg(cf_span_t name) {
  if (cf_span_eq(name, CF_SPAN_LIT("sha1"))) return CF_TPM_SHA1;
  if (cf_span_eq(name, CF_SPAN_LIT("sha256"))) return CF_TPM_SHA256;
  if (cf_span_eq(name, CF_SPAN_LIT("sha384"))) return CF_TPM_SHA384;
  if (cf_span_eq(name, CF_SPAN_LIT("sha512"))) return CF_TPM_SHA512;
  fail_msg("bank %.*s", (int)name.len, (char const *)name.ptr);
  return 0;
}

static size_t read_pcrs(cf_tpm_bank_t *banks, size_t max) {
  cf_span_t text = role("pcrs"), alg, idx;
  cf_json_t json, values, value;
  size_t    cnt = 0;
  if (!text.len) return 0;
  assert_int_equal(cf_json_parse(&json, text, NULL), CF_OK);
  for (size_t pos = 0; cf_json_each(json, &pos, &alg, &values); cnt++) {
    assert_true(cnt < max);
    banks[cnt] = (cf_tpm_bank_t){.alg = bank_alg(alg)};
    for (size_t at = 0; cf_json_each(values, &at, &idx, &value);) {
      uint64_t i;
      assert_int_equal(cf_dec_u64(&i, idx), CF_OK);
      assert_true(i < CF_TPM_PCR_CNT);
      assert_int_equal(cf_json_hex(banks[cnt].value[i], cf_digest_tpm_sz(banks[cnt].alg), value), CF_OK);
      banks[cnt].mask |= 1u << i;
    }
  }
  return cnt;
}

static int64_t verify_at(void) {
  char      text[32];
  struct tm tm = {0};
  assert_int_equal(cf_json_str(text, sizeof text, cf_json_get(vector, "verify_at")), CF_OK);
  assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm));
  return (int64_t)timegm(&tm);
}

static size_t pem_list(cf_span_t *out, size_t max, cf_span_t pem, char const *label) {
  static uint8_t pool[1 << 18];
  static size_t  used;
  cf_rd_t        rd = cf_rd_span(pem);
  cf_pem_t       block;
  size_t         cnt = 0;
  while (cf_pem_find(&rd, &block, label)) {
    assert_true(cnt < max);
    assert_int_equal(cf_pem_decode(pool + used, sizeof pool - used, &block), CF_OK);
    out[cnt++] = CF_SPAN(pool + used, block.data_sz);
    used += block.data_sz;
  }
  assert_false(rd.bad);
  return cnt;
}

/* ---- the attestation key, in whichever form the case has it ---- */

typedef struct {
  cf_key_t key;
  cf_tpm_public_t public;
  bool has_public;
} ak_t;

static cf_verdict_code_t ak_of_chain(ak_t *ak, cf_verdict_t *v) {
  cf_span_t       certs[CF_X509_CHAIN_MAX], roots[4];
  cf_x509_facts_t facts;
  cf_x509_ask_t   ask = {.certs = certs, .roots = roots, .at_s = verify_at(), .use = CF_X509_AK};
  ask.cert_cnt = pem_list(certs, CF_X509_CHAIN_MAX, role("ak_chain"), "CERTIFICATE");
  ask.root_cnt = pem_list(roots, 4, role("trusted_root"), "CERTIFICATE");
  cf_verdict_code_t code = cf_x509_chain_check(&facts, &ask, v);
  if (!code) ak->key = facts.key;
  return code;
}

static void ak_of_jwk(ak_t *ak) {
  cf_json_t jwk;
  cf_hcl_t  hcl;
  cf_span_t blob = role("hcl_report");
  assert_int_equal(cf_json_parse(&jwk, role("ak_jwk"), NULL), CF_OK);
  assert_int_equal(cf_jwk_rsa(&ak->key, jwk), CF_OK);
  if (!blob.len) return;
  assert_int_equal(cf_hcl_open(&hcl, blob, NULL), CF_OK);
  assert_true(cf_key_eq(&hcl.ak, &ak->key)); /* the hardware report vouches for this very key */
}

static cf_verdict_code_t ak_read(ak_t *ak, cf_verdict_t *v) {
  cf_error_t err = {0};
  cf_span_t  spki;
  *ak = (ak_t){0};
  ak->has_public = role("ak_public").len != 0;
  if (ak->has_public) {
    if (cf_tpm_public_decode(&ak->public, role("ak_public"), &err)) return cf_verdict_error(v, &err);
    ak->key = ak->public.key;
  }
  if (role("ak_chain").len) return ak_of_chain(ak, v);
  if (role("ak_jwk").len) ak_of_jwk(ak);
  if (role("ak_pem").len) {
    assert_int_equal(pem_list(&spki, 1, role("ak_pem"), "PUBLIC KEY"), 1);
    assert_int_equal(cf_key_from_spki(&ak->key, spki), CF_OK);
  }
  return CF_VERDICT_OK;
}

/* ---- expectations ---- */

static void expect_u64(char const *name, uint64_t got) {
  uint64_t  want;
  cf_json_t v = cf_json_get(cf_json_get(vector, "expect"), name);
  if (v.type == CF_JSON_BAD) return;
  assert_int_equal(cf_json_u64(&want, v), CF_OK);
  if (want != got) fail_msg("%s: %s is %llu", case_name, name, (unsigned long long)got);
}

static void expect_text(char const *name, char const *got) {
  char      want[512];
  cf_json_t v = cf_json_get(cf_json_get(vector, "expect"), name);
  if (v.type == CF_JSON_BAD) return;
  assert_int_equal(cf_json_str(want, sizeof want, v), CF_OK);
  if (strcmp(want, got)) fail_msg("%s: %s is %s, not %s", case_name, name, got, want);
}

static uint32_t mask_of(cf_json_t list) {
  uint32_t  mask = 0;
  cf_span_t none;
  cf_json_t v;
  uint64_t  i;
  for (size_t pos = 0; list.type == CF_JSON_ARRAY && cf_json_each(list, &pos, &none, &v); mask |= 1u << i)
    assert_int_equal(cf_json_u64(&i, v), CF_OK);
  return mask;
}

static char const *alg_name(uint16_t alg) {
  return alg == CF_TPM_SHA1 ? "sha1" : alg == CF_TPM_SHA256 ? "sha256" : alg == CF_TPM_SHA384 ? "sha384" : "sha512";
}

static void expect_attest(cf_tpm_attest_t const *a, cf_tpm_signature_t const *sig) {
  static char const *const kinds[] = {[CF_SIG_RSASSA] = "rsassa", [CF_SIG_RSAPSS] = "rsapss", [CF_SIG_ECDSA] = "ecdsa"};
  char                     hex[260];
  expect_text("nonce", cf_hex_encode(hex, a->extra));
  expect_text("pcr_digest", cf_hex_encode(hex, a->pcr_digest));
  expect_u64("clock", a->clock);
  expect_u64("reset_count", a->reset_cnt);
  expect_u64("restart_count", a->restart_cnt);
  expect_u64("safe", a->safe);
  snprintf(hex, sizeof hex, "%016llx", (unsigned long long)a->firmware);
  expect_text("firmware_version", hex);
  expect_text("sig_alg", kinds[sig->kind]);
  expect_text("sig_hash", alg_name(sig->hash));
  cf_json_t want = cf_json_get(cf_json_get(vector, "expect"), "pcr_selection");
  for (size_t i = 0; i < a->selection_cnt; i++)
    assert_int_equal(mask_of(cf_json_get(want, alg_name(a->selection[i].alg))), a->selection[i].mask);
}

/* Replays the log into one bank; which of the touched PCRs that have a value agree with it? */
static void expect_replay(cf_tpm_bank_t const *bank, cf_json_t ok, cf_json_t mismatch) {
  cf_tpm_bank_t replayed;
  uint32_t      agree = 0, differ = 0;
  assert_int_equal(cf_eventlog_replay(&replayed, role("event_log"), bank->alg, NULL), CF_OK);
  for (unsigned i = 0; i < CF_TPM_PCR_CNT; i++) {
    if (!((replayed.mask & bank->mask) >> i & 1)) continue;
    if (memcmp(replayed.value[i], bank->value[i], cf_digest_tpm_sz(bank->alg))) differ |= 1u << i;
    else agree |= 1u << i;
  }
  if (agree != mask_of(ok) || differ != mask_of(mismatch))
    fail_msg("%s: replay agrees in %#x, differs in %#x", case_name, agree, differ);
}

/* ---- a case ---- */

static cf_verdict_code_t run_log(cf_verdict_t *v) {
  cf_tpm_bank_t     banks[4];
  size_t            cnt = read_pcrs(banks, 4);
  cf_json_t         expect = cf_json_get(vector, "expect");
  cf_verdict_code_t code = CF_VERDICT_OK;
  for (size_t i = 0; i < cnt; i++) {
    cf_json_t ok = cf_json_get(cf_json_get(expect, "event_log_pcrs_ok"), alg_name(banks[i].alg));
    if (ok.type == CF_JSON_BAD) continue; /* a bank whose values the source did not check */
    expect_replay(&banks[i], ok, cf_json_get(cf_json_get(expect, "event_log_pcrs_mismatch"), alg_name(banks[i].alg)));
    code = cf_eventlog_check(role("event_log"), &banks[i], v);
  }
  return code;
}

static cf_verdict_code_t run_quote(cf_verdict_t *v) {
  ak_t               ak;
  cf_tpm_bank_t      banks[4];
  cf_tpm_attest_t    attest;
  cf_tpm_signature_t sig;
  cf_json_t          options = cf_json_get(vector, "options"), expect = cf_json_get(vector, "expect");
  cf_json_t          input = cf_json_get(vector, "input");
  bool               raw = false;
  if (cf_json_bool(&raw, cf_json_get(options, "raw_rsa_signature"))) raw = false;
  cf_verdict_code_t code = ak_read(&ak, v);
  if (code) return code;
  char bank_text[8];
  if (cf_json_str(bank_text, sizeof bank_text, cf_json_get(options, "bank"))) bank_text[0] = 0;
  cf_tpm_quote_t quote = {.attest = role("attest"),
                          .signature = role("signature"),
                          .raw_rsa = raw,
                          .allow_sha1 = strcmp(bank_text, "sha1") == 0,
                          .key = &ak.key,
                          .ak = ak.has_public ? &ak.public : NULL,
                          .banks = banks};
  cf_json_t      from = cf_json_get(input, "nonce").type == CF_JSON_STRING ? input : expect;
  if (cf_json_get(from, "nonce").type == CF_JSON_STRING) quote.nonce = json_bytes(from, "nonce");
  quote.bank_cnt = read_pcrs(banks, 4);
  code = cf_tpm_quote_verify(&attest, &sig, &quote, v);
  if (code) return code;
  expect_attest(&attest, &sig);
  if (!role("event_log").len) return CF_VERDICT_OK;
  expect_replay(&banks[0], cf_json_get(expect, "event_log_pcrs_ok"), cf_json_get(expect, "event_log_pcrs_mismatch"));
  return cf_eventlog_check(role("event_log"), &banks[0], v);
}

static void run_case(void) {
  char         path[512], result[16];
  cf_verdict_t v = {0};
  snprintf(path, sizeof path, CASES "/%s/vector.json", case_name);
  vector = json_need(path);
  assert_int_equal(cf_json_str(result, sizeof result, cf_json_get(cf_json_get(vector, "expect"), "result")), CF_OK);
  cf_verdict_code_t code = role("attest").len ? run_quote(&v) : run_log(&v);
  if ((code == CF_VERDICT_OK) != (strcmp(result, "ok") == 0))
    fail_msg("%s: %s expected, got %s (%s: %s)", case_name, result, cf_verdict_name(code), v.item, v.text);
  if (code) print_message("  %-28s %s (%s: %s)\n", case_name, cf_verdict_name(code), v.item, v.text);
}

static void test_all(void **state) {
  (void)state;
  struct dirent **entries;
  int             cnt = scandir(CASES, &entries, NULL, alphasort), ran = 0;
  if (cnt < 0) {
    print_message("skipped: the shared vectors are not beside this tree\n");
    skip();
  }
  for (int i = 0; i < cnt; i++) {
    case_name = entries[i]->d_name;
    if (case_name[0] != '.') {
      run_case();
      ran++;
    }
    free(entries[i]);
  }
  free(entries);
  print_message("  %d cases\n", ran);
  assert_true(ran >= 32);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_all)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
