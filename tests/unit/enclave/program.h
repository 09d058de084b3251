/* The real program under a tracer: one thread starts it and notes its system calls, one answers as its launcher, the test's own is
   the gateway (world.h's carrier).  x86-64 and any other Linux alike: PTRACE_GET_SYSCALL_INFO. */
#ifndef CF_TEST_ENCLAVE_PROGRAM_H
#define CF_TEST_ENCLAVE_PROGRAM_H

#include "life.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM_CALLS 512
#define PROGRAM_DRAWS 4096

/* What getrandom gave it. */
typedef struct { size_t n; uint8_t b[64]; } draw_t;

typedef struct {
  world_t  *w;
  pid_t     pid;
  int       launcher, listener, gateway;
  struct sockaddr_un at; /* where it listens */
  socklen_t at_sz;
  pthread_t tracer, answerer;
  pthread_mutex_t mutex;
  pthread_cond_t  there;
  unsigned  uid;       /* not 0: whose it is, when we are root */
  bool      open_pool; /* memfd_secret is refused to it: root can read its locked memory then, and the tracer what it draws there */
  bool      started, confined;
  int       status;                /* of its end, as waitpid has it */
  uint64_t  messages;              /* types that crossed, as bits */
  uint64_t  calls[PROGRAM_CALLS]; /* since the filter was set       */
  draw_t    draws[PROGRAM_DRAWS];
  size_t    draws_cnt;
  uint8_t   layers;
} program_t;

static char program_path[512];

static inline void
program_find(void) {
  char    self[400];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  self[n]   = '\0';
  *strrchr(self, '/') = '\0';
  snprintf(program_path, sizeof program_path, "%s/../bin/counterfoil-enclave", self);
}

/* ---- the tracer's thread ---- */

static inline void
program_drew(program_t *p, uint64_t at, int64_t n) {
  if (n <= 0 || (size_t)n > sizeof p->draws[0].b || p->draws_cnt == PROGRAM_DRAWS) return;
  draw_t *d = &p->draws[p->draws_cnt];
  d->n      = (size_t)n;
  errno     = 0;
  for (size_t i = 0; i < d->n; i += sizeof(long)) {
    long word = ptrace(PTRACE_PEEKDATA, p->pid, at + i, NULL);
    memcpy(d->b + i, &word, d->n - i < sizeof word ? d->n - i : sizeof word);
  }
  p->draws_cnt += errno == 0;
}

static inline void
program_call(program_t *p, uint64_t entry[7], struct __ptrace_syscall_info const *info) {
  if (info->op == PTRACE_SYSCALL_INFO_ENTRY) {
    entry[0] = info->entry.nr;
    memcpy(entry + 1, info->entry.args, sizeof info->entry.args);
    if (p->confined && entry[0] < PROGRAM_CALLS) p->calls[entry[0]]++;
    return;
  }
  if (info->op != PTRACE_SYSCALL_INFO_EXIT) return;
  if (p->confined && entry[0] == SYS_getrandom) program_drew(p, entry[1], info->exit.rval);
  if (entry[0] == SYS_seccomp && entry[1] == SECCOMP_SET_MODE_FILTER && info->exit.rval == 0) p->confined = true;
}

/* The program is opened before: that user may not get at it by its path. */
_Noreturn static inline void
program_become(unsigned uid) {
  int fd = open(program_path, O_RDONLY | O_CLOEXEC);
  if (uid && geteuid() == 0 && (setgroups(0, NULL) || setgid(uid) || setuid(uid))) _exit(127);
  fexecve(fd, (char *[]){ (char[]){ "counterfoil-enclave" }, NULL }, (char *[]){ NULL });
  _exit(127);
}

static inline bool
memfd_secret_refuse(void) {
  scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
  return ctx && !seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(memfd_secret), 0) && !seccomp_load(ctx);
}

_Noreturn static inline void
program_child(int launcher, int listener, program_t const *p) {
  int a = fcntl(launcher, F_DUPFD_CLOEXEC, 10), b = fcntl(listener, F_DUPFD_CLOEXEC, 10);
  if (dup2(a, 3) < 0 || dup2(b, 4) < 0) _exit(127);
  if (p->open_pool && !memfd_secret_refuse()) _exit(127);
  ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  program_become(p->uid);
}

/* Without the page of the kernel that answers "what time is it" in user space, a clock that was asked shows as a system call. */
static inline void
program_no_vdso(pid_t pid) {
  struct __ptrace_syscall_info info;
  assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) > 0);
  long *at = (long *)(uintptr_t)info.stack_pointer + 1; /* argv, NULL, envp, NULL, pairs */
  for (int ends = 0; ends < 2; at++) ends += ptrace(PTRACE_PEEKDATA, pid, at, NULL) == 0;
  for (long type; (type = ptrace(PTRACE_PEEKDATA, pid, at, NULL)) != AT_NULL; at += 2)
    if (type == AT_SYSINFO_EHDR) ptrace(PTRACE_POKEDATA, pid, at, (void *)AT_IGNORE);
}

