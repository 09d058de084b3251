#include "workload/cf_sort.h"

#include <string.h>

/* One counting pass per byte of the key that is not the same in all items. */
void
cf_sort(cf_sort_t *items, cf_sort_t *scratch, size_t cnt) {
  uint64_t varies = 0;
  for (size_t i = 1; i < cnt; i++) varies |= items[i].key ^ items[0].key;

  cf_sort_t *from = items, *to = scratch;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    if (!(varies >> shift & 0xff)) continue;
    size_t at[256] = { 0 }, sum = 0;
    for (size_t i = 0; i < cnt; i++) at[from[i].key >> shift & 0xff]++;
    for (size_t d = 0; d < 256; d++) {
      size_t n = at[d];
      at[d] = sum;
      sum += n;
    }
    for (size_t i = 0; i < cnt; i++) to[at[from[i].key >> shift & 0xff]++] = from[i];
    cf_sort_t *swap = from;
    from = to;
    to = swap;
  }
  if (from != items && cnt) memcpy(items, from, cnt * sizeof *items);
}
