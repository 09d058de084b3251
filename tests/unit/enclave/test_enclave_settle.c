// link: ledger session translog
/* Windows, contents, exits, heartbeats: PROTOCOL P8, ONCHAIN 4.7. */
#include "life.h"

#define V          60 /* of world.h's ledger */
#define EXIT_DELAY 300
#define DEAD_AFTER 1000

static void
ledger_order(world_t *w, cf_act_t const *act, uint8_t const key[32], uint64_t number) {
  uint8_t buf[CF_ACT_BODY_MAX];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_act_write(&wr, act);
  cf_op_t   op     = { .kind = CF_OP_ACT, .council = (uint8_t)cf_act_council(act->kind), .version = 1, .number = number,
                       .not_after_s = w->now_s + 100, .body = keep(cf_wr_out(&wr)), .sigs.cnt = 1 };
  cf_hash_t body = cf_keccak256(op.body),
            digest = cf_act_digest(&w->ledger_id.separator, op.council, 1, number, op.not_after_s, &body);
  assert_int_equal(cf_k256_sign(op.sigs.at[0].sig, key, &digest), CF_OK);
  ledger_act(w, &op, NULL, 0);
}

static void
request_exit(world_t *w, party_t const *p) {
  cf_op_t op = { .kind = CF_OP_REQUEST_EXIT, .id = p->account };
  ledger_act(w, &op, p->scalar, 0);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
}

/* Contents released by a SHOW_LOG of all that is logged. */
static unsigned
contents(world_t *w, cf_span_t *item) {
  assert_int_equal(show(w), CF_REFUSE_NONE);
  return released(w, CF_RELEASE_SETTLEMENT, item);
}

static unsigned
notices(cf_result_t const *r, unsigned n, cf_clearing_notice_kind_t kind) {
  unsigned found = 0;
  for (unsigned i = 0; i < n; i++) {
    cf_clearing_notice_t notice;
    found += r[i].class == CF_RESULT_NOTICE && !cf_clearing_notice_decode(&notice, r[i].body) && notice.kind == kind;
  }
  return found;
}

static void
tune_at_final(cf_policy_t *p, cf_clearing_params_t *c, cf_configuration_t *conf) {
  p->disclosure = 2;
}

static void
test_at_final_waits_for_execution(void **state) {
  party_t     p[2];
  cf_span_t   item;
  cf_result_t r[16];
  world_tune = tune_at_final;
  world_t *w = serving(20, p, 2);
  net(w, p, 300, 500);
  idle(w, 2);
  assert_int_equal(contents(w, &item), 1);
  assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), 0); /* witnessed, and not bound yet */
  settle(w, item);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), 0); /* final, and not applied yet */
  idle(w, 1);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), 2);
  assert_int_equal(read_results(w, &p[0], r, 16), 2); /* accepted, and its positions */
  world_tune = NULL;
  world_free(w);
}

/* A withdrawal alone makes a content, whose release section pays the free lane. */
static void
test_a_withdrawal_is_released(void **state) {
  party_t   p[2];
  batch_t   b;
  cf_span_t item, env;
  world_t  *w = serving(21, p, 2);
  env         = withdrawal(w, &p[0], 0, 400);
  one_batch(w, &env, 1, &b);
  idle(w, 2);
  assert_int_equal(contents(w, &item), 1);
  settle(w, item);
  assert_int_equal(lane_of(w, 1, 0, false), 600);
  assert_int_equal(lane_of(w, 1, 0, true), 400);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 1);
  assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_SERVING);
  world_free(w);
}

static void
test_a_debtor_that_leaves(void **state) {
  party_t   p[2];
  cf_span_t item, env;
  batch_t   b;
  cf_result_t r[16];
  world_t  *w = serving(22, p, 2);
  net(w, p, 300, 100);
  uint64_t exit_s = w->now_s;
  request_exit(w, &p[0]);
  env = obligation(w, &p[0], 2, 0, 1);
  one_batch(w, &env, 1, &b); /* closes; a new obligation is refused */
  assert_int_equal(ledger_wait(w, EXIT_DELAY - V + 20), CF_REFUSE_NONE);
  idle(w, 1);
  assert_int_equal(contents(w, &item), 1);
  assert_int_equal(content_meta(item).valid_until_s, exit_s + EXIT_DELAY - 1); /* not V, but what is left of the delay */
  assert_int_equal(read_results(w, &p[0], r, 16), 3);
  assert_int_equal(r[1].class == CF_RESULT_EXITING || r[2].class == CF_RESULT_EXITING, 1);
  settle(w, item);
  assert_int_equal(lane_of(w, 1, 0, false), 800);
  world_free(w);
}

