/* The driver: the order of events and effects, barriers, what a failure stops, and the exits. */
#include "io_util.h"

#include <assert.h>

#include "base/cf_store.h"
#include "io/cf_store_sqlite.h"

/* The core under test writes what happens to a file of its own ("trace"), and does what the test's script says. */
typedef void script_fn_t(cf_effects_t *fx, cf_event_t const *ev);

static int trace_fd;

static void
trace(char const *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vdprintf(trace_fd, fmt, ap);
  va_end(ap);
}

static void
step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  static uint64_t last_ms;
  assert(ev->now.mono_ms >= last_ms && ev->now.wall_ms > 1600000000000);
  assert(fx->cnt == 0 && fx->scratch_len == 0);
  last_ms = ev->now.mono_ms;
  union {
    void        *data;
    script_fn_t *fn;
  } script = { .data = core };
  script.fn(fx, ev);
}

static host_proc_t
start(cf_host_config_t cfg, script_fn_t *fn) {
  union {
    script_fn_t *fn;
    void        *data;
  } script = { .fn = fn };
  trace_fd    = open(tmp_path("trace"), O_RDWR | O_APPEND | O_CREAT | O_TRUNC, 0600);
  cfg.log_fd  = open(tmp_path("log"), O_RDWR | O_APPEND | O_CREAT | O_TRUNC, 0600);
  cfg.role    = "test";
  host_proc_t h = host_start(cfg, step, script.data);
  close(cfg.log_fd);
  return h;
}

static void
exit_with(cf_effects_t *fx, unsigned code) {
  cf_fx(fx, CF_FX_EXIT)->code = code;
}

static void
assert_trace(char const *want) {
  char *have = read_file("trace", NULL);
  assert_string_equal(have ? have : "", want);
}

/* ---- order ---- */

static void
order_script(cf_effects_t *fx, cf_event_t const *ev) {
  switch (ev->kind) {
  case CF_EV_START:
    trace("start\n");
    cf_fx_get(fx, 1, S("a"));            /* before it is written: 404 */
    cf_fx_put(fx, S("a"), S("one"));
    cf_fx_get(fx, 2, S("a"));
    cf_fx_append(fx, S("a"), S("+two"));
    cf_fx_get(fx, 3, S("a"));
    cf_effect_t *list = cf_fx(fx, CF_FX_LIST);
    list->id          = 4;
    cf_fx_put(fx, S("d/x"), S(""));
    cf_fx(fx, CF_FX_REMOVE)->name = S("a");
    cf_fx_get(fx, 5, S("a"));
    cf_fx_get(fx, 6, S("../etc/passwd"));
    return;
  case CF_EV_DONE:
    trace("done %u %s %u %zu %.*s\n", (unsigned)ev->id, cf_status_name(ev->status), ev->code, ev->body.len, (int)ev->body.len,
          (char const *)ev->body.ptr);
    if (ev->id == 5) cf_fx_get(fx, 7, S("d/x")); /* made in a DONE: after the DONEs that are due already */
    if (ev->id == 7) exit_with(fx, 42);
    return;
  case CF_EV_REQUEST:
  case CF_EV_TICK:
  case CF_EV_STOP: trace("out of turn\n");
  }
}

static void
test_order(void **state) {
  assert_int_equal(host_wait(start((cf_host_config_t){ 0 }, order_script)), 42);
  assert_trace("start\n"
               "done 1 ok 404 0 \n"
               "done 2 ok 200 3 one\n"
               "done 3 ok 200 4096 one+two\n" /* written ahead with zeros */
               "done 4 ok 200 12 a\n" /* a, log, trace, each with its NUL */
               "done 5 ok 404 0 \n"
               "done 6 io 0 0 \n"
               "done 7 ok 200 0 \n");
}

/* ---- a durable effect that fails stops everything behind it ---- */

static void
barrier_script(cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_STOP) exit_with(fx, 0);
  if (ev->kind != CF_EV_REQUEST) return;
  cf_fx_put(fx, S("before"), S("x"));
  cf_fx(fx, CF_FX_LOG)->body = S("{\"before\":1}");
  if (cf_span_eq(ev->path, S("GET /put"))) cf_fx_put(fx, S("blocked/x"), S("x")); /* blocked is a file */
  if (cf_span_eq(ev->path, S("GET /append"))) cf_fx_append(fx, S("blocked/x"), S("x"));
  if (cf_span_eq(ev->path, S("GET /remove"))) cf_fx(fx, CF_FX_REMOVE)->name = S("folder");
  if (cf_span_eq(ev->path, S("GET /name"))) cf_fx_put(fx, S("../x"), S("x"));
  if (cf_span_eq(ev->path, S("GET /store"))) cf_fx(fx, CF_FX_STORE)->body = S("12345678");
  cf_fx_put(fx, S("after"), S("x"));
  cf_fx(fx, CF_FX_LOG)->body = S("{\"after\":1}");
  cf_fx_reply(fx, ev->id, 200, "text/plain", S("acknowledged"));
}

