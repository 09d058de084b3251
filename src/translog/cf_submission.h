/* The body of "POST /add-checkpoint" (C2SP tlog-witness, FORMATS-LOG section 5):
   "old <size>", the consistency proof from there, an empty line, the log's checkpoint. */
#ifndef CF_TRANSLOG_SUBMISSION_H
#define CF_TRANSLOG_SUBMISSION_H

#include "base/cf_error.h"
#include "translog/cf_note.h"

typedef struct {
  uint64_t  old_size;
  cf_hash_t path[CF_TREE_PATH_MAX];
  size_t    path_cnt;
  cf_span_t note;
} cf_submission_t;

/* A body has at most CF_NOTE_MAX bytes.  CF_ERR_FORMAT, CF_ERR_BOUND; the note is not looked into. */
CF_MUST_CHECK cf_status_t cf_submission_parse(cf_submission_t *out, cf_span_t body, cf_error_t *err);
void                      cf_submission_write(cf_wr_t *wr, cf_submission_t const *s);

/* The proof lines shared with .tlog-proof files: base64 hashes, one a line, ended by an empty line that is consumed. */
CF_MUST_CHECK cf_status_t cf_path_lines_parse(cf_hash_t *path, size_t *path_cnt, cf_rd_t *rd);
void                      cf_path_lines_write(cf_wr_t *wr, cf_hash_t const *path, size_t path_cnt);

#endif
