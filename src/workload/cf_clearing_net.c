/* Incremental netting: rows by (account, asset), and the default cascade. */
#include <assert.h>

#include "workload/cf_clearing_state.h"

static uint32_t
row_hash(uint32_t account, uint32_t asset) {
  uint64_t x = (uint64_t)account << 24 | asset; /* the finalizer of splitmix64 */
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return (uint32_t)(x ^ x >> 31);
}

/* The index is at most half full, so a search ends. */
static uint32_t *
row_slot(clearing_t const *c, uint32_t account, uint32_t asset) {
  for (uint32_t i = row_hash(account, asset);; i++) {
    uint32_t *slot = &c->index[i & c->index_mask];
    if (!*slot) return slot;
    row_t const *row = &c->rows[*slot - 1];
    if (row->account == account && row->asset == asset) return slot;
  }
}

void
cf_clearing_ahead(clearing_t const *c, uint32_t account, uint32_t asset) {
  uint32_t row = c->index[row_hash(account, asset) & c->index_mask];
  if (!row) return;
  __builtin_prefetch(&c->rows[row - 1].in); /* first and last: a record may lie in two lines */
  __builtin_prefetch(&c->rows[row - 1].queued);
}

row_t *
cf_clearing_row(clearing_t const *c, uint32_t account, uint32_t asset) {
  uint32_t const *slot = row_slot(c, account, asset);
  return *slot ? &c->rows[*slot - 1] : NULL;
}

row_t *
cf_clearing_row_add(clearing_t *c, uint32_t account, uint32_t asset) {
  uint32_t *slot = row_slot(c, account, asset);
  if (*slot) return &c->rows[*slot - 1];
  if (cf_clearing_entries(c) >= c->params.positions_max) return NULL;
  row_t *row = &c->rows[c->row_cnt++];
  *row = (row_t){ .account = account, .asset = asset, .last = CF_CLEARING_NONE };
  *slot = c->row_cnt;
  return row;
}

void
cf_clearing_rows_reset(clearing_t *c) {
  c->row_cnt = 0;
  memset(c->index, 0, ((size_t)c->index_mask + 1) * sizeof *c->index);
}

uint64_t
cf_clearing_funds(cf_workload_ctx_t const *ctx, row_t const *row) {
  int64_t available = ctx->available(ctx->host, row->account, row->asset);
  return (available > 0 ? (uint64_t)available : 0) + row->hold;
}

void
cf_clearing_rehold(cf_workload_ctx_t const *ctx, row_t *row, uint64_t funds) {
  uint64_t debit = cf_clearing_debit(row), want = debit < funds ? debit : funds;
  if (want > row->hold) ctx->hold(ctx->host, row->account, row->asset, want - row->hold);
  if (want < row->hold) ctx->unhold(ctx->host, row->account, row->asset, row->hold - want);
  row->hold = want;
}

bool
cf_clearing_pair(clearing_t const *c, pair_t *pair, uint32_t payer, uint32_t payee, uint32_t asset, uint64_t amount) {
  pair->from = cf_clearing_row(c, payer, asset);
  pair->to = cf_clearing_row(c, payee, asset);
  uint32_t fresh = (pair->from ? 0u : 1u) + (pair->to ? 0u : 1u);
  if (c->params.positions_max - cf_clearing_entries(c) < fresh) return false;
  if (pair->from && amount > CF_AMOUNT_MAX - pair->from->out) return false;
  return !pair->to || amount <= CF_AMOUNT_MAX - pair->to->in;
}

void
cf_clearing_link(clearing_t *c, pair_t *pair, uint32_t slot) {
  obligation_t *o = &c->ring[slot];
  if (!pair->from) pair->from = cf_clearing_row_add(c, o->payer, o->asset);
  if (!pair->to) pair->to = cf_clearing_row_add(c, o->payee, o->asset);
  pair->from->out += o->amount;
  pair->to->in += o->amount;
  o->prev = pair->from->last;
  pair->from->last = slot;
}

