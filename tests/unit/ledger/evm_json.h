/* What a node answers about a chain that is made up (evm_chain.h): blocks and proofs in the execution-apis' form. */
#ifndef CF_TESTS_EVM_JSON_H
#define CF_TESTS_EVM_JSON_H

#include "codec/cf_jsonrpc.h"

#include "evm_chain.h"

static inline void evm_w_block(cf_jw_t *j, char const *key, cf_evm_header_t const *h, cf_hash_t const *hash) {
  cf_jw_obj(j, key);
  cf_jw_data(j, "parentHash", CF_SPAN_OF(h->parent.b));
  cf_jw_data(j, "sha3Uncles", CF_SPAN_OF(h->ommers.b));
  cf_jw_data(j, "miner", CF_SPAN_OF(h->beneficiary.b));
  cf_jw_data(j, "stateRoot", CF_SPAN_OF(h->state_root.b));
  cf_jw_data(j, "transactionsRoot", CF_SPAN_OF(h->transactions_root.b));
  cf_jw_data(j, "receiptsRoot", CF_SPAN_OF(h->receipts_root.b));
  cf_jw_data(j, "logsBloom", CF_SPAN_OF(h->logs_bloom));
  cf_jw_quantity_word(j, "difficulty", &h->difficulty);
  cf_jw_quantity(j, "number", h->number);
  cf_jw_quantity(j, "gasLimit", h->gas_limit);
  cf_jw_quantity(j, "gasUsed", h->gas_used);
  cf_jw_quantity(j, "timestamp", h->time_s);
  cf_jw_data(j, "extraData", CF_SPAN(h->extra, h->extra_sz));
  cf_jw_data(j, "mixHash", CF_SPAN_OF(h->mix.b));
  cf_jw_data(j, "nonce", CF_SPAN_OF(h->nonce));
  cf_jw_quantity(j, "baseFeePerGas", h->base_fee_wei);
  cf_jw_data(j, "withdrawalsRoot", CF_SPAN_OF(h->withdrawals_root.b));
  cf_jw_quantity(j, "blobGasUsed", h->blob_gas_used);
  cf_jw_quantity(j, "excessBlobGas", h->excess_blob_gas);
  cf_jw_data(j, "parentBeaconBlockRoot", CF_SPAN_OF(h->beacon_root.b));
  cf_jw_data(j, "requestsHash", CF_SPAN_OF(h->requests_hash.b));
  cf_jw_data(j, "hash", CF_SPAN_OF(hash->b));
  cf_jw_arr(j, "transactions");
  cf_jw_end(j, ']');
  cf_jw_end(j, '}');
}

static inline void evm_w_nodes(cf_jw_t *j, char const *key, cf_span_t proof) {
  cf_jw_arr(j, key);
  for (cf_rd_t rd = cf_rd_span(proof); cf_rd_left(&rd);) cf_jw_data(j, NULL, cf_rlp_next(&rd).whole);
  cf_jw_end(j, ']');
}

#endif
