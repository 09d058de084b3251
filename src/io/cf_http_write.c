#include "io/cf_http_write.h"

#include <assert.h>

char const *
cf_http_reason(unsigned code) {
  static struct {
    unsigned    code;
    char const *reason;
  } const reasons[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
  };
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
    if (reasons[i].code == code) return reasons[i].reason;
  }
  return "Status";
}

char const *
cf_http_type_of(cf_span_t path) {
  static struct { char const *ending, *type; } const types[] = {
    { ".html", "text/html; charset=utf-8" }, { ".js", "text/javascript" }, { ".mjs", "text/javascript" }, { ".css", "text/css" },
    { ".json", "application/json" }, { ".svg", "image/svg+xml" }, { ".png", "image/png" }, { ".wasm", "application/wasm" },
    { ".txt", "text/plain; charset=utf-8" },
  };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    size_t n = strlen(types[i].ending);
    if (path.len > n && !memcmp(path.ptr + path.len - n, types[i].ending, n)) return types[i].type;
  }
  return "application/octet-stream";
}

static void put(cf_wr_t *wr, char const *text) { cf_wr_bytes(wr, text, strlen(text)); }

static void
put_dec(cf_wr_t *wr, size_t v) {
  char  digits[24];
  char *at = digits + sizeof digits;
  do *--at = (char)('0' + v % 10);
  while (v /= 10);
  cf_wr_bytes(wr, at, (size_t)(digits + sizeof digits - at));
}

/* no printf: this is on the path of every request */
cf_span_t
cf_http_head_write(uint8_t *buf, size_t max, cf_http_head_t const *h, bool keep, cf_http_method_t to, char const *date) {
  cf_wr_t wr = cf_wr_init(buf, max);
  put(&wr, "HTTP/1.1 ");
  put_dec(&wr, h->code);
  put(&wr, " ");
  put(&wr, cf_http_reason(h->code));
  put(&wr, "\r\nDate: ");
  put(&wr, date);
  if (h->type) put(&wr, "\r\nContent-Type: "), put(&wr, h->type);
  if (h->code != 204) put(&wr, "\r\nContent-Length: "), put_dec(&wr, h->body_sz);
  if (h->code == 405) put(&wr, to == CF_HTTP_POST || to == CF_HTTP_DELETE ? "\r\nAllow: GET, HEAD" : "\r\nAllow: POST");
  if (h->location.len) put(&wr, "\r\nLocation: "), cf_wr_span(&wr, h->location);
  if (h->retry_after_s) put(&wr, "\r\nRetry-After: "), put_dec(&wr, h->retry_after_s);
  if (!keep) put(&wr, "\r\nConnection: close");
  put(&wr, "\r\nCache-Control: ");
  put(&wr, h->cache);
  put(&wr, "\r\nX-Content-Type-Options: nosniff\r\n\r\n");
  cf_span_t out = cf_wr_out(&wr);
  assert(out.len); /* types and cache texts are ours */
  return out;
}
