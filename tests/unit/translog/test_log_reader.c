#include "log_world.h"

static cf_logreader_t r;
static uint64_t       seen, faults;
static cf_log_fault_t last;

static void
on_entry(void *ctx, uint64_t index, cf_span_t bytes, cf_hash_t const *leaf) {
  cf_hash_t want = cf_tree_leaf(bytes);
  assert_true(index == seen || faults > 0); /* none is left out but those of a lost bundle */
  seen = index + 1;
  ASSERT_HASH(want, *leaf);
}

static void
on_fault(void *ctx, cf_log_fault_t const *f) {
  faults++;
  last = *f;
}

static void
begin(uint64_t size, cf_hash_t const *root) {
  cf_hash_t own = example_root(size);
  cf_logreader_init(&r, &(cf_logreader_sink_t){ on_entry, on_fault, NULL });
  seen = faults = 0;
  ASSERT_STATUS(CF_OK, cf_logreader_begin(&r, size, root ? root : &own));
}

static void
extend(uint64_t size) {
  cf_hash_t root = example_root(size);
  ASSERT_STATUS(CF_OK, cf_logreader_begin(&r, size, &root));
}

static void
test_clean_logs(void **state) {
  static uint64_t const sizes[] = { 0, 1, 2, 255, 256, 257, 300, 512, 700, 65536, 65537, 66000 };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    mem_dir_t dir = make_log(sizes[i], CF_LOGWRITER_GROUP_MAX);
    begin(sizes[i], NULL);
    size_t         want = 0;
    cf_tile_iter_t it   = cf_tile_iter(0, sizes[i]);
    for (cf_tile_t t; cf_tile_next(&it, &t);) want++;
    assert_int_equal(want, feed_reader(&r, &dir)); /* each file of the size once */
    ASSERT_STATUS(CF_OK, cf_logreader_end(&r, NULL));
    assert_int_equal(seen, sizes[i]);
    assert_int_equal(faults, 0);
    mem_free(&dir);
  }
}

/* Extending reads only what is new, sees each entry once, and goes through partial tiles of every kind. */
static void
test_extension(void **state) {
  static uint64_t const steps[] = { 1, 1, 2, 200, 256, 257, 300, 512, 513, 1000, 66000, 66001 };
  mem_dir_t             dir     = make_log(66001, CF_LOGWRITER_GROUP_MAX);
  begin(0, NULL);
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    uint64_t before = seen;
    extend(steps[i]);
    for (cf_tile_t t; cf_logreader_want(&r, &t);) {
      mem_file_t *f = log_file(&dir, &t);
      bool        full = false;
      cf_tile_t   whole = { t.row, t.index, CF_TILE_WIDTH };
      if (!f) f = log_file(&dir, &whole), full = true;
      if (!f && t.row > 0) { /* an upper tile that is never full here: its first hashes */
        whole.width = (unsigned)((UINT64_C(66001) >> (8 * t.row)) % 256);
        f           = log_file(&dir, &whole);
        assert_non_null(f);
        cf_logreader_give(&r, CF_SPAN(f->bytes, 32 * t.width), false);
        continue;
      }
      if (!f) { /* the last, partial bundle and tile of the log: their first part */
        whole.width = 66001 % 256;
        f           = log_file(&dir, &whole);
        assert_non_null(f);
        cf_rd_t   rd = cf_rd_init(f->bytes, f->len);
        cf_span_t e;
        for (unsigned n = 0; t.row == CF_TILE_ENTRIES && n < t.width; n++) assert_true(cf_bundle_next(&rd, &e));
        cf_logreader_give(&r, CF_SPAN(f->bytes, t.row == CF_TILE_ENTRIES ? rd.pos : 32 * t.width), false);
        continue;
      }
      cf_logreader_give(&r, CF_SPAN(f->bytes, f->len), full);
    }
    ASSERT_STATUS(CF_OK, cf_logreader_end(&r, NULL));
    assert_int_equal(seen, steps[i]);
    assert_true(seen >= before);
  }
  cf_hash_t root = example_root(5);
  ASSERT_STATUS(CF_ERR_BOUND, cf_logreader_begin(&r, 5, &root)); /* never back */
  ASSERT_STATUS(CF_ERR_BOUND, cf_logreader_begin(&r, UINT64_MAX, &root));
  mem_free(&dir);
}

/* ---- damage ---- */

static void
expect(mem_dir_t *dir, cf_log_fault_kind_t kind, uint64_t at, char const *text) {
  cf_error_t err = { .status = CF_OK };
  feed_reader(&r, dir);
  ASSERT_STATUS(CF_ERR_AUTH, cf_logreader_end(&r, &err));
  assert_true(faults > 0);
  assert_int_equal(r.first.kind, kind);
  assert_int_equal(r.first.at, at);
  if (!strstr(err.text, text)) fail_msg("\"%s\" is not in \"%s\"", text, err.text);
  cf_hash_t root = example_root(r.size);
  ASSERT_STATUS(CF_ERR_AUTH, cf_logreader_begin(&r, r.size, &root)); /* nothing is built on it */
  mem_free(dir);
}

static void
flip(mem_dir_t *dir, char const *name, size_t at) {
  mem_file_t *f = mem_find(dir, SPAN_STR(name));
  assert_non_null(f);
  assert_true(at < f->len);
  f->bytes[at] ^= 1;
}

