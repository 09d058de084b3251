/* Evidence in, facts out; facts and policy in, verdict out (DESIGN 10).  No I/O, no clock: everything is judged at the stated T.
   Spoken are Counterfoil's own evidence (cf_carrier: a CMW record around a TPM's quote) and the evidence of platforms as their
   makers define it.  A platform is a row of the table in cf_evidence.c; `counterfoil verify --matrix` prints them. */
#ifndef CF_EVIDENCE_EVIDENCE_H
#define CF_EVIDENCE_EVIDENCE_H

#include "codec/cf_json.h"
#include "document/cf_ear.h"
#include "document/cf_carrier.h"
#include "document/cf_measure.h"
#include "evidence/cf_appraisal.h"
#include "evidence/cf_cca.h"
#include "evidence/cf_collateral.h"
#include "evidence/cf_nitro.h"
#include "evidence/cf_quote.h"
#include "evidence/cf_snp.h"
#include "evidence/cf_statement.h"
#include "evidence/cf_tcb.h"
#include "evidence/cf_tpm.h"

/* ---- what is handed in ---- */

/* What an item is.  The first four stand in collateral sets (docs/protocol/evidence.md); the numbers of the others do, too, where
   a set has them.  Each role at most once, but for CRL and STATEMENT. */
typedef enum {
  CF_ROLE_EVIDENCE = 1, /* a CMW record                   */
  CF_ROLE_CRL,          /* a revocation list, DER         */
  CF_ROLE_STATEMENT,    /* a credential statement         */
  CF_ROLE_ROOT,         /* only in collateral sets: the root that the chain led to */
  /* SGX, TDX.  Chains may be PEM or DER, lists are DER. */
  CF_ROLE_QUOTE,
  CF_ROLE_TCB_INFO,
  CF_ROLE_TCB_INFO_CHAIN,
  CF_ROLE_QE_IDENTITY,
  CF_ROLE_QE_IDENTITY_CHAIN,
  CF_ROLE_PCK_CRL,
  CF_ROLE_ROOT_CA_CRL,
  CF_ROLE_PCK_CHAIN, /* for a quote that does not embed it */
  CF_ROLE_EVENT_LOG, /* CCEL; of a TPM: TCG's log */
  CF_ROLE_EVENT_LOG_JSON,
  CF_ROLE_HCL_REPORT,
  /* SNP */
  CF_ROLE_REPORT,
  CF_ROLE_VEK, /* VCEK or VLEK */
  CF_ROLE_ASK, /* ASK or ASVK  */
  CF_ROLE_ARK,
  /* Nitro */
  CF_ROLE_DOCUMENT,
  /* TPM */
  CF_ROLE_ATTEST,
  CF_ROLE_SIGNATURE,
  CF_ROLE_AK_PUBLIC,
  CF_ROLE_AK_PEM,
  CF_ROLE_AK_JWK,
  CF_ROLE_AK_CHAIN,
  CF_ROLE_PCRS,
  /* CCA */
  CF_ROLE_TOKEN,
  CF_ROLE_CPAK,
} cf_role_t;
#define CF_ROLE_CNT (CF_ROLE_CPAK + 1)
#define CF_ROLE_BIT(role) (1ULL << (role))

/* cf_role_name returns "tcb_info", ...: static.  cf_role_of is its inverse; 0 for a name that is none. */
char const *cf_role_name(cf_role_t role);
cf_role_t   cf_role_of(cf_span_t name);

typedef struct {
  cf_role_t role;
  cf_span_t bytes;
} cf_evidence_item_t;

/* Who holds the root of trust.  A bus to a discrete TPM can be driven; what an owner controls proves nothing to others. */
typedef enum { CF_CLASS_CLOUD = 1, CF_CLASS_FIRMWARE, CF_CLASS_DISCRETE, CF_CLASS_OWNER } cf_root_class_t;
/* "cloud", "firmware", "discrete", "owner-controlled"; NULL for a number that is none. */
char const *cf_class_name(cf_root_class_t cls);

typedef struct {
  cf_root_class_t cls;
  cf_span_t       der;
} cf_root_t;

#define CF_ROOTS_MAX 16
#define CF_STATEMENTS_MAX 16
#define CF_ITEMS_MAX (1 + CF_X509_CRL_MAX + CF_STATEMENTS_MAX)

