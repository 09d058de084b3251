/* Sorting by integer keys in caller-given memory: stable, linear, its time
   independent of the keys' order. */
#ifndef CF_WORKLOAD_SORT_H
#define CF_WORKLOAD_SORT_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint64_t key;
  uint32_t idx; /* whatever the key belongs to */
} cf_sort_t;

/* cf_sort puts items in rising order of key; scratch holds cnt items. */
void cf_sort(cf_sort_t *items, cf_sort_t *scratch, size_t cnt);

#endif
