/* Blocks read from a final one down: each is what the one above it names as its parent, so that no node can put another in its place.
   docs/protocol/sender.md "Halts". */
#include "gateway/cf_chainside.h"

#include <assert.h>

enum {
  HEADERS        = 32,   /* asked for at once */
  BLOCKS_MAX     = 4096, /* that a trace goes down */
  TRIES_PER_NODE = 2,
  QUESTION_MAX   = 4096,
  ONE            = 1, /* id of the only question, or the first */
};

/* The block that is due, or why it is not that. */
static cf_status_t
read_due(cf_evm_block_t *b, cf_json_t v, uint64_t number, cf_hash_t const *hash) {
  cf_evm_at_t const at = { .tag = CF_EVM_NUMBER, .number = number };
  cf_status_t       st = cf_evm_read_block(b, v, &at, NULL);
  if (st) return st;
  if (!b->known) return CF_ERR_STALE;
  return cf_hash_eq(&b->hash, hash) ? CF_OK : CF_ERR_AUTH;
}

/* ---- is what was final an ancestor of what is? ---- */

static void
ask_headers(cf_gateway_t *g, cf_effects_t *fx) {
  cf_ancestry_t *w    = &g->evm->ancestry;
  uint64_t       left = w->number - w->final.since_number + 1;
  cf_wr_t        wr   = cf_wr_init(cf_fx_room(fx, QUESTION_MAX), QUESTION_MAX);
  cf_jw_t        j    = cf_jw_init(&wr);
  w->cnt              = left < HEADERS ? (unsigned)left : HEADERS;
  w->node             = cf_chainside_ready(g, w->node);
  if (w->cnt > 1) cf_jw_arr(&j, NULL); /* one question is no batch */
  for (unsigned i = 0; i < w->cnt; i++) cf_evm_ask_block(&j, ONE + i, &(cf_evm_at_t){ .tag = CF_EVM_NUMBER, .number = w->number - i });
  if (w->cnt > 1) cf_jw_end(&j, ']');
  assert(!wr.bad);
  w->asked = cf_chainside_ask(g, fx, CF_SLOT_ANCESTRY, w->node, cf_wr_out(&wr));
}

/* The way leads to this block at the height of the one that was final. */
static void
arrived(cf_gateway_t *g, cf_effects_t *fx, cf_hash_t const *hash) {
  cf_ancestry_t *w    = &g->evm->ancestry;
  w->asked            = 0;
  w->final.since_hash = *hash;
  if (!cf_hash_eq(hash, &w->claim)) cf_chainside_ended(g, fx, w->accused, CF_ERR_AUTH);
  cf_sender_final(&g->evm->sender, &w->final);
  if (g->evm->sender.halt == CF_SENDER_HALT_FINALITY) cf_views_evm_anew(g);
  g->evm->due = true;
}

void
cf_ancestry_begin(cf_gateway_t *g, cf_effects_t *fx, cf_sender_final_t const *f, cf_hash_t const *parent, cf_hash_t const *claim) {
  cf_ancestry_t *w = &g->evm->ancestry;
  if (w->asked || f->number < f->since_number) return;
  *w = (cf_ancestry_t){ .node = g->evm->state.node, .number = f->number - 1, .hash = *parent, .final = *f, .accused = g->evm->state.node, .claim = *claim };
  if (f->number == f->since_number) arrived(g, fx, &f->hash);
  else ask_headers(g, fx);
}

static cf_status_t
read_headers(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_ancestry_t      *w = &g->evm->ancestry;
  cf_jsonrpc_answer_t a[HEADERS];
  if (ev->status || ev->code != 200) return CF_ERR_IO;
  cf_status_t st = cf_jsonrpc_read(a, w->cnt, ONE, ev->body, NULL);
  for (unsigned i = 0; i < w->cnt && !st; i++) {
    cf_evm_block_t b;
    if (a[i].result.type == CF_JSON_BAD) return CF_ERR_IO;
    st = read_due(&b, a[i].result, w->number, &w->hash);
    if (st) return st;
    if (w->number == w->final.since_number) {
      arrived(g, fx, &b.hash);
      return CF_OK;
    }
    w->number--;
    w->hash = b.header.parent;
  }
  return st;
}

