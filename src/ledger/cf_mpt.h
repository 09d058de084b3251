/* Proofs against the roots of an EVM chain: the modified Merkle-Patricia tries of accounts and of an account's slots.  Yellow Paper
   4.1 and appendices C and D; EIP-1186 for the shape in which nodes hand them out.

   A proof shows several keys of one trie at once, the absent ones too.  It is the trie's nodes, as RLP one behind the other: those
   that stand on a shown key's path, each once, from the root down and by rising path, without those that their parents embed
   (shorter than 32 bytes).  So a trie and a set of keys have one proof.  A path is the 64 nibbles of a key's Keccak-256.

   Pure; no recursion; memory is the stack's, below 16 KiB. */
#ifndef CF_LEDGER_MPT_H
#define CF_LEDGER_MPT_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"
#include "crypto/cf_sign.h"

#define CF_MPT_KEYS_MAX 128 /* shown at once */
#define CF_MPT_NODE_MAX 1024 /* bytes: a branch has 532, a leaf with an account below 200 */
#define CF_MPT_DEPTH_MAX 65 /* nodes on one path, the root's included */

/* cf_mpt_order fills order with the indices of n paths (<= CF_MPT_KEYS_MAX, asserted) by rising path: the order in which a proof
   shows them.  Paths may repeat. */
void cf_mpt_order(uint8_t *order, cf_hash_t const *paths, size_t n);

/* cf_mpt_verify reads a proof for n paths from the cursor and fills values[i], borrowed from it, with what the trie holds
   at paths[i]: empty when the trie holds nothing there, and never else.  The cursor goes on behind the proof.
     CF_ERR_FORMAT  not nodes as the trie has them, or not those of these paths
     CF_ERR_AUTH    a node is not the one that its parent, or root, names
     CF_ERR_BOUND   n is 0 or above CF_MPT_KEYS_MAX, or a node above CF_MPT_NODE_MAX
   The values are not to be used unless it is CF_OK. */
CF_MUST_CHECK cf_status_t cf_mpt_verify(cf_hash_t const *root, cf_rd_t *proof, cf_hash_t const *paths, size_t n,
                                        cf_span_t *values);

/* What the state holds at an address (Yellow Paper 4.1). */
typedef struct {
  bool      exists;
  uint64_t  nonce;
  cf_hash_t balance_wei; /* big-endian */
  cf_hash_t storage_root;
  cf_hash_t code_hash;
} cf_evm_account_t;

/* cf_evm_account_verify reads a proof of one address against a block's state root.  Statuses as cf_mpt_verify. */
CF_MUST_CHECK cf_status_t cf_evm_account_verify(cf_evm_account_t *out, cf_hash_t const *state_root, cf_addr_t const *addr,
                                                cf_rd_t *proof);

/* cf_evm_slots_verify reads a proof of n slots against an account's storage root; a slot that is not there is zero.
   By the Yellow Paper one that is zero is not there; nodes for development (anvil) keep those that were read, under roots of their own,
   and what such a leaf says is the same. */
CF_MUST_CHECK cf_status_t cf_evm_slots_verify(cf_hash_t const *storage_root, cf_rd_t *proof, cf_hash_t const *keys, size_t n,
                                              cf_hash_t *values);

/* cf_evm_state_verify is both, of one contract whose code must have that hash: proof is the account's, then the slots', and nothing
   else.  CF_ERR_POLICY: proven, and there is another code, or none. */
CF_MUST_CHECK cf_status_t cf_evm_state_verify(cf_hash_t const *state_root, cf_addr_t const *contract, cf_hash_t const *code_hash,
                                              cf_span_t proof, cf_hash_t const *keys, size_t n, cf_hash_t *values);

#endif
