// link: enclave session workload translog ledger
/* The gateway with its ledger on a chain: a model of the chain and its nodes behind the gateway's peers; enclave and witnesses as everywhere.
   docs/protocol/sender.md, gateway.md. */
#include "chain_town.h"

#ifdef __SANITIZE_ADDRESS__ /* a gateway's memory takes long to lay out there: some of what the plain build does */
enum { STRIDE = 7 };
#else
enum { STRIDE = 1 };
#endif
enum { VALID_MS = 60000 }; /* max_validity_s of the town's genesis */

/* ---- nothing is wrong ---- */

static void
test_serves(void **state) {
  for (unsigned nodes = 1; nodes <= 3; nodes += 2) {
    party_t p[2];
    town_t *t = serving(1, nodes, p, 2);
    made_t  r = made(t, CF_OP_REGISTER);
    assert_int_equal(r.ours, 1);
    assert_int_equal(r.refused, 0);
    pay_each_other(t, p);
    assert_settled(t, 1);
    cf_gateway_status_t s = cf_gateway_status(t->g);
    assert_true(s.block <= t->chain->final);
    assert_int_equal(made(t, CF_OP_SETTLE).ours, 1);
    assert_int_equal(lane(t, 1), 1200);
    assert_int_equal(lane(t, 2), 800);
    assert_at_rest(t);
    assert_says(t, "\"halt\":\"running\"");
    for (unsigned i = 0; i < nodes; i++) assert_int_equal(t->named[i], 0);
    reply_t *r2 = town_ask(t, "GET /v1/settlements/1", "", CF_SPAN(NULL, 0));
    assert_int_equal(r2->code, 200);
    assert_non_null(memmem(r2->body.ptr, r2->body.len, "\"final\"", 7));
    town_free(t);
  }
}

/* A content is published before it can execute: its document stands in the log's files when a node gets the transaction. */
static void
log_has_it(town_t *t) {
  static log_t l;
  log_read(t, &l);
  for (uint64_t n = 1; n <= t->g->settlements; n++) {
    cf_settled_t const *s = cf_settler_at(t->g, n);
    if (s->state >= 1 && s->index >= l.cnt) fail_msg("settlement %llu is submitted, and entry %llu is not in the log's files", (unsigned long long)n, (unsigned long long)s->index);
  }
}

static void
test_logged_before_it_is_sent(void **state) {
  party_t p[2];
  town_t *t    = serving(2, 1, p, 2);
  t->on_send   = log_has_it;
  t->side_late = true;
  pay_each_other(t, p);
  town_run(t, 60000);
  t->side_late = false;
  assert_settled(t, 1);
  town_free(t);
}

/* ---- blocks that are undone, pools that forget ---- */

static void
test_reorganised(void **state) {
  for (unsigned n = 1; n <= 4; n++)
    for (unsigned forget = 0; forget < 2; forget++) {
      party_t p[2];
      town_t *t = serving(10 + n, 3, p, 2);
      pay_each_other(t, p);
      while (!made(t, CF_OP_SETTLE).ours) town_run(t, 10);
      town_run(t, 1000 * (n - 1)); /* it stands in the n-th last block */
      chain_reorganise(t->chain, n, forget);
      assert_settled(t, 1);
      assert_at_rest(t);
      made_t m = made(t, CF_OP_SETTLE);
      assert_int_equal(m.ours, 1);
      assert_int_equal(m.refused, 0);
      assert_int_equal(lane(t, 1), 1200);
      if (forget) assert_true(cf_sender_status(&t->g->evm->sender).resends > 0);
      town_free(t);
    }
}

static void
test_a_pool_forgets(void **state) {
  party_t p[2];
  town_t *t      = serving(20, 1, p, 2);
  t->chain->full = true;
  pay_each_other(t, p);
  town_run(t, 5000);
  assert_int_equal(t->chain->pool_cnt, 1);
  t->chain->pool_cnt = 0;
  t->chain->full     = false;
  assert_settled(t, 1);
  assert_int_equal(made(t, CF_OP_SETTLE).ours, 1);
  town_free(t);
}

/* ---- the process ends at each durable effect ---- */

static bool
crash_at(size_t n, bool enclave_too) {
  party_t   p[2];
  town_t   *t      = serving(100, 1, p, 2);
  cf_span_t env[2] = { pay(t, &p[0], 2, 300), pay(t, &p[1], 1, 500) };
  t->durable_left  = n;
  (void)post(t, env, 2);
  town_run(t, 15000);
  bool died       = t->dead;
  t->durable_left = SIZE_MAX;
  if (died) {
    town_restart(t, enclave_too);
    for (int i = 0; i < 3 && !town_serves(t, 60000); i++) {
      assert_false(enclave_too);
      assert_string_equal(town_missing(t), "enclave-restart");
      town_enclave(t);
    }
    if (cf_gateway_status(t->g).missing[0]) fail_msg("crash at %zu: missing %s", n, town_missing(t));
    (void)post_and_wait(t, env, 2);
  }
  assert_settled(t, 1);
  assert_at_rest(t);
  made_t m = made(t, CF_OP_SETTLE), r = made(t, CF_OP_REGISTER);
  if (m.ours != 1 || lane(t, 1) != 1200 || lane(t, 2) != 800) fail_msg("crash at %zu: executed %u times, %llu, %llu", n, m.ours, (unsigned long long)lane(t, 1), (unsigned long long)lane(t, 2));
  assert_int_equal(m.refused, 0);
  assert_int_equal(r.refused, 0);
  town_free(t);
  return died;
}

