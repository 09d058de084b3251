/* The nodes of the ledger's chain: the sender's questions, asked of all of them; and what each is worth.  docs/protocol/sender.md
   "Questions"; cf_sender_rpc.h says what answers mean. */
#include "gateway/cf_chainside.h"

#include <assert.h>

enum { LOOK_BODY_MAX = 32768, LOOK_MS = 1000, BUMP_MS = 30000, BUMP_BLOCKS = 3, RESUME_MS = 1000 };
enum { LOOK_WAIT_MS = 1500 }; /* for nodes without which there is a quorum */
#define RESUME_FILE "gateway/resume"
#define CF_CHAIN_RESUME_ID (CF_SENDER_ID_BASE + (1u << 20))
_Static_assert(CF_SENDER_IDS < CF_SLOT_TRACE, "a slot is one byte of an id");

/* Bits 0 to 7 the node, 8 to 15 the question's slot, above them its round: answers to an older one are not heard. */
static uint64_t
id_of(uint64_t round, unsigned slot, unsigned node) {
  return CF_EVM_IDS | round << 16 | (uint64_t)slot << 8 | node;
}

cf_status_t
cf_chainside_init(cf_gateway_t *g, cf_error_t *err) {
  cf_gateway_evm_t const *c = &g->cfg.evm;
  cf_evm_side_t          *x = g->evm;
  cf_evm_quorum_t         q;
  if (cf_evm_quorum_init(&q, c->nodes, c->quorum))
    return cf_error_set(err, CF_ERR_POLICY, "evm.quorum", 0, "%u of %u nodes: more than half must agree", c->quorum, c->nodes);
  cf_sender_config_t const sender = { .chain_id    = g->domain.genesis.ledger.chain_id,
                                      .scalar      = c->scalar,
                                      .chain       = CF_CHAIN_PEER,
                                      .id          = CF_SENDER_ID_BASE,
                                      .budget_wei  = c->budget_wei,
                                      .look_ms     = LOOK_MS,
                                      .bump_ms     = BUMP_MS,
                                      .bump_blocks = BUMP_BLOCKS };
  if (cf_sender_init(&x->sender, &sender)) return cf_error_set(err, CF_ERR_FORMAT, "evm.scalar", 0, "is no key of an account");
  x->state.range     = 2048;
  x->state.good.next = x->state.read.next = c->from_block;
  g->views.want      = c->from_block; /* before it there is no contract, which is nobody's lie */
  return CF_OK;
}

void
cf_chainside_begin(cf_gateway_t *g) {
  cf_sender_fence(&g->evm->sender, g->fence);
  g->evm->begun = g->evm->due = true;
}

bool
cf_chainside_mine(cf_gateway_t const *g, uint64_t id) {
  return g->evm && id >= CF_EVM_IDS;
}

bool
cf_chainside_busy(cf_gateway_t const *g) {
  cf_sender_status_t s = cf_sender_status(&g->evm->sender);
  return s.live || s.queued;
}

uint64_t
cf_chainside_ask(cf_gateway_t *g, cf_effects_t *fx, unsigned slot, unsigned node, cf_span_t body) {
  uint64_t id = id_of(++g->serial, slot, node);
  cf_fx_ask(fx, id, g->cfg.evm.node[node], CF_SPAN_LIT("POST /"), body, CF_NODE_MS);
  return id;
}

void
cf_chainside_ended(cf_gateway_t *g, cf_effects_t *fx, unsigned node, cf_status_t st) {
  cf_evm_node_t      *n   = &g->evm->node[node];
  cf_evm_node_t const was = *n;
  cf_evm_node_ended(n, st, 0, g->now.mono_ms);
  if (n->malformed != was.malformed && !(n->malformed & was.malformed)) /* the 1st, 2nd, 4th ...: it can give one every second */
    cf_gateway_say(g, fx, CF_LINE_WARN, CF_PUBLIC_TEXT("node-malformed"), CF_PUBLIC_TEXT("its answer has not the form of one: it is asked again"), node);
  if (n->lies != was.lies)
    cf_gateway_say(g, fx, CF_LINE_ERROR, CF_PUBLIC_TEXT("node-lied"), CF_PUBLIC_TEXT("what it said does not hold: others are asked"), node);
}

