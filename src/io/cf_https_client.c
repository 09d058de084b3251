#include "io/cf_https_client.h"

#define CURL_DISABLE_TYPECHECK
#include <assert.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "crypto/cf_lib.h"
#include "io/cf_buf.h"
#include "io/cf_clock.h"

#define CONNS_MAX 8 /* to one host */
#define BATCH_MAX 32

/* ---- libcurl, loaded ---- */

static struct {
#define FUNCTIONS(X) \
  X(global_init) X(easy_init) X(easy_setopt) X(easy_getinfo) X(easy_cleanup) X(easy_strerror) X(slist_append) X(slist_free_all) \
  X(multi_init) X(multi_setopt) X(multi_add_handle) X(multi_remove_handle) X(multi_assign) X(multi_socket_action) X(multi_timeout) \
  X(multi_info_read) X(multi_cleanup)
#define X(name) __typeof__(curl_##name) *name;
  FUNCTIONS(X)
#undef X
  bool loaded;
} curl;

static cf_status_t load(cf_error_t *err) {
  if (curl.loaded) return CF_OK;
  void *so = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!so) return cf_error_set(err, CF_ERR_UNSUPPORTED, "https", 0, "libcurl cannot be loaded (package libcurl4): %s", dlerror());
#define X(name) \
  { \
    void *at = dlsym(so, "curl_" #name); \
    if (!at) return cf_error_set(err, CF_ERR_UNSUPPORTED, "https", 0, "libcurl has no curl_" #name); \
    memcpy(&curl.name, &at, sizeof at); \
  }
  FUNCTIONS(X)
#undef X
  (void)cf_lib(); /* first: no configuration file may choose libcrypto's algorithms */
  if (curl.global_init(CURL_GLOBAL_DEFAULT)) return cf_error_set(err, CF_ERR_UNSUPPORTED, "https", 0, "libcurl does not start");
  curl.loaded = true;
  return CF_OK;
}

/* ---- asks ---- */

typedef struct ask {
  struct ask        *next, *prev;
  cf_https_client_t *client;
  uint64_t           id;
  CURL              *easy;
  struct curl_slist *fields;
  cf_buf_t           in;
  size_t             head_sz; /* of in: the fields kept, before the body */
  bool               over;    /* more came than is taken */
  char               url[CF_HTTPS_URL_MAX * 2];
  uint8_t            body[]; /* of the question */
} ask_t;

struct cf_https_client {
  cf_watch_t        watch; /* first: of the descriptor below, which is ready when one of libcurl's is */
  cf_loop_t        *loop;
  cf_done_queue_t  *done;
  cf_https_limits_t max;
  CURLM            *multi;
  ask_t            *asks;
  size_t            ask_cnt;
  uint64_t          next_ms;
  size_t            peer_cnt;
  char              url[][CF_HTTPS_URL_MAX];
};

static void ask_free(ask_t *a) {
  cf_https_client_t *c = a->client;
  if (a->next) a->next->prev = a->prev;
  *(a->prev ? &a->prev->next : &c->asks) = a->next;
  c->ask_cnt--;
  if (a->easy) curl.multi_remove_handle(c->multi, a->easy);
  if (a->easy) curl.easy_cleanup(a->easy);
  curl.slist_free_all(a->fields);
  cf_buf_free(&a->in);
  free(a);
}

static cf_status_t status_of(CURLcode code, bool over) {
  if (over || code == CURLE_FILESIZE_EXCEEDED) return CF_ERR_BOUND;
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_CACERT_BADFILE) return CF_ERR_AUTH;
  return code ? CF_ERR_IO : CF_OK;
}

static void ask_end(ask_t *a, CURLcode code) {
  cf_status_t st   = status_of(code, a->over);
  cf_done_t  *d    = cf_done_push(a->client->done, a->id, st);
  long        http = 0;
  char       *type = NULL;
  curl_off_t  wait = 0;
  if (st) {
    d->why = a->over ? "the answer is larger than is taken" : curl.easy_strerror(code);
  } else {
    curl.easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &http);
    curl.easy_getinfo(a->easy, CURLINFO_CONTENT_TYPE, &type);
    curl.easy_getinfo(a->easy, CURLINFO_RETRY_AFTER, &wait);
    d->code          = (unsigned)http;
    d->retry_after_s = wait > 0 && wait < 86400 ? (unsigned)wait : 0;
    if (type && strlen(type) < sizeof d->type) memcpy(d->type, type, strlen(type));
    d->fields = CF_SPAN(a->in.ptr, a->head_sz);
    d->body   = CF_SPAN(a->in.ptr ? a->in.ptr + a->head_sz : NULL, a->in.len - a->head_sz);
    d->mem    = a->in.ptr;
    a->in   = (cf_buf_t){ 0 };
  }
  ask_free(a);
}

/* n more bytes, up to max of all that is held; 0 makes libcurl end it. */
static size_t take(ask_t *a, char const *ptr, size_t n, size_t max) {
  if (a->in.len > max || n > max - a->in.len || !cf_buf_push(&a->in, ptr, n, max + 65536)) {
    a->over = true;
    return 0;
  }
  return n;
}

