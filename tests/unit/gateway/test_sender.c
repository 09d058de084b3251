/* The sender's rules, one by one.  tests/sender runs them together, against a model of a chain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../sender/rows.h"
#include "gateway/cf_sender.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum { LOOK_MS = 1000, NONCE = 7, GAS = 50000, SENT_MAX = 256, ID = 100, ALL = 1000 };

static uint8_t const key[32] = { [31] = 5 };

typedef struct {
  uint64_t  id;
  cf_hash_t hash;
  cf_evm_tx_t tx;
} sent_t;

/* Everything about it in one place; what the chain says of a transaction is set by hand. */
static struct {
  cf_sender_t        s;
  cf_sender_config_t cfg;
  rows_t             rows;
  cf_effects_t       fx;
  uint8_t            scratch[1 << 20];
  uint64_t           ms;
  sent_t             sent[SENT_MAX];
  size_t             sent_cnt;
  bool               looking, tracing;
  cf_trace_ask_t     trail;
  cf_hash_t          asked[64 * 16];
  size_t             asked_cnt;
  struct { cf_hash_t hash; cf_seen_t seen; } chain[SENT_MAX];
  size_t             chain_cnt;
  unsigned           alarms, warnings, stores;
  char               log[512];
  cf_look_t          look; /* number, nonce, fees of the next answer */
} w;

static void step(cf_event_t ev) {
  w.fx.cnt = w.fx.scratch_len = 0;
  w.fx.scratch     = w.scratch;
  w.fx.scratch_max = sizeof w.scratch;
  ev.now           = (cf_now_t){ w.ms, 1700000000000 + w.ms };
  cf_sender_step(&w.s, &w.fx, &ev);
  for (size_t i = 0; i < w.fx.cnt; i++) {
    cf_effect_t const *e = &w.fx.at[i];
    if (e->kind == CF_FX_STORE) {
      assert_true(rows_commit(&w.rows, e->body));
      w.stores++;
    }
    if (e->kind == CF_FX_LOG) {
      snprintf(w.log, sizeof w.log, "%.*s", (int)e->body.len, (char const *)e->body.ptr);
      w.alarms += strstr(w.log, "sender-halted") != NULL;
      w.warnings += strstr(w.log, "sender-waits") != NULL;
    }
    if (e->kind != CF_FX_ASK) continue;
    assert_int_equal(e->peer, 9);
    if (cf_span_eq(e->name, CF_SPAN_LIT("POST /look"))) {
      cf_rd_t rd  = cf_rd_span(e->body);
      w.looking   = true;
      w.asked_cnt = cf_rd_u16(&rd);
      for (size_t k = 0; k < w.asked_cnt; k++) w.asked[k] = cf_rd_hash(&rd);
      assert_true(cf_rd_done(&rd));
    } else if (cf_span_eq(e->name, CF_SPAN_LIT("POST /trace"))) {
      assert_int_equal(cf_trace_ask_decode(&w.trail, e->body), CF_OK);
      assert_false(w.tracing);
      w.tracing = true;
    } else {
      static uint8_t  scratch[CF_EVM_TX_MAX];
      static cf_evm_signed_t t;
      assert_true(rows_have_tx(&w.rows, e->body)); /* durable first */
      assert_int_equal(cf_evm_tx_decode(&t, e->body, cf_wr_init(scratch, sizeof scratch)), CF_OK);
      assert_true(w.sent_cnt < SENT_MAX);
      t.tx.data.ptr          = NULL;
      w.sent[w.sent_cnt++] = (sent_t){ e->id, t.hash, t.tx };
    }
  }
}

static void tick(uint64_t ms) {
  w.ms += ms;
  step((cf_event_t){ .kind = CF_EV_TICK });
}

static void scanned(uint64_t id, cf_store_kind_t kind) {
  static uint8_t body[4 << 20];
  cf_wr_t        wr = cf_wr_init(body, sizeof body);
  rows_scan(&w.rows, &wr, kind);
  step((cf_event_t){ .kind = CF_EV_DONE, .id = id, .code = 200, .body = cf_wr_out(&wr) });
}

/* A process life, from what the store has. */
static void start(void) {
  w.looking = w.tracing = false;
  w.alarms  = 0;
  assert_int_equal(cf_sender_init(&w.s, &w.cfg), CF_OK);
  step((cf_event_t){ .kind = CF_EV_START });
  scanned(ID, CF_STORE_META);
  scanned(ID + 1, CF_STORE_TX);
  scanned(ID + 2, CF_STORE_FEE);
  assert_true(w.s.ready);
}

static cf_hash_t block_hash(uint64_t number, uint8_t branch) {
  cf_hash_t h = { { branch } };
  h.b[31]     = (uint8_t)number;
  return h;
}

static void final_on(uint64_t number, uint64_t nonce, uint8_t branch) {
  cf_sender_final_t f = { .number = number, .hash = block_hash(number, branch), .time_s = 1700000000 - 1700000000 % 86400 + number, .nonce = nonce };
  f.since_number      = w.s.final_number;
  f.since_hash        = block_hash(f.since_number, branch);
  cf_sender_final(&w.s, &f);
  tick(1);
}
static void final(uint64_t number, uint64_t nonce) { final_on(number, nonce, 0); }

static void set(cf_hash_t const *hash, cf_seen_t seen) {
  size_t i = 0;
  while (i < w.chain_cnt && !cf_hash_eq(&w.chain[i].hash, hash)) i++;
  assert_true(i < SENT_MAX);
  if (i == w.chain_cnt) w.chain_cnt++;
  w.chain[i].hash = *hash;
  w.chain[i].seen = seen;
}

static cf_seen_t mined(cf_seen_kind_t kind, uint64_t block, uint8_t branch) {
  return (cf_seen_t){ .kind = kind, .block = block, .block_hash = block_hash(block, branch), .gas_used = 21000, .price_wei = 150 };
}

/* Answers the look that is under way, or the next one; what was not set is in no block and no pool. */
static void look_once(uint64_t number, uint64_t nonce) {
  static cf_seen_t seen[64 * 16];
  static uint8_t   body[131072];
  for (int i = 0; i < 20 && !w.looking; i++) tick(LOOK_MS);
  assert_true(w.looking);
  w.looking     = false;
  w.look.number = number;
  w.look.nonce  = nonce;
  w.look.n      = w.asked_cnt;
  for (size_t i = 0; i < w.asked_cnt; i++) {
    seen[i] = (cf_seen_t){ .kind = CF_SEEN_ABSENT };
    for (size_t k = 0; k < w.chain_cnt; k++)
      if (cf_hash_eq(&w.chain[k].hash, &w.asked[i])) seen[i] = w.chain[k].seen;
  }
  cf_wr_t wr = cf_wr_init(body, sizeof body);
  cf_look_write(&wr, &w.look, seen);
  tick(1);
  step((cf_event_t){ .kind = CF_EV_DONE, .id = ID + 3, .code = 200, .body = cf_wr_out(&wr) });
}

/* ... one that was asked for after the last final block. */
static void look(uint64_t number, uint64_t nonce) {
  bool stale = w.s.look_stale;
  look_once(number, nonce);
  if (stale) look_once(number, nonce);
}

