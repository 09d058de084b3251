/* Our reader of certificates and lists against OpenSSL's: the same fields of the same bytes, and the same word on every chain of
   a table; where ours is the stricter, the row says so.  Verdicts and lists case by case are in test_platforms. */
#include "pki.h"

#include "evidence/cf_cert.h"

static cert_t root, ca, leaf;

static shape_t const device = {"device", T - DAY, T + 100 * DAY, "critical,CA:FALSE", "critical,digitalSignature",
                               NULL,     NULL,    NULL,          EVP_sha256,          0,
                               NULL,     NULL};

static int group_setup(void **state) {
  (void)state;
  root = make(&root_shape, NULL);
  ca = make(&ca_shape, &root);
  leaf = make(&device, &ca);
  return 0;
}

static int group_teardown(void **state) {
  (void)state;
  cert_free(&root);
  cert_free(&ca);
  cert_free(&leaf);
  return 0;
}

/* ---- the word of both ---- */

static bool openssl_says(cert_t const *l, cert_t const *c) {
  X509_STORE     *store = X509_STORE_new();
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  STACK_OF(X509) *others = sk_X509_new_null();
  sk_X509_push(others, c->x);
  assert_true(X509_STORE_add_cert(store, root.x) && X509_STORE_CTX_init(ctx, store, l->x, others));
  X509_STORE_CTX_set_time(ctx, 0, T);
  bool good = X509_verify_cert(ctx) == 1;
  X509_STORE_CTX_free(ctx);
  X509_STORE_free(store);
  sk_X509_free(others);
  return good;
}

static bool we_say(cert_t const *l, cert_t const *c, int64_t at_s) {
  cf_cert_t     certs[3];
  cf_interval_t in = CF_INTERVAL_ALL;
  cf_verdict_t  v = {0};
  if (cf_cert_decode(&certs[0], der_of(l), "leaf", NULL) || cf_cert_decode(&certs[1], der_of(c), "ca", NULL)) return false;
  assert_int_equal(cf_cert_decode(&certs[2], der_of(&root), "root", NULL), CF_OK);
  return !cf_cert_chain_check(&in, certs, 3, CF_CERT_ECDSA_SHA256, at_s, &v);
}

