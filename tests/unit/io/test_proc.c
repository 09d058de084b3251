/* Supervision: readiness, descriptors, logs, restarts, and an orderly end. */
#include "io_util.h"

#include "io/cf_proc.h"

static cf_procs_t procs;

static int
setup(void **state) {
  if (tmp_make(state)) return -1;
  procs = (cf_procs_t){ .log_dir = tmp_dir };
  return 0;
}

static int
teardown(void **state) {
  cf_procs_stop(&procs);
  return tmp_remove(state);
}

/* `sh -c script` as a child called role */
static cf_status_t
sh(char const *role, char const *script, cf_proc_spec_t spec, cf_error_t *err) {
  static char const *argvs[16][4];
  static unsigned    turn;
  char const       **argv = argvs[turn++ % 16];
  argv[0] = "sh", argv[1] = "-c", argv[2] = script, argv[3] = NULL;
  spec.role = role;
  spec.argv = argv;
  return cf_procs_start(&procs, &spec, err);
}

static bool
poll_until(char const *role, cf_proc_state_t want, int ms) {
  uint64_t till = cf_clock_mono_ms() + (uint64_t)ms;
  while (cf_clock_mono_ms() < till) {
    cf_procs_poll(&procs, 20);
    if (cf_procs_find(&procs, role)->state == want) return true;
  }
  return false;
}

#define SAY_READY "echo >&$COUNTERFOIL_READY_FD; "

static void
test_ready(void **state) {
  cf_error_t err = { 0 };
  uint64_t   from = cf_clock_mono_ms();
  assert_int_equal(sh("pipe", "sleep 0.2; " SAY_READY "sleep 60", (cf_proc_spec_t){ .ready_pipe = true }, &err), CF_OK);
  assert_in_range(cf_clock_mono_ms() - from, 150, 5000);
  assert_int_equal(sh("dies", "echo first; echo the reason >&2; exit 4", (cf_proc_spec_t){ .ready_pipe = true }, &err),
                   CF_ERR_IO);
  assert_string_equal(err.text, "ended with status 4; it said last: the reason");
  assert_string_equal(err.item, "dies");
  err = (cf_error_t){ 0 };
  assert_int_equal(sh("hangs", "echo waiting; sleep 60", (cf_proc_spec_t){ .ready_pipe = true, .ready_ms = 200 }, &err),
                   CF_ERR_IO);
  assert_string_equal(err.text, "not ready in time; it said last: waiting");
  assert_int_equal(cf_procs_find(&procs, "hangs")->status, 128 + SIGKILL);
  char const *const argv[] = { "/nonexistent/program", NULL };
  err                      = (cf_error_t){ 0 };
  assert_int_equal(cf_procs_start(&procs, &(cf_proc_spec_t){ .role = "absent", .argv = argv }, &err), CF_ERR_IO);
  assert_non_null(strstr(err.text, "/nonexistent/program: No such file"));
  assert_null(cf_procs_find(&procs, "absent"));
  assert_int_equal(sh("oneshot", "exit 0", (cf_proc_spec_t){ 0 }, &err), CF_OK);
}

static void
web_step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_REQUEST)
    cf_fx_reply(fx, ev->id, ev->now.mono_ms < *(uint64_t *)core ? 503 : 200, "text/plain", S("status"));
  if (ev->kind == CF_EV_STOP) cf_fx(fx, CF_FX_EXIT);
}

static void
test_ready_http(void **state) {
  uint64_t    from = cf_clock_mono_ms(), ready = from + 300;
  char        url[64];
  host_proc_t h = host_start((cf_host_config_t){ .log_fd = open("/dev/null", O_WRONLY) }, web_step, &ready);
  snprintf(url, sizeof url, "http://127.0.0.1:%u/status", h.port);
  assert_int_equal(sh("web", "sleep 60", (cf_proc_spec_t){ .ready_url = url }, NULL), CF_OK);
  assert_in_range(cf_clock_mono_ms() - from, 290, 5000);
  assert_int_equal(host_stop(h), 0);
}

