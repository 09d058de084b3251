#include "translog/cf_tree.h"

#include <assert.h>

#define CHUNK 256 /* leaves that are taken to their root together */

cf_hash_t
cf_tree_leaf(cf_span_t entry) {
  cf_hash_t leaf;
  cf_sha256_leaves(&leaf, &entry, 1);
  return leaf;
}

void
cf_tree_leaves(cf_hash_t *out, cf_hash_t const *entries, size_t cnt) {
  cf_span_t in[CHUNK];
  for (size_t n; cnt > 0; cnt -= n, entries += n, out += n) {
    n = cnt < CHUNK ? cnt : CHUNK;
    for (size_t i = 0; i < n; i++) in[i] = CF_SPAN_OF(entries[i].b);
    cf_sha256_leaves(out, in, n);
  }
}

cf_hash_t
cf_tree_empty(void) {
  return cf_sha256(CF_SPAN(NULL, 0));
}

cf_hash_t
cf_tree_root_of(cf_hash_t const *leaves, size_t cnt) {
  cf_frontier_t f;
  cf_hash_t     chunk[CHUNK];
  f.size = 0; /* nodes without their bit are never read */
  for (size_t at = 0; at < cnt; at += CHUNK) {
    size_t n = cnt - at < CHUNK ? cnt - at : CHUNK;
    memcpy(chunk, leaves + at, n * sizeof *chunk);
    cf_frontier_add_all(&f, chunk, n);
  }
  return cf_frontier_root(&f);
}

/* ---- frontier ---- */

void
cf_frontier_add_tree(cf_frontier_t *f, unsigned level, cf_hash_t const *root) {
  assert(level < 63 && f->size % (UINT64_C(1) << level) == 0 && UINT64_C(1) << level <= CF_TREE_SIZE_MAX - f->size);
  cf_hash_t h  = *root;
  unsigned  at = level;
  for (; f->size >> at & 1; at++) h = cf_sha256_node(&f->node[at], &h);
  f->node[at] = h;
  f->size += UINT64_C(1) << level;
}

void
cf_frontier_add(cf_frontier_t *f, cf_hash_t const *leaf) {
  cf_frontier_add_tree(f, 0, leaf);
}

void
cf_frontier_add_all(cf_frontier_t *f, cf_hash_t *leaves, size_t cnt) {
  assert(cnt <= CF_TREE_SIZE_MAX - f->size);
  while (cnt) {
    size_t   n     = 1; /* the largest whole subtree that begins here */
    unsigned level = 0;
    for (; 2 * n <= cnt && !(f->size & n); n *= 2) level++;
    for (size_t k = n; k > 1; k /= 2) cf_sha256_nodes(leaves, leaves, k / 2);
    cf_frontier_add_tree(f, level, leaves);
    leaves += n;
    cnt -= n;
  }
}

cf_hash_t
cf_frontier_root(cf_frontier_t const *f) {
  if (f->size == 0) return cf_tree_empty();
  unsigned level = 0;
  while (!(f->size >> level & 1)) level++;
  cf_hash_t r = f->node[level];
  for (level++; level < 63; level++)
    if (f->size >> level & 1) r = cf_sha256_node(&f->node[level], &r);
  return r;
}

void
cf_frontier_encode(cf_wr_t *wr, cf_frontier_t const *f) {
  cf_wr_u64(wr, f->size);
  for (unsigned level = 63; level-- > 0;)
    if (f->size >> level & 1) cf_wr_hash(wr, &f->node[level]);
}

cf_status_t
cf_frontier_decode(cf_frontier_t *out, cf_rd_t *rd) {
  cf_frontier_t f = { .size = cf_rd_u64(rd) };
  if (f.size > CF_TREE_SIZE_MAX) return CF_ERR_BOUND;
  for (unsigned level = 63; level-- > 0;)
    if (f.size >> level & 1) f.node[level] = cf_rd_hash(rd);
  if (rd->bad) return CF_ERR_FORMAT;
  *out = f;
  return CF_OK;
}

/* ---- checking: fn, sn, fr, sr are RFC 9162's names ---- */

/* Both shift until fn is odd or 0: the levels at which the last node has no sibling. */
static void
skip_levels_without_sibling(uint64_t *fn, uint64_t *sn) {
  while (!(*fn & 1) && *fn != 0) *fn >>= 1, *sn >>= 1;
}

cf_status_t
cf_tree_inclusion_root(cf_hash_t *root, uint64_t size, uint64_t index, cf_hash_t const *leaf, cf_hash_t const *path,
                       size_t path_cnt) {
  if (index >= size) return CF_ERR_FORMAT;
  uint64_t  fn = index, sn = size - 1;
  cf_hash_t r = *leaf;
  for (size_t i = 0; i < path_cnt; i++) {
    if (sn == 0) return CF_ERR_FORMAT;
    if (fn & 1 || fn == sn) {
      r = cf_sha256_node(&path[i], &r);
      skip_levels_without_sibling(&fn, &sn);
    } else {
      r = cf_sha256_node(&r, &path[i]);
    }
    fn >>= 1, sn >>= 1;
  }
  if (sn != 0) return CF_ERR_FORMAT;
  *root = r;
  return CF_OK;
}

cf_status_t
cf_tree_inclusion_verify(cf_hash_t const *root, uint64_t size, uint64_t index, cf_hash_t const *leaf, cf_hash_t const *path,
                         size_t path_cnt) {
  cf_hash_t   r;
  cf_status_t st = cf_tree_inclusion_root(&r, size, index, leaf, path, path_cnt);
  if (st) return st;
  return cf_hash_eq(&r, root) ? CF_OK : CF_ERR_AUTH;
}

