/* A witness that stands at size 3 of the example log gets the input as the body of POST /add-checkpoint: one answer of the
   table; a 200 only behind the state; never back. */
#include <assert.h>
#include <stdlib.h>

#include "translog/cf_submission.h"
#include "translog/cf_witness.h"

#include "keys.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static uint8_t      scratch[CF_WITNESS_SCRATCH_MAX], again[CF_NOTE_MAX + 256];
static cf_witness_t fresh, w;

static void
init(void) {
  keys_make();
  cf_witness_init(&fresh, &own_key, own_seed);
  cf_status_t st = cf_witness_trust(&fresh, &log_key);
  assert(!st);
  cf_witness_log_t *l = &fresh.log[0];
  cf_hash_t         leaf[3] = { cf_tree_leaf(CF_SPAN_LIT("entry-0")), cf_tree_leaf(CF_SPAN_LIT("entry-1")),
                                cf_tree_leaf(CF_SPAN_LIT("entry-2")) };
  l->loaded = l->cosigned = l->held = true;
  fresh.state_sz = 1;
  l->size = 3, l->root = cf_tree_root_of(leaf, 3);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  if (fresh.log_cnt == 0) init();
  w = fresh;
  cf_effects_t    fx = { .scratch = scratch, .scratch_max = sizeof scratch };
  cf_event_t      ev = { .kind = CF_EV_REQUEST, .id = 1, .now = { 0, 1700000000000 }, .path = CF_SPAN_LIT("POST /add-checkpoint"),
                         .body = CF_SPAN(data, size) };
  cf_submission_t s;
  cf_witness_step(&w, &fx, &ev);
  if (fx.at[0].kind == CF_FX_WAKE) {
    cf_event_t tick = { .kind = CF_EV_TICK };
    fx.cnt          = 0;
    cf_witness_step(&w, &fx, &tick);
  }
  cf_effect_t const *last = &fx.at[fx.cnt - 1];
  assert(fx.cnt >= 1 && last->kind == CF_FX_REPLY && last->id == 1);
  switch (last->code) {
  case 200: assert(fx.cnt == 2 && fx.at[0].kind == CF_FX_APPEND && w.log[0].size >= 3); break;
  case 400:
  case 403:
  case 404:
  case 409:
  case 422: assert(fx.cnt == 1 && memcmp(&w, &fresh, sizeof w) == 0); break;
  default:  abort(); /* not a status of the table */
  }
  if (!cf_submission_parse(&s, ev.body, NULL)) {
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_submission_write(&wr, &s);
    assert(cf_span_eq(cf_wr_out(&wr), ev.body));
  }
  return 0;
}
