#include "gateway/cf_sender.h"

#include <assert.h>

#include "gateway/cf_sender_state.h"

enum { DAY_S = 86400 };

char const *cf_sender_halt_name(cf_sender_halt_t h) {
  static char const *const names[CF_SENDER_HALTS] = { "running", "finality", "vanished", "shared", "gap", "unseen", "store" };
  return names[h];
}

char const *cf_sender_wait_name(cf_sender_wait_t w) {
  static char const *const names[CF_SENDER_WAITS] = { "", "start", "quiet", "cap", "budget", "funds", "room", "refused" };
  return names[w];
}

cf_status_t cf_sender_init(cf_sender_t *s, cf_sender_config_t const *cfg) {
  memset(s, 0, sizeof *s);
  s->cfg = *cfg;
  if (!cfg->chain_id || !cfg->look_ms || !cfg->bump_ms || !cfg->bump_blocks) return CF_ERR_FORMAT;
  return cf_k256_addr(&s->account, cfg->scalar);
}

void cf_sender_stop(cf_sender_t *s, cf_sender_halt_t why) {
  bool proven = cf_sender_halt_proven(why);
  if (s->halt && (!proven || cf_sender_halt_proven(s->halt))) return; /* the first reason is the one to mend, unless it was only said */
  s->halt    = why;
  s->alarmed = false;
  if (proven) s->meta_dirty = why != CF_SENDER_HALT_STORE; /* records that are not understood are left as they are */
}

/* ---- slots ---- */

static cf_sender_slot_t *live_of(cf_sender_t *s, cf_hash_t const *ref) {
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
    cf_sender_slot_t *t = &s->slot[i];
    if ((t->state == CF_SENDER_QUEUED || cf_slot_live(t)) && cf_hash_eq(&t->ref, ref)) return t;
  }
  return NULL;
}

uint64_t cf_sender_next(cf_sender_t const *s) {
  uint64_t next = s->final_nonce;
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
    cf_sender_slot_t const *t = &s->slot[i];
    if ((cf_slot_live(t) || t->state == CF_SENDER_FINAL) && t->nonce >= next) next = t->nonce + 1;
  }
  return next;
}

cf_wei_t cf_sender_reserve(cf_sender_slot_t const *t) {
  cf_wei_t most = 0;
  for (unsigned i = 0; cf_slot_live(t) && i < t->at_cnt; i++) {
    cf_wei_t worst = cf_fees_worst(t->at[i].fees, t->at[i].gas);
    if (worst > most) most = worst;
  }
  return most;
}

/* Or may be, for all that is known. */
static bool executed(cf_sender_t const *s, cf_sender_call_t const *call) {
  for (size_t i = 0; i < s->results; i++) {
    cf_sender_result_t const *r = &s->result[i];
    if ((r->outcome == CF_SENDER_EXECUTED || r->outcome == CF_SENDER_UNTOLD) && cf_hash_eq(&r->ref, &call->ref) && r->block > call->judged) return true;
  }
  return false;
}

cf_status_t cf_sender_submit(cf_sender_t *s, cf_sender_call_t const *call) {
  if (!s->ready) return CF_ERR_IO;
  if (s->halt) return CF_ERR_STALE;
  if (call->gas < CF_EVM_GAS_TRANSFER) return CF_ERR_FORMAT;
  if (call->data.len > CF_SENDER_DATA_MAX) return CF_ERR_BOUND;
  cf_sender_slot_t *known = live_of(s, &call->ref), *t = NULL;
  if (known && known->dropped) return CF_ERR_POLICY;
  if (known) {
    if (call->cap_wei > known->cap_wei) {
      known->cap_wei = call->cap_wei;
      known->dirty   = known->state != CF_SENDER_QUEUED;
    }
    return CF_OK;
  }
  if (executed(s, call)) return CF_OK;
  unsigned busy = 0;
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
    cf_sender_state_t st = s->slot[i].state;
    if (st != CF_SENDER_FREE && st != CF_SENDER_FINAL) busy++;
    if (st == CF_SENDER_FREE && !s->slot[i].sending) t = &s->slot[i]; /* an answer under way must find nobody else there */
  }
  if (busy >= CF_SENDER_LIVE_MAX || !t) return CF_ERR_BOUND;
  memset(t, 0, offsetof(cf_sender_slot_t, data));
  t->state   = CF_SENDER_QUEUED;
  t->serial  = ++s->serial;
  t->ref     = call->ref;
  t->to      = call->to;
  t->value   = call->value;
  t->gas     = call->gas;
  t->cap_wei = call->cap_wei;
  t->data_sz = call->data.len;
  if (call->data.len) memcpy(t->data, call->data.ptr, call->data.len);
  return CF_OK;
}

