/* TPM 2.0 structures (TCG TPM 2.0 Library, part 2): strict readers, and the verification of a quote.  Nothing here asks whether
   the key that signed is a TPM's: that is the chain's (cf_x509) and the credential statements' (cf_statement). */
#ifndef CF_EVIDENCE_TPM_H
#define CF_EVIDENCE_TPM_H

#include "evidence/cf_verdict.h"
#include "evidence/cf_x509.h"

enum { CF_TPM_SHA1 = 0x0004, CF_TPM_SHA256 = 0x000b, CF_TPM_SHA384 = 0x000c, CF_TPM_SHA512 = 0x000d };

#define CF_TPM_PCR_CNT 24
#define CF_TPM_BANK_MAX 8
#define CF_TPM_NAME_MAX 66 /* algorithm and digest */

/* ---- TPMS_ATTEST of a quote ---- */

typedef struct {
  uint16_t alg;
  uint32_t mask; /* bit i: PCR i */
} cf_tpm_selection_t;

/* What some bytes say; nothing is verified.  Spans borrow the input. */
typedef struct {
  cf_span_t          qualified_signer;
  cf_span_t          extra; /* qualifyingData: the nonce, or the binding */
  uint64_t           clock;
  uint32_t           reset_cnt, restart_cnt;
  bool               safe;
  uint64_t           firmware;
  cf_tpm_selection_t selection[CF_TPM_BANK_MAX];
  size_t             selection_cnt;
  cf_span_t          pcr_digest;
} cf_tpm_attest_t;

/* cf_tpm_attest_decode: CF_ERR_FORMAT, also when the magic says that no TPM made it; CF_ERR_UNSUPPORTED for another attestation
   than a quote. */
CF_MUST_CHECK cf_status_t cf_tpm_attest_decode(cf_tpm_attest_t *out, cf_span_t in, cf_error_t *err);

/* ---- TPMT_PUBLIC ---- */

#define CF_TPM_ATTR_FIXED_TPM (1u << 1)
#define CF_TPM_ATTR_FIXED_PARENT (1u << 4)
#define CF_TPM_ATTR_ORIGIN (1u << 5) /* sensitiveDataOrigin */
#define CF_TPM_ATTR_RESTRICTED (1u << 16)
#define CF_TPM_ATTR_DECRYPT (1u << 17)
#define CF_TPM_ATTR_SIGN (1u << 18)

typedef struct {
  cf_span_t bytes; /* the TPMT_PUBLIC */
  uint16_t  name_alg;
  uint32_t  attributes;
  cf_span_t auth_policy;
  cf_key_t  key;
} cf_tpm_public_t;

/* cf_tpm_public_decode reads a TPMT_PUBLIC, or a TPM2B_PUBLIC around one.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED: neither RSA nor
   P-256 nor P-384, or an unknown name algorithm. */
CF_MUST_CHECK cf_status_t cf_tpm_public_decode(cf_tpm_public_t *out, cf_span_t in, cf_error_t *err);
/* cf_tpm_name writes nameAlg || H(TPMT_PUBLIC) and returns its length. */
size_t cf_tpm_name(uint8_t out[CF_TPM_NAME_MAX], cf_tpm_public_t const *pub);
/* cf_tpm_is_ak holds for a restricted signing key made in, and bound to, one TPM: the only kind that cannot sign a forged
 * TPMS_ATTEST. */
bool cf_tpm_is_ak(cf_tpm_public_t const *pub);

/* ---- TPMT_SIGNATURE ---- */

typedef struct {
  cf_sig_kind_t kind;
  uint16_t      hash;
  cf_span_t     r; /* the RSA value, or r of ECDSA */
  cf_span_t     s;
} cf_tpm_signature_t;

CF_MUST_CHECK cf_status_t cf_tpm_signature_decode(cf_tpm_signature_t *out, cf_span_t in, cf_error_t *err);

/* ---- PCR values ---- */

typedef struct {
  uint16_t alg;
  uint32_t mask; /* which values are there */
  uint8_t  value[CF_TPM_PCR_CNT][64];
} cf_tpm_bank_t;

/* ---- quotes ---- */

typedef struct {
  cf_span_t              attest;
  cf_span_t              signature; /* TPMT_SIGNATURE; with raw_rsa the bare RSASSA-SHA256 value */
  bool                   raw_rsa;
  bool                   allow_sha1; /* signatures over SHA-1: legacy evidence, on request only */
  cf_key_t const        *key;        /* the trusted attestation key */
  cf_tpm_public_t const *ak;         /* its public area; NULL where only the key is known */
  cf_span_t              nonce;      /* what extraData must be, whole; empty means empty */
  cf_tpm_bank_t const   *banks;      /* values claimed for what is selected */
  size_t                 bank_cnt;   /* 0: none known; then nothing is proven about any PCR but its digest */
} cf_tpm_quote_t;

/* cf_tpm_quote_verify checks a quote (FORMATS 4.2, steps 1 to 5): magic and type, key and attributes, signature, extraData in
   full, PCR digest under the signature's hash, every selected value present.  *out is written on CF_VERDICT_OK only.  Values
   outside the selection are refused, so that none is taken for verified. */
CF_MUST_CHECK cf_verdict_code_t cf_tpm_quote_verify(cf_tpm_attest_t *out, cf_tpm_signature_t *sig, cf_tpm_quote_t const *quote,
                                                    cf_verdict_t *v);

#endif
