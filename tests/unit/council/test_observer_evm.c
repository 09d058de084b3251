/* The observer of a ledger on a chain: its node is scripted, and lies as a node can. */
#include "council_world.h"

#include "../ledger/evm_json.h"

#include "ledger/cf_evm_rpc.h"

#define CHAIN_ID 31337
#define FIRST    100 /* number of the first block, which has the contract */

/* ---- a node ---- */

typedef enum {
  HONEST,
  HEADER_LIES, /* does not hash */
  PROOF_FORGED,
  PROOF_CUT,
  TWO_FACED,    /* by its number a block is another than as the final one */
  ADDRESS_OTHER,
  OTHER_CHAIN,
  NO_CHAIN,
  ERROR,
  EMPTY,
  GARBAGE,
  NULLS,
  ONE_SHORT,
  HUGE,
  HTTP_500,
  MISCHIEFS
} mischief_t;

typedef struct {
  evm_chain_t chain; /* state of the newest blocks */
  struct {
    cf_evm_header_t header;
    cf_hash_t       hash;
  } block[64]; /* from FIRST on */
  uint64_t   cnt, final; /* number of the final block */
  mischief_t how;
  unsigned   asked; /* questions, batches counting once */
  uint8_t    huge[CF_EVM_BODY_MAX + 2], body[256 << 10];
} chain_node_t;

static chain_node_t *n;
static world_t      *w;

static void mine(uint64_t time_s) {
  assert_true(n->cnt < CF_COUNT_OF(n->block));
  evm_mine(&n->chain, FIRST + n->cnt, time_s);
  assert_int_equal(cf_evm_header_decode(&n->block[n->cnt].header, &n->block[n->cnt].hash, CF_SPAN(n->chain.header, n->chain.header_sz), NULL),
                   CF_OK);
  n->final = FIRST + n->cnt++;
}

/* The blocks from that number on never were: others stand there, as many. */
static void reorganise(uint64_t number) {
  uint64_t till = FIRST + n->cnt;
  n->cnt        = number - FIRST;
  n->chain.hash = n->block[n->cnt - 1].hash;
  evm_put(&n->chain, cf_slot_plain(CF_SLOT_ALARM_AT), (cf_hash_t){{[31] = (uint8_t)number}});
  for (uint64_t at = number; at < till; at++) mine(n->block[at - FIRST].header.time_s);
}

static void w_proof(cf_jw_t *j) {
  static uint8_t buf[64 << 10];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_hash_t      account = cf_keccak256(CF_SPAN_OF(n->chain.contract.b));
  cf_addr_t      address = n->chain.contract;
  address.b[0] ^= n->how == ADDRESS_OTHER;
  cf_jw_obj(j, "result");
  cf_jw_data(j, "address", CF_SPAN_OF(address.b));
  cf_jw_data(j, "codeHash", CF_SPAN_OF(example_hash("code", 0).b)); /* nobody reads it: the proof says */
  mpt_prove(&wr, n->chain.accounts, EVM_ACCOUNTS, &account, 1);
  if (n->how == PROOF_FORGED) buf[wr.len - 3] ^= 1; /* of the code's hash */
  evm_w_nodes(j, "accountProof", n->how == PROOF_CUT ? CF_SPAN(NULL, 0) : cf_wr_out(&wr));
  cf_jw_arr(j, "storageProof");
  cf_jw_end(j, ']');
  cf_jw_end(j, '}');
}

