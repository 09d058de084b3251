// link: ledger session translog
/* What the enclave is shown, and by whom: checkpoints that go back or aside, views of other keys, blocks and heads; and how much
   of it. */
#include "life.h"

#include <time.h>

/* ---- the log ---- */

static cf_refuse_t
show_raw(world_t *w, uint64_t first, uint32_t count, cf_span_t entries, cf_span_t note) {
  uint8_t *buf = malloc(entries.len + note.len + 64);
  cf_wr_t  wr  = cf_wr_init(buf, entries.len + note.len + 64);
  cf_wr_u64(&wr, first);
  cf_wr_u32(&wr, count);
  cf_wr_span(&wr, entries);
  if (note.ptr) w_span(&wr, note);
  cf_refuse_t r = ask(w, CF_MSG_SHOW_LOG, cf_wr_out(&wr));
  free(buf);
  return r;
}

static tlog_t *
other_log(world_t const *w, uint64_t at) {
  tlog_t *other = malloc(sizeof *other);
  *other        = w->log;
  for (; at < other->size; at++) {
    other->entry[at] = CF_SPAN_LIT("another entry");
    other->leaf[at]  = cf_tree_leaf(other->entry[at]);
  }
  return other;
}

static void
test_checkpoints(void **state) {
  party_t  p[2];
  world_t *w = serving(60, p, 2);
  idle(w, 2);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  uint64_t size = w->log.size;
  tlog_t  *fork = other_log(w, size - 1);
  assert_int_equal(show_raw(w, size, 0, CF_SPAN(NULL, 0), note_of(w, fork, size, 15)),
                   CF_REFUSE_PROOF); /* equal size, other root */
  assert_int_equal(show_raw(w, size, 0, CF_SPAN(NULL, 0), note_of(w, &w->log, size - 1, 15)), CF_REFUSE_PROOF);   /* going back */
  assert_int_equal(show_raw(w, size - 1, 0, CF_SPAN(NULL, 0), note_of(w, &w->log, size, 15)),
                   CF_REFUSE_PROOF); /* from elsewhere */
  assert_int_equal(show_raw(w, size, 0, CF_SPAN(NULL, 0), note_of(w, &w->log, size, 15)),
                   CF_REFUSE_NONE); /* again: nothing new */
  assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), 0);
  uint8_t const two[] = { 0, 1, 7, 0, 9 };
  assert_int_equal(show_raw(w, size, 1, CF_SPAN(two, 2), CF_SPAN(NULL, 0)),
                   CF_REFUSE_MALFORMED); /* an entry longer than the message */
  assert_int_equal(show_raw(w, size, UINT32_MAX, CF_SPAN(two, 3), CF_SPAN(NULL, 0)),
                   CF_REFUSE_MALFORMED); /* fewer than it says */
  assert_int_equal(show_raw(w, size, 1, CF_SPAN(two, 5), CF_SPAN(NULL, 0)), CF_REFUSE_MALFORMED);          /* no note span */
  assert_int_equal(show_raw(w, UINT64_MAX, 0, CF_SPAN(NULL, 0), CF_SPAN("", 0)), CF_REFUSE_PROOF);
  /* what was read without its note, and then not continued, counts for nothing */
  assert_int_equal(show_raw(w, size, 1, CF_SPAN(two, 3), CF_SPAN("", 0)), CF_REFUSE_NONE);
  assert_int_equal(show_raw(w, size, 0, CF_SPAN(NULL, 0), CF_SPAN("", 0)), CF_REFUSE_PROOF);
  idle(w, 1);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  free(fork);
  world_free(w);
}

/* The journal remembers the checkpoints that its records name: no older and no other one after a restart. */
static void
test_checkpoints_over_a_restart(void **state) {
  party_t  p[2];
  world_t *w = serving(61, p, 2);
  idle(w, 3);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  uint64_t seen = w->log.size;
  idle(w, 1); /* names it */
  enclave_end(w);
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
  uint64_t from = w->fed;
  tlog_t  *fork = other_log(w, seen - 1);
  assert_int_equal(show_log(w, fork, fork->size, 15), CF_REFUSE_PROOF);
  assert_int_equal(show_log(w, &w->log, seen - 1, 15), CF_REFUSE_PROOF);
  w->fed = from;
  assert_int_equal(show(w), CF_REFUSE_NONE);
  free(fork);
  world_free(w);
}

