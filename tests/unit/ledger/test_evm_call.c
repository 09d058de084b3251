/* Calldata, events and errors of the contract.  tests/vectors/ledger/evm_call.txt is Foundry's cast's encoding. */
#include "ledger_world.h"

#include "base/cf_text.h"
#include "codec/cf_abi.h"
#include "ledger/cf_evm_call.h"
#include "ledger/cf_evm_code.h"

static uint8_t buf[CF_EVM_CALL_MAX + 64], again[CF_EVM_CALL_MAX + 64];

static cf_hash_t fill(uint8_t b) {
  cf_hash_t h;
  memset(h.b, b, 32);
  return h;
}

static cf_addr_t addr(uint8_t b) {
  cf_addr_t a;
  memset(a.b, b, 20);
  return a;
}

/* The ops of make_evm_call.sh. */
static cf_op_t op_of(char const *name) {
  static uint8_t const body[33] = { 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55,
                                    0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55 };
  cf_op_t op = { 0 };
  memset(op.sig, 4, 32);
  memset(op.sig + 32, 5, 32);
  op.sigs = (cf_member_sigs_t){ .cnt = 2, .at = { { .member = 1 }, { .member = 4 } } };
  memset(op.sigs.at[0].sig, 6, 64);
  memset(op.sigs.at[1].sig, 7, 64);
  op.meta = fill(1), op.state_root = fill(2), op.receipts = fill(3);
  if (!strcmp(name, "settle")) return op.kind = CF_OP_SETTLE, op;
  if (!strcmp(name, "open")) return (cf_op_t){ .kind = CF_OP_OPEN, .addr = addr(0x11) };
  if (!strcmp(name, "openLane")) return (cf_op_t){ .kind = CF_OP_OPEN_LANE, .asset = 3, .id = 17 };
  if (!strcmp(name, "deposit"))
    return (cf_op_t){ .kind = CF_OP_DEPOSIT, .asset = CF_ASSET_MAX, .id = UINT32_MAX, .units = UINT64_MAX };
  if (!strcmp(name, "withdraw")) return (cf_op_t){ .kind = CF_OP_WITHDRAW, .asset = 1, .id = 2, .units = 3, .addr = addr(0x22) };
  if (!strcmp(name, "requestExit")) return (cf_op_t){ .kind = CF_OP_REQUEST_EXIT, .id = 9 };
  if (!strcmp(name, "finalizeExit")) return (cf_op_t){ .kind = CF_OP_FINALIZE_EXIT, .asset = 5, .id = 6 };
  if (!strcmp(name, "rootExit")) {
    static uint8_t path[CF_ROOT_PATH_SZ];
    for (size_t i = 0; i < CF_ROOT_DEPTH; i++) memset(path + 32 * i, (int)(0x10 + i), 32);
    op = op_root_exit(CF_ASSET_MAX, UINT32_MAX);
    op.meta = fill(1), op.prev_head = fill(2), op.state_root = fill(3), op.entries = fill(8), op.receipts = fill(9);
    op.leaf = (cf_root_leaf_t){ ((cf_u128_t)1 << 96) - 1, ((cf_u128_t)1 << 80) - 1, ((cf_u128_t)1 << 64) + 7, fill(6) };
    op.body = CF_SPAN_OF(path);
    return op;
  }
  if (!strcmp(name, "alarm")) return (cf_op_t){ .kind = CF_OP_ALARM };
  if (!strcmp(name, "declareDead")) return (cf_op_t){ .kind = CF_OP_DECLARE_DEAD };
  if (!strcmp(name, "register")) {
    op.kind         = CF_OP_REGISTER;
    op.registration = (cf_registration_t){ addr(0x33), fill(1), fill(2), fill(3), fill(8), fill(9) };
    return op;
  }
  if (!strcmp(name, "revokeKey")) return op.kind = CF_OP_REVOKE_KEY, op.addr = addr(0x33), op;
  op.kind = CF_OP_ACT, op.version = 7;
  if (!strcmp(name, "act")) {
    op.council = 2, op.number = ((uint64_t)1 << 48) - 1, op.not_after_s = ((uint64_t)1 << 40) - 1, op.body = CF_SPAN_LIT("\x02");
    return op;
  }
  assert_string_equal(name, "act-unsigned");
  op.council = 1, op.number = 8, op.not_after_s = 9, op.body = CF_SPAN_OF(body), op.sigs.cnt = 0;
  return op;
}

