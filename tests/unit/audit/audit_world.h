/* Public folders to audit, made by the real enclave core, the real ledger rules, and a software TPM's part of the evidence played
   by the test: k = 2 of 3 verifiers, an EK root of class owner-controlled, everything archived as a gateway archives it.
   The folder lies in memory, and a test may break it in any way.  With world_on_chain the ledger is a contract on a chain that is made
   up: the same rules, and what its nodes would tell of it. */
#ifndef CF_TEST_AUDIT_WORLD_H
#define CF_TEST_AUDIT_WORLD_H

#include "../enclave/world.h"
#include "../evidence/pki.h"
#include "../ledger/evm_chain.h"

#include "audit/cf_audit.h"
#include "enclave/cf_enclave_state.h"
#include "evidence/cf_statement.h"
#include "session/cf_session.h"
#include "translog/cf_tile.h"

/* ---- a folder in memory ---- */

typedef struct {
  char     name[128];
  uint8_t *bytes;
  size_t   len;
} mem_file_t;

typedef struct {
  mem_file_t file[4096];
  size_t     cnt;
  bool       failing; /* the world fails: every read */
} tree_t;

static inline mem_file_t *tree_find(tree_t *t, char const *name) {
  for (size_t i = 0; i < t->cnt; i++)
    if (!strcmp(t->file[i].name, name)) return &t->file[i];
  return NULL;
}

static inline void tree_put(tree_t *t, char const *name, cf_span_t bytes) {
  mem_file_t *f = tree_find(t, name);
  if (!f) f = &t->file[t->cnt++];
  assert_true(t->cnt < 4096);
  snprintf(f->name, sizeof f->name, "%s", name);
  f->bytes = (uint8_t *)(uintptr_t)keep(bytes).ptr;
  f->len = bytes.len;
}

static inline void tree_drop(tree_t *t, char const *name) {
  mem_file_t *f = tree_find(t, name);
  assert_non_null(f);
  *f = t->file[--t->cnt];
}

static inline cf_status_t tree_list(void *ctx, cf_audit_name_fn *fn, void *fn_ctx) {
  tree_t *t = ctx;
  for (size_t i = 0; i < t->cnt; i++) fn(fn_ctx, t->file[i].name);
  return CF_OK;
}

static inline cf_read_t tree_read(void *ctx, char const *name, size_t max, cf_span_t *bytes) {
  static uint8_t *last; /* a copy of the exact size, gone at the next read: whoever reads on or beyond is caught */
  tree_t         *t = ctx;
  mem_file_t     *f = tree_find(t, name);
  if (t->failing) return CF_READ_FAILED;
  if (!f) return CF_READ_ABSENT;
  if (f->len > max) return CF_READ_LARGE;
  free(last);
  last = malloc(f->len ? f->len : 1);
  memcpy(last, f->bytes, f->len);
  *bytes = CF_SPAN(last, f->len);
  return CF_READ_OK;
}

static inline cf_audit_reader_t tree_reader(tree_t *t) { return (cf_audit_reader_t){tree_list, tree_read, t}; }

/* ---- the world ---- */

#define VERIFIERS 3

typedef struct {
  uint8_t         scalar[32], result[32];
  cf_x25519_pub_t result_pub;
  cf_session_t    session;
  uint64_t        order;
  uint32_t        account;
} a_party_t;

#define EVM_EVENTS_MAX 64

/* A contract's chain, and what an auditor may hear of it. */
typedef struct {
  evm_chain_t            at;
  cf_ledger_genesis_t    genesis;
  cf_slot_write_t        writes[CF_LEDGER_WRITES_MAX];
  cf_audit_block_t       block[4 * EVM_EVENTS_MAX];
  size_t                 block_cnt;
  cf_audit_settled_t     settled[EVM_EVENTS_MAX];
  cf_audit_registered_t  registered[EVM_EVENTS_MAX];
  cf_audit_message_t     message[4 * EVM_EVENTS_MAX];
  uint64_t               event;
  uint64_t               held; /* of the one token, in units */
  evm_chain_t            asked; /* as it was when facts were asked for */
  uint64_t               asked_held;
  cf_audit_chain_facts_t facts; /* the counts of events; the rest when it is asked */
  bool                   gone;    /* nothing stands there */
  bool                   failing; /* no node answers */
  bool                   silent;  /* ... when asked for blocks */
  bool                   mute;    /* ... when asked for slots */
  bool                   no_token; /* what is listed is no token */
  cf_audit_chain_t       chain;
} evm_t;

