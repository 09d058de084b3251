/* The sparse tree over an embedded ledger's slots, and proofs against its root.
   docs/protocol/ledger.md, "State tree".

   The path of a slot is SHA-256(0x02 || key), read bit by bit from the highest of byte 0.  The tree over a set of slots
   whose values are not zero, from depth d on:
     no slot     32 zero bytes
     one slot    SHA-256(0x00 || key || value)
     more        SHA-256(0x01 || left || right), slots divided by bit d of their paths
   The root is the tree over all slots at depth 0.  A set has one root.

   A proof shows several slots at once, the absent ones as zero.  It is the tree walked in pre-order, left first; what
   stands at a place depends on whether a shown key's path leads there:
     leads there   0 empty | 2 key value (the one slot below here, shown or in the shown one's place) | 3, then both halves
     else          0 empty | 1 hash
   This file needs no memory but the stack: the enclave verifies with it. */
#ifndef CF_LEDGER_SPARSE_H
#define CF_LEDGER_SPARSE_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

#define CF_SPARSE_KEYS_MAX 256 /* shown at once */

enum { CF_SPARSE_EMPTY = 0, CF_SPARSE_HASH = 1, CF_SPARSE_LEAF = 2, CF_SPARSE_NODE = 3 };

cf_hash_t cf_sparse_path(cf_hash_t const *key);
cf_hash_t cf_sparse_leaf(cf_hash_t const *key, cf_hash_t const *value);
static inline unsigned cf_sparse_bit(cf_hash_t const *path, unsigned depth) {
  return (unsigned)path->b[depth / 8] >> (7 - depth % 8) & 1u;
}

/* The shown keys, by path: a place's keys are a run of them. */
typedef struct {
  cf_hash_t path;
  size_t    idx; /* into the caller's keys */
} cf_sparse_query_t;

/* cf_sparse_sort fills q for n keys (<= CF_SPARSE_KEYS_MAX, asserted); keys may repeat. */
void cf_sparse_sort(cf_sparse_query_t *q, cf_hash_t const *keys, size_t n);
/* cf_sparse_split is where the run [lo, hi) turns from bit 0 to bit 1 at depth. */
size_t cf_sparse_split(cf_sparse_query_t const *q, size_t lo, size_t hi, unsigned depth);

/* cf_sparse_verify checks proof against *root and fills values[i] for keys[i].
   CF_ERR_FORMAT not a proof for these keys; CF_ERR_AUTH leads to another root (values are then wiped);
   CF_ERR_BOUND n is 0 or above CF_SPARSE_KEYS_MAX. */
CF_MUST_CHECK cf_status_t cf_sparse_verify(cf_hash_t const *root, cf_span_t proof, cf_hash_t const *keys, size_t n,
                                           cf_hash_t *values);

#endif
