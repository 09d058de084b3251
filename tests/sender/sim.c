/* The sender's core against a model of a chain, under faults drawn from a seed: reorganisations down to the final block and below
   it, lost, late and repeated messages, pools that drop, endpoints that lie or lag, somebody else with the same key, and the
   process ended before any of its effects.  docs/protocol/sender.md "What must hold".

     sender-sim [--seeds N] [--from N] [--seed N] [--first] [-v]        last line: "sender: N seeds, V violations" */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/cf_sender.h"
#include "model.h"
#include "rows.h"

enum { CALLS_MAX = 24, ASKS_MAX = 512, LOOK_MS = 1000, SCRATCH = 1 << 20, CALM_STEPS = 6000 };

/* ---- one run ---- */

typedef struct {
  uint64_t at_ms, answer_ms;
  unsigned life;
  uint64_t id;
  bool     done, sent, lost_way, lost_answer, again;
  bool     look, trace;
  size_t   len;
  uint8_t *body;
} ask_t;

/* What a run does to the sender. */
typedef struct {
  unsigned crash, reorg, drop, lose, repeat, lag, lie, others; /* percent */
  bool     wild;                                               /* a quorum lies */
  bool     tight;                                              /* the budget is soon used */
  bool     poor_cap;                                           /* caps are soon too low */
  bool     breaks;                                             /* finality is broken once */
  bool     shared;                                             /* the key is used elsewhere once */
  bool     forgets;                                            /* nodes lose by its hash what is in a block */
} faults_t;

typedef struct {
  cf_hash_t   ref;
  bool        dropped;
  unsigned    number;
  call_kind_t kind;
} plan_t;

typedef struct {
  uint64_t     seed;
  bool         verbose, calm, broke, used, must_halt; /* calm: the faults have ended; broke, used: those two have happened */
  unsigned     violations;
  char         what[256];
  faults_t     faults;
  chain_t      chain;
  uint64_t     clock_ms, life_ms, mine_at_ms;
  unsigned     life;
  cf_sender_t *s;
  cf_addr_t    account;
  cf_sender_config_t cfg;
  rows_t             rows;
  ask_t              ask[ASKS_MAX];
  size_t             asks;
  unsigned           pays, settles;
  plan_t             pay[CALLS_MAX];
  int                crash_in;         /* effects left */
  int                seen_tx[TXS_MAX]; /* sent at least once */
  bool               lost_tx[TXS_MAX]; /* found by its hash no more */
  bool               bare_tx[TXS_MAX]; /* ... and its receipt is nowhere */
  uint8_t            foreign_raw[512];
  size_t             foreign_len;
  cf_wei_t           cap;
  unsigned           alarms, crashes, resumed;
  unsigned           mined_cnt[CF_SENDER_SLOTS]; /* attempts of a slot when it was seen in a block; 0: it is in none */
  cf_effects_t       fx;
  uint8_t            scratch[SCRATCH];
} run_t;

static uint8_t const key[32] = {[3] = 9, [31] = 77};

__attribute__((format(printf, 2, 3))) static void violated(run_t *r, char const *fmt, ...) {
  if (r->violations++) return;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(r->what, sizeof r->what, fmt, ap);
  va_end(ap);
}

static bool drawn(run_t *r, unsigned percent) { return !r->calm && chance(&r->chain, percent); }

/* ---- what must hold of what is sent ---- */

static cf_wei_t worst_of(tx_t const *t) { return cf_fees_worst((cf_fees_t){t->tip, t->fee}, t->gas); }

/* All that the account paid and may yet pay; in a run of one day, for it the clock of the chain is turned on only when all is
 * calm. */
static cf_wei_t committed(run_t *r) {
  chain_t *c = &r->chain;
  cf_wei_t all = 0, most[512] = {0};
  for (int i = 0; i < c->txs; i++) {
    uint64_t n = c->tx[i].nonce - FIRST_NONCE;
    assert(n < 512);
    if (r->seen_tx[i] && worst_of(&c->tx[i]) > most[n]) most[n] = worst_of(&c->tx[i]);
  }
  for (int b = c->final; b >= 0; b = c->block[b].parent)
    for (unsigned i = 0; i < c->block[b].txs; i++)
      most[c->tx[c->block[b].at[i].tx].nonce - FIRST_NONCE] =
          c->tx[c->block[b].at[i].tx].foreign ? 0 : (cf_wei_t)c->block[b].at[i].gas_used * c->block[b].at[i].price;
  for (size_t n = 0; n < 512; n++) all += most[n];
  return all;
}

