/* Talking to a node of an EVM chain: the questions that we ask, and answers read as facts.  Ethereum execution-apis (eth namespace),
   EIP-1186 (eth_getProof), EIP-234 (logs of a block); JSON-RPC and its encodings are codec/cf_jsonrpc.h's.

   A node is a stranger.  What can be checked is checked here: a header hashes to its block, the block is the one that was asked for, a
   proof leads to the root.  The rest (receipts, logs, code, nonces, fees) is one node's word, to be compared with others'
   (cf_evm_quorum.h) or proven otherwise: inbox messages by their fold, success by the head at a final block.

   Readers return
     CF_ERR_FORMAT  a field is missing or is not what the specification says
     CF_ERR_BOUND   a number or list beyond what is taken
     CF_ERR_AUTH    it does not hash, is not proven, or is about something else than was asked: the node lies or is broken
   and err names the field.  Pure; allocates nothing; what is handed out borrows the answer. */
#ifndef CF_LEDGER_EVM_RPC_H
#define CF_LEDGER_EVM_RPC_H

#include "codec/cf_jsonrpc.h"
#include "ledger/cf_evm_call.h"
#include "ledger/cf_evm_header.h"
#include "ledger/cf_evm_tx.h"
#include "ledger/cf_ledger_proof.h"
#include "ledger/cf_mpt.h"

#define CF_EVM_BODY_MAX     (16u << 20) /* bytes of an answer that are taken */
#define CF_EVM_FEES_MAX     32          /* blocks of a fee history */

/* A block, as a question names it. */
typedef enum { CF_EVM_LATEST, CF_EVM_SAFE, CF_EVM_FINALIZED, CF_EVM_PENDING, CF_EVM_NUMBER, CF_EVM_HASH } cf_evm_tag_t;
typedef struct {
  cf_evm_tag_t tag;
  uint64_t     number; /* NUMBER */
  cf_hash_t    hash;   /* HASH: blocks and logs only */
} cf_evm_at_t;

/* ---- questions: each writes one (cf_jsonrpc.h) ---- */

void cf_evm_ask_chain_id(cf_jw_t *j, uint64_t id);
void cf_evm_ask_block_number(cf_jw_t *j, uint64_t id);
void cf_evm_ask_block(cf_jw_t *j, uint64_t id, cf_evm_at_t const *at); /* not PENDING: it has no hash */
void cf_evm_ask_whole_block(cf_jw_t *j, uint64_t id, uint64_t number); /* with its transactions, not only their hashes */
void cf_evm_ask_receipts(cf_jw_t *j, uint64_t id, uint64_t number);    /* of a block's transactions, an array */
void cf_evm_ask_proof(cf_jw_t *j, uint64_t id, cf_addr_t const *addr, cf_hash_t const *keys, size_t n, cf_evm_at_t const *at);
void cf_evm_ask_code(cf_jw_t *j, uint64_t id, cf_addr_t const *addr, cf_evm_at_t const *at);
void cf_evm_ask_nonce(cf_jw_t *j, uint64_t id, cf_addr_t const *addr, cf_evm_at_t const *at);
void cf_evm_ask_balance(cf_jw_t *j, uint64_t id, cf_addr_t const *addr, cf_evm_at_t const *at);
void cf_evm_ask_receipt(cf_jw_t *j, uint64_t id, cf_hash_t const *tx);
void cf_evm_ask_transaction(cf_jw_t *j, uint64_t id, cf_hash_t const *tx);
void cf_evm_ask_send(cf_jw_t *j, uint64_t id, cf_span_t raw);
void cf_evm_ask_tip(cf_jw_t *j, uint64_t id);
/* The newest blocks' base fees, and the tip that this percentile of a block's gas paid at most. */
void cf_evm_ask_fees(cf_jw_t *j, uint64_t id, unsigned blocks, unsigned percentile);
/* Logs of one contract with that first topic; in the blocks from to till, or in one block (then at is HASH, and from, till unused). */
void cf_evm_ask_logs(cf_jw_t *j, uint64_t id, cf_addr_t const *contract, cf_hash_t const *topic, uint64_t from, uint64_t till);
void cf_evm_ask_logs_of(cf_jw_t *j, uint64_t id, cf_addr_t const *contract, cf_hash_t const *topic, cf_hash_t const *block);

/* What would be run; it goes as "data" alone: some nodes refuse both names, and one estimates by that name only. */
typedef struct {
  cf_addr_t        from;
  cf_addr_t const *to; /* NULL: a creation */
  cf_hash_t        value_wei;
  cf_span_t        data;
} cf_evm_run_t;
void cf_evm_ask_call(cf_jw_t *j, uint64_t id, cf_evm_run_t const *run, cf_evm_at_t const *at);
void cf_evm_ask_estimate(cf_jw_t *j, uint64_t id, cf_evm_run_t const *run);

/* ---- answers ---- */

/* cf_evm_read_raw puts the raw bytes of a transaction together that a node tells of by its fields, without looking at them: cf_evm_tx_decode says
   whether it is one, and whose.  scratch needs room for its data, wr as for cf_evm_tx_write.  CF_ERR_UNSUPPORTED: not of type 2, or with an access
   list. */
