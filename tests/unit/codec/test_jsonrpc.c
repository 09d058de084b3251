#include "codec/cf_jsonrpc.h"

#include "support.h"

#define TEXT(s) CF_SPAN((s), strlen(s))

/* ---- numbers and bytes ---- */

static struct {
  char const *in;
  cf_status_t u64, word;
  uint64_t    want;
} const quantities[] = {
  { "\"0x0\"", CF_OK, CF_OK, 0 },
  { "\"0x1\"", CF_OK, CF_OK, 1 },
  { "\"0x400\"", CF_OK, CF_OK, 1024 },
  { "\"0xffffffffffffffff\"", CF_OK, CF_OK, UINT64_MAX },
  { "\"0x10000000000000000\"", CF_ERR_BOUND, CF_OK, 0 },
  { "\"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"", CF_ERR_BOUND, CF_OK, 0 },
  { "\"0x10000000000000000000000000000000000000000000000000000000000000000\"", CF_ERR_BOUND, CF_ERR_BOUND, 0 },
  { "\"0x\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\"0x00\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\"0x0400\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\"0XA\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\"0xA\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\"0xg\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\"0x-1\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\" 0x1\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\"0x1 \"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\"\\u0030x1\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\"1\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "\"\"", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "1", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
  { "null", CF_ERR_FORMAT, CF_ERR_FORMAT, 0 },
};

static void test_quantities(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(quantities); i++) {
    cf_json_t v;
    uint64_t  got = 0;
    cf_hash_t w;
    assert_int_equal(cf_json_parse(&v, TEXT(quantities[i].in), NULL), CF_OK);
    cf_status_t st = cf_quantity_u64(&got, v), wst = cf_quantity_word(&w, v);
    if (st != quantities[i].u64 || wst != quantities[i].word || got != quantities[i].want) fail_msg("%s", quantities[i].in);
    if (wst) continue; /* written, it is the same text */
    char    text[80];
    cf_wr_t wr = cf_wr_init(text, sizeof text);
    cf_jw_t j  = cf_jw_init(&wr);
    cf_jw_quantity_word(&j, NULL, &w);
    assert_true(cf_span_eq(cf_wr_out(&wr), v.text));
    wr = cf_wr_init(text, sizeof text);
    j  = cf_jw_init(&wr);
    cf_jw_quantity(&j, NULL, got);
    assert_int_equal(cf_span_eq(cf_wr_out(&wr), v.text), st == CF_OK);
  }
}

static struct {
  char const *in;
  cf_status_t want;
  size_t      sz;
} const datas[] = {
  { "\"0x\"", CF_OK, 0 },
  { "\"0x00\"", CF_OK, 1 },
  { "\"0xAbcd\"", CF_OK, 2 },
  { "\"0xabc\"", CF_ERR_FORMAT, 0 },
  { "\"0xzz\"", CF_ERR_FORMAT, 0 },
  { "\"abcd\"", CF_ERR_FORMAT, 0 },
  { "\"0x\\u0030\"", CF_ERR_FORMAT, 0 },
  { "[]", CF_ERR_FORMAT, 0 },
  { "\"0x0001020304\"", CF_ERR_BOUND, 0 },
};

static void test_datas(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(datas); i++) {
    cf_json_t v;
    uint8_t   buf[5] = { 9, 9, 9, 9, 9 };
    cf_wr_t   wr     = cf_wr_init(buf, 4);
    assert_int_equal(cf_json_parse(&v, TEXT(datas[i].in), NULL), CF_OK);
    cf_status_t st = cf_data_append(&wr, v);
    if (st != datas[i].want || wr.len != datas[i].sz || wr.bad || buf[4] != 9) fail_msg("%s", datas[i].in);
    if (!st) assert_int_equal(cf_data_fixed(buf, datas[i].sz, v), CF_OK);
    assert_int_equal(cf_data_fixed(buf, datas[i].sz + 1, v), CF_ERR_FORMAT);
  }
  char    text[16];
  cf_wr_t wr = cf_wr_init(text, sizeof text);
  cf_jw_t j  = cf_jw_init(&wr);
  cf_jw_data(&j, NULL, CF_SPAN_LIT("\x00\xff"));
  assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN_LIT("\"0x00ff\"")));
}

/* ---- questions and answers ---- */

static void test_questions(void **state) {
  char    text[256];
  cf_wr_t wr = cf_wr_init(text, sizeof text);
  cf_jw_t j  = cf_jw_init(&wr);
  (void)state;
  cf_jw_arr(&j, NULL);
  cf_jsonrpc_begin(&j, 7, "eth_chainId");
  cf_jsonrpc_end(&j);
  cf_jsonrpc_begin(&j, 8, "eth_getCode");
  cf_jw_data(&j, NULL, CF_SPAN_LIT("\x01"));
  cf_jw_str(&j, NULL, "latest");
  cf_jsonrpc_end(&j);
  cf_jw_end(&j, ']');
  assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN_LIT("[{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"eth_chainId\",\"params\":[]},"
                                                     "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"eth_getCode\",\"params\":[\"0x01\","
                                                     "\"latest\"]}]")));
}

