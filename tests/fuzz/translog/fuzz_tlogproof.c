/* .tlog-proof files and COSE receipts: what is accepted is written again as the same bytes. */
#include <assert.h>

#include "translog/cf_proof.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static uint8_t again[CF_TLOG_PROOF_MAX + 256];

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_span_t        in = CF_SPAN(data, size);
  cf_tlog_proof_t  p;
  cf_log_receipt_t r;
  if (!cf_tlog_proof_parse(&p, in, NULL)) {
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_tlog_proof_write(&wr, &p);
    assert(cf_span_eq(cf_wr_out(&wr), in));
  }
  if (!cf_log_receipt_decode(&r, in, NULL)) {
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_log_receipt_assemble(&wr, &r);
    assert(cf_span_eq(cf_wr_out(&wr), in));
  }
  return 0;
}
