/* Files: what is durable, atomic, private and inside the folder. */
#include "io_util.h"

#include <dirent.h>
#include <sys/resource.h>
#include <time.h>

#include "io/cf_files.h"

static cf_files_t files;

static int
setup(void **state) {
  if (tmp_make(state)) return -1;
  return cf_files_open(&files, tmp_dir, "public/", NULL) ? -1 : 0;
}

static int
teardown(void **state) {
  cf_files_close(&files);
  return tmp_remove(state);
}

static mode_t
mode_of(char const *name) {
  struct stat is;
  assert_int_equal(stat(tmp_path(name), &is), 0);
  return is.st_mode & 0777;
}

static cf_status_t
open_write(cf_span_t name) {
  int         fd;
  size_t      size;
  cf_status_t st = cf_files_open_write(&fd, &size, &files, name, NULL);
  if (!st) close(fd);
  return st;
}

static void
test_put_get_remove(void **state) {
  uint8_t *got;
  size_t   size;
  bool     found;
  assert_int_equal(cf_files_get(&got, &size, &found, &files, S("a/b/c"), 100, NULL), CF_OK);
  assert_false(found);
  assert_int_equal(cf_files_put(&files, S("a/b/c"), S("one"), NULL), CF_OK);
  assert_int_equal(cf_files_put(&files, S("a/b/c"), S("second"), NULL), CF_OK);
  assert_int_equal(cf_files_get(&got, &size, &found, &files, S("a/b/c"), 6, NULL), CF_OK);
  assert_true(found && cf_span_eq(CF_SPAN(got, size), S("second")));
  free(got);
  assert_int_equal(cf_files_get(&got, &size, &found, &files, S("a/b/c"), 5, NULL), CF_ERR_BOUND);
  assert_null(got);
  assert_int_equal(cf_files_put(&files, S("empty"), CF_SPAN(NULL, 0), NULL), CF_OK);
  assert_int_equal(cf_files_get(&got, &size, &found, &files, S("empty"), 0, NULL), CF_OK);
  assert_true(found && size == 0);
  free(got);
  assert_int_equal(cf_files_get(&got, &size, &found, &files, S("empty/x"), 9, NULL), CF_OK); /* a file is no folder */
  assert_false(found);
  assert_int_equal(cf_files_get(&got, &size, &found, &files, S("a/b"), 9, NULL), CF_ERR_IO); /* and the other way */
  assert_int_equal(cf_files_remove(&files, S("a/b/c"), NULL), CF_OK);
  assert_int_equal(cf_files_remove(&files, S("a/b/c"), NULL), CF_OK);
  assert_int_equal(cf_files_remove(&files, S("not/there"), NULL), CF_OK);
  assert_null(read_file("a/b/c", NULL));
}

/* Several at once: all are written before the first has its name, so one that cannot be written leaves all others as they were. */
static void
test_put_all(void **state) {
  cf_files_put_t const put[] = { { S("a/1"), S("one") }, { S("a/2"), S("two") }, { S("b/c/3"), S("three") }, { S("4"), S("four") },
                                 { S("a/5"), S("") } };
  assert_int_equal(cf_files_put_all(&files, put, 0, NULL), CF_OK);
  assert_int_equal(cf_files_put_all(&files, put, 5, NULL), CF_OK);
  for (size_t i = 0; i < 5; i++) {
    char name[8];
    snprintf(name, sizeof name, "%.*s", (int)put[i].name.len, (char const *)put[i].name.ptr);
    char *have = read_file(name, NULL);
    assert_non_null(have);
    assert_true(cf_span_eq(TEXT_SPAN(have), put[i].body));
  }
  cf_error_t           err   = { 0 };
  cf_files_put_t const bad[] = { { S("a/1"), S("new") }, { S("a/2"), S("new") }, { S("4/x"), S("4 is a file") }, { S("a/6"), S("new") } };
  assert_int_equal(cf_files_put_all(&files, bad, 4, &err), CF_ERR_IO);
  assert_non_null(strstr(err.text, "4/x"));
  assert_string_equal(read_file("a/1", NULL), "one");
  assert_string_equal(read_file("a/2", NULL), "two");
  assert_null(read_file("a/6", NULL));
  cf_files_put_t const unnamed[] = { { S("a/1"), S("new") }, { S("../x"), S("new") } };
  assert_int_equal(cf_files_put_all(&files, unnamed, 2, NULL), CF_ERR_FORMAT);
  assert_string_equal(read_file("a/1", NULL), "one");
}

