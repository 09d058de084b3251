/* A dozen members of councils verify the same signatures.  Each is verified once by the real code, and the answer remembered:
   verification is a function of key, signature and message.  The linker puts these before the real ones (--wrap,
   cmake/sim.cmake). */
#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"

#define MEMO_CNT 65536 /* a power of two; the newest answer of a place stays */

cf_status_t __real_cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg);
cf_status_t __real_cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest);
cf_status_t __wrap_cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg);
cf_status_t __wrap_cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest);

typedef struct {
  bool        known;
  cf_hash_t   what;
  cf_status_t status;
} memo_t;
static memo_t memo[MEMO_CNT];

static memo_t *place(char const *kind, cf_span_t pub, uint8_t const sig[64], cf_span_t msg, cf_hash_t *what) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, kind);
  cf_sha256_add(&ctx, pub.ptr, pub.len);
  cf_sha256_add(&ctx, sig, 64);
  cf_sha256_add(&ctx, msg.ptr, msg.len);
  *what = cf_sha256_end(&ctx);
  return &memo[(what->b[0] << 8 | what->b[1]) % MEMO_CNT];
}

static cf_status_t learn(memo_t *m, cf_hash_t const *what, cf_status_t status) {
  *m = (memo_t){true, *what, status};
  return status;
}

cf_status_t __wrap_cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg) {
  cf_hash_t what;
  memo_t   *m = place("ed25519", CF_SPAN_OF(pub->b), sig, msg, &what);
  return m->known && cf_hash_eq(&m->what, &what) ? m->status : learn(m, &what, __real_cf_ed25519_verify(pub, sig, msg));
}

cf_status_t __wrap_cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest) {
  cf_hash_t what;
  memo_t   *m = place("p256", CF_SPAN_OF(pub->b), sig, CF_SPAN_OF(digest->b), &what);
  return m->known && cf_hash_eq(&m->what, &what) ? m->status : learn(m, &what, __real_cf_p256_verify(pub, sig, digest));
}
