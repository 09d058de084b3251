#include "party/cf_trust.h"

#include "ledger/cf_genesis_map.h"

static cf_status_t read_entry(cf_trust_t *t, cf_sign1_t *wrapper, cf_council_doc_t *doc, cf_span_t entry,
                              cf_hash_t const *expected, cf_error_t *err) {
  cf_status_t st = cf_sign1_decode(wrapper, entry, cf_genesis_table.typ, err);
  if (!st) st = cf_council_doc_decode(doc, wrapper->payload, err);
  if (st) return st;
  t->domain = cf_domain(doc->body);
  if (expected && !cf_hash_eq(&t->domain, expected))
    return cf_error_set(err, CF_ERR_AUTH, "genesis.domain", 0, "this is the genesis of another domain");
  st = cf_table_decode(&t->genesis, &cf_genesis_table, doc->body, err);
  return st ? st : cf_genesis_check(&t->genesis, &t->policy, err);
}

/* The wrapper vouches for nothing but that the log took it; the governors' act is what counts. */
static cf_status_t check_signatures(cf_trust_t const *t, cf_sign1_t const *wrapper, cf_council_doc_t const *doc,
                                    cf_error_t *err) {
  cf_council_t const *governors = cf_genesis_council(&t->genesis, CF_GOVERNORS);
  cf_p256_pub_t       log;
  memcpy(log.b, t->genesis.log.es256, sizeof log.b);
  if (cf_sign1_verify(wrapper, &log)) return cf_error_set(err, CF_ERR_AUTH, "genesis.wrapper", 0, "not signed by the log's key");
  return cf_council_doc_verify(doc, governors, &t->ledger.separator, 0, err); /* what was founded does not lapse */
}

cf_status_t cf_trust_open(cf_trust_t *out, cf_span_t genesis_entry, cf_hash_t const *expected, cf_error_t *err) {
  cf_sign1_t       wrapper;
  cf_council_doc_t doc;
  *out = (cf_trust_t){0};
  cf_status_t st = read_entry(out, &wrapper, &doc, genesis_entry, expected, err);
  if (st) return st;
  out->policy_hash = cf_policy_hash(out->genesis.policy);
  out->ledger = cf_genesis_identity(&out->genesis, &out->domain);
  out->observers = cf_genesis_seats(cf_genesis_council(&out->genesis, CF_OBSERVERS));
  st = check_signatures(out, &wrapper, &doc, err);
  return st ? st : cf_genesis_witnesses(&out->witnesses, &out->genesis, err);
}
