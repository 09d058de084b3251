/* Runs a command, follows all that it starts, and ends one of the processes at a point of its life: before or after its n-th call
   that makes something durable (fsync, fdatasync, rename, link, a synchronous write) or, for those that hold nothing durable of
   their own, its n-th message. Or it cuts the power there (disk.h).  The programs are the released ones and know nothing of it:
   ptrace, and a filter of system calls that stops them at those calls alone. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/openat2.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"

static char const usage[] = "cf-kill [--root DIR] [--seed N] [--points FILE] [--at ROLE:N:ACT]... COMMAND...\n"
                            "  ACT      before, after: the process is killed before or after the call\n"
                            "           drop, torn, mixed: the power of its machine is cut there, with what was not durable "
                            "dropped, the last write torn,\n"
                            "           or any part of it there; drop-all and so on: that of every machine of the domain\n"
                            "  --root   where the machines' disks lie: DIR/d the domain, DIR/p a party's\n"
                            "  --points gets a line for each point that was passed, and for each that was acted on\n";

enum { ROLE_SZ = 24, ACTS_MAX = 16 };

/* ---- what is asked ---- */

typedef enum { ACT_BEFORE, ACT_AFTER, ACT_CUT } act_kind_t;

typedef struct {
  char       role[ROLE_SZ];
  unsigned   n;
  act_kind_t kind;
  disk_cut_t cut;
  bool       all;
  bool       done;
} act_t;

static act_t    acts[ACTS_MAX];
static size_t   act_cnt;
static bool     cuts; /* some act is a cut: the disk is watched */
static uint64_t seed = 1;
static char     root[PATH_MAX];
static FILE    *points;

static void act_add(char const *text) {
  static struct {
    char const *name;
    act_kind_t  kind;
    disk_cut_t  cut;
  } const kinds[] = {{"before", ACT_BEFORE, 0},
                     {"after", ACT_AFTER, 0},
                     {"drop", ACT_CUT, DISK_DROP},
                     {"torn", ACT_CUT, DISK_TORN},
                     {"mixed", ACT_CUT, DISK_MIXED}};
  char   name[16] = "";
  act_t *a = &acts[act_cnt];
  if (act_cnt++ == ACTS_MAX || sscanf(text, "%23[^:]:%u:%15s", a->role, &a->n, name) != 3) errx(2, "%s: not ROLE:N:ACT", text);
  char *all = strstr(name, "-all");
  if (all) *all = 0, a->all = true;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(kinds[i].name, name)) continue;
    a->kind = kinds[i].kind;
    a->cut = kinds[i].cut;
    cuts |= a->kind == ACT_CUT;
    return;
  }
  errx(2, "%s: not ROLE:N:ACT", text);
}

/* ---- processes ---- */

typedef struct proc {
  struct proc *next;
  pid_t        pid;
  char         role[ROLE_SZ];
  bool         doomed;
} proc_t;

typedef struct thread {
  struct thread *next;
  pid_t          tid;
  proc_t        *proc;
  bool           in_call; /* its end is waited for */
  bool           held;    /* its new program waits until the dead are dead */
  act_t         *act;     /* comes at that end */
  bool           is_write, durable, is_open;
  int            fd;
  off_t          off; /* where it writes; -1: where the descriptor stands */
  disk_sync_t   *sync;
} thread_t;

static proc_t   *procs;
static thread_t *threads;
static unsigned  doomed_cnt;

static struct {
  char     role[ROLE_SZ];
  unsigned n;
} counts[64];

static unsigned count_up(char const *role) {
  size_t i = 0;
  while (counts[i].role[0] && strcmp(counts[i].role, role)) i++;
  if (i == sizeof counts / sizeof *counts - 1) errx(2, "too many roles");
  memcpy(counts[i].role, role, ROLE_SZ);
  return ++counts[i].n;
}

static bool is_party(char const *word) {
  static char const *const commands[] = {"wallet",  "deposit", "attest",   "seal", "submit",
                                         "receipt", "result",  "withdraw", "exit"};
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (!strcmp(word, commands[i])) return true;
  return false;
}