/* Too late to settle: what it owes is dropped, both sides are told, and nothing is stuck behind it. */
static void
test_a_debtor_too_late_defaults(void **state) {
  party_t     p[3];
  batch_t     b;
  cf_span_t   item, env[3];
  cf_result_t r[16];
  world_t    *w = serving(24, p, 3);
  env[0] = obligation(w, &p[0], 2, 0, 300);
  one_batch(w, env, 1, &b); /* one input: the window may not close */
  request_exit(w, &p[0]);
  idle(w, 1);
  assert_int_equal(ledger_wait(w, EXIT_DELAY - V), CF_REFUSE_NONE);
  idle(w, 1);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  for (int i = 0; i < 2; i++) {
    unsigned n = read_results(w, &p[i], r, 16);
    assert_int_equal(notices(r, n, CF_CLEARING_DEFAULTED), i == 0 ? 1 : 0); /* 2 never spoke: there is nobody to tell */
  }
  env[1] = obligation(w, &p[1], 3, 0, 50);
  env[2] = obligation(w, &p[2], 2, 0, 70);
  one_batch(w, env + 1, 2, &b);
  idle(w, 2);
  assert_int_equal(contents(w, &item), 1);
  settle(w, item);
  assert_int_equal(lane_of(w, 1, 0, false), 1000);
  assert_int_equal(lane_of(w, 2, 0, false), 1020);
  world_free(w);
}

/* A window closed, and no content of it before its debtor has left: it opens again without him. */
static void
test_a_closed_window_outlives_its_debtor(void **state) {
  party_t   p[3];
  batch_t   b;
  cf_span_t item, env[3];
  world_t  *w = serving(26, p, 3);
  cf_op_t paid = { .kind = CF_OP_FINALIZE_EXIT, .id = 1, .asset = 0 };
  assert_int_equal(cf_k256_addr(&paid.addr, p[0].scalar), CF_OK);
  env[0] = obligation(w, &p[0], 2, 0, 300);
  env[1] = obligation(w, &p[1], 3, 0, 50);
  env[2] = obligation(w, &p[2], 2, 0, 70);
  one_batch(w, env, 3, &b);
  request_exit(w, &p[0]);
  idle(w, 1); /* closes */
  w->now_s += EXIT_DELAY;
  ledger_act(w, &paid, NULL, 0);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 2);
  assert_int_equal(contents(w, &item), 1);
  settle(w, item);
  assert_int_equal(lane_of(w, 2, 0, false), 1020);
  assert_int_equal(lane_of(w, 3, 0, false), 980);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 1);
  assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_SERVING);
  world_free(w);
}

static void
tune_eight(cf_policy_t *p, cf_clearing_params_t *c, cf_configuration_t *conf) {
  p->max_flight      = 8;
  conf->parties_max  = 4;
  conf->batch_max    = 2;
  c->obligations_max = 16;
  c->releases_max    = 1;
}

/* Eight contents lapse at once, and all that they held is dropped: the most notices that a batch can make. */
static void
test_all_contents_lapse_and_default(void **state) {
  party_t   p[4];
  batch_t   b;
  world_tune = tune_eight;
  world_t *w = serving(27, p, 4);
  for (int i = 0; i < 4; i += 2) { /* the payees speak, too, so that everybody is told */
    uint8_t   buf[64];
    cf_span_t env[2] = { sealed(w, &p[i], ++p[i].order, input_of(buf, CF_CLEARING_OBLIGATION, 99, 0, 1)),
                         sealed(w, &p[i + 1], ++p[i + 1].order, input_of(buf, CF_CLEARING_OBLIGATION, 99, 0, 1)) };
    one_batch(w, env, 2, &b);
  }
  for (int i = 0; i < 8; i++) {
    cf_span_t env[2] = { obligation(w, &p[0], 2, 0, 10), obligation(w, &p[2], 4, 0, 10) };
    one_batch(w, env, 2, &b);
  }
  idle(w, 2);
  assert_int_equal(contents(w, NULL), 8);
  request_exit(w, &p[0]);
  request_exit(w, &p[2]);
  assert_int_equal(ledger_wait(w, EXIT_DELAY), CF_REFUSE_NONE);
  idle(w, 1);
  assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_SERVING);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  cf_result_t r[64];
  unsigned    n = read_results(w, &p[1], r, 64);
  assert_int_equal(notices(r, n, CF_CLEARING_REOPENED), 8);
  assert_int_equal(notices(r, n, CF_CLEARING_DEFAULTED), 8);
  world_tune = NULL;
  world_free(w);
}