static void
test_barrier(void **state) {
  static char const *const failing[] = { "put", "append", "remove", "name", "store" };
  for (size_t i = 0; i < 5; i++) {
    char request[64];
    write_file("blocked", "", 0);
    mkdir(tmp_path("folder"), 0700);
    unlink(tmp_path("before"));
    host_proc_t h = start((cf_host_config_t){ 0 }, barrier_script);
    snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", failing[i]);
    char *out = exchange(h.port, request, strlen(request));
    assert_string_equal(out, ""); /* never acknowledged */
    assert_int_equal(host_wait(h), 3);
    assert_non_null(read_file("before", NULL));
    assert_null(read_file("after", NULL));
    char *log = read_file("log", NULL);
    assert_non_null(strstr(log, "{\"before\":1}\n"));
    assert_null(strstr(log, "after"));
    assert_non_null(strstr(log, "\"event\":\"not durable, stopping\""));
  }
  host_proc_t h = start((cf_host_config_t){ 0 }, barrier_script); /* and without a failure all is done */
  static char const fine[] = "GET /fine HTTP/1.1\r\nHost: x\r\n\r\n";
  assert_non_null(strstr(exchange(h.port, fine, sizeof fine - 1), "acknowledged"));
  assert_non_null(read_file("after", NULL));
  assert_int_equal(host_stop(h), 0);
}

/* what was acknowledged is on disk, whenever the process is killed */
static void
ack_script(cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind != CF_EV_REQUEST) return;
  cf_fx_append(fx, S("journal"), ev->query);
  cf_fx_reply(fx, ev->id, 200, "text/plain", S("durable"));
}

static void
test_kill_keeps_acknowledged(void **state) {
  unsigned seed = (unsigned)getpid(), total = 0;
  print_message("seed %u\n", seed);
  srand(seed);
  for (int round = 0; round < 10; round++) {
    unlink(tmp_path("journal"));
    host_proc_t h  = start((cf_host_config_t){ 0 }, ack_script);
    int         fd = dial(h.port), acked = -1;
    pid_t       killer = fork();
    if (killer == 0) {
      usleep((useconds_t)(2000 + rand() % 20000));
      kill(h.pid, SIGKILL);
      _exit(0);
    }
    rand();
    for (int i = 0; i < 10000; i++) {
      char request[64];
      int  n = snprintf(request, sizeof request, "GET /?%06d HTTP/1.1\r\nHost: x\r\n\r\n", i);
      if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n || !strstr(hear(fd, "durable", 2000), "durable")) break;
      acked = i;
    }
    assert_int_equal(host_wait((host_proc_t){ .pid = killer }), 0);
    assert_int_equal(host_wait(h), 1000 + SIGKILL);
    close(fd);
    size_t size    = 0;
    char  *journal = read_file("journal", &size);
    assert_true(size >= 6 * (size_t)(acked + 1));
    for (int i = 0; i <= acked; i++) {
      char want[8];
      snprintf(want, sizeof want, "%06d", i);
      assert_memory_equal(journal + 6 * i, want, 6);
    }
    total += (unsigned)(acked + 1);
  }
  assert_true(total > 10);
}

/* ---- bursts, ticks, wakes ---- */

static void
burst_script(cf_effects_t *fx, cf_event_t const *ev) {
  static uint64_t held[64], bursts;
  static size_t   cnt;
  if (ev->kind == CF_EV_STOP) exit_with(fx, 0);
  if (ev->kind == CF_EV_REQUEST) held[cnt++] = ev->id;
  if (ev->kind != CF_EV_TICK || !cnt) return;
  bursts++;
  for (size_t i = 0; i < cnt; i++)
    cf_fx_reply(fx, held[i], 200, "text/plain", cf_fx_printf(fx, "burst %u of %zu", (unsigned)bursts, cnt));
  cnt = 0;
}

