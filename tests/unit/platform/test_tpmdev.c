// link: evidence
/* A measured machine from end to end on a real software TPM: measure, quote, activate, seal; and the evidence room judging all of
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <tss2/tss2_esys.h>

#include "base/cf_text.h"
#include "codec/cf_json.h"
#include "evidence/cf_credential.h"
#include "evidence/cf_evidence.h"
#include "evidence/cf_hcl.h"
#include "platform/cf_attester.h"
#include "platform/cf_swtpm.h"
#include "platform/cf_tpmdev.h"

static char          base[64], dir_a[80], dir_b[80], ca[80];
static cf_swtpm_ca_t ca_certs;
static int64_t       now; /* T: the software CA dates its certificates by the machine's clock */

/* ---- a machine ---- */

typedef struct {
  cf_swtpm_t     swtpm;
  cf_tpmdev_t    tpm;
  uint8_t        ak[CF_TPM_BLOB_MAX];
  size_t         ak_sz;
  cf_p256_key_t *identity;
  cf_p256_pub_t  identity_pub;
  cf_hash_t      instance;
} machine_t;

static machine_t m, b; /* on in some tests; a test that fails leaves them to the teardown */

static cf_hash_t fill(uint8_t v) {
  cf_hash_t h;
  memset(h.b, v, sizeof h.b);
  return h;
}

/* Every call that can fail reports here; the first detail wins, so each starts anew. */
static cf_error_t err;

static void must(cf_status_t st) {
  if (st) fail_msg("%s: %s: %s", cf_status_name(st), err.item, err.text);
}
#define must(call) (err = (cf_error_t){0}, must(call))
#define refused(call, want) (err = (cf_error_t){0}, assert_int_equal(call, want), assert_int_equal(err.status, want))

static void machine_on(machine_t *on, char const *dir) {
  char tcti[160];
  must(cf_swtpm_start(&on->swtpm, dir, &err));
  cf_swtpm_tcti(tcti, sizeof tcti, dir);
  must(cf_tpmdev_init(&on->tpm, tcti, &err));
  cf_entropy_t e = cf_entropy_system();
  on->identity = cf_p256_key_new(&e);
  cf_p256_key_pub(on->identity, &on->identity_pub);
  on->instance = cf_p256_thumbprint(&on->identity_pub);
}

static void machine_off(machine_t *on) {
  cf_tpmdev_fini(&on->tpm);
  cf_swtpm_stop(&on->swtpm);
  cf_p256_key_free(on->identity);
  on->identity = NULL;
}

static void ak_make(machine_t *on) {
  cf_wr_t wr = cf_wr_init(on->ak, sizeof on->ak);
  must(cf_tpmdev_ak_make(&on->tpm, &wr, &err));
  on->ak_sz = wr.len;
}

static cf_span_t ak_of(machine_t const *on) { return CF_SPAN(on->ak, on->ak_sz); }

/* ---- evidence of it ---- */

typedef struct {
  uint8_t            chain[2 * CF_SWTPM_CERT_MAX], certificate[4096], nonces[64], bytes[CF_CARRIER_MAX];
  cf_tpm_quote_out_t quote;
  cf_tpm_evidence_t  e;
  cf_hash_t          domain;
  size_t             bytes_sz;
} evidence_t;

static cf_span_t encode(evidence_t *ev) {
  cf_wr_t wr = cf_wr_init(ev->bytes, sizeof ev->bytes);
  cf_carrier_encode(&wr, &ev->e);
  assert_false(wr.bad);
  ev->bytes_sz = wr.len;
  return cf_wr_out(&wr);
}

/* epoch_certificate is what the enclave would sign with its identity. */
static cf_hash_t epoch_certificate(evidence_t *ev, machine_t const *on, cf_hash_t const *configuration) {
  cf_epoch_t ep = {.epoch = 7, .boot = 7, .suite = 1, .not_before = (uint64_t)now, .not_after = (uint64_t)now + 86400};
  memcpy(ep.domain, ev->domain.b, 32);
  memcpy(ep.instance, on->instance.b, 32);
  memcpy(ep.configuration, configuration->b, 32);
  cf_hash_t hash;
  cf_wr_t   wr = cf_wr_init(ev->certificate, sizeof ev->certificate);
  cf_document_seal(&wr, &hash, &cf_epoch_table, &ep, on->identity, "test", "enclave");
  ev->e.certificate = cf_wr_out(&wr);
  return hash;
}

