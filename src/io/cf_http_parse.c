#include "io/cf_http_parse.h"

#include "base/cf_text.h"

static cf_status_t
refuse(cf_http_refusal_t *no, cf_status_t st, unsigned code, char const *why) {
  *no = (cf_http_refusal_t){ .code = code, .why = why };
  return st;
}

/* ---- the end of a head ---- */

cf_status_t
cf_http_scan(cf_http_scan_t *scan, size_t *head_sz, cf_http_refusal_t *no, cf_span_t in) {
  *head_sz = 0;
  while (scan->pos < in.len) {
    uint8_t const *nl = memchr(in.ptr + scan->pos, '\n', in.len - scan->pos);
    if (!nl) {
      scan->pos = in.len;
      break;
    }
    size_t end = (size_t)(nl - in.ptr);
    if (end == scan->line || in.ptr[end - 1] != '\r') return refuse(no, CF_ERR_FORMAT, 400, "a line does not end in CRLF");
    bool blank = end - 1 == scan->line;
    if (scan->line_cnt == 0) {
      if (blank) return refuse(no, CF_ERR_FORMAT, 400, "empty first line");
      scan->first_sz = end + 1;
    }
    if (scan->first_sz > CF_HTTP_LINE_MAX) return refuse(no, CF_ERR_BOUND, 414, "first line longer than 8192 bytes");
    if (end + 1 - scan->first_sz > CF_HTTP_FIELDS_MAX) return refuse(no, CF_ERR_BOUND, 431, "fields longer than 16384 bytes");
    if (blank) {
      *head_sz = end + 1;
      return CF_OK;
    }
    if (++scan->line_cnt > CF_HTTP_FIELD_CNT_MAX + 1) return refuse(no, CF_ERR_BOUND, 431, "more than 100 fields");
    scan->pos = scan->line = end + 1;
  }
  if (scan->line_cnt == 0 && in.len > CF_HTTP_LINE_MAX) return refuse(no, CF_ERR_BOUND, 414, "first line longer than 8192 bytes");
  if (scan->line_cnt && in.len - scan->first_sz > CF_HTTP_FIELDS_MAX)
    return refuse(no, CF_ERR_BOUND, 431, "fields longer than 16384 bytes");
  return CF_OK;
}

/* ---- characters ---- */

enum { TOKEN = 1, VALUE = 2, PATH = 4, QUERY = 8 };

/* classes of RFC 9110 5.6.2 (token), 5.5 (field value), RFC 3986 3.3 (pchar without '%') and 3.4 */
static unsigned
class_of(uint8_t c) {
  bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  if (alnum) return TOKEN | VALUE | PATH | QUERY;
  unsigned in = c == '\t' || (c >= ' ' && c != 0x7f) ? VALUE : 0;
  if (c && c < 0x80 && strchr("!#$%&'*+-.^_`|~", c)) in |= TOKEN;
  if (c && c < 0x80 && strchr("-._~!$&'()*+,;=:@/", c)) in |= PATH | QUERY;
  if (c == '%' || c == '?') in |= QUERY;
  return in;
}

/* class_of as a table, made by the first use: one byte per character of every head */
static bool
all_are(unsigned class, cf_span_t s) {
  static uint8_t table[256];
  if (!table['a']) {
    for (unsigned c = 0; c < 256; c++) table[c] = (uint8_t)class_of((uint8_t)c);
  }
  unsigned seen = class;
  for (size_t i = 0; i < s.len; i++) seen &= table[s.ptr[i]];
  return seen == class;
}

static bool
is(cf_span_t s, char const *lower) {
  size_t n = strlen(lower);
  if (s.len != n) return false;
  for (size_t i = 0; i < n; i++) {
    uint8_t c = s.ptr[i];
    if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != (uint8_t)lower[i]) return false;
  }
  return true;
}

/* cut takes the bytes before the first c off s, and c with them; false when there is no c */
static bool
cut(cf_span_t *before, cf_span_t *s, char c) {
  uint8_t const *at = s->len ? memchr(s->ptr, c, s->len) : NULL;
  if (!at) return false;
  size_t n = (size_t)(at - s->ptr);
  *before  = CF_SPAN(s->ptr, n);
  *s       = CF_SPAN(at + 1, s->len - n - 1);
  return true;
}

