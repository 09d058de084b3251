/* A PKI of the tests: certificates of any shape, made with OpenSSL. */
#ifndef PKI_H
#define PKI_H

#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "support.h"

#define T 1700000000
#define DAY 86400
#define TPM_SAN "critical,dirName:tpm"
#define EK "2.23.133.8.1"

/* ---- a PKI: root -> ca -> leaf ---- */

typedef struct {
  EVP_PKEY *key;
  X509     *x;
  uint8_t  *der;
  int       der_sz;
} cert_t;

typedef struct {
  char const *name;
  int64_t     from, to;
  char const *basic, *usage, *ext_usage, *san, *crl_at;
  EVP_MD const *(*md)(void);
  int         rsa_bits; /* 0: P-256 */
  char const *unknown;  /* "critical,DER:..." under an OID nobody knows */
  EVP_PKEY   *key;      /* instead of a fresh one */
} shape_t;

static shape_t const root_shape = {"root", T - DAY, T + 900 * DAY, "critical,CA:TRUE", "critical,keyCertSign,cRLSign",
                                   NULL,   NULL,    NULL,          EVP_sha256,         0,
                                   NULL,   NULL};
static shape_t const ca_shape = {"ca", T - DAY, T + 500 * DAY, "critical,CA:TRUE", "critical,keyCertSign,cRLSign",
                                 NULL, NULL,    NULL,          EVP_sha256,         0,
                                 NULL, NULL};
static shape_t const ek_shape = {
    "", T - DAY, T + 100 * DAY, "critical,CA:FALSE", "critical,keyEncipherment", EK, TPM_SAN, NULL, EVP_sha256, 2048, NULL, NULL};

static inline void ext(X509 *x, X509 *issuer, char const *name, char const *value) {
  if (!value || !*value) return;
  /* the directory name's section, as the EK profile of the TCG has it; what is before the first dot of a line only makes it
   * distinct */
  CONF      *conf = NCONF_new(NULL);
  BIO       *text = BIO_new_mem_buf("[tpm]\n0.2.23.133.2.1=id:54455354\n1.2.23.133.2.2=model\n2.2.23.133.2.3=id:1\n", -1);
  long       line;
  X509V3_CTX ctx;
  assert_true(NCONF_load_bio(conf, text, &line) > 0);
  X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
  X509V3_set_nconf(&ctx, conf);
  X509_EXTENSION *e = X509V3_EXT_nconf(conf, &ctx, name, value);
  assert_non_null(e);
  assert_true(X509_add_ext(x, e, -1));
  X509_EXTENSION_free(e);
  BIO_free(text);
  NCONF_free(conf);
}

static inline cert_t make(shape_t const *s, cert_t const *issuer) {
  static long serial = 100;
  cert_t      c = {.x = X509_new()};
  c.key = s->key ? s->key : s->rsa_bits ? EVP_RSA_gen((unsigned)s->rsa_bits) : EVP_EC_gen("P-256");
  X509_set_version(c.x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(c.x), serial++);
  ASN1_TIME_set(X509_getm_notBefore(c.x), (time_t)s->from);
  ASN1_TIME_set(X509_getm_notAfter(c.x), (time_t)s->to);
  if (*s->name)
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c.x), "CN", MBSTRING_ASC, (unsigned char const *)s->name, -1, -1, 0);
  X509_set_issuer_name(c.x, X509_get_subject_name(issuer ? issuer->x : c.x));
  X509_set_pubkey(c.x, c.key);
  ext(c.x, issuer ? issuer->x : c.x, "basicConstraints", s->basic);
  ext(c.x, issuer ? issuer->x : c.x, "keyUsage", s->usage);
  ext(c.x, issuer ? issuer->x : c.x, "extendedKeyUsage", s->ext_usage);
  ext(c.x, issuer ? issuer->x : c.x, "subjectAltName", s->san);
  ext(c.x, issuer ? issuer->x : c.x, "crlDistributionPoints", s->crl_at);
  ext(c.x, issuer ? issuer->x : c.x, "1.2.3.4.5.6", s->unknown);
  assert_true(X509_sign(c.x, issuer ? issuer->key : c.key, s->md()));
  c.der_sz = i2d_X509(c.x, &c.der);
  return c;
}

static inline void cert_free(cert_t *c) {
  EVP_PKEY_free(c->key);
  X509_free(c->x);
  OPENSSL_free(c->der);
}

static inline cf_span_t der_of(cert_t const *c) { return CF_SPAN(c->der, (size_t)c->der_sz); }

#endif
