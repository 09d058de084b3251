/* SGX and TDX: a quote, by an attestation key that Intel's quoting enclave made, whose report is signed by the PCK key of a
   platform, whose certificate Intel issued; and how current that platform is by Intel's own word at T. */
#include "crypto/cf_hash.h"
#include "evidence/cf_hcl.h"
#include "evidence/cf_platforms.h"
#include "evidence/cf_rtmr.h"

/* One run; each check reads what those before it established. */
typedef struct {
  cf_evidence_parts_t const *parts;
  cf_evidence_ask_t const   *ask;
  cf_facts_t                *f;
  cf_quote_facts_t          *of;
  cf_verdict_t              *v;
  cf_key_t                   anchors[CF_ROOTS_MAX];
  cf_intel_time_t            w;
  cf_intel_chain_t           pck_chain, info_chain, identity_chain;
  cf_intel_chain_t const    *identity_by; /* one of the two */
  cf_tcb_info_t              info;
  cf_qe_identity_t           identity;
  cf_pck_t                   pck;
  cf_tcb_status_t            sgx_status; /* of the level reached without TDX components */
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

/* ---- the platform's chain ---- */

static cf_verdict_code_t read_anchors(run_t *r) {
  for (size_t i = 0; i < r->ask->root_cnt; i++) {
    cf_cert_t  cert;
    cf_error_t err = {0};
    if (cf_cert_decode(&cert, r->ask->roots[i].der, "trusted_root", &err))
      return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "trusted_root", 0, "%s", err.text);
    r->anchors[i] = cert.key;
  }
  r->w = (cf_intel_time_t){.at_s = r->ask->at_s, .in = CF_INTERVAL_ALL, .anchors = r->anchors, .anchor_cnt = r->ask->root_cnt};
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_pck_chain(run_t *r) {
  cf_quote_t const *q = &r->of->q;
  cf_span_t         chain = q->cert_type == 5 ? q->cert : item(r, CF_ROLE_PCK_CHAIN);
  if (!chain.len)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "pck_chain", 0,
                          "certification data of type %u carries no PCK certificate chain, and none was supplied", q->cert_type);
  cf_verdict_code_t code = read_anchors(r);
  if (!code) code = cf_intel_chain(&r->pck_chain, &r->w, chain, CF_INTEL_PCK, "pck_chain", r->v);
  if (code) return code;
  cf_cert_ext_t const *sgx = cf_cert_ext(&r->pck_chain.cert[0], CF_SPAN_LIT("\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01"));
  if (!sgx || cf_pck_decode(&r->pck, sgx->value))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "pck_chain[0]", 0, "its SGX extension is missing or malformed");
  r->f->root = cf_sha256(r->pck_chain.cert[2].der);
  return CF_VERDICT_OK;
}

/* ---- collateral ---- */

static cf_verdict_code_t missing(run_t *r, cf_role_t role) {
  return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, cf_role_name(role), 0, "not supplied");
}

static cf_verdict_code_t check_root_list(run_t *r) {
  cf_crl_t         crl;
  cf_cert_t const *root = &r->pck_chain.cert[2];
  cf_span_t        der = item(r, CF_ROLE_ROOT_CA_CRL);
  if (!der.ptr) return r->ask->crl_waived ? CF_VERDICT_OK : missing(r, CF_ROLE_ROOT_CA_CRL);
  cf_verdict_code_t code = cf_intel_list(&crl, &r->w, der, root, "root_ca_crl", r->v);
  if (!code) code = cf_crl_judge(&crl, &r->pck_chain.cert[1], r->v);
  if (!code) code = cf_crl_judge(&crl, &r->info_chain.cert[0], r->v);
  if (!code) code = cf_crl_judge(&crl, &r->identity_by->cert[0], r->v);
  return code;
}

static cf_verdict_code_t check_pck_list(run_t *r) {
  cf_crl_t  crl;
  cf_span_t der = item(r, CF_ROLE_PCK_CRL);
  if (!der.ptr) return r->ask->crl_waived ? CF_VERDICT_OK : missing(r, CF_ROLE_PCK_CRL);
  cf_verdict_code_t code = cf_intel_list(&crl, &r->w, der, &r->pck_chain.cert[1], "pck_crl", r->v);
  return code ? code : cf_crl_judge(&crl, &r->pck_chain.cert[0], r->v);
}

