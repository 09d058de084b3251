#include "observe/cf_latency.h"

#include <assert.h>

/* Buckets are over v = us - 1, so that their inclusive bounds fall on powers of
   two: 0..15 have one each; above, the doubling [2^k, 2^(k+1)) has 16 of width 2^(k-4). */
static size_t
bucket_of(uint64_t us) {
  uint64_t v = us ? us - 1 : 0;
  if (v < 16) return (size_t)v;
  unsigned k = 63 - (unsigned)__builtin_clzll(v);
  return 16 + (size_t)(k - 4) * 16 + (size_t)(v >> (k - 4) & 15);
}

static uint64_t
bound_of(size_t bucket) {
  if (bucket < 16) return bucket + 1;
  size_t k = 4 + (bucket - 16) / 16;
  return (16 + (bucket - 16) % 16 + 1) << (k - 4);
}

void
cf_latency_add(cf_latency_t *l, cf_public_u64_t took_us) {
  uint64_t us = took_us.made_by_cf_public;
  if (us > CF_LATENCY_MAX_US) us = CF_LATENCY_MAX_US;
  l->cnt++;
  l->sum_us += us;
  l->bucket[bucket_of(us)]++;
}

uint64_t
cf_latency_quantile_us(cf_latency_t const *l, unsigned per_mille) {
  assert(per_mille >= 1 && per_mille <= 1000);
  if (l->cnt == 0) return 0;
  uint64_t rank = l->cnt / 1000 * per_mille + (l->cnt % 1000 * per_mille + 999) / 1000;
  uint64_t seen = 0;
  size_t   i    = 0;
  while ((seen += l->bucket[i]) < rank) i++;
  return bound_of(i);
}

uint64_t
cf_latency_upto(cf_latency_t const *l, unsigned log2_us) {
  assert(log2_us <= 36);
  size_t   last = bucket_of((uint64_t)1 << log2_us);
  uint64_t n    = 0;
  for (size_t i = 0; i <= last; i++) n += l->bucket[i];
  return n;
}
