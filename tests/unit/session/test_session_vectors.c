/* The vectors of docs/protocol/envelopes.md, which a second implementation made (tests/vectors/session/make_envelopes.py):
   everything is made again here, byte for byte, and opened. */
#include "base/cf_text.h"
#include "codec/cf_json.h"
#include "session_world.h"

static uint8_t file[1 << 16], pool[1 << 16];
static size_t  pool_len;

static cf_span_t bytes_of(cf_json_t v) {
  if (v.type != CF_JSON_STRING) fail_msg("not a string of hex");
  size_t   n = (v.text.len - 2) / 2;
  uint8_t *at = pool + pool_len;
  assert_true(n <= sizeof pool - pool_len);
  assert_int_equal(cf_json_hex(at, n, v), CF_OK);
  pool_len += n;
  return CF_SPAN(at, n);
}

static cf_span_t bytes(cf_json_t row, char const *key) { return bytes_of(cf_json_get(row, key)); }

static cf_hash_t hash(cf_json_t row, char const *key) {
  cf_hash_t out;
  cf_span_t s = bytes(row, key);
  assert_int_equal(s.len, 32);
  memcpy(out.b, s.ptr, 32);
  return out;
}

static uint64_t number(cf_json_t row, char const *key) {
  uint64_t v;
  assert_int_equal(cf_json_u64(&v, cf_json_get(row, key)), CF_OK);
  return v;
}

static cf_span_t item(cf_json_t row, char const *key, size_t i) {
  cf_json_t v;
  size_t    pos = 0;
  for (size_t k = 0; k <= i; k++)
    if (!cf_json_each(cf_json_get(row, key), &pos, NULL, &v)) fail_msg("%s has no item %zu", key, i);
  return bytes_of(v);
}

static void assert_bytes(cf_span_t got, cf_span_t want) {
  assert_int_equal(got.len, want.len);
  assert_memory_equal(got.ptr, want.ptr, want.len);
}

/* The party and the enclave of one row, made from its secrets. */
static void world_from(world_t *w, cf_json_t row) {
  cf_hash_t sealing = hash(row, "sealing_secret"), wallet = hash(row, "wallet_secret"), result = hash(row, "result_secret");
  cf_hash_t seed = hash(row, "party_seed");
  world_open(w, number(row, "suite"));
  w->domain = hash(row, "domain");
  w->instance = hash(row, "instance");
  w->target = (cf_session_target_t){.domain = w->domain,
                                    .certificate = hash(row, "certificate"),
                                    .policy = hash(row, "policy"),
                                    .epoch = number(row, "epoch"),
                                    .suite = number(row, "suite"),
                                    .jurisdiction = CF_SPAN_LIT("EU")};
  cf_x25519_pub(&w->target.sealing, sealing.b);
  cf_x25519_key_free((cf_x25519_key_t *)(uintptr_t)w->epoch.key);
  w->epoch = (cf_session_epoch_t){.key = cf_x25519_key_from(sealing.b),
                                  .certificate = w->target.certificate,
                                  .policy = w->target.policy,
                                  .epoch = w->target.epoch,
                                  .suite = w->target.suite};
  memcpy(w->wallet, wallet.b, 32);
  memcpy(w->result, result.b, 32);
  cf_x25519_pub(&w->result_pub, w->result);
  cf_drbg_init(&w->drbg, &seed);
}

static void check_envelopes(world_t *w, cf_json_t row, cf_session_t *party, cf_session_t *enclave) {
  cf_input_t input;
  uint8_t class;
  for (size_t i = 0; i < 3; i++) {
    cf_span_t want = item(row, "envelopes", i), body = item(row, "inputs", i);
    cf_span_t got = i ? seal(w, party, i + 1, body) : begin(w, party, number(row, "expiry"), 1, body);
    assert_bytes(got, want);
    cf_hash_t id = cf_envelope_id(got);
    assert_bytes(CF_SPAN_OF(id.b), item(row, "ids", i));
    if (i) assert_int_equal(open_(w, enclave, &input, got), CF_REFUSE_NONE);
    else assert_int_equal(accept_(w, enclave, &input, &class, got, NOW), CF_REFUSE_NONE);
    assert_int_equal(input.order, i + 1);
    assert_bytes(input.body, body);
  }
  assert_int_equal(class, CF_RESULT_ACCEPTED);
}

