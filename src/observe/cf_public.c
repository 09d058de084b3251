#include "observe/cf_public.h"

#include <assert.h>

static char const *const input_classes[CF_INPUT_CLASSES] = {
  "accepted", "malformed",       "too-large", "domain",      "epoch",          "suite", "jurisdiction",
  "session-unknown", "replayed", "unauthentic", "policy-changed", "busy",      "promised", "unavailable",
};

static char const *const modes[CF_PUBLIC_MODES] = {
  "normal",       "ledger-unavailable", "log-degraded", "attestation-stale", "registering",
  "lease-lapsed", "enclave-down",       "paused",       "maintenance",
};

static char const *const settlements[CF_PUBLIC_SETTLEMENTS] = { "authorised", "submitted", "included", "final", "abandoned" };

cf_public_text_t
cf_public_input_class(cf_input_class_t c) {
  assert((unsigned)c < CF_INPUT_CLASSES);
  return (cf_public_text_t){ input_classes[c] };
}

cf_public_text_t
cf_public_mode(unsigned mode) {
  assert(mode < CF_PUBLIC_MODES);
  return (cf_public_text_t){ modes[mode] };
}

cf_public_text_t
cf_public_settlement(unsigned state) {
  assert(state < CF_PUBLIC_SETTLEMENTS);
  return (cf_public_text_t){ settlements[state] };
}