static void w_answer(cf_jw_t *j, cf_json_t question) {
  char      method[64], tag[64];
  uint64_t  id, number = 0;
  cf_json_t param[3] = {{.type = CF_JSON_BAD}, {.type = CF_JSON_BAD}, {.type = CF_JSON_BAD}};
  size_t    cnt = 0;
  assert_int_equal(cf_json_str(method, sizeof method, cf_json_get(question, "method")), CF_OK);
  assert_int_equal(cf_json_u64(&id, cf_json_get(question, "id")), CF_OK);
  for (size_t pos = 0; cnt < 3 && cf_json_each(cf_json_get(question, "params"), &pos, NULL, &param[cnt]);) cnt++;
  cf_jw_obj(j, NULL);
  cf_jw_str(j, "jsonrpc", "2.0");
  cf_jw_u64(j, "id", id);
  if (n->how == ERROR) {
    cf_jw_obj(j, "error");
    cf_jw_i64(j, "code", -32000);
    cf_jw_str(j, "message", "header not found");
    cf_jw_end(j, '}');
  } else if (n->how == NULLS) {
    cf_jw_null(j, "result");
  } else if (!strcmp(method, "eth_chainId")) {
    if (n->how == NO_CHAIN) cf_jw_str(j, "result", "main");
    else cf_jw_quantity(j, "result", CHAIN_ID + (n->how == OTHER_CHAIN));
  } else if (!strcmp(method, "eth_getProof")) {
    w_proof(j);
  } else {
    assert_string_equal(method, "eth_getBlockByNumber");
    assert_int_equal(cf_json_str(tag, sizeof tag, param[0]), CF_OK);
    if (!strcmp(tag, "finalized")) number = n->final;
    else if (!strcmp(tag, "latest")) number = FIRST + n->cnt - 1;
    else assert_int_equal(cf_quantity_u64(&number, param[0]), CF_OK);
    if (number < FIRST || number >= FIRST + n->cnt) cf_jw_null(j, "result");
    else {
      cf_evm_header_t h = n->block[number - FIRST].header;
      cf_hash_t       hash = n->block[number - FIRST].hash;
      h.gas_used += n->how == HEADER_LIES;
      if (n->how == TWO_FACED && !strcmp(tag, "finalized")) h.gas_limit++, hash = cf_evm_header_hash(&h);
      evm_w_block(j, "result", &h, &hash);
    }
  }
  cf_jw_end(j, '}');
}

static void node_step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  cf_wr_t    wr = cf_wr_init(n->body, sizeof n->body);
  cf_jw_t    j = cf_jw_init(&wr);
  cf_json_t  q, one;
  if (ev->kind != CF_EV_REQUEST) return;
  n->asked++;
  assert_true(cf_span_eq(ev->path, CF_SPAN_LIT("POST /")));
  assert_int_equal(cf_json_parse(&q, ev->body, NULL), CF_OK);
  if (q.type == CF_JSON_ARRAY) {
    size_t pos = 0;
    cf_jw_arr(&j, NULL);
    for (unsigned k = 0; cf_json_each(q, &pos, NULL, &one); k++)
      if (k || n->how != ONE_SHORT) w_answer(&j, one);
    cf_jw_end(&j, ']');
  } else w_answer(&j, q);
  assert_false(wr.bad);
  cf_span_t body = cf_wr_out(&wr);
  if (n->how == EMPTY) body = CF_SPAN(NULL, 0);
  if (n->how == GARBAGE) body = CF_SPAN_LIT("<html>");
  if (n->how == HUGE) { /* well formed, but for its size */
    memset(n->huge, ' ', sizeof n->huge);
    memcpy(n->huge, body.ptr, body.len);
    body = CF_SPAN_OF(n->huge);
  }
  cf_fx_reply(fx, ev->id, n->how == HTTP_500 ? 500 : 200, "application/json", body);
}

/* ---- the world ---- */

static void observer_step(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_observer_step(core, fx, ev); }

static void observer_start(uint64_t confirmations) {
  cf_error_t           err = {0};
  cf_observer_config_t cfg = {.domain = &w->domain, .gateway = PEER_GATEWAY, .ledger = PEER_LEDGER, .member = 1,
                              .scalar = w->member_scalar.b, .confirmations = confirmations};
  assert_int_equal(cf_observer_init(&w->observer, &cfg, &err), CF_OK);
  w->node[MEMBER].core = &w->observer;
  w->node[MEMBER].step = observer_step;
  start(w, MEMBER);
}

static int set_up(void **state) {
  w = calloc(1, sizeof *w);
  n = calloc(1, sizeof *n);
  example_init(&w->ex);
  cf_genesis_ledger_t *l = &w->ex.genesis.ledger;
  l->kind = 2;
  l->chain_id = CHAIN_ID;
  l->contract[0] ^= 0x55;
  world_open(w);
  assert_int_equal(cf_ledger_genesis(&w->domain.block0, n->chain.slots, CF_GENESIS_WRITES_MAX, &n->chain.slots_cnt, NULL), CF_OK);
  n->chain.contract = w->domain.ledger.contract;
  n->chain.code_hash = example_hash("code", 0);
  for (unsigned i = 0; i < 4; i++) mine(w->wall_s - 40 + 12 * i);
  w->node[LEDGER].core = n;
  w->node[LEDGER].step = node_step;
  assert_int_equal(log_entry(w, w->ex.genesis_entry), 0);
  example_deploy(&w->ex, &n->chain.code_hash);
  assert_int_equal(log_entry(w, w->ex.deployment_entry), 1);
  w->member_scalar = example_hash("observer", 1);
  return 0;
}

