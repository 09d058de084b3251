#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/cf_entropy.h"

#include <openssl/rand.h>

#include "crypto/cf_lib.h"

static cf_entropy_t source;

static int
source_bytes(unsigned char *out, int n) {
  cf_entropy_fill(&source, out, (size_t)n);
  return 1;
}

static int source_status(void) { return 1; }

static RAND_METHOD const method = { .bytes = source_bytes, .pseudorand = source_bytes, .status = source_status };

void
cf_crypto_seed_libcrypto(cf_entropy_t e) {
  (void)cf_lib(); /* first, because loading sets the system's method */
  source = e;
  cf_lib_must(RAND_set_rand_method(&method) == 1);
}
