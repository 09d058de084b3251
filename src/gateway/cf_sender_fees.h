/* What a transaction offers for its gas, and what may be spent: pure arithmetic.  docs/protocol/sender.md "Fees". */
#ifndef CF_GATEWAY_SENDER_FEES_H
#define CF_GATEWAY_SENDER_FEES_H

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 cf_wei_t; /* 2^64 wei are 18 ether: too little for a day */

typedef struct {
  uint64_t tip_wei; /* per gas; never above fee_wei */
  uint64_t fee_wei;
} cf_fees_t;

/* What the chain asks for: a hint of its endpoints. */
typedef struct {
  uint64_t base_wei; /* of the next block */
  uint64_t tip_wei;  /* that others pay   */
} cf_fee_hint_t;

static inline cf_wei_t cf_fees_worst(cf_fees_t f, uint64_t gas) { return (cf_wei_t)f.fee_wei * gas; }

/* cf_fees_first: the hint's tip, and a fee that outlives six full blocks (the base fee twice); less when cap_wei / gas is less.
   false when the cap does not even pay for the next block, or gas is 0. */
bool cf_fees_first(cf_fees_t *out, cf_fee_hint_t hint, uint64_t gas, cf_wei_t cap_wei);

/* cf_fees_bump: both at least a tenth above last, which pools demand of a replacement, and what the hint asks for where the cap
   allows it.  false when the cap (of gas, all in all) does not allow a tenth. */
bool cf_fees_bump(cf_fees_t *out, cf_fees_t last, cf_fee_hint_t hint, uint64_t gas, cf_wei_t cap_wei);

/* cf_fees_replaces holds when pools take b in a's place. */
bool cf_fees_replaces(cf_fees_t a, cf_fees_t b);

#endif
