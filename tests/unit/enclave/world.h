/* A small domain around an enclave core: a log with witnesses, verifiers' results, a ledger by its real rules, and a test's hand as
   gateway and launcher.  Nothing here decides; it makes what the enclave is shown. */
#ifndef CF_TEST_ENCLAVE_WORLD_H
#define CF_TEST_ENCLAVE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/cf_secret.h"
#include "document/cf_history.h"
#include "document/cf_measure.h"
#include "enclave/cf_enclave.h"
#include "enclave/cf_journal.h"
#include "ledger/cf_genesis_map.h"
#include "ledger/cf_view.h"
#include "session/cf_result.h"
#include "translog/cf_note.h"
#include "workload/cf_clearing.h"

/* Digest of the program that policy names. */
static cf_hash_t world_program = { { 1 } };
/* When it begins. */
static uint64_t world_time = 1700000000;
/* A test that wants other terms changes them here, before they are signed. */
static void (*world_tune)(cf_policy_t *policy, cf_clearing_params_t *clearing, cf_configuration_t *configuration);

/* The ledger is a contract on a chain, which the test makes up; the world then has no ledger of its own. */
static bool world_on_chain;

#define LOG_MAX 16384
#define WITNESS_CNT 4

typedef struct {
  cf_span_t entry[LOG_MAX];
  cf_hash_t leaf[LOG_MAX];
  uint64_t  size;
} tlog_t;

typedef struct {
  cf_drbg_t      drbg;
  cf_entropy_t   entropy;
  cf_entropy_t   inside; /* what the enclave draws; zero: as the world */
  uint64_t       now_s;
  uint8_t        governor[32], guardian[32], verifier[32], observer[32], block_key[32], treasury[32], witness[WITNESS_CNT][32], log_seed[32];
  cf_p256_key_t *log_key, *gateway, *ear_key;
  uint8_t        genesis_body[65536];
  cf_span_t      genesis_entry;
  cf_genesis_t   genesis;
  cf_policy_t    policy;
  cf_hash_t      domain, policy_hash;
  uint8_t        configuration[512];
  size_t         configuration_sz;
  cf_witness_set_t witnesses;
  cf_ledger_identity_t ledger_id;
  cf_seats_t     observers;
  tlog_t         log;
  cf_chain_t     chain;
  uint8_t        block[CF_BLOCK_MAX];
  uint64_t       view_messages; /* shown so far */
  /* an enclave, and its disk */
  void         (*carry)(void *ctx, cf_span_t request, cf_wr_t *answer); /* to an enclave in a process of its own; NULL: e */
  void          *carrier;
  cf_enclave_t  *e;
  void          *mem;
  size_t         mem_sz;
  uint8_t       *answer;
  cf_span_t      body; /* of the last answer */
  uint8_t        snapshot[1 << 22];
  size_t         snapshot_sz;
  uint8_t        journal[8][1 << 22];
  size_t         journal_sz[8];
  uint64_t       files; /* journal files 1 .. files */
  uint64_t       first_file;
  uint8_t        sealed_root[32];
  uint64_t       sealed_number;
  cf_span_t      quoted;
  uint64_t       fed; /* log size shown to this enclave */
  cf_history_t   history;
  uint8_t        boot[2048];
  size_t         boot_sz;
} world_t;

/* keep copies bytes for the process: tests are short. */
typedef struct kept { struct kept *next; } kept_t;
static kept_t *all_kept;
static inline cf_span_t
keep(cf_span_t s) {
  kept_t *k = malloc(sizeof *k + s.len + 1);
  k->next   = all_kept;
  all_kept  = k;
  if (s.len) memcpy(k + 1, s.ptr, s.len);
  return CF_SPAN(k + 1, s.len);
}

/* ---- the log ---- */

static inline void
log_add(world_t *w, cf_span_t entry) {
  w->log.entry[w->log.size] = keep(entry);
  w->log.leaf[w->log.size]  = cf_tree_leaf(entry);
  w->log.size++;
}

