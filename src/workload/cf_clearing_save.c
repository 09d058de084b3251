/* The state as bytes: docs/protocol/clearing.md, "State".  Sums are not saved but
   counted again from the obligations. */
#include "workload/cf_clearing_state.h"

static void
save_obligations(clearing_t const *c, cf_wr_t *wr) {
  for (uint32_t i = 0; i < c->ring_cnt; i++) {
    obligation_t const *o = cf_clearing_at(c, i);
    cf_wr_u32(wr, o->payer);
    cf_wr_u32(wr, o->payee);
    cf_wr_u24(wr, o->asset);
    cf_wr_u64(wr, o->amount);
    cf_wr_u64(wr, o->order);
  }
}

static void
save_closed(closed_t const *w, cf_wr_t *wr) {
  cf_wr_u64(wr, w->number);
  cf_wr_u32(wr, w->obligation_cnt);
  cf_wr_u32(wr, w->row_cnt);
  for (uint32_t i = 0; i < w->row_cnt; i++) {
    cf_wr_u32(wr, w->rows[i].account);
    cf_wr_u24(wr, w->rows[i].asset);
    cf_wr_u64(wr, (uint64_t)w->rows[i].net);
    cf_wr_u64(wr, w->rows[i].hold);
    cf_wr_u64(wr, w->rows[i].taken);
  }
}

void
cf_clearing_save(void const *state, cf_wr_t *wr) {
  clearing_t const *c = state;
  cf_wr_u64(wr, c->open_cnt ? c->opened_s : 0);
  cf_wr_u8(wr, (uint8_t)c->closed_cnt);
  for (uint32_t i = 0; i < c->closed_cnt; i++) save_closed(&c->closed[(c->closed_head + i) % CF_WINDOWS_MAX], wr);
  cf_wr_u32(wr, (uint32_t)c->withdrawal_cnt);
  for (uint32_t i = 0; i < c->withdrawal_cnt; i++) {
    withdrawal_t const *w = &c->withdrawals[i];
    cf_wr_u32(wr, w->account);
    cf_wr_u24(wr, w->asset);
    cf_wr_u64(wr, w->amount);
    cf_wr_u64(wr, w->order);
    cf_wr_u64(wr, w->window);
  }
  cf_wr_u32(wr, c->row_cnt);
  for (uint32_t i = 0; i < c->row_cnt; i++) {
    cf_wr_u32(wr, c->rows[i].account);
    cf_wr_u24(wr, c->rows[i].asset);
    cf_wr_u64(wr, c->rows[i].hold);
  }
  cf_wr_u32(wr, c->open_cnt);
  save_obligations(c, wr);
}

/* ---- load: each part checks what it reads against the parameters and the parts before ---- */

static bool
amount_ok(uint64_t amount) {
  return amount > 0 && amount <= CF_AMOUNT_MAX;
}

static cf_status_t
load_closed(clearing_t *c, cf_rd_t *rd, uint32_t *obligations) {
  closed_t *w = &c->closed[c->closed_cnt];
  w->number = cf_rd_u64(rd);
  w->obligation_cnt = cf_rd_u32(rd);
  w->row_cnt = cf_rd_u32(rd);
  if (rd->bad || !w->number || !w->row_cnt) return CF_ERR_FORMAT;
  if (c->closed_cnt && w->number <= c->closed[c->closed_cnt - 1].number) return CF_ERR_FORMAT;
  if (w->row_cnt > c->params.positions_max || w->obligation_cnt > c->params.obligations_max - *obligations) return CF_ERR_BOUND;
  uint64_t last = 0;
  for (uint32_t i = 0; i < w->row_cnt; i++) {
    closed_row_t row = { .account = cf_rd_u32(rd), .asset = 0 };
    row.asset = cf_rd_u24(rd);
    row.net = (int64_t)cf_rd_u64(rd);
    row.hold = cf_rd_u64(rd);
    row.taken = cf_rd_u64(rd);
    uint64_t key = (uint64_t)row.account << 24 | row.asset;
    if (rd->bad || !row.account || key <= last || row.asset > CF_ASSET_LAST) return CF_ERR_FORMAT;
    if (row.hold > CF_AMOUNT_MAX || row.taken > CF_AMOUNT_MAX - row.hold) return CF_ERR_FORMAT;
    last = key;
    w->rows[i] = row;
  }
  *obligations += w->obligation_cnt;
  c->closed_cnt++;
  return CF_OK;
}

