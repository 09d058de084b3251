/* A node's answers: what anvil 1.7.1 said (tests/vectors/ledger/evm_rpc), and what a liar makes of it. */
#include "ledger_world.h"

#include "base/cf_text.h"
#include "codec/cf_abi.h"
#include "ledger/cf_evm_quorum.h"
#include "ledger/cf_evm_rpc.h"

#define TEXT_MAX 8192

static char      text[TEXT_MAX];
static cf_json_t result;

static cf_hash_t from_hex(char const *digits) {
  cf_hash_t h;
  assert_int_equal(cf_hex_decode(h.b, 32, CF_SPAN(digits, strlen(digits))), CF_OK);
  return h;
}

static cf_hash_t block_hash(void) { return from_hex("13a8865df2851398762709d23ac8d993fc300d7bf0d7458d0b6872b021eeb393"); }
static cf_hash_t tx_hash(void) { return from_hex("e24ae8d72227455f48aa2e7f473b51aae16718f6784f21f4a41a38039cc3021a"); }

/* The result that stands in a file, with the first `from` in it replaced by `to` (NULL: as it is). */
static void load(char const *file, char const *from, char const *to) {
  char  path[256], was[TEXT_MAX], *at;
  FILE *f;
  snprintf(path, sizeof path, CF_SOURCE_DIR "/tests/vectors/ledger/evm_rpc/%s.json", file);
  assert_non_null(f = fopen(path, "r"));
  was[fread(was, 1, sizeof was - 1, f)] = 0;
  fclose(f);
  if (from) {
    if (!(at = strstr(was, from))) fail_msg("%s has no %s", file, from);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - was), was, to, at + strlen(from));
  } else {
    memcpy(text, was, sizeof text);
  }
  cf_json_t whole;
  assert_int_equal(cf_json_parse(&whole, CF_SPAN(text, strlen(text)), NULL), CF_OK);
  result = cf_json_get(whole, "result");
}

/* ---- each reader over its file ---- */

static cf_evm_at_t const any = { .tag = CF_EVM_LATEST };

static cf_status_t block(cf_error_t *err) {
  cf_evm_block_t b;
  cf_status_t    st = cf_evm_read_block(&b, result, &any, err);
  if (!st && b.known) {
    cf_hash_t want = block_hash();
    assert_true(cf_hash_eq(&b.hash, &want) && b.header.number == 1 && b.header.fork == CF_EVM_PRAGUE);
    assert_int_equal(b.transactions.type, CF_JSON_ARRAY);
  }
  return st;
}

static cf_status_t receipt(cf_error_t *err) {
  cf_evm_receipt_t r;
  cf_hash_t        tx = tx_hash(), in = block_hash();
  cf_status_t      st = cf_evm_read_receipt(&r, result, &tx, err);
  if (!st && r.known) {
    assert_true(r.ok && r.gas_used == 0x1821f && r.block_number == 1 && r.gas_price_wei == 2000000000);
    assert_true(cf_hash_eq(&r.block_hash, &in) && r.contract.b[0] == 0x5f && r.from.b[0] == 0xf3);
  }
  return st;
}

static cf_status_t transaction(cf_error_t *err) {
  cf_evm_transaction_t t;
  cf_hash_t            tx = tx_hash();
  uint8_t              input[64];
  cf_wr_t              wr = cf_wr_init(input, sizeof input);
  cf_status_t          st = cf_evm_read_transaction(&t, result, &tx, err);
  if (!st && t.known) {
    assert_true(t.nonce == 0 && t.from.b[0] == 0xf3 && t.mined == (t.block_number == 1));
    assert_int_equal(cf_data_append(&wr, t.input), CF_OK);
    assert_int_equal(wr.len, 28);
  }
  return st;
}

static cf_status_t fees(cf_error_t *err) {
  cf_evm_fees_t f;
  cf_status_t   st = cf_evm_read_fees(&f, result, err);
  if (!st) assert_true(f.cnt == 2 && f.oldest == 0 && f.base_fee_wei[2] == 0x3434026d && f.tip_wei[1] == 1000000000);
  return st;
}

