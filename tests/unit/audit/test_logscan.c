/* `verify log`: what holds passes, and altered bytes of each file of a log are found and named, wherever they lie: in a log of one part, and
   in one of two under a third row of tiles.  With a word: each byte of the small log, not one in a few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/cf_verify.h"
#include "base/cf_bytes.h"
#include "translog/cf_tile.h"

enum { SMALL = CF_TILE_WIDTH + 2, LARGE = 65536 + 2 * CF_TILE_WIDTH + 3, FILES_MAX = 700 };

#ifdef __SANITIZE_ADDRESS__
static size_t step = 29;
#else
static size_t step = 3;
#endif

typedef struct {
  char     name[64];
  uint8_t *bytes;
  size_t   len;
  bool     gone, failing;
} file_t;

typedef struct {
  file_t    file[FILES_MAX];
  size_t    cnt, at; /* found last: the next one is asked for next */
  uint64_t  size;
  cf_hash_t leaf[LARGE], row[CF_TILE_ROWS][LARGE / CF_TILE_WIDTH + 1];
  uint8_t   seed[32];
  cf_vkey_t key;
} log_t;

static void put(log_t *l, char const *name, cf_span_t bytes) {
  file_t *f = &l->file[l->cnt++];
  assert_true(l->cnt <= FILES_MAX);
  snprintf(f->name, sizeof f->name, "%s", name);
  f->bytes = malloc(bytes.len + 1);
  f->len = bytes.len;
  memcpy(f->bytes, bytes.ptr, bytes.len);
}

static file_t *find(log_t *l, char const *name) {
  for (size_t i = 0; i < l->cnt; i++) {
    file_t *f = &l->file[(l->at + i) % l->cnt];
    if (strcmp(f->name, name)) continue;
    l->at = (size_t)(f - l->file) + 1;
    return f;
  }
  return NULL;
}

static cf_status_t list(void *ctx, cf_audit_name_fn *fn, void *fn_ctx) {
  log_t *l = ctx;
  for (size_t i = 0; i < l->cnt; i++)
    if (!l->file[i].gone) fn(fn_ctx, l->file[i].name);
  return CF_OK;
}

static cf_read_t read_one(void *ctx, char const *name, size_t max, cf_span_t *bytes) {
  file_t *f = find(ctx, name);
  if (!f || f->gone) return CF_READ_ABSENT;
  if (f->failing) return CF_READ_FAILED;
  *bytes = CF_SPAN(f->bytes, f->len);
  return f->len > max ? CF_READ_LARGE : CF_READ_OK;
}

static cf_span_t entry(uint8_t out[4], uint64_t i) {
  for (int k = 0; k < 4; k++) out[k] = (uint8_t)(i >> 8 * k);
  return CF_SPAN(out, 1 + i % 4);
}

static void put_tile(log_t *l, cf_tile_t t) {
  static uint8_t bytes[CF_TILE_WIDTH * 32];
  char           name[4 + CF_TILE_PATH_MAX] = "log/";
  cf_wr_t        wr = cf_wr_init(bytes, sizeof bytes);
  uint8_t        own[4];
  for (uint64_t i = 0; i < t.width; i++) {
    uint64_t at = t.index * CF_TILE_WIDTH + i;
    if (t.row == CF_TILE_ENTRIES) cf_bundle_add(&wr, entry(own, at));
    else cf_wr_hash(&wr, t.row ? &l->row[t.row][at] : &l->leaf[at]);
  }
  cf_tile_path(name + 4, &t);
  put(l, name, cf_wr_out(&wr));
}

static void put_note(log_t *l, char const *name, uint64_t size, cf_hash_t root) {
  uint8_t buf[CF_CHECKPOINT_NOTE_MAX];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_checkpoint_sign(&wr, &l->key, l->seed, size, &root);
  put(l, name, cf_wr_out(&wr));
}