void
cf_ancestry_done(cf_gateway_t *g, cf_effects_t *fx, unsigned node, cf_event_t const *ev) {
  cf_ancestry_t *w = &g->evm->ancestry;
  if (ev->id != w->asked) return;
  cf_status_t st = read_headers(g, fx, ev);
  cf_chainside_ended(g, fx, node, st);
  if (!w->asked) return;
  if (st) w->node = (node + 1) % g->cfg.evm.nodes;
  if (st && ++w->tried == TRIES_PER_NODE * g->cfg.evm.nodes) w->asked = 0; /* the next final block begins it anew */
  else ask_headers(g, fx);
}

/* ---- what used a nonce? ---- */

static void
ask_block(cf_gateway_t *g, cf_effects_t *fx) {
  cf_tracing_t *t  = &g->evm->tracing;
  cf_wr_t       wr = cf_wr_init(cf_fx_room(fx, QUESTION_MAX), QUESTION_MAX);
  cf_jw_t       j  = cf_jw_init(&wr);
  cf_evm_ask_whole_block(&j, ONE, t->number);
  t->asked = cf_chainside_ask(g, fx, CF_SLOT_TRACE, t->node, cf_wr_out(&wr));
}

static void
from_the_top(cf_gateway_t *g, cf_effects_t *fx, unsigned node) {
  cf_tracing_t *t = &g->evm->tracing;
  t->node         = cf_chainside_ready(g, node);
  t->number       = t->q.number;
  t->hash         = t->q.hash;
  ask_block(g, fx);
}

void
cf_tracing_begin(cf_gateway_t *g, cf_effects_t *fx, cf_effect_t const *e) {
  cf_tracing_t *t = &g->evm->tracing;
  unsigned      n = t->node + 1;
  *t              = (cf_tracing_t){ .id = e->id };
  cf_status_t st  = cf_trace_ask_decode(&t->q, e->body);
  assert(!st);
  (void)st;
  from_the_top(g, fx, n);
}

static void
tell(cf_gateway_t *g, cf_effects_t *fx, cf_traced_t const *said) {
  cf_tracing_t *t   = &g->evm->tracing;
  size_t        max = 256 + said->raw.len;
  cf_wr_t       wr  = cf_wr_init(cf_fx_room(fx, max), max);
  uint64_t      id  = t->id;
  t->id = t->asked = t->round = 0;
  cf_traced_write(&wr, said);
  cf_chainside_answer(g, fx, id, CF_OK, cf_wr_out(&wr));
}

/* Another one; or it is known now, or as well as it can be. */
static void
next_node(cf_gateway_t *g, cf_effects_t *fx) {
  cf_tracing_t *t = &g->evm->tracing;
  unsigned      k = g->cfg.evm.quorum;
  if ((unsigned)__builtin_popcount(t->undone) >= k) tell(g, fx, &(cf_traced_t){ .kind = CF_TRACED_UNDONE });
  else if ((unsigned)__builtin_popcount(t->none) >= k) tell(g, fx, &(cf_traced_t){ .kind = CF_TRACED_NONE });
  else if (++t->tried == TRIES_PER_NODE * g->cfg.evm.nodes) tell(g, fx, &(cf_traced_t){ .kind = CF_TRACED_UNKNOWN });
  else from_the_top(g, fx, t->node + 1);
}

/* Ours by its hash, which any node can say: all are asked what became of it there. */
static void
confirm(cf_gateway_t *g, cf_effects_t *fx, cf_hash_t const *tx) {
  cf_tracing_t *t  = &g->evm->tracing;
  cf_wr_t       wr = cf_wr_init(cf_fx_room(fx, QUESTION_MAX), QUESTION_MAX);
  cf_jw_t       j  = cf_jw_init(&wr);
  cf_evm_ask_receipts(&j, ONE, t->number);
  t->asked = t->without = 0;
  t->tx    = *tx;
  memset(t->answered, 0, sizeof t->answered);
  t->round   = ++g->serial;
  t->waiting = cf_chainside_ask_all(g, fx, t->round, CF_SLOT_TRACE, cf_wr_out(&wr), false);
}

static void
confirmed(cf_gateway_t *g, cf_effects_t *fx) {
  cf_tracing_t   *t    = &g->evm->tracing;
  cf_traced_t     said = { .kind = CF_TRACED_OURS, .tx = t->tx };
  cf_look_t       all;
  cf_look_t const each[CF_EVM_NODES_MAX] = { 0 };
  t->round                               = 0;
  bool ok = !cf_sender_rpc_merge(&all, &said.seen, each, t->seen, t->answered, g->cfg.evm.nodes, g->cfg.evm.quorum, 1) && said.seen.kind >= CF_SEEN_SUCCEEDED;
  if (!ok && (unsigned)__builtin_popcount(t->without) >= g->cfg.evm.quorum) t->bare |= 1u << t->node;
  if (ok && said.seen.block == t->number && cf_hash_eq(&said.seen.block_hash, &t->hash)) tell(g, fx, &said);
  else if ((unsigned)__builtin_popcount(t->bare) >= g->cfg.evm.quorum)
    tell(g, fx, &(cf_traced_t){ .kind = CF_TRACED_BARE, .tx = t->tx, .seen = { .block = t->number, .block_hash = t->hash } });
  else next_node(g, fx);
}

