/* counterfoil/bundle.h - judgements, kept: evidence, the exact collateral, roots, policy and what was said, in one file that is judged
   again offline, years later, to the same words.  Ownership, threads and memory are as in evidence.h.
   Source: docs/protocol/judgement-bundle.md. */
#ifndef COUNTERFOIL_BUNDLE_H
#define COUNTERFOIL_BUNDLE_H

#include <counterfoil/evidence.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COUNTERFOIL_BUNDLE_MAX 8388608 /* bytes */

/* counterfoil_bundle_make judges as counterfoil_verify does, and writes the bundle to out, which has room for out_max bytes; *out_sz
   receives its size.  The verdict may be any, and is returned; a bundle was written exactly when *out_sz is not 0: not for
   COUNTERFOIL_MISUSE (which also says that a bundle does not hold so much, or out is too small). */
COUNTERFOIL_MUST_CHECK COUNTERFOIL_API counterfoil_code_t counterfoil_bundle_make(counterfoil_t *c, void *out, size_t out_max,
                                                                                 size_t *out_sz, counterfoil_ask_t const *ask);

/* counterfoil_bundle_check judges a bundle again, as of its own time.  COUNTERFOIL_OK only if every part is the one that it was made of,
   what was said is said again to the byte, it was OK, and policy (empty: none of the reader's own) accepts it, too.

   *holds (may be NULL) tells apart: true, the bundle is what it was, and the verdict is that of its evidence; false, it is not, and
   the verdict names the part ("bundle.tcb_info").  The roots in a bundle are whoever's who made it: a policy that names them is what
   makes them count.  Does not look at a log's proof, but for its digest.

   The report is of the evidence, and says what the bundle's own policy said; the verdict is that of the call. */
COUNTERFOIL_MUST_CHECK COUNTERFOIL_API counterfoil_code_t counterfoil_bundle_check(counterfoil_t *c, bool *holds,
                                                                                  counterfoil_bytes_t bundle,
                                                                                  counterfoil_bytes_t policy);

/* counterfoil_bundle_at is the time as of which the bundle of the last call was judged, counterfoil_bundle_record what stands for it in a
   log; false when that call was neither counterfoil_bundle_make nor _check, or there was no bundle. */
COUNTERFOIL_API bool counterfoil_bundle_at(counterfoil_t const *c, int64_t *at_s);
COUNTERFOIL_API bool counterfoil_bundle_record(counterfoil_t const *c, uint8_t out[32]);

#ifdef __cplusplus
}
#endif

#endif
