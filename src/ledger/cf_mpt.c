#include "ledger/cf_mpt.h"

#include <assert.h>

#include "codec/cf_rlp.h"
#include "crypto/cf_hash.h"

enum { NIBBLES = 64, BRANCH = 16 };

static unsigned nibble(uint8_t const *path, size_t i) { return i & 1 ? path[i / 2] & 15u : path[i / 2] >> 4; }

/* ---- nodes ---- */

/* A link to a node: none, the node's hash, or the node itself when it is shorter than that; borrowed. */
typedef struct {
  uint8_t const *hash; /* NULL: none, or embedded */
  cf_span_t      node;
} link_t;

typedef struct {
  bool      branch, leaf;
  uint8_t   key[33]; /* nibbles of a short node, from nibble key_at on */
  size_t    key_at, key_cnt;
  cf_span_t value;  /* of a leaf */
  link_t    child;  /* of an extension; of a branch, the one asked for */
} node_t;

enum { HASH_SZ = 32, HASH_HEAD = 0x80 + HASH_SZ, NO_LINK = 0x80 };

static link_t read_link(cf_rd_t *rd) {
  uint8_t head = !rd->bad && cf_rd_left(rd) ? rd->buf[rd->pos] : 0;
  if (head == NO_LINK || (head == HASH_HEAD && cf_rd_left(rd) > HASH_SZ)) { /* nearly always; a short cut of what follows */
    uint8_t const *at = cf_rd_take(rd, head == NO_LINK ? 1 : 1 + HASH_SZ);
    return (link_t){ .hash = head == NO_LINK ? NULL : at + 1 };
  }
  cf_rlp_t item = cf_rlp_next(rd);
  if (!item.list || item.whole.len >= HASH_SZ) rd->bad = true;
  return (link_t){ .node = item.whole };
}

static bool leads(link_t const *link) { return link->hash || link->node.len; }

/* Of a branch's 16 links only the one at which is kept; its value is empty, because all paths have one length. */
static void read_branch(node_t *n, cf_rd_t *rd, unsigned at) {
  n->branch = true;
  for (unsigned i = 0; i < BRANCH; i++) {
    link_t link = read_link(rd);
    if (i == at) n->child = link;
  }
  if (cf_rlp_str(rd).len) rd->bad = true;
}

/* Hex-prefix encoding (Yellow Paper, appendix C): bit 1 of the first nibble says leaf, bit 0 says odd. */
static void read_short(node_t *n, cf_rd_t *rd) {
  cf_span_t key = cf_rlp_str(rd);
  if (key.len == 0 || key.len > sizeof n->key || key.ptr[0] >> 6) {
    rd->bad = true;
    return;
  }
  memcpy(n->key, key.ptr, key.len);
  bool odd   = key.ptr[0] >> 4 & 1;
  n->leaf    = key.ptr[0] >> 5;
  n->key_at  = odd ? 1 : 2;
  n->key_cnt = 2 * key.len - n->key_at;
  if (!odd && key.ptr[0] & 15) rd->bad = true;
  if (n->leaf) {
    n->value = cf_rlp_str(rd);
    if (!n->value.len) rd->bad = true;
  } else {
    n->child = read_link(rd);
    if (!leads(&n->child) || !n->key_cnt) rd->bad = true;
  }
}

static bool read_node(node_t *n, cf_span_t bytes, unsigned at) {
  cf_rd_t  outer = cf_rd_span(bytes), rd = cf_rlp_list(&outer), items = rd;
  unsigned cnt = 0;
  while (cnt < 3 && !items.bad && cf_rd_left(&items)) {
    cf_rlp_next(&items);
    cnt++;
  }
  *n = (node_t){ 0 };
  if (cnt == 2) read_short(n, &rd);
  else read_branch(n, &rd, at);
  return cf_rd_done(&rd) && cf_rd_done(&outer);
}

/* ---- walking ---- */

/* The nodes from the root to where the last key's path ended: the next path goes on from the last one that both have. */
typedef struct {
  cf_rd_t *proof;
  size_t   cnt;
  struct {
    size_t    depth; /* nibbles above it */
    cf_span_t bytes;
  } at[CF_MPT_DEPTH_MAX];
} walk_t;

/* Takes the node that link names: the proof's next one, unless its parent embeds it. */
static cf_status_t descend(walk_t *w, link_t const *link, size_t depth) {
  cf_span_t bytes = link->node;
  if (!bytes.len) {
    bytes = cf_rlp_next(w->proof).whole;
    if (w->proof->bad) return CF_ERR_FORMAT;
    if (bytes.len > CF_MPT_NODE_MAX) return CF_ERR_BOUND;
    cf_hash_t hash = cf_keccak256(bytes);
    if (memcmp(hash.b, link->hash, HASH_SZ) != 0) return CF_ERR_AUTH;
    if (bytes.len < HASH_SZ && w->cnt) return CF_ERR_FORMAT; /* would be embedded */
  }
  assert(w->cnt < CF_MPT_DEPTH_MAX); /* each node but the last consumes a nibble */
  w->at[w->cnt].depth   = depth;
  w->at[w->cnt++].bytes = bytes;
  return CF_OK;
}

