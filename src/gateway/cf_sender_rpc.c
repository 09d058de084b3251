#include "gateway/cf_sender_rpc.h"

#include <assert.h>

enum { FEE_BLOCKS = 4, FEE_PERCENTILE = 50, WORDS_MAX = 512 };

/* ---- send ---- */

void cf_sender_rpc_send(cf_wr_t *wr, cf_span_t raw) {
  cf_jw_t j = cf_jw_init(wr);
  cf_evm_ask_send(&j, 1, raw);
}

/* As geth, reth and anvil, Nethermind, Besu, Erigon and EthereumJS word it; the first that occurs counts. */
static struct {
  char const *words;
  cf_sent_t   what;
} const refusals[] = {
  { "already known", CF_SENT_KNOWN },
  { "already imported", CF_SENT_KNOWN },
  { "alreadyknown", CF_SENT_KNOWN },
  { "known transaction", CF_SENT_KNOWN },
  { "already in pool", CF_SENT_KNOWN },
  { "already in the txpool", CF_SENT_KNOWN },
  { "underpriced", CF_SENT_UNDERPRICED },
  { "replacement", CF_SENT_UNDERPRICED },
  { "gas too low to replace", CF_SENT_UNDERPRICED },
  { "nonce too low", CF_SENT_NONCE_LOW },
  { "oldnonce", CF_SENT_NONCE_LOW },
  { "nonce_too_low", CF_SENT_NONCE_LOW },
  { "nonce is too low", CF_SENT_NONCE_LOW },
  { "nonce below", CF_SENT_NONCE_LOW },
  { "insufficient funds", CF_SENT_NO_FUNDS },
  { "insufficient balance", CF_SENT_NO_FUNDS },
  { "insufficientfunds", CF_SENT_NO_FUNDS },
  { "upfront_cost_exceeds_balance", CF_SENT_NO_FUNDS },
  { "less than block base fee", CF_SENT_FEE_LOW },
  { "fee cap", CF_SENT_FEE_LOW },
  { "feetoolow", CF_SENT_FEE_LOW },
  { "fee too low", CF_SENT_FEE_LOW },
  { "gas price below", CF_SENT_FEE_LOW },
  { "less than the current block's base fee", CF_SENT_FEE_LOW },
  { "below current minimum", CF_SENT_FEE_LOW },
  { "intrinsic gas", CF_SENT_REFUSED },
  { "exceeds block gas limit", CF_SENT_REFUSED },
  { "gas limit", CF_SENT_REFUSED },
  { "invalid sender", CF_SENT_REFUSED },
  { "chain id", CF_SENT_REFUSED },
  { "chainid", CF_SENT_REFUSED },
  { "type not supported", CF_SENT_REFUSED },
  { "oversized data", CF_SENT_REFUSED },
};

static void lower(char *text) {
  for (; *text; text++)
    if (*text >= 'A' && *text <= 'Z') *text = (char)(*text + ('a' - 'A'));
}

cf_sent_t cf_sender_rpc_sent(cf_span_t body) {
  cf_jsonrpc_answer_t a;
  char                words[WORDS_MAX];
  if (cf_jsonrpc_read(&a, 1, 1, body, NULL)) return CF_SENT_UNKNOWN;
  if (a.result.type == CF_JSON_STRING) return CF_SENT_TAKEN;
  if (cf_json_str(words, sizeof words, a.message)) return CF_SENT_UNKNOWN;
  lower(words);
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
    if (strstr(words, refusals[i].words)) return refusals[i].what;
  return CF_SENT_UNKNOWN;
}

/* ---- look ---- */

/* The newest block and its nonce come last: what receipts show is in them. */
void cf_sender_rpc_look(cf_wr_t *wr, cf_hash_t const *tx, size_t n, cf_addr_t const *account) {
  static cf_evm_at_t const latest = { .tag = CF_EVM_LATEST };
  cf_jw_t                  j      = cf_jw_init(wr);
  uint64_t                 id     = 1;
  assert(n <= CF_SENDER_RPC_TXS);
  cf_jw_arr(&j, NULL);
  for (size_t i = 0; i < n; i++) cf_evm_ask_receipt(&j, id++, &tx[i]);
  for (size_t i = 0; i < n; i++) cf_evm_ask_transaction(&j, id++, &tx[i]);
  cf_evm_ask_fees(&j, id++, FEE_BLOCKS, FEE_PERCENTILE);
  cf_evm_ask_nonce(&j, id++, account, &latest);
  cf_evm_ask_block_number(&j, id++);
  cf_jw_end(&j, ']');
}

