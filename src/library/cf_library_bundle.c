/* Judgements, kept: include/counterfoil/bundle.h. */
#include <counterfoil/bundle.h>

#include "library/cf_library.h"

_Static_assert(COUNTERFOIL_BUNDLE_MAX == CF_JUDGEMENT_BUNDLE_MAX, "another bound than the header says");

static void note_bundle(counterfoil_t *c) {
  c->has_bundle = true;
  c->bundle_at_s = (int64_t)c->bundle.asked.at;
  c->record = cf_judgement_bundle_record(&c->bundle);
}

counterfoil_code_t counterfoil_bundle_make(counterfoil_t *c, void *out, size_t out_max, size_t *out_sz, counterfoil_ask_t const *ask) {
  cf_appraisal_t const *policy;
  cf_wr_t               wr = cf_wr_init(out, out_max < CF_JUDGEMENT_BUNDLE_MAX ? out_max : CF_JUDGEMENT_BUNDLE_MAX);
  cf_wr_t               room = cf_wr_init(c->text, sizeof c->text); /* what was said, and the policy */
  *out_sz = 0;
  cf_library_begin(c);
  if (cf_library_ask(c, &policy, ask)) return COUNTERFOIL_MISUSE;
  cf_status_t st = cf_judgement_bundle_make(&c->bundle, &c->judged, &room, &c->ask, policy, &c->err);
  if (st) return cf_library_misuse(c, st, "bundle", "not to be kept");
  cf_judgement_bundle_encode(&wr, &c->bundle);
  if (wr.bad) return cf_library_misuse(c, CF_ERR_BOUND, "bundle", "more than there is room for");
  *out_sz = wr.len;
  note_bundle(c);
  return cf_library_said(c);
}

static counterfoil_code_t refuse(counterfoil_t *c, cf_verdict_t const *v) {
  c->v = *v;
  cf_library_verdict(&c->verdict, &c->v, &c->judged);
  return c->verdict.code;
}

counterfoil_code_t counterfoil_bundle_check(counterfoil_t *c, bool *holds, counterfoil_bytes_t bundle, counterfoil_bytes_t policy) {
  cf_wr_t      room = cf_wr_init(c->room, CF_APPRAISAL_MAX);
  cf_verdict_t v = {0};
  int64_t      until_s;
  bool         kept = false;
  if (!holds) holds = &kept;
  *holds = false;
  cf_library_begin(c);
  c->judged = (cf_judgement_t){0};
  if (policy.len && cf_library_policy(c, &c->own, &room, policy)) return COUNTERFOIL_MISUSE;
  if (bundle.len > COUNTERFOIL_BUNDLE_MAX) return cf_library_misuse(c, CF_ERR_BOUND, "bundle", "larger than a bundle is");
  if (cf_judgement_bundle_decode(&c->bundle, CF_SPAN(bundle.ptr, bundle.len), &c->err)) return (void)cf_verdict_error(&v, &c->err), refuse(c, &v);
  if (cf_judgement_bundle_check(&c->judged, &c->policy, NULL, &c->bundle, NULL, &v)) return c->judged.authentic = false, refuse(c, &v);
  *holds = true;
  note_bundle(c);
  counterfoil_code_t code = cf_library_said(c);
  if (code || !policy.len) return code;
  if (cf_appraise_under(&until_s, &c->judged.claims.said, &c->own, NULL, c->judged.at_s, NULL, &v)) return refuse(c, &v);
  if (until_s < c->verdict.until_s) c->verdict.until_s = until_s;
  return COUNTERFOIL_OK;
}

bool counterfoil_bundle_at(counterfoil_t const *c, int64_t *at_s) {
  if (c->has_bundle) *at_s = c->bundle_at_s;
  return c->has_bundle;
}

bool counterfoil_bundle_record(counterfoil_t const *c, uint8_t out[32]) {
  if (c->has_bundle) memcpy(out, c->record.b, 32);
  return c->has_bundle;
}
