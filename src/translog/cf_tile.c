#include "translog/cf_tile.h"

#include <assert.h>
#include <stdio.h>

#include "base/cf_text.h"
#include "translog/cf_tree.h"

#define INDEX_MAX (CF_TREE_SIZE_MAX / CF_TILE_WIDTH)

size_t
cf_tile_path(char out[CF_TILE_PATH_MAX], cf_tile_t const *t) {
  assert(t->row >= CF_TILE_ENTRIES && t->row <= 63 && t->index <= INDEX_MAX && t->width >= 1 && t->width <= CF_TILE_WIDTH);
  int n = t->row == CF_TILE_ENTRIES ? snprintf(out, CF_TILE_PATH_MAX, "tile/entries")
                                    : snprintf(out, CF_TILE_PATH_MAX, "tile/%d", t->row);
  uint64_t unit = 1;
  while (t->index / unit >= 1000) unit *= 1000;
  for (; unit; unit /= 1000)
    n += snprintf(out + n, CF_TILE_PATH_MAX - (size_t)n, unit > 1 ? "/x%03u" : "/%03u", (unsigned)(t->index / unit % 1000));
  if (t->width < CF_TILE_WIDTH) n += snprintf(out + n, CF_TILE_PATH_MAX - (size_t)n, ".p/%u", t->width);
  return (size_t)n;
}

/* The text up to the next '/' or the end; consumes the '/'. */
static cf_span_t
segment(cf_rd_t *rd) {
  size_t n = 0;
  while (n < cf_rd_left(rd) && rd->buf[rd->pos + n] != '/') n++;
  cf_span_t s = cf_rd_take_span(rd, n);
  if (cf_rd_left(rd)) cf_rd_take(rd, 1);
  return s;
}

static bool
digits(uint64_t *v, cf_span_t s) {
  *v = 0;
  for (size_t i = 0; i < s.len; i++) {
    if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    *v = *v * 10 + (uint64_t)(s.ptr[i] - '0');
  }
  return s.len >= 1 && s.len <= 3;
}

/* Reads what any name of a tile could be, then demands that the tile's own name is these bytes. */
cf_status_t
cf_tile_parse(cf_tile_t *out, cf_span_t path) {
  if (path.len >= CF_TILE_PATH_MAX) return CF_ERR_FORMAT;
  cf_tile_t t  = { .row = CF_TILE_ENTRIES, .width = CF_TILE_WIDTH };
  cf_rd_t   rd = cf_rd_span(path);
  uint64_t  v;
  if (!cf_span_eq(segment(&rd), CF_SPAN_LIT("tile"))) return CF_ERR_FORMAT;
  cf_span_t row = segment(&rd);
  if (!cf_span_eq(row, CF_SPAN_LIT("entries"))) {
    if (!digits(&v, row) || v > 63) return CF_ERR_FORMAT;
    t.row = (int)v;
  }
  bool partial = false;
  for (bool more = true; more;) {
    cf_span_t s = segment(&rd);
    more        = s.len > 0 && s.ptr[0] == 'x';
    partial     = s.len == 5 && s.ptr[3] == '.' && s.ptr[4] == 'p';
    if (more) s = CF_SPAN(s.ptr + 1, s.len - 1);
    if (partial) s.len = 3;
    if (!digits(&v, s)) return CF_ERR_FORMAT;
    if (t.index > (INDEX_MAX - v) / 1000) return CF_ERR_BOUND;
    t.index = t.index * 1000 + v;
  }
  if (partial) {
    if (!digits(&v, segment(&rd)) || v < 1 || v >= CF_TILE_WIDTH) return CF_ERR_FORMAT;
    t.width = (unsigned)v;
  }
  char   again[CF_TILE_PATH_MAX];
  size_t again_sz = cf_tile_path(again, &t);
  if (!cf_span_eq(path, CF_SPAN(again, again_sz))) return CF_ERR_FORMAT;
  *out = t;
  return CF_OK;
}

/* How many hashes (entries) the row has in a log of that size. */
static uint64_t
row_cnt(int row, uint64_t size) {
  if (row <= 0) return size;
  return row < CF_TILE_ROWS ? size >> (8 * row) : 0;
}

bool
cf_tile_within(cf_tile_t const *t, uint64_t size) {
  return t->index <= INDEX_MAX && t->index * CF_TILE_WIDTH + t->width <= row_cnt(t->row, size);
}

bool
cf_tile_next(cf_tile_iter_t *it, cf_tile_t *out) {
  cf_tile_t *t = &it->next;
  if (!it->begun) *t = (cf_tile_t){ .row = CF_TILE_ENTRIES, .index = it->from / CF_TILE_WIDTH };
  it->begun = true;
  while (t->row < CF_TILE_ROWS) {
    uint64_t cnt = row_cnt(t->row, it->size), first = t->index * CF_TILE_WIDTH;
    if (first < cnt && row_cnt(t->row, it->from) < cnt) {
      *out       = *t;
      out->width = cnt - first < CF_TILE_WIDTH ? (unsigned)(cnt - first) : CF_TILE_WIDTH;
      t->index++;
      return true;
    }
    t->row++;
    t->index = row_cnt(t->row, it->from) / CF_TILE_WIDTH;
  }
  return false;
}

cf_tile_t
cf_tile_of_node(unsigned level, uint64_t index, unsigned *first) {
  uint64_t at = index << (level % 8); /* in the row of tile hashes */
  *first      = (unsigned)(at % CF_TILE_WIDTH);
  return (cf_tile_t){ .row = (int)(level / 8), .index = at / CF_TILE_WIDTH, .width = CF_TILE_WIDTH };
}

void
cf_bundle_add(cf_wr_t *wr, cf_span_t entry) {
  if (entry.len > CF_ENTRY_MAX) wr->bad = true;
  cf_wr_u16(wr, (uint16_t)entry.len);
  cf_wr_span(wr, entry);
}

bool
cf_bundle_next(cf_rd_t *rd, cf_span_t *entry) {
  if (rd->bad || !cf_rd_left(rd)) return false;
  *entry = cf_rd_take_span(rd, cf_rd_u16(rd));
  return !rd->bad;
}