cf_status_t
cf_tree_consistency_verify(cf_hash_t const *old_root, uint64_t old_size, cf_hash_t const *new_root, uint64_t new_size,
                           cf_hash_t const *path, size_t path_cnt) {
  if (old_size > new_size) return CF_ERR_FORMAT;
  if (old_size == 0 || old_size == new_size) {
    if (path_cnt) return CF_ERR_FORMAT;
    cf_hash_t empty = cf_tree_empty();
    return cf_hash_eq(old_root, old_size ? new_root : &empty) ? CF_OK : CF_ERR_AUTH;
  }
  if (path_cnt == 0) return CF_ERR_FORMAT;

  bool      whole = (old_size & (old_size - 1)) == 0; /* the old tree is one subtree: its root starts the path */
  size_t    i     = whole ? 0 : 1;
  cf_hash_t fr = whole ? *old_root : path[0], sr = fr;
  uint64_t  fn = old_size - 1, sn = new_size - 1;
  while (fn & 1) fn >>= 1, sn >>= 1;
  for (; i < path_cnt; i++) {
    if (sn == 0) return CF_ERR_FORMAT;
    if (fn & 1 || fn == sn) {
      fr = cf_sha256_node(&path[i], &fr);
      sr = cf_sha256_node(&path[i], &sr);
      skip_levels_without_sibling(&fn, &sn);
    } else {
      sr = cf_sha256_node(&sr, &path[i]);
    }
    fn >>= 1, sn >>= 1;
  }
  if (sn != 0) return CF_ERR_FORMAT;
  return cf_hash_eq(&fr, old_root) && cf_hash_eq(&sr, new_root) ? CF_OK : CF_ERR_AUTH;
}

/* ---- making ---- */

cf_status_t
cf_tree_edge(cf_tree_edge_t *edge, cf_tree_reader_t const *reader, uint64_t size) {
  if (size == 0 || size > CF_TREE_SIZE_MAX) return CF_ERR_BOUND;
  cf_status_t st = reader->read(reader->ctx, 0, size - 1, &edge->node[0]);
  unsigned    level;
  for (level = 0; !st && (size - 1) >> level; level++) {
    uint64_t  last = (size - 1) >> level;
    cf_hash_t left;
    edge->node[level + 1] = edge->node[level]; /* a node without a sibling goes up as it is */
    if (!(last & 1)) continue;
    st                    = reader->read(reader->ctx, level, last - 1, &left);
    edge->node[level + 1] = cf_sha256_node(&left, &edge->node[level]);
  }
  edge->size = st ? 0 : size;
  edge->top  = level;
  return st;
}

cf_status_t
cf_tree_root(cf_hash_t *root, cf_tree_reader_t const *reader, uint64_t size) {
  cf_tree_edge_t edge;
  cf_status_t    st = size ? cf_tree_edge(&edge, reader, size) : CF_OK;
  if (!st) *root = size ? edge.node[edge.top] : cf_tree_empty();
  return st;
}

/* Appends to path the siblings on the way up from node (level, index). */
static cf_status_t
prove_from(cf_hash_t *path, size_t *path_cnt, cf_tree_reader_t const *reader, cf_tree_edge_t const *edge, unsigned level,
           uint64_t index) {
  for (; level < edge->top; level++, index >>= 1) {
    uint64_t last = (edge->size - 1) >> level, sibling = index ^ 1;
    if (sibling > last) continue;
    if (*path_cnt == CF_TREE_PATH_MAX) return CF_ERR_BOUND;
    cf_status_t st = CF_OK;
    if (sibling == last) path[*path_cnt] = edge->node[level];
    else st = reader->read(reader->ctx, level, sibling, &path[*path_cnt]);
    if (st) return st;
    ++*path_cnt;
  }
  return CF_OK;
}

cf_status_t
cf_tree_inclusion_prove_at(cf_hash_t *path, size_t *path_cnt, cf_tree_reader_t const *reader, cf_tree_edge_t const *edge,
                           uint64_t index) {
  *path_cnt = 0;
  return index >= edge->size ? CF_ERR_BOUND : prove_from(path, path_cnt, reader, edge, 0, index);
}

cf_status_t
cf_tree_inclusion_prove(cf_hash_t *path, size_t *path_cnt, cf_tree_reader_t const *reader, uint64_t size, uint64_t index) {
  if (index >= size) return CF_ERR_BOUND;
  cf_tree_edge_t edge;
  cf_status_t    st = cf_tree_edge(&edge, reader, size);
  return st ? st : cf_tree_inclusion_prove_at(path, path_cnt, reader, &edge, index);
}

cf_status_t
cf_tree_consistency_prove(cf_hash_t *path, size_t *path_cnt, cf_tree_reader_t const *reader, uint64_t old_size,
                          uint64_t new_size) {
  if (old_size > new_size || new_size > CF_TREE_SIZE_MAX) return CF_ERR_BOUND;
  *path_cnt = 0;
  if (old_size == 0 || old_size == new_size) return CF_OK;

  cf_tree_edge_t edge;
  cf_status_t    st = cf_tree_edge(&edge, reader, new_size);
  if (st) return st;

  /* The walk starts at the last complete subtree of the old tree; the verifier knows it when it is the whole old tree. */
  unsigned level = 0;
  while (!(old_size >> level & 1)) level++;
  uint64_t index = (old_size >> level) - 1;
  if (index != 0) {
    st = reader->read(reader->ctx, level, index, &path[0]);
    if (st) return st;
    *path_cnt = 1;
  }
  return prove_from(path, path_cnt, reader, &edge, level, index);
}
