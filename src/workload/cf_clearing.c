#include "workload/cf_clearing.h"

#include "workload/cf_clearing_state.h"

/* ---- memory ---- */

static void *
take(uint8_t *base, size_t *at, size_t n) {
  void *ptr = base ? base + *at : NULL;
  *at += (n + 63) & ~(size_t)63;
  return ptr;
}

/* lay places the parts behind base, or only measures when it is NULL. */
static size_t
lay(clearing_t *c, uint8_t *base) {
  cf_clearing_params_t const *p = &c->params;
  size_t                      at = 0, rows = p->positions_max, slots = 8;
  while (slots < 2 * rows) slots *= 2;
  c->index_mask = (uint32_t)(slots - 1);

  take(base, &at, sizeof *c);
  c->ring = take(base, &at, p->obligations_max * sizeof *c->ring);
  c->withdrawals = take(base, &at, p->releases_max * sizeof *c->withdrawals);
  c->rows = take(base, &at, rows * sizeof *c->rows);
  c->index = take(base, &at, slots * sizeof *c->index);
  c->order = take(base, &at, rows * sizeof *c->order);
  c->scratch = take(base, &at, rows * sizeof *c->scratch);
  c->work = take(base, &at, rows * sizeof *c->work);
  for (size_t i = 0; i < CF_WINDOWS_MAX; i++) c->closed[i].rows = take(base, &at, rows * sizeof(closed_row_t));
  return at;
}

static size_t
state_sz(cf_span_t params) {
  clearing_t c = { 0 };
  return cf_clearing_params_decode(&c.params, params) ? 0 : lay(&c, NULL);
}

static void
open_state(void *state, cf_span_t params) {
  clearing_t c = { 0 };
  if (cf_clearing_params_decode(&c.params, params)) return; /* state_sz was 0 */
  lay(&c, state);
  cf_clearing_rows_reset(&c);
  memcpy(state, &c, sizeof c);
}

/* ---- inputs ---- */

static uint64_t
credit_limit(clearing_t const *c, cf_workload_ctx_t const *ctx, uint32_t account, uint32_t asset) {
  if (!c->params.credit_cnt) return 0;
  uint32_t flags = ctx->account(ctx->host, account);
  for (size_t i = 0; i < c->params.credit_cnt; i++) {
    cf_clearing_credit_t const *credit = &c->params.credits[i];
    if (credit->account_class == CF_ACCOUNT_CLASS(flags) && credit->asset == asset) return credit->limit;
  }
  return 0;
}

/* Does the payer's position stay covered by what it has, is owed and may borrow?
   out + amount and funds + in fit 64 bits: each part is at most CF_AMOUNT_MAX. */
static bool
credit_ok(row_t const *from, uint64_t available, uint64_t limit, uint64_t amount) {
  uint64_t cover = available + (from ? from->hold + from->in : 0); /* available + hold <= balance */
  uint64_t use = amount + (from ? from->out : 0);
  return use <= cover || use - cover <= limit;
}

static cf_class_t
oblige(clearing_t *c, cf_workload_ctx_t const *ctx, uint32_t payer, uint64_t order, cf_clearing_input_t const *in) {
  uint64_t max = ctx->amount_max(ctx->host, in->asset);
  if (!max) return CF_CLASS_ASSET;
  if (in->amount > max) return CF_CLASS_LIMIT;
  if (in->payee == payer) return CF_CLASS_SELF;
  int64_t available = ctx->available(ctx->host, payer, in->asset), at_payee = ctx->available(ctx->host, in->payee, in->asset);
  if (available < 0 || at_payee < 0) return CF_CLASS_LANE;
  if (!(ctx->account(ctx->host, in->payee) & CF_ACCOUNT_ADMITTED)) return CF_CLASS_LANE;

  pair_t pair;
  if (c->ring_cnt == c->params.obligations_max) return CF_CLASS_FULL;
  if (!cf_clearing_pair(c, &pair, payer, in->payee, in->asset, in->amount)) return CF_CLASS_FULL;
  if (!credit_ok(pair.from, (uint64_t)available, credit_limit(c, ctx, payer, in->asset), in->amount)) return CF_CLASS_CREDIT;

  if (c->open_cnt == 0) c->opened_s = ctx->now_s;
  obligation_t *o = cf_clearing_at(c, c->ring_cnt++);
  *o = (obligation_t){ .amount = in->amount, .order = order, .payer = payer, .payee = in->payee, .asset = in->asset };
  c->open_cnt++;
  cf_clearing_link(c, &pair, (uint32_t)(o - c->ring));
  cf_clearing_rehold(ctx, pair.from, (uint64_t)available + pair.from->hold);
  cf_clearing_rehold(ctx, pair.to, (uint64_t)at_payee + pair.to->hold);
  return CF_CLASS_ACCEPTED;
}

