/* The history's snapshot: what is read is written back byte for byte, and goes on being fed: entries of no meaning change nothing
   but the index that is due. */
#include <assert.h>

#include "document/cf_history.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void hear(void *ctx, cf_history_event_t const *ev) {
  cf_history_kind_t *kind = ctx;
  *kind = ev->kind;
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static cf_history_t h;
  static cf_genesis_t g;
  static cf_policy_t  p;
  static uint8_t      again[1 << 20];
  cf_hash_t           domain = {{1}};
  cf_history_kind_t   kind = CF_HISTORY_OTHER;
  g.councils_cnt = 1;
  g.councils[0] = (cf_council_t){.role = CF_VERIFIERS, .k = 1, .members_cnt = 2};
  cf_history_init(&h, &domain, &g, &p);
  cf_rd_t rd = cf_rd_init(data, size);
  if (cf_history_decode(&h, &rd)) return 0;
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_history_encode(&wr, &h);
  assert(!wr.bad && wr.len == rd.pos && !memcmp(again, data, wr.len));
  (void)cf_history_certified(&h);
  cf_span_t rest = cf_rd_take_span(&rd, cf_rd_left(&rd) < CF_ENTRY_MAX ? cf_rd_left(&rd) : CF_ENTRY_MAX);
  uint64_t  next = h.next;
  if (cf_history_feed(&h, next, rest, hear, &kind) == CF_OK) assert(h.next == next + 1);
  return 0;
}
