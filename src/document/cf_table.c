#include "document/cf_table.h"

#include <assert.h>
#include <stdio.h>

#include "base/cf_text.h"
#include "codec/cf_cbor.h"
#include "codec/cf_json.h"

/* ---- where things lie in a struct ---- */

static void *
at(void *doc, size_t offset) {
  return (uint8_t *)doc + offset;
}

static void const *
at_const(void const *doc, size_t offset) {
  return (uint8_t const *)doc + offset;
}

static uint64_t
uint_of(void const *doc, cf_field_t const *f) {
  uint64_t v;
  memcpy(&v, at_const(doc, f->offset), sizeof v);
  return v;
}

static size_t
count_of(void const *doc, cf_field_t const *f) {
  size_t n;
  memcpy(&n, at_const(doc, f->cnt_offset), sizeof n);
  return n;
}

static cf_span_t
span_of(void const *doc, size_t offset) {
  cf_span_t s;
  memcpy(&s, at_const(doc, offset), sizeof s);
  return s;
}

static bool
is_zero(uint8_t const *p, size_t n) {
  uint8_t any = 0;
  for (size_t i = 0; i < n; i++) any |= p[i];
  return any == 0;
}

/* is_absent: an optional field that holds its zero value is left out. */
static bool
is_absent(void const *doc, cf_field_t const *f) {
  if (!f->optional) return false;
  switch (f->type) {
  case CF_FIELD_UINT: return uint_of(doc, f) == 0;
  case CF_FIELD_FIXED: return is_zero(at_const(doc, f->offset), f->max);
  case CF_FIELD_BSTR:
  case CF_FIELD_TEXT: return span_of(doc, f->offset).len == 0;
  case CF_FIELD_LIST:
  case CF_FIELD_FIXEDS:
  case CF_FIELD_TEXTS: return count_of(doc, f) == 0;
  case CF_FIELD_MAP: return false;
  }
  return false;
}

/* Text of ours is shown to people: no control characters. */
static bool
text_ok(cf_span_t s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] < 0x20 || s.ptr[i] == 0x7f) return false;
  return true;
}

/* ---- decoding ---- */

#define DEPTH_MAX 8 /* of tables in tables, ours all */

typedef struct {
  cf_rd_t     rd;
  cf_error_t *err;
  char const *path[DEPTH_MAX]; /* the table's name, and of each field that is being read: text only when it is refused */
  size_t      depth;
} reader_t;

static cf_status_t read_map(reader_t *r, void *out, cf_table_t const *t);

static cf_status_t
refuse(reader_t *r, cf_status_t st, size_t offset, char const *why) {
  char   path[sizeof r->err->item] = "";
  size_t len                       = 0;
  for (size_t i = 0; i < r->depth && len < sizeof path; i++)
    len += (size_t)snprintf(path + len, sizeof path - len, "%s%s", i ? "." : "", r->path[i]);
  return cf_error_set(r->err, st, path, offset, "%s", why);
}

static void
path_push(reader_t *r, char const *name) {
  assert(r->depth < DEPTH_MAX);
  r->path[r->depth++] = name;
}

static cf_status_t
read_list(reader_t *r, void *out, cf_field_t const *f) {
  size_t start = r->rd.pos, n = cf_cbor_array(&r->rd);
  if (r->rd.bad) return refuse(r, CF_ERR_FORMAT, start, "an array is due here");
  if (n < f->min || n > f->max) return refuse(r, CF_ERR_BOUND, start, "too few or too many items");
  for (size_t i = 0; i < n; i++) {
    size_t item = r->rd.pos;
    if (f->type == CF_FIELD_LIST) {
      cf_status_t st = read_map(r, at(out, f->offset + i * f->sub->size), f->sub);
      if (st) return st;
    } else if (f->type == CF_FIELD_FIXEDS) {
      cf_cbor_bstr_fixed(&r->rd, at(out, f->offset + i * f->item_sz), f->item_sz);
    } else {
      cf_span_t s = cf_cbor_tstr(&r->rd);
      if (!r->rd.bad && (s.len < 1 || s.len > 64 || !text_ok(s))) return refuse(r, CF_ERR_BOUND, item, "text of 1 to 64 printable bytes is due");
      memcpy(at(out, f->offset + i * sizeof s), &s, sizeof s);
    }
    if (r->rd.bad) return refuse(r, CF_ERR_FORMAT, item, "an item of another type or size is due here");
  }
  memcpy(at(out, f->cnt_offset), &n, sizeof n);
  return CF_OK;
}

