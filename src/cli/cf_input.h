/* What a party says to the workload, as JSON:
     {"pay": {"to": 17, "asset": "USD", "amount": 100}}      {"withdraw": {"asset": 0, "amount": 100}}
   amount is a number or a decimal string, asset an id or a symbol of genesis. */
#ifndef CF_CLI_INPUT_H
#define CF_CLI_INPUT_H

#include "cli/cf_remote.h"
#include "workload/cf_clearing.h"

#define CF_INPUT_MAX 64

int cf_input_read(uint8_t out[CF_INPUT_MAX], size_t *sz, char const *path, cf_genesis_t const *g);

/* cf_seal_input seals and stores the account before anything leaves. */
int cf_seal_input(cf_wr_t *envelope, cf_account_t *account, cf_wallet_file_t const *w, cf_attested_t const *a, cf_span_t input);

#endif
