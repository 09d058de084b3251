/* A load generator over loopback HTTP: one thread, some connections kept open, one request under way on each. */
#ifndef CF_BENCH_LOAD_H
#define CF_BENCH_LOAD_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cf_bytes.h"
#include "bench.h"

enum { LOAD_CONNS_MAX = 64, LOAD_ANSWER_MAX = 1 << 20, LOAD_SAMPLES_MAX = 1 << 20 };

/* next writes the next request of a connection; false when there is none left.  answered sees each body. */
typedef struct {
  bool (*next)(void *ctx, cf_span_t *request);
  void (*answered)(void *ctx, unsigned code, cf_span_t body);
  void *ctx;
} bench_work_t;

typedef struct {
  double seconds;
  size_t answers;
  double p50_us, p99_us;
} bench_load_t;

typedef struct {
  int      fd;
  double   sent_s;
  uint8_t *buf;
  size_t   len;
} bench_conn_t;

static inline int bench_connect(uint16_t port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  bench_check(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0, "connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static inline bool bench_conn_send(bench_conn_t *c, bench_work_t const *work) {
  cf_span_t request;
  if (!work->next(work->ctx, &request)) return false;
  c->sent_s = bench_now_s();
  c->len = 0;
  for (size_t at = 0; at < request.len;) {
    ssize_t n = send(c->fd, request.ptr + at, request.len - at, MSG_NOSIGNAL);
    bench_check(n > 0, "the server closed a connection");
    at += (size_t)n;
  }
  return true;
}

/* Length of a whole message at the front of buf, 0 while it is not whole; *body is what follows its head. */
static inline size_t bench_message(cf_span_t *body, uint8_t *buf, size_t len) {
  buf[len] = 0;
  char *end = strstr((char *)buf, "\r\n\r\n"), *at;
  if (!end) return 0;
  *end = 0;
  at = strcasestr((char *)buf, "\r\ncontent-length:");
  size_t head = (size_t)(end - (char *)buf) + 4, n = at ? strtoul(at + 17, NULL, 10) : 0;
  *end = '\r';
  *body = CF_SPAN(buf + head, n);
  return len - head >= n ? head + n : 0;
}

/* True when the answer is whole. */
static inline bool bench_conn_read(bench_conn_t *c, bench_work_t const *work) {
  ssize_t   n = recv(c->fd, c->buf + c->len, LOAD_ANSWER_MAX - c->len - 1, MSG_DONTWAIT);
  cf_span_t body;
  bench_check(n > 0 || (n < 0 && errno == EAGAIN), "the server closed a connection");
  if (n > 0) c->len += (size_t)n;
  if (!bench_message(&body, c->buf, c->len)) return false;
  work->answered(work->ctx, (unsigned)strtoul((char *)c->buf + 9, NULL, 10), body);
  return true;
}

static inline bench_load_t bench_load(uint16_t port, size_t conn_cnt, double seconds, bench_work_t const *work) {
  static double      sample[LOAD_SAMPLES_MAX];
  static uint8_t     bufs[LOAD_CONNS_MAX][LOAD_ANSWER_MAX];
  bench_conn_t       conn[LOAD_CONNS_MAX] = {0};
  struct epoll_event ready[LOAD_CONNS_MAX];
  bench_load_t       out = {0};
  int                epoll = epoll_create1(EPOLL_CLOEXEC);
  size_t             open = 0;
  for (size_t i = 0; i < conn_cnt; i++) {
    conn[i] = (bench_conn_t){.fd = bench_connect(port), .buf = bufs[i]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, conn[i].fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &conn[i]});
  }
  double start = bench_now_s(), end = start;
  for (size_t i = 0; i < conn_cnt; i++) open += bench_conn_send(&conn[i], work);
  while (open) {
    int n = epoll_wait(epoll, ready, LOAD_CONNS_MAX, 10000);
    bench_check(n > 0, "no answer in 10 s");
    for (int i = 0; i < n; i++) {
      bench_conn_t *c = ready[i].data.ptr;
      if (!bench_conn_read(c, work)) continue;
      end = bench_now_s();
      if (out.answers < LOAD_SAMPLES_MAX) sample[out.answers++] = end - c->sent_s;
      open -= end - start >= seconds || !bench_conn_send(c, work);
    }
  }
  for (size_t i = 0; i < conn_cnt; i++) close(conn[i].fd);
  close(epoll);
  bench_check(out.answers != 0, "nothing was answered");
  out.seconds = end - start;
  out.p50_us = bench_median(sample, out.answers) * 1e6; /* sorts */
  out.p99_us = sample[out.answers * 99 / 100] * 1e6;
  return out;
}

#endif
