/* libcrypto drawing from a seeded stream: signatures replay bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/cf_entropy_sim.c" /* in no library: only the simulator and tests have it */
#include "crypto/cf_sign.h"

static void
run(uint8_t sigs[10][64], uint8_t seed) {
  static cf_drbg_t d;
  cf_hash_t        digest = { { 1 } };
  cf_drbg_init(&d, &(cf_hash_t){ { seed } });
  cf_entropy_t e = cf_drbg_entropy(&d);
  cf_crypto_seed_libcrypto(e);
  cf_p256_key_t *key = cf_p256_key_new(&e);
  cf_p256_pub_t  pub;
  cf_p256_key_pub(key, &pub);
  for (int i = 0; i < 10; i++) {
    cf_p256_sign(key, sigs[i], &digest);
    assert_int_equal(cf_p256_verify(&pub, sigs[i], &digest), CF_OK);
    if (i) assert_memory_not_equal(sigs[i], sigs[i - 1], 64);
  }
  cf_p256_key_free(key);
}

static void
replays(void **state) {
  uint8_t a[10][64], b[10][64];
  run(a, 1);
  run(b, 1);
  assert_memory_equal(a, b, sizeof a);
  run(b, 2);
  assert_memory_not_equal(a, b, sizeof a);
  cf_crypto_init(); /* later, and all the same: the seed stays */
  run(b, 1);
  assert_memory_equal(a, b, sizeof a);
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(replays) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
