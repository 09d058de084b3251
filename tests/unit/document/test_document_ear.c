/* Attestation results: round trip, every claim altered, every byte cut. */
#include "codec/cf_cbor.h"
#include "document_world.h"

static example_t  ex;
static instance_t who;

static int set_up(void **state) {
  example_init(&ex);
  example_found(&ex);
  who = instance_make(0);
  who.certificate = example_hash("certificate", 0);
  return 0;
}

static int tear_down(void **state) {
  instance_free(&who);
  return 0;
}

static cf_span_t seal(uint8_t *buf, size_t max, cf_ear_t const *ear) {
  cf_p256_key_t *key = example_p256("verifier es256", 0);
  cf_wr_t        wr = cf_wr_init(buf, max);
  cf_ear_seal(&wr, ear, key, "verifier-0");
  cf_p256_key_free(key);
  return cf_wr_out(&wr);
}

static void test_round_trip(void **state) {
  uint8_t       buf[2048], again[2048];
  cf_ear_t      ear = example_ear(&ex, &who), out;
  cf_sign1_t    s, t;
  cf_p256_pub_t pub = example_p256_pub("verifier es256", 0);
  cf_span_t     e = seal(buf, sizeof buf, &ear);
  assert_int_equal(cf_ear_open(&out, &s, e, NULL), CF_OK);
  assert_int_equal(cf_sign1_verify(&s, &pub), CF_OK);
  assert_span(s.hdr.iss, CF_SPAN_LIT("verifier-0"));
  assert_span(s.hdr.sub, CF_SPAN_LIT("enclave"));
  cf_span_t two = seal(again, sizeof again, &out);
  assert_int_equal(cf_ear_open(&out, &t, two, NULL), CF_OK);
  assert_span(s.payload, t.payload);
  assert_span(s.protected_hdr, t.protected_hdr);
  assert_int_equal(out.vector[0], 2);
  assert_int_equal(out.vector[3], 0);
  assert_memory_equal(out.policy, ex.policy_hash.b, 32);
  for (size_t n = 0; n < e.len; n++) assert_int_not_equal(cf_ear_open(&out, &s, CF_SPAN(buf, n), NULL), CF_OK);
}

/* Who asked with a nonce of his own finds it again; one of another length is none. */
static void test_nonce(void **state) {
  uint8_t    buf[2048], nonce[65] = {7};
  cf_ear_t   ear = example_ear(&ex, &who), out;
  cf_sign1_t s;
  for (size_t n = 1; n <= sizeof nonce; n++) {
    ear.nonce = CF_SPAN(nonce, n);
    cf_status_t st = cf_ear_open(&out, &s, seal(buf, sizeof buf, &ear), NULL);
    assert_int_equal(st, n < 8 || n > 64 ? CF_ERR_FORMAT : CF_OK);
    if (!st) assert_span(out.nonce, ear.nonce);
  }
}

