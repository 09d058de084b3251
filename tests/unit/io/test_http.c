/* The HTTP server over real sockets: what a stranger may do, and what he may not. */
#include "io_util.h"

#include <sys/resource.h>

/* A core that answers "METHOD PATH ?QUERY BODY"; asks for /hold are answered by the next /release, those for
   /never not at all, /big with 12 MiB. */
typedef struct {
  uint64_t held;
} echo_t;

static uint8_t big[12 << 20]; /* more than two sockets hold */

static void
echo_step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  echo_t *e = core;
  if (ev->kind == CF_EV_STOP) cf_fx(fx, CF_FX_EXIT);
  if (ev->kind != CF_EV_REQUEST || cf_span_eq(ev->path, S("GET /never"))) return;
  if (cf_span_eq(ev->path, S("GET /hold"))) {
    e->held = ev->id;
    return;
  }
  if (cf_span_eq(ev->path, S("GET /release"))) cf_fx_reply(fx, e->held, 200, "text/plain", S("released"));
  if (cf_span_eq(ev->path, S("GET /big"))) {
    cf_fx_reply(fx, ev->id, 200, "text/plain", CF_SPAN_OF(big));
    return;
  }
  if (cf_span_eq(ev->path, S("GET /busy"))) {
    cf_fx_reply(fx, ev->id, 503, "text/plain", S("busy"));
    fx->at[fx->cnt - 1].retry_after_s = 30;
    return;
  }
  if (cf_span_eq(ev->path, S("POST /make"))) {
    cf_fx_reply(fx, ev->id, 201, "text/plain", cf_fx_dup(fx, ev->type));
    fx->at[fx->cnt - 1].name = S("/made/1");
    return;
  }
  cf_span_t text = cf_fx_printf(fx, "%.*s ?%.*s %.*s", (int)ev->path.len, (char const *)ev->path.ptr, (int)ev->query.len,
                                (char const *)ev->query.ptr, (int)ev->body.len, (char const *)ev->body.ptr);
  cf_fx_reply(fx, ev->id, 200, "text/plain", text);
}

static cf_http_mount_t const mounts[] = {
  { "/log/tile/", "public/log/tile/", "application/octet-stream", CF_HTTP_IMMUTABLE },
  { "/log/checkpoint", "public/log/checkpoint", "text/plain", CF_HTTP_BRIEF },
  { "/web/", "public/web/", NULL, NULL },
};

static host_proc_t host;
static echo_t      echo;

static host_proc_t
start(cf_http_limits_t max) {
  return host_start(
      (cf_host_config_t){ .role = "test", .http = max, .mounts = mounts, .mount_cnt = 3, .log_fd = open("/dev/null", O_WRONLY) },
      echo_step, &echo);
}

/* short patience, so that the tests have some */
static int
setup(void **state) {
  if (tmp_make(state)) return -1;
  memset(big, 'b', sizeof big);
  mkdir(tmp_path("public"), 0700);
  mkdir(tmp_path("public/log"), 0700);
  mkdir(tmp_path("public/log/tile"), 0700);
  mkdir(tmp_path("public/web"), 0700);
  write_file("secret", "secret", 6);
  write_file("public/log/secret", "secret", 6);
  write_file("public/log/checkpoint", "the checkpoint", 14);
  write_file("public/log/tile/000", "tile", 4);
  write_file("public/log/tile/big", big, sizeof big);
  write_file("public/log/tile/empty", "", 0);
  write_file("public/log/tile/.tmp", "secret", 6);
  write_file("public/web/index.html", "<p>", 3);
  assert_int_equal(symlink("/etc/passwd", tmp_path("public/log/tile/link")), 0);
  host = start((cf_http_limits_t){
      .idle_ms = 1000, .head_ms = 800, .body_ms = 800, .answer_ms = 800, .body_max = 100000 });
  return 0;
}

static int
teardown(void **state) {
  int code = host_stop(host);
  tmp_remove(state);
  return code;
}

static void
assert_has(char const *text, char const *want) {
  if (!strstr(text, want)) fail_msg("no \"%s\" in \"%.300s\"", want, text);
}

