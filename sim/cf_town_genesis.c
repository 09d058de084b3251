/* The documents of a drawn domain: policy, genesis, deployment. */
#include <assert.h>
#include <stdlib.h>

#include "base/cf_secret.h"
#include "cf_town.h"
#include "ledger/cf_blocks.h"
#include "workload/cf_clearing.h"

static cf_span_t text(char const *s) { return CF_SPAN(s, strlen(s)); }

static void addr_of(uint8_t out[20], uint8_t const scalar[32]) {
  cf_addr_t   a;
  cf_status_t st = cf_k256_addr(&a, scalar);
  assert(!st);
  (void)st;
  memcpy(out, a.b, 20);
}

static void p256_of(uint8_t out[64], uint8_t const scalar[32]) {
  cf_p256_pub_t  pub;
  cf_p256_key_t *key = cf_p256_key_from(scalar);
  cf_p256_key_pub(key, &pub);
  cf_p256_key_free(key);
  memcpy(out, pub.b, 64);
}

static void ed25519_of(uint8_t out[32], uint8_t const seed[32]) {
  cf_ed25519_pub_t pub;
  cf_ed25519_pub(&pub, seed);
  memcpy(out, pub.b, 32);
}

/* ---- keys ---- */

static void keys_make(cf_town_t *t) {
  cf_drbg_t       drbg;
  cf_entropy_t    e = cf_town_entropy(t, &drbg);
  cf_town_keys_t *k = &t->keys;
  cf_entropy_fill(&e, k->log, 32);
  cf_k256_scalar_make(k->log_es256, &e); /* below both curves' orders */
  cf_k256_scalar_make(k->gateway, &e);
  cf_k256_scalar_make(k->ledger, &e);
  cf_k256_scalar_make(k->treasury, &e);
  for (unsigned role = CF_GOVERNORS; role <= CF_OBSERVERS; role++)
    for (unsigned i = 0; i < CF_TOWN_MEMBERS_MAX; i++) {
      cf_k256_scalar_make(k->member[role][i].scalar, &e);
      cf_k256_scalar_make(k->member[role][i].es256, &e);
    }
  k->gateway[0] = k->log_es256[0] = 1;
  for (unsigned i = 0; i < CF_TOWN_MEMBERS_MAX; i++) k->member[CF_VERIFIERS][i].es256[0] = 1;
  cf_softtpm_init(&t->tpm, &e);
  t->gateway_key = cf_p256_key_from(k->gateway);
  assert(t->gateway_key);
}

/* ---- councils ---- */

static void council(cf_town_t const *t, cf_council_t *c, cf_council_role_t role, unsigned k, unsigned n) {
  static char const *const names[CF_OBSERVERS + 1][CF_TOWN_MEMBERS_MAX] = {
      [CF_GOVERNORS] = {"g1", "g2", "g3", "g4"},
      [CF_GUARDIANS] = {"u1", "u2", "u3", "u4"},
      [CF_VERIFIERS] = {"v1", "v2", "v3", "v4"},
      [CF_WITNESSES] = {"w1.sim", "w2.sim", "w3.sim", "w4.sim"},
      [CF_OBSERVERS] = {"o1", "o2", "o3", "o4"}};
  bool meet = role == CF_WITNESSES || role == CF_OBSERVERS;
  *c = (cf_council_t){.role = role, .k = k, .f = meet ? cf_council_f_max(n, k) : k - 1, .version = 1, .members_cnt = n};
  for (unsigned i = 0; i < n; i++) {
    cf_member_t         *m = &c->members[i];
    cf_town_key_t const *key = &t->keys.member[role][i];
    m->name = text(names[role][i]);
    if (role == CF_WITNESSES) ed25519_of(m->ed25519, key->es256);
    else addr_of(m->addr, key->scalar);
    if (role == CF_VERIFIERS) p256_of(m->es256, key->es256);
  }
}