/* what arrives while the process is busy is one burst, closed by one TICK */
static void
test_burst(void **state) {
  host_proc_t h = start((cf_host_config_t){ 0 }, burst_script);
  int         fds[32];
  for (int i = 0; i < 32; i++) { /* who was answered is connected */
    fds[i] = dial(h.port);
    say_text(fds[i], "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(strstr(hear(fds[i], " of ", 2000), " of 1"));
  }
  int status;
  kill(h.pid, SIGSTOP);
  assert_true(waitpid(h.pid, &status, WUNTRACED) == h.pid && WIFSTOPPED(status));
  for (int i = 0; i < 32; i++) say_text(fds[i], "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  kill(h.pid, SIGCONT);
  for (int i = 0; i < 32; i++) {
    assert_non_null(strstr(hear(fds[i], " of ", 2000), "burst 33 of 32"));
    close(fds[i]);
  }
  int      fd   = dial(h.port);
  uint64_t from = cf_clock_mono_ms();
  for (int i = 0; i < 20; i++) { /* a lone request waits for no timer */
    say_text(fd, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(strstr(hear(fd, " of 1", 2000), " of 1"));
  }
  assert_true(cf_clock_mono_ms() - from < 1000);
  close(fd);
  assert_int_equal(host_stop(h), 0);
}

/* no tick before its time; and one that a wake asked for comes sooner than the others (at least once: the machine may be busy) */
static void
time_script(cf_effects_t *fx, cf_event_t const *ev) {
  static uint64_t last_ms, woken_ms;
  static int      cnt, soon;
  if (ev->kind == CF_EV_START) last_ms = ev->now.mono_ms;
  if (ev->kind != CF_EV_TICK) return;
  uint64_t gap_ms = ev->now.mono_ms - last_ms;
  last_ms         = ev->now.mono_ms;
  if (++cnt <= 3 && gap_ms < CF_TICK_MS) exit_with(fx, 10);
  if (cnt > 3 && ev->now.mono_ms < woken_ms) exit_with(fx, 11);
  if (cnt > 3 && gap_ms < 50) soon++;
  woken_ms = ev->now.mono_ms + 7;
  if (cnt >= 3) cf_fx(fx, CF_FX_WAKE)->id = woken_ms;
  if (cnt >= 3) cf_fx(fx, CF_FX_WAKE)->id = woken_ms + 60; /* the earlier one holds */
  if (cnt == 20) exit_with(fx, soon ? 0 : 12);
}

static void
test_tick_and_wake(void **state) {
  assert_int_equal(host_wait(start((cf_host_config_t){ 0 }, time_script)), 0);
}

/* ---- stopping ---- */

static void
stop_script(cf_effects_t *fx, cf_event_t const *ev) {
  static uint64_t id;
  if (ev->kind == CF_EV_REQUEST) id = ev->id;
  if (ev->kind != CF_EV_STOP) return;
  trace("stop\n");
  if (id) cf_fx_reply(fx, id, 200, "text/plain", S("last words"));
  cf_fx_put(fx, S("drained"), S("x"));
  exit_with(fx, 7);
  cf_fx_put(fx, S("behind the exit"), S("x"));
}

static void
deaf_script(cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_STOP) trace("stop\n");
}

static void
test_stop(void **state) {
  host_proc_t h  = start((cf_host_config_t){ 0 }, stop_script);
  int         fd = dial(h.port);
  say_text(fd, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  usleep(50000);
  kill(h.pid, SIGINT);
  assert_non_null(strstr(hear(fd, "words", 2000), "last words"));
  assert_int_equal(host_wait(h), 7);
  assert_trace("stop\n");
  assert_non_null(read_file("drained", NULL));
  assert_null(read_file("behind the exit", NULL));
  close(fd);

  h = start((cf_host_config_t){ 0 }, deaf_script); /* the second one does not ask */
  kill(h.pid, SIGTERM);
  usleep(100000);
  assert_int_equal(waitpid(h.pid, NULL, WNOHANG), 0);
  kill(h.pid, SIGTERM);
  assert_int_equal(host_wait(h), 128 + SIGTERM);
  assert_trace("stop\n");
}

/* ---- the store ---- */

static void
store_script(cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_START) {
    cf_wr_t wr = cf_wr_init(cf_fx_room(fx, 1000), 1000);
    cf_store_begin(&wr, 5);
    cf_store_put(&wr, CF_STORE_LEASE, S("me"), S("leader"));
    cf_fx(fx, CF_FX_STORE)->body = cf_wr_out(&wr);
    cf_effect_t *scan            = cf_fx(fx, CF_FX_SCAN);
    scan->id                     = 1;
    scan->name                   = CF_SPAN("\x08", 1);
  }
  if (ev->kind == CF_EV_DONE) {
    cf_rd_t          rd;
    uint64_t         fence;
    cf_store_write_t w = { 0 };
    if (!cf_store_open(&rd, &fence, ev->body) && cf_store_next(&rd, &w))
      trace("%u %.*s=%.*s under %u\n", w.kind, (int)w.key.len, (char const *)w.key.ptr, (int)w.value.len,
            (char const *)w.value.ptr, (unsigned)fence);
  }
  if (ev->kind == CF_EV_TICK) { /* go on writing under the same fence, until somebody has a higher one */
    cf_wr_t wr = cf_wr_init(cf_fx_room(fx, 1000), 1000);
    cf_store_begin(&wr, 5);
    cf_store_put(&wr, CF_STORE_LEASE, S("me"), S("still"));
    cf_fx(fx, CF_FX_STORE)->body = cf_wr_out(&wr);
  }
}

static void
test_store_fenced(void **state) {
  cf_store_sqlite_t *other;
  bool               rebuildable;
  uint8_t            bytes[100];
  cf_wr_t            wr = cf_wr_init(bytes, sizeof bytes);
  mkdir(tmp_path("new"), 0700);
  write_file("new/g.db", "", 0);
  host_proc_t h = start((cf_host_config_t){ .store = "g.db" }, store_script);
  usleep(250000);
  assert_trace("8 me=leader under 5\n");
  assert_int_equal(waitpid(h.pid, NULL, WNOHANG), 0);
  assert_int_equal(cf_store_sqlite_open(&other, tmp_path("g.db"), false, &rebuildable, NULL), CF_OK);
  cf_store_begin(&wr, 6);
  assert_int_equal(cf_store_sqlite_commit(other, cf_wr_out(&wr), NULL), CF_OK);
  cf_store_sqlite_free(other);
  assert_int_equal(host_wait(h), 3);
  assert_non_null(strstr(read_file("log", NULL), "\"event\":\"fenced\",\"status\":\"stale\""));
}

/* Promises are nowhere but in the store: one that is gone is not begun anew, unless somebody says so. */
static void
test_store_gone(void **state) {
  for (int empty = 0; empty < 2; empty++) {
    if (empty) write_file("g.db", "", 0);
    assert_int_equal(host_wait(start((cf_host_config_t){ .store = "g.db" }, store_script)), 3);
    assert_non_null(strstr(read_file("log", NULL), "g.db is missing or empty, and was written before"));
  }
  mkdir(tmp_path("new"), 0700);
  write_file("new/g.db", "", 0);
  host_proc_t h = start((cf_host_config_t){ .store = "g.db" }, store_script);
  usleep(100000);
  assert_int_equal(access(tmp_path("new/g.db"), F_OK), -1);
  kill(h.pid, SIGKILL);
  host_wait(h);
  assert_int_equal(unlink(tmp_path("g.db")), 0);
  assert_int_equal(host_wait(start((cf_host_config_t){ .store = "g.db" }, store_script)), 3);
}

/* ---- memory ---- */

static void
memory_script(cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_START) cf_fx_get(fx, 1, S("kept"));
  if (ev->kind != CF_EV_DONE) return;
  trace("%s %u %.*s\n", cf_status_name(ev->status), ev->code, (int)ev->body.len, (char const *)ev->body.ptr);
  if (!ev->status) cf_fx_put(fx, S("kept"), S("so far"));
  exit_with(fx, ev->status ? 1 : 0);
}

static void
test_memory(void **state) {
  static char const *const memory[] = { "kept", NULL };
  cf_host_config_t const   cfg      = { .memory = memory };
  assert_int_equal(host_wait(start(cfg, memory_script)), 1); /* missing, and nobody said that it is new */
  assert_trace("io 0 \n");
  assert_non_null(strstr(read_file("log", NULL), "kept is missing, and was written before"));
  mkdir(tmp_path("new"), 0700);
  write_file("new/kept", "", 0);
  assert_int_equal(host_wait(start(cfg, memory_script)), 0);
  assert_trace("ok 404 \n");
  assert_int_equal(host_wait(start(cfg, memory_script)), 0);
  assert_trace("ok 200 so far\n");
  write_file("kept", "so far", 6); /* by another hand */
  assert_int_equal(host_wait(start(cfg, memory_script)), 1);
  assert_non_null(strstr(read_file("log", NULL), "kept is not what was written"));
}

static void
forget_script(cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_START) cf_fx(fx, CF_FX_REMOVE)->name = S("kept");
  exit_with(fx, 0);
}

