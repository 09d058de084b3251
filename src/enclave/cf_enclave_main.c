/* counterfoil-enclave: the shell around the core.  Two inherited descriptors, no
   network, no files, no clock: 3 is the launcher, 4 a listening socket for the
   gateway, one connection at a time.  Everything is dropped before the first byte
   is read (cf_sandbox.h). */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "enclave/cf_enclave.h"
#include "enclave/cf_sandbox.h"

enum { LAUNCHER = 3, LISTENER = 4, EXIT_LAUNCHER_GONE = 0, EXIT_SANDBOX = 10, EXIT_START = 11, EXIT_MEMORY = 12 };

/* Room for locked secrets: keys of this process's epoch and of those in grace. */
#define SECRETS_SZ (64u << 10)

/* Room for the book and all that stands beside it, mapped and locked before it is known how much is needed: under the filter neither
   can be done, and in a user namespace of its own the process may lock no more than a user may.  A page exists once it is touched. */
#define ARENA_SZ (1u << 30)

static uint8_t *exchange; /* CF_EXCHANGE_MAX: a request, and its answer behind it */
static uint8_t *arena;    /* ARENA_SZ, until START */

/* ---- frames: u32 length, bytes ---- */

static bool
read_all(int fd, uint8_t *at, size_t n) {
  while (n) {
    ssize_t got = read(fd, at, n);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    n -= (size_t)got;
  }
  return true;
}

static bool
write_all(int fd, uint8_t const *at, size_t n) {
  while (n) {
    ssize_t put = write(fd, at, n);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    at += put;
    n -= (size_t)put;
  }
  return true;
}

static bool
frame_read(int fd, uint8_t *buf, size_t *n) {
  uint8_t head[4];
  if (!read_all(fd, head, sizeof head)) return false;
  *n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
  return *n <= CF_FRAME_MAX && read_all(fd, buf, *n);
}

static bool
frame_write(int fd, cf_span_t body) {
  uint8_t head[4] = { (uint8_t)(body.len >> 24), (uint8_t)(body.len >> 16), (uint8_t)(body.len >> 8), (uint8_t)body.len };
  return write_all(fd, head, sizeof head) && write_all(fd, body.ptr, body.len);
}

/* ---- the launcher's side: what the core asks of it ---- */

static cf_status_t
ask_launcher(cf_wr_t const *wr, cf_message_type_t type) {
  uint8_t head[4], reply[3];
  if (wr->bad || !frame_write(LAUNCHER, cf_wr_out(wr)) || !read_all(LAUNCHER, head, sizeof head)) return CF_ERR_IO;
  if (head[0] || head[1] || head[2] || head[3] != sizeof reply || !read_all(LAUNCHER, reply, sizeof reply)) return CF_ERR_IO;
  return reply[0] == CF_BOUNDARY_VERSION && reply[1] == type && reply[2] == 0 ? CF_OK : CF_ERR_IO;
}

static cf_status_t
seal(void *ctx, uint64_t number, uint8_t const root[32]) {
  uint8_t buf[2 + 8 + 32];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_SEAL);
  cf_wr_u64(&wr, number);
  cf_wr_bytes(&wr, root, 32);
  cf_status_t st = ask_launcher(&wr, CF_MSG_SEAL);
  cf_wipe(buf, sizeof buf);
  return st;
}

static cf_status_t
quote(void *ctx, cf_span_t certificate, cf_hash_t const *nonces, size_t nonces_cnt) {
  uint8_t buf[4096];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_QUOTE);
  cf_wr_u32(&wr, (uint32_t)certificate.len);
  cf_wr_span(&wr, certificate);
  cf_wr_u8(&wr, (uint8_t)nonces_cnt);
  for (size_t i = 0; i < nonces_cnt; i++) cf_wr_hash(&wr, &nonces[i]);
  return ask_launcher(&wr, CF_MSG_QUOTE);
}

/* ---- the gateway's side ---- */

static cf_wr_t
answer_behind(size_t n) {
  size_t at = (n + 63) & ~(size_t)63, left = CF_EXCHANGE_MAX - at;
  return cf_wr_init(exchange + at, left < CF_FRAME_MAX ? left : CF_FRAME_MAX);
}

