/* Arm CCA attestation tokens (draft-ffm-rats-cca-token; RMM 1.0): a realm's token, and the platform's, which vouches for the key
   of the first.  Verified only; nobody here produces one.  Tokens have no dates.  Spans borrow the input. */
#ifndef CF_EVIDENCE_CCA_H
#define CF_EVIDENCE_CCA_H

#include "evidence/cf_foreign.h"

#define CF_CCA_TOKEN_MAX 32768
#define CF_CCA_REM_CNT 4
#define CF_CCA_COMPONENTS_MAX 32

/* What some bytes say; nothing is verified. */
typedef struct {
  uint64_t           tag;             /* of the collection: 399, or 907 as later drafts have it */
  cf_foreign_sign1_t platform, realm; /* the two messages */
  /* platform */
  cf_span_t profile; /* UTF-8 */
  cf_span_t platform_nonce, implementation_id, instance_id, config;
  uint32_t  lifecycle;
  size_t    component_cnt;
  /* realm */
  cf_span_t challenge, personalization; /* 64 bytes each */
  cf_span_t rak;                        /* as it stands: COSE_Key, or a bare point */
  cf_key_t  rak_key;
  cf_span_t rim, rem[CF_CCA_REM_CNT];
  cf_span_t realm_hash, rak_hash; /* names of algorithms */
} cf_cca_token_t;

/* cf_cca_token_decode: CF_ERR_FORMAT; CF_ERR_UNSUPPORTED: another algorithm, or a claim that we do not know; CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_cca_token_decode(cf_cca_token_t *out, cf_span_t in, cf_error_t *err);

typedef struct {
  cf_span_t       token;
  cf_key_t const *cpak;      /* the key of this very machine, from who provisioned it */
  cf_span_t       challenge; /* what the realm must have been asked, zero-padded to 64 bytes; empty: anything */
} cf_cca_ask_t;

/* Facts: authentic, not yet acceptable, once cf_cca_verify said CF_VERDICT_OK.  Before, claims. */
typedef struct {
  bool           read; /* token is there */
  cf_cca_token_t token;
  bool           secured; /* the lifecycle is 0x3000 to 0x30ff; else the machine can be looked into */
} cf_cca_facts_t;

/* cf_cca_verify checks a token (FORMATS 5): the platform's signature by cpak, the realm's by the key in its claims, and that the
   platform's nonce is the hash of that key.  *out is reset first.  Does not judge lifecycle, measurements or components. */
CF_MUST_CHECK cf_verdict_code_t cf_cca_verify(cf_cca_facts_t *out, cf_cca_ask_t const *ask, cf_verdict_t *v);

/* The rows of what is checked, for cf_evidence_matrix; false past the end. */
bool cf_cca_row(char const **name, char const **what, size_t k);

#endif
