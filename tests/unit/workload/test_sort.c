#include "workload/cf_sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static int
by_key(void const *a, void const *b) {
  cf_sort_t const *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return (x->idx > y->idx) - (x->idx < y->idx); /* stable: the index rises where keys are equal */
}

static uint64_t
draw(void) {
  static uint64_t x = 88172645463325252u;
  x ^= x << 13;
  x ^= x >> 7;
  return x ^= x << 17;
}

static void
sorts_like_qsort(void **state) {
  static cf_sort_t got[1000], want[1000], scratch[1000];
  (void)state;
  static uint64_t const masks[] = { 0, 1, 0xff, 0xff00ff, UINT64_MAX, 0xffull << 56, 0x0103 };
  for (size_t round = 0; round < 2000; round++) {
    size_t cnt = round < 40 ? round / 10 : draw() % 1000;
    for (size_t i = 0; i < cnt; i++) want[i] = got[i] = (cf_sort_t){ draw() & masks[round % 7], (uint32_t)i };
    cf_sort(got, scratch, cnt);
    qsort(want, cnt, sizeof *want, by_key);
    for (size_t i = 0; i < cnt; i++) {
      assert_int_equal(got[i].key, want[i].key);
      assert_int_equal(got[i].idx, want[i].idx);
    }
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(sorts_like_qsort) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
