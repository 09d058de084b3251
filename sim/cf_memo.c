/* A dozen members of councils verify the same signatures.  Each is verified once by the real code, and the answer remembered:
   verification is a function of key, signature and message.  The linker puts these before the real ones (--wrap,
   cmake/sim.cmake). */
#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"

#define MEMO_CNT 16384 /* a power of two; the newest answer of a place stays */

cf_status_t __real_cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg);
cf_status_t __real_cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest);
cf_status_t __real_cf_k256_recover(cf_addr_t *addr, uint8_t const sig[64], cf_hash_t const *digest);
cf_status_t __wrap_cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg);
cf_status_t __wrap_cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest);
cf_status_t __wrap_cf_k256_recover(cf_addr_t *addr, uint8_t const sig[64], cf_hash_t const *digest);

typedef struct {
  cf_hash_t   what;
  cf_status_t status;
  cf_addr_t   addr; /* recovered */
} memo_t;
static memo_t memo[MEMO_CNT];

/* The place of a question; *what is in it when it was asked before.  A place that was never used holds a hash that none is. */
static memo_t *place(char kind, cf_span_t pub, uint8_t const sig[64], cf_span_t msg, cf_hash_t *what) {
  cf_sha256_t ctx;
  cf_sha256_init(&ctx);
  cf_sha256_add(&ctx, &kind, 1);
  cf_sha256_s(&ctx, pub);
  cf_sha256_add(&ctx, sig, 64);
  cf_sha256_s(&ctx, msg);
  *what = cf_sha256_end(&ctx);
  return &memo[(what->b[0] << 8 | what->b[1]) % MEMO_CNT];
}

cf_status_t __wrap_cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg) {
  cf_hash_t what;
  memo_t   *m = place('e', CF_SPAN_OF(pub->b), sig, msg, &what);
  if (!cf_hash_eq(&m->what, &what)) *m = (memo_t){.what = what, .status = __real_cf_ed25519_verify(pub, sig, msg)};
  return m->status;
}

cf_status_t __wrap_cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest) {
  cf_hash_t what;
  memo_t   *m = place('p', CF_SPAN_OF(pub->b), sig, CF_SPAN_OF(digest->b), &what);
  if (!cf_hash_eq(&m->what, &what)) *m = (memo_t){.what = what, .status = __real_cf_p256_verify(pub, sig, digest)};
  return m->status;
}

cf_status_t __wrap_cf_k256_recover(cf_addr_t *addr, uint8_t const sig[64], cf_hash_t const *digest) {
  cf_hash_t what;
  memo_t   *m = place('k', CF_SPAN(NULL, 0), sig, CF_SPAN_OF(digest->b), &what);
  if (!cf_hash_eq(&m->what, &what)) {
    *m = (memo_t){.what = what};
    m->status = __real_cf_k256_recover(&m->addr, sig, digest);
  }
  if (!m->status) *addr = m->addr;
  return m->status;
}
