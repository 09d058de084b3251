#include "session/cf_suite.h"

#include <assert.h>

static cf_suite_t const suites[] = {
    {1, "X25519 AES-GCM", 41, 3, CF_AEAD_AES128GCM, CF_AEAD_AES256GCM},
    {2, "X25519 ChaCha20-Poly1305", 42, 24, CF_AEAD_CHACHA20POLY1305, CF_AEAD_CHACHA20POLY1305},
};

cf_suite_t const *cf_suite(uint64_t number) {
  for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
    if (suites[i].number == number) return &suites[i];
  return NULL;
}

cf_ciphers_t cf_ciphers_new(cf_suite_t const *suite) {
  assert(suite);
  return (cf_ciphers_t){suite, cf_aead_new(suite->hpke_aead), cf_aead_new(suite->session_aead)};
}

void cf_ciphers_free(cf_ciphers_t *c) {
  cf_aead_free(c->hpke);
  cf_aead_free(c->session);
  *c = (cf_ciphers_t){0};
}
