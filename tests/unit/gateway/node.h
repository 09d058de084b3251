/* A chain that is made up, with the ledger's contract on it by the ledger's own rules (cf_ledger_apply), and the nodes that tell of it:
   JSON-RPC as the client asks it, headers that hash, proofs that hold.  Blocks can be undone, the pool can forget; and each node can lie
   about each thing that it is asked.  Deterministic: it asks no clock and draws nothing. */
#ifndef CF_TEST_GATEWAY_NODE_H
#define CF_TEST_GATEWAY_NODE_H

#include "../enclave/world.h"
#include "../ledger/mpt_build.h"

#include "codec/cf_jsonrpc.h"
#include "gateway/cf_sender_fees.h"
#include "ledger/cf_evm_call.h"
#include "ledger/cf_evm_code.h"
#include "ledger/cf_evm_header.h"
#include "ledger/cf_evm_tx.h"
#include "ledger/cf_mpt.h"

#define NODE_BASE_WEI  1000000000u
#define NODE_BLOCK_MAX 8192
#define NODE_ITEMS_MAX 65536
#define NODE_SLOTS_MAX 1024
#define NODE_FILLERS   6 /* other accounts of the chain */
#define NODE_BODY_MAX  (16u << 20)
#define NODE_FROM      3 /* the block in which the contract was created */

/* What a node does with its answers; several at once. */
enum {
  LIE_HEADER       = 1 << 0,  /* a header that does not hash to its block */
  LIE_BLOCK        = 1 << 1,  /* another block under that number */
  LIE_OLDER        = 1 << 2,  /* the block before the one asked for */
  LIE_FORGED       = 1 << 3,  /* a slot's proof, forged */
  LIE_SHORT        = 1 << 4,  /* ... without its last node */
  LIE_CODE         = 1 << 5,  /* an account with other code */
  LIE_ACCOUNT      = 1 << 6,  /* the proof of another account for the sender's */
  LIE_LEFT_OUT     = 1 << 7,  /* an inbox message less */
  LIE_ADDED        = 1 << 8,  /* ... more */
  LIE_ALTERED      = 1 << 9,
  LIE_ORDER        = 1 << 10, /* the first two, each in the other's place */
  LIE_SHUFFLED     = 1 << 11, /* ... with their places */
  LIE_RECEIPTS     = 1 << 12, /* every transaction succeeded, in the newest block */
  LIE_ABSENT       = 1 << 13, /* none is known */
  LIE_GARBAGE      = 1 << 14,
  LIE_OVERFLOW     = 1 << 15, /* numbers of 65 bits */
  LIE_REFUSES      = 1 << 16, /* each question by itself */
  LIE_REFUSES_ALL  = 1 << 17, /* the batch */
  LIE_SILENT       = 1 << 18, /* no answer before time is out */
  LIE_TAKES        = 1 << 19, /* says that it took a transaction, and lets it fall */
  LIE_SINCE        = 1 << 20, /* another block, but for the newest final one */
  LIE_UNDONE       = 1 << 21, /* another block where the newest final one is, in whole blocks */
  LIE_INDEX        = 1 << 22, /* what is in a block is not found by its hash: no lie of a node that lost its index */
  LIE_BODY         = 1 << 23, /* whole blocks without the account's transactions */
  LIE_MANY         = 1 << 25, /* inbox messages without end */
  LIE_BARE         = 1 << 26, /* blocks have no receipts: no lie of a node that lost them */
  LIE_SHY          = 1 << 27, /* no answer for a block's receipts: who does not say has not said that there is none */
  LIE_FEES         = 1 << 28, /* a fee history one base fee short, as a node gives that makes a block meanwhile */
  LIE_OTHER        = 1 << 24, /* ... with one that the account did not sign in the place of each of its own */
};

#define LIE_LOGS (LIE_MANY | LIE_LEFT_OUT | LIE_ADDED | LIE_ALTERED | LIE_ORDER | LIE_SHUFFLED)

/* ---- a trie with its nodes, built once ---- */

typedef struct {
  size_t    at, len; /* its bytes */
  cf_hash_t hash, path;
  size_t    depth, same;
  int       kind; /* 0 leaf, 1 extension, 2 branch */
  int       child[16];
} tnode_t;
typedef struct {
  tnode_t *node;
  size_t   nodes, nodes_max;
  uint8_t *bytes;
  size_t   len, max;
  int      root;
} trie_t;

static inline void trie_link(cf_wr_t *wr, trie_t const *t, int child) {
  if (child < 0) cf_rlp_w_str(wr, CF_SPAN(NULL, 0));
  else if (t->node[child].len < 32) cf_wr_bytes(wr, t->bytes + t->node[child].at, t->node[child].len);
  else cf_rlp_w_hash(wr, &t->node[child].hash);
}