/* note of the first `size` entries with cosignatures by the witnesses of mask. */
static inline cf_span_t
note_of(world_t *w, tlog_t const *log, uint64_t size, unsigned mask) {
  uint8_t    text_buf[512], sig_buf[1024], out[4096];
  cf_wr_t    text = cf_wr_init(text_buf, sizeof text_buf), note = cf_wr_init(sig_buf, sizeof sig_buf), wr = cf_wr_init(out, sizeof out);
  cf_hash_t  root = cf_tree_root_of(log->leaf, size);
  cf_note_t  parsed;
  cf_checkpoint_t cp;
  uint8_t    log_sig[64];
  cf_cosig_t cosig[CF_WITNESSES_MAX] = { { 0 } };
  cf_checkpoint_format(&text, cf_vkey_name(&w->witnesses.log), size, &root);
  cf_checkpoint_sign(&note, &w->witnesses.log, w->log_seed, size, &root);
  assert_int_equal(cf_checkpoint_open(&cp, &parsed, log_sig, cf_wr_out(&note), &w->witnesses.log, NULL), CF_OK);
  for (unsigned i = 0; i < w->witnesses.cnt; i++)
    if (mask >> i & 1) {
      cf_cosig_make(&cosig[i], w->witness[i], w->now_s, cf_wr_out(&text));
      cosig[i].have = true;
    }
  cf_checkpoint_compose(&wr, cf_wr_out(&text), &w->witnesses, log_sig, cosig);
  assert_false(wr.bad);
  return keep(cf_wr_out(&wr));
}

static inline void
w_span(cf_wr_t *wr, cf_span_t s) {
  cf_wr_u32(wr, (uint32_t)s.len);
  cf_wr_span(wr, s);
}

static inline cf_span_t
r_span(cf_rd_t *rd) {
  uint32_t n = cf_rd_u32(rd);
  return cf_rd_take_span(rd, n);
}

/* ---- genesis ---- */

static inline void
member(cf_council_t *c, cf_council_role_t role, uint64_t k, uint64_t f) {
  *c = (cf_council_t){ .role = role, .k = k, .f = f, .version = 1 };
}

static inline void
add_addr(cf_council_t *c, char const *name, uint8_t const scalar[32]) {
  cf_addr_t a;
  assert_int_equal(cf_k256_addr(&a, scalar), CF_OK);
  cf_member_t *m = &c->members[c->members_cnt++];
  m->name        = CF_SPAN(name, strlen(name));
  memcpy(m->addr, a.b, 20);
}

