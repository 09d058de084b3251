#include "cli/cf_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/cf_evm_quorum.h"
#include "ledger/cf_evm_tx.h"

enum { QUESTION_MAX = 2 * CF_EVM_TX_MAX + 4096 };

int cf_nodes_wrong(cf_nodes_t const *n, cf_error_t const *err) {
  int code = err->status == CF_ERR_IO ? CF_EXIT_WORLD : CF_EXIT_FAILS;
  return n->quiet ? code : cf_fail(code, n->what, cf_status_name(err->status), err->item, "found",
                 err->text, "node", n->evm.node[n->at], NULL);
}

/* ---- one question ---- */

cf_jw_t *cf_nodes_question(cf_nodes_t *n) {
  n->question.len = 0;
  n->question.bad = false;
  n->writer = cf_jw_init(&n->question);
  return &n->writer;
}

static cf_status_t ask_node(cf_jsonrpc_answer_t *a, cf_nodes_t *n, cf_error_t *err) {
  cf_done_free(n->answer);
  n->answer = NULL;
  if (n->question.bad) abort(); /* it has room for the longest */
  cf_status_t st = cf_rpc_ask(n->rpc, n->at, cf_wr_out(&n->question), &n->answer, err);
  if (!st) st = cf_jsonrpc_read(a, 1, CF_NODES_ID, n->answer->body, err);
  return st && !*err->text ? cf_error_set(err, st, "node", 0, "%s", cf_status_name(st)) : st;
}

int cf_nodes_said(cf_jsonrpc_answer_t *a, cf_nodes_t *n) {
  cf_error_t err = {0};
  for (size_t tries = 0; ask_node(a, n, &err); tries++) {
    if (n->alone || tries + 1 == n->evm.nodes || err.status != CF_ERR_IO) return cf_nodes_wrong(n, &err);
    n->at = (unsigned)((n->at + 1) % n->evm.nodes);
  }
  return 0;
}

int cf_nodes_result(cf_json_t *v, cf_nodes_t *n) {
  cf_jsonrpc_answer_t a;
  char                text[512];
  int                 code = cf_nodes_said(&a, n);
  if (code) return code;
  *v = a.result;
  if (a.result.type != CF_JSON_BAD) return 0;
  if (cf_json_str(text, sizeof text, a.message)) *text = 0;
  return n->quiet ? CF_EXIT_WORLD : cf_fail(CF_EXIT_WORLD, n->what, "node", n->evm.node[n->at], "found", cf_fmt("refused: %s (%lld)", text, (long long)a.code), NULL);
}

int cf_nodes_number(uint64_t *v, cf_nodes_t *n) {
  cf_json_t  result;
  cf_error_t err = {0};
  int        code = cf_nodes_result(&result, n);
  if (code) return code;
  cf_status_t st = cf_quantity_u64(v, result);
  if (!st) return 0;
  cf_error_set(&err, st, "node", 0, "not a number that is taken");
  return cf_nodes_wrong(n, &err);
}

/* ---- all of them ---- */

static int wrong_chain(cf_nodes_t const *n, uint64_t id) {
  if (n->quiet) return CF_EXIT_FAILS;
  return cf_fail(CF_EXIT_FAILS, n->what, "policy", "chain id", "found",
                 cf_fmt("%llu, not %llu", (unsigned long long)id, (unsigned long long)n->chain_id), "node", n->evm.node[n->at], NULL);
}

/* Who does not answer now may do so later; the first that answers is asked first. */
static int same_chain(cf_nodes_t *n) {
  unsigned   answered = 0, first = 0;
  cf_error_t away = {0};
  for (n->at = 0; n->at < n->evm.nodes; n->at++) {
    cf_jsonrpc_answer_t a;
    cf_error_t          err = {0};
    uint64_t            id;
    cf_evm_ask_chain_id(cf_nodes_question(n), CF_NODES_ID);
    cf_status_t st = ask_node(&a, n, &err);
    if (st == CF_ERR_IO) {
      away = err;
      continue;
    }
    if (!st && cf_quantity_u64(&id, a.result)) st = cf_error_set(&err, CF_ERR_FORMAT, "chain id", 0, "not told");
    if (st) return cf_nodes_wrong(n, &err);
    if (!n->chain_id) n->chain_id = id;
    if (id != n->chain_id) return wrong_chain(n, id);
    if (!answered++) first = n->at;
  }
  n->at = first;
  if (answered >= n->evm.quorum) return 0;
  if (n->quiet) return CF_EXIT_WORLD;
  return cf_fail(CF_EXIT_WORLD, n->what, cf_status_name(away.status), away.item, "found", away.text, "answered",
                 cf_fmt("%u of %zu nodes; %u are due", answered, n->evm.nodes, n->evm.quorum), NULL);
}

static int open_nodes(cf_nodes_t *n, char const *what, cf_folder_evm_t const *evm, uint64_t chain_id, bool quiet) {
  cf_error_t err = {0};
  *n = (cf_nodes_t){.what = what, .evm = *evm, .chain_id = chain_id, .quiet = quiet, .question = cf_room(QUESTION_MAX)};
  if (cf_rpc_open(&n->rpc, evm->node, evm->nodes, NULL, &err)) return quiet ? CF_EXIT_USAGE : cf_fail_error(what, &err);
  return same_chain(n);
}

