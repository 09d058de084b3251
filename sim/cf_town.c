#include "cf_town.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cf_forger.h"
#include "cf_leak.h"
#include "cf_liars.h"
#include "cf_nonces.h"
#include "ledger/cf_call.h"

enum { GATEWAY_ENCLAVE, GATEWAY_LAUNCHER, GATEWAY_LEDGER, GATEWAY_MEMBERS };
enum { MEMBER_GATEWAY, MEMBER_LEDGER };
enum { FUNDING = 10000, LOG_CAP = 1024, INDEX_CAP = 1024 };

cf_entropy_t cf_town_entropy(cf_town_t *t, cf_drbg_t *drbg) {
  uint8_t buf[40];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_hash(&wr, &t->seed);
  cf_wr_u64(&wr, ++t->lives);
  cf_hash_t seed = cf_sha256(cf_wr_out(&wr));
  cf_drbg_init(drbg, &seed);
  return cf_drbg_entropy(drbg);
}

static unsigned size_of(cf_town_t const *t, cf_council_role_t role) {
  return (unsigned)cf_genesis_council(&t->domain->genesis, role)->members_cnt;
}

/* A start that cannot be is the simulator's own fault, or a violation of the core's contract. */
static void must(cf_town_t *t, cf_status_t st, char const *what, cf_error_t const *err) {
  if (st) cf_world_fail(&t->world, 0, "%s: %s: %s", what, err->item, err->text);
}

/* ---- witnesses ---- */

static void witness_start(void *ctx) {
  cf_councillor_t *c = ctx;
  cf_town_t       *t = c->town;
  cf_witness_init(&c->witness, &t->domain->witnesses.member[c->index], t->keys.member[CF_WITNESSES][c->index].es256);
  must(t, cf_witness_trust(&c->witness, &t->domain->witnesses.log), "witness", &(cf_error_t){0});
}

static void witness_step(void *ctx, cf_effects_t *fx, cf_event_t const *ev) {
  cf_councillor_t *c = ctx;
  cf_check_asked(&c->town->check, c->index, ev);
  cf_witness_step(&c->witness, fx, ev); /* each request is a burst of its own */
  if (ev->kind == CF_EV_REQUEST) cf_witness_step(&c->witness, fx, &(cf_event_t){.kind = CF_EV_TICK, .now = ev->now});
  cf_liar_witness(c, fx, ev);
}

/* ---- verifiers ---- */

static void verifier_start(void *ctx) {
  cf_councillor_t *c = ctx;
  cf_town_t       *t = c->town;
  static cf_root_t root;
  cf_error_t       err = {0};
  root = (cf_root_t){CF_CLASS_OWNER, CF_SPAN(cf_soft_ca()->root, cf_soft_ca()->root_sz)};
  c->verifier = calloc(1, sizeof *c->verifier);
  assert(c->verifier);
  cf_verifier_config_t cfg = {.domain = t->domain,
                              .gateway = MEMBER_GATEWAY,
                              .member = (uint8_t)c->index,
                              .scalar = t->keys.member[CF_VERIFIERS][c->index].scalar,
                              .key = c->key,
                              .entropy = cf_town_entropy(t, &c->drbg),
                              .roots = &root,
                              .root_cnt = 1};
  must(t, cf_verifier_init(c->verifier, &cfg, &err), "verifier", &err);
}

static void verifier_end(void *ctx) {
  cf_councillor_t *c = ctx;
  free(c->verifier);
  c->verifier = NULL;
}

static void verifier_step(void *ctx, cf_effects_t *fx, cf_event_t const *ev) {
  cf_councillor_t *c = ctx;
  cf_verifier_step(c->verifier, fx, ev);
  cf_liar_verifier(c, fx);
}

/* ---- observers ---- */

static void observer_start(void *ctx) {
  cf_councillor_t *c = ctx;
  cf_town_t       *t = c->town;
  cf_error_t       err = {0};
  c->observer = calloc(1, sizeof *c->observer);
  assert(c->observer);
  cf_observer_config_t cfg = {.domain = t->domain,
                              .gateway = MEMBER_GATEWAY,
                              .ledger = MEMBER_LEDGER,
                              .member = (uint8_t)c->index,
                              .scalar = t->keys.member[CF_OBSERVERS][c->index].scalar};
  must(t, cf_observer_init(c->observer, &cfg, &err), "observer", &err);
}

static void observer_end(void *ctx) {
  cf_councillor_t *c = ctx;
  cf_observer_fini(c->observer);
  free(c->observer);
  c->observer = NULL;
}

