/* A domain as a party meets it: genesis, log, witnesses, a TPM played by the test, verifiers that really appraise, a ledger by
   its own rules.  Everything is made anew for each case; at every stage a case may spoil what was just made. */
#ifndef CF_TESTS_PARTY_WORLD_H
#define CF_TESTS_PARTY_WORLD_H

#include "../evidence/pki.h"

#include "ledger/cf_blocks.h"
#include "ledger/cf_genesis_map.h"
#include "party/cf_party.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define NOW ((uint64_t)T)
#define VERIFIERS 3
#define WITNESSES 4
#define ENTRIES_MAX 32
#define ATTEST_MAX 600u
#define PENDING_MAX 64

typedef enum {
  STAGE_GENESIS,
  STAGE_PARTS,
  STAGE_SIGN,
  STAGE_EVIDENCE,
  STAGE_EARS,
  STAGE_LOG,
  STAGE_NOTE,
  STAGE_BUNDLE,
  STAGE_ASK
} stage_t;
struct world;
typedef void spoil_fn(struct world *w, stage_t stage);

typedef struct world {
  /* keys */
  cf_hash_t      governor[2], verifier[VERIFIERS], witness[WITNESSES], observer, block_key, log_seed, sealing, settlement;
  cf_p256_key_t *log_key, *ear_key[VERIFIERS], *statement_key[VERIFIERS], *identity, *boot_signer, *epoch_signer, *receipt_key,
      *wrapper;
  cert_t    root, ek;
  soft_ak_t ak;
  /* documents */
  cf_genesis_t     genesis;
  cf_policy_t      policy;
  cf_hash_t        domain, separator;
  cf_council_doc_t act[2]; /* genesis, deployment */
  cf_deployment_t  deployment;
  cf_boot_t        boot;
  cf_epoch_t       epoch;
  cf_hash_t        certificate;
  cf_span_t        evidence, fresh, collateral, statement[VERIFIERS];
  cf_hash_t        nonce[2];
  cf_ear_t         ear[VERIFIERS];
  size_t           ears, statements;
  int64_t          statement_time;
  /* the log */
  cf_span_t        entry[ENTRIES_MAX];
  cf_hash_t        leaf[ENTRIES_MAX];
  size_t           size;
  cf_witness_set_t set;
  unsigned         cosigners; /* bit per witness */
  uint64_t         note_time;
  /* what the party has and asks */
  cf_bundle_t     bundle;
  cf_bundle_ask_t ask;
  cf_kept_t       kept;
  cf_hash_t       consistency[CF_TREE_PATH_MAX];
} world_t;

/* ---- small things ---- */

static inline cf_span_t keep(cf_span_t s) { /* until the program ends */
  static uint8_t pool[96 << 20];
  static size_t  used;
  assert_true(s.len <= sizeof pool - used);
  if (s.len) memcpy(pool + used, s.ptr, s.len);
  used += s.len;
  return CF_SPAN(pool + used - s.len, s.len);
}

static inline cf_hash_t h(char const *what) { return cf_sha256(CF_SPAN(what, strlen(what))); }
static inline cf_hash_t hn(char const *what, unsigned n) {
  char text[64];
  snprintf(text, sizeof text, "%s %u", what, n);
  return h(text);
}
/* One key a name, for all worlds of the process; keys_free ends them. */
static struct {
  char           name[32];
  cf_p256_key_t *key;
} made[32];
static inline cf_p256_key_t *key_of(char const *what) {
  size_t i = 0;
  while (made[i].key && strcmp(made[i].name, what)) i++;
  if (!made[i].key) {
    cf_hash_t s = h(what);
    snprintf(made[i].name, sizeof made[i].name, "%s", what);
    made[i].key = cf_p256_key_from(s.b);
  }
  return made[i].key;
}
static soft_ak_t made_ak;
static inline int keys_free(void **state) {
  cf_p256_key_free(made_ak.key);
  for (size_t i = 0; i < sizeof made / sizeof *made; i++) cf_p256_key_free(made[i].key);
  return 0;
}

static inline void addr_to(uint8_t out[20], cf_hash_t const *scalar) {
  cf_addr_t a;
  assert_int_equal(cf_k256_addr(&a, scalar->b), CF_OK);
  memcpy(out, a.b, 20);
}

