#include "evidence/cf_evidence.h"

#include <assert.h>

/* ---- the root's class ---- */

static cf_verdict_code_t check_class(cf_facts_t const *f, cf_appraise_ask_t const *ask, cf_verdict_t *v) {
  bool named = false;
  for (size_t i = 0; i < ask->policy->ek_roots_cnt; i++) {
    cf_ek_root_t const *row = &ask->policy->ek_roots[i];
    named |= row->class == (uint64_t)f->cls && !memcmp(row->root, f->root.b, 32);
  }
  if (ask->production && f->cls == CF_CLASS_OWNER)
    return cf_verdict_set(v, CF_VERDICT_TEST_ROOT, "ek-root", 0,
                          "the TPM is one that its owner controls; the domain is of class production");
  if (!named)
    return cf_verdict_set(v, CF_VERDICT_POLICY, "ek-root", 0, "policy does not name this root as %s", cf_class_name(f->cls));
  if (f->cls == CF_CLASS_DISCRETE && !ask->policy->accept_discrete)
    return cf_verdict_set(v, CF_VERDICT_POLICY, "accept_discrete", 0, "a discrete TPM, whose bus can be driven, is not accepted");
  return CF_VERDICT_OK;
}

/* ---- the program ---- */

static cf_verdict_code_t check_measurement(int64_t *until_s, cf_facts_t const *f, cf_appraise_ask_t const *ask, cf_verdict_t *v) {
  int64_t ended = 0;
  for (size_t i = 0; i < ask->policy->measurements_cnt; i++) {
    cf_measurement_t const *m = &ask->policy->measurements[i];
    if (m->platform != (uint64_t)f->platform || memcmp(m->measurement, f->measurement.b, 32) ||
        memcmp(m->program, f->program.b, 32) || memcmp(m->configuration, f->configuration.b, 32))
      continue;
    int64_t end = (int64_t)m->until;
    if (ask->at_s <= end) {
      if (end < *until_s) *until_s = end;
      return CF_VERDICT_OK;
    }
    if (end > ended) ended = end;
  }
  if (ended)
    return cf_verdict_set(v, CF_VERDICT_MEASUREMENT, "measurement", ended, "policy accepted this program until this date");
  return cf_verdict_set(v, CF_VERDICT_MEASUREMENT, "measurement", 0, "policy names no such program, configuration and registers");
}

/* ---- the conversation ---- */

static cf_verdict_code_t check_nonce(cf_facts_t const *f, cf_appraise_ask_t const *ask, cf_verdict_t *v) {
  if (ask->nonce && !cf_nonces_has(f->nonces, ask->nonce))
    return cf_verdict_set(v, CF_VERDICT_NONCE, "nonces", 0, "the verifier's own nonce is not in the list");
  return CF_VERDICT_OK;
}

/* Within an instance the TPM was neither reset nor restarted. */
static cf_verdict_code_t check_counters(cf_facts_t const *f, cf_appraise_ask_t const *ask, cf_verdict_t *v) {
  cf_facts_t const *e = ask->earlier;
  if (!e || !cf_hash_eq(&e->instance, &f->instance)) return CF_VERDICT_OK;
  if (e->reset_cnt == f->reset_cnt && e->restart_cnt == f->restart_cnt && !memcmp(e->ak_name, f->ak_name, sizeof e->ak_name))
    return CF_VERDICT_OK;
  return cf_verdict_set(v, CF_VERDICT_BINDING, "tpm.counters", 0,
                        "this instance was attested by another TPM, or under other reset counters");
}

static cf_verdict_code_t check_collateral_age(int64_t *until_s, cf_facts_t const *f, cf_appraise_ask_t const *ask,
                                              cf_verdict_t *v) {
  if (!f->crl_issued_s) return CF_VERDICT_OK;
  int64_t end = f->crl_issued_s + (int64_t)ask->policy->collateral_max_age_s;
  if (ask->at_s > end)
    return cf_verdict_set(v, CF_VERDICT_COLLATERAL_STALE, "crl", end, "policy takes revocation lists until this date");
  cf_facts_t const *e = ask->earlier;
  if (e && cf_hash_eq(&e->ek_certificate, &f->ek_certificate) && f->crl_issued_s < e->crl_issued_s)
    return cf_verdict_set(v, CF_VERDICT_COLLATERAL_STALE, "crl", e->crl_issued_s, "a list of this date was relied on before");
  if (end < *until_s) *until_s = end;
  return CF_VERDICT_OK;
}

/* ---- the attestation key ---- */

/* The end of the statement_min-th youngest of the statements that count: so long enough of them are left. */
static int64_t end_of_quorum(int64_t const *ends, size_t cnt, size_t min) {
  for (size_t i = 0; i < cnt; i++) {
    size_t later = 0, equal = 0;
    for (size_t k = 0; k < cnt; k++) {
      later += ends[k] > ends[i];
      equal += ends[k] == ends[i];
    }
    if (later < min && later + equal >= min) return ends[i];
  }
  assert(false && "at least min statements count");
  return 0;
}

