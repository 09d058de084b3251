/* The quorum publisher: takes the log's newest checkpoint to all witnesses at
   once and yields one cosigned note per size, as soon as k of them signed.  A
   machine inside another core, as the writer is; it starts from nothing and
   learns what each witness knows from the witness.

   The note of a size is written once, as checkpoints/<size, 20 digits>, in canonical
   form, and never again: a restart finds it there and takes it.  While a round is in
   flight newer checkpoints wait and only the newest of them is published next; a round that has not
   come to its end after CF_PUBLISHER_ROUND_MS gives way to a newer one.

   A witness is believed in nothing: a cosignature counts when it verifies over the very
   text that was sent and its time is within CF_PUBLISHER_SKEW_S of ours; a size it claims to know steers
   only the next question. */
#ifndef CF_TRANSLOG_PUBLISHER_H
#define CF_TRANSLOG_PUBLISHER_H

#include "base/cf_effect.h"
#include "translog/cf_note.h"

#define CF_PUBLISHER_TIMEOUT_MS  2000
#define CF_PUBLISHER_ROUND_MS    5000
#define CF_PUBLISHER_BACKOFF_MS  100   /* doubled per failure in a row ... */
#define CF_PUBLISHER_BACKOFF_MAX 10000 /* ... up to here, where a witness that refuses or lies starts */
#define CF_PUBLISHER_SKEW_S      86400
#define CF_PUBLISHER_HOPS_MAX    3 /* 409s in a round that are followed at once */
#define CF_PUBLISHER_IDS         (1 + CF_WITNESSES_MAX)
#define CF_PUBLISHER_SCRATCH_MAX (8192 + CF_WITNESSES_MAX * 6144)

typedef struct {
  cf_witness_set_t set;
  unsigned         peer[CF_WITNESSES_MAX]; /* of member i, in the driver's table */
  cf_tree_reader_t reader;                 /* the log's tree, for consistency proofs */
  uint64_t         id;                     /* first of CF_PUBLISHER_IDS ids of effects */
} cf_publisher_config_t;

/* How the last question to a witness ended; for status and metrics. */
typedef enum {
  CF_WITNESS_SILENT,   /* not asked yet, no answer, or 5xx                  */
  CF_WITNESS_COSIGNED, /* a good cosignature                                */
  CF_WITNESS_CONFLICT, /* 409: it is at another size                        */
  CF_WITNESS_REFUSED,  /* 400, 403, 404, 422 or a status out of the table   */
  CF_WITNESS_LIED,     /* a cosignature that is none, or a senseless answer */
} cf_witness_answer_t;

typedef struct {
  cf_witness_answer_t last;
  unsigned            code; /* HTTP status of the last answer, 0 for none */
  unsigned            fails;
  unsigned            hops;
  bool                busy; /* one question at a time */
  uint64_t            asked_size;
  uint64_t            asked_old;
  uint64_t            known; /* size it cosigned last, as far as we know */
  uint64_t            retry_at_ms;
} cf_publisher_witness_t;

/* A checkpoint under way. */
typedef struct {
  uint64_t  size; /* 0: none */
  cf_hash_t root;
  uint8_t   text[CF_CHECKPOINT_TEXT_MAX];
  size_t    text_len;
  uint8_t   log_sig[64];
} cf_publisher_head_t;

typedef enum { CF_PUBLISHER_IDLE, CF_PUBLISHER_LOOKING, CF_PUBLISHER_ASKING } cf_publisher_phase_t;

typedef struct {
  cf_publisher_config_t  cfg;
  cf_publisher_phase_t   phase;
  bool                   looked; /* for a note of an earlier life, once */
  cf_publisher_head_t    round;
  cf_publisher_head_t    next;
  uint64_t               began_ms; /* of the round */
  cf_cosig_t             cosig[CF_WITNESSES_MAX];
  cf_publisher_witness_t witness[CF_WITNESSES_MAX];
  cf_cosigned_t          cosigned; /* the newest; size 0: none yet */
  uint8_t                note[CF_CHECKPOINT_NOTE_MAX];
  size_t                 note_len;
} cf_publisher_t;

/* CF_ERR_POLICY: the set is refused (cf_witness_set_check).  For another set (a policy came into force) init again
   with other ids. */
CF_MUST_CHECK cf_status_t cf_publisher_init(cf_publisher_t *p, cf_publisher_config_t const *cfg, cf_error_t *err);

/* cf_publisher_grown hands over a checkpoint that is durable (call it behind cf_logwriter_append in the step, or
   later).  Sizes that are not larger than all before are ignored.  CF_ERR_FORMAT, CF_ERR_AUTH, CF_ERR_POLICY: not
   a checkpoint by the set's log. */
CF_MUST_CHECK cf_status_t cf_publisher_grown(cf_publisher_t *p, cf_effects_t *fx, cf_now_t now, cf_span_t note, cf_error_t *err);

/* cf_publisher_step goes on with an event: DONE with one of its ids, or TICK.  True when a new size is cosigned: then p->cosigned
   and cf_publisher_note hold it, and its file is durable before the effects that the caller puts behind. */
bool cf_publisher_step(cf_publisher_t *p, cf_effects_t *fx, cf_event_t const *ev);

/* The newest cosigned note, canonical; empty when there is none.  Borrowed until the next step. */
cf_span_t cf_publisher_note(cf_publisher_t const *p);
/* Since when a checkpoint has been waiting for its quorum; UINT64_MAX when none waits.  The mode log-degraded reads this. */
uint64_t cf_publisher_waiting_since_ms(cf_publisher_t const *p);

/* The name of the canonical note of a size: "checkpoints/<20 digits>". */
cf_span_t cf_publisher_name(cf_effects_t *fx, uint64_t size);

#endif
