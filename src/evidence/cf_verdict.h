/* Verdicts: what is said about evidence.  A status says how a function ended; a verdict says whether some evidence is
   believed, and if not, which item is at fault, since or until when, and what to do next.  DESIGN 4. */
#ifndef CF_EVIDENCE_VERDICT_H
#define CF_EVIDENCE_VERDICT_H

#include <stdint.h>

#include "base/cf_error.h"

/* Two causes never share a code.  The numbers stand in attestation results (docs/protocol/evidence.md). */
typedef enum {
  CF_VERDICT_OK = 0,
  CF_VERDICT_MALFORMED,          /* not an instance of the format                             */
  CF_VERDICT_UNSUPPORTED,        /* well formed, in a version or algorithm we do not speak    */
  CF_VERDICT_SIGNATURE,          /* a signature over the evidence does not verify             */
  CF_VERDICT_CHAIN,              /* a certificate chain does not lead to a root; which link   */
  CF_VERDICT_NOT_YET_VALID,      /* judged before its time                                    */
  CF_VERDICT_EXPIRED,            /* judged after its time                                     */
  CF_VERDICT_REVOKED,            /* a link of the chain is on its issuer's list               */
  CF_VERDICT_COLLATERAL_MISSING, /* a check could not be run                                  */
  CF_VERDICT_COLLATERAL_STALE,   /* collateral is older than policy allows                    */
  CF_VERDICT_TCB,                /* the platform is below the level asked for                 */
  CF_VERDICT_DEBUG,              /* the enclave can be looked into                            */
  CF_VERDICT_TEST_ROOT,          /* the root of trust belongs to whoever runs the machine     */
  CF_VERDICT_MEASUREMENT,        /* authentic, and not a program that policy names            */
  CF_VERDICT_NONCE,              /* the verifier's own nonce is not in the list               */
  CF_VERDICT_BINDING,            /* the evidence speaks for something else than the keys shown */
  CF_VERDICT_PCR,                /* PCR selection or value                                    */
  CF_VERDICT_EVENT_LOG,          /* the event log does not lead to the PCRs quoted            */
  CF_VERDICT_JURISDICTION,       /* authentic, from a place that policy does not name         */
  CF_VERDICT_POLICY,             /* authentic, and policy says no for another reason          */
} cf_verdict_code_t;

#define CF_VERDICT_CNT 20

/* cf_verdict_t: item and text are NUL-terminated; date_s is Unix time, 0 where no date matters; next is a static sentence. */
typedef struct {
  cf_verdict_code_t code;
  int64_t           date_s;
  char              item[64]; /* "chain[1]", "tpm.pcr12", ... */
  char              text[192];
  char const       *next;
} cf_verdict_t;

/* cf_verdict_name returns the word for code ("not-yet-valid"), cf_verdict_next what to do about it; both static. */
char const *cf_verdict_name(cf_verdict_code_t code);
char const *cf_verdict_next(cf_verdict_code_t code);

/* cf_verdict_status maps a verdict to the status of a function that acts on it. */
cf_status_t cf_verdict_status(cf_verdict_code_t code);

/* cf_verdict_set fills *v and returns code, so that a refusal is one line.  The first refusal wins. */
cf_verdict_code_t cf_verdict_set(cf_verdict_t *v, cf_verdict_code_t code, char const *item, int64_t date_s, char const *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* cf_verdict_error turns what a decoder said into a verdict on that item. */
cf_verdict_code_t cf_verdict_error(cf_verdict_t *v, cf_error_t const *err);

#endif