static inline int trie_build(trie_t *t, mpt_entry_t const *e, size_t n, size_t depth, bool branch) {
  uint8_t buf[1024];
  cf_wr_t wr   = cf_wr_init(buf, sizeof buf);
  size_t  list = cf_rlp_w_list(&wr), same = mpt_common(e, n, depth);
  tnode_t node = { .path = e->path, .depth = depth, .same = same, .kind = n == 1 ? 0 : same > depth && !branch ? 1 : 2 };
  for (unsigned i = 0; i < 16; i++) node.child[i] = -1;
  if (node.kind == 0) {
    mpt_w_key(&wr, &e->path, depth, 64, true);
    cf_rlp_w_str(&wr, CF_SPAN(e->value, e->value_sz));
  } else if (node.kind == 1) {
    mpt_w_key(&wr, &e->path, depth, same, false);
    node.child[0] = trie_build(t, e, n, same, true);
    trie_link(&wr, t, node.child[0]);
  } else {
    for (unsigned nib = 0; nib < 16; nib++) {
      size_t cnt = 0;
      while (cnt < n && mpt_nibble(&e[cnt].path, depth) == nib) cnt++;
      if (cnt) node.child[nib] = trie_build(t, e, cnt, depth + 1, false);
      trie_link(&wr, t, node.child[nib]);
      e += cnt;
      n -= cnt;
    }
    cf_rlp_w_str(&wr, CF_SPAN(NULL, 0));
  }
  cf_rlp_w_end(&wr, list);
  assert_false(wr.bad);
  if (t->nodes == t->nodes_max) t->node = realloc(t->node, (t->nodes_max = 2 * t->nodes_max + 64) * sizeof *t->node);
  if (t->len + wr.len > t->max) t->bytes = realloc(t->bytes, t->max = 2 * (t->max + wr.len));
  memcpy(t->bytes + t->len, buf, wr.len);
  node.at   = t->len;
  node.len  = wr.len;
  node.hash = cf_keccak256(cf_wr_out(&wr));
  t->len += wr.len;
  t->node[t->nodes] = node;
  return (int)t->nodes++;
}

/* The nodes on the way to a path, as eth_getProof lists them. */
static inline size_t trie_path(trie_t const *t, cf_hash_t const *path, cf_span_t out[CF_MPT_DEPTH_MAX]) {
  size_t cnt = 0;
  for (int at = t->root; at >= 0;) {
    tnode_t const *n = &t->node[at];
    if (n->len >= 32 || cnt == 0) out[cnt++] = CF_SPAN(t->bytes + n->at, n->len);
    if (n->kind == 0) break;
    size_t d = n->depth;
    while (n->kind == 1 && d < n->same && mpt_nibble(path, d) == mpt_nibble(&n->path, d)) d++;
    if (n->kind == 1 && d < n->same) break;
    at = n->child[n->kind == 1 ? 0 : mpt_nibble(path, n->depth)];
  }
  return cnt;
}

/* ---- the chain ---- */

/* A state; blocks that change nothing share one. */
typedef struct state {
  struct state   *next;
  cf_slot_write_t slot[NODE_SLOTS_MAX];
  size_t          slots;
  uint64_t        nonce; /* of the sender's account */
  trie_t          storage, accounts;
} state_t;

/* Something that a block runs: a transaction of the sender's, or a call that somebody else's transaction made. */
typedef struct {
  bool      ours; /* with a nonce of the sender's */
  cf_span_t raw;
  cf_evm_tx_t tx;
  cf_hash_t hash;
  cf_addr_t from, to;
  cf_span_t data;
  /* in a block */
  uint64_t  block; /* + 1; 0: in none */
  uint64_t  index, gas_used, price_wei;
  bool      ok;
  cf_refusal_t why;
  cf_span_t message;
} item_t;

typedef struct {
  cf_evm_header_t h;
  cf_hash_t       hash;
  state_t        *state;
  item_t        **item;
  size_t          items;
} node_block_t;

typedef struct {
  cf_ledger_genesis_t genesis;
  cf_hash_t           code_hash, domain;
  cf_addr_t           account; /* the sender's */
  uint64_t            depth;   /* of the newest final block below the newest */
  uint64_t            final;
  node_block_t        block[NODE_BLOCK_MAX];
  uint64_t            cnt;
  uint8_t             salt;    /* blocks made after a reorganisation are other blocks */
  state_t            *states;
  item_t             *item[NODE_ITEMS_MAX];
  size_t              items;
  item_t             *pool[64];
  size_t              pool_cnt;
  item_t             *due[NODE_ITEMS_MAX]; /* calls of others, for the next block */
  size_t              due_cnt;
  bool                full;   /* blocks have no room for transactions of the pool */
  bool                poor;   /* the account cannot pay */
  bool                deployed; /* the contract is there: from block NODE_FROM on */
  uint64_t            gas_more; /* that calls cost above what is offered for them */
  uint64_t            base_wei;
  uint64_t            spent_wei; /* by the account, in what stands on the chain */
} node_chain_t;

static inline cf_hash_t state_get(void *ctx, cf_hash_t const *key) {
  state_t const *s = ctx;
  for (size_t i = 0; i < s->slots; i++)
    if (cf_hash_eq(&s->slot[i].key, key)) return s->slot[i].value;
  return (cf_hash_t){ { 0 } };
}

static inline void state_put(state_t *s, cf_slot_write_t const *w) {
  size_t i = 0;
  while (i < s->slots && !cf_hash_eq(&s->slot[i].key, &w->key)) i++;
  assert_true(i < NODE_SLOTS_MAX);
  if (i == s->slots) s->slots++;
  s->slot[i] = *w;
}

static inline state_t *state_new(node_chain_t *c, state_t const *of) {
  state_t *s = calloc(1, sizeof *s);
  if (of) {
    s->slots = of->slots;
    s->nonce = of->nonce;
    memcpy(s->slot, of->slot, of->slots * sizeof *of->slot);
  }
  s->next   = c->states;
  c->states = s;
  return s;
}

static inline void node_account(mpt_entry_t *e, cf_addr_t const *addr, uint64_t nonce, cf_hash_t const *storage, cf_hash_t const *code) {
  cf_wr_t wr   = cf_wr_init(e->value, sizeof e->value);
  size_t  list = cf_rlp_w_list(&wr);
  cf_rlp_w_uint(&wr, nonce);
  cf_rlp_w_uint(&wr, 1000);
  cf_rlp_w_hash(&wr, storage);
  cf_rlp_w_hash(&wr, code);
  cf_rlp_w_end(&wr, list);
  e->value_sz = wr.len;
  e->path     = cf_keccak256(CF_SPAN_OF(addr->b));
}