/* What the core removed has been written: when it is asked for once more, it is missing. */
static void
test_memory_removed(void **state) {
  static char const *const memory[] = { "kept", NULL };
  cf_host_config_t const   cfg      = { .memory = memory };
  mkdir(tmp_path("new"), 0700);
  write_file("new/kept", "", 0);
  assert_int_equal(host_wait(start(cfg, forget_script)), 0);
  assert_int_equal(host_wait(start(cfg, memory_script)), 1);
  assert_non_null(strstr(read_file("log", NULL), "kept is missing, and was written before"));
}

/* ---- asking ---- */

static uint16_t dead_port;

static void
ask_script(cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_START) {
    cf_fx_ask(fx, 1, 0, S("POST /x?y"), S("over http"), 2000);
    cf_fx_ask(fx, 2, 1, S("ignored"), S("over frames"), 2000);
    cf_fx_ask(fx, 3, 2, S("GET /"), CF_SPAN(NULL, 0), 2000);
  }
  if (ev->kind != CF_EV_DONE) return;
  trace("%u %s %u %.*s\n", (unsigned)ev->id, cf_status_name(ev->status), ev->code, (int)ev->body.len, (char const *)ev->body.ptr);
  static int n;
  if (++n == 3) exit_with(fx, 0);
}

static void
answer_script(cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_STOP) exit_with(fx, 0);
  if (ev->kind != CF_EV_REQUEST) return;
  cf_fx_reply(fx, ev->id, 201, "text/plain",
              cf_fx_printf(fx, "%.*s?%.*s heard %.*s", (int)ev->path.len, (char const *)ev->path.ptr, (int)ev->query.len,
                           (char const *)ev->query.ptr, (int)ev->body.len, (char const *)ev->body.ptr));
}