/* Follows path from the walk's last node on. */
static cf_status_t follow(walk_t *w, uint8_t const *path, cf_span_t *value) {
  *value = CF_SPAN(NULL, 0);
  for (;;) {
    size_t depth = w->at[w->cnt - 1].depth;
    node_t n;
    if (!read_node(&n, w->at[w->cnt - 1].bytes, depth < NIBBLES ? nibble(path, depth) : 0)) return CF_ERR_FORMAT;
    size_t left = NIBBLES - depth, same = 0;
    if (n.branch ? left == 0 : n.leaf ? n.key_cnt != left : n.key_cnt >= left) return CF_ERR_FORMAT;
    while (same < n.key_cnt && nibble(n.key, n.key_at + same) == nibble(path, depth + same)) same++;
    if (same < n.key_cnt) return CF_OK; /* the only node here leads elsewhere */
    if (n.leaf) {
      *value = n.value;
      return CF_OK;
    }
    if (!leads(&n.child)) return CF_OK;
    cf_status_t st = descend(w, &n.child, depth + (n.branch ? 1 : n.key_cnt));
    if (st) return st;
  }
}

static size_t common(cf_hash_t const *a, cf_hash_t const *b) {
  size_t n = 0;
  while (n < NIBBLES && nibble(a->b, n) == nibble(b->b, n)) n++;
  return n;
}

void cf_mpt_order(uint8_t *order, cf_hash_t const *paths, size_t n) {
  assert(n <= CF_MPT_KEYS_MAX);
  for (size_t i = 0; i < n; i++) {
    size_t at = i;
    for (; at > 0 && memcmp(paths[order[at - 1]].b, paths[i].b, sizeof paths[i].b) > 0; at--) order[at] = order[at - 1];
    order[at] = (uint8_t)i;
  }
}

/* keccak256 of RLP's empty string. */
static cf_hash_t const empty_root = { { 0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6, 0xff, 0x83, 0x45,
                                        0xe6, 0x92, 0xc0, 0xf8, 0x6e, 0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c,
                                        0xad, 0xc0, 0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21 } };

cf_status_t cf_mpt_verify(cf_hash_t const *root, cf_rd_t *proof, cf_hash_t const *paths, size_t n, cf_span_t *values) {
  uint8_t order[CF_MPT_KEYS_MAX];
  if (n == 0 || n > CF_MPT_KEYS_MAX) return CF_ERR_BOUND;
  for (size_t i = 0; i < n; i++) values[i] = CF_SPAN(NULL, 0);
  if (cf_hash_eq(root, &empty_root)) return CF_OK;
  cf_mpt_order(order, paths, n);

  walk_t      w  = { .proof = proof };
  cf_status_t st = descend(&w, &(link_t){ .hash = root->b }, 0);
  for (size_t i = 0; i < n && !st; i++) {
    cf_hash_t const *path   = &paths[order[i]];
    size_t           shared = i ? common(&paths[order[i - 1]], path) : 0;
    while (w.at[w.cnt - 1].depth > shared) w.cnt--; /* the root's is 0 */
    st = follow(&w, path->b, &values[order[i]]);
  }
  return st;
}

/* ---- accounts and slots ---- */

cf_status_t cf_evm_account_verify(cf_evm_account_t *out, cf_hash_t const *state_root, cf_addr_t const *addr, cf_rd_t *proof) {
  cf_hash_t   path = cf_keccak256(CF_SPAN_OF(addr->b));
  cf_span_t   value;
  cf_status_t st = cf_mpt_verify(state_root, proof, &path, 1, &value);
  if (st) return st;
  cf_evm_account_t a = { .exists = value.len != 0 };
  if (a.exists) {
    cf_rd_t outer = cf_rd_span(value), rd = cf_rlp_list(&outer);
    a.nonce        = cf_rlp_uint(&rd);
    a.balance_wei  = cf_rlp_word(&rd);
    a.storage_root = cf_rlp_hash(&rd);
    a.code_hash    = cf_rlp_hash(&rd);
    if (!cf_rd_done(&rd) || !cf_rd_done(&outer)) return CF_ERR_FORMAT;
  }
  *out = a;
  return CF_OK;
}

cf_status_t cf_evm_slots_verify(cf_hash_t const *storage_root, cf_rd_t *proof, cf_hash_t const *keys, size_t n,
                                cf_hash_t *values) {
  static cf_hash_t const zero;
  cf_hash_t              path[CF_MPT_KEYS_MAX] = { { { 0 } } };
  cf_span_t              value[CF_MPT_KEYS_MAX];
  if (n == 0 || n > CF_MPT_KEYS_MAX) return CF_ERR_BOUND;
  for (size_t i = 0; i < n; i++) path[i] = cf_keccak256(CF_SPAN_OF(keys[i].b));
  cf_status_t st = cf_mpt_verify(storage_root, proof, path, n, value);
  for (size_t i = 0; i < n && !st; i++) {
    values[i]  = zero;
    cf_rd_t rd = cf_rd_span(value[i]);
    if (!value[i].len) continue;
    values[i] = cf_rlp_word(&rd);
    if (!cf_rd_done(&rd)) st = CF_ERR_FORMAT;
  }
  return st;
}

cf_status_t cf_evm_state_verify(cf_hash_t const *state_root, cf_addr_t const *contract, cf_hash_t const *code_hash,
                                cf_span_t proof, cf_hash_t const *keys, size_t n, cf_hash_t *values) {
  cf_rd_t          rd = cf_rd_span(proof);
  cf_evm_account_t account;
  cf_status_t      st = cf_evm_account_verify(&account, state_root, contract, &rd);
  if (st) return st;
  if (!account.exists || !cf_hash_eq(&account.code_hash, code_hash)) return CF_ERR_POLICY;
  st = cf_evm_slots_verify(&account.storage_root, &rd, keys, n, values);
  if (!st && !cf_rd_done(&rd)) st = CF_ERR_FORMAT;
  return st;
}
