/* A real node of a chain, asked one question at a time, and the same ledger beside it under the rules in C: for the programs here that
   compare the two.  A node may make no block by itself: then its consensus is told to at a second address, by anvil's names
   (tests/peer/ethereumjs/chain.mjs; anvil itself is both). */
#ifndef TEST_EVM_NODE_H
#define TEST_EVM_NODE_H

#include <unistd.h>

#include "../unit/ledger/ledger_world.h"

#include "base/cf_text.h"
#include "io/cf_rpc.h"
#include "ledger/cf_evm_quorum.h"
#include "ledger/cf_evm_rpc.h"
#include "ledger/cf_evm_tx.h"
#include "ledger/cf_view.h"

/* Of the first of Foundry's well-known accounts, which has money on every node here. */
static char const payer_key[] = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

#define ID 1 /* of every question that is asked alone */

enum { NODE, CONSENSUS, PATIENCE_MS = 120000 /* on a machine that is busy with other things, too */ };
static char const *urls[2]; /* CONSENSUS: NULL when the node makes a block of what it is sent at once */

typedef struct {
  cf_rpc_t            *rpc;
  uint64_t             chain_id;
  actor_t              payer;
  world_t             *w; /* the same ledger by our rules */
  cf_ledger_identity_t ledger;
  uint64_t             deployed; /* block */
  uint8_t              question[1 << 17], calldata[1 << 16], raw[1 << 17];
  cf_done_t           *answer; /* of the newest question */
} node_t;

/* ---- one question ---- */

static cf_wr_t ask_wr;
UNUSED static cf_jw_t *ask(node_t *n) {
  static cf_jw_t j;
  ask_wr = cf_wr_init(n->question, sizeof n->question);
  j      = cf_jw_init(&ask_wr);
  return &j;
}

static cf_jsonrpc_answer_t said_by(node_t *n, unsigned whom) {
  cf_error_t          err = { 0 };
  cf_jsonrpc_answer_t a;
  cf_done_free(n->answer);
  n->answer = NULL;
  cf_rpc_start(n->rpc, whom, cf_wr_out(&ask_wr), PATIENCE_MS);
  if (cf_rpc_wait(n->rpc, &whom, &n->answer, &err)) fail_msg("%s", err.text);
  if (cf_jsonrpc_read(&a, 1, ID, n->answer->body, &err)) fail_msg("%s: %s", err.item, err.text);
  return a;
}
UNUSED static cf_jsonrpc_answer_t said(node_t *n) { return said_by(n, NODE); }

static cf_json_t good(node_t *n, cf_jsonrpc_answer_t a) {
  if (a.result.type == CF_JSON_BAD)
    fail_msg("%.200s: %.*s", (char *)n->question, (int)a.message.text.len, (char const *)a.message.text.ptr);
  return a.result;
}
UNUSED static cf_json_t result(node_t *n) { return good(n, said(n)); }

UNUSED static uint64_t number(node_t *n) {
  uint64_t v;
  assert_int_equal(cf_quantity_u64(&v, result(n)), CF_OK);
  return v;
}

/* To the consensus; params are JSON. */
UNUSED static void tell(node_t *n, char const *method, char const *params) {
  ask_wr     = cf_wr_init(n->question, sizeof n->question);
  ask_wr.len = (size_t)snprintf((char *)n->question, sizeof n->question, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}", ID,
                                method, params);
  (void)good(n, said_by(n, CONSENSUS));
}

UNUSED static cf_evm_block_t block_at(node_t *n, cf_evm_at_t at) {
  cf_evm_block_t b;
  cf_error_t     err = { 0 };
  cf_evm_ask_block(ask(n), ID, &at);
  if (cf_evm_read_block(&b, result(n), &at, &err)) fail_msg("%s: %s", err.item, err.text);
  assert_true(b.known);
  return b;
}

/* ---- transactions ---- */

/* Signed as it is, sent, and in a block. */
static cf_evm_receipt_t post_tx(node_t *n, cf_evm_tx_t const *tx) {
  cf_evm_receipt_t r;
  cf_hash_t        hash, got;
  uint8_t          sig[64];
  cf_error_t       err = { 0 };
  cf_wr_t          wr  = cf_wr_init(n->raw, sizeof n->raw);
  assert_int_equal(cf_evm_tx_sign(&wr, sig, &hash, tx, n->payer.scalar), CF_OK);
  cf_evm_ask_send(ask(n), ID, cf_wr_out(&wr));
  assert_int_equal(cf_data_fixed(got.b, 32, result(n)), CF_OK);
  assert_true(cf_hash_eq(&got, &hash));
  if (urls[CONSENSUS]) tell(n, "anvil_mine", "[1]");
  for (unsigned tries = 0;; tries++) {
    assert_true(tries < 1000);
    cf_evm_ask_receipt(ask(n), ID, &hash);
    if (cf_evm_read_receipt(&r, result(n), &hash, &err)) fail_msg("%s: %s", err.item, err.text);
    if (r.known) break;
    if (tries > 10) usleep(20000); /* a node that makes a block when its time has come */
  }
  assert_true(cf_addr_eq(&r.from, &n->payer.addr) && r.gas_used <= tx->gas);
  return r;
}