static inline void
world_genesis(world_t *w, bool one) {
  static uint8_t policy_buf[32768], params_buf[1024], doc_buf[65536], entry_buf[65536];
  static char const *const wnames[] = { "w0.test", "w1.test", "w2.test", "w3.test" };
  cf_genesis_t  g = { .name = CF_SPAN_LIT("test"), .class = 2, .created = w->now_s };
  cf_policy_t   p = { .version = 1, .collateral_max_age_s = 86400, .credential_max_age_s = 86400, .epoch_s = 86400, .attest_max_age_s = 600,
                      .attest_interval_s = 300, .grace_s = 60, .clock_skew_s = 5, .workload = CF_SPAN_LIT("clearing"), .workload_version = 1,
                      .max_flight = 4, .max_inputs_per_window = 1000, .max_amount = 1000000000, .admission = 1, .disclosure = 1,
                      .snapshot_entries = 4096, .promise_max_s = 60, .notice_s = 60, .key_tcb_mask = 1 };
  cf_clearing_params_t cp = { .min_parties = 2, .min_inputs = 2, .window_max_s = 3600, .positions_max = 64, .obligations_max = 256, .releases_max = 16 };
  cf_configuration_t   conf = { .version = 1, .workload = p.workload, .workload_version = 1, .suite = 1, .parties_max = 16, .leaves_max = 64, .sessions_max = 32,
                                .batch_max = 64, .envelope_max = 4096 };
  if (world_tune) world_tune(&p, &cp, &conf);
  cf_p256_pub_t        pub;
  cf_wr_t              wr = cf_wr_init(params_buf, sizeof params_buf), cw = cf_wr_init(w->configuration, sizeof w->configuration);
  cf_clearing_params_encode(&wr, &cp);
  p.workload_params = cf_wr_out(&wr);
  cf_table_encode(&cw, &cf_configuration_table, &conf);
  w->configuration_sz = cw.len;
  p.measurements_cnt  = 1;
  p.measurements[0]   = (cf_measurement_t){ .platform = 1, .until = w->now_s + 30 * 86400, .source = CF_SPAN_LIT("test") };
  memcpy(p.measurements[0].program, world_program.b, 32);
  cf_hash_t ch = cf_sha256(cf_wr_out(&cw));
  memcpy(p.measurements[0].configuration, ch.b, 32);
  uint8_t   registers[11 * 32] = { 0 }; /* a software TPM has measured nothing before us */
  cf_hash_t measurement        = cf_measurement(CF_PLATFORM_TPM, &world_program, &ch, CF_SPAN_OF(registers));
  memcpy(p.measurements[0].measurement, measurement.b, 32);
  p.suites[0]             = (cf_suite_row_t){ .suite = 1, .state = 1 };
  p.suites_cnt            = 1;
  p.jurisdictions[0]      = CF_SPAN_LIT("any");
  p.jurisdictions_cnt     = 1;
  p.gateway_keys_cnt      = 1;
  cf_p256_key_pub(w->gateway, &pub);
  memcpy(p.gateway_keys[0], pub.b, 64);
  cf_wr_t pw = cf_wr_init(policy_buf, sizeof policy_buf);
  cf_table_encode(&pw, &cf_policy_table, &p);
  assert_false(pw.bad);
  g.policy = cf_wr_out(&pw);

  cf_addr_t contract;
  assert_int_equal(cf_k256_addr(&contract, w->block_key), CF_OK);
  g.ledger = (cf_genesis_ledger_t){ .kind = 1, .chain_id = (1ULL << 40) + 7, .mode = 1, .max_validity_s = 60, .max_pause_s = 20, .exit_delay_s = 300,
                                    .notice_s = 400, .dead_after_s = 1000, .overlap_s = 60, .key_delay_s = 0 };
  if (world_on_chain) {
    g.ledger.kind     = 2;
    g.ledger.chain_id = 31337;
    contract          = (cf_addr_t){ { 0xab, 0xcd } };
  }
  memcpy(g.ledger.contract, contract.b, 20);
  cf_ed25519_pub_t ed;
  cf_ed25519_pub(&ed, w->log_seed);
  g.log.origin = CF_SPAN_LIT("counterfoil.test/log");
  memcpy(g.log.ed25519, ed.b, 32);
  cf_p256_key_pub(w->log_key, &pub);
  memcpy(g.log.es256, pub.b, 64);
  g.councils_cnt = 5;
  member(&g.councils[0], CF_GOVERNORS, 1, 0);
  add_addr(&g.councils[0], "g", w->governor);
  member(&g.councils[1], CF_GUARDIANS, 1, 0);
  add_addr(&g.councils[1], "u", w->guardian);
  member(&g.councils[2], CF_VERIFIERS, 1, 0);
  add_addr(&g.councils[2], "v", w->verifier);
  cf_p256_key_pub(w->ear_key, &pub);
  memcpy(g.councils[2].members[0].es256, pub.b, 64);
  member(&g.councils[3], CF_WITNESSES, one ? 1 : 3, one ? 0 : 1);
  for (int i = 0; i < (one ? 1 : WITNESS_CNT); i++) {
    cf_member_t *m = &g.councils[3].members[g.councils[3].members_cnt++];
    cf_ed25519_pub(&ed, w->witness[i]);
    m->name = CF_SPAN(wnames[i], strlen(wnames[i]));
    memcpy(m->ed25519, ed.b, 32);
  }
  member(&g.councils[4], CF_OBSERVERS, 1, 0);
  add_addr(&g.councils[4], "o", w->observer);
  g.assets_cnt = 2;
  g.assets[0]  = (cf_asset_t){ .id = 0, .symbol = CF_SPAN_LIT("EUR"), .scale = 2, .cap = 1000000000 };
  g.assets[1]  = (cf_asset_t){ .id = 1, .symbol = CF_SPAN_LIT("USD"), .scale = 2, .cap = 1000000000 };
  cf_addr_t treasury;
  assert_int_equal(cf_k256_addr(&treasury, w->treasury), CF_OK);
  memcpy(g.treasury, treasury.b, 20);

  cf_wr_t gw = cf_wr_init(w->genesis_body, sizeof w->genesis_body);
  cf_table_encode(&gw, &cf_genesis_table, &g);
  assert_false(gw.bad);
  cf_error_t err = { 0 };
  assert_int_equal(cf_table_decode(&w->genesis, &cf_genesis_table, cf_wr_out(&gw), &err), CF_OK);
  assert_int_equal(cf_genesis_check(&w->genesis, &w->policy, &err), CF_OK);
  w->domain            = cf_domain(cf_wr_out(&gw));
  w->policy_hash       = cf_policy_hash(w->genesis.policy);
  cf_council_doc_t doc = { .body = cf_wr_out(&gw), .council = CF_GOVERNORS, .version = 1, .not_after = (1ULL << 40) - 1, .sigs_cnt = 1 };
  cf_hash_t body = cf_document_hash(CF_SPAN(NULL, 0), doc.body), sep = cf_eip712_domain(g.ledger.chain_id, &contract, &w->domain);
  cf_hash_t digest = cf_council_doc_digest(&sep, doc.council, 1, 0, doc.not_after, &body);
  assert_int_equal(cf_k256_sign(doc.sig[0], w->governor, &digest), CF_OK);
  cf_wr_t dw = cf_wr_init(doc_buf, sizeof doc_buf), ew = cf_wr_init(entry_buf, sizeof entry_buf);
  cf_council_doc_encode(&dw, &doc);
  cf_council_doc_seal(&ew, cf_genesis_table.typ, &doc, w->log_key, "log", "genesis");
  assert_false(ew.bad);
  w->genesis_entry = keep(cf_wr_out(&ew));
  assert_int_equal(cf_genesis_witnesses(&w->witnesses, &w->genesis, &err), CF_OK);
  w->ledger_id = cf_genesis_identity(&w->genesis, &w->domain);
  w->observers = cf_genesis_seats(cf_genesis_council(&w->genesis, CF_OBSERVERS));
}

