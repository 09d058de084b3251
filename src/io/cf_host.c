#include "io/cf_host.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/cf_clock.h"
#include "io/cf_frame.h"
#include "io/cf_http_client.h"
#include "io/cf_https_client.h"
#include "io/cf_memory.h"
#include "io/cf_side.h"
#include "io/cf_store_sqlite.h"
#include "io/cf_tail.h"

#define PEERS_MAX  64
#define FRAME_BIT  (UINT64_C(1) << 63) /* in request ids: asked by frame */
#define SETTLE_MAX 4096                /* DONE events before sockets get a look again */
#define DRAIN_MS   1000

typedef struct {
  cf_watch_t              signals; /* first: the loop hands it back */
  cf_host_config_t const *cfg;
  cf_step_fn_t           *step;
  void                   *core;
  cf_effects_t            fx;
  cf_loop_t               loop;
  cf_files_t              files;
  cf_side_t              *side;
  cf_tail_t               tail; /* of the main lane's APPENDs; the side lane has its own */
  cf_store_sqlite_t      *store;
  int                     listener, frame_listener;
  cf_http_t              *http;
  cf_frame_server_t      *frames;
  cf_http_client_t       *client;
  cf_https_client_t      *https; /* NULL when no peer is asked so */
  unsigned                url_of[PEERS_MAX]; /* peer -> the client's */
  cf_frame_peer_t        *frame_peer[PEERS_MAX];
  cf_done_queue_t         done;
  uint64_t                tick_ms; /* when the next is due */
  uint64_t                sweep_ms;
  unsigned                stop_cnt;
  int                     stop_signal;
  bool                    ended, said_exit, failed;
  int                     code;
} host_t;

/* ---- the host's own lines ---- */

/* text is ours or strerror's; what JSON would escape is replaced */
static void
log_error(host_t const *h, char const *what, cf_error_t const *err) {
  char line[512];
  int  n = snprintf(line, sizeof line - 2,
                    "{\"time\":%llu,\"level\":\"error\",\"role\":\"%.32s\",\"event\":\"%.96s\",\"status\":\"%s\",\"item\":\"%s\","
                     "\"text\":\"",
                    (unsigned long long)cf_clock_now().wall_ms, h->cfg->role ? h->cfg->role : "host", what,
                    cf_status_name(err->status), err->item);
  for (char const *s = err->text; *s && (size_t)n < sizeof line - 4; s++)
    line[n++] = *s < ' ' || *s == '"' || *s == '\\' ? '\'' : *s;
  memcpy(line + n, "\"}\n", 3);
  if (write(h->cfg->log_fd ? h->cfg->log_fd : 2, line, (size_t)n + 3) < 0) return; /* nobody to tell */
}

static void
end(host_t *h, int code) {
  h->ended = true;
  h->code  = code;
}

/* ---- effects ---- */

static bool
in_memory(host_t const *h, cf_span_t name) {
  for (char const *const *m = h->cfg->memory; m && *m; m++)
    if (cf_span_eq(name, CF_SPAN(*m, strlen(*m)))) return true;
  return false;
}

static void
not_durable(host_t *h, cf_status_t st, cf_error_t const *err) {
  log_error(h, st == CF_ERR_STALE ? "fenced" : "not durable, stopping", err);
  h->failed = true;
  end(h, 3);
}

static void
durable(host_t *h, cf_effect_t const *e) {
  cf_error_t  err = { 0 };
  cf_status_t st  = CF_OK;
  if (e->kind != CF_FX_APPEND && cf_tail_is(&h->tail, e->name)) cf_tail_close(&h->tail); /* it becomes another file */
  switch (e->kind) {
  case CF_FX_PUT:
    st = in_memory(h, e->name) ? cf_memory_put(&h->files, e->name, e->body, &err)
                               : cf_files_put(&h->files, e->name, e->body, &err);
    break;
  case CF_FX_APPEND: st = cf_tail_append(&h->tail, &h->files, e->name, e->body, &err); break;
  case CF_FX_REMOVE:
    st = cf_files_remove(&h->files, e->name, &err);
    if (!st && in_memory(h, e->name)) st = cf_memory_written(&h->files, e->name, &err);
    break;
  case CF_FX_STORE:
    st = h->store ? cf_store_sqlite_commit(h->store, e->body, &err)
                  : cf_error_set(&err, CF_ERR_IO, "store", 0, "none is configured");
    break;
  case CF_FX_GET:
  case CF_FX_LIST:
  case CF_FX_SCAN:
  case CF_FX_ASK:
  case CF_FX_REPLY:
  case CF_FX_WAKE:
  case CF_FX_LOG:
  case CF_FX_EXIT: assert(false);
  }
  if (st) not_durable(h, st, &err);
  else if (e->id) cf_done_push(&h->done, e->id, CF_OK);
}

