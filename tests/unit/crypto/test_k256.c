#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/objects.h>

#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"
#include "hex.h"

#define N     "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
#define N1    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"
#define HALF  "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"
#define HALF1 "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1"
#define Z     "0000000000000000000000000000000000000000000000000000000000000000"
#define FF    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

/* EIP-2098, test cases */
#define KEY   "1234567890123456789012345678901234567890123456789012345678901234"
#define ADDR  "2e988a386a799f506693793c6a5af6b54dfaabfb"
#define R1    "68a020a209d3d56c46f38cc50a33f704f4a9a10a59377f8dd762ac66910e9b90"
#define S1    "7e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea52064"
#define R2    "9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76"
#define S2    "939c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793"
#define S2_V0 "139c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793"

static cf_hash_t
personal(char const *msg) {
  char text[200];
  int  n = snprintf(text, sizeof text, "\x19" "Ethereum Signed Message:\n%zu%s", strlen(msg), msg);
  return cf_keccak256(CF_SPAN(text, (size_t)n));
}

static void
eip2098_examples(void **state) {
  static struct { char const *msg, *sig; } const cases[] = {
    { "Hello World", R1 S1 },
    { "It's a small(er) world", R2 S2 },
  };
  uint8_t   key[HEX_MAX], sig[64];
  cf_addr_t addr, signer;
  unhex(key, KEY);
  assert_int_equal(cf_k256_addr(&addr, key), CF_OK);
  assert_bytes(addr.b, 20, ADDR);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_hash_t digest = personal(cases[i].msg);
    assert_int_equal(cf_k256_sign(sig, key, &digest), CF_OK);
    assert_bytes(sig, 64, cases[i].sig);
    assert_int_equal(cf_k256_recover(&signer, sig, &digest), CF_OK);
    assert_true(cf_addr_eq(&signer, &addr));
  }
}

static void
recover_cases(void **state) {
  enum { SIGNER, SOMEBODY, NOBODY };
  static struct { char const *name, *sig; int want; } const cases[] = {
    { "as signed", R2 S2, SIGNER },
    { "the other parity", R2 S2_V0, SOMEBODY },
    { "s = (n - 1) / 2", R2 HALF, SOMEBODY },
    { "s = (n + 1) / 2: high", R2 HALF1, NOBODY },
    { "high with parity 1", R2 "ffffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1", NOBODY },
    { "s all ones", R2 FF, NOBODY },
    { "the bytes of n - 1 say parity 1 and a low s", R2 N1, SOMEBODY },
    { "s = 0", R2 Z, NOBODY },
    { "s = 0, parity 1", R2 "8000000000000000000000000000000000000000000000000000000000000000", NOBODY },
    { "r = 0", Z S2, NOBODY },
    { "r = n", N S2, NOBODY },
    { "r = n + 1", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142" S2, NOBODY },
    { "r all ones", FF S2, NOBODY },
    { "r = 5 is no x", "0000000000000000000000000000000000000000000000000000000000000005" S2, NOBODY },
    { "r = 1 is", "0000000000000000000000000000000000000000000000000000000000000001" S2, SOMEBODY },
  };
  cf_hash_t digest = personal("It's a small(er) world");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t     sig[HEX_MAX], addr[HEX_MAX];
    cf_addr_t   got = { { 0 } };
    cf_status_t st  = cf_k256_recover(&got, unhex(sig, cases[i].sig).ptr, &digest);
    bool        is  = memcmp(got.b, unhex(addr, ADDR).ptr, 20) == 0;
    if (st != (cases[i].want == NOBODY ? CF_ERR_AUTH : CF_OK) || is != (cases[i].want == SIGNER)) fail_msg("%s", cases[i].name);
  }
}