/* As many contents as policy allows; the next window waits; all execute, one after the other. */
static void
test_as_many_contents_as_policy_allows(void **state) {
  party_t   p[2];
  cf_span_t item[4];
  world_t  *w = serving(28, p, 2);
  for (int i = 0; i < 4; i++) {
    net(w, p, 10, 20);
    idle(w, 2);
    assert_int_equal(contents(w, &item[i]), 1);
  }
  net(w, p, 10, 20);
  idle(w, 3);
  assert_int_equal(contents(w, NULL), 0);
  for (int i = 0; i < 4; i++) settle(w, item[i]);
  assert_int_equal(lane_of(w, 1, 0, false), 1040);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 2);
  assert_int_equal(contents(w, &item[0]), 1);
  settle(w, item[0]);
  assert_int_equal(lane_of(w, 1, 0, false), 1050);
  world_free(w);
}

static void
test_a_pause_postpones(void **state) {
  party_t   p[2];
  cf_span_t item;
  world_t  *w = serving(29, p, 2);
  net(w, p, 300, 100);
  ledger_order(w, &(cf_act_t){ .kind = CF_ACT_PAUSE }, w->guardian, 1);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 3);
  assert_int_equal(contents(w, NULL), 0);
  assert_int_equal(ledger_wait(w, 20), CF_REFUSE_NONE);
  idle(w, 1);
  assert_int_equal(contents(w, &item), 1);
  settle(w, item);
  world_free(w);
}

/* The ledger takes a policy for the overlap after the next is in force, and so long contents are signed. */
static void
test_another_policy_on_the_ledger(void **state) {
  party_t  p[2];
  cf_act_t act = { .kind = CF_ACT_SCHEDULE_POLICY, .policy = 2, .hash = { { 9 } } };
  cf_span_t item;
  world_t  *w = serving(30, p, 2);
  act.from_s  = w->now_s + 400;
  memset(act.tcb_mask.b, 0xff, 32);
  ledger_order(w, &act, w->governor, 1);
  assert_int_equal(ledger_wait(w, 401), CF_REFUSE_NONE);
  net(w, p, 300, 100);
  idle(w, 2);
  assert_int_equal(contents(w, &item), 2); /* a heartbeat was due as well */
  assert_int_equal(content_meta(item).policy, 1);
  settle(w, item);
  assert_int_equal(ledger_wait(w, 60), CF_REFUSE_NONE);
  net(w, p, 300, 100);
  idle(w, 3);
  assert_int_equal(contents(w, NULL), 0);
  world_free(w);
}

static void
test_heartbeats(void **state) {
  party_t   p[2];
  cf_span_t item;
  cf_settlement_doc_t d;
  world_t  *w = serving(31, p, 2);
  idle(w, 1);
  assert_int_equal(contents(w, NULL), 0);
  assert_int_equal(ledger_wait(w, DEAD_AFTER / 4), CF_REFUSE_NONE); /* silence */
  idle(w, 1);
  assert_int_equal(contents(w, &item), 1);
  cf_op_t op = settle_op(item, &d);
  assert_int_equal(op.body.len, 0);
  assert_int_equal(d.first, 1);
  settle(w, item);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 2);
  assert_int_equal(contents(w, NULL), 0);
  ledger_act(w, &(cf_op_t){ .kind = CF_OP_ALARM }, NULL, 0);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 1);
  assert_int_equal(contents(w, &item), 1);
  settle(w, item);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 2);
  assert_int_equal(contents(w, NULL), 0); /* the head moved: the alarm is over */
  world_free(w);
}

/* A heartbeat that lapsed takes nothing with it: the window that closed behind it is settled over the same receipts, and the one
   that abandons. */
static void
test_a_lapsed_heartbeat(void **state) {
  party_t             p[2];
  batch_t             b;
  cf_span_t           item;
  cf_settlement_doc_t d;
  cf_result_t         r[16];
  static uint8_t      zero[32];
  world_t            *w = serving(37, p, 2);
  assert_int_equal(ledger_wait(w, DEAD_AFTER / 4), CF_REFUSE_NONE);
  idle(w, 1);
  net(w, p, 300, 100);
  assert_int_equal(contents(w, NULL), 1);
  idle(w, 1); /* closes */
  assert_int_equal(ledger_wait(w, V + 1), CF_REFUSE_NONE);
  one_batch(w, NULL, 0, &b);
  assert_memory_not_equal(b.doc.abandon, zero, 32);
  assert_int_equal(contents(w, NULL), 0);
  idle(w, 1); /* what replaces it covers the receipt that says so */
  assert_int_equal(contents(w, &item), 1);
  assert_int_equal(notices(r, read_results(w, &p[0], r, 16), CF_CLEARING_REOPENED), 0);
  (void)settle_op(item, &d);
  assert_int_equal(d.first, 1);
  settle(w, item);
  assert_int_equal(lane_of(w, 1, 0, false), 800);
  world_free(w);
}

