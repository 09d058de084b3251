#include "cli/cf_payer.h"

#include <stdlib.h>
#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_web.h"

enum { STEP_MS = 100, FEE_BLOCKS = 8, FEE_PERCENTILE = 50, REVERT_MAX = 4096 };
#define GWEI 1000000000ULL

/* ---- what is said ---- */

static char *facts_of(cf_evm_revert_t const *r) {
  char text[256];
  if (r->refusal.code) return cf_refusal_print(text, sizeof text, &r->refusal), cf_fmt("%s", text);
  if (r->text.len) return cf_fmt("%s: %.*s", r->name, (int)r->text.len, (char const *)r->text.ptr);
  return r->facts_cnt ? cf_fmt("%s(0x%s)", r->name, cf_hex(CF_SPAN_OF(r->facts[0].b))) : cf_fmt("%s", r->name);
}

int cf_payer_refused(cf_nodes_t const *n, cf_jsonrpc_answer_t const *a, cf_addr_t const *by) {
  cf_wr_t         wr = cf_room(REVERT_MAX);
  cf_evm_revert_t r;
  char            text[512];
  if (!cf_evm_read_revert(&wr, a) && !cf_evm_revert_decode(&r, cf_wr_out(&wr)))
    return cf_fail(CF_EXIT_FAILS, n->what, "refused by the ledger", r.name, "found", facts_of(&r), NULL);
  if (cf_json_str(text, sizeof text, a->message)) *text = 0;
  return cf_fail(CF_EXIT_FAILS, n->what, "refused by a node", n->evm.node[n->at], "found", cf_fmt("%s (%lld)", text, (long long)a->code),
                 "account", cf_fmt("0x%s", cf_hex(CF_SPAN_OF(by->b))), NULL);
}

/* ---- steps ---- */

int cf_payer_price(cf_evm_tx_t *tx, cf_payer_t *p) {
  cf_json_t     v;
  cf_evm_fees_t fees;
  cf_error_t    err = {0};
  uint64_t      max = p->fee_max_gwei > UINT64_MAX / GWEI ? UINT64_MAX : p->fee_max_gwei * GWEI, tip = 0;
  cf_evm_ask_fees(cf_nodes_question(p->nodes), CF_NODES_ID, FEE_BLOCKS, FEE_PERCENTILE);
  int code = cf_nodes_result(&v, p->nodes);
  if (code) return code;
  if (cf_evm_read_fees(&fees, v, &err)) return cf_nodes_wrong(p->nodes, &err);
  uint64_t base = fees.base_fee_wei[fees.cnt];
  for (size_t i = 0; i < fees.cnt; i++)
    if (fees.tip_wei[i] > tip) tip = fees.tip_wei[i];
  if (tip < GWEI / 10) tip = GWEI / 10; /* quiet blocks say nothing about what the next one wants */
  if (base > UINT64_MAX / 4) base = UINT64_MAX / 4;
  if (tip > UINT64_MAX / 4) tip = UINT64_MAX / 4;
  tx->chain_id = p->nodes->chain_id;
  tx->fee_wei = 2 * base + tip;
  if (max && tx->fee_wei > max) tx->fee_wei = max;
  tx->tip_wei = tip < tx->fee_wei ? tip : tx->fee_wei;
  return tx->fee_wei >= base ? 0
                             : cf_fail(CF_EXIT_WORLD, p->nodes->what, "fee", cf_fmt("%llu gwei per gas", (unsigned long long)(base / GWEI)),
                                       "found", cf_fmt("%llu are what may be offered", (unsigned long long)p->fee_max_gwei), "next",
                                       "later, or with a higher --fee-max (of the gateway: fee_max_gwei in domain.json)", NULL);
}

int cf_payer_gas(cf_evm_tx_t *tx, cf_payer_t *p) {
  cf_evm_run_t const  run = {.from = p->addr, .to = tx->create ? NULL : &tx->to, .value_wei = tx->value, .data = tx->data};
  cf_jsonrpc_answer_t a;
  cf_evm_ask_estimate(cf_nodes_question(p->nodes), CF_NODES_ID, &run);
  int code = cf_nodes_said(&a, p->nodes);
  if (code) return code;
  if (a.result.type == CF_JSON_BAD) return cf_payer_refused(p->nodes, &a, &p->addr);
  if (cf_quantity_u64(&tx->gas, a.result)) return cf_nodes_wrong(p->nodes, &(cf_error_t){.status = CF_ERR_FORMAT, .item = "gas"});
  tx->gas += tx->gas / 5;
  return 0;
}

int cf_payer_sign(cf_wr_t *wr, cf_hash_t *hash, cf_payer_t const *p, cf_evm_tx_t const *tx) {
  uint8_t     sig[64];
  cf_status_t st = cf_evm_tx_sign(wr, sig, hash, tx, p->scalar);
  return st ? cf_fail(CF_EXIT_FAILS, p->nodes->what, cf_status_name(st), "transaction", NULL) : 0;
}