/* What a program is called here, by its first words. */
static void role_of(char role[ROLE_SZ], pid_t pid) {
  char path[64], text[4096] = "", *word[8] = {text, "", "", "", "", "", "", ""};
  snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
  int     fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  for (size_t i = 1, at = 0; i < 8 && (at += strlen(text + at) + 1) < (size_t)(n > 0 ? n : 0); i++) word[i] = text + at;
  char const *name = strrchr(word[0], '/') ? strrchr(word[0], '/') + 1 : word[0];
  if (!strcmp(name, "counterfoil-enclave")) snprintf(role, ROLE_SZ, "enclave");
  else if (!strcmp(name, "counterfoil-launch")) snprintf(role, ROLE_SZ, "launcher");
  else if (!strcmp(name, "swtpm")) snprintf(role, ROLE_SZ, "tpm");
  else if (strcmp(name, "counterfoil")) snprintf(role, ROLE_SZ, "%.*s", ROLE_SZ - 1, name);
  else if (!strcmp(word[3], "--index")) snprintf(role, ROLE_SZ, "%.15s-%.4s", word[1], word[4]);
  else if (!strcmp(word[1], "ledger") && !strcmp(word[2], "serve")) snprintf(role, ROLE_SZ, "ledger");
  else snprintf(role, ROLE_SZ, "%.*s", ROLE_SZ - 1, is_party(word[1]) ? "party" : word[1]);
}

static long status_field(pid_t tid, char const *name) {
  char  path[64], line[256];
  long  value = 0;
  FILE *f = (snprintf(path, sizeof path, "/proc/%d/status", (int)tid), fopen(path, "re"));
  while (f && fgets(line, sizeof line, f))
    if (!strncmp(line, name, strlen(name))) value = strtol(line + strlen(name), NULL, 10);
  if (f) fclose(f);
  return value;
}

static proc_t *proc_find(pid_t pid) {
  proc_t *p = procs;
  while (p && p->pid != pid) p = p->next;
  return p;
}

/* A thread that was not seen yet; a new process is called as its parent until it runs a program. */
static thread_t *thread_new(pid_t tid) {
  thread_t *t = calloc(1, sizeof *t);
  pid_t     pid = (pid_t)status_field(tid, "Tgid:");
  if (!t) abort();
  if (!pid) pid = tid;
  *t = (thread_t){.next = threads, .tid = tid, .proc = proc_find(pid)};
  if (!t->proc) {
    proc_t *p = calloc(1, sizeof *p), *parent = proc_find((pid_t)status_field(tid, "PPid:"));
    if (!p) abort();
    *p = (proc_t){.next = procs, .pid = pid};
    if (parent) memcpy(p->role, parent->role, ROLE_SZ);
    procs = t->proc = p;
  }
  return threads = t;
}

static thread_t *thread_of(pid_t tid) {
  thread_t *t = threads;
  while (t && t->tid != tid) t = t->next;
  return t ? t : thread_new(tid);
}

static void thread_gone(pid_t tid) {
  thread_t **at = &threads;
  while (*at && (*at)->tid != tid) at = &(*at)->next;
  if (!*at) return;
  thread_t *t = *at;
  proc_t   *p = t->proc;
  *at = t->next;
  disk_sync_ended(t->sync, false);
  free(t);
  if (p->pid != tid) return;
  proc_t **link = &procs;
  while (*link != p) link = &(*link)->next;
  *link = p->next;
  doomed_cnt -= p->doomed;
  free(p);
}

static void go_on(thread_t *t, int sig) {
  (void)ptrace(t->in_call ? PTRACE_SYSCALL : PTRACE_CONT, t->tid, NULL, (void *)(uintptr_t)sig); /* it may be dead by now */
}

/* ---- machines ---- */

static bool below(char const *path, char const *dir) {
  char   full[2 * PATH_MAX];
  size_t n = (size_t)snprintf(full, sizeof full, "%s/%s", root, dir);
  return !strncmp(path, full, n) && (path[n] == '/' || !path[n]);
}

/* A TPM keeps what it said itself; logs are for people. */
static bool no_disk(char const *path) { return below(path, "d/tpm") || below(path, "d/logs") || below(path, "out"); }

static char const *cut_role; /* whose machine loses its power, NULL: every one of the domain */

static bool is_member(char const *role) { return strchr(role, '-') != NULL; }

static bool is_host(char const *role) {
  return !strcmp(role, "gateway") || !strcmp(role, "launcher") || !strcmp(role, "enclave") || !strcmp(role, "tpm");
}

static bool dies(char const *role) {
  if (!cut_role) return is_host(role) || is_member(role) || !strcmp(role, "ledger") || !strcmp(role, "up");
  return is_host(cut_role) ? is_host(role) : !strcmp(role, cut_role);
}

static bool loses(char const *path) {
  char dir[64];
  bool ledger = below(path, "d/public/ledger") || below(path, "d/roles/ledger"), members = below(path, "d/roles");
  if (!cut_role) return below(path, "d");
  if (!strcmp(cut_role, "party")) return below(path, "p");
  if (!strcmp(cut_role, "ledger")) return ledger;
  if (is_host(cut_role)) return below(path, "d") && !ledger && !members;
  snprintf(dir, sizeof dir, "d/roles/%s", cut_role);
  return below(path, dir);
}

