/* Inside evidence only: what the files of the quote's checks share. */
#ifndef CF_EVIDENCE_QUOTE_CHECK_H
#define CF_EVIDENCE_QUOTE_CHECK_H

#include "evidence/cf_platforms.h"

/* cf_quote_anchors reads the asker's roots: as many anchors as there are roots. */
cf_verdict_code_t cf_quote_anchors(cf_intel_anchor_t out[CF_ROOTS_MAX], cf_root_t const *roots, size_t root_cnt, cf_verdict_t *v);

/* cf_quote_collateral_check runs the collateral's own rows for the platform of q. */
cf_verdict_code_t cf_quote_collateral_check(cf_quote_collateral_t *out, cf_evidence_parts_t const *parts,
                                            cf_evidence_ask_t const *ask, cf_quote_t const *q, cf_verdict_t *v);
bool              cf_quote_collateral_row(char const **name, char const **what, size_t k);
/* cf_quote_collateral_fits asks whether what was kept is this platform's, and still holds. */
cf_verdict_code_t cf_quote_collateral_fits(cf_quote_collateral_t const *c, cf_quote_t const *q, cf_span_t pck_chain,
                                           cf_evidence_ask_t const *ask, cf_verdict_t *v);

bool cf_quote_register(char name[CF_REGISTER_NAME_MAX], cf_span_t *value, cf_facts_t const *f, size_t k, bool td);
void cf_quote_report(cf_jw_t *j, cf_facts_t const *f);

#endif