static void
test_crash_at_every_write(void **state) {
  size_t n = 0;
  while (crash_at(n, n % 2)) n += STRIDE; /* with the enclave, every other time */
  assert_true(n > 40);
}

/* ... while the key is on its way: one registration, whoever lives to see it. */
static void
test_crash_while_registering(void **state) {
  for (uint64_t after_ms = 0; after_ms < 8000; after_ms += 500 * (STRIDE + 1)) {
    party_t p[2];
    town_t *t = chain_town(110, 1, p, 2);
    while (strcmp(town_missing(t), "register")) town_run(t, 10);
    town_run(t, after_ms);
    town_restart(t, false);
    if (!town_serves(t, 60000)) fail_msg("%llu ms: missing %s", (unsigned long long)after_ms, town_missing(t));
    assert_at_rest(t);
    made_t r = made(t, CF_OP_REGISTER);
    assert_int_equal(r.ours, 1);
    assert_int_equal(r.refused, 0);
    town_free(t);
  }
}

/* ---- calls that became pointless ---- */

static void
somebody_else_submits(bool restart) {
  party_t p[2];
  town_t *t      = serving(200, 1, p, 2);
  t->chain->full = true;
  pay_each_other(t, p);
  town_run(t, 3000);
  relay(t, sent(t, CF_OP_SETTLE));
  if (restart) { /* what became of it nobody saw */
    town_halt(t);
    for (int i = 0; i < 10; i++) t->now_ms += 1000, town_chain(t);
    town_boot(t);
    assert_true(town_serves(t, 60000));
  }
  assert_settled(t, 1);
  town_run(t, 5000);
  t->chain->full = false;
  assert_at_rest(t);
  made_t m = made(t, CF_OP_SETTLE);
  assert_int_equal(m.others, 1);
  assert_int_equal(m.ours, 0);
  assert_int_equal(m.refused, 0); /* cancelled, not refused */
  assert_int_equal(m.nothing, 1);
  cf_span_t env[2] = { pay(t, &p[0], 2, 100), pay(t, &p[1], 1, 50) };
  (void)post_and_wait(t, env, 2);
  assert_settled(t, 2);
  assert_int_equal(made(t, CF_OP_SETTLE).ours, 1);
  town_free(t);
}

static void test_somebody_else_submits(void **state) { somebody_else_submits(false); }
static void test_somebody_else_submits_while_we_are_gone(void **state) { somebody_else_submits(true); }

/* It can execute no more: its nonce is used up, and what the enclave signs instead executes. */
static void
lapses(bool restart) {
  party_t p[2];
  town_t *t      = serving(210, 1, p, 2);
  t->chain->full = true;
  pay_each_other(t, p);
  town_run(t, 3000);
  assert_non_null(sent(t, CF_OP_SETTLE));
  if (restart) town_halt(t);
  for (int i = 0; restart && i < (VALID_MS + 20000) / 1000; i++) t->now_ms += 1000, town_chain(t);
  if (restart) {
    town_boot(t);
    (void)town_serves(t, 30000);
  } else {
    town_run(t, VALID_MS + 20000);
  }
  t->chain->full = false;
  assert_settled(t, 1);
  assert_at_rest(t);
  made_t m = made(t, CF_OP_SETTLE);
  assert_int_equal(m.ours, 1);
  assert_int_equal(m.refused, 0);
  assert_true(m.nothing >= 1);
  assert_int_equal(lane(t, 1), 1200);
  town_free(t);
}

static void test_a_settlement_lapses(void **state) { lapses(false); }
static void test_a_settlement_lapses_while_we_are_gone(void **state) { lapses(true); }

/* No block says that its time is over, and the next one would refuse it. */
static void
test_the_chain_stands_still(void **state) {
  party_t p[2];
  town_t *t      = serving(215, 1, p, 2);
  t->chain->full = true;
  pay_each_other(t, p);
  town_run(t, 3000);
  assert_int_equal(t->chain->pool_cnt, 1);
  t->no_blocks = true;
  town_run(t, VALID_MS + 10000);
  t->chain->full = t->no_blocks = false;
  assert_settled(t, 1);
  assert_at_rest(t);
  assert_int_equal(made(t, CF_OP_SETTLE).refused, 0);
  assert_int_equal(lane(t, 1), 1200);
  town_free(t);
}

/* Another epoch's key signs the same content while the transaction of the first is in no block. */
static void
test_signed_anew(void **state) {
  party_t p[2];
  town_t *t      = serving(220, 1, p, 2);
  t->chain->full = true;
  pay_each_other(t, p);
  town_run(t, 3000);
  item_t const *old = sent(t, CF_OP_SETTLE);
  assert_non_null(old);
  town_enclave(t);
  for (int i = 0; i < 3000 && !sent(t, CF_OP_REGISTER); i++) town_run(t, 10);
  item_t const *first = sent(t, CF_OP_REGISTER);
  while (sent(t, CF_OP_REGISTER) == first) town_run(t, 10); /* that of the new key */
  relay(t, sent(t, CF_OP_REGISTER));
  if (!town_serves(t, 60000)) fail_msg("missing: %s", town_missing(t));
  town_run(t, 20000);
  t->chain->full = false;
  assert_settled(t, 1);
  assert_at_rest(t);
  made_t m = made(t, CF_OP_SETTLE);
  assert_int_equal(m.ours, 1);
  assert_int_equal(m.refused, 0);
  assert_int_equal(old->block, 0);
  town_free(t);
}

