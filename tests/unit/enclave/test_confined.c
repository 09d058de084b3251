// link: ledger session translog
/* The confined process.  Its filter, installed by the product's own function, kills at everything that is not in its list; the real
   program lives a whole life under it, every message included, and uses each line of that list; and what it was entrusted with is
   afterwards nowhere in its memory. */
#include "program.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "enclave/cf_sandbox.h"

/* ---- what the filter kills ---- */

#define PROBE(name, ...) static void name(void) { (void)syscall(__VA_ARGS__); }
static char const *const no_args[] = { NULL };
PROBE(does_open, SYS_open, "/dev/null", O_RDONLY)
PROBE(does_openat, SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY)
PROBE(does_openat2, SYS_openat2, AT_FDCWD, "/dev/null", "", 24)
PROBE(does_socket, SYS_socket, AF_INET, SOCK_STREAM, 0)
PROBE(does_socketpair, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NULL)
PROBE(does_connect, SYS_connect, 3, NULL, 0)
PROBE(does_bind, SYS_bind, 3, NULL, 0)
PROBE(does_sendto, SYS_sendto, 3, "x", 1, 0, NULL, 0)
PROBE(does_sendmsg, SYS_sendmsg, 3, NULL, 0)
PROBE(does_recvmsg, SYS_recvmsg, 3, NULL, 0)
PROBE(does_accept, SYS_accept, 4, NULL, NULL)
PROBE(does_accept4_elsewhere, SYS_accept4, 5, NULL, NULL, 0)
PROBE(does_execve, SYS_execve, "/bin/true", no_args, no_args)
PROBE(does_execveat, SYS_execveat, AT_FDCWD, "/bin/true", no_args, no_args, 0)
PROBE(does_fork, SYS_fork)
PROBE(does_vfork, SYS_vfork)
PROBE(does_clone, SYS_clone, SIGCHLD, 0, 0, 0, 0)
PROBE(does_clone3, SYS_clone3, NULL, 0)
PROBE(does_ptrace, SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)
PROBE(does_kill, SYS_kill, 0, 0)
PROBE(does_tgkill, SYS_tgkill, 1, 1, 0)
PROBE(does_prctl, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
PROBE(does_seccomp, SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, NULL)
PROBE(does_io_uring, SYS_io_uring_setup, 1, NULL)
PROBE(does_vm_readv, SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0)
PROBE(does_vm_writev, SYS_process_vm_writev, 1, NULL, 0, NULL, 0, 0)
PROBE(does_mmap_exec, SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
PROBE(does_mmap, SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
PROBE(does_madvise, SYS_madvise, NULL, 4096, MADV_DODUMP)
PROBE(does_mprotect, SYS_mprotect, NULL, 4096, PROT_READ)
PROBE(does_mremap, SYS_mremap, NULL, 4096, 4096, 0)
PROBE(does_writev, SYS_writev, 3, NULL, 0)
PROBE(does_pread, SYS_pread64, 3, NULL, 0, 0)
PROBE(does_dup, SYS_dup, 3)
PROBE(does_fcntl, SYS_fcntl, 3, F_GETFL)
PROBE(does_ioctl, SYS_ioctl, 3, 0)
PROBE(does_unlink, SYS_unlinkat, AT_FDCWD, "/nowhere", 0)
PROBE(does_mount, SYS_mount, NULL, NULL, NULL, 0, NULL)
PROBE(does_setns, SYS_setns, 3, 0)
PROBE(does_unshare, SYS_unshare, 0)
PROBE(does_bpf, SYS_bpf, 0, NULL, 0)
PROBE(does_userfaultfd, SYS_userfaultfd, 0)
PROBE(does_memfd, SYS_memfd_create, "x", 0)
PROBE(does_shmget, SYS_shmget, 1, 4096, 0)
PROBE(does_setrlimit, SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL)
PROBE(does_clock, SYS_clock_gettime, CLOCK_REALTIME, NULL)
PROBE(does_nanosleep, SYS_nanosleep, NULL, NULL)
PROBE(does_getpid, SYS_getpid)
PROBE(does_unknown, 100000)
#if defined __x86_64__
PROBE(does_x32, 0x40000000 | SYS_getpid)
static void does_int80(void) { __asm__ volatile("int $0x80" : : "a"(20) : "memory"); } /* getpid, as i386 numbers it */
#endif

static void
lives(void) {
  uint8_t buf[16];
  if (getrandom(buf, sizeof buf, 0) != sizeof buf || munmap((void *)(uintptr_t)-4096, 4096) == 0) syscall(SYS_exit_group, 2);
}

/* What became of a child that did work under the filter: its exit status, or 1000 + the signal that ended it. */
static int
under_filter(void (*work)(void)) {
  int   status;
  pid_t pid = fork();
  if (pid == 0) {
    unsigned layers;
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    if (cf_sandbox_enter(4, &layers, NULL)) _exit(3);
    work();
    syscall(SYS_exit_group, 0);
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return -1;
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void
test_probes(void **state) {
#define ROW(f) { #f, f }
  static struct { char const *name; void (*call)(void); } const probes[] = {
    ROW(does_open), ROW(does_openat), ROW(does_openat2), ROW(does_socket), ROW(does_socketpair), ROW(does_connect), ROW(does_bind),
    ROW(does_sendto), ROW(does_sendmsg), ROW(does_recvmsg), ROW(does_accept), ROW(does_accept4_elsewhere), ROW(does_execve),
    ROW(does_execveat), ROW(does_fork), ROW(does_vfork), ROW(does_clone), ROW(does_clone3), ROW(does_ptrace), ROW(does_kill),
    ROW(does_tgkill), ROW(does_prctl), ROW(does_seccomp), ROW(does_io_uring), ROW(does_vm_readv), ROW(does_vm_writev),
    ROW(does_mmap_exec), ROW(does_mmap), ROW(does_madvise), ROW(does_mprotect), ROW(does_mremap), ROW(does_writev), ROW(does_pread), ROW(does_dup),
    ROW(does_fcntl), ROW(does_ioctl), ROW(does_unlink), ROW(does_mount), ROW(does_setns), ROW(does_unshare), ROW(does_bpf),
    ROW(does_userfaultfd), ROW(does_memfd), ROW(does_shmget), ROW(does_setrlimit), ROW(does_clock), ROW(does_nanosleep), ROW(does_getpid),
    ROW(does_unknown),
#if defined __x86_64__
    ROW(does_x32), ROW(does_int80),
#endif
  };
  assert_int_equal(under_filter(lives), 0);
  for (size_t i = 0; i < CF_COUNT_OF(probes); i++) {
    int got = under_filter(probes[i].call);
    if (got != 1000 + SIGSYS) fail_msg("%s: %d", probes[i].name, got);
  }
  print_message("%zu probes, each ended by SIGSYS\n", CF_COUNT_OF(probes));
}

/* ---- a whole life ---- */

#define AMOUNT_A 912345678u /* what a batch was told, as no other number of this test looks */
#define AMOUNT_B 787654321u
#define AMOUNT_C 654321987u

typedef struct {
  char const *what;
  uint8_t     b[64];
  size_t      n;
  unsigned    seen;
} needle_t;
static needle_t needles[3 * PROGRAM_DRAWS];
static size_t   needles_cnt;

static void
needle(char const *what, void const *b, size_t n) {
  assert_true(needles_cnt < CF_COUNT_OF(needles) && n <= sizeof needles->b && n >= 8);
  needle_t *x = &needles[needles_cnt++];
  x->what     = what;
  memcpy(x->b, b, x->n = n);
}

static void
needle_both_ways(char const *what, uint8_t const *b, size_t n) {
  uint8_t back[64];
  for (size_t i = 0; i < n; i++) back[i] = b[n - 1 - i]; /* as a big number stands in memory here */
  needle(what, b, n);
  needle(what, back, n);
}

/* ---- its memory ---- */

typedef struct { unsigned outside, pool; size_t bytes; } scan_t; /* hits outside the pool of secrets, and in it */

static void
look_at(scan_t *s, uint8_t const *at, size_t n, bool pool) {
  static uint8_t first[1 << 16];
  memset(first, 0, sizeof first);
  for (size_t k = 0; k < needles_cnt; k++) first[needles[k].b[0] | needles[k].b[1] << 8] = 1;
  for (size_t i = 0; i + 8 < n; i++) {
    if (!first[at[i] | at[i + 1] << 8]) continue;
    for (size_t k = 0; k < needles_cnt; k++) {
      if (n - i < needles[k].n || memcmp(at + i, needles[k].b, needles[k].n)) continue;
      needles[k].seen++;
      *(pool ? &s->pool : &s->outside) += 1;
    }
  }
}

/* scan reads all of the process, as root may.  The pool is the map that holds the root. */
static scan_t
scan(pid_t pid, uint8_t const root[32]) {
  scan_t s = { 0 };
  char   path[64], line[512];
  for (size_t k = 0; k < needles_cnt; k++) needles[k].seen = 0;
  snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
  FILE *maps = fopen(path, "r");
  snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
  int mem = open(path, O_RDONLY);
  assert_true(maps && mem >= 0);
  while (fgets(line, sizeof line, maps)) {
    unsigned long long from, to;
    char               mode[8];
    if (sscanf(line, "%llx-%llx %7s", &from, &to, mode) != 3 || mode[0] != 'r' || strstr(line, "[v")) continue;
    size_t   n   = (size_t)(to - from);
    uint8_t *buf = malloc(n);
    assert_int_equal(pread(mem, buf, n, (off_t)from), n);
    look_at(&s, buf, n, n < 1 << 20 && memmem(buf, n, root, 32));
    s.bytes += n;
    free(buf);
  }
  fclose(maps);
  close(mem);
  return s;
}

static bool
may_scan(void) {
  if (geteuid() == 0) return true;
  print_message("not root: the memory of a process that is not dumpable stays shut, and was not searched\n");
  return false;
}

static void
say(scan_t const *s, char const *when) {
  print_message("%s: %zu needles in %zu KiB, %u found in the pool of secrets, %u outside\n", when, needles_cnt, s->bytes >> 10, s->pool, s->outside);
  for (size_t k = 0; k < needles_cnt; k++)
    if (needles[k].seen) print_message("  %s, %u times\n", needles[k].what, needles[k].seen);
}

static unsigned
seen(char const *what) {
  unsigned n = 0;
  for (size_t k = 0; k < needles_cnt; k++) n += strcmp(needles[k].what, what) ? 0 : needles[k].seen;
  return n;
}

/* ---- the two lives ---- */

static program_t program = { .open_pool = true };
static party_t   p[3];

static void
input(uint8_t buf[64], cf_clearing_kind_t kind, uint32_t payee, uint64_t amount) {
  cf_span_t s = input_of(buf, kind, payee, 0, amount);
  needle("an input's plaintext", s.ptr, s.len);
  needle("an amount", &amount, sizeof amount);
}

static void
session_needles(party_t const *x) {
  needle("a session's inbound key", x->session.in_key, 16);
  needle("a session's outbound secret", x->session.out_secret, 32);
  if (x->session.out_counter) needle("a session's outbound key", x->session.out_key, 16);
}

static void
read_all(world_t *w) {
  static uint8_t const what[][9] = { { 1 }, { 2, 0, 0, 0, 0, 0, 0, 0, 1 }, { 3 }, { 4 } };
  for (size_t i = 0; i < 4; i++) assert_int_equal(ask(w, CF_MSG_READ, CF_SPAN(what[i], i == 1 ? 9 : 1)), CF_REFUSE_NONE);
}

/* A process that was stopped and continued waits on; a second gateway takes the first one's place. */
static void
disturb(world_t *w) {
  for (int i = 0; i < 1000 && !program.calls[SYS_restart_syscall]; i++) {
    assert_int_equal(kill(program.pid, SIGCONT), 0);
    usleep(1000);
  }
  int old = program.gateway;
  program_connect(&program);
  read_all(w);
  close(old);
  read_all(w);
}

static world_t *
first_life(void) {
  cf_span_t item;
  uint8_t   buf[64];
  world_t  *w = world_new(77, false);
  program_start(&program, w, false);
  bootstrap(w);
  for (uint32_t i = 0; i < 3; i++) party_init(w, &p[i], i + 1);
  fund(w, p, 3, 999999999);
  idle(w, 1);
  input(buf, CF_CLEARING_OBLIGATION, 2, AMOUNT_A);
  input(buf, CF_CLEARING_OBLIGATION, 1, AMOUNT_B);
  net(w, p, AMOUNT_A, AMOUNT_B);
  idle(w, 2);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, &item), 1);
  settle(w, item);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 2);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  read_all(w);
  disturb(w);
  assert_int_equal(take_snapshot(w), CF_REFUSE_NONE);
  return w;
}

static void
second_life(world_t *w) {
  batch_t   b;
  cf_span_t env[2];
  for (int i = 0; i < 2; i++) session_needles(&p[i]);
  program_start(&program, w, true);
  restart(w);
  /* the old epoch's sessions go on in its grace, and end with it */
  p[0].stays = true;
  env[0]     = obligation(w, &p[0], 3, 0, AMOUNT_C);
  one_batch(w, env, 1, &b);
  assert_int_equal(b.refused_cnt, 0);
  if (may_scan()) { /* the search does find what must be there */
    scan_t s = scan(program.pid, w->sealed_root);
    say(&s, "in grace");
    assert_true(s.outside > 0 && seen("a session's inbound key") > 0);
    assert_true(seen("the sealing root") > 0 && seen("an epoch's sealing key") > 0);
    assert_int_equal(seen("an input's plaintext") + seen("an amount"), 0);
  }
  assert_int_equal(ledger_wait(w, 400), CF_REFUSE_NONE);
  idle(w, 1);
  env[0] = obligation(w, &p[0], 3, 0, AMOUNT_C);
  one_batch(w, env, 1, &b);
  assert_int_equal(b.refused_class[0], CF_REFUSE_EPOCH);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(take_snapshot(w), CF_REFUSE_NONE);
}

/* Another instance boots from the same disk: the program erases its keys, and answers READ alone. */
static void
twin(world_t *w) {
  uint64_t fed  = w->fed;
  uint8_t  what = 3;
  assert_int_equal(ask(w, CF_MSG_DRAIN, CF_SPAN(NULL, 0)), CF_REFUSE_NONE);
  w->carry = NULL;
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  log_and_read(w, CF_SPAN(w->boot, w->boot_sz));
  enclave_end(w);
  w->carry = program_carry;
  w->fed   = fed;
  assert_int_equal(show(w), CF_REFUSE_TWIN);
  assert_int_equal(ask(w, CF_MSG_READ, CF_SPAN(&what, 1)), CF_REFUSE_NONE);
}

static bool
is_published(world_t *w, draw_t const *d) {
  for (uint64_t i = 0; i < w->log.size; i++)
    if (memmem(w->log.entry[i].ptr, w->log.entry[i].len, d->b, d->n)) return true;
  for (uint64_t f = 0; f < CF_COUNT_OF(w->journal); f++)
    if (memmem(w->journal[f], w->journal_sz[f] < 256 ? w->journal_sz[f] : 256, d->b, d->n)) return true;
  return memmem(w->snapshot, 256, d->b, d->n) != NULL;
}

/* Of what it drew: all but what it published, in its log entries and the headers of its files. */
static void
draw_needles(world_t *w, size_t from) {
  cf_history_boot_t const *boot = cf_history_newest(&w->history);
  for (size_t i = from; i < program.draws_cnt; i++) {
    draw_t const   *d = &program.draws[i];
    cf_x25519_pub_t pub;
    if (d->n < 16 || is_published(w, d)) continue;
    if (d->n == 32) cf_x25519_pub(&pub, d->b);
    needle_both_ways(d->n == 32 && !memcmp(pub.b, boot->sealing, 32) ? "an epoch's sealing key" : "what getrandom gave", d->b, d->n);
  }
}

static bool
is_listed(uint64_t nr) {
  for (size_t i = 0; i < cf_sandbox_calls_cnt; i++)
    if ((uint64_t)cf_sandbox_calls[i].number == nr) return true;
  return false;
}

static void
check_calls(void) {
  unsigned unused = 0;
  for (size_t i = 0; i < cf_sandbox_calls_cnt; i++) {
    cf_sandbox_call_t const *c = &cf_sandbox_calls[i];
    print_message("  %8llu %-16s %s\n", (unsigned long long)program.calls[c->number], c->name, c->use);
    unused += program.calls[c->number] == 0 && !c->rare;
  }
  for (uint64_t nr = 0; nr < PROGRAM_CALLS; nr++)
    if (program.calls[nr] && !is_listed(nr)) fail_msg("system call %llu was made and is not listed", (unsigned long long)nr);
  assert_int_equal(unused, 0);
}

static void
test_life(void **state) {
  if (access(program_path, X_OK)) {
    print_message("no %s in this build: not run\n", program_path);
    skip();
  }
  uint8_t  buf[64];
  world_t *w = first_life();
  needle("the sealing root", w->sealed_root, 32);
  program_end(&program);
  assert_true(WIFEXITED(program.status) && WEXITSTATUS(program.status) == 0);

  if (geteuid() == 0) assert_true(program.layers & CF_LAYER_LOCKED); /* no limit for root */
  size_t from = program.draws_cnt;
  draw_needles(w, 0);
  second_life(w);
  if (may_scan()) { /* what lives is in the pool, and only there: the search does find something */
    scan_t s = scan(program.pid, w->sealed_root);
    say(&s, "sessions ended, epoch erased");
    assert_true(seen("the sealing root") > 0 && s.pool > 0);
    assert_int_equal(s.outside, 0);
    assert_int_equal(seen("an epoch's sealing key"), 0);
  }
  draw_needles(w, from);
  input(buf, CF_CLEARING_OBLIGATION, 3, AMOUNT_C);
  for (int i = 0; i < 2; i++) session_needles(&p[i]);
  twin(w);
  if (may_scan()) {
    scan_t s = scan(program.pid, w->sealed_root);
    say(&s, "stopped");
    assert_int_equal(s.outside + s.pool, 0);
  }
  program_end(&program);
  assert_true(WIFEXITED(program.status) && WEXITSTATUS(program.status) == 0);
  check_calls();
  for (size_t i = 0; i < cf_boundary_rows; i++)
    if (!(program.messages >> cf_boundary_table[i].type & 1)) fail_msg("%s never crossed", cf_boundary_table[i].name);
  w->carry = NULL;
  world_free(w);
}

/* ---- what others see of it ---- */

/* The value of a line of /proc/PID/status, in hex or in decimal. */
static unsigned long long
status_of(pid_t pid, char const *name, int base) {
  char               path[64], line[256];
  unsigned long long v = ~0ull;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  while (fgets(line, sizeof line, f))
    if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':') v = strtoull(line + strlen(name) + 1, NULL, base);
  fclose(f);
  return v;
}

/* Of its maps: how many are locked and left out of core files, and how many of those are memfd_secret's. */
static void
locked_maps(pid_t pid, size_t *locked_sz, unsigned *secret) {
  char   path[64], line[512], name[512] = "";
  size_t size = 0;
  snprintf(path, sizeof path, "/proc/%d/smaps", (int)pid);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  *locked_sz = 0;
  *secret    = 0;
  while (fgets(line, sizeof line, f)) {
    unsigned long long from, to;
    if (sscanf(line, "%llx-%llx", &from, &to) == 2) {
      size = (size_t)(to - from);
      strcpy(name, line);
    }
    if (strncmp(line, "VmFlags:", 8) || !strstr(line, " lo") || !strstr(line, " dd")) continue;
    *locked_sz += size;
    if (!strstr(name, "secretmem")) continue;
    *secret += 1;
    unsigned long long at;
    uint8_t            byte;
    assert_int_equal(sscanf(name, "%llx", &at), 1);
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    int mem = open(path, O_RDONLY);
    assert_true(mem >= 0 && pread(mem, &byte, 1, (off_t)at) < 0); /* not even root */
    close(mem);
  }
  fclose(f);
}

/* Which of a process' files a user can open: bit i for name i. */
static unsigned
opens_as(unsigned uid, pid_t pid) {
  static char const *const names[] = { "mem", "maps", "environ", "fd", "stack", "auxv" };
  int                      status;
  pid_t                    child = fork();
  if (child == 0) {
    unsigned bits = 0;
    if (setgroups(0, NULL) || setgid(uid) || setuid(uid)) _exit(255);
    for (unsigned i = 0; i < CF_COUNT_OF(names); i++) {
      char path[64];
      snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, names[i]);
      bits |= (open(path, O_RDONLY) >= 0 ? 1u : 0) << i;
    }
    bits |= (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 ? 1u : 0) << CF_COUNT_OF(names);
    _exit((int)bits);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return (unsigned)WEXITSTATUS(status);
}

static unsigned
descriptors_of(pid_t pid) {
  char     path[64];
  unsigned n = 0;
  snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
  for (int i = 0; i < 256; i++) {
    char name[96], to[256] = "";
    snprintf(name, sizeof name, "%s/%d", path, i);
    if (readlink(name, to, sizeof to - 1) <= 0) continue;
    n++;
    if (i < 3) assert_int_equal(strncmp(to, "pipe:", 5), 0); /* nobody reads it, nobody writes it */
    else assert_int_equal(strncmp(to, "socket:", 7), 0);
  }
  return n;
}

static bool
same_namespace(pid_t pid, char const *name) {
  char path[64], theirs[64] = "", ours[64] = "";
  snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, name);
  assert_true(readlink(path, theirs, sizeof theirs - 1) > 0);
  snprintf(path, sizeof path, "/proc/self/ns/%s", name);
  assert_true(readlink(path, ours, sizeof ours - 1) > 0);
  return !strcmp(theirs, ours);
}