static void check_keys(cf_json_t row, cf_session_t const *s) {
  uint8_t inbound[44];
  memcpy(inbound, s->in_key, 32);
  memcpy(inbound + 32, s->in_iv, 12);
  assert_bytes(CF_SPAN_OF(inbound), bytes(row, "inbound"));
  assert_bytes(CF_SPAN_OF(s->out_secret), bytes(row, "out_secret"));
  assert_bytes(CF_SPAN_OF(s->to.session), bytes(row, "session"));
  assert_bytes(CF_SPAN_OF(s->owner.b), bytes(row, "owner"));
  cf_span_t enc = bytes(row, "enc");
  cf_hash_t domain = hash(row, "domain");
  cf_hash_t digest = cf_session_digest(&domain, &s->certificate, enc.ptr, &s->to.key, s->expiry_s);
  assert_bytes(CF_SPAN_OF(digest.b), bytes(row, "digest"));
  uint8_t   sig[64];
  cf_hash_t wallet = hash(row, "wallet_secret");
  assert_int_equal(cf_k256_sign(sig, wallet.b, &digest), CF_OK);
  assert_bytes(CF_SPAN_OF(sig), bytes(row, "signature"));
}

static void check_results(world_t *w, cf_json_t row, cf_session_t *party, cf_session_t *enclave) {
  static uint8_t sealed[CF_RESULT_SEALED_MAX], plain[CF_BUCKET_MAX], content[2048];
  cf_hash_t      successor = hash(row, "successor"), seed = hash(row, "result_seed");
  cf_error_t     err = {0};
  for (size_t i = 0; i < 4; i++) {
    cf_result_t r, got;
    cf_span_t   want = item(row, "results", i);
    cf_wr_t     wr = cf_wr_init(sealed, sizeof sealed), re = cf_wr_init(content, sizeof content);
    assert_int_equal(cf_table_decode(&r, &cf_result_table, want, &err), CF_OK);
    if (i < 3) {
      cf_result_seal(&wr, &w->ciphers, &w->domain, enclave, i < 2 ? &w->instance : &successor, &r);
    } else {
      cf_drbg_t    drbg;
      cf_entropy_t e = cf_drbg_entropy(&drbg);
      cf_drbg_init(&drbg, &seed);
      assert_int_equal(cf_result_seal_key(&wr, &w->ciphers, &w->domain, &enclave->to, &w->instance, &r, &e), CF_OK);
    }
    assert_bytes(cf_wr_out(&wr), item(row, "sealed", i));
    assert_int_equal(cf_result_open(&got, NULL, plain, &w->ciphers, &w->domain, party, w->result, cf_wr_out(&wr), &err), CF_OK);
    cf_table_encode(&re, &cf_result_table, &got);
    assert_bytes(cf_wr_out(&re), want);
  }
}

static void vectors(void **state) {
  FILE *f = fopen(CF_SOURCE_DIR "/tests/vectors/session/envelopes.json", "rb");
  if (!f) fail_msg("the vectors are missing");
  size_t n = fread(file, 1, sizeof file, f);
  fclose(f);
  cf_json_t  json, row;
  cf_error_t err = {0};
  assert_int_equal(cf_json_parse(&json, CF_SPAN(file, n), &err), CF_OK);
  size_t pos = 0, rows = 0;
  while (cf_json_each(cf_json_get(json, "suites"), &pos, NULL, &row)) {
    static world_t w;
    cf_session_t   party, enclave;
    world_from(&w, row);
    check_envelopes(&w, row, &party, &enclave);
    check_keys(row, &enclave);
    check_results(&w, row, &party, &enclave);
    world_close(&w);
    pool_len = 0;
    rows++;
  }
  assert_int_equal(rows, 2);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(vectors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
