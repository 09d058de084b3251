#include "audit/cf_tiles.h"

#include <string.h>

void cf_tiles_init(cf_tiles_t *t, cf_audit_reader_t const *reader, uint64_t size) {
  t->reader = *reader;
  t->size = size;
  for (size_t i = 0; i < CF_TILE_ROWS; i++) t->row[i].width = 0;
}

static cf_read_t read_width(cf_tiles_t *t, cf_span_t *bytes, cf_tile_t tile, unsigned width) {
  char name[4 + CF_TILE_PATH_MAX] = "log/";
  tile.width = width;
  cf_tile_path(name + 4, &tile);
  return t->reader.read(t->reader.ctx, name, CF_TILE_WIDTH * sizeof(cf_hash_t), bytes);
}

/* The tile as wide as the tree has it; a partial one that is gone is cut from the full one. */
static cf_status_t load(cf_tiles_t *t, cf_tile_t tile) {
  uint64_t there = (t->size >> (8 * tile.row)) - tile.index * CF_TILE_WIDTH;
  unsigned  width = there < CF_TILE_WIDTH ? (unsigned)there : CF_TILE_WIDTH;
  cf_span_t bytes;
  cf_read_t r = read_width(t, &bytes, tile, width);
  if (r == CF_READ_ABSENT && width < CF_TILE_WIDTH) r = read_width(t, &bytes, tile, CF_TILE_WIDTH);
  if (r == CF_READ_FAILED) return CF_ERR_IO;
  if (r != CF_READ_OK || bytes.len < width * sizeof(cf_hash_t)) return CF_ERR_FORMAT;
  memcpy(t->row[tile.row].hash, bytes.ptr, width * sizeof(cf_hash_t));
  t->row[tile.row].index = tile.index;
  t->row[tile.row].width = width;
  return CF_OK;
}

static cf_status_t read_node(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  cf_tiles_t *t = ctx;
  unsigned    first, cnt = 1u << (level % 8);
  cf_tile_t   tile = cf_tile_of_node(level, index, &first);
  cf_hash_t   h[CF_TILE_WIDTH];
  if (!t->row[tile.row].width || t->row[tile.row].index != tile.index) {
    t->row[tile.row].width = 0;
    cf_status_t st = load(t, tile);
    if (st) return st;
  }
  if (first + cnt > t->row[tile.row].width) return CF_ERR_FORMAT;
  memcpy(h, t->row[tile.row].hash + first, cnt * sizeof *h);
  for (; cnt > 1; cnt /= 2)
    for (unsigned i = 0; i < cnt / 2; i++) h[i] = cf_sha256_node(&h[2 * i], &h[2 * i + 1]);
  *out = h[0];
  return CF_OK;
}

cf_tree_reader_t cf_tiles_reader(cf_tiles_t *t) { return (cf_tree_reader_t){read_node, t}; }

cf_status_t cf_tiles_root(cf_tiles_t *t, cf_hash_t *root, uint64_t n, cf_hash_t const *head) {
  cf_tree_reader_t tree = cf_tiles_reader(t);
  cf_hash_t        path[CF_TREE_PATH_MAX];
  size_t           cnt = 0;
  *root = *head;
  if (n == t->size) return CF_OK;
  cf_status_t st = cf_tree_root(root, &tree, n);
  if (!st) st = cf_tree_consistency_prove(path, &cnt, &tree, n, t->size);
  return st ? st : cf_tree_consistency_verify(root, n, head, t->size, path, cnt);
}
