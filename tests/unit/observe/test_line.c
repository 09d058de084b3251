#include "observe/cf_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "codec/cf_json.h"

static char buf[1024];

static char const *
text_of(cf_wr_t *wr) {
  cf_span_t  out = cf_wr_out(wr);
  cf_json_t  json;
  cf_error_t err = { 0 };
  assert_non_null(out.ptr);
  assert_int_equal(cf_json_parse(&json, out, &err), CF_OK);
  buf[out.len] = 0;
  return buf;
}

static void
test_whole_line(void **state) {
  cf_hash_t  id    = { { 0xab, 0xcd, 0x01 } };
  cf_trace_t trace = { .trace = { 1 }, .span = { 2 } };
  cf_wr_t    wr    = cf_wr_init(buf, sizeof buf - 1);
  cf_now_t   now   = { .wall_ms = UINT64_C(1735689600123) };
  cf_line_t  line  = cf_line_begin(&wr, now, CF_LINE_WARN, CF_PUBLIC_TEXT("batch"));
  cf_line_trace(&line, &trace);
  cf_line_put(&line, CF_FIELD_COUNT, cf_public_u64(UINT64_MAX));
  cf_line_put(&line, CF_FIELD_RECEIPT, cf_public_id(&id));
  cf_line_put(&line, CF_FIELD_CLASS, cf_public_input_class(CF_INPUT_REPLAYED));
  cf_line_put(&line, CF_FIELD_MODE, cf_public_mode(8));
  cf_line_put(&line, CF_FIELD_STATE, cf_public_settlement(4));
  cf_line_put(&line, CF_FIELD_STATUS, cf_public_status(CF_ERR_STALE));
  cf_line_end(&line);
  assert_string_equal(text_of(&wr), "{\"time\":\"2025-01-01T00:00:00.123Z\",\"level\":\"warn\",\"event\":\"batch\","
                                    "\"trace\":\"01000000000000000000000000000000\",\"span\":\"0200000000000000\","
                                    "\"count\":18446744073709551615,"
                                    "\"receipt\":\"abcd010000000000000000000000000000000000000000000000000000000000\","
                                    "\"class\":\"replayed\",\"mode\":\"maintenance\",\"state\":\"abandoned\",\"status\":\"stale\"}");
}

/* Against the C library's calendar, over 8,000 years in steps of a prime number of seconds. */
static void
test_times(void **state) {
  for (uint64_t s = 0; s <= UINT64_C(253402300799); s += 39916801) {
    char      want[64], *at;
    time_t    t = (time_t)s;
    struct tm tm;
    strftime(want, sizeof want, "{\"time\":\"%Y-%m-%dT%H:%M:%S.000Z\"", gmtime_r(&t, &tm));
    cf_wr_t   wr   = cf_wr_init(buf, sizeof buf - 1);
    cf_line_t line = cf_line_begin(&wr, (cf_now_t){ .wall_ms = s * 1000 }, CF_LINE_INFO, CF_PUBLIC_TEXT("tick"));
    cf_line_end(&line);
    text_of(&wr);
    at = strchr(buf, ',');
    assert_non_null(at);
    *at = 0;
    assert_string_equal(buf, want);
  }
}

static void
test_leap_days_and_ends(void **state) {
  static struct {
    uint64_t    wall_ms;
    char const *want;
  } const cases[] = {
    { 0, "1970-01-01T00:00:00.000Z" },
    { UINT64_C(951782400000) + 86399999, "2000-02-29T23:59:59.999Z" },
    { UINT64_C(951868800000), "2000-03-01T00:00:00.000Z" },
    { UINT64_C(4107542400000), "2100-03-01T00:00:00.000Z" }, /* no leap day in 2100 */
    { UINT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
    { UINT64_MAX, "9999-12-31T23:59:59.999Z" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_wr_t   wr   = cf_wr_init(buf, sizeof buf - 1);
    cf_line_t line = cf_line_begin(&wr, (cf_now_t){ .wall_ms = cases[i].wall_ms }, CF_LINE_ERROR, CF_PUBLIC_TEXT("x"));
    cf_line_end(&line);
    assert_non_null(strstr(text_of(&wr), cases[i].want));
    assert_non_null(strstr(buf, "\"level\":\"error\""));
  }
}

static void
test_short_buffer(void **state) {
  for (size_t n = 0; n < 66; n++) {
    cf_wr_t   wr   = cf_wr_init(buf, n);
    cf_line_t line = cf_line_begin(&wr, (cf_now_t){ 0 }, CF_LINE_INFO, CF_PUBLIC_TEXT("x"));
    cf_line_put(&line, CF_FIELD_BLOCK, cf_public_u64(1));
    cf_line_end(&line);
    assert_true(wr.bad);
    assert_null(cf_wr_out(&wr).ptr);
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_whole_line),
    cmocka_unit_test(test_times),
    cmocka_unit_test(test_leap_days_and_ends),
    cmocka_unit_test(test_short_buffer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
