/* evm-same URL CONSENSUS: the whole life of a ledger of each mode in transactions that are the same to the byte on every node, in blocks of the same times.
   After each the ledger holds what it does under the rules in C, slot by slot, by proof.  Prints, for each, what a chain alone decides: its
   hash, how it ended, the gas that it used, the head and the inbox then.  Two nodes that agree print the same (tests/e2e/evm-second.sh). */
#include "node.h"

enum { T = 2000000000 /* time of the first block, beyond every node's own clock */, GAS = 15000000, TOKEN_SCALE = 6, ETHER_SCALE = 9, SLOTS_MAX = 256 };

/* A token of 6 decimals that asks for no allowance; who creates it has 2^128 of it, each balance in the slot of its holder's address. */
static char const token_code[] =
  "600160801b3355607560115f3960755ff3"     /* balance[caller] = 1 << 128; return what follows */
  "5f3560e01c"                             /* selector: */
  "806323b872dd14604f57"                   /* transferFrom */
  "8063a9059cbb14604457"                   /* transfer */
  "806370a0823114603957"                   /* balanceOf */
  "63313ce56714603057"                     /* decimals */
  "5b5f5ffd"                               /* 2c: revert */
  "5b60065f5260205ff3"                     /* 30, decimals: 6 */
  "5b600435545f5260205ff3"                 /* 39, balanceOf: that slot */
  "5b60243560043533605956"                 /* 44, transfer: units, to, caller */
  "5b604435602435600435"                   /* 4f, transferFrom: units, to, from */
  "5b805483818111602c57"                   /* 59: revert when units > balance[from] */
  "90039055"                               /* balance[from] -= units */
  "805482019055"                           /* balance[to] += units */
  "60015f5260205ff3";                      /* true */

static node_t   *n;
static uint64_t  now = T, nonce;
static cf_hash_t slots[SLOTS_MAX]; /* that were ever written */
static size_t    slots_cnt;

static void hex(char const *what, cf_span_t bytes) {
  char text[80];
  cf_hex_encode(text, bytes);
  printf(" %s %s", what, text);
}

static void remember(cf_hash_t const *key) {
  for (size_t i = 0; i < slots_cnt; i++)
    if (cf_hash_eq(&slots[i], key)) return;
  assert_true(slots_cnt < SLOTS_MAX);
  slots[slots_cnt++] = *key;
}

/* All slots of the ledger, proven, are those of the model. */
static void compare(void) {
  static uint8_t proof[1 << 18];
  cf_evm_block_t b;
  for (size_t from = 0, some; from < slots_cnt; from += some) {
    cf_hash_t values[CF_MPT_KEYS_MAX];
    cf_wr_t   wr = cf_wr_init(proof, sizeof proof);
    some         = slots_cnt - from < CF_MPT_KEYS_MAX ? slots_cnt - from : CF_MPT_KEYS_MAX;
    prove(n, &b, &wr, slots + from, some, values);
    for (size_t i = 0; i < some; i++) {
      cf_hash_t want = slot_at(n->w, slots[from + i]);
      if (!cf_hash_eq(&values[i], &want)) fail_msg("slot %zu is not the model's", from + i);
    }
  }
}

static cf_evm_receipt_t step(char const *name, cf_evm_tx_t tx) {
  char at[32];
  snprintf(at, sizeof at, "[%lu]", (unsigned long)now);
  tell(n, "evm_setNextBlockTimestamp", at);
  tx.chain_id        = n->chain_id;
  tx.nonce           = nonce++;
  tx.tip_wei         = 1000000000;
  tx.fee_wei         = 20000000000;
  tx.gas             = GAS;
  cf_evm_receipt_t r = post_tx(n, &tx);
  cf_evm_block_t   b = block_at(n, (cf_evm_at_t){ .tag = CF_EVM_HASH, .hash = r.block_hash });
  assert_int_equal(b.header.time_s, now);
  printf("%-16s %s gas %8lu", name, r.ok ? "done   " : "refused", (unsigned long)r.gas_used);
  hex("tx", CF_SPAN_OF(r.tx.b));
  return r;
}

