/* What goes wrong in a town by the clock, the operator who mends what a supervisor would, and the end of all faults. */
#include <assert.h>
#include <stdlib.h>

#include "cf_forger.h"

enum { OPERATOR_MS = 2000, JUMP_MAX_MS = 300000 };

static cf_sim_node_t *node(cf_town_t *t, unsigned i) { return &t->world.node[i]; }

/* ---- single faults ---- */

static void end_enclave(cf_town_t *t) {
  unsigned n = t->site[t->primary].machine.node;
  if (!node(t, n)->up) return;
  t->world.counts.fault[CF_FAULT_ENCLAVE]++;
  cf_world_kill(&t->world, n);
  cf_world_start_at(&t->world, n, t->world.now_ms + 100 + cf_prng_below(&t->world.dice, 3000));
}

/* Nobody's clock is believed but those of f witnesses more than they may lie about; the ledger's own is its observers' to judge.
 */
static void jump_clock(cf_town_t *t) {
  unsigned f = t->domain->witnesses.f, n = (unsigned)cf_prng_below(&t->world.dice, t->world.nodes);
  for (unsigned i = f; i < t->domain->witnesses.cnt; i++)
    if (t->witness[i].node == n) return;
  if (n == t->ledger_node || n == t->bank_node || n == t->clerk_node) return;
  t->world.counts.fault[CF_FAULT_CLOCK]++;
  node(t, n)->skew_ms = (int64_t)cf_prng_below(&t->world.dice, 2 * JUMP_MAX_MS) - JUMP_MAX_MS;
  cf_world_say(&t->world, "%s: clock off by %lld ms", node(t, n)->name, (long long)node(t, n)->skew_ms);
}

/* One of the f that a council withstands may sign anything: it starts anew with an empty disk, and takes whatever log it is shown
 * first. */
static void forget(cf_town_t *t) {
  if (!t->domain->witnesses.f || t->witness[0].lies || t->forked) return;
  unsigned n = t->witness[0].node;
  t->world.counts.fault[CF_FAULT_FORGETFUL]++;
  cf_world_kill(&t->world, n);
  cf_disk_fini(&t->world.disk[node(t, n)->host]);
  t->check.witness[0].faulty = true;
  cf_world_start_at(&t->world, n, t->world.now_ms + 50);
}

/* ---- disks ---- */

cf_disk_t *cf_town_disk(cf_town_t *t, unsigned site) { return &t->world.disk[node(t, t->site[site].gateway_node)->host]; }

void cf_town_stop(cf_town_t *t, unsigned site, bool left_alone) {
  unsigned const n[] = {t->site[site].gateway_node, t->site[site].machine.node};
  for (int i = 0; i < 2; i++) {
    cf_world_kill(&t->world, n[i]);
    node(t, n[i])->left_alone = left_alone;
  }
}

void cf_town_go(cf_town_t *t, unsigned site) {
  unsigned const n[] = {t->site[site].machine.node, t->site[site].gateway_node};
  for (int i = 0; i < 2; i++) {
    node(t, n[i])->left_alone = false;
    cf_world_start_at(&t->world, n[i], t->world.now_ms + 100);
  }
}

static void remember_disk(cf_town_t *t) {
  unsigned i = t->old_cnt < 4 ? t->old_cnt++ : (unsigned)cf_prng_below(&t->world.dice, 4);
  cf_disk_fini(&t->old[i]);
  cf_disk_copy(&t->old[i], cf_town_disk(t, t->primary));
}

