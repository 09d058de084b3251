// link: enclave session workload ledger translog evidence
/* Audits that go on from a state: what they find equals a whole audit's on every honest folder, and beyond it they see a folder that is an
   older one, whole, and a log that took another turn, and prove the latter. */
#include "audit_world.h"

#include "audit/cf_since.h"
#include "translog/cf_fork.h"

static cf_span_t const none = {NULL, 0};

/* ---- running ---- */

typedef struct {
  uint8_t *bytes;
  size_t   len, max;
} sink_t;

static void on_bytes(void *ctx, cf_span_t s) {
  sink_t *t = ctx;
  while (t->max - t->len < s.len + 1) t->bytes = realloc(t->bytes, t->max = 2 * t->max + 65536);
  if (s.len) memcpy(t->bytes + t->len, s.ptr, s.len);
  t->len += s.len;
  t->bytes[t->len] = 0;
}

typedef struct {
  cf_status_t      st;
  cf_span_t        state; /* written behind it, when nothing was wrong */
  char            *json;
  cf_audit_fault_t first;
  cf_since_saved_t saved;
  cf_span_t        fork;
} result_t;

static result_t run(tree_t *t, cf_span_t state, cf_hash_t const *domain, bool listed) {
  result_t           r = {0};
  cf_audit_t        *a;
  cf_since_t        *s;
  cf_audit_reader_t  reader = tree_reader(t);
  cf_audit_options_t o = {.domain = domain};
  sink_t             json = {0}, kept = {0};
  if (!listed) reader.list = NULL;
  assert_int_equal(cf_since_open(&s, state, domain, NULL), CF_OK);
  o.since = s;
  r.st = cf_audit_run(&a, &reader, &o);
  cf_audit_json(a, &(cf_audit_out_t){on_bytes, &json});
  r.json = (char *)(uintptr_t)keep(CF_SPAN(json.bytes, json.len + 1)).ptr;
  if (cf_audit_counts(a)->faults) r.first = *cf_audit_fault_at(a, 0);
  r.fork = keep(cf_audit_fork(a));
  cf_since_saved(&r.saved, s);
  if (!r.st) {
    assert_int_equal(cf_since_write(s, 1700000000, &(cf_audit_out_t){on_bytes, &kept}), CF_OK);
    r.state = keep(CF_SPAN(kept.bytes, kept.len));
  }
  cf_audit_free(a);
  cf_since_free(s);
  free(json.bytes);
  free(kept.bytes);
  return r;
}

static void must_fail(result_t const *r, char const *says) {
  if (r->st != CF_ERR_AUTH || !strstr(r->first.text, says)) fail_msg("%s: %s", cf_status_name(r->st), r->first.text);
}

/* The report but for what it says of the state. */
static char *without_since(char *json) {
  char *at = strstr(json, "\"since\":{"), *end = at ? strchr(at, '}') + 2 : NULL;
  if (at) memmove(at, end, strlen(end) + 1);
  return json;
}

/* ---- a life, as it was at three times ---- */

enum { TIMES = 3 };
typedef struct {
  a_world_t *a;
  tree_t    *at[TIMES];
  uint64_t   size[TIMES];
} life_t;

static tree_t *copy(tree_t const *t) { return memcpy(malloc(sizeof *t), t, sizeof *t); }

static life_t live(uint64_t seed) {
  life_t l = {.a = a_world_new(seed)};
  a_world_begin(l.a);
  fund(l.a);
  (void)a_batch(l.a, NULL, 0);
  a_show(l.a);
  for (int i = 0; i < TIMES; i++) {
    l.at[i] = copy(l.a->t);
    l.size[i] = l.a->w->log.size;
    if (i < TIMES - 1) a_window(l.a, 100);
  }
  return l;
}

static void end(life_t *l) {
  for (int i = 0; i < TIMES; i++) free(l->at[i]);
  a_world_free(l->a);
}

