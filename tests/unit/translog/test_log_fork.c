#include "log_test.h"

#include "translog/cf_fork.h"
#include "translog/cf_line.h"

/* ---- two trees that part at one entry ---- */

#define LEAVES_MAX 40

typedef struct {
  cf_hash_t leaf[LEAVES_MAX];
  uint64_t  parts_at; /* entries from here on are others */
} tree_t;

static tree_t
make_tree(uint64_t parts_at) {
  tree_t t = { .parts_at = parts_at };
  for (uint64_t i = 0; i < LEAVES_MAX; i++) t.leaf[i] = example_leaf(i < parts_at ? i : 1000 + i);
  return t;
}

static cf_status_t
read_node(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  tree_t const *t = ctx;
  uint64_t      n = (uint64_t)1 << level;
  assert_true((index + 1) * n <= LEAVES_MAX);
  *out = cf_tree_root_of(t->leaf + index * n, (size_t)n);
  return CF_OK;
}

static uint8_t          log_seed[32], seeds[4][32];
static cf_witness_set_t set;

static int
setup(void **state) {
  set = make_set(log_seed, seeds, 4, 3, 1);
  return 0;
}

#define SIGNS(i) (1u << (i))

/* The log's note of the first size entries, cosigned by those of the mask. */
static cf_span_t
make_note(uint8_t buf[CF_CHECKPOINT_NOTE_MAX], tree_t const *t, uint64_t size, unsigned mask) {
  cf_wr_t   wr = cf_wr_init(buf, CF_CHECKPOINT_NOTE_MAX);
  cf_note_t note;
  cf_hash_t root = size ? cf_tree_root_of(t->leaf, (size_t)size) : cf_tree_empty();
  cf_checkpoint_sign(&wr, &set.log, log_seed, size, &root);
  assert_int_equal(cf_note_parse(&note, cf_wr_out(&wr), NULL), CF_OK);
  for (unsigned i = 0; i < 4; i++) {
    cf_cosig_t c;
    if (!(mask & SIGNS(i))) continue;
    cf_cosig_make(&c, seeds[i], 1700000000 + i, note.text);
    cf_cosig_line(&wr, &set.member[i], &c);
  }
  return cf_wr_out(&wr);
}

static cf_status_t
make_fork(cf_wr_t *wr, uint64_t m, unsigned m_mask, uint64_t n, unsigned n_mask, uint64_t parts_at, bool honest_reader) {
  static uint8_t         a[CF_CHECKPOINT_NOTE_MAX], b[CF_CHECKPOINT_NOTE_MAX];
  tree_t                 ours = make_tree(LEAVES_MAX), theirs = make_tree(parts_at);
  cf_tree_reader_t const reader = { read_node, honest_reader ? &theirs : &ours };
  cf_span_t              x = make_note(a, &ours, m, m_mask), y = make_note(b, &theirs, n, n_mask);
  return cf_fork_make(wr, x, y, &set, &reader, NULL);
}

static cf_status_t
judge(cf_forked_t *v, cf_span_t text) {
  cf_fork_t   f;
  cf_status_t st = cf_fork_parse(&f, text, NULL);
  return st ? st : cf_fork_verify(v, &f, NULL);
}

/* ---- what is a fork, and what is not ---- */

static void
test_every_pair(void **state) {
  static uint8_t buf[CF_FORK_MAX];
  for (uint64_t n = 1; n <= 11; n++)
    for (uint64_t m = 0; m <= n; m++)
      for (uint64_t parts_at = 0; parts_at <= n; parts_at += 1 + n / 3) {
        cf_wr_t     wr = cf_wr_init(buf, sizeof buf);
        cf_forked_t v;
        cf_status_t st = make_fork(&wr, m, 0, n, 0, parts_at, true);
        if (parts_at >= m) { /* the larger tree extends the smaller */
          assert_int_not_equal(st, CF_OK);
          continue;
        }
        ASSERT_STATUS(CF_OK, st);
        ASSERT_STATUS(CF_OK, judge(&v, cf_wr_out(&wr)));
        assert_int_equal(v.head[0].size, m);
        assert_int_equal(v.head[1].size, n);
      }
}

static void
test_who_signed(void **state) {
  static uint8_t buf[CF_FORK_MAX];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_fork_t      f;
  cf_forked_t    v;
  ASSERT_STATUS(CF_OK, make_fork(&wr, 5, SIGNS(2) | SIGNS(0), 9, SIGNS(2) | SIGNS(3), 1, true));
  ASSERT_STATUS(CF_OK, cf_fork_parse(&f, cf_wr_out(&wr), NULL));
  ASSERT_STATUS(CF_OK, cf_fork_verify(&v, &f, NULL));
  assert_int_equal(f.witness_cnt, 3); /* w1 signed neither, and is not there */
  for (size_t i = 0; i < f.witness_cnt; i++) {
    bool both = !strcmp(f.witness[i].name, "witness.example/w2");
    assert_string_not_equal(f.witness[i].name, "witness.example/w1");
    assert_int_equal(v.cosig[0][i].have && v.cosig[1][i].have, both);
  }
  /* No witness: the log alone is convicted. */
  wr = cf_wr_init(buf, sizeof buf);
  ASSERT_STATUS(CF_OK, make_fork(&wr, 5, 0, 9, 0, 1, true));
  ASSERT_STATUS(CF_OK, judge(&v, cf_wr_out(&wr)));
}

