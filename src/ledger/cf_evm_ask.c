#include <assert.h>

#include "ledger/cf_evm_rpc.h"

static void block_ref(cf_jw_t *j, char const *key, cf_evm_at_t const *at) {
  switch (at->tag) {
  case CF_EVM_LATEST: cf_jw_str(j, key, "latest"); return;
  case CF_EVM_SAFE: cf_jw_str(j, key, "safe"); return;
  case CF_EVM_FINALIZED: cf_jw_str(j, key, "finalized"); return;
  case CF_EVM_PENDING: cf_jw_str(j, key, "pending"); return;
  case CF_EVM_NUMBER: cf_jw_quantity(j, key, at->number); return;
  case CF_EVM_HASH: cf_jw_data(j, key, CF_SPAN_OF(at->hash.b)); return;
  }
}

static void plain(cf_jw_t *j, uint64_t id, char const *method) {
  cf_jsonrpc_begin(j, id, method);
  cf_jsonrpc_end(j);
}

void cf_evm_ask_chain_id(cf_jw_t *j, uint64_t id) { plain(j, id, "eth_chainId"); }
void cf_evm_ask_block_number(cf_jw_t *j, uint64_t id) { plain(j, id, "eth_blockNumber"); }
void cf_evm_ask_tip(cf_jw_t *j, uint64_t id) { plain(j, id, "eth_maxPriorityFeePerGas"); }

void cf_evm_ask_block(cf_jw_t *j, uint64_t id, cf_evm_at_t const *at) {
  assert(at->tag != CF_EVM_PENDING);
  cf_jsonrpc_begin(j, id, at->tag == CF_EVM_HASH ? "eth_getBlockByHash" : "eth_getBlockByNumber");
  block_ref(j, NULL, at);
  cf_jw_bool(j, NULL, false);
  cf_jsonrpc_end(j);
}

void cf_evm_ask_whole_block(cf_jw_t *j, uint64_t id, uint64_t number) {
  cf_jsonrpc_begin(j, id, "eth_getBlockByNumber");
  cf_jw_quantity(j, NULL, number);
  cf_jw_bool(j, NULL, true);
  cf_jsonrpc_end(j);
}

void cf_evm_ask_receipts(cf_jw_t *j, uint64_t id, uint64_t number) {
  cf_jsonrpc_begin(j, id, "eth_getBlockReceipts");
  cf_jw_quantity(j, NULL, number);
  cf_jsonrpc_end(j);
}

/* A question about an address in a block's state. */
static void about(cf_jw_t *j, uint64_t id, char const *method, cf_addr_t const *addr, cf_evm_at_t const *at) {
  assert(at->tag != CF_EVM_HASH);
  cf_jsonrpc_begin(j, id, method);
  cf_jw_data(j, NULL, CF_SPAN_OF(addr->b));
  block_ref(j, NULL, at);
  cf_jsonrpc_end(j);
}

void cf_evm_ask_code(cf_jw_t *j, uint64_t id, cf_addr_t const *addr, cf_evm_at_t const *at) {
  about(j, id, "eth_getCode", addr, at);
}

void cf_evm_ask_nonce(cf_jw_t *j, uint64_t id, cf_addr_t const *addr, cf_evm_at_t const *at) {
  about(j, id, "eth_getTransactionCount", addr, at);
}

void cf_evm_ask_balance(cf_jw_t *j, uint64_t id, cf_addr_t const *addr, cf_evm_at_t const *at) {
  about(j, id, "eth_getBalance", addr, at);
}

void cf_evm_ask_proof(cf_jw_t *j, uint64_t id, cf_addr_t const *addr, cf_hash_t const *keys, size_t n, cf_evm_at_t const *at) {
  assert(at->tag != CF_EVM_HASH);
  cf_jsonrpc_begin(j, id, "eth_getProof");
  cf_jw_data(j, NULL, CF_SPAN_OF(addr->b));
  cf_jw_arr(j, NULL);
  for (size_t i = 0; i < n; i++) cf_jw_data(j, NULL, CF_SPAN_OF(keys[i].b));
  cf_jw_end(j, ']');
  block_ref(j, NULL, at);
  cf_jsonrpc_end(j);
}

