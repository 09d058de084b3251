#include "observe/cf_metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static cf_metrics_t m;
static char         text[CF_METRICS_TEXT_MAX + 1];

static size_t
render(void) {
  cf_wr_t wr = cf_wr_init(text, CF_METRICS_TEXT_MAX);
  cf_metrics_text(&wr, &m);
  assert_false(wr.bad);
  text[wr.len] = 0;
  return wr.len;
}

static bool
has_line(char const *line) {
  size_t n = strlen(line);
  for (char const *at = text; (at = strstr(at, line)); at++)
    if ((at == text || at[-1] == '\n') && at[n] == '\n') return true;
  return false;
}

static void
test_each_kind(void **state) {
  memset(&m, 0, sizeof m);
  cf_metrics_add(&m, CF_METRIC_INPUTS + CF_INPUT_ACCEPTED, cf_public_u64(40));
  cf_metrics_add(&m, CF_METRIC_INPUTS + CF_INPUT_ACCEPTED, cf_public_u64(2));
  cf_metrics_add(&m, CF_METRIC_INPUTS + CF_INPUT_SESSION_UNKNOWN, cf_public_u64(1));
  cf_metrics_add(&m, CF_METRIC_SETTLEMENTS + 3, cf_public_u64(5));
  cf_metrics_set(&m, CF_METRIC_LOG_ENTRIES, cf_public_u64(7));
  cf_metrics_set(&m, CF_METRIC_LOG_ENTRIES, cf_public_u64(6));
  cf_metrics_set_mode(&m, 1);
  cf_metrics_set_mode(&m, 2);
  cf_metrics_took(&m, CF_LATENCY_RECEIPT, cf_public_u64(64));
  cf_metrics_took(&m, CF_LATENCY_RECEIPT, cf_public_u64(65));
  cf_metrics_took(&m, CF_LATENCY_RECEIPT, cf_public_u64(3000000));
  render();
  static char const *const lines[] = {
    "# TYPE cf_inputs_total counter",
    "cf_inputs_total{class=\"accepted\"} 42",
    "cf_inputs_total{class=\"session-unknown\"} 1",
    "cf_inputs_total{class=\"unavailable\"} 0",
    "cf_batches_total 0",
    "cf_receipts_total 0",
    "cf_settlements_total{state=\"authorised\"} 0",
    "cf_settlements_total{state=\"final\"} 5",
    "# TYPE cf_log_entries gauge",
    "cf_log_entries 6",
    "cf_checkpoint_size 0",
    "cf_ledger_block 0",
    "cf_promises 0",
    "cf_mode{mode=\"normal\"} 0",
    "cf_mode{mode=\"ledger-unavailable\"} 0",
    "cf_mode{mode=\"log-degraded\"} 1",
    "# TYPE cf_receipt_seconds histogram",
    "cf_receipt_seconds_bucket{le=\"0.000064\"} 1",
    "cf_receipt_seconds_bucket{le=\"0.000128\"} 2",
    "cf_receipt_seconds_bucket{le=\"2.097152\"} 2",
    "cf_receipt_seconds_bucket{le=\"4.194304\"} 3",
    "cf_receipt_seconds_bucket{le=\"67.108864\"} 3",
    "cf_receipt_seconds_bucket{le=\"+Inf\"} 3",
    "cf_receipt_seconds_sum 3.000129",
    "cf_receipt_seconds_count 3",
    "cf_settle_seconds_count 0",
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
    if (!has_line(lines[i])) fail_msg("no line %s in\n%s", lines[i], text);
}

/* Every line is "# HELP|TYPE name ..." or "name[{label="value"}] number", each series once, below its family's TYPE. */
static void
test_form(void **state) {
  memset(&m, 0xff, sizeof m.value); /* the longest text */
  for (size_t i = 0; i < CF_LATENCIES; i++) {
    m.latency[i].cnt = m.latency[i].sum_us = UINT64_MAX;
    m.latency[i].bucket[0]                 = UINT64_MAX;
  }
  size_t len = render();
  assert_true(len < CF_METRICS_TEXT_MAX && text[len - 1] == '\n');

  char     seen[256][128];
  size_t   series = 0;
  char     family[64] = "";
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    char name[128], tail[64];
    int  end = 0;
    if (sscanf(line, "# HELP %63s %*[^\n]", family) == 1) continue;
    if (sscanf(line, "# TYPE %127s %63s", name, tail) == 2) {
      assert_string_equal(name, family);
      continue;
    }
    assert_int_equal(sscanf(line, "%127s %63[0-9.]%n", name, tail, &end), 2);
    assert_int_equal(line[end], 0);
    assert_int_equal(strncmp(name, family, strlen(family)), 0);
    for (size_t i = 0; i < series; i++) assert_string_not_equal(seen[i], name);
    strcpy(seen[series++], name);
  }
  assert_int_equal(series, CF_METRICS + CF_LATENCIES * (21 + 3));
}

