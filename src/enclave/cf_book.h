/* The confidential book (PROTOCOL P6) in net mode: a mirror of the ledger's
   lanes with what is held of each, under a salted tree whose root every receipt
   carries; and the runtime that drives a workload over it.  Bytes and sizes:
   docs/protocol/book.md.

   Everything happens inside a batch: cf_book_begin, then what the view brought
   (executed and void contents, inbox, defaults), then a window's close, then
   inputs, then cf_book_seal.  All memory is the caller's; nothing here is
   thread-safe, does I/O or asks a clock.

   A workload that breaks its contract, or a ledger that contradicts the book, is
   not survivable: the call returns CF_ERR_POLICY, every later one does, too, and
   the enclave stops.  CF_ERR_BOUND is a capacity that the operator set too low. */
#ifndef CF_ENCLAVE_BOOK_H
#define CF_ENCLAVE_BOOK_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"
#include "crypto/cf_sign.h"
#include "workload/cf_workload.h"

#define CF_BOOK_DEPTH 20
#define CF_BOOK_LEAVES_MAX ((1u << CF_BOOK_DEPTH) - 1) /* position 0 is reserved */
#define CF_BOOK_ENTRIES_MAX 65535u                     /* a section's count is a u16 */

typedef struct cf_book cf_book_t;

typedef struct {
  uint32_t asset;
  uint64_t amount_max;  /* of one input */
  uint64_t release_max; /* the ledger's cap for releases */
} cf_book_asset_t;

typedef struct {
  uint32_t        accounts_max; /* admitted accounts */
  uint32_t        leaves_max;   /* open lanes, <= CF_BOOK_LEAVES_MAX; accounts x assets is always enough */
  uint32_t        entries_max;  /* of one settlement, <= CF_BOOK_ENTRIES_MAX, >= the workload's */
  uint32_t        inputs_max;   /* of one account in one window */
  uint64_t        validity_s;   /* the ledger's V and exitDelay */
  uint64_t        exit_delay_s;
  uint8_t         asset_cnt;
  cf_book_asset_t assets[CF_ASSETS_MAX]; /* rising */
} cf_book_params_t;

/* cf_book_sz is the memory a book needs, 0 when params are out of bounds.
   cf_book_init makes an empty one in mem, aligned to 64.  key is 32 bytes that
   stay valid and secret as long as the book lives. */
size_t     cf_book_sz(cf_book_params_t const *params);
cf_book_t *cf_book_init(void *mem, cf_book_params_t const *params, uint8_t const *key);

/* cf_book_bind names the workload, its opened state, and who takes results
   (copied by sink before it returns).  Once, before the first batch or load. */
typedef void(cf_book_sink_fn_t)(void *host, uint32_t account, cf_span_t bytes);
void cf_book_bind(cf_book_t *book, cf_workload_t const *workload, void *state, cf_book_sink_fn_t *sink, void *host);

/* cf_book_assets_set replaces the asset table when a policy comes into force. */
CF_MUST_CHECK cf_status_t cf_book_assets_set(cf_book_t *book, cf_book_asset_t const *assets, size_t cnt);

/* ---- a batch ---- */

/* now_s is the batch's not-before. */
void cf_book_begin(cf_book_t *book, uint64_t now_s);
/* cf_book_seal ends the batch and returns the new state root.  seed is the
   batch's journaled 32 bytes; digest covers what the caller keeps beside the book. */
cf_hash_t cf_book_seal(cf_book_t *book, uint8_t const *seed, cf_hash_t const *digest);

cf_hash_t cf_book_root(cf_book_t const *book);
uint64_t  cf_book_sequence(cf_book_t const *book); /* of the last sealed batch; 0: none */

/* ---- what the ledger says ---- */

typedef enum {
  CF_BOOK_OPENED,         /* account, owner; admitted and class are the policy's word on the owner */
  CF_BOOK_LANE_OPENED,    /* account, asset */
  CF_BOOK_DEPOSITED,      /* account, asset, units */
  CF_BOOK_EXIT_REQUESTED, /* account, time_s */
  CF_BOOK_EXIT_PAID,      /* account, asset, units: what left the main lane, free lane not counted */
} cf_book_msg_kind_t;

typedef struct {
  cf_book_msg_kind_t kind;
  uint32_t           account;
  cf_addr_t          owner;
  bool               admitted;
  uint8_t            account_class;
  uint32_t           asset;
  uint64_t           units;
  uint64_t           time_s;
} cf_book_msg_t;

/* cf_book_inbox applies one message of a final view, in the inbox's order, after
   the contents that the view shows executed.  Accounts that were not admitted
   when they opened are unknown: what concerns them is passed over. */
