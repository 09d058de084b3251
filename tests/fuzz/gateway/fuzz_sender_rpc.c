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

  static uint8_t   raw[1 << 13], scratch[1 << 13];
  cf_wr_t          raw_wr = cf_wr_init(raw, sizeof raw);
  cf_sender_used_t used;
  cf_seen_t        one;
  if (!cf_json_parse(&proof, CF_SPAN(data, size), NULL)) {
    if (!cf_sender_rpc_used(&used, &raw_wr, cf_wr_init(scratch, sizeof scratch), proof, &account, 7))
      assert(used.raw.len <= raw_wr.len && (used.found || !used.raw.len));
    if (!cf_sender_rpc_receipt(&one, proof, &tx[0], &account)) assert(one.kind >= CF_SEEN_SUCCEEDED);
  }
  cf_trace_ask_t ask;
  cf_traced_t    traced;
  cf_wr_t        wr = cf_wr_init(bytes, sizeof bytes);
  if (size <= sizeof bytes && !cf_trace_ask_decode(&ask, CF_SPAN(data, size))) {
    cf_trace_ask_write(&wr, &ask);
    assert(cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
  }
  wr = cf_wr_init(bytes, sizeof bytes);
  if (size <= sizeof bytes && !cf_traced_decode(&traced, CF_SPAN(data, size))) {
    cf_traced_write(&wr, &traced);
    assert(cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
  }

  for (size_t n = 0; n <= 5; n++) {
    if (cf_sender_rpc_seen(&look, seen, CF_SPAN(data, size), tx, n, &account, NULL)) continue;
    cf_status_t st = cf_sender_rpc_merge(&all, merged, &look, seen, &answered, 1, 1, n);
    assert(!st && all.number == look.number && all.nonce == look.nonce && all.n == n);
    wr = cf_wr_init(bytes, sizeof bytes);
    cf_look_write(&wr, &all, merged);
    st = cf_look_decode(&back, again, 5, cf_wr_out(&wr));
    assert(!st && back.n == n);
    for (size_t i = 0; i < n; i++) assert(again[i].kind == seen[i].kind && again[i].gas_used == merged[i].gas_used);
  }
  return 0;
}
