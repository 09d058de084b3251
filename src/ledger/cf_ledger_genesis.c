/* The constructor: ONCHAIN 4.1, and the first value of every slot. */
#include "ledger/cf_ledger.h"

#include <assert.h>

#define GENESIS_VERSION 1

/* ---- what is fixed ---- */

static cf_status_t refuse(cf_error_t *err, char const *what, char const *why) {
  return cf_error_set(err, CF_ERR_POLICY, what, 0, "%s", why);
}

cf_status_t cf_ledger_config_check(cf_ledger_config_t *c, cf_error_t *err) {
  uint64_t const params[] = { c->max_validity_s, c->max_pause_s, c->exit_delay_s, c->notice_s,
                              c->dead_after_s,   c->overlap_s,   c->key_delay_s };
  for (size_t i = 0; i < sizeof params / sizeof *params; i++)
    if (params[i] > CF_LEDGER_PARAM_MAX_S) return refuse(err, "ledger.parameters", "a parameter is longer than 2^32 - 1 seconds");
  uint64_t v4 = 4 * c->max_validity_s;

  if (c->mode != CF_MODE_NET && c->mode != CF_MODE_ROOT) return refuse(err, "ledger.mode", "neither net nor root");
  if (c->embedded != (c->chain_id >= CF_LEDGER_CHAIN_MIN))
    return refuse(err, "ledger.chain_id", "an embedded ledger's is 2^40 or above, all others' are below");
  if (c->max_validity_s == 0) return refuse(err, "ledger.max_validity", "is zero");
  if (c->overlap_s != c->max_validity_s) return refuse(err, "ledger.overlap", "is not max_validity");
  if (2 * c->key_delay_s >= c->max_validity_s) return refuse(err, "ledger.key_delay", "is not below half of max_validity");
  if (c->exit_delay_s < c->max_pause_s + v4) return refuse(err, "ledger.exit_delay", "is below max_pause + 4 max_validity");
  if (c->notice_s < c->exit_delay_s + c->max_pause_s) return refuse(err, "ledger.notice", "is below exit_delay + max_pause");
  if (c->dead_after_s < c->exit_delay_s + 2 * c->max_pause_s + v4)
    return refuse(err, "ledger.dead_after", "is below exit_delay + 2 max_pause + 4 max_validity");
  c->separator = cf_eip712_domain(c->chain_id, &c->contract, &c->domain);
  return CF_OK;
}

static cf_status_t content_check(cf_ledger_genesis_t const *g, cf_error_t *err) {
  static cf_addr_t const none;
  if (g->time_s == 0 || g->time_s > CF_LEDGER_TIME_MAX) return refuse(err, "ledger.time", "is zero or beyond 2^39");
  if (g->policy == 0 || cf_word_is_zero(&g->policy_hash)) return refuse(err, "ledger.policy", "has no number or no hash");
  if (g->council_version == 0) return refuse(err, "ledger.councils", "have no version");
  for (size_t i = 0; i < CF_LEDGER_COUNCILS; i++)
    if (!cf_seats_check(&g->councils[i]))
      return refuse(err, "ledger.councils", "a council breaks 1 <= k <= n, k > f, distinct members");
  for (size_t i = 0; i < g->measurements_cnt; i++) {
    if (g->measurements[i].until_s > CF_LEDGER_TIME_MAX) return refuse(err, "ledger.measurements", "an end date is beyond 2^39");
    for (size_t j = 0; j < i; j++)
      if (cf_hash_eq(&g->measurements[i].measurement, &g->measurements[j].measurement))
        return refuse(err, "ledger.measurements", "one stands there twice");
  }
  for (size_t i = 0; i < g->assets_cnt; i++)
    if (cf_addr_eq(&g->assets[i].token, &none)) return refuse(err, "ledger.assets", "one has no token");
  return CF_OK;
}

/* ---- the first slots ---- */

typedef struct {
  cf_slot_write_t *at;
  size_t           max;
  size_t           cnt;
} out_t;

