/* The limit of the request rows: a bare server that does, of what a request takes, only what no implementation can leave out.
   An epoll responder reads what is ready, opens every envelope of it with libcrypto's AES-256-GCM under the session's key,
   writes all their bytes with one O_DIRECT | O_DSYNC write to a file made before, and answers with as many bytes as ours.
   It keeps no sessions, checks no header, hashes, signs, encodes and copies nothing. */
#ifndef CF_BENCH_FLOOR_H
#define CF_BENCH_FLOOR_H

#include <openssl/evp.h>
#include <sys/prctl.h>

#include "bench_load.h"

enum { FLOOR_FILE_SZ = 64 << 20, FLOOR_BOX_SZ = 256 + 16, FLOOR_AAD_SZ = 192, FLOOR_IN_MAX = 1 << 17 };

typedef struct {
  pid_t    pid;
  uint16_t port;
} bench_floor_t;

typedef struct {
  int    fd;
  size_t len;
  char   in[FLOOR_IN_MAX];
} floor_conn_t;

typedef struct {
  EVP_CIPHER_CTX *gcm;
  int             file;
  size_t          at;
  uint8_t        *block;
  char           *answer;
  size_t          answer_sz;
} floor_t;

/* Ends in a tag that does not fit the made-up key: checking it is part of the work. */
static void floor_open(floor_t *f, cf_span_t envelope) {
  uint8_t        plain[FLOOR_BOX_SZ], tag[16];
  uint8_t const *box = envelope.ptr + envelope.len - FLOOR_BOX_SZ;
  int            n;
  memcpy(tag, box + 256, sizeof tag);
  bench_check(EVP_DecryptInit_ex(f->gcm, NULL, NULL, box, box + 32) == 1 &&
                  EVP_DecryptUpdate(f->gcm, NULL, &n, box, FLOOR_AAD_SZ) == 1 &&
                  EVP_DecryptUpdate(f->gcm, plain, &n, box, 256) == 1 &&
                  EVP_CIPHER_CTX_ctrl(f->gcm, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1,
              "floor: decrypt");
  (void)EVP_DecryptFinal_ex(f->gcm, plain + 256, &n);
}

/* Bytes to be durable. */
static size_t floor_request(floor_t *f, cf_span_t body) {
  cf_rd_t rd = cf_rd_span(body);
  while (cf_rd_left(&rd)) {
    cf_span_t envelope = cf_rd_take_span(&rd, cf_rd_u32(&rd));
    bench_check(envelope.len >= FLOOR_BOX_SZ, "floor: envelope");
    floor_open(f, envelope);
  }
  return body.len;
}

static void floor_durable(floor_t *f, size_t sz) {
  sz = (sz + 4095) / 4096 * 4096;
  if (!sz) return;
  if (f->at + sz > FLOOR_FILE_SZ) f->at = 0;
  bench_check(pwrite(f->file, f->block, sz, (off_t)f->at) == (ssize_t)sz, "floor: write");
  f->at += sz;
}

static void floor_accept(int listener, int epoll) {
  floor_conn_t *c = calloc(1, sizeof *c);
  bench_check(c != NULL, "floor: memory");
  c->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = c});
}

/* True when a request is whole: then it is worked on, and *sz grows by what is to be durable. */
static bool floor_read(floor_t *f, floor_conn_t *c, size_t *sz) {
  ssize_t   n = recv(c->fd, c->in + c->len, sizeof c->in - 1 - c->len, MSG_DONTWAIT);
  cf_span_t body;
  if (n <= 0) {
    close(c->fd);
    free(c);
    return false;
  }
  c->len += (size_t)n;
  if (!bench_message(&body, (uint8_t *)c->in, c->len)) return false;
  if (c->in[0] == 'P') *sz += floor_request(f, body);
  c->len = 0;
  return true;
}

static void floor_serve(floor_t *f, int listener) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN});
  for (;;) {
    struct epoll_event ready[LOAD_CONNS_MAX + 1];
    int                n = epoll_wait(epoll, ready, LOAD_CONNS_MAX + 1, -1), due[LOAD_CONNS_MAX];
    size_t             due_cnt = 0, sz = 0;
    for (int i = 0; i < n; i++) {
      floor_conn_t *c = ready[i].data.ptr;
      if (!c) floor_accept(listener, epoll);
      else if (floor_read(f, c, &sz)) due[due_cnt++] = c->fd;
    }
    floor_durable(f, sz);
    for (size_t i = 0; i < due_cnt; i++)
      bench_check(send(due[i], f->answer, f->answer_sz, MSG_NOSIGNAL) == (ssize_t)f->answer_sz, "floor: send");
  }
}

/* Starts the bare server on one processor; it answers with body_sz bytes. */
static bench_floor_t bench_floor_start(char const *file, size_t body_sz, int cpu) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t          at_sz = sizeof at;
  int                listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bench_check(bind(listener, (struct sockaddr *)&at, at_sz) == 0 && listen(listener, 64) == 0 &&
                  getsockname(listener, (struct sockaddr *)&at, &at_sz) == 0,
              "floor: listen");
  bench_floor_t out = {.pid = fork(), .port = ntohs(at.sin_port)};
  bench_check(out.pid >= 0, "fork");
  if (out.pid) {
    close(listener);
    return out;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  bench_pin(0, cpu);
  floor_t     f = {.gcm = EVP_CIPHER_CTX_new(), .answer = calloc(1, body_sz + 256)};
  EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
  f.block = aligned_alloc(4096, FLOOR_FILE_SZ);
  f.file = open(file, O_RDWR | O_CREAT | O_DIRECT | O_DSYNC | O_CLOEXEC, 0600);
  bench_check(f.gcm && f.answer && f.block && gcm && f.file >= 0 && EVP_DecryptInit_ex(f.gcm, gcm, NULL, NULL, NULL) == 1,
              "floor");
  memset(f.block, 1, FLOOR_FILE_SZ);
  if (lseek(f.file, 0, SEEK_END) < FLOOR_FILE_SZ)
    bench_check(pwrite(f.file, f.block, FLOOR_FILE_SZ, 0) == FLOOR_FILE_SZ, "floor: prewrite");
  f.answer_sz = (size_t)sprintf(f.answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body_sz) + body_sz;
  floor_serve(&f, listener);
  _exit(0);
}

static inline void bench_floor_stop(bench_floor_t const *f) {
  kill(f->pid, SIGKILL);
  waitpid(f->pid, NULL, 0);
}

#endif
