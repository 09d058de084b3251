/* Keys pass through here, too: digits are turned by arithmetic, not by tables or branches, so that time and cache
   tell the length of a well-formed text and nothing of its value. */
#include "base/cf_text.h"

#include "base/cf_secret.h"

/* All ones when lo <= c <= hi, else 0; all three in 0..255. */
static int
in_range(int c, int lo, int hi) {
  return -(int)((unsigned)((lo - 1 - c) & (c - hi - 1)) >> 31);
}

/* ---- hex ---- */

static char
hex_digit(int v) {
  return (char)('0' + v + (in_range(v, 10, 15) & ('a' - '0' - 10)));
}

/* The digit's value, -1 when it is none. */
static int
hex_value(int c) {
  return -1 + (in_range(c, '0', '9') & (c - '0' + 1)) + (in_range(c, 'a', 'f') & (c - 'a' + 11)) +
         (in_range(c, 'A', 'F') & (c - 'A' + 11));
}

char *
cf_hex_encode(char *out, cf_span_t in) {
  for (size_t i = 0; i < in.len; i++) {
    out[2 * i]     = hex_digit(in.ptr[i] >> 4);
    out[2 * i + 1] = hex_digit(in.ptr[i] & 15);
  }
  out[2 * in.len] = '\0';
  return out;
}

cf_status_t
cf_hex_decode(uint8_t *out, size_t out_sz, cf_span_t text) {
  if (text.len % 2 || text.len / 2 != out_sz) return CF_ERR_FORMAT;
  int bad = 0;
  for (size_t i = 0; i < out_sz; i++) {
    int hi = hex_value(text.ptr[2 * i]), lo = hex_value(text.ptr[2 * i + 1]);
    bad |= hi | lo;
    out[i] = (uint8_t)((unsigned)hi << 4 | (unsigned)lo);
  }
  cf_declassify(&bad, sizeof bad, "whether the text is well formed");
  return bad < 0 ? CF_ERR_FORMAT : CF_OK;
}

/* ---- base64 ---- */

static char
b64_digit(int v) {
  return (char)((in_range(v, 0, 25) & ('A' + v)) | (in_range(v, 26, 51) & ('a' + v - 26)) |
                (in_range(v, 52, 61) & ('0' + v - 52)) | (in_range(v, 62, 62) & '+') | (in_range(v, 63, 63) & '/'));
}

static int
b64_value(int c) {
  return -1 + (in_range(c, 'A', 'Z') & (c - 'A' + 1)) + (in_range(c, 'a', 'z') & (c - 'a' + 27)) +
         (in_range(c, '0', '9') & (c - '0' + 53)) + (in_range(c, '+', '+') & 63) + (in_range(c, '/', '/') & 64);
}

size_t
cf_b64_encode(char *out, cf_span_t in) {
  char *at = out;
  for (size_t i = 0; i < in.len; i += 3, at += 4) {
    size_t   left = in.len - i;
    uint32_t bits = (uint32_t)in.ptr[i] << 16;
    if (left > 1) bits |= (uint32_t)in.ptr[i + 1] << 8;
    if (left > 2) bits |= in.ptr[i + 2];
    for (int k = 0; k < 4; k++) at[k] = b64_digit((int)(bits >> (18 - 6 * k) & 63));
    if (left < 2) at[2] = '=';
    if (left < 3) at[3] = '=';
  }
  *at = '\0';
  return (size_t)(at - out);
}

cf_status_t
cf_b64_decode(uint8_t *out, size_t *out_sz, size_t out_max, cf_span_t text) {
  if (text.len % 4) return CF_ERR_FORMAT;
  size_t pad = 0;
  if (text.len) {
    bool last = text.ptr[text.len - 1] == '=', prev = text.ptr[text.len - 2] == '=';
    pad = (size_t)last + (size_t)(last & prev);
    cf_declassify(&pad, sizeof pad, "padding says the length");
  }
  size_t sz = text.len / 4 * 3 - pad;
  if (sz > out_max) return CF_ERR_BOUND;

  size_t digits = text.len - pad;
  int    bad    = 0;
  for (size_t i = 0, o = 0; i < digits; i += 4) {
    uint32_t bits = 0;
    for (size_t k = i; k < i + 4; k++) {
      int v = k < digits ? b64_value(text.ptr[k]) : 0;
      bad |= v;
      bits = bits << 6 | (uint32_t)(v & 63);
    }
    for (int shift = 16; shift >= 0 && o < sz; shift -= 8) out[o++] = (uint8_t)(bits >> shift);
    if (i + 4 > digits) bad |= -(int)(bits & ((1u << 8 * pad) - 1)); /* what padding cuts off must be zero */
  }
  cf_declassify(&bad, sizeof bad, "whether the text is well formed");
  if (bad < 0) return CF_ERR_FORMAT;
  *out_sz = sz;
  return CF_OK;
}

/* ---- decimal, UTF-8: public text ---- */

cf_status_t
cf_dec_u64(uint64_t *out, cf_span_t text) {
  if (text.len == 0 || (text.ptr[0] == '0' && text.len > 1)) return CF_ERR_FORMAT;
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9') return CF_ERR_FORMAT;
  }
  uint64_t v = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, text.ptr[i] - '0', &v)) return CF_ERR_BOUND;
  }
  *out = v;
  return CF_OK;
}

/* RFC 3629, section 4: the second byte's range keeps out overlong forms, surrogates and what lies above U+10FFFF. */
bool
cf_utf8_valid(cf_span_t text) {
  cf_rd_t rd = cf_rd_span(text);
  while (!rd.bad && cf_rd_left(&rd)) {
    uint8_t head = cf_rd_u8(&rd);
    if (head < 0x80) continue;
    if (head < 0xc2 || head > 0xf4) return false;
    size_t         tail = head < 0xe0 ? 1 : head < 0xf0 ? 2 : 3;
    uint8_t const *at   = cf_rd_take(&rd, tail);
    if (!at) return false;
    uint8_t lo = head == 0xe0 ? 0xa0 : head == 0xf0 ? 0x90 : 0x80;
    uint8_t hi = head == 0xed ? 0x9f : head == 0xf4 ? 0x8f : 0xbf;
    if (at[0] < lo || at[0] > hi) return false;
    for (size_t i = 1; i < tail; i++) {
      if ((at[i] & 0xc0) != 0x80) return false;
    }
  }
  return true;
}
