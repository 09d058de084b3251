/* Keccak, and the digests of foreign evidence: libcrypto's low-level functions, deprecated but there, neither look up nor allocate
   anything, which is worth a factor of four on short inputs. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/cf_hash.h"

#include <endian.h>
#include <nettle/sha3.h>
#include <openssl/sha.h>

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
