#include "ledger/cf_evm_rpc.h"

/* ---- fields of an object, sticky like a cursor ---- */

typedef struct {
  cf_json_t   obj;
  cf_status_t st; /* of the first field that was not as it must be */
  cf_error_t *err;
} fields_t;

static void keep(fields_t *f, char const *key, cf_status_t st) {
  if (st && !f->st) f->st = cf_error_set(f->err, st, key, 0, st == CF_ERR_BOUND ? "larger than is taken" : "missing, or malformed");
}

static uint64_t number(fields_t *f, char const *key) {
  uint64_t v = 0;
  keep(f, key, cf_quantity_u64(&v, cf_json_get(f->obj, key)));
  return f->st ? 0 : v;
}

static cf_hash_t word(fields_t *f, char const *key) {
  cf_hash_t w = { { 0 } };
  keep(f, key, cf_quantity_word(&w, cf_json_get(f->obj, key)));
  return w;
}

static void fixed(fields_t *f, char const *key, void *out, size_t n) {
  keep(f, key, cf_data_fixed(out, n, cf_json_get(f->obj, key)));
}

static cf_hash_t hash(fields_t *f, char const *key) {
  cf_hash_t h = { { 0 } };
  fixed(f, key, h.b, sizeof h.b);
  return h;
}

static cf_addr_t addr(fields_t *f, char const *key) {
  cf_addr_t a = { { 0 } };
  fixed(f, key, a.b, sizeof a.b);
  return a;
}

static bool present(fields_t const *f, char const *key) {
  cf_json_type_t type = cf_json_get(f->obj, key).type;
  return type != CF_JSON_BAD && type != CF_JSON_NULL;
}

static cf_json_t array(fields_t *f, char const *key) {
  cf_json_t v = cf_json_get(f->obj, key);
  keep(f, key, v.type == CF_JSON_ARRAY ? CF_OK : CF_ERR_FORMAT);
  return v;
}

/* What was asked for, or a liar. */
static void same(fields_t *f, char const *key, bool is) {
  if (!f->st && !is) f->st = cf_error_set(f->err, CF_ERR_AUTH, key, 0, "is not the one that was asked for");
}

static fields_t fields(cf_json_t v, char const *what, cf_error_t *err) {
  fields_t f = { .obj = v, .err = err };
  if (v.type != CF_JSON_OBJECT) keep(&f, what, CF_ERR_FORMAT);
  return f;
}

/* ---- blocks ---- */

cf_status_t cf_evm_read_chain_id(cf_json_t v, uint64_t want, cf_error_t *err) {
  uint64_t    id;
  cf_status_t st = cf_quantity_u64(&id, v);
  if (st) return cf_error_set(err, st, "chainId", 0, "not a chain's id");
  if (id != want)
    return cf_error_set(err, CF_ERR_POLICY, "chainId", 0, "the node is of chain %llu, not %llu", (unsigned long long)id,
                        (unsigned long long)want);
  return CF_OK;
}

/* The fields of forks: those of a fork come all or not at all. */
static void read_forks(cf_evm_header_t *h, fields_t *f) {
  if (!present(f, "baseFeePerGas")) return;
  h->fork         = CF_EVM_LONDON;
  h->base_fee_wei = number(f, "baseFeePerGas");
  if (!present(f, "withdrawalsRoot")) return;
  h->fork             = CF_EVM_SHANGHAI;
  h->withdrawals_root = hash(f, "withdrawalsRoot");
  if (!present(f, "blobGasUsed")) return;
  h->fork            = CF_EVM_CANCUN;
  h->blob_gas_used   = number(f, "blobGasUsed");
  h->excess_blob_gas = number(f, "excessBlobGas");
  h->beacon_root     = hash(f, "parentBeaconBlockRoot");
  if (!present(f, "requestsHash")) return;
  h->fork          = CF_EVM_PRAGUE;
  h->requests_hash = hash(f, "requestsHash");
}

static void read_extra(cf_evm_header_t *h, fields_t *f) {
  cf_wr_t wr = cf_wr_init(h->extra, sizeof h->extra);
  keep(f, "extraData", cf_data_append(&wr, cf_json_get(f->obj, "extraData")));
  h->extra_sz = wr.len;
}

