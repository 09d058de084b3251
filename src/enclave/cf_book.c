#include "enclave/cf_book.h"

#include <assert.h>

#include "enclave/cf_book_state.h"

/* ---- memory ---- */

static void *
take(uint8_t *base, size_t *at, size_t n) {
  void *ptr = base ? base + *at : NULL;
  *at += (n + 63) & ~(size_t)63;
  return ptr;
}

static uint32_t
index_mask(uint32_t cnt) { /* at most half full */
  uint32_t slots = 8;
  while (slots < 2 * cnt) slots *= 2;
  return slots - 1;
}

/* lay places the parts behind base, or only measures when it is NULL. */
static size_t
lay(cf_book_t *b, uint8_t *base) {
  cf_book_params_t const *p = &b->params;
  size_t                  at = 0;
  take(base, &at, sizeof *b);
  b->account_mask = index_mask(p->accounts_max);
  b->leaf_mask = index_mask(p->leaves_max);
  b->accounts = take(base, &at, p->accounts_max * sizeof *b->accounts);
  b->account_index = take(base, &at, ((size_t)b->account_mask + 1) * sizeof *b->account_index);
  b->owner_index = take(base, &at, ((size_t)b->account_mask + 1) * sizeof *b->owner_index);
  b->leaves = take(base, &at, p->leaves_max * sizeof *b->leaves);
  b->leaf_index = take(base, &at, ((size_t)b->leaf_mask + 1) * sizeof *b->leaf_index);
  for (uint32_t level = 0, n = p->leaves_max + 1; level <= CF_BOOK_DEPTH; level++, n = (n + 1) / 2) {
    b->node_max[level] = n;
    b->nodes[level] = take(base, &at, n * sizeof *b->nodes[level]);
  }
  size_t sorted = (size_t)p->leaves_max + 1 + p->entries_max;
  b->sort = take(base, &at, sorted * sizeof *b->sort);
  b->scratch = take(base, &at, sorted * sizeof *b->scratch);
  b->staged = take(base, &at, p->entries_max * sizeof *b->staged);
  for (size_t i = 0; i < CF_WINDOWS_MAX; i++) b->contents[i].entries = take(base, &at, p->entries_max * sizeof *b->staged);
  return at;
}

static bool
assets_ok(cf_book_asset_t const *assets, size_t cnt) {
  if (cnt > CF_ASSETS_MAX) return false;
  for (size_t i = 0; i < cnt; i++) {
    if (assets[i].asset > CF_ASSET_LAST || (i && assets[i].asset <= assets[i - 1].asset)) return false;
    if (!assets[i].amount_max || assets[i].amount_max > CF_AMOUNT_MAX || assets[i].release_max > CF_AMOUNT_MAX) return false;
  }
  return true;
}

size_t
cf_book_sz(cf_book_params_t const *p) {
  if (!p->accounts_max || p->accounts_max > CF_BOOK_LEAVES_MAX) return 0;
  if (!p->leaves_max || p->leaves_max > CF_BOOK_LEAVES_MAX) return 0;
  if (!p->entries_max || p->entries_max > CF_BOOK_ENTRIES_MAX || !p->inputs_max) return 0;
  if (p->validity_s > UINT32_MAX || p->exit_delay_s > UINT32_MAX) return 0;
  if (!assets_ok(p->assets, p->asset_cnt)) return 0;
  cf_book_t b = { .params = *p };
  return lay(&b, NULL);
}

cf_book_t *
cf_book_init(void *mem, cf_book_params_t const *params, uint8_t const *key) {
  assert(mem && key && cf_book_sz(params));
  cf_book_t *b = mem;
  memset(b, 0, sizeof *b);
  b->params = *params;
  b->key = key;
  b->window = 1;
  lay(b, mem);
  memset(b->account_index, 0, ((size_t)b->account_mask + 1) * sizeof *b->account_index);
  memset(b->owner_index, 0, ((size_t)b->account_mask + 1) * sizeof *b->owner_index);
  memset(b->leaf_index, 0, ((size_t)b->leaf_mask + 1) * sizeof *b->leaf_index);
  cf_book_tree_init(b);
  return b;
}

