/* A dozen members of councils verify the same signatures, and one certificate.  Each is verified once by the real code, and the
   answer remembered: verification is a function of key, signature and message, and a chain's facts say how long they hold.  The linker puts these before the real ones (--wrap,
   cmake/sim.cmake). */
#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"
#include "document/cf_table.h"
#include "evidence/cf_x509.h"

#define MEMO_CNT 16384 /* a power of two; the newest answer of a place stays */

cf_status_t __real_cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg);
cf_status_t __real_cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest);
cf_status_t __real_cf_k256_recover(cf_addr_t *addr, uint8_t const sig[64], cf_hash_t const *digest);
cf_verdict_code_t __real_cf_x509_chain_check(cf_x509_facts_t *out, cf_x509_ask_t const *ask, cf_verdict_t *v);
cf_status_t __wrap_cf_ed25519_verify(cf_ed25519_pub_t const *pub, uint8_t const sig[64], cf_span_t msg);
cf_status_t __wrap_cf_p256_verify(cf_p256_pub_t const *pub, uint8_t const sig[64], cf_hash_t const *digest);
cf_status_t __wrap_cf_k256_recover(cf_addr_t *addr, uint8_t const sig[64], cf_hash_t const *digest);
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

/* The simulator has one chain.  Only what holds is remembered; a refusal is made anew. */
cf_verdict_code_t __wrap_cf_x509_chain_check(cf_x509_facts_t *out, cf_x509_ask_t const *ask, cf_verdict_t *v) {
  static cf_hash_t       known;
  static cf_x509_facts_t facts;
  cf_sha256_t            ctx;
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
  if (!cf_hash_eq(&what, &known) || ask->at_s < facts.not_before_s || ask->at_s > facts.not_after_s) {
    cf_verdict_code_t code = __real_cf_x509_chain_check(out, ask, v);
    if (code) return code;
    known = what;
    facts = *out;
  }
  *out = facts;
  return CF_VERDICT_OK;
}