static void read_header(cf_evm_header_t *h, fields_t *f) {
  h->parent            = hash(f, "parentHash");
  h->ommers            = hash(f, "sha3Uncles");
  h->beneficiary       = addr(f, "miner");
  h->state_root        = hash(f, "stateRoot");
  h->transactions_root = hash(f, "transactionsRoot");
  h->receipts_root     = hash(f, "receiptsRoot");
  fixed(f, "logsBloom", h->logs_bloom, sizeof h->logs_bloom);
  h->difficulty = word(f, "difficulty");
  h->number     = number(f, "number");
  h->gas_limit  = number(f, "gasLimit");
  h->gas_used   = number(f, "gasUsed");
  h->time_s     = number(f, "timestamp");
  read_extra(h, f);
  h->mix = hash(f, "mixHash");
  fixed(f, "nonce", h->nonce, sizeof h->nonce);
  read_forks(h, f);
}

cf_status_t cf_evm_read_block(cf_evm_block_t *out, cf_json_t v, cf_evm_at_t const *asked, cf_error_t *err) {
  *out = (cf_evm_block_t){ 0 };
  if (v.type == CF_JSON_NULL) return CF_OK;
  cf_evm_block_t b = { .known = true };
  fields_t       f = fields(v, "block", err);
  read_header(&b.header, &f);
  b.hash         = hash(&f, "hash");
  b.transactions = array(&f, "transactions");
  if (f.st) return f.st;
  cf_hash_t own = cf_evm_header_hash(&b.header);
  if (!cf_hash_eq(&own, &b.hash)) return cf_error_set(err, CF_ERR_AUTH, "hash", 0, "the header does not hash to its block");
  if (asked->tag == CF_EVM_HASH) same(&f, "hash", cf_hash_eq(&b.hash, &asked->hash));
  if (asked->tag == CF_EVM_NUMBER) same(&f, "number", b.header.number == asked->number);
  if (!f.st) *out = b;
  return f.st;
}

/* ---- transactions ---- */

cf_status_t cf_evm_read_receipt(cf_evm_receipt_t *out, cf_json_t v, cf_hash_t const *tx, cf_error_t *err) {
  *out = (cf_evm_receipt_t){ 0 };
  if (v.type == CF_JSON_NULL) return CF_OK;
  fields_t         f = fields(v, "receipt", err);
  cf_evm_receipt_t r = { .known         = true,
                         .tx            = hash(&f, "transactionHash"),
                         .block_hash    = hash(&f, "blockHash"),
                         .block_number  = number(&f, "blockNumber"),
                         .index         = number(&f, "transactionIndex"),
                         .from          = addr(&f, "from"),
                         .gas_used      = number(&f, "gasUsed"),
                         .gas_price_wei = number(&f, "effectiveGasPrice"),
                         .logs          = array(&f, "logs") };
  uint64_t         ok = number(&f, "status");
  if (present(&f, "contractAddress")) r.contract = addr(&f, "contractAddress");
  if (ok > 1) keep(&f, "status", CF_ERR_FORMAT);
  same(&f, "transactionHash", cf_hash_eq(&r.tx, tx));
  r.ok = ok == 1;
  if (!f.st) *out = r;
  return f.st;
}