/* A withdrawal is paid from what the account has; what others owe it is no cover,
   because the window may not close. */
static cf_class_t
withdraw(clearing_t *c, cf_workload_ctx_t const *ctx, uint32_t account, uint64_t order, cf_clearing_input_t const *in) {
  if (!ctx->amount_max(ctx->host, in->asset)) return CF_CLASS_ASSET;
  if (in->amount > ctx->release_max(ctx->host, in->asset)) return CF_CLASS_LIMIT;
  int64_t available = ctx->available(ctx->host, account, in->asset);
  if (available < 0) return CF_CLASS_LANE;

  row_t const *row = cf_clearing_row(c, account, in->asset);
  uint64_t     debit = row ? cf_clearing_debit(row) : 0;
  uint64_t     funds = (uint64_t)available + (row ? row->hold : 0);
  if (funds < debit || funds - debit < in->amount) return CF_CLASS_CREDIT;
  if (c->withdrawal_cnt == c->params.releases_max) return CF_CLASS_FULL;
  if (c->params.positions_max - cf_clearing_entries(c) < (row ? 1u : 2u)) return CF_CLASS_FULL;

  row_t *mine = cf_clearing_row_add(c, account, in->asset);
  cf_clearing_rehold(ctx, mine, funds); /* first, so that the debit keeps its cover */
  ctx->hold(ctx->host, account, in->asset, in->amount);
  c->withdrawals[c->withdrawal_cnt++] =
      (withdrawal_t){ .amount = in->amount, .order = order, .account = account, .asset = in->asset };
  c->waiting_cnt++;
  return CF_CLASS_ACCEPTED;
}

/* An obligation touches ten places that no other input is near: all are fetched at once, or each is waited for. */
static void
ahead(void const *state, cf_workload_ctx_t const *ctx, uint32_t account, cf_span_t bytes) {
  cf_clearing_input_t input;
  if (cf_clearing_input_decode(&input, bytes) || input.kind != CF_CLEARING_OBLIGATION) return;
  ctx->ahead(ctx->host, account, input.asset);
  ctx->ahead(ctx->host, input.payee, input.asset);
  cf_clearing_ahead(state, account, input.asset);
  cf_clearing_ahead(state, input.payee, input.asset);
}

static cf_class_t
apply(void *state, cf_workload_ctx_t const *ctx, uint32_t account, uint64_t order, cf_span_t bytes) {
  cf_clearing_input_t input;
  if (cf_clearing_input_decode(&input, bytes)) return CF_CLASS_MALFORMED;
  switch (input.kind) {
  case CF_CLEARING_OBLIGATION: return oblige(state, ctx, account, order, &input);
  case CF_CLEARING_WITHDRAWAL: return withdraw(state, ctx, account, order, &input);
  }
  return CF_CLASS_MALFORMED;
}

/* ---- notices ---- */

/* Each party of a window is told its positions; the rows are sorted by party. */
static void
tell(cf_workload_ctx_t const *ctx, closed_t const *w, cf_clearing_notice_kind_t kind) {
  for (uint32_t i = 0; i < w->row_cnt;) {
    cf_clearing_notice_t notice = { .kind = kind, .window = w->number };
    uint32_t             account = w->rows[i].account;
    for (; i < w->row_cnt && w->rows[i].account == account; i++) {
      if (notice.position_cnt == CF_ASSETS_MAX) continue; /* cannot be: a domain has no more assets */
      notice.positions[notice.position_cnt++] = (cf_clearing_position_t){ w->rows[i].asset, w->rows[i].net };
    }
    uint8_t buf[CF_RESULT_MAX];
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_clearing_notice_encode(&wr, &notice);
    ctx->result(ctx->host, account, cf_wr_out(&wr));
  }
}

/* ---- windows ---- */

static void
sort_rows(clearing_t *c) {
  for (uint32_t i = 0; i < c->row_cnt; i++) {
    c->order[i] = (cf_sort_t){ (uint64_t)c->rows[i].account << 24 | c->rows[i].asset, i };
  }
  cf_sort(c->order, c->scratch, c->row_cnt);
}

