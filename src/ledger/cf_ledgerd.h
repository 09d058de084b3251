/* The embedded ledger's process as a core: takes calls, makes blocks, answers.
   DESIGN 6, 11; docs/protocol/ledger.md, "HTTP".

   POST /ledger/acts             body: one or more u32 length, call; answers {"results": [one per call, in order]}
   GET  /ledger/blocks/{n}       a block's bytes
   GET  /ledger/head             {"number", "hash", "time", "root", "head", "inbox", "messages", "chain", "contract"}
   GET  /ledger/state?keys=a,b   at most CF_LEDGERD_KEYS_MAX slots: {"number", "header", "slots": [..], "proof"}
   GET  /ledger/inbox?from=n     {"from", "taken", "messages", "inbox", "bytes"}

   A call is answered when the block that holds it is durable, or when it is refused; the same call again is answered with
   its first place.  Calls that wait make a block at once, but not sooner than interval_ms after the last; with none a block
   comes at least every V/6.  At start blocks are read back from ledger/blocks/ and replayed; without any, block 0 is made,
   unless ledger/newest names one that was sealed: then what is missing was lost, and it stops. */
#ifndef CF_LEDGER_LEDGERD_H
#define CF_LEDGER_LEDGERD_H

#include "base/cf_effect.h"
#include "ledger/cf_blocks.h"

#define CF_LEDGERD_NEWEST      "ledger/newest" /* number u64 and hash of the newest block sealed: a private file */
#define CF_LEDGERD_KEYS_MAX    64
#define CF_LEDGERD_WAITING_MAX 128 /* requests waiting for a block */
#define CF_LEDGERD_GETS_MAX    32  /* requests waiting for a file */
#define CF_LEDGERD_QUEUE_MAX   CF_BLOCK_BODY_MAX
#define CF_LEDGERD_REPLY_MAX   (2u << 20)
#define CF_LEDGERD_INBOX_MAX   (32u << 10)

typedef struct {
  uint64_t request;
  uint64_t effect; /* GET: its id */
  uint32_t calls;  /* acts: how many of the queue are its */
} cf_ledgerd_waiting_t;

typedef struct {
  cf_ledger_genesis_t const *genesis; /* borrowed for the core's life */
  uint8_t const             *scalar;  /* 32 bytes, the block key: borrowed, in cf_secret memory */
  uint64_t                   interval_ms;
} cf_ledgerd_config_t;

/* About 6 MB: the caller's, static or allocated once. */
typedef struct {
  cf_ledgerd_config_t  cfg;
  cf_chain_t           chain;
  bool                 ready;
  uint64_t             blocks_cnt;  /* START: files to read back */
  bool                 sealed;      /* START: these are known of the newest block that a life before sealed */
  uint64_t             sealed_number;
  cf_hash_t            sealed_hash;
  uint64_t             last_block_ms;
  uint64_t             next_effect;
  cf_ledgerd_waiting_t waiting[CF_LEDGERD_WAITING_MAX];
  size_t               waiting_cnt;
  cf_ledgerd_waiting_t gets[CF_LEDGERD_GETS_MAX];
  size_t               gets_cnt;
  size_t               queue_len;
  uint32_t             queue_calls;
  cf_wr_t              reply; /* into reply_buf, begun anew each step */
  uint8_t              queue[CF_LEDGERD_QUEUE_MAX]; /* calls as in a block's body */
  uint8_t              body[CF_BLOCK_BODY_MAX];
  uint8_t              block[CF_BLOCK_MAX];
  uint8_t              reply_buf[CF_LEDGERD_REPLY_MAX];
} cf_ledgerd_t;

/* cf_ledgerd_init; cf_ledgerd_fini frees the chain's state. */
void cf_ledgerd_init(cf_ledgerd_t *d, cf_ledgerd_config_t const *cfg);
void cf_ledgerd_fini(cf_ledgerd_t *d);

/* cf_ledgerd_step: events START, REQUEST, DONE, TICK, STOP.  Exits with code 1, and a log line that says why, when the
   block files are not the chain of its genesis. */
void cf_ledgerd_step(cf_ledgerd_t *d, cf_effects_t *fx, cf_event_t const *ev);

#endif
