#include "gateway/cf_sender_wire.h"

cf_status_t cf_sent_decode(cf_sent_t *out, cf_span_t in) {
  if (in.len != 1 || in.ptr[0] >= CF_SENTS) return CF_ERR_FORMAT;
  *out = (cf_sent_t)in.ptr[0];
  return CF_OK;
}

static bool is_mined(cf_seen_kind_t k) { return k == CF_SEEN_SUCCEEDED || k == CF_SEEN_REVERTED; }

static void write_seen(cf_wr_t *wr, cf_seen_t const *seen) {
  cf_wr_u8(wr, (uint8_t)seen->kind);
  if (!is_mined(seen->kind)) return;
  cf_wr_u64(wr, seen->block);
  cf_wr_hash(wr, &seen->block_hash);
  cf_wr_u64(wr, seen->gas_used);
  cf_wr_u64(wr, seen->price_wei);
}

static cf_seen_t read_seen(cf_rd_t *rd) {
  uint8_t kind = cf_rd_u8(rd);
  if (kind >= CF_SEENS) rd->bad = true;
  cf_seen_t seen = { .kind = (cf_seen_kind_t)kind };
  if (!is_mined(seen.kind)) return seen;
  seen.block      = cf_rd_u64(rd);
  seen.block_hash = cf_rd_hash(rd);
  seen.gas_used   = cf_rd_u64(rd);
  seen.price_wei  = cf_rd_u64(rd);
  return seen;
}

void cf_look_write(cf_wr_t *wr, cf_look_t const *look, cf_seen_t const *seen) {
  cf_wr_u64(wr, look->number);
  cf_wr_u64(wr, look->nonce);
  cf_wr_u64(wr, look->fees.base_wei);
  cf_wr_u64(wr, look->fees.tip_wei);
  cf_wr_u16(wr, (uint16_t)look->n);
  for (size_t i = 0; i < look->n; i++) write_seen(wr, &seen[i]);
}

cf_status_t cf_look_decode(cf_look_t *look, cf_seen_t *seen, size_t max, cf_span_t in) {
  cf_rd_t   rd = cf_rd_span(in);
  cf_look_t l  = { .number = cf_rd_u64(&rd) };
  l.nonce         = cf_rd_u64(&rd);
  l.fees.base_wei = cf_rd_u64(&rd);
  l.fees.tip_wei  = cf_rd_u64(&rd);
  l.n             = cf_rd_u16(&rd);
  if (!rd.bad && l.n > max) return CF_ERR_BOUND;
  for (size_t i = 0; i < l.n && !rd.bad; i++) seen[i] = read_seen(&rd);
  if (!cf_rd_done(&rd)) return CF_ERR_FORMAT;
  *look = l;
  return CF_OK;
}

void cf_trace_ask_write(cf_wr_t *wr, cf_trace_ask_t const *t) {
  cf_wr_u64(wr, t->number);
  cf_wr_hash(wr, &t->hash);
  cf_wr_u64(wr, t->low);
  cf_wr_u64(wr, t->nonce);
  cf_wr_u8(wr, (uint8_t)t->n);
  for (size_t i = 0; i < t->n; i++) cf_wr_hash(wr, &t->tx[i]);
}

cf_status_t cf_trace_ask_decode(cf_trace_ask_t *t, cf_span_t in) {
  cf_rd_t rd = cf_rd_span(in);
  t->number  = cf_rd_u64(&rd);
  t->hash    = cf_rd_hash(&rd);
  t->low     = cf_rd_u64(&rd);
  t->nonce   = cf_rd_u64(&rd);
  t->n       = cf_rd_u8(&rd);
  if (t->n > CF_TRACE_TXS) return CF_ERR_FORMAT;
  for (size_t i = 0; i < t->n; i++) t->tx[i] = cf_rd_hash(&rd);
  return cf_rd_done(&rd) ? CF_OK : CF_ERR_FORMAT;
}

void cf_traced_write(cf_wr_t *wr, cf_traced_t const *t) {
  cf_wr_u8(wr, (uint8_t)t->kind);
  if (t->kind == CF_TRACED_OURS) {
    cf_wr_hash(wr, &t->tx);
    write_seen(wr, &t->seen);
  }
  if (t->kind == CF_TRACED_OTHER) cf_wr_bytes(wr, t->raw.ptr, t->raw.len);
  if (t->kind == CF_TRACED_BARE) {
    cf_wr_hash(wr, &t->tx);
    cf_wr_u64(wr, t->seen.block);
    cf_wr_hash(wr, &t->seen.block_hash);
  }
}

cf_status_t cf_traced_decode(cf_traced_t *t, cf_span_t in) {
  cf_rd_t     rd   = cf_rd_span(in);
  uint8_t     kind = cf_rd_u8(&rd);
  cf_traced_t got  = { .kind = (cf_traced_kind_t)kind };
  if (kind >= CF_TRACEDS) return CF_ERR_FORMAT;
  if (kind == CF_TRACED_OURS) {
    got.tx   = cf_rd_hash(&rd);
    got.seen = read_seen(&rd);
    if (!is_mined(got.seen.kind)) return CF_ERR_FORMAT;
  }
  if (kind == CF_TRACED_OTHER) {
    got.raw.len = cf_rd_left(&rd);
    got.raw.ptr = cf_rd_take(&rd, got.raw.len);
  }
  if (kind == CF_TRACED_BARE) {
    got.tx              = cf_rd_hash(&rd);
    got.seen.block      = cf_rd_u64(&rd);
    got.seen.block_hash = cf_rd_hash(&rd);
  }
  if (!cf_rd_done(&rd)) return CF_ERR_FORMAT;
  *t = got;
  return CF_OK;
}