static size_t on_bytes(char *ptr, size_t size, size_t n, void *ctx) {
  ask_t *a = ctx;
  return take(a, ptr, n * size, a->client->max.body_max + a->head_sz);
}

/* A line of a head.  Heads of answers before the answer (1xx) are forgotten; fields behind the body are not read. */
static size_t on_field(char *ptr, size_t size, size_t n, void *ctx) {
  ask_t *a = ctx;
  n *= size;
  if (a->in.len > a->head_sz) return n;
  if (n >= 5 && memcmp(ptr, "HTTP/", 5) == 0) a->in.len = a->head_sz = 0;
  size_t got = take(a, ptr, n, a->client->max.fields_max);
  a->head_sz = a->in.len;
  return got;
}

/* ---- libcurl's sockets and times ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known) {
  cf_https_client_t *c  = ctx;
  struct epoll_event ev = { .data.fd = fd };
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(c->watch.fd, EPOLL_CTL_DEL, fd, NULL);
    return 0;
  }
  if (what & CURL_POLL_IN) ev.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) ev.events |= EPOLLOUT;
  epoll_ctl(c->watch.fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev);
  curl.multi_assign(c->multi, fd, c);
  return 0;
}

/* Behind everything that libcurl did: what ended, and when it wants to be called again. */
static void settle(cf_https_client_t *c) {
  int      left;
  long     ms = -1;
  CURLMsg *msg;
  while ((msg = curl.multi_info_read(c->multi, &left))) {
    char    *at   = NULL;
    CURLcode code = msg->data.result;
    if (msg->msg != CURLMSG_DONE) continue;
    curl.easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &at);
    ask_end((ask_t *)(void *)at, code);
  }
  curl.multi_timeout(c->multi, &ms);
  c->next_ms = ms < 0 ? UINT64_MAX : cf_clock_mono_ms() + (uint64_t)ms;
}

