/* SEV-SNP in the frame: a report, or Azure's HCL blob around one. */
#include <stdio.h>

#include "evidence/cf_hcl.h"
#include "evidence/cf_platforms.h"

#include "crypto/cf_hash.h"

static cf_verdict_code_t open_hcl(cf_span_t *report, cf_evidence_snp_t *f, cf_verdict_t *v) {
  cf_hcl_t    hcl;
  cf_error_t  err = {0};
  cf_status_t st = cf_hcl_open(&hcl, *report, &err);
  if (st == CF_ERR_AUTH) return cf_verdict_set(v, CF_VERDICT_BINDING, err.item, 0, "%s", err.text);
  if (st) return cf_verdict_error(v, &err);
  if (hcl.kind != CF_HCL_SNP) return cf_verdict_set(v, CF_VERDICT_UNSUPPORTED, "hcl", 0, "not around an SNP report");
  *report = hcl.report;
  f->hcl = true;
  return CF_VERDICT_OK;
}

static cf_verdict_code_t verify(cf_facts_t *facts, cf_evidence_parts_t const *parts, cf_evidence_ask_t const *ask,
                                cf_verdict_t *v) {
  cf_hash_t          roots[CF_ROOTS_MAX];
  cf_evidence_snp_t *f = &facts->of.snp;
  cf_snp_ask_t       snp = {.report = parts->item[CF_ROLE_REPORT],
                            .vek = parts->item[CF_ROLE_VEK],
                            .ask = parts->item[CF_ROLE_ASK],
                            .ark = parts->item[CF_ROLE_ARK],
                            .crls = parts->crls,
                            .crl_cnt = parts->crl_cnt,
                            .roots = ask->root_cnt ? roots : cf_snp_roots,
                            .root_cnt = ask->root_cnt ? ask->root_cnt : sizeof cf_snp_roots / sizeof cf_snp_roots[0],
                            .report_data = ask->nonce,
                            .at_s = ask->at_s,
                            .dates = ask->dates};
  cf_verdict_code_t  code = CF_VERDICT_OK;
  for (size_t i = 0; i < ask->root_cnt; i++) roots[i] = cf_sha256(ask->roots[i].der);
  if (snp.report.len >= 4 && !memcmp(snp.report.ptr, "HCLA", 4)) code = open_hcl(&snp.report, f, v);
  if (!code) code = cf_snp_verify(&f->facts, &snp, v);
  facts->debug = f->facts.debug;
  facts->root = f->facts.root;
  for (size_t i = 0; i < sizeof cf_snp_roots / sizeof cf_snp_roots[0]; i++)
    facts->maker_root |= cf_hash_eq(&cf_snp_roots[i], &facts->root);
  if (!facts->maker_root) facts->cls = cf_roots_class(ask);
  facts->unlisted = !parts->crl_cnt;
  facts->valid_until_s = f->facts.valid.to_s;
  facts->crl_issued_s = f->facts.crl_issued_s;
  return code;
}

/* ---- registers ---- */

static bool snp_register(char name[CF_REGISTER_NAME_MAX], cf_span_t *value, cf_facts_t const *facts, size_t k) {
  static char const *const names[] = {"measurement", "host_data", "id_key_digest", "author_key_digest", "chip_id", "report_id"};
  static cf_snp_report_t const none;
  cf_snp_report_t const       *r = facts ? &facts->of.snp.facts.report : &none;
  cf_span_t const values[] = {r->measurement, r->host_data, r->id_key_digest, r->author_key_digest, r->chip_id, r->report_id};
  if (k >= CF_COUNT_OF(names)) return false;
  snprintf(name, CF_REGISTER_NAME_MAX, "%s", names[k]);
  *value = values[k];
  return true;
}

/* ---- the report ---- */

static void report_tcb(cf_jw_t *j, cf_snp_facts_t const *f) {
  cf_snp_tcb_t const *t = &f->reported;
  cf_jw_str(j, "product", cf_snp_product_name(f->product));
  if (f->csp[0]) cf_jw_str(j, "csp", f->csp);
  cf_jw_obj(j, "reported_tcb");
  if (f->product == CF_SNP_TURIN) cf_jw_u64(j, "fmc", t->fmc);
  cf_jw_u64(j, "bl", t->bl);
  cf_jw_u64(j, "tee", t->tee);
  cf_jw_u64(j, "snp", t->snp);
  cf_jw_u64(j, "ucode", t->ucode);
  cf_jw_end(j, '}');
}

static void report(cf_jw_t *j, cf_facts_t const *facts) {
  cf_snp_facts_t const  *f = &facts->of.snp.facts;
  cf_snp_report_t const *r = &f->report;
  char                   name[CF_REGISTER_NAME_MAX];
  cf_span_t              value;
  if (!f->read) return;
  cf_jw_u64(j, "version", r->version);
  cf_jw_u64(j, "guest_svn", r->guest_svn);
  cf_jw_u64(j, "policy", r->policy);
  cf_jw_u64(j, "vmpl", r->vmpl);
  cf_jw_u64(j, "platform_info", r->platform_info);
  cf_jw_bool(j, "debug", f->debug);
  cf_jw_str(j, "signing_key", r->signer == CF_SNP_VCEK ? "VCEK" : r->signer == CF_SNP_VLEK ? "VLEK" : "none");
  cf_jw_hex(j, "report_data", r->report_data);
  cf_jw_obj(j, "measurements");
  for (size_t k = 0; snp_register(name, &value, facts, k); k++) cf_jw_hex(j, name, value);
  cf_jw_end(j, '}');
  if (facts->of.snp.hcl) cf_jw_bool(j, "runtime_data_ok", true);
  if (f->placed) report_tcb(j, f);
}

cf_evidence_platform_t const cf_evidence_snp = {.platform = CF_PLATFORM_SNP,
                                                .subject = CF_ROLE_REPORT,
                                                .reads = CF_ROLE_BIT(CF_ROLE_REPORT) | CF_ROLE_BIT(CF_ROLE_VEK) |
                                                         CF_ROLE_BIT(CF_ROLE_ASK) | CF_ROLE_BIT(CF_ROLE_ARK) |
                                                         CF_ROLE_BIT(CF_ROLE_CRL),
                                                .verify = verify,
                                                .row = cf_snp_row,
                                                .reg = snp_register,
                                                .report = report};