static size_t
get_max(host_t const *h) {
  return h->cfg->file_max ? h->cfg->file_max : 256u << 20;
}

/* body is freed with the DONE */
static void
read_done(host_t *h, uint64_t id, cf_status_t st, bool found, uint8_t *body, size_t size, cf_error_t const *err) {
  if (st) log_error(h, "read failed", err);
  cf_done_t *d = cf_done_push(&h->done, id, st ? CF_ERR_IO : CF_OK);
  d->code      = st ? 0 : found ? 200 : 404;
  d->mem       = body;
  d->body      = CF_SPAN(body, size);
}

static void
read_back(host_t *h, cf_effect_t const *e) {
  cf_error_t  err   = { 0 };
  cf_status_t st    = CF_OK;
  bool        found = true;
  uint8_t    *buf   = NULL;
  size_t      size  = 0, max = get_max(h);
  if (e->kind == CF_FX_GET && in_memory(h, e->name)) {
    st = cf_memory_get(&buf, &size, &found, &h->files, e->name, max, &err);
  } else if (e->kind == CF_FX_GET) {
    st = cf_files_get(&buf, &size, &found, &h->files, e->name, max, &err);
  } else if (e->kind == CF_FX_LIST) {
    st = cf_files_list(&buf, &size, &h->files, e->name, max, &err);
  } else if (h->store && e->name.len == 1) {
    st = cf_store_sqlite_scan(&buf, &size, h->store, (cf_store_kind_t)e->name.ptr[0], max, &err);
  } else {
    st = cf_error_set(&err, CF_ERR_FORMAT, "scan", 0, "no store, or no kind");
  }
  read_done(h, e->id, st, found, buf, size, &err);
}

static void
ask(host_t *h, cf_effect_t const *e) {
  assert(e->peer < h->cfg->peer_cnt);
  cf_frame_peer_t *frames = h->frame_peer[e->peer];
  cf_peer_t const *p      = &h->cfg->peers[e->peer];
  unsigned         url    = h->url_of[e->peer];
  if (frames) cf_frame_ask(frames, e->id, e->body, e->timeout_ms);
  else if (cf_https_is(p->url)) cf_https_client_ask(h->https, e->id, url, e->name, p->type, e->body, e->timeout_ms);
  else cf_http_client_ask(h->client, e->id, url, e->name, p->type, e->body, e->timeout_ms);
}

static void
reply(host_t *h, cf_effect_t const *e) {
  if (e->id & FRAME_BIT) {
    if (h->frames) cf_frame_reply(h->frames, e->id & ~FRAME_BIT, e->body);
  } else if (h->http && e->name.len) {
    cf_http_reply_at(h->http, e->id, e->code, e->type, e->name, e->body);
  } else if (h->http) {
    cf_http_reply(h->http, e->id, e->code, e->type, e->retry_after_s, e->body);
  }
}

static void
log_line(host_t const *h, cf_span_t body) {
  struct iovec parts[2] = { { .iov_len = body.len }, { .iov_len = 1 } };
  char         newline  = '\n';
  memcpy(&parts[0].iov_base, &body.ptr, sizeof body.ptr); /* writev only reads it */
  parts[1].iov_base = &newline;
  if (writev(h->cfg->log_fd ? h->cfg->log_fd : 2, parts, 2) < 0) return; /* nobody to tell */
}

static void
perform(host_t *h, cf_effect_t const *e) {
  switch (e->kind) {
  case CF_FX_PUT:
  case CF_FX_APPEND:
  case CF_FX_REMOVE:
  case CF_FX_STORE: durable(h, e); return;
  case CF_FX_GET:
  case CF_FX_LIST:
  case CF_FX_SCAN:  read_back(h, e); return;
  case CF_FX_ASK:   ask(h, e); return;
  case CF_FX_REPLY: reply(h, e); return;
  case CF_FX_WAKE:
    if (e->id < h->tick_ms) h->tick_ms = e->id;
    return;
  case CF_FX_LOG:  log_line(h, e->body); return;
  case CF_FX_EXIT:
    end(h, (int)e->code);
    h->said_exit = true;
    return;
  }
}

