#include "log_world.h"

#include "codec/cf_cose.h"

static writer_t t; /* large */

/* ---- publishing ---- */

/* One write that all stands on; then FORMATS-LOG section 6, size 300: the files, their sizes, their order */
static void
test_one_group_one_publication(void **state) {
  static struct { char const *name; size_t len; } const want[] = {
    { "log/tile/entries/000", 2706 }, { "log/tile/entries/001.p/44", 44 * 11 }, { "log/tile/0/000", 8192 },
    { "log/tile/0/001.p/44", 1408 },  { "log/tile/1/000.p/1", 32 },             { "log/checkpoint", 0 },
  };
  mem_dir_t dir = { 0 };
  uint64_t  first;
  writer_open(&t, &dir, WRITER_CAP);
  ASSERT_STATUS(CF_ERR_IO, cf_logwriter_append(&t.w, step_begin(&t.step), example_group(0, 1), 1, NULL));
  writer_start(&t);
  assert_int_equal(t.w.phase, CF_LOGWRITER_READY);
  assert_int_equal(dir.cnt, 0);
  assert_int_equal(cf_logwriter_note(&t.w).len, 0);
  ASSERT_STATUS(CF_OK, cf_logwriter_append(&t.w, step_begin(&t.step), example_group(0, 300), 300, &first));
  assert_int_equal(first, 0);
  assert_int_equal(t.step.fx.cnt, 1);
  assert_int_equal(t.step.fx.at[0].kind, CF_FX_APPEND);
  ASSERT_SPAN(CF_SPAN_LIT("journal/00000000000000000000"), t.step.fx.at[0].name);
  cf_rd_t        rd = cf_rd_span(t.step.fx.at[0].body);
  cf_logrecord_t r;
  assert_true(cf_logrecord_next(&rd, &r) && cf_rd_done(&rd) && r.first == 0 && r.cnt == 300 && r.note.len == 0);
  writer_perform(&t);
  assert_int_equal(dir.cnt, 1); /* nothing that others read */
  cf_logwriter_publish(&t.w, step_begin(&t.step));
  assert_int_equal(t.step.fx.cnt, sizeof want / sizeof *want);
  for (size_t i = 0; i < t.step.fx.cnt; i++) {
    cf_effect_t const *e = &t.step.fx.at[i];
    assert_int_equal(e->kind, CF_FX_PUT);
    ASSERT_SPAN(SPAN_STR(want[i].name), e->name);
    if (want[i].len) assert_int_equal(e->body.len, want[i].len);
    assert_int_equal(e->joined, i > 0 && i + 1 < t.step.fx.cnt); /* the checkpoint comes behind all others */
  }
  cf_hash_t level1 = hash_hex("f85f4ead34080710b4d1e808301543aaab81aa04deb88599350dc26a4f2f58de");
  ASSERT_SPAN(CF_SPAN_OF(level1.b), t.step.fx.at[4].body);
  ASSERT_HASH(hash_hex("aebb027d5c3dd08871ee52577a61fc83122d0d14352791943639bd4c12d36943"), t.w.root);
  ASSERT_SPAN(cf_logwriter_note(&t.w), t.step.fx.at[5].body);
  cf_checkpoint_t c;
  ASSERT_STATUS(CF_OK, cf_checkpoint_open(&c, NULL, NULL, cf_logwriter_note(&t.w), &t.w.cfg.log, NULL));
  assert_int_equal(c.size, 300);
  writer_perform(&t);
  cf_logwriter_publish(&t.w, step_begin(&t.step));
  assert_int_equal(t.step.fx.cnt, 0);
  writer_close(&t);
  mem_free(&dir);
}

