/* Parties of the small domain, and what its gateway does from day to day. */
#ifndef CF_TEST_ENCLAVE_LIFE_H
#define CF_TEST_ENCLAVE_LIFE_H

#include "world.h"

typedef struct {
  uint8_t         scalar[32], result[32];
  cf_x25519_pub_t result_pub;
  cf_session_t    session;
  uint64_t        order;
  uint32_t        account;
  uint64_t        expiry_s; /* of its next session; 0: far away */
  bool            stays;    /* goes on in its session whatever epoch is newest */
  cf_span_t       jurisdiction;
} party_t;

static cf_ciphers_t ciphers;

static inline void
party_init(world_t *w, party_t *p, uint32_t account) {
  memset(p, 0, sizeof *p);
  cf_k256_scalar_make(p->scalar, &w->entropy);
  cf_x25519_make(p->result, &p->result_pub, &w->entropy);
  p->account      = account;
  p->jurisdiction = CF_SPAN_LIT("any");
}

/* session_target is what an honest party would open to now. */
static inline cf_session_target_t
session_target(world_t *w, party_t const *p) {
  cf_history_boot_t const *b = cf_history_newest(&w->history);
  cf_session_target_t      t = {.domain = w->domain,
                                .certificate = b->cert_hash,
                                .policy = w->policy_hash,
                                .epoch = b->index,
                                .suite = 1,
                                .jurisdiction = p->jurisdiction};
  memcpy(t.sealing.b, b->sealing, 32);
  return t;
}

static inline cf_span_t
sealed_open(world_t *w, party_t *p, cf_session_target_t const *t, uint8_t const owner[32], uint64_t order, cf_span_t in) {
  uint8_t buf[4096];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  assert_int_equal(cf_session_begin(&p->session, &wr, &ciphers, t, owner, &p->result_pub,
                                    p->expiry_s ? p->expiry_s : w->now_s + 100000, order, in, &w->entropy),
                   CF_OK);
  return keep(cf_wr_out(&wr));
}

static inline cf_span_t
sealed_next(world_t *w, party_t *p, uint64_t order, cf_span_t in) {
  uint8_t buf[4096];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  assert_int_equal(cf_session_seal(&p->session, &wr, &ciphers, &w->domain, p->jurisdiction, order, in), CF_OK);
  return keep(cf_wr_out(&wr));
}

static inline cf_span_t
input_of(uint8_t buf[64], cf_clearing_kind_t kind, uint32_t payee, uint32_t asset, uint64_t amount) {
  cf_wr_t             wr    = cf_wr_init(buf, 64);
  cf_clearing_input_t input = { .kind = kind, .payee = payee, .asset = asset, .amount = amount };
  cf_clearing_input_encode(&wr, &input);
  return cf_wr_out(&wr);
}

/* sealed goes into the party's session, or opens one to the newest epoch. */
static inline cf_span_t
sealed(world_t *w, party_t *p, uint64_t order, cf_span_t in) {
  cf_session_target_t t = session_target(w, p);
  if (p->session.to.epoch && (p->stays || p->session.to.epoch == t.epoch)) return sealed_next(w, p, order, in);
  return sealed_open(w, p, &t, p->scalar, order, in);
}

static inline cf_span_t
obligation(world_t *w, party_t *p, uint32_t payee, uint32_t asset, uint64_t amount) {
  uint8_t buf[64];
  return sealed(w, p, ++p->order, input_of(buf, CF_CLEARING_OBLIGATION, payee, asset, amount));
}

static inline cf_span_t
withdrawal(world_t *w, party_t *p, uint32_t asset, uint64_t amount) {
  uint8_t buf[64];
  return sealed(w, p, ++p->order, input_of(buf, CF_CLEARING_WITHDRAWAL, 0, asset, amount));
}

/* fund opens accounts and lanes and deposits, in one block, and shows it. */
static inline void
fund(world_t *w, party_t *p, size_t n, uint64_t units) {
  cf_span_t calls[64];
  uint32_t  k = 0;
  for (size_t i = 0; i < n; i++) {
    cf_op_t open = { .kind = CF_OP_OPEN };
    assert_int_equal(cf_k256_addr(&open.addr, p[i].scalar), CF_OK);
    calls[k++] = call_of(w, &open, NULL, i);
    for (uint32_t a = 0; a < 2; a++) {
      cf_op_t lane = { .kind = CF_OP_OPEN_LANE, .asset = a, .id = p[i].account };
      calls[k++]   = call_of(w, &lane, NULL, 100 + i * 2 + a);
    }
    cf_op_t dep = { .kind = CF_OP_DEPOSIT, .asset = 0, .id = p[i].account, .units = units };
    calls[k++]  = call_of(w, &dep, w->treasury, i);
  }
  ledger_block(w, calls, k);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
}

