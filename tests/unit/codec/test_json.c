#include "codec/cf_json.h"

#include "support.h"

static cf_span_t text(char const *s) { return CF_SPAN(s, strlen(s)); }

/* ---- what is read, and what is not ---- */

static struct {
  char const *in;
  cf_status_t want;
  size_t      offset; /* of a refusal */
} const texts[] = {
  { "{}", CF_OK, 0 },
  { " [ ] ", CF_OK, 0 },
  { "\t\r\n null\n", CF_OK, 0 },
  { "true", CF_OK, 0 },
  { "false", CF_OK, 0 },
  { "\"\"", CF_OK, 0 },
  { "0", CF_OK, 0 },
  { "-0", CF_OK, 0 },
  { "18446744073709551615", CF_OK, 0 },
  { "-9223372036854775808", CF_OK, 0 },
  { "-1.25e+2", CF_OK, 0 },
  { "1E-308", CF_OK, 0 },
  { "1e0000308", CF_OK, 0 },
  { "123456789012345678901234567890.5", CF_OK, 0 },
  { "{\"a\":[1,{\"b\":null}],\"c\":\"\\u00fc\\ud800\\udd51\\n\"}", CF_OK, 0 },
  { "\"\xc3\xbc\xf0\x90\x85\x91\x7f\"", CF_OK, 0 },
  { "{\"a\":1,\"A\":2,\"\":3}", CF_OK, 0 },
  { "{\"a\":{\"a\":1}}", CF_OK, 0 }, /* one key on two levels */

  { "", CF_ERR_FORMAT, 0 },
  { " ", CF_ERR_FORMAT, 1 },
  { "nul", CF_ERR_FORMAT, 3 },
  { "nulL", CF_ERR_FORMAT, 3 },
  { "True", CF_ERR_FORMAT, 0 },
  { "NaN", CF_ERR_FORMAT, 0 },
  { "Infinity", CF_ERR_FORMAT, 0 },
  { "-Infinity", CF_ERR_FORMAT, 1 },
  { "'x'", CF_ERR_FORMAT, 0 },
  { "{} {}", CF_ERR_FORMAT, 3 },
  { "1 2", CF_ERR_FORMAT, 2 },
  { "// x\n1", CF_ERR_FORMAT, 0 },
  { "\xef\xbb\xbf{}", CF_ERR_FORMAT, 0 }, /* byte order mark */
  { "\f1", CF_ERR_FORMAT, 0 },
  { "\xc2\xa0"
    "1",
    CF_ERR_FORMAT, 0 },

  { "01", CF_ERR_FORMAT, 2 },
  { "-01", CF_ERR_FORMAT, 3 },
  { "00", CF_ERR_FORMAT, 2 },
  { "+1", CF_ERR_FORMAT, 0 },
  { "-", CF_ERR_FORMAT, 1 },
  { ".5", CF_ERR_FORMAT, 0 },
  { "1.", CF_ERR_FORMAT, 2 },
  { "1.e5", CF_ERR_FORMAT, 2 },
  { "1e", CF_ERR_FORMAT, 2 },
  { "1e+", CF_ERR_FORMAT, 3 },
  { "1e+-1", CF_ERR_FORMAT, 3 },
  { "0x10", CF_ERR_FORMAT, 1 },
  { "1_000", CF_ERR_FORMAT, 1 },
  { "18446744073709551616", CF_ERR_BOUND, 20 },
  { "-9223372036854775809", CF_ERR_BOUND, 20 },
  { "100000000000000000000000", CF_ERR_BOUND, 24 },
  { "1e999", CF_ERR_BOUND, 5 },
  { "1e309", CF_ERR_BOUND, 5 },
  { "1e-99999999999999999999", CF_ERR_BOUND, 23 },

  { "[1,]", CF_ERR_FORMAT, 3 },
  { "[,1]", CF_ERR_FORMAT, 1 },
  { "[1 2]", CF_ERR_FORMAT, 3 },
  { "[1", CF_ERR_FORMAT, 2 },
  { "[", CF_ERR_FORMAT, 1 },
  { "]", CF_ERR_FORMAT, 0 },
  { "[1}", CF_ERR_FORMAT, 2 },
  { "{\"a\"}", CF_ERR_FORMAT, 4 },
  { "{\"a\":}", CF_ERR_FORMAT, 5 },
  { "{\"a\" 1}", CF_ERR_FORMAT, 5 },
  { "{\"a\":1,}", CF_ERR_FORMAT, 7 },
  { "{a:1}", CF_ERR_FORMAT, 1 },
  { "{1:1}", CF_ERR_FORMAT, 1 },
  { "{\"a\":1", CF_ERR_FORMAT, 6 },
  { "{\"a\":1]", CF_ERR_FORMAT, 6 },

  { "{\"a\":1,\"a\":2}", CF_ERR_FORMAT, 10 },
  { "{\"a\":1,\"\\u0061\":2}", CF_ERR_FORMAT, 15 },
  { "{\"\\/\":1,\"/\":2}", CF_ERR_FORMAT, 11 },
  { "{\"\\ud800\\udd51\":1,\"b\":0,\"\xf0\x90\x85\x91\":2}", CF_ERR_FORMAT, 30 },
  { "[{\"b\":{\"\":1,\"\":2}}]", CF_ERR_FORMAT, 14 },

  { "\"", CF_ERR_FORMAT, 1 },
  { "\"a", CF_ERR_FORMAT, 2 },
  { "\"\\", CF_ERR_FORMAT, 1 },
  { "\"\\\"", CF_ERR_FORMAT, 3 },
  { "\"\\x\"", CF_ERR_FORMAT, 1 },
  { "\"\\u12\"", CF_ERR_FORMAT, 1 },
  { "\"\\u12g4\"", CF_ERR_FORMAT, 1 },
  { "{\"\\u0000\":1}", CF_ERR_FORMAT, 2 },
  { "{\"a\\u0000\":1}", CF_ERR_FORMAT, 3 },
  { "\"\\ud800\"", CF_ERR_FORMAT, 1 },
  { "\"\\ud800x\"", CF_ERR_FORMAT, 1 },
  { "\"\\ud800\\ud800\"", CF_ERR_FORMAT, 1 },
  { "\"\\ud800\\u0041\"", CF_ERR_FORMAT, 1 },
  { "\"\\udd51\"", CF_ERR_FORMAT, 1 },
  { "\"a\nb\"", CF_ERR_FORMAT, 2 },
  { "\"a\tb\"", CF_ERR_FORMAT, 2 },
  { "\"\x1f\"", CF_ERR_FORMAT, 1 },
  { "\"\x80\"", CF_ERR_FORMAT, 2 },
  { "\"\xc0\x80\"", CF_ERR_FORMAT, 3 },
  { "\"\xed\xa0\x80\"", CF_ERR_FORMAT, 4 },
  { "\"\xf4\x90\x80\x80\"", CF_ERR_FORMAT, 5 },
  { "\"\xe6\xb0\"", CF_ERR_FORMAT, 3 },
};