static void
test_same_entry_once(void **state) {
  mem_dir_t dir = { 0 };
  writer_open(&t, &dir, WRITER_CAP);
  writer_start(&t);
  writer_append(&t, 0, 10);
  cf_log_entry_t *e = example_group(5, 8); /* 5..9 are known, 10..12 new */
  e[7]              = e[6];                /* 11 twice */
  uint64_t first, at;
  ASSERT_STATUS(CF_OK, cf_logwriter_append(&t.w, step_begin(&t.step), e, 8, &first));
  writer_perform(&t);
  assert_int_equal(first, 10);
  for (unsigned i = 0; i < 7; i++) assert_int_equal(e[i].index, 5 + i);
  assert_int_equal(e[7].index, 11);
  assert_int_equal(t.w.size, 12);
  ASSERT_STATUS(CF_OK, cf_logwriter_append(&t.w, step_begin(&t.step), e, 8, &first));
  assert_int_equal(t.step.fx.cnt, 0); /* nothing new, nothing written */
  assert_true(cf_logwriter_find(&t.w, &e[7].key, &at));
  assert_int_equal(at, 11);
  cf_hash_t unknown = plain_key(CF_SPAN_LIT("unknown"));
  assert_false(cf_logwriter_find(&t.w, &unknown, &at));

  writer_t *again = calloc(1, sizeof *again); /* the rule survives a restart */
  writer_open(again, &dir, WRITER_CAP);
  writer_start(again);
  assert_int_equal(again->recovered_cnt, 12);
  ASSERT_STATUS(CF_OK, cf_logwriter_append(&again->w, step_begin(&again->step), e, 8, &first));
  assert_int_equal(again->step.fx.cnt, 0);
  assert_int_equal(e[0].index, 5);
  writer_close(again), writer_close(&t);
  free(again);
  mem_free(&dir);
}

/* Two statements with one header and payload and different signatures are one entry; bytes that are no statement stand for
 * themselves. */
static void
test_entry_key(void **state) {
  uint8_t       hdr[64], buf[3][256];
  cf_wr_t       h = cf_wr_init(hdr, sizeof hdr), w[3];
  uint8_t       sig[64] = { 1 };
  cf_cose_hdr_t cose = { .alg = CF_COSE_ES256, .kid = CF_SPAN_LIT("0123456789abcdef0123456789abcdef"), .typ = CF_SPAN_LIT("t") };
  cf_sign1_protected(&h, &cose);
  for (int i = 0; i < 3; i++) {
    w[i] = cf_wr_init(buf[i], sizeof buf[i]);
    if (i == 1) sig[0] = 2;
    cf_sign1_assemble(&w[i], cf_wr_out(&h), i == 2 ? CF_SPAN_LIT("other") : CF_SPAN_LIT("payload"), sig);
  }
  cf_hash_t a = cf_log_entry_key(cf_wr_out(&w[0])), b = cf_log_entry_key(cf_wr_out(&w[1])),
            c = cf_log_entry_key(cf_wr_out(&w[2]));
  assert_true(cf_hash_eq(&a, &b));
  assert_false(cf_hash_eq(&a, &c));
  cf_hash_t want = cf_document_hash(cf_wr_out(&h), CF_SPAN_LIT("payload")), plain = cf_log_entry_key(CF_SPAN_LIT("x")),
            leaf = cf_tree_leaf(CF_SPAN_LIT("x"));
  ASSERT_HASH(want, a);
  ASSERT_HASH(leaf, plain);
}

static void
test_bounds(void **state) {
  static uint8_t        big[CF_ENTRY_MAX + 1];
  static cf_log_entry_t many[CF_LOGWRITER_GROUP_MAX + 1];
  mem_dir_t             dir = { 0 };
  writer_open(&t, &dir, 512);
  writer_start(&t);
  ASSERT_STATUS(CF_ERR_BOUND, cf_logwriter_append(&t.w, step_begin(&t.step), many, CF_LOGWRITER_GROUP_MAX + 1, NULL));
  ASSERT_STATUS(CF_ERR_BOUND, cf_logwriter_append(&t.w, step_begin(&t.step), example_group(0, 513), 513, NULL));
  many[0].bytes = CF_SPAN_OF(big);
  ASSERT_STATUS(CF_ERR_BOUND, cf_logwriter_append(&t.w, step_begin(&t.step), many, 1, NULL));
  assert_int_equal(t.step.fx.cnt, 0);
  assert_int_equal(t.w.size, 0);
  many[0].bytes.len = CF_ENTRY_MAX;
  ASSERT_STATUS(CF_OK, cf_logwriter_append(&t.w, step_begin(&t.step), many, 1, NULL));
  writer_perform(&t);

  /* More bytes than the tail takes: refused whole, and half of them go in, also behind a heavy partial bundle. */
  for (size_t i = 0; i < 512; i++) {
    many[i].bytes    = CF_SPAN(big, CF_ENTRY_MAX);
    many[i].key      = (cf_hash_t){ { (uint8_t)i, (uint8_t)(i >> 8), 1 } };
  }
  writer_close(&t);
  mem_free(&dir);
  writer_open(&t, &dir, 1024);
  writer_start(&t);
  ASSERT_STATUS(CF_OK, cf_logwriter_append(&t.w, step_begin(&t.step), many, 255, NULL));
  writer_perform(&t);
  ASSERT_STATUS(CF_ERR_BOUND, cf_logwriter_append(&t.w, step_begin(&t.step), many + 255, 258, NULL));
  assert_int_equal(t.w.size, 255);
  ASSERT_STATUS(CF_OK, cf_logwriter_append(&t.w, step_begin(&t.step), many + 255, 256, NULL));
  writer_perform(&t);
  assert_int_equal(t.w.size, 511);
  writer_close(&t);
  mem_free(&dir);
}