static void check_new(run_t *r, int tx) {
  chain_t    *c = &r->chain;
  tx_t const *t = &c->tx[tx];
  if (worst_of(t) > r->cap) violated(r, "nonce %lu: a transaction above its cap", t->nonce);
  for (int i = 0; i < c->txs; i++) {
    tx_t const *o = &c->tx[i];
    if (i == tx || !r->seen_tx[i] || o->foreign) continue;
    if (o->nonce == t->nonce) {
      if (t->kind != CANCEL && o->kind != CANCEL && (o->kind != t->kind || o->number != t->number))
        violated(r, "nonce %lu: two calls", t->nonce);
      if (t->fee < o->fee + (o->fee + 9) / 10 || t->tip < o->tip + (o->tip + 9) / 10)
        violated(r, "nonce %lu: a replacement below a tenth", t->nonce);
    } else if (t->kind != CANCEL && o->kind == t->kind && o->number == t->number && !r->faults.wild && !r->broke) {
      int at, b = chain_find(c, c->final, i, &at);
      if (c->block[c->final].nonce <= o->nonce)
        violated(r, "call %d/%u: nonce %lu while %lu is open", t->kind, t->number, t->nonce, o->nonce);
      else if (b >= 0 && c->block[b].at[at].success)
        violated(r, "call %d/%u: sent again after it was executed", t->kind, t->number);
    }
  }
  if (!r->calm && !r->faults.wild && !r->broke && committed(r) > r->cfg.budget_wei) violated(r, "the budget is exceeded");
}

static int sent(run_t *r, cf_span_t raw) {
  int tx = chain_tx(&r->chain, raw);
  if (tx < 0) {
    violated(r, "what was sent is no transaction of the account");
    return -1;
  }
  if (!r->seen_tx[tx]) {
    r->seen_tx[tx] = 1;
    check_new(r, tx);
  }
  return tx;
}

/* ---- endpoints ---- */

static void answer(run_t *r, ask_t const *a, cf_span_t body) {
  static cf_effects_t fx;
  cf_event_t ev = {.kind = CF_EV_DONE, .id = a->id, .code = 200, .body = body, .now = {r->clock_ms - r->life_ms, r->clock_ms}};
  if (a->life != r->life) return;
  if (a->lost_answer) ev.status = CF_ERR_IO, ev.code = 0;
  extern void run_step(run_t *, cf_event_t const *, cf_effects_t *);
  run_step(r, &ev, &fx);
}

static void serve_send(run_t *r, ask_t *a) {
  chain_t  *c = &r->chain;
  cf_sent_t best = CF_SENT_UNKNOWN;
  int       tx = chain_tx(c, CF_SPAN(a->body, a->len));
  for (int n = 0; n < NODES && tx >= 0 && !a->lost_way; n++) {
    if (drawn(r, r->faults.lose)) continue;
    cf_sent_t got = chain_offer(c, n, tx);
    if (got < best) best = got;
  }
  if (drawn(r, r->faults.lie)) best = (cf_sent_t)draw(c, CF_SENTS);
  uint8_t byte = (uint8_t)best;
  a->sent = true;
  a->len = 1;
  a->body[0] = byte;
}

static cf_seen_t lie_about(run_t *r) {
  chain_t  *c = &r->chain;
  cf_seen_t s = {.kind = (cf_seen_kind_t)draw(c, CF_SEENS)};
  int       b = (int)draw(c, (uint64_t)c->blocks);
  if (s.kind >= CF_SEEN_SUCCEEDED) {
    s.block = c->block[b].number;
    s.block_hash = c->block[b].hash;
    s.gas_used = draw(c, 30000);
    s.price_wei = draw(c, 2000);
  }
  return s;
}

static bool same_seen(cf_seen_t const *a, cf_seen_t const *b) {
  return a->kind == b->kind &&
         (a->kind < CF_SEEN_SUCCEEDED || (a->block == b->block && cf_hash_eq(&a->block_hash, &b->block_hash)));
}