typedef struct {
  world_t       *w;
  tree_t        *t;
  evm_t         *evm; /* NULL: the ledger is embedded */
  cert_t         root, ek;
  uint8_t        scalar[VERIFIERS][32];
  cf_p256_key_t *ear_key[VERIFIERS];
  a_party_t      party[3];
  cf_hash_t      ids[256];  /* envelopes of the last batch */
  cf_hash_t      sent[256]; /* of all */
  size_t         sent_cnt;
  cf_hash_t      evidence;
  cf_span_t      proof;             /* of the view shown last: archived when a receipt names it */
  uint64_t       published;         /* log size */
  void (*twist_ear)(cf_ear_t *ear); /* what a lying verifier would change; NULL: nothing */
  bool one_lies;                    /* only this one of three, not all */
  int  liar;
  void (*twist_settlement)(cf_settlement_doc_t *doc);
  bool         hide_settlement;
  bool         no_deployment, other_block, other_evidence; /* what the founders or the registrar do wrong */
  cf_ciphers_t ciphers;
} a_world_t;

static inline cf_hash_t archive(a_world_t *a, cf_span_t bytes) {
  char      name[80] = "archive/";
  cf_hash_t h = cf_sha256(bytes);
  cf_hex_encode(name + 8, CF_SPAN_OF(h.b));
  tree_put(a->t, name, bytes);
  return h;
}

static inline void put_block(a_world_t *a, cf_span_t bytes) {
  char name[64];
  snprintf(name, sizeof name, "ledger/blocks/%020llu", (unsigned long long)a->w->chain.head.number);
  tree_put(a->t, name, bytes);
}

/* ---- a contract's chain ---- */

static inline void evm_next(a_world_t *a) {
  evm_t *e = a->evm;
  evm_mine(&e->at, e->at.number + 3, a->w->now_s);
  assert_true(e->block_cnt < CF_COUNT_OF(e->block));
  e->block[e->block_cnt++] = (cf_audit_block_t){e->at.number, e->at.hash, e->at.time_s};
}

static inline cf_hash_t evm_slot(void *ctx, cf_hash_t const *key) { return evm_get(ctx, *key); }

static inline uint64_t evm_not_before(evm_t const *e, cf_addr_t const *key) {
  cf_hash_t const word = evm_get(&e->at, cf_slot_key(key));
  return cf_ledger_key_unpack(&word).not_before_s;
}

/* A call, and what it leaves behind: slots, messages, events. */
static inline void evm_call(a_world_t *a, cf_span_t bytes) {
  evm_t              *e = a->evm;
  world_t            *w = a->w;
  uint64_t            block = e->at.number + 3;
  cf_call_t           call;
  cf_op_t             op;
  cf_inbox_msg_t      m;
  cf_ledger_effects_t fx = {.writes = e->writes, .writes_max = CF_LEDGER_WRITES_MAX};
  assert_int_equal(cf_call_decode(&call, bytes), CF_OK);
  assert_int_equal(cf_op_decode(&op, call.op), CF_OK);
  cf_ledger_env_t env = {.time_s = w->now_s, .sender = call.from, .chain_id = w->genesis.ledger.chain_id, .contract = e->at.contract};
  cf_refusal_t    r = cf_ledger_apply(&e->genesis.config, (cf_slot_reader_t){evm_slot, &e->at}, &env, &op, &fx);
  if (r.code) fail_msg("the contract refuses: %s", cf_refusal_name(r.code));
  for (size_t i = 0; i < fx.writes_cnt; i++) evm_put(&e->at, fx.writes[i].key, fx.writes[i].value);
  cf_rd_t rd = cf_rd_span(fx.message);
  if (fx.message.len) {
    m = cf_inbox_msg_read(&rd);
    evm_message(&e->at, &m);
    e->message[e->facts.messages_cnt++] = (cf_audit_message_t){block, e->event++, m};
  }
  if (fx.pull.due) e->held += fx.pull.units;
  if (fx.pay.due) e->held -= fx.pay.units;
  if (fx.settled.due) e->settled[e->facts.settled_cnt++] = (cf_audit_settled_t){block, fx.settled.head, fx.settled.settlement};
  if (op.kind == CF_OP_REGISTER)
    e->registered[e->facts.registered_cnt++] = (cf_audit_registered_t){.block = block,
                                                                      .index = e->event++,
                                                                      .not_before_s = evm_not_before(e, &op.registration.key),
                                                                      .key = op.registration.key,
                                                                      .called = true,
                                                                      .r = op.registration,
                                                                      .sigs = op.sigs};
}

static inline cf_read_t evm_facts(void *ctx, cf_audit_chain_facts_t *out, cf_ledger_identity_t const *ledger) {
  evm_t *e = ctx;
  assert_memory_equal(ledger->contract.b, e->at.contract.b, 20);
  if (e->failing) return CF_READ_FAILED;
  if (e->gone) return CF_READ_ABSENT;
  e->facts.final = e->block[e->block_cnt - 1];
  e->facts.code_hash = e->at.code_hash;
  e->facts.head = evm_get(&e->at, cf_slot_plain(CF_SLOT_HEAD));
  e->facts.settled = e->settled;
  e->facts.registered = e->registered;
  e->facts.inbox = evm_get(&e->at, cf_slot_plain(CF_SLOT_INBOX));
  e->facts.messages = e->message;
  e->asked = e->at;
  e->asked_held = e->held;
  *out = e->facts;
  return CF_READ_OK;
}

