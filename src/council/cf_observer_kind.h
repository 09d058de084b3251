/* The seam between an observer and the kinds of ledger: what the kind reads, and how the core hears of it.  Shared by the observer's
   files and by nobody else. */
#ifndef CF_COUNCIL_OBSERVER_KIND_H
#define CF_COUNCIL_OBSERVER_KIND_H

#include "council/cf_observer.h"

/* The ids of effects: a kind has one question under way. */
enum { CF_OBSERVER_ID_SIGNED = 1, CF_OBSERVER_ID_FOLLOW = 2, CF_OBSERVER_ID_LEDGER = CF_OBSERVER_ID_FOLLOW + CF_FOLLOW_IDS };

typedef struct cf_observer_kind {
  void (*init)(cf_observer_t *o);
  void (*fini)(cf_observer_t *o);
  void (*ask)(cf_observer_t *o, cf_effects_t *fx, cf_now_t now); /* begins a reading, or what is left of it: cf_observer_may_ask */
  void (*answered)(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev);
  void (*tick)(cf_observer_t *o, cf_effects_t *fx, cf_now_t now); /* also when the core is ready */
} cf_observer_kind_t;

extern cf_observer_kind_t const cf_observer_embedded, cf_observer_evm;

/* cf_observer_may_ask says whether a question may go out, and notes that one does: it is for all who wait unasked. */
bool cf_observer_may_ask(cf_observer_t *o);
/* cf_observer_ended ends a reading; OK: newest, code and skewed are what it found.  A code from DEPLOYMENT on is for ever. */
void cf_observer_ended(cf_observer_t *o, cf_observer_code_t code);
/* Another block stands where one was signed. */
bool cf_observer_contradicts(cf_observer_t const *o, cf_observer_block_t const *b);

#endif
