/* The observer against a real ledger and a real log. */
#include "council_world.h"

static world_t *w;

static void observer_step(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_observer_step(core, fx, ev); }

/* A process life: what is in the folder stays. */
static void observer_start(void) {
  cf_error_t err = {0};
  if (w->node[MEMBER].core) cf_observer_fini(&w->observer);
  assert_int_equal(
      cf_observer_init(
          &w->observer,
          &(cf_observer_config_t){
              .domain = &w->domain, .gateway = PEER_GATEWAY, .ledger = PEER_LEDGER, .member = 1, .scalar = w->member_scalar.b},
          &err),
      CF_OK);
  w->node[MEMBER].core = &w->observer;
  w->node[MEMBER].step = observer_step;
  start(w, MEMBER);
}

static int set_up(void **state) {
  w = calloc(1, sizeof *w);
  example_init(&w->ex);
  world_open(w);
  world_found(w);
  w->member_scalar = example_hash("observer", 1);
  return 0;
}

static int tear_down(void **state) {
  if (w->node[MEMBER].core) cf_observer_fini(&w->observer);
  world_close(w);
  free(w);
  return 0;
}

/* A call that makes a block on that ledger: an account for owner n. */
static void make_block(unsigned ledger, unsigned n) {
  uint8_t   op[64], body[256];
  cf_op_t   open = {.kind = CF_OP_OPEN, .addr = example_addr("owner", n)};
  cf_wr_t   o = cf_wr_init(op, sizeof op), wr = cf_wr_init(body, sizeof body);
  cf_call_t call = {.nonce = n, .deadline_s = w->wall_s + 100000};
  cf_op_write(&o, &open);
  call.op = cf_wr_out(&o);
  cf_wr_u32(&wr, 0);
  cf_call_write(&wr, &call);
  cf_wr_t head = cf_wr_init(body, 4);
  cf_wr_u32(&head, (uint32_t)(wr.len - 4));
  uint64_t before = w->ledgerd[ledger - LEDGER].chain.head.number;
  assert_int_equal(request(w, ledger, "POST /ledger/acts", cf_wr_out(&wr)), 200);
  assert_int_equal(w->ledgerd[ledger - LEDGER].chain.head.number, before + 1);
}

static unsigned finality(uint64_t at_least) {
  uint8_t body[8];
  cf_wr_t wr = cf_wr_init(body, sizeof body);
  cf_wr_u64(&wr, at_least);
  return request(w, MEMBER, "POST /v1/finality", cf_wr_out(&wr));
}

/* The answer is a statement of member 1 for that ledger's newest block and the newest checkpoint. */
static cf_finality_statement_t assert_attests(unsigned ledger) {
  cf_finality_statement_t s;
  cf_chain_t const       *c = &w->ledgerd[ledger - LEDGER].chain;
  cf_seats_t              seats = cf_genesis_seats(cf_genesis_council(&w->domain.genesis, CF_OBSERVERS));
  if (w->code != 200) fail_msg("%u %.*s", w->code, (int)w->answer_len, (char const *)w->answer);
  assert_int_equal(w->answer_len, 1 + CF_FINALITY_STATEMENT_SZ);
  assert_int_equal(w->answer[0], 1);
  assert_int_equal(cf_finality_statement_decode(&s, CF_SPAN(w->answer + 1, w->answer_len - 1)), CF_OK);
  assert_int_equal(cf_finality_check(&s, &w->domain.ledger, &seats), CF_OK);
  assert_int_equal(s.observer, 1);
  assert_int_equal(s.finality.number, c->head.number);
  assert_hash(s.finality.block_hash, c->hash);
  assert_int_equal(s.finality.time_s, c->head.time_s);
  assert_int_equal(s.finality.log_size, w->gate.w.size);
  assert_hash(s.finality.log_root, w->gate.w.root);
  return s;
}

static void test_follows(void **state) {
  observer_start();
  assert_int_equal(finality(0), 200);
  assert_attests(LEDGER);
  for (unsigned n = 0; n < 5; n++) {
    make_block(LEDGER, n);
    if (n == 2)
      (void)log_entry(w, w->ex.deployment_entry), (void)log_entry(w, w->ex.genesis_entry); /* known ones: nothing grows */
    assert_int_equal(finality(n + 1), 200);
    assert_attests(LEDGER);
  }
  assert_int_equal(finality(6), 503);
  assert_refused(w, 503, "observer:behind");
  assert_int_equal(request(w, MEMBER, "POST /v1/finality", CF_SPAN_LIT("1234567")), 400);
  assert_int_equal(request(w, MEMBER, "GET /v1/finality", CF_SPAN(NULL, 0)), 404);
}

