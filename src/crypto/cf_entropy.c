#include "crypto/cf_entropy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/cf_secret.h"
#include "crypto/cf_hash.h"

static void
system_fill(void *ctx, uint8_t *out, size_t n) {
  (void)ctx;
  while (n) {
    ssize_t got = getrandom(out, n, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) abort();
    out += got;
    n -= (size_t)got;
  }
}

cf_entropy_t
cf_entropy_system(void) {
  return (cf_entropy_t){ .fill = system_fill };
}

void
cf_drbg_init(cf_drbg_t *d, cf_hash_t const *seed) {
  *d = (cf_drbg_t){ .seed = *seed };
}

static void
drbg_make(cf_drbg_t *d) {
  uint8_t   in[2][20 + 32 + 8];
  cf_hash_t out[2];
  for (size_t i = 0; i < 2; i++) {
    cf_wr_t wr = cf_wr_init(in[i], sizeof in[i]);
    cf_wr_bytes(&wr, "counterfoil/drbg/v1", 20); /* with its NUL */
    cf_wr_hash(&wr, &d->seed);
    cf_wr_u64(&wr, d->block++);
  }
  cf_sha256_2(out, (cf_span_t const[2]){ CF_SPAN_OF(in[0]), CF_SPAN_OF(in[1]) });
  for (size_t i = 0; i < 2; i++) memcpy(d->buf + i * sizeof out[i].b, out[i].b, sizeof out[i].b);
  d->left = sizeof d->buf;
  cf_wipe(in, sizeof in);
  cf_wipe(out, sizeof out);
}

static void
drbg_fill(void *ctx, uint8_t *out, size_t n) {
  cf_drbg_t *d = ctx;
  while (n) {
    if (d->left == 0) drbg_make(d);
    size_t part = n < d->left ? n : d->left;
    memcpy(out, d->buf + sizeof d->buf - d->left, part);
    d->left -= part;
    out += part;
    n -= part;
  }
}

cf_entropy_t
cf_drbg_entropy(cf_drbg_t *d) {
  return (cf_entropy_t){ .fill = drbg_fill, .ctx = d };
}
