/* What is due: sign, make durable, send, look; in this order, so that nothing leaves that a crash could forget. */
#include <assert.h>

#include "gateway/cf_sender_state.h"
#include "observe/cf_line.h"

enum { LOOKS_FRESH = 4, LOOKS_RESEND = 8, LOOKS_IDLE = 10, WAIT_LOOKS = 30, SEND_MS = 5000, LOOK_MS = 10000 };

static bool fresh(cf_sender_t const *s) {
  return s->final_seen && s->looked && s->now.mono_ms - s->looked_ms <= LOOKS_FRESH * s->cfg.look_ms;
}

uint64_t cf_sender_later(cf_sender_t const *s, unsigned fails) { return s->now.mono_ms + (s->cfg.look_ms << (fails < 5 ? fails : 5)); }

/* ---- signing ---- */

cf_evm_tx_t cf_sender_tx(cf_sender_t const *s, cf_sender_slot_t const *t, unsigned attempt) {
  cf_sender_attempt_t const *a  = &t->at[attempt];
  cf_evm_tx_t                tx = { .chain_id = s->cfg.chain_id,
                                    .nonce    = t->nonce,
                                    .tip_wei  = a->fees.tip_wei,
                                    .fee_wei  = a->fees.fee_wei,
                                    .gas      = a->gas,
                                    .to       = s->account };
  if (a->cancel) return tx;
  tx.to    = t->to;
  tx.value = t->value;
  tx.data  = CF_SPAN(t->data, t->data_sz);
  return tx;
}

static bool affordable(cf_sender_t const *s, cf_sender_slot_t const *t, cf_wei_t worst) {
  cf_wei_t all = s->spent_wei, own = cf_sender_reserve(t);
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) all += cf_sender_reserve(&s->slot[i]);
  return all - own + (worst > own ? worst : own) <= s->cfg.budget_wei;
}

/* One more transaction of a nonce; what stands against it. */
static cf_sender_wait_t sign(cf_sender_t *s, cf_sender_slot_t *t, bool cancel) {
  cf_sender_attempt_t a    = { .cancel = cancel, .gas = cancel ? CF_EVM_GAS_TRANSFER : t->gas };
  unsigned            most = CF_SENDER_ATTEMPTS_MAX - (cancel ? 0 : CF_SENDER_CANCELS_MIN);
  if (t->at_cnt >= most) return CF_SENDER_WAITS_ROOM;
  bool can = t->at_cnt ? cf_fees_bump(&a.fees, t->at[t->at_cnt - 1].fees, s->hint, a.gas, t->cap_wei)
                       : cf_fees_first(&a.fees, s->hint, a.gas, t->cap_wei);
  if (!can) return CF_SENDER_WAITS_CAP;
  if (!affordable(s, t, cf_fees_worst(a.fees, a.gas))) return CF_SENDER_WAITS_BUDGET;
  t->at[t->at_cnt]  = a;
  cf_evm_tx_t tx    = cf_sender_tx(s, t, t->at_cnt);
  cf_wr_t     wr    = cf_wr_init(s->raw, sizeof s->raw);
  cf_status_t st    = cf_evm_tx_sign(&wr, t->at[t->at_cnt].sig, &t->at[t->at_cnt].hash, &tx, s->cfg.scalar);
  assert(!st); /* init found the scalar to be a key, and data fits */
  (void)st;
  t->again       = t->at_cnt++;
  t->bump        = false;
  t->send_at_ms  = 0;
  t->since_ms    = s->now.mono_ms;
  t->since_block = s->latest_number;
  t->refusals = t->fails = 0;
  return CF_SENDER_WAITS_NOT;
}

/* The transactions that a step still has room for. */
typedef struct {
  unsigned cnt;
  size_t   bytes;
} room_t;

static bool take(room_t *room, size_t data_sz) {
  size_t n = data_sz + CF_EVM_TX_FRAME_MAX;
  if (!room->cnt || room->bytes < n) return false;
  room->cnt--;
  room->bytes -= n;
  return true;
}

static cf_sender_slot_t *oldest_queued(cf_sender_t *s) {
  cf_sender_slot_t *first = NULL;
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++)
    if (s->slot[i].state == CF_SENDER_QUEUED && (!first || s->slot[i].serial < first->serial)) first = &s->slot[i];
  return first;
}

