/* EC_KEY, deprecated but there, takes raw points at a fifth of EVP_PKEY_fromdata's price. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/cf_sign.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include "base/cf_secret.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_lib.h"

struct cf_p256_key {
  EC_KEY       *ec; /* its scalar is in libcrypto's secure heap, wiped when freed */
  cf_p256_pub_t pub;
};

static EC_KEY *
ec_new(void) {
  EC_KEY *ec = EC_KEY_new();
  cf_lib_must(ec && EC_KEY_set_group(ec, cf_lib()->p256) == 1);
  return ec;
}

cf_p256_key_t *
cf_p256_key_from(uint8_t const scalar[32]) {
  EC_GROUP const *group = cf_lib()->p256;
  BIGNUM         *d     = BN_secure_new();
  cf_lib_must(d && BN_bin2bn(scalar, 32, d));
  cf_p256_key_t *key     = NULL;
  bool           outside = BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0;
  cf_declassify(&outside, sizeof outside, "a scalar out of range is thrown away");
  if (outside) goto out;

  key = cf_secret_new(sizeof *key);
  cf_lib_must(key);
  key->ec       = ec_new();
  EC_POINT *q   = EC_POINT_new(group);
  uint8_t   oct[65];
  BN_set_flags(d, BN_FLG_CONSTTIME);
  cf_lib_must(q && EC_POINT_mul(group, q, d, NULL, NULL, NULL) == 1);
  cf_lib_must(EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, oct, sizeof oct, NULL) == sizeof oct);
  cf_lib_must(EC_KEY_set_private_key(key->ec, d) == 1 && EC_KEY_set_public_key(key->ec, q) == 1);
  memcpy(key->pub.b, oct + 1, sizeof key->pub.b);
  cf_declassify(key->pub.b, sizeof key->pub.b, "a public key");
  EC_POINT_free(q);
out:
  BN_clear_free(d);
  return key;
}

cf_p256_key_t *
cf_p256_key_new(cf_entropy_t const *e) {
  uint8_t        scalar[32];
  cf_p256_key_t *key;
  do {
    cf_entropy_fill(e, scalar, sizeof scalar);
    key = cf_p256_key_from(scalar);
  } while (!key); /* 0 or >= n: once in 2^32 draws */
  cf_wipe(scalar, sizeof scalar);
  return key;
}

void
cf_p256_key_free(cf_p256_key_t *key) {
  if (!key) return;
  EC_KEY_free(key->ec);
  cf_secret_free(key);
}

void cf_p256_key_pub(cf_p256_key_t const *key, cf_p256_pub_t *pub) { *pub = key->pub; }

void
cf_p256_key_scalar(cf_p256_key_t const *key, uint8_t out[32]) {
  cf_lib_must(BN_bn2binpad(EC_KEY_get0_private_key(key->ec), out, 32) == 32);
}

void
cf_p256_sign(cf_p256_key_t const *key, uint8_t sig[64], cf_hash_t const *digest) {
  ECDSA_SIG *rs = ECDSA_do_sign(digest->b, sizeof digest->b, key->ec);
  cf_lib_must(rs);
  cf_lib_must(BN_bn2binpad(ECDSA_SIG_get0_r(rs), sig, 32) == 32 && BN_bn2binpad(ECDSA_SIG_get0_s(rs), sig + 32, 32) == 32);
  cf_declassify(sig, 64, "a signature");
  ECDSA_SIG_free(rs);
}

/* On the curve is in the group: the cofactor is 1, and the encoding cannot say infinity. */
static bool
point_set(EC_KEY *ec, cf_p256_pub_t const *pub) {
  EC_GROUP const *group = cf_lib()->p256;
  uint8_t         oct[65] = { POINT_CONVERSION_UNCOMPRESSED };
  memcpy(oct + 1, pub->b, sizeof pub->b);
  EC_POINT *q = EC_POINT_new(group);
  cf_lib_must(q);
  bool ok = EC_POINT_oct2point(group, q, oct, sizeof oct, NULL) == 1 && EC_KEY_set_public_key(ec, q) == 1;
  EC_POINT_free(q);
  return ok;
}

cf_status_t
cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest) {
  EC_KEY    *ec = ec_new();
  ECDSA_SIG *rs = ECDSA_SIG_new();
  BIGNUM    *r = BN_bin2bn(sig, 32, NULL), *s = BN_bin2bn(sig + 32, 32, NULL);
  cf_lib_must(rs && r && s && ECDSA_SIG_set0(rs, r, s) == 1); /* rs owns r and s */
  bool ok = point_set(ec, pub) && ECDSA_do_verify(digest->b, sizeof digest->b, rs, ec) == 1; /* checks r and s */
  if (!ok) ERR_clear_error();
  ECDSA_SIG_free(rs);
  EC_KEY_free(ec);
  return ok ? CF_OK : CF_ERR_AUTH;
}

cf_hash_t
cf_p256_thumbprint(cf_p256_pub_t const *pub) {
  uint8_t cbor[77];
  cf_wr_t wr = cf_wr_init(cbor, sizeof cbor);
  cf_wr_span(&wr, CF_SPAN_LIT("\xa4\x01\x02\x20\x01\x21\x58\x20")); /* {1: 2, -1: 1, -2: h'...' */
  cf_wr_bytes(&wr, pub->b, 32);
  cf_wr_span(&wr, CF_SPAN_LIT("\x22\x58\x20")); /* -3: h'...'} */
  cf_wr_bytes(&wr, pub->b + 32, 32);
  return cf_sha256(cf_wr_out(&wr));
}
