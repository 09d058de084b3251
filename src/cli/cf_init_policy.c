/* Policy 1: defaults per class, and the operator's overrides by the table's own names and bounds. */
#include <string.h>

#include "cli/cf_init.h"

cf_span_t cf_init_configuration(void) {
  cf_wr_t                  wr = cf_room(1024);
  cf_configuration_t const c = {.version = 1,
                                .workload = CF_SPAN_LIT("clearing"),
                                .workload_version = 1,
                                .suite = 1,
                                .parties_max = 10000,
                                .leaves_max = 40000,
                                .sessions_max = 10000,
                                .batch_max = 1024,
                                .envelope_max = 4096};
  cf_table_encode(&wr, &cf_configuration_table, &c);
  return cf_wr_out(&wr);
}

static cf_clearing_params_t const clearing_default = {
    .min_parties = 3, .min_inputs = 8, .window_max_s = 600, .positions_max = 4096, .obligations_max = 8192, .releases_max = 512};

/* What a chain takes as one transaction: 2^24 gas (EIP-7825), at 5,600 a position and 12,200 a release at most, debit included
   (docs/evm.md). */
static cf_clearing_params_t const clearing_on_chain = {
    .min_parties = 3, .min_inputs = 8, .window_max_s = 600, .positions_max = 2000, .obligations_max = 8192, .releases_max = 256};

/* ---- overrides ---- */

static int refused(cf_span_t key, char const *why) {
  return cf_fail(CF_EXIT_FAILS, "policy", "format", cf_fmt("%.*s", (int)key.len, key.ptr), "found", why, NULL);
}

static int override_clearing(cf_clearing_params_t *c, cf_json_t obj) {
  struct {
    char const *name;
    uint64_t    max;
    uint64_t    v;
  } rows[] = {{"min_parties", UINT16_MAX, c->min_parties},
              {"min_inputs", UINT32_MAX, c->min_inputs},
              {"window_max_s", UINT32_MAX, c->window_max_s},
              {"positions_max", CF_CLEARING_POSITIONS_MAX, c->positions_max},
              {"obligations_max", CF_CLEARING_OBLIGATIONS_MAX, c->obligations_max},
              {"releases_max", UINT16_MAX, c->releases_max}};
  cf_span_t key;
  cf_json_t v;
  for (size_t at = 0; cf_json_each(obj, &at, &key, &v);) {
    bool known = false;
    for (size_t i = 0; i < CF_COUNT_OF(rows); i++) {
      if (!cf_span_eq(key, CF_SPAN(rows[i].name, strlen(rows[i].name)))) continue;
      if (cf_json_u64(&rows[i].v, v) || rows[i].v > rows[i].max) return refused(key, "not a number in its bounds");
      known = true;
    }
    if (!known) return refused(key, "clearing has no such parameter");
  }
  c->min_parties = (uint16_t)rows[0].v;
  c->min_inputs = (uint32_t)rows[1].v;
  c->window_max_s = (uint32_t)rows[2].v;
  c->positions_max = (uint32_t)rows[3].v;
  c->obligations_max = (uint32_t)rows[4].v;
  c->releases_max = (uint16_t)rows[5].v;
  return 0;
}

static int override_field(cf_policy_t *p, cf_span_t key, cf_json_t v) {
  for (size_t i = 0; i < cf_policy_table.fields_cnt; i++) {
    cf_field_t const *f = &cf_policy_table.fields[i];
    uint64_t          n;
    if (f->type != CF_FIELD_UINT || !cf_span_eq(key, CF_SPAN(f->name, strlen(f->name)))) continue;
    if (cf_json_u64(&n, v) || n < f->min || n > f->max)
      return refused(key, cf_fmt("not a number from %llu to %llu", (unsigned long long)f->min, (unsigned long long)f->max));
    memcpy((uint8_t *)p + f->offset, &n, sizeof n);
    return 0;
  }
  return refused(key, "policy has no such number (counterfoil schema policy)");
}

static int override(cf_policy_t *p, cf_clearing_params_t *c, cf_span_t json) {
  cf_json_t  root, v;
  cf_span_t  key;
  cf_error_t err = {0};
  if (!json.len) return 0;
  if (cf_json_parse(&root, json, &err)) return cf_fail_error("policy", &err);
  for (size_t at = 0; cf_json_each(root, &at, &key, &v);) {
    int code = cf_span_eq(key, CF_SPAN_LIT("clearing")) ? override_clearing(c, v) : override_field(p, key, v);
    if (code) return code;
  }
  return 0;
}

/* ---- the whole ---- */

int cf_init_policy(cf_policy_t *p, cf_init_t const *in, cf_init_keys_t const *k, cf_init_measured_t const *m, uint64_t now_s) {
  cf_clearing_params_t clearing = in->evm.nodes ? clearing_on_chain : clearing_default, read_back;
  cf_wr_t              params = cf_room(1024);
  bool                 live = in->production;
  *p = (cf_policy_t){.version = 1,
                     .measurements_cnt = 1,
                     .ek_roots_cnt = 1,
                     .ek_roots[0] = m->ek_root,
                     .accept_discrete = m->ek_root.class == 3,
                     .collateral_max_age_s = 31536000,
                     .credential_max_age_s = 604800,
                     .suites_cnt = 1,
                     .suites[0] = {.suite = 1, .state = 1},
                     .epoch_s = live ? 7 * 86400 : 86400,
                     .attest_max_age_s = live ? 3600 : 600,
                     .attest_interval_s = live ? 1800 : 300,
                     .grace_s = live ? 3600 : 60,
                     .clock_skew_s = 5,
                     .workload = CF_SPAN_LIT("clearing"),
                     .workload_version = 1,
                     .max_flight = 4,
                     .max_inputs_per_window = 65535,
                     .max_amount = INT64_MAX,
                     .jurisdictions_cnt = 1,
                     .jurisdictions[0] = CF_SPAN_LIT("any"),
                     .gateway_keys_cnt = 1,
                     .admission = 1,
                     .disclosure = 1,
                     .snapshot_entries = 4096,
                     .promise_max_s = 60,
                     .notice_s = cf_init_times(in).notice_s,
                     .key_tcb_mask = 1};
  cf_measurement_t *row = &p->measurements[0];
  *row = (cf_measurement_t){.platform = 1, .until = now_s + 365 * 86400ULL, .source = CF_SPAN_LIT("counterfoil " CF_VERSION)};
  memcpy(row->program, m->program.b, 32);
  memcpy(row->configuration, m->configuration.b, 32);
  memcpy(row->measurement, m->measurement.b, 32);
  cf_p256_key_t *gateway = cf_p256_key_from(k->gateway);
  cf_p256_pub_t  pub;
  cf_p256_key_pub(gateway, &pub);
  cf_p256_key_free(gateway);
  memcpy(p->gateway_keys[0], pub.b, 64);
  int code = override(p, &clearing, in->policy_json);
  if (code) return code;
  cf_clearing_params_encode(&params, &clearing);
  if (cf_clearing_params_decode(&read_back, cf_wr_out(&params)))
    return cf_fail(CF_EXIT_FAILS, "policy", "bound", "clearing", "found", "parameters that the workload refuses", NULL);
  p->workload_params = cf_wr_out(&params);
  return 0;
}