/* Answers the trace that is under way. */
static void traced(cf_traced_t t) {
  static uint8_t body[1024];
  cf_wr_t        wr = cf_wr_init(body, sizeof body);
  assert_true(w.tracing);
  w.tracing = false;
  cf_traced_write(&wr, &t);
  tick(1);
  step((cf_event_t){ .kind = CF_EV_DONE, .id = ID + 4, .code = 200, .body = cf_wr_out(&wr) });
}

/* One of nonce 7 that is not ours, signed with this key. */
static cf_traced_t other(uint8_t const scalar[32], uint64_t nonce) {
  static uint8_t raw[512];
  uint8_t        sig[64];
  cf_hash_t      hash;
  cf_wr_t        wr = cf_wr_init(raw, sizeof raw);
  cf_evm_tx_t    tx = { .chain_id = 1, .nonce = nonce, .tip_wei = 1, .fee_wei = 300, .gas = 21000, .to = { { 3 } } };
  assert_int_equal(cf_evm_tx_sign(&wr, sig, &hash, &tx, scalar), CF_OK);
  return (cf_traced_t){ .kind = CF_TRACED_OTHER, .raw = cf_wr_out(&wr) };
}

/* The endpoints' answer to the last one sent. */
static void reply(cf_sent_t what) {
  uint8_t body[1] = { (uint8_t)what };
  assert_true(w.sent_cnt > 0);
  tick(1);
  step((cf_event_t){ .kind = CF_EV_DONE, .id = w.sent[w.sent_cnt - 1].id, .code = 200, .body = CF_SPAN_OF(body) });
}

static cf_hash_t ref(uint8_t n) { return (cf_hash_t){ { n, 1 } }; }

static cf_status_t submit_cap(uint8_t n, cf_wei_t cap) {
  static uint8_t   data[100] = { 1, 2, 3 };
  cf_hash_t        r         = ref(n);
  cf_sender_call_t call      = { .ref = r, .to = { { 9 } }, .data = CF_SPAN_OF(data), .gas = GAS, .cap_wei = cap };
  cf_status_t      st        = cf_sender_submit(&w.s, &call);
  tick(1);
  return st;
}
static cf_status_t submit(uint8_t n) { return submit_cap(n, (cf_wei_t)GAS * ALL); }

static cf_sender_info_t info(uint8_t n) {
  cf_sender_info_t i;
  cf_hash_t        r = ref(n);
  assert_true(cf_sender_find(&w.s, &i, &r));
  return i;
}

static cf_sender_wait_t waits(void) { return cf_sender_status(&w.s).wait; }

static int setup(void **state) {
  (void)state;
  rows_free(&w.rows);
  memset(&w, 0, sizeof w);
  w.ms        = 50;
  w.look.fees = (cf_fee_hint_t){ 100, 10 };
  w.cfg       = (cf_sender_config_t){ .chain_id = 1, .scalar = key, .chain = 9, .id = ID, .budget_wei = (cf_wei_t)1 << 100, .look_ms = LOOK_MS, .bump_ms = 3000, .bump_blocks = 2 };
  start();
  return 0;
}
static int teardown(void **state) {
  (void)state;
  rows_free(&w.rows);
  return 0;
}

/* Ready, and call 1 in a pool at nonce 7. */
static int pooled(void **state) {
  setup(state);
  final(10, NONCE);
  look(12, NONCE);
  assert_int_equal(submit(1), CF_OK);
  assert_int_equal(w.sent_cnt, 1);
  reply(CF_SENT_TAKEN);
  assert_int_equal(info(1).state, CF_SENDER_POOLED);
  return 0;
}

/* ---- arithmetic, and bytes ---- */

static struct {
  uint64_t tip, fee, base, hint_tip, most; /* most: cap per gas */
  bool     ok;
  uint64_t want_tip, want_fee;
} const bumps[] = {
  { 10, 210, 100, 10, 1000, true, 11, 231 },       /* a tenth */
  { 11, 211, 100, 10, 1000, true, 13, 233 },       /* rounded up */
  { 0, 1, 0, 0, 1000, true, 1, 2 },                /* at least one more */
  { 10, 210, 400, 50, 1000, true, 50, 850 },       /* what the chain asks for */
  { 10, 210, 400, 50, 300, true, 50, 300 },        /* as far as the cap allows */
  { 10, 210, 400, 500, 300, true, 300, 300 },      /* a tip is never above its fee */
  { 10, 210, 100, 10, 231, true, 11, 231 },        /* just */
  { 10, 210, 100, 10, 230, false, 0, 0 },          /* not a tenth */
  { 10, UINT64_MAX, 1, 1, UINT64_MAX, false, 0, 0 },
  { 10, 20, UINT64_MAX, UINT64_MAX, UINT64_MAX, true, UINT64_MAX, UINT64_MAX },
};

static void test_fees(void **state) {
  cf_fees_t f;
  (void)state;
  for (size_t i = 0; i < COUNT(bumps); i++) {
    cf_fees_t last = { bumps[i].tip, bumps[i].fee };
    bool      ok   = cf_fees_bump(&f, last, (cf_fee_hint_t){ bumps[i].base, bumps[i].hint_tip }, 3, (cf_wei_t)3 * bumps[i].most + 2);
    assert_int_equal(ok, bumps[i].ok);
    if (!ok) continue;
    assert_int_equal(f.tip_wei, bumps[i].want_tip);
    assert_int_equal(f.fee_wei, bumps[i].want_fee);
    assert_true(cf_fees_replaces(last, f) && f.tip_wei <= f.fee_wei);
  }
  assert_true(cf_fees_first(&f, (cf_fee_hint_t){ 100, 10 }, 1, 1000) && f.tip_wei == 10 && f.fee_wei == 210);
  assert_true(cf_fees_first(&f, (cf_fee_hint_t){ 100, 10 }, 1, 110) && f.tip_wei == 10 && f.fee_wei == 110);
  assert_false(cf_fees_first(&f, (cf_fee_hint_t){ 100, 10 }, 1, 109));
  assert_false(cf_fees_first(&f, (cf_fee_hint_t){ UINT64_MAX, UINT64_MAX }, 1, UINT64_MAX));
  assert_false(cf_fees_first(&f, (cf_fee_hint_t){ 1, 1 }, 0, 1000));
  assert_false(cf_fees_bump(&f, f, (cf_fee_hint_t){ 1, 1 }, 0, 1000));
  assert_false(cf_fees_replaces((cf_fees_t){ 10, 100 }, (cf_fees_t){ 11, 109 }));
  assert_false(cf_fees_replaces((cf_fees_t){ 10, 100 }, (cf_fees_t){ 10, 110 }));
}

