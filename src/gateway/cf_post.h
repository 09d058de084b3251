/* The bytes around envelopes: the body of POST /v1/envelopes, the header that a
   promise is made from, and the chunks of a journal file.  Pure; spans borrow the input. */
#ifndef CF_GATEWAY_POST_H
#define CF_GATEWAY_POST_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

/* cf_post_count checks that body is one or more spans and nothing else, none of them empty, and returns how many; 0 when not. */
size_t cf_post_count(cf_span_t body);
bool   cf_post_next(cf_rd_t *body, cf_span_t *envelope);

/* What an envelope says about itself (PROTOCOL P5), unproven.  Its form is checked as far as this is read; the enclave checks the
 * rest. */
typedef struct {
  cf_hash_t domain;
  uint64_t  epoch;
} cf_post_head_t;
CF_MUST_CHECK cf_status_t cf_post_head(cf_post_head_t *out, cf_span_t envelope); /* CF_ERR_FORMAT */

/* ---- journal files: what the enclave answered, and the gateway's note of it, durable by one append ----

   chunk  u32 size of body | first 8 bytes of SHA-256(body) | body = u32 length | the enclave's bytes (file header or record) | note
   note   empty behind a header; else version u8 = 1 | u32 length, receipt | u32 count, envelope ids | u32 length, finality proof
   of the view that this receipt is the first to name (empty: none) */
typedef struct {
  cf_span_t enclave;
  cf_span_t note;
} cf_chunk_t;
typedef struct {
  cf_span_t      receipt;
  uint32_t       cnt;
  uint8_t const *ids; /* 32 bytes each */
  cf_span_t      proof;
} cf_chunk_note_t;

/* cf_chunk_next is false where no whole chunk follows; file stays there, and is not bad.  cf_chunk_ended says then whether a process can have left
   the file like this: nothing follows, or zeros (the file is written ahead with them), or one append that a crash cut short, of which any sectors
   may be missing: nothing of it ever left.  False means that the file was damaged.  file is read from its first byte. */
#define CF_CHUNK_MAX (64u << 20) /* of a body */
bool                      cf_chunk_next(cf_rd_t *file, cf_chunk_t *out);
bool                      cf_chunk_ended(cf_rd_t const *file);
CF_MUST_CHECK cf_status_t cf_chunk_note(cf_chunk_note_t *out, cf_span_t note); /* CF_ERR_FORMAT */
void cf_chunk_write(cf_wr_t *wr, cf_span_t enclave, cf_span_t receipt, cf_hash_t const *ids, uint32_t cnt, cf_span_t proof);

/* "span" everywhere: u32 length and bytes. */
static inline cf_span_t
cf_rd_sized(cf_rd_t *rd) {
  return cf_rd_take_span(rd, cf_rd_u32(rd));
}
static inline void
cf_wr_sized(cf_wr_t *wr, cf_span_t s) {
  cf_wr_u32(wr, (uint32_t)s.len);
  cf_wr_span(wr, s);
}

#endif
