#include "io/cf_side.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/cf_tail.h"

typedef struct {
  cf_side_job_t *first, *last;
} jobs_t;

struct cf_side {
  cf_watch_t        wake; /* first: the loop hands it back */
  cf_loop_t        *loop;
  cf_files_t const *files;
  size_t            get_max;
  jobs_t            waiting, ended; /* the loop's */
  bool              busy;           /* the thread has a run, or its end was not seen yet */
  bool              started;
  pthread_t         thread;
  cf_tail_t         tail; /* the thread's: of APPENDs */
  pthread_mutex_t   lock; /* of what follows */
  pthread_cond_t    work;
  jobs_t            run;
  bool              done, stop;
};

/* ---- lists ---- */

static void
add(jobs_t *l, cf_side_job_t *j) {
  j->next = NULL;
  *(l->last ? &l->last->next : &l->first) = j;
  l->last = j;
}

static cf_side_job_t *
take(jobs_t *l) {
  cf_side_job_t *j = l->first;
  if (!j) return NULL;
  l->first = j->next;
  if (!l->first) l->last = NULL;
  return j;
}

static void
drop_all(jobs_t *l) {
  for (cf_side_job_t *j; (j = take(l));) cf_side_job_free(j);
}

void
cf_side_job_free(cf_side_job_t *job) {
  if (!job) return;
  free(job->out);
  free(job);
}

static bool
is_file(cf_effect_kind_t k) {
  return k == CF_FX_PUT || k == CF_FX_APPEND || k == CF_FX_REMOVE || k == CF_FX_GET || k == CF_FX_LIST;
}

/* ---- the thread ---- */

/* A PUT and those behind it that are joined to it: returns the last of them. */
static cf_side_job_t *
put_group(cf_side_t *side, cf_side_job_t *j) {
  cf_files_put_t put[CF_FILES_GROUP_MAX];
  size_t         cnt  = 0;
  cf_side_job_t *last = j;
  for (cf_side_job_t *at = j; at && cnt < CF_FILES_GROUP_MAX && at->effect.kind == CF_FX_PUT && (at == j || at->effect.joined);
       at = at->next) {
    put[cnt++] = (cf_files_put_t){ at->effect.name, at->effect.body };
    last       = at;
  }
  j->status = cf_files_put_all(side->files, put, cnt, &j->err);
  return last;
}

/* Returns the last job that this one took along. */
static cf_side_job_t *
work_on(cf_side_t *side, cf_side_job_t *j) {
  cf_span_t name = j->effect.name;
  if (j->effect.kind != CF_FX_APPEND && cf_tail_is(&side->tail, name)) cf_tail_close(&side->tail); /* it becomes another file */
  switch ((int)j->effect.kind) {
  case CF_FX_PUT: return put_group(side, j);
  case CF_FX_APPEND: j->status = cf_tail_append(&side->tail, side->files, name, j->effect.body, &j->err); break;
  case CF_FX_REMOVE: j->status = cf_files_remove(side->files, name, &j->err); break;
  case CF_FX_GET:
    j->status = cf_files_get(&j->out, &j->out_sz, &j->found, side->files, name, side->get_max, &j->err);
    break;
  case CF_FX_LIST:
    j->found  = true;
    j->status = cf_files_list(&j->out, &j->out_sz, side->files, name, side->get_max, &j->err);
    break;
  }
  return j;
}

static bool
is_read(cf_side_job_t const *j) {
  return j->effect.kind == CF_FX_GET || j->effect.kind == CF_FX_LIST;
}

static bool
stopped(cf_side_t *side) {
  pthread_mutex_lock(&side->lock);
  bool stop = side->stop;
  pthread_mutex_unlock(&side->lock);
  return stop;
}

static void
work_through(cf_side_t *side, jobs_t const *run) {
  for (cf_side_job_t *j = run->first; j && !stopped(side);) {
    cf_side_job_t *last = work_on(side, j);
    if (j->status && !is_read(j)) break;
    j = last->next;
  }
}

