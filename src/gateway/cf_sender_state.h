/* The inside of the sender, shared by its files and by nobody else. */
#ifndef CF_GATEWAY_SENDER_STATE_H
#define CF_GATEWAY_SENDER_STATE_H

#include "gateway/cf_sender.h"

enum { CF_SENDER_ID_META, CF_SENDER_ID_TX, CF_SENDER_ID_FEE, CF_SENDER_ID_LOOK, CF_SENDER_ID_TRACE, CF_SENDER_ID_SLOT = 8 }; /* above cfg.id */

static inline bool cf_slot_unmined(cf_sender_slot_t const *t) { return t->state == CF_SENDER_SIGNED || t->state == CF_SENDER_POOLED; }
static inline bool cf_slot_live(cf_sender_slot_t const *t) { return cf_slot_unmined(t) || t->state == CF_SENDER_MINED; }
/* A final block counts its nonce: nothing that is sent for it can get in. */
static inline bool cf_slot_used(cf_sender_t const *s, cf_sender_slot_t const *t) { return s->has_final && t->nonce < s->final_nonce; }

/* cf_sender.c */
void     cf_sender_stop(cf_sender_t *s, cf_sender_halt_t why);
void     cf_sender_resolve(cf_sender_t *s, cf_sender_slot_t *t, cf_sender_outcome_t outcome);
uint64_t cf_sender_next(cf_sender_t const *s); /* the lowest nonce that no slot has and no final block counts */
cf_wei_t cf_sender_reserve(cf_sender_slot_t const *t); /* what it may cost: only one of its transactions gets in */

/* cf_sender_go.c: what is due: sign, make durable, send, look */
void        cf_sender_go(cf_sender_t *s, cf_effects_t *fx);
cf_evm_tx_t cf_sender_tx(cf_sender_t const *s, cf_sender_slot_t const *t, unsigned attempt);
uint64_t    cf_sender_later(cf_sender_t const *s, unsigned fails); /* mono_ms of the next try */

/* cf_sender_look.c: what endpoints answered */
void cf_sender_looked(cf_sender_t *s, cf_event_t const *ev);
void cf_sender_mined(cf_sender_t *s, cf_sender_slot_t *t, unsigned attempt, cf_seen_t const *seen); /* resolves nothing */
cf_sender_outcome_t cf_sender_outcome(cf_sender_slot_t const *t); /* of the transaction that is in a block */
void cf_sender_sent(cf_sender_t *s, cf_sender_slot_t *t, cf_event_t const *ev);

/* cf_sender_trace.c: what look does not find */
void cf_sender_trace(cf_sender_t *s, cf_effects_t *fx);
void cf_sender_traced(cf_sender_t *s, cf_event_t const *ev);
void cf_sender_calm(cf_sender_t *s); /* a halt that nothing speaks for any more ends */

/* cf_sender_store.c: records */
void cf_sender_scan(cf_sender_t *s, cf_effects_t *fx);
void cf_sender_load(cf_sender_t *s, unsigned which, cf_event_t const *ev);
void cf_sender_save(cf_sender_t *s, cf_effects_t *fx);
void cf_sender_forget(cf_sender_t *s, uint64_t nonce, unsigned attempts); /* of a slot; 0: of a result */

#endif