/* Three endpoints, of which one may lie or lag: what two say is the answer. */
static void serve_look(run_t *r, ask_t *a) {
  chain_t         *c = &r->chain;
  bool             wild = r->faults.wild && drawn(r, 25);
  int              liar = drawn(r, r->faults.lie) ? (int)draw(c, NODES) : -1;
  int              slow = drawn(r, r->faults.lag) ? (int)draw(c, NODES) : -1;
  int              behind = slow < 0 ? c->tip : chain_ancestor(c, c->tip, c->block[c->tip].number - draw(c, 4));
  static cf_seen_t seen[1024];
  cf_look_t look = {.number = c->block[c->tip].number, .nonce = c->block[c->tip].nonce, .fees = {c->base, 10 + draw(c, 50)}};
  cf_rd_t   rd = cf_rd_init(a->body, a->len);
  look.n = cf_rd_u16(&rd);
  if (liar >= 0) look.fees = (cf_fee_hint_t){draw(c, 2) ? draw(c, 100) : draw(c, UINT64_MAX), draw(c, 1000000)};
  for (size_t i = 0; i < look.n; i++) {
    cf_hash_t hash = cf_rd_hash(&rd);
    cf_seen_t by[NODES];
    seen[i] = (cf_seen_t){.kind = CF_SEEN_UNKNOWN};
    int tx = chain_by_hash(c, &hash);
    for (int n = 0; n < NODES; n++) by[n] = n == liar ? lie_about(r) : chain_seen(c, n, n == slow ? behind : c->tip, &hash);
    for (int n = 0; n < NODES && tx >= 0 && r->lost_tx[tx]; n++) by[n] = (cf_seen_t){.kind = CF_SEEN_ABSENT};
    bool pool = false;
    for (int n = 0; n < NODES; n++) {
      for (int m = 0; m < n; m++)
        if (same_seen(&by[n], &by[m])) seen[i] = by[n == liar ? m : n];
      pool |= by[n].kind == CF_SEEN_POOL && n != liar;
    }
    if (seen[i].kind == CF_SEEN_ABSENT && pool) seen[i].kind = CF_SEEN_POOL; /* one pool is enough */
    if (wild) seen[i] = lie_about(r);
  }
  if (wild && chance(c, 30)) look.number = draw(c, 2000), look.nonce = draw(c, 40);
  cf_wr_t wr = cf_wr_init(malloc(65536 * 2), 65536 * 2);
  cf_look_write(&wr, &look, seen);
  assert(!wr.bad);
  free(a->body);
  a->body = wr.buf;
  a->len = wr.len;
  a->sent = true;
  if (drawn(r, r->faults.lie / 4)) a->len = draw(c, a->len + 1);
}

/* What two of three endpoints show of the blocks below a final one. */
static cf_traced_t trace(run_t *r, cf_trace_ask_t const *q) {
  chain_t    *c = &r->chain;
  cf_traced_t t = {.kind = CF_TRACED_NONE};
  int         b = chain_ancestor(c, c->tip, q->number);
  if (c->block[c->tip].number < q->number) return (cf_traced_t){.kind = CF_TRACED_UNKNOWN};
  if (b < 0 || !cf_hash_eq(&c->block[b].hash, &q->hash)) return (cf_traced_t){.kind = CF_TRACED_UNDONE};
  for (; b >= 0 && c->block[b].number >= q->low; b = c->block[b].parent)
    for (unsigned i = 0; i < c->block[b].txs; i++) {
      tx_t const *tx = &c->tx[c->block[b].at[i].tx];
      if (tx->nonce != q->nonce) continue;
      t.kind = CF_TRACED_OTHER;
      t.raw = CF_SPAN(r->foreign_raw, r->foreign_len);
      for (size_t k = 0; k < q->n; k++)
        if (cf_hash_eq(&q->tx[k], &tx->hash)) t.kind = r->bare_tx[c->block[b].at[i].tx] ? CF_TRACED_BARE : CF_TRACED_OURS;
      t.tx = tx->hash;
      t.seen = (cf_seen_t){.kind = c->block[b].at[i].success ? CF_SEEN_SUCCEEDED : CF_SEEN_REVERTED,
                           .block = c->block[b].number,
                           .block_hash = c->block[b].hash,
                           .gas_used = c->block[b].at[i].gas_used,
                           .price_wei = c->block[b].at[i].price};
      return t;
    }
  return t;
}

static void serve_trace(run_t *r, ask_t *a) {
  static uint8_t const another[32] = {[31] = 78};
  chain_t       *c = &r->chain;
  cf_trace_ask_t q;
  cf_traced_t    t;
  uint8_t        made_up[512], sig[64];
  cf_hash_t      hash;
  cf_wr_t        made = cf_wr_init(made_up, sizeof made_up);
  if (cf_trace_ask_decode(&q, CF_SPAN(a->body, a->len))) violated(r, "a trace that cannot be read");
  cf_evm_tx_t tx = {.chain_id = r->cfg.chain_id, .nonce = q.nonce, .fee_wei = 1, .gas = 21000};
  if (cf_evm_tx_sign(&made, sig, &hash, &tx, another)) abort();
  t = trace(r, &q);
  if (drawn(r, r->faults.lag / 2)) t.kind = CF_TRACED_UNKNOWN;
  if (drawn(r, r->faults.lie / 4)) { /* one is enough for this, if it could make it up */
    if (t.kind != CF_TRACED_OTHER) t.raw = cf_wr_out(&made);
    t.kind = CF_TRACED_OTHER;
  }
  if (r->faults.wild && drawn(r, 25)) {
    t.kind = (cf_traced_kind_t)draw(c, CF_TRACEDS);
    if (t.kind == CF_TRACED_OURS && q.n) t.tx = q.tx[draw(c, q.n)];
    t.seen = lie_about(r);
    if (t.seen.kind < CF_SEEN_SUCCEEDED) t.seen.kind = CF_SEEN_REVERTED;
    if (t.kind == CF_TRACED_OTHER && !r->used) t.raw = cf_wr_out(&made);
  }
  cf_wr_t wr = cf_wr_init(malloc(1024), 1024);
  cf_traced_write(&wr, &t);
  assert(!wr.bad);
  free(a->body);
  a->body = wr.buf;
  a->len = wr.len;
  a->sent = true;
}