/* ---- acting ---- */

static void stopped(pid_t tid, int status);

static void doom(proc_t *p) {
  if (p->doomed) return;
  p->doomed = true;
  doomed_cnt++;
  if (kill(p->pid, SIGKILL)) warn("kill %s", p->role);
}

/* Programs that start meanwhile wait, so that nobody sees the disk before it is what the cut left. */
static void wait_dead(void) {
  int status;
  while (doomed_cnt) {
    pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0) err(2, "waitpid");
    stopped(tid, status);
  }
}

static void act(act_t *a, proc_t *who) {
  char     role[ROLE_SZ];
  unsigned changed = 0;
  a->done = true;
  memcpy(role, who->role, ROLE_SZ); /* who is gone below */
  cut_role = a->all ? NULL : role;
  doom(who);
  for (proc_t *p = procs; a->kind == ACT_CUT && p; p = p->next)
    if (dies(p->role)) doom(p);
  wait_dead(); /* another act may come meanwhile, and be done before this one */
  cut_role = a->all ? NULL : role;
  if (a->kind == ACT_CUT) changed = disk_cut(a->cut, loses, &seed);
  if (points) fprintf(points, "acted %s %u changed %u\n", role, a->n, changed), fflush(points);
  for (thread_t *t = threads; t; t = t->next) {
    if (t->held) go_on(t, 0);
    t->held = false;
  }
}

/* ---- calls ---- */

static bool fd_path(char out[PATH_MAX], pid_t pid, int fd) {
  char link[64];
  snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, fd);
  ssize_t n = readlink(link, out, PATH_MAX - 1);
  out[n > 0 ? n : 0] = 0;
  return n > 0;
}

static bool string_at(char out[PATH_MAX], pid_t pid, uint64_t addr) {
  size_t n = 0;
  while (n < PATH_MAX) { /* page by page: the next may not be there */
    size_t       len = 4096 - ((addr + n) & 4095);
    struct iovec ours = {out + n, len < PATH_MAX - n ? len : PATH_MAX - n},
                 theirs = {(void *)(uintptr_t)(addr + n), ours.iov_len};
    ssize_t got = process_vm_readv(pid, &ours, 1, &theirs, 1, 0);
    if (got <= 0) return false;
    if (memchr(out + n, 0, (size_t)got)) return true;
    n += (size_t)got;
  }
  return false;
}

/* The path that a call names, from the folder it names. */
static bool call_path(char out[PATH_MAX], pid_t pid, int dirfd, uint64_t addr) {
  static char name[PATH_MAX], dir[PATH_MAX];
  char        link[64];
  if (!string_at(name, pid, addr)) return false;
  if (name[0] == '/') return snprintf(out, PATH_MAX, "%s", name) < PATH_MAX;
  snprintf(link, sizeof link, dirfd == AT_FDCWD ? "/proc/%d/cwd" : "/proc/%d/fd/%d", (int)pid, dirfd);
  ssize_t n = readlink(link, dir, sizeof dir - 1);
  if (n <= 0) return false;
  dir[n] = 0;
  return snprintf(out, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

static long fdinfo(pid_t pid, int fd, char const *name, int base) {
  char  path[64], line[256];
  long  value = -1;
  FILE *f = (snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)pid, fd), fopen(path, "re"));
  while (f && fgets(line, sizeof line, f))
    if (!strncmp(line, name, strlen(name))) value = strtol(line + strlen(name), NULL, base);
  if (f) fclose(f);
  return value;
}

typedef struct {
  uint64_t        nr;
  uint64_t const *args;
} call_t;

static bool is_sync(call_t c) { return c.nr == SYS_fsync || c.nr == SYS_fdatasync; }

/* A file gets a name, by itself or in place of another. */
static bool is_name(call_t c) {
#ifdef SYS_rename
  if (c.nr == SYS_rename) return true;
#endif
  return c.nr == SYS_renameat || c.nr == SYS_renameat2 || c.nr == SYS_linkat;
}

static bool is_write(call_t c) {
  return c.nr == SYS_write || c.nr == SYS_writev || c.nr == SYS_pwrite64 || c.nr == SYS_pwritev || c.nr == SYS_pwritev2;
}

static bool is_send(call_t c) { return c.nr == SYS_sendto || c.nr == SYS_sendmsg; }

