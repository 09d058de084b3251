/* Keys from passwords, and the cipher that key files use them with: scrypt (RFC 7914), PBKDF2 (RFC 8018, with HMAC-SHA-256), AES-128
   in counter mode (NIST SP 800-38A).  Slow and hungry on purpose: what an unknown file asks for is bounded here.  Thread-safe. */
#ifndef CF_CRYPTO_PASSWORD_H
#define CF_CRYPTO_PASSWORD_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

#define CF_SCRYPT_MEMORY_MAX (512u << 20) /* 128 n r bytes */
#define CF_SCRYPT_WORK_MAX   (1u << 23)   /* n r p: four times what is customary */
#define CF_PBKDF2_ROUNDS_MAX 10000000u

/* cf_scrypt fills out with a key of 32 bytes.  CF_ERR_BOUND, at once: n is not a power of two above 1, r or p is 0, or one of the
   limits above is passed.  CF_ERR_IO: no memory for it. */
CF_MUST_CHECK cf_status_t cf_scrypt(uint8_t out[32], cf_span_t password, cf_span_t salt, uint64_t n, uint64_t r, uint64_t p);
/* CF_ERR_BOUND: rounds 0 or above CF_PBKDF2_ROUNDS_MAX. */
CF_MUST_CHECK cf_status_t cf_pbkdf2(uint8_t out[32], cf_span_t password, cf_span_t salt, uint64_t rounds);

/* cf_aes128_ctr xors in with the key stream that begins at counter iv; both directions are this.  out may be in. */
void cf_aes128_ctr(uint8_t *out, cf_span_t in, uint8_t const key[16], uint8_t const iv[16]);

#endif
