/* The counter window against a slow one that remembers every counter. */
#include "session_world.h"

static void verdicts(void **state) {
  static struct {
    uint64_t             n;
    cf_counter_verdict_t want;
    uint64_t             highest;
  } const steps[] = {
      {0, CF_COUNTER_TOO_OLD, 0},
      {1, CF_COUNTER_FRESH, 1},
      {1, CF_COUNTER_USED, 1},
      {3, CF_COUNTER_FRESH, 3},
      {2, CF_COUNTER_FRESH, 3},
      {2, CF_COUNTER_USED, 3},
      {0, CF_COUNTER_TOO_OLD, 3},
      {131, CF_COUNTER_FRESH, 131},
      {3, CF_COUNTER_USED, 131},
      {2, CF_COUNTER_TOO_OLD, 131},
      {4, CF_COUNTER_FRESH, 131},
      {260, CF_COUNTER_FRESH, 260},
      {131, CF_COUNTER_TOO_OLD, 260},
      {132, CF_COUNTER_FRESH, 260},
      {132, CF_COUNTER_USED, 260},
      {324, CF_COUNTER_FRESH, 324},
      {260, CF_COUNTER_USED, 324},
      {261, CF_COUNTER_FRESH, 324},
      {4294967621, CF_COUNTER_TOO_FAR, 324},
      {4294967620, CF_COUNTER_FRESH, 4294967620},
  };
  cf_counter_t w = {0};
  for (size_t i = 0; i < COUNT(steps); i++) {
    assert_int_equal(cf_counter_look(&w, steps[i].n), steps[i].want);
    assert_int_equal(cf_counter_use(&w, steps[i].n), steps[i].want);
    assert_int_equal(w.highest, steps[i].highest);
  }
}

static void against_a_slow_one(void **state) {
  static bool used[4096];
  for (unsigned seed = 1; seed <= 20; seed++) {
    cf_counter_t w = {0};
    uint64_t     highest = 0;
    memset(used, 0, sizeof used);
    srand(seed);
    for (int i = 0; i < 4000; i++) {
      uint64_t n = highest + (uint64_t)(rand() % 160);
      uint64_t back = (uint64_t)(rand() % 150);
      n = n > back ? n - back : 0;
      if (n >= COUNT(used)) break;
      cf_counter_verdict_t want = n == 0 || n + 128 < highest ? CF_COUNTER_TOO_OLD : used[n] ? CF_COUNTER_USED : CF_COUNTER_FRESH;
      if (cf_counter_use(&w, n) != want) fail_msg("seed %u, step %d, counter %llu", seed, i, (unsigned long long)n);
      if (want == CF_COUNTER_FRESH) used[n] = true;
      if (want == CF_COUNTER_FRESH && n > highest) highest = n;
    }
  }
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(verdicts), cmocka_unit_test(against_a_slow_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
