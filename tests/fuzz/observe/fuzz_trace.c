/* What parses is written back as version 00 with the same ids, and parses to the same again. */
#include "observe/cf_trace.h"

#include <assert.h>

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_trace_t t, again;
  char       text[CF_TRACE_TEXT_SZ + 1];
  if (cf_trace_parse(&t, CF_SPAN(data, size))) return 0;
  cf_trace_text(text, &t);
  assert(strlen(text) == CF_TRACE_TEXT_SZ && size >= CF_TRACE_TEXT_SZ);
  assert(!memcmp(text + 2, data + 2, CF_TRACE_TEXT_SZ - 4));
  cf_status_t st = cf_trace_parse(&again, CF_SPAN(text, CF_TRACE_TEXT_SZ));
  assert(!st && !memcmp(again.trace, t.trace, 16) && !memcmp(again.span, t.span, 8) && again.sampled == t.sampled);
  return 0;
}