static void put(out_t *out, cf_hash_t key, cf_hash_t value) {
  if (cf_word_is_zero(&value)) return;
  assert(out->cnt < out->max);
  out->at[out->cnt++] = (cf_slot_write_t){ key, value };
}

static void put_councils(out_t *out, cf_ledger_genesis_t const *g) {
  for (unsigned i = 0; i < CF_LEDGER_COUNCILS; i++) {
    cf_seats_t const *s    = &g->councils[i];
    cf_hash_t         base = cf_slot_council((cf_ledger_council_t)(i + 1), g->council_version);
    put(out, base, cf_ledger_seats_pack(&(cf_ledger_seats_t){ s->k, s->n, s->f, s->n, 0 }));
    for (size_t j = 0; j < s->n; j++) put(out, cf_slot_add(&base, 1 + j), cf_word_addr(&s->member[j]));
  }
}

cf_status_t cf_ledger_genesis(cf_ledger_genesis_t *g, cf_slot_write_t *writes, size_t writes_max, size_t *writes_cnt,
                              cf_error_t *err) {
  assert(writes_max >= CF_GENESIS_WRITES_MAX && g->assets_cnt <= CF_GENESIS_ASSETS_MAX &&
         g->measurements_cnt <= CF_GENESIS_MEASUREMENTS_MAX);
  cf_status_t st = cf_ledger_config_check(&g->config, err);
  if (!st) st = content_check(g, err);
  if (st) return st;

  out_t out = { writes, writes_max, 0 };
  put(&out, cf_slot_plain(CF_SLOT_HEAD), cf_settlement_head0(&g->config.separator));
  put(&out, cf_slot_plain(CF_SLOT_STATUS),
      cf_ledger_status_pack(&(cf_ledger_status_t){ .policy_a = g->policy, .policy_b = g->policy, .min_key_policy = g->policy }));
  put(&out, cf_slot_plain(CF_SLOT_COUNTERS),
      cf_ledger_counters_pack(
          &(cf_ledger_counters_t){ .next_account = 1, .next_asset = (uint32_t)g->assets_cnt, .council = g->council_version }));
  if (g->config.mode == CF_MODE_ROOT) put(&out, cf_slot_plain(CF_SLOT_POSITIONS), cf_word_u64(1));
  cf_hash_t policy = cf_slot_policy(g->policy);
  put(&out, policy, g->policy_hash);
  put(&out, cf_slot_add(&policy, 1), g->tcb_mask);
  for (size_t i = 0; i < g->measurements_cnt; i++)
    put(&out, cf_slot_measurement(g->policy, &g->measurements[i].measurement),
        cf_ledger_measurement_pack(&(cf_ledger_measurement_t){ .until_s = g->measurements[i].until_s }));
  put_councils(&out, g);
  for (uint32_t i = 0; i < g->assets_cnt; i++) {
    cf_genesis_listing_t const *l = &g->assets[i];
    cf_hash_t                   bucket[2];
    cf_ledger_bucket_pack(bucket, &(cf_ledger_bucket_t){ .level = l->cap, .cap = l->cap, .at_s = g->time_s });
    put(&out, cf_slot_asset(i),
        cf_ledger_asset_pack(&(cf_ledger_asset_t){ .token = l->token, .scale = l->scale, .listed = true }));
    put(&out, cf_slot_bucket(i), bucket[0]);
  }
  *writes_cnt = out.cnt;
  return CF_OK;
}

/* ---- bytes ---- */

