/* The side lane of the host: what waits behind slow files, what does not, and how both lanes end.  A slow file is one that the test
   holds a lease on: whoever opens it waits until the lease is given back. */
#include "io_util.h"

#include "io/cf_side.h"

static int trace_fd;

static void
step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  union {
    void *data;
    void (*fn)(cf_effects_t *fx, cf_event_t const *ev);
  } script = { .data = core };
  script.fn(fx, ev);
}

static host_proc_t
start(void (*fn)(cf_effects_t *fx, cf_event_t const *ev)) {
  union {
    void (*fn)(cf_effects_t *fx, cf_event_t const *ev);
    void *data;
  } script             = { .fn = fn };
  cf_host_config_t cfg = { .role = "test", .log_fd = open(tmp_path("log"), O_RDWR | O_APPEND | O_CREAT | O_TRUNC, 0600) };
  trace_fd             = open(tmp_path("trace"), O_RDWR | O_APPEND | O_CREAT | O_TRUNC, 0600);
  host_proc_t h        = host_start(cfg, step, script.data);
  close(cfg.log_fd);
  return h;
}

static int
hold(char const *name) {
  signal(SIGIO, SIG_IGN); /* somebody waits: we know */
  int fd = open(tmp_path(name), O_RDWR | O_CREAT, 0600);
  assert_true(fd >= 0);
  assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
  return fd;
}

static void
let_go(int fd) {
  assert_int_equal(fcntl(fd, F_SETLEASE, F_UNLCK), 0);
  close(fd);
}

static cf_effect_t *
side(cf_effects_t *fx) {
  cf_effect_t *e = &fx->at[fx->cnt - 1];
  e->side        = true;
  return e;
}

static void
put_side(cf_effects_t *fx, cf_span_t name, cf_span_t body) {
  cf_fx_put(fx, name, body);
  side(fx);
}

static char *
get(host_proc_t h, char const *path) {
  char request[128];
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
  return exchange(h.port, request, strlen(request));
}

static int
asked(host_proc_t h, char const *path) {
  char request[128];
  int  fd = dial(h.port);
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
  say_text(fd, request);
  return fd;
}

/* ---- order ---- */

static void
order_script(cf_effects_t *fx, cf_event_t const *ev) {
  static unsigned dones;
  if (ev->kind == CF_EV_START) {
    cf_fx_get(fx, 1, S("a"));
    side(fx); /* an empty lane: at once */
    put_side(fx, S("a"), S("one"));
    fx->at[fx->cnt - 1].id = 2;
    cf_fx_get(fx, 3, S("a"));
    side(fx);
    cf_fx_append(fx, S("a"), S("+two"));
    side(fx);
    cf_fx_get(fx, 4, S("a"));
    side(fx);
    cf_fx(fx, CF_FX_LIST)->name = S("");
    side(fx)->id                = 5;
    cf_fx(fx, CF_FX_REMOVE)->name = S("a");
    side(fx)->id                  = 6;
    cf_fx_get(fx, 7, S("a"));
    side(fx);
    cf_fx_put(fx, S("main"), S("x"));
    fx->at[fx->cnt - 1].id = 8;
  }
  if (ev->kind != CF_EV_DONE) return;
  dprintf(trace_fd, "%s%u %u %.*s\n", ev->id == 8 ? "main " : "", (unsigned)ev->id, ev->code, ev->id == 5 ? 0 : (int)ev->body.len,
          (char const *)ev->body.ptr);
  if (++dones == 8) cf_fx(fx, CF_FX_EXIT)->code = 42;
}

static void
test_order(void **state) {
  assert_int_equal(host_wait(start(order_script)), 42);
  char *all = read_file("trace", NULL), *main_line = strstr(all, "main 8 0 \n");
  assert_non_null(main_line); /* wherever it is */
  memmove(main_line, main_line + 10, strlen(main_line + 10) + 1);
  assert_string_equal(all, "1 404 \n2 0 \n3 200 one\n4 200 one+two\n5 200 \n6 0 \n7 404 \n");
}

/* ---- a slow file ---- */

static void
slow_script(cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_STOP) cf_fx(fx, CF_FX_EXIT)->code = 0;
  if (ev->kind != CF_EV_REQUEST) return;
  if (cf_span_eq(ev->path, S("GET /slow"))) {
    cf_fx_append(fx, S("slow"), S("written"));
    side(fx);
    put_side(fx, S("behind"), S("written"));
    cf_fx_reply(fx, ev->id, 200, "text/plain", S("it is there"));
    side(fx);
    return;
  }
  cf_fx_append(fx, S("journal"), S("x"));
  cf_fx_reply(fx, ev->id, 200, "text/plain", S("journaled"));
  if (cf_span_eq(ev->path, S("GET /side"))) side(fx);
  if (cf_span_eq(ev->path, S("GET /fail"))) cf_fx_put(fx, S("../x"), S("x"));
}

