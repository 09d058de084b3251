#include "codec/cf_cbor.h"

#include <endian.h>

#include "base/cf_text.h"

enum { SIMPLE_FALSE = 20, SIMPLE_TRUE = 21, SIMPLE_NULL = 22 };

/* An item's head (RFC 8949, 3): major type, argument, and the bytes it takes. */
typedef struct {
  cf_cbor_type_t major;
  uint64_t       arg;
  size_t         sz;
} head_t;

/* head_peek reads a head without consuming it; false when it is cut short, longer than
   its argument needs, of indefinite length, or a float. */
static bool head_peek(cf_rd_t const *rd, head_t *h) {
  cf_rd_t at = *rd;
  uint8_t ib = cf_rd_u8(&at);
  if (at.bad) return false;
  unsigned info = ib & 31;
  *h            = (head_t){ .major = (cf_cbor_type_t)(ib >> 5), .arg = info, .sz = 1 };
  if (h->major == CF_CBOR_SIMPLE) return info >= SIMPLE_FALSE && info <= SIMPLE_NULL;
  if (info < 24) return true;
  if (info > 27) return false;
  size_t n = (size_t)1 << (info - 24);
  h->arg   = cf_rd_be(&at, n);
  h->sz    = 1 + n;
  return !at.bad && (n == 1 ? h->arg >= 24 : h->arg >> (4 * n) != 0);
}

/* head_want peeks at a head of that major type; if there is none, rd goes bad where it is. */
static bool head_want(cf_rd_t *rd, cf_cbor_type_t major, head_t *h) {
  if (!head_peek(rd, h) || h->major != major) rd->bad = true;
  return !rd->bad;
}

/* head_arg consumes a head of that major type. */
static uint64_t head_arg(cf_rd_t *rd, cf_cbor_type_t major) {
  head_t h;
  if (!head_want(rd, major, &h)) return 0;
  cf_rd_take(rd, h.sz);
  return h.arg;
}

cf_cbor_type_t cf_cbor_peek(cf_rd_t const *rd) {
  if (rd->bad || rd->pos == rd->len) return CF_CBOR_BAD;
  return (cf_cbor_type_t)(rd->buf[rd->pos] >> 5);
}

bool cf_cbor_peek_null(cf_rd_t const *rd) { return cf_cbor_peek(rd) == CF_CBOR_SIMPLE && rd->buf[rd->pos] == 0xf6; }

uint64_t cf_cbor_uint(cf_rd_t *rd) { return head_arg(rd, CF_CBOR_UINT); }
uint64_t cf_cbor_tag(cf_rd_t *rd) { return head_arg(rd, CF_CBOR_TAG); }

int64_t cf_cbor_int(cf_rd_t *rd) {
  head_t h;
  if (!head_peek(rd, &h) || h.major > CF_CBOR_NINT || h.arg > INT64_MAX) {
    rd->bad = true;
    return 0;
  }
  cf_rd_take(rd, h.sz);
  return h.major == CF_CBOR_UINT ? (int64_t)h.arg : -1 - (int64_t)h.arg;
}

static cf_span_t read_string(cf_rd_t *rd, cf_cbor_type_t major) {
  head_t h;
  if (!head_want(rd, major, &h)) return CF_SPAN(NULL, 0);
  cf_span_t s = CF_SPAN(rd->buf + rd->pos + h.sz, (size_t)h.arg);
  if (h.arg > cf_rd_left(rd) - h.sz || (major == CF_CBOR_TSTR && !cf_utf8_valid(s))) {
    rd->bad = true;
    return CF_SPAN(NULL, 0);
  }
  cf_rd_take(rd, h.sz + s.len);
  return s;
}

cf_span_t cf_cbor_bstr(cf_rd_t *rd) { return read_string(rd, CF_CBOR_BSTR); }
cf_span_t cf_cbor_tstr(cf_rd_t *rd) { return read_string(rd, CF_CBOR_TSTR); }

