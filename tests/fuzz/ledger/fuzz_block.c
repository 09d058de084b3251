/* Blocks: one value, one encoding.  The input is run as a block, as calls out of which the block key makes a block that a
   follower must accept, and as the body of a block that lies. */
#include "crypto/cf_hash.h"
#include "small_ledger.h"

static uint8_t const       scalar[32] = { [31] = 7 };
static cf_ledger_genesis_t genesis;

static void found(cf_chain_t *c, cf_wr_t *wr) {
  cf_chain_init(c);
  MUST(cf_chain_found(c, wr, &genesis, scalar, NULL));
}

/* A signed block 1 with this body that claims to change nothing. */
static cf_span_t signed_block(cf_chain_t const *c, cf_span_t body, uint32_t calls, cf_wr_t *wr) {
  cf_block_t  b    = { .header = { .number     = 1,
                                   .parent     = c->hash,
                                   .time_s     = 1001,
                                   .calls      = calls,
                                   .body_hash  = cf_keccak256(body),
                                   .state_root = c->head.state_root },
                       .body   = body };
  cf_hash_t  hash = cf_block_hash(&b.header), digest = cf_block_digest(&c->genesis.config.separator, &hash);
  MUST(cf_k256_sign(b.sig, scalar, &digest));
  cf_block_write(wr, &b);
  return cf_wr_out(wr);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t again[CF_BLOCK_MAX + 1], block0[65536], body[CF_BLOCK_BODY_MAX];
  cf_block_t b;
  if (!genesis.policy) genesis = small_ledger(scalar);
  if (cf_block_decode(&b, CF_SPAN(data, size)) == CF_OK) {
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_block_write(&wr, &b);
    assert(cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
  }
  if (size > 65536) return 0;

  cf_chain_t maker, follower, strict;
  cf_wr_t    wr0 = cf_wr_init(block0, sizeof block0), scrap = cf_wr_init(again, sizeof again);
  found(&maker, &wr0);
  found(&strict, &scrap);
  cf_chain_init(&follower);
  cf_status_t st = cf_chain_start(&follower, cf_wr_out(&wr0), NULL, NULL);
  assert(!st);
  st = cf_chain_replay(&follower, CF_SPAN(data, size), NULL);
  assert(st && follower.head.number == 0); /* nobody but the key makes blocks */

  /* what the maker accepts of it makes a block that the follower accepts */
  cf_rd_t   rd = cf_rd_init(data, size);
  cf_wr_t   kept = cf_wr_init(body, sizeof body), out = cf_wr_init(again, sizeof again);
  cf_span_t call;
  uint32_t  calls = 0, all = 0;
  while (cf_block_call_next(&rd, &call)) {
    cf_ledger_effects_t fx;
    all++;
    if (cf_chain_call(&maker, 1001, call, &fx).code) continue;
    cf_wr_u32(&kept, (uint32_t)call.len);
    cf_wr_span(&kept, call);
    calls++;
  }
  cf_chain_seal(&maker, &out, 1001, cf_wr_out(&kept), calls, scalar);
  st = cf_chain_replay(&follower, cf_wr_out(&out), NULL);
  assert(!st && cf_hash_eq(&follower.hash, &maker.hash));

  if (all <= CF_BLOCK_CALLS_MAX) { /* all of it in one block with the root of before, under the key: good only when empty */
    out = cf_wr_init(again, sizeof again);
    st  = cf_chain_replay(&strict, signed_block(&strict, CF_SPAN(data, size), all, &out), NULL);
    assert((st == CF_OK) == (size == 0) && strict.broken == (size != 0));
  }
  cf_chain_fini(&maker);
  cf_chain_fini(&follower);
  cf_chain_fini(&strict);
  return 0;
}
