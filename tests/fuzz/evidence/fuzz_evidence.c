/* Input: a carrier.  One value, one encoding; and the whole verification, under a root that the chain itself brings along as its
   last certificate, so that every check is within reach of a mutation. */
#include <assert.h>

#include "crypto/cf_hash.h"
#include "evidence/cf_evidence.h"

#define RECORDED_AT 1795412311 /* tests/vectors/evidence/swtpm */

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t    again[CF_CARRIER_MAX];
  cf_tpm_evidence_t e;
  cf_span_t         in = CF_SPAN(data, size), certs[CF_X509_CHAIN_MAX];
  cf_root_t         root = {.cls = CF_CLASS_OWNER};
  size_t            cnt = 0;
  cf_error_t        err = {0};
  if (!cf_carrier_decode(&e, in, &err)) {
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_carrier_encode(&wr, &e);
    assert(cf_span_eq(cf_wr_out(&wr), in));
    if (!cf_der_split(certs, &cnt, CF_X509_CHAIN_MAX, e.ek_chain.len ? e.ek_chain : e.ak_chain) && cnt) root.der = certs[cnt - 1];
  } else assert(err.status && err.item[0]);

  static cf_facts_t  f;
  cf_verdict_t       v;
  cf_evidence_item_t item = {CF_ROLE_EVIDENCE, in};
  cf_evidence_ask_t  ask = {.items = &item, .item_cnt = 1, .roots = &root, .root_cnt = root.der.len ? 1 : 0, .at_s = RECORDED_AT};
  memset(ask.domain.b, 3, sizeof ask.domain.b);
  cf_verdict_code_t code = cf_evidence_verify(&f, &ask, &v);
  assert(v.code == code);
  if (!code) {
    cf_hash_t hash = cf_sha256(in);
    assert(cf_hash_eq(&f.evidence, &hash) && f.valid_until_s >= RECORDED_AT && !cf_nonces_check(f.nonces));
  }
  return 0;
}
