/* Nitro documents in the frame. */
#include "evidence/cf_platforms.h"

#include <stdio.h>

#include "crypto/cf_hash.h"

static cf_verdict_code_t verify(cf_facts_t *facts, cf_evidence_parts_t const *parts, cf_evidence_ask_t const *ask,
                                cf_verdict_t *v) {
  cf_hash_t         roots[CF_ROOTS_MAX] = {cf_nitro_root};
  cf_nitro_facts_t *f = &facts->of.nitro;
  cf_nitro_ask_t    nitro = {.document = parts->item[CF_ROLE_DOCUMENT],
                             .roots = roots,
                             .root_cnt = ask->root_cnt ? ask->root_cnt : 1,
                             .nonce = ask->nonce,
                             .at_s = ask->at_s,
                             .dates = ask->dates};
  for (size_t i = 0; i < ask->root_cnt; i++) roots[i] = cf_sha256(ask->roots[i].der);
  cf_verdict_code_t code = cf_nitro_verify(f, &nitro, v);
  facts->debug = f->debug;
  facts->root = f->root;
  facts->maker_root = cf_hash_eq(&f->root, &cf_nitro_root);
  if (!facts->maker_root) facts->cls = cf_roots_class(ask);
  facts->made_s = (int64_t)(f->document.timestamp_ms / 1000);
  memcpy(facts->place, f->region, sizeof facts->place);
  facts->valid_until_s = f->valid.to_s;
  return code;
}

static void report_optional(cf_jw_t *j, char const *name, cf_span_t s) {
  if (s.ptr) cf_jw_hex(j, name, s);
  else cf_jw_null(j, name);
}

static bool nitro_register(char name[CF_REGISTER_NAME_MAX], cf_span_t *value, cf_facts_t const *facts, size_t k) {
  if (k >= CF_NITRO_PCR_CNT) return false;
  snprintf(name, CF_REGISTER_NAME_MAX, "pcr%zu", k);
  *value = facts ? facts->of.nitro.document.pcr[k] : CF_SPAN(NULL, 0);
  return true;
}

static bool is_zero(cf_span_t s) {
  uint8_t any = 0;
  for (size_t i = 0; i < s.len; i++) any |= s.ptr[i];
  return any == 0;
}

static void report(cf_jw_t *j, cf_facts_t const *facts) {
  cf_nitro_facts_t const    *f = &facts->of.nitro;
  cf_nitro_document_t const *d = &f->document;
  char                       name[CF_REGISTER_NAME_MAX];
  cf_span_t                  value;
  if (!f->read) return;
  cf_jw_text(j, "module_id", d->module_id);
  cf_jw_u64(j, "timestamp", d->timestamp_ms);
  cf_jw_bool(j, "debug", f->debug);
  cf_jw_obj(j, "measurements"); /* a register of zeros measured nothing */
  for (size_t k = 0; nitro_register(name, &value, facts, k); k++)
    if (!is_zero(value)) cf_jw_hex(j, name, value);
  cf_jw_end(j, '}');
  report_optional(j, "public_key", d->public_key);
  report_optional(j, "user_data", d->user_data);
  report_optional(j, "nonce", d->nonce);
  if (f->region[0]) cf_jw_str(j, "region", f->region);
}

cf_evidence_platform_t const cf_evidence_nitro = {.platform = CF_PLATFORM_NITRO,
                                                  .subject = CF_ROLE_DOCUMENT,
                                                  .reads = CF_ROLE_BIT(CF_ROLE_DOCUMENT),
                                                  .verify = verify,
                                                  .row = cf_nitro_row,
                                                  .reg = nitro_register,
                                                  .report = report};
