#include "codec/cf_json.h"

#include "base/cf_text.h"

/* ---- characters of strings ---- */

static int hex4(uint8_t const *at) {
  uint8_t b[2];
  return cf_hex_decode(b, 2, CF_SPAN(at, 4)) ? -1 : b[0] << 8 | b[1];
}

static size_t utf8_put(char out[4], uint32_t cp) {
  size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
  for (size_t i = n; i > 1; i--, cp >>= 6) out[i - 1] = (char)(0x80 | (cp & 0x3f));
  out[0] = (char)(n == 1 ? cp : (0xf00U >> n & 0xff) | cp);
  return n;
}

/* unescape turns the character that raw (not empty) begins with into UTF-8, stores the bytes of raw that it took, and returns how
   many it wrote; 0 when it is malformed.  Bytes above 0x7f pass one by one: the parser checks UTF-8 over the whole. */
static size_t unescape(char out[4], size_t *took, cf_span_t raw) {
  static char const from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  uint8_t const    *at = raw.ptr;
  if (at[0] < 0x20) return 0;
  if (at[0] != '\\') {
    out[0] = (char)at[0];
    *took  = 1;
    return 1;
  }
  if (raw.len >= 2 && at[1] != 'u') {
    char const *c = memchr(from, at[1], sizeof from - 1);
    if (!c) return 0;
    out[0] = to[c - from];
    *took  = 2;
    return 1;
  }
  int hi = raw.len >= 6 ? hex4(at + 2) : -1;
  if (hi < 0 || (hi & 0xfc00) == 0xdc00) return 0;
  *took = 6;
  if ((hi & 0xfc00) != 0xd800) return utf8_put(out, (uint32_t)hi);
  int lo = raw.len >= 12 && at[6] == '\\' && at[7] == 'u' ? hex4(at + 8) : -1;
  if (lo < 0 || (lo & 0xfc00) != 0xdc00) return 0;
  *took = 12;
  return utf8_put(out, 0x10000 + (((uint32_t)hi & 0x3ff) << 10) + ((uint32_t)lo & 0x3ff));
}

/* The unescaped bytes of raw string content, one by one, up to a bare quote or the end. */
typedef struct {
  cf_span_t raw;
  char      c[4];
  size_t    i, n; /* c[i..n) is still to come */
} chars_t;

enum { CHARS_END = -1, CHARS_BAD = -2 };

static int chars_next(chars_t *it) {
  if (it->i == it->n) {
    if (it->raw.len == 0 || it->raw.ptr[0] == '"') return CHARS_END;
    size_t took;
    it->i = 0;
    it->n = unescape(it->c, &took, it->raw);
    if (it->n == 0) return CHARS_BAD;
    it->raw = CF_SPAN(it->raw.ptr + took, it->raw.len - took);
  }
  return (uint8_t)it->c[it->i++];
}

static bool chars_eq(cf_span_t a, cf_span_t b) {
  chars_t x = { .raw = a }, y = { .raw = b };
  int     c;
  do {
    c = chars_next(&x);
    if (c != chars_next(&y)) return false;
  } while (c >= 0);
  return c == CHARS_END;
}

/* ---- parsing ---- */

typedef struct {
  cf_rd_t     rd;
  cf_status_t st; /* why rd went bad */
  char const *why;
  /* Members of the outermost object, where they are asked for. */
  cf_json_member_t *member;
  size_t            member_max, member_cnt;
} parser_t;

static void fail(parser_t *p, cf_status_t st, char const *why) {
  if (p->rd.bad) return;
  p->rd.bad = true;
  p->st     = st;
  p->why    = why;
}

/* peek is the next byte, or -1. */
static int peek(parser_t const *p) { return p->rd.bad || p->rd.pos == p->rd.len ? -1 : p->rd.buf[p->rd.pos]; }

static bool accept(parser_t *p, int c) {
  if (peek(p) != c) return false;
  cf_rd_take(&p->rd, 1);
  return true;
}

static void expect(parser_t *p, int c, char const *why) {
  if (!accept(p, c)) fail(p, CF_ERR_FORMAT, why);
}

