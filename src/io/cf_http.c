#include "io/cf_http.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "io/cf_buf.h"
#include "io/cf_clock.h"
#include "io/cf_http_parse.h"
#include "io/cf_http_write.h"

#define SINK_MAX (8u << 20)

/* What a connection waits for. */
typedef enum {
  FREE,
  HEAD,    /* bytes of a head, or the first of them */
  BODY,    /* bytes of a body                       */
  READY,   /* its turn in the burst                 */
  PENDING, /* the core's answer                     */
  SENDING, /* room in the socket                    */
  LINGER,  /* the peer's end, after ours            */
} state_t;

typedef struct conn {
  cf_watch_t        watch; /* first: the loop hands it back */
  cf_http_t        *srv;
  struct conn      *prev, *next; /* in the list of its state, if it has one */
  struct list      *list;
  state_t           state;
  uint32_t          idx;
  uint32_t          gen;      /* counts requests, so that a late answer meets nobody else's */
  bool              readable; /* a read may find something */
  bool              ended;    /* the peer sent his end: keep reading up to it */
  bool              keep;
  bool              without_body;
  uint64_t          deadline_ms;
  cf_buf_t          in;
  cf_http_scan_t    scan;
  size_t            head_sz;
  cf_http_request_t req;
  cf_buf_t          out;
  int               file;
  size_t            file_left;
  size_t            sink_left; /* LINGER */
} conn_t;

typedef struct list {
  conn_t *first, *last;
  size_t  cnt;
} list_t;

struct cf_http {
  cf_watch_t             watch; /* of the listener; first */
  cf_loop_t             *loop;
  cf_files_t const      *files;
  cf_http_mount_t const *mounts;
  size_t                 mount_cnt;
  cf_http_limits_t       max;
  conn_t                *conns;
  list_t                 free, waiting, ready, burst; /* waiting: HEAD and LINGER, oldest first */
  size_t                 held_sz;
  size_t                 sending_cnt;
  bool                   draining, deaf; /* deaf: out of descriptors, not listening until the next sweep */
  time_t                 date_s;
  char                   date[40];
};

/* ---- lists ---- */

static void
list_leave(conn_t *c) {
  list_t *l = c->list;
  if (!l) return;
  *(c->prev ? &c->prev->next : &l->first) = c->next;
  *(c->next ? &c->next->prev : &l->last)  = c->prev;
  l->cnt--;
  c->list = NULL;
}

static void
list_join(list_t *l, conn_t *c) {
  list_leave(c);
  c->prev = l->last;
  c->next = NULL;
  *(l->last ? &l->last->next : &l->first) = c;
  l->last = c;
  l->cnt++;
  c->list = l;
}

/* ---- a connection's states ---- */

static void
enter(conn_t *c, state_t state, unsigned within_ms) {
  cf_http_t *srv = c->srv;
  if (state == SENDING) srv->sending_cnt++;
  if (c->state == SENDING) srv->sending_cnt--;
  c->state       = state;
  c->deadline_ms = cf_clock_coarse_ms() + within_ms;
  switch (state) {
  case FREE:    list_join(&srv->free, c); return;
  case HEAD:
  case LINGER:  list_join(&srv->waiting, c); return;
  case READY:   list_join(&srv->ready, c); return;
  case BODY:
  case PENDING:
  case SENDING: list_leave(c); return;
  }
}

static void
conn_free_buf(conn_t *c, cf_buf_t *b) {
  c->srv->held_sz -= b->cap;
  cf_buf_free(b);
}

static void
conn_close(conn_t *c) {
  cf_loop_close(c->srv->loop, &c->watch);
  if (c->file > 0) close(c->file);
  c->file         = 0;
  c->file_left    = 0;
  c->without_body = false;
  conn_free_buf(c, &c->in);
  conn_free_buf(c, &c->out);
  enter(c, FREE, 0);
}

/* room for n more bytes in one of c's buffers, within what all may hold */
static bool
conn_reserve(conn_t *c, cf_buf_t *b, size_t n) {
  cf_http_t *srv  = c->srv;
  size_t     was  = b->cap;
  size_t     want = b->len - b->pos + n; /* at most doubled by the buffer */
  if (want > was && (want > srv->max.held_max / 2 || srv->held_sz + 2 * want > srv->max.held_max)) return false;
  bool ok = cf_buf_reserve(b, n, srv->max.held_max);
  srv->held_sz += b->cap - was;
  return ok;
}

