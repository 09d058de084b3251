// link: ledger session translog
/* An enclave's life: bootstrap, batches, release, restart, and what it refuses on the way. */
#include "life.h"

static void
test_whole_life(void **state) {
  for (int one = 0; one < 2; one++) {
    world_t *w = world_new(1 + (uint64_t)one, one);
    party_t  p[3];
    batch_t  b;
    cf_span_t env[4], item;
    bootstrap(w);
    for (uint32_t i = 0; i < 3; i++) party_init(w, &p[i], i + 1);
    fund(w, p, 3, 1000);
    one_batch(w, NULL, 0, &b); /* applies the views */
    assert_int_equal(b.doc.sequence, 1);
    env[0] = obligation(w, &p[0], 2, 0, 300);
    env[1] = obligation(w, &p[1], 3, 0, 500);
    env[2] = obligation(w, &p[2], 1, 0, 100);
    env[3] = obligation(w, &p[0], 3, 0, 5000); /* more than it has */
    one_batch(w, env, 4, &b);
    assert_int_equal(b.refused_cnt, 0);
    assert_int_equal(b.doc.inputs, 4);
    one_batch(w, NULL, 0, &b); /* closes */
    one_batch(w, NULL, 0, &b); /* intends */
    assert_int_equal(show(w), CF_REFUSE_NONE);
    assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), 2); /* of the inputs, and of the window that closed */
    assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, &item), 1);
    settle(w, item);
    assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
    one_batch(w, NULL, 0, &b);
    cf_hash_t lanes = cf_slot_lanes(0), word;
    cf_hash_t slot  = cf_slot_add(&lanes, 0);
    word            = cf_ledger_state_get(w->chain.state, &slot);
    assert_int_equal(cf_word_get(&word, cf_lane_bit(1), 64) & CF_LANE_MAX, 800);
    assert_int_equal(cf_word_get(&word, cf_lane_bit(2), 64) & CF_LANE_MAX, 800);
    assert_int_equal(cf_word_get(&word, cf_lane_bit(3), 64) & CF_LANE_MAX, 1400);
    /* again: nothing is let out twice, and what is lost can be asked for */
    assert_int_equal(show(w), CF_REFUSE_NONE);
    assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, NULL), 0);
    world_free(w);
  }
}

/* No signature and no result before k witnesses stand behind the receipt. */
static void
test_nothing_before_the_quorum(void **state) {
  party_t  p[2];
  world_t *w = serving(7, p, 2);
  net(w, p, 300, 500);
  idle(w, 2); /* closes, intends */
  assert_int_equal(show_log(w, &w->log, w->log.size, 3), CF_REFUSE_PROOF); /* two of the three that are due */
  assert_int_equal(show_log(w, &w->log, w->log.size - 1, 7), CF_REFUSE_NONE); /* all but the receipt of the intent */
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, NULL), 0);
  assert_int_equal(show_log(w, &w->log, w->log.size, 7), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, NULL), 1);

  batch_t   b; /* results: of a receipt that the log shown does not hold, none */
  cf_span_t env = obligation(w, &p[0], p[1].account, 0, 1);
  idle(w, 1);
  assert_int_equal(batch(w, &env, 1, &b), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), 0);
  log_and_read(w, b.receipt);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), 1);
  world_free(w);
}

static void
test_restart_replays_and_goes_on(void **state) {
  party_t   p[2];
  world_t  *w = serving(3, p, 2);
  batch_t   b;
  cf_span_t item;
  net(w, p, 300, 500);
  idle(w, 1);
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_NONE); /* the intent: journaled, and not logged before the crash */
  cf_span_t lost = b.receipt;
  uint64_t  tip  = b.doc.sequence;
  enclave_end(w);
  w->view_messages = 0;
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
  cf_rd_t rd = cf_rd_span(w->body);
  assert_int_equal(cf_rd_u64(&rd), tip);
  uint8_t read2[9] = { 2, 0, 0, 0, 0, 0, 0, 0, (uint8_t)tip };
  assert_int_equal(ask(w, CF_MSG_READ, CF_SPAN(read2, 9)), CF_REFUSE_NONE);
  rd            = cf_rd_span(w->body);
  cf_span_t got = r_span(&rd);
  assert_true(cf_span_eq(got, lost)); /* byte for byte, signature and all */
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  rd               = cf_rd_span(CF_SPAN(w->boot, w->boot_sz));
  w->view_messages = 0;
  { /* what the applied view had folded is not shown again */
    uint8_t read3[1] = { 3 };
    assert_int_equal(ask(w, CF_MSG_READ, CF_SPAN(read3, 1)), CF_REFUSE_NONE);
    rd = cf_rd_span(w->body);
    (void)cf_rd_take(&rd, 1 + 32 + 8 * 5);
    w->view_messages = cf_rd_u64(&rd);
  }
  certify(w);
  log_and_read(w, lost); /* adopted: it counts although it is logged behind the boot entry */
  assert_int_equal(w->history.sequence, tip);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, &item), 1); /* the same content, by the new key */
  settle(w, item);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  one_batch(w, NULL, 0, &b);
  net(w, p, 1, 2); /* sessions live on */
  world_free(w);
}

