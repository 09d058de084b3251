/* A TPM machine: measure, quote, activate, seal, over ESAPI on any TCTI.  What attesters have in common is cf_attester.h's.
   docs/protocol/evidence.md has the bytes.  One process at a time speaks to the TPM; calls are not thread-safe.
   At most two transient objects are loaded at once and none is left behind, because a bare TPM has three slots. */
#ifndef CF_PLATFORM_TPMDEV_H
#define CF_PLATFORM_TPMDEV_H

#include "document/cf_table.h"

struct ESYS_CONTEXT;
struct TSS2_TCTI_OPAQUE_CONTEXT_BLOB;

typedef struct {
  struct ESYS_CONTEXT                  *esys;
  struct TSS2_TCTI_OPAQUE_CONTEXT_BLOB *tcti;
} cf_tpmdev_t;

/* All functions below return, besides what they name:
   CF_ERR_IO      the TPM cannot be reached or refuses for a reason of its own; err->text has its words
   CF_ERR_AUTH    the TPM says that a blob or challenge is not its own, or was altered
   CF_ERR_POLICY  the TPM says that its PCRs are not those demanded */

/* cf_tpmdev_init opens a TPM, e.g. "swtpm:path=/run/tpm/sock" or "device:/dev/tpmrm0".  cf_tpmdev_fini closes it; a zeroed one is
 * fine. */
CF_MUST_CHECK cf_status_t cf_tpmdev_init(cf_tpmdev_t *tpm, char const *tcti, cf_error_t *err);
void                      cf_tpmdev_fini(cf_tpmdev_t *tpm);

/* ---- measuring ---- */

/* cf_tpmdev_measure extends PCR 11 with program, configuration and genesis digest; the digests go in as they are.
   CF_ERR_POLICY when PCR 11 or 12 is not zero: the TPM was not reset, or somebody measured before. */
CF_MUST_CHECK cf_status_t cf_tpmdev_measure(cf_tpmdev_t *tpm, cf_hash_t const *program, cf_hash_t const *configuration,
                                            cf_hash_t const *domain, cf_error_t *err);
/* cf_tpmdev_identify extends PCR 12 with the instance and then the cap.  CF_ERR_POLICY when PCR 12 is not zero. */
CF_MUST_CHECK cf_status_t cf_tpmdev_identify(cf_tpmdev_t *tpm, cf_hash_t const *instance, cf_error_t *err);
/* cf_tpmdev_extend: the one command under both, PCR 0 to 23, SHA-256 bank. */
CF_MUST_CHECK cf_status_t cf_tpmdev_extend(cf_tpmdev_t *tpm, unsigned pcr, cf_hash_t const *digest, cf_error_t *err);
/* cf_tpmdev_pcrs reads the PCRs of mask (bit i: PCR i) from the SHA-256 bank into values, rising; cnt is their number. */
CF_MUST_CHECK cf_status_t cf_tpmdev_pcrs(cf_tpmdev_t *tpm, cf_hash_t *values, size_t cnt, uint32_t mask, cf_error_t *err);
CF_MUST_CHECK cf_status_t cf_tpmdev_counters(cf_tpmdev_t *tpm, uint32_t *reset_cnt, uint32_t *restart_cnt, cf_error_t *err);

/* ---- endorsement ---- */

#define CF_TPMDEV_CERT_MAX 4096
/* cf_tpmdev_ek_certificate reads the RSA-2048 endorsement certificate (DER) from NV index 0x01c00002. */
CF_MUST_CHECK cf_status_t cf_tpmdev_ek_certificate(cf_tpmdev_t *tpm, uint8_t *out, size_t *out_sz, size_t out_max,
                                                   cf_error_t *err);
/* cf_tpmdev_nv reads an NV index whole, under the owner's empty authorisation; *out_sz is 0 when there is none.  item is what an error
   names.  CF_ERR_BOUND: more than out_max. */
CF_MUST_CHECK cf_status_t cf_tpmdev_nv(cf_tpmdev_t *tpm, uint8_t *out, size_t *out_sz, size_t out_max, uint32_t index,
                                       char const *item, cf_error_t *err);
/* cf_tpmdev_public writes the TPMT_PUBLIC of the key that the TPM keeps at handle. */
CF_MUST_CHECK cf_status_t cf_tpmdev_public(cf_tpmdev_t *tpm, uint8_t *out, size_t *out_sz, size_t out_max, uint32_t handle,
                                           char const *item, cf_error_t *err);
/* cf_tpmdev_ek_public writes the TPMT_PUBLIC of the endorsement key at 0x81010001. */
CF_MUST_CHECK cf_status_t cf_tpmdev_ek_public(cf_tpmdev_t *tpm, uint8_t *out, size_t *out_sz, size_t out_max, cf_error_t *err);

