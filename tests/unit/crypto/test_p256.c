#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"
#include "hex.h"

#define P  "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
#define N  "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define N1 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"
#define Z  "0000000000000000000000000000000000000000000000000000000000000000"
#define FF "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

/* RFC 6979, A.2.5 */
#define D  "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define UX "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define UY "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define R  "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
#define S  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"

static cf_p256_pub_t
pub_of(char const *hex) {
  uint8_t       buf[HEX_MAX];
  cf_p256_pub_t pub;
  memcpy(pub.b, unhex(buf, hex).ptr, sizeof pub.b);
  return pub;
}

static void
verify_cases(void **state) {
  static struct { char const *name, *pub, *sig, *msg; cf_status_t want; } const cases[] = {
    { "RFC 6979, sample", UX UY, R S, "sample", CF_OK },
    { "RFC 6979, test", UX UY,
      "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
      "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083", "test", CF_OK },
    { "another message", UX UY, R S, "sampld", CF_ERR_AUTH },
    { "r and s swapped", UX UY, S R, "sample", CF_ERR_AUTH },
    { "r = 0", UX UY, Z S, "sample", CF_ERR_AUTH },
    { "s = 0", UX UY, R Z, "sample", CF_ERR_AUTH },
    { "both 0", UX UY, Z Z, "sample", CF_ERR_AUTH },
    { "r = n", UX UY, N S, "sample", CF_ERR_AUTH },
    { "s = n", UX UY, R N, "sample", CF_ERR_AUTH },
    { "r = n - 1", UX UY, N1 S, "sample", CF_ERR_AUTH },
    { "s = n - 1", UX UY, R N1, "sample", CF_ERR_AUTH },
    { "r = p", UX UY, P S, "sample", CF_ERR_AUTH },
    { "all ones", UX UY, FF FF, "sample", CF_ERR_AUTH },
    { "the point (0, 0)", Z Z, R S, "sample", CF_ERR_AUTH },
    { "off the curve by one bit of y", UX "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462298", R S, "sample",
      CF_ERR_AUTH },
    { "y negated", UX "86fc01eef74743675be51616a9d7439b0d0e4df4d28160ae885c3d6b2bb9dd66", R S, "sample", CF_ERR_AUTH },
    { "x = p, which is 0 and on the curve",
      P "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4", R S, "sample", CF_ERR_AUTH },
    { "coordinates all ones", FF FF, R S, "sample", CF_ERR_AUTH },
    { "x and y swapped", UY UX, R S, "sample", CF_ERR_AUTH },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t       buf[HEX_MAX];
    cf_p256_pub_t pub    = pub_of(cases[i].pub);
    cf_hash_t     digest = cf_sha256(CF_SPAN(cases[i].msg, strlen(cases[i].msg)));
    if (cf_p256_verify(&pub, unhex(buf, cases[i].sig).ptr, &digest) != cases[i].want) fail_msg("%s", cases[i].name);
  }
}

static void
scalar_cases(void **state) {
  static struct { char const *scalar; bool ok; } const cases[] = {
    { D, true },
    { "0000000000000000000000000000000000000000000000000000000000000001", true },
    { N1, true },
    { Z, false },
    { N, false },
    { "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552", false },
    { FF, false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t        buf[HEX_MAX], again[32];
    cf_p256_key_t *key = cf_p256_key_from(unhex(buf, cases[i].scalar).ptr);
    assert_int_equal(key != NULL, cases[i].ok);
    if (!key) continue;
    cf_p256_key_scalar(key, again);
    assert_bytes(again, 32, cases[i].scalar);
    cf_p256_pub_t pub;
    uint8_t       sig[64];
    cf_hash_t     digest = cf_sha256(CF_SPAN_LIT("scalar"));
    cf_p256_key_pub(key, &pub);
    if (i == 0) assert_bytes(pub.b, 64, UX UY);
    cf_p256_sign(key, sig, &digest);
    assert_int_equal(cf_p256_verify(&pub, sig, &digest), CF_OK);
    cf_p256_key_free(key);
  }
  cf_p256_key_free(NULL);
}

/* No bit of signature, key or digest is idle. */
static void
every_bit_counts(void **state) {
  cf_entropy_t   e   = cf_entropy_system();
  cf_p256_key_t *key = cf_p256_key_new(&e);
  cf_p256_pub_t  pub;
  uint8_t        sig[64];
  cf_hash_t      digest = cf_sha256(CF_SPAN_LIT("bits"));
  cf_p256_key_pub(key, &pub);
  cf_p256_sign(key, sig, &digest);
  for (size_t i = 0; i < 512; i++) {
    sig[i / 8] ^= (uint8_t)(1 << i % 8);
    assert_int_equal(cf_p256_verify(&pub, sig, &digest), CF_ERR_AUTH);
    sig[i / 8] ^= (uint8_t)(1 << i % 8);
    pub.b[i / 8] ^= (uint8_t)(1 << i % 8);
    assert_int_equal(cf_p256_verify(&pub, sig, &digest), CF_ERR_AUTH);
    pub.b[i / 8] ^= (uint8_t)(1 << i % 8);
    if (i >= 256) continue;
    digest.b[i / 8] ^= (uint8_t)(1 << i % 8);
    assert_int_equal(cf_p256_verify(&pub, sig, &digest), CF_ERR_AUTH);
    digest.b[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  assert_int_equal(cf_p256_verify(&pub, sig, &digest), CF_OK);
  cf_p256_key_free(key);
}

/* A nonce used twice gives the key away. */
static void
nonces_differ(void **state) {
  cf_entropy_t   e   = cf_entropy_system();
  cf_p256_key_t *key = cf_p256_key_new(&e);
  cf_hash_t      digest = cf_sha256(CF_SPAN_LIT("nonce"));
  uint8_t        sigs[50][64];
  for (size_t i = 0; i < 50; i++) {
    cf_p256_sign(key, sigs[i], &digest);
    for (size_t k = 0; k < i; k++) assert_memory_not_equal(sigs[i], sigs[k], 32);
  }
  cf_p256_key_free(key);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(verify_cases),
    cmocka_unit_test(scalar_cases),
    cmocka_unit_test(every_bit_counts),
    cmocka_unit_test(nonces_differ),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
