/* The appraisal policy: one document for every platform that says which evidence is accepted (docs/protocol/evidence.md).  A
   domain's own policy (cf_policy_t) is read as one of these, so that there is one appraisal. */
#ifndef CF_EVIDENCE_APPRAISAL_H
#define CF_EVIDENCE_APPRAISAL_H

#include "document/cf_documents.h"
#include "document/cf_measure.h"

#define CF_APPRAISAL_MAX 32768 /* bytes, encoded */

typedef enum { CF_APPRAISAL_PRODUCTION = 1, CF_APPRAISAL_TEST } cf_appraisal_class_t;

/* A register of a program: its name as cf_evidence_report has it ("mrtd", "pcr4"), and its bytes as they stand in evidence. */
typedef struct {
  cf_span_t extra;
  cf_span_t name, value;
} cf_appraisal_register_t;

/* A program that is accepted: every register named has this value. */
typedef struct {
  cf_span_t               extra;
  uint64_t                platform; /* cf_platform_t */
  cf_appraisal_register_t registers[24];
  size_t                  registers_cnt;
  uint64_t                svn_min; /* of SGX the ISVSVN, of SNP the GUEST_SVN; others have none, and are refused by it */
  uint64_t                until;   /* end date */
  cf_span_t               source;  /* what it was built from */
} cf_appraisal_program_t;

/* A root of trust: SHA-256 of the certificate, or of the key where evidence comes with a bare key (x || y, or an RSA modulus). */
typedef struct {
  cf_span_t extra;
  uint64_t  platform;
  uint64_t class; /* cf_root_class_t; 0: the platform maker's */
  uint8_t root[32];
} cf_appraisal_root_t;

typedef struct {
  cf_span_t extra;
  cf_span_t statuses[10]; /* Intel's words: UpToDate, ... */
  size_t    statuses_cnt;
  cf_span_t advisories[64]; /* tolerated where the status is another than UpToDate: every one that then applies must be here */
  size_t    advisories_cnt;
  uint64_t  evaluation_min;  /* tcbEvaluationDataNumber */
  uint64_t  tcb_date_min;    /* of the level reached, Unix time */
  uint64_t  sept_ve_disable; /* 1: demanded of a TD */
} cf_appraisal_intel_t;

/* Security versions that reported, committed and launch TCB must reach, member by member. */
typedef struct {
  cf_span_t extra;
  uint64_t  product; /* cf_snp_product_t + 1 */
  uint64_t  fmc, bl, tee, snp, ucode;
} cf_appraisal_snp_tcb_t;

typedef struct {
  cf_span_t              extra;
  uint64_t               vmpl_max;
  uint64_t               alias_check; /* 1: the firmware must say that memory aliases were looked for */
  uint64_t               no_smt;      /* 1: neither switched on nor allowed by the guest's policy */
  cf_appraisal_snp_tcb_t tcb_min[8];  /* where rows are, a product without one is refused */
  size_t                 tcb_min_cnt;
} cf_appraisal_snp_t;

typedef struct {
  cf_span_t extra;
  uint64_t  version; /* 1 */
  cf_span_t name;
  uint64_t class; /* cf_appraisal_class_t: production takes no root that an owner controls, and no debugging */
  cf_span_t              platforms[8]; /* their names; any other is refused */
  size_t                 platforms_cnt;
  uint64_t               maker_roots; /* 1: roots of Intel, AMD and AWS that this verifier knows count */
  cf_appraisal_root_t    roots[16];
  size_t                 roots_cnt;
  uint64_t               accept_discrete; /* 1: a TPM whose bus can be driven */
  uint64_t               debug;           /* 1: may be looked into, or moved to another machine */
  uint64_t               any_program;     /* 1: measurements are not judged, and programs is empty */
  cf_appraisal_program_t programs[16];
  size_t                 programs_cnt;
  uint64_t               nonce;                /* 1: one must have been asked for */
  uint64_t               revocation;           /* 1: a list at every link whose issuer publishes one */
  uint64_t               collateral_max_age_s; /* of lists, TCB info and identities; 0: until their own ends */
  uint64_t               evidence_max_age_s;   /* where evidence says when it was made; 0: not asked */
  uint64_t               clock_skew_s;
  uint64_t               result_max_age_s;
  cf_span_t              jurisdictions[16]; /* places, "eu" for any "eu-..."; none: anywhere */
  size_t                 jurisdictions_cnt;
  cf_appraisal_intel_t   intel;
  cf_appraisal_snp_t     snp;
} cf_appraisal_t;

extern cf_table_t const cf_appraisal_table;

/* cf_appraisal_default is the strict policy of production: nothing but what a maker's own root vouches for, of today's TCB, with
   every list, without debugging.  It names no program: whoever relies on one adds it. */
void cf_appraisal_default(cf_appraisal_t *out);

/* cf_appraisal_of_domain reads a domain's policy as one.  Spans borrow it. */
void cf_appraisal_of_domain(cf_appraisal_t *out, cf_policy_t const *policy, bool production);

/* cf_appraisal_open reads a policy, JSON or its encoding, and checks it.  room keeps the encoding of JSON, which *out then
   borrows; CF_APPRAISAL_MAX bytes are enough.  CF_ERR_FORMAT, CF_ERR_BOUND; CF_ERR_POLICY: rules that contradict each other, or
   name what does not exist. */
CF_MUST_CHECK cf_status_t cf_appraisal_open(cf_appraisal_t *out, cf_wr_t *room, cf_span_t in, cf_error_t *err);

/* cf_appraisal_hash is the document hash of its encoding, which wr receives. */
cf_hash_t cf_appraisal_hash(cf_wr_t *wr, cf_appraisal_t const *policy);

#endif
