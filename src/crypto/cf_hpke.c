/* RFC 9180 with its own names: enc, pkR, dh, kem_context, shared_secret, key_schedule_context. */
#include "crypto/cf_aead.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/cf_secret.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_hmac.h"
#include "crypto/cf_lib.h"

/* ---- X25519 (RFC 7748) ---- */

struct cf_x25519_key {
  EVP_PKEY *pkey; /* its scalar is in libcrypto's secure heap, wiped when freed */
  uint8_t   pub[32];
};

static void
key_init(cf_x25519_key_t *key, uint8_t const priv[32]) {
  (void)cf_lib();
  size_t n  = sizeof key->pub;
  key->pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, priv, 32);
  cf_lib_must(key->pkey && EVP_PKEY_get_raw_public_key(key->pkey, key->pub, &n) == 1 && n == sizeof key->pub);
  cf_declassify(key->pub, sizeof key->pub, "a public key");
}

static void key_fini(cf_x25519_key_t *key) { EVP_PKEY_free(key->pkey); }

cf_x25519_key_t *
cf_x25519_key_from(uint8_t const priv[32]) {
  cf_x25519_key_t *key = cf_secret_new(sizeof *key);
  cf_lib_must(key);
  key_init(key, priv);
  return key;
}

void
cf_x25519_key_free(cf_x25519_key_t *key) {
  if (!key) return;
  key_fini(key);
  cf_secret_free(key);
}

void
cf_x25519_pub(cf_x25519_pub_t *pub, uint8_t const priv[32]) {
  cf_x25519_key_t key;
  key_init(&key, priv);
  memcpy(pub->b, key.pub, sizeof pub->b);
  key_fini(&key);
}

void
cf_x25519_make(uint8_t priv[32], cf_x25519_pub_t *pub, cf_entropy_t const *e) {
  cf_entropy_fill(e, priv, 32);
  cf_x25519_pub(pub, priv);
}

/* CF_ERR_AUTH when peer has low order: then dh is all zeros (RFC 9180, 7.1.4). */
static cf_status_t
x25519(uint8_t dh[32], EVP_PKEY *key, uint8_t const peer[32]) {
  static uint8_t const zeros[32];
  size_t               n   = 32;
  EVP_PKEY            *pub = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer, 32);
  EVP_PKEY_CTX        *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
  cf_lib_must(pub && ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, pub, 0) == 1);
  bool ok = EVP_PKEY_derive(ctx, dh, &n) == 1 && !cf_ct_eq(dh, zeros, 32);
  if (!ok) ERR_clear_error();
  EVP_PKEY_CTX_free(ctx);
  EVP_PKEY_free(pub);
  return ok ? CF_OK : CF_ERR_AUTH;
}

/* ---- labelled HKDF (section 4), key schedule (5.1), KEM (4.1) ---- */

#define KEM_SUITE CF_SPAN_LIT("KEM\x00\x20")

/* The suite_id of everything above the KEM: X25519 (0x0020), HKDF-SHA256 (1), AEAD (7.3). */
static cf_span_t
suite_of(cf_aead_alg_t alg) {
  switch (alg) {
  case CF_AEAD_AES128GCM:        return CF_SPAN_LIT("HPKE\x00\x20\x00\x01\x00\x01");
  case CF_AEAD_AES256GCM:        return CF_SPAN_LIT("HPKE\x00\x20\x00\x01\x00\x02");
  case CF_AEAD_CHACHA20POLY1305: return CF_SPAN_LIT("HPKE\x00\x20\x00\x01\x00\x03");
  }
  return CF_SPAN(NULL, 0);
}

static cf_hash_t
labeled_extract(cf_span_t suite, cf_span_t salt, cf_span_t label, cf_span_t ikm) {
  cf_span_t parts[] = { CF_SPAN_LIT("HPKE-v1"), suite, label, ikm };
  return cf_hmac_parts(salt, parts, sizeof parts / sizeof *parts);
}

static void
labeled_expand(cf_span_t suite, uint8_t *out, size_t out_sz, cf_hash_t const *prk, cf_span_t label, cf_span_t info) {
  uint8_t   length[] = { (uint8_t)(out_sz >> 8), (uint8_t)out_sz };
  cf_span_t parts[]  = { CF_SPAN_OF(length), CF_SPAN_LIT("HPKE-v1"), suite, label, info };
  cf_hkdf_expand_parts(out, out_sz, prk, parts, sizeof parts / sizeof *parts);
}

