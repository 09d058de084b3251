/* The proof that a log was forked: two checkpoints that one log key signed and that cannot both be heads of one tree, with what shows
   it (docs/protocol/fork.md).  A file that stands alone: whoever trusts the log's key is convinced by it, offline.

   The heads are of one size and have different roots; or the larger one's tree is shown, by a consistency proof, to begin with
   another tree of the smaller size.  Pure, thread-safe; nothing allocates; spans borrow their input. */
#ifndef CF_TRANSLOG_FORK_H
#define CF_TRANSLOG_FORK_H

#include "translog/cf_note.h"

#define CF_FORK_MAX 32768

/* What the bytes say. */
typedef struct {
  cf_vkey_t log;
  size_t    witness_cnt;
  cf_vkey_t witness[CF_WITNESSES_MAX]; /* rising by their vkey texts; each signed at least one of the notes */
  cf_hash_t other;                     /* root of the first size[0] entries of the larger tree; of equal sizes, the second one's */
  cf_hash_t path[CF_TREE_PATH_MAX];    /* from there to the larger tree */
  size_t    path_cnt;
  cf_span_t note[2]; /* the smaller first; of equal sizes, the smaller root */
} cf_fork_t;

/* What was found to be true, made by cf_fork_verify alone. */
typedef struct {
  cf_checkpoint_t head[2];
  cf_cosig_t      cosig[2][CF_WITNESSES_MAX]; /* of the same witness in both: it lied */
} cf_forked_t;

/* cf_fork_parse checks the form, by which one proof has one text.  CF_ERR_FORMAT; CF_ERR_BOUND; CF_ERR_UNSUPPORTED: another version. */
CF_MUST_CHECK cf_status_t cf_fork_parse(cf_fork_t *out, cf_span_t in, cf_error_t *err);
void                      cf_fork_write(cf_wr_t *wr, cf_fork_t const *f);

/* cf_fork_verify: CF_OK when every signature verifies and the heads contradict each other.  CF_ERR_FORMAT: a note is not its canonical
   form over the file's keys, or the notes stand in the wrong order; CF_ERR_AUTH: a signature or the path does not hold, or the heads agree;
   CF_ERR_POLICY: a note of another origin.  Does not say that the keys are anybody's. */
CF_MUST_CHECK cf_status_t cf_fork_verify(cf_forked_t *out, cf_fork_t const *f, cf_error_t *err);

/* cf_fork_make writes the proof that notes a and b make, with the cosignatures by members of known that verify; other lines are left
   out.  Of different sizes, reader is of the larger one's tree; else it may be NULL.  CF_ERR_AUTH: they agree, or a note is not the
   log's; CF_ERR_FORMAT: the reader's hashes are not of the larger head's tree; what the reader returns is passed on. */
CF_MUST_CHECK cf_status_t cf_fork_make(cf_wr_t *wr, cf_span_t a, cf_span_t b, cf_witness_set_t const *known,
                                       cf_tree_reader_t const *reader, cf_error_t *err);

#endif