void cf_sender_drop(cf_sender_t *s, cf_hash_t const *ref) {
  cf_sender_slot_t *t = live_of(s, ref);
  if (!t || t->dropped) return;
  if (t->state == CF_SENDER_QUEUED) t->state = CF_SENDER_FREE;
  else t->dropped = t->dirty = true;
}

/* ---- final blocks ---- */

static uint64_t lowest(cf_sender_t const *s) {
  uint64_t low = UINT64_MAX;
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++)
    if (cf_slot_live(&s->slot[i]) && s->slot[i].nonce < low) low = s->slot[i].nonce;
  return low;
}

static void disown(cf_sender_t *s, size_t at) {
  cf_sender_forget(s, s->result[at].nonce, 0);
  memmove(s->result + at, s->result + at + 1, (--s->results - at) * sizeof *s->result);
}

/* What a result counted was not paid after all. */
static void unpay(cf_sender_t *s, size_t at) {
  cf_sender_result_t const *r = &s->result[at];
  s->total_wei -= r->fee_wei;
  if (r->day == s->day) s->spent_wei -= r->fee_wei; /* what was paid on days before is counted no more */
  disown(s, at);
}

/* On another chain than the one that was final: what was final there, and has no transactions here to be followed, is not. */
static void rebase(cf_sender_t *s, uint64_t nonce, uint64_t below) {
  for (size_t i = s->results; i-- > 0;)
    if (s->result[i].nonce >= nonce && s->result[i].nonce < below) unpay(s, i);
}

/* Does it follow from the one before?  What does not compare is left alone. */
static bool follows(cf_sender_t *s, cf_sender_final_t const *f) {
  if (!s->has_final) {
    uint64_t low = lowest(s);
    rebase(s, f->nonce, low);
    if (low != UINT64_MAX && low > f->nonce) cf_sender_stop(s, CF_SENDER_HALT_GAP);
    return !cf_sender_halt_proven(s->halt);
  }
  if (f->number < s->final_number || f->since_number != s->final_number) return false;
  bool same = f->number == s->final_number;
  if (!cf_hash_eq(&f->since_hash, &s->final_hash) || (same && !cf_hash_eq(&f->hash, &s->final_hash)) ||
      f->nonce < s->final_nonce || (same && f->nonce != s->final_nonce))
    cf_sender_stop(s, CF_SENDER_HALT_FINALITY);
  else if (f->nonce > cf_sender_next(s)) cf_sender_stop(s, CF_SENDER_HALT_SHARED);
  if (same) s->final_seen = true;
  return !cf_sender_halt_proven(s->halt) && !same;
}

void cf_sender_final(cf_sender_t *s, cf_sender_final_t const *f) {
  if (!s->ready || cf_sender_halt_proven(s->halt) || !follows(s, f)) return;
  uint64_t day = f->time_s / DAY_S;
  if (day > s->day) {
    s->day       = day;
    s->spent_wei = 0;
  }
  s->has_final = s->final_seen = s->meta_dirty = true;
  s->final_number = f->number;
  s->final_hash   = f->hash;
  s->final_time_s = f->time_s;
  s->final_nonce  = f->nonce;
  s->look_now     = true;
  s->look_stale   = s->looking;
}

void cf_sender_resolve(cf_sender_t *s, cf_sender_slot_t *t, cf_sender_outcome_t outcome) {
  if (s->results == CF_SENDER_RESULTS) {
    disown(s, 0);
  }
  size_t at = s->results++;
  for (; at && s->result[at - 1].nonce > t->nonce; at--) s->result[at] = s->result[at - 1];
  s->result[at] = (cf_sender_result_t){ .ref = t->ref, .nonce = t->nonce, .outcome = outcome, .day = s->day };
  if (outcome != CF_SENDER_LOST) {
    s->result[at].tx         = t->at[t->mined].hash;
    s->result[at].block      = t->block;
    s->result[at].block_hash = t->block_hash;
    s->result[at].fee_wei    = t->fee_wei;
    s->spent_wei += t->fee_wei;
    s->total_wei += t->fee_wei;
  }
  t->state      = CF_SENDER_FINAL;
  t->outcome    = outcome;
  t->strikes    = 0;
  s->meta_dirty = true;
}

/* What was final may not be: it is followed again, and its bytes are sent again where they are missing. */
static void revive(cf_sender_t *s) {
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
    cf_sender_slot_t *t = &s->slot[i];
    t->strikes          = 0;
    if (t->state != CF_SENDER_FINAL || t->outcome == CF_SENDER_LOST) continue;
    size_t at = 0;
    while (at < s->results && s->result[at].nonce != t->nonce) at++;
    if (at < s->results) unpay(s, at);
    t->state      = CF_SENDER_SIGNED;
    t->again      = t->mined;
    t->send_at_ms = t->since_block = 0;
  }
  s->has_final = s->final_seen = false;
}

