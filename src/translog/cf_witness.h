/* The witness: cosigns checkpoints of the logs it knows and never goes back
   (C2SP tlog-witness, FORMATS-LOG section 5).  A core.

   POST /add-checkpoint           the status table of the specification, in its order
   GET  /<hex H(origin)>/checkpoint  the last checkpoint that it cosigned

   What it remembers of a log is one file, witness/<hex H(origin)>: the note it cosigned last, signed by the
   log and by itself.  It is durable before the answer leaves: the PUT stands before the REPLY in the step.
   A file that does not verify stops the witness: it does not know any more what it has signed. */
#ifndef CF_TRANSLOG_WITNESS_H
#define CF_TRANSLOG_WITNESS_H

#include "base/cf_effect.h"
#include "translog/cf_note.h"

#define CF_WITNESS_FILE_MAX (8 + 64 + 1)
/* cf_witness_file names what a witness of log keeps in its folder: the last checkpoint that it cosigned. */
void cf_witness_file(char file[CF_WITNESS_FILE_MAX], cf_vkey_t const *log);

#define CF_WITNESS_LOGS_MAX    16
#define CF_WITNESS_NOTE_MAX    (CF_CHECKPOINT_TEXT_MAX + 1 + 2 * (4 + CF_NOTE_NAME_MAX + 1 + 104 + 1))
#define CF_WITNESS_SCRATCH_MAX 4096

typedef struct {
  cf_vkey_t log; /* whose name is the origin */
  char      file[CF_WITNESS_FILE_MAX];
  bool      loaded;
  bool      cosigned;
  uint64_t  size; /* 0 when never cosigned */
  cf_hash_t root;
  uint8_t   note[CF_WITNESS_NOTE_MAX];
  size_t    note_len;
} cf_witness_log_t;

typedef struct {
  cf_vkey_t        self;
  uint8_t const   *seed; /* borrowed from the caller's secret */
  size_t           log_cnt;
  cf_witness_log_t log[CF_WITNESS_LOGS_MAX];
} cf_witness_t;

/* cf_witness_init; cf_witness_trust adds a log before START.  CF_ERR_BOUND: the table is full.  CF_ERR_POLICY: not
   a log key, or its origin is known already. */
void                      cf_witness_init(cf_witness_t *w, cf_vkey_t const *self, uint8_t const *seed);
CF_MUST_CHECK cf_status_t cf_witness_trust(cf_witness_t *w, cf_vkey_t const *log);

void cf_witness_step(cf_witness_t *w, cf_effects_t *fx, cf_event_t const *ev);

#endif
