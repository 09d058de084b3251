/* What the tests of this room share: a folder of their own, raw sockets, and a
   host in a child process. */
#ifndef CF_TEST_IO_UTIL_H
#define CF_TEST_IO_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/cf_clock.h"
#include "io/cf_host.h"
#include "io/cf_net.h"

#define S(lit) CF_SPAN_LIT(lit)
#define TEXT_SPAN(s) CF_SPAN((s), strlen(s))

static char tmp_dir[64];

static inline int
tmp_make(void **state) {
  snprintf(tmp_dir, sizeof tmp_dir, "/tmp/cf-io-XXXXXX");
  return mkdtemp(tmp_dir) ? 0 : -1;
}

static inline int
rm_one(char const *path, struct stat const *is, int flag, struct FTW *at) {
  return remove(path);
}

static inline int
tmp_remove(void **state) {
  nftw(tmp_dir, rm_one, 16, FTW_DEPTH | FTW_PHYS);
  return 0;
}

/* a path in the folder; four may be in use at once */
static inline char const *
tmp_path(char const *name) {
  static char     paths[4][256];
  static unsigned turn;
  char           *out = paths[turn++ % 4];
  snprintf(out, sizeof paths[0], "%s/%s", tmp_dir, name);
  return out;
}

static inline void
write_file(char const *name, void const *bytes, size_t n) {
  int fd = open(tmp_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, n), n);
  close(fd);
}

/* the file's bytes, NUL-terminated; NULL if there is none */
static inline char *
read_file(char const *name, size_t *size) {
  static char buf[1 << 20];
  int         fd = open(tmp_path(name), O_RDONLY);
  if (fd < 0) return NULL;
  ssize_t n = read(fd, buf, sizeof buf - 1);
  close(fd);
  assert_true(n >= 0);
  buf[n] = 0;
  if (size) *size = (size_t)n;
  return buf;
}

/* ---- sockets ---- */

static inline int
dial(uint16_t port) {
  struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
  return fd;
}

static inline void
say(int fd, void const *bytes, size_t n) {
  assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
}

static inline void
say_text(int fd, char const *text) {
  say(fd, text, strlen(text));
}

/* reads until the text holds want (if not NULL), the end, or timeout_ms; NUL-terminated */
static inline char *
hear(int fd, char const *want, int timeout_ms) {
  static char   buf[1 << 20];
  size_t        n    = 0;
  uint64_t      till = cf_clock_mono_ms() + (uint64_t)timeout_ms;
  struct pollfd p    = { .fd = fd, .events = POLLIN };
  buf[0]             = 0;
  while (cf_clock_mono_ms() < till && n < sizeof buf - 1) {
    if (poll(&p, 1, 10) <= 0) continue;
    ssize_t got = recv(fd, buf + n, sizeof buf - 1 - n, 0);
    if (got <= 0) break;
    n += (size_t)got;
    buf[n] = 0;
    if (want && strstr(buf, want)) break;
  }
  return buf;
}

static inline bool
is_closed(int fd, int timeout_ms) {
  char          sink[4096];
  uint64_t      till = cf_clock_mono_ms() + (uint64_t)timeout_ms;
  struct pollfd p    = { .fd = fd, .events = POLLIN };
  while (cf_clock_mono_ms() < till) {
    if (poll(&p, 1, 10) > 0 && recv(fd, sink, sizeof sink, 0) <= 0) return true;
  }
  return false;
}

/* one exchange on a connection of its own: what came until the server closed, or 2 s */
static inline char *
exchange(uint16_t port, void const *request, size_t n) {
  int fd = dial(port);
  say(fd, request, n);
  shutdown(fd, SHUT_WR);
  char *out = hear(fd, NULL, 3000);
  close(fd);
  return out;
}

/* ---- a host in a child ---- */

typedef struct {
  pid_t    pid;
  uint16_t port;
} host_proc_t;

/* forks a host with that configuration, a listener on a free port and tmp_dir as folder (unless named); waits until ready */
static inline host_proc_t
host_start(cf_host_config_t cfg, cf_step_fn_t *step, void *core) {
  host_proc_t h = { 0 };
  int         ready[2];
  if (!cfg.folder) cfg.folder = tmp_dir;
  assert_int_equal(cf_net_listen(&cfg.listen_fd, "127.0.0.1", 0, NULL), CF_OK);
  assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
  h.port = cf_net_port(cfg.listen_fd);
  fflush(NULL);
  h.pid = fork();
  assert_true(h.pid >= 0);
  if (h.pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nobody behind */
    close(ready[0]);
    cfg.ready_fd = ready[1];
    _exit(cf_host_run(&cfg, step, core));
  }
  close(cfg.listen_fd);
  close(ready[1]);
  char byte;
  (void)!read(ready[0], &byte, 1); /* an end without a byte: it is gone already, and the test will see */
  close(ready[0]);
  return h;
}

static inline int
host_wait(host_proc_t h) {
  int status;
  assert_int_equal(waitpid(h.pid, &status, 0), h.pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static inline int
host_stop(host_proc_t h) {
  kill(h.pid, SIGTERM);
  return host_wait(h);
}

#endif