static cf_status_t
read_receipt(cf_gateway_t const *g, unsigned node, cf_event_t const *ev) {
  cf_tracing_t       *t = &g->evm->tracing;
  cf_jsonrpc_answer_t a;
  cf_status_t         st = ev->status || ev->code != 200 ? CF_ERR_IO : cf_jsonrpc_read(&a, 1, ONE, ev->body, NULL);
  if (!st && a.result.type == CF_JSON_BAD) st = CF_ERR_IO;
  return st ? st : cf_sender_rpc_receipt(&t->seen[node], a.result, &t->tx, &g->evm->sender.account);
}

static bool
is_ours(cf_tracing_t const *t, cf_hash_t const *tx) {
  for (size_t i = 0; i < t->q.n; i++)
    if (cf_hash_eq(&t->q.tx[i], tx)) return true;
  return false;
}

/* Signed with our key: what one node shows is enough. */
static bool
is_other(cf_gateway_t const *g, cf_tracing_t const *t, cf_span_t raw, cf_wr_t scratch) {
  cf_evm_signed_t e;
  return raw.len && !cf_evm_tx_decode(&e, raw, scratch) && cf_addr_eq(&e.from, &g->evm->sender.account) && e.tx.nonce == t->q.nonce && !is_ours(t, &e.hash);
}

static cf_status_t
read_block(cf_gateway_t *g, cf_effects_t *fx, unsigned node, cf_event_t const *ev) {
  cf_tracing_t       *t = &g->evm->tracing;
  cf_jsonrpc_answer_t a;
  cf_evm_block_t      b;
  cf_sender_used_t    used;
  if (ev->status || ev->code != 200) return CF_ERR_IO;
  cf_status_t st = cf_jsonrpc_read(&a, 1, ONE, ev->body, NULL);
  if (st || a.result.type == CF_JSON_BAD) return st ? st : CF_ERR_IO;
  st = read_due(&b, a.result, t->number, &t->hash);
  if (st == CF_ERR_AUTH && b.known && t->number == t->q.number) { /* another chain's, perhaps: that is no lie */
    t->undone |= 1u << node;
    return CF_ERR_STALE;
  }
  if (st) return st;
  cf_wr_t wr      = cf_wr_init(cf_fx_room(fx, CF_EVM_TX_MAX), CF_EVM_TX_MAX);
  cf_wr_t scratch = cf_wr_init(cf_fx_room(fx, CF_EVM_TX_MAX), CF_EVM_TX_MAX);
  st              = cf_sender_rpc_used(&used, &wr, scratch, b.transactions, &g->evm->sender.account, t->q.nonce);
  if (st) return st;
  if (used.found && is_ours(t, &used.tx)) confirm(g, fx, &used.tx);
  else if (used.found && is_other(g, t, used.raw, scratch)) tell(g, fx, &(cf_traced_t){ .kind = CF_TRACED_OTHER, .raw = used.raw });
  else if (used.found || used.older || t->number <= t->q.low || t->q.number - t->number >= BLOCKS_MAX) {
    t->none |= 1u << node;
    next_node(g, fx);
  } else {
    t->number--;
    t->hash = b.header.parent;
    ask_block(g, fx);
  }
  return CF_OK;
}

void
cf_tracing_done(cf_gateway_t *g, cf_effects_t *fx, unsigned node, cf_event_t const *ev) {
  cf_tracing_t *t   = &g->evm->tracing;
  bool          all = t->round && (ev->id & (CF_EVM_IDS - 1)) >> 16 == t->round;
  if (!t->id || (!all && ev->id != t->asked)) return;
  cf_status_t st = all ? read_receipt(g, node, ev) : read_block(g, fx, node, ev);
  cf_chainside_ended(g, fx, node, st);
  if (!all) {
    if (st) next_node(g, fx);
    return;
  }
  t->answered[node] = !st;
  if (st == CF_ERR_STALE) t->without |= 1u << node;
  t->waiting &= ~(1u << node);
  if (!t->waiting) confirmed(g, fx);
}
