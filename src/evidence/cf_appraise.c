#include "evidence/cf_evidence.h"

#include <assert.h>
#include <stdio.h>

#include "base/cf_text.h"
#include "evidence/cf_appraise_rules.h"

static void holds_until(run_t *r, int64_t end_s, char const *item) {
  cf_dates_add(r->dates, item, INT64_MIN, end_s);
  if (end_s < r->until_s) r->until_s = end_s;
}

/* ---- the platform, and who vouches for it ---- */

static cf_verdict_code_t check_platform(run_t *r) {
  char const *name = cf_platform_name(r->f->platform);
  for (size_t i = 0; i < r->p->platforms_cnt; i++)
    if (cf_span_eq(r->p->platforms[i], CF_SPAN(name, strlen(name)))) return CF_VERDICT_OK;
  return cf_verdict_set(r->v, CF_VERDICT_POLICY, "platform", 0, "policy does not name the platform %s", name);
}

static bool is_named(run_t const *r) {
  for (size_t i = 0; i < r->p->roots_cnt; i++) {
    cf_appraisal_root_t const *row = &r->p->roots[i];
    if (row->platform == (uint64_t)r->f->platform && row->class == (uint64_t)r->f->cls && !memcmp(row->root, r->f->root.b, 32))
      return true;
  }
  return false;
}

