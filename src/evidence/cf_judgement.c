#include "evidence/cf_judgement.h"

#include "base/cf_utc.h"

cf_verdict_code_t cf_judge(cf_judgement_t *out, cf_evidence_ask_t const *ask, cf_appraisal_t const *policy) {
  *out = (cf_judgement_t){.policy = policy, .at_s = ask->at_s};
  out->authentic = !cf_evidence_examine(&out->claims, ask, &out->v);
  out->until_s = out->claims.said.valid_until_s;
  if (!out->authentic || !policy) return out->v.code;
  return cf_appraise_under(&out->until_s, &out->claims.said, policy, NULL, ask->at_s, ask->dates, &out->v);
}

static void report_time(cf_jw_t *j, char const *name, int64_t unix_s) {
  char text[CF_UTC_TEXT];
  if (!cf_utc_write(text, unix_s)) cf_jw_str(j, name, text); /* evidence that no date ends holds for ever */
}

void cf_judgement_report(cf_jw_t *j, cf_judgement_t const *judged) {
  cf_verdict_t const *v = &judged->v;
  cf_facts_t const   *f = &judged->claims.said;
  cf_jw_bool(j, "ok", !v->code);
  cf_jw_str(j, "result", v->code ? "reject" : "ok");
  if (v->code) {
    cf_jw_str(j, "reason", cf_verdict_name(v->code));
    cf_jw_str(j, "item", v->item);
    cf_jw_str(j, "found", v->text);
    if (v->date_s) report_time(j, "date", v->date_s);
    cf_jw_str(j, "next", v->next);
  } else report_time(j, "until", judged->until_s);
  if (judged->policy) {
    cf_jw_text(j, "policy", judged->policy->name);
    cf_jw_bool(j, "authentic", judged->authentic);
  }
  if (f->platform) cf_jw_str(j, "platform", cf_platform_name(f->platform));
  cf_evidence_report(j, f);
}
