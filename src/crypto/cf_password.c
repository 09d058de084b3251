#include "crypto/cf_password.h"

#include <limits.h>
#include <openssl/evp.h>

#include "crypto/cf_lib.h"

static bool scrypt_fits(uint64_t n, uint64_t r, uint64_t p) {
  if (n < 2 || (n & (n - 1)) || !r || !p || n > CF_SCRYPT_WORK_MAX || r > CF_SCRYPT_WORK_MAX || p > CF_SCRYPT_WORK_MAX) return false;
  return n * r <= CF_SCRYPT_MEMORY_MAX / 128 && r * p <= CF_SCRYPT_WORK_MAX / n;
}

cf_status_t cf_scrypt(uint8_t out[32], cf_span_t password, cf_span_t salt, uint64_t n, uint64_t r, uint64_t p) {
  if (!scrypt_fits(n, r, p)) return CF_ERR_BOUND;
  (void)cf_lib();
  /* the limit that libcrypto is told counts its own blocks, too */
  return EVP_PBE_scrypt((char const *)password.ptr, password.len, salt.ptr, salt.len, n, r, p, 2ULL * CF_SCRYPT_MEMORY_MAX, out, 32) == 1
             ? CF_OK
             : CF_ERR_IO;
}

cf_status_t cf_pbkdf2(uint8_t out[32], cf_span_t password, cf_span_t salt, uint64_t rounds) {
  if (!rounds || rounds > CF_PBKDF2_ROUNDS_MAX || password.len > INT_MAX || salt.len > INT_MAX) return CF_ERR_BOUND;
  (void)cf_lib();
  cf_lib_must(PKCS5_PBKDF2_HMAC((char const *)password.ptr, (int)password.len, salt.ptr, (int)salt.len, (int)rounds, EVP_sha256(), 32,
                                out) == 1);
  return CF_OK;
}

void cf_aes128_ctr(uint8_t *out, cf_span_t in, uint8_t const key[16], uint8_t const iv[16]) {
  (void)cf_lib();
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  int             n = 0;
  cf_lib_must(ctx && in.len <= INT_MAX && EVP_EncryptInit_ex2(ctx, EVP_aes_128_ctr(), key, iv, NULL) == 1);
  cf_lib_must(EVP_EncryptUpdate(ctx, out, &n, in.ptr, (int)in.len) == 1 && (size_t)n == in.len);
  EVP_CIPHER_CTX_free(ctx);
}
