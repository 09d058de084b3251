/* A latency histogram with log-linear buckets: 16 to each doubling, so that a
   quantile is at most 1/16 too high; from 1 us to 2^36 us (19 hours). */
#ifndef CF_OBSERVE_LATENCY_H
#define CF_OBSERVE_LATENCY_H

#include "observe/cf_public.h"

#define CF_LATENCY_BUCKETS (16 + 32 * 16)
#define CF_LATENCY_MAX_US  ((uint64_t)1 << 36) /* longer ones count as this long */

/* Zeroed memory is an empty histogram. */
typedef struct {
  uint64_t cnt;
  uint64_t sum_us;
  uint64_t bucket[CF_LATENCY_BUCKETS]; /* each holds those above the bucket before and up to its own bound, inclusive */
} cf_latency_t;

void cf_latency_add(cf_latency_t *l, cf_public_u64_t took_us);

/* cf_latency_quantile_us returns the bound of the bucket that holds the value at
   rank ceil(cnt * per_mille / 1000), counted from 1: 500 is p50, 990 is p99.  0 when
   the histogram is empty.  per_mille is 1 to 1000. */
uint64_t cf_latency_quantile_us(cf_latency_t const *l, unsigned per_mille);

/* cf_latency_upto counts those of at most 2^log2_us microseconds, exactly; log2_us <= 36. */
uint64_t cf_latency_upto(cf_latency_t const *l, unsigned log2_us);

#endif