static void
scalars(void **state) {
  static struct { char const *scalar; cf_status_t want; } const cases[] = {
    { Z, CF_ERR_FORMAT }, { N, CF_ERR_FORMAT }, { FF, CF_ERR_FORMAT }, { N1, CF_OK },
    { "0000000000000000000000000000000000000000000000000000000000000001", CF_OK },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t   key[HEX_MAX], sig[64];
    cf_addr_t addr, signer;
    cf_hash_t digest = { { 9 } };
    unhex(key, cases[i].scalar);
    assert_int_equal(cf_k256_addr(&addr, key), cases[i].want);
    assert_int_equal(cf_k256_sign(sig, key, &digest), cases[i].want);
    if (cases[i].want) continue;
    assert_int_equal(cf_k256_recover(&signer, sig, &digest), CF_OK);
    assert_true(cf_addr_eq(&addr, &signer));
  }
}

static void
fill_bad_first(void *ctx, uint8_t *out, size_t n) {
  int *call = ctx;
  memset(out, *call == 0 ? 0 : *call == 1 ? 0xff : 0x11, n);
  (*call)++;
}

static void
scalar_make_draws_again(void **state) {
  int          calls = 0;
  uint8_t      scalar[32];
  cf_entropy_t e = { .fill = fill_bad_first, .ctx = &calls };
  cf_k256_scalar_make(scalar, &e);
  assert_int_equal(calls, 3);
  assert_int_equal(scalar[0], 0x11);
}

/* libcrypto knows the curve, too: what one signs, the other accepts. */
static void
like_libcrypto(void **state) {
  EC_KEY         *ec    = EC_KEY_new_by_curve_name(NID_secp256k1);
  EC_GROUP const *group = EC_KEY_get0_group(ec);
  cf_entropy_t    e     = cf_entropy_system();
  for (int i = 0; i < 100; i++) {
    uint8_t   scalar[32], sig[64], oct[65];
    cf_hash_t digest;
    cf_addr_t addr, signer;
    cf_k256_scalar_make(scalar, &e);
    cf_entropy_fill(&e, digest.b, 32);
    BIGNUM   *d = BN_bin2bn(scalar, 32, NULL);
    EC_POINT *q = EC_POINT_new(group);
    EC_POINT_mul(group, q, d, NULL, NULL, NULL);
    EC_KEY_set_private_key(ec, d);
    EC_KEY_set_public_key(ec, q);
    EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, oct, sizeof oct, NULL);
    cf_hash_t h = cf_keccak256(CF_SPAN(oct + 1, 64));
    assert_int_equal(cf_k256_addr(&addr, scalar), CF_OK);
    assert_memory_equal(addr.b, h.b + 12, 20);

    assert_int_equal(cf_k256_sign(sig, scalar, &digest), CF_OK);
    ECDSA_SIG *rs = ECDSA_SIG_new();
    uint8_t    low[32];
    memcpy(low, sig + 32, 32);
    low[0] &= 0x7f;
    ECDSA_SIG_set0(rs, BN_bin2bn(sig, 32, NULL), BN_bin2bn(low, 32, NULL));
    assert_int_equal(ECDSA_do_verify(digest.b, 32, rs, ec), 1);
    ECDSA_SIG_free(rs);

    /* theirs, s made low as ledgers want it: one of the parities recovers us */
    rs = ECDSA_do_sign(digest.b, 32, ec);
    BIGNUM *s = BN_dup(ECDSA_SIG_get0_s(rs)), *neg = BN_new();
    BN_sub(neg, EC_GROUP_get0_order(group), s);
    bool high = BN_cmp(s, neg) > 0;
    BN_bn2binpad(ECDSA_SIG_get0_r(rs), sig, 32);
    BN_bn2binpad(high ? neg : s, sig + 32, 32);
    int found = 0;
    for (int v = 0; v < 2; v++, sig[32] ^= 0x80) {
      assert_int_equal(cf_k256_recover(&signer, sig, &digest), CF_OK);
      found += cf_addr_eq(&signer, &addr);
    }
    assert_int_equal(found, 1);
    BN_free(s);
    BN_free(neg);
    BN_free(d);
    EC_POINT_free(q);
    ECDSA_SIG_free(rs);
  }
  EC_KEY_free(ec);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(eip2098_examples), cmocka_unit_test(recover_cases),  cmocka_unit_test(scalars),
    cmocka_unit_test(scalar_make_draws_again), cmocka_unit_test(like_libcrypto),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
