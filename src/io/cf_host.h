/* The driver of a process: one epoll loop, one core, one thread, and another for the files of the side lane.  It performs
   the effects of base/cf_effect.h and turns the world into events; it knows
   nothing of what the bytes mean. */
#ifndef CF_IO_HOST_H
#define CF_IO_HOST_H

#include "base/cf_effect.h"
#include "io/cf_http.h"

/* What the host runs: base/cf_effect.h has the contract. */
typedef void cf_step_fn_t(void *core, cf_effects_t *fx, cf_event_t const *ev);

/* Who CF_FX_ASK asks, by its place in the table.  One of url, path and fd is set.
   HTTP: the effect's name is asked below url.  Frames (io/cf_frame.h): the name
   stays here, the frame is the effect's body; DONE has code 200. */
typedef struct {
  char const *url;  /* http://HOST:PORT/PATH, or https:// and a name (io/cf_https_client.h)  */
  char const *type; /* HTTP: content type of POSTs, NULL is application/octet-stream         */
  char const *path; /* of a listening UNIX socket                                            */
  int         fd;   /* a connected UNIX socket, owned by the host from then on; 0 means none */
} cf_peer_t;

/* A zeroed field is the default or "none".  All is borrowed for the run. */
typedef struct {
  char const *role; /* in the host's own log lines */

  char const *folder;        /* files of PUT, APPEND, ...; demanded              */
  char const *lock;          /* lock file in folder: one process at a time       */
  char const *public_prefix; /* names that others may read (cf_files_t)          */
  size_t      file_max;      /* [256 MiB] of a GET, LIST or SCAN                 */

  char const *const *memory;  /* NULL-ended names of files that the core relies on having written (io/cf_memory.h) */

  char const *store;         /* name of the SQLite file in folder; a memory, too */
  bool        store_relaxed; /* cf_store_sqlite_open                             */

  char const            *listen_addr; /* [127.0.0.1] numeric                                 */
  uint16_t               listen_port; /* HTTP                                                */
  int                    listen_fd;   /* HTTP: an open non-blocking listener instead         */
  cf_http_limits_t       http;
  cf_http_mount_t const *mounts;
  size_t                 mount_cnt;
  char const            *frame_path; /* listen for frames: requests with path CF_HOST_FRAME */
  int                    frame_fd;   /* or be asked over this connected socket              */

  cf_peer_t const *peers;
  size_t           peer_cnt;
  size_t           answer_max; /* [64 MiB] of an HTTP peer */
  char const      *ca_file;    /* [the system's] PEM of roots for https peers */

  cf_status_t (*enter)(void *ctx, cf_error_t *err); /* called when all is open, before START: to give up what it took */
  void *enter_ctx;

  size_t scratch_sz; /* [4 MiB] of cf_effects_t                              */
  int    log_fd;     /* [2]                                                  */
  int    ready_fd;   /* gets one byte, and is closed, when START is through  */
} cf_host_config_t;

#define CF_HOST_FRAME "FRAME" /* a frame's reply is its body; the code goes nowhere */

/* cf_host_run drives core until it says CF_FX_EXIT, and returns that code after
   sending what is left to send (at most 1 s).

   Order.  START is the first event.  After each step its effects are performed in
   order, a durable one to its end, and those of the side lane in their turn
   (base/cf_effect.h); reads of the main lane end by DONE events after the step, before
   any other request.  Requests are delivered one by one as they completed; a
   CF_EV_TICK follows each burst of them, which is where a core makes a batch of what
   arrived together.  Otherwise TICK comes every CF_TICK_MS, or as WAKE asked.  ASK ends
   by DONE, status CF_OK or CF_ERR_IO.  A reply to somebody who left is forgotten.

   SCAN's name is one byte, the cf_store_kind_t; its body begins with the store's fence
   (cf_store_open).  LIST of a folder that is not there is empty.

   SIGTERM or SIGINT is CF_EV_STOP; the second one ends the process without asking
   (128 + signal).  Signals are as before on return.

   A file of memory that was changed, or that is missing and was written before: one line names it, and GET ends with CF_ERR_IO.
   One that the core removed counts as written: another file of its own has taken its place.
   A store that is missing and was there before is not begun anew: 3.

   A durable effect that fails, a stale fence included, ends the run: the rest of the step
   and whatever waits in the side lane is dropped, one line is logged, 3 is returned.  3 also when something could not be opened
   or another process holds the lock; 2 for a setting that makes no sense. */
int cf_host_run(cf_host_config_t const *cfg, cf_step_fn_t *step, void *core);

#endif
