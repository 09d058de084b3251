/* The seam "ledger proof": where the kinds of ledger meet.  A kind says what block a header is, and what that block's state holds in
   a slot; everything above (finality, views, the enclave) knows blocks and slots only.  DESIGN 10; ONCHAIN 4.4, 4.7.1.

   embedded  header of cf_blocks.h, proof of cf_sparse.h
   EVM       header of cf_evm_header.h; proof of cf_mpt.h, of the contract's account and then of its slots

   Pure; allocates nothing. */
#ifndef CF_LEDGER_LEDGER_PROOF_H
#define CF_LEDGER_LEDGER_PROOF_H

#include "ledger/cf_finality.h"

typedef enum { CF_LEDGER_EMBEDDED = 1, CF_LEDGER_EVM = 2 } cf_ledger_kind_t; /* as genesis numbers them */

/* The kind follows from the chain's id (cf_ledger.h, CF_LEDGER_CHAIN_MIN). */
cf_ledger_kind_t cf_ledger_kind(cf_ledger_identity_t const *ledger);

typedef struct {
  uint64_t  number;
  cf_hash_t hash;
  uint64_t  time_s;
  cf_hash_t state_root;
} cf_ledger_block_t;

/* cf_ledger_block_decode reads a header of that kind, and nothing else.  CF_ERR_FORMAT, CF_ERR_BOUND.  Does not say that the block is
   final, nor of which chain it is. */
CF_MUST_CHECK cf_status_t cf_ledger_block_decode(cf_ledger_block_t *block, cf_ledger_kind_t kind, cf_span_t header, cf_error_t *err);

/* cf_ledger_slots_prove fills values[i] with what slot keys[i] of the ledger holds in a state.
     CF_ERR_FORMAT  not a proof for these keys
     CF_ERR_AUTH    leads to another root
     CF_ERR_POLICY  EVM: proven, and the contract's code is not ledger->code_hash
     CF_ERR_BOUND   n is 0, or above CF_SPARSE_KEYS_MAX or CF_MPT_KEYS_MAX */
CF_MUST_CHECK cf_status_t cf_ledger_slots_prove(cf_ledger_identity_t const *ledger, cf_hash_t const *state_root, cf_span_t proof,
                                                cf_hash_t const *keys, size_t n, cf_hash_t *values);

#endif