void cf_cbor_bstr_fixed(cf_rd_t *rd, void *out, size_t n) {
  head_t h;
  if (!head_want(rd, CF_CBOR_BSTR, &h)) return;
  if (h.arg != n || n > cf_rd_left(rd) - h.sz) {
    rd->bad = true;
    return;
  }
  cf_rd_take(rd, h.sz);
  cf_rd_copy(rd, out, n);
}

bool cf_cbor_bool(cf_rd_t *rd) {
  head_t h;
  if (!head_want(rd, CF_CBOR_SIMPLE, &h)) return false;
  if (h.arg == SIMPLE_NULL) {
    rd->bad = true;
    return false;
  }
  cf_rd_take(rd, h.sz);
  return h.arg == SIMPLE_TRUE;
}

void cf_cbor_null(cf_rd_t *rd) {
  if (cf_cbor_peek_null(rd)) cf_rd_take(rd, 1);
  else rd->bad = true;
}

/* read_count consumes the head of a container whose members take at least unit bytes each. */
static size_t read_count(cf_rd_t *rd, cf_cbor_type_t major, size_t unit) {
  head_t h;
  if (!head_want(rd, major, &h)) return 0;
  if (h.arg > (cf_rd_left(rd) - h.sz) / unit) {
    rd->bad = true;
    return 0;
  }
  cf_rd_take(rd, h.sz);
  return (size_t)h.arg;
}

size_t cf_cbor_array(cf_rd_t *rd) { return read_count(rd, CF_CBOR_ARRAY, 1); }

cf_cbor_map_t cf_cbor_map(cf_rd_t *rd) { return (cf_cbor_map_t){ .rd = rd, .left = read_count(rd, CF_CBOR_MAP, 2) }; }

/* before is bytewise lexicographic order (RFC 8949, 4.2.1). */
static bool before(cf_span_t a, cf_span_t b) {
  size_t n = a.len < b.len ? a.len : b.len;
  int    c = n ? memcmp(a.ptr, b.ptr, n) : 0;
  return c < 0 || (c == 0 && a.len < b.len);
}

bool cf_cbor_next(cf_cbor_map_t *m) {
  if (m->rd->bad || m->left == 0) return false;
  cf_rd_t at      = *m->rd; /* a key out of order leaves pos in front of it */
  m->is_text      = cf_cbor_peek(&at) == CF_CBOR_TSTR;
  m->text         = m->is_text ? cf_cbor_tstr(&at) : CF_SPAN(NULL, 0);
  m->key          = m->is_text ? 0 : cf_cbor_int(&at);
  cf_span_t coded = CF_SPAN(m->rd->buf + m->rd->pos, at.pos - m->rd->pos);
  if (at.bad || (m->last.len && !before(m->last, coded))) {
    m->rd->bad = true;
    return false;
  }
  *m->rd  = at;
  m->last = coded;
  m->left--;
  return true;
}

/* Recursion is bounded by CF_CBOR_DEPTH_MAX. */
static void skip_item(cf_rd_t *rd, unsigned depth) {
  cf_cbor_type_t type = cf_cbor_peek(rd);
  if (depth == CF_CBOR_DEPTH_MAX && (type == CF_CBOR_ARRAY || type == CF_CBOR_MAP || type == CF_CBOR_TAG)) {
    rd->bad = true;
    return;
  }
  switch (type) {
  case CF_CBOR_UINT:
  case CF_CBOR_NINT: head_arg(rd, type); break;
  case CF_CBOR_BSTR: cf_cbor_bstr(rd); break;
  case CF_CBOR_TSTR: cf_cbor_tstr(rd); break;
  case CF_CBOR_ARRAY:
    for (size_t n = cf_cbor_array(rd); n > 0 && !rd->bad; n--) skip_item(rd, depth + 1);
    break;
  case CF_CBOR_MAP:
    for (cf_cbor_map_t m = cf_cbor_map(rd); cf_cbor_next(&m);) skip_item(rd, depth + 1);
    break;
  case CF_CBOR_TAG:
    cf_cbor_tag(rd);
    skip_item(rd, depth + 1);
    break;
  case CF_CBOR_SIMPLE: head_arg(rd, type); break;
  case CF_CBOR_BAD: rd->bad = true; break;
  }
}