static cf_seen_t seen_of(cf_evm_receipt_t const *r) {
  return (cf_seen_t){ .kind       = r->ok ? CF_SEEN_SUCCEEDED : CF_SEEN_REVERTED,
                      .block      = r->block_number,
                      .block_hash = r->block_hash,
                      .gas_used   = r->gas_used,
                      .price_wei  = r->gas_price_wei };
}

/* *least: the account's nonce below which it is in no block, whatever else was said of it: some nodes go on naming the block that was left. */
static cf_status_t read_seen(cf_seen_t *out, uint64_t *least, cf_json_t receipt, cf_json_t transaction, cf_hash_t const *tx,
                             cf_addr_t const *account, cf_error_t *err) {
  cf_evm_receipt_t     r;
  cf_evm_transaction_t t;
  cf_status_t          st = cf_evm_read_receipt(&r, receipt, tx, err);
  if (!st) st = cf_evm_read_transaction(&t, transaction, tx, err);
  if (st) return st;
  *out   = (cf_seen_t){ .kind = CF_SEEN_ABSENT };
  *least = t.known && (r.known || t.mined) ? t.nonce + 1 : 0;
  if (r.known) {
    if (!cf_addr_eq(&r.from, account)) return cf_error_set(err, CF_ERR_AUTH, "from", 0, "not the account that signed it");
    *out = seen_of(&r);
  } else if (t.known) out->kind = t.mined ? CF_SEEN_UNKNOWN : CF_SEEN_POOL; /* it got in between the two questions, perhaps */
  return CF_OK;
}

cf_status_t cf_sender_rpc_seen(cf_look_t *look, cf_seen_t *seen, cf_span_t body, cf_hash_t const *tx, size_t n, cf_addr_t const *account,
                               cf_error_t *err) {
  cf_jsonrpc_answer_t a[2 * CF_SENDER_RPC_TXS + 3];
  cf_evm_fees_t       fees;
  uint64_t            least[CF_SENDER_RPC_TXS];
  cf_look_t           l  = { .n = n };
  cf_status_t         st = cf_jsonrpc_read(a, 2 * n + 3, 1, body, err);
  for (size_t i = 0; i < 2 * n + 3 && !st; i++)
    if (a[i].result.type == CF_JSON_BAD) st = cf_error_set(err, CF_ERR_IO, "rpc", i, "refused: %lld", (long long)a[i].code);
  for (size_t i = 0; i < n && !st; i++) st = read_seen(&seen[i], &least[i], a[i].result, a[n + i].result, &tx[i], account, err);
  if (!st) st = cf_evm_read_fees(&fees, a[2 * n].result, err);
  if (!st) st = cf_quantity_u64(&l.nonce, a[2 * n + 1].result);
  if (!st) st = cf_quantity_u64(&l.number, a[2 * n + 2].result);
  if (st) return st;
  for (size_t i = 0; i < n; i++)
    if (l.nonce < least[i]) seen[i] = (cf_seen_t){ .kind = CF_SEEN_ABSENT };
  l.fees.base_wei = fees.base_fee_wei[fees.cnt];
  for (size_t i = 0; i < fees.cnt; i++)
    if (fees.tip_wei[i] > l.fees.tip_wei) l.fees.tip_wei = fees.tip_wei[i];
  *look = l;
  return CF_OK;
}

static uint64_t median(uint64_t *v, unsigned n) {
  for (unsigned i = 1; i < n; i++)
    for (unsigned k = i; k && v[k - 1] > v[k]; k--) {
      uint64_t t = v[k];
      v[k]       = v[k - 1];
      v[k - 1]   = t;
    }
  return v[n / 2];
}

static bool alike(cf_seen_t const *a, cf_seen_t const *b) {
  if (a->kind != b->kind) return false;
  return (a->kind != CF_SEEN_SUCCEEDED && a->kind != CF_SEEN_REVERTED) ||
         (a->block == b->block && cf_hash_eq(&a->block_hash, &b->block_hash) && a->gas_used == b->gas_used && a->price_wei == b->price_wei);
}

static cf_seen_t agreed(cf_seen_t const *seen, bool const *answered, unsigned nodes, unsigned k, size_t n, size_t at) {
  bool pool = false;
  for (unsigned i = 0; i < nodes; i++) {
    if (!answered[i]) continue;
    cf_seen_t const *one = &seen[i * n + at];
    unsigned         cnt = 0;
    for (unsigned m = 0; m < nodes; m++) cnt += answered[m] && alike(one, &seen[m * n + at]);
    if (cnt >= k && one->kind >= CF_SEEN_SUCCEEDED) return *one;
    pool |= one->kind == CF_SEEN_POOL;
  }
  if (pool) return (cf_seen_t){ .kind = CF_SEEN_POOL };
  unsigned absent = 0;
  for (unsigned i = 0; i < nodes; i++) absent += answered[i] && seen[i * n + at].kind == CF_SEEN_ABSENT;
  return (cf_seen_t){ .kind = absent >= k ? CF_SEEN_ABSENT : CF_SEEN_UNKNOWN };
}

