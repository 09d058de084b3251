/* The hashes that tie an enclave to its evidence: PCR events, measurement, nonce list, binding.  PROTOCOL P4;
   docs/protocol/evidence.md has the bytes and vectors.  Pure functions over public bytes. */
#ifndef CF_DOCUMENT_MEASURE_H
#define CF_DOCUMENT_MEASURE_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

/* One byte of every measurement; part of attestation results.  CCA is verified and not produced: no measurement has its byte. */
typedef enum {
  CF_PLATFORM_TPM = 1,
  CF_PLATFORM_SGX,
  CF_PLATFORM_TDX,
  CF_PLATFORM_SNP,
  CF_PLATFORM_NITRO,
  CF_PLATFORM_CCA,
} cf_platform_t;
/* cf_platform_name returns "tpm", "sgx", ...: static; NULL for a number that is none. */
char const *cf_platform_name(cf_platform_t platform);

/* cf_pcr_extend is SHA-256(pcr || digest), as TPM2_PCR_Extend on the SHA-256 bank. */
cf_hash_t cf_pcr_extend(cf_hash_t const *pcr, cf_hash_t const *digest);

/* PCR 11 and 12 of the measured machine.  domain is the genesis digest. */
cf_hash_t cf_pcr11(cf_hash_t const *program, cf_hash_t const *configuration, cf_hash_t const *domain);
cf_hash_t cf_pcr12(cf_hash_t const *instance);
/* cf_pcr12_cap is the last event of PCR 12: after it nobody can pretend to be the program that was started. */
cf_hash_t cf_pcr12_cap(void);

/* cf_measurement: registers are the platform's, rising; for a TPM PCRs 0-9 and 14, 32 bytes each. */
cf_hash_t cf_measurement(cf_platform_t platform, cf_hash_t const *program, cf_hash_t const *configuration, cf_span_t registers);

/* A nonce list is 1 to CF_NONCES_MAX nonces of 32 bytes, strictly ascending, in one span. */
#define CF_NONCES_MAX 16
/* cf_nonces_check: CF_ERR_FORMAT unless the list is one; CF_ERR_BOUND when it is too long. */
CF_MUST_CHECK cf_status_t cf_nonces_check(cf_span_t nonces);
bool                      cf_nonces_has(cf_span_t nonces, cf_hash_t const *nonce);
/* cf_nonces_hash is the plain SHA-256 of a checked list. */
cf_hash_t cf_nonces_hash(cf_span_t nonces);
/* cf_binding is what evidence carries: bare in qualifyingData and user_data, zero-padded to 64 in report data. */
cf_hash_t cf_binding(cf_hash_t const *certificate_hash, cf_hash_t const *nonces_hash);

#endif
