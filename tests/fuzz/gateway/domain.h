/* The smallest domain that a gateway accepts: councils of one, keys that are fixed. */
#ifndef CF_FUZZ_GATEWAY_DOMAIN_H
#define CF_FUZZ_GATEWAY_DOMAIN_H

#include <assert.h>

#include "codec/cf_eip712.h"
#include "gateway/cf_gateway_state.h"

static uint8_t const   key_bytes[32] = { 7, 7, 7, 1 }, witness_seed[32] = { 8 };
static cf_p256_key_t  *p256;
static cf_addr_t       addr;
static cf_p256_pub_t   p256_pub;
static cf_ed25519_pub_t ed_pub, witness_pub;

static inline void
domain_council(cf_council_t *c, cf_council_role_t role, char const *name) {
  *c = (cf_council_t){ .role = role, .k = 1, .version = 1, .members_cnt = 1 };
  c->members[0].name = CF_SPAN(name, strlen(name));
  if (role == CF_WITNESSES) memcpy(c->members[0].ed25519, witness_pub.b, 32);
  else memcpy(c->members[0].addr, addr.b, 20);
  if (role == CF_VERIFIERS) memcpy(c->members[0].es256, p256_pub.b, 64);
}

static cf_hash_t domain_id, domain_separator;

/* Entry 0, in a static buffer. */
static inline cf_span_t
domain_genesis(void) {
  static uint8_t policy_buf[8192], body_buf[16384], entry_buf[32768];
  static cf_genesis_t g;
  cf_policy_t p = { .version = 1, .measurements_cnt = 1, .collateral_max_age_s = 86400, .credential_max_age_s = 86400, .suites_cnt = 1, .epoch_s = 86400,
                    .attest_max_age_s = 600, .attest_interval_s = 300, .grace_s = 60, .clock_skew_s = 5, .workload = CF_SPAN_LIT("clearing"),
                    .workload_version = 1, .workload_params = CF_SPAN_LIT("x"), .max_flight = 4, .max_inputs_per_window = 10, .max_amount = 100,
                    .jurisdictions_cnt = 1, .gateway_keys_cnt = 1, .admission = 1, .disclosure = 1, .snapshot_entries = 4096, .promise_max_s = 60,
                    .notice_s = 60, .key_tcb_mask = 1 };
  cf_crypto_init();
  p256           = cf_p256_key_from(key_bytes);
  cf_status_t st = cf_k256_addr(&addr, key_bytes);
  assert(p256 && !st);
  cf_p256_key_pub(p256, &p256_pub);
  cf_ed25519_pub(&ed_pub, key_bytes);
  cf_ed25519_pub(&witness_pub, witness_seed);
  p.measurements[0] = (cf_measurement_t){ .platform = 1, .until = 1800000000, .source = CF_SPAN_LIT("fuzz") };
  memset(p.measurements[0].measurement, 1, 32);
  p.suites[0]        = (cf_suite_row_t){ .suite = 1, .state = 1 };
  p.jurisdictions[0] = CF_SPAN_LIT("any");
  memcpy(p.gateway_keys[0], p256_pub.b, 64);
  cf_wr_t pw = cf_wr_init(policy_buf, sizeof policy_buf), bw = cf_wr_init(body_buf, sizeof body_buf), ew = cf_wr_init(entry_buf, sizeof entry_buf);
  cf_table_encode(&pw, &cf_policy_table, &p);
  g = (cf_genesis_t){ .name = CF_SPAN_LIT("fuzz"), .class = 2, .created = 1700000000, .policy = cf_wr_out(&pw), .councils_cnt = 5, .assets_cnt = 1,
                      .log.origin = CF_SPAN_LIT("fuzz.test/log"), .assets[0] = { .symbol = CF_SPAN_LIT("EUR"), .scale = 2, .cap = 100 },
                      .ledger = { .kind = 1, .chain_id = CF_LEDGER_CHAIN_MIN + 1, .mode = 1, .max_validity_s = 60, .max_pause_s = 20, .exit_delay_s = 300,
                                  .notice_s = 400, .dead_after_s = 1000, .overlap_s = 60 } };
  memcpy(g.ledger.contract, addr.b, 20);
  memcpy(g.log.ed25519, ed_pub.b, 32);
  memcpy(g.log.es256, p256_pub.b, 64);
  memcpy(g.treasury, addr.b, 20);
  domain_council(&g.councils[0], CF_GOVERNORS, "g");
  domain_council(&g.councils[1], CF_GUARDIANS, "u");
  domain_council(&g.councils[2], CF_VERIFIERS, "v");
  domain_council(&g.councils[3], CF_WITNESSES, "w.test");
  domain_council(&g.councils[4], CF_OBSERVERS, "o");
  cf_table_encode(&bw, &cf_genesis_table, &g);
  assert(!pw.bad && !bw.bad);
  cf_council_doc_t     doc    = { .body = cf_wr_out(&bw), .council = CF_GOVERNORS, .version = 1, .not_after = (1ULL << 40) - 1, .sigs_cnt = 1 };
  cf_hash_t            domain = cf_domain(doc.body), hash = cf_document_hash(CF_SPAN(NULL, 0), doc.body);
  cf_ledger_identity_t id     = cf_genesis_identity(&g, &domain);
  cf_hash_t            digest = cf_council_doc_digest(&id.separator, doc.council, 1, 0, doc.not_after, &hash);
  st                          = cf_k256_sign(doc.sig[0], key_bytes, &digest);
  cf_council_doc_seal(&ew, cf_genesis_table.typ, &doc, p256, "log", "genesis");
  assert(!st && !ew.bad);
  domain_id        = domain;
  domain_separator = id.separator;
  return cf_wr_out(&ew);
}

/* Entry 1, in a static buffer; after entry 0. */
static inline cf_span_t
domain_deployment(void) {
  static uint8_t  entry_buf[2048];
  uint8_t         body_buf[512];
  cf_wr_t         bw = cf_wr_init(body_buf, sizeof body_buf), ew = cf_wr_init(entry_buf, sizeof entry_buf);
  cf_deployment_t d  = { .kind = 1, .chain_id = CF_LEDGER_CHAIN_MIN + 1, .code_hash = { 1 } };
  memcpy(d.domain, domain_id.b, 32);
  memcpy(d.contract, addr.b, 20);
  cf_table_encode(&bw, &cf_deployment_table, &d);
  cf_council_doc_t doc    = { .body = cf_wr_out(&bw), .council = CF_GOVERNORS, .version = 1, .not_after = (1ULL << 40) - 1, .sigs_cnt = 1 };
  cf_hash_t        hash   = cf_document_hash(CF_SPAN(NULL, 0), doc.body);
  cf_hash_t        digest = cf_council_doc_digest(&domain_separator, doc.council, 1, 0, doc.not_after, &hash);
  cf_status_t      st     = cf_k256_sign(doc.sig[0], key_bytes, &digest);
  cf_council_doc_seal(&ew, cf_deployment_table.typ, &doc, p256, "fuzz", "deployment");
  assert(!st && !bw.bad && !ew.bad);
  return cf_wr_out(&ew);
}

#endif