static unsigned
transfer_ms(cf_http_t const *srv, size_t size) {
  return srv->max.body_ms + (unsigned)(size / CF_HTTP_RATE);
}

/* ---- sending ---- */

static void advance(conn_t *c);

/* what an answer's end leads to */
static void
finish(conn_t *c) {
  if (!c->keep) {
    shutdown(c->watch.fd, SHUT_WR); /* and read on: closing now could take the answer back from the peer */
    conn_free_buf(c, &c->in);
    c->sink_left = SINK_MAX;
    enter(c, LINGER, 1000);
    return;
  }
  cf_buf_drop(&c->in, c->head_sz + c->req.body_sz);
  c->without_body = false;
  if (c->in.pos == c->in.len && c->in.cap > CF_HTTP_HEAD_MAX) conn_free_buf(c, &c->in);
  c->scan = (cf_http_scan_t){ 0 };
  enter(c, HEAD, c->in.pos < c->in.len ? c->srv->max.head_ms : c->srv->max.idle_ms);
}

/* sends what is left of head and file; true when nothing is, or the connection is gone */
static bool
flush(conn_t *c) {
  while (c->out.pos < c->out.len) {
    cf_span_t held = cf_buf_held(&c->out);
    ssize_t   n    = send(c->watch.fd, held.ptr, held.len, MSG_NOSIGNAL | (c->file_left ? MSG_MORE : 0));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n < 0) return conn_close(c), true;
    cf_buf_drop(&c->out, (size_t)n);
  }
  while (c->file_left) {
    ssize_t n = sendfile(c->watch.fd, c->file, NULL, c->file_left);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) return conn_close(c), true; /* also a file that shrank */
    c->file_left -= (size_t)n;
  }
  if (c->file > 0) close(c->file);
  c->file = 0;
  if (c->out.cap) conn_free_buf(c, &c->out);
  finish(c);
  return true;
}