/* 2V before a running alarm ends nothing is signed any more, nor let out. */
static void
test_authority_ends_before_an_alarm_does(void **state) {
  for (int late = 0; late < 2; late++) {
    party_t   p[2];
    world_t  *w = serving(32 + (uint64_t)late, p, 2);
    ledger_act(w, &(cf_op_t){ .kind = CF_OP_ALARM }, NULL, 0);
    assert_int_equal(ledger_wait(w, DEAD_AFTER - 2 * V - 1 + late), CF_REFUSE_NONE);
    idle(w, 1);
    assert_int_equal(contents(w, NULL), 1 - late);
    idle(w, 1);
    assert_int_equal(contents(w, NULL), 0);
    batch_t b;
    assert_int_equal(ledger_wait(w, V + 1), CF_REFUSE_NONE);
    one_batch(w, NULL, 0, &b);
    static uint8_t zero[32];
    assert_int_equal(!memcmp(b.doc.abandon, zero, 32), late); /* nothing was intended that could lapse */
    world_free(w);
  }
  party_t  p[2];
  world_t *w = serving(34, p, 2);
  ledger_act(w, &(cf_op_t){ .kind = CF_OP_ALARM }, NULL, 0);
  assert_int_equal(ledger_wait(w, DEAD_AFTER - 2 * V - 1), CF_REFUSE_NONE);
  idle(w, 1);
  w->now_s++; /* signed in time, witnessed too late */
  assert_int_equal(contents(w, NULL), 0);
  world_free(w);
}

static void
tune_few_lanes(cf_policy_t *p, cf_clearing_params_t *c, cf_configuration_t *conf) {
  conf->leaves_max = 16;
}

/* Anybody may open accounts and lanes: more of them than the book holds are passed over, and leave by the ledger; the domain goes
   on. */
static void
test_strangers_cannot_fill_the_book(void **state) {
  party_t   p[3];
  cf_span_t item, calls[60];
  world_tune = tune_few_lanes;
  world_t *w = serving(35, p, 2);
  world_tune = NULL;
  party_init(w, &p[2], 15); /* there is room for its account, and none for its lane */
  for (uint32_t i = 0; i < 20; i++) {
    cf_op_t open = {.kind = CF_OP_OPEN, .addr = {{7, (uint8_t)i}}}, lane = {.kind = CF_OP_OPEN_LANE, .asset = 0, .id = 3 + i},
            dep = {.kind = CF_OP_DEPOSIT, .asset = 0, .id = 3 + i, .units = 5};
    if (i == 12) assert_int_equal(cf_k256_addr(&open.addr, p[2].scalar), CF_OK);
    calls[3 * i]     = call_of(w, &open, NULL, 0);
    calls[3 * i + 1] = call_of(w, &lane, NULL, 0);
    calls[3 * i + 2] = call_of(w, &dep, w->treasury, 2 + i);
  }
  ledger_block(w, calls, 60);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  net(w, p, 300, 100);
  idle(w, 2);
  assert_int_equal(contents(w, &item), 1);
  settle(w, item);
  request_exit(w, &p[2]);
  w->now_s += EXIT_DELAY;
  cf_op_t paid = { .kind = CF_OP_FINALIZE_EXIT, .id = 15, .asset = 0 };
  assert_int_equal(cf_k256_addr(&paid.addr, p[2].scalar), CF_OK);
  ledger_act(w, &paid, NULL, 0);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 2);
  assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_SERVING);
  world_free(w);
}

/* The governors lowered the cap below what a closed window would release: it opens again, and releases what may be. */
static void
test_a_lowered_cap(void **state) {
  party_t   p[2];
  batch_t   b;
  cf_span_t item, env[2];
  world_t  *w = serving(36, p, 2);
  env[0]      = withdrawal(w, &p[0], 0, 400);
  env[1]      = withdrawal(w, &p[1], 0, 90);
  one_batch(w, env, 2, &b);
  idle(w, 1); /* closes with both */
  ledger_order(w, &(cf_act_t){ .kind = CF_ACT_LOWER_CAP, .asset = 0, .cap = 450 }, w->governor, 1);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 2);
  assert_int_equal(contents(w, &item), 1);
  settle(w, item);
  assert_int_equal(lane_of(w, 1, 0, true), 400);
  assert_int_equal(lane_of(w, 2, 0, true), 0);
  world_free(w);

  w = serving(38, p, 2); /* the same in two windows: what is in flight counts */
  for (int i = 0; i < 2; i++) {
    env[0] = withdrawal(w, &p[i], 0, i ? 90 : 400);
    one_batch(w, env, 1, &b);
    idle(w, i ? 1 : 2);
  }
  ledger_order(w, &(cf_act_t){ .kind = CF_ACT_LOWER_CAP, .asset = 0, .cap = 450 }, w->governor, 1);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 2);
  assert_int_equal(contents(w, &item), 1);
  settle(w, item);
  world_free(w);
}

