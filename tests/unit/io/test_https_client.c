// lib: ssl crypto
/* The client for https against a server with a certificate of its own: right, wrong, slow, and not the one it should be. */
#include "tls_server.h"

#include "io/cf_https_client.h"
#include "io/cf_rpc.h"

#define BODY_MAX 100000

typedef struct {
  char const *name, *answer; /* NULL: silence */
  cf_status_t want;
  unsigned    code;
  char const *body;
} script_t;

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
static script_t const scripts[] = {
  { "plain", OK_HEAD "Content-Type: application/json\r\nContent-Length: 5\r\n\r\nhello", CF_OK, 200, "hello" },
  { "empty", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", CF_OK, 404, "" },
  { "chunked", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", CF_OK, 200, "hello" },
  { "wait", "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", CF_OK, 429, "" },
  { "elsewhere", "HTTP/1.1 302 Found\r\nLocation: /0\r\nContent-Length: 0\r\n\r\n", CF_OK, 302, "" }, /* not followed */
  { "too large", OK_HEAD "Content-Length: 100001\r\n\r\n", CF_ERR_BOUND, 0, "" },
  { "chunks too large", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n", CF_ERR_BOUND, 0, "" }, /* which never end */
  { "silence", NULL, CF_ERR_IO, 0, "" },
  { "cut in the body", OK_HEAD "Content-Length: 5\r\n\r\nhel", CF_ERR_IO, 0, "" },
  { "garbage", "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", CF_ERR_IO, 0, "" },
};
#define SCRIPTS (sizeof scripts / sizeof *scripts)

/* "POST /N ..." gets the answer of script N; a body that is not "ask" gets none. */
static void
answer(SSL *ssl) {
  char   buf[4096];
  size_t n = 0;
  while (n < sizeof buf - 1) {
    int got = SSL_read(ssl, buf + n, (int)(sizeof buf - 1 - n));
    if (got <= 0) return;
    buf[n += (size_t)got] = 0;
    char *end = strstr(buf, "\r\n\r\n");
    if (!end || (strncmp(buf, "POST ", 5) == 0 && strlen(end + 4) < 3)) continue;
    script_t const *s = &scripts[atoi(strchr(buf, '/') + 1) % (int)SCRIPTS];
    if (strncmp(buf, "POST ", 5) == 0 && (strcmp(end + 4, "ask") || !strstr(buf, "Content-Type: application/json"))) return;
    if (!s->answer) pause();
    if (SSL_write(ssl, s->answer, (int)strlen(s->answer)) <= 0) return;
    static char chunk[6 + 4096 + 2] = "1000\r\n";
    memcpy(chunk + sizeof chunk - 2, "\r\n", 2);
    while (s->want == CF_ERR_BOUND && SSL_write(ssl, chunk, sizeof chunk) > 0) {}
    if (s->want) return; /* keeps what went well */
    n = 0;
  }
}

static int
setup(void **state) {
  return tmp_make(state) || !tls_start(answer) ? -1 : 0;
}

static int
teardown(void **state) {
  tls_stop();
  return tmp_remove(state);
}

typedef struct {
  cf_loop_t          loop;
  cf_done_queue_t    done;
  cf_https_client_t *client;
} bench_t;

static void
open_bench(bench_t *b, char const *host, bool trusts) {
  char        url[64], error[256];
  char const *urls[] = { url };
  cf_error_t  err    = { 0 };
  *b                 = (bench_t){ 0 };
  snprintf(url, sizeof url, "https://%s:%u/", host, server.port);
  assert_int_equal(cf_loop_init(&b->loop, NULL), CF_OK);
  cf_https_limits_t limits = { .body_max = BODY_MAX, .timeout_ms = 50000, .ca_file = trusts ? tmp_path("root.pem") : NULL };
  if (cf_https_client_new(&b->client, &b->loop, &b->done, urls, 1, &limits, &err)) {
    snprintf(error, sizeof error, "%s", err.text);
    fail_msg("%s", error);
  }
}

static void
close_bench(bench_t *b) {
  cf_https_client_free(b->client);
  cf_loop_fini(&b->loop);
}

static cf_done_t *
next(bench_t *b) {
  while (!b->done.first) {
    uint64_t now_ms = cf_clock_mono_ms(), at_ms = cf_https_client_next_ms(b->client);
    cf_loop_wait(&b->loop, at_ms > now_ms ? (at_ms - now_ms < 1000 ? (unsigned)(at_ms - now_ms) : 1000) : 0);
    cf_https_client_sweep(b->client);
  }
  return cf_done_take(&b->done);
}

static void
answers(void **state) {
  bench_t b;
  bool    seen[SCRIPTS] = { false };
  open_bench(&b, "127.0.0.1", true);
  for (size_t i = 0; i < SCRIPTS; i++) { /* all at once */
    char what[16];
    snprintf(what, sizeof what, "POST /%zu", i);
    cf_https_client_ask(b.client, i, 0, TEXT_SPAN(what), "application/json", S("ask"), scripts[i].answer ? 0 : 300);
  }
  for (size_t i = 0; i < SCRIPTS; i++) {
    cf_done_t      *d = next(&b);
    script_t const *s = &scripts[d->id];
    assert_false(seen[d->id]);
    seen[d->id] = true;
    if (d->status != s->want || d->code != s->code || !cf_span_eq(d->body, TEXT_SPAN(s->body)))
      fail_msg("%s: %s %u %s", s->name, cf_status_name(d->status), d->code, d->why ? d->why : "");
    assert_true(d->status ? d->why != NULL : d->why == NULL);
    assert_int_equal(d->retry_after_s, d->code == 429 ? 7 : 0);
    if (d->id == 0) assert_string_equal(d->type, "application/json");
    cf_done_free(d);
  }
  cf_https_client_ask(b.client, 1, 0, S("GET /0"), NULL, CF_SPAN(NULL, 0), 0);
  cf_done_t *d = next(&b);
  assert_true(!d->status && d->code == 200);
  cf_done_free(d);
  static char const *const bad[] = { "GET 0", "PUT /0", "POST /a b", "POST /#", "GET", "" };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    cf_https_client_ask(b.client, 1, 0, TEXT_SPAN(bad[i]), NULL, CF_SPAN(NULL, 0), 0);
    d = next(&b);
    assert_int_equal(d->status, CF_ERR_FORMAT);
    cf_done_free(d);
  }
  cf_https_client_ask(b.client, 2, 0, S("POST /7"), NULL, S("ask"), 0); /* under way when the client goes */
  close_bench(&b);
}

static void
others_are_refused(void **state) {
  static struct {
    char const *host;
    bool        trusts;
    cf_status_t want;
  } const peers[] = { { "127.0.0.1", true, CF_OK }, { "127.0.0.1", false, CF_ERR_AUTH }, { "localhost", true, CF_ERR_AUTH } };
  for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
    bench_t b;
    open_bench(&b, peers[i].host, peers[i].trusts);
    cf_https_client_ask(b.client, 1, 0, S("GET /0"), NULL, CF_SPAN(NULL, 0), 0);
    cf_done_t *d = next(&b);
    if (d->status != peers[i].want) fail_msg("%s: %s", peers[i].host, d->why);
    cf_done_free(d);
    close_bench(&b);
  }
  bench_t b; /* nobody there */
  open_bench(&b, "127.0.0.1:1/x", true);
  cf_https_client_ask(b.client, 1, 0, S("GET /0"), NULL, CF_SPAN(NULL, 0), 0);
  cf_done_t *d = next(&b);
  assert_int_equal(d->status, CF_ERR_IO);
  cf_done_free(d);
  close_bench(&b);
}

/* Proxies of the environment are not asked. */
static void
environment(void **state) {
  setenv("https_proxy", "http://127.0.0.1:1", 1);
  setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  bench_t b;
  open_bench(&b, "127.0.0.1", true);
  cf_https_client_ask(b.client, 1, 0, S("GET /0"), NULL, CF_SPAN(NULL, 0), 0);
  cf_done_t *d = next(&b);
  assert_int_equal(d->status, CF_OK);
  cf_done_free(d);
  close_bench(&b);
}

static void
urls(void **state) {
  static struct {
    char const *url;
    cf_status_t want;
  } const at[] = {
    { "https://node.example:8545/v3/key", CF_OK },
    { "https://node.example/", CF_OK },
    { "http://node.example", CF_ERR_FORMAT },
    { "https://", CF_ERR_FORMAT },
    { "https:///x", CF_ERR_FORMAT },
    { "https://name:word@node.example", CF_ERR_FORMAT },
    { "https://node.example/?a=b", CF_ERR_FORMAT },
    { "https://node.example/#a", CF_ERR_FORMAT },
    { "https://{a,b}.example", CF_ERR_FORMAT },
    { "https://node example", CF_ERR_FORMAT },
    { "ftp://node.example", CF_ERR_FORMAT },
  };
  cf_loop_t       loop;
  cf_done_queue_t done = { 0 };
  char            longer[CF_HTTPS_URL_MAX + 16] = "https://";
  char const     *one                          = longer;
  cf_https_client_t *c;
  assert_int_equal(cf_loop_init(&loop, NULL), CF_OK);
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    cf_status_t st = cf_https_client_new(&c, &loop, &done, &at[i].url, 1, &(cf_https_limits_t){ 0 }, NULL);
    if (st != at[i].want) fail_msg("%s", at[i].url);
    cf_https_client_free(c);
  }
  memset(longer + 8, 'a', CF_HTTPS_URL_MAX);
  assert_int_equal(cf_https_client_new(&c, &loop, &done, &one, 1, &(cf_https_limits_t){ 0 }, NULL), CF_ERR_BOUND);
  assert_null(c);
  cf_loop_fini(&loop);
}

