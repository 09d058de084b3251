/* The metrics of a process: a closed list, kept in a plain array, written as
   Prometheus text (exposition format 0.0.4).  docs/operations.md has the table. */
#ifndef CF_OBSERVE_METRICS_H
#define CF_OBSERVE_METRICS_H

#include "observe/cf_latency.h"
#include "observe/cf_public.h"

/* Each is one time series, or the first of a family's; the others follow it. */
typedef enum {
  CF_METRIC_INPUTS      = 0,                                         /* counters; + cf_input_class_t */
  CF_METRIC_BATCHES     = CF_METRIC_INPUTS + CF_INPUT_CLASSES,       /* counter */
  CF_METRIC_RECEIPTS,                                                /* counter */
  CF_METRIC_SETTLEMENTS,                                             /* counters; + state, authorised = 0 */
  CF_METRIC_LOG_ENTRIES = CF_METRIC_SETTLEMENTS + CF_PUBLIC_SETTLEMENTS, /* gauge */
  CF_METRIC_CHECKPOINT_SIZE,                                         /* gauge */
  CF_METRIC_LEDGER_BLOCK,                                            /* gauge */
  CF_METRIC_PROMISES,                                                /* gauge */
  CF_METRIC_MODE,                                                    /* gauges, one of them 1; + mode, normal = 0 */
  CF_METRICS            = CF_METRIC_MODE + CF_PUBLIC_MODES,
} cf_metric_t;

typedef enum { CF_LATENCY_RECEIPT, CF_LATENCY_SETTLE, CF_LATENCIES } cf_latency_kind_t;

/* Zeroed memory is an empty registry.  One owner: not thread-safe. */
typedef struct {
  uint64_t     value[CF_METRICS];
  cf_latency_t latency[CF_LATENCIES];
} cf_metrics_t;

/* cf_metrics_add adds to a counter, cf_metrics_set sets a gauge; each asserts
   that the metric is of that type. */
void cf_metrics_add(cf_metrics_t *m, cf_metric_t counter, cf_public_u64_t n);
void cf_metrics_set(cf_metrics_t *m, cf_metric_t gauge, cf_public_u64_t v);
void cf_metrics_set_mode(cf_metrics_t *m, unsigned mode);
void cf_metrics_took(cf_metrics_t *m, cf_latency_kind_t kind, cf_public_u64_t us);

/* cf_metrics_text writes all of them; at most CF_METRICS_TEXT_MAX bytes.  The
   field names, their order and number never depend on the values. */
#define CF_METRICS_TEXT_MAX 16384
#define CF_METRICS_TYPE     "text/plain; version=0.0.4; charset=utf-8"
void cf_metrics_text(cf_wr_t *wr, cf_metrics_t const *m);

/* The enclave's share: what it answers to READ, CF_METRICS_ENCLAVE integers of
   8 bytes, big-endian: CF_METRIC_INPUTS up to and with CF_METRIC_RECEIPTS.
   cf_metrics_read takes them over.  CF_ERR_FORMAT: another length. */
#define CF_METRICS_ENCLAVE (CF_METRIC_RECEIPTS + 1)
void                      cf_metrics_write(cf_wr_t *wr, cf_metrics_t const *m);
CF_MUST_CHECK cf_status_t cf_metrics_read(cf_metrics_t *m, cf_span_t in);

#endif