static void
test_a_slow_file_holds_no_reply(void **state) {
  host_proc_t h    = start(slow_script);
  int         held = hold("slow"), slow = asked(h, "/slow"), late = asked(h, "/side");
  for (int i = 0; i < 3; i++) assert_non_null(strstr(get(h, "/main"), "journaled"));
  assert_string_equal(hear(slow, "it is there", 50), "");
  assert_string_equal(hear(late, "journaled", 50), "");
  assert_null(read_file("behind", NULL));
  let_go(held);
  assert_non_null(strstr(hear(slow, "it is there", 3000), "it is there"));
  assert_non_null(strstr(hear(late, "journaled", 3000), "journaled"));
  assert_string_equal(read_file("slow", NULL), "written");
  assert_string_equal(read_file("behind", NULL), "written");
  assert_string_equal(read_file("journal", NULL), "xxxx"); /* and zeros */
  close(slow);
  close(late);
  assert_int_equal(host_stop(h), 0);
}

/* ---- both lanes end ---- */

static void
test_exit_waits_for_the_side(void **state) {
  host_proc_t h    = start(slow_script);
  int         held = hold("slow"), slow = asked(h, "/slow");
  assert_non_null(strstr(get(h, "/main"), "journaled")); /* so /slow was taken */
  kill(h.pid, SIGTERM);
  assert_string_equal(hear(slow, "it is there", 200), "");
  assert_int_equal(waitpid(h.pid, NULL, WNOHANG), 0);
  let_go(held);
  assert_non_null(strstr(hear(slow, "it is there", 3000), "it is there"));
  assert_int_equal(host_wait(h), 0);
  assert_string_equal(read_file("behind", NULL), "written");
  close(slow);
}

/* Asked twice to end, it leaves behind what was not begun. */
static void
test_a_second_signal(void **state) {
  host_proc_t h    = start(slow_script);
  int         held = hold("slow"), slow = asked(h, "/slow");
  assert_non_null(strstr(get(h, "/main"), "journaled"));
  kill(h.pid, SIGTERM);
  assert_string_equal(hear(slow, "it is there", 100), "");
  kill(h.pid, SIGINT);
  assert_string_equal(hear(slow, "it is there", 100), "");
  let_go(held);
  assert_int_equal(host_wait(h), 128 + SIGINT);
  assert_string_equal(read_file("slow", NULL), "written"); /* was under way */
  assert_null(read_file("behind", NULL));
  close(slow);
}

/* ---- failures ---- */

static void
failing_script(cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind != CF_EV_REQUEST) return;
  put_side(fx, S("before"), S("x"));
  cf_fx_put(fx, S("folder/x/y"), S("x")); /* main, and fine */
  put_side(fx, S("blocked/x"), S("x"));   /* blocked is a file */
  put_side(fx, S("after"), S("x"));
  cf_fx_reply(fx, ev->id, 200, "text/plain", S("acknowledged"));
  side(fx);
}

static void
test_a_failure_in_the_side(void **state) {
  write_file("blocked", "", 0);
  host_proc_t h = start(failing_script);
  assert_string_equal(get(h, "/"), "");
  assert_int_equal(host_wait(h), 3);
  assert_non_null(read_file("before", NULL));
  assert_non_null(read_file("folder/x/y", NULL));
  assert_null(read_file("after", NULL));
  assert_non_null(strstr(read_file("log", NULL), "\"event\":\"not durable, stopping\""));
}

static void
test_a_failure_in_the_main_lane(void **state) {
  host_proc_t h    = start(slow_script);
  int         held = hold("slow"), slow = asked(h, "/slow"), bad = asked(h, "/fail");
  assert_non_null(strstr(hear(bad, "journaled", 3000), "journaled"));
  assert_string_equal(hear(slow, "it is there", 100), "");
  let_go(held);
  assert_int_equal(host_wait(h), 3);
  assert_null(read_file("behind", NULL)); /* as after a crash */
  close(slow);
  close(bad);
}

/* ---- groups ---- */

enum { GROUP = 3 * CF_FILES_GROUP_MAX / 2 };

static void
group_script(cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_START) {
    size_t from = fx->cnt;
    for (unsigned i = 0; i < GROUP; i++) put_side(fx, cf_fx_printf(fx, "g%u/%u", i % 3, i), cf_fx_printf(fx, "%u", i));
    cf_fx_join(fx, from);
    put_side(fx, S("head"), S("x"));
    fx->at[fx->cnt - 1].id = 1;
  }
  if (ev->kind == CF_EV_DONE) cf_fx(fx, CF_FX_EXIT)->code = 0;
}

static void
test_a_group(void **state) {
  assert_int_equal(host_wait(start(group_script)), 0);
  for (unsigned i = 0; i < GROUP; i++) {
    char name[16], want[16];
    snprintf(name, sizeof name, "g%u/%u", i % 3, i);
    snprintf(want, sizeof want, "%u", i);
    assert_string_equal(read_file(name, NULL), want);
  }
}

int
main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, tmp_make, tmp_remove)
  struct CMUnitTest const tests[] = {
    T(test_order),
    T(test_a_slow_file_holds_no_reply),
    T(test_exit_waits_for_the_side),
    T(test_a_second_signal),
    T(test_a_failure_in_the_side),
    T(test_a_failure_in_the_main_lane),
    T(test_a_group),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
