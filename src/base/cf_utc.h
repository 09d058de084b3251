/* Dates of the Gregorian calendar, in UTC, as Unix time; seconds count 0 to 59, years 1 to 9999. */
#ifndef CF_BASE_UTC_H
#define CF_BASE_UTC_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

typedef struct {
  unsigned year, month, day, hour, minute, second; /* month and day from 1 */
} cf_utc_t;

/* cf_utc_unix: CF_ERR_FORMAT when there is no such moment. */
CF_MUST_CHECK cf_status_t cf_utc_unix(int64_t *out, cf_utc_t const *t);
/* cf_utc_digits reads n decimal digits; anything else makes rd bad. */
unsigned cf_utc_digits(cf_rd_t *rd, size_t n);
/* cf_utc_write is the inverse of cf_utc_read, NUL-terminated.  CF_ERR_FORMAT: before the year 1 or after 9999. */
#define CF_UTC_TEXT 21
CF_MUST_CHECK cf_status_t cf_utc_write(char out[CF_UTC_TEXT], int64_t unix_s);
/* cf_utc_read reads RFC 3339 with Z and without a fraction: 2026-11-23T00:00:00Z.  CF_ERR_FORMAT. */
CF_MUST_CHECK cf_status_t cf_utc_read(int64_t *out, cf_span_t text);

#endif