static void observer_step(void *ctx, cf_effects_t *fx, cf_event_t const *ev) {
  cf_councillor_t *c = ctx;
  cf_observer_step(c->observer, fx, ev);
  cf_liar_observer(c, fx);
}

/* ---- the ledger ---- */

static void ledger_start(void *ctx) {
  cf_town_t *t = ctx;
  t->ledger = calloc(1, sizeof *t->ledger);
  assert(t->ledger);
  cf_ledgerd_init(t->ledger, &(cf_ledgerd_config_t){.genesis = &t->domain->block0, .scalar = t->keys.ledger, .interval_ms = 200});
}

static void ledger_end(void *ctx) {
  cf_town_t *t = ctx;
  cf_ledgerd_fini(t->ledger);
  free(t->ledger);
  t->ledger = NULL;
}

static void ledger_step(void *ctx, cf_effects_t *fx, cf_event_t const *ev) {
  cf_ledgerd_step(((cf_town_t *)ctx)->ledger, fx, ev);
}

/* ---- the gateway ---- */

static void gateway_start(void *ctx) {
  cf_site_t          *s = ctx;
  cf_town_t          *t = s->town;
  cf_error_t          err = {0};
  unsigned            at = GATEWAY_MEMBERS;
  cf_gateway_config_t cfg = {.genesis = CF_SPAN(t->genesis, t->genesis_sz),
                             .deployment = CF_SPAN(t->deployment, t->deployment_sz),
                             .log_seed = t->keys.log,
                             .key = t->gateway_key,
                             .entropy = cf_town_entropy(t, &s->drbg),
                             .batch_max = 16,
                             .envelope_max = 4096,
                             .log_cap = LOG_CAP,
                             .index_cap = INDEX_CAP,
                             .enclave = GATEWAY_ENCLAVE,
                             .launcher = GATEWAY_LAUNCHER,
                             .ledger = GATEWAY_LEDGER,
                             .ledger_url = "http://ledger.sim",
                             .log_url = "http://log.sim"};
  for (unsigned i = 0; i < size_of(t, CF_WITNESSES); i++) cfg.witness[i] = at++;
  for (unsigned i = 0; i < size_of(t, CF_VERIFIERS); i++) cfg.verifier[i] = at++;
  for (unsigned i = 0; i < size_of(t, CF_OBSERVERS); i++) cfg.observer[i] = at++;
  s->mem_sz = cf_gateway_sz(&cfg);
  s->mem = mmap(NULL, s->mem_sz ? s->mem_sz : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0); /* touched as it is used */
  assert(s->mem != MAP_FAILED);
  must(t, cf_gateway_init(&s->gateway, s->mem, s->mem_sz, &cfg, &err), "gateway", &err);
}

static void gateway_end(void *ctx) {
  cf_site_t *s = ctx;
  if (s->gateway) cf_gateway_fini(s->gateway);
  if (munmap(s->mem, s->mem_sz ? s->mem_sz : 1)) abort();
  s->gateway = NULL;
}

static void gateway_step(void *ctx, cf_effects_t *fx, cf_event_t const *ev) {
  cf_site_t *s = ctx;
  if (s->gateway) cf_gateway_step(s->gateway, fx, ev);
}

/* ---- building ---- */

static unsigned add(cf_town_t *t, cf_sim_node_t n, char const *name) {
  n.host = cf_world_host(&t->world);
  snprintf(n.name, sizeof n.name, "%s", name);
  return cf_world_add(&t->world, &n);
}

static void add_council(cf_town_t *t, cf_council_role_t role, cf_councillor_t *c, cf_sim_node_t n, char const *name) {
  char full[CF_SIM_NAME_MAX];
  for (unsigned i = 0; i < size_of(t, role); i++) {
    snprintf(full, sizeof full, "%s-%u", name, i + 1);
    c[i] = (cf_councillor_t){.town = t, .index = i};
    if (role == CF_VERIFIERS) c[i].key = cf_p256_key_from(t->keys.member[role][i].es256);
    n.ctx = &c[i];
    c[i].node = add(t, n, full);
  }
}

/* What an operator finds made when he founded the domain. */
static void found(cf_town_t *t, cf_disk_t *d) {
  uint8_t buf[CF_VKEY_TEXT_MAX + 1];
  cf_wr_t vkey = cf_wr_init(buf, sizeof buf);
  cf_vkey_format(&vkey, &t->domain->witnesses.log);
  cf_wr_u8(&vkey, '\n');
  cf_disk_put(d, CF_SPAN_LIT("public/log.vkey"), cf_wr_out(&vkey));
  cf_disk_put(d, CF_SPAN_LIT("public/genesis"), CF_SPAN(t->genesis, t->genesis_sz));
}

