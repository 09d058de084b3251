#include "codec/cf_cose.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "codec/cf_cbor.h"
#include "crypto/cf_hash.h"
#include "support.h"

#define TYP "application/vnd.counterfoil.test+cbor"

/* The key of RFC 9052, appendix C.7 (kid "11"), as the COSE working group's examples sign with it. */
#define KEY_D "57c92077664146e876760c9520d054aa93c3afb04e306705db6090308507b4d3"
#define KEY_X "bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"
#define KEY_Y "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"

static cf_p256_key_t *key;
static cf_p256_pub_t  pub;

static int set_up(void **state) {
  (void)state;
  uint8_t d[32];
  key = cf_p256_key_from(hex(d, sizeof d, KEY_D).ptr);
  cf_p256_key_pub(key, &pub);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  cf_p256_key_free(key);
  return 0;
}

/* peer_verify checks a signature by libcrypto's EVP interface, from x, y and a DER signature. */
static bool peer_verify(cf_span_t message, uint8_t const sig[64]) {
  uint8_t point[65] = { 4 };
  memcpy(point + 1, pub.b, 64);
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)"P-256", 0),
    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
    OSSL_PARAM_construct_end(),
  };
  EVP_PKEY     *pkey = NULL;
  EVP_PKEY_CTX *ctx  = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
  assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params), 1);

  ECDSA_SIG *rs = ECDSA_SIG_new();
  ECDSA_SIG_set0(rs, BN_bin2bn(sig, 32, NULL), BN_bin2bn(sig + 32, 32, NULL));
  uint8_t *der    = NULL;
  int      der_sz = i2d_ECDSA_SIG(rs, &der);

  EVP_MD_CTX *md = EVP_MD_CTX_new();
  assert_int_equal(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, pkey), 1);
  bool ok = EVP_DigestVerify(md, der, (size_t)der_sz, message.ptr, message.len) == 1;
  EVP_MD_CTX_free(md);
  OPENSSL_free(der);
  ECDSA_SIG_free(rs);
  EVP_PKEY_free(pkey);
  EVP_PKEY_CTX_free(ctx);
  return ok;
}

/* RFC 9052, C.2.1: protected {1: -7}, payload "This is the content.", no external_aad.  (kid is unprotected there, so that the
   message itself is not of our form.) */
static void test_rfc9052_c21(void **state) {
  (void)state;
  uint8_t   sig[64], prot[8];
  cf_span_t protected_hdr = hex(prot, sizeof prot, "a10126"), payload = CF_SPAN_LIT("This is the content.");
  hex(sig, sizeof sig,
      "8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e"
      "2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36");
  cf_hash_t digest = cf_sign1_digest(protected_hdr, payload);
  assert_int_equal(cf_p256_verify(&pub, sig, &digest), CF_OK);

  uint8_t   to_be_signed[64];
  cf_span_t tbs =
      hex(to_be_signed, sizeof to_be_signed, "846a5369676e61747572653143a101264054546869732069732074686520636f6e74656e742e");
  cf_hash_t want = cf_sha256(tbs);
  assert_true(cf_hash_eq(&digest, &want));
  assert_true(peer_verify(tbs, sig));
}

static void test_key(void **state) {
  (void)state;
  assert_hex(CF_SPAN_OF(pub.b), KEY_X KEY_Y);
}

