// link: enclave session workload translog ledger
/* The gateway with its ledger on a chain, under faults that a seed draws: blocks undone, pools emptied, fees and gas that rise, nodes that lie or are
   silent, others who submit first, processes that end.  Then all is mended, and everything must have been executed once.
   `test_gateway_seeds N FIRST` runs N seeds (make chain-seeds). */
#include "chain_town.h"

#include "crypto/cf_entropy_sim.c"

#ifdef __SANITIZE_ADDRESS__
static unsigned seeds = 2;
#else
static unsigned seeds = 5;
#endif
static uint64_t first = 1;

enum { ENVELOPES = 128, FAULTS_MS = 150000 };

static struct {
  uint64_t  state; /* splitmix64 */
  cf_span_t env[ENVELOPES];
  unsigned  payer[ENVELOPES], amount[ENVELOPES];
  size_t    envs;
  uint64_t  units[2]; /* paid in */
  unsigned  deaths;
} run;

static uint64_t
draw(uint64_t below) {
  uint64_t z = run.state += 0x9e3779b97f4a7c15u;
  z          = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z          = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (z ^ z >> 31) % below;
}

/* About once in so many seconds. */
static bool
comes(uint64_t seconds) {
  return draw(seconds * 10) == 0;
}

static void
pays(town_t *t, party_t *p) {
  static log_t l;
  unsigned     payer = (unsigned)draw(2);
  if (run.envs == ENVELOPES) return;
  log_read(t, &l);
  if (cf_history_certified(&l.history)->index != p[payer].session.to.epoch) p[payer].session.to.epoch = 0;
  run.payer[run.envs]  = payer;
  run.amount[run.envs] = 1 + (unsigned)draw(20);
  run.env[run.envs]    = pay(t, &p[payer], 2 - payer, run.amount[run.envs]);
  (void)post(t, &run.env[run.envs++], 1);
}

/* With one node alone what cannot be proven is what it says: it lies about the rest. */
static unsigned
some_lie(town_t const *t) {
  static unsigned const proven[] = { LIE_HEADER, LIE_BLOCK, LIE_OLDER, LIE_FORGED, LIE_SHORT, LIE_CODE, LIE_ACCOUNT, LIE_LEFT_OUT, LIE_ADDED, LIE_ALTERED, LIE_ORDER, LIE_SHUFFLED,
                                     LIE_GARBAGE, LIE_OVERFLOW, LIE_REFUSES, LIE_REFUSES_ALL, LIE_SILENT },
                        other[] = { LIE_RECEIPTS, LIE_ABSENT, LIE_TAKES, LIE_SINCE };
  size_t i = draw(CF_COUNT_OF(proven) + (t->nodes > 1 ? CF_COUNT_OF(other) : 0));
  return i < CF_COUNT_OF(proven) ? proven[i] : other[i - CF_COUNT_OF(proven)];
}

static void
nodes_fail(town_t *t) {
  bool all = draw(4) == 0;
  for (unsigned i = 0; i < t->nodes; i++) t->node[i].lies = all ? LIE_SILENT : 0;
  if (!all) t->node[draw(t->nodes)].lies = some_lie(t);
}

static void
restart(town_t *t, bool enclave_too) {
  town_restart(t, enclave_too);
  run.deaths++;
}

static void
chain_fails(town_t *t) {
  node_chain_t *c = t->chain;
  if (comes(20)) chain_reorganise(c, 1 + draw(c->depth), draw(2));
  if (comes(30)) c->pool_cnt = 0;
  if (comes(30)) c->full = draw(2);
  if (comes(30)) c->base_wei = draw(2) ? NODE_BASE_WEI : (1 + draw(60)) * (uint64_t)NODE_BASE_WEI;
  if (comes(40)) c->gas_more = draw(2) ? 0 : 10000000;
  if (comes(40)) t->no_blocks = draw(2);
  if (comes(15)) {
    item_t const *it = sent(t, draw(2) ? CF_OP_SETTLE : CF_OP_REGISTER);
    if (it && !it->block) relay(t, it);
  }
}

/* A tenth of a second with whatever comes in it. */
static void
faults(town_t *t, party_t *p) {
  if (comes(5)) pays(t, p);
  if (comes(20)) {
    unsigned who = (unsigned)draw(2);
    deposit(t, &p[who], 5);
    run.units[who] += 5;
  }
  chain_fails(t);
  if (comes(25)) nodes_fail(t);
  if (comes(15))
    for (unsigned i = 0; i < t->nodes; i++) t->node[i].lies = 0;
  if (comes(40)) t->durable_left = draw(40);
  if (comes(80)) restart(t, draw(2));
  if (t->w->e && comes(90)) enclave_end(t->w);
  town_run(t, 100);
  if (t->dead) restart(t, draw(2));
  if (!t->w->e ? town_missing(t)[0] != 0 : !strcmp(town_missing(t), "enclave-restart")) town_enclave(t); /* when the gateway knows */
  t->trace_cnt = 0;
}

