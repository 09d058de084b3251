/* Deterministic CBOR: what is accepted is written again, byte for byte, from what the typed readers say; it prints, and no
   changed length of it is accepted. */
#include <assert.h>
#include <stdlib.h>

#include "codec/cf_cbor.h"

static void rewrite(cf_wr_t *wr, cf_rd_t *rd) {
  switch (cf_cbor_peek(rd)) {
  case CF_CBOR_UINT: cf_cbor_w_uint(wr, cf_cbor_uint(rd)); break;
  case CF_CBOR_NINT: {
    cf_rd_t at = *rd;
    int64_t v  = cf_cbor_int(&at);
    if (at.bad) cf_wr_span(wr, cf_cbor_skip(rd)); /* below -2^63 */
    else {
      cf_cbor_w_int(wr, v);
      *rd = at;
    }
    break;
  }
  case CF_CBOR_BSTR: cf_cbor_w_bstr(wr, cf_cbor_bstr(rd)); break;
  case CF_CBOR_TSTR: cf_cbor_w_tstr(wr, cf_cbor_tstr(rd)); break;
  case CF_CBOR_ARRAY: {
    size_t n = cf_cbor_array(rd);
    cf_cbor_w_array(wr, n);
    while (n--) rewrite(wr, rd);
    break;
  }
  case CF_CBOR_MAP: {
    cf_cbor_map_t m = cf_cbor_map(rd);
    cf_cbor_w_map(wr, m.left);
    while (cf_cbor_next(&m)) {
      if (m.is_text) cf_cbor_w_tstr(wr, m.text);
      else cf_cbor_w_int(wr, m.key);
      rewrite(wr, rd);
    }
    break;
  }
  case CF_CBOR_TAG:
    cf_cbor_w_tag(wr, cf_cbor_tag(rd));
    rewrite(wr, rd);
    break;
  case CF_CBOR_SIMPLE:
    if (cf_cbor_peek_null(rd)) {
      cf_cbor_null(rd);
      cf_cbor_w_null(wr);
    } else cf_cbor_w_bool(wr, cf_cbor_bool(rd));
    break;
  case CF_CBOR_BAD: abort();
  }
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t again[1 << 16];
  static char    text[1 << 12];
  size_t         offset = 0;
  if (size > sizeof again) return 0;
  assert(cf_cbor_diag(text, sizeof text, CF_SPAN(data, size)) < sizeof text);
  if (cf_cbor_check(CF_SPAN(data, size), &offset)) {
    assert(offset <= size);
    return 0;
  }
  cf_rd_t rd = cf_rd_init(data, size);
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  rewrite(&wr, &rd);
  assert(cf_rd_done(&rd) && cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
  assert(cf_cbor_check(CF_SPAN(data, size - 1), NULL) != CF_OK);
  return 0;
}
