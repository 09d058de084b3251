/* The bytes of calls to an embedded ledger: what a transaction is on a chain.
   docs/protocol/ledger.md, "Calls".

   call  from address | nonce u64 | deadline u40 | signature 64 bytes, absent when from is zero | op
   op    version u8 = 1 | kind u8 | the fields of the kind, to the end

   settle        meta | state_root | receipts | sig | body to the end
   open          owner address
   openLane      asset u24 | id u32
   deposit       asset u24 | id u32 | units u64
   withdraw      asset u24 | id u32 | units u64 | recipient address
   requestExit   id u32
   finalizeExit  asset u24 | id u32 | recipient address, zero: the owner
   rootExit      meta | prev_head | state_root | entries | receipts | asset u24 | id u32 | leaf (cf_root.h) | path
   alarm, declareDead   nothing
   register      key | terms | instance | certificate | measurement | evidence | possession | signatures
   revokeKey     key | signature
   act           council u8 | version u32 | number u48 | notAfter u40 | signatures | body to the end
   signatures    count u8 | count times member u8, signature */
#ifndef CF_LEDGER_CALL_H
#define CF_LEDGER_CALL_H

#include "ledger/cf_ledger.h"

#define CF_OP_MAX   (2 + 3 * 32 + 64 + CF_SETTLEMENT_BODY_MAX)
#define CF_CALL_MAX (20 + 8 + 5 + 64 + CF_OP_MAX)

typedef struct {
  cf_addr_t from; /* zero: unsigned, for what anyone may do; its nonce is free */
  uint64_t  nonce;
  uint64_t  deadline_s; /* last second at which it may run */
  uint8_t   sig[64];
  cf_span_t op; /* borrowed */
} cf_call_t;

/* cf_op_write and cf_op_decode: one value, one encoding.  Decoding checks form only; op->body borrows in.
   CF_ERR_FORMAT; CF_ERR_UNSUPPORTED for another version or kind; CF_ERR_BOUND. */
void                      cf_op_write(cf_wr_t *wr, cf_op_t const *op);
CF_MUST_CHECK cf_status_t cf_op_decode(cf_op_t *op, cf_span_t in);

void                      cf_call_write(cf_wr_t *wr, cf_call_t const *call);
CF_MUST_CHECK cf_status_t cf_call_decode(cf_call_t *call, cf_span_t in); /* the op is not looked into */
/* cf_call_sign fills from and sig by the sender's scalar; nonce, deadline and op are set. */
CF_MUST_CHECK cf_status_t cf_call_sign(cf_call_t *call, cf_hash_t const *separator, uint8_t const scalar[32]);
/* cf_call_id names a call whatever its signature: the digest that a sender signs. */
cf_hash_t cf_call_id(cf_hash_t const *separator, cf_call_t const *call);

#endif
