/* An example domain with fixed keys: its genesis, and entries by instances of it.  tests/vectors/document/make_documents.py makes
 * the same. */
#ifndef DOCUMENT_WORLD_H
#define DOCUMENT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cf_text.h"
#include "codec/cf_eip712.h"
#include "document/cf_documents.h"
#include "document/cf_ear.h"

#define T0 UINT64_C(1700000000)

#define SPAN_STR(s) CF_SPAN((s), strlen(s))
#define assert_span(x, y) assert_true(cf_span_eq((x), (y)))
#define assert_hash(x, y) assert_memory_equal((x).b, (y).b, 32)

/* ---- keys ---- */

static inline cf_hash_t example_hash(char const *label, unsigned n) {
  char text[96];
  int  len = snprintf(text, sizeof text, "counterfoil example %s %u", label, n);
  return cf_sha256(CF_SPAN(text, (size_t)len));
}

static inline cf_p256_key_t *example_p256(char const *label, unsigned n) {
  cf_hash_t      h = example_hash(label, n);
  cf_p256_key_t *key = cf_p256_key_from(h.b);
  assert_non_null(key);
  return key;
}

static inline cf_p256_pub_t example_p256_pub(char const *label, unsigned n) {
  cf_p256_key_t *key = example_p256(label, n);
  cf_p256_pub_t  pub;
  cf_p256_key_pub(key, &pub);
  cf_p256_key_free(key);
  return pub;
}

static inline cf_addr_t example_addr(char const *label, unsigned n) {
  cf_hash_t h = example_hash(label, n);
  cf_addr_t addr;
  assert_int_equal(cf_k256_addr(&addr, h.b), CF_OK);
  return addr;
}

/* ---- the domain ---- */

typedef struct {
  cf_policy_t  policy;
  cf_genesis_t genesis;
  uint8_t      policy_body[49152], body[60000], entry0[CF_ENTRY_MAX], entry1[1024];
  cf_span_t    genesis_body, genesis_entry, deployment_entry;
  cf_hash_t    domain, separator, policy_hash;
  char         names[5 * CF_MEMBERS_MAX][24];
  size_t       names_cnt;
} example_t;

static char const *const example_roles[] = {"", "governor", "guardian", "verifier", "witness", "observer"};

static inline cf_council_t example_council(example_t *e, cf_council_role_t role, unsigned n, unsigned k, unsigned f) {
  cf_council_t c = {.role = role, .k = k, .f = f, .version = 1, .members_cnt = n};
  char const  *label = example_roles[role];
  for (unsigned i = 0; i < n; i++) {
    cf_member_t *m = &c.members[i];
    char        *name = e->names[e->names_cnt++];
    snprintf(name, sizeof e->names[0], "%s-%u", label, i);
    m->name = SPAN_STR(name);
    if (role == CF_WITNESSES) {
      cf_hash_t        seed = example_hash(label, i);
      cf_ed25519_pub_t pub;
      cf_ed25519_pub(&pub, seed.b);
      memcpy(m->ed25519, pub.b, 32);
    } else {
      memcpy(m->addr, example_addr(label, i).b, 20);
    }
    if (role == CF_VERIFIERS) memcpy(m->es256, example_p256_pub("verifier es256", i).b, 64);
  }
  return c;
}

static inline void example_policy(cf_policy_t *p) {
  *p = (cf_policy_t){.version = 1,
                     .measurements_cnt = 1,
                     .ek_roots_cnt = 1,
                     .collateral_max_age_s = 86400,
                     .credential_max_age_s = 604800,
                     .suites = {{.suite = 1, .state = 1}},
                     .suites_cnt = 1,
                     .epoch_s = 86400,
                     .attest_max_age_s = 3600,
                     .attest_interval_s = 600,
                     .grace_s = 600,
                     .clock_skew_s = 60,
                     .workload = CF_SPAN_LIT("clearing"),
                     .workload_version = 1,
                     .max_flight = 4,
                     .max_inputs_per_window = 1000,
                     .max_amount = 1000000000,
                     .jurisdictions = {CF_SPAN_LIT("DE"), CF_SPAN_LIT("FR")},
                     .jurisdictions_cnt = 2,
                     .gateway_keys_cnt = 1,
                     .admission = 1,
                     .disclosure = 1,
                     .snapshot_entries = 4096,
                     .promise_max_s = 3600,
                     .notice_s = 9600,
                     .key_tcb_mask = 1};
  cf_measurement_t *m = &p->measurements[0];
  m->platform = 1;
  m->until = T0 + 365 * 86400;
  m->source = CF_SPAN_LIT("example build");
  memcpy(m->program, example_hash("program", 0).b, 32);
  memcpy(m->configuration, example_hash("configuration", 0).b, 32);
  memcpy(m->measurement, example_hash("measurement", 0).b, 32);
  p->ek_roots[0].class = 4;
  memcpy(p->ek_roots[0].root, example_hash("ek root", 0).b, 32);
  memcpy(p->gateway_keys[0], example_p256_pub("gateway", 0).b, 64);
}

