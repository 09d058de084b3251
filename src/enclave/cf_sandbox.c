#include "enclave/cf_sandbox.h"

#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's Landlock structure with the fields that came after Debian's headers. */
typedef struct {
  uint64_t fs;
  uint64_t net;
  uint64_t scoped;
} ruleset_t;

/* All rights that the running kernel knows are handled, none is granted. */
static void
landlock_deny_all(void) {
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return;
  static unsigned char const fs_bits[] = { 0, 13, 14, 15, 15, 16, 16, 16 }; /* by ABI */
  ruleset_t                  r         = { .fs = (1ULL << fs_bits[abi > 7 ? 7 : abi]) - 1 };
  size_t                     size      = sizeof r.fs;
  if (abi >= 4) {
    r.net = 3; /* bind and connect TCP */
    size  = offsetof(ruleset_t, scoped);
  }
  if (abi >= 6) {
    r.scoped = 3; /* abstract sockets, signals */
    size     = sizeof r;
  }
  int fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
  if (fd < 0) return;
  (void)syscall(SYS_landlock_restrict_self, fd, 0);
  close(fd);
}

#define ALLOW(name) ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(name), 0) == 0

static int
filter(int listen_fd) {
  scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (!ctx) return -1;
  int ok = 1;
  ALLOW(read);
  ALLOW(write);
  ALLOW(close);
  ALLOW(poll);
  ALLOW(ppoll);
  ALLOW(futex);
  ALLOW(getrandom);
  ALLOW(clock_gettime);
  ALLOW(brk);
  ALLOW(munmap);
  ALLOW(madvise);
  ALLOW(mlock);
  ALLOW(restart_syscall);
  ALLOW(rt_sigreturn);
  ALLOW(exit);
  ALLOW(exit_group);
  ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(accept4), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)listen_fd, 0)) == 0;
  /* memory: anonymous, and never executable */
  ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                              SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)) == 0;
  ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
  ok = ok && seccomp_load(ctx) == 0;
  seccomp_release(ctx);
  return ok ? 0 : -1;
}

cf_status_t
cf_sandbox_enter(int listen_fd, char const **what) {
  char const         *none = NULL;
  struct rlimit const zero = { 0, 0 };
  if (!what) what = &none;
  *what = "no-new-privileges";
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return CF_ERR_IO;
  *what = "not dumpable";
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &zero)) return CF_ERR_IO;
  /* Defence in depth, where the kernel grants it: without them the filter below still leaves nothing to open. */
  (void)!unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
  landlock_deny_all();
  *what = "seccomp filter";
  return filter(listen_fd) ? CF_ERR_IO : CF_OK;
}