/* A question with one parameter of bytes. */
static void with_bytes(cf_jw_t *j, uint64_t id, char const *method, cf_span_t bytes) {
  cf_jsonrpc_begin(j, id, method);
  cf_jw_data(j, NULL, bytes);
  cf_jsonrpc_end(j);
}

void cf_evm_ask_receipt(cf_jw_t *j, uint64_t id, cf_hash_t const *tx) {
  with_bytes(j, id, "eth_getTransactionReceipt", CF_SPAN_OF(tx->b));
}

void cf_evm_ask_transaction(cf_jw_t *j, uint64_t id, cf_hash_t const *tx) {
  with_bytes(j, id, "eth_getTransactionByHash", CF_SPAN_OF(tx->b));
}

void cf_evm_ask_send(cf_jw_t *j, uint64_t id, cf_span_t raw) { with_bytes(j, id, "eth_sendRawTransaction", raw); }

void cf_evm_ask_fees(cf_jw_t *j, uint64_t id, unsigned blocks, unsigned percentile) {
  assert(blocks > 0 && blocks <= CF_EVM_FEES_MAX && percentile <= 100);
  cf_jsonrpc_begin(j, id, "eth_feeHistory");
  cf_jw_quantity(j, NULL, blocks);
  cf_jw_str(j, NULL, "latest");
  cf_jw_arr(j, NULL);
  cf_jw_u64(j, NULL, percentile);
  cf_jw_end(j, ']');
  cf_jsonrpc_end(j);
}

static void logs_begin(cf_jw_t *j, uint64_t id, cf_addr_t const *contract, cf_hash_t const *topic) {
  cf_jsonrpc_begin(j, id, "eth_getLogs");
  cf_jw_obj(j, NULL);
  cf_jw_data(j, "address", CF_SPAN_OF(contract->b));
  cf_jw_arr(j, "topics");
  cf_jw_data(j, NULL, CF_SPAN_OF(topic->b));
  cf_jw_end(j, ']');
}

static void logs_end(cf_jw_t *j) {
  cf_jw_end(j, '}');
  cf_jsonrpc_end(j);
}

void cf_evm_ask_logs(cf_jw_t *j, uint64_t id, cf_addr_t const *contract, cf_hash_t const *topic, uint64_t from, uint64_t till) {
  logs_begin(j, id, contract, topic);
  cf_jw_quantity(j, "fromBlock", from);
  cf_jw_quantity(j, "toBlock", till);
  logs_end(j);
}

void cf_evm_ask_logs_of(cf_jw_t *j, uint64_t id, cf_addr_t const *contract, cf_hash_t const *topic, cf_hash_t const *block) {
  logs_begin(j, id, contract, topic);
  cf_jw_data(j, "blockHash", CF_SPAN_OF(block->b));
  logs_end(j);
}

static void run_object(cf_jw_t *j, cf_evm_run_t const *run) {
  cf_jw_obj(j, NULL);
  cf_jw_data(j, "from", CF_SPAN_OF(run->from.b));
  if (run->to) cf_jw_data(j, "to", CF_SPAN_OF(run->to->b));
  cf_jw_quantity_word(j, "value", &run->value_wei);
  cf_jw_data(j, "data", run->data);
  cf_jw_end(j, '}');
}

void cf_evm_ask_call(cf_jw_t *j, uint64_t id, cf_evm_run_t const *run, cf_evm_at_t const *at) {
  assert(at->tag != CF_EVM_HASH);
  cf_jsonrpc_begin(j, id, "eth_call");
  run_object(j, run);
  block_ref(j, NULL, at);
  cf_jsonrpc_end(j);
}

void cf_evm_ask_estimate(cf_jw_t *j, uint64_t id, cf_evm_run_t const *run) {
  cf_jsonrpc_begin(j, id, "eth_estimateGas");
  run_object(j, run);
  cf_jsonrpc_end(j);
}