/* In place of the newest disk one on which some files are as they were: all of them, the enclave's, or any. */
static void roll_back(cf_town_t *t) {
  if (t->rolled || t->twin || t->sabotaged || !t->old_cnt) return;
  cf_disk_t const *old = &t->old[cf_prng_below(&t->world.dice, t->old_cnt)];
  cf_disk_t       *d = cf_town_disk(t, t->primary), mixed;
  uint64_t         how = cf_prng_below(&t->world.dice, 4);
  t->world.counts.fault[CF_FAULT_OLD_DISK]++;
  cf_town_stop(t, t->primary, true);
  t->saved = *d;
  t->saved_instance = t->site[t->primary].machine.instance;
  t->rolled = t->check.lossy = true;
  cf_disk_copy(&mixed, how == 0 ? old : &t->saved);
  for (size_t i = 0; how && i < t->saved.files; i++) {
    cf_span_t name = CF_SPAN(t->saved.file[i].name, strlen(t->saved.file[i].name));
    bool      its = !strncmp(t->saved.file[i].name, "enclave/", 8) && strncmp(t->saved.file[i].name, "enclave/root", 12);
    bool older = how == 1 ? its : its ? cf_prng_chance(&t->world.dice, 50000) : how == 3 && cf_prng_chance(&t->world.dice, 10000);
    cf_disk_file_t const *was = cf_disk_file(old, name);
    if (!older) continue;
    if (was) cf_disk_put(&mixed, name, cf_disk_bytes(was));
    else cf_disk_remove(&mixed, name);
  }
  *d = mixed;
  cf_world_say(&t->world, "---- an older disk, way %llu ----", (unsigned long long)how);
  cf_town_go(t, t->primary);
  cf_world_later(&t->world, t->world.now_ms + 3000 + cf_prng_below(&t->world.dice, 15000), CF_TOWN_RESTORE);
}

/* The newest disk comes back, unless witnesses went on with what grew on the older one. */
static void restore(cf_town_t *t) {
  if (!t->rolled) return;
  cf_disk_t *d = cf_town_disk(t, t->primary);
  unsigned   k = t->domain->witnesses.k;
  bool       saved = cf_check_consistent(&t->check, &t->saved) >= k, now = cf_check_consistent(&t->check, d) >= k;
  t->rolled = false;
  if (!saved && !now) t->split = true;
  if (!saved) {
    cf_world_say(&t->world, "---- the older disk is the newest now ----");
    cf_town_stop(t, t->primary, true);
    if (now && cf_sabotage_undo(t, d)) cf_world_say(&t->world, "---- but for the enclave's files ----");
    cf_town_go(t, t->primary);
    cf_disk_fini(&t->dropped);
    t->dropped = t->saved;
    t->saved = (cf_disk_t){0};
    return;
  }
  t->world.counts.happened[CF_HAPPENED_RESTORED]++;
  cf_world_say(&t->world, "---- the newest disk is back ----");
  cf_town_stop(t, t->primary, true);
  cf_disk_fini(&t->dropped);
  t->dropped = *d;
  *d = t->saved;
  t->saved = (cf_disk_t){0};
  cf_town_go(t, t->primary);
}

/* ---- twins ---- */

static void start_twin(cf_town_t *t) {
  if (t->twin || t->rolled || t->sabotaged) return;
  unsigned other = !t->primary;
  t->world.counts.fault[CF_FAULT_TWIN]++;
  t->twin = t->check.lossy = true;
  cf_disk_fini(cf_town_disk(t, other));
  cf_disk_copy(cf_town_disk(t, other), cf_town_disk(t, t->primary));
  t->site[other].tpm = t->site[t->primary].tpm;
  cf_world_say(&t->world, "---- a twin starts ----");
  cf_town_go(t, other);
  if (cf_prng_chance(&t->world.dice, 50000)) cf_town_address(t, other);
  cf_world_later(&t->world, t->world.now_ms + 3000 + cf_prng_below(&t->world.dice, 15000), CF_TOWN_UNTWIN);
}

/* The one that witnesses can go on with stays; of two such, the one that parties know. */
static void end_twin(cf_town_t *t) {
  if (!t->twin) return;
  unsigned k = t->domain->witnesses.k, a = cf_check_consistent(&t->check, cf_town_disk(t, 0)),
           b = cf_check_consistent(&t->check, cf_town_disk(t, 1));
  unsigned stays = a >= k && b >= k ? t->primary : a >= k ? 0 : 1;
  if (a < k && b < k) t->split = true;
  t->twin = false;
  cf_world_say(&t->world, "---- %s stays ----", node(t, t->site[stays].gateway_node)->name);
  cf_town_stop(t, !stays, true);
  cf_town_address(t, stays);
}

/* What was under way when the other disk was given up may have bound one witness more. */
bool cf_town_split(cf_town_t *t) {
  return t->check.lossy && cf_check_consistent(&t->check, cf_town_disk(t, t->primary)) < t->domain->witnesses.k;
}