static void test_parse(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(texts); i++) {
    cf_json_t   v;
    cf_error_t  err = { 0 };
    cf_status_t st  = cf_json_parse(&v, text(texts[i].in), &err);
    if (st != texts[i].want || err.offset != texts[i].offset)
      fail_msg("%s: %s at %zu (%s)", texts[i].in, cf_status_name(st), err.offset, err.text);
  }
  cf_json_t v;
  assert_int_equal(cf_json_parse(&v, CF_SPAN_LIT("\"a\0b\""), NULL), CF_ERR_FORMAT);
  assert_int_equal(cf_json_parse(&v, CF_SPAN_LIT("1\0"), NULL), CF_ERR_FORMAT);
  assert_int_equal(cf_json_parse(&v, CF_SPAN(NULL, 0), NULL), CF_ERR_FORMAT);
}

/* Every prefix of a text that ends in a bracket is refused. */
static void test_cut(void **state) {
  (void)state;
  cf_span_t in = text("{\"a\":[1,-2.5e3,{\"b\":null}],\"c\\n\":\"\\u00fc\\ud800\\udd51\",\"d\":[true,false]}");
  cf_json_t v;
  for (size_t n = 0; n < in.len; n++) assert_int_equal(cf_json_parse(&v, CF_SPAN(in.ptr, n), NULL), CF_ERR_FORMAT);
  assert_int_equal(cf_json_parse(&v, in, NULL), CF_OK);
}

