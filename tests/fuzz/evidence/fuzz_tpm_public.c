/* Input: TPMT_PUBLIC or TPM2B_PUBLIC.  A prefix is never taken, both forms give one key and one name, and the name is the hash.
 */
#include <assert.h>

#include "crypto/cf_hash.h"
#include "evidence/cf_tpm.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t  wrapped[4096];
  cf_tpm_public_t p, q;
  cf_error_t      err = {0};
  uint8_t         name[CF_TPM_NAME_MAX], digest[64];
  if (size > sizeof wrapped - 2) return 0;
  if (cf_tpm_public_decode(&p, CF_SPAN(data, size), &err)) {
    assert(err.status && err.item[0]);
    return 0;
  }
  assert(cf_tpm_public_decode(&q, CF_SPAN(p.bytes.ptr, p.bytes.len - 1), NULL));
  cf_wr_t wr = cf_wr_init(wrapped, sizeof wrapped);
  cf_wr_u16(&wr, (uint16_t)p.bytes.len);
  cf_wr_span(&wr, p.bytes);
  assert(!cf_tpm_public_decode(&q, cf_wr_out(&wr), NULL) && cf_key_eq(&p.key, &q.key) && p.attributes == q.attributes);
  size_t n = cf_tpm_name(name, &p);
  assert(n == 2 + cf_digest_tpm(digest, p.name_alg, p.bytes) && !memcmp(name + 2, digest, n - 2));
  assert(p.key.kind == CF_KEY_RSA || p.key.sz == (p.key.kind == CF_KEY_P256 ? 64 : 96));
  return 0;
}