/* Its newest checkpoint is the one named, and never an older one. */
static void test_checkpoint(void **state) {
  uint8_t    old[2048], again[4096];
  instance_t i = instance_make(0);
  observer_start();
  cf_span_t note = cf_publisher_note(&w->gate.p);
  memcpy(old, note.ptr, note.len);
  cf_span_t older = CF_SPAN(old, note.len);
  boot(w, &i);
  assert_int_equal(finality(0), 200);
  assert_attests(LEDGER);
  w->gate.forged_note = older;
  finality(0);
  assert_refused(w, 503, "observer:log");
  w->gate.forged_note = CF_SPAN(NULL, 0);

  /* k - 1 cosignatures, a fork of the same size, a stranger's signature */
  cf_hash_t fork = example_hash("fork", 0);
  uint64_t  size = w->gate.w.size;
  w->gate.forged_note = forge_note(w, again, sizeof again, size, &w->gate.w.root, 3, w->wall_s);
  finality(0);
  assert_refused(w, 503, "observer:log");
  assert_int_equal(w->observer.follow.result, CF_FOLLOW_QUORUM);
  w->gate.forged_note = forge_note(w, again, sizeof again, size, &fork, 7, w->wall_s);
  finality(0);
  assert_refused(w, 503, "observer:log");
  assert_int_equal(w->observer.follow.result, CF_FOLLOW_FORK);
  again[w->gate.forged_note.len - 10] ^= 1;
  finality(0);
  assert_int_not_equal(w->observer.follow.result, CF_FOLLOW_OK);
  w->gate.forged_note = CF_SPAN(NULL, 0);
  assert_int_equal(finality(0), 200);
  assert_attests(LEDGER);
  instance_free(&i);
}

/* Two chains by one block key: the second is never attested, neither by the process that knows the first nor after a restart. */
static void test_fork(void **state) {
  observer_start();
  make_block(LEDGER, 0);
  make_block(OTHER_LEDGER, 1);
  assert_int_equal(finality(1), 200);
  assert_attests(LEDGER);
  w->ledger = OTHER_LEDGER;
  assert_int_equal(finality(1), 200); /* it keeps to what it replayed */
  assert_attests(LEDGER);
  make_block(OTHER_LEDGER, 2);
  finality(0);
  assert_refused(w, 403, "observer:fork");
  w->ledger = LEDGER;
  make_block(LEDGER, 2);
  finality(0);
  assert_refused(w, 403, "observer:fork"); /* for ever */

  w->ledger = OTHER_LEDGER;
  observer_start();
  finality(0);
  assert_refused(w, 403, "observer:fork");
  w->ledger = LEDGER;
  observer_start();
  assert_int_equal(finality(0), 200);
  assert_attests(LEDGER);
}

/* The power fails before `log`, before `signed`, and between `signed` and the answer: what was stored binds, whether or not
 * anybody heard it. */
static void test_store_before_answer(void **state) {
  make_block(LEDGER, 0);
  make_block(OTHER_LEDGER, 1);
  static struct {
    size_t puts;
    bool   last;
    bool   bound;
  } const cases[] = {{0, false, false}, {1, false, false}, {2, true, true}};
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++) {
    mem_free(&w->node[MEMBER].dir);
    w->ledger = LEDGER;
    observer_start();
    w->node[MEMBER].puts_left = cases[i].puts;
    w->node[MEMBER].last_put = cases[i].last;
    assert_int_equal(finality(1), 0); /* no answer left */
    assert_true(w->node[MEMBER].dead);
    assert_int_equal(mem_find(&w->node[MEMBER].dir, CF_SPAN_LIT("signed")) != NULL, cases[i].bound);

    mem_dir_t kept = mem_copy(&w->node[MEMBER].dir);
    observer_start(); /* the same ledger: the same block is signed now */
    assert_int_equal(finality(1), 200);
    assert_attests(LEDGER);
    mem_free(&w->node[MEMBER].dir);
    w->node[MEMBER].dir = kept;

    w->ledger = OTHER_LEDGER; /* another one shows another block of that height */
    observer_start();
    finality(1);
    if (cases[i].bound) assert_refused(w, 403, "observer:fork");
    else assert_attests(OTHER_LEDGER);
  }
}