/* With a kept checkpoint, and the partial tiles of it that were outgrown since. */
static log_t *log_new(uint64_t size, uint64_t kept) {
  log_t           *l = calloc(1, sizeof *l);
  cf_ed25519_pub_t pub;
  cf_tile_t        t;
  uint8_t          own[4], text[CF_VKEY_TEXT_MAX];
  char             name[64];
  cf_wr_t          wr = cf_wr_init(text, sizeof text);
  memset(l->seed, 7, sizeof l->seed);
  cf_ed25519_pub(&pub, l->seed);
  assert_int_equal(cf_vkey_make(&l->key, CF_SPAN_LIT("example.com/scan"), CF_VKEY_LOG, &pub), CF_OK);
  l->size = size;
  for (uint64_t i = 0; i < size; i++) l->leaf[i] = cf_tree_leaf(entry(own, i));
  for (int r = 1; r < 3; r++)
    for (uint64_t i = 0; i < size >> 8 * r; i++)
      l->row[r][i] = cf_tree_root_of((r == 1 ? l->leaf : l->row[r - 1]) + i * CF_TILE_WIDTH, CF_TILE_WIDTH);
  for (cf_tile_iter_t it = cf_tile_iter(0, size); cf_tile_next(&it, &t);) put_tile(l, t);
  for (cf_tile_iter_t it = cf_tile_iter(0, kept); cf_tile_next(&it, &t);)
    if (t.width < CF_TILE_WIDTH) put_tile(l, t);
  cf_vkey_format(&wr, &l->key);
  cf_wr_u8(&wr, '\n');
  put(l, "log.vkey", cf_wr_out(&wr));
  put_note(l, "log/checkpoint", size, cf_tree_root_of(l->leaf, size));
  snprintf(name, sizeof name, "checkpoints/%020llu", (unsigned long long)kept);
  put_note(l, name, kept, cf_tree_root_of(l->leaf, kept));
  return l;
}

static void log_free(log_t *l) {
  for (size_t i = 0; i < l->cnt; i++) free(l->file[i].bytes);
  free(l);
}

static cf_status_t verify(log_t *l, cf_error_t *err) {
  cf_verify_log_t   v;
  cf_audit_reader_t r = {list, read_one, l};
  *err = (cf_error_t){0};
  l->at = 0;
  cf_status_t st = cf_verify_log(&v, &r, NULL, err);
  if (!st) assert_int_equal(v.size, l->size), assert_int_equal(v.checkpoints, 1);
  return st;
}

static void must_name(log_t *l, char const *name, char const *what, size_t at) {
  cf_error_t  err;
  cf_status_t st = verify(l, &err);
  size_t      n = strlen(name);
  bool        named = !strcmp(err.item, name) || (strstr(err.text, name) && strcspn(err.text, ": ") >= n) || strstr(err.text, "fork: checkpoints/");
  if (st == CF_OK || st == CF_ERR_IO || !named) fail_msg("%s: %s at %zu: %s, %s: %s", name, what, at, cf_status_name(st), err.item, err.text);
}

static void flip(log_t *l, file_t *f, size_t at) {
  f->bytes[at] ^= (uint8_t)(1u << at % 8);
  must_name(l, f->name, "flipped", at);
  f->bytes[at] ^= (uint8_t)(1u << at % 8);
}

static void must_hold(log_t *l) {
  cf_error_t err;
  if (verify(l, &err)) fail_msg("%s: %s", err.item, err.text);
}

/* A head that is gone is a file that is missing; other files may be outgrown. */
static void cut_and_take_away(log_t *l, file_t *f) {
  cf_error_t  err;
  bool        tile = !strncmp(f->name, "log/tile/", 9);
  cf_tile_t   t;
  if (strcmp(f->name, "log.vkey") != 0) { /* which may do without its last byte */
    f->len--;
    must_name(l, f->name, "cut", f->len);
    f->len++;
  }
  f->failing = true;
  assert_int_equal(verify(l, &err), CF_ERR_IO);
  f->failing = false;
  f->gone = true;
  bool wanted = tile && !cf_tile_parse(&t, CF_SPAN(f->name + 4, strlen(f->name) - 4)) &&
                (t.width == CF_TILE_WIDTH || t.index * CF_TILE_WIDTH + t.width == (t.row > 0 ? l->size >> 8 * t.row : l->size));
  if (wanted || (!tile && !strncmp(f->name, "log", 3))) must_name(l, f->name, "gone", 0);
  f->gone = false;
}