static void test_limits(void **state) {
  (void)state;
  static char buf[1 << 20];
  cf_json_t   v;
  for (size_t depth = 1; depth < 40; depth++) {
    size_t n = 0;
    for (size_t i = 0; i < depth; i++) n += (size_t)sprintf(buf + n, i & 1 ? "{\"k\":" : "[");
    if (depth & 1) buf[n++] = '0';
    else n += (size_t)sprintf(buf + n, "0");
    for (size_t i = depth; i-- > 0;) buf[n++] = i & 1 ? '}' : ']';
    assert_int_equal(cf_json_parse(&v, CF_SPAN(buf, n), NULL), depth <= CF_JSON_DEPTH_MAX ? CF_OK : CF_ERR_BOUND);
  }
  memset(buf, '[', sizeof buf);
  assert_int_equal(cf_json_parse(&v, CF_SPAN_OF(buf), NULL), CF_ERR_BOUND);

  for (size_t keys = CF_JSON_KEYS_MAX - 1; keys <= CF_JSON_KEYS_MAX + 1; keys++) {
    size_t n = (size_t)sprintf(buf, "{");
    for (size_t i = 0; i < keys; i++) n += (size_t)sprintf(buf + n, "%s\"k%zu\":0", i ? "," : "", i);
    n += (size_t)sprintf(buf + n, "}");
    assert_int_equal(cf_json_parse(&v, CF_SPAN(buf, n), NULL), keys <= CF_JSON_KEYS_MAX ? CF_OK : CF_ERR_BOUND);
    char *last = strstr(buf, "\"k250\"");
    memcpy(last, "\"k000\"", 6);
    buf[last - buf + 2] = '1', buf[last - buf + 3] = '7', buf[last - buf + 4] = '1'; /* k171 again, far from the first */
    assert_int_equal(cf_json_parse(&v, CF_SPAN(buf, n), NULL), CF_ERR_FORMAT);
  }
}

/* ---- access ---- */

static cf_json_t parsed(char const *s) {
  cf_json_t v;
  assert_int_equal(cf_json_parse(&v, text(s), NULL), CF_OK);
  return v;
}

static void test_access(void **state) {
  (void)state;
  cf_json_t o =
      parsed(" { \"n\" : 7 , \"s\":\"a]}\\\"b\" ,\"a\" :[1 , [2,3] ,{\"x\":\"}\"}, \"t\"] , \"\\u006b\\n\":true, \"z\":null } ");
  assert_int_equal(o.type, CF_JSON_OBJECT);
  uint64_t u;
  assert_int_equal(cf_json_u64(&u, cf_json_get(o, "n")), CF_OK);
  assert_int_equal(u, 7);
  char s[16];
  assert_int_equal(cf_json_str(s, sizeof s, cf_json_get(o, "s")), CF_OK);
  assert_string_equal(s, "a]}\"b");
  bool b = false;
  assert_int_equal(cf_json_bool(&b, cf_json_get(o, "k\n")), CF_OK);
  assert_true(b);
  assert_int_equal(cf_json_get(o, "z").type, CF_JSON_NULL);
  static char const *const absent[] = { "", "x", "nn", "k", "k\nn", "\\u006b\\n", "t" };
  for (size_t i = 0; i < COUNT(absent); i++) assert_int_equal(cf_json_get(o, absent[i]).type, CF_JSON_BAD);
  assert_int_equal(cf_json_get(cf_json_get(o, "n"), "n").type, CF_JSON_BAD);
  assert_int_equal(cf_json_get(cf_json_get(o, "a"), "x").type, CF_JSON_BAD);

  static char const *const keys[] = { "n", "s", "a", "\\u006b\\n", "z" };
  size_t                   pos = 0, cnt = 0;
  cf_span_t                key;
  cf_json_t                v;
  while (cf_json_each(o, &pos, &key, &v)) assert_true(cnt < COUNT(keys) && cf_span_eq(key, text(keys[cnt++])));
  assert_int_equal(cnt, COUNT(keys));

  static char const *const members[] = { "1", "[2,3]", "{\"x\":\"}\"}", "\"t\"" };
  cf_json_t                a         = cf_json_get(o, "a");
  for (pos = cnt = 0; cf_json_each(a, &pos, NULL, &v);) assert_true(cnt < 4 && cf_span_eq(v.text, text(members[cnt++])));
  assert_int_equal(cnt, 4);
  pos = 0;
  assert_false(cf_json_each(parsed("[ ]"), &pos, &key, &v));
  pos = 0;
  assert_false(cf_json_each(parsed("{ }"), &pos, &key, &v));
  pos = 0;
  assert_false(cf_json_each(parsed("17"), &pos, &key, &v));
  pos = 0;
  assert_false(cf_json_each((cf_json_t){ .type = CF_JSON_BAD }, &pos, &key, &v));
}