static cf_verdict_code_t check_statements(int64_t *until_s, cf_facts_t const *f, cf_appraise_ask_t const *ask, cf_verdict_t *v) {
  if (f->ak_certified) return CF_VERDICT_OK;
  assert(ask->statement_min > 0);
  cf_statement_want_t want = {.ak_name = f->ak_name,
                              .ak_attributes = f->ak_attributes,
                              .ek_certificate = &f->ek_certificate,
                              .domain = &f->domain,
                              .verifiers = ask->verifiers,
                              .at_s = ask->at_s,
                              .max_age_s = ask->policy->credential_max_age_s,
                              .skew_s = ask->policy->clock_skew_s};
  int64_t             ends[CF_STATEMENTS_MAX];
  bool                said[CF_MEMBERS_MAX] = {false};
  size_t              cnt = 0;
  bool                stale = false;
  cf_error_t          first = {0};
  for (size_t i = 0; i < f->statement_cnt; i++) {
    size_t      member;
    int64_t     end;
    cf_error_t  err = {0};
    cf_status_t st = cf_statement_check(&member, &end, &want, f->statements[i], &err);
    stale |= st == CF_ERR_STALE;
    if (st && !first.status) first = err;
    if (st || said[member]) continue;
    said[member] = true;
    ends[cnt++] = end;
  }
  if (cnt < ask->statement_min)
    return cf_verdict_set(v, stale ? CF_VERDICT_COLLATERAL_STALE : CF_VERDICT_COLLATERAL_MISSING, "credential", 0,
                          "%zu of %zu credential statements count%s%.100s", cnt, ask->statement_min,
                          first.status ? "; one is " : "", first.text);
  int64_t end = end_of_quorum(ends, cnt, ask->statement_min);
  if (end < *until_s) *until_s = end;
  return CF_VERDICT_OK;
}

cf_verdict_code_t cf_appraise(int64_t *until_s, cf_facts_t const *f, cf_appraise_ask_t const *ask, cf_verdict_t *v) {
  *v = (cf_verdict_t){.next = cf_verdict_next(CF_VERDICT_OK)};
  int64_t           end = ask->at_s + (int64_t)ask->policy->attest_max_age_s;
  cf_verdict_code_t code = check_class(f, ask, v);
  if (f->valid_until_s < end) end = f->valid_until_s;
  if (!code && f->debug) code = cf_verdict_set(v, CF_VERDICT_DEBUG, "debug", 0, "the enclave can be looked into");
  if (!code) code = check_measurement(&end, f, ask, v);
  if (!code) code = check_nonce(f, ask, v);
  if (!code) code = check_counters(f, ask, v);
  if (!code) code = check_collateral_age(&end, f, ask, v);
  if (!code) code = check_statements(&end, f, ask, v);
  if (!code) *until_s = end;
  return code;
}

/* ---- the result ---- */

enum { VECTOR_INSTANCE, VECTOR_CONFIGURATION, VECTOR_EXECUTABLES, VECTOR_HARDWARE = 4 };

void cf_appraise_result(cf_ear_t *ear, cf_facts_t const *f, cf_verdict_code_t code, cf_hash_t const *policy_hash, int64_t at_s,
                        int64_t until_s) {
  char const *name = cf_verdict_name(code);
  *ear = (cf_ear_t){.time = (uint64_t)at_s,
                    .status = code ? CF_EAR_CONTRAINDICATED : CF_EAR_AFFIRMING,
                    .verdict = CF_SPAN(name, strlen(name)),
                    .platform = (uint64_t)f->platform,
                    .class = (uint64_t)f->cls,
                    .debug = f->debug,
                    .until = (uint64_t)until_s};
  if (!code) {
    ear->vector[VECTOR_INSTANCE] = ear->vector[VECTOR_CONFIGURATION] = ear->vector[VECTOR_EXECUTABLES] = CF_EAR_AFFIRMING;
    if (f->cls != CF_CLASS_OWNER) ear->vector[VECTOR_HARDWARE] = CF_EAR_AFFIRMING; /* of an owner's TPM nothing is claimed */
  }
  memcpy(ear->measurement, f->measurement.b, 32);
  memcpy(ear->domain, f->domain.b, 32);
  memcpy(ear->certificate, f->certificate.b, 32);
  memcpy(ear->nonces, f->nonces_hash.b, 32);
  memcpy(ear->evidence, f->evidence.b, 32);
  memcpy(ear->collateral, f->collateral.b, 32);
  memcpy(ear->policy, policy_hash->b, 32);
}