/* All of it but what example_found computes; class test, a 2-of-3 of everything but 3-of-4 witnesses and observers. */
static inline void example_init(example_t *e) {
  memset(e, 0, sizeof *e);
  example_policy(&e->policy);
  cf_genesis_t *g = &e->genesis;
  g->name = CF_SPAN_LIT("example");
  g->class = 2;
  g->ledger = (cf_genesis_ledger_t){.kind = 1,
                                    .chain_id = (UINT64_C(1) << 40) + 7,
                                    .mode = 1,
                                    .max_validity_s = 600,
                                    .max_pause_s = 3600,
                                    .exit_delay_s = 6000,
                                    .notice_s = 9600,
                                    .dead_after_s = 15600,
                                    .overlap_s = 600,
                                    .key_delay_s = 60};
  memcpy(g->ledger.contract, example_addr("block", 0).b, 20);
  g->log.origin = CF_SPAN_LIT("example.org/log");
  cf_hash_t        seed = example_hash("log", 0);
  cf_ed25519_pub_t pub;
  cf_ed25519_pub(&pub, seed.b);
  memcpy(g->log.ed25519, pub.b, 32);
  memcpy(g->log.es256, example_p256_pub("log es256", 0).b, 64);
  g->councils[0] = example_council(e, CF_GOVERNORS, 3, 2, 1);
  g->councils[1] = example_council(e, CF_GUARDIANS, 3, 2, 1);
  g->councils[2] = example_council(e, CF_VERIFIERS, 3, 2, 1);
  g->councils[3] = example_council(e, CF_WITNESSES, 4, 3, 1);
  g->councils[4] = example_council(e, CF_OBSERVERS, 4, 3, 1);
  g->councils_cnt = 5;
  g->assets[0] = (cf_asset_t){.id = 0, .symbol = CF_SPAN_LIT("USD"), .scale = 2, .cap = 1000000};
  g->assets[1] = (cf_asset_t){.id = 1, .symbol = CF_SPAN_LIT("EUR"), .scale = 6, .cap = 5000000};
  memcpy(g->assets[1].token, example_addr("euro issuer", 0).b, 20);
  g->assets_cnt = 2;
  memcpy(g->treasury, example_addr("treasury", 0).b, 20);
  g->created = T0;
}

/* Signed by governors 0 and 1. */
static inline cf_council_doc_t example_act(example_t const *e, cf_span_t body) {
  cf_council_doc_t d = {.body = body, .council = CF_GOVERNORS, .version = 1, .not_after = T0 + 3600, .sigs_cnt = 2};
  cf_hash_t        hash = cf_document_hash(CF_SPAN(NULL, 0), body);
  cf_hash_t        digest = cf_council_doc_digest(&e->separator, d.council, d.version, 0, d.not_after, &hash);
  for (unsigned i = 0; i < 2; i++) {
    cf_hash_t scalar = example_hash("governor", i);
    d.member[i] = i;
    assert_int_equal(cf_k256_sign(d.sig[i], scalar.b, &digest), CF_OK);
  }
  return d;
}