static void test_wire(void **state) {
  uint8_t   bytes[512], byte[2] = { CF_SENTS, 0 };
  cf_seen_t in[] = { { 0 }, { .kind = CF_SEEN_POOL }, mined(CF_SEEN_REVERTED, 3, 1), mined(CF_SEEN_SUCCEEDED, 4, 1) }, out[4];
  cf_look_t look = { .number = 1, .nonce = 2, .fees = { 3, 4 }, .n = 4 }, got;
  cf_sent_t sent;
  (void)state;
  cf_wr_t wr = cf_wr_init(bytes, sizeof bytes);
  cf_look_write(&wr, &look, in);
  assert_int_equal(cf_look_decode(&got, out, 4, cf_wr_out(&wr)), CF_OK);
  for (size_t i = 0; i < 4; i++)
    assert_true(out[i].kind == in[i].kind && out[i].block == in[i].block && cf_hash_eq(&out[i].block_hash, &in[i].block_hash) &&
                out[i].gas_used == in[i].gas_used && out[i].price_wei == in[i].price_wei);
  assert_true(got.number == 1 && got.nonce == 2 && got.fees.base_wei == 3 && got.fees.tip_wei == 4 && got.n == 4);
  assert_int_equal(cf_look_decode(&got, out, 3, cf_wr_out(&wr)), CF_ERR_BOUND);
  for (size_t n = 0; n < wr.len; n++) assert_int_equal(cf_look_decode(&got, out, 4, CF_SPAN(bytes, n)), CF_ERR_FORMAT);
  assert_int_equal(cf_look_decode(&got, out, 4, CF_SPAN(bytes, wr.len + 1)), CF_ERR_FORMAT);
  bytes[34] = CF_SEENS;
  assert_int_equal(cf_look_decode(&got, out, 4, cf_wr_out(&wr)), CF_ERR_FORMAT);
  assert_int_equal(cf_sent_decode(&sent, CF_SPAN(byte, 1)), CF_ERR_FORMAT);
  assert_int_equal(cf_sent_decode(&sent, CF_SPAN(byte + 1, 0)), CF_ERR_FORMAT);
  assert_int_equal(cf_sent_decode(&sent, CF_SPAN(byte, 2)), CF_ERR_FORMAT);
  assert_int_equal(cf_sent_decode(&sent, CF_SPAN(byte + 1, 1)), CF_OK);

  cf_trace_ask_t ask = { .number = 1, .hash = ref(2), .low = 3, .nonce = 4, .n = 2, .tx = { ref(5), ref(6) } }, asked;
  wr                 = cf_wr_init(bytes, sizeof bytes);
  cf_trace_ask_write(&wr, &ask);
  assert_int_equal(cf_trace_ask_decode(&asked, cf_wr_out(&wr)), CF_OK);
  assert_true(asked.number == 1 && cf_hash_eq(&asked.hash, &ask.hash) && asked.low == 3 && asked.nonce == 4 && asked.n == 2 && cf_hash_eq(&asked.tx[1], &ask.tx[1]));
  for (size_t n = 0; n < wr.len; n++) assert_int_equal(cf_trace_ask_decode(&asked, CF_SPAN(bytes, n)), CF_ERR_FORMAT);
  bytes[56] = CF_TRACE_TXS + 1;
  assert_int_equal(cf_trace_ask_decode(&asked, CF_SPAN_OF(bytes)), CF_ERR_FORMAT);
  for (int kind = 0; kind < CF_TRACEDS; kind++) {
    cf_traced_t t = { .kind = (cf_traced_kind_t)kind, .tx = ref(7), .seen = mined(CF_SEEN_REVERTED, 3, 1), .raw = CF_SPAN(byte, 2) }, back;
    wr            = cf_wr_init(bytes, sizeof bytes);
    cf_traced_write(&wr, &t);
    assert_int_equal(cf_traced_decode(&back, cf_wr_out(&wr)), CF_OK);
    assert_int_equal(back.kind, kind);
    assert_true(kind != CF_TRACED_OURS || (cf_hash_eq(&back.tx, &t.tx) && back.seen.block == 3 && back.seen.gas_used == 21000));
    assert_true(kind != CF_TRACED_OTHER || cf_span_eq(back.raw, t.raw));
    if (kind == CF_TRACED_OTHER) continue;
    assert_int_equal(cf_traced_decode(&back, CF_SPAN(bytes, wr.len - 1)), CF_ERR_FORMAT);
    assert_int_equal(cf_traced_decode(&back, CF_SPAN(bytes, wr.len + 1)), CF_ERR_FORMAT);
  }
  bytes[0] = CF_TRACEDS;
  assert_int_equal(cf_traced_decode(&(cf_traced_t){ 0 }, CF_SPAN(bytes, 1)), CF_ERR_FORMAT);
}

/* ---- a call's way ---- */

static void test_way(void **state) {
  (void)state;
  assert_int_equal(submit(1), CF_OK);
  assert_int_equal(info(1).state, CF_SENDER_QUEUED);
  assert_int_equal(waits(), CF_SENDER_WAITS_START);
  look(12, NONCE);
  assert_int_equal(w.sent_cnt, 0); /* no final block: which nonce is the first is not known */
  final(10, NONCE);
  look(12, NONCE);
  assert_int_equal(w.sent_cnt, 1);
  assert_true(w.sent[0].tx.nonce == NONCE && w.sent[0].tx.tip_wei == 10 && w.sent[0].tx.fee_wei == 210 && w.sent[0].tx.gas == GAS);
  assert_int_equal(info(1).state, CF_SENDER_SIGNED);
  reply(CF_SENT_TAKEN);
  assert_int_equal(submit(1), CF_OK); /* known: nothing happens */
  assert_int_equal(cf_sender_status(&w.s).live, 1);

  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 13, 0));
  look(14, NONCE + 1);
  assert_int_equal(info(1).state, CF_SENDER_MINED);
  final(12, NONCE);
  look(14, NONCE + 1);
  assert_int_equal(info(1).state, CF_SENDER_MINED);
  final(13, NONCE + 1);
  look(14, NONCE + 1);
  assert_int_equal(info(1).state, CF_SENDER_FINAL);
  assert_int_equal(info(1).outcome, CF_SENDER_EXECUTED);
  assert_true(info(1).fee_wei == 21000 * 150 && info(1).block == 13);
  assert_int_equal(submit(1), CF_OK); /* executed: not again, in this life and the next */
  start();
  assert_int_equal(submit(1), CF_OK);
  final(14, NONCE + 1);
  look(15, NONCE + 1);
  assert_int_equal(w.sent_cnt, 1);
  assert_true(cf_sender_status(&w.s).total_wei == 21000 * 150);
}

/* A state that shows a settlement not executed has the last word over what endpoints said. */
static void test_judged(void **state) {
  cf_sender_call_t call = { .ref = ref(1), .gas = GAS, .cap_wei = (cf_wei_t)GAS * ALL };
  (void)state;
  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 13, 0));
  final(13, NONCE + 1);
  look(14, NONCE + 1);
  assert_int_equal(info(1).outcome, CF_SENDER_EXECUTED);
  call.judged = 12;
  assert_int_equal(cf_sender_submit(&w.s, &call), CF_OK);
  tick(1);
  assert_int_equal(w.sent_cnt, 1);
  call.judged = 13;
  assert_int_equal(cf_sender_submit(&w.s, &call), CF_OK);
  tick(1);
  assert_int_equal(w.sent_cnt, 2);
  assert_int_equal(w.sent[1].tx.nonce, NONCE + 1);
}

static void test_reverted(void **state) {
  (void)state;
  set(&w.sent[0].hash, mined(CF_SEEN_REVERTED, 13, 0));
  final(13, NONCE + 1);
  look(14, NONCE + 1);
  assert_int_equal(info(1).outcome, CF_SENDER_REVERTED);
  assert_true(cf_sender_status(&w.s).spent_wei == 21000 * 150); /* paid all the same */
  assert_int_equal(submit(1), CF_OK);
  assert_int_equal(w.sent_cnt, 2);
  assert_int_equal(w.sent[1].tx.nonce, NONCE + 1);
}