/* One chain signs both documents as a rule: it is checked once. */
static cf_verdict_code_t check_signing_chains(run_t *r) {
  cf_span_t info = item(r, CF_ROLE_TCB_INFO_CHAIN), identity = item(r, CF_ROLE_QE_IDENTITY_CHAIN);
  if (!info.ptr) return missing(r, CF_ROLE_TCB_INFO_CHAIN);
  if (!identity.ptr) return missing(r, CF_ROLE_QE_IDENTITY_CHAIN);
  cf_verdict_code_t code = cf_intel_chain(&r->info_chain, &r->w, info, CF_INTEL_TCB_SIGNING, "tcb_info_chain", r->v);
  r->identity_by = &r->info_chain;
  if (code || cf_span_eq(info, identity)) return code;
  r->identity_by = &r->identity_chain;
  return cf_intel_chain(&r->identity_chain, &r->w, identity, CF_INTEL_TCB_SIGNING, "qe_identity_chain", r->v);
}

static cf_verdict_code_t check_revocation(run_t *r) {
  cf_verdict_code_t code = check_root_list(r);
  return code ? code : check_pck_list(r);
}

static cf_verdict_code_t document_error(run_t *r, cf_role_t role, cf_error_t const *err) {
  cf_verdict_code_t code = CF_VERDICT_MALFORMED;
  if (err->status == CF_ERR_UNSUPPORTED) code = CF_VERDICT_UNSUPPORTED;
  if (err->status == CF_ERR_AUTH) code = CF_VERDICT_SIGNATURE;
  return cf_verdict_set(r->v, code, cf_role_name(role), 0, "%s", err->text);
}

static cf_verdict_code_t check_dates(run_t *r, int64_t issued_s, int64_t next_s, char const *name) {
  if (next_s < issued_s) return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, name, next_s, "due for renewal before it was issued");
  return cf_interval_judge(&r->w.in, issued_s, next_s, r->w.at_s, CF_VERDICT_COLLATERAL_STALE, name, r->v);
}

static cf_verdict_code_t check_tcb_info(run_t *r) {
  cf_error_t err = {0};
  if (!item(r, CF_ROLE_TCB_INFO).ptr) return missing(r, CF_ROLE_TCB_INFO);
  if (cf_tcb_info_read(&r->info, item(r, CF_ROLE_TCB_INFO), r->info_chain.cert[0].key.b, &err))
    return document_error(r, CF_ROLE_TCB_INFO, &err);
  return check_dates(r, r->info.issued_s, r->info.next_s, "tcb_info");
}

static cf_verdict_code_t check_qe_document(run_t *r) {
  cf_error_t err = {0};
  if (!item(r, CF_ROLE_QE_IDENTITY).ptr) return missing(r, CF_ROLE_QE_IDENTITY);
  if (cf_qe_identity_read(&r->identity, item(r, CF_ROLE_QE_IDENTITY), r->identity_by->cert[0].key.b, &err))
    return document_error(r, CF_ROLE_QE_IDENTITY, &err);
  return check_dates(r, r->identity.issued_s, r->identity.next_s, "qe_identity");
}

/* ---- the quote's own signatures ---- */

