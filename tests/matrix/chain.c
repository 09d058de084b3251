/* cf-chain URL CONTRACT COMMAND, what the matrix asks of a chain (tests/matrix/matrix.sh):
     fund OWNER UNITS   opens an account for OWNER and pays units of ether into it; ends when both are final
     check              does every transaction that the chain has again by the rules in C, from the contract's creation on, and compares: each must
                        have ended as the rules end it, and then every slot that was ever written, proven, must be the model's, and the ether that
                        the contract holds must be what its lanes add up to.  Prints accounts, and how many settlements there were */
#include "../evm/node.h"

#include "ledger/cf_evm_code.h"

enum { WRITTEN_MAX = 4096, ETHER = 0 };
#define WEI_A_UNIT 1000000000u

static char const *contract_text;
static char      **words;
static int         words_cnt;

static node_t *open_node(void) {
  node_t *n = node_open();
  assert_int_equal(cf_hex_decode(n->ledger.contract.b, 20, CF_SPAN(contract_text + 2, 40)), CF_OK);
  return n;
}

/* ---- fund ---- */

static void wait_final(node_t *n, uint64_t block) {
  while (block_at(n, (cf_evm_at_t){ .tag = CF_EVM_FINALIZED }).header.number < block) usleep(100000);
}

static void fund(void **state) {
  node_t   *n = open_node();
  cf_addr_t owner;
  assert_int_equal(words_cnt, 2);
  assert_int_equal(cf_hex_decode(owner.b, 20, CF_SPAN(words[0], 40)), CF_OK);
  cf_op_t op = op_open(owner);
  cf_wr_t wr = cf_wr_init(n->calldata, sizeof n->calldata);
  cf_evm_call_write(&wr, &op);
  cf_evm_receipt_t r  = send_tx(n, (cf_evm_tx_t){ .to = n->ledger.contract, .data = cf_wr_out(&wr) });
  cf_evm_event_t   ev = event_of(n, &r);
  cf_rd_t          rd = cf_rd_span(ev.message);
  cf_inbox_msg_t   m  = cf_inbox_msg_read(&rd);
  assert_true(ev.kind == CF_EVM_INBOX && m.kind == CF_INBOX_OPENED);
  op = op_deposit(ETHER, m.id, strtoull(words[1], NULL, 10));
  wr = cf_wr_init(n->calldata, sizeof n->calldata);
  cf_evm_call_write(&wr, &op);
  r = send_tx(n, (cf_evm_tx_t){ .to = n->ledger.contract, .value = cf_word_u64(op.units * WEI_A_UNIT), .data = cf_wr_out(&wr) });
  wait_final(n, r.block_number);
  node_close(n);
}

/* ---- check ---- */

static cf_hash_t written[WRITTEN_MAX];
static size_t    written_cnt;
static unsigned  settled, refused, registered;
static uint32_t  accounts;
static cf_addr_t owners[64];
static bool      founded;

static void remember(cf_hash_t const *key) {
  for (size_t i = 0; i < written_cnt; i++)
    if (cf_hash_eq(&written[i], key)) return;
  assert_true(written_cnt < WRITTEN_MAX);
  written[written_cnt++] = *key;
}

/* The constructor's argument stands behind the creation code, as the ABI has bytes. */
static void found(node_t *n, cf_span_t input) {
  cf_error_t err = { 0 };
  assert_true(!founded && input.len > CF_EVM_CODE_SZ + 64);
  cf_span_t args = CF_SPAN(input.ptr + CF_EVM_CODE_SZ, input.len - CF_EVM_CODE_SZ);
  size_t    len  = 0;
  for (unsigned i = 0; i < 4; i++) len = len << 8 | args.ptr[60 + i];
  assert_true(len <= args.len - 64);
  if (cf_ledger_genesis_decode(&n->w->g, CF_SPAN(args.ptr + 64, len), &err)) fail_msg("genesis: %s", err.text);
  world_found(n->w);
  size_t cnt;
  assert_int_equal(cf_ledger_genesis(&n->w->g, n->w->writes, CF_LEDGER_WRITES_MAX, &cnt, NULL), CF_OK);
  for (size_t i = 0; i < cnt; i++) remember(&n->w->writes[i].key);
  n->ledger.chain_id  = n->w->g.config.chain_id;
  n->ledger.separator = n->w->g.config.separator;
  n->ledger.code_hash = code_hash(n);
  founded             = true;
}

/* What a node has no receipt of any more is judged by the slots alone, as everything is in the end. */
static void again(node_t *n, cf_span_t input, cf_addr_t const *from, cf_evm_receipt_t const *r, cf_hash_t const *tx) {
  cf_op_t op;
  char    hex[65], why[96] = "done";
  cf_hex_encode(hex, CF_SPAN_OF(tx->b));
  if (cf_evm_call_decode(&op, input)) fail_msg("%s: not a call", hex);
  cf_refusal_code_t code = apply(n->w, &op, from);
  if (code) cf_refusal_print(why, sizeof why, &n->w->no);
  if (r->known && r->ok != !code) fail_msg("transaction %s of kind %d: the chain %s it, the model says %s", hex, (int)op.kind, r->ok ? "did" : "refused", why);
  if (op.kind == CF_OP_SETTLE && code) printf("settlement refused: %s\n", why);
  refused += code != 0;
  if (code) return;
  settled += op.kind == CF_OP_SETTLE;
  registered += op.kind == CF_OP_REGISTER;
  for (size_t i = 0; i < n->w->fx.writes_cnt; i++) remember(&n->w->fx.writes[i].key);
  if (op.kind != CF_OP_OPEN) return;
  assert_true(n->w->fx.account < 64);
  accounts                       = n->w->fx.account;
  owners[n->w->fx.account] = op.addr;
}

