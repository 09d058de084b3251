/* Signatures: P-256 (ES256), secp256k1 (EIP-2098, as ledgers check it), Ed25519
   (RFC 8032, notes and cosignatures).  Private keys are 32-byte scalars or
   seeds, in memory of cf_secret_new where they live longer than a call.  All functions
   thread-safe; those with a _t context are not when they share it. */
#ifndef CF_CRYPTO_SIGN_H
#define CF_CRYPTO_SIGN_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"
#include "crypto/cf_entropy.h"

/* cf_crypto_init fetches everything that libcrypto would else fetch lazily
   (algorithms, curve groups, error strings); call once before a sandbox.  Aborts on failure. */
void cf_crypto_init(void);

/* ---- P-256.  Public keys are x || y, 64 bytes; signatures r || s, 64 bytes. ---- */
typedef struct { uint8_t b[64]; } cf_p256_pub_t;
typedef struct cf_p256_key cf_p256_key_t; /* a private key, kept parsed */

cf_p256_key_t *cf_p256_key_new(cf_entropy_t const *e);               /* never NULL */
cf_p256_key_t *cf_p256_key_from(uint8_t const scalar[32]);           /* NULL when 0 or >= n */
void           cf_p256_key_free(cf_p256_key_t *key);                 /* wipes; NULL is fine */
void           cf_p256_key_pub(cf_p256_key_t const *key, cf_p256_pub_t *pub);
void           cf_p256_key_scalar(cf_p256_key_t const *key, uint8_t out[32]);
/* signs SHA-256 digest. ECDSA nonce comes from libcrypto. */
void cf_p256_sign(cf_p256_key_t const *key, uint8_t sig[64], cf_hash_t const *digest);
/* CF_ERR_AUTH also for a point off the curve and r, s outside 1..n-1. */
CF_MUST_CHECK cf_status_t cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest);
/* cf_p256_thumbprint is the RFC 9679 COSE key thumbprint (SHA-256 over {1:2, -1:1, -2:x, -3:y} in deterministic CBOR):
   kid of every ES256 key of ours, and the instance when the key is an identity. */
cf_hash_t cf_p256_thumbprint(cf_p256_pub_t const *pub);

/* ---- secp256k1.  Signatures are EIP-2098: r || (yParity << 255 | s), s low; addresses 20 bytes. ---- */
typedef struct { uint8_t b[20]; } cf_addr_t;

/* cf_k256_scalar_make draws a valid scalar. */
void cf_k256_scalar_make(uint8_t scalar[32], cf_entropy_t const *e);
/* CF_ERR_FORMAT when the scalar is 0 or >= n. */
CF_MUST_CHECK cf_status_t cf_k256_addr(cf_addr_t *addr, uint8_t const scalar[32]);
/* deterministic (RFC 6979) */
CF_MUST_CHECK cf_status_t cf_k256_sign(uint8_t sig[64], uint8_t const scalar[32], cf_hash_t const *digest);
/* cf_k256_recover: the address that signed; CF_ERR_AUTH for high s, r or s out of range, no point. */
CF_MUST_CHECK cf_status_t cf_k256_recover(cf_addr_t *addr, uint8_t const sig[64], cf_hash_t const *digest);
static inline bool cf_addr_eq(cf_addr_t const *a, cf_addr_t const *b) { return memcmp(a->b, b->b, 20) == 0; }

/* ---- Ed25519 ---- */
typedef struct { uint8_t b[32]; } cf_ed25519_pub_t;
void cf_ed25519_pub(cf_ed25519_pub_t *pub, uint8_t const seed[32]);
void cf_ed25519_sign(uint8_t sig[64], uint8_t const seed[32], cf_span_t msg);
CF_MUST_CHECK cf_status_t cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg);

#endif