cf_status_t cf_evm_read_raw(cf_wr_t *wr, cf_wr_t scratch, cf_json_t v, cf_error_t *err) {
  enum { TYPE = 2 };
  fields_t  f = fields(v, "transaction", err);
  cf_json_t one;
  uint8_t   sig[64];
  if (number(&f, "type") != TYPE && !f.st) return cf_error_set(err, CF_ERR_UNSUPPORTED, "type", 0, "not of type 2");
  cf_evm_tx_t tx = { .chain_id = number(&f, "chainId"),
                     .nonce    = number(&f, "nonce"),
                     .tip_wei  = number(&f, "maxPriorityFeePerGas"),
                     .fee_wei  = number(&f, "maxFeePerGas"),
                     .gas      = number(&f, "gas"),
                     .create   = !present(&f, "to"),
                     .value    = word(&f, "value") };
  if (!tx.create) tx.to = addr(&f, "to");
  for (size_t pos = 0; cf_json_each(array(&f, "accessList"), &pos, NULL, &one);) return cf_error_set(err, CF_ERR_UNSUPPORTED, "accessList", 0, "is not empty");
  size_t from = scratch.len;
  keep(&f, "input", cf_data_append(&scratch, cf_json_get(v, "input")));
  tx.data     = CF_SPAN(scratch.buf + from, scratch.len - from);
  uint64_t  y = number(&f, present(&f, "yParity") ? "yParity" : "v");
  cf_hash_t r = word(&f, "r"), s = word(&f, "s");
  if (y > 1 || s.b[0] > 0x7f) keep(&f, "s", CF_ERR_AUTH);
  if (f.st) return f.st;
  memcpy(sig, r.b, 32);
  memcpy(sig + 32, s.b, 32);
  sig[32] |= (uint8_t)(y << 7);
  cf_evm_tx_write(wr, &tx, sig);
  return wr->bad ? CF_ERR_BOUND : CF_OK;
}

cf_status_t cf_evm_read_transaction(cf_evm_transaction_t *out, cf_json_t v, cf_hash_t const *tx, cf_error_t *err) {
  *out = (cf_evm_transaction_t){ 0 };
  if (v.type == CF_JSON_NULL) return CF_OK;
  fields_t             f  = fields(v, "transaction", err);
  cf_evm_transaction_t t  = { .known = true,
                              .mined = present(&f, "blockHash"),
                              .from  = addr(&f, "from"),
                              .nonce = number(&f, "nonce"),
                              .input = cf_json_get(v, "input") };
  cf_hash_t            is = hash(&f, "hash");
  size_t               sz;
  if (t.mined) {
    t.block_hash   = hash(&f, "blockHash");
    t.block_number = number(&f, "blockNumber");
  }
  keep(&f, "input", cf_data_size(&sz, t.input));
  same(&f, "hash", cf_hash_eq(&is, tx));
  if (!f.st) *out = t;
  return f.st;
}

/* ---- logs ---- */

static void read_topics(cf_evm_log_t *log, fields_t *f) {
  cf_json_t topics = array(f, "topics"), topic;
  for (size_t pos = 0; !f->st && cf_json_each(topics, &pos, NULL, &topic);) {
    if (log->topics_cnt == CF_EVM_TOPICS_MAX) keep(f, "topics", CF_ERR_FORMAT);
    else keep(f, "topics", cf_data_fixed(log->topics[log->topics_cnt++].b, 32, topic));
  }
}

cf_status_t cf_evm_log_next(bool *more, cf_evm_log_t *log, cf_evm_place_t *place, cf_wr_t *bytes, cf_json_t logs, size_t *pos,
                            cf_error_t *err) {
  cf_json_t v;
  *more = cf_json_each(logs, pos, NULL, &v);
  if (!*more) return CF_OK;
  fields_t f = fields(v, "log", err);
  *log       = (cf_evm_log_t){ .addr = addr(&f, "address") };
  read_topics(log, &f);
  size_t at = bytes->len;
  keep(&f, "data", cf_data_append(bytes, cf_json_get(v, "data")));
  log->data = CF_SPAN(bytes->buf + at, bytes->len - at);
  *place    = (cf_evm_place_t){ .block_hash   = hash(&f, "blockHash"),
                                .block_number = number(&f, "blockNumber"),
                                .index        = number(&f, "logIndex"),
                                .tx           = hash(&f, "transactionHash") };
  bool removed = false;
  if (present(&f, "removed")) keep(&f, "removed", cf_json_bool(&removed, cf_json_get(v, "removed")));
  if (!f.st && removed) f.st = cf_error_set(err, CF_ERR_STALE, "removed", 0, "a log of a block that is gone");
  return f.st;
}

