/* Looking ahead: include/counterfoil/evidence.h. */
#include "library/cf_library.h"

counterfoil_code_t counterfoil_expiry(counterfoil_t *c, counterfoil_ask_t const *ask) {
  cf_appraisal_t const *policy;
  cf_library_begin(c);
  if (cf_library_ask(c, &policy, ask)) return COUNTERFOIL_MISUSE;
  (void)cf_expiry(&c->expiry, &c->judged, &c->ask, policy);
  for (c->date_cnt = 0; c->date_cnt < c->expiry.dates.cnt; c->date_cnt++) {
    cf_date_t const *at = &c->expiry.dates.at[c->date_cnt];
    c->dates[c->date_cnt] = (counterfoil_date_t){at->item, at->from_s, at->to_s};
  }
  counterfoil_code_t code = cf_library_said(c);
  c->then_v = c->expiry.then;
  cf_library_verdict(&c->then, &c->then_v, &c->judged);
  return code;
}

counterfoil_date_t const *counterfoil_date(counterfoil_t const *c, size_t i) { return i < c->date_cnt ? &c->dates[i] : NULL; }

counterfoil_verdict_t const *counterfoil_then(counterfoil_t const *c, int64_t *then_s) {
  if (!c->expiry.ends) return NULL;
  *then_s = c->expiry.then_s;
  return &c->then;
}

char const *counterfoil_changes(counterfoil_t *c, char const *was, size_t *cnt) {
  cf_json_t before, after;
  cf_wr_t   wr = cf_wr_init(c->text, CF_LIBRARY_TEXT_MAX);
  cf_jw_t   j = cf_jw_init(&wr);
  if (!was || strlen(was) > CF_JUDGEMENT_MAX || cf_json_parse(&before, CF_SPAN(was, strlen(was)), NULL) || before.type != CF_JSON_OBJECT ||
      cf_json_parse(&after, CF_SPAN(c->report, strlen(c->report)), NULL))
    return NULL;
  size_t n = cf_judgement_changes(&j, NULL, before, after);
  if (wr.bad) return NULL;
  c->text[wr.len] = 0;
  if (cnt) *cnt = n;
  return c->text;
}
