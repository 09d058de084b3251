/* What endpoints answered: believed as far as it can do no harm. */
#include "gateway/cf_sender_state.h"

/* ---- send ---- */

void cf_sender_sent(cf_sender_t *s, cf_sender_slot_t *t, cf_event_t const *ev) {
  cf_sent_t what = CF_SENT_UNKNOWN;
  bool      was  = t->sending;
  t->sending     = false;
  if (!was || !cf_slot_unmined(t)) return;
  if (!ev->status && ev->code == 200 && cf_sent_decode(&what, ev->body)) s->lies++;
  t->sent_ms = s->now.mono_ms;
  if (what != CF_SENT_REFUSED) t->refusals = 0;
  t->poor = what == CF_SENT_NO_FUNDS;
  if (what == CF_SENT_TAKEN || what == CF_SENT_KNOWN) {
    t->fails = 0;
    t->state = CF_SENDER_POOLED;
    return;
  }
  if (t->send_at_ms) t->send_at_ms = cf_sender_later(s, t->fails++); /* 0: another was signed meanwhile */
  switch (what) {
  case CF_SENT_NONCE_LOW: s->look_now = true; break; /* one of ours, or somebody else's: only blocks tell */
  case CF_SENT_UNDERPRICED:
    if (t->again != t->at_cnt - 1) { /* it had been in a block; the pool has a younger one */
      t->again      = t->at_cnt - 1;
      t->send_at_ms = 0;
    } else t->bump = true;
    break;
  case CF_SENT_FEE_LOW: t->bump = true; break;
  case CF_SENT_REFUSED:
    if (++t->refusals < CF_SENDER_REFUSALS_MAX || t->at[t->at_cnt - 1].cancel || t->dropped) break;
    t->dropped = t->dirty = true; /* its nonce must be used all the same */
    break;
  case CF_SENT_NO_FUNDS:
  case CF_SENT_UNKNOWN:
  case CF_SENT_TAKEN:
  case CF_SENT_KNOWN:
  case CF_SENTS: break;
  }
}

/* ---- look ---- */

static bool is_mined(cf_seen_t const *seen) { return seen->kind == CF_SEEN_SUCCEEDED || seen->kind == CF_SEEN_REVERTED; }

/* The slot that a hash was asked for; NULL when it is another's now. */
static cf_sender_slot_t *asked(cf_sender_t *s, size_t i) {
  cf_sender_slot_t *t = &s->slot[s->asked[i].slot];
  return (cf_slot_live(t) || t->state == CF_SENDER_FINAL) && t->nonce == s->asked[i].nonce ? t : NULL;
}

/* No chain gives such an answer. */
static bool contradictory(cf_sender_t *s, cf_look_t const *look) {
  for (size_t i = 0; i < look->n; i++) {
    cf_seen_t const  *seen = &s->seen[i];
    cf_sender_slot_t *t    = asked(s, i);
    if (!t || !is_mined(seen)) continue;
    cf_sender_attempt_t const *a = &t->at[s->asked[i].attempt];
    if (seen->block > look->number || t->nonce >= look->nonce) return true;
    if (seen->gas_used > a->gas || seen->price_wei > a->fees.fee_wei) return true;
    for (size_t k = i + 1; k < look->n; k++) /* one nonce, two transactions */
      if (s->asked[k].slot == s->asked[i].slot && is_mined(&s->seen[k])) return true;
  }
  return false;
}

cf_sender_outcome_t cf_sender_outcome(cf_sender_slot_t const *t) {
  if (t->at[t->mined].cancel) return CF_SENDER_CANCELLED;
  return t->success ? CF_SENDER_EXECUTED : CF_SENDER_REVERTED;
}

void cf_sender_mined(cf_sender_t *s, cf_sender_slot_t *t, unsigned attempt, cf_seen_t const *seen) {
  if (t->state == CF_SENDER_MINED && !cf_hash_eq(&t->block_hash, &seen->block_hash)) s->reorgs++;
  t->state      = CF_SENDER_MINED;
  t->mined      = attempt;
  t->block      = seen->block;
  t->block_hash = seen->block_hash;
  t->success    = seen->kind == CF_SEEN_SUCCEEDED;
  t->fee_wei    = (cf_wei_t)seen->gas_used * seen->price_wei;
  t->bump = t->poor = false;
  t->strikes = t->fails = 0;
}

static void see_mined(cf_sender_t *s, cf_sender_slot_t *t, unsigned attempt, cf_seen_t const *seen) {
  cf_sender_mined(s, t, attempt, seen);
  /* Final: a proven block counts the nonce as used, and the answer was asked for with that block known. */
  if (s->has_final && t->nonce < s->asked_nonce && t->block <= s->asked_final) cf_sender_resolve(s, t, cf_sender_outcome(t));
}

/* It left its block: the same bytes again. */
static void unmine(cf_sender_t *s, cf_sender_slot_t *t) {
  s->reorgs++;
  s->resends++;
  t->state       = CF_SENDER_SIGNED;
  t->again       = t->mined;
  t->send_at_ms  = 0;
  t->since_ms    = s->now.mono_ms;
  t->since_block = s->latest_number;
}