cf_span_t cf_cbor_skip(cf_rd_t *rd) {
  size_t start = rd->pos;
  skip_item(rd, 0);
  return rd->bad ? CF_SPAN(NULL, 0) : CF_SPAN(rd->buf + start, rd->pos - start);
}

cf_status_t cf_cbor_check(cf_span_t in, size_t *offset) {
  cf_rd_t rd = cf_rd_span(in);
  cf_cbor_skip(&rd);
  if (offset) *offset = rd.pos;
  return cf_rd_done(&rd) ? CF_OK : CF_ERR_FORMAT;
}

/* ---- writing ---- */

static void write_head(cf_wr_t *wr, cf_cbor_type_t major, uint64_t arg) {
  uint8_t ib = (uint8_t)(major << 5);
  if (arg < 24) {
    cf_wr_u8(wr, (uint8_t)(ib | arg));
    return;
  }
  unsigned n_log2 = arg >> 32 ? 3 : arg >> 16 ? 2 : arg >> 8 ? 1 : 0;
  size_t   n      = (size_t)1 << n_log2;
  uint8_t *at     = cf_wr_room(wr, 1 + n);
  uint64_t be     = htobe64(arg << (64 - 8 * n));
  if (!at) return;
  at[0] = (uint8_t)(ib | (24 + n_log2));
  memcpy(at + 1, &be, n);
}

void cf_cbor_w_uint(cf_wr_t *wr, uint64_t v) { write_head(wr, CF_CBOR_UINT, v); }

void cf_cbor_w_int(cf_wr_t *wr, int64_t v) {
  if (v < 0) write_head(wr, CF_CBOR_NINT, (uint64_t)(-1 - v));
  else write_head(wr, CF_CBOR_UINT, (uint64_t)v);
}

void cf_cbor_w_bstr_head(cf_wr_t *wr, size_t n) { write_head(wr, CF_CBOR_BSTR, n); }

void cf_cbor_w_bstr(cf_wr_t *wr, cf_span_t s) {
  write_head(wr, CF_CBOR_BSTR, s.len);
  cf_wr_span(wr, s);
}

void cf_cbor_w_tstr(cf_wr_t *wr, cf_span_t s) {
  if (!cf_utf8_valid(s)) wr->bad = true;
  write_head(wr, CF_CBOR_TSTR, s.len);
  cf_wr_span(wr, s);
}

void cf_cbor_w_str(cf_wr_t *wr, char const *s) { cf_cbor_w_tstr(wr, CF_SPAN(s, strlen(s))); }
void cf_cbor_w_array(cf_wr_t *wr, size_t n) { write_head(wr, CF_CBOR_ARRAY, n); }
void cf_cbor_w_map(cf_wr_t *wr, size_t n) { write_head(wr, CF_CBOR_MAP, n); }
void cf_cbor_w_tag(cf_wr_t *wr, uint64_t tag) { write_head(wr, CF_CBOR_TAG, tag); }
void cf_cbor_w_bool(cf_wr_t *wr, bool v) { write_head(wr, CF_CBOR_SIMPLE, v ? SIMPLE_TRUE : SIMPLE_FALSE); }
void cf_cbor_w_null(cf_wr_t *wr) { write_head(wr, CF_CBOR_SIMPLE, SIMPLE_NULL); }

uint8_t *cf_cbor_w_bstr_room(cf_wr_t *wr, size_t n) {
  write_head(wr, CF_CBOR_BSTR, n);
  return cf_wr_room(wr, n);
}
