#include "io/cf_http_client.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/cf_buf.h"
#include "io/cf_clock.h"
#include "io/cf_http_parse.h"

#define INTERIM_MAX 8 /* 1xx heads before an answer */

typedef struct ask {
  struct ask *next;
  uint64_t    id;
  uint64_t    deadline_ms;
  size_t      len;
  size_t      pos;     /* sent */
  uint8_t     bytes[]; /* head and body */
} ask_t;

typedef enum { CLOSED, CONNECTING, IDLE, ASKING, ANSWER_HEAD, ANSWER_BODY } state_t;

typedef struct {
  cf_watch_t         watch; /* first: the loop hands it back */
  struct peer       *peer;
  state_t            state;
  ask_t             *ask; /* of all states but CLOSED and IDLE */
  uint64_t           idle_till_ms;
  cf_buf_t           in;
  cf_http_scan_t     scan;
  size_t             head_sz;
  unsigned           interim_cnt;
  bool               early; /* answered before the question was out: the connection ends with it */
  cf_http_response_t resp; /* its type borrows the head, which moves as the buffer grows */
  char               type[sizeof((cf_done_t *)0)->type];
  cf_http_chunks_t   chunks;
} conn_t;

typedef struct peer {
  cf_http_client_t *client;
  cf_url_t          url;
  conn_t            conns[CF_HTTP_PEER_CONNS_MAX];
  ask_t            *first, *last; /* waiting for a connection */
} peer_t;

struct cf_http_client {
  cf_loop_t              *loop;
  cf_done_queue_t        *done;
  cf_http_client_limits_t max;
  peer_t                 *peers;
  size_t                  peer_cnt;
  size_t                  ask_cnt;
  uint64_t                next_ms;
};

/* ---- the end of an ask ---- */

static cf_done_t *
end_ask(peer_t *p, ask_t *ask, cf_status_t st, char const *why) {
  cf_done_t *d = cf_done_push(p->client->done, ask->id, st);
  d->why       = why;
  p->client->ask_cnt--;
  free(ask);
  return d;
}

static void
conn_reset(conn_t *c) {
  cf_loop_close(c->peer->client->loop, &c->watch);
  cf_buf_free(&c->in);
  c->state = CLOSED;
  c->ask   = NULL;
}

/* the connection is lost, and its ask with it */
static void
conn_fail(conn_t *c, cf_status_t st, char const *why) {
  ask_t *ask = c->ask;
  conn_reset(c);
  if (ask) end_ask(c->peer, ask, st, why);
}

static void
due(cf_http_client_t *client, uint64_t at_ms) {
  if (at_ms < client->next_ms) client->next_ms = at_ms;
}

/* the answer is whole: its buffer goes to the asker */
static void
conn_answered(conn_t *c, size_t body_sz) {
  cf_http_client_t *client = c->peer->client;
  cf_done_t        *d      = end_ask(c->peer, c->ask, CF_OK, NULL);
  d->code          = c->resp.code;
  d->body          = CF_SPAN(c->in.ptr + c->head_sz, body_sz);
  d->mem           = c->in.ptr;
  d->retry_after_s = c->resp.retry_after_s;
  memcpy(d->type, c->type, sizeof d->type);
  c->ask = NULL;
  c->in  = (cf_buf_t){ 0 };
  if (!c->resp.keep || c->early) {
    conn_reset(c);
    return;
  }
  c->state        = IDLE;
  c->idle_till_ms = cf_clock_mono_ms() + client->max.idle_ms;
  due(client, c->idle_till_ms);
}

/* ---- a connection at work ---- */

/* true when the question is out, or the peer wants no more of it and may have said why */
static bool
conn_send(conn_t *c) {
  ask_t *ask = c->ask;
  while (ask->pos < ask->len) {
    ssize_t n = send(c->watch.fd, ask->bytes + ask->pos, ask->len - ask->pos, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) return false;
    if (n < 0) return c->early = true;
    ask->pos += (size_t)n;
  }
  return true;
}

static void
conn_refuse(conn_t *c, cf_status_t st, char const *why) {
  conn_fail(c, st, st == CF_ERR_BOUND ? "the answer is larger than is taken" : why);
}

/* the bytes [from, in.len) are new in a body; true when it is whole, with *body_sz */
static bool
take_body(conn_t *c, size_t *body_sz, size_t from) {
  size_t      got = 0;
  cf_status_t st  = CF_OK;
  if (c->resp.chunked) {
    st        = cf_http_chunks_feed(&c->chunks, &got, c->in.ptr + from, c->in.len - from);
    c->in.len = from + got;
  }
  *body_sz  = c->in.len - c->head_sz;
  size_t max = c->resp.chunked ? c->peer->client->max.body_max : c->resp.body_sz;
  if (!st && (*body_sz > max || c->chunks.left > max - *body_sz)) st = c->resp.chunked ? CF_ERR_BOUND : CF_ERR_FORMAT;
  if (st) {
    conn_refuse(c, st, "the answer's length is wrong");
    return false;
  }
  return c->resp.chunked ? c->chunks.done : *body_sz == c->resp.body_sz;
}

