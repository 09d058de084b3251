#include "ledger/cf_root_data.h"

#include <assert.h>

/* ---- numbers ---- */

static uint64_t read_number(cf_rd_t *rd) {
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    uint8_t b = cf_rd_u8(rd);
    if (rd->bad) return 0;
    if ((shift == 63 && b > 1) || (shift && b == 0)) break; /* beyond 64 bits; or a byte that says nothing */
    v |= (uint64_t)(b & 0x7f) << shift;
    if (b < 0x80) return v;
  }
  rd->bad = true;
  return 0;
}

static void write_number(cf_wr_t *wr, uint64_t v) {
  for (; v >= 0x80; v >>= 7) cf_wr_u8(wr, (uint8_t)(v | 0x80));
  cf_wr_u8(wr, (uint8_t)v);
}

static uint64_t folded(int64_t v) { return v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1; }
static int64_t  unfolded(uint64_t v) { return (int64_t)(v & 1 ? ~(v >> 1) : v >> 1); }

/* ---- changes ---- */

cf_root_changes_t cf_root_changes_read(cf_da_t da, cf_span_t data) { return (cf_root_changes_t){ da, 0, cf_rd_span(data) }; }

static void read_open(cf_root_changes_t *c, cf_root_change_t *change) {
  if (c->next == 0) {
    change->digest = cf_rd_hash(&c->rd);
    c->next        = 1;
    return;
  }
  uint64_t head = read_number(&c->rd), gap = head >> 1;
  change->moved = unfolded(read_number(&c->rd));
  if (head & 1) change->credited = read_number(&c->rd);
  bool nothing = head & 1 ? change->credited == 0 : change->moved == 0;
  if (gap == 0 || gap > UINT32_MAX || nothing) c->rd.bad = true;
  c->next += gap;
}

static void read_sealed(cf_root_changes_t *c, cf_root_change_t *change) {
  uint64_t gap   = read_number(&c->rd);
  change->digest = cf_rd_hash(&c->rd);
  if (gap == 0 || gap > (uint64_t)UINT32_MAX + 1) c->rd.bad = true;
  c->next += gap;
}

bool cf_root_changes_next(cf_root_changes_t *c, cf_root_change_t *change) {
  bool begun = c->da == CF_DA_SEALED || c->next != 0;
  if (c->rd.bad || (cf_rd_left(&c->rd) == 0 && begun)) return false;
  cf_root_change_t out = { 0 };
  if (c->da == CF_DA_OPEN) read_open(c, &out);
  else read_sealed(c, &out);
  if (c->next > (uint64_t)UINT32_MAX + 1) c->rd.bad = true;
  if (c->rd.bad) return false;
  out.position = (uint32_t)(c->next - 1);
  *change      = out;
  return true;
}

cf_status_t cf_root_data_check(cf_da_t da, cf_span_t data) {
  cf_root_change_t  change;
  cf_root_changes_t c = cf_root_changes_read(da, data);
  if (da == CF_DA_NONE) return data.len == 0 ? CF_OK : CF_ERR_FORMAT;
  while (cf_root_changes_next(&c, &change)) {}
  return cf_rd_done(&c.rd) ? CF_OK : CF_ERR_FORMAT;
}

void cf_root_change_write(cf_wr_t *wr, cf_da_t da, uint64_t *next, cf_root_change_t const *change) {
  assert(change->position >= *next && (da == CF_DA_SEALED || (change->position == 0) == (*next == 0)));
  uint64_t gap = change->position + (uint64_t)1 - *next;
  *next        = change->position + (uint64_t)1;
  if (da == CF_DA_SEALED) write_number(wr, gap);
  if (da == CF_DA_SEALED || change->position == 0) {
    cf_wr_hash(wr, &change->digest);
    return;
  }
  assert(change->moved || change->credited);
  write_number(wr, gap << 1 | (change->credited != 0));
  write_number(wr, folded(change->moved));
  if (change->credited) write_number(wr, change->credited);
}
