#include "translog/cf_logreader.h"

#include <assert.h>

#include "base/cf_text.h"

void
cf_logreader_init(cf_logreader_t *r, cf_logreader_sink_t const *sink) {
  memset(r, 0, sizeof *r);
  r->sink = *sink;
  r->root = cf_tree_empty();
  r->done = true;
}

static void
fault(cf_logreader_t *r, cf_log_fault_t f) {
  if (r->fault_cnt++ == 0) r->first = f;
  if (r->sink.fault) r->sink.fault(r->sink.ctx, &f);
}

/* ---- which file next ---- */

static unsigned
width(uint64_t size, unsigned level, uint64_t index) {
  uint64_t cnt = size >> (8 * level), first = index * CF_TILE_WIDTH;
  return cnt - first < CF_TILE_WIDTH ? (unsigned)(cnt - first) : CF_TILE_WIDTH;
}

/* Partial tiles above level 0 come last, lowest first. */
static void
want_trailing(cf_logreader_t *r) {
  for (; r->trail < CF_TILE_ROWS; r->trail++) {
    uint64_t cnt = r->size >> (8 * r->trail);
    if (cnt % CF_TILE_WIDTH == 0) continue;
    r->want = (cf_tile_t){ .row = (int)r->trail, .index = cnt / CF_TILE_WIDTH, .width = (unsigned)(cnt % CF_TILE_WIDTH) };
    r->trail++;
    return;
  }
  r->done = true;
}

static void
want_bundle(cf_logreader_t *r, uint64_t index) {
  if (index * CF_TILE_WIDTH >= r->size) {
    want_trailing(r);
    return;
  }
  r->want = (cf_tile_t){ .row = CF_TILE_ENTRIES, .index = index, .width = width(r->size, 0, index) };
}

/* A bundle is followed by its level 0 tile, a tile that fills the one above by that one. */
static void
advance(cf_logreader_t *r) {
  cf_tile_t *w = &r->want;
  if (r->trail > 1) {
    want_trailing(r);
  } else if (w->row == CF_TILE_ENTRIES) {
    w->row = 0;
  } else if (w->width == CF_TILE_WIDTH && (w->index + 1) % CF_TILE_WIDTH == 0 && w->row + 1 < CF_TILE_ROWS) {
    w->row++;
    w->index /= CF_TILE_WIDTH;
  } else {
    want_bundle(r, (w->index + 1) << (8 * w->row)); /* only level 0 can have left a partial tile here */
  }
}

cf_status_t
cf_logreader_begin(cf_logreader_t *r, uint64_t size, cf_hash_t const *root) {
  if (size < r->size || size > CF_TREE_SIZE_MAX) return CF_ERR_BOUND;
  if (r->fault_cnt || !r->done) return CF_ERR_AUTH;
  r->old_size = r->size, r->old_root = r->root;
  r->size = size, r->root = *root;
  r->done = size == r->old_size;
  if (r->done) return CF_OK; /* cf_logreader_end compares the roots */
  r->by_entries = r->whole_entries;
  r->by_tiles   = r->whole_tiles;
  r->trail      = 1;
  want_bundle(r, r->old_size / CF_TILE_WIDTH);
  return CF_OK;
}

bool
cf_logreader_want(cf_logreader_t const *r, cf_tile_t *file) {
  if (!r->done) *file = r->want;
  return !r->done;
}

/* ---- what a file says ---- */

/* A tile or bundle of 256 entries that begins where the reading before ended, or behind it. */
static bool
whole_and_new(cf_logreader_t const *r) {
  return r->want.width == CF_TILE_WIDTH && r->want.index * CF_TILE_WIDTH >= r->old_size;
}

/* Adds leaves that the reading before had, too, and the next one: the old size is met on the way. */
static void
add_entries(cf_logreader_t *r) {
  for (unsigned i = 0; i < r->leaf_cnt; i++) {
    cf_frontier_add(&r->by_entries, &r->leaf[i]);
    if (r->by_entries.size != r->old_size) continue;
    cf_hash_t is = cf_frontier_root(&r->by_entries);
    if (!cf_hash_eq(&is, &r->old_root))
      fault(r, (cf_log_fault_t){ .kind = CF_LOG_FAULT_FORK, .at = r->old_size, .is = is, .says = r->old_root });
  }
}