static inline void es256_to(uint8_t out[64], cf_p256_key_t const *key) {
  cf_p256_pub_t pub;
  cf_p256_key_pub(key, &pub);
  memcpy(out, pub.b, 64);
}

static inline void ed25519_to(uint8_t out[32], cf_hash_t const *seed) {
  cf_ed25519_pub_t pub;
  cf_ed25519_pub(&pub, seed->b);
  memcpy(out, pub.b, 32);
}

/* ---- genesis ---- */

static inline void fill_policy(world_t *w) {
  cf_policy_t *p = &w->policy;
  cf_hash_t    program = h("program"), configuration = h("configuration"), root = cf_sha256(der_of(&w->root));
  uint8_t      registers[11 * 32] = {0};
  cf_hash_t    measurement = cf_measurement(CF_PLATFORM_TPM, &program, &configuration, CF_SPAN_OF(registers));
  *p = (cf_policy_t){.version = 1,
                     .collateral_max_age_s = 30 * DAY,
                     .credential_max_age_s = 10 * DAY,
                     .epoch_s = DAY,
                     .attest_max_age_s = ATTEST_MAX,
                     .attest_interval_s = 300,
                     .grace_s = 60,
                     .clock_skew_s = 5,
                     .workload = CF_SPAN_LIT("clearing"),
                     .workload_version = 1,
                     .workload_params = CF_SPAN_LIT("p"),
                     .max_flight = 4,
                     .max_inputs_per_window = 100,
                     .max_amount = 1000,
                     .admission = 1,
                     .disclosure = 1,
                     .snapshot_entries = 4096,
                     .promise_max_s = 60,
                     .notice_s = 60,
                     .key_tcb_mask = 1,
                     .measurements_cnt = 1,
                     .ek_roots_cnt = 1,
                     .suites_cnt = 1,
                     .jurisdictions_cnt = 2,
                     .gateway_keys_cnt = 1};
  p->measurements[0] = (cf_measurement_t){.platform = 1, .until = NOW + 30 * DAY, .source = CF_SPAN_LIT("test")};
  memcpy(p->measurements[0].program, program.b, 32);
  memcpy(p->measurements[0].configuration, configuration.b, 32);
  memcpy(p->measurements[0].measurement, measurement.b, 32);
  p->ek_roots[0].class = 4;
  memcpy(p->ek_roots[0].root, root.b, 32);
  p->suites[0] = (cf_suite_row_t){.suite = 1, .state = 1};
  p->jurisdictions[0] = CF_SPAN_LIT("CH");
  p->jurisdictions[1] = CF_SPAN_LIT("EU");
  es256_to(p->gateway_keys[0], w->log_key);
}

static inline void fill_councils(world_t *w) {
  static char const *const names[] = {"a.test", "b.test", "c.test", "d.test"};
  static struct {
    cf_council_role_t role;
    uint64_t          n, k, f;
  } const shapes[] = {
      {CF_GOVERNORS, 2, 2, 1},         {CF_GUARDIANS, 1, 1, 0}, {CF_VERIFIERS, VERIFIERS, 2, 1},
      {CF_WITNESSES, WITNESSES, 3, 1}, {CF_OBSERVERS, 1, 1, 0},
  };
  cf_hash_t guardian = h("guardian");
  for (size_t c = 0; c < COUNT(shapes); c++) {
    cf_council_t *council = &w->genesis.councils[c];
    *council =
        (cf_council_t){.role = shapes[c].role, .k = shapes[c].k, .f = shapes[c].f, .version = 1, .members_cnt = shapes[c].n};
    for (size_t i = 0; i < shapes[c].n; i++) {
      cf_member_t *m = &council->members[i];
      m->name = CF_SPAN(names[i], strlen(names[i]));
      switch (shapes[c].role) {
      case CF_GOVERNORS:
        addr_to(m->addr, &w->governor[i]);
        break;
      case CF_GUARDIANS:
        addr_to(m->addr, &guardian);
        break;
      case CF_VERIFIERS:
        addr_to(m->addr, &w->verifier[i]);
        es256_to(m->es256, w->ear_key[i]);
        break;
      case CF_WITNESSES:
        ed25519_to(m->ed25519, &w->witness[i]);
        break;
      case CF_OBSERVERS:
        addr_to(m->addr, &w->observer);
        break;
      case CF_CUSTODIANS:
        break;
      }
    }
  }
  w->genesis.councils_cnt = COUNT(shapes);
}

