#include "council/cf_domain.h"

static cf_status_t open_wrapper(cf_council_doc_t *doc, cf_domain_t *d, cf_span_t entry, cf_error_t *err) {
  cf_sign1_t    s;
  cf_p256_pub_t log;
  cf_status_t   st = cf_sign1_decode(&s, entry, cf_genesis_table.typ, err);
  if (!st) st = cf_council_doc_decode(doc, s.payload, err);
  if (!st) st = cf_table_decode(&d->genesis, &cf_genesis_table, doc->body, err);
  if (st) return st;
  memcpy(log.b, d->genesis.log.es256, sizeof log.b);
  cf_hash_t kid = cf_p256_thumbprint(&log);
  if (!cf_span_eq(s.hdr.kid, CF_SPAN_OF(kid.b)) || cf_sign1_verify(&s, &log))
    return cf_error_set(err, CF_ERR_AUTH, "genesis", 0, "not wrapped by the log's ES256 key");
  return CF_OK;
}

cf_status_t cf_domain_open(cf_domain_t *out, cf_span_t genesis_entry, cf_error_t *err) {
  cf_council_doc_t doc;
  memset(out, 0, sizeof *out);
  cf_status_t st = open_wrapper(&doc, out, genesis_entry, err);
  if (!st) st = cf_genesis_check(&out->genesis, &out->policy, err);
  if (st) return st;
  out->domain = cf_domain(doc.body);
  out->policy_hash = cf_policy_hash(out->genesis.policy);
  out->ledger = cf_genesis_identity(&out->genesis, &out->domain);
  /* Judged at its own time: what k governors signed at the birth of a domain does not lapse with it. */
  st = cf_council_doc_verify(&doc, cf_genesis_council(&out->genesis, CF_GOVERNORS), &out->ledger.separator, out->genesis.created,
                             err);
  if (!st) st = cf_genesis_witnesses(&out->witnesses, &out->genesis, err);
  if (!st) st = cf_ledger_genesis_of(&out->block0, &out->genesis, &out->policy, &out->domain, err);
  return st;
}
