// link: session workload ledger translog document codec lib: cmocka
/* Any bytes as a message, in any phase: the enclave answers in its form, never crashes, and lets nothing go that it should keep.
   Byte 0 picks the phase that it is brought to, of a domain whose ledger is embedded or on a chain (whose log's entry 1 it reads), the rest is
   messages: u16 length, bytes. */
#include "../../unit/enclave/world.h"

#include <assert.h>
#include <sanitizer/lsan_interface.h>

enum { PHASES = 4, LIVES = PHASES + 2 }; /* on a chain: the second phase and the third */

static world_t *worlds[LIVES];

static world_t *
make(unsigned life) {
  unsigned phase = life < PHASES ? life : life - PHASES + 1;
  world_on_chain = life >= PHASES;
  uint8_t  none[4 + 4 + 2 * (8 + 4 + 1) + 1] = { 0 };
  world_t *w                                 = world_new(phase, true);
  if (phase == 3) {
    batch_t b;
    bootstrap(w);
    assert(!batch(w, NULL, 0, &b)); /* its epoch's keys are made */
    return w;
  }
  enclave_start(w, false);
  if (phase > 0) assert(!ask(w, CF_MSG_BOOT, CF_SPAN(none, sizeof none)) && !show(w));
  if (phase > 1) assert(!fence(w));
  return w;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t answer[CF_FRAME_MAX];
  cf_rd_t        rd    = cf_rd_init(data, size);
  unsigned       life  = cf_rd_u8(&rd) % LIVES;
  __lsan_disable(); /* the worlds live on, and what libcrypto holds for them hangs on memory of the secret pool, which is not looked into */
  if (!worlds[life]) worlds[life] = make(life);
  __lsan_enable();
  world_t *w = worlds[life];
  while (cf_rd_left(&rd)) {
    uint16_t  n   = cf_rd_u16(&rd);
    cf_span_t msg = cf_rd_take_span(&rd, n);
    if (rd.bad) break;
    cf_wr_t wr = cf_wr_init(answer, sizeof answer);
    static uint8_t request[UINT16_MAX];
    memcpy(request, msg.ptr, msg.len);
    cf_enclave_ask(w->e, request, msg.len, &wr);
    assert(!wr.bad && wr.len >= 3 && answer[0] == CF_BOUNDARY_VERSION);
    assert(answer[2] == 0 || wr.len < 64); /* a refusal is its class and its name */
  }
  if (cf_enclave_phase(w->e) != (cf_phase_t[]){ CF_PHASE_OPENING, CF_PHASE_FENCING, CF_PHASE_CERTIFYING, CF_PHASE_SERVING, CF_PHASE_FENCING,
                                                 CF_PHASE_CERTIFYING }[life]) {
    world_free(w);
    worlds[life] = NULL;
  }
  return 0;
}
