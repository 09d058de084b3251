/* Measured-boot event logs (TCG PC Client Platform Firmware Profile): the crypto-agile format, and the SHA-1 format before it.
   A replay proves digests only.  Event types, and for many types the data, are hints until the data are hashed again
   (cf_event_data_proven). */
#ifndef CF_EVIDENCE_EVENTLOG_H
#define CF_EVIDENCE_EVENTLOG_H

#include "evidence/cf_tpm.h"

#define CF_EVENT_ALG_MAX 8
#define CF_EVENT_NO_ACTION 3

typedef struct {
  cf_rd_t  rd;
  uint16_t bank; /* whose digests are read */
  bool     agile;
  uint16_t alg[CF_EVENT_ALG_MAX];
  uint16_t alg_sz[CF_EVENT_ALG_MAX];
  size_t   alg_cnt;
} cf_eventlog_t;

typedef struct {
  uint32_t  pcr;
  uint32_t  type;
  cf_span_t digest; /* in the bank asked for */
  cf_span_t data;
} cf_event_t;

/* cf_eventlog_open reads the header.  bank is a TPM_ALG_ID.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED: the log has no digests of that
   bank. The log is borrowed. */
CF_MUST_CHECK cf_status_t cf_eventlog_open(cf_eventlog_t *log, cf_span_t in, uint16_t bank, cf_error_t *err);
/* cf_eventlog_next reads an event; false at the end (zeros or 0xff may fill the rest).  A malformed one makes log->rd bad. */
bool cf_eventlog_next(cf_eventlog_t *log, cf_event_t *event);
/* cf_event_data_proven holds when the event's digest is that of its data, as for separators, actions and variables. */
bool cf_event_data_proven(cf_event_t const *event, uint16_t bank);

/* cf_eventlog_replay computes what PCRs the log leads to; out->mask has those it touches.  EV_NO_ACTION extends nothing, but
   StartupLocality sets where PCR 0 starts.  CF_ERR_FORMAT, CF_ERR_UNSUPPORTED. */
CF_MUST_CHECK cf_status_t cf_eventlog_replay(cf_tpm_bank_t *out, cf_span_t in, uint16_t bank, cf_error_t *err);

/* cf_eventlog_check compares the replay with quoted values: every PCR that the log touches and the quote covers must be equal. */
CF_MUST_CHECK cf_verdict_code_t cf_eventlog_check(cf_span_t in, cf_tpm_bank_t const *quoted, cf_verdict_t *v);

#endif
