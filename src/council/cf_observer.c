#include "council/cf_observer.h"

#include <assert.h>
#include <stdio.h>

#include "council/cf_observer_kind.h"
#include "council/cf_problem.h"
#include "ledger/cf_ledger_proof.h"

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
  if (cfg->member >= c->members_cnt || cf_k256_addr(&addr, cfg->scalar) ||
      memcmp(addr.b, c->members[cfg->member].addr, sizeof addr.b))
    return cf_error_set(err, CF_ERR_POLICY, "observer", cfg->member, "the key is not that of member %u", cfg->member);
  switch (cf_ledger_kind(&cfg->domain->ledger)) {
  case CF_LEDGER_EMBEDDED: o->kind = &cf_observer_embedded; break;
  case CF_LEDGER_EVM: o->kind = &cf_observer_evm; break;
  }
  o->read = CF_OBSERVER_LEDGER;
  cf_follow_init(&o->follow, &(cf_follow_config_t){.domain = cfg->domain, .gateway = cfg->gateway, .id = CF_OBSERVER_ID_FOLLOW});
  o->kind->init(o);
  return CF_OK;
}

void cf_observer_fini(cf_observer_t *o) {
  if (o->kind) o->kind->fini(o);
}

/* ---- the ledger, as its kind reads it ---- */

bool cf_observer_may_ask(cf_observer_t *o) {
  if (o->asking || o->broken) return false;
  o->asking = true;
  for (size_t i = 0; i < o->waiting_cnt; i++)
    if (o->waiting[i].ledger == CF_OBSERVER_UNASKED) o->waiting[i].ledger = CF_OBSERVER_ASKED;
  return true;
}

bool cf_observer_contradicts(cf_observer_t const *o, cf_observer_block_t const *b) {
  return o->last.any && o->last.number == b->number && !cf_hash_eq(&o->last.hash, &b->hash);
}

void cf_observer_ended(cf_observer_t *o, cf_observer_code_t code) {
  if (code >= CF_OBSERVER_DEPLOYMENT) o->broken = code;
  o->asking = false;
  o->read = code;
  for (size_t i = 0; i < o->waiting_cnt; i++)
    if (o->waiting[i].ledger == CF_OBSERVER_ASKED) o->waiting[i].ledger = CF_OBSERVER_READ;
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
  uint64_t               number = o->newest.number;
  if (o->broken) return o->broken;
  if (o->follow.result) return CF_OBSERVER_LOG;
  if (o->read) return o->read;
  if (cf_hash_eq(deployment, &none)) return CF_OBSERVER_STARTING;
  if (!cf_hash_eq(deployment, &o->code)) return o->broken = CF_OBSERVER_DEPLOYMENT;
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
  cf_finality_t            f = {.number = o->newest.number,
                                .block_hash = o->newest.hash,
                                .time_s = o->newest.time_s,
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
    if (unasked) o->kind->ask(o, fx, now);
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
  o->kind->tick(o, fx, now);
}

static void on_done(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev) {
  cf_follow_step_t step = cf_follow_step(&o->follow, fx, ev);
  if (step == CF_FOLLOW_NOT_MINE && ev->id == CF_OBSERVER_ID_SIGNED && !o->ready) on_signed(o, fx, ev);
  else if (step == CF_FOLLOW_ENDED && !o->ready) on_loaded(o, fx, ev->now);
  else if (step == CF_FOLLOW_ENDED) {
    for (size_t i = 0; i < o->waiting_cnt; i++)
      if (o->waiting[i].log == CF_OBSERVER_ASKED) o->waiting[i].log = CF_OBSERVER_READ;
  } else if (step == CF_FOLLOW_NOT_MINE && ev->id == CF_OBSERVER_ID_LEDGER && o->asking) o->kind->answered(o, fx, ev);
  if (o->ready) go_on(o, fx, ev->now);
}

/* Nobody may be asking just now: a person must look all the same. */
static void tell_broken(cf_observer_t *o, cf_effects_t *fx) {
  if (!o->broken || o->told) return;
  o->told = true;
  cf_fx(fx, CF_FX_LOG)->body =
      cf_fx_printf(fx, "{\"level\":\"error\",\"event\":\"observer-ended\",\"reason\":\"%s\",\"signed\":%llu}", cf_observer_name(o->broken),
                   (unsigned long long)(o->last.any ? o->last.number : 0));
}

void cf_observer_step(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev) {
  switch (ev->kind) {
  case CF_EV_START:
    cf_fx_get(fx, CF_OBSERVER_ID_SIGNED, CF_SPAN_LIT(CF_OBSERVER_SIGNED));
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
    if (o->ready) o->kind->tick(o, fx, ev->now);
    break;
  case CF_EV_STOP:
    cf_fx(fx, CF_FX_EXIT)->code = 0;
    break;
  }
  tell_broken(o, fx);
}
