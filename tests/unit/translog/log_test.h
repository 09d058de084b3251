/* What the log's tests share: cmocka, bytes from hex, the example log and keys
   of FORMATS-LOG (sections 1 to 5), a folder in memory that performs file effects. */
#ifndef CF_TESTS_LOG_TEST_H
#define CF_TESTS_LOG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cf_effect.h"
#include "base/cf_text.h"
#include "translog/cf_note.h"
#include "translog/cf_tile.h"
#include "translog/cf_tree.h"

#define SPAN_STR(s) CF_SPAN((s), strlen(s))
#define ASSERT_STATUS(want, got) assert_string_equal(cf_status_name(got), cf_status_name(want))
#define ASSERT_SPAN(want, got) \
  do { \
    cf_span_t w_ = (want), g_ = (got); \
    assert_int_equal(w_.len, g_.len); \
    if (w_.len) assert_memory_equal(w_.ptr, g_.ptr, w_.len); \
  } while (0)
#define ASSERT_HASH(want, got) assert_memory_equal((want).b, (got).b, 32)

static inline cf_hash_t
hash_hex(char const *hex) {
  cf_hash_t h;
  assert_int_equal(cf_hex_decode(h.b, 32, SPAN_STR(hex)), CF_OK);
  return h;
}

/* ---- the example log: entry i is "entry-<i>" ---- */

static inline cf_span_t
example_entry(char buf[32], uint64_t i) {
  int n = snprintf(buf, 32, "entry-%llu", (unsigned long long)i);
  return CF_SPAN(buf, (size_t)n);
}

static inline cf_hash_t
example_leaf(uint64_t i) {
  char buf[32];
  return cf_tree_leaf(example_entry(buf, i));
}

static inline cf_hash_t
example_root(uint64_t size) {
  cf_frontier_t f = { .size = 0 };
  for (uint64_t i = 0; i < size; i++) {
    cf_hash_t leaf = example_leaf(i);
    cf_frontier_add(&f, &leaf);
  }
  return cf_frontier_root(&f);
}

/* Seeds are n, n+1, ... n+31: the page's log key has n = 0, its witness n = 0x20. */
static inline void
seed_from(uint8_t seed[32], uint8_t n) {
  for (unsigned i = 0; i < 32; i++) seed[i] = (uint8_t)(n + i);
}

static inline cf_vkey_t
key_from(uint8_t seed[32], uint8_t n, char const *name, cf_vkey_type_t type) {
  cf_ed25519_pub_t pub;
  cf_vkey_t        k;
  seed_from(seed, n);
  cf_ed25519_pub(&pub, seed);
  assert_int_equal(cf_vkey_make(&k, SPAN_STR(name), type, &pub), CF_OK);
  return k;
}

#define EXAMPLE_ORIGIN "example.com/tee-ledger"
#define EXAMPLE_WITNESS "witness.example.com/w1"
#define EXAMPLE_NOTE \
  "example.com/tee-ledger\n8\n38wTubDKkyxo3j1Z6qqP4mapyAkcAwDoQF6/6w0OWDI=\n\n" \
  "\xe2\x80\x94 example.com/tee-ledger " \
  "hOW7zlLAlcvrhUigAe+EPzYL+t7JaDCRxr+mPc9SEZnOX1Zw8wYi2Ebg8nczWDBGMAvvQKtu1xfH4kschM+VJhKTmAo=\n" \
  "\xe2\x80\x94 witness.example.com/w1 " \
  "lpmAzwAAAABlU/EA4qRMH5xAGPJ1TSC92Afu9FkkM7Dx5FY0wxyboQAn2Bnei0P4/8QHFhFJ5ZkmOCocyXhUJj+ibDqa6UU4aO4uBw==\n"

/* A set over the log of seed 0 with n witnesses w0, w1, ... of seeds 0x40 + i. */
static inline cf_witness_set_t
make_set(uint8_t log_seed[32], uint8_t (*seeds)[32], size_t n, unsigned k, unsigned f) {
  cf_witness_set_t set = { .log = key_from(log_seed, 0, EXAMPLE_ORIGIN, CF_VKEY_LOG), .cnt = n, .k = k, .f = f };
  for (size_t i = 0; i < n; i++) {
    char name[48];
    snprintf(name, sizeof name, "witness.example/w%zu", i);
    set.member[i] = key_from(seeds[i], (uint8_t)(0x40 + i), name, CF_VKEY_WITNESS);
  }
  return set;
}

