/* Chains and revocation lists against X509_verify_cert: random ones, most with a fault or two, under a seed that is printed
   (CF_SEED gives one); and each bit of an authority, of a root and of a list changed.  What we take, OpenSSL takes; what it takes
   and we do not has one of the features that we are stricter about.  Ends of validity lie apart from T: OpenSSL leaves the last
   second out. */
#include "pki.h"

#include <openssl/rand.h>

#include "evidence/cf_cert.h"

#define DEPTH_MAX 4 /* certificates, root and leaf included */

static uint64_t state_of;
static uint32_t pick(uint32_t n) {
  state_of ^= state_of << 13;
  state_of ^= state_of >> 7;
  state_of ^= state_of << 17;
  return (uint32_t)(state_of >> 11) % n;
}
/* true once in n. */
static bool once(uint32_t n) { return pick(n) == 0; }

/* ---- a random chain ---- */

typedef struct {
  cert_t    cert[DEPTH_MAX]; /* the root first */
  X509_CRL *crl[DEPTH_MAX];  /* crl[i] is by cert[i]; NULL: none */
  uint8_t  *crl_der[DEPTH_MAX];
  int       crl_sz[DEPTH_MAX];
  size_t    cnt;
  bool      strict;      /* has a feature that our own reader refuses, and OpenSSL may take */
  bool      strict_x509; /* the same of cf_x509 */
  bool      lists_strict;
} chain_t;

static shape_t shape_of(chain_t *c, size_t i, bool leaf) {
  static char const *const names[] = {"root", "ca1", "ca2", "ca3"};
  shape_t                  s = ca_shape;
  s.name = leaf ? "device" : names[i];
  if (leaf) s.basic = "critical,CA:FALSE", s.usage = "critical,digitalSignature";
  if (once(12)) s.from = T + 1;
  if (once(12)) s.to = T - 1;
  if (once(14)) s.unknown = pick(2) ? "critical,DER:0500" : "DER:0500";
  if (once(14)) s.md = pick(2) ? EVP_sha384 : EVP_sha1;
  if (!leaf && once(6)) s.basic = pick(2) ? "critical,CA:TRUE,pathlen:0" : "critical,CA:TRUE,pathlen:1";
  if (!leaf && once(14)) s.basic = pick(2) ? "critical,CA:FALSE" : "";
  if (!leaf && once(14)) s.usage = pick(2) ? "critical,digitalSignature" : "";
  if (leaf && once(14)) s.basic = pick(2) ? "critical,CA:TRUE" : "";
  if (leaf && once(14)) s.usage = pick(2) ? "critical,keyAgreement" : "";
  bool weak = s.md == EVP_sha1, other = s.md != EVP_sha256;
  c->strict |= (!*s.basic && !*s.usage && !s.unknown); /* version 3 without extensions */
  c->strict |= weak || (i > 0 && other) || (!leaf && (!*s.usage || !*s.basic)) || (leaf && !strcmp(s.basic, "critical,CA:TRUE"));
  c->strict_x509 |= (i > 0 && weak) ||
                    (leaf && (strcmp(s.usage, "critical,digitalSignature") || strcmp(s.basic, "critical,CA:FALSE"))) ||
                    (!leaf && (!*s.usage || !*s.basic));
  return s;
}

static X509_CRL *list_of(chain_t *c, size_t i) {
  X509_CRL  *crl = X509_CRL_new();
  ASN1_TIME *at = ASN1_TIME_new();
  cert_t     other = {0}, *by = &c->cert[i];
  X509_CRL_set_version(crl, 1);
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->x));
  ASN1_TIME_set(at, once(10) ? T + 1 : T - DAY);
  X509_CRL_set1_lastUpdate(crl, at);
  ASN1_TIME_set(at, once(10) ? T - 1 : T + DAY);
  X509_CRL_set1_nextUpdate(crl, at);
  for (uint32_t k = pick(3); k > 0; k--) {
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set(serial, once(6) ? ASN1_INTEGER_get(X509_get0_serialNumber(c->cert[i + 1].x)) : 1000000 + (long)k);
    X509_REVOKED_set_serialNumber(entry, serial);
    X509_REVOKED_set_revocationDate(entry, at);
    X509_CRL_add0_revoked(crl, entry);
    ASN1_INTEGER_free(serial);
  }
  if (once(12)) { /* by a stranger of the same name */
    shape_t s = ca_shape;
    s.name = "stranger";
    other = make(&s, NULL);
    by = &other;
  }
  bool wide = once(12);
  assert_true(X509_CRL_sign(crl, by->key, wide ? EVP_sha384() : EVP_sha256()));
  c->lists_strict |= wide;
  if (other.x) cert_free(&other);
  ASN1_TIME_free(at);
  return crl;
}