static inline void sign_act(world_t *w, cf_council_doc_t *act, cf_span_t body) {
  *act =
      (cf_council_doc_t){.body = body, .council = CF_GOVERNORS, .version = 1, .not_after = NOW, .sigs_cnt = 2, .member = {0, 1}};
  cf_hash_t hash = cf_document_hash(CF_SPAN(NULL, 0), body),
            digest = cf_council_doc_digest(&w->separator, act->council, 1, 0, act->not_after, &hash);
  for (size_t i = 0; i < 2; i++) assert_int_equal(cf_k256_sign(act->sig[i], w->governor[i].b, &digest), CF_OK);
}

static inline cf_span_t table_bytes(cf_table_t const *t, void const *doc) {
  static uint8_t buf[65536];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_table_encode(&wr, t, doc);
  assert_false(wr.bad);
  return keep(cf_wr_out(&wr));
}

static inline void fill_genesis(world_t *w, spoil_fn *spoil) {
  cf_genesis_t *g = &w->genesis;
  fill_policy(w);
  *g = (cf_genesis_t){.name = CF_SPAN_LIT("test"),
                      .class = 2,
                      .created = NOW - DAY,
                      .assets_cnt = 1,
                      .ledger = {.kind = 1,
                                 .chain_id = (1ULL << 40) + 7,
                                 .mode = 1,
                                 .max_validity_s = 60,
                                 .max_pause_s = 20,
                                 .exit_delay_s = 300,
                                 .notice_s = 400,
                                 .dead_after_s = 1000,
                                 .overlap_s = 60},
                      .log = {.origin = CF_SPAN_LIT("counterfoil.test/log")}};
  g->assets[0] = (cf_asset_t){.id = 0, .symbol = CF_SPAN_LIT("EUR"), .scale = 2, .cap = 1000000};
  addr_to(g->ledger.contract, &w->block_key);
  addr_to(g->treasury, &w->observer);
  ed25519_to(g->log.ed25519, &w->log_seed);
  es256_to(g->log.es256, w->log_key);
  fill_councils(w);
  spoil(w, STAGE_GENESIS);
  g->policy = table_bytes(&cf_policy_table, &w->policy);
  cf_span_t body = table_bytes(&cf_genesis_table, g);
  cf_addr_t contract;
  memcpy(contract.b, g->ledger.contract, 20);
  w->domain = cf_domain(body);
  w->separator = cf_eip712_domain(g->ledger.chain_id, &contract, &w->domain);
  sign_act(w, &w->act[0], body);
}

/* ---- the instance ---- */

static inline void fill_parts(world_t *w) {
  cf_p256_pub_t   pub;
  cf_x25519_pub_t sealing;
  cf_hash_t       configuration = h("configuration"), commitment = h("commitment"), random = h("random"),
            policy = cf_policy_hash(w->genesis.policy);
  w->deployment = (cf_deployment_t){.kind = 1, .chain_id = w->genesis.ledger.chain_id};
  memcpy(w->deployment.domain, w->domain.b, 32);
  memcpy(w->deployment.contract, w->genesis.ledger.contract, 20);
  memset(w->deployment.code_hash, 3, 32);
  cf_p256_key_pub(w->identity, &pub);
  cf_hash_t instance = cf_p256_thumbprint(&pub);
  w->epoch = (cf_epoch_t){.epoch = 2, .boot = 2, .suite = 1, .not_before = NOW - 100, .not_after = NOW + DAY};
  memcpy(w->epoch.domain, w->domain.b, 32);
  memcpy(w->epoch.instance, instance.b, 32);
  memcpy(w->epoch.configuration, configuration.b, 32);
  cf_x25519_pub(&sealing, w->sealing.b);
  memcpy(w->epoch.sealing, sealing.b, 32);
  es256_to(w->epoch.receipt, w->receipt_key);
  addr_to(w->epoch.settlement, &w->settlement);
  memcpy(w->epoch.policy, policy.b, 32);
  cf_hash_t keys = cf_epoch_keys_hash(1, w->epoch.sealing, w->epoch.receipt, w->epoch.settlement);
  w->boot = (cf_boot_t){.root_number = 1};
  memcpy(w->boot.domain, w->domain.b, 32);
  memcpy(w->boot.identity, pub.b, 64);
  memcpy(w->boot.keys, keys.b, 32);
  memcpy(w->boot.commitment, commitment.b, 32);
  memcpy(w->boot.random, random.b, 32);
}