/* ---- the ledger ---- */

static inline void
ledger_block(world_t *w, cf_span_t const *calls, uint32_t n) {
  static uint8_t body_buf[CF_BLOCK_BODY_MAX];
  cf_wr_t        body = cf_wr_init(body_buf, sizeof body_buf), out = cf_wr_init(w->block, sizeof w->block);
  static cf_slot_write_t writes[CF_LEDGER_WRITES_MAX];
  for (uint32_t i = 0; i < n; i++) {
    cf_ledger_effects_t fx = { .writes = writes, .writes_max = CF_LEDGER_WRITES_MAX };
    cf_refusal_t        r  = cf_chain_call(&w->chain, w->now_s, calls[i], &fx);
    if (r.code) fail_msg("ledger refuses call %u: %s", i, cf_refusal_name(r.code));
    w_span(&body, calls[i]);
  }
  cf_chain_seal(&w->chain, &out, w->now_s, cf_wr_out(&body), n, w->block_key);
}

static inline cf_span_t
call_of(world_t *w, cf_op_t const *op, uint8_t const *sender, uint64_t nonce) {
  uint8_t   op_buf[65536], buf[70000];
  cf_wr_t   ow = cf_wr_init(op_buf, sizeof op_buf), wr = cf_wr_init(buf, sizeof buf);
  cf_call_t call = { .nonce = nonce, .deadline_s = w->now_s + 1000 };
  cf_op_write(&ow, op);
  call.op = cf_wr_out(&ow);
  if (sender) assert_int_equal(cf_call_sign(&call, &w->ledger_id.separator, sender), CF_OK);
  cf_call_write(&wr, &call);
  assert_false(wr.bad || ow.bad);
  return keep(cf_wr_out(&wr));
}

/* ---- the enclave ---- */

static inline cf_status_t
launcher_seal(void *ctx, uint64_t number, uint8_t const root[32]) {
  world_t *w = ctx;
  w->sealed_number = number;
  memcpy(w->sealed_root, root, 32);
  return CF_OK;
}

static inline cf_status_t
launcher_quote(void *ctx, cf_span_t certificate, cf_hash_t const *nonces, size_t cnt) {
  world_t *w = ctx;
  w->quoted  = keep(certificate);
  return CF_OK;
}