static unsigned count(cf_sender_t const *s, bool (*is)(cf_sender_slot_t const *)) {
  unsigned n = 0;
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) n += is(&s->slot[i]);
  return n;
}
static bool is_used(cf_sender_slot_t const *t) { return t->state != CF_SENDER_FREE && t->state != CF_SENDER_QUEUED; }
static bool is_open(cf_sender_slot_t const *t) { return t->state == CF_SENDER_QUEUED || cf_slot_live(t); }

static void replace(cf_sender_t *s, cf_sender_slot_t *t) {
  bool             cancelled = t->at[t->at_cnt - 1].cancel;
  cf_sender_wait_t w         = sign(s, t, t->dropped || cancelled);
  t->held = w;
  if (w) { /* asked again as late as if it had been sent */
    t->bump        = false;
    t->since_ms    = s->now.mono_ms;
    t->since_block = s->latest_number;
  } else if (t->dropped && !cancelled) s->cancels++;
  else s->bumps++;
}

static cf_sender_wait_t sign_first(cf_sender_t *s, cf_sender_slot_t *t) {
  if (!fresh(s)) return CF_SENDER_WAITS_START;
  if (!count(s, is_used) && !s->results && s->latest_nonce != s->final_nonce) return CF_SENDER_WAITS_QUIET;
  if (count(s, cf_slot_unmined) >= CF_SENDER_PENDING_MAX) return CF_SENDER_WAITS_ROOM;
  t->nonce           = cf_sender_next(s);
  cf_sender_wait_t w = sign(s, t, false);
  if (w) return w;
  t->state = CF_SENDER_SIGNED;
  t->dirty = true;
  return CF_SENDER_WAITS_NOT;
}

/* Returns whether more is due than a step has room for. */
static bool sign_due(cf_sender_t *s) {
  room_t room = { CF_SENDER_STEP_MAX, CF_SENDER_STEP_BYTES };
  s->wait     = CF_SENDER_WAITS_NOT;
  for (size_t i = 0; i < CF_SENDER_SLOTS && fresh(s); i++) {
    cf_sender_slot_t *t      = &s->slot[i];
    bool              cancel = t->dropped && cf_slot_unmined(t) && !t->at[t->at_cnt - 1].cancel;
    bool              bump   = t->bump && s->now.mono_ms - t->since_ms >= s->cfg.look_ms;
    if (!cf_slot_unmined(t) || (!cancel && !bump)) continue;
    if (!take(&room, t->data_sz)) return true;
    replace(s, t);
  }
  for (cf_sender_slot_t *t; (t = oldest_queued(s));) {
    if (!take(&room, t->data_sz)) return true;
    cf_sender_wait_t w = sign_first(s, t);
    if (w) {
      if (!s->wait) s->wait = w;
      break; /* what came later stands on it */
    }
  }
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++)
    if (cf_slot_unmined(&s->slot[i]) && (s->slot[i].poor || s->slot[i].held || s->slot[i].refusals >= CF_SENDER_REFUSALS_MAX))
      s->wait = s->slot[i].poor ? CF_SENDER_WAITS_FUNDS : s->slot[i].held ? s->slot[i].held : CF_SENDER_WAITS_REFUSED;
  return false;
}

/* ---- sending ---- */

static void send(cf_sender_t *s, cf_effects_t *fx, cf_sender_slot_t *t) {
  cf_evm_tx_t tx  = cf_sender_tx(s, t, t->again);
  size_t      max = tx.data.len + CF_EVM_TX_FRAME_MAX;
  cf_wr_t     wr  = cf_wr_init(cf_fx_room(fx, max), max);
  cf_evm_tx_write(&wr, &tx, t->at[t->again].sig);
  cf_hash_t hash = cf_keccak256(cf_wr_out(&wr));
  assert(cf_hash_eq(&hash, &t->at[t->again].hash)); /* the bytes that the store has */
  t->sending = true;
  cf_fx_ask(fx, s->cfg.id + CF_SENDER_ID_SLOT + (uint64_t)(t - s->slot), s->cfg.chain, CF_SPAN_LIT("POST /send"), cf_wr_out(&wr), SEND_MS);
  t->send_at_ms = s->now.mono_ms + LOOKS_RESEND * s->cfg.look_ms;
}

