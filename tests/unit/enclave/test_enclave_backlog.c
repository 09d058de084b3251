// link: ledger session translog
/* More inbox messages under one final block than one batch applies: anybody may open accounts and lanes, and nobody may keep an
   enclave from starting, or from going on, by that. */
#include "life.h"

#include "ledger/cf_inbox.h"

#define SPAM 90000 /* of 30 bytes: 2.6 MiB, three batches */

/* spam is what accounts opened by strangers leave in the ledger; the rules' side of it is the ledger's own tests'. */
static void
spam(world_t *w, uint32_t n) {
  static uint32_t id = 1000;
  cf_hash_t       slot = cf_slot_plain(CF_SLOT_INBOX), inbox = cf_ledger_state_get(w->chain.state, &slot);
  while (n--) {
    uint8_t        buf[CF_INBOX_MSG_MAX];
    cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
    cf_inbox_msg_t m  = { .kind = CF_INBOX_OPENED, .time_s = w->now_s, .id = ++id };
    memcpy(m.addr.b, &id, sizeof id);
    cf_inbox_msg_write(&wr, &m);
    cf_ledger_state_add_message(w->chain.state, cf_wr_out(&wr));
    inbox = cf_inbox_fold(&inbox, cf_wr_out(&wr));
  }
  cf_ledger_state_put(w->chain.state, &slot, &inbox);
  ledger_block(w, NULL, 0);
}

static void
deposit(world_t *w, party_t const *p, uint64_t units) {
  cf_op_t dep = { .kind = CF_OP_DEPOSIT, .asset = 0, .id = p->account, .units = units };
  ledger_act(w, &dep, w->treasury, 2);
}

/* take_all applies what stands in the ledger; the number of batches that it took. */
static unsigned
take_all(world_t *w) {
  for (unsigned n = 1;; n++) {
    bool piece = show_newest(w);
    idle(w, 1);
    if (!piece) return n;
  }
}

static uint8_t
class_of_obligation(world_t *w, party_t *p, uint64_t amount) {
  batch_t     b;
  cf_result_t r[8];
  cf_span_t   env = obligation(w, &p[0], p[1].account, 0, amount);
  one_batch(w, &env, 1, &b);
  assert_int_equal(b.refused_cnt, 0);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(read_results(w, &p[0], r, 8), 1);
  return r[0].class;
}

/* A deposit behind the spam counts when all before it was applied, not sooner, and once. */
static void
test_serving(void **state) {
  party_t  p[2];
  world_t *w = serving(70, p, 2);
  spam(w, SPAM);
  deposit(w, &p[0], 500);
  uint64_t time_s = w->chain.head.time_s, all = cf_ledger_state_messages(w->chain.state);

  assert_true(show_newest(w));
  assert_true(w->view_messages < all);
  assert_int_equal(class_of_obligation(w, p, 1200), CF_CLASS_CREDIT); /* this batch applies the first piece, and no view */
  status_t at = read_status(w);
  assert_true(at.messages == w->view_messages && at.block < w->chain.head.number);

  w->now_s += 5; /* the chain grows meanwhile */
  spam(w, 10);
  assert_int_equal(take_all(w), 2);
  at = read_status(w);
  assert_true(at.messages == all + 10 && at.block == w->chain.head.number && w->chain.head.time_s > time_s);
  assert_int_equal(class_of_obligation(w, p, 1200), CF_CLASS_ACCEPTED);
  assert_int_equal(class_of_obligation(w, p, 301), CF_CLASS_CREDIT);
  world_free(w);
}

/* A process that ends between two pieces goes on behind the last one applied: from its journal, and from a snapshot. */
static void
test_restart_between(void **state) {
  for (int snapshot = 0; snapshot < 2; snapshot++) {
    party_t  p[2];
    world_t *w = serving(71, p, 2);
    spam(w, SPAM);
    deposit(w, &p[0], 500);
    assert_true(show_newest(w));
    idle(w, 1);
    uint64_t applied = w->view_messages;
    assert_true(show_newest(w)); /* shown, and lost with the process */
    assert_int_equal(show(w), CF_REFUSE_NONE);
    if (snapshot) assert_int_equal(take_snapshot(w), CF_REFUSE_NONE);
    enclave_end(w);
    assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
    assert_int_equal(read_status(w).messages, applied);
    w->view_messages = applied;
    assert_int_equal(show(w), CF_REFUSE_NONE);
    assert_int_equal(fence(w), CF_REFUSE_NONE);
    certify(w); /* shows the second piece again */
    idle(w, 1);
    assert_int_equal(take_all(w), 1);
    assert_int_equal(class_of_obligation(w, p, 1200), CF_CLASS_ACCEPTED);
    world_free(w);
  }
}