/* ledger_act makes a block of one call by sender, or by nobody. */
static inline void
ledger_act(world_t *w, cf_op_t const *op, uint8_t const *sender, uint64_t nonce) {
  cf_span_t call = call_of(w, op, sender, nonce);
  ledger_block(w, &call, 1);
}

/* ledger_wait makes an empty block after s seconds, and shows it. */
static inline cf_refuse_t
ledger_wait(world_t *w, uint64_t s) {
  w->now_s += s;
  ledger_block(w, NULL, 0);
  return show_ledger(w);
}

static inline uint64_t
lane_of(world_t *w, uint32_t account, uint32_t asset, bool free_lane) {
  cf_hash_t base = free_lane ? cf_slot_free_lanes(asset) : cf_slot_lanes(asset), slot = cf_slot_add(&base, account >> 2);
  cf_hash_t word = cf_ledger_state_get(w->chain.state, &slot);
  return cf_word_get(&word, cf_lane_bit(account), 64) & CF_LANE_MAX;
}

/* released counts items of the last SHOW_LOG by kind. */
static inline unsigned
released_in(cf_span_t body, size_t skip, cf_release_kind_t kind, cf_span_t *first) {
  cf_rd_t  rd = cf_rd_span(body);
  unsigned n  = 0;
  (void)cf_rd_take(&rd, skip);
  for (uint16_t cnt = cf_rd_u16(&rd); cnt > 0; cnt--) {
    uint8_t k = cf_rd_u8(&rd);
    (void)cf_rd_u64(&rd);
    cf_span_t s = r_span(&rd);
    if (k == kind && !n++ && first) *first = keep(s);
  }
  assert_true(cf_rd_done(&rd));
  return n;
}

static inline unsigned
released(world_t *w, cf_release_kind_t kind, cf_span_t *first) {
  return released_in(w->body, 1, kind, first);
}

/* Of the results that read_results opened: how many were sealed to the result key. */
static unsigned by_result_key;

/* read_results opens what the last SHOW_LOG let out for a party; returns how many. */
static inline unsigned
read_results(world_t *w, party_t *p, cf_result_t *out, unsigned max) {
  cf_rd_t  rd = cf_rd_span(w->body);
  unsigned n  = 0;
  by_result_key = 0;
  (void)cf_rd_u8(&rd);
  for (uint16_t cnt = cf_rd_u16(&rd); cnt > 0; cnt--) {
    uint8_t k = cf_rd_u8(&rd);
    (void)cf_rd_u64(&rd);
    cf_rd_t in = cf_rd_span(r_span(&rd));
    if (k != CF_RELEASE_RESULTS) continue;
    for (uint32_t i = cf_rd_u32(&in); i > 0; i--) {
      uint8_t *plain = malloc(CF_BUCKET_MAX);
      (void)cf_rd_take(&in, 32 + 4 + 32);
      cf_span_t sealed_bytes = r_span(&in);
      if (n < max && !cf_result_open(&out[n], NULL, plain, &ciphers, &w->domain, &p->session, p->result, sealed_bytes, NULL)) {
        cf_envelope_t env;
        assert_int_equal(cf_envelope_decode_result(&env, sealed_bytes), CF_REFUSE_NONE);
        by_result_key += env.kind == CF_ENVELOPE_RESULT_KEY;
        out[n].body = keep(out[n].body);
        n++;
      }
      free(plain);
    }
    assert_true(cf_rd_done(&in));
  }
  assert_true(cf_rd_done(&rd));
  return n;
}

static inline cf_settlement_meta_t
content_meta(cf_span_t item) {
  cf_rd_t              rd = cf_rd_span(item);
  cf_settlement_doc_t  d;
  cf_settlement_meta_t m;
  cf_hash_t            word;
  assert_int_equal(cf_table_decode(&d, &cf_settlement_doc_table, r_span(&rd), NULL), CF_OK);
  memcpy(word.b, d.meta, 32);
  assert_true(cf_settlement_meta_unpack(&m, &word));
  return m;
}