static inline void state_tries(node_chain_t const *c, state_t *s) {
  static mpt_entry_t e[NODE_SLOTS_MAX];
  size_t             n    = 0;
  uint8_t const      nil  = 0x80;
  cf_hash_t          none = cf_keccak256(CF_SPAN(NULL, 0)), empty = cf_keccak256(CF_SPAN(&nil, 1));
  for (size_t i = 0; i < s->slots; i++)
    if (!cf_word_is_zero(&s->slot[i].value)) mpt_put_slot(&e[n++], &s->slot[i].key, &s->slot[i].value);
  qsort(e, n, sizeof *e, mpt_by_path);
  s->storage.root = trie_build(&s->storage, e, n, 0, false);
  n               = 0;
  if (c->deployed) node_account(&e[n++], &c->genesis.config.contract, 1, &s->storage.node[s->storage.root].hash, &c->code_hash);
  node_account(&e[n++], &c->account, s->nonce, &empty, &none);
  for (uint8_t i = 0; i < NODE_FILLERS; i++) {
    cf_addr_t other = { { 1, i } };
    node_account(&e[n++], &other, i, &empty, &none);
  }
  qsort(e, n, sizeof *e, mpt_by_path);
  s->accounts.root = trie_build(&s->accounts, e, n, 0, false);
}

static inline node_block_t *chain_top(node_chain_t *c) { return &c->block[c->cnt - 1]; }
static inline uint64_t      chain_newest(node_chain_t const *c) { return c->cnt - 1; }

static inline void node_item_run(node_chain_t *c, state_t *s, item_t *it, uint64_t time_s) {
  static cf_slot_write_t writes[CF_LEDGER_WRITES_MAX];
  cf_ledger_effects_t    fx  = { .writes = writes, .writes_max = CF_LEDGER_WRITES_MAX };
  cf_ledger_env_t        env = { .time_s = time_s, .sender = it->from, .chain_id = c->genesis.config.chain_id, .contract = c->genesis.config.contract };
  cf_op_t                op;
  it->ok       = true;
  it->why      = (cf_refusal_t){ 0 };
  it->message  = CF_SPAN(NULL, 0);
  it->gas_used = CF_EVM_GAS_TRANSFER;
  if (!cf_addr_eq(&it->to, &c->genesis.config.contract)) return;
  it->gas_used = 100000;
  it->ok       = cf_evm_call_decode(&op, it->data) == CF_OK;
  if (it->ok && op.kind == CF_OP_SETTLE) it->gas_used = 40000 + 6000 * (op.body.len / 12);
  if (it->ours) it->gas_used += c->gas_more;
  if (it->ours && it->gas_used > it->tx.gas) it->gas_used = it->tx.gas, it->ok = false;
  if (it->ok) it->why = cf_ledger_apply(&c->genesis.config, (cf_slot_reader_t){ state_get, s }, &env, &op, &fx);
  it->ok = it->ok && !it->why.code;
  if (!it->ok) return;
  for (size_t i = 0; i < fx.writes_cnt; i++) state_put(s, &fx.writes[i]);
  if (fx.message.len) it->message = keep(fx.message);
}

static inline item_t *pool_take(node_chain_t *c, state_t const *s) {
  for (size_t i = 0; i < c->pool_cnt; i++) {
    item_t *it = c->pool[i];
    if (it->tx.nonce != s->nonce || it->tx.fee_wei < c->base_wei) continue;
    c->pool[i] = c->pool[--c->pool_cnt];
    return it;
  }
  return NULL;
}

static inline void node_include(node_chain_t *c, node_block_t *b, item_t *it) {
  it->index = b->items;
  it->block = b->h.number + 1;
  uint64_t tip  = it->tx.fee_wei - c->base_wei < it->tx.tip_wei ? it->tx.fee_wei - c->base_wei : it->tx.tip_wei;
  it->price_wei = it->ours ? c->base_wei + tip : c->base_wei;
  node_item_run(c, b->state, it, b->h.time_s);
  b->item             = realloc(b->item, (b->items + 1) * sizeof(item_t *));
  b->item[b->items++] = it;
  if (!it->ours) return;
  b->state->nonce++;
  c->spent_wei += it->gas_used * it->price_wei;
}

static inline bool node_anything(node_chain_t const *c) {
  if (c->due_cnt) return true;
  for (size_t i = 0; i < c->pool_cnt && !c->full; i++)
    if (c->pool[i]->tx.nonce == c->block[c->cnt - 1].state->nonce && c->pool[i]->tx.fee_wei >= c->base_wei) return true;
  return false;
}

static inline void chain_mine(node_chain_t *c, uint64_t time_s) {
  assert_true(c->cnt < NODE_BLOCK_MAX);
  node_block_t *last = c->cnt ? chain_top(c) : NULL, *b = &c->block[c->cnt];
  bool          same = last && !node_anything(c) && c->cnt != NODE_FROM;
  c->deployed        = c->deployed || c->cnt == NODE_FROM;
  *b                 = (node_block_t){ .h = { .number = c->cnt, .time_s = time_s, .fork = CF_EVM_PRAGUE, .gas_limit = 60000000, .base_fee_wei = c->base_wei } };
  if (last) b->h.parent = last->hash;
  b->h.extra_sz = 1;
  b->h.extra[0] = c->salt;
  b->state      = same ? last->state : state_new(c, last ? last->state : NULL);
  if (!last) {
    cf_error_t err = { 0 };
    if (cf_ledger_genesis(&c->genesis, b->state->slot, CF_GENESIS_WRITES_MAX, &b->state->slots, &err)) fail_msg("%s: %s", err.item, err.text);
  }
  c->cnt++;
  for (size_t i = 0; i < c->due_cnt; i++) node_include(c, b, c->due[i]);
  c->due_cnt = 0;
  for (item_t *it; !c->full && b->items < 4096 && (it = pool_take(c, b->state));) node_include(c, b, it);
  if (!same) state_tries(c, b->state);
  b->h.state_root = b->state->accounts.node[b->state->accounts.root].hash;
  b->h.gas_used   = b->items;
  b->hash         = cf_evm_header_hash(&b->h);
  if (chain_newest(c) > c->depth && chain_newest(c) - c->depth > c->final) c->final = chain_newest(c) - c->depth;
}