static void
key_schedule(cf_hpke_t *ctx, cf_aead_alg_t alg, cf_hash_t const *shared_secret, cf_span_t info) {
  cf_span_t const empty = CF_SPAN(NULL, 0), suite = suite_of(alg);
  uint8_t         key_schedule_context[65];
  cf_wr_t         wr = cf_wr_init(key_schedule_context, sizeof key_schedule_context);
  cf_hash_t       psk_id_hash = labeled_extract(suite, empty, CF_SPAN_LIT("psk_id_hash"), empty);
  cf_hash_t       info_hash   = labeled_extract(suite, empty, CF_SPAN_LIT("info_hash"), info);
  cf_wr_u8(&wr, 0x00); /* mode_base */
  cf_wr_hash(&wr, &psk_id_hash);
  cf_wr_hash(&wr, &info_hash);

  cf_hash_t secret = labeled_extract(suite, CF_SPAN_OF(shared_secret->b), CF_SPAN_LIT("secret"), empty);
  *ctx = (cf_hpke_t){ .alg = alg };
  labeled_expand(suite, ctx->key, cf_aead_key_sz(alg), &secret, CF_SPAN_LIT("key"), cf_wr_out(&wr));
  labeled_expand(suite, ctx->base_nonce, sizeof ctx->base_nonce, &secret, CF_SPAN_LIT("base_nonce"), cf_wr_out(&wr));
  labeled_expand(suite, ctx->exporter, sizeof ctx->exporter, &secret, CF_SPAN_LIT("exp"), cf_wr_out(&wr));
  cf_wipe(&secret, sizeof secret);
}

/* Encap and Decap differ only in whose key is at hand and whose comes from outside. */
static cf_status_t
kem(cf_hash_t *shared_secret, EVP_PKEY *own, uint8_t const peer[32], uint8_t const enc[32], uint8_t const pkR[32]) {
  uint8_t     dh[32];
  cf_status_t st = x25519(dh, own, peer);
  if (!st) {
    uint8_t kem_context[64];
    memcpy(kem_context, enc, 32);
    memcpy(kem_context + 32, pkR, 32);
    cf_hash_t eae_prk = labeled_extract(KEM_SUITE, CF_SPAN(NULL, 0), CF_SPAN_LIT("eae_prk"), CF_SPAN_OF(dh));
    labeled_expand(KEM_SUITE, shared_secret->b, sizeof shared_secret->b, &eae_prk, CF_SPAN_LIT("shared_secret"),
                   CF_SPAN_OF(kem_context));
    cf_wipe(&eae_prk, sizeof eae_prk);
  }
  cf_wipe(dh, sizeof dh);
  return st;
}

cf_status_t
cf_hpke_send(cf_hpke_t *ctx, uint8_t enc[32], cf_aead_alg_t alg, cf_x25519_pub_t const *pub, cf_span_t info,
             cf_entropy_t const *e) {
  uint8_t   skE[32];
  cf_hash_t shared_secret = { { 0 } };
  cf_entropy_fill(e, skE, sizeof skE);
  cf_x25519_key_t ephemeral;
  key_init(&ephemeral, skE);
  cf_status_t st = kem(&shared_secret, ephemeral.pkey, pub->b, ephemeral.pub, pub->b);
  if (st) goto out;
  key_schedule(ctx, alg, &shared_secret, info);
  memcpy(enc, ephemeral.pub, sizeof ephemeral.pub);
out:
  key_fini(&ephemeral);
  cf_wipe(skE, sizeof skE);
  cf_wipe(&shared_secret, sizeof shared_secret);
  return st;
}

cf_status_t
cf_hpke_recv_key(cf_hpke_t *ctx, cf_aead_alg_t alg, uint8_t const enc[32], cf_x25519_key_t const *key, cf_span_t info) {
  cf_hash_t   shared_secret = { { 0 } };
  cf_status_t st            = kem(&shared_secret, key->pkey, enc, enc, key->pub);
  if (!st) key_schedule(ctx, alg, &shared_secret, info);
  cf_wipe(&shared_secret, sizeof shared_secret);
  return st;
}

cf_status_t
cf_hpke_recv(cf_hpke_t *ctx, cf_aead_alg_t alg, uint8_t const enc[32], uint8_t const priv[32], cf_span_t info) {
  cf_x25519_key_t key;
  key_init(&key, priv);
  cf_status_t st = cf_hpke_recv_key(ctx, alg, enc, &key, info);
  key_fini(&key);
  return st;
}

void
cf_hpke_export(cf_hpke_t const *ctx, uint8_t *out, size_t out_sz, cf_span_t exporter_context) {
  cf_hash_t exporter;
  memcpy(exporter.b, ctx->exporter, sizeof exporter.b);
  labeled_expand(suite_of(ctx->alg), out, out_sz, &exporter, CF_SPAN_LIT("sec"), exporter_context);
  cf_wipe(&exporter, sizeof exporter);
}

void cf_hpke_wipe(cf_hpke_t *ctx) { cf_wipe(ctx, sizeof *ctx); }