/* Nothing is fed before the journal is read. */
static void
test_no_log_before_the_book(void **state) {
  party_t  p[2];
  world_t *w = serving(62, p, 2);
  enclave_end(w);
  enclave_start(w, true);
  assert_int_equal(show(w), CF_REFUSE_PHASE);
  enclave_end(w);
  assert_int_equal(reopen(w, 0), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_PHASE);
  world_free(w);
}

/* ---- the ledger ---- */

typedef struct {
  cf_block_header_t header;
  cf_addr_t         key;
  size_t            room;  /* bytes for messages: few, and it is a part */
  uint64_t          first; /* message */
} shown_t;

static shown_t
newest(world_t *w) {
  shown_t s = { .header = w->chain.head, .room = CF_VIEW_MAX, .first = w->view_messages };
  memcpy(s.key.b, cf_history_newest(&w->history)->settlement, 20);
  return s;
}

/* show_block shows s as final: the observers lie about whatever differs from the chain. */
static cf_refuse_t
show_block(world_t *w, shown_t const *s, uint64_t *taken) {
  uint8_t                 proof_buf[CF_FINALITY_PROOF_MAX], *buf = malloc(CF_VIEW_MAX + 8);
  cf_wr_t                 pw = cf_wr_init(proof_buf, sizeof proof_buf), wr = cf_wr_init(buf + 4, CF_VIEW_MAX);
  cf_finality_t           f = {
                .number = s->header.number, .block_hash = cf_block_hash(&s->header), .time_s = s->header.time_s, .log_size = 1};
  cf_finality_statement_t statement;
  cf_finality_proof_t     p;
  cf_hash_t               keys[2] = { cf_slot_bucket(0), cf_slot_bucket(1) };
  assert_int_equal(cf_finality_sign(&statement, &w->ledger_id, &f, 0, w->observer), CF_OK);
  assert_int_equal(cf_finality_proof_make(&p, &statement, 1, 1), CF_OK);
  cf_finality_proof_write(&pw, &p);
  assert_int_equal(
      cf_view_write(&wr, &w->chain, cf_wr_out(&pw), &s->key, keys, 2, cf_ledger_state_messages(w->chain.state), NULL), CF_OK);
  wr = cf_wr_init(buf + 4, s->room < CF_VIEW_MAX - wr.len ? wr.len + s->room : CF_VIEW_MAX);
  assert_int_equal(cf_view_write(&wr, &w->chain, cf_wr_out(&pw), &s->key, keys, 2, s->first, taken), CF_OK);
  cf_wr_t header = cf_wr_init(buf + 5, CF_BLOCK_HEADER_SZ), head = cf_wr_init(buf, 4);
  cf_block_header_write(&header, &s->header);
  cf_wr_u32(&head, (uint32_t)wr.len);
  cf_refuse_t r = ask(w, CF_MSG_SHOW_LEDGER, CF_SPAN(buf, wr.len + 4));
  free(buf);
  return r;
}

