/* Hashes of a log's subtrees from its tiles, by an audit's reader: what proofs of consistency are made of.  Nothing is checked; who
   makes a proof verifies it. */
#ifndef CF_AUDIT_TILES_H
#define CF_AUDIT_TILES_H

#include "audit/cf_audit.h"
#include "translog/cf_tile.h"
#include "translog/cf_tree.h"

/* About 66 KB: the last tile of each row is kept. */
typedef struct {
  cf_audit_reader_t reader;
  uint64_t          size;
  struct {
    unsigned  width; /* 0: none */
    uint64_t  index;
    cf_hash_t hash[CF_TILE_WIDTH];
  } row[CF_TILE_ROWS];
} cf_tiles_t;

void cf_tiles_init(cf_tiles_t *t, cf_audit_reader_t const *reader, uint64_t size);
/* cf_tiles_reader borrows t.  Its read gives CF_ERR_IO when the world failed, CF_ERR_FORMAT when a tile is missing or short. */
cf_tree_reader_t cf_tiles_reader(cf_tiles_t *t);
/* cf_tiles_root is the root of the first n entries, 0 < n <= size, proven to lead to head, the root of all.  CF_ERR_IO, CF_ERR_FORMAT; CF_ERR_AUTH:
   the tiles are not of that tree. */
CF_MUST_CHECK cf_status_t cf_tiles_root(cf_tiles_t *t, cf_hash_t *root, uint64_t n, cf_hash_t const *head);

#endif
