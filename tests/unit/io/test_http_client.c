/* The HTTP client against servers that are right, dead, slow, and wrong. */
#include "io_util.h"

#include "io/cf_http_client.h"

/* What the scripted server does with a connection. */
typedef struct {
  char const *name;
  char const *answer; /* sent once a request was read; NULL: silence                             */
  size_t      cut;    /* close after so many bytes of it; 0: send all                            */
  bool        stay;   /* keep the connection, answer the next, too                               */
  cf_status_t want;
  unsigned    code;
  char const *body;
} script_t;

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static script_t const scripts[] = {
  { "plain", OK_HEAD "Content-Length: 5\r\n\r\nhello", 0, true, CF_OK, 200, "hello" },
  { "empty", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 0, true, CF_OK, 404, "" },
  { "chunked", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 0, true, CF_OK, 200, "hello" },
  { "interim first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\n" OK_HEAD "Content-Length: 5\r\n\r\nhello",
    0, true, CF_OK, 200, "hello" },
  { "204", "HTTP/1.1 204 No Content\r\n\r\n", 0, true, CF_OK, 204, "" },
  { "closes", OK_HEAD "Content-Length: 5\r\nConnection: close\r\n\r\nhello", 0, false, CF_OK, 200, "hello" },
  { "silence", NULL, 0, false, CF_ERR_IO, 0, "" },
  { "cut in the head", OK_HEAD "Content-Length: 5\r\n\r\nhello", 20, false, CF_ERR_IO, 0, "" },
  { "cut in the body", OK_HEAD "Content-Length: 5\r\n\r\nhello", 40, false, CF_ERR_IO, 0, "" },
  { "cut at once", OK_HEAD "Content-Length: 5\r\n\r\nhello", 1, false, CF_ERR_IO, 0, "" },
  { "cut chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n9\r\nhel", 0, false, CF_ERR_IO, 0, "" },
  { "garbage", "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", 0, false, CF_ERR_FORMAT, 0, "" },
  { "bare LF", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 0, false, CF_ERR_FORMAT, 0, "" },
  { "no length", OK_HEAD "\r\nhello", 0, false, CF_ERR_UNSUPPORTED, 0, "" },
  { "two lengths", OK_HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 0, false, CF_ERR_FORMAT, 0, "" },
  { "longer than it said", OK_HEAD "Content-Length: 4\r\n\r\nhello", 0, false, CF_ERR_FORMAT, 0, "" },
  { "bad chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 0, false, CF_ERR_FORMAT, 0, "" },
  { "switching", "HTTP/1.1 101 Switching Protocols\r\n\r\n", 0, false, CF_ERR_FORMAT, 0, "" },
  { "too large", OK_HEAD "Content-Length: 100001\r\n\r\n", 0, false, CF_ERR_BOUND, 0, "" },
  { "chunks too large", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1ffffff\r\n", 0, false, CF_ERR_BOUND, 0, "" },
};
#define SCRIPT_CNT (sizeof scripts / sizeof *scripts)

static struct {
  pid_t    pid;
  uint16_t port;
} server;

/* "GET /N ..." or "POST /N ..." gets the answer of script N */
static void
serve_one(int fd) {
  char   buf[65536];
  size_t n = 0;
  for (;;) {
    ssize_t got = recv(fd, buf + n, sizeof buf - 1 - n, 0);
    if (got <= 0) return;
    buf[n += (size_t)got] = 0;
    char *end = strstr(buf, "\r\n\r\n");
    if (!end) continue;
    script_t const *s = &scripts[atoi(strchr(buf, '/') + 1) % SCRIPT_CNT];
    if (!s->answer) {
      sleep(2);
      return;
    }
    say(fd, s->answer, s->cut ? s->cut : strlen(s->answer));
    if (!s->stay) return;
    n = 0;
  }
}

static int
setup(void **state) {
  int fd;
  if (tmp_make(state) || cf_net_listen(&fd, "127.0.0.1", 0, NULL)) return -1;
  server.port = cf_net_port(fd);
  fflush(NULL);
  server.pid = fork();
  if (server.pid == 0) {
    signal(SIGCHLD, SIG_IGN);
    fcntl(fd, F_SETFL, 0);
    for (;;) {
      int c = accept(fd, NULL, NULL);
      if (c >= 0 && fork() == 0) {
        serve_one(c);
        _exit(0);
      }
      close(c);
    }
  }
  close(fd);
  return 0;
}

static int
teardown(void **state) {
  kill(server.pid, SIGKILL);
  waitpid(server.pid, NULL, 0);
  return tmp_remove(state);
}

/* ---- the asynchronous client ---- */

static cf_loop_t         loop;
static cf_done_queue_t   done;
static cf_http_client_t *client;

static void
client_start(uint16_t port) {
  char     text[64];
  cf_url_t url;
  snprintf(text, sizeof text, "http://127.0.0.1:%u", port);
  assert_int_equal(cf_url_parse(&url, text, NULL), CF_OK);
  assert_int_equal(cf_loop_init(&loop, NULL), CF_OK);
  client = cf_http_client_new(&loop, &done, &url, 1, &(cf_http_client_limits_t){ .body_max = 100000, .idle_ms = 200 });
  assert_non_null(client);
}

static void
client_end(void) {
  cf_http_client_free(client);
  cf_loop_fini(&loop);
}

static void
assert_done(cf_done_t *d, uint64_t id, script_t const *s) {
  assert_non_null(d);
  assert_int_equal(d->id, id);
  if (d->status != s->want) fail_msg("%s: %s (%s)", s->name, cf_status_name(d->status), d->why);
  assert_int_equal(d->code, s->code);
  assert_true(cf_span_eq(d->body, TEXT_SPAN(s->body)));
  assert_true((d->why != NULL) == (s->want != CF_OK));
}

static void
test_scripts(void **state) {
  client_start(server.port);
  for (uint64_t i = 0; i < SCRIPT_CNT; i++) {
    char what[32];
    for (int post = 0; post < 2; post++) {
      snprintf(what, sizeof what, post ? "POST /%u" : "GET /%u?x=y", (unsigned)i);
      cf_http_client_ask(client, i, 0, TEXT_SPAN(what), "text/plain", post ? S("body") : CF_SPAN(NULL, 0), 300);
      cf_done_t *d = cf_http_client_wait(client);
      assert_done(d, i, &scripts[i]);
      cf_done_free(d);
      assert_null(cf_done_take(&done)); /* exactly one */
    }
  }
  client_end();
}

/* many at once, more than there are connections; the silent ones do not hold up the others */
static void
test_many(void **state) {
  bool seen[400] = { 0 };
  client_start(server.port);
  for (uint64_t i = 0; i < 400; i++)
    cf_http_client_ask(client, i, 0, i % 50 == 49 ? S("GET /6") : S("GET /0"), NULL, CF_SPAN(NULL, 0), 1500);
  for (int n = 0; n < 400; n++) {
    cf_done_t *d = cf_http_client_wait(client);
    assert_true(d && d->id < 400 && !seen[d->id]);
    seen[d->id] = true;
    assert_int_equal(d->status, d->id % 50 == 49 ? CF_ERR_IO : CF_OK);
    cf_done_free(d);
  }
  assert_null(cf_http_client_wait(client));
  client_end();
}

static void
test_bound_of_asks(void **state) {
  client_start(server.port);
  for (uint64_t i = 0; i <= CF_HTTP_ASKS_MAX; i++) cf_http_client_ask(client, i, 0, S("GET /6"), NULL, CF_SPAN(NULL, 0), 10000);
  cf_done_t *d = cf_done_take(&done);
  assert_true(d && d->id == CF_HTTP_ASKS_MAX && d->status == CF_ERR_IO);
  cf_done_free(d);
  assert_null(cf_done_take(&done));
  client_end(); /* with all of them under way: nothing leaks */
}

/* a connection that the server closed while idle is not asked again */
static void
test_kept_then_closed(void **state) {
  int listener;
  assert_int_equal(cf_net_listen(&listener, "127.0.0.1", 0, NULL), CF_OK);
  fcntl(listener, F_SETFL, 0);
  client_start(cf_net_port(listener));
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    for (int i = 0; i < 2; i++) {
      char buf[1000];
      int  fd = accept(listener, NULL, NULL);
      if (recv(fd, buf, sizeof buf, 0) <= 0) _exit(1);
      say_text(fd, OK_HEAD "Content-Length: 1\r\n\r\nx");
      usleep(20000);
      close(fd); /* though it promised to stay */
    }
    _exit(0);
  }
  for (uint64_t i = 0; i < 2; i++) {
    cf_http_client_ask(client, i, 0, S("GET /"), NULL, CF_SPAN(NULL, 0), 1000);
    cf_done_t *d = cf_http_client_wait(client);
    assert_true(d && d->status == CF_OK);
    cf_done_free(d);
    usleep(50000);
    cf_loop_wait(&loop, 0);
  }
  assert_int_equal(host_wait((host_proc_t){ .pid = pid }), 0);
  client_end();
  close(listener);
}

/* what is asked is what goes out, and nothing in it can make two requests of one */
static void
test_bytes(void **state) {
  static char const *const refused[] = { "",         "GET",       "GET x", "PUT /x", "GET /a b",     "GET /a\r\nX: y",
                                         "GET /a\n", "GET /\x80", "get /", "POST x", "GET http://x/" };
  int      listener;
  char     text[64];
  cf_url_t url;
  assert_int_equal(cf_net_listen(&listener, "127.0.0.1", 0, NULL), CF_OK);
  fcntl(listener, F_SETFL, 0);
  snprintf(text, sizeof text, "http://127.0.0.1:%u/base/", cf_net_port(listener));
  assert_int_equal(cf_url_parse(&url, text, NULL), CF_OK);
  assert_int_equal(cf_loop_init(&loop, NULL), CF_OK);
  client = cf_http_client_new(&loop, &done, &url, 1, &(cf_http_client_limits_t){ 0 });
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    cf_http_client_ask(client, i, 0, TEXT_SPAN(refused[i]), NULL, CF_SPAN(NULL, 0), 0);
    cf_done_t *d = cf_done_take(&done);
    assert_true(d && d->status == CF_ERR_FORMAT);
    cf_done_free(d);
  }
  cf_http_client_ask(client, 1, 0, S("POST /a?b=c"), "application/json", S("{}"), 500);
  cf_loop_wait(&loop, 100);
  int  fd = accept(listener, NULL, NULL);
  char want[256];
  snprintf(want, sizeof want,
           "POST /base/a?b=c HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
           cf_net_port(listener));
  cf_loop_wait(&loop, 100);
  assert_string_equal(hear(fd, "{}", 1000), want);
  close(fd);
  close(listener);
  client_end();
}

