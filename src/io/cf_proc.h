/* Child processes of one program: what `up` and `demo` start, watch, start
   again and end in order.  A child dies with its supervisor, never outlives it. */
#ifndef CF_IO_PROC_H
#define CF_IO_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cf_error.h"

#define CF_PROCS_MAX    64
#define CF_PROC_FDS_MAX 8

/* All is borrowed until cf_procs_stop.  A zeroed field is the default. */
typedef struct {
  char const        *role; /* its name, and its log's: LOG_DIR/ROLE.log         */
  char const *const *argv; /* NULL-ended; argv[0] is looked up in PATH          */
  char const *const *env;  /* NULL-ended "NAME=VALUE", on top of ours; may be NULL */
  struct {
    int ours, theirs; /* theirs >= 3; ours stays the caller's, open while restarts are wanted */
  } fds[CF_PROC_FDS_MAX];
  size_t      fd_cnt;
  bool        keep;       /* started again after a crash: a signal, or a status of 3 and more (0 to 2 are final) */
  bool        ready_pipe; /* ready when it wrote a byte to cf_proc_ready_fd()               */
  char const *ready_url;  /* ready when a GET of it is answered 200                         */
  unsigned    ready_ms;   /* [10000] */
  unsigned    stop_ms;    /* [5000] from SIGTERM to SIGKILL                                 */
} cf_proc_spec_t;

typedef enum { CF_PROC_RUNNING, CF_PROC_PAUSED /* before another start */, CF_PROC_ENDED } cf_proc_state_t;

typedef struct {
  cf_proc_spec_t  spec;
  cf_proc_state_t state;
  pid_t           pid;
  int             pidfd;
  int             ready; /* our end of its pipe, -1: none */
  int             log;
  off_t           echoed;
  unsigned        start_cnt;
  unsigned        pause_ms;
  uint64_t        since_ms; /* started, or to be started */
  int             status;   /* ENDED: exit status, or 128 + signal */
} cf_proc_t;

typedef struct {
  char const *log_dir;
  int         echo_fd; /* 0: none; otherwise gets every child's lines, "role | " in front */
  int         wake_fd; /* 0: none; otherwise ends cf_procs_poll early when readable       */
  cf_proc_t   at[CF_PROCS_MAX];
  size_t      cnt;
} cf_procs_t;

/* cf_procs_start starts a child and waits until it is ready.  Its stdin is
   /dev/null, stdout and stderr append to its log: the child writes there itself and
   never waits for us.  It gets the descriptors of fds and no other, a process group of its
   own (a terminal's Ctrl-C is the supervisor's to pass on) and SIGKILL when we die.
   With keep, one that a signal ended before it was ready is started again meanwhile.
   CF_ERR_IO: not started, ended or not ready in time (and then killed); err quotes its last line. */
CF_MUST_CHECK cf_status_t cf_procs_start(cf_procs_t *procs, cf_proc_spec_t const *spec, cf_error_t *err);

/* cf_procs_poll waits at most timeout_ms for something to happen: a child ended,
   a restart is due, wake_fd.  Echoes lines.  A crashed child is started again after a pause that
   doubles from 100 ms to 10 s and begins anew after 30 s of life.  Returns how many are not ENDED. */
size_t cf_procs_poll(cf_procs_t *procs, unsigned timeout_ms);

/* cf_procs_stop ends all children, the last started first, each with SIGTERM
   and, stop_ms later, SIGKILL.  Returns how many had to be killed. */
size_t cf_procs_stop(cf_procs_t *procs);

/* cf_procs_find is the child called role, NULL if there is none. */
cf_proc_t *cf_procs_find(cf_procs_t *procs, char const *role);

/* cf_proc_ready_fd is, in a child, where to say "ready"; 0 when nobody asks. */
int cf_proc_ready_fd(void);

#endif