static cf_verdict_code_t check_qe_report(run_t *r) {
  if (cf_intel_signed(CF_SPAN(r->of->q.qe_report, CF_ENCLAVE_REPORT_SZ), r->of->q.qe_signature, r->pck_chain.cert[0].key.b))
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

/* ---- what Intel says about them ---- */

static bool masked_eq(uint8_t const *have, uint8_t const *mask, uint8_t const *want, size_t n) {
  for (size_t i = 0; i < n; i++)
    if ((have[i] & mask[i]) != want[i]) return false;
  return true;
}

static uint16_t le16(uint8_t const *at) { return (uint16_t)(at[0] | at[1] << 8); }

static cf_verdict_code_t check_qe_identity(run_t *r) {
  cf_qe_identity_t const *id = &r->identity;
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
  if (r->info.td != cf_quote_is_td(&r->of->q))
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "tcb_info", 0, "this TCB info is the other TEE's");
  if (memcmp(r->info.pceid, r->pck.pceid, sizeof r->pck.pceid)) differs = "PCEID";
  if (memcmp(r->info.fmspc, r->pck.fmspc, sizeof r->pck.fmspc)) differs = "FMSPC";
  if (differs)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "tcb_info", 0, "TCB info of another kind of platform: %s differs",
                          differs);
  r->of->pck = r->pck;
  r->of->platform_known = true;
  r->of->evaluation = r->info.evaluation;
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_level(run_t *r) {
  char                  why[96];
  uint8_t const        *tee = cf_quote_is_td(&r->of->q) ? r->of->q.body + CF_TD_TEE_TCB_SVN : NULL;
  cf_tcb_level_t const *level = cf_tcb_level_find(&r->info, &r->pck, tee, why);
  if (!level) return cf_verdict_set(r->v, CF_VERDICT_TCB, "tcb", 0, "no level is reached: %s", why);
  r->of->level_status = r->of->status = level->status;
  r->of->tcb_date = level->date;
  r->sgx_status = cf_tcb_level_find(&r->info, &r->pck, NULL, why)->status; /* reached at least where the TD's is */
  if (r->sgx_status == CF_TCB_REVOKED) r->of->status = CF_TCB_REVOKED;
  if (cf_advisories_add(&r->of->advisories, level->advisories))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "tcb_info", 0, "more than %d advisories", CF_ADVISORIES_MAX);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_module(run_t *r) {
  static uint8_t const   zero[8] = {0};
  uint8_t const         *body = r->of->q.body, *svn = body + CF_TD_TEE_TCB_SVN;
  cf_tdx_module_t const *module = svn[1] > 0 ? cf_tdx_module_find(&r->info, svn[1]) : &r->info.module;
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
  if (cf_tcb_relaunch(&r->of->status, &r->info, r->sgx_status, r->of->module_status, r->of->qe_status,
                      r->of->q.body + CF_TD_TEE_TCB_SVN2))
    return cf_verdict_set(r->v, CF_VERDICT_TCB, "tdx_module", 0, "no identity TDX_%02X of the module that is loaded now",
                          r->of->q.body[CF_TD_TEE_TCB_SVN2 + 1]);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_status(run_t *r) {
  r->of->status = cf_tcb_converge(r->of->status, r->of->qe_status);
  r->f->valid_until_s = r->w.in.to_s;
  r->f->crl_issued_s = r->w.list_issued_s;
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
  if (cf_hcl_open(&hcl, item(r, CF_ROLE_HCL_REPORT), &err)) return document_error(r, CF_ROLE_HCL_REPORT, &err);
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
    {"pck-chain", "leaf, CA and root by name: root key pinned, signatures, CA flags, usages, validity at T, SGX extension whole",
     check_pck_chain, false},
    {"signing-chain", "TCB signing certificate of TCB info and QE identity: as the PCK chain, under the same anchor",
     check_signing_chains, false},
    {"revocation", "root's and PCK CA's lists: issuer, signature, dates at T; no certificate of either chain on them",
     check_revocation, false},
    {"tcb-info", "signed over its exact bytes, alone in its frame, issued and not yet due for renewal at T", check_tcb_info,
     false},
    {"qe-document", "QE identity: the same", check_qe_document, false},
    {"qe-report", "quoting enclave's report signed by the PCK key", check_qe_report, false},
    {"binding", "attestation key and authentication data in all 64 bytes of its report data", check_binding, false},
    {"signature", "header and body signed by the attestation key", check_signature, false},
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
    if (k-- > 0) continue;
    *name = checks[i].name;
    *what = checks[i].what;
    return true;
  }
  return false;
}

static bool sgx_row(char const **name, char const **what, size_t k) { return row_at(name, what, k, false); }
static bool tdx_row(char const **name, char const **what, size_t k) { return row_at(name, what, k, true); }

static cf_verdict_code_t quote_verify(cf_facts_t *facts, cf_evidence_parts_t const *parts, cf_evidence_ask_t const *ask,
                                      cf_verdict_t *v) {
  run_t r = {.parts = parts, .ask = ask, .f = facts, .of = &facts->of.quote, .v = v};
  for (size_t k = 0; k < CHECKS; k++) {
    if (checks[k].td_only && facts->platform != CF_PLATFORM_TDX) continue;
    cf_verdict_code_t code = checks[k].fn(&r);
    if (code) return code;
  }
  return CF_VERDICT_OK;
}

/* ---- the report ---- */

static void hex_at(cf_jw_t *j, char const *name, uint8_t const *at, size_t n) { cf_jw_hex(j, name, CF_SPAN(at, n)); }