static void *
thread_main(void *arg) {
  cf_side_t *side = arg;
  (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 10); /* of this thread alone: the loop goes first */
  pthread_mutex_lock(&side->lock);
  for (;;) {
    while (!side->stop && (!side->run.first || side->done)) pthread_cond_wait(&side->work, &side->lock);
    if (side->stop) break;
    jobs_t run = side->run;
    pthread_mutex_unlock(&side->lock);
    work_through(side, &run);
    pthread_mutex_lock(&side->lock);
    side->done    = true;
    uint64_t one  = 1;
    ssize_t  said = write(side->wake.fd, &one, sizeof one);
    assert(said == sizeof one);
    (void)said;
  }
  pthread_mutex_unlock(&side->lock);
  return NULL;
}

/* ---- the loop's side ---- */

static void
on_wake(cf_watch_t *w, uint32_t events) {
  cf_side_t *side = (cf_side_t *)(void *)w;
  uint64_t   cnt;
  (void)events;
  if (read(w->fd, &cnt, sizeof cnt) != sizeof cnt) return;
  pthread_mutex_lock(&side->lock);
  assert(side->done);
  side->ended = side->run;
  side->run   = (jobs_t){ 0 };
  side->done  = false;
  side->busy  = false;
  pthread_mutex_unlock(&side->lock);
}

/* The files at the head of the lane, up to what is the loop's. */
static void
hand_over(cf_side_t *side) {
  jobs_t run = { 0 };
  while (side->waiting.first && is_file(side->waiting.first->effect.kind)) add(&run, take(&side->waiting));
  if (!run.first) return;
  if (!side->started && pthread_create(&side->thread, NULL, thread_main, side)) abort(); /* no process goes on without its files */
  side->started = true;
  side->busy    = true;
  pthread_mutex_lock(&side->lock);
  side->run = run;
  pthread_cond_signal(&side->work);
  pthread_mutex_unlock(&side->lock);
}

cf_side_job_t *
cf_side_next(cf_side_t *side) {
  if (side->busy) return NULL;
  if (side->ended.first) return take(&side->ended);
  hand_over(side);
  return side->busy ? NULL : take(&side->waiting);
}

bool
cf_side_empty(cf_side_t const *side) {
  return !side->busy && !side->ended.first && !side->waiting.first;
}

void
cf_side_push(cf_side_t *side, cf_effect_t const *e) {
  cf_side_job_t *j = malloc(sizeof *j + e->name.len + e->body.len);
  if (!j) abort();
  uint8_t *at = (uint8_t *)(j + 1);
  *j          = (cf_side_job_t){ .effect = *e };
  if (e->name.len) memcpy(at, e->name.ptr, e->name.len);
  if (e->body.len) memcpy(at + e->name.len, e->body.ptr, e->body.len);
  j->effect.name = CF_SPAN(at, e->name.len);
  j->effect.body = CF_SPAN(at + e->name.len, e->body.len);
  add(&side->waiting, j);
}

cf_side_t *
cf_side_new(cf_loop_t *loop, cf_files_t const *files, size_t get_max) {
  cf_side_t *side = calloc(1, sizeof *side);
  if (!side) return NULL;
  side->loop    = loop;
  side->files   = files;
  side->get_max = get_max;
  side->wake    = (cf_watch_t){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .fn = on_wake };
  if (side->wake.fd < 0 || cf_loop_add_level(loop, &side->wake)) {
    int why = errno;
    if (side->wake.fd >= 0) close(side->wake.fd);
    free(side);
    errno = why;
    return NULL;
  }
  pthread_mutex_init(&side->lock, NULL);
  pthread_cond_init(&side->work, NULL);
  return side;
}

void
cf_side_free(cf_side_t *side) {
  if (!side) return;
  pthread_mutex_lock(&side->lock);
  side->stop = true;
  pthread_cond_signal(&side->work);
  pthread_mutex_unlock(&side->lock);
  if (side->started) pthread_join(side->thread, NULL);
  cf_tail_close(&side->tail);
  drop_all(&side->run);
  drop_all(&side->ended);
  drop_all(&side->waiting);
  pthread_cond_destroy(&side->work);
  pthread_mutex_destroy(&side->lock);
  cf_loop_close(side->loop, &side->wake);
  free(side);
}
