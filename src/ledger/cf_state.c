#include "ledger/cf_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/cf_hash.h"

/* ---- growing ---- */

/* cnt elements, old ones kept, new ones not set.  Stops the process when memory ends. */
static void *resized(void *array, size_t cnt, size_t elem_sz) {
  void *p = reallocarray(array, cnt, elem_sz);
  if (p) return p;
  fputs("ledger: out of memory\n", stderr);
  abort();
}

/* Makes room for one more element in an array that doubles. */
static void *grown(void *array, size_t *max, size_t cnt, size_t elem_sz) {
  if (cnt < *max) return array;
  *max = *max ? 2 * *max : 64;
  return resized(array, *max, elem_sz);
}

/* An index of elements by 32-byte key: open addressing, at most half full. */
typedef struct {
  uint32_t *at; /* element number + 1, 0 when free */
  size_t    max; /* a power of two, or 0 */
} index_t;

static size_t index_start(index_t const *ix, cf_hash_t const *key) {
  uint64_t high, low; /* most keys are hashes; plain slots and the lanes of one asset differ in their last bytes only */
  memcpy(&high, key->b + 8, sizeof high);
  memcpy(&low, key->b + 24, sizeof low);
  return (size_t)((high ^ low) * 0x9e3779b97f4a7c15u >> 32) & (ix->max - 1);
}

typedef struct {
  cf_hash_t key;
  cf_hash_t path;
  cf_hash_t value;
  bool      dirty; /* stands in the list of slots to be brought into the tree */
} slot_t;

typedef struct {
  cf_hash_t       id;
  cf_call_place_t place;
} seen_t;

typedef struct {
  uint32_t  child[2];
  uint32_t  slot; /* number + 1 of a leaf's slot; 0: an inner node */
  bool      stale;
  cf_hash_t hash;
} node_t;

struct cf_ledger_state {
  slot_t  *slots;
  size_t   slots_cnt, slots_max, live_cnt;
  index_t  slot_ix;
  uint32_t *dirty;
  size_t    dirty_cnt, dirty_max;

  node_t  *nodes; /* nodes[0] is the empty tree */
  size_t   nodes_cnt, nodes_max;
  uint32_t root, spare; /* spare: freed nodes, linked by child[0] */

  uint8_t  *msgs;
  size_t    msgs_len, msgs_max;
  uint64_t *msg_at; /* where each begins */
  size_t    msg_cnt, msg_max;

  uint64_t *held;
  size_t    held_cnt, held_max;

  seen_t *seen;
  size_t  seen_cnt, seen_max;
  index_t seen_ix;

  cf_slot_write_t *writes; /* of the call under way: CF_LEDGER_WRITES_MAX */
};

cf_ledger_state_t *cf_ledger_state_new(void) {
  cf_ledger_state_t *st = resized(NULL, 1, sizeof *st);
  *st                   = (cf_ledger_state_t){ 0 };
  st->nodes             = grown(NULL, &st->nodes_max, 0, sizeof *st->nodes);
  st->nodes[0]          = (node_t){ 0 };
  st->nodes_cnt         = 1;
  st->writes            = resized(NULL, CF_LEDGER_WRITES_MAX, sizeof *st->writes);
  return st;
}

void cf_ledger_state_free(cf_ledger_state_t *st) {
  if (!st) return;
  free(st->slots);
  free(st->slot_ix.at);
  free(st->dirty);
  free(st->nodes);
  free(st->msgs);
  free(st->msg_at);
  free(st->held);
  free(st->seen);
  free(st->seen_ix.at);
  free(st->writes);
  free(st);
}

/* ---- the indexes ---- */

static cf_hash_t const *slot_key(cf_ledger_state_t const *st, uint32_t i) { return &st->slots[i].key; }
static cf_hash_t const *seen_key(cf_ledger_state_t const *st, uint32_t i) { return &st->seen[i].id; }
typedef cf_hash_t const *key_fn_t(cf_ledger_state_t const *st, uint32_t i);