static void
test_views(void **state) {
  party_t  p[2];
  world_t *w = serving(63, p, 2);
  shown_t  s = newest(w);
  uint64_t block = read_status(w).block, folded = w->view_messages;
  assert_int_equal(show_block(w, &s, NULL), CF_REFUSE_NONE); /* the same again changes nothing */
  s.first = 0;
  assert_int_equal(show_block(w, &s, NULL), CF_REFUSE_NONE);
  s.header.number--; /* an older one, whatever it holds */
  assert_int_equal(show_block(w, &s, NULL), CF_REFUSE_NONE);
  assert_int_equal(read_status(w).block, block);
  assert_int_equal(read_status(w).messages, folded);

  w->now_s += 5;
  ledger_block(w, NULL, 0);
  s = newest(w);
  s.key.b[3] ^= 1;
  assert_int_equal(show_block(w, &s, NULL), CF_REFUSE_PROOF); /* of another key */
  s = newest(w);
  s.header.state_root.b[0] ^= 1;
  assert_int_equal(show_block(w, &s, NULL), CF_REFUSE_PROOF); /* its slots are not the block's */
  s       = newest(w);
  s.first = 1;
  assert_int_equal(show_block(w, &s, NULL), CF_REFUSE_PROOF); /* messages left out */
  uint8_t const garbage[8] = { 0, 0, 0, 4, 1, 2, 3, 4 };
  assert_int_equal(ask(w, CF_MSG_SHOW_LEDGER, CF_SPAN(garbage, 8)), CF_REFUSE_PROOF);
  assert_int_equal(ask(w, CF_MSG_SHOW_LEDGER, CF_SPAN(garbage, 7)), CF_REFUSE_MALFORMED);
  assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_SERVING);
  s = newest(w);
  assert_int_equal(show_block(w, &s, NULL), CF_REFUSE_NONE);
  idle(w, 1);
  world_free(w);
}

static void
test_a_forked_block(void **state) {
  for (int seen = 0; seen < 2; seen++) {
    party_t  p[2];
    world_t *w = serving(64, p, 2);
    if (seen) {
      w->now_s += 5;
      ledger_block(w, NULL, 0);
    }
    shown_t s = newest(w);
    if (seen) s.header.time_s -= 100; /* higher, and earlier */
    else s.header.state_root.b[0] ^= 1; /* two blocks of one number, both final */
    assert_int_equal(show_block(w, &s, NULL), CF_REFUSE_VIEW);
    assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_STOPPED);
    assert_int_equal(show(w), CF_REFUSE_VIEW);
    world_free(w);
  }
}

/* Verifiers register a key of their own, and it moves the head: no content of ours did. */
static void
test_an_unknown_head(void **state) {
  party_t                  p[2];
  world_t                 *w = serving(65, p, 2);
  uint8_t                  thief[32];
  cf_history_boot_t const *b = cf_history_newest(&w->history);
  cf_registration_terms_t  t = {.epoch = b->index + 1,
                                .policy = 1,
                                .not_before_s = w->now_s,
                                .not_after_s = w->now_s + 3600,
                                .fence = 0,
                                .log_index = 1,
                                .council = 1};
  cf_op_t reg = { .kind = CF_OP_REGISTER, .sigs.cnt = 1 };
  cf_k256_scalar_make(thief, &w->entropy);
  assert_int_equal(cf_k256_addr(&reg.registration.key, thief), CF_OK);
  reg.registration.terms    = cf_registration_terms_pack(&t);
  reg.registration.instance = b->instance;
  memcpy(reg.registration.measurement.b, w->policy.measurements[0].measurement, 32);
  cf_hash_t digest = cf_registration_digest(&w->ledger_id.separator, &w->domain, &reg.registration),
            possession = cf_possession_digest(&w->ledger_id.separator, &digest);
  assert_int_equal(cf_k256_sign(reg.sigs.at[0].sig, w->verifier, &digest), CF_OK);
  assert_int_equal(cf_k256_sign(reg.sig, thief, &possession), CF_OK);
  ledger_act(w, &reg, NULL, 0);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);

  cf_settlement_meta_t meta = {
      .sequence = 1, .as_of_s = w->now_s, .valid_until_s = w->now_s + 30, .policy = 1, .mode = CF_MODE_NET};
  cf_settlement_t      s    = { .meta = cf_settlement_meta_pack(&meta), .prev_head = cf_settlement_head0(&w->ledger_id.separator),
                                .entries = cf_settlement_entries(CF_SPAN("", 0)) };
  cf_op_t              op   = { .kind = CF_OP_SETTLE, .meta = s.meta };
  digest                    = cf_settlement_digest(&w->ledger_id.separator, &s);
  assert_int_equal(cf_k256_sign(op.sig, thief, &digest), CF_OK);
  w->now_s++;
  ledger_act(w, &op, NULL, 0);
  assert_int_equal(show_ledger(w), CF_REFUSE_VIEW);
  assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_STOPPED);
  world_free(w);
}

