/* The sender: whatever its store holds and endpoints answer, it keeps its bounds, and what it sends is in the store.  Input: three
   spans (u16 length) that SCANs find, then answers: u8 which, u16 length, bytes. */
#include <assert.h>

#include "base/cf_store.h"
#include "gateway/cf_sender.h"

static cf_sender_t  s;
static cf_effects_t fx;
static uint8_t      scratch[1 << 20];
static uint64_t     ms;

static void step(cf_event_kind_t kind, uint64_t id, cf_span_t body) {
  ms += 700;
  cf_event_t ev = { .kind = kind, .id = id, .code = 200, .body = body, .now = { ms, ms } };
  fx.cnt = fx.scratch_len = 0;
  fx.scratch              = scratch;
  fx.scratch_max          = sizeof scratch;
  cf_sender_step(&s, &fx, &ev);
  bool stored = false;
  for (size_t i = 0; i < fx.cnt; i++) {
    cf_store_write_t w;
    cf_rd_t          rd;
    uint64_t         fence;
    if (fx.at[i].kind == CF_FX_STORE) {
      cf_status_t st = cf_store_open(&rd, &fence, fx.at[i].body);
      assert(!st && !stored && s.halt != CF_SENDER_HALT_STORE);
      while (cf_store_next(&rd, &w)) {}
      assert(!rd.bad);
      stored = true;
    }
    if (fx.at[i].kind == CF_FX_ASK) assert(!cf_sender_halt_proven(s.halt));
  }
  cf_sender_status_t st = cf_sender_status(&s);
  assert(st.live + st.queued <= CF_SENDER_SLOTS);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t const key[32] = { [3] = 9, [31] = 77 };
  cf_sender_config_t   cfg = { .chain_id = 31337, .scalar = key, .chain = 3, .id = 64, .budget_wei = (cf_wei_t)1 << 90, .look_ms = 1000, .bump_ms = 2000, .bump_blocks = 1 };
  cf_rd_t              rd = cf_rd_init(data, size);
  cf_status_t          st = cf_sender_init(&s, &cfg);
  assert(!st);
  ms = 1;
  step(CF_EV_START, 0, CF_SPAN(NULL, 0));
  for (uint64_t i = 0; i < 3; i++) step(CF_EV_DONE, cfg.id + i, cf_rd_take_span(&rd, cf_rd_u16(&rd)));
  assert(s.ready);
  for (uint8_t i = 0; i < 3; i++) {
    uint8_t          bytes[40] = { i };
    cf_sender_call_t call = { .ref = { { i, 7 } }, .data = CF_SPAN_OF(bytes), .gas = 50000, .cap_wei = (cf_wei_t)1 << 60 };
    st                    = cf_sender_submit(&s, &call);
    assert(!st || s.halt || st == CF_ERR_BOUND || st == CF_ERR_POLICY);
  }
  cf_sender_final_t f = { .number = s.final_number + 1, .hash = { { 1 } }, .time_s = s.final_time_s, .nonce = s.final_nonce, .since_number = s.final_number, .since_hash = s.final_hash };
  cf_sender_final(&s, &f);
  step(CF_EV_TICK, 0, CF_SPAN(NULL, 0));
  while (cf_rd_left(&rd) && !rd.bad) {
    uint64_t id = cf_rd_u8(&rd) % CF_SENDER_IDS;
    step(CF_EV_DONE, cfg.id + (id < 3 ? 3 : id), cf_rd_take_span(&rd, cf_rd_u16(&rd)));
    step(CF_EV_TICK, 0, CF_SPAN(NULL, 0));
  }
  return 0;
}
