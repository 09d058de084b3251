/* One encoding per value: what a decoder takes is exactly what the encoder makes of the result; and a value goes round. */
#include <assert.h>
#include <stdio.h>

#include "base/cf_text.h"

#define TEXT_MAX 4096

static void
hex(cf_span_t in) {
  static uint8_t raw[TEXT_MAX];
  static char    text[2 * TEXT_MAX + 1];
  if (cf_hex_decode(raw, in.len / 2, in) == CF_OK) {
    cf_hex_encode(text, CF_SPAN(raw, in.len / 2));
    for (size_t i = 0; i < in.len; i++) { /* either case is read, lower case is written */
      uint8_t c = in.ptr[i];
      assert(text[i] == (c >= 'A' && c <= 'F' ? c + 32 : c));
    }
  }
  cf_hex_encode(text, in);
  cf_status_t st = cf_hex_decode(raw, in.len, CF_SPAN(text, 2 * in.len));
  assert(st == CF_OK && cf_span_eq(CF_SPAN(raw, in.len), in));
}

static void
b64(cf_span_t in) {
  static uint8_t raw[TEXT_MAX];
  static char    text[2 * TEXT_MAX];
  size_t         sz;
  if (cf_b64_decode(raw, &sz, sizeof raw, in) == CF_OK) {
    size_t n = cf_b64_encode(text, CF_SPAN(raw, sz));
    assert(cf_span_eq(CF_SPAN(text, n), in));
    if (sz) assert(cf_b64_decode(raw, &sz, sz - 1, in) == CF_ERR_BOUND);
  }
  size_t      n  = cf_b64_encode(text, in);
  cf_status_t st = cf_b64_decode(raw, &sz, in.len, CF_SPAN(text, n));
  assert(n == cf_b64_sz(in.len) && st == CF_OK && cf_span_eq(CF_SPAN(raw, sz), in));
}

static void
dec(cf_span_t in) {
  uint64_t v;
  char     text[32];
  if (cf_dec_u64(&v, in)) return;
  int n = snprintf(text, sizeof text, "%llu", (unsigned long long)v);
  assert(n > 0 && cf_span_eq(CF_SPAN(text, (size_t)n), in));
}

/* Code points out and in again, by the definition, give the same bytes. */
static void
utf8(cf_span_t in) {
  if (!cf_utf8_valid(in)) return;
  for (size_t i = 0; i < in.len;) {
    uint8_t  c = in.ptr[i];
    size_t   n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    uint32_t v = n == 1 ? c : c & (0x7fu >> n);
    assert(n <= in.len - i);
    for (size_t k = 1; k < n; k++) v = v << 6 | (in.ptr[i + k] & 0x3f);
    assert(v >= (n == 1 ? 0u : n == 2 ? 0x80u : n == 3 ? 0x800u : 0x10000u)); /* shortest form */
    assert(v <= 0x10ffff && (v < 0xd800 || v > 0xdfff));
    i += n;
  }
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  if (size > TEXT_MAX) return 0;
  cf_span_t in = CF_SPAN(data, size);
  hex(in);
  b64(in);
  dec(in);
  utf8(in);
  return 0;
}