static inline cf_read_t evm_blocks(void *ctx, cf_audit_named_t *rows, size_t n) {
  evm_t *e = ctx;
  assert_true(n > 0 && n <= CF_AUDIT_BLOCKS_MAX);
  for (size_t k = 0; k < n; k++) {
    if (k) assert_true(rows[k].block.number > rows[k - 1].block.number);
    for (size_t i = 0; i < e->block_cnt; i++)
      if (e->block[i].number == rows[k].block.number) rows[k] = (cf_audit_named_t){e->block[i], true};
  }
  return e->silent ? CF_READ_FAILED : CF_READ_OK;
}

static inline cf_read_t evm_slots(void *ctx, cf_hash_t *values, cf_hash_t const *keys, size_t n) {
  evm_t const *e = ctx;
  assert_true(n > 0 && n <= CF_AUDIT_SLOTS_MAX);
  for (size_t i = 0; i < n; i++) values[i] = evm_get(&e->asked, keys[i]);
  return e->mute ? CF_READ_FAILED : CF_READ_OK;
}

/* The world's assets are of one token, whose smallest part is a unit. */
static inline cf_read_t evm_held(void *ctx, cf_audit_held_t *row) {
  evm_t const *e = ctx;
  bool         ours = cf_addr_eq(&e->genesis.assets[0].token, &row->token);
  *row = (cf_audit_held_t){row->token, ours && !e->no_token, true, e->genesis.assets[0].scale, cf_word_u64(e->asked_held)};
  return e->mute ? CF_READ_FAILED : CF_READ_OK;
}

/* What is final now. */
static inline cf_finality_t a_newest(a_world_t const *a) {
  cf_chain_t const *c = &a->w->chain;
  evm_t const      *e = a->evm;
  if (e) return (cf_finality_t){.number = e->at.number, .block_hash = e->at.hash, .time_s = e->at.time_s};
  return (cf_finality_t){.number = c->head.number, .block_hash = c->hash, .time_s = c->head.time_s};
}

static inline cf_status_t a_view(a_world_t *a, cf_wr_t *wr, cf_span_t finality, cf_addr_t const *key, cf_hash_t const *keys, size_t n,
                                 uint64_t *taken) {
  world_t *w = a->w;
  if (!a->evm) return cf_view_write(wr, &w->chain, finality, key, keys, n, w->view_messages, taken);
  cf_rd_t rd = cf_rd_init(a->evm->at.messages, a->evm->at.messages_sz);
  for (uint64_t i = 0; i < w->view_messages; i++) (void)cf_inbox_msg_read(&rd);
  return evm_view(wr, &a->evm->at, finality, key, keys, n, w->view_messages, rd.pos, taken);
}

/* Genesis anew, with this EK root and three verifiers; the log and the ledger begin anew with it. */
static inline void refound(a_world_t *a) {
  static uint8_t           policy_buf[32768], body_buf[65536], entry_buf[65536];
  static char const *const names[VERIFIERS] = {"v0", "v1", "v2"};
  world_t                 *w = a->w;
  cf_genesis_t             g = w->genesis;
  cf_policy_t              p = w->policy;
  cf_council_t            *v = &g.councils[2];
  cf_hash_t                h = cf_sha256(der_of(&a->root));
  cf_error_t               err = {0};
  p.ek_roots_cnt = 1;
  p.ek_roots[0] = (cf_ek_root_t){.class = 4};
  memcpy(p.ek_roots[0].root, h.b, 32);
  v->k = 2, v->f = 1, v->members_cnt = 0;
  memset(v->members, 0, sizeof v->members);
  for (int i = 0; i < VERIFIERS; i++) {
    cf_p256_pub_t pub;
    cf_k256_scalar_make(a->scalar[i], &w->entropy);
    a->ear_key[i] = cf_p256_key_new(&w->entropy);
    add_addr(v, names[i], a->scalar[i]);
    cf_p256_key_pub(a->ear_key[i], &pub);
    memcpy(v->members[i].es256, pub.b, 64);
  }
  cf_wr_t pw = cf_wr_init(policy_buf, sizeof policy_buf), gw = cf_wr_init(body_buf, sizeof body_buf),
          ew = cf_wr_init(entry_buf, sizeof entry_buf);
  cf_table_encode(&pw, &cf_policy_table, &p);
  g.policy = cf_wr_out(&pw);
  cf_table_encode(&gw, &cf_genesis_table, &g);
  assert_false(pw.bad || gw.bad);
  cf_span_t body = keep(cf_wr_out(&gw));
  if (cf_table_decode(&w->genesis, &cf_genesis_table, body, &err) || cf_genesis_check(&w->genesis, &w->policy, &err))
    fail_msg("%s: %s", err.item, err.text);
  w->domain = cf_domain(body);
  w->policy_hash = cf_policy_hash(w->genesis.policy);
  w->ledger_id = cf_genesis_identity(&w->genesis, &w->domain);
  w->observers = cf_genesis_seats(cf_genesis_council(&w->genesis, CF_OBSERVERS));
  assert_int_equal(cf_genesis_witnesses(&w->witnesses, &w->genesis, &err), CF_OK);
  cf_council_doc_t doc = {.body = body, .council = CF_GOVERNORS, .version = 1, .not_after = (1ULL << 40) - 1, .sigs_cnt = 1};
  cf_hash_t        hash = cf_document_hash(CF_SPAN(NULL, 0), body);
  cf_hash_t        digest = cf_council_doc_digest(&w->ledger_id.separator, doc.council, 1, 0, doc.not_after, &hash);
  assert_int_equal(cf_k256_sign(doc.sig[0], w->governor, &digest), CF_OK);
  cf_council_doc_seal(&ew, cf_genesis_table.typ, &doc, w->log_key, "log", "genesis");
  assert_false(ew.bad);
  w->genesis_entry = keep(cf_wr_out(&ew));
  w->log.size = 0;
  cf_history_init(&w->history, &w->domain, &w->genesis, &w->policy);
  log_and_read(w, w->genesis_entry);
  tree_put(a->t, "genesis", w->genesis_entry);

  if (a->evm) {
    evm_t *e = a->evm;
    assert_int_equal(cf_ledger_genesis_of(&e->genesis, &w->genesis, &w->policy, &w->domain, &err), CF_OK);
    assert_int_equal(cf_ledger_genesis(&e->genesis, e->at.slots, CF_GENESIS_WRITES_MAX, &e->at.slots_cnt, &err), CF_OK);
    e->at.contract = w->ledger_id.contract;
    memset(e->at.code_hash.b, 0xc0, 32);
    evm_next(a);
    return;
  }
  cf_ledger_genesis_t *lg = calloc(1, sizeof *lg);
  assert_int_equal(cf_ledger_genesis_of(lg, &w->genesis, &w->policy, &w->domain, &err), CF_OK);
  cf_chain_fini(&w->chain);
  cf_chain_init(&w->chain);
  cf_wr_t out = cf_wr_init(w->block, sizeof w->block);
  assert_int_equal(cf_chain_found(&w->chain, &out, lg, w->block_key, &err), CF_OK);
  put_block(a, cf_wr_out(&out));
  free(lg);
}

