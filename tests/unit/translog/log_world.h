/* A log writer over a folder in memory, for tests that need a real log. */
#ifndef CF_TESTS_LOG_WORLD_H
#define CF_TESTS_LOG_WORLD_H

#include "log_test.h"

#include "translog/cf_logwriter.h"

typedef struct {
  cf_logwriter_t w;
  uint8_t        seed[32];
  void          *mem;
  uint64_t       recovered_cnt;
  step_t         step;
  size_t         durable_left; /* effects that the disk still takes before the power fails */
  unsigned       tear;         /* what it does to the next one: 0 nothing of it is there, 1 all, or else a seed of what is; of PUTs that are joined any may be there */
  size_t         appended;     /* APPENDs that were durable */
  mem_dir_t     *dir;
  bool           dead;
} writer_t;

#define WRITER_ID 7
#define WRITER_CAP 4096

static inline cf_hash_t
plain_key(cf_span_t entry) {
  return cf_sha256(entry);
}

static inline void
check_recovered(void *ctx, uint64_t index, cf_span_t entry, cf_hash_t const *key) {
  writer_t *t = ctx;
  cf_hash_t want = plain_key(entry);
  assert_int_equal(index, t->recovered_cnt++);
  ASSERT_HASH(want, *key);
}

/* A writer's memory is handed on: sanitizers take long to give so much out. */
static void *writer_spare;

static inline void
writer_open(writer_t *t, mem_dir_t *dir, uint64_t cap) {
  t->mem           = cap == WRITER_CAP && writer_spare ? writer_spare : malloc(cf_logwriter_mem_sz(cap));
  if (t->mem == writer_spare) writer_spare = NULL;
  t->dir           = dir;
  t->durable_left  = SIZE_MAX;
  t->tear          = 0;
  t->appended      = 0;
  t->dead          = false;
  t->recovered_cnt = 0;
  cf_logwriter_init(&t->w, &(cf_logwriter_config_t){ .log       = key_from(t->seed, 0, EXAMPLE_ORIGIN, CF_VKEY_LOG),
                                                     .seed      = t->seed,
                                                     .cap       = cap,
                                                     .mem       = t->mem,
                                                     .journal   = "journal",
                                                     .id        = WRITER_ID,
                                                     .key       = plain_key,
                                                     .recovered = check_recovered,
                                                     .ctx       = t });
}

static inline void
writer_close(writer_t *t) {
  if (t->w.cfg.cap == WRITER_CAP && !writer_spare) writer_spare = t->mem;
  else free(t->mem);
}

/* Of an append any sectors may be missing in a file that was written ahead. */
static inline void
writer_tear(writer_t *t, size_t at) {
  static uint8_t const zeros[2048];
  cf_effect_t const   *e = &t->step.fx.at[at];
  unsigned             x = t->tear;
  if (t->tear == 0) return;
  if (t->tear == 1 || e->kind != CF_FX_APPEND) {
    if (t->tear == 1 || x & 2) mem_perform(t->dir, e);
    for (at++; t->tear > 1 && at < t->step.fx.cnt && t->step.fx.at[at].joined; at++)
      if ((x = x * 1103515245 + 12345) & 1 << 16) mem_perform(t->dir, &t->step.fx.at[at]);
    return;
  }
  mem_append(t->dir, e->name, e->body);
  mem_append(t->dir, e->name, CF_SPAN_OF(zeros));
  mem_file_t *f    = mem_find(t->dir, e->name);
  size_t      end  = f->len - sizeof zeros, from = end - e->body.len, cnt = (end - 1) / 512 - from / 512 + 1, lost = t->tear % cnt;
  for (size_t i = 0, s = from; s < end; i++, s = (s / 512 + 1) * 512) {
    x = x * 1103515245 + 12345;
    if (i == lost || x & 1 << 16) memset(f->bytes + s, 0, ((s / 512 + 1) * 512 < end ? (s / 512 + 1) * 512 : end) - s);
  }
}

/* Performs a step's effects in order; what is read comes back as a next step.  A durable effect that the disk does not take any
   more ends the process: nothing behind it happens. */