static void
test_proofs(void **state) {
  mem_dir_t dir = { 0 };
  cf_hash_t path[CF_TREE_PATH_MAX], root, old;
  size_t    cnt;
  writer_open(&t, &dir, WRITER_CAP);
  writer_start(&t);
  writer_append(&t, 0, 200);
  writer_append(&t, 200, 400);
  for (uint64_t size = 1; size <= 600; size += 7) {
    ASSERT_STATUS(CF_OK, cf_logwriter_root(&t.w, &root, size));
    cf_hash_t want = example_root(size);
    ASSERT_HASH(want, root);
    for (uint64_t i = 0; i < size; i += 13) {
      ASSERT_STATUS(CF_OK, cf_logwriter_proof(&t.w, path, &cnt, i, size));
      ASSERT_STATUS(CF_OK, cf_tree_inclusion_verify(&root, size, i, cf_logwriter_leaf(&t.w, i), path, cnt));
      ASSERT_STATUS(CF_OK, cf_logwriter_consistency(&t.w, path, &cnt, i, size));
      ASSERT_STATUS(CF_OK, cf_logwriter_root(&t.w, &old, i));
      ASSERT_STATUS(CF_OK, cf_tree_consistency_verify(&old, i, &root, size, path, cnt));
    }
  }
  ASSERT_STATUS(CF_ERR_BOUND, cf_logwriter_proof(&t.w, path, &cnt, 0, 601));
  ASSERT_STATUS(CF_ERR_BOUND, cf_logwriter_proof(&t.w, path, &cnt, 600, 600));
  ASSERT_STATUS(CF_ERR_BOUND, cf_logwriter_consistency(&t.w, path, &cnt, 0, 601));
  ASSERT_STATUS(CF_ERR_BOUND, cf_logwriter_root(&t.w, &root, 601));
  assert_null(cf_logwriter_leaf(&t.w, 600));
  writer_close(&t);
  mem_free(&dir);
}

/* ---- crashes ---- */

/* Every file in dir belongs to a log of that size of example entries, byte for byte. */
static void
check_every_file(mem_dir_t const *dir, uint64_t size) {
  static cf_hash_t leaf[4096];
  static uint8_t   bundle[CF_TILE_WIDTH * 32];
  for (uint64_t i = 0; i < size; i++) leaf[i] = example_leaf(i);
  for (size_t i = 0; i < dir->cnt; i++) {
    cf_span_t name = SPAN_STR(dir->file[i].name), bytes = CF_SPAN(dir->file[i].bytes, dir->file[i].len);
    cf_tile_t f;
    if (cf_span_eq(name, CF_SPAN_LIT("log/checkpoint")) || !memcmp(name.ptr, "journal/", 8)) continue;
    ASSERT_STATUS(CF_OK, cf_tile_parse(&f, CF_SPAN(name.ptr + 4, name.len - 4)));
    assert_true(cf_tile_within(&f, size));
    if (f.row == CF_TILE_ENTRIES) {
      cf_wr_t wr = cf_wr_init(bundle, sizeof bundle);
      char    text[32];
      for (unsigned e = 0; e < f.width; e++) cf_bundle_add(&wr, example_entry(text, f.index * 256 + e));
      ASSERT_SPAN(cf_wr_out(&wr), bytes);
    } else if (f.row == 0) {
      ASSERT_SPAN(CF_SPAN(leaf + f.index * 256, f.width * 32), bytes);
    } else {
      assert_int_equal(f.row, 1);
      assert_int_equal(bytes.len, f.width * 32);
      for (unsigned h = 0; h < f.width; h++) {
        cf_hash_t want = cf_tree_root_of(leaf + (f.index * 256 + h) * 256, 256);
        assert_memory_equal(bytes.ptr + 32 * h, want.b, 32);
      }
    }
  }
}