/* For the next block. */
static void
guardians_act(town_t *t, cf_act_t const *act) {
  cf_addr_t const anybody = { { 9 } };
  uint8_t         body[64];
  cf_wr_t         wr = cf_wr_init(body, sizeof body);
  cf_act_write(&wr, act);
  cf_op_t op = { .kind = CF_OP_ACT, .body = cf_wr_out(&wr), .council = CF_LEDGER_GUARDIANS, .version = 1, .number = 1, .sigs.cnt = 1 };
  op.not_after_s   = town_now(t).wall_ms / 1000 + 100;
  cf_hash_t hash   = cf_keccak256(op.body);
  cf_hash_t digest = cf_act_digest(&t->chain->genesis.config.separator, op.council, op.version, op.number, op.not_after_s, &hash);
  assert_int_equal(cf_k256_sign(op.sigs.at[0].sig, t->w->guardian, &digest), CF_OK);
  chain_call(t->chain, &anybody, &op);
}

/* The ledger retires the key that signed a settlement, and nobody signs it anew: it could only be refused, so that it is not sent, or taken back. */
static void
test_a_key_is_retired(void **state) {
  for (unsigned was_sent = 0; was_sent < 2; was_sent++) {
    party_t p[2];
    town_t *t      = serving(225, 1, p, 2);
    t->chain->full = true;
    if (!was_sent) t->chain->base_wei = 100 * (uint64_t)NODE_BASE_WEI; /* it waits for fees to fall */
    pay_each_other(t, p);
    town_run(t, 3000);
    assert_int_equal(sent(t, CF_OP_SETTLE) != NULL, was_sent);
    t->down[PEER_ENCLAVE] = true;
    cf_hash_t instance    = cf_slot_plain(CF_SLOT_INSTANCE);
    cf_act_t  act         = { .kind = CF_ACT_REVOKE, .hash = state_get(chain_top(t->chain)->state, &instance) };
    guardians_act(t, &act);
    town_run(t, 10000); /* it is final */
    t->chain->base_wei = NODE_BASE_WEI;
    t->chain->full     = false;
    assert_at_rest(t); /* the fees, too */
    made_t m = made(t, CF_OP_SETTLE);
    assert_int_equal(m.ours + m.others + m.refused, 0);
    assert_int_equal(m.nothing, was_sent);
    town_free(t);
  }
}

/* ... and so does the registration of a newer epoch. */
static void
test_a_newer_key_retires_it(void **state) {
  party_t p[2];
  town_t *t      = serving(226, 1, p, 2);
  t->chain->full = true;
  pay_each_other(t, p);
  town_run(t, 3000);
  item_t const *first = sent(t, CF_OP_REGISTER);
  assert_non_null(sent(t, CF_OP_SETTLE));
  town_enclave(t);
  while (sent(t, CF_OP_REGISTER) == first) town_run(t, 10);
  t->down[PEER_ENCLAVE] = true; /* before it can sign anew */
  relay(t, sent(t, CF_OP_REGISTER));
  town_run(t, 10000);
  assert_int_equal(t->g->evm->state.signers, 2); /* the newer key, and that of the settlement */
  t->chain->full = false;
  town_run(t, 12000);
  assert_int_equal(made(t, CF_OP_SETTLE).refused, 0);
  t->down[PEER_ENCLAVE] = false;
  assert_settled(t, 1);
  assert_at_rest(t);
  made_t m = made(t, CF_OP_SETTLE);
  assert_int_equal(m.ours, 1);
  assert_int_equal(m.refused, 0);
  assert_int_equal(lane(t, 1), 1200);
  town_free(t);
}

static void
test_enclave_restarted(void **state) {
  party_t p[2];
  town_t *t     = serving(230, 1, p, 2);
  uint64_t last = cf_gateway_status(t->g).epoch;
  pay_each_other(t, p);
  town_run(t, 500);
  town_enclave(t);
  for (int i = 0; i < 6000 && cf_gateway_status(t->g).epoch <= last; i++) town_run(t, 10);
  assert_true(town_serves(t, 60000));
  assert_true(cf_gateway_status(t->g).epoch > last);
  assert_settled(t, 1);
  assert_at_rest(t);
  assert_int_equal(made(t, CF_OP_REGISTER).ours, 2);
  assert_int_equal(made(t, CF_OP_SETTLE).ours, 1);
  town_free(t);
}

/* It stood on one that lapsed: it could only be refused. */
static void
test_a_parent_lapses(void **state) {
  party_t p[2];
  town_t *t      = serving(240, 1, p, 2);
  t->chain->full = true;
  pay_each_other(t, p);
  town_run(t, 25000);
  cf_span_t env[2] = { pay(t, &p[0], 2, 100), pay(t, &p[1], 1, 50) };
  (void)post_and_wait(t, env, 2);
  town_run(t, 2000);
  assert_int_equal(cf_gateway_status(t->g).settlements, 2);
  assert_int_equal(t->chain->pool_cnt, 2);
  t->down[PEER_ENCLAVE] = true; /* nobody says that the second is void */
  town_run(t, VALID_MS - 18000); /* the first is too old in a final block, the second is not */
  t->chain->full = false;
  town_run(t, 10000);
  t->down[PEER_ENCLAVE] = false;
  town_run(t, 80000);
  assert_at_rest(t);
  made_t m = made(t, CF_OP_SETTLE);
  assert_int_equal(m.refused, 0);
  assert_int_equal(m.nothing, 2);
  assert_int_equal(lane(t, 1), 1150);
  town_free(t);
}

