/* Chains under a PKI made here: one table of everything that can be wrong with one, and signatures of every kind a TPM makes. */
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "pki.h"

static cf_span_t crl_make(cert_t const *issuer, EVP_PKEY *key, int64_t from, int64_t to, X509 *revoked) {
  static uint8_t pool[1 << 16];
  static size_t  used;
  X509_CRL      *crl = X509_CRL_new();
  ASN1_TIME     *t = ASN1_TIME_set(NULL, (time_t)from);
  X509_CRL_set_version(crl, 1);
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x));
  X509_CRL_set1_lastUpdate(crl, t);
  if (revoked) {
    X509_REVOKED *r = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked));
    X509_REVOKED_set_revocationDate(r, t);
    X509_CRL_add0_revoked(crl, r);
  }
  ASN1_TIME_set(t, (time_t)to);
  X509_CRL_set1_nextUpdate(crl, t);
  ASN1_TIME_free(t);
  assert_true(X509_CRL_sign(crl, key, EVP_sha256()));
  uint8_t *at = pool + used;
  int      n = i2d_X509_CRL(crl, &at);
  assert_true(n > 0 && used + (size_t)n < sizeof pool);
  X509_CRL_free(crl);
  used += (size_t)n;
  return CF_SPAN(pool + used - (size_t)n, (size_t)n);
}

/* ---- one run ---- */

static cert_t root, ca, ek, stranger;

static cf_verdict_code_t run(cf_x509_facts_t *f, cf_verdict_t *v, cert_t const *leaf, cert_t const *issuer, int64_t at_s,
                             cf_span_t crl, bool crl_required, cf_x509_use_t use) {
  cf_span_t     certs[2] = {der_of(leaf), der_of(issuer)}, roots[2] = {der_of(&stranger), der_of(&root)};
  cf_x509_ask_t ask = {.certs = certs,
                       .cert_cnt = 2,
                       .crls = &crl,
                       .crl_cnt = crl.len ? 1 : 0,
                       .roots = roots,
                       .root_cnt = 2,
                       .at_s = at_s,
                       .crl_required = crl_required,
                       .use = use};
  *v = (cf_verdict_t){0};
  return cf_x509_chain_check(f, &ask, v);
}

#define NO_CRL CF_SPAN(NULL, 0)

static void test_good(void **state) {
  (void)state;
  cf_x509_facts_t f;
  cf_verdict_t    v;
  cf_hash_t       leaf = cf_sha256(der_of(&ek));
  assert_int_equal(run(&f, &v, &ek, &ca, T, NO_CRL, true, CF_X509_EK), CF_VERDICT_OK);
  assert_hash(f.leaf, leaf);
  assert_int_equal(f.root_idx, 1);
  assert_int_equal(f.not_before_s, T - DAY);
  assert_int_equal(f.not_after_s, T + 100 * DAY);
  assert_int_equal(f.key.kind, CF_KEY_RSA);
  assert_int_equal(f.key.sz, 256);
  assert_string_equal(f.tpm_manufacturer, "id:54455354"); /* out of a critical subjectAltName */
  assert_string_equal(f.tpm_model, "model");
  assert_string_equal(f.tpm_version, "id:1");
}

/* over names what is off: "" takes an extension away, P256 takes RSA away. */
#define P256 (-1)
static shape_t with(shape_t base, shape_t over) {
  if (over.from) base.from = over.from;
  if (over.to) base.to = over.to;
  if (over.basic) base.basic = over.basic;
  if (over.usage) base.usage = over.usage;
  if (over.ext_usage) base.ext_usage = over.ext_usage;
  if (over.crl_at) base.crl_at = over.crl_at;
  if (over.md) base.md = over.md;
  if (over.unknown) base.unknown = over.unknown;
  if (over.rsa_bits) base.rsa_bits = over.rsa_bits == P256 ? 0 : over.rsa_bits;
  return base;
}

