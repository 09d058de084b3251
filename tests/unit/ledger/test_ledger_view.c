/* Finality statements, their proofs, and ledger views. */
#include "ledger_world.h"

#include "ledger/cf_view.h"

typedef struct {
  world_t             *w;
  cf_chain_t           chain;
  cf_ledger_identity_t id;
  actor_t              observer[4];
  cf_seats_t           council; /* 3 of 4 */
  cf_finality_t        final;   /* of the newest block */
  uint8_t              view[CF_VIEW_MAX + 64];
} watch_t;

static uint8_t scratch[CF_BLOCK_MAX];

static void statement(watch_t *t, cf_finality_statement_t *s, unsigned observer, uint64_t log_size, char const *log_root) {
  cf_finality_t f = t->final;
  f.log_size      = log_size;
  f.log_root      = hash_of(log_root);
  assert_int_equal(cf_finality_sign(s, &t->id, &f, (uint8_t)observer, t->observer[observer].scalar), CF_OK);
}

static int setup(void **state) {
  watch_t *t = calloc(1, sizeof *t);
  cf_wr_t  wr = cf_wr_init(scratch, sizeof scratch);
  t->w        = world_new();
  cf_chain_init(&t->chain);
  assert_int_equal(cf_chain_found(&t->chain, &wr, &t->w->g, t->w->block_key.scalar, NULL), CF_OK);
  t->id = (cf_ledger_identity_t){ .chain_id  = t->chain.genesis.config.chain_id,
                                  .contract  = t->chain.genesis.config.contract,
                                  .separator = t->chain.genesis.config.separator };
  for (unsigned i = 0; i < 4; i++) t->observer[i] = actor("observer", i);
  t->council = seats(t->observer, 3, 4);
  t->final   = (cf_finality_t){ .number = 0, .block_hash = t->chain.hash, .time_s = T0 };
  *state     = t;
  return 0;
}

static int teardown(void **state) {
  watch_t *t = *state;
  cf_chain_fini(&t->chain);
  world_free(t->w);
  free(t);
  return 0;
}

/* A block of n accounts opened, at time_s. */
static void grow(watch_t *t, uint32_t n, uint64_t time_s) {
  static uint32_t serial;
  static uint8_t  body[CF_BLOCK_BODY_MAX];
  cf_wr_t         body_wr = cf_wr_init(body, sizeof body);
  for (uint32_t i = 0; i < n; i++) {
    uint8_t   bytes[64], op_bytes[22];
    cf_addr_t owner = { { 9 } };
    serial++;
    memcpy(owner.b + 16, &serial, 4);
    cf_wr_t wr = cf_wr_init(bytes, sizeof bytes), op_wr = cf_wr_init(op_bytes, sizeof op_bytes);
    cf_op_t op = op_open(owner);
    cf_op_write(&op_wr, &op);
    cf_call_t           call = { .deadline_s = time_s, .op = cf_wr_out(&op_wr) };
    cf_ledger_effects_t fx;
    cf_call_write(&wr, &call);
    assert_int_equal(cf_chain_call(&t->chain, time_s, cf_wr_out(&wr), &fx).code, CF_REFUSAL_NONE);
    cf_wr_u32(&body_wr, (uint32_t)wr.len);
    cf_wr_span(&body_wr, cf_wr_out(&wr));
  }
  cf_wr_t wr = cf_wr_init(scratch, sizeof scratch);
  cf_chain_seal(&t->chain, &wr, time_s, cf_wr_out(&body_wr), n, t->w->block_key.scalar);
  t->final = (cf_finality_t){ .number = t->chain.head.number, .block_hash = t->chain.hash, .time_s = time_s };
}

static cf_finality_proof_t proof_of(watch_t *t) {
  cf_finality_statement_t s[3];
  cf_finality_proof_t     p;
  static char const *const roots[] = { "log of 10", "log of 11", "log of 12" };
  for (unsigned i = 0; i < 3; i++) statement(t, &s[i], i + 1, 10 + i, roots[i]);
  assert_int_equal(cf_finality_proof_make(&p, s, 3, 3), CF_OK);
  return p;
}

