#include "observe/cf_latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static cf_latency_t hist;

static void
of(uint64_t const *us, size_t cnt) {
  memset(&hist, 0, sizeof hist);
  for (size_t i = 0; i < cnt; i++) cf_latency_add(&hist, cf_public_u64(us[i]));
}

static void
test_quantile_table(void **state) {
  static struct {
    char const *name;
    uint64_t    us[4];
    size_t      cnt;
    unsigned    per_mille;
    uint64_t    want;
  } const cases[] = {
    { "empty", { 0 }, 0, 500, 0 },
    { "zero counts as one", { 0 }, 1, 500, 1 },
    { "one", { 1 }, 1, 1, 1 },
    { "sixteen is exact", { 16 }, 1, 1000, 16 },
    { "seventeen is exact", { 17 }, 1, 1000, 17 },
    { "33 shares a bucket with 34", { 33 }, 1, 1000, 34 },
    { "34 closes it", { 34 }, 1, 1000, 34 },
    { "35 is beyond it", { 35 }, 1, 1000, 36 },
    { "a power of two closes its bucket", { 1 << 20 }, 1, 1000, 1 << 20 },
    { "one above is in the next", { (1 << 20) + 1 }, 1, 1000, (1 << 20) + (1 << 16) },
    { "the largest", { CF_LATENCY_MAX_US }, 1, 1000, CF_LATENCY_MAX_US },
    { "beyond the largest", { UINT64_MAX }, 1, 1000, CF_LATENCY_MAX_US },
    { "p50 of two is the lower", { 3, 9 }, 2, 500, 3 },
    { "just above p50 of two", { 3, 9 }, 2, 501, 9 },
    { "p99 of four is the last", { 9, 1, 5, 13 }, 4, 990, 13 },
    { "p25 of four is the first", { 9, 1, 5, 13 }, 4, 250, 1 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    of(cases[i].us, cases[i].cnt);
    uint64_t got = cf_latency_quantile_us(&hist, cases[i].per_mille);
    if (got != cases[i].want) fail_msg("%s: %llu", cases[i].name, (unsigned long long)got);
    assert_int_equal(hist.cnt, cases[i].cnt);
  }
}

static int
ascending(void const *a, void const *b) {
  uint64_t x = *(uint64_t const *)a, y = *(uint64_t const *)b;
  return (x > y) - (x < y);
}

/* The slow way: sort, and take the rank. */
static void
test_against_sorting(void **state) {
  enum { CNT = 5000 };
  static uint64_t us[CNT];
  uint64_t        seed = 20240607, sum = 0; /* fixed: a failure repeats */
  for (size_t i = 0; i < CNT; i++) {
    seed  = seed * 6364136223846793005u + 1442695040888963407u;
    us[i] = 1 + (seed >> 33) % ((uint64_t)1 << (1 + seed % 31));
    sum += us[i];
  }
  of(us, CNT);
  assert_int_equal(hist.sum_us, sum);
  qsort(us, CNT, sizeof us[0], ascending);
  for (unsigned q = 1; q <= 1000; q++) {
    uint64_t exact = us[(CNT * q + 999) / 1000 - 1];
    uint64_t got   = cf_latency_quantile_us(&hist, q);
    assert_true(got >= exact && got - exact <= exact / 16);
  }
  for (unsigned k = 0; k <= 36; k++) {
    uint64_t upto = 0;
    for (size_t i = 0; i < CNT; i++) upto += us[i] <= (uint64_t)1 << k;
    assert_int_equal(cf_latency_upto(&hist, k), upto);
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_quantile_table), cmocka_unit_test(test_against_sorting) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
