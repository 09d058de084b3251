/* Patience with what was submitted. */
#ifndef CF_CLI_WAIT_H
#define CF_CLI_WAIT_H

#include "cli/cf_submit.h"

typedef struct {
  char const *what; /* command, for what is said */
  char const *url;  /* the gateway's */
  uint64_t    until_ms;
  char const *missing; /* what the time ran out on; NULL: nothing */
} cf_wait_t;

/* cf_wait_log waits until results of an envelope are let out; cf_wait_final until the settlement that covers its receipt is final.  0 also when the
   time ran out, which missing says; otherwise an exit status after saying why. */
int cf_wait_log(cf_wait_t *w, cf_hash_t const *id);
int cf_wait_final(cf_wait_t *w, cf_submitted_t const *s, cf_hash_t const *id);

#endif