static struct {
  char const *in;
  cf_status_t u64, i64;
  int64_t     v;
} const numbers[] = {
  { "0", CF_OK, CF_OK, 0 },
  { "9223372036854775807", CF_OK, CF_OK, INT64_MAX },
  { "9223372036854775808", CF_OK, CF_ERR_BOUND, INT64_MIN },
  { "-1", CF_ERR_FORMAT, CF_OK, -1 },
  { "-9223372036854775808", CF_ERR_FORMAT, CF_OK, INT64_MIN },
  { "-0", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "1.0", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "1e2", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\"1\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "null", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
};

/* A walk sees what iteration sees, and ends where the value does. */
static void walk_like_each(cf_json_walk_t *w, cf_json_t want) {
  cf_span_t key, walked;
  cf_json_t v;
  assert_int_equal(cf_json_walk_type(w), want.type);
  if (want.type != CF_JSON_ARRAY && want.type != CF_JSON_OBJECT) {
    assert_true(cf_span_eq(cf_json_walk_value(w).text, want.text));
    return;
  }
  cf_json_walk_t whole = *w;
  assert_true(cf_span_eq(cf_json_walk_value(&whole).text, want.text));
  cf_json_walk_enter(w);
  for (size_t pos = 0; cf_json_each(want, &pos, &key, &v);) {
    assert_true(cf_json_walk_more(w, want.type == CF_JSON_OBJECT ? &walked : NULL));
    if (want.type == CF_JSON_OBJECT) assert_true(cf_span_eq(walked, key));
    walk_like_each(w, v);
  }
  assert_false(cf_json_walk_more(w, want.type == CF_JSON_OBJECT ? &walked : NULL));
  assert_int_equal(w->pos, whole.pos);
}

static void test_walk(void **state) {
  (void)state;
  static char const *const docs[] = {
    "1", "\"a\"", "[]", "{}", "[[],{},[{}]]", " { \"a\" : [ 1 , -2.5e3 , \"}]\" ] , \"b\\\"\" : { \"c\" : null } } ",
    "[\"\\\\\",\"\\\"]\",[\"[\",\"{\"],true,{\"\":{\"x\":[false]}}]",
  };
  for (size_t i = 0; i < COUNT(docs); i++) {
    cf_json_t json;
    assert_int_equal(cf_json_parse(&json, CF_SPAN(docs[i], strlen(docs[i])), NULL), CF_OK);
    cf_json_walk_t w = { .text = json.text };
    walk_like_each(&w, json);
    assert_int_equal(w.pos, json.text.len);
  }
}

/* Members that are found while parsing are those that iteration finds. */
static void test_members(void **state) {
  (void)state;
  static struct {
    char const *text;
    size_t      cnt;
  } const objects[] = { { "{}", 0 }, { " { } ", 0 }, { "{\"a\":1}", 1 }, { " { \"a\" : { \"b\" : [ 1 , {\"a\":2} ] } , \"\\u0063\":\t\"}\" } ", 2 },
                      { "{\"a\":[],\"b\":null,\"c\":-1e2,\"d\":{\"x\":{}}}", 4 } };
  cf_json_member_t member[3];
  size_t           cnt;
  for (size_t i = 0; i < COUNT(objects); i++) {
    cf_span_t in = CF_SPAN(objects[i].text, strlen(objects[i].text)), key;
    cf_json_t whole, value;
    size_t    pos = 0;
    assert_int_equal(cf_json_parse_members(member, 3, &cnt, in, NULL), CF_OK);
    assert_int_equal(cnt, objects[i].cnt);
    assert_int_equal(cf_json_parse(&whole, in, NULL), CF_OK);
    for (size_t k = 0; k < cnt && k < 3; k++) {
      assert_true(cf_json_each(whole, &pos, &key, &value));
      assert_true(cf_span_eq(key, member[k].key) && key.ptr == member[k].key.ptr);
      assert_true(value.type == member[k].value.type && value.text.ptr == member[k].value.text.ptr && cf_span_eq(value.text, member[k].value.text));
    }
  }
  static char const *const bad[] = { "", "1", "[{\"a\":1}]", "{\"a\":1", "{\"a\":1,\"a\":2}", "{\"a\":1}x", "null" };
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_int_equal(cf_json_parse_members(member, 3, &cnt, CF_SPAN(bad[i], strlen(bad[i])), NULL), CF_ERR_FORMAT);
}

static void test_numbers(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(numbers); i++) {
    uint64_t u;
    int64_t  s;
    assert_int_equal(cf_json_u64(&u, parsed(numbers[i].in)), numbers[i].u64);
    if (numbers[i].u64 == CF_OK) assert_true(u == (uint64_t)numbers[i].v);
    assert_int_equal(cf_json_i64(&s, parsed(numbers[i].in)), numbers[i].i64);
    if (numbers[i].i64 == CF_OK) assert_true(s == numbers[i].v);
  }
}

