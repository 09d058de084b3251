/* The follower: what it believes, what it refuses, and what it keeps. */
#include "council_world.h"

static world_t     *w;
static cf_follow_t *f;
static bool         ended;

static void follow_step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_START) cf_follow_start(core, fx);
  else if (ev->kind == CF_EV_DONE) ended |= cf_follow_step(core, fx, ev) == CF_FOLLOW_ENDED;
}

static void follow_start(void) {
  cf_follow_init(f, &(cf_follow_config_t){.domain = &w->domain, .gateway = PEER_GATEWAY, .id = 5});
  w->node[MEMBER].core = f;
  w->node[MEMBER].step = follow_step;
  ended = false;
  start(w, MEMBER);
  assert_true(ended);
}

static cf_follow_result_t follow(void) {
  ended = false;
  w->step.fx = (cf_effects_t){.scratch = w->big, .scratch_max = sizeof w->big};
  cf_follow_begin(f, &w->step.fx);
  perform(w, MEMBER, &w->step.fx);
  run(w);
  assert_true(ended);
  return f->result;
}

static void assert_believes(uint64_t size) {
  cf_hash_t root;
  assert_int_equal(f->now.head.size, size);
  assert_int_equal(f->now.history.next, size);
  assert_int_equal(cf_logwriter_root(&w->gate.w, &root, size), CF_OK);
  assert_hash(f->now.head.root, root);
}

static int set_up(void **state) {
  w = calloc(1, sizeof *w);
  f = calloc(1, sizeof *f);
  example_init(&w->ex);
  world_open(w);
  world_found(w);
  follow_start();
  return 0;
}

static int tear_down(void **state) {
  world_close(w);
  free(w);
  free(f);
  return 0;
}

/* Entries of no meaning, by the gateway. */
static void fill(unsigned cnt) {
  cf_p256_key_t *key = example_p256("gateway", 0);
  for (unsigned n = 0; n < cnt; n++) {
    cf_promise_t p = {.epoch = 2, .given = T0 + w->gate.w.size, .until = T0 + 5000};
    cf_wr_t      wr = cf_wr_init(BUF);
    cf_document_seal(&wr, NULL, &cf_promise_table, &p, key, "gateway", "promise");
    (void)append(w, cf_wr_out(&wr));
  }
  cf_p256_key_free(key);
  cosign(w);
}

static mem_file_t *file_of(char const *name) {
  mem_file_t *file = mem_find(&w->node[GATE].dir, SPAN_STR(name));
  if (!file) fail_msg("no %s", name);
  return file;
}

static void test_grows(void **state) {
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_believes(2);
  assert_hash(f->now.deployment, w->ledgerd[0].chain.hash);
  assert_int_equal(follow(), CF_FOLLOW_OK); /* nothing new */
  assert_believes(2);
  fill(253); /* one short of a bundle, a whole one, and one more */
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_believes(255);
  fill(1);
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_believes(256);
  fill(300);
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_believes(556);
}

/* A restart goes on where it was: bundles that were read are not asked for again. */
static void test_restart(void **state) {
  instance_t i = instance_make(0);
  boot(w, &i);
  (void)certificate(w, &i);
  results(w, &i);
  fill(300);
  assert_int_equal(follow(), CF_FOLLOW_OK);
  w->gate.missing = "GET /log/tile/entries/000";
  follow_start();
  assert_believes(306);
  assert_int_equal(cf_history_certified(&f->now.history)->index, i.boot);
  assert_int_equal(f->now.before.index, i.boot);
  assert_false(f->now.before.certified);
  assert_int_equal(f->now.head.time_s, w->wall_s);
  fill(3);
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_believes(309);
  mem_remove(&w->node[MEMBER].dir, CF_SPAN_LIT("log"));
  follow_start();
  assert_int_equal(follow(), CF_FOLLOW_UNREACHABLE); /* from the start, and the first bundle is missing */
  w->gate.missing = NULL;
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_believes(309);
  instance_free(&i);
}

