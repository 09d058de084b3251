/* Merkle-Patricia proofs: 1 count, then as many paths, then nodes.  The root is the first node's hash, so that what is walked is
   what was made up.  What is accepted says the same again, and nothing else for the bytes behind it or for one path alone. */
#include <assert.h>

#include "codec/cf_rlp.h"
#include "crypto/cf_hash.h"
#include "ledger/cf_mpt.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_hash_t paths[CF_MPT_KEYS_MAX];
  cf_span_t values[CF_MPT_KEYS_MAX];
  cf_rd_t   rd  = cf_rd_init(data, size);
  size_t    cnt = cf_rd_u8(&rd) % 8 + 1;
  for (size_t i = 0; i < cnt; i++) paths[i] = cf_rd_hash(&rd);
  if (rd.bad) return 0;
  cf_rd_t   first = rd, proof = rd;
  cf_span_t node = cf_rlp_next(&first).whole;
  cf_hash_t root = cf_keccak256(node);
  if (first.bad || cf_mpt_verify(&root, &proof, paths, cnt, values)) return 0;
  for (size_t i = 0; i < cnt; i++) {
    assert(values[i].len == 0 || (values[i].ptr >= data && values[i].ptr + values[i].len <= data + proof.pos));
    for (size_t j = 0; j < i; j++) assert(!cf_hash_eq(&paths[i], &paths[j]) || cf_span_eq(values[i], values[j]));
  }
  cf_span_t again[CF_MPT_KEYS_MAX];
  cf_rd_t   exact = cf_rd_init(rd.buf, proof.pos);
  exact.pos       = rd.pos;
  assert(cf_mpt_verify(&root, &exact, paths, cnt, again) == CF_OK && cf_rd_done(&exact));
  for (size_t i = 0; i < cnt; i++) assert(cf_span_eq(values[i], again[i]));
  if (proof.pos > rd.pos) { /* a byte less is no proof */
    cf_rd_t less = cf_rd_init(rd.buf, proof.pos - 1);
    less.pos     = rd.pos;
    assert(cf_mpt_verify(&root, &less, paths, cnt, again) != CF_OK);
  }
  return 0;
}
