#include "io/cf_proc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec/cf_json.h"
#include "io/cf_clock.h"
#include "io/cf_http_client.h"

#define READY_VAR  "COUNTERFOIL_READY_FD"
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 10000
#define STEADY_MS    30000

/* ---- in the child ---- */

_Noreturn static void
child_fail(int report) {
  int why = errno;
  if (write(report, &why, sizeof why) < 0) _exit(126);
  _exit(127);
}

/* puts fds at their places without treading on one another: all go up high first */
static bool
child_place(int const (*pairs)[2], size_t cnt) {
  int high[CF_PROC_FDS_MAX + 4];
  for (size_t i = 0; i < cnt; i++) {
    high[i] = fcntl(pairs[i][0], F_DUPFD_CLOEXEC, 200);
    if (high[i] < 0) return false;
  }
  for (size_t i = 0; i < cnt; i++) {
    if (dup2(high[i], pairs[i][1]) < 0) return false;
  }
  return true;
}

_Noreturn static void
child_run(cf_proc_t const *p, pid_t parent, int null, int ready, int report) {
  int    pairs[CF_PROC_FDS_MAX + 4][2] = { { null, 0 }, { p->log, 1 }, { p->log, 2 } };
  size_t cnt                           = 3;
  int    ready_at                      = 2;
  for (size_t i = 0; i < p->spec.fd_cnt; i++, cnt++) {
    pairs[cnt][0] = p->spec.fds[i].ours;
    pairs[cnt][1] = p->spec.fds[i].theirs;
    if (pairs[cnt][1] > ready_at) ready_at = pairs[cnt][1];
  }
  report = fcntl(report, F_DUPFD_CLOEXEC, 300);
  if (ready >= 0) {
    char text[16];
    pairs[cnt][0] = ready;
    pairs[cnt][1] = ++ready_at;
    cnt++;
    snprintf(text, sizeof text, "%d", ready_at);
    setenv(READY_VAR, text, 1);
  } else {
    unsetenv(READY_VAR);
  }
  sigset_t none;
  sigemptyset(&none);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || setpgid(0, 0)) child_fail(report);
  if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) || !child_place((int const(*)[2])pairs, cnt))
    child_fail(report);
  for (char const *const *e = p->spec.env; e && *e; e++) {
    char *text = strdup(*e);
    if (!text || putenv(text)) child_fail(report);
  }
  for (int sig = 1; sig < NSIG; sig++) signal(sig, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  char *argv[64] = { 0 };
  for (size_t i = 0; p->spec.argv[i] && i < 63; i++) memcpy(&argv[i], &p->spec.argv[i], sizeof argv[i]);
  execvp(argv[0], argv);
  child_fail(report);
}

/* ---- starting ---- */

