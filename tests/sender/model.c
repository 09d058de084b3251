#include "model.h"

#include <assert.h>

#include "crypto/cf_hash.h"

uint64_t draw(chain_t *c, uint64_t below) {
  c->rng ^= c->rng >> 12;
  c->rng ^= c->rng << 25;
  c->rng ^= c->rng >> 27;
  return (c->rng * 0x2545f4914f6cdd1dULL >> 16) % below;
}

bool chance(chain_t *c, unsigned percent) { return draw(c, 100) < percent; }

static void name(chain_t *c, block_t *b) {
  uint64_t what[3] = {(uint64_t)c->blocks, b->number, c->rng};
  b->hash = cf_sha256(CF_SPAN(what, sizeof what));
}

void chain_init(chain_t *c, uint64_t seed, block_t *blocks, cf_addr_t const *account) {
  memset(c, 0, sizeof *c);
  c->rng = seed * 0x9e3779b97f4a7c15ULL + 0x1234567;
  c->block = blocks;
  c->account = *account;
  c->base = 1000 + draw(c, 100000);
  c->finality = 1 + (unsigned)draw(c, 12);
  c->reinject = chance(c, 50);
  blocks[0] =
      (block_t){.parent = -1, .number = 100, .time_s = 1700000000 - 1700000000 % 86400, .base = c->base, .nonce = FIRST_NONCE};
  name(c, &blocks[0]);
  c->blocks = 1;
}

int chain_by_hash(chain_t const *c, cf_hash_t const *hash) {
  for (int i = c->txs; i-- > 0;)
    if (cf_hash_eq(&c->tx[i].hash, hash)) return i;
  return -1;
}

int chain_tx(chain_t *c, cf_span_t raw) {
  static uint8_t  scratch[CF_EVM_TX_MAX];
  cf_evm_signed_t e;
  if (cf_evm_tx_decode(&e, raw, cf_wr_init(scratch, sizeof scratch)) || !cf_addr_eq(&e.from, &c->account)) return -1;
  int known = chain_by_hash(c, &e.hash);
  if (known >= 0) return known;
  assert(c->txs < TXS_MAX);
  tx_t *t = &c->tx[c->txs];
  *t = (tx_t){.hash = e.hash, .nonce = e.tx.nonce, .tip = e.tx.tip_wei, .fee = e.tx.fee_wei, .gas = e.tx.gas, .kind = CANCEL};
  if (e.tx.data.len) {
    assert(e.tx.data.len == 2);
    t->kind = (call_kind_t)e.tx.data.ptr[0];
    t->number = e.tx.data.ptr[1];
  }
  return c->txs++;
}

int chain_ancestor(chain_t const *c, int block, uint64_t number) {
  while (block >= 0 && c->block[block].number > number) block = c->block[block].parent;
  return block;
}

int chain_find(chain_t const *c, int block, int tx, int *at) {
  for (; block >= 0; block = c->block[block].parent)
    for (unsigned i = 0; i < c->block[block].txs; i++)
      if (c->block[block].at[i].tx == tx) {
        if (at) *at = (int)i;
        return block;
      }
  return -1;
}

/* ---- pools ---- */

static void unpool(chain_t *c, int node, int at) { c->pool[node][at] = c->pool[node][--c->pooled[node]]; }

static uint64_t tenth(uint64_t v) { return v + (v + 9) / 10; }

cf_sent_t chain_offer(chain_t *c, int node, int tx) {
  tx_t const *t = &c->tx[tx];
  if (chain_find(c, c->tip, tx, NULL) >= 0) return chance(c, 50) ? CF_SENT_KNOWN : CF_SENT_NONCE_LOW;
  if (t->nonce < c->block[c->tip].nonce) return CF_SENT_NONCE_LOW;
  if (t->fee < c->base / 2) return CF_SENT_FEE_LOW;
  for (int i = 0; i < c->pooled[node]; i++) {
    tx_t const *o = &c->tx[c->pool[node][i]];
    if (c->pool[node][i] == tx) return CF_SENT_KNOWN;
    if (o->nonce != t->nonce) continue;
    if (t->fee < tenth(o->fee) || t->tip < tenth(o->tip)) return CF_SENT_UNDERPRICED;
    c->pool[node][i] = tx;
    return CF_SENT_TAKEN;
  }
  if (c->pooled[node] == POOL_MAX) return CF_SENT_UNKNOWN;
  c->pool[node][c->pooled[node]++] = tx;
  return CF_SENT_TAKEN;
}

void chain_drop(chain_t *c, int node) {
  if (!c->pooled[node]) return;
  unpool(c, node, (int)draw(c, (uint64_t)c->pooled[node]));
  c->drops++;
}

/* ---- blocks ---- */

static void prune(chain_t *c) {
  for (int n = 0; n < NODES; n++)
    for (int i = c->pooled[n]; i-- > 0;)
      if (c->tx[c->pool[n][i]].nonce < c->block[c->tip].nonce) unpool(c, n, i);
}