static void
test_names_what_is_wrong(void **state) {
  mem_dir_t dir = make_log(300, 300);
  begin(300, NULL);
  flip(&dir, "log/tile/entries/000", 9 * 7 + 8);
  expect(&dir, CF_LOG_FAULT_ENTRY, 7, "tile/entries/000: entry 7 hashes to ");
  assert_int_equal(faults, 1); /* one wrong entry is one fault */
  dir = make_log(300, 300);
  begin(300, NULL);
  flip(&dir, "log/tile/entries/001.p/44", 11 * 43 + 2);
  expect(&dir, CF_LOG_FAULT_ENTRY, 299, "(the checkpoint agrees with the tile)");
  dir = make_log(300, 300);
  begin(300, NULL);
  flip(&dir, "log/tile/0/001.p/44", 32 * 10);
  expect(&dir, CF_LOG_FAULT_ENTRY, 266, "(the checkpoint agrees with the entry)");
  dir = make_log(300, 300);
  begin(300, NULL);
  flip(&dir, "log/tile/1/000.p/1", 31);
  expect(&dir, CF_LOG_FAULT_TILE, 0, "tile/1/000.p/1: hash 0 is ");
  dir = make_log(300, 300);
  begin(300, NULL);
  flip(&dir, "log/tile/entries/000", 1); /* a length: the bundle falls apart */
  expect(&dir, CF_LOG_FAULT_MALFORMED, 0, "tile/entries/000: does not hold 256 entries");
  dir = make_log(300, 300);
  begin(300, NULL);
  mem_find(&dir, CF_SPAN_LIT("log/tile/0/001.p/44"))->len -= 1;
  expect(&dir, CF_LOG_FAULT_MALFORMED, 256, "tile/0/001.p/44: does not hold 44 hashes");
  static char const *const files[] = {"log/tile/entries/000", "log/tile/0/000", "log/tile/1/000.p/1",
                                      "log/tile/entries/001.p/44"};
  for (size_t i = 0; i < 4; i++) {
    dir = make_log(300, 300);
    begin(300, NULL);
    mem_remove(&dir, SPAN_STR(files[i]));
    char text[64];
    snprintf(text, sizeof text, "%s: missing", files[i] + 4);
    expect(&dir, CF_LOG_FAULT_MISSING, i == 3 ? 256 : 0, text);
  }
  dir = make_log(300, 300);
  begin(300, NULL);
  mem_remove(&dir, CF_SPAN_LIT("log/tile/entries/000"));
  mem_remove(&dir, CF_SPAN_LIT("log/tile/0/000"));
  expect(&dir, CF_LOG_FAULT_MISSING, 0, "tile/entries/000: missing");
}

static void
test_another_root(void **state) {
  cf_hash_t root = example_root(299);
  mem_dir_t dir  = make_log(300, 300);
  begin(300, &root);
  expect(&dir, CF_LOG_FAULT_ROOT, 300, "entries and tiles of size 300 have root aebb027d5c3d..., the checkpoint says");
  begin(0, &root);
  mem_dir_t empty = { 0 };
  expect(&empty, CF_LOG_FAULT_FORK, 0, "the first 0 entries");
}

/* A log that was rewritten behind a checkpoint read before: found when it is extended, in a partial tile and on its border, and
   when the same size comes with another root. */
static void
test_fork(void **state) {
  mem_dir_t dir = make_log(300, 300), forked = make_log(400, 400);
  begin(300, NULL);
  feed_reader(&r, &dir);
  ASSERT_STATUS(CF_OK, cf_logreader_end(&r, NULL));
  mem_file_t *bundle = mem_find(&forked, CF_SPAN_LIT("log/tile/entries/001.p/144")),
             *tile = mem_find(&forked, CF_SPAN_LIT("log/tile/0/001.p/144"));
  bundle->bytes[11 * 3 + 10] ^= 1; /* entry 259, and everything above it as the log would make it */
  cf_frontier_t f = { .size = 0 };
  for (uint64_t i = 0; i < 400; i++) {
    cf_hash_t leaf = i == 259 ? cf_tree_leaf(CF_SPAN(bundle->bytes + 11 * 3 + 2, 9)) : example_leaf(i);
    if (i == 259) memcpy(tile->bytes + 32 * 3, leaf.b, 32);
    cf_frontier_add(&f, &leaf);
  }
  cf_hash_t root = cf_frontier_root(&f);
  ASSERT_STATUS(CF_OK, cf_logreader_begin(&r, 400, &root));
  expect(&forked, CF_LOG_FAULT_FORK, 300, "the first 300 entries have root ");

  begin(300, NULL);
  feed_reader(&r, &dir);
  ASSERT_STATUS(CF_OK, cf_logreader_end(&r, NULL));
  ASSERT_STATUS(CF_OK, cf_logreader_begin(&r, 300, &root));
  mem_dir_t empty = { 0 };
  expect(&empty, CF_LOG_FAULT_FORK, 300, "the first 300 entries");
  mem_free(&dir);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_clean_logs),   cmocka_unit_test(test_extension), cmocka_unit_test(test_names_what_is_wrong),
    cmocka_unit_test(test_another_root), cmocka_unit_test(test_fork),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