static inline cf_refuse_t
ask(world_t *w, cf_message_type_t type, cf_span_t body) {
  uint8_t *req = malloc(body.len + 2);
  req[0]       = CF_BOUNDARY_VERSION;
  req[1]       = (uint8_t)type;
  if (body.len) memcpy(req + 2, body.ptr, body.len);
  cf_wr_t wr = cf_wr_init(w->answer, CF_FRAME_MAX);
  if (w->carry) w->carry(w->carrier, CF_SPAN(req, body.len + 2), &wr);
  else cf_enclave_ask(w->e, req, body.len + 2, &wr);
  free(req);
  assert_false(wr.bad);
  assert_true(wr.len >= 3);
  assert_int_equal(w->answer[1], type);
  w->body = CF_SPAN(w->answer + 3, wr.len - 3);
  return (cf_refuse_t)w->answer[2];
}

/* world_start is the START message; with_root: what the launcher could unseal. */
static inline cf_span_t
world_start(world_t *w, bool with_root) {
  static uint8_t buf[128 << 10];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_START);
  w_span(&wr, CF_SPAN(w->configuration, w->configuration_sz));
  w_span(&wr, w->genesis_entry);
  cf_wr_bytes(&wr, w->policy.measurements[0].measurement, 32);
  cf_wr_u8(&wr, with_root);
  if (with_root) {
    cf_wr_u64(&wr, w->sealed_number);
    cf_wr_bytes(&wr, w->sealed_root, 32);
  }
  return cf_wr_out(&wr);
}

/* start makes a process life from START. */
static inline void
enclave_start(world_t *w, bool with_root) {
  cf_error_t err   = { 0 };
  cf_span_t  start = world_start(w, with_root);
  w->mem_sz        = cf_enclave_sz(start, &err);
  if (!w->mem_sz) fail_msg("%s: %s", err.item, err.text);
  w->mem                  = aligned_alloc(64, (w->mem_sz + 63) & ~(size_t)63);
  memset(w->mem, 0, w->mem_sz);
  cf_launcher_t launcher = { launcher_seal, launcher_quote, w };
  cf_status_t   st       = cf_enclave_start(&w->e, w->mem, w->mem_sz, start, w->inside.fill ? w->inside : w->entropy, launcher, &err);
  if (st) fail_msg("start: %s: %s", err.item, err.text);
  w->fed = 0;
}

static inline void
enclave_end(world_t *w) {
  cf_enclave_end(w->e);
  free(w->mem);
  w->e = NULL;
}

/* show feeds the log from where the enclave stands up to its end, under a note by mask; returns the class. */
static inline cf_refuse_t
show_log(world_t *w, tlog_t const *log, uint64_t size, unsigned mask) {
  uint8_t *buf = malloc(4 << 20);
  cf_wr_t  wr  = cf_wr_init(buf, 4 << 20);
  cf_wr_u64(&wr, w->fed);
  cf_wr_u32(&wr, (uint32_t)(size - w->fed));
  for (uint64_t i = w->fed; i < size; i++) {
    cf_wr_u16(&wr, (uint16_t)log->entry[i].len);
    cf_wr_span(&wr, log->entry[i]);
  }
  w_span(&wr, note_of(w, log, size, mask));
  cf_refuse_t r = ask(w, CF_MSG_SHOW_LOG, cf_wr_out(&wr));
  free(buf);
  if (!r) w->fed = size;
  return r;
}

static inline cf_refuse_t
show(world_t *w) {
  return show_log(w, &w->log, w->log.size, 15);
}

static inline void
history_event(void *ctx, cf_history_event_t const *ev) {}

static inline uint64_t
log_and_read(world_t *w, cf_span_t entry) {
  log_add(w, entry);
  assert_int_equal(cf_history_feed(&w->history, w->log.size - 1, entry, history_event, NULL), CF_OK);
  return w->log.size - 1;
}

/* fence asks for the boot entry and keeps what must be durable; does not log it. */
static inline cf_refuse_t
fence(world_t *w) {
  cf_refuse_t r = ask(w, CF_MSG_FENCE, CF_SPAN(NULL, 0));
  if (r) return r;
  cf_rd_t   rd = cf_rd_span(w->body);
  cf_span_t snapshot = r_span(&rd), header = r_span(&rd);
  uint64_t  file = cf_rd_u64(&rd);
  cf_span_t boot = r_span(&rd);
  assert_true(cf_rd_done(&rd));
  if (snapshot.len) memcpy(w->snapshot, snapshot.ptr, w->snapshot_sz = snapshot.len), w->first_file = file;
  memcpy(w->journal[file], header.ptr, w->journal_sz[file] = header.len);
  w->files = file;
  memcpy(w->boot, boot.ptr, w->boot_sz = boot.len);
  return CF_REFUSE_NONE;
}

