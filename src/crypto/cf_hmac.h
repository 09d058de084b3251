/* HMAC and HKDF over inputs in parts, for callers that would else have to join
   them.  Internal to crypto/. */
#ifndef CF_CRYPTO_HMAC_H
#define CF_CRYPTO_HMAC_H

#include "base/cf_bytes.h"

cf_hash_t cf_hmac_parts(cf_span_t key, cf_span_t const *parts, size_t part_cnt);
void cf_hkdf_expand_parts(uint8_t *out, size_t out_sz, cf_hash_t const *prk, cf_span_t const *info, size_t part_cnt);

#endif
