/* What policy says of Intel's and AMD's platforms alone. */
#include <stdio.h>

#include "base/cf_utc.h"
#include "evidence/cf_appraise_rules.h"

#define TD_SEPT_VE_DISABLE (1ULL << 28)
#define TD_MIGRATABLE (1ULL << 29)
#define SNP_POLICY_SMT (1ULL << 16)
#define SNP_INFO_SMT (1ULL << 0)

static bool is_quote(run_t const *r) { return r->f->subject == CF_ROLE_QUOTE; }
static bool is_td(run_t const *r) { return is_quote(r) && cf_quote_is_td(&r->f->of.quote.q); }
static bool is_snp(run_t const *r) { return r->f->subject == CF_ROLE_REPORT; }

static uint64_t le64(uint8_t const *at) {
  uint64_t v = 0;
  for (size_t i = 8; i-- > 0;) v = v << 8 | at[i];
  return v;
}

static bool has_text(cf_span_t const *list, size_t cnt, cf_span_t text) {
  for (size_t i = 0; i < cnt; i++)
    if (cf_span_eq(list[i], text)) return true;
  return false;
}

/* ---- moved to another machine ---- */

/* A service TD that is bound to a TD may take it along, or was told to. */
static bool has_service_td(cf_quote_t const *q) {
  uint8_t any = 0;
  for (size_t i = 0; q->type == CF_BODY_TD15 && i < 48; i++) any |= q->body[CF_TD_MRSERVICETD + i];
  return any != 0;
}

cf_verdict_code_t cf_appraise_migration(run_t *r) {
  cf_quote_t const *q = &r->f->of.quote.q;
  char const       *why = NULL;
  if (r->p->debug) return CF_VERDICT_OK;
  if (is_td(r) && has_service_td(q)) why = "a service TD is bound to it (MRSERVICETD)";
  if (is_td(r) && le64(q->body + CF_TD_TDATTRIBUTES) & TD_MIGRATABLE) why = "the TD may be moved to another machine (MIGRATABLE)";
  if (is_snp(r) && r->f->of.snp.facts.report.policy & CF_SNP_POLICY_MIGRATE) why = "a migration agent may move the guest";
  return why ? cf_verdict_set(r->v, CF_VERDICT_POLICY, "migration", 0, "%s", why) : CF_VERDICT_OK;
}

/* ---- Intel ---- */

static cf_verdict_code_t check_advisories(run_t *r, int64_t date_s) {
  cf_advisories_t const *all = &r->f->of.quote.advisories;
  char                   list[128] = "";
  size_t                 len = 0, cnt = 0;
  for (size_t i = 0; i < all->cnt; i++) {
    if (has_text(r->p->intel.advisories, r->p->intel.advisories_cnt, all->id[i])) continue;
    if (cnt++ < 3)
      len += (size_t)snprintf(list + len, sizeof list - len, "%s%.*s", len ? ", " : "",
                              (int)(all->id[i].len < 32 ? all->id[i].len : 32), (char const *)all->id[i].ptr);
  }
  if (!cnt) return CF_VERDICT_OK;
  return cf_verdict_set(r->v, CF_VERDICT_TCB, "tcb", date_s, "%s, and policy does not tolerate %s%s",
                        cf_tcb_status_name(r->f->of.quote.status), list, cnt > 3 ? ", ..." : "");
}

