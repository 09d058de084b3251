/* Transactions: what is accepted is written again byte for byte from what was read, and its signer is the digest's. */
#include <assert.h>

#include "ledger/cf_evm_tx.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t  scratch[CF_EVM_TX_MAX + CF_EVM_TX_FRAME_MAX], again[CF_EVM_TX_MAX + CF_EVM_TX_FRAME_MAX];
  cf_evm_signed_t e;
  cf_span_t       raw = CF_SPAN(data, size);
  if (cf_evm_tx_decode(&e, raw, cf_wr_init(scratch, sizeof scratch))) return 0;
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_evm_tx_write(&wr, &e.tx, e.sig);
  assert(cf_span_eq(cf_wr_out(&wr), raw) && size <= e.tx.data.len + CF_EVM_TX_FRAME_MAX);

  cf_addr_t   from;
  cf_hash_t   digest = cf_evm_tx_digest(&e.tx, cf_wr_init(scratch, sizeof scratch));
  cf_status_t st     = cf_k256_recover(&from, e.sig, &digest);
  assert(!st && cf_addr_eq(&from, &e.from));
  return 0;
}