/* ---- finality ---- */

static void statements(void **state) {
  watch_t                *t = *state;
  cf_finality_statement_t s, again;
  uint8_t                 buf[CF_FINALITY_STATEMENT_SZ + 1];
  cf_wr_t                 wr = cf_wr_init(buf, sizeof buf);
  statement(t, &s, 2, 7, "log");
  assert_int_equal(cf_finality_check(&s, &t->id, &t->council), CF_OK);
  cf_finality_statement_write(&wr, &s);
  assert_int_equal(wr.len, CF_FINALITY_STATEMENT_SZ);
  assert_int_equal(cf_finality_statement_decode(&again, cf_wr_out(&wr)), CF_OK);
  assert_int_equal(cf_finality_check(&again, &t->id, &t->council), CF_OK);
  assert_int_equal(cf_finality_statement_decode(&again, CF_SPAN(buf, wr.len - 1)), CF_ERR_FORMAT);
  assert_int_equal(cf_finality_statement_decode(&again, CF_SPAN(buf, wr.len + 1)), CF_ERR_FORMAT);
  for (size_t at = 0; at < CF_FINALITY_STATEMENT_SZ; at++) { /* every byte counts */
    buf[at] ^= 1;
    assert_int_equal(cf_finality_statement_decode(&again, cf_wr_out(&wr)), CF_OK);
    assert_int_equal(cf_finality_check(&again, &t->id, &t->council), CF_ERR_AUTH);
    buf[at] ^= 1;
  }
  cf_ledger_identity_t other = t->id; /* neither does it hold for another ledger */
  other.chain_id++;
  assert_int_equal(cf_finality_check(&s, &other, &t->council), CF_ERR_AUTH);
  other = t->id;
  other.contract.b[0] ^= 1;
  assert_int_equal(cf_finality_check(&s, &other, &t->council), CF_ERR_AUTH);
  cf_seats_t removed = t->council;
  memset(removed.member[2].b, 0, 20);
  assert_int_equal(cf_finality_check(&s, &t->id, &removed), CF_ERR_AUTH);
}

static void proofs(void **state) {
  watch_t            *t = *state;
  cf_finality_proof_t p = proof_of(t), q;
  cf_finality_t       f;
  assert_int_equal(cf_finality_proof_verify(&f, &p, &t->id, &t->council, NULL), CF_OK);
  assert_int_equal(f.log_size, 10); /* the smallest named */
  uint8_t buf[CF_FINALITY_PROOF_MAX];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_finality_proof_write(&wr, &p);
  assert_int_equal(cf_finality_proof_decode(&q, cf_wr_out(&wr), NULL), CF_OK);
  assert_int_equal(cf_finality_proof_verify(&f, &q, &t->id, &t->council, NULL), CF_OK);
  for (size_t n = 0; n < wr.len; n++) assert_int_equal(cf_finality_proof_decode(&q, CF_SPAN(buf, n), NULL), CF_ERR_FORMAT);

  for (unsigned fault = 0; fault < 8; fault++) {
    q = p;
    switch (fault) {
    case 0: q.cnt = 2; break;
    case 1: q.cnt = 4; q.at[3] = q.at[2]; q.at[3].observer = 3; break; /* exactly k */
    case 2: q.at[1] = q.at[0]; break;                                   /* one observer twice */
    case 3: { cf_finality_sig_t s = q.at[0]; q.at[0] = q.at[1]; q.at[1] = s; } break;
    case 4: q.number++; break;
    case 5: q.time_s++; break;
    case 6: q.block_hash.b[0] ^= 1; break;
    case 7: q.at[2].log_size++; break;
    }
    assert_int_equal(cf_finality_proof_verify(&f, &q, &t->id, &t->council, NULL), CF_ERR_AUTH);
  }
  cf_finality_statement_t s[4]; /* two roots of one size: the log is forked, and nothing is proven */
  statement(t, &s[0], 0, 10, "log");
  statement(t, &s[1], 1, 10, "another log");
  statement(t, &s[2], 3, 11, "log");
  assert_int_equal(cf_finality_proof_make(&q, s, 3, 3), CF_OK);
  assert_int_equal(cf_finality_proof_verify(&f, &q, &t->id, &t->council, NULL), CF_ERR_AUTH);
}