static inline void log_deployment(a_world_t *a) {
  uint8_t         body_buf[512], entry_buf[2048];
  world_t        *w = a->w;
  cf_deployment_t d = {.kind = w->genesis.ledger.kind, .chain_id = w->genesis.ledger.chain_id};
  memcpy(d.domain, w->domain.b, 32);
  memcpy(d.contract, w->genesis.ledger.contract, 20);
  memcpy(d.code_hash, a->evm ? a->evm->at.code_hash.b : w->chain.hash.b, 32);
  d.code_hash[0] ^= a->other_block;
  cf_wr_t bw = cf_wr_init(body_buf, sizeof body_buf), ew = cf_wr_init(entry_buf, sizeof entry_buf);
  cf_table_encode(&bw, &cf_deployment_table, &d);
  cf_council_doc_t doc = {
      .body = cf_wr_out(&bw), .council = CF_GOVERNORS, .version = 1, .not_after = (1ULL << 40) - 1, .sigs_cnt = 1};
  cf_hash_t hash = cf_document_hash(CF_SPAN(NULL, 0), doc.body);
  cf_hash_t digest = cf_council_doc_digest(&w->ledger_id.separator, doc.council, 1, 0, doc.not_after, &hash);
  assert_int_equal(cf_k256_sign(doc.sig[0], w->governor, &digest), CF_OK);
  cf_council_doc_seal(&ew, cf_deployment_table.typ, &doc, w->gateway, "gateway", "deployment");
  log_and_read(w, cf_wr_out(&ew));
}

/* ---- the log's files ---- */

static inline void put_tile(a_world_t *a, cf_tile_t const *tile) {
  static uint8_t buf[1 << 20];
  char           name[4 + CF_TILE_PATH_MAX] = "log/";
  tlog_t        *log = &a->w->log;
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  for (uint64_t i = 0; i < tile->width; i++) {
    if (tile->row == CF_TILE_ENTRIES) {
      cf_bundle_add(&wr, log->entry[tile->index * 256 + i]);
      continue;
    }
    uint64_t  n = 1ULL << (8 * tile->row);
    cf_hash_t h = cf_tree_root_of(log->leaf + (tile->index * 256 + i) * n, n);
    cf_wr_hash(&wr, &h);
  }
  assert_false(wr.bad);
  cf_tile_path(name + 4, tile);
  tree_put(a->t, name, cf_wr_out(&wr));
}

/* publish writes what the log gained, as one append, and its newest checkpoint. */
static inline void publish(a_world_t *a) {
  uint8_t        buf[1024];
  world_t       *w = a->w;
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_tile_iter_t it = cf_tile_iter(a->published, w->log.size);
  cf_tile_t      tile;
  cf_hash_t      root = cf_tree_root_of(w->log.leaf, w->log.size);
  while (cf_tile_next(&it, &tile)) put_tile(a, &tile);
  cf_checkpoint_sign(&wr, &w->witnesses.log, w->log_seed, w->log.size, &root);
  tree_put(a->t, "log/checkpoint", cf_wr_out(&wr));
  a->published = w->log.size;
}