/* fill posts single inputs, each logged, up to max or until one is busy; returns how many were taken. */
static unsigned
fill(world_t *w, party_t *p, unsigned max) {
  for (unsigned n = 0; n < max; n++) {
    batch_t   b;
    cf_span_t env = withdrawal(w, p, 9, 1); /* refused in its sealed result: there is no such lane */
    if (batch(w, &env, 1, &b) == CF_REFUSE_BUSY) return n;
    log_and_read(w, b.receipt);
  }
  return max;
}

static void
tune_small_room(cf_policy_t *p, cf_clearing_params_t *c, cf_configuration_t *conf) {
  p->disclosure      = 2;
  conf->parties_max  = 4;
  conf->batch_max    = 2;
  c->obligations_max = 16;
  c->releases_max    = 1;
}

/* Results that wait for execution never hinder the batches that lead to it: one without inputs closes, intends and applies whatever
   waits.  When contents lapse again and again, notices that others replaced make room, and answers to inputs do not. */
static void
test_a_full_room_empties(void **state) {
  for (int lapses = 0; lapses <= 40; lapses += 40) {
    static cf_result_t r[1024];
    party_t            p[2];
    cf_span_t          item;
    batch_t            b;
    world_tune = tune_small_room;
    world_t *w = serving(lapses ? 39 : 40, p, 2);
    world_tune = NULL;
    assert_int_equal(fill(w, &p[0], 100), 100);
    net(w, p, 300, 500);
    unsigned more = fill(w, &p[0], 1000); /* one of these closes, and one intends: what is behind waits for a later content */
    assert_true(more > 2 && more < 1000);
    idle(w, 1);
    assert_int_equal(contents(w, &item), 1);
    assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), 0);
    for (int i = 0; i < lapses; i++) { /* nobody carries it to the ledger */
      assert_int_equal(ledger_wait(w, V + 1), CF_REFUSE_NONE);
      idle(w, 2);
      assert_int_equal(contents(w, &item), 1);
    }
    p[0].stays = true;
    if (lapses) {
      restart(w); /* replay keeps to the same room */
      assert_int_equal(contents(w, &item), 1);
    }
    settle(w, item);
    assert_int_equal(lane_of(w, 1, 0, false), 1200);
    cf_span_t env = withdrawal(w, &p[0], 9, 1);
    assert_int_equal(batch(w, &env, 1, &b), CF_REFUSE_BUSY);
    assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
    idle(w, 1);
    assert_int_equal(show(w), CF_REFUSE_NONE);
    unsigned n = read_results(w, &p[0], r, 1024), told = 0;
    for (unsigned i = 0; i < n; i++) told += r[i].class == CF_RESULT_NOTICE;
    assert_int_equal(n - told, 100 + 1 + (lapses ? more : 1));
    if (lapses) assert_true(told > 20 && told < 1 + 2 * (unsigned)lapses); /* of 1 + 2 each */
    else assert_int_equal(told, 1);
    one_batch(w, &env, 1, &b);
    world_free(w);
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_at_final_waits_for_execution),    cmocka_unit_test(test_a_withdrawal_is_released),
    cmocka_unit_test(test_a_debtor_that_leaves),            cmocka_unit_test(test_a_debtor_too_late_defaults),
    cmocka_unit_test(test_a_closed_window_outlives_its_debtor), cmocka_unit_test(test_all_contents_lapse_and_default),
    cmocka_unit_test(test_as_many_contents_as_policy_allows), cmocka_unit_test(test_a_pause_postpones),
    cmocka_unit_test(test_another_policy_on_the_ledger),    cmocka_unit_test(test_heartbeats),
    cmocka_unit_test(test_authority_ends_before_an_alarm_does), cmocka_unit_test(test_strangers_cannot_fill_the_book),
    cmocka_unit_test(test_a_lowered_cap),                   cmocka_unit_test(test_a_lapsed_heartbeat),
    cmocka_unit_test(test_a_full_room_empties),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
