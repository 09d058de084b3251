/* What is said to the contract that is a ledger, and what it says: calldata, events, errors.  ONCHAIN 4.5, 4.6;
   docs/protocol/ledger.md, "Calls"; contracts/src, whose selectors and topics are cf_evm_code.h's.

   A call is a cf_op_t, as to an embedded ledger: only the bytes differ.  settle's body stands behind its arguments, bare.  One call
   has one encoding; the reader refuses the others.  Pure; allocates nothing. */
#ifndef CF_LEDGER_EVM_CALL_H
#define CF_LEDGER_EVM_CALL_H

#include "ledger/cf_ledger.h"

#define CF_EVM_CALL_MAX (4 + 5 * 32 + CF_SETTLEMENT_BODY_MAX) /* bytes of calldata; of a settle, the longest */

/* cf_evm_call_write appends op's calldata. */
void cf_evm_call_write(cf_wr_t *wr, cf_op_t const *op);
/* cf_evm_call_decode reads calldata; op->body borrows it.  Checks form only.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED: another selector;
   CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_evm_call_decode(cf_op_t *op, cf_span_t calldata);

/* The token that is ether (contracts/src/Tokens.sol): 18 decimals, and it comes with a call. */
#define CF_EVM_ETHER                                                                                                                \
  { 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee }

/* cf_evm_deploy_write appends what a transaction that creates the contract carries: the creation code of genesis' mode, and genesis
   as argument. */
#define CF_EVM_DEPLOY_MAX (32768 + CF_GENESIS_BYTES_MAX)
void cf_evm_deploy_write(cf_wr_t *wr, cf_ledger_genesis_t const *genesis);

/* ---- events ---- */

/* An entry of a receipt's logs (Yellow Paper 4.4.1). */
#define CF_EVM_TOPICS_MAX 4
typedef struct {
  cf_addr_t addr; /* of the contract that made it */
  size_t    topics_cnt;
  cf_hash_t topics[CF_EVM_TOPICS_MAX];
  cf_span_t data; /* borrowed */
} cf_evm_log_t;

typedef enum { CF_EVM_INBOX, CF_EVM_SETTLED, CF_EVM_REGISTERED } cf_evm_event_kind_t;

typedef struct {
  cf_evm_event_kind_t kind;
  cf_span_t           message;    /* inbox: the bytes of one message (cf_inbox.h), borrowed */
  cf_hash_t           head;       /* settled */
  cf_settlement_t     settlement; /* settled, but for prev_head */
  cf_addr_t           key;        /* registered: what else is known of it stands in the call */
  uint64_t            not_before_s;
} cf_evm_event_t;

/* cf_evm_event_decode reads an event of the ledger at contract.  CF_ERR_UNSUPPORTED: of another contract, or no event of ours;
   CF_ERR_FORMAT. */
CF_MUST_CHECK cf_status_t cf_evm_event_decode(cf_evm_event_t *ev, cf_evm_log_t const *log, cf_addr_t const *contract);
/* The topic by which a kind's logs are sought. */
cf_hash_t cf_evm_event_topic(cf_evm_event_kind_t kind);

/* ---- errors ---- */

/* Why a call reverted.  refusal's facts are those words as far as 64 bits hold them (else UINT64_MAX); its code is NONE for what
   the rules do not know: Token, Value, Refused, Genesis, and Solidity's own Error and Panic. */
typedef struct {
  char const  *name; /* static: "Lane" */
  cf_refusal_t refusal;
  size_t       facts_cnt;
  cf_hash_t    facts[2];
  cf_span_t    text; /* of Genesis and Error: UTF-8, borrowed */
} cf_evm_revert_t;

/* cf_evm_revert_decode reads a call's return data.  CF_ERR_UNSUPPORTED: no error that we know (none at all, too); CF_ERR_FORMAT. */
CF_MUST_CHECK cf_status_t cf_evm_revert_decode(cf_evm_revert_t *out, cf_span_t data);

#endif
