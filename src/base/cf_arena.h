/* A bump allocator over memory of the caller: a request's working memory. */
#ifndef CF_BASE_ARENA_H
#define CF_BASE_ARENA_H

#include <stdalign.h>

#include "base/cf_bytes.h"

typedef struct {
  uint8_t *buf;
  size_t   max;
  size_t   len;
} cf_arena_t;

static inline cf_arena_t
cf_arena_init(void *buf, size_t max) {
  return (cf_arena_t){ .buf = buf, .max = max };
}

/* cf_arena_take returns n bytes aligned for any type, zeroed; NULL when full. */
static inline void *
cf_arena_take(cf_arena_t *a, size_t n) {
  size_t pad = (size_t)(-(uintptr_t)(a->buf + a->len) & (alignof(max_align_t) - 1));
  if (pad > a->max - a->len || n > a->max - a->len - pad) return NULL;
  uint8_t *at = a->buf + a->len + pad;
  a->len += pad + n;
  memset(at, 0, n);
  return at;
}

/* cf_arena_reset forgets everything taken; memory that held secrets is wiped
   by the caller first (cf_wipe). */
static inline void cf_arena_reset(cf_arena_t *a) { a->len = 0; }

#endif