static char const *
date_now(cf_http_t *srv) {
  time_t now = time(NULL);
  if (now != srv->date_s) {
    struct tm tm;
    srv->date_s = now;
    strftime(srv->date, sizeof srv->date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
  }
  return srv->date;
}

/* sends head and body, or head and then c->file_left bytes of c->file */
static void
answer(conn_t *c, cf_http_head_t const *h, cf_span_t body) {
  uint8_t   buf[1024];
  bool      whole = c->file_left == 0;
  cf_span_t head;
  if (c->srv->draining) c->keep = false;
  head = cf_http_head_write(buf, sizeof buf, h, c->keep, c->req.method, date_now(c->srv));
  if (c->without_body) body.len = 0;

  struct iovec  parts[2] = { { .iov_base = buf, .iov_len = head.len }, { .iov_len = body.len } };
  memcpy(&parts[1].iov_base, &body.ptr, sizeof body.ptr); /* sendmsg only reads it */
  struct msghdr msg = { .msg_iov = parts, .msg_iovlen = body.len ? 2 : 1 };
  ssize_t       n   = whole ? sendmsg(c->watch.fd, &msg, MSG_NOSIGNAL) : 0;
  if (n < 0 && errno != EAGAIN && errno != EINTR) {
    conn_close(c);
    return;
  }
  size_t sent = n > 0 ? (size_t)n : 0;
  if (whole && sent == head.len + body.len) {
    finish(c);
    return;
  }
  if (!conn_reserve(c, &c->out, head.len + body.len - sent)) {
    conn_close(c);
    return;
  }
  size_t of_head = sent < head.len ? sent : head.len, of_body = sent - of_head;
  cf_buf_push(&c->out, head.ptr + of_head, head.len - of_head, SIZE_MAX);
  if (body.len) cf_buf_push(&c->out, body.ptr + of_body, body.len - of_body, SIZE_MAX);
  enter(c, SENDING, transfer_ms(c->srv, h->body_sz));
  flush(c);
}

static char const *
class_name(unsigned code) {
  switch (code) {
  case 404: return "not-found";
  case 405: return "read-only";
  case 408: return "slow";
  case 413:
  case 414:
  case 431: return "too-large";
  case 411:
  case 417:
  case 501:
  case 505: return "unsupported";
  case 503: return "busy";
  default: return "malformed";
  }
}

/* our own words: RFC 9457 */
static void
problem(conn_t *c, unsigned code, char const *why, unsigned retry_after_s) {
  char        body[256];
  char const *class = class_name(code);
  int         n = snprintf(body, sizeof body, "{\"type\":\"urn:counterfoil:%s\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}\n",
                           class, class, code, why);
  assert(n > 0 && (size_t)n < sizeof body);
  cf_http_head_t head = { code, "application/problem+json", "no-store", retry_after_s, (size_t)n, { 0 } };
  answer(c, &head, CF_SPAN(body, (size_t)n));
}

/* after a refusal nobody knows where the next request would begin */
static void
refuse(conn_t *c, unsigned code, char const *why) {
  c->keep = false;
  problem(c, code, why, code == 503 ? 1 : 0);
}

/* ---- receiving ---- */

/* reads once; false when there is nothing to go on with */
static bool
fill(conn_t *c, size_t want) {
  if (!c->readable) return false;
  if (cf_buf_room(&c->in) < want && !conn_reserve(c, &c->in, want)) {
    refuse(c, 503, "too many bytes are held for others");
    return false;
  }
  bool    first = c->in.pos == c->in.len;
  size_t  room  = cf_buf_room(&c->in);
  ssize_t n     = recv(c->watch.fd, c->in.ptr + c->in.len, room, 0);
  if (n < 0 && errno == EINTR) return true;
  if (n < 0 && errno == EAGAIN) return c->readable = false;
  if (n <= 0) return conn_close(c), false;
  if ((size_t)n < room && !c->ended) c->readable = false; /* drained: the next edge tells of more */
  c->in.len += (size_t)n;
  if (c->state == HEAD && first) enter(c, HEAD, c->srv->max.head_ms);
  return true;
}

static void
whole_request(conn_t *c) {
  if (++c->gen >> 31) c->gen = 1;
  enter(c, READY, c->srv->max.answer_ms);
}

/* a whole head is at the front: understands it and makes room for its body */
static void
on_head(conn_t *c) {
  static char const go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  cf_http_refusal_t no;
  if (cf_http_request_parse(&c->req, &no, CF_SPAN(c->in.ptr + c->in.pos, c->head_sz), c->srv->max.body_max)) {
    refuse(c, no.code, no.why);
    return;
  }
  if (c->req.method == CF_HTTP_DELETE && !c->srv->max.deletes) {
    refuse(c, 501, "only GET, HEAD and POST");
    return;
  }
  c->keep         = c->req.keep;
  c->without_body = c->req.method == CF_HTTP_HEAD;
  size_t held = c->in.len - c->in.pos, whole = c->head_sz + c->req.body_sz;
  if (held >= whole) {
    whole_request(c);
    return;
  }
  bool room = conn_reserve(c, &c->in, whole - held);
  /* the bytes may have moved: read again, for the spans */
  if (!room || cf_http_request_parse(&c->req, &no, CF_SPAN(c->in.ptr + c->in.pos, c->head_sz), c->srv->max.body_max)) {
    refuse(c, 503, "too many bytes are held for others");
    return;
  }
  enter(c, BODY, transfer_ms(c->srv, c->req.body_sz));
  if (c->req.expect && send(c->watch.fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL) != sizeof go_on - 1) conn_close(c);
}

static void
advance_head(conn_t *c) {
  cf_http_refusal_t no;
  if (cf_http_scan(&c->scan, &c->head_sz, &no, cf_buf_held(&c->in))) {
    refuse(c, no.code, no.why);
  } else if (c->head_sz) {
    on_head(c);
  } else {
    fill(c, 2048);
  }
}

static void
advance_body(conn_t *c) {
  size_t held = c->in.len - c->in.pos, whole = c->head_sz + c->req.body_sz;
  if (held < whole) fill(c, whole - held);
  else whole_request(c);
}

/* reads and drops, up to a bound: a refused upload may be under way */
static void
advance_linger(conn_t *c) {
  uint8_t sink[16384];
  ssize_t n = recv(c->watch.fd, sink, sizeof sink, 0);
  if (n < 0 && errno == EAGAIN) {
    c->readable = false;
  } else if (n <= 0 || (size_t)n > c->sink_left) {
    conn_close(c);
  } else {
    c->sink_left -= (size_t)n;
  }
}

/* goes on until the connection waits for something */
static void
advance(conn_t *c) {
  bool moved_on = true;
  while (moved_on) {
    state_t was   = c->state;
    size_t  had   = c->in.len;
    bool    could = c->readable;
    switch (c->state) {
    case HEAD:   advance_head(c); break;
    case BODY:   advance_body(c); break;
    case LINGER:
      if (c->readable) advance_linger(c);
      break;
    case SENDING: flush(c); break;
    case FREE:
    case READY:
    case PENDING: return;
    }
    /* what waits to be read is no reason to go on while an answer waits to be taken */
    moved_on = c->state != was || c->in.len != had || (could && c->readable && c->state != SENDING);
  }
}

static void
on_conn(cf_watch_t *w, uint32_t events) {
  conn_t *c = (conn_t *)(void *)w;
  if (events & (EPOLLERR | EPOLLHUP)) {
    conn_close(c); /* both ways are shut: nobody is there to answer */
    return;
  }
  if (events & EPOLLRDHUP) c->ended = true;
  if (events & (EPOLLIN | EPOLLRDHUP)) c->readable = true;
  advance(c);
}

/* ---- letting in ---- */

static void
let_in(cf_http_t *srv, int fd) {
  if (!srv->free.first && srv->waiting.first) conn_close(srv->waiting.first);
  conn_t *c = srv->free.first;
  if (!c) {
    close(fd); /* all are at work: a reset is all he gets */
    return;
  }
  c->watch.fd = fd;
  c->ended    = false;
  c->readable = true;
  c->scan     = (cf_http_scan_t){ 0 };
  if (cf_loop_add(srv->loop, &c->watch)) {
    close(fd);
    c->watch.fd = -1;
    return;
  }
  enter(c, HEAD, srv->max.head_ms);
}

static void
on_listener(cf_watch_t *w, uint32_t events) {
  cf_http_t *srv = (cf_http_t *)(void *)w;
  for (int i = 0; i < 64; i++) {
    int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      let_in(srv, fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      if (srv->waiting.first) conn_close(srv->waiting.first);
      else cf_loop_del(srv->loop, w), srv->deaf = true;
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

/* ---- static files ---- */

static cf_http_mount_t const *
mount_of(cf_http_t const *srv, cf_span_t path) {
  for (size_t i = 0; i < srv->mount_cnt; i++) {
    char const *prefix = srv->mounts[i].prefix;
    size_t      n      = strlen(prefix);
    bool        folder = n && prefix[n - 1] == '/';
    if (path.len >= n && !memcmp(path.ptr, prefix, n) && (folder || path.len == n)) return &srv->mounts[i];
  }
  return NULL;
}

static void
serve_file(conn_t *c, cf_http_mount_t const *m) {
  uint8_t   buf[CF_FILES_NAME_MAX];
  cf_wr_t   name = cf_wr_init(buf, sizeof buf);
  size_t    n    = strlen(m->prefix);
  int       fd   = -1;
  size_t    size = 0;
  cf_wr_bytes(&name, m->folder, strlen(m->folder));
  cf_wr_bytes(&name, c->req.path.ptr + n, c->req.path.len - n);
  if (c->req.path.ptr[c->req.path.len - 1] == '/') cf_wr_bytes(&name, "index.html", 10);
  cf_span_t out = cf_wr_out(&name);
  if (c->req.method == CF_HTTP_POST || c->req.method == CF_HTTP_DELETE) {
    problem(c, 405, "this is read, not written", 0);
    return;
  }
  if (cf_files_open_read(&fd, &size, c->srv->files, out)) {
    problem(c, 404, "no such file", 0);
    return;
  }
  if (c->without_body || size == 0) {
    close(fd);
  } else {
    c->file      = fd;
    c->file_left = size;
  }
  cf_http_head_t head = { 200, m->type ? m->type : cf_http_type_of(out), m->cache ? m->cache : "no-cache", 0, size, { 0 } };
  answer(c, &head, CF_SPAN(NULL, 0));
}

/* ---- the host's side ---- */

size_t
cf_http_burst(cf_http_t *srv) {
  while (srv->ready.first) list_join(&srv->burst, srv->ready.first);
  return srv->burst.cnt;
}

bool
cf_http_take(cf_http_t *srv, cf_http_ask_t *out) {
  for (conn_t *c; (c = srv->burst.first);) {
    cf_http_mount_t const *m = mount_of(srv, c->req.path);
    enter(c, PENDING, srv->max.answer_ms);
    if (!m) {
      uint8_t *what = c->in.ptr + c->in.pos;
      *out          = (cf_http_ask_t){ .id = (uint64_t)c->gen << 32 | c->idx, .what = c->req.what, .query = c->req.query, .type = c->req.type };
      if (c->req.body_sz) out->body = CF_SPAN(what + c->head_sz, c->req.body_sz);
      if (c->without_body) {
        memcpy(what + 1, "GET", 3); /* "HEAD /x" holds "GET /x" one byte on */
        out->what = CF_SPAN(what + 1, c->req.what.len - 1);
      }
      return true;
    }
    serve_file(c, m);
    advance(c);
  }
  return false;
}

static void
reply(cf_http_t *srv, uint64_t id, cf_http_head_t const *head, cf_span_t body) {
  uint32_t idx = (uint32_t)id;
  if (idx >= srv->max.conn_max) return;
  conn_t *c = &srv->conns[idx];
  if (c->state != PENDING || c->gen != id >> 32) return;
  answer(c, head, body);
  advance(c);
}

void
cf_http_reply(cf_http_t *srv, uint64_t id, unsigned code, char const *type, unsigned retry_after_s, cf_span_t body) {
  reply(srv, id, &(cf_http_head_t){ code, type, "no-store", retry_after_s, body.len, { 0 } }, body);
}

void
cf_http_reply_at(cf_http_t *srv, uint64_t id, unsigned code, char const *type, cf_span_t location, cf_span_t body) {
  assert(location.len <= CF_HTTP_LOCATION_MAX);
  reply(srv, id, &(cf_http_head_t){ code, type, "no-store", 0, body.len, location }, body);
}

/* a deadline passed */
static void
expire(conn_t *c) {
  bool silent = c->state == SENDING || c->state == LINGER || (c->state == HEAD && c->in.pos == c->in.len);
  c->keep     = false;
  if (silent) {
    conn_close(c);
    return;
  }
  if (c->state == PENDING) problem(c, 503, "no answer in time", 1);
  else refuse(c, 408, "the request took too long");
}

void
cf_http_sweep(cf_http_t *srv) {
  uint64_t now_ms = cf_clock_mono_ms();
  for (size_t i = 0; i < srv->max.conn_max; i++) {
    conn_t *c = &srv->conns[i];
    if (c->state != FREE && c->state != READY && now_ms >= c->deadline_ms) expire(c);
  }
  if (srv->deaf && !srv->draining && !cf_loop_add_level(srv->loop, &srv->watch)) srv->deaf = false;
}

size_t cf_http_waiting(cf_http_t const *srv) { return srv->ready.cnt + srv->burst.cnt; }
bool   cf_http_quiet(cf_http_t const *srv) { return srv->sending_cnt == 0; }
size_t cf_http_conn_cnt(cf_http_t const *srv) { return srv->max.conn_max - srv->free.cnt; }

void
cf_http_drain(cf_http_t *srv) {
  if (!srv->draining && !srv->deaf) cf_loop_del(srv->loop, &srv->watch);
  srv->draining = true;
}

static void
set_defaults(cf_http_limits_t *max) {
  if (!max->conn_max) max->conn_max = 1024;
  if (!max->body_max) max->body_max = 4u << 20;
  if (!max->held_max) max->held_max = 256u << 20;
  if (!max->idle_ms) max->idle_ms = 60000;
  if (!max->head_ms) max->head_ms = 10000;
  if (!max->body_ms) max->body_ms = 10000;
  if (!max->answer_ms) max->answer_ms = 60000;
}

cf_http_t *
cf_http_new(cf_loop_t *loop, int listener, cf_files_t const *files, cf_http_mount_t const *mounts, size_t mount_cnt,
            cf_http_limits_t const *limits) {
  assert(files || !mount_cnt);
  cf_http_t *srv = calloc(1, sizeof *srv);
  if (!srv) return NULL;
  *srv = (cf_http_t){ .watch = { .fd = listener, .fn = on_listener },
                      .loop = loop,
                      .files = files,
                      .mounts = mounts,
                      .mount_cnt = mount_cnt,
                      .max = *limits };
  set_defaults(&srv->max);
  srv->conns = calloc(srv->max.conn_max, sizeof *srv->conns);
  if (!srv->conns || cf_loop_add_level(loop, &srv->watch)) {
    free(srv->conns);
    free(srv);
    return NULL;
  }
  for (size_t i = 0; i < srv->max.conn_max; i++) {
    conn_t *c = &srv->conns[i];
    *c        = (conn_t){ .watch = { .fd = -1, .fn = on_conn }, .srv = srv, .idx = (uint32_t)i };
    list_join(&srv->free, c);
  }
  return srv;
}

void
cf_http_free(cf_http_t *srv) {
  if (!srv) return;
  for (size_t i = 0; i < srv->max.conn_max; i++) {
    if (srv->conns[i].state != FREE) conn_close(&srv->conns[i]);
  }
  if (!srv->draining && !srv->deaf) cf_loop_del(srv->loop, &srv->watch);
  free(srv->conns);
  free(srv);
}
