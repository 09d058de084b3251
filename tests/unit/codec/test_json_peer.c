/* The reader against jansson, the strictest of the C libraries.  It is found at run time: no product links it. */
#include "codec/cf_json.h"

#include <dlfcn.h>
#include <jansson.h>

#include "support.h"

#define PEERS(F)                                                                                                                 \
  F(json_loadb)                                                                                                                  \
  F(json_delete) F(json_object_size) F(json_array_size) F(json_object_get) F(json_array_get) F(json_string_value)                \
      F(json_string_length)                                                                                                      \
      F(json_integer_value)
#define DECLARE(f) static __typeof__(f) *p_##f;
PEERS(DECLARE)

static void load_peer(void) {
  void *lib = dlopen("libjansson.so", RTLD_NOW);
  if (!lib) fail_msg("libjansson-dev is needed: %s", dlerror());
#define FIND(f) assert_non_null(*(void **)&p_##f = dlsym(lib, #f));
  PEERS(FIND)
}

/* same holds when both read the same value. */
static bool same(cf_json_t ours, json_t *theirs) {
  static char buf[4096];
  cf_span_t   key;
  cf_json_t   v;
  size_t      pos = 0, n = 0;
  int64_t     i;
  switch (json_typeof(theirs)) {
  case JSON_NULL: return ours.type == CF_JSON_NULL;
  case JSON_TRUE:
  case JSON_FALSE: return ours.type == CF_JSON_BOOL && (ours.text.ptr[0] == 't') == json_is_true(theirs);
  case JSON_REAL: return ours.type == CF_JSON_NUMBER && cf_json_i64(&i, ours) == CF_ERR_FORMAT;
  case JSON_INTEGER:
    if (cf_span_eq(ours.text, CF_SPAN_LIT("-0"))) return p_json_integer_value(theirs) == 0;
    return cf_json_i64(&i, ours) == CF_OK && i == p_json_integer_value(theirs);
  case JSON_STRING:
    if (strlen(p_json_string_value(theirs)) != p_json_string_length(theirs)) return cf_json_str(buf, sizeof buf, ours) == CF_ERR_FORMAT;
    return cf_json_str(buf, sizeof buf, ours) == CF_OK && !strcmp(buf, p_json_string_value(theirs));
  case JSON_ARRAY:
    for (; cf_json_each(ours, &pos, &key, &v); n++)
      if (n >= p_json_array_size(theirs) || !same(v, p_json_array_get(theirs, n))) return false;
    return ours.type == CF_JSON_ARRAY && n == p_json_array_size(theirs);
  case JSON_OBJECT:
    for (; cf_json_each(ours, &pos, &key, &v); n++) {
      cf_json_t quoted = { .type = CF_JSON_STRING, .text = { key.ptr - 1, key.len + 2 } };
      if (cf_json_str(buf, sizeof buf, quoted)) return false;
      json_t *member = p_json_object_get(theirs, buf);
      if (!member || !same(v, member) || cf_json_str(buf, sizeof buf, quoted) || !cf_span_eq(cf_json_get(ours, buf).text, v.text))
        return false;
    }
    return ours.type == CF_JSON_OBJECT && n == p_json_object_size(theirs);
  }
  return false;
}

static bool accepted; /* by both, the last time */

