/* A chain small enough to know everything about: a tree of blocks, a few nodes with pools of their own, a contract with one head.
   All that it does is drawn from one seed. */
#ifndef CF_TESTS_SENDER_MODEL_H
#define CF_TESTS_SENDER_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/cf_sender_wire.h"
#include "ledger/cf_evm_tx.h"

enum { NODES = 3, POOL_MAX = 64, BLOCK_TXS = 24, BLOCKS_MAX = 6000, TXS_MAX = 4000, FIRST_NONCE = 5 };

/* A call's data: kind, number.  SETTLE executes when the head is its number; PAY always; a CANCEL has no data. */
typedef enum { SETTLE = 1, PAY = 2, CANCEL = 3 } call_kind_t;

typedef struct {
  cf_hash_t   hash;
  uint64_t    nonce, tip, fee, gas;
  call_kind_t kind;
  unsigned    number;
  bool        foreign; /* of the same key, made by somebody else */
} tx_t;

typedef struct {
  int       parent;
  uint64_t  number, time_s, base, nonce;
  unsigned  head; /* settlements executed */
  cf_hash_t hash;
  unsigned  txs;
  struct {
    int      tx;
    bool     success;
    uint64_t gas_used, price;
  } at[BLOCK_TXS];
} block_t;

typedef struct {
  uint64_t  rng;
  unsigned  finality; /* blocks */
  block_t  *block;    /* BLOCKS_MAX */
  int       blocks, tip, final;
  uint64_t  base;
  tx_t      tx[TXS_MAX];
  int       txs;
  int       pool[NODES][POOL_MAX];
  int       pooled[NODES];
  bool      reinject; /* what a reorganisation drops returns to pools: geth; anvil forgets it */
  cf_addr_t account;
  uint64_t  reorgs, drops, reverts;
} chain_t;

uint64_t draw(chain_t *c, uint64_t below); /* below > 0 */
bool     chance(chain_t *c, unsigned percent);

void      chain_init(chain_t *c, uint64_t seed, block_t *blocks, cf_addr_t const *account);
int       chain_tx(chain_t *c, cf_span_t raw); /* index of a transaction, -1 when raw is none */
cf_sent_t chain_offer(chain_t *c, int node, int tx);
void      chain_mine(chain_t *c, unsigned settle_by_others); /* percent */
void      chain_reorg(chain_t *c, unsigned depth);
void      chain_finalize(chain_t *c);
void      chain_drop(chain_t *c, int node); /* one of its pool */
int       chain_ancestor(chain_t const *c, int block, uint64_t number);
/* Where a transaction stands on the way down from block: -1 nowhere. */
int       chain_find(chain_t const *c, int block, int tx, int *at);
cf_seen_t chain_seen(chain_t const *c, int node, int block, cf_hash_t const *hash);
int       chain_by_hash(chain_t const *c, cf_hash_t const *hash);

#endif
