#include "audit/cf_audit_mem.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_SZ ((size_t)1 << 20)
#define LARGE_SZ (BLOCK_SZ / 8)

struct cf_mem_block {
  cf_mem_block_t *before;
  size_t          sz;
  bool            own; /* one large piece's */
  alignas(max_align_t) uint8_t bytes[];
};

void *cf_mem_take(cf_mem_t *m, size_t n) {
  size_t const align = alignof(max_align_t);
  n = (n + align - 1) / align * align;
  if (n > m->left) {
    size_t          sz = n >= LARGE_SZ ? n : BLOCK_SZ;
    cf_mem_block_t *b = calloc(1, sizeof *b + sz);
    if (!b) abort(); /* nothing sensible can be said by half */
    if (n >= LARGE_SZ && m->block) { /* a block of its own, behind the one under way */
      *b = (cf_mem_block_t){.before = m->block->before, .sz = sz, .own = true};
      m->block->before = b;
      return b->bytes;
    }
    *b = (cf_mem_block_t){.before = m->block, .sz = sz};
    m->block = b;
    m->left = sz;
  }
  void *at = m->block->bytes + (m->block->sz - m->left);
  m->left -= n;
  return at;
}

void cf_mem_free(cf_mem_t *m) {
  while (m->block) {
    cf_mem_block_t *b = m->block;
    m->block = b->before;
    free(b);
  }
}

void cf_mem_give(cf_mem_t *m, void *at) {
  for (cf_mem_block_t **b = &m->block; *b && (*b)->before; b = &(*b)->before) { /* the one under way is never given back */
    cf_mem_block_t *o = (*b)->before;
    if (o->bytes != at || !o->own) continue;
    (*b)->before = o->before;
    free(o);
    return;
  }
}

void *cf_vec_add(cf_vec_t *v, cf_mem_t *m) {
  size_t block = v->cnt / CF_VEC_ROWS;
  if (block == v->block_max) {
    size_t    max = v->block_max ? 2 * v->block_max : 8;
    uint8_t **more = cf_mem_take(m, max * sizeof *more);
    if (v->block_max) memcpy(more, v->block, v->block_max * sizeof *more);
    v->block = more;
    v->block_max = max;
  }
  if (!v->block[block]) v->block[block] = cf_mem_take(m, CF_VEC_ROWS * v->row_sz);
  return cf_vec_at(v, v->cnt++);
}

static uint64_t tag_of(cf_hash_t const *key) {
  uint64_t tag;
  memcpy(&tag, key->b, sizeof tag);
  return tag;
}

static void put(cf_map_t *t, uint64_t tag, uint64_t row) {
  size_t at = tag & (t->max - 1);
  while (t->row[at]) at = (at + 1) & (t->max - 1);
  t->tag[at] = tag;
  t->row[at] = row;
}

void cf_map_add(cf_map_t *t, cf_mem_t *m, cf_hash_t const *key, uint64_t row) {
  if (4 * t->cnt >= 3 * t->max) { /* at most three quarters full */
    cf_map_t old = *t;
    t->max = old.max ? 2 * old.max : 256;
    t->tag = cf_mem_take(m, t->max * sizeof *t->tag);
    t->row = cf_mem_take(m, t->max * sizeof *t->row);
    for (size_t i = 0; i < old.max; i++)
      if (old.row[i]) put(t, old.tag[i], old.row[i]);
    if (old.max) cf_mem_give(m, old.tag), cf_mem_give(m, old.row);
  }
  put(t, tag_of(key), row + 1);
  t->cnt++;
}

cf_map_find_t cf_map_find(cf_map_t const *t, cf_hash_t const *key) {
  uint64_t tag = tag_of(key);
  return (cf_map_find_t){t, tag, t->max ? tag & (t->max - 1) : 0};
}

bool cf_map_next(cf_map_find_t *f, uint64_t *row) {
  cf_map_t const *t = f->t;
  while (t->max && t->row[f->at]) {
    size_t at = f->at;
    f->at = (at + 1) & (t->max - 1);
    if (t->tag[at] != f->tag) continue;
    *row = t->row[at] - 1;
    return true;
  }
  return false;
}
