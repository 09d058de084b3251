#include "workload/cf_clearing.h"

#define PARAMS_VERSION 1

static bool
amount_ok(uint64_t amount) {
  return amount > 0 && amount <= CF_AMOUNT_MAX;
}

static bool
asset_ok(uint32_t asset) {
  return asset <= CF_ASSET_LAST;
}

/* ---- parameters ---- */

static uint64_t
credit_key(cf_clearing_credit_t const *credit) {
  return (uint64_t)credit->account_class << 24 | credit->asset;
}

static cf_status_t
params_check(cf_clearing_params_t const *p) {
  if (p->positions_max < 4 || p->positions_max > CF_CLEARING_POSITIONS_MAX) return CF_ERR_BOUND;
  if (p->obligations_max < 1 || p->obligations_max > CF_CLEARING_OBLIGATIONS_MAX) return CF_ERR_BOUND;
  if (2u * p->releases_max > p->positions_max) return CF_ERR_BOUND;
  for (size_t i = 0; i < p->credit_cnt; i++) {
    if (!asset_ok(p->credits[i].asset) || !amount_ok(p->credits[i].limit)) return CF_ERR_BOUND;
    if (i && credit_key(&p->credits[i]) <= credit_key(&p->credits[i - 1])) return CF_ERR_FORMAT;
  }
  return CF_OK;
}

cf_status_t
cf_clearing_params_decode(cf_clearing_params_t *out, cf_span_t in) {
  cf_clearing_params_t p = { 0 };
  cf_rd_t              rd = cf_rd_span(in);
  uint8_t              version = cf_rd_u8(&rd);
  if (!rd.bad && version != PARAMS_VERSION) return CF_ERR_UNSUPPORTED;
  p.min_parties = cf_rd_u16(&rd);
  p.min_inputs = cf_rd_u32(&rd);
  p.window_max_s = cf_rd_u32(&rd);
  p.positions_max = cf_rd_u32(&rd);
  p.obligations_max = cf_rd_u32(&rd);
  p.releases_max = cf_rd_u16(&rd);
  p.credit_cnt = cf_rd_u8(&rd);
  if (p.credit_cnt > CF_CLEARING_CREDITS_MAX) return CF_ERR_BOUND;
  for (size_t i = 0; i < p.credit_cnt; i++) {
    p.credits[i].account_class = cf_rd_u8(&rd);
    p.credits[i].asset = cf_rd_u24(&rd);
    p.credits[i].limit = cf_rd_u64(&rd);
  }
  if (!cf_rd_done(&rd)) return CF_ERR_FORMAT;
  cf_status_t st = params_check(&p);
  if (st) return st;
  *out = p;
  return CF_OK;
}

void
cf_clearing_params_encode(cf_wr_t *wr, cf_clearing_params_t const *p) {
  cf_wr_u8(wr, PARAMS_VERSION);
  cf_wr_u16(wr, p->min_parties);
  cf_wr_u32(wr, p->min_inputs);
  cf_wr_u32(wr, p->window_max_s);
  cf_wr_u32(wr, p->positions_max);
  cf_wr_u32(wr, p->obligations_max);
  cf_wr_u16(wr, p->releases_max);
  cf_wr_u8(wr, p->credit_cnt);
  for (size_t i = 0; i < p->credit_cnt; i++) {
    cf_wr_u8(wr, p->credits[i].account_class);
    cf_wr_u24(wr, p->credits[i].asset);
    cf_wr_u64(wr, p->credits[i].limit);
  }
}

/* ---- inputs ---- */

cf_status_t
cf_clearing_input_decode(cf_clearing_input_t *out, cf_span_t in) {
  cf_clearing_input_t input = { 0 };
  cf_rd_t             rd = cf_rd_span(in);
  uint8_t             kind = cf_rd_u8(&rd);
  if (rd.bad) return CF_ERR_FORMAT;
  if (kind != CF_CLEARING_OBLIGATION && kind != CF_CLEARING_WITHDRAWAL) return CF_ERR_UNSUPPORTED;
  input.kind = (cf_clearing_kind_t)kind;
  if (kind == CF_CLEARING_OBLIGATION) input.payee = cf_rd_u32(&rd);
  input.asset = cf_rd_u24(&rd);
  input.amount = cf_rd_u64(&rd);
  if (!cf_rd_done(&rd) || !asset_ok(input.asset) || !amount_ok(input.amount)) return CF_ERR_FORMAT;
  if (kind == CF_CLEARING_OBLIGATION && input.payee == 0) return CF_ERR_FORMAT;
  *out = input;
  return CF_OK;
}

