/* evm-observer URL: an observer whose node is a real one (Foundry's anvil, whose blocks are final two below its newest:
   tests/e2e/evm-node.sh), for a log that is real, too: the contract is deployed there by genesis, its code stands in entry 1.  In the
   end the node undoes a final block. */
#include "../unit/council/council_world.h"

#include "io/cf_rpc.h"
#include "ledger/cf_evm_code.h"
#include "ledger/cf_evm_rpc.h"
#include "ledger/cf_evm_tx.h"

#define CHAIN_ID 31337
#define BEFORE   3 /* transactions before the one that deploys */

static char const *url;
static cf_rpc_t   *rpc;
static world_t    *w;
static cf_addr_t   payer; /* the node has its key */

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

static cf_json_t result(void) {
  cf_error_t          err = {0};
  cf_jsonrpc_answer_t a;
  cf_done_free(answer);
  answer = NULL;
  assert_false(question_wr.bad);
  if (cf_rpc_ask(rpc, 0, cf_wr_out(&question_wr), &answer, &err)) fail_msg("%s", err.text);
  if (cf_jsonrpc_read(&a, 1, 1, answer->body, &err)) fail_msg("%s: %s", err.item, err.text);
  if (a.result.type == CF_JSON_BAD) fail_msg("%.200s: %.*s", (char *)question, (int)a.message.text.len, (char const *)a.message.text.ptr);
  return a.result;
}

static cf_evm_block_t block_at(cf_evm_at_t at) {
  cf_evm_block_t b;
  cf_evm_ask_block(begin(), 1, &at);
  assert_int_equal(cf_evm_read_block(&b, result(), &at, NULL), CF_OK);
  assert_true(b.known);
  return b;
}

/* A transaction of the node's own account, and with it a block. */
static void transact(cf_addr_t const *to, cf_span_t data) {
  cf_jw_t *j = begin();
  cf_jsonrpc_begin(j, 1, "eth_sendTransaction");
  cf_jw_obj(j, NULL);
  cf_jw_data(j, "from", CF_SPAN_OF(payer.b));
  if (to) cf_jw_data(j, "to", CF_SPAN_OF(to->b));
  cf_jw_quantity(j, "gas", 12000000);
  cf_jw_data(j, "input", data);
  cf_jw_end(j, '}');
  cf_jsonrpc_end(j);
  cf_hash_t        tx;
  cf_evm_receipt_t r = {0};
  assert_int_equal(cf_data_fixed(tx.b, sizeof tx.b, result()), CF_OK);
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

static void undo(uint64_t depth) {
  cf_jw_t *j = begin();
  cf_jsonrpc_begin(j, 1, "anvil_reorg");
  cf_jw_u64(j, NULL, depth);
  cf_jw_arr(j, NULL);
  cf_jw_end(j, ']');
  cf_jsonrpc_end(j);
  (void)result();
}

/* The observer's questions, as it asks them. */
static void node_step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  static cf_done_t *done;
  cf_error_t        err = {0};
  if (ev->kind != CF_EV_REQUEST) return;
  cf_done_free(done);
  done = NULL;
  if (cf_rpc_ask(rpc, 0, ev->body, &done, &err)) fail_msg("%s", err.text);
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
  cf_json_t one, accounts;
  size_t    pos = 0;
  cf_jw_t  *j = begin();
  cf_jsonrpc_begin(j, 1, "eth_accounts");
  cf_jsonrpc_end(j);
  accounts = result();
  assert_true(cf_json_each(accounts, &pos, NULL, &one));
  assert_int_equal(cf_data_fixed(payer.b, sizeof payer.b, one), CF_OK);

  uint64_t nonce, now = block_at((cf_evm_at_t){.tag = CF_EVM_LATEST}).header.time_s;
  cf_evm_ask_nonce(begin(), 1, &payer, &(cf_evm_at_t){.tag = CF_EVM_LATEST});
  assert_int_equal(cf_quantity_u64(&nonce, result()), CF_OK);
  cf_addr_t contract = cf_evm_created(&payer, nonce + BEFORE);
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
  undo(5);
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
  url = argc > 1 ? argv[1] : NULL;
  if (!url || cf_rpc_open(&rpc, &url, 1, NULL, NULL)) return 2;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  cf_done_free(answer);
  cf_rpc_close(rpc);
  return failed;
}