/* The leaf, or its issuer, is off in one way. */
static void test_shapes(void **state) {
  (void)state;
  struct {
    char const       *name;
    shape_t           leaf, issuer;
    cf_x509_use_t     use;
    cf_verdict_code_t want;
    char const       *item;
  } const cases[] = {
      {"as it should be", {0}, {0}, CF_X509_EK, CF_VERDICT_OK, ""},
      {"an ECC key with key agreement", {.rsa_bits = P256, .usage = "critical,keyAgreement"}, {0}, CF_X509_EK, CF_VERDICT_OK, ""},
      {"no EK usage", {.ext_usage = ""}, {0}, CF_X509_EK, CF_VERDICT_CHAIN, "chain[0]"},
      {"another extended usage", {.ext_usage = "serverAuth"}, {0}, CF_X509_EK, CF_VERDICT_CHAIN, "chain[0]"},
      {"an EK certificate as an AK's", {0}, {0}, CF_X509_AK, CF_VERDICT_CHAIN, "chain[0]"},
      {"a signing certificate as an EK's", {.usage = "digitalSignature"}, {0}, CF_X509_EK, CF_VERDICT_CHAIN, "chain[0]"},
      {"an AK certificate", {.usage = "digitalSignature", .ext_usage = ""}, {0}, CF_X509_AK, CF_VERDICT_OK, ""},
      {"leaf is an authority",
       {.basic = "critical,CA:TRUE", .usage = "keyEncipherment,keyCertSign"},
       {0},
       CF_X509_EK,
       CF_VERDICT_CHAIN,
       "chain[0]"},
      {"issuer is no authority", {0}, {.basic = "critical,CA:FALSE"}, CF_X509_EK, CF_VERDICT_CHAIN, "chain[1]"},
      {"issuer may not sign certificates", {0}, {.usage = "critical,cRLSign"}, CF_X509_EK, CF_VERDICT_CHAIN, "chain[1]"},
      {"unknown critical extension", {.unknown = "critical,DER:0500"}, {0}, CF_X509_EK, CF_VERDICT_CHAIN, "chain[0]"},
      {"unknown extension", {.unknown = "DER:0500"}, {0}, CF_X509_EK, CF_VERDICT_OK, ""},
      {"SHA-1 signature", {.md = EVP_sha1}, {0}, CF_X509_EK, CF_VERDICT_CHAIN, "chain[0]"},
      {"RSA of 1024 bits", {.rsa_bits = 1024}, {0}, CF_X509_EK, CF_VERDICT_CHAIN, "chain[0]"},
      {"expired leaf", {.to = T - 1}, {0}, CF_X509_EK, CF_VERDICT_EXPIRED, "chain[0]"},
      {"expired issuer", {0}, {.to = T - 1}, CF_X509_EK, CF_VERDICT_EXPIRED, "chain[1]"},
      {"later leaf", {.from = T + 1}, {0}, CF_X509_EK, CF_VERDICT_NOT_YET_VALID, "chain[0]"},
      {"valid from T", {.from = T}, {0}, CF_X509_EK, CF_VERDICT_OK, ""},
      {"valid until T", {.to = T}, {0}, CF_X509_EK, CF_VERDICT_OK, ""},
      {"list published, none there", {.crl_at = "URI:http://x/crl"}, {0}, CF_X509_EK, CF_VERDICT_COLLATERAL_MISSING, "chain[0]"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_x509_facts_t   f;
    cf_verdict_t      v;
    shape_t           upper = with(ca_shape, cases[i].issuer), lower = with(ek_shape, cases[i].leaf);
    cert_t            issuer = make(&upper, &root), leaf = make(&lower, &issuer);
    cf_verdict_code_t code = run(&f, &v, &leaf, &issuer, T, NO_CRL, true, cases[i].use);
    if (code != cases[i].want) fail_msg("%s: %s (%s: %s)", cases[i].name, cf_verdict_name(code), v.item, v.text);
    if (code) assert_string_equal(v.item, cases[i].item);
    if (code == CF_VERDICT_EXPIRED) assert_int_equal(v.date_s, T - 1);
    if (code == CF_VERDICT_NOT_YET_VALID) assert_int_equal(v.date_s, T + 1);
    cert_free(&issuer);
    cert_free(&leaf);
  }
}

static void test_revocation(void **state) {
  (void)state;
  shape_t shape = ek_shape, mute = ca_shape;
  shape.crl_at = "URI:http://x/crl";
  mute.usage = "critical,keyCertSign";
  cert_t published = make(&shape, &ca), silent = make(&mute, &root), below = make(&shape, &silent);
  struct {
    char const       *name;
    cf_span_t         crl;
    bool              required;
    cf_verdict_code_t want;
  } const cases[] = {
      {"clean list", crl_make(&ca, ca.key, T - DAY, T + DAY, NULL), true, CF_VERDICT_OK},
      {"list of another certificate", crl_make(&ca, ca.key, T - DAY, T + DAY, ca.x), true, CF_VERDICT_OK},
      {"revoked", crl_make(&ca, ca.key, T - DAY, T + DAY, published.x), true, CF_VERDICT_REVOKED},
      {"revoked, list not demanded", crl_make(&ca, ca.key, T - DAY, T + DAY, published.x), false, CF_VERDICT_REVOKED},
      {"old list", crl_make(&ca, ca.key, T - DAY, T - 1, NULL), true, CF_VERDICT_COLLATERAL_STALE},
      {"later list", crl_make(&ca, ca.key, T + 1, T + DAY, NULL), true, CF_VERDICT_NOT_YET_VALID},
      {"list ends at T", crl_make(&ca, ca.key, T, T, NULL), true, CF_VERDICT_OK},
      {"forged list", crl_make(&ca, root.key, T - DAY, T + DAY, NULL), true, CF_VERDICT_SIGNATURE},
      {"the root's list only", crl_make(&root, root.key, T - DAY, T + DAY, NULL), true, CF_VERDICT_COLLATERAL_MISSING},
      {"issuer on the root's list", crl_make(&root, root.key, T - DAY, T + DAY, ca.x), true, CF_VERDICT_COLLATERAL_MISSING},
      {"issuer on it, leaf's not demanded", crl_make(&root, root.key, T - DAY, T + DAY, ca.x), false, CF_VERDICT_REVOKED},
      {"no list, none demanded", NO_CRL, false, CF_VERDICT_OK},
      {"not a list", CF_SPAN_LIT("junk"), true, CF_VERDICT_MALFORMED},
  };
  cf_x509_facts_t f;
  cf_verdict_t    v;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_verdict_code_t code = run(&f, &v, &published, &ca, T, cases[i].crl, cases[i].required, CF_X509_EK);
    if (code != cases[i].want) fail_msg("%s: %s (%s: %s)", cases[i].name, cf_verdict_name(code), v.item, v.text);
  }
  assert_int_equal(run(&f, &v, &published, &ca, T, cases[0].crl, true, CF_X509_EK), CF_VERDICT_OK);
  assert_int_equal(f.not_after_s, T + DAY); /* the answer holds as long as the list */
  assert_int_equal(f.crl_issued_s, T - DAY);
  cf_span_t unsigned_usage = crl_make(&silent, silent.key, T - DAY, T + DAY, NULL);
  assert_int_equal(run(&f, &v, &below, &silent, T, unsigned_usage, true, CF_X509_EK),
                   CF_VERDICT_SIGNATURE); /* may not sign lists */
  cert_free(&published);
  cert_free(&silent);
  cert_free(&below);
}

