/* `verify log`: what holds passes, and altered bytes of each file of a log are found and named, wherever they lie: in a log of one part, and
   in one of two under a third row of tiles; of a domain, and of strangers, with cosignatures that a policy asks for.  With a word: each byte of the small log, not one in a few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/cf_logscan.h"
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
  bool      bare;                 /* a stranger's */
  cf_tlog_policy_t const *policy; /* asked for, when there is one */
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

static cf_status_t scan(log_t *l, cf_audit_reader_t const *r, cf_logscan_ask_t const *ask, cf_logscan_rest_t *rest, cf_error_t *err) {
  cf_logscan_t s;
  cf_status_t  st = cf_logscan_open(&s, r, ask, err);
  if (st) return st;
  for (uint64_t part = 0; !st && part < s.parts; part++) st = cf_logscan_part(&s, r, part, err);
  if (!st) st = cf_logscan_rest(rest, &s, r, ask->policy, err);
  if (!st) assert_int_equal(s.size, l->size), assert_int_equal(s.bare, l->bare);
  cf_logscan_close(&s);
  return st;
}

static cf_status_t verify(log_t *l, cf_error_t *err) {
  cf_verify_log_t   v;
  cf_logscan_rest_t rest;
  cf_audit_reader_t r = {list, read_one, l};
  *err = (cf_error_t){0};
  l->at = 0;
  if (l->bare || l->policy) return scan(l, &r, &(cf_logscan_ask_t){l->policy ? NULL : &l->key, l->policy}, &rest, err);
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
  size_t      below = l->bare ? 0 : 4;
  bool        tile = !strncmp(f->name + below, "tile/", 5);
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
  bool wanted = tile && !cf_tile_parse(&t, CF_SPAN(f->name + below, strlen(f->name) - below)) &&
                (t.width == CF_TILE_WIDTH || t.index * CF_TILE_WIDTH + t.width == (t.row > 0 ? l->size >> 8 * t.row : l->size));
  if (wanted || (!tile && !l->bare && !strncmp(f->name, "log", 3))) must_name(l, f->name, "gone", 0);
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

/* ---- strangers ---- */

static uint8_t const witness_seed[2][32] = {{11}, {12}};

static cf_vkey_t witness(unsigned i) {
  cf_ed25519_pub_t pub;
  cf_vkey_t        k;
  char             name[16];
  snprintf(name, sizeof name, "w.example/%u", i);
  cf_ed25519_pub(&pub, witness_seed[i]);
  assert_int_equal(cf_vkey_make(&k, CF_SPAN(name, strlen(name)), CF_VKEY_WITNESS, &pub), CF_OK);
  return k;
}

static void cosign(log_t *l, char const *name, unsigned who) {
  uint8_t    buf[CF_NOTE_MAX];
  file_t    *f = find(l, name);
  cf_wr_t    wr = cf_wr_init(buf, sizeof buf);
  cf_note_t  note;
  cf_cosig_t c;
  cf_vkey_t  k = witness(who);
  cf_wr_bytes(&wr, f->bytes, f->len);
  assert_int_equal(cf_note_parse(&note, cf_wr_out(&wr), NULL), CF_OK);
  cf_cosig_make(&c, witness_seed[who], 1700000000, note.text);
  cf_cosig_line(&wr, &k, &c);
  f->bytes = realloc(f->bytes, wr.len);
  memcpy(f->bytes, buf, f->len = wr.len);
}

/* The policy of one log and two witnesses, under a rule. */
static cf_tlog_policy_t policy_of(log_t const *l, char const *rule) {
  static uint8_t   text[2048]; /* borrowed */
  cf_wr_t          wr = cf_wr_init(text, sizeof text);
  cf_tlog_policy_t p;
  cf_error_t       err = {0};
  char             name[16];
  if (l) cf_wr_bytes(&wr, "log ", 4), cf_vkey_format(&wr, &l->key), cf_wr_u8(&wr, '\n');
  for (unsigned i = 0; i < 2; i++) {
    cf_vkey_t k = witness(i);
    snprintf(name, sizeof name, "witness w%u ", i);
    cf_wr_bytes(&wr, name, strlen(name));
    cf_vkey_format(&wr, &k);
    cf_wr_u8(&wr, '\n');
  }
  cf_wr_bytes(&wr, rule, strlen(rule));
  if (cf_tlog_policy_parse(&p, cf_wr_out(&wr), &err)) fail_msg("%s", err.text);
  return p;
}

/* What a stranger publishes: the files below log/ alone. */
static log_t *bare_new(uint64_t size, uint64_t kept) {
  log_t *l = log_new(size, kept);
  l->bare = true;
  for (size_t i = 0; i < l->cnt;) {
    file_t *f = &l->file[i];
    if (!strncmp(f->name, "log/", 4)) {
      memmove(f->name, f->name + 4, strlen(f->name + 4) + 1);
      i++;
    } else {
      free(f->bytes);
      *f = l->file[--l->cnt];
    }
  }
  return l;
}

static void test_strangers(void **state) {
  log_t *l = bare_new(SMALL, 9);
  cosign(l, "checkpoint", 0);
  cosign(l, "checkpoint", 1);
  must_hold(l); /* by its key */
  cf_tlog_policy_t both = policy_of(l, "group g all w0 w1\nquorum g\n");
  l->policy = &both; /* every byte of every line counts */
  must_hold(l);
  for (size_t i = 0; i < l->cnt; i++) {
    size_t by = !strcmp(l->file[i].name, "checkpoint") || step == 1 ? 1 : 5 * step;
    for (size_t at = i % by; at < l->file[i].len; at += by) flip(l, &l->file[i], at);
    cut_and_take_away(l, &l->file[i]);
  }
  must_hold(l);
  log_free(l);
}

static void test_large_of_strangers(void **state) {
  static char const *const names[] = {"tile/2/000.p/1", "tile/0/255", "tile/0/258.p/3", "tile/entries/257", "tile/entries/257.p/9"};
  log_t *l = bare_new(LARGE, 65536 + CF_TILE_WIDTH + 9);
  must_hold(l);
  for (size_t i = 0; i < CF_COUNT_OF(names); i++) {
    l->at = 0; /* some names are there twice */
    file_t *f = find(l, names[i]);
    if (!f) fail_msg("%s is not there", names[i]);
    flip(l, f, (i * 37) % f->len);
    cut_and_take_away(l, f);
  }
  log_free(l);
}

/* Read as it grows: each file that is new is looked at, once, and a fault leaves what was read before. */
static void test_follow(void **state) {
  static uint64_t const sizes[] = {0, 3, 255, 256, 300, 300, SMALL * 2, 3 * CF_TILE_WIDTH};
  static cf_logreader_t log;
  cf_error_t            err = {0};
  uint64_t              before = 0;
  cf_logreader_init(&log, &(cf_logreader_sink_t){0});
  for (size_t i = 0; i < CF_COUNT_OF(sizes); i++) {
    log_t            *l = bare_new(sizes[i] ? sizes[i] : 1, 1);
    cf_audit_reader_t r = {NULL, read_one, l};
    cf_hash_t         root = cf_tree_root_of(l->leaf, sizes[i]), wrong = l->leaf[0];
    wrong.b[0] ^= 1;
    l->at = 0;
    for (size_t k = 0; sizes[i] && k < l->cnt; k++) {
      file_t   *f = &l->file[k];
      cf_tile_t t;
      if (cf_tile_parse(&t, CF_SPAN(f->name, strlen(f->name)))) continue;
      bool entry = t.row == CF_TILE_ENTRIES, now = cf_tile_within(&t, sizes[i]) && t.width != 1;
      if (!entry || !now || t.index * CF_TILE_WIDTH + t.width <= before) continue;
      for (int how = 0; how < 3; how++) {
        err = (cf_error_t){0};
        if (how == 0) f->bytes[f->len - 1] ^= 1;
        if (how == 1) f->gone = true;
        if (how == 2) f->failing = true;
        assert_int_equal(cf_logscan_more(&log, &r, sizes[i], &root, &err), how == 2 ? CF_ERR_IO : CF_ERR_AUTH);
        assert_int_equal(log.size, before);
        if (!strstr(err.text, f->name)) fail_msg("%s: %s", f->name, err.text);
        if (how == 0) f->bytes[f->len - 1] ^= 1;
        f->gone = f->failing = false;
      }
    }
    assert_int_equal(cf_logscan_more(&log, &r, sizes[i], &wrong, &err), CF_ERR_AUTH);
    assert_int_equal(cf_logscan_more(&log, &r, sizes[i], &root, NULL), CF_OK);
    assert_int_equal(log.size, sizes[i]);
    if (before) assert_int_equal(cf_logscan_more(&log, &r, before - 1, &root, &err), CF_ERR_BOUND);
    if (sizes[i]) { /* nothing is read a second time */
      cf_audit_reader_t none = {NULL, NULL, NULL};
      assert_int_equal(cf_logscan_more(&log, &none, sizes[i], &root, NULL), CF_OK);
    }
    before = sizes[i];
    log_free(l);
  }
}

static void test_empty_of_strangers(void **state) {
  cf_error_t err;
  for (int wrong = 0; wrong < 2; wrong++) {
    log_t *l = bare_new(1, 1);
    l->size = 0;
    find(l, "checkpoint")->gone = true;
    put_note(l, "checkpoint", 0, wrong ? l->leaf[0] : cf_tree_empty());
    file_t keep = l->file[0];
    l->file[0] = l->file[l->cnt - 1], l->file[l->cnt - 1] = keep;
    assert_int_equal(verify(l, &err), wrong ? CF_ERR_AUTH : CF_OK);
    log_free(l);
  }
}

static void test_policies(void **state) {
  static struct {
    char const *what, *rule;
    bool        names_it, names_other, key;
    cf_status_t bare, domain;
    char const *text;
  } const cases[] = {
      {"its key, and a quorum", "quorum w0\n", true, false, true, CF_OK, CF_OK, ""},
      {"a quorum, and no key", "quorum w0\n", true, false, false, CF_OK, CF_OK, ""},
      {"its key, and a policy for any log", "quorum w0\n", false, false, true, CF_OK, CF_OK, ""},
      {"no quorum", "quorum none\n", true, false, false, CF_OK, CF_OK, ""},
      {"one that did not sign", "quorum w1\n", true, false, false, CF_ERR_POLICY, CF_ERR_POLICY, "witness w1 did not cosign"},
      {"more than signed", "group g 2 w0 w1\nquorum g\n", true, false, true, CF_ERR_POLICY, CF_ERR_POLICY, "group g has 1 of 2, not w1"},
      {"another log", "quorum w0\n", false, true, false, CF_ERR_POLICY, CF_ERR_POLICY, "no log that the policy names"},
      {"its key, and another log", "quorum none\n", false, true, true, CF_ERR_POLICY, CF_ERR_POLICY, "no log that the policy names"},
  };
  static log_t other;
  cf_ed25519_pub_t pub;
  cf_ed25519_pub(&pub, witness_seed[0]);
  assert_int_equal(cf_vkey_make(&other.key, CF_SPAN_LIT("example.com/scan"), CF_VKEY_LOG, &pub), CF_OK);
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++)
    for (int bare = 0; bare < 2; bare++) {
      log_t            *l = bare ? bare_new(9, 7) : log_new(9, 7);
      cf_tlog_policy_t  p = policy_of(cases[i].names_it ? l : cases[i].names_other ? &other : NULL, cases[i].rule);
      cf_audit_reader_t r = {list, read_one, l};
      cf_logscan_rest_t rest;
      cf_error_t        err = {0};
      cosign(l, bare ? "checkpoint" : "checkpoints/00000000000000000007", 0);
      cf_status_t st = scan(l, &r, &(cf_logscan_ask_t){cases[i].key ? &l->key : NULL, &p}, &rest, &err);
      if (st != (bare ? cases[i].bare : cases[i].domain) || !strstr(err.text, cases[i].text)) fail_msg("%s: %s: %s", cases[i].what, cf_status_name(st), err.text);
      if (!st && p.quorum != CF_TLOG_POLICY_NONE) assert_int_equal(rest.cosigned, bare ? 9 : 7);
      if (st && strstr(cases[i].text, "w1")) assert_non_null(strstr(err.text, bare ? "checkpoint: " : "checkpoints/00000000000000000007: "));
      log_free(l);
    }
}