/* ---- the side lane ---- */

static bool
is_durable(cf_effect_kind_t k) {
  return k == CF_FX_PUT || k == CF_FX_APPEND || k == CF_FX_REMOVE || k == CF_FX_STORE;
}

/* What nothing waits before needs no thread, unless it is a durable file itself. */
static void
to_side(host_t *h, cf_effect_t const *e) {
  assert(e->kind != CF_FX_WAKE && e->kind != CF_FX_LOG && e->kind != CF_FX_EXIT);
  assert(!in_memory(h, e->name)); /* those are of the main lane */
  if (cf_side_empty(h->side) && (!is_durable(e->kind) || e->kind == CF_FX_STORE)) perform(h, e);
  else cf_side_push(h->side, e);
}

static void
file_ended(host_t *h, cf_side_job_t *j) {
  cf_effect_t const *e = &j->effect;
  if (!is_durable(e->kind)) {
    read_done(h, e->id, j->status, j->found, j->out, j->out_sz, &j->err);
    j->out = NULL;
  } else if (j->status) not_durable(h, j->status, &j->err);
  else if (e->id) cf_done_push(&h->done, e->id, CF_OK);
}

/* Performs what has had its turn.  leaving: nobody waits for answers any more. */
static void
side_go(host_t *h, bool leaving) {
  cf_side_job_t *j;
  while (!h->failed && (j = cf_side_next(h->side))) {
    cf_effect_kind_t k = j->effect.kind;
    if (k == CF_FX_REPLY || k == CF_FX_STORE || (!leaving && (k == CF_FX_ASK || k == CF_FX_SCAN))) perform(h, &j->effect);
    else if (k != CF_FX_ASK && k != CF_FX_SCAN) file_ended(h, j);
    cf_side_job_free(j);
  }
}

/* ---- events ---- */

static void
deliver(host_t *h, cf_event_t *ev) {
  ev->now           = cf_clock_now();
  h->fx.cnt         = 0;
  h->fx.scratch_len = 0;
  h->step(h->core, &h->fx, ev);
  for (size_t i = 0; i < h->fx.cnt && !h->ended; i++) {
    if (h->fx.at[i].side) to_side(h, &h->fx.at[i]);
    else perform(h, &h->fx.at[i]);
  }
  if (!h->ended) side_go(h, false);
}

/* delivers what ended */
static void
settle(host_t *h) {
  for (size_t i = 0; i < SETTLE_MAX && !h->ended; i++) {
    cf_done_t *d = cf_done_take(&h->done);
    if (!d) return;
    cf_event_t ev = { .kind = CF_EV_DONE, .id = d->id, .code = d->code, .body = d->body };
    if (d->status) ev.status = CF_ERR_IO;
    deliver(h, &ev);
    cf_done_free(d);
  }
}

static void
deliver_settled(host_t *h, cf_event_t ev) {
  if (h->ended) return;
  deliver(h, &ev);
  settle(h);
}

static void
tick(host_t *h) {
  h->tick_ms = cf_clock_mono_ms() + CF_TICK_MS;
  deliver_settled(h, (cf_event_t){ .kind = CF_EV_TICK });
}

static size_t
deliver_http(host_t *h) {
  cf_http_ask_t a;
  size_t        cnt = 0;
  if (!h->http) return 0;
  for (cf_http_burst(h->http); !h->ended && cf_http_take(h->http, &a); cnt++)
    deliver_settled(h, (cf_event_t){ .kind = CF_EV_REQUEST, .id = a.id, .path = a.what, .query = a.query, .type = a.type, .body = a.body });
  return cnt;
}

static size_t
deliver_frames(host_t *h) {
  uint64_t  id;
  cf_span_t body;
  size_t    cnt = 0;
  for (; h->frames && cnt < CF_FRAME_CONNS_MAX && !h->ended && cf_frame_take(h->frames, &id, &body); cnt++)
    deliver_settled(
        h, (cf_event_t){ .kind = CF_EV_REQUEST, .id = id | FRAME_BIT, .path = CF_SPAN_LIT(CF_HOST_FRAME), .body = body });
  return cnt;
}

