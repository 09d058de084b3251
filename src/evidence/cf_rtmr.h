/* The runtime measurement registers of a TD, computed from a log: the CC event log (CCEL; TCG's crypto-agile format with SHA-384,
   register 1 to 4 being RTMR0 to 3), or the JSON that a guest's agent keeps, whose own events carry what was hashed. */
#ifndef CF_EVIDENCE_RTMR_H
#define CF_EVIDENCE_RTMR_H

#include "base/cf_bytes.h"
#include "base/cf_error.h"

#define CF_RTMR_CNT 4
#define CF_RTMR_SZ 48
#define CF_RTMR_EVENT_MAX 8192 /* bytes of an agent's event */

typedef struct {
  uint8_t value[CF_RTMR_CNT][CF_RTMR_SZ];
  uint8_t touched; /* bit i: the log extends RTMR i */
} cf_rtmrs_t;

/* Both replay the whole log into *out, from zeros.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED: no SHA-384 digests; CF_ERR_AUTH: an
   agent's event is not what its digest is of; CF_ERR_BOUND.  A replay proves digests, not what other events say about them. */
CF_MUST_CHECK cf_status_t cf_rtmrs_ccel(cf_rtmrs_t *out, cf_span_t log, cf_error_t *err);
CF_MUST_CHECK cf_status_t cf_rtmrs_json(cf_rtmrs_t *out, cf_span_t log, cf_error_t *err);

#endif