/* The leak rule: names, order and count of lines depend on no value. */
static void
test_shape_is_fixed(void **state) {
  static char first[CF_METRICS_TEXT_MAX + 1];
  memset(&m, 0, sizeof m);
  render();
  strcpy(first, text);
  for (size_t i = 0; i < CF_METRICS; i++) m.value[i] = 9 - i % 10;
  render();
  char const *a = first, *b = text;
  while (*a && *b) {
    size_t na = strcspn(a, "\n"), nb = strcspn(b, "\n");
    size_t ka = na, kb = nb;
    if (*a != '#') {
      while (a[ka - 1] != ' ') ka--;
      while (b[kb - 1] != ' ') kb--;
    }
    assert_int_equal(ka, kb);
    assert_memory_equal(a, b, ka);
    a += na + 1;
    b += nb + 1;
  }
  assert_true(!*a && !*b);
}

static void
test_short_buffer(void **state) {
  memset(&m, 0, sizeof m);
  size_t  len = render();
  cf_wr_t wr  = cf_wr_init(text, len - 1);
  cf_metrics_text(&wr, &m);
  assert_true(wr.bad);
}

static void
test_enclave_share(void **state) {
  uint8_t      buf[CF_METRICS_ENCLAVE * 8 + 1];
  cf_wr_t      wr = cf_wr_init(buf, sizeof buf);
  cf_metrics_t in = { 0 };
  for (size_t i = 0; i < CF_METRICS; i++) in.value[i] = i + 1;
  cf_metrics_write(&wr, &in);
  assert_int_equal(wr.len, CF_METRICS_ENCLAVE * 8);

  memset(&m, 0, sizeof m);
  m.value[CF_METRIC_LEDGER_BLOCK] = 77;
  assert_int_equal(cf_metrics_read(&m, CF_SPAN(buf, wr.len - 1)), CF_ERR_FORMAT);
  assert_int_equal(cf_metrics_read(&m, CF_SPAN(buf, wr.len + 1)), CF_ERR_FORMAT);
  assert_int_equal(m.value[0], 0);
  assert_int_equal(cf_metrics_read(&m, CF_SPAN(buf, wr.len)), CF_OK);
  for (size_t i = 0; i < CF_METRICS_ENCLAVE; i++) assert_int_equal(m.value[i], i + 1);
  assert_int_equal(m.value[CF_METRIC_SETTLEMENTS], 0);
  assert_int_equal(m.value[CF_METRIC_LEDGER_BLOCK], 77);
}

/* docs/operations.md names every family, with its type, and none that is not there. */
static void
test_documented(void **state) {
  static char doc[65536], row[256];
  FILE       *f = fopen(CF_SOURCE_DIR "/docs/operations.md", "r");
  assert_non_null(f);
  doc[fread(doc, 1, sizeof doc - 1, f)] = 0;
  fclose(f);
  memset(&m, 0, sizeof m);
  render();
  int  families = 0;
  char name[64], type[32];
  for (char const *at = text; (at = strstr(at, "# TYPE ")); at++, families++) {
    assert_int_equal(sscanf(at, "# TYPE %63s %31s", name, type), 2);
    snprintf(row, sizeof row, "| `%s` | %s |", name, type);
    if (!strstr(doc, row)) fail_msg("docs/operations.md has no row %s", row);
  }
  int rows = 0;
  for (char const *at = doc; (at = strstr(at, "\n| `cf_")); at++) rows++;
  assert_int_equal(rows, families);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_each_kind),      cmocka_unit_test(test_form),          cmocka_unit_test(test_shape_is_fixed),
    cmocka_unit_test(test_short_buffer),   cmocka_unit_test(test_enclave_share), cmocka_unit_test(test_documented),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