CF_MUST_CHECK cf_status_t cf_book_inbox(cf_book_t *book, cf_book_msg_t const *msg);
/* cf_book_admit follows a change of policy; CF_ERR_BOUND for an unknown account. */
CF_MUST_CHECK cf_status_t cf_book_admit(cf_book_t *book, uint32_t account, bool admitted, uint8_t account_class);
/* cf_book_view records the time of the view; CF_ERR_STALE when it is older. */
CF_MUST_CHECK cf_status_t cf_book_view(cf_book_t *book, uint64_t as_of_s);
/* cf_book_bucket records the level of the ledger's release bucket in this view. */
CF_MUST_CHECK cf_status_t cf_book_bucket(cf_book_t *book, uint32_t asset, uint64_t level);

/* ---- contents: windows closed and not yet final ---- */

typedef struct {
  uint32_t account;
  uint32_t asset;
  uint8_t  kind; /* 0 position, 1 release: ONCHAIN 4.3 */
  int64_t  amount;
} cf_book_entry_t;

typedef struct {
  uint64_t         window;
  uint32_t         entry_cnt;
  cf_book_entry_t *entries; /* rising by (asset, kind, account) */
} cf_book_content_t;

size_t                   cf_book_content_cnt(cf_book_t const *book);
cf_book_content_t const *cf_book_content(cf_book_t const *book, size_t i); /* oldest first */
/* cf_book_content_deadline: validUntil must be less, because it debits somebody who leaves then; UINT64_MAX when nobody. */
uint64_t cf_book_content_deadline(cf_book_t const *book, cf_book_content_t const *content);
/* cf_book_content_body writes the settlement body (ONCHAIN 4.3). */
void cf_book_content_body(cf_wr_t *wr, cf_book_content_t const *content);

/* cf_book_content_executed: the head moved past the oldest content, window being its own. */
CF_MUST_CHECK cf_status_t cf_book_content_executed(cf_book_t *book, uint64_t window);
/* cf_book_content_void: contents of windows >= first can never execute (an abandon); their inputs are open again. */
CF_MUST_CHECK cf_status_t cf_book_content_void(cf_book_t *book, uint64_t first);
/* cf_book_defaults runs the default rule for every account whose exit comes
   before a content signed now would have to be valid; after inbox and void. */
CF_MUST_CHECK cf_status_t cf_book_defaults(cf_book_t *book);
/* cf_book_window_close lets the workload close its window; *closed tells whether
   it did: the content is then the newest one, its postings checked: opened
   lanes, each once, debits held before, zero-sum per asset, releases within the bucket. */
CF_MUST_CHECK cf_status_t cf_book_window_close(cf_book_t *book, bool *closed);
uint64_t                  cf_book_window(cf_book_t const *book); /* number of the open window, from 1 */

/* ---- inputs ---- */

/* cf_book_input decides one opened input of account and says what became of it. */
CF_MUST_CHECK cf_status_t cf_book_input(cf_book_t *book, cf_class_t *out, uint32_t account, uint64_t order, cf_span_t input);

/* ---- looking ---- */

typedef struct {
  cf_addr_t owner;
  bool      admitted, closed;
  uint8_t   account_class;
  uint64_t  exit_at_s; /* 0: stays */
  uint64_t  order;     /* highest order number used */
} cf_book_account_t;

typedef struct {
  uint64_t balance, held; /* held includes what contents in flight will take */
} cf_book_lane_t;

bool cf_book_account(cf_book_t const *book, uint32_t account, cf_book_account_t *out);
/* cf_book_account_of finds the account of an owner; 0 when there is none. */
uint32_t cf_book_account_of(cf_book_t const *book, cf_addr_t const *owner);
bool     cf_book_lane(cf_book_t const *book, uint32_t account, uint32_t asset, cf_book_lane_t *out);
uint64_t cf_book_as_of(cf_book_t const *book);

/* ---- snapshot: between batches ---- */

/* cf_book_save writes the book and its workload's state, one encoding per state.
   cf_book_load reads it into a book just made and bound (and a workload state just
   opened): CF_ERR_FORMAT, CF_ERR_UNSUPPORTED (version), CF_ERR_BOUND (other
   capacities); the memory is then to be initialised anew.  The caller compares
   cf_book_root with the receipt that the snapshot stands behind. */
void                      cf_book_save(cf_book_t const *book, cf_wr_t *wr);
CF_MUST_CHECK cf_status_t cf_book_load(cf_book_t *book, cf_span_t in);

#endif
