/* CCA tokens in the frame. */
#include <stdio.h>

#include "crypto/cf_hash.h"
#include "evidence/cf_hcl.h"
#include "evidence/cf_platforms.h"

static cf_verdict_code_t verify(cf_facts_t *facts, cf_evidence_parts_t const *parts, cf_evidence_ask_t const *ask,
                                cf_verdict_t *v) {
  cf_key_t     cpak;
  cf_json_t    json;
  cf_error_t   err = {0};
  cf_span_t    jwk = parts->item[CF_ROLE_CPAK];
  cf_cca_ask_t cca = {.token = parts->item[CF_ROLE_TOKEN], .cpak = &cpak, .challenge = ask->nonce};
  if (!jwk.ptr) return cf_verdict_set(v, CF_VERDICT_COLLATERAL_MISSING, "cpak", 0, "the machine's key was not given");
  if (cf_json_parse(&json, jwk, &err)) return cf_verdict_error(v, &err);
  if (cf_jwk_ec(&cpak, json))
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, "cpak", 0, "not a key of P-256 or P-384 in JWK form");
  cf_verdict_code_t code = cf_cca_verify(&facts->of.cca, &cca, v);
  facts->root = cf_sha256(CF_SPAN(cpak.b, cpak.sz));
  facts->debug = facts->of.cca.read && !facts->of.cca.secured;
  return code;
}

static bool cca_register(char name[CF_REGISTER_NAME_MAX], cf_span_t *value, cf_facts_t const *facts, size_t k) {
  static char const *const    names[] = {"rim",        "rem0", "rem1", "rem2", "rem3", "personalization", "implementation_id",
                                         "instance_id"};
  static cf_cca_token_t const none;
  cf_cca_token_t const       *t = facts ? &facts->of.cca.token : &none;
  cf_span_t const values[] = {t->rim,        t->rem[0], t->rem[1], t->rem[2], t->rem[3], t->personalization, t->implementation_id,
                              t->instance_id};
  if (k >= CF_COUNT_OF(names)) return false;
  snprintf(name, CF_REGISTER_NAME_MAX, "%s", names[k]);
  *value = values[k];
  return true;
}

static void report(cf_jw_t *j, cf_facts_t const *facts) {
  cf_cca_token_t const *t = &facts->of.cca.token;
  if (!facts->of.cca.read) return;
  cf_jw_u64(j, "collection_tag", t->tag);
  cf_jw_u64(j, "lifecycle", t->lifecycle);
  cf_jw_bool(j, "debug", facts->debug);
  cf_jw_hex(j, "implementation_id", t->implementation_id);
  cf_jw_hex(j, "instance_id", t->instance_id);
  cf_jw_hex(j, "realm_challenge", t->challenge);
  cf_jw_hex(j, "rim", t->rim);
  cf_jw_arr(j, "rem");
  for (size_t i = 0; i < CF_CCA_REM_CNT; i++) cf_jw_hex(j, NULL, t->rem[i]);
  cf_jw_end(j, ']');
  cf_jw_hex(j, "personalization", t->personalization);
  cf_jw_text(j, "realm_hash_alg", t->realm_hash);
  cf_jw_text(j, "platform_profile", t->profile);
}

cf_evidence_platform_t const cf_evidence_cca = {.platform = CF_PLATFORM_CCA,
                                                .subject = CF_ROLE_TOKEN,
                                                .reads = CF_ROLE_BIT(CF_ROLE_TOKEN) | CF_ROLE_BIT(CF_ROLE_CPAK),
                                                .verify = verify,
                                                .row = cf_cca_row,
                                                .reg = cca_register,
                                                .report = report};
