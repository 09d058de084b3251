/* Envelopes: what is accepted is the one encoding of what was read, for inputs and for results. */
#include <assert.h>

#include "session/cf_envelope.h"

static void again(cf_envelope_t env, cf_span_t in) {
  static uint8_t buf[CF_ENVELOPE_MAX];
  cf_span_t      protected_hdr = env.protected_hdr, ciphertext = env.ciphertext;
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  uint8_t       *room = cf_envelope_begin(&wr, &env, ciphertext.len - CF_AEAD_TAG_SZ - 4);
  assert(room && cf_span_eq(env.protected_hdr, protected_hdr));
  memcpy(room, ciphertext.ptr, ciphertext.len);
  assert(cf_span_eq(cf_wr_out(&wr), in));
  assert(in.len <= cf_bucket(ciphertext.len - CF_AEAD_TAG_SZ - 4) + CF_ENVELOPE_HEAD_MAX);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  uint8_t       aad[CF_ENVELOPE_AAD_MAX];
  cf_span_t     in = CF_SPAN(data, size), content;
  cf_hash_t     h = {{0}};
  cf_policy_t   policy = {.suites = {{.suite = 1, .state = 1}}, .suites_cnt = 1};
  cf_envelope_t env;
  if (!cf_envelope_decode(&env, in, CF_ENVELOPE_MAX)) {
    again(env, in);
    assert(cf_envelope_aad(aad, &env, &h, &h).len);
    assert(cf_envelope_admit(&env, &h, &policy, 0)); /* a policy without places admits nobody */
    assert(cf_envelope_decode_result(&env, in));     /* an input is no result */
  } else if (!cf_envelope_decode_result(&env, in)) {
    again(env, in);
  }
  if (!cf_unpad(&content, in)) assert(cf_bucket(content.len) == size);
  return 0;
}