static void deliver(run_t *r) {
  for (size_t i = 0; i < r->asks; i++) {
    ask_t *a = &r->ask[i];
    if (!a->sent && r->clock_ms >= a->at_ms) {
      if (a->again && !a->look && !a->trace) { /* the bytes come once more, late */
        assert(r->asks < ASKS_MAX);
        ask_t *late = &r->ask[r->asks++];
        *late = *a;
        late->again = false;
        late->life = 0;
        late->at_ms = r->clock_ms + draw(&r->chain, 60000);
        late->body = malloc(a->len + 1);
        memcpy(late->body, a->body, a->len);
      }
      if (a->look) serve_look(r, a);
      else if (a->trace) serve_trace(r, a);
      else serve_send(r, a);
      a->answer_ms += r->clock_ms;
    }
    if (!a->sent || r->clock_ms < a->answer_ms) continue;
    ask_t done = *a;
    *a = r->ask[--r->asks];
    i--;
    answer(r, &done, CF_SPAN(done.body, done.len));
    free(done.body);
  }
}

/* ---- the process ---- */

static void ask(run_t *r, cf_effect_t const *e) {
  chain_t *c = &r->chain;
  assert(r->asks < ASKS_MAX);
  ask_t *a = &r->ask[r->asks++];
  *a = (ask_t){.id = e->id, .life = r->life, .len = e->body.len, .body = malloc(e->body.len + 1)};
  memcpy(a->body, e->body.ptr, e->body.len);
  a->look = cf_span_eq(e->name, CF_SPAN_LIT("POST /look"));
  a->trace = cf_span_eq(e->name, CF_SPAN_LIT("POST /trace"));
  a->at_ms = r->clock_ms + draw(c, r->calm ? 20 : 400);
  a->answer_ms = draw(c, r->calm ? 20 : 2500);
  a->lost_way = drawn(r, r->faults.lose);
  a->lost_answer = a->lost_way || drawn(r, r->faults.lose);
  a->again = drawn(r, r->faults.repeat);
  if (a->look || a->trace) return;
  if (!rows_have_tx(&r->rows, e->body)) violated(r, "sent before it was durable");
  (void)sent(r, e->body);
}

static void start(run_t *r);

/* false: the process ended. */
static bool perform(run_t *r, cf_effects_t const *fx) {
  for (size_t i = 0; i < fx->cnt; i++) {
    cf_effect_t const *e = &fx->at[i];
    if (r->crash_in > 0 && --r->crash_in == 0 && !r->calm) {
      r->crashes++;
      start(r);
      return false;
    }
    switch (e->kind) {
    case CF_FX_STORE:
      if (!rows_commit(&r->rows, e->body)) violated(r, "a STORE that cannot be read");
      break;
    case CF_FX_ASK:
      ask(r, e);
      break;
    case CF_FX_LOG:
      r->alarms++;
      break;
    case CF_FX_WAKE:
    case CF_FX_SCAN:
      break;
    case CF_FX_PUT:
    case CF_FX_APPEND:
    case CF_FX_REMOVE:
    case CF_FX_GET:
    case CF_FX_LIST:
    case CF_FX_REPLY:
    case CF_FX_EXIT:
      violated(r, "an effect that is none of its own");
      break;
    }
  }
  return true;
}

static void check_results(run_t *r) {
  chain_t *c = &r->chain;
  if (r->faults.wild || r->broke) return;
  for (size_t i = 0; i < r->s->results; i++) {
    cf_sender_result_t const *q = &r->s->result[i];
    if (q->outcome == CF_SENDER_LOST) {
      if (!r->used) violated(r, "nonce %lu was given up", q->nonce);
      continue;
    }
    int at, tx = chain_by_hash(c, &q->tx), b = tx < 0 ? -1 : chain_find(c, c->final, tx, &at);
    if (b < 0 || c->block[b].number > r->s->final_number) {
      violated(r, "nonce %lu was believed final and is not", q->nonce);
      continue;
    }
    cf_sender_outcome_t want = c->tx[tx].kind == CANCEL     ? CF_SENDER_CANCELLED
                               : c->block[b].at[at].success ? CF_SENDER_EXECUTED
                                                            : CF_SENDER_REVERTED;
    cf_wei_t fee    = (cf_wei_t)c->block[b].at[at].gas_used * c->block[b].at[at].price;
    bool     untold = r->bare_tx[tx] && q->outcome == CF_SENDER_UNTOLD && want != CF_SENDER_CANCELLED;
    if (want != q->outcome && !untold) violated(r, "nonce %lu: outcome %d, not %d", q->nonce, q->outcome, want);
    if (q->fee_wei < fee || (q->fee_wei != fee && !r->bare_tx[tx])) violated(r, "nonce %lu: not the fee that was paid", q->nonce);
  }
}

