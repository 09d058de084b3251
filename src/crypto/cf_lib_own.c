#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/cf_secret.h"
#include "crypto/cf_entropy.h"
#include "crypto/cf_lib.h"

#define SECURE_HEAP_SZ  (256 * 1024) /* libcrypto's copies of private keys live here: locked, not dumped */
#define SECURE_HEAP_MIN 32

/* libcrypto's nonces come straight from getrandom(2): no generator state to protect, nothing to go wrong over fork,
   and none of the generator's other system calls (getpid, clock) in a sandbox. */
static int
rand_bytes(unsigned char *out, int n) {
  cf_entropy_t e = cf_entropy_system();
  cf_entropy_fill(&e, out, (size_t)n);
  return 1;
}

static int rand_status(void) { return 1; }

static RAND_METHOD const rand_method = { .bytes = rand_bytes, .pseudorand = rand_bytes, .status = rand_status };

void
cf_lib_own(cf_lib_t *lib) {
  /* no configuration file may choose the algorithms */
  cf_lib_must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS |
                                      OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
                                  NULL) == 1);
  if (!CRYPTO_secure_malloc_initialized()) (void)CRYPTO_secure_malloc_init(SECURE_HEAP_SZ, SECURE_HEAP_MIN);
  cf_lib_must(RAND_set_rand_method(&rand_method) == 1);

  lib->aead[CF_AEAD_AES128GCM]        = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
  lib->aead[CF_AEAD_AES256GCM]        = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
  lib->aead[CF_AEAD_CHACHA20POLY1305] = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
  cf_lib_must(lib->aead[0] && lib->aead[1] && lib->aead[2]);

  uint8_t      seed[32];
  cf_entropy_t e = cf_entropy_system();
  cf_entropy_fill(&e, seed, sizeof seed);
  lib->k256 = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  cf_lib_must(lib->k256 && secp256k1_context_randomize(lib->k256, seed) == 1);
  cf_wipe(seed, sizeof seed);
}