/* understands what came behind from; the answer ends, or the connection goes on reading or is lost */
static void
conn_take(conn_t *c, size_t from) {
  cf_http_refusal_t no;
  size_t            body_sz = 0;
  while (c->state == ANSWER_HEAD) {
    cf_status_t st = cf_http_scan(&c->scan, &c->head_sz, &no, CF_SPAN(c->in.ptr, c->in.len));
    if (!st && !c->head_sz) return;
    if (!st) st = cf_http_response_parse(&c->resp, &no, CF_SPAN(c->in.ptr, c->head_sz), c->peer->client->max.body_max);
    if (!st && c->resp.code < 200 && (c->resp.code == 101 || ++c->interim_cnt > INTERIM_MAX)) {
      st     = CF_ERR_FORMAT;
      no.why = "an interim answer that was not asked for";
    }
    if (st) {
      conn_refuse(c, st, no.why);
      return;
    }
    from = c->head_sz;
    if (c->resp.code >= 200) {
      size_t type_sz = c->resp.type.len < sizeof c->type ? c->resp.type.len : 0;
      memset(c->type, 0, sizeof c->type);
      if (type_sz) memcpy(c->type, c->resp.type.ptr, type_sz);
      c->state = ANSWER_BODY;
      break;
    }
    c->in.len -= from;
    memmove(c->in.ptr, c->in.ptr + from, c->in.len);
    c->scan = (cf_http_scan_t){ 0 };
  }
  if (take_body(c, &body_sz, from)) conn_answered(c, body_sz);
}

static size_t
wanted(conn_t const *c) {
  if (c->state != ANSWER_BODY || c->resp.chunked) return 4096;
  return c->head_sz + c->resp.body_sz - c->in.len;
}

/* reads until nothing comes; an idle connection has nothing to say */
static void
conn_read(conn_t *c) {
  size_t bound = CF_HTTP_HEAD_MAX + c->peer->client->max.body_max + 65536;
  while (c->state != CLOSED) {
    uint8_t byte;
    bool    idle = c->state == IDLE;
    size_t  from = c->in.len;
    if (!idle && !cf_buf_reserve(&c->in, wanted(c), bound)) {
      conn_fail(c, CF_ERR_BOUND, "the answer is larger than is taken");
      return;
    }
    ssize_t n = idle ? recv(c->watch.fd, &byte, 1, 0) : recv(c->watch.fd, c->in.ptr + from, cf_buf_room(&c->in), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) return;
    if (n <= 0 || idle) {
      conn_fail(c, CF_ERR_IO, "the connection was cut before the answer's end");
      return;
    }
    if (c->state == ASKING) {
      c->early = true;
      c->state = ANSWER_HEAD;
    }
    c->in.len += (size_t)n;
    conn_take(c, from);
  }
}

static void
conn_ask(conn_t *c, ask_t *ask) {
  c->ask         = ask;
  c->scan        = (cf_http_scan_t){ 0 };
  c->chunks      = (cf_http_chunks_t){ 0 };
  c->interim_cnt = 0;
  c->early       = false;
  if (c->state == IDLE) c->state = ASKING;
}

static void
conn_advance(conn_t *c) {
  if (c->state == ASKING && conn_send(c)) c->state = ANSWER_HEAD;
  if (c->state != CLOSED) conn_read(c);
}

static void peer_pump(peer_t *p);

static void
on_conn(cf_watch_t *w, uint32_t events) {
  conn_t *c = (conn_t *)(void *)w;
  if (c->state == CONNECTING) {
    int       why    = 0;
    socklen_t why_sz = sizeof why;
    getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &why, &why_sz);
    if (why) conn_fail(c, CF_ERR_IO, why == ECONNREFUSED ? "nobody listens there" : "no connection");
    else if (events & EPOLLOUT) c->state = ASKING;
  }
  if (c->state != CLOSED && c->state != CONNECTING) conn_advance(c);
  peer_pump(c->peer);
}

/* ---- a peer's asks ---- */

static bool
conn_open(conn_t *c) {
  cf_url_t const *url = &c->peer->url;
  if (cf_net_connect(&c->watch.fd, &url->addr, url->addr_sz)) return false;
  if (cf_loop_add(c->peer->client->loop, &c->watch)) {
    close(c->watch.fd);
    c->watch.fd = -1;
    return false;
  }
  c->state = CONNECTING;
  return true;
}