/* Those that agree are gathered; the newest block that has k wins. */
static void gathering(void **state) {
  watch_t                *t = *state;
  cf_finality_statement_t s[7];
  cf_finality_proof_t     p;
  statement(t, &s[0], 3, 5, "log");
  statement(t, &s[1], 0, 9, "log");
  assert_int_equal(cf_finality_proof_make(&p, s, 2, 3), CF_ERR_POLICY);
  statement(t, &s[2], 2, 7, "log");
  uint64_t old = t->final.number;
  grow(t, 1, T0 + 5);
  statement(t, &s[3], 1, 9, "log");
  statement(t, &s[4], 2, 9, "log");
  assert_int_equal(cf_finality_proof_make(&p, s, 5, 3), CF_OK);
  assert_int_equal(p.number, old);
  assert_true(p.at[0].observer == 0 && p.at[1].observer == 2 && p.at[2].observer == 3);
  statement(t, &s[5], 2, 9, "log"); /* the same observer again does not count twice */
  assert_int_equal(cf_finality_proof_make(&p, s, 6, 3), CF_OK);
  assert_int_equal(p.number, old);
  statement(t, &s[6], 0, 9, "log");
  assert_int_equal(cf_finality_proof_make(&p, s, 7, 3), CF_OK);
  assert_int_equal(p.number, old + 1);
  s[6].finality.block_hash.b[0] ^= 1;
  assert_int_equal(cf_finality_proof_make(&p, s, 7, 3), CF_OK);
  assert_int_equal(p.number, old);
}

/* ---- views ---- */

static cf_addr_t the_key(void) { return actor("settlement key", 1).addr; }

static cf_span_t view_of(watch_t *t, uint64_t first, uint64_t *taken) {
  uint8_t             proof[CF_FINALITY_PROOF_MAX];
  cf_wr_t             proof_wr = cf_wr_init(proof, sizeof proof), wr = cf_wr_init(t->view, CF_VIEW_MAX);
  cf_finality_proof_t p        = proof_of(t);
  cf_addr_t           key      = the_key();
  cf_hash_t const     more[]   = { cf_slot_bucket(0), cf_slot_account(1) };
  cf_finality_proof_write(&proof_wr, &p);
  assert_int_equal(cf_view_write(&wr, &t->chain, cf_wr_out(&proof_wr), &key, more, 2, first, taken), CF_OK);
  return cf_wr_out(&wr);
}

static cf_view_facts_t   facts;
static cf_view_verdict_t verdict;

static cf_status_t check(watch_t *t, cf_view_state_t *seen, cf_span_t view) {
  cf_view_state_t next;
  cf_status_t     st = cf_view_check(&facts, &verdict, &next, seen, view, &t->id, &t->council, NULL);
  if (!st) *seen = next;
  return st;
}