unsigned
cf_chainside_ready(cf_gateway_t const *g, unsigned from) {
  for (unsigned i = 0; i < g->cfg.evm.nodes; i++) {
    unsigned n = (from + i) % g->cfg.evm.nodes;
    if (cf_evm_node_ready(&g->evm->node[n], g->now.mono_ms)) return n;
  }
  return from % g->cfg.evm.nodes; /* all have failed: it is asked all the same */
}

unsigned
cf_chainside_ask_all(cf_gateway_t *g, cf_effects_t *fx, uint64_t round, unsigned slot, cf_span_t body, bool side) {
  unsigned ready = 0, asked = 0;
  for (unsigned i = 0; i < g->cfg.evm.nodes; i++) ready += cf_evm_node_ready(&g->evm->node[i], g->now.mono_ms);
  for (unsigned i = 0; i < g->cfg.evm.nodes; i++) {
    if (ready >= g->cfg.evm.quorum && !cf_evm_node_ready(&g->evm->node[i], g->now.mono_ms)) continue;
    cf_fx_ask(fx, id_of(round, slot, i), g->cfg.evm.node[i], CF_SPAN_LIT("POST /"), body, CF_NODE_MS);
    fx->at[fx->cnt - 1].side = side;
    asked |= 1u << i;
  }
  return asked;
}

/* ---- the sender's questions ---- */

static void
send(cf_gateway_t *g, cf_effects_t *fx, cf_effect_t const *e) {
  unsigned      slot = (unsigned)(e->id - CF_SENDER_ID_BASE);
  cf_sending_t *s    = &g->evm->sending[slot];
  size_t        max  = 2 * e->body.len + 256;
  cf_wr_t       wr   = cf_wr_init(cf_fx_room(fx, max), max);
  cf_sender_rpc_send(&wr, e->body);
  assert(!wr.bad);
  *s         = (cf_sending_t){ .round = ++g->serial, .best = CF_SENT_UNKNOWN };
  s->waiting = cf_chainside_ask_all(g, fx, s->round, slot, cf_wr_out(&wr), true); /* behind the log's files: what it does is published first */
}

static void
ask_part(cf_gateway_t *g, cf_effects_t *fx) {
  cf_looking_t *l  = &g->evm->looking;
  cf_wr_t       wr = cf_wr_init(cf_fx_room(fx, LOOK_BODY_MAX), LOOK_BODY_MAX);
  l->part          = l->n - l->at < CF_SENDER_RPC_TXS ? l->n - l->at : CF_SENDER_RPC_TXS;
  cf_sender_rpc_look(&wr, l->tx + l->at, l->part, &g->evm->sender.account);
  assert(!wr.bad);
  memset(l->answered, 0, sizeof l->answered);
  l->round    = ++g->serial;
  l->asked_ms = g->now.mono_ms;
  l->waiting  = cf_chainside_ask_all(g, fx, l->round, (unsigned)(l->id - CF_SENDER_ID_BASE), cf_wr_out(&wr), false);
}

static void
look(cf_gateway_t *g, cf_effects_t *fx, cf_effect_t const *e) {
  cf_looking_t *l  = &g->evm->looking;
  cf_rd_t       rd = cf_rd_span(e->body);
  l->id            = e->id;
  l->n             = cf_rd_u16(&rd);
  l->at            = 0;
  assert(l->n <= CF_LOOK_MAX);
  for (size_t i = 0; i < l->n; i++) l->tx[i] = cf_rd_hash(&rd);
  assert(cf_rd_done(&rd));
  ask_part(g, fx);
}

/* One step of the sender: its effects are ours, but that what it asks is asked of every node. */
static void
step(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_effects_t *own = &g->evm->effects;
  own->cnt          = 0;
  own->scratch      = fx->scratch + fx->scratch_len;
  own->scratch_max  = fx->scratch_max - fx->scratch_len;
  own->scratch_len  = 0;
  cf_sender_step(&g->evm->sender, own, ev);
  fx->scratch_len += (own->scratch_len + 63) & ~(size_t)63;
  for (size_t i = 0; i < own->cnt; i++) {
    cf_effect_t const *e = &own->at[i];
    if (e->kind != CF_FX_ASK) *cf_fx(fx, e->kind) = *e;
    else if (cf_span_eq(e->name, CF_SPAN_LIT("POST /look"))) look(g, fx, e);
    else if (cf_span_eq(e->name, CF_SPAN_LIT("POST /trace"))) cf_tracing_begin(g, fx, e);
    else send(g, fx, e);
  }
}

