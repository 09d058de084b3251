/* A party's folder: its key, and per domain what it remembers.  PROTOCOL P5: a counter is durable before its envelope leaves.
   docs/protocol/envelopes.md has the files.  What was changed, exchanged or is an older version of itself is refused: a counter or an
   order number used twice would be the end of secrecy, or of an order. */
#ifndef CF_CLI_WALLET_FILE_H
#define CF_CLI_WALLET_FILE_H

#include "cli/cf_cli.h"
#include "party/cf_wallet.h"

#define CF_WALLET_PENDING_MAX 4096

typedef struct {
  char const *dir;
  cf_wallet_t key;
  uint64_t   *generation; /* of the account that is open */
} cf_wallet_file_t;       /* in memory of cf_secret_new */

int cf_wallet_file_new(char const *dir);
/* cf_wallet_file_open gives memory of cf_secret_new. */
int cf_wallet_file_open(cf_wallet_file_t **w, char const *dir);
/* The account of one domain; one that was not there begins.  The wallet is this process' from then on: another one waits, at most
   CF_WALLET_WAIT_MS. */
#define CF_WALLET_WAIT_MS 30000
int cf_wallet_account_open(cf_account_t **a, cf_wallet_file_t const *w, cf_hash_t const *domain);
int cf_wallet_account_save(cf_account_t const *a, cf_wallet_file_t const *w);

#endif