static void check_slots(run_t *r) {
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
    cf_sender_slot_t const *t = &r->s->slot[i];
    unsigned                n = t->state == CF_SENDER_MINED || t->state == CF_SENDER_FINAL ? t->at_cnt : 0;
    if (n && r->mined_cnt[i] && n > r->mined_cnt[i]) violated(r, "nonce %lu: signed again while it is in a block", t->nonce);
    r->mined_cnt[i] = n;
  }
  cf_sender_status_t st = cf_sender_status(r->s);
  if (r->s->ready && !r->calm && !r->resumed /* what is followed again is reserved again */ &&
      st.spent_wei + st.reserved_wei > r->cfg.budget_wei)
    violated(r, "its own account of the budget is exceeded: %lu and %lu of %lu", (unsigned long)st.spent_wei,
             (unsigned long)st.reserved_wei, (unsigned long)r->cfg.budget_wei);
}

void run_step(run_t *r, cf_event_t const *ev, cf_effects_t *fx);
void run_step(run_t *r, cf_event_t const *ev, cf_effects_t *fx) {
  fx->cnt = 0;
  fx->scratch = r->scratch;
  fx->scratch_max = sizeof r->scratch;
  fx->scratch_len = 0;
  cf_sender_step(r->s, fx, ev);
  if (!perform(r, fx)) return;
  check_slots(r);
  check_results(r);
}

static void scan(run_t *r, uint8_t kind, uint64_t id) {
  static uint8_t      body[4 << 20];
  static cf_effects_t fx;
  cf_wr_t             wr = cf_wr_init(body, sizeof body);
  rows_scan(&r->rows, &wr, (cf_store_kind_t)kind);
  cf_event_t ev = {
      .kind = CF_EV_DONE, .id = id, .code = 200, .body = cf_wr_out(&wr), .now = {r->clock_ms - r->life_ms, r->clock_ms}};
  run_step(r, &ev, &fx);
}

static void start(run_t *r) {
  static cf_effects_t fx;
  cf_event_t          ev = {.kind = CF_EV_START};
  r->life++;
  r->life_ms = r->clock_ms - draw(&r->chain, 3);
  r->crash_in = 0;
  memset(r->mined_cnt, 0, sizeof r->mined_cnt);
  if (cf_sender_init(r->s, &r->cfg)) abort();
  ev.now = (cf_now_t){r->clock_ms - r->life_ms, r->clock_ms};
  run_step(r, &ev, &fx);
  scan(r, CF_STORE_META, r->cfg.id);
  scan(r, CF_STORE_TX, r->cfg.id + 1);
  scan(r, CF_STORE_FEE, r->cfg.id + 2);
  if (!r->s->ready) violated(r, "it does not start from its store");
  if (r->s->halt == CF_SENDER_HALT_STORE) violated(r, "it does not believe its own store");
  if (drawn(r, r->faults.crash)) r->crash_in = 1 + (int)draw(&r->chain, 60);
}

/* ---- whoever stands above it ---- */

static cf_hash_t ref_of(call_kind_t kind, unsigned number) {
  cf_hash_t h = {{(uint8_t)kind, (uint8_t)number, 0xcf}};
  return h;
}

static void submit(run_t *r, call_kind_t kind, unsigned number) {
  uint8_t          data[2] = {(uint8_t)kind, (uint8_t)number};
  cf_sender_call_t call = {.ref = ref_of(kind, number),
                           .to = {{1, 2, 3}},
                           .data = CF_SPAN_OF(data),
                           .gas = kind == SETTLE ? 60000 : 40000,
                           .cap_wei = r->cap};
  if (kind == SETTLE) call.judged = r->s->final_number;
  cf_status_t st = cf_sender_submit(r->s, &call); /* pushed back, halted or starting: it comes again */
  (void)st;
}

static unsigned final_head(run_t *r) {
  chain_t *c = &r->chain; /* as the sender's final block has it: both are fed by one observer */
  return r->s->has_final ? c->block[chain_ancestor(c, c->final, r->s->final_number)].head : 0;
}

