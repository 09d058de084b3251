/* The chain client's side of a chain; cf_chain_client.h says what each does. */
#ifndef CF_CLI_CHAIN_EVM_H
#define CF_CLI_CHAIN_EVM_H

#include "cli/cf_chain_client.h"

int cf_chain_evm_open(cf_chain_client_t *c, cf_args_t const *a);
int cf_chain_evm_slots(cf_hash_t *values, cf_chain_client_t *c, cf_hash_t const *keys, size_t n);
int cf_chain_evm_call(uint64_t *block, cf_chain_client_t *c, cf_op_t const *op);
int cf_chain_evm_deposit(uint64_t *block, cf_chain_client_t *c, uint32_t id, uint32_t asset, uint64_t units);

/* cf_chain_evm_token is an asset's token, and the decimals by which a unit of the asset is counted in it. */
int cf_chain_evm_token(cf_addr_t *token, unsigned *decimals, cf_chain_client_t *c, uint32_t asset);

#endif
