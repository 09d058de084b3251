/* evm-node URL [CONSENSUS]: the chain client against a real node, which has the first of Foundry's well-known accounts and makes a block of
   what it is sent at once, or when its consensus is told to (tests/e2e/evm-node.sh, evm-second.sh).  The contract is deployed and called;
   every header is hashed, every slot proven, every message folded, and all of it compared with the same calls under the rules in C. */
#include "node.h"

/* A call to the contract, and the same by our rules at its block's time. */
static cf_evm_event_t call(node_t *n, cf_op_t const *op) {
  cf_wr_t wr = cf_wr_init(n->calldata, sizeof n->calldata);
  cf_evm_call_write(&wr, op);
  cf_evm_receipt_t r  = send_tx(n, (cf_evm_tx_t){ .to = n->ledger.contract, .data = cf_wr_out(&wr) });
  cf_evm_event_t   ev = event_of(n, &r);
  cf_span_t        message = ev.message;
  uint8_t          copy[CF_INBOX_MSG_MAX];
  if (message.len) memcpy(copy, message.ptr, message.len);
  n->w->now = block_at(n, (cf_evm_at_t){ .tag = CF_EVM_HASH, .hash = r.block_hash }).header.time_s;
  assert_int_equal(apply(n->w, op, &n->payer.addr), CF_REFUSAL_NONE);
  assert_true(cf_span_eq(CF_SPAN(copy, message.len), n->w->fx.message));
  return ev;
}

/* The contract's refusal of a call, and ours. */
static void refused(node_t *n, cf_op_t const *op, cf_refusal_code_t want) {
  cf_wr_t         wr = cf_wr_init(n->calldata, sizeof n->calldata), out;
  uint8_t         bytes[256];
  cf_evm_revert_t r;
  cf_evm_call_write(&wr, op);
  cf_evm_run_t run = { .from = n->payer.addr, .to = &n->ledger.contract, .data = cf_wr_out(&wr) };
  for (unsigned how = 0; how < (urls[CONSENSUS] ? 1 : 2); how++) { /* EthereumJS estimates what reverts like anything else */
    if (how) cf_evm_ask_estimate(ask(n), ID, &run);
    else cf_evm_ask_call(ask(n), ID, &run, &(cf_evm_at_t){ .tag = CF_EVM_LATEST });
    cf_jsonrpc_answer_t a = said(n);
    assert_int_equal(a.result.type, CF_JSON_BAD);
    out = cf_wr_init(bytes, sizeof bytes);
    assert_int_equal(cf_evm_read_revert(&out, &a), CF_OK);
    assert_int_equal(cf_evm_revert_decode(&r, cf_wr_out(&out)), CF_OK);
    assert_int_equal(r.refusal.code, want);
  }
  assert_int_equal(apply(n->w, op, &n->payer.addr), want);
  assert_true(r.refusal.fact[0] == n->w->no.fact[0] && r.refusal.fact[1] == n->w->no.fact[1]);
}

static void deploy(node_t *n) {
  static uint8_t code[CF_EVM_DEPLOY_MAX];
  cf_evm_ask_nonce(ask(n), ID, &n->payer.addr, &(cf_evm_at_t){ .tag = CF_EVM_PENDING });
  uint64_t nonce = number(n);
  found_at(n, nonce, block_at(n, (cf_evm_at_t){ .tag = CF_EVM_LATEST }).header.time_s);
  cf_wr_t wr = cf_wr_init(code, sizeof code);
  cf_evm_deploy_write(&wr, &n->w->g);
  assert_false(wr.bad);
  cf_evm_receipt_t r = send_tx(n, (cf_evm_tx_t){ .create = true, .data = cf_wr_out(&wr) });
  assert_true(cf_addr_eq(&r.contract, &n->ledger.contract));
  n->deployed         = r.block_number;
  n->ledger.code_hash = code_hash(n);
}

static int setup(void **state) {
  node_t *n = node_open();
  deploy(n);
  *state = n;
  return 0;
}

static int teardown(void **state) {
  node_close(*state);
  return 0;
}

