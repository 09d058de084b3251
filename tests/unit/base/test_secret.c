#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/cf_secret.h"
#include "dies.h"

#define POOL_SZ 4096
#define UNIT    64

#if defined __SANITIZE_ADDRESS__
#define SANITIZED true /* its mlock says yes and does nothing */
#else
#define SANITIZED false
#endif

static bool
zero(uint8_t const *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (p[i]) return false;
  }
  return true;
}

/* What the map of this address is marked with in /proc/self/smaps. */
static bool
marked(void const *at, char const *flag) {
  FILE *maps = fopen("/proc/self/smaps", "r");
  char  line[512];
  bool  here = false, found = false;
  if (!maps) abort();
  while (fgets(line, sizeof line, maps)) {
    uintptr_t from, to;
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2) here = (uintptr_t)at >= from && (uintptr_t)at < to;
    if (here && strncmp(line, "VmFlags:", 8) == 0) found = strstr(line, flag) != NULL;
  }
  fclose(maps);
  return found;
}

static void
forbid(unsigned nr) {
  struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog prog = { .len = sizeof filter / sizeof *filter, .filter = filter };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) abort();
}

/* On a kernel without memfd_secret, or one that also refuses to lock: what the pool is then. */
static int
poor_kernel(bool lock) {
  pid_t pid = fork();
  if (pid == 0) {
    forbid(SYS_memfd_secret);
    if (!lock) forbid(SYS_mlock);
    uint8_t *s = cf_secret_new(100); /* makes the default pool */
    if (!s) _exit(1);
    if (!SANITIZED && (cf_secret_pool_locked() != lock || marked(s, " lo") != lock)) _exit(2);
    if (!marked(s, " dd")) _exit(3);
    memset(s, 1, 100);
    cf_secret_free(s);
    if (!zero(s, 100)) _exit(4);
    _exit(0);
  }
  int status;
  if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

/* ---- a core file ---- */

static char const in_the_open[] = "this stood in memory like any other, and a core file has it";

/* The bytes are made where they are looked for, so that no copy of them stands in the program. */
static void
secret_bytes(uint8_t volatile *out) { /* one by one: a core file also has the vector registers */
  for (size_t i = 0; i < 64; i++) out[i] = (uint8_t)(i * 37 + 11);
}

/* A process with a secret dies of SIGABRT in a folder of its own, with memfd_secret or without. */
static void
die_with_a_secret(char const *dir, bool poor) {
  setrlimit(RLIMIT_CORE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
  if (chdir(dir)) _exit(1);
  if (poor) forbid(SYS_memfd_secret);
  uint8_t *s    = cf_secret_new(64);
  static char open[sizeof in_the_open];
  memcpy(open, in_the_open, sizeof open);
  __asm__ volatile("" : : "r"(open) : "memory"); /* it is there, whatever the compiler thinks of its use */
  if (!s) _exit(1);
  secret_bytes(s);
  signal(SIGABRT, SIG_DFL);
  abort();
}

/* 1: the core file has what stood in the open and no secret; 0: it has a secret, or not even that; -1: there is no core file here. */
static int
core_is_clean(bool poor) {
  char dir[] = "/tmp/cf-core-XXXXXX", path[512] = "";
  int  verdict = -1, status;
  if (!mkdtemp(dir)) return 0;
  pid_t pid = fork();
  if (pid == 0) die_with_a_secret(dir, poor);
  if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status)) return 0;
  DIR *d = opendir(dir);
  for (struct dirent *at; d && (at = readdir(d));)
    if (at->d_name[0] != '.') snprintf(path, sizeof path, "%s/%s", dir, at->d_name);
  if (d) closedir(d);
  FILE *f = *path ? fopen(path, "r") : NULL;
  if (f) {
    uint8_t  secret[64];
    size_t   max = 8 << 20;
    uint8_t *core = calloc(1, max);
    size_t   n    = core ? fread(core, 1, max, f) : 0;
    secret_bytes(secret);
    verdict = n && memmem(core, n, in_the_open, sizeof in_the_open - 1) && !memmem(core, n, secret, 16);
    cf_wipe(secret, sizeof secret); /* the next child inherits this stack */
    cf_wipe(core, max);
    free(core);
    fclose(f);
    unlink(path);
  }
  rmdir(dir);
  return verdict;
}

static int poor_with_lock, poor_without, core_rich = -1, core_poor = -1;

static void
not_in_a_core_file(void **state) {
  if (core_rich < 0 || core_poor < 0) {
    print_message("%s: a process that aborts leaves no core file in its folder (core_pattern): not run\n", SANITIZED ? "sanitized" : "here");
    skip();
  }
  assert_int_equal(core_rich, 1);
  assert_int_equal(core_poor, 1);
}

static int
set_up(void **state) {
  bool none      = cf_secret_pool_init(0) == CF_ERR_IO && cf_secret_pool_init(1ull << 32) == CF_ERR_IO;
  poor_with_lock = poor_kernel(true); /* here, because a process has one pool */
  poor_without   = poor_kernel(false);
  if (!SANITIZED) { /* its shadow memory is terabytes */
    core_rich = core_is_clean(false);
    core_poor = core_is_clean(true);
  }
  return none && cf_secret_pool_init(POOL_SZ) == CF_OK ? 0 : -1;
}

static void
without_memfd_secret(void **state) {
  assert_int_equal(poor_with_lock, 0);
  assert_int_equal(poor_without, 0);
}


