/* Inside platform only: what the attesters share. */
#ifndef CF_PLATFORM_ATTESTER_INSIDE_H
#define CF_PLATFORM_ATTESTER_INSIDE_H

#include <limits.h>
#include <stdio.h>

#include "platform/cf_attester.h"

/* One call of cf_attest. */
typedef struct {
  cf_attester_out_t       *out;
  cf_wr_t                 *room;
  cf_platform_t            wanted; /* 0: whichever it is */
  cf_attester_ask_t const *ask;
  cf_error_t              *err;
  uint8_t                  data[CF_ATTESTER_DATA_MAX]; /* zero-padded */
} cf_attesting_t;

typedef cf_status_t cf_attester_fn_t(cf_attesting_t *a);
cf_attester_fn_t    cf_tsm_attest, cf_gramine_attest, cf_nsm_attest, cf_tpm_attest;

typedef struct {
  char text[PATH_MAX];
} cf_path_t;
/* cf_attester_path is ROOT/name, as printf has it.  A path that is too long is cut, and is not found. */
cf_path_t cf_attester_path(cf_attesting_t const *a, char const *name, ...) __attribute__((format(printf, 2, 3)));

/* cf_attester_refuse notes what to do next, and sets err. */
cf_status_t cf_attester_refuse(cf_attesting_t *a, cf_status_t st, char const *item, char const *next, char const *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* cf_attester_add hands out bytes of the room. */
void cf_attester_add(cf_attesting_t *a, char const *role, cf_span_t bytes);

/* What one try came to: 0, or an errno and whose it is.  ESTALE stands for "another writer was there". */
typedef struct {
  int       code;
  char      item[24];
  cf_path_t path;
} cf_try_t;
/* cf_attester_tries runs one until it succeeds, or fails in a way that does not pass, or failed CF_ATTESTER_TRIES times; the room
   is put back before each.  absent is said of a path that is not there. */
cf_status_t cf_attester_tries(cf_attesting_t *a, void (*one)(cf_attesting_t *a, cf_try_t *t, void *ctx), void *ctx,
                              char const *absent);

/* Each returns whether it went well, and notes in t if not.  A try that failed does nothing more. */
bool cf_try_failed(cf_try_t *t, int code, char const *item,
                   cf_path_t const *path); /* notes, when nothing was noted before; false */
/* cf_try_read reads a file to its end, through one descriptor, at most max bytes (EFBIG), into the room; a file that is not there
   is empty if it may_lack. */
bool cf_try_read(cf_attesting_t *a, cf_try_t *t, cf_span_t *out, char const *item, cf_path_t const *path, size_t max,
                 bool may_lack);
/* cf_try_write writes all bytes at once, into a file that is there. */
bool cf_try_write(cf_try_t *t, char const *item, cf_path_t const *path, cf_span_t bytes);
/* cf_try_trim is bytes without the newline behind them. */
cf_span_t cf_try_trim(cf_span_t bytes);
/* cf_try_over: are 64 bytes of report data at `at` in blob those that were asked for?  Not: another writer (ESTALE). */
bool cf_try_over(cf_attesting_t *a, cf_try_t *t, cf_span_t blob, size_t at, char const *item, cf_path_t const *path);

/* cf_quote_data_at is where an SGX or TDX quote has its report data; SIZE_MAX: it is neither. */
size_t cf_quote_data_at(cf_span_t quote, bool td);

/* cf_attester_log adds the event log at ROOT/name, if there is one that this user may read. */
cf_status_t cf_attester_log(cf_attesting_t *a, char const *name);

#endif