static bool execute(block_t *b, tx_t const *t) {
  if (t->kind != SETTLE) return true;
  if (b->head != t->number) return false;
  b->head++;
  return true;
}

static void include(chain_t *c, block_t *b, int tx) {
  tx_t const *t = &c->tx[tx];
  bool        success = execute(b, t);
  uint64_t    price = b->base + t->tip < t->fee ? b->base + t->tip : t->fee;
  b->at[b->txs].tx = tx;
  b->at[b->txs].success = success;
  b->at[b->txs].gas_used = t->kind == CANCEL ? CF_EVM_GAS_TRANSFER : success ? t->gas - t->gas / 8 : t->gas / 2;
  b->at[b->txs].price = price;
  b->txs++;
  b->nonce++;
  if (!success) c->reverts++;
}

static block_t *next_block(chain_t *c) {
  assert(c->blocks < BLOCKS_MAX);
  block_t *b = &c->block[c->blocks], *p = &c->block[c->tip];
  *b = (block_t){.parent = c->tip,
                 .number = p->number + 1,
                 .time_s = p->time_s + 1 + draw(c, 24),
                 .base = c->base,
                 .nonce = p->nonce,
                 .head = p->head};
  name(c, b);
  return b;
}

static void seal(chain_t *c) {
  c->tip = c->blocks++;
  prune(c);
  if (chance(c, 30)) c->base += c->base / 8 + 1;
  else if (chance(c, 40) && c->base > 1000) c->base -= c->base / 8;
  if (c->base > 4000000) c->base = 4000000;
}

/* From the pool of the node that makes it, in order of nonces, while they pay. */
static void fill(chain_t *c, block_t *b, int node) {
  for (bool found = true; found && b->txs < BLOCK_TXS;) {
    found = false;
    for (int i = 0; i < c->pooled[node] && !found; i++) {
      int tx = c->pool[node][i];
      if (c->tx[tx].nonce != b->nonce || c->tx[tx].fee < b->base) continue;
      include(c, b, tx);
      found = true;
    }
    if (found && chance(c, 15)) break;
  }
}

void chain_mine(chain_t *c, unsigned settle_by_others) {
  block_t *b = next_block(c);
  if (chance(c, settle_by_others)) b->head++; /* anyone may submit: here, the one that is due */
  if (!chance(c, 10)) fill(c, b, (int)draw(c, NODES));
  seal(c);
}

void chain_reorg(chain_t *c, unsigned depth) {
  int      old = c->tip, lost[512], cnt = 0;
  uint64_t high = c->block[old].number;
  int      base = chain_ancestor(c, old, high - depth);
  for (int b = old; b != base; b = c->block[b].parent)
    for (unsigned i = c->block[b].txs; i-- > 0 && cnt < 512;) lost[cnt++] = c->block[b].at[i].tx;
  c->tip = base;
  c->reorgs++;
  unsigned keep = (unsigned)draw(c, 101);
  for (uint64_t n = c->block[base].number; n <= high - (chance(c, 20) && depth > 1); n++) {
    block_t *b = next_block(c);
    for (int i = cnt; i-- > 0 && b->txs < BLOCK_TXS;) /* oldest first */
      if (lost[i] >= 0 && c->tx[lost[i]].nonce == b->nonce && c->tx[lost[i]].fee >= b->base && chance(c, keep)) {
        include(c, b, lost[i]);
        lost[i] = -1;
      }
    if (chance(c, 30)) fill(c, b, (int)draw(c, NODES));
    seal(c);
  }
  for (int i = 0; i < cnt && c->reinject; i++)
    if (lost[i] >= 0 && c->tx[lost[i]].nonce >= c->block[c->tip].nonce) (void)chain_offer(c, (int)draw(c, NODES), lost[i]);
}

void chain_finalize(chain_t *c) {
  uint64_t high = c->block[c->tip].number;
  if (high < c->block[c->final].number + c->finality) return;
  c->final = chain_ancestor(c, c->tip, high - c->finality);
}

/* ---- what a node says ---- */

cf_seen_t chain_seen(chain_t const *c, int node, int block, cf_hash_t const *hash) {
  int tx = chain_by_hash(c, hash), at;
  if (tx < 0) return (cf_seen_t){.kind = CF_SEEN_ABSENT};
  int b = chain_find(c, block, tx, &at);
  if (b >= 0)
    return (cf_seen_t){.kind = c->block[b].at[at].success ? CF_SEEN_SUCCEEDED : CF_SEEN_REVERTED,
                       .block = c->block[b].number,
                       .block_hash = c->block[b].hash,
                       .gas_used = c->block[b].at[at].gas_used,
                       .price_wei = c->block[b].at[at].price};
  for (int i = 0; i < c->pooled[node]; i++)
    if (c->pool[node][i] == tx) return (cf_seen_t){.kind = CF_SEEN_POOL};
  return (cf_seen_t){.kind = CF_SEEN_ABSENT};
}