void
cf_clearing_input_encode(cf_wr_t *wr, cf_clearing_input_t const *input) {
  cf_wr_u8(wr, (uint8_t)input->kind);
  if (input->kind == CF_CLEARING_OBLIGATION) cf_wr_u32(wr, input->payee);
  cf_wr_u24(wr, input->asset);
  cf_wr_u64(wr, input->amount);
}

/* ---- notices ---- */

static cf_status_t
positions_decode(cf_clearing_notice_t *n, cf_rd_t *rd) {
  n->window = cf_rd_u64(rd);
  n->position_cnt = cf_rd_u8(rd);
  if (n->position_cnt > CF_ASSETS_MAX) return CF_ERR_FORMAT;
  for (size_t i = 0; i < n->position_cnt; i++) {
    n->positions[i].asset = cf_rd_u24(rd);
    n->positions[i].net = (int64_t)cf_rd_u64(rd);
    if (!asset_ok(n->positions[i].asset)) return CF_ERR_FORMAT;
    if (i && n->positions[i].asset <= n->positions[i - 1].asset) return CF_ERR_FORMAT;
  }
  return CF_OK;
}

static cf_status_t
default_decode(cf_clearing_notice_t *n, cf_rd_t *rd) {
  uint8_t reason = cf_rd_u8(rd);
  n->reason = (cf_clearing_reason_t)reason;
  n->order = cf_rd_u64(rd);
  n->payer = cf_rd_u32(rd);
  n->payee = cf_rd_u32(rd);
  n->asset = cf_rd_u24(rd);
  n->amount = cf_rd_u64(rd);
  if (rd->bad) return CF_ERR_FORMAT;
  if (reason < CF_CLEARING_EXIT || reason > CF_CLEARING_NO_ROOM) return CF_ERR_UNSUPPORTED;
  return n->payer && asset_ok(n->asset) && amount_ok(n->amount) ? CF_OK : CF_ERR_FORMAT;
}

cf_status_t
cf_clearing_notice_decode(cf_clearing_notice_t *out, cf_span_t in) {
  cf_clearing_notice_t n = { 0 };
  cf_rd_t              rd = cf_rd_span(in);
  uint8_t              kind = cf_rd_u8(&rd);
  if (rd.bad) return CF_ERR_FORMAT;
  if (kind < CF_CLEARING_NETTED || kind > CF_CLEARING_DEFAULTED) return CF_ERR_UNSUPPORTED;
  n.kind = (cf_clearing_notice_kind_t)kind;
  cf_status_t st = n.kind == CF_CLEARING_DEFAULTED ? default_decode(&n, &rd) : positions_decode(&n, &rd);
  if (st) return st;
  if (!cf_rd_done(&rd)) return CF_ERR_FORMAT;
  *out = n;
  return CF_OK;
}

void
cf_clearing_notice_encode(cf_wr_t *wr, cf_clearing_notice_t const *n) {
  cf_wr_u8(wr, (uint8_t)n->kind);
  if (n->kind == CF_CLEARING_DEFAULTED) {
    cf_wr_u8(wr, (uint8_t)n->reason);
    cf_wr_u64(wr, n->order);
    cf_wr_u32(wr, n->payer);
    cf_wr_u32(wr, n->payee);
    cf_wr_u24(wr, n->asset);
    cf_wr_u64(wr, n->amount);
    return;
  }
  cf_wr_u64(wr, n->window);
  cf_wr_u8(wr, n->position_cnt);
  for (size_t i = 0; i < n->position_cnt; i++) {
    cf_wr_u24(wr, n->positions[i].asset);
    cf_wr_u64(wr, (uint64_t)n->positions[i].net);
  }
}
