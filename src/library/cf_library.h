/* What a counterfoil_t is (include/counterfoil/evidence.h).  Internal to library/. */
#ifndef CF_LIBRARY_LIBRARY_H
#define CF_LIBRARY_LIBRARY_H

#include <counterfoil/evidence.h>

#include "evidence/cf_items.h"
#include "evidence/cf_judgement_bundle.h"
#include "evidence/cf_lookahead.h"

#define CF_LIBRARY_TEXT_MAX (4 * CF_JUDGEMENT_MAX)

struct counterfoil {
  /* of one call */
  cf_items_t            given;
  cf_evidence_ask_t     ask;
  cf_appraisal_t        policy, own;
  cf_judgement_t        judged;
  cf_judgement_bundle_t bundle;
  uint8_t               room[CF_JUDGEMENT_MAX + CF_APPRAISAL_MAX];
  /* what is handed out */
  cf_verdict_t          v, then_v;
  cf_error_t            err;
  counterfoil_verdict_t verdict, then;
  cf_expiry_t           expiry;
  counterfoil_date_t    dates[CF_DATES_MAX];
  size_t                date_cnt;
  bool                  has_bundle;
  int64_t               bundle_at_s;
  cf_hash_t             record;
  char                  report[CF_JUDGEMENT_MAX + 1];
  char                  text[CF_LIBRARY_TEXT_MAX + 1];
};
_Static_assert(sizeof(struct counterfoil) <= COUNTERFOIL_MEMORY, "more than the header says");
_Static_assert(COUNTERFOIL_ITEMS_MAX == CF_ITEMS_MAX && COUNTERFOIL_ROOTS_MAX == CF_ROOTS_MAX, "another bound than the header says");
_Static_assert(COUNTERFOIL_ITEM_MAX == CF_JUDGEMENT_ITEM_MAX, "what is judged can be kept");
_Static_assert((int)COUNTERFOIL_POLICY == (int)CF_VERDICT_POLICY && CF_VERDICT_CNT == COUNTERFOIL_POLICY + 1, "the codes are the same");

/* cf_library_begin forgets the call before; cf_library_misuse ends one that makes no sense. */
void               cf_library_begin(counterfoil_t *c);
counterfoil_code_t cf_library_misuse(counterfoil_t *c, cf_status_t st, char const *item, char const *why);
/* cf_library_ask reads what is asked into c->ask; *policy is NULL where none is.  OK, or MISUSE, which was said. */
counterfoil_code_t cf_library_ask(counterfoil_t *c, cf_appraisal_t const **policy, counterfoil_ask_t const *ask);
/* cf_library_policy reads a policy; room keeps what it borrows. */
counterfoil_code_t cf_library_policy(counterfoil_t *c, cf_appraisal_t *out, cf_wr_t *room, counterfoil_bytes_t in);
/* cf_library_said takes c->judged for what is handed out, and returns its verdict's code. */
counterfoil_code_t cf_library_said(counterfoil_t *c);
/* cf_library_verdict says v; *out borrows it. */
void cf_library_verdict(counterfoil_verdict_t *out, cf_verdict_t const *v, cf_judgement_t const *judged);

#endif