void
cf_book_bind(cf_book_t *b, cf_workload_t const *workload, void *state, cf_book_sink_fn_t *sink, void *host) {
  assert(!b->workload && workload && state && sink);
  b->workload = workload;
  b->state = state;
  b->sink = sink;
  b->sink_host = host;
  cf_book_ctx_init(b);
}

cf_status_t
cf_book_assets_set(cf_book_t *b, cf_book_asset_t const *assets, size_t cnt) {
  if (!assets_ok(assets, cnt)) return CF_ERR_BOUND;
  uint64_t levels[CF_ASSETS_MAX] = { 0 }; /* an asset that stays keeps its level */
  for (size_t i = 0; i < cnt; i++) {
    int old = cf_book_asset_find(b, assets[i].asset);
    if (old >= 0) levels[i] = b->levels[old];
  }
  memcpy(b->levels, levels, sizeof levels);
  memcpy(b->params.assets, assets, cnt * sizeof *assets);
  b->params.asset_cnt = (uint8_t)cnt;
  return CF_OK;
}

/* ---- tables ---- */

static uint32_t
mix(uint64_t x) { /* the finalizer of splitmix64 */
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return (uint32_t)(x ^ x >> 31);
}

static uint32_t *
account_slot(cf_book_t const *b, uint32_t id) {
  for (uint32_t i = mix(id);; i++) {
    uint32_t *slot = &b->account_index[i & b->account_mask];
    if (!*slot || b->accounts[*slot - 1].id == id) return slot;
  }
}

/* Owners are ends of Keccak digests: eight bytes of one spread like a hash. */
static uint32_t *
owner_slot(cf_book_t const *b, cf_addr_t const *owner) {
  uint64_t x;
  memcpy(&x, owner->b, sizeof x);
  for (uint32_t i = mix(x);; i++) {
    uint32_t *slot = &b->owner_index[i & b->account_mask];
    if (!*slot || cf_addr_eq(&b->accounts[*slot - 1].owner, owner)) return slot;
  }
}

account_t *
cf_book_account_find(cf_book_t const *b, uint32_t id) {
  uint32_t const *slot = account_slot(b, id);
  return *slot ? &b->accounts[*slot - 1] : NULL;
}

account_t *
cf_book_account_add(cf_book_t *b, uint32_t id, cf_addr_t const *owner) {
  if (b->account_cnt == b->params.accounts_max) return NULL;
  uint32_t *slot = account_slot(b, id), *owned = owner_slot(b, owner);
  assert(!*slot && !*owned);
  account_t *a = &b->accounts[b->account_cnt++];
  *a = (account_t){ .id = id, .owner = *owner };
  *slot = *owned = b->account_cnt;
  return a;
}

static uint32_t *
leaf_slot(cf_book_t const *b, uint32_t account, uint32_t asset) {
  for (uint32_t i = mix((uint64_t)account << 24 | asset);; i++) {
    uint32_t *slot = &b->leaf_index[i & b->leaf_mask];
    if (!*slot) return slot;
    leaf_t const *leaf = &b->leaves[*slot - 1];
    if (leaf->account == account && leaf->asset == asset) return slot;
  }
}

void
cf_book_ahead(cf_book_t const *b, uint32_t account, uint32_t asset) {
  uint32_t a = b->account_index[mix(account) & b->account_mask];
  uint32_t leaf = b->leaf_index[mix((uint64_t)account << 24 | asset) & b->leaf_mask];
  if (a) { /* first and last: a record may lie in two lines */
    __builtin_prefetch(&b->accounts[a - 1].id);
    __builtin_prefetch(&b->accounts[a - 1].inputs);
  }
  if (leaf) {
    __builtin_prefetch(&b->leaves[leaf - 1].account);
    __builtin_prefetch(&b->leaves[leaf - 1].sequence);
  }
}