/* An older backup of the ledger: nothing below what was signed. */
static void test_ledger_goes_back(void **state) {
  observer_start();
  make_block(LEDGER, 0);
  make_block(LEDGER, 1);
  assert_int_equal(finality(0), 200);
  make_block(OTHER_LEDGER, 0); /* the same first block: made of the same in the same second */
  w->ledger = OTHER_LEDGER;
  observer_start();
  finality(0);
  assert_refused(w, 503, "observer:behind");
}

static void test_skew(void **state) {
  observer_start();
  assert_int_equal(finality(0), 200);
  w->node[LEDGER].clock_s = CF_BLOCK_SKEW_S; /* just within */
  make_block(LEDGER, 0);
  assert_int_equal(finality(1), 200);
  w->node[LEDGER].clock_s = CF_BLOCK_SKEW_S + 1;
  make_block(LEDGER, 1);
  finality(2);
  assert_refused(w, 503, "observer:skew");
  pass(w, 10); /* it does not become true by waiting */
  finality(2);
  assert_refused(w, 503, "observer:skew");
  w->node[LEDGER].clock_s = 0;
  pass(w, 120);
  make_block(LEDGER, 2);
  assert_int_equal(finality(3), 200);
  assert_attests(LEDGER);

  pass(w, 60); /* watched: there is no further block up to here */
  w->node[LEDGER].clock_s = -CF_BLOCK_SKEW_S;
  make_block(LEDGER, 3);
  assert_int_equal(finality(4), 200);
  pass(w, 90); /* before the next one is due anyway */
  w->node[LEDGER].clock_s = -CF_BLOCK_SKEW_S - 1;
  make_block(LEDGER, 4);
  finality(5);
  assert_refused(w, 503, "observer:skew");
  w->node[LEDGER].clock_s = 0;
  pass(w, 2);
  make_block(LEDGER, 5);
  assert_int_equal(finality(6), 200);
  assert_attests(LEDGER);
}

/* A block that breaks the rules, signed by the block key all the same. */
static void test_rules(void **state) {
  static uint8_t block[CF_BLOCK_MAX];
  observer_start();
  make_block(LEDGER, 0);
  assert_int_equal(finality(1), 200);
  cf_chain_t *c = &w->ledgerd[0].chain;
  cf_wr_t     wr = cf_wr_init(block, sizeof block);
  uint8_t     body[64];
  cf_wr_t     b = cf_wr_init(body, sizeof body);
  cf_wr_u32(&b, 4);
  cf_wr_bytes(&b, "junk", 4);
  cf_chain_seal(c, &wr, w->wall_s, cf_wr_out(&b), 1, w->block_scalar.b);
  mem_put(&w->node[LEDGER].dir, CF_SPAN_LIT("ledger/blocks/00000000000000000002"), cf_wr_out(&wr));
  finality(0);
  assert_refused(w, 403, "observer:rules");
}

/* Block 0 must be the one that genesis says, and the one that entry 1 names. */
static void test_deployment(void **state) {
  static cf_ledger_genesis_t other;
  other = w->domain.block0;
  other.time_s += 1;
  cf_ledgerd_fini(&w->ledgerd[1]);
  mem_free(&w->node[OTHER_LEDGER].dir);
  cf_ledgerd_init(&w->ledgerd[1], &(cf_ledgerd_config_t){.genesis = &other, .scalar = w->block_scalar.b});
  start(w, OTHER_LEDGER);
  w->ledger = OTHER_LEDGER;
  observer_start();
  finality(0);
  assert_refused(w, 403, "observer:deployment");
}

