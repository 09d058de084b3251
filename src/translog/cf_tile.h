/* Tiles and entry bundles (C2SP tlog-tiles, FORMATS-LOG section 6): the files
   that a log consists of, and their names. */
#ifndef CF_TRANSLOG_TILE_H
#define CF_TRANSLOG_TILE_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

#define CF_TILE_WIDTH    256
#define CF_TILE_ENTRIES  (-1) /* row of the entry bundles */
#define CF_TILE_ROWS     8    /* levels 0..7 hold every tree of at most 2^63-1 entries */
#define CF_TILE_PATH_MAX 64   /* with NUL */
#define CF_ENTRY_MAX     65535
#define CF_BUNDLE_MAX    ((size_t)CF_TILE_WIDTH * (2 + CF_ENTRY_MAX))

/* A tile: row CF_TILE_ENTRIES or level 0..63; index counts tiles in the row; width 256 is a full one.
   Hash i of tile N at level L is the root over entries [(256 N + i) 256^L, (256 N + i + 1) 256^L). */
typedef struct {
  int      row;
  uint64_t index;
  unsigned width; /* 1..256 */
} cf_tile_t;

/* cf_tile_path writes "tile/<L>/<N>[.p/<W>]" or "tile/entries/<N>[.p/<W>]" and returns its length. */
size_t cf_tile_path(char out[CF_TILE_PATH_MAX], cf_tile_t const *t);
/* cf_tile_parse is its strict inverse: one name per tile.  CF_ERR_FORMAT; CF_ERR_BOUND when the index fits no log. */
CF_MUST_CHECK cf_status_t cf_tile_parse(cf_tile_t *out, cf_span_t path);
/* cf_tile_within holds when every hash or entry of t exists in a log of that size: such a file is accounted for. */
bool cf_tile_within(cf_tile_t const *t, uint64_t size);

/* The tiles that a log growing from one size to another must write, in
   publishing order (entries, then level by level); with from = 0, all tiles of a log of that size. */
typedef struct {
  uint64_t  from;
  uint64_t  size;
  cf_tile_t next;
  bool      begun;
} cf_tile_iter_t;
static inline cf_tile_iter_t cf_tile_iter(uint64_t from, uint64_t size) { return (cf_tile_iter_t){ .from = from, .size = size }; }
bool cf_tile_next(cf_tile_iter_t *it, cf_tile_t *out);

/* cf_tile_of_node says which tile holds what is needed for tree node (level, index) and which of its
   hashes [*first, *first + 2^(level mod 8)) are below it; width is left 256. */
cf_tile_t cf_tile_of_node(unsigned level, uint64_t index, unsigned *first);

/* Entry bundles: per entry u16 length, bytes.  cf_bundle_next is false at the end and when the bundle is cut
   short: check cf_rd_done after the loop.  cf_bundle_add makes wr bad for an entry over CF_ENTRY_MAX. */
void cf_bundle_add(cf_wr_t *wr, cf_span_t entry);
bool cf_bundle_next(cf_rd_t *rd, cf_span_t *entry);

#endif
