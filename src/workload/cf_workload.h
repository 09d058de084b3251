/* The interface of a workload (PROTOCOL P6): a deterministic state machine that
   the enclave's runtime drives.  It sees the world only through its ctx, as
   integers and byte spans; it has no clock, randomness, I/O or allocation, and
   its state lives in one block of the caller's memory.

   The runtime checks what a workload may not be trusted with: order numbers,
   access, limits, that holds stay within balances, that what a window moves was
   held, and that it sums to zero per asset.  A workload that breaks one of these
   stops the enclave; it cannot bend the book. */
#ifndef CF_WORKLOAD_WORKLOAD_H
#define CF_WORKLOAD_WORKLOAD_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

#define CF_ASSETS_MAX 64                    /* assets of a domain */
#define CF_ASSET_LAST 0xfffffeu             /* 0xffffff is the ledger's data section */
#define CF_AMOUNT_MAX ((uint64_t)INT64_MAX) /* a ledger lane holds 63 bits */
#define CF_WINDOWS_MAX 8                    /* windows closed and not yet settled: ONCHAIN 4.7.2 */
#define CF_RESULT_MAX 1024                  /* bytes of one result */

/* What becomes of one input: 0 accepted, below 16 refused by the runtime, from
   16 on by the workload.  Sealed to the party; never public. */
typedef enum {
  CF_CLASS_ACCEPTED = 0,
  CF_CLASS_DUPLICATE = 1, /* order number used before                                  */
  CF_CLASS_TOO_OLD = 2,   /* order number more than 128 below the highest              */
  CF_CLASS_JUMP = 3,      /* order number more than 2^32 above the highest             */
  CF_CLASS_ACCESS = 4,    /* account unknown, or no longer admitted                    */
  CF_CLASS_EXITING = 5,   /* the account asked to leave                                */
  CF_CLASS_LIMIT = 6,     /* too many inputs in this window, or an amount too large    */
  CF_CLASS_MALFORMED = 16,
  CF_CLASS_ASSET = 17,  /* not an asset of this domain                                 */
  CF_CLASS_LANE = 18,   /* payer or payee has no open lane in this asset               */
  CF_CLASS_SELF = 19,   /* payer and payee are one account                             */
  CF_CLASS_CREDIT = 20, /* more than the account has, expects and may borrow           */
  CF_CLASS_FULL = 21,   /* the window holds no more; it may fit into the next          */
} cf_class_t;

/* What ctx->account tells: flags, and the credit class in bits 8 to 15. */
#define CF_ACCOUNT_ADMITTED 1u
#define CF_ACCOUNT_CLASS(flags) ((uint8_t)((flags) >> 8))

/* cf_workload_ctx_t is all that a workload can ask and do.  host is the first
   argument of each function. */
typedef struct {
  void    *host;
  uint64_t now_s; /* not-before of the batch: a lower bound of the time */

  /* Questions.  account: 0 when unknown.  available: balance less everything
     held; -1 when the lane is not open.  amount_max: the most that one input may
     name, 0 when the asset is unknown.  release_max: the most that can ever be
     released at once; release_room: that can be released now. */
  uint32_t (*account)(void *host, uint32_t account);
  int64_t (*available)(void *host, uint32_t account, uint32_t asset);
  uint64_t (*amount_max)(void *host, uint32_t asset);
  uint64_t (*release_max)(void *host, uint32_t asset);
  uint64_t (*release_room)(void *host, uint32_t asset);

  /* Postings.  hold and unhold at any time, 0 <= held <= balance.  move and
     release only from close: they are the content of the window, applied to
     balances when it settles; per asset, moves and releases sum to zero. */
  void (*hold)(void *host, uint32_t account, uint32_t asset, uint64_t amount);
  void (*unhold)(void *host, uint32_t account, uint32_t asset, uint64_t amount);
  void (*move)(void *host, uint32_t account, uint32_t asset, int64_t amount);
  void (*release)(void *host, uint32_t account, uint32_t asset, uint64_t amount);

  /* result hands bytes to one party; copied before it returns, at most CF_RESULT_MAX. */
  void (*result)(void *host, uint32_t account, cf_span_t bytes);

  /* ahead says that account and lane are asked about next; it does nothing but fetch them into the cache.  From the workload's ahead
     only. */
  void (*ahead)(void *host, uint32_t account, uint32_t asset);
} cf_workload_ctx_t;

typedef struct {
  char const *name;
  uint16_t    version;

  /* state_sz is the size of the state for these params, 0 when they are not valid. */
  size_t (*state_sz)(cf_span_t params);
  /* open makes an empty state in memory aligned for any type; state_sz(params) != 0. */
  void (*open)(void *state, cf_span_t params);
  /* ahead is called right before apply, with the same: it may have ctx->ahead, and what it needs of its own, fetched into the cache.
     May be NULL. */
  void (*ahead)(void const *state, cf_workload_ctx_t const *ctx, uint32_t account, cf_span_t input);
  /* apply decides one input of account.  A refusal leaves state and postings as they were. */
  cf_class_t (*apply)(void *state, cf_workload_ctx_t const *ctx, uint32_t account, uint64_t order, cf_span_t input);
  /* close ends the open window as number `window`, or carries it over (false: nothing was moved). */
  bool (*close)(void *state, cf_workload_ctx_t const *ctx, uint64_t window);
  /* settled: the content of the oldest closed window is final on the ledger; its holds fall. */
  void (*settled)(void *state, cf_workload_ctx_t const *ctx, uint64_t window);
  /* reopen: the contents of windows >= first can never execute; what they held is open again. */
  void (*reopen)(void *state, cf_workload_ctx_t const *ctx, uint64_t first);
  /* quit is the published default rule: what account still owes outside closed windows is dropped. */
  void (*quit)(void *state, cf_workload_ctx_t const *ctx, uint32_t account);
  /* save writes the state, one encoding per state; load reads it into a state just opened:
     CF_ERR_FORMAT, CF_ERR_BOUND (the state is then to be opened again). */
  void (*save)(void const *state, cf_wr_t *wr);
  CF_MUST_CHECK cf_status_t (*load)(void *state, cf_span_t in);
} cf_workload_t;

#endif
