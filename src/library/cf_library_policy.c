/* Policies: include/counterfoil/policy.h. */
#include <counterfoil/policy.h>

#include "library/cf_library.h"

/* What a call about a policy alone says when it is one. */
static counterfoil_code_t read_policy(counterfoil_t *c, counterfoil_bytes_t in) {
  cf_wr_t room = cf_wr_init(c->room, CF_APPRAISAL_MAX);
  cf_library_begin(c);
  counterfoil_code_t code = cf_library_policy(c, &c->policy, &room, in);
  if (!code) c->verdict = (counterfoil_verdict_t){COUNTERFOIL_OK, false, "ok", "", "", "", "", 0, 0};
  return code;
}

counterfoil_code_t counterfoil_policy_check(counterfoil_t *c, counterfoil_bytes_t policy) { return read_policy(c, policy); }

char const *counterfoil_policy_json(counterfoil_t *c, counterfoil_bytes_t policy) {
  cf_wr_t wr = cf_wr_init(c->text, CF_LIBRARY_TEXT_MAX);
  if (read_policy(c, policy)) return NULL;
  cf_table_print(&wr, &cf_appraisal_table, &c->policy);
  if (wr.bad) return NULL;
  c->text[wr.len] = 0;
  return c->text;
}

counterfoil_code_t counterfoil_policy_hash(counterfoil_t *c, uint8_t out[32], counterfoil_bytes_t policy) {
  cf_wr_t            wr = cf_wr_init(c->text, CF_APPRAISAL_MAX);
  counterfoil_code_t code = read_policy(c, policy);
  if (code) return code;
  cf_hash_t hash = cf_appraisal_hash(&wr, &c->policy);
  memcpy(out, hash.b, 32);
  c->text[0] = 0;
  return code;
}