int cf_nodes_open(cf_nodes_t *n, char const *what, cf_folder_evm_t const *evm, uint64_t chain_id) {
  return open_nodes(n, what, evm, chain_id, false);
}

int cf_nodes_open_quiet(cf_nodes_t *n, char const *what, cf_folder_evm_t const *evm, uint64_t chain_id) {
  return open_nodes(n, what, evm, chain_id, true);
}

void cf_nodes_close(cf_nodes_t *n) {
  cf_done_free(n->answer);
  cf_rpc_close(n->rpc);
  free(n->question.buf);
  *n = (cf_nodes_t){0};
}

static int block_of(cf_evm_block_t *b, cf_nodes_t *n, cf_evm_at_t const *at) {
  cf_json_t  v;
  cf_error_t err = {0};
  cf_evm_ask_block(cf_nodes_question(n), CF_NODES_ID, at);
  int code = cf_nodes_result(&v, n);
  if (code) return code;
  return cf_evm_read_block(b, v, at, &err) ? cf_nodes_wrong(n, &err) : 0;
}

int cf_nodes_block(cf_evm_block_t *b, cf_nodes_t *n, cf_evm_at_t const *at) {
  int code = block_of(b, n, at);
  return code || b->known ? code : n->quiet ? CF_EXIT_WORLD : cf_fail(CF_EXIT_WORLD, n->what, "node", n->evm.node[n->at], "found", "it has no such block", NULL);
}

void cf_nodes_each(cf_nodes_t *n, cf_evm_quorum_t *q, void (*fn)(cf_nodes_t *n, cf_evm_quorum_t *q, void *ctx), void *ctx) {
  unsigned was = n->at;
  bool     quiet = n->quiet;
  if (cf_evm_quorum_init(q, (unsigned)n->evm.nodes, n->evm.quorum)) abort(); /* as the folder was read */
  n->alone = n->quiet = true;
  for (n->at = 0; n->at < n->evm.nodes; n->at++) fn(n, q, ctx);
  n->alone = false;
  n->quiet = quiet;
  n->at = was;
}

typedef struct {
  uint64_t       heights[CF_EVM_NODES_MAX]; /* 0: none */
  cf_evm_at_t    at;
  cf_evm_block_t said[CF_EVM_NODES_MAX];
} final_t;

static void final_height(cf_nodes_t *n, cf_evm_quorum_t *q, void *ctx) {
  cf_evm_block_t b;
  final_t       *f = ctx;
  uint64_t       back = n->evm.confirmations;
  int            code = block_of(&b, n, &(cf_evm_at_t){.tag = back ? CF_EVM_LATEST : CF_EVM_FINALIZED});
  (void)q;
  f->heights[n->at] = code || !b.known || b.header.number < back ? 0 : b.header.number - back;
}

static void final_block(cf_nodes_t *n, cf_evm_quorum_t *q, void *ctx) {
  final_t *f = ctx;
  if (f->heights[n->at] >= f->at.number && !cf_nodes_block(&f->said[n->at], n, &f->at))
    cf_evm_quorum_add(q, n->at, CF_OK, &f->said[n->at].hash);
}

int cf_nodes_final(cf_evm_block_t *b, cf_nodes_t *n) {
  static final_t  f;
  cf_evm_quorum_t q;
  cf_hash_t       agreed;
  uint8_t         blamed;
  f = (final_t){.at = {.tag = CF_EVM_NUMBER}};
  cf_nodes_each(n, &q, final_height, &f);
  f.at.number = cf_evm_quorum_height(f.heights, q.n, q.k); /* 0: nothing is final yet, or too few answered */
  cf_nodes_each(n, &q, final_block, &f);
  if (cf_evm_quorum_verdict(&q, &agreed, &blamed) != CF_EVM_AGREED)
    return cf_fail(CF_EXIT_WORLD, n->what, "nodes", cf_fmt("block %llu", (unsigned long long)f.at.number), "found",
                   cf_fmt("fewer than %u of %u say that it is final, and the same of it", q.k, q.n), NULL);
  for (unsigned i = 0; i < q.n; i++)
    if (q.at[i].answered && cf_hash_eq(&f.said[i].hash, &agreed)) *b = f.said[i];
  return 0;
}

int cf_nodes_nonce(uint64_t *nonce, cf_nodes_t *n, cf_addr_t const *addr, cf_evm_tag_t tag) {
  unsigned was = n->at;
  int      code = 0;
  n->alone = true;
  for (n->at = 0; !code && n->at < n->evm.nodes; n->at++) {
    uint64_t one;
    cf_evm_ask_nonce(cf_nodes_question(n), CF_NODES_ID, addr, &(cf_evm_at_t){.tag = tag});
    code = cf_nodes_number(&one, n);
    if (!code && n->at && one != *nonce)
      code = cf_fail(CF_EXIT_WORLD, n->what, "nonce", cf_hex(CF_SPAN_OF(addr->b)), "found",
                     "nodes say different numbers: one is behind, or transactions are under way", "next", "wait for them, and again", NULL);
    if (!n->at) *nonce = one;
  }
  n->alone = false;
  n->at = was;
  return code;
}