static void
check_readable(mem_dir_t const *dir, uint64_t size) {
  static cf_logreader_t r;
  cf_error_t            err = { .status = CF_OK };
  cf_hash_t             root = example_root(size);
  cf_logreader_init(&r, &(cf_logreader_sink_t){ 0 });
  ASSERT_STATUS(CF_OK, cf_logreader_begin(&r, size, &root));
  feed_reader(&r, dir);
  cf_status_t st = cf_logreader_end(&r, &err);
  if (st) print_message("%s\n", err.text);
  ASSERT_STATUS(CF_OK, st);
}

/* The checkpoint that a reader sees, whenever he looks, has its files; returns its size. */
static uint64_t
check_seen(mem_dir_t const *dir) {
  mem_file_t const *f = mem_find(dir, CF_SPAN_LIT("log/checkpoint"));
  cf_checkpoint_t   c;
  uint8_t           seed[32];
  cf_vkey_t         key = key_from(seed, 0, EXAMPLE_ORIGIN, CF_VKEY_LOG);
  if (!f) return 0;
  ASSERT_STATUS(CF_OK, cf_checkpoint_open(&c, NULL, NULL, CF_SPAN(f->bytes, f->len), &key, NULL));
  cf_hash_t root = example_root(c.size);
  ASSERT_HASH(root, c.root);
  check_readable(dir, c.size);
  return c.size;
}

/* Four groups, the second and the last published, until the power fails; returns how many there were. */
static size_t
four_groups(uint64_t from, size_t group) {
  size_t n = 0;
  for (; n < 4 && !t.dead; n++) {
    (n % 2 ? writer_append : writer_journal)(&t, from + n * group, group);
  }
  return n;
}

/* The power fails after `cut` durable effects, and after `cut2` of the recovery behind it; then all is well again.  What is there is what was
   acknowledged, and perhaps the one group that was being written.  Returns false when both counts were larger than what there was to do. */
static bool
crash_and_recover(mem_dir_t const *before, uint64_t from, size_t group, size_t cut, unsigned tear, size_t cut2) {
  mem_dir_t dir = mem_copy(before);
  writer_open(&t, &dir, WRITER_CAP);
  writer_start(&t);
  assert_int_equal(t.w.size, from);
  t.durable_left = cut;
  t.tear         = tear;
  size_t   given = four_groups(from, group);
  size_t   acked = t.appended;
  bool     died  = t.dead;
  uint64_t seen  = check_seen(&dir);
  assert_true(seen <= from + acked * group); /* nobody is shown what is not durable */
  writer_close(&t);

  writer_open(&t, &dir, WRITER_CAP);
  t.durable_left = cut2;
  t.tear         = tear;
  writer_start(&t);
  bool twice = t.dead;
  writer_close(&t);
  assert_true(check_seen(&dir) >= seen);

  writer_open(&t, &dir, WRITER_CAP);
  writer_start(&t);
  if (t.w.phase != CF_LOGWRITER_READY)
    print_message("from %d group %zu cut %zu tear %u cut2 %zu: %s\n", (int)from, group, cut, tear, cut2, t.w.err.text);
  assert_int_equal(t.w.phase, CF_LOGWRITER_READY);
  uint64_t size = t.w.size, least = from + acked * group;
  assert_true(size == least || (size == least + group && given > acked && tear));
  if (given > acked && tear == 1) assert_int_equal(size, least + group);
  cf_hash_t root = example_root(size);
  ASSERT_HASH(root, t.w.root);
  assert_int_equal(check_seen(&dir), size);
  check_every_file(&dir, size);

  cf_log_entry_t *e = example_group(from, group); /* the caller tries again: same indices as if nothing had been */
  ASSERT_STATUS(CF_OK, cf_logwriter_append(&t.w, step_begin(&t.step), e, group, NULL));
  for (size_t i = 0; i < group; i++) assert_int_equal(e[i].index, from + i);
  cf_logwriter_publish(&t.w, &t.step.fx);
  writer_perform(&t);
  if (size == from) size += group;
  root = example_root(size);
  ASSERT_HASH(root, t.w.root);
  check_every_file(&dir, size);
  check_readable(&dir, size);
  writer_close(&t);
  mem_free(&dir);
  return died || twice;
}