/* With the nonce, fees and gas that the node names; it succeeds. */
UNUSED static cf_evm_receipt_t send_tx(node_t *n, cf_evm_tx_t tx) {
  cf_evm_at_t   latest = { .tag = CF_EVM_LATEST };
  cf_evm_fees_t fees;
  cf_error_t    err = { 0 };
  cf_evm_ask_nonce(ask(n), ID, &n->payer.addr, &latest);
  tx.nonce = number(n);
  for (unsigned tries = 0;; tries++) { /* anvil that makes a block meanwhile says one base fee too few */
    cf_evm_ask_fees(ask(n), ID, 1, 50);
    if (!cf_evm_read_fees(&fees, result(n), &err)) break;
    if (tries == 5) fail_msg("%s: %s", err.item, err.text);
    usleep(100000);
  }
  tx.tip_wei       = 1000000000;
  tx.fee_wei       = 2 * fees.base_fee_wei[fees.cnt] + tx.tip_wei;
  tx.chain_id      = n->chain_id;
  cf_evm_run_t run = { .from = n->payer.addr, .to = tx.create ? NULL : &tx.to, .value_wei = tx.value, .data = tx.data };
  cf_evm_ask_estimate(ask(n), ID, &run);
  tx.gas             = number(n) * 5 / 4;
  cf_evm_receipt_t r = post_tx(n, &tx);
  assert_true(r.ok);
  return r;
}

/* What of the receipt's logs is the ledger's: one message, or one event that is none. */
UNUSED static cf_evm_event_t event_of(node_t *n, cf_evm_receipt_t const *r) {
  static uint8_t bytes[1024];
  cf_wr_t        wr = cf_wr_init(bytes, sizeof bytes);
  cf_evm_log_t   log;
  cf_evm_place_t place;
  cf_evm_event_t ev;
  size_t         pos = 0;
  bool           more;
  assert_int_equal(cf_evm_log_next(&more, &log, &place, &wr, r->logs, &pos, NULL), CF_OK);
  assert_true(more && cf_hash_eq(&place.tx, &r->tx) && cf_hash_eq(&place.block_hash, &r->block_hash));
  assert_int_equal(cf_evm_event_decode(&ev, &log, &n->ledger.contract), CF_OK);
  assert_int_equal(cf_evm_log_next(&more, &log, &place, &wr, r->logs, &pos, NULL), CF_OK);
  assert_false(more);
  return ev;
}

/* ---- deployment ---- */

UNUSED static cf_hash_t code_hash(node_t *n) {
  cf_wr_t wr = cf_wr_init(n->calldata, sizeof n->calldata);
  cf_evm_ask_code(ask(n), ID, &n->ledger.contract, &(cf_evm_at_t){ .tag = CF_EVM_LATEST });
  assert_int_equal(cf_data_append(&wr, result(n)), CF_OK);
  return cf_keccak256(cf_wr_out(&wr));
}

/* The genesis in n->w is of the contract that the payer's transaction of this nonce creates, of a block not before time_s. */
UNUSED static void found_at(node_t *n, uint64_t nonce, uint64_t time_s) {
  cf_ledger_genesis_t *g     = &n->w->g;
  g->config.embedded         = false;
  g->config.chain_id         = n->chain_id;
  g->config.contract         = cf_evm_created(&n->payer.addr, nonce);
  g->config.key_delay_s      = 0;
  g->time_s                  = time_s;
  g->measurements[0].until_s = time_s + 300 * 86400;
  world_found(n->w);
  n->ledger = (cf_ledger_identity_t){ .chain_id = n->chain_id, .contract = g->config.contract, .separator = g->config.separator };
}

UNUSED static node_t *node_open(void) {
  node_t *n = calloc(1, sizeof *n);
  assert_int_equal(cf_rpc_open(&n->rpc, urls, urls[CONSENSUS] ? 2 : 1, NULL, NULL), CF_OK);
  assert_int_equal(cf_hex_decode(n->payer.scalar, 32, CF_SPAN_LIT(payer_key)), CF_OK);
  assert_int_equal(cf_k256_addr(&n->payer.addr, n->payer.scalar), CF_OK);
  cf_evm_ask_chain_id(ask(n), ID);
  n->chain_id = number(n);
  n->w        = world_new();
  return n;
}

UNUSED static void node_close(node_t *n) {
  cf_done_free(n->answer);
  cf_rpc_close(n->rpc);
  world_free(n->w);
  free(n);
}

/* ---- what is proven ---- */

/* Slots of the newest block, proven; *b is that block. */
UNUSED static void prove(node_t *n, cf_evm_block_t *b, cf_wr_t *proof, cf_hash_t const *keys, size_t cnt, cf_hash_t *values) {
  cf_error_t err = { 0 };
  *b             = block_at(n, (cf_evm_at_t){ .tag = CF_EVM_LATEST });
  cf_evm_ask_proof(ask(n), ID, &n->ledger.contract, keys, cnt, &(cf_evm_at_t){ .tag = CF_EVM_NUMBER, .number = b->header.number });
  if (cf_evm_read_state(proof, values, result(n), &n->ledger, &b->header.state_root, keys, cnt, &err))
    fail_msg("%s: %s", err.item, err.text);
}

#endif
