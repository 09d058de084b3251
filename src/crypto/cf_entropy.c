#include "crypto/cf_entropy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

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
drbg_fill(void *ctx, uint8_t *out, size_t n) {
  cf_drbg_t *d = ctx;
  for (size_t i = 0; i < n; i++) {
    if (d->left == 0) {
      cf_sha256_t sha;
      cf_sha256_tag(&sha, "drbg");
      cf_sha256_h(&sha, &d->seed);
      cf_sha256_u(&sha, d->block++, 8);
      cf_hash_t h = cf_sha256_end(&sha);
      memcpy(d->buf, h.b, sizeof d->buf);
      d->left = sizeof d->buf;
    }
    out[i] = d->buf[sizeof d->buf - d->left--];
  }
}

cf_entropy_t
cf_drbg_entropy(cf_drbg_t *d) {
  return (cf_entropy_t){ .fill = drbg_fill, .ctx = d };
}
