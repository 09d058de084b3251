/* The end of one file that is appended to again and again: kept open, and written ahead with zeros, so that an
   append changes no metadata and costs one write to the disk.  After a crash the zeros are still there, and of an append that was under way
   any sectors; closed in peace, the file ends with what was appended last. */
#ifndef CF_IO_TAIL_H
#define CF_IO_TAIL_H

#include "io/cf_files.h"

#define CF_TAIL_AHEAD_MIN (4u << 10)
#define CF_TAIL_AHEAD_MAX (1u << 20) /* in between, as much as there is */

/* Zeroed: none is open. */
typedef struct {
  bool   open;
  int    fd;
  size_t end;  /* of what was appended */
  size_t made; /* of what was written ahead */
  char   name[CF_FILES_NAME_MAX];
  size_t name_len;
} cf_tail_t;

/* cf_tail_append appends durably and keeps the file open in place of the one before; name is looked at only when it is another.  A crash
   may leave a part of body, not always the first: a record says where it ends, and that it is whole.  A file that is there already is gone on with at its end, zeros of an earlier life included.
   Where there is no room for zeros there may still be for body.
   CF_ERR_FORMAT for a name, CF_ERR_IO: then the append is taken back, as far as the disk lets it. */
CF_MUST_CHECK cf_status_t cf_tail_append(cf_tail_t *tail, cf_files_t const *files, cf_span_t name, cf_span_t body, cf_error_t *err);
bool                      cf_tail_is(cf_tail_t const *tail, cf_span_t name);
void                      cf_tail_close(cf_tail_t *tail);

#endif