/* ---- calls that are refused ---- */

static void
test_a_refused_registration_is_made_again(void **state) {
  party_t p[2];
  town_t *t          = chain_town(250, 1, p, 2);
  t->chain->gas_more = 1000000;
  town_run(t, 40000);
  unsigned refused = made(t, CF_OP_REGISTER).refused;
  assert_in_range(refused, 2, 4); /* not faster: each costs its gas */
  t->chain->gas_more = 0;
  if (!town_serves(t, 60000)) fail_msg("missing: %s", town_missing(t));
  assert_int_equal(made(t, CF_OP_REGISTER).ours, 1);
  assert_at_rest(t);
  town_free(t);
}

/* What stands on a settlement that was refused waits until that one is made again. */
static void
test_a_refused_settlement_is_made_again(void **state) {
  party_t p[2];
  town_t *t          = serving(260, 1, p, 2);
  t->chain->gas_more = 10000000;
  pay_each_other(t, p);
  while (!made(t, CF_OP_SETTLE).refused) town_run(t, 10);
  town_run(t, 7000); /* final */
  t->chain->gas_more = 0;
  cf_span_t env[2]   = { pay(t, &p[0], 2, 100), pay(t, &p[1], 1, 50) };
  (void)post_and_wait(t, env, 2);
  assert_settled(t, 2);
  assert_at_rest(t);
  made_t m = made(t, CF_OP_SETTLE);
  assert_int_equal(m.ours, 2);
  assert_int_equal(m.refused, 1);
  assert_int_equal(lane(t, 1), 1150);
  town_free(t);
}

/* While the ledger is paused each settlement would be refused. */
static void
test_paused(void **state) {
  party_t p[2];
  town_t *t = serving(270, 1, p, 2);
  t->chain->full = true;
  pay_each_other(t, p);
  town_run(t, 2000);
  guardians_act(t, &(cf_act_t){ .kind = CF_ACT_PAUSE });
  town_run(t, 8000); /* it is final */
  assert_says(t, "\"mode\":\"paused\"");
  t->chain->full = false;
  assert_settled(t, 1);
  assert_at_rest(t);
  assert_int_equal(made(t, CF_OP_SETTLE).refused, 0);
  assert_int_equal(lane(t, 1), 1200);
  town_free(t);
}

/* ---- nodes that lie ---- */

static struct {
  char const *name;
  unsigned    lie;
  bool        named;  /* it is found out, whatever others say */
  bool        blinds; /* with it alone, no view is shown */
} const lies[] = {
  { "header", LIE_HEADER, true, true },
  { "block", LIE_BLOCK, true, true },
  { "older", LIE_OLDER, true, true },
  { "forged", LIE_FORGED, true, true },
  { "short", LIE_SHORT, true, true },
  { "code", LIE_CODE, true, true },
  { "account", LIE_ACCOUNT, true, true },
  { "left out", LIE_LEFT_OUT, true, true },
  { "added", LIE_ADDED, true, true },
  { "altered", LIE_ALTERED, true, true },
  { "order", LIE_ORDER, true, true },
  { "shuffled", LIE_SHUFFLED, true, true },
  { "receipts", LIE_RECEIPTS, false, false },
  { "absent", LIE_ABSENT, false, false },
  { "garbage", LIE_GARBAGE, false, true },
  { "overflow", LIE_OVERFLOW, true, true },
  { "refuses", LIE_REFUSES, false, true },
  { "refuses all", LIE_REFUSES_ALL, false, true },
  { "silent", LIE_SILENT, false, true },
  { "takes", LIE_TAKES, false, false },
  { "since", LIE_SINCE, true, false },
  { "fees", LIE_FEES, false, false },
};

/* One of three lies from the beginning, or from some time on: it is named where it can be found out, and the others serve. */
static void
test_one_of_three_lies(void **state) {
  for (size_t i = 0; i < CF_COUNT_OF(lies); i++)
    for (unsigned later = STRIDE > 1 && i % 2; later < (STRIDE > 1 ? i % 2 + 1 : 2); later++) {
      party_t p[2];
      town_t *t = chain_town(300 + i, 3, p, 2);
      if (!later) t->node[0].lies = lies[i].lie;
      if (!town_serves(t, 120000)) fail_msg("%s: missing %s", lies[i].name, town_missing(t));
      t->node[0].lies = lies[i].lie;
      town_run(t, 20000);
      for (uint64_t units = 1; units <= 3; units++) deposit(t, p, units);
      town_run(t, 10000);
      pay_each_other(t, p);
      if (!settled(t, 1, 120000)) fail_msg("%s: not settled", lies[i].name);
      if (lane(t, 1) != 1206 || made(t, CF_OP_SETTLE).ours != 1) fail_msg("%s: %llu", lies[i].name, (unsigned long long)lane(t, 1));
      town_run(t, 20000);
      if ((t->named[0] > 0) != lies[i].named) fail_msg("%s: named %u times", lies[i].name, t->named[0]);
      if (lies[i].named && !strstr(status(t), "\"nodes\":[\"lied\",\"ok\",\"ok\"]")) fail_msg("%s: %s", lies[i].name, status(t));
      assert_int_equal(t->named[1] + t->named[2], 0);
      assert_int_equal(cf_sender_status(&t->g->evm->sender).halt, CF_SENDER_RUNNING);
      town_free(t);
    }
}