static inline void put_note(a_world_t *a) {
  char name[64];
  publish(a);
  snprintf(name, sizeof name, "checkpoints/%020llu", (unsigned long long)a->w->log.size);
  if (!tree_find(a->t, name)) tree_put(a->t, name, note_of(a->w, &a->w->log, a->w->log.size, 15));
}

static inline void a_show(a_world_t *a) {
  put_note(a);
  assert_int_equal(show(a->w), CF_REFUSE_NONE);
}

/* ---- evidence ---- */

static inline cf_span_t make_evidence(a_world_t *a, cf_span_t nonces) {
  static uint8_t           chain[8192], attest_buf[512], sig_buf[256], out_buf[32768];
  world_t                 *w = a->w;
  soft_ak_t                ak = soft_ak(SOFT_AK_ATTRIBUTES);
  cf_history_boot_t const *b = cf_history_newest(&w->history);
  cf_tpm_evidence_t        e = {.version = 1, .certificate = w->quoted, .nonces = nonces};
  cf_hash_t                conf = cf_sha256(CF_SPAN(w->configuration, w->configuration_sz));
  cf_hash_t                pcr11 = cf_pcr11(&world_program, &conf, &w->domain), pcr12 = cf_pcr12(&b->instance);
  cf_hash_t                nh = cf_nonces_hash(nonces), binding = cf_binding(&b->cert_hash, &nh);
  memcpy(e.pcrs + 10 * 32, pcr11.b, 32);
  memcpy(e.pcrs + 11 * 32, pcr12.b, 32);
  memcpy(e.identity, b->identity.b, 64);
  memcpy(e.program, world_program.b, 32);
  memcpy(e.configuration, conf.b, 32);
  cf_wr_t cw = cf_wr_init(chain, sizeof chain), out = cf_wr_init(out_buf, sizeof out_buf);
  cf_wr_span(&cw, der_of(&a->ek));
  e.ek_chain = cf_wr_out(&cw);
  e.ak_public = CF_SPAN(ak.public, ak.public_sz);
  e.attest = soft_attest(attest_buf, sizeof attest_buf, SOFT_SHAPE, CF_SPAN_OF(binding.b), CF_SPAN_OF(e.pcrs));
  e.signature = soft_sign(sig_buf, sizeof sig_buf, &ak, e.attest);
  cf_carrier_encode(&out, &e);
  assert_false(out.bad);
  cf_p256_key_free(ak.key);
  return keep(cf_wr_out(&out));
}

static inline cf_span_t make_statement(a_world_t *a, int verifier) {
  uint8_t        buf[CF_STATEMENT_MAX];
  soft_ak_t      ak = soft_ak(SOFT_AK_ATTRIBUTES);
  cf_hash_t      name = cf_sha256(CF_SPAN(ak.public, ak.public_sz)), ek = cf_sha256(der_of(&a->ek));
  cf_statement_t s = {
      .ak_name = {0x00, 0x0b}, .ak_attributes = SOFT_AK_ATTRIBUTES, .time = a->w->now_s - 10, .nonce = {(uint8_t)verifier}};
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  memcpy(s.ak_name + 2, name.b, 32);
  memcpy(s.ek_certificate, ek.b, 32);
  memcpy(s.domain, a->w->domain.b, 32);
  cf_document_seal(&wr, NULL, &cf_statement_table, &s, a->ear_key[verifier], "v", "enclave");
  assert_false(wr.bad);
  cf_p256_key_free(ak.key);
  return keep(cf_wr_out(&wr));
}

/* Each verifier appraises as the real one does, and logs; two of three are asked, or all where one of them lies. */
static inline void log_results(a_world_t *a, cf_span_t evidence) {
  cf_hash_t name = archive(a, evidence);
  a->evidence = name;
  (void)archive(a, der_of(&a->root));
  for (int i = 0; i < (a->one_lies ? 3 : 2); i++) {
    uint8_t            set_buf[CF_COLLATERAL_SET_MAX], buf[4096];
    cf_evidence_item_t items[2] = {{CF_ROLE_EVIDENCE, evidence}, {CF_ROLE_STATEMENT, make_statement(a, i)}};
    cf_root_t          root = {CF_CLASS_OWNER, der_of(&a->root)};
    cf_evidence_ask_t  ask_ = {
        .items = items, .item_cnt = 2, .roots = &root, .root_cnt = 1, .domain = a->w->domain, .at_s = (int64_t)a->w->now_s};
    cf_appraise_ask_t  q = {.policy = &a->w->policy,
                            .verifiers = cf_genesis_council(&a->w->genesis, CF_VERIFIERS),
                            .statement_min = 1,
                            .at_s = (int64_t)a->w->now_s};
    static cf_facts_t  f;
    cf_verdict_t       v;
    cf_ear_t           ear;
    int64_t            until_s;
    if (cf_evidence_verify(&f, &ask_, &v) || cf_appraise(&until_s, &f, &q, &v)) fail_msg("%s: %s", v.item, v.text);
    cf_appraise_result(&ear, &f, CF_VERDICT_OK, &a->w->policy_hash, (int64_t)a->w->now_s, until_s);
    cf_wr_t sw = cf_wr_init(set_buf, sizeof set_buf), wr = cf_wr_init(buf, sizeof buf);
    assert_int_equal(cf_collateral_set(&sw, items, 2, root.der), CF_OK);
    (void)archive(a, cf_wr_out(&sw));
    (void)archive(a, items[1].bytes);
    if (a->twist_ear && (!a->one_lies || i == a->liar)) a->twist_ear(&ear);
    cf_ear_seal(&wr, &ear, a->ear_key[i], "v");
    assert_false(wr.bad);
    log_and_read(a->w, cf_wr_out(&wr));
  }
}

