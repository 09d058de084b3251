/* What goes wrong in a town by the clock, the operator who mends what a supervisor would, and the end of all faults. */
#include <assert.h>
#include <stdlib.h>

#include "cf_town.h"

enum { OPERATOR_MS = 2000, JUMP_MAX_MS = 300000 };

static cf_sim_node_t *
node(cf_town_t *t, unsigned i) {
  return &t->world.node[i];
}

/* ---- single faults ---- */

static void
end_enclave(cf_town_t *t) {
  unsigned n = t->site[t->primary].machine.node;
  if (!node(t, n)->up) return;
  t->world.counts.fault[CF_FAULT_ENCLAVE]++;
  cf_world_kill(&t->world, n);
  cf_world_start_at(&t->world, n, t->world.now_ms + 100 + cf_prng_below(&t->world.dice, 3000));
}

/* Nobody's clock is believed but those of f witnesses more than they may lie about; the ledger's own is its observers' to judge. */
static void
jump_clock(cf_town_t *t) {
  unsigned f = t->domain->witnesses.f, n = (unsigned)cf_prng_below(&t->world.dice, t->world.nodes);
  for (unsigned i = f; i < t->domain->witnesses.cnt; i++)
    if (t->witness[i].node == n) return;
  if (n == t->ledger_node || n == t->bank_node) return;
  t->world.counts.fault[CF_FAULT_CLOCK]++;
  node(t, n)->skew_ms = (int64_t)cf_prng_below(&t->world.dice, 2 * JUMP_MAX_MS) - JUMP_MAX_MS;
  cf_world_say(&t->world, "%s: clock off by %lld ms", node(t, n)->name, (long long)node(t, n)->skew_ms);
}

/* ---- the operator ---- */

/* An enclave that stopped for good is started anew, as a supervisor would. */
static void
operate(cf_town_t *t) {
  for (unsigned i = 0; i < CF_TOWN_SITES; i++) {
    cf_machine_t *m = &t->site[i].machine;
    if (!node(t, m->node)->up || !m->enclave || cf_enclave_phase(m->enclave) != CF_PHASE_STOPPED) continue;
    cf_world_kill(&t->world, m->node);
    cf_world_start_at(&t->world, m->node, t->world.now_ms + 500);
  }
  cf_world_later(&t->world, t->world.now_ms + OPERATOR_MS, CF_TOWN_OPERATOR);
}

void
cf_town_fault(void *town, uint64_t id) {
  cf_town_t *t = town;
  if (id == CF_TOWN_OPERATOR) {
    operate(t);
    return;
  }
  if (!t->world.faults.on) return;
  if (id == CF_FAULT_ENCLAVE) end_enclave(t);
  if (id == CF_FAULT_CLOCK) jump_clock(t);
}

/* ---- a seed's plan ---- */

/* Each kind is there in half of the towns, so that some meet it alone. */
static unsigned
rate(cf_town_t *t, unsigned most) {
  return cf_prng_chance(&t->world.dice, 50000) ? 1 + (unsigned)cf_prng_below(&t->world.dice, most) : 0;
}

static void
plan_some(cf_town_t *t, cf_fault_t kind, unsigned most, uint64_t until_ms) {
  if (!cf_prng_chance(&t->world.dice, 50000)) return;
  for (uint64_t n = 1 + cf_prng_below(&t->world.dice, most); n > 0; n--)
    cf_world_later(&t->world, t->world.now_ms + 500 + cf_prng_below(&t->world.dice, until_ms - t->world.now_ms - 500), kind);
}

void
cf_town_faults(cf_town_t *t, uint64_t until_ms) {
  unsigned *r                  = t->world.faults.rate;
  t->world.faults.on           = true;
  r[CF_FAULT_LOST_REQUEST]     = rate(t, 8000);
  r[CF_FAULT_LOST_REPLY]       = rate(t, 8000);
  r[CF_FAULT_REPEAT]           = rate(t, 8000);
  r[CF_FAULT_DELAY]            = rate(t, 5000);
  r[CF_FAULT_CRASH]            = rate(t, 300);
  r[CF_FAULT_LOST_WRITE]       = 40000;
  r[CF_FAULT_TORN_WRITE]       = 60000;
  plan_some(t, CF_FAULT_ENCLAVE, 4, until_ms);
  plan_some(t, CF_FAULT_CLOCK, 4, until_ms);
}

void
cf_town_mend(cf_town_t *t) {
  t->world.faults.on = false;
  for (unsigned i = 0; i < t->world.nodes; i++) {
    node(t, i)->skew_ms = 0;
    if (!node(t, i)->up) cf_world_start_at(&t->world, i, t->world.now_ms);
  }
  cf_world_say(&t->world, "---- no faults from here ----");
}

char const *
cf_town_state(cf_town_t const *t) {
  static char      line[400];
  cf_site_t const *s = &t->site[t->primary];
  if (!s->gateway) return "the gateway is down";
  cf_gateway_status_t g = cf_gateway_status(s->gateway);
  snprintf(line, sizeof line, "mode %u, missing '%s', epoch %llu, sequence %llu, logged %llu, cosigned %llu of %llu, settled %llu of %llu", g.mode, g.missing,
           (unsigned long long)g.epoch, (unsigned long long)g.sequence, (unsigned long long)g.logged, (unsigned long long)g.cosigned,
           (unsigned long long)g.log_size, (unsigned long long)g.settled, (unsigned long long)g.settlements);
  for (unsigned i = 0; i < t->parties; i++) {
    cf_party_node_t const *p = &t->party[i];
    size_t                 n = strlen(line), by[4] = { 0 };
    for (size_t k = 0; k < p->file.inputs; k++) by[p->file.input[k].superseded ? 3 : p->file.input[k].state == CF_INPUT_ANSWERED ? 2 : p->file.input[k].state != CF_INPUT_PLANNED]++;
    snprintf(line + n, sizeof line - n, "; party %u: %zu planned, %zu sealed, %zu answered, %zu superseded%s%s%s", i + 1, by[0], by[1], by[2], by[3],
             p->have ? "" : ", no evidence", p->suspect ? ", suspects" : "", p->busy ? ", asking" : "");
  }
  return line;
}
