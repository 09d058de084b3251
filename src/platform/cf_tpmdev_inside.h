/* Inside platform only: what the cf_tpmdev files share. */
#ifndef CF_PLATFORM_TPMDEV_INSIDE_H
#define CF_PLATFORM_TPMDEV_INSIDE_H

#include <tss2/tss2_esys.h>

#include "platform/cf_tpmdev.h"

#define CF_TPM_EK_HANDLE 0x81010001u
#define CF_TPM_EK_NV 0x01c00002u

/* cf_tpm_error turns a response code into a status, with the TPM's words for it. */
cf_status_t cf_tpm_error(cf_error_t *err, char const *what, TSS2_RC rc);

/* cf_tpm_selection is mask in the SHA-256 bank. */
TPML_PCR_SELECTION cf_tpm_selection(uint32_t mask);

/* cf_tpm_srk creates the storage root key (TCG default template, P-256): the same key every time.  Flush it with cf_tpm_flush. */
CF_MUST_CHECK cf_status_t cf_tpm_srk(cf_tpmdev_t *tpm, ESYS_TR *srk, cf_error_t *err);
/* cf_tpm_session opens a session salted by key (ESYS_TR_NONE: unsalted) that encrypts what attributes say. */
CF_MUST_CHECK cf_status_t cf_tpm_session(cf_tpmdev_t *tpm, ESYS_TR *session, ESYS_TR key, TPM2_SE type, TPMA_SESSION attributes,
                                         cf_error_t *err);
/* cf_tpm_load loads a child of srk from its two halves. */
CF_MUST_CHECK cf_status_t cf_tpm_load(cf_tpmdev_t *tpm, ESYS_TR *object, ESYS_TR srk, cf_span_t public, cf_span_t private,
                                      cf_error_t *err);
/* cf_tpm_load_key loads a blob of cf_tpmdev_ak_make and flushes the SRK again. */
CF_MUST_CHECK cf_status_t cf_tpm_load_key(cf_tpmdev_t *tpm, ESYS_TR *object, cf_span_t blob, cf_error_t *err);
/* cf_tpm_flush: ESYS_TR_NONE is fine. */
void cf_tpm_flush(cf_tpmdev_t *tpm, ESYS_TR object);

/* The two halves of an object as bytes. */
typedef struct {
  uint8_t public[CF_TPM_PART_MAX], private[CF_TPM_PART_MAX];
  size_t public_sz, private_sz;
} cf_tpm_halves_t;
CF_MUST_CHECK cf_status_t cf_tpm_halves(cf_tpm_halves_t *out, TPM2B_PUBLIC const *pub, TPM2B_PRIVATE const *priv,
                                        cf_error_t *err);

#endif