cf_status_t cf_sender_rpc_merge(cf_look_t *out, cf_seen_t *merged, cf_look_t const *look, cf_seen_t const *seen, bool const *answered,
                                unsigned nodes, unsigned k, size_t n) {
  uint64_t number[CF_EVM_NODES_MAX] = { 0 }, nonce[CF_EVM_NODES_MAX] = { 0 }, base[CF_EVM_NODES_MAX], tip[CF_EVM_NODES_MAX];
  unsigned cnt = 0;
  assert(nodes && nodes <= CF_EVM_NODES_MAX);
  for (unsigned i = 0; i < nodes; i++) {
    if (!answered[i]) continue;
    number[i]   = look[i].number;
    nonce[i]    = look[i].nonce;
    base[cnt]   = look[i].fees.base_wei;
    tip[cnt++] = look[i].fees.tip_wei;
  }
  if (cnt < k || !cnt) return CF_ERR_IO;
  *out = (cf_look_t){ .number = cf_evm_quorum_height(number, nodes, k), .nonce = cf_evm_quorum_height(nonce, nodes, k), .n = n };
  out->fees.base_wei = median(base, cnt);
  out->fees.tip_wei  = median(tip, cnt);
  for (size_t i = 0; i < n; i++) merged[i] = agreed(seen, answered, nodes, k, n, i);
  return CF_OK;
}

/* ---- trace ---- */

cf_status_t cf_sender_rpc_used(cf_sender_used_t *out, cf_wr_t *wr, cf_wr_t scratch, cf_json_t transactions, cf_addr_t const *account, uint64_t nonce) {
  cf_json_t one;
  *out = (cf_sender_used_t){ 0 };
  for (size_t pos = 0; cf_json_each(transactions, &pos, NULL, &one);) {
    cf_addr_t from;
    uint64_t  is;
    if (cf_data_fixed(from.b, sizeof from.b, cf_json_get(one, "from")) || cf_quantity_u64(&is, cf_json_get(one, "nonce"))) return CF_ERR_FORMAT;
    if (!cf_addr_eq(&from, account)) continue;
    out->older |= is < nonce;
    if (is != nonce) continue;
    size_t at = wr->len;
    if (cf_data_fixed(out->tx.b, sizeof out->tx.b, cf_json_get(one, "hash"))) return CF_ERR_FORMAT;
    if (!cf_evm_read_raw(wr, scratch, one, NULL)) out->raw = CF_SPAN(wr->buf + at, wr->len - at);
    out->found = true;
  }
  return CF_OK;
}

cf_status_t cf_sender_rpc_receipt(cf_seen_t *out, cf_json_t receipts, cf_hash_t const *tx, cf_addr_t const *account) {
  cf_evm_receipt_t r;
  cf_json_t        one;
  if (receipts.type != CF_JSON_ARRAY) return CF_ERR_FORMAT;
  for (size_t pos = 0; cf_json_each(receipts, &pos, NULL, &one);) {
    cf_hash_t is;
    if (cf_data_fixed(is.b, sizeof is.b, cf_json_get(one, "transactionHash"))) return CF_ERR_FORMAT;
    if (!cf_hash_eq(&is, tx)) continue;
    cf_status_t st = cf_evm_read_receipt(&r, one, tx, NULL);
    if (!st && !cf_addr_eq(&r.from, account)) st = CF_ERR_AUTH;
    if (!st) *out = seen_of(&r);
    return st;
  }
  return CF_ERR_STALE;
}

/* ---- final blocks ---- */

cf_status_t cf_sender_rpc_final(cf_sender_final_t *out, cf_evm_block_t const *block, cf_json_t proof, cf_addr_t const *account) {
  uint8_t          nodes[CF_EVM_ACCOUNT_PROOF_MAX];
  cf_wr_t          room = cf_wr_init(nodes, sizeof nodes);
  cf_evm_account_t a;
  cf_status_t      st = block->known ? cf_evm_read_account(&a, &room, proof, account, &block->header.state_root, NULL) : CF_ERR_FORMAT;
  if (st) return st;
  out->number = block->header.number;
  out->hash   = block->hash;
  out->time_s = block->header.time_s;
  out->nonce  = a.nonce;
  return CF_OK;
}
