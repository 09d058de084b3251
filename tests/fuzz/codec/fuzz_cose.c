/* COSE_Sign1: what is accepted is assembled again from its parts, byte for byte, and so is its protected header. */
#include <assert.h>

#include "codec/cf_cose.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t again[1 << 16];
  cf_sign1_t     s;
  cf_error_t     err = { 0 };
  if (size > sizeof again) return 0;
  cf_span_t   in = CF_SPAN(data, size);
  cf_status_t st = cf_sign1_decode(&s, in, NULL, &err);
  if (st) {
    assert(err.status == st && err.offset <= size);
    return 0;
  }
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_sign1_assemble(&wr, s.protected_hdr, s.payload, s.sig);
  assert(cf_span_eq(cf_wr_out(&wr), in));
  wr = cf_wr_init(again, sizeof again);
  cf_sign1_protected(&wr, &s.hdr);
  assert(cf_span_eq(cf_wr_out(&wr), s.protected_hdr));

  cf_p256_pub_t off_curve = { { 0 } };
  assert(cf_sign1_verify(&s, &off_curve) == CF_ERR_AUTH);
  return 0;
}
