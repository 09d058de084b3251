#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/cf_aead.h"
#include "hex.h"

#define INFO "4f6465206f6e2061204772656369616e2055726e"
#define PT   "4265617574792069732074727574682c20747275746820626561757479"

typedef struct {
  char const *name;
  cf_aead_alg_t alg;
  char const *skE, *skR, *pkR, *enc, *key, *base_nonce, *exporter;
  char const *ct;         /* of message 0, aad "Count-0" */
  char const *exports[3]; /* contexts "", 00, "TestContext" */
} vector_t;

static vector_t const vectors[] = {
  { "RFC 9180, A.1.1", CF_AEAD_AES128GCM,
    "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
    "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
    "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
    "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
    "4531685d41d65f03dc48f6b8302c05b0", "56d890e5accaaf011cff4b7d",
    "45ff1c2e220db587171952c0592d5f5ebe103f1561a2614e38f2ffd47e99e3f8",
    "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
    { "3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee",
      "2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5",
      "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931" } },
  { "RFC 9180, A.2.1", CF_AEAD_CHACHA20POLY1305,
    "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600",
    "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
    "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
    "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
    "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91", "5c4d98150661b848853b547f",
    "a3b010d4994890e2c6968a36f64470d3c824c8f5029942feb11e7a74b2921922",
    "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
    { "4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e",
      "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69",
      "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53" } },
};

static void fill_with(void *ctx, uint8_t *out, size_t n) { memcpy(out, ctx, n); }

static void
check_context(cf_hpke_t const *ctx, vector_t const *v) {
  static cf_span_t const contexts[] = { { NULL, 0 }, { (uint8_t const *)"\0", 1 }, { (uint8_t const *)"TestContext", 11 } };
  uint8_t                out[64];
  assert_int_equal(ctx->alg, v->alg);
  assert_bytes(ctx->key, cf_aead_key_sz(v->alg), v->key);
  assert_bytes(ctx->base_nonce, 12, v->base_nonce);
  assert_bytes(ctx->exporter, 32, v->exporter);
  for (size_t i = 0; i < 3; i++) {
    cf_hpke_export(ctx, out, 32, contexts[i]);
    assert_bytes(out, 32, v->exports[i]);
  }
}

static void
known(void **state) {
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    vector_t const *v = &vectors[i];
    uint8_t         skE[HEX_MAX], skR[HEX_MAX], info_buf[HEX_MAX], pt_buf[HEX_MAX], enc[32], box[64];
    cf_span_t       info = unhex(info_buf, INFO), pt = unhex(pt_buf, PT);
    cf_x25519_pub_t pkR;
    cf_hpke_t       sender, receiver;
    unhex(skE, v->skE);
    unhex(skR, v->skR);
    cf_x25519_pub(&pkR, skR);
    assert_bytes(pkR.b, 32, v->pkR);

    cf_entropy_t e = { .fill = fill_with, .ctx = skE };
    assert_int_equal(cf_hpke_send(&sender, enc, v->alg, &pkR, info, &e), CF_OK);
    assert_bytes(enc, 32, v->enc);
    check_context(&sender, v);
    cf_aead_t *aead = cf_aead_new(v->alg);
    cf_aead_seal(aead, box, sender.key, sender.base_nonce, CF_SPAN_LIT("Count-0"), pt);
    assert_bytes(box, pt.len + CF_AEAD_TAG_SZ, v->ct);
    cf_aead_free(aead);

    assert_int_equal(cf_hpke_recv(&receiver, v->alg, enc, skR, info), CF_OK);
    check_context(&receiver, v);
    cf_x25519_key_t *key = cf_x25519_key_from(skR);
    memset(&receiver, 0, sizeof receiver);
    assert_int_equal(cf_hpke_recv_key(&receiver, v->alg, enc, key, info), CF_OK);
    check_context(&receiver, v);
    cf_x25519_key_free(key);

    cf_hpke_wipe(&receiver);
    uint8_t const *b = (uint8_t const *)&receiver;
    for (size_t k = 0; k < sizeof receiver; k++) assert_int_equal(b[k], 0);
  }
  cf_x25519_key_free(NULL);
}