/* The last n blocks never were.  Calls of others come again in the next block; the sender's transactions are in the pool again, or nowhere. */
static inline void chain_undo(node_chain_t *c, uint64_t n, bool forget) {
  item_t *again[4096];
  size_t  cnt = 0;
  assert_true(n < c->cnt);
  for (uint64_t at = c->cnt - n; at < c->cnt; at++) {
    node_block_t *b = &c->block[at];
    for (size_t i = 0; i < b->items; i++) {
      item_t *it = b->item[i];
      it->block  = 0;
      if (it->ours) c->spent_wei -= it->gas_used * it->price_wei;
      if (!it->ours) assert_true(cnt < 4096), again[cnt++] = it;
      else if (!forget) assert_true(c->pool_cnt < 64), c->pool[c->pool_cnt++] = it;
    }
    free(b->item);
    b->item = NULL;
  }
  c->cnt -= n;
  c->salt++;
  memmove(c->due + cnt, c->due, c->due_cnt * sizeof *c->due);
  memcpy(c->due, again, cnt * sizeof *again);
  c->due_cnt += cnt;
}

/* ... and n + 1 others are in their place; the sender's transactions are not in the first n of them. */
static inline void chain_reorganise(node_chain_t *c, uint64_t n, bool forget) {
  uint64_t time_s = c->block[c->cnt - n].h.time_s;
  bool     full   = c->full;
  chain_undo(c, n, forget);
  c->full = true;
  for (uint64_t i = 0; i < n; i++) chain_mine(c, time_s + i);
  c->full = full;
  chain_mine(c, time_s + n);
}

/* Somebody else's call, for the next block. */
static inline item_t *chain_call(node_chain_t *c, cf_addr_t const *from, cf_op_t const *op) {
  static uint8_t buf[CF_EVM_CALL_MAX];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_evm_call_write(&wr, op);
  assert_false(wr.bad);
  assert_true(c->items < NODE_ITEMS_MAX);
  item_t *it = calloc(1, sizeof *it);
  *it        = (item_t){ .from = *from, .to = c->genesis.config.contract, .data = keep(cf_wr_out(&wr)) };
  it->hash.b[0] = 0xee;
  memcpy(it->hash.b + 8, &c->items, sizeof c->items);
  c->item[c->items++]     = it;
  return c->due[c->due_cnt++] = it;
}

static inline node_chain_t *chain_new(world_t *w, cf_addr_t const *account, uint64_t depth, uint64_t time_s) {
  node_chain_t *c   = calloc(1, sizeof *c);
  cf_error_t    err = { 0 };
  if (cf_ledger_genesis_of(&c->genesis, &w->genesis, &w->policy, &w->domain, &err)) fail_msg("%s: %s", err.item, err.text);
  memset(c->code_hash.b, 7, sizeof c->code_hash.b);
  c->account  = *account;
  c->depth    = depth;
  c->base_wei = NODE_BASE_WEI;
  chain_mine(c, time_s);
  for (uint64_t i = 0; i < depth; i++) chain_mine(c, time_s + 1 + i);
  return c;
}

static inline void chain_free(node_chain_t *c) {
  for (uint64_t i = 0; i < c->cnt; i++) free(c->block[i].item);
  for (state_t *s = c->states, *next; s; s = next) {
    next = s->next;
    free(s->storage.node);
    free(s->storage.bytes);
    free(s->accounts.node);
    free(s->accounts.bytes);
    free(s);
  }
  for (size_t i = 0; i < c->items; i++) free(c->item[i]);
  free(c);
}

static inline item_t *chain_find(node_chain_t *c, cf_hash_t const *hash) {
  for (size_t i = 0; i < c->items; i++)
    if (cf_hash_eq(&c->item[i]->hash, hash)) return c->item[i];
  return NULL;
}

/* What the sender ever signed, taken together: a nonce has one call, but for the transfer of nothing; a call has one nonce, until a final block
   has counted it and it was not executed. */
static inline void chain_check_nonces(node_chain_t *c, item_t const *it) {
  bool nothing = it->data.len == 0;
  for (size_t i = 0; i < c->items; i++) {
    item_t const *o = c->item[i];
    if (!o->ours || o == it) continue;
    if (o->tx.nonce == it->tx.nonce && o->data.len && !nothing && !cf_span_eq(o->data, it->data)) fail_msg("nonce %llu has two calls", (unsigned long long)it->tx.nonce);
    if (nothing || !cf_span_eq(o->data, it->data) || o->tx.nonce == it->tx.nonce) continue;
    if (c->block[c->final].state->nonce <= (o->tx.nonce < it->tx.nonce ? o->tx.nonce : it->tx.nonce)) fail_msg("a call has two nonces that are open");
    if (o->block && o->ok && o->block - 1 <= c->final) fail_msg("a call that was executed is made again");
  }
}

static inline bool pool_has(node_chain_t const *c, item_t const *it) {
  for (size_t i = 0; i < c->pool_cnt; i++)
    if (c->pool[i] == it) return true;
  return false;
}

