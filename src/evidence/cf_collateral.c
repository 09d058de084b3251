#include "evidence/cf_collateral.h"

#include "crypto/cf_hash.h"
#include "evidence/cf_quote_check.h"

/* One run; each check reads what those before it established. */
typedef struct {
  cf_evidence_parts_t const *parts;
  cf_evidence_ask_t const   *ask;
  cf_quote_t const          *q;
  cf_quote_collateral_t     *c;
  cf_verdict_t              *v;
  cf_intel_anchor_t          anchors[CF_ROOTS_MAX];
  cf_intel_time_t            w;
  cf_intel_chain_t           pck_chain, info_chain, identity_chain;
  cf_intel_chain_t const    *identity_by; /* one of the two */
  bool                       unlisted;
} run_t;

static cf_span_t item(run_t const *r, cf_role_t role) { return r->parts->item[role]; }

/* ---- the platform's chain ---- */

cf_verdict_code_t cf_quote_anchors(cf_intel_anchor_t out[CF_ROOTS_MAX], cf_root_t const *roots, size_t root_cnt, cf_verdict_t *v) {
  for (size_t i = 0; i < root_cnt; i++) {
    cf_cert_t  cert;
    cf_error_t err = {0};
    if (cf_cert_decode(&cert, roots[i].der, "trusted_root", &err))
      return cf_verdict_set(v, CF_VERDICT_MALFORMED, "trusted_root", 0, "%s", err.text);
    out[i] = (cf_intel_anchor_t){cert.key, cf_sha256(cert.der)};
  }
  return CF_VERDICT_OK;
}

static cf_verdict_code_t read_anchors(run_t *r) {
  cf_verdict_code_t code = cf_quote_anchors(r->anchors, r->ask->roots, r->ask->root_cnt, r->v);
  if (code) return code;
  r->w = (cf_intel_time_t){
      .at_s = r->ask->at_s, .in = {INT64_MIN, INT64_MAX, r->ask->dates}, .anchors = r->anchors, .anchor_cnt = r->ask->root_cnt};
  return CF_VERDICT_OK;
}

/* Where the quote's chain stands; empty when nowhere. */
static cf_span_t chain_of(cf_quote_t const *q, cf_span_t supplied) { return q->cert_type == 5 ? q->cert : supplied; }

static cf_verdict_code_t check_pck_chain(run_t *r) {
  cf_span_t chain = chain_of(r->q, item(r, CF_ROLE_PCK_CHAIN));
  if (!chain.len)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "pck_chain", 0,
                          "certification data of type %u carries no PCK certificate chain, and none was supplied",
                          r->q->cert_type);
  if (chain.len > CF_PCK_CHAIN_MAX)
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "pck_chain", 0, "more than %d bytes", CF_PCK_CHAIN_MAX);
  cf_verdict_code_t code = read_anchors(r);
  if (!code) code = cf_intel_chain(&r->pck_chain, &r->w, chain, CF_INTEL_PCK, "pck_chain", r->v);
  if (code) return code;
  cf_cert_t const *leaf = &r->pck_chain.cert[0];
  if (cf_pck_of(&r->c->pck, leaf))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, leaf->item, 0, "its SGX extension is missing or malformed");
  memcpy(r->c->pck_key, leaf->key.b, sizeof r->c->pck_key);
  memcpy(r->c->chain, chain.ptr, r->c->chain_sz = chain.len);
  r->c->root = cf_sha256(r->pck_chain.cert[2].der);
  return CF_VERDICT_OK;
}

/* ---- collateral ---- */

static cf_verdict_code_t missing(run_t *r, cf_role_t role) {
  return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, cf_role_name(role), 0, "not supplied");
}