/* Number + 1 of the element with that key, or 0; *place is where it stands or would. */
static uint32_t index_find(index_t const *ix, key_fn_t *key_of, cf_ledger_state_t const *st, cf_hash_t const *key,
                           size_t *place) {
  if (ix->max == 0) return 0;
  size_t i = index_start(ix, key);
  while (ix->at[i] && !cf_hash_eq(key_of(st, ix->at[i] - 1), key)) i = (i + 1) & (ix->max - 1);
  if (place) *place = i;
  return ix->at[i];
}

/* Adds element number cnt, whose key is not in the index; cnt elements are. */
static void index_add(index_t *ix, key_fn_t *key_of, cf_ledger_state_t const *st, size_t cnt) {
  assert(cnt < UINT32_MAX - 1);
  size_t place;
  if (2 * (cnt + 1) > ix->max) {
    index_t more = { .max = ix->max ? 2 * ix->max : 256 };
    more.at      = resized(NULL, more.max, sizeof *more.at);
    memset(more.at, 0, more.max * sizeof *more.at);
    for (uint32_t i = 0; i < cnt; i++) {
      (void)index_find(&more, key_of, st, key_of(st, i), &place);
      more.at[place] = i + 1;
    }
    free(ix->at);
    *ix = more;
  }
  (void)index_find(ix, key_of, st, key_of(st, (uint32_t)cnt), &place);
  ix->at[place] = (uint32_t)cnt + 1;
}

/* ---- slots ---- */

cf_hash_t cf_ledger_state_get(cf_ledger_state_t const *st, cf_hash_t const *key) {
  uint32_t i = index_find(&st->slot_ix, slot_key, st, key, NULL);
  return i ? st->slots[i - 1].value : (cf_hash_t){ { 0 } };
}

void cf_ledger_state_put(cf_ledger_state_t *st, cf_hash_t const *key, cf_hash_t const *value) {
  uint32_t i = index_find(&st->slot_ix, slot_key, st, key, NULL);
  if (!i) {
    if (cf_word_is_zero(value)) return;
    st->slots                = grown(st->slots, &st->slots_max, st->slots_cnt, sizeof *st->slots);
    st->slots[st->slots_cnt] = (slot_t){ .key = *key, .path = cf_sparse_path(key) };
    index_add(&st->slot_ix, slot_key, st, st->slots_cnt);
    i = (uint32_t)++st->slots_cnt;
  }
  slot_t *slot = &st->slots[i - 1];
  if (cf_hash_eq(&slot->value, value)) return;
  st->live_cnt += (size_t)!cf_word_is_zero(value) - (size_t)!cf_word_is_zero(&slot->value);
  slot->value = *value;
  if (slot->dirty) return;
  slot->dirty              = true;
  st->dirty                = grown(st->dirty, &st->dirty_max, st->dirty_cnt, sizeof *st->dirty);
  st->dirty[st->dirty_cnt++] = i;
}

cf_ledger_effects_t cf_ledger_state_effects(cf_ledger_state_t *st) {
  return (cf_ledger_effects_t){ .writes = st->writes, .writes_max = CF_LEDGER_WRITES_MAX };
}

static cf_hash_t read_slot(void *ctx, cf_hash_t const *key) { return cf_ledger_state_get(ctx, key); }
cf_slot_reader_t cf_ledger_state_reader(cf_ledger_state_t *st) { return (cf_slot_reader_t){ read_slot, st }; }
size_t           cf_ledger_state_cnt(cf_ledger_state_t const *st) { return st->live_cnt; }

/* ---- the tree: nodes by number, because the array moves when it grows ---- */

static uint32_t node_new(cf_ledger_state_t *st, uint32_t slot) {
  uint32_t n = st->spare;
  if (n) st->spare = st->nodes[n].child[0];
  else {
    st->nodes = grown(st->nodes, &st->nodes_max, st->nodes_cnt, sizeof *st->nodes);
    assert(st->nodes_cnt < UINT32_MAX);
    n = (uint32_t)st->nodes_cnt++;
  }
  st->nodes[n] = (node_t){ .slot = slot, .stale = true };
  return n;
}

