/* The two clocks of the platform, read once per event by the drivers. */
#ifndef CF_IO_CLOCK_H
#define CF_IO_CLOCK_H

#include "base/cf_effect.h"

/* cf_clock_now reads both clocks.  mono_ms counts from an arbitrary start and
   never falls; wall_ms is Unix time as the platform has it. */
cf_now_t cf_clock_now(void);
uint64_t cf_clock_mono_ms(void);
/* cf_clock_coarse_ms is cf_clock_mono_ms as of the last timer interrupt: up to
   10 ms behind, never ahead, at a fifth of the price.  For deadlines. */
uint64_t cf_clock_coarse_ms(void);

#endif
