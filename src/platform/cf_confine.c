#include "platform/cf_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "document/cf_boundary.h"

static cf_status_t
failed(cf_error_t *err, char const *what) {
  return cf_error_set(err, CF_ERR_IO, "confinement", 0, "%s: %s", what, strerror(errno));
}

cf_status_t
cf_confine_begin(cf_error_t *err) {
  struct rlimit const none = { 0, 0 };
  umask(0022); /* modes are in the code; this takes away what it does not mean */
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return failed(err, "no-new-privileges");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none)) return failed(err, "not dumpable");
  return CF_OK;
}

/* ---- Landlock ---- */

/* The kernel's structures with the fields that came after Debian's headers. */
typedef struct { uint64_t fs, net, scoped; } ruleset_t;
typedef struct { uint64_t access, port; } port_rule_t;
enum { RULE_PORT = 2, NET_BIND = 1, NET_CONNECT = 2, SCOPE_SOCKETS = 1, SCOPE_SIGNALS = 2 };

#define FS_REFER    (1u << 13) /* ABI 2: rename to another folder */
#define FS_TRUNCATE (1u << 14) /* ABI 3 */
#define FS_OF_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define FS_WHOLE                                                                                                     \
  (FS_OF_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |            \
   LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | FS_REFER)

/* A path that is not there needs no right. */
static bool
path_rules(int rules, uint64_t handled, uint64_t access, char const *const *paths, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    struct stat s;
    int         fd = open(paths[i], O_PATH | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) continue;
    struct landlock_path_beneath_attr attr = { .allowed_access = access & handled, .parent_fd = fd };
    bool ok = fd >= 0 && fstat(fd, &s) == 0;
    if (ok && !S_ISDIR(s.st_mode)) attr.allowed_access &= FS_OF_FILE;
    ok = ok && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) == 0;
    if (fd >= 0) close(fd);
    if (!ok) return false;
  }
  return true;
}

static bool
port_rules(int rules, uint16_t const *ports, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    port_rule_t attr = { .access = NET_CONNECT, .port = ports[i] };
    if (syscall(SYS_landlock_add_rule, rules, RULE_PORT, &attr, 0)) return false;
  }
  return true;
}

static cf_status_t
landlock(cf_confine_t const *c, unsigned *layers, cf_error_t *err) {
  static unsigned char const fs_bits[] = { 0, 13, 14, 15, 15, 16, 16, 16 }; /* by ABI */
  long                       abi       = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return CF_OK;
  ruleset_t r    = { .fs = (1ULL << fs_bits[abi > 7 ? 7 : abi]) - 1, .net = abi >= 4 ? NET_BIND | NET_CONNECT : 0, .scoped = abi < 6 ? 0 : c->signals ? SCOPE_SOCKETS : SCOPE_SOCKETS | SCOPE_SIGNALS };
  size_t    size = abi >= 6 ? sizeof r : abi >= 4 ? offsetof(ruleset_t, scoped) : sizeof r.fs;
  int       rules = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
  bool      ok    = rules >= 0 && path_rules(rules, r.fs, FS_WHOLE, c->whole, c->whole_cnt) &&
            path_rules(rules, r.fs, LANDLOCK_ACCESS_FS_READ_FILE, c->read, c->read_cnt) &&
            path_rules(rules, r.fs, LANDLOCK_ACCESS_FS_READ_DIR, c->list, c->list_cnt) &&
            (abi < 4 || port_rules(rules, c->connect, c->connect_cnt)) && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  if (rules >= 0) close(rules);
  if (!ok) return failed(err, "Landlock");
  *layers = CF_LAYER_FILES | (abi >= 4 ? CF_LAYER_NETWORK : 0u) | (abi >= 6 ? CF_LAYER_SCOPES : 0u);
  return CF_OK;
}

/* ---- system calls ---- */

/* What these processes do is libc's, SQLite's and the TPM stack's to choose, and changes with them; what none of them may do does not. */
static int const denied[] = {
  SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), /* programs and processes; clone below */
  SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd), SCMP_SYS(process_madvise), SCMP_SYS(kcmp),
  SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(open_tree), SCMP_SYS(move_mount), SCMP_SYS(fsopen),
  SCMP_SYS(fspick), SCMP_SYS(mount_setattr), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(open_by_handle_at),
  SCMP_SYS(name_to_handle_at), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(quotactl), SCMP_SYS(acct), SCMP_SYS(fanotify_init),
  SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(bpf),
  SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
  SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(personality), SCMP_SYS(modify_ldt), SCMP_SYS(iopl), SCMP_SYS(ioperm),
  SCMP_SYS(reboot), SCMP_SYS(sethostname), SCMP_SYS(setdomainname), SCMP_SYS(syslog), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime),
  SCMP_SYS(clock_adjtime), SCMP_SYS(adjtimex), SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid),
  SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(setfsuid), SCMP_SYS(setfsgid), SCMP_SYS(capset), SCMP_SYS(seccomp),
};

static bool
deny(scmp_filter_ctx ctx) {
  bool ok = true;
  for (size_t i = 0; i < sizeof denied / sizeof *denied && ok; i++)
    if (denied[i] >= 0) ok = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, denied[i], 0) == 0; /* below 0: not of this machine */
  /* a thread is a clone; clone3 hides what it is in memory, and libc does without it */
  ok = ok && seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0;
  ok = ok && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
  ok = ok && seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)) == 0;
  ok = ok && seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)) == 0;
  /* AF_UNIX is 1, AF_INET 2, AF_INET6 10 */
  ok = ok && seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GT, 10, 0)) == 0;
  return ok && seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_DUMPABLE, 0)) == 0;
}

static cf_status_t
filter(cf_error_t *err) {
  scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
  if (!ctx) return failed(err, "system call filter");
  bool ok = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 && deny(ctx) && seccomp_load(ctx) == 0;
  seccomp_release(ctx);
  return ok ? CF_OK : failed(err, "system call filter");
}

cf_status_t
cf_confine(cf_confine_t const *c, unsigned *layers, cf_error_t *err) {
  struct __user_cap_header_struct     head = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct const none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
  unsigned                            ignored = 0;
  if (c->whole_cnt > CF_CONFINE_PATHS_MAX || c->read_cnt > CF_CONFINE_PATHS_MAX || c->list_cnt > CF_CONFINE_PATHS_MAX || c->connect_cnt > CF_CONFINE_PORTS_MAX)
    return cf_error_set(err, CF_ERR_BOUND, "confinement", 0, "too many paths or ports");
  if (!layers) layers = &ignored;
  *layers        = 0;
  cf_status_t st = landlock(c, layers, err);
  if (!st && syscall(SYS_capset, &head, none)) st = failed(err, "capabilities");
  return st ? st : filter(err);
}