#define R(id, rest) "{\"jsonrpc\":\"2.0\",\"id\":" #id "," rest "}"
#define RES(id) R(id, "\"result\":\"0x" #id "\"")
#define ERR "\"error\":{\"code\":-32000,\"message\":\"no\"}"

static struct {
  char const *name, *body;
  size_t      n;
  cf_status_t want;
} const answers[] = {
  { "one", RES(5), 1, CF_OK },
  { "one that is null", R(5, "\"result\":null"), 1, CF_OK },
  { "one refused", R(5, ERR), 1, CF_OK },
  { "two", "[" RES(5) "," RES(6) "]", 2, CF_OK },
  { "two the other way", "[" RES(6) "," RES(5) "]", 2, CF_OK },
  { "two, one refused", "[" RES(6) "," R(5, ERR) "]", 2, CF_OK },
  { "further members", "[" RES(6) "," R(5, "\"x\":1,\"result\":[]") "]", 2, CF_OK },
  { "another's", RES(6), 1, CF_ERR_FORMAT },
  { "an id before ours", RES(4), 1, CF_ERR_FORMAT },
  { "one twice", "[" RES(5) "," RES(5) "]", 2, CF_ERR_FORMAT },
  { "one missing", "[" RES(5) "]", 2, CF_ERR_FORMAT },
  { "one too many", "[" RES(5) "," RES(6) "," RES(7) "]", 2, CF_ERR_FORMAT },
  { "none", "[]", 2, CF_ERR_FORMAT },
  { "an array for one", "[" RES(5) "]", 1, CF_ERR_FORMAT },
  { "one for two", RES(5), 2, CF_ERR_FORMAT },
  { "id as text", R("5", "\"result\":1"), 1, CF_ERR_FORMAT },
  { "id of a fraction", R(5.0, "\"result\":1"), 1, CF_ERR_FORMAT },
  { "no id", "{\"jsonrpc\":\"2.0\",\"result\":1}", 1, CF_ERR_FORMAT },
  { "null id with a result", R(null, "\"result\":1"), 1, CF_ERR_FORMAT },
  { "the batch refused", R(null, ERR), 2, CF_ERR_IO },
  { "result and error", R(5, "\"result\":1," ERR), 1, CF_ERR_FORMAT },
  { "neither", R(5, "\"x\":1"), 1, CF_ERR_FORMAT },
  { "another version", "{\"jsonrpc\":\"1.0\",\"id\":5,\"result\":1}", 1, CF_ERR_FORMAT },
  { "no version", "{\"id\":5,\"result\":1}", 1, CF_ERR_FORMAT },
  { "error without a code", R(5, "\"error\":{\"message\":\"no\"}"), 1, CF_ERR_FORMAT },
  { "error without words", R(5, "\"error\":{\"code\":1}"), 1, CF_ERR_FORMAT },
  { "error of null", R(5, "\"error\":null"), 1, CF_ERR_FORMAT },
  { "a huge code", R(5, "\"error\":{\"code\":9223372036854775808,\"message\":\"no\"}"), 1, CF_ERR_FORMAT },
  { "a string", "\"5\"", 1, CF_ERR_FORMAT },
  { "members of no kind", "[1,2]", 2, CF_ERR_FORMAT },
  { "id twice", "{\"jsonrpc\":\"2.0\",\"id\":5,\"id\":5,\"result\":1}", 1, CF_ERR_FORMAT },
  { "not JSON", "<html>502</html>", 1, CF_ERR_FORMAT },
  { "cut short", "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":", 1, CF_ERR_FORMAT },
  { "nothing", "", 1, CF_ERR_FORMAT },
};

static void test_answers(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(answers); i++) {
    cf_jsonrpc_answer_t a[2];
    cf_error_t          err = { 0 };
    cf_status_t         st  = cf_jsonrpc_read(a, answers[i].n, 5, TEXT(answers[i].body), &err);
    if (st != answers[i].want || err.status != st) fail_msg("%s: %s", answers[i].name, cf_status_name(st));
    for (size_t k = 0; k < answers[i].n && !st; k++) {
      if (a[k].result.type == CF_JSON_BAD) assert_true(a[k].code == -32000 && a[k].message.type == CF_JSON_STRING);
      else if (a[k].result.type == CF_JSON_STRING) assert_int_equal(a[k].result.text.ptr[3], "56"[k]);
    }
  }
  cf_jsonrpc_answer_t a;
  cf_error_t          err = { 0 };
  assert_int_equal(cf_jsonrpc_read(&a, 1, 5, TEXT(R(null, ERR)), &err), CF_ERR_IO);
  assert_non_null(strstr(err.text, "-32000 no"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_quantities),
    cmocka_unit_test(test_datas),
    cmocka_unit_test(test_questions),
    cmocka_unit_test(test_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