static cf_status_t logs(cf_error_t *err) {
  cf_evm_log_t   log;
  cf_evm_place_t place;
  uint8_t        bytes[64];
  cf_wr_t        wr  = cf_wr_init(bytes, sizeof bytes);
  size_t         pos = 0;
  bool           more;
  cf_status_t    st  = cf_evm_log_next(&more, &log, &place, &wr, result, &pos, err);
  if (st) return st;
  assert_true(more && log.topics_cnt == 1 && log.topics[0].b[31] == 0xaa && log.data.len == 32 && log.data.ptr[31] == 0x2a);
  assert_true(place.block_number == 1 && place.index == 0);
  assert_int_equal(cf_evm_log_next(&more, &log, &place, &wr, result, &pos, err), CF_OK);
  assert_false(more);
  return CF_OK;
}

static cf_status_t proof(cf_error_t *err) {
  uint8_t   bytes[4096];
  cf_wr_t   wr      = cf_wr_init(bytes, sizeof bytes);
  cf_hash_t keys[3] = { cf_word_u64(0), cf_word_u64(5), cf_word_u64(9) }, values[3];
  cf_hash_t root    = from_hex("70b8492b05684893062581ea6c4e17e479bfa616a3406bc71ac1b2e84c7969eb");
  cf_ledger_identity_t id = { .chain_id  = 31337,
                              .code_hash = from_hex("bc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a") };
  assert_int_equal(cf_hex_decode(id.contract.b, 20, CF_SPAN_LIT("5fbdb2315678afecb367f032d93f642f64180aa3")), CF_OK);
  cf_status_t st = cf_evm_read_state(&wr, values, result, &id, &root, keys, 3, err);
  if (!st) assert_true(values[0].b[31] == 7 && values[1].b[30] == 0x11 && values[1].b[31] == 0x22 && cf_word_is_zero(&values[2]));
  cf_evm_account_t account; /* the same without the slots, whatever is said of them */
  cf_wr_t          room = cf_wr_init(bytes, sizeof bytes);
  if (!st) {
    assert_int_equal(cf_evm_read_account(&account, &room, result, &id.contract, &root, NULL), CF_OK);
    assert_true(account.exists && account.nonce == 1 && cf_hash_eq(&account.code_hash, &id.code_hash));
    root.b[0] ^= 1;
    assert_int_equal(cf_evm_read_account(&account, &room, result, &id.contract, &root, NULL), CF_ERR_AUTH);
    root.b[0] ^= 1;
    id.contract.b[0] ^= 1;
    assert_int_equal(cf_evm_read_account(&account, &room, result, &id.contract, &root, NULL), CF_ERR_AUTH);
    id.contract.b[0] ^= 1;
    room = cf_wr_init(bytes, 100);
    assert_int_equal(cf_evm_read_account(&account, &room, result, &id.contract, &root, NULL), CF_ERR_BOUND);
  }
  id.code_hash.b[0] ^= 1;
  cf_wr_t again = cf_wr_init(bytes, sizeof bytes);
  if (!st) assert_int_equal(cf_evm_read_state(&again, values, result, &id, &root, keys, 3, NULL), CF_ERR_POLICY);
  return st;
}