static void
test_older_disk_is_refused(void **state) {
  world_t *w = world_new(4, false);
  batch_t  b;
  bootstrap(w);
  size_t before = w->journal_sz[w->files];
  one_batch(w, NULL, 0, &b);
  one_batch(w, NULL, 0, &b);
  enclave_end(w);
  w->journal_sz[w->files] = before; /* the records are gone, the log has the receipts */
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_ROLLED_BACK);
  assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_STOPPED);
  assert_int_equal(ask(w, CF_MSG_FENCE, CF_SPAN(NULL, 0)), CF_REFUSE_ROLLED_BACK);
  world_free(w);
}

static void
test_twin_stops_the_old_one(void **state) {
  world_t *w = world_new(5, false);
  batch_t  b;
  bootstrap(w);
  one_batch(w, NULL, 0, &b);
  cf_enclave_t *old     = w->e;
  void         *old_mem = w->mem;
  uint64_t      old_fed = w->fed;
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE); /* a copy of the disk, started elsewhere */
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  log_and_read(w, CF_SPAN(w->boot, w->boot_sz));
  cf_enclave_t *twin     = w->e;
  void         *twin_mem = w->mem;
  w->e                   = old;
  w->fed                 = old_fed;
  assert_int_equal(show(w), CF_REFUSE_TWIN);
  assert_int_equal(cf_enclave_phase(old), CF_PHASE_STOPPED);
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_TWIN);
  cf_enclave_end(old);
  free(old_mem);
  w->e   = twin;
  w->mem = twin_mem;
  world_free(w);
}

static void
test_planted_files_are_refused(void **state) {
  world_t *w = world_new(6, false);
  batch_t  b;
  bootstrap(w);
  one_batch(w, NULL, 0, &b);
  enclave_end(w);
  uint8_t root[32];
  memcpy(root, w->sealed_root, 32);
  memset(w->sealed_root, 3, 32); /* a blob that anyone could make */
  assert_int_equal(reopen(w, w->files), CF_REFUSE_ROOT);
  enclave_end(w);
  memcpy(w->sealed_root, root, 32);
  w->snapshot[w->snapshot_sz - 1] ^= 1;
  assert_int_equal(reopen(w, w->files), CF_REFUSE_ROOT);
  enclave_end(w);
  w->snapshot[w->snapshot_sz - 1] ^= 1;
  w->journal[w->files][CF_JOURNAL_HEADER_SZ + 10] ^= 1; /* the only record: torn, or so it looks */
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_ROLLED_BACK); /* but the log remembers */
  enclave_end(w);
  /* and a fresh start on a log that has a certified boot entry is no start */
  enclave_start(w, true);
  uint8_t none[4 + 4 + 2 * (8 + 4 + 1) + 1] = { 0 };
  assert_int_equal(ask(w, CF_MSG_BOOT, CF_SPAN(none, sizeof none)), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_ROOT);
  world_free(w);
}

/* A whole machine that was set up beside the real one, for the same domain: its blob, snapshot and journal agree with one another,
   and the log knows none of them. */