static void
test_order_of_the_arguments(void **state) {
  static uint8_t a[CF_CHECKPOINT_NOTE_MAX], b[CF_CHECKPOINT_NOTE_MAX], one[CF_FORK_MAX], two[CF_FORK_MAX];
  tree_t         ours = make_tree(LEAVES_MAX), theirs = make_tree(3);
  cf_span_t      x = make_note(a, &ours, 7, SIGNS(0)), y = make_note(b, &theirs, 7, SIGNS(1));
  cf_wr_t        v = cf_wr_init(one, sizeof one), w = cf_wr_init(two, sizeof two);
  ASSERT_STATUS(CF_OK, cf_fork_make(&v, x, y, &set, NULL, NULL));
  ASSERT_STATUS(CF_OK, cf_fork_make(&w, y, x, &set, NULL, NULL));
  ASSERT_SPAN(cf_wr_out(&v), cf_wr_out(&w));
}

static void
test_not_a_fork(void **state) {
  static uint8_t         a[CF_CHECKPOINT_NOTE_MAX], b[CF_CHECKPOINT_NOTE_MAX], buf[CF_FORK_MAX];
  tree_t                 ours = make_tree(LEAVES_MAX), theirs = make_tree(2);
  cf_tree_reader_t const reader = { read_node, &theirs };
  cf_wr_t                wr = cf_wr_init(buf, sizeof buf);
  cf_witness_set_t       other = set;
  cf_span_t              x = make_note(a, &ours, 4, 15), y = make_note(b, &theirs, 9, 15);
  uint8_t                seed[32];
  ASSERT_STATUS(CF_ERR_AUTH, cf_fork_make(&wr, x, x, &set, NULL, NULL));   /* the same head */
  ASSERT_STATUS(CF_ERR_FORMAT, cf_fork_make(&wr, x, y, &set, NULL, NULL)); /* without the larger tree, nothing is shown */
  ASSERT_STATUS(CF_ERR_FORMAT, make_fork(&wr, 4, 15, 9, 15, 2, false));    /* nor with another's tree */
  other.log = key_from(seed, 9, EXAMPLE_ORIGIN, CF_VKEY_LOG);
  ASSERT_STATUS(CF_ERR_AUTH, cf_fork_make(&wr, x, y, &other, &reader, NULL)); /* not by this log's key */
  other.log = key_from(seed, 0, "example.com/another", CF_VKEY_LOG);
  ASSERT_STATUS(CF_ERR_POLICY, cf_fork_make(&wr, x, y, &other, &reader, NULL));
  assert_int_equal(wr.len, 0);
}

/* ---- altered files ---- */

static void
expect_refused_when_altered(cf_span_t text) {
  static uint8_t copy[CF_FORK_MAX + 1];
  cf_forked_t    v;
  ASSERT_STATUS(CF_OK, judge(&v, text));
  memcpy(copy, text.ptr, text.len);
  for (size_t i = 0; i < text.len; i++) {
    copy[i] ^= (uint8_t)(1u << i % 8);
    assert_int_not_equal(judge(&v, CF_SPAN(copy, text.len)), CF_OK);
    copy[i] ^= (uint8_t)(1u << i % 8);
    assert_int_not_equal(judge(&v, CF_SPAN(copy, i)), CF_OK);
  }
  copy[text.len] = '\n';
  assert_int_not_equal(judge(&v, CF_SPAN(copy, text.len + 1)), CF_OK);
}

static void
test_any_altered_byte(void **state) {
  static uint8_t buf[CF_FORK_MAX];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  ASSERT_STATUS(CF_OK, make_fork(&wr, 5, SIGNS(0), 9, SIGNS(0), 1, true));
  expect_refused_when_altered(cf_wr_out(&wr));
}

/* The files of tests/vectors/translog, made again bit by bit. */
static void
test_vectors(void **state) {
  static uint8_t buf[CF_FORK_MAX], kept[CF_FORK_MAX];
  struct {
    char const *name;
    uint64_t    m, n, parts_at;
    unsigned    m_mask, n_mask;
  } const rows[] = { { "same-size.fork", 7, 7, 6, 7, 11 }, { "consistency.fork", 5, 9, 3, 7, 14 } };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    char    path[256];
    ASSERT_STATUS(CF_OK, make_fork(&wr, rows[i].m, rows[i].m_mask, rows[i].n, rows[i].n_mask, rows[i].parts_at, true));
    snprintf(path, sizeof path, CF_SOURCE_DIR "/tests/vectors/translog/%s", rows[i].name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(kept, 1, sizeof kept, file);
    fclose(file);
    ASSERT_SPAN(CF_SPAN(kept, n), cf_wr_out(&wr));
  }
}