static void test_equals_the_whole(void **state) {
  life_t           l = live(41);
  cf_hash_t const *d = &l.a->w->domain;
  for (int listed = 0; listed < 2; listed++)
    for (int i = 0; i < TIMES; i++) {
      result_t before = run(l.at[i], none, d, listed);
      assert_int_equal(before.st, CF_OK);
      assert_int_equal(before.saved.files, 0);
      for (int j = i; j < TIMES; j++) {
        result_t whole = run(l.at[j], none, d, listed), since = run(l.at[j], before.state, d, listed);
        assert_int_equal(since.st, CF_OK);
        assert_true(since.saved.files > 5);
        assert_int_equal(since.saved.entries, i == j ? l.size[j] : 0); /* the one bundle there is has grown, or not */
        assert_string_equal(without_since(since.json), whole.json);
        /* and what is kept behind it is what is kept behind a whole one */
        assert_int_equal(since.state.len, whole.state.len);
        assert_memory_equal(since.state.ptr, whole.state.ptr, whole.state.len);
      }
    }
  end(&l);
}

static void test_older_whole_folder(void **state) {
  life_t l = live(42);
  for (int listed = 0; listed < 2; listed++)
    for (int j = 1; j < TIMES; j++) {
      result_t now = run(l.at[j], none, NULL, listed);
      for (int i = 0; i < j; i++) {
        result_t back = run(l.at[i], now.state, NULL, listed);
        must_fail(&back, "rolled back");
        assert_int_equal(back.fork.len, 0);
        assert_int_equal(back.saved.files, 0); /* nothing of it is taken as known */
      }
    }
  end(&l);
}

/* The log is the same; what stands beside it went back.  By itself each of these folders holds. */
static void test_older_ledger_or_note(void **state) {
  char const *dirs[] = {"ledger/blocks/", "checkpoints/"};
  life_t      l = live(43);
  for (int listed = 0; listed < 2; listed++)
    for (int k = 0; k < 2; k++) {
      tree_t  *t = copy(l.at[2]);
      char     newest[128] = "";
      result_t now, back;
      if (k == 0) a_block(l.a, NULL, 0); /* which nothing names yet */
      memcpy(t, l.a->t, sizeof *t);
      now = run(t, none, NULL, listed);
      assert_int_equal(now.st, CF_OK);
      for (size_t i = 0; i < t->cnt; i++)
        if (!strncmp(t->file[i].name, dirs[k], strlen(dirs[k])) && strcmp(t->file[i].name, newest) > 0)
          memcpy(newest, t->file[i].name, sizeof newest);
      tree_drop(t, newest);
      assert_int_equal(run(t, none, NULL, listed).st, CF_OK);
      back = run(t, now.state, NULL, listed);
      must_fail(&back, "the audit before read it");
      assert_string_equal(back.first.file, newest);
      free(t);
    }
  end(&l);
}

/* ---- forks ---- */

/* Another folder of the same log, of size entries, of which number k is another; k is the size: none is. */
static tree_t *turn(life_t *l, uint64_t size, uint64_t k) {
  tlog_t   *log = &l->a->w->log, was = {.size = log->size};
  cf_span_t entry = log->entry[k];
  cf_hash_t leaf = log->leaf[k];
  tree_t   *ours = l->a->t, *t = calloc(1, sizeof *t);
  char const *same[] = {"genesis", "log.vkey"};
  for (size_t i = 0; i < 2; i++) tree_put(t, same[i], CF_SPAN(tree_find(ours, same[i])->bytes, tree_find(ours, same[i])->len));
  log->entry[k] = CF_SPAN_LIT("another");
  log->leaf[k] = cf_tree_leaf(log->entry[k]);
  log->size = size;
  l->a->t = t, l->a->published = 0;
  put_note(l->a);
  l->a->t = ours, l->a->published = was.size;
  log->entry[k] = entry, log->leaf[k] = leaf, log->size = was.size;
  return t;
}

static void must_prove(life_t *l, cf_span_t fork, uint64_t m, uint64_t n) {
  cf_fork_t   f;
  cf_forked_t v;
  cf_error_t  err = {0};
  if (cf_fork_parse(&f, fork, &err) || cf_fork_verify(&v, &f, &err)) fail_msg("%zu bytes: %s %s", fork.len, err.item, err.text);
  assert_int_equal(v.head[0].size, m);
  assert_int_equal(v.head[1].size, n);
  assert_memory_equal(f.log.pub.b, l->a->w->witnesses.log.pub.b, 32);
  assert_int_equal(f.witness_cnt, WITNESS_CNT);
  for (size_t i = 0; i < WITNESS_CNT; i++) assert_true(v.cosig[0][i].have && v.cosig[1][i].have);
}

