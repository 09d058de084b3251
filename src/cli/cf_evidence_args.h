/* What the commands about attestation evidence share: which files stand for which items, and what is asked of them. */
#ifndef CF_CLI_EVIDENCE_ARGS_H
#define CF_CLI_EVIDENCE_ARGS_H

#include "cli/cf_cli.h"
#include "evidence/cf_items.h"

/* --with, --collateral, --at, --nonce, --bank and --no-crl, as an ask.  What it points to lives in here, or as long as the process. */
typedef struct {
  cf_evidence_ask_t ask;
  cf_items_t        given;
  /* A second --at, or a second file of an item of Intel's collateral: the same evidence is then to be judged under both. */
  bool               compares;
  cf_evidence_ask_t  later;
  cf_evidence_item_t later_items[CF_ITEMS_MAX];
} cf_evidence_args_t;

#define CF_EVIDENCE_OPTIONS "with= collateral= at= nonce= bank= no-crl"

/* cf_evidence_args reads them.  0, or an exit status after saying why. */
int cf_evidence_args(cf_evidence_args_t *out, cf_args_t const *a);
/* cf_evidence_given says whether an item of that role is there. */
bool cf_evidence_given(cf_evidence_ask_t const *ask, cf_role_t role);

/* cf_appraisal_arg reads --policy, a file or "default"; *given tells whether it was there.  0, or an exit status after saying
 * why. */
int cf_appraisal_arg(cf_appraisal_t *out, bool *given, cf_args_t const *a);

/* cf_verdict_found is what was found, with its date. */
char *cf_verdict_found(cf_verdict_t const *v);

#endif
