/* Plaintexts of openings and of session inputs, authentic and arbitrary: the party is hostile.  The fuzzer writes the content;
   here it is padded (or not), sealed, and opened.  What comes back is the content's own bytes. */
#include <assert.h>

#include "base/cf_secret.h"
#include "session/cf_result.h"

static struct {
  bool               ready;
  cf_ciphers_t       ciphers;
  cf_hash_t          h;
  cf_x25519_pub_t    sealing, result;
  cf_session_epoch_t epoch;
  cf_session_t       session;
  uint8_t            envelope[CF_ENVELOPE_MAX], plain[CF_ENVELOPE_MAX];
} w;

static void start(void) {
  uint8_t   priv[32] = {1}, wallet[32] = {2};
  cf_drbg_t drbg;
  w.ready = true;
  w.ciphers = cf_ciphers_new(cf_suite(1));
  w.epoch = (cf_session_epoch_t){.key = cf_x25519_key_from(priv), .suite = 1};
  cf_x25519_pub(&w.sealing, priv);
  cf_x25519_pub(&w.result, wallet);
  cf_drbg_init(&drbg, &w.h);
  cf_entropy_t        e = cf_drbg_entropy(&drbg);
  cf_wr_t             wr = cf_wr_init(w.envelope, sizeof w.envelope);
  cf_session_target_t target = {.suite = 1, .sealing = w.sealing, .jurisdiction = CF_SPAN_LIT("EU")};
  assert(!cf_session_begin(&w.session, &wr, &w.ciphers, &target, wallet, &w.result, 9, 1, CF_SPAN(NULL, 0), &e));
}

static cf_envelope_t seal(cf_envelope_t env, cf_aead_t *aead, uint8_t const *key, uint8_t const *nonce, cf_span_t content,
                          bool pad) {
  uint8_t  aad[CF_ENVELOPE_AAD_MAX];
  cf_wr_t  wr = cf_wr_init(w.envelope, sizeof w.envelope);
  uint8_t *room = cf_envelope_begin(&wr, &env, content.len);
  size_t   size = cf_bucket(content.len);
  memset(room, 0, size);
  if (content.len) memcpy(room + (pad ? 4 : 0), content.ptr, content.len);
  if (pad) cf_pad(room, content.len);
  cf_aead_seal(aead, room, key, nonce, cf_envelope_aad(aad, &env, &w.h, &w.h), CF_SPAN(room, size));
  cf_envelope_t out;
  assert(!cf_envelope_decode(&out, cf_wr_out(&wr), sizeof w.envelope));
  return out;
}

static void opening(cf_span_t content, bool pad) {
  cf_hpke_t     hpke;
  cf_drbg_t     drbg;
  cf_entropy_t  e = cf_drbg_entropy(&drbg);
  cf_envelope_t env = {.kind = CF_ENVELOPE_OPENING, .suite = w.ciphers.suite, .jurisdiction = CF_SPAN_LIT("EU")};
  cf_session_t  s;
  cf_input_t    input;
  uint8_t class;
  cf_drbg_init(&drbg, &w.h);
  assert(!cf_hpke_send(&hpke, env.enc, env.suite->hpke_aead, &w.sealing, CF_SPAN(NULL, 0), &e));
  cf_session_id_of(env.session, env.enc);
  env = seal(env, w.ciphers.hpke, hpke.key, hpke.base_nonce, content, pad);
  cf_refuse_t refuse = cf_session_accept(&s, &input, &class, w.plain, &w.ciphers, &w.h, &w.epoch, &env, 5);
  assert(!refuse || refuse == CF_REFUSE_UNAUTHENTIC);
  if (refuse) return;
  assert(input.form && (!pad || input.body.len + 129 == content.len));
  assert(class == CF_RESULT_ACCEPTED || class == CF_RESULT_EXPIRED || class == CF_RESULT_SIGNATURE);
}

static void in_session(cf_span_t content, bool pad) {
  uint8_t       nonce[12];
  cf_session_t  s = w.session;
  cf_input_t    input;
  cf_envelope_t env = {.kind = CF_ENVELOPE_SESSION, .suite = w.ciphers.suite, .counter = 1, .jurisdiction = CF_SPAN_LIT("EU")};
  memcpy(env.session, s.to.session, sizeof env.session);
  cf_envelope_nonce(nonce, s.in_iv, 1);
  env = seal(env, w.ciphers.session, s.in_key, nonce, content, pad);
  assert(cf_session_open(&s, &input, w.plain, &w.ciphers, &env) == CF_REFUSE_NONE && s.in.highest == 1);
  assert(input.form || (input.order == 0 && input.body.len == 0));
  if (pad)
    assert(input.form == (content.len >= 8) &&
           (!input.form || cf_span_eq(input.body, CF_SPAN(content.ptr + 8, content.len - 8))));
}

/* The ciphers hang in the secret pool, where the leak checker does not look. */
char const *__asan_default_options(void);
char const *__asan_default_options(void) { return "detect_leaks=0"; }

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  uint8_t      again[CF_SESSION_ENCODED_SZ];
  cf_session_t s;
  if (!w.ready) start();
  if (size < 1 || size > 4096) return 0;
  cf_span_t content = CF_SPAN(data + 1, size - 1);
  switch (data[0] & 7) {
  case 0:
    opening(content, true);
    break;
  case 1:
    opening(content, false);
    break;
  case 2:
    in_session(content, true);
    break;
  case 3:
    in_session(content, false);
    break;
  default: { /* a session's state */
    cf_rd_t rd = cf_rd_span(content);
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    if (cf_session_decode(&s, &rd)) return 0;
    cf_session_encode(&wr, &s);
    assert(!memcmp(again, content.ptr, sizeof again));
  }
  }
  return 0;
}