/* results logs the verifier's EAR for the certificate that stands newest. */
static inline void
log_result(world_t *w) {
  uint8_t  buf[2048];
  cf_wr_t  wr  = cf_wr_init(buf, sizeof buf);
  cf_history_boot_t const *b = cf_history_newest(&w->history);
  cf_ear_t ear = { .time = w->now_s, .status = CF_EAR_AFFIRMING, .verdict = CF_SPAN_LIT("ok"), .platform = 1, .class = 4, .until = w->now_s + 600 };
  memcpy(ear.domain, w->domain.b, 32);
  memcpy(ear.certificate, b->cert_hash.b, 32);
  memcpy(ear.measurement, w->policy.measurements[0].measurement, 32);
  memcpy(ear.policy, w->policy_hash.b, 32);
  cf_ear_seal(&wr, &ear, w->ear_key, "v");
  log_and_read(w, cf_wr_out(&wr));
}

/* register puts the newest epoch's key on the ledger. */
static inline void
register_key(world_t *w) {
  cf_history_boot_t const *b = cf_history_newest(&w->history);
  cf_registration_terms_t  t = { .epoch = b->index, .policy = 1, .not_before_s = w->now_s, .not_after_s = w->now_s + 3600, .tcb = 0, .fence = 1,
                                 .log_index = b->cert_index, .council = 1 };
  cf_op_t op = { .kind = CF_OP_REGISTER };
  memcpy(op.registration.key.b, b->settlement, 20);
  op.registration.terms       = cf_registration_terms_pack(&t);
  op.registration.instance    = b->instance;
  op.registration.certificate = b->cert_hash;
  memcpy(op.registration.measurement.b, w->policy.measurements[0].measurement, 32);
  memset(op.registration.evidence.b, 5, 32);
  uint8_t req[64];
  memcpy(req, op.registration.terms.b, 32);
  memcpy(req + 32, op.registration.evidence.b, 32);
  assert_int_equal(ask(w, CF_MSG_POSSESS, CF_SPAN(req, 64)), CF_REFUSE_NONE);
  assert_int_equal(w->body.len, 64);
  memcpy(op.sig, w->body.ptr, 64);
  cf_hash_t digest = cf_registration_digest(&w->ledger_id.separator, &w->domain, &op.registration);
  op.sigs.cnt      = 1;
  assert_int_equal(cf_k256_sign(op.sigs.at[0].sig, w->verifier, &digest), CF_OK);
  cf_span_t call = call_of(w, &op, NULL, 0);
  ledger_block(w, &call, 1);
}

/* show_ledger shows the newest block, final. */
static inline cf_refuse_t
show_ledger(world_t *w) {
  cf_history_boot_t const *b = cf_history_newest(&w->history);
  uint8_t   proof_buf[CF_FINALITY_PROOF_MAX], *buf = malloc(CF_VIEW_MAX + 8);
  cf_wr_t   pw = cf_wr_init(proof_buf, sizeof proof_buf), wr = cf_wr_init(buf + 4, CF_VIEW_MAX);
  cf_finality_t f = { .number = w->chain.head.number, .block_hash = w->chain.hash, .time_s = w->chain.head.time_s, .log_size = 1 };
  cf_finality_statement_t s;
  cf_finality_proof_t     p;
  cf_hash_t keys[2] = { cf_slot_bucket(0), cf_slot_bucket(1) };
  cf_addr_t key;
  uint64_t  taken;
  memcpy(key.b, b->settlement, 20);
  assert_int_equal(cf_finality_sign(&s, &w->ledger_id, &f, 0, w->observer), CF_OK);
  assert_int_equal(cf_finality_proof_make(&p, &s, 1, 1), CF_OK);
  cf_finality_proof_write(&pw, &p);
  assert_int_equal(cf_view_write(&wr, &w->chain, cf_wr_out(&pw), &key, keys, 2, w->view_messages, &taken), CF_OK);
  cf_wr_t head = cf_wr_init(buf, 4);
  cf_wr_u32(&head, (uint32_t)wr.len);
  cf_refuse_t r = ask(w, CF_MSG_SHOW_LEDGER, CF_SPAN(buf, wr.len + 4));
  free(buf);
  if (!r) w->view_messages += taken;
  return r;
}