static cf_status_t
read_field(reader_t *r, void *out, cf_field_t const *f) {
  size_t    start = r->rd.pos;
  uint64_t  v;
  cf_span_t s;
  switch (f->type) {
  case CF_FIELD_UINT:
    v = cf_cbor_uint(&r->rd);
    if (r->rd.bad) return refuse(r, CF_ERR_FORMAT, start, "an unsigned integer is due here");
    if (v < f->min || v > f->max) return refuse(r, CF_ERR_BOUND, start, "the number is out of its bounds");
    memcpy(at(out, f->offset), &v, sizeof v);
    break;
  case CF_FIELD_FIXED:
    cf_cbor_bstr_fixed(&r->rd, at(out, f->offset), f->max);
    if (r->rd.bad) return refuse(r, CF_ERR_FORMAT, start, "a byte string of another size is due here");
    break;
  case CF_FIELD_BSTR:
  case CF_FIELD_TEXT:
    s = f->type == CF_FIELD_BSTR ? cf_cbor_bstr(&r->rd) : cf_cbor_tstr(&r->rd);
    if (r->rd.bad) return refuse(r, CF_ERR_FORMAT, start, "a string of another kind is due here");
    if (s.len < f->min || s.len > f->max) return refuse(r, CF_ERR_BOUND, start, "the string is too short or too long");
    if (f->type == CF_FIELD_TEXT && !text_ok(s)) return refuse(r, CF_ERR_FORMAT, start, "control characters in text");
    memcpy(at(out, f->offset), &s, sizeof s);
    break;
  case CF_FIELD_MAP: return read_map(r, at(out, f->offset), f->sub);
  case CF_FIELD_LIST:
  case CF_FIELD_FIXEDS:
  case CF_FIELD_TEXTS: {
    cf_status_t st = read_list(r, out, f);
    if (st) return st;
    break;
  }
  }
  return is_absent(out, f) ? refuse(r, CF_ERR_FORMAT, start, "an empty optional field must be left out") : CF_OK;
}

static cf_status_t
read_map(reader_t *r, void *out, cf_table_t const *t) {
  size_t        start = r->rd.pos, next = 0, extra_from = 0;
  cf_cbor_map_t m     = cf_cbor_map(&r->rd);
  if (r->rd.bad) return refuse(r, CF_ERR_FORMAT, start, "a map is due here");
  for (size_t key_at = r->rd.pos; cf_cbor_next(&m); key_at = r->rd.pos) {
    if (m.is_text) return refuse(r, CF_ERR_FORMAT, key_at, "keys are integers");
    if (m.key < 0) { /* negative keys come after all others in the encoding's order */
      if (!extra_from) extra_from = key_at;
      (void)cf_cbor_skip(&r->rd);
      continue;
    }
    while (next < t->fields_cnt && t->fields[next].key < m.key && t->fields[next].optional) next++;
    if (next == t->fields_cnt || t->fields[next].key > m.key) return refuse(r, CF_ERR_FORMAT, key_at, "an unknown key, and it is critical");
    cf_field_t const *f = &t->fields[next++];
    path_push(r, f->name);
    if (f->key != m.key) return refuse(r, CF_ERR_FORMAT, key_at, "this field is missing");
    cf_status_t st = read_field(r, out, f);
    if (st) return st;
    r->depth--;
  }
  if (r->rd.bad) return refuse(r, CF_ERR_FORMAT, r->rd.pos, "not deterministic CBOR");
  for (; next < t->fields_cnt; next++)
    if (!t->fields[next].optional) {
      path_push(r, t->fields[next].name);
      return refuse(r, CF_ERR_FORMAT, r->rd.pos, "this field is missing");
    }
  if (extra_from) {
    cf_span_t extra = CF_SPAN(r->rd.buf + extra_from, r->rd.pos - extra_from);
    memcpy(out, &extra, sizeof extra);
  }
  return CF_OK;
}

cf_status_t
cf_table_decode(void *out, cf_table_t const *t, cf_span_t in, cf_error_t *err) {
  reader_t r = { .rd = cf_rd_span(in), .err = err };
  memset(out, 0, t->size);
  path_push(&r, t->name);
  if (t->bytes_max && in.len > t->bytes_max) return refuse(&r, CF_ERR_BOUND, 0, "the document is too long");
  cf_status_t st = read_map(&r, out, t);
  if (!st && !cf_rd_done(&r.rd)) st = refuse(&r, CF_ERR_FORMAT, r.rd.pos, "bytes behind the document");
  if (st) memset(out, 0, t->size);
  return st;
}