static bool settle(run_t *r) {
  unsigned head = final_head(r);
  bool     done = head >= r->settles;
  if (!r->s->has_final) return false;
  for (unsigned k = 0; k < r->settles; k++) {
    cf_hash_t ref = ref_of(SETTLE, k);
    if (k < head) cf_sender_drop(r->s, &ref);
    else if (k < head + 4) submit(r, SETTLE, k);
  }
  for (unsigned k = 0; k < r->pays; k++) {
    plan_t          *p = &r->pay[k];
    cf_sender_info_t info;
    bool             known = cf_sender_find(r->s, &info, &p->ref);
    if (!p->dropped && drawn(r, 1) && chance(&r->chain, 10)) {
      p->dropped = true;
      cf_sender_drop(r->s, &p->ref);
    }
    if (p->dropped || (known && info.state == CF_SENDER_FINAL && (info.outcome == CF_SENDER_EXECUTED || info.outcome == CF_SENDER_UNTOLD))) continue;
    done = false;
    if (r->calm || chance(&r->chain, 20)) submit(r, PAY, k);
  }
  cf_sender_status_t st = cf_sender_status(r->s);
  return done && !st.live && !st.queued;
}

static void feed_final(run_t *r) {
  chain_t          *c = &r->chain;
  block_t          *f = &c->block[c->final];
  int               since = chain_ancestor(c, c->final, r->s->final_number);
  cf_sender_final_t fin = {
      .number = f->number, .hash = f->hash, .time_s = f->time_s, .nonce = f->nonce, .since_number = r->s->final_number};
  if (since >= 0) fin.since_hash = c->block[since].hash;
  cf_sender_final(r->s, &fin);
}

/* Each final block's payments: none twice. */
static void check_chain(run_t *r) {
  chain_t *c = &r->chain;
  unsigned paid[CALLS_MAX] = {0};
  for (int b = c->tip; b >= 0; b = c->block[b].parent)
    for (unsigned i = 0; i < c->block[b].txs; i++) {
      tx_t const *t = &c->tx[c->block[b].at[i].tx];
      if (t->kind == PAY && c->block[b].at[i].success && !t->foreign && ++paid[t->number] > 1)
        violated(r, "payment %u was made twice", t->number);
    }
}

/* ---- faults ---- */

static void use_elsewhere(run_t *r) {
  chain_t *c = &r->chain;
  tx_t    *t = &c->tx[c->txs];
  block_t *b = &c->block[c->blocks], *p = &c->block[c->tip];
  cf_evm_tx_t tx = {.chain_id = r->cfg.chain_id, .nonce = p->nonce, .tip_wei = 1, .fee_wei = 10000000, .gas = 21000, .to = {{7}}};
  cf_wr_t     wr = cf_wr_init(r->foreign_raw, sizeof r->foreign_raw);
  uint8_t     sig[64];
  *t = (tx_t){.nonce = p->nonce, .tip = 1, .fee = 10000000, .gas = 21000, .kind = CANCEL, .foreign = true};
  if (cf_evm_tx_sign(&wr, sig, &t->hash, &tx, key)) abort();
  r->foreign_len = wr.len;
  *b = (block_t){.parent = c->tip,
                 .number = p->number + 1,
                 .time_s = p->time_s + 12,
                 .base = c->base,
                 .nonce = p->nonce + 1,
                 .head = p->head,
                 .txs = 1};
  b->hash = cf_sha256(CF_SPAN(t->hash.b, 31));
  b->at[0].tx = c->txs++;
  b->at[0].success = true;
  b->at[0].gas_used = 21000;
  b->at[0].price = c->base;
  c->tip = c->blocks++;
}

static void break_finality(run_t *r) {
  chain_t *c = &r->chain;
  uint64_t down = c->block[c->tip].number - c->block[c->final].number, floor = c->block[c->final].number - 100;
  if (!floor) return;
  c->final = chain_ancestor(c, c->tip, c->block[c->final].number - 1 - draw(c, floor < 12 ? floor : 12));
  chain_reorg(c, (unsigned)(down + 1 + draw(c, floor < 6 ? floor : 6)));
  if (c->block[c->final].number > c->block[c->tip].number || chain_ancestor(c, c->tip, c->block[c->final].number) != c->final)
    c->final = chain_ancestor(c, c->tip, 100);
  r->broke = true;
  int known = chain_ancestor(c, c->tip, r->s->final_number);
  r->must_halt |= r->s->has_final && (known < 0 || !cf_hash_eq(&c->block[known].hash, &r->s->final_hash));
}

static void disturb(run_t *r) {
  chain_t  *c = &r->chain;
  faults_t *f = &r->faults;
  unsigned  deep = (unsigned)(c->block[c->tip].number - c->block[c->final].number);
  if (drawn(r, f->reorg) && deep) chain_reorg(c, 1 + (unsigned)draw(c, deep));
  if (drawn(r, f->drop)) chain_drop(c, (int)draw(c, NODES));
  if (drawn(r, f->drop / 4)) /* a node forgets all */
    for (int n = 0; n < NODES; n++)
      while (c->pooled[n]) chain_drop(c, n);
  if (!r->crash_in && drawn(r, f->crash)) r->crash_in = 1 + (int)draw(c, 40);
  if (f->forgets && c->txs) {
    uint64_t tx = draw(c, (uint64_t)c->txs);
    r->lost_tx[tx] |= drawn(r, 5); /* for ever */
    r->bare_tx[tx] = r->lost_tx[tx] && tx % 3 == 0;
  }
}

