/* What is done about each thing that was under way when the process died, as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/cf_reconcile.h"

static void
test_receipts(void **state) {
  static struct {
    uint64_t               sequence, logged, replayed;
    cf_reconcile_receipt_t want;
  } const cases[] = {
    { 1, 0, 1, CF_RECEIPT_RELOG }, { 1, 1, 1, CF_RECEIPT_KNOWN }, { 5, 5, 9, CF_RECEIPT_KNOWN }, { 6, 5, 9, CF_RECEIPT_RELOG },
    { 9, 5, 9, CF_RECEIPT_RELOG }, { 10, 5, 9, CF_RECEIPT_DROP }, { 6, 5, 5, CF_RECEIPT_DROP },  { 5, 5, 4, CF_RECEIPT_KNOWN },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_reconcile_log_t log = { cases[i].logged, cases[i].replayed };
    assert_int_equal(cf_reconcile_receipt(cases[i].sequence, &log), cases[i].want);
  }
}

static void
test_promises(void **state) {
  assert_int_equal(cf_reconcile_promise(true), CF_PROMISE_KEPT);
  assert_int_equal(cf_reconcile_promise(false), CF_PROMISE_KEEP);
}

static void
test_settlements(void **state) {
  static struct {
    bool                      executed, abandoned, parent_void;
    uint64_t                  valid_until_s, final_s;
    cf_reconcile_settlement_t want;
  } const cases[] = {
    { false, false, false, 100, 0, CF_SETTLE_RESUBMIT },  /* nothing is known of the ledger: try */
    { false, false, false, 100, 100, CF_SETTLE_RESUBMIT }, /* its last second */
    { false, false, false, 100, 101, CF_SETTLE_LAPSED },
    { true, false, false, 100, 101, CF_SETTLE_FINAL },
    { true, true, true, 100, 101, CF_SETTLE_FINAL }, /* what executed is final, whatever was said of it */
    { false, true, false, 100, 50, CF_SETTLE_VOID },
    { false, false, true, 100, 50, CF_SETTLE_VOID }, /* it stands on one that is void */
    { false, true, false, 100, 101, CF_SETTLE_VOID },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_reconcile_content_t c = { cases[i].executed, cases[i].abandoned, cases[i].parent_void, cases[i].valid_until_s };
    assert_int_equal(cf_reconcile_settlement(&c, cases[i].final_s), cases[i].want);
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_receipts), cmocka_unit_test(test_promises), cmocka_unit_test(test_settlements) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