/* A partial bundle that was pruned: its full one holds it. */
static void test_pruned(void **state) {
  uint8_t note[8192];
  fill(10);
  cf_span_t newest = cf_publisher_note(&w->gate.p);
  memcpy(note, newest.ptr, newest.len);
  cf_span_t old = CF_SPAN(note, newest.len);
  fill(400);
  mem_remove(&w->node[GATE].dir, CF_SPAN_LIT("log/tile/entries/000.p/12"));
  w->gate.forged_note = old;
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_believes(12);
  w->gate.forged_note = CF_SPAN(NULL, 0);
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_believes(412);
}

/* Whatever is wrong with the entries, nothing is believed, and the next round may be right. */
static void test_entries(void **state) {
  assert_int_equal(follow(), CF_FOLLOW_OK);
  fill(5);
  mem_file_t *bundle = file_of("log/tile/entries/000.p/7");
  uint8_t     last = bundle->bytes[bundle->len - 1];
  bundle->bytes[bundle->len - 1] ^= 1;
  assert_int_equal(follow(), CF_FOLLOW_FORK);
  assert_believes(2);
  bundle->bytes[bundle->len - 1] = last;
  bundle->len--;
  assert_int_equal(follow(), CF_FOLLOW_MALFORMED);
  bundle->len += 1;
  mem_file_t *shorter = file_of("log/tile/entries/000.p/6");
  mem_file_t  kept = *bundle;
  *bundle = *shorter; /* fewer than the name says */
  snprintf(bundle->name, sizeof bundle->name, "log/tile/entries/000.p/7");
  assert_int_equal(follow(), CF_FOLLOW_MALFORMED);
  *bundle = kept;
  assert_believes(2);
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_believes(7);
}

static void test_notes(void **state) {
  uint8_t note[8192];
  fill(5);
  assert_int_equal(follow(), CF_FOLLOW_OK);
  cf_hash_t root = w->gate.w.root, older, fork = example_hash("fork", 0);
  assert_int_equal(cf_logwriter_root(&w->gate.w, &older, 5), CF_OK);
  struct {
    uint64_t           size;
    cf_hash_t         *root;
    unsigned           mask;
    int                spoil; /* which byte from the end */
    cf_follow_result_t want;
  } const cases[] = {
      {7, &root, 7, 0, CF_FOLLOW_OK},          {7, &root, 14, 0, CF_FOLLOW_OK},        {7, &root, 3, 0, CF_FOLLOW_QUORUM},
      {7, &root, 0, 0, CF_FOLLOW_QUORUM},      {7, &fork, 15, 0, CF_FOLLOW_FORK},      {5, &older, 15, 0, CF_FOLLOW_BACK},
      {7, &root, 15, 10, CF_FOLLOW_SIGNATURE}, {7, &root, 15, 1, CF_FOLLOW_MALFORMED}, {8, &fork, 15, 0, CF_FOLLOW_UNREACHABLE},
  };
  for (size_t n = 0; n < CF_COUNT_OF(cases); n++) {
    cf_span_t forged = forge_note(w, note, sizeof note, cases[n].size, cases[n].root, cases[n].mask, w->wall_s);
    w->gate.forged_note = forged;
    if (cases[n].spoil == 1) w->gate.forged_note.len--;
    else if (cases[n].spoil)
      note[forged.len - (size_t)cases[n].spoil] = note[forged.len - (size_t)cases[n].spoil] == 'A' ? 'B' : 'A';
    cf_follow_result_t r = follow();
    if (r != cases[n].want) fail_msg("case %zu: %s, not %s", n, cf_follow_name(r), cf_follow_name(cases[n].want));
    assert_believes(7);
  }
  static uint8_t padded[8192]; /* two lines the other way round: valid, and not canonical */
  cf_span_t      forged = forge_note(w, note, sizeof note, 7, &root, 7, w->wall_s);
  uint8_t       *two = memmem(note, forged.len, "\xe2\x80\x94 witness-1", 13),
          *three = memmem(note, forged.len, "\xe2\x80\x94 witness-2", 13);
  size_t head = (size_t)(two - note), mid = (size_t)(three - two), tail = forged.len - head - mid;
  memcpy(padded, note, head), memcpy(padded + head, three, tail), memcpy(padded + head + tail, two, mid);
  w->gate.forged_note = CF_SPAN(padded, forged.len);
  assert_int_equal(follow(), CF_FOLLOW_MALFORMED);
}