static void test_lists(void **state) {
  (void)state;
  cf_span_t junk[1] = {CF_SPAN_LIT("junk")}, r = der_of(&root), many[CF_X509_CHAIN_MAX + 1];
  uint8_t   longer[4096];
  memcpy(longer, ek.der, (size_t)ek.der_sz);
  cf_span_t trailing = CF_SPAN(longer, (size_t)ek.der_sz + 1);
  for (size_t i = 0; i <= CF_X509_CHAIN_MAX; i++) many[i] = der_of(&ek);
  struct {
    char const       *name;
    cf_span_t         certs[4];
    size_t            cnt;
    cf_verdict_code_t want;
  } const cases[] = {
      {"with the root", {der_of(&ek), der_of(&ca), r}, 3, CF_VERDICT_OK},
      {"none", {{0}}, 0, CF_VERDICT_CHAIN},
      {"issuer missing", {der_of(&ek)}, 1, CF_VERDICT_CHAIN},
      {"out of order", {der_of(&ca), der_of(&ek)}, 2, CF_VERDICT_CHAIN},
      {"a stranger between", {der_of(&ek), der_of(&stranger), der_of(&ca)}, 3, CF_VERDICT_CHAIN},
      {"a stranger behind", {der_of(&ek), der_of(&ca), der_of(&stranger)}, 3, CF_VERDICT_CHAIN},
      {"the issuer twice", {der_of(&ek), der_of(&ca), der_of(&ca)}, 3, CF_VERDICT_CHAIN},
      {"junk", {junk[0]}, 1, CF_VERDICT_MALFORMED},
      {"bytes behind a certificate", {trailing, der_of(&ca)}, 2, CF_VERDICT_MALFORMED},
  };
  cf_x509_facts_t f;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_verdict_t  v = {0};
    cf_x509_ask_t ask = {
        .certs = cases[i].certs, .cert_cnt = cases[i].cnt, .roots = &r, .root_cnt = 1, .at_s = T, .use = CF_X509_EK};
    cf_verdict_code_t code = cf_x509_chain_check(&f, &ask, &v);
    if (code != cases[i].want) fail_msg("%s: %s (%s: %s)", cases[i].name, cf_verdict_name(code), v.item, v.text);
  }
  cf_verdict_t  v = {0};
  cf_x509_ask_t ask = {.certs = many, .cert_cnt = CF_X509_CHAIN_MAX + 1, .roots = &r, .root_cnt = 1, .at_s = T};
  assert_int_equal(cf_x509_chain_check(&f, &ask, &v), CF_VERDICT_MALFORMED);
  ask.cert_cnt = 1, ask.roots = junk, v = (cf_verdict_t){0};
  assert_int_equal(cf_x509_chain_check(&f, &ask, &v), CF_VERDICT_MALFORMED);
  ask.root_cnt = 0, v = (cf_verdict_t){0};
  assert_int_equal(cf_x509_chain_check(&f, &ask, &v), CF_VERDICT_CHAIN); /* no root admits nobody */

  /* a root of the same name with another key */
  cert_t    twin = make(&root_shape, NULL);
  cf_span_t certs[2] = {der_of(&ek), der_of(&ca)}, t = der_of(&twin);
  ask = (cf_x509_ask_t){.certs = certs, .cert_cnt = 2, .roots = &t, .root_cnt = 1, .at_s = T, .use = CF_X509_EK};
  v = (cf_verdict_t){0};
  assert_int_equal(cf_x509_chain_check(&f, &ask, &v), CF_VERDICT_CHAIN);
  cert_free(&twin);
}

