/* What the session tests share: one domain, an enclave's epoch and a party, all with fixed keys. */
#ifndef CF_TESTS_SESSION_WORLD_H
#define CF_TESTS_SESSION_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session/cf_result.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define NOW 1800000000u

static inline cf_hash_t h(char const *what) { return cf_sha256(CF_SPAN(what, strlen(what))); }

typedef struct {
  cf_ciphers_t        ciphers;
  cf_hash_t           domain, instance;
  cf_session_target_t target;
  cf_session_epoch_t  epoch;
  uint8_t             wallet[32], result[32];
  cf_x25519_pub_t     result_pub;
  cf_drbg_t           drbg;
  cf_entropy_t        entropy;
  uint8_t             buf[CF_ENVELOPE_MAX], plain[CF_ENVELOPE_MAX];
} world_t;

static inline void world_open(world_t *w, uint64_t suite) {
  cf_hash_t seed = h("seed"), sealing = h("sealing"), wallet = h("wallet"), result = h("result");
  *w = (world_t){.ciphers = cf_ciphers_new(cf_suite(suite)), .domain = h("domain"), .instance = h("instance")};
  w->target = (cf_session_target_t){.domain = w->domain,
                                    .certificate = h("certificate"),
                                    .policy = h("policy"),
                                    .epoch = 7,
                                    .suite = suite,
                                    .jurisdiction = CF_SPAN_LIT("EU")};
  cf_x25519_pub(&w->target.sealing, sealing.b);
  w->epoch = (cf_session_epoch_t){.key = cf_x25519_key_from(sealing.b),
                                  .certificate = w->target.certificate,
                                  .policy = w->target.policy,
                                  .epoch = 7,
                                  .suite = suite};
  memcpy(w->wallet, wallet.b, 32);
  memcpy(w->result, result.b, 32);
  cf_x25519_pub(&w->result_pub, w->result);
  cf_drbg_init(&w->drbg, &seed);
  w->entropy = cf_drbg_entropy(&w->drbg);
}

static inline void world_close(world_t *w) {
  cf_x25519_key_free((cf_x25519_key_t *)(uintptr_t)w->epoch.key);
  cf_ciphers_free(&w->ciphers);
}

/* An opening in w->buf; its bytes. */
static inline cf_span_t begin(world_t *w, cf_session_t *party, uint64_t expiry_s, uint64_t order, cf_span_t input) {
  cf_wr_t wr = cf_wr_init(w->buf, sizeof w->buf);
  assert_int_equal(
      cf_session_begin(party, &wr, &w->ciphers, &w->target, w->wallet, &w->result_pub, expiry_s, order, input, &w->entropy),
      CF_OK);
  return cf_wr_out(&wr);
}

static inline cf_span_t seal(world_t *w, cf_session_t *party, uint64_t order, cf_span_t input) {
  cf_wr_t wr = cf_wr_init(w->buf, sizeof w->buf);
  assert_int_equal(cf_session_seal(party, &wr, &w->ciphers, &w->domain, w->target.jurisdiction, order, input), CF_OK);
  return cf_wr_out(&wr);
}

static inline cf_refuse_t accept_(world_t *w, cf_session_t *s, cf_input_t *input, uint8_t *class, cf_span_t envelope,
                                  uint64_t now_s) {
  cf_envelope_t env;
  cf_refuse_t   refuse = cf_envelope_decode(&env, envelope, sizeof w->buf);
  return refuse ? refuse : cf_session_accept(s, input, class, w->plain, &w->ciphers, &w->domain, &w->epoch, &env, now_s);
}

static inline cf_refuse_t open_(world_t *w, cf_session_t *s, cf_input_t *input, cf_span_t envelope) {
  cf_envelope_t env;
  cf_refuse_t   refuse = cf_envelope_decode(&env, envelope, sizeof w->buf);
  return refuse ? refuse : cf_session_open(s, input, w->plain, &w->ciphers, &env);
}

/* Both ends of a session that is open. */
static inline void connect(world_t *w, cf_session_t *party, cf_session_t *enclave) {
  cf_input_t input;
  uint8_t class;
  assert_int_equal(accept_(w, enclave, &input, &class, begin(w, party, NOW + 60, 1, CF_SPAN_LIT("first")), NOW), CF_REFUSE_NONE);
  assert_int_equal(class, CF_RESULT_ACCEPTED);
}

#endif
