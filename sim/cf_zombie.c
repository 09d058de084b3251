/* An enclave whose process a hostile host did not end: it runs beside its successor, is shown log and ledger, more or less of
   them, and whatever it lets out must harm nobody. */
#include <assert.h>
#include <stdlib.h>

#include "cf_town.h"
#include "enclave/cf_enclave_state.h"
#include "gateway/cf_gateway_state.h"

enum { VIEW_ROOM = 128 << 10, PROD = 10000, VIEW = 30000, BATCH = 20000 };

bool cf_zombie_outlives(void *town, cf_machine_t *m) {
  cf_town_t *t = town;
  return cf_enclave_phase(m->enclave) != CF_PHASE_STOPPED && cf_world_chance(&t->world, CF_FAULT_ZOMBIE);
}

/* A view of the newest final block, made for its own key: what an honest gateway would show it. */
static void show_view(cf_town_t *t, cf_machine_t *z) {
  cf_gateway_t *g = t->site[t->primary].gateway;
  uint8_t      *buf = malloc(VIEW_ROOM);
  cf_wr_t       wr = cf_wr_init(buf, VIEW_ROOM);
  assert(buf);
  uint64_t first = z->enclave->view_state.messages;
  if (g && g->views.ready && g->views.chain.started && g->views.ready - 1 == g->views.chain.head.number && !g->views.proven &&
      first <= cf_ledger_state_messages(g->views.chain.state)) {
    cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
    cf_wr_u8(&wr, CF_MSG_SHOW_LEDGER);
    uint8_t *size = cf_wr_room(&wr, 4);
    if (!cf_view_write(&wr, &g->views.chain, CF_SPAN(g->views.proof_bytes, g->views.proof_len), &z->enclave->own.settlement_addr,
                       NULL, 0, first, NULL)) {
      cf_wr_t len = cf_wr_init(size, 4);
      cf_wr_u32(&len, (uint32_t)(wr.len - 6));
      (void)cf_machine_ask(z, cf_wr_out(&wr));
    }
  }
  free(buf);
}

void cf_zombie_prod(cf_town_t *t, cf_disk_t const *d) {
  cf_machine_t        *z = &t->zombie;
  static uint8_t const batch[] = {CF_BOUNDARY_VERSION, CF_MSG_BATCH, 0, 0};
  if (cf_enclave_phase(z->enclave) == CF_PHASE_STOPPED) {
    cf_machine_end(z);
    return;
  }
  if (!cf_prng_chance(&t->world.dice, PROD)) return;
  if (cf_prng_chance(&t->world.dice, BATCH)) (void)cf_machine_ask(z, CF_SPAN_OF(batch));
  if (cf_prng_chance(&t->world.dice, VIEW)) show_view(t, z);
  (void)cf_host_show(t, z, d, cf_world_chance(&t->world, CF_FAULT_WITHHELD));
}