typedef struct {
  cf_evidence_item_t const *items;
  size_t                    item_cnt;
  cf_root_t const          *roots; /* trust anchors; where a platform's maker has one, none means that one, and any replace it */
  size_t                    root_cnt;
  cf_hash_t                 domain; /* of EVIDENCE: the genesis that PCR 11 must have been extended with */
  int64_t                   at_s;   /* T, Unix time */
  cf_span_t nonce;  /* what ATTEST and DOCUMENT must be over, whole, QUOTE, REPORT and TOKEN zero-padded, and EVIDENCE have in its
                       list; empty: not asked */
  uint16_t    bank; /* of ATTEST: TPM_ALG_ID of the bank that the event log is replayed into; 0: the quoted one */
  cf_dates_t *dates;      /* where what ends when is noted; NULL: nowhere.  Of kept collateral only when all of it ends */
  bool        crl_waived; /* a revocation list that is not there is not asked for; one that is, counts */
  /* Of QUOTE.  keep: collateral that was found good stays there for other quotes of the same platform.  kept: such collateral;
     then items of it are not read, and the roots of then hold.  Not both. */
  cf_quote_collateral_t       *keep;
  cf_quote_collateral_t const *kept;
} cf_evidence_ask_t;

/* ---- what is then known ---- */

/* SGX, TDX.  What was not reached is zero. */
typedef struct {
  bool            read; /* q is there */
  cf_quote_t      q;
  cf_tcb_status_t qe_status;
  bool            platform_known; /* pck is there, and of the platform that the TCB info is about */
  cf_pck_t        pck;
  cf_tcb_status_t level_status, module_status, status;
  cf_span_t       tcb_date; /* text, RFC 3339 */
  uint64_t        evaluation;
  cf_advisories_t advisories;   /* spans borrow the collateral */
  uint8_t         rtmr_matches; /* bit i: an event log came, and led to RTMR i */
  bool            runtime_data; /* an HCL blob came, and its runtime data is what the report data binds */
} cf_quote_facts_t;

/* TPM.  What the replay of an event log leads to, of the PCRs that it touches and that have a value. */
typedef struct {
  uint16_t alg;
  uint32_t agree, differ; /* bit i: PCR i */
} cf_replay_facts_t;

typedef struct {
  bool               read; /* attest is there */
  cf_tpm_attest_t    attest;
  bool               verified; /* signature is there, and verified */
  cf_tpm_signature_t signature;
  bool               has_pcrs;               /* values were given, and hash to the digest */
  cf_tpm_bank_t      banks[CF_TPM_BANK_MAX]; /* those values, and none that the quote does not cover */
  size_t             bank_cnt;
  cf_replay_facts_t  log[CF_TPM_BANK_MAX];
  size_t             log_cnt;
} cf_attest_facts_t;

/* SNP. */
typedef struct {
  bool           hcl; /* the report came in Azure's HCL blob, whose runtime data it is over */
  cf_snp_facts_t facts;
} cf_evidence_snp_t;

/* Facts: authentic at T, not yet acceptable.  Made only by cf_evidence_verify; spans borrow the items. */
typedef struct {
  cf_platform_t platform;
  cf_role_t     subject; /* the role of the item that was judged */
  bool          debug;
  uint64_t      unread;     /* CF_ROLE_BIT of items that this platform has no use for */
  cf_hash_t     evidence;   /* SHA-256 of the subject: its name in the archive */
  cf_hash_t     collateral; /* SHA-256 of the collateral set (cf_collateral_set) */
  cf_hash_t     domain;
  cf_hash_t     instance;
  cf_hash_t     certificate; /* document hash of the epoch certificate */
  cf_epoch_t    epoch;       /* what it says */
  cf_hash_t     program, configuration, measurement;
  cf_span_t     nonces;
  cf_hash_t     nonces_hash;
  int64_t       valid_until_s;       /* earliest end of certificates and lists */
  int64_t       crl_issued_s;        /* oldest list relied on; 0: none */
  int64_t       collateral_issued_s; /* oldest TCB info or identity relied on; 0: none */
  bool          unlisted;            /* a link whose issuer publishes revocation lists was judged without one */
  bool          nonce_held;          /* a nonce was asked for, and it is this evidence's */
  int64_t       made_s;              /* when the evidence says that it was made; 0: it does not */
  char          place[64];           /* where a certificate of the chain says that the machine stands; empty: none says so */
  /* The root of trust: SHA-256 of the certificate, or of a bare key that was handed in; zero: nothing vouches for the evidence.
   */
  cf_hash_t       root;
  bool            maker_root; /* it is the platform maker's own, as known here */
  cf_root_class_t cls;        /* of a root that was handed in: what was said of it */
  /* TPM */
  bool      ak_certified; /* a cloud certified the AK itself; else statements are needed */
  uint8_t   ak_name[CF_AK_NAME_SZ];
  uint32_t  ak_attributes;
  cf_hash_t ek_certificate; /* SHA-256; the AK's certificate when ak_certified */
  cf_key_t  ek;             /* for cf_credential_make; meaningless when ak_certified */
  uint64_t  clock, firmware;
  uint32_t  reset_cnt, restart_cnt;
  bool      clock_safe;
  bool      event_log; /* one was there, and led to the PCRs quoted */
  char      tpm_manufacturer[16], tpm_model[64], tpm_version[16];
  cf_span_t statements[CF_STATEMENTS_MAX]; /* not yet read */
  size_t    statement_cnt;
  /* What the platform's evidence says, by subject. */
  union {
    cf_quote_facts_t  quote;  /* QUOTE */
    cf_evidence_snp_t snp;    /* REPORT */
    cf_nitro_facts_t  nitro;  /* DOCUMENT */
    cf_cca_facts_t    cca;    /* TOKEN */
    cf_attest_facts_t attest; /* ATTEST; PCRS, of which log alone is there */
  } of;
} cf_facts_t;