static int tear_down(void **state) {
  world_close(w);
  free(n);
  free(w);
  return 0;
}

static cf_span_t at_least(uint64_t number) {
  static uint8_t body[8];
  cf_wr_t        wr = cf_wr_init(body, sizeof body);
  cf_wr_u64(&wr, number);
  return cf_wr_out(&wr);
}

static unsigned finality(uint64_t number) { return request(w, MEMBER, "POST /v1/finality", at_least(number)); }

/* The newest answer attests that block, and the newest checkpoint. */
static void assert_attests(uint64_t number) {
  cf_finality_statement_t s;
  cf_seats_t              seats = cf_genesis_seats(cf_genesis_council(&w->domain.genesis, CF_OBSERVERS));
  if (!w->answered || w->code != 200) fail_msg("%u %.*s", w->code, (int)w->answer_len, (char const *)w->answer);
  assert_int_equal(w->answer_len, 1 + CF_FINALITY_STATEMENT_SZ);
  assert_int_equal(cf_finality_statement_decode(&s, CF_SPAN(w->answer + 1, w->answer_len - 1)), CF_OK);
  assert_int_equal(cf_finality_check(&s, &w->domain.ledger, &seats), CF_OK);
  assert_int_equal(s.finality.number, number);
  assert_hash(s.finality.block_hash, n->block[number - FIRST].hash);
  assert_int_equal(s.finality.time_s, n->block[number - FIRST].header.time_s);
  assert_int_equal(s.finality.log_size, w->gate.w.size);
  assert_hash(s.finality.log_root, w->gate.w.root);
}

/* ---- tests ---- */

static void test_attests(void **state) {
  observer_start(0);
  assert_int_equal(finality(0), 200);
  assert_attests(FIRST + 3);
  assert_int_equal(finality(0), 200); /* again */
  assert_attests(FIRST + 3);
  assert_int_equal(finality(FIRST + 4), 503);
  assert_refused(w, 503, "observer:behind");
  pass(w, 12);
  mine(w->wall_s);
  mine(w->wall_s + CF_BLOCK_SKEW_S);
  assert_int_equal(finality(FIRST + 4), 200);
  assert_attests(FIRST + 5);
  observer_start(0);
  assert_int_equal(finality(0), 200);
  assert_attests(FIRST + 5);
  unsigned before = n->asked;
  pass(w, 10); /* a node is asked when somebody asks, not before */
  assert_int_equal(n->asked, before);
}

static void test_confirmations(void **state) {
  observer_start(3);
  n->final = 0; /* such a chain says nothing of it */
  assert_int_equal(finality(0), 200);
  assert_attests(FIRST);
  pass(w, 12);
  mine(w->wall_s);
  assert_int_equal(finality(0), 200);
  assert_attests(FIRST + 1);
  observer_start(4); /* deeper than what was signed */
  finality(0);
  assert_refused(w, 503, "observer:behind");
  observer_start(1000); /* below the first block */
  finality(0);
  assert_refused(w, 503, "observer:behind");
}

/* Whatever a node says, it is refused by its name, and the process lives to attest what comes next. */
static void test_lies(void **state) {
  for (int signed_before = 0; signed_before < 2; signed_before++) {
    observer_start(0);
    if (signed_before) assert_int_equal(finality(0), 200);
    for (n->how = HEADER_LIES; n->how < MISCHIEFS; n->how++) {
      if (n->how == OTHER_CHAIN || n->how == TWO_FACED) continue; /* below */
      pass(w, 1);
      finality(0);
      assert_refused(w, 503, "observer:ledger");
      assert_int_equal(w->node[MEMBER].exit_code, -1);
    }
    n->how = HONEST;
    w->node[LEDGER].down = true;
    finality(0);
    assert_refused(w, 503, "observer:ledger");
    w->node[LEDGER].down = false;
    pass(w, 1);
    mine(w->wall_s);
    assert_int_equal(finality(0), 200);
    assert_attests(n->final);
  }
}