/* An answer without its form is no lie: it is said once, not at each, whose it was, and the node is asked again at once when it answers as it should. */
static void
test_a_malformed_answer_is_no_lie(void **state) {
  static unsigned const how[] = { LIE_FEES, LIE_GARBAGE };
  for (size_t i = 0; i < CF_COUNT_OF(how); i++) {
    party_t p[2];
    town_t *t = serving(560 + i, 3, p, 2);
    assert_int_equal(t->malformed[0], 0);
    t->node[0].lies = how[i];
    pay_each_other(t, p);
    town_run(t, 60000);
    assert_true(t->malformed[0] > 0 && t->malformed[0] <= 7);
    assert_says(t, "\"nodes\":[\"failing\",\"ok\",\"ok\"]");
    t->node[0].lies = 0;
    town_run(t, CF_EVM_BACKOFF_MAX_MS + 5000);
    assert_says(t, "\"nodes\":[\"ok\",\"ok\",\"ok\"]");
    assert_int_equal(t->named[0] + t->malformed[1] + t->malformed[2], 0);
    assert_settled(t, 1);
    town_free(t);
  }
}

/* A node alone shows nothing that is not so: no view, until it tells the truth. */
static void
test_the_only_node_lies(void **state) {
  for (size_t i = 0; i < CF_COUNT_OF(lies); i += 1 + STRIDE / 4) {
    party_t p[3];
    if (!lies[i].blinds) continue;
    town_t *t = serving(400, 1, p, 2);
    town_run(t, 20000);
    uint64_t shown = lies[i].lie & LIE_LOGS ? chain_newest(t->chain) : cf_gateway_status(t->g).block, folded = t->g->views.folded;
    t->node[0].lies = lies[i].lie;
    party_init(t, &p[2], 3);
    fund(t, p + 2, 1, 77);
    pay_each_other(t, p);
    town_run(t, 40000);
    if (cf_gateway_status(t->g).block > shown || t->g->views.folded != folded) fail_msg("%s: a view was shown", lies[i].name);
    if ((t->named[0] > 0) != lies[i].named) fail_msg("%s: named %u times", lies[i].name, t->named[0]);
    if (!strstr(status(t), "\"mode\":\"ledger-unavailable\"")) fail_msg("%s: %s", lies[i].name, status(t));
    t->node[0].lies = 0;
    if (!settled(t, 1, 200000)) fail_msg("%s: not settled", lies[i].name);
    town_run(t, 20000);
    if (t->g->views.folded != folded + 3) fail_msg("%s: %llu messages", lies[i].name, (unsigned long long)t->g->views.folded);
    assert_says(t, "\"mode\":\"normal\"");
    assert_int_equal(lane(t, 3), 77);
    town_free(t);
  }
}

/* Another code stands there than was deployed: the chain itself says so. */
static void
test_other_code(void **state) {
  party_t p[1];
  town_nodes = 1;
  town_t *t  = chain_town(410, 1, p, 1);
  t->chain->code_hash.b[0] ^= 1;
  fund(t, p, 1, 1); /* a state with it */
  assert_false(town_serves(t, 60000));
  assert_string_equal(town_missing(t), "view");
  assert_int_equal(t->g->views.folded, 0);
  assert_true(t->named[0] > 0);
  town_free(t);
}

/* One that does not answer slows nobody down. */
static void
test_a_silent_node_is_not_waited_for(void **state) {
  party_t p[2];
  town_t *t       = serving(415, 3, p, 2);
  t->node[1].lies = LIE_SILENT;
  for (uint64_t i = 0; i < 5; i++) {
    cf_span_t env[2] = { pay(t, &p[0], 2, 2), pay(t, &p[1], 1, 1) };
    (void)post_and_wait(t, env, 2);
    if (!settled(t, i + 1, 12000)) fail_msg("number %llu takes long", (unsigned long long)i + 1);
  }
  assert_at_rest(t);
  town_free(t);
}

/* Observers go back to an older block: what was read beyond it is nobody's lie. */
static void
test_an_older_block(void **state) {
  party_t p[2];
  town_t *t = serving(416, 1, p, 2);
  deposits(t, p, 2);
  town_run(t, 1000);
  uint64_t at = chain_newest(t->chain);
  while (t->g->views.folded < 8) town_run(t, 10);
  t->no_blocks       = true;
  t->chain->final    = at - 2;
  t->g->views.ready  = 0; /* as when the enclave would not have it */
  t->g->views.wanted = true;
  town_run(t, 5000);
  assert_int_equal(t->g->evm->state.at, at - 1);
  assert_int_equal(t->named[0], 0);
  t->no_blocks = false;
  pay_each_other(t, p);
  assert_settled(t, 1);
  assert_int_equal(t->named[0], 0);
  assert_at_rest(t);
  town_free(t);
}

/* All nodes are gone for a while. */
static void
test_silent_nodes(void **state) {
  party_t p[2];
  town_t *t = serving(420, 3, p, 2);
  for (unsigned i = 0; i < 3; i++) t->node[i].lies = LIE_SILENT;
  pay_each_other(t, p);
  town_run(t, 50000);
  assert_says(t, "\"mode\":\"ledger-unavailable\"");
  assert_int_equal(made(t, CF_OP_SETTLE).ours, 0);
  for (unsigned i = 0; i < 3; i++) t->node[i].lies = 0;
  assert_settled(t, 1);
  town_run(t, 1000);
  assert_says(t, "\"mode\":\"normal\"");
  assert_int_equal(lane(t, 1), 1200);
  assert_at_rest(t);
  town_free(t);
}