static void test_chains(void **state) {
  (void)state;
  static struct {
    char const *name;
    char const *ca_basic, *ca_usage, *leaf_basic, *unknown;
    int64_t     ca_to, leaf_from;
    EVP_MD const *(*md)(void);
    bool good, stricter; /* stricter: OpenSSL takes it */
  } const rows[] = {
      {.name = "as it should be", .good = true},
      {.name = "one authority may follow", .ca_basic = "critical,CA:TRUE,pathlen:0", .good = true},
      {.name = "basic constraints not critical", .ca_basic = "CA:TRUE", .good = true},
      {.name = "no authority", .ca_basic = "critical,CA:FALSE"},
      {.name = "may not sign certificates", .ca_usage = "critical,digitalSignature"},
      {.name = "no key usage", .ca_usage = "", .stricter = true},
      {.name = "an authority is over", .ca_to = T - 1},
      {.name = "a device of tomorrow", .leaf_from = T + 1},
      {.name = "a critical extension", .unknown = "critical,DER:0500"},
      {.name = "an extension that is not critical", .unknown = "DER:0500", .good = true},
      {.name = "a device that is an authority", .leaf_basic = "critical,CA:TRUE", .stricter = true},
      {.name = "a device without basic constraints", .leaf_basic = "", .good = true},
      {.name = "SHA-384 where SHA-256 is due", .md = EVP_sha384, .stricter = true},
      {.name = "SHA-1", .md = EVP_sha1, .stricter = true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    shape_t cs = ca_shape, ls = device;
    if (rows[i].ca_basic) cs.basic = rows[i].ca_basic;
    if (rows[i].ca_usage) cs.usage = rows[i].ca_usage;
    if (rows[i].leaf_basic) ls.basic = rows[i].leaf_basic;
    if (rows[i].ca_to) cs.to = rows[i].ca_to;
    if (rows[i].leaf_from) ls.from = rows[i].leaf_from;
    if (rows[i].md) ls.md = rows[i].md;
    ls.unknown = rows[i].unknown;
    cert_t c = make(&cs, &root), l = make(&ls, &c);
    if (we_say(&l, &c, T) != rows[i].good) fail_msg("%s: we say the other", rows[i].name);
    if (openssl_says(&l, &c) != (rows[i].good || rows[i].stricter)) fail_msg("%s: OpenSSL says the other", rows[i].name);
    cert_free(&c);
    cert_free(&l);
  }
  assert_true(we_say(&leaf, &ca, T + 100 * DAY)); /* the last second */
  assert_false(we_say(&leaf, &ca, T + 100 * DAY + 1));
  cert_t other = make(&ca_shape, NULL); /* of the same name, by itself */
  assert_false(we_say(&leaf, &other, T));
  cert_free(&other);
}

/* Whatever byte is changed: what we take, OpenSSL takes. */
static void test_bytes(void **state) {
  (void)state;
  uint8_t  *copy = malloc((size_t)leaf.der_sz);
  cf_cert_t certs[3];
  assert_int_equal(cf_cert_decode(&certs[1], der_of(&ca), "ca", NULL), CF_OK);
  assert_int_equal(cf_cert_decode(&certs[2], der_of(&root), "root", NULL), CF_OK);
  for (int at = 0; at < leaf.der_sz; at++)
    for (int bit = 0; bit < 8; bit++) {
      memcpy(copy, leaf.der, (size_t)leaf.der_sz);
      copy[at] ^= (uint8_t)(1 << bit);
      cf_interval_t in = CF_INTERVAL_ALL;
      cf_verdict_t  v = {0};
      if (cf_cert_decode(&certs[0], CF_SPAN(copy, (size_t)leaf.der_sz), "leaf", NULL)) continue;
      if (!cf_cert_chain_check(&in, certs, 3, CF_CERT_ECDSA_SHA256, T, &v)) fail_msg("byte %d is taken", at);
    }
  for (int n = 0; n < leaf.der_sz; n++) {
    uint8_t *exact = malloc(n ? (size_t)n : 1);
    memcpy(exact, leaf.der, (size_t)n);
    assert_int_not_equal(cf_cert_decode(&certs[0], CF_SPAN(exact, (size_t)n), "leaf", NULL), CF_OK);
    free(exact);
  }
  free(copy);
}

/* ---- fields ---- */

static void test_fields(void **state) {
  (void)state;
  cf_cert_t c;
  cf_key_t  key;
  char      cn[CF_CERT_CN_MAX];
  uint8_t  *spki = NULL;
  assert_int_equal(cf_cert_decode(&c, der_of(&ca), "ca", NULL), CF_OK);
  assert_true(cf_cert_cn(cn, c.subject));
  assert_string_equal(cn, "ca");
  assert_true(cf_cert_cn(cn, c.issuer));
  assert_string_equal(cn, "root");
  assert_int_equal(c.from_s, T - DAY);
  assert_int_equal(c.to_s, T + 500 * DAY);
  assert_true(c.is_ca && c.path_len == -1 && !c.unknown_critical);
  assert_int_equal(c.usage, CF_USAGE_CERT_SIGN | CF_USAGE_CRL_SIGN);
  ASN1_INTEGER const *serial = X509_get0_serialNumber(ca.x);
  assert_true(cf_span_eq(c.serial, CF_SPAN(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial))));
  int n = i2d_PUBKEY(ca.key, &spki);
  assert_int_equal(cf_key_from_spki(&key, CF_SPAN(spki, (size_t)n)), CF_OK);
  assert_true(cf_key_eq(&key, &c.key));
  OPENSSL_free(spki);
  spki = NULL;
  assert_int_equal(cf_cert_decode(&c, der_of(&root), "root", NULL), CF_OK);
  assert_int_equal(cf_cert_self_check(&c), CF_OK);
  assert_int_equal(cf_cert_decode(&c, der_of(&ca), "ca", NULL), CF_OK);
  assert_int_not_equal(cf_cert_self_check(&c), CF_OK);

  shape_t rsa = device;
  rsa.rsa_bits = 3072;
  cert_t r = make(&rsa, &ca);
  assert_int_equal(cf_cert_decode(&c, der_of(&r), "leaf", NULL), CF_OK);
  n = i2d_PUBKEY(r.key, &spki);
  assert_int_equal(cf_key_from_spki(&key, CF_SPAN(spki, (size_t)n)), CF_OK);
  assert_true(cf_key_eq(&key, &c.key));
  OPENSSL_free(spki);
  spki = NULL;
  cert_free(&r);
}

static void test_names(void **state) {
  (void)state;
  static struct {
    char const *name;
    cf_span_t   in;
    char const *want;
  } const rows[] = {
#define CN(tag, text) "\x31\x0c\x30\x0a\x06\x03\x55\x04\x03" tag "\x03" text
      {"UTF8String", {(uint8_t const *)"\x30\x0e" CN("\x0c", "abc"), 16}, "abc"},
      {"PrintableString", {(uint8_t const *)"\x30\x0e" CN("\x13", "abc"), 16}, "abc"},
      {"a string of another kind", {(uint8_t const *)"\x30\x0e" CN("\x1e", "abc"), 16}, NULL},
      {"a NUL inside", {(uint8_t const *)"\x30\x0e" CN("\x0c", "a\0c"), 16}, NULL},
      {"two", {(uint8_t const *)"\x30\x1c" CN("\x0c", "abc") CN("\x0c", "abd"), 30}, NULL},
      {"none", {(uint8_t const *)"\x30\x00", 2}, NULL},
      {"cut short", {(uint8_t const *)"\x30\x0e" CN("\x0c", "ab"), 15}, NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char cn[CF_CERT_CN_MAX];
    bool found = cf_cert_cn(cn, rows[i].in);
    if (found != (rows[i].want != NULL) || (found && strcmp(cn, rows[i].want))) fail_msg("%s", rows[i].name);
  }
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_chains),
      cmocka_unit_test(test_bytes),
      cmocka_unit_test(test_fields),
      cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
