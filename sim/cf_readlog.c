/* A log as it lies on a disk, read without asking anybody: bundles of entries, the widest there is of the last one. */
#include "cf_readlog.h"

#include "translog/cf_note.h"
#include "translog/cf_tile.h"

static cf_disk_file_t const *bundle_of(cf_disk_t const *d, uint64_t index, unsigned least) {
  static char const     folder[] = "public/log/", entries[] = "public/log/tile/entries/";
  cf_disk_file_t const *widest = NULL;
  for (size_t i = 0; i < d->files; i++) {
    cf_disk_file_t const *f = &d->file[i];
    cf_tile_t             tile;
    if (strncmp(f->name, entries, sizeof entries - 1) ||
        cf_tile_parse(&tile, CF_SPAN(f->name + sizeof folder - 1, f->name_len - (sizeof folder - 1))))
      continue;
    if (tile.index != index || tile.width < least) continue;
    least = tile.width;
    widest = f;
  }
  return widest;
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

uint64_t cf_log_size(cf_disk_t const *d) {
  cf_disk_file_t const *f = cf_disk_file(d, CF_SPAN_LIT("public/log/checkpoint"));
  cf_checkpoint_t       cp;
  cf_note_t             note;
  return f && !cf_note_parse(&note, cf_disk_bytes(f), NULL) && !cf_checkpoint_parse(&cp, note.text, NULL) ? cp.size : 0;
}
