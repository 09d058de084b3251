/* AMD SEV-SNP: attestation reports (publication 56860) and the certificates of the keys that sign them (57230 and 58369).
   Judged at a stated T, from bytes handed in.  Spans borrow the input. */
#ifndef CF_EVIDENCE_SNP_H
#define CF_EVIDENCE_SNP_H

#include "evidence/cf_cert.h"

#define CF_SNP_REPORT_SZ 1184
#define CF_SNP_ROOTS_MAX 8
#define CF_SNP_CSP_MAX 64

typedef enum { CF_SNP_MILAN, CF_SNP_GENOA, CF_SNP_TURIN } cf_snp_product_t;
/* "Milan", "Genoa", "Turin". */
char const *cf_snp_product_name(cf_snp_product_t product);

typedef enum { CF_SNP_VCEK = 0, CF_SNP_VLEK = 1, CF_SNP_UNSIGNED = 7 } cf_snp_signer_t;

/* ---- reports ---- */

#define CF_SNP_POLICY_DEBUG (1ULL << 19)
#define CF_SNP_POLICY_MIGRATE (1ULL << 18)
#define CF_SNP_INFO_ALIAS_CHECK (1ULL << 5)

/* What some bytes say; nothing is verified.  TCB versions are as they stand: their layout is the product's. */
typedef struct {
  uint32_t  version; /* 2 to 5 */
  uint32_t  guest_svn, vmpl;
  uint64_t  policy, platform_info;
  bool      author_key, chip_key_masked;
  uint32_t  signer; /* cf_snp_signer_t, or a number that is none */
  cf_span_t family_id, image_id, report_data, measurement, host_data, id_key_digest, author_key_digest, report_id, report_id_ma;
  cf_span_t current_tcb, reported_tcb, committed_tcb, launch_tcb; /* 8 bytes each */
  cf_span_t chip_id;                                              /* 64; all zero when masked */
  uint8_t   cpuid_family, cpuid_model, cpuid_stepping;            /* from version 3 on */
  uint8_t   current_version[3], committed_version[3];             /* of the firmware: major, minor, build */
  uint64_t  launch_mitigations, current_mitigations;              /* version 5 */
  cf_span_t signed_part;
  uint8_t   signature[96]; /* r || s, big-endian */
} cf_snp_report_t;

/* cf_snp_report_decode demands every reserved byte to be zero, those behind the signature too.  CF_ERR_FORMAT;
   CF_ERR_UNSUPPORTED: another version, signature algorithm, or a reserved field in use, whose meaning we do not know. */
CF_MUST_CHECK cf_status_t cf_snp_report_decode(cf_snp_report_t *out, cf_span_t in, cf_error_t *err);

/* Members that a product has not are 0. */
typedef struct {
  uint8_t fmc, bl, tee, snp, ucode;
} cf_snp_tcb_t;

/* cf_snp_tcb reads the 8 bytes of a TCB_VERSION.  CF_ERR_UNSUPPORTED: a reserved byte is in use. */
CF_MUST_CHECK cf_status_t cf_snp_tcb(cf_snp_tcb_t *out, cf_snp_product_t product, cf_span_t bytes);
/* cf_snp_tcb_short names the first member of tcb that is below min's; NULL when none is. */
char const *cf_snp_tcb_short(cf_snp_tcb_t const *tcb, cf_snp_tcb_t const *min);

/* cf_snp_product_of says which product a report is of: by CPUID where it has it, else by the certificate of its key (DER; empty:
   none); false when neither tells.  A claim: cf_snp_verify compares. */
bool cf_snp_product_of(cf_snp_product_t *out, cf_snp_report_t const *report, cf_span_t vek);

/* What a certificate must say to be of that TCB, and, a VCEK's, of that chip: 64 bytes as a report has them, zero: any. */
CF_MUST_CHECK cf_verdict_code_t cf_snp_vek_tcb_check(cf_cert_t const *vek, cf_snp_product_t product, cf_snp_tcb_t const *tcb,
                                                     cf_verdict_t *v);
CF_MUST_CHECK cf_verdict_code_t cf_snp_vcek_chip_check(cf_cert_t const *vek, cf_snp_product_t product, cf_span_t chip_id,
                                                       cf_verdict_t *v);

/* ---- verification ---- */

/* SHA-256 of AMD's root certificates (ARK), the default for who asks without roots of his own. */
extern cf_hash_t const cf_snp_roots[3];

typedef struct {
  cf_span_t        report;
  cf_span_t        vek, ask, ark; /* DER; vek: VCEK or VLEK, ask: ASK or ASVK */
  cf_span_t const *crls;          /* the product's, DER: one for VCEKs, one for VLEKs; there may be none */
  size_t           crl_cnt;
  cf_hash_t const *roots; /* SHA-256 of the DER of roots that are believed */
  size_t           root_cnt;
  cf_span_t        report_data; /* what must be bound, zero-padded to 64 bytes; empty: anything */
  int64_t          at_s;
  cf_dates_t      *dates; /* where what ends when is noted; NULL: nowhere */
} cf_snp_ask_t;

/* Facts: authentic at T, not yet acceptable, once cf_snp_verify said CF_VERDICT_OK.  Before, claims: what was read up to the
   refusal. */
typedef struct {
  bool             read; /* report is there */
  cf_snp_report_t  report;
  bool             placed; /* product and TCB members are there */
  cf_snp_product_t product;
  cf_snp_tcb_t     reported, current, committed, launch;
  bool             debug;
  char             csp[CF_SNP_CSP_MAX]; /* whose VLEK it is; empty for a VCEK */
  cf_hash_t        root;                /* SHA-256 of the ARK */
  cf_interval_t    valid;               /* inside which the answer holds; the list taken into account */
  int64_t          crl_issued_s;        /* the oldest list; 0: none was given */
} cf_snp_facts_t;

/* cf_snp_verify checks a report (FORMATS 2.4, steps 1 to 6).  *out is reset first.  Does not judge debug, VMPL, guest policy,
   measurement or a minimum TCB, and does not ask for a list that was not given (crl_issued_s says so): that is policy's. */
CF_MUST_CHECK cf_verdict_code_t cf_snp_verify(cf_snp_facts_t *out, cf_snp_ask_t const *ask, cf_verdict_t *v);

/* The rows of what is checked, for cf_evidence_matrix; false past the end. */
bool cf_snp_row(char const **name, char const **what, size_t k);

#endif