/* In a node's words, why not. */
static inline char const *chain_send(node_chain_t *c, cf_span_t raw) {
  static uint8_t  scratch[CF_EVM_TX_MAX];
  cf_evm_signed_t s;
  if (cf_evm_tx_decode(&s, raw, cf_wr_init(scratch, sizeof scratch))) return "invalid transaction";
  if (s.tx.chain_id != c->genesis.config.chain_id) return "invalid chain id for signer";
  assert_true(cf_addr_eq(&s.from, &c->account));
  item_t *it = chain_find(c, &s.hash);
  if (!it) {
    assert_true(c->items < NODE_ITEMS_MAX);
    cf_span_t mine = keep(raw);
    assert_int_equal(cf_evm_tx_decode(&s, mine, cf_wr_init(scratch, sizeof scratch)), CF_OK);
    c->item[c->items++] = it = calloc(1, sizeof *it);
    *it = (item_t){ .ours = true, .raw = mine, .tx = s.tx, .hash = s.hash, .from = s.from, .to = s.tx.to, .data = s.tx.data };
    chain_check_nonces(c, it);
  }
  if (it->block || pool_has(c, it)) return "already known";
  if (it->tx.nonce < chain_top(c)->state->nonce) return "nonce too low";
  if (c->poor) return "insufficient funds for gas * price + value";
  for (size_t i = 0; i < c->pool_cnt; i++) {
    item_t *o = c->pool[i];
    if (o->tx.nonce != it->tx.nonce) continue;
    if (!cf_fees_replaces((cf_fees_t){ o->tx.tip_wei, o->tx.fee_wei }, (cf_fees_t){ it->tx.tip_wei, it->tx.fee_wei })) return "replacement transaction underpriced";
    c->pool[i] = it;
    return NULL;
  }
  assert_true(c->pool_cnt < 64);
  c->pool[c->pool_cnt++] = it;
  return NULL;
}

/* ---- a node's answers ---- */

typedef struct {
  node_chain_t *chain;
  unsigned      lies;
  uint64_t      range_max;  /* blocks whose logs it gives at once; 0: any */
  uint64_t      asked, logs_asked, states_asked; /* questions */
  uint64_t      logs_refused;
} node_t;

typedef struct {
  node_t   *n;
  cf_jw_t  *j;
  cf_json_t param[3];
} rpc_t;

static inline void node_number(rpc_t *r, char const *key, uint64_t v) {
  if (r->n->lies & LIE_OVERFLOW) cf_jw_str(r->j, key, "0x10000000000000000");
  else cf_jw_quantity(r->j, key, v);
}

static inline void node_error(cf_jw_t *j, int64_t code, char const *words) {
  cf_jw_obj(j, "error");
  cf_jw_i64(j, "code", code);
  cf_jw_str(j, "message", words);
  cf_jw_end(j, '}');
}

static inline uint64_t node_block_of(rpc_t *r, cf_json_t at) {
  char     word[80];
  uint64_t number;
  if (cf_quantity_u64(&number, at) == CF_OK) return number;
  assert_int_equal(cf_json_str(word, sizeof word, at), CF_OK);
  assert_string_equal(word, "latest");
  return chain_newest(r->n->chain);
}

/* As whole blocks have it; others' calls have no signature. */
static inline void node_whole_tx(rpc_t *r, item_t const *it) {
  static uint8_t  scratch[CF_EVM_TX_MAX];
  cf_evm_signed_t e = { 0 };
  cf_jw_t        *j = r->j;
  if (it->ours && r->n->lies & LIE_BODY) return;
  if (it->ours) assert_int_equal(cf_evm_tx_decode(&e, it->raw, cf_wr_init(scratch, sizeof scratch)), CF_OK);
  if (r->n->lies & LIE_OTHER) e.tx.value.b[31] ^= 1;
  cf_hash_t hash = it->hash, r_ = { { 0 } }, s_ = { { 0 } };
  memcpy(r_.b, e.sig, 32);
  memcpy(s_.b, e.sig + 32, 32);
  s_.b[0] &= 0x7f;
  if (r->n->lies & LIE_OTHER) hash.b[0] ^= 1;
  cf_jw_obj(j, NULL);
  cf_jw_quantity(j, "type", 2);
  cf_jw_data(j, "hash", CF_SPAN_OF(hash.b));
  cf_jw_data(j, "from", CF_SPAN_OF(it->from.b));
  cf_jw_quantity(j, "nonce", e.tx.nonce);
  cf_jw_quantity(j, "chainId", e.tx.chain_id);
  cf_jw_quantity(j, "maxPriorityFeePerGas", e.tx.tip_wei);
  cf_jw_quantity(j, "maxFeePerGas", e.tx.fee_wei);
  cf_jw_quantity(j, "gas", e.tx.gas);
  cf_jw_data(j, "to", CF_SPAN_OF(it->to.b));
  cf_jw_quantity_word(j, "value", &e.tx.value);
  cf_jw_data(j, "input", it->data);
  cf_jw_arr(j, "accessList");
  cf_jw_end(j, ']');
  cf_jw_quantity(j, "yParity", e.sig[32] >> 7);
  cf_jw_quantity_word(j, "r", &r_);
  cf_jw_quantity_word(j, "s", &s_);
  cf_jw_end(j, '}');
}