/* ---- the operator ---- */

/* An enclave that stopped for good is started anew, as a supervisor would. */
static void operate(cf_town_t *t) {
  for (unsigned i = 0; i < CF_TOWN_SITES; i++) {
    cf_machine_t *m = &t->site[i].machine;
    if (!node(t, m->node)->up || !m->enclave || node(t, m->node)->left_alone) continue;
    bool asked = t->site[i].gateway && !strcmp(cf_gateway_status(t->site[i].gateway).missing, "enclave-restart");
    if (!asked && cf_enclave_phase(m->enclave) != CF_PHASE_STOPPED) continue;
    cf_world_kill(&t->world, m->node);
    cf_world_start_at(&t->world, m->node, t->world.now_ms + 500);
  }
  if (t->world.faults.on && !t->rolled && !t->twin && !t->sabotaged && cf_prng_chance(&t->world.dice, 25000)) remember_disk(t);
  cf_world_later(&t->world, t->world.now_ms + OPERATOR_MS, CF_TOWN_OPERATOR);
}

void cf_town_fault(void *town, uint64_t id) {
  cf_town_t *t = town;
  if (id == CF_TOWN_OPERATOR) {
    operate(t);
    return;
  }
  if (id == CF_TOWN_RESTORE) restore(t);
  if (id == CF_TOWN_UNTWIN) end_twin(t);
  if (id == CF_TOWN_WHOLE) cf_sabotage_end(t);
  if (!t->world.faults.on) return;
  if (id == CF_FAULT_ENCLAVE) end_enclave(t);
  if (id == CF_FAULT_CLOCK) jump_clock(t);
  if (id == CF_FAULT_OLD_DISK) roll_back(t);
  if (id == CF_FAULT_TWIN) start_twin(t);
  if (id == CF_FAULT_FORGETFUL) forget(t);
  if (id == CF_FAULT_HALF_BOOT) cf_sabotage_half_boot(t);
  if (id == CF_FAULT_PLANTED) cf_sabotage_plant(t);
  if (id == CF_FAULT_FORKED) cf_forger_fork(t);
}

/* ---- a seed's plan ---- */

/* Each kind is there in half of the towns, so that some meet it alone. */
static unsigned rate(cf_town_t *t, unsigned most) {
  return cf_prng_chance(&t->world.dice, 50000) ? 1 + (unsigned)cf_prng_below(&t->world.dice, most) : 0;
}

static void plan_some(cf_town_t *t, cf_fault_t kind, unsigned most, uint64_t until_ms) {
  if (!cf_prng_chance(&t->world.dice, 50000)) return;
  for (uint64_t n = 1 + cf_prng_below(&t->world.dice, most); n > 0; n--)
    cf_world_later(&t->world, t->world.now_ms + 500 + cf_prng_below(&t->world.dice, until_ms - t->world.now_ms - 500), kind);
}

/* The first member of a council that withstands one; some never say a true word. */
static unsigned liar(cf_town_t *t, cf_council_role_t role) {
  if (!cf_genesis_council(&t->domain->genesis, role)->f || !cf_prng_chance(&t->world.dice, 50000)) return 0;
  return cf_prng_chance(&t->world.dice, 30000) ? 100000 : 10000 + (unsigned)cf_prng_below(&t->world.dice, 60000);
}

static void plan_liars(cf_town_t *t) {
  t->witness[0].lies = liar(t, CF_WITNESSES);
  t->observer[0].lies = liar(t, CF_OBSERVERS);
  t->verifier[0].lies = liar(t, CF_VERIFIERS);
  t->check.witness[0].faulty = t->witness[0].lies > 0;
}