#define HASH "0x13a8865df2851398762709d23ac8d993fc300d7bf0d7458d0b6872b021eeb393"
static struct {
  cf_status_t (*read)(cf_error_t *err);
  char const *file, *from, *to;
  cf_status_t want;
  char const *item; /* that err names */
} const cases[] = {
  { block, "block", NULL, NULL, CF_OK, NULL },
  { block, "block", "\"number\":\"0x1\"", "\"number\":\"0x2\"", CF_ERR_AUTH, "hash" },
  { block, "block", "\"stateRoot\":\"0x7", "\"stateRoot\":\"0x8", CF_ERR_AUTH, "hash" },
  { block, "block", "\"hash\":\"0x1", "\"hash\":\"0x2", CF_ERR_AUTH, "hash" },
  { block, "block", "\"extraData\":\"0x\"", "\"extraData\":\"0x00\"", CF_ERR_AUTH, "hash" },
  { block, "block", "\"requestsHash\"", "\"requestsHush\"", CF_ERR_AUTH, "hash" }, /* then it is a header of Cancun */
  { block, "block", "\"baseFeePerGas\"", "\"x\"", CF_ERR_AUTH, "hash" },
  { block, "block", "\"excessBlobGas\"", "\"x\"", CF_ERR_FORMAT, "excessBlobGas" },
  { block, "block", "\"parentHash\"", "\"x\"", CF_ERR_FORMAT, "parentHash" },
  { block, "block", "\"gasLimit\":\"0x1c9c380\"", "\"gasLimit\":\"0x01c9c380\"", CF_ERR_FORMAT, "gasLimit" },
  { block, "block", "\"gasLimit\":\"0x1c9c380\"", "\"gasLimit\":30000000", CF_ERR_FORMAT, "gasLimit" },
  { block, "block", "\"gasLimit\":\"0x1c9c380\"", "\"gasLimit\":\"0x1c9c3800000000000\"", CF_ERR_BOUND, "gasLimit" },
  { block, "block", "\"gasLimit\":\"0x1c9c380\"", "\"gasLimit\":null", CF_ERR_FORMAT, "gasLimit" },
  { block, "block", "\"extraData\":\"0x\"",
    "\"extraData\":\"0x0000000000000000000000000000000000000000000000000000000000000000ff\"", CF_ERR_BOUND, "extraData" },
  { block, "block", "\"transactions\":[", "\"x\":[", CF_ERR_FORMAT, "transactions" },
  { block, "block", "\"result\":{", "\"result\":null,\"x\":{", CF_OK, NULL }, /* not known */
  { block, "block", "\"result\":{", "\"result\":[],\"x\":{", CF_ERR_FORMAT, "block" },

  { receipt, "receipt", NULL, NULL, CF_OK, NULL },
  { receipt, "receipt", "\"status\":\"0x1\"", "\"status\":\"0x2\"", CF_ERR_FORMAT, "status" },
  { receipt, "receipt", "\"status\":\"0x1\"", "\"x\":\"0x1\"", CF_ERR_FORMAT, "status" },
  { receipt, "receipt", "\"gasUsed\":\"0x", "\"gasUsed\":\"0xfffffffffffffffff", CF_ERR_BOUND, "gasUsed" },
  { receipt, "receipt", "\"contractAddress\":\"0x5f", "\"contractAddress\":\"0x5", CF_ERR_FORMAT, "contractAddress" },
  { receipt, "receipt", "\"logs\":[{", "\"logs\":{\"a\":[{", CF_ERR_FORMAT, NULL },
  { receipt, "receipt", "\"result\":{", "\"result\":null,\"x\":{", CF_OK, NULL },

  { transaction, "transaction", NULL, NULL, CF_OK, NULL },
  { transaction, "transaction", "\"hash\":\"0xe2", "\"hash\":\"0xe3", CF_ERR_AUTH, "hash" },
  { transaction, "transaction", "\"blockHash\":\"" HASH "\",\"blockNumber\":\"0x1\"", "\"blockHash\":null,\"blockNumber\":null",
    CF_OK, NULL },
  { transaction, "transaction", "\"blockNumber\":\"0x1\"", "\"blockNumber\":null", CF_ERR_FORMAT, "blockNumber" },
  { transaction, "transaction", "\"input\":\"0x6", "\"input\":\"0x", CF_ERR_FORMAT, "input" },
  { transaction, "transaction", "\"nonce\":\"0x0\"", "\"nonce\":\"0x\"", CF_ERR_FORMAT, "nonce" },
  { transaction, "transaction", "\"result\":{", "\"result\":null,\"x\":{", CF_OK, NULL },

  { fees, "fees", NULL, NULL, CF_OK, NULL },
  { fees, "fees", "\"0x3b9aca00\",\"0x3b9aca00\",", "\"0x3b9aca00\",", CF_ERR_FORMAT, "baseFeePerGas" },
  { fees, "fees", "[\"0x0\"],", "[],", CF_ERR_FORMAT, "reward" },
  { fees, "fees", "[\"0x0\"],", "[\"0x0\",\"0x0\"],", CF_ERR_BOUND, "reward" },
  { fees, "fees", "\"reward\"", "\"x\"", CF_ERR_FORMAT, "reward" },
  { fees, "fees", "\"0x3434026d\"", "\"0x34340000000000000026d\"", CF_ERR_BOUND, "baseFeePerGas" },

  { logs, "logs", NULL, NULL, CF_OK, NULL },
  { logs, "logs", "\"removed\":false", "\"removed\":true", CF_ERR_STALE, "removed" },
  { logs, "logs", "\"removed\":false", "\"removed\":0", CF_ERR_FORMAT, "removed" },
  { logs, "logs", "\"topics\":[", "\"topics\":[\"0x00\",", CF_ERR_FORMAT, "topics" },
  { logs, "logs", "\"data\":\"0x", "\"data\":\"0x0", CF_ERR_FORMAT, "data" },
  { logs, "logs", "\"data\":\"0x", "\"data\":\"0x000000000000000000000000000000000000000000000000000000000000000000000000", CF_ERR_BOUND,
    "data" },
  { logs, "logs", "\"logIndex\":\"0x0\"", "\"logIndex\":\"0x00\"", CF_ERR_FORMAT, "logIndex" },
  { logs, "logs", "\"blockHash\":\"0x", "\"blockHash\":\"", CF_ERR_FORMAT, "blockHash" },

  { proof, "proof", NULL, NULL, CF_OK, NULL },
  { proof, "proof", "\"address\":\"0x5f", "\"address\":\"0x5e", CF_ERR_AUTH, "address" },
  { proof, "proof", "\"accountProof\":[\"0xf9", "\"accountProof\":[\"0xf8", CF_ERR_AUTH, "storageProof" },
  { proof, "proof", "\"accountProof\"", "\"x\"", CF_ERR_FORMAT, "accountProof" },
  { proof, "proof", "\"storageProof\":[{", "\"storageProof\":[{\"key\":\"0x0\",\"proof\":[]},{", CF_ERR_AUTH, "storageProof" },
  { proof, "proof", "\"storageProof\":[", "\"storageProof\":[],\"x\":[", CF_ERR_AUTH, "storageProof" },
  { proof, "proof", "\"value\":\"0x7\"", "\"value\":\"0x8\"", CF_OK, NULL }, /* its word for it is not looked at */
  { proof, "proof", "\"storageHash\":\"0xd", "\"storageHash\":\"0xe", CF_OK, NULL },
};