/* ---- encoding ---- */

static void
write_field(cf_wr_t *wr, cf_field_t const *f, void const *in) {
  cf_span_t s;
  uint64_t  v;
  size_t    n;
  cf_cbor_w_uint(wr, (uint64_t)f->key);
  switch (f->type) {
  case CF_FIELD_UINT:
    v = uint_of(in, f);
    assert(v >= f->min && v <= f->max);
    cf_cbor_w_uint(wr, v);
    return;
  case CF_FIELD_FIXED: cf_cbor_w_bstr(wr, CF_SPAN(at_const(in, f->offset), f->max)); return;
  case CF_FIELD_BSTR:
  case CF_FIELD_TEXT:
    s = span_of(in, f->offset);
    assert(s.len >= f->min && s.len <= f->max);
    if (f->type == CF_FIELD_BSTR) cf_cbor_w_bstr(wr, s);
    else cf_cbor_w_tstr(wr, s);
    return;
  case CF_FIELD_MAP: cf_table_encode(wr, f->sub, at_const(in, f->offset)); return;
  case CF_FIELD_LIST:
  case CF_FIELD_FIXEDS:
  case CF_FIELD_TEXTS:
    n = count_of(in, f);
    assert(n >= f->min && n <= f->max);
    cf_cbor_w_array(wr, n);
    for (size_t i = 0; i < n; i++) {
      if (f->type == CF_FIELD_LIST) cf_table_encode(wr, f->sub, at_const(in, f->offset + i * f->sub->size));
      else if (f->type == CF_FIELD_FIXEDS) cf_cbor_w_bstr(wr, CF_SPAN(at_const(in, f->offset + i * f->item_sz), f->item_sz));
      else cf_cbor_w_tstr(wr, span_of(in, f->offset + i * sizeof(cf_span_t)));
    }
    return;
  }
}

/* extra_pairs counts the kept pairs of unknown negative keys. */
static size_t
extra_pairs(cf_span_t extra) {
  cf_rd_t rd = cf_rd_span(extra);
  size_t  n  = 0;
  while (!rd.bad && cf_rd_left(&rd)) {
    (void)cf_cbor_skip(&rd);
    (void)cf_cbor_skip(&rd);
    n++;
  }
  assert(!rd.bad);
  return n;
}

void
cf_table_encode(cf_wr_t *wr, cf_table_t const *t, void const *in) {
  cf_span_t extra = span_of(in, 0);
  size_t    n     = extra_pairs(extra);
  for (size_t i = 0; i < t->fields_cnt; i++) n += !is_absent(in, &t->fields[i]);
  cf_cbor_w_map(wr, n);
  for (size_t i = 0; i < t->fields_cnt; i++)
    if (!is_absent(in, &t->fields[i])) write_field(wr, &t->fields[i], in);
  cf_wr_span(wr, extra);
}

/* ---- printing ---- */

static void print_map(cf_jw_t *j, char const *key, cf_table_t const *t, void const *in);

static void
print_field(cf_jw_t *j, cf_field_t const *f, void const *in) {
  size_t n;
  switch (f->type) {
  case CF_FIELD_UINT:
    if (f->words && f->words[uint_of(in, f)]) cf_jw_str(j, f->name, f->words[uint_of(in, f)]);
    else cf_jw_u64(j, f->name, uint_of(in, f));
    return;
  case CF_FIELD_FIXED: cf_jw_hex(j, f->name, CF_SPAN(at_const(in, f->offset), f->max)); return;
  case CF_FIELD_BSTR: cf_jw_hex(j, f->name, span_of(in, f->offset)); return;
  case CF_FIELD_TEXT: cf_jw_text(j, f->name, span_of(in, f->offset)); return;
  case CF_FIELD_MAP: print_map(j, f->name, f->sub, at_const(in, f->offset)); return;
  case CF_FIELD_LIST:
  case CF_FIELD_FIXEDS:
  case CF_FIELD_TEXTS:
    n = count_of(in, f);
    cf_jw_arr(j, f->name);
    for (size_t i = 0; i < n; i++) {
      if (f->type == CF_FIELD_LIST) print_map(j, NULL, f->sub, at_const(in, f->offset + i * f->sub->size));
      else if (f->type == CF_FIELD_FIXEDS) cf_jw_hex(j, NULL, CF_SPAN(at_const(in, f->offset + i * f->item_sz), f->item_sz));
      else cf_jw_text(j, NULL, span_of(in, f->offset + i * sizeof(cf_span_t)));
    }
    cf_jw_end(j, ']');
    return;
  }
}

