/* Look-ahead: what ends when, and what would be said then; and what another T or other collateral changes. */
#ifndef CF_EVIDENCE_LOOKAHEAD_H
#define CF_EVIDENCE_LOOKAHEAD_H

#include "evidence/cf_judgement.h"

typedef struct {
  cf_dates_t   dates;  /* what ends first first */
  bool         ends;   /* it is ok, and something ends */
  cf_verdict_t then;   /* of ends: what is said the second after that */
  int64_t      then_s; /* that second */
} cf_expiry_t;

/* cf_expiry judges as cf_judge does, notes what every date ends, and judges again at the first end.  *judged is the judgement at
   ask's T. The result's own end under policy is no date of the evidence: who judges again gets another. */
cf_verdict_code_t cf_expiry(cf_expiry_t *out, cf_judgement_t *judged, cf_evidence_ask_t const *ask, cf_appraisal_t const *policy);

/* cf_expiry_report writes the members expiry: [{item, until}], and then: {at, reason, item, found}. */
void cf_expiry_report(cf_jw_t *j, cf_expiry_t const *e);

/* cf_judgement_changes writes the array of members in which two reports differ, [{member, was, is}]: members of objects behind
   their name and a dot, null where one has none.  Returns how many; both texts are whole JSON objects. */
size_t cf_judgement_changes(cf_jw_t *j, char const *key, cf_json_t was, cf_json_t is);

#endif
