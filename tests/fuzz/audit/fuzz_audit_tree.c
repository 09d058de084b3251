/* Audit of a folder that is the input; the seed is one that holds.  It ends, it counts its faults, and its reports are well
   formed: JSON that the strict reader takes, and a first line that says what the status says. */
#include <assert.h>
#include <stdlib.h>

#include "fuzz_tree.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static uint8_t report[4 << 20];
static size_t  report_sz;

static void on_text(void *ctx, cf_span_t s) {
  if (s.len > sizeof report - report_sz) s.len = sizeof report - report_sz;
  if (s.len) memcpy(report + report_sz, s.ptr, s.len);
  report_sz += s.len;
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_span_t          in = CF_SPAN(data, size);
  cf_audit_reader_t  reader = {tree_list, tree_read, &in};
  cf_audit_options_t o = {0};
  cf_audit_out_t     out = {on_text, NULL};
  cf_audit_t        *a;
  cf_json_t          json;
  char               line[200];
  cf_status_t        st = cf_audit_run(&a, &reader, &o);
  assert(st == CF_OK || st == CF_ERR_AUTH);
  assert((st == CF_OK) == (cf_audit_counts(a)->faults == 0));
  cf_audit_line(a, line);
  assert((st == CF_OK) == !strncmp(line, "OK ", 3));
  report_sz = 0;
  cf_audit_text(a, &out);
  cf_audit_html(a, &out);
  report_sz = 0;
  cf_audit_json(a, &out);
  if (report_sz < sizeof report && cf_json_parse(&json, CF_SPAN(report, report_sz), NULL)) abort();
  cf_audit_free(a);
  return 0;
}
