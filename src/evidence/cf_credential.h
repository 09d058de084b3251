/* TPM2_MakeCredential in software (TCG TPM 2.0 Library, part 1, 24): a secret that only the TPM with this endorsement key can
   read, and only if it also holds the attestation key of that name.  For RSA-2048 endorsement keys of the TCG's default template:
   SHA-256, AES-128 in CFB mode.  OpenSSL is inside (docs/decisions/0002-openssl-in-credential.md). */
#ifndef CF_EVIDENCE_CREDENTIAL_H
#define CF_EVIDENCE_CREDENTIAL_H

#include "crypto/cf_entropy.h"
#include "evidence/cf_x509.h"

#define CF_CREDENTIAL_SECRET_SZ 32
#define CF_CREDENTIAL_SZ (2 + 2 + 32 + 2 + CF_CREDENTIAL_SECRET_SZ + 2 + 256) /* 328 */

/* cf_credential_make writes TPM2B_ID_OBJECT || TPM2B_ENCRYPTED_SECRET.  secret is the caller's; it draws it fresh, keeps it, and
   has the activation proven when it gets it back.  e gives the seed; the padding's randomness is libcrypto's. CF_ERR_UNSUPPORTED
   the key is not RSA-2048;  CF_ERR_BOUND  an empty or over-long name. Thread-safe; wipes its temporaries. */
CF_MUST_CHECK cf_status_t cf_credential_make(uint8_t out[CF_CREDENTIAL_SZ], cf_key_t const *ek, cf_span_t ak_name,
                                             uint8_t const secret[CF_CREDENTIAL_SECRET_SZ], cf_entropy_t const *e);

#endif