cf_verdict_code_t cf_appraise_intel(run_t *r) {
  cf_quote_facts_t const     *of = &r->f->of.quote;
  cf_appraisal_intel_t const *p = &r->p->intel;
  char const                 *status;
  int64_t                     date_s = 0;
  if (!is_quote(r)) return CF_VERDICT_OK;
  status = cf_tcb_status_name(of->status);
  (void)!cf_utc_read(&date_s, of->tcb_date);
  if (!has_text(p->statuses, p->statuses_cnt, CF_SPAN(status, strlen(status))))
    return cf_verdict_set(r->v, CF_VERDICT_TCB, "tcb", date_s, "the platform is %s, at a level of this date (%zu advisories)",
                          status, of->advisories.cnt);
  if (of->status != CF_TCB_UP_TO_DATE && check_advisories(r, date_s)) return r->v->code;
  if (date_s < (int64_t)p->tcb_date_min)
    return cf_verdict_set(r->v, CF_VERDICT_TCB, "tcb.date", (int64_t)p->tcb_date_min,
                          "policy wants a level of this date or later");
  if (of->evaluation < p->evaluation_min)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_STALE, "tcb_info", r->f->collateral_issued_s,
                          "judged by evaluation %llu, issued on this date; policy wants %llu or later",
                          (unsigned long long)of->evaluation, (unsigned long long)p->evaluation_min);
  if (p->sept_ve_disable && is_td(r) && !(le64(of->q.body + CF_TD_TDATTRIBUTES) & TD_SEPT_VE_DISABLE))
    return cf_verdict_set(r->v, CF_VERDICT_POLICY, "tdattributes", 0,
                          "the host can make pages vanish unseen (SEPT_VE_DISABLE is not set)");
  return CF_VERDICT_OK;
}

/* ---- AMD ---- */

static cf_verdict_code_t check_tcb_min(run_t *r) {
  cf_snp_facts_t const *f = &r->f->of.snp.facts;
  struct {
    char const         *item;
    cf_snp_tcb_t const *tcb;
  } const tcbs[] = {{"reported_tcb", &f->reported}, {"committed_tcb", &f->committed}, {"launch_tcb", &f->launch}};
  for (size_t i = 0; i < r->p->snp.tcb_min_cnt; i++) {
    cf_appraisal_snp_tcb_t const *row = &r->p->snp.tcb_min[i];
    cf_snp_tcb_t const min = {(uint8_t)row->fmc, (uint8_t)row->bl, (uint8_t)row->tee, (uint8_t)row->snp, (uint8_t)row->ucode};
    if (row->product != (uint64_t)f->product + 1) continue;
    for (size_t k = 0; k < CF_COUNT_OF(tcbs); k++) {
      char const *shorter = cf_snp_tcb_short(tcbs[k].tcb, &min);
      if (shorter)
        return cf_verdict_set(r->v, CF_VERDICT_TCB, tcbs[k].item, 0, "%s is below policy's least version of it", shorter);
    }
    return CF_VERDICT_OK;
  }
  return cf_verdict_set(r->v, CF_VERDICT_TCB, "tcb_min", 0, "policy names least versions, and none for %s",
                        cf_snp_product_name(f->product));
}

cf_verdict_code_t cf_appraise_snp(run_t *r) {
  cf_snp_report_t const    *report = &r->f->of.snp.facts.report;
  cf_appraisal_snp_t const *p = &r->p->snp;
  if (!is_snp(r)) return CF_VERDICT_OK;
  if (report->vmpl > p->vmpl_max)
    return cf_verdict_set(r->v, CF_VERDICT_POLICY, "report.vmpl", 0, "asked for at VMPL %u, where less is trusted than at %llu",
                          report->vmpl, (unsigned long long)p->vmpl_max);
  if (p->alias_check && !(report->platform_info & CF_SNP_INFO_ALIAS_CHECK))
    return cf_verdict_set(r->v, CF_VERDICT_POLICY, "platform_info", 0, "the firmware did not look for memory aliases");
  if (p->no_smt && (report->platform_info & SNP_INFO_SMT || report->policy & SNP_POLICY_SMT))
    return cf_verdict_set(r->v, CF_VERDICT_POLICY, "platform_info", 0, "SMT is on, or the guest's policy allows it");
  return p->tcb_min_cnt ? check_tcb_min(r) : CF_VERDICT_OK;
}

bool cf_appraise_svn(uint64_t *out, cf_facts_t const *f) {
  uint8_t const *body = f->of.quote.q.body;
  if (f->platform == CF_PLATFORM_SGX && f->subject == CF_ROLE_QUOTE)
    return *out = (uint64_t)(body[CF_ENCLAVE_ISVSVN] | body[CF_ENCLAVE_ISVSVN + 1] << 8), true;
  if (f->subject == CF_ROLE_REPORT) return *out = f->of.snp.facts.report.guest_svn, true;
  return false;
}
