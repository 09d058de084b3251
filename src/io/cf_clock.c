#include "io/cf_clock.h"

#include <time.h>

static uint64_t
read_ms(clockid_t clock) {
  struct timespec ts = { 0 };
  clock_gettime(clock, &ts);
  return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t cf_clock_mono_ms(void) { return read_ms(CLOCK_MONOTONIC); }
uint64_t cf_clock_coarse_ms(void) { return read_ms(CLOCK_MONOTONIC_COARSE); }
cf_now_t cf_clock_now(void) { return (cf_now_t){ .mono_ms = cf_clock_mono_ms(), .wall_ms = read_ms(CLOCK_REALTIME) }; }
