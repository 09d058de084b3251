/* The body of POST /v1/envelopes, and the headers and chunks around it: nothing is read beyond the input, and what is accepted is exactly
   what it is made of. */
#include <assert.h>

#include "gateway/cf_post.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_span_t       in = CF_SPAN(data, size), envelope;
  cf_rd_t         rd = cf_rd_span(in);
  cf_chunk_t      chunk;
  cf_chunk_note_t note;
  cf_post_head_t  head;
  size_t          n = 0, bytes = 0, want = cf_post_count(in);
  while (cf_post_next(&rd, &envelope)) {
    n++;
    bytes += 4 + envelope.len;
    if (!cf_post_head(&head, envelope)) assert(envelope.len >= 60); /* a domain, an epoch and a session fit in no less */
  }
  assert(want == 0 || (n == want && bytes == size));
  if (!cf_post_head(&head, in)) assert(size >= 60);

  rd = cf_rd_span(in);
  static uint8_t again[1 << 16];
  while (cf_chunk_next(&rd, &chunk)) {
    if (cf_chunk_note(&note, chunk.note) || note.cnt > 64 || !note.receipt.len || chunk.note.len > sizeof again / 2) continue;
    cf_hash_t ids[64];
    for (uint32_t i = 0; i < note.cnt; i++) memcpy(ids[i].b, note.ids + 32 * (size_t)i, 32);
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_chunk_write(&wr, CF_SPAN(NULL, 0), note.receipt, ids, note.cnt, note.proof);
    assert(wr.len == 16 + chunk.note.len && memcmp(again + 16, chunk.note.ptr, chunk.note.len) == 0); /* one note, one encoding */
  }
  if (!cf_rd_left(&rd)) assert(cf_chunk_ended(&rd));
  else (void)cf_chunk_ended(&rd);
  return 0;
}
