/* What the enclave answered to an envelope, read by its party. */
#ifndef CF_CLI_RESULT_READ_H
#define CF_CLI_RESULT_READ_H

#include "cli/cf_remote.h"
#include "cli/cf_wallet_file.h"
#include "party/cf_party.h"

/* cf_result_next takes the next of the released results in rd (cf_released_begin), gets its receipt from the log behind url, checks and opens it.
   plain holds CF_BUCKET_MAX bytes, which out borrows.  The account may change: it is the caller's to store.  0, or an exit status after saying why. */
int cf_result_next(cf_result_t *out, uint8_t *plain, cf_rd_t *rd, char const *what, char const *url, cf_account_t *account,
                   cf_wallet_file_t const *w);

#endif