/* The first start of a domain whose ledger is full of strangers; the key is live only in a later block than those shown first. */
static void
test_first_start(void **state) {
  party_t  p[2];
  world_t *w = world_new(72, false);
  for (uint32_t i = 0; i < 2; i++) party_init(w, &p[i], i + 1);
  boot_fresh(w);
  certificate(w);
  assert_false(show_newest(w));
  assert_int_equal(w->body.ptr[0], CF_PHASE_CERTIFYING);
  spam(w, 100);
  assert_false(show_newest(w)); /* whole, and not applied: nothing is before an epoch starts */
  spam(w, SPAM);
  assert_true(show_newest(w));
  assert_int_equal(w->body.ptr[0], CF_PHASE_CERTIFYING);
  spam(w, 10);
  assert_true(show_newest(w)); /* the same piece, at a later block */
  assert_int_equal(w->body.ptr[0], CF_PHASE_CERTIFYING);
  register_key(w);
  assert_true(show_newest(w));
  assert_int_equal(w->body.ptr[0], CF_PHASE_SERVING);
  batch_t b;
  one_batch(w, NULL, 0, &b);
  assert_int_equal(b.doc.view.number, 0); /* messages alone: no view is applied yet, and none named */
  assert_int_equal(take_all(w), 2);
  assert_int_equal(read_status(w).messages, cf_ledger_state_messages(w->chain.state));
  one_batch(w, NULL, 0, &b);
  assert_int_equal(b.doc.view.number, w->chain.head.number);
  world_free(w);
}

/* Messages that are not the ledger's never become a piece: neither in what is kept nor behind it. */
static void
test_forged(void **state) {
  for (int behind = 0; behind < 2; behind++) {
    party_t  p[2];
    world_t *w = serving(73, p, 2);
    spam(w, SPAM);
    uint64_t  all = cf_ledger_state_messages(w->chain.state), from = w->view_messages;
    cf_span_t run = cf_ledger_state_message_run(w->chain.state, behind ? all - 10 : from + 10, 1, CF_INBOX_MSG_MAX, &all);
    ((uint8_t *)(uintptr_t)run.ptr)[run.len - 1] ^= 1; /* the owner of an account */
    cf_refuse_t r = CF_REFUSE_NONE;
    for (unsigned i = 0; !r && i < 200; i++) {
      r = show_ledger(w);
      if (!r) assert_int_equal(w->body.ptr[9], CF_SHOWN_PART);
    }
    assert_int_equal(r, CF_REFUSE_PROOF);
    assert_int_equal(read_status(w).messages, from);
    ((uint8_t *)(uintptr_t)run.ptr)[run.len - 1] ^= 1;
    w->view_messages = from;
    assert_int_equal(take_all(w), 3); /* and no harm came of it */
    world_free(w);
  }
}

/* A view that waits for its batch goes first. */
static void
test_busy(void **state) {
  party_t  p[2];
  world_t *w = serving(74, p, 2);
  deposit(w, &p[0], 500);
  assert_false(show_newest(w));
  spam(w, SPAM);
  cf_refuse_t r = CF_REFUSE_NONE;
  for (unsigned i = 0; !r && i < 200; i++) r = show_ledger(w);
  assert_int_equal(r, CF_REFUSE_BUSY);
  idle(w, 1);
  w->view_messages = read_status(w).messages;
  assert_int_equal(take_all(w), 3);
  assert_int_equal(class_of_obligation(w, p, 1200), CF_CLASS_ACCEPTED);
  world_free(w);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_serving), cmocka_unit_test(test_restart_between), cmocka_unit_test(test_first_start),
    cmocka_unit_test(test_forged),  cmocka_unit_test(test_busy),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