/* A final block alone resolves nothing, nor an answer that was on its way when it came. */
static void test_stale_look(void **state) {
  (void)state;
  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 13, 0));
  for (int i = 0; i < 20 && !w.looking; i++) tick(LOOK_MS);
  final(13, NONCE + 1);
  look_once(14, NONCE + 1);
  assert_int_equal(info(1).state, CF_SENDER_MINED);
  look_once(14, NONCE + 1);
  assert_int_equal(info(1).state, CF_SENDER_FINAL);
}

/* Where blocks become final faster than endpoints answer, each answer is of the final block that was known when it was asked for. */
static void test_slow_look(void **state) {
  (void)state;
  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 13, 0));
  final(13, NONCE + 1);
  for (int i = 0; i < 20 && !w.looking; i++) tick(LOOK_MS);
  final(14, NONCE + 1);
  look_once(15, NONCE + 1);
  assert_int_equal(info(1).state, CF_SENDER_FINAL);
}

static void test_reorganised(void **state) {
  (void)state;
  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 13, 0));
  look(14, NONCE + 1);
  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 14, 1)); /* another block */
  look(14, NONCE + 1);
  assert_int_equal(info(1).block, 14);
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_UNKNOWN }); /* nobody knows: nothing changes */
  look(14, NONCE);
  assert_int_equal(info(1).state, CF_SENDER_MINED);
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_ABSENT });
  look(15, NONCE);
  assert_int_equal(w.sent_cnt, 2);
  assert_true(cf_hash_eq(&w.sent[1].hash, &w.sent[0].hash)); /* the same bytes */
  assert_int_equal(cf_sender_status(&w.s).reorgs, 2);
}

static void test_dropped_from_pools(void **state) {
  (void)state;
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_POOL });
  look(12, NONCE);
  assert_int_equal(w.sent_cnt, 1);
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_ABSENT });
  look(12, NONCE);
  assert_int_equal(w.sent_cnt, 2);
  assert_true(cf_hash_eq(&w.sent[1].hash, &w.sent[0].hash));
  reply(CF_SENT_KNOWN);
  assert_int_equal(info(1).state, CF_SENDER_POOLED);
}

/* An answer that no chain gives changes nothing. */
static void test_lies(void **state) {
  cf_seen_t s = mined(CF_SEEN_SUCCEEDED, 13, 0);
  (void)state;
  set(&w.sent[0].hash, s);
  look(12, NONCE + 1); /* above the newest block */
  look(14, NONCE);     /* in a block, its nonce not used */
  s.gas_used = GAS + 1;
  set(&w.sent[0].hash, s);
  look(14, NONCE + 1);
  s.gas_used  = 21000;
  s.price_wei = 211;
  set(&w.sent[0].hash, s);
  look(14, NONCE + 1);
  assert_int_equal(cf_sender_status(&w.s).lies, 4);
  assert_int_equal(info(1).state, CF_SENDER_POOLED);
  s.price_wei = 210;
  set(&w.sent[0].hash, s);
  look(9, NONCE); /* behind the last final block: not a lie, and not looked at */
  assert_int_equal(info(1).state, CF_SENDER_POOLED);
  look(14, NONCE + 1);
  assert_int_equal(info(1).state, CF_SENDER_MINED);
}

/* ---- replacing and cancelling ---- */

static void test_replaced(void **state) {
  (void)state;
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_POOL });
  tick(3000);
  look(13, NONCE); /* long enough, and not blocks enough */
  assert_int_equal(w.sent_cnt, 1);
  look(14, NONCE);
  assert_int_equal(w.sent_cnt, 2);
  assert_true(w.sent[1].tx.nonce == NONCE && w.sent[1].tx.tip_wei == 11 && w.sent[1].tx.fee_wei == 231);
  reply(CF_SENT_UNDERPRICED); /* a pool wants more; not at once */
  assert_int_equal(w.sent_cnt, 2);
  tick(LOOK_MS);
  assert_int_equal(w.sent_cnt, 3);
  assert_true(w.sent[2].tx.tip_wei == 13 && w.sent[2].tx.fee_wei == 255);
  assert_int_equal(info(1).attempts, 3);
  start(); /* all of them are known in the next life, which waits anew; the oldest got in */
  look(18, NONCE);
  tick(1);
  assert_int_equal(info(1).attempts, 3);
  assert_true(w.sent_cnt == 4 && cf_hash_eq(&w.sent[3].hash, &w.sent[2].hash)); /* the dearest, again */
  reply(CF_SENT_TAKEN);
  w.sent_cnt = 3;
  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 15, 0));
  look(15, NONCE + 1);
  assert_true(cf_hash_eq(&w.s.slot[0].at[0].hash, &w.sent[0].hash) && w.s.slot[0].mined == 0);
  assert_int_equal(w.sent_cnt, 3);
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_ABSENT }); /* it left the block: its bytes first; a pool has the dearest: that one */
  look(15, NONCE);
  assert_int_equal(w.sent_cnt, 4);
  assert_true(cf_hash_eq(&w.sent[3].hash, &w.sent[0].hash));
  reply(CF_SENT_UNDERPRICED);
  assert_int_equal(w.sent_cnt, 5);
  assert_true(cf_hash_eq(&w.sent[4].hash, &w.sent[2].hash));
}

static void test_attempts_end(void **state) {
  (void)state;
  for (int i = 0; i < 60; i++) {
    reply(CF_SENT_UNDERPRICED);
    tick(40 * LOOK_MS);
    look(12, NONCE);
  }
  assert_int_equal(info(1).attempts, CF_SENDER_ATTEMPTS_MAX - CF_SENDER_CANCELS_MIN);
  cf_hash_t r = ref(1);
  cf_sender_drop(&w.s, &r); /* there is always one more to cancel with */
  tick(1);
  assert_int_equal(info(1).attempts, CF_SENDER_ATTEMPTS_MAX - CF_SENDER_CANCELS_MIN + 1);
}

static void test_cancelled(void **state) {
  cf_hash_t r = ref(1), unknown = ref(99);
  (void)state;
  cf_sender_drop(&w.s, &unknown);
  cf_sender_drop(&w.s, &r);
  tick(1);
  assert_int_equal(w.sent_cnt, 2);
  sent_t *c = &w.sent[1];
  assert_true(c->tx.nonce == NONCE && cf_addr_eq(&c->tx.to, &w.s.account) && c->tx.data.len == 0 && c->tx.gas == 21000);
  assert_true(cf_fees_replaces((cf_fees_t){ 10, 210 }, (cf_fees_t){ c->tx.tip_wei, c->tx.fee_wei }));
  assert_int_equal(submit(1), CF_ERR_POLICY);
  start(); /* dropped for ever */
  look(12, NONCE);
  assert_int_equal(w.sent_cnt, 3);
  assert_true(cf_hash_eq(&w.sent[2].hash, &w.sent[1].hash));
  set(&w.sent[1].hash, mined(CF_SEEN_SUCCEEDED, 13, 0));
  final(13, NONCE + 1);
  look(13, NONCE + 1);
  assert_int_equal(info(1).outcome, CF_SENDER_CANCELLED);
  assert_int_equal(submit(1), CF_OK); /* again, when its caller wants it after all */
  assert_int_equal(w.sent[w.sent_cnt - 1].tx.nonce, NONCE + 1);
}

static void test_not_cancelled(void **state) {
  cf_hash_t r = ref(1);
  (void)state;
  set(&w.sent[0].hash, mined(CF_SEEN_REVERTED, 13, 0));
  look(14, NONCE + 1);
  cf_sender_drop(&w.s, &r);
  tick(5 * LOOK_MS);
  look(14, NONCE + 1);
  assert_int_equal(w.sent_cnt, 1); /* it is in a block */
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_ABSENT });
  look(15, NONCE);
  tick(1);
  assert_int_equal(w.sent[w.sent_cnt - 1].tx.gas, 21000); /* it is not any more */
}

