/* SGX and TDX: a quote, by an attestation key that Intel's quoting enclave made, whose report is signed by the PCK key of a
   platform, whose certificate Intel issued; and how current that platform is by Intel's own word at T. */
#include "crypto/cf_hash.h"
#include "evidence/cf_hcl.h"
#include "evidence/cf_quote_check.h"
#include "evidence/cf_rtmr.h"

/* One run; each check reads what those before it established. */
typedef struct {
  cf_evidence_parts_t const   *parts;
  cf_evidence_ask_t const     *ask;
  cf_facts_t                  *f;
  cf_quote_facts_t            *of;
  cf_verdict_t                *v;
  cf_quote_collateral_t       *own;        /* where what is found of the collateral goes */
  cf_quote_collateral_t const *c;          /* that, or what was kept */
  cf_tcb_status_t              sgx_status; /* of the level reached without TDX components */
} run_t;

static cf_span_t item(run_t const *r, cf_role_t role) { return r->parts->item[role]; }

static cf_verdict_code_t check_quote(run_t *r) {
  cf_error_t err = {0};
  if (cf_quote_decode(&r->of->q, item(r, CF_ROLE_QUOTE), &err)) return cf_verdict_error(r->v, &err);
  r->of->read = true;
  r->f->debug = cf_quote_debug(&r->of->q);
  if (cf_quote_is_td(&r->of->q) != (r->f->platform == CF_PLATFORM_TDX))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "quote.body", 0, "the body of another TEE");
  return CF_VERDICT_OK;
}

/* ---- collateral ---- */

static cf_verdict_code_t check_collateral(run_t *r) {
  if (r->ask->kept) {
    r->c = r->ask->kept;
    return cf_quote_collateral_fits(r->c, &r->of->q, item(r, CF_ROLE_PCK_CHAIN), r->ask, r->v);
  }
  r->c = r->own;
  return cf_quote_collateral_check(r->own, r->parts, r->ask, &r->of->q, r->v);
}

/* ---- the quote's own signatures ---- */

static cf_verdict_code_t check_qe_report(run_t *r) {
  if (cf_intel_signed(CF_SPAN(r->of->q.qe_report, CF_ENCLAVE_REPORT_SZ), r->of->q.qe_signature, r->c->pck_key))
    return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "quote.qe_report", 0,
                          "the PCK key did not sign the quoting enclave's report");
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_binding(run_t *r) {
  cf_quote_t const *q = &r->of->q;
  uint8_t           want[64] = {0};
  cf_sha256_t       ctx;
  cf_sha256_init(&ctx);
  cf_sha256_add(&ctx, q->attest_key, 64);
  cf_sha256_s(&ctx, q->qe_auth);
  cf_hash_t hash = cf_sha256_end(&ctx);
  memcpy(want, hash.b, sizeof hash.b);
  if (memcmp(q->qe_report + CF_ENCLAVE_REPORTDATA, want, sizeof want))
    return cf_verdict_set(r->v, CF_VERDICT_BINDING, "quote.attest_key", 0, "not the key that the quoting enclave's report names");
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_signature(run_t *r) {
  if (cf_intel_signed(r->of->q.covered, r->of->q.signature, r->of->q.attest_key))
    return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "quote", 0, "the attestation key did not sign this quote");
  return CF_VERDICT_OK;
}

/* A shorter nonce than the report data is followed by zeros: nothing else may stand there. */
static cf_verdict_code_t check_nonce(run_t *r) {
  uint8_t   want[64] = {0};
  cf_span_t nonce = r->ask->nonce;
  if (!nonce.len) return CF_VERDICT_OK;
  if (nonce.len <= sizeof want) memcpy(want, nonce.ptr, nonce.len);
  if (nonce.len > sizeof want || memcmp(want, cf_quote_report_data(&r->of->q), sizeof want))
    return cf_verdict_set(r->v, CF_VERDICT_NONCE, "quote.report_data", 0,
                          "not the nonce that was asked for, and zeros behind it");
  return CF_VERDICT_OK;
}

/* ---- what Intel says about them ---- */

static bool masked_eq(uint8_t const *have, uint8_t const *mask, uint8_t const *want, size_t n) {
  for (size_t i = 0; i < n; i++)
    if ((have[i] & mask[i]) != want[i]) return false;
  return true;
}

static uint16_t le16(uint8_t const *at) { return (uint16_t)(at[0] | at[1] << 8); }