/* ---- many messages, many blocks ---- */

static void
test_many_messages(void **state) {
  party_t p[2];
  town_t *t = chain_town(500, 1, p, 2);
  deposits(t, p, 3000);
  town_chain(t);
  assert_true(town_serves(t, 60000));
  assert_int_equal(t->g->views.folded, 3006);
  deposits(t, p, 3000);
  town_run(t, 40000);
  assert_int_equal(t->g->views.folded, 6006);
  cf_span_t env[2] = { pay(t, &p[0], 2, 6500), pay(t, &p[1], 1, 100) };
  (void)post_and_wait(t, env, 2);
  assert_settled(t, 1);
  assert_int_equal(lane(t, 2), 7400);
  town_restart(t, true);
  assert_true(town_serves(t, 60000));
  assert_int_equal(t->g->views.folded, 6006);
  town_free(t);
}

/* A node that makes up messages is stopped before its memory is ours, and what was proven stays. */
static void
test_messages_without_end(void **state) {
  enum { MAX = 32768, MORE = 4096 * 46 + 65536 };
  party_t p[2];
  town_inbox_max = MAX;
  town_t *t      = serving(505, 1, p, 2);
  deposits(t, p, 100);
  town_run(t, 10000);
  uint64_t folded = t->g->views.folded;
  assert_int_equal(folded, 106);
  t->node[0].lies = LIE_MANY;
  for (unsigned i = 0; i < 10; i++) {
    deposits(t, p, 2);
    town_run(t, 3000);
    assert_true(t->g->evm->state.messages_max < 2 * (MAX + MORE));
    assert_true(t->g->evm->state.read.len <= MAX);
  }
  assert_int_equal(t->g->views.folded, folded);
  assert_true(t->named[0] > 0);
  t->node[0].lies = 0;
  pay_each_other(t, p);
  assert_settled(t, 1);
  town_run(t, 10000);
  assert_int_equal(t->g->views.folded, folded + 20);
  deposits(t, p, 1500); /* honest ones, too, must fit: it says so, and keeps none that do not */
  town_run(t, 60000);
  assert_int_equal(t->g->views.folded, folded + 20);
  assert_says(t, "\"mode\":\"ledger-unavailable\"");
  town_inbox_max = CF_GATEWAY_INBOX_MAX;
  town_free(t);
}

/* Nodes give the logs of so many blocks at once and no more; which number that is none of them says. */
static void
test_long_ranges_are_refused(void **state) {
  party_t p[2];
  town_t *t = chain_town(510, 1, p, 2);
  for (unsigned i = 0; i < 2000; i++) {
    if (i % 100 == 0) deposits(t, p, 1);
    chain_mine(t->chain, chain_top(t->chain)->h.time_s + 1);
  }
  t->epoch_ms += 2010000;
  town_restart(t, true);
  t->node[0].range_max = 100;
  if (!town_serves(t, 15000)) fail_msg("missing: %s", town_missing(t)); /* as fast as others: no pause for each refusal */
  assert_int_equal(t->g->views.folded, 26);
  assert_true(t->node[0].logs_refused < t->node[0].logs_asked / 2);
  assert_int_equal(t->named[0], 0);
  town_free(t);
}

/* ---- the sender's halts and waits ---- */

static void
resume(town_t *t, char const *word) {
  file_put(&t->disk, CF_SPAN_LIT("gateway/resume"), CF_SPAN(word, strlen(word)), false);
  town_run(t, 3000);
  assert_null(file_find(&t->disk, CF_SPAN_LIT("gateway/resume")));
}

/* What was final is not.  Nothing is sent until the operator says which halt he mended. */
static void
test_finality_breaks(void **state) {
  for (unsigned restart = 0; restart < 2; restart++) {
    party_t p[2];
    town_t *t = serving(600, 3, p, 2);
    pay_each_other(t, p);
    assert_settled(t, 1);
    town_run(t, 20000);
    cf_span_t env[2] = { pay(t, &p[0], 2, 100), pay(t, &p[1], 1, 50) };
    file_put(&t->disk, CF_SPAN_LIT("gateway/resume"), CF_SPAN_LIT("finality"), false); /* of another time */
    (void)post_and_wait(t, env, 2);
    while (made(t, CF_OP_SETTLE).ours < 2) town_run(t, 10);
    chain_reorganise(t->chain, t->chain->depth + 6, false);
    town_run(t, 20000);
    assert_says(t, "\"halt\":\"finality\"");
    size_t sent_before = t->chain->items;
    if (restart) {
      town_restart(t, false);
      town_run(t, 20000);
      assert_says(t, "\"halt\":\"finality\"");
    }
    resume(t, "vanished\n");
    assert_says(t, "\"halt\":\"finality\"");
    assert_int_equal(t->chain->items, sent_before);
    resume(t, "finality\n");
    assert_says(t, "\"halt\":\"running\"");
    assert_settled(t, restart ? 1 : 2);
    assert_at_rest(t);
    assert_int_equal(made(t, CF_OP_SETTLE).ours, 2);
    assert_int_equal(lane(t, 1), 1150);
    for (unsigned i = 0; i < 3; i++) assert_int_equal(t->named[i], 0);
    town_free(t);
  }
}