static void answers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (cases[i].item == NULL && cases[i].want) continue; /* not JSON any more */
    load(cases[i].file, cases[i].from, cases[i].to);
    cf_error_t  err = { 0 };
    cf_status_t st  = cases[i].read(&err);
    if (st != cases[i].want || (st && strcmp(err.item, cases[i].item)))
      fail_msg("%s, %s: %s %s", cases[i].file, cases[i].to, cf_status_name(st), err.item);
  }
}

/* Any digit of the proof's nodes turned is found. */
static void proofs_are_tight(void **state) {
  char   was[TEXT_MAX];
  size_t turned = 0;
  (void)state;
  load("proof", NULL, NULL);
  memcpy(was, text, sizeof was);
  for (char *list = strstr(was, "roof\":[\""); list; list = strstr(list + 1, "roof\":[\"")) {
    for (size_t at = (size_t)(list - was) + 7; was[at] != ']'; at++) {
      if (!strchr("0123456789abcdef", was[at]) || was[at + 1] == 'x') continue;
      memcpy(text, was, sizeof text);
      text[at] = text[at] == '0' ? '1' : '0';
      cf_json_t whole;
      assert_int_equal(cf_json_parse(&whole, CF_SPAN(text, strlen(text)), NULL), CF_OK);
      result = cf_json_get(whole, "result");
      if (proof(NULL) == CF_OK) fail_msg("digit %zu: %.20s", at, was + at);
      turned++;
    }
  }
  assert_true(turned > 1000);
}

static void what_was_asked(void **state) {
  cf_evm_block_t b;
  cf_hash_t      h = block_hash();
  (void)state;
  load("block", NULL, NULL);
  assert_int_equal(cf_evm_read_block(&b, result, &(cf_evm_at_t){ .tag = CF_EVM_HASH, .hash = h }, NULL), CF_OK);
  assert_int_equal(cf_evm_read_block(&b, result, &(cf_evm_at_t){ .tag = CF_EVM_NUMBER, .number = 1 }, NULL), CF_OK);
  assert_int_equal(cf_evm_read_block(&b, result, &(cf_evm_at_t){ .tag = CF_EVM_NUMBER, .number = 2 }, NULL), CF_ERR_AUTH);
  h.b[0] ^= 1;
  assert_int_equal(cf_evm_read_block(&b, result, &(cf_evm_at_t){ .tag = CF_EVM_HASH, .hash = h }, NULL), CF_ERR_AUTH);
  assert_false(b.known);
  load("block0", NULL, NULL); /* anvil's first block hashes, too */
  assert_int_equal(cf_evm_read_block(&b, result, &any, NULL), CF_OK);
  cf_evm_receipt_t r;
  cf_hash_t        other = { { 1 } };
  load("receipt", NULL, NULL);
  assert_int_equal(cf_evm_read_receipt(&r, result, &other, NULL), CF_ERR_AUTH);

  cf_jsonrpc_answer_t a[2];
  load("chain", NULL, NULL);
  assert_int_equal(cf_jsonrpc_read(a, 2, 1, CF_SPAN(text, strlen(text)), NULL), CF_OK);
  assert_int_equal(cf_evm_read_chain_id(a[0].result, 31337, NULL), CF_OK);
  assert_int_equal(cf_evm_read_chain_id(a[0].result, 1, NULL), CF_ERR_POLICY);
  assert_int_equal(cf_evm_read_chain_id((cf_json_t){ .type = CF_JSON_NULL }, 1, NULL), CF_ERR_FORMAT);
}

