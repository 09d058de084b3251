/* libcrypto's low-level functions, deprecated but there: they neither look up nor allocate anything, which is worth
   a factor of four on short inputs. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/cf_hash.h"

#include <assert.h>
#include <endian.h>
#include <nettle/sha3.h>
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(cf_sha256_t), "cf_sha256_t holds a SHA256_CTX");

static SHA256_CTX *
inner(cf_sha256_t *ctx) {
  return (SHA256_CTX *)(void *)ctx->opaque;
}

/* ---- SHA-256 ---- */

void cf_sha256_init(cf_sha256_t *ctx) { SHA256_Init(inner(ctx)); }

void
cf_sha256_add(cf_sha256_t *ctx, void const *ptr, size_t n) {
  if (n) SHA256_Update(inner(ctx), ptr, n);
}

cf_hash_t
cf_sha256_end(cf_sha256_t *ctx) {
  cf_hash_t h;
  SHA256_Final(h.b, inner(ctx));
  return h;
}

cf_hash_t
cf_sha256(cf_span_t in) {
  cf_sha256_t ctx;
  cf_sha256_init(&ctx);
  cf_sha256_s(&ctx, in);
  return cf_sha256_end(&ctx);
}

cf_hash_t
cf_sha256_node(cf_hash_t const *l, cf_hash_t const *r) {
  uint8_t block[128] = { [0] = 0x01, [65] = 0x80, [126] = 65 * 8 >> 8, [127] = 65 * 8 & 0xff };
  memcpy(block + 1, l->b, 32);
  memcpy(block + 33, r->b, 32);
  SHA256_CTX ctx;
  SHA256_Init(&ctx);
  SHA256_Transform(&ctx, block);
  SHA256_Transform(&ctx, block + 64);
  cf_hash_t h;
  for (size_t i = 0; i < 8; i++) {
    uint32_t be = htobe32(ctx.h[i]); /* whole words: the next node reads them at once */
    memcpy(h.b + 4 * i, &be, sizeof be);
  }
  return h;
}

void
cf_sha256_tag(cf_sha256_t *ctx, char const *what) {
  cf_sha256_init(ctx);
  cf_sha256_s(ctx, CF_SPAN_LIT("counterfoil/"));
  cf_sha256_add(ctx, what, strlen(what));
  cf_sha256_s(ctx, CF_SPAN("/v1", 4)); /* with its NUL */
}

void
cf_sha256_u(cf_sha256_t *ctx, uint64_t v, size_t n) {
  uint8_t be[8];
  assert(n <= sizeof be && (n == sizeof be || v >> (8 * n) == 0));
  for (size_t i = 0; i < n; i++) be[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
  cf_sha256_add(ctx, be, n);
}

/* ---- Keccak-256 ---- */

#define KECCAK_RATE_SZ 136

static void
keccak_absorb(struct sha3_state *st, uint8_t const block[KECCAK_RATE_SZ]) {
  for (size_t i = 0; i < KECCAK_RATE_SZ / 8; i++) {
    uint64_t le;
    memcpy(&le, block + 8 * i, sizeof le);
    st->a[i] ^= le64toh(le);
  }
  sha3_permute(st);
}

cf_hash_t
cf_keccak256(cf_span_t in) {
  struct sha3_state st = { { 0 } };
  for (; in.len >= KECCAK_RATE_SZ; in.ptr += KECCAK_RATE_SZ, in.len -= KECCAK_RATE_SZ) keccak_absorb(&st, in.ptr);
  uint8_t last[KECCAK_RATE_SZ] = { 0 };
  if (in.len) memcpy(last, in.ptr, in.len);
  last[in.len] = 0x01; /* the padding before FIPS 202 */
  last[KECCAK_RATE_SZ - 1] |= 0x80;
  keccak_absorb(&st, last);
  cf_hash_t h;
  for (size_t i = 0; i < 4; i++) {
    uint64_t le = htole64(st.a[i]);
    memcpy(h.b + 8 * i, &le, sizeof le);
  }
  return h;
}

cf_hash_t
cf_keccak256_words(cf_hash_t const *words, size_t n) {
  return cf_keccak256(CF_SPAN(words, n * sizeof *words));
}

/* ---- digests of foreign evidence ---- */

enum { TPM_SHA1 = 0x0004, TPM_SHA256 = 0x000b, TPM_SHA384 = 0x000c, TPM_SHA512 = 0x000d };

size_t
cf_digest_tpm_sz(uint16_t alg) {
  switch (alg) {
  case TPM_SHA1:   return 20;
  case TPM_SHA256: return 32;
  case TPM_SHA384: return 48;
  case TPM_SHA512: return 64;
  default:         return 0;
  }
}

size_t
cf_digest_tpm(uint8_t out[64], uint16_t alg, cf_span_t in) {
  union { SHA_CTX sha1; SHA256_CTX sha256; SHA512_CTX sha512; } ctx;
  switch (alg) {
  case TPM_SHA1:
    SHA1_Init(&ctx.sha1);
    SHA1_Update(&ctx.sha1, in.ptr, in.len);
    SHA1_Final(out, &ctx.sha1);
    break;
  case TPM_SHA256:
    SHA256_Init(&ctx.sha256);
    SHA256_Update(&ctx.sha256, in.ptr, in.len);
    SHA256_Final(out, &ctx.sha256);
    break;
  case TPM_SHA384:
    SHA384_Init(&ctx.sha512);
    SHA384_Update(&ctx.sha512, in.ptr, in.len);
    SHA384_Final(out, &ctx.sha512);
    break;
  case TPM_SHA512:
    SHA512_Init(&ctx.sha512);
    SHA512_Update(&ctx.sha512, in.ptr, in.len);
    SHA512_Final(out, &ctx.sha512);
    break;
  default: break;
  }
  return cf_digest_tpm_sz(alg);
}
