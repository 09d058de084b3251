/* Council documents: one value, one encoding; what is read can be verified without harm, and is nobody's. */
#include <assert.h>

#include "document/cf_documents.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t   again[1 << 17];
  cf_council_doc_t d;
  cf_council_t     c = {.role = CF_GOVERNORS, .k = 1, .version = 1, .members = {{.addr = {1}}}, .members_cnt = 1};
  cf_hash_t        separator = {{2}};
  if (cf_council_doc_decode(&d, CF_SPAN(data, size), NULL)) return 0;
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_council_doc_encode(&wr, &d);
  assert(wr.bad || cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
  assert(cf_council_doc_verify(&d, &c, &separator, 0, NULL) != CF_OK);
  return 0;
}
