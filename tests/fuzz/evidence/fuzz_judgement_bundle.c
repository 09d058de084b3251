/* Input: a judgement bundle.  What is read is written back byte for byte; whatever does not hold is named; and with its digests
   made anew, so that its evidence is reached, it holds only if it says what is said now. */
#include <assert.h>

#include "evidence/cf_judgement_bundle.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static cf_span_t report(uint8_t *buf, size_t max, cf_judgement_t const *judged) {
  cf_wr_t wr = cf_wr_init(buf, max);
  cf_jw_t j = cf_jw_init(&wr);
  cf_jw_obj(&j, NULL);
  cf_judgement_report(&j, judged);
  cf_jw_end(&j, '}');
  return cf_wr_out(&wr);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static cf_judgement_bundle_t b;
  static cf_judgement_t        judged;
  static cf_appraisal_t        policy;
  static uint8_t               again[1 << 20], text[CF_JUDGEMENT_MAX];
  cf_error_t                   err = {0};
  cf_verdict_t                 v;
  cf_wr_t                      wr = cf_wr_init(again, sizeof again);
  if (size > sizeof again) return 0;
  if (cf_judgement_bundle_decode(&b, CF_SPAN(data, size), &err)) {
    assert(err.status && err.item[0] && err.text[0]);
    return 0;
  }
  cf_judgement_bundle_encode(&wr, &b);
  assert(cf_span_eq(cf_wr_out(&wr), CF_SPAN(data, size)));
  cf_verdict_code_t code = cf_judgement_bundle_check(&judged, &policy, NULL, &b, NULL, &v);
  assert(code == v.code && (!code || (v.item[0] && v.text[0] && v.next)));
  cf_judgement_bundle_prove(&b, b.proof); /* digests anew */
  code = cf_judgement_bundle_check(&judged, &policy, NULL, &b, NULL, &v);
  if (!code) assert(cf_span_eq(report(text, sizeof text, &judged), b.result));
  else if (code == CF_VERDICT_BINDING) assert(!cf_span_eq(report(text, sizeof text, &judged), b.result));
  return 0;
}
