#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/cf_sign.h"
#include "hex.h"

#define PK1  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define R1   "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
#define S1   "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
#define S1_L "4c8c7872aa064e049dbb3013fbf29380d25bf5f0595bbe24655141438e7a101b" /* S1 + L */
#define Z    "0000000000000000000000000000000000000000000000000000000000000000"
#define ID   "0100000000000000000000000000000000000000000000000000000000000000"

/* RFC 8032, 7.1, TEST 1 to 3 */
static void
known(void **state) {
  static struct { char const *seed, *pub, *msg, *sig; } const cases[] = {
    { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", PK1, "-", R1 S1 },
    { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d2916"
      "12bb0c00" },
    { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027bece"
      "ea1ec40a" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t          seed[HEX_MAX], msg[HEX_MAX], sig[64];
    cf_ed25519_pub_t pub;
    cf_span_t        m = unhex(msg, cases[i].msg);
    unhex(seed, cases[i].seed);
    cf_ed25519_pub(&pub, seed);
    assert_bytes(pub.b, 32, cases[i].pub);
    cf_ed25519_sign(sig, seed, m);
    assert_bytes(sig, 64, cases[i].sig);
    assert_int_equal(cf_ed25519_verify(&pub, sig, m), CF_OK);
    for (size_t bit = 0; bit < 512; bit++) {
      sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
      assert_int_equal(cf_ed25519_verify(&pub, sig, m), CF_ERR_AUTH);
      sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    msg[m.len] = 0;
    assert_int_equal(cf_ed25519_verify(&pub, sig, CF_SPAN(msg, m.len + 1)), CF_ERR_AUTH);
  }
}

static void
refused(void **state) {
  static struct { char const *name, *pub, *sig; } const cases[] = {
    { "S + L", PK1, R1 S1_L },
    { "S = 0", PK1, R1 Z },
    { "no point", "0200000000000000000000000000000000000000000000000000000000000000", R1 S1 },
    { "another key", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", R1 S1 },
    /* under a key of small order R = identity, S = 0 is a signature of anything, or of every eighth message */
    { "identity", ID, ID Z },
    { "identity, sign set", "0100000000000000000000000000000000000000000000000000000000000080", ID Z },
    { "identity, y = p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ID Z },
    { "order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ID Z },
    { "order 2, sign set", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", ID Z },
    { "order 4", Z, ID Z },
    { "order 4, sign set", "0000000000000000000000000000000000000000000000000000000000000080", ID Z },
    { "order 4, y = p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ID Z },
    { "order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", ID Z },
    { "order 8, sign set", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", ID Z },
    { "order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", ID Z },
    { "order 8, sign set", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", ID Z },
    { "y = 2^255 - 1", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ID Z },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t          key[HEX_MAX], sig[HEX_MAX], digit;
    cf_ed25519_pub_t pub;
    memcpy(pub.b, unhex(key, cases[i].pub).ptr, 32);
    unhex(sig, cases[i].sig);
    if (cf_ed25519_verify(&pub, sig, CF_SPAN(NULL, 0)) != CF_ERR_AUTH) fail_msg("%s", cases[i].name);
    for (int m = 0; m < 64; m++) { /* some message would get through, by chance of its hash */
      digit = (uint8_t)m;
      if (cf_ed25519_verify(&pub, sig, CF_SPAN(&digit, 1)) != CF_ERR_AUTH) fail_msg("%s, message %d", cases[i].name, m);
    }
  }
}

/* The project's format examples: the log key with seed 00 01 .. 1f over its checkpoint. */
static void
checkpoint_example(void **state) {
  static char const note[] = "example.com/tee-ledger\n8\n38wTubDKkyxo3j1Z6qqP4mapyAkcAwDoQF6/6w0OWDI=\n";
  static char const line[] = "hOW7zlLAlcvrhUigAe+EPzYL+t7JaDCRxr+mPc9SEZnOX1Zw8wYi2Ebg8nczWDBGMAvvQKtu1xfH4kschM+VJhKTmAo=";
  uint8_t           seed[32], raw[68], sig[64];
  size_t            n;
  cf_ed25519_pub_t  pub;
  for (size_t i = 0; i < sizeof seed; i++) seed[i] = (uint8_t)i;
  cf_ed25519_pub(&pub, seed);
  assert_bytes(pub.b, 32, "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
  assert_int_equal(cf_b64_decode(raw, &n, sizeof raw, CF_SPAN_LIT(line)), CF_OK);
  assert_int_equal(n, sizeof raw);
  cf_ed25519_sign(sig, seed, CF_SPAN_LIT(note));
  assert_memory_equal(sig, raw + 4, 64);
  assert_int_equal(cf_ed25519_verify(&pub, raw + 4, CF_SPAN_LIT(note)), CF_OK);
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(known), cmocka_unit_test(refused), cmocka_unit_test(checkpoint_example) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
