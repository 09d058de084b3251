/* Settlement bodies: one that passes the check is written again, byte for byte, from its entries; one cut short anywhere does
   not mean the same. */
#include <assert.h>

#include "ledger/cf_settlement.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t again[CF_SETTLEMENT_BODY_MAX];
  size_t         offset = 0;
  if (cf_settlement_body_check(CF_SPAN(data, size), &offset)) {
    assert(offset <= size);
    return 0;
  }
  cf_rd_t      body = cf_rd_init(data, size);
  cf_wr_t      wr   = cf_wr_init(again, sizeof again);
  cf_section_t section;
  while (cf_section_next(&body, &section)) {
    cf_entry_t e;
    uint32_t   last = 0;
    size_t     n    = 0;
    cf_section_write(&wr, (cf_section_kind_t)section.kind, section.asset, section.cnt);
    for (; cf_entry_next(&section, &e); n++, last = e.id) {
      assert(e.id > last && e.amount != 0 && (section.kind == CF_SECTION_POSITIONS || e.amount > 0));
      cf_entry_write(&wr, e.id, e.amount);
    }
    assert(n == section.cnt && n > 0);
  }
  assert(cf_rd_done(&body));
  assert(cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
  return 0;
}