leaf_t *
cf_book_leaf_find(cf_book_t const *b, uint32_t account, uint32_t asset) {
  uint32_t const *slot = leaf_slot(b, account, asset);
  return *slot ? &b->leaves[*slot - 1] : NULL;
}

leaf_t *
cf_book_leaf_add(cf_book_t *b, uint32_t account, uint32_t asset) {
  uint32_t *slot = leaf_slot(b, account, asset);
  if (*slot) return &b->leaves[*slot - 1];
  if (b->leaf_cnt == b->params.leaves_max) return NULL;
  leaf_t *leaf = &b->leaves[b->leaf_cnt++];
  *leaf = (leaf_t){ .account = account, .asset = asset };
  *slot = b->leaf_cnt;
  return leaf;
}

int
cf_book_asset_find(cf_book_t const *b, uint32_t asset) {
  for (int i = 0; i < b->params.asset_cnt; i++) {
    if (b->params.assets[i].asset == asset) return i;
  }
  return -1;
}

cf_status_t
cf_book_fault(cf_book_t *b) {
  b->fault = true;
  return CF_ERR_POLICY;
}

/* ---- the ledger's word ---- */

static cf_status_t
on_opened(cf_book_t *b, cf_book_msg_t const *msg) {
  if (cf_book_account_find(b, msg->account) || cf_book_account_of(b, &msg->owner)) return cf_book_fault(b); /* given once */
  if (!msg->admitted) return CF_OK;
  account_t *a = cf_book_account_add(b, msg->account, &msg->owner);
  if (!a) return CF_ERR_BOUND;
  a->admitted = true;
  a->account_class = msg->account_class;
  return CF_OK;
}

/* A lane in an asset that policy does not know is passed over, because anybody
   can open as many as the ledger has asset numbers; a deposit is money, and kept. */
static cf_status_t
on_lane(cf_book_t *b, cf_book_msg_t const *msg) {
  if (cf_book_asset_find(b, msg->asset) < 0) return CF_OK;
  leaf_t *leaf = cf_book_leaf_add(b, msg->account, msg->asset);
  if (!leaf) return CF_ERR_BOUND;
  cf_book_touch(b, leaf);
  return CF_OK;
}

static cf_status_t
on_deposited(cf_book_t *b, cf_book_msg_t const *msg) {
  leaf_t *leaf = cf_book_leaf_add(b, msg->account, msg->asset);
  if (!leaf) return CF_ERR_BOUND;
  if (msg->units > CF_AMOUNT_MAX - leaf->balance) return cf_book_fault(b); /* the ledger's lane has 63 bits */
  leaf->balance += msg->units;
  cf_book_touch(b, leaf);
  return CF_OK;
}

static cf_status_t
on_exit_paid(cf_book_t *b, account_t *a, cf_book_msg_t const *msg) {
  a->closed = true;
  leaf_t *leaf = cf_book_leaf_find(b, msg->account, msg->asset);
  if (!leaf) return CF_OK; /* passed over for want of room: what it held was never ours to count */
  if (msg->units > leaf->balance) return cf_book_fault(b);
  leaf->balance -= msg->units;
  cf_book_touch(b, leaf);
  return CF_OK;
}