/* The form is checked first: nothing of a malformed bundle counts.  Entries of a whole tile that is new are added with it. */
static bool
bundle(cf_logreader_t *r, cf_span_t bytes, bool full) {
  cf_rd_t   rd = cf_rd_span(bytes);
  cf_span_t entry[CF_TILE_WIDTH], more;
  unsigned  cnt = 0;
  while (cnt < CF_TILE_WIDTH && cf_bundle_next(&rd, &entry[cnt])) cnt++;
  if (cf_bundle_next(&rd, &more) || !cf_rd_done(&rd) || cnt != (full ? CF_TILE_WIDTH : r->want.width)) return false;
  uint64_t first = r->want.index * CF_TILE_WIDTH;
  r->leaf_cnt    = r->want.width;
  cf_sha256_leaves(r->leaf, entry, r->leaf_cnt);
  if (!r->entries_lost && !whole_and_new(r)) add_entries(r);
  for (unsigned i = 0; r->sink.entry && i < r->leaf_cnt; i++)
    if (first + i >= r->old_size) r->sink.entry(r->sink.ctx, first + i, entry[i], &r->leaf[i]);
  return true;
}

/* What a level 0 tile says.  The root over a whole one counts for its entries, too, when they agree. */
static void
add_tile(cf_logreader_t *r, bool agree) {
  if (r->want.width < CF_TILE_WIDTH) {
    for (unsigned i = 0; i < r->want.width; i++) cf_frontier_add(&r->by_tiles, &r->row[0][i]);
    return;
  }
  cf_hash_t root = cf_tree_root_of(r->row[0], CF_TILE_WIDTH), other = root;
  if (!agree && r->leaf_cnt == CF_TILE_WIDTH) other = cf_tree_root_of(r->leaf, CF_TILE_WIDTH);
  cf_frontier_add_tree(&r->by_tiles, 8, &root);
  if (!r->entries_lost && whole_and_new(r)) cf_frontier_add_tree(&r->by_entries, 8, &other);
  r->row[1][r->want.index % CF_TILE_WIDTH] = root;
  r->whole_entries                         = r->by_entries;
  r->whole_tiles                           = r->by_tiles;
}

/* Compares a tile's hashes with those that the row below gives, and lets a full one feed the row above.  On level
   0 the tile's own word goes up, so that one wrong entry is one fault. */
static void
tile(cf_logreader_t *r, uint8_t const *bytes) {
  unsigned   level = (unsigned)r->want.row;
  cf_hash_t *below = level ? r->row[level] : r->leaf;
  unsigned   known = level ? r->want.width : r->leaf_cnt;
  bool       agree = known == r->want.width;
  for (unsigned i = 0; i < r->want.width; i++) {
    cf_hash_t says;
    memcpy(says.b, bytes ? bytes + (size_t)i * 32 : below[i].b, sizeof says.b);
    if (i < known && !cf_hash_eq(&says, &below[i])) {
      agree = false;
      fault(r, (cf_log_fault_t){ .kind = level ? CF_LOG_FAULT_TILE : CF_LOG_FAULT_ENTRY,
                                 .file = r->want,
                                 .at   = r->want.index * CF_TILE_WIDTH + i,
                                 .is   = below[i],
                                 .says = says });
    }
    if (level == 0) r->row[0][i] = says;
  }
  if (level == 0) add_tile(r, agree);
  else if (r->want.width == CF_TILE_WIDTH && level + 1 < CF_TILE_ROWS)
    r->row[level + 1][r->want.index % CF_TILE_WIDTH] = cf_tree_root_of(r->row[level], CF_TILE_WIDTH);
}

