/* What nodes answer to the sender's questions: read whole or not at all, and what was read goes through the sender's own bytes unchanged. */
#include <assert.h>

#include "gateway/cf_sender_rpc.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t bytes[4096];
  cf_addr_t      account;
  cf_hash_t      tx[5];
  cf_seen_t      seen[5], merged[5], again[5];
  cf_look_t      look, all, back;
  bool           answered = true;
  memset(account.b, 0x77, sizeof account.b);
  for (size_t i = 0; i < 5; i++) tx[i] = (cf_hash_t){ { [31] = (uint8_t)(i + 1) } };
  assert(cf_sender_rpc_sent(CF_SPAN(data, size)) <= CF_SENT_UNKNOWN);

  cf_json_t         proof;
  cf_sender_final_t f;
  cf_evm_block_t    block = { .known = true };
  if (!cf_json_parse(&proof, CF_SPAN(data, size), NULL)) assert(cf_sender_rpc_final(&f, &block, proof, &account)); /* no state has a root of zeros */

  for (size_t n = 0; n <= 5; n++) {
    if (cf_sender_rpc_seen(&look, seen, CF_SPAN(data, size), tx, n, &account, NULL)) continue;
    cf_status_t st = cf_sender_rpc_merge(&all, merged, &look, seen, &answered, 1, 1, n);
    assert(!st && all.number == look.number && all.nonce == look.nonce && all.n == n);
    cf_wr_t wr = cf_wr_init(bytes, sizeof bytes);
    cf_look_write(&wr, &all, merged);
    st = cf_look_decode(&back, again, 5, cf_wr_out(&wr));
    assert(!st && back.n == n);
    for (size_t i = 0; i < n; i++) assert(again[i].kind == seen[i].kind && again[i].gas_used == merged[i].gas_used);
  }
  return 0;
}
