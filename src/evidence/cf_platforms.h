/* Inside evidence only: what a platform is to cf_evidence.  A new one is a module with one of these, a row of the table in
   cf_evidence.c, its member of cf_facts_t.of, and its directory in tests/unit/evidence/test_vectors.c. */
#ifndef CF_EVIDENCE_PLATFORMS_H
#define CF_EVIDENCE_PLATFORMS_H

#include "evidence/cf_evidence.h"

#define CF_REGISTER_NAME_MAX 25

/* The items, by role. */
typedef struct {
  cf_span_t item[CF_ROLE_CNT]; /* of each role that stands once; ptr is NULL when it was not given */
  cf_span_t crls[CF_X509_CRL_MAX];
  size_t    crl_cnt;
  cf_span_t statements[CF_STATEMENTS_MAX];
  size_t    statement_cnt;
} cf_evidence_parts_t;

typedef struct {
  cf_platform_t platform;
  cf_role_t     subject; /* the item that is judged */
  uint64_t      reads;   /* CF_ROLE_BIT of every role that it has a use for, the subject's included */
  /* is says whether the subject is this platform's; NULL: it is.  The first row of a subject that says so is taken. */
  bool (*is)(cf_span_t subject);
  /* verify fills the platform's facts, valid_until_s, crl_issued_s and root (SHA-256 of the root certificate that the chain led
     to) among them.  Every refusal goes through cf_verdict_set.  What it filled before a refusal is shown as a claim. */
  cf_verdict_code_t (*verify)(cf_facts_t *facts, cf_evidence_parts_t const *parts, cf_evidence_ask_t const *ask, cf_verdict_t *v);
  /* row names check k of the matrix, in the order in which they run; false past the end. */
  bool (*row)(char const **name, char const **what, size_t k);
  /* reg names register k, and, of facts that are not NULL, its value (empty: not there); false past the end.  NULL: none. */
  bool (*reg)(char name[CF_REGISTER_NAME_MAX], cf_span_t *value, cf_facts_t const *facts, size_t k);
  /* report writes the members of cf_evidence_report that were read; NULL: none. */
  void (*report)(cf_jw_t *j, cf_facts_t const *facts);
} cf_evidence_platform_t;

/* cf_roots_class is the worst class that the asker gave to a root of his own: which of them a chain led to may be a matter of its
   key, not of its bytes.  0 when the asker has none. */
cf_root_class_t cf_roots_class(cf_evidence_ask_t const *ask);

extern cf_evidence_platform_t const cf_evidence_tpm; /* Counterfoil's own */
extern cf_evidence_platform_t const cf_evidence_tdx;
extern cf_evidence_platform_t const cf_evidence_sgx;
extern cf_evidence_platform_t const cf_evidence_snp;
extern cf_evidence_platform_t const cf_evidence_nitro;
extern cf_evidence_platform_t const cf_evidence_cca;
extern cf_evidence_platform_t const cf_evidence_attest; /* a TPM's quote */
extern cf_evidence_platform_t const cf_evidence_pcrs;   /* an event log and PCR values, without a quote */

#endif
