/* A log as it lies on a disk, read without asking anybody: bundles of entries, the widest there is of the last one. */
#include "cf_readlog.h"

#include "translog/cf_tile.h"

#include <stdio.h>

static cf_disk_file_t const *bundle_of(cf_disk_t const *d, uint64_t index, unsigned least) {
  for (unsigned width = CF_TILE_WIDTH; width >= least && width > 0; width--) {
    char      path[CF_TILE_PATH_MAX], name[CF_TILE_PATH_MAX + 16];
    cf_tile_t tile = {.row = CF_TILE_ENTRIES, .index = index, .width = width};
    cf_tile_path(path, &tile);
    int                   n = snprintf(name, sizeof name, "public/log/%s", path);
    cf_disk_file_t const *f = cf_disk_file(d, CF_SPAN(name, (size_t)n));
    if (f) return f;
  }
  return NULL;
}

bool cf_read_log(cf_disk_t const *d, uint64_t size, cf_read_log_fn_t *fn, void *ctx) {
  for (uint64_t at = 0; at < size;) {
    uint64_t              left = size - at;
    cf_disk_file_t const *f = bundle_of(d, at / CF_TILE_WIDTH, left < CF_TILE_WIDTH ? (unsigned)left : CF_TILE_WIDTH);
    if (!f) return false;
    cf_rd_t   rd = cf_rd_span(cf_disk_bytes(f));
    cf_span_t entry;
    for (; at < size && cf_bundle_next(&rd, &entry); at++) fn(ctx, at, entry);
    if (at < size && at % CF_TILE_WIDTH) return false;
  }
  return true;
}