static cf_span_t
trim(cf_span_t s) {
  while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) s = CF_SPAN(s.ptr + 1, s.len - 1);
  while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) s.len--;
  return s;
}

/* ---- fields ---- */

typedef struct {
  unsigned  host_cnt, length_cnt, coding_cnt, expect_cnt;
  cf_span_t host, length, coding, expect, type, retry;
  bool      close;
} fields_t;

static void
take_connection(fields_t *f, cf_span_t value) {
  for (bool more = true; more;) {
    cf_span_t item;
    more = cut(&item, &value, ',');
    if (!more) item = value;
    f->close |= is(trim(item), "close");
  }
}

static void
take_field(fields_t *f, cf_span_t name, cf_span_t value) {
  if (is(name, "host")) f->host_cnt++, f->host = value;
  else if (is(name, "content-length")) f->length_cnt++, f->length = value;
  else if (is(name, "transfer-encoding")) f->coding_cnt++, f->coding = value;
  else if (is(name, "expect")) f->expect_cnt++, f->expect = value;
  else if (is(name, "connection")) take_connection(f, value);
  else if (is(name, "content-type")) f->type = value;
  else if (is(name, "retry-after")) f->retry = value;
}

/* lines: the head behind its first line; cf_http_scan saw to it that each ends in CRLF and the last is blank */
static cf_status_t
read_fields(fields_t *f, cf_http_refusal_t *no, cf_span_t lines) {
  *f = (fields_t){ 0 };
  for (cf_span_t line, name; cut(&line, &lines, '\n') && line.len > 1;) {
    line.len--; /* the CR */
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t') return refuse(no, CF_ERR_FORMAT, 400, "a folded field");
    if (!cut(&name, &line, ':') || name.len == 0) return refuse(no, CF_ERR_FORMAT, 400, "a field without a name");
    if (!all_are(TOKEN, name)) return refuse(no, CF_ERR_FORMAT, 400, "a field name with a space or a stray byte");
    if (!all_are(VALUE, line)) return refuse(no, CF_ERR_FORMAT, 400, "a control byte in a field");
    take_field(f, name, trim(line));
  }
  return CF_OK;
}

/* a length of digits alone; both messages */
static cf_status_t
read_length(size_t *out, cf_http_refusal_t *no, fields_t const *f, size_t body_max) {
  uint64_t n = 0;
  if (f->length_cnt > 1) return refuse(no, CF_ERR_FORMAT, 400, "Content-Length given twice");
  if (f->length_cnt) {
    cf_status_t st = cf_dec_u64(&n, f->length);
    if (st == CF_ERR_FORMAT) return refuse(no, CF_ERR_FORMAT, 400, "Content-Length is no plain number");
    if (st || n > body_max) return refuse(no, CF_ERR_BOUND, 413, "body larger than is taken here");
  }
  *out = (size_t)n;
  return CF_OK;
}

/* ---- requests ---- */

/* segments of plain characters; only the last may be empty (a folder) */
static bool
is_clean_path(cf_span_t path) {
  if (path.len == 0 || path.ptr[0] != '/' || !all_are(PATH, path)) return false;
  cf_span_t rest = CF_SPAN(path.ptr + 1, path.len - 1), seg;
  while (cut(&seg, &rest, '/')) {
    if (seg.len == 0 || is(seg, ".") || is(seg, "..")) return false;
  }
  return !is(rest, ".") && !is(rest, "..");
}