static void
test_crash_at_every_effect(void **state) {
  static struct { uint64_t from; size_t group; } const cases[] = {
    { 0, 1 }, { 0, 300 }, { 1, 1 }, { 44, 106 }, { 44, 256 }, { 254, 1 }, { 300, 100 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mem_dir_t before = make_log(cases[i].from, 37);
    for (size_t cut = 0; crash_and_recover(&before, cases[i].from, cases[i].group, cut, 0, SIZE_MAX); cut++)
      for (unsigned tear = 1; tear < 4; tear++)
        crash_and_recover(&before, cases[i].from, cases[i].group, cut, tear < 2 ? tear : 977 * tear + (unsigned)cut, (3 * cut + tear) % 11);
    mem_free(&before);
  }
}

/* ---- the journal ---- */

#define SEGMENT(n) "journal/000000000000000000" n

/* A log of 44 entries at rest, and two groups of 30 behind it in the journal, the first published or none. */
static mem_dir_t
make_journal(bool published) {
  mem_dir_t dir = make_log(44, 44);
  writer_open(&t, &dir, WRITER_CAP);
  writer_start(&t);
  (published ? writer_append : writer_journal)(&t, 44, 30);
  writer_journal(&t, 74, 30);
  writer_close(&t);
  return dir;
}

static void
expect_recovery(mem_dir_t *dir, uint64_t size) {
  writer_open(&t, dir, WRITER_CAP);
  writer_start(&t);
  if (t.w.phase != CF_LOGWRITER_READY) print_message("%s\n", t.w.err.text);
  assert_int_equal(t.w.phase, CF_LOGWRITER_READY);
  assert_int_equal(t.w.size, size);
  assert_int_equal(t.recovered_cnt, size);
  cf_hash_t root = example_root(size);
  ASSERT_HASH(root, t.w.root);
  assert_int_equal(check_seen(dir), size);
  for (size_t i = 0; i < dir->cnt; i++) assert_memory_not_equal(dir->file[i].name, "journal/", 8);
  writer_close(&t);
  mem_free(dir);
}

static void
test_journal(void **state) {
  mem_dir_t dir = make_journal(false);
  expect_recovery(&dir, 104);
  dir = make_journal(true);
  mem_append(&dir, CF_SPAN_LIT(SEGMENT("44")), CF_SPAN_LIT("\0\0\0\0\0\0\0")); /* written ahead */
  expect_recovery(&dir, 104);

  /* Whatever the power left of the checkpoint: the journal knows where it began, under the log's signature. */
  dir = make_journal(true);
  mem_put(&dir, CF_SPAN_LIT("log/checkpoint"), CF_SPAN(NULL, 0));
  expect_recovery(&dir, 104);
  dir = make_journal(true);
  mem_remove(&dir, CF_SPAN_LIT("log/checkpoint"));
  expect_recovery(&dir, 104);
  dir = make_journal(true);
  mem_remove(&dir, CF_SPAN_LIT("log/tile/entries/000.p/74"));
  mem_put(&dir, CF_SPAN_LIT("log/tile/0/000.p/74"), CF_SPAN(NULL, 0));
  expect_recovery(&dir, 104);

  /* An older one than the checkpoint: the files alone count. */
  dir                 = make_journal(false);
  mem_file_t const *f = mem_find(&dir, CF_SPAN_LIT(SEGMENT("44")));
  mem_dir_t newer     = make_log(150, 50);
  mem_put(&newer, CF_SPAN_LIT(SEGMENT("44")), CF_SPAN(f->bytes, f->len));
  expect_recovery(&newer, 150);
  mem_free(&dir);

  /* A file that was begun, and no more; beside what is no file of a journal. */
  dir = make_log(44, 44);
  mem_put(&dir, CF_SPAN_LIT(SEGMENT("44")), CF_SPAN_LIT("\0\0\0\0\0\0\0\0\0"));
  mem_put(&dir, CF_SPAN_LIT("other/journal"), CF_SPAN_LIT("x"));
  expect_recovery(&dir, 44);
}

/* A writer without a journal made one bundle after the other durable, then tiles, then the checkpoint: what it was cut off in comes back. */
static void
test_before_the_journal(void **state) {
  static char const *const bundle[] = { "log/tile/entries/000", "log/tile/entries/001", "log/tile/entries/002.p/88" };
  static uint64_t const    size[]   = { 44, 256, 512, 600 };
  mem_dir_t                later    = make_log(600, 600);
  for (size_t n = 0; n <= 3; n++) {
    mem_dir_t dir = make_log(44, 11);
    for (size_t i = 0; i < n; i++) {
      mem_file_t const *f = mem_find(&later, SPAN_STR(bundle[i]));
      mem_put(&dir, SPAN_STR(bundle[i]), CF_SPAN(f->bytes, f->len));
    }
    if (n == 3) mem_remove(&dir, CF_SPAN_LIT("log/checkpoint"));
    expect_recovery(&dir, size[n]);
  }
  mem_free(&later);
}

/* A byte changed anywhere in what was followed by more is damage; in the last record it looks like what a crash cut short. */
static void
test_journal_damaged(void **state) {
  mem_dir_t      dir = make_journal(false);
  mem_file_t    *f   = mem_find(&dir, CF_SPAN_LIT(SEGMENT("44")));
  cf_rd_t        rd  = cf_rd_init(f->bytes, f->len);
  cf_logrecord_t r;
  assert_true(cf_logrecord_next(&rd, &r) && r.first == 44 && r.note.len > 0);
  size_t second = rd.pos;
  assert_true(cf_logrecord_next(&rd, &r) && r.first == 74 && r.note.len == 0 && cf_rd_done(&rd));
  for (size_t at = 0; at < f->len; at += at < 60 || at > second - 4 ? 1 : 7) {
    mem_dir_t d = mem_copy(&dir);
    mem_find(&d, CF_SPAN_LIT(SEGMENT("44")))->bytes[at] ^= 0x40;
    writer_open(&t, &d, WRITER_CAP);
    writer_start(&t);
    if (t.w.phase == CF_LOGWRITER_READY) {
      bool beyond = at < 3 || (at >= second && at < second + 3); /* its size reaches beyond the file */
      assert_true(beyond || at >= second);
      assert_int_equal(t.w.size, at < second ? 44 : 74);
    } else {
      assert_int_equal(t.w.phase, CF_LOGWRITER_FAILED);
      ASSERT_STATUS(CF_ERR_AUTH, t.w.err.status);
    }
    writer_close(&t);
    mem_free(&d);
  }
  mem_free(&dir);
}

static uint8_t heavy[CF_ENTRY_MAX];

static void
append_heavy(mem_dir_t *dir, unsigned n) {
  static cf_log_entry_t entries[CF_TILE_WIDTH];
  for (unsigned i = 0; i < CF_TILE_WIDTH; i++)
    entries[i] = (cf_log_entry_t){ .bytes = CF_SPAN_OF(heavy), .key = { { (uint8_t)i, (uint8_t)(n + 1) } } };
  ASSERT_STATUS(CF_OK, cf_logwriter_append(&t.w, step_begin(&t.step), entries, CF_TILE_WIDTH, NULL));
  cf_logwriter_publish(&t.w, &t.step.fx);
  writer_perform(&t);
}

/* A long file gives way to another when all of it is published; more than a writer lets wait is asked for again. */
static void
test_journal_full(void **state) {
  mem_dir_t dir = { 0 };
  writer_open(&t, &dir, 32768);
  writer_start(&t);
  for (uint64_t at = 0; at < CF_LOGWRITER_BEHIND_MAX; at += 4096) writer_journal(&t, at, 4096);
  uint64_t       behind = t.w.size;
  cf_log_entry_t *e     = example_group(behind, 300);
  ASSERT_STATUS(CF_ERR_BOUND, cf_logwriter_append(&t.w, step_begin(&t.step), e, 300, NULL));
  assert_int_equal(t.step.fx.cnt, 0);
  assert_int_equal(t.w.size, behind);
  cf_logwriter_publish(&t.w, step_begin(&t.step));
  writer_perform(&t);
  writer_append(&t, behind, 300); /* the journal has more than a start takes over at once */
  writer_close(&t);
  writer_open(&t, &dir, 32768);
  writer_start(&t);
  assert_int_equal(t.w.phase, CF_LOGWRITER_READY);
  assert_int_equal(t.w.size, behind + 300);
  check_seen(&dir);
  writer_close(&t);
  mem_free(&dir);

  writer_open(&t, &dir, 2048);
  writer_start(&t);
  for (unsigned i = 0; i < 2; i++) append_heavy(&dir, i);
  assert_null(mem_find(&dir, CF_SPAN_LIT(SEGMENT("00"))));
  append_heavy(&dir, 2);
  assert_non_null(mem_find(&dir, CF_SPAN_LIT("journal/00000000000000000512")));
  writer_close(&t);
  mem_free(&dir);
}

/* Groups of any size, pruned and restarted now and then: the same log as if written at once. */
static void
test_random_groups(void **state) {
  unsigned seed = 20260702;
  print_message("seed %u\n", seed);
  srand(seed);
  mem_dir_t dir  = { 0 };
  uint64_t  size = 0;
  size_t    removed = 0;
  writer_open(&t, &dir, WRITER_CAP);
  writer_start(&t);
  for (int round = 0; round < 60 && size < 3000; round++) {
    size_t group = 1 + (size_t)rand() % (round % 9 == 0 ? 600 : 40);
    writer_append(&t, size, group);
    size += group;
    size_t n = cf_logwriter_prune(&t.w, step_begin(&t.step), 8);
    assert_true(n <= 8);
    writer_perform(&t);
    removed += n;
    if (rand() % 4) continue;
    writer_close(&t);
    writer_open(&t, &dir, WRITER_CAP);
    writer_start(&t);
    assert_int_equal(t.w.size, size);
    assert_int_equal(t.recovered_cnt, size);
  }
  cf_hash_t root = example_root(size);
  ASSERT_HASH(root, t.w.root);
  check_every_file(&dir, size);
  check_readable(&dir, size);

  assert_true(removed > 50); /* what went was not missed */
  writer_close(&t);
  writer_open(&t, &dir, WRITER_CAP);
  writer_start(&t);
  assert_int_equal(t.w.phase, CF_LOGWRITER_READY);
  writer_close(&t);
  mem_free(&dir);
}

/* Every partial tile of the tile under way is remembered over a restart and goes when the tile is full. */
static void
test_prune_after_restart(void **state) {
  mem_dir_t dir = make_log(250, 10);
  writer_open(&t, &dir, WRITER_CAP);
  writer_start(&t);
  assert_int_equal(cf_logwriter_prune(&t.w, step_begin(&t.step), 100), 0); /* no full tile yet */
  writer_append(&t, 250, 10);
  assert_int_equal(cf_logwriter_prune(&t.w, step_begin(&t.step), 100), 50); /* 10, 20, ... 250, twice */
  writer_perform(&t);
  assert_int_equal(cf_logwriter_prune(&t.w, step_begin(&t.step), 100), 0);
  assert_int_equal(dir.cnt, 2 + 2 + 1 + 1 + 1); /* full, width 4, level 1, checkpoint, journal */
  check_readable(&dir, 260);
  writer_close(&t);
  writer_rest(&t, &dir, WRITER_CAP); /* the journal began at a partial tile that is gone */
  assert_int_equal(t.w.phase, CF_LOGWRITER_READY);
  assert_int_equal(t.w.size, 260);
  mem_free(&dir);
}

/* ---- what recovery refuses ---- */

static void
expect_failure(mem_dir_t *dir, uint64_t cap, cf_status_t want, char const *text) {
  writer_open(&t, dir, cap);
  writer_start(&t);
  assert_int_equal(t.w.phase, CF_LOGWRITER_FAILED);
  ASSERT_STATUS(want, t.w.err.status);
  if (!strstr(t.w.err.text, text)) fail_msg("\"%s\" is not in \"%s\"", text, t.w.err.text);
  ASSERT_STATUS(CF_ERR_IO, cf_logwriter_append(&t.w, step_begin(&t.step), example_group(0, 1), 1, NULL));
  writer_close(&t);
  mem_free(dir);
}

static void
damage(mem_dir_t *dir, char const *name, size_t at) {
  mem_file_t *f = mem_find(dir, SPAN_STR(name));
  assert_non_null(f);
  f->bytes[at] ^= 1;
}

static void
test_recovery_refuses(void **state) {
  mem_dir_t dir = make_log(300, 300);
  damage(&dir, "log/tile/entries/000", 9 * 5 + 3); /* in entry 5 */
  expect_failure(&dir, WRITER_CAP, CF_ERR_AUTH, "tile/entries/000: entry 5 hashes to");
  dir = make_log(300, 300);
  damage(&dir, "log/tile/0/001.p/44", 32 * 3);
  expect_failure(&dir, WRITER_CAP, CF_ERR_AUTH, "tile/0/001.p/44 says");
  dir = make_log(300, 300);
  damage(&dir, "log/tile/1/000.p/1", 0);
  expect_failure(&dir, WRITER_CAP, CF_ERR_AUTH, "tile/1/000.p/1: hash 0");
  dir = make_log(300, 300);
  mem_remove(&dir, CF_SPAN_LIT("log/tile/entries/001.p/44"));
  expect_failure(&dir, WRITER_CAP, CF_ERR_AUTH, "tile/entries/001.p/44: missing");
  dir = make_log(300, 300);
  damage(&dir, "log/checkpoint", strlen(EXAMPLE_ORIGIN) + 1);
  expect_failure(&dir, WRITER_CAP, CF_ERR_AUTH, "signature does not verify");
  dir = make_log(300, 300);
  mem_put(&dir, CF_SPAN_LIT("log/checkpoint"),
          CF_SPAN_LIT("x\n8\n38wTubDKkyxo3j1Z6qqP4mapyAkcAwDoQF6/6w0OWDI=\n\n\xe2\x80\x94 x AAAAAAA=\n"));
  expect_failure(&dir, WRITER_CAP, CF_ERR_POLICY, "not of the log");
  dir = make_log(300, 300);
  expect_failure(&dir, 256, CF_ERR_BOUND, "capacity");
  dir = make_log(256, 256);
  expect_failure(&dir, 256, CF_ERR_BOUND, "capacity");

  /* A tail that contradicts what is published, or is cut short, is no tail. */
  uint8_t buf[512];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  for (int i = 0; i < 6; i++) cf_bundle_add(&wr, CF_SPAN_LIT("entry-9"));
  dir = make_log(5, 5);
  mem_put(&dir, CF_SPAN_LIT("log/tile/entries/000.p/6"), cf_wr_out(&wr));
  expect_failure(&dir, WRITER_CAP, CF_ERR_AUTH, "bundle 0 of width 6 does not extend");
  dir = make_log(5, 5);
  mem_put(&dir, CF_SPAN_LIT("log/tile/entries/000.p/6"), CF_SPAN_LIT("\0\7entry"));
  expect_failure(&dir, WRITER_CAP, CF_ERR_AUTH, "does not extend");

  mem_dir_t none = { 0 };
  writer_open(&t, &none, WRITER_CAP);
  cf_logwriter_start(&t.w, step_begin(&t.step));
  cf_event_t io = { .kind = CF_EV_DONE, .id = WRITER_ID + 1, .status = CF_ERR_IO }; /* somebody else's */
  assert_false(cf_logwriter_step(&t.w, step_begin(&t.step), &io));
  assert_int_equal(t.w.phase, CF_LOGWRITER_HEAD);
  io.id = WRITER_ID;
  assert_true(cf_logwriter_step(&t.w, step_begin(&t.step), &io));
  assert_int_equal(t.w.phase, CF_LOGWRITER_FAILED);
  ASSERT_STATUS(CF_ERR_IO, t.w.err.status);
  writer_close(&t);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_one_group_one_publication),
    cmocka_unit_test(test_same_entry_once),
    cmocka_unit_test(test_entry_key),
    cmocka_unit_test(test_bounds),
    cmocka_unit_test(test_proofs),
    cmocka_unit_test(test_crash_at_every_effect),
    cmocka_unit_test(test_journal),
    cmocka_unit_test(test_before_the_journal),
    cmocka_unit_test(test_journal_damaged),
    cmocka_unit_test(test_journal_full),
    cmocka_unit_test(test_random_groups),
    cmocka_unit_test(test_prune_after_restart),
    cmocka_unit_test(test_recovery_refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
