/* Inside evidence only: what a platform's module gives to cf_evidence. */
#ifndef CF_EVIDENCE_EVIDENCE_TPM_H
#define CF_EVIDENCE_EVIDENCE_TPM_H

#include "evidence/cf_evidence.h"

/* The items, by role. */
typedef struct {
  cf_span_t evidence;
  cf_span_t crls[CF_X509_CRL_MAX];
  size_t    crl_cnt;
  cf_span_t statements[CF_STATEMENTS_MAX];
  size_t    statement_cnt;
} cf_evidence_parts_t;

/* verify fills the platform's facts and says which of ask->roots was reached. */
typedef cf_verdict_code_t cf_evidence_verify_fn(cf_facts_t *facts, size_t *root_idx, cf_evidence_parts_t const *parts,
                                                cf_evidence_ask_t const *ask, cf_verdict_t *v);
/* row names check k; false past the end. */
typedef bool cf_evidence_row_fn(char const **name, char const **what, size_t k);

cf_evidence_verify_fn cf_evidence_tpm_verify;
cf_evidence_row_fn    cf_evidence_tpm_row;

#endif