static inline void
writer_perform(writer_t *t) {
  for (bool more = true; more && !t->dead;) {
    cf_event_t answer = { .kind = CF_EV_DONE };
    cf_span_t  listed = CF_SPAN(NULL, 0);
    more              = false;
    for (size_t i = 0; i < t->step.fx.cnt && !t->dead; i++) {
      cf_effect_t const *e = &t->step.fx.at[i];
      if (e->kind == CF_FX_PUT || e->kind == CF_FX_APPEND || e->kind == CF_FX_REMOVE) {
        t->dead = t->durable_left == 0;
        if (t->dead) {
          writer_tear(t, i);
          break;
        }
        t->durable_left--;
        t->appended += e->kind == CF_FX_APPEND;
        mem_perform(t->dir, e);
        continue;
      }
      assert_false(more); /* the writer reads one thing at a time */
      assert_true(e->kind == CF_FX_GET || e->kind == CF_FX_LIST);
      answer = (cf_event_t){ .kind = CF_EV_DONE, .id = e->id, .code = 200 };
      more   = true;
      if (e->kind == CF_FX_LIST) {
        answer.body = listed = mem_list(t->dir, e->name);
      } else {
        mem_file_t const *f = mem_find(t->dir, e->name);
        if (f) answer.body = CF_SPAN(f->bytes, f->len);
        else answer.code = 404;
      }
    }
    if (more && !t->dead) assert_true(cf_logwriter_step(&t->w, step_begin(&t->step), &answer));
    free((void *)(uintptr_t)listed.ptr);
  }
}

static inline void
writer_start(writer_t *t) {
  cf_logwriter_start(&t->w, step_begin(&t->step));
  writer_perform(t);
}

/* A group of cnt example entries from number first; *entries and *text stay valid for the static buffers' life. */
static inline cf_log_entry_t *
example_group(uint64_t first, size_t cnt) {
  static cf_log_entry_t entries[CF_LOGWRITER_GROUP_MAX];
  static char           text[CF_LOGWRITER_GROUP_MAX][32];
  for (size_t i = 0; i < cnt; i++) {
    entries[i].bytes = example_entry(text[i], first + i);
    entries[i].key   = plain_key(entries[i].bytes);
  }
  return entries;
}

/* An append, in the journal alone; and one that is published in the same step. */
static inline void
writer_journal(writer_t *t, uint64_t first, size_t cnt) {
  uint64_t at;
  ASSERT_STATUS(CF_OK, cf_logwriter_append(&t->w, step_begin(&t->step), example_group(first, cnt), cnt, &at));
  writer_perform(t);
}

static inline void
writer_append(writer_t *t, uint64_t first, size_t cnt) {
  uint64_t at;
  ASSERT_STATUS(CF_OK, cf_logwriter_append(&t->w, step_begin(&t->step), example_group(first, cnt), cnt, &at));
  cf_logwriter_publish(&t->w, &t->step.fx);
  writer_perform(t);
}

/* A log at rest, as who reads it sees it: nothing in its journal. */
static inline void
writer_rest(writer_t *t, mem_dir_t *dir, uint64_t cap) {
  writer_open(t, dir, cap);
  writer_start(t);
  writer_close(t);
}

/* A log of size entries, written in groups of that many. */
static inline mem_dir_t
make_log(uint64_t size, size_t group) {
  static writer_t t;
  mem_dir_t       dir = { 0 };
  writer_open(&t, &dir, 131072);
  writer_start(&t);
  for (uint64_t at = 0; at < size; at += group) writer_append(&t, at, size - at < group ? size - at : group);
  writer_close(&t);
  writer_rest(&t, &dir, 131072);
  return dir;
}

static inline mem_file_t *
log_file(mem_dir_t const *dir, cf_tile_t const *t) {
  char path[CF_TILE_PATH_MAX], name[CF_TILE_PATH_MAX + 8];
  cf_tile_path(path, t);
  snprintf(name, sizeof name, "log/%s", path);
  return mem_find(dir, SPAN_STR(name));
}

/* Gives a reader the files it wants, a full tile where the partial one is gone.  Returns how many it wanted. */
static inline size_t
feed_reader(cf_logreader_t *r, mem_dir_t const *dir) {
  size_t cnt = 0;
  for (cf_tile_t t; cf_logreader_want(r, &t); cnt++) {
    mem_file_t *f    = log_file(dir, &t);
    bool        full = false;
    if (!f && t.width < CF_TILE_WIDTH) {
      t.width = CF_TILE_WIDTH;
      f       = log_file(dir, &t);
      full    = f != NULL;
    }
    if (f) cf_logreader_give(r, CF_SPAN(f->bytes, f->len), full);
    else cf_logreader_missing(r);
  }
  return cnt;
}

#endif
