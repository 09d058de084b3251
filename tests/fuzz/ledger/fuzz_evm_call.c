/* What a contract is told and says; the first byte chooses.  Calldata: one value, one encoding.  Events and errors: nothing is
   borrowed from beyond the input. */
#include <assert.h>

#include "ledger/cf_evm_call.h"

static void calldata(cf_span_t in) {
  static uint8_t again[CF_EVM_CALL_MAX];
  cf_op_t        op;
  if (cf_evm_call_decode(&op, in)) return;
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_evm_call_write(&wr, &op);
  assert(cf_span_eq(cf_wr_out(&wr), in));
}

static void within(cf_span_t part, cf_span_t whole) {
  assert(part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

/* The topics' number, topics, data. */
static void event(cf_rd_t rd) {
  cf_addr_t      contract = { { 7 } };
  cf_evm_log_t   log      = { .addr = contract, .topics_cnt = cf_rd_u8(&rd) % (CF_EVM_TOPICS_MAX + 1) };
  cf_evm_event_t ev;
  for (size_t i = 0; i < log.topics_cnt; i++) log.topics[i] = cf_rd_hash(&rd);
  log.data = cf_rd_take_span(&rd, cf_rd_left(&rd));
  if (log.topics_cnt && log.topics[0].b[0] < 3) log.topics[0] = cf_evm_event_topic((cf_evm_event_kind_t)log.topics[0].b[0]);
  if (cf_evm_event_decode(&ev, &log, &contract)) return;
  within(ev.message, log.data);
  cf_hash_t inbox = { { 0 } };
  uint64_t  cnt   = 0;
  if (ev.kind == CF_EVM_INBOX) assert(cf_inbox_fold_all(&inbox, &cnt, ev.message) == CF_OK && cnt == 1);
}

static void revert(cf_span_t in) {
  cf_evm_revert_t r;
  char            text[128];
  if (cf_evm_revert_decode(&r, in)) return;
  within(r.text, in);
  assert(r.name[0] && r.facts_cnt <= 2);
  if (r.refusal.code) assert(cf_refusal_print(text, sizeof text, &r.refusal) > 0);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_rd_t rd = cf_rd_init(data, size);
  switch (cf_rd_u8(&rd)) {
  case 0: calldata(CF_SPAN(rd.buf + rd.pos, cf_rd_left(&rd))); break;
  case 1: event(rd); break;
  default: revert(CF_SPAN(rd.buf + rd.pos, cf_rd_left(&rd)));
  }
  return 0;
}