void
cf_chainside_answer(cf_gateway_t *g, cf_effects_t *fx, uint64_t id, cf_status_t st, cf_span_t body) {
  cf_event_t const ev = { .kind = CF_EV_DONE, .now = g->now, .id = id, .status = st, .code = st ? 0 : 200, .body = body };
  step(g, fx, &ev);
}

static void
on_sent(cf_gateway_t *g, cf_effects_t *fx, unsigned slot, unsigned node, cf_event_t const *ev) {
  cf_sending_t *s  = &g->evm->sending[slot];
  bool          ok = !ev->status && ev->code == 200;
  s->waiting &= ~(1u << node);
  s->best = cf_sender_rpc_best(s->best, ok ? cf_sender_rpc_sent(ev->body) : CF_SENT_UNKNOWN);
  if (!ok) cf_chainside_ended(g, fx, node, CF_ERR_IO);
  if (s->waiting) return;
  s->round             = 0;
  uint8_t const what   = (uint8_t)s->best;
  cf_chainside_answer(g, fx, CF_SENDER_ID_BASE + slot, CF_OK, CF_SPAN(&what, 1));
}

/* A part is later than the one before it: what got into a block above that of the first is not said yet. */
static void
as_of(cf_looking_t *l) {
  for (size_t i = l->at; i < l->at + l->part; i++) {
    bool mined = l->merged[i].kind == CF_SEEN_SUCCEEDED || l->merged[i].kind == CF_SEEN_REVERTED;
    if (mined && l->merged[i].block > l->first.number) l->merged[i] = (cf_seen_t){ .kind = CF_SEEN_UNKNOWN };
  }
}

static void
look_ends(cf_gateway_t *g, cf_effects_t *fx, cf_status_t st) {
  cf_looking_t *l   = &g->evm->looking;
  size_t        max = 64 + l->n * (1 + 8 + 32 + 8 + 8);
  cf_wr_t       wr  = cf_wr_init(cf_fx_room(fx, max), max);
  l->round          = 0;
  l->first.n        = l->n;
  if (!st) cf_look_write(&wr, &l->first, l->merged);
  cf_chainside_answer(g, fx, l->id, st, st ? CF_SPAN(NULL, 0) : cf_wr_out(&wr));
}

/* What those who answered say of this part, taken together. */
static void
looked(cf_gateway_t *g, cf_effects_t *fx) {
  cf_looking_t *l = &g->evm->looking;
  cf_look_t     all;
  cf_seen_t     seen[CF_EVM_NODES_MAX * CF_SENDER_RPC_TXS];
  for (unsigned i = 0; i < g->cfg.evm.nodes; i++) memcpy(seen + i * l->part, l->seen[i], l->part * sizeof *seen);
  cf_status_t st = cf_sender_rpc_merge(&all, l->merged + l->at, l->look, seen, l->answered, g->cfg.evm.nodes, g->cfg.evm.quorum, l->part);
  if (st) {
    look_ends(g, fx, st);
    return;
  }
  if (l->at == 0) l->first = all;
  as_of(l);
  l->at += l->part;
  if (l->at < l->n) ask_part(g, fx);
  else look_ends(g, fx, CF_OK);
}

static void
on_looked(cf_gateway_t *g, cf_effects_t *fx, unsigned node, cf_event_t const *ev) {
  cf_looking_t *l   = &g->evm->looking;
  cf_status_t   st  = ev->status || ev->code != 200 ? CF_ERR_IO : CF_OK;
  if (!st) st = cf_sender_rpc_seen(&l->look[node], l->seen[node], ev->body, l->tx + l->at, l->part, &g->evm->sender.account, NULL);
  cf_chainside_ended(g, fx, node, st);
  l->answered[node] = !st;
  l->waiting &= ~(1u << node);
  if (!l->waiting) looked(g, fx);
}

