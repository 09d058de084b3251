/* Modes as a table (DESIGN 7): each row of the design, and which condition wins when several hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/cf_modes.h"
#include "observe/cf_public.h"

enum { MAINT = 1, PAUSED = 2, DOWN = 4, UNSTARTED = 8, LAPSED = 16, STALE = 32, NO_QUORUM = 64, NO_LEDGER = 128 };

static cf_mode_facts_t
facts(unsigned bad) {
  return (cf_mode_facts_t){ .maintenance      = bad & MAINT,
                            .paused           = bad & PAUSED,
                            .enclave_up       = !(bad & DOWN),
                            .started          = !(bad & UNSTARTED),
                            .lease_held       = !(bad & LAPSED),
                            .attested_ago_s   = bad & STALE ? 601 : 600,
                            .attest_max_age_s = 600,
                            .quorum_wait_ms   = bad & NO_QUORUM ? CF_MODE_QUORUM_MS + 1 : CF_MODE_QUORUM_MS,
                            .ledger_silent_ms = bad & NO_LEDGER ? CF_MODE_LEDGER_MS + 1 : CF_MODE_LEDGER_MS };
}

static struct {
  unsigned          bad;
  cf_service_mode_t want;
  bool              executes, promises, authorises;
} const cases[] = {
  { 0, CF_SERVICE_NORMAL, true, false, true },
  { NO_LEDGER, CF_SERVICE_LEDGER_UNAVAILABLE, true, false, true },
  { NO_QUORUM, CF_SERVICE_LOG_DEGRADED, true, false, false },
  { STALE, CF_SERVICE_ATTESTATION_STALE, false, false, true },
  { UNSTARTED, CF_SERVICE_REGISTERING, false, true, false },
  { LAPSED, CF_SERVICE_LEASE_LAPSED, false, false, false },
  { DOWN, CF_SERVICE_ENCLAVE_DOWN, false, true, false },
  { PAUSED, CF_SERVICE_PAUSED, false, false, false },
  { MAINT, CF_SERVICE_MAINTENANCE, false, false, false },
  /* the gravest wins */
  { NO_LEDGER | NO_QUORUM, CF_SERVICE_LOG_DEGRADED, true, false, false },
  { STALE | NO_QUORUM, CF_SERVICE_ATTESTATION_STALE, false, false, true },
  { UNSTARTED | STALE | NO_QUORUM | NO_LEDGER, CF_SERVICE_REGISTERING, false, true, false },
  { LAPSED | STALE, CF_SERVICE_LEASE_LAPSED, false, false, false },
  { DOWN | UNSTARTED | STALE, CF_SERVICE_ENCLAVE_DOWN, false, true, false },
  { PAUSED | DOWN, CF_SERVICE_PAUSED, false, false, false },
  { MAINT | PAUSED | DOWN | UNSTARTED | LAPSED | STALE | NO_QUORUM | NO_LEDGER, CF_SERVICE_MAINTENANCE, false, false, false },
};

static void
test_table(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_mode_facts_t f = facts(cases[i].bad);
    cf_mode_rule_t  r = cf_modes_of(&f);
    assert_int_equal(r.mode, cases[i].want);
    assert_int_equal(r.executes, cases[i].executes);
    assert_int_equal(r.promises, cases[i].promises);
    assert_int_equal(r.authorises, cases[i].authorises);
    assert_true(r.retry_after_s > 0);
  }
}

/* Whatever holds: nobody is both promised and executed, and nothing is promised while it could not be kept. */
static void
test_every_combination(void **state) {
  for (unsigned bad = 0; bad < 256; bad++) {
    cf_mode_facts_t f = facts(bad);
    cf_mode_rule_t  r = cf_modes_of(&f);
    assert_false(r.executes && r.promises);
    if (bad & (MAINT | PAUSED)) assert_false(r.executes || r.promises);
    if (bad & (DOWN | UNSTARTED | STALE | LAPSED)) assert_false(r.executes);
    if (bad & (NO_QUORUM | DOWN | UNSTARTED | LAPSED) && !(bad & STALE)) assert_false(r.authorises);
  }
}

/* The rows are those of telemetry. */
static void
test_names(void **state) {
  assert_int_equal(CF_SERVICE_MODES, CF_PUBLIC_MODES);
  for (unsigned m = 0; m < CF_SERVICE_MODES; m++) {
    assert_int_equal(cf_modes_rule((cf_service_mode_t)m).mode, m);
    assert_string_equal(cf_modes_name((cf_service_mode_t)m), cf_public_mode(m).made_by_cf_public);
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_table), cmocka_unit_test(test_every_combination), cmocka_unit_test(test_names) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
