/* A store in memory: what STORE effects made durable, and what a SCAN of a kind finds. */
#ifndef CF_TESTS_SENDER_ROWS_H
#define CF_TESTS_SENDER_ROWS_H

#include <assert.h>
#include <stdlib.h>

#include "base/cf_store.h"

enum { ROWS_MAX = 4096 };

typedef struct {
  struct row {
    uint8_t  kind, key[16];
    size_t   key_sz, sz;
    uint8_t *value;
  } at[ROWS_MAX];
  size_t cnt;
} rows_t;

static inline struct row *rows_find(rows_t *rows, cf_store_kind_t kind, cf_span_t key) {
  for (size_t i = 0; i < rows->cnt; i++)
    if (rows->at[i].kind == kind && cf_span_eq(CF_SPAN(rows->at[i].key, rows->at[i].key_sz), key)) return &rows->at[i];
  return NULL;
}

/* false when body is no STORE. */
static inline bool rows_commit(rows_t *rows, cf_span_t body) {
  cf_rd_t          rd;
  cf_store_write_t w;
  uint64_t         fence;
  if (cf_store_open(&rd, &fence, body)) return false;
  while (cf_store_next(&rd, &w)) {
    struct row *at = rows_find(rows, w.kind, w.key);
    if (at) {
      free(at->value);
      *at = rows->at[--rows->cnt];
    }
    if (!w.put) continue;
    assert(rows->cnt < ROWS_MAX && w.key.len <= sizeof at->key);
    at = &rows->at[rows->cnt++];
    *at = (struct row){.kind = (uint8_t)w.kind, .key_sz = w.key.len, .sz = w.value.len, .value = malloc(w.value.len + 1)};
    memcpy(at->key, w.key.ptr, w.key.len);
    memcpy(at->value, w.value.ptr, w.value.len);
  }
  return !rd.bad;
}

static inline int rows_by_key(void const *a, void const *b) {
  struct row const *x = *(struct row *const *)a, *y = *(struct row *const *)b;
  int               c = memcmp(x->key, y->key, x->key_sz < y->key_sz ? x->key_sz : y->key_sz);
  return c ? c : (int)x->key_sz - (int)y->key_sz;
}

static inline void rows_scan(rows_t *rows, cf_wr_t *wr, cf_store_kind_t kind) {
  struct row *sorted[ROWS_MAX];
  size_t      n = 0;
  for (size_t i = 0; i < rows->cnt; i++)
    if (rows->at[i].kind == kind) sorted[n++] = &rows->at[i];
  qsort(sorted, n, sizeof *sorted, rows_by_key);
  cf_store_begin(wr, 0);
  for (size_t i = 0; i < n; i++)
    cf_store_put(wr, kind, CF_SPAN(sorted[i]->key, sorted[i]->key_sz), CF_SPAN(sorted[i]->value, sorted[i]->sz));
  assert(!wr->bad);
}

static inline bool rows_have_tx(rows_t const *rows, cf_span_t raw) {
  for (size_t i = 0; i < rows->cnt; i++)
    if (rows->at[i].kind == CF_STORE_TX && cf_span_eq(CF_SPAN(rows->at[i].value, rows->at[i].sz), raw)) return true;
  return false;
}

static inline void rows_free(rows_t *rows) {
  for (size_t i = 0; i < rows->cnt; i++) free(rows->at[i].value);
  rows->cnt = 0;
}

#endif
