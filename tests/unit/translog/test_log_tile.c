#include "log_test.h"

#define E CF_TILE_ENTRIES

/* FORMATS-LOG section 6, and the C2SP page's own examples */
static struct { cf_tile_t t; char const *path; } const names[] = {
  { { 0, 0, 256 }, "tile/0/000" },
  { { 0, 7, 256 }, "tile/0/007" },
  { { 0, 1, 44 }, "tile/0/001.p/44" },
  { { 1, 0, 1 }, "tile/1/000.p/1" },
  { { E, 0, 256 }, "tile/entries/000" },
  { { E, 1, 44 }, "tile/entries/001.p/44" },
  { { 0, 3906, 64 }, "tile/0/x003/906.p/64" },
  { { 1, 15, 66 }, "tile/1/015.p/66" },
  { { 2, 0, 15 }, "tile/2/000.p/15" },
  { { E, 1234067, 256 }, "tile/entries/x001/x234/067" },
  { { 63, 999, 255 }, "tile/63/999.p/255" },
  { { 0, 1000, 256 }, "tile/0/x001/000" },
  { { E, CF_TREE_SIZE_MAX / 256, 255 }, "tile/entries/x036/x028/x797/x018/x963/967.p/255" },
};

static void
test_names(void **state) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char      out[CF_TILE_PATH_MAX];
    cf_tile_t t;
    assert_int_equal(cf_tile_path(out, &names[i].t), strlen(names[i].path));
    assert_string_equal(names[i].path, out);
    ASSERT_STATUS(CF_OK, cf_tile_parse(&t, SPAN_STR(names[i].path)));
    assert_int_equal(names[i].t.row, t.row);
    assert_int_equal(names[i].t.index, t.index);
    assert_int_equal(names[i].t.width, t.width);
  }
}

static void
test_bad_names(void **state) {
  static struct { char const *path; cf_status_t want; } const bad[] = {
    { "", CF_ERR_FORMAT },
    { "tile", CF_ERR_FORMAT },
    { "tile/0", CF_ERR_FORMAT },
    { "tile/0/", CF_ERR_FORMAT },
    { "tile/0/00", CF_ERR_FORMAT },
    { "tile/0/0000", CF_ERR_FORMAT },
    { "tile/0/0a0", CF_ERR_FORMAT },
    { "tile/00/000", CF_ERR_FORMAT },
    { "tile/64/000", CF_ERR_FORMAT },
    { "tile/-1/000", CF_ERR_FORMAT },
    { "tile/entry/000", CF_ERR_FORMAT },
    { "Tile/0/000", CF_ERR_FORMAT },
    { "/tile/0/000", CF_ERR_FORMAT },
    { "tile/0/000/", CF_ERR_FORMAT },
    { "tile//000", CF_ERR_FORMAT },
    { "tile/0/x001", CF_ERR_FORMAT },
    { "tile/0/x000/067", CF_ERR_FORMAT }, /* 67 is 067 */
    { "tile/0/001/067", CF_ERR_FORMAT },
    { "tile/0/x001/x067", CF_ERR_FORMAT },
    { "tile/0/000.p", CF_ERR_FORMAT },
    { "tile/0/000.p/", CF_ERR_FORMAT },
    { "tile/0/000.p/0", CF_ERR_FORMAT },
    { "tile/0/000.p/01", CF_ERR_FORMAT },
    { "tile/0/000.p/256", CF_ERR_FORMAT },
    { "tile/0/000.p/1/", CF_ERR_FORMAT },
    { "tile/0/000.p/1/2", CF_ERR_FORMAT },
    { "tile/0/000.q/1", CF_ERR_FORMAT },
    { "tile/0/x00.p/1", CF_ERR_FORMAT },
    { "tile/0/../000", CF_ERR_FORMAT },
    { "tile/0/x036/x028/x797/x018/x963/968", CF_ERR_BOUND },
    { "tile/0/x999/x999/x999/x999/x999/x999/999", CF_ERR_BOUND },
    { "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/999", CF_ERR_FORMAT }, /* longer than any name */
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    cf_tile_t t = { .row = 77 };
    ASSERT_STATUS(bad[i].want, cf_tile_parse(&t, SPAN_STR(bad[i].path)));
    assert_int_equal(t.row, 77);
  }
}

/* All tiles of a log, by counting down from the definition: W = floor(s / 256^L) mod 256. */
static void
expect_tiles(uint64_t from, uint64_t size, char const *want) {
  char           got[4096] = "", path[CF_TILE_PATH_MAX];
  cf_tile_iter_t it        = cf_tile_iter(from, size);
  for (cf_tile_t t; cf_tile_next(&it, &t);) {
    cf_tile_path(path, &t);
    strcat(strcat(got, path), " ");
    assert_true(cf_tile_within(&t, size));
    if (size > from) assert_false(cf_tile_within(&t, from));
  }
  assert_string_equal(want, got);
}