void cf_ledger_genesis_write(cf_wr_t *wr, cf_ledger_genesis_t const *g) {
  cf_ledger_config_t const *c = &g->config;
  cf_wr_u8(wr, GENESIS_VERSION);
  cf_wr_u8(wr, c->embedded);
  cf_wr_u64(wr, c->chain_id);
  cf_wr_bytes(wr, c->contract.b, 20);
  cf_wr_hash(wr, &c->domain);
  cf_wr_u8(wr, c->mode);
  uint64_t const times[] = { c->max_validity_s, c->max_pause_s, c->exit_delay_s, c->notice_s,
                             c->dead_after_s,   c->overlap_s,   c->key_delay_s,  g->time_s };
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) cf_wr_u40(wr, times[i]);
  cf_wr_u32(wr, g->policy);
  cf_wr_hash(wr, &g->policy_hash);
  cf_wr_hash(wr, &g->tcb_mask);
  cf_wr_u16(wr, (uint16_t)g->measurements_cnt);
  for (size_t i = 0; i < g->measurements_cnt; i++) {
    cf_wr_hash(wr, &g->measurements[i].measurement);
    cf_wr_u40(wr, g->measurements[i].until_s);
  }
  cf_wr_u32(wr, g->council_version);
  for (size_t i = 0; i < CF_LEDGER_COUNCILS; i++) cf_seats_write(wr, &g->councils[i]);
  cf_wr_u16(wr, (uint16_t)g->assets_cnt);
  for (size_t i = 0; i < g->assets_cnt; i++) {
    cf_wr_bytes(wr, g->assets[i].token.b, 20);
    cf_wr_u8(wr, g->assets[i].scale);
    cf_wr_u64(wr, g->assets[i].cap);
  }
}

static void read_config(cf_rd_t *rd, cf_ledger_genesis_t *g) {
  cf_ledger_config_t *c        = &g->config;
  uint8_t             embedded = cf_rd_u8(rd);
  if (embedded > 1) rd->bad = true;
  c->embedded = embedded == 1;
  c->chain_id = cf_rd_u64(rd);
  cf_rd_copy(rd, c->contract.b, 20);
  c->domain               = cf_rd_hash(rd);
  c->mode                 = cf_rd_u8(rd);
  uint64_t *const times[] = { &c->max_validity_s, &c->max_pause_s, &c->exit_delay_s, &c->notice_s,
                              &c->dead_after_s,   &c->overlap_s,   &c->key_delay_s,  &g->time_s };
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) *times[i] = cf_rd_u40(rd);
}

/* A count of things that follow; beyond max the input is bad. */
static size_t read_cnt(cf_rd_t *rd, size_t max) {
  size_t cnt = cf_rd_u16(rd);
  if (cnt <= max) return cnt;
  rd->bad = true;
  return 0;
}

cf_status_t cf_ledger_genesis_decode(cf_ledger_genesis_t *g, cf_span_t in, cf_error_t *err) {
  cf_rd_t rd = cf_rd_span(in);
  *g         = (cf_ledger_genesis_t){ 0 };
  if (cf_rd_u8(&rd) != GENESIS_VERSION) return cf_error_set(err, CF_ERR_UNSUPPORTED, "ledger.genesis", 0, "unknown version");
  read_config(&rd, g);
  g->policy           = cf_rd_u32(&rd);
  g->policy_hash      = cf_rd_hash(&rd);
  g->tcb_mask         = cf_rd_hash(&rd);
  g->measurements_cnt = read_cnt(&rd, CF_GENESIS_MEASUREMENTS_MAX);
  for (size_t i = 0; i < g->measurements_cnt; i++) {
    g->measurements[i].measurement = cf_rd_hash(&rd);
    g->measurements[i].until_s     = cf_rd_u40(&rd);
  }
  g->council_version = cf_rd_u32(&rd);
  for (size_t i = 0; i < CF_LEDGER_COUNCILS; i++) g->councils[i] = cf_seats_read(&rd);
  g->assets_cnt = read_cnt(&rd, CF_GENESIS_ASSETS_MAX);
  for (size_t i = 0; i < g->assets_cnt; i++) {
    cf_rd_copy(&rd, g->assets[i].token.b, 20);
    g->assets[i].scale = cf_rd_u8(&rd);
    g->assets[i].cap   = cf_rd_u64(&rd);
  }
  return cf_rd_done(&rd) ? CF_OK : cf_error_set(err, CF_ERR_FORMAT, "ledger.genesis", rd.pos, "cut short, or bytes left over");
}