/* whole: the block whose transactions come with it */
static inline void node_header(rpc_t *r, cf_evm_header_t h, cf_hash_t hash, node_block_t const *whole) {
  cf_jw_t *j = r->j;
  if (r->n->lies & LIE_HEADER) h.time_s++;
  cf_jw_obj(j, "result");
  cf_jw_data(j, "parentHash", CF_SPAN_OF(h.parent.b));
  cf_jw_data(j, "sha3Uncles", CF_SPAN_OF(h.ommers.b));
  cf_jw_data(j, "miner", CF_SPAN_OF(h.beneficiary.b));
  cf_jw_data(j, "stateRoot", CF_SPAN_OF(h.state_root.b));
  cf_jw_data(j, "transactionsRoot", CF_SPAN_OF(h.transactions_root.b));
  cf_jw_data(j, "receiptsRoot", CF_SPAN_OF(h.receipts_root.b));
  cf_jw_data(j, "logsBloom", CF_SPAN_OF(h.logs_bloom));
  cf_jw_quantity_word(j, "difficulty", &h.difficulty);
  node_number(r, "number", h.number);
  cf_jw_quantity(j, "gasLimit", h.gas_limit);
  cf_jw_quantity(j, "gasUsed", h.gas_used);
  cf_jw_quantity(j, "timestamp", h.time_s);
  cf_jw_data(j, "extraData", CF_SPAN(h.extra, h.extra_sz));
  cf_jw_data(j, "mixHash", CF_SPAN_OF(h.mix.b));
  cf_jw_data(j, "nonce", CF_SPAN_OF(h.nonce));
  cf_jw_quantity(j, "baseFeePerGas", h.base_fee_wei);
  cf_jw_data(j, "withdrawalsRoot", CF_SPAN_OF(h.withdrawals_root.b));
  cf_jw_quantity(j, "blobGasUsed", h.blob_gas_used);
  cf_jw_quantity(j, "excessBlobGas", h.excess_blob_gas);
  cf_jw_data(j, "parentBeaconBlockRoot", CF_SPAN_OF(h.beacon_root.b));
  cf_jw_data(j, "requestsHash", CF_SPAN_OF(h.requests_hash.b));
  cf_jw_data(j, "hash", CF_SPAN_OF(hash.b));
  cf_jw_arr(j, "transactions");
  for (size_t i = 0; whole && i < whole->items; i++) node_whole_tx(r, whole->item[i]);
  cf_jw_end(j, ']');
  cf_jw_end(j, '}');
}

static inline void node_get_block(rpc_t *r) {
  node_chain_t *c  = r->n->chain;
  uint64_t      at = node_block_of(r, r->param[0]);
  if (at > chain_newest(c)) {
    cf_jw_null(r->j, "result");
    return;
  }
  bool whole = false;
  assert_int_equal(cf_json_bool(&whole, r->param[1]), CF_OK);
  bool other = r->n->lies & LIE_BLOCK || (r->n->lies & LIE_SINCE && at != c->final) || (r->n->lies & LIE_UNDONE && whole);
  cf_evm_header_t h = c->block[r->n->lies & LIE_OLDER && at ? at - 1 : at].h;
  if (other) h.mix.b[0] ^= 1;
  node_header(r, h, cf_evm_header_hash(&h), whole ? &c->block[at] : NULL);
}

static inline void node_path(cf_jw_t *j, char const *key, trie_t const *t, cf_hash_t const *path, bool forged, bool cut) {
  cf_span_t nodes[CF_MPT_DEPTH_MAX];
  size_t    n = trie_path(t, path, nodes);
  cf_jw_arr(j, key);
  for (size_t i = 0; i < n - cut; i++) {
    uint8_t bytes[1024];
    memcpy(bytes, nodes[i].ptr, nodes[i].len);
    if (forged && i == n - 1) bytes[nodes[i].len - 1] ^= 1;
    cf_jw_data(j, NULL, CF_SPAN(bytes, nodes[i].len));
  }
  cf_jw_end(j, ']');
}

static inline void node_get_proof(rpc_t *r) {
  node_chain_t *c = r->n->chain;
  cf_addr_t     addr;
  cf_json_t     one;
  assert_int_equal(cf_data_fixed(addr.b, 20, r->param[0]), CF_OK);
  uint64_t at = node_block_of(r, r->param[2]);
  if (at > chain_newest(c)) {
    node_error(r->j, -32000, "header not found");
    return;
  }
  r->n->states_asked++;
  state_t  *s       = c->block[at].state;
  bool      ledger  = cf_addr_eq(&addr, &c->genesis.config.contract);
  cf_addr_t other   = { { 1, 2 } };
  cf_hash_t account = cf_keccak256(CF_SPAN_OF(addr.b));
  if (!ledger && r->n->lies & LIE_ACCOUNT) account = cf_keccak256(CF_SPAN_OF(other.b));
  cf_jw_obj(r->j, "result");
  cf_jw_data(r->j, "address", CF_SPAN_OF(addr.b));
  node_path(r->j, "accountProof", &s->accounts, &account, ledger && r->n->lies & LIE_CODE, false);
  cf_jw_arr(r->j, "storageProof");
  bool first = true;
  for (size_t pos = 0; cf_json_each(r->param[1], &pos, NULL, &one); first = false) {
    cf_hash_t key;
    assert_int_equal(cf_data_fixed(key.b, 32, one), CF_OK);
    cf_hash_t path = cf_keccak256(CF_SPAN_OF(key.b)), value = state_get(s, &key);
    cf_jw_obj(r->j, NULL);
    cf_jw_data(r->j, "key", CF_SPAN_OF(key.b));
    cf_jw_quantity_word(r->j, "value", &value);
    node_path(r->j, "proof", &s->storage, &path, first && r->n->lies & LIE_FORGED, first && r->n->lies & LIE_SHORT);
    cf_jw_end(r->j, '}');
  }
  cf_jw_end(r->j, ']');
  cf_jw_end(r->j, '}');
}