/* ---- the ledger ---- */

static inline void a_block(a_world_t *a, cf_span_t const *calls, uint32_t n) {
  static uint8_t         body_buf[CF_BLOCK_BODY_MAX];
  static cf_slot_write_t writes[CF_LEDGER_WRITES_MAX];
  world_t               *w = a->w;
  cf_wr_t                body = cf_wr_init(body_buf, sizeof body_buf), out = cf_wr_init(w->block, sizeof w->block);
  for (uint32_t i = 0; i < n && a->evm; i++) evm_call(a, calls[i]);
  if (a->evm) {
    evm_next(a);
    return;
  }
  for (uint32_t i = 0; i < n; i++) {
    cf_ledger_effects_t fx = {.writes = writes, .writes_max = CF_LEDGER_WRITES_MAX};
    cf_refusal_t        r = cf_chain_call(&w->chain, w->now_s, calls[i], &fx);
    if (r.code) fail_msg("the ledger refuses call %u: %s", i, cf_refusal_name(r.code));
    w_span(&body, calls[i]);
  }
  cf_chain_seal(&w->chain, &out, w->now_s, cf_wr_out(&body), n, w->block_key);
  put_block(a, cf_wr_out(&out));
}

static inline void a_register(a_world_t *a) {
  world_t                 *w = a->w;
  cf_history_boot_t const *b = cf_history_newest(&w->history);
  cf_registration_terms_t  t = {.epoch = b->index,
                                .policy = 1,
                                .not_before_s = b->not_before > w->now_s ? b->not_before : w->now_s,
                                .not_after_s = w->now_s + 3600,
                                .fence = 1,
                                .log_index = b->cert_index,
                                .council = 1};
  cf_op_t                  op = {.kind = CF_OP_REGISTER};
  uint8_t                  req[64];
  memcpy(op.registration.key.b, b->settlement, 20);
  op.registration.terms = cf_registration_terms_pack(&t);
  op.registration.instance = b->instance;
  op.registration.certificate = b->cert_hash;
  op.registration.evidence = a->evidence;
  op.registration.evidence.b[0] ^= a->other_evidence;
  memcpy(op.registration.measurement.b, w->policy.measurements[0].measurement, 32);
  memcpy(req, op.registration.terms.b, 32);
  memcpy(req + 32, op.registration.evidence.b, 32);
  assert_int_equal(ask(w, CF_MSG_POSSESS, CF_SPAN(req, 64)), CF_REFUSE_NONE);
  memcpy(op.sig, w->body.ptr, 64);
  cf_hash_t digest = cf_registration_digest(&w->ledger_id.separator, &w->domain, &op.registration);
  op.sigs.cnt = 2;
  for (uint8_t i = 0; i < 2; i++) {
    op.sigs.at[i].member = i;
    assert_int_equal(cf_k256_sign(op.sigs.at[i].sig, a->scalar[i], &digest), CF_OK);
  }
  cf_span_t call = call_of(w, &op, NULL, 0);
  a_block(a, &call, 1);
}

/* The newest block becomes final and is shown. */
static inline void a_show_ledger(a_world_t *a) {
  world_t                 *w = a->w;
  cf_history_boot_t const *b = cf_history_newest(&w->history);
  uint8_t                  proof_buf[CF_FINALITY_PROOF_MAX], *buf = malloc(CF_VIEW_MAX + 8);
  cf_wr_t                  pw = cf_wr_init(proof_buf, sizeof proof_buf), wr = cf_wr_init(buf + 4, CF_VIEW_MAX);
  cf_finality_t            f = a_newest(a);
  cf_finality_statement_t s;
  cf_finality_proof_t     p;
  cf_hash_t               keys[2] = {cf_slot_bucket(0), cf_slot_bucket(1)};
  cf_addr_t               key;
  uint64_t                taken;
  f.log_size = a->published;
  f.log_root = cf_tree_root_of(w->log.leaf, f.log_size);
  memcpy(key.b, b->settlement, 20);
  assert_int_equal(cf_finality_sign(&s, &w->ledger_id, &f, 0, w->observer), CF_OK);
  assert_int_equal(cf_finality_proof_make(&p, &s, 1, 1), CF_OK);
  cf_finality_proof_write(&pw, &p);
  a->proof = keep(cf_wr_out(&pw));
  assert_int_equal(a_view(a, &wr, cf_wr_out(&pw), &key, keys, 2, &taken), CF_OK);
  cf_wr_t head = cf_wr_init(buf, 4);
  cf_wr_u32(&head, (uint32_t)wr.len);
  assert_int_equal(ask(w, CF_MSG_SHOW_LEDGER, CF_SPAN(buf, wr.len + 4)), CF_REFUSE_NONE);
  w->view_messages += taken;
  free(buf);
}