static inline cf_span_t seal_document(cf_hash_t *hash, cf_table_t const *t, void const *doc, cf_p256_key_t const *key) {
  static uint8_t buf[65536];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_document_seal(&wr, hash, t, doc, key, "test", t->name);
  assert_false(wr.bad);
  return keep(cf_wr_out(&wr));
}

static inline cf_span_t seal_act(cf_table_t const *t, cf_council_doc_t const *act, cf_p256_key_t const *key) {
  static uint8_t buf[65536];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_council_doc_seal(&wr, t->typ, act, key, "log", t->name);
  assert_false(wr.bad);
  return keep(cf_wr_out(&wr));
}

static inline void log_add(world_t *w, cf_span_t entry) {
  assert_true(w->size < ENTRIES_MAX);
  w->entry[w->size] = entry;
  w->leaf[w->size++] = cf_tree_leaf(entry);
}

/* ---- evidence ---- */

static inline cf_span_t quote(world_t *w, cf_hash_t const *nonces, size_t nonces_cnt) {
  static uint8_t    chain[8192], attest[1024], sig[128], buf[CF_CARRIER_MAX];
  cf_wr_t           cw = cf_wr_init(chain, sizeof chain), wr = cf_wr_init(buf, sizeof buf);
  cf_tpm_evidence_t e = {.version = 1, .ak_public = CF_SPAN(w->ak.public, w->ak.public_sz), .certificate = w->entry[3]};
  cf_hash_t         program = h("program"), configuration = h("configuration"), instance;
  memcpy(instance.b, w->epoch.instance, 32);
  cf_wr_span(&cw, der_of(&w->ek));
  e.ek_chain = cf_wr_out(&cw);
  cf_hash_t pcr11 = cf_pcr11(&program, &configuration, &w->domain), pcr12 = cf_pcr12(&instance);
  memcpy(e.pcrs + 10 * 32, pcr11.b, 32);
  memcpy(e.pcrs + 11 * 32, pcr12.b, 32);
  es256_to(e.identity, w->identity);
  memcpy(e.program, program.b, 32);
  memcpy(e.configuration, configuration.b, 32);
  e.nonces = CF_SPAN(nonces->b, 32 * nonces_cnt);
  cf_hash_t list = cf_nonces_hash(e.nonces), binding = cf_binding(&w->certificate, &list);
  e.attest = soft_attest(attest, sizeof attest, SOFT_SHAPE, CF_SPAN_OF(binding.b), CF_SPAN_OF(e.pcrs));
  e.signature = soft_sign(sig, sizeof sig, &w->ak, e.attest);
  cf_carrier_encode(&wr, &e);
  assert_false(wr.bad);
  return keep(cf_wr_out(&wr));
}

static inline void fill_statements(world_t *w) {
  cf_tpm_public_t ak;
  uint8_t         name[CF_TPM_NAME_MAX];
  cf_hash_t       ek = cf_sha256(der_of(&w->ek)), nonce = h("statement nonce");
  assert_int_equal(cf_tpm_public_decode(&ak, CF_SPAN(w->ak.public, w->ak.public_sz), NULL), CF_OK);
  cf_tpm_name(name, &ak);
  for (size_t i = 0; i < VERIFIERS; i++) {
    cf_statement_t s = {.ak_attributes = SOFT_AK_ATTRIBUTES, .time = (uint64_t)w->statement_time};
    memcpy(s.ak_name, name, sizeof s.ak_name);
    memcpy(s.ek_certificate, ek.b, 32);
    memcpy(s.domain, w->domain.b, 32);
    memcpy(s.nonce, nonce.b, 32);
    w->statement[i] = seal_document(NULL, &cf_statement_table, &s, w->statement_key[i]);
  }
}