/* May the window close?  Leaves the rows sorted when it may. */
static bool
ripe(clearing_t *c, cf_workload_ctx_t const *ctx) {
  if (c->open_cnt == 0 || c->open_cnt < c->params.min_inputs) return false;
  sort_rows(c);
  uint32_t parties = 0, last = 0; /* account 0 does not exist */
  for (uint32_t i = 0; i < c->row_cnt; i++) {
    row_t const *row = &c->rows[c->order[i].idx];
    if (row->in == row->out || row->account == last) continue;
    last = row->account;
    if (ctx->account(ctx->host, last) & CF_ACCOUNT_ADMITTED) parties++;
  }
  return parties >= c->params.min_parties;
}

/* Every net debit gets its full hold; false when one cannot. */
static bool
hold_all(clearing_t *c, cf_workload_ctx_t const *ctx) {
  for (uint32_t i = 0; i < c->row_cnt; i++) {
    cf_clearing_rehold(ctx, &c->rows[i], cf_clearing_funds(ctx, &c->rows[i]));
    if (c->rows[i].hold != cf_clearing_debit(&c->rows[i])) return false;
  }
  return true;
}

/* Obligations outside closed windows are dropped: all, or those of one payer. */
static void
drop_open(clearing_t *c, cf_workload_ctx_t const *ctx, uint32_t payer, cf_clearing_reason_t reason) {
  for (uint32_t i = c->ring_cnt - c->open_cnt; i < c->ring_cnt; i++) {
    obligation_t *o = cf_clearing_at(c, i);
    if (!payer || o->payer == payer) cf_clearing_drop(ctx, o, reason);
  }
  cf_clearing_rebuild(c, ctx);
}

/* Withdrawals join the window in order, as far as the ledger lets releases pass;
   one that must wait lets no later one of its asset overtake it. */
static bool
take_withdrawals(clearing_t *c, cf_workload_ctx_t const *ctx, uint64_t window) {
  struct { uint32_t asset; uint64_t room; } rooms[CF_ASSETS_MAX];
  size_t   cnt = 0;
  uint32_t before = c->waiting_cnt;
  for (uint32_t i = 0; i < c->withdrawal_cnt; i++) {
    withdrawal_t *w = &c->withdrawals[i];
    if (w->window) continue;
    size_t k = 0;
    while (k < cnt && rooms[k].asset != w->asset) k++;
    if (k == CF_ASSETS_MAX) continue; /* cannot be: a domain has no more assets */
    if (k == cnt) {
      rooms[cnt].asset = w->asset;
      rooms[cnt++].room = ctx->release_room(ctx->host, w->asset);
    }
    if (w->amount > rooms[k].room) {
      rooms[k].room = 0;
      continue;
    }
    rooms[k].room -= w->amount;
    w->window = window;
    c->waiting_cnt--;
    cf_clearing_row(c, w->account, w->asset)->taken += w->amount;
  }
  return c->waiting_cnt != before;
}

/* The rows become the content of the window. */
static void
publish(clearing_t *c, cf_workload_ctx_t const *ctx, closed_t *w, bool netted) {
  for (uint32_t i = 0; i < c->row_cnt; i++) {
    row_t *row = &c->rows[c->order[i].idx];
    if (!netted && !row->taken) continue;
    closed_row_t closed = { .account = row->account, .asset = row->asset, .taken = row->taken };
    if (netted) {
      closed.net = (int64_t)(row->in - row->out); /* each <= CF_AMOUNT_MAX: the difference fits */
      closed.hold = row->hold;
      row->hold = 0; /* kept by the closed row from here on */
    }
    closed.net -= (int64_t)row->taken; /* what was held for both is part of one balance */
    if (closed.net) ctx->move(ctx->host, row->account, row->asset, closed.net);
    if (row->taken) ctx->release(ctx->host, row->account, row->asset, row->taken);
    w->rows[w->row_cnt++] = closed;
  }
  tell(ctx, w, CF_CLEARING_NETTED);
}