/* A block whose messages come in parts counts when the last is there; one that is given up begins again. */
static void
test_partial_views(void **state) {
  party_t   p[4];
  batch_t   b;
  cf_span_t item;
  world_t  *w = serving(66, p, 2);
  for (uint32_t i = 2; i < 4; i++) party_init(w, &p[i], i + 1);
  cf_span_t calls[8];
  uint32_t  k = 0;
  for (uint32_t i = 2; i < 4; i++) {
    cf_op_t open = {.kind = CF_OP_OPEN}, lane = {.kind = CF_OP_OPEN_LANE, .id = i + 1},
            dep = {.kind = CF_OP_DEPOSIT, .id = i + 1, .units = 50};
    assert_int_equal(cf_k256_addr(&open.addr, p[i].scalar), CF_OK);
    calls[k++] = call_of(w, &open, NULL, 0);
    calls[k++] = call_of(w, &lane, NULL, 0);
    calls[k++] = call_of(w, &dep, w->treasury, i);
  }
  w->now_s++;
  ledger_block(w, NULL, 0);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE); /* whole, and not applied yet */
  ledger_block(w, calls, k);
  shown_t  s = newest(w);
  uint64_t taken, parts = 0;
  uint64_t all = cf_ledger_state_messages(w->chain.state), begin = s.first;
  s.room       = 40;
  for (int round = 0; round < 2; round++) { /* given up after one part, then whole */
    for (s.first = begin; s.first < all; s.first += taken, parts++) {
      uint64_t block = read_status(w).block;
      assert_int_equal(show_block(w, &s, &taken), CF_REFUSE_NONE);
      assert_true(taken > 0);
      if (s.first + taken < all) assert_int_equal(read_status(w).block, block); /* not yet */
      if (!round) break;
      if (s.first == begin) one_batch(w, NULL, 0, &b); /* a batch in between applies what was whole, and nothing of it */
    }
  }
  assert_true(parts > 2);
  w->view_messages = all;
  idle(w, 1);
  cf_span_t env[2] = { obligation(w, &p[2], 4, 0, 50), obligation(w, &p[3], 3, 0, 20) };
  one_batch(w, env, 2, &b);
  idle(w, 2);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, &item), 1);
  settle(w, item);
  assert_int_equal(lane_of(w, 4, 0, false), 80);
  world_free(w);
}

/* ---- how much ---- */

static uint64_t tune_batch_max, tune_envelope_max;
static void
tune_sizes(cf_policy_t *p, cf_clearing_params_t *c, cf_configuration_t *conf) {
  conf->batch_max    = tune_batch_max;
  conf->envelope_max = tune_envelope_max;
}

static size_t
size_under(uint64_t batch_max, uint64_t envelope_max) {
  static uint8_t buf[128 << 10];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  tune_batch_max    = batch_max;
  tune_envelope_max = envelope_max;
  world_tune        = tune_sizes;
  world_t *w        = world_new(67, true);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_START);
  w_span(&wr, CF_SPAN(w->configuration, w->configuration_sz));
  w_span(&wr, w->genesis_entry);
  cf_wr_bytes(&wr, w->policy.measurements[0].measurement, 32);
  cf_wr_u8(&wr, 0);
  cf_error_t err = { 0 };
  size_t     n   = cf_enclave_sz(cf_wr_out(&wr), &err);
  if (!n) assert_int_equal(err.status, CF_ERR_BOUND);
  world_tune = NULL;
  world_free(w);
  return n;
}

