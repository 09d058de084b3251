/* Names of tiles: one name per tile. */
#include <assert.h>

#include "translog/cf_tile.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_tile_t t;
  char      again[CF_TILE_PATH_MAX];
  if (cf_tile_parse(&t, CF_SPAN(data, size))) return 0;
  assert(cf_span_eq(CF_SPAN(again, cf_tile_path(again, &t)), CF_SPAN(data, size)));
  assert(!cf_tile_within(&t, 0));
  return 0;
}
