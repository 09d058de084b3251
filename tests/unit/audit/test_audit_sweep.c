// link: enclave session workload ledger translog evidence
/* Every file of a folder that holds, altered in every way: the audit finds it, and names the file. */
#include "audit_world.h"

#define FLIPS 16 /* per file, spread over it; every byte of a short one */

static bool found(tree_t *t, char const *name, cf_status_t *st) {
  cf_audit_t        *a;
  cf_audit_reader_t  r = tree_reader(t);
  cf_audit_options_t o = {0};
  bool               named = false;
  *st = cf_audit_run(&a, &r, &o);
  for (size_t i = 0; i < cf_audit_counts(a)->faults && i < CF_AUDIT_FAULTS_MAX; i++)
    named |= !strcmp(cf_audit_fault_at(a, i)->file, name);
  cf_audit_free(a);
  return named;
}

static void must_find(tree_t *t, char const *name, char const *what, size_t at) {
  cf_status_t st;
  bool        named = found(t, name, &st);
  if (st != CF_ERR_AUTH || !named)
    fail_msg("%s: %s at %zu: %s, %s", name, what, at, cf_status_name(st), named ? "named" : "not named");
}

static void test_bytes(void **state) {
  a_world_t *w = a_life(5);
  for (size_t i = 0; i < w->t->cnt; i++) {
    mem_file_t *f = &w->t->file[i];
    size_t      n = f->len < FLIPS ? f->len : FLIPS;
    for (size_t k = 0; k < n; k++) {
      size_t at = k == n - 1 ? f->len - 1 : k * f->len / n + (k ? i % (f->len / n) : 0);
      f->bytes[at] ^= (uint8_t)(1u << (i + k) % 8);
      must_find(w->t, f->name, "flipped", at);
      f->bytes[at] ^= (uint8_t)(1u << (i + k) % 8);
    }
    if (!f->len) continue;
    f->len--;
    must_find(w->t, f->name, "cut", f->len);
    size_t whole = f->len + 1;
    f->len = 0;
    must_find(w->t, f->name, "emptied", 0);
    f->len = whole; /* keep() left a byte behind what it copied */
    f->bytes[f->len++] = 0x0a;
    must_find(w->t, f->name, "lengthened", f->len);
    f->len--;
  }
  cf_status_t st;
  (void)found(w->t, "", &st);
  assert_int_equal(st, CF_OK); /* all is as it was */
  a_world_free(w);
}

static bool is_kept(a_world_t *a, uint64_t size) {
  char name[64];
  snprintf(name, sizeof name, "checkpoints/%020llu", (unsigned long long)size);
  return tree_find(a->t, name) != NULL;
}

/* What may go without anybody missing it: narrower files of a tile that a wider one replaces and that no kept checkpoint needs, what
   is empty, kept checkpoints that nothing names while a later one stands, and the last: what it covered is then not yet witnessed. */
static bool may_go(a_world_t *a, char const *name) {
  cf_tile_t t;
  if (!strncmp(name, "log/tile/", 9) && !cf_tile_parse(&t, CF_SPAN(name + 4, strlen(name) - 4)) && t.width < a->w->log.size)
    return !is_kept(a, t.width);
  if (!strncmp(name, "checkpoints/", 12)) return atoi(name + 12) < 6 || (uint64_t)atoi(name + 12) == a->w->log.size;
  return !strcmp(name, "archive/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_files(void **state) {
  a_world_t *w = a_life(6);
  tree_t    *all = malloc(sizeof *all);
  size_t     may = 0;
  memcpy(all, w->t, sizeof *all);
  for (size_t i = 0; i < all->cnt; i++) {
    cf_status_t st;
    char const *name = all->file[i].name;
    memcpy(w->t, all, sizeof *all);
    tree_drop(w->t, name);
    bool named = found(w->t, name, &st);
    if (may_go(w, name) && st == CF_OK) {
      may++;
      continue;
    }
    if (st != CF_ERR_AUTH || !named) fail_msg("%s removed: %s, %s", name, cf_status_name(st), named ? "named" : "not named");
  }
  assert_true(may < all->cnt / 2);
  static char const *const strangers[] = {
      "notes.txt",
      "log/index.html",
      "log/tile/0/000",
      "log/tile/0/001.p/1",
      "log/tile/entries/000",
      "log/tile/9/000.p/1",
      "checkpoints/1",
      "checkpoints/00000000000000000099",
      "archive/00",
      "archive/0000000000000000000000000000000000000000000000000000000000000000",
      "ledger/blocks/5",
      "ledger/blocks/00000000000000000005",
      "ledger/blocks/00000000000000000009",
      "genesis.old",
      "",
  };
  for (size_t i = 0; i < CF_COUNT_OF(strangers); i++) {
    memcpy(w->t, all, sizeof *all);
    tree_put(w->t, strangers[i], CF_SPAN_LIT("junk"));
    cf_status_t st;
    (void)found(w->t, strangers[i], &st);
    if (st != CF_ERR_AUTH) fail_msg("a stranger, %s: %s", strangers[i], cf_status_name(st));
    if (*strangers[i] && strcmp(strangers[i], "ledger/blocks/00000000000000000009") != 0)
      must_find(w->t, strangers[i], "added", 0);
  }
  free(all);
  a_world_free(w);
}

/* An older log/checkpoint beside the files of the newer log: it is that file which is named, whatever the others tell. */
static void test_older_head(void **state) {
  a_world_t *w = a_life(8);
  for (uint64_t size = 1; size < w->w->log.size; size++) {
    uint8_t   buf[1024];
    cf_wr_t   wr = cf_wr_init(buf, sizeof buf);
    cf_hash_t root = cf_tree_root_of(w->w->log.leaf, size);
    char      tile[64];
    snprintf(tile, sizeof tile, "log/tile/0/000.p/%llu", (unsigned long long)size);
    if (!tree_find(w->t, tile)) continue; /* no size at which the log was published */
    cf_checkpoint_sign(&wr, &w->w->witnesses.log, w->w->log_seed, size, &root);
    tree_put(w->t, "log/checkpoint", cf_wr_out(&wr));
    must_find(w->t, "log/checkpoint", "older", (size_t)size);
  }
  a_world_free(w);
}

/* Two files exchanged: each is genuine, and in the wrong place. */
static void test_exchanged(void **state) {
  a_world_t *w = a_life(7);
  for (size_t i = 0; i + 1 < w->t->cnt; i++) {
    mem_file_t *x = &w->t->file[i], *y = &w->t->file[i + 1], keep_x = *x;
    if (x->len == y->len && !memcmp(x->bytes, y->bytes, x->len)) continue;
    x->bytes = y->bytes, x->len = y->len;
    y->bytes = keep_x.bytes, y->len = keep_x.len;
    cf_status_t st;
    (void)found(w->t, x->name, &st);
    if (st != CF_ERR_AUTH) fail_msg("%s and %s exchanged: %s", x->name, y->name, cf_status_name(st));
    y->bytes = x->bytes, y->len = x->len;
    x->bytes = keep_x.bytes, x->len = keep_x.len;
  }
  a_world_free(w);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_files),
                                     cmocka_unit_test(test_older_head), cmocka_unit_test(test_exchanged)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
