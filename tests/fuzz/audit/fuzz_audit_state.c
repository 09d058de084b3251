/* An auditor's state, its digest made anew: what opens knows a head, and by itself makes no audit hold. */
#include <assert.h>
#include <stdlib.h>

#include "audit/cf_since.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static cf_read_t nothing(void *ctx, char const *name, size_t max, cf_span_t *bytes) { return CF_READ_ABSENT; }

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  uint8_t          *b = malloc(size + 32);
  cf_hash_t         sum = cf_sha256(CF_SPAN(data, size));
  cf_since_t       *s;
  cf_audit_t       *a;
  cf_checkpoint_t   head;
  cf_audit_reader_t r = {NULL, nothing, NULL};
  if (size) memcpy(b, data, size);
  memcpy(b + size, sum.b, 32);
  if (!cf_since_open(&s, CF_SPAN(b, size + 32), NULL, NULL)) {
    assert(cf_since_knows(s, NULL, &head, NULL));
    assert(cf_audit_run(&a, &r, &(cf_audit_options_t){.since = s}) == CF_ERR_AUTH);
    assert(cf_audit_fork(a).len == 0);
    cf_audit_free(a);
    cf_since_free(s);
  }
  free(b);
  return 0;
}