/* message makes a signed message with everything in it. */
static cf_span_t message(uint8_t *buf, size_t max, cf_cose_hdr_t const *hdr, cf_span_t payload) {
  cf_wr_t wr = cf_wr_init(buf, max);
  cf_sign1_encode(&wr, key, hdr, payload);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

static cf_cose_hdr_t const full = {
  .alg           = CF_COSE_ES256,
  .iss           = { (uint8_t const *)"test.example", 12 },
  .sub           = { (uint8_t const *)"job/42", 6 },
  .typ           = { (uint8_t const *)TYP, sizeof TYP - 1 },
  .preimage_type = { (uint8_t const *)"application/cbor", 16 },
};

static void test_round_trip(void **state) {
  (void)state;
  uint8_t       buf[1024], again[1024];
  cf_cose_hdr_t plain  = { .typ = full.typ };
  cf_hash_t     kid    = cf_p256_thumbprint(&pub);
  cf_span_t     some[] = { CF_SPAN(NULL, 0), CF_SPAN_LIT("payload") };
  for (int i = 0; i < 4; i++) {
    cf_cose_hdr_t hdr = i & 1 ? full : plain;
    cf_span_t     in  = message(buf, sizeof buf, &hdr, some[i / 2]);
    cf_sign1_t    s;
    cf_error_t    err = { 0 };
    assert_int_equal(cf_sign1_decode(&s, in, TYP, &err), CF_OK);
    assert_int_equal(cf_sign1_decode(&s, in, NULL, NULL), CF_OK);
    assert_int_equal(s.hdr.alg, CF_COSE_ES256);
    assert_true(cf_span_eq(s.payload, some[i / 2]));
    assert_true(cf_span_eq(s.hdr.kid, CF_SPAN_OF(kid.b)));
    assert_true(cf_span_eq(s.hdr.iss, hdr.iss) && cf_span_eq(s.hdr.sub, hdr.sub) && cf_span_eq(s.hdr.typ, hdr.typ));
    assert_true(cf_span_eq(s.hdr.preimage_type, hdr.preimage_type));
    assert_int_equal(cf_sign1_verify(&s, &pub), CF_OK);

    /* the signed bytes, put together here from the RFC alone */
    uint8_t tbs[1024];
    cf_wr_t wr = cf_wr_init(tbs, sizeof tbs);
    cf_cbor_w_array(&wr, 4);
    cf_cbor_w_str(&wr, "Signature1");
    cf_cbor_w_bstr(&wr, s.protected_hdr);
    cf_cbor_w_bstr(&wr, CF_SPAN(NULL, 0));
    cf_cbor_w_bstr(&wr, s.payload);
    assert_true(peer_verify(cf_wr_out(&wr), s.sig));

    wr = cf_wr_init(again, sizeof again);
    cf_sign1_assemble(&wr, s.protected_hdr, s.payload, s.sig);
    assert_true(cf_span_eq(cf_wr_out(&wr), in));
    wr = cf_wr_init(again, sizeof again);
    cf_sign1_protected(&wr, &s.hdr);
    assert_true(cf_span_eq(cf_wr_out(&wr), s.protected_hdr));
    wr = cf_wr_init(again, in.len - 1);
    cf_sign1_encode(&wr, key, &hdr, some[i / 2]);
    assert_true(wr.bad);
  }
}

/* No bit of a message can be altered, no byte be lost or added. */
static void test_tampering(void **state) {
  (void)state;
  uint8_t   buf[1024];
  cf_span_t in = message(buf, sizeof buf, &full, CF_SPAN_LIT("what was computed"));
  for (size_t bit = 0; bit < 8 * in.len; bit++) {
    cf_sign1_t s;
    buf[bit / 8] ^= (uint8_t)(1U << bit % 8);
    if (cf_sign1_decode(&s, in, NULL, NULL) == CF_OK) assert_int_equal(cf_sign1_verify(&s, &pub), CF_ERR_AUTH);
    buf[bit / 8] ^= (uint8_t)(1U << bit % 8);
  }
  for (size_t n = 0; n <= in.len + 1; n++) {
    cf_sign1_t s;
    assert_int_equal(cf_sign1_decode(&s, CF_SPAN(buf, n), TYP, NULL), n == in.len ? CF_OK : CF_ERR_FORMAT);
  }
  cf_sign1_t s;
  assert_int_equal(cf_sign1_decode(&s, in, TYP, NULL), CF_OK);
  cf_p256_pub_t other = pub;
  other.b[63] ^= 1; /* off the curve */
  assert_int_equal(cf_sign1_verify(&s, &other), CF_ERR_AUTH);
}

/* clang-format off */
/* Messages of one form each, from parts: protected header, what is unprotected, payload, signature. */
#define KID  "5820" "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SIG  "5840" \
  "0101010101010101010101010101010101010101010101010101010101010101" "0101010101010101010101010101010101010101010101010101010101010101"
#define HDR0 "a3" "0126" "04" KID "10" "6174"
static struct {
  char const *name, *before, *hdr, *after;
  cf_status_t want;
} const forms[] = {
  { "good", "d284", HDR0, "a0" "4100" SIG, CF_OK },
  { "with claims", "d284", "a4" "0126" "04" KID "0f" "a2" "016169" "026173" "10" "6174", "a0" "4100" SIG, CF_OK },
  { "hash envelope", "d284", "a5" "0126" "04" KID "10" "6174" "190102" "2f" "190103" "6163", "a0" "4100" SIG, CF_OK },
  { "no tag", "84", HDR0, "a0" "4100" SIG, CF_ERR_FORMAT },
  { "tag 98", "d86284", HDR0, "a0" "4100" SIG, CF_ERR_FORMAT },
  { "three members", "d283", HDR0, "a0" "4100", CF_ERR_FORMAT },
  { "five members", "d285", HDR0, "a0" "4100" SIG "00", CF_ERR_FORMAT },
  { "something unprotected", "d284", HDR0, "a1" "0400" "4100" SIG, CF_ERR_FORMAT },
  { "receipts riding along", "d284", HDR0, "a1" "19018a" "814100" "4100" SIG, CF_ERR_FORMAT },
  { "detached payload", "d284", HDR0, "a0" "f6" SIG, CF_ERR_FORMAT },
  { "text as payload", "d284", HDR0, "a0" "6161" SIG, CF_ERR_FORMAT },
  { "signature of 63 bytes", "d284", HDR0, "a0" "4100" "583f" "01010101010101010101010101010101010101010101010101010101010101"
    "0101010101010101010101010101010101010101010101010101010101010101", CF_ERR_FORMAT },
  { "trailing byte", "d284", HDR0, "a0" "4100" SIG "00", CF_ERR_FORMAT },
  { "empty protected string", "d284", "", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "protected is no map", "d284", "00", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "byte behind the map", "d284", HDR0 "00", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "no algorithm", "d284", "a2" "04" KID "10" "6174", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "no kid", "d284", "a2" "0126" "10" "6174", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "short kid", "d284", "a3" "0126" "04" "423131" "10" "6174", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "no typ", "d284", "a2" "0126" "04" KID, "a0" "4100" SIG, CF_ERR_FORMAT },
  { "typ a number", "d284", "a3" "0126" "04" KID "10" "1832", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "crit", "d284", "a4" "0126" "02" "8104" "04" KID "10" "6174", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "content type", "d284", "a4" "0126" "03" "6163" "04" KID "10" "6174", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "text label", "d284", "a4" "0126" "04" KID "10" "6174" "616100", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "labels out of order", "d284", "a3" "04" KID "0126" "10" "6174", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "issuer alone", "d284", "a4" "0126" "04" KID "0f" "a1" "016169" "10" "6174", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "no claims", "d284", "a4" "0126" "04" KID "0f" "a0" "10" "6174", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "unknown claim", "d284", "a4" "0126" "04" KID "0f" "a3" "016169" "026173" "036161" "10" "6174", "a0" "4100" SIG,
    CF_ERR_FORMAT },
  { "258 alone", "d284", "a4" "0126" "04" KID "10" "6174" "190102" "2f", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "259 alone", "d284", "a4" "0126" "04" KID "10" "6174" "190103" "6163", "a0" "4100" SIG, CF_ERR_FORMAT },
  { "hash of SHA-384", "d284", "a5" "0126" "04" KID "10" "6174" "190102" "382a" "190103" "6163", "a0" "4100" SIG,
    CF_ERR_FORMAT },
  { "payload location", "d284", "a6" "0126" "04" KID "10" "6174" "190102" "2f" "190103" "6163" "190104" "6175", "a0" "4100" SIG,
    CF_ERR_FORMAT },
  { "EdDSA", "d284", "a3" "0127" "04" KID "10" "6174", "a0" "4100" SIG, CF_ERR_UNSUPPORTED },
  { "ES384", "d284", "a3" "013822" "04" KID "10" "6174", "a0" "4100" "4100", CF_ERR_UNSUPPORTED },
  { "another typ", "d284", "a3" "0126" "04" KID "10" "6175", "a0" "4100" SIG, CF_ERR_UNSUPPORTED },
  { "longer typ", "d284", "a3" "0126" "04" KID "10" "627474", "a0" "4100" SIG, CF_ERR_UNSUPPORTED },
};
/* clang-format on */

static void test_forms(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(forms); i++) {
    uint8_t buf[512], part[512];
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_wr_span(&wr, hex(part, sizeof part, forms[i].before));
    cf_cbor_w_bstr(&wr, hex(part, sizeof part, forms[i].hdr));
    cf_wr_span(&wr, hex(part, sizeof part, forms[i].after));
    cf_sign1_t  s   = { .payload = { buf, 77 } };
    cf_error_t  err = { 0 };
    cf_status_t got = cf_sign1_decode(&s, cf_wr_out(&wr), "t", &err);
    if (got != forms[i].want || err.status != got) fail_msg("%s: %s (%s)", forms[i].name, cf_status_name(got), err.text);
    if (got) assert_int_equal(s.payload.len, 77); /* nothing half-read escapes */
    else assert_int_equal(cf_sign1_verify(&s, &pub), CF_ERR_AUTH);
  }
}

