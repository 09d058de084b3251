#include "ledger/cf_sparse.h"

#include <assert.h>

#include "crypto/cf_hash.h"

static cf_hash_t const empty;

cf_hash_t cf_sparse_path(cf_hash_t const *key) {
  uint8_t buf[33] = { 2 };
  memcpy(buf + 1, key->b, 32);
  return cf_sha256(CF_SPAN_OF(buf));
}

cf_hash_t cf_sparse_leaf(cf_hash_t const *key, cf_hash_t const *value) {
  uint8_t buf[65] = { 0 };
  memcpy(buf + 1, key->b, 32);
  memcpy(buf + 33, value->b, 32);
  return cf_sha256(CF_SPAN_OF(buf));
}

void cf_sparse_sort(cf_sparse_query_t *q, cf_hash_t const *keys, size_t n) {
  assert(n <= CF_SPARSE_KEYS_MAX);
  for (size_t i = 0; i < n; i++) {
    cf_sparse_query_t x  = { cf_sparse_path(&keys[i]), i };
    size_t            at = i;
    for (; at > 0 && memcmp(q[at - 1].path.b, x.path.b, 32) > 0; at--) q[at] = q[at - 1];
    q[at] = x;
  }
}

size_t cf_sparse_split(cf_sparse_query_t const *q, size_t lo, size_t hi, unsigned depth) {
  while (lo < hi && cf_sparse_bit(&q[lo].path, depth) == 0) lo++;
  return lo;
}

typedef struct {
  cf_rd_t           rd;
  cf_sparse_query_t q[CF_SPARSE_KEYS_MAX];
  cf_hash_t const  *keys;
  cf_hash_t        *values;
} check_t;

/* Do the first depth bits agree? */
static bool same_place(cf_hash_t const *a, cf_hash_t const *b, unsigned depth) {
  if (memcmp(a->b, b->b, depth / 8) != 0) return false;
  return depth % 8 == 0 || (a->b[depth / 8] ^ b->b[depth / 8]) >> (8 - depth % 8) == 0;
}

/* The one slot below this place: the shown keys that are it have its value, the others are absent. */
static cf_hash_t check_leaf(check_t *c, size_t lo, size_t hi, unsigned depth) {
  cf_hash_t key = cf_rd_hash(&c->rd), value = cf_rd_hash(&c->rd), path = cf_sparse_path(&key);
  if (!same_place(&path, &c->q[lo].path, depth) || cf_hash_eq(&value, &empty)) c->rd.bad = true;
  for (size_t i = lo; i < hi; i++)
    if (cf_hash_eq(&c->keys[c->q[i].idx], &key)) c->values[c->q[i].idx] = value;
  return cf_sparse_leaf(&key, &value);
}

/* The hash of the place at depth to which the paths of q[lo, hi) lead.  At most 257 deep. */
static cf_hash_t check(check_t *c, size_t lo, size_t hi, unsigned depth) {
  uint8_t what = cf_rd_u8(&c->rd);
  if (c->rd.bad || what == CF_SPARSE_EMPTY) return empty;
  if (lo == hi && what == CF_SPARSE_HASH) {
    cf_hash_t hash = cf_rd_hash(&c->rd);
    if (cf_hash_eq(&hash, &empty)) c->rd.bad = true; /* has an encoding of its own */
    return hash;
  }
  if (lo < hi && what == CF_SPARSE_LEAF) return check_leaf(c, lo, hi, depth);
  if (lo < hi && what == CF_SPARSE_NODE && depth < 256) {
    size_t    mid  = cf_sparse_split(c->q, lo, hi, depth);
    cf_hash_t left = check(c, lo, mid, depth + 1), right = check(c, mid, hi, depth + 1);
    return cf_sha256_node(&left, &right);
  }
  c->rd.bad = true;
  return empty;
}

cf_status_t cf_sparse_verify(cf_hash_t const *root, cf_span_t proof, cf_hash_t const *keys, size_t n, cf_hash_t *values) {
  if (n == 0 || n > CF_SPARSE_KEYS_MAX) return CF_ERR_BOUND;
  check_t c = { .rd = cf_rd_span(proof), .keys = keys, .values = values };
  cf_sparse_sort(c.q, keys, n);
  memset(values, 0, n * sizeof *values);
  cf_hash_t   got = check(&c, 0, n, 0);
  cf_status_t st  = !cf_rd_done(&c.rd) ? CF_ERR_FORMAT : cf_hash_eq(&got, root) ? CF_OK : CF_ERR_AUTH;
  if (st) memset(values, 0, n * sizeof *values);
  return st;
}