static bool
close_window(void *state, cf_workload_ctx_t const *ctx, uint64_t window) {
  clearing_t *c = state;
  if (c->closed_cnt == CF_WINDOWS_MAX) return false;

  bool netted = ripe(c, ctx);
  if (netted && !hold_all(c, ctx)) { /* somebody used credit and it did not come in */
    cf_clearing_rebuild(c, ctx);
    netted = ripe(c, ctx);
  }
  if (!netted && c->open_cnt && ctx->now_s >= c->opened_s && ctx->now_s - c->opened_s >= c->params.window_max_s)
    drop_open(c, ctx, 0, CF_CLEARING_UNSETTLED);
  bool taken = take_withdrawals(c, ctx, window);
  if (!netted && !taken) return false;

  sort_rows(c);
  closed_t *w = cf_clearing_closed(c, c->closed_cnt++);
  w->number = window;
  w->obligation_cnt = netted ? c->open_cnt : 0;
  w->row_cnt = 0;
  publish(c, ctx, w, netted);
  if (netted) c->open_cnt = 0;
  cf_clearing_rebuild(c, ctx);
  return true;
}

static void
settled(void *state, cf_workload_ctx_t const *ctx, uint64_t window) {
  clearing_t *c = state;
  closed_t   *w = cf_clearing_closed(c, 0);
  if (!c->closed_cnt || w->number != window) return; /* the runtime finds the holds unchanged, and stops */
  for (uint32_t i = 0; i < w->row_cnt; i++) {
    closed_row_t const *row = &w->rows[i];
    if (row->hold || row->taken) ctx->unhold(ctx->host, row->account, row->asset, row->hold + row->taken);
  }
  tell(ctx, w, CF_CLEARING_SETTLED);

  c->ring_head = (uint32_t)(cf_clearing_at(c, w->obligation_cnt) - c->ring);
  c->ring_cnt -= w->obligation_cnt;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < c->withdrawal_cnt; i++) {
    if (c->withdrawals[i].window != window) c->withdrawals[kept++] = c->withdrawals[i];
  }
  c->withdrawal_cnt = kept;
  c->closed_head = (c->closed_head + 1) % CF_WINDOWS_MAX;
  c->closed_cnt--;
}

/* Merged, windows never need more than apart: a net debit of sums is at most the
   sum of the net debits, and those were held. */
static void
reopen(void *state, cf_workload_ctx_t const *ctx, uint64_t first) {
  clearing_t *c = state;
  bool        any = false;
  while (c->closed_cnt && cf_clearing_closed(c, c->closed_cnt - 1)->number >= first) {
    closed_t *w = cf_clearing_closed(c, --c->closed_cnt);
    for (uint32_t i = 0; i < w->row_cnt; i++) {
      closed_row_t const *row = &w->rows[i];
      if (row->hold) ctx->unhold(ctx->host, row->account, row->asset, row->hold);
    }
    tell(ctx, w, CF_CLEARING_REOPENED);
    c->open_cnt += w->obligation_cnt;
    any = true;
  }
  if (!any) return;
  for (uint32_t i = 0; i < c->withdrawal_cnt; i++) {
    withdrawal_t *w = &c->withdrawals[i];
    if (w->window < first) continue; /* first >= 1: those that wait have 0 */
    w->window = 0;
    c->waiting_cnt++;
  }
  c->opened_s = ctx->now_s;
  cf_clearing_rebuild(c, ctx);
}

static void
quit(void *state, cf_workload_ctx_t const *ctx, uint32_t account) {
  clearing_t *c = state;
  uint32_t    kept = 0;
  for (uint32_t i = 0; i < c->withdrawal_cnt; i++) {
    withdrawal_t w = c->withdrawals[i];
    if (w.window || w.account != account) {
      c->withdrawals[kept++] = w;
      continue;
    }
    ctx->unhold(ctx->host, account, w.asset, w.amount);
    cf_clearing_notice_t notice = { .kind = CF_CLEARING_DEFAULTED, .reason = CF_CLEARING_EXIT, .order = w.order,
                                    .payer = account, .asset = w.asset, .amount = w.amount };
    uint8_t              buf[64];
    cf_wr_t              wr = cf_wr_init(buf, sizeof buf);
    cf_clearing_notice_encode(&wr, &notice);
    ctx->result(ctx->host, account, cf_wr_out(&wr));
    c->waiting_cnt--;
  }
  c->withdrawal_cnt = kept;
  drop_open(c, ctx, account, CF_CLEARING_EXIT);
}

cf_workload_t const cf_clearing = {
  .name = "clearing",
  .version = 1,
  .state_sz = state_sz,
  .open = open_state,
  .ahead = ahead,
  .apply = apply,
  .close = close_window,
  .settled = settled,
  .reopen = reopen,
  .quit = quit,
  .save = cf_clearing_save,
  .load = cf_clearing_load,
};
