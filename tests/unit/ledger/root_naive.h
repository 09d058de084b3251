/* Mode root's tree once more, written from the page alone: the whole tree is hashed for each question. */
#ifndef TEST_ROOT_NAIVE_H
#define TEST_ROOT_NAIVE_H

#include "ledger_world.h"

__extension__ typedef __int128 wide_t;

typedef struct {
  wide_t    balance, credited, released;
  cf_hash_t salt;
} mleaf_t;

static void naive_be(uint8_t *at, wide_t v, size_t n) {
  while (n-- > 0) at[n] = (uint8_t)v, v >>= 8;
}

UNUSED static cf_hash_t naive_leaf(uint32_t asset, uint32_t id, mleaf_t const *l) {
  uint8_t buf[73] = { 0 };
  naive_be(buf + 1, id, 4);
  naive_be(buf + 5, asset, 4);
  naive_be(buf + 9, l->balance, 12);
  naive_be(buf + 21, l->credited, 10);
  naive_be(buf + 31, l->released, 10);
  memcpy(buf + 41, l->salt.b, 32);
  for (size_t i = 9; i < sizeof buf; i++)
    if (buf[i]) return cf_sha256(CF_SPAN_OF(buf));
  return (cf_hash_t){ { 0 } };
}

static cf_hash_t naive_pair(cf_hash_t l, cf_hash_t r) {
  uint8_t buf[65] = { 1 };
  memcpy(buf + 1, l.b, 32);
  memcpy(buf + 33, r.b, 32);
  return cf_sha256(CF_SPAN_OF(buf));
}

/* The node idx of a level over n leaves, those behind them empty. */
static cf_hash_t naive_node(cf_hash_t const *leaves, size_t n, unsigned level, uint64_t idx) {
  cf_hash_t node = { { 0 } };
  if (idx << level >= n) {
    while (level-- > 0) node = naive_pair(node, node);
    return node;
  }
  if (level == 0) return leaves[idx];
  return naive_pair(naive_node(leaves, n, level - 1, 2 * idx), naive_node(leaves, n, level - 1, 2 * idx + 1));
}

UNUSED static cf_hash_t naive_root(cf_hash_t const *leaves, size_t n) { return naive_node(leaves, n, 32, 0); }

UNUSED static void naive_path(uint8_t *path, cf_hash_t const *leaves, size_t n, uint32_t position) {
  for (unsigned level = 0; level < 32; level++) {
    cf_hash_t sibling = naive_node(leaves, n, level, (position >> level) ^ 1);
    memcpy(path + 32 * level, sibling.b, 32);
  }
}

/* Where a path leads. */
UNUSED static cf_hash_t naive_climb(cf_hash_t leaf, uint32_t position, uint8_t const *path) {
  for (unsigned level = 0; level < 32; level++, position /= 2, path += 32) {
    cf_hash_t sibling;
    memcpy(sibling.b, path, 32);
    leaf = position % 2 ? naive_pair(sibling, leaf) : naive_pair(leaf, sibling);
  }
  return leaf;
}

#endif