/* a refusal that comes before the question is out is heard */
static void
idle_step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_STOP) cf_fx(fx, CF_FX_EXIT);
}

static void
test_early_answer(void **state) {
  static uint8_t large[8 << 20];
  host_proc_t    h =
      host_start((cf_host_config_t){ .http = { .body_max = 1000 }, .log_fd = open("/dev/null", O_WRONLY) }, idle_step, NULL);
  client_start(h.port);
  cf_http_client_ask(client, 1, 0, S("POST /x"), NULL, CF_SPAN_OF(large), 3000);
  cf_done_t *d = cf_http_client_wait(client);
  assert_true(d && d->status == CF_OK && d->code == 413);
  cf_done_free(d);
  client_end();
  assert_int_equal(host_stop(h), 0);
}

/* ---- one-shot ---- */

static void
test_one_shot(void **state) {
  char       url[128];
  cf_done_t *d;
  cf_error_t err = { 0 };
  snprintf(url, sizeof url, "http://localhost:%u/0?a=b", server.port);
  assert_int_equal(cf_http_get(&d, url, 1000, NULL), CF_OK);
  assert_true(d->code == 200 && cf_span_eq(d->body, S("hello")));
  cf_done_free(d);
  assert_int_equal(cf_http_post(&d, url, "text/plain", S("x"), 1000, NULL), CF_OK);
  assert_true(cf_span_eq(d->body, S("hello")));
  cf_done_free(d);
  snprintf(url, sizeof url, "http://127.0.0.1:%u/6", server.port);
  assert_int_equal(cf_http_get(&d, url, 100, &err), CF_ERR_IO);
  assert_non_null(strstr(err.text, "no answer in time"));
  cf_done_free(d);
  snprintf(url, sizeof url, "http://127.0.0.1:%u/11", server.port);
  assert_int_equal(cf_http_get(&d, url, 1000, NULL), CF_ERR_FORMAT);
  cf_done_free(d);

  int fd; /* a port where nobody listens */
  assert_int_equal(cf_net_listen(&fd, "127.0.0.1", 0, NULL), CF_OK);
  snprintf(url, sizeof url, "http://127.0.0.1:%u", cf_net_port(fd));
  close(fd);
  err = (cf_error_t){ 0 };
  assert_int_equal(cf_http_get(&d, url, 1000, &err), CF_ERR_IO);
  assert_non_null(strstr(err.text, "nobody listens"));
  cf_done_free(d);
  assert_int_equal(cf_http_get(&d, "https://127.0.0.1/", 1000, NULL), CF_ERR_UNSUPPORTED);
  assert_null(d);
  assert_int_equal(cf_http_get(&d, "nonsense", 1000, NULL), CF_ERR_UNSUPPORTED);
  assert_int_equal(cf_http_get(&d, "http://127.0.0.1:1/a b", 1000, NULL), CF_ERR_FORMAT);
  cf_done_free(d);
}

