/* Any bytes as a request.  However the stream is cut, the same head is found and the same is taken or refused; what is
   taken is plain, and says the same when written out anew. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/cf_http_parse.h"

#define BODY_MAX 65536

typedef struct {
  cf_status_t       st;
  size_t            head_sz;
  unsigned          code;
  cf_http_request_t r;
} result_t;

/* takes in, seen first up to cut and then whole */
static result_t
take(cf_span_t in, size_t cut) {
  result_t          out  = { 0 };
  cf_http_scan_t    scan = { 0 };
  cf_http_refusal_t no   = { 0 };
  out.st = cf_http_scan(&scan, &out.head_sz, &no, CF_SPAN(in.ptr, cut));
  if (!out.st && !out.head_sz) out.st = cf_http_scan(&scan, &out.head_sz, &no, in);
  if (!out.st && out.head_sz) out.st = cf_http_request_parse(&out.r, &no, CF_SPAN(in.ptr, out.head_sz), BODY_MAX);
  if (out.st) {
    assert(no.code >= 400 && no.code <= 505 && no.why && no.why[0]);
    out.code = no.code;
  }
  return out;
}

static void
check_plain(cf_http_request_t const *r, cf_span_t head) {
  assert(r->what.ptr == head.ptr && r->what.len <= head.len && r->path.len >= 1 && r->path.ptr[0] == '/');
  assert(r->path.ptr + r->path.len == r->what.ptr + r->what.len);
  assert(r->body_sz <= BODY_MAX && (r->method == CF_HTTP_POST || r->body_sz == 0));
  for (size_t i = 0; i < r->path.len; i++) {
    assert(r->path.ptr[i] > ' ' && r->path.ptr[i] < 0x7f && r->path.ptr[i] != '%' && r->path.ptr[i] != '\\');
    if (r->path.ptr[i] != '/' || i + 1 >= r->path.len) continue;
    size_t left = r->path.len - i - 1, n = 0;
    while (n < left && r->path.ptr[i + 1 + n] != '/') n++;
    assert(n > 0); /* no empty segment, none of dots */
    assert(!(n <= 2 && r->path.ptr[i + 1] == '.' && r->path.ptr[i + n] == '.'));
  }
  for (size_t i = 0; i < r->query.len; i++) assert(r->query.ptr[i] > ' ' && r->query.ptr[i] < 0x7f);
}

static void
check_again(cf_http_request_t const *r) {
  static char buf[CF_HTTP_HEAD_MAX + 256];
  int n = snprintf(buf, sizeof buf, "%.*s%s%.*s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s%s\r\n", (int)r->what.len,
                   (char const *)r->what.ptr, r->query.len ? "?" : "", (int)r->query.len, (char const *)r->query.ptr, r->body_sz,
                   r->keep ? "" : "Connection: close\r\n", r->expect ? "Expect: 100-continue\r\n" : "");
  result_t again = take(CF_SPAN(buf, (size_t)n), 0);
  assert(again.st == CF_OK && again.head_sz == (size_t)n);
  assert(again.r.method == r->method && cf_span_eq(again.r.path, r->path) && cf_span_eq(again.r.query, r->query));
  assert(again.r.body_sz == r->body_sz && again.r.keep == r->keep && again.r.expect == r->expect);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  if (size < 1) return 0;
  uint8_t  *copy = malloc(size); /* of its own size, for the address checker */
  cf_span_t in   = CF_SPAN(copy, size - 1);
  memcpy(copy, data + 1, size - 1);
  result_t whole = take(in, 0), cut = take(in, in.len * data[0] / 255);
  assert((whole.st == CF_OK) == (cut.st == CF_OK) && whole.head_sz == cut.head_sz);
  if (!whole.st && whole.head_sz) {
    assert(whole.head_sz <= CF_HTTP_HEAD_MAX);
    check_plain(&whole.r, CF_SPAN(in.ptr, whole.head_sz));
    if (whole.r.what.len + whole.r.query.len < CF_HTTP_LINE_MAX - 16) check_again(&whole.r);
  }
  free(copy);
  return 0;
}
