/* The HTTP parser: what is taken, what is refused and with which code, and that the cut of the stream does not matter. */
#include "io_util.h"

#include "io/cf_http_parse.h"

#define H "Host: a\r\n"

static struct {
  char const *name;
  char const *in;
  size_t      in_sz;
  unsigned    code; /* 0: taken */
} const requests[] = {
#define IN(lit) (lit), sizeof(lit) - 1
  { "get", IN("GET / HTTP/1.1\r\n" H "\r\n"), 0 },
  { "query", IN("GET /a?b=c&d=%20 HTTP/1.1\r\n" H "\r\n"), 0 },
  { "head", IN("HEAD /a HTTP/1.1\r\n" H "\r\n"), 0 },
  { "delete", IN("DELETE /a HTTP/1.1\r\n" H "\r\n"), 0 },
  { "delete with a body", IN("DELETE /a HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n"), 400 },
  { "post", IN("POST /a HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"), 0 },
  { "value with tabs and obs-text", IN("GET / HTTP/1.1\r\n" H "X: \t a\xc3\xa4 \t\r\n\r\n"), 0 },
  { "empty value", IN("GET / HTTP/1.1\r\n" H "X:\r\n\r\n"), 0 },
  { "empty host", IN("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 0 },
  { "expect", IN("POST /a HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-Continue\r\n\r\n"), 0 },
  { "1.0 without host", IN("GET / HTTP/1.0\r\n\r\n"), 0 },
  { "get with length 0", IN("GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), 0 },
  { "largest body", IN("POST / HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n"), 0 },
  { "folder", IN("GET /a/ HTTP/1.1\r\n" H "\r\n"), 0 },
  { "dots in names", IN("GET /a.b/...c HTTP/1.1\r\n" H "\r\n"), 0 },

  /* smuggling: two readers could see two different requests */
  { "length twice", IN("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\n"), 400 },
  { "lengths in conflict", IN("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\n"), 400 },
  { "length list", IN("POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\n"), 400 },
  { "length signed", IN("POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\n"), 400 },
  { "length hex", IN("POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\n"), 400 },
  { "length with leading zero", IN("POST / HTTP/1.1\r\n" H "Content-Length: 03\r\n\r\n"), 400 },
  { "length empty", IN("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n"), 400 },
  { "length and coding", IN("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
  { "coding and length", IN("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"), 400 },
  { "coding twice", IN("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"), 400 },
  { "coding in 1.0", IN("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
  { "folded field", IN("GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"), 400 },
  { "folded by a tab", IN("GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n"), 400 },
  { "first field folded", IN("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400 },
  { "bare LF", IN("GET / HTTP/1.1\n" H "\r\n"), 400 },
  { "bare LF in a field", IN("GET / HTTP/1.1\r\n" H "X: a\nY: b\r\n\r\n"), 400 },
  { "bare LF at the end", IN("GET / HTTP/1.1\r\n" H "\n"), 400 },
  { "bare CR in a field", IN("GET / HTTP/1.1\r\n" H "X: a\rY: b\r\n\r\n"), 400 },
  { "bare CR in the first line", IN("GET /\r HTTP/1.1\r\n" H "\r\n"), 400 },
  { "space before the colon", IN("POST / HTTP/1.1\r\n" H "Content-Length : 3\r\n\r\n"), 400 },
  { "tab before the colon", IN("POST / HTTP/1.1\r\n" H "Content-Length\t: 3\r\n\r\n"), 400 },
  { "NUL in a value", IN("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n"), 400 },
  { "NUL in a name", IN("GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n"), 400 },
  { "NUL in the path", IN("GET /\0 HTTP/1.1\r\n" H "\r\n"), 400 },
  { "DEL in a value", IN("GET / HTTP/1.1\r\n" H "X: \x7f\r\n\r\n"), 400 },
  { "no colon", IN("GET / HTTP/1.1\r\n" H "Content-Length 3\r\n\r\n"), 400 },
  { "no name", IN("GET / HTTP/1.1\r\n" H ": a\r\n\r\n"), 400 },
  { "two hosts", IN("GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n"), 400 },
  { "host list", IN("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400 },
  { "no host", IN("GET / HTTP/1.1\r\n\r\n"), 400 },
  { "blank line first", IN("\r\nGET / HTTP/1.1\r\n" H "\r\n"), 400 },
  { "body on get", IN("GET / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n"), 400 },

  /* the first line */
  { "two spaces", IN("GET  / HTTP/1.1\r\n" H "\r\n"), 400 },
  { "trailing space", IN("GET / HTTP/1.1 \r\n" H "\r\n"), 400 },
  { "tab", IN("GET\t/ HTTP/1.1\r\n" H "\r\n"), 400 },
  { "leading space", IN(" GET / HTTP/1.1\r\n" H "\r\n"), 400 },
  { "0.9", IN("GET /\r\n\r\n"), 400 },
  { "lower-case version", IN("GET / http/1.1\r\n" H "\r\n"), 400 },
  { "2.0", IN("GET / HTTP/2.0\r\n" H "\r\n"), 505 },
  { "1.2", IN("GET / HTTP/1.2\r\n" H "\r\n"), 505 },
  { "put", IN("PUT / HTTP/1.1\r\n" H "\r\n"), 501 },
  { "lower-case method", IN("get / HTTP/1.1\r\n" H "\r\n"), 501 },
  { "method in brackets", IN("(GET) / HTTP/1.1\r\n" H "\r\n"), 400 },
  { "star", IN("OPTIONS * HTTP/1.1\r\n" H "\r\n"), 501 },
  { "whole url", IN("GET http://a/ HTTP/1.1\r\n" H "\r\n"), 400 },
  { "authority", IN("GET a:80 HTTP/1.1\r\n" H "\r\n"), 400 },

  /* paths */
  { "percent", IN("GET /%2e%2e/a HTTP/1.1\r\n" H "\r\n"), 400 },
  { "up", IN("GET /.. HTTP/1.1\r\n" H "\r\n"), 400 },
  { "up inside", IN("GET /a/../b HTTP/1.1\r\n" H "\r\n"), 400 },
  { "here", IN("GET /./a HTTP/1.1\r\n" H "\r\n"), 400 },
  { "here at the end", IN("GET /a/. HTTP/1.1\r\n" H "\r\n"), 400 },
  { "empty segment", IN("GET //a HTTP/1.1\r\n" H "\r\n"), 400 },
  { "empty segment inside", IN("GET /a//b HTTP/1.1\r\n" H "\r\n"), 400 },
  { "backslash", IN("GET /a\\b HTTP/1.1\r\n" H "\r\n"), 400 },
  { "fragment", IN("GET /a#b HTTP/1.1\r\n" H "\r\n"), 400 },
  { "high byte", IN("GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n"), 400 },
  { "quote in the query", IN("GET /a?\" HTTP/1.1\r\n" H "\r\n"), 400 },

  /* what we do not speak, and bounds */
  { "chunked", IN("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"), 411 },
  { "other coding", IN("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501 },
  { "chunked get", IN("GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"), 411 },
  { "post without length", IN("POST / HTTP/1.1\r\n" H "\r\n"), 411 },
  { "body too large", IN("POST / HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n"), 413 },
  { "length of 2^64", IN("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n"), 413 },
  { "expectation", IN("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 200-ok\r\n\r\n"), 417 },
};

static unsigned
take(cf_http_request_t *r, cf_span_t in) {
  cf_http_scan_t    scan = { 0 };
  cf_http_refusal_t no   = { 0 };
  size_t            head_sz;
  if (cf_http_scan(&scan, &head_sz, &no, in)) return no.code;
  if (!head_sz) return 1; /* not whole */
  return cf_http_request_parse(r, &no, CF_SPAN(in.ptr, head_sz), 1000) ? no.code : 0;
}

static void
test_requests(void **state) {
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    cf_http_request_t r;
    unsigned          code = take(&r, CF_SPAN(requests[i].in, requests[i].in_sz));
    if (code != requests[i].code) fail_msg("%s: %u, not %u", requests[i].name, code, requests[i].code);
  }
}

/* byte by byte the scan finds the same head, or refuses no later than the whole does */
static void
test_scan_by_bytes(void **state) {
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    cf_span_t         in    = CF_SPAN(requests[i].in, requests[i].in_sz);
    cf_http_scan_t    whole = { 0 }, part = { 0 };
    cf_http_refusal_t no = { 0 };
    size_t            head_sz = 0, part_sz = 0;
    cf_status_t       st = cf_http_scan(&whole, &head_sz, &no, in), part_st = CF_OK;
    for (size_t n = 0; n <= in.len && !part_st && !part_sz; n++) part_st = cf_http_scan(&part, &part_sz, &no, CF_SPAN(in.ptr, n));
    assert_int_equal(part_st, st);
    assert_int_equal(part_sz, head_sz);
  }
}

static void
test_request_fields(void **state) {
  cf_http_request_t r;
  assert_int_equal(take(&r, S("POST /v1/envelopes?wait=1&x=/? HTTP/1.1\r\nhOST: a\r\ncontent-LENGTH: 12\r\n\r\n")), 0);
  assert_int_equal(r.method, CF_HTTP_POST);
  assert_true(cf_span_eq(r.what, S("POST /v1/envelopes")));
  assert_true(cf_span_eq(r.path, S("/v1/envelopes")));
  assert_true(cf_span_eq(r.query, S("wait=1&x=/?")));
  assert_int_equal(r.body_sz, 12);
  assert_true(r.keep && !r.expect);

  static struct { char const *in; bool keep; } const keeps[] = {
    { "GET / HTTP/1.1\r\n" H "\r\n", true },
    { "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", false },
    { "GET / HTTP/1.1\r\n" H "Connection: Upgrade , CLOSE\r\n\r\n", false },
    { "GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", true },
    { "GET / HTTP/1.0\r\n\r\n", false },
    { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false },
  };
  for (size_t i = 0; i < sizeof keeps / sizeof *keeps; i++) {
    assert_int_equal(take(&r, TEXT_SPAN(keeps[i].in)), 0);
    assert_int_equal(r.keep, keeps[i].keep);
  }
}

/* a first line of line_sz bytes, fields of fields_sz bytes in cnt fields, all with their CRLF */
static unsigned
take_sized(size_t line_sz, size_t fields_sz, unsigned cnt) {
  static char       buf[65536];
  size_t            n = (size_t)sprintf(buf, "GET /");
  cf_http_request_t r;
  while (n < line_sz - 11) buf[n++] = 'a';
  n += (size_t)sprintf(buf + n, " HTTP/1.1\r\n" H);
  for (unsigned i = 2; i < cnt; i++) n += (size_t)sprintf(buf + n, "X: a\r\n");
  if (cnt > 1) {
    n += (size_t)sprintf(buf + n, "Y: ");
    while (n < line_sz + fields_sz - 4) buf[n++] = 'b';
    n += (size_t)sprintf(buf + n, "\r\n");
  }
  n += (size_t)sprintf(buf + n, "\r\n");
  return take(&r, CF_SPAN(buf, n));
}

static void
test_bounds(void **state) {
  assert_int_equal(take_sized(CF_HTTP_LINE_MAX, 0, 1), 0);
  assert_int_equal(take_sized(CF_HTTP_LINE_MAX + 1, 0, 1), 414);
  assert_int_equal(take_sized(100, CF_HTTP_FIELDS_MAX, 3), 0);
  assert_int_equal(take_sized(100, CF_HTTP_FIELDS_MAX + 1, 3), 431);
  assert_int_equal(take_sized(100, 2000, CF_HTTP_FIELD_CNT_MAX), 0);
  assert_int_equal(take_sized(100, 2000, CF_HTTP_FIELD_CNT_MAX + 1), 431);

  /* and while the end is not in sight */
  static char       endless[65536];
  cf_http_scan_t    scan = { 0 };
  cf_http_refusal_t no;
  size_t            head_sz;
  memset(endless, 'a', sizeof endless);
  assert_int_equal(cf_http_scan(&scan, &head_sz, &no, CF_SPAN(endless, CF_HTTP_LINE_MAX)), CF_OK);
  assert_int_equal(cf_http_scan(&scan, &head_sz, &no, CF_SPAN(endless, CF_HTTP_LINE_MAX + 1)), CF_ERR_BOUND);
  assert_int_equal(no.code, 414);
  scan = (cf_http_scan_t){ 0 };
  memcpy(endless, "GET / HTTP/1.1\r\n", 16);
  assert_int_equal(cf_http_scan(&scan, &head_sz, &no, CF_SPAN(endless, 16 + CF_HTTP_FIELDS_MAX)), CF_OK);
  assert_int_equal(cf_http_scan(&scan, &head_sz, &no, CF_SPAN(endless, 17 + CF_HTTP_FIELDS_MAX)), CF_ERR_BOUND);
  assert_int_equal(no.code, 431);
}

/* ---- responses ---- */

static struct { char const *name, *in; cf_status_t want; bool chunked; size_t body_sz; bool keep; } const responses[] = {
  { "plain", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", CF_OK, false, 5, true },
  { "no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", CF_OK, false, 0, true },
  { "chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", CF_OK, true, 0, true },
  { "close", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", CF_OK, false, 5, false },
  { "1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", CF_OK, false, 5, false },
  { "204", "HTTP/1.1 204 No Content\r\n\r\n", CF_OK, false, 0, true },
  { "interim", "HTTP/1.1 100 Continue\r\n\r\n", CF_OK, false, 0, true },
  { "until close", "HTTP/1.1 200 OK\r\n\r\n", CF_ERR_UNSUPPORTED, 0, 0, 0 },
  { "gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", CF_ERR_UNSUPPORTED, 0, 0, 0 },
  { "both", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", CF_ERR_FORMAT, 0, 0, 0 },
  { "length twice", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", CF_ERR_FORMAT, 0, 0, 0 },
  { "chunked 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", CF_ERR_FORMAT, 0, 0, 0 },
  { "too large", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", CF_ERR_BOUND, 0, 0, 0 },
  { "code of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\n", CF_ERR_FORMAT, 0, 0, 0 },
  { "code of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\n", CF_ERR_FORMAT, 0, 0, 0 },
  { "code 600", "HTTP/1.1 600 OK\r\nContent-Length: 5\r\n\r\n", CF_ERR_FORMAT, 0, 0, 0 },
  { "http/2", "HTTP/2 200 OK\r\nContent-Length: 5\r\n\r\n", CF_ERR_FORMAT, 0, 0, 0 },
  { "other protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", CF_ERR_FORMAT, 0, 0, 0 },
  { "folded", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n X\r\n\r\n", CF_ERR_FORMAT, 0, 0, 0 },
};

static void
test_responses(void **state) {
  for (size_t i = 0; i < sizeof responses / sizeof *responses; i++) {
    cf_http_response_t r;
    cf_http_refusal_t  no;
    cf_status_t        st = cf_http_response_parse(&r, &no, TEXT_SPAN(responses[i].in), 1000);
    if (st != responses[i].want) fail_msg("%s: %s", responses[i].name, cf_status_name(st));
    if (st) continue;
    assert_int_equal(r.chunked, responses[i].chunked);
    assert_int_equal(r.body_sz, responses[i].body_sz);
    assert_int_equal(r.keep, responses[i].keep);
  }
  cf_http_response_t r;
  cf_http_refusal_t  no;
  assert_int_equal(cf_http_response_parse(
                       &r, &no, S("HTTP/1.1 503 No\r\nContent-Type: text/x\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"), 9),
                   CF_OK);
  assert_int_equal(r.code, 503);
  assert_int_equal(r.retry_after_s, 30);
  assert_true(cf_span_eq(r.type, S("text/x")));
}

static struct { char const *name, *in, *out; cf_status_t want; } const chunks[] = {
  { "two", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde", CF_OK },
  { "none", "0\r\n\r\n", "", CF_OK },
  { "hex in both cases, zeros", "0A\r\n0123456789\r\n00b\r\nabcdefghijk\r\n000\r\n\r\n", "0123456789abcdefghijk", CF_OK },
  { "cut", "3\r\nab", "ab", CF_ERR_IO },
  { "extension", "3;a=b\r\nabc\r\n0\r\n\r\n", "", CF_ERR_FORMAT },
  { "trailer", "0\r\nX: a\r\n\r\n", "", CF_ERR_FORMAT },
  { "bare LF", "3\nabc\r\n0\r\n\r\n", "", CF_ERR_FORMAT },
  { "no size", "\r\nabc", "", CF_ERR_FORMAT },
  { "size with a sign", "-1\r\n", "", CF_ERR_FORMAT },
  { "size with a space", "3 \r\nabc", "", CF_ERR_FORMAT },
  { "longer than it said", "3\r\nabcd\r\n", "", CF_ERR_FORMAT },
  { "bytes behind", "0\r\n\r\nx", "", CF_ERR_FORMAT },
  { "nine digits", "000000001\r\n", "", CF_ERR_BOUND },
  { "2^31", "80000000\r\n", "", CF_ERR_BOUND },
};

/* whole, and cut into pieces of every size */
static void
test_chunks(void **state) {
  for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
    size_t in_sz = strlen(chunks[i].in);
    for (size_t step = 1; step <= in_sz; step++) {
      uint8_t          buf[256];
      size_t           have = 0, got;
      cf_http_chunks_t c    = { 0 };
      cf_status_t      st   = CF_OK;
      for (size_t at = 0; at < in_sz && !st; at += step) {
        size_t n = step < in_sz - at ? step : in_sz - at;
        memcpy(buf + have, chunks[i].in + at, n);
        st = cf_http_chunks_feed(&c, &got, buf + have, n);
        have += got;
      }
      if (!st && !c.done) st = CF_ERR_IO; /* our name for "not whole" */
      if (st != chunks[i].want) fail_msg("%s in steps of %zu: %s", chunks[i].name, step, cf_status_name(st));
      if (!st) assert_true(cf_span_eq(CF_SPAN(buf, have), TEXT_SPAN(chunks[i].out)));
    }
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_requests),     cmocka_unit_test(test_scan_by_bytes), cmocka_unit_test(test_request_fields),
    cmocka_unit_test(test_bounds),       cmocka_unit_test(test_responses),     cmocka_unit_test(test_chunks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