/* ---- URLs ---- */

static struct { char const *text, *authority, *path; cf_status_t want; } const urls[] = {
  { "http://127.0.0.1", "127.0.0.1", "", CF_OK },
  { "http://127.0.0.1:8080/", "127.0.0.1:8080", "", CF_OK },
  { "http://localhost:80/a/b/", "localhost:80", "/a/b", CF_OK },
  { "http://[::1]:8080/x", "[::1]:8080", "/x", CF_OK },
  { "http://[::1]", "[::1]", "", CF_OK },
  { "https://127.0.0.1", 0, 0, CF_ERR_UNSUPPORTED },
  { "ftp://127.0.0.1", 0, 0, CF_ERR_UNSUPPORTED },
  { "127.0.0.1:80", 0, 0, CF_ERR_UNSUPPORTED },
  { "http://example.org/", 0, 0, CF_ERR_UNSUPPORTED },
  { "http://user@127.0.0.1/", 0, 0, CF_ERR_UNSUPPORTED },
  { "http://[127.0.0.1]/", 0, 0, CF_ERR_UNSUPPORTED },
  { "http://::1/", 0, 0, CF_ERR_FORMAT },
  { "http://", 0, 0, CF_ERR_FORMAT },
  { "http:///a", 0, 0, CF_ERR_FORMAT },
  { "http://127.0.0.1:0/", 0, 0, CF_ERR_FORMAT },
  { "http://127.0.0.1:65536/", 0, 0, CF_ERR_FORMAT },
  { "http://127.0.0.1:/", 0, 0, CF_ERR_FORMAT },
  { "http://127.0.0.1:8x/", 0, 0, CF_ERR_FORMAT },
  { "http://127.0.0.1/a b", 0, 0, CF_ERR_FORMAT },
  { "http://127.0.0.1/a?b", 0, 0, CF_ERR_FORMAT },
  { "http://127.0.0.1/a\r\nX: y", 0, 0, CF_ERR_FORMAT },
  { "http://[::1", 0, 0, CF_ERR_FORMAT },
  { "http://0123456789012345678901234567890123456789012345678901234567890123/", 0, 0, CF_ERR_BOUND },
};

static void
test_urls(void **state) {
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    cf_url_t    url;
    cf_error_t  err = { 0 };
    cf_status_t st  = cf_url_parse(&url, urls[i].text, &err);
    if (st != urls[i].want) fail_msg("%s: %s %s", urls[i].text, cf_status_name(st), err.text);
    if (st) {
      assert_true(err.text[0]);
      continue;
    }
    assert_string_equal(url.authority, urls[i].authority);
    assert_string_equal(url.path, urls[i].path);
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_scripts),          cmocka_unit_test(test_many),  cmocka_unit_test(test_bound_of_asks),
    cmocka_unit_test(test_kept_then_closed), cmocka_unit_test(test_bytes), cmocka_unit_test(test_early_answer),
    cmocka_unit_test(test_one_shot),         cmocka_unit_test(test_urls),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
