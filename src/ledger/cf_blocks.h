/* The embedded ledger's chain: signed, hash-linked blocks of calls, and their
   replay.  docs/protocol/ledger.md, "Blocks".

   header  version u8 = 1 | number u64 | parent hash | time u40 | calls u32 | Keccak-256 of the body | state root
   block   header | the block key's signature of Block(bytes32 hash) | body
   body    block 0: the genesis (cf_ledger_genesis_write); else calls times u32 length, call (cf_call.h)

   A block's hash is Keccak-256 of its header; block 0's parent is head0.  A block holds only calls that the rules accept:
   one that holds another is no block.  Time is whole seconds and never falls.  The contract's address is the block key's. */
#ifndef CF_LEDGER_BLOCKS_H
#define CF_LEDGER_BLOCKS_H

#include "ledger/cf_call.h"
#include "ledger/cf_state.h"

#define CF_BLOCK_HEADER_SZ 114
#define CF_BLOCK_CALLS_MAX 4096
#define CF_BLOCK_BODY_MAX  (1u << 20)
#define CF_BLOCK_MAX       (CF_BLOCK_HEADER_SZ + 64 + CF_BLOCK_BODY_MAX)
#define CF_BLOCK_SKEW_S    60 /* observers refuse to attest a block whose time is further from theirs */

typedef struct {
  uint64_t  number;
  cf_hash_t parent;
  uint64_t  time_s;
  uint32_t  calls;
  cf_hash_t body_hash;
  cf_hash_t state_root;
} cf_block_header_t;

typedef struct {
  cf_block_header_t header;
  uint8_t           sig[64];
  cf_span_t         body; /* borrowed */
} cf_block_t;

void                      cf_block_header_write(cf_wr_t *wr, cf_block_header_t const *h);
CF_MUST_CHECK cf_status_t cf_block_header_decode(cf_block_header_t *h, cf_span_t in); /* exactly CF_BLOCK_HEADER_SZ bytes */
cf_hash_t                 cf_block_hash(cf_block_header_t const *h);
/* cf_block_decode checks form and the body's hash.  CF_ERR_FORMAT, CF_ERR_UNSUPPORTED (version), CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_block_decode(cf_block_t *b, cf_span_t in);
void                      cf_block_write(cf_wr_t *wr, cf_block_t const *b);
/* cf_block_call_next reads the next call's bytes of a body behind block 0; false at the end or when rd went bad. */
bool cf_block_call_next(cf_rd_t *body, cf_span_t *call);

/* ---- replay ---- */

/* What a follower is told of every call accepted, in order; borrowed for the call. */
typedef void cf_chain_hook_t(void *ctx, cf_call_t const *call, cf_op_t const *op, cf_ledger_effects_t const *fx);

typedef struct {
  cf_ledger_genesis_t genesis;
  cf_ledger_state_t  *state;
  cf_block_header_t   head; /* of the newest block */
  cf_hash_t           hash;
  uint32_t            accepted; /* calls since the newest block */
  bool                started;
  bool                broken; /* a block failed half-way: state is of no use any more */
  cf_chain_hook_t    *hook;   /* may be NULL */
  void               *hook_ctx;
} cf_chain_t;

void cf_chain_init(cf_chain_t *c); /* allocates the state */
void cf_chain_fini(cf_chain_t *c);

/* cf_chain_start takes block 0: its genesis must pass cf_ledger_genesis and be embedded, its root and signature must
   hold; expect (may be NULL) is what the genesis' bytes must be.  Statuses as cf_chain_replay. */
CF_MUST_CHECK cf_status_t cf_chain_start(cf_chain_t *c, cf_span_t block, cf_span_t const *expect, cf_error_t *err);

/* cf_chain_replay takes the next block.  Form, number, parent, time and signature are checked before anything
   changes; a block that then breaks the rules is the block key's fault, proven by its signature, and leaves c broken.
     CF_ERR_FORMAT, CF_ERR_UNSUPPORTED, CF_ERR_BOUND   not a block
     CF_ERR_STALE   not the next block: err says which was due
     CF_ERR_AUTH    not signed by the block key, or not this chain's
     CF_ERR_POLICY  signed, and the rules say no: broken */
CF_MUST_CHECK cf_status_t cf_chain_replay(cf_chain_t *c, cf_span_t block, cf_error_t *err);

/* cf_chain_call runs one call at time_s and, when it is accepted, changes the state; *fx then holds what it did until the
   next.  In this order: Call, Deadline, Sender, Nonce, then the rules. */
cf_refusal_t cf_chain_call(cf_chain_t *c, uint64_t time_s, cf_span_t call, cf_ledger_effects_t *fx);

/* Making blocks: cf_chain_seal turns the calls that cf_chain_call accepted since the last block (body, calls of them) into
   the next block's bytes and makes it the head.  cf_chain_found does it for block 0.  wr must have room (asserted). */
void                      cf_chain_seal(cf_chain_t *c, cf_wr_t *wr, uint64_t time_s, cf_span_t body, uint32_t calls,
                                        uint8_t const scalar[32]);
CF_MUST_CHECK cf_status_t cf_chain_found(cf_chain_t *c, cf_wr_t *wr, cf_ledger_genesis_t const *g, uint8_t const scalar[32],
                                         cf_error_t *err);

#endif
