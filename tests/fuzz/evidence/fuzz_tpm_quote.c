/* Input: TPMS_ATTEST, with a TPMT_SIGNATURE behind it (u16 length of the first in front).  No decoder takes a part of what it
   takes whole, and nobody but the key's holder makes a quote that verifies. */
#include <assert.h>

#include "evidence/cf_tpm.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_tpm_attest_t    a = {0};
  cf_tpm_signature_t sig;
  cf_rd_t            rd = cf_rd_init(data, size);
  cf_span_t          attest = cf_rd_take_span(&rd, cf_rd_u16(&rd)), signature = cf_rd_take_span(&rd, cf_rd_left(&rd));
  if (rd.bad) return 0;
  if (!cf_tpm_attest_decode(&a, attest, NULL)) {
    assert(a.extra.ptr >= attest.ptr && a.pcr_digest.ptr + a.pcr_digest.len == attest.ptr + attest.len);
    assert(cf_tpm_attest_decode(&a, CF_SPAN(attest.ptr, attest.len - 1), NULL));
  }
  if (!cf_tpm_signature_decode(&sig, signature, NULL))
    assert(cf_tpm_signature_decode(&sig, CF_SPAN(signature.ptr, signature.len - 1), NULL));
  /* P-256's base point: its secret is 1, which no recorded TPM has */
  static cf_key_t const key = {
      .kind = CF_KEY_P256, .sz = 64, .b = {0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63,
                                           0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1,
                                           0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f,
                                           0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57,
                                           0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5}};
  cf_verdict_t         v = {0};
  cf_tpm_quote_t const q = {.attest = attest, .signature = signature, .key = &key, .nonce = a.extra};
  cf_verdict_code_t    code = cf_tpm_quote_verify(&a, &sig, &q, &v);
  assert(code != CF_VERDICT_OK && v.code == code && v.item[0] && v.next);
  return 0;
}
