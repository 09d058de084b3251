/* The HTTP server: keep-alive, pipelining, static files, one request of a
   connection at a time, answered whenever its handle comes back.  Everything a
   stranger can make it hold is bounded: connections, bytes, time.  No TLS. */
#ifndef CF_IO_HTTP_H
#define CF_IO_HTTP_H

#include "base/cf_bytes.h"
#include "io/cf_files.h"
#include "io/cf_loop.h"

/* A mount answers GET and HEAD of paths that begin with prefix from files
   under folder: "/log/" + "tile/0/000" -> "public/log/" + "tile/0/000".  A
   prefix without '/' at its end is one whole path, folder then one file; a path
   that ends in '/' is that folder's index.html.  Longer prefixes come first. */
typedef struct {
  char const *prefix;
  char const *folder;
  char const *type;  /* Content-Type, or NULL: by the file's ending    */
  char const *cache; /* Cache-Control, e.g. CF_HTTP_IMMUTABLE, or NULL */
} cf_http_mount_t;

#define CF_HTTP_IMMUTABLE "public, max-age=31536000, immutable"
#define CF_HTTP_BRIEF     "public, max-age=1"

/* 0 means the default in brackets. */
typedef struct {
  size_t   conn_max;  /* [1024] the oldest that is idle or still sending its head gives way */
  size_t   body_max;  /* [4 MiB] of a request                                               */
  size_t   held_max;  /* [256 MiB] of all connections' buffers                              */
  unsigned idle_ms;   /* [60000] between requests                                           */
  unsigned head_ms;   /* [10000] first byte to end of head                                  */
  unsigned body_ms;   /* [10000] and 1 ms per CF_HTTP_RATE bytes; also for sending          */
  unsigned answer_ms; /* [60000] the core's                                                 */
  bool     deletes;   /* DELETE is taken, too: there is something to delete                 */
} cf_http_limits_t;
#define CF_HTTP_RATE 64

typedef struct cf_http cf_http_t;

/* cf_http_new serves listener (not closed by cf_http_free) on loop.  files may
   be NULL without mounts; mounts are borrowed for the server's life.  NULL when
   memory or the listener fails. */
cf_http_t *cf_http_new(cf_loop_t *loop, int listener, cf_files_t const *files, cf_http_mount_t const *mounts, size_t mount_cnt,
                       cf_http_limits_t const *limits);
void       cf_http_free(cf_http_t *srv);

/* One request.  HEAD arrives as GET; the server keeps the body back.  what,
   query, type and body are borrowed until cf_http_reply of id or the next cf_loop_wait. */
typedef struct {
  uint64_t  id; /* 1 to 2^63 - 1 */
  cf_span_t what;
  cf_span_t query;
  cf_span_t type;
  cf_span_t body;
} cf_http_ask_t;

/* cf_http_burst closes the burst of complete requests that arrived since the
   last one, and cf_http_take hands them out in order of completion; static files are
   answered on the way.  False when the burst is through. */
size_t cf_http_burst(cf_http_t *srv);
bool   cf_http_take(cf_http_t *srv, cf_http_ask_t *out);
size_t cf_http_waiting(cf_http_t const *srv); /* complete requests that wait for the next burst */

/* cf_http_reply answers id; one whose asker is gone is forgotten.  body is
   copied where it cannot be sent at once.  type may be NULL (no body). */
void cf_http_reply(cf_http_t *srv, uint64_t id, unsigned code, char const *type, unsigned retry_after_s, cf_span_t body);
/* cf_http_reply_at is that with a Location: plain text of at most CF_HTTP_LOCATION_MAX bytes. */
void cf_http_reply_at(cf_http_t *srv, uint64_t id, unsigned code, char const *type, cf_span_t location, cf_span_t body);
#define CF_HTTP_LOCATION_MAX 256

/* cf_http_sweep enforces the deadlines; call it every 100 ms or so.
   cf_http_quiet: no connection has bytes left to send.  cf_http_drain: every
   answer from now on is its connection's last, and nobody new is let in. */
void   cf_http_sweep(cf_http_t *srv);
bool   cf_http_quiet(cf_http_t const *srv);
void   cf_http_drain(cf_http_t *srv);
size_t cf_http_conn_cnt(cf_http_t const *srv);

#endif
