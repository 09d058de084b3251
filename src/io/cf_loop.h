/* One epoll descriptor and the things it watches.  Edge-triggered watchers are
   registered once for both directions, so that a request costs no epoll_ctl:
   their owner remembers "readable" and "writable" and trusts only the results
   of his own reads and writes. */
#ifndef CF_IO_LOOP_H
#define CF_IO_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include "base/cf_error.h"

typedef struct cf_watch cf_watch_t;
typedef void            cf_watch_fn_t(cf_watch_t *w, uint32_t events);

/* cf_watch_t is embedded as the first member of what is watched. */
struct cf_watch {
  int            fd;
  cf_watch_fn_t *fn;
};

typedef struct {
  int                 epfd;
  struct epoll_event *batch; /* being dispatched */
  int                 batch_cnt;
} cf_loop_t;

CF_MUST_CHECK cf_status_t cf_loop_init(cf_loop_t *loop, cf_error_t *err);
void                      cf_loop_fini(cf_loop_t *loop);

/* cf_loop_add watches w->fd, which is non-blocking: edge-triggered in both
   directions.  cf_loop_add_level is for what may be left unread on purpose
   (listeners).  CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_loop_add(cf_loop_t *loop, cf_watch_t *w);
CF_MUST_CHECK cf_status_t cf_loop_add_level(cf_loop_t *loop, cf_watch_t *w);

/* cf_loop_del stops watching; events of w that were already fetched are
   dropped, so w may be reused at once.  cf_loop_close also closes w->fd and
   sets it to -1. */
void cf_loop_del(cf_loop_t *loop, cf_watch_t *w);
void cf_loop_close(cf_loop_t *loop, cf_watch_t *w);

/* cf_loop_wait waits at most timeout_ms and calls the watchers of one batch. */
void cf_loop_wait(cf_loop_t *loop, unsigned timeout_ms);

#endif