/* The log's entry 1 says what the contract is; genesis, which chain. */
static void test_deployment(void **state) {
  observer_start(0);
  n->chain.code_hash = example_hash("other code", 0);
  pass(w, 12);
  mine(w->wall_s);
  finality(0);
  assert_refused(w, 403, "observer:deployment");
  n->chain.code_hash = example_hash("code", 0);
  mine(w->wall_s);
  finality(0);
  assert_refused(w, 403, "observer:deployment"); /* for ever */
  observer_start(0);
  assert_int_equal(finality(0), 200);
  n->how = OTHER_CHAIN;
  finality(0);
  assert_refused(w, 403, "observer:deployment");
  n->how = HONEST;
  finality(0);
  assert_refused(w, 403, "observer:deployment");
}

/* Before the contract is final nothing stands at its address, or money that somebody sent there. */
static void test_before_the_contract(void **state) {
  cf_addr_t const contract = n->chain.contract;
  cf_hash_t const code = n->chain.code_hash;
  observer_start(0);
  n->chain.contract.b[7] ^= 1; /* all accounts of the chain are others */
  pass(w, 12);
  mine(w->wall_s);
  n->chain.contract = contract;
  finality(0);
  assert_refused(w, 503, "observer:behind");
  n->chain.code_hash = cf_keccak256(CF_SPAN(NULL, 0));
  mine(w->wall_s);
  finality(0);
  assert_refused(w, 503, "observer:behind");
  n->chain.code_hash = code;
  mine(w->wall_s);
  assert_int_equal(finality(0), 200);
  assert_attests(n->final);
}

/* A final block that is gone: for ever, whatever the node says then, and after a restart as long as it stays gone. */
static void test_reorganised(void **state) {
  for (int same_height = 0; same_height < 2; same_height++) {
    observer_start(0);
    assert_int_equal(finality(0), 200);
    uint64_t     number = n->final;
    static chain_node_t kept;
    pass(w, 12);
    mine(w->wall_s);
    kept = *n;
    reorganise(number);
    if (same_height) n->final = number;
    finality(0);
    assert_refused(w, 403, "observer:fork");
    unsigned lines = w->lines;
    char     said[128];
    snprintf(said, sizeof said, "\"event\":\"observer-ended\",\"reason\":\"fork\",\"signed\":%llu", (unsigned long long)number);
    assert_non_null(strstr(w->line, said)); /* to its operator, once */
    chain_node_t *forked = malloc(sizeof *forked);
    *forked = *n;
    *n = kept;
    finality(0);
    assert_refused(w, 403, "observer:fork");
    assert_int_equal(w->lines, lines);
    *n = *forked;
    free(forked);
    observer_start(0);
    finality(0);
    assert_refused(w, 403, "observer:fork");
    *n = kept;
    observer_start(0);
    assert_int_equal(finality(0), 200);
    assert_attests(n->final);
  }
}

/* One height, two blocks: the node says in one breath that the signed one stands, and that another is final. */
static void test_two_faced(void **state) {
  observer_start(0);
  assert_int_equal(finality(0), 200);
  n->how = TWO_FACED;
  finality(0);
  assert_refused(w, 403, "observer:fork");
}

/* Above what was signed a chain may change: nothing was said about that. */
static void test_reorganised_above(void **state) {
  observer_start(0);
  assert_int_equal(finality(0), 200);
  uint64_t number = n->final;
  pass(w, 12);
  mine(w->wall_s);
  reorganise(number + 1);
  assert_int_equal(finality(0), 200);
  assert_attests(number + 1);
}

static void test_finality_goes_back(void **state) {
  observer_start(0);
  assert_int_equal(finality(0), 200);
  n->final--;
  finality(0);
  assert_refused(w, 503, "observer:behind");
  n->cnt -= 2; /* a node that is behind: it does not even have the block that was signed */
  n->final = FIRST + n->cnt - 1;
  finality(0);
  assert_refused(w, 503, "observer:behind");
  n->cnt += 2;
  n->final = FIRST + n->cnt - 1;
  assert_int_equal(finality(0), 200);
  assert_attests(n->final);
}