static void act(cf_town_t const *t, cf_council_doc_t *doc, cf_span_t body, cf_hash_t const *separator) {
  unsigned k = t->one ? 1 : 2;
  *doc = (cf_council_doc_t){.body = body, .council = CF_GOVERNORS, .version = 1, .not_after = (1ULL << 40) - 1, .sigs_cnt = k};
  cf_hash_t hash = cf_document_hash(CF_SPAN(NULL, 0), body);
  cf_hash_t digest = cf_council_doc_digest(separator, doc->council, doc->version, 0, doc->not_after, &hash);
  for (unsigned i = 0; i < k; i++) {
    doc->member[i] = i;
    cf_status_t st = cf_k256_sign(doc->sig[i], t->keys.member[CF_GOVERNORS][i].scalar, &digest);
    assert(!st);
    (void)st;
  }
}

/* ---- policy ---- */

static cf_policy_t policy_of(cf_town_t *t, cf_wr_t *params) {
  uint64_t             now_s = t->world.now_ms / 1000;
  cf_clearing_params_t cp = {
      .min_parties = 2, .min_inputs = 1, .window_max_s = 86400, .positions_max = 64, .obligations_max = 256, .releases_max = 16};
  cf_configuration_t conf = {.version = 1,
                             .workload = CF_SPAN_LIT("clearing"),
                             .workload_version = 1,
                             .suite = 1,
                             .parties_max = 8,
                             .leaves_max = 32,
                             .sessions_max = 32,
                             .batch_max = 16,
                             .envelope_max = 4096};
  cf_wr_t            cw = cf_wr_init(t->configuration, sizeof t->configuration);
  cf_policy_t        p = {.version = 1,
                          .measurements_cnt = 1,
                          .ek_roots_cnt = 1,
                          .ek_roots[0].class = 4,
                          .collateral_max_age_s = 31536000,
                          .credential_max_age_s = 604800,
                          .suites_cnt = 1,
                          .suites[0] = {.suite = 1, .state = 1},
                          .epoch_s = 86400,
                          .attest_max_age_s = 120,
                          .attest_interval_s = 60,
                          .grace_s = 600,
                          .clock_skew_s = 5,
                          .workload = conf.workload,
                          .workload_version = 1,
                          .max_flight = 4,
                          .max_inputs_per_window = 1000,
                          .max_amount = 1000000000,
                          .jurisdictions_cnt = 1,
                          .jurisdictions[0] = CF_SPAN_LIT("any"),
                          .gateway_keys_cnt = 1,
                          .admission = 1,
                          .disclosure = 1,
                          .snapshot_entries = 24 + cf_prng_below(&t->draw, 100),
                          .promise_max_s = 60,
                          .notice_s = 60,
                          .key_tcb_mask = 1};
  cf_clearing_params_encode(params, &cp);
  p.workload_params = cf_wr_out(params);
  cf_table_encode(&cw, &cf_configuration_table, &conf);
  assert(!cw.bad && !params->bad);
  t->configuration_sz = cw.len;
  t->program = cf_sha256(CF_SPAN_LIT("the program"));
  cf_hash_t         c = cf_sha256(cf_wr_out(&cw)), measurement;
  cf_measurement_t *m = &p.measurements[0];
  cf_softtpm_measurement(&measurement, &t->program, &c);
  *m = (cf_measurement_t){.platform = 1, .until = now_s + 30 * 86400, .source = CF_SPAN_LIT("sim")};
  memcpy(m->program, t->program.b, 32);
  memcpy(m->configuration, c.b, 32);
  memcpy(m->measurement, measurement.b, 32);
  memcpy(p.ek_roots[0].root, cf_soft_ca()->root_hash.b, 32);
  p256_of(p.gateway_keys[0], t->keys.gateway);
  return p;
}

/* ---- genesis ---- */