static void node_free(cf_ledger_state_t *st, uint32_t n) {
  st->nodes[n].child[0] = st->spare;
  st->spare             = n;
}

static unsigned slot_bit(cf_ledger_state_t const *st, uint32_t slot, unsigned depth) {
  return cf_sparse_bit(&st->slots[slot - 1].path, depth);
}

/* The tree n with slot in it, from depth on.  Recursion ends where paths differ: paths are hashes of distinct keys. */
static uint32_t tree_put(cf_ledger_state_t *st, uint32_t n, uint32_t slot, unsigned depth) {
  if (n == 0) return node_new(st, slot);
  uint32_t other = st->nodes[n].slot;
  if (other != slot && other != 0) { /* a leaf in the way goes one deeper */
    uint32_t inner                                        = node_new(st, 0);
    st->nodes[inner].child[slot_bit(st, other, depth)] = n;
    n                                                     = inner;
  }
  if (other != slot) {
    unsigned bit            = slot_bit(st, slot, depth);
    uint32_t child          = tree_put(st, st->nodes[n].child[bit], slot, depth + 1);
    st->nodes[n].child[bit] = child;
  }
  st->nodes[n].stale = true;
  return n;
}

/* The tree n without slot.  A leaf that is left alone comes up. */
static uint32_t tree_remove(cf_ledger_state_t *st, uint32_t n, uint32_t slot, unsigned depth) {
  if (n == 0) return 0;
  if (st->nodes[n].slot) {
    if (st->nodes[n].slot != slot) return n;
    node_free(st, n);
    return 0;
  }
  unsigned bit            = slot_bit(st, slot, depth);
  uint32_t child          = tree_remove(st, st->nodes[n].child[bit], slot, depth + 1);
  uint32_t sibling        = st->nodes[n].child[!bit];
  st->nodes[n].child[bit] = child;
  st->nodes[n].stale      = true;
  uint32_t alone          = child == 0 ? sibling : sibling == 0 ? child : 0;
  if (alone == 0 || st->nodes[alone].slot == 0) return n;
  node_free(st, n);
  return alone;
}

static void rehash(cf_ledger_state_t *st, uint32_t n) {
  node_t *node = &st->nodes[n];
  if (n == 0 || !node->stale) return;
  if (node->slot) {
    slot_t const *s = &st->slots[node->slot - 1];
    node->hash      = cf_sparse_leaf(&s->key, &s->value);
  } else {
    rehash(st, node->child[0]);
    rehash(st, node->child[1]);
    node->hash = cf_sha256_node(&st->nodes[node->child[0]].hash, &st->nodes[node->child[1]].hash);
  }
  node->stale = false;
}

cf_hash_t cf_ledger_state_root(cf_ledger_state_t *st) {
  for (size_t i = 0; i < st->dirty_cnt; i++) {
    uint32_t slot = st->dirty[i];
    bool     gone = cf_word_is_zero(&st->slots[slot - 1].value);
    st->root      = gone ? tree_remove(st, st->root, slot, 0) : tree_put(st, st->root, slot, 0);
    st->slots[slot - 1].dirty = false;
  }
  st->dirty_cnt = 0;
  rehash(st, st->root);
  return st->nodes[st->root].hash;
}

typedef struct {
  cf_ledger_state_t const *st;
  cf_wr_t                 *wr;
  cf_sparse_query_t        q[CF_SPARSE_KEYS_MAX];
} prove_t;

static void prove(prove_t *p, uint32_t n, size_t lo, size_t hi, unsigned depth) {
  node_t const *node = &p->st->nodes[n];
  if (n == 0) {
    cf_wr_u8(p->wr, CF_SPARSE_EMPTY);
  } else if (lo == hi) {
    cf_wr_u8(p->wr, CF_SPARSE_HASH);
    cf_wr_hash(p->wr, &node->hash);
  } else if (node->slot) {
    cf_wr_u8(p->wr, CF_SPARSE_LEAF);
    cf_wr_hash(p->wr, &p->st->slots[node->slot - 1].key);
    cf_wr_hash(p->wr, &p->st->slots[node->slot - 1].value);
  } else {
    size_t mid = cf_sparse_split(p->q, lo, hi, depth);
    cf_wr_u8(p->wr, CF_SPARSE_NODE);
    prove(p, node->child[0], lo, mid, depth + 1);
    prove(p, node->child[1], mid, hi, depth + 1);
  }
}