/* ---- life ---- */

static inline void a_certify(a_world_t *a) {
  world_t *w = a->w;
  log_and_read(w, CF_SPAN(w->boot, w->boot_sz));
  a_show(a);
  cf_rd_t rd = cf_rd_span(w->body);
  assert_int_equal(cf_rd_u8(&rd), CF_PHASE_CERTIFYING);
  assert_int_equal(cf_rd_u16(&rd), 1);
  assert_int_equal(cf_rd_u8(&rd), CF_RELEASE_CERTIFICATE);
  (void)cf_rd_u64(&rd);
  log_and_read(w, r_span(&rd));
  uint8_t nonces[1 + 64] = {2};
  memset(nonces + 1, 7, 32);
  memset(nonces + 33, 8, 32);
  assert_int_equal(ask(w, CF_MSG_CERTIFY, CF_SPAN_OF(nonces)), CF_REFUSE_NONE);
  log_results(a, make_evidence(a, CF_SPAN(nonces + 1, 64)));
  a_show(a);
  a_register(a);
  a_show_ledger(a);
  assert_int_equal(w->body.ptr[0], CF_PHASE_SERVING);
}

static inline void fund(a_world_t *a) {
  world_t  *w = a->w;
  cf_span_t calls[16];
  uint32_t  k = 0;
  for (uint32_t i = 0; i < 3; i++) {
    a_party_t *p = &a->party[i];
    cf_op_t    open = {.kind = CF_OP_OPEN};
    cf_k256_scalar_make(p->scalar, &w->entropy);
    cf_x25519_make(p->result, &p->result_pub, &w->entropy);
    p->account = i + 1;
    assert_int_equal(cf_k256_addr(&open.addr, p->scalar), CF_OK);
    calls[k++] = call_of(w, &open, NULL, i);
    for (uint32_t asset = 0; asset < 2; asset++) {
      cf_op_t lane = {.kind = CF_OP_OPEN_LANE, .asset = asset, .id = p->account};
      calls[k++] = call_of(w, &lane, NULL, 100 + i * 2 + asset);
    }
    cf_op_t dep = {.kind = CF_OP_DEPOSIT, .asset = 0, .id = p->account, .units = 100000};
    calls[k++] = call_of(w, &dep, w->treasury, i);
  }
  a_block(a, calls, k);
  a_show_ledger(a);
}

static inline cf_span_t obligation(a_world_t *a, a_party_t *p, uint32_t payee, uint64_t amount) {
  world_t            *w = a->w;
  uint8_t             in_buf[64], buf[4096];
  cf_wr_t             in = cf_wr_init(in_buf, sizeof in_buf), wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_input_t input = {.kind = CF_CLEARING_OBLIGATION, .payee = payee, .asset = 0, .amount = amount};
  cf_clearing_input_encode(&in, &input);
  cf_history_boot_t const *b = cf_history_newest(&w->history);
  if (p->session.to.epoch != b->index) {
    cf_session_target_t t = {.domain = w->domain,
                             .certificate = b->cert_hash,
                             .policy = w->policy_hash,
                             .epoch = b->index,
                             .suite = 1,
                             .jurisdiction = CF_SPAN_LIT("any")};
    memcpy(t.sealing.b, b->sealing, 32);
    assert_int_equal(cf_session_begin(&p->session, &wr, &a->ciphers, &t, p->scalar, &p->result_pub, w->now_s + 1000, ++p->order,
                                      cf_wr_out(&in), &w->entropy),
                     CF_OK);
  } else {
    assert_int_equal(cf_session_seal(&p->session, &wr, &a->ciphers, &w->domain, CF_SPAN_LIT("any"), ++p->order, cf_wr_out(&in)),
                     CF_OK);
  }
  return keep(cf_wr_out(&wr));
}

/* a_batch runs one, archives its manifest and logs its receipt. */
static inline cf_span_t a_batch(a_world_t *a, cf_span_t const *env, uint16_t n) {
  batch_t b;
  assert_int_equal(batch(a->w, env, n, &b), CF_REFUSE_NONE);
  assert_int_equal(b.refused_cnt, 0);
  for (uint16_t i = 0; i < n; i++) a->sent[a->sent_cnt++] = a->ids[i] = cf_sha256(env[i]);
  (void)archive(a, CF_SPAN(a->ids, n * 32u));
  (void)archive(a, a->proof);
  log_and_read(a->w, b.receipt);
  return b.receipt;
}