static void test_small(void **state) {
  log_t *l = log_new(SMALL, 9);
  must_hold(l);
  for (size_t i = 0; i < l->cnt; i++) {
    for (size_t at = i % step; at < l->file[i].len; at += step) flip(l, &l->file[i], at);
    cut_and_take_away(l, &l->file[i]);
  }
  must_hold(l);
  log_free(l);
}

/* Both parts and all rows, and the narrower files. */
static void test_large(void **state) {
  static char const *const names[] = {"log/tile/2/000.p/1", "log/tile/1/000", "log/tile/1/001.p/2", "log/tile/0/255", "log/tile/0/256",
                                      "log/tile/0/258.p/3", "log/tile/entries/000", "log/tile/entries/257", "log/tile/entries/258.p/3",
                                      "log/tile/1/001.p/1", "log/tile/0/257.p/9", "log/tile/entries/257.p/9"};
  log_t *l = log_new(LARGE, 65536 + CF_TILE_WIDTH + 9);
  must_hold(l);
  for (size_t i = 0; i < CF_COUNT_OF(names); i++) {
    file_t *f = find(l, names[i]);
    if (!f) fail_msg("%s is not there", names[i]);
    flip(l, f, (i * 37) % f->len);
    if (i % 4 == 0) cut_and_take_away(l, f);
  }
  log_free(l);
}

/* Entry and tile that agree with each other, and not with the rest: both cannot be believed, and the tile is named. */
static void test_consistent(void **state) {
  log_t  *l = log_new(LARGE, 1);
  file_t *bundle = find(l, "log/tile/entries/001"), *tile = find(l, "log/tile/0/001");
  size_t  at = 2;
  bundle->bytes[at] ^= 1;
  cf_hash_t leaf = cf_tree_leaf(CF_SPAN(bundle->bytes + 2, bundle->bytes[1]));
  memcpy(tile->bytes, leaf.b, 32);
  must_name(l, "log/tile/0/001", "altered with its entry", at);
  log_free(l);
}

/* A signed head of any size costs no more than what is there. */
static void test_claims(void **state) {
  log_t     *l = log_new(SMALL, 1);
  cf_error_t err;
  find(l, "log/checkpoint")->gone = true;
  put_note(l, "log/checkpoint", CF_TREE_SIZE_MAX, l->leaf[0]);
  l->file[l->cnt - 1].gone = false;
  file_t *old = &l->file[l->cnt - 3], *now = &l->file[l->cnt - 1], keep = *old;
  *old = *now, *now = keep;
  assert_int_equal(verify(l, &err), CF_ERR_AUTH);
  assert_non_null(strstr(err.text, ": missing"));
  log_free(l);
}

/* Kept checkpoints of another log, and of a larger one. */
static void test_kept(void **state) {
  log_t     *l = log_new(SMALL, 255);
  cf_error_t err;
  put_note(l, "checkpoints/00000000000000000257", 257, l->leaf[1]);
  assert_int_equal(verify(l, &err), CF_ERR_AUTH);
  assert_non_null(strstr(err.text, "fork: checkpoints/00000000000000000257"));
  l->file[l->cnt - 1].gone = true;
  put_note(l, "checkpoints/00000000000000000999", 999, l->leaf[1]);
  assert_int_equal(verify(l, &err), CF_ERR_AUTH);
  assert_non_null(strstr(err.text, "rollback: checkpoints/00000000000000000999"));
  l->file[l->cnt - 1].gone = true;
  must_hold(l);
  log_free(l);
}

int main(int argc, char **argv) {
  if (argc > 1) step = 1;
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_small), cmocka_unit_test(test_large), cmocka_unit_test(test_consistent),
                                     cmocka_unit_test(test_claims), cmocka_unit_test(test_kept)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