/* Rising nonces: a pool keeps what follows only when it has what precedes. */
static bool send_due(cf_sender_t *s, cf_effects_t *fx) {
  room_t room = { CF_SENDER_STEP_MAX, CF_SENDER_STEP_BYTES };
  if (!s->looked) return false; /* at a start it may all be in blocks */
  for (uint64_t from = 0;;) {
    cf_sender_slot_t *next = NULL;
    for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
      cf_sender_slot_t *t = &s->slot[i];
      if (cf_slot_unmined(t) && !cf_slot_used(s, t) && !t->sending && s->now.mono_ms >= t->send_at_ms && t->nonce >= from && (!next || t->nonce < next->nonce))
        next = t;
    }
    if (!next) return false;
    if (!take(&room, next->data_sz)) return true;
    send(s, fx, next);
    from = next->nonce + 1;
  }
}

/* ---- looking ---- */

static bool look_due(cf_sender_t const *s) {
  bool open = count(s, is_open) > 0;
  if (s->looking || (!open && !count(s, is_used) && !s->look_now)) return false;
  if (s->look_now) return true;
  return s->now.mono_ms >= s->look_at_ms + (open ? 0 : (LOOKS_IDLE - 1) * s->cfg.look_ms);
}

static void look(cf_sender_t *s, cf_effects_t *fx) {
  cf_wr_t wr   = cf_wr_init(cf_fx_room(fx, 2 + sizeof(cf_hash_t) * CF_SENDER_SLOTS * CF_SENDER_ATTEMPTS_MAX),
                            2 + sizeof(cf_hash_t) * CF_SENDER_SLOTS * CF_SENDER_ATTEMPTS_MAX);
  s->asked_cnt = 0;
  cf_wr_u16(&wr, 0);
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
    cf_sender_slot_t const *t = &s->slot[i];
    if (!is_used(t) || (t->state == CF_SENDER_FINAL && t->outcome == CF_SENDER_LOST)) continue;
    for (unsigned k = 0; k < t->at_cnt; k++) {
      if (t->state == CF_SENDER_FINAL && k != t->mined) continue;
      s->asked[s->asked_cnt].slot    = (uint8_t)i;
      s->asked[s->asked_cnt].attempt = (uint8_t)k;
      s->asked[s->asked_cnt].nonce   = t->nonce;
      s->asked_cnt++;
      cf_wr_hash(&wr, &t->at[k].hash);
    }
  }
  cf_wr_t head = cf_wr_init(wr.buf, 2);
  cf_wr_u16(&head, (uint16_t)s->asked_cnt);
  s->looking = true;
  s->look_now = s->look_stale = false;
  s->asked_final = s->final_number;
  s->asked_nonce = s->has_final ? s->final_nonce : 0;
  s->asked_ms   = s->now.mono_ms;
  s->look_at_ms = s->now.mono_ms + s->cfg.look_ms;
  cf_fx_ask(fx, s->cfg.id + CF_SENDER_ID_LOOK, s->cfg.chain, CF_SPAN_LIT("POST /look"), cf_wr_out(&wr), LOOK_MS);
}

/* ---- all of it ---- */

static cf_public_text_t reason(cf_sender_halt_t h) {
  switch (h) {
  case CF_SENDER_HALT_FINALITY: return CF_PUBLIC_TEXT("the final chain is not the one that was final before: see which it is, then resume");
  case CF_SENDER_HALT_VANISHED: return CF_PUBLIC_TEXT("a final transaction is not on the chain any more: see which chain it is, then resume");
  case CF_SENDER_HALT_SHARED: return CF_PUBLIC_TEXT("a nonce was used by a transaction that is not ours: end that use of the key, then resume");
  case CF_SENDER_HALT_GAP: return CF_PUBLIC_TEXT("nonces below those that are kept are free again: fill them by hand, then resume");
  case CF_SENDER_HALT_UNSEEN: return CF_PUBLIC_TEXT("endpoints show no transaction that used a nonce which is used: ask others; or resume, and it is lost");
  case CF_SENDER_HALT_STORE: return CF_PUBLIC_TEXT("the sender's records contradict each other: let the account come to rest, then move the store away");
  case CF_SENDER_RUNNING:
  case CF_SENDER_HALTS: break;
  }
  return CF_PUBLIC_TEXT("");
}