static void
test_tiles_to_publish(void **state) {
  expect_tiles(0, 0, "");
  expect_tiles(0, 1, "tile/entries/000.p/1 tile/0/000.p/1 ");
  expect_tiles(0, 300, "tile/entries/000 tile/entries/001.p/44 tile/0/000 tile/0/001.p/44 tile/1/000.p/1 ");
  expect_tiles(300, 300, "");
  expect_tiles(255, 256, "tile/entries/000 tile/0/000 tile/1/000.p/1 ");
  expect_tiles(256, 257, "tile/entries/001.p/1 tile/0/001.p/1 ");
  expect_tiles(65535, 65536, "tile/entries/255 tile/0/255 tile/1/000 tile/2/000.p/1 ");
  expect_tiles(65536, 65537, "tile/entries/256.p/1 tile/0/256.p/1 ");
  expect_tiles(999936, 1000000, "tile/entries/x003/906.p/64 tile/0/x003/906.p/64 ");
  expect_tiles(999000, 1000000,
               "tile/entries/x003/902 tile/entries/x003/903 tile/entries/x003/904 tile/entries/x003/905 tile/entries/x003/906.p/64 "
               "tile/0/x003/902 tile/0/x003/903 tile/0/x003/904 tile/0/x003/905 tile/0/x003/906.p/64 tile/1/015.p/66 ");
}

static void
test_within(void **state) {
  assert_true(cf_tile_within(&(cf_tile_t){ 0, 1, 44 }, 300));
  assert_false(cf_tile_within(&(cf_tile_t){ 0, 1, 45 }, 300));
  assert_true(cf_tile_within(&(cf_tile_t){ 1, 0, 1 }, 256));
  assert_false(cf_tile_within(&(cf_tile_t){ 1, 0, 1 }, 255));
  assert_false(cf_tile_within(&(cf_tile_t){ 63, 0, 1 }, CF_TREE_SIZE_MAX));
  assert_false(cf_tile_within(&(cf_tile_t){ 0, UINT64_MAX / 256, 256 }, CF_TREE_SIZE_MAX));
}

/* A node's hash from the tile that cf_tile_of_node names is the node. */
static void
test_tile_of_node(void **state) {
  enum { SIZE = 70000 };
  static cf_hash_t leaf[SIZE], level1[SIZE / 256];
  for (unsigned i = 0; i < SIZE; i++) leaf[i] = example_leaf(i);
  for (unsigned i = 0; i < SIZE / 256; i++) level1[i] = cf_tree_root_of(leaf + 256 * i, 256);
  for (unsigned level = 0; level <= 16; level++) {
    uint64_t  index = (SIZE >> level) - 1;
    unsigned  first;
    cf_tile_t t = cf_tile_of_node(level, index, &first);
    cf_hash_t want = cf_tree_root_of(leaf + (index << level), (size_t)1 << level), got;
    assert_int_equal(t.row, level / 8);
    if (t.row == 2) got = cf_tree_root_of(level1, 256); /* the one hash of tile/2/000.p/1 */
    else got = cf_tree_root_of((t.row ? level1 : leaf) + t.index * 256 + first, (size_t)1 << level % 8);
    ASSERT_HASH(want, got);
  }
}

/* FORMATS-LOG section 6: sizes and first bytes of the bundles of 300 entries */
static void
test_bundles(void **state) {
  static uint8_t buf[8192];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  char           text[32];
  for (unsigned i = 0; i < 256; i++) cf_bundle_add(&wr, example_entry(text, i));
  assert_int_equal(wr.len, 2706);
  assert_memory_equal(buf, "\0\7entry-0\0\7entry-1", 18);
  cf_rd_t   rd = cf_rd_span(cf_wr_out(&wr));
  cf_span_t entry;
  unsigned  n = 0;
  for (; cf_bundle_next(&rd, &entry); n++) ASSERT_SPAN(example_entry(text, n), entry);
  assert_int_equal(n, 256);
  assert_true(cf_rd_done(&rd));

  static struct { char const *in; size_t len; unsigned cnt; bool ok; } const cases[] = {
    { "", 0, 0, true },           { "\0", 1, 0, false },         { "\0\0", 2, 1, true },      { "\0\1", 2, 0, false },
    { "\0\1x", 3, 1, true },      { "\0\1x\0", 4, 1, false },    { "\xff\xff", 2, 0, false }, { "\0\1x\0\2y", 6, 1, false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd = cf_rd_init(cases[i].in, cases[i].len);
    for (n = 0; cf_bundle_next(&rd, &entry);) n++;
    assert_int_equal(n, cases[i].cnt);
    assert_int_equal(cf_rd_done(&rd), cases[i].ok);
  }
  static uint8_t big[CF_ENTRY_MAX + 1], out[CF_ENTRY_MAX + 8];
  wr = cf_wr_init(out, sizeof out);
  cf_bundle_add(&wr, CF_SPAN(big, CF_ENTRY_MAX));
  assert_false(wr.bad);
  wr = cf_wr_init(out, sizeof out);
  cf_bundle_add(&wr, CF_SPAN(big, CF_ENTRY_MAX + 1));
  assert_true(wr.bad);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_names),       cmocka_unit_test(test_bad_names),    cmocka_unit_test(test_tiles_to_publish),
    cmocka_unit_test(test_within),      cmocka_unit_test(test_tile_of_node), cmocka_unit_test(test_bundles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