static void ask_signer(cf_payer_t *p, cf_evm_tx_t const *tx) {
  cf_jw_t *j = cf_nodes_question(p->signer);
  cf_jsonrpc_begin(j, CF_NODES_ID, "eth_sendTransaction");
  cf_jw_obj(j, NULL);
  cf_jw_data(j, "from", CF_SPAN_OF(p->addr.b));
  if (!tx->create) cf_jw_data(j, "to", CF_SPAN_OF(tx->to.b));
  cf_jw_quantity(j, "gas", tx->gas);
  cf_jw_quantity(j, "maxFeePerGas", tx->fee_wei);
  cf_jw_quantity(j, "maxPriorityFeePerGas", tx->tip_wei);
  cf_jw_quantity_word(j, "value", &tx->value);
  cf_jw_data(j, "input", tx->data);
  cf_jw_end(j, '}');
  cf_jsonrpc_end(j);
}

/* Whatever ends us from here on, the sender knows what to look for. */
static void tell(cf_payer_t const *p, char const *how, cf_hash_t const *hash) {
  if (!p->quiet) cf_note("%s: %s in transaction 0x%s", p->nodes->what, how, cf_hex(CF_SPAN_OF(hash->b)));
}

int cf_payer_submit(cf_hash_t *hash, cf_payer_t *p, cf_evm_tx_t const *tx) {
  cf_jsonrpc_answer_t a;
  cf_hash_t           want = {{0}};
  cf_nodes_t         *to = p->signer ? p->signer : p->nodes;
  cf_wr_t             raw = cf_room(tx->data.len + CF_EVM_TX_FRAME_MAX);
  int                 code = 0;
  if (p->signer) ask_signer(p, tx);
  else {
    code = cf_payer_sign(&raw, &want, p, tx);
    if (!code) cf_evm_ask_send(cf_nodes_question(to), CF_NODES_ID, cf_wr_out(&raw));
  }
  free(raw.buf);
  if (code) return code;
  code = cf_nodes_said(&a, to);
  if (code && !p->signer) tell(p, "perhaps sent", &want);
  if (code) return code;
  if (a.result.type == CF_JSON_BAD) return cf_payer_refused(to, &a, &p->addr);
  if (cf_data_fixed(hash->b, 32, a.result) || (!p->signer && !cf_hash_eq(hash, &want)))
    return cf_nodes_wrong(to, &(cf_error_t){.status = CF_ERR_AUTH, .item = "transaction"});
  tell(p, "sent", hash);
  return 0;
}

/* A node that is away for a moment has the transaction all the same: it is asked until time is out. */
static bool in_block(cf_evm_receipt_t *r, cf_nodes_t *n, cf_hash_t const *hash) {
  cf_json_t v;
  n->quiet = true;
  cf_evm_ask_receipt(cf_nodes_question(n), CF_NODES_ID, hash);
  bool told = !cf_nodes_result(&v, n) && !cf_evm_read_receipt(r, v, hash, NULL) && r->known;
  n->quiet = false;
  return told;
}

int cf_payer_wait(cf_evm_receipt_t *r, cf_payer_t *p, cf_hash_t const *hash) {
  for (uint64_t until = cf_mono_ms() + CF_PAYER_WAIT_MS; cf_mono_ms() < until; cf_web_sleep(STEP_MS)) {
    if (!in_block(r, p->nodes, hash)) continue;
    if (r->ok) return 0;
    return cf_fail(CF_EXIT_FAILS, p->nodes->what, "reverted", cf_fmt("0x%s", cf_hex(CF_SPAN_OF(hash->b))), "found",
                   cf_fmt("in block %llu: what it met there was not what was there before", (unsigned long long)r->block_number), "next",
                   "again: it is then asked for anew", NULL);
  }
  return cf_fail(CF_EXIT_WORLD, p->nodes->what, "timeout", cf_fmt("0x%s", cf_hex(CF_SPAN_OF(hash->b))), "found",
                 "sent, and no node shows a block that has it", "next", "it can still get into one: look for it there before doing the same again", NULL);
}

int cf_payer_send(cf_evm_receipt_t *r, cf_payer_t *p, cf_evm_tx_t tx) {
  cf_hash_t hash;
  int       code = cf_payer_gas(&tx, p);
  if (!code) code = cf_payer_price(&tx, p);
  if (!code && !p->signer) code = cf_nodes_nonce(&tx.nonce, p->nodes, &p->addr, CF_EVM_PENDING);
  if (!code) code = cf_payer_submit(&hash, p, &tx);
  return code ? code : cf_payer_wait(r, p, &hash);
}
