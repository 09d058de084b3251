/* Settlement bodies, in both modes: one that passes the check is written again, byte for byte, from its entries; one cut short
   anywhere does not mean the same. */
#include <assert.h>

#include "ledger/cf_settlement.h"

static void check(cf_mode_t mode, cf_span_t in) {
  static uint8_t again[1 << 20];
  size_t         offset = 0;
  if (cf_settlement_body_check((uint8_t)mode, in, &offset)) {
    assert(offset <= in.len);
    return;
  }
  cf_rd_t      body = cf_rd_span(in);
  cf_wr_t      wr   = cf_wr_init(again, sizeof again);
  cf_section_t section;
  while (cf_section_next(&body, &section)) {
    cf_entry_t e;
    uint32_t   last = 0;
    size_t     n    = 0;
    assert((section.kind == CF_SECTION_POSITIONS) <= (mode == CF_MODE_NET) && section.kind <= (mode == CF_MODE_NET ? 1 : 3));
    if (section.kind == CF_SECTION_DATA) {
      assert(section.da != CF_DA_NONE || section.data.len == 0);
      cf_section_data_write(&wr, (cf_da_t)section.da);
      cf_wr_span(&wr, section.data);
      break;
    }
    cf_section_write(&wr, (cf_section_kind_t)section.kind, section.asset, section.cnt);
    for (; cf_entry_next(&section, &e); n++, last = e.id) {
      assert(e.id > last && e.amount != 0 && (section.kind == CF_SECTION_POSITIONS || e.amount > 0));
      cf_entry_write(&wr, e.id, e.amount);
    }
    assert(n == section.cnt && n > 0);
  }
  assert(cf_rd_done(&body));
  assert(cf_span_eq(cf_wr_out(&wr), in));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  check(CF_MODE_NET, CF_SPAN(data, size));
  check(CF_MODE_ROOT, CF_SPAN(data, size));
  return 0;
}
