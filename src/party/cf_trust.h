/* What follows from a domain's genesis, and from nothing else: whose word counts for what.  Made once from the log's entry 0. */
#ifndef CF_PARTY_TRUST_H
#define CF_PARTY_TRUST_H

#include "document/cf_documents.h"
#include "ledger/cf_finality.h"
#include "translog/cf_note.h"

/* About 40 KiB; spans borrow the entry. */
typedef struct {
  cf_hash_t            domain;
  cf_genesis_t         genesis;
  cf_policy_t          policy; /* version 1 */
  cf_hash_t            policy_hash;
  cf_ledger_identity_t ledger; /* with the separator that acts and calls are signed under */
  cf_witness_set_t     witnesses;
  cf_seats_t           observers;
} cf_trust_t;

/* cf_trust_open checks entry 0: the log's wrapper, k governors, every rule of genesis; expected (may be NULL) is the domain that
   it must be.
   CF_ERR_FORMAT, CF_ERR_UNSUPPORTED, CF_ERR_BOUND  not a genesis entry
   CF_ERR_AUTH    wrapper or governors do not verify; or it is another domain's: item "genesis.domain"
   CF_ERR_POLICY  a rule of genesis does not hold */
CF_MUST_CHECK cf_status_t cf_trust_open(cf_trust_t *out, cf_span_t genesis_entry, cf_hash_t const *expected, cf_error_t *err);

/* There are verifiers: cf_genesis_check. */
static inline cf_council_t const *cf_trust_verifiers(cf_trust_t const *t) {
  return cf_genesis_council(&t->genesis, CF_VERIFIERS);
}

#endif