static void test_refused(void **state) {
  (void)state;
  for (int i = 0; i < 60; i++) {
    reply(CF_SENT_REFUSED);
    tick(40 * LOOK_MS);
    look(12, NONCE);
  }
  assert_int_equal(info(1).attempts, 2); /* the call is given up, what takes its place is not */
  assert_int_equal(w.sent[w.sent_cnt - 1].tx.gas, 21000);
  assert_int_equal(waits(), CF_SENDER_WAITS_REFUSED);
  assert_int_equal(cf_sender_resume(&w.s, CF_SENDER_HALT_FINALITY), CF_ERR_POLICY);
  reply(CF_SENT_TAKEN);
  assert_int_equal(waits(), CF_SENDER_WAITS_NOT);
  assert_int_equal(w.alarms, 0);
}

/* ---- waiting ---- */

static void test_waits(void **state) {
  (void)state;
  final(10, NONCE);
  look(12, NONCE + 1); /* somebody's transaction is not final, and the store has none */
  assert_int_equal(submit(1), CF_OK);
  assert_int_equal(waits(), CF_SENDER_WAITS_QUIET);
  assert_int_equal(w.sent_cnt, 0);
  look(12, NONCE);
  assert_int_equal(w.sent_cnt, 1);
  reply(CF_SENT_NO_FUNDS);
  assert_int_equal(waits(), CF_SENDER_WAITS_FUNDS);
  tick(3 * LOOK_MS);
  reply(CF_SENT_TAKEN);
  assert_int_equal(waits(), CF_SENDER_WAITS_NOT);

  assert_int_equal(submit_cap(2, (cf_wei_t)GAS * 109), CF_OK); /* a block's base fee and tip are 110 */
  assert_int_equal(waits(), CF_SENDER_WAITS_CAP);
  assert_int_equal(submit(3), CF_OK);
  assert_int_equal(info(3).state, CF_SENDER_QUEUED); /* what came later may stand on it */
  cf_hash_t r = ref(2);
  cf_sender_drop(&w.s, &r); /* it never had a nonce: nothing to cancel */
  tick(1);
  assert_int_equal(info(3).nonce, NONCE + 1);
  tick(5 * LOOK_MS); /* what was seen is old */
  assert_int_equal(submit(4), CF_OK);
  assert_int_equal(waits(), CF_SENDER_WAITS_START);
}

/* What lasts is said, once; a call that is submitted again with a higher cap goes on. */
static void test_told(void **state) {
  (void)state;
  assert_int_equal(submit_cap(2, (cf_wei_t)GAS * 109), CF_OK);
  for (int i = 0; i < 29; i++) look(12, NONCE);
  assert_int_equal(w.warnings, 0);
  for (int i = 0; i < 100; i++) look(12, NONCE);
  assert_int_equal(w.warnings, 1);
  assert_non_null(strstr(w.log, "cap"));
  assert_int_equal(submit_cap(2, (cf_wei_t)GAS * 110), CF_OK);
  assert_int_equal(info(2).nonce, NONCE + 1);
  assert_int_equal(waits(), CF_SENDER_WAITS_NOT);
  reply(CF_SENT_UNDERPRICED);
  tick(LOOK_MS);
  look(12, NONCE);
  assert_int_equal(waits(), CF_SENDER_WAITS_CAP);
  assert_int_equal(submit_cap(2, (cf_wei_t)GAS * 400), CF_OK);
  start(); /* the higher one is durable */
  for (int i = 0; i < 4; i++) look(12, NONCE);
  assert_true(w.s.slot[0].cap_wei == (cf_wei_t)GAS * 400 || w.s.slot[1].cap_wei == (cf_wei_t)GAS * 400);
}

static void test_budget(void **state) {
  (void)state;
  w.s.cfg.budget_wei = w.cfg.budget_wei = (cf_wei_t)GAS * 210 * 2 + GAS * 20;
  assert_int_equal(submit(2), CF_OK);
  assert_int_equal(submit(3), CF_OK);
  assert_int_equal(cf_sender_status(&w.s).reserved_wei == (cf_wei_t)GAS * 420, 1);
  assert_int_equal(waits(), CF_SENDER_WAITS_BUDGET);
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_POOL }); /* a replacement costs the difference, once */
  tick(3000);
  look(14, NONCE);
  assert_int_equal(info(1).attempts, 1); /* 21 more for each gas, and 20 are left */
  assert_int_equal(waits(), CF_SENDER_WAITS_BUDGET);
  set(&w.sent[0].hash, mined(CF_SEEN_REVERTED, 15, 0));
  final(15, NONCE + 1);
  look(16, NONCE + 1); /* it was cheaper than it could have been, and its nonce is paid */
  assert_int_equal(info(3).nonce, NONCE + 2);
  assert_int_equal(submit(4), CF_OK);
  assert_int_equal(info(4).state, CF_SENDER_QUEUED);
  cf_sender_final_t f = { .number = 20, .hash = block_hash(20, 0), .time_s = 1700000000 + 86400, .nonce = NONCE + 1, .since_number = 15, .since_hash = block_hash(15, 0) };
  cf_sender_final(&w.s, &f); /* another day: what is open is reserved still */
  look(20, NONCE + 1);
  assert_true(cf_sender_status(&w.s).spent_wei == 0);
  assert_int_equal(info(4).state, CF_SENDER_QUEUED);
}

static void test_bounds(void **state) {
  static uint8_t   big[CF_SENDER_DATA_MAX + 1];
  cf_sender_call_t call = { .ref = ref(1), .gas = 20999, .cap_wei = 1 };
  (void)state;
  assert_int_equal(cf_sender_submit(&w.s, &call), CF_ERR_FORMAT);
  call.gas  = GAS;
  call.data = CF_SPAN_OF(big);
  assert_int_equal(cf_sender_submit(&w.s, &call), CF_ERR_BOUND);
  final(10, NONCE);
  look(12, NONCE);
  for (uint8_t i = 0; i < CF_SENDER_LIVE_MAX; i++) {
    cf_sender_call_t most = { .ref = ref(i), .gas = GAS, .cap_wei = (cf_wei_t)GAS * ALL, .data = CF_SPAN(big, CF_SENDER_DATA_MAX) };
    assert_int_equal(cf_sender_submit(&w.s, &most), CF_OK);
  }
  assert_int_equal(submit(200), CF_ERR_BOUND); /* pushed back */
  for (int i = 0; i < 20; i++) tick(1);
  assert_int_equal(cf_sender_status(&w.s).live, CF_SENDER_PENDING_MAX);
  assert_int_equal(w.sent_cnt, CF_SENDER_PENDING_MAX);
  assert_int_equal(waits(), CF_SENDER_WAITS_ROOM);
  for (size_t i = 0; i < w.sent_cnt; i++) assert_int_equal(w.sent[i].tx.nonce, NONCE + i); /* in order, and once each */
}

