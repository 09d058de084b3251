/* Input: an attestation result.  What was read, sealed anew, reads the same. */
#include <assert.h>

#include "document/cf_ear.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t       buf[4096];
  static uint8_t const scalar[32] = {[31] = 5};
  cf_ear_t             ear, again;
  cf_sign1_t           sign1;
  cf_error_t           err = {0};
  if (cf_ear_open(&ear, &sign1, CF_SPAN(data, size), &err)) {
    assert(err.status);
    return 0;
  }
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_p256_key_t *key = cf_p256_key_from(scalar);
  cf_ear_seal(&wr, &ear, key, "fuzz");
  cf_p256_key_free(key);
  assert(!wr.bad && !cf_ear_open(&again, &sign1, cf_wr_out(&wr), NULL));
  assert(cf_span_eq(ear.verdict, again.verdict) && cf_span_eq(ear.nonce, again.nonce));
  again.verdict = ear.verdict;
  again.nonce = ear.nonce;
  assert(memcmp(&ear, &again, sizeof ear) == 0);
  return 0;
}
