/* A ledger on a chain as commands read it: slots, each proven in one block. */
#ifndef CF_CLI_EVM_LEDGER_H
#define CF_CLI_EVM_LEDGER_H

#include "cli/cf_nodes.h"

typedef struct {
  cf_nodes_t           nodes;
  cf_ledger_identity_t id; /* with the code's hash */
  cf_evm_block_t       block; /* that is read */
} cf_evm_ledger_t;

/* cf_evm_ledger_prove reads up to CF_MPT_KEYS_MAX slots, and appends the proof as views carry it; CF_EVM_PROOF_ROOM is room for any. */
#define CF_EVM_PROOF_ROOM (CF_MPT_KEYS_MAX * 12 * 1024)
int cf_evm_ledger_prove(cf_wr_t *proof, cf_hash_t *values, cf_evm_ledger_t *l, cf_hash_t const *keys, size_t n);
/* cf_evm_ledger_slots reads any number of slots, a proof for each CF_MPT_KEYS_MAX of them.  0 or an exit status. */
int cf_evm_ledger_slots(cf_hash_t *values, cf_evm_ledger_t *l, cf_hash_t const *keys, size_t n);

/* The ledger of a folder, at its newest final block; its `deployment` says which code it is. */
int cf_evm_ledger_open(cf_evm_ledger_t *l, char const *what, cf_folder_t const *f);

#endif
