/* A verifier's life: requests of any form, answers of the gateway and files of any content, in any order.  Nothing is answered
   twice, and without a quorum of witnesses nothing is granted. */
#include "council/cf_verifier.h"

#include "events.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  cf_verifier_step(core, fx, ev);
  for (size_t i = 0; i < fx->cnt; i++) assert(fx->at[i].kind != CF_FX_PUT || !cf_span_eq(fx->at[i].name, CF_SPAN_LIT("seen")));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static char const *const paths[] = {"POST /v1/nonce", "POST /v1/challenge", "POST /v1/activate", "POST /v1/attest", "GET /"};
  static bool              made;
  static cf_domain_t       domain;
  static cf_verifier_t     v;
  static cf_drbg_t         drbg;
  cf_hash_t                seed = {{1}};
  cf_p256_key_t           *key = cf_p256_key_from(secret);
  if (!made) domain_make(&domain, key);
  made = true;
  cf_drbg_init(&drbg, &seed);
  cf_verifier_config_t cfg = {.domain = &domain, .scalar = secret, .key = key, .entropy = cf_drbg_entropy(&drbg)};
  assert(cf_verifier_init(&v, &cfg, NULL) == CF_OK);
  fuzz_run(&v, step, paths, 5, 20, data, size);
  cf_p256_key_free(key);
  return 0;
}