/* A block 0 that the block key did not sign says nothing about the ledger, only about who answered: it is asked for again. */
static void test_no_block_0(void **state) {
  static uint8_t kept[CF_BLOCK_MAX], bad[CF_BLOCK_MAX];
  cf_span_t const name = CF_SPAN_LIT("ledger/blocks/00000000000000000000");
  mem_dir_t      *dir = &w->node[LEDGER].dir;
  size_t          len = mem_find(dir, name)->len, at[] = {0, CF_BLOCK_HEADER_SZ - 1, CF_BLOCK_HEADER_SZ + 7, CF_BLOCK_HEADER_SZ + 64};
  memcpy(kept, mem_find(dir, name)->bytes, len);
  for (size_t i = 0; i < CF_COUNT_OF(at); i++) {
    memcpy(bad, kept, len);
    bad[at[i]] ^= 1;
    mem_put(dir, name, CF_SPAN(bad, len));
    if (!i) observer_start();
    finality(0);
    assert_refused(w, 503, "observer:ledger");
  }
  mem_put(dir, name, CF_SPAN(kept, len));
  pass(w, 2);
  assert_int_equal(finality(0), 200);
  assert_attests(LEDGER);
}

static void test_deployment_entry(void **state) {
  world_t *first = w;
  w = calloc(1, sizeof *w);
  example_init(&w->ex);
  world_open(w);
  w->member_scalar = example_hash("observer", 1);
  cf_hash_t code = example_hash("another block 0", 0);
  observer_start();
  finality(0);
  assert_refused(w, 503, "observer:log"); /* there is no cosigned note at all */
  (void)log_entry(w, w->ex.genesis_entry);
  finality(0);
  assert_refused(w, 503, "observer:starting"); /* nor a deployment */
  example_deploy(&w->ex, &code);
  (void)log_entry(w, w->ex.deployment_entry);
  finality(0);
  assert_refused(w, 403, "observer:deployment");
  (void)tear_down(NULL);
  w = first;
}

static void test_unreachable(void **state) {
  observer_start();
  assert_int_equal(finality(0), 200);
  w->node[LEDGER].down = true;
  finality(0);
  assert_refused(w, 503, "observer:ledger");
  w->node[LEDGER].down = false;
  w->node[GATE].down = true;
  finality(0);
  assert_refused(w, 503, "observer:log");
  w->node[GATE].down = false;
  assert_int_equal(finality(0), 200);
}

/* Its own files are its memory: one that is not what it wrote stops it. */
static void test_own_files(void **state) {
  static char const *const names[] = {"signed", "log"};
  observer_start();
  make_block(LEDGER, 0);
  assert_int_equal(finality(0), 200);
  mem_dir_t good = mem_copy(&w->node[MEMBER].dir);
  for (int i = 0; i < 2; i++) {
    mem_file_t *f = mem_find(&w->node[MEMBER].dir, SPAN_STR(names[i]));
    assert_non_null(f);
    f->len--;
    observer_start();
    assert_int_equal(w->node[MEMBER].exit_code, 1);
    mem_free(&w->node[MEMBER].dir);
    w->node[MEMBER].dir = mem_copy(&good);
  }
  mem_remove(&w->node[MEMBER].dir, CF_SPAN_LIT("log")); /* it knows less of the log than it signed */
  observer_start();
  assert_int_equal(w->node[MEMBER].exit_code, 1);
  mem_free(&w->node[MEMBER].dir);
  w->node[MEMBER].dir = good;
  observer_start();
  assert_int_equal(w->node[MEMBER].exit_code, -1);
  assert_int_equal(finality(1), 200);
  cf_event_t stop = {.kind = CF_EV_STOP};
  step_node(w, MEMBER, &stop);
  assert_int_equal(w->node[MEMBER].exit_code, 0);
}

static void test_init(void **state) {
  cf_observer_config_t cfg = {.domain = &w->domain, .member = 2, .scalar = w->member_scalar.b};
  assert_int_equal(cf_observer_init(&w->observer, &cfg, NULL), CF_ERR_POLICY); /* another member's key */
  cfg.member = 9;
  assert_int_equal(cf_observer_init(&w->observer, &cfg, NULL), CF_ERR_POLICY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  struct CMUnitTest const tests[] = {
      TEST(test_follows),          TEST(test_checkpoint),  TEST(test_fork),      TEST(test_store_before_answer),
      TEST(test_ledger_goes_back), TEST(test_skew),        TEST(test_rules),     TEST(test_deployment), TEST(test_no_block_0),
      TEST(test_deployment_entry), TEST(test_unreachable), TEST(test_own_files), TEST(test_init),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