/* it gets what it was given, where it was told, and nothing else of ours */
static void
test_descriptors(void **state) {
  int a[2], b[2], leak = open("/dev/null", O_RDONLY);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
  /* crosswise: each goes where the other is */
  cf_proc_spec_t     spec  = { .fds = { { a[1], b[1] }, { b[1], a[1] } }, .fd_cnt = 2 };
  char const *const  env[] = { "COLOUR=blue", NULL };
  char               script[256];
  snprintf(script, sizeof script,
           "echo to a $COLOUR >&%d; echo to b >&%d; [ -e /proc/$$/fd/%d ] && echo leak; readlink /proc/$$/fd/0; sleep 60", b[1],
           a[1], leak);
  spec.env = env;
  assert_int_equal(sh("fds", script, spec, NULL), CF_OK);
  assert_string_equal(hear(a[0], "\n", 2000), "to a blue\n");
  assert_string_equal(hear(b[0], "\n", 2000), "to b\n");
  usleep(100000);
  assert_string_equal(read_file("fds.log", NULL), "/dev/null\n");
  struct stat is;
  assert_int_equal(stat(tmp_path("fds.log"), &is), 0);
  assert_int_equal(is.st_mode & 0777, 0600);
  close(a[0]), close(a[1]), close(b[0]), close(b[1]), close(leak);
}

static void
test_restart(void **state) {
  char script[512];
  snprintf(script, sizeof script,
           "echo run; [ -e %s/twice ] && sleep 60; [ -e %s/once ] && touch %s/twice; touch %s/once; kill -9 $$", tmp_dir, tmp_dir,
           tmp_dir, tmp_dir);
  assert_int_equal(sh("crashes", script, (cf_proc_spec_t){ .keep = true }, NULL), CF_OK);
  assert_true(poll_until("crashes", CF_PROC_PAUSED, 2000));
  uint64_t from = cf_clock_mono_ms();
  assert_true(poll_until("crashes", CF_PROC_RUNNING, 2000));
  assert_true(poll_until("crashes", CF_PROC_PAUSED, 2000));
  assert_true(poll_until("crashes", CF_PROC_RUNNING, 2000));
  assert_in_range(cf_clock_mono_ms() - from, 200, 2000); /* 100 ms and 200 ms of pause */
  assert_int_equal(cf_procs_find(&procs, "crashes")->start_cnt, 3);
  for (int i = 0; i < 100 && strlen(read_file("crashes.log", NULL)) < 12; i++) usleep(10000);
  assert_string_equal(read_file("crashes.log", NULL), "run\nrun\nrun\n");

  /* killed before it is ready: the start itself goes on with the next, until its time is over */
  assert_int_equal(unlink(tmp_path("twice")), 0);
  snprintf(script, sizeof script, "[ -e %s/twice ] || { touch %s/twice; kill -9 $$; }; " SAY_READY "sleep 60", tmp_dir, tmp_dir);
  assert_int_equal(sh("unlucky", script, (cf_proc_spec_t){ .keep = true, .ready_pipe = true }, NULL), CF_OK);
  assert_int_equal(cf_procs_find(&procs, "unlucky")->start_cnt, 2);
  cf_error_t err = { 0 };
  assert_int_equal(sh("doomed", "echo why; kill -9 $$", (cf_proc_spec_t){ .keep = true, .ready_pipe = true, .ready_ms = 500 }, &err),
                   CF_ERR_IO);
  assert_string_equal(err.text, "ended with status 137; it said last: why");
  assert_int_equal(sh("answers", "exit 3", (cf_proc_spec_t){ .keep = true, .ready_pipe = true }, NULL), CF_ERR_IO);
  assert_int_equal(cf_procs_find(&procs, "answers")->start_cnt, 1);

  /* a verdict (1), wrong usage (2) and a good end are final; so is a crash that nobody asked to mend */
  static struct {
    char const *role, *script;
    bool        keep;
    int         status;
  } const final[] = {
    { "zero", "sleep 0.1", true, 0 },
    { "one", "sleep 0.1; exit 1", true, 1 },
    { "two", "sleep 0.1; exit 2", true, 2 },
    { "three", "sleep 0.1; exit 3", false, 3 },
  };
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(sh(final[i].role, final[i].script, (cf_proc_spec_t){ .keep = final[i].keep }, NULL), CF_OK);
    assert_true(poll_until(final[i].role, CF_PROC_ENDED, 2000));
    assert_int_equal(cf_procs_find(&procs, final[i].role)->status, final[i].status);
  }
}