/* A configuration whose fullest batch and its answer would not fit an exchange is refused at START, and below that every batch does. */
static void
test_the_largest_batch(void **state) {
  assert_int_equal(size_under(4096, 65536), 0);
  assert_int_equal(size_under(280, 33100), 0);
  assert_true(size_under(4096, 1900) > 0);
  assert_true(size_under(1, 512) > 0);
  world_tune        = tune_sizes;
  tune_batch_max    = 240;
  tune_envelope_max = 33100;
  party_t  p[1];
  world_t *w    = serving(68, p, 1);
  world_tune    = NULL;
  uint8_t *body = calloc(1, 30000), *big = malloc(CF_ENVELOPE_MAX), *msg = malloc(CF_FRAME_MAX);
  cf_wr_t  wr = cf_wr_init(msg, CF_FRAME_MAX);
  cf_wr_u16(&wr, 241);
  for (int i = 0; i < 241; i++) {
    cf_wr_t env = cf_wr_init(big, CF_ENVELOPE_MAX);
    if (i) {
      assert_int_equal(
          cf_session_seal(&p[0].session, &env, &ciphers, &w->domain, p[0].jurisdiction, ++p[0].order, CF_SPAN(body, 30000)),
          CF_OK);
      w_span(&wr, cf_wr_out(&env));
    } else {
      w_span(&wr, obligation(w, &p[0], 1, 0, 1));
    }
  }
  assert_false(wr.bad);
  assert_int_equal(ask(w, CF_MSG_BATCH, cf_wr_out(&wr)), CF_REFUSE_BOUND); /* one too many */
  size_t one = 4 + CF_SPAN(msg, wr.len).len; /* drop the last: all session envelopes have one size */
  cf_rd_t rd = cf_rd_init(msg + 2, wr.len - 2);
  for (int i = 0; i < 240; i++) (void)r_span(&rd);
  one    = 2 + rd.pos;
  msg[0] = 240 >> 8, msg[1] = 240 & 255;
  assert_int_equal(ask(w, CF_MSG_BATCH, CF_SPAN(msg, one)), CF_REFUSE_NONE);
  rd = cf_rd_span(w->body);
  assert_int_equal(cf_rd_u16(&rd), 0); /* all admitted */
  assert_true(r_span(&rd).len > one - 2);
  assert_int_equal(ask(w, CF_MSG_BATCH, CF_SPAN(msg, one - 1)), CF_REFUSE_MALFORMED);
  assert_int_equal(ask(w, CF_MSG_BATCH, CF_SPAN(msg, 1)), CF_REFUSE_MALFORMED);
  assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_SERVING);
  free(body);
  free(big);
  free(msg);
  world_free(w);
}

/* Receipts without a content have a bound: a heartbeat comes before it, and near it only what leads out of it goes on. */
static void
test_receipts_without_a_content(void **state) {
  enum { MAX = 16384, RESERVE = 64 };
  party_t   p[2];
  batch_t   b;
  cf_span_t item;
  world_t  *w = serving(69, p, 2);
  while (w->history.sequence < MAX / 2) {
    w->journal_sz[w->files] = 0;
    idle(w, 1);
    if (w->history.sequence % 1024 == 0) assert_int_equal(show(w), CF_REFUSE_NONE);
  }
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, NULL), 0);
  idle(w, 2);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, &item), 1);
  settle(w, item);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 1);
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_NONE);
  world_free(w);
}

static void
test_draining(void **state) {
  party_t  p[2];
  batch_t  b;
  world_t *w = serving(70, p, 2);
  net(w, p, 10, 20);
  idle(w, 2);
  assert_int_equal(ask(w, CF_MSG_DRAIN, CF_SPAN("x", 1)), CF_REFUSE_BOUND);
  assert_int_equal(ask(w, CF_MSG_DRAIN, CF_SPAN(NULL, 0)), CF_REFUSE_NONE);
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_PHASE);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, NULL), 1);
  assert_int_equal(take_snapshot(w), CF_REFUSE_NONE);
  restart(w);
  world_free(w);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_checkpoints),       cmocka_unit_test(test_checkpoints_over_a_restart),
    cmocka_unit_test(test_no_log_before_the_book), cmocka_unit_test(test_views),
    cmocka_unit_test(test_a_forked_block),    cmocka_unit_test(test_an_unknown_head),
    cmocka_unit_test(test_partial_views),     cmocka_unit_test(test_the_largest_batch),
    cmocka_unit_test(test_receipts_without_a_content), cmocka_unit_test(test_draining),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
