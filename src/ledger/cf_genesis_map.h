/* What genesis says about the ledger, in the ledger's own types: one mapping for everybody who founds, replays, views or
   signs for it.  Pure. */
#ifndef CF_LEDGER_GENESIS_MAP_H
#define CF_LEDGER_GENESIS_MAP_H

#include "document/cf_documents.h"
#include "ledger/cf_finality.h"
#include "ledger/cf_ledger.h"
#include "translog/cf_note.h"

/* cf_ledger_genesis_of fills what block 0 of an embedded ledger must hold (or what an EVM ledger's constructor is given):
   time = created, the first policy with its hash, its TCB mask and its measurements, the three councils that the ledger checks,
   the assets by rising id; an asset without a token is issued by the treasury.
   CF_ERR_POLICY: councils of different versions, or one with more than CF_SEATS_MAX members; then what cf_ledger_config_check
   refuses. */
CF_MUST_CHECK cf_status_t cf_ledger_genesis_of(cf_ledger_genesis_t *out, cf_genesis_t const *g, cf_policy_t const *p,
                                               cf_hash_t const *domain, cf_error_t *err);

/* cf_policy_hash is the document hash of an encoded policy body (PROTOCOL P1). */
static inline cf_hash_t cf_policy_hash(cf_span_t body) { return cf_document_hash(CF_SPAN(NULL, 0), body); }

/* Chain, contract and the separator that everything for this ledger is signed under. */
cf_ledger_identity_t cf_genesis_identity(cf_genesis_t const *g, cf_hash_t const *domain);
/* A council of address holders as the ledger keeps it; not for witnesses. */
cf_seats_t cf_genesis_seats(cf_council_t const *c);
/* The witnesses, with the log's note key.  CF_ERR_FORMAT, CF_ERR_BOUND: a name that no note can hold; CF_ERR_POLICY:
 * cf_witness_set_check. */
CF_MUST_CHECK cf_status_t cf_genesis_witnesses(cf_witness_set_t *out, cf_genesis_t const *g, cf_error_t *err);

#endif