static void refusals(void **state) {
  static struct {
    char const *file, *from, *to;
    cf_status_t want;
    size_t      sz;
  } const at[] = {
    { "reverted", "\"data\":\"0x\"", "\"data\":\"0x82c4767b\"", CF_OK, 4 },
    { "reverted", "\"data\":\"0x\"", "\"data\":{\"data\":\"0x82c4767b\",\"x\":1}", CF_OK, 4 },
    { "reverted", "\"data\":\"0x\"", "\"data\":\"reverted\"", CF_ERR_FORMAT, 0 },
    { "reverted", "\"data\":\"0x\"", "\"data\":{}", CF_OK, 0 },
    { "refused", NULL, NULL, CF_OK, 0 },
    { "refused-call", NULL, NULL, CF_OK, 36 }, /* its words hold U+0000 */
    { "refused-call", NULL, NULL, CF_OK, 36 }, /* its words hold U+0000 */
  };
  (void)state;
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    cf_jsonrpc_answer_t a;
    uint8_t             bytes[64];
    cf_wr_t             wr = cf_wr_init(bytes, sizeof bytes);
    load(at[i].file, at[i].from, at[i].to);
    assert_int_equal(cf_jsonrpc_read(&a, 1, 12, CF_SPAN(text, strlen(text)), NULL), CF_OK);
    assert_int_equal(a.result.type, CF_JSON_BAD);
    assert_int_equal(cf_evm_read_revert(&wr, &a), at[i].want);
    assert_int_equal(wr.len, at[i].sz);
  }
}

/* ---- the inbox from logs ---- */

static size_t put_log(char *to, size_t max, cf_inbox_msg_t const *m, uint64_t number, uint64_t index, char const *addr) {
  uint8_t   msg[CF_INBOX_MSG_MAX], data[160];
  char      digits[2 * sizeof data + 1], topic[65];
  cf_wr_t   wr = cf_wr_init(msg, sizeof msg), abi = cf_wr_init(data, sizeof data);
  cf_hash_t t = cf_evm_event_topic(CF_EVM_INBOX);
  cf_inbox_msg_write(&wr, m);
  cf_abi_w_uint(&abi, 32);
  cf_abi_w_bytes(&abi, cf_wr_out(&wr));
  cf_hex_encode(digits, cf_wr_out(&abi));
  cf_hex_encode(topic, CF_SPAN_OF(t.b));
  return (size_t)snprintf(to, max,
                          "{\"address\":\"0x%s\",\"topics\":[\"0x%s\"],\"data\":\"0x%s\",\"blockHash\":\"" HASH
                          "\",\"blockNumber\":\"0x%llx\",\"logIndex\":\"0x%llx\",\"transactionHash\":\"" HASH "\"}",
                          addr, topic, digits, (unsigned long long)number, (unsigned long long)index);
}

#define CONTRACT "5fbdb2315678afecb367f032d93f642f64180aa3"

static struct {
  char const *name, *addr;
  uint64_t    first[2], second[2]; /* block, index */
  cf_status_t want;
} const runs[] = {
  { "two blocks", CONTRACT, { 10, 3 }, { 11, 0 }, CF_OK },
  { "one block", CONTRACT, { 10, 3 }, { 10, 4 }, CF_OK },
  { "one twice", CONTRACT, { 10, 3 }, { 10, 3 }, CF_ERR_AUTH },
  { "index falls", CONTRACT, { 10, 3 }, { 10, 2 }, CF_ERR_AUTH },
  { "block falls", CONTRACT, { 11, 0 }, { 10, 3 }, CF_ERR_AUTH },
  { "before", CONTRACT, { 9, 0 }, { 10, 3 }, CF_ERR_AUTH },
  { "behind", CONTRACT, { 10, 0 }, { 21, 3 }, CF_ERR_AUTH },
  { "another contract's", "6fbdb2315678afecb367f032d93f642f64180aa3", { 10, 3 }, { 11, 0 }, CF_ERR_AUTH },
};

