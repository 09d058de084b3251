#include "gateway/cf_post.h"

#include "base/cf_torn.h"
#include "codec/cf_cbor.h"
#include "crypto/cf_hash.h"

#define NOTE_VERSION 1

bool
cf_post_next(cf_rd_t *body, cf_span_t *envelope) {
  if (body->bad || cf_rd_left(body) == 0) return false;
  *envelope = cf_rd_sized(body);
  return !body->bad;
}

size_t
cf_post_count(cf_span_t body) {
  cf_rd_t   rd = cf_rd_span(body);
  cf_span_t envelope;
  size_t    n = 0;
  for (; cf_post_next(&rd, &envelope); n++)
    if (envelope.len == 0) return 0;
  return cf_rd_done(&rd) ? n : 0;
}

static void
read_context(cf_rd_t *rd, cf_post_head_t *head) {
  if (cf_cbor_array(rd) != 6 || cf_cbor_uint(rd) != 1) rd->bad = true;
  head->domain = cf_cbor_hash(rd);
  head->epoch  = cf_cbor_uint(rd);
  (void)cf_cbor_bstr(rd);
  (void)cf_cbor_uint(rd);
  (void)cf_cbor_tstr(rd);
}

cf_status_t
cf_post_head(cf_post_head_t *out, cf_span_t envelope) {
  cf_rd_t        rd   = cf_rd_span(envelope);
  cf_post_head_t head = { .epoch = 0 };
  bool           have = false;
  if (cf_cbor_tag(&rd) != 16 || cf_cbor_array(&rd) != 3) return CF_ERR_FORMAT;
  cf_rd_t prot = cf_rd_span(cf_cbor_bstr(&rd));
  (void)cf_cbor_skip(&rd);
  (void)cf_cbor_bstr(&rd);
  if (!cf_rd_done(&rd)) return CF_ERR_FORMAT;
  for (cf_cbor_map_t m = cf_cbor_map(&prot); cf_cbor_next(&m);) {
    if (!m.is_text && m.key == -75100) {
      read_context(&prot, &head);
      have = true;
    } else {
      (void)cf_cbor_skip(&prot);
    }
  }
  if (!have || !cf_rd_done(&prot)) return CF_ERR_FORMAT;
  *out = head;
  return CF_OK;
}

/* ---- journal files ---- */

#define CHECK_SZ 8

static void
check_of(uint8_t out[CHECK_SZ], cf_span_t body) {
  cf_hash_t h = cf_sha256(body);
  memcpy(out, h.b, CHECK_SZ);
}

bool
cf_chunk_next(cf_rd_t *file, cf_chunk_t *out) {
  cf_rd_t        rd    = *file;
  uint32_t       size  = cf_rd_u32(&rd);
  uint8_t const *check = cf_rd_take(&rd, CHECK_SZ);
  cf_span_t      body  = cf_rd_take_span(&rd, size);
  uint8_t        is[CHECK_SZ];
  if (rd.bad || !size) return false;
  check_of(is, body);
  cf_rd_t in   = cf_rd_span(body);
  out->enclave = cf_rd_sized(&in);
  out->note    = cf_rd_take_span(&in, cf_rd_left(&in));
  if (in.bad || memcmp(is, check, CHECK_SZ)) return false;
  *file = rd;
  return true;
}

bool
cf_chunk_ended(cf_rd_t const *file) {
  return cf_torn_ended(CF_SPAN(file->buf, file->len), file->pos, CHECK_SZ, CF_CHUNK_MAX);
}

cf_status_t
cf_chunk_note(cf_chunk_note_t *out, cf_span_t note) {
  cf_rd_t         rd = cf_rd_span(note);
  cf_chunk_note_t n;
  if (cf_rd_u8(&rd) != NOTE_VERSION) return CF_ERR_FORMAT;
  n.receipt = cf_rd_sized(&rd);
  n.cnt     = cf_rd_u32(&rd);
  n.ids     = cf_rd_take(&rd, (size_t)n.cnt * 32);
  n.proof   = cf_rd_sized(&rd);
  if (!cf_rd_done(&rd)) return CF_ERR_FORMAT;
  *out = n;
  return CF_OK;
}

void
cf_chunk_write(cf_wr_t *wr, cf_span_t enclave, cf_span_t receipt, cf_hash_t const *ids, uint32_t cnt, cf_span_t proof) {
  size_t   note = receipt.len ? 1 + 4 + receipt.len + 4 + 32 * (size_t)cnt + 4 + proof.len : 0;
  uint8_t *check;
  cf_wr_u32(wr, (uint32_t)(4 + enclave.len + note));
  check       = cf_wr_room(wr, CHECK_SZ);
  size_t from = wr->len;
  cf_wr_sized(wr, enclave);
  if (note) {
    cf_wr_u8(wr, NOTE_VERSION);
    cf_wr_sized(wr, receipt);
    cf_wr_u32(wr, cnt);
    for (uint32_t i = 0; i < cnt; i++) cf_wr_hash(wr, &ids[i]);
    cf_wr_sized(wr, proof);
  }
  if (!wr->bad) check_of(check, CF_SPAN(wr->buf + from, wr->len - from));
}
