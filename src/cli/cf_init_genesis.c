/* Entry 0 and entry 1 of a new domain's log. */
#include <stdlib.h>
#include <string.h>

#include "cli/cf_init.h"
#include "crypto/cf_entropy.h"
#include "ledger/cf_blocks.h"
#include "ledger/cf_evm_code.h"
#include "ledger/cf_ledger_proof.h"

enum { GOVERNORS_N = 3, GOVERNORS_K = 2 };

static cf_span_t text(char const *s) { return CF_SPAN(s, strlen(s)); }

static void addr_of(uint8_t out[20], uint8_t const scalar[32]) {
  cf_addr_t a;
  if (cf_k256_addr(&a, scalar)) abort(); /* scalars are cf_k256_scalar_make's */
  memcpy(out, a.b, 20);
}

static void p256_of(uint8_t out[64], uint8_t const scalar[32]) {
  cf_p256_key_t *key = cf_p256_key_from(scalar);
  cf_p256_pub_t  pub;
  if (!key) abort();
  cf_p256_key_pub(key, &pub);
  cf_p256_key_free(key);
  memcpy(out, pub.b, 64);
}

static void ed25519_of(uint8_t out[32], uint8_t const seed[32]) {
  cf_ed25519_pub_t pub;
  cf_ed25519_pub(&pub, seed);
  memcpy(out, pub.b, 32);
}

/* ---- councils ---- */

static void council(cf_council_t *c, cf_council_role_t role, char const *member, cf_init_council_t size,
                    cf_init_keys_t const *k) {
  bool quorums_meet = role == CF_WITNESSES || role == CF_OBSERVERS;
  *c = (cf_council_t){.role = role,
                      .k = size.k,
                      .f = quorums_meet ? cf_council_f_max(size.n, size.k) : size.k - 1,
                      .version = 1,
                      .members_cnt = size.n};
  for (size_t i = 0; i < size.n; i++) {
    cf_member_t *m = &c->members[i];
    m->name = text(cf_fmt("%s-%zu", member, i + 1));
    switch (role) {
    case CF_GOVERNORS:
      addr_of(m->addr, k->governor[i]);
      break;
    case CF_GUARDIANS:
      addr_of(m->addr, k->guardian[i]);
      break;
    case CF_VERIFIERS:
      addr_of(m->addr, k->verifier[i]);
      p256_of(m->es256, k->verifier[i] + 32);
      break;
    case CF_WITNESSES:
      ed25519_of(m->ed25519, k->witness[i]);
      break;
    case CF_OBSERVERS:
      addr_of(m->addr, k->observer[i]);
      break;
    case CF_CUSTODIANS:
      break;
    }
  }
}

/* ---- signatures of the governors ---- */

static void act(cf_council_doc_t *doc, cf_span_t body, cf_hash_t const *separator, cf_init_keys_t const *k) {
  *doc = (cf_council_doc_t){
      .body = body, .council = CF_GOVERNORS, .version = 1, .not_after = (1ULL << 40) - 1, .sigs_cnt = GOVERNORS_K};
  cf_hash_t hash = cf_document_hash(CF_SPAN(NULL, 0), body);
  cf_hash_t digest = cf_council_doc_digest(separator, doc->council, doc->version, 0, doc->not_after, &hash);
  for (size_t i = 0; i < GOVERNORS_K; i++) {
    doc->member[i] = i;
    if (cf_k256_sign(doc->sig[i], k->governor[i], &digest)) abort();
  }
}

static void seal(cf_wr_t *entry, cf_table_t const *t, cf_council_doc_t const *doc, uint8_t const scalar[32], char const *iss) {
  cf_p256_key_t *key = cf_p256_key_from(scalar);
  if (!key) abort();
  cf_council_doc_seal(entry, t->typ, doc, key, iss, t->name);
  cf_p256_key_free(key);
}

/* ---- genesis ---- */

/* Each is the least that the rules allow (ONCHAIN 4.1), and a pause of a third of V. */
static cf_genesis_ledger_t times_of(uint64_t v) {
  uint64_t pause = v / 3;
  return (cf_genesis_ledger_t){.max_validity_s = v,
                               .max_pause_s = pause,
                               .exit_delay_s = pause + 4 * v,
                               .notice_s = 2 * pause + 4 * v,
                               .dead_after_s = 3 * pause + 8 * v,
                               .overlap_s = v};
}

cf_genesis_ledger_t cf_init_times(cf_init_t const *in) {
  cf_genesis_ledger_t live = {.max_validity_s = 7200,
                              .max_pause_s = 86400,
                              .exit_delay_s = 2 * 86400,
                              .notice_s = 4 * 86400,
                              .dead_after_s = 7 * 86400,
                              .overlap_s = 7200,
                              .key_delay_s = 1800};
  return in->production ? live : times_of(!in->evm.nodes ? 3 : in->validity_s ? in->validity_s : CF_INIT_VALIDITY_S);
}

