#include "council/cf_observer.h"

#include <assert.h>
#include <stdio.h>

#include "council/cf_problem.h"

enum { ID_SIGNED = 1, ID_FOLLOW = 2, ID_BLOCK = ID_FOLLOW + CF_FOLLOW_IDS };

char const *cf_observer_name(cf_observer_code_t c) {
  static char const *const names[CF_OBSERVER_CODES] = {"ok",   "starting",   "log",   "ledger", "behind",
                                                       "skew", "deployment", "rules", "fork"};
  return names[c];
}

cf_status_t cf_observer_init(cf_observer_t *o, cf_observer_config_t const *cfg, cf_error_t *err) {
  cf_council_t const *c = cf_genesis_council(&cfg->domain->genesis, CF_OBSERVERS);
  cf_addr_t           addr;
  memset(o, 0, offsetof(cf_observer_t, follow));
  o->cfg = *cfg;
  if (!cfg->domain->block0.config.embedded)
    return cf_error_set(err, CF_ERR_POLICY, "observer", 0, "only an embedded ledger is replayed block by block");
  if (cfg->member >= c->members_cnt || cf_k256_addr(&addr, cfg->scalar) ||
      memcmp(addr.b, c->members[cfg->member].addr, sizeof addr.b))
    return cf_error_set(err, CF_ERR_POLICY, "observer", cfg->member, "the key is not that of member %u", cfg->member);
  cf_follow_init(&o->follow, &(cf_follow_config_t){.domain = cfg->domain, .gateway = cfg->gateway, .id = ID_FOLLOW});
  cf_chain_init(&o->chain);
  return CF_OK;
}

void cf_observer_fini(cf_observer_t *o) { cf_chain_fini(&o->chain); }

/* ---- the ledger ---- */

static uint64_t due(cf_observer_t const *o) { return o->chain.started ? o->chain.head.number + 1 : 0; }

static void ask_block(cf_observer_t *o, cf_effects_t *fx, cf_now_t now) {
  if (o->asking || o->broken) return;
  o->asking = true;
  o->asked_s = now.wall_ms / 1000;
  o->poll_at_ms = now.mono_ms + CF_OBSERVER_POLL_MS;
  for (size_t i = 0; i < o->waiting_cnt; i++)
    if (o->waiting[i].ledger == CF_OBSERVER_UNASKED) o->waiting[i].ledger = CF_OBSERVER_ASKED;
  cf_fx_ask(fx, ID_BLOCK, o->cfg.ledger, cf_fx_printf(fx, "GET /ledger/blocks/%llu", (unsigned long long)due(o)),
            CF_SPAN(NULL, 0), CF_OBSERVER_TIMEOUT_MS);
}

/* The block that is due, whole and by the block key: what is wrong with it is that key's fault, and nobody's on the way. */
static bool is_signed(cf_observer_t const *o, cf_block_t *b, cf_span_t bytes) {
  cf_ledger_identity_t const *ledger = &o->cfg.domain->ledger;
  if (cf_block_decode(b, bytes) || b->header.number != due(o)) return false;
  cf_hash_t hash = cf_block_hash(&b->header), digest = cf_block_digest(&ledger->separator, &hash);
  cf_addr_t signer;
  return cf_k256_recover(&signer, b->sig, &digest) == CF_OK && cf_addr_eq(&signer, &ledger->contract);
}

/* A block that the block key signed and that does not follow from ours: two chains. */
static bool is_fork(cf_observer_t const *o, cf_span_t bytes) {
  cf_block_t b;
  return o->chain.started && is_signed(o, &b, bytes) && !cf_hash_eq(&b.header.parent, &o->chain.hash);
}

static cf_observer_code_t start_chain(cf_observer_t *o, cf_span_t bytes) {
  uint8_t genesis[CF_GENESIS_BYTES_MAX];
  cf_wr_t wr = cf_wr_init(genesis, sizeof genesis);
  cf_ledger_genesis_write(&wr, &o->cfg.domain->block0);
  cf_span_t   expect = cf_wr_out(&wr);
  cf_status_t st = cf_chain_start(&o->chain, bytes, &expect, NULL);
  if (st == CF_OK) o->block0 = o->chain.hash;
  if (!st) return CF_OBSERVER_OK;
  cf_block_t b;
  if (is_signed(o, &b, bytes)) return CF_OBSERVER_DEPLOYMENT;
  cf_chain_fini(&o->chain); /* anybody can answer with that: it is asked for again */
  cf_chain_init(&o->chain);
  return CF_OBSERVER_LEDGER;
}

static cf_observer_code_t take_block(cf_observer_t *o, cf_span_t bytes) {
  if (!o->chain.started) return start_chain(o, bytes);
  cf_status_t st = cf_chain_replay(&o->chain, bytes, NULL);
  if (o->chain.broken) return CF_OBSERVER_RULES;
  if (st) return is_fork(o, bytes) ? CF_OBSERVER_FORK : CF_OBSERVER_LEDGER;
  return CF_OBSERVER_OK;
}

