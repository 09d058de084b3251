/* A whole log's files against its head: every entry and tile, in parts that need nothing of each other, so that several threads may
   work on them and none of them ever holds more than a part.

   First the top: the tiles that fold to the signed root give, from there downwards, the root of each 65,536 entries.  Then each such part by
   itself, as translog/cf_logreader.h reads a log of that size.  Where the top does not fold to the root, something there is altered, and the
   log is one part, read from below, which says what.

   A log is a domain's, whose files lie below log/ beside its kept checkpoints, or a stranger's: checkpoint and tile/ (C2SP tlog-tiles) and nothing
   else that is known of it.

   Memory: 32 bytes for each 65,536 entries, 80 KB and the reader's for each part under way, 24 for each file of a tile that was
   outgrown and 8 for each kept checkpoint.  By malloc; ends the process when there is none. */
#ifndef CF_AUDIT_LOGSCAN_H
#define CF_AUDIT_LOGSCAN_H

#include "audit/cf_audit.h"
#include "translog/cf_logreader.h"
#include "translog/cf_note.h"
#include "translog/cf_tlog_policy.h"

#define CF_LOGSCAN_PART 65536u /* entries; the last part may have fewer */

typedef struct {
  bool       bare; /* a stranger's */
  cf_vkey_t  key;
  uint64_t   size;
  cf_hash_t  root;
  uint64_t   parts;
  bool       whole; /* there is one part, all of it, not proven from above */
  cf_hash_t *top;   /* roots of the full parts */
  cf_hash_t  tail;  /* and of the last one */
} cf_logscan_t;

/* Whose log it must be.  Both may be NULL: then it is log.vkey's. */
typedef struct {
  cf_vkey_t const        *key;    /* NULL: the policy's log that signed the head, when it names logs */
  cf_tlog_policy_t const *policy; /* which, when it names logs, names this one, and whose quorum must have cosigned */
} cf_logscan_ask_t;

/* cf_logscan_open reads the head and the top.  CF_ERR_FORMAT, CF_ERR_AUTH, CF_ERR_POLICY (another origin; not the policy's; of a
   stranger's log: too few cosignatures), CF_ERR_IO; err names the file. */
CF_MUST_CHECK cf_status_t cf_logscan_open(cf_logscan_t *s, cf_audit_reader_t const *reader, cf_logscan_ask_t const *ask, cf_error_t *err);
void                      cf_logscan_close(cf_logscan_t *s);

/* cf_logscan_part reads part number part < parts.  Thread-safe where each thread has a reader of its own.  CF_ERR_AUTH: err names the
   file that is altered or missing; CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_logscan_part(cf_logscan_t const *s, cf_audit_reader_t const *reader, uint64_t part, cf_error_t *err);
static inline uint64_t cf_logscan_entries(cf_logscan_t const *s, uint64_t part) {
  if (s->whole) return s->size;
  uint64_t left = s->size - part * CF_LOGSCAN_PART;
  return left < CF_LOGSCAN_PART ? left : CF_LOGSCAN_PART;
}

/* What lies beside: kept checkpoints, and files of tiles that were outgrown. */
typedef struct {
  uint64_t checkpoints; /* kept ones, all of this log (needs a reader that lists) */
  uint64_t cosigned;    /* the largest of them that has cosignatures, made by whoever; with a policy, the size that its quorum cosigned */
} cf_logscan_rest_t;
/* cf_logscan_rest, when all parts hold.  A domain's log is cosigned by its kept checkpoints: policy, if not NULL, is asked of the largest of them that
   has cosignatures, and where they cannot be listed, of the head's size.  CF_ERR_AUTH, CF_ERR_FORMAT, CF_ERR_POLICY, CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_logscan_rest(cf_logscan_rest_t *out, cf_logscan_t const *s, cf_audit_reader_t const *reader,
                                          cf_tlog_policy_t const *policy, cf_error_t *err);

/* cf_logscan_more follows a stranger's log: it reads what a head, which the caller believes, has beyond what log (cf_logreader_init before the first time)
   has read, entries and tiles.  CF_ERR_AUTH: err names the file that is altered or missing, or what was read leads to another log; CF_ERR_IO;
   CF_ERR_BOUND: smaller than what was read.  Unless CF_OK, log is as it was. */
CF_MUST_CHECK cf_status_t cf_logscan_more(cf_logreader_t *log, cf_audit_reader_t const *reader, uint64_t size, cf_hash_t const *root,
                                          cf_error_t *err);

#endif