cf_status_t
cf_book_inbox(cf_book_t *b, cf_book_msg_t const *msg) {
  assert(b->in_batch);
  if (b->fault) return CF_ERR_POLICY;
  if (!msg->account || msg->asset > CF_ASSET_LAST) return cf_book_fault(b);

  uint8_t record[64];
  cf_wr_t wr = cf_wr_init(record, sizeof record);
  cf_wr_u8(&wr, (uint8_t)msg->kind);
  cf_wr_u32(&wr, msg->account);
  cf_wr_bytes(&wr, msg->owner.b, sizeof msg->owner.b);
  cf_wr_u8(&wr, msg->admitted);
  cf_wr_u8(&wr, msg->account_class);
  cf_wr_u24(&wr, msg->asset);
  cf_wr_u64(&wr, msg->units);
  cf_wr_u64(&wr, msg->time_s);
  cf_book_note(b, 1, cf_wr_out(&wr));

  account_t *a = cf_book_account_find(b, msg->account);
  if (!a && msg->kind != CF_BOOK_OPENED) return CF_OK;
  switch (msg->kind) {
  case CF_BOOK_OPENED: return on_opened(b, msg);
  case CF_BOOK_LANE_OPENED: return on_lane(b, msg);
  case CF_BOOK_DEPOSITED: return on_deposited(b, msg);
  case CF_BOOK_EXIT_REQUESTED:
    if (a->exit_at_s || !msg->time_s || msg->time_s > UINT64_MAX / 2) return cf_book_fault(b); /* once, for ever */
    a->exit_at_s = msg->time_s;
    return CF_OK;
  case CF_BOOK_EXIT_PAID: return on_exit_paid(b, a, msg);
  }
  return cf_book_fault(b);
}

cf_status_t
cf_book_admit(cf_book_t *b, uint32_t account, bool admitted, uint8_t account_class) {
  assert(b->in_batch);
  account_t *a = cf_book_account_find(b, account);
  if (!a) return CF_ERR_BOUND;
  uint8_t record[6];
  cf_wr_t wr = cf_wr_init(record, sizeof record);
  cf_wr_u32(&wr, account);
  cf_wr_u8(&wr, admitted);
  cf_wr_u8(&wr, account_class);
  cf_book_note(b, 2, cf_wr_out(&wr));
  a->admitted = admitted;
  a->account_class = account_class;
  return CF_OK;
}

cf_status_t
cf_book_view(cf_book_t *b, uint64_t as_of_s) {
  if (as_of_s < b->as_of_s) return CF_ERR_STALE;
  if (as_of_s > UINT64_MAX / 2) return CF_ERR_BOUND;
  b->as_of_s = as_of_s;
  return CF_OK;
}

cf_status_t
cf_book_bucket(cf_book_t *b, uint32_t asset, uint64_t level) {
  int i = cf_book_asset_find(b, asset);
  if (i < 0) return CF_ERR_BOUND;
  b->levels[i] = level;
  return CF_OK;
}

/* ---- looking ---- */

bool
cf_book_account(cf_book_t const *b, uint32_t account, cf_book_account_t *out) {
  account_t const *a = cf_book_account_find(b, account);
  if (!a) return false;
  *out = (cf_book_account_t){ .owner = a->owner, .admitted = a->admitted, .closed = a->closed, .account_class = a->account_class,
                              .exit_at_s = a->exit_at_s, .order = a->orders.highest };
  return true;
}

uint32_t
cf_book_account_of(cf_book_t const *b, cf_addr_t const *owner) {
  uint32_t const *slot = owner_slot(b, owner);
  return *slot ? b->accounts[*slot - 1].id : 0;
}

bool
cf_book_lane(cf_book_t const *b, uint32_t account, uint32_t asset, cf_book_lane_t *out) {
  leaf_t const *leaf = cf_book_leaf_find(b, account, asset);
  if (!leaf) return false;
  *out = (cf_book_lane_t){ leaf->balance, leaf->held };
  return true;
}

uint64_t  cf_book_as_of(cf_book_t const *b) { return b->as_of_s; }
uint64_t  cf_book_sequence(cf_book_t const *b) { return b->sequence; }
uint64_t  cf_book_window(cf_book_t const *b) { return b->window; }
cf_hash_t cf_book_root(cf_book_t const *b) { return b->nodes[CF_BOOK_DEPTH][0]; }