static void test_strings(void **state) {
  (void)state;
  char      out[32];
  cf_json_t v = parsed("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uFFFD\\ud83d\\ude00\xc3\xa9\"");
  assert_int_equal(cf_json_str(out, sizeof out, v), CF_OK);
  assert_string_equal(out, "\"\\/\b\f\n\r\t\xc3\xa9\xef\xbf\xbd\xf0\x9f\x98\x80\xc3\xa9");
  size_t need = strlen(out) + 1;
  for (size_t max = 0; max < need; max++) assert_int_equal(cf_json_str(out, max, v), CF_ERR_BOUND);
  assert_int_equal(cf_json_str(out, need, v), CF_OK);
  assert_int_equal(cf_json_str(out, 1, parsed("\"\"")), CF_OK);
  assert_string_equal(out, "");
  assert_int_equal(cf_json_str(out, 0, parsed("\"\"")), CF_ERR_BOUND);
  assert_int_equal(cf_json_str(out, sizeof out, parsed("1")), CF_ERR_FORMAT);
  assert_int_equal(cf_json_str(out, sizeof out, parsed("\"a\\u0000b\"")), CF_ERR_FORMAT); /* no C string holds it */

  uint8_t bytes[2];
  assert_int_equal(cf_json_hex(bytes, 2, parsed("\"0aFf\"")), CF_OK);
  assert_true(bytes[0] == 0x0a && bytes[1] == 0xff);
  static char const *const not_hex[] = { "\"0aF\"", "\"0aFf0\"", "\"0x0a\"", "\"0aFg\"", "\"\\u0030aFf\"", "1234" };
  for (size_t i = 0; i < COUNT(not_hex); i++) assert_int_equal(cf_json_hex(bytes, 2, parsed(not_hex[i])), CF_ERR_FORMAT);
  bool b;
  assert_int_equal(cf_json_bool(&b, parsed("false")), CF_OK);
  assert_false(b);
  assert_int_equal(cf_json_bool(&b, parsed("0")), CF_ERR_FORMAT);
}

/* ---- writing ---- */