/* ... and a deposit that was final never was.  The sender follows the chain that it is told of; the enclave has credited what it does not have. */
static void
test_finality_breaks_the_inbox(void **state) {
  for (unsigned nodes = 1; nodes <= 3; nodes += 2) {
    party_t p[2];
    town_t *t = serving(605, nodes, p, 2);
    deposit(t, &p[0], 77);
    town_run(t, 12000);
    uint64_t folded = t->g->views.folded;
    assert_int_equal(folded, 7);
    t->chain->full = true;
    pay_each_other(t, p);
    town_run(t, 3000);
    chain_undo(t->chain, t->chain->depth + 14, false);
    t->chain->due_cnt = 0; /* what others sent is in no block again */
    t->chain->full    = false;
    for (int i = 0; i < 60 && !t->halts; i++) town_run(t, 1000);
    town_run(t, 2000);
    assert_says(t, "\"halt\":\"finality\"");
    uint64_t shown = t->g->views.shown;
    unsigned named = t->named[0] + t->named[1] + t->named[2];
    town_run(t, 60000);
    assert_int_equal(t->named[0] + t->named[1] + t->named[2], named); /* they tell of the chain that there is: of all its messages */
    assert_int_equal(cf_views_evm_messages(t->g), folded - 1);
    resume(t, "finality\n");
    town_run(t, 60000);
    assert_at_rest(t); /* what was paid there is what is counted */
    assert_int_equal(made(t, CF_OP_SETTLE).ours, 1);
    assert_int_equal(t->halts, 1);
    assert_says(t, "\"mode\":\"ledger-unavailable\""); /* the enclave is shown nothing that takes the deposit back */
    assert_int_equal(t->g->views.folded, folded);
    assert_int_equal(t->g->views.shown, shown);
    town_free(t);
  }
}

/* Nodes lose where our transactions are, in whose blocks they stand: nothing halts, and each counts as it ended. */
static void
test_nodes_lose_their_index(void **state) {
  for (unsigned nodes = 1; nodes <= 3; nodes += 2) {
    party_t p[2];
    town_t *t = serving(630, nodes, p, 2);
    for (unsigned i = 0; i < nodes; i++) t->node[i].lies = LIE_INDEX;
    pay_each_other(t, p);
    assert_settled(t, 1);
    town_run(t, 30000);
    cf_span_t env[2] = { pay(t, &p[0], 2, 100), pay(t, &p[1], 1, 50) };
    (void)post_and_wait(t, env, 2);
    assert_settled(t, 2);
    town_run(t, 20000);
    assert_at_rest(t); /* what was paid, too */
    assert_int_equal(made(t, CF_OP_SETTLE).ours, 2);
    assert_int_equal(t->halts, 0);
    for (unsigned i = 0; i < nodes; i++) assert_int_equal(t->named[i], 0);
    town_free(t);
  }
}

/* ... and their receipts, too: what became of a transaction only the ledger's state says.  Each settlement is made once, and its fee
   counts as the most that it can have been. */
static void
test_nodes_lose_their_receipts(void **state) {
  for (unsigned nodes = 1; nodes <= 3; nodes += 2) {
    party_t p[2];
    town_t *t = serving(635, nodes, p, 2);
    for (unsigned i = 0; i < nodes; i++) t->node[i].lies = LIE_INDEX | LIE_BARE;
    pay_each_other(t, p);
    assert_settled(t, 1);
    town_run(t, 60000);
    assert_says(t, "\"open\":0");
    cf_span_t env[2] = { pay(t, &p[0], 2, 100), pay(t, &p[1], 1, 50) };
    (void)post_and_wait(t, env, 2);
    assert_settled(t, 2);
    town_run(t, 60000);
    assert_says(t, "\"open\":0");
    assert_int_equal(made(t, CF_OP_SETTLE).ours, 2);
    assert_int_equal(t->halts, 0);
    town_free(t);
  }
}

/* What the only node says of our transactions may stop us while it says so, and not a moment longer: nothing of it is durable. */
static void
test_the_only_node_stops_us(void **state) {
  static struct {
    unsigned    lie;
    char const *says; /* NULL: nothing stops */
    bool        named;
  } const cases[] = {
    { LIE_SINCE, NULL, true },
    { LIE_ABSENT | LIE_BODY, "\"halt\":\"unseen\"", false },
    { LIE_INDEX | LIE_SHY, "\"halt\":\"unseen\"", false },
    { LIE_ABSENT | LIE_OTHER, "\"halt\":\"unseen\"", false },
    { LIE_ABSENT | LIE_UNDONE, "\"halt\":\"vanished\"", false },
  };
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++) {
    party_t p[2];
    town_t *t       = serving(640 + i, 1, p, 2);
    t->node[0].lies = cases[i].lie;
    pay_each_other(t, p);
    town_run(t, 40000);
    if (!strstr(status(t), cases[i].says ? cases[i].says : "\"halt\":\"running\"")) fail_msg("%zu: %s", i, status(t));
    assert_int_equal(t->named[0] > 0, cases[i].named);
    assert_int_equal(t->halts, cases[i].says != NULL);
    t->node[0].lies = 0;
    assert_settled(t, 1);
    town_run(t, 20000);
    assert_at_rest(t);
    assert_int_equal(made(t, CF_OP_SETTLE).ours, 1);
    town_free(t);
  }
}

