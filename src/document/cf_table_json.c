/* Documents as people write them: JSON in the words of cf_table_print, made into the one encoding. */
#include <stdio.h>

#include "base/cf_text.h"
#include "codec/cf_cbor.h"
#include "codec/cf_json.h"
#include "document/cf_table.h"

/* The members on the way to what is being read, for who must find it. */
typedef struct path {
  struct path const *up;
  char const        *name;
} path_t;

typedef struct {
  cf_wr_t    *wr;
  cf_error_t *err;
} writer_t;

static size_t path_text(char *out, size_t max, path_t const *p) {
  size_t len = p->up ? path_text(out, max, p->up) : 0;
  if (len < max) len += (size_t)snprintf(out + len, max - len, "%s%s", len ? "." : "", p->name);
  return len;
}

static cf_status_t refuse(writer_t *w, path_t const *path, char const *why) {
  char item[sizeof w->err->item];
  path_text(item, sizeof item, path);
  return cf_error_set(w->err, CF_ERR_FORMAT, item, 0, "%s", why);
}

static cf_status_t write_map(writer_t *w, path_t const *path, cf_table_t const *t, cf_json_t obj);

static cf_status_t write_uint(writer_t *w, path_t const *path, cf_field_t const *f, cf_json_t v) {
  uint64_t n;
  for (uint64_t i = 0; f->words && v.type == CF_JSON_STRING && i <= f->max; i++) {
    char const *word = f->words[i];
    if (!word || !cf_span_eq(CF_SPAN(v.text.ptr + 1, v.text.len - 2), CF_SPAN(word, strlen(word)))) continue;
    cf_cbor_w_uint(w->wr, i);
    return CF_OK;
  }
  if (cf_json_u64(&n, v)) return refuse(w, path, f->words ? "not one of its words" : "a whole number is due here");
  cf_cbor_w_uint(w->wr, n);
  return CF_OK;
}

static cf_status_t write_bytes(writer_t *w, path_t const *path, cf_json_t v) {
  size_t n = v.type == CF_JSON_STRING ? (v.text.len - 2) / 2 : 0;
  if (v.type != CF_JSON_STRING) return refuse(w, path, "hex digits are due here");
  uint8_t *out = cf_cbor_w_bstr_room(w->wr, n);
  if (!w->wr->bad && cf_json_hex(out, n, v)) return refuse(w, path, "hex digits are due here");
  return CF_OK;
}

/* Text that needs no escape is all that a document holds: it has no control characters, and the rest may stand as it is. */
static cf_status_t write_text(writer_t *w, path_t const *path, cf_json_t v) {
  if (v.type != CF_JSON_STRING || memchr(v.text.ptr, '\\', v.text.len))
    return refuse(w, path, "text without escapes is due here");
  cf_cbor_w_tstr(w->wr, CF_SPAN(v.text.ptr + 1, v.text.len - 2));
  return CF_OK;
}

static cf_status_t write_list(writer_t *w, path_t const *path, cf_field_t const *f, cf_json_t v) {
  cf_json_t   one;
  cf_span_t   key;
  cf_status_t st = CF_OK;
  size_t      n = 0;
  if (v.type != CF_JSON_ARRAY) return refuse(w, path, "an array is due here");
  for (size_t pos = 0; cf_json_each(v, &pos, &key, &one);) n++;
  cf_cbor_w_array(w->wr, n);
  for (size_t pos = 0; !st && cf_json_each(v, &pos, &key, &one);)
    st = f->type == CF_FIELD_LIST     ? write_map(w, path, f->sub, one)
         : f->type == CF_FIELD_FIXEDS ? write_bytes(w, path, one)
                                      : write_text(w, path, one);
  return st;
}

static cf_status_t write_field(writer_t *w, path_t const *path, cf_field_t const *f, cf_json_t v) {
  cf_cbor_w_uint(w->wr, (uint64_t)f->key);
  switch (f->type) {
  case CF_FIELD_UINT:
    return write_uint(w, path, f, v);
  case CF_FIELD_FIXED:
  case CF_FIELD_BSTR:
    return write_bytes(w, path, v);
  case CF_FIELD_TEXT:
    return write_text(w, path, v);
  case CF_FIELD_MAP:
    return write_map(w, path, f->sub, v);
  case CF_FIELD_LIST:
  case CF_FIELD_FIXEDS:
  case CF_FIELD_TEXTS:
    return write_list(w, path, f, v);
  }
  return CF_ERR_UNSUPPORTED;
}

static bool is_field(cf_table_t const *t, cf_span_t name) {
  for (size_t i = 0; i < t->fields_cnt; i++)
    if (cf_span_eq(name, CF_SPAN(t->fields[i].name, strlen(t->fields[i].name)))) return true;
  return false;
}

static cf_status_t write_map(writer_t *w, path_t const *path, cf_table_t const *t, cf_json_t obj) {
  cf_json_t v;
  cf_span_t key;
  size_t    n = 0;
  if (obj.type != CF_JSON_OBJECT) return refuse(w, path, "an object is due here");
  for (size_t pos = 0; cf_json_each(obj, &pos, &key, &v); n++) {
    char name[48];
    snprintf(name, sizeof name, "%.*s", key.len < sizeof name ? (int)key.len : (int)sizeof name - 1, (char const *)key.ptr);
    path_t const here = {path, name};
    if (!is_field(t, key)) return refuse(w, &here, "no member of this document");
  }
  cf_cbor_w_map(w->wr, n);
  for (size_t i = 0; i < t->fields_cnt; i++) {
    path_t const here = {path, t->fields[i].name};
    v = cf_json_get(obj, t->fields[i].name);
    if (v.type == CF_JSON_BAD) continue;
    cf_status_t st = write_field(w, &here, &t->fields[i], v);
    if (st) return st;
  }
  return CF_OK;
}

cf_status_t cf_table_of_json(cf_wr_t *wr, cf_table_t const *t, cf_span_t json, cf_error_t *err) {
  cf_error_t   mute = {0};
  writer_t     w = {.wr = wr, .err = err ? err : &mute};
  path_t const top = {NULL, t->name};
  cf_json_t    obj;
  cf_status_t  st = cf_json_parse(&obj, json, w.err);
  if (!st) st = write_map(&w, &top, t, obj);
  if (!st && wr->bad) st = cf_error_set(w.err, CF_ERR_BOUND, t->name, 0, "the document is too long");
  return st;
}