/* A quorum has answered, and the others let it wait. */
static void
look_goes_on(cf_gateway_t *g, cf_effects_t *fx) {
  cf_looking_t *l   = &g->evm->looking;
  unsigned      cnt = 0;
  for (unsigned i = 0; i < g->cfg.evm.nodes; i++) cnt += l->answered[i];
  if (!l->round || cnt < g->cfg.evm.quorum || g->now.mono_ms - l->asked_ms < LOOK_WAIT_MS) return;
  for (unsigned i = 0; i < g->cfg.evm.nodes; i++)
    if (l->waiting >> i & 1) cf_chainside_ended(g, fx, i, CF_ERR_IO);
  looked(g, fx);
}

/* The operator says which halt he mended; another one stays. */
static void
on_resume(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_evm_side_t *x    = g->evm;
  char const    *name = cf_sender_halt_name(x->sender.halt);
  cf_span_t      said = ev->body;
  x->resuming         = false;
  if (ev->status || ev->code != 200 || !x->sender.halt) return;
  while (said.len && said.ptr[said.len - 1] <= ' ') said.len--;
  bool mended = cf_span_eq(said, CF_SPAN(name, strlen(name))) && !cf_sender_resume(&x->sender, x->sender.halt);
  if (mended) cf_gateway_say(g, fx, CF_LINE_WARN, CF_PUBLIC_TEXT("sender-resumed"), CF_PUBLIC_TEXT("by the operator"), 0);
  else cf_gateway_say(g, fx, CF_LINE_WARN, CF_PUBLIC_TEXT("resume"), CF_PUBLIC_TEXT("the sender is halted for another reason, or for good"), 0);
  cf_fx(fx, CF_FX_REMOVE)->name = CF_SPAN_LIT(RESUME_FILE);
  x->due                        = true;
}

void
cf_chainside_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  if (cf_sender_mine(&g->evm->sender, ev->id)) { /* its own scans */
    step(g, fx, ev);
    return;
  }
  if (ev->id == CF_CHAIN_RESUME_ID) {
    on_resume(g, fx, ev);
    return;
  }
  unsigned node = ev->id & 0xff, slot = ev->id >> 8 & 0xff;
  uint64_t round = (ev->id & (CF_EVM_IDS - 1)) >> 16;
  if (node >= g->cfg.evm.nodes) return;
  if (slot == CF_SLOT_STATE) cf_views_evm_done(g, fx, ev);
  else if (slot == CF_SLOT_ANCESTRY) cf_ancestry_done(g, fx, node, ev);
  else if (slot == CF_SLOT_TRACE) cf_tracing_done(g, fx, node, ev);
  else if (slot == g->evm->looking.id - CF_SENDER_ID_BASE && round == g->evm->looking.round) on_looked(g, fx, node, ev);
  else if (slot < CF_SENDER_IDS && round == g->evm->sending[slot].round) on_sent(g, fx, slot, node, ev);
}

/* What the settler gave it and what became final is acted on in the same step. */
void
cf_chainside_go(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_evm_side_t *x = g->evm;
  if (!x->begun || (!x->due && ev->kind != CF_EV_TICK)) return;
  bool start = x->due && !x->sender.ready && !x->started;
  x->due     = false;
  if (start) {
    x->started = true;
    step(g, fx, &(cf_event_t){ .kind = CF_EV_START, .now = g->now });
    return;
  }
  if (x->sender.halt && x->running) cf_fx(fx, CF_FX_REMOVE)->name = CF_SPAN_LIT(RESUME_FILE); /* what stands there is of another time */
  x->running = x->sender.ready && !x->sender.halt;
  if (x->sender.halt && !x->resuming && g->now.mono_ms >= x->resume_at_ms) {
    x->resuming     = true;
    x->resume_at_ms = g->now.mono_ms + RESUME_MS;
    cf_fx_get(fx, CF_CHAIN_RESUME_ID, CF_SPAN_LIT(RESUME_FILE));
  }
  look_goes_on(g, fx);
  step(g, fx, &(cf_event_t){ .kind = CF_EV_TICK, .now = g->now });
}