static cf_verdict_code_t check_root(run_t *r) {
  static cf_hash_t const none;
  cf_facts_t const      *f = r->f;
  char const            *item = f->subject == CF_ROLE_EVIDENCE ? "ek-root" : "root";
  char const            *cls = cf_class_name(f->cls);
  if (f->maker_root && r->p->maker_roots) return CF_VERDICT_OK;
  if (cf_hash_eq(&f->root, &none)) return cf_verdict_set(r->v, CF_VERDICT_POLICY, item, 0, "nobody vouches for this evidence");
  if (f->cls == CF_CLASS_OWNER && r->p->class == CF_APPRAISAL_PRODUCTION)
    return cf_verdict_set(r->v, CF_VERDICT_TEST_ROOT, item, 0,
                          "the root of trust is one that its owner controls; the policy is of class production");
  if (!is_named(r))
    return cf_verdict_set(r->v, CF_VERDICT_POLICY, item, 0, "policy does not name this root%s%s", cls ? " as " : "",
                          cls ? cls : "");
  if (f->cls == CF_CLASS_DISCRETE && !r->p->accept_discrete)
    return cf_verdict_set(r->v, CF_VERDICT_POLICY, "accept_discrete", 0,
                          "a discrete TPM, whose bus can be driven, is not accepted");
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_debug(run_t *r) {
  if (r->p->debug || !r->f->debug) return CF_VERDICT_OK;
  return cf_verdict_set(r->v, CF_VERDICT_DEBUG, "debug", 0, "the enclave can be looked into");
}

/* ---- the program ---- */

static bool is_program(cf_facts_t const *f, cf_appraisal_program_t const *m) {
  uint64_t svn;
  if (m->platform != (uint64_t)f->platform) return false;
  for (size_t i = 0; i < m->registers_cnt; i++)
    if (!m->registers[i].value.len || !cf_span_eq(cf_evidence_register(f, m->registers[i].name), m->registers[i].value))
      return false;
  return m->registers_cnt && (!m->svn_min || (cf_appraise_svn(&svn, f) && svn >= m->svn_min));
}

static cf_appraisal_register_t const *first_other(cf_facts_t const *f, cf_appraisal_program_t const *m) {
  for (size_t i = 0; i < m->registers_cnt; i++)
    if (!cf_span_eq(cf_evidence_register(f, m->registers[i].name), m->registers[i].value)) return &m->registers[i];
  return NULL;
}

/* The first eight bytes are enough to find a build by. */
static char *hex_short(char out[24], cf_span_t bytes) {
  cf_hex_encode(out, CF_SPAN(bytes.ptr, bytes.len < 8 ? bytes.len : 8));
  return bytes.len ? out : memcpy(out, "not there", 10);
}

/* By the first program of this platform: which register is another, and what it is. */
static cf_verdict_code_t no_program(run_t *r) {
  char has[24], names[24];
  for (size_t i = 0; i < r->p->programs_cnt; i++) {
    cf_appraisal_register_t const *other = first_other(r->f, &r->p->programs[i]);
    if (r->p->programs[i].platform != (uint64_t)r->f->platform || !other) continue;
    return cf_verdict_set(r->v, CF_VERDICT_MEASUREMENT, "measurement", 0,
                          "%.*s is %s; policy names %s (of %zu programs the first)", (int)other->name.len,
                          (char const *)other->name.ptr, hex_short(has, cf_evidence_register(r->f, other->name)),
                          hex_short(names, other->value), r->p->programs_cnt);
  }
  return cf_verdict_set(r->v, CF_VERDICT_MEASUREMENT, "measurement", 0, "policy names no program with these registers");
}

static cf_verdict_code_t check_program(run_t *r) {
  int64_t ended = 0;
  if (r->p->any_program) return CF_VERDICT_OK;
  for (size_t i = 0; i < r->p->programs_cnt; i++) {
    cf_appraisal_program_t const *m = &r->p->programs[i];
    if (!is_program(r->f, m)) continue;
    int64_t end = (int64_t)m->until;
    if (r->at_s <= end) {
      holds_until(r, end, "policy.measurement");
      return CF_VERDICT_OK;
    }
    if (end > ended) ended = end;
  }
  if (ended)
    return cf_verdict_set(r->v, CF_VERDICT_MEASUREMENT, "measurement", ended, "policy accepted this program until this date");
  return no_program(r);
}

/* ---- the conversation ---- */

static cf_verdict_code_t check_nonce(run_t *r) {
  if (r->domain && r->domain->nonce && !cf_nonces_has(r->f->nonces, r->domain->nonce))
    return cf_verdict_set(r->v, CF_VERDICT_NONCE, "nonces", 0, "the verifier's own nonce is not in the list");
  if (r->p->nonce && !r->f->nonce_held && !(r->domain && r->domain->nonce))
    return cf_verdict_set(r->v, CF_VERDICT_NONCE, "nonce", 0,
                          "policy wants an answer to a nonce of the asker's own, and none was asked for");
  return CF_VERDICT_OK;
}

/* Within an instance the TPM was neither reset nor restarted. */
static cf_verdict_code_t check_counters(run_t *r) {
  cf_facts_t const *e = r->domain ? r->domain->earlier : NULL, *f = r->f;
  if (!e || !cf_hash_eq(&e->instance, &f->instance)) return CF_VERDICT_OK;
  if (e->reset_cnt == f->reset_cnt && e->restart_cnt == f->restart_cnt && !memcmp(e->ak_name, f->ak_name, sizeof e->ak_name))
    return CF_VERDICT_OK;
  return cf_verdict_set(r->v, CF_VERDICT_BINDING, "tpm.counters", 0,
                        "this instance was attested by another TPM, or under other reset counters");
}

static cf_verdict_code_t check_age(run_t *r) {
  if (!r->f->made_s) return CF_VERDICT_OK;
  if (r->f->made_s > r->at_s + (int64_t)r->p->clock_skew_s)
    return cf_verdict_set(r->v, CF_VERDICT_NOT_YET_VALID, "evidence", r->f->made_s,
                          "it says that it was made later, on this date");
  if (!r->p->evidence_max_age_s) return CF_VERDICT_OK;
  int64_t end = r->f->made_s + (int64_t)r->p->evidence_max_age_s;
  if (r->at_s > end)
    return cf_verdict_set(r->v, CF_VERDICT_EXPIRED, "evidence", end, "policy takes evidence as old as this until this date");
  holds_until(r, end, "policy.evidence");
  return CF_VERDICT_OK;
}

/* ---- collateral ---- */

static cf_verdict_code_t check_revocation(run_t *r) {
  if (!r->p->revocation || !r->f->unlisted) return CF_VERDICT_OK;
  return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "crl", 0,
                        "policy wants a revocation list at every link that has one");
}

static cf_verdict_code_t check_issued(run_t *r, int64_t issued_s, char const *item, char const *why) {
  if (!issued_s || !r->p->collateral_max_age_s) return CF_VERDICT_OK;
  int64_t end = issued_s + (int64_t)r->p->collateral_max_age_s;
  char    name[32];
  if (r->at_s > end) return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_STALE, item, end, "%s", why);
  snprintf(name, sizeof name, "policy.%s", item);
  holds_until(r, end, name);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_collateral_age(run_t *r) {
  cf_facts_t const *e = r->domain ? r->domain->earlier : NULL, *f = r->f;
  cf_verdict_code_t code = check_issued(r, f->crl_issued_s, "crl", "policy takes revocation lists until this date");
  if (!code) code = check_issued(r, f->collateral_issued_s, "tcb_info", "policy takes TCB info and identities until this date");
  if (!code && f->crl_issued_s && e && cf_hash_eq(&e->ek_certificate, &f->ek_certificate) && f->crl_issued_s < e->crl_issued_s)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_STALE, "crl", e->crl_issued_s, "a list of this date was relied on before");
  return code;
}

