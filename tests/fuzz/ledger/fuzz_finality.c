/* Finality proofs and statements: one value, one encoding, and no input is proven for a council it was not signed by. */
#include <assert.h>

#include "ledger/cf_finality.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  uint8_t                 again[CF_FINALITY_PROOF_MAX];
  cf_finality_proof_t     p;
  cf_finality_statement_t s;
  cf_finality_t           f;
  cf_ledger_identity_t    id        = { .chain_id = 1 };
  cf_seats_t              observers = { .k = 1, .f = 0, .n = 2, .member = { { { 1 } }, { { 2 } } } };
  cf_wr_t                 wr        = cf_wr_init(again, sizeof again);
  if (cf_finality_statement_decode(&s, CF_SPAN(data, size)) == CF_OK) {
    cf_finality_statement_write(&wr, &s);
    assert(cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
    assert(cf_finality_check(&s, &id, &observers) != CF_OK);
  }
  if (cf_finality_proof_decode(&p, CF_SPAN(data, size), NULL)) return 0;
  wr = cf_wr_init(again, sizeof again);
  cf_finality_proof_write(&wr, &p);
  assert(cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
  for (observers.k = 1; observers.k <= 2; observers.k++) assert(cf_finality_proof_verify(&f, &p, &id, &observers, NULL) != CF_OK);
  return 0;
}
