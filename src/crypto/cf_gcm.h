/* AES-GCM (NIST SP 800-38D, nonces of 12 bytes) by the processor's AES and carry-less multiplication.  Internal to crypto/ and its
   tests: cf_aead.c chooses it where the instructions are, because a session's envelope is short and its key another one than the
   last, and most of libcrypto's time then goes to finding out what it is asked for.

   Takes the same time for all keys and all data of a length: no table, no branch on either. */
#ifndef CF_CRYPTO_GCM_H
#define CF_CRYPTO_GCM_H

#include "base/cf_bytes.h"
#include "crypto/cf_aead.h"

typedef struct {
  uint8_t  round[15][16]; /* key schedule */
  uint8_t  power[8][16];  /* of the hash key: [i] is H^(i+1) times x, byte-reversed */
  unsigned rounds;
} cf_gcm_t __attribute__((aligned(16)));

/* cf_aead_new where the instructions are missing. */
cf_aead_t *cf_aead_new_libcrypto(cf_aead_alg_t alg);

bool cf_gcm_here(void); /* the others are called only where this holds */

/* key_sz is 16 or 32. */
void cf_gcm_key(cf_gcm_t *g, uint8_t const *key, size_t key_sz);
/* cf_gcm_crypt encrypts (sealing) or decrypts in.len bytes to out, which may be in.ptr, and makes the tag of aad and ciphertext. */
void cf_gcm_crypt(cf_gcm_t const *g, uint8_t *out, uint8_t tag[16], uint8_t const nonce[12], cf_span_t aad, cf_span_t in,
                  bool sealing);

#endif