/* What a verifier says of it: its own appraisal, whatever comes out. */
static inline void fill_ears(world_t *w) {
  cf_evidence_item_t items[1 + VERIFIERS] = {{CF_ROLE_EVIDENCE, w->evidence}};
  cf_root_t          root = {(cf_root_class_t)w->policy.ek_roots[0].class, der_of(&w->root)};
  cf_evidence_ask_t  ask = {
       .items = items, .item_cnt = 1 + VERIFIERS, .roots = &root, .root_cnt = 1, .domain = w->domain, .at_s = T};
  cf_hash_t    policy = cf_policy_hash(w->genesis.policy);
  cf_facts_t   facts = {0};
  cf_verdict_t v;
  int64_t      until = T + ATTEST_MAX;
  for (size_t i = 0; i < VERIFIERS; i++) items[1 + i] = (cf_evidence_item_t){CF_ROLE_STATEMENT, w->statement[i]};
  if (cf_evidence_verify(&facts, &ask, &v)) { /* a case about bad evidence: the results are as if it were good */
    memcpy(facts.measurement.b, w->policy.measurements[0].measurement, 32);
    memcpy(facts.nonces_hash.b, cf_nonces_hash(CF_SPAN(w->nonce[0].b, 32)).b, 32);
    facts.evidence = cf_sha256(w->evidence);
    facts.domain = w->domain;
    facts.certificate = w->certificate;
    facts.platform = CF_PLATFORM_TPM;
    facts.cls = CF_CLASS_OWNER;
  }
  for (size_t i = 0; i < VERIFIERS; i++) cf_appraise_result(&w->ear[i], &facts, CF_VERDICT_OK, &policy, T - 60, until);
}

/* ---- note and bundle ---- */

static inline cf_span_t note_of(world_t *w, size_t size) {
  uint8_t text_buf[512], log_buf[1024], out[8192], sig[64];
  cf_wr_t text = cf_wr_init(text_buf, sizeof text_buf), note = cf_wr_init(log_buf, sizeof log_buf),
          wr = cf_wr_init(out, sizeof out);
  cf_hash_t       root = cf_tree_root_of(w->leaf, size);
  cf_checkpoint_t cp;
  cf_cosig_t      cosig[CF_WITNESSES_MAX] = {{0}};
  cf_checkpoint_format(&text, cf_vkey_name(&w->set.log), size, &root);
  cf_checkpoint_sign(&note, &w->set.log, w->log_seed.b, size, &root);
  assert_int_equal(cf_checkpoint_open(&cp, NULL, sig, cf_wr_out(&note), &w->set.log, NULL), CF_OK);
  for (unsigned i = 0; i < WITNESSES; i++)
    if (w->cosigners >> i & 1) {
      cf_cosig_make(&cosig[i], w->witness[i].b, w->note_time, cf_wr_out(&text));
      cosig[i].have = true;
    }
  cf_checkpoint_compose(&wr, cf_wr_out(&text), &w->set, sig, cosig);
  assert_false(wr.bad);
  return keep(cf_wr_out(&wr));
}

static inline cf_status_t read_leaf(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  world_t *w = ctx;
  *out = cf_tree_root_of(w->leaf + (index << level), (size_t)1 << level);
  return CF_OK;
}

static inline void prove(world_t *w, cf_proven_t *p, uint64_t index) {
  cf_tree_reader_t reader = {read_leaf, w};
  p->index = index;
  p->entry = w->entry[index];
  assert_int_equal(cf_tree_inclusion_prove(p->path, &p->path_cnt, &reader, w->size, index), CF_OK);
}

static inline void fill_bundle(world_t *w) {
  cf_bundle_t *b = &w->bundle;
  *b = (cf_bundle_t){.genesis = w->entry[0],
                     .note = note_of(w, w->size),
                     .results_cnt = w->ears,
                     .evidence = w->evidence,
                     .collateral = w->collateral,
                     .statements_cnt = w->statements,
                     .fresh = w->fresh};
  prove(w, &b->deployment, 1);
  prove(w, &b->boot, 2);
  prove(w, &b->certificate, 3);
  for (size_t i = 0; i < w->ears; i++) prove(w, &b->results[i], 5 + i);
  for (size_t i = 0; i < w->statements; i++) b->statements[i] = w->statement[i];
}