static int
log_open(cf_procs_t const *procs, char const *role) {
  char path[512];
  int  n = snprintf(path, sizeof path, "%s/%s.log", procs->log_dir, role);
  if (n < 0 || (size_t)n >= sizeof path) return errno = ENAMETOOLONG, -1;
  return open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void
close_if(int fd) {
  if (fd >= 0) close(fd);
}

/* 0, or why the program could not be run */
static int
spawn(cf_proc_t *p) {
  int   report[2] = { -1, -1 }, ready[2] = { -1, -1 }, why = 0;
  int   null   = open("/dev/null", O_RDONLY | O_CLOEXEC);
  pid_t parent = getpid();
  bool  ok     = null >= 0 && pipe2(report, O_CLOEXEC) == 0 && (!p->spec.ready_pipe || pipe2(ready, O_CLOEXEC) == 0);
  pid_t pid    = ok ? fork() : -1;
  if (pid == 0) child_run(p, parent, null, ready[1], report[1]);
  why = pid < 0 ? errno : 0;
  close_if(null);
  close_if(report[1]);
  close_if(ready[1]);
  if (pid > 0 && read(report[0], &why, sizeof why) == sizeof why) waitpid(pid, NULL, 0); /* no program, no child */
  close_if(report[0]);
  if (why) {
    close_if(ready[0]);
    return why;
  }
  p->pid      = pid;
  p->pidfd    = (int)syscall(SYS_pidfd_open, pid, 0);
  p->ready    = ready[0];
  p->state    = CF_PROC_RUNNING;
  p->since_ms = cf_clock_mono_ms();
  p->start_cnt++;
  return 0;
}

/* ---- ends ---- */

static bool
is_crash(int status) {
  return status >= 3;
}

static void
ended(cf_proc_t *p, int wait_status) {
  p->status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
  p->state  = CF_PROC_ENDED;
  close_if(p->pidfd);
  close_if(p->ready);
  p->pidfd = p->ready = -1;
}

/* true when p is no longer running */
static bool
reap(cf_proc_t *p) {
  int status;
  if (p->state == CF_PROC_RUNNING && waitpid(p->pid, &status, WNOHANG) == p->pid) ended(p, status);
  return p->state != CF_PROC_RUNNING;
}

static void
plan_restart(cf_proc_t *p) {
  uint64_t now_ms = cf_clock_mono_ms();
  if (now_ms - p->since_ms >= STEADY_MS || !p->pause_ms) p->pause_ms = PAUSE_MIN_MS;
  p->state    = CF_PROC_PAUSED;
  p->since_ms = now_ms + p->pause_ms;
  p->pause_ms = p->pause_ms * 2 < PAUSE_MAX_MS ? p->pause_ms * 2 : PAUSE_MAX_MS;
}

static bool
wait_end(cf_proc_t *p, unsigned timeout_ms) {
  uint64_t till_ms = cf_clock_mono_ms() + timeout_ms;
  while (!reap(p)) {
    uint64_t now_ms = cf_clock_mono_ms();
    if (now_ms >= till_ms) return false;
    struct pollfd fd = { .fd = p->pidfd, .events = POLLIN };
    poll(&fd, 1, (int)(till_ms - now_ms));
  }
  return true;
}

/* true when it had to be killed */
static bool
stop_one(cf_proc_t *p) {
  if (p->state == CF_PROC_PAUSED) p->state = CF_PROC_ENDED;
  if (p->state == CF_PROC_ENDED) return false;
  kill(p->pid, SIGTERM);
  if (wait_end(p, p->spec.stop_ms ? p->spec.stop_ms : 5000)) return false;
  kill(p->pid, SIGKILL);
  while (!wait_end(p, 1000)) continue;
  return true;
}

/* ---- logs ---- */

static void
echo_line(cf_procs_t const *procs, cf_proc_t const *p, char const *line, size_t n) {
  char out[4096 + 80];
  int  sz = snprintf(out, sizeof out, "%s | %.*s\n", p->spec.role, (int)n, line);
  if (sz > 0 && write(procs->echo_fd, out, (size_t)sz < sizeof out ? (size_t)sz : sizeof out - 1) < 0) return; /* nobody reads */
}

/* whole lines that are new in p's log; a longer one goes in pieces */
static void
echo(cf_procs_t const *procs, cf_proc_t *p) {
  char    buf[4096];
  ssize_t n;
  if (procs->echo_fd <= 0) return;
  while ((n = pread(p->log, buf, sizeof buf, p->echoed)) > 0) {
    size_t done = 0;
    for (char const *nl; (nl = memchr(buf + done, '\n', (size_t)n - done)); done = (size_t)(nl - buf) + 1)
      echo_line(procs, p, buf + done, (size_t)(nl - buf) - done);
    if (done == 0 && (size_t)n < sizeof buf) return;
    if (done == 0) echo_line(procs, p, buf, done = (size_t)n);
    p->echoed += (off_t)done;
  }
}

/* what it said last, for an error; of a line of our own (docs/operations.md) its item and text */
static void
last_line(cf_proc_t const *p, char *out, size_t max) {
  char      said[1024], item[64], text[192];
  cf_json_t line;
  off_t     size = lseek(p->log, 0, SEEK_END);
  ssize_t   n    = pread(p->log, said, sizeof said - 1, size > (off_t)sizeof said - 1 ? size - (off_t)sizeof said + 1 : 0);
  if (n < 0) n = 0;
  while (n > 0 && said[n - 1] == '\n') n--;
  said[n]          = 0;
  char const *nl   = strrchr(said, '\n');
  char const *last = nl ? nl + 1 : said;
  bool        ours = !cf_json_parse(&line, CF_SPAN(last, strlen(last)), NULL) &&
              !cf_json_str(item, sizeof item, cf_json_get(line, "item")) && !cf_json_str(text, sizeof text, cf_json_get(line, "text"));
  if (ours) snprintf(out, max, "%s: %s", item, text);
  else snprintf(out, max, "%.255s", last);
}

/* ---- readiness ---- */

/* true when p is ready; waits a moment if not */
static bool
is_ready(cf_proc_t const *p) {
  struct pollfd fds[2] = { { .fd = p->pidfd, .events = POLLIN }, { .fd = p->ready, .events = POLLIN } };
  char          byte;
  if (p->spec.ready_pipe) return poll(fds, 2, 50) > 0 && fds[1].revents && read(p->ready, &byte, 1) == 1;
  if (!p->spec.ready_url) return true;
  cf_done_t  *d  = NULL;
  cf_status_t st = cf_http_get(&d, p->spec.ready_url, 500, NULL);
  bool        ok = !st && d->code == 200;
  cf_done_free(d);
  if (!ok) poll(fds, 1, 20);
  return ok;
}

/* killed before it was ready: started once more, while there is time; a status of its own is its answer */
static bool
start_again(cf_proc_t *p, uint64_t till_ms) {
  if (!p->spec.keep || p->status <= 128) return false;
  plan_restart(p);
  if (p->since_ms < till_ms) {
    uint64_t now_ms = cf_clock_mono_ms();
    if (p->since_ms > now_ms) poll(NULL, 0, (int)(p->since_ms - now_ms));
    if (!spawn(p)) return true;
  }
  p->state = CF_PROC_ENDED;
  return false;
}

static cf_status_t
wait_ready(cf_proc_t *p, cf_error_t *err) {
  char     said[260];
  uint64_t till_ms = cf_clock_mono_ms() + (p->spec.ready_ms ? p->spec.ready_ms : 10000);
  while (!reap(p) || start_again(p, till_ms)) {
    if (is_ready(p)) return CF_OK;
    if (cf_clock_mono_ms() < till_ms) continue;
    kill(p->pid, SIGKILL);
    while (!wait_end(p, 1000)) continue;
    last_line(p, said, sizeof said);
    return cf_error_set(err, CF_ERR_IO, p->spec.role, 0, "not ready in time; it said last: %s", said);
  }
  if (p->status == 0 && !p->spec.ready_pipe && !p->spec.ready_url) return CF_OK; /* ran and was done */
  last_line(p, said, sizeof said);
  return cf_error_set(err, CF_ERR_IO, p->spec.role, 0, "ended with status %d; it said last: %s", p->status, said);
}

/* ---- the table ---- */

cf_status_t
cf_procs_start(cf_procs_t *procs, cf_proc_spec_t const *spec, cf_error_t *err) {
  assert(spec->fd_cnt <= CF_PROC_FDS_MAX);
  if (procs->cnt == CF_PROCS_MAX) return cf_error_set(err, CF_ERR_BOUND, spec->role, 0, "more than %d processes", CF_PROCS_MAX);
  cf_proc_t *p = &procs->at[procs->cnt];
  *p = (cf_proc_t){ .spec = *spec, .state = CF_PROC_ENDED, .pidfd = -1, .ready = -1, .log = log_open(procs, spec->role) };
  if (p->log < 0) return cf_error_set(err, CF_ERR_IO, spec->role, 0, "log in %s: %s", procs->log_dir, strerror(errno));
  p->echoed = lseek(p->log, 0, SEEK_END);
  int why   = spawn(p);
  if (why) {
    close(p->log);
    return cf_error_set(err, CF_ERR_IO, spec->role, 0, "%s: %s", spec->argv[0], strerror(why));
  }
  procs->cnt++;
  cf_status_t st = wait_ready(p, err);
  echo(procs, p);
  return st;
}

/* the next restart, or the end of patience */
static unsigned
nap_ms(cf_procs_t const *procs, unsigned timeout_ms) {
  uint64_t now_ms = cf_clock_mono_ms(), at_ms = now_ms + timeout_ms;
  for (size_t i = 0; i < procs->cnt; i++) {
    cf_proc_t const *p = &procs->at[i];
    if (p->state == CF_PROC_PAUSED && p->since_ms < at_ms) at_ms = p->since_ms > now_ms ? p->since_ms : now_ms;
  }
  uint64_t nap = at_ms - now_ms;
  return procs->echo_fd > 0 && nap > 200 ? 200 : (unsigned)nap; /* logs are files: look now and then */
}

static void
care(cf_procs_t *procs, cf_proc_t *p) {
  bool ran = p->state == CF_PROC_RUNNING;
  if (ran && reap(p) && p->spec.keep && is_crash(p->status)) plan_restart(p);
  if (p->state == CF_PROC_PAUSED && cf_clock_mono_ms() >= p->since_ms && spawn(p)) plan_restart(p);
  echo(procs, p);
}

size_t
cf_procs_poll(cf_procs_t *procs, unsigned timeout_ms) {
  struct pollfd fds[CF_PROCS_MAX + 1];
  size_t        alive = 0;
  for (size_t i = 0; i < procs->cnt; i++) fds[i] = (struct pollfd){ .fd = procs->at[i].pidfd, .events = POLLIN };
  fds[procs->cnt] = (struct pollfd){ .fd = procs->wake_fd > 0 ? procs->wake_fd : -1, .events = POLLIN };
  poll(fds, procs->cnt + 1, (int)nap_ms(procs, timeout_ms));
  for (size_t i = 0; i < procs->cnt; i++) {
    care(procs, &procs->at[i]);
    alive += procs->at[i].state != CF_PROC_ENDED;
  }
  return alive;
}

size_t
cf_procs_stop(cf_procs_t *procs) {
  size_t killed = 0;
  while (procs->cnt) {
    cf_proc_t *p = &procs->at[procs->cnt - 1];
    killed += stop_one(p);
    echo(procs, p);
    close(p->log);
    procs->cnt--;
  }
  return killed;
}

cf_proc_t *
cf_procs_find(cf_procs_t *procs, char const *role) {
  for (size_t i = 0; i < procs->cnt; i++) {
    if (!strcmp(procs->at[i].spec.role, role)) return &procs->at[i];
  }
  return NULL;
}

int
cf_proc_ready_fd(void) {
  char const *text = getenv(READY_VAR);
  long        fd   = text ? strtol(text, NULL, 10) : 0;
  return fd > 2 && fd < 65536 ? (int)fd : 0;
}
