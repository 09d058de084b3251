/* What a ledger's contract holds of a token, in one block: proven where the token keeps balances as nearly all do. */
#ifndef CF_CLI_HELD_H
#define CF_CLI_HELD_H

#include "audit/cf_audit.h"
#include "cli/cf_evm_ledger.h"

/* cf_held fills in a row whose token is given, at l->block.  Ether is proven by the account.  Of a token balanceOf and decimals are the word of a
   quorum; the amount is proven when a slot at which Solidity, Vyper, OpenZeppelin or Solady would keep that balance holds it.  A token that does not answer
   as one is not known.  0 or an exit status. */
int cf_held(cf_audit_held_t *row, cf_evm_ledger_t *l);

#endif