/* Time is the (f+1)-th smallest, and does not fall along the log. */
static void test_time(void **state) {
  uint8_t note[8192];
  assert_int_equal(follow(), CF_FOLLOW_OK);
  cf_hash_t root = w->gate.w.root;
  w->gate.forged_note = forge_note(w, note, sizeof note, 2, &root, 7, w->wall_s + 500);
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_int_equal(f->now.head.time_s, w->wall_s + 500);
  w->gate.forged_note = CF_SPAN(NULL, 0);
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_int_equal(f->now.head.time_s, w->wall_s + 500);
  fill(1);
  assert_int_equal(follow(), CF_FOLLOW_OK);
  assert_int_equal(f->now.head.time_s, w->wall_s + 500);
}

/* A log of another domain under the same keys, or without its deployment in its place. */
static void test_first_entries(void **state) {
  static example_t other;
  for (int n = 0; n < 3; n++) {
    tear_down(NULL);
    w = calloc(1, sizeof *w);
    f = calloc(1, sizeof *f);
    example_init(&w->ex);
    world_open(w);
    follow_start();
    example_init(&other);
    other.genesis.name = n == 0 ? CF_SPAN_LIT("other") : CF_SPAN_LIT("example");
    example_found(&other);
    cf_hash_t code = example_hash("block 0", 0);
    example_deploy(&other, &code);
    (void)log_entry(w, other.genesis_entry);
    assert_int_equal(follow(), n == 0 ? CF_FOLLOW_GENESIS : CF_FOLLOW_OK);
    if (n == 0) continue;
    (void)log_entry(w, n == 1 ? other.deployment_entry : other.genesis_entry); /* the latter is known: nothing grows */
    if (n == 1) assert_int_equal(follow(), CF_FOLLOW_OK);
    if (n == 1) assert_hash(f->now.deployment, code);
    if (n == 2) { /* a deployment that nobody but the gateway signed */
      cf_council_doc_t d = example_act(&other, CF_SPAN(NULL, 0));
      cf_p256_key_t   *key = example_p256("gateway", 0);
      cf_wr_t          wr = cf_wr_init(BUF);
      cf_sign1_t       s;
      assert_int_equal(cf_sign1_decode(&s, other.deployment_entry, NULL, NULL), CF_OK);
      assert_int_equal(cf_council_doc_decode(&d, s.payload, NULL), CF_OK);
      d.sigs_cnt = 1;
      cf_council_doc_seal(&wr, cf_deployment_table.typ, &d, key, "gateway", "deployment");
      cf_p256_key_free(key);
      (void)log_entry(w, cf_wr_out(&wr));
      assert_int_equal(follow(), CF_FOLLOW_GENESIS);
      assert_int_equal(f->now.head.size, 1);
    }
  }
}

/* Its file cut anywhere, lengthened, or another domain's is not its own. */
static void test_file(void **state) {
  instance_t i = instance_make(0);
  boot(w, &i);
  assert_int_equal(follow(), CF_FOLLOW_OK);
  mem_file_t *file = mem_find(&w->node[MEMBER].dir, CF_SPAN_LIT("log"));
  size_t      len = file->len;
  for (size_t n = 0; n < len; n++) {
    file->len = n;
    follow_start();
    assert_int_equal(f->phase, CF_FOLLOW_BROKEN);
  }
  file->len = len;
  for (size_t at = 0; at < 33; at++) { /* version, domain */
    file->bytes[at] ^= 1;
    follow_start();
    assert_int_equal(f->phase, CF_FOLLOW_BROKEN);
    file->bytes[at] ^= 1;
  }
  follow_start();
  assert_int_equal(f->phase, CF_FOLLOW_IDLE);
  assert_believes(3);
  instance_free(&i);
}

static void test_names(void **state) {
  for (cf_follow_result_t r = CF_FOLLOW_OK; r < CF_FOLLOW_RESULTS; r++) {
    assert_non_null(cf_follow_name(r));
    for (cf_follow_result_t o = CF_FOLLOW_OK; o < r; o++) assert_string_not_equal(cf_follow_name(r), cf_follow_name(o));
  }
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void) {
  struct CMUnitTest const tests[] = {
      TEST(test_grows), TEST(test_restart),       TEST(test_pruned), TEST(test_entries), TEST(test_notes),
      TEST(test_time),  TEST(test_first_entries), TEST(test_file),   TEST(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
