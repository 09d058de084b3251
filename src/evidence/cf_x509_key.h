/* Inside evidence only: our keys as OpenSSL's.  The pointers are EVP_PKEY, untyped so that no OpenSSL header is needed to name
 * them. */
#ifndef CF_EVIDENCE_X509_KEY_H
#define CF_EVIDENCE_X509_KEY_H

#include "evidence/cf_x509.h"

/* cf_key_from_pkey: CF_ERR_UNSUPPORTED for another algorithm, curve or size. */
CF_MUST_CHECK cf_status_t cf_key_from_pkey(cf_key_t *out, void *pkey);
/* cf_key_to_pkey: NULL when the key is none; freed with EVP_PKEY_free. */
void *cf_key_to_pkey(cf_key_t const *key);

#endif
