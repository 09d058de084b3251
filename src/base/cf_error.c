#include "base/cf_error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

cf_status_t
cf_error_set(cf_error_t *err, cf_status_t st, char const *item, size_t offset, char const *fmt, ...) {
  assert(item && fmt);
  if (!err || err->status || !st) return st;
  err->status = st;
  err->offset = offset;
  snprintf(err->item, sizeof err->item, "%s", item);
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(err->text, sizeof err->text, fmt, ap);
  va_end(ap);
  return st;
}
