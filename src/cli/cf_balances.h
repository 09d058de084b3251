/* What every account has on a domain's ledger: of an embedded one by replay of its block files, of one on a chain by proofs. */
#ifndef CF_CLI_BALANCES_H
#define CF_CLI_BALANCES_H

#include "cli/cf_evm_ledger.h"

typedef struct {
  uint64_t             block, time_s;
  cf_hash_t            hash, head;
  uint32_t             accounts, assets;
  cf_ledger_account_t *account; /* of id at [id - 1] */
  uint64_t            *lane;    /* cf_balances_lanes */
} cf_balances_t;

/* cf_balances reads the newest block; on a chain the newest that is final.  0, or an exit status after saying why. */
int  cf_balances(cf_balances_t *out, char const *what, cf_folder_t const *f);
int  cf_balances_evm(cf_balances_t *out, cf_evm_ledger_t *l, uint32_t assets);
void cf_balances_fini(cf_balances_t *b);

/* An account's lane and free lane of an asset, open bits included. */
static inline uint64_t *cf_balances_lanes(cf_balances_t const *b, uint32_t id, uint32_t asset) {
  return &b->lane[((size_t)(id - 1) * b->assets + asset) * 2];
}

#endif