static bool is_space(int c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void space(parser_t *p) {
  while (is_space(peek(p))) cf_rd_take(&p->rd, 1);
}

/* plain takes the bytes that stand for themselves, up to a quote, an escape or a control character; true when all are ASCII. */
static bool plain(parser_t *p) {
  uint8_t const *at = p->rd.buf + p->rd.pos;
  size_t         n = 0, left = cf_rd_left(&p->rd);
  uint8_t        any = 0;
  while (n < left && at[n] >= 0x20 && at[n] != '"' && at[n] != '\\') any |= at[n++];
  cf_rd_take(&p->rd, n);
  return any < 0x80;
}

/* U+0000 may stand in a value, which cf_json_str then refuses: some write bytes as text, in messages for people.  No key has it. */
static void parse_string(parser_t *p, bool nul) {
  expect(p, '"', "a string was expected");
  size_t start = p->rd.pos;
  if (plain(p) && accept(p, '"')) return; /* as nearly all are */
  while (peek(p) >= 0 && peek(p) != '"') {
    char   c[4];
    size_t took;
    if (unescape(c, &took, CF_SPAN(p->rd.buf + p->rd.pos, cf_rd_left(&p->rd))) && (nul || c[0])) cf_rd_take(&p->rd, took);
    else fail(p, CF_ERR_FORMAT, "a control character, an unknown escape, U+0000 in a key or a lone surrogate");
  }
  if (!p->rd.bad && !cf_utf8_valid(CF_SPAN(p->rd.buf + start, p->rd.pos - start))) fail(p, CF_ERR_FORMAT, "not UTF-8");
  expect(p, '"', "a string without an end");
}

static cf_span_t parse_digits(parser_t *p) {
  size_t start = p->rd.pos;
  while (peek(p) >= '0' && peek(p) <= '9') cf_rd_take(&p->rd, 1);
  if (p->rd.pos == start) fail(p, CF_ERR_FORMAT, "a digit was expected");
  return CF_SPAN(p->rd.buf + start, p->rd.pos - start);
}

static void parse_number(parser_t *p) {
  bool      negative = accept(p, '-'), integer = true;
  cf_span_t digits = parse_digits(p);
  if (digits.len > 1 && digits.ptr[0] == '0') fail(p, CF_ERR_FORMAT, "a number with leading zeros");
  if (accept(p, '.')) {
    integer = false;
    parse_digits(p);
  }
  if (accept(p, 'e') || accept(p, 'E')) {
    integer = false;
    if (!accept(p, '+')) accept(p, '-');
    cf_span_t exponent = parse_digits(p);
    unsigned  e        = 0;
    for (size_t i = 0; i < exponent.len && e <= 308; i++) e = 10 * e + (exponent.ptr[i] - '0');
    if (e > 308) fail(p, CF_ERR_BOUND, "an exponent over 308");
  }
  uint64_t v;
  if (integer && !p->rd.bad && (cf_dec_u64(&v, digits) || (negative && v > (uint64_t)INT64_MAX + 1)))
    fail(p, CF_ERR_BOUND, "an integer of more than 64 bits");
}

static void parse_literal(parser_t *p, char const *word) {
  for (; *word; word++) expect(p, *word, "an unknown word");
}

static cf_json_type_t type_of(int c) {
  switch (c) {
  case 'n': return CF_JSON_NULL;
  case 't':
  case 'f': return CF_JSON_BOOL;
  case '"': return CF_JSON_STRING;
  case '[': return CF_JSON_ARRAY;
  case '{': return CF_JSON_OBJECT;
  default: return c == '-' || (c >= '0' && c <= '9') ? CF_JSON_NUMBER : CF_JSON_BAD;
  }
}

static void parse_value(parser_t *p, unsigned depth);

static void parse_array(parser_t *p, unsigned depth) {
  expect(p, '[', "");
  space(p);
  if (accept(p, ']')) return;
  do parse_value(p, depth + 1);
  while (accept(p, ','));
  expect(p, ']', "',' or ']' was expected");
}

/* Without an escape in front, two keys that differ in their first byte differ; at is followed by a quote at least. */
static bool may_be_eq(uint8_t const *at, cf_span_t key) {
  return !key.len || at[0] == key.ptr[0] || at[0] == '\\' || key.ptr[0] == '\\';
}

static cf_json_t value_of(cf_span_t text) {
  return (cf_json_t){ .type = text.len ? type_of(text.ptr[0]) : CF_JSON_BAD, .text = text };
}

static cf_span_t trim(cf_span_t s) {
  while (s.len && is_space(s.ptr[0])) s = CF_SPAN(s.ptr + 1, s.len - 1);
  while (s.len && is_space(s.ptr[s.len - 1])) s.len--;
  return s;
}

/* A member of the outermost object, from its key to where the parser stands now. */
static void note_member(parser_t *p, cf_span_t key, size_t value) {
  if (p->rd.bad) return;
  if (p->member_cnt < p->member_max)
    p->member[p->member_cnt] =
        (cf_json_member_t){ CF_SPAN(key.ptr, key.len - 1), value_of(trim(CF_SPAN(p->rd.buf + value, p->rd.pos - value))) };
  p->member_cnt++;
}

static void parse_object(parser_t *p, unsigned depth) {
  uint32_t keys[CF_JSON_KEYS_MAX]; /* where their content starts */
  size_t   cnt = 0;
  expect(p, '{', "");
  space(p);
  if (accept(p, '}')) return;
  do {
    space(p);
    size_t start = p->rd.pos + 1;
    if (cnt == CF_JSON_KEYS_MAX) fail(p, CF_ERR_BOUND, "more than 256 members");
    parse_string(p, false);
    if (p->rd.bad) return;
    cf_span_t key = CF_SPAN(p->rd.buf + start, p->rd.pos - start);
    for (size_t i = 0; i < cnt; i++)
      if (may_be_eq(p->rd.buf + keys[i], key) && chars_eq(CF_SPAN(p->rd.buf + keys[i], p->rd.len - keys[i]), key))
        fail(p, CF_ERR_FORMAT, "a key that was there already");
    keys[cnt++] = (uint32_t)start;
    space(p);
    expect(p, ':', "':' was expected");
    size_t value = p->rd.pos;
    parse_value(p, depth + 1);
    if (depth == 0) note_member(p, key, value);
  } while (accept(p, ','));
  expect(p, '}', "',' or '}' was expected");
}

/* parse_value takes one value and the space around it.  Recursion is bounded by CF_JSON_DEPTH_MAX. */
static void parse_value(parser_t *p, unsigned depth) {
  space(p);
  cf_json_type_t type = type_of(peek(p));
  if (depth == CF_JSON_DEPTH_MAX && (type == CF_JSON_ARRAY || type == CF_JSON_OBJECT))
    fail(p, CF_ERR_BOUND, "nested deeper than 32");
  if (p->rd.bad) return;
  switch (type) {
  case CF_JSON_NULL: parse_literal(p, "null"); break;
  case CF_JSON_BOOL: parse_literal(p, peek(p) == 't' ? "true" : "false"); break;
  case CF_JSON_NUMBER: parse_number(p); break;
  case CF_JSON_STRING: parse_string(p, true); break;
  case CF_JSON_ARRAY: parse_array(p, depth); break;
  case CF_JSON_OBJECT: parse_object(p, depth); break;
  case CF_JSON_BAD: fail(p, CF_ERR_FORMAT, "a value was expected"); break;
  }
  space(p);
}

static cf_status_t parse_all(parser_t *p, cf_span_t in, cf_error_t *err) {
  if (in.len > UINT32_MAX) fail(p, CF_ERR_BOUND, "4 GiB or more");
  parse_value(p, 0);
  if (!p->rd.bad && !cf_rd_done(&p->rd)) fail(p, CF_ERR_FORMAT, "bytes after the value");
  return p->rd.bad ? cf_error_set(err, p->st, "json", p->rd.pos, "%s", p->why) : CF_OK;
}

cf_status_t cf_json_parse(cf_json_t *out, cf_span_t in, cf_error_t *err) {
  parser_t    p  = { .rd = cf_rd_span(in) };
  cf_status_t st = parse_all(&p, in, err);
  if (!st) *out = value_of(trim(in));
  return st;
}

cf_status_t cf_json_parse_members(cf_json_member_t *out, size_t max, size_t *cnt, cf_span_t in, cf_error_t *err) {
  parser_t    p  = { .rd = cf_rd_span(in), .member = out, .member_max = max };
  cf_status_t st = parse_all(&p, in, err);
  if (!st && value_of(trim(in)).type != CF_JSON_OBJECT) st = cf_error_set(err, CF_ERR_FORMAT, "json", 0, "not an object");
  *cnt = st ? 0 : p.member_cnt;
  return st;
}

/* ---- reading what was parsed ---- */

/* string_end is where the string that starts at pos ends, behind its quote. */
static size_t string_end(cf_span_t text, size_t pos) {
  for (pos++; pos < text.len && text.ptr[pos] != '"'; pos++)
    if (text.ptr[pos] == '\\') pos++;
  return pos < text.len ? pos + 1 : text.len;
}

/* How a byte outside of strings changes the depth. */
static int8_t const deeper[256] = { ['['] = 1, ['{'] = 1, [']'] = -1, ['}'] = -1 };

/* Without a branch on what the bytes are: tokens are short, and a branch would be guessed wrong at each. */
static size_t nested_end(cf_span_t text, size_t pos) {
  int depth = 0, string = 0, escaped = 0;
  while (pos < text.len) {
    uint8_t c = text.ptr[pos++];
    int     quote = (c == '"') & ~escaped;
    escaped       = (c == '\\') & ~escaped;
    string ^= quote;
    depth += deeper[c] & (string - 1); /* -1 outside, 0 inside */
    if (depth == 0) break;
  }
  return pos;
}

static size_t value_end(cf_span_t text, size_t pos) {
  if (pos >= text.len) return pos;
  if (text.ptr[pos] == '"') return string_end(text, pos);
  if (deeper[text.ptr[pos]] > 0) return nested_end(text, pos);
  while (pos < text.len && text.ptr[pos] != ',' && deeper[text.ptr[pos]] >= 0 && !is_space(text.ptr[pos])) pos++;
  return pos;
}

static size_t skip_any(cf_span_t text, size_t pos, int punctuation) {
  while (pos < text.len && (is_space(text.ptr[pos]) || text.ptr[pos] == punctuation)) pos++;
  return pos;
}

bool cf_json_each(cf_json_t container, size_t *pos, cf_span_t *key, cf_json_t *value) {
  cf_span_t text = container.text;
  if (container.type != CF_JSON_ARRAY && container.type != CF_JSON_OBJECT) return false;
  size_t at = skip_any(text, *pos ? *pos : 1, ',');
  if (at >= text.len || text.ptr[at] == ']' || text.ptr[at] == '}') return false;
  if (key) *key = CF_SPAN(NULL, 0);
  if (container.type == CF_JSON_OBJECT) {
    size_t end = string_end(text, at);
    if (key) *key = CF_SPAN(text.ptr + at + 1, end - at - 2);
    at = skip_any(text, end, ':');
  }
  *pos   = value_end(text, at);
  *value = value_of(CF_SPAN(text.ptr + at, *pos - at));
  return true;
}

cf_json_type_t cf_json_walk_type(cf_json_walk_t const *w) {
  return w->pos < w->text.len ? type_of(w->text.ptr[w->pos]) : CF_JSON_BAD;
}

cf_json_t cf_json_walk_value(cf_json_walk_t *w) {
  size_t start = w->pos;
  w->pos = value_end(w->text, start);
  return value_of(CF_SPAN(w->text.ptr + start, w->pos - start));
}

void cf_json_walk_enter(cf_json_walk_t *w) { w->pos++; }

bool cf_json_walk_more(cf_json_walk_t *w, cf_span_t *key) {
  w->pos = skip_any(w->text, w->pos, ',');
  if (w->pos >= w->text.len) return false;
  uint8_t c = w->text.ptr[w->pos];
  if (c == ']' || c == '}') {
    w->pos++;
    return false;
  }
  if (!key) return true;
  size_t end = string_end(w->text, w->pos);
  *key = CF_SPAN(w->text.ptr + w->pos + 1, end - w->pos - 2);
  w->pos = skip_any(w->text, end, ':');
  return true;
}

cf_json_t cf_json_get(cf_json_t obj, char const *key) {
  cf_json_t value;
  cf_span_t raw;
  for (size_t pos = 0; obj.type == CF_JSON_OBJECT && cf_json_each(obj, &pos, &raw, &value);) {
    chars_t     it   = { .raw = raw };
    char const *want = key;
    int         c;
    while ((c = chars_next(&it)) >= 0 && c == (uint8_t)*want) want++;
    if (c == CHARS_END && !*want) return value;
  }
  return (cf_json_t){ .type = CF_JSON_BAD };
}

static cf_span_t content(cf_json_t v) { return CF_SPAN(v.text.ptr + 1, v.text.len - 2); }

cf_status_t cf_json_str(char *out, size_t out_max, cf_json_t v) {
  if (v.type != CF_JSON_STRING) return CF_ERR_FORMAT;
  chars_t it = { .raw = content(v) };
  size_t  n  = 0;
  for (int c; (c = chars_next(&it)) >= 0; n++) {
    if (c == 0) return CF_ERR_FORMAT;
    if (n + 1 >= out_max) return CF_ERR_BOUND;
    out[n] = (char)c;
  }
  if (out_max == 0) return CF_ERR_BOUND;
  out[n] = 0;
  return CF_OK;
}

cf_status_t cf_json_u64(uint64_t *out, cf_json_t v) { return v.type == CF_JSON_NUMBER ? cf_dec_u64(out, v.text) : CF_ERR_FORMAT; }

cf_status_t cf_json_i64(int64_t *out, cf_json_t v) {
  if (v.type != CF_JSON_NUMBER) return CF_ERR_FORMAT;
  bool        negative = v.text.ptr[0] == '-';
  uint64_t    u;
  cf_status_t st = cf_dec_u64(&u, CF_SPAN(v.text.ptr + negative, v.text.len - negative));
  if (st) return st;
  if (negative && u == 0) return CF_ERR_FORMAT; /* one text per value */
  if (u > (uint64_t)INT64_MAX + negative) return CF_ERR_BOUND;
  *out = negative ? -1 - (int64_t)(u - 1) : (int64_t)u;
  return CF_OK;
}

cf_status_t cf_json_bool(bool *out, cf_json_t v) {
  if (v.type != CF_JSON_BOOL) return CF_ERR_FORMAT;
  *out = v.text.ptr[0] == 't';
  return CF_OK;
}

cf_status_t cf_json_hex(uint8_t *out, size_t n, cf_json_t v) {
  return v.type == CF_JSON_STRING ? cf_hex_decode(out, n, content(v)) : CF_ERR_FORMAT;
}
