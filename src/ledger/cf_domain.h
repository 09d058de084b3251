/* What everybody knows of a domain before anybody tells him anything: all that follows from entry 0 of its log.  One opener for
   enclave, gateway, councils, parties and auditors: what one of them would refuse, all refuse. */
#ifndef CF_LEDGER_DOMAIN_H
#define CF_LEDGER_DOMAIN_H

#include "ledger/cf_genesis_map.h"

/* About 90 KiB; spans borrow the genesis entry, which the caller keeps. */
typedef struct {
  cf_hash_t            id;
  cf_genesis_t         genesis;
  cf_policy_t          policy; /* version 1 */
  cf_hash_t            policy_hash;
  cf_ledger_identity_t ledger; /* with the separator that acts and calls are signed under */
  cf_ledger_genesis_t  block0; /* what the ledger begins with */
  cf_witness_set_t     witnesses;
  cf_seats_t           observers;
} cf_domain_t;

/* cf_domain_open reads the log's entry 0: its form, the wrapper by the log's ES256 key, k governors, every rule of genesis and of
   its ledger (PROTOCOL P2, P12).  expected may be NULL: then the caller compares id with the domain that he means.
   CF_ERR_FORMAT, CF_ERR_UNSUPPORTED, CF_ERR_BOUND  not a genesis entry
   CF_ERR_AUTH    wrapper or governors do not verify; or it is another domain's: item "genesis.domain"
   CF_ERR_POLICY  a rule of genesis does not hold
   err names the item. */
CF_MUST_CHECK cf_status_t cf_domain_open(cf_domain_t *out, cf_span_t genesis_entry, cf_hash_t const *expected, cf_error_t *err);

/* cf_domain_deployment reads the log's entry 1: by k governors, for this domain's ledger.  code is the hash of what the ledger runs: of an
   embedded one, its block 0.  CF_ERR_FORMAT, CF_ERR_BOUND, CF_ERR_AUTH, or CF_ERR_POLICY: of another domain or ledger. */
CF_MUST_CHECK cf_status_t cf_domain_deployment(cf_hash_t *code, cf_domain_t const *d, cf_span_t entry, cf_error_t *err);

/* There are verifiers: cf_genesis_check. */
static inline cf_council_t const *cf_domain_verifiers(cf_domain_t const *d) {
  return cf_genesis_council(&d->genesis, CF_VERIFIERS);
}

#endif
