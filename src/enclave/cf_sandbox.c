#include "enclave/cf_sandbox.h"

#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "document/cf_boundary.h"

/* The kernel's Landlock structure with the fields that came after Debian's headers. */
typedef struct {
  uint64_t fs;
  uint64_t net;
  uint64_t scoped;
} ruleset_t;

/* All rights that the running kernel knows are handled, none is granted.  The layers that it makes; 0: this kernel has none. */
static unsigned
landlock_deny_all(void) {
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return 0;
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
  if (fd < 0) return 0;
  bool done = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
  close(fd);
  if (!done) return 0;
  return CF_LAYER_FILES | (abi >= 4 ? CF_LAYER_NETWORK : 0) | (abi >= 6 ? CF_LAYER_SCOPES : 0);
}

/* In a namespace of its own it would have all of them again, over that namespace. */
static bool
capabilities_drop(void) {
  struct __user_cap_header_struct     head = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct const none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
  return syscall(SYS_capset, &head, none) == 0;
}

/* Why each call is there: a test lets the whole life of an enclave pass and finds each of them made, or says why not. */
cf_sandbox_call_t const cf_sandbox_calls[] = {
  { SCMP_SYS(read), false, "read", "frames" },
  { SCMP_SYS(write), false, "write", "frames" },
  { SCMP_SYS(close), false, "close", "a gateway that is gone" },
  { SCMP_SYS(accept4), false, "accept4", "the next gateway; on the listening socket alone" },
  { SCMP_SYS(poll), false, "poll", "waits for whoever speaks" },
  { SCMP_SYS(restart_syscall), false, "restart_syscall", "poll again after the process was stopped and continued" },
  { SCMP_SYS(getrandom), false, "getrandom", "keys, salts, nonces of signatures" },
  { SCMP_SYS(munmap), false, "munmap", "what START turned out not to need of the memory that was mapped before" },
  { SCMP_SYS(mlock), true, "mlock", "the book, where a user's limit did not let all of that memory be locked before" },
  { SCMP_SYS(brk), true, "brk", "malloc, should libcrypto want more than it had at start, or give some back" },
  { SCMP_SYS(futex), false, "futex", "libcrypto's pthread_once, which wakes whoever might wait" },
  { SCMP_SYS(exit_group), false, "exit_group", "the end" },
};
size_t const cf_sandbox_calls_cnt = sizeof cf_sandbox_calls / sizeof cf_sandbox_calls[0];

/* What a call's arguments must be; libseccomp wants them at the rule. */
static int
allow(scmp_filter_ctx ctx, int number, int listen_fd) {
  if (number == SCMP_SYS(accept4))
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, number, 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)listen_fd, 0));
  return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, number, 0);
}

static int
filter(int listen_fd) {
  scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (!ctx) return -1;
  bool ok = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0;
  for (size_t i = 0; i < cf_sandbox_calls_cnt; i++) ok = ok && allow(ctx, cf_sandbox_calls[i].number, listen_fd) == 0;
  ok = ok && seccomp_load(ctx) == 0;
  seccomp_release(ctx);
  return ok ? 0 : -1;
}

cf_status_t
cf_sandbox_enter(int listen_fd, unsigned *layers, char const **what) {
  char const         *none = NULL;
  struct rlimit const zero = { 0, 0 };
  if (!what) what = &none;
  *what = "no-new-privileges";
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return CF_ERR_IO;
  *what = "not dumpable";
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &zero)) return CF_ERR_IO;
  /* Defence in depth, where the kernel grants it: without them the filter below still leaves nothing to open. */
  *layers = unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) ? 0 : CF_LAYER_NAMESPACES;
  *layers |= landlock_deny_all();
  *what = "capabilities";
  if (!capabilities_drop()) return CF_ERR_IO;
  *what = "seccomp filter";
  return filter(listen_fd) ? CF_ERR_IO : CF_OK;
}
