/* Evidence bundles: one value, one encoding; whatever the bytes, the check ends in a verdict that names something, and is never
   fooled into believing (the seed is a bundle whose domain it does not ask for). */
#include <assert.h>

#include "party/cf_bundle.h"

static void check(cf_bundle_t const *b, uint64_t at_s) {
  static cf_attested_t out;
  cf_hash_t            domain = {{7}};
  cf_verdict_t         v;
  cf_bundle_ask_t      strict = {.domain = &domain, .at_s = at_s}, loose = {.at_s = at_s, .stale_ok = true};
  assert(cf_bundle_check(&out, b, &strict, &v) && *v.item && *v.text && v.next);
  cf_verdict_code_t code = cf_bundle_check(&out, b, &loose, &v);
  assert(code == v.code && (code || (out.head.size && out.target.suite)));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static cf_bundle_t b;
  static uint8_t     again[CF_EVIDENCE_BUNDLE_MAX];
  cf_error_t         err = {0};
  cf_status_t        st = cf_bundle_decode(&b, CF_SPAN(data, size), &err);
  if (st) {
    assert(err.status == st && err.offset <= size);
    return 0;
  }
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_bundle_encode(&wr, &b);
  assert(cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
  check(&b, 1700000000);
  check(&b, 0);
  return 0;
}
