/* One value, one encoding: of inputs, parameters, notices and saved states,
   chosen by the first byte. */
#include <assert.h>
#include <stdlib.h>

#include "workload/cf_clearing.h"

static void
same(cf_wr_t const *wr, cf_span_t in) {
  assert(!wr->bad && cf_span_eq(cf_wr_out(wr), in));
}

static void
state_load(cf_wr_t *wr, cf_span_t in) {
  static cf_clearing_params_t const p = { .positions_max = 16, .obligations_max = 32, .releases_max = 4 };
  static void                      *state;
  uint8_t                           buf[64];
  cf_wr_t                           params = cf_wr_init(buf, sizeof buf);
  cf_clearing_params_encode(&params, &p);
  if (!state) state = malloc(cf_clearing.state_sz(cf_wr_out(&params)));
  cf_clearing.open(state, cf_wr_out(&params));
  if (cf_clearing.load(state, in)) return;
  cf_clearing.save(state, wr);
  same(wr, in);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t again[1 << 16];
  cf_wr_t        wr = cf_wr_init(again, sizeof again);
  if (!size) return 0;
  cf_span_t            in = CF_SPAN(data + 1, size - 1);
  cf_clearing_input_t  input;
  cf_clearing_params_t params;
  cf_clearing_notice_t notice;
  switch (data[0]) {
  case 0:
    if (cf_clearing_input_decode(&input, in)) return 0;
    cf_clearing_input_encode(&wr, &input);
    break;
  case 1:
    if (cf_clearing_params_decode(&params, in)) return 0;
    assert(cf_clearing.state_sz(in) != 0);
    cf_clearing_params_encode(&wr, &params);
    break;
  case 2:
    if (cf_clearing_notice_decode(&notice, in)) return 0;
    cf_clearing_notice_encode(&wr, &notice);
    break;
  case 3: state_load(&wr, in); return 0;
  default: return 0;
  }
  same(&wr, in);
  return 0;
}