/* ---- keys and signatures ---- */

static cf_key_t key_of(EVP_PKEY *pkey) {
  uint8_t *der = NULL;
  int      n = i2d_PUBKEY(pkey, &der);
  cf_key_t key;
  assert_int_equal(cf_key_from_spki(&key, CF_SPAN(der, (size_t)n)), CF_OK);
  assert_int_equal(cf_key_from_spki(&key, CF_SPAN(der, (size_t)n - 1)), CF_ERR_FORMAT);
  assert_int_equal(cf_key_from_spki(&key, CF_SPAN(der, (size_t)n)), CF_OK);
  OPENSSL_free(der);
  return key;
}

/* Signs msg; ECDSA comes out as r || s. */
static size_t sign(uint8_t *out, EVP_PKEY *pkey, EVP_MD const *md, bool pss, size_t half, cf_span_t msg) {
  size_t        n = 600;
  EVP_PKEY_CTX *pc = NULL;
  EVP_MD_CTX   *ctx = EVP_MD_CTX_new();
  assert_true(EVP_DigestSignInit(ctx, &pc, md, NULL, pkey) > 0);
  if (pss) assert_true(EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) > 0);
  assert_true(EVP_DigestSign(ctx, out, &n, msg.ptr, msg.len) > 0);
  EVP_MD_CTX_free(ctx);
  if (!half) return n;
  uint8_t const *at = out;
  ECDSA_SIG     *rs = d2i_ECDSA_SIG(NULL, &at, (long)n);
  uint8_t        raw[96];
  BN_bn2binpad(ECDSA_SIG_get0_r(rs), raw, (int)half);
  BN_bn2binpad(ECDSA_SIG_get0_s(rs), raw + half, (int)half);
  memcpy(out, raw, 2 * half);
  ECDSA_SIG_free(rs);
  return 2 * half;
}