/* Several nodes, some over TLS, some not, some not there: each answer names its node. */
static void
nodes(void **state) {
  char        tls[64], tls_404[64], plain[64];
  char const *all[] = { tls, plain, tls_404 };
  cf_rpc_t   *rpc;
  cf_done_t  *d;
  unsigned    node, seen = 0;
  snprintf(tls, sizeof tls, "https://127.0.0.1:%u/0", server.port);
  snprintf(tls_404, sizeof tls_404, "https://127.0.0.1:%u/1", server.port);
  snprintf(plain, sizeof plain, "http://127.0.0.1:1");
  assert_int_equal(cf_rpc_open(&rpc, all, 3, tmp_path("root.pem"), NULL), CF_OK);
  for (unsigned i = 0; i < 3; i++) cf_rpc_start(rpc, i, S("ask"), 50000);
  for (unsigned i = 0; i < 3; i++) {
    cf_error_t  err = { 0 };
    cf_status_t st  = cf_rpc_wait(rpc, &node, &d, &err);
    assert_int_equal(st, node == 0 ? CF_OK : CF_ERR_IO);
    seen |= 1u << node;
    if (node == 0) assert_true(cf_span_eq(d->body, S("hello")));
    else assert_non_null(strstr(err.text, node == 1 ? "http://127.0.0.1:1: " : "answered 404"));
    cf_done_free(d);
  }
  assert_int_equal(seen, 7);
  assert_int_equal(cf_rpc_wait(rpc, &node, &d, NULL), CF_ERR_STALE);
  cf_rpc_close(rpc);
  all[1] = "http://node.example";
  assert_int_equal(cf_rpc_open(&rpc, all, 3, NULL, NULL), CF_ERR_UNSUPPORTED);
  assert_int_equal(cf_rpc_open(&rpc, all, 0, NULL, NULL), CF_ERR_BOUND);
}

