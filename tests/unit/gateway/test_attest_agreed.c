// link: gateway
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/cf_gateway_state.h"

/* A letter a verifier: the measurement that its result names; '.': it gave none. */
static struct {
  char const *name, *says;
  unsigned    most;
  char        on;
} const cases[] = {
    {"nobody", "....", 0, 0},         {"one", "a...", 1, 'a'},          {"all", "aaaa", 4, 'a'},
    {"a liar first", "baa.", 2, 'a'}, {"a liar last", ".aab", 2, 'a'},  {"a liar between", "ab.a", 2, 'a'},
    {"alone, each", "abc.", 1, 'a'},  {"two liars agree", "bb.a", 2, 'b'},
};

static void test_most_agree(void **state) {
  static cf_verifier_state_t v[CF_MEMBERS_MAX];
  (void)state;
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++) {
    cf_hash_t on = {{0}};
    memset(v, 0, sizeof v);
    for (size_t m = 0; cases[i].says[m]; m++) {
      v[m].done = cases[i].says[m] != '.';
      v[m].measurement.b[0] = (uint8_t)cases[i].says[m];
    }
    print_message("%s\n", cases[i].name);
    assert_int_equal(cf_attest_agreed(&on, v), cases[i].most);
    assert_int_equal(on.b[0], cases[i].on);
  }
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_most_agree)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
