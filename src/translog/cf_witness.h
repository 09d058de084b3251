/* The witness: cosigns checkpoints of the logs it knows and never goes back
   (C2SP tlog-witness, FORMATS-LOG section 5).  A core.

   POST /add-checkpoint           the status table of the specification, in its order
   GET  /<hex H(origin)>/checkpoint  the last checkpoint that it cosigned

   What it remembers is one file, witness/state (translog/cf_witness_state.h): the notes that it cosigned, each signed by its log and by
   itself.  A note is durable before its answer leaves: the APPEND stands before the REPLY in a step.  What is asked in one burst is appended
   together, at the TICK that follows it; what else depends on a note that is not durable yet makes it so first.  The file is written anew, with the last note
   of each log, when a life begins and ends and when it has grown to CF_WITNESS_STATE_MAX.
   Before a log's first note, and where an older program kept it, there is witness/<hex H(origin)>, one note: it is taken over, and
   removed once its log is in the state.  The driver says whether one that is missing was ever written.
   A state that does not verify stops the witness: it does not know any more what it has signed. */
#ifndef CF_TRANSLOG_WITNESS_H
#define CF_TRANSLOG_WITNESS_H

#include "base/cf_effect.h"
#include "translog/cf_note.h"
#include "translog/cf_witness_state.h"

#define CF_WITNESS_FILE_MAX (8 + 64 + 1)
/* cf_witness_file names what stands in a witness' folder for a log that is not in its state yet. */
void cf_witness_file(char file[CF_WITNESS_FILE_MAX], cf_vkey_t const *log);

#define CF_WITNESS_LOGS_MAX    16
#define CF_WITNESS_HELD_MAX    (2 * CF_WITNESS_LOGS_MAX)
#define CF_WITNESS_STATE_MAX   (256u << 10)
#define CF_WITNESS_BASE_MAX    (64 + CF_WITNESS_HELD_MAX * (CF_WITNESS_NOTE_MAX + 1))
#define CF_WITNESS_BURST_MAX   64
#define CF_WITNESS_SCRATCH_MAX 4096

typedef struct {
  cf_vkey_t log; /* whose name is the origin */
  char      file[CF_WITNESS_FILE_MAX];
  bool      loaded;
  bool      cosigned;
  bool      dirty; /* its note is not in the state yet */
  bool      held;  /* one of its notes is */
  uint64_t  size; /* 0 when never cosigned */
  cf_hash_t root;
  uint8_t   note[CF_WITNESS_NOTE_MAX];
  size_t    note_len;
} cf_witness_log_t;

typedef struct {
  cf_vkey_t        self;
  uint8_t const   *seed; /* borrowed from the caller's secret */
  size_t           log_cnt;
  size_t           held_cnt; /* behind those that are trusted: logs that were, of which only name, size, root and note are known */
  cf_witness_log_t log[CF_WITNESS_HELD_MAX];
  size_t           state_sz;   /* 0: there is none */
  bool             state_grew; /* since it was written whole */
  uint8_t          out[CF_WITNESS_BASE_MAX];
  size_t           said_cnt; /* answers that wait for the state */
  struct {
    uint64_t id;
    size_t   len;
    uint8_t  line[4 + CF_NOTE_NAME_MAX + 1 + 104 + 1];
  } said[CF_WITNESS_BURST_MAX];
} cf_witness_t;

/* cf_witness_init; cf_witness_trust adds a log before START.  CF_ERR_BOUND: the table is full.  CF_ERR_POLICY: not
   a log key, or its origin is known already. */
void                      cf_witness_init(cf_witness_t *w, cf_vkey_t const *self, uint8_t const *seed);
CF_MUST_CHECK cf_status_t cf_witness_trust(cf_witness_t *w, cf_vkey_t const *log);

void cf_witness_step(cf_witness_t *w, cf_effects_t *fx, cf_event_t const *ev);

#endif
