/* What a server may still do once it is confined, and what it may not: each in a process of its own, by the product's own functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "document/cf_boundary.h"
#include "platform/cf_confine.h"

#if defined __SANITIZE_ADDRESS__
#define SANITIZED true /* its runtime starts a process of its own to look for leaks */
#else
#define SANITIZED false
#endif

static char     dir[64], own[96], others[96];
static uint16_t peer_port, other_port;
static int      peers[2];
static unsigned layers;

static int
listener(uint16_t *port) {
  struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t          n  = sizeof sa;
  int                fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
  assert_int_equal(listen(fd, 8), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
  *port = ntohs(sa.sin_port);
  return fd;
}

static void
enter(void) {
  cf_error_t         err = { 0 };
  cf_confine_t const c   = { .whole = { own }, .whole_cnt = 1, .list = { dir }, .list_cnt = 1, .connect = { peer_port }, .connect_cnt = 1 };
  if (cf_confine_begin(&err) || cf_confine(&c, &layers, &err)) {
    printf("%s\n", err.text);
    _exit(99);
  }
}

/* The work's result, 200 + the signal that ended it, or errno of what it tried as 100 + errno. */
static int
confined(int (*work)(void)) {
  int   status;
  pid_t pid = fork();
  if (pid == 0) {
    enter();
    int code = work();
    syscall(SYS_exit_group, code);
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return -1;
  return WIFSIGNALED(status) ? 200 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int said(long r) { return r >= 0 ? 0 : 100 + errno; }

static int
try_path(char const *folder, char const *name, int flags) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return said(open(path, flags | O_CLOEXEC, 0666));
}

static int
try_connect(uint16_t port) {
  struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
  int                fd = socket(AF_INET, SOCK_STREAM, 0);
  return fd < 0 ? 98 : said(connect(fd, (struct sockaddr *)&sa, sizeof sa));
}

static int
binds(void) {
  struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  int                fd = socket(AF_INET, SOCK_STREAM, 0);
  return said(bind(fd, (struct sockaddr *)&sa, sizeof sa));
}

static int reads_own(void) { return try_path(own, "a", O_RDONLY); }
static int makes_own(void) { return try_path(own, "b", O_RDWR | O_CREAT); }
static int renames_own(void) { return chdir(own) ? 97 : said(rename("a", "c") ? -1 : rename("c", "a")); }
static int lists_all(void) { return try_path(dir, ".", O_RDONLY | O_DIRECTORY) + try_path(others, ".", O_RDONLY | O_DIRECTORY); }
static int reads_others(void) { return try_path(others, "key", O_RDONLY); }
static int writes_others(void) { return try_path(others, "key", O_WRONLY); }
static int makes_others(void) { return try_path(others, "new", O_WRONLY | O_CREAT); }
static int reads_etc(void) { return try_path("/etc", "passwd", O_RDONLY); }
static int lists_root(void) { return try_path("/", ".", O_RDONLY | O_DIRECTORY); }
static int calls_peer(void) { return try_connect(peer_port); }
static int calls_other(void) { return try_connect(other_port); }
static int signals_parent(void) { return said(kill(getppid(), 0)); }
static int not_dumpable(void) { return prctl(PR_GET_DUMPABLE); }
static int no_core(void) {
  struct rlimit r;
  return getrlimit(RLIMIT_CORE, &r) || r.rlim_max;
}
static int no_privileges(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1; }
static int mask(void) { return umask(0) != 0022; }
static void *nothing(void *arg) { return arg; }
static int
threads(void) {
  pthread_t t;
  return pthread_create(&t, NULL, nothing, NULL) || pthread_join(t, NULL);
}

#define PROBE(name, ...) static int name(void) { return said(syscall(__VA_ARGS__)); }
static char const *const none[] = { NULL };
PROBE(executes, SYS_execve, "/bin/true", none, none)
PROBE(executes_at, SYS_execveat, AT_FDCWD, "/bin/true", none, none, 0)
PROBE(clones, SYS_clone, SIGCHLD, 0, 0, 0, 0)
PROBE(traces, SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)
PROBE(reads_memory, SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0)
PROBE(takes_fd, SYS_pidfd_getfd, 0, 0, 0)
PROBE(maps_code, SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
PROBE(makes_code, SYS_mprotect, NULL, 4096, PROT_READ | PROT_EXEC)
PROBE(mounts, SYS_mount, NULL, NULL, NULL, 0, NULL)
PROBE(unshares, SYS_unshare, 0)
PROBE(uring, SYS_io_uring_setup, 1, NULL)
PROBE(loads_bpf, SYS_bpf, 0, NULL, 0)
PROBE(keyring, SYS_keyctl, 0, 0, 0, 0, 0)
PROBE(netlink, SYS_socket, AF_NETLINK, SOCK_RAW, 0)
PROBE(dumpable, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
PROBE(becomes_root, SYS_setuid, 0)
PROBE(sets_clock, SYS_clock_settime, 0, NULL)

static void
test_confined(void **state) {
  enum { DIES = 200 + SIGSYS, DENIED = 100 + EACCES, NOT_PERMITTED = 100 + EPERM };
  static struct { char const *name; int (*work)(void); int want; unsigned layer; /* that does it; 0: whatever the kernel */ } const cases[] = {
#define ROW(f, ...) { #f, f, __VA_ARGS__ }
    ROW(reads_own, 0, 0), ROW(makes_own, 0, 0), ROW(renames_own, 0, 0), ROW(lists_all, 0, 0), ROW(calls_peer, 0, 0), ROW(threads, 0, 0),
    ROW(reads_others, DENIED, CF_LAYER_FILES), ROW(writes_others, DENIED, CF_LAYER_FILES), ROW(makes_others, DENIED, CF_LAYER_FILES),
    ROW(reads_etc, DENIED, CF_LAYER_FILES), ROW(lists_root, DENIED, CF_LAYER_FILES), ROW(calls_other, DENIED, CF_LAYER_NETWORK),
    ROW(binds, DENIED, CF_LAYER_NETWORK), ROW(signals_parent, NOT_PERMITTED, CF_LAYER_SCOPES),
    ROW(not_dumpable, 0, 0), ROW(no_core, 0, 0), ROW(no_privileges, 0, 0), ROW(mask, 0, 0),
    ROW(executes, DIES, 0), ROW(executes_at, DIES, 0), ROW(clones, DIES, 0), ROW(traces, DIES, 0), ROW(reads_memory, DIES, 0),
    ROW(takes_fd, DIES, 0), ROW(maps_code, DIES, 0), ROW(makes_code, DIES, 0), ROW(mounts, DIES, 0), ROW(unshares, DIES, 0),
    ROW(uring, DIES, 0), ROW(loads_bpf, DIES, 0), ROW(keyring, DIES, 0), ROW(netlink, DIES, 0), ROW(dumpable, DIES, 0),
    ROW(becomes_root, DIES, 0), ROW(sets_clock, DIES, 0),
  };
  if (SANITIZED) {
    print_message("not run under the sanitizer\n");
    skip();
  }
  long     abi     = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
  unsigned granted = abi < 1 ? 0 : abi < 4 ? 1 : abi < 6 ? 3 : 7, lacking = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (cases[i].layer & ~granted) {
      lacking++;
      continue;
    }
    int got = confined(cases[i].work);
    if (got != cases[i].want) fail_msg("%s: %d, not %d", cases[i].name, got, cases[i].want);
  }
  print_message("Landlock ABI %ld: %u cases of layers that this kernel lacks\n", abi, lacking);
}

static int
without_capabilities(void) {
  struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct   has[_LINUX_CAPABILITY_U32S_3];
  return syscall(SYS_capget, &head, has) || has[0].effective | has[1].effective | has[0].permitted | has[1].permitted;
}

/* What it says of the kernel is so. */
static int
tells_layers(void) {
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
  return layers != (abi < 1 ? 0u : abi < 4 ? 1u : abi < 6 ? 3u : 7u);
}

static void
test_bounds(void **state) {
  cf_confine_t c   = { .whole_cnt = CF_CONFINE_PATHS_MAX + 1 };
  cf_error_t   err = { 0 };
  assert_int_equal(cf_confine(&c, NULL, &err), CF_ERR_BOUND);
  c = (cf_confine_t){ .connect_cnt = CF_CONFINE_PORTS_MAX + 1 };
  assert_int_equal(cf_confine(&c, NULL, &err), CF_ERR_BOUND);
  if (SANITIZED) return;
  assert_int_equal(confined(without_capabilities), 0);
  assert_int_equal(confined(tells_layers), 0);
}

static void
touch(char const *folder, char const *name) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int
setup(void **state) {
  snprintf(dir, sizeof dir, "/tmp/cf-confine-XXXXXX");
  if (!mkdtemp(dir)) return -1;
  snprintf(own, sizeof own, "%s/own", dir);
  snprintf(others, sizeof others, "%s/keys", dir);
  if (mkdir(own, 0700) || mkdir(others, 0700)) return -1;
  touch(own, "a");
  touch(others, "key");
  peers[0] = listener(&peer_port);
  peers[1] = listener(&other_port);
  return 0;
}

static int
teardown(void **state) {
  char cmd[128];
  snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
  return system(cmd);
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_confined), cmocka_unit_test(test_bounds) };
  return cmocka_run_group_tests(tests, setup, teardown);
}
