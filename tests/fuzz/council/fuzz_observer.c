/* An observer's life: requests, blocks, notes and files of any content, in any order.  Nothing is answered twice, and nothing is
   signed for a log that has no deployment. */
#include "council/cf_observer.h"

#include "events.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  cf_observer_t *o = core;
  cf_observer_step(o, fx, ev);
  for (size_t i = 0; i < fx->cnt; i++)
    if (fx->at[i].kind == CF_FX_PUT && cf_span_eq(fx->at[i].name, CF_SPAN_LIT("signed")))
      assert(o->embedded.chain.started && !o->broken && cf_hash_eq(&o->code, &o->follow.now.deployment) &&
             o->last.number == o->embedded.chain.head.number);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static char const *const paths[] = {"POST /v1/finality", "GET /"};
  static bool              made;
  static cf_domain_t       domain;
  static cf_observer_t     o;
  if (!made) {
    cf_p256_key_t *key = cf_p256_key_from(secret);
    domain_make(&domain, key);
    cf_p256_key_free(key);
    made = true;
  }
  cf_observer_config_t cfg = {.domain = &domain, .ledger = 1, .scalar = secret};
  assert(cf_observer_init(&o, &cfg, NULL) == CF_OK);
  fuzz_run(&o, step, paths, 2, 5, data, size);
  cf_observer_fini(&o);
  return 0;
}
