/* A folder as one input: per file u16 length, name, u32 length, bytes. */
#ifndef CF_FUZZ_TREE_H
#define CF_FUZZ_TREE_H

#include "audit/cf_audit.h"

static inline bool tree_next(cf_rd_t *rd, cf_span_t *name, cf_span_t *bytes) {
  if (rd->bad || !cf_rd_left(rd)) return false;
  *name = cf_rd_take_span(rd, cf_rd_u16(rd));
  *bytes = cf_rd_take_span(rd, cf_rd_u32(rd));
  return !rd->bad && name->len < 160;
}

static inline cf_status_t tree_list(void *ctx, cf_audit_name_fn *fn, void *fn_ctx) {
  cf_span_t const *in = ctx;
  cf_span_t        name, bytes;
  for (cf_rd_t rd = cf_rd_span(*in); tree_next(&rd, &name, &bytes);) {
    char text[160];
    if (name.len) memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    fn(fn_ctx, text);
  }
  return CF_OK;
}

static inline cf_read_t tree_read(void *ctx, char const *want, size_t max, cf_span_t *out) {
  cf_span_t const *in = ctx;
  cf_span_t        name, bytes;
  for (cf_rd_t rd = cf_rd_span(*in); tree_next(&rd, &name, &bytes);)
    if (name.len == strlen(want) && !memcmp(name.ptr, want, name.len)) {
      *out = bytes;
      return bytes.len > max ? CF_READ_LARGE : CF_READ_OK;
    }
  return CF_READ_ABSENT;
}

#endif
