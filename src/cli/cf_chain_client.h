/* The ledger as its clients see it: slots read, calls sent.  An embedded ledger is asked over HTTP, and its calls are signed; one on a
   chain is asked through the chain's nodes, slots are proven in the newest block, and calls are transactions of whoever pays for them. */
#ifndef CF_CLI_CHAIN_CLIENT_H
#define CF_CLI_CHAIN_CLIENT_H

#include "cli/cf_evm_ledger.h"
#include "cli/cf_payer.h"
#include "ledger/cf_call.h"
#include "party/cf_wallet.h"

typedef struct {
  char const         *what;    /* command, for what is said */
  char const         *url;     /* of the ledger */
  char const         *gateway; /* NULL: the URL given was the ledger's own, or a node's */
  cf_ledger_genesis_t genesis;
  cf_genesis_t       *names; /* genesis document, for symbols; NULL without it */
  bool                evm;
  cf_evm_ledger_t     l; /* evm */
  cf_nodes_t          signer;
  cf_payer_t          payer; /* evm: who sends; cf_chain_payer */
} cf_chain_client_t;

/* cf_chain_open finds the ledger behind url, which is a gateway's or the ledger's own; of a chain a node's, too, where --bundle has genesis
   and deployment.  a (may be NULL) has --rpc, --domain, --bundle. */
int cf_chain_open(cf_chain_client_t *c, char const *what, char const *url, cf_args_t const *a);
/* cf_chain_payer says who pays for calls on a chain: --key F, --signer URL (--from ADDRESS), else the wallet.  w may be NULL. */
int cf_chain_payer(cf_chain_client_t *c, cf_args_t const *a, cf_wallet_t const *w);

int cf_chain_slots(cf_hash_t *values, cf_chain_client_t *c, cf_hash_t const *keys, size_t n);
/* cf_chain_asset reads --asset: an id, or a symbol of genesis. */
int cf_chain_asset(uint32_t *out, cf_chain_client_t const *c, cf_args_t const *a);
/* cf_chain_account is the account of an owner; 0: none. */
int cf_chain_account(uint32_t *id, cf_chain_client_t *c, cf_addr_t const *owner);
/* Units in an account's lane and free lane. */
int cf_chain_lanes(uint64_t *lane, uint64_t *free_lane, cf_chain_client_t *c, uint32_t asset, uint32_t id);

/* cf_chain_call_send signs op by w (NULL: nobody, for what anyone may do), sends it and waits for its block; on a chain the payer
   sends it. */
int cf_chain_call_send(uint64_t *block, cf_chain_client_t *c, cf_wallet_t const *w, cf_op_t const *op);
/* cf_chain_deposit: of an embedded ledger in class test the treasury signs; on a chain the payer's tokens are taken, allowed before
   exactly unless they were, or his ether. */
int cf_chain_deposit(uint64_t *block, cf_chain_client_t *c, uint32_t id, uint32_t asset, uint64_t units);

#endif