void cf_ledger_state_prove(cf_ledger_state_t *st, cf_wr_t *wr, cf_hash_t const *keys, size_t n) {
  (void)cf_ledger_state_root(st);
  prove_t p = { .st = st, .wr = wr };
  cf_sparse_sort(p.q, keys, n);
  prove(&p, st->root, 0, n, 0);
}

/* ---- messages ---- */

void cf_ledger_state_add_message(cf_ledger_state_t *st, cf_span_t msg) {
  st->msg_at              = grown(st->msg_at, &st->msg_max, st->msg_cnt, sizeof *st->msg_at);
  st->msg_at[st->msg_cnt++] = st->msgs_len;
  for (size_t i = 0; i < msg.len; i++) {
    st->msgs               = grown(st->msgs, &st->msgs_max, st->msgs_len, 1);
    st->msgs[st->msgs_len++] = msg.ptr[i];
  }
}

uint64_t cf_ledger_state_messages(cf_ledger_state_t const *st) { return st->msg_cnt; }

static uint64_t message_start(cf_ledger_state_t const *st, uint64_t i) { return i < st->msg_cnt ? st->msg_at[i] : st->msgs_len; }

cf_span_t cf_ledger_state_message_run(cf_ledger_state_t const *st, uint64_t from, uint64_t cnt, size_t max, uint64_t *taken) {
  assert(from <= st->msg_cnt);
  uint64_t start = message_start(st, from), n = 0;
  if (cnt > st->msg_cnt - from) cnt = st->msg_cnt - from;
  while (n < cnt && message_start(st, from + n + 1) - start <= max) n++;
  *taken = n;
  return n ? CF_SPAN(st->msgs + start, message_start(st, from + n) - start) : CF_SPAN(NULL, 0);
}

/* ---- held units ---- */

uint64_t cf_ledger_state_held(cf_ledger_state_t const *st, uint32_t asset) { return asset < st->held_cnt ? st->held[asset] : 0; }

void cf_ledger_state_move(cf_ledger_state_t *st, cf_ledger_effects_t const *fx) {
  if (fx->pull.due) {
    while (st->held_cnt <= fx->pull.asset) {
      st->held               = grown(st->held, &st->held_max, st->held_cnt, sizeof *st->held);
      st->held[st->held_cnt++] = 0;
    }
    st->held[fx->pull.asset] += fx->pull.units; /* the rules keep it below 2^63 */
  }
  if (fx->pay.due) {
    assert(cf_ledger_state_held(st, fx->pay.asset) >= fx->pay.units); /* settle balances, lanes are never negative */
    st->held[fx->pay.asset] -= fx->pay.units;
  }
}

/* ---- calls ---- */

void cf_ledger_state_add_call(cf_ledger_state_t *st, cf_hash_t const *id, cf_call_place_t place) {
  if (index_find(&st->seen_ix, seen_key, st, id, NULL)) return; /* a free nonce used again: the first place stays */
  st->seen               = grown(st->seen, &st->seen_max, st->seen_cnt, sizeof *st->seen);
  st->seen[st->seen_cnt] = (seen_t){ *id, place };
  index_add(&st->seen_ix, seen_key, st, st->seen_cnt);
  st->seen_cnt++;
}

bool cf_ledger_state_find_call(cf_ledger_state_t const *st, cf_hash_t const *id, cf_call_place_t *place) {
  uint32_t i = index_find(&st->seen_ix, seen_key, st, id, NULL);
  if (i) *place = st->seen[i - 1].place;
  return i != 0;
}
