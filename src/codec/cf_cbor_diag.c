#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "codec/cf_cbor.h"

#define DIAG_BYTES_MAX 64

typedef struct {
  cf_wr_t  out; /* cut, not bad, when full: a print stops where the room ends */
  unsigned depth;
} diag_t;

static void put(diag_t *d, char const *s, size_t n) {
  size_t room = d->out.max - d->out.len;
  cf_wr_bytes(&d->out, s, n < room ? n : room);
}

__attribute__((format(printf, 2, 3))) static void print(diag_t *d, char const *fmt, ...) {
  char    buf[64];
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(buf, sizeof buf, fmt, ap);
  va_end(ap);
  if (n > 0) put(d, buf, (size_t)n < sizeof buf ? (size_t)n : sizeof buf - 1);
}

static void newline(diag_t *d) { print(d, "\n%*s", (int)(2 * d->depth), ""); }

static void diag_bytes(diag_t *d, cf_span_t s) {
  size_t shown = s.len < DIAG_BYTES_MAX ? s.len : DIAG_BYTES_MAX;
  print(d, "h'");
  for (size_t i = 0; i < shown; i++) print(d, "%02x", s.ptr[i]);
  print(d, "'");
  if (shown < s.len) print(d, " / first %zu of %zu bytes /", shown, s.len);
}

/* code_point decodes one character of valid UTF-8 and returns its length. */
static size_t code_point(uint8_t const *at, uint32_t *cp) {
  size_t n = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
  *cp      = n == 1 ? at[0] : at[0] & (0x7fU >> n);
  for (size_t i = 1; i < n; i++) *cp = *cp << 6 | (at[i] & 0x3f);
  return n;
}

/* All but printable ASCII is escaped: what is shown may be hostile, and the reader's terminal must not act on it. */
static void diag_text(diag_t *d, cf_span_t s) {
  print(d, "\"");
  for (size_t i = 0; i < s.len;) {
    uint32_t cp;
    i += code_point(s.ptr + i, &cp);
    if (cp == '"' || cp == '\\') print(d, "\\%c", (char)cp);
    else if (cp >= 0x20 && cp < 0x7f) print(d, "%c", (char)cp);
    else if (cp < 0x10000) print(d, "\\u%04" PRIx32, cp);
    else print(d, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd7c0 + (cp >> 10), 0xdc00 + (cp & 0x3ff));
  }
  print(d, "\"");
}

static void diag_item(diag_t *d, cf_rd_t *rd);

static void diag_array(diag_t *d, cf_rd_t *rd) {
  size_t n = cf_cbor_array(rd);
  print(d, "[");
  d->depth++;
  for (size_t i = 0; i < n && !rd->bad; i++) {
    if (i) print(d, ",");
    newline(d);
    diag_item(d, rd);
  }
  d->depth--;
  if (n) newline(d);
  print(d, "]");
}

static void diag_map(diag_t *d, cf_rd_t *rd) {
  bool any = false;
  print(d, "{");
  d->depth++;
  for (cf_cbor_map_t m = cf_cbor_map(rd); cf_cbor_next(&m); any = true) {
    if (any) print(d, ",");
    newline(d);
    if (m.is_text) diag_text(d, m.text);
    else print(d, "%" PRId64, m.key);
    print(d, ": ");
    diag_item(d, rd);
  }
  d->depth--;
  if (any) newline(d);
  print(d, "}");
}

static void diag_negative(diag_t *d, cf_rd_t *rd) {
  cf_rd_t at = *rd;
  int64_t v  = cf_cbor_int(&at);
  if (!at.bad) {
    print(d, "%" PRId64, v);
    *rd = at;
    return;
  }
  cf_rd_take(rd, 1); /* below -2^63: eight bytes of argument */
  uint64_t arg = cf_rd_u64(rd);
  if (arg == UINT64_MAX) print(d, "-18446744073709551616");
  else print(d, "-%" PRIu64, arg + 1);
}

static void diag_item(diag_t *d, cf_rd_t *rd) {
  switch (cf_cbor_peek(rd)) {
  case CF_CBOR_UINT: print(d, "%" PRIu64, cf_cbor_uint(rd)); break;
  case CF_CBOR_NINT: diag_negative(d, rd); break;
  case CF_CBOR_BSTR: diag_bytes(d, cf_cbor_bstr(rd)); break;
  case CF_CBOR_TSTR: diag_text(d, cf_cbor_tstr(rd)); break;
  case CF_CBOR_ARRAY: diag_array(d, rd); break;
  case CF_CBOR_MAP: diag_map(d, rd); break;
  case CF_CBOR_TAG:
    print(d, "%" PRIu64 "(", cf_cbor_tag(rd));
    diag_item(d, rd);
    print(d, ")");
    break;
  case CF_CBOR_SIMPLE:
    if (cf_cbor_peek_null(rd)) {
      cf_cbor_null(rd);
      print(d, "null");
    } else print(d, cf_cbor_bool(rd) ? "true" : "false");
    break;
  case CF_CBOR_BAD: break;
  }
}

size_t cf_cbor_diag(char *out, size_t out_max, cf_span_t in) {
  if (out_max == 0) return 0;
  diag_t  d = { .out = cf_wr_init(out, out_max - 1) };
  size_t  offset;
  cf_rd_t rd = cf_rd_span(in);
  if (cf_cbor_check(in, &offset)) print(&d, "/ not deterministic CBOR at byte %zu of %zu /", offset, in.len);
  else diag_item(&d, &rd); /* checked: depth is bounded, and nothing below goes bad */
  out[d.out.len] = 0;
  return d.out.len;
}