/* Nothing is printed or returned about why: the gateway is told in the answer, the launcher sees us end. */
static void
serve(cf_enclave_t *e) {
  struct pollfd fds[3] = { { .fd = LAUNCHER, .events = POLLIN }, { .fd = LISTENER, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
  for (;;) {
    if (poll(fds, 3, -1) < 0 && errno != EINTR) return;
    if (fds[0].revents || fds[1].revents & ~POLLIN) return; /* the launcher only speaks when asked: it is gone, or the listener is */
    if (fds[1].revents & POLLIN) {
      int fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
      if (fd >= 0 && fds[2].fd >= 0) close(fds[2].fd); /* the newest gateway is the one */
      if (fd >= 0) fds[2] = (struct pollfd){ .fd = fd, .events = POLLIN };
      continue;
    }
    if (fds[2].fd < 0 || !fds[2].revents) continue;
    size_t n;
    bool   ok = frame_read(fds[2].fd, exchange, &n);
    if (ok) {
      cf_wr_t wr = answer_behind(n);
      cf_enclave_ask(e, exchange, n, &wr);
      ok = frame_write(fds[2].fd, cf_wr_out(&wr));
    }
    if (!ok) {
      close(fds[2].fd);
      fds[2].fd = -1;
    }
  }
}

/* Not in core files, and not in swap where a limit does not forbid it: *locked. */
static uint8_t *
map(size_t n, bool *locked) {
  void *at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) _exit(EXIT_MEMORY);
  (void)madvise(at, n, MADV_DONTDUMP);
  *locked = mlock2(at, n, MLOCK_ONFAULT) == 0;
  return at;
}

/* What START needs of the arena, n bytes, stays. */
static bool
arena_cut(size_t n, bool *locked) {
  if (n > ARENA_SZ - 65536) return false;
  n = (n + 65535) & ~(size_t)65535; /* whole pages, whatever their size */
  if (munmap(arena + n, ARENA_SZ - n)) return false;
  if (!*locked) *locked = mlock(arena, n) == 0;
  return true;
}

/* Nothing but 3 and 4: where a library would print, there is a pipe that nobody reads, and no number of those is left for a gateway. */
static bool
descriptors_drop(void) {
  int none[2];
  if (pipe(none)) return false;
  for (int fd = 0; fd < LAUNCHER; fd++)
    if (dup2(none[0], fd) < 0) return false;
  return close_range(LISTENER + 1, ~0u, 0) == 0;
}

int
main(void) {
  unsigned         layers;
  bool             frames_locked, locked;
  struct sigaction ignore = { .sa_handler = SIG_IGN };
  (void)sigaction(SIGPIPE, &ignore, NULL);
  if (cf_secret_pool_init(SECRETS_SZ)) return EXIT_MEMORY;
  cf_crypto_init();
  exchange = map(CF_EXCHANGE_MAX, &frames_locked);
  arena    = map(ARENA_SZ, &locked);
  if (!descriptors_drop() || cf_sandbox_enter(LISTENER, &layers, NULL)) return EXIT_SANDBOX;

  size_t n;
  if (!frame_read(LAUNCHER, exchange, &n)) return EXIT_LAUNCHER_GONE;
  size_t         size = cf_enclave_sz(CF_SPAN(exchange, n), NULL);
  cf_enclave_t  *e;
  cf_launcher_t  launcher = { seal, quote, NULL };
  if (!size) return EXIT_START;
  if (!arena_cut(size, &locked)) return EXIT_MEMORY;
  if (locked) layers |= CF_LAYER_LOCKED;
  if (cf_enclave_start(&e, arena, size, CF_SPAN(exchange, n), cf_entropy_system(), launcher, NULL)) return EXIT_START;
  cf_wipe(exchange, n); /* roots were in it */

  cf_p256_pub_t pub;
  cf_wr_t       wr = answer_behind(0);
  cf_enclave_identity(e, &pub);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_IDENTITY);
  cf_wr_bytes(&wr, pub.b, sizeof pub.b);
  cf_wr_u8(&wr, (uint8_t)layers);
  if (frame_write(LAUNCHER, cf_wr_out(&wr))) serve(e);
  cf_enclave_end(e);
  return 0;
}