static void test_time(void **state) {
  uint64_t const lag = w->domain.block0.config.max_validity_s / 2 - w->domain.block0.config.key_delay_s + CF_BLOCK_SKEW_S;
  observer_start(0);
  mine(w->wall_s + CF_BLOCK_SKEW_S + 1);
  finality(0);
  assert_refused(w, 503, "observer:skew");
  pass(w, 1 + CF_BLOCK_SKEW_S + 1 + lag); /* its time came, and it was final in time */
  w->wall_s -= 1;
  assert_int_equal(finality(0), 200);
  assert_attests(n->final);
  pass(w, 1);
  finality(0);
  assert_refused(w, 503, "observer:behind"); /* the chain stands still, or its finality, or the node */
  mine(w->wall_s - lag);
  assert_int_equal(finality(0), 200);
  pass(w, 5);
  mine(n->block[n->cnt - 1].header.time_s - 1);
  finality(0);
  assert_refused(w, 403, "observer:rules");
}

/* Mail for all but one node. */
static void run_without(unsigned node, mail_t *held, size_t *held_cnt) {
  while (w->mail_cnt) {
    mail_t m = w->mail[0];
    memmove(w->mail, w->mail + 1, --w->mail_cnt * sizeof m);
    if (m.node == node) {
      held[(*held_cnt)++] = m;
      continue;
    }
    cf_event_t ev = {.kind = m.kind, .id = m.id, .status = m.status, .code = m.code, .path = SPAN_STR(m.path), .body = CF_SPAN(m.body, m.body_len)};
    step_node(w, m.node, &ev);
    free(m.body);
  }
}

/* The log is slow: a block is signed while the next reading is under way, whose chain does not have it. */
static void test_signed_meanwhile(void **state) {
  mail_t   held[8], ledgers[8];
  size_t   held_cnt = 0, ledgers_cnt = 0;
  observer_start(0);
  assert_int_equal(finality(0), 200);
  pass(w, 12);
  mine(w->wall_s);
  uint64_t second = n->final;
  ask(w, CLIENT, 0, MEMBER, CF_SPAN_LIT("POST /v1/finality"), at_least(0));
  run_without(GATE, held, &held_cnt); /* the ledger is read; the log's answer is on its way */
  assert_true(held_cnt > 0);
  ask(w, CLIENT, 0, MEMBER, CF_SPAN_LIT("POST /v1/finality"), at_least(0));
  reorganise(second);
  mine(w->wall_s);
  run_without(LEDGER, ledgers, &ledgers_cnt); /* the next reading has begun */
  assert_int_equal(ledgers_cnt, 1);
  for (size_t i = 0; i < held_cnt; i++) w->mail[w->mail_cnt++] = held[i];
  run_without(LEDGER, ledgers, &ledgers_cnt);
  assert_true(w->answered && w->code == 200); /* the first: a block that was final then */
  assert_int_equal(w->observer.last.number, second);
  w->answered = false;
  for (size_t i = 0; i < ledgers_cnt; i++) w->mail[w->mail_cnt++] = ledgers[i];
  run(w);
  assert_refused(w, 403, "observer:fork");
}

static void test_no_entry_1(void **state) {
  (void)tear_down(NULL);
  w = calloc(1, sizeof *w);
  n = calloc(1, sizeof *n);
  example_init(&w->ex);
  w->ex.genesis.ledger.kind = 2;
  w->ex.genesis.ledger.chain_id = CHAIN_ID;
  world_open(w);
  assert_int_equal(cf_ledger_genesis(&w->domain.block0, n->chain.slots, CF_GENESIS_WRITES_MAX, &n->chain.slots_cnt, NULL), CF_OK);
  n->chain.contract = w->domain.ledger.contract;
  n->chain.code_hash = example_hash("code", 0);
  mine(w->wall_s);
  w->node[LEDGER].core = n;
  w->node[LEDGER].step = node_step;
  w->member_scalar = example_hash("observer", 1);
  assert_int_equal(log_entry(w, w->ex.genesis_entry), 0);
  observer_start(0);
  finality(0);
  assert_refused(w, 503, "observer:starting");
  example_deploy(&w->ex, &n->chain.code_hash);
  assert_int_equal(log_entry(w, w->ex.deployment_entry), 1);
  assert_int_equal(finality(0), 200);
  assert_attests(FIRST);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  struct CMUnitTest const tests[] = {
      TEST(test_attests),    TEST(test_confirmations),     TEST(test_lies),
      TEST(test_deployment), TEST(test_before_the_contract), TEST(test_reorganised),
      TEST(test_two_faced), TEST(test_reorganised_above), TEST(test_finality_goes_back), TEST(test_time),
      TEST(test_signed_meanwhile),  TEST(test_no_entry_1),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
