/* Recursive length prefix over the byte cursors (Yellow Paper, appendix B).  The reader takes the one encoding that a value has:
   a byte below 0x80 behind a head, a length longer than it needs, a list or string that reaches beyond its container, and an
   integer with leading zeros make the cursor bad, with pos left at the offence.  Nothing allocates, nothing recurses: a list
   is read through a cursor of its own, so nesting is as deep as the caller's own functions. */
#ifndef CF_CODEC_RLP_H
#define CF_CODEC_RLP_H

#include "base/cf_bytes.h"

/* One item as it stands in the input, borrowed.  A list's items are not looked at. */
typedef struct {
  bool      list;
  cf_span_t body;  /* a string's bytes, or a list's items */
  cf_span_t whole; /* with the head */
} cf_rlp_t;

/* Each reads one item; what is none of that kind makes the cursor bad and reads as 0 or as empty. */
cf_rlp_t  cf_rlp_next(cf_rd_t *rd); /* of either kind */
cf_span_t cf_rlp_str(cf_rd_t *rd);
uint64_t  cf_rlp_uint(cf_rd_t *rd); /* bad from 2^64 on */
cf_hash_t cf_rlp_word(cf_rd_t *rd); /* an integer below 2^256, as 32 big-endian bytes */
void      cf_rlp_fixed(cf_rd_t *rd, void *out, size_t n); /* a string of exactly n bytes */
static inline cf_hash_t cf_rlp_hash(cf_rd_t *rd) {
  cf_hash_t h = { { 0 } };
  cf_rlp_fixed(rd, h.b, sizeof h.b);
  return h;
}

/* cf_rlp_list enters a list: a cursor over its items, which is bad like rd when there is none.  rd goes on behind the list; who
   wants all of it read asks cf_rd_done of both. */
cf_rd_t cf_rlp_list(cf_rd_t *rd);

void cf_rlp_w_str(cf_wr_t *wr, cf_span_t s);
void cf_rlp_w_uint(cf_wr_t *wr, uint64_t v);
void cf_rlp_w_word(cf_wr_t *wr, cf_hash_t const *v); /* as an integer: without its leading zeros */
static inline void cf_rlp_w_hash(cf_wr_t *wr, cf_hash_t const *h) { cf_rlp_w_str(wr, CF_SPAN(h->b, sizeof h->b)); }

/* A list is what is written between the two: cf_rlp_w_list says where it begins, cf_rlp_w_end puts the head before it, which
   needs up to 9 more bytes of room. */
static inline size_t cf_rlp_w_list(cf_wr_t const *wr) { return wr->len; }
void                 cf_rlp_w_end(cf_wr_t *wr, size_t list);

#endif