static void
test_seen_from_outside(void **state) {
  enum { NOBODY = 65534 };
  static program_t theirs = { .uid = NOBODY };
  static char const *const spaces[] = { "user", "net", "mnt", "ipc", "uts", "cgroup" };
  if (access(program_path, X_OK) || geteuid() != 0) {
    print_message("%s: not run\n", geteuid() ? "not root" : "no program in this build");
    skip();
  }
  world_t *w = world_new(78, false);
  program_start(&theirs, w, false);
  bootstrap(w);
  assert_int_equal(status_of(theirs.pid, "NoNewPrivs", 10), 1);
  assert_int_equal(status_of(theirs.pid, "Seccomp", 10), 2);
  assert_int_equal(status_of(theirs.pid, "CapEff", 16), 0);
  assert_int_equal(status_of(theirs.pid, "CapPrm", 16), 0);
  assert_int_equal(status_of(theirs.pid, "CapInh", 16), 0);
  assert_int_equal(status_of(theirs.pid, "Threads", 10), 1);
  assert_int_equal(descriptors_of(theirs.pid), 6); /* three that lead nowhere, launcher, listener, gateway */

  size_t   locked_sz;
  unsigned secret;
  locked_maps(theirs.pid, &locked_sz, &secret);
  print_message("locked and not dumped: %zu KiB%s; maps of memfd_secret: %u%s\n", locked_sz >> 10,
                theirs.layers & CF_LAYER_LOCKED ? "" : ", keys alone: the limit is too low for the book", secret, secret ? "" : " (this kernel has none)");
  assert_true(locked_sz > (theirs.layers & CF_LAYER_LOCKED ? 4 << 20 : 64 << 10));
  assert_true(status_of(theirs.pid, "VmLck", 10) << 10 >= locked_sz / 2);
  assert_int_equal(opens_as(NOBODY - 1, theirs.pid), 0);
  assert_int_equal(opens_as(NOBODY, theirs.pid), 0); /* its own user neither */
  assert_int_not_equal(opens_as(0, theirs.pid), 0);  /* the question can be answered yes */

  /* What it says of its layers is so; what this kernel lacks is said here, too. */
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
  print_message("layers %u: Landlock ABI %ld, namespaces %s\n", theirs.layers, abi, theirs.layers & CF_LAYER_NAMESPACES ? "of its own" : "not granted");
  assert_int_equal(theirs.layers & (CF_LAYER_FILES | CF_LAYER_NETWORK | CF_LAYER_SCOPES), abi < 1 ? 0 : abi < 4 ? 1 : abi < 6 ? 3 : 7);
  for (size_t i = 0; i < CF_COUNT_OF(spaces); i++)
    assert_int_equal(!same_namespace(theirs.pid, spaces[i]), (theirs.layers & CF_LAYER_NAMESPACES) != 0);

  assert_int_equal(kill(theirs.pid, SIGABRT), 0);
  program_end(&theirs);
  assert_true(WIFSIGNALED(theirs.status) && WTERMSIG(theirs.status) == SIGABRT && !WCOREDUMP(theirs.status));
  w->carry = NULL;
  world_free(w);
}

static int
confined_setup(void **state) {
  program_find();
  return setup(state);
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_probes), cmocka_unit_test(test_life), cmocka_unit_test(test_seen_from_outside) };
  return cmocka_run_group_tests(tests, confined_setup, teardown);
}
