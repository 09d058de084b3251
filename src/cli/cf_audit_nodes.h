/* The audit's chain over nodes: what they say of a ledger's contract, asked once and proven where it can be. */
#ifndef CF_CLI_AUDIT_NODES_H
#define CF_CLI_AUDIT_NODES_H

#include "audit/cf_audit.h"
#include "cli/cf_evm_ledger.h"

typedef struct {
  cf_evm_ledger_t        l; /* at the newest final block */
  bool                   asked; /* the audit had a question */
  int                    code; /* exit status of what failed, and was said; 0: nothing */
  cf_audit_settled_t    *settled;
  size_t                 settled_cnt, settled_max;
  cf_audit_registered_t *registered;
  cf_hash_t             *calls; /* of each: its transaction */
  size_t                 registered_cnt, registered_max;
  cf_audit_message_t    *messages;
  size_t                 messages_cnt, messages_max;
  cf_audit_chain_t       chain; /* its ctx is this */
} cf_audit_nodes_t;

/* cf_audit_nodes_args reads --ledger evm:URL (one or several), --rpc-quorum, --confirmations and --from-block; cf_audit_nodes_open asks
   such nodes for their chain, and fills chain.  0, or an exit status after saying why. */
int  cf_audit_nodes_args(cf_folder_evm_t *evm, cf_args_t const *a);
int  cf_audit_nodes_open(cf_audit_nodes_t *n, cf_folder_evm_t const *evm);
void cf_audit_nodes_close(cf_audit_nodes_t *n);

#endif
