/* The end of a file that is written ahead: what an append leaves, what a kill leaves, and what closing does. */
#include "io_util.h"

#include <sys/resource.h>

#include "io/cf_tail.h"

static cf_files_t files;
static cf_tail_t  tail;

static int
setup(void **state) {
  tail = (cf_tail_t){ 0 };
  return tmp_make(state) || cf_files_open(&files, tmp_dir, NULL, NULL) ? -1 : 0;
}

static int
teardown(void **state) {
  cf_tail_close(&tail);
  cf_files_close(&files);
  return tmp_remove(state);
}

/* The file is that text, and zeros as far as it was written ahead. */
static void
assert_ahead(char const *name, char const *text, bool ahead) {
  size_t      len = strlen(text), size = 0;
  uint8_t    *got;
  bool        found;
  assert_int_equal(cf_files_get(&got, &size, &found, &files, TEXT_SPAN(name), 8 << 20, NULL), CF_OK);
  assert_true(found && size >= len);
  assert_memory_equal(got, text, len);
  assert_true(ahead ? size > len : size == len);
  for (size_t i = len; i < size; i++) assert_int_equal(got[i], 0);
  free(got);
}

static void
test_append(void **state) {
  assert_int_equal(cf_files_put(&files, S("j/1"), S("head"), NULL), CF_OK);
  assert_int_equal(cf_tail_append(&tail, &files, S("j/1"), S("+one"), NULL), CF_OK);
  assert_ahead("j/1", "head+one", true);
  assert_int_equal(cf_tail_append(&tail, &files, S("j/1"), S("+two"), NULL), CF_OK);
  assert_int_equal(cf_tail_append(&tail, &files, S("j/1"), CF_SPAN(NULL, 0), NULL), CF_OK);
  assert_ahead("j/1", "head+one+two", true);
  assert_true(cf_tail_is(&tail, S("j/1")));
  assert_int_equal(cf_tail_append(&tail, &files, S("j/22"), S("made"), NULL), CF_OK); /* another: the first is closed */
  assert_ahead("j/1", "head+one+two", false);
  assert_ahead("j/22", "made", true);
  cf_tail_close(&tail);
  assert_ahead("j/22", "made", false);
  assert_int_equal(cf_tail_append(&tail, &files, S("j/1"), S("+three"), NULL), CF_OK); /* and gone on with */
  assert_ahead("j/1", "head+one+two+three", true);
}

/* Over the end of what was written ahead, more than once, with bodies of all sizes. */
static void
test_long(void **state) {
  static uint8_t body[400000], all[8 << 20];
  size_t         len = 0;
  for (size_t n = 1; len + n < sizeof all; n = (n * 7 + 13) % sizeof body) {
    memset(body, (int)('a' + n % 26), n);
    assert_int_equal(cf_tail_append(&tail, &files, S("long"), CF_SPAN(body, n), NULL), CF_OK);
    memcpy(all + len, body, n);
    len += n;
  }
  assert_true(len > 4 * CF_TAIL_AHEAD_MAX);
  cf_tail_close(&tail);
  uint8_t *got;
  size_t   size;
  bool     found;
  assert_int_equal(cf_files_get(&got, &size, &found, &files, S("long"), 16 << 20, NULL), CF_OK);
  assert_true(cf_span_eq(CF_SPAN(got, size), CF_SPAN(all, len)));
  free(got);
}

static void
test_refused(void **state) {
  assert_int_equal(cf_tail_append(&tail, &files, S("../x"), S("x"), NULL), CF_ERR_FORMAT);
  mkdir(tmp_path("folder"), 0700);
  assert_int_equal(cf_tail_append(&tail, &files, S("folder"), S("x"), NULL), CF_ERR_IO);
  assert_int_equal(symlink("folder", tmp_path("link")), 0);
  assert_int_equal(cf_tail_append(&tail, &files, S("link"), S("x"), NULL), CF_ERR_IO);
  assert_false(tail.open);
}

/* No room for zeros is no harm; none for the append, and it is taken back, zeros and all. */
static void
test_no_room(void **state) {
  static uint8_t big[1 << 16];
  memset(big, 'x', sizeof big);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit max = { (1 << 20) + 20000, (1 << 20) + 20000 };
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &max)) _exit(9);
    if (cf_tail_append(&tail, &files, S("j"), S("kept"), NULL)) _exit(1);
    for (int i = 0; i < 16; i++)
      if (cf_tail_append(&tail, &files, S("j"), CF_SPAN_OF(big), NULL)) _exit(2);
    cf_error_t err = { 0 };
    if (cf_tail_append(&tail, &files, S("j"), CF_SPAN_OF(big), &err) != CF_ERR_IO) _exit(3);
    _exit(strstr(err.text, "j: File too large") ? 0 : 4);
  }
  assert_int_equal(host_wait((host_proc_t){ .pid = pid }), 0);
  struct stat is;
  assert_int_equal(stat(tmp_path("j"), &is), 0);
  assert_int_equal(is.st_size, 4 + 16 * sizeof big);
}

/* Killed at any moment: what was acknowledged is there, one record more may be, and behind it there are zeros. */
static void
test_kill(void **state) {
  for (unsigned round = 0; round < 8; round++) {
    int      pipes[2];
    unsigned said = 0, acked = 0;
    fflush(NULL);
    unlink(tmp_path("k"));
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
      uint8_t record[997];
      for (unsigned n = 1;; n++) {
        memset(record, (int)(n % 255 + 1), sizeof record);
        if (cf_tail_append(&tail, &files, S("k"), CF_SPAN_OF(record), NULL)) _exit(1);
        if (write(pipes[1], &n, sizeof n) != sizeof n) _exit(2);
      }
    }
    close(pipes[1]);
    usleep(2000 + 3000 * round);
    kill(pid, SIGKILL);
    (void)host_wait((host_proc_t){ .pid = pid });
    while (read(pipes[0], &said, sizeof said) == sizeof said) acked = said;
    close(pipes[0]);
    uint8_t *got;
    size_t   size, at = 0;
    bool     found;
    assert_int_equal(cf_files_get(&got, &size, &found, &files, S("k"), 64 << 20, NULL), CF_OK);
    for (unsigned n = 1; n <= acked; n++)
      for (size_t i = 0; i < 997; i++) assert_int_equal(got[at++], n % 255 + 1);
    while (at < size && got[at] == (acked + 1) % 255 + 1) at++;
    assert_true(at <= (acked + 1) * 997u);
    for (; at < size; at++) assert_int_equal(got[at], 0);
    free(got);
  }
}

int
main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  struct CMUnitTest const tests[] = { T(test_append), T(test_long), T(test_refused), T(test_no_room), T(test_kill) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
