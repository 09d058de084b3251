#include "codec/cf_rlp.h"

enum { STRING = 0x80, LIST = 0xc0, SHORT_MAX = 55 };

/* The bytes of v without leading zeros; 0 has none. */
static size_t minimal_sz(uint64_t v) { return v ? 8 - (size_t)__builtin_clzll(v) / 8 : 0; }

cf_rlp_t cf_rlp_next(cf_rd_t *rd) {
  cf_rd_t  at   = *rd;
  uint8_t  head = cf_rd_u8(&at);
  cf_rlp_t item = { .list = head >= LIST };
  if (!at.bad && head < STRING) {
    item.body = CF_SPAN(at.buf + rd->pos, 1);
  } else {
    uint64_t len = head & (LIST - STRING - 1);
    if (len > SHORT_MAX) {
      size_t len_sz = (size_t)len - SHORT_MAX;
      len           = cf_rd_be(&at, len_sz);
      if (len <= SHORT_MAX || minimal_sz(len) != len_sz) at.bad = true;
    }
    item.body = cf_rd_take_span(&at, len);
    if (!item.list && len == 1 && !at.bad && item.body.ptr[0] < STRING) at.bad = true;
  }
  if (at.bad) {
    rd->bad = true;
    return (cf_rlp_t){ 0 };
  }
  item.whole = CF_SPAN(rd->buf + rd->pos, at.pos - rd->pos);
  *rd        = at;
  return item;
}

/* of_kind reads an item that is a list or a string, as is wanted. */
static cf_rlp_t of_kind(cf_rd_t *rd, bool list) {
  cf_rd_t  at   = *rd;
  cf_rlp_t item = cf_rlp_next(&at);
  if (at.bad || item.list != list) {
    rd->bad = true;
    return (cf_rlp_t){ 0 };
  }
  *rd = at;
  return item;
}

cf_span_t cf_rlp_str(cf_rd_t *rd) { return of_kind(rd, false).body; }

cf_rd_t cf_rlp_list(cf_rd_t *rd) {
  cf_rd_t items = cf_rd_span(of_kind(rd, true).body);
  items.bad     = rd->bad;
  return items;
}

/* integer reads a string of at most max bytes, the first of which is not zero. */
static cf_span_t integer(cf_rd_t *rd, size_t max) {
  cf_rd_t   at = *rd;
  cf_span_t s  = cf_rlp_str(&at);
  if (at.bad || s.len > max || (s.len && s.ptr[0] == 0)) {
    rd->bad = true;
    return CF_SPAN(NULL, 0);
  }
  *rd = at;
  return s;
}

uint64_t cf_rlp_uint(cf_rd_t *rd) {
  cf_rd_t bytes = cf_rd_span(integer(rd, 8));
  return cf_rd_be(&bytes, bytes.len);
}

cf_hash_t cf_rlp_word(cf_rd_t *rd) {
  cf_hash_t w = { { 0 } };
  cf_span_t s = integer(rd, sizeof w.b);
  if (s.len) memcpy(w.b + sizeof w.b - s.len, s.ptr, s.len);
  return w;
}

void cf_rlp_fixed(cf_rd_t *rd, void *out, size_t n) {
  cf_rd_t   at = *rd;
  cf_span_t s  = cf_rlp_str(&at);
  if (at.bad || s.len != n) {
    rd->bad = true;
    return;
  }
  if (n) memcpy(out, s.ptr, n);
  *rd = at;
}

/* ---- writing ---- */

static size_t head_sz(size_t len) { return len <= SHORT_MAX ? 1 : 1 + minimal_sz(len); }

static void head(cf_wr_t *wr, uint8_t kind, size_t len) {
  size_t len_sz = head_sz(len) - 1;
  cf_wr_u8(wr, (uint8_t)(kind + (len_sz ? SHORT_MAX + len_sz : len)));
  cf_wr_be(wr, len, len_sz);
}

void cf_rlp_w_str(cf_wr_t *wr, cf_span_t s) {
  if (s.len != 1 || s.ptr[0] >= STRING) head(wr, STRING, s.len);
  cf_wr_span(wr, s);
}

void cf_rlp_w_uint(cf_wr_t *wr, uint64_t v) {
  uint8_t be[8];
  cf_wr_t all = cf_wr_init(be, sizeof be);
  cf_wr_u64(&all, v);
  cf_rlp_w_str(wr, CF_SPAN(be + 8 - minimal_sz(v), minimal_sz(v)));
}

void cf_rlp_w_word(cf_wr_t *wr, cf_hash_t const *v) {
  size_t zeros = 0;
  while (zeros < sizeof v->b && v->b[zeros] == 0) zeros++;
  cf_rlp_w_str(wr, CF_SPAN(v->b + zeros, sizeof v->b - zeros));
}

void cf_rlp_w_end(cf_wr_t *wr, size_t list) {
  if (wr->bad) return;
  size_t len = wr->len - list, sz = head_sz(len);
  if (!cf_wr_room(wr, sz)) return;
  memmove(wr->buf + list + sz, wr->buf + list, len);
  cf_wr_t at = cf_wr_init(wr->buf + list, sz);
  head(&at, LIST, len);
}