static void test_bounds(void **state) {
  (void)state;
  static uint8_t big[CF_COSE_PROTECTED_MAX + 64], buf[4096];
  memset(big, 'a', sizeof big);
  cf_cose_hdr_t hdr = full;
  hdr.iss           = CF_SPAN(big, sizeof big);
  cf_wr_t wr        = cf_wr_init(buf, sizeof buf);
  cf_sign1_encode(&wr, key, &hdr, CF_SPAN(NULL, 0));
  assert_true(wr.bad); /* what no reader takes is not written */

  uint8_t const sig[64] = { 1 };
  cf_sign1_t    s;
  wr = cf_wr_init(buf, sizeof buf);
  cf_sign1_assemble(&wr, CF_SPAN_OF(big), CF_SPAN(NULL, 0), sig);
  assert_int_equal(cf_sign1_decode(&s, cf_wr_out(&wr), NULL, NULL), CF_ERR_BOUND);

  cf_cose_hdr_t const incomplete[] = {
    { .kid = { big, 32 } },                                        /* no typ */
    { .typ = full.typ },                                           /* no kid */
    { .kid = { big, 31 }, .typ = full.typ },                       /* short kid */
    { .kid = { big, 32 }, .typ = full.typ, .iss = full.iss },      /* iss without sub */
    { .kid = { big, 32 }, .typ = full.typ, .sub = full.sub },      /* sub without iss */
    { .kid = { big, 32 }, .typ = { (uint8_t const *)"\xff", 1 } }, /* not text */
  };
  for (size_t i = 0; i < COUNT(incomplete); i++) {
    wr = cf_wr_init(buf, sizeof buf);
    cf_sign1_protected(&wr, &incomplete[i]);
    assert_true(wr.bad);
  }
}