static void on_ready(cf_watch_t *w, uint32_t events) {
  cf_https_client_t *c = (cf_https_client_t *)(void *)w;
  struct epoll_event ready[BATCH_MAX];
  int                cnt = epoll_wait(w->fd, ready, BATCH_MAX, 0), running;
  (void)events;
  for (int i = 0; i < cnt; i++) {
    int what = (ready[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) | (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (ready[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    curl.multi_socket_action(c->multi, ready[i].data.fd, what, &running);
  }
  settle(c);
}

uint64_t cf_https_client_next_ms(cf_https_client_t const *client) { return client->next_ms; }

void cf_https_client_sweep(cf_https_client_t *client) {
  int running;
  if (cf_clock_mono_ms() < client->next_ms) return;
  curl.multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  settle(client);
}

/* ---- asking ---- */

/* "GET /path" or "POST /path" below url; false for anything else. */
static bool join(char *out, size_t out_max, bool *post, char const *url, cf_span_t what) {
  *post      = what.len >= 6 && memcmp(what.ptr, "POST /", 6) == 0;
  size_t at  = *post ? 5 : 4;
  if (!*post && (what.len < 5 || memcmp(what.ptr, "GET /", 5) != 0)) return false;
  for (size_t i = at; i < what.len; i++)
    if (what.ptr[i] <= ' ' || what.ptr[i] > '~' || what.ptr[i] == '#') return false;
  if (what.len == at + 1) at++; /* the URL itself */
  int n = snprintf(out, out_max, "%s%.*s", url, (int)(what.len - at), (char const *)what.ptr + at);
  return n > 0 && (size_t)n < out_max;
}

static bool set_all(ask_t *a, bool post, size_t body_sz, unsigned timeout_ms) {
  cf_https_client_t const *c  = a->client;
  bool                     ok = true;
#define SET(option, value) (ok = ok && curl.easy_setopt(a->easy, CURLOPT_##option, (value)) == CURLE_OK)
  SET(URL, a->url);
  SET(PROTOCOLS_STR, "https");
  SET(FOLLOWLOCATION, 0L);
  SET(PROXY, "");
  SET(NETRC, (long)CURL_NETRC_IGNORED);
  SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET(SSL_VERIFYPEER, 1L);
  SET(SSL_VERIFYHOST, 2L);
  if (c->max.ca_file) SET(CAINFO, c->max.ca_file);
  SET(NOSIGNAL, 1L);
  SET(TIMEOUT_MS, (long)timeout_ms);
  SET(MAXFILESIZE_LARGE, (curl_off_t)c->max.body_max); /* as announced; on_bytes counts what comes */
  SET(WRITEFUNCTION, on_bytes);
  SET(WRITEDATA, (void *)a);
  if (c->max.fields_max) SET(HEADERFUNCTION, on_field);
  if (c->max.fields_max) SET(HEADERDATA, (void *)a);
  SET(PRIVATE, (void *)a);
  SET(HTTPHEADER, a->fields);
  SET(HTTPGET, post ? 0L : 1L);
  if (post) SET(POST, 1L);
  if (post) SET(POSTFIELDSIZE_LARGE, (curl_off_t)body_sz);
  if (post) SET(POSTFIELDS, (char *)a->body);
#undef SET
  return ok;
}

static struct curl_slist *fields_make(bool post, char const *type) {
  char line[128];
  snprintf(line, sizeof line, "Content-Type: %.96s", type ? type : "application/octet-stream");
  struct curl_slist *one = curl.slist_append(NULL, "Expect:"); /* an answer first, then the body: a round trip for nothing */
  if (one && post && !curl.slist_append(one, line)) {
    curl.slist_free_all(one);
    return NULL;
  }
  return one;
}

void cf_https_client_ask(cf_https_client_t *client, uint64_t id, unsigned peer, cf_span_t what, char const *type, cf_span_t body,
                         unsigned timeout_ms) {
  assert(peer < client->peer_cnt);
  bool   post, good;
  ask_t *a = client->ask_cnt < CF_HTTPS_ASKS_MAX ? calloc(1, sizeof *a + body.len + 1) : NULL;
  if (!a) {
    cf_done_push(client->done, id, CF_ERR_IO)->why = "too many questions are under way";
    return;
  }
  a->client = client;
  a->id     = id;
  a->next   = client->asks;
  if (a->next) a->next->prev = a;
  client->asks = a;
  client->ask_cnt++;
  if (body.len) memcpy(a->body, body.ptr, body.len);
  good = join(a->url, sizeof a->url, &post, client->url[peer], what) && (post || body.len == 0);
  if (good) a->easy = curl.easy_init();
  if (a->easy) a->fields = fields_make(post, type);
  bool set = a->fields && set_all(a, post, body.len, timeout_ms ? timeout_ms : client->max.timeout_ms) &&
             curl.multi_add_handle(client->multi, a->easy) == CURLM_OK;
  if (set) {
    settle(client);
    return;
  }
  cf_done_push(client->done, id, good ? CF_ERR_IO : CF_ERR_FORMAT)->why =
      good ? "libcurl cannot ask this" : "not a question: GET /path or POST /path";
  ask_free(a);
}

/* ---- life ---- */

bool cf_https_is(char const *url) { return strncmp(url, "https://", 8) == 0; }

/* Nothing in a URL that libcurl would read as more than a host, a port and a path. */
static cf_status_t url_take(char out[CF_HTTPS_URL_MAX], char const *url, cf_error_t *err) {
  size_t n = strlen(url);
  if (n >= CF_HTTPS_URL_MAX) return cf_error_set(err, CF_ERR_BOUND, "url", 0, "longer than %d bytes", CF_HTTPS_URL_MAX - 1);
  if (!cf_https_is(url) || n == 8 || url[8] == '/') return cf_error_set(err, CF_ERR_FORMAT, "url", 0, "not https://HOST[:PORT][/PATH]");
  for (char const *s = url; *s; s++)
    if (*s <= ' ' || *s > '~' || strchr("@?#[]{}\\", *s))
      return cf_error_set(err, CF_ERR_FORMAT, "url", (size_t)(s - url), "not https://HOST[:PORT][/PATH]");
  while (url[n - 1] == '/') n--;
  memcpy(out, url, n);
  out[n] = 0;
  return CF_OK;
}

static cf_status_t open_multi(cf_https_client_t *c, cf_error_t *err) {
  c->watch = (cf_watch_t){ .fd = epoll_create1(EPOLL_CLOEXEC), .fn = on_ready };
  c->multi = curl.multi_init();
  bool ok  = c->watch.fd >= 0 && c->multi && !curl.multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket) &&
            !curl.multi_setopt(c->multi, CURLMOPT_SOCKETDATA, (void *)c) &&
            !curl.multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNS_MAX) && !cf_loop_add_level(c->loop, &c->watch);
  return ok ? CF_OK : cf_error_set(err, CF_ERR_IO, "https", 0, "libcurl does not start");
}

cf_status_t cf_https_client_new(cf_https_client_t **out, cf_loop_t *loop, cf_done_queue_t *done, char const *const *urls,
                                size_t peer_cnt, cf_https_limits_t const *limits, cf_error_t *err) {
  *out           = NULL;
  cf_status_t st = load(err);
  if (st) return st;
  cf_https_client_t *c = calloc(1, sizeof *c + peer_cnt * CF_HTTPS_URL_MAX);
  if (!c) return cf_error_set(err, CF_ERR_IO, "https", 0, "out of memory");
  c->watch.fd = -1;
  c->loop     = loop;
  c->done     = done;
  c->max      = *limits;
  c->next_ms  = UINT64_MAX;
  c->peer_cnt = peer_cnt;
  if (!c->max.body_max) c->max.body_max = 64u << 20;
  if (!c->max.timeout_ms) c->max.timeout_ms = 10000;
  for (size_t i = 0; i < peer_cnt && !st; i++) st = url_take(c->url[i], urls[i], err);
  if (!st) st = open_multi(c, err);
  if (st) cf_https_client_free(c);
  else *out = c;
  return st;
}

void cf_https_client_free(cf_https_client_t *client) {
  if (!client) return;
  while (client->asks) ask_free(client->asks);
  if (client->multi) curl.multi_cleanup(client->multi);
  cf_loop_close(client->loop, &client->watch);
  free(client);
}