void cf_town_faults(cf_town_t *t, uint64_t until_ms) {
  unsigned *r = t->world.faults.rate;
  t->world.faults.on = true;
  plan_liars(t);
  cf_clerk_plan(&t->clerk, t, t->world.now_ms, until_ms);
  r[CF_FAULT_LOST_REQUEST] = rate(t, 8000);
  r[CF_FAULT_LOST_REPLY] = rate(t, 8000);
  r[CF_FAULT_REPEAT] = rate(t, 8000);
  r[CF_FAULT_DELAY] = rate(t, 5000);
  r[CF_FAULT_CRASH] = rate(t, 800);
  r[CF_FAULT_LOST_WRITE] = 40000;
  r[CF_FAULT_SLOW_FILE] = rate(t, 3000);
  r[CF_FAULT_TORN_WRITE] = 60000;
  r[CF_FAULT_REPLAY] = rate(t, 30000);
  r[CF_FAULT_EARLY] = rate(t, 50000);
  r[CF_FAULT_STALE_VIEW] = rate(t, 5000);
  r[CF_FAULT_LYING_LEDGER] = rate(t, 20000);
  r[CF_FAULT_STALE_LOG] = rate(t, 30000);
  r[CF_FAULT_UNFINAL] = rate(t, 5000);
  r[CF_FAULT_HIDDEN] = rate(t, 20000);
  r[CF_FAULT_MIXED_VIEW] = rate(t, 5000);
  r[CF_FAULT_ZOMBIE] = rate(t, 100000);
  r[CF_FAULT_WITHHELD] = 30000;
  r[CF_FAULT_FORGED] = rate(t, 5000);
  plan_some(t, CF_FAULT_ENCLAVE, 4, until_ms);
  plan_some(t, CF_FAULT_OLD_DISK, 3, until_ms);
  plan_some(t, CF_FAULT_FORGETFUL, 3, until_ms);
  plan_some(t, CF_FAULT_HALF_BOOT, 3, until_ms);
  plan_some(t, CF_FAULT_FORKED, 1, until_ms);
  if (cf_prng_chance(&t->world.dice, 30000)) plan_some(t, CF_FAULT_PLANTED, 1, until_ms);
  if (cf_prng_chance(&t->world.dice, 40000)) plan_some(t, CF_FAULT_TWIN, 2, until_ms);
  plan_some(t, CF_FAULT_CLOCK, 4, until_ms);
}

void cf_town_mend(cf_town_t *t) {
  t->world.faults.on = false;
  restore(t);
  end_twin(t);
  cf_sabotage_end(t);
  for (unsigned i = 0; i < t->world.nodes; i++) {
    node(t, i)->skew_ms = 0;
    if (!node(t, i)->up && !node(t, i)->left_alone) cf_world_start_at(&t->world, i, t->world.now_ms);
  }
  cf_world_say(&t->world, "---- no faults from here ----");
}

bool cf_town_serves(cf_town_t const *t) {
  cf_site_t const *s = &t->site[t->primary];
  return s->gateway && s->machine.enclave && cf_enclave_phase(s->machine.enclave) == CF_PHASE_SERVING &&
         !cf_gateway_status(s->gateway).missing[0];
}

char const *cf_town_state(cf_town_t const *t) {
  static char      line[400];
  cf_site_t const *s = &t->site[t->primary];
  if (!s->gateway) return "the gateway is down";
  cf_gateway_status_t g = cf_gateway_status(s->gateway);
  snprintf(line, sizeof line,
           "mode %u, missing '%s', epoch %llu, sequence %llu, logged %llu, cosigned %llu of %llu, settled %llu of %llu", g.mode,
           g.missing, (unsigned long long)g.epoch, (unsigned long long)g.sequence, (unsigned long long)g.logged,
           (unsigned long long)g.cosigned, (unsigned long long)g.log_size, (unsigned long long)g.settled,
           (unsigned long long)g.settlements);
  for (unsigned i = 0; i < t->parties; i++) {
    cf_party_node_t const *p = &t->party[i];
    size_t                 n = strlen(line), by[4] = {0};
    for (size_t k = 0; k < p->file.inputs; k++)
      by[p->file.input[k].superseded                   ? 3
         : p->file.input[k].state == CF_INPUT_ANSWERED ? 2
                                                       : p->file.input[k].state != CF_INPUT_PLANNED]++;
    snprintf(line + n, sizeof line - n, "; party %u: %zu planned, %zu sealed, %zu answered, %zu superseded%s%s%s", i + 1, by[0],
             by[1], by[2], by[3], p->have ? "" : ", no evidence", p->suspect ? ", suspects" : "", p->busy ? ", asking" : "");
  }
  return line;
}