static void
print_map(cf_jw_t *j, char const *key, cf_table_t const *t, void const *in) {
  cf_jw_obj(j, key);
  for (size_t i = 0; i < t->fields_cnt; i++)
    if (!is_absent(in, &t->fields[i])) print_field(j, &t->fields[i], in);
  if (span_of(in, 0).len) cf_jw_hex(j, "extra", span_of(in, 0));
  cf_jw_end(j, '}');
}

void
cf_table_print(cf_wr_t *wr, cf_table_t const *t, void const *in) {
  cf_jw_t j = cf_jw_init(wr);
  print_map(&j, NULL, t, in);
}

/* ---- the schema, in CDDL (RFC 8610) ---- */

static void
put(cf_wr_t *wr, char const *s) {
  cf_wr_bytes(wr, s, strlen(s));
}

static void schema_type(cf_wr_t *wr, cf_field_t const *f) {
  char               text[96];
  unsigned long long least = f->optional && !f->min ? 1 : f->min; /* of a list: an empty one is left out */
  switch (f->type) {
  case CF_FIELD_UINT:
    if (f->max == UINT64_MAX && f->min == 0) snprintf(text, sizeof text, "uint");
    else snprintf(text, sizeof text, "%llu..%llu", (unsigned long long)(f->optional ? 1 : f->min), (unsigned long long)f->max);
    break;
  case CF_FIELD_FIXED: snprintf(text, sizeof text, "bstr .size %llu", (unsigned long long)f->max); break;
  case CF_FIELD_BSTR: snprintf(text, sizeof text, "bstr .size (%llu..%llu)", (unsigned long long)f->min, (unsigned long long)f->max); break;
  case CF_FIELD_TEXT: snprintf(text, sizeof text, "tstr .size (%llu..%llu)", (unsigned long long)f->min, (unsigned long long)f->max); break;
  case CF_FIELD_MAP: snprintf(text, sizeof text, "%s", f->sub->name); break;
  case CF_FIELD_LIST:
    snprintf(text, sizeof text, "[%llu*%llu %s]", least, (unsigned long long)f->max, f->sub->name);
    break;
  case CF_FIELD_FIXEDS:
    snprintf(text, sizeof text, "[%llu*%llu bstr .size %zu]", least, (unsigned long long)f->max, f->item_sz);
    break;
  case CF_FIELD_TEXTS:
    snprintf(text, sizeof text, "[%llu*%llu tstr .size (1..64)]", least, (unsigned long long)f->max);
    break;
  }
  put(wr, text);
}

static void
schema_rule(cf_wr_t *wr, cf_table_t const *t) {
  char text[192];
  if (t->typ) {
    snprintf(text, sizeof text, "; typ %s, signed by %s\n", t->typ, t->signer ? t->signer : "nobody");
    put(wr, text);
  }
  snprintf(text, sizeof text, "%s = {\n", t->name);
  put(wr, text);
  for (size_t i = 0; i < t->fields_cnt; i++) {
    cf_field_t const *f = &t->fields[i];
    snprintf(text, sizeof text, "  %s%d => ", f->optional ? "? " : "", f->key);
    put(wr, text);
    schema_type(wr, f);
    snprintf(text, sizeof text, ",  ; %s%s%s", f->name, f->note ? ": " : "", f->note ? f->note : "");
    put(wr, text);
    char const *between = ": ";
    for (uint64_t v = 0; f->words && v <= f->max; v++) {
      if (!f->words[v]) continue;
      snprintf(text, sizeof text, "%s%llu %s", between, (unsigned long long)v, f->words[v]);
      put(wr, text);
      between = ", ";
    }
    put(wr, "\n");
  }
  put(wr, "  * nint => any\n}\n");
}

void
cf_table_schema(cf_wr_t *wr, cf_table_t const *t) {
  cf_table_t const *seen[16] = { t };
  size_t            n        = 1;
  for (size_t i = 0; i < n; i++) { /* parts after the rule that uses them, each once */
    schema_rule(wr, seen[i]);
    for (size_t k = 0; k < seen[i]->fields_cnt; k++) {
      cf_table_t const *sub = seen[i]->fields[k].sub;
      bool              old = !sub;
      for (size_t s = 0; s < n && !old; s++) old = seen[s] == sub;
      if (!old && n < CF_COUNT_OF(seen)) seen[n++] = sub;
    }
  }
}
