/* The state of clearing, shared by its files.  Everything lies in one block of
   the caller's memory, sized by the parameters. */
#ifndef CF_WORKLOAD_CLEARING_STATE_H
#define CF_WORKLOAD_CLEARING_STATE_H

#include "workload/cf_clearing.h"
#include "workload/cf_sort.h"

#define CF_CLEARING_NONE UINT32_MAX

/* An accepted obligation.  They lie in a ring in order of acceptance: those of
   the oldest closed window first, those of the open window last. */
typedef struct {
  uint64_t amount; /* 0: dropped, until the next rebuild */
  uint64_t order;
  uint32_t payer, payee, asset;
  uint32_t prev; /* open window: the payer's one before in this asset, a ring slot, or NONE */
} obligation_t;

typedef struct {
  uint64_t amount;
  uint64_t order;
  uint64_t window; /* 0: waits */
  uint32_t account, asset;
} withdrawal_t;

/* What the open window does to one lane.  in and out are at most CF_AMOUNT_MAX,
   so any part of the obligations has a net that fits 64 bits. */
typedef struct {
  uint64_t in, out;
  uint64_t hold;  /* posted for out - in, as far as there are funds */
  uint64_t taken; /* withdrawals, while a window is being closed */
  uint32_t account, asset;
  uint32_t last; /* the payer's newest obligation, a ring slot, or NONE */
  bool     queued;
} row_t;

typedef struct {
  uint32_t account, asset;
  int64_t  net; /* the position: in - out - taken */
  uint64_t hold, taken;
} closed_row_t;

typedef struct {
  uint64_t      number;
  uint32_t      obligation_cnt;
  uint32_t      row_cnt;
  closed_row_t *rows; /* rising by (account, asset) */
} closed_t;

typedef struct {
  cf_clearing_params_t params;
  uint64_t             opened_s; /* when the open window received its first obligation */

  obligation_t *ring;
  uint32_t      ring_head, ring_cnt, open_cnt; /* the newest open_cnt are the open window's */
  withdrawal_t *withdrawals;
  uint32_t      withdrawal_cnt, waiting_cnt;

  row_t    *rows; /* in order of first use */
  uint32_t  row_cnt;
  uint32_t *index; /* open addressing: row + 1, 0 empty */
  uint32_t  index_mask;

  closed_t      closed[CF_WINDOWS_MAX]; /* a ring, oldest at closed_head */
  uint32_t      closed_head, closed_cnt;
  cf_sort_t    *order, *scratch;
  uint32_t     *work;
} clearing_t;

static inline obligation_t *
cf_clearing_at(clearing_t const *c, uint32_t i) { /* the i-th oldest */
  uint32_t left = c->params.obligations_max - c->ring_head;
  return &c->ring[i < left ? c->ring_head + i : i - left];
}

static inline closed_t *
cf_clearing_closed(clearing_t *c, uint32_t i) {
  return &c->closed[(c->closed_head + i) % CF_WINDOWS_MAX];
}

/* The number of entries that the open window's settlement may have. */
static inline uint32_t
cf_clearing_entries(clearing_t const *c) {
  return c->row_cnt + c->waiting_cnt;
}

/* cf_clearing_row is the row of (account, asset), or NULL; _row_add makes one if
   need be, NULL when the window is full. */
row_t *cf_clearing_row(clearing_t const *c, uint32_t account, uint32_t asset);
/* cf_clearing_ahead fetches into the cache what these two will look at. */
void   cf_clearing_ahead(clearing_t const *c, uint32_t account, uint32_t asset);
row_t *cf_clearing_row_add(clearing_t *c, uint32_t account, uint32_t asset);
void   cf_clearing_rows_reset(clearing_t *c);

/* cf_clearing_funds is what the account has in this lane for its net debit. */
uint64_t cf_clearing_funds(cf_workload_ctx_t const *ctx, row_t const *row);
static inline uint64_t
cf_clearing_debit(row_t const *row) {
  return row->out > row->in ? row->out - row->in : 0;
}
static inline bool
cf_clearing_covered(cf_workload_ctx_t const *ctx, row_t const *row) {
  return cf_clearing_debit(row) <= cf_clearing_funds(ctx, row);
}

/* cf_clearing_rehold makes the hold follow the net debit, as far as there are funds. */
void cf_clearing_rehold(cf_workload_ctx_t const *ctx, row_t *row, uint64_t funds);

/* The two rows that an obligation touches.  cf_clearing_pair finds them (NULL: not
   made yet); false when there is no room for them, or a sum would pass
   CF_AMOUNT_MAX.  cf_clearing_link makes what is missing and counts the
   obligation in a ring slot into them. */
typedef struct { row_t *from, *to; } pair_t;
bool cf_clearing_pair(clearing_t const *c, pair_t *pair, uint32_t payer, uint32_t payee, uint32_t asset, uint64_t amount);
void cf_clearing_link(clearing_t *c, pair_t *pair, uint32_t slot);

/* cf_clearing_drop marks an open obligation as dropped and tells both sides.
   The rows are right again after cf_clearing_rebuild. */
void cf_clearing_drop(cf_workload_ctx_t const *ctx, obligation_t *o, cf_clearing_reason_t reason);

/* cf_clearing_rebuild makes rows and holds anew from what is left of the open
   window; drops what does not fit and then, newest first, what its payer cannot cover. */
void cf_clearing_rebuild(clearing_t *c, cf_workload_ctx_t const *ctx);

void        cf_clearing_save(void const *state, cf_wr_t *wr);
cf_status_t cf_clearing_load(void *state, cf_span_t in);

#endif