static void mine(run_t *r) {
  chain_t *c = &r->chain;
  if (r->clock_ms < r->mine_at_ms || c->blocks > BLOCKS_MAX - 200) return;
  r->mine_at_ms = r->clock_ms + 500 + draw(c, 2500);
  chain_mine(c, !r->calm && c->block[c->tip].head < r->settles ? r->faults.others : 0);
  chain_finalize(c);
  check_chain(r);
}

static void draw_faults(run_t *r) {
  chain_t *c = &r->chain;
  faults_t f = {.reorg = (unsigned)draw(c, 12),
                .lose = (unsigned)draw(c, 30),
                .drop = (unsigned)draw(c, 15),
                .repeat = (unsigned)draw(c, 30),
                .lag = (unsigned)draw(c, 60)};
  f.crash = chance(c, 60) ? 1 + (unsigned)draw(c, 20) : 0;
  f.lie = chance(c, 40) ? (unsigned)draw(c, 60) : 0;
  f.others = chance(c, 40) ? (unsigned)draw(c, 40) : 0;
  f.tight = chance(c, 25);
  f.poor_cap = chance(c, 25);
  f.forgets = chance(c, 25);
  switch (draw(c, 12)) {
  case 0:
    f.wild = true;
    break;
  case 1:
    f.breaks = true;
    break;
  case 2:
    f.shared = true;
    break;
  default:
    break;
  }
  r->faults = f;
  r->settles = 1 + (unsigned)draw(c, 8);
  r->pays = f.wild ? 0 : 1 + (unsigned)draw(c, 10);
  for (unsigned k = 0; k < r->pays; k++) r->pay[k] = (plan_t){.ref = ref_of(PAY, k)};
  r->cap = (cf_wei_t)60000 * (f.poor_cap ? 2 * c->base + 1000 : 100000000);
}

static cf_sender_halt_t expected(run_t *r, cf_sender_halt_t halt) {
  switch (halt) {
  case CF_SENDER_HALT_FINALITY:
  case CF_SENDER_HALT_GAP:
    return r->broke ? halt : CF_SENDER_RUNNING;
  case CF_SENDER_HALT_VANISHED:
    return r->broke || r->faults.wild ? halt : CF_SENDER_RUNNING;
  case CF_SENDER_HALT_SHARED:
    return r->used || r->broke ? halt : CF_SENDER_RUNNING;
  case CF_SENDER_HALT_UNSEEN:
    return r->broke || r->faults.wild || r->faults.lag || r->faults.lose ? halt : CF_SENDER_RUNNING;
  case CF_SENDER_RUNNING:
  case CF_SENDER_HALT_STORE:
  case CF_SENDER_HALTS:
    break;
  }
  return CF_SENDER_RUNNING;
}

/* Returns true when the run is over: a gap is for hands. */
static bool operate(run_t *r) {
  cf_sender_halt_t halt = r->s->halt;
  if (!halt) return false;
  if (!expected(r, halt)) violated(r, "halted for nothing: %s", cf_sender_halt_name(halt));
  if (halt == CF_SENDER_HALT_GAP || r->violations) return true;
  if (!r->calm && !chance(&r->chain, 5)) return false;
  if (cf_sender_resume(r->s, halt)) violated(r, "no resume");
  r->resumed++;
  return false;
}

static void check_end(run_t *r) {
  chain_t *c = &r->chain;
  cf_wei_t paid = 0;
  bool     halt = r->resumed > 0, bare = false;
  for (int b = chain_ancestor(c, c->final, r->s->final_number); b >= 0; b = c->block[b].parent)
    for (unsigned i = 0; i < c->block[b].txs; i++) r->must_halt |= c->tx[c->block[b].at[i].tx].foreign;
  if (r->must_halt && !halt) violated(r, "finality was broken, or the key used elsewhere, and nothing halted");
  for (int b = c->final; b >= 0; b = c->block[b].parent)
    for (unsigned i = 0; i < c->block[b].txs; i++)
      if (!c->tx[c->block[b].at[i].tx].foreign) paid += (cf_wei_t)c->block[b].at[i].gas_used * c->block[b].at[i].price;
  for (int i = 0; i < c->txs; i++) bare |= r->bare_tx[i];
  if (!r->faults.wild && !r->broke && (paid > r->s->total_wei || (paid != r->s->total_wei && !bare)))
    violated(r, "fees: %lu counted, %lu paid", (unsigned long)r->s->total_wei, (unsigned long)paid);
}

