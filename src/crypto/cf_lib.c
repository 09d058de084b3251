#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/cf_lib.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/cf_secret.h"
#include "crypto/cf_entropy.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"

#define SECURE_HEAP_SZ  (256 * 1024) /* libcrypto's copies of private keys live here: locked, not dumped */
#define SECURE_HEAP_MIN 32

void
cf_lib_must(bool ok) {
  if (!ok) abort();
}

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

static cf_lib_t lib;

static void
lib_load(void) {
  /* no configuration file may choose the algorithms */
  cf_lib_must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS |
                                      OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
                                  NULL) == 1);
  if (!CRYPTO_secure_malloc_initialized()) (void)CRYPTO_secure_malloc_init(SECURE_HEAP_SZ, SECURE_HEAP_MIN);
  cf_lib_must(RAND_set_rand_method(&rand_method) == 1);

  lib.p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  lib.aead[CF_AEAD_AES128GCM]        = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
  lib.aead[CF_AEAD_AES256GCM]        = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
  lib.aead[CF_AEAD_CHACHA20POLY1305] = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
  cf_lib_must(lib.p256 && lib.aead[0] && lib.aead[1] && lib.aead[2]);

  uint8_t      seed[32];
  cf_entropy_t e = cf_entropy_system();
  cf_entropy_fill(&e, seed, sizeof seed);
  lib.k256 = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  cf_lib_must(lib.k256 && secp256k1_context_randomize(lib.k256, seed) == 1);
  cf_wipe(seed, sizeof seed);
}

cf_lib_t const *
cf_lib(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  cf_lib_must(pthread_once(&once, lib_load) == 0);
  return &lib;
}

/* Each algorithm is used once: what libcrypto loads at first use is loaded now, and one that is broken stops the process. */
void
cf_crypto_init(void) {
  cf_entropy_t e      = cf_entropy_system();
  cf_hash_t    digest = cf_sha256(CF_SPAN_LIT("counterfoil"));
  uint8_t      sig[64], seed[32], box[32 + CF_AEAD_TAG_SZ];
  (void)cf_lib();

  cf_p256_key_t *key = cf_p256_key_new(&e);
  cf_p256_pub_t  pub;
  cf_p256_key_pub(key, &pub);
  cf_p256_sign(key, sig, &digest);
  cf_lib_must(cf_p256_verify(&pub, sig, &digest) == CF_OK);
  sig[40] ^= 1;
  cf_lib_must(cf_p256_verify(&pub, sig, &digest) == CF_ERR_AUTH);
  cf_p256_key_free(key);

  cf_addr_t addr, signer;
  cf_k256_scalar_make(seed, &e);
  cf_lib_must(cf_k256_addr(&addr, seed) == CF_OK && cf_k256_sign(sig, seed, &digest) == CF_OK);
  cf_lib_must(cf_k256_recover(&signer, sig, &digest) == CF_OK && cf_addr_eq(&addr, &signer));

  cf_ed25519_pub_t ed;
  cf_ed25519_pub(&ed, seed);
  cf_ed25519_sign(sig, seed, CF_SPAN_OF(digest.b));
  cf_lib_must(cf_ed25519_verify(&ed, sig, CF_SPAN_OF(digest.b)) == CF_OK);

  for (cf_aead_alg_t alg = CF_AEAD_AES128GCM; alg <= CF_AEAD_CHACHA20POLY1305; alg++) {
    cf_x25519_pub_t x;
    cf_hpke_t       to, from;
    uint8_t         enc[CF_HPKE_ENC_SZ];
    cf_x25519_make(seed, &x, &e);
    cf_lib_must(cf_hpke_send(&to, enc, alg, &x, CF_SPAN_OF(digest.b), &e) == CF_OK);
    cf_lib_must(cf_hpke_recv(&from, alg, enc, seed, CF_SPAN_OF(digest.b)) == CF_OK);
    cf_aead_t *aead = cf_aead_new(alg);
    cf_aead_seal(aead, box, to.key, to.base_nonce, CF_SPAN_OF(enc), CF_SPAN_OF(digest.b));
    cf_lib_must(cf_aead_open(aead, box, from.key, from.base_nonce, CF_SPAN_OF(enc), CF_SPAN_OF(box)) == CF_OK);
    cf_lib_must(memcmp(box, digest.b, sizeof digest.b) == 0);
    cf_aead_free(aead);
    cf_hpke_wipe(&to);
    cf_hpke_wipe(&from);
  }
  cf_wipe(seed, sizeof seed);
}