/* ---- effects and a folder in memory ---- */

typedef struct {
  char     name[160];
  uint8_t *bytes;
  size_t   len;
} mem_file_t;

typedef struct {
  mem_file_t *file;
  size_t      cnt, max;
} mem_dir_t;

static inline mem_file_t *
mem_find(mem_dir_t const *d, cf_span_t name) {
  for (size_t i = 0; i < d->cnt; i++)
    if (cf_span_eq(SPAN_STR(d->file[i].name), name)) return &d->file[i];
  return NULL;
}

static inline void
mem_put(mem_dir_t *d, cf_span_t name, cf_span_t body) {
  mem_file_t *f = mem_find(d, name);
  if (!f) {
    if (d->cnt == d->max) d->file = realloc(d->file, (d->max = 2 * d->max + 16) * sizeof *d->file);
    f = &d->file[d->cnt++];
    snprintf(f->name, sizeof f->name, "%.*s", (int)name.len, name.ptr);
    f->bytes = NULL;
  }
  f->bytes = realloc(f->bytes, body.len + 1);
  if (body.len) memcpy(f->bytes, body.ptr, body.len);
  f->len = body.len;
}

static inline void
mem_remove(mem_dir_t *d, cf_span_t name) {
  mem_file_t *f = mem_find(d, name);
  if (!f) return;
  free(f->bytes);
  memmove(f, f + 1, (size_t)(d->file + --d->cnt - f) * sizeof *f);
}

static inline void
mem_append(mem_dir_t *d, cf_span_t name, cf_span_t body) {
  mem_file_t *f = mem_find(d, name);
  if (!f) {
    mem_put(d, name, body);
    return;
  }
  f->bytes = realloc(f->bytes, f->len + body.len + 1);
  if (body.len) memcpy(f->bytes + f->len, body.ptr, body.len);
  f->len += body.len;
}

/* One durable effect; false for another. */
static inline bool
mem_perform(mem_dir_t *d, cf_effect_t const *e) {
  if (e->kind == CF_FX_PUT) mem_put(d, e->name, e->body);
  else if (e->kind == CF_FX_APPEND) mem_append(d, e->name, e->body);
  else if (e->kind == CF_FX_REMOVE) mem_remove(d, e->name);
  else return false;
  return true;
}

static inline mem_dir_t
mem_copy(mem_dir_t const *d) {
  mem_dir_t c = { 0 };
  for (size_t i = 0; i < d->cnt; i++) mem_put(&c, SPAN_STR(d->file[i].name), CF_SPAN(d->file[i].bytes, d->file[i].len));
  return c;
}

static inline void
mem_free(mem_dir_t *d) {
  for (size_t i = 0; i < d->cnt; i++) free(d->file[i].bytes);
  free(d->file);
  *d = (mem_dir_t){ 0 };
}

static inline int
mem_name_cmp(void const *a, void const *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted, each ended by NUL; the caller frees. */
static inline cf_span_t
mem_list(mem_dir_t const *d, cf_span_t dir) {
  char **names = calloc(d->cnt + 1, sizeof *names);
  size_t n = 0, sz = 0;
  for (size_t i = 0; i < d->cnt; i++) {
    char *name = d->file[i].name;
    if (strncmp(name, (char const *)dir.ptr, dir.len) == 0 && name[dir.len] == '/' && !strchr(name + dir.len + 1, '/'))
      names[n++] = name + dir.len + 1, sz += strlen(name + dir.len + 1) + 1;
  }
  qsort(names, n, sizeof *names, mem_name_cmp);
  uint8_t *out = malloc(sz + 1);
  size_t   at  = 0;
  for (size_t i = 0; i < n; i++) {
    memcpy(out + at, names[i], strlen(names[i]) + 1);
    at += strlen(names[i]) + 1;
  }
  free(names);
  return CF_SPAN(out, sz);
}

typedef struct {
  cf_effects_t fx;
  uint8_t      scratch[1 << 18];
} step_t;

static inline cf_effects_t *
step_begin(step_t *s) {
  s->fx = (cf_effects_t){ .scratch = s->scratch, .scratch_max = sizeof s->scratch };
  return &s->fx;
}

#endif
