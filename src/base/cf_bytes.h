/* Byte spans, and the two cursors through which all bytes from and to the
   outside go.  A cursor goes bad once and stays bad, so that a codec reads like
   the table in its specification and checks once, at the end. */
#ifndef CF_BASE_BYTES_H
#define CF_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* cf_span_t is borrowed bytes.  ptr may be NULL if len is 0. */
typedef struct {
  uint8_t const *ptr;
  size_t         len;
} cf_span_t;

#define CF_SPAN(p, n) ((cf_span_t){ (uint8_t const *)(p), (n) })
#define CF_SPAN_OF(a) CF_SPAN((a), sizeof(a))
/* CF_SPAN_LIT is a string literal's bytes, without the NUL. */
#define CF_SPAN_LIT(s) CF_SPAN((s), sizeof(s) - 1)

static inline bool
cf_span_eq(cf_span_t a, cf_span_t b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* 32-byte digests, of SHA-256 or Keccak-256 as the name beside it says. */
typedef struct {
  uint8_t b[32];
} cf_hash_t;

static inline bool
cf_hash_eq(cf_hash_t const *a, cf_hash_t const *b) {
  return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* ---- reading ---- */

typedef struct {
  uint8_t const *buf;
  size_t         len;
  size_t         pos; /* pos <= len, always                  */
  bool           bad; /* sticky: set by the first short read */
} cf_rd_t;

static inline cf_rd_t
cf_rd_init(void const *buf, size_t len) {
  return (cf_rd_t){ .buf = buf ? buf : (void const *)"", .len = len }; /* no arithmetic on NULL, ever */
}

static inline cf_rd_t
cf_rd_span(cf_span_t s) {
  return cf_rd_init(s.ptr, s.len);
}

static inline size_t
cf_rd_left(cf_rd_t const *rd) {
  return rd->len - rd->pos;
}

/* cf_rd_take consumes n bytes and returns where they start, borrowed from the
   input; NULL once the cursor is bad.  The only place that moves pos. */
static inline uint8_t const *
cf_rd_take(cf_rd_t *rd, size_t n) {
  if (rd->bad || n > rd->len - rd->pos) {
    rd->bad = true;
    return NULL;
  }
  uint8_t const *at = rd->buf + rd->pos;
  rd->pos += n;
  return at;
}

static inline cf_span_t
cf_rd_take_span(cf_rd_t *rd, size_t n) {
  uint8_t const *at = cf_rd_take(rd, n);
  return at ? CF_SPAN(at, n) : CF_SPAN(NULL, 0);
}

static inline void
cf_rd_copy(cf_rd_t *rd, void *out, size_t n) {
  uint8_t const *at = cf_rd_take(rd, n);
  if (at && n) memcpy(out, at, n);
}

/* Integers of n <= 8 bytes; a bad cursor reads 0. */
static inline uint64_t
cf_rd_be(cf_rd_t *rd, size_t n) {
  uint8_t const *at = cf_rd_take(rd, n);
  uint64_t       v  = 0;
  for (size_t i = 0; at && i < n; i++) v = v << 8 | at[i];
  return v;
}

static inline uint64_t
cf_rd_le(cf_rd_t *rd, size_t n) {
  uint8_t const *at = cf_rd_take(rd, n);
  uint64_t       v  = 0;
  for (size_t i = n; at && i > 0; i--) v = v << 8 | at[i - 1];
  return v;
}

static inline uint8_t  cf_rd_u8(cf_rd_t *rd) { return (uint8_t)cf_rd_be(rd, 1); }
static inline uint16_t cf_rd_u16(cf_rd_t *rd) { return (uint16_t)cf_rd_be(rd, 2); }
static inline uint32_t cf_rd_u24(cf_rd_t *rd) { return (uint32_t)cf_rd_be(rd, 3); }
static inline uint32_t cf_rd_u32(cf_rd_t *rd) { return (uint32_t)cf_rd_be(rd, 4); }
static inline uint64_t cf_rd_u40(cf_rd_t *rd) { return cf_rd_be(rd, 5); }
static inline uint64_t cf_rd_u64(cf_rd_t *rd) { return cf_rd_be(rd, 8); }

static inline cf_hash_t
cf_rd_hash(cf_rd_t *rd) {
  cf_hash_t h = { { 0 } };
  cf_rd_copy(rd, h.b, sizeof h.b);
  return h;
}

/* cf_rd_done holds when everything was read and nothing was short. */
static inline bool
cf_rd_done(cf_rd_t const *rd) {
  return !rd->bad && rd->pos == rd->len;
}

/* ---- writing ---- */

typedef struct {
  uint8_t *buf;
  size_t   max;
  size_t   len; /* len <= max, always                       */
  bool     bad; /* sticky: set by the first write too large */
} cf_wr_t;

static inline cf_wr_t
cf_wr_init(void *buf, size_t max) {
  return (cf_wr_t){ .buf = buf, .max = max };
}

/* cf_wr_room reserves n bytes and returns where they start, to be filled by the
   caller; NULL once the cursor is bad.  The only place that moves len. */
static inline uint8_t *
cf_wr_room(cf_wr_t *wr, size_t n) {
  if (wr->bad || n > wr->max - wr->len) {
    wr->bad = true;
    return NULL;
  }
  uint8_t *at = wr->buf + wr->len;
  wr->len += n;
  return at;
}

static inline void
cf_wr_bytes(cf_wr_t *wr, void const *ptr, size_t n) {
  uint8_t *at = cf_wr_room(wr, n);
  if (at && n) memcpy(at, ptr, n);
}

static inline void cf_wr_span(cf_wr_t *wr, cf_span_t s) { cf_wr_bytes(wr, s.ptr, s.len); }
static inline void cf_wr_hash(cf_wr_t *wr, cf_hash_t const *h) { cf_wr_bytes(wr, h->b, sizeof h->b); }

static inline void
cf_wr_be(cf_wr_t *wr, uint64_t v, size_t n) {
  uint8_t *at = cf_wr_room(wr, n);
  for (size_t i = 0; at && i < n; i++) at[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static inline void cf_wr_u8(cf_wr_t *wr, uint8_t v) { cf_wr_be(wr, v, 1); }
static inline void cf_wr_u16(cf_wr_t *wr, uint16_t v) { cf_wr_be(wr, v, 2); }
static inline void cf_wr_u24(cf_wr_t *wr, uint32_t v) { cf_wr_be(wr, v, 3); }
static inline void cf_wr_u32(cf_wr_t *wr, uint32_t v) { cf_wr_be(wr, v, 4); }
static inline void cf_wr_u40(cf_wr_t *wr, uint64_t v) { cf_wr_be(wr, v, 5); }
static inline void cf_wr_u64(cf_wr_t *wr, uint64_t v) { cf_wr_be(wr, v, 8); }

/* cf_wr_out is what was written so far; empty once the cursor is bad. */
static inline cf_span_t
cf_wr_out(cf_wr_t const *wr) {
  return wr->bad ? CF_SPAN(NULL, 0) : CF_SPAN(wr->buf, wr->len);
}

#endif