static void inboxes(void **state) {
  cf_addr_t      contract;
  cf_inbox_msg_t m = { .kind = CF_INBOX_OPENED, .time_s = T0, .id = 1, .addr = actor("owner", 1).addr };
  (void)state;
  assert_int_equal(cf_hex_decode(contract.b, 20, CF_SPAN_LIT(CONTRACT)), CF_OK);
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    size_t n  = 0;
    text[n++] = '[';
    n += put_log(text + n, TEXT_MAX - n, &m, runs[i].first[0], runs[i].first[1], CONTRACT);
    text[n++] = ',';
    n += put_log(text + n, TEXT_MAX - n, &m, runs[i].second[0], runs[i].second[1], runs[i].addr);
    text[n++] = ']';
    cf_json_t v;
    uint8_t   bytes[256];
    cf_wr_t   wr  = cf_wr_init(bytes, sizeof bytes);
    uint64_t  cnt = 5;
    assert_int_equal(cf_json_parse(&v, CF_SPAN(text, n), NULL), CF_OK);
    cf_status_t st = cf_evm_read_inbox(&wr, &cnt, v, &contract, 10, 20, NULL);
    if (st != runs[i].want || cnt != (st ? 5 : 7)) fail_msg("%s: %s", runs[i].name, cf_status_name(st));
    cf_hash_t inbox = { { 0 } };
    if (!st) assert_int_equal(cf_inbox_fold_all(&inbox, &cnt, cf_wr_out(&wr)), CF_OK);
    wr = cf_wr_init(bytes, 40); /* one message fits */
    if (!st) assert_int_equal(cf_evm_read_inbox(&wr, &cnt, v, &contract, 10, 20, NULL), CF_ERR_BOUND);
  }
  load("logs", NULL, NULL); /* another event of that contract */
  uint8_t  bytes[64];
  cf_wr_t  wr  = cf_wr_init(bytes, sizeof bytes);
  uint64_t cnt = 0;
  assert_int_equal(cf_evm_read_inbox(&wr, &cnt, result, &contract, 0, 20, NULL), CF_ERR_AUTH);
}

/* ---- questions ---- */

