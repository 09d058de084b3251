/* Parties of a town: accounts on its ledger, sealed inputs, and what they check of what they get. */
#ifndef CF_TEST_GATEWAY_PARTY_H
#define CF_TEST_GATEWAY_PARTY_H

#include "town.h"
#include "base/cf_text.h"
#include "translog/cf_tile.h"

typedef struct {
  uint8_t         scalar[32], result[32];
  cf_x25519_pub_t result_pub;
  cf_session_t    session;
  uint64_t        order;
  uint32_t        account;
} party_t;

static cf_ciphers_t ciphers;

static inline int
setup(void **state) {
  cf_crypto_init();
  ciphers = cf_ciphers_new(cf_suite(1));
  return 0;
}

static inline int
teardown(void **state) {
  cf_ciphers_free(&ciphers);
  return 0;
}

/* The log as a stranger reads it: files under public/log. */
typedef struct {
  cf_span_t    entry[2048];
  size_t       cnt;
  cf_history_t history;
} log_t;

static inline void
log_read(town_t *t, log_t *l) {
  l->cnt = 0;
  cf_history_init(&l->history, &t->w->domain, &t->w->genesis, &t->w->policy);
  for (uint64_t b = 0;; b++) {
    file_t *best = NULL;
    char    path[CF_TILE_PATH_MAX], name[128];
    for (unsigned width = CF_TILE_WIDTH; width && !best; width--) {
      cf_tile_t tile = { CF_TILE_ENTRIES, b, width };
      cf_tile_path(path, &tile);
      int n = snprintf(name, sizeof name, "public/log/%s", path);
      best  = file_find(&t->disk, CF_SPAN(name, n));
    }
    if (!best) break;
    cf_rd_t   rd = cf_rd_init(best->bytes, best->len);
    cf_span_t e;
    while (cf_bundle_next(&rd, &e)) {
      assert_int_equal(cf_history_feed(&l->history, l->cnt, e, history_event, NULL), CF_OK);
      l->entry[l->cnt++] = e;
    }
  }
}

static inline void
party_init(town_t *t, party_t *p, uint32_t account) {
  memset(p, 0, sizeof *p);
  cf_k256_scalar_make(p->scalar, &t->w->entropy);
  cf_x25519_make(p->result, &p->result_pub, &t->w->entropy);
  p->account = account;
}

static inline void
acts(town_t *t, cf_span_t const *calls, size_t n) {
  uint8_t  *buf = malloc(1 << 20);
  cf_wr_t   wr  = cf_wr_init(buf, 1 << 20);
  unsigned  code;
  cf_span_t answer;
  for (size_t i = 0; i < n; i++) w_span(&wr, calls[i]);
  assert_true(ask_ledger(t, CF_SPAN_LIT("POST /ledger/acts"), keep(cf_wr_out(&wr)), &code, &answer));
  assert_int_equal(code, 200);
  if (memmem(answer.ptr, answer.len, "refusal", 7)) fail_msg("%.*s", (int)answer.len, answer.ptr);
  free(buf);
}

/* On a chain anybody pays in what he has: tokens are pulled. */
static inline void
fund_on_chain(town_t *t, party_t *p, size_t n, uint64_t units) {
  for (size_t i = 0; i < n; i++) {
    cf_op_t   open = { .kind = CF_OP_OPEN }, lane = { .kind = CF_OP_OPEN_LANE, .id = p[i].account }, dep = { .kind = CF_OP_DEPOSIT, .id = p[i].account, .units = units };
    cf_addr_t from;
    assert_int_equal(cf_k256_addr(&open.addr, p[i].scalar), CF_OK);
    from = open.addr;
    chain_call(t->chain, &from, &open);
    chain_call(t->chain, &from, &lane);
    chain_call(t->chain, &from, &dep);
  }
}

static inline void
fund(town_t *t, party_t *p, size_t n, uint64_t units) {
  if (t->chain) {
    fund_on_chain(t, p, n, units);
    return;
  }
  cf_span_t calls[64];
  size_t    k = 0;
  t->w->now_s = town_now(t).wall_ms / 1000;
  for (size_t i = 0; i < n; i++) {
    cf_op_t open = { .kind = CF_OP_OPEN };
    assert_int_equal(cf_k256_addr(&open.addr, p[i].scalar), CF_OK);
    calls[k++]   = call_of(t->w, &open, NULL, i);
    cf_op_t lane = { .kind = CF_OP_OPEN_LANE, .asset = 0, .id = p[i].account };
    calls[k++]   = call_of(t->w, &lane, NULL, 100 + i);
    cf_op_t dep  = { .kind = CF_OP_DEPOSIT, .asset = 0, .id = p[i].account, .units = units };
    calls[k++]   = call_of(t->w, &dep, t->w->treasury, i);
  }
  acts(t, calls, k);
}

