/* The file of what a witness cosigned: text, and thereby free of NULs.

   base   "witness-state N" LF, and N notes, each ended by an empty line: written whole, in the place of the file before
   grown  further notes, appended; the last one of a log counts

   An append that a power cut interrupted has NULs where its sectors did not come to the disk, or ends early.  It was the last one,
   and nobody was told of what it says: a note that is not whole is not counted, nor is what behind it does not verify.  What verifies behind it
   counts, because it makes the witness only more careful.  A note that is whole is what was written, or somebody altered it. */
#ifndef CF_TRANSLOG_WITNESS_STATE_H
#define CF_TRANSLOG_WITNESS_STATE_H

#include "translog/cf_note.h"

#define CF_WITNESS_STATE    "witness/state"
#define CF_WITNESS_NOTE_MAX (CF_CHECKPOINT_TEXT_MAX + 1 + 2 * (4 + CF_NOTE_NAME_MAX + 1 + 104 + 1))

void cf_witness_state_begin(cf_wr_t *wr, size_t cnt); /* of a base with cnt notes */
void cf_witness_state_add(cf_wr_t *wr, cf_span_t note);

/* A state as it is read; borrows it. */
typedef struct {
  cf_span_t rest;
  uint64_t  base; /* notes of it that are still to come */
  bool      torn; /* from here on a note need not verify */
  bool      bad;  /* neither written so nor left so by a power cut */
} cf_witness_notes_t;

/* cf_witness_notes_open is false where no base begins.  cf_witness_notes_next gives the notes in their order, false at the end, or where the file
   is bad; it looks at where they end, and verifies nothing. */
CF_MUST_CHECK bool cf_witness_notes_open(cf_witness_notes_t *n, cf_span_t state);
bool               cf_witness_notes_next(cf_witness_notes_t *n, cf_span_t *note);

#endif