/* A core asks like any other peer. */
static void
step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  int *ok = core;
  if (ev->kind == CF_EV_START) cf_fx_ask(fx, 9, 1, S("POST /0"), S("ask"), 50000);
  if (ev->kind != CF_EV_DONE) return;
  *ok = ev->id == 9 && !ev->status && ev->code == 200 && cf_span_eq(ev->body, S("hello"));
  cf_fx(fx, CF_FX_EXIT)->code = 5;
}

static void
hosts(void **state) {
  char      url[64];
  int       ok      = 0;
  cf_peer_t peers[] = { { .url = "http://127.0.0.1:1" }, { .url = url, .type = "application/json" } };
  snprintf(url, sizeof url, "https://127.0.0.1:%u", server.port);
  cf_host_config_t cfg = { .role = "test", .folder = tmp_dir, .peers = peers, .peer_cnt = 2, .ca_file = tmp_path("root.pem") };
  assert_int_equal(cf_host_run(&cfg, step, &ok), 5);
  assert_true(ok);
  snprintf(url, sizeof url, "https://name@127.0.0.1:%u", server.port);
  cfg.log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  assert_int_equal(cf_host_run(&cfg, step, &ok), 2); /* a setting that makes no sense */
  close(cfg.log_fd);
}

int
main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers), cmocka_unit_test(others_are_refused), cmocka_unit_test(environment),
    cmocka_unit_test(urls),    cmocka_unit_test(nodes),  cmocka_unit_test(hosts),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
