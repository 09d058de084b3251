/* Lines of text under the byte cursors. */
#ifndef CF_TRANSLOG_LINE_H
#define CF_TRANSLOG_LINE_H

#include "base/cf_bytes.h"
#include "base/cf_text.h"

/* cf_rd_line consumes a line and its LF and returns it without; a line that does not end makes rd bad. */
static inline cf_span_t
cf_rd_line(cf_rd_t *rd) {
  uint8_t const *at = cf_rd_left(rd) ? rd->buf + rd->pos : NULL;
  uint8_t const *lf = at ? memchr(at, '\n', cf_rd_left(rd)) : NULL;
  cf_span_t      s  = cf_rd_take_span(rd, lf ? (size_t)(lf - at) : cf_rd_left(rd));
  cf_rd_take(rd, 1);
  return rd->bad ? CF_SPAN(NULL, 0) : s;
}

/* cf_after strips a prefix from s; false when s does not begin with it. */
static inline bool
cf_after(cf_span_t *s, cf_span_t prefix) {
  if (s->len < prefix.len || memcmp(s->ptr, prefix.ptr, prefix.len) != 0) return false;
  *s = CF_SPAN(s->ptr + prefix.len, s->len - prefix.len);
  return true;
}

/* cf_b64_exact decodes text that must be the base64 of exactly out_sz bytes. */
static inline bool
cf_b64_exact(uint8_t *out, size_t out_sz, cf_span_t text) {
  size_t n = 0;
  return text.len == cf_b64_sz(out_sz) && !cf_b64_decode(out, &n, out_sz, text) && n == out_sz;
}

/* cf_b64_valid holds when text, of any length, is strict base64; *sz receives how many bytes it stands for
   and first the first four of them (zeros where there are fewer). */
static inline bool
cf_b64_valid(size_t *sz, uint8_t first[4], cf_span_t text) {
  uint8_t buf[48] = { 0 };
  *sz             = 0;
  memset(first, 0, 4);
  for (size_t at = 0; at < text.len; at += 64) {
    size_t n = 0, piece = text.len - at < 64 ? text.len - at : 64;
    if (cf_b64_decode(buf, &n, sizeof buf, CF_SPAN(text.ptr + at, piece))) return false;
    if (n < sizeof buf && at + piece < text.len) return false; /* padding before the end */
    if (at == 0) memcpy(first, buf, n < 4 ? n : 4);
    *sz += n;
  }
  return true;
}

static inline void cf_wr_str(cf_wr_t *wr, char const *s) { cf_wr_bytes(wr, s, strlen(s)); }

static inline void
cf_wr_dec(cf_wr_t *wr, uint64_t v) {
  char  buf[20];
  char *at = buf + sizeof buf;
  do *--at = (char)('0' + v % 10);
  while (v /= 10);
  cf_wr_bytes(wr, at, (size_t)(buf + sizeof buf - at));
}

/* cf_wr_b64_line writes the base64 of s and LF. */
static inline void
cf_wr_b64_line(cf_wr_t *wr, cf_span_t s) {
  uint8_t *at = cf_wr_room(wr, cf_b64_sz(s.len) + 1);
  if (at) at[cf_b64_encode((char *)at, s)] = '\n'; /* in the place of the NUL */
}

#endif