static void test_forks(void **state) {
  life_t   l = live(44);
  uint64_t size = l.a->w->log.size;
  for (int listed = 0; listed < 2; listed++) {
    result_t now = run(l.a->t, none, NULL, listed);
    for (uint64_t other = size - 5; other <= size; other += 5) {
      tree_t  *t = turn(&l, other, other - 2);
      result_t r = run(t, now.state, NULL, listed);
      must_fail(&r, "the log is forked");
      must_prove(&l, r.fork, other, size);
      free(t);
    }
    /* the other side went further than what is known */
    result_t before = run(l.at[1], none, NULL, listed);
    tree_t  *t = turn(&l, size, 3);
    result_t r = run(t, before.state, NULL, listed);
    must_fail(&r, "the log is forked");
    cf_fork_t f;
    assert_int_equal(cf_fork_parse(&f, r.fork, NULL), CF_OK);
    free(t);
    /* what parts behind it is no fork for who knows only this much */
    t = turn(&l, size, size - 1);
    r = run(t, before.state, NULL, listed);
    assert_int_equal(r.fork.len, 0);
    assert_null(strstr(r.json, "forked"));
    free(t);
  }
  end(&l);
}

/* A folder that contradicts itself is convicted without any state. */
static void test_lying_quorum(void **state) {
  life_t    l = live(45);
  tlog_t   *other = malloc(sizeof *other);
  uint64_t  size = l.a->w->log.size;
  *other = l.a->w->log;
  memset(&other->leaf[3], 1, 32);
  tree_put(l.a->t, "checkpoints/00000000000000000010", note_of(l.a->w, other, 10, 15));
  result_t r = run(l.a->t, none, NULL, true);
  must_fail(&r, "forked");
  cf_fork_t   f;
  cf_forked_t v;
  assert_int_equal(cf_fork_parse(&f, r.fork, NULL), CF_OK);
  assert_int_equal(cf_fork_verify(&v, &f, NULL), CF_OK);
  assert_int_equal(v.head[0].size, 10);
  assert_int_equal(v.head[1].size, size);
  assert_int_equal(r.state.len, 0);
  free(other);
  end(&l);
}

/* A larger head whose tiles do not lead from what is known: said, and nothing known is put in their place. */
static void test_unproven(void **state) {
  life_t   l = live(46);
  result_t before = run(l.at[0], none, NULL, true);
  char     name[64];
  snprintf(name, sizeof name, "log/tile/0/000.p/%llu", (unsigned long long)l.a->w->log.size);
  mem_file_t *f = tree_find(l.at[2], name);
  assert_non_null(f);
  f->bytes = (uint8_t *)(uintptr_t)keep(CF_SPAN(f->bytes, f->len)).ptr;
  f->bytes[5] ^= 1;
  result_t r = run(l.at[2], before.state, NULL, true);
  must_fail(&r, "do not show that it extends");
  assert_int_equal(r.fork.len, 0);
  assert_int_equal(r.saved.files, 0);
  end(&l);
}

static void batches(a_world_t *a, int n) {
  for (int i = 0; i < n; i++) {
    (void)a_batch(a, NULL, 0);
    if (i % 20 == 19) a_show(a);
  }
}