static cf_status_t
read_request_line(cf_http_request_t *r, cf_http_refusal_t *no, bool *v11, cf_span_t line) {
  static struct { char const *name; cf_http_method_t method; } const methods[] = {
    { "GET ", CF_HTTP_GET }, { "POST ", CF_HTTP_POST }, { "HEAD ", CF_HTTP_HEAD },
    { "DELETE ", CF_HTTP_DELETE },
  };
  cf_span_t rest = line, method, target;
  if (!cut(&method, &rest, ' ') || method.len == 0 || !all_are(TOKEN, method) || !cut(&target, &rest, ' '))
    return refuse(no, CF_ERR_FORMAT, 400, "not METHOD /PATH HTTP/1.1");
  if (rest.len != 8 || memcmp(rest.ptr, "HTTP/", 5)) return refuse(no, CF_ERR_FORMAT, 400, "not METHOD /PATH HTTP/1.1");
  *v11 = cf_span_eq(rest, CF_SPAN_LIT("HTTP/1.1"));
  if (!*v11 && !cf_span_eq(rest, CF_SPAN_LIT("HTTP/1.0"))) return refuse(no, CF_ERR_UNSUPPORTED, 505, "only HTTP/1.1 is spoken");

  size_t i = 0, cnt = sizeof methods / sizeof *methods;
  while (i < cnt && (method.len + 1 != strlen(methods[i].name) || memcmp(method.ptr, methods[i].name, method.len))) i++;
  if (i == cnt) return refuse(no, CF_ERR_UNSUPPORTED, 501, "only GET, HEAD and POST");
  r->method = methods[i].method;

  r->query = target;
  if (!cut(&r->path, &r->query, '?')) {
    r->path  = target;
    r->query = CF_SPAN(NULL, 0);
  }
  if (!is_clean_path(r->path))
    return refuse(no, CF_ERR_FORMAT, 400, "a path that is not plain: no '%', no empty, '.' or '..' segment");
  if (!all_are(QUERY, r->query)) return refuse(no, CF_ERR_FORMAT, 400, "a stray byte in the query");
  r->what = CF_SPAN(line.ptr, method.len + 1 + r->path.len);
  return CF_OK;
}

static cf_status_t
check_body(cf_http_request_t *r, cf_http_refusal_t *no, fields_t const *f, size_t body_max) {
  if (f->coding_cnt && f->length_cnt) return refuse(no, CF_ERR_FORMAT, 400, "Transfer-Encoding with Content-Length");
  if (f->coding_cnt > 1) return refuse(no, CF_ERR_FORMAT, 400, "Transfer-Encoding given twice");
  if (f->coding_cnt && is(f->coding, "chunked"))
    return refuse(no, CF_ERR_UNSUPPORTED, 411, "chunked bodies are not taken: give Content-Length");
  if (f->coding_cnt) return refuse(no, CF_ERR_UNSUPPORTED, 501, "transfer codings are not taken");
  if (r->method == CF_HTTP_POST && !f->length_cnt) return refuse(no, CF_ERR_UNSUPPORTED, 411, "a POST needs Content-Length");
  cf_status_t st = read_length(&r->body_sz, no, f, body_max);
  if (st) return st;
  if (r->method != CF_HTTP_POST && r->body_sz) return refuse(no, CF_ERR_FORMAT, 400, "a body where none belongs");
  return CF_OK;
}

cf_status_t
cf_http_request_parse(cf_http_request_t *out, cf_http_refusal_t *no, cf_span_t head, size_t body_max) {
  cf_http_request_t r = { 0 };
  fields_t          f;
  cf_span_t         line, rest = head;
  bool              v11 = false;
  if (!cut(&line, &rest, '\n') || line.len == 0) return refuse(no, CF_ERR_FORMAT, 400, "empty first line");
  line.len--; /* the CR */
  cf_status_t st = read_request_line(&r, no, &v11, line);
  if (!st) st = read_fields(&f, no, rest);
  if (st) return st;
  if (f.host_cnt > 1 || (v11 && f.host_cnt != 1)) return refuse(no, CF_ERR_FORMAT, 400, "Host must be given once");
  if (f.host_cnt && (memchr(f.host.ptr, ' ', f.host.len) || memchr(f.host.ptr, ',', f.host.len)))
    return refuse(no, CF_ERR_FORMAT, 400, "Host names more than one");
  if (f.coding_cnt && !v11) return refuse(no, CF_ERR_FORMAT, 400, "Transfer-Encoding in HTTP/1.0");
  st = check_body(&r, no, &f, body_max);
  if (st) return st;
  if (f.expect_cnt && (f.expect_cnt > 1 || !is(f.expect, "100-continue")))
    return refuse(no, CF_ERR_UNSUPPORTED, 417, "an unknown expectation");
  r.type   = f.type;
  r.expect = f.expect_cnt && v11;
  r.keep   = v11 && !f.close;
  *out     = r;
  return CF_OK;
}

/* ---- responses ---- */

