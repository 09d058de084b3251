/* The ledger's contract is put where genesis says that it stands, looked at, and named in the log's entry 1.

   Whatever ended it in the middle, it is run again: genesis names the address, the address follows from one nonce of the deployer,
   and a nonce is used once.  So there is nothing to remember but from_block, which is a lower bound. */
#ifndef CF_CLI_DEPLOY_H
#define CF_CLI_DEPLOY_H

#include "cli/cf_evm_ledger.h"

#define CF_DEPLOY_WAIT_S 3600

typedef struct {
  uint8_t const *scalar;
  cf_addr_t      addr;
  cf_hash_t      fund_wei; /* the gateway's account has that much afterwards, at least */
  uint64_t       wait_s;   /* for the creation to be final; 0: CF_DEPLOY_WAIT_S */
  bool           quiet;    /* says nothing of what goes on */
} cf_deployer_t;

typedef struct {
  cf_hash_t code_hash;
  cf_addr_t sender; /* the gateway's account */
  bool      was; /* deployed before, and only funded now */
} cf_deployed_t;

/* cf_deploy waits until the contract is final (CF_EXIT_WORLD after wait_s), keeps from_block, and writes `deployment`.  0, or an exit status after saying why. */
int cf_deploy(cf_deployed_t *out, cf_folder_t *f, cf_deployer_t const *by);

#endif
