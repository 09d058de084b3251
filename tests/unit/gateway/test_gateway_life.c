// link: enclave session workload translog ledger
/* The gateway with a real enclave, real witnesses and a real ledger process behind it. */
#include "party.h"

static void
test_bootstrap(void **state) {
  for (int one = 0; one < 2; one++) {
    town_t *t = town_new(11 + (uint64_t)one, one);
    if (!town_serves(t, 20000)) fail_msg("missing: %s", town_missing(t));
    cf_gateway_status_t s = cf_gateway_status(t->g);
    assert_int_equal(s.mode, 0);
    assert_int_equal(s.epoch, 2);
    assert_int_equal(t->statements, 1);
    town_free(t);
  }
}

static void
test_whole_life(void **state) {
  town_t   *t = town_new(3, false);
  party_t   p[3];
  cf_span_t env[4];
  unsigned  holds[4];
  assert_true(town_serves(t, 20000));
  for (uint32_t i = 0; i < 3; i++) party_init(t, &p[i], i + 1);
  fund(t, p, 3, 1000);
  town_run(t, 20000); /* V / 4 */
  env[0]      = pay(t, &p[0], 2, 300);
  env[1]      = pay(t, &p[1], 3, 500);
  env[2]      = pay(t, &p[2], 1, 100);
  env[3]      = pay(t, &p[0], 3, 5000);
  answer_t *a = post_and_wait(t, env, 4);
  assert_int_equal(a->receipts, 1);
  for (int i = 0; i < 4; i++) assert_int_equal(a->at[i].kind, 1);
  town_run(t, 3000);
  cf_gateway_status_t s = cf_gateway_status(t->g);
  assert_int_equal(s.settlements, 1);
  assert_int_equal(s.settled, 1);
  assert_int_equal(lane(t, 1), 800);
  assert_int_equal(lane(t, 2), 800);
  assert_int_equal(lane(t, 3), 1400);
  check_log(t, env, holds, 4);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(holds[i], 1);
    assert_true(check_results(t, env[i]) >= 1);
    reply_t          *r = get(t, "receipts", env[i]);
    cf_receipt_file_t f;
    assert_int_equal(r->code, 200);
    assert_int_equal(cf_receipt_file_decode(&f, r->body, NULL), CF_OK);
    assert_int_equal(f.index, i);
  }
  /* the same again is answered with the same receipt, and reaches nobody */
  uint64_t sequence = s.sequence;
  a                 = post_and_wait(t, env, 4);
  assert_int_equal(a->receipts, 1);
  for (int i = 0; i < 4; i++) assert_int_equal(a->at[i].kind, 1);
  town_run(t, 500);
  assert_int_equal(cf_gateway_status(t->g).sequence, sequence);
  town_free(t);
}

/* ---- the process ends at each durable effect in turn ---- */

typedef enum { BOTH, GATEWAY_ALONE, BOTH_TORN, BOTH_SIDE_LATE } crash_t;

/* Three obligations in two POSTs, and what follows from them, until the power fails behind n more durable effects.  Whatever was lost: after the
   restart the same envelopes are sent again, and in the end each is in one receipt, and settled once.  False when nothing failed any more. */
static bool
crash_at(size_t n, crash_t how) {
  town_t   *t = town_new(100, true);
  party_t   p[3];
  cf_span_t env[5];
  unsigned  holds[5];
  assert_true(town_serves(t, 20000));
  for (uint32_t i = 0; i < 3; i++) party_init(t, &p[i], i + 1);
  fund(t, p, 3, 1000);
  town_run(t, 20000);
  env[0]          = pay(t, &p[0], 2, 300);
  env[1]          = pay(t, &p[1], 3, 500);
  env[2]          = pay(t, &p[2], 1, 100);
  t->durable_left = n;
  t->torn         = how == BOTH_TORN;
  t->side_late    = how == BOTH_SIDE_LATE;
  uint64_t one = post(t, env, 2);
  town_run(t, 20);
  uint64_t two = t->dead ? 0 : post(t, env + 2, 1);
  town_run(t, 2000);
  bool died       = t->dead;
  t->durable_left = SIZE_MAX;
  assert_true(died || (town_reply(t, one) && town_reply(t, two)));
  reply_t  *r = town_reply(t, one);
  cf_span_t promised[2] = { { 0 } };
  if (r) { /* what was answered before the crash holds after it */
    answer_t a;
    answer_read(&a, r->body, env);
    if (a.receipts) promised[0] = a.receipt[0];
  }
  if (died) {
    town_restart(t, how != GATEWAY_ALONE);
    t->torn = t->side_late = false;
    for (int i = 0; i < 3 && !town_serves(t, 30000); i++) {
      assert_string_equal(town_missing(t), "enclave-restart");
      assert_int_equal(how, GATEWAY_ALONE);
      town_enclave(t);
    }
    if (cf_gateway_status(t->g).missing[0]) fail_msg("crash at %zu (%d): missing %s", n, how, town_missing(t));
    (void)post_and_wait(t, env, 3);
    town_run(t, 20000);
  }
  env[3] = pay(t, &p[0], 2, 10); /* a window closes over two inputs at least: these take with them what is left */
  env[4] = pay(t, &p[1], 1, 10);
  (void)post_and_wait(t, env + 3, 2);
  town_run(t, 20000);
  check_log(t, env, holds, 5);
  for (int i = 0; i < 5; i++)
    if (holds[i] != 1) fail_msg("crash at %zu (%d): envelope %d is in %u receipts", n, how, i, holds[i]);
  cf_gateway_status_t s = cf_gateway_status(t->g);
  if (lane(t, 1) != 800 || lane(t, 2) != 800 || lane(t, 3) != 1400)
    fail_msg("crash at %zu (%d): %llu %llu %llu, settled %llu of %llu", n, how, (unsigned long long)lane(t, 1), (unsigned long long)lane(t, 2),
             (unsigned long long)lane(t, 3), (unsigned long long)s.settled, (unsigned long long)s.settlements);
  for (int i = 0; i < 3; i++) assert_true(check_results(t, env[i]) >= 1);
  if (promised[0].len) {
    static log_t l;
    bool         found = false;
    log_read(t, &l);
    for (size_t i = 0; i < l.cnt; i++) found = found || cf_span_eq(l.entry[i], promised[0]);
    assert_true(found);
  }
  town_free(t);
  return died;
}

static void
test_crash_at_every_write(void **state) {
  size_t n = 0;
  while (crash_at(n, BOTH)) n++;
  assert_true(n > 20);
}

static void
test_gateway_crash_at_every_write(void **state) {
  size_t n = 0;
  while (crash_at(n, GATEWAY_ALONE)) n += 2;
  assert_true(n > 20);
}

static void
test_torn_at_every_write(void **state) {
  size_t n = 0;
  while (crash_at(n, BOTH_TORN)) n += 3;
  assert_true(n > 20);
}

/* What the journal has and the log's files have not yet. */
static void
test_crash_while_the_side_lags(void **state) {
  size_t n = 0;
  while (crash_at(n, BOTH_SIDE_LATE)) n += 2;
  assert_true(n > 20);
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_bootstrap), cmocka_unit_test(test_whole_life), cmocka_unit_test(test_crash_at_every_write),
                                      cmocka_unit_test(test_gateway_crash_at_every_write), cmocka_unit_test(test_torn_at_every_write),
                                      cmocka_unit_test(test_crash_while_the_side_lags) };
  return cmocka_run_group_tests(tests, setup, teardown);
}