static inline void example_found(example_t *e) {
  cf_genesis_t *g = &e->genesis;
  cf_wr_t       wr = cf_wr_init(e->policy_body, sizeof e->policy_body);
  cf_table_encode(&wr, &cf_policy_table, &e->policy);
  g->policy = cf_wr_out(&wr);
  e->policy_hash = cf_document_hash(CF_SPAN(NULL, 0), g->policy);
  wr = cf_wr_init(e->body, sizeof e->body);
  cf_table_encode(&wr, &cf_genesis_table, g);
  e->genesis_body = cf_wr_out(&wr);
  e->domain = cf_domain(e->genesis_body);
  cf_addr_t contract;
  memcpy(contract.b, g->ledger.contract, 20);
  e->separator = cf_eip712_domain(g->ledger.chain_id, &contract, &e->domain);

  cf_council_doc_t d = example_act(e, e->genesis_body);
  cf_p256_key_t   *key = example_p256("log es256", 0);
  wr = cf_wr_init(e->entry0, sizeof e->entry0);
  cf_council_doc_seal(&wr, cf_genesis_table.typ, &d, key, "example.org/log", "genesis");
  e->genesis_entry = cf_wr_out(&wr);
  cf_p256_key_free(key);
  assert_true(e->genesis_body.len && e->genesis_entry.len);
}

/* Entry 1; code is block 0's hash. */
static inline void example_deploy(example_t *e, cf_hash_t const *code) {
  uint8_t         body[256];
  cf_wr_t         wr = cf_wr_init(body, sizeof body);
  cf_deployment_t dep = {.kind = e->genesis.ledger.kind, .chain_id = e->genesis.ledger.chain_id};
  memcpy(dep.domain, e->domain.b, 32);
  memcpy(dep.contract, e->genesis.ledger.contract, 20);
  memcpy(dep.code_hash, code->b, 32);
  cf_table_encode(&wr, &cf_deployment_table, &dep);
  cf_council_doc_t d = example_act(e, cf_wr_out(&wr));
  cf_p256_key_t   *key = example_p256("gateway", 0);
  wr = cf_wr_init(e->entry1, sizeof e->entry1);
  cf_council_doc_seal(&wr, cf_deployment_table.typ, &d, key, "gateway", "deployment");
  e->deployment_entry = cf_wr_out(&wr);
  cf_p256_key_free(key);
  assert_true(e->deployment_entry.len);
}

/* ---- instances ---- */

typedef struct {
  unsigned       n;
  cf_p256_key_t *identity, *receipt;
  cf_p256_pub_t  identity_pub, receipt_pub;
  cf_hash_t      instance, commitment, certificate; /* the last once it was made */
  cf_tip_t       tip;
  uint64_t       boot; /* index of its boot entry */
} instance_t;

/* Every instance opens the book of root 0, unless commitment is changed. */
static inline instance_t instance_make(unsigned n) {
  instance_t i = {.n = n, .identity = example_p256("identity", n), .receipt = example_p256("receipt key", n)};
  cf_p256_key_pub(i.identity, &i.identity_pub);
  cf_p256_key_pub(i.receipt, &i.receipt_pub);
  i.instance = cf_p256_thumbprint(&i.identity_pub);
  i.commitment = example_hash("commitment", 0);
  return i;
}

static inline void instance_free(instance_t *i) {
  cf_p256_key_free(i->identity);
  cf_p256_key_free(i->receipt);
}

static inline cf_epoch_t instance_epoch(example_t const *e, instance_t const *i) {
  cf_epoch_t doc = {.epoch = i->boot, .boot = i->boot, .suite = 1, .not_before = T0, .not_after = T0 + 86400};
  memcpy(doc.domain, e->domain.b, 32);
  memcpy(doc.instance, i->instance.b, 32);
  memcpy(doc.configuration, example_hash("configuration", 0).b, 32);
  memcpy(doc.sealing, example_hash("sealing", i->n).b, 32);
  memcpy(doc.receipt, i->receipt_pub.b, 64);
  memcpy(doc.settlement, example_addr("settlement", i->n).b, 20);
  memcpy(doc.policy, e->policy_hash.b, 32);
  return doc;
}