/* Somebody else has the key: one node is enough to show it, and it lasts. */
static void
test_the_key_is_used_elsewhere(void **state) {
  static uint8_t raw[512];
  party_t        p[2];
  town_t        *t = serving(650, 1, p, 2);
  uint8_t        sig[64];
  cf_hash_t      hash;
  cf_wr_t        wr = cf_wr_init(raw, sizeof raw);
  t->chain->full    = true;
  pay_each_other(t, p);
  town_run(t, 3000);
  cf_evm_tx_t other = sent(t, CF_OP_SETTLE)->tx;
  other.data        = CF_SPAN(NULL, 0);
  other.fee_wei *= 2;
  other.tip_wei *= 2;
  assert_int_equal(cf_evm_tx_sign(&wr, sig, &hash, &other, t->sender), CF_OK);
  assert_null(chain_send(t->chain, cf_wr_out(&wr)));
  t->chain->full = false;
  town_run(t, 30000);
  assert_says(t, "\"halt\":\"shared\"");
  town_restart(t, false);
  assert_true(town_serves(t, 60000));
  assert_says(t, "\"halt\":\"shared\"");
  resume(t, "shared");
  assert_settled(t, 1); /* with another nonce */
  town_run(t, 12000);
  assert_says(t, "\"halt\":\"running\"");
  assert_int_equal(made(t, CF_OP_SETTLE).ours, 1);
  assert_int_equal(lane(t, 1), 1200);
  town_free(t);
}

/* The day's budget is used up: it waits, and goes on the next day. */
static void
test_the_budget_of_a_day(void **state) {
  party_t p[2];
  world_time  = 1700006400 - 300; /* five minutes before midnight */
  town_budget = (cf_wei_t)1000000 * NODE_BASE_WEI;
  town_t *t   = serving(610, 1, p, 2);
  pay_each_other(t, p);
  assert_settled(t, 1);
  unsigned done_ = 1;
  for (; done_ < 40 && t->now_ms < 200000; done_++) {
    cf_span_t env[2] = { pay(t, &p[0], 2, 2), pay(t, &p[1], 1, 1) };
    (void)post_and_wait(t, env, 2);
    if (!settled(t, done_ + 1, 25000)) break;
  }
  assert_says(t, "\"waits\":\"budget\"");
  assert_true(t->chain->spent_wei <= (uint64_t)town_budget);
  assert_true(t->now_ms < 300000);
  t->epoch_ms += 300000;
  town_run(t, VALID_MS + 60000);
  assert_true(cf_gateway_status(t->g).settled > done_);
  assert_at_rest(t);
  world_time  = 1700000000;
  town_budget = (cf_wei_t)1000000000000000000u;
  town_free(t);
}

/* Fees rise above what may be offered: it waits, and goes on when they fall. */
static void
test_fees_above_the_cap(void **state) {
  party_t p[2];
  town_t *t          = serving(620, 1, p, 2);
  t->chain->base_wei = 100 * (uint64_t)NODE_BASE_WEI;
  pay_each_other(t, p);
  town_run(t, 10000);
  assert_says(t, "\"waits\":\"cap\"");
  assert_int_equal(t->chain->pool_cnt, 0);
  t->chain->base_wei = NODE_BASE_WEI;
  assert_settled(t, 1);
  assert_at_rest(t);
  town_free(t);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_serves),
    cmocka_unit_test(test_logged_before_it_is_sent),
    cmocka_unit_test(test_reorganised),
    cmocka_unit_test(test_a_pool_forgets),
    cmocka_unit_test(test_crash_at_every_write),
    cmocka_unit_test(test_crash_while_registering),
    cmocka_unit_test(test_somebody_else_submits),
    cmocka_unit_test(test_somebody_else_submits_while_we_are_gone),
    cmocka_unit_test(test_a_settlement_lapses),
    cmocka_unit_test(test_a_settlement_lapses_while_we_are_gone),
    cmocka_unit_test(test_the_chain_stands_still),
    cmocka_unit_test(test_signed_anew),
    cmocka_unit_test(test_a_key_is_retired),
    cmocka_unit_test(test_a_newer_key_retires_it),
    cmocka_unit_test(test_enclave_restarted),
    cmocka_unit_test(test_a_parent_lapses),
    cmocka_unit_test(test_a_refused_registration_is_made_again),
    cmocka_unit_test(test_a_refused_settlement_is_made_again),
    cmocka_unit_test(test_paused),
    cmocka_unit_test(test_one_of_three_lies),
    cmocka_unit_test(test_a_malformed_answer_is_no_lie),
    cmocka_unit_test(test_the_only_node_lies),
    cmocka_unit_test(test_other_code),
    cmocka_unit_test(test_a_silent_node_is_not_waited_for),
    cmocka_unit_test(test_an_older_block),
    cmocka_unit_test(test_silent_nodes),
    cmocka_unit_test(test_many_messages),
    cmocka_unit_test(test_messages_without_end),
    cmocka_unit_test(test_long_ranges_are_refused),
    cmocka_unit_test(test_finality_breaks),
    cmocka_unit_test(test_finality_breaks_the_inbox),
    cmocka_unit_test(test_nodes_lose_their_index),
    cmocka_unit_test(test_nodes_lose_their_receipts),
    cmocka_unit_test(test_the_only_node_stops_us),
    cmocka_unit_test(test_the_key_is_used_elsewhere),
    cmocka_unit_test(test_the_budget_of_a_day),
    cmocka_unit_test(test_fees_above_the_cap),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
