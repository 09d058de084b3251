/* The journal of a log (docs/protocol/log.md): one record for each group, durable by one append before anything of the
   group is in a file that others read.  Form only; the writer says what is true.  Pure; spans borrow the input. */
#ifndef CF_TRANSLOG_LOGJOURNAL_H
#define CF_TRANSLOG_LOGJOURNAL_H

#include "base/cf_bytes.h"
#include "crypto/cf_hash.h"
#include "translog/cf_note.h"
#include "translog/cf_tile.h"

#define CF_LOGRECORD_NOTE_MAX (CF_NOTE_NAME_MAX * 2 + 384)
#define CF_LOGRECORD_HEAD_SZ  (8 + 4 + 32 + 2)
#define CF_LOGRECORD_MAX      (CF_LOGRECORD_HEAD_SZ + CF_LOGRECORD_NOTE_MAX + CF_BUNDLE_MAX) /* behind the size */

/* u32 size of the rest | u64 first | u32 cnt | root | u16, note | entries as in a bundle */
typedef struct {
  uint64_t  first;   /* index of its first entry                                                       */
  uint32_t  cnt;     /* >= 1                                                                           */
  cf_hash_t root;    /* of the log with them                                                           */
  cf_span_t note;    /* in a file's first record: the checkpoint of size first; empty when that is 0   */
  cf_span_t entries; /* u16 length, bytes; cnt of them (not checked)                                   */
} cf_logrecord_t;

/* cf_logrecord_next is false where no record of good form follows; file stays there, and is not bad.  cf_logrecord_ended says then, and of one
   whose root is another, whether a crash can have left the file so (base/cf_torn.h). */
bool cf_logrecord_next(cf_rd_t *file, cf_logrecord_t *out);
bool cf_logrecord_ended(cf_rd_t const *file);
void cf_logrecord_write(cf_wr_t *wr, cf_logrecord_t const *r);

#endif
