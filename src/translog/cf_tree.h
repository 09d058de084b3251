/* The Merkle tree of a log (RFC 9162, section 2.1, SHA-256): hashing, the
   frontier, proofs made and proofs checked.  Everything here is pure, public and thread-safe. */
#ifndef CF_TRANSLOG_TREE_H
#define CF_TRANSLOG_TREE_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"
#include "crypto/cf_hash.h"

#define CF_TREE_SIZE_MAX ((uint64_t)INT64_MAX)
#define CF_TREE_PATH_MAX 63 /* hashes in a proof */

/* cf_tree_leaf is SHA-256(0x00 || entry); inner nodes are cf_sha256_node; cf_tree_empty is SHA-256(""). */
cf_hash_t cf_tree_leaf(cf_span_t entry);
cf_hash_t cf_tree_empty(void);
/* cf_tree_leaves makes the leaf hashes of cnt entries that are hashes; out may be entries. */
void cf_tree_leaves(cf_hash_t *out, cf_hash_t const *entries, size_t cnt);
/* cf_tree_root_of is the root over cnt leaf hashes. */
cf_hash_t cf_tree_root_of(cf_hash_t const *leaves, size_t cnt);

/* ---- frontier ----
   The roots of the complete subtrees that a tree of that size ends with: all
   that is needed to go on appending.  node[l] counts when bit l of size is set. */
typedef struct {
  uint64_t  size;
  cf_hash_t node[63];
} cf_frontier_t;

/* A zeroed cf_frontier_t is the empty tree.  cf_frontier_add asserts size < CF_TREE_SIZE_MAX. */
void      cf_frontier_add(cf_frontier_t *f, cf_hash_t const *leaf);
/* cf_frontier_add_all does so for cnt of them, and uses their memory up. */
void      cf_frontier_add_all(cf_frontier_t *f, cf_hash_t *leaves, size_t cnt);
/* cf_frontier_add_tree adds the 2^level leaves under a root.  Asserts that they fill a subtree there: size is a multiple of 2^level. */
void      cf_frontier_add_tree(cf_frontier_t *f, unsigned level, cf_hash_t const *root);
cf_hash_t cf_frontier_root(cf_frontier_t const *f);

/* Encoding, for snapshots: u64 size, then the hashes from left (largest subtree) to right. */
#define CF_FRONTIER_ENC_MAX (8 + 63 * 32)
void cf_frontier_encode(cf_wr_t *wr, cf_frontier_t const *f);
/* CF_ERR_FORMAT: short.  CF_ERR_BOUND: size over CF_TREE_SIZE_MAX.  Leaves rd behind the last hash. */
CF_MUST_CHECK cf_status_t cf_frontier_decode(cf_frontier_t *out, cf_rd_t *rd);

/* ---- checking ---- */

/* cf_tree_inclusion_root computes where path leads from leaf number index in a
   tree of that size (RFC 9162, 2.1.3.2): the root the log must have signed.
   CF_ERR_FORMAT when index >= size or path has the wrong length. */
CF_MUST_CHECK cf_status_t cf_tree_inclusion_root(cf_hash_t *root, uint64_t size, uint64_t index, cf_hash_t const *leaf,
                                                 cf_hash_t const *path, size_t path_cnt);
/* The same, compared: CF_ERR_AUTH when it is another root.  Does not say whether *root is to be believed. */
CF_MUST_CHECK cf_status_t cf_tree_inclusion_verify(cf_hash_t const *root, uint64_t size, uint64_t index, cf_hash_t const *leaf,
                                                   cf_hash_t const *path, size_t path_cnt);

/* cf_tree_consistency_verify checks that the tree (new_root, new_size) extends
   (old_root, old_size) (RFC 9162, 2.1.4.2).  Old size 0 and equal sizes have the empty proof.
   CF_ERR_FORMAT: old_size > new_size, or path has the wrong length.  CF_ERR_AUTH: it does not. */
CF_MUST_CHECK cf_status_t cf_tree_consistency_verify(cf_hash_t const *old_root, uint64_t old_size, cf_hash_t const *new_root,
                                                     uint64_t new_size, cf_hash_t const *path, size_t path_cnt);

/* ---- making ----
   A reader hands out hashes of complete subtrees: (level, index) is the root over
   leaves [index << level, (index + 1) << level).  It is asked for none beyond size. */
typedef struct {
  cf_status_t (*read)(void *ctx, unsigned level, uint64_t index, cf_hash_t *out);
  void *ctx;
} cf_tree_reader_t;

/* The right edge of a tree: node[l] is the root over leaves [last << l, size), last being the last node of level l.  Who
   makes many proofs at one size makes it once; the root is node[top]. */
typedef struct {
  uint64_t  size;
  unsigned  top;
  cf_hash_t node[64];
} cf_tree_edge_t;
/* size >= 1 (CF_ERR_BOUND). */
CF_MUST_CHECK cf_status_t cf_tree_edge(cf_tree_edge_t *edge, cf_tree_reader_t const *reader, uint64_t size);

CF_MUST_CHECK cf_status_t cf_tree_root(cf_hash_t *root, cf_tree_reader_t const *reader, uint64_t size);
/* path holds CF_TREE_PATH_MAX hashes.  CF_ERR_BOUND: index >= size, old_size > new_size, or more than 63
   hashes; what the reader returns is passed on. */
CF_MUST_CHECK cf_status_t cf_tree_inclusion_prove(cf_hash_t *path, size_t *path_cnt, cf_tree_reader_t const *reader,
                                                  uint64_t size, uint64_t index);
/* The same at edge->size, without hashing. */
CF_MUST_CHECK cf_status_t cf_tree_inclusion_prove_at(cf_hash_t *path, size_t *path_cnt, cf_tree_reader_t const *reader,
                                                     cf_tree_edge_t const *edge, uint64_t index);
CF_MUST_CHECK cf_status_t cf_tree_consistency_prove(cf_hash_t *path, size_t *path_cnt, cf_tree_reader_t const *reader,
                                                    uint64_t old_size, uint64_t new_size);

#endif
