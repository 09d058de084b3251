/* Results: arbitrary bytes as a sealed result, and as the plaintext of an authentic one.  One value, one encoding. */
#include <assert.h>

#include "session/cf_result.h"

static uint8_t plain[CF_ENVELOPE_MAX], again[CF_ENVELOPE_MAX];

static void plaintext(cf_span_t in) {
  cf_result_t r;
  cf_error_t  err = {0};
  cf_wr_t     wr = cf_wr_init(again, sizeof again);
  cf_status_t st = cf_table_decode(&r, &cf_result_table, in, &err);
  if (st) {
    assert(err.status == st && err.offset <= in.len);
    return;
  }
  cf_table_encode(&wr, &cf_result_table, &r);
  assert(cf_span_eq(cf_wr_out(&wr), in));
  assert(cf_result_class_name(r.class)[0]);
}

/* The ciphers hang in the secret pool, where the leak checker does not look. */
char const *__asan_default_options(void);
char const *__asan_default_options(void) { return "detect_leaks=0"; }

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static cf_ciphers_t ciphers;
  if (!ciphers.suite) ciphers = cf_ciphers_new(cf_suite(1));
  cf_session_t  session = {.to = {.suite = 1}};
  cf_hash_t     domain = {{0}};
  uint8_t       priv[32] = {1};
  cf_span_t     in = CF_SPAN(data, size);
  cf_error_t    err = {0};
  cf_envelope_t env;
  cf_result_t   r;
  if (size > CF_ENVELOPE_MAX) return 0;
  plaintext(in);
  if (!cf_envelope_decode_result(&env, in)) { /* let it reach the cipher */
    domain = env.domain;
    session.to.epoch = env.epoch;
    memcpy(session.to.session, env.session, sizeof env.session);
  }
  assert(cf_result_open(&r, NULL, plain, &ciphers, &domain, &session, priv, in, &err)); /* nobody can forge one */
  return 0;
}