static void attest(evidence_t *ev, machine_t *on) {
  cf_hash_t program = fill(1), configuration = fill(2);
  *ev = (evidence_t){.domain = fill(3)};
  cf_hash_t certificate = epoch_certificate(ev, on, &configuration);
  memset(ev->nonces, 0x11, 32);
  memset(ev->nonces + 32, 0x22, 32);
  cf_hash_t nonces = cf_nonces_hash(CF_SPAN_OF(ev->nonces)), binding = cf_binding(&certificate, &nonces);
  must(cf_tpmdev_quote(&on->tpm, &ev->quote, ak_of(on), CF_SPAN_OF(binding.b), &err));
  size_t ek_sz;
  must(cf_tpmdev_ek_certificate(&on->tpm, ev->chain, &ek_sz, CF_SWTPM_CERT_MAX, &err));
  memcpy(ev->chain + ek_sz, ca_certs.issuer, ca_certs.issuer_sz);
  static cf_tpm_key_t ak;
  must(cf_tpm_key_open(&ak, ak_of(on), &err));
  ev->e.version = 1;
  ev->e.attest = CF_SPAN(ev->quote.attest, ev->quote.attest_sz);
  ev->e.signature = CF_SPAN(ev->quote.signature, ev->quote.signature_sz);
  ev->e.ak_public = ak.public;
  ev->e.ek_chain = CF_SPAN(ev->chain, ek_sz + ca_certs.issuer_sz);
  ev->e.nonces = CF_SPAN_OF(ev->nonces);
  memcpy(ev->e.pcrs, ev->quote.pcrs, sizeof ev->e.pcrs);
  memcpy(ev->e.identity, on->identity_pub.b, 64);
  memcpy(ev->e.program, program.b, 32);
  memcpy(ev->e.configuration, configuration.b, 32);
}

static void measure_all(machine_t *on) {
  cf_hash_t program = fill(1), configuration = fill(2), domain = fill(3);
  must(cf_tpmdev_measure(&on->tpm, &program, &configuration, &domain, &err));
  must(cf_tpmdev_identify(&on->tpm, &on->instance, &err));
}

static cf_verdict_code_t judge(cf_facts_t *facts, cf_verdict_t *v, evidence_t *ev, cf_span_t statement) {
  cf_evidence_item_t items[2] = {{CF_ROLE_EVIDENCE, encode(ev)}, {CF_ROLE_STATEMENT, statement}};
  cf_root_t          root = {CF_CLASS_OWNER, CF_SPAN(ca_certs.root, ca_certs.root_sz)};
  cf_evidence_ask_t  ask = {
       .items = items, .item_cnt = statement.len ? 2 : 1, .roots = &root, .root_cnt = 1, .domain = fill(3), .at_s = now};
  return cf_evidence_verify(facts, &ask, v);
}

#define expect(code_, item_)                                                                                                     \
  do {                                                                                                                           \
    static cf_facts_t facts;                                                                                                     \
    cf_verdict_t      v;                                                                                                         \
    cf_verdict_code_t code = judge(&facts, &v, &ev, CF_SPAN(NULL, 0));                                                           \
    if (code != (code_)) fail_msg("%s (%s: %s), not %s", cf_verdict_name(code), v.item, v.text, cf_verdict_name(code_));         \
    if (code) assert_string_equal(v.item, item_);                                                                                \
  } while (0)

/* ---- recording: CF_RECORD=DIR writes the bundle that tests/vectors/evidence/swtpm holds ---- */

static void record(char const *name, cf_span_t bytes) {
  char        path[256];
  char const *dir = getenv("CF_RECORD");
  if (!dir) return;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
  assert_int_equal(fclose(f), 0);
}

