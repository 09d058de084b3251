/* Reconciliation after a crash (DESIGN 6): what is to be done about everything that was under way, as a pure
   function of what journal and store, log and ledger say.  docs/protocol/gateway.md, "After a crash". */
#ifndef CF_GATEWAY_RECONCILE_H
#define CF_GATEWAY_RECONCILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A receipt that the journal holds, by its sequence. */
typedef enum {
  CF_RECEIPT_KNOWN, /* the log holds it                                            */
  CF_RECEIPT_RELOG, /* executed, perhaps answered, not logged: log it byte for byte */
  CF_RECEIPT_DROP,  /* the enclave did not take its record: it never was            */
} cf_reconcile_receipt_t;

/* An envelope that was promised. */
typedef enum {
  CF_PROMISE_KEEP, /* give it to the enclave as soon as it serves              */
  CF_PROMISE_KEPT, /* a receipt has it: forget envelope and promise            */
} cf_reconcile_promise_t;

/* A settlement that the log holds. */
typedef enum {
  CF_SETTLE_FINAL,    /* the head moved to it in a final block                   */
  CF_SETTLE_VOID,     /* a receipt abandoned it, or one that it stands on        */
  CF_SETTLE_RESUBMIT, /* it may still execute: submit it until the head says     */
  CF_SETTLE_LAPSED,   /* validUntil passed by final block time, not yet abandoned: wait for the enclave */
} cf_reconcile_settlement_t;

typedef struct {
  uint64_t logged;   /* newest receipt in the log, 0: none            */
  uint64_t replayed; /* newest receipt that the enclave has           */
} cf_reconcile_log_t;

typedef struct {
  bool     executed;    /* in a final block replayed                */
  bool     abandoned;   /* by a logged receipt                      */
  bool     parent_void; /* the content before it in its chain is    */
  uint64_t valid_until_s;
} cf_reconcile_content_t;

cf_reconcile_receipt_t cf_reconcile_receipt(uint64_t sequence, cf_reconcile_log_t const *log);
cf_reconcile_promise_t cf_reconcile_promise(bool in_receipt);
/* final_s is the time of the newest final block known, 0: none. */
cf_reconcile_settlement_t cf_reconcile_settlement(cf_reconcile_content_t const *c, uint64_t final_s);

#endif