static void views_in_order(void **state) {
  watch_t        *t = *state;
  cf_view_state_t seen = { 0 }, zero = { 0 };
  grow(t, 3, T0 + 5);
  cf_span_t view = view_of(t, 0, NULL);
  assert_int_equal(check(t, &seen, view), CF_OK);
  assert_int_equal(verdict, CF_VIEW_COMPLETE);
  cf_hash_t inbox_slot = cf_slot_plain(CF_SLOT_INBOX), inbox = cf_ledger_state_get(t->chain.state, &inbox_slot);
  assert_true(cf_hash_eq(&facts.inbox, &inbox) && cf_hash_eq(&seen.inbox, &inbox) && seen.messages == 3);
  cf_hash_t head0 = cf_settlement_head0(&t->id.separator);
  assert_true(cf_hash_eq(&facts.head, &head0));
  assert_int_equal(facts.number, 1);
  assert_int_equal(facts.time_s, T0 + 5);
  assert_int_equal(facts.finality.log_size, 10);
  assert_int_equal(facts.key.state, CF_KEY_UNKNOWN);
  assert_int_equal(facts.status.policy_b, 1);
  assert_int_equal(facts.counters.next_account, 4);
  cf_hash_t value, account = cf_slot_account(1), lanes = cf_slot_lanes(0);
  assert_true(cf_view_slot(&facts, &account, &value) && !cf_word_is_zero(&value));
  assert_false(cf_view_slot(&facts, &lanes, &value));
  size_t  n  = 0;
  cf_rd_t rd = cf_rd_span(facts.messages);
  while (cf_rd_left(&rd)) {
    cf_inbox_msg_t m = cf_inbox_msg_read(&rd);
    assert_true(m.kind == CF_INBOX_OPENED && m.id == ++n && m.time_s == T0 + 5);
  }
  assert_int_equal(n, 3);

  assert_int_equal(check(t, &seen, view), CF_ERR_STALE); /* repeated */
  assert_int_equal(verdict, CF_VIEW_OLD);
  static uint8_t first[CF_VIEW_MAX];
  size_t         first_sz = view.len;
  memcpy(first, view.ptr, view.len);
  grow(t, 0, T0 + 5);
  assert_int_equal(check(t, &seen, view_of(t, 3, NULL)), CF_OK); /* nothing happened */
  assert_int_equal(check(t, &seen, CF_SPAN(first, first_sz)), CF_ERR_STALE); /* older */
  assert_int_equal(verdict, CF_VIEW_OLD);
  grow(t, 2, T0 + 6);
  assert_int_equal(check(t, &seen, view_of(t, 0, NULL)), CF_ERR_FORMAT); /* messages told twice */
  assert_int_equal(check(t, &seen, view_of(t, 5, NULL)), CF_ERR_FORMAT); /* messages left out */
  assert_int_equal(check(t, &seen, view_of(t, 3, NULL)), CF_OK);
  assert_int_equal(seen.messages, 5);
  assert_int_equal(check(t, &zero, view_of(t, 0, NULL)), CF_OK); /* the same for one that starts now */
  assert_int_equal(zero.messages, 5);
}

static void no_byte_of_a_view_is_loose(void **state) {
  watch_t *t = *state;
  grow(t, 2, T0 + 5);
  cf_span_t view = view_of(t, 0, NULL);
  size_t    complete = 0;
  for (size_t at = 0; at < view.len; at += at < 700 ? 1 : 7) {
    cf_view_state_t seen = { 0 };
    t->view[at] ^= 1;
    cf_status_t st = check(t, &seen, view);
    cf_addr_t key = the_key(); /* of another key it may well prove that it is not registered: facts name the key */
    complete += st == CF_OK && verdict == CF_VIEW_COMPLETE && cf_addr_eq(&facts.key_addr, &key);
    t->view[at] ^= 1;
  }
  assert_int_equal(complete, 0);
  cf_view_state_t seen = { 0 };
  assert_int_equal(check(t, &seen, CF_SPAN(view.ptr, view.len - 1)), CF_ERR_FORMAT);
  assert_int_equal(check(t, &seen, CF_SPAN(t->view, CF_VIEW_MAX + 1)), CF_ERR_BOUND);
  assert_int_equal(check(t, &seen, CF_SPAN_LIT("\x02")), CF_ERR_UNSUPPORTED);
  assert_int_equal(check(t, &seen, view), CF_OK);
}