/* A file is opened for writing: the path that names it. */
static bool is_open_to_write(char path[PATH_MAX], pid_t pid, call_t c) {
  struct open_how how = {0};
  struct iovec    ours = {&how, sizeof how}, theirs = {(void *)(uintptr_t)c.args[2], sizeof how};
  int             dirfd = (int)c.args[0];
  uint64_t        name = c.args[1];
  if (c.nr == SYS_openat) how.flags = c.args[2];
  else if (c.nr == SYS_openat2) {
    if (process_vm_readv(pid, &ours, 1, &theirs, 1, 0) < (ssize_t)sizeof how) return false;
  } else {
#ifdef SYS_open
    if (c.nr != SYS_open) return false;
    how.flags = c.args[1];
    dirfd = AT_FDCWD;
    name = c.args[0];
#endif
  }
  if (!(how.flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) || (how.flags & O_PATH) == O_PATH) return false;
  return call_path(path, pid, dirfd, name);
}

/* The name of the point that a call is, with what it is about; NULL: none. */
static char const *point_of(char about[PATH_MAX], thread_t *t, call_t c) {
  static char const *const talkers[] = {"enclave", "launcher", "party"};
  pid_t                    pid = t->proc->pid;
  about[0] = 0;
  if (is_sync(c)) return fd_path(about, pid, (int)c.args[0]), "sync";
  bool at = c.nr == SYS_renameat || c.nr == SYS_renameat2 || c.nr == SYS_linkat;
  if (is_name(c)) return call_path(about, pid, at ? (int)c.args[2] : AT_FDCWD, at ? c.args[3] : c.args[1]), "name";
  if (is_write(c) && t->durable) return fd_path(about, pid, (int)c.args[0]), "write";
  bool talker = false;
  for (size_t i = 0; i < sizeof talkers / sizeof *talkers; i++) talker |= !strcmp(t->proc->role, talkers[i]);
  if (!talker || !(is_send(c) || is_write(c)) || c.args[0] < 3) return NULL;
  if (fd_path(about, pid, (int)c.args[0]) && strncmp(about, "socket:", 7)) return NULL;
  snprintf(about, PATH_MAX, "fd %d", (int)c.args[0]);
  return "message";
}

static act_t *act_due(char const *role, unsigned n) {
  for (size_t i = 0; i < act_cnt; i++)
    if (!acts[i].done && acts[i].n == n && !strcmp(acts[i].role, role)) return &acts[i];
  return NULL;
}

/* Before the call. */
static void call_begins(thread_t *t, call_t c) {
  static char about[PATH_MAX];
  pid_t       pid = t->proc->pid;
  t->fd = (int)c.args[0];
  t->is_write = is_write(c);
  t->off = c.nr == SYS_pwrite64 || c.nr == SYS_pwritev || c.nr == SYS_pwritev2 ? (off_t)c.args[3] : -1;
  t->durable = t->is_write &&
               ((fdinfo(pid, t->fd, "flags:", 8) & O_DSYNC) || (c.nr == SYS_pwritev2 && (c.args[5] & (RWF_DSYNC | RWF_SYNC))));
  t->is_open = cuts && is_open_to_write(about, pid, c);
  if (t->is_open) disk_open_begins(about);

  char const *what = point_of(about, t, c);
  act_t      *a = NULL;
  if (what) {
    unsigned n = count_up(t->proc->role);
    if (points) fprintf(points, "%s %u %s %s\n", t->proc->role, n, what, about), fflush(points);
    a = act_due(t->proc->role, n);
  }
  /* A cut comes when most is at stake: before a sync, and after a name or bytes that nothing made durable yet. */
  if (a && (a->kind == ACT_BEFORE || (a->kind == ACT_CUT && !is_name(c) && !t->is_write))) {
    act(a, t->proc);
    return; /* t is gone */
  }
  if (cuts && is_sync(c)) t->sync = disk_sync_begins(pid, t->fd);
  t->act = a;
  t->in_call = a || t->sync || t->is_open || (cuts && t->is_write);
  go_on(t, 0);
}

static void call_ended(thread_t *t, int64_t result) {
  pid_t  pid = t->proc->pid;
  act_t *a = t->act;
  t->in_call = false;
  disk_sync_ended(t->sync, result == 0);
  t->sync = NULL;
  if (t->is_open && result >= 0) disk_opened(pid, (int)result);
  if (cuts && t->is_write && result > 0) {
    off_t off = t->off >= 0 ? t->off : (off_t)fdinfo(pid, t->fd, "pos:", 10) - result;
    disk_written(pid, t->fd, off, result, t->durable && !(a && a->kind == ACT_CUT));
  }
  t->act = NULL;
  if (a) act(a, t->proc);
  else go_on(t, 0);
}