static void
test_a_planted_machine_is_refused(void **state) {
  world_t *w = world_new(6, false), *other = world_new(6, false);
  uint8_t  moved[8];
  cf_entropy_fill(&other->entropy, moved, sizeof moved);
  bootstrap(w);
  bootstrap(other);
  assert_memory_not_equal(w->sealed_root, other->sealed_root, 32);
  idle(other, 1);
  enclave_end(w);
  enclave_end(other);
  memcpy(w->sealed_root, other->sealed_root, 32);
  memcpy(w->snapshot, other->snapshot, w->snapshot_sz = other->snapshot_sz);
  w->first_file = other->first_file;
  w->files      = other->files;
  for (uint64_t f = w->first_file; f <= w->files; f++) memcpy(w->journal[f], other->journal[f], w->journal_sz[f] = other->journal_sz[f]);
  assert_int_equal(reopen(w, w->files), CF_REFUSE_ROOT); /* at once: before anything of the snapshot is believed */
  assert_int_equal(reopen(other, other->files), CF_REFUSE_NONE); /* where it belongs it opens */
  world_free(w);
  world_free(other);
}

static void
test_a_lapsed_content_is_abandoned(void **state) {
  party_t   p[2];
  world_t  *w = serving(8, p, 2);
  batch_t   b;
  cf_span_t item, late;
  net(w, p, 300, 500);
  idle(w, 2);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, &late), 1);
  uint8_t  zero[32] = { 0 };
  uint64_t until    = content_meta(late).valid_until_s;
  assert_int_equal(ledger_wait(w, until - w->now_s), CF_REFUSE_NONE); /* a final block at this time may still hold it */
  one_batch(w, NULL, 0, &b);
  assert_memory_equal(b.doc.abandon, zero, 32);
  assert_int_equal(ledger_wait(w, 1), CF_REFUSE_NONE);
  one_batch(w, NULL, 0, &b); /* abandons, and closes the window anew */
  assert_memory_not_equal(b.doc.abandon, zero, 32);
  one_batch(w, NULL, 0, &b);
  one_batch(w, NULL, 0, &b);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, &item), 1);
  settle(w, item);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  one_batch(w, NULL, 0, &b);
  assert_int_equal(w->history.sequence, b.doc.sequence);
  world_free(w);
}

static void
test_refusals_at_once(void **state) {
  world_t  *w = world_new(9, false);
  party_t   p[1];
  batch_t   b;
  bootstrap(w);
  party_init(w, &p[0], 1);
  fund(w, p, 1, 1000);
  one_batch(w, NULL, 0, &b);
  cf_span_t first = obligation(w, &p[0], 1, 0, 1), next = obligation(w, &p[0], 1, 0, 1);
  uint8_t   altered[4096], junk[3] = { 1, 2, 3 };
  memcpy(altered, next.ptr, next.len);
  altered[next.len - 1] ^= 1;
  cf_span_t env[] = { CF_SPAN(junk, 3), next, first, first, CF_SPAN(altered, next.len), next, next };
  one_batch(w, env, 7, &b);
  struct { uint16_t at; uint8_t class;
  } const want[] = {{0, CF_REFUSE_MALFORMED},
                    {1, CF_REFUSE_SESSION_UNKNOWN},
                    {3, CF_REFUSE_REPLAYED},
                    {4, CF_REFUSE_UNAUTHENTIC},
                    {6, CF_REFUSE_REPLAYED}};
  assert_int_equal(b.refused_cnt, 5);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(b.refused_at[i], want[i].at);
    assert_int_equal(b.refused_class[i], want[i].class);
  }
  assert_int_equal(b.doc.inputs, 2);
  /* a message out of its phase, and one that is none */
  assert_int_equal(ask(w, CF_MSG_FENCE, CF_SPAN(NULL, 0)), CF_REFUSE_PHASE);
  assert_int_equal(ask(w, CF_MSG_BOOT, CF_SPAN(NULL, 0)), CF_REFUSE_PHASE);
  assert_int_equal(ask(w, (cf_message_type_t)99, CF_SPAN(NULL, 0)), CF_REFUSE_MALFORMED);
  world_free(w);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_whole_life),
    cmocka_unit_test(test_nothing_before_the_quorum),
    cmocka_unit_test(test_restart_replays_and_goes_on),
    cmocka_unit_test(test_older_disk_is_refused),
    cmocka_unit_test(test_twin_stops_the_old_one),
    cmocka_unit_test(test_planted_files_are_refused),
    cmocka_unit_test(test_a_planted_machine_is_refused),
    cmocka_unit_test(test_a_lapsed_content_is_abandoned),
    cmocka_unit_test(test_refusals_at_once),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