static cf_status_t
read_status_line(cf_http_response_t *r, cf_http_refusal_t *no, bool *v11, cf_span_t line) {
  bool ok = line.len >= 12 && !memcmp(line.ptr, "HTTP/1.", 7) && (line.ptr[7] == '0' || line.ptr[7] == '1') &&
            line.ptr[8] == ' ' && (line.len == 12 || line.ptr[12] == ' ') && all_are(VALUE, line);
  for (size_t i = 9; ok && i < 12; i++) {
    ok      = line.ptr[i] >= '0' && line.ptr[i] <= '9';
    r->code = r->code * 10 + (unsigned)(line.ptr[i] - '0');
  }
  if (!ok || r->code < 100 || r->code > 599) return refuse(no, CF_ERR_FORMAT, 502, "not HTTP/1.1 CODE REASON");
  *v11 = line.ptr[7] == '1';
  return CF_OK;
}

cf_status_t
cf_http_response_parse(cf_http_response_t *out, cf_http_refusal_t *no, cf_span_t head, size_t body_max) {
  cf_http_response_t r = { 0 };
  fields_t           f;
  cf_span_t          line, rest = head;
  bool               v11 = false;
  uint64_t           retry_s = 0;
  if (!cut(&line, &rest, '\n') || line.len == 0) return refuse(no, CF_ERR_FORMAT, 502, "empty first line");
  line.len--;
  cf_status_t st = read_status_line(&r, no, &v11, line);
  if (!st) st = read_fields(&f, no, rest);
  if (st) return st;

  bool bare = r.code < 200 || r.code == 204 || r.code == 304; /* RFC 9112 6.3: never a body */
  if (f.coding_cnt && (f.length_cnt || f.coding_cnt > 1 || !v11 || bare))
    return refuse(no, CF_ERR_FORMAT, 502, "Transfer-Encoding beside another length");
  if (f.coding_cnt && !is(f.coding, "chunked")) return refuse(no, CF_ERR_UNSUPPORTED, 502, "an unknown transfer coding");
  if (!f.coding_cnt && !f.length_cnt && !bare) return refuse(no, CF_ERR_UNSUPPORTED, 502, "a body without a length");
  st = read_length(&r.body_sz, no, &f, body_max);
  if (st) return st;
  if (bare) r.body_sz = 0;
  r.chunked = f.coding_cnt;
  r.keep    = v11 && !f.close;
  r.type    = f.type;
  if (f.retry.len && !cf_dec_u64(&retry_s, f.retry) && retry_s <= 86400) r.retry_after_s = (unsigned)retry_s;
  *out = r;
  return CF_OK;
}

/* ---- chunks: RFC 9112 7.1 ---- */

enum { SIZE, SIZE_LF, DATA, DATA_CR, DATA_LF, END_CR, END_LF };

static int
hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* one byte that is not data */
static cf_status_t
chunk_byte(cf_http_chunks_t *c, uint8_t byte) {
  static struct { uint8_t want; unsigned next; } const marks[] = {
    [SIZE_LF] = { '\n', DATA }, [DATA_CR] = { '\r', DATA_LF }, [DATA_LF] = { '\n', SIZE },
    [END_CR]  = { '\r', END_LF }, [END_LF] = { '\n', SIZE },
  };
  if (c->state == SIZE) {
    int digit = hex_digit(byte);
    if (digit < 0) {
      if (byte != '\r' || !c->digits) return CF_ERR_FORMAT;
      c->digits = 0;
      c->state  = SIZE_LF;
      return CF_OK;
    }
    if (++c->digits > 8 || (c->digits == 8 && c->left >> 27)) return CF_ERR_BOUND;
    c->left = c->left << 4 | (unsigned)digit;
    return CF_OK;
  }
  if (byte != marks[c->state].want) return CF_ERR_FORMAT;
  if (c->state == END_LF) c->done = true;
  c->state = c->state == SIZE_LF && c->left == 0 ? END_CR : marks[c->state].next;
  return CF_OK;
}

cf_status_t
cf_http_chunks_feed(cf_http_chunks_t *c, size_t *out_sz, uint8_t *buf, size_t n) {
  *out_sz = 0;
  for (size_t i = 0; i < n;) {
    if (c->done) return CF_ERR_FORMAT;
    if (c->state == DATA) {
      size_t take = c->left < n - i ? c->left : n - i;
      memmove(buf + *out_sz, buf + i, take);
      *out_sz += take;
      i += take;
      c->left -= take;
      if (c->left == 0) c->state = DATA_CR;
      continue;
    }
    cf_status_t st = chunk_byte(c, buf[i++]);
    if (st) return st;
  }
  return CF_OK;
}