CF_MUST_CHECK cf_status_t cf_evm_read_raw(cf_wr_t *wr, cf_wr_t scratch, cf_json_t v, cf_error_t *err);

/* CF_ERR_POLICY: the node is of another chain. */
CF_MUST_CHECK cf_status_t cf_evm_read_chain_id(cf_json_t v, uint64_t want, cf_error_t *err);

typedef struct {
  bool            known; /* false: the node has no such block */
  cf_evm_header_t header;
  cf_hash_t       hash;
  cf_json_t       transactions; /* an array of hashes; of a whole block, of objects */
} cf_evm_block_t;
/* The header is put together again and hashed.  A header with fields that we do not know yet does not hash: CF_ERR_AUTH. */
CF_MUST_CHECK cf_status_t cf_evm_read_block(cf_evm_block_t *out, cf_json_t v, cf_evm_at_t const *asked, cf_error_t *err);

typedef struct {
  bool      known; /* false: not in a block that the node has */
  cf_hash_t tx;
  cf_hash_t block_hash;
  uint64_t  block_number;
  uint64_t  index;
  cf_addr_t from;
  cf_addr_t contract; /* that it created, or zero */
  bool      ok;       /* false: it was reverted, and paid for */
  uint64_t  gas_used;
  uint64_t  gas_price_wei;
  cf_json_t logs; /* cf_evm_log_next */
} cf_evm_receipt_t;
CF_MUST_CHECK cf_status_t cf_evm_read_receipt(cf_evm_receipt_t *out, cf_json_t v, cf_hash_t const *tx, cf_error_t *err);

typedef struct {
  bool      known; /* false: neither in a block nor in the node's pool */
  bool      mined;
  cf_hash_t block_hash;
  uint64_t  block_number;
  cf_addr_t from;
  uint64_t  nonce;
  cf_json_t input; /* cf_data_append */
} cf_evm_transaction_t;
CF_MUST_CHECK cf_status_t cf_evm_read_transaction(cf_evm_transaction_t *out, cf_json_t v, cf_hash_t const *tx, cf_error_t *err);

/* Where a log stands. */
typedef struct {
  cf_hash_t block_hash;
  uint64_t  block_number;
  uint64_t  index; /* in the block */
  cf_hash_t tx;
} cf_evm_place_t;
/* cf_evm_log_next reads the next log of an array; *more is false at its end.  The log's data is decoded to bytes, whose room it
   borrows.  CF_ERR_STALE: a log that the node says was removed. */
CF_MUST_CHECK cf_status_t cf_evm_log_next(bool *more, cf_evm_log_t *log, cf_evm_place_t *place, cf_wr_t *bytes, cf_json_t logs,
                                          size_t *pos, cf_error_t *err);

/* cf_evm_read_inbox appends the inbox messages of a log array, which must all be the contract's and rise strictly in blocks from to
   till; *cnt is raised by their number.  That none is missing the fold says, not this. */
CF_MUST_CHECK cf_status_t cf_evm_read_inbox(cf_wr_t *messages, uint64_t *cnt, cf_json_t logs, cf_addr_t const *contract, uint64_t from,
                                            uint64_t till, cf_error_t *err);

/* cf_evm_read_state proves an answer to cf_evm_ask_proof for these keys against a block's state root: values as
   cf_ledger_slots_prove, whose statuses count too (CF_ERR_POLICY: other code).  The proof, in the form that views carry (cf_mpt.h), is
   appended to wr. */
CF_MUST_CHECK cf_status_t cf_evm_read_state(cf_wr_t *wr, cf_hash_t *values, cf_json_t v, cf_ledger_identity_t const *ledger,
                                            cf_hash_t const *state_root, cf_hash_t const *keys, size_t n, cf_error_t *err);

/* cf_evm_read_account proves an answer to cf_evm_ask_proof, of any keys, against a block's state root for the account alone.  room holds the
   proof's nodes: CF_EVM_ACCOUNT_PROOF_MAX bytes are enough for any. */
#define CF_EVM_ACCOUNT_PROOF_MAX (36 * 1024)
CF_MUST_CHECK cf_status_t cf_evm_read_account(cf_evm_account_t *out, cf_wr_t *room, cf_json_t v, cf_addr_t const *addr,
                                              cf_hash_t const *state_root, cf_error_t *err);

typedef struct {
  uint64_t oldest; /* block number */
  size_t   cnt;
  uint64_t base_fee_wei[CF_EVM_FEES_MAX + 1]; /* the last one is the next block's */
  uint64_t tip_wei[CF_EVM_FEES_MAX];
} cf_evm_fees_t;
CF_MUST_CHECK cf_status_t cf_evm_read_fees(cf_evm_fees_t *out, cf_json_t v, cf_error_t *err);

/* cf_evm_read_revert appends the bytes that a refused call or estimate reverted with (cf_evm_revert_decode); none when the node
   has none to tell. */
CF_MUST_CHECK cf_status_t cf_evm_read_revert(cf_wr_t *wr, cf_jsonrpc_answer_t const *answer);

#endif