static void add_site(cf_town_t *t, unsigned i) {
  static char const *const gateways[] = {"gateway", "gateway-twin"}, *const machines[] = {"enclave", "enclave-twin"};
  cf_site_t    *s = &t->site[i];
  unsigned      host = cf_world_host(&t->world), at = GATEWAY_MEMBERS;
  cf_sim_node_t n = {
      .host = host, .ctx = s, .start = gateway_start, .end = gateway_end, .step = gateway_step, .serves_public = true};
  snprintf(n.name, sizeof n.name, "%s", gateways[i]);
  s->town = t;
  found(t, &t->world.disk[host]);
  s->tpm = t->tpm; /* a twin's TPM was copied with the rest */
  s->machine = (cf_machine_t){.world = &t->world,
                              .tpm = &s->tpm,
                              .genesis = CF_SPAN(t->genesis, t->genesis_sz),
                              .configuration = CF_SPAN(t->configuration, t->configuration_sz),
                              .program = t->program,
                              .domain = t->domain->id};
  cf_sim_node_t m = cf_machine_node(&s->machine, machines[i], host);
  s->machine.node = cf_world_add(&t->world, &m);
  n.peer[GATEWAY_ENCLAVE] = (cf_sim_peer_t){s->machine.node, "enclave"};
  n.peer[GATEWAY_LAUNCHER] = (cf_sim_peer_t){s->machine.node, "launcher"};
  n.peer[GATEWAY_LEDGER] = (cf_sim_peer_t){t->ledger_node, NULL};
  for (unsigned k = 0; k < size_of(t, CF_WITNESSES); k++) n.peer[at++].node = t->witness[k].node;
  for (unsigned k = 0; k < size_of(t, CF_VERIFIERS); k++) n.peer[at++].node = t->verifier[k].node;
  for (unsigned k = 0; k < size_of(t, CF_OBSERVERS); k++) n.peer[at++].node = t->observer[k].node;
  s->gateway_node = cf_world_add(&t->world, &n);
}

void cf_town_address(cf_town_t *t, unsigned site) {
  unsigned gateway = t->site[site].gateway_node;
  t->primary = site;
  for (unsigned i = 0; i < size_of(t, CF_VERIFIERS); i++) t->world.node[t->verifier[i].node].peer[MEMBER_GATEWAY].node = gateway;
  for (unsigned i = 0; i < size_of(t, CF_OBSERVERS); i++) {
    t->world.node[t->observer[i].node].peer[MEMBER_GATEWAY].node = gateway;
    t->world.node[t->observer[i].node].peer[MEMBER_LEDGER].node = t->ledger_node;
  }
  for (unsigned i = 0; i < t->parties; i++) t->world.node[t->party_node[i]].peer[CF_PEER_GATEWAY].node = gateway;
}

static void bank_call(cf_town_t *t, cf_wr_t *wr, cf_op_t const *op, uint8_t const *sender, uint64_t nonce) {
  uint8_t   op_buf[256], buf[512];
  cf_wr_t   ow = cf_wr_init(op_buf, sizeof op_buf), cw = cf_wr_init(buf, sizeof buf);
  cf_call_t call = {.nonce = nonce, .deadline_s = t->world.now_ms / 1000 + 86400};
  cf_op_write(&ow, op);
  call.op = cf_wr_out(&ow);
  if (sender && cf_call_sign(&call, &t->domain->ledger.separator, sender)) abort();
  cf_call_write(&cw, &call);
  cf_wr_u32(wr, (uint32_t)cw.len);
  cf_wr_span(wr, cf_wr_out(&cw));
}

static void add_people(cf_town_t *t) {
  cf_wr_t  wr = cf_wr_init(t->bank.calls, sizeof t->bank.calls);
  uint64_t nonce = 0, free_nonce = 0;
  for (unsigned i = 0; i < t->parties; i++) {
    cf_op_t op = {.kind = CF_OP_OPEN, .addr = t->party[i].wallet.addr};
    bank_call(t, &wr, &op, NULL, free_nonce++);
    for (uint32_t a = 0; a < t->assets; a++) {
      op = (cf_op_t){.kind = CF_OP_OPEN_LANE, .asset = a, .id = i + 1};
      bank_call(t, &wr, &op, NULL, free_nonce++);
      op = (cf_op_t){.kind = CF_OP_DEPOSIT, .asset = a, .id = i + 1, .units = FUNDING};
      bank_call(t, &wr, &op, t->keys.treasury, nonce++);
    }
  }
  assert(!wr.bad);
  t->bank.len = wr.len;
  t->bank_node = add(t, (cf_sim_node_t){.ctx = &t->bank, .step = cf_bank_step}, "bank");
  t->world.node[t->bank_node].peer[CF_PEER_LEDGER].node = t->ledger_node;
  t->clerk_node = add(t, (cf_sim_node_t){.ctx = &t->clerk, .step = cf_clerk_step}, "clerk");
  t->world.node[t->clerk_node].peer[CF_PEER_LEDGER].node = t->ledger_node;
}