/* Only the last final nonces keep their records, and the last results. */
static void test_forgets(void **state) {
  (void)state;
  final(10, NONCE);
  look(12, NONCE);
  for (uint8_t i = 0; i < 80; i++) {
    assert_int_equal(submit(i), CF_OK);
    assert_int_equal(w.sent_cnt, i + 1);
    reply(CF_SENT_TAKEN);
    set(&w.sent[i].hash, mined(CF_SEEN_SUCCEEDED, 13 + i, 0));
    final(13 + i, NONCE + i + 1);
    look(13 + i, NONCE + i + 1);
    assert_int_equal(info(i).outcome, CF_SENDER_EXECUTED);
  }
  assert_int_equal(w.rows.cnt, 1 + 2 * CF_SENDER_WATCH_MAX + CF_SENDER_RESULTS);
  cf_sender_status_t before = cf_sender_status(&w.s);
  start();
  cf_sender_status_t after = cf_sender_status(&w.s);
  assert_false(w.s.halt);
  assert_true(after.total_wei == 80 * 21000 * 150 && after.total_wei == before.total_wei && after.final_nonce == before.final_nonce);
}

/* ---- halts ---- */

/* It stands still because endpoints say so: aloud, and for this life. */
static void assert_said(cf_sender_halt_t halt) {
  size_t sent = w.sent_cnt;
  assert_int_equal(w.s.halt, halt);
  tick(1);
  assert_non_null(strstr(w.log, "sender-halted"));
  assert_int_equal(submit(50), CF_ERR_STALE);
  assert_int_equal(w.sent_cnt, sent);
}

static void assert_halted_by(cf_sender_halt_t halt, unsigned alarms) {
  cf_hash_t r = ref(1);
  assert_int_equal(w.s.halt, halt);
  tick(1);
  assert_int_equal(w.alarms, alarms);
  assert_non_null(strstr(w.log, "sender-halted"));
  size_t sent = w.sent_cnt;
  start(); /* it lasts, and is said again */
  assert_int_equal(w.s.halt, halt);
  tick(20 * LOOK_MS);
  assert_int_equal(w.alarms, 1);
  assert_int_equal(submit(50), CF_ERR_STALE);
  cf_sender_drop(&w.s, &r);
  tick(20 * LOOK_MS);
  assert_true(w.sent_cnt == sent && !w.looking);
  assert_int_equal(cf_sender_resume(&w.s, CF_SENDER_RUNNING), CF_ERR_POLICY);
}
static void assert_halted(cf_sender_halt_t halt) { assert_halted_by(halt, 1); }

static void executed(void) {
  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 13, 0));
  final(14, NONCE + 1);
  look(14, NONCE + 1);
  assert_int_equal(info(1).outcome, CF_SENDER_EXECUTED);
}

static void test_finality(void **state) {
  for (int how = 0; how < 4; how++) {
    pooled(state);
    executed();
    cf_sender_final_t f = { .number = 20, .hash = block_hash(20, 0), .time_s = 1700000100, .nonce = NONCE + 1, .since_number = 14, .since_hash = block_hash(14, 0) };
    f.since_number = 13; /* does not compare: left alone */
    f.since_hash   = block_hash(13, 5);
    cf_sender_final(&w.s, &f);
    assert_false(w.s.halt);
    f.since_number = 14;
    f.since_hash   = block_hash(14, 0);
    if (how == 0) f.since_hash = block_hash(14, 1);              /* not an ancestor */
    if (how == 1) f.nonce = NONCE;                               /* the nonce fell  */
    if (how == 2) f.number = 14, f.hash = block_hash(14, 1);     /* two of one height */
    if (how == 3) f.number = 14, f.hash = block_hash(14, 0), f.nonce = NONCE + 2; /* and of one block */
    cf_sender_final(&w.s, &f);
    tick(1);
    assert_halted(CF_SENDER_HALT_FINALITY);
  }
  /* Resumed on the other chain: what was final is followed again, and sent again, byte for byte. */
  assert_int_equal(cf_sender_resume(&w.s, CF_SENDER_HALT_FINALITY), CF_OK);
  final_on(20, NONCE, 1);
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_ABSENT });
  look(21, NONCE);
  assert_int_equal(info(1).state, CF_SENDER_SIGNED);
  assert_true(w.sent_cnt == 2 && cf_hash_eq(&w.sent[1].hash, &w.sent[0].hash));
  assert_true(cf_sender_status(&w.s).total_wei == 0);
  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 22, 1));
  final_on(22, NONCE + 1, 1);
  look(22, NONCE + 1);
  assert_int_equal(info(1).outcome, CF_SENDER_EXECUTED);
  start();
  assert_int_equal(info(1).block, 22);
}

/* What was paid on a chain that is given up was not paid: the day that counted it counts it no more, another one never did. */
static void test_revived_fees(void **state) {
  enum { DAY_S = 86400, FEE = 21000 * 150 };
  for (unsigned days = 0; days < 2; days++)
    for (unsigned restart = 0; restart < 2; restart++) {
      pooled(state);
      executed();
      cf_sender_final_t f = { .number = 20, .hash = block_hash(20, 0), .time_s = w.s.final_time_s + days * DAY_S, .nonce = NONCE + 1, .since_number = 14, .since_hash = block_hash(14, 0) };
      cf_sender_final(&w.s, &f);
      tick(1);
      assert_true(cf_sender_status(&w.s).spent_wei == (days ? 0 : FEE));
      if (restart) start();
      f.number       = 21;
      f.since_number = 20;
      f.since_hash   = block_hash(20, 1);
      cf_sender_final(&w.s, &f);
      assert_int_equal(cf_sender_resume(&w.s, CF_SENDER_HALT_FINALITY), CF_OK);
      tick(1);
      assert_true(cf_sender_status(&w.s).spent_wei == 0 && cf_sender_status(&w.s).total_wei == 0);
      f = (cf_sender_final_t){ .number = 22, .hash = block_hash(22, 1), .time_s = f.time_s, .nonce = NONCE + 1 };
      cf_sender_final(&w.s, &f);
      set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 22, 1));
      look(22, NONCE + 1);
      assert_int_equal(info(1).outcome, CF_SENDER_EXECUTED);
      assert_true(cf_sender_status(&w.s).spent_wei == FEE && cf_sender_status(&w.s).total_wei == FEE);
    }
}

static void test_vanished(void **state) {
  (void)state;
  executed();
  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 13, 1)); /* another block: twice could be chance */
  look(15, NONCE + 1);
  look(15, NONCE + 1);
  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 13, 0));
  look(15, NONCE + 1);
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_ABSENT });
  look(15, NONCE);
  look(15, NONCE);
  assert_false(w.s.halt);
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_UNKNOWN });
  look(15, NONCE);
  assert_false(w.s.halt);
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_ABSENT });
  look(15, NONCE);
  assert_true(w.tracing && w.trail.number == 14 && w.trail.low == 14 && w.trail.nonce == NONCE);
  traced((cf_traced_t){ .kind = CF_TRACED_NONE }); /* the final block stands: a node has lost where it is */
  assert_false(w.s.halt);
  for (int i = 0; i < 3; i++) look(15, NONCE);
  traced((cf_traced_t){ .kind = CF_TRACED_UNKNOWN });
  assert_false(w.s.halt);
  for (int i = 0; i < 3; i++) look(15, NONCE);
  size_t sent = w.sent_cnt, stores = w.stores;
  traced((cf_traced_t){ .kind = CF_TRACED_UNDONE });
  assert_said(CF_SENDER_HALT_VANISHED);
  look(15, NONCE);
  set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 13, 0)); /* there it is again */
  look(15, NONCE + 1);
  assert_false(w.s.halt);
  assert_non_null(strstr(w.log, "sender-goes-on"));
  assert_int_equal(submit(2), CF_OK);
  assert_int_equal(w.sent_cnt, sent + 1);
  assert_int_equal(w.stores, stores + 1); /* what is only said was never written */

  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_ABSENT });
  set(&w.sent[1].hash, (cf_seen_t){ .kind = CF_SEEN_POOL });
  for (int i = 0; i < 3; i++) look(16, NONCE);
  traced((cf_traced_t){ .kind = CF_TRACED_UNDONE });
  assert_said(CF_SENDER_HALT_VANISHED);
  cf_sender_final_t f = { .number = 20, .hash = block_hash(20, 1), .time_s = 1700000100, .nonce = NONCE, .since_number = 14, .since_hash = block_hash(14, 1) };
  cf_sender_final(&w.s, &f); /* proven */
  assert_halted_by(CF_SENDER_HALT_FINALITY, 3);
}

