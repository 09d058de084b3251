#include "base/cf_torn.h"

static bool
all_zero(cf_span_t file, size_t from, size_t to) {
  for (; from < to && from < file.len; from++)
    if (file.ptr[from]) return false;
  return true;
}

/* The size is believed when its sector was written: then what was written ahead goes on behind that record. */
bool
cf_torn_ended(cf_span_t file, size_t at, size_t head, size_t max) {
  size_t   sector = at / CF_TORN_SECTOR * CF_TORN_SECTOR + CF_TORN_SECTOR;
  cf_rd_t  rd     = cf_rd_init(file.ptr + at, file.len - at);
  uint32_t size   = cf_rd_u32(&rd);
  if (rd.bad || at + 4 > sector || all_zero(file, at, sector)) return true;
  if (!size || size > max) return false;
  size_t end = at + 4 + head + size;
  return end > file.len || all_zero(file, end, file.len);
}