static void test_signatures(void **state) {
  (void)state;
  struct {
    char const   *name;
    EVP_PKEY     *pkey;
    EVP_MD const *md;
    uint16_t      hash;
    cf_sig_kind_t kind;
    size_t        half;
  } const cases[] = {
      {"RSASSA SHA-256", EVP_RSA_gen(2048), EVP_sha256(), CF_TPM_SHA256, CF_SIG_RSASSA, 0},
      {"RSASSA SHA-1", EVP_RSA_gen(2048), EVP_sha1(), CF_TPM_SHA1, CF_SIG_RSASSA, 0},
      {"RSAPSS SHA-384", EVP_RSA_gen(3072), EVP_sha384(), CF_TPM_SHA384, CF_SIG_RSAPSS, 0},
      {"ECDSA P-256 SHA-256", EVP_EC_gen("P-256"), EVP_sha256(), CF_TPM_SHA256, CF_SIG_ECDSA, 32},
      {"ECDSA P-256 SHA-512", EVP_EC_gen("P-256"), EVP_sha512(), CF_TPM_SHA512, CF_SIG_ECDSA, 32},
      {"ECDSA P-384 SHA-384", EVP_EC_gen("P-384"), EVP_sha384(), CF_TPM_SHA384, CF_SIG_ECDSA, 48},
  };
  cf_span_t msg = CF_SPAN_LIT("what was signed"), other = CF_SPAN_LIT("what was not");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t     sig[600];
    cf_key_t    key = key_of(cases[i].pkey);
    size_t      n = sign(sig, cases[i].pkey, cases[i].md, cases[i].kind == CF_SIG_RSAPSS, cases[i].half, msg);
    cf_status_t st = cf_key_verify(&key, cases[i].kind, cases[i].hash, CF_SPAN(sig, n), msg);
    if (st) fail_msg("%s: %s", cases[i].name, cf_status_name(st));
    assert_int_equal(cf_key_verify(&key, cases[i].kind, cases[i].hash, CF_SPAN(sig, n), other), CF_ERR_AUTH);
    assert_int_equal(cf_key_verify(&key, cases[i].kind, cases[i].hash, CF_SPAN(sig, n - 1), msg), CF_ERR_AUTH);
    assert_int_equal(cf_key_verify(&key, cases[i].kind, 0x9999, CF_SPAN(sig, n), msg), CF_ERR_UNSUPPORTED);
    assert_int_equal(cf_key_verify(&key, cases[i].half ? CF_SIG_RSASSA : CF_SIG_ECDSA, cases[i].hash, CF_SPAN(sig, n), msg),
                     CF_ERR_UNSUPPORTED);
    sig[n - 1] ^= 1;
    assert_int_equal(cf_key_verify(&key, cases[i].kind, cases[i].hash, CF_SPAN(sig, n), msg), CF_ERR_AUTH);
    if (cases[i].half) {
      key.b[key.sz - 1] ^= 1; /* off the curve */
      assert_int_equal(cf_key_verify(&key, cases[i].kind, cases[i].hash, CF_SPAN(sig, n), msg), CF_ERR_AUTH);
      memset(sig, 0, cases[i].half); /* r = 0 */
      assert_int_equal(cf_key_verify(&key, cases[i].kind, cases[i].hash, CF_SPAN(sig, n), msg), CF_ERR_AUTH);
    }
    EVP_PKEY_free(cases[i].pkey);
  }
  EVP_PKEY *small = EVP_RSA_gen(1024), *odd = EVP_EC_gen("P-521");
  cf_key_t  key = key_of(small);
  uint8_t   sig[600], *der = NULL;
  size_t    n = sign(sig, small, EVP_sha256(), false, 0, msg);
  assert_int_equal(cf_key_verify(&key, CF_SIG_RSASSA, CF_TPM_SHA256, CF_SPAN(sig, n), msg), CF_ERR_UNSUPPORTED);
  int der_sz = i2d_PUBKEY(odd, &der);
  assert_int_equal(cf_key_from_spki(&key, CF_SPAN(der, (size_t)der_sz)), CF_ERR_UNSUPPORTED);
  OPENSSL_free(der);
  EVP_PKEY_free(small);
  EVP_PKEY_free(odd);
}

static int group_setup(void **state) {
  (void)state;
  shape_t other = root_shape;
  other.name = "stranger";
  root = make(&root_shape, NULL);
  stranger = make(&other, NULL);
  ca = make(&ca_shape, &root);
  ek = make(&ek_shape, &ca);
  return 0;
}

static int group_teardown(void **state) {
  (void)state;
  cert_free(&root);
  cert_free(&stranger);
  cert_free(&ca);
  cert_free(&ek);
  return 0;
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_shapes),
                                     cmocka_unit_test(test_revocation), cmocka_unit_test(test_lists),
                                     cmocka_unit_test(test_signatures)};
  return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
