/* Inside evidence only: what the rules of an appraisal share. */
#ifndef CF_EVIDENCE_APPRAISE_RULES_H
#define CF_EVIDENCE_APPRAISE_RULES_H

#include "evidence/cf_evidence.h"

/* One run; until_s falls as rules find ends. */
typedef struct {
  cf_facts_t const        *f;
  cf_appraisal_t const    *p;
  cf_appraise_ask_t const *domain; /* what a domain's own evidence is judged by besides; NULL: no domain asks */
  int64_t                  at_s, until_s;
  cf_dates_t              *dates;
  cf_verdict_t            *v;
} run_t;

/* The rules of single platforms; of others' evidence they say nothing. */
cf_verdict_code_t cf_appraise_migration(run_t *r);
cf_verdict_code_t cf_appraise_intel(run_t *r);
cf_verdict_code_t cf_appraise_snp(run_t *r);
/* The security version of the program itself; false where a platform has none. */
bool cf_appraise_svn(uint64_t *out, cf_facts_t const *f);

#endif