static cf_verdict_code_t check_qe_identity(run_t *r) {
  cf_qe_identity_t const *id = &r->c->identity;
  uint8_t const          *qe = r->of->q.qe_report;
  char const             *differs = NULL;
  if (id->td != cf_quote_is_td(&r->of->q))
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "qe_identity", 0,
                          "this identity is the other TEE's quoting enclave's");
  if (!masked_eq(qe + CF_ENCLAVE_MISCSELECT, id->miscselect_mask, id->miscselect, 4)) differs = "MISCSELECT";
  if (!masked_eq(qe + CF_ENCLAVE_ATTRIBUTES, id->attributes_mask, id->attributes, 16)) differs = "ATTRIBUTES";
  if (memcmp(qe + CF_ENCLAVE_MRSIGNER, id->mrsigner, 32)) differs = "MRSIGNER";
  if (le16(qe + CF_ENCLAVE_ISVPRODID) != id->isvprodid) differs = "ISVPRODID";
  if (differs)
    return cf_verdict_set(r->v, CF_VERDICT_CHAIN, "quote.qe_report", 0, "not Intel's quoting enclave: %s differs", differs);
  uint16_t              svn = le16(qe + CF_ENCLAVE_ISVSVN);
  cf_svn_level_t const *level = cf_svn_level_find(id->level, id->level_cnt, svn);
  if (!level)
    return cf_verdict_set(r->v, CF_VERDICT_TCB, "quote.qe_report", 0, "ISVSVN %u of the quoting enclave is below every level",
                          svn);
  r->of->qe_status = level->status;
  if (cf_advisories_add(&r->of->advisories, level->advisories))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "qe_identity", 0, "more than %d advisories", CF_ADVISORIES_MAX);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_platform(run_t *r) {
  char const *differs = NULL;
  if (r->c->info.td != cf_quote_is_td(&r->of->q))
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "tcb_info", 0, "this TCB info is the other TEE's");
  if (memcmp(r->c->info.pceid, r->c->pck.pceid, sizeof r->c->pck.pceid)) differs = "PCEID";
  if (memcmp(r->c->info.fmspc, r->c->pck.fmspc, sizeof r->c->pck.fmspc)) differs = "FMSPC";
  if (differs)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "tcb_info", 0, "TCB info of another kind of platform: %s differs",
                          differs);
  r->of->pck = r->c->pck;
  r->of->platform_known = true;
  r->of->evaluation = r->c->info.evaluation;
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_level(run_t *r) {
  char                  why[96];
  uint8_t const        *tee = cf_quote_is_td(&r->of->q) ? r->of->q.body + CF_TD_TEE_TCB_SVN : NULL;
  cf_tcb_level_t const *level = cf_tcb_level_find(&r->c->info, &r->c->pck, tee, why);
  if (!level) return cf_verdict_set(r->v, CF_VERDICT_TCB, "tcb", 0, "no level is reached: %s", why);
  r->of->level_status = r->of->status = level->status;
  r->of->tcb_date = level->date;
  r->sgx_status = cf_tcb_level_find(&r->c->info, &r->c->pck, NULL, why)->status; /* reached at least where the TD's is */
  if (r->sgx_status == CF_TCB_REVOKED) r->of->status = CF_TCB_REVOKED;
  if (cf_advisories_add(&r->of->advisories, level->advisories))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "tcb_info", 0, "more than %d advisories", CF_ADVISORIES_MAX);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_module(run_t *r) {
  static uint8_t const   zero[8] = {0};
  uint8_t const         *body = r->of->q.body, *svn = body + CF_TD_TEE_TCB_SVN;
  cf_tdx_module_t const *module = svn[1] > 0 ? cf_tdx_module_find(&r->c->info, svn[1]) : &r->c->info.module;
  if (!module) return cf_verdict_set(r->v, CF_VERDICT_TCB, "tdx_module", 0, "no identity TDX_%02X in the TCB info", svn[1]);
  if (memcmp(body + CF_TD_MRSIGNERSEAM, module->mrsigner, 48))
    return cf_verdict_set(r->v, CF_VERDICT_CHAIN, "tdx_module", 0, "another signer's module (MRSIGNERSEAM)");
  if (!masked_eq(body + CF_TD_SEAMATTRIBUTES, module->mask, module->attributes, 8) ||
      memcmp(body + CF_TD_SEAMATTRIBUTES, zero, 8))
    return cf_verdict_set(r->v, CF_VERDICT_CHAIN, "tdx_module", 0, "the module's attributes are not those of its identity");
  if (svn[1] == 0) return CF_VERDICT_OK; /* of this version the components tell, and there are no levels */
  cf_svn_level_t const *level = cf_svn_level_find(module->level, module->level_cnt, svn[0]);
  if (!level) return cf_verdict_set(r->v, CF_VERDICT_TCB, "tdx_module", 0, "version %u.%u is below every level", svn[1], svn[0]);
  r->of->module_status = level->status;
  r->of->status = cf_tcb_converge(r->of->status, level->status);
  if (cf_advisories_add(&r->of->advisories, level->advisories))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "tcb_info", 0, "more than %d advisories", CF_ADVISORIES_MAX);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_relaunch(run_t *r) {
  if (r->of->q.type != CF_BODY_TD15) return CF_VERDICT_OK;
  if (cf_tcb_relaunch(&r->of->status, &r->c->info, r->sgx_status, r->of->module_status, r->of->qe_status,
                      r->of->q.body + CF_TD_TEE_TCB_SVN2))
    return cf_verdict_set(r->v, CF_VERDICT_TCB, "tdx_module", 0, "no identity TDX_%02X of the module that is loaded now",
                          r->of->q.body[CF_TD_TEE_TCB_SVN2 + 1]);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_status(run_t *r) {
  r->of->status = cf_tcb_converge(r->of->status, r->of->qe_status);
  r->f->valid_until_s = r->c->in.to_s;
  r->f->crl_issued_s = r->c->list_issued_s;
  r->f->root = r->c->root;
  r->f->maker_root = r->c->maker_root;
  if (!r->c->maker_root) r->f->cls = cf_roots_class(r->ask);
  r->f->unlisted = r->c->unlisted;
  r->f->collateral_issued_s = r->c->info.issued_s < r->c->identity.issued_s ? r->c->info.issued_s : r->c->identity.issued_s;
  if (r->of->status == CF_TCB_REVOKED)
    return cf_verdict_set(r->v, CF_VERDICT_TCB, "tcb", 0, "Intel revoked this level: the platform's keys may be known");
  return CF_VERDICT_OK;
}

/* ---- what comes beside a quote ---- */

static cf_verdict_code_t check_event_log(run_t *r) {
  cf_rtmrs_t  rtmrs = {.touched = 0};
  cf_error_t  err = {0};
  cf_role_t   role = item(r, CF_ROLE_EVENT_LOG).ptr ? CF_ROLE_EVENT_LOG : CF_ROLE_EVENT_LOG_JSON;
  cf_span_t   log = item(r, role);
  cf_status_t st = CF_OK;
  if (!log.ptr) return CF_VERDICT_OK;
  if (item(r, CF_ROLE_EVENT_LOG).ptr && item(r, CF_ROLE_EVENT_LOG_JSON).ptr)
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "event_log", 0, "two logs: which one is meant?");
  st = role == CF_ROLE_EVENT_LOG ? cf_rtmrs_ccel(&rtmrs, log, &err) : cf_rtmrs_json(&rtmrs, log, &err);
  if (st) return cf_verdict_set(r->v, CF_VERDICT_EVENT_LOG, cf_role_name(role), 0, "%s", err.text);
  for (unsigned i = 0; i < CF_RTMR_CNT; i++) {
    bool same = memcmp(rtmrs.value[i], r->of->q.body + CF_TD_RTMR + CF_RTMR_SZ * i, CF_RTMR_SZ) == 0;
    if (same) r->of->rtmr_matches |= (uint8_t)(1u << i);
    else if (rtmrs.touched >> i & 1)
      return cf_verdict_set(r->v, CF_VERDICT_EVENT_LOG, cf_role_name(role), 0, "does not lead to RTMR%u as quoted", i);
  }
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_runtime(run_t *r) {
  cf_hcl_t   hcl;
  cf_error_t err = {0};
  if (!item(r, CF_ROLE_HCL_REPORT).ptr) return CF_VERDICT_OK;
  if (cf_hcl_open(&hcl, item(r, CF_ROLE_HCL_REPORT), &err)) return cf_verdict_error(r->v, &err);
  if (hcl.kind != CF_HCL_TDX || !cf_span_eq(hcl.bound, CF_SPAN(cf_quote_report_data(&r->of->q), 64)))
    return cf_verdict_set(r->v, CF_VERDICT_BINDING, "hcl_report", 0,
                          "the quote's report data is not the hash of this runtime data");
  r->of->runtime_data = true;
  return CF_VERDICT_OK;
}

/* ---- the table ---- */

static struct {
  char const *name, *what;
  cf_verdict_code_t (*fn)(run_t *r);
  bool td_only;
} const checks[] = {
    {"quote", "versions 3 to 5, Intel's quoting enclave, sizes fit types, parts end with their parents", check_quote, false},
    {NULL, NULL, check_collateral, false}, /* its own rows stand in for it */
    {"qe-report", "quoting enclave's report signed by the PCK key", check_qe_report, false},
    {"binding", "attestation key and authentication data in all 64 bytes of its report data", check_binding, false},
    {"signature", "header and body signed by the attestation key", check_signature, false},
    {"nonce", "where one is asked for, it is the report data, whole, and zeros behind it", check_nonce, false},
    {"qe-identity", "MISCSELECT, ATTRIBUTES, MRSIGNER, ISVPRODID under their masks; a level for its ISVSVN", check_qe_identity,
     false},
    {"platform", "TCB info of this TEE, FMSPC and PCEID", check_platform, false},
    {"level", "first level whose every component, and PCESVN, is reached; revoked is refused", check_level, false},
    {"tdx-module", "identity by major version: MRSIGNERSEAM, SEAMATTRIBUTES; a level for its minor version", check_module, true},
    {"relaunch", "1.5 reports: whether the module that is loaded now would be current", check_relaunch, true},
    {"status", "platform, module and quoting enclave come to one status, reported with dates and advisories", check_status,
     false},
    {"event-log", "where one is supplied (CCEL or JSON), its replay leads to the RTMRs quoted", check_event_log, true},
    {"runtime-data", "where an HCL blob is supplied, the report data is the hash of its runtime data", check_runtime, true},
};
#define CHECKS (sizeof checks / sizeof checks[0])

static bool row_at(char const **name, char const **what, size_t k, bool td) {
  for (size_t i = 0; i < CHECKS; i++) {
    if (checks[i].td_only && !td) continue;
    for (size_t n = 0; checks[i].name ? n < 1 : cf_quote_collateral_row(name, what, n); n++) {
      if (k-- > 0) continue;
      if (checks[i].name) *name = checks[i].name, *what = checks[i].what;
      return true;
    }
  }
  return false;
}

static bool sgx_row(char const **name, char const **what, size_t k) { return row_at(name, what, k, false); }
static bool tdx_row(char const **name, char const **what, size_t k) { return row_at(name, what, k, true); }

static cf_verdict_code_t quote_verify(cf_facts_t *facts, cf_evidence_parts_t const *parts, cf_evidence_ask_t const *ask,
                                      cf_verdict_t *v) {
  cf_quote_collateral_t own;
  run_t r = {.parts = parts, .ask = ask, .f = facts, .of = &facts->of.quote, .v = v, .own = ask->keep ? ask->keep : &own};
  for (size_t k = 0; k < CHECKS; k++) {
    if (checks[k].td_only && facts->platform != CF_PLATFORM_TDX) continue;
    cf_verdict_code_t code = checks[k].fn(&r);
    if (!code) continue;
    if (ask->keep) ask->keep->in = (cf_interval_t){INT64_MAX, INT64_MIN, NULL}; /* holds at no time */
    return code;
  }
  return CF_VERDICT_OK;
}

/* ---- the platforms ---- */

static bool tdx_register(char name[CF_REGISTER_NAME_MAX], cf_span_t *value, cf_facts_t const *f, size_t k) {
  return cf_quote_register(name, value, f, k, true);
}
static bool sgx_register(char name[CF_REGISTER_NAME_MAX], cf_span_t *value, cf_facts_t const *f, size_t k) {
  return cf_quote_register(name, value, f, k, false);
}

static bool is_tdx(cf_span_t quote) { return quote.len > 4 && quote.ptr[4] == 0x81; }

#define READS                                                                                                                    \
  (CF_ROLE_BIT(CF_ROLE_QUOTE) | CF_ROLE_BIT(CF_ROLE_TCB_INFO) | CF_ROLE_BIT(CF_ROLE_TCB_INFO_CHAIN) |                            \
   CF_ROLE_BIT(CF_ROLE_QE_IDENTITY) | CF_ROLE_BIT(CF_ROLE_QE_IDENTITY_CHAIN) | CF_ROLE_BIT(CF_ROLE_PCK_CRL) |                    \
   CF_ROLE_BIT(CF_ROLE_ROOT_CA_CRL) | CF_ROLE_BIT(CF_ROLE_PCK_CHAIN))
#define TDX_READS (READS | CF_ROLE_BIT(CF_ROLE_EVENT_LOG) | CF_ROLE_BIT(CF_ROLE_EVENT_LOG_JSON) | CF_ROLE_BIT(CF_ROLE_HCL_REPORT))

cf_evidence_platform_t const cf_evidence_tdx = {.platform = CF_PLATFORM_TDX,
                                                .subject = CF_ROLE_QUOTE,
                                                .reads = TDX_READS,
                                                .is = is_tdx,
                                                .verify = quote_verify,
                                                .row = tdx_row,
                                                .reg = tdx_register,
                                                .report = cf_quote_report};
cf_evidence_platform_t const cf_evidence_sgx = {.platform = CF_PLATFORM_SGX,
                                                .subject = CF_ROLE_QUOTE,
                                                .reads = READS,
                                                .verify = quote_verify,
                                                .row = sgx_row,
                                                .reg = sgx_register,
                                                .report = cf_quote_report};
