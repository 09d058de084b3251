/* A dozen members of councils verify the same signatures, and one certificate.  Each is verified once by the real code, and the
   answer remembered: verification is a function of key, signature and message, and a chain's facts say how long they hold.  That
   what was signed here verifies is known from its making; one in CONTROL is verified all the same, and must.  Public
   keys are remembered, and signing seeds of Ed25519 kept parsed, which is half of the work.  The linker puts these before the real ones (--wrap, cmake/sim.cmake). */
#include <assert.h>

#include <openssl/evp.h>

#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"
#include "document/cf_table.h"
#include "evidence/cf_x509.h"

#define MEMO_CNT 16384 /* a power of two; the newest answer of a place stays */

cf_status_t __real_cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg);
cf_status_t __real_cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest);
cf_status_t __real_cf_k256_recover(cf_addr_t *addr, uint8_t const sig[64], cf_hash_t const *digest);
cf_status_t __real_cf_k256_sign(uint8_t sig[64], uint8_t const scalar[32], cf_hash_t const *digest);
cf_status_t __real_cf_k256_addr(cf_addr_t *addr, uint8_t const scalar[32]);
void        __real_cf_p256_sign(cf_p256_key_t const *key, uint8_t sig[64], cf_hash_t const *digest);
cf_verdict_code_t __real_cf_x509_chain_check(cf_x509_facts_t *out, cf_x509_ask_t const *ask, cf_verdict_t *v);
cf_status_t __wrap_cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg);
cf_status_t __wrap_cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest);
cf_status_t __wrap_cf_k256_recover(cf_addr_t *addr, uint8_t const sig[64], cf_hash_t const *digest);
cf_status_t __wrap_cf_k256_sign(uint8_t sig[64], uint8_t const scalar[32], cf_hash_t const *digest);
cf_status_t __wrap_cf_k256_addr(cf_addr_t *addr, uint8_t const scalar[32]);
void        __wrap_cf_ed25519_pub(cf_ed25519_pub_t *pub, uint8_t const seed[32]);
void        __wrap_cf_p256_sign(cf_p256_key_t const *key, uint8_t sig[64], cf_hash_t const *digest);
void        __wrap_cf_ed25519_sign(uint8_t sig[64], uint8_t const seed[32], cf_span_t msg);
cf_verdict_code_t __wrap_cf_x509_chain_check(cf_x509_facts_t *out, cf_x509_ask_t const *ask, cf_verdict_t *v);

typedef struct {
  cf_hash_t   what;
  cf_status_t status;
  cf_addr_t   addr; /* recovered */
} memo_t;
static memo_t memo[MEMO_CNT];

/* The place of a question; *what is in it when it was asked before.  A place that was never used holds a hash that none is. */
static memo_t *place(char kind, cf_span_t pub, uint8_t const sig[64], cf_span_t msg, cf_hash_t *what) {
  cf_sha256_t ctx;
  cf_sha256_init(&ctx);
  cf_sha256_add(&ctx, &kind, 1);
  cf_sha256_s(&ctx, pub);
  cf_sha256_add(&ctx, sig, 64);
  cf_sha256_s(&ctx, msg);
  *what = cf_sha256_end(&ctx);
  return &memo[(what->b[0] << 8 | what->b[1]) % MEMO_CNT];
}

cf_status_t __wrap_cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg) {
  cf_hash_t what;
  memo_t   *m = place('e', CF_SPAN_OF(pub->b), sig, msg, &what);
  if (!cf_hash_eq(&m->what, &what)) *m = (memo_t){.what = what, .status = __real_cf_ed25519_verify(pub, sig, msg)};
  return m->status;
}

cf_status_t __wrap_cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest) {
  cf_hash_t what;
  memo_t   *m = place('p', CF_SPAN_OF(pub->b), sig, CF_SPAN_OF(digest->b), &what);
  if (!cf_hash_eq(&m->what, &what)) *m = (memo_t){.what = what, .status = __real_cf_p256_verify(pub, sig, digest)};
  return m->status;
}

cf_status_t __wrap_cf_k256_recover(cf_addr_t *addr, uint8_t const sig[64], cf_hash_t const *digest) {
  cf_hash_t what;
  memo_t   *m = place('k', CF_SPAN(NULL, 0), sig, CF_SPAN_OF(digest->b), &what);
  if (!cf_hash_eq(&m->what, &what)) {
    *m = (memo_t){.what = what};
    m->status = __real_cf_k256_recover(&m->addr, sig, digest);
  }
  if (!m->status) *addr = m->addr;
  return m->status;
}

/* ---- what is signed here ---- */

#define CONTROL 32
#define KEYS_CNT 256 /* a power of two */

static bool control(void) {
  static unsigned n;
  return n++ % CONTROL == 0;
}

typedef struct {
  uint8_t          seed[32];
  EVP_PKEY        *key;
  cf_ed25519_pub_t pub;
} ed25519_key_t;

