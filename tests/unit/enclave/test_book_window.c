#include "enclave/cf_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define F CF_WINDOW_FRESH
#define U CF_WINDOW_USED
#define O CF_WINDOW_TOO_OLD
#define J CF_WINDOW_TOO_FAR

static void
table(void **state) {
  /* each line: numbers used one after the other, and what is said of each */
  static struct { char const *name; uint64_t n[6]; cf_window_verdict_t want[6]; int cnt; } const cases[] = {
    { "in order",                 { 1, 2, 3 },                        { F, F, F },       3 },
    { "duplicate",                { 1, 1, 2, 2, 1 },                  { F, U, F, U, U }, 5 },
    { "numbers start at 1",       { 0, 1, 0 },                        { O, F, O },       3 },
    { "out of order",             { 5, 3, 4, 3, 1 },                  { F, F, F, U, F }, 5 },
    { "128 below",                { 129, 1, 1, 2 },                   { F, F, U, F },    4 },
    { "129 below",                { 130, 1, 2, 2 },                   { F, O, F, U },    4 },
    { "moves by 63",              { 1, 64, 1, 2 },                    { F, F, U, F },    4 },
    { "moves by 64",              { 1, 65, 1, 2 },                    { F, F, U, F },    4 },
    { "moves by 65",              { 1, 66, 1, 2 },                    { F, F, U, F },    4 },
    { "moves by 127",             { 1, 128, 1, 2 },                   { F, F, U, F },    4 },
    { "moves by 128",             { 1, 129, 1, 2 },                   { F, F, U, F },    4 },
    { "moves by 129",             { 1, 130, 1, 2 },                   { F, F, O, F },    4 },
    { "jump of 2^32",             { 1, 1 + CF_WINDOW_JUMP, 1 },       { F, F, O },       3 },
    { "jump of 2^32 + 1",         { 1, 2 + CF_WINDOW_JUMP, 2, 1 },    { F, J, F, U },    4 },
    { "2^64 - 1 ends nobody",     { UINT64_MAX, 1, 2 },               { J, F, F },       3 },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_window_t w = { 0 };
    for (int k = 0; k < cases[i].cnt; k++) {
      cf_window_verdict_t got = cf_window_use(&w, cases[i].n[k]);
      if (got != cases[i].want[k]) fail_msg("%s: number %d: %d", cases[i].name, k, (int)got);
    }
  }
}

static void
near_the_end(void **state) {
  cf_window_t w = { .highest = UINT64_MAX - 1 };
  (void)state;
  assert_int_equal(cf_window_use(&w, UINT64_MAX), F);
  assert_int_equal(cf_window_use(&w, UINT64_MAX), U);
  assert_int_equal(cf_window_use(&w, UINT64_MAX - 1), U);
  assert_int_equal(cf_window_use(&w, UINT64_MAX - 128), F);
  assert_int_equal(cf_window_use(&w, UINT64_MAX - 129), O);
}

/* Against a plain array of what was used. */
static void
like_a_set(void **state) {
  static bool used[20000];
  uint64_t    x = 7;
  (void)state;
  for (int round = 0; round < 200; round++) {
    cf_window_t w = { 0 };
    uint64_t    highest = 0;
    memset(used, 0, sizeof used);
    for (int i = 0; i < 300; i++) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      uint64_t n = highest + (x >> 33) % 200;
      n = n > 150 ? n - 150 : 0;
      cf_window_verdict_t want = n == 0 || n + 128 < highest ? O : used[n] ? U : F;
      assert_int_equal(cf_window_use(&w, n), want);
      if (want != F) continue;
      used[n] = true;
      if (n > highest) highest = n;
      assert_int_equal(w.highest, highest);
    }
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(table), cmocka_unit_test(near_the_end), cmocka_unit_test(like_a_set) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
