/* Tries, written a second time for the tests: by recursion over sorted entries, straight from the Yellow Paper's appendix D, and the
   proofs of their keys.  Hashes are those of paths already: tests choose them, so that tries get as deep as they want. */
#ifndef CF_TESTS_MPT_BUILD_H
#define CF_TESTS_MPT_BUILD_H

#include <assert.h>
#include <stdlib.h>

#include "codec/cf_rlp.h"
#include "crypto/cf_hash.h"

#define MPT_VALUE_MAX 128

typedef struct {
  cf_hash_t path;
  size_t    value_sz;
  uint8_t   value[MPT_VALUE_MAX];
} mpt_entry_t;

static inline unsigned mpt_nibble(cf_hash_t const *path, size_t i) { return i % 2 ? path->b[i / 2] & 15u : path->b[i / 2] / 16u; }

static inline int mpt_by_path(void const *a, void const *b) {
  return memcmp(((mpt_entry_t const *)a)->path.b, ((mpt_entry_t const *)b)->path.b, 32);
}

/* Hex-prefix of the nibbles [from, to). */
static inline void mpt_w_key(cf_wr_t *wr, cf_hash_t const *path, size_t from, size_t to, bool leaf) {
  uint8_t  key[33];
  unsigned nib[66], n = 0;
  nib[n++] = (leaf ? 2u : 0u) + (unsigned)((to - from) % 2);
  if ((to - from) % 2 == 0) nib[n++] = 0;
  while (from < to) nib[n++] = mpt_nibble(path, from++);
  for (unsigned i = 0; i < n; i += 2) key[i / 2] = (uint8_t)(nib[i] * 16 + nib[i + 1]);
  cf_rlp_w_str(wr, CF_SPAN(key, n / 2));
}

static inline size_t mpt_common(mpt_entry_t const *e, size_t n, size_t depth) {
  while (depth < 64 && mpt_nibble(&e[0].path, depth) == mpt_nibble(&e[n - 1].path, depth)) depth++;
  return depth;
}

static inline void mpt_w_node(cf_wr_t *wr, mpt_entry_t const *e, size_t n, size_t depth, bool branch);

/* A node as its parent names it. */
static inline void mpt_w_link(cf_wr_t *wr, mpt_entry_t const *e, size_t n, size_t depth, bool branch) {
  uint8_t node[1024];
  cf_wr_t at = cf_wr_init(node, sizeof node);
  if (n == 0) {
    cf_rlp_w_str(wr, CF_SPAN(NULL, 0));
    return;
  }
  mpt_w_node(&at, e, n, depth, branch);
  assert(!at.bad);
  cf_hash_t hash = cf_keccak256(cf_wr_out(&at));
  if (at.len < 32) cf_wr_span(wr, cf_wr_out(&at));
  else cf_rlp_w_hash(wr, &hash);
}

/* The node over n sorted entries whose paths agree up to depth; branch: an extension led here. */
static inline void mpt_w_node(cf_wr_t *wr, mpt_entry_t const *e, size_t n, size_t depth, bool branch) {
  size_t list = cf_rlp_w_list(wr), same = mpt_common(e, n, depth);
  if (n == 1) {
    mpt_w_key(wr, &e->path, depth, 64, true);
    cf_rlp_w_str(wr, CF_SPAN(e->value, e->value_sz));
  } else if (same > depth && !branch) {
    mpt_w_key(wr, &e->path, depth, same, false);
    mpt_w_link(wr, e, n, same, true);
  } else {
    for (unsigned nib = 0; nib < 16; nib++) {
      size_t cnt = 0;
      while (cnt < n && mpt_nibble(&e[cnt].path, depth) == nib) cnt++;
      mpt_w_link(wr, e, cnt, depth + 1, false);
      e += cnt;
      n -= cnt;
    }
    cf_rlp_w_str(wr, CF_SPAN(NULL, 0));
  }
  cf_rlp_w_end(wr, list);
}

static inline cf_hash_t mpt_root(mpt_entry_t const *e, size_t n) {
  uint8_t node[1024] = { 0x80 };
  cf_wr_t wr = cf_wr_init(node, sizeof node);
  if (n) mpt_w_node(&wr, e, n, 0, false);
  return cf_keccak256(n ? cf_wr_out(&wr) : CF_SPAN(node, 1));
}

/* The proof of the sorted paths q, below the node over e. */
static inline void mpt_prove_(cf_wr_t *wr, mpt_entry_t const *e, size_t n, size_t depth, bool branch, cf_hash_t const *q, size_t q_cnt) {
  uint8_t node[1024];
  cf_wr_t at = cf_wr_init(node, sizeof node);
  if (n == 0 || q_cnt == 0) return;
  mpt_w_node(&at, e, n, depth, branch);
  assert(!at.bad);
  if (at.len >= 32 || depth == 0) cf_wr_span(wr, cf_wr_out(&at));
  size_t same = mpt_common(e, n, depth);
  if (n == 1) return;
  if (same > depth && !branch) {
    size_t from = 0, cnt = 0;
    for (size_t i = 0; i < q_cnt; i++) { /* those that go on behind the extension are a run */
      size_t k = depth;
      while (k < same && mpt_nibble(&q[i], k) == mpt_nibble(&e->path, k)) k++;
      if (k < same) continue;
      if (!cnt) from = i;
      cnt++;
    }
    mpt_prove_(wr, e, n, same, true, q + from, cnt);
    return;
  }
  for (unsigned nib = 0; nib < 16; nib++) {
    size_t cnt = 0, shown = 0;
    while (cnt < n && mpt_nibble(&e[cnt].path, depth) == nib) cnt++;
    while (shown < q_cnt && mpt_nibble(&q[shown], depth) == nib) shown++;
    mpt_prove_(wr, e, cnt, depth + 1, false, q, shown);
    e += cnt;
    n -= cnt;
    q += shown;
    q_cnt -= shown;
  }
}

static inline void mpt_prove(cf_wr_t *wr, mpt_entry_t const *e, size_t n, cf_hash_t const *q, size_t q_cnt) {
  mpt_prove_(wr, e, n, 0, false, q, q_cnt);
}

/* ---- as a chain has them: entries by hashed key ---- */

static inline void mpt_put_slot(mpt_entry_t *e, cf_hash_t const *key, cf_hash_t const *value) {
  cf_wr_t wr = cf_wr_init(e->value, sizeof e->value);
  cf_rlp_w_word(&wr, value);
  e->value_sz = wr.len;
  e->path     = cf_keccak256(CF_SPAN_OF(key->b));
}

static inline void mpt_put_account(mpt_entry_t *e, uint8_t const addr[20], cf_hash_t const *storage_root, cf_hash_t const *code_hash) {
  cf_wr_t wr   = cf_wr_init(e->value, sizeof e->value);
  size_t  list = cf_rlp_w_list(&wr);
  cf_rlp_w_uint(&wr, 1);
  cf_rlp_w_uint(&wr, 1000);
  cf_rlp_w_hash(&wr, storage_root);
  cf_rlp_w_hash(&wr, code_hash);
  cf_rlp_w_end(&wr, list);
  e->value_sz = wr.len;
  e->path     = cf_keccak256(CF_SPAN(addr, 20));
}

#endif
