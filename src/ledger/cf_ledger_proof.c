#include "ledger/cf_ledger_proof.h"

#include "ledger/cf_blocks.h"
#include "ledger/cf_evm_header.h"
#include "ledger/cf_mpt.h"

cf_ledger_kind_t cf_ledger_kind(cf_ledger_identity_t const *ledger) {
  return ledger->chain_id >= CF_LEDGER_CHAIN_MIN ? CF_LEDGER_EMBEDDED : CF_LEDGER_EVM;
}

cf_status_t cf_ledger_block_decode(cf_ledger_block_t *block, cf_ledger_kind_t kind, cf_span_t header, cf_error_t *err) {
  cf_block_header_t embedded;
  cf_evm_header_t   evm;
  cf_hash_t         hash;
  cf_status_t       st = CF_ERR_UNSUPPORTED;
  switch (kind) {
  case CF_LEDGER_EMBEDDED:
    if (cf_block_header_decode(&embedded, header)) return cf_error_set(err, CF_ERR_FORMAT, "header", 0, "not a block header");
    *block = (cf_ledger_block_t){ embedded.number, cf_block_hash(&embedded), embedded.time_s, embedded.state_root };
    return CF_OK;
  case CF_LEDGER_EVM:
    st = cf_evm_header_decode(&evm, &hash, header, err);
    if (!st) *block = (cf_ledger_block_t){ evm.number, hash, evm.time_s, evm.state_root };
    return st;
  }
  return st;
}

cf_status_t cf_ledger_slots_prove(cf_ledger_identity_t const *ledger, cf_hash_t const *state_root, cf_span_t proof,
                                  cf_hash_t const *keys, size_t n, cf_hash_t *values) {
  switch (cf_ledger_kind(ledger)) {
  case CF_LEDGER_EMBEDDED: return cf_sparse_verify(state_root, proof, keys, n, values);
  case CF_LEDGER_EVM: return cf_evm_state_verify(state_root, &ledger->contract, &ledger->code_hash, proof, keys, n, values);
  }
  return CF_ERR_UNSUPPORTED;
}
