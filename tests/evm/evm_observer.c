/* evm-observer URL [CONSENSUS]: an observer whose node is a real one, whose blocks are final two below its newest, and which makes a block of
   what it is sent at once, or when its consensus is told to (tests/e2e/evm-node.sh, evm-second.sh); for a log that is real, too: the
   contract is deployed there by genesis, its code stands in entry 1.  In the end a final block is undone. */
#include "../unit/council/council_world.h"

#include <time.h>

#include "base/cf_text.h"
#include "io/cf_rpc.h"
#include "ledger/cf_evm_code.h"
#include "ledger/cf_evm_rpc.h"
#include "ledger/cf_evm_tx.h"

#define CHAIN_ID 31337
#define BEFORE   3 /* transactions before the one that deploys */

/* The first of Foundry's well-known accounts. */
static char const payer_key[] = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

enum { NODE, CONSENSUS, PATIENCE_MS = 120000 /* on a machine that is busy with other things, too */ };
static char const *urls[2];
static cf_rpc_t   *rpc;
static world_t    *w;
static uint8_t     payer_scalar[32];
static cf_addr_t   payer;

/* ---- the node ---- */

static uint8_t   question[1 << 18];
static cf_wr_t   question_wr;
static cf_done_t *answer;

static cf_jw_t *begin(void) {
  static cf_jw_t j;
  question_wr = cf_wr_init(question, sizeof question);
  j = cf_jw_init(&question_wr);
  return &j;
}

static cf_json_t result_of(unsigned whom) {
  cf_error_t          err = {0};
  cf_jsonrpc_answer_t a;
  cf_done_free(answer);
  answer = NULL;
  assert_false(question_wr.bad);
  cf_rpc_start(rpc, whom, cf_wr_out(&question_wr), PATIENCE_MS);
  if (cf_rpc_wait(rpc, &whom, &answer, &err)) fail_msg("%s", err.text);
  if (cf_jsonrpc_read(&a, 1, 1, answer->body, &err)) fail_msg("%s: %s", err.item, err.text);
  if (a.result.type == CF_JSON_BAD) fail_msg("%.200s: %.*s", (char *)question, (int)a.message.text.len, (char const *)a.message.text.ptr);
  return a.result;
}

static cf_json_t result(void) { return result_of(NODE); }

/* What a test tells the chain: to the consensus, or to a node that has it inside. */
static void tell(char const *method, uint64_t n, bool with_none) {
  cf_jw_t *j = begin();
  cf_jsonrpc_begin(j, 1, method);
  cf_jw_u64(j, NULL, n);
  if (with_none) cf_jw_arr(j, NULL), cf_jw_end(j, ']');
  cf_jsonrpc_end(j);
  (void)result_of(urls[CONSENSUS] ? CONSENSUS : NODE);
}

static cf_evm_block_t block_at(cf_evm_at_t at) {
  cf_evm_block_t b;
  cf_evm_ask_block(begin(), 1, &at);
  assert_int_equal(cf_evm_read_block(&b, result(), &at, NULL), CF_OK);
  assert_true(b.known);
  return b;
}

static uint64_t nonce_of_payer(void) {
  uint64_t nonce;
  cf_evm_ask_nonce(begin(), 1, &payer, &(cf_evm_at_t){.tag = CF_EVM_LATEST});
  assert_int_equal(cf_quantity_u64(&nonce, result()), CF_OK);
  return nonce;
}

/* A transaction, and with it a block. */
static void transact(cf_addr_t const *to, cf_span_t data) {
  static uint8_t   raw[CF_EVM_TX_MAX];
  uint8_t          sig[64];
  cf_hash_t        tx;
  cf_evm_receipt_t r = {0};
  cf_wr_t          wr = cf_wr_init(raw, sizeof raw);
  cf_evm_tx_t      t = {.chain_id = CHAIN_ID, .nonce = nonce_of_payer(), .gas = 12000000, .fee_wei = 100000000000, .tip_wei = 1000000000,
                        .create = !to, .data = data};
  if (to) t.to = *to;
  assert_int_equal(cf_evm_tx_sign(&wr, sig, &tx, &t, payer_scalar), CF_OK);
  cf_evm_ask_send(begin(), 1, cf_wr_out(&wr));
  (void)result();
  if (urls[CONSENSUS]) tell("anvil_mine", 1, false);
  for (unsigned tries = 0; !r.known; tries++) {
    assert_true(tries < 10000);
    cf_evm_ask_receipt(begin(), 1, &tx);
    assert_int_equal(cf_evm_read_receipt(&r, result(), &tx, NULL), CF_OK);
  }
  assert_true(r.ok);
}

static void mine(unsigned blocks) {
  while (blocks--) transact(&payer, CF_SPAN(NULL, 0));
}

/* The observer's questions, as it asks them. */
static void node_step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  static cf_done_t *done;
  cf_error_t        err = {0};
  if (ev->kind != CF_EV_REQUEST) return;
  cf_done_free(done);
  done = NULL;
  if (cf_rpc_ask(rpc, NODE, ev->body, &done, &err)) fail_msg("%s", err.text);
  cf_fx_reply(fx, ev->id, 200, CF_RPC_TYPE, done->body);
}