static void a_ledger_lives(void **state) {
  node_t         *n   = *state;
  actor_t         key = actor("settlement key", 1);
  cf_evm_event_t  ev;
  static uint8_t  proof[CF_VIEW_MAX], messages[CF_VIEW_MAX], view[CF_VIEW_MAX];
  cf_op_t         op;
  for (unsigned i = 0; i < 3; i++) { /* accounts */
    op = op_open(actor("owner", i).addr);
    ev = call(n, &op);
    assert_int_equal(ev.kind, CF_EVM_INBOX);
  }
  op = op_lane(0, 1);
  (void)call(n, &op);
  op = op_lane(0, 1);
  refused(n, &op, CF_REFUSAL_ALREADY_OPEN);
  op = op_open(actor("owner", 1).addr);
  refused(n, &op, CF_REFUSAL_ALREADY_OPEN);
  op = op_exit(1);
  refused(n, &op, CF_REFUSAL_OWNER);

  op = op_register(n->w, &key, "instance 1", good_terms(n->w, 5, 1)); /* a key, a settlement by it */
  ev = call(n, &op);
  assert_true(ev.kind == CF_EVM_REGISTERED && cf_addr_eq(&ev.key, &key.addr));
  op = op_settle(n->w, &key, good_meta(n->w), CF_SPAN(NULL, 0));
  ev = call(n, &op);
  cf_hash_t head = head_of(n->w);
  assert_true(ev.kind == CF_EVM_SETTLED && cf_hash_eq(&ev.head, &head) && cf_hash_eq(&ev.settlement.state_root, &op.state_root));
  refused(n, &op, CF_REFUSAL_KEY); /* over a head that moved nobody is its signer */

  cf_hash_t       more[] = { cf_slot_bucket(0), cf_slot_account(2), cf_slot_account(9), cf_slot_lanes(0) };
  cf_hash_t       keys[CF_VIEW_PROVEN_MAX], values[CF_VIEW_PROVEN_MAX];
  size_t          cnt = cf_view_keys(keys, &key.addr, more, 4);
  cf_evm_block_t  b;
  cf_wr_t         proof_wr = cf_wr_init(proof, sizeof proof);
  prove(n, &b, &proof_wr, keys, cnt, values);
  for (size_t i = 0; i < cnt; i++) {
    cf_hash_t want = slot_at(n->w, keys[i]);
    if (!cf_hash_eq(&values[i], &want)) fail_msg("slot %zu", i);
  }

  cf_wr_t    message_wr = cf_wr_init(messages, sizeof messages); /* the inbox, folded from its logs */
  cf_hash_t  topic = cf_evm_event_topic(CF_EVM_INBOX), inbox = { { 0 } };
  uint64_t   told = 0, folded = 0;
  cf_error_t err = { 0 };
  cf_evm_ask_logs(ask(n), ID, &n->ledger.contract, &topic, n->deployed, b.header.number);
  if (cf_evm_read_inbox(&message_wr, &told, result(n), &n->ledger.contract, n->deployed, b.header.number, &err))
    fail_msg("%s: %s", err.item, err.text);
  assert_int_equal(cf_inbox_fold_all(&inbox, &folded, cf_wr_out(&message_wr)), CF_OK);
  assert_true(told == 4 && folded == 4 && cf_hash_eq(&inbox, &values[CF_SLOT_INBOX]));

  actor_t                 observer = actor("observer", 0); /* and a view of it all */
  cf_seats_t              council  = { .k = 1, .n = 1, .member = { observer.addr } };
  cf_finality_t           final    = { .number = b.header.number, .block_hash = b.hash, .time_s = b.header.time_s };
  cf_finality_statement_t s;
  cf_finality_proof_t     p;
  uint8_t                 header[CF_EVM_HEADER_MAX], final_buf[CF_FINALITY_PROOF_MAX];
  cf_wr_t header_wr = cf_wr_init(header, sizeof header), final_wr = cf_wr_init(final_buf, sizeof final_buf),
          view_wr   = cf_wr_init(view, sizeof view);
  assert_int_equal(cf_finality_sign(&s, &n->ledger, &final, 0, observer.scalar), CF_OK);
  assert_int_equal(cf_finality_proof_make(&p, &s, 1, 1), CF_OK);
  cf_finality_proof_write(&final_wr, &p);
  cf_evm_header_write(&header_wr, &b.header);
  assert_int_equal(cf_view_write_evm(&view_wr, cf_wr_out(&header_wr), cf_wr_out(&final_wr), &key.addr, more, 4, cf_wr_out(&proof_wr), 0,
                                     cf_wr_out(&message_wr), NULL),
                   CF_OK);
  cf_view_state_t   seen = { 0 }, next;
  cf_view_verdict_t verdict;
  static cf_view_facts_t facts;
  if (cf_view_check(&facts, &verdict, &next, &seen, cf_wr_out(&view_wr), &n->ledger, &council, &err)) fail_msg("%s", err.text);
  assert_true(verdict == CF_VIEW_COMPLETE && cf_hash_eq(&facts.head, &head) && facts.key.state == CF_KEY_LIVE && facts.key.epoch == 5);
  printf("%zu slots of block %llu in %zu bytes of proof, a view of %zu bytes\n", cnt, (unsigned long long)b.header.number, proof_wr.len,
         view_wr.len);
}