/* What was said of a slot's transactions, taken together. */
typedef struct {
  unsigned n, unknown, absent;
  int      mined; /* index into seen; -1 */
  int      again; /* ... of the transaction that is to be sent */
  int      held;  /* ... of the one that was in a block */
} of_slot_t;

static of_slot_t gather(cf_sender_t *s, size_t slot, size_t n) {
  of_slot_t o = { .mined = -1, .again = -1, .held = -1 };
  for (size_t i = 0; i < n; i++) {
    if (s->asked[i].slot != slot || !asked(s, i)) continue;
    o.n++;
    o.unknown += s->seen[i].kind == CF_SEEN_UNKNOWN;
    o.absent += s->seen[i].kind == CF_SEEN_ABSENT;
    if (is_mined(&s->seen[i])) o.mined = (int)i;
    if (s->asked[i].attempt == s->slot[slot].again) o.again = (int)i;
    if (s->asked[i].attempt == s->slot[slot].mined) o.held = (int)i;
  }
  return o;
}

static void watch(cf_sender_t *s, cf_sender_slot_t *t, of_slot_t const *o) {
  if (o->held < 0 || s->seen[o->held].kind == CF_SEEN_UNKNOWN) return;
  cf_seen_t const *seen = &s->seen[o->held];
  if (is_mined(seen) && cf_hash_eq(&seen->block_hash, &t->block_hash)) t->strikes = 0;
  else if (++t->strikes % CF_SENDER_STRIKES_MAX == 0) t->trace = true;
}

static void follow(cf_sender_t *s, cf_sender_slot_t *t, of_slot_t const *o) {
  if (o->mined >= 0) {
    see_mined(s, t, s->asked[o->mined].attempt, &s->seen[o->mined]);
    return;
  }
  /* Absent, or whatever else is said of a nonce that is used: a node may go on naming a block that was left. */
  bool used = s->has_final && t->nonce < s->asked_nonce && s->latest_nonce >= s->asked_nonce;
  if (used && o->n == t->at_cnt && ++t->strikes % CF_SENDER_STRIKES_MAX == 0) t->trace = true;
  if (t->state == CF_SENDER_MINED) {
    if (o->held < 0 || s->seen[o->held].kind == CF_SEEN_UNKNOWN) return;
    unmine(s, t);
  }
  if (o->again >= 0 && t->sent_ms < s->asked_ms && !t->sending) { /* what was sent since then cannot have been seen */
    cf_seen_kind_t kind = s->seen[o->again].kind;
    if (kind == CF_SEEN_POOL) t->state = CF_SENDER_POOLED;
    if (kind == CF_SEEN_ABSENT) {
      if (t->state == CF_SENDER_POOLED) { /* dropped from the pools */
        s->resends++;
        t->send_at_ms = 0;
      }
      t->state = CF_SENDER_SIGNED;
    }
  }
}

/* The one that all others wait for pays more when blocks pass it by. */
static void hurry(cf_sender_t *s) {
  cf_sender_slot_t *first = NULL;
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++)
    if (cf_slot_unmined(&s->slot[i]) && !cf_slot_used(s, &s->slot[i]) && (!first || s->slot[i].nonce < first->nonce)) first = &s->slot[i];
  if (!first) return;
  if (!first->since_block) { /* of another life: its wait begins with the first look of this one */
    first->since_ms    = s->now.mono_ms;
    first->since_block = s->latest_number;
  }
  if (s->now.mono_ms - first->since_ms < s->cfg.bump_ms) return;
  if (s->latest_number >= first->since_block + s->cfg.bump_blocks) first->bump = true;
}

void cf_sender_looked(cf_sender_t *s, cf_event_t const *ev) {
  cf_look_t look;
  s->looking = false;
  if (cf_sender_halt_proven(s->halt)) return;
  if (ev->status || ev->code != 200) {
    s->look_at_ms = cf_sender_later(s, s->look_fails++);
    return;
  }
  s->look_fails = 0;
  if (cf_look_decode(&look, s->seen, sizeof s->seen / sizeof *s->seen, ev->body) || look.n != s->asked_cnt || contradictory(s, &look)) {
    s->lies++;
    return;
  }
  if (s->has_final && look.number < s->final_number) return; /* endpoints that are behind */
  s->looked        = true;
  s->looked_ms     = s->now.mono_ms;
  s->latest_number = look.number;
  s->latest_nonce  = look.nonce;
  s->hint          = look.fees;
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
    cf_sender_slot_t *t = &s->slot[i];
    of_slot_t         o = gather(s, i, look.n);
    if (!o.n) continue;
    if (t->state == CF_SENDER_FINAL) watch(s, t, &o);
    else follow(s, t, &o);
  }
  hurry(s);
  cf_sender_calm(s);
  if (s->look_stale) s->look_now = true;
}
