/* One value, one encoding: writes that decode whole encode to the same bytes. */
#include <assert.h>

#include "base/cf_store.h"

#define STORE_MAX 65536

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t   again[STORE_MAX];
  cf_rd_t          rd;
  uint64_t         fence;
  cf_store_write_t w;
  cf_wr_t          wr = cf_wr_init(again, sizeof again);
  if (size > STORE_MAX || cf_store_open(&rd, &fence, CF_SPAN(data, size))) return 0;
  cf_store_begin(&wr, fence);
  while (cf_store_next(&rd, &w)) {
    assert(w.key.len <= CF_STORE_KEY_MAX && (w.put || w.value.len == 0));
    if (w.put) cf_store_put(&wr, w.kind, w.key, w.value);
    else cf_store_del(&wr, w.kind, w.key);
  }
  assert(!wr.bad);
  cf_span_t out = cf_wr_out(&wr);
  if (cf_rd_done(&rd)) assert(cf_span_eq(out, CF_SPAN(data, size)));
  else assert(rd.bad && out.len < size && cf_span_eq(out, CF_SPAN(data, out.len))); /* what came before the fault */
  return 0;
}