/* show_newest shows the newest block, final, in as many parts as it takes; true: the enclave took a piece of it. */
static inline bool
show_newest(world_t *w) {
  for (;;) {
    assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
    cf_rd_t rd = cf_rd_span(w->body);
    (void)cf_rd_take(&rd, 1 + 8);
    cf_shown_t how   = (cf_shown_t)cf_rd_u8(&rd);
    w->view_messages = cf_rd_u64(&rd);
    if (how != CF_SHOWN_PART) return how == CF_SHOWN_PIECE;
  }
}

/* certificate has an enclave whose boot entry is out certified; its key is not on the ledger yet. */
static inline void
certificate(world_t *w) {
  log_and_read(w, CF_SPAN(w->boot, w->boot_sz));
  assert_int_equal(show(w), CF_REFUSE_NONE);
  cf_rd_t rd = cf_rd_span(w->body);
  assert_int_equal(cf_rd_u8(&rd), CF_PHASE_CERTIFYING);
  assert_int_equal(cf_rd_u16(&rd), 1);
  assert_int_equal(cf_rd_u8(&rd), CF_RELEASE_CERTIFICATE);
  (void)cf_rd_u64(&rd);
  log_and_read(w, r_span(&rd));
  uint8_t nonces[33] = { 1 };
  assert_int_equal(ask(w, CF_MSG_CERTIFY, CF_SPAN(nonces, 33)), CF_REFUSE_NONE);
  log_result(w);
  assert_int_equal(show(w), CF_REFUSE_NONE);
}

/* certify brings an enclave from its boot entry to SERVING. */
static inline void
certify(world_t *w) {
  certificate(w);
  register_key(w);
  (void)show_newest(w);
  assert_int_equal(w->body.ptr[0], CF_PHASE_SERVING);
}

static inline world_t *
world_new(uint64_t seed, bool one) {
  world_t  *w = calloc(1, sizeof *w);
  cf_hash_t s = { { (uint8_t)seed, (uint8_t)(seed >> 8) } };
  cf_drbg_init(&w->drbg, &s);
  w->entropy = cf_drbg_entropy(&w->drbg);
  w->now_s   = world_time;
  w->answer  = malloc(CF_FRAME_MAX);
  cf_k256_scalar_make(w->governor, &w->entropy);
  cf_k256_scalar_make(w->guardian, &w->entropy);
  cf_k256_scalar_make(w->verifier, &w->entropy);
  cf_k256_scalar_make(w->observer, &w->entropy);
  cf_k256_scalar_make(w->block_key, &w->entropy);
  cf_k256_scalar_make(w->treasury, &w->entropy);
  for (int i = 0; i < WITNESS_CNT; i++) cf_entropy_fill(&w->entropy, w->witness[i], 32);
  cf_entropy_fill(&w->entropy, w->log_seed, 32);
  w->log_key = cf_p256_key_new(&w->entropy);
  w->gateway = cf_p256_key_new(&w->entropy);
  w->ear_key = cf_p256_key_new(&w->entropy);
  world_genesis(w, one);
  cf_history_init(&w->history, &w->domain, &w->genesis, &w->policy);
  log_and_read(w, w->genesis_entry);
  cf_chain_init(&w->chain);
  if (world_on_chain) return w;
  cf_ledger_genesis_t *lg = calloc(1, sizeof *lg);
  cf_error_t err = { 0 };
  assert_int_equal(cf_ledger_genesis_of(lg, &w->genesis, &w->policy, &w->domain, &err), CF_OK);
  cf_wr_t out = cf_wr_init(w->block, sizeof w->block);
  assert_int_equal(cf_chain_found(&w->chain, &out, lg, w->block_key, &err), CF_OK);
  free(lg);
  return w;
}

static inline void
world_free(world_t *w) {
  if (w->e) enclave_end(w);
  cf_chain_fini(&w->chain);
  cf_p256_key_free(w->log_key);
  cf_p256_key_free(w->gateway);
  cf_p256_key_free(w->ear_key);
  free(w->answer);
  free(w);
}