/* A block that was watched for came after the moment at which it was last missing; one that is read while catching up has no such
 * bound. */
static bool is_skewed(cf_observer_t const *o, uint64_t now_s) {
  uint64_t time_s = o->chain.head.time_s;
  return time_s > now_s + CF_BLOCK_SKEW_S || (o->chain.head.number && time_s + CF_BLOCK_SKEW_S < o->absent_s);
}

static void ledger_read(cf_observer_t *o, bool to_its_end) {
  o->caught_up = to_its_end;
  for (size_t i = 0; i < o->waiting_cnt; i++)
    if (o->waiting[i].ledger == CF_OBSERVER_ASKED) o->waiting[i].ledger = CF_OBSERVER_READ;
}

static void on_block(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev) {
  o->asking = false;
  if (!ev->status && ev->code == 404) {
    o->absent_s = o->asked_s;
    ledger_read(o, o->chain.started);
    return;
  }
  cf_observer_code_t code = ev->status || ev->code != 200 ? CF_OBSERVER_LEDGER : take_block(o, ev->body);
  if (!code) {
    o->skewed = is_skewed(o, ev->now.wall_ms / 1000);
    if (o->last.any && o->last.number == o->chain.head.number && !cf_hash_eq(&o->last.hash, &o->chain.hash))
      code = CF_OBSERVER_FORK;
  }
  if (code >= CF_OBSERVER_DEPLOYMENT) o->broken = code;
  if (code) ledger_read(o, false);
  else ask_block(o, fx, ev->now);
}

/* ---- answering ---- */

static void begin_round(cf_observer_t *o, cf_effects_t *fx) {
  bool any = false;
  if (o->follow.phase != CF_FOLLOW_IDLE) return;
  for (size_t i = 0; i < o->waiting_cnt; i++)
    if (o->waiting[i].log == CF_OBSERVER_UNASKED) {
      o->waiting[i].log = CF_OBSERVER_ASKED;
      any = true;
    }
  if (any) cf_follow_begin(&o->follow, fx);
}

static cf_observer_code_t may_sign(cf_observer_t *o, uint64_t at_least) {
  cf_hash_t const       *deployment = &o->follow.now.deployment;
  static cf_hash_t const none;
  uint64_t               number = o->chain.head.number;
  if (o->broken) return o->broken;
  if (o->follow.result) return CF_OBSERVER_LOG;
  if (!o->caught_up) return CF_OBSERVER_LEDGER;
  if (cf_hash_eq(deployment, &none)) return CF_OBSERVER_STARTING;
  if (!cf_hash_eq(deployment, &o->block0)) return o->broken = CF_OBSERVER_DEPLOYMENT;
  if (number < at_least || (o->last.any && number < o->last.number)) return CF_OBSERVER_BEHIND;
  return o->skewed ? CF_OBSERVER_SKEW : CF_OBSERVER_OK;
}

static void refuse(cf_observer_t const *o, cf_effects_t *fx, uint64_t request, cf_observer_code_t code) {
  char class[64];
  snprintf(class, sizeof class, "observer:%s", cf_observer_name(code));
  cf_problem(fx, request, code >= CF_OBSERVER_DEPLOYMENT ? 403 : 503, class, "the newest block is not attested",
             code == CF_OBSERVER_LOG ? cf_follow_name(o->follow.result) : NULL, NULL);
}

/* What will be said is durable before anybody hears it. */
static void sign_newest(cf_observer_t *o, cf_effects_t *fx) {
  cf_follow_state_t const *log = &o->follow.now;
  cf_finality_t            f = {.number = o->chain.head.number,
                                .block_hash = o->chain.hash,
                                .time_s = o->chain.head.time_s,
                                .log_size = log->head.size,
                                .log_root = log->head.root};
  cf_finality_statement_t  s;
  cf_status_t              st = cf_finality_sign(&s, &o->cfg.domain->ledger, &f, o->cfg.member, o->cfg.scalar);
  assert(!st); /* init found the key to be one */
  (void)st;
  o->last = (cf_observer_signed_t){true, f.number, f.block_hash, f.log_size, f.log_root};
  cf_wr_t wr = cf_wr_init(o->file, sizeof o->file);
  cf_wr_u64(&wr, o->last.number);
  cf_wr_hash(&wr, &o->last.hash);
  cf_wr_u64(&wr, o->last.log_size);
  cf_wr_hash(&wr, &o->last.log_root);
  cf_fx_put(fx, CF_SPAN_LIT(CF_OBSERVER_SIGNED), cf_wr_out(&wr));
  wr = cf_wr_init(o->answer, sizeof o->answer);
  cf_wr_u8(&wr, o->cfg.member);
  cf_finality_statement_write(&wr, &s);
  assert(!wr.bad && wr.len == sizeof o->answer);
}