static void test_error_offset(void **state) {
  (void)state;
  uint8_t   buf[1024];
  cf_span_t in = message(buf, sizeof buf, &full, CF_SPAN_LIT("p"));
  /* d2 84 58 xx a6 01 26 04: the third label becomes 5, which is unknown */
  assert_int_equal(buf[7], 4);
  buf[7]         = 5;
  cf_error_t err = { 0 };
  cf_sign1_t s;
  assert_int_equal(cf_sign1_decode(&s, in, TYP, &err), CF_ERR_FORMAT);
  assert_string_equal(err.item, "cose.protected");
  assert_int_equal(err.offset, 8);
}

/* cf_document_hash against its definition, put together by hand. */
static void test_document_hash(void **state) {
  (void)state;
  cf_hash_t got  = cf_document_hash(CF_SPAN_LIT("\xa1\x01\x26"), CF_SPAN_LIT("body")),
            want = cf_sha256(CF_SPAN_LIT("counterfoil/document/v1\0"
                                         "\0\0\0\x03\xa1\x01\x26"
                                         "\0\0\0\x04"
                                         "body"));
  assert_true(cf_hash_eq(&got, &want));
  got  = cf_document_hash(CF_SPAN(NULL, 0), CF_SPAN_LIT("body"));
  want = cf_sha256(CF_SPAN_LIT("counterfoil/document/v1\0"
                               "\0\0\0\0"
                               "\0\0\0\x04"
                               "body"));
  assert_true(cf_hash_eq(&got, &want));
}

int main(void) {
  cf_crypto_init();
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_key),          cmocka_unit_test(test_rfc9052_c21),   cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_forms),        cmocka_unit_test(test_tampering),     cmocka_unit_test(test_bounds),
    cmocka_unit_test(test_error_offset), cmocka_unit_test(test_document_hash),
  };
  return cmocka_run_group_tests_name("cose", tests, set_up, tear_down);
}
