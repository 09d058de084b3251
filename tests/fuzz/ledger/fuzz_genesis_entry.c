/* Entry 0: what is believed was signed by a quorum, and is a genesis in its one encoding. */
#include <assert.h>

#include "ledger/cf_domain.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static cf_domain_t d;
  static uint8_t     again[CF_ENTRY_MAX];
  cf_error_t         err = {0};
  if (cf_domain_open(&d, CF_SPAN(data, size), NULL, &err)) {
    assert(err.status != CF_OK);
    return 0;
  }
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_table_encode(&wr, &cf_genesis_table, &d.genesis);
  cf_hash_t domain = cf_domain(cf_wr_out(&wr));
  assert(cf_hash_eq(&domain, &d.id) && d.witnesses.k >= 1 && d.block0.config.max_validity_s);
  return 0;
}
