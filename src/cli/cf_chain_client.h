/* The ledger as its clients see it: slots read, calls signed and sent. */
#ifndef CF_CLI_CHAIN_CLIENT_H
#define CF_CLI_CHAIN_CLIENT_H

#include "cli/cf_cli.h"
#include "ledger/cf_call.h"
#include "party/cf_wallet.h"

typedef struct {
  char const         *what;    /* command, for what is said */
  char const         *url;     /* of the ledger */
  char const         *gateway; /* NULL: the URL given was the ledger's own */
  cf_ledger_genesis_t genesis;
  cf_genesis_t       *names; /* genesis document, for symbols; NULL without a gateway */
} cf_chain_client_t;

/* cf_chain_open finds the ledger behind url, which is a gateway's or the ledger's own. */
int cf_chain_open(cf_chain_client_t *c, char const *what, char const *url);
int cf_chain_slots(cf_hash_t *values, cf_chain_client_t const *c, cf_hash_t const *keys, size_t n);
/* cf_chain_asset reads --asset: an id, or a symbol of genesis. */
int cf_chain_asset(uint32_t *out, cf_chain_client_t const *c, cf_args_t const *a);
/* cf_chain_account is the account of an owner; 0: none. */
int cf_chain_account(uint32_t *id, cf_chain_client_t const *c, cf_addr_t const *owner);
/* Units in an account's lane and free lane. */
int cf_chain_lanes(uint64_t *lane, uint64_t *free_lane, cf_chain_client_t const *c, uint32_t asset, uint32_t id);

/* cf_chain_call signs op by w (NULL: nobody, for what anyone may do), sends it and waits for its block. */
int cf_chain_call_send(uint64_t *block, cf_chain_client_t const *c, cf_wallet_t const *w, cf_op_t const *op);
/* The answer to one call: block, or a refusal that is said. */
int cf_chain_result(uint64_t *block, cf_chain_client_t const *c, cf_span_t answer);

#endif