/* The operator believes what endpoints say: what was final is followed again. */
static void test_vanished_resumed(void **state) {
  (void)state;
  executed();
  set(&w.sent[0].hash, (cf_seen_t){ .kind = CF_SEEN_ABSENT });
  for (int i = 0; i < 3; i++) look(15, NONCE);
  traced((cf_traced_t){ .kind = CF_TRACED_UNDONE });
  assert_int_equal(cf_sender_resume(&w.s, CF_SENDER_HALT_VANISHED), CF_OK);
  final_on(20, NONCE, 1);
  look(21, NONCE);
  assert_true(w.sent_cnt == 2 && cf_hash_eq(&w.sent[1].hash, &w.sent[0].hash));
}

static void test_gap(void **state) {
  (void)state;
  final(10, NONCE);
  look(12, NONCE);
  for (uint8_t i = 0; i < 20; i++) {
    assert_int_equal(submit(i), CF_OK);
    set(&w.sent[i].hash, mined(CF_SEEN_SUCCEEDED, 13 + i, 0));
    final(13 + i, NONCE + i + 1);
    look(13 + i, NONCE + i + 1);
  }
  final_on(40, NONCE + 1, 1);
  assert_int_equal(w.s.halt, CF_SENDER_HALT_FINALITY);
  assert_int_equal(cf_sender_resume(&w.s, CF_SENDER_HALT_FINALITY), CF_OK);
  w.alarms = 0;
  final_on(40, NONCE + 1, 1);
  assert_halted(CF_SENDER_HALT_GAP); /* nonces 8 to 10 were final, and are not kept */
  cf_sender_info_t i;
  cf_hash_t        first = ref(0), second = ref(1);
  assert_true(cf_sender_find(&w.s, &i, &first) && !cf_sender_find(&w.s, &i, &second));
  assert_int_equal(cf_sender_resume(&w.s, CF_SENDER_HALT_GAP), CF_OK);
  for (uint8_t k = 4; k < 20; k++) set(&w.sent[k].hash, (cf_seen_t){ .kind = CF_SEEN_ABSENT });
  final_on(41, NONCE + 4, 1); /* filled by hand */
  size_t before = w.sent_cnt;
  look(42, NONCE + 4);
  tick(1);
  assert_int_equal(w.sent_cnt, before + CF_SENDER_WATCH_MAX);
  assert_true(w.sent[before].tx.nonce == NONCE + 4 && cf_hash_eq(&w.sent[before].hash, &w.sent[4].hash));
}

/* Its nonce is used, and look finds none of its transactions. */
static void missed(void) {
  for (int i = 0; i < 3; i++) {
    assert_false(w.tracing);
    look(14, NONCE + 1);
  }
  assert_true(w.tracing && w.trail.number == 14 && w.trail.low == 0 && w.trail.nonce == NONCE && w.trail.n == 1 && cf_hash_eq(&w.trail.tx[0], &w.sent[0].hash));
}

static void test_shared(void **state) {
  static uint8_t const another[32] = { [31] = 6 };
  (void)state;
  final(14, NONCE + 1);
  missed();
  traced(other(another, NONCE)); /* nobody makes up a signature */
  missed();
  traced(other(key, NONCE + 1));
  missed();
  assert_int_equal(cf_sender_status(&w.s).lies, 2);
  assert_false(w.s.halt);
  traced(other(key, NONCE));
  assert_halted(CF_SENDER_HALT_SHARED);
  assert_int_equal(cf_sender_resume(&w.s, CF_SENDER_HALT_SHARED), CF_OK); /* in another life than the one that counted */
  assert_int_equal(info(1).outcome, CF_SENDER_OPEN);
  missed();
  traced(other(key, NONCE));
  assert_false(w.s.halt);
  assert_int_equal(info(1).outcome, CF_SENDER_LOST);
  start();
  assert_int_equal(info(1).outcome, CF_SENDER_LOST);
  final(15, NONCE + 1);
  look(15, NONCE + 1);
  assert_int_equal(submit(1), CF_OK);
  assert_int_equal(w.sent[w.sent_cnt - 1].tx.nonce, NONCE + 1);
}

/* A node has lost where it is: its block shows it. */
static void test_traced(void **state) {
  cf_traced_t t = { .kind = CF_TRACED_OURS, .tx = w.sent[0].hash, .seen = mined(CF_SEEN_REVERTED, 13, 0) };
  (void)state;
  final(14, NONCE + 1);
  missed();
  size_t sent = w.sent_cnt;
  for (unsigned how = 0; how < 4; how++) { /* what no chain gives */
    cf_traced_t lie = t;
    if (how == 0) lie.tx.b[0] ^= 1;
    if (how == 1) lie.seen.block = 15;
    if (how == 2) lie.seen.gas_used = GAS + 1;
    if (how == 3) lie.seen.price_wei = 211;
    traced(lie);
    assert_int_equal(info(1).outcome, CF_SENDER_OPEN);
    missed();
  }
  assert_int_equal(w.sent_cnt, sent); /* and nothing is sent for a nonce that is used */
  assert_int_equal(cf_sender_status(&w.s).lies, 4);
  traced(t);
  assert_int_equal(info(1).outcome, CF_SENDER_REVERTED);
  assert_true(info(1).block == 13 && cf_sender_status(&w.s).total_wei == 21000 * 150);
  assert_int_equal(w.alarms, 0);
}

/* The same when it names a block that was left, or says that it waits: for a nonce that is used these are no answers. */
static void test_traced_whatever_is_said(void **state) {
  cf_seen_kind_t const said[] = { CF_SEEN_ABSENT, CF_SEEN_POOL, CF_SEEN_UNKNOWN };
  for (unsigned how = 0; how < 6; how++) {
    pooled(state);
    if (how >= 3) { /* seen in a block that a reorganisation takes */
      set(&w.sent[0].hash, mined(CF_SEEN_SUCCEEDED, 13, 1));
      look(13, NONCE + 1);
      assert_int_equal(info(1).state, CF_SENDER_MINED);
    }
    set(&w.sent[0].hash, (cf_seen_t){ .kind = said[how % 3] });
    final(14, NONCE + 1);
    missed();
    traced((cf_traced_t){ .kind = CF_TRACED_OURS, .tx = w.sent[0].hash, .seen = mined(CF_SEEN_SUCCEEDED, 13, 0) });
    assert_int_equal(info(1).outcome, CF_SENDER_EXECUTED);
    assert_false(w.s.halt);
  }
}

