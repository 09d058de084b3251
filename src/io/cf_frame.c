#include "io/cf_frame.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/cf_buf.h"
#include "io/cf_clock.h"
#include "io/cf_net.h"

#define HEAD_SZ 4

/* ---- a stream of frames, either end ---- */

typedef struct {
  cf_watch_t watch; /* first: the loop hands it back */
  cf_loop_t *loop;
  cf_buf_t   in, out;
  bool       lost; /* nothing more goes either way */
} stream_t;

static void
stream_close(stream_t *s) {
  cf_loop_close(s->loop, &s->watch);
  cf_buf_free(&s->in);
  cf_buf_free(&s->out);
  s->lost = false;
}

static void
stream_flush(stream_t *s) {
  while (!s->lost && s->out.pos < s->out.len) {
    cf_span_t held = cf_buf_held(&s->out);
    ssize_t   n    = send(s->watch.fd, held.ptr, held.len, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) return;
    if (n < 0) s->lost = true;
    else cf_buf_drop(&s->out, (size_t)n);
  }
}

/* queues a frame; false when too much waits already */
static bool
stream_send(stream_t *s, cf_span_t body) {
  uint8_t head[HEAD_SZ];
  cf_wr_t wr = cf_wr_init(head, sizeof head);
  cf_wr_u32(&wr, (uint32_t)body.len);
  if (!cf_buf_reserve(&s->out, HEAD_SZ + body.len, CF_FRAME_HELD_MAX)) return false;
  cf_buf_push(&s->out, head, HEAD_SZ, CF_FRAME_HELD_MAX);
  cf_buf_push(&s->out, body.ptr, body.len, CF_FRAME_HELD_MAX);
  stream_flush(s);
  return true;
}

/* the frame at the front, if it is whole; one that is too long loses the stream */
static bool
stream_peek(stream_t *s, cf_span_t *body) {
  cf_rd_t  rd = cf_rd_span(cf_buf_held(&s->in));
  uint32_t n  = cf_rd_u32(&rd);
  if (rd.bad) return false;
  if (n > CF_FRAME_BODY_MAX) s->lost = true;
  *body = cf_rd_take_span(&rd, n);
  return !rd.bad && !s->lost;
}

/* how much to make room for: the rest of the frame at hand; a length is believed as its bytes come */
static size_t
stream_wanted(stream_t const *s) {
  cf_rd_t  rd   = cf_rd_span(cf_buf_held(&s->in));
  uint32_t n    = cf_rd_u32(&rd);
  size_t   left = rd.bad || n < cf_rd_left(&rd) ? 0 : n - cf_rd_left(&rd);
  size_t   most = cf_rd_left(&rd) + 65536;
  return left < 4096 ? 4096 : left < most ? left : most;
}

/* reads once; false when nothing came */
static bool
stream_fill(stream_t *s) {
  if (s->lost || !cf_buf_reserve(&s->in, stream_wanted(s), SIZE_MAX / 2)) return false;
  ssize_t n = recv(s->watch.fd, s->in.ptr + s->in.len, cf_buf_room(&s->in), 0);
  if (n < 0 && errno == EINTR) return true;
  if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) return false;
  if (n <= 0) s->lost = true;
  else s->in.len += (size_t)n;
  return !s->lost;
}

/* ---- asking ---- */

typedef struct {
  uint64_t id;
  uint64_t deadline_ms;
  bool     ended; /* its asker was told; the answer is to be dropped */
} slot_t;

struct cf_frame_peer {
  stream_t                s; /* first */
  cf_done_queue_t        *done;
  struct sockaddr_storage addr;
  socklen_t               addr_sz; /* 0: an inherited fd, no second chance */
  unsigned                pause_ms;
  uint64_t                not_before_ms;
  uint64_t                next_ms;
  slot_t                  ring[CF_FRAME_ASKS_MAX];
  size_t                  head, cnt;
};

static void
peer_lost(cf_frame_peer_t *p, char const *why) {
  stream_close(&p->s);
  for (; p->cnt; p->cnt--) {
    slot_t *slot = &p->ring[p->head];
    if (!slot->ended) cf_done_push(p->done, slot->id, CF_ERR_IO)->why = why;
    p->head = (p->head + 1) % CF_FRAME_ASKS_MAX;
  }
  p->not_before_ms = cf_clock_mono_ms() + p->pause_ms;
  p->pause_ms      = p->pause_ms < 1000 ? p->pause_ms * 2 : 2000;
}