static cf_genesis_ledger_t ledger_of(cf_init_t const *in, cf_init_keys_t const *k) {
  static uint8_t const code_hash[32] = CF_EVM_CODE_HASH;
  cf_entropy_t         e = cf_entropy_system();
  uint64_t             draw = 0;
  cf_genesis_ledger_t  l = cf_init_times(in);
  l.mode = 1;
  if (in->evm.nodes) {
    l.kind = CF_LEDGER_EVM;
    l.chain_id = in->chain_id;
    memcpy(l.contract, in->contract.b, sizeof l.contract);
    memcpy(l.code_hash, code_hash, sizeof l.code_hash);
    return l;
  }
  cf_entropy_fill(&e, &draw, 6);
  l.kind = CF_LEDGER_EMBEDDED;
  l.chain_id = CF_LEDGER_CHAIN_MIN + draw; /* below 2^53: a number in every JSON */
  addr_of(l.contract, k->ledger);
  return l;
}

int cf_init_genesis(cf_wr_t *entry, cf_init_t const *in, cf_init_keys_t const *k, cf_policy_t const *p, uint64_t now_s) {
  cf_genesis_t *g = calloc(1, sizeof *g);
  cf_entropy_t  e = cf_entropy_system();
  cf_wr_t       policy = cf_room(49152), body = cf_room(CF_ENTRY_MAX);
  uint8_t       tag[4];
  if (!g) abort();
  cf_entropy_fill(&e, tag, sizeof tag);
  cf_table_encode(&policy, &cf_policy_table, p);
  *g = (cf_genesis_t){.name = text(in->name),
                      .class = in->production ? 1 : 2,
                      .ledger = ledger_of(in, k),
                      .log.origin = text(cf_fmt("counterfoil.local/%s/%s", in->name, cf_hex(CF_SPAN_OF(tag)))),
                      .councils_cnt = 5,
                      .assets_cnt = in->assets_cnt,
                      .policy = cf_wr_out(&policy),
                      .created = now_s};
  ed25519_of(g->log.ed25519, k->log);
  p256_of(g->log.es256, k->log + 32);
  addr_of(g->treasury, k->treasury);
  council(&g->councils[0], CF_GOVERNORS, "governor", (cf_init_council_t){GOVERNORS_N, GOVERNORS_K}, k);
  council(&g->councils[1], CF_GUARDIANS, "guardian", (cf_init_council_t){GOVERNORS_N, GOVERNORS_K}, k);
  council(&g->councils[2], CF_VERIFIERS, "verifier", in->verifiers, k);
  council(&g->councils[3], CF_WITNESSES, "witness", in->witnesses, k);
  council(&g->councils[4], CF_OBSERVERS, "observer", in->observers, k);
  for (size_t i = 0; i < in->assets_cnt; i++) {
    g->assets[i] = in->assets[i];
    g->assets[i].id = i;
  }
  cf_table_encode(&body, &cf_genesis_table, g);
  if (policy.bad || body.bad)
    return cf_fail(CF_EXIT_FAILS, "init", "bound", "genesis", "found", "longer than a log entry may be", NULL);
  cf_hash_t            domain = cf_domain(cf_wr_out(&body));
  cf_ledger_identity_t id = cf_genesis_identity(g, &domain);
  cf_council_doc_t     doc;
  act(&doc, cf_wr_out(&body), &id.separator, k);
  char const *origin = cf_fmt("%.*s", (int)g->log.origin.len, g->log.origin.ptr);
  seal(entry, &cf_genesis_table, &doc, k->log + 32, origin);
  free(g);
  return entry->bad ? cf_fail(CF_EXIT_FAILS, "init", "bound", "genesis", "found", "longer than a log entry may be", NULL) : 0;
}

/* ---- deployment ---- */

int cf_init_block0(cf_hash_t *code, cf_domain_t *d, cf_init_keys_t const *k) {
  cf_chain_t *chain = calloc(1, sizeof *chain);
  cf_wr_t     block = cf_room(CF_BLOCK_MAX);
  cf_error_t  err = {0};
  if (!chain) abort();
  cf_chain_init(chain);
  if (cf_chain_found(chain, &block, &d->block0, k->ledger, &err)) return cf_fail_error("init", &err);
  *code = chain->hash;
  cf_chain_fini(chain);
  free(chain);
  return 0;
}

int cf_init_deployment(cf_wr_t *entry, cf_domain_t const *d, cf_init_keys_t const *k, cf_hash_t const *code) {
  cf_wr_t         body = cf_room(4096);
  cf_deployment_t doc = {.kind = d->genesis.ledger.kind, .chain_id = d->genesis.ledger.chain_id};
  memcpy(doc.domain, d->id.b, 32);
  memcpy(doc.contract, d->genesis.ledger.contract, 20);
  memcpy(doc.code_hash, code->b, 32);
  cf_table_encode(&body, &cf_deployment_table, &doc);
  cf_council_doc_t signed_doc;
  act(&signed_doc, cf_wr_out(&body), &d->ledger.separator, k);
  seal(entry, &cf_deployment_table, &signed_doc, k->gateway, "gateway");
  return 0;
}
