/* Quotes of Intel's SGX and TDX: version 3 (SGX), 4 and 5 (both).  Intel SGX ECDSA QuoteLibReference DCAP API, appendix A.3;
   Intel TDX DCAP Quoting Library API, appendix A.3 and A.4.  Claims only: what some bytes say. */
#ifndef CF_EVIDENCE_QUOTE_H
#define CF_EVIDENCE_QUOTE_H

#include "base/cf_bytes.h"
#include "base/cf_error.h"

#define CF_ENCLAVE_REPORT_SZ 384
#define CF_TD_REPORT_SZ 584
#define CF_TD15_REPORT_SZ 648
#define CF_QUOTE_MAX 65536
#define CF_QUOTE_AUTH_MAX 4096 /* the QE's authentication data: 32 bytes are usual */

/* Where the quoting enclave's words stand in the header: 20 bytes, of which the first 16 name the platform. */
#define CF_QUOTE_HEADER_USER 28

/* The body types of version 5; the others have one of the first two. */
typedef enum { CF_BODY_ENCLAVE = 1, CF_BODY_TD10, CF_BODY_TD15 } cf_quote_body_t;

/* Where the fields of an enclave report stand (SGX REPORTBODY). */
enum {
  CF_ENCLAVE_MISCSELECT = 16,
  CF_ENCLAVE_ATTRIBUTES = 48,
  CF_ENCLAVE_MRENCLAVE = 64,
  CF_ENCLAVE_MRSIGNER = 128,
  CF_ENCLAVE_ISVPRODID = 256,
  CF_ENCLAVE_ISVSVN = 258,
  CF_ENCLAVE_REPORTDATA = 320,
};
/* Of a TD report. */
enum {
  CF_TD_TEE_TCB_SVN = 0,
  CF_TD_MRSEAM = 16,
  CF_TD_MRSIGNERSEAM = 64,
  CF_TD_SEAMATTRIBUTES = 112,
  CF_TD_TDATTRIBUTES = 120,
  CF_TD_XFAM = 128,
  CF_TD_MRTD = 136,
  CF_TD_MRCONFIGID = 184,
  CF_TD_MROWNER = 232,
  CF_TD_MROWNERCONFIG = 280,
  CF_TD_RTMR = 328, /* four of 48 bytes */
  CF_TD_REPORTDATA = 520,
  CF_TD_TEE_TCB_SVN2 = 584, /* 1.5 */
  CF_TD_MRSERVICETD = 600,
};

/* Everything borrows the quote. */
typedef struct {
  uint16_t        version;
  cf_quote_body_t type;
  cf_span_t       covered;      /* what the quote's signature is over: header and body */
  uint8_t const  *body;         /* as large as its type says */
  uint8_t const  *signature;    /* 64: r || s by attest_key over covered */
  uint8_t const  *attest_key;   /* 64: x || y */
  uint8_t const  *qe_report;    /* CF_ENCLAVE_REPORT_SZ */
  uint8_t const  *qe_signature; /* 64: by the PCK key over qe_report */
  cf_span_t       qe_auth;
  uint16_t        cert_type; /* 1 to 5; 5: cert is the PCK chain in PEM */
  cf_span_t       cert;
  size_t          trailing; /* bytes behind the signature data, which nothing covers and nobody reads */
} cf_quote_t;

/* cf_quote_decode reads a quote strictly: every nested part ends where its parent does, sizes fit types, an attestation key on
   P-256, Intel's quoting enclave.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED: another version, key type, TEE or vendor; CF_ERR_BOUND.
   Thread-safe; allocates nothing. */
CF_MUST_CHECK cf_status_t cf_quote_decode(cf_quote_t *out, cf_span_t in, cf_error_t *err);

static inline bool cf_quote_is_td(cf_quote_t const *q) { return q->type != CF_BODY_ENCLAVE; }
/* cf_quote_debug holds when the enclave or TD can be looked into: DEBUG, or any bit of TDATTRIBUTES.TUD. */
bool cf_quote_debug(cf_quote_t const *q);
/* cf_quote_report_data is the 64 bytes that the enclave or TD chose. */
uint8_t const *cf_quote_report_data(cf_quote_t const *q);

#endif