/* A block made by a block key that lies: as final as the observers say, and refused as a fork. */
static void forks_halt(void **state) {
  watch_t        *t = *state, *u;
  cf_view_state_t seen = { 0 };
  void           *other;
  grow(t, 1, T0 + 9);
  assert_int_equal(check(t, &seen, view_of(t, 0, NULL)), CF_OK);
  setup(&other);
  u = other;
  grow(u, 2, T0 + 9); /* height 1, again */
  assert_int_equal(check(u, &seen, view_of(u, 0, NULL)), CF_ERR_POLICY);
  assert_int_equal(verdict, CF_VIEW_FORKED);
  teardown(&other);
  setup(&other);
  u = other;
  grow(u, 1, T0 + 5);
  grow(u, 1, T0 + 8); /* higher, and earlier */
  assert_int_equal(check(u, &seen, view_of(u, 1, NULL)), CF_ERR_POLICY);
  assert_int_equal(verdict, CF_VIEW_FORKED);
  u->final.number++; /* a proof of another height that names this block */
  assert_int_equal(check(u, &seen, view_of(u, 1, NULL)), CF_ERR_AUTH);
  u->final.number--;
  u->council.k = 4; /* what is not proven final is no fork */
  assert_int_equal(check(u, &seen, view_of(u, 1, NULL)), CF_ERR_AUTH);
  assert_int_equal(verdict, CF_VIEW_BAD);
  teardown(&other);
}

static void long_backlogs_come_in_parts(void **state) {
  watch_t *t = *state;
  enum { ALL = 12 * 1500 };
  for (int i = 0; i < 12; i++) grow(t, 1500, T0 + 5); /* messages of 30 bytes: more than two views hold */
  cf_view_state_t seen = { 0 };
  uint64_t        taken, total = 0, parts = 0;
  do {
    cf_span_t view = view_of(t, total, &taken);
    assert_true(view.len <= CF_VIEW_MAX);
    assert_int_equal(check(t, &seen, view), CF_OK);
    assert_int_equal(facts.first, total);
    total += taken;
    parts++;
    assert_int_equal(verdict, total == ALL ? CF_VIEW_COMPLETE : CF_VIEW_PARTIAL);
    assert_int_equal(seen.any, total == ALL); /* asOf counts when all is folded, not before */
  } while (total < ALL);
  assert_true(parts >= 3);
  assert_int_equal(seen.messages, ALL);
  assert_false(seen.partial);

  cf_view_state_t again = { 0 }; /* begun, dropped for a newer block, begun anew */
  assert_int_equal(check(t, &again, view_of(t, 0, &taken)), CF_OK);
  assert_true(again.partial);
  assert_int_equal(check(t, &again, view_of(t, 0, &taken)), CF_OK); /* the same part once more: anew, not on top */
  assert_int_equal(again.part_messages, taken);
  grow(t, 1, T0 + 6);
  assert_int_equal(check(t, &again, view_of(t, taken, NULL)), CF_ERR_FORMAT); /* of another block: not a continuation */
  total = 0;
  do {
    assert_int_equal(check(t, &again, view_of(t, total, &taken)), CF_OK);
    total += taken;
  } while (!again.any);
  assert_int_equal(total, ALL + 1);

  cf_view_state_t fresh = { 0 };
  cf_span_t view = view_of(t, 0, &taken); /* a message changed in a part: it never completes */
  t->view[view.len - 1] ^= 1;
  assert_int_equal(check(t, &fresh, view), CF_OK);
  assert_int_equal(verdict, CF_VIEW_PARTIAL);
  for (total = taken; total < ALL + 1; total += taken) assert_int_equal(check(t, &fresh, view_of(t, total, &taken)), CF_OK);
  assert_false(fresh.any);
  assert_int_equal(verdict, CF_VIEW_PARTIAL);
  assert_int_equal(check(t, &fresh, view_of(t, ALL + 1, NULL)),
                   CF_ERR_AUTH); /* nothing is left to say, and it does not lead there */

  cf_view_state_t mute = { 0 };
  grow(t, 1, T0 + 7);
  cf_view_state_t done = again;
  view = view_of(t, ALL + 1, NULL);
  assert_int_equal(check(t, &done, CF_SPAN(view.ptr, view.len - 30)), CF_ERR_AUTH); /* the one message withheld */
  assert_int_equal(check(t, &done, view), CF_OK);
  mute.messages = 1;
  assert_int_equal(check(t, &mute, view), CF_ERR_FORMAT);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  struct CMUnitTest const tests[] = {
    T(statements),
    T(proofs),
    T(gathering),
    T(views_in_order),
    T(no_byte_of_a_view_is_loose),
    T(forks_halt),
    T(long_backlogs_come_in_parts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