/* Both ends agree for every AEAD; another key, enc, info or AEAD leads elsewhere. */
static void
contexts_agree_and_differ(void **state) {
  cf_entropy_t e = cf_entropy_system();
  for (cf_aead_alg_t alg = CF_AEAD_AES128GCM; alg <= CF_AEAD_CHACHA20POLY1305; alg++) {
    uint8_t         priv[32], other[32], enc[32];
    cf_x25519_pub_t pub, other_pub;
    cf_hpke_t       a, b;
    cf_x25519_make(priv, &pub, &e);
    cf_x25519_make(other, &other_pub, &e);
    assert_int_equal(cf_hpke_send(&a, enc, alg, &pub, CF_SPAN_LIT("info"), &e), CF_OK);
    assert_int_equal(cf_hpke_recv(&b, alg, enc, priv, CF_SPAN_LIT("info")), CF_OK);
    assert_memory_equal(a.key, b.key, sizeof a.key);
    assert_memory_equal(a.base_nonce, b.base_nonce, sizeof a.base_nonce);
    assert_memory_equal(a.exporter, b.exporter, sizeof a.exporter);
    assert_int_equal(cf_hpke_recv(&b, alg, enc, priv, CF_SPAN_LIT("infp")), CF_OK);
    assert_memory_not_equal(a.exporter, b.exporter, sizeof a.exporter);
    assert_int_equal(cf_hpke_recv(&b, alg, enc, other, CF_SPAN_LIT("info")), CF_OK);
    assert_memory_not_equal(a.exporter, b.exporter, sizeof a.exporter);
    assert_int_equal(cf_hpke_recv(&b, (alg + 1) % 3, enc, priv, CF_SPAN_LIT("info")), CF_OK);
    assert_memory_not_equal(a.exporter, b.exporter, sizeof a.exporter);
    enc[0] ^= 1;
    assert_int_equal(cf_hpke_recv(&b, alg, enc, priv, CF_SPAN_LIT("info")), CF_OK);
    assert_memory_not_equal(a.exporter, b.exporter, sizeof a.exporter);
    assert_int_equal(cf_hpke_send(&b, enc, alg, &pub, CF_SPAN_LIT("info"), &e), CF_OK);
    assert_memory_not_equal(a.exporter, b.exporter, sizeof a.exporter); /* a fresh ephemeral key */
  }
}

/* The points of low order of curve and twist, and their second names: u = 0, 1, p - 1, p, p + 1, the two of order 8, each
   with the top bit, which X25519 ignores. */
static void
low_order(void **state) {
  static char const *const points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  cf_entropy_t    e = cf_entropy_system();
  uint8_t         priv[32], enc[32];
  cf_x25519_pub_t pub;
  cf_x25519_make(priv, &pub, &e);
  for (size_t i = 0; i < 2 * sizeof points / sizeof *points; i++) {
    uint8_t         buf[HEX_MAX];
    cf_x25519_pub_t peer;
    cf_hpke_t       ctx;
    memcpy(peer.b, unhex(buf, points[i / 2]).ptr, 32);
    if (i % 2) peer.b[31] |= 0x80;
    assert_int_equal(cf_hpke_recv(&ctx, CF_AEAD_AES128GCM, peer.b, priv, CF_SPAN(NULL, 0)), CF_ERR_AUTH);
    assert_int_equal(cf_hpke_send(&ctx, enc, CF_AEAD_AES128GCM, &peer, CF_SPAN(NULL, 0), &e), CF_ERR_AUTH);
  }
}

static void
exports_of_any_length(void **state) {
  cf_hpke_t ctx = { .alg = CF_AEAD_AES128GCM, .exporter = { 1, 2, 3 } };
  uint8_t   a[255 * 32], b[64], long_context[1000] = { 0 };
  cf_hpke_export(&ctx, a, sizeof a, CF_SPAN_OF(long_context));
  cf_hpke_export(&ctx, b, sizeof b, CF_SPAN_OF(long_context));
  assert_memory_not_equal(a, b, 32); /* the length is part of what is expanded */
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(known),
    cmocka_unit_test(contexts_agree_and_differ),
    cmocka_unit_test(low_order),
    cmocka_unit_test(exports_of_any_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
