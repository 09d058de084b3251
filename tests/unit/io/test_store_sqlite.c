/* The SQLite store: all or nothing, fenced, private, and honest about damage. */
#include "io_util.h"

#include <sqlite3.h>

#include "io/cf_store_sqlite.h"

static cf_store_sqlite_t *store;
static uint8_t            bytes[1 << 16];

static cf_status_t
open_store(cf_store_sqlite_t **out, bool *rebuildable, cf_error_t *err) {
  return cf_store_sqlite_open(out, tmp_path("s.db"), false, rebuildable, err);
}

static int
setup(void **state) {
  bool rebuildable;
  return tmp_make(state) || open_store(&store, &rebuildable, NULL);
}

static int
teardown(void **state) {
  cf_store_sqlite_free(store);
  store = NULL;
  return tmp_remove(state);
}

static cf_status_t
put(cf_store_sqlite_t *s, uint64_t fence, char const *key, char const *value) {
  cf_wr_t wr = cf_wr_init(bytes, sizeof bytes);
  cf_store_begin(&wr, fence);
  cf_store_put(&wr, CF_STORE_TX, TEXT_SPAN(key), TEXT_SPAN(value));
  return cf_store_sqlite_commit(s, cf_wr_out(&wr), NULL);
}

static void
assert_value(char const *key, char const *want) {
  uint8_t *got;
  size_t   size;
  assert_int_equal(cf_store_sqlite_get(&got, &size, store, CF_STORE_TX, TEXT_SPAN(key), NULL), CF_OK);
  if (want) assert_true(got && cf_span_eq(CF_SPAN(got, size), TEXT_SPAN(want)));
  else assert_null(got);
  free(got);
}

static void
test_commit_get_scan(void **state) {
  cf_wr_t wr = cf_wr_init(bytes, sizeof bytes);
  cf_store_begin(&wr, 7);
  cf_store_put(&wr, CF_STORE_TX, S("b"), S("2"));
  cf_store_put(&wr, CF_STORE_TX, S("a"), S("1"));
  cf_store_put(&wr, CF_STORE_TX, S("c\0\xff"), CF_SPAN(NULL, 0));
  cf_store_put(&wr, CF_STORE_TX, CF_SPAN(NULL, 0), S("of the empty key"));
  cf_store_put(&wr, CF_STORE_META, S("a"), S("other kind"));
  cf_store_put(&wr, CF_STORE_TX, S("b"), S("3"));
  cf_store_del(&wr, CF_STORE_TX, S("a"));
  cf_store_del(&wr, CF_STORE_TX, S("never"));
  assert_int_equal(cf_store_sqlite_commit(store, cf_wr_out(&wr), NULL), CF_OK);
  assert_value("a", NULL);
  assert_value("b", "3");
  assert_value("", "of the empty key");

  static struct {
    char const *key;
    size_t      key_sz;
    char const *value;
  } const want[] = { { "", 0, "of the empty key" }, { "b", 1, "3" }, { "c\0\xff", 3, "" } };
  uint8_t         *got;
  size_t           size, cnt = 0;
  uint64_t         fence = 0;
  cf_rd_t          rd;
  cf_store_write_t w;
  assert_int_equal(cf_store_sqlite_scan(&got, &size, store, CF_STORE_TX, 1 << 20, NULL), CF_OK);
  assert_int_equal(cf_store_open(&rd, &fence, CF_SPAN(got, size)), CF_OK);
  assert_int_equal(fence, 7);
  for (; cf_store_next(&rd, &w); cnt++) {
    assert_true(cnt < 3 && w.put && w.kind == CF_STORE_TX);
    assert_true(cf_span_eq(w.key, CF_SPAN(want[cnt].key, want[cnt].key_sz)) && cf_span_eq(w.value, TEXT_SPAN(want[cnt].value)));
  }
  assert_true(cnt == 3 && cf_rd_done(&rd));
  free(got);
  assert_int_equal(cf_store_sqlite_scan(&got, &size, store, CF_STORE_TX, 60, NULL), CF_ERR_BOUND);
  assert_int_equal(cf_store_sqlite_scan(&got, &size, store, CF_STORE_FEE, 1 << 20, NULL), CF_OK);
  assert_int_equal(size, 8); /* the fence alone */
  free(got);
}

/* two processes: he who has the higher fence writes, the other is told */
static void
test_fence(void **state) {
  cf_store_sqlite_t *other;
  bool               rebuildable;
  assert_int_equal(open_store(&other, &rebuildable, NULL), CF_OK);
  assert_int_equal(put(store, 1, "k", "first"), CF_OK);
  assert_int_equal(put(other, 2, "k", "second"), CF_OK);
  assert_int_equal(put(store, 1, "k", "late"), CF_ERR_STALE);
  assert_value("k", "second");
  assert_int_equal(put(other, 2, "k", "third"), CF_OK); /* the same fence goes on */
  assert_int_equal(put(store, UINT64_MAX, "k", "last"), CF_OK); /* unsigned to the end */
  assert_int_equal(put(other, UINT64_MAX - 1, "k", "late"), CF_ERR_STALE);
  assert_value("k", "last");
  cf_store_sqlite_free(other);
}

