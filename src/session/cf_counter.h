/* A window over session counters, each of which is used at most once: the highest
   used, and which of the 128 below it (PROTOCOL P5). */
#ifndef CF_SESSION_COUNTER_H
#define CF_SESSION_COUNTER_H

#include <stdint.h>

#define CF_COUNTER_BITS 128
#define CF_COUNTER_JUMP ((uint64_t)1 << 32)

/* All zero is a fresh window: counters start at 1. */
typedef struct {
  uint64_t highest;
  uint64_t below[2]; /* bit i of the pair: highest - 1 - i was used */
} cf_counter_t;

typedef enum {
  CF_COUNTER_FRESH,
  CF_COUNTER_USED,    /* used before                           */
  CF_COUNTER_TOO_OLD, /* more than 128 below the highest, or 0 */
  CF_COUNTER_TOO_FAR, /* more than 2^32 above the highest      */
} cf_counter_verdict_t;

/* cf_counter_look says what cf_counter_use would, and changes nothing. */
cf_counter_verdict_t cf_counter_look(cf_counter_t const *w, uint64_t n);
/* cf_counter_use uses n up, if it is fresh. */
cf_counter_verdict_t cf_counter_use(cf_counter_t *w, uint64_t n);

#endif
