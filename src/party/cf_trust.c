#include "party/cf_trust.h"

#include "codec/cf_eip712.h"

static cf_status_t
read_entry(cf_trust_t *t, cf_sign1_t *wrapper, cf_council_doc_t *doc, cf_span_t entry, cf_hash_t const *expected, cf_error_t *err) {
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
static cf_status_t
check_signatures(cf_trust_t const *t, cf_sign1_t const *wrapper, cf_council_doc_t const *doc, cf_error_t *err) {
  cf_council_t const *governors = cf_genesis_council(&t->genesis, CF_GOVERNORS);
  cf_p256_pub_t       log;
  memcpy(log.b, t->genesis.log.es256, sizeof log.b);
  if (cf_sign1_verify(wrapper, &log)) return cf_error_set(err, CF_ERR_AUTH, "genesis.wrapper", 0, "not signed by the log's key");
  if (!governors) return cf_error_set(err, CF_ERR_POLICY, "genesis.councils", 0, "there are no governors");
  return cf_council_doc_verify(doc, governors, &t->ledger.separator, 0, err); /* what was founded does not lapse */
}

static cf_status_t
fill_witnesses(cf_trust_t *t, cf_error_t *err) {
  cf_council_t const *c   = cf_genesis_council(&t->genesis, CF_WITNESSES);
  cf_witness_set_t   *set = &t->witnesses;
  cf_ed25519_pub_t    pub;
  if (!c || c->members_cnt > CF_WITNESSES_MAX) return cf_error_set(err, CF_ERR_POLICY, "genesis.councils", 0, "there are no witnesses");
  memcpy(pub.b, t->genesis.log.ed25519, sizeof pub.b);
  cf_status_t st = cf_vkey_make(&set->log, t->genesis.log.origin, CF_VKEY_LOG, &pub);
  for (size_t i = 0; !st && i < c->members_cnt; i++) {
    memcpy(pub.b, c->members[i].ed25519, sizeof pub.b);
    st = cf_vkey_make(&set->member[i], c->members[i].name, CF_VKEY_WITNESS, &pub);
  }
  if (st) return cf_error_set(err, st, "genesis.log", 0, "a name is not fit for a note key");
  set->cnt = c->members_cnt;
  set->k   = (unsigned)c->k;
  set->f   = (unsigned)c->f;
  return cf_witness_set_check(set, err);
}

static void
fill_observers(cf_seats_t *seats, cf_council_t const *c) {
  if (!c) return;
  *seats = (cf_seats_t){ .k = (uint8_t)c->k, .f = (uint8_t)c->f, .n = (uint8_t)c->members_cnt };
  for (size_t i = 0; i < c->members_cnt; i++) memcpy(seats->member[i].b, c->members[i].addr, sizeof seats->member[i].b);
}

cf_status_t
cf_trust_open(cf_trust_t *out, cf_span_t genesis_entry, cf_hash_t const *expected, cf_error_t *err) {
  cf_sign1_t       wrapper;
  cf_council_doc_t doc;
  *out           = (cf_trust_t){ 0 };
  cf_status_t st = read_entry(out, &wrapper, &doc, genesis_entry, expected, err);
  if (st) return st;
  cf_genesis_ledger_t const *l = &out->genesis.ledger;
  out->policy_hash             = cf_document_hash(CF_SPAN(NULL, 0), out->genesis.policy);
  out->ledger.chain_id         = l->chain_id;
  memcpy(out->ledger.contract.b, l->contract, sizeof out->ledger.contract.b);
  out->ledger.separator = cf_eip712_domain(l->chain_id, &out->ledger.contract, &out->domain);
  st                    = check_signatures(out, &wrapper, &doc, err);
  if (!st) st = fill_witnesses(out, err);
  if (!st) fill_observers(&out->observers, cf_genesis_council(&out->genesis, CF_OBSERVERS));
  if (!st && !cf_trust_verifiers(out)) st = cf_error_set(err, CF_ERR_POLICY, "genesis.councils", 0, "there are no verifiers");
  return st;
}