/* boot_fresh is all of P12's from an empty log to the boot entry. */
static inline void
boot_fresh(world_t *w) {
  if (!w->carry) enclave_start(w, false);
  uint8_t none[4 + 4 + 2 * (8 + 4 + 1) + 1] = { 0 };
  assert_int_equal(ask(w, CF_MSG_BOOT, CF_SPAN(none, sizeof none)), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
}

/* bootstrap goes on to SERVING. */
static inline void
bootstrap(world_t *w) {
  boot_fresh(w);
  certify(w);
}

/* ---- batches ---- */

typedef struct {
  uint16_t  refused_cnt;
  uint16_t  refused_at[64];
  uint8_t   refused_class[64];
  cf_span_t receipt;
  cf_receipt_t doc;
} batch_t;

static inline cf_refuse_t
batch(world_t *w, cf_span_t const *envelopes, uint16_t n, batch_t *out) {
  uint8_t *buf = malloc(1 << 20);
  cf_wr_t  wr  = cf_wr_init(buf, 1 << 20);
  cf_wr_u16(&wr, n);
  for (uint16_t i = 0; i < n; i++) w_span(&wr, envelopes[i]);
  cf_refuse_t r = ask(w, CF_MSG_BATCH, cf_wr_out(&wr));
  free(buf);
  if (r) return r;
  cf_rd_t rd       = cf_rd_span(w->body);
  out->refused_cnt = cf_rd_u16(&rd);
  for (uint16_t i = 0; i < out->refused_cnt; i++) {
    out->refused_at[i]    = cf_rd_u16(&rd);
    out->refused_class[i] = cf_rd_u8(&rd);
  }
  cf_span_t record = r_span(&rd);
  out->receipt     = keep(r_span(&rd));
  assert_true(cf_rd_done(&rd));
  memcpy(w->journal[w->files] + w->journal_sz[w->files], record.ptr, record.len);
  w->journal_sz[w->files] += record.len;
  cf_sign1_t s;
  assert_int_equal(cf_document_open(&out->doc, &s, &cf_receipt_table, out->receipt, NULL), CF_OK);
  return CF_REFUSE_NONE;
}

/* reopen is a restart from the disk given; returns the class of the step that refused, or NONE when it fences. */
static inline cf_refuse_t
reopen(world_t *w, uint64_t last_file) {
  uint8_t *buf = malloc(8 << 20);
  cf_wr_t  wr  = cf_wr_init(buf, 8 << 20);
  cf_history_boot_t const *c = cf_history_certified(&w->history);
  if (!w->carry) enclave_start(w, true);
  w_span(&wr, CF_SPAN(w->snapshot, w->snapshot_sz));
  w_span(&wr, note_of(w, &w->log, w->log.size, 15));
  uint64_t at[3] = { c->index, c->cert_index, c->result_index[0] };
  for (int i = 0; i < 3; i++) {
    cf_hash_t path[CF_TREE_PATH_MAX];
    size_t    n = 0;
    if (i == 2) cf_wr_u8(&wr, 1);
    cf_wr_u64(&wr, at[i]);
    w_span(&wr, w->log.entry[at[i]]);
    /* the path, slowly: roots of the siblings */
    for (uint64_t lo = 0, hi = w->log.size; hi - lo > 1;) {
      uint64_t k = 1;
      while (k * 2 < hi - lo) k *= 2;
      bool right = at[i] >= lo + k;
      path[n++]  = right ? cf_tree_root_of(w->log.leaf + lo, k) : cf_tree_root_of(w->log.leaf + lo + k, hi - lo - k);
      if (right) lo += k;
      else hi = lo + k;
    }
    cf_wr_u8(&wr, (uint8_t)n);
    while (n) cf_wr_hash(&wr, &path[--n]);
  }
  cf_refuse_t r = ask(w, CF_MSG_BOOT, cf_wr_out(&wr));
  if (!r) {
    cf_rd_t rd = cf_rd_span(w->body);
    (void)cf_rd_u8(&rd);
    w->fed        = cf_rd_u64(&rd);
    uint64_t file = cf_rd_u64(&rd);
    for (; !r && file <= last_file; file++) {
      wr.len = 0;
      cf_wr_u8(&wr, file == last_file);
      cf_wr_u64(&wr, file);
      cf_wr_u64(&wr, 0);
      cf_wr_bytes(&wr, w->journal[file], w->journal_sz[file]);
      r = ask(w, CF_MSG_JOURNAL, cf_wr_out(&wr));
    }
  }
  free(buf);
  return r;
}

#endif