static inline void node_log(rpc_t *r, node_block_t const *b, uint64_t index, cf_span_t message) {
  static uint8_t const topic[] = CF_EVM_EVENT_INBOX;
  uint8_t              data[128] = { 0 };
  data[31] = 32;
  data[63] = (uint8_t)message.len;
  memcpy(data + 64, message.ptr, message.len);
  cf_jw_obj(r->j, NULL);
  cf_jw_data(r->j, "address", CF_SPAN_OF(r->n->chain->genesis.config.contract.b));
  cf_jw_arr(r->j, "topics");
  cf_jw_data(r->j, NULL, CF_SPAN_OF(topic));
  cf_jw_end(r->j, ']');
  cf_jw_data(r->j, "data", CF_SPAN(data, 64 + (message.len + 31) / 32 * 32));
  cf_jw_data(r->j, "blockHash", CF_SPAN_OF(b->hash.b));
  node_number(r, "blockNumber", b->h.number);
  cf_jw_quantity(r->j, "logIndex", index);
  cf_jw_data(r->j, "transactionHash", CF_SPAN_OF(b->hash.b));
  cf_jw_bool(r->j, "removed", false);
  cf_jw_end(r->j, '}');
}

typedef struct {
  node_block_t const *block;
  uint64_t            index;
  cf_span_t           message;
} node_log_t;

static inline void node_lie_logs(node_t *n, node_log_t *log, size_t *cnt) {
  if (*cnt < 2) return;
  node_log_t *last = &log[*cnt - 1];
  if (n->lies & LIE_LEFT_OUT) --*cnt;
  if (n->lies & LIE_ADDED) {
    log[*cnt] = *last;
    log[(*cnt)++].index++;
  }
  if (n->lies & LIE_ALTERED) {
    last->message = keep(last->message);
    ((uint8_t *)(uintptr_t)last->message.ptr)[last->message.len - 1] ^= 1;
  }
  for (size_t i = 0; n->lies & LIE_MANY && i < 4096; i++) {
    log[*cnt] = log[*cnt - 1];
    log[(*cnt)++].index++;
  }
  node_log_t first = log[0];
  if (n->lies & LIE_SHUFFLED) log[0] = log[1], log[1] = first;
  if (n->lies & LIE_ORDER) {
    log[0].message = log[1].message;
    log[1].message = first.message;
  }
}

static inline void node_get_logs(rpc_t *r) {
  static node_log_t log[NODE_ITEMS_MAX + 1];
  node_chain_t     *c = r->n->chain;
  uint64_t          from, till;
  size_t            cnt = 0;
  assert_int_equal(cf_quantity_u64(&from, cf_json_get(r->param[0], "fromBlock")), CF_OK);
  assert_int_equal(cf_quantity_u64(&till, cf_json_get(r->param[0], "toBlock")), CF_OK);
  assert_true(from <= till);
  r->n->logs_asked++;
  if (r->n->range_max && till - from >= r->n->range_max) {
    r->n->logs_refused++;
    node_error(r->j, -32005, "query exceeds max block range");
    return;
  }
  for (uint64_t at = from; at <= till && at < c->cnt; at++) {
    uint64_t index = 0;
    for (size_t i = 0; i < c->block[at].items; i++)
      if (c->block[at].item[i]->message.len) log[cnt++] = (node_log_t){ &c->block[at], 2 * index++, c->block[at].item[i]->message };
  }
  node_lie_logs(r->n, log, &cnt);
  cf_jw_arr(r->j, "result");
  for (size_t i = 0; i < cnt; i++) node_log(r, log[i].block, log[i].index, log[i].message);
  cf_jw_end(r->j, ']');
}

/* The transaction that is asked for, as this node tells of it. */
static inline item_t *node_tx(rpc_t *r) {
  cf_hash_t hash;
  assert_int_equal(cf_data_fixed(hash.b, 32, r->param[0]), CF_OK);
  item_t *it = r->n->lies & LIE_ABSENT ? NULL : chain_find(r->n->chain, &hash);
  return it && it->block && r->n->lies & LIE_INDEX ? NULL : it;
}

static inline void node_receipt(rpc_t *r, char const *key, item_t const *it) {
  bool                false_ = !it->block;
  node_block_t const *b      = false_ ? chain_top(r->n->chain) : &r->n->chain->block[it->block - 1];
  cf_jw_obj(r->j, key);
  cf_jw_data(r->j, "transactionHash", CF_SPAN_OF(it->hash.b));
  cf_jw_data(r->j, "blockHash", CF_SPAN_OF(b->hash.b));
  node_number(r, "blockNumber", b->h.number);
  cf_jw_quantity(r->j, "transactionIndex", it->index);
  cf_jw_data(r->j, "from", CF_SPAN_OF(it->from.b));
  cf_jw_null(r->j, "contractAddress");
  cf_jw_quantity(r->j, "gasUsed", false_ ? CF_EVM_GAS_TRANSFER : it->gas_used);
  cf_jw_quantity(r->j, "effectiveGasPrice", false_ ? r->n->chain->base_wei : it->price_wei);
  cf_jw_quantity(r->j, "status", it->ok || r->n->lies & LIE_RECEIPTS);
  cf_jw_arr(r->j, "logs");
  cf_jw_end(r->j, ']');
  cf_jw_end(r->j, '}');
}

static inline void node_get_receipt(rpc_t *r) {
  item_t *it = node_tx(r);
  if (it && (it->block || r->n->lies & LIE_RECEIPTS)) node_receipt(r, "result", it);
  else cf_jw_null(r->j, "result");
}

static inline void node_get_receipts(rpc_t *r) {
  uint64_t at = node_block_of(r, r->param[0]);
  if (at > chain_newest(r->n->chain) || r->n->lies & LIE_SHY) {
    cf_jw_null(r->j, "result");
    return;
  }
  cf_jw_arr(r->j, "result");
  for (size_t i = 0; i < r->n->chain->block[at].items && !(r->n->lies & LIE_BARE); i++) node_receipt(r, NULL, r->n->chain->block[at].item[i]);
  cf_jw_end(r->j, ']');
}