static void
mend(town_t *t) {
  node_chain_t *c = t->chain;
  c->full = t->no_blocks = false;
  c->base_wei            = NODE_BASE_WEI;
  c->gas_more            = 0;
  for (unsigned i = 0; i < t->nodes; i++) t->node[i].lies = 0;
  for (int i = 0; i < 6000 && !t->w->e && !town_missing(t)[0]; i++) town_run(t, 10);
  if (!t->w->e) town_enclave(t);
  for (unsigned i = 0; i < 4 && !town_serves(t, 60000); i++)
    if (!strcmp(town_missing(t), "enclave-restart")) town_enclave(t);
}

static bool
balanced(town_t *t, unsigned const *holds) {
  uint64_t has[2] = { 1000 + run.units[0], 1000 + run.units[1] };
  for (size_t i = 0; i < run.envs; i++)
    if (holds[i]) has[run.payer[i]] -= run.amount[i], has[1 - run.payer[i]] += run.amount[i];
  return lane(t, 1) == has[0] && lane(t, 2) == has[1];
}

static void
live(uint64_t seed) {
  static unsigned holds[ENVELOPES];
  party_t         p[2];
  memset(&run, 0, sizeof run);
  run.state      = seed;
  cf_hash_t at   = { { (uint8_t)seed, (uint8_t)(seed >> 8), (uint8_t)(seed >> 16), 1 } };
  static cf_drbg_t drbg;
  cf_drbg_init(&drbg, &at);
  cf_crypto_seed_libcrypto(cf_drbg_entropy(&drbg)); /* a seed is the same run each time */
  town_t *t = serving(seed, draw(2) ? 3 : 1, p, 2);
  for (uint64_t end = t->now_ms + FAULTS_MS; t->now_ms < end;) faults(t, p);
  t->durable_left = SIZE_MAX;
  mend(t);
  if (town_missing(t)[0]) fail_msg("seed %llu: missing %s: %s", (unsigned long long)seed, town_missing(t), status(t));
  for (size_t i = 0; i < run.envs; i++) {
    t->trace_cnt = 0;
    (void)post_and_wait(t, &run.env[i], 1);
  }
  bool ok = false;
  for (unsigned i = 0; i < 60 && !ok; i++) {
    for (unsigned k = 0; k < 2 && run.envs < ENVELOPES && i % 10 == 0; k++) pays(t, p); /* a window closes over two inputs at least */
    t->trace_cnt = 0;
    town_run(t, 5000);
    check_log(t, run.env, holds, run.envs);
    ok = balanced(t, holds);
  }
  if (!ok) fail_msg("seed %llu: %llu and %llu: %s", (unsigned long long)seed, (unsigned long long)lane(t, 1), (unsigned long long)lane(t, 2), status(t));
  for (size_t i = 0; i < run.envs; i++)
    if (holds[i] > 1) fail_msg("seed %llu: an envelope is in %u receipts", (unsigned long long)seed, holds[i]);
  town_run(t, 60000);
  cf_sender_status_t s = cf_sender_status(&t->g->evm->sender);
  if (s.halt || s.live + s.queued || s.total_wei != t->chain->spent_wei) fail_msg("seed %llu: %llu: %s", (unsigned long long)seed, (unsigned long long)t->chain->spent_wei, status(t));
  if (getenv("SEEDS_TELL")) {
    made_t m = made(t, CF_OP_SETTLE);
    printf("seed %llu: %u lives, %zu inputs; settlements %u ours, %u others', %u refused; %u cancelled\n", (unsigned long long)seed, run.deaths + 1, run.envs, m.ours, m.others, m.refused, m.nothing);
  }
  town_free(t);
}

static void
test_seeds(void **state) {
  for (unsigned i = 0; i < seeds; i++) live(first + i);
}

int
main(int argc, char **argv) {
  if (argc > 1) seeds = (unsigned)strtoul(argv[1], NULL, 10);
  if (argc > 2) first = strtoull(argv[2], NULL, 10);
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_seeds) };
  return cmocka_run_group_tests(tests, setup, teardown);
}