static void
peer_answer(cf_frame_peer_t *p, cf_span_t body) {
  slot_t *slot = &p->ring[p->head];
  if (!p->cnt) {
    p->s.lost = true; /* an answer that nobody asked for: out of step */
    return;
  }
  if (!slot->ended) {
    cf_done_t *d = cf_done_push(p->done, slot->id, CF_OK);
    d->mem       = malloc(body.len + 1);
    if (!d->mem) abort();
    if (body.len) memcpy(d->mem, body.ptr, body.len);
    d->body = CF_SPAN(d->mem, body.len);
    d->code = 200;
  }
  p->head     = (p->head + 1) % CF_FRAME_ASKS_MAX;
  p->pause_ms = 50;
  p->cnt--;
}

static void
on_peer(cf_watch_t *w, uint32_t events) {
  cf_frame_peer_t *p = (cf_frame_peer_t *)(void *)w;
  cf_span_t        body;
  stream_flush(&p->s);
  while (stream_fill(&p->s)) {
    while (stream_peek(&p->s, &body)) {
      peer_answer(p, body);
      cf_buf_drop(&p->s.in, HEAD_SZ + body.len);
    }
  }
  if (p->s.lost) peer_lost(p, "the connection was lost");
}

static bool
peer_connect(cf_frame_peer_t *p) {
  if (p->s.watch.fd >= 0) return true;
  if (!p->addr_sz || cf_clock_mono_ms() < p->not_before_ms) return false;
  if (!cf_net_connect(&p->s.watch.fd, &p->addr, p->addr_sz)) {
    if (!cf_loop_add(p->s.loop, &p->s.watch)) return true;
    close(p->s.watch.fd);
    p->s.watch.fd = -1;
  }
  peer_lost(p, "no connection");
  return false;
}

void
cf_frame_ask(cf_frame_peer_t *p, uint64_t id, cf_span_t body, unsigned timeout_ms) {
  if (body.len > CF_FRAME_BODY_MAX) {
    cf_done_push(p->done, id, CF_ERR_BOUND)->why = "the question is longer than a frame";
    return;
  }
  if (!peer_connect(p) || p->cnt == CF_FRAME_ASKS_MAX || !stream_send(&p->s, body)) {
    cf_done_push(p->done, id, CF_ERR_IO)->why = p->s.watch.fd < 0 ? "no connection" : "too many questions are under way";
    return;
  }
  uint64_t at_ms = cf_clock_mono_ms() + (timeout_ms ? timeout_ms : 10000);
  p->ring[(p->head + p->cnt++) % CF_FRAME_ASKS_MAX] = (slot_t){ .id = id, .deadline_ms = at_ms };
  if (at_ms < p->next_ms) p->next_ms = at_ms;
  if (p->s.lost) peer_lost(p, "the connection was lost");
}

uint64_t cf_frame_peer_next_ms(cf_frame_peer_t const *p) { return p->next_ms; }

void
cf_frame_peer_sweep(cf_frame_peer_t *p) {
  uint64_t now_ms = cf_clock_mono_ms();
  if (now_ms < p->next_ms) return;
  p->next_ms = UINT64_MAX;
  for (size_t i = 0; i < p->cnt; i++) {
    slot_t *slot = &p->ring[(p->head + i) % CF_FRAME_ASKS_MAX];
    if (slot->ended) continue;
    if (now_ms >= slot->deadline_ms) {
      slot->ended                                        = true;
      cf_done_push(p->done, slot->id, CF_ERR_IO)->why = "no answer in time";
    } else if (slot->deadline_ms < p->next_ms) {
      p->next_ms = slot->deadline_ms;
    }
  }
}

static bool
set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

cf_frame_peer_t *
cf_frame_peer_new(cf_loop_t *loop, cf_done_queue_t *done, char const *path, int fd) {
  cf_frame_peer_t *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->s        = (stream_t){ .watch = { .fd = path ? -1 : fd, .fn = on_peer }, .loop = loop };
  p->done     = done;
  p->pause_ms = 50;
  p->next_ms  = UINT64_MAX;
  bool ok = path ? !cf_net_unix_addr(&p->addr, &p->addr_sz, path) : set_nonblocking(fd) && !cf_loop_add(loop, &p->s.watch);
  if (ok) return p;
  free(p);
  return NULL;
}

void
cf_frame_peer_free(cf_frame_peer_t *p) {
  if (!p) return;
  stream_close(&p->s);
  free(p);
}

/* ---- answering ---- */

typedef struct {
  stream_t s;       /* first */
  uint32_t gen;     /* counts questions */
  bool     pending; /* the core has one */
  size_t   len;     /* of the one it has */
} asker_t;

