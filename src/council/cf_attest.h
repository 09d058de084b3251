/* A verifier's judgement, whole and pure: evidence, terms and what the log says in; a result and a registration to be signed,
   or a typed refusal, out.  PROTOCOL P4, ONCHAIN 4.2. */
#ifndef CF_COUNCIL_ATTEST_H
#define CF_COUNCIL_ATTEST_H

#include "council/cf_follow.h"
#include "evidence/cf_evidence.h"
#include "ledger/cf_settlement.h"

/* In the order in which they are asked. */
typedef enum {
  CF_ATTEST_OK,
  CF_ATTEST_STALE,       /* the newest checkpoint is older than attest_max_age, or of later    */
  CF_ATTEST_BEHIND,      /* it is smaller than the asker says that one is         */
  CF_ATTEST_VERDICT,     /* of the evidence: the verdict says which               */
  CF_ATTEST_UNKNOWN,     /* certificate or its opening entry is not in the log at index = epoch */
  CF_ATTEST_NOT_NEWEST,  /* a later boot entry stands: twin or zombie             */
  CF_ATTEST_COMMITMENT,  /* not that of the newest certified opening entry before */
  CF_ATTEST_TIP,         /* adopted tip below what counts, or below what was adopted before */
  CF_ATTEST_CERTIFICATE, /* its policy, suite or validity are not those of policy */
  CF_ATTEST_TERMS,       /* of the registration                                   */
  CF_ATTEST_CODES,
} cf_attest_code_t;

typedef struct {
  cf_attest_code_t code;
  cf_verdict_t     verdict;   /* VERDICT */
  char             text[192]; /* why; NUL-terminated */
} cf_attest_refusal_t;
/* cf_attest_type writes the problem's type, "urn:counterfoil:verdict:nonce" or "urn:counterfoil:log:tip": at most 64 bytes with
 * NUL. */
void cf_attest_type(char out[64], cf_attest_refusal_t const *r);

/* What an instance showed when it was accepted last: kept, because its TPM may not be reset under it. */
typedef struct {
  cf_hash_t instance;
  uint8_t   ak_name[CF_AK_NAME_SZ];
  uint32_t  reset_cnt, restart_cnt;
} cf_attest_seen_t;

typedef struct {
  cf_domain_t const       *domain;
  cf_follow_state_t const *log;
  cf_span_t                evidence;   /* CMW */
  cf_span_t                collateral; /* DER root certificates and revocation lists, one after the other */
  cf_span_t                statement;  /* the verifier's own for this AK; empty: none */
  cf_hash_t const         *nonce;      /* the one of the verifier's that is in the list; NULL: none of them is */
  cf_hash_t                terms;
  uint64_t                 size_min; /* of the checkpoint */
  cf_attest_seen_t const  *seen;     /* NULL: none */
  cf_root_t const *roots; /* that the verifier was given; others come with the evidence, and count when policy names them */
  size_t           root_cnt;
  int64_t          at_s; /* T */
} cf_attest_ask_t;

typedef struct {
  cf_ear_t          ear;
  cf_registration_t registration;
  cf_attest_seen_t  seen;
} cf_attest_out_t;

/* cf_attest_judge fills *out and returns CF_ATTEST_OK, or fills *why.  Thread-safe; allocates inside OpenSSL only. */
CF_MUST_CHECK cf_attest_code_t cf_attest_judge(cf_attest_out_t *out, cf_attest_ask_t const *ask, cf_attest_refusal_t *why);

/* cf_attest_roots collects the roots that policy names, by class: those given, and those at the end of a chain or in collateral
   whose SHA-256 it names.  Returns how many. */
size_t cf_attest_roots(cf_root_t out[CF_ROOTS_MAX], cf_policy_t const *policy, cf_root_t const *given, size_t given_cnt,
                       cf_span_t const *ders, size_t der_cnt);

#endif
