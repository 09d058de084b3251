#include "observe/cf_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define ID   "4bf92f3577b34da6a3ce929d0e0e4736" /* the example of the W3C Recommendation, section 3.2 */
#define SPAN "00f067aa0ba902b7"
#define ZERO "0000000000000000"

static void
test_parse(void **state) {
  static struct {
    char const *text;
    cf_status_t want;
    bool        sampled;
  } const cases[] = {
    { "00-" ID "-" SPAN "-01", CF_OK, true },
    { "00-" ID "-" SPAN "-00", CF_OK, false },
    { "00-" ID "-" SPAN "-fe", CF_OK, false }, /* other flags are not ours */
    { "00-" ID "-" SPAN "-ff", CF_OK, true },
    { "cc-" ID "-" SPAN "-01", CF_OK, true },
    { "cc-" ID "-" SPAN "-01-what-comes", CF_OK, true },
    { "cc-" ID "-" SPAN "-01.what-comes", CF_ERR_FORMAT, false },
    { "00-" ID "-" SPAN "-01-what-comes", CF_ERR_FORMAT, false },
    { "00-" ID "-" SPAN "-01 ", CF_ERR_FORMAT, false },
    { "ff-" ID "-" SPAN "-01", CF_ERR_UNSUPPORTED, false },
    { "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", CF_ERR_FORMAT, false },
    { "00-" ID "-00F067AA0BA902B7-01", CF_ERR_FORMAT, false },
    { "00-" ZERO ZERO "-" SPAN "-01", CF_ERR_FORMAT, false },
    { "00-" ID "-" ZERO "-01", CF_ERR_FORMAT, false },
    { "00-" ID "-" SPAN "-0", CF_ERR_FORMAT, false },
    { "00-" ID "-" SPAN "-0x", CF_ERR_FORMAT, false },
    { "00-" ID "-" SPAN "01", CF_ERR_FORMAT, false },
    { "00-" ID "_" SPAN "-01", CF_ERR_FORMAT, false },
    { "00_" ID "-" SPAN "-01", CF_ERR_FORMAT, false },
    { "0-" ID "-" SPAN "-01", CF_ERR_FORMAT, false },
    { "", CF_ERR_FORMAT, false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_trace_t  t  = { .trace = { 9 } };
    cf_status_t st = cf_trace_parse(&t, CF_SPAN(cases[i].text, strlen(cases[i].text)));
    if (st != cases[i].want) fail_msg("%s: %s", cases[i].text, cf_status_name(st));
    if (st) {
      assert_int_equal(t.trace[0], 9); /* nothing half-read */
      continue;
    }
    assert_memory_equal(t.trace, "\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36", 16);
    assert_memory_equal(t.span, "\x00\xf0\x67\xaa\x0b\xa9\x02\xb7", 8);
    assert_int_equal(t.sampled, cases[i].sampled);
  }
}

static void
test_every_prefix_is_refused(void **state) {
  char const text[] = "00-" ID "-" SPAN "-01";
  cf_trace_t t;
  for (size_t n = 0; n < CF_TRACE_TEXT_SZ; n++) assert_int_equal(cf_trace_parse(&t, CF_SPAN(text, n)), CF_ERR_FORMAT);
}

static void
test_text_and_child(void **state) {
  char       text[CF_TRACE_TEXT_SZ + 1];
  cf_trace_t parent, again;
  char const in[] = "00-" ID "-" SPAN "-01";
  assert_int_equal(cf_trace_parse(&parent, CF_SPAN_LIT(in)), CF_OK);
  assert_string_equal(cf_trace_text(text, &parent), in);

  cf_trace_t child = cf_trace_child(&parent, (uint8_t const *)"\1\2\3\4\5\6\7\10");
  assert_string_equal(cf_trace_text(text, &child), "00-" ID "-0102030405060708-01");
  child.sampled = false;
  assert_string_equal(cf_trace_text(text, &child), "00-" ID "-0102030405060708-00");
  assert_int_equal(cf_trace_parse(&again, CF_SPAN(text, strlen(text))), CF_OK);
  assert_memory_equal(again.span, child.span, 8);
}

static void
test_root_is_never_zero(void **state) {
  static uint8_t const zero[24];
  char                 text[CF_TRACE_TEXT_SZ + 1];
  cf_trace_t           again, root = cf_trace_root(zero, true);
  cf_trace_text(text, &root);
  assert_int_equal(cf_trace_parse(&again, CF_SPAN(text, strlen(text))), CF_OK);
  root = cf_trace_root((uint8_t const *)"abcdefghijklmnopABCDEFGH", false);
  assert_memory_equal(root.trace, "abcdefghijklmnop", 16);
  assert_memory_equal(root.span, "ABCDEFGH", 8);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_parse),
    cmocka_unit_test(test_every_prefix_is_refused),
    cmocka_unit_test(test_text_and_child),
    cmocka_unit_test(test_root_is_never_zero),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