static conn_t *
conn_in(peer_t *p, state_t state) {
  for (size_t i = 0; i < CF_HTTP_PEER_CONNS_MAX; i++) {
    if (p->conns[i].state == state) return &p->conns[i];
  }
  return NULL;
}

/* gives waiting asks to connections, kept ones first */
static void
peer_pump(peer_t *p) {
  while (p->first) {
    conn_t *c    = conn_in(p, IDLE);
    bool    kept = c;
    if (!c) c = conn_in(p, CLOSED);
    if (!c) return;
    ask_t *ask = p->first;
    p->first   = ask->next;
    if (!p->first) p->last = NULL;
    if (!kept && !conn_open(c)) {
      end_ask(p, ask, CF_ERR_IO, "no connection");
      continue;
    }
    conn_ask(c, ask);
    if (kept) conn_advance(c);
  }
}

/* "GET /path" or "POST /path" of visible ASCII; *sp is where the path begins */
static bool
what_parse(size_t *sp, cf_span_t what) {
  *sp = what.len > 5 && !memcmp(what.ptr, "POST /", 6) ? 5 : 4;
  if (*sp == 4 && (what.len < 5 || memcmp(what.ptr, "GET /", 5))) return false;
  for (size_t i = *sp; i < what.len; i++) {
    if (what.ptr[i] <= ' ' || what.ptr[i] > '~') return false;
  }
  return true;
}

static ask_t *
ask_make(peer_t const *p, cf_span_t what, size_t sp, char const *type, cf_span_t body) {
  size_t room = what.len + strlen(p->url.path) + 512;
  ask_t *ask  = malloc(sizeof *ask + room + body.len);
  if (!ask) return NULL;
  *ask             = (ask_t){ 0 };
  char length[192] = "";
  if (sp == 5)
    snprintf(length, sizeof length, "Content-Type: %.100s\r\nContent-Length: %zu\r\n", type ? type : "application/octet-stream", body.len);
  int n = snprintf((char *)ask->bytes, room, "%.*s%s%.*s HTTP/1.1\r\nHost: %s\r\n%s\r\n", (int)sp, (char const *)what.ptr, p->url.path,
                   (int)(what.len - sp), (char const *)what.ptr + sp, p->url.authority, length);
  if (body.len) memcpy(ask->bytes + n, body.ptr, body.len);
  ask->len = (size_t)n + body.len;
  return ask;
}

void
cf_http_client_ask(cf_http_client_t *client, uint64_t id, unsigned peer, cf_span_t what, char const *type, cf_span_t body,
                   unsigned timeout_ms) {
  assert(peer < client->peer_cnt);
  peer_t *p  = &client->peers[peer];
  size_t  sp = 0;
  if (!what_parse(&sp, what) || (sp == 4 && body.len) || what.len > CF_HTTP_LINE_MAX - sizeof p->url.path - 16) {
    cf_done_push(client->done, id, CF_ERR_FORMAT)->why = "not a question: GET /path or POST /path";
    return;
  }
  ask_t *ask = client->ask_cnt < CF_HTTP_ASKS_MAX ? ask_make(p, what, sp, type, body) : NULL;
  if (!ask) {
    cf_done_push(client->done, id, CF_ERR_IO)->why = "too many questions are under way";
    return;
  }
  client->ask_cnt++;
  ask->id          = id;
  ask->deadline_ms = cf_clock_mono_ms() + (timeout_ms ? timeout_ms : client->max.timeout_ms);
  due(client, ask->deadline_ms);
  *(p->last ? &p->last->next : &p->first) = ask;
  p->last = ask;
  peer_pump(p);
}

/* ---- time ---- */

uint64_t cf_http_client_next_ms(cf_http_client_t const *client) { return client->next_ms; }

static void
sweep_waiting(peer_t *p, uint64_t now_ms) {
  ask_t *rest = p->first;
  p->first = p->last = NULL;
  for (ask_t *ask; (ask = rest);) {
    rest      = ask->next;
    ask->next = NULL;
    if (now_ms >= ask->deadline_ms) {
      end_ask(p, ask, CF_ERR_IO, "no answer in time");
      continue;
    }
    due(p->client, ask->deadline_ms);
    *(p->last ? &p->last->next : &p->first) = ask;
    p->last = ask;
  }
}

static void
sweep_conn(conn_t *c, uint64_t now_ms) {
  if (c->state == CLOSED) return;
  uint64_t at_ms = c->ask ? c->ask->deadline_ms : c->idle_till_ms;
  if (now_ms >= at_ms) conn_fail(c, CF_ERR_IO, "no answer in time");
  else due(c->peer->client, at_ms);
}