static void end_run(run_t *r) {
  rows_free(&r->rows);
  for (size_t i = 0; i < r->asks; i++) free(r->ask[i].body);
}

static void run(run_t *r, block_t *blocks) {
  static cf_effects_t fx;
  cf_event_t          tick = {.kind = CF_EV_TICK};
  if (cf_k256_addr(&r->account, key)) abort();
  chain_init(&r->chain, r->seed, blocks, &r->account);
  draw_faults(r);
  r->cfg = (cf_sender_config_t){
      .chain_id = 31337, .scalar = key, .chain = 3, .id = 1 << 20, .look_ms = LOOK_MS, .bump_ms = 4000, .bump_blocks = 2};
  r->cfg.budget_wei = r->faults.tight ? 3 * r->cap : 1000 * r->cap;
  r->clock_ms = 5000;
  start(r);
  unsigned noisy = 100 + (unsigned)draw(&r->chain, 500), steps = 0;
  bool     done = false;
  for (; !done && steps < noisy + CALM_STEPS && !r->violations; steps++) {
    chain_t *c = &r->chain;
    if (steps == noisy) {
      r->calm = true;
      c->base = 1000;
    }
    r->clock_ms += r->calm ? 200 : 50 + draw(c, 400);
    if (r->faults.breaks && !r->broke && steps > noisy / 2) break_finality(r);
    if (r->faults.shared && !r->used && steps > noisy / 2 && r->s->has_final) {
      use_elsewhere(r);
      r->used = true;
    }
    mine(r);
    disturb(r);
    if (r->calm && c->base > 1000) c->base = 1000;
    if (r->calm && r->s->wait == CF_SENDER_WAITS_BUDGET && steps % 20 == 0) c->block[c->tip].time_s += 86400; /* another day */
    deliver(r);
    if (r->calm ? steps % 5 == 0 : chance(c, 20)) feed_final(r);
    if (operate(r)) break;
    done = settle(r) && r->calm;
    tick.now = (cf_now_t){r->clock_ms - r->life_ms, r->clock_ms};
    run_step(r, &tick, &fx);
    if (r->s->halt && !r->s->alarmed) violated(r, "halted without an alarm");
  }
  if (r->s->halt == CF_SENDER_HALT_GAP) done = true;
  else if (!r->violations) check_end(r);
  if (!done && !r->violations) {
    cf_sender_status_t st = cf_sender_status(r->s);
    violated(r, "not settled: head %u of %u, %u live, %u queued, waits %s, halt %s", final_head(r), r->settles, st.live,
             st.queued, cf_sender_wait_name(st.wait), cf_sender_halt_name(st.halt));
  }
  if (r->verbose) {
    cf_sender_status_t st = cf_sender_status(r->s);
    printf("seed %lu: %u steps, %d blocks, finality %u, %lu reorganisations, %d transactions, %u crashes, bumps %lu cancels %lu "
           "resends %lu lies %lu, %u resumed%s%s%s%s\n",
           r->seed, steps, r->chain.blocks, r->chain.finality, r->chain.reorgs, r->chain.txs, r->crashes, st.bumps, st.cancels,
           st.resends, st.lies, r->resumed, r->faults.wild ? " wild" : "", r->faults.tight ? " tight" : "",
           r->broke ? " broke" : "", r->used ? " used" : "");
  }
  end_run(r);
}

int main(int argc, char **argv) {
  uint64_t seeds = 300, from = 1;
  bool     verbose = false, first = false;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "-v")) verbose = true;
    else if (!strcmp(argv[i], "--first")) first = true;
    else if (i + 1 < argc && !strcmp(argv[i], "--seeds")) seeds = strtoull(argv[++i], NULL, 10);
    else if (i + 1 < argc && !strcmp(argv[i], "--from")) from = strtoull(argv[++i], NULL, 10);
    else if (i + 1 < argc && !strcmp(argv[i], "--seed")) from = strtoull(argv[++i], NULL, 10), seeds = 1;
    else return fprintf(stderr, "usage: sender-sim [--seeds N] [--from N] [--seed N] [--first] [-v]\n"), 2;
  }
  run_t       *r = malloc(sizeof *r);
  block_t     *blocks = malloc(BLOCKS_MAX * sizeof *blocks);
  cf_sender_t *s = malloc(sizeof *s);
  uint64_t     bad = 0;
  for (uint64_t seed = from; seed < from + seeds && !(first && bad); seed++) {
    memset(r, 0, sizeof *r - sizeof r->scratch);
    r->seed = seed;
    r->verbose = verbose;
    r->s = s;
    run(r, blocks);
    if (r->violations) printf("seed %lu: %s\n", seed, r->what);
    bad += r->violations > 0;
  }
  free(r);
  free(blocks);
  free(s);
  printf("sender: %lu seeds, %lu violations\n", seeds, bad);
  return bad > 0;
}