/* Every block hashes, and stands on the one before it. */
static void blocks_are_a_chain(void **state) {
  node_t   *n = *state;
  cf_hash_t parent = { { 0 } };
  cf_evm_ask_block_number(ask(n), ID);
  uint64_t newest = number(n);
  assert_true(newest >= 7);
  for (uint64_t i = 0; i <= newest; i++) {
    cf_evm_block_t b = block_at(n, (cf_evm_at_t){ .tag = CF_EVM_NUMBER, .number = i });
    assert_true(cf_hash_eq(&b.header.parent, &parent));
    parent = b.hash;
  }
  cf_evm_block_t latest = block_at(n, (cf_evm_at_t){ .tag = CF_EVM_LATEST }), safe = block_at(n, (cf_evm_at_t){ .tag = CF_EVM_SAFE }),
                 final = block_at(n, (cf_evm_at_t){ .tag = CF_EVM_FINALIZED });
  assert_true(cf_hash_eq(&latest.hash, &parent) && final.header.number <= safe.header.number && safe.header.number <= newest);

  cf_evm_block_t none; /* beyond the newest there is nothing, and it is not an error */
  cf_evm_at_t    beyond = { .tag = CF_EVM_NUMBER, .number = newest + 100 };
  cf_evm_ask_block(ask(n), ID, &beyond);
  assert_int_equal(cf_evm_read_block(&none, result(n), &beyond, NULL), CF_OK);
  assert_false(none.known);
  cf_evm_ask_chain_id(ask(n), ID);
  assert_int_equal(cf_evm_read_chain_id(result(n), n->chain_id + 1, NULL), CF_ERR_POLICY);
}

/* A batch to three nodes, two of which are there: they agree. */
static void two_of_three(void **state) {
  node_t         *n      = *state;
  char const     *three[] = { urls[NODE], "http://127.0.0.1:1", urls[NODE] };
  cf_evm_at_t     final  = { .tag = CF_EVM_NUMBER, .number = n->deployed };
  cf_rpc_t       *rpc;
  cf_evm_quorum_t q;
  cf_hash_t       agreed;
  uint8_t         blamed;
  cf_jw_t        *j = ask(n);
  cf_jw_arr(j, NULL);
  cf_evm_ask_chain_id(j, 1);
  cf_evm_ask_block(j, 2, &final);
  cf_jw_end(j, ']');
  assert_int_equal(cf_rpc_open(&rpc, three, 3, NULL, NULL), CF_OK);
  assert_int_equal(cf_evm_quorum_init(&q, 3, 2), CF_OK);
  for (unsigned i = 0; i < 3; i++) cf_rpc_start(rpc, i, cf_wr_out(&ask_wr), 5000);
  for (unsigned i = 0; i < 3; i++) {
    unsigned            node;
    cf_done_t          *d;
    cf_jsonrpc_answer_t a[2];
    cf_evm_block_t      b  = { 0 };
    cf_status_t         st = cf_rpc_wait(rpc, &node, &d, NULL);
    if (!st) st = cf_jsonrpc_read(a, 2, 1, d->body, NULL);
    if (!st) st = cf_evm_read_chain_id(a[0].result, n->chain_id, NULL);
    if (!st) st = cf_evm_read_block(&b, a[1].result, &final, NULL);
    cf_evm_quorum_add(&q, node, st, &b.hash);
    cf_done_free(d);
  }
  assert_int_equal(cf_evm_quorum_verdict(&q, &agreed, &blamed), CF_EVM_AGREED);
  assert_int_equal(blamed, 0);
  assert_int_equal(q.at[1].status, CF_ERR_IO);
  cf_rpc_close(rpc);
}

/* evm-node URL is-there: status 0 when it answers. */
static int is_there(void) {
  cf_rpc_t  *rpc;
  cf_done_t *d;
  char const *body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":[]}";
  if (cf_rpc_open(&rpc, urls, 1, NULL, NULL)) return 2;
  cf_status_t st = cf_rpc_ask(rpc, 0, CF_SPAN(body, strlen(body)), &d, NULL);
  cf_done_free(d);
  cf_rpc_close(rpc);
  return st ? 1 : 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_ledger_lives),
    cmocka_unit_test(blocks_are_a_chain),
    cmocka_unit_test(two_of_three),
  };
  if (argc != 2 && argc != 3) return 2;
  urls[NODE] = argv[1];
  if (argc == 3 && !strcmp(argv[2], "is-there")) return is_there();
  if (argc == 3) urls[CONSENSUS] = argv[2];
  return cmocka_run_group_tests(tests, setup, teardown);
}