/* Full bundles are not read again, and partial files go when the full one is there. */
static void test_many_tiles(void **state) {
  a_world_t *a = a_world_new(50);
  tree_t    *before;
  a_world_begin(a);
  fund(a);
  batches(a, 240);
  before = copy(a->t);
  result_t r = run(before, none, NULL, true);
  assert_true(a->w->log.size < 256);
  batches(a, 20);
  assert_true(a->w->log.size > 256);
  for (size_t i = a->t->cnt; i > 0; i--)
    if (strstr(a->t->file[i - 1].name, "/000.p/") && !strstr(a->t->file[i - 1].name, "tile/1/")) tree_drop(a->t, a->t->file[i - 1].name);
  r = run(a->t, r.state, NULL, true);
  if (r.st) fail_msg("%s: %s", r.first.file, r.first.text);
  assert_int_equal(r.saved.entries, 0);
  batches(a, 20);
  r = run(a->t, r.state, NULL, true);
  assert_int_equal(r.st, CF_OK);
  assert_int_equal(r.saved.entries, 256);
  tree_drop(a->t, "log/tile/entries/000"); /* known, and gone all the same */
  r = run(a->t, r.state, NULL, true);
  must_fail(&r, "the audit before read it");
  free(before);
  a_world_free(a);
}

static void test_failing_world(void **state) {
  life_t      l = live(47);
  result_t    before = run(l.at[0], none, NULL, true);
  tree_t     *t = l.at[2];
  cf_since_t *s;
  cf_audit_t *a;
  cf_audit_reader_t reader = tree_reader(t);
  assert_int_equal(cf_since_open(&s, before.state, NULL, NULL), CF_OK);
  t->failing = true;
  assert_int_equal(cf_audit_run(&a, &reader, &(cf_audit_options_t){.since = s}), CF_ERR_IO);
  cf_audit_free(a);
  t->failing = false; /* the same state serves again */
  assert_int_equal(cf_audit_run(&a, &reader, &(cf_audit_options_t){.since = s}), CF_OK);
  cf_audit_free(a);
  cf_since_free(s);
  end(&l);
}

/* ---- the file ---- */

static void test_state_file(void **state) {
  life_t          l = live(48), m = live(49);
  cf_span_t       text = run(l.a->t, none, NULL, true).state;
  uint8_t        *b = malloc(text.len + 1);
  cf_since_t     *s;
  cf_error_t      err = {0};
  cf_hash_t       domain;
  cf_checkpoint_t head;
  uint64_t        time_s;
  assert_int_equal(cf_since_open(&s, text, &l.a->w->domain, NULL), CF_OK);
  assert_true(cf_since_knows(s, &domain, &head, &time_s));
  assert_memory_equal(domain.b, l.a->w->domain.b, 32);
  assert_int_equal(head.size, l.a->w->log.size);
  assert_int_equal(time_s, 1700000000);
  cf_since_free(s);
  assert_int_equal(cf_since_open(&s, text, &m.a->w->domain, &err), CF_ERR_POLICY);
  memcpy(b, text.ptr, text.len);
  b[text.len] = 0;
  for (size_t i = 0; i < text.len; i += 97) {
    b[i] ^= 1;
    assert_int_not_equal(cf_since_open(&s, CF_SPAN(b, text.len), NULL, NULL), CF_OK);
    b[i] ^= 1;
    assert_int_not_equal(cf_since_open(&s, CF_SPAN(b, i + 1), NULL, NULL), CF_OK);
  }
  assert_int_equal(cf_since_open(&s, CF_SPAN(b, text.len - 1), NULL, NULL), CF_ERR_AUTH);
  assert_int_equal(cf_since_open(&s, CF_SPAN(b, text.len + 1), NULL, NULL), CF_ERR_AUTH);
  assert_int_equal(cf_since_open(&s, CF_SPAN(b, 20), NULL, NULL), CF_ERR_FORMAT);
  b[24] = '2';
  assert_int_equal(cf_since_open(&s, CF_SPAN(b, text.len), NULL, NULL), CF_ERR_UNSUPPORTED);
  /* The folder of another domain, with this one's state. */
  result_t r = run(m.a->t, text, NULL, true);
  must_fail(&r, "is of domain");
  free(b);
  end(&l);
  end(&m);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_equals_the_whole), cmocka_unit_test(test_older_whole_folder), cmocka_unit_test(test_older_ledger_or_note),
      cmocka_unit_test(test_forks),            cmocka_unit_test(test_lying_quorum),       cmocka_unit_test(test_unproven),
      cmocka_unit_test(test_many_tiles),
      cmocka_unit_test(test_failing_world),    cmocka_unit_test(test_state_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
