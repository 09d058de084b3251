/* A domain as a party meets it: fetched, verified, kept. */
#ifndef CF_CLI_REMOTE_H
#define CF_CLI_REMOTE_H

#include "cli/cf_wallet_file.h"
#include "party/cf_party.h"

typedef struct {
  cf_span_t      bytes; /* the bundle, as fetched or kept */
  cf_bundle_t   *bundle;
  cf_attested_t *attested;    /* after cf_remote_check */
  uint64_t       final_block; /* in which the key is live, after cf_remote_live */
} cf_remote_t;

typedef struct {
  cf_hash_t const *domain; /* NULL: whichever it is */
  char const      *policy_file;
  cf_kept_t const *kept;  /* NULL: first contact */
  char const      *url;   /* for the proof from kept to now; NULL: offline */
  cf_hash_t const *nonce; /* asked for */
  bool             stale_ok;
  uint64_t         at_s; /* T; 0: now */
} cf_remote_ask_t;

/* cf_remote_fetch asks url for its bundle, bound anew with nonce unless that is NULL; cf_remote_load reads one that was kept. */
int cf_remote_fetch(cf_remote_t *r, char const *what, char const *url, cf_hash_t const *nonce);
int cf_remote_load(cf_remote_t *r, char const *path);
/* cf_remote_check verifies it now, and says what does not hold. */
int cf_remote_check(cf_remote_t *r, char const *what, cf_remote_ask_t const *ask);

/* cf_remote_refused says a verdict that is not ok. */
int cf_remote_refused(cf_verdict_t const *v);
/* cf_remote_live makes the online half of the check, after cf_remote_check: is the instance's key live on the ledger, by a block
   that the gateway behind url has a finality proof of?  CF_EXIT_WORLD where that could not be found out. */
int cf_remote_live(cf_remote_t *r, char const *url);

/* cf_remote_activate holds the credential conversation with the TPM behind url; r was checked. */
int cf_remote_activate(cf_remote_t const *r, char const *url);

/* The domain that a genesis file names. */
int cf_remote_genesis(cf_hash_t *domain, char const *path);

/* cf_remote_consistency proves from the log's files that the note's tree extends kept. */
int cf_remote_consistency(cf_hash_t path[CF_TREE_PATH_MAX], size_t *cnt, char const *what, char const *url, uint64_t from,
                          uint64_t to);
/* cf_remote_receipt finds the receipt of that sequence in the log, at *index. */
int cf_remote_receipt(cf_span_t *out, uint64_t *index, char const *what, char const *url, uint64_t sequence);

/* cf_remote_entry is the published log's entry of that index below 256; it is not proven to stand there. */
int cf_remote_entry(cf_span_t *out, char const *what, char const *url, uint64_t index);

/* cf_remote_entries hands out every entry of the published log, in order; bytes stay. */
int cf_remote_entries(char const *what, char const *url, void (*fn)(void *ctx, cf_span_t entry), void *ctx);

#endif