/* last started, first ended; the stubborn one is killed */
static void
test_stop(void **state) {
  char        first[512], second[512];
  char const *form = "trap 'echo %s >> %s/order; exit 0' TERM; " SAY_READY "while :; do sleep 0.02; done";
  snprintf(first, sizeof first, form, "first", tmp_dir);
  snprintf(second, sizeof second, form, "second", tmp_dir);
  assert_int_equal(sh("first", first, (cf_proc_spec_t){ .ready_pipe = true }, NULL), CF_OK);
  assert_int_equal(sh("second", second, (cf_proc_spec_t){ .ready_pipe = true }, NULL), CF_OK);
  assert_int_equal(sh("stubborn", "trap '' TERM; " SAY_READY "while :; do sleep 0.02; done",
                      (cf_proc_spec_t){ .ready_pipe = true, .stop_ms = 150 }, NULL),
                   CF_OK);
  pid_t pid = cf_procs_find(&procs, "stubborn")->pid;
  assert_int_equal(cf_procs_stop(&procs), 1);
  assert_string_equal(read_file("order", NULL), "second\nfirst\n");
  assert_true(kill(pid, 0) && errno == ESRCH);
  assert_int_equal(procs.cnt, 0);
}

static void
test_echo(void **state) {
  int out[2];
  assert_int_equal(pipe(out), 0);
  procs.echo_fd = out[1];
  assert_int_equal(
      sh("talks", "echo one; echo two >&2; printf half; sleep 0.3; echo ' and half'; sleep 60", (cf_proc_spec_t){ 0 }, NULL),
      CF_OK);
  for (int i = 0; i < 30; i++) cf_procs_poll(&procs, 20);
  char    buf[256] = { 0 };
  assert_true(read(out[0], buf, sizeof buf - 1) > 0);
  assert_string_equal(buf, "talks | one\ntalks | two\ntalks | half and half\n");
  procs.echo_fd = 0;
  close(out[0]), close(out[1]);
}

/* when the supervisor dies, so do its children */
static void
test_parent_death(void **state) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    char script[200];
    snprintf(script, sizeof script, "echo $$ > %s/pid; " SAY_READY "sleep 60", tmp_dir);
    if (sh("orphan", script, (cf_proc_spec_t){ .ready_pipe = true }, NULL)) _exit(1);
    raise(SIGKILL);
  }
  assert_int_equal(host_wait((host_proc_t){ .pid = pid }), 1000 + SIGKILL);
  pid_t child = atoi(read_file("pid", NULL));
  assert_true(child > 1);
  bool gone = false;
  for (int i = 0; i < 200 && !gone; i++) {
    char path[64], stat_line[512] = { 0 };
    snprintf(path, sizeof path, "/proc/%d/stat", child);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, stat_line, sizeof stat_line - 1) <= 0 || strstr(stat_line, ") Z ")) gone = true;
    close(fd);
    usleep(10000);
  }
  assert_true(gone);
}

int
main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  struct CMUnitTest const tests[] = {
    T(test_ready), T(test_ready_http), T(test_descriptors), T(test_restart), T(test_stop), T(test_echo), T(test_parent_death),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
