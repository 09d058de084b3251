/* SHA-256 (FIPS 180-4) for what enclave and log compute, Keccak-256 (the
   original padding, as Ethereum uses it) for what a ledger computes, HMAC and
   HKDF (RFC 2104, RFC 5869) over SHA-256. */
#ifndef CF_CRYPTO_HASH_H
#define CF_CRYPTO_HASH_H

#include "base/cf_bytes.h"

typedef struct {
  uint8_t opaque[128] __attribute__((aligned(16)));
} cf_sha256_t;

void      cf_sha256_init(cf_sha256_t *ctx);
void      cf_sha256_add(cf_sha256_t *ctx, void const *ptr, size_t n);
cf_hash_t cf_sha256_end(cf_sha256_t *ctx);

cf_hash_t cf_sha256(cf_span_t in);
/* cf_sha256_2 hashes two messages at once, in less than one and a half times the time of one where their lengths are alike. */
void cf_sha256_2(cf_hash_t out[2], cf_span_t const in[2]);
/* cf_sha256_node is SHA-256(0x01 || l || r) (RFC 9162, 2.1.1): two bare compressions. */
cf_hash_t cf_sha256_node(cf_hash_t const *l, cf_hash_t const *r);
/* cf_sha256_node_2 makes two; an out may be one of the inputs. */
void cf_sha256_node_2(cf_hash_t *const out[2], cf_hash_t const *const l[2], cf_hash_t const *const r[2]);
/* cf_sha256_nodes makes the cnt parents of 2 * cnt neighbours, four at a time; out may be child. */
void cf_sha256_nodes(cf_hash_t *out, cf_hash_t const *child, size_t cnt);
/* cf_sha256_leaves makes SHA-256(0x00 || entry) of cnt public entries (RFC 9162, 2.1.1), four at a time.  Entries that are
   hashes may lie where their leaves go. */
void cf_sha256_leaves(cf_hash_t *out, cf_span_t const *entry, size_t cnt);

/* cf_sha256_tag starts SHA-256("counterfoil/<what>/v1" || 0x00 || ...), the
   domain separation of PROTOCOL P1; the caller adds the rest. */
void cf_sha256_tag(cf_sha256_t *ctx, char const *what);
/* cf_sha256_u adds v as n big-endian bytes. */
void cf_sha256_u(cf_sha256_t *ctx, uint64_t v, size_t n);
static inline void cf_sha256_h(cf_sha256_t *ctx, cf_hash_t const *h) { cf_sha256_add(ctx, h->b, sizeof h->b); }
static inline void cf_sha256_s(cf_sha256_t *ctx, cf_span_t s) { cf_sha256_add(ctx, s.ptr, s.len); }

cf_hash_t cf_keccak256(cf_span_t in);
/* cf_keccak256_words hashes n 32-byte words. */
cf_hash_t cf_keccak256_words(cf_hash_t const *words, size_t n);

cf_hash_t cf_hmac_sha256(cf_span_t key, cf_span_t in);
/* A key for several: cf_hmac_key does its part of the work once.  Secret like the key; wiped by the scope that made it. */
typedef struct {
  cf_sha256_t in, out; /* each after its block of the key */
} cf_hmac_t;
void      cf_hmac_key(cf_hmac_t *mac, cf_span_t key);
cf_hash_t cf_hmac_of(cf_hmac_t const *key, cf_span_t in);
/* cf_hkdf_extract and _expand: RFC 5869, 2.2 and 2.3.  out_sz <= 255 * 32. */
cf_hash_t cf_hkdf_extract(cf_span_t salt, cf_span_t ikm);
void      cf_hkdf_expand(uint8_t *out, size_t out_sz, cf_hash_t const *prk, cf_span_t info);

/* SHA-1, SHA-384, SHA-512 for foreign evidence.  alg is a TPM_ALG_ID: 0x0004, 0x000b, 0x000c, 0x000d.  Returns the digest's size,
   0 when alg is not one of these; out holds 64 bytes. */
size_t cf_digest_tpm(uint8_t out[64], uint16_t alg, cf_span_t in);
size_t cf_digest_tpm_sz(uint16_t alg);

#endif