static void answer_ripe(cf_observer_t *o, cf_effects_t *fx) {
  size_t kept = 0;
  bool   made = false;
  for (size_t i = 0; i < o->waiting_cnt; i++) {
    cf_observer_waiting_t w = o->waiting[i];
    bool                  ripe = o->broken || (w.log == CF_OBSERVER_READ && w.ledger == CF_OBSERVER_READ);
    if (!ripe) {
      o->waiting[kept++] = w;
      continue;
    }
    cf_observer_code_t code = may_sign(o, w.at_least);
    if (code) {
      refuse(o, fx, w.request, code);
      continue;
    }
    if (!made) sign_newest(o, fx);
    made = true;
    cf_fx_reply(fx, w.request, 200, CF_OCTETS, CF_SPAN_OF(o->answer));
  }
  o->waiting_cnt = kept;
}

static void go_on(cf_observer_t *o, cf_effects_t *fx, cf_now_t now) {
  if (o->waiting_cnt) {
    bool unasked = false;
    for (size_t i = 0; i < o->waiting_cnt; i++) unasked |= o->waiting[i].ledger == CF_OBSERVER_UNASKED;
    if (unasked) ask_block(o, fx, now);
    begin_round(o, fx);
  }
  answer_ripe(o, fx);
}

static void on_finality(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev) {
  cf_rd_t  rd = cf_rd_span(ev->body);
  uint64_t at_least = cf_rd_u64(&rd);
  if (!cf_rd_done(&rd)) cf_problem(fx, ev->id, 400, "malformed", "a block number of 8 bytes is due", NULL, NULL);
  else if (o->waiting_cnt == CF_OBSERVER_WAITING_MAX) cf_problem(fx, ev->id, 503, "busy", "enough questions wait", NULL, NULL);
  else {
    o->waiting[o->waiting_cnt++] = (cf_observer_waiting_t){.request = ev->id, .at_least = at_least};
    go_on(o, fx, ev->now);
  }
}

/* ---- the core ---- */

static void stop_broken(cf_effects_t *fx, char const *file) {
  cf_fx(fx, CF_FX_LOG)->body = cf_fx_printf(fx, "{\"level\":\"error\",\"event\":\"observer-state\",\"reason\":\"%s\"}", file);
  cf_fx(fx, CF_FX_EXIT)->code = 1;
}

static void on_signed(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->status || (ev->code != 404 && ev->body.len != sizeof o->file)) {
    stop_broken(fx, CF_OBSERVER_SIGNED);
    return;
  }
  if (ev->code != 404) {
    cf_rd_t rd = cf_rd_span(ev->body);
    o->last.any = true;
    o->last.number = cf_rd_u64(&rd);
    o->last.hash = cf_rd_hash(&rd);
    o->last.log_size = cf_rd_u64(&rd);
    o->last.log_root = cf_rd_hash(&rd);
  }
  cf_follow_start(&o->follow, fx);
}

/* What the log was seen to be is durable before it is signed: a file that knows less is not ours. */
static void on_loaded(cf_observer_t *o, cf_effects_t *fx, cf_now_t now) {
  cf_cosigned_t const *head = &o->follow.now.head;
  bool                 less = o->last.any &&
              (head->size < o->last.log_size || (head->size == o->last.log_size && !cf_hash_eq(&head->root, &o->last.log_root)));
  if (o->follow.phase == CF_FOLLOW_BROKEN || less) {
    stop_broken(fx, "log");
    return;
  }
  o->ready = true;
  ask_block(o, fx, now);
}

static void on_done(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev) {
  cf_follow_step_t step = cf_follow_step(&o->follow, fx, ev);
  if (step == CF_FOLLOW_NOT_MINE && ev->id == ID_SIGNED && !o->ready) on_signed(o, fx, ev);
  else if (step == CF_FOLLOW_ENDED && !o->ready) on_loaded(o, fx, ev->now);
  else if (step == CF_FOLLOW_ENDED) {
    for (size_t i = 0; i < o->waiting_cnt; i++)
      if (o->waiting[i].log == CF_OBSERVER_ASKED) o->waiting[i].log = CF_OBSERVER_READ;
  } else if (step == CF_FOLLOW_NOT_MINE && ev->id == ID_BLOCK && o->asking) on_block(o, fx, ev);
  if (o->ready) go_on(o, fx, ev->now);
}

void cf_observer_step(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev) {
  switch (ev->kind) {
  case CF_EV_START:
    cf_fx_get(fx, ID_SIGNED, CF_SPAN_LIT(CF_OBSERVER_SIGNED));
    break;
  case CF_EV_REQUEST:
    if (!o->ready) cf_problem(fx, ev->id, 503, "busy", "starting", NULL, NULL);
    else if (cf_span_eq(ev->path, CF_SPAN_LIT("POST /v1/finality"))) on_finality(o, fx, ev);
    else cf_problem(fx, ev->id, 404, "unknown", "an observer has no such resource", NULL, NULL);
    break;
  case CF_EV_DONE:
    on_done(o, fx, ev);
    break;
  case CF_EV_TICK:
    if (o->ready && ev->now.mono_ms >= o->poll_at_ms) ask_block(o, fx, ev->now);
    break;
  case CF_EV_STOP:
    cf_fx(fx, CF_FX_EXIT)->code = 0;
    break;
  }
}
