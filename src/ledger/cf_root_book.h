/* The book of a domain in mode root, made again from what its ledger was called with: balances from open data, and from sealed
   data the tree of digests under which an account's own leaf is shown.  For whoever leaves when the enclave is gone: ONCHAIN 4.6,
   4.8; docs/protocol/ledger.md, "Mode root".

   It is given the accepted calls of the ledger from its beginning on, in their order.  Nothing in them is believed: what is
   published must lead to the state root that was signed, and each settlement stands on the head before, so that a head
   which is the ledger's says that none was left out.  Whether that head is the ledger's is the caller's question.
   Pure; memory is the caller's.  All inputs are public. */
#ifndef CF_LEDGER_ROOT_BOOK_H
#define CF_LEDGER_ROOT_BOOK_H

#include "ledger/cf_ledger.h"
#include "ledger/cf_root.h"
#include "ledger/cf_root_data.h"

/* An account in an asset, at its position. */
typedef struct {
  uint32_t       asset;
  uint32_t       id;
  cf_u128_t      deposited;
  cf_root_leaf_t leaf; /* of open data; what sealed data changed is not known here */
} cf_root_row_t;

typedef struct {
  cf_root_row_t  *rows;  /* cap; row 0 is the reserved leaf's, and unused */
  uint32_t       *index; /* 2 * cap: positions by a hash of (asset, id), 0 where none is */
  uint32_t        cnt;   /* rows in use, the reserved one too */
  cf_root_tree_t  tree;
  cf_hash_t       separator;
  cf_hash_t       head;
  cf_settlement_t last; /* the one whose digest head is; zero while there was none */
  cf_status_t     st;   /* the first that was not CF_OK: the book is of no use from there on */
} cf_root_book_t;

/* cf_root_book_init begins with an empty book of at most cap - 1 positions; cap is a power of 2 up to CF_ROOT_CAP_MAX.  rows, index
   and nodes (CF_ROOT_NODES(cap)) are borrowed for the book's life. */
void cf_root_book_init(cf_root_book_t *book, cf_hash_t const *separator, uint32_t cap, cf_root_row_t *rows, uint32_t *index,
                       cf_hash_t *nodes);

/* cf_root_book_call follows an accepted call; only deposit and settle change anything.
   CF_ERR_FORMAT  the body, or what it publishes, is not of its form
   CF_ERR_AUTH    it does not lead to the state root that was signed: moved more than there was, credited more than was
                  deposited, released to whom nothing belongs; or it was published elsewhere, and not given here
   CF_ERR_BOUND   more positions than cap - 1 */
CF_MUST_CHECK cf_status_t cf_root_book_call(cf_root_book_t *book, cf_op_t const *op);

/* cf_root_book_message follows a message of the inbox instead of the call that made it: a deposit that came by way of another
   contract is in no transaction's calldata, and messages are proven by their fold.  A deposit is given once, by one or the other. */
CF_MUST_CHECK cf_status_t cf_root_book_message(cf_root_book_t *book, cf_inbox_msg_t const *msg);

/* cf_root_book_changes takes sealed data that stands in the log (da 0), before the call whose settlement it belongs to; one list
   after the other, when there are several.  As cf_root_book_call. */
CF_MUST_CHECK cf_status_t cf_root_book_changes(cf_root_book_t *book, cf_span_t data);

/* cf_root_book_position is that of (asset, id), 0 without a deposit. */
uint32_t cf_root_book_position(cf_root_book_t const *book, uint32_t asset, uint32_t id);

/* cf_root_book_exit writes the rootExit of (asset, id) under the last settlement.  own is the account's leaf, as its result from
   the enclave has it; NULL: the one that is published openly, or the empty one where none is.  op->body borrows path.
   CF_ERR_POLICY  nothing was ever deposited
   CF_ERR_AUTH    this is not the leaf that stands there; or the book is of no use */
CF_MUST_CHECK cf_status_t cf_root_book_exit(cf_root_book_t const *book, cf_op_t *op, uint8_t path[CF_ROOT_PATH_SZ],
                                            uint32_t asset, uint32_t id, cf_root_leaf_t const *own);

#endif
