/* Attestation keys as clouds carry them: keys in JWK form (RFC 7517, 7518), and Azure's HCL blob, in which hardware evidence
   vouches for the vTPM's keys by hashing them into its report data. */
#ifndef CF_EVIDENCE_HCL_H
#define CF_EVIDENCE_HCL_H

#include "codec/cf_json.h"
#include "evidence/cf_x509.h"

/* cf_jwk_rsa reads a public RSA key.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED for another kty. */
CF_MUST_CHECK cf_status_t cf_jwk_rsa(cf_key_t *out, cf_json_t jwk);

/* cf_jwk_ec reads a public key of P-256 or P-384.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED for another kty or crv. */
CF_MUST_CHECK cf_status_t cf_jwk_ec(cf_key_t *out, cf_json_t jwk);

typedef enum { CF_HCL_SNP = 2, CF_HCL_TDX = 4 } cf_hcl_kind_t;

typedef struct {
  cf_hcl_kind_t kind;
  cf_span_t     report;  /* the hardware's: an SNP report, or a TDREPORT; not verified here */
  cf_span_t     runtime; /* JSON whose hash the report carries */
  cf_span_t     bound;   /* 64 bytes, that hash padded with zeros: what the report data of a quote over this blob is */
  cf_key_t      ak;      /* HCLAkPub */
} cf_hcl_t;

/* cf_hcl_open reads the blob and checks that the report's data field is the hash of the runtime data, zero-padded.  The key is
   then as good as the hardware report.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED: another report or hash; CF_ERR_AUTH: the hash differs.
 */
CF_MUST_CHECK cf_status_t cf_hcl_open(cf_hcl_t *out, cf_span_t in, cf_error_t *err);

#endif
