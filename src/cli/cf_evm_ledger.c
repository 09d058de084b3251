#include "cli/cf_evm_ledger.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/cf_slots.h"

int cf_evm_ledger_prove(cf_wr_t *proof, cf_hash_t *values, cf_evm_ledger_t *l, cf_hash_t const *keys, size_t n) {
  cf_json_t  v;
  cf_error_t err = {0};
  cf_evm_ask_proof(cf_nodes_question(&l->nodes), CF_NODES_ID, &l->id.contract, keys, n,
                   &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = l->block.header.number});
  int code = cf_nodes_result(&v, &l->nodes);
  if (code) return code;
  return cf_evm_read_state(proof, values, v, &l->id, &l->block.header.state_root, keys, n, &err) ? cf_nodes_wrong(&l->nodes, &err) : 0;
}

int cf_evm_ledger_slots(cf_hash_t *values, cf_evm_ledger_t *l, cf_hash_t const *keys, size_t n) {
  cf_wr_t proof = cf_room(CF_EVM_PROOF_ROOM);
  int     code = 0;
  for (size_t at = 0, some; !code && at < n; at += some) {
    some = n - at < CF_MPT_KEYS_MAX ? n - at : CF_MPT_KEYS_MAX;
    proof.len = 0;
    code = cf_evm_ledger_prove(&proof, values + at, l, keys + at, some);
  }
  free(proof.buf);
  return code;
}

int cf_evm_ledger_open(cf_evm_ledger_t *l, char const *what, cf_folder_t const *f) {
  cf_span_t  entry;
  cf_error_t err = {0};
  *l = (cf_evm_ledger_t){.id = f->domain->ledger};
  char *path = cf_folder_path(f, "deployment");
  if (access(path, F_OK))
    return cf_fail(CF_EXIT_FAILS, what, "missing", "deployment", "found", "the ledger's contract is not on its chain yet", "next",
                   cf_fmt("counterfoil ledger deploy %s --deployer KEYSTORE", f->dir), NULL);
  int code = cf_slurp(&entry, path, CF_ENTRY_MAX);
  if (!code && cf_domain_deployment(&l->id.code_hash, f->domain, entry, &err)) code = cf_fail_error(what, &err);
  if (!code) code = cf_nodes_open(&l->nodes, what, &f->evm, l->id.chain_id);
  return code ? code : cf_nodes_final(&l->block, &l->nodes);
}
