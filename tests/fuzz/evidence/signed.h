/* A document of Intel's form around any bytes, signed by a key of the harness, so that what stands inside is read. */
#ifndef SIGNED_H
#define SIGNED_H

#include <stdio.h>

#include "base/cf_text.h"
#include "codec/cf_json.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"

static cf_p256_pub_t signer;

static inline cf_span_t signed_document(uint8_t *out, size_t max, char const *member, cf_span_t value) {
  static cf_p256_key_t *key;
  uint8_t               scalar[32] = {[31] = 7}, sig[64];
  char                  hex[129];
  cf_wr_t               wr = cf_wr_init(out, max);
  if (!key) {
    key = cf_p256_key_from(scalar);
    cf_p256_key_pub(key, &signer);
  }
  cf_hash_t digest = cf_sha256(value);
  cf_p256_sign(key, sig, &digest);
  cf_wr_span(&wr, CF_SPAN_LIT("{\""));
  cf_wr_bytes(&wr, member, strlen(member));
  cf_wr_span(&wr, CF_SPAN_LIT("\":"));
  cf_wr_span(&wr, value);
  cf_wr_span(&wr, CF_SPAN_LIT(",\"signature\":\""));
  cf_wr_bytes(&wr, cf_hex_encode(hex, CF_SPAN_OF(sig)), 128);
  cf_wr_span(&wr, CF_SPAN_LIT("\"}"));
  return cf_wr_out(&wr);
}

#endif