static void
test_modes(void **state) {
  umask(022);
  assert_int_equal(cf_files_put(&files, S("keys/k"), S("x"), NULL), CF_OK);
  assert_int_equal(open_write(S("enclave/j")), CF_OK);
  assert_int_equal(cf_files_put(&files, S("public/log/c"), S("x"), NULL), CF_OK);
  assert_int_equal(mode_of("keys/k"), 0600);
  assert_int_equal(mode_of("keys"), 0700);
  assert_int_equal(mode_of("enclave/j"), 0600);
  assert_int_equal(mode_of("public/log/c"), 0644);
  assert_int_equal(mode_of("public/log"), 0755);
}

static char const *const no_names[] = { "",       "/",    "/a",      "a/",        "a//b", ".",    "..",    "../a",
                                        "a/../b", "a/..", ".hidden", "a/.hidden", "a b",  "a\nb", "a\x7f", "a\xc3\xa4" };

static void
test_names(void **state) {
  uint8_t *got;
  size_t   size;
  bool     found;
  char     longest[CF_FILES_NAME_MAX + 1];
  memset(longest, 'a', sizeof longest);
  for (size_t i = 0; i < sizeof no_names / sizeof *no_names; i++) {
    cf_span_t name = TEXT_SPAN(no_names[i]);
    assert_int_equal(cf_files_put(&files, name, S("x"), NULL), CF_ERR_FORMAT);
    assert_int_equal(open_write(name), CF_ERR_FORMAT);
    assert_int_equal(cf_files_remove(&files, name, NULL), CF_ERR_FORMAT);
    assert_int_equal(cf_files_get(&got, &size, &found, &files, name, 9, NULL), CF_ERR_FORMAT);
  }
  assert_int_equal(cf_files_put(&files, CF_SPAN_OF(longest), S("x"), NULL), CF_ERR_FORMAT);
  assert_int_equal(cf_files_put(&files, S("a\0b"), S("x"), NULL), CF_ERR_FORMAT);
}

/* nothing is followed out of the folder, by whatever link */
static void
test_links(void **state) {
  uint8_t *got;
  size_t   size;
  bool     found;
  assert_int_equal(symlink("/etc", tmp_path("out")), 0);
  assert_int_equal(symlink("/etc/passwd", tmp_path("passwd")), 0);
  assert_int_equal(symlink(".", tmp_path("self")), 0);
  assert_int_equal(cf_files_get(&got, &size, &found, &files, S("out/passwd"), 1 << 20, NULL), CF_ERR_IO);
  assert_int_equal(cf_files_get(&got, &size, &found, &files, S("passwd"), 1 << 20, NULL), CF_ERR_IO);
  assert_int_equal(cf_files_get(&got, &size, &found, &files, S("self/x"), 1 << 20, NULL), CF_ERR_IO);
  assert_int_equal(open_write(S("passwd")), CF_ERR_IO);
  assert_int_equal(cf_files_put(&files, S("out/x"), S("x"), NULL), CF_ERR_IO);
  assert_int_equal(cf_files_put(&files, S("passwd"), S("mine"), NULL), CF_OK); /* the link is replaced, its target untouched */
  assert_string_equal(read_file("passwd", NULL), "mine");
}

static void
test_list(void **state) {
  uint8_t *got;
  size_t   size;
  assert_int_equal(cf_files_list(&got, &size, &files, S("t"), 100, NULL), CF_OK);
  assert_int_equal(size, 0);
  free(got);
  char const *const names[] = { "t/b", "t/a", "t/B", "t/10", "t/9", "t/sub/x" };
  for (size_t i = 0; i < 6; i++) assert_int_equal(cf_files_put(&files, TEXT_SPAN(names[i]), S("x"), NULL), CF_OK);
  write_file("t/.left.tmp", "x", 1);
  assert_int_equal(cf_files_list(&got, &size, &files, S("t"), 100, NULL), CF_OK);
  assert_true(cf_span_eq(CF_SPAN(got, size), CF_SPAN("10\0009\0B\0a\0b\0sub", 15)));
  free(got);
  assert_int_equal(cf_files_list(&got, &size, &files, S(""), 100, NULL), CF_OK);
  assert_true(cf_span_eq(CF_SPAN(got, size), CF_SPAN("t", 2)));
  free(got);
  assert_int_equal(cf_files_list(&got, &size, &files, S("t"), 14, NULL), CF_ERR_BOUND);
  assert_int_equal(cf_files_list(&got, &size, &files, S("t/a"), 100, NULL), CF_ERR_IO);
  assert_int_equal(cf_files_list(&got, &size, &files, S("../t"), 100, NULL), CF_ERR_FORMAT);
}

