/* RLP: what is accepted, all the way down, is written again as the same bytes; an item's integer is written again, too. */
#include <assert.h>

#include "codec/cf_rlp.h"

#define IN_MAX    (1 << 14)
#define DEPTH_MAX 64

/* copy writes the items of rd again; false when they are malformed, or nested too deep for this stack. */
static bool copy(cf_wr_t *wr, cf_rd_t *rd, unsigned depth) {
  while (!rd->bad && rd->pos < rd->len) {
    cf_rd_t  integer = *rd, word = *rd, items = *rd;
    cf_rlp_t item    = cf_rlp_next(rd);
    if (rd->bad) return false;
    size_t at = wr->len;
    if (item.list) {
      items = cf_rlp_list(&items);
      if (depth == DEPTH_MAX || !copy(wr, &items, depth + 1)) return false;
      cf_rlp_w_end(wr, at);
      continue;
    }
    uint64_t  v = cf_rlp_uint(&integer);
    cf_hash_t w = cf_rlp_word(&word);
    if (!integer.bad) {
      assert(!word.bad && integer.pos == rd->pos);
      cf_rlp_w_uint(wr, v);
    } else if (!word.bad) {
      cf_rlp_w_word(wr, &w);
    } else {
      cf_rlp_w_str(wr, item.body);
    }
    assert(cf_span_eq(item.whole, CF_SPAN(wr->buf + at, wr->len - at)));
  }
  return true;
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t again[IN_MAX];
  if (size > IN_MAX) return 0;
  cf_rd_t rd = cf_rd_init(data, size);
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  if (copy(&wr, &rd, 0)) assert(cf_rd_done(&rd) && cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
  return 0;
}
