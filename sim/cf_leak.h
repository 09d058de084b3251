/* The leak test of a host's view: two runs with one seed and clock, over inputs of one shape and different secrets, must look the same.
   What is written down of a run is what a host, a network and readers of metrics and logs see: who does what when, names, sizes, log lines,
   error texts, metrics and status, and the sizes and classes of all that crosses the enclave's boundary.  Declared to differ, and masked:
   signatures, ciphertexts and hashes, wherever they stand as text (runs of 20 characters and more of base64 or hex); in bodies of other
   types only sizes are compared. */
#ifndef CF_SIM_LEAK_H
#define CF_SIM_LEAK_H

#include "cf_machine.h"

/* One line of an effect, or of a crossing, into to. */
void cf_leak_effect(FILE *to, cf_world_t const *w, unsigned node, cf_effect_t const *e);
void cf_leak_crossing(FILE *to, cf_world_t const *w, cf_span_t request, cf_span_t answer);
/* cf_leak_differ writes the first lines that differ; false when none do. */
bool cf_leak_differ(char *out, size_t max, char const *one, char const *other);

#endif
