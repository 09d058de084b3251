#include "gateway/cf_reconcile.h"

cf_reconcile_receipt_t
cf_reconcile_receipt(uint64_t sequence, cf_reconcile_log_t const *log) {
  if (sequence <= log->logged) return CF_RECEIPT_KNOWN;
  return sequence <= log->replayed ? CF_RECEIPT_RELOG : CF_RECEIPT_DROP;
}

cf_reconcile_promise_t
cf_reconcile_promise(bool in_receipt) {
  return in_receipt ? CF_PROMISE_KEPT : CF_PROMISE_KEEP;
}

/* What executed is final whatever was said of it before; only final block time tells that it can never execute. */
cf_reconcile_settlement_t
cf_reconcile_settlement(cf_reconcile_content_t const *c, uint64_t final_s) {
  if (c->executed) return CF_SETTLE_FINAL;
  if (c->abandoned || c->parent_void) return CF_SETTLE_VOID;
  return c->valid_until_s < final_s ? CF_SETTLE_LAPSED : CF_SETTLE_RESUBMIT;
}
