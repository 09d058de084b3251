/* The Solidity ABI's shapes that we use, over the byte cursors: words, and byte strings behind them.  Contract ABI specification
   (docs.soliditylang.org), "Formal Specification of the Encoding".  The reader takes what an encoder writes: bits above a type's width,
   padding that is not zero, and an offset that is not the next free place make the cursor bad. */
#ifndef CF_CODEC_ABI_H
#define CF_CODEC_ABI_H

#include "base/cf_bytes.h"
#include "crypto/cf_sign.h"

void cf_abi_w_uint(cf_wr_t *wr, uint64_t v);
void cf_abi_w_addr(cf_wr_t *wr, cf_addr_t const *a);
/* cf_abi_w_bytes writes the tail of "bytes": length, content, zeros up to a word. */
void cf_abi_w_bytes(cf_wr_t *wr, cf_span_t s);
/* The bytes that such a tail takes. */
static inline size_t cf_abi_bytes_sz(size_t len) { return 32 + (len + 31) / 32 * 32; }

uint64_t  cf_abi_uint(cf_rd_t *rd, unsigned bits); /* bits <= 64; bad when it is 2^bits or more */
cf_addr_t cf_abi_addr(cf_rd_t *rd);
cf_span_t cf_abi_bytes(cf_rd_t *rd); /* a tail; borrowed */

#endif