static bool
is_closed(clearing_t const *c, uint64_t window) {
  for (uint32_t i = 0; i < c->closed_cnt; i++) {
    if (c->closed[i].number == window) return true;
  }
  return false;
}

static cf_status_t
load_withdrawals(clearing_t *c, cf_rd_t *rd) {
  uint32_t cnt = cf_rd_u32(rd);
  if (cnt > c->params.releases_max) return CF_ERR_BOUND;
  for (; c->withdrawal_cnt < cnt; c->withdrawal_cnt++) {
    withdrawal_t w = { .account = cf_rd_u32(rd) };
    w.asset = cf_rd_u24(rd);
    w.amount = cf_rd_u64(rd);
    w.order = cf_rd_u64(rd);
    w.window = cf_rd_u64(rd);
    if (rd->bad || !w.account || w.asset > CF_ASSET_LAST || !amount_ok(w.amount)) return CF_ERR_FORMAT;
    if (w.window && !is_closed(c, w.window)) return CF_ERR_FORMAT;
    if (!w.window) c->waiting_cnt++;
    c->withdrawals[c->withdrawal_cnt] = w;
  }
  return CF_OK;
}

static cf_status_t
load_rows(clearing_t *c, cf_rd_t *rd) {
  uint32_t cnt = cf_rd_u32(rd);
  if (cnt > c->params.positions_max - c->waiting_cnt) return CF_ERR_BOUND;
  for (uint32_t i = 0; i < cnt; i++) {
    uint32_t account = cf_rd_u32(rd), asset = cf_rd_u24(rd);
    uint64_t hold = cf_rd_u64(rd);
    if (rd->bad || !account || asset > CF_ASSET_LAST || cf_clearing_row(c, account, asset)) return CF_ERR_FORMAT;
    cf_clearing_row_add(c, account, asset)->hold = hold;
  }
  for (uint32_t i = 0; i < c->withdrawal_cnt; i++) {
    withdrawal_t const *w = &c->withdrawals[i];
    if (!w->window && !cf_clearing_row(c, w->account, w->asset)) return CF_ERR_FORMAT;
  }
  return CF_OK;
}

static cf_status_t
load_obligations(clearing_t *c, cf_rd_t *rd, uint32_t closed_cnt) {
  c->open_cnt = cf_rd_u32(rd);
  if (c->open_cnt > c->params.obligations_max - closed_cnt) return CF_ERR_BOUND;
  for (; c->ring_cnt < closed_cnt + c->open_cnt; c->ring_cnt++) {
    obligation_t *o = &c->ring[c->ring_cnt];
    o->payer = cf_rd_u32(rd);
    o->payee = cf_rd_u32(rd);
    o->asset = cf_rd_u24(rd);
    o->amount = cf_rd_u64(rd);
    o->order = cf_rd_u64(rd);
    o->prev = CF_CLEARING_NONE;
    if (rd->bad || !o->payer || !o->payee || o->payer == o->payee || o->asset > CF_ASSET_LAST || !amount_ok(o->amount))
      return CF_ERR_FORMAT;
    if (c->ring_cnt < closed_cnt) continue;
    pair_t pair;
    if (!cf_clearing_pair(c, &pair, o->payer, o->payee, o->asset, o->amount) || !pair.from || !pair.to) return CF_ERR_FORMAT;
    cf_clearing_link(c, &pair, c->ring_cnt);
  }
  for (uint32_t i = 0; i < c->row_cnt; i++) {
    if (c->rows[i].hold > cf_clearing_debit(&c->rows[i])) return CF_ERR_FORMAT;
  }
  return CF_OK;
}

cf_status_t
cf_clearing_load(void *state, cf_span_t in) {
  clearing_t *c = state;
  cf_rd_t     rd = cf_rd_span(in);
  uint32_t    closed_cnt = 0;
  c->opened_s = cf_rd_u64(&rd);
  uint8_t windows = cf_rd_u8(&rd);
  if (windows > CF_WINDOWS_MAX) return CF_ERR_BOUND;
  cf_status_t st = CF_OK;
  while (!st && c->closed_cnt < windows) st = load_closed(c, &rd, &closed_cnt);
  if (!st) st = load_withdrawals(c, &rd);
  if (!st) st = load_rows(c, &rd);
  if (!st) st = load_obligations(c, &rd, closed_cnt);
  if (st) return st;
  if (c->open_cnt == 0 && c->opened_s) return CF_ERR_FORMAT;
  return cf_rd_done(&rd) ? CF_OK : CF_ERR_FORMAT;
}
