/* Answers to batches: 1 number of questions (mod 8), then the body.  What is accepted has one answer to each; numbers that are read are
   written as the same text. */
#include <assert.h>

#include "codec/cf_jsonrpc.h"

static void one(cf_jsonrpc_answer_t const *a) {
  char      text[80];
  cf_hash_t w;
  uint64_t  v;
  if (a->result.type == CF_JSON_BAD) {
    assert(a->message.type == CF_JSON_STRING);
    return;
  }
  if (cf_quantity_word(&w, a->result)) {
    assert(cf_quantity_u64(&v, a->result) != CF_OK);
    return;
  }
  cf_wr_t wr = cf_wr_init(text, sizeof text);
  cf_jw_t j  = cf_jw_init(&wr);
  cf_jw_quantity_word(&j, NULL, &w);
  assert(cf_span_eq(cf_wr_out(&wr), a->result.text));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_jsonrpc_answer_t a[8];
  cf_error_t          err = { 0 };
  cf_rd_t             rd  = cf_rd_init(data, size);
  size_t              n   = cf_rd_u8(&rd) % 8 + 1;
  cf_status_t         st  = cf_jsonrpc_read(a, n, 1, CF_SPAN(rd.buf + rd.pos, cf_rd_left(&rd)), &err);
  assert(err.status == st);
  for (size_t i = 0; i < n && !st; i++) one(&a[i]);
  return 0;
}
