#include "codec/cf_abi.h"

static void zeros(cf_wr_t *wr, size_t n) {
  uint8_t *at = cf_wr_room(wr, n);
  if (at && n) memset(at, 0, n);
}

/* Takes n bytes that must be zero. */
static void want_zeros(cf_rd_t *rd, size_t n) {
  uint8_t const *at = cf_rd_take(rd, n);
  for (size_t i = 0; at && i < n; i++)
    if (at[i]) rd->bad = true;
}

void cf_abi_w_uint(cf_wr_t *wr, uint64_t v) {
  zeros(wr, 24);
  cf_wr_u64(wr, v);
}

void cf_abi_w_addr(cf_wr_t *wr, cf_addr_t const *a) {
  zeros(wr, 12);
  cf_wr_bytes(wr, a->b, sizeof a->b);
}

void cf_abi_w_bytes(cf_wr_t *wr, cf_span_t s) {
  cf_abi_w_uint(wr, s.len);
  cf_wr_span(wr, s);
  zeros(wr, cf_abi_bytes_sz(s.len) - 32 - s.len);
}

uint64_t cf_abi_uint(cf_rd_t *rd, unsigned bits) {
  want_zeros(rd, 24);
  uint64_t v = cf_rd_u64(rd);
  if (bits < 64 && v >> bits) rd->bad = true;
  return rd->bad ? 0 : v;
}

cf_addr_t cf_abi_addr(cf_rd_t *rd) {
  cf_addr_t a = { { 0 } };
  want_zeros(rd, 12);
  cf_rd_copy(rd, a.b, sizeof a.b);
  return a;
}

cf_span_t cf_abi_bytes(cf_rd_t *rd) {
  uint64_t  len = cf_abi_uint(rd, 64);
  cf_span_t s   = cf_rd_take_span(rd, len);
  if (!rd->bad) want_zeros(rd, cf_abi_bytes_sz(s.len) - 32 - s.len);
  return rd->bad ? CF_SPAN(NULL, 0) : s;
}