static void questions(void **state) {
  cf_wr_t      wr    = cf_wr_init(text, sizeof text);
  cf_jw_t      j     = cf_jw_init(&wr);
  cf_addr_t    a     = { { 0xab } };
  cf_hash_t    h     = { { 0xcd } }, keys[2] = { cf_word_u64(0), cf_word_u64(5) };
  cf_evm_at_t  final = { .tag = CF_EVM_FINALIZED }, ten = { .tag = CF_EVM_NUMBER, .number = 10 }, at = { .tag = CF_EVM_HASH, .hash = h };
  cf_evm_run_t run   = { .from = a, .to = &a, .value_wei = cf_word_u64(9), .data = CF_SPAN_LIT("\x01\x02") };
  (void)state;
  cf_jw_arr(&j, NULL);
  cf_evm_ask_chain_id(&j, 1);
  cf_evm_ask_block_number(&j, 2);
  cf_evm_ask_block(&j, 3, &final);
  cf_evm_ask_block(&j, 4, &at);
  cf_evm_ask_proof(&j, 5, &a, keys, 2, &ten);
  cf_evm_ask_code(&j, 6, &a, &ten);
  cf_evm_ask_nonce(&j, 7, &a, &(cf_evm_at_t){ .tag = CF_EVM_PENDING });
  cf_evm_ask_balance(&j, 8, &a, &any);
  cf_evm_ask_receipt(&j, 9, &h);
  cf_evm_ask_transaction(&j, 10, &h);
  cf_evm_ask_send(&j, 11, CF_SPAN_LIT("\x02\xff"));
  cf_evm_ask_tip(&j, 12);
  cf_evm_ask_fees(&j, 13, 32, 60);
  cf_evm_ask_logs(&j, 14, &a, &h, 0, 255);
  cf_evm_ask_logs_of(&j, 15, &a, &h, &h);
  cf_evm_ask_call(&j, 16, &run, &(cf_evm_at_t){ .tag = CF_EVM_SAFE });
  run.to = NULL;
  cf_evm_ask_estimate(&j, 17, &run);
  cf_jw_end(&j, ']');
#define A "0xab00000000000000000000000000000000000000"
#define H "0xcd00000000000000000000000000000000000000000000000000000000000000"
#define Q(id, method, params) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"" method "\",\"params\":[" params "]}"
  static char const want[] =
      "[" Q(1, "eth_chainId", "") "," Q(2, "eth_blockNumber", "") "," Q(3, "eth_getBlockByNumber", "\"finalized\",false") ","
      Q(4, "eth_getBlockByHash", "\"" H "\",false") ","
      Q(5, "eth_getProof", "\"" A "\",[\"0x0000000000000000000000000000000000000000000000000000000000000000\","
                           "\"0x0000000000000000000000000000000000000000000000000000000000000005\"],\"0xa\"") ","
      Q(6, "eth_getCode", "\"" A "\",\"0xa\"") "," Q(7, "eth_getTransactionCount", "\"" A "\",\"pending\"") ","
      Q(8, "eth_getBalance", "\"" A "\",\"latest\"") "," Q(9, "eth_getTransactionReceipt", "\"" H "\"") ","
      Q(10, "eth_getTransactionByHash", "\"" H "\"") "," Q(11, "eth_sendRawTransaction", "\"0x02ff\"") ","
      Q(12, "eth_maxPriorityFeePerGas", "") "," Q(13, "eth_feeHistory", "\"0x20\",\"latest\",[60]") ","
      Q(14, "eth_getLogs", "{\"address\":\"" A "\",\"topics\":[\"" H "\"],\"fromBlock\":\"0x0\",\"toBlock\":\"0xff\"}") ","
      Q(15, "eth_getLogs", "{\"address\":\"" A "\",\"topics\":[\"" H "\"],\"blockHash\":\"" H "\"}") ","
      Q(16, "eth_call", "{\"from\":\"" A "\",\"to\":\"" A "\",\"value\":\"0x9\",\"data\":\"0x0102\"},\"safe\"") ","
      Q(17, "eth_estimateGas", "{\"from\":\"" A "\",\"value\":\"0x9\",\"data\":\"0x0102\"}") "]";
  assert_false(wr.bad);
  text[wr.len] = 0;
  assert_string_equal(text, want);
  cf_json_t v;
  assert_int_equal(cf_json_parse(&v, cf_wr_out(&wr), NULL), CF_OK);
}

/* ---- several nodes ---- */

/* For each node: a letter that it says, '-' silent, '?' cannot be reached, '!' says what is proven wrong. */
static struct {
  char const      *says;
  unsigned         k;
  cf_evm_verdict_t want;
  char             agreed;
  uint8_t          blamed;
} const votes[] = {
  { "a", 1, CF_EVM_AGREED, 'a', 0 },
  { "-", 1, CF_EVM_WAITING, 0, 0 },
  { "?", 1, CF_EVM_SPLIT, 0, 0 },
  { "!", 1, CF_EVM_SPLIT, 0, 1 },
  { "aa-", 2, CF_EVM_AGREED, 'a', 0 },
  { "a--", 2, CF_EVM_WAITING, 0, 0 },
  { "ab-", 2, CF_EVM_WAITING, 0, 0 },
  { "aba", 2, CF_EVM_AGREED, 'a', 2 },
  { "abc", 2, CF_EVM_SPLIT, 0, 0 },
  { "a!a", 2, CF_EVM_AGREED, 'a', 2 },
  { "a?a", 2, CF_EVM_AGREED, 'a', 0 },
  { "a!-", 2, CF_EVM_WAITING, 0, 2 },
  { "a??", 2, CF_EVM_SPLIT, 0, 0 },
  { "ab", 2, CF_EVM_SPLIT, 0, 0 },
  { "bbaba", 3, CF_EVM_AGREED, 'b', 0x14 },
  { "aaab!-?c", 5, CF_EVM_SPLIT, 0, 0x10 },
  { "aaaaa!bb", 5, CF_EVM_AGREED, 'a', 0xe0 },
};

