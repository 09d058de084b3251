#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/cf_utc.h"

static void test_read(void **state) {
  (void)state;
  static struct {
    char const *text;
    int64_t     unix_s;
    bool        good;
  } const cases[] = {
      {"1970-01-01T00:00:00Z", 0, true},
      {"2026-11-23T12:00:01Z", 1795435201, true},
      {"2049-12-31T23:59:59Z", 2524607999, true},
      {"2000-02-29T00:00:00Z", 951782400, true},
      {"2024-02-29T00:00:00Z", 1709164800, true},
      {"0001-01-01T00:00:00Z", -62135596800, true},
      {"9999-12-31T23:59:59Z", 253402300799, true},
      {"2100-02-29T00:00:00Z", 0, false},
      {"2023-02-29T00:00:00Z", 0, false},
      {"2023-04-31T00:00:00Z", 0, false},
      {"2023-13-01T00:00:00Z", 0, false},
      {"2023-00-01T00:00:00Z", 0, false},
      {"2023-01-00T00:00:00Z", 0, false},
      {"2023-01-01T24:00:00Z", 0, false},
      {"2023-01-01T00:60:00Z", 0, false},
      {"2016-12-31T23:59:60Z", 0, false},
      {"2023-01-01T00:00:00", 0, false},
      {"2023-01-01T00:00:00z", 0, false},
      {"2023-01-01 00:00:00Z", 0, false},
      {"2023-01-01T00:00:00.0Z", 0, false},
      {"2023-01-01T00:00:00+00:00", 0, false},
      {"+023-01-01T00:00:00Z", 0, false},
      {"", 0, false},
      {"0000-01-01T00:00:00Z", 0, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int64_t at_s = -1;
    bool    good = !cf_utc_read(&at_s, CF_SPAN(cases[i].text, strlen(cases[i].text)));
    if (good != cases[i].good || (good && at_s != cases[i].unix_s)) fail_msg("%s: %lld", cases[i].text, (long long)at_s);
  }
}

/* Every day of four centuries, against the C library. */
static void test_days(void **state) {
  (void)state;
  for (int64_t day = -25567; day < 120530; day++) {
    time_t    t = (time_t)(day * 86400 + 3661);
    struct tm tm;
    int64_t   got;
    gmtime_r(&t, &tm);
    cf_utc_t utc = {(unsigned)tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday, 1, 1, 1};
    assert_int_equal(cf_utc_unix(&got, &utc), CF_OK);
    if (got != t) fail_msg("day %lld", (long long)day);
    char text[CF_UTC_TEXT], want[32];
    strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm);
    assert_int_equal(cf_utc_write(text, t), CF_OK);
    assert_string_equal(text, want);
  }
}

static void test_write(void **state) {
  (void)state;
  static struct {
    int64_t     unix_s;
    char const *text; /* NULL: refused */
  } const cases[] = {{-62135596801, NULL},
                     {-62135596800, "0001-01-01T00:00:00Z"},
                     {-1, "1969-12-31T23:59:59Z"},
                     {0, "1970-01-01T00:00:00Z"},
                     {951782399, "2000-02-28T23:59:59Z"},
                     {951782400, "2000-02-29T00:00:00Z"},
                     {253402300799, "9999-12-31T23:59:59Z"},
                     {253402300800, NULL},
                     {INT64_MAX, NULL},
                     {INT64_MIN, NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[CF_UTC_TEXT];
    assert_int_equal(cf_utc_write(text, cases[i].unix_s), cases[i].text ? CF_OK : CF_ERR_FORMAT);
    if (cases[i].text) assert_string_equal(text, cases[i].text);
  }
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_days), cmocka_unit_test(test_write)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