cf_status_t cf_evm_read_inbox(cf_wr_t *messages, uint64_t *cnt, cf_json_t logs, cf_addr_t const *contract, uint64_t from,
                              uint64_t till, cf_error_t *err) {
  cf_evm_log_t   log;
  cf_evm_place_t place, last = { 0 };
  size_t         pos = 0;
  bool           more, any = false;
  uint64_t       n = 0;
  if (logs.type != CF_JSON_ARRAY) return cf_error_set(err, CF_ERR_FORMAT, "logs", 0, "not an array");
  for (;; n++, any = true, last = place) {
    uint8_t        data[64 + 64]; /* an event with the longest message */
    cf_wr_t        wr = cf_wr_init(data, sizeof data);
    cf_evm_event_t ev;
    cf_status_t    st = cf_evm_log_next(&more, &log, &place, &wr, logs, &pos, err);
    if (st) return st;
    if (!more) break;
    bool rises = !any || place.block_number > last.block_number ||
                 (place.block_number == last.block_number && place.index > last.index);
    if (place.block_number < from || place.block_number > till || !rises)
      return cf_error_set(err, CF_ERR_AUTH, "logs", 0, "a log of another block, or out of order");
    if (cf_evm_event_decode(&ev, &log, contract) || ev.kind != CF_EVM_INBOX)
      return cf_error_set(err, CF_ERR_AUTH, "logs", 0, "a log that is no message of the ledger's inbox");
    cf_wr_span(messages, ev.message);
  }
  if (messages->bad) return cf_error_set(err, CF_ERR_BOUND, "logs", 0, "more messages than are taken");
  *cnt += n;
  return CF_OK;
}

/* ---- proofs ---- */

/* Appends the nodes of a list that last, the list of the path before, does not begin with. */
static void append_nodes(cf_wr_t *wr, fields_t *f, char const *key, cf_json_t list, cf_json_t last) {
  cf_json_t node, before;
  size_t    pos = 0, last_pos = 0, sz;
  bool      shared = true;
  if (list.type != CF_JSON_ARRAY) keep(f, key, CF_ERR_FORMAT);
  while (!f->st && cf_json_each(list, &pos, NULL, &node)) {
    shared = shared && cf_json_each(last, &last_pos, NULL, &before) && cf_span_eq(node.text, before.text);
    keep(f, key, cf_data_size(&sz, node));
    /* Some nodes list what a parent embeds, or an empty trie's root, too. */
    if (!shared && !f->st && sz >= 32) keep(f, key, cf_data_append(wr, node));
  }
}

/* A key comes back as it was sent, or as a number. */
static bool is_key(cf_json_t v, cf_hash_t const *key) {
  cf_hash_t got;
  return (cf_data_fixed(got.b, sizeof got.b, v) == CF_OK || cf_quantity_word(&got, v) == CF_OK) && cf_hash_eq(&got, key);
}

/* The storage proofs in the order of keys. */
static void read_lists(cf_json_t *lists, fields_t *f, cf_hash_t const *keys, size_t n) {
  cf_json_t all = array(f, "storageProof"), one;
  size_t    cnt = 0;
  for (size_t pos = 0; !f->st && cf_json_each(all, &pos, NULL, &one); cnt++) {
    same(f, "storageProof", cnt < n && is_key(cf_json_get(one, "key"), &keys[cnt]));
    if (!f->st) lists[cnt] = cf_json_get(one, "proof");
  }
  same(f, "storageProof", cnt == n);
}