static ed25519_key_t const *ed25519_key(uint8_t const seed[32]) {
  static ed25519_key_t keys[KEYS_CNT];
  ed25519_key_t       *k = &keys[seed[31] % KEYS_CNT];
  size_t               n = sizeof k->pub.b;
  if (k->key && !memcmp(k->seed, seed, sizeof k->seed)) return k;
  EVP_PKEY_free(k->key);
  k->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof k->seed);
  int ok = EVP_PKEY_get_raw_public_key(k->key, k->pub.b, &n);
  assert(ok == 1);
  memcpy(k->seed, seed, sizeof k->seed);
  return k;
}

void __wrap_cf_ed25519_pub(cf_ed25519_pub_t *pub, uint8_t const seed[32]) { *pub = ed25519_key(seed)->pub; }

void __wrap_cf_ed25519_sign(uint8_t sig[64], uint8_t const seed[32], cf_span_t msg) {
  ed25519_key_t const *k = ed25519_key(seed);
  EVP_MD_CTX          *ctx = EVP_MD_CTX_new();
  size_t               n = 64;
  cf_hash_t            what;
  int ok = EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, k->key, NULL) == 1 &&
           EVP_DigestSign(ctx, sig, &n, msg.ptr, msg.len) == 1;
  assert(ok && n == 64);
  EVP_MD_CTX_free(ctx);
  assert(!control() || !__real_cf_ed25519_verify(&k->pub, sig, msg));
  *place('e', CF_SPAN_OF(k->pub.b), sig, msg, &what) = (memo_t){.what = what};
}

void __wrap_cf_p256_sign(cf_p256_key_t const *key, uint8_t sig[64], cf_hash_t const *digest) {
  cf_p256_pub_t pub;
  cf_hash_t     what;
  __real_cf_p256_sign(key, sig, digest);
  cf_p256_key_pub(key, &pub);
  assert(!control() || !__real_cf_p256_verify(&pub, sig, digest));
  *place('p', CF_SPAN_OF(pub.b), sig, CF_SPAN_OF(digest->b), &what) = (memo_t){.what = what};
}

cf_status_t __wrap_cf_k256_addr(cf_addr_t *addr, uint8_t const scalar[32]) {
  static struct {
    uint8_t   scalar[32];
    bool      known;
    cf_addr_t addr;
  } keys[KEYS_CNT], *k;
  k = &keys[scalar[31] % KEYS_CNT];
  if (!k->known || memcmp(k->scalar, scalar, sizeof k->scalar)) {
    cf_status_t st = __real_cf_k256_addr(&k->addr, scalar);
    k->known = !st;
    if (st) return st;
    memcpy(k->scalar, scalar, sizeof k->scalar);
  }
  *addr = k->addr;
  return CF_OK;
}

cf_status_t __wrap_cf_k256_sign(uint8_t sig[64], uint8_t const scalar[32], cf_hash_t const *digest) {
  cf_addr_t   addr, again;
  cf_hash_t   what;
  cf_status_t st = __real_cf_k256_sign(sig, scalar, digest);
  if (st) return st;
  st = __wrap_cf_k256_addr(&addr, scalar);
  assert(!st);
  assert(!control() || (!__real_cf_k256_recover(&again, sig, digest) && cf_addr_eq(&addr, &again)));
  *place('k', CF_SPAN(NULL, 0), sig, CF_SPAN_OF(digest->b), &what) = (memo_t){.what = what, .addr = addr};
  return CF_OK;
}

/* ---- chains ---- */

/* The simulator has one chain, asked about for several uses.  Only what holds is remembered; a refusal is made anew. */
cf_verdict_code_t __wrap_cf_x509_chain_check(cf_x509_facts_t *out, cf_x509_ask_t const *ask, cf_verdict_t *v) {
  static struct {
    cf_hash_t       what;
    cf_x509_facts_t facts;
  } known[16], *m;
  cf_sha256_t ctx;
  cf_sha256_init(&ctx);
  struct {
    cf_span_t const *list;
    size_t           cnt;
  } const lists[] = {{ask->certs, ask->cert_cnt}, {ask->crls, ask->crl_cnt}, {ask->roots, ask->root_cnt}};
  for (size_t k = 0; k < CF_COUNT_OF(lists); k++) {
    cf_sha256_u(&ctx, lists[k].cnt, 8);
    for (size_t i = 0; i < lists[k].cnt; i++) {
      cf_sha256_u(&ctx, lists[k].list[i].len, 8);
      cf_sha256_s(&ctx, lists[k].list[i]);
    }
  }
  cf_sha256_u(&ctx, (uint64_t)ask->use << 1 | ask->crl_required, 8);
  cf_hash_t what = cf_sha256_end(&ctx);
  m = &known[what.b[0] % CF_COUNT_OF(known)];
  if (!cf_hash_eq(&what, &m->what) || ask->at_s < m->facts.not_before_s || ask->at_s > m->facts.not_after_s) {
    cf_verdict_code_t code = __real_cf_x509_chain_check(out, ask, v);
    if (code) return code;
    m->what = what;
    m->facts = *out;
  }
  *out = m->facts;
  return CF_VERDICT_OK;
}