static inline void log_settlement(a_world_t *a, cf_settlement_doc_t const *doc) {
  uint8_t buf[2048];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_document_seal(&wr, NULL, &cf_settlement_doc_table, doc, a->w->gateway, "gateway", "settlement");
  assert_false(wr.bad);
  log_and_read(a->w, cf_wr_out(&wr));
}

/* After a show: what was released is logged and, if so asked, executed. */
static inline void a_settle(a_world_t *a, bool execute) {
  world_t  *w = a->w;
  cf_rd_t   rd = cf_rd_span(w->body);
  cf_span_t calls[8];
  uint32_t  n = 0;
  (void)cf_rd_u8(&rd);
  for (uint16_t cnt = cf_rd_u16(&rd); cnt > 0; cnt--) {
    uint8_t kind = cf_rd_u8(&rd);
    (void)cf_rd_u64(&rd);
    cf_span_t item = r_span(&rd);
    if (kind != CF_RELEASE_SETTLEMENT) continue;
    cf_rd_t             in = cf_rd_span(keep(item));
    cf_span_t           payload = r_span(&in), body = cf_rd_take_span(&in, cf_rd_left(&in));
    cf_settlement_doc_t d;
    cf_op_t             op = {.kind = CF_OP_SETTLE, .body = body};
    assert_int_equal(cf_table_decode(&d, &cf_settlement_doc_table, payload, NULL), CF_OK);
    memcpy(op.meta.b, d.meta, 32);
    memcpy(op.state_root.b, d.state_root, 32);
    memcpy(op.receipts.b, d.receipts, 32);
    memcpy(op.sig, d.signature, 64);
    calls[n++] = call_of(w, &op, NULL, w->chain.head.number);
    if (a->twist_settlement) a->twist_settlement(&d);
    if (a->hide_settlement) continue;
    (void)archive(a, body);
    log_settlement(a, &d);
  }
  assert_true(cf_rd_done(&rd));
  assert_true(n > 0);
  if (!execute) return;
  a_block(a, calls, n);
}

static inline a_world_t *a_world_new(uint64_t seed) {
  a_world_t *a = calloc(1, sizeof *a);
  a->t = calloc(1, sizeof *a->t);
  a->ciphers = cf_ciphers_new(cf_suite(1));
  a->w = world_new(seed, false);
  if (world_on_chain) {
    a->evm = calloc(1, sizeof *a->evm);
    a->evm->chain = (cf_audit_chain_t){evm_facts, evm_blocks, evm_slots, evm_held, a->evm};
  }
  static cert_t root, ek; /* one TPM for all worlds of a test: an RSA key takes its time */
  if (!root.x) root = make(&root_shape, NULL), ek = make(&ek_shape, &root);
  a->root = root;
  a->ek = ek;
  return a;
}

static inline void a_world_begin(a_world_t *a) {
  world_t *w = a->w;
  uint8_t  vkey[CF_VKEY_TEXT_MAX + 1];
  uint8_t  none[4 + 4 + 2 * (8 + 4 + 1) + 1] = {0};
  cf_wr_t  wr = cf_wr_init(vkey, sizeof vkey);
  refound(a);
  if (!a->no_deployment) log_deployment(a);
  cf_vkey_format(&wr, &w->witnesses.log);
  cf_wr_u8(&wr, '\n');
  tree_put(a->t, "log.vkey", cf_wr_out(&wr));
  enclave_start(w, false);
  assert_int_equal(ask(w, CF_MSG_BOOT, CF_SPAN(none, sizeof none)), CF_REFUSE_NONE);
  a_show(a);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  a_certify(a);
}

/* One window: obligations, closed, intended, opened and executed, seen by the enclave.  Four receipts. */
static inline void a_window(a_world_t *a, uint64_t amount) {
  cf_span_t env[3];
  for (uint32_t i = 0; i < 3; i++) env[i] = obligation(a, &a->party[i], (i + 1) % 3 + 1, amount * (i + 1));
  (void)a_batch(a, env, 3);
  (void)a_batch(a, NULL, 0); /* closes */
  (void)a_batch(a, NULL, 0); /* intends */
  a_show(a);
  a_settle(a, true);
  put_note(a);
  a_show_ledger(a);
  (void)a_batch(a, NULL, 0);
  a_show(a);
}

/* A life that is whole: two windows settled, thirteen receipts at most, everything witnessed. */
static inline a_world_t *a_life(uint64_t seed) {
  a_world_t *a = a_world_new(seed);
  a_world_begin(a);
  fund(a);
  (void)a_batch(a, NULL, 0);
  a_window(a, 100);
  a_window(a, 30);
  return a;
}

static inline void a_world_free(a_world_t *a) {
  for (int i = 0; i < VERIFIERS; i++) cf_p256_key_free(a->ear_key[i]);
  world_free(a->w);
  cf_ciphers_free(&a->ciphers);
  free(a->t);
  free(a->evm);
  free(a);
}

#endif
