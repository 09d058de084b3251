/* The client for https://: libcurl on the loop, with the questions and answers of io/cf_http_client.h.  Who lies behind a public name
   (a chain's nodes, who publishes collateral) is reached here, and nobody else: decision 11.

   libcurl is loaded when the first client is made, so that processes that ask nobody over TLS neither map nor run it.  TLS 1.2 at
   least, the certificate and its name checked against the system's roots; no redirects, proxies, cookies, credentials or
   compression, whatever the environment says. */
#ifndef CF_IO_HTTPS_CLIENT_H
#define CF_IO_HTTPS_CLIENT_H

#include "base/cf_error.h"
#include "io/cf_done.h"
#include "io/cf_loop.h"

#define CF_HTTPS_URL_MAX  512
#define CF_HTTPS_ASKS_MAX 256 /* under way, over all peers */

/* 0 or NULL means the default in brackets. */
typedef struct {
  size_t      body_max;   /* [64 MiB] of an answer                    */
  unsigned    timeout_ms; /* [10000] for asks that name none          */
  char const *ca_file;    /* [the system's] PEM of roots; borrowed    */
  size_t      fields_max; /* [none kept] of an answer's head          */
} cf_https_limits_t;

typedef struct cf_https_client cf_https_client_t;

/* cf_https_is says whether this client is the one for url. */
bool cf_https_is(char const *url);

/* cf_https_client_new makes a client of peer_cnt peers; urls are https://HOST[:PORT][/PATH], copied; loop and done are borrowed.
   CF_ERR_FORMAT, CF_ERR_BOUND (a URL); CF_ERR_UNSUPPORTED: libcurl is not on this machine, or too old; CF_ERR_IO: memory. */
CF_MUST_CHECK cf_status_t cf_https_client_new(cf_https_client_t **out, cf_loop_t *loop, cf_done_queue_t *done,
                                              char const *const *urls, size_t peer_cnt, cf_https_limits_t const *limits,
                                              cf_error_t *err);
void cf_https_client_free(cf_https_client_t *client); /* NULL is fine; asks under way never end */

/* cf_https_client_ask as cf_http_client_ask: what is "GET /path" or "POST /path" below the peer's URL ("POST /" is the URL itself).
   Exactly one entry with id follows, at the latest after timeout_ms: CF_OK whatever the answer's code; CF_ERR_IO; CF_ERR_FORMAT; and
     CF_ERR_AUTH   the peer did not prove its name
     CF_ERR_BOUND  the answer is over body_max, or its head over fields_max */
void cf_https_client_ask(cf_https_client_t *client, uint64_t id, unsigned peer, cf_span_t what, char const *type, cf_span_t body,
                         unsigned timeout_ms);

/* As cf_http_client_next_ms and _sweep. */
uint64_t cf_https_client_next_ms(cf_https_client_t const *client);
void     cf_https_client_sweep(cf_https_client_t *client);

#endif
