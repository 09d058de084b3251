#include "ledger/cf_genesis_map.h"

static cf_addr_t addr_of(uint8_t const bytes[20]) {
  cf_addr_t a;
  memcpy(a.b, bytes, sizeof a.b);
  return a;
}

static cf_hash_t hash_of(uint8_t const bytes[32]) {
  cf_hash_t h;
  memcpy(h.b, bytes, sizeof h.b);
  return h;
}

cf_ledger_identity_t cf_genesis_identity(cf_genesis_t const *g, cf_hash_t const *domain) {
  cf_ledger_identity_t id = {.chain_id = g->ledger.chain_id, .contract = addr_of(g->ledger.contract)};
  id.separator = cf_eip712_domain(id.chain_id, &id.contract, domain);
  return id;
}

cf_seats_t cf_genesis_seats(cf_council_t const *c) {
  cf_seats_t s = {.k = (uint8_t)c->k, .f = (uint8_t)c->f, .n = (uint8_t)c->members_cnt};
  for (size_t i = 0; i < c->members_cnt; i++) s.member[i] = addr_of(c->members[i].addr);
  return s;
}

cf_status_t cf_genesis_witnesses(cf_witness_set_t *out, cf_genesis_t const *g, cf_error_t *err) {
  cf_council_t const *c = cf_genesis_council(g, CF_WITNESSES);
  cf_witness_set_t    set = {.cnt = c->members_cnt, .k = (unsigned)c->k, .f = (unsigned)c->f};
  cf_ed25519_pub_t    pub;
  memcpy(pub.b, g->log.ed25519, sizeof pub.b);
  cf_status_t st = cf_vkey_make(&set.log, g->log.origin, CF_VKEY_LOG, &pub);
  if (st) return cf_error_set(err, st, "genesis.log.origin", 0, "no note can be signed under this name");
  for (size_t i = 0; i < c->members_cnt; i++) {
    memcpy(pub.b, c->members[i].ed25519, sizeof pub.b);
    st = cf_vkey_make(&set.member[i], c->members[i].name, CF_VKEY_WITNESS, &pub);
    if (st)
      return cf_error_set(err, st, "genesis.councils.witnesses", i, "no note can be signed under the name of member %zu", i);
  }
  st = cf_witness_set_check(&set, err);
  if (!st) *out = set;
  return st;
}

/* ---- block 0 ---- */

static cf_status_t map_councils(cf_ledger_genesis_t *out, cf_genesis_t const *g, cf_error_t *err) {
  static cf_council_role_t const roles[CF_LEDGER_COUNCILS] = {CF_GOVERNORS, CF_GUARDIANS, CF_VERIFIERS};
  for (size_t i = 0; i < CF_LEDGER_COUNCILS; i++) {
    cf_council_t const *c = cf_genesis_council(g, roles[i]);
    if (c->members_cnt > CF_SEATS_MAX)
      return cf_error_set(err, CF_ERR_POLICY, "genesis.councils", i, "more than %d seats", CF_SEATS_MAX);
    if (i && c->version != out->council_version)
      return cf_error_set(err, CF_ERR_POLICY, "genesis.councils", i,
                          "governors, guardians and verifiers have one version on a ledger");
    out->council_version = (uint32_t)c->version;
    out->councils[i] = cf_genesis_seats(c);
  }
  return CF_OK;
}

static void map_policy(cf_ledger_genesis_t *out, cf_genesis_t const *g, cf_policy_t const *p) {
  out->policy = (uint32_t)p->version;
  out->policy_hash = cf_policy_hash(g->policy);
  out->tcb_mask = cf_word_u64(p->key_tcb_mask);
  out->measurements_cnt = p->measurements_cnt;
  for (size_t i = 0; i < p->measurements_cnt; i++)
    out->measurements[i] = (cf_genesis_measurement_t){hash_of(p->measurements[i].measurement), p->measurements[i].until};
}

static void map_assets(cf_ledger_genesis_t *out, cf_genesis_t const *g) {
  static uint8_t const none[20];
  out->assets_cnt = g->assets_cnt;
  for (size_t i = 0; i < g->assets_cnt; i++) {
    cf_asset_t const *a = &g->assets[i];
    uint8_t const    *by = memcmp(a->token, none, sizeof none) ? a->token : g->treasury;
    out->assets[i] = (cf_genesis_listing_t){.token = addr_of(by), .scale = (uint8_t)a->scale, .cap = a->cap};
  }
}

cf_status_t cf_ledger_genesis_of(cf_ledger_genesis_t *out, cf_genesis_t const *g, cf_policy_t const *p, cf_hash_t const *domain,
                                 cf_error_t *err) {
  cf_genesis_ledger_t const *l = &g->ledger;
  *out = (cf_ledger_genesis_t){.config = {.embedded = l->kind == 1,
                                          .chain_id = l->chain_id,
                                          .contract = addr_of(l->contract),
                                          .domain = *domain,
                                          .mode = (uint8_t)l->mode,
                                          .max_validity_s = l->max_validity_s,
                                          .max_pause_s = l->max_pause_s,
                                          .exit_delay_s = l->exit_delay_s,
                                          .notice_s = l->notice_s,
                                          .dead_after_s = l->dead_after_s,
                                          .overlap_s = l->overlap_s,
                                          .key_delay_s = l->key_delay_s},
                               .time_s = g->created};
  cf_status_t st = map_councils(out, g, err);
  if (st) return st;
  map_policy(out, g, p);
  map_assets(out, g);
  if (g->ledger.mode != CF_MODE_NET)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "ledger.mode", 0, "no enclave keeps a book in mode root yet");
  return cf_ledger_config_check(&out->config, err);
}
