/* A byte queue on the heap, bounded by whoever reserves: what is read from a
   socket and not yet understood, or made and not yet sent. */
#ifndef CF_IO_BUF_H
#define CF_IO_BUF_H

#include <stdlib.h>

#include "base/cf_bytes.h"

/* Bytes [pos, len) are held; cap is what is allocated.  {0} is empty. */
typedef struct {
  uint8_t *ptr;
  size_t   pos;
  size_t   len;
  size_t   cap;
} cf_buf_t;

static inline cf_span_t cf_buf_held(cf_buf_t const *b) { return CF_SPAN(b->ptr ? b->ptr + b->pos : NULL, b->len - b->pos); }
static inline size_t    cf_buf_room(cf_buf_t const *b) { return b->cap - b->len; }

static inline void
cf_buf_free(cf_buf_t *b) {
  free(b->ptr);
  *b = (cf_buf_t){ 0 };
}

/* cf_buf_reserve makes room for n bytes behind len: moves what is held to the
   front, or doubles.  False when that would hold more than held_max bytes, or
   memory is out; then nothing changed. */
static inline bool
cf_buf_reserve(cf_buf_t *b, size_t n, size_t held_max) {
  size_t held = b->len - b->pos;
  if (held > held_max || n > held_max - held) return false;
  if (n <= b->cap - b->len) return true;
  if (held + n > b->cap) {
    size_t cap = b->cap ? b->cap : 4096;
    while (cap < held + n) cap *= 2;
    uint8_t *ptr = realloc(b->ptr, cap);
    if (!ptr) return false;
    b->ptr = ptr;
    b->cap = cap;
  }
  if (held) memmove(b->ptr, b->ptr + b->pos, held);
  b->pos = 0;
  b->len = held;
  return true;
}

/* cf_buf_push appends n bytes; false as cf_buf_reserve. */
static inline bool
cf_buf_push(cf_buf_t *b, void const *ptr, size_t n, size_t held_max) {
  if (!cf_buf_reserve(b, n, held_max)) return false;
  if (n) memcpy(b->ptr + b->len, ptr, n);
  b->len += n;
  return true;
}

/* cf_buf_drop forgets the first n bytes held. */
static inline void
cf_buf_drop(cf_buf_t *b, size_t n) {
  b->pos += n;
  if (b->pos == b->len) b->pos = b->len = 0;
}

#endif