/* A call to the ledger, and the same to the model: refused by both or by none. */
static void call(char const *name, cf_op_t const *op, cf_refusal_code_t want) {
  bool      ether = op->kind == CF_OP_DEPOSIT && op->asset == 0; /* 10^(18 - scale) wei a unit */
  cf_hash_t value = cf_word_u64(ether ? op->units * 1000000000 : 0);
  cf_wr_t   wr    = cf_wr_init(n->calldata, sizeof n->calldata);
  cf_evm_call_write(&wr, op);
  cf_evm_receipt_t r = step(name, (cf_evm_tx_t){ .to = n->ledger.contract, .value = value, .data = cf_wr_out(&wr) });
  assert_int_equal(apply(n->w, op, &n->payer.addr), want);
  assert_int_equal(r.ok, want == CF_REFUSAL_NONE);
  for (size_t i = 0; i < n->w->fx.writes_cnt; i++) remember(&n->w->fx.writes[i].key);
  compare();
  cf_hash_t head = head_of(n->w), inbox = inbox_of(n->w);
  hex("head", CF_SPAN_OF(head.b));
  hex("inbox", CF_SPAN_OF(inbox.b));
  puts("");
  n->w->now = ++now;
}

static void wait_until(uint64_t time_s) { n->w->now = now = time_s; }

/* The first transaction of all. */
static void make_token(void) {
  uint8_t token[256];
  size_t  token_sz = (sizeof token_code - 1) / 2;
  tell(n, "evm_setAutomine", "[false]");
  assert_int_equal(cf_hex_decode(token, token_sz, CF_SPAN(token_code, 2 * token_sz)), CF_OK);
  assert_true(step("token", (cf_evm_tx_t){ .create = true, .data = CF_SPAN(token, token_sz) }).ok);
  puts("");
  ++now;
}

static void found(cf_mode_t mode) {
  static uint8_t code[CF_EVM_DEPLOY_MAX];
  cf_wr_t        wr = cf_wr_init(code, sizeof code);
  n                 = node_open();
  if (nonce == 0) make_token();
  memset(n->w->g.assets[0].token.b, 0xee, 20);
  n->w->g.config.mode     = (uint8_t)mode;
  n->w->g.assets[0].scale = ETHER_SCALE;
  n->w->g.assets[1].token = cf_evm_created(&n->payer.addr, 0);
  n->w->g.assets[1].scale = TOKEN_SCALE;
  found_at(n, nonce, now);
  cf_evm_deploy_write(&wr, &n->w->g);
  cf_evm_receipt_t r = step("ledger", (cf_evm_tx_t){ .create = true, .data = cf_wr_out(&wr) });
  assert_true(r.ok && cf_addr_eq(&r.contract, &n->ledger.contract));
  n->ledger.code_hash = code_hash(n);
  hex("code", CF_SPAN_OF(n->ledger.code_hash.b));
  puts("");
  n->w->now = ++now;
  slots_cnt = 0;
  for (unsigned i = 0; i <= CF_SLOT_POSITIONS; i++) {
    cf_hash_t key = cf_slot_plain(i);
    remember(&key);
  }
  compare();
}

/* Accounts 1 to 8, of which the payer owns the first, with money in both assets. */
static void people(void) {
  cf_op_t op = op_open(n->payer.addr);
  call("open", &op, CF_REFUSAL_NONE);
  call("open again", &op, CF_REFUSAL_ALREADY_OPEN);
  for (unsigned i = 2; i <= 8; i++) {
    op = op_open(actor("owner", i).addr);
    call("open", &op, CF_REFUSAL_NONE);
  }
  for (uint32_t id = 1; id <= 8; id++) {
    op = op_deposit(id % 2, id, 1000000 + id);
    call(id % 2 ? "deposit token" : "deposit ether", &op, CF_REFUSAL_NONE);
    op = op_lane(!(id % 2), id);
    call("open lane", &op, CF_REFUSAL_NONE);
  }
  op = op_deposit(0, 1, 5);
  call("deposit again", &op, CF_REFUSAL_NONE);
  op = op_deposit(0, 99, 5);
  call("deposit to none", &op, CF_REFUSAL_ACCOUNT);
}

static void settlements(actor_t const *key) {
  cf_op_t op = op_settle(n->w, key, good_meta(n->w), EMPTY_BODY);
  call("heartbeat", &op, CF_REFUSAL_NONE);
  call("replay", &op, CF_REFUSAL_KEY);
  op = op_settle(n->w, key, good_meta(n->w),
                 BODY(n->w, { 0, 0, 1, 40 }, { 0, 0, 2, -900 }, { 0, 0, 3, 400 }, { 0, 0, 4, -40 }, { 0, 0, 5, 500 }, { 0, 1, 1, -10 }, { 0, 1, 7, 3 },
                      { 0, 1, 8, 7 }));
  call("settle", &op, CF_REFUSAL_NONE);
  op = op_settle(n->w, key, good_meta(n->w), BODY(n->w, { 0, 0, 1, 1 }, { 0, 0, 2, -2 }));
  call("unbalanced", &op, CF_REFUSAL_UNBALANCED);
  op = op_settle(n->w, key, good_meta(n->w), BODY(n->w, { 0, 0, 1, -5000000 }, { 0, 0, 2, 5000000 }));
  call("overdraft", &op, CF_REFUSAL_LANE);
  op = op_settle(n->w, key, good_meta(n->w), BODY(n->w, { 0, 0, 2, -30 }, { 1, 0, 1, 30 }, { 0, 1, 3, -20 }, { 1, 1, 1, 20 }));
  call("release", &op, CF_REFUSAL_NONE);
}