/* ---- the loop ---- */

static void
on_signal(cf_watch_t *w, uint32_t events) {
  host_t                 *h = (host_t *)(void *)w;
  struct signalfd_siginfo info;
  while (read(w->fd, &info, sizeof info) == sizeof info) {
    h->stop_cnt++;
    h->stop_signal = (int)info.ssi_signo;
  }
}

static void
sweep(host_t *h) {
  uint64_t now_ms = cf_clock_mono_ms();
  cf_http_client_sweep(h->client);
  if (h->https) cf_https_client_sweep(h->https);
  for (size_t i = 0; i < h->cfg->peer_cnt; i++) {
    if (h->frame_peer[i]) cf_frame_peer_sweep(h->frame_peer[i]);
  }
  if (!h->http || now_ms < h->sweep_ms) return;
  cf_http_sweep(h->http);
  h->sweep_ms = now_ms + CF_TICK_MS;
}

static unsigned
patience_ms(host_t *h) {
  uint64_t now_ms = cf_clock_mono_ms(), at_ms = h->tick_ms;
  if (h->done.cnt || (h->http && cf_http_waiting(h->http)) || (h->frames && cf_frame_waiting(h->frames))) return 0;
  if (cf_http_client_next_ms(h->client) < at_ms) at_ms = cf_http_client_next_ms(h->client);
  if (h->https && cf_https_client_next_ms(h->https) < at_ms) at_ms = cf_https_client_next_ms(h->https);
  for (size_t i = 0; i < h->cfg->peer_cnt; i++) {
    if (h->frame_peer[i] && cf_frame_peer_next_ms(h->frame_peer[i]) < at_ms) at_ms = cf_frame_peer_next_ms(h->frame_peer[i]);
  }
  return at_ms > now_ms ? (unsigned)(at_ms - now_ms) : 0;
}

static void
turn(host_t *h) {
  unsigned stops = h->stop_cnt;
  cf_loop_wait(&h->loop, patience_ms(h));
  side_go(h, false);
  if (h->stop_cnt > 1) {
    end(h, 128 + h->stop_signal);
    return;
  }
  sweep(h);
  settle(h);
  if (h->stop_cnt > stops) deliver_settled(h, (cf_event_t){ .kind = CF_EV_STOP });
  size_t burst = deliver_http(h);
  burst += deliver_frames(h);
  if (burst || cf_clock_mono_ms() >= h->tick_ms) tick(h);
}

/* What was in the side lane when the core said EXIT is done before the process goes. */
static void
drain_side(host_t *h) {
  unsigned stops = h->stop_cnt;
  for (side_go(h, true); !h->failed && !cf_side_empty(h->side); side_go(h, true)) {
    cf_loop_wait(&h->loop, CF_TICK_MS);
    if (h->stop_cnt == stops || h->stop_cnt < 2) continue;
    end(h, 128 + h->stop_signal);
    return;
  }
}

/* answers given are sent before the process goes */
static void
drain(host_t *h) {
  uint64_t till_ms = cf_clock_mono_ms() + DRAIN_MS;
  if (h->http) cf_http_drain(h->http);
  while (cf_clock_mono_ms() < till_ms && ((h->http && !cf_http_quiet(h->http)) || (h->frames && !cf_frame_quiet(h->frames))))
    cf_loop_wait(&h->loop, 10);
}

/* ---- opening and closing ---- */

/* a connection each, and some for files, peers and the store */
static void
fit_descriptors(cf_http_limits_t *http) {
  struct rlimit files;
  if (!http->conn_max) http->conn_max = 1024;
  if (getrlimit(RLIMIT_NOFILE, &files)) return;
  if (files.rlim_cur < http->conn_max + 512 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = http->conn_max + 512 < files.rlim_max ? http->conn_max + 512 : files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) || getrlimit(RLIMIT_NOFILE, &files)) return;
  }
  if (http->conn_max > files.rlim_cur / 2) http->conn_max = files.rlim_cur / 2;
}

