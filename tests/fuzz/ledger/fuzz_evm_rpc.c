/* A node's answers: 1 which reader, then the body of an answer to one question.  Nothing is handed out from beyond the input; a block
   that is accepted is written and read again as the same block; what is proven is proven again from the form that views carry. */
#include <assert.h>

#include "ledger/cf_evm_rpc.h"

static void block(cf_json_t v) {
  cf_evm_block_t  b;
  cf_evm_header_t again;
  cf_hash_t       hash;
  uint8_t         buf[CF_EVM_HEADER_MAX];
  cf_wr_t         wr = cf_wr_init(buf, sizeof buf);
  if (cf_evm_read_block(&b, v, &(cf_evm_at_t){ .tag = CF_EVM_LATEST }, NULL) || !b.known) return;
  cf_evm_header_write(&wr, &b.header);
  assert(cf_evm_header_decode(&again, &hash, cf_wr_out(&wr), NULL) == CF_OK && cf_hash_eq(&hash, &b.hash));
}

/* Under the root that the answer itself begins with, so that what is walked is what was made up. */
static void state(cf_json_t v) {
  uint8_t              bytes[1 << 14], node[1 << 12];
  cf_wr_t              wr = cf_wr_init(bytes, sizeof bytes), node_wr = cf_wr_init(node, sizeof node);
  cf_hash_t            keys[3] = { { { 0 } }, { { 0 } }, { { 0 } } }, values[3], again[3];
  cf_ledger_identity_t id      = { .chain_id = 1 };
  cf_json_t            first;
  size_t               pos = 0;
  keys[1].b[31] = 5, keys[2].b[31] = 9;
  (void)cf_data_fixed(id.contract.b, 20, cf_json_get(v, "address"));
  (void)cf_data_fixed(id.code_hash.b, 32, cf_json_get(v, "codeHash"));
  if (!cf_json_each(cf_json_get(v, "accountProof"), &pos, NULL, &first) || cf_data_append(&node_wr, first)) return;
  cf_hash_t root = cf_keccak256(cf_wr_out(&node_wr));
  cf_evm_account_t account;
  cf_wr_t          room = cf_wr_init(bytes, sizeof bytes);
  cf_status_t      st   = cf_evm_read_account(&account, &room, v, &id.contract, &root, NULL);
  if (cf_evm_read_state(&wr, values, v, &id, &root, keys, 3, NULL)) return;
  assert(!st && account.exists && cf_hash_eq(&account.code_hash, &id.code_hash)); /* the account alone is proven by less */
  assert(cf_ledger_slots_prove(&id, &root, cf_wr_out(&wr), keys, 3, again) == CF_OK && memcmp(values, again, sizeof values) == 0);
}

static void logs(cf_json_t v, cf_span_t in) {
  uint8_t        bytes[1 << 12];
  cf_wr_t        wr = cf_wr_init(bytes, sizeof bytes), messages = cf_wr_init(bytes, sizeof bytes);
  cf_evm_log_t   log;
  cf_evm_place_t place;
  cf_addr_t      contract = { { 0 } };
  size_t         pos = 0;
  bool           more = true;
  uint64_t       cnt = 0;
  while (more && cf_evm_log_next(&more, &log, &place, &wr, v, &pos, NULL) == CF_OK)
    if (more) {
      assert(log.topics_cnt <= CF_EVM_TOPICS_MAX && log.data.ptr + log.data.len == bytes + wr.len);
      contract = log.addr;
    }
  assert(pos <= in.len);
  cf_hash_t inbox  = { { 0 } };
  uint64_t  folded = 0;
  if (cf_evm_read_inbox(&messages, &cnt, v, &contract, 0, UINT64_MAX, NULL) == CF_OK)
    assert(cf_inbox_fold_all(&inbox, &folded, cf_wr_out(&messages)) == CF_OK && folded == cnt);
}

static void transactions(cf_json_t v) {
  cf_evm_receipt_t     r;
  cf_evm_transaction_t t;
  cf_hash_t            hash = { { 0 } };
  size_t               sz;
  (void)cf_data_fixed(hash.b, 32, cf_json_get(v, "transactionHash"));
  if (cf_evm_read_receipt(&r, v, &hash, NULL) == CF_OK && r.known) assert(r.logs.type == CF_JSON_ARRAY);
  (void)cf_data_fixed(hash.b, 32, cf_json_get(v, "hash"));
  if (cf_evm_read_transaction(&t, v, &hash, NULL) == CF_OK && t.known) assert(cf_data_size(&sz, t.input) == CF_OK);
}

static void fees(cf_json_t v) {
  cf_evm_fees_t f;
  if (cf_evm_read_fees(&f, v, NULL) == CF_OK) assert(f.cnt > 0 && f.cnt <= CF_EVM_FEES_MAX);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_jsonrpc_answer_t a;
  cf_rd_t             rd    = cf_rd_init(data, size);
  uint8_t             which = cf_rd_u8(&rd), bytes[256];
  cf_span_t           in    = CF_SPAN(rd.buf + rd.pos, cf_rd_left(&rd));
  cf_wr_t             wr    = cf_wr_init(bytes, sizeof bytes);
  if (cf_jsonrpc_read(&a, 1, 1, in, NULL)) return 0;
  switch (which % 6) {
  case 0: block(a.result); break;
  case 1: state(a.result); break;
  case 2: logs(a.result, in); break;
  case 3: transactions(a.result); break;
  case 4: fees(a.result); break;
  default: (void)cf_evm_read_revert(&wr, &a);
  }
  return 0;
}
