/* What all measurements share: the clock, medians, the line that a row is, and peers.

   A row is printed as one line of JSON.  Ratios are made so that more is better whatever the unit: ratio_limit is the part of
   the limit that ours reaches (1 is the limit itself), ratio_peer how many times as good as the peer ours is. */
#ifndef CF_BENCH_H
#define CF_BENCH_H

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline void bench_check(bool ok, char const *what) {
  if (ok) return;
  fprintf(stderr, "bench: %s\n", what);
  exit(1);
}

static inline double bench_s(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline double bench_now_s(void) { return bench_s(CLOCK_MONOTONIC); }
static inline double bench_cpu_s(void) { return bench_s(CLOCK_PROCESS_CPUTIME_ID); }

/* xorshift64*, the seed fixed: every run does the same work. */
static inline uint64_t bench_draw(uint64_t *x) {
  *x ^= *x >> 12;
  *x ^= *x << 25;
  *x ^= *x >> 27;
  return *x * 0x2545f4914f6cdd1du;
}

static inline void bench_fill(uint64_t *x, void *out, size_t n) {
  for (uint8_t *at = out; n > 0; n--) *at++ = (uint8_t)(bench_draw(x) >> 32);
}

static inline int bench_by_value(void const *a, void const *b) {
  double const *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* cnt values in any order; they are sorted. */
static inline double bench_median(double *values, size_t cnt) {
  qsort(values, cnt, sizeof *values, bench_by_value);
  return values[cnt / 2];
}

/* ---- rows ---- */

typedef enum { BENCH_RATE, BENCH_TIME } bench_kind_t; /* more is better, less is better */

static inline void bench_number(char const *name, double v, int digits) {
  if (isnan(v)) printf(",\"%s\":null", name);
  else printf(",\"%s\":%.*f", name, digits, v);
}

/* NAN for a limit or a peer that was not measured. */
static inline void bench_row(char const *name, char const *unit, bench_kind_t kind, double ours, double limit, double peer) {
  int digits = ours < 100 ? 2 : ours < 10000 ? 1 : 0;
  printf("{\"name\":\"%s\",\"unit\":\"%s\"", name, unit);
  bench_number("ours", ours, digits);
  bench_number("limit", limit, digits);
  bench_number("peer", peer, digits);
  bench_number("ratio_limit", kind == BENCH_RATE ? ours / limit : limit / ours, 3);
  bench_number("ratio_peer", kind == BENCH_RATE ? ours / peer : peer / ours, 2);
  printf("}\n");
  fflush(stdout);
}

/* ---- processors ---- */

/* Ahead of whatever else runs here, and so are the processes that are started from now on.  Without the right to it nothing
   happens: then the machine should be quiet. */
static inline void bench_first(void) {
  (void)setpriority(PRIO_PROCESS, 0, -20);
  if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM)) return;
  int group = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC); /* where sessions share the processors, a priority counts within its own */
  if (group < 0) return;
  ssize_t n = write(group, "-20", 3);
  (void)n;
  close(group);
}

/* User and system time of a process and its threads so far. */
static inline double bench_cpu_of_s(pid_t pid) {
  char               path[64], stat[1024], *at;
  unsigned long long user, kernel;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int     fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, stat, sizeof stat - 1) : 0;
  if (fd >= 0) close(fd);
  stat[n > 0 ? n : 0] = 0;
  at = strrchr(stat, ')');
  bench_check(at && sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel) == 2, path);
  return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* pid 0 is the caller. */
static inline void bench_pin(pid_t pid, int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t)cpu, &set);
  bench_check(sched_setaffinity(pid, sizeof set, &set) == 0, "a process could not be pinned to its processor");
}

/* ---- peers ----
   A peer is a program that answers each line on its stdin, the name of what to measure, by a line with a rate per second.
   It is built by scripts/run-bench.sh, where its language and library are; absent, every answer is NAN. */
typedef struct {
  pid_t pid;
  FILE *to, *from;
} bench_peer_t;

static inline void bench_peer_run(int in, int out, char const *program) {
  dup2(in, 0);
  dup2(out, 1);
  for (int fd = 3; fd < 64; fd++) close(fd);
  execl(program, program, (char *)NULL);
  _exit(127);
}

static inline bench_peer_t bench_peer(char const *program) {
  int to[2], from[2];
  if (access(program, X_OK)) return (bench_peer_t){0};
  bench_check(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0, "pipe");
  signal(SIGPIPE, SIG_IGN);
  pid_t pid = fork();
  bench_check(pid >= 0, "fork");
  if (pid == 0) bench_peer_run(to[0], from[1], program);
  close(to[0]);
  close(from[1]);
  return (bench_peer_t){pid, fdopen(to[1], "w"), fdopen(from[0], "r")};
}

static inline double bench_peer_ask(bench_peer_t *peer, char const *what) {
  double rate;
  if (!peer->pid) return NAN;
  fprintf(peer->to, "%s\n", what);
  fflush(peer->to);
  bench_check(fscanf(peer->from, "%lf", &rate) == 1, "a peer did not answer");
  return rate;
}

static inline void bench_peer_end(bench_peer_t *peer) {
  if (!peer->pid) return;
  fclose(peer->to);
  fclose(peer->from);
  waitpid(peer->pid, NULL, 0);
}

#endif