static inline void node_get_transaction(rpc_t *r) {
  item_t *it = node_tx(r);
  if (!it || (!it->block && !pool_has(r->n->chain, it))) {
    cf_jw_null(r->j, "result");
    return;
  }
  cf_jw_obj(r->j, "result");
  cf_jw_data(r->j, "hash", CF_SPAN_OF(it->hash.b));
  if (it->block) {
    cf_jw_data(r->j, "blockHash", CF_SPAN_OF(r->n->chain->block[it->block - 1].hash.b));
    node_number(r, "blockNumber", it->block - 1);
  } else {
    cf_jw_null(r->j, "blockHash");
    cf_jw_null(r->j, "blockNumber");
  }
  cf_jw_data(r->j, "from", CF_SPAN_OF(it->from.b));
  cf_jw_quantity(r->j, "nonce", it->tx.nonce);
  cf_jw_data(r->j, "input", it->data);
  cf_jw_end(r->j, '}');
}

static inline void node_get_fees(rpc_t *r) {
  uint64_t n, newest = chain_newest(r->n->chain);
  assert_int_equal(cf_quantity_u64(&n, r->param[0]), CF_OK);
  if (n > newest + 1) n = newest + 1;
  cf_jw_obj(r->j, "result");
  node_number(r, "oldestBlock", newest + 1 - n);
  cf_jw_arr(r->j, "baseFeePerGas");
  for (uint64_t i = r->n->lies & LIE_FEES ? 1 : 0; i <= n; i++) cf_jw_quantity(r->j, NULL, r->n->chain->base_wei);
  cf_jw_end(r->j, ']');
  cf_jw_arr(r->j, "reward");
  for (uint64_t i = 0; i < n; i++) {
    cf_jw_arr(r->j, NULL);
    cf_jw_quantity(r->j, NULL, 100000000);
    cf_jw_end(r->j, ']');
  }
  cf_jw_end(r->j, ']');
  cf_jw_end(r->j, '}');
}

static inline void node_send(rpc_t *r) {
  static uint8_t raw[CF_EVM_TX_MAX];
  cf_wr_t        wr = cf_wr_init(raw, sizeof raw);
  assert_int_equal(cf_data_append(&wr, r->param[0]), CF_OK);
  cf_hash_t   hash = cf_keccak256(cf_wr_out(&wr));
  char const *why  = r->n->lies & LIE_TAKES ? NULL : chain_send(r->n->chain, cf_wr_out(&wr));
  if (why) node_error(r->j, -32000, why);
  else cf_jw_data(r->j, "result", CF_SPAN_OF(hash.b));
}

static inline void node_one(node_t *n, cf_jw_t *j, cf_json_t q) {
  static struct {
    char const *name;
    void (*answer)(rpc_t *r);
  } const methods[] = { { "eth_getBlockByNumber", node_get_block },     { "eth_getProof", node_get_proof },
                        { "eth_getLogs", node_get_logs },               { "eth_getTransactionReceipt", node_get_receipt },
                        { "eth_getTransactionByHash", node_get_transaction }, { "eth_feeHistory", node_get_fees },
                        { "eth_getBlockReceipts", node_get_receipts },
                        { "eth_sendRawTransaction", node_send } };
  rpc_t    r   = { .n = n, .j = j };
  size_t   pos = 0;
  uint64_t id;
  char     method[64];
  assert_int_equal(cf_json_u64(&id, cf_json_get(q, "id")), CF_OK);
  assert_int_equal(cf_json_str(method, sizeof method, cf_json_get(q, "method")), CF_OK);
  cf_json_t params = cf_json_get(q, "params");
  for (size_t i = 0; i < 3 && cf_json_each(params, &pos, NULL, &r.param[i]); i++) continue;
  cf_jw_obj(j, NULL);
  cf_jw_str(j, "jsonrpc", "2.0");
  cf_jw_u64(j, "id", id);
  n->asked++;
  size_t i = 0;
  while (i < CF_COUNT_OF(methods) && strcmp(methods[i].name, method)) i++;
  if (n->lies & LIE_REFUSES) node_error(j, -32005, "daily request count exceeded");
  else if (i < CF_COUNT_OF(methods)) methods[i].answer(&r);
  else if (!strcmp(method, "eth_getTransactionCount")) node_number(&r, "result", n->chain->block[node_block_of(&r, r.param[1])].state->nonce);
  else if (!strcmp(method, "eth_blockNumber")) node_number(&r, "result", chain_newest(n->chain));
  else if (!strcmp(method, "eth_chainId")) node_number(&r, "result", n->chain->genesis.config.chain_id);
  else fail_msg("a node was asked %s", method);
  cf_jw_end(j, '}');
}

/* The answer to one HTTP request; kept. */
static inline cf_span_t node_answer(node_t *n, cf_span_t body) {
  static uint8_t buf[NODE_BODY_MAX];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_jw_t        j  = cf_jw_init(&wr);
  cf_json_t      top, one;
  assert_int_equal(cf_json_parse(&top, body, NULL), CF_OK);
  if (n->lies & LIE_GARBAGE) return CF_SPAN_LIT("<html>Bad gateway</html>");
  if (n->lies & LIE_REFUSES_ALL) return CF_SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32005,\"message\":\"too many requests\"}}");
  if (top.type == CF_JSON_OBJECT) {
    node_one(n, &j, top);
  } else {
    cf_jw_arr(&j, NULL);
    for (size_t pos = 0; cf_json_each(top, &pos, NULL, &one);) node_one(n, &j, one);
    cf_jw_end(&j, ']');
  }
  assert_false(wr.bad);
  return keep(cf_wr_out(&wr));
}

#endif