static void ways_out(void) {
  cf_addr_t to = actor("elsewhere", 1).addr;
  cf_op_t   op = op_withdraw(0, 1, 12, to);
  call("withdraw ether", &op, CF_REFUSAL_NONE);
  op = op_withdraw(1, 1, 12, to);
  call("withdraw token", &op, CF_REFUSAL_NONE);
  op = op_withdraw(1, 1, 9, to);
  call("withdraw more", &op, CF_REFUSAL_FREE);
  op = op_withdraw(1, 2, 9, to);
  call("of another", &op, CF_REFUSAL_OWNER);
  op = op_exit(1);
  call("exit", &op, CF_REFUSAL_NONE);
  op = op_finalize(0, 1);
  call("too early", &op, CF_REFUSAL_EXIT_DELAY);
  wait_until(now + n->w->g.config.exit_delay_s);
  call("exit ether", &op, CF_REFUSAL_NONE);
  op = op_finalize(1, 1);
  call("exit token", &op, CF_REFUSAL_NONE);
}

static void die(void) {
  cf_op_t op = op_plain(CF_OP_ALARM);
  call("alarm", &op, CF_REFUSAL_NONE);
  wait_until(now + n->w->g.config.dead_after_s);
  op = op_plain(CF_OP_DECLARE_DEAD);
  call("declare dead", &op, CF_REFUSAL_NONE);
}

static void governance(void) {
  uint8_t buf[CF_ACT_BODY_MAX];
  cf_op_t op = op_act(n->w, &(cf_act_t){ .kind = CF_ACT_PAUSE }, 1, buf);
  call("pause", &op, CF_REFUSAL_NONE);
  op = op_deposit(0, 2, 5);
  call("while paused", &op, CF_REFUSAL_PAUSED);
  wait_until(now + n->w->g.config.max_pause_s);
  actor_t second = actor("settlement key", 2);
  op             = op_register(n->w, &second, "instance 2", good_terms(n->w, 9, 1));
  call("register, fence", &op, CF_REFUSAL_NONE);
  op = op_settle(n->w, &second, good_meta(n->w), BODY(n->w, { 0, 0, 2, -1 }, { 0, 0, 3, 1 }));
  call("settle", &op, CF_REFUSAL_NONE);
  op = (cf_op_t){ .kind = CF_OP_REVOKE_KEY, .addr = second.addr };
  sign_by(op.sig, &second, cf_key_revocation_digest(&n->w->g.config.separator, &second.addr));
  call("revoke key", &op, CF_REFUSAL_NONE);
  die();
  op = op_finalize(0, 2);
  call("exit when dead", &op, CF_REFUSAL_NONE);
}

static void a_life(void **state) {
  actor_t key = actor("settlement key", 1);
  found(CF_MODE_NET);
  people();
  cf_op_t op = op_register(n->w, &key, "instance 1", good_terms(n->w, 5, 1));
  call("register", &op, CF_REFUSAL_NONE);
  settlements(&key);
  ways_out();
  governance();
  printf("%zu slots compared after each\n", slots_cnt);
  node_close(n);
}

/* ---- mode root ---- */

static cf_root_tree_t tree;

static void leaf(uint32_t asset, uint32_t id, cf_root_leaf_t l) {
  cf_hash_t digest = cf_root_leaf_digest(asset, id, &l);
  cf_root_tree_set(&tree, root_of(n->w, asset, id).position, &digest);
  n->w->state_root = cf_root_tree_root(&tree);
}

/* What shows, once the ledger is dead, that a leaf is of the settlement that ran as op over the head before. */
static cf_op_t leave(cf_op_t const *op, cf_hash_t const *before, uint32_t asset, uint32_t id, cf_root_leaf_t l) {
  static uint8_t path[CF_ROOT_PATH_SZ];
  cf_op_t        exit = op_root_exit(asset, id);
  cf_root_tree_path(&tree, path, root_of(n->w, asset, id).position);
  exit.meta       = op->meta;
  exit.prev_head  = *before;
  exit.state_root = op->state_root;
  exit.entries    = cf_settlement_entries(op->body);
  exit.receipts   = op->receipts;
  exit.leaf       = l;
  exit.body       = CF_SPAN_OF(path);
  return exit;
}