/* Every call as cast encodes it, read back, and refused or read as something else with any bit turned. */
static void calls(void **state) {
  FILE   *f = fopen(CF_SOURCE_DIR "/tests/vectors/ledger/evm_call.txt", "r");
  char    name[32];
  static char digits[4096];
  unsigned    cnt = 0;
  (void)state;
  assert_non_null(f);
  while (fscanf(f, "%31s %4095s", name, digits) == 2) {
    static uint8_t want[2048];
    size_t         sz = strlen(digits) / 2;
    cf_op_t        op = op_of(name), got;
    cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
    assert_int_equal(cf_hex_decode(want, sz, CF_SPAN(digits, 2 * sz)), CF_OK);
    cf_evm_call_write(&wr, &op);
    if (!cf_span_eq(cf_wr_out(&wr), CF_SPAN(want, sz))) fail_msg("%s", name);
    assert_int_equal(cf_evm_call_decode(&got, CF_SPAN(want, sz)), CF_OK);
    assert_int_equal(got.kind, op.kind);
    for (size_t bit = 0; bit < 8 * sz; bit++) {
      want[bit / 8] ^= (uint8_t)(1u << bit % 8);
      if (cf_evm_call_decode(&got, CF_SPAN(want, sz)) == CF_OK) {
        cf_wr_t rewr = cf_wr_init(again, sizeof again);
        cf_evm_call_write(&rewr, &got);
        if (!cf_span_eq(cf_wr_out(&rewr), CF_SPAN(want, sz))) fail_msg("%s: bit %zu", name, bit);
      }
      want[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < sz; n++) assert_int_not_equal(cf_evm_call_decode(&got, CF_SPAN(want, n)), CF_OK);
    want[sz] = 0;
    assert_int_equal(cf_evm_call_decode(&got, CF_SPAN(want, sz + 1)), op.kind == CF_OP_SETTLE ? CF_OK : CF_ERR_FORMAT);
    cnt++;
  }
  fclose(f);
  assert_int_equal(cnt, 14);
}

static void bounds(void **state) {
  cf_op_t op = op_of("settle"), got;
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  static uint8_t body[CF_SETTLEMENT_BODY_MAX];
  (void)state;
  op.body = CF_SPAN_OF(body);
  cf_evm_call_write(&wr, &op);
  assert_int_equal(wr.len, CF_EVM_CALL_MAX);
  assert_int_equal(cf_evm_call_decode(&got, cf_wr_out(&wr)), CF_OK);
  assert_true(cf_span_eq(got.body, op.body));
  assert_int_equal(cf_evm_call_decode(&got, CF_SPAN(buf, CF_EVM_CALL_MAX + 1)), CF_ERR_BOUND);
  assert_int_equal(cf_evm_call_decode(&got, CF_SPAN_LIT("\x60\x74\xc9\x5e")), CF_ERR_UNSUPPORTED);
  wr              = cf_wr_init(buf, sizeof buf);
  op              = op_of("rootExit");
  op.leaf.balance = (cf_u128_t)1 << 96;
  cf_evm_call_write(&wr, &op);
  assert_true(wr.bad);
  op          = op_of("register"); /* a seat more than a council can have */
  op.sigs.cnt = CF_SEATS_MAX;
  wr          = cf_wr_init(buf, sizeof buf);
  cf_evm_call_write(&wr, &op);
  assert_int_equal(cf_evm_call_decode(&got, cf_wr_out(&wr)), CF_OK);
  size_t  sigs_at = 4 + 9 * 32;
  cf_wr_t more    = cf_wr_init(buf + sigs_at, sizeof buf - sigs_at);
  cf_abi_w_bytes(&more, CF_SPAN(body, 65 * (CF_SEATS_MAX + 1)));
  assert_int_equal(cf_evm_call_decode(&got, CF_SPAN(buf, sigs_at + more.len)), CF_ERR_FORMAT);
}

static void deployments(void **state) {
  static uint8_t bytes[CF_EVM_DEPLOY_MAX];
  world_t       *w  = world_new();
  cf_wr_t        wr = cf_wr_init(bytes, sizeof bytes);
  (void)state;
  cf_evm_deploy_write(&wr, &w->g);
  cf_hash_t want = { CF_EVM_CODE_HASH }, got = cf_keccak256(CF_SPAN(bytes, CF_EVM_CODE_SZ));
  assert_true(!wr.bad && cf_hash_eq(&got, &want));
  uint8_t genesis[CF_GENESIS_BYTES_MAX];
  cf_wr_t g = cf_wr_init(genesis, sizeof genesis);
  cf_ledger_genesis_write(&g, &w->g);
  cf_rd_t rd = cf_rd_init(bytes + CF_EVM_CODE_SZ, wr.len - CF_EVM_CODE_SZ);
  assert_int_equal(cf_abi_uint(&rd, 64), 32);
  assert_true(cf_span_eq(cf_abi_bytes(&rd), cf_wr_out(&g)) && cf_rd_done(&rd));
  world_free(w);
}

/* ---- events ---- */

static cf_hash_t topic_of(char const *signature) { return cf_keccak256(CF_SPAN(signature, strlen(signature))); }

static void events(void **state) {
  cf_addr_t      contract = addr(0xcc);
  cf_evm_event_t ev;
  cf_evm_log_t   log = { .addr = contract, .topics_cnt = 1, .topics = { topic_of("Inbox(bytes)") } };
  cf_inbox_msg_t msg = { .kind = CF_INBOX_DEPOSITED, .time_s = T0, .asset = 1, .id = 2, .units = 3 };
  uint8_t        bytes[CF_INBOX_MSG_MAX], data[320];
  cf_wr_t        m = cf_wr_init(bytes, sizeof bytes), wr = cf_wr_init(data, sizeof data);
  (void)state;
  cf_inbox_msg_write(&m, &msg);
  cf_abi_w_uint(&wr, 32);
  cf_abi_w_bytes(&wr, cf_wr_out(&m));
  log.data = cf_wr_out(&wr);
  assert_int_equal(cf_evm_event_decode(&ev, &log, &contract), CF_OK);
  assert_true(ev.kind == CF_EVM_INBOX && cf_span_eq(ev.message, cf_wr_out(&m)));
  for (size_t n = 0; n < wr.len; n++) {
    log.data.len = n;
    assert_int_equal(cf_evm_event_decode(&ev, &log, &contract), CF_ERR_FORMAT);
  }
  log.data = cf_wr_out(&wr);
  data[64] = 99; /* no kind of message */
  assert_int_equal(cf_evm_event_decode(&ev, &log, &contract), CF_ERR_FORMAT);
  data[64]       = CF_INBOX_DEPOSITED;
  log.topics_cnt = 2;
  assert_int_equal(cf_evm_event_decode(&ev, &log, &contract), CF_ERR_FORMAT);
  log.topics_cnt = 0;
  assert_int_equal(cf_evm_event_decode(&ev, &log, &contract), CF_ERR_UNSUPPORTED);
  log.topics_cnt = 1;
  log.addr       = addr(0xcd); /* anybody can make such an event elsewhere */
  assert_int_equal(cf_evm_event_decode(&ev, &log, &contract), CF_ERR_UNSUPPORTED);
  log.addr      = contract;
  log.topics[0] = topic_of("Inbox(bytes32)");
  assert_int_equal(cf_evm_event_decode(&ev, &log, &contract), CF_ERR_UNSUPPORTED);

  cf_hash_t words[4] = { fill(1), fill(2), fill(3), fill(4) };
  log = (cf_evm_log_t){ contract, 2, { topic_of("Settled(bytes32,uint256,bytes32,bytes32,bytes32)"), fill(9) }, CF_SPAN_OF(words) };
  assert_int_equal(cf_evm_event_decode(&ev, &log, &contract), CF_OK);
  assert_true(ev.kind == CF_EVM_SETTLED && ev.head.b[0] == 9 && ev.settlement.meta.b[0] == 1 && ev.settlement.state_root.b[0] == 2 &&
              ev.settlement.entries.b[0] == 3 && ev.settlement.receipts.b[0] == 4);
  log.data.len--;
  assert_int_equal(cf_evm_event_decode(&ev, &log, &contract), CF_ERR_FORMAT);

  cf_addr_t key = addr(0x33);
  words[3]      = cf_word_u64(T0);
  log = (cf_evm_log_t){ contract, 2, { topic_of("Registered(address,uint40)"), cf_word_addr(&key) }, CF_SPAN(&words[3], 32) };
  assert_int_equal(cf_evm_event_decode(&ev, &log, &contract), CF_OK);
  assert_true(ev.kind == CF_EVM_REGISTERED && cf_addr_eq(&ev.key, &key) && ev.not_before_s == T0);
  words[3].b[26] = 1; /* a time of 41 bits */
  assert_int_equal(cf_evm_event_decode(&ev, &log, &contract), CF_ERR_FORMAT);

  for (int kind = CF_EVM_INBOX; kind <= CF_EVM_REGISTERED; kind++) {
    cf_hash_t topic = cf_evm_event_topic((cf_evm_event_kind_t)kind);
    assert_false(cf_word_is_zero(&topic));
  }
}

/* ---- errors ---- */

static struct {
  char const       *name, *hex;
  cf_status_t       want;
  cf_refusal_code_t code;
  uint64_t          fact[2];
} const reverts[] = {
#define W0 "0000000000000000000000000000000000000000000000000000000000000000"
#define W3 "0000000000000000000000000000000000000000000000000000000000000003"
#define W17 "0000000000000000000000000000000000000000000000000000000000000011"
#define WMAX "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
  { "Dead", "82c4767b", CF_OK, CF_REFUSAL_DEAD, { 0, 0 } },
  { "Lane", "b3d337db" W3 W17, CF_OK, CF_REFUSAL_LANE, { 3, 17 } },
  { "Held", "f5b9c101" W3 WMAX, CF_OK, CF_REFUSAL_HELD, { 3, UINT64_MAX } },
  { "Key", "f39d8c65", CF_OK, CF_REFUSAL_KEY, { 0, 0 } },
  { "Token", "26070774" W17, CF_OK, CF_REFUSAL_NONE, { 17, 0 } }, /* no rule of the embedded ledger */
  { "Panic", "4e487b71" W17, CF_OK, CF_REFUSAL_NONE, { 17, 0 } },
  { "short", "b3d337db" W3, CF_ERR_FORMAT, 0, { 0, 0 } },
  { "long", "82c4767b" W3, CF_ERR_FORMAT, 0, { 0, 0 } },
  { "nothing", "", CF_ERR_UNSUPPORTED, 0, { 0, 0 } },
  { "half a selector", "82c4", CF_ERR_UNSUPPORTED, 0, { 0, 0 } },
  { "unknown", "12345678", CF_ERR_UNSUPPORTED, 0, { 0, 0 } },
};

static void errors_are_refusals(void **state) {
  cf_evm_revert_t r;
  (void)state;
  for (size_t i = 0; i < sizeof reverts / sizeof *reverts; i++) {
    size_t sz = strlen(reverts[i].hex) / 2;
    assert_int_equal(cf_hex_decode(buf, sz, CF_SPAN(reverts[i].hex, 2 * sz)), CF_OK);
    cf_status_t st = cf_evm_revert_decode(&r, CF_SPAN(buf, sz));
    if (st != reverts[i].want) fail_msg("%s: %s", reverts[i].name, cf_status_name(st));
    if (st) continue;
    assert_string_equal(r.name, reverts[i].name);
    assert_int_equal(r.refusal.code, reverts[i].code);
    assert_true(r.refusal.fact[0] == reverts[i].fact[0] && r.refusal.fact[1] == reverts[i].fact[1]);
  }
  static struct { char const *name, *signature; } const texts[] = { { "Error", "Error(string)" }, { "Genesis", "Genesis(string)" } };
  for (size_t i = 0; i < 2; i++) {
    cf_hash_t selector = topic_of(texts[i].signature);
    cf_wr_t   wr       = cf_wr_init(buf, sizeof buf);
    cf_wr_bytes(&wr, selector.b, 4);
    cf_abi_w_uint(&wr, 32);
    cf_abi_w_bytes(&wr, CF_SPAN_LIT("out of gas"));
    assert_int_equal(cf_evm_revert_decode(&r, cf_wr_out(&wr)), CF_OK);
    assert_string_equal(r.name, texts[i].name);
    assert_true(cf_span_eq(r.text, CF_SPAN_LIT("out of gas")) && r.refusal.code == CF_REFUSAL_NONE);
    buf[4 + 64] = 0xff; /* not text */
    assert_int_equal(cf_evm_revert_decode(&r, cf_wr_out(&wr)), CF_ERR_FORMAT);
  }
}

/* Every rule's refusal that a call to the contract can meet has an error of that name there. */
static void every_refusal_has_its_error(void **state) {
  static char const *const errors[] = {
#define X(name, selector, facts) #name,
    CF_EVM_ERRORS(X)
#undef X
  };
  static char const *const embedded_only[] = { "Issuer", "Bound", "Call", "Sender", "Deadline", "Nonce" };
  (void)state;
  for (cf_refusal_code_t c = CF_REFUSAL_WRONG_CHAIN; c < CF_REFUSALS; c++) {
    bool found = false;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) found |= !strcmp(errors[i], cf_refusal_name(c));
    for (size_t i = 0; i < sizeof embedded_only / sizeof *embedded_only; i++) found |= !strcmp(embedded_only[i], cf_refusal_name(c));
    if (!found) fail_msg("%s", cf_refusal_name(c));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(calls),
    cmocka_unit_test(bounds),
    cmocka_unit_test(deployments),
    cmocka_unit_test(events),
    cmocka_unit_test(errors_are_refusals),
    cmocka_unit_test(every_refusal_has_its_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
