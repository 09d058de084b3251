#include "evidence/cf_judgement.h"

#include <assert.h>

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

#define NO_END ((int64_t)1 << 39) /* what no date ends; a result has 40 bits */

void cf_judgement_ear(cf_ear_t *out, cf_judgement_t const *judged, cf_span_t nonce) {
  uint8_t    encoded[CF_APPRAISAL_MAX];
  cf_wr_t    wr = cf_wr_init(encoded, sizeof encoded);
  cf_facts_t said = {.platform = judged->claims.said.platform, .evidence = judged->claims.said.evidence};
  assert(judged->policy);
  cf_hash_t policy = cf_appraisal_hash(&wr, judged->policy);
  int64_t   until_s = judged->v.code ? judged->at_s : judged->until_s < NO_END ? judged->until_s : NO_END;
  if (judged->authentic) said = judged->claims.said;
  cf_appraise_result(out, &said, judged->v.code, &policy, judged->at_s, until_s);
  if (judged->authentic && said.subject == CF_ROLE_QUOTE) out->tcb = (uint64_t)said.of.quote.status;
  if (judged->policy->any_program) out->vector[2] = 0; /* executables were not judged */
  out->nonce = nonce;
}