/* The nonces that a final block counts, and none of ours was, are lost when their blocks show once more that they are not ours. */
static void give_up(cf_sender_t *s) {
  if (lowest(s) < s->final_nonce) s->lost_below = s->final_nonce;
  else s->has_final = s->final_seen = false; /* others went on beyond ours: the next final block says where to begin */
}

cf_status_t cf_sender_resume(cf_sender_t *s, cf_sender_halt_t halt) {
  if (!s->halt || s->halt != halt) return CF_ERR_POLICY;
  switch (halt) {
  case CF_SENDER_HALT_FINALITY:
  case CF_SENDER_HALT_VANISHED:
  case CF_SENDER_HALT_GAP: revive(s); break;
  case CF_SENDER_HALT_SHARED:
  case CF_SENDER_HALT_UNSEEN: give_up(s); break;
  case CF_SENDER_RUNNING:
  case CF_SENDER_HALT_STORE:
  case CF_SENDER_HALTS: return CF_ERR_POLICY;
  }
  s->halt        = CF_SENDER_RUNNING;
  s->meta_dirty  = true;
  s->look_now    = true;
  s->asked_nonce = 0; /* what was asked before says nothing of the chain that it is now */
  return CF_OK;
}

/* ---- the core ---- */

static void on_done(cf_sender_t *s, cf_event_t const *ev) {
  uint64_t id = ev->id - s->cfg.id;
  if (id <= CF_SENDER_ID_FEE) cf_sender_load(s, (unsigned)id, ev);
  else if (id == CF_SENDER_ID_LOOK) cf_sender_looked(s, ev);
  else if (id == CF_SENDER_ID_TRACE) cf_sender_traced(s, ev);
  else if (id >= CF_SENDER_ID_SLOT) cf_sender_sent(s, &s->slot[id - CF_SENDER_ID_SLOT], ev);
}

void cf_sender_step(cf_sender_t *s, cf_effects_t *fx, cf_event_t const *ev) {
  s->now = ev->now;
  switch (ev->kind) {
  case CF_EV_START: cf_sender_scan(s, fx); break;
  case CF_EV_DONE:
    if (cf_sender_mine(s, ev->id)) on_done(s, ev);
    break;
  case CF_EV_TICK:
  case CF_EV_REQUEST:
  case CF_EV_STOP: break;
  }
  if (s->ready) cf_sender_go(s, fx);
}

/* ---- what is known ---- */

bool cf_sender_find(cf_sender_t const *s, cf_sender_info_t *info, cf_hash_t const *ref) {
  bool found = false;
  *info      = (cf_sender_info_t){ 0 };
  for (size_t i = 0; i < s->results; i++) {
    cf_sender_result_t const *r = &s->result[i];
    if (!cf_hash_eq(&r->ref, ref)) continue;
    *info = (cf_sender_info_t){ .state   = CF_SENDER_FINAL,
                                .outcome = r->outcome,
                                .nonce   = r->nonce,
                                .tx      = r->tx,
                                .block   = r->block,
                                .fee_wei = info->fee_wei + r->fee_wei };
    found = true;
  }
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
    cf_sender_slot_t const *t = &s->slot[i];
    if ((t->state != CF_SENDER_QUEUED && !cf_slot_live(t)) || !cf_hash_eq(&t->ref, ref)) continue;
    info->state    = t->state;
    info->outcome  = CF_SENDER_OPEN;
    info->nonce    = t->nonce;
    info->attempts = t->at_cnt;
    info->block    = t->state == CF_SENDER_MINED ? t->block : 0;
    if (t->at_cnt) info->tx = t->at[t->state == CF_SENDER_MINED ? t->mined : t->at_cnt - 1].hash;
    found = true;
  }
  return found;
}

bool cf_sender_each(cf_sender_t const *s, size_t *pos, cf_hash_t *ref, cf_span_t *data) {
  while (*pos < CF_SENDER_SLOTS) {
    cf_sender_slot_t const *t = &s->slot[(*pos)++];
    if (t->dropped || (t->state != CF_SENDER_QUEUED && !cf_slot_live(t))) continue;
    *ref  = t->ref;
    *data = CF_SPAN(t->data, t->data_sz);
    return true;
  }
  return false;
}

cf_sender_status_t cf_sender_status(cf_sender_t const *s) {
  cf_sender_status_t st = { .halt         = s->halt,
                            .wait         = s->wait,
                            .final_number = s->final_number,
                            .final_nonce  = s->final_nonce,
                            .spent_wei    = s->spent_wei,
                            .total_wei    = s->total_wei,
                            .lies         = s->lies,
                            .reorgs       = s->reorgs,
                            .resends      = s->resends,
                            .bumps        = s->bumps,
                            .cancels      = s->cancels };
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
    st.queued += s->slot[i].state == CF_SENDER_QUEUED;
    st.live += cf_slot_live(&s->slot[i]);
    st.reserved_wei += cf_sender_reserve(&s->slot[i]);
  }
  return st;
}