static cf_status_t
open_servers(host_t *h, cf_error_t *err) {
  cf_host_config_t const *cfg  = h->cfg;
  cf_http_limits_t        http = cfg->http;
  cf_status_t             st   = CF_OK;
  if (cfg->listen_port && !cfg->listen_fd)
    st = cf_net_listen(&h->listener, cfg->listen_addr ? cfg->listen_addr : "127.0.0.1", cfg->listen_port, err);
  int listener = cfg->listen_fd ? cfg->listen_fd : h->listener;
  fit_descriptors(&http);
  if (!st && listener >= 0) {
    h->http = cf_http_new(&h->loop, listener, &h->files, cfg->mounts, cfg->mount_cnt, &http);
    if (!h->http) st = cf_error_set(err, CF_ERR_IO, "http", 0, "cannot serve: %s", strerror(errno));
  }
  if (!st && cfg->frame_path) st = cf_net_listen_unix(&h->frame_listener, cfg->frame_path, err);
  if (!st && (cfg->frame_path || cfg->frame_fd)) {
    h->frames = cf_frame_server_new(&h->loop, h->frame_listener, cfg->frame_fd);
    if (!h->frames) st = cf_error_set(err, CF_ERR_IO, "frames", 0, "cannot serve: %s", strerror(errno));
  }
  return st;
}

static cf_status_t
open_peers(host_t *h, cf_error_t *err) {
  cf_url_t    urls[PEERS_MAX] = { 0 };
  char const *tls[PEERS_MAX];
  size_t      url_cnt = 0, tls_cnt = 0;
  if (h->cfg->peer_cnt > PEERS_MAX) return cf_error_set(err, CF_ERR_BOUND, "peers", 0, "more than %d", PEERS_MAX);
  for (size_t i = 0; i < h->cfg->peer_cnt; i++) {
    cf_peer_t const *p = &h->cfg->peers[i];
    if (p->url && cf_https_is(p->url)) {
      h->url_of[i]   = (unsigned)tls_cnt;
      tls[tls_cnt++] = p->url;
      continue;
    }
    if (p->url) {
      cf_status_t st = cf_url_parse(&urls[url_cnt], p->url, err);
      if (st) return st;
      h->url_of[i] = (unsigned)url_cnt++;
      continue;
    }
    if (!p->path && p->fd <= 0) return cf_error_set(err, CF_ERR_FORMAT, "peers", i, "a peer without url, path or fd");
    h->frame_peer[i] = cf_frame_peer_new(&h->loop, &h->done, p->path, p->fd);
    if (!h->frame_peer[i])
      return cf_error_set(err, CF_ERR_BOUND, "peers", i, "%s cannot be used", p->path ? p->path : "the inherited socket");
  }
  h->client = cf_http_client_new(&h->loop, &h->done, urls, url_cnt, &(cf_http_client_limits_t){ .body_max = h->cfg->answer_max });
  if (!h->client) return cf_error_set(err, CF_ERR_IO, "peers", 0, "out of memory");
  return tls_cnt ? cf_https_client_new(&h->https, &h->loop, &h->done, tls, tls_cnt,
                                       &(cf_https_limits_t){ .body_max = h->cfg->answer_max, .ca_file = h->cfg->ca_file }, err)
                 : CF_OK;
}

/* What is in it is nowhere else: a store that was there is not begun anew because it is gone. */
static cf_status_t
open_store(host_t *h, cf_error_t *err) {
  cf_span_t   name    = CF_SPAN(h->cfg->store, strlen(h->cfg->store));
  bool        damaged = false, fresh = false;
  char        path[CF_FILES_NAME_MAX + 512];
  struct stat is;
  snprintf(path, sizeof path, "%s/%s", h->cfg->folder, h->cfg->store);
  cf_status_t st = cf_memory_marked(&fresh, &h->files, name, err);
  if (!st && !fresh && (stat(path, &is) || is.st_size == 0))
    st = cf_error_set(err, CF_ERR_IO, "store", 0,
                      "%.32s is missing or empty, and was written before: restore it with its -wal; an empty file " CF_MEMORY_MARK
                      "%.32s means: begin without what was in it",
                      h->cfg->store, h->cfg->store);
  if (!st) st = cf_store_sqlite_open(&h->store, path, h->cfg->store_relaxed, &damaged, err);
  if (damaged)
    log_error(h, "the store is damaged: restore it from its newest copy, or move it away with -wal and -shm", err);
  if (!st && fresh) st = cf_memory_written(&h->files, name, err);
  return st ? CF_ERR_IO : CF_OK;
}