static void transaction(node_t *n, cf_json_t v) {
  static uint8_t       bytes[1 << 17];
  cf_evm_transaction_t t;
  cf_evm_receipt_t     r;
  cf_addr_t            to;
  cf_hash_t            hash;
  cf_error_t           err = { 0 };
  cf_wr_t              wr  = cf_wr_init(bytes, sizeof bytes);
  assert_int_equal(cf_data_fixed(hash.b, 32, cf_json_get(v, "hash")), CF_OK);
  if (cf_evm_read_transaction(&t, v, &hash, &err) || !t.known) fail_msg("a block's transaction: %s", err.text);
  bool create = cf_json_get(v, "to").type == CF_JSON_NULL;
  if (!create) assert_int_equal(cf_data_fixed(to.b, 20, cf_json_get(v, "to")), CF_OK);
  assert_int_equal(cf_data_append(&wr, t.input), CF_OK);
  cf_evm_ask_receipt(ask(n), ID, &hash);
  if (cf_evm_read_receipt(&r, result(n), &hash, &err)) fail_msg("a block's receipt: %s", err.text);
  if (create && r.known && r.ok && cf_addr_eq(&r.contract, &n->ledger.contract)) found(n, cf_wr_out(&wr));
  else if (!create && cf_addr_eq(&to, &n->ledger.contract)) again(n, cf_wr_out(&wr), &t.from, &r, &hash);
}

/* Transactions from the block itself: a node may not find by its hash what is in one.  Each answer takes the place of the one before. */
static void block(node_t *n, uint64_t number_) {
  cf_evm_at_t const at = { .tag = CF_EVM_NUMBER, .number = number_ };
  cf_json_t         v;
  for (size_t done = 0;; done++) {
    cf_evm_block_t b;
    cf_error_t     err = { 0 };
    size_t         pos = 0, i = 0;
    cf_evm_ask_whole_block(ask(n), ID, number_);
    if (cf_evm_read_block(&b, result(n), &at, &err) || !b.known) fail_msg("block %lu: %s", (unsigned long)number_, err.text);
    n->w->now = b.header.time_s;
    while (i <= done && cf_json_each(b.transactions, &pos, NULL, &v)) i++;
    if (i <= done) return;
    transaction(n, v);
  }
}

/* Slots, proven in the block up to which all was done again. */
static void compare(node_t *n, cf_evm_block_t const *b) {
  static uint8_t proof[1 << 19];
  for (size_t from = 0, some; from < written_cnt; from += some) {
    cf_hash_t  values[64];
    cf_error_t err = { 0 };
    cf_wr_t    wr  = cf_wr_init(proof, sizeof proof);
    some           = written_cnt - from < 64 ? written_cnt - from : 64;
    cf_evm_ask_proof(ask(n), ID, &n->ledger.contract, written + from, some, &(cf_evm_at_t){ .tag = CF_EVM_NUMBER, .number = b->header.number });
    if (cf_evm_read_state(&wr, values, result(n), &n->ledger, &b->header.state_root, written + from, some, &err)) fail_msg("%s: %s", err.item, err.text);
    for (size_t i = 0; i < some; i++) {
      cf_hash_t want = slot_at(n->w, written[from + i]);
      if (!cf_hash_eq(&values[i], &want)) fail_msg("slot %zu of the chain is not the model's", from + i);
    }
  }
}

static void value(node_t *n, cf_evm_block_t const *b) {
  uint64_t  sum = 0;
  cf_hash_t held;
  for (uint32_t id = 1; id <= accounts; id++) {
    char     owner[41];
    uint64_t lane = lane_of(n->w, ETHER, id) & INT64_MAX, out = free_of(n->w, ETHER, id) & INT64_MAX;
    sum += lane + out;
    cf_hex_encode(owner, CF_SPAN_OF(owners[id].b));
    printf("account %s %lu %lu\n", owner, (unsigned long)lane, (unsigned long)out);
  }
  cf_evm_ask_balance(ask(n), ID, &n->ledger.contract, &(cf_evm_at_t){ .tag = CF_EVM_NUMBER, .number = b->header.number });
  assert_int_equal(cf_quantity_word(&held, result(n)), CF_OK);
  cf_hash_t want = cf_word_u64(sum * WEI_A_UNIT);
  if (!cf_hash_eq(&held, &want)) fail_msg("the contract holds another sum than %lu units", (unsigned long)sum);
  assert_int_equal(sum, cf_ledger_state_held(n->w->st, ETHER));
}

static void check(void **state) {
  node_t        *n    = open_node();
  cf_evm_block_t last = block_at(n, (cf_evm_at_t){ .tag = CF_EVM_LATEST });
  char           hex[65];
  for (uint64_t i = 1; i <= last.header.number; i++) block(n, i);
  if (!founded) fail_msg("the contract is not there");
  compare(n, &last);
  value(n, &last);
  cf_hash_t head = head_of(n->w);
  printf("settled %u refused %u registered %u slots %zu blocks %lu head %s\n", settled, refused, registered, written_cnt,
         (unsigned long)last.header.number, cf_hex_encode(hex, CF_SPAN_OF(head.b)));
  node_close(n);
}

int main(int argc, char **argv) {
  struct CMUnitTest const fund_[] = { cmocka_unit_test(fund) }, check_[] = { cmocka_unit_test(check) };
  if (argc < 4 || strlen(argv[2]) != 42) return 2;
  urls[NODE]    = argv[1];
  contract_text = argv[2];
  words         = argv + 4;
  words_cnt     = argc - 4;
  if (!strcmp(argv[3], "fund")) return cmocka_run_group_tests(fund_, NULL, NULL);
  if (!strcmp(argv[3], "check")) return cmocka_run_group_tests(check_, NULL, NULL);
  return 2;
}
