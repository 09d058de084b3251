/* What an auditor keeps from one audit to the next: a file of its own with every file of the public folder that it judged, byte by byte
   (docs/protocol/audit.md, "The state").  The next audit judges the same again and reads the folder only for what is new; the folder must
   extend what the state knows.  So a whole folder that is older than itself, or a log that took another turn, is found, and a fork is
   proven with the auditor's own copy even when the other side is gone.

   One audit's; not thread-safe.  Memory: 40 bytes for each file of the state and 150 for each that
   is read, by malloc; ends the process when there is none. */
#ifndef CF_AUDIT_SINCE_H
#define CF_AUDIT_SINCE_H

#include "audit/cf_audit.h"
#include "translog/cf_note.h"

/* cf_since_open reads a state, which is borrowed for the life of *out; empty: there is none yet, and all is read.  domain is the one that
   it must be of, NULL: any.
   CF_ERR_FORMAT  no state;  CF_ERR_UNSUPPORTED  of another version
   CF_ERR_AUTH    it is not what an audit wrote: altered or torn
   CF_ERR_POLICY  of another domain */
CF_MUST_CHECK cf_status_t cf_since_open(cf_since_t **out, cf_span_t state, cf_hash_t const *domain, cf_error_t *err);
void                      cf_since_free(cf_since_t *s);

/* The head that the state knows; false when there is none.  domain, head and time_s may be NULL. */
bool cf_since_knows(cf_since_t const *s, cf_hash_t *domain, cf_checkpoint_t *head, uint64_t *time_s);

/* What the audit that used s last did not read again. */
typedef struct {
  uint64_t files, bytes;
  uint64_t entries; /* 0 to this, exclusive */
  uint64_t blocks;  /* as well */
} cf_since_saved_t;
void cf_since_saved(cf_since_saved_t *out, cf_since_t const *s);

/* cf_since_tree reads the tiles of the state (cf_tiles_init); for proofs about what it knows. */
cf_audit_reader_t cf_since_tree(cf_since_t const *s);

/* cf_since_write writes the state behind a finished audit that used s (cf_audit_options_t) and found no fault; the audit's reader
   is used once more.  What was judged and is another by now is left out.  CF_ERR_IO: the reader failed; what was written is no state. */
CF_MUST_CHECK cf_status_t cf_since_write(cf_since_t *s, uint64_t now_s, cf_audit_out_t const *out);

#endif
