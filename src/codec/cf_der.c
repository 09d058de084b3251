#include "codec/cf_der.h"

#include "base/cf_utc.h"

bool cf_der_is(cf_rd_t const *rd, uint8_t tag) { return !rd->bad && cf_rd_left(rd) && rd->buf[rd->pos] == tag; }

/* A length (X.690, 8.1.3 and 10.1). */
static size_t rd_length(cf_rd_t *rd) {
  uint8_t first = cf_rd_u8(rd);
  if (first < 0x80) return first;
  size_t n = first & 0x7f;
  if (n == 0 || n > 4) { /* indefinite, or beyond what any input of ours has */
    rd->bad = true;
    return 0;
  }
  uint64_t len = cf_rd_be(rd, n);
  if (len < 0x80 || len >> (8 * (n - 1)) == 0) rd->bad = true;
  return (size_t)len;
}

cf_span_t cf_der_any(cf_rd_t *rd, uint8_t *tag, cf_span_t *whole) {
  size_t  start = rd->pos;
  uint8_t t = cf_rd_u8(rd);
  if ((t & 0x1f) == 0x1f) rd->bad = true; /* a tag of several bytes */
  cf_span_t content = cf_rd_take_span(rd, rd_length(rd));
  if (tag) *tag = t;
  if (whole) *whole = rd->bad ? CF_SPAN(NULL, 0) : CF_SPAN(rd->buf + start, rd->pos - start);
  return content;
}

cf_span_t cf_der_take(cf_rd_t *rd, uint8_t tag) {
  if (!cf_der_is(rd, tag)) rd->bad = true;
  return cf_der_any(rd, NULL, NULL);
}

cf_span_t cf_der_whole(cf_rd_t *rd, uint8_t tag) {
  cf_span_t whole;
  if (!cf_der_is(rd, tag)) rd->bad = true;
  cf_der_any(rd, NULL, &whole);
  return whole;
}

cf_rd_t cf_der_enter(cf_rd_t *rd, uint8_t tag) {
  cf_rd_t in = cf_rd_span(cf_der_take(rd, tag));
  in.bad = rd->bad;
  return in;
}

cf_span_t cf_der_integer(cf_rd_t *rd) {
  cf_span_t s = cf_der_take(rd, CF_DER_INTEGER);
  bool      padded = s.len > 1 && ((s.ptr[0] == 0 && s.ptr[1] < 0x80) || (s.ptr[0] == 0xff && s.ptr[1] >= 0x80));
  if (s.len == 0 || padded) rd->bad = true;
  return rd->bad ? CF_SPAN(NULL, 0) : s;
}

/* The magnitude of a number that is not negative, without the sign byte. */
static cf_span_t rd_magnitude(cf_rd_t *rd) {
  cf_span_t s = cf_der_integer(rd);
  if (s.len && s.ptr[0] >= 0x80) rd->bad = true;
  if (s.len > 1 && s.ptr[0] == 0) s = CF_SPAN(s.ptr + 1, s.len - 1);
  return rd->bad ? CF_SPAN(NULL, 0) : s;
}

uint64_t cf_der_uint(cf_rd_t *rd, uint64_t max) {
  cf_span_t s = rd_magnitude(rd);
  uint64_t  v = 0;
  if (s.len > 8) rd->bad = true;
  for (size_t i = 0; i < s.len && !rd->bad; i++) v = v << 8 | s.ptr[i];
  if (v > max) rd->bad = true;
  return rd->bad ? 0 : v;
}

void cf_der_fixed(cf_rd_t *rd, uint8_t *out, size_t out_sz) {
  cf_span_t s = rd_magnitude(rd);
  if (s.len > out_sz) rd->bad = true;
  memset(out, 0, out_sz);
  if (!rd->bad) memcpy(out + out_sz - s.len, s.ptr, s.len);
}

bool cf_der_bool(cf_rd_t *rd) {
  cf_span_t s = cf_der_take(rd, CF_DER_BOOLEAN);
  if (s.len != 1 || (s.ptr[0] != 0 && s.ptr[0] != 0xff)) rd->bad = true;
  return !rd->bad && s.ptr[0] == 0xff;
}

cf_span_t cf_der_bits(cf_rd_t *rd) {
  cf_span_t s = cf_der_take(rd, CF_DER_BIT_STRING);
  if (s.len == 0 || s.ptr[0] != 0) rd->bad = true;
  return rd->bad ? CF_SPAN(NULL, 0) : CF_SPAN(s.ptr + 1, s.len - 1);
}

uint32_t cf_der_flags(cf_rd_t *rd) {
  cf_span_t s = cf_der_take(rd, CF_DER_BIT_STRING);
  uint32_t  flags = 0;
  if (s.len == 0 || s.len > 5 || s.ptr[0] > 7 || (s.len == 1 && s.ptr[0])) rd->bad = true;
  if (rd->bad) return 0;
  for (size_t i = 0; i < 8 * (s.len - 1); i++) flags |= (uint32_t)(s.ptr[1 + i / 8] >> (7 - i % 8) & 1) << i;
  if (s.len > 1 && s.ptr[s.len - 1] & ((1u << s.ptr[0]) - 1)) rd->bad = true; /* unused bits are zero */
  return rd->bad ? 0 : flags;
}

int64_t cf_der_time(cf_rd_t *rd) {
  bool     utc = cf_der_is(rd, CF_DER_UTC_TIME);
  cf_rd_t  in = cf_der_enter(rd, utc ? CF_DER_UTC_TIME : CF_DER_TIME);
  cf_utc_t t = {.year = cf_utc_digits(&in, utc ? 2 : 4)};
  int64_t  unix_s = 0;
  if (utc) t.year += t.year < 50 ? 2000 : 1900;
  else if (t.year >= 1950 && t.year < 2050) rd->bad = true; /* UTCTime is due */
  t.month = cf_utc_digits(&in, 2);
  t.day = cf_utc_digits(&in, 2);
  t.hour = cf_utc_digits(&in, 2);
  t.minute = cf_utc_digits(&in, 2);
  t.second = cf_utc_digits(&in, 2);
  if (cf_rd_u8(&in) != 'Z' || !cf_rd_done(&in) || cf_utc_unix(&unix_s, &t)) rd->bad = true;
  return rd->bad ? 0 : unix_s;
}
