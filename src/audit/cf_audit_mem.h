/* Inside audit only: the arena that grows, rows that stay where they are, and a map from hashes to rows. */
#ifndef CF_AUDIT_MEM_H
#define CF_AUDIT_MEM_H

#include "base/cf_bytes.h"

typedef struct cf_mem_block cf_mem_block_t;
typedef struct {
  cf_mem_block_t *block; /* newest first */
  size_t          left;
} cf_mem_t;

/* cf_mem_take returns n zeroed bytes aligned for any type, for as long as the arena lives. */
void *cf_mem_take(cf_mem_t *m, size_t n);
void  cf_mem_free(cf_mem_t *m);
/* cf_mem_give gives back what was taken, if it was large; else it stays until the arena ends. */
void cf_mem_give(cf_mem_t *m, void *at);

/* Rows of one size, in blocks: a row never moves. */
#define CF_VEC_ROWS 1024
typedef struct {
  uint8_t **block;
  size_t    block_max;
  size_t    row_sz;
  uint64_t  cnt;
} cf_vec_t;

static inline cf_vec_t cf_vec(size_t row_sz) { return (cf_vec_t){.row_sz = row_sz}; }
static inline void *cf_vec_at(cf_vec_t const *v, uint64_t i) { return v->block[i / CF_VEC_ROWS] + i % CF_VEC_ROWS * v->row_sz; }
void               *cf_vec_add(cf_vec_t *v, cf_mem_t *m); /* zeroed */

/* Hash -> row number.  Only 64 bits of the hash are kept: the caller compares what the row holds.  Keys are outputs of a hash
   function, so that nobody chooses where they fall. */
typedef struct {
  uint64_t *tag;
  uint64_t *row; /* + 1; 0: free */
  size_t    max; /* power of two */
  size_t    cnt;
} cf_map_t;

void cf_map_add(cf_map_t *t, cf_mem_t *m, cf_hash_t const *key, uint64_t row);
/* for (cf_map_find_t f = cf_map_find(t, key); cf_map_next(&f, &row);) */
typedef struct {
  cf_map_t const *t;
  uint64_t        tag;
  size_t          at;
} cf_map_find_t;
cf_map_find_t cf_map_find(cf_map_t const *t, cf_hash_t const *key);
bool          cf_map_next(cf_map_find_t *f, uint64_t *row);

#endif
