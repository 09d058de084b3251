/* The HTTP client: asks on the loop, answered into a queue; a pool of kept
   connections per peer; and one-shot calls for the command line.  http:// only. */
#ifndef CF_IO_HTTP_CLIENT_H
#define CF_IO_HTTP_CLIENT_H

#include "base/cf_error.h"
#include "io/cf_done.h"
#include "io/cf_loop.h"
#include "io/cf_net.h"

#define CF_HTTP_PEER_CONNS_MAX 16   /* connections to one peer              */
#define CF_HTTP_ASKS_MAX       4096 /* under way or waiting, over all peers */

/* 0 means the default in brackets. */
typedef struct {
  size_t   body_max;   /* [64 MiB] of an answer                              */
  unsigned timeout_ms; /* [10000] for asks that name none                    */
  unsigned idle_ms;    /* [15000] a kept connection; below servers' patience */
} cf_http_client_limits_t;

typedef struct cf_http_client cf_http_client_t;

/* cf_http_client_new makes a client of peer_cnt peers; urls and done are
   copied and borrowed.  NULL when memory is out. */
cf_http_client_t *cf_http_client_new(cf_loop_t *loop, cf_done_queue_t *done, cf_url_t const *urls, size_t peer_cnt,
                                     cf_http_client_limits_t const *limits);
void              cf_http_client_free(cf_http_client_t *client);

/* cf_http_client_ask asks peer for what ("GET /path?query", "POST /path"),
   below the peer's URL, with body of the given content type (a POST's; NULL is
   application/octet-stream).  Everything is copied.  Exactly one entry with id
   follows in the queue, at the latest after timeout_ms:
     CF_OK               an answer came, whatever its code
     CF_ERR_IO           no connection, cut off, no answer in time, or too many asks
     CF_ERR_FORMAT, CF_ERR_UNSUPPORTED   what came is no HTTP that we take; also a
                         malformed what
     CF_ERR_BOUND        the answer is over body_max
   An ask is sent at most once: whether to repeat is the asker's to know. */
void cf_http_client_ask(cf_http_client_t *client, uint64_t id, unsigned peer, cf_span_t what, char const *type, cf_span_t body,
                        unsigned timeout_ms);

/* cf_http_client_next_ms is when cf_http_client_sweep has something to end (in
   mono_ms; UINT64_MAX: never). */
uint64_t cf_http_client_next_ms(cf_http_client_t const *client);
void     cf_http_client_sweep(cf_http_client_t *client);

/* cf_http_client_wait runs the loop until the queue has an entry and takes it
   (cf_done_free): for programs that have nothing else to do.  NULL when nothing
   is under way. */
cf_done_t *cf_http_client_wait(cf_http_client_t *client);

/* cf_http_get and cf_http_post ask one URL and wait.  The entry belongs to the
   caller (cf_done_free), whatever the result; its status is what is returned,
   and err says more. */
CF_MUST_CHECK cf_status_t cf_http_get(cf_done_t **out, char const *url, unsigned timeout_ms, cf_error_t *err);
CF_MUST_CHECK cf_status_t cf_http_post(cf_done_t **out, char const *url, char const *type, cf_span_t body, unsigned timeout_ms,
                                       cf_error_t *err);

#endif
