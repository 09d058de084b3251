/* Error details: what a status cannot say.  They are for whoever may know
   them; a stranger gets the public class only. */
#ifndef CF_BASE_ERROR_H
#define CF_BASE_ERROR_H

#include <stddef.h>

#include "base/cf_status.h"

/* cf_error_t names the item that was refused, where in it, and why.  item and
   text are NUL-terminated and never hold secrets. */
typedef struct {
  cf_status_t status;
  size_t      offset;   /* byte offset into the item, or 0 */
  char        item[64]; /* e.g. "policy.witnesses", "genesis" */
  char        text[192];
} cf_error_t;

/* cf_error_set fills *err (which may be NULL: then nothing is kept) and returns
   st, so that a refusal is one line.  The text is printf-formatted and cut to
   fit.  The first detail wins: a filled *err is not overwritten. */
cf_status_t cf_error_set(cf_error_t *err, cf_status_t st, char const *item, size_t offset, char const *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif
