#include "crypto/cf_lib.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cf_secret.h"
#include "crypto/cf_entropy.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"

void
cf_lib_must(bool ok) {
  if (!ok) abort();
}

static cf_lib_t lib;

static void
lib_load(void) {
  cf_lib_own(&lib);
  lib.p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  cf_lib_must(lib.p256);
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
