/* The entropy handle: where fresh bytes come from.  Programs use the system's;
   the simulator and replay use a seeded one. */
#ifndef CF_CRYPTO_ENTROPY_H
#define CF_CRYPTO_ENTROPY_H

#include "base/cf_bytes.h"

typedef struct {
  void (*fill)(void *ctx, uint8_t *out, size_t n); /* never fails; stops the process if it must */
  void *ctx;
} cf_entropy_t;

static inline void cf_entropy_fill(cf_entropy_t const *e, void *out, size_t n) { e->fill(e->ctx, out, n); }

/* cf_entropy_system is getrandom(2). */
cf_entropy_t cf_entropy_system(void);

/* cf_drbg_t is a deterministic stream: block i is SHA-256("counterfoil/drbg/v1" || 0 || seed || i u64).
   Bytes are handed out in order; a request crosses blocks without gaps. */
typedef struct {
  cf_hash_t seed;
  uint64_t  block;   /* the next to be made */
  uint8_t   buf[64]; /* two blocks, which take little longer than one */
  size_t    left;
} cf_drbg_t;

void         cf_drbg_init(cf_drbg_t *d, cf_hash_t const *seed);
cf_entropy_t cf_drbg_entropy(cf_drbg_t *d);

/* cf_crypto_seed_libcrypto makes libcrypto draw from e as well, so that the
   simulator's real signatures replay bit for bit.  Never linked into products: it lives in
   cf_entropy_sim.c, which only the simulator and tests link. */
void cf_crypto_seed_libcrypto(cf_entropy_t e);

#endif