static void report_td(cf_jw_t *j, cf_quote_t const *q) {
  static struct {
    char const *name;
    uint16_t    at, sz;
  } const rows[] = {{"tee_tcb_svn", CF_TD_TEE_TCB_SVN, 16},
                    {"mrseam", CF_TD_MRSEAM, 48},
                    {"mrsignerseam", CF_TD_MRSIGNERSEAM, 48},
                    {"seamattributes", CF_TD_SEAMATTRIBUTES, 8},
                    {"tdattributes", CF_TD_TDATTRIBUTES, 8},
                    {"xfam", CF_TD_XFAM, 8},
                    {"mrtd", CF_TD_MRTD, 48},
                    {"mrconfigid", CF_TD_MRCONFIGID, 48},
                    {"mrowner", CF_TD_MROWNER, 48},
                    {"mrownerconfig", CF_TD_MROWNERCONFIG, 48},
                    {"rtmr0", CF_TD_RTMR, 48},
                    {"rtmr1", CF_TD_RTMR + 48, 48},
                    {"rtmr2", CF_TD_RTMR + 96, 48},
                    {"rtmr3", CF_TD_RTMR + 144, 48},
                    {"tee_tcb_svn2", CF_TD_TEE_TCB_SVN2, 16},
                    {"mrservicetd", CF_TD_MRSERVICETD, 48}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].at < CF_TD_REPORT_SZ || q->type == CF_BODY_TD15) hex_at(j, rows[i].name, q->body + rows[i].at, rows[i].sz);
}

static void report_enclave(cf_jw_t *j, cf_quote_t const *q) {
  hex_at(j, "mrenclave", q->body + CF_ENCLAVE_MRENCLAVE, 32);
  hex_at(j, "mrsigner", q->body + CF_ENCLAVE_MRSIGNER, 32);
  cf_jw_u64(j, "isvprodid", le16(q->body + CF_ENCLAVE_ISVPRODID));
  cf_jw_u64(j, "isvsvn", le16(q->body + CF_ENCLAVE_ISVSVN));
}

static void report_status(cf_jw_t *j, char const *name, cf_tcb_status_t status) {
  if (status != CF_TCB_NONE) cf_jw_str(j, name, cf_tcb_status_name(status));
}

static void report_final(cf_jw_t *j, cf_quote_facts_t const *of) {
  report_status(j, "tcb_level_status", of->level_status);
  if (of->tcb_date.len) cf_jw_text(j, "tcb_date", of->tcb_date);
  report_status(j, "tdx_module_status", of->module_status);
  report_status(j, "tcb_status", of->status);
  if (of->status == CF_TCB_NONE) return;
  cf_jw_arr(j, "advisory_ids");
  for (size_t i = 0; i < of->advisories.cnt; i++) cf_jw_text(j, NULL, of->advisories.id[i]);
  cf_jw_end(j, ']');
  cf_jw_u64(j, "tcb_evaluation_data_number", of->evaluation);
}

static void report_beside(cf_jw_t *j, cf_quote_facts_t const *of) {
  static char const *const names[CF_RTMR_CNT] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
  if (of->rtmr_matches) {
    cf_jw_arr(j, "event_log_matches");
    for (unsigned i = 0; i < CF_RTMR_CNT; i++)
      if (of->rtmr_matches >> i & 1) cf_jw_str(j, NULL, names[i]);
    cf_jw_end(j, ']');
  }
  if (of->runtime_data) cf_jw_bool(j, "runtime_data_ok", true);
}

static void quote_report(cf_jw_t *j, cf_facts_t const *f) {
  cf_quote_facts_t const *of = &f->of.quote;
  cf_quote_t const       *q = &of->q;
  if (!of->read) return;
  cf_jw_u64(j, "version", q->version);
  cf_jw_u64(j, "trailing_bytes", q->trailing);
  cf_jw_bool(j, "debug", f->debug);
  cf_jw_obj(j, "measurements");
  if (cf_quote_is_td(q)) report_td(j, q);
  else report_enclave(j, q);
  cf_jw_end(j, '}');
  hex_at(j, "report_data", cf_quote_report_data(q), 64);
  report_status(j, "qe_status", of->qe_status);
  if (!of->platform_known) return;
  hex_at(j, "fmspc", of->pck.fmspc, sizeof of->pck.fmspc);
  hex_at(j, "pceid", of->pck.pceid, sizeof of->pck.pceid);
  report_final(j, of);
  report_beside(j, of);
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
                                                .report = quote_report};
cf_evidence_platform_t const cf_evidence_sgx = {.platform = CF_PLATFORM_SGX,
                                                .subject = CF_ROLE_QUOTE,
                                                .reads = READS,
                                                .verify = quote_verify,
                                                .row = sgx_row,
                                                .report = quote_report};
