/* Mode root's state tree: what a leaf is, its path, and the tree over all of them.  ONCHAIN 4.8; docs/protocol/ledger.md,
   "Mode root".

   One tree of depth 32 for all assets; a leaf's index is its position, which the ledger gives at the first deposit of (asset,
   id).  Position 0 is reserved: what the enclave has there is its own business, and only the digest is seen.
     leaf  SHA-256(0x00 || id u32 || asset u32 || balance u96 || creditedIn u80 || released u80 || salt)
     node  SHA-256(0x01 || left || right)
   The leaf of a position that has none is 32 zero bytes, and so is that of a leaf of which all is 0: no deposit is credited yet.
   Everything here is pure, and allocates nothing. */
#ifndef CF_LEDGER_ROOT_H
#define CF_LEDGER_ROOT_H

#include "base/cf_bytes.h"
#include "base/cf_math.h"
#include "base/cf_status.h"

#define CF_ROOT_DEPTH   32
#define CF_ROOT_LEAF_SZ 64
#define CF_ROOT_PATH_SZ (32 * CF_ROOT_DEPTH)

typedef struct {
  cf_u128_t balance;     /* u96, units */
  cf_u128_t credited_in; /* u80: of what was deposited, all that ever came into the balance */
  cf_u128_t released;    /* u80: all that ever left it for the free lane */
  cf_hash_t salt;        /* of an open domain zero */
} cf_root_leaf_t;

/* balance u96 | creditedIn u80 | released u80 | salt.  A number that is too long makes wr bad. */
void           cf_root_leaf_write(cf_wr_t *wr, cf_root_leaf_t const *leaf);
cf_root_leaf_t cf_root_leaf_read(cf_rd_t *rd);
/* cf_root_leaf_digest asserts that the numbers fit. */
cf_hash_t cf_root_leaf_digest(uint32_t asset, uint32_t id, cf_root_leaf_t const *leaf);

/* cf_root_path_verify checks that the leaf at position has this digest in the tree with the root *root.  path is of CF_ROOT_PATH_SZ
   bytes, the leaf's sibling first; bit 0 of position says on which side the leaf stands.  CF_ERR_FORMAT: another length;
   CF_ERR_AUTH. */
CF_MUST_CHECK cf_status_t cf_root_path_verify(cf_hash_t const *root, uint32_t position, cf_hash_t const *digest, cf_span_t path);

/* ---- the tree ---- */

/* The nodes over the leaves 0 to cap - 1, kept by the caller: those of the leaves' level first.  Zero is a node under which all
   is empty.  Setting a leaf costs a node for each level there is, reading the root one for each level above. */
#define CF_ROOT_CAP_MAX   ((uint32_t)1 << 31)
#define CF_ROOT_NODES(cap) (2 * (size_t)(cap) - 1)
typedef struct {
  cf_hash_t *nodes; /* CF_ROOT_NODES(cap) */
  uint32_t   cap;   /* a power of 2 */
  cf_hash_t  empty[CF_ROOT_DEPTH]; /* the node of each level under which all is empty; [0] the leaf */
} cf_root_tree_t;

/* cf_root_tree_init makes the empty tree.  nodes is borrowed for the tree's life. */
void      cf_root_tree_init(cf_root_tree_t *tree, cf_hash_t *nodes, uint32_t cap);
void      cf_root_tree_set(cf_root_tree_t *tree, uint32_t position, cf_hash_t const *digest); /* position < cap, asserted */
cf_hash_t cf_root_tree_leaf(cf_root_tree_t const *tree, uint32_t position);
cf_hash_t cf_root_tree_root(cf_root_tree_t const *tree);
void      cf_root_tree_path(cf_root_tree_t const *tree, uint8_t path[CF_ROOT_PATH_SZ], uint32_t position); /* as cf_root_path_verify has it */

#endif