/* What only somebody with keys can make: well signed, and still no proof in our form. */
static void
test_odd_files(void **state) {
  static uint8_t buf[CF_FORK_MAX], again[CF_FORK_MAX], notes[3][CF_CHECKPOINT_NOTE_MAX];
  tree_t         ours = make_tree(LEAVES_MAX), theirs = make_tree(1);
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf), out;
  cf_fork_t      f, g;
  cf_forked_t    v;
  ASSERT_STATUS(CF_OK, make_fork(&wr, 7, 3, 7, 3, 1, true));
  ASSERT_STATUS(CF_OK, cf_fork_parse(&f, cf_wr_out(&wr), NULL));
#define JUDGE(file) (out = cf_wr_init(again, sizeof again), cf_fork_write(&out, &(file)), judge(&v, cf_wr_out(&out)))
  ASSERT_STATUS(CF_OK, JUDGE(f));
  g = f, g.note[0] = f.note[1], g.note[1] = f.note[0]; /* the other order: its `other` is not the second's root */
  ASSERT_STATUS(CF_ERR_FORMAT, JUDGE(g));
  g = f, g.note[1] = f.note[0];
  assert_int_not_equal(JUDGE(g), CF_OK);
  g = f, g.witness_cnt = 1; /* lines by a key that is not in the file */
  ASSERT_STATUS(CF_ERR_AUTH, JUDGE(g));
  g = f, g.witness[2] = set.member[3], g.witness_cnt = 3; /* a witness that signed neither, wherever it would stand */
  assert_int_not_equal(JUDGE(g), CF_OK);
  g = f, g.witness[0] = f.witness[1], g.witness[1] = f.witness[0];
  ASSERT_STATUS(CF_ERR_FORMAT, JUDGE(g));
  g = f, g.witness[1] = f.witness[0];
  ASSERT_STATUS(CF_ERR_FORMAT, JUDGE(g));
  g = f, g.log = f.witness[0]; /* a key of the wrong kind */
  ASSERT_STATUS(CF_ERR_FORMAT, JUDGE(g));
  g = f, g.path_cnt = 1, g.path[0] = g.other;
  ASSERT_STATUS(CF_ERR_FORMAT, JUDGE(g));
  /* A head of no entries contradicts nothing, even with a root of its own. */
  g         = f;
  out       = cf_wr_init(notes[0], sizeof notes[0]);
  cf_checkpoint_sign(&out, &set.log, log_seed, 0, &ours.leaf[0]);
  g.note[0] = cf_wr_out(&out), g.note[1] = make_note(notes[1], &theirs, 0, 0), g.witness_cnt = 0;
  assert_int_not_equal(JUDGE(g), CF_OK);
  g.note[1] = make_note(notes[1], &theirs, 4, 0), g.other = cf_tree_empty();
  ASSERT_STATUS(CF_ERR_FORMAT, JUDGE(g));
}

static void
test_form(void **state) {
  static uint8_t big[CF_FORK_MAX + 1];
  cf_fork_t      f;
  struct {
    char const *text;
    cf_status_t want;
  } const rows[] = {
    { "", CF_ERR_FORMAT },
    { "counterfoil/fork/v2\n", CF_ERR_UNSUPPORTED },
    { "counterfoil/fork/v1\n", CF_ERR_FORMAT },
    { "counterfoil/fork/v1\r\n", CF_ERR_UNSUPPORTED },
    { "counterfoil/fork/v1\nlog x\n", CF_ERR_FORMAT },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) ASSERT_STATUS(rows[i].want, cf_fork_parse(&f, SPAN_STR(rows[i].text), NULL));
  memset(big, 'a', sizeof big);
  ASSERT_STATUS(CF_ERR_BOUND, cf_fork_parse(&f, CF_SPAN_OF(big), NULL));
}

/* The largest file that there can be fits. */
static void
test_largest(void **state) {
  size_t keys = (1 + CF_WITNESSES_MAX) * (8 + CF_VKEY_TEXT_MAX + 1), path = (CF_TREE_PATH_MAX + 1) * 45 + 7;
  assert_true(64 + keys + path + 2 * (16 + CF_CHECKPOINT_NOTE_MAX) <= CF_FORK_MAX);
}

int
main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_pair),     cmocka_unit_test(test_who_signed),      cmocka_unit_test(test_order_of_the_arguments),
    cmocka_unit_test(test_not_a_fork),     cmocka_unit_test(test_any_altered_byte), cmocka_unit_test(test_odd_files),
    cmocka_unit_test(test_vectors),         cmocka_unit_test(test_form),           cmocka_unit_test(test_largest),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
