#include "session/cf_counter.h"

/* The highest moves up by n > 0; the bits below move with it. */
static void raise(cf_counter_t *w, uint64_t n) {
  uint64_t lo = w->below[0], hi = w->below[1];
  if (n < 64) {
    hi = hi << n | lo >> (64 - n);
    lo <<= n;
  } else {
    hi = n < 128 ? lo << (n - 64) : 0;
    lo = 0;
  }
  uint64_t old = w->highest != 0; /* it is n below the new one; 0 is no counter */
  if (n <= 64) lo |= old << (n - 1);
  else if (n <= 128) hi |= old << (n - 65);
  *w = (cf_counter_t){.highest = w->highest + n, .below = {lo, hi}};
}

cf_counter_verdict_t cf_counter_look(cf_counter_t const *w, uint64_t n) {
  if (n > w->highest) return n - w->highest > CF_COUNTER_JUMP ? CF_COUNTER_TOO_FAR : CF_COUNTER_FRESH;
  uint64_t down = w->highest - n;
  if (n == 0 || down > CF_COUNTER_BITS) return CF_COUNTER_TOO_OLD;
  if (down == 0) return CF_COUNTER_USED;
  return w->below[(down - 1) / 64] >> (down - 1) % 64 & 1 ? CF_COUNTER_USED : CF_COUNTER_FRESH;
}

cf_counter_verdict_t cf_counter_use(cf_counter_t *w, uint64_t n) {
  cf_counter_verdict_t verdict = cf_counter_look(w, n);
  if (verdict != CF_COUNTER_FRESH) return verdict;
  if (n > w->highest) {
    raise(w, n - w->highest);
  } else {
    uint64_t down = w->highest - n;
    w->below[(down - 1) / 64] |= (uint64_t)1 << (down - 1) % 64;
  }
  return CF_COUNTER_FRESH;
}