static void
init_twice(void *arg) {
  (void)!cf_secret_pool_init(POOL_SZ);
}

static void
pool_is_made_once(void **state) {
  assert_true(dies(init_twice, NULL));
}

static void
wiped_on_free(void **state) {
  uint8_t *s = cf_secret_new(100);
  assert_non_null(s);
  assert_true(zero(s, 100));
  memset(s, 0xa5, 100);
  cf_secret_free(s);
  assert_true(zero(s, 128)); /* the pool stays mapped: its memory can be looked at */
  assert_ptr_equal(cf_secret_new(100), s);
  cf_secret_free(s);
  cf_secret_free(NULL);
}

static void
exhaustion(void **state) {
  uint8_t *all[POOL_SZ / UNIT];
  size_t   cnt = 0;
  for (uint8_t *s; (s = cf_secret_new(UNIT)); cnt++) {
    assert_true(cnt < POOL_SZ / UNIT);
    memset(s, (int)cnt + 1, UNIT);
    all[cnt] = s;
  }
  assert_int_equal(cnt, POOL_SZ / UNIT);
  assert_null(cf_secret_new(1));
  for (size_t i = 0; i < cnt; i++) { /* nobody wrote over a neighbour */
    for (size_t k = 0; k < UNIT; k++) assert_int_equal(all[i][k], i + 1);
  }
  /* two neighbours make room for twice the size, two strangers don't */
  cf_secret_free(all[3]);
  cf_secret_free(all[5]);
  assert_null(cf_secret_new(2 * UNIT));
  cf_secret_free(all[4]);
  uint8_t *three = cf_secret_new(2 * UNIT + 1);
  assert_ptr_equal(three, all[3]);
  assert_true(zero(three, 3 * UNIT));
  assert_null(cf_secret_new(1));
  cf_secret_free(three);
  for (size_t i = 0; i < cnt; i++) {
    if (i < 3 || i > 5) cf_secret_free(all[i]);
  }
  uint8_t *whole = cf_secret_new(POOL_SZ);
  assert_non_null(whole);
  assert_true(zero(whole, POOL_SZ));
  cf_secret_free(whole);
}

static void
odd_sizes(void **state) {
  assert_null(cf_secret_new(POOL_SZ + 1));
  for (size_t k = 0; k < 128; k++) assert_null(cf_secret_new(SIZE_MAX - k));
  void *a = cf_secret_new(0), *b = cf_secret_new(0);
  assert_non_null(a);
  assert_ptr_not_equal(a, b);
  cf_secret_free(a);
  cf_secret_free(b);
}

static void free_it(void *p) { cf_secret_free(p); }

static void
wrong_frees_stop(void **state) {
  uint8_t *s = cf_secret_new(200), other;
  assert_true(dies(free_it, s + 1));
  assert_true(dies(free_it, s + UNIT)); /* inside a secret */
  assert_true(dies(free_it, s + POOL_SZ));
  assert_true(dies(free_it, &other));
  cf_secret_free(s);
  assert_true(dies(free_it, s)); /* twice */
}

/* The map itself says it: not in core files, locked. */
static void
map_flags(void **state) {
  void *s = cf_secret_new(1);
  assert_true(marked(s, " dd"));
  assert_int_equal(marked(s, " lo"), cf_secret_pool_locked());
  cf_secret_free(s);
}

static void *
churn(void *arg) {
  for (int i = 0; i < 200000; i++) {
    uint8_t *s = cf_secret_new(48);
    if (!s || !zero(s, 48)) return arg;
    memset(s, 0x77, 48);
    cf_secret_free(s);
  }
  return NULL;
}

static void
threads(void **state) {
  pthread_t t[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&t[i], NULL, churn, t), 0);
  for (int i = 0; i < 4; i++) {
    void *failed;
    pthread_join(t[i], &failed);
    assert_null(failed);
  }
}

static void
wipe(void **state) {
  uint8_t b[] = { 1, 2, 3, 4 };
  cf_wipe(b + 1, 2);
  assert_memory_equal(b, "\1\0\0\4", 4);
  cf_wipe(NULL, 0);
}

static void
ct_eq(void **state) {
  uint8_t a[64], b[64];
  memset(a, 0x5a, sizeof a);
  memset(b, 0x5a, sizeof b);
  assert_true(cf_ct_eq(a, b, sizeof a));
  assert_true(cf_ct_eq(a, b, 0));
  for (size_t i = 0; i < 8 * sizeof a; i++) {
    b[i / 8] ^= (uint8_t)(1 << i % 8);
    assert_false(cf_ct_eq(a, b, sizeof a));
    assert_true(cf_ct_eq(a, b, i / 8));
    b[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  for (unsigned d = 1; d < 256; d++) { /* no difference cancels out */
    b[0] = (uint8_t)(a[0] ^ d);
    assert_false(cf_ct_eq(a, b, 1));
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(without_memfd_secret), cmocka_unit_test(not_in_a_core_file),
    cmocka_unit_test(pool_is_made_once), cmocka_unit_test(wiped_on_free), cmocka_unit_test(exhaustion),
    cmocka_unit_test(odd_sizes),         cmocka_unit_test(wrong_frees_stop), cmocka_unit_test(map_flags),
    cmocka_unit_test(threads),           cmocka_unit_test(wipe),             cmocka_unit_test(ct_eq),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
