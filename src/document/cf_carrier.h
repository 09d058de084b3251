/* Counterfoil evidence on the wire: a CMW record (RFC 9999, CBOR form) [media type, bytes, 4 = evidence].  For a TPM the bytes
   are the map below.  docs/protocol/evidence.md. */
#ifndef CF_DOCUMENT_CARRIER_H
#define CF_DOCUMENT_CARRIER_H

#include "document/cf_table.h"

#define CF_CARRIER_MAX 131072
#define CF_CMW_EVIDENCE 4
#define CF_TPM_EVIDENCE_TYP "application/counterfoil-tpm-evidence+cbor"

/* The PCRs that a quote for us selects in the SHA-256 bank, and no others: 0-9, 11, 12, 14. */
#define CF_TPM_EVIDENCE_PCRS 0x5bffu
#define CF_TPM_EVIDENCE_PCR_CNT 13

typedef struct {
  cf_span_t extra;
  uint64_t  version;   /* 1 */
  cf_span_t attest;    /* TPMS_ATTEST */
  cf_span_t signature; /* TPMT_SIGNATURE */
  cf_span_t ak_public; /* TPMT_PUBLIC */
  cf_span_t ek_chain;  /* DER certificates one after the other, the EK's first; the root may be left out */
  cf_span_t ak_chain;  /* the same for an AK that a cloud certifies; one of the two is there */
  uint8_t   pcrs[CF_TPM_EVIDENCE_PCR_CNT * 32]; /* values, rising */
  cf_span_t event_log;                          /* may be empty */
  cf_span_t certificate;                        /* the epoch certificate, COSE_Sign1 */
  uint8_t   identity[64];
  cf_span_t nonces; /* 1 to 16 of 32 bytes, strictly ascending */
  uint8_t   program[32];
  uint8_t   configuration[32];
} cf_tpm_evidence_t;

extern cf_table_t const cf_tpm_evidence_table;

/* cf_cmw_decode splits a record; ind must be CF_CMW_EVIDENCE.  Spans borrow the input. */
CF_MUST_CHECK cf_status_t cf_cmw_decode(cf_span_t *media_type, cf_span_t *content, cf_span_t in, cf_error_t *err);

/* cf_carrier_encode writes the record around *e. */
void cf_carrier_encode(cf_wr_t *wr, cf_tpm_evidence_t const *e);
/* cf_carrier_decode is its inverse: strict, one encoding per value.  CF_ERR_UNSUPPORTED: another media type or version. */
CF_MUST_CHECK cf_status_t cf_carrier_decode(cf_tpm_evidence_t *out, cf_span_t in, cf_error_t *err);

/* cf_der_split cuts DER values that stand one after the other; *cnt receives how many.  CF_ERR_FORMAT; CF_ERR_BOUND: more than
 * max. */
CF_MUST_CHECK cf_status_t cf_der_split(cf_span_t *out, size_t *cnt, size_t max, cf_span_t in);

/* Collateral travels as DER values one after the other: root certificates and revocation lists.  cf_der_is_certificate tells one from
   the other by its first field: a certificate's is its version, tagged [0]; a revocation list has none such. */
bool cf_der_is_certificate(cf_span_t der);

#endif
