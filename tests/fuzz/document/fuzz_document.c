/* Documents: the first byte says which.  What is read is written back byte for byte, and printed as JSON that our reader takes.
 */
#include <assert.h>
#include <stdlib.h>

#include "codec/cf_json.h"
#include "document/cf_documents.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t doc[sizeof(cf_genesis_t)], again[1 << 17], text[1 << 20];
  size_t         tables = 0;
  while (cf_tables[tables]) tables++;
  if (size == 0) return 0;
  cf_table_t const *t = cf_tables[data[0] % tables];
  cf_error_t        err = {0};
  cf_span_t         in = CF_SPAN(data + 1, size - 1);
  if (cf_table_decode(doc, t, in, &err)) {
    assert(err.status != CF_OK && err.offset <= in.len && err.text[0] && err.item[0]);
    return 0;
  }
  cf_wr_t wr = cf_wr_init(again, sizeof again), out = cf_wr_init(text, sizeof text);
  cf_table_encode(&wr, t, doc);
  assert(cf_span_eq(cf_wr_out(&wr), in));
  cf_table_print(&out, t, doc);
  cf_json_t json;
  assert(out.bad || cf_json_parse(&json, cf_wr_out(&out), &err) == CF_OK || err.status == CF_ERR_BOUND);
  return 0;
}
