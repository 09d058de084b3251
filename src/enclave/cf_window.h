/* A window over numbers that may be used once each: the highest used, and which
   of the 128 below it (PROTOCOL P5).  For order numbers and session counters. */
#ifndef CF_ENCLAVE_WINDOW_H
#define CF_ENCLAVE_WINDOW_H

#include <stdint.h>

#define CF_WINDOW_BITS 128
#define CF_WINDOW_JUMP ((uint64_t)1 << 32)

/* All zero is a fresh window: numbers start at 1. */
typedef struct {
  uint64_t highest;
  uint64_t below[2]; /* bit i of the pair: highest - 1 - i was used */
} cf_window_t;

typedef enum {
  CF_WINDOW_FRESH,
  CF_WINDOW_USED,    /* used before                                     */
  CF_WINDOW_TOO_OLD, /* more than 128 below the highest, or 0           */
  CF_WINDOW_TOO_FAR, /* more than 2^32 above the highest: not used up, because one number near 2^64 would end the account */
} cf_window_verdict_t;

/* cf_window_use uses n up, if it is fresh. */
cf_window_verdict_t cf_window_use(cf_window_t *w, uint64_t n);

#endif