/* Where nothing can be listed, the kept checkpoint of the head's size is asked. */
static void test_quorum_of_a_server(void **state) {
  log_t            *l = log_new(9, 9);
  cf_tlog_policy_t  p = policy_of(l, "quorum w0\n");
  cf_audit_reader_t r = {NULL, read_one, l};
  cf_logscan_rest_t rest;
  cf_error_t        err = {0};
  assert_int_equal(scan(l, &r, &(cf_logscan_ask_t){NULL, &p}, &rest, &err), CF_ERR_POLICY);
  assert_non_null(strstr(err.text, "checkpoints/00000000000000000009: its cosignatures"));
  cosign(l, "checkpoints/00000000000000000009", 0);
  assert_int_equal(scan(l, &r, &(cf_logscan_ask_t){NULL, &p}, &rest, NULL), CF_OK);
  assert_int_equal(rest.cosigned, 9);
  l->file[l->cnt - 1].name[0] = 'x';
  err = (cf_error_t){0};
  assert_int_equal(scan(l, &r, &(cf_logscan_ask_t){NULL, &p}, &rest, &err), CF_ERR_POLICY);
  assert_non_null(strstr(err.text, "checkpoints/00000000000000000009: missing"));
  put_note(l, "checkpoints/00000000000000000009", 9, l->leaf[0]); /* another log of that size */
  cosign(l, "checkpoints/00000000000000000009", 0);
  assert_int_equal(scan(l, &r, &(cf_logscan_ask_t){NULL, &p}, &rest, NULL), CF_ERR_AUTH);
  log_free(l);
}

int main(int argc, char **argv) {
  if (argc > 1) step = 1;
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_small), cmocka_unit_test(test_large), cmocka_unit_test(test_consistent),
                                     cmocka_unit_test(test_claims), cmocka_unit_test(test_kept), cmocka_unit_test(test_strangers),
                                     cmocka_unit_test(test_large_of_strangers), cmocka_unit_test(test_follow), cmocka_unit_test(test_empty_of_strangers),
                                     cmocka_unit_test(test_policies), cmocka_unit_test(test_quorum_of_a_server)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