static inline cf_op_t
settle_op(cf_span_t item, cf_settlement_doc_t *d) {
  cf_rd_t   rd      = cf_rd_span(item);
  cf_span_t payload = r_span(&rd), body = cf_rd_take_span(&rd, cf_rd_left(&rd));
  assert_int_equal(cf_table_decode(d, &cf_settlement_doc_table, payload, NULL), CF_OK);
  cf_op_t op = { .kind = CF_OP_SETTLE, .body = body };
  memcpy(op.meta.b, d->meta, 32);
  memcpy(op.state_root.b, d->state_root, 32);
  memcpy(op.receipts.b, d->receipts, 32);
  memcpy(op.sig, d->signature, 64);
  return op;
}

static inline void
settle(world_t *w, cf_span_t item) {
  cf_settlement_doc_t d;
  cf_op_t             op = settle_op(item, &d);
  ledger_act(w, &op, NULL, w->chain.head.number);
}

static inline void
one_batch(world_t *w, cf_span_t const *env, uint16_t n, batch_t *b) {
  assert_int_equal(batch(w, env, n, b), CF_REFUSE_NONE);
  log_and_read(w, b->receipt);
}

static inline void
idle(world_t *w, unsigned n) {
  batch_t b;
  while (n--) one_batch(w, NULL, 0, &b);
}

/* serving makes a domain of n funded parties, their accounts applied. */
static inline world_t *
serving(uint64_t seed, party_t *p, uint32_t n) {
  world_t *w = world_new(seed, false);
  bootstrap(w);
  for (uint32_t i = 0; i < n; i++) party_init(w, &p[i], i + 1);
  fund(w, p, n, 1000);
  idle(w, 1);
  return w;
}

/* net has 1 owe 2, and 2 owe 1, in a batch of their own. */
static inline void
net(world_t *w, party_t *p, uint64_t a, uint64_t b) {
  batch_t   out;
  cf_span_t env[2] = { obligation(w, &p[0], p[1].account, 0, a), obligation(w, &p[1], p[0].account, 0, b) };
  one_batch(w, env, 2, &out);
  assert_int_equal(out.refused_cnt, 0);
}

/* read_status is READ 3. */
typedef struct { uint64_t sequence, counting, epoch, size, block, messages; uint8_t phase; } status_t;
static inline status_t
read_status(world_t *w) {
  uint8_t  what = 3;
  status_t s;
  assert_int_equal(ask(w, CF_MSG_READ, CF_SPAN(&what, 1)), CF_REFUSE_NONE);
  cf_rd_t rd = cf_rd_span(w->body);
  s.phase    = cf_rd_u8(&rd);
  (void)cf_rd_take(&rd, 32);
  s.sequence = cf_rd_u64(&rd);
  s.counting = cf_rd_u64(&rd);
  s.epoch    = cf_rd_u64(&rd);
  s.size     = cf_rd_u64(&rd);
  s.block    = cf_rd_u64(&rd);
  s.messages = cf_rd_u64(&rd);
  assert_true(cf_rd_done(&rd));
  return s;
}

/* restart is everything from the disk to SERVING. */
static inline void
restart(world_t *w) {
  if (w->e) enclave_end(w);
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  w->view_messages = read_status(w).messages;
  certify(w);
}

/* take_snapshot keeps what SNAPSHOT answers; journal files before it are forgotten. */
static inline cf_refuse_t
take_snapshot(world_t *w) {
  cf_refuse_t r = ask(w, CF_MSG_SNAPSHOT, CF_SPAN(NULL, 0));
  if (r) return r;
  cf_rd_t   rd       = cf_rd_span(w->body);
  cf_span_t snapshot = r_span(&rd), header = r_span(&rd);
  uint64_t  file     = cf_rd_u64(&rd);
  assert_true(cf_rd_done(&rd) && file < 8 && snapshot.len < sizeof w->snapshot);
  memcpy(w->snapshot, snapshot.ptr, w->snapshot_sz = snapshot.len);
  memcpy(w->journal[file], header.ptr, w->journal_sz[file] = header.len);
  w->files = w->first_file = file;
  return r;
}

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

#endif