/* Claims: what evidence that was refused says, as far as it was read before.  For whoever must find the machine, never to act
   on; a type of their own, so that nobody does. */
typedef struct {
  cf_facts_t said;
} cf_claims_t;

/* cf_evidence_verify runs every check of the platform's row, in order, and stops at the first that fails.  *v is reset first.
   Thread-safe; allocates inside OpenSSL only.  Does not ask whether the measurement, the root's class or the verifier's nonce are
   those of a policy: that is cf_appraise. */
CF_MUST_CHECK cf_verdict_code_t cf_evidence_verify(cf_facts_t *out, cf_evidence_ask_t const *ask, cf_verdict_t *v);

/* cf_evidence_examine is cf_evidence_verify that also keeps what was read up to a refusal. */
CF_MUST_CHECK cf_verdict_code_t cf_evidence_examine(cf_claims_t *out, cf_evidence_ask_t const *ask, cf_verdict_t *v);

/* cf_evidence_report writes the members that say what was found: into an object that the caller began, only those that were
   read.  Names and shapes are the same for one subject whatever the verdict.  Nothing for EVIDENCE. */
void cf_evidence_report(cf_jw_t *j, cf_facts_t const *f);

/* cf_evidence_has_register says whether a program of that platform can be told by that register; the names are those of
   cf_evidence_report.  cf_evidence_register is its value, as the evidence has it; empty where it has none. */
bool      cf_evidence_has_register(cf_platform_t platform, cf_span_t name);
cf_span_t cf_evidence_register(cf_facts_t const *f, cf_span_t name);

/* The matrix of what is checked, made from the code that checks: row i, NULL past the end. */
typedef struct {
  cf_platform_t platform;
  char const   *name;
  char const   *what;
} cf_check_row_t;
bool cf_evidence_matrix(cf_check_row_t *out, size_t i);

/* cf_collateral_set writes the set that a result names: [* [role, SHA-256]], rising, of all items but the subject, and of the
   root. CF_ERR_FORMAT when two items are equal; CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_collateral_set(cf_wr_t *wr, cf_evidence_item_t const *items, size_t item_cnt, cf_span_t root);
#define CF_COLLATERAL_SET_MAX (3 + (CF_ITEMS_MAX + 1) * 37)

/* ---- appraisal ---- */

typedef struct {
  cf_policy_t const  *policy;
  bool                production;    /* the domain's class; owner-controlled roots are then refused by construction */
  cf_council_t const *verifiers;     /* whose statements count */
  size_t              statement_min; /* how many of them; at least 1 */
  cf_hash_t const    *nonce;         /* the asker's own, to be found in the list; NULL: any list */
  cf_facts_t const   *earlier; /* accepted before: its instance keeps its counters, its EK's lists do not go back; NULL: none */
  int64_t             at_s;
} cf_appraise_ask_t;

/* cf_appraise_under judges facts of any platform under an appraisal policy, rule after rule, and stops at the first that refuses.
   domain is what a domain asks of its own enclave besides (its policy and at_s are not looked at); NULL: no domain asks, and
   evidence that needs credential statements is refused.  *until_s receives until when the result holds: the earliest of policy's
   ages and of every end of collateral.  dates (may be NULL) notes what policy ends, and when.  *v is reset first. */
CF_MUST_CHECK cf_verdict_code_t cf_appraise_under(int64_t *until_s, cf_facts_t const *facts, cf_appraisal_t const *policy,
                                                  cf_appraise_ask_t const *domain, int64_t at_s, cf_dates_t *dates,
                                                  cf_verdict_t *v);
/* The rules, in the order in which they run; false past the end. */
bool cf_appraise_row(char const **name, char const **what, size_t k);

/* cf_appraise is that under the domain's own policy (cf_appraisal_of_domain). */
CF_MUST_CHECK cf_verdict_code_t cf_appraise(int64_t *until_s, cf_facts_t const *facts, cf_appraise_ask_t const *ask,
                                            cf_verdict_t *v);

/* cf_appraise_result fills the EAR that says so.  ear->verdict points to static text. */
void cf_appraise_result(cf_ear_t *ear, cf_facts_t const *facts, cf_verdict_code_t code, cf_hash_t const *policy_hash,
                        int64_t at_s, int64_t until_s);

#endif
