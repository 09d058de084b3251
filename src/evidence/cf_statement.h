/* Credential statements: a verifier's word that an attestation key lives in the TPM of an endorsement certificate, given after a
   credential activation (cf_credential) and reusable until policy's credential_max_age.  PROTOCOL P4. */
#ifndef CF_EVIDENCE_STATEMENT_H
#define CF_EVIDENCE_STATEMENT_H

#include "document/cf_documents.h"

#define CF_STATEMENT_MAX 1024 /* encoded, at most */
#define CF_AK_NAME_SZ 34      /* SHA-256 names only */

typedef struct { /* typ application/counterfoil-credential+cose, by the verifier's ES256 key */
  cf_span_t extra;
  uint8_t   ak_name[CF_AK_NAME_SZ]; /* nameAlg || H(TPMT_PUBLIC) */
  uint64_t  ak_attributes;
  uint8_t   ek_certificate[32]; /* SHA-256 of its DER */
  uint8_t   domain[32];
  uint64_t  time;      /* when the TPM answered, by the verifier's clock */
  uint8_t   nonce[32]; /* SHA-256 of the secret that it answered with */
} cf_statement_t;

extern cf_table_t const cf_statement_table;

/* What a reader looks for. */
typedef struct {
  uint8_t const      *ak_name; /* CF_AK_NAME_SZ bytes */
  uint64_t            ak_attributes;
  cf_hash_t const    *ek_certificate;
  cf_hash_t const    *domain;
  cf_council_t const *verifiers;
  int64_t             at_s;
  uint64_t            max_age_s;
  uint64_t            skew_s;
} cf_statement_want_t;

/* cf_statement_check reads one statement and judges it for *want; *member receives which verifier gave it, *until_s when it ends.
   CF_ERR_FORMAT, CF_ERR_UNSUPPORTED  no statement
   CF_ERR_AUTH                        by nobody of the council, or the signature does not verify
   CF_ERR_POLICY                      about another key, TPM or domain
   CF_ERR_STALE                       too old at at_s, or of later */
CF_MUST_CHECK cf_status_t cf_statement_check(size_t *member, int64_t *until_s, cf_statement_want_t const *want, cf_span_t in,
                                             cf_error_t *err);

#endif