static void quorums(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof votes / sizeof *votes; i++) {
    cf_evm_quorum_t q;
    cf_hash_t       agreed = { { 0 } };
    uint8_t         blamed;
    unsigned        n = (unsigned)strlen(votes[i].says);
    assert_int_equal(cf_evm_quorum_init(&q, n, votes[i].k), CF_OK);
    for (unsigned node = n; node-- > 0;) {
      char        c  = votes[i].says[node];
      cf_hash_t   d  = { { (uint8_t)c } };
      cf_status_t st = c == '?' ? CF_ERR_IO : c == '!' ? CF_ERR_AUTH : CF_OK;
      if (c != '-') cf_evm_quorum_add(&q, node, st, &d);
      if (c != '-') cf_evm_quorum_add(&q, node, CF_OK, &(cf_hash_t){ { 'x' } }); /* what comes second is not heard */
    }
    cf_evm_verdict_t v = cf_evm_quorum_verdict(&q, &agreed, &blamed);
    if (v != votes[i].want || agreed.b[0] != (uint8_t)votes[i].agreed || blamed != votes[i].blamed)
      fail_msg("%s: %d %c %x", votes[i].says, v, agreed.b[0], blamed);
  }
  cf_evm_quorum_t q;
  assert_int_equal(cf_evm_quorum_init(&q, 4, 2), CF_ERR_POLICY); /* two answers could both be taken */
  assert_int_equal(cf_evm_quorum_init(&q, 0, 0), CF_ERR_POLICY);
  assert_int_equal(cf_evm_quorum_init(&q, 2, 3), CF_ERR_POLICY);
  assert_int_equal(cf_evm_quorum_init(&q, CF_EVM_NODES_MAX + 1, CF_EVM_NODES_MAX), CF_ERR_POLICY);
  assert_int_equal(cf_evm_quorum_height((uint64_t[]){ 10, 12, 90 }, 3, 2), 12);
  assert_int_equal(cf_evm_quorum_height((uint64_t[]){ 10, 0, 0 }, 3, 2), 0);
  assert_int_equal(cf_evm_quorum_height((uint64_t[]){ 10, 10, 9 }, 3, 3), 9);
}

static void backing_off(void **state) {
  cf_evm_node_t node = { 0 };
  uint64_t      last = 0;
  (void)state;
  assert_true(cf_evm_node_ready(&node, 0));
  for (unsigned i = 0; i < 100; i++) {
    cf_evm_node_ended(&node, CF_ERR_IO, 0, 1000);
    uint64_t wait = node.retry_at_ms - 1000;
    assert_true(wait >= last && wait <= CF_EVM_BACKOFF_MAX_MS && (i || wait == CF_EVM_BACKOFF_MS));
    assert_true(!cf_evm_node_ready(&node, 1000) && cf_evm_node_ready(&node, 1000 + wait));
    last = wait;
  }
  assert_true(last == CF_EVM_BACKOFF_MAX_MS && node.lies == 0);
  cf_evm_node_ended(&node, CF_ERR_IO, 60, 1000); /* as it asks, within reason */
  assert_int_equal(node.retry_at_ms, 61000);
  cf_evm_node_ended(&node, CF_ERR_IO, UINT32_MAX, 1000);
  assert_int_equal(node.retry_at_ms, 1000 + CF_EVM_BACKOFF_LIED_MS);
  cf_evm_node_ended(&node, CF_OK, 0, 1000);
  assert_true(cf_evm_node_ready(&node, 1000) && node.fails == 0);
  cf_evm_node_ended(&node, CF_ERR_FORMAT, 0, 1000); /* what has no form says nothing that could be untrue */
  assert_true(node.malformed == 1 && node.lies == 0 && node.retry_at_ms == 1000 + CF_EVM_BACKOFF_MS);
  cf_evm_node_ended(&node, CF_ERR_AUTH, 0, 1000); /* who lied is left alone for long, from the first time on */
  assert_true(node.lies == 1 && node.retry_at_ms == 1000 + CF_EVM_BACKOFF_LIED_MS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers),   cmocka_unit_test(proofs_are_tight), cmocka_unit_test(what_was_asked), cmocka_unit_test(refusals),
    cmocka_unit_test(inboxes),   cmocka_unit_test(questions),        cmocka_unit_test(quorums),
    cmocka_unit_test(backing_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
