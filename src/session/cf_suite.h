/* The cipher suites that this build speaks (PROTOCOL P3), as rows. */
#ifndef CF_SESSION_SUITE_H
#define CF_SESSION_SUITE_H

#include "crypto/cf_aead.h"

typedef struct {
  uint64_t      number; /* 1, 2 */
  char const   *name;
  int64_t       hpke_alg;    /* COSE: 41, 42 */
  int64_t       session_alg; /* COSE: 3, 24 */
  cf_aead_alg_t hpke_aead;
  cf_aead_alg_t session_aead;
} cf_suite_t;

/* NULL for a suite that we do not speak (3 needs another KEM). */
cf_suite_t const *cf_suite(uint64_t number);

/* The two cipher contexts of one suite, made once and passed to everything that seals and opens. */
typedef struct {
  cf_suite_t const *suite;
  cf_aead_t        *hpke;
  cf_aead_t        *session;
} cf_ciphers_t;

/* Allocates the contexts; suite comes from cf_suite. */
cf_ciphers_t cf_ciphers_new(cf_suite_t const *suite);
void         cf_ciphers_free(cf_ciphers_t *c);

#endif
