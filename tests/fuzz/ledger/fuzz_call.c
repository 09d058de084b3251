/* Calls, ops and acts: one value, one encoding.  What decodes also runs: on an empty ledger nothing but open is accepted, and
   nothing crashes. */
#include <assert.h>

#include "ledger/cf_call.h"

static cf_hash_t nothing(void *ctx, cf_hash_t const *key) {
  (void)ctx;
  (void)key;
  return (cf_hash_t){ { 0 } };
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t         again[CF_CALL_MAX];
  static cf_slot_write_t writes[CF_LEDGER_WRITES_FEW];
  cf_call_t call;
  cf_op_t   op;
  cf_act_t  act;
  if (cf_call_decode(&call, CF_SPAN(data, size))) return 0;
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_call_write(&wr, &call);
  assert(cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));

  if (cf_op_decode(&op, call.op)) return 0;
  wr = cf_wr_init(again, sizeof again);
  cf_op_write(&wr, &op);
  assert(cf_span_eq(cf_wr_out(&wr), call.op));
  if (op.kind == CF_OP_ACT && cf_act_decode(&act, op.body) == CF_OK) {
    wr = cf_wr_init(again, sizeof again);
    cf_act_write(&wr, &act);
    assert(cf_span_eq(cf_wr_out(&wr), op.body));
  }

  cf_ledger_config_t cfg = {
    .embedded = true, .chain_id = CF_LEDGER_CHAIN_MIN, .mode = CF_MODE_NET, .max_validity_s = 10, .exit_delay_s = 100
  };
  cf_ledger_env_t     env = { .time_s = 1000, .sender = call.from, .chain_id = cfg.chain_id };
  cf_ledger_effects_t fx  = { .writes = writes, .writes_max = CF_LEDGER_WRITES_FEW };
  cf_refusal_t        no  = cf_ledger_apply(&cfg, (cf_slot_reader_t){ nothing, NULL }, &env, &op, &fx);
  char                text[128];
  assert(no.code < CF_REFUSALS && cf_refusal_print(text, sizeof text, &no) > 0);
  assert((no.code == CF_REFUSAL_NONE) == (fx.writes_cnt > 0));
  if (!no.code)
    assert(op.kind == CF_OP_OPEN || op.kind == CF_OP_ALARM || op.kind == CF_OP_DECLARE_DEAD || op.kind == CF_OP_REVOKE_KEY);
  return 0;
}
