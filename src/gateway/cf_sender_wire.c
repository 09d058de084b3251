#include "gateway/cf_sender_wire.h"

cf_status_t cf_sent_decode(cf_sent_t *out, cf_span_t in) {
  if (in.len != 1 || in.ptr[0] >= CF_SENTS) return CF_ERR_FORMAT;
  *out = (cf_sent_t)in.ptr[0];
  return CF_OK;
}

static bool is_mined(cf_seen_kind_t k) { return k == CF_SEEN_SUCCEEDED || k == CF_SEEN_REVERTED; }

void cf_look_write(cf_wr_t *wr, cf_look_t const *look, cf_seen_t const *seen) {
  cf_wr_u64(wr, look->number);
  cf_wr_u64(wr, look->nonce);
  cf_wr_u64(wr, look->fees.base_wei);
  cf_wr_u64(wr, look->fees.tip_wei);
  cf_wr_u16(wr, (uint16_t)look->n);
  for (size_t i = 0; i < look->n; i++) {
    cf_wr_u8(wr, (uint8_t)seen[i].kind);
    if (!is_mined(seen[i].kind)) continue;
    cf_wr_u64(wr, seen[i].block);
    cf_wr_hash(wr, &seen[i].block_hash);
    cf_wr_u64(wr, seen[i].gas_used);
    cf_wr_u64(wr, seen[i].price_wei);
  }
}

cf_status_t cf_look_decode(cf_look_t *look, cf_seen_t *seen, size_t max, cf_span_t in) {
  cf_rd_t   rd = cf_rd_span(in);
  cf_look_t l  = { .number = cf_rd_u64(&rd) };
  l.nonce         = cf_rd_u64(&rd);
  l.fees.base_wei = cf_rd_u64(&rd);
  l.fees.tip_wei  = cf_rd_u64(&rd);
  l.n             = cf_rd_u16(&rd);
  if (!rd.bad && l.n > max) return CF_ERR_BOUND;
  for (size_t i = 0; i < l.n && !rd.bad; i++) {
    uint8_t kind = cf_rd_u8(&rd);
    if (kind >= CF_SEENS) rd.bad = true;
    seen[i] = (cf_seen_t){ .kind = (cf_seen_kind_t)kind };
    if (!is_mined(seen[i].kind)) continue;
    seen[i].block      = cf_rd_u64(&rd);
    seen[i].block_hash = cf_rd_hash(&rd);
    seen[i].gas_used   = cf_rd_u64(&rd);
    seen[i].price_wei  = cf_rd_u64(&rd);
  }
  if (!cf_rd_done(&rd)) return CF_ERR_FORMAT;
  *look = l;
  return CF_OK;
}