static cf_public_text_t cause(cf_sender_wait_t w) {
  switch (w) {
  case CF_SENDER_WAITS_QUIET: return CF_PUBLIC_TEXT("the account has transactions that are not final and not in the store: let them end");
  case CF_SENDER_WAITS_CAP: return CF_PUBLIC_TEXT("a call's cap does not pay what the chain asks for: raise it, or wait");
  case CF_SENDER_WAITS_BUDGET: return CF_PUBLIC_TEXT("the day's budget is used or reserved: raise it, or wait");
  case CF_SENDER_WAITS_FUNDS: return CF_PUBLIC_TEXT("the account cannot pay: fund it");
  case CF_SENDER_WAITS_REFUSED: return CF_PUBLIC_TEXT("endpoints refuse even a transfer of nothing: check chain and endpoints");
  case CF_SENDER_WAITS_ROOM: return CF_PUBLIC_TEXT("as many transactions as pools keep, or as a nonce may have, are in no block");
  case CF_SENDER_WAITS_START: return CF_PUBLIC_TEXT("no final block, or no answer of endpoints, that is new enough");
  case CF_SENDER_WAITS_NOT:
  case CF_SENDER_WAITS: break;
  }
  return CF_PUBLIC_TEXT("");
}

static void say(cf_sender_t *s, cf_effects_t *fx, cf_line_level_t level, cf_public_text_t event, cf_public_text_t why) {
  cf_wr_t   wr   = cf_wr_init(cf_fx_room(fx, 512), 512);
  cf_line_t line = cf_line_begin(&wr, s->now, level, event);
  cf_line_put(&line, CF_FIELD_REASON, why);
  cf_line_put(&line, CF_FIELD_BLOCK, cf_public_u64(s->final_number));
  cf_line_end(&line);
  if (!wr.bad) cf_fx(fx, CF_FX_LOG)->body = cf_wr_out(&wr);
}

/* A halt once in each life; what is waited for when it has lasted, and was not the last that was said. */
static void alarm_once(cf_sender_t *s, cf_effects_t *fx) {
  if (s->halt && !s->alarmed) say(s, fx, CF_LINE_ERROR, CF_PUBLIC_TEXT("sender-halted"), reason(s->halt));
  if (!s->halt && s->alarmed) say(s, fx, CF_LINE_WARN, CF_PUBLIC_TEXT("sender-goes-on"), CF_PUBLIC_TEXT("nothing halts it any more"));
  s->alarmed = s->halt != CF_SENDER_RUNNING;
  if (!s->wait || s->halt) s->wait_since_ms = s->now.mono_ms;
  if (!s->wait || s->halt || s->wait == s->told || s->now.mono_ms - s->wait_since_ms < WAIT_LOOKS * s->cfg.look_ms) return;
  s->told = s->wait;
  say(s, fx, CF_LINE_WARN, CF_PUBLIC_TEXT("sender-waits"), cause(s->wait));
}

/* Only the youngest final nonces are watched. */
static void unwatch(cf_sender_t *s) {
  for (;;) {
    cf_sender_slot_t *first = NULL;
    unsigned          n     = 0;
    for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
      cf_sender_slot_t *t = &s->slot[i];
      if (t->state != CF_SENDER_FINAL) continue;
      n++;
      if (!first || t->nonce < first->nonce) first = t;
    }
    if (n <= CF_SENDER_WATCH_MAX) return;
    cf_sender_forget(s, first->nonce, first->at_cnt);
    first->state = CF_SENDER_FREE;
  }
}

void cf_sender_go(cf_sender_t *s, cf_effects_t *fx) {
  bool more = false;
  alarm_once(s, fx);
  if (!s->halt) {
    unwatch(s);
    more = sign_due(s);
  }
  cf_sender_save(s, fx);
  if (cf_sender_halt_proven(s->halt)) return;
  if (!s->halt) more |= send_due(s, fx);
  if (look_due(s)) look(s, fx);
  cf_sender_trace(s, fx);
  if (more) cf_fx(fx, CF_FX_WAKE)->id = s->now.mono_ms;
}
