/* Problem documents (RFC 9457) as a council's members answer them.  Internal to council/. */
#ifndef CF_COUNCIL_PROBLEM_H
#define CF_COUNCIL_PROBLEM_H

#include "base/cf_effect.h"

#define CF_OCTETS "application/octet-stream"

/* cf_problem replies code with {"type": "urn:counterfoil:<class>", "title", "status", "detail", "item"}; detail and item may be
   NULL. A 503 asks to come back after a second. */
void cf_problem(cf_effects_t *fx, uint64_t request, unsigned code, char const *class, char const *title, char const *detail,
                char const *item);

#endif