/* A sealed obligation to the newest certified epoch, in the session of the one before while that lasts. */
static inline cf_span_t
pay(town_t *t, party_t *p, uint32_t payee, uint64_t amount) {
  static log_t        l;
  uint8_t             in_buf[64], buf[4096];
  cf_wr_t             in = cf_wr_init(in_buf, sizeof in_buf), wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_input_t input = { .kind = CF_CLEARING_OBLIGATION, .payee = payee, .asset = 0, .amount = amount };
  cf_clearing_input_encode(&in, &input);
  if (!p->session.to.epoch) {
    log_read(t, &l);
    cf_history_boot_t const *b = cf_history_certified(&l.history);
    cf_session_target_t to = { .domain = t->w->domain, .certificate = b->cert_hash, .policy = t->w->policy_hash, .epoch = b->index, .suite = 1,
                               .jurisdiction = CF_SPAN_LIT("any") };
    memcpy(to.sealing.b, b->sealing, 32);
    assert_int_equal(cf_session_begin(&p->session, &wr, &ciphers, &to, p->scalar, &p->result_pub, town_now(t).wall_ms / 1000 + 100000, ++p->order, cf_wr_out(&in),
                                      &t->w->entropy),
                     CF_OK);
  } else {
    assert_int_equal(cf_session_seal(&p->session, &wr, &ciphers, &t->w->domain, CF_SPAN_LIT("any"), ++p->order, cf_wr_out(&in)), CF_OK);
  }
  return keep(cf_wr_out(&wr));
}

/* ---- answers ---- */

typedef struct {
  size_t    receipts, cnt;
  cf_span_t receipt[16];
  struct {
    uint8_t   kind, which, class;
    uint16_t  position;
    cf_span_t promise;
  } at[128];
} answer_t;

/* Decodes the answer to a POST of env and checks every path in it. */
static inline void
answer_read(answer_t *a, cf_span_t body, cf_span_t const *env) {
  cf_rd_t rd = cf_rd_span(body);
  memset(a, 0, sizeof *a);
  assert_int_equal(cf_rd_u8(&rd), 1);
  a->receipts = cf_rd_u8(&rd);
  for (size_t i = 0; i < a->receipts; i++) a->receipt[i] = r_span(&rd);
  a->cnt = cf_rd_u16(&rd);
  for (size_t i = 0; i < a->cnt; i++) {
    a->at[i].kind = cf_rd_u8(&rd);
    if (a->at[i].kind == 2) a->at[i].class = cf_rd_u8(&rd);
    if (a->at[i].kind == 3) a->at[i].promise = r_span(&rd);
    if (a->at[i].kind != 1) continue;
    a->at[i].which    = cf_rd_u8(&rd);
    a->at[i].position = cf_rd_u16(&rd);
    size_t       n    = cf_rd_u8(&rd);
    cf_hash_t    path[32];
    cf_receipt_t doc;
    cf_sign1_t   s;
    cf_hash_t    id = cf_sha256(env[i]), leaf = cf_tree_leaf(CF_SPAN_OF(id.b)), root;
    for (size_t k = 0; k < n; k++) path[k] = cf_rd_hash(&rd);
    assert_true(a->at[i].which < a->receipts);
    assert_int_equal(cf_document_open(&doc, &s, &cf_receipt_table, a->receipt[a->at[i].which], NULL), CF_OK);
    memcpy(root.b, doc.inputs_root, 32);
    assert_int_equal(cf_tree_inclusion_verify(&root, doc.inputs, a->at[i].position, &leaf, path, n), CF_OK);
  }
  assert_true(cf_rd_done(&rd));
}

static inline cf_span_t
body_of(cf_span_t const *env, size_t n) {
  uint8_t *buf = malloc(1 << 20);
  cf_wr_t  wr  = cf_wr_init(buf, 1 << 20);
  for (size_t i = 0; i < n; i++) w_span(&wr, env[i]);
  cf_span_t out = keep(cf_wr_out(&wr));
  free(buf);
  return out;
}

static inline uint64_t
post(town_t *t, cf_span_t const *env, size_t n) {
  return town_request(t, "POST /v1/envelopes", "", body_of(env, n));
}

static inline answer_t *
post_and_wait(town_t *t, cf_span_t const *env, size_t n) {
  static answer_t a;
  reply_t        *r = town_ask(t, "POST /v1/envelopes", "", body_of(env, n));
  if (!r) return NULL;
  assert_int_equal(r->code, 200);
  answer_read(&a, r->body, env);
  return &a;
}