static void compare(cf_span_t in) {
  cf_json_t    v;
  cf_error_t   err = { 0 };
  json_error_t why;
  cf_status_t  st     = cf_json_parse(&v, in, &err);
  json_t      *theirs = p_json_loadb((char const *)in.ptr, in.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
  accepted            = st == CF_OK && theirs;
  /* The limits differ: theirs are integers of 63 bits and the greatest double, ours nesting and exponents. */
  bool limit = st == CF_ERR_BOUND || (!theirs && json_error_code(&why) == json_error_numeric_overflow);
  bool agree = accepted ? same(v, theirs) : limit || (st != CF_OK && !theirs);
  if (!agree)
    fail_msg("%.*s: we say %s (%s), the peer %s", (int)in.len, (char const *)in.ptr, cf_status_name(st), err.text, why.text);
  if (theirs && theirs->refcount != (size_t)-1 && --theirs->refcount == 0) p_json_delete(theirs);
}

/* grow writes a random value out of pieces, some of them wrong. */
static void grow(cf_wr_t *wr, uint64_t *s, unsigned depth) {
  static char const *const leaves[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "17",
    "-9223372036854775808",
    "9223372036854775807",
    "1.5",
    "-2e3",
    "1E-2",
    "0.0e+0",
    "01",
    "1.",
    "\"\"",
    "\"a\"",
    "\"\\u0061\"",
    "\"\\n\\/\"",
    "\"\xc3\xbc\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ude00\"",
    "\"\xff\"",
    "\"\\u0001\"",
    "\"\\u0000\"",
  };
  static char const *const keys[]   = { "a", "\\u0061", "b", "c", "d", "e", "", "\xc3\xbc", "\\u00fc", "\\u00FD" };
  static char const *const spaces[] = { "", "", "", " ", "\n\t", "\r" };
#define PICK(a) a[rnd(s) % COUNT(a)]
#define PUT(text)                                                                                                                \
  do {                                                                                                                           \
    char const *t_ = (text);                                                                                                     \
    cf_wr_bytes(wr, t_, strlen(t_));                                                                                             \
  } while (0)
  PUT(PICK(spaces));
  unsigned kind = (unsigned)(rnd(s) % (depth < 6 ? 4 : 1)), n = (unsigned)(rnd(s) % 4);
  if (kind < 2) PUT(leaves[rnd(s) % (rnd(s) % 8 ? 3 : COUNT(leaves))]);
  else {
    PUT(kind == 2 ? "[" : "{");
    for (unsigned i = 0; i < n; i++) {
      if (i) PUT(",");
      if (kind == 3) {
        PUT("\"");
        PUT(PICK(keys));
        PUT("\":");
      }
      grow(wr, s, depth + 1);
    }
    PUT(PICK(spaces));
    PUT(kind == 2 ? "]" : "}");
  }
  PUT(PICK(spaces));
}

static void test_random(void **state) {
  (void)state;
  uint64_t seed = 0x6a616e73736f6e, s = seed;
  size_t   both = 0, rounds = 100000;
  print_message("seed %llx\n", (unsigned long long)seed);
  for (size_t i = 0; i < rounds; i++) {
    uint8_t buf[2048];
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    grow(&wr, &s, 0);
    if (wr.bad) continue;
    compare(cf_wr_out(&wr));
    both += accepted;
    for (int k = 0; k < 3; k++) {
      static char const wrong[] = "{}[],:\"\\u0ent-+.\x01\x80 "; /* not NUL: the peer takes it for the end */
      buf[rnd(&s) % wr.len]     = (uint8_t)wrong[rnd(&s) % (sizeof wrong - 1)];
      compare(cf_wr_out(&wr));
    }
  }
  assert_true(both > rounds / 4 && both < rounds - rounds / 20);
}

/* Every text of up to five characters of this alphabet: the grammar of numbers, strings and brackets, whole. */
static void test_short_texts(void **state) {
  (void)state;
  static char const alphabet[] = "01-+.eE\"\\,:[]{} ";
  size_t const      k          = sizeof alphabet - 1;
  size_t            all        = 1;
  for (size_t len = 1; len <= 5; len++) {
    all *= k;
    for (size_t code = 0; code < all; code++) {
      char   in[5];
      size_t rest = code;
      for (size_t i = 0; i < len; i++, rest /= k) in[i] = alphabet[rest % k];
      compare(CF_SPAN(in, len));
    }
  }
}

int main(void) {
  load_peer();
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_short_texts), cmocka_unit_test(test_random) };
  return cmocka_run_group_tests_name("json against jansson", tests, NULL, NULL);
}