cf_status_t cf_evm_read_state(cf_wr_t *wr, cf_hash_t *values, cf_json_t v, cf_ledger_identity_t const *ledger,
                              cf_hash_t const *state_root, cf_hash_t const *keys, size_t n, cf_error_t *err) {
  cf_json_t lists[CF_MPT_KEYS_MAX], none = { .type = CF_JSON_BAD };
  cf_hash_t paths[CF_MPT_KEYS_MAX];
  uint8_t   order[CF_MPT_KEYS_MAX];
  size_t    at = wr->len;
  if (n == 0 || n > CF_MPT_KEYS_MAX) return cf_error_set(err, CF_ERR_BOUND, "storageProof", 0, "%zu keys", n);
  fields_t  f  = fields(v, "proof", err);
  cf_addr_t is = addr(&f, "address");
  same(&f, "address", cf_addr_eq(&is, &ledger->contract));
  read_lists(lists, &f, keys, n);
  for (size_t i = 0; i < n; i++) paths[i] = cf_keccak256(CF_SPAN_OF(keys[i].b));
  cf_mpt_order(order, paths, n);
  append_nodes(wr, &f, "accountProof", cf_json_get(v, "accountProof"), none);
  for (size_t i = 0; i < n && !f.st; i++)
    append_nodes(wr, &f, "storageProof", lists[order[i]], i ? lists[order[i - 1]] : none);
  if (f.st) return f.st;
  cf_status_t st = cf_ledger_slots_prove(ledger, state_root, CF_SPAN(wr->buf + at, wr->len - at), keys, n, values);
  if (st == CF_ERR_POLICY) return cf_error_set(err, st, "accountProof", 0, "the contract's code is not the one that was deployed");
  return st ? cf_error_set(err, CF_ERR_AUTH, "storageProof", 0, "the proof does not lead to the block's state (%s)", cf_status_name(st)) : CF_OK;
}

cf_status_t cf_evm_read_account(cf_evm_account_t *out, cf_wr_t *room, cf_json_t v, cf_addr_t const *addr_asked,
                                cf_hash_t const *state_root, cf_error_t *err) {
  fields_t  f  = fields(v, "proof", err);
  cf_addr_t is = addr(&f, "address");
  size_t    at = room->len;
  same(&f, "address", cf_addr_eq(&is, addr_asked));
  append_nodes(room, &f, "accountProof", cf_json_get(v, "accountProof"), (cf_json_t){ .type = CF_JSON_BAD });
  if (f.st) return f.st;
  cf_rd_t proof = cf_rd_init(room->buf + at, room->len - at);
  if (cf_evm_account_verify(out, state_root, addr_asked, &proof) || !cf_rd_done(&proof))
    return cf_error_set(err, CF_ERR_AUTH, "accountProof", 0, "the proof does not lead to the block's state");
  return CF_OK;
}

/* ---- fees ---- */

static size_t read_numbers(uint64_t *out, size_t max, fields_t *f, char const *key, cf_json_t list) {
  cf_json_t v;
  size_t    n = 0;
  for (size_t pos = 0; !f->st && cf_json_each(list, &pos, NULL, &v); n++)
    keep(f, key, n == max ? CF_ERR_BOUND : cf_quantity_u64(&out[n], v));
  return n;
}

cf_status_t cf_evm_read_fees(cf_evm_fees_t *out, cf_json_t v, cf_error_t *err) {
  cf_evm_fees_t fees = { 0 };
  fields_t      f    = fields(v, "feeHistory", err);
  cf_json_t     rewards, one;
  fees.oldest = number(&f, "oldestBlock");
  size_t base = read_numbers(fees.base_fee_wei, CF_EVM_FEES_MAX + 1, &f, "baseFeePerGas", array(&f, "baseFeePerGas"));
  rewards     = array(&f, "reward");
  for (size_t pos = 0; !f.st && cf_json_each(rewards, &pos, NULL, &one); fees.cnt++) {
    if (fees.cnt == CF_EVM_FEES_MAX) keep(&f, "reward", CF_ERR_BOUND);
    else if (read_numbers(&fees.tip_wei[fees.cnt], 1, &f, "reward", one) != 1) keep(&f, "reward", CF_ERR_FORMAT);
  }
  if (fees.cnt == 0 || base != fees.cnt + 1) keep(&f, "baseFeePerGas", CF_ERR_FORMAT);
  if (!f.st) *out = fees;
  return f.st;
}

cf_status_t cf_evm_read_revert(cf_wr_t *wr, cf_jsonrpc_answer_t const *answer) {
  cf_json_t data = answer->data.type == CF_JSON_OBJECT ? cf_json_get(answer->data, "data") : answer->data;
  return data.type == CF_JSON_STRING ? cf_data_append(wr, data) : CF_OK;
}