struct cf_frame_server {
  cf_watch_t watch; /* of the listener; first */
  cf_loop_t *loop;
  asker_t    askers[CF_FRAME_CONNS_MAX];
  size_t     turn; /* who is looked at first */
};

static void
asker_close(asker_t *a) {
  stream_close(&a->s);
  a->pending = false;
}

static void
asker_advance(asker_t *a) {
  cf_span_t body;
  stream_flush(&a->s);
  while (!a->pending && !stream_peek(&a->s, &body) && stream_fill(&a->s)) continue;
  if (a->s.lost) asker_close(a);
}

static void
on_asker(cf_watch_t *w, uint32_t events) {
  asker_t *a = (asker_t *)(void *)w;
  if (events & (EPOLLERR | EPOLLHUP)) asker_close(a);
  else asker_advance(a);
}

static bool
asker_open(cf_frame_server_t *srv, int fd) {
  for (size_t i = 0; i < CF_FRAME_CONNS_MAX; i++) {
    asker_t *a = &srv->askers[i];
    if (a->s.watch.fd >= 0) continue;
    a->s.watch.fd = fd;
    if (!cf_loop_add(srv->loop, &a->s.watch)) return true;
    a->s.watch.fd = -1;
    break;
  }
  close(fd);
  return false;
}

static void
on_listener(cf_watch_t *w, uint32_t events) {
  cf_frame_server_t *srv = (cf_frame_server_t *)(void *)w;
  int                fd  = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) asker_open(srv, fd);
}

bool
cf_frame_take(cf_frame_server_t *srv, uint64_t *id, cf_span_t *body) {
  for (size_t n = 0; n < CF_FRAME_CONNS_MAX; n++) {
    size_t   i = (srv->turn + n) % CF_FRAME_CONNS_MAX;
    asker_t *a = &srv->askers[i];
    if (a->s.watch.fd < 0 || a->pending || !stream_peek(&a->s, body)) continue;
    if (++a->gen >> 31) a->gen = 1;
    a->pending = true;
    a->len     = body->len;
    *id        = (uint64_t)a->gen << 32 | i;
    srv->turn  = i + 1;
    return true;
  }
  return false;
}

void
cf_frame_reply(cf_frame_server_t *srv, uint64_t id, cf_span_t body) {
  uint32_t idx = (uint32_t)id;
  if (idx >= CF_FRAME_CONNS_MAX) return;
  asker_t *a = &srv->askers[idx];
  if (!a->pending || a->gen != id >> 32) return;
  cf_buf_drop(&a->s.in, HEAD_SZ + a->len);
  a->pending = false;
  if (body.len > CF_FRAME_BODY_MAX || !stream_send(&a->s, body)) asker_close(a);
  else asker_advance(a);
}

bool
cf_frame_quiet(cf_frame_server_t const *srv) {
  for (size_t i = 0; i < CF_FRAME_CONNS_MAX; i++) {
    if (srv->askers[i].s.out.pos < srv->askers[i].s.out.len) return false;
  }
  return true;
}

size_t
cf_frame_waiting(cf_frame_server_t const *srv) {
  size_t cnt = 0;
  for (size_t i = 0; i < CF_FRAME_CONNS_MAX; i++) {
    asker_t const *a  = &srv->askers[i];
    cf_rd_t        rd = cf_rd_span(cf_buf_held(&a->s.in));
    if (a->s.watch.fd >= 0 && !a->pending && cf_rd_take(&rd, cf_rd_u32(&rd)) && !rd.bad) cnt++;
  }
  return cnt;
}

cf_frame_server_t *
cf_frame_server_new(cf_loop_t *loop, int listener, int fd) {
  cf_frame_server_t *srv = calloc(1, sizeof *srv);
  if (!srv) return NULL;
  srv->watch = (cf_watch_t){ .fd = listener, .fn = on_listener };
  srv->loop  = loop;
  for (size_t i = 0; i < CF_FRAME_CONNS_MAX; i++) {
    srv->askers[i].s = (stream_t){ .watch = { .fd = -1, .fn = on_asker }, .loop = loop };
  }
  bool ok = listener >= 0 ? !cf_loop_add_level(loop, &srv->watch) : set_nonblocking(fd) && asker_open(srv, fd);
  if (ok) return srv;
  free(srv);
  return NULL;
}

void
cf_frame_server_free(cf_frame_server_t *srv) {
  if (!srv) return;
  for (size_t i = 0; i < CF_FRAME_CONNS_MAX; i++) asker_close(&srv->askers[i]);
  if (srv->watch.fd >= 0) cf_loop_del(srv->loop, &srv->watch);
  free(srv);
}
