/* What the sender asks of a chain, and what it is answered: the bytes between the core and whatever speaks to endpoints.
   docs/protocol/sender.md "Questions".  Numbers are big-endian; decoders are strict. */
#ifndef CF_GATEWAY_SENDER_WIRE_H
#define CF_GATEWAY_SENDER_WIRE_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"
#include "gateway/cf_sender_fees.h"

/* "POST /send": body = a raw transaction, given to every endpoint.  Answer: u8, the best of their outcomes. */
typedef enum {
  CF_SENT_TAKEN,      /* in a pool */
  CF_SENT_KNOWN,      /* it was there, or is in a block */
  CF_SENT_NONCE_LOW,  /* the newest block counts its nonce as used */
  CF_SENT_UNDERPRICED, /* the pool holds another of its nonce that pays nearly as much, or more */
  CF_SENT_FEE_LOW,    /* pays less than the pool or the next block asks for */
  CF_SENT_NO_FUNDS,
  CF_SENT_REFUSED, /* will never be taken as it is */
  CF_SENT_UNKNOWN, /* no endpoint answered, or with what is none of these */
  CF_SENTS,
} cf_sent_t;
CF_MUST_CHECK cf_status_t cf_sent_decode(cf_sent_t *out, cf_span_t in);

/* "POST /look": body = u16 n, n hashes of transactions.  Answer: a quorum's, all of it as of one block:
   u64 number, u64 nonce, u64 base_wei, u64 tip_wei, u16 n, and per hash u8 kind, and for SUCCEEDED and REVERTED u64 block,
   block_hash[32], u64 gas_used, u64 price_wei. */
typedef enum {
  CF_SEEN_UNKNOWN, /* no quorum says the same */
  CF_SEEN_ABSENT,  /* in no block and no pool */
  CF_SEEN_POOL,
  CF_SEEN_SUCCEEDED,
  CF_SEEN_REVERTED,
  CF_SEENS,
} cf_seen_kind_t;
typedef struct {
  cf_seen_kind_t kind;
  uint64_t       block;
  cf_hash_t      block_hash;
  uint64_t       gas_used;
  uint64_t       price_wei; /* per gas, as paid */
} cf_seen_t;
typedef struct {
  uint64_t      number; /* of the newest block */
  uint64_t      nonce;  /* of the account in it */
  cf_fee_hint_t fees;   /* of the next one */
  size_t        n;
} cf_look_t;

void cf_look_write(cf_wr_t *wr, cf_look_t const *look, cf_seen_t const *seen);
/* seen holds max; CF_ERR_FORMAT, CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_look_decode(cf_look_t *look, cf_seen_t *seen, size_t max, cf_span_t in);

/* "POST /trace": which transaction used a nonce of the account, read from the blocks themselves, from a final block down to `low`: a node may
   not find by its hash what is in a block.  body = u64 number, hash[32] of the final block, u64 low, u64 nonce, u8 n, n hashes: those that
   are ours.  Answer: u8 kind, then for OURS hash[32] and what `look` has of it, for OTHER the raw transaction, for BARE hash[32], u64 block,
   block_hash[32]. */
#define CF_TRACE_TXS 16
typedef struct {
  uint64_t  number;
  cf_hash_t hash;
  uint64_t  low, nonce;
  size_t    n;
  cf_hash_t tx[CF_TRACE_TXS];
} cf_trace_ask_t;
typedef enum {
  CF_TRACED_UNKNOWN, /* not enough answers */
  CF_TRACED_UNDONE,  /* a quorum has another block where that one was final */
  CF_TRACED_NONE,    /* a quorum has that block, and shows no transaction of that nonce in those asked for */
  CF_TRACED_OURS,    /* a quorum has this one, in a block that leads to the final one by its parents */
  CF_TRACED_OTHER,   /* one that is not ours, signed with our key: no node can make it up */
  CF_TRACED_BARE,    /* as OURS, but a quorum that has it in that block has no receipt of it */
  CF_TRACEDS,
} cf_traced_kind_t;
typedef struct {
  cf_traced_kind_t kind;
  cf_hash_t        tx;   /* OURS, BARE */
  cf_seen_t        seen; /* OURS: SUCCEEDED or REVERTED; BARE: the block alone */
  cf_span_t        raw;  /* OTHER; borrowed */
} cf_traced_t;

void                      cf_trace_ask_write(cf_wr_t *wr, cf_trace_ask_t const *t);
CF_MUST_CHECK cf_status_t cf_trace_ask_decode(cf_trace_ask_t *t, cf_span_t in); /* CF_ERR_FORMAT */
void                      cf_traced_write(cf_wr_t *wr, cf_traced_t const *t);
CF_MUST_CHECK cf_status_t cf_traced_decode(cf_traced_t *t, cf_span_t in); /* CF_ERR_FORMAT */

#endif