/* a malformed write takes those before it back, and the fence with them */
static void
test_all_or_nothing(void **state) {
  assert_int_equal(put(store, 1, "k", "old"), CF_OK);
  cf_wr_t wr = cf_wr_init(bytes, sizeof bytes);
  cf_store_begin(&wr, 9);
  cf_store_put(&wr, CF_STORE_TX, S("k"), S("new"));
  cf_wr_u8(&wr, CF_STORE_TX);
  assert_int_equal(cf_store_sqlite_commit(store, cf_wr_out(&wr), NULL), CF_ERR_FORMAT);
  assert_value("k", "old");
  assert_int_equal(put(store, 1, "k", "goes on under the old fence"), CF_OK);
  assert_int_equal(cf_store_sqlite_commit(store, S("short"), NULL), CF_ERR_FORMAT);
}

static void
test_modes(void **state) {
  struct stat is;
  assert_int_equal(put(store, 1, "k", "v"), CF_OK);
  assert_int_equal(stat(tmp_path("s.db"), &is), 0);
  assert_int_equal(is.st_mode & 0777, 0600);
  assert_int_equal(stat(tmp_path("s.db-wal"), &is), 0);
  assert_int_equal(is.st_mode & 0777, 0600);
}

/* a flipped byte anywhere in the tables is found at the next start, or changes nothing that is stored */
static void
test_damage(void **state) {
  bool       rebuildable;
  cf_error_t err = { 0 };
  char       key[32];
  for (int i = 0; i < 400; i++) {
    snprintf(key, sizeof key, "key-%d", i);
    assert_int_equal(put(store, 1, key, "a value of some length, to fill pages"), CF_OK);
  }
  cf_store_sqlite_free(store);
  store = NULL;
  int fd = open(tmp_path("s.db"), O_RDWR);
  assert_int_equal(pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 8192 + 3), 8);
  close(fd);
  assert_int_equal(open_store(&store, &rebuildable, &err), CF_ERR_FORMAT);
  assert_true(rebuildable);
  assert_null(store);

  write_file("s.db", "this is no database at all, and longer than a header is, by some bytes, to be sure of it, yes....", 98);
  assert_int_equal(open_store(&store, &rebuildable, &err), CF_ERR_FORMAT);
  assert_true(rebuildable);

  assert_int_equal(cf_store_sqlite_open(&store, tmp_path("absent/s.db"), false, &rebuildable, &err), CF_ERR_IO);
  assert_false(rebuildable);
}

static void
run_sql(char const *sql) {
  sqlite3 *db;
  assert_int_equal(sqlite3_open(tmp_path("s.db"), &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

static void
test_foreign(void **state) {
  bool       rebuildable;
  cf_error_t err = { 0 };
  cf_store_sqlite_free(store);
  store = NULL;
  run_sql("PRAGMA user_version = 2");
  assert_int_equal(open_store(&store, &rebuildable, &err), CF_ERR_UNSUPPORTED);
  unlink(tmp_path("s.db"));
  run_sql("CREATE TABLE theirs(x)");
  assert_int_equal(open_store(&store, &rebuildable, &err), CF_ERR_FORMAT);
  assert_false(rebuildable); /* not ours to throw away */
}

/* killed at any moment, a commit is there whole or not at all, and none that was acknowledged is gone */
static void
test_kill(void **state) {
  unsigned seed = (unsigned)getpid();
  print_message("seed %u\n", seed);
  srand(seed);
  cf_store_sqlite_free(store);
  store = NULL;
  for (int i = 0; i < 15; i++) {
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
      cf_store_sqlite_t *s;
      bool               rebuildable;
      if (open_store(&s, &rebuildable, NULL)) _exit(1);
      for (uint32_t n = 1;; n++) {
        char value[16];
        snprintf(value, sizeof value, "%u", n);
        cf_wr_t wr = cf_wr_init(bytes, sizeof bytes);
        cf_store_begin(&wr, 1);
        cf_store_put(&wr, CF_STORE_TX, S("x"), TEXT_SPAN(value));
        cf_store_put(&wr, CF_STORE_TX, S("y"), TEXT_SPAN(value));
        if (cf_store_sqlite_commit(s, cf_wr_out(&wr), NULL) || write(pipes[1], &n, sizeof n) != sizeof n) _exit(1);
      }
    }
    usleep((useconds_t)(5000 + rand() % 15000));
    kill(pid, SIGKILL);
    assert_int_equal(host_wait((host_proc_t){ .pid = pid }), 1000 + SIGKILL);
    uint32_t acked = 0, n;
    close(pipes[1]);
    while (read(pipes[0], &n, sizeof n) == sizeof n) acked = n;
    close(pipes[0]);

    bool     rebuildable;
    uint8_t *x, *y;
    size_t   x_sz, y_sz;
    assert_int_equal(open_store(&store, &rebuildable, NULL), CF_OK);
    assert_int_equal(cf_store_sqlite_get(&x, &x_sz, store, CF_STORE_TX, S("x"), NULL), CF_OK);
    assert_int_equal(cf_store_sqlite_get(&y, &y_sz, store, CF_STORE_TX, S("y"), NULL), CF_OK);
    assert_true(cf_span_eq(CF_SPAN(x, x_sz), CF_SPAN(y, y_sz)));
    if (acked) {
      char     text[16] = { 0 };
      uint32_t have;
      memcpy(text, x, x_sz);
      have = (uint32_t)atoi(text);
      assert_true(have == acked || have == acked + 1);
    }
    free(x);
    free(y);
    cf_store_sqlite_free(store);
    store = NULL;
  }
}

int
main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  struct CMUnitTest const tests[] = {
    T(test_commit_get_scan), T(test_fence), T(test_all_or_nothing), T(test_modes), T(test_damage), T(test_foreign), T(test_kill),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