static void record_facts(cf_facts_t const *f, cf_p256_pub_t const *verifier) {
  uint8_t buf[4096];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_jw_t j = cf_jw_init(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_i64(&j, "verify_at", now);
  cf_jw_hex(&j, "verifier", CF_SPAN_OF(verifier->b));
  cf_jw_hex(&j, "domain", CF_SPAN_OF(f->domain.b));
  cf_jw_hex(&j, "program", CF_SPAN_OF(f->program.b));
  cf_jw_hex(&j, "configuration", CF_SPAN_OF(f->configuration.b));
  cf_jw_hex(&j, "instance", CF_SPAN_OF(f->instance.b));
  cf_jw_hex(&j, "certificate", CF_SPAN_OF(f->certificate.b));
  cf_jw_hex(&j, "measurement", CF_SPAN_OF(f->measurement.b));
  cf_jw_hex(&j, "ak_name", CF_SPAN_OF(f->ak_name));
  cf_jw_hex(&j, "ek_certificate", CF_SPAN_OF(f->ek_certificate.b));
  cf_jw_hex(&j, "evidence", CF_SPAN_OF(f->evidence.b));
  cf_jw_hex(&j, "collateral", CF_SPAN_OF(f->collateral.b));
  cf_jw_end(&j, '}');
  record("vector.json", cf_wr_out(&wr));
}

/* ---- tests ---- */

static void test_whole_way(void **state) {
  (void)state;
  static evidence_t ev;
  static cf_facts_t facts;
  cf_verdict_t      v;
  machine_on(&m, dir_a);
  ak_make(&m);
  measure_all(&m);
  attest(&ev, &m);
  cf_verdict_code_t code = judge(&facts, &v, &ev, CF_SPAN(NULL, 0));
  if (code) fail_msg("%s: %s: %s", cf_verdict_name(code), v.item, v.text);
  assert_int_equal(facts.cls, CF_CLASS_OWNER);
  assert_memory_equal(facts.instance.b, m.instance.b, 32);
  assert_string_equal(facts.tpm_manufacturer, "id:00001014"); /* IBM, as libtpms says */
  assert_string_equal(facts.tpm_model, "swtpm");

  /* the conversation: a secret that only this TPM with this AK can read */
  cf_entropy_t e = cf_entropy_system();
  uint8_t      secret[32] = "a secret of thirty-two bytes...", challenge[CF_CREDENTIAL_SZ], answer[64];
  size_t       answer_sz = 0;
  assert_int_equal(cf_credential_make(challenge, &facts.ek, CF_SPAN_OF(facts.ak_name), secret, &e), CF_OK);
  must(cf_tpmdev_activate(&m.tpm, answer, &answer_sz, ak_of(&m), CF_SPAN_OF(challenge), &err));
  assert_int_equal(answer_sz, 32);
  assert_memory_equal(answer, secret, 32);

  /* the verifier's statement about it, then the appraisal */
  cf_p256_key_t *verifier = cf_p256_key_new(&e);
  cf_p256_pub_t  pub;
  cf_p256_key_pub(verifier, &pub);
  cf_statement_t st = {.ak_attributes = facts.ak_attributes, .time = (uint64_t)now};
  memcpy(st.ak_name, facts.ak_name, sizeof st.ak_name);
  memcpy(st.ek_certificate, facts.ek_certificate.b, 32);
  memcpy(st.domain, facts.domain.b, 32);
  uint8_t buf[CF_STATEMENT_MAX];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_document_seal(&wr, NULL, &cf_statement_table, &st, verifier, "verifier", "enclave");
  code = judge(&facts, &v, &ev, cf_wr_out(&wr));
  assert_int_equal(code, CF_VERDICT_OK);
  record("evidence.cbor", CF_SPAN(ev.bytes, ev.bytes_sz));
  record("statement.cose", cf_wr_out(&wr));
  record("root.der", CF_SPAN(ca_certs.root, ca_certs.root_sz));
  record("ak.blob", ak_of(&m));
  record_facts(&facts, &pub);

  static cf_policy_t policy;
  policy = (cf_policy_t){
      .measurements_cnt = 1, .ek_roots_cnt = 1, .credential_max_age_s = 3600, .attest_max_age_s = 600, .clock_skew_s = 5};
  policy.measurements[0] = (cf_measurement_t){.platform = CF_PLATFORM_TPM, .until = (uint64_t)now + 1000};
  memcpy(policy.measurements[0].program, facts.program.b, 32);
  memcpy(policy.measurements[0].configuration, facts.configuration.b, 32);
  memcpy(policy.measurements[0].measurement, facts.measurement.b, 32);
  policy.ek_roots[0].class = CF_CLASS_OWNER;
  memcpy(policy.ek_roots[0].root, facts.root.b, 32);
  static cf_council_t council;
  council = (cf_council_t){.k = 1, .members_cnt = 1};
  memcpy(council.members[0].es256, pub.b, 64);
  cf_hash_t         nonce = fill(0x22);
  cf_appraise_ask_t ask = {.policy = &policy, .verifiers = &council, .statement_min = 1, .nonce = &nonce, .at_s = now};
  int64_t           until;
  code = cf_appraise(&until, &facts, &ask, &v);
  if (code) fail_msg("%s: %s: %s", cf_verdict_name(code), v.item, v.text);
  assert_int_equal(until, now + 600);
  ask.production = true;
  assert_int_equal(cf_appraise(&until, &facts, &ask, &v), CF_VERDICT_TEST_ROOT);
  cf_p256_key_free(verifier);
  machine_off(&m);
}

/* A blob that was changed anywhere is no key of this TPM, nor is another TPM's: the launcher makes another one. */
static void test_ak_blob(void **state) {
  (void)state;
  uint8_t blob[CF_TPM_BLOB_MAX];
  machine_on(&m, dir_a);
  ak_make(&m);
  must(cf_tpmdev_ak_check(&m.tpm, ak_of(&m), &err));
  for (size_t at = 0; at < m.ak_sz; at += 7) {
    memcpy(blob, m.ak, m.ak_sz);
    blob[at] ^= 1;
    if (!cf_tpmdev_ak_check(&m.tpm, CF_SPAN(blob, m.ak_sz), &err)) fail_msg("changed at %zu, and taken", at);
    assert_true(cf_tpmdev_ak_check(&m.tpm, CF_SPAN(m.ak, at), &err) != CF_OK);
  }
  must(cf_tpmdev_ak_check(&m.tpm, ak_of(&m), &err)); /* nothing is left loaded */
  machine_off(&m);
}

static void test_quotes_refused(void **state) {
  (void)state;
  static evidence_t ev;
  machine_on(&m, dir_a);
  ak_make(&m);

  /* measured, with an identity, but not yet capped */
  cf_hash_t program = fill(1), configuration = fill(2), domain = fill(3), cap = cf_pcr12_cap();
  must(cf_tpmdev_measure(&m.tpm, &program, &configuration, &domain, &err));
  attest(&ev, &m);
  expect(CF_VERDICT_PCR, "tpm.pcr12");
  must(cf_tpmdev_extend(&m.tpm, 12, &m.instance, &err));
  attest(&ev, &m);
  expect(CF_VERDICT_PCR, "tpm.pcr12");
  must(cf_tpmdev_extend(&m.tpm, 12, &cap, &err));
  attest(&ev, &m);
  expect(CF_VERDICT_OK, "");

  /* the same, altered on the way */
  ev.nonces[0] ^= 1;
  expect(CF_VERDICT_BINDING, "tpm.extraData");
  ev.nonces[0] ^= 1;
  ev.e.pcrs[4 * 32] ^= 1;
  expect(CF_VERDICT_PCR, "tpm.pcrs");
  ev.e.pcrs[4 * 32] ^= 1;
  ev.e.program[0] ^= 1;
  expect(CF_VERDICT_PCR, "tpm.pcr11");
  ev.e.program[0] ^= 1;
  ev.quote.signature[ev.quote.signature_sz - 1] ^= 1;
  expect(CF_VERDICT_SIGNATURE, "tpm.signature");
  ev.quote.signature[ev.quote.signature_sz - 1] ^= 1;
  expect(CF_VERDICT_OK, "");

  /* another identity's certificate, quoted all the same: anybody may ask the TPM for a quote */
  machine_t    other = m;
  cf_entropy_t e = cf_entropy_system();
  other.identity = cf_p256_key_new(&e);
  cf_p256_key_pub(other.identity, &other.identity_pub);
  other.instance = cf_p256_thumbprint(&other.identity_pub);
  attest(&ev, &other);
  expect(CF_VERDICT_PCR, "tpm.pcr12");
  memcpy(ev.e.identity, m.identity_pub.b, 64);
  expect(CF_VERDICT_SIGNATURE, "certificate");
  cf_p256_key_free(other.identity);

  /* a later measurement spoils PCR 11 for good */
  must(cf_tpmdev_extend(&m.tpm, 11, &program, &err));
  attest(&ev, &m);
  expect(CF_VERDICT_PCR, "tpm.pcr11");
  machine_off(&m);
}

static void test_measuring_twice(void **state) {
  (void)state;
  cf_hash_t h = fill(1);
  machine_on(&m, dir_a);
  measure_all(&m);
  refused(cf_tpmdev_measure(&m.tpm, &h, &h, &h, &err), CF_ERR_POLICY);
  refused(cf_tpmdev_identify(&m.tpm, &h, &err), CF_ERR_POLICY);
  machine_off(&m);
  machine_on(&m, dir_a); /* a restart is a reset */
  measure_all(&m);
  machine_off(&m);
}

/* An attestation key made elsewhere: the blob does not load, and a challenge for it is not answered. */
static void test_other_tpm(void **state) {
  (void)state;
  static evidence_t  ev_a, ev;
  static cf_facts_t  facts;
  cf_verdict_t       v;
  cf_tpm_quote_out_t out;
  cf_hash_t          binding = fill(9);
  machine_on(&m, dir_a);
  machine_on(&b, dir_b);
  ak_make(&m);
  ak_make(&b);
  measure_all(&m);
  measure_all(&b);
  refused(cf_tpmdev_quote(&b.tpm, &out, ak_of(&m), CF_SPAN_OF(binding.b), &err), CF_ERR_AUTH);

  attest(&ev_a, &m);
  attest(&ev, &b);
  assert_int_equal(judge(&facts, &v, &ev_a, CF_SPAN(NULL, 0)), CF_VERDICT_OK);
  cf_entropy_t e = cf_entropy_system();
  uint8_t      secret[32] = {1}, challenge[CF_CREDENTIAL_SZ], answer[64];
  size_t       answer_sz;
  assert_int_equal(cf_credential_make(challenge, &facts.ek, CF_SPAN_OF(facts.ak_name), secret, &e), CF_OK);
  refused(cf_tpmdev_activate(&b.tpm, answer, &answer_sz, ak_of(&b), CF_SPAN_OF(challenge), &err), CF_ERR_AUTH); /* wrong EK */
  uint8_t spare[CF_TPM_BLOB_MAX];
  cf_wr_t wr = cf_wr_init(spare, sizeof spare);
  must(cf_tpmdev_ak_make(&m.tpm, &wr, &err));
  refused(cf_tpmdev_activate(&m.tpm, answer, &answer_sz, cf_wr_out(&wr), CF_SPAN_OF(challenge), &err),
          CF_ERR_AUTH); /* wrong AK */
  challenge[40] ^= 1;
  refused(cf_tpmdev_activate(&m.tpm, answer, &answer_sz, ak_of(&m), CF_SPAN_OF(challenge), &err), CF_ERR_AUTH);
  refused(cf_tpmdev_activate(&m.tpm, answer, &answer_sz, ak_of(&m), CF_SPAN(challenge, 100), &err), CF_ERR_FORMAT);

  /* b's AK under a's quote: the key did not sign it */
  ev_a.e.ak_public = ev.e.ak_public;
  cf_tpm_key_t key;
  must(cf_tpm_key_open(&key, ak_of(&b), &err));
  ev_a.e.ak_public = key.public;
  assert_int_equal(judge(&facts, &v, &ev_a, CF_SPAN(NULL, 0)), CF_VERDICT_SIGNATURE);
  machine_off(&m);
  machine_off(&b);
}

static void test_ak_is_stable(void **state) {
  (void)state;
  static evidence_t ev;
  static cf_facts_t before, after;
  cf_verdict_t      v;
  machine_on(&m, dir_a);
  ak_make(&m);
  measure_all(&m);
  attest(&ev, &m);
  assert_int_equal(judge(&before, &v, &ev, CF_SPAN(NULL, 0)), CF_VERDICT_OK);
  machine_off(&m);
  machine_on(&m, dir_a);
  measure_all(&m);
  attest(&ev, &m);
  assert_int_equal(judge(&after, &v, &ev, CF_SPAN(NULL, 0)), CF_VERDICT_OK);
  assert_memory_equal(before.ak_name, after.ak_name, sizeof before.ak_name);
  uint32_t reset_cnt, restart_cnt;
  must(cf_tpmdev_counters(&m.tpm, &reset_cnt, &restart_cnt, &err));
  /* a quote shows the counters with a constant of this TPM added, so that keys outside the endorsement hierarchy do not tell them
   */
  assert_int_equal(after.reset_cnt - before.reset_cnt, 1);
  assert_int_equal(after.restart_cnt, before.restart_cnt);
  assert_true(reset_cnt > 0 && restart_cnt == 0);
  assert_memory_not_equal(before.instance.b, after.instance.b, 32);
  assert_memory_equal(before.measurement.b, after.measurement.b, 32);
  machine_off(&m);
}

/* The policy digest, spelt out as in docs/protocol/evidence.md: values are those of PCRs 0-9, 11, 12 and 14. */
static cf_hash_t policy_of(cf_hash_t const values[CF_TPM_QUOTE_PCR_CNT]) {
  static uint8_t const selection[] = {0, 0, 1, 0x7f, 0, 0, 0, 1, 0, 0x0b, 3, 0xff, 0x5b, 0}; /* from TPM_CC_PolicyPCR on */
  uint8_t              buf[32 + sizeof selection + 32] = {0};
  cf_hash_t            digest = cf_sha256(CF_SPAN(values, CF_TPM_QUOTE_PCR_CNT * 32));
  memcpy(buf + 32, selection, sizeof selection);
  memcpy(buf + 32 + sizeof selection, digest.b, 32);
  return cf_sha256(CF_SPAN_OF(buf));
}

static void test_policy(void **state) {
  (void)state;
  static char text[32768];
  uint8_t     blob[CF_TPM_BLOB_MAX], root[32] = {7};
  cf_hash_t   values[CF_TPM_QUOTE_PCR_CNT], want, zero = {{0}};
  cf_json_t   vec;
  FILE       *f = fopen(CF_SOURCE_DIR "/tests/vectors/evidence/measure.json", "r");
  assert_non_null(f);
  size_t n = fread(text, 1, sizeof text, f);
  fclose(f);
  assert_int_equal(cf_json_parse(&vec, CF_SPAN(text, n), NULL), CF_OK);
  assert_int_equal(cf_json_hex(values[0].b, sizeof values, cf_json_get(vec, "policy_pcrs")), CF_OK);
  assert_int_equal(cf_json_hex(want.b, 32, cf_json_get(vec, "policy_digest")), CF_OK);
  assert_memory_equal(policy_of(values).b, want.b, 32);

  machine_on(&m, dir_a);
  measure_all(&m);
  cf_wr_t wr = cf_wr_init(blob, sizeof blob);
  must(cf_tpmdev_seal(&m.tpm, &wr, 1, root, &err));
  must(cf_tpmdev_pcrs(&m.tpm, values, CF_TPM_QUOTE_PCR_CNT, CF_TPM_QUOTE_PCRS, &err));
  values[11] = zero; /* PCR 12 */
  cf_sealed_root_t sealed;
  must(cf_table_decode(&sealed, &cf_sealed_root_table, cf_wr_out(&wr), &err));
  assert_memory_equal(sealed.public.ptr + 2 + 2 + 4, "\x00\x20", 2);
  assert_memory_equal(sealed.public.ptr + 10, policy_of(values).b, 32);
  machine_off(&m);
}

static void test_sealing(void **state) {
  (void)state;
  uint8_t   root[32], got[32], blob[CF_TPM_BLOB_MAX], bad[CF_TPM_BLOB_MAX], zero[32] = {0};
  uint64_t  number;
  cf_hash_t program = fill(1), configuration = fill(2), domain = fill(3), other = fill(4);
  memset(root, 0xa5, sizeof root);
  machine_on(&m, dir_a);
  measure_all(&m);
  cf_wr_t wr = cf_wr_init(blob, sizeof blob);
  must(cf_tpmdev_seal(&m.tpm, &wr, 5, root, &err)); /* PCR 12 is capped by now */
  cf_span_t sealed = cf_wr_out(&wr);
  memset(got, 0xee, sizeof got);
  refused(cf_tpmdev_unseal(&m.tpm, &number, got, sealed, &err), CF_ERR_POLICY); /* not any more in this life */
  assert_memory_equal(got, zero, 32);
  machine_off(&m);

  machine_on(&m, dir_a);                                                        /* the next life, before it has an identity */
  refused(cf_tpmdev_unseal(&m.tpm, &number, got, sealed, &err), CF_ERR_POLICY); /* nothing measured yet */
  must(cf_tpmdev_measure(&m.tpm, &program, &configuration, &domain, &err));
  must(cf_tpmdev_unseal(&m.tpm, &number, got, sealed, &err));
  assert_int_equal(number, 5);
  assert_memory_equal(got, root, 32);
  must(cf_tpmdev_unseal(&m.tpm, &number, got, sealed, &err)); /* and leaves no object behind: a fourth would not fit */
  must(cf_tpmdev_unseal(&m.tpm, &number, got, sealed, &err));
  must(cf_tpmdev_unseal(&m.tpm, &number, got, sealed, &err));

  /* the number is the TPM's word, not the blob's */
  memcpy(bad, blob, sealed.len);
  cf_sealed_root_t parts;
  must(cf_table_decode(&parts, &cf_sealed_root_table, sealed, &err));
  parts.number = 6;
  uint8_t forged[CF_TPM_BLOB_MAX];
  wr = cf_wr_init(forged, sizeof forged);
  cf_table_encode(&wr, &cf_sealed_root_table, &parts);
  refused(cf_tpmdev_unseal(&m.tpm, &number, got, cf_wr_out(&wr), &err), CF_ERR_AUTH);
  bad[sealed.len - 1] ^= 1;
  refused(cf_tpmdev_unseal(&m.tpm, &number, got, CF_SPAN(bad, sealed.len), &err), CF_ERR_AUTH);
  refused(cf_tpmdev_unseal(&m.tpm, &number, got, CF_SPAN(blob, sealed.len - 1), &err), CF_ERR_FORMAT);
  parts.number = 5;
  parts.pcrs = 0x0800;
  wr = cf_wr_init(forged, sizeof forged);
  cf_table_encode(&wr, &cf_sealed_root_table, &parts);
  refused(cf_tpmdev_unseal(&m.tpm, &number, got, cf_wr_out(&wr), &err), CF_ERR_UNSUPPORTED);
  parts.pcrs = CF_TPM_QUOTE_PCRS;
  parts.version = 2;
  wr = cf_wr_init(forged, sizeof forged);
  cf_table_encode(&wr, &cf_sealed_root_table, &parts);
  refused(cf_tpmdev_unseal(&m.tpm, &number, got, cf_wr_out(&wr), &err), CF_ERR_UNSUPPORTED);

  must(cf_tpmdev_identify(&m.tpm, &m.instance, &err));
  refused(cf_tpmdev_unseal(&m.tpm, &number, got, sealed, &err), CF_ERR_POLICY);
  machine_off(&m);

  machine_on(&m, dir_a); /* another program */
  must(cf_tpmdev_measure(&m.tpm, &other, &configuration, &domain, &err));
  refused(cf_tpmdev_unseal(&m.tpm, &number, got, sealed, &err), CF_ERR_POLICY);
  machine_off(&m);

  machine_on(&m, dir_b); /* another TPM, same program */
  must(cf_tpmdev_measure(&m.tpm, &program, &configuration, &domain, &err));
  refused(cf_tpmdev_unseal(&m.tpm, &number, got, sealed, &err), CF_ERR_AUTH);
  machine_off(&m);
}

/* Three slots: many rounds of everything leave none taken. */
static void test_nothing_left_behind(void **state) {
  (void)state;
  cf_tpm_quote_out_t out;
  cf_hash_t          binding = fill(9), values[24];
  machine_on(&m, dir_a);
  for (int i = 0; i < 5; i++) {
    ak_make(&m);
    must(cf_tpmdev_quote(&m.tpm, &out, ak_of(&m), CF_SPAN_OF(binding.b), &err));
  }
  must(cf_tpmdev_pcrs(&m.tpm, values, 24, 0xffffff, &err));
  assert_int_equal(values[17].b[0], 0xff);
  assert_int_equal(values[23].b[0], 0);
  machine_off(&m);
}

/* The seam of all attesters: a quote in parts, by a kept key and by one made for it, over data as short or long as it may be. */
static void test_attester(void **state) {
  (void)state;
  static uint8_t    bytes[CF_ATTESTER_ROOM];
  static cf_facts_t facts;
  static uint8_t    data[CF_ATTESTER_DATA_MAX];
  char              tcti[160];
  cf_hash_t         event = fill(5);
  machine_on(&m, dir_a);
  ak_make(&m);
  must(cf_tpmdev_extend(&m.tpm, 14, &event, &err));
  cf_swtpm_tcti(tcti, sizeof tcti, dir_a);
  for (int kept = 0; kept < 2; kept++) {
    cf_attester_ask_t  ask = {.data = CF_SPAN(data, kept ? 1 : sizeof data), .root = "/nowhere", .tcti = tcti};
    cf_attester_out_t  out;
    cf_evidence_item_t items[CF_ATTESTER_ITEMS_MAX];
    cf_verdict_t       v = {0};
    cf_wr_t            room = cf_wr_init(bytes, sizeof bytes);
    if (kept) ask.ak = ak_of(&m);
    memset(data, 0x40 + kept, sizeof data);
    must(cf_attest(&out, &room, kept ? CF_PLATFORM_TPM : (cf_platform_t)0, &ask, &err));
    assert_int_equal(out.platform, CF_PLATFORM_TPM);
    for (size_t i = 0; i < out.item_cnt; i++)
      items[i] = (cf_evidence_item_t){cf_role_of(CF_SPAN(out.items[i].role, strlen(out.items[i].role))), out.items[i].bytes};
    cf_evidence_ask_t judge = {.items = items, .item_cnt = out.item_cnt, .nonce = ask.data, .at_s = now};
    if (cf_evidence_verify(&facts, &judge, &v)) fail_msg("%s at %s: %s", cf_verdict_name(v.code), v.item, v.text);
    cf_hash_t zero = {{0}}, pcr14 = cf_pcr_extend(&zero, &event);
    assert_true(facts.nonce_held && facts.of.attest.verified && facts.of.attest.has_pcrs);
    assert_memory_equal(facts.of.attest.banks[0].value[14], pcr14.b, 32);
  }
  machine_off(&m);
}

/* ---- a machine as Azure's: a key that the TPM keeps, and a report of the hardware over it in NV ---- */

#define AZURE_AK 0x81000003u
#define AZURE_NV 0x01400001u

static void base64url(char *out, cf_span_t in) {
  cf_b64_encode(out, in);
  for (char *at = out; *at; at++) *at = *at == '+' ? '-' : *at == '/' ? '_' : *at == '=' ? 0 : *at;
}

static void azure_key(ESYS_TR *kept, char *n) {
  TPM2B_PUBLIC template = {
      .publicArea = {
          .type = TPM2_ALG_RSA,
          .nameAlg = TPM2_ALG_SHA256,
          .objectAttributes = 0x00050472,
          .parameters.rsaDetail = {.symmetric.algorithm = TPM2_ALG_NULL,
                                   .scheme = {.scheme = TPM2_ALG_RSASSA, .details.rsassa.hashAlg = TPM2_ALG_SHA256},
                                   .keyBits = 2048},
      }};
  TPM2B_SENSITIVE_CREATE sensitive = {0};
  TPM2B_DATA             outside = {0};
  TPML_PCR_SELECTION     none = {0};
  TPM2B_PUBLIC          *pub = NULL;
  ESYS_TR                key = ESYS_TR_NONE;
  assert_int_equal(Esys_CreatePrimary(m.tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                                      &template, &outside, &none, &key, &pub, NULL, NULL, NULL),
                   0);
  assert_int_equal(
      Esys_EvictControl(m.tpm.esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, AZURE_AK, kept), 0);
  assert_int_equal(Esys_FlushContext(m.tpm.esys, key), 0);
  base64url(n, CF_SPAN(pub->publicArea.unique.rsa.buffer, pub->publicArea.unique.rsa.size));
  Esys_Free(pub);
}

static cf_span_t azure_blob(uint8_t *buf, size_t max, char const *n) {
  char           runtime[512];
  cf_wr_t        wr = cf_wr_init(buf, max);
  size_t         len = (size_t)snprintf(runtime, sizeof runtime,
                                        "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}]}", n);
  cf_hash_t      bound = cf_sha256(CF_SPAN(runtime, len));
  uint32_t const words[] = {(uint32_t)len + 20, 1, CF_HCL_SNP, 1, (uint32_t)len};
  memset(cf_wr_room(&wr, 32 + 1184), 0, 32 + 1184);
  memcpy(buf, "HCLA", 4);
  memcpy(buf + 32 + 0x50, bound.b, 32);
  for (size_t i = 0; i < 5; i++)
    for (int k = 0; k < 4; k++) cf_wr_u8(&wr, (uint8_t)(words[i] >> 8 * k));
  cf_wr_bytes(&wr, runtime, len);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

static void azure_nv(ESYS_TR *nv, cf_span_t blob) {
  TPM2B_AUTH      no_auth = {0};
  TPM2B_NV_PUBLIC space = {.nvPublic = {.nvIndex = AZURE_NV,
                                        .nameAlg = TPM2_ALG_SHA256,
                                        .attributes = TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_NO_DA,
                                        .dataSize = (uint16_t)blob.len}};
  assert_int_equal(
      Esys_NV_DefineSpace(m.tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &space, nv), 0);
  for (size_t at = 0; at < blob.len; at += 512) {
    TPM2B_MAX_NV_BUFFER part = {.size = (uint16_t)(blob.len - at < 512 ? blob.len - at : 512)};
    memcpy(part.buffer, blob.ptr + at, part.size);
    assert_int_equal(
        Esys_NV_Write(m.tpm.esys, ESYS_TR_RH_OWNER, *nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &part, (uint16_t)at), 0);
  }
}

static void test_attester_kept(void **state) {
  (void)state;
  static uint8_t     bytes[CF_ATTESTER_ROOM], buf[2048];
  static cf_facts_t  facts;
  char               tcti[160], n[400];
  ESYS_TR            kept = ESYS_TR_NONE, nv = ESYS_TR_NONE, gone;
  cf_hash_t          nonce = fill(6);
  cf_attester_out_t  out;
  cf_evidence_item_t items[CF_ATTESTER_ITEMS_MAX];
  cf_verdict_t       v = {0};
  cf_wr_t            room = cf_wr_init(bytes, sizeof bytes);
  machine_on(&m, dir_a);
  cf_swtpm_tcti(tcti, sizeof tcti, dir_a);
  cf_attester_ask_t ask = {.data = CF_SPAN_OF(nonce.b), .root = "/nowhere", .tcti = tcti, .ak_handle = AZURE_AK};
  refused(cf_attest(&out, &room, CF_PLATFORM_TPM, &ask, &err), CF_ERR_IO); /* no such key yet */
  azure_key(&kept, n);
  must(cf_attest(&out, &room, CF_PLATFORM_TPM, &ask, &err));
  assert_int_equal(out.item_cnt, 4); /* nobody vouches for it */
  azure_nv(&nv, azure_blob(buf, sizeof buf, n));
  must(cf_attest(&out, &room, CF_PLATFORM_TPM, &ask, &err));
  assert_int_equal(out.item_cnt, 5);
  for (size_t i = 0; i < out.item_cnt; i++)
    items[i] = (cf_evidence_item_t){cf_role_of(CF_SPAN(out.items[i].role, strlen(out.items[i].role))), out.items[i].bytes};
  assert_int_equal(items[4].role, CF_ROLE_HCL_REPORT);
  cf_evidence_ask_t judge = {.items = items, .item_cnt = out.item_cnt, .nonce = ask.data, .at_s = now};
  if (cf_evidence_verify(&facts, &judge, &v)) fail_msg("%s at %s: %s", cf_verdict_name(v.code), v.item, v.text);
  assert_true(facts.nonce_held && facts.of.attest.verified && !(facts.unread & CF_ROLE_BIT(CF_ROLE_HCL_REPORT)));
  assert_int_equal(Esys_NV_UndefineSpace(m.tpm.esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE), 0);
  assert_int_equal(
      Esys_EvictControl(m.tpm.esys, ESYS_TR_RH_OWNER, kept, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, AZURE_AK, &gone), 0);
  machine_off(&m);
}

static void test_ek(void **state) {
  (void)state;
  uint8_t         pub[CF_TPM_PART_MAX], cert[CF_TPMDEV_CERT_MAX];
  size_t          pub_sz, cert_sz;
  cf_tpm_public_t ek;
  machine_on(&m, dir_a);
  must(cf_tpmdev_ek_public(&m.tpm, pub, &pub_sz, sizeof pub, &err));
  must(cf_tpmdev_ek_certificate(&m.tpm, cert, &cert_sz, sizeof cert, &err));
  assert_int_equal(cf_tpm_public_decode(&ek, CF_SPAN(pub, pub_sz), &err), CF_OK);
  cf_span_t       certs[2] = {CF_SPAN(cert, cert_sz), CF_SPAN(ca_certs.issuer, ca_certs.issuer_sz)};
  cf_span_t       root = CF_SPAN(ca_certs.root, ca_certs.root_sz);
  cf_x509_ask_t   ask = {.certs = certs, .cert_cnt = 2, .roots = &root, .root_cnt = 1, .at_s = now, .use = CF_X509_EK};
  cf_x509_facts_t x;
  cf_verdict_t    v = {0};
  assert_int_equal(cf_x509_chain_check(&x, &ask, &v), CF_VERDICT_OK);
  assert_true(cf_key_eq(&x.key, &ek.key)); /* the certificate is of the key that is there */
  assert_false(cf_tpm_is_ak(&ek));
  refused(cf_tpmdev_ek_certificate(&m.tpm, cert, &cert_sz, 10, &err), CF_ERR_BOUND);
  machine_off(&m);
}

static void test_absent(void **state) {
  (void)state;
  cf_tpmdev_t tpm;
  refused(cf_tpmdev_init(&tpm, "swtpm:path=/nonexistent/sock", &err), CF_ERR_IO);
  cf_tpmdev_fini(&tpm);
  cf_swtpm_t swtpm;
  char       long_path[CF_SWTPM_PATH_MAX + 1];
  memset(long_path, 'x', sizeof long_path);
  long_path[CF_SWTPM_PATH_MAX] = 0;
  refused(cf_swtpm_start(&swtpm, long_path, &err), CF_ERR_BOUND);
  refused(cf_swtpm_make(long_path, ca, &err), CF_ERR_BOUND);
  refused(cf_swtpm_start(&swtpm, "/nonexistent", &err), CF_ERR_IO);
  cf_swtpm_ca_t none;
  refused(cf_swtpm_ca(&none, "/nonexistent", &err), CF_ERR_IO);
  must(cf_swtpm_make(dir_a, ca, &err)); /* already made: left alone */
}

static int test_teardown(void **state) {
  (void)state;
  machine_off(&m);
  machine_off(&b);
  return 0;
}

static int group_setup(void **state) {
  (void)state;
  setenv("TSS2_LOG", "all+none", 1);
  cf_crypto_init();
  snprintf(base, sizeof base, "/tmp/cf-tpm-XXXXXX");
  if (!mkdtemp(base)) return -1;
  snprintf(dir_a, sizeof dir_a, "%s/a", base);
  snprintf(dir_b, sizeof dir_b, "%s/b", base);
  snprintf(ca, sizeof ca, "%s/ca", base);
  if (cf_swtpm_make(dir_a, ca, &err) || cf_swtpm_make(dir_b, ca, &err) || cf_swtpm_ca(&ca_certs, ca, &err)) {
    print_error("%s: %s\n", err.item, err.text);
    return -1;
  }
  now = (int64_t)time(NULL);
  return 0;
}

static int group_teardown(void **state) {
  (void)state;
  char command[96];
  snprintf(command, sizeof command, "rm -rf %s", base);
  return system(command);
}

int main(void) {
#define T(name) cmocka_unit_test_teardown(name, test_teardown)
  struct CMUnitTest const tests[] = {
      T(test_whole_way), T(test_ak_blob),      T(test_quotes_refused), T(test_measuring_twice),
      T(test_other_tpm), T(test_ak_is_stable), T(test_sealing),        T(test_policy),
      T(test_ek),        T(test_attester),     T(test_attester_kept),  T(test_nothing_left_behind),
      T(test_absent),
  };
  return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