/* As it is received: a list that was made here is sorted by its first reader, and then encoded anew. */
static void list_keep(chain_t *c, size_t i) {
  uint8_t const *at;
  c->crl_sz[i] = i2d_X509_CRL(c->crl[i], &c->crl_der[i]);
  at = c->crl_der[i];
  X509_CRL_free(c->crl[i]);
  c->crl[i] = d2i_X509_CRL(NULL, &at, c->crl_sz[i]);
}

static void chain_make(chain_t *c) {
  *c = (chain_t){.cnt = 2 + pick(DEPTH_MAX - 1)};
  for (size_t i = 0; i < c->cnt; i++) {
    shape_t s = shape_of(c, i, i + 1 == c->cnt);
    cert_t  stranger = {0};
    if (i && once(16)) { /* an issuer of that name and another key, or of another name and that key */
      shape_t o = ca_shape;
      bool    same_name = pick(2);
      o.name = same_name ? i == 1 ? "root" : i == 2 ? "ca1" : "ca2" : "stranger";
      if (!same_name) {
        o.key = c->cert[i - 1].key;
        EVP_PKEY_up_ref(o.key);
      }
      stranger = make(&o, NULL);
    }
    c->cert[i] = make(&s, stranger.x ? &stranger : i ? &c->cert[i - 1] : NULL);
    if (stranger.x) cert_free(&stranger);
  }
  for (size_t i = 0; i + 1 < c->cnt; i++) {
    if (once(10)) continue;
    c->crl[i] = list_of(c, i);
    list_keep(c, i);
  }
}

static void chain_free(chain_t *c) {
  for (size_t i = 0; i < c->cnt; i++) {
    cert_free(&c->cert[i]);
    X509_CRL_free(c->crl[i]);
    OPENSSL_free(c->crl_der[i]);
  }
}

/* ---- three readers ---- */

static char peer_said[128];

static bool openssl_says(chain_t const *c, bool lists) {
  X509_STORE     *store = X509_STORE_new();
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  STACK_OF(X509) *others = sk_X509_new_null();
  for (size_t i = 1; i + 1 < c->cnt; i++) sk_X509_push(others, c->cert[i].x);
  assert_true(X509_STORE_add_cert(store, c->cert[0].x));
  for (size_t i = 0; lists && i < c->cnt; i++)
    if (c->crl[i]) assert_true(X509_STORE_add_crl(store, c->crl[i]));
  assert_true(X509_STORE_CTX_init(ctx, store, c->cert[c->cnt - 1].x, others));
  X509_STORE_CTX_set_time(ctx, 0, T);
  if (lists) X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  bool good = X509_verify_cert(ctx) == 1;
  snprintf(peer_said, sizeof peer_said, "%s at %d", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)),
           X509_STORE_CTX_get_error_depth(ctx));
  X509_STORE_CTX_free(ctx);
  X509_STORE_free(store);
  sk_X509_free(others);
  return good;
}

/* The lists too: each link's is there, its issuer's, in time, and does not name the link. */
static cf_verdict_t said;

static bool we_say(chain_t const *c, bool lists) {
  cf_cert_t     certs[DEPTH_MAX];
  cf_interval_t in = CF_INTERVAL_ALL;
  cf_verdict_t  v = {0};
  for (size_t i = 0; i < c->cnt; i++) {
    cf_error_t err = {0};
    if (!cf_cert_decode(&certs[i], der_of(&c->cert[c->cnt - 1 - i]), "cert", &err)) continue;
    snprintf(said.text, sizeof said.text, "%s", err.text);
    return false;
  }
  cf_verdict_code_t code = cf_cert_chain_check(&in, certs, c->cnt, CF_CERT_ECDSA_SHA256, T, &v);
  said = v;
  if (code) return false;
  for (size_t i = 0; lists && i + 1 < c->cnt; i++) {
    cf_crl_t  crl;
    cf_span_t der = CF_SPAN(c->crl_der[i], (size_t)c->crl_sz[i]);
    size_t    issuer = c->cnt - 1 - i;
    if (!der.ptr || cf_crl_decode(&crl, der, "crl", NULL) || crl.alg != CF_CERT_ECDSA_SHA256) return false;
    if (cf_crl_check(&in, &crl, &certs[issuer], T, "crl", &v) || cf_crl_judge(&crl, &certs[issuer - 1], &v)) return false;
  }
  return true;
}

static bool x509_says(chain_t const *c, bool lists) {
  cf_span_t       certs[DEPTH_MAX], crls[DEPTH_MAX], root = der_of(&c->cert[0]);
  cf_x509_facts_t f;
  cf_verdict_t    v = {0};
  cf_x509_ask_t   ask = {
        .certs = certs, .cert_cnt = c->cnt - 1, .crls = crls, .roots = &root, .root_cnt = 1, .at_s = T, .use = CF_X509_AK};
  for (size_t i = 0; i + 1 < c->cnt; i++) {
    certs[i] = der_of(&c->cert[c->cnt - 1 - i]);
    if (lists && c->crl_der[i]) crls[ask.crl_cnt++] = CF_SPAN(c->crl_der[i], (size_t)c->crl_sz[i]);
    if (lists && !c->crl_der[i]) return false; /* which it would ask for, where a certificate said that there is one */
  }
  return !cf_x509_chain_check(&f, &ask, &v);
}

