/* The sender's questions (cf_sender_wire.h) as JSON-RPC of nodes, and their answers as facts: what one node says, and what k of n say
   alike.  docs/protocol/sender.md "Questions"; ledger/cf_evm_rpc.h has the single questions.  Pure; allocates nothing. */
#ifndef CF_GATEWAY_SENDER_RPC_H
#define CF_GATEWAY_SENDER_RPC_H

#include "gateway/cf_sender.h"
#include "ledger/cf_evm_quorum.h"
#include "ledger/cf_evm_rpc.h"

/* ---- send ---- */

void cf_sender_rpc_send(cf_wr_t *wr, cf_span_t raw);
/* What a node's answer means.  Nodes agree on few codes, so that words are looked for; what is not recognised is UNKNOWN. */
cf_sent_t cf_sender_rpc_sent(cf_span_t body);
/* Of several nodes' answers: the best. */
static inline cf_sent_t cf_sender_rpc_best(cf_sent_t a, cf_sent_t b) { return a < b ? a : b; }

/* ---- look ---- */

#define CF_SENDER_RPC_TXS 24 /* asked for in one batch; a longer look is several batches, merged one by one */

/* A batch of questions about n (<= CF_SENDER_RPC_TXS, asserted) transactions, the account and the newest block. */
void cf_sender_rpc_look(cf_wr_t *wr, cf_hash_t const *tx, size_t n, cf_addr_t const *account);
/* One node's answer to it; look->n = n.  Statuses as cf_evm_rpc.h's readers, and CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_sender_rpc_seen(cf_look_t *look, cf_seen_t *seen, cf_span_t body, cf_hash_t const *tx, size_t n,
                                             cf_addr_t const *account, cf_error_t *err);
/* What k of nodes say alike: look[i] and seen[i * n ..] are a node's, where answered[i].  Number and nonce are those that k have
   reached, fees the median's; a transaction is in the block that k name, in a pool when one has it and no k name a block, absent when k
   say so, else unknown.  CF_ERR_IO: fewer than k answered. */
CF_MUST_CHECK cf_status_t cf_sender_rpc_merge(cf_look_t *out, cf_seen_t *merged, cf_look_t const *look, cf_seen_t const *seen,
                                              bool const *answered, unsigned nodes, unsigned k, size_t n);

/* ---- trace ---- */

/* What a whole block's transactions (cf_evm_ask_whole_block) show of a nonce of the account. */
typedef struct {
  bool      found;
  cf_hash_t tx;    /* as the node names it */
  cf_span_t raw;   /* its bytes, when they can be put together: borrows wr */
  bool      older; /* a lower nonce of the account is in it: an older block does not have what is sought */
} cf_sender_used_t;
/* Room of wr and scratch: CF_EVM_TX_MAX each.  CF_ERR_FORMAT. */
CF_MUST_CHECK cf_status_t cf_sender_rpc_used(cf_sender_used_t *out, cf_wr_t *wr, cf_wr_t scratch, cf_json_t transactions, cf_addr_t const *account,
                                             uint64_t nonce);
/* Of a block's receipts (cf_evm_ask_receipts) that of one transaction.  CF_ERR_STALE: it is not among them. */
CF_MUST_CHECK cf_status_t cf_sender_rpc_receipt(cf_seen_t *out, cf_json_t receipts, cf_hash_t const *tx, cf_addr_t const *account);

/* ---- final blocks ---- */

/* cf_sender_rpc_final fills number, hash, time_s and nonce of a final block, whose header was hashed (cf_evm_read_block), by a proof of the
   account in it (cf_evm_ask_proof without keys).  since_* stay the caller's.  CF_ERR_FORMAT, CF_ERR_AUTH. */
CF_MUST_CHECK cf_status_t cf_sender_rpc_final(cf_sender_final_t *out, cf_evm_block_t const *block, cf_json_t proof,
                                              cf_addr_t const *account);

#endif
