/* The bytes of docs/protocol/evidence.md against tests/vectors/evidence/make.py, which computes them from the page alone. */
#include "evidence/cf_eventlog.h"
#include "support.h"

static cf_json_t vec;

static void test_hashes(void **state) {
  (void)state;
  cf_hash_t program = json_hash(vec, "program"), configuration = json_hash(vec, "configuration"),
            domain = json_hash(vec, "domain"), instance = json_hash(vec, "instance"), certificate = json_hash(vec, "certificate");
  assert_hash(cf_pcr12_cap(), json_hash(vec, "cap"));
  assert_hash(cf_pcr11(&program, &configuration, &domain), json_hash(vec, "pcr11"));
  assert_hash(cf_pcr12(&instance), json_hash(vec, "pcr12"));
  cf_hash_t nonces = cf_nonces_hash(json_bytes(vec, "nonces"));
  assert_hash(nonces, json_hash(vec, "nonces_hash"));
  assert_hash(cf_binding(&certificate, &nonces), json_hash(vec, "binding"));
  for (int p = CF_PLATFORM_TPM; p <= CF_PLATFORM_NITRO; p++) {
    char key[2] = {(char)('0' + p), 0};
    assert_hash(cf_measurement((cf_platform_t)p, &program, &configuration, json_bytes(cf_json_get(vec, "registers"), key)),
                json_hash(cf_json_get(vec, "measurement"), key));
    assert_non_null(cf_platform_name((cf_platform_t)p));
  }
  assert_string_equal(cf_platform_name(CF_PLATFORM_CCA), "cca");
  assert_null(cf_platform_name((cf_platform_t)7));
  assert_memory_not_equal(cf_pcr12(&domain).b, cf_pcr12(&instance).b, 32);
}

static void test_nonces(void **state) {
  (void)state;
  uint8_t list[CF_NONCES_MAX + 1][32] = {{0}};
  for (size_t i = 0; i <= CF_NONCES_MAX; i++) list[i][31] = (uint8_t)i;
#define FIRST(n) CF_SPAN(list, 32 * (n))
  assert_int_equal(cf_nonces_check(FIRST(0)), CF_ERR_FORMAT);
  assert_int_equal(cf_nonces_check(FIRST(1)), CF_OK);
  assert_int_equal(cf_nonces_check(FIRST(CF_NONCES_MAX)), CF_OK);
  assert_int_equal(cf_nonces_check(FIRST(CF_NONCES_MAX + 1)), CF_ERR_BOUND);
  assert_int_equal(cf_nonces_check(CF_SPAN(list, 33)), CF_ERR_FORMAT);
  cf_hash_t nonce;
  memcpy(nonce.b, list[3], 32);
  assert_true(cf_nonces_has(FIRST(4), &nonce));
  assert_false(cf_nonces_has(FIRST(3), &nonce));
  memcpy(list[2], list[1], 32); /* equal neighbours */
  assert_int_equal(cf_nonces_check(FIRST(3)), CF_ERR_FORMAT);
  list[2][31] = 0; /* falling */
  assert_int_equal(cf_nonces_check(FIRST(3)), CF_ERR_FORMAT);
}