static inline void keep_head(world_t *w, size_t size) {
  cf_tree_reader_t reader = {read_leaf, w};
  w->kept = (cf_kept_t){size, cf_tree_root_of(w->leaf, size), NOW - 300};
  w->ask.kept = &w->kept;
  w->ask.consistency = w->consistency;
  assert_int_equal(cf_tree_consistency_prove(w->consistency, &w->ask.consistency_cnt, &reader, size, w->size), CF_OK);
}

/* ---- all of it ---- */

static inline void world_keys(world_t *w) {
  static cert_t root, ek; /* an RSA key takes its time */
  if (!root.x) {
    root = make(&root_shape, NULL);
    ek = make(&ek_shape, &root);
  }
  w->root = root;
  w->ek = ek;
  if (!made_ak.key) made_ak = soft_ak(SOFT_AK_ATTRIBUTES);
  w->ak = made_ak;
  for (unsigned i = 0; i < 2; i++) w->governor[i] = hn("governor", i);
  for (unsigned i = 0; i < VERIFIERS; i++) {
    char name[32];
    snprintf(name, sizeof name, "ear %u", i);
    w->verifier[i] = hn("verifier", i);
    w->ear_key[i] = w->statement_key[i] = key_of(name);
  }
  for (unsigned i = 0; i < WITNESSES; i++) w->witness[i] = hn("witness", i);
  w->observer = h("observer");
  w->block_key = h("block key");
  w->log_seed = h("log seed");
  w->sealing = h("sealing");
  w->settlement = h("settlement");
  w->log_key = w->wrapper = key_of("log");
  w->identity = w->boot_signer = w->epoch_signer = key_of("identity");
  w->receipt_key = key_of("receipt");
}

static inline void spoil_nothing(world_t *w, stage_t stage) { (void)w, (void)stage; }

static inline void world_make(world_t *w, spoil_fn *spoil) {
  cf_error_t err = {0};
  *w = (world_t){.ears = 2, .statements = 2, .cosigners = 0xf, .note_time = NOW - 30, .statement_time = T - DAY};
  world_keys(w);
  fill_genesis(w, spoil);
  assert_int_equal(cf_genesis_witnesses(&w->set, &w->genesis, &err), CF_OK);
  fill_parts(w);
  spoil(w, STAGE_PARTS);
  sign_act(w, &w->act[1], table_bytes(&cf_deployment_table, &w->deployment));
  spoil(w, STAGE_SIGN);
  log_add(w, seal_act(&cf_genesis_table, &w->act[0], w->wrapper));
  log_add(w, seal_act(&cf_deployment_table, &w->act[1], w->log_key));
  log_add(w, seal_document(NULL, &cf_boot_table, &w->boot, w->boot_signer));
  log_add(w, seal_document(&w->certificate, &cf_epoch_table, &w->epoch, w->epoch_signer));
  log_add(w, CF_SPAN_LIT("an entry of no matter"));
  w->nonce[0] = h("nonce");
  w->nonce[1] = h("own nonce");
  w->evidence = quote(w, &w->nonce[0], 1);
  w->fresh = quote(w, &w->nonce[1], 1);
  w->collateral = der_of(&w->root);
  fill_statements(w);
  spoil(w, STAGE_EVIDENCE);
  fill_ears(w);
  spoil(w, STAGE_EARS);
  for (size_t i = 0; i < w->ears; i++) {
    uint8_t buf[4096];
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_ear_seal(&wr, &w->ear[i], w->ear_key[i], "verifier");
    assert_false(wr.bad);
    log_add(w, keep(cf_wr_out(&wr)));
  }
  spoil(w, STAGE_LOG);
  while (w->size < 11) log_add(w, CF_SPAN_LIT("another"));
  spoil(w, STAGE_NOTE);
  fill_bundle(w);
  spoil(w, STAGE_BUNDLE);
  w->ask = (cf_bundle_ask_t){.domain = &w->domain, .at_s = NOW};
  spoil(w, STAGE_ASK);
}

#endif