#ifdef __SANITIZE_ADDRESS__
#define CHAINS 500
#else
#define CHAINS 2000
#endif

static void test_random(void **state) {
  (void)state;
  uint64_t seed;
  size_t   good = 0, listed = 0, stricter = 0;
  assert_int_equal(RAND_bytes((unsigned char *)&seed, sizeof seed), 1);
  char const *given = getenv("CF_SEED");
  if (given) seed = strtoull(given, NULL, 10);
  print_message("  CF_SEED=%llu\n", (unsigned long long)seed);
  state_of = seed | 1;
  for (size_t n = 0; n < CHAINS; n++) {
    chain_t c;
    chain_make(&c);
    for (int lists = 0; lists < 2; lists++) {
      bool peer = openssl_says(&c, lists), own = we_say(&c, lists), x509 = x509_says(&c, lists);
      bool may = c.strict || (lists && c.lists_strict);
      if (own && !peer) fail_msg("chain %zu, lists %d: we take it, OpenSSL does not (%s)", n, lists, peer_said);
      if (x509 && !peer) fail_msg("chain %zu, lists %d: cf_x509 takes it, OpenSSL does not (%s)", n, lists, peer_said);
      if (peer && !own && !may)
        fail_msg("chain %zu of %zu, lists %d: OpenSSL takes it, and we are not stricter there (%s)", n, c.cnt, lists, said.text);
      if (peer && !x509 && !c.strict_x509)
        fail_msg("chain %zu, lists %d: OpenSSL takes it, cf_x509 is not stricter there", n, lists);
      if (lists) listed += own;
      else good += own;
      stricter += peer && !own;
    }
    chain_free(&c);
  }
  print_message("  %d chains: %zu good, %zu of them with every list; OpenSSL takes %zu more\n", CHAINS, good, listed, stricter);
  assert_true(good > CHAINS / 20 && listed > CHAINS / 100 && good < CHAINS);
}

/* ---- bytes ---- */

/* A chain without faults. */
static void chain_good(chain_t *c) {
  shape_t leaf = ca_shape, root = root_shape;
  leaf.name = "device";
  leaf.basic = "critical,CA:FALSE";
  leaf.usage = "critical,digitalSignature";
  *c = (chain_t){.cnt = 3};
  c->cert[0] = make(&root, NULL);
  c->cert[1] = make(&ca_shape, &c->cert[0]);
  c->cert[2] = make(&leaf, &c->cert[1]);
  for (size_t i = 0; i < 2; i++) {
    do { /* until it is one that holds */
      X509_CRL_free(c->crl[i]);
      OPENSSL_free(c->crl_der[i]);
      c->crl_der[i] = NULL;
      c->crl[i] = list_of(c, i);
      list_keep(c, i);
      c->lists_strict = false;
    } while (!we_say(c, i == 1) || (i == 0 && X509_cmp_time(X509_CRL_get0_nextUpdate(c->crl[0]), &(time_t){T}) < 0));
    if (i == 0 && !we_say(c, false)) fail_msg("a chain without faults is refused");
  }
}

/* A root that is known by its key, and not byte for byte, must hold by itself. */
static bool signs_itself(cert_t const *root) {
  cf_cert_t cert;
  return !cf_cert_decode(&cert, der_of(root), "root", NULL) && !cf_cert_self_check(&cert);
}

static void test_bytes(void **state) {
  (void)state;
  chain_t c, m;
  state_of = 88172645463325252ULL;
  do chain_good(&c);
  while (!we_say(&c, true) && (chain_free(&c), true));
  for (size_t which = 0; which < 2; which++) {
    uint8_t *copy = malloc((size_t)c.cert[which].der_sz);
    for (int bit = 0; bit < c.cert[which].der_sz * 8; bit++) {
      memcpy(copy, c.cert[which].der, (size_t)c.cert[which].der_sz);
      copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
      m = c;
      m.cert[which].der = copy;
      if (we_say(&m, true) && (which || signs_itself(&m.cert[0])))
        fail_msg("bit %d of certificate %zu may be changed", bit, which);
    }
    free(copy);
  }
  for (size_t i = 0; i < 2; i++) {
    uint8_t *copy = malloc((size_t)c.crl_sz[i]);
    for (int bit = 0; bit < c.crl_sz[i] * 8; bit++) {
      memcpy(copy, c.crl_der[i], (size_t)c.crl_sz[i]);
      copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
      m = c;
      m.crl_der[i] = copy;
      if (we_say(&m, true)) fail_msg("bit %d of list %zu may be changed", bit, i);
    }
    free(copy);
  }
  chain_free(&c);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