/* A list that is not there is missed, unless the asker did without. */
static cf_verdict_code_t no_list(run_t *r, cf_role_t role) {
  if (!r->ask->crl_waived) return missing(r, role);
  r->unlisted = true;
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_root_list(run_t *r) {
  cf_crl_t         crl;
  cf_cert_t const *root = &r->pck_chain.cert[2];
  cf_span_t        der = item(r, CF_ROLE_ROOT_CA_CRL);
  if (!der.ptr) return no_list(r, CF_ROLE_ROOT_CA_CRL);
  cf_verdict_code_t code = cf_intel_list(&crl, &r->w, der, root, "root_ca_crl", r->v);
  if (!code) code = cf_crl_judge(&crl, &r->pck_chain.cert[1], r->v);
  if (!code) code = cf_crl_judge(&crl, &r->info_chain.cert[0], r->v);
  if (!code) code = cf_crl_judge(&crl, &r->identity_by->cert[0], r->v);
  return code;
}

static cf_verdict_code_t check_pck_list(run_t *r) {
  cf_crl_t  crl;
  cf_span_t der = item(r, CF_ROLE_PCK_CRL);
  if (!der.ptr) return no_list(r, CF_ROLE_PCK_CRL);
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
  if (cf_tcb_info_read(&r->c->info, item(r, CF_ROLE_TCB_INFO), r->info_chain.cert[0].key.b, &err))
    return document_error(r, CF_ROLE_TCB_INFO, &err);
  return check_dates(r, r->c->info.issued_s, r->c->info.next_s, "tcb_info");
}

static cf_verdict_code_t check_qe_document(run_t *r) {
  cf_error_t err = {0};
  if (!item(r, CF_ROLE_QE_IDENTITY).ptr) return missing(r, CF_ROLE_QE_IDENTITY);
  if (cf_qe_identity_read(&r->c->identity, item(r, CF_ROLE_QE_IDENTITY), r->identity_by->cert[0].key.b, &err))
    return document_error(r, CF_ROLE_QE_IDENTITY, &err);
  return check_dates(r, r->c->identity.issued_s, r->c->identity.next_s, "qe_identity");
}

/* ---- the table ---- */

static struct {
  char const *name, *what;
  cf_verdict_code_t (*fn)(run_t *r);
} const checks[] = {
    {"pck-chain", "leaf, CA and root by name: root key pinned, signatures, CA flags, usages, validity at T, SGX extension whole",
     check_pck_chain},
    {"signing-chain", "TCB signing certificate of TCB info and QE identity: as the PCK chain, under the same anchor",
     check_signing_chains},
    {"revocation", "root's and PCK CA's lists: issuer, signature, dates at T; no certificate of either chain on them",
     check_revocation},
    {"tcb-info", "signed over its exact bytes, alone in its frame, issued and not yet due for renewal at T", check_tcb_info},
    {"qe-document", "QE identity: the same", check_qe_document},
};
#define CHECKS (sizeof checks / sizeof checks[0])

bool cf_quote_collateral_row(char const **name, char const **what, size_t k) {
  if (k >= CHECKS) return false;
  *name = checks[k].name;
  *what = checks[k].what;
  return true;
}

cf_verdict_code_t cf_quote_collateral_check(cf_quote_collateral_t *out, cf_evidence_parts_t const *parts,
                                            cf_evidence_ask_t const *ask, cf_quote_t const *q, cf_verdict_t *v) {
  run_t             r = {.parts = parts, .ask = ask, .q = q, .c = out, .v = v};
  cf_verdict_code_t code = CF_VERDICT_OK;
  for (size_t k = 0; k < CHECKS && !code; k++) code = checks[k].fn(&r);
  out->in = r.w.in;
  out->in.dates = NULL; /* it outlives what was asked */
  out->list_issued_s = r.w.list_issued_s;
  out->unlisted = r.unlisted;
  out->maker_root = !r.w.foreign;
  return code;
}

cf_verdict_code_t cf_quote_collateral_fits(cf_quote_collateral_t const *c, cf_quote_t const *q, cf_span_t pck_chain,
                                           cf_evidence_ask_t const *ask, cf_verdict_t *v) {
  cf_interval_t in = {c->in.from_s, c->in.to_s, ask->dates};
  if (!cf_span_eq(chain_of(q, pck_chain), CF_SPAN(c->chain, c->chain_sz)))
    return cf_verdict_set(v, CF_VERDICT_COLLATERAL_MISSING, "pck_chain", 0, "what was kept is of another platform");
  return cf_interval_judge(&in, c->in.from_s, c->in.to_s, ask->at_s, CF_VERDICT_COLLATERAL_STALE, "collateral", v);
}
