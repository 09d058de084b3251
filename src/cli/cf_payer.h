/* An account on a chain from which a command sends: priced, estimated, signed, sent, waited for.  Its key is here, or with a node
   that signs (eth_sendTransaction). */
#ifndef CF_CLI_PAYER_H
#define CF_CLI_PAYER_H

#include "cli/cf_nodes.h"
#include "ledger/cf_evm_tx.h"

#define CF_PAYER_WAIT_MS 120000 /* for a block that takes it */

typedef struct {
  cf_nodes_t    *nodes;
  cf_nodes_t    *signer; /* holds the key; NULL: scalar is it */
  uint8_t const *scalar;
  cf_addr_t      addr;
  uint64_t       fee_max_gwei; /* per gas; 0: what the chain asks for */
  bool           quiet;        /* what is sent is not told */
} cf_payer_t;

/* Each returns 0, or an exit status after saying why. */

/* cf_payer_price fills in chain, tip and fee: twice the next block's base fee is offered, at most fee_max_gwei. */
int cf_payer_price(cf_evm_tx_t *tx, cf_payer_t *p);
/* cf_payer_gas asks what it would take, and fills in a fifth more.  What would revert is said as the ledger's refusal. */
int cf_payer_gas(cf_evm_tx_t *tx, cf_payer_t *p);
/* cf_payer_sign appends its raw bytes. */
int cf_payer_sign(cf_wr_t *wr, cf_hash_t *hash, cf_payer_t const *p, cf_evm_tx_t const *tx);
/* cf_payer_submit signs and sends one that is complete (signer: nonce is the node's to choose). */
int cf_payer_submit(cf_hash_t *hash, cf_payer_t *p, cf_evm_tx_t const *tx);
/* cf_payer_wait waits until it is in a block, whatever nodes do meanwhile; what was reverted there is said. */
int cf_payer_wait(cf_evm_receipt_t *r, cf_payer_t *p, cf_hash_t const *hash);
/* cf_payer_send is all of it, with the account's next nonce. */
int cf_payer_send(cf_evm_receipt_t *r, cf_payer_t *p, cf_evm_tx_t tx);

/* What a node's refusal of something by that account says: the ledger's own, where it is one. */
int cf_payer_refused(cf_nodes_t const *n, cf_jsonrpc_answer_t const *a, cf_addr_t const *by);

#endif