/* Any altered bit is refused, or another value, or breaks the signature: nothing reads as the same. */
static void test_altered(void **state) {
  uint8_t       buf[2048];
  cf_ear_t      ear = example_ear(&ex, &who), out;
  cf_sign1_t    s;
  cf_p256_pub_t pub = example_p256_pub("verifier es256", 0);
  cf_span_t     e = seal(buf, sizeof buf, &ear);
  for (size_t bit = 0; bit < 8 * e.len; bit++) {
    buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (cf_ear_open(&out, &s, e, NULL) == CF_OK && cf_sign1_verify(&s, &pub) == CF_OK) fail_msg("bit %zu", bit);
    buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

static struct {
  char const *name;
  uint64_t    status;
  char const *verdict;
  uint64_t    debug, platform, time, until;
  cf_status_t want;
} const bounds[] = {
    {"affirming", 2, "ok", 0, 1, T0, T0, CF_OK},
    {"contraindicated", 96, "measurement", 1, 1, T0, T0, CF_OK},
    {"warning", 32, "tcb", 0, 255, T0, T0, CF_OK},
    {"ends of time", 2, "ok", 0, 1, (1ULL << 40) - 1, (1ULL << 40) - 1, CF_OK},
    {"affirming what is not ok", 2, "measurement", 0, 1, T0, T0, CF_ERR_BOUND},
    {"refusing what is ok", 96, "ok", 0, 1, T0, T0, CF_ERR_BOUND},
    {"a status of nobody's", 3, "ok", 0, 1, T0, T0, CF_ERR_BOUND},
    {"no status", 0, "ok", 0, 1, T0, T0, CF_ERR_BOUND},
    {"debug 2", 2, "ok", 2, 1, T0, T0, CF_ERR_BOUND},
    {"platform 256", 2, "ok", 0, 256, T0, T0, CF_ERR_BOUND},
    {"too late", 2, "ok", 0, 1, 1ULL << 40, T0, CF_ERR_BOUND},
    {"until too late", 2, "ok", 0, 1, T0, 1ULL << 40, CF_ERR_BOUND},
    {"a verdict of 33", 96, "123456789012345678901234567890123", 0, 1, T0, T0, CF_ERR_BOUND},
};

static void test_bounds(void **state) {
  for (size_t i = 0; i < CF_COUNT_OF(bounds); i++) {
    uint8_t    buf[2048];
    cf_ear_t   ear = example_ear(&ex, &who), out;
    cf_sign1_t s;
    cf_error_t err = {0};
    ear.status = bounds[i].status;
    ear.verdict = SPAN_STR(bounds[i].verdict);
    ear.debug = bounds[i].debug;
    ear.platform = bounds[i].platform;
    ear.time = bounds[i].time;
    ear.until = bounds[i].until;
    memset(&out, 0x77, sizeof out);
    cf_status_t st = cf_ear_open(&out, &s, seal(buf, sizeof buf, &ear), &err);
    if (st != bounds[i].want) fail_msg("%s: %s, %s", bounds[i].name, cf_status_name(st), err.text);
    assert_int_equal(err.status, st);
    if (st) assert_int_equal(out.time, UINT64_C(0x7777777777777777)); /* nothing half-read escapes */
  }
}

/* ---- claims left out, added, of another type: a payload made of the pairs of a good one ---- */

typedef struct {
  cf_span_t key, value;
  int64_t   label;
} pair_t;

static size_t pairs_of(pair_t *out, cf_span_t payload) {
  cf_rd_t rd = cf_rd_span(payload);
  size_t  n = 0;
  for (cf_cbor_map_t m = cf_cbor_map(&rd); cf_cbor_next(&m); n++) {
    out[n].key = m.last;
    out[n].label = m.key;
    out[n].value = cf_cbor_skip(&rd);
  }
  assert_true(cf_rd_done(&rd));
  return n;
}

static cf_status_t open_pairs(pair_t const *p, size_t n, size_t without, pair_t const *instead) {
  uint8_t        payload[2048], buf[4096];
  cf_wr_t        w = cf_wr_init(payload, sizeof payload), wr = cf_wr_init(buf, sizeof buf);
  cf_p256_key_t *key = example_p256("verifier es256", 0);
  cf_cose_hdr_t  hdr = {.iss = CF_SPAN_LIT("v"), .sub = CF_SPAN_LIT("enclave"), .typ = CF_SPAN_LIT(CF_EAR_TYP)};
  cf_cbor_w_map(&w, n - (without < n && !instead) + (without == n && instead));
  for (size_t i = 0; i < n; i++) {
    if (i == without && !instead) continue;
    cf_wr_span(&w, p[i].key);
    cf_wr_span(&w, i == without ? instead->value : p[i].value);
  }
  if (without == n && instead) {
    cf_wr_span(&w, instead->key);
    cf_wr_span(&w, instead->value);
  }
  cf_sign1_encode(&wr, key, &hdr, cf_wr_out(&w));
  cf_p256_key_free(key);
  cf_ear_t   out;
  cf_sign1_t s;
  return cf_ear_open(&out, &s, cf_wr_out(&wr), NULL);
}

static void test_claims(void **state) {
  uint8_t    buf[2048];
  pair_t     p[32];
  cf_ear_t   ear = example_ear(&ex, &who), out;
  cf_sign1_t s;
  assert_int_equal(cf_ear_open(&out, &s, seal(buf, sizeof buf, &ear), NULL), CF_OK);
  size_t n = pairs_of(p, s.payload);
  assert_int_equal(n, 18);
  assert_int_equal(open_pairs(p, n, n, NULL), CF_OK);
  for (size_t i = 0; i < n; i++) {
    pair_t other = {.value = CF_SPAN_LIT("\xf5")}; /* true */
    assert_int_equal(open_pairs(p, n, i, NULL), p[i].label == 265 ? CF_ERR_UNSUPPORTED : CF_ERR_FORMAT);
    assert_int_not_equal(open_pairs(p, n, i, &other), CF_OK);
  }
  pair_t unknown = {.key = CF_SPAN_LIT("\x3a\x00\x01\x86\x9f"), .value = CF_SPAN_LIT("\x01")}; /* -100000: 1 */
  assert_int_equal(open_pairs(p, n, n, &unknown), CF_OK); /* receivers of an EAT ignore what they do not know */
  pair_t profile = {.value = CF_SPAN_LIT("\x61x")};
  for (size_t i = 0; i < n; i++)
    if (p[i].label == 265) assert_int_equal(open_pairs(p, n, i, &profile), CF_ERR_UNSUPPORTED);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_nonce),
      cmocka_unit_test(test_altered),
      cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_claims),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