/* Nobody shows what used it: that is no proof of anything. */
static void test_unseen(void **state) {
  (void)state;
  for (unsigned how = 0; how < 3; how++) {
    pooled(state);
    final(14, NONCE + 1);
    for (unsigned i = 0; how == 0 && i < CF_SENDER_UNSEEN_MAX / 3 - 1; i++) {
      missed();
      traced((cf_traced_t){ .kind = CF_TRACED_UNKNOWN });
      assert_false(w.s.halt);
    }
    missed();
    traced((cf_traced_t){ .kind = how == 0 ? CF_TRACED_UNKNOWN : CF_TRACED_NONE });
    assert_said(CF_SENDER_HALT_UNSEEN);
    if (how == 2) assert_int_equal(cf_sender_resume(&w.s, CF_SENDER_HALT_UNSEEN), CF_OK);
    missed();
    if (how < 2) {
      traced((cf_traced_t){ .kind = CF_TRACED_OURS, .tx = w.sent[0].hash, .seen = mined(CF_SEEN_SUCCEEDED, 13, 0) });
      assert_int_equal(info(1).outcome, CF_SENDER_EXECUTED);
    } else {
      traced((cf_traced_t){ .kind = CF_TRACED_UNKNOWN }); /* who resumes does not know, either */
      assert_int_equal(info(1).outcome, CF_SENDER_OPEN);
      missed();
      traced((cf_traced_t){ .kind = CF_TRACED_NONE });
      assert_int_equal(info(1).outcome, CF_SENDER_LOST);
    }
    assert_false(w.s.halt);
    tick(1);
    assert_non_null(strstr(w.log, "sender-goes-on"));
  }
}

/* It is in its block, and what became of it no node says: the nonce is used, the call may be executed, and nothing stands still. */
static void test_untold(void **state) {
  (void)state;
  final(14, NONCE + 1);
  cf_traced_t bare = { .kind = CF_TRACED_BARE, .tx = w.sent[0].hash, .seen = { .block = 13, .block_hash = mined(CF_SEEN_ABSENT, 13, 0).block_hash } };
  for (unsigned i = 0; i < CF_SENDER_UNSEEN_MAX / 3; i++) {
    assert_int_equal(info(1).outcome, CF_SENDER_OPEN); /* its receipt may come late */
    missed();
    traced(bare);
  }
  assert_int_equal(info(1).outcome, CF_SENDER_UNTOLD);
  assert_int_equal(info(1).block, 13);
  assert_true(w.s.total_wei == (cf_wei_t)w.sent[0].tx.gas * w.sent[0].tx.fee_wei);
  assert_false(w.s.halt);
  size_t sent = w.sent_cnt;
  assert_int_equal(submit(1), CF_OK); /* again, by a caller who cannot judge */
  tick(1);
  assert_int_equal(w.sent_cnt, sent);
  start(); /* another life */
  assert_int_equal(info(1).outcome, CF_SENDER_UNTOLD);
}

static void test_shared_beyond(void **state) {
  (void)state;
  executed();
  final(15, NONCE + 3); /* more than were ever given out */
  assert_halted(CF_SENDER_HALT_SHARED);
  assert_int_equal(cf_sender_resume(&w.s, CF_SENDER_HALT_SHARED), CF_OK);
  final(15, NONCE + 3);
  look(15, NONCE + 3);
  assert_int_equal(submit(2), CF_OK);
  assert_int_equal(info(2).nonce, NONCE + 3);
}

/* ---- the store ---- */

/* A record that is gone, cut, or another's: it halts and touches nothing. */
static void test_store(void **state) {
  static struct row kept;
  (void)state;
  executed();
  assert_int_equal(submit(2), CF_OK);
  cf_hash_t r = ref(2);
  cf_sender_drop(&w.s, &r);
  tick(1);
  size_t cnt = w.rows.cnt, halted = 0;
  assert_true(cnt == 7); /* state, a result, two slots, three transactions */
  for (size_t i = 0; i < cnt; i++)
    for (int how = 0; how < 3; how++) {
      kept = w.rows.at[i];
      if (how == 0) w.rows.at[i] = w.rows.at[--w.rows.cnt];
      if (how == 1) w.rows.at[i].sz--;
      if (how == 2) w.rows.at[i].value = memcpy(calloc(1, kept.sz), kept.value, kept.sz), w.rows.at[i].value[0] ^= 0x40;
      unsigned stores = w.stores;
      start();
      tick(20 * LOOK_MS);
      /* Without the result its slot is followed again; without the state there is no final block, and so no nonce that lacks anything;
         without the last cancellation it is signed again. */
      if (w.s.halt) {
        assert_int_equal(w.s.halt, CF_SENDER_HALT_STORE);
        assert_int_equal(w.stores, stores);
        assert_int_equal(w.alarms, 1);
        assert_int_equal(cf_sender_resume(&w.s, CF_SENDER_HALT_STORE), CF_ERR_POLICY);
        assert_int_equal(submit(9), CF_ERR_STALE);
        halted++;
      } else assert_int_equal(how, 0);
      if (how == 0) w.rows.cnt++, w.rows.at[w.rows.cnt - 1] = w.rows.at[i];
      if (how == 2) free(w.rows.at[i].value);
      w.rows.at[i] = kept;
    }
  assert_true(halted >= 3 * cnt - 3);
}

/* A STORE that another account or chain made is not believed. */
static void test_foreign_store(void **state) {
  static uint8_t const other[32] = { [31] = 6 };
  (void)state;
  w.cfg.scalar = other;
  start();
  assert_int_equal(w.s.halt, CF_SENDER_HALT_STORE);
  w.cfg.scalar   = key;
  w.cfg.chain_id = 2;
  start();
  assert_int_equal(w.s.halt, CF_SENDER_HALT_STORE);
  w.cfg.chain_id = 1;
  start();
  assert_false(w.s.halt);
  uint8_t none[32] = { 0 };
  cf_sender_t *s   = malloc(sizeof *s);
  w.cfg.scalar     = none;
  assert_int_equal(cf_sender_init(s, &w.cfg), CF_ERR_FORMAT);
  w.cfg.scalar  = key;
  w.cfg.look_ms = 0;
  assert_int_equal(cf_sender_init(s, &w.cfg), CF_ERR_FORMAT);
  free(s);
}

int main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_fees),
    cmocka_unit_test(test_wire),
    cmocka_unit_test_setup_teardown(test_way, setup, teardown),
    cmocka_unit_test_setup_teardown(test_judged, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_reverted, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_stale_look, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_slow_look, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_reorganised, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_dropped_from_pools, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_lies, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_replaced, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_attempts_end, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_cancelled, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_not_cancelled, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_refused, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_waits, setup, teardown),
    cmocka_unit_test_setup_teardown(test_told, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_budget, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
    cmocka_unit_test_setup_teardown(test_forgets, setup, teardown),
    cmocka_unit_test_setup_teardown(test_finality, setup, teardown),
    cmocka_unit_test_setup_teardown(test_revived_fees, setup, teardown),
    cmocka_unit_test_setup_teardown(test_vanished, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_gap, setup, teardown),
    cmocka_unit_test_setup_teardown(test_vanished_resumed, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_shared, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_traced, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_unseen, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_untold, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_traced_whatever_is_said, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_shared_beyond, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_store, pooled, teardown),
    cmocka_unit_test_setup_teardown(test_foreign_store, pooled, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
