#include "ledger/cf_domain.h"

static cf_status_t read_entry(cf_domain_t *d, cf_sign1_t *wrapper, cf_council_doc_t *doc, cf_span_t entry,
                              cf_hash_t const *expected, cf_error_t *err) {
  cf_status_t st = cf_sign1_decode(wrapper, entry, cf_genesis_table.typ, err);
  if (!st) st = cf_council_doc_decode(doc, wrapper->payload, err);
  if (st) return st;
  d->id = cf_domain(doc->body);
  if (expected && !cf_hash_eq(&d->id, expected))
    return cf_error_set(err, CF_ERR_AUTH, "genesis.domain", 0, "this is the genesis of another domain");
  st = cf_table_decode(&d->genesis, &cf_genesis_table, doc->body, err);
  return st ? st : cf_genesis_check(&d->genesis, &d->policy, err);
}

/* The wrapper vouches for nothing but that the log took it; the governors' act is what counts.  It is judged at its own time: what
   they signed at the birth of a domain does not lapse with it. */
static cf_status_t check_signatures(cf_domain_t const *d, cf_sign1_t const *wrapper, cf_council_doc_t const *doc, cf_error_t *err) {
  cf_p256_pub_t log;
  memcpy(log.b, d->genesis.log.es256, sizeof log.b);
  cf_hash_t kid = cf_p256_thumbprint(&log);
  if (!cf_span_eq(wrapper->hdr.kid, CF_SPAN_OF(kid.b)) || cf_sign1_verify(wrapper, &log))
    return cf_error_set(err, CF_ERR_AUTH, "genesis.wrapper", 0, "not wrapped by the log's ES256 key");
  return cf_council_doc_verify(doc, cf_genesis_council(&d->genesis, CF_GOVERNORS), &d->ledger.separator, d->genesis.created, err);
}

cf_status_t cf_domain_open(cf_domain_t *out, cf_span_t genesis_entry, cf_hash_t const *expected, cf_error_t *err) {
  cf_sign1_t       wrapper;
  cf_council_doc_t doc;
  memset(out, 0, sizeof *out);
  cf_status_t st = read_entry(out, &wrapper, &doc, genesis_entry, expected, err);
  if (st) return st;
  out->policy_hash = cf_policy_hash(out->genesis.policy);
  out->ledger = cf_genesis_identity(&out->genesis, &out->id);
  out->observers = cf_genesis_seats(cf_genesis_council(&out->genesis, CF_OBSERVERS));
  st = check_signatures(out, &wrapper, &doc, err);
  if (!st) st = cf_genesis_witnesses(&out->witnesses, &out->genesis, err);
  if (!st) st = cf_ledger_genesis_of(&out->block0, &out->genesis, &out->policy, &out->id, err);
  return st;
}

cf_status_t cf_domain_deployment(cf_hash_t *code, cf_domain_t const *d, cf_span_t entry, cf_error_t *err) {
  cf_sign1_t                 s;
  cf_council_doc_t           doc;
  cf_deployment_t            dep;
  cf_genesis_ledger_t const *l = &d->genesis.ledger;
  cf_status_t                st = cf_sign1_decode(&s, entry, cf_deployment_table.typ, err);
  if (!st) st = cf_council_doc_decode(&doc, s.payload, err);
  if (!st) st = cf_table_decode(&dep, &cf_deployment_table, doc.body, err);
  /* What governors signed at the birth of a domain does not lapse with it. */
  if (!st)
    st = cf_council_doc_verify(&doc, cf_genesis_council(&d->genesis, CF_GOVERNORS), &d->ledger.separator, d->genesis.created, err);
  if (st) return st;
  if (memcmp(dep.domain, d->id.b, sizeof dep.domain) || dep.kind != l->kind || dep.chain_id != l->chain_id ||
      memcmp(dep.contract, l->contract, sizeof dep.contract))
    return cf_error_set(err, CF_ERR_POLICY, "deployment", 0, "names another domain or ledger than genesis");
  memcpy(code->b, dep.code_hash, sizeof code->b);
  return CF_OK;
}
