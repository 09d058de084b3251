/* What a process must not forget: the few files that it relies on having written, such as the last checkpoint that a witness
   signed.  Each stands with its hash behind it, so that a changed one is not believed.  While one was never written an empty
   file says so, "new/NAME" in the same folder, made with the folder: without it a file that is missing is a loss, and nobody
   begins anew by accident. */
#ifndef CF_IO_MEMORY_H
#define CF_IO_MEMORY_H

#include "io/cf_files.h"

#define CF_MEMORY_MARK "new/"

/* cf_memory_begin makes the mark of a file that is still to be written. */
CF_MUST_CHECK cf_status_t cf_memory_begin(cf_files_t const *files, char const *name, cf_error_t *err);

/* cf_memory_put replaces the file, durable, and then takes its mark away.  Errors as of cf_files_put. */
CF_MUST_CHECK cf_status_t cf_memory_put(cf_files_t const *files, cf_span_t name, cf_span_t body, cf_error_t *err);

/* cf_memory_get reads what was put, into *out, to be freed; *found is false when the file was never written.
   CF_ERR_AUTH   it is not what was put
   CF_ERR_STALE  it is missing, and was written before
   CF_ERR_BOUND, CF_ERR_IO, CF_ERR_FORMAT  as of cf_files_get */
CF_MUST_CHECK cf_status_t cf_memory_get(uint8_t **out, size_t *out_sz, bool *found, cf_files_t const *files, cf_span_t name,
                                        size_t max, cf_error_t *err);

/* cf_memory_marked: was the file called name never written? */
CF_MUST_CHECK cf_status_t cf_memory_marked(bool *marked, cf_files_t const *files, cf_span_t name, cf_error_t *err);
/* cf_memory_written takes the mark away: for what is written by other means. */
CF_MUST_CHECK cf_status_t cf_memory_written(cf_files_t const *files, cf_span_t name, cf_error_t *err);

#endif
