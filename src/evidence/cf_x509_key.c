#include "evidence/cf_x509_key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"

#define RSA_BITS_MIN 2048

static cf_status_t read_rsa(cf_key_t *out, EVP_PKEY *pkey) {
  BIGNUM     *n = NULL, *e = NULL;
  cf_status_t st = CF_ERR_UNSUPPORTED;
  if (!EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) || !EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e))
    goto out;
  if (BN_num_bytes(n) > CF_KEY_MAX || BN_num_bits(e) > 32) goto out;
  out->kind = CF_KEY_RSA;
  out->e = (uint32_t)BN_get_word(e);
  out->sz = (size_t)BN_bn2bin(n, out->b);
  st = CF_OK;
out:
  BN_free(n);
  BN_free(e);
  return st;
}

static cf_status_t read_ec(cf_key_t *out, EVP_PKEY *pkey) {
  char    group[32];
  uint8_t point[1 + CF_KEY_MAX];
  size_t  sz;
  if (!EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL)) return CF_ERR_UNSUPPORTED;
  if (strcmp(group, "prime256v1") == 0) out->kind = CF_KEY_P256, out->sz = 64;
  else if (strcmp(group, "secp384r1") == 0) out->kind = CF_KEY_P384, out->sz = 96;
  else return CF_ERR_UNSUPPORTED;
  if (!EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &sz)) return CF_ERR_UNSUPPORTED;
  if (sz != out->sz + 1 || point[0] != 4) return CF_ERR_UNSUPPORTED; /* a compressed point */
  memcpy(out->b, point + 1, out->sz);
  return CF_OK;
}

cf_status_t cf_key_from_pkey(cf_key_t *out, void *pkey) {
  cf_key_t    key = {0};
  cf_status_t st = CF_ERR_UNSUPPORTED;
  if (EVP_PKEY_is_a(pkey, "RSA")) st = read_rsa(&key, pkey);
  else if (EVP_PKEY_is_a(pkey, "EC")) st = read_ec(&key, pkey);
  if (!st) *out = key;
  return st;
}

cf_status_t cf_key_from_spki(cf_key_t *out, cf_span_t der) {
  if (der.len == 0 || der.len > 4096) return CF_ERR_FORMAT;
  uint8_t const *at = der.ptr;
  EVP_PKEY      *pkey = d2i_PUBKEY(NULL, &at, (long)der.len);
  cf_status_t    st = CF_ERR_FORMAT;
  if (pkey && at == der.ptr + der.len) st = cf_key_from_pkey(out, pkey);
  EVP_PKEY_free(pkey);
  ERR_clear_error();
  return st;
}

bool cf_key_eq(cf_key_t const *a, cf_key_t const *b) {
  return a->kind == b->kind && a->e == b->e && a->sz == b->sz && memcmp(a->b, b->b, a->sz) == 0;
}

static EVP_PKEY *pkey_from_params(char const *type, OSSL_PARAM *params) {
  EVP_PKEY     *pkey = NULL;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
  if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0) pkey = NULL;
  EVP_PKEY_CTX_free(ctx);
  return pkey;
}

void *cf_key_to_pkey(cf_key_t const *key) {
  if (key->kind == CF_KEY_RSA) {
    uint8_t n[CF_KEY_MAX], e[sizeof key->e]; /* OSSL_PARAM wants the machine's byte order */
    memcpy(e, &key->e, sizeof e);
    for (size_t i = 0; i < key->sz; i++) n[i] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? key->b[key->sz - 1 - i] : key->b[i];
    OSSL_PARAM params[] = {OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, key->sz),
                           OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, sizeof e), OSSL_PARAM_construct_end()};
    return pkey_from_params("RSA", params);
  }
  char    p256[] = "prime256v1", p384[] = "secp384r1", *group = key->kind == CF_KEY_P256 ? p256 : p384;
  uint8_t point[97] = {4};
  memcpy(point + 1, key->b, key->sz);
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, key->sz + 1),
                         OSSL_PARAM_construct_end()};
  return pkey_from_params("EC", params);
}

static EVP_MD const *md_of(uint16_t hash) {
  switch (hash) {
  case 0x0004:
    return EVP_sha1();
  case 0x000b:
    return EVP_sha256();
  case 0x000c:
    return EVP_sha384();
  case 0x000d:
    return EVP_sha512();
  }
  return NULL;
}

/* r || s becomes the DER that OpenSSL wants.  Returns its length; 0 when it cannot. */
static size_t ecdsa_der(uint8_t out[128], cf_span_t sig) {
  size_t     half = sig.len / 2;
  int        sz = 0;
  ECDSA_SIG *rs = ECDSA_SIG_new();
  BIGNUM    *r = BN_bin2bn(sig.ptr, (int)half, NULL), *s = BN_bin2bn(sig.ptr + half, (int)half, NULL);
  if (rs && r && s && ECDSA_SIG_set0(rs, r, s)) {
    uint8_t *at = out;
    sz = i2d_ECDSA_SIG(rs, &at);
  } else {
    BN_free(r);
    BN_free(s);
  }
  ECDSA_SIG_free(rs);
  return sz > 0 ? (size_t)sz : 0;
}

cf_status_t cf_key_verify(cf_key_t const *key, cf_sig_kind_t kind, uint16_t hash, cf_span_t sig, cf_span_t msg) {
  EVP_MD const *md = md_of(hash);
  if (!md || (key->kind == CF_KEY_RSA) == (kind == CF_SIG_ECDSA)) return CF_ERR_UNSUPPORTED;
  if (key->kind == CF_KEY_RSA && key->sz < RSA_BITS_MIN / 8) return CF_ERR_UNSUPPORTED;
  if (sig.len != key->sz) return CF_ERR_AUTH;

  uint8_t digest[64];
  size_t  digest_sz = cf_digest_tpm(digest, hash, msg);
  if (key->kind == CF_KEY_P256 && hash == 0x000b) {
    cf_p256_pub_t pub;
    cf_hash_t     h;
    memcpy(pub.b, key->b, sizeof pub.b);
    memcpy(h.b, digest, sizeof h.b);
    return cf_p256_verify(&pub, sig.ptr, &h);
  }

  uint8_t der[128];
  if (kind == CF_SIG_ECDSA) {
    sig = CF_SPAN(der, ecdsa_der(der, sig));
    if (sig.len == 0) return CF_ERR_AUTH;
  }
  cf_status_t   st = CF_ERR_AUTH;
  EVP_PKEY     *pkey = cf_key_to_pkey(key);
  EVP_PKEY_CTX *ctx = pkey ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
  if (!ctx || EVP_PKEY_verify_init(ctx) <= 0 || EVP_PKEY_CTX_set_signature_md(ctx, md) <= 0) goto out;
  bool pss = kind == CF_SIG_RSAPSS || kind == CF_SIG_RSAPSS_DIGEST;
  int  salt = kind == CF_SIG_RSAPSS ? RSA_PSS_SALTLEN_AUTO : RSA_PSS_SALTLEN_DIGEST;
  if (pss && (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) <= 0 || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt) <= 0))
    goto out;
  if (EVP_PKEY_verify(ctx, sig.ptr, sig.len, digest, digest_sz) == 1) st = CF_OK;
out:
  EVP_PKEY_CTX_free(ctx);
  EVP_PKEY_free(pkey);
  ERR_clear_error();
  return st;
}
