/* Proofs of a fork: what is accepted is written again as the same bytes, and what verifies is two heads that differ. */
#include <assert.h>

#include "translog/cf_fork.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t again[CF_FORK_MAX + 256];
  cf_span_t      in = CF_SPAN(data, size);
  cf_fork_t      f;
  cf_forked_t    v;
  if (cf_fork_parse(&f, in, NULL)) return 0;
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_fork_write(&wr, &f);
  assert(cf_span_eq(cf_wr_out(&wr), in));
  if (cf_fork_verify(&v, &f, NULL)) return 0;
  assert(v.head[0].size && v.head[0].size <= v.head[1].size);
  assert(v.head[0].size != v.head[1].size || !cf_hash_eq(&v.head[0].root, &v.head[1].root));
  return 0;
}