static inline void *
program_trace(void *arg) {
  program_t *p        = arg;
  uint64_t   entry[7] = { 0 };
  int        pair[2], sig;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  pid_t pid = fork();
  if (pid == 0) program_child(pair[1], p->listener, p);
  close(pair[1]);
  assert_int_equal(waitpid(pid, &p->status, __WALL), pid);
  assert_true(WIFSTOPPED(p->status));
  ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
  program_no_vdso(pid);
  pthread_mutex_lock(&p->mutex);
  p->pid      = pid;
  p->launcher = pair[0];
  p->started  = true;
  pthread_cond_signal(&p->there);
  pthread_mutex_unlock(&p->mutex);
  for (sig = 0;;) {
    struct __ptrace_syscall_info info;
    ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)sig);
    if (waitpid(pid, &p->status, __WALL) != pid || !WIFSTOPPED(p->status)) return NULL;
    sig = WSTOPSIG(p->status);
    if (sig != (SIGTRAP | 0x80)) continue;
    sig = 0;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) > 0) program_call(p, entry, &info);
  }
}

/* ---- frames ---- */

static inline bool
frame_put(int fd, cf_span_t s) {
  uint8_t head[4] = { (uint8_t)(s.len >> 24), (uint8_t)(s.len >> 16), (uint8_t)(s.len >> 8), (uint8_t)s.len };
  if (send(fd, head, 4, MSG_NOSIGNAL) != 4) return false;
  for (size_t at = 0; at < s.len;) {
    ssize_t n = send(fd, s.ptr + at, s.len - at, MSG_NOSIGNAL);
    if (n <= 0) return false;
    at += (size_t)n;
  }
  return true;
}

static inline bool
frame_get(int fd, cf_wr_t *wr) {
  uint8_t head[4];
  if (recv(fd, head, 4, MSG_WAITALL) != 4) return false;
  size_t   n  = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
  uint8_t *at = cf_wr_room(wr, n);
  return at && recv(fd, at, n, MSG_WAITALL) == (ssize_t)n;
}

static inline void *
program_answer(void *arg) {
  program_t *p = arg;
  uint8_t    buf[8192], answer[3] = { CF_BOUNDARY_VERSION };
  for (;;) {
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    if (!frame_get(p->launcher, &wr)) return NULL;
    cf_rd_t rd = cf_rd_span(cf_wr_out(&wr));
    (void)cf_rd_u8(&rd);
    answer[1] = cf_rd_u8(&rd);
    p->messages |= 1ull << answer[1];
    if (answer[1] == CF_MSG_SEAL) {
      uint64_t number = cf_rd_u64(&rd);
      (void)launcher_seal(p->w, number, cf_rd_take(&rd, 32));
    } else (void)launcher_quote(p->w, r_span(&rd), NULL, 0);
    if (!frame_put(p->launcher, CF_SPAN_OF(answer))) return NULL;
  }
}

static inline void
program_carry(void *ctx, cf_span_t request, cf_wr_t *answer) {
  program_t *p = ctx;
  p->messages |= 1ull << request.ptr[1];
  if (!frame_put(p->gateway, request) || !frame_get(p->gateway, answer)) fail_msg("the program ended: status %x", p->status);
}

/* ---- a life ---- */

static inline void
program_connect(program_t *p) {
  p->gateway = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(p->gateway, (struct sockaddr *)&p->at, p->at_sz), 0);
}

/* program_exec runs it up to where it waits for START, with a listening socket in the abstract name space. */
static inline void
program_exec(program_t *p) {
  p->at       = (struct sockaddr_un){ .sun_family = AF_UNIX };
  p->at_sz    = sizeof p->at;
  p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(p->listener, (struct sockaddr *)&p->at, sizeof(sa_family_t)), 0); /* the kernel picks the name */
  assert_int_equal(listen(p->listener, 4), 0);
  assert_int_equal(getsockname(p->listener, (struct sockaddr *)&p->at, &p->at_sz), 0);
  p->started = p->confined = false;
  pthread_mutex_init(&p->mutex, NULL);
  pthread_cond_init(&p->there, NULL);
  assert_int_equal(pthread_create(&p->tracer, NULL, program_trace, p), 0);
  pthread_mutex_lock(&p->mutex);
  while (!p->started) pthread_cond_wait(&p->there, &p->mutex);
  pthread_mutex_unlock(&p->mutex);
  program_connect(p);
  close(p->listener);
}

static inline void
program_start(program_t *p, world_t *w, bool with_root) {
  uint8_t buf[128];
  p->w = w;
  program_exec(p);
  cf_span_t start = world_start(w, with_root);
  cf_wr_t   wr    = cf_wr_init(buf, sizeof buf);
  assert_true(frame_put(p->launcher, start));
  if (!frame_get(p->launcher, &wr)) fail_msg("the program did not start: status %x", p->status);
  assert_int_equal(wr.len, 2 + 64 + 1);
  p->layers = buf[66];
  p->messages |= 1ull << CF_MSG_START | 1ull << buf[1];
  assert_int_equal(pthread_create(&p->answerer, NULL, program_answer, p), 0);
  w->fed     = 0;
  w->carry   = program_carry;
  w->carrier = p;
}

/* program_end is the launcher gone: the program exits by itself. */
static inline void
program_end(program_t *p) {
  shutdown(p->launcher, SHUT_RDWR);
  pthread_join(p->answerer, NULL);
  pthread_join(p->tracer, NULL);
  close(p->launcher);
  close(p->gateway);
}

#endif
