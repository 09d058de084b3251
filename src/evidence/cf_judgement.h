/* Evidence judged: by its platform's checks, and then by a policy, if there is one.  The one way from items to what is said of
   them, so that what is said today is said again, to the byte, whenever it is judged as of the same T. */
#ifndef CF_EVIDENCE_JUDGEMENT_H
#define CF_EVIDENCE_JUDGEMENT_H

#include "evidence/cf_evidence.h"

typedef struct {
  cf_claims_t           claims;    /* facts when authentic */
  bool                  authentic; /* and fresh and unrevoked at T */
  cf_appraisal_t const *policy;    /* NULL: none was asked */
  cf_verdict_t          v;         /* ok: authentic, and accepted where a policy was asked */
  int64_t               at_s;
  int64_t               until_s; /* of ok: until when it holds */
} cf_judgement_t;

/* cf_judge never fails: whatever is wrong is the verdict.  Spans borrow the items; policy must outlive *out. */
cf_verdict_code_t cf_judge(cf_judgement_t *out, cf_evidence_ask_t const *ask, cf_appraisal_t const *policy);

/* cf_judgement_report writes the members of `verify evidence --json` into an object that the caller began: ok, result, of a
   refusal reason, item, found, date and next, platform, what was found; of a policy policy and authentic; of ok until. */
#define CF_JUDGEMENT_MAX 65536
void cf_judgement_report(cf_jw_t *j, cf_judgement_t const *judged);

/* cf_judgement_ear fills the result (document/cf_ear.h) that says what a policy said, for whom it is about to be told: affirming exactly
   when it accepts.  Of evidence that is not authentic there is its hash and platform alone.  nonce is the asker's, of 8 to 64 bytes, or
   empty.  Spans borrow nonce, and static text.  judged->policy must be there. */
void cf_judgement_ear(cf_ear_t *out, cf_judgement_t const *judged, cf_span_t nonce);

#endif