static inline cf_span_t entry_boot(uint8_t *buf, size_t max, example_t const *e, instance_t const *i) {
  cf_epoch_t keys = instance_epoch(e, i);
  cf_hash_t  hash = cf_epoch_keys_hash(keys.suite, keys.sealing, keys.receipt, keys.settlement);
  cf_boot_t  doc = {.root_number = 1, .tip = i->tip};
  memcpy(doc.domain, e->domain.b, 32);
  memcpy(doc.identity, i->identity_pub.b, 64);
  memcpy(doc.keys, hash.b, 32);
  memcpy(doc.commitment, i->commitment.b, 32);
  memcpy(doc.random, example_hash("random", i->n).b, 32);
  cf_wr_t wr = cf_wr_init(buf, max);
  cf_document_seal(&wr, NULL, &cf_boot_table, &doc, i->identity, "enclave", "boot");
  return cf_wr_out(&wr);
}

static inline cf_span_t entry_certificate(uint8_t *buf, size_t max, example_t const *e, instance_t *i) {
  cf_epoch_t doc = instance_epoch(e, i);
  cf_wr_t    wr = cf_wr_init(buf, max);
  cf_document_seal(&wr, &i->certificate, &cf_epoch_table, &doc, i->identity, "enclave", "epoch");
  return cf_wr_out(&wr);
}

static inline cf_ear_t example_ear(example_t const *e, instance_t const *i) {
  cf_ear_t ear = {.time = T0 + 10,
                  .status = CF_EAR_AFFIRMING,
                  .vector = {2, 2, 2},
                  .verdict = CF_SPAN_LIT("ok"),
                  .platform = 1,
                  .class = 4,
                  .until = T0 + 3610};
  memcpy(ear.measurement, example_hash("measurement", 0).b, 32);
  memcpy(ear.domain, e->domain.b, 32);
  memcpy(ear.certificate, i->certificate.b, 32);
  memcpy(ear.nonces, example_hash("nonces", 0).b, 32);
  memcpy(ear.evidence, example_hash("evidence", i->n).b, 32);
  memcpy(ear.collateral, example_hash("collateral", 0).b, 32);
  memcpy(ear.policy, e->policy_hash.b, 32);
  return ear;
}

static inline cf_span_t entry_result(uint8_t *buf, size_t max, example_t const *e, instance_t const *i, unsigned member) {
  cf_ear_t       ear = example_ear(e, i);
  cf_p256_key_t *key = example_p256("verifier es256", member);
  cf_wr_t        wr = cf_wr_init(buf, max);
  ear.time += member;
  cf_ear_seal(&wr, &ear, key, "verifier");
  cf_p256_key_free(key);
  return cf_wr_out(&wr);
}

static inline cf_receipt_t example_receipt(example_t const *e, instance_t const *i, uint64_t sequence, cf_hash_t const *previous,
                                           cf_hash_t const *before, cf_hash_t const *after) {
  cf_receipt_t r = {.epoch = i->boot,
                    .sequence = sequence,
                    .workload = CF_SPAN_LIT("clearing"),
                    .workload_version = 1,
                    .inputs = 2,
                    .not_before = {.time = T0 + 100, .size = 9},
                    .view = {.number = 3, .time = T0 + 90}};
  memcpy(r.domain, e->domain.b, 32);
  memcpy(r.instance, i->instance.b, 32);
  memcpy(r.previous, previous->b, 32);
  memcpy(r.policy, e->policy_hash.b, 32);
  memcpy(r.measurement, example_hash("measurement", 0).b, 32);
  memcpy(r.inputs_root, example_hash("inputs root", 0).b, 32);
  memcpy(r.manifest, example_hash("manifest", 0).b, 32);
  memcpy(r.results_root, example_hash("results root", 0).b, 32);
  memcpy(r.state_before, before->b, 32);
  memcpy(r.state_after, after->b, 32);
  memcpy(r.not_before.root, example_hash("log root", 0).b, 32);
  memcpy(r.view.hash, example_hash("block", 3).b, 32);
  memcpy(r.view.proof, example_hash("proof", 3).b, 32);
  memcpy(r.intent, example_hash("intent", (unsigned)sequence).b, 32);
  return r;
}

/* *hash receives the document's. */
static inline cf_span_t entry_receipt(uint8_t *buf, size_t max, cf_hash_t *hash, cf_receipt_t const *doc,
                                      cf_p256_key_t const *key) {
  cf_wr_t wr = cf_wr_init(buf, max);
  cf_document_seal(&wr, hash, &cf_receipt_table, doc, key, "enclave", "receipt");
  return cf_wr_out(&wr);
}

#endif