static void test_write(void **state) {
  (void)state;
  char    buf[512];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_jw_t j  = cf_jw_init(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "s", "a\"\\\n\x1f\x7f/");
  cf_jw_arr(&j, "a");
  cf_jw_u64(&j, NULL, UINT64_MAX);
  cf_jw_i64(&j, NULL, INT64_MIN);
  cf_jw_obj(&j, NULL);
  cf_jw_end(&j, '}');
  cf_jw_arr(&j, NULL);
  cf_jw_end(&j, ']');
  cf_jw_end(&j, ']');
  cf_jw_hex(&j, "h", CF_SPAN_LIT("\x00\xff"));
  cf_jw_dec(&j, "d", -5);
  cf_jw_bool(&j, "t", true);
  cf_jw_bool(&j, "f", false);
  cf_jw_null(&j, "n");
  cf_jw_raw(&j, "r", CF_SPAN_LIT("[1]"));
  cf_jw_text(&j, "u", CF_SPAN_LIT("\xc3\xbc|\x80|\xc3|\xed\xa0\x80|\0|\xf0\x9f\x98"));
  cf_jw_end(&j, '}');
  static char const want[] = "{\"s\":\"a\\\"\\\\\\u000a\\u001f\x7f/"
                             "\",\"a\":[18446744073709551615,-9223372036854775808,{},[]],\"h\":\"00ff\",\"d\":\"-5\","
                             "\"t\":true,\"f\":false,\"n\":null,\"r\":[1],"
                             "\"u\":\"\xc3\xbc|\\ufffd|\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd|\\ufffd\\ufffd\\ufffd\"}";
  assert_false(wr.bad);
  assert_int_equal(wr.len, sizeof want - 1);
  assert_memory_equal(buf, want, wr.len);
  cf_json_t v;
  assert_int_equal(cf_json_parse(&v, cf_wr_out(&wr), NULL), CF_OK);
}

/* Any bytes, written as text, are read again; UTF-8 without NUL unchanged. */
static void test_write_any_text(void **state) {
  (void)state;
  uint64_t s = 0x6a736f6e;
  print_message("seed %llx\n", (unsigned long long)s);
  for (int i = 0; i < 100000; i++) {
    uint8_t in[8];
    char    buf[64], back[64];
    size_t  n = rnd(&s) % (sizeof in + 1);
    for (size_t k = 0; k < n; k++) in[k] = (uint8_t)(rnd(&s) >> (rnd(&s) & 1 ? 8 : 9));
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_jw_t j  = cf_jw_init(&wr);
    cf_jw_text(&j, NULL, CF_SPAN(in, n));
    cf_json_t v;
    assert_int_equal(cf_json_parse(&v, cf_wr_out(&wr), NULL), CF_OK);
    assert_int_equal(cf_json_str(back, sizeof back, v), CF_OK);
    bool same = strlen(back) == n && memcmp(back, in, n) == 0;
    assert_int_equal(same, cf_utf8_valid(CF_SPAN(in, n)) && !memchr(in, 0, n));
  }
}

static void test_write_depth(void **state) {
  (void)state;
  char    buf[256];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_jw_t j  = cf_jw_init(&wr);
  for (int i = 0; i < CF_JSON_DEPTH_MAX; i++) cf_jw_arr(&j, NULL);
  cf_jw_u64(&j, NULL, 1);
  cf_jw_u64(&j, NULL, 2);
  for (int i = 0; i < CF_JSON_DEPTH_MAX; i++) {
    cf_jw_end(&j, ']');
    if (i < CF_JSON_DEPTH_MAX - 1) cf_jw_u64(&j, NULL, 3);
  }
  cf_json_t v;
  assert_int_equal(cf_json_parse(&v, cf_wr_out(&wr), NULL), CF_OK);
  wr = cf_wr_init(buf, 3);
  j  = cf_jw_init(&wr);
  cf_jw_str(&j, NULL, "ab");
  assert_true(wr.bad);
}

int main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_parse),       cmocka_unit_test(test_cut),
    cmocka_unit_test(test_limits),      cmocka_unit_test(test_access),
    cmocka_unit_test(test_numbers),     cmocka_unit_test(test_strings),
    cmocka_unit_test(test_walk),        cmocka_unit_test(test_members),
    cmocka_unit_test(test_write),       cmocka_unit_test(test_write_any_text),
    cmocka_unit_test(test_write_depth),
  };
  return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
