/* JSON: what is accepted is walked and written again; the copy parses, and writing the copy again changes nothing. */
#include <assert.h>
#include <stdlib.h>

#include "codec/cf_json.h"

#define TEXT_MAX (1 << 14)

static char const *unescaped(cf_json_t v) {
  static char s[TEXT_MAX];
  if (cf_json_str(s, sizeof s, v)) abort(); /* unescaped is never longer than escaped */
  return s;
}

static void rewrite(cf_jw_t *j, char const *key, cf_json_t v) {
  size_t    pos = 0;
  cf_span_t raw;
  cf_json_t member;
  bool      b;
  switch (v.type) {
  case CF_JSON_NULL: cf_jw_null(j, key); break;
  case CF_JSON_BOOL:
    if (cf_json_bool(&b, v)) abort();
    cf_jw_bool(j, key, b);
    break;
  case CF_JSON_NUMBER: {
    uint64_t u;
    int64_t  i;
    if (cf_json_u64(&u, v) == CF_OK) cf_jw_u64(j, key, u);
    else if (cf_json_i64(&i, v) == CF_OK) cf_jw_i64(j, key, i);
    else cf_jw_raw(j, key, v.text);
    break;
  }
  case CF_JSON_STRING: {
    char s[TEXT_MAX];
    if (cf_json_str(s, sizeof s, v)) cf_jw_raw(j, key, v.text); /* with U+0000 */
    else cf_jw_str(j, key, s);
    break;
  }
  case CF_JSON_ARRAY:
    cf_jw_arr(j, key);
    while (cf_json_each(v, &pos, NULL, &member)) rewrite(j, NULL, member);
    cf_jw_end(j, ']');
    break;
  case CF_JSON_OBJECT:
    cf_jw_obj(j, key);
    while (cf_json_each(v, &pos, &raw, &member)) {
      cf_json_t quoted = { .type = CF_JSON_STRING, .text = { raw.ptr - 1, raw.len + 2 } };
      cf_json_t found  = cf_json_get(v, unescaped(quoted));
      assert(cf_span_eq(found.text, member.text) && found.text.ptr == member.text.ptr);
      char *own = strdup(unescaped(quoted)); /* the writer's key outlives the next string */
      rewrite(j, own, member);
      free(own);
    }
    cf_jw_end(j, '}');
    break;
  case CF_JSON_BAD: abort();
  }
}

/* copy writes v into buf and parses that. */
static cf_json_t copy(char *buf, size_t max, cf_json_t v) {
  cf_wr_t   wr = cf_wr_init(buf, max);
  cf_jw_t   j  = cf_jw_init(&wr);
  cf_json_t out;
  rewrite(&j, NULL, v);
  if (cf_json_parse(&out, cf_wr_out(&wr), NULL)) abort();
  return out;
}

/* What is found while parsing is what iteration finds. */
static void check_members(cf_json_t v, cf_span_t in) {
  cf_json_member_t member[4];
  cf_json_t        value;
  cf_span_t        key;
  size_t           cnt, n = 0, pos = 0;
  if (cf_json_parse_members(member, 4, &cnt, in, NULL)) {
    assert(v.type != CF_JSON_OBJECT);
    return;
  }
  for (; cf_json_each(v, &pos, &key, &value); n++)
    if (n < 4)
      assert(key.ptr == member[n].key.ptr && key.len == member[n].key.len && value.type == member[n].value.type &&
             value.text.ptr == member[n].value.text.ptr && value.text.len == member[n].value.text.len);
  assert(n == cnt);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static char one[8 * TEXT_MAX], two[8 * TEXT_MAX]; /* a control character grows to six */
  cf_json_t   v;
  cf_error_t  err = { 0 };
  if (size > TEXT_MAX) return 0;
  cf_status_t st = cf_json_parse(&v, CF_SPAN(data, size), &err);
  if (st) {
    assert(err.status == st && err.offset <= size);
    return 0;
  }
  check_members(v, CF_SPAN(data, size));
  cf_json_t first = copy(one, sizeof one, v), second = copy(two, sizeof two, first);
  assert(first.type == v.type && cf_span_eq(first.text, second.text));
  return 0;
}
