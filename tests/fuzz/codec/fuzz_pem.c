/* PEM: every block that is read decodes to the size told, and encodes to the same lines with LF. */
#include <assert.h>

#include "codec/cf_pem.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t der[1 << 14], again[1 << 15];
  if (size > sizeof der) return 0;
  cf_rd_t  rd = cf_rd_init(data, size);
  cf_pem_t block;
  while (cf_pem_next(&rd, &block)) {
    char label[CF_PEM_LABEL_MAX + 1] = "";
    memcpy(label, block.label.ptr, block.label.len);
    assert(block.data_sz > 0 && cf_pem_decode(der, block.data_sz - 1, &block) == CF_ERR_BOUND);
    assert(cf_pem_decode(der, sizeof der, &block) == CF_OK);
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_pem_encode(&wr, label, CF_SPAN(der, block.data_sz));

    cf_span_t got = cf_wr_out(&wr);
    size_t    k   = 11 + block.label.len + 6; /* behind the first line */
    for (size_t i = 0; i < block.body.len; i++)
      if (block.body.ptr[i] != '\r') assert(k < got.len && got.ptr[k++] == block.body.ptr[i]);
    assert(k == got.len - (9 + block.label.len + 6));
  }
  assert(rd.bad || rd.pos == size);
  return 0;
}