static cf_status_t
open_folder(host_t *h, cf_error_t *err) {
  cf_status_t st = cf_files_open(&h->files, h->cfg->folder, h->cfg->public_prefix, err);
  if (!st && h->cfg->lock) st = cf_files_lock(&h->files, h->cfg->lock, err);
  if (!st && h->cfg->store) st = open_store(h, err);
  return st;
}

static cf_status_t
open_signals(host_t *h, sigset_t *before, cf_error_t *err) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, before);
  h->signals = (cf_watch_t){ .fd = signalfd(-1, &stop, SFD_NONBLOCK | SFD_CLOEXEC), .fn = on_signal };
  bool ok    = h->signals.fd >= 0 && !cf_loop_add_level(&h->loop, &h->signals);
  return ok ? CF_OK : cf_error_set(err, CF_ERR_IO, "signals", 0, "%s", strerror(errno));
}

static void
say_ready(host_t const *h) {
  if (h->cfg->ready_fd <= 0 || h->ended) return;
  if (write(h->cfg->ready_fd, "1", 1) == 1) close(h->cfg->ready_fd);
}

static void
host_close(host_t *h) {
  cf_http_free(h->http);
  cf_frame_server_free(h->frames);
  if (h->listener >= 0) close(h->listener);
  if (h->frame_listener >= 0) close(h->frame_listener);
  cf_http_client_free(h->client);
  cf_https_client_free(h->https);
  for (size_t i = 0; i < PEERS_MAX; i++) cf_frame_peer_free(h->frame_peer[i]);
  for (cf_done_t *d; (d = cf_done_take(&h->done));) cf_done_free(d);
  cf_side_free(h->side);
  cf_tail_close(&h->tail);
  cf_store_sqlite_free(h->store);
  cf_files_close(&h->files);
  cf_loop_close(&h->loop, &h->signals);
  cf_loop_fini(&h->loop);
  free(h->fx.scratch);
  free(h);
}

int
cf_host_run(cf_host_config_t const *cfg, cf_step_fn_t *step, void *core) {
  assert(cfg && cfg->folder && step);
  cf_error_t       err = { 0 };
  sigset_t         before;
  struct sigaction no_pipe = { .sa_handler = SIG_IGN }, pipe_before; /* sendfile has no MSG_NOSIGNAL */
  host_t          *h       = calloc(1, sizeof *h);
  if (!h) return 3;
  sigprocmask(SIG_BLOCK, NULL, &before);
  sigaction(SIGPIPE, &no_pipe, &pipe_before);
  h->cfg            = cfg;
  h->step           = step;
  h->core           = core;
  h->listener       = h->frame_listener = h->signals.fd = h->files.dir = -1;
  h->fx.scratch_max = cfg->scratch_sz ? cfg->scratch_sz : 4u << 20;
  h->fx.scratch     = malloc(h->fx.scratch_max);

  cf_status_t st = h->fx.scratch ? cf_loop_init(&h->loop, &err) : cf_error_set(&err, CF_ERR_IO, "scratch", 0, "out of memory");
  if (!st) st = open_signals(h, &before, &err);
  if (!st) st = open_folder(h, &err);
  if (!st && !(h->side = cf_side_new(&h->loop, &h->files, get_max(h))))
    st = cf_error_set(&err, CF_ERR_IO, "side lane", 0, "%s", strerror(errno));
  if (!st) st = open_peers(h, &err);
  if (!st) st = open_servers(h, &err);
  if (!st && cfg->enter) st = cfg->enter(cfg->enter_ctx, &err);
  if (st) {
    log_error(h, "cannot start", &err);
    end(h, st == CF_ERR_IO || st == CF_ERR_POLICY ? 3 : 2);
  } else {
    h->tick_ms = cf_clock_mono_ms() + CF_TICK_MS;
    deliver_settled(h, (cf_event_t){ .kind = CF_EV_START });
    say_ready(h);
    while (!h->ended) turn(h);
    if (h->said_exit) drain_side(h);
    drain(h);
  }
  int code = h->code;
  host_close(h);
  sigaction(SIGPIPE, &pipe_before, NULL);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return code;
}