/* Accounts 1 to 3 deposit; the third does once more when the book is closed. */
static void pool(void) {
  cf_op_t op = op_open(n->payer.addr);
  call("open", &op, CF_REFUSAL_NONE);
  for (unsigned i = 2; i <= 3; i++) {
    op = op_open(actor("owner", i).addr);
    call("open", &op, CF_REFUSAL_NONE);
  }
  for (uint32_t id = 1; id <= 3; id++) {
    op = op_deposit(id % 2, id, 1000 * id);
    call(id % 2 ? "deposit token" : "deposit ether", &op, CF_REFUSAL_NONE);
  }
  op = op_deposit(0, 1, 50);
  call("deposit ether", &op, CF_REFUSAL_NONE);
  op = op_lane(0, 1);
  call("open lane", &op, CF_REFUSAL_MODE);
}

static void root_settlements(actor_t const *key) {
  leaf(1, 1, (cf_root_leaf_t){ .balance = 900, .credited_in = 1000, .released = 100 });
  cf_op_t op = op_settle(n->w, key, good_meta(n->w), BODY(n->w, { 1, 1, 1, 100 }));
  call("release", &op, CF_REFUSAL_NONE);
  call("replay", &op, CF_REFUSAL_KEY);
  op = op_settle(n->w, key, good_meta(n->w), BODY(n->w, { 0, 1, 1, -1 }, { 0, 1, 3, 1 }));
  call("positions", &op, CF_REFUSAL_ENTRIES);
  op = op_exit(1);
  call("exit", &op, CF_REFUSAL_NONE);
  op = op_settle(n->w, key, good_meta(n->w), BODY(n->w, { 2, 1, 1, 900 }));
  call("too early", &op, CF_REFUSAL_EXIT_DELAY);
  wait_until(now + n->w->g.config.exit_delay_s);
}

/* The first leaves by settlements while the ledger lives, the others by paths when it is dead. */
static void a_life_in_root(void **state) {
  static cf_hash_t nodes[CF_ROOT_NODES(8)];
  cf_root_leaf_t   second = { .balance = 1900, .credited_in = 2000 }, third = { .balance = 2900, .credited_in = 3000 }, none = { 0 };
  actor_t          key = actor("settlement key", 1);
  cf_addr_t        to  = actor("elsewhere", 1).addr;
  cf_root_tree_init(&tree, nodes, 8);
  found(CF_MODE_ROOT);
  pool();
  cf_op_t op = op_register(n->w, &key, "instance 1", good_terms(n->w, 5, 1));
  call("register", &op, CF_REFUSAL_NONE);
  root_settlements(&key);
  op = op_register(n->w, &key, "instance 1", good_terms(n->w, 6, 1));
  call("register again", &op, CF_REFUSAL_KEY_KNOWN);
  actor_t later = actor("settlement key", 2);
  op            = op_register(n->w, &later, "instance 1", good_terms(n->w, 6, 0));
  call("register", &op, CF_REFUSAL_NONE);
  leaf(1, 1, (cf_root_leaf_t){ .credited_in = 1000, .released = 1000 });
  leaf(0, 2, second);
  leaf(1, 3, third);
  cf_hash_t before  = head_of(n->w);
  cf_op_t   settled = op_settle(n->w, &later, good_meta(n->w), BODY(n->w, { 2, 1, 1, 900 }));
  call("exit release", &settled, CF_REFUSAL_NONE);
  op = op_withdraw(1, 1, 1000, to);
  call("withdraw token", &op, CF_REFUSAL_NONE);
  op = op_deposit(1, 3, 7);
  call("deposit token", &op, CF_REFUSAL_NONE);
  op = leave(&settled, &before, 0, 2, second);
  call("leave alive", &op, CF_REFUSAL_ALIVE);
  die();
  op.prev_head = head_of(n->w);
  call("another head", &op, CF_REFUSAL_HEAD);
  op = leave(&settled, &before, 0, 2, third);
  call("another's leaf", &op, CF_REFUSAL_LEAF);
  op = leave(&settled, &before, 0, 2, second);
  call("leave, ether", &op, CF_REFUSAL_NONE);
  call("leave again", &op, CF_REFUSAL_NOTHING);
  op = leave(&settled, &before, 1, 3, third);
  call("leave, token", &op, CF_REFUSAL_NONE);
  op = leave(&settled, &before, 0, 1, none);
  call("what is not in it", &op, CF_REFUSAL_NONE);
  printf("%zu slots compared after each\n", slots_cnt);
  node_close(n);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(a_life), cmocka_unit_test(a_life_in_root) };
  if (argc != 3) return 2;
  urls[NODE]      = argv[1];
  urls[CONSENSUS] = argv[2];
  return cmocka_run_group_tests(tests, NULL, NULL);
}
