/* What the writer of a log (cf_logwriter.c) and its recovery (cf_logwriter_recovery.c) share, and nobody else: the log in memory as
   cf_logwriter_t has it, the names of its files, and how they are brought up to it. */
#ifndef CF_TRANSLOG_LOGWRITER_STATE_H
#define CF_TRANSLOG_LOGWRITER_STATE_H

#include "translog/cf_logwriter.h"

#define CF_LOGWRITER_LEAVES 16 /* that are hashed at a time */

/* The root of complete subtree number index, of 2^level entries. */
static inline cf_hash_t *
cf_logwriter_node(cf_logwriter_t const *w, unsigned level, uint64_t index) {
  return w->node + (2 * w->cfg.cap - (2 * w->cfg.cap >> level)) + index;
}

/* cf_logwriter_restore adds an entry that is durable already; it fits (cap, tail), and its key is not asked for before. */
void cf_logwriter_restore(cf_logwriter_t *w, cf_span_t bytes, cf_hash_t const *leaf);
void cf_logwriter_find_root(cf_logwriter_t *w);

/* cf_logwriter_settle_tail keeps in the tail what is not filed yet, from the bundle on that it begins in, at the front. */
void cf_logwriter_settle_tail(cf_logwriter_t *w);

cf_span_t cf_logwriter_tile_name(cf_effects_t *fx, cf_tile_t const *t);
cf_span_t cf_logwriter_segment_name(cf_logwriter_t const *w, cf_effects_t *fx);

/* cf_logwriter_note_partial: that file is there. */
void cf_logwriter_note_partial(cf_logwriter_t *w, cf_tile_t const *t);

/* cf_logwriter_put_files writes the files of a log that grew from size from.  The bundles are left out when they are there already.  They may
   come in any order: nothing of them is seen before the checkpoint, and the journal has them until then. */
void cf_logwriter_put_files(cf_logwriter_t *w, cf_effects_t *fx, uint64_t from, bool bundles);

/* cf_logwriter_remove_segment ends the journal file under way: all that it holds is published. */
void cf_logwriter_remove_segment(cf_logwriter_t *w, cf_effects_t *fx);

#endif
