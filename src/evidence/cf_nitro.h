/* AWS Nitro Enclaves: attestation documents (NSM API), a COSE_Sign1 with ES384 over a map.  Judged at a stated T, from bytes
   handed in.  Spans borrow the input. */
#ifndef CF_EVIDENCE_NITRO_H
#define CF_EVIDENCE_NITRO_H

#include "evidence/cf_cert.h"
#include "evidence/cf_foreign.h"

#define CF_NITRO_PCR_CNT 32
#define CF_NITRO_BUNDLE_MAX 7 /* with the leaf, as long as a chain may be */
#define CF_NITRO_CERT_MAX 1024
#define CF_NITRO_FIELD_MAX 1024 /* public key, user data, nonce; 512 are documented, genuine documents have more */

/* What some bytes say; nothing is verified.  A field that is absent or null has a NULL pointer. */
typedef struct {
  cf_foreign_sign1_t sign1;
  cf_span_t          module_id; /* UTF-8 */
  uint64_t           timestamp_ms;
  uint32_t           pcr_mask; /* bit i: PCR i is there */
  cf_span_t          pcr[CF_NITRO_PCR_CNT];
  cf_span_t          certificate;                 /* the leaf's DER */
  cf_span_t          bundle[CF_NITRO_BUNDLE_MAX]; /* the root first, the issuer of the leaf last */
  size_t             bundle_cnt;
  cf_span_t          public_key, user_data, nonce;
} cf_nitro_document_t;

/* cf_nitro_document_decode reads a document, tagged 18 or not.  Maps may be of indefinite length, and have their keys in any
   order, each once; all else is deterministic CBOR.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED: another algorithm, digest, or a member
   that we do not know; CF_ERR_BOUND: over CF_FOREIGN_SIGN1_MAX. */
CF_MUST_CHECK cf_status_t cf_nitro_document_decode(cf_nitro_document_t *out, cf_span_t in, cf_error_t *err);

/* SHA-256 of AWS' root certificate (G1), the default for who asks without roots of his own. */
extern cf_hash_t const cf_nitro_root;

typedef struct {
  cf_span_t        document;
  cf_hash_t const *roots; /* SHA-256 of the DER of roots that are believed */
  size_t           root_cnt;
  cf_span_t        nonce; /* what must be in it, whole; empty: anything */
  int64_t          at_s;
  cf_dates_t      *dates; /* where what ends when is noted; NULL: nowhere */
} cf_nitro_ask_t;

/* Facts: authentic at T, not yet acceptable, once cf_nitro_verify said CF_VERDICT_OK.  Before, claims: what was read up to the
   refusal. */
typedef struct {
  bool                read; /* document is there */
  cf_nitro_document_t document;
  bool                debug;                  /* PCRs 0, 1 and 2 are zero: nothing was measured */
  cf_hash_t           root;                   /* SHA-256 */
  cf_interval_t       valid;                  /* inside which the answer holds */
  char                region[CF_CERT_CN_MAX]; /* of AWS, as the authority below the root is named; empty: it names none */
} cf_nitro_facts_t;

/* cf_nitro_verify checks a document (FORMATS 3.3, steps 1 to 3).  *out is reset first.  Does not judge debug, PCRs or age:
   without a nonce of the asker's own a document may be replayed for as long as its leaf lives (three hours).  Two documents with
   different bytes can say the same (ECDSA is malleable). */
CF_MUST_CHECK cf_verdict_code_t cf_nitro_verify(cf_nitro_facts_t *out, cf_nitro_ask_t const *ask, cf_verdict_t *v);

/* The rows of what is checked, for cf_evidence_matrix; false past the end. */
bool cf_nitro_row(char const **name, char const **what, size_t k);

#endif
