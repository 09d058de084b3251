/* Headers of EVM blocks: what is accepted and has no further fields is written again as the same bytes, of the same hash. */
#include <assert.h>

#include "ledger/cf_evm_header.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  uint8_t         buf[CF_EVM_HEADER_MAX];
  cf_evm_header_t h, again;
  cf_hash_t       hash, own;
  cf_error_t      err = { 0 };
  cf_status_t     st  = cf_evm_header_decode(&h, &hash, CF_SPAN(data, size), &err);
  if (st) {
    assert(err.status == st && err.offset <= size);
    return 0;
  }
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_evm_header_write(&wr, &h);
  assert(!wr.bad && wr.len <= size);
  own = cf_evm_header_hash(&h);
  assert(cf_hash_eq(&own, &hash) == (wr.len == size));
  assert(cf_evm_header_decode(&again, &own, cf_wr_out(&wr), NULL) == CF_OK && again.fork == h.fork);
  if (wr.len < size) assert(h.fork == CF_EVM_PRAGUE);
  return 0;
}
