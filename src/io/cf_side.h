/* The side lane of a host (base/cf_effect.h): effects that wait their turn behind slow files, and one
   thread that works on those files.  The thread is started by the first of them; it touches nothing but its jobs and the
   folder.  All functions belong to the loop's thread. */
#ifndef CF_IO_SIDE_H
#define CF_IO_SIDE_H

#include "base/cf_effect.h"
#include "io/cf_files.h"
#include "io/cf_loop.h"

typedef struct cf_side cf_side_t;

/* An effect of the lane, with bytes of its own.  Of PUT, APPEND, REMOVE, GET and LIST also how it ended; all others are
   for the loop to perform. */
typedef struct cf_side_job {
  struct cf_side_job *next;
  cf_effect_t         effect;
  cf_status_t         status;
  cf_error_t          err;
  bool                found; /* GET */
  uint8_t            *out;   /* GET, LIST: the caller's to free when he took it and set it NULL */
  size_t              out_sz;
} cf_side_job_t;

/* cf_side_new wakes loop when a job ended.  files is borrowed; get_max bounds a GET or LIST.  NULL with errno. */
cf_side_t *cf_side_new(cf_loop_t *loop, cf_files_t const *files, size_t get_max);
/* cf_side_free lets the job under way end; those behind it never happened.  NULL is fine. */
void cf_side_free(cf_side_t *side);

/* cf_side_push copies e behind all others; it ends the process when there is no memory for it. */
void cf_side_push(cf_side_t *side, cf_effect_t const *e);
/* cf_side_next hands out the oldest job when it ended or is not about files, to be given to cf_side_job_free; NULL when the lane is
   empty or waits for its thread, which is told to go on.  When a job's status is not CF_OK nothing behind it was begun. */
cf_side_job_t *cf_side_next(cf_side_t *side);
void           cf_side_job_free(cf_side_job_t *job);
bool           cf_side_empty(cf_side_t const *side);

#endif