static void genesis_fill(cf_town_t *t, cf_genesis_t *g, cf_span_t policy) {
  static char const *const symbols[] = {"EUR", "USD", "CHF"};
  bool                     one = t->one;
  *g = (cf_genesis_t){.name = CF_SPAN_LIT("sim"),
                      .class = 2,
                      .councils_cnt = 5,
                      .assets_cnt = t->assets,
                      .policy = policy,
                      .created = t->world.now_ms / 1000,
                      .log.origin = CF_SPAN_LIT("counterfoil.sim/log"),
                      .ledger = {.kind = 1,
                                 .chain_id = (1ULL << 40) + 7,
                                 .mode = 1,
                                 .max_validity_s = 12,
                                 .max_pause_s = 4,
                                 .exit_delay_s = 60,
                                 .notice_s = 70,
                                 .dead_after_s = 120,
                                 .overlap_s = 12}};
  addr_of(g->ledger.contract, t->keys.ledger);
  ed25519_of(g->log.ed25519, t->keys.log);
  p256_of(g->log.es256, t->keys.log_es256);
  addr_of(g->treasury, t->keys.treasury);
  council(t, &g->councils[0], CF_GOVERNORS, one ? 1 : 2, one ? 1 : 3);
  council(t, &g->councils[1], CF_GUARDIANS, 1, 1);
  council(t, &g->councils[2], CF_VERIFIERS, one ? 1 : 2, one ? 1 : 3);
  council(t, &g->councils[3], CF_WITNESSES, one ? 1 : 3, one ? 1 : 4);
  council(t, &g->councils[4], CF_OBSERVERS, one ? 1 : 3, one ? 1 : 4);
  for (unsigned i = 0; i < t->assets; i++)
    g->assets[i] = (cf_asset_t){.id = i, .symbol = text(symbols[i]), .scale = 2, .cap = 1000000000};
}

static size_t seal(cf_town_t const *t, uint8_t *out, size_t max, cf_table_t const *table, cf_span_t body,
                   uint8_t const scalar[32], cf_hash_t const *separator) {
  cf_council_doc_t doc;
  cf_wr_t          wr = cf_wr_init(out, max);
  cf_p256_key_t   *key = cf_p256_key_from(scalar);
  act(t, &doc, body, separator);
  cf_council_doc_seal(&wr, table->typ, &doc, key, "sim", table->name);
  cf_p256_key_free(key);
  assert(!wr.bad);
  return wr.len;
}

static void deployment_make(cf_town_t *t) {
  static uint8_t  block[CF_BLOCK_MAX];
  uint8_t         body_buf[1024];
  cf_chain_t      chain;
  cf_wr_t         out = cf_wr_init(block, sizeof block), body = cf_wr_init(body_buf, sizeof body_buf);
  cf_deployment_t doc = {.kind = 1, .chain_id = t->domain->genesis.ledger.chain_id};
  cf_error_t      err = {0};
  cf_chain_init(&chain);
  cf_status_t st = cf_chain_found(&chain, &out, &t->domain->block0, t->keys.ledger, &err);
  assert(!st);
  (void)st;
  memcpy(doc.domain, t->domain->id.b, 32);
  memcpy(doc.contract, t->domain->genesis.ledger.contract, 20);
  memcpy(doc.code_hash, chain.hash.b, 32);
  cf_chain_fini(&chain);
  cf_table_encode(&body, &cf_deployment_table, &doc);
  t->deployment_sz = seal(t, t->deployment, sizeof t->deployment, &cf_deployment_table, cf_wr_out(&body), t->keys.gateway,
                          &t->domain->ledger.separator);
}

void cf_town_found(cf_town_t *t) {
  static uint8_t      policy_buf[32768], params_buf[1024], body_buf[CF_ENTRY_MAX];
  static cf_genesis_t g;
  cf_wr_t             params = cf_wr_init(params_buf, sizeof params_buf), policy = cf_wr_init(policy_buf, sizeof policy_buf),
          body = cf_wr_init(body_buf, sizeof body_buf);
  cf_error_t err = {0};
  keys_make(t);
  cf_policy_t p = policy_of(t, &params);
  cf_table_encode(&policy, &cf_policy_table, &p);
  genesis_fill(t, &g, cf_wr_out(&policy));
  cf_table_encode(&body, &cf_genesis_table, &g);
  assert(!policy.bad && !body.bad);
  cf_hash_t            domain = cf_domain(cf_wr_out(&body));
  cf_ledger_identity_t id = cf_genesis_identity(&g, &domain);
  t->genesis_sz = seal(t, t->genesis, sizeof t->genesis, &cf_genesis_table, cf_wr_out(&body), t->keys.log_es256, &id.separator);
  t->domain = calloc(1, sizeof *t->domain);
  assert(t->domain);
  if (cf_domain_open(t->domain, CF_SPAN(t->genesis, t->genesis_sz), NULL, &err)) {
    cf_world_fail(&t->world, 0, "genesis: %s: %s", err.item, err.text);
    return;
  }
  deployment_make(t);
}