/* ---- the place ---- */

/* "eu" has "eu" and "eu-west-1" inside it. */
static bool is_inside(char const *place, cf_span_t area) {
  size_t n = strlen(place);
  return n >= area.len && !memcmp(place, area.ptr, area.len) && (n == area.len || place[area.len] == '-');
}

static cf_verdict_code_t check_place(run_t *r) {
  if (!r->p->jurisdictions_cnt) return CF_VERDICT_OK;
  if (!r->f->place[0])
    return cf_verdict_set(r->v, CF_VERDICT_JURISDICTION, "place", 0, "nothing here says where the machine stands");
  for (size_t i = 0; i < r->p->jurisdictions_cnt; i++)
    if (is_inside(r->f->place, r->p->jurisdictions[i])) return CF_VERDICT_OK;
  return cf_verdict_set(r->v, CF_VERDICT_JURISDICTION, "place", 0, "the machine stands in %s", r->f->place);
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

static cf_verdict_code_t check_statements(run_t *r) {
  cf_facts_t const        *f = r->f;
  cf_appraise_ask_t const *ask = r->domain;
  if (f->subject != CF_ROLE_EVIDENCE || f->ak_certified) return CF_VERDICT_OK;
  if (!ask)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "credential", 0,
                          "whose credential statements count is a domain's to say, and none was named");
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
    return cf_verdict_set(r->v, stale ? CF_VERDICT_COLLATERAL_STALE : CF_VERDICT_COLLATERAL_MISSING, "credential", 0,
                          "%zu of %zu credential statements count%s%.100s", cnt, ask->statement_min,
                          first.status ? "; one is " : "", first.text);
  holds_until(r, end_of_quorum(ends, cnt, ask->statement_min), "credential");
  return CF_VERDICT_OK;
}

/* ---- the table ---- */

static struct {
  char const *name, *what;
  cf_verdict_code_t (*fn)(run_t *r);
} const rules[] = {
    {"platform", "policy names it", check_platform},
    {"root", "the maker's own, or one that policy names with its class; production takes none that an owner controls",
     check_root},
    {"debug", "cannot be looked into", check_debug},
    {"migration", "SNP, TDX: cannot be moved to another machine, and no service TD is bound", cf_appraise_migration},
    {"intel-tcb", "SGX, TDX: status, advisories, date and evaluation number", cf_appraise_intel},
    {"snp-tcb", "SNP: least security versions, VMPL, alias check, SMT", cf_appraise_snp},
    {"program", "registers of a program that policy names, until its end date", check_program},
    {"asked", "the asker's own nonce, where policy wants one", check_nonce},
    {"counters", "TPM: not reset or restarted within an instance", check_counters},
    {"age", "where evidence says when it was made: not too long ago, and not later", check_age},
    {"lists", "a revocation list at every link that has one", check_revocation},
    {"collateral", "lists, TCB info and identities: no older than policy takes, and never older than before",
     check_collateral_age},
    {"place", "where a certificate says where the machine stands: inside policy's jurisdictions", check_place},
    {"credential", "TPM of a domain: enough verifiers saw that its TPM holds the key", check_statements},
};
#define RULES (sizeof rules / sizeof rules[0])

bool cf_appraise_row(char const **name, char const **what, size_t k) {
  if (k >= RULES) return false;
  *name = rules[k].name;
  *what = rules[k].what;
  return true;
}

cf_verdict_code_t cf_appraise_under(int64_t *until_s, cf_facts_t const *f, cf_appraisal_t const *policy,
                                    cf_appraise_ask_t const *domain, int64_t at_s, cf_dates_t *dates, cf_verdict_t *v) {
  run_t r = {.f = f, .p = policy, .domain = domain, .at_s = at_s, .until_s = f->valid_until_s, .dates = dates, .v = v};
  cf_verdict_code_t code = CF_VERDICT_OK;
  *v = (cf_verdict_t){.next = cf_verdict_next(CF_VERDICT_OK)};
  if (at_s + (int64_t)policy->result_max_age_s < r.until_s)
    r.until_s = at_s + (int64_t)policy->result_max_age_s; /* the result's end */
  for (size_t k = 0; k < RULES && !code; k++) code = rules[k].fn(&r);
  if (!code) *until_s = r.until_s;
  return code;
}

cf_verdict_code_t cf_appraise(int64_t *until_s, cf_facts_t const *f, cf_appraise_ask_t const *ask, cf_verdict_t *v) {
  cf_appraisal_t policy;
  cf_appraisal_of_domain(&policy, ask->policy, ask->production);
  return cf_appraise_under(until_s, f, &policy, ask, ask->at_s, NULL, v);
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
