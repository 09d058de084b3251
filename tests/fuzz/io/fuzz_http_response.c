/* Any bytes as an answer.  However a chunked body is cut, the same comes out of it, and never more than went in. */
#include <assert.h>
#include <stdlib.h>

#include "io/cf_http_parse.h"

#define BODY_MAX 65536

/* decodes in place, in pieces of step bytes; the body's size, or SIZE_MAX when it is refused */
static size_t
decode(uint8_t *buf, size_t n, size_t step, bool *done) {
  cf_http_chunks_t c    = { 0 };
  size_t           have = 0, got;
  for (size_t at = 0; at < n; at += step) {
    size_t piece = step < n - at ? step : n - at;
    assert(have <= at);
    memmove(buf + have, buf + at, piece);
    if (cf_http_chunks_feed(&c, &got, buf + have, piece)) return SIZE_MAX;
    assert(got <= piece);
    have += got;
  }
  *done = c.done;
  return have;
}

static void
check_chunks(uint8_t const *data, size_t n, size_t step) {
  uint8_t *a = malloc(n + 1), *b = malloc(n + 1);
  bool     a_done = false, b_done = false;
  memcpy(a, data, n);
  memcpy(b, data, n);
  size_t a_sz = decode(a, n, n + 1, &a_done), b_sz = decode(b, n, step, &b_done);
  assert(a_sz == b_sz && a_done == b_done);
  if (a_sz != SIZE_MAX) assert(memcmp(a, b, a_sz) == 0);
  free(a);
  free(b);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_http_scan_t     scan = { 0 };
  cf_http_refusal_t  no   = { 0 };
  cf_http_response_t r;
  size_t             head_sz = 0;
  if (size < 1) return 0;
  uint8_t  *copy = malloc(size);
  cf_span_t in   = CF_SPAN(copy, size - 1);
  memcpy(copy, data + 1, size - 1);
  cf_status_t st = cf_http_scan(&scan, &head_sz, &no, in);
  if (!st && head_sz) {
    st = cf_http_response_parse(&r, &no, CF_SPAN(in.ptr, head_sz), BODY_MAX);
    if (!st)
      assert(r.code >= 100 && r.code <= 599 && r.body_sz <= BODY_MAX && !(r.chunked && r.body_sz) && r.retry_after_s <= 86400);
    if (!st && r.chunked) check_chunks(in.ptr + head_sz, in.len - head_sz, data[0] + 1u);
  }
  if (st) assert(no.why && no.why[0]);
  free(copy);
  return 0;
}
