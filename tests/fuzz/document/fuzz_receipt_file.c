/* Receipt files: one value, one encoding. */
#include <assert.h>

#include "document/cf_documents.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t    again[1 << 17];
  cf_receipt_file_t f;
  if (cf_receipt_file_decode(&f, CF_SPAN(data, size), NULL)) return 0;
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_receipt_file_encode(&wr, &f);
  assert(wr.bad || cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
  return 0;
}