/* ---- the world ---- */

static void observer_step(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_observer_step(core, fx, ev); }

static void observer_start(uint64_t confirmations) {
  cf_observer_config_t cfg = {.domain = &w->domain, .gateway = PEER_GATEWAY, .ledger = PEER_LEDGER, .member = 1,
                              .scalar = w->member_scalar.b, .confirmations = confirmations};
  assert_int_equal(cf_observer_init(&w->observer, &cfg, NULL), CF_OK);
  w->node[MEMBER].core = &w->observer;
  w->node[MEMBER].step = observer_step;
  start(w, MEMBER);
}

static void found(void) {
  uint64_t const now = (uint64_t)time(NULL);
  assert_int_equal(cf_hex_decode(payer_scalar, sizeof payer_scalar, CF_SPAN_LIT(payer_key)), CF_OK);
  assert_int_equal(cf_k256_addr(&payer, payer_scalar), CF_OK);
  cf_addr_t contract = cf_evm_created(&payer, nonce_of_payer() + BEFORE);
  w = calloc(1, sizeof *w);
  example_init(&w->ex);
  w->ex.genesis.ledger.kind = 2;
  w->ex.genesis.ledger.chain_id = CHAIN_ID;
  memcpy(w->ex.genesis.ledger.contract, contract.b, sizeof contract.b);
  w->ex.policy.measurements[0].until = now + 86400;
  for (unsigned i = 0; i < w->ex.genesis.assets_cnt; i++) memset(w->ex.genesis.assets[i].token, 0xee, 20);
  world_open(w);
  w->wall_s = now;
  w->node[LEDGER].step = node_step;
  w->node[LEDGER].core = w;
  w->member_scalar = example_hash("observer", 1);
  assert_int_equal(log_entry(w, w->ex.genesis_entry), 0);
}

static void deploy(void) {
  static uint8_t code[CF_EVM_DEPLOY_MAX];
  cf_addr_t const contract = w->domain.ledger.contract;
  cf_wr_t         wr = cf_wr_init(code, sizeof code);
  cf_evm_deploy_write(&wr, &w->domain.block0);
  assert_false(wr.bad);
  transact(NULL, cf_wr_out(&wr));
  cf_evm_ask_code(begin(), 1, &contract, &(cf_evm_at_t){.tag = CF_EVM_LATEST});
  wr = cf_wr_init(code, sizeof code);
  assert_int_equal(cf_data_append(&wr, result()), CF_OK);
  assert_true(wr.len > 0);
  cf_hash_t hash = cf_keccak256(cf_wr_out(&wr));
  example_deploy(&w->ex, &hash);
  assert_int_equal(log_entry(w, w->ex.deployment_entry), 1);
}

static unsigned finality(void) {
  uint8_t none[8] = {0};
  return request(w, MEMBER, "POST /v1/finality", CF_SPAN(none, 8));
}

static void assert_attests(cf_evm_block_t const *b) {
  cf_finality_statement_t s;
  if (!w->answered || w->code != 200) fail_msg("%u %.*s", w->code, (int)w->answer_len, (char const *)w->answer);
  assert_int_equal(cf_finality_statement_decode(&s, CF_SPAN(w->answer + 1, w->answer_len - 1)), CF_OK);
  assert_int_equal(s.finality.number, b->header.number);
  assert_hash(s.finality.block_hash, b->hash);
  assert_int_equal(s.finality.time_s, b->header.time_s);
}

static void an_observer_lives(void **state) {
  cf_evm_block_t b;
  found();
  mine(BEFORE);
  observer_start(0);
  finality();
  assert_refused(w, 503, "observer:behind"); /* nothing stands there */
  deploy();
  finality();
  assert_refused(w, 503, "observer:behind"); /* nor in a final block */
  mine(2);
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(finality(), 200);
    b = block_at((cf_evm_at_t){.tag = CF_EVM_FINALIZED});
    assert_attests(&b);
    mine(1);
  }
  observer_start(1); /* closer to the newest than what the node calls final */
  assert_int_equal(finality(), 200);
  b = block_at((cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = block_at((cf_evm_at_t){.tag = CF_EVM_LATEST}).header.number - 1});
  assert_attests(&b);
  observer_start(0);
  finality();
  assert_refused(w, 503, "observer:behind"); /* than what it signed */
  mine(1);
  assert_int_equal(finality(), 200);
  mine(1);
  tell("anvil_reorg", 5, true);
  finality();
  assert_refused(w, 403, "observer:fork");
  observer_start(0);
  finality();
  assert_refused(w, 403, "observer:fork");
  world_close(w);
  free(w);
}

int main(int argc, char **argv) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(an_observer_lives)};
  if (argc < 2 || argc > 3) return 2;
  for (int i = 1; i < argc; i++) urls[i - 1] = argv[i];
  if (cf_rpc_open(&rpc, urls, (size_t)argc - 1, NULL, NULL)) return 2;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  cf_done_free(answer);
  cf_rpc_close(rpc);
  return failed;
}
