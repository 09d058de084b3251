#include "crypto/cf_sign.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/cf_secret.h"
#include "crypto/cf_lib.h"

static EVP_PKEY *
seed_key(uint8_t const seed[32]) {
  (void)cf_lib();
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed, 32);
  cf_lib_must(key);
  return key;
}

void
cf_ed25519_pub(cf_ed25519_pub_t *pub, uint8_t const seed[32]) {
  EVP_PKEY *key = seed_key(seed);
  size_t    n   = sizeof pub->b;
  cf_lib_must(EVP_PKEY_get_raw_public_key(key, pub->b, &n) == 1 && n == sizeof pub->b);
  cf_declassify(pub->b, sizeof pub->b, "a public key");
  EVP_PKEY_free(key);
}

void
cf_ed25519_sign(uint8_t sig[64], uint8_t const seed[32], cf_span_t msg) {
  EVP_PKEY   *key = seed_key(seed);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  size_t      n   = 64;
  cf_lib_must(ctx && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1);
  cf_lib_must(EVP_DigestSign(ctx, sig, &n, msg.ptr, msg.len) == 1 && n == 64);
  cf_declassify(sig, 64, "a signature");
  EVP_MD_CTX_free(ctx);
  EVP_PKEY_free(key);
}

/* libcrypto refuses s >= L and compares R's bytes, so a signature has one form.  It takes any key, though: here one of
   small order, under which a signature fits many messages, and one with y >= p, a second name for a key, are refused. */
static bool
key_sound(cf_ed25519_pub_t const *pub) {
  static uint8_t const small[][32] = { /* y of the points of order 4, 1, 8, 8, 2; either sign of x */
    { 0x00 },
    { 0x01 },
    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
      0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
      0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
    { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
  };
  uint8_t y[32];
  memcpy(y, pub->b, sizeof y);
  y[31] &= 0x7f;
  for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
    if (memcmp(y, small[i], sizeof y) == 0) return false;
  }
  bool all_ones = y[31] == 0x7f; /* y >= p = 2^255 - 19 */
  for (size_t i = 1; i < 31; i++) all_ones = all_ones && y[i] == 0xff;
  return !(all_ones && y[0] >= 0xed);
}

cf_status_t
cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg) {
  (void)cf_lib();
  if (!key_sound(pub)) return CF_ERR_AUTH;
  EVP_PKEY   *key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, pub->b, sizeof pub->b);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  cf_lib_must(key && ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1);
  bool ok = EVP_DigestVerify(ctx, sig, 64, msg.ptr, msg.len) == 1;
  if (!ok) ERR_clear_error();
  EVP_MD_CTX_free(ctx);
  EVP_PKEY_free(key);
  return ok ? CF_OK : CF_ERR_AUTH;
}
