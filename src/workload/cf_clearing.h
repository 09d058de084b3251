/* Clearing: multilateral netting of payment obligations, per asset.  Bytes and
   rules: docs/protocol/clearing.md. */
#ifndef CF_WORKLOAD_CLEARING_H
#define CF_WORKLOAD_CLEARING_H

#include "workload/cf_workload.h"

extern cf_workload_t const cf_clearing;

/* ---- parameters, part of the policy ---- */

#define CF_CLEARING_CREDITS_MAX 64
#define CF_CLEARING_POSITIONS_MAX 131072u
#define CF_CLEARING_OBLIGATIONS_MAX 1048576u

/* Credit of an account class in one asset: how far its accepted obligations may
   exceed what it has and what others owe it in the same window. */
typedef struct {
  uint8_t  account_class;
  uint32_t asset;
  uint64_t limit;
} cf_clearing_credit_t;

typedef struct {
  uint16_t             min_parties;     /* with a non-zero net, before a window may close                 */
  uint32_t             min_inputs;      /* obligations, before a window may close                         */
  uint32_t             window_max_s;    /* after this, obligations of a window that may not close lapse   */
  uint32_t             positions_max;   /* entries of one settlement, 4..CF_CLEARING_POSITIONS_MAX        */
  uint32_t             obligations_max; /* accepted and not yet settled, 1..CF_CLEARING_OBLIGATIONS_MAX   */
  uint16_t             releases_max;    /* withdrawals not yet settled; twice that <= positions_max       */
  uint8_t              credit_cnt;
  cf_clearing_credit_t credits[CF_CLEARING_CREDITS_MAX]; /* rising by (class, asset); absent means 0 */
} cf_clearing_params_t;

/* CF_ERR_FORMAT, CF_ERR_UNSUPPORTED (version), CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_clearing_params_decode(cf_clearing_params_t *out, cf_span_t in);
void                      cf_clearing_params_encode(cf_wr_t *wr, cf_clearing_params_t const *params);

/* ---- inputs ---- */

typedef enum { CF_CLEARING_OBLIGATION = 1, CF_CLEARING_WITHDRAWAL = 2 } cf_clearing_kind_t;

typedef struct {
  cf_clearing_kind_t kind;
  uint32_t           payee; /* obligation only */
  uint32_t           asset;
  uint64_t           amount; /* 1..CF_AMOUNT_MAX */
} cf_clearing_input_t;

/* CF_ERR_FORMAT; CF_ERR_UNSUPPORTED for another kind. */
CF_MUST_CHECK cf_status_t cf_clearing_input_decode(cf_clearing_input_t *out, cf_span_t in);
void                      cf_clearing_input_encode(cf_wr_t *wr, cf_clearing_input_t const *input);

/* ---- notices: what a party is told later ---- */

typedef enum {
  CF_CLEARING_NETTED = 17,    /* window closed: the party's net positions, not final        */
  CF_CLEARING_SETTLED = 18,   /* these net positions are final on the ledger                */
  CF_CLEARING_REOPENED = 19,  /* these net positions are void: their settlement was abandoned */
  CF_CLEARING_DEFAULTED = 20, /* an accepted obligation or withdrawal was dropped           */
} cf_clearing_notice_kind_t;

typedef enum {
  CF_CLEARING_EXIT = 1,      /* its payer leaves the domain                            */
  CF_CLEARING_UNCOVERED = 2, /* its payer is short, because others defaulted or by credit */
  CF_CLEARING_UNSETTLED = 3, /* the window could not close in time                     */
  CF_CLEARING_NO_ROOM = 4,   /* windows merged after an abandon hold no more           */
} cf_clearing_reason_t;

typedef struct {
  uint32_t asset;
  int64_t  net; /* received less paid and withdrawn */
} cf_clearing_position_t;

typedef struct {
  cf_clearing_notice_kind_t kind;
  /* NETTED, SETTLED, REOPENED */
  uint64_t               window;
  uint8_t                position_cnt;
  cf_clearing_position_t positions[CF_ASSETS_MAX]; /* rising by asset */
  /* DEFAULTED */
  cf_clearing_reason_t reason;
  uint64_t             order; /* the payer's order number; 0 in the payee's copy */
  uint32_t             payer, payee; /* payee 0: a withdrawal */
  uint32_t             asset;
  uint64_t             amount;
} cf_clearing_notice_t;

/* CF_ERR_FORMAT; CF_ERR_UNSUPPORTED for another kind or reason. */
CF_MUST_CHECK cf_status_t cf_clearing_notice_decode(cf_clearing_notice_t *out, cf_span_t in);
void                      cf_clearing_notice_encode(cf_wr_t *wr, cf_clearing_notice_t const *notice);

#endif