/* Who dies within a put leaves no trace of it: not in a folder that strangers read. */
static void
test_put_dies(void **state) {
  static uint8_t body[65536];
  for (int again = 0; again < 2; again++) {
    pid_t pid = fork();
    if (pid == 0) {
      struct rlimit const most = { 4096, 4096 }; /* the signal that says so ends it within the file */
      setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
      _exit(setrlimit(RLIMIT_FSIZE, &most) || cf_files_put(&files, S("public/d/new"), CF_SPAN_OF(body), NULL));
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    struct dirent **entries;
    int             cnt = scandir(tmp_path("public/d"), &entries, NULL, NULL);
    assert_int_equal(cnt, 2 + again); /* . and .., and what was there before */
    while (cnt) free(entries[--cnt]);
    free(entries);
    assert_int_equal(cf_files_put(&files, S("public/d/new"), S("old"), NULL), CF_OK);
  }
  assert_string_equal(read_file("public/d/new", NULL), "old");
}

static void
test_lock(void **state) {
  cf_files_t other;
  cf_error_t err = { 0 };
  char       pid[32];
  snprintf(pid, sizeof pid, "%ld", (long)getpid());
  assert_int_equal(cf_files_lock(&files, "lock", NULL), CF_OK);
  assert_int_equal(cf_files_open(&other, tmp_dir, NULL, NULL), CF_OK);
  assert_int_equal(cf_files_lock(&other, "lock", &err), CF_ERR_POLICY);
  assert_non_null(strstr(err.text, pid));
  assert_int_equal(cf_files_lock(&other, "other.lock", NULL), CF_OK);
  cf_files_close(&other);
  cf_files_close(&files);
  assert_int_equal(cf_files_open(&files, tmp_dir, NULL, NULL), CF_OK);
  assert_int_equal(cf_files_lock(&files, "lock", NULL), CF_OK); /* it went with its holder */
  assert_int_equal(cf_files_open(&other, tmp_path("absent"), NULL, &err), CF_ERR_IO);
}

/* a file that the disk does not take whole leaves nothing behind */
static void
test_put_no_room(void **state) {
  static uint8_t big[1 << 16];
  assert_int_equal(cf_files_put(&files, S("j"), S("kept"), NULL), CF_OK);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit max = { 20000, 20000 };
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &max)) _exit(9);
    if (cf_files_put(&files, S("j"), CF_SPAN_OF(big), NULL) != CF_ERR_IO) _exit(1);
    if (cf_files_put(&files, S("j2"), CF_SPAN_OF(big), NULL) != CF_ERR_IO) _exit(2);
    _exit(0);
  }
  assert_int_equal(host_wait((host_proc_t){ .pid = pid }), 0);
  assert_string_equal(read_file("j", NULL), "kept");
  assert_null(read_file("j2", NULL));
}

#define KILLS   40
#define BODY_SZ 200000

/* the child replaces a file by bodies of one repeated byte until it is killed */
_Noreturn static void
write_until_killed(void) {
  static uint8_t body[BODY_SZ];
  for (unsigned n = 0;; n++) {
    memset(body, 'a' + (int)(n % 26), sizeof body);
    if (cf_files_put(&files, S("k/put"), CF_SPAN_OF(body), NULL)) _exit(1);
  }
}

static void
test_kill(void **state) {
  unsigned seed = (unsigned)time(NULL), puts = 0;
  print_message("seed %u\n", seed);
  srand(seed);
  for (int i = 0; i < KILLS; i++) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) write_until_killed();
    usleep((useconds_t)(rand() % 8000));
    kill(pid, SIGKILL);
    assert_int_equal(host_wait((host_proc_t){ .pid = pid }), 1000 + SIGKILL);

    size_t size;
    char  *put = read_file("k/put", &size);
    if (put) {
      puts++;
      assert_int_equal(size, BODY_SZ); /* whole, and of one body */
      assert_true(memcmp(put, put + 1, size - 1) == 0);
    }
  }
  assert_true(puts > KILLS / 4);
}

int
main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  struct CMUnitTest const tests[] = {
    T(test_put_get_remove), T(test_put_all), T(test_modes), T(test_names),       T(test_links),
    T(test_list),           T(test_put_dies), T(test_lock), T(test_put_no_room), T(test_kill),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