static void test_carrier(void **state) {
  (void)state;
  cf_span_t         want = json_bytes(vec, "carrier");
  cf_tpm_evidence_t e;
  cf_error_t        err = {0};
  uint8_t           buf[4096];
  cf_wr_t           wr = cf_wr_init(buf, sizeof buf);
  if (cf_carrier_decode(&e, want, &err)) fail_msg("%s: %s", err.item, err.text);
  assert_span(e.attest, CF_SPAN_LIT("attest"));
  assert_span(e.certificate, CF_SPAN_LIT("certificate"));
  assert_int_equal(e.pcrs[12 * 32], 12);
  cf_carrier_encode(&wr, &e);
  assert_span(cf_wr_out(&wr), want);
  for (size_t n = 0; n < want.len; n++) { /* every prefix is refused; so is a byte too many, in and out */
    assert_int_not_equal(cf_carrier_decode(&e, CF_SPAN(want.ptr, n), NULL), CF_OK);
    wr = cf_wr_init(buf, n);
    assert_int_equal(cf_carrier_decode(&e, want, NULL), CF_OK);
    cf_carrier_encode(&wr, &e);
    assert_true(wr.bad);
  }
  memcpy(buf, want.ptr, want.len);
  assert_int_equal(cf_carrier_decode(&e, CF_SPAN(buf, want.len + 1), NULL), CF_ERR_FORMAT);
  buf[want.len - 1] = 2; /* ind: endorsements */
  assert_int_equal(cf_carrier_decode(&e, CF_SPAN(buf, want.len), NULL), CF_ERR_FORMAT);
  memcpy(buf, want.ptr, want.len);
  buf[20] ^= 1; /* in the media type */
  assert_int_equal(cf_carrier_decode(&e, CF_SPAN(buf, want.len), NULL), CF_ERR_UNSUPPORTED);

  assert_int_equal(cf_carrier_decode(&e, want, NULL), CF_OK);
  struct {
    char const *name;
    uint64_t    version;
    bool        ek, ak;
    cf_status_t want;
  } const cases[] = {
      {"both chains", 1, true, true, CF_ERR_FORMAT},
      {"no chain", 1, false, false, CF_ERR_FORMAT},
      {"an AK chain", 1, false, true, CF_OK},
      {"version 2", 2, true, false, CF_ERR_UNSUPPORTED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_tpm_evidence_t other = e, got;
    other.version = cases[i].version;
    other.ek_chain = cases[i].ek ? CF_SPAN_LIT("x") : CF_SPAN(NULL, 0);
    other.ak_chain = cases[i].ak ? CF_SPAN_LIT("x") : CF_SPAN(NULL, 0);
    wr = cf_wr_init(buf, sizeof buf);
    cf_carrier_encode(&wr, &other);
    if (cf_carrier_decode(&got, cf_wr_out(&wr), NULL) != cases[i].want) fail_msg("%s", cases[i].name);
  }
}

static void test_der_split(void **state) {
  (void)state;
  static uint8_t const two[] = {0x30, 1, 0xaa, 0x30, 0x81, 0x80};
  uint8_t              buf[3 + 3 + 128] = {0};
  cf_span_t            out[2];
  size_t               cnt;
  memcpy(buf, two, sizeof two);
  assert_int_equal(cf_der_split(out, &cnt, 2, CF_SPAN_OF(buf)), CF_OK);
  assert_int_equal(cnt, 2);
  assert_int_equal(out[0].len, 3);
  assert_int_equal(out[1].len, 131);
  assert_int_equal(cf_der_split(out, &cnt, 1, CF_SPAN_OF(buf)), CF_ERR_BOUND);
  assert_int_equal(cf_der_split(out, &cnt, 2, CF_SPAN(buf, sizeof buf - 1)), CF_ERR_FORMAT);
  assert_int_equal(cf_der_split(out, &cnt, 2, CF_SPAN(NULL, 0)), CF_OK);
  assert_int_equal(cnt, 0);
  static struct {
    char const *name;
    uint8_t     in[6];
  } const bad[] = {
      {"not a sequence", {0x31, 4}},
      {"indefinite", {0x30, 0x80}},
      {"long form of a short length", {0x30, 0x81, 3}},
      {"leading zero", {0x30, 0x82, 0, 2}},
      {"four bytes of length", {0x30, 0x84}},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    if (cf_der_split(out, &cnt, 2, CF_SPAN_OF(bad[i].in)) != CF_ERR_FORMAT) fail_msg("%s", bad[i].name);
}

static void test_collateral_set(void **state) {
  (void)state;
  cf_json_t          in = cf_json_get(vec, "collateral_items");
  cf_evidence_item_t items[3] = {{CF_ROLE_STATEMENT, json_bytes(in, "statement")},
                                 {CF_ROLE_EVIDENCE, CF_SPAN_LIT("not part of it")},
                                 {CF_ROLE_CRL, json_bytes(in, "crl")}};
  uint8_t            buf[CF_COLLATERAL_SET_MAX];
  cf_wr_t            wr = cf_wr_init(buf, sizeof buf);
  assert_int_equal(cf_collateral_set(&wr, items, 3, json_bytes(in, "root")), CF_OK);
  assert_span(cf_wr_out(&wr), json_bytes(vec, "collateral"));
  assert_hash(cf_sha256(cf_wr_out(&wr)), json_hash(vec, "collateral_hash"));
  items[1] = items[0];
  wr = cf_wr_init(buf, sizeof buf);
  assert_int_equal(cf_collateral_set(&wr, items, 3, json_bytes(in, "root")), CF_ERR_FORMAT); /* twice the same */
  wr = cf_wr_init(buf, 10);
  assert_int_equal(cf_collateral_set(&wr, items, 1, json_bytes(in, "root")), CF_ERR_BOUND);
  assert_int_equal(cf_collateral_set(&wr, items, CF_ITEMS_MAX + 1, json_bytes(in, "root")), CF_ERR_BOUND);
}

static void test_statement_payload(void **state) {
  (void)state;
  cf_span_t      want = json_bytes(vec, "statement_payload");
  cf_statement_t st;
  uint8_t        buf[512];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  assert_int_equal(cf_table_decode(&st, &cf_statement_table, want, NULL), CF_OK);
  assert_int_equal(st.ak_attributes, 0x50472);
  assert_int_equal(st.time, 1700000000);
  cf_table_encode(&wr, &cf_statement_table, &st);
  assert_span(cf_wr_out(&wr), want);
}

/* ---- event logs ---- */

static struct {
  char const *name;
  uint16_t    alg;
} const algs[] = {{"sha1", CF_TPM_SHA1}, {"sha256", CF_TPM_SHA256}, {"sha384", CF_TPM_SHA384}};

static void check_log(char const *file, size_t banks) {
  char      path[512];
  cf_json_t want = cf_json_get(cf_json_get(vec, "event_logs"), file);
  snprintf(path, sizeof path, VECTORS "%s", file);
  cf_span_t log = file_need(path);
  for (size_t a = 0; a < banks; a++) {
    cf_tpm_bank_t bank;
    cf_json_t     pcrs = cf_json_get(want, algs[a].name), value;
    cf_span_t     key;
    uint32_t      mask = 0;
    cf_verdict_t  v = {0};
    assert_int_equal(cf_eventlog_replay(&bank, log, algs[a].alg, NULL), CF_OK);
    for (size_t pos = 0; cf_json_each(pcrs, &pos, &key, &value);) {
      uint64_t i;
      uint8_t  digest[64];
      assert_int_equal(cf_dec_u64(&i, key), CF_OK);
      assert_int_equal(cf_json_hex(digest, cf_digest_tpm_sz(algs[a].alg), value), CF_OK);
      assert_memory_equal(digest, bank.value[i], cf_digest_tpm_sz(algs[a].alg));
      mask |= 1u << i;
    }
    assert_int_equal(mask, bank.mask);
    assert_int_equal(cf_eventlog_check(log, &bank, &v), CF_VERDICT_OK);
    bank.value[2][0] ^= 1; /* a PCR that the log does not touch */
    assert_int_equal(cf_eventlog_check(log, &bank, &v), CF_VERDICT_OK);
    bank.value[7][0] ^= 1;
    assert_int_equal(cf_eventlog_check(log, &bank, &v), CF_VERDICT_EVENT_LOG);
    bank.mask = 1; /* not quoted, not compared */
    v = (cf_verdict_t){0};
    assert_int_equal(cf_eventlog_check(log, &bank, &v), CF_VERDICT_OK);
  }
  cf_tpm_bank_t bank;
  assert_int_equal(cf_eventlog_replay(&bank, log, CF_TPM_SHA512, NULL), CF_ERR_UNSUPPORTED);
}

static void test_event_logs(void **state) {
  (void)state;
  check_log("agile.bin", 3);
  check_log("sha1.bin", 1);
}

/* Which bytes, set to which value, break the crypto-agile log: positions in the header and in the first event (StartupLocality).
 */
static void test_event_log_bytes(void **state) {
  (void)state;
  cf_span_t log = file_need(VECTORS "agile.bin");
  size_t    header = 32 + 16 + 8 + 4 + 12 + 1; /* of the whole first event */
  struct {
    char const *name;
    size_t      at;
    uint8_t     value;
    cf_status_t want;
  } const cases[] = {
      {"as it is", 0, 0, CF_OK},
      {"no algorithms", 32 + 24, 0, CF_ERR_FORMAT},
      {"nine algorithms", 32 + 24, 9, CF_ERR_FORMAT},
      {"many algorithms", 32 + 27, 0x80, CF_ERR_FORMAT},
      {"an algorithm twice", 32 + 28 + 4, 0x04, CF_ERR_FORMAT},
      {"SHA-256 of 20 bytes", 32 + 28 + 6, 20, CF_ERR_FORMAT},
      {"vendor bytes that are not there", 32 + 40, 1, CF_ERR_FORMAT},
      {"two digests", header + 8, 2, CF_ERR_FORMAT},
      {"four digests", header + 8, 4, CF_ERR_FORMAT},
      {"a digest of nobody", header + 12, 0x77, CF_ERR_FORMAT},
      {"a digest twice", header + 12 + 22, 0x04, CF_ERR_FORMAT},
      {"an event for PCR 24", header + 12 + 22 + 34 + 50 + 4 + 17, 24, CF_ERR_FORMAT},
      {"an event size over the end", header + 12 + 22 + 34 + 50 + 3, 0x7f, CF_ERR_FORMAT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t       buf[2048];
    cf_tpm_bank_t bank;
    memcpy(buf, log.ptr, log.len);
    buf[cases[i].at] = cases[i].value;
    cf_status_t st = cf_eventlog_replay(&bank, CF_SPAN(buf, log.len), CF_TPM_SHA256, NULL);
    if (st != cases[i].want) fail_msg("%s: %s", cases[i].name, cf_status_name(st));
  }
}

static void test_event_log_ends(void **state) {
  (void)state;
  cf_span_t     log = file_need(VECTORS "agile.bin");
  cf_tpm_bank_t bank, whole;
  uint8_t       buf[2048];
  assert_int_equal(cf_eventlog_replay(&whole, log, CF_TPM_SHA256, NULL), CF_OK);
  assert_int_equal(cf_eventlog_replay(&bank, CF_SPAN(NULL, 0), CF_TPM_SHA256, NULL), CF_ERR_FORMAT);
  memcpy(buf, log.ptr, log.len);
  buf[log.len - 1] = 1; /* something after the filling */
  assert_int_equal(cf_eventlog_replay(&bank, CF_SPAN(buf, log.len), CF_TPM_SHA256, NULL), CF_ERR_FORMAT);
  memset(buf + log.len - 64, 0xff, 64);
  assert_int_equal(cf_eventlog_replay(&bank, CF_SPAN(buf, log.len), CF_TPM_SHA256, NULL), CF_OK);
  assert_memory_equal(&bank, &whole, sizeof bank);
  assert_int_equal(cf_eventlog_replay(&bank, CF_SPAN(log.ptr, log.len - 64), CF_TPM_SHA256, NULL), CF_OK);

  /* what is proven: the digest of its data, not of anybody's word */
  cf_eventlog_t it;
  cf_event_t    e;
  size_t        events = 0, proven = 0;
  assert_int_equal(cf_eventlog_open(&it, log, CF_TPM_SHA384, NULL), CF_OK);
  while (cf_eventlog_next(&it, &e)) {
    events++;
    proven += cf_event_data_proven(&e, CF_TPM_SHA384);
    assert_false(cf_event_data_proven(&e, CF_TPM_SHA256));
  }
  assert_false(it.rd.bad);
  assert_int_equal(events, 6);
  assert_int_equal(proven, 6);

  /* a second locality, or one that comes late */
  cf_span_t first = CF_SPAN(log.ptr, 73), locality = CF_SPAN(log.ptr + 73, 12 + 22 + 34 + 50 + 4 + 17);
  cf_wr_t   wr = cf_wr_init(buf, sizeof buf);
  cf_wr_span(&wr, first);
  cf_wr_span(&wr, locality);
  cf_wr_span(&wr, locality);
  assert_int_equal(cf_eventlog_replay(&bank, cf_wr_out(&wr), CF_TPM_SHA256, NULL), CF_ERR_FORMAT);
  wr = cf_wr_init(buf, sizeof buf);
  cf_wr_span(&wr, CF_SPAN(log.ptr, log.len - 64));
  cf_wr_span(&wr, locality);
  assert_int_equal(cf_eventlog_replay(&bank, cf_wr_out(&wr), CF_TPM_SHA256, NULL), CF_ERR_FORMAT);
}

static void test_verdicts(void **state) {
  (void)state;
  for (unsigned i = 0; i < CF_VERDICT_CNT; i++) {
    assert_non_null(cf_verdict_name((cf_verdict_code_t)i));
    assert_non_null(cf_verdict_next((cf_verdict_code_t)i));
    assert_int_equal(cf_verdict_status((cf_verdict_code_t)i) == CF_OK, i == CF_VERDICT_OK);
    for (unsigned k = 0; k < i; k++)
      assert_string_not_equal(cf_verdict_name((cf_verdict_code_t)i), cf_verdict_name((cf_verdict_code_t)k));
  }
  cf_verdict_t v = {0};
  assert_int_equal(cf_verdict_set(&v, CF_VERDICT_PCR, "item", 5, "text %d", 1), CF_VERDICT_PCR);
  assert_int_equal(cf_verdict_set(&v, CF_VERDICT_NONCE, "later", 0, "lost"), CF_VERDICT_PCR); /* the first refusal wins */
  assert_string_equal(v.item, "item");
  assert_string_equal(v.text, "text 1");
  assert_int_equal(v.date_s, 5);
}

static int group_setup(void **state) {
  (void)state;
  vec = json_need(VECTORS "measure.json");
  return 0;
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_hashes),     cmocka_unit_test(test_nonces),          cmocka_unit_test(test_carrier),
      cmocka_unit_test(test_der_split),  cmocka_unit_test(test_collateral_set),  cmocka_unit_test(test_statement_payload),
      cmocka_unit_test(test_event_logs), cmocka_unit_test(test_event_log_bytes), cmocka_unit_test(test_event_log_ends),
      cmocka_unit_test(test_verdicts),
  };
  return cmocka_run_group_tests(tests, group_setup, NULL);
}
