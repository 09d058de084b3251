#include "gateway/cf_modes.h"

#include <assert.h>

static cf_mode_rule_t const rules[CF_SERVICE_MODES] = {
  /*                                 executes promises authorises retry */
  { CF_SERVICE_NORMAL, true, false, true, 1 },
  { CF_SERVICE_LEDGER_UNAVAILABLE, true, false, true, 1 }, /* settlements queue */
  { CF_SERVICE_LOG_DEGRADED, true, false, false, 1 },
  { CF_SERVICE_ATTESTATION_STALE, false, false, true, 30 }, /* drain, settle; no new sensitive input */
  { CF_SERVICE_REGISTERING, false, true, false, 2 },
  { CF_SERVICE_LEASE_LAPSED, false, false, false, 30 },
  { CF_SERVICE_ENCLAVE_DOWN, false, true, false, 2 },
  { CF_SERVICE_PAUSED, false, false, false, 60 },
  { CF_SERVICE_MAINTENANCE, false, false, false, 60 },
};

static char const *const names[CF_SERVICE_MODES] = {
  "normal",       "ledger-unavailable", "log-degraded", "attestation-stale", "registering",
  "lease-lapsed", "enclave-down",       "paused",       "maintenance",
};

char const *
cf_modes_name(cf_service_mode_t mode) {
  assert((unsigned)mode < CF_SERVICE_MODES);
  return names[mode];
}

cf_mode_rule_t
cf_modes_rule(cf_service_mode_t mode) {
  assert((unsigned)mode < CF_SERVICE_MODES && rules[mode].mode == mode);
  return rules[mode];
}

cf_mode_rule_t
cf_modes_of(cf_mode_facts_t const *f) {
  if (f->maintenance) return cf_modes_rule(CF_SERVICE_MAINTENANCE);
  if (f->paused) return cf_modes_rule(CF_SERVICE_PAUSED);
  if (!f->enclave_up) return cf_modes_rule(CF_SERVICE_ENCLAVE_DOWN);
  if (!f->started) return cf_modes_rule(CF_SERVICE_REGISTERING);
  if (!f->lease_held) return cf_modes_rule(CF_SERVICE_LEASE_LAPSED);
  if (f->attested_ago_s > f->attest_max_age_s) return cf_modes_rule(CF_SERVICE_ATTESTATION_STALE);
  if (f->quorum_wait_ms > CF_MODE_QUORUM_MS) return cf_modes_rule(CF_SERVICE_LOG_DEGRADED);
  if (f->ledger_silent_ms > CF_MODE_LEDGER_MS) return cf_modes_rule(CF_SERVICE_LEDGER_UNAVAILABLE);
  return cf_modes_rule(CF_SERVICE_NORMAL);
}