/* Two sets of secrets that nobody outside can tell apart: other amounts, which leave everybody's sign as it is, and for some inputs
   another reason to be refused (no credit, and to oneself). */
static void hide(cf_town_t const *t, cf_party_input_t *in, unsigned party, size_t i) {
  in->amount = (1 + in->amount % 400) * t->secrets;
  if (in->withdrawal || i % 4 != 3) return;
  if (t->secrets == 1) in->amount = 1000000;
  else in->payee = party + 1;
}

/* What a party will want: some obligations to others, some withdrawals, over half a minute. */
static void plan(cf_town_t *t, unsigned party) {
  cf_party_file_t *f = &t->party[party].plan;
  f->inputs = 3 + cf_prng_below(&t->draw, 6);
  for (size_t i = 0; i < f->inputs; i++) {
    uint32_t payee = 1 + (uint32_t)((party + 1 + cf_prng_below(&t->draw, t->parties - 1)) % t->parties);
    f->input[i] = (cf_party_input_t){.due_ms = t->world.now_ms + 2000 + cf_prng_below(&t->draw, 20000),
                                     .payee = payee,
                                     .asset = (uint32_t)cf_prng_below(&t->draw, t->assets),
                                     .amount = 1 + cf_prng_below(&t->draw, 3000),
                                     .withdrawal = cf_prng_chance(&t->draw, 10000)};
    if (f->input[i].withdrawal) f->input[i].payee = 0;
    if (t->secrets) hide(t, &f->input[i], party, i);
  }
}

/* What a party sealed in this step leaves with its POST, or never: its file is durable first. */
static void party_step(void *ctx, cf_effects_t *fx, cf_event_t const *ev) {
  cf_party_node_t *p = ctx;
  if (ev->kind == CF_EV_START) cf_nonces_forget(p->account);
  cf_nonces_of(p->account);
  cf_party_step(p, fx, ev);
  cf_nonces_of(0);
}

static void make_party(cf_town_t *t, unsigned i, cf_entropy_t const *e) {
  static cf_drbg_t drbg[CF_TOWN_PARTIES_MAX];
  cf_party_node_t *p = &t->party[i];
  char             name[CF_SIM_NAME_MAX];
  *p = (cf_party_node_t){.world = &t->world,
                         .domain = t->domain->id,
                         .account = i + 1,
                         .ciphers = cf_ciphers_new(cf_suite(1)),
                         .funded = &t->bank.done,
                         .entropy = cf_town_entropy(t, &drbg[i]),
                         .on_receipt = cf_check_given,
                         .on_promise = cf_check_promised,
                         .ctx = &t->check};
  cf_wallet_make(&p->wallet, e);
  cf_account_init(&p->plan.account, &p->domain, p->file.pending, CF_PARTY_INPUTS_MAX);
  plan(t, i);
  snprintf(name, sizeof name, "party-%u", i + 1);
  p->node = t->party_node[i] = add(t, (cf_sim_node_t){.ctx = p, .step = party_step, .end = cf_party_end}, name);
}

static void on_effect(void *ctx, unsigned node, cf_effect_t const *e) {
  cf_town_t *t = ctx;
  cf_check_effect(&t->check, node, e);
  cf_check_statement(&t->check, node, e);
  if (t->seen) cf_leak_effect(t->seen, &t->world, node, e);
  for (unsigned i = 0; i < t->parties && e->kind == CF_FX_ASK; i++)
    if (t->party_node[i] == node) cf_nonces_left(i + 1);
}

static void before(void *ctx, cf_machine_t *m, cf_span_t request) {
  (void)request;
  cf_check_before(&((cf_town_t *)ctx)->check, m);
}