static char *
ask(char const *request) {
  return exchange(host.port, request, strlen(request));
}

/* ---- what is right ---- */

static void
test_get_post_head(void **state) {
  char *out = ask("GET /a/b?c=d HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(out, "HTTP/1.1 200 OK\r\n");
  assert_has(out, "\r\nDate: ");
  assert_has(out, "\r\nContent-Type: text/plain\r\n");
  assert_has(out, "\r\nX-Content-Type-Options: nosniff\r\n");
  assert_has(out, "\r\n\r\nGET /a/b ?c=d ");
  assert_null(strstr(out, "Connection: close"));
  assert_has(ask("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"), "\r\n\r\nPOST /x ? body");
  out = ask("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n"); /* the core sees a GET, and the asker the length only */
  assert_has(out, "\r\nContent-Length: 9\r\n");
  assert_null(strstr(out, "GET /a"));
  assert_has(ask("GET /busy HTTP/1.1\r\nHost: x\r\n\r\n"), "\r\nRetry-After: 30\r\n");
  assert_has(ask("GET /a HTTP/1.0\r\n\r\n"), "\r\nConnection: close\r\n");
  assert_has(ask("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "\r\nConnection: close\r\n");
}

/* one connection, byte by byte, request after request */
static void
test_keep_alive_by_bytes(void **state) {
  int fd = dial(host.port);
  for (int i = 0; i < 3; i++) {
    char const *r = "POST /k HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    for (; *r; r++) say(fd, r, 1);
    assert_has(hear(fd, "POST /k ? abc", 2000), "200 OK");
  }
  close(fd);
}

static void
test_pipeline(void **state) {
  static char all[64 * 1024];
  size_t      n  = 0;
  int         fd = dial(host.port);
  for (int i = 0; i < 500; i++)
    n += (size_t)sprintf(all + n, "POST /p%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%.*s", i, i % 7, i % 7, "abcdefg");
  say(fd, all, n);
  char *out = hear(fd, "POST /p499 ", 3000), *at = out;
  for (int i = 0; i < 500; i++) { /* all, once, in order */
    char want[64];
    snprintf(want, sizeof want, "\r\n\r\nPOST /p%d ? %.*s", i, i % 7, "abcdefg");
    at = strstr(at, want);
    if (!at) fail_msg("answer %d is missing or out of order", i);
    at += 4;
  }
  close(fd);
  /* pipelined and half-closed: the rest is still answered */
  at = ask("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /log/tile/000 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(at, "GET /1 ?");
  assert_has(strstr(at, "GET /1 ?"), "\r\n\r\ntileHTTP/1.1 200");
  assert_has(strstr(at, "tile"), "GET /2 ?");
}

static void
test_expect(void **state) {
  int fd = dial(host.port);
  say_text(fd, "POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  assert_string_equal(hear(fd, "\r\n\r\n", 2000), "HTTP/1.1 100 Continue\r\n\r\n");
  say_text(fd, "body");
  assert_has(hear(fd, "body", 2000), "POST /e ? body");
  close(fd);
  /* what will be refused is not waited for */
  assert_has(ask("POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\nExpect: 100-continue\r\n\r\n"), "HTTP/1.1 413 ");
}

/* answers by handle, not in the order of asking; and one that came too late meets nobody else's request */
static void
test_hold(void **state) {
  int held = dial(host.port), other = dial(host.port);
  say_text(held, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\nGET /after HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_string_equal(hear(held, NULL, 100), "");
  say_text(other, "GET /release HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(hear(other, "GET /release", 2000), "200 OK");
  assert_has(hear(held, "GET /after", 2000), "released");
  say_text(other, "GET /release HTTP/1.1\r\nHost: x\r\n\r\n"); /* the handle is spent */
  assert_has(hear(other, "GET /release", 2000), "200 OK");
  say_text(held, "GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(hear(held, "GET /again", 2000), "200 OK");
  close(held);
  held = dial(host.port);
  say_text(held, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(hear(held, "}", 2000), "HTTP/1.1 503 "); /* answer_ms */
  assert_true(is_closed(held, 1000));
  close(held);
  say_text(other, "GET /release HTTP/1.1\r\nHost: x\r\n\r\n"); /* for nobody */
  assert_has(hear(other, "GET /release", 2000), "200 OK");
  close(other);
}

/* a reader who takes his time gets all of it */
static void
test_large_answer(void **state) {
  char const *const requests[] = { "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", "GET /log/tile/big HTTP/1.1\r\nHost: x\r\n\r\n" };
  for (int i = 0; i < 2; i++) {
    static char sink[65536];
    int         fd = dial(host.port);
    size_t      n  = 0;
    say_text(fd, requests[i]);
    for (ssize_t got; n < sizeof big && (got = recv(fd, sink, sizeof sink, 0)) > 0; n += (size_t)got) {
      if (n < 1000000) usleep(2000);
      if (n > 1000) assert_true(sink[0] == 'b' && sink[got - 1] == 'b');
    }
    assert_true(n >= sizeof big && n < sizeof big + 1000);
    say_text(fd, "GET /after HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_has(hear(fd, "GET /after", 2000), "GET /after");
    close(fd);
  }
}

/* ---- files ---- */

static void
test_static(void **state) {
  char *out = ask("GET /log/tile/000 HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(out, "HTTP/1.1 200 OK\r\n");
  assert_has(out, "Cache-Control: public, max-age=31536000, immutable\r\n");
  assert_has(out, "Content-Type: application/octet-stream\r\n");
  assert_has(out, "\r\n\r\ntile");
  out = ask("GET /log/checkpoint HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(out, "Cache-Control: public, max-age=1\r\n");
  assert_has(out, "\r\n\r\nthe checkpoint");
  out = ask("HEAD /log/checkpoint HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(out, "Content-Length: 14\r\n");
  assert_null(strstr(out, "the checkpoint"));
  out = ask("GET /web/ HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(out, "text/html");
  assert_has(out, "\r\n\r\n<p>");
  out = ask("GET /log/tile/empty HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(out, "200 OK");
  assert_has(out, "Content-Length: 0\r\n");
  out = ask("POST /log/tile/000 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
  assert_has(out, "HTTP/1.1 405 ");
  assert_has(out, "Allow: GET, HEAD\r\n");
  assert_has(ask("GET /log/checkpoint/x HTTP/1.1\r\nHost: x\r\n\r\n"), "GET /log/checkpoint/x"); /* not the mount: the core's */
}

/* What was made is somewhere; what a body is, its sender says. */
static void
test_made(void **state) {
  char *out = ask("POST /make HTTP/1.1\r\nHost: x\r\nContent-Type:  a/b; c=d \r\nContent-Length: 1\r\n\r\nx");
  assert_has(out, "HTTP/1.1 201 Created\r\n");
  assert_has(out, "\r\nLocation: /made/1\r\n");
  assert_has(out, "\r\n\r\na/b; c=d");
  out = ask("POST /make HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  assert_has(out, "\r\nContent-Length: 0\r\n");
  assert_null(strstr(ask("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), "Location"));
}

/* Where something can be deleted, it is asked for like anything else; a file is not. */
static void
test_delete(void **state) {
  host_proc_t other = start((cf_http_limits_t){ .deletes = true });
  char const  one[] = "DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n", file[] = "DELETE /log/tile/000 HTTP/1.1\r\nHost: x\r\n\r\n",
             body[] = "DELETE /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx";
  assert_has(exchange(other.port, one, sizeof one - 1), "\r\n\r\nDELETE /a ? ");
  char *out = exchange(other.port, file, sizeof file - 1);
  assert_has(out, "HTTP/1.1 405 ");
  assert_has(out, "Allow: GET, HEAD\r\n");
  assert_has(exchange(other.port, body, sizeof body - 1), "HTTP/1.1 400 ");
  assert_int_equal(host_stop(other), 0);
  assert_has(ask(one), "HTTP/1.1 501 ");
}

/* nobody reads "secret" */
static char const *const traversals[] = {
  "/log/tile/../secret",
  "/log/tile/..",
  "/log/tile/.tmp",
  "/log/tile/link",
  "/log/tile/%2e%2e/secret",
  "/log/tile/..%2fsecret",
  "/log/tile/%2e%2e%2fsecret",
  "/log/tile//secret",
  "/log/tile/./../secret",
  "/log/tile/..\\secret",
  "/log/tile/...//secret",
  "/log/tile/000/../../secret",
  "/../secret",
  "/%2e%2e/secret",
  "//secret",
  "/./secret",
  "/log/tile/%00",
  "/log/tile/000%00",
  "/log/tile/",
  "/log/tile/absent",
  "/log/../../secret",
  "/log/tile/..;/secret",
  "/log/tile/%252e%252e/secret",
  "/log/tile/\xc0\xae\xc0\xae/secret",
  "/web/../log/secret",
};

static void
test_traversal(void **state) {
  for (size_t i = 0; i < sizeof traversals / sizeof *traversals; i++) {
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", traversals[i]);
    char *out = ask(request);
    if (strstr(out, "\r\n\r\nsecret") || strstr(out, "root:") || (!strstr(out, "HTTP/1.1 400 ") && !strstr(out, "HTTP/1.1 404 ")))
      fail_msg("%s: %.200s", traversals[i], out);
  }
}

/* ---- what is wrong ---- */

/* the request behind a refused one is never executed */
static char const *const smuggled[] = {
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nContent-Length: 5\r\n\r\nabcde",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nX: a\r\n Content-Length: 30\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 33\r\n\r\n",
  "GET / HTTP/1.1\nHost: x\n\n",
  "GET / HTTP/1.1\r\nHost: x\r\nX: a\rContent-Length: 30\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nX: a\n\r\n",
  "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
  "DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
  "GET / HTTP/3.0\r\nHost: x\r\n\r\n",
};

static void
test_smuggling(void **state) {
  for (size_t i = 0; i < sizeof smuggled / sizeof *smuggled; i++) {
    char request[512];
    snprintf(request, sizeof request, "%sGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", smuggled[i]);
    char *out = ask(request);
    assert_has(out, "\r\nConnection: close\r\n");
    assert_has(out, "application/problem+json");
    if (strstr(out, "GET /smuggled") || strstr(out + 9, "HTTP/1.1 200")) fail_msg("%s: %s", smuggled[i], out);
  }
}

static void
test_limits(void **state) {
  static char large[200000];
  size_t      n = (size_t)sprintf(large, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
  memset(large + n, 'a', sizeof large - n);
  assert_has(exchange(host.port, large, n + 100000), "HTTP/1.1 200 OK"); /* the most */
  n = (size_t)sprintf(large, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n");
  large[n] = 'a';
  assert_has(exchange(host.port, large, n + 100001), "HTTP/1.1 413 "); /* readable though the body is under way */
  memset(large, 'a', sizeof large);
  memcpy(large, "GET /", 5);
  assert_has(exchange(host.port, large, 9000), "HTTP/1.1 414 ");
  memcpy(large, "GET / HTTP/1.1\r\n", 16);
  assert_has(exchange(host.port, large, 20000), "HTTP/1.1 431 ");
}

static void
test_slow(void **state) {
  int idle = dial(host.port), head = dial(host.port), body = dial(host.port), drip = dial(host.port);
  say_text(head, "GET / HTTP/1.1\r\nHo");
  say_text(body, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  uint64_t till = cf_clock_mono_ms() + 3000;
  while (cf_clock_mono_ms() < till && send(drip, "G", 1, MSG_NOSIGNAL) == 1)
    usleep(50000); /* a byte now and then does not help */
  assert_true(cf_clock_mono_ms() < till);
  assert_has(hear(head, NULL, 2000), "HTTP/1.1 408 ");
  assert_has(hear(body, NULL, 2000), "HTTP/1.1 408 ");
  assert_string_equal(hear(idle, NULL, 2000), ""); /* he asked nothing, he is told nothing */
  assert_true(is_closed(idle, 2000));
  close(idle), close(head), close(body), close(drip);
}

/* a reader who does not read loses his connection, and nobody else notices */
static void
test_slow_reader(void **state) {
  int fd = dial(host.port), small = 4096;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  for (int i = 0; i < 8; i++) say_text(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(ask("GET /other HTTP/1.1\r\nHost: x\r\n\r\n"), "GET /other");
  usleep(50000); /* by now the answer fills what the kernel takes, and what was asked further waits unread */
  say_text(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  usleep(50000);
  assert_has(ask("GET /other HTTP/1.1\r\nHost: x\r\n\r\n"), "GET /other");
  close(fd);
  assert_has(ask("GET /other HTTP/1.1\r\nHost: x\r\n\r\n"), "GET /other");
}

static void
test_thousand(void **state) {
  static int  fds[1000];
  host_proc_t many = start((cf_http_limits_t){ .conn_max = 1000 });
  for (size_t i = 0; i < 1000; i++) fds[i] = dial(many.port);
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < 1000; i++) say_text(fds[i], "GET /all HTTP/1.1\r\nHost: x\r\n\r\n");
    for (size_t i = 0; i < 1000; i++) assert_has(hear(fds[i], "GET /all", 3000), "200 OK");
  }
  for (size_t i = 0; i < 1000; i++) close(fds[i]);
  assert_int_equal(host_stop(many), 0);
}

/* with every place taken the one that has been idle longest gives way; one that waits for its answer does not */
static void
test_eviction(void **state) {
  host_proc_t few = start((cf_http_limits_t){ .conn_max = 4 });
  int         fds[4], late;
  for (int i = 0; i < 4; i++) {
    fds[i] = dial(few.port);
    say_text(fds[i], i == 0 ? "GET /never HTTP/1.1\r\nHost: x\r\n\r\n" : "GET /in HTTP/1.1\r\nHost: x\r\n\r\n");
    if (i) assert_has(hear(fds[i], "GET /in", 2000), "200 OK");
  }
  say_text(fds[1], "GET /young HTTP/1.1\r\nHost: x\r\n\r\n"); /* now 2 is the oldest */
  assert_has(hear(fds[1], "GET /young", 2000), "200 OK");
  late = dial(few.port);
  say_text(late, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_has(hear(late, "GET /late", 2000), "200 OK");
  assert_true(is_closed(fds[2], 1000));
  for (int i = 1; i < 4; i += 2) {
    say_text(fds[i], "GET /still HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_has(hear(fds[i], "GET /still", 2000), "200 OK");
  }
  assert_false(is_closed(fds[0], 100));
  for (int i = 0; i < 4; i++) close(fds[i]);
  close(late);
  assert_int_equal(host_stop(few), 0);
}

/* what all hold together is bounded: a flood of large uploads is turned away, not swallowed */
static void
test_held_bytes(void **state) {
  host_proc_t small = start((cf_http_limits_t){ .body_max = 1 << 20, .held_max = 3 << 20 });
  int         fds[8], refused = 0;
  for (int i = 0; i < 8; i++) {
    fds[i] = dial(small.port);
    say_text(fds[i], "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    refused += strstr(hear(fds[i], "}", 100), "HTTP/1.1 503 ") != NULL;
  }
  assert_in_range(refused, 5, 7);
  for (int i = 0; i < 8; i++) close(fds[i]);
  usleep(50000);
  int fd = dial(small.port); /* and what was held came back */
  say_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  assert_string_equal(hear(fd, "}", 100), "");
  close(fd);
  assert_int_equal(host_stop(small), 0);
}

int
main(void) {
  struct rlimit files = { 4096, 4096 };
  setrlimit(RLIMIT_NOFILE, &files);
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_get_post_head),
    cmocka_unit_test(test_made),
    cmocka_unit_test(test_delete), cmocka_unit_test(test_keep_alive_by_bytes),
    cmocka_unit_test(test_pipeline),      cmocka_unit_test(test_expect),
    cmocka_unit_test(test_hold),          cmocka_unit_test(test_large_answer),
    cmocka_unit_test(test_static),        cmocka_unit_test(test_traversal),
    cmocka_unit_test(test_smuggling),     cmocka_unit_test(test_limits),
    cmocka_unit_test(test_slow),          cmocka_unit_test(test_slow_reader),
    cmocka_unit_test(test_thousand),      cmocka_unit_test(test_eviction),
    cmocka_unit_test(test_held_bytes),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
