#include "observe/cf_trace.h"

#include "base/cf_text.h"

static bool
is_zero(uint8_t const *id, size_t n) {
  uint8_t any = 0;
  for (size_t i = 0; i < n; i++) any |= id[i];
  return any == 0;
}

/* Zero is reserved; entropy that is zero becomes 1. */
static void
set_id(uint8_t *id, uint8_t const *fresh, size_t n) {
  memcpy(id, fresh, n);
  if (is_zero(id, n)) id[n - 1] = 1;
}

cf_trace_t
cf_trace_root(uint8_t const fresh[24], bool sampled) {
  cf_trace_t t = { .sampled = sampled };
  set_id(t.trace, fresh, sizeof t.trace);
  set_id(t.span, fresh + sizeof t.trace, sizeof t.span);
  return t;
}

cf_trace_t
cf_trace_child(cf_trace_t const *parent, uint8_t const fresh[8]) {
  cf_trace_t t = *parent;
  set_id(t.span, fresh, sizeof t.span);
  return t;
}

/* n bytes of lower-case hex, then the character behind them unless it is 0. */
static bool
read_hex(cf_rd_t *rd, uint8_t *out, size_t n, char behind) {
  cf_span_t digits = cf_rd_take_span(rd, 2 * n);
  for (size_t i = 0; i < digits.len; i++)
    if (digits.ptr[i] >= 'A' && digits.ptr[i] <= 'F') return false;
  if (rd->bad || cf_hex_decode(out, n, digits)) return false;
  return !behind || cf_rd_u8(rd) == (uint8_t)behind;
}

cf_status_t
cf_trace_parse(cf_trace_t *out, cf_span_t text) {
  cf_trace_t t;
  uint8_t    version;
  uint8_t    flags;
  cf_rd_t    rd = cf_rd_span(text);
  if (!read_hex(&rd, &version, 1, '-')) return CF_ERR_FORMAT;
  if (version == 0xff) return CF_ERR_UNSUPPORTED;
  if (!read_hex(&rd, t.trace, sizeof t.trace, '-') || !read_hex(&rd, t.span, sizeof t.span, '-') || !read_hex(&rd, &flags, 1, 0))
    return CF_ERR_FORMAT;
  if (is_zero(t.trace, sizeof t.trace) || is_zero(t.span, sizeof t.span)) return CF_ERR_FORMAT;
  if (cf_rd_left(&rd) && (version == 0 || cf_rd_u8(&rd) != '-')) return CF_ERR_FORMAT;
  t.sampled = flags & 1;
  *out      = t;
  return CF_OK;
}

char *
cf_trace_text(char out[CF_TRACE_TEXT_SZ + 1], cf_trace_t const *t) {
  memcpy(out, "00-", 3);
  cf_hex_encode(out + 3, CF_SPAN_OF(t->trace));
  out[35] = '-';
  cf_hex_encode(out + 36, CF_SPAN_OF(t->span));
  memcpy(out + 52, t->sampled ? "-01" : "-00", 4);
  return out;
}