/* ---- the attestation key: a restricted P-256 ECDSA/SHA-256 key under the SRK ---- */

#define CF_TPM_PART_MAX 512
#define CF_TPM_BLOB_MAX 1152

/* A key or sealed object as the caller keeps it; only this TPM can load it. */
typedef struct {
  cf_span_t extra;
  uint64_t  version; /* 1 */
  cf_span_t public;  /* TPMT_PUBLIC */
  cf_span_t private; /* content of the TPM2B_PRIVATE: encrypted by the TPM */
} cf_tpm_key_t;
extern cf_table_t const cf_tpm_key_table;

/* cf_tpmdev_ak_make creates a key and writes its blob (a cf_tpm_key_t), at most CF_TPM_BLOB_MAX bytes.  Keep it: the key's name
   is in credential statements, and outlives restarts only in this blob. */
CF_MUST_CHECK cf_status_t cf_tpmdev_ak_make(cf_tpmdev_t *tpm, cf_wr_t *blob, cf_error_t *err);
/* cf_tpmdev_ak_check: is it a key that this TPM can load?  CF_ERR_FORMAT, CF_ERR_UNSUPPORTED, CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_tpmdev_ak_check(cf_tpmdev_t *tpm, cf_span_t ak, cf_error_t *err);
/* cf_tpm_key_open decodes a blob; spans borrow it.  CF_ERR_FORMAT, CF_ERR_UNSUPPORTED. */
CF_MUST_CHECK cf_status_t cf_tpm_key_open(cf_tpm_key_t *out, cf_span_t blob, cf_error_t *err);

#define CF_TPM_QUOTE_PCRS 0x5bffu /* 0-9, 11, 12, 14 */
#define CF_TPM_QUOTE_PCR_CNT 13
#define CF_TPM_QUOTE_DATA_MAX 64
typedef struct {
  uint8_t   attest[512];
  size_t    attest_sz;
  uint8_t   signature[640]; /* RSA-4096 in its frame */
  size_t    signature_sz;
  cf_hash_t pcrs[CF_TPM_QUOTE_PCR_CNT];
} cf_tpm_quote_out_t;
/* cf_tpmdev_quote quotes PCRs 0-9, 11, 12, 14 of the SHA-256 bank over data, bare: an enclave's binding, or a verifier's nonce.
   CF_ERR_BOUND: over 64 bytes. */
CF_MUST_CHECK cf_status_t cf_tpmdev_quote(cf_tpmdev_t *tpm, cf_tpm_quote_out_t *out, cf_span_t ak, cf_span_t data, cf_error_t *err);
/* cf_tpmdev_quote_at: the same by a key that the TPM keeps at handle, RSA or ECC, by its own scheme. */
CF_MUST_CHECK cf_status_t cf_tpmdev_quote_at(cf_tpmdev_t *tpm, cf_tpm_quote_out_t *out, uint32_t handle, cf_span_t data,
                                             cf_error_t *err);

/* cf_tpmdev_activate answers a verifier's challenge (TPM2B_ID_OBJECT || TPM2B_ENCRYPTED_SECRET) with the secret inside, at most
   64 bytes. CF_ERR_FORMAT; CF_ERR_AUTH: made for another endorsement or attestation key. */
CF_MUST_CHECK cf_status_t cf_tpmdev_activate(cf_tpmdev_t *tpm, uint8_t secret[64], size_t *secret_sz, cf_span_t ak,
                                             cf_span_t challenge, cf_error_t *err);

/* ---- the sealing root ---- */

typedef struct {
  cf_span_t extra;
  uint64_t  version; /* 1 */
  uint64_t  number;  /* of the root; sealed with it */
  uint64_t  pcrs;    /* mask of the policy: CF_TPM_QUOTE_PCRS */
  cf_span_t public;
  cf_span_t private;
} cf_sealed_root_t;
extern cf_table_t const cf_sealed_root_table;

/* cf_tpmdev_seal binds root and number to this TPM, to the present PCRs 0-9, 11 and 14, and to PCR 12 = 0: the next start of the
   same program for the same domain can read them, before it has an identity; nothing after that can. */
CF_MUST_CHECK cf_status_t cf_tpmdev_seal(cf_tpmdev_t *tpm, cf_wr_t *blob, uint64_t number, uint8_t const root[32],
                                         cf_error_t *err);
/* cf_tpmdev_unseal is its inverse.  root should lie in a cf_secret; it is wiped on failure.  CF_ERR_FORMAT, CF_ERR_UNSUPPORTED.
 */
CF_MUST_CHECK cf_status_t cf_tpmdev_unseal(cf_tpmdev_t *tpm, uint64_t *number, uint8_t root[32], cf_span_t blob, cf_error_t *err);

#endif