void
cf_http_client_sweep(cf_http_client_t *client) {
  uint64_t now_ms = cf_clock_mono_ms();
  if (now_ms < client->next_ms) return;
  client->next_ms = UINT64_MAX;
  for (size_t i = 0; i < client->peer_cnt; i++) {
    peer_t *p = &client->peers[i];
    sweep_waiting(p, now_ms);
    for (size_t j = 0; j < CF_HTTP_PEER_CONNS_MAX; j++) sweep_conn(&p->conns[j], now_ms);
    peer_pump(p);
  }
}

/* ---- life ---- */

cf_http_client_t *
cf_http_client_new(cf_loop_t *loop, cf_done_queue_t *done, cf_url_t const *urls, size_t peer_cnt,
                   cf_http_client_limits_t const *limits) {
  cf_http_client_t *client = calloc(1, sizeof *client);
  peer_t           *peers  = calloc(peer_cnt ? peer_cnt : 1, sizeof *peers);
  if (!client || !peers) {
    free(client);
    free(peers);
    return NULL;
  }
  *client = (cf_http_client_t){
    .loop = loop, .done = done, .max = *limits, .peers = peers, .peer_cnt = peer_cnt, .next_ms = UINT64_MAX
  };
  if (!client->max.body_max) client->max.body_max = 64u << 20;
  if (!client->max.timeout_ms) client->max.timeout_ms = 10000;
  if (!client->max.idle_ms) client->max.idle_ms = 15000;
  for (size_t i = 0; i < peer_cnt; i++) {
    peers[i].client = client;
    peers[i].url    = urls[i];
    for (size_t j = 0; j < CF_HTTP_PEER_CONNS_MAX; j++) {
      peers[i].conns[j].watch = (cf_watch_t){ .fd = -1, .fn = on_conn };
      peers[i].conns[j].peer  = &peers[i];
    }
  }
  return client;
}

void
cf_http_client_free(cf_http_client_t *client) {
  if (!client) return;
  for (size_t i = 0; i < client->peer_cnt; i++) {
    peer_t *p = &client->peers[i];
    for (ask_t *ask; (ask = p->first);) {
      p->first = ask->next;
      free(ask);
    }
    for (size_t j = 0; j < CF_HTTP_PEER_CONNS_MAX; j++) {
      free(p->conns[j].ask);
      conn_reset(&p->conns[j]);
    }
  }
  free(client->peers);
  free(client);
}

/* ---- one-shot ---- */

cf_done_t *
cf_http_client_wait(cf_http_client_t *client) {
  while (!client->done->first && client->ask_cnt) {
    uint64_t now_ms = cf_clock_mono_ms();
    cf_loop_wait(client->loop, client->next_ms > now_ms ? (unsigned)(client->next_ms - now_ms) : 0);
    cf_http_client_sweep(client);
  }
  return cf_done_take(client->done);
}

static cf_status_t
call(cf_done_t **out, char const *method, char const *url, char const *type, cf_span_t body, unsigned timeout_ms,
     cf_error_t *err) {
  char        base[96], what[CF_HTTP_LINE_MAX / 2];
  char const *auth = strstr(url, "://"), *path = auth ? auth + 3 + strcspn(auth + 3, "/?") : url;
  cf_url_t    peer;
  cf_loop_t   loop;
  int         base_sz = snprintf(base, sizeof base, "%.*s", (int)(path - url), auth ? url : "");
  int         what_sz = snprintf(what, sizeof what, "%s %s%s", method, *path == '/' ? "" : "/", path);
  *out                = NULL;
  if (base_sz < 0 || (size_t)base_sz >= sizeof base || (size_t)what_sz >= sizeof what)
    return cf_error_set(err, CF_ERR_BOUND, "url", 0, "too long");
  cf_status_t st = cf_url_parse(&peer, base, err);
  if (!st) st = cf_loop_init(&loop, err);
  if (st) return st;

  cf_done_queue_t   done   = { 0 };
  cf_http_client_t *client = cf_http_client_new(&loop, &done, &peer, 1, &(cf_http_client_limits_t){ 0 });
  if (client) cf_http_client_ask(client, 0, 0, CF_SPAN(what, (size_t)what_sz), type, body, timeout_ms);
  if (client) *out = cf_http_client_wait(client);
  st = *out ? (*out)->status : CF_ERR_IO;
  if (st) cf_error_set(err, st, "url", 0, "%.80s: %s", url, *out && (*out)->why ? (*out)->why : "out of memory");
  cf_http_client_free(client);
  cf_loop_fini(&loop);
  return st;
}

cf_status_t
cf_http_get(cf_done_t **out, char const *url, unsigned timeout_ms, cf_error_t *err) {
  return call(out, "GET", url, NULL, CF_SPAN(NULL, 0), timeout_ms, err);
}

cf_status_t
cf_http_post(cf_done_t **out, char const *url, char const *type, cf_span_t body, unsigned timeout_ms, cf_error_t *err) {
  return call(out, "POST", url, type, body, timeout_ms, err);
}
