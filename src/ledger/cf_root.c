#include "ledger/cf_root.h"

#include <assert.h>

#include "crypto/cf_hash.h"

static cf_hash_t const zero;

/* ---- leaves ---- */

static void write_wide(cf_wr_t *wr, cf_u128_t v, size_t n) {
  if (v >> (8 * n)) wr->bad = true;
  cf_wr_be(wr, (uint64_t)(v >> 64), n - 8);
  cf_wr_be(wr, (uint64_t)v, 8);
}

static cf_u128_t read_wide(cf_rd_t *rd, size_t n) {
  cf_u128_t high = cf_rd_be(rd, n - 8);
  return high << 64 | cf_rd_u64(rd);
}

void cf_root_leaf_write(cf_wr_t *wr, cf_root_leaf_t const *leaf) {
  write_wide(wr, leaf->balance, 12);
  write_wide(wr, leaf->credited_in, 10);
  write_wide(wr, leaf->released, 10);
  cf_wr_hash(wr, &leaf->salt);
}

cf_root_leaf_t cf_root_leaf_read(cf_rd_t *rd) {
  cf_root_leaf_t leaf;
  leaf.balance     = read_wide(rd, 12);
  leaf.credited_in = read_wide(rd, 10);
  leaf.released    = read_wide(rd, 10);
  leaf.salt        = cf_rd_hash(rd);
  return leaf;
}

cf_hash_t cf_root_leaf_digest(uint32_t asset, uint32_t id, cf_root_leaf_t const *leaf) {
  bool empty = leaf->balance == 0 && leaf->credited_in == 0 && leaf->released == 0 && cf_hash_eq(&leaf->salt, &zero);
  if (empty) return zero;
  uint8_t buf[9 + CF_ROOT_LEAF_SZ];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u8(&wr, 0);
  cf_wr_u32(&wr, id);
  cf_wr_u32(&wr, asset);
  cf_root_leaf_write(&wr, leaf);
  assert(!wr.bad);
  return cf_sha256(cf_wr_out(&wr));
}

/* ---- paths ---- */

cf_status_t cf_root_path_verify(cf_hash_t const *root, uint32_t position, cf_hash_t const *digest, cf_span_t path) {
  if (path.len != CF_ROOT_PATH_SZ) return CF_ERR_FORMAT;
  cf_hash_t at = *digest;
  cf_rd_t   rd = cf_rd_span(path);
  for (unsigned level = 0; level < CF_ROOT_DEPTH; level++) {
    cf_hash_t sibling = cf_rd_hash(&rd);
    at = position >> level & 1 ? cf_sha256_node(&sibling, &at) : cf_sha256_node(&at, &sibling);
  }
  return cf_hash_eq(&at, root) ? CF_OK : CF_ERR_AUTH;
}

/* ---- the tree ---- */

/* Where the nodes of a level stand; level 0 is the leaves'. */
static cf_hash_t *level_of(cf_root_tree_t const *tree, unsigned level) {
  return tree->nodes + (2 * (size_t)tree->cap - (2 * (size_t)tree->cap >> level));
}

static unsigned levels(cf_root_tree_t const *tree) { return (unsigned)__builtin_ctz(tree->cap); }

static cf_hash_t node_at(cf_root_tree_t const *tree, unsigned level, uint32_t idx) {
  cf_hash_t const *node = &level_of(tree, level)[idx];
  return cf_hash_eq(node, &zero) ? tree->empty[level] : *node;
}

void cf_root_tree_init(cf_root_tree_t *tree, cf_hash_t *nodes, uint32_t cap) {
  assert(cap != 0 && (cap & (cap - 1)) == 0 && cap <= CF_ROOT_CAP_MAX);
  *tree = (cf_root_tree_t){ .nodes = nodes, .cap = cap };
  memset(nodes, 0, CF_ROOT_NODES(cap) * sizeof *nodes);
  for (unsigned i = 1; i < CF_ROOT_DEPTH; i++) tree->empty[i] = cf_sha256_node(&tree->empty[i - 1], &tree->empty[i - 1]);
}

void cf_root_tree_set(cf_root_tree_t *tree, uint32_t position, cf_hash_t const *digest) {
  assert(position < tree->cap);
  level_of(tree, 0)[position] = *digest;
  for (unsigned level = 0; level < levels(tree); level++) {
    uint32_t  left = position >> level & ~(uint32_t)1;
    cf_hash_t l = node_at(tree, level, left), r = node_at(tree, level, left + 1);
    level_of(tree, level + 1)[left >> 1] = cf_sha256_node(&l, &r);
  }
}

cf_hash_t cf_root_tree_leaf(cf_root_tree_t const *tree, uint32_t position) {
  assert(position < tree->cap);
  return tree->nodes[position];
}

cf_hash_t cf_root_tree_root(cf_root_tree_t const *tree) {
  cf_hash_t at = node_at(tree, levels(tree), 0);
  for (unsigned level = levels(tree); level < CF_ROOT_DEPTH; level++) at = cf_sha256_node(&at, &tree->empty[level]);
  return at;
}

void cf_root_tree_path(cf_root_tree_t const *tree, uint8_t path[CF_ROOT_PATH_SZ], uint32_t position) {
  assert(position < tree->cap);
  for (unsigned level = 0; level < CF_ROOT_DEPTH; level++) {
    bool      kept    = level < levels(tree);
    cf_hash_t sibling = kept ? node_at(tree, level, (position >> level) ^ 1) : tree->empty[level];
    memcpy(path + 32 * level, sibling.b, 32);
  }
}
