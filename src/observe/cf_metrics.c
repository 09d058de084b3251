#include "observe/cf_metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

typedef cf_public_text_t label_fn_t(unsigned i);

static cf_public_text_t input_label(unsigned i) { return cf_public_input_class((cf_input_class_t)i); }

static struct {
  cf_metric_t first;
  unsigned    cnt;
  bool        gauge;
  char const *name;
  char const *help;
  char const *label;
  label_fn_t *value_of;
} const families[] = {
  { CF_METRIC_INPUTS, CF_INPUT_CLASSES, false, "cf_inputs_total", "Envelopes by what became of them.", "class", input_label },
  { CF_METRIC_BATCHES, 1, false, "cf_batches_total", "Batches answered by the enclave.", NULL, NULL },
  { CF_METRIC_RECEIPTS, 1, false, "cf_receipts_total", "Receipts signed.", NULL, NULL },
  { CF_METRIC_SETTLEMENTS, CF_PUBLIC_SETTLEMENTS, false, "cf_settlements_total", "Settlements that reached a state.", "state",
    cf_public_settlement },
  { CF_METRIC_LOG_ENTRIES, 1, true, "cf_log_entries", "Entries in the log, cosigned or not.", NULL, NULL },
  { CF_METRIC_CHECKPOINT_SIZE, 1, true, "cf_checkpoint_size", "Size of the newest checkpoint under a witness quorum.", NULL, NULL },
  { CF_METRIC_LEDGER_BLOCK, 1, true, "cf_ledger_block", "Height of the newest final block.", NULL, NULL },
  { CF_METRIC_PROMISES, 1, true, "cf_promises", "Promises given and not yet kept.", NULL, NULL },
  { CF_METRIC_MODE, CF_PUBLIC_MODES, true, "cf_mode", "1 for the mode the gateway is in, else 0.", "mode", cf_public_mode },
};

static struct {
  char const *name;
  char const *help;
} const latencies[CF_LATENCIES] = {
  { "cf_receipt_seconds", "Envelope received to receipt durable." },
  { "cf_settle_seconds", "Settlement authorised to final on the ledger." },
};

static void
add_to(cf_metrics_t *m, cf_metric_t metric, bool gauge, uint64_t v) {
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
    if (metric < families[i].first || metric - families[i].first >= families[i].cnt) continue;
    assert(families[i].gauge == gauge);
    m->value[metric] = gauge ? v : m->value[metric] + v;
    return;
  }
  assert(false && "a metric of no family");
}

void
cf_metrics_add(cf_metrics_t *m, cf_metric_t counter, cf_public_u64_t n) {
  add_to(m, counter, false, n.made_by_cf_public);
}

void
cf_metrics_set(cf_metrics_t *m, cf_metric_t gauge, cf_public_u64_t v) {
  add_to(m, gauge, true, v.made_by_cf_public);
}

void
cf_metrics_set_mode(cf_metrics_t *m, unsigned mode) {
  assert(mode < CF_PUBLIC_MODES);
  for (unsigned i = 0; i < CF_PUBLIC_MODES; i++) m->value[CF_METRIC_MODE + i] = i == mode;
}

void
cf_metrics_took(cf_metrics_t *m, cf_latency_kind_t kind, cf_public_u64_t us) {
  assert((unsigned)kind < CF_LATENCIES);
  cf_latency_add(&m->latency[kind], us);
}

__attribute__((format(printf, 2, 3))) static void
put(cf_wr_t *wr, char const *fmt, ...) {
  char    line[256];
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(line, sizeof line, fmt, ap);
  va_end(ap);
  assert(n >= 0 && (size_t)n < sizeof line);
  cf_wr_bytes(wr, line, (size_t)n);
}

static void put_seconds(cf_wr_t *wr, uint64_t us) { put(wr, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000); }

/* Bounds are powers of two, 64 us to 67 s, where our buckets' bounds fall as well: the counts are exact. */
static void
put_latency(cf_wr_t *wr, cf_latency_t const *l, char const *name, char const *help) {
  put(wr, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
  for (unsigned k = 6; k <= 26; k++) {
    put(wr, "%s_bucket{le=\"", name);
    put_seconds(wr, (uint64_t)1 << k);
    put(wr, "\"} %" PRIu64 "\n", cf_latency_upto(l, k));
  }
  put(wr, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", name, l->cnt, name);
  put_seconds(wr, l->sum_us);
  put(wr, "\n%s_count %" PRIu64 "\n", name, l->cnt);
}

void
cf_metrics_text(cf_wr_t *wr, cf_metrics_t const *m) {
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
    char const *name = families[i].name;
    put(wr, "# HELP %s %s\n# TYPE %s %s\n", name, families[i].help, name, families[i].gauge ? "gauge" : "counter");
    for (unsigned k = 0; k < families[i].cnt; k++) {
      put(wr, "%s", name);
      if (families[i].label) put(wr, "{%s=\"%s\"}", families[i].label, families[i].value_of(k).made_by_cf_public);
      put(wr, " %" PRIu64 "\n", m->value[families[i].first + k]);
    }
  }
  for (size_t i = 0; i < CF_LATENCIES; i++) put_latency(wr, &m->latency[i], latencies[i].name, latencies[i].help);
}

void
cf_metrics_write(cf_wr_t *wr, cf_metrics_t const *m) {
  for (size_t i = 0; i < CF_METRICS_ENCLAVE; i++) cf_wr_u64(wr, m->value[i]);
}

cf_status_t
cf_metrics_read(cf_metrics_t *m, cf_span_t in) {
  if (in.len != CF_METRICS_ENCLAVE * 8) return CF_ERR_FORMAT;
  cf_rd_t rd = cf_rd_span(in);
  for (size_t i = 0; i < CF_METRICS_ENCLAVE; i++) m->value[i] = cf_rd_u64(&rd);
  return CF_OK;
}
