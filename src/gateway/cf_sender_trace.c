/* What endpoints do not find by its hash, and must be there: their blocks are read, from the final one down.  docs/protocol/sender.md "Halts". */
#include "gateway/cf_sender_state.h"

_Static_assert(CF_TRACE_TXS == CF_SENDER_ATTEMPTS_MAX, "all that a nonce may have");

enum { TRACE_MS = 120000, QUESTION_MAX = 8 + 32 + 8 + 8 + 1 + CF_TRACE_TXS * 32 };

void
cf_sender_trace(cf_sender_t *s, cf_effects_t *fx) {
  unsigned n = 1, i;
  while (n <= CF_SENDER_SLOTS && !s->slot[(s->traced_slot + n) % CF_SENDER_SLOTS].trace) n++; /* each in its turn */
  if (s->tracing || !s->has_final || n > CF_SENDER_SLOTS) return;
  cf_sender_slot_t *t = &s->slot[i = (s->traced_slot + n) % CF_SENDER_SLOTS];
  t->trace            = false;
  if (!cf_slot_live(t) && t->state != CF_SENDER_FINAL) return;
  /* Of what was final: does the block that is final now stand? */
  cf_trace_ask_t q = { .number = s->final_number, .hash = s->final_hash, .low = t->state == CF_SENDER_FINAL ? s->final_number : 0, .nonce = t->nonce, .n = t->at_cnt };
  for (unsigned k = 0; k < t->at_cnt; k++) q.tx[k] = t->at[k].hash;
  cf_wr_t wr = cf_wr_init(cf_fx_room(fx, QUESTION_MAX), QUESTION_MAX);
  cf_trace_ask_write(&wr, &q);
  s->tracing      = true;
  s->traced_slot  = i;
  s->traced_nonce = t->nonce;
  cf_fx_ask(fx, s->cfg.id + CF_SENDER_ID_TRACE, s->cfg.chain, CF_SPAN_LIT("POST /trace"), cf_wr_out(&wr), TRACE_MS);
}

/* It has this nonce, and is not one of ours; whoever signed it has our key. */
static bool
is_foreign(cf_sender_t *s, cf_sender_slot_t const *t, cf_span_t raw) {
  cf_evm_signed_t e;
  if (cf_evm_tx_decode(&e, raw, cf_wr_init(s->raw, sizeof s->raw))) return false;
  if (!cf_addr_eq(&e.from, &s->account) || e.tx.chain_id != s->cfg.chain_id || e.tx.nonce != t->nonce) return false;
  for (unsigned k = 0; k < t->at_cnt; k++)
    if (cf_hash_eq(&t->at[k].hash, &e.hash)) return false;
  return true;
}

/* Returns false for what no chain gives. */
static bool
found(cf_sender_t *s, cf_sender_slot_t *t, cf_traced_t const *got) {
  bool      bare = got->kind == CF_TRACED_BARE;
  cf_seen_t seen = got->seen;
  unsigned  k    = 0;
  while (k < t->at_cnt && !cf_hash_eq(&t->at[k].hash, &got->tx)) k++;
  if (k == t->at_cnt || seen.block > s->final_number || seen.gas_used > t->at[k].gas || seen.price_wei > t->at[k].fees.fee_wei) return false;
  if (bare) seen.gas_used = t->at[k].gas, seen.price_wei = t->at[k].fees.fee_wei;
  cf_sender_mined(s, t, k, &seen);
  cf_sender_resolve(s, t, bare && !t->at[k].cancel ? CF_SENDER_UNTOLD : cf_sender_outcome(t));
  return true;
}

static void
lost(cf_sender_t *s, cf_sender_slot_t *t, cf_sender_halt_t halt) {
  if (t->nonce < s->lost_below) cf_sender_resolve(s, t, CF_SENDER_LOST);
  else cf_sender_stop(s, halt);
}

void
cf_sender_traced(cf_sender_t *s, cf_event_t const *ev) {
  cf_sender_slot_t *t    = &s->slot[s->traced_slot];
  bool              open = cf_slot_live(t) && cf_slot_used(s, t);
  cf_traced_t       got  = { 0 };
  s->tracing             = false;
  if (cf_sender_halt_proven(s->halt)) return;
  if (!ev->status && ev->code == 200 && cf_traced_decode(&got, ev->body)) s->lies++;
  if (t->nonce != s->traced_nonce || (!open && t->state != CF_SENDER_FINAL)) return;
  switch (got.kind) {
  case CF_TRACED_UNKNOWN: /* whoever resumes does not know, either: it is not lost */
    if (open && t->strikes >= CF_SENDER_UNSEEN_MAX) cf_sender_stop(s, CF_SENDER_HALT_UNSEEN);
    return;
  case CF_TRACED_UNDONE: cf_sender_stop(s, CF_SENDER_HALT_VANISHED); return;
  case CF_TRACED_NONE:
    if (open) lost(s, t, CF_SENDER_HALT_UNSEEN);
    else t->strikes = 0;
    break;
  case CF_TRACED_OURS:
    if (!open) t->strikes = 0;
    else if (!found(s, t, &got)) s->lies++;
    break;
  case CF_TRACED_BARE: /* a receipt may still come, as may a node that has it */
    if (!open) t->strikes = 0;
    else if (t->strikes < CF_SENDER_UNSEEN_MAX) return;
    else if (!found(s, t, &got)) s->lies++;
    break;
  case CF_TRACED_OTHER:
    if (!open) t->strikes = 0;
    else if (is_foreign(s, t, got.raw)) lost(s, t, CF_SENDER_HALT_SHARED);
    else s->lies++;
    break;
  case CF_TRACEDS: break;
  }
  cf_sender_calm(s);
}

void
cf_sender_calm(cf_sender_t *s) {
  if (!s->halt || cf_sender_halt_proven(s->halt)) return;
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++)
    if ((cf_slot_live(&s->slot[i]) || s->slot[i].state == CF_SENDER_FINAL) && s->slot[i].strikes) return;
  s->halt = CF_SENDER_RUNNING;
}
