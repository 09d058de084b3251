/* What the Nitro Security Module is asked and answers (NSM API; Linux, include/uapi/linux/nsm.h): CBOR through an ioctl.  The
   answer comes from outside of the enclave, and the document in it stands by its own signature. */
#ifndef CF_PLATFORM_NSM_H
#define CF_PLATFORM_NSM_H

#include "base/cf_bytes.h"
#include "base/cf_error.h"

#define CF_NSM_REQUEST_MAX 0x1000
#define CF_NSM_RESPONSE_MAX 0x3000

/* cf_nsm_attestation writes {"Attestation": {"nonce", "user_data", "public_key"}}; an empty one is null. */
void cf_nsm_attestation(cf_wr_t *wr, cf_span_t user_data, cf_span_t nonce, cf_span_t public_key);

/* cf_nsm_document reads {"Attestation": {"document": bytes}}; *document borrows in.  Its maps may be of indefinite length, as
   those in documents are; all else is deterministic, and nothing follows.
   CF_ERR_IO: it is {"Error": name}, which err has; CF_ERR_FORMAT: anything else. */
CF_MUST_CHECK cf_status_t cf_nsm_document(cf_span_t *document, cf_span_t in, cf_error_t *err);

#endif
