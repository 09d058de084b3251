#include "enclave/cf_window.h"

/* The highest moves up by n > 0; the bits below move with it. */
static void
shift(cf_window_t *w, uint64_t n) {
  uint64_t lo = w->below[0], hi = w->below[1];
  if (n >= 128) {
    lo = hi = 0;
  } else if (n >= 64) {
    hi = lo << (n - 64);
    lo = 0;
  } else {
    hi = hi << n | lo >> (64 - n);
    lo <<= n;
  }
  /* the old highest is n below the new one */
  if (n <= 64) lo |= (uint64_t)1 << (n - 1);
  else if (n <= 128) hi |= (uint64_t)1 << (n - 65);
  w->below[0] = lo;
  w->below[1] = hi;
  w->highest += n;
}

cf_window_verdict_t
cf_window_use(cf_window_t *w, uint64_t n) {
  if (n > w->highest) {
    if (n - w->highest > CF_WINDOW_JUMP) return CF_WINDOW_TOO_FAR;
    shift(w, n - w->highest);
    return CF_WINDOW_FRESH;
  }
  uint64_t down = w->highest - n;
  if (n == 0 || down > CF_WINDOW_BITS) return CF_WINDOW_TOO_OLD;
  if (down == 0) return CF_WINDOW_USED;
  uint64_t *word = &w->below[(down - 1) / 64], bit = (uint64_t)1 << (down - 1) % 64;
  if (*word & bit) return CF_WINDOW_USED;
  *word |= bit;
  return CF_WINDOW_FRESH;
}
