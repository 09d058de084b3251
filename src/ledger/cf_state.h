/* What an embedded ledger's replay accumulates: slots with their tree, the
   inbox messages, held units per asset, calls seen.  The one container of this
   room that allocates: it grows with what the ledger holds (about 260 bytes a slot,
   60 a call, 40 a message) and stops the process when memory ends.

   Not thread-safe.  One root and its proofs are hashed in one go however many
   slots changed before. */
#ifndef CF_LEDGER_STATE_H
#define CF_LEDGER_STATE_H

#include "ledger/cf_ledger.h"
#include "ledger/cf_sparse.h"

typedef struct cf_ledger_state cf_ledger_state_t;

cf_ledger_state_t *cf_ledger_state_new(void);
void               cf_ledger_state_free(cf_ledger_state_t *st);

/* ---- slots ---- */
cf_hash_t        cf_ledger_state_get(cf_ledger_state_t const *st, cf_hash_t const *key);
void             cf_ledger_state_put(cf_ledger_state_t *st, cf_hash_t const *key, cf_hash_t const *value);
cf_slot_reader_t cf_ledger_state_reader(cf_ledger_state_t *st);
size_t           cf_ledger_state_cnt(cf_ledger_state_t const *st); /* slots that are not zero */
/* cf_ledger_state_effects lends room for one call's effects, CF_LEDGER_WRITES_MAX writes; the next call uses it again. */
cf_ledger_effects_t cf_ledger_state_effects(cf_ledger_state_t *st);
/* cf_ledger_state_root brings the tree up to date. */
cf_hash_t cf_ledger_state_root(cf_ledger_state_t *st);
/* cf_ledger_state_prove writes the proof (cf_sparse.h) for n <= CF_SPARSE_KEYS_MAX keys against the root. */
void cf_ledger_state_prove(cf_ledger_state_t *st, cf_wr_t *wr, cf_hash_t const *keys, size_t n);

/* ---- the inbox's messages, counted from 0 ---- */
void      cf_ledger_state_add_message(cf_ledger_state_t *st, cf_span_t msg);
uint64_t  cf_ledger_state_messages(cf_ledger_state_t const *st);
/* The bytes of messages from to at most cnt on, as many as fit max bytes; *taken is their number.  Borrowed until the
   next add.  from <= messages. */
cf_span_t cf_ledger_state_message_run(cf_ledger_state_t const *st, uint64_t from, uint64_t cnt, size_t max, uint64_t *taken);

/* ---- units of an asset that the ledger holds: deposits less what was paid ---- */
uint64_t cf_ledger_state_held(cf_ledger_state_t const *st, uint32_t asset);
void     cf_ledger_state_move(cf_ledger_state_t *st, cf_ledger_effects_t const *fx);

/* ---- calls accepted, by id ---- */
typedef struct {
  uint64_t block;
  uint32_t index;
} cf_call_place_t;
void cf_ledger_state_add_call(cf_ledger_state_t *st, cf_hash_t const *id, cf_call_place_t place);
bool cf_ledger_state_find_call(cf_ledger_state_t const *st, cf_hash_t const *id, cf_call_place_t *place);

#endif