static void watch(void *ctx, cf_machine_t *m, cf_span_t request, cf_span_t answer) {
  cf_town_t *t = ctx;
  cf_check_boundary(&t->check, m, request, answer);
  if (t->seen) cf_leak_crossing(t->seen, &t->world, request, answer);
  if (cf_nonces_reused()) cf_world_fail(&t->world, 13, "%s", cf_nonces_reused());
  cf_host_forge(t, m, request, answer);
}

/* The zombie's memory is all that it has: nobody starts it again. */
static void make_zombie(cf_town_t *t) {
  t->zombie = (cf_machine_t){.world = &t->world, .before = before, .watch = watch, .ctx = t, .node = t->site[0].machine.node};
  t->zombie.answer = malloc(CF_FRAME_MAX);
  assert(t->zombie.answer);
}

void cf_town_build(cf_town_t *t, uint64_t seed, FILE *trace, unsigned secrets, FILE *seen) {
  static cf_drbg_t libcrypto, people;
  memset(t, 0, sizeof *t);
  cf_nonces_begin();
  cf_world_init(&t->world, seed, trace);
  t->draw.state = seed ^ 0x746f776e;
  t->seed.b[0] = 1;
  memcpy(t->seed.b + 8, &seed, sizeof seed);
  t->one = seed % 2;
  t->secrets = secrets;
  t->seen = seen;
  t->assets = 1 + (unsigned)cf_prng_below(&t->draw, 3);
  t->parties = 2 + (unsigned)cf_prng_below(&t->draw, 2);
  cf_crypto_seed_libcrypto(cf_town_entropy(t, &libcrypto));
  cf_town_found(t);
  if (t->world.violation[0]) return;
  cf_check_init(&t->check, t);
  t->ledger_node = add(t, (cf_sim_node_t){.ctx = t, .start = ledger_start, .end = ledger_end, .step = ledger_step}, "ledger");
  add_council(t, CF_WITNESSES, t->witness, (cf_sim_node_t){.start = witness_start, .step = witness_step}, "witness");
  add_council(t, CF_OBSERVERS, t->observer, (cf_sim_node_t){.start = observer_start, .end = observer_end, .step = observer_step},
              "observer");
  add_council(t, CF_VERIFIERS, t->verifier, (cf_sim_node_t){.start = verifier_start, .end = verifier_end, .step = verifier_step},
              "verifier");
  for (unsigned i = 0; i < CF_TOWN_SITES; i++) add_site(t, i);
  make_zombie(t);
  for (unsigned i = 0; i < CF_TOWN_SITES; i++) {
    t->site[i].machine.entropy = cf_town_entropy(t, &t->site[i].drbg_machine);
    t->site[i].machine.before = before;
    t->site[i].machine.watch = watch;
    t->site[i].machine.zombie = &t->zombie;
    t->site[i].machine.outlives = cf_zombie_outlives;
    t->site[i].machine.tamper = cf_host_tamper;
    t->site[i].machine.restore = cf_host_restore;
    t->site[i].machine.ctx = t;
  }
  cf_entropy_t e = cf_town_entropy(t, &people);
  for (unsigned i = 0; i < t->parties; i++) make_party(t, i, &e);
  add_people(t);
  cf_town_address(t, 0);
  t->world.on_effect = on_effect;
  t->world.on_fault = cf_town_fault;
  t->world.on_answer = cf_forger_answer;
  t->world.ctx = t;
  t->world.node[t->site[1].gateway_node].left_alone = t->world.node[t->site[1].machine.node].left_alone = true;
  for (unsigned i = 0; i < t->world.nodes; i++) cf_world_start_at(&t->world, i, t->world.now_ms);
  cf_world_later(&t->world, t->world.now_ms + 2000, CF_TOWN_OPERATOR);
}

void cf_town_raze(cf_town_t *t) {
  cf_world_fini(&t->world);
  cf_check_fini(&t->check);
  for (unsigned i = 0; i < t->old_cnt; i++) cf_disk_fini(&t->old[i]);
  cf_disk_fini(&t->saved);
  cf_disk_fini(&t->dropped);
  for (unsigned i = 0; i < CF_TOWN_SITES; i++) cf_machine_fini(&t->site[i].machine);
  cf_machine_fini(&t->zombie);
  for (unsigned i = 0; i < t->parties; i++) cf_ciphers_free(&t->party[i].ciphers);
  for (unsigned i = 0; i < CF_TOWN_MEMBERS_MAX; i++) cf_p256_key_free(t->verifier[i].key);
  cf_host_fini(&t->hostile);
  cf_forger_fini(&t->forger);
  cf_softtpm_fini(&t->tpm);
  cf_p256_key_free(t->gateway_key);
  free(t->domain);
}
