#include "evidence/cf_lookahead.h"

#include <stdio.h>

#include "base/cf_utc.h"

cf_verdict_code_t cf_expiry(cf_expiry_t *out, cf_judgement_t *judged, cf_evidence_ask_t const *ask,
                            cf_appraisal_t const *policy) {
  cf_evidence_ask_t noted = *ask;
  cf_judgement_t    then;
  *out = (cf_expiry_t){.ends = false};
  noted.dates = &out->dates;
  cf_verdict_code_t code = cf_judge(judged, &noted, policy);
  cf_dates_sort(&out->dates);
  if (code || !out->dates.cnt || out->dates.at[0].to_s == INT64_MAX) return code;
  noted = *ask;
  noted.at_s = out->then_s = out->dates.at[0].to_s + 1;
  out->ends = cf_judge(&then, &noted, policy) != CF_VERDICT_OK;
  out->then = then.v;
  return code;
}

void cf_expiry_report(cf_jw_t *j, cf_expiry_t const *e) {
  char text[CF_UTC_TEXT];
  cf_jw_arr(j, "expiry");
  for (size_t i = 0; i < e->dates.cnt; i++) {
    cf_jw_obj(j, NULL);
    cf_jw_str(j, "item", e->dates.at[i].item);
    if (!cf_utc_write(text, e->dates.at[i].to_s)) cf_jw_str(j, "until", text);
    cf_jw_end(j, '}');
  }
  cf_jw_end(j, ']');
  if (!e->ends) return;
  cf_jw_obj(j, "then");
  if (!cf_utc_write(text, e->then_s)) cf_jw_str(j, "at", text);
  cf_jw_str(j, "reason", cf_verdict_name(e->then.code));
  cf_jw_str(j, "item", e->then.item);
  cf_jw_str(j, "found", e->then.text);
  cf_jw_end(j, '}');
}

/* ---- changes ---- */

#define MEMBER_MAX 128

static cf_json_t const absent = {.type = CF_JSON_NULL, .text = {(uint8_t const *)"null", 4}};

static cf_json_t member(cf_json_t obj, cf_span_t key) {
  cf_span_t at;
  cf_json_t v;
  for (size_t pos = 0; obj.type == CF_JSON_OBJECT && cf_json_each(obj, &pos, &at, &v);)
    if (cf_span_eq(at, key)) return v;
  return (cf_json_t){.type = CF_JSON_BAD};
}

static void write_change(cf_jw_t *j, char const *name, cf_json_t was, cf_json_t is) {
  cf_jw_obj(j, NULL);
  cf_jw_str(j, "member", name);
  cf_jw_raw(j, "was", was.type == CF_JSON_BAD ? absent.text : was.text);
  cf_jw_raw(j, "is", is.type == CF_JSON_BAD ? absent.text : is.text);
  cf_jw_end(j, '}');
}

/* The members of was, and then those that only is has; our own reports, which are not deep. */
static size_t compare(cf_jw_t *j, char const *prefix, cf_json_t was, cf_json_t is) {
  cf_span_t key;
  cf_json_t v;
  size_t    cnt = 0;
  char      name[MEMBER_MAX];
  for (int second = 0; second < 2; second++)
    for (size_t pos = 0; cf_json_each(second ? is : was, &pos, &key, &v);) {
      cf_json_t other = member(second ? was : is, key);
      if (second && other.type != CF_JSON_BAD) continue;
      snprintf(name, sizeof name, "%s%s%.*s", prefix, *prefix ? "." : "", (int)key.len, (char const *)key.ptr);
      if (v.type == CF_JSON_OBJECT && other.type == CF_JSON_OBJECT) cnt += compare(j, name, v, other);
      else if (!cf_span_eq(v.text, other.type == CF_JSON_BAD ? absent.text : other.text)) {
        write_change(j, name, second ? other : v, second ? v : other);
        cnt++;
      }
    }
  return cnt;
}

size_t cf_judgement_changes(cf_jw_t *j, char const *key, cf_json_t was, cf_json_t is) {
  cf_jw_arr(j, key);
  size_t cnt = compare(j, "", was, is);
  cf_jw_end(j, ']');
  return cnt;
}
