/* Input as a life of a core: u8 what, u8 which, u16 length, bytes; again and again. */
#ifndef FUZZ_COUNCIL_EVENTS_H
#define FUZZ_COUNCIL_EVENTS_H

#include <assert.h>
#include <string.h>

#include "base/cf_effect.h"
#include "ledger/cf_domain.h"

static uint8_t const secret[32] = {[31] = 7};

/* A domain of one member in every council, all with the same key. */
static inline void domain_make(cf_domain_t *d, cf_p256_key_t *key) {
  cf_genesis_t    *g = &d->genesis;
  cf_addr_t        addr;
  cf_p256_pub_t    pub;
  cf_ed25519_pub_t ed, log;
  memset(d, 0, sizeof *d);
  assert(cf_k256_addr(&addr, secret) == CF_OK);
  cf_p256_key_pub(key, &pub);
  cf_ed25519_pub(&ed, secret);
  cf_ed25519_pub(&log, pub.b); /* any other seed: a key serves one signer */
  g->class = 2;
  g->created = 1700000000;
  g->councils_cnt = 5;
  g->log.origin = CF_SPAN_LIT("example.org/log");
  g->ledger = (cf_genesis_ledger_t){.kind = 1,
                                    .chain_id = UINT64_C(1) << 40,
                                    .mode = 1,
                                    .max_validity_s = 600,
                                    .max_pause_s = 3600,
                                    .exit_delay_s = 6000,
                                    .notice_s = 9600,
                                    .dead_after_s = 15600,
                                    .overlap_s = 600};
  memcpy(g->log.ed25519, log.b, 32);
  memcpy(g->log.es256, pub.b, 64);
  memcpy(g->ledger.contract, addr.b, 20);
  for (unsigned i = 0; i < 5; i++) {
    cf_council_t *c = &g->councils[i];
    *c = (cf_council_t){.role = i + 1, .k = 1, .version = 1, .members_cnt = 1};
    c->members[0].name = CF_SPAN_LIT("one");
    if (c->role == CF_WITNESSES) memcpy(c->members[0].ed25519, ed.b, 32);
    else memcpy(c->members[0].addr, addr.b, 20);
    if (c->role == CF_VERIFIERS) memcpy(c->members[0].es256, pub.b, 64);
  }
  d->policy = (cf_policy_t){.version = 1, .attest_max_age_s = 3600, .epoch_s = 86400, .key_tcb_mask = 1};
  d->ledger = cf_genesis_identity(g, &d->id);
  assert(cf_genesis_witnesses(&d->witnesses, g, NULL) == CF_OK &&
         cf_ledger_genesis_of(&d->block0, g, &d->policy, &d->id, NULL) == CF_OK);
}

typedef void fuzz_step_t(void *core, cf_effects_t *fx, cf_event_t const *ev);

/* Requests are numbered; each may be answered once. */
typedef struct {
  uint64_t asked;
  bool     answered[256];
} fuzz_life_t;

static inline bool fuzz_perform(fuzz_life_t *l, cf_effects_t const *fx) {
  bool more = true;
  for (size_t i = 0; i < fx->cnt; i++) {
    cf_effect_t const *e = &fx->at[i];
    if (e->kind == CF_FX_EXIT) more = false;
    if (e->kind != CF_FX_REPLY) continue;
    assert(e->id >= 1 && e->id <= l->asked && !l->answered[e->id - 1] && e->code >= 200 && e->code < 600 && e->type);
    l->answered[e->id - 1] = true;
  }
  return more;
}

static inline void fuzz_run(void *core, fuzz_step_t *step, char const *const *paths, unsigned path_cnt, unsigned ids,
                            uint8_t const *data, size_t size) {
  static uint8_t scratch[1 << 20];
  fuzz_life_t    l = {.asked = 0};
  cf_rd_t        rd = cf_rd_init(data, size);
  cf_event_t     ev = {.kind = CF_EV_START, .now = {1000, 1700000000000}};
  for (bool more = true; more;) {
    cf_effects_t fx = {.scratch = scratch, .scratch_max = sizeof scratch};
    step(core, &fx, &ev);
    more = fuzz_perform(&l, &fx) && cf_rd_left(&rd) >= 4 && l.asked < 256;
    unsigned what = cf_rd_u8(&rd), which = cf_rd_u8(&rd);
    size_t   len = cf_rd_u16(&rd);
    cf_now_t now = {ev.now.mono_ms + 500, ev.now.wall_ms + 500};
    if (len > cf_rd_left(&rd)) len = cf_rd_left(&rd);
    ev = (cf_event_t){.kind = CF_EV_TICK, .now = now, .body = cf_rd_take_span(&rd, len)};
    if (what % 4 < 2) {
      ev.kind = CF_EV_DONE;
      ev.id = 1 + which % ids;
      ev.code = what % 4 == 0 ? 200 : 404;
    } else if (what % 4 == 2) {
      ev.kind = CF_EV_REQUEST;
      ev.id = ++l.asked;
      ev.path = CF_SPAN(paths[which % path_cnt], strlen(paths[which % path_cnt]));
    }
  }
}

#endif
