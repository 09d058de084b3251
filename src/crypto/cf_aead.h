/* AEAD and HPKE.  Contexts are made once and reused; no allocation in seal and open. */
#ifndef CF_CRYPTO_AEAD_H
#define CF_CRYPTO_AEAD_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"
#include "crypto/cf_entropy.h"

#define CF_AEAD_TAG_SZ   16
#define CF_AEAD_NONCE_SZ 12

typedef enum { CF_AEAD_AES128GCM, CF_AEAD_AES256GCM, CF_AEAD_CHACHA20POLY1305 } cf_aead_alg_t;
size_t cf_aead_key_sz(cf_aead_alg_t alg);

/* One cipher context serves many keys: setting another key than the last one is the cost of its schedule. */
typedef struct cf_aead cf_aead_t;
cf_aead_t *cf_aead_new(cf_aead_alg_t alg); /* never NULL */
void       cf_aead_free(cf_aead_t *aead);
/* cf_aead_forget erases the keys that it used last, of which it keeps the schedules: for when their time is over. */
void       cf_aead_forget(cf_aead_t *aead);

/* cf_aead_seal writes in.len + 16 bytes to out (which may be in.ptr). */
void cf_aead_seal(cf_aead_t *aead, uint8_t *out, uint8_t const *key, uint8_t const nonce[12], cf_span_t aad, cf_span_t in);
/* cf_aead_open writes in.len - 16 bytes; on CF_ERR_AUTH out is wiped.  CF_ERR_FORMAT when in is shorter than a tag,
   CF_ERR_BOUND when in or aad is 2 GiB or more. */
CF_MUST_CHECK cf_status_t cf_aead_open(cf_aead_t *aead, uint8_t *out, uint8_t const *key, uint8_t const nonce[12], cf_span_t aad,
                                       cf_span_t in);

/* ---- HPKE base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AEAD by argument (AES-128-GCM: COSE-HPKE 41;
   ChaCha20-Poly1305: 42). ---- */
#define CF_HPKE_ENC_SZ 32
#define CF_HPKE_KEY_SZ 32
typedef struct { uint8_t b[32]; } cf_x25519_pub_t;

void cf_x25519_make(uint8_t priv[32], cf_x25519_pub_t *pub, cf_entropy_t const *e);
void cf_x25519_pub(cf_x25519_pub_t *pub, uint8_t const priv[32]);

/* A private key kept parsed, with its public half: saves the half of cf_hpke_recv that makes it from the scalar. */
typedef struct cf_x25519_key cf_x25519_key_t;
cf_x25519_key_t *cf_x25519_key_from(uint8_t const priv[32]); /* never NULL */
void             cf_x25519_key_free(cf_x25519_key_t *key);   /* wipes; NULL is fine */

/* A one-message context: the exporter secret outlives the first message. */
typedef struct {
  cf_aead_alg_t alg;
  uint8_t       key[32];        /* cf_aead_key_sz(alg) bytes used */
  uint8_t       base_nonce[12]; /* nonce of message 0 */
  uint8_t       exporter[32];
} cf_hpke_t;

/* cf_hpke_send: enc receives the ephemeral public key.  CF_ERR_AUTH for a public key of low order. */
CF_MUST_CHECK cf_status_t cf_hpke_send(cf_hpke_t *ctx, uint8_t enc[32], cf_aead_alg_t alg, cf_x25519_pub_t const *pub, cf_span_t info,
                                       cf_entropy_t const *e);
CF_MUST_CHECK cf_status_t cf_hpke_recv(cf_hpke_t *ctx, cf_aead_alg_t alg, uint8_t const enc[32], uint8_t const priv[32], cf_span_t info);
/* cf_hpke_recv_key is cf_hpke_recv for a key that opens more than once. */
CF_MUST_CHECK cf_status_t cf_hpke_recv_key(cf_hpke_t *ctx, cf_aead_alg_t alg, uint8_t const enc[32], cf_x25519_key_t const *key,
                                           cf_span_t info);
/* Export (RFC 9180, 5.3); out_sz <= 255 * 32. */
void cf_hpke_export(cf_hpke_t const *ctx, uint8_t *out, size_t out_sz, cf_span_t exporter_context);
void cf_hpke_wipe(cf_hpke_t *ctx);

#endif