static inline reply_t *
get(town_t *t, char const *prefix, cf_span_t bytes) {
  char      path[160], hex[65];
  cf_hash_t id = cf_sha256(bytes);
  snprintf(path, sizeof path, "GET /v1/%s/%s", prefix, cf_hex_encode(hex, CF_SPAN_OF(id.b)));
  return town_ask(t, path, "", CF_SPAN(NULL, 0));
}

/* Units in an account's lane. */
static inline uint64_t
lane(town_t *t, uint32_t id) {
  cf_hash_t lanes = cf_slot_lanes(0), key = cf_slot_add(&lanes, id >> 2);
  cf_hash_t word  = t->chain ? state_get(chain_top(t->chain)->state, &key) : cf_ledger_state_get(t->ledger->chain.state, &key);
  return cf_word_get(&word, cf_lane_bit(id), 64) & CF_LANE_MAX;
}

/* Every receipt of the log once, in sequence, each with its manifest in the archive; *holds counts in how many an envelope is. */
static inline uint64_t
check_log(town_t *t, cf_span_t const *env, unsigned *holds, size_t n) {
  static log_t l;
  uint64_t     sequence = 0;
  log_read(t, &l);
  memset(holds, 0, n * sizeof *holds);
  for (size_t i = 0; i < l.cnt; i++) {
    cf_receipt_t doc;
    cf_sign1_t   s;
    char         name[128], hex[65];
    if (cf_document_open(&doc, &s, &cf_receipt_table, l.entry[i], NULL)) continue;
    assert_int_equal(doc.sequence, sequence + 1);
    sequence = doc.sequence;
    snprintf(name, sizeof name, "public/archive/%s", cf_hex_encode(hex, CF_SPAN(doc.manifest, 32)));
    file_t *m = file_find(&t->disk, CF_SPAN(name, strlen(name)));
    if (!m) fail_msg("receipt %llu is logged, its manifest is not archived", (unsigned long long)doc.sequence);
    assert_int_equal(m->len, doc.inputs * 32);
    for (size_t k = 0; k < n; k++) {
      cf_hash_t id = cf_sha256(env[k]);
      for (size_t at = 0; at < m->len; at += 32) holds[k] += !memcmp(m->bytes + at, id.b, 32);
    }
    uint8_t zero[32] = { 0 };
    if (memcmp(doc.view.proof, zero, 32)) {
      snprintf(name, sizeof name, "public/archive/%s", cf_hex_encode(hex, CF_SPAN(doc.view.proof, 32)));
      if (!file_find(&t->disk, CF_SPAN(name, strlen(name)))) fail_msg("receipt %llu names a finality proof that is not archived", (unsigned long long)doc.sequence);
    }
  }
  assert_int_equal(l.history.sequence, sequence); /* all of them count */
  return sequence;
}

/* Results of an envelope: each under its receipt's root. */
static inline size_t
check_results(town_t *t, cf_span_t env) {
  reply_t *r = get(t, "results", env);
  assert_int_equal(r->code, 200);
  static log_t l;
  log_read(t, &l);
  cf_rd_t rd = cf_rd_span(r->body);
  size_t  n  = cf_cbor_array(&rd);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(cf_cbor_array(&rd), 5);
    uint64_t  sequence = cf_cbor_uint(&rd), order = cf_cbor_uint(&rd);
    cf_hash_t salt = cf_cbor_hash(&rd), path[32];
    cf_span_t sealed = cf_cbor_bstr(&rd);
    size_t    cnt    = cf_cbor_array(&rd);
    for (size_t k = 0; k < cnt; k++) path[k] = cf_cbor_hash(&rd);
    cf_hash_t entry = cf_result_leaf(salt.b, (uint32_t)order, sealed), leaf = cf_tree_leaf(CF_SPAN_OF(entry.b));
    bool      found = false;
    for (size_t e = 0; e < l.cnt; e++) {
      cf_receipt_t doc;
      cf_sign1_t   s;
      cf_hash_t    root;
      if (cf_document_open(&doc, &s, &cf_receipt_table, l.entry[e], NULL) || doc.sequence != sequence) continue;
      memcpy(root.b, doc.results_root, 32);
      for (uint64_t size = 1; size <= 64 && !found; size++) /* how many leaves there are is not told */
        found = order < size && !cf_tree_inclusion_verify(&root, size, order, &leaf, path, cnt);
    }
    assert_true(found);
  }
  assert_true(cf_rd_done(&rd));
  return n;
}

#endif
