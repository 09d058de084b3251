#include "io/cf_loop.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH_MAX 256

cf_status_t
cf_loop_init(cf_loop_t *loop, cf_error_t *err) {
  *loop = (cf_loop_t){ .epfd = epoll_create1(EPOLL_CLOEXEC) };
  if (loop->epfd < 0) return cf_error_set(err, CF_ERR_IO, "epoll", 0, "%s", strerror(errno));
  return CF_OK;
}

void
cf_loop_fini(cf_loop_t *loop) {
  if (loop->epfd > 0) close(loop->epfd);
  *loop = (cf_loop_t){ .epfd = -1 };
}

static cf_status_t
add(cf_loop_t *loop, cf_watch_t *w, uint32_t events) {
  struct epoll_event ev = { .events = events, .data.ptr = w };
  return epoll_ctl(loop->epfd, EPOLL_CTL_ADD, w->fd, &ev) ? CF_ERR_IO : CF_OK;
}

cf_status_t cf_loop_add(cf_loop_t *loop, cf_watch_t *w) { return add(loop, w, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET); }
cf_status_t cf_loop_add_level(cf_loop_t *loop, cf_watch_t *w) { return add(loop, w, EPOLLIN); }

void
cf_loop_del(cf_loop_t *loop, cf_watch_t *w) {
  epoll_ctl(loop->epfd, EPOLL_CTL_DEL, w->fd, NULL);
  for (int i = 0; i < loop->batch_cnt; i++) {
    if (loop->batch[i].data.ptr == w) loop->batch[i].data.ptr = NULL;
  }
}

void
cf_loop_close(cf_loop_t *loop, cf_watch_t *w) {
  if (w->fd < 0) return;
  cf_loop_del(loop, w);
  close(w->fd);
  w->fd = -1;
}

void
cf_loop_wait(cf_loop_t *loop, unsigned timeout_ms) {
  struct epoll_event batch[BATCH_MAX];
  int                cnt = epoll_wait(loop->epfd, batch, BATCH_MAX, (int)timeout_ms);
  assert(cnt >= 0 || errno == EINTR);
  assert(!loop->batch); /* a watcher does not wait */
  loop->batch     = batch;
  loop->batch_cnt = cnt > 0 ? cnt : 0;
  for (int i = 0; i < loop->batch_cnt; i++) {
    cf_watch_t *w = batch[i].data.ptr;
    if (w) w->fn(w, batch[i].events);
  }
  loop->batch     = NULL;
  loop->batch_cnt = 0;
}