void
cf_clearing_drop(cf_workload_ctx_t const *ctx, obligation_t *o, cf_clearing_reason_t reason) {
  cf_clearing_notice_t notice = { .kind = CF_CLEARING_DEFAULTED, .reason = reason, .order = o->order, .payer = o->payer,
                                  .payee = o->payee, .asset = o->asset, .amount = o->amount };
  for (int side = 0; side < 2; side++) {
    uint8_t buf[64];
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_clearing_notice_encode(&wr, &notice);
    ctx->result(ctx->host, side ? o->payee : o->payer, cf_wr_out(&wr));
    notice.order = 0; /* how many orders the payer gave is not the payee's business */
  }
  o->amount = 0;
}

/* ---- the default cascade ---- */

/* The newest obligation of row's payer is dropped; returns the payee's row. */
static row_t *
drop_last(clearing_t *c, cf_workload_ctx_t const *ctx, row_t *row) {
  assert(row->last != CF_CLEARING_NONE); /* out > 0 */
  obligation_t *o = &c->ring[row->last];
  row_t        *to = cf_clearing_row(c, o->payee, o->asset);
  row->last = o->prev;
  row->out -= o->amount;
  to->in -= o->amount;
  cf_clearing_drop(ctx, o, CF_CLEARING_UNCOVERED);
  return to;
}

/* Each payer that cannot cover its net debit loses its newest obligations until
   it can.  What is dropped in the end does not depend on the order in which the
   payers are looked at: a payer's need only grows as others drop, so all orders
   end in the same least set.  Every step drops an obligation: linear. */
static bool
cover(clearing_t *c, cf_workload_ctx_t const *ctx) {
  uint32_t top = 0;
  bool     dropped = false;
  for (uint32_t i = 0; i < c->row_cnt; i++) {
    c->rows[i].queued = !cf_clearing_covered(ctx, &c->rows[i]);
    if (c->rows[i].queued) c->work[top++] = i;
  }
  while (top) {
    row_t *row = &c->rows[c->work[--top]];
    row->queued = false;
    while (!cf_clearing_covered(ctx, row)) {
      row_t *to = drop_last(c, ctx, row);
      dropped = true;
      if (to->queued || cf_clearing_covered(ctx, to)) continue;
      to->queued = true;
      c->work[top++] = (uint32_t)(to - c->rows);
    }
  }
  return dropped;
}

static void
compact(clearing_t *c) {
  uint32_t first = c->ring_cnt - c->open_cnt, kept = 0;
  for (uint32_t i = 0; i < c->open_cnt; i++) {
    obligation_t const *o = cf_clearing_at(c, first + i);
    if (o->amount) *cf_clearing_at(c, first + kept++) = *o;
  }
  c->ring_cnt = first + kept;
  c->open_cnt = kept;
}

/* Rows anew; false when something did not fit and was dropped. */
static bool
relink(clearing_t *c, cf_workload_ctx_t const *ctx) {
  bool all = true;
  compact(c);
  cf_clearing_rows_reset(c);
  for (uint32_t i = 0; i < c->withdrawal_cnt; i++) {
    withdrawal_t const *w = &c->withdrawals[i];
    if (!w->window) cf_clearing_row_add(c, w->account, w->asset); /* fits: 2 releases_max <= positions_max */
  }
  for (uint32_t i = c->ring_cnt - c->open_cnt; i < c->ring_cnt; i++) {
    obligation_t *o = cf_clearing_at(c, i);
    pair_t        pair;
    if (cf_clearing_pair(c, &pair, o->payer, o->payee, o->asset, o->amount)) {
      cf_clearing_link(c, &pair, (uint32_t)(o - c->ring));
    } else {
      cf_clearing_drop(ctx, o, CF_CLEARING_NO_ROOM);
      all = false;
    }
  }
  return all;
}

void
cf_clearing_rebuild(clearing_t *c, cf_workload_ctx_t const *ctx) {
  for (uint32_t i = 0; i < c->row_cnt; i++) {
    row_t *row = &c->rows[i];
    if (row->hold) ctx->unhold(ctx->host, row->account, row->asset, row->hold);
    row->hold = 0;
  }
  bool all = relink(c, ctx);
  if (cover(c, ctx) || !all) relink(c, ctx); /* what is left fits and is covered */
  for (uint32_t i = 0; i < c->row_cnt; i++) cf_clearing_rehold(ctx, &c->rows[i], cf_clearing_funds(ctx, &c->rows[i]));
}
