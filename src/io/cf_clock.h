/* The two clocks of the platform, read once per event by the drivers. */
#ifndef CF_IO_CLOCK_H
#define CF_IO_CLOCK_H

#include "base/cf_effect.h"

/* cf_clock_now reads both clocks.  mono_ms counts from an arbitrary start and
   never falls; wall_ms is Unix time as the platform has it. */
cf_now_t cf_clock_now(void);
uint64_t cf_clock_mono_ms(void);

#endif
