/* EAR: the attestation result as a CWT (FORMATS-LOG 9(b); draft-ietf-rats-ear), COSE_Sign1 by the verifier's ES256 key,
   typ "application/eat+cwt", with CWT claims {iss, sub} in the protected header because it is a log entry.
   Claims 6 iat, ? 10 eat_nonce (not in a log), 265 eat_profile, 266 submods {"enclave": appraisal {1000 status, 1001 trustworthiness vector}}, 1000 status,
   1004 verifier {0 developer, 1 build}, and ours, listed below with their labels. */
#ifndef CF_DOCUMENT_EAR_H
#define CF_DOCUMENT_EAR_H

#include "codec/cf_cose.h"
#include "codec/cf_json.h"

#define CF_EAR_TYP     "application/eat+cwt"
#define CF_EAR_PROFILE "tag:counterfoil.example,2026:ear/1"

enum { CF_EAR_AFFIRMING = 2, CF_EAR_WARNING = 32, CF_EAR_CONTRAINDICATED = 96 };

#define CF_EAR_MAX 2560 /* bytes, sealed */

typedef struct {
  uint64_t  time;            /* 6 iat = T, the instant it was judged at */
  uint64_t  status;          /* 1000: 2, 32 or 96 */
  int8_t    vector[8];       /* 1001: instance, configuration, executables, files, hardware, runtime, storage, sourced data; 0 left out */
  cf_span_t verdict;         /* -75010 text: "ok", "measurement", ... (DESIGN 4) */
  uint64_t  platform;        /* -75011: 1 TPM ... */
  uint64_t  class;           /* -75012: EK root class (TPM), else 0 */
  uint8_t   measurement[32]; /* -75013 */
  uint64_t  tcb;             /* -75014: platform's TCB status; TPM: 0 */
  uint64_t  debug;           /* -75015: 0 or 1 */
  uint8_t   domain[32];      /* -75016 */
  uint8_t   certificate[32]; /* -75017: document hash of the epoch certificate */
  uint8_t   nonces[32];      /* -75018: nonce list hash */
  uint64_t  until;           /* -75019: end of validity */
  uint8_t   evidence[32];    /* -75020: SHA-256 of the archived evidence */
  uint8_t   collateral[32];  /* -75021: collateral set hash */
  uint8_t   policy[32];      /* -75022: policy hash */
  cf_span_t nonce;           /* 10 eat_nonce: the asker's own, 8 to 64 bytes; empty: left out */
} cf_ear_t;

/* cf_ear_open decodes, unverified; spans borrow in.  CF_ERR_FORMAT, CF_ERR_UNSUPPORTED (another profile), CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_ear_open(cf_ear_t *out, cf_sign1_t *sign1, cf_span_t in, cf_error_t *err);
/* cf_ear_seal writes the COSE_Sign1; iss is the verifier's name, sub "enclave". */
void cf_ear_seal(cf_wr_t *wr, cf_ear_t const *ear, cf_p256_key_t const *key, char const *iss);
/* cf_ear_key_json writes the key's public half as a member: a JWK (RFC 7517), whose kid is the one in results, in hex. */
void cf_ear_key_json(cf_jw_t *j, char const *member, cf_p256_key_t const *key);

#endif