static void
lost(cf_logreader_t *r, cf_log_fault_kind_t kind) {
  fault(r, (cf_log_fault_t){ .kind = kind, .file = r->want, .at = r->want.index * CF_TILE_WIDTH });
  if (r->want.row == CF_TILE_ENTRIES) {
    r->entries_lost = true;
    r->leaf_cnt     = 0;
  } else if (r->want.row > 0 || r->leaf_cnt == r->want.width) {
    tile(r, NULL); /* go on with what the row below gives */
  } else {
    memset(r->leaf, 0, sizeof r->leaf); /* bundle and tile are both gone */
    tile(r, NULL);
  }
}

void
cf_logreader_give(cf_logreader_t *r, cf_span_t bytes, bool full) {
  assert(!r->done);
  if (r->want.row == CF_TILE_ENTRIES) {
    if (!bundle(r, bytes, full)) lost(r, CF_LOG_FAULT_MALFORMED);
  } else if (bytes.len == 32 * (size_t)(full ? CF_TILE_WIDTH : r->want.width)) {
    tile(r, bytes.ptr);
  } else {
    lost(r, CF_LOG_FAULT_MALFORMED);
  }
  advance(r);
}

void
cf_logreader_missing(cf_logreader_t *r) {
  assert(!r->done);
  lost(r, CF_LOG_FAULT_MISSING);
  advance(r);
}

/* ---- the verdict ---- */

static char const *
short_hex(char out[2 * 6 + 1], cf_hash_t const *h) {
  return cf_hex_encode(out, CF_SPAN(h->b, 6));
}

static cf_status_t
describe(cf_error_t *err, cf_log_fault_t const *f, char const *side) {
  char file[CF_TILE_PATH_MAX], tile0[CF_TILE_PATH_MAX], is[13], says[13];
  short_hex(is, &f->is), short_hex(says, &f->says);
  unsigned long long at = f->at;
  cf_tile_t bundle_file = f->file;
  switch (f->kind) {
  case CF_LOG_FAULT_MISSING:
    cf_tile_path(file, &f->file);
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s: missing", file);
  case CF_LOG_FAULT_MALFORMED:
    cf_tile_path(file, &f->file);
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s: does not hold %u %s", file, f->file.width,
                        f->file.row == CF_TILE_ENTRIES ? "entries" : "hashes");
  case CF_LOG_FAULT_ENTRY:
    bundle_file.row = CF_TILE_ENTRIES;
    cf_tile_path(file, &bundle_file), cf_tile_path(tile0, &f->file);
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s: entry %llu hashes to %s..., %s says %s...%s", file, at, is, tile0, says,
                        side);
  case CF_LOG_FAULT_TILE:
    cf_tile_path(file, &f->file);
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s: hash %llu is %s..., the tile below gives %s...", file, at, says, is);
  case CF_LOG_FAULT_FORK:
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "the first %llu entries have root %s..., the checkpoint said %s...", at, is,
                        says);
  case CF_LOG_FAULT_ROOT:
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "entries and tiles of size %llu have root %s..., the checkpoint says %s...",
                        at, is, says);
  }
  return CF_ERR_AUTH;
}

cf_status_t
cf_logreader_end(cf_logreader_t *r, cf_error_t *err) {
  assert(r->done);
  if (r->size == r->old_size && r->fault_cnt == 0) {
    if (!cf_hash_eq(&r->root, &r->old_root))
      fault(r, (cf_log_fault_t){ .kind = CF_LOG_FAULT_FORK, .at = r->size, .is = r->old_root, .says = r->root });
    return r->fault_cnt ? describe(err, &r->first, "") : CF_OK;
  }
  cf_hash_t by_tiles = cf_frontier_root(&r->by_tiles), by_entries = cf_frontier_root(&r->by_entries);
  bool      tiles = cf_hash_eq(&by_tiles, &r->root), entries = !r->entries_lost && cf_hash_eq(&by_entries, &r->root);
  if (r->fault_cnt == 0 && !(tiles && entries))
    fault(r, (cf_log_fault_t){ .kind = CF_LOG_FAULT_ROOT, .at = r->size, .is = by_entries, .says = r->root });
  if (r->fault_cnt == 0) return CF_OK;
  char const *side = tiles ? " (the checkpoint agrees with the tile)" : " (the checkpoint agrees with the entry)";
  return describe(err, &r->first, tiles == entries ? "" : side);
}
