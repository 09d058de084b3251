/* counterfoil/policy.h - appraisal policies: one document that says which evidence of any platform is accepted.

   A person writes JSON, what is judged and hashed is its encoding; ask.policy takes either, or the word "default": the strict policy of
   production, which names no program, so that whoever relies on one adds it.  Ownership, threads and memory are as in evidence.h.
   Source: docs/protocol/evidence.md, "Appraisal policy". */
#ifndef COUNTERFOIL_POLICY_H
#define COUNTERFOIL_POLICY_H

#include <counterfoil/evidence.h>

#ifdef __cplusplus
extern "C" {
#endif

/* counterfoil_policy_check says whether policy can be judged by: COUNTERFOIL_OK, or COUNTERFOIL_MISUSE, and counterfoil_verdict says which
   member makes no sense.  At most COUNTERFOIL_POLICY_MAX bytes. */
COUNTERFOIL_MUST_CHECK COUNTERFOIL_API counterfoil_code_t counterfoil_policy_check(counterfoil_t *c, counterfoil_bytes_t policy);

/* counterfoil_policy_json is the policy as JSON, every member that it has in the documented order; NULL: it cannot be judged by.
   counterfoil_policy_hash is its document hash, by which results and bundles name it. */
COUNTERFOIL_API char const *counterfoil_policy_json(counterfoil_t *c, counterfoil_bytes_t policy);
COUNTERFOIL_MUST_CHECK COUNTERFOIL_API counterfoil_code_t counterfoil_policy_hash(counterfoil_t *c, uint8_t out[32],
                                                                                 counterfoil_bytes_t policy);

#ifdef __cplusplus
}
#endif

#endif