static int
compare(void const *a, void const *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* two hosts: one answers over HTTP and frames, the other asks both, and a port where nobody listens */
static void
test_ask(void **state) {
  char frames[128], url[64], dead[64];
  snprintf(frames, sizeof frames, "%s", tmp_path("frames"));
  host_proc_t answering = start((cf_host_config_t){ .frame_path = frames }, answer_script);
  int         fd;
  assert_int_equal(cf_net_listen(&fd, "127.0.0.1", 0, NULL), CF_OK);
  dead_port = cf_net_port(fd);
  close(fd);
  snprintf(url, sizeof url, "http://127.0.0.1:%u/base", answering.port);
  snprintf(dead, sizeof dead, "http://127.0.0.1:%u", dead_port);
  cf_peer_t const peers[] = { { .url = url }, { .path = frames }, { .url = dead } };
  assert_int_equal(host_wait(start((cf_host_config_t){ .peers = peers, .peer_cnt = 3 }, ask_script)), 0);
  char  *text     = strdup(read_file("trace", NULL));
  char  *lines[3] = { strtok(text, "\n"), strtok(NULL, "\n"), strtok(NULL, "\n") };
  assert_non_null(lines[2]);
  qsort(lines, 3, sizeof *lines, compare);
  assert_string_equal(lines[0], "1 ok 201 POST /base/x?y heard over http");
  assert_string_equal(lines[1], "2 ok 200 FRAME? heard over frames");
  assert_string_equal(lines[2], "3 io 0 ");
  free(text);
  assert_int_equal(host_stop(answering), 0);
}

/* ---- what does not start ---- */

static void
test_no_start(void **state) {
  cf_peer_t const ftp = { .url = "ftp://127.0.0.1" }, none = { 0 };
  assert_int_equal(host_wait(start((cf_host_config_t){ .peers = &ftp, .peer_cnt = 1 }, deaf_script)), 2);
  assert_int_equal(host_wait(start((cf_host_config_t){ .peers = &none, .peer_cnt = 1 }, deaf_script)), 2);
  assert_int_equal(host_wait(start((cf_host_config_t){ .folder = "/nowhere" }, deaf_script)), 3);
  host_proc_t h = start((cf_host_config_t){ .lock = "lock" }, deaf_script);
  assert_int_equal(host_wait(start((cf_host_config_t){ .lock = "lock" }, deaf_script)), 3);
  assert_non_null(strstr(read_file("log", NULL), "works in this folder already"));
  kill(h.pid, SIGKILL);
  host_wait(h);
  write_file("bad.db", "no database, but long enough to be read as one, if that were what it is, which it is not. ........", 98);
  assert_int_equal(host_wait(start((cf_host_config_t){ .store = "bad.db" }, deaf_script)), 3);
  assert_non_null(strstr(read_file("log", NULL), "the store is damaged"));
}

int
main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, tmp_make, tmp_remove)
  struct CMUnitTest const tests[] = {
    T(test_order), T(test_barrier), T(test_kill_keeps_acknowledged), T(test_burst), T(test_tick_and_wake), T(test_stop),
    T(test_store_fenced), T(test_store_gone), T(test_memory), T(test_memory_removed), T(test_ask), T(test_no_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
