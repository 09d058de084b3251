#include "base/cf_store.h"

enum { OP_DELETE = 0, OP_PUT = 1 };

void cf_store_begin(cf_wr_t *wr, uint64_t fence) { cf_wr_u64(wr, fence); }

static void
store_write(cf_wr_t *wr, cf_store_kind_t kind, uint8_t op, cf_span_t key, cf_span_t value) {
  if (key.len > CF_STORE_KEY_MAX || value.len > UINT32_MAX) wr->bad = true;
  cf_wr_u8(wr, (uint8_t)kind);
  cf_wr_u8(wr, op);
  cf_wr_u16(wr, (uint16_t)key.len);
  cf_wr_u32(wr, (uint32_t)value.len);
  cf_wr_span(wr, key);
  cf_wr_span(wr, value);
}

void
cf_store_put(cf_wr_t *wr, cf_store_kind_t kind, cf_span_t key, cf_span_t value) {
  store_write(wr, kind, OP_PUT, key, value);
}

void
cf_store_del(cf_wr_t *wr, cf_store_kind_t kind, cf_span_t key) {
  store_write(wr, kind, OP_DELETE, key, CF_SPAN(NULL, 0));
}

cf_status_t
cf_store_open(cf_rd_t *rd, uint64_t *fence, cf_span_t in) {
  *rd = cf_rd_span(in);
  uint64_t v = cf_rd_u64(rd);
  if (rd->bad) return CF_ERR_FORMAT;
  *fence = v;
  return CF_OK;
}

bool
cf_store_next(cf_rd_t *rd, cf_store_write_t *w) {
  if (rd->bad || cf_rd_left(rd) == 0) return false;
  uint8_t  kind     = cf_rd_u8(rd);
  uint8_t  op       = cf_rd_u8(rd);
  uint16_t key_sz   = cf_rd_u16(rd);
  uint32_t value_sz = cf_rd_u32(rd);
  if (kind < CF_STORE_META || kind > CF_STORE_LEASE || op > OP_PUT || key_sz > CF_STORE_KEY_MAX) rd->bad = true;
  if (op == OP_DELETE && value_sz) rd->bad = true;
  cf_span_t key   = cf_rd_take_span(rd, key_sz);
  cf_span_t value = cf_rd_take_span(rd, value_sz);
  if (rd->bad) return false;
  *w = (cf_store_write_t){ .kind = (cf_store_kind_t)kind, .put = op == OP_PUT, .key = key, .value = value };
  return true;
}
