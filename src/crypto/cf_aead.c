#include "crypto/cf_aead.h"

#include <assert.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/cf_secret.h"
#include "crypto/cf_lib.h"

typedef struct {
  EVP_CIPHER_CTX *ctx; /* libcrypto wipes the key schedule when it is freed */
  bool            keyed;
  uint8_t         key[32]; /* whose schedule ctx holds: making it costs as much as sealing 256 bytes */
} way_t;

/* Opening and sealing have a context each: who opens under one key and answers under another, again and again, keeps both. */
struct cf_aead {
  way_t         open, seal;
  cf_aead_alg_t alg;
  size_t        key_sz;
};

size_t
cf_aead_key_sz(cf_aead_alg_t alg) {
  switch (alg) {
  case CF_AEAD_AES128GCM:        return 16;
  case CF_AEAD_AES256GCM:        return 32;
  case CF_AEAD_CHACHA20POLY1305: return 32;
  }
  return 0;
}

static EVP_CIPHER_CTX *
context(cf_aead_alg_t alg, int sealing) {
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  cf_lib_must(ctx && EVP_CipherInit_ex2(ctx, cf_lib()->aead[alg], NULL, NULL, sealing, NULL) == 1);
  return ctx;
}

cf_aead_t *
cf_aead_new(cf_aead_alg_t alg) {
  cf_aead_t *aead = cf_secret_new(sizeof *aead);
  cf_lib_must(aead);
  aead->open.ctx = context(alg, 0);
  aead->seal.ctx = context(alg, 1);
  aead->alg    = alg;
  aead->key_sz = cf_aead_key_sz(alg);
  return aead;
}

static void
way_forget(way_t *way, cf_aead_alg_t alg, int sealing) {
  if (!way->keyed) return;
  EVP_CIPHER_CTX_free(way->ctx);
  cf_wipe(way, sizeof *way);
  way->ctx = context(alg, sealing);
}

void
cf_aead_forget(cf_aead_t *aead) {
  way_forget(&aead->open, aead->alg, 0);
  way_forget(&aead->seal, aead->alg, 1);
}

void
cf_aead_free(cf_aead_t *aead) {
  if (!aead) return;
  EVP_CIPHER_CTX_free(aead->open.ctx);
  EVP_CIPHER_CTX_free(aead->seal.ctx);
  cf_secret_free(aead);
}

/* libcrypto's AVX-512 code for ChaCha20-Poly1305 leaves the upper halves of the vector registers in use.  All SSE code that
   follows pays for it, Keccak with 1.7 times its time. */
static void
vectors_clean(void) {
#if defined __x86_64__
  if (__builtin_cpu_supports("avx")) __asm__ volatile("vzeroupper");
#endif
}

/* Everything but the tag. */
static void
crypt(cf_aead_t *aead, uint8_t *out, uint8_t const *key, uint8_t const nonce[12], cf_span_t aad, cf_span_t in, int sealing) {
  int    n;
  way_t *way = sealing ? &aead->seal : &aead->open;
  bool   same = way->keyed && cf_ct_eq(way->key, key, aead->key_sz);
  cf_lib_must(EVP_CipherInit_ex2(way->ctx, NULL, same ? NULL : key, nonce, sealing, NULL) == 1);
  if (!same) memcpy(way->key, key, aead->key_sz);
  way->keyed = true;
  if (aad.len) cf_lib_must(EVP_CipherUpdate(way->ctx, NULL, &n, aad.ptr, (int)aad.len) == 1);
  if (in.len) cf_lib_must(EVP_CipherUpdate(way->ctx, out, &n, in.ptr, (int)in.len) == 1 && (size_t)n == in.len);
}

void
cf_aead_seal(cf_aead_t *aead, uint8_t *out, uint8_t const *key, uint8_t const nonce[12], cf_span_t aad, cf_span_t in) {
  assert(in.len <= INT_MAX - CF_AEAD_TAG_SZ && aad.len <= INT_MAX);
  int n;
  crypt(aead, out, key, nonce, aad, in, 1);
  cf_lib_must(EVP_CipherFinal_ex(aead->seal.ctx, out + in.len, &n) == 1 && n == 0);
  cf_lib_must(EVP_CIPHER_CTX_ctrl(aead->seal.ctx, EVP_CTRL_AEAD_GET_TAG, CF_AEAD_TAG_SZ, out + in.len) == 1);
  vectors_clean();
  cf_declassify(out, in.len + CF_AEAD_TAG_SZ, "a ciphertext");
}

cf_status_t
cf_aead_open(cf_aead_t *aead, uint8_t *out, uint8_t const *key, uint8_t const nonce[12], cf_span_t aad, cf_span_t in) {
  if (in.len < CF_AEAD_TAG_SZ) return CF_ERR_FORMAT;
  if (in.len > INT_MAX || aad.len > INT_MAX) return CF_ERR_BOUND;
  uint8_t tag[CF_AEAD_TAG_SZ], rest[CF_AEAD_TAG_SZ];
  int     n;
  in.len -= sizeof tag;
  memcpy(tag, in.ptr + in.len, sizeof tag);
  crypt(aead, out, key, nonce, aad, in, 0);
  cf_lib_must(EVP_CIPHER_CTX_ctrl(aead->open.ctx, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1);
  bool ok = EVP_CipherFinal_ex(aead->open.ctx, rest, &n) == 1;
  vectors_clean();
  if (ok) return CF_OK;
  ERR_clear_error();
  cf_wipe(out, in.len);
  return CF_ERR_AUTH;
}