/* ---- following ---- */

static pid_t command;
static int   command_status = -1;

static void call_stop(thread_t *t, bool begins) {
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) <= 0) return; /* it is dying */
  if (begins && info.op == PTRACE_SYSCALL_INFO_SECCOMP) {
    uint64_t args[6];
    for (size_t i = 0; i < 6; i++) args[i] = info.seccomp.args[i];
    call_begins(t, (call_t){info.seccomp.nr, args});
  } else if (!begins && info.op == PTRACE_SYSCALL_INFO_EXIT && t->in_call) call_ended(t, info.exit.rval);
  else go_on(t, 0);
}

static void stopped(pid_t tid, int status) {
  if (!WIFSTOPPED(status)) {
    if (tid == command) command_status = status;
    thread_gone(tid);
    return;
  }
  thread_t *t = thread_of(tid);
  int       event = status >> 16, sig = WSTOPSIG(status);
  if (t->proc->doomed) return; /* the signal that ends it wakes it */
  if (event == PTRACE_EVENT_SECCOMP) call_stop(t, true);
  else if (sig == (SIGTRAP | 0x80)) call_stop(t, false);
  else if (event == PTRACE_EVENT_EXEC) {
    role_of(t->proc->role, t->proc->pid);
    t->in_call = false;
    t->held = doomed_cnt > 0;
    if (!t->held) go_on(t, 0);
  } else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) (void)ptrace(PTRACE_LISTEN, tid, NULL, NULL);
  else go_on(t, event ? 0 : sig);
}

/* The calls at which a program stops. */
static void filter_load(void) {
  static int const always[] = {SCMP_SYS(fsync),    SCMP_SYS(fdatasync), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
                               SCMP_SYS(linkat),   SCMP_SYS(write),     SCMP_SYS(writev), SCMP_SYS(pwrite64), SCMP_SYS(pwritev),
                               SCMP_SYS(pwritev2), SCMP_SYS(sendto),    SCMP_SYS(sendmsg)},
                   opens[] = {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2)};
  scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
  bool            ok = ctx != NULL;
  for (size_t i = 0; ok && i < sizeof always / sizeof *always; i++) ok = !seccomp_rule_add(ctx, SCMP_ACT_TRACE(0), always[i], 0);
  for (size_t i = 0; ok && cuts && i < sizeof opens / sizeof *opens; i++)
    ok = !seccomp_rule_add(ctx, SCMP_ACT_TRACE(0), opens[i], 0);
  if (!ok || seccomp_load(ctx)) errx(2, "the filter of system calls cannot be loaded");
  seccomp_release(ctx);
}

static void run(char **argv) {
  int go[2], status;
  if (pipe2(go, O_CLOEXEC)) err(2, "pipe");
  command = fork();
  if (command < 0) err(2, "fork");
  if (command == 0) {
    char byte;
    close(go[1]);
    if (read(go[0], &byte, 1) != 1) _exit(127); /* until it is followed */
    filter_load();
    execvp(argv[0], argv);
    err(127, "%s", argv[0]);
  }
  long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP |
                 PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, command, NULL, (void *)(uintptr_t)options)) err(2, "ptrace");
  if (write(go[1], "g", 1) != 1) err(2, "write");
  close(go[0]);
  close(go[1]);
  while (command_status < 0) {
    pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0) err(2, "waitpid");
    stopped(tid, status);
  }
}

int main(int argc, char **argv) {
  static struct option const options[] = {
      {"root", 1, NULL, 'r'}, {"seed", 1, NULL, 's'}, {"points", 1, NULL, 'p'}, {"at", 1, NULL, 'a'}, {0}};
  struct rlimit files;
  for (int c; (c = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
    if (c == 'r' && !realpath(optarg, root)) err(2, "%s", optarg);
    if (c == 's') seed = strtoull(optarg, NULL, 10);
    if (c == 'p' && !(points = fopen(optarg, "we"))) err(2, "%s", optarg);
    if (c == 'a') act_add(optarg);
    if (c == '?') return fputs(usage, stderr) < 0 ? 3 : 2;
  }
  if (optind == argc || (cuts && !root[0])) return fputs(usage, stderr) < 0 ? 3 : 2;
  if (!getrlimit(RLIMIT_NOFILE, &files)) {
    files.rlim_cur = files.rlim_max; /* two for each file that is known */
    (void)setrlimit(RLIMIT_NOFILE, &files);
  }
  if (cuts) disk_init(root, no_disk);
  run(argv + optind);
  return WIFEXITED(command_status) ? WEXITSTATUS(command_status) : 128 + WTERMSIG(command_status);
}
