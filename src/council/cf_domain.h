/* What a member of a council knows of its domain before anybody tells it anything: all that follows from genesis. */
#ifndef CF_COUNCIL_DOMAIN_H
#define CF_COUNCIL_DOMAIN_H

#include "ledger/cf_genesis_map.h"

/* About 90 KiB; spans borrow the genesis entry, which the caller keeps. */
typedef struct {
  cf_hash_t            domain;
  cf_genesis_t         genesis;
  cf_policy_t          policy;
  cf_hash_t            policy_hash;
  cf_ledger_identity_t ledger;
  cf_ledger_genesis_t  block0;
  cf_witness_set_t     witnesses;
} cf_domain_t;

/* cf_domain_open reads the log's entry 0: its form, the wrapper by the log's ES256 key, k governors, every rule of genesis and of
   its ledger.  CF_ERR_FORMAT, CF_ERR_BOUND, CF_ERR_UNSUPPORTED, CF_ERR_AUTH, CF_ERR_POLICY; err names the item. Does not say that
   it is the domain meant: compare domain. */
CF_MUST_CHECK cf_status_t cf_domain_open(cf_domain_t *out, cf_span_t genesis_entry, cf_error_t *err);

#endif
