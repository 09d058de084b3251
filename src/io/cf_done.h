/* Answers on their way to a core: one queue per process, filled by the clients
   of the loop and by file and store reads. */
#ifndef CF_IO_DONE_H
#define CF_IO_DONE_H

#include <stdlib.h>

#include "base/cf_bytes.h"
#include "base/cf_status.h"

typedef struct cf_done {
  struct cf_done *next;
  uint64_t        id;
  cf_status_t     status;
  unsigned        code;
  char const     *why;  /* static; what failed, or NULL */
  cf_span_t       body; /* in mem */
  cf_span_t       fields; /* in mem; lines of the answer's head, where the client was asked to keep them */
  void           *mem;  /* to be freed */
  unsigned        retry_after_s;
  char            type[64]; /* Content-Type */
} cf_done_t;

typedef struct {
  cf_done_t *first, *last;
  size_t     cnt;
} cf_done_queue_t;

/* cf_done_push returns the queue's new last entry, zeroed but for id and
   status; it ends the process when there is no memory for it. */
static inline cf_done_t *
cf_done_push(cf_done_queue_t *q, uint64_t id, cf_status_t status) {
  cf_done_t *d = calloc(1, sizeof *d);
  if (!d) abort();
  d->id     = id;
  d->status = status;
  *(q->last ? &q->last->next : &q->first) = d;
  q->last = d;
  q->cnt++;
  return d;
}

/* cf_done_take returns the oldest, to be given to cf_done_free; NULL when there
   is none. */
static inline cf_done_t *
cf_done_take(cf_done_queue_t *q) {
  cf_done_t *d = q->first;
  if (!d) return NULL;
  q->first = d->next;
  if (!q->first) q->last = NULL;
  q->cnt--;
  return d;
}

static inline void
cf_done_free(cf_done_t *d) {
  if (!d) return;
  free(d->mem);
  free(d);
}

#endif
