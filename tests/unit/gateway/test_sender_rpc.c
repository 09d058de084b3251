/* The sender's questions as JSON-RPC: what nodes say, alone and together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/cf_sender_rpc.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Words as the nodes' sources have them, and anvil's as it gave them. */
static struct {
  char const *body;
  cf_sent_t   want;
} const answers[] = {
#define ERROR(code, words) "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":" #code ",\"message\":\"" words "\"}}"
  { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x12\"}", CF_SENT_TAKEN },
  { ERROR(-32000, "already known"), CF_SENT_KNOWN },
  { ERROR(-32003, "transaction already imported"), CF_SENT_KNOWN },
  { ERROR(-32602, "0x52..: this transaction is already in the TxPool"), CF_SENT_KNOWN }, /* EthereumJS, as the next three */
  { ERROR(-32602, "replacement gas too low, got tip 1, min: 2, got fee 3, min: 4"), CF_SENT_UNDERPRICED },
  { ERROR(-32602, "0xf3.. tries to send a tx with nonce 1, but account has nonce 2 (tx nonce too low)"), CF_SENT_NONCE_LOW },
  { ERROR(-32602, "0xf3.. does not have enough balance to cover transaction costs (insufficient balance)"), CF_SENT_NO_FUNDS },
  { ERROR(-32010, "AlreadyKnown"), CF_SENT_KNOWN },
  { ERROR(-32000, "Known transaction"), CF_SENT_KNOWN },
  { ERROR(-32003, "nonce too low"), CF_SENT_NONCE_LOW },
  { ERROR(-32000, "nonce too low: next nonce 5, tx nonce 4"), CF_SENT_NONCE_LOW },
  { ERROR(-32001, "Nonce too low"), CF_SENT_NONCE_LOW },
  { ERROR(-32010, "OldNonce"), CF_SENT_NONCE_LOW },
  { ERROR(-32000, "replacement transaction underpriced"), CF_SENT_UNDERPRICED },
  { ERROR(-32003, "transaction underpriced"), CF_SENT_UNDERPRICED },
  { ERROR(-32010, "ReplacementNotAllowed"), CF_SENT_UNDERPRICED },
  { ERROR(-32000, "insufficient funds for gas * price + value: balance 0, tx cost 1"), CF_SENT_NO_FUNDS },
  { ERROR(-32003, "Insufficient funds for gas * price + value"), CF_SENT_NO_FUNDS },
  { ERROR(-32000, "max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1, baseFee: 2"), CF_SENT_FEE_LOW },
  { ERROR(-32010, "FeeTooLow, MaxFeePerGas too low"), CF_SENT_FEE_LOW },
  { ERROR(-32000, "intrinsic gas too low: gas 20000, minimum needed 21000"), CF_SENT_REFUSED },
  { ERROR(-32000, "exceeds block gas limit"), CF_SENT_REFUSED },
  { ERROR(-32000, "invalid sender"), CF_SENT_REFUSED },
  { ERROR(-32000, "transaction type not supported"), CF_SENT_REFUSED },
  { ERROR(-32005, "rate limited"), CF_SENT_UNKNOWN },
  { ERROR(-32601, "the method does not exist"), CF_SENT_UNKNOWN },
  { "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"0x12\"}", CF_SENT_UNKNOWN }, /* an answer to something else */
  { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}", CF_SENT_UNKNOWN },
  { "[]", CF_SENT_UNKNOWN },
  { "", CF_SENT_UNKNOWN },
};

static void test_sent(void **state) {
  uint8_t raw[2] = { 2, 0xc0 }, text[200];
  cf_wr_t wr     = cf_wr_init(text, sizeof text);
  (void)state;
  for (size_t i = 0; i < COUNT(answers); i++)
    if (cf_sender_rpc_sent(CF_SPAN(answers[i].body, strlen(answers[i].body))) != answers[i].want) fail_msg("%s", answers[i].body);
  cf_sender_rpc_send(&wr, CF_SPAN_OF(raw));
  assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_sendRawTransaction\",\"params\":[\"0x02c0\"]}")));
  assert_int_equal(cf_sender_rpc_best(CF_SENT_UNKNOWN, CF_SENT_KNOWN), CF_SENT_KNOWN);
}

#define B(n) "00000000" "00000000" "00000000" "00000000" "00000000" "00000000" "00000000" "0000000" #n
#define WORD(n) "\"0x" B(n) "\""
#define FROM "\"0x7777777777777777777777777777777777777777\""
#define RECEIPT(tx, status, block)                                                                                               \
  "{\"transactionHash\":" WORD(tx) ",\"blockHash\":" WORD(block) ",\"blockNumber\":\"0x" #block                                  \
  "\",\"transactionIndex\":\"0x0\",\"from\":" FROM ",\"contractAddress\":null,\"gasUsed\":\"0x5208\",\"effectiveGasPrice\":\"0x64\"" \
  ",\"status\":\"0x" #status "\",\"logs\":[]}"
#define PENDING(tx) "{\"hash\":" WORD(tx) ",\"blockHash\":null,\"blockNumber\":null,\"from\":" FROM ",\"nonce\":\"0x4\",\"input\":\"0x\"}"
#define MINED(tx, block) "{\"hash\":" WORD(tx) ",\"blockHash\":" WORD(block) ",\"blockNumber\":\"0x" #block "\",\"from\":" FROM ",\"nonce\":\"0x4\",\"input\":\"0x\"}"
#define A(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"result\":" result "}"
#define TAIL(a, b, c, number)                                                                                                    \
  A(a, "{\"oldestBlock\":\"0x1\",\"baseFeePerGas\":[\"0x10\",\"0x20\",\"0x30\"],\"gasUsedRatio\":[0,0],\"reward\":[[\"0x5\"],[\"0x3\"]]}") \
  "," A(b, "\"0x6\"") "," A(c, "\"0x" #number "\"")

/* Three transactions: in a block, reverted in a block, in the pool; a fourth that nobody knows; a fifth that was mined between two questions. */
static char const whole[] = "[" A(1, RECEIPT(1, 1, 8)) "," A(2, RECEIPT(2, 0, 9)) "," A(3, "null") "," A(4, "null") "," A(5, "null") "," A(6, MINED(1, 8)) "," A(
    7, MINED(2, 9)) "," A(8, PENDING(3)) "," A(9, "null") "," A(10, MINED(5, 9)) "," TAIL(11, 12, 13, 9) "]";

static cf_addr_t const account = { { 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77 } };

static cf_hash_t tx_of(uint8_t n) { return (cf_hash_t){ { [31] = n } }; }

static void test_seen(void **state) {
  static cf_seen_kind_t const want[] = { CF_SEEN_SUCCEEDED, CF_SEEN_REVERTED, CF_SEEN_POOL, CF_SEEN_ABSENT, CF_SEEN_UNKNOWN };
  static char                 text[sizeof whole];
  cf_hash_t                   tx[] = { tx_of(1), tx_of(2), tx_of(3), tx_of(4), tx_of(5) };
  cf_seen_t                   seen[5];
  cf_look_t                   look;
  cf_addr_t                   other = { { 1 } };
  (void)state;
  assert_int_equal(cf_sender_rpc_seen(&look, seen, CF_SPAN_LIT(whole), tx, 5, &account, NULL), CF_OK);
  for (size_t i = 0; i < 5; i++) assert_int_equal(seen[i].kind, want[i]);
  assert_true(seen[1].block == 9 && seen[1].block_hash.b[31] == 9 && seen[1].gas_used == 21000 && seen[1].price_wei == 100);
  assert_true(look.number == 9 && look.nonce == 6 && look.fees.base_wei == 0x30 && look.fees.tip_wei == 5 && look.n == 5);
  assert_int_equal(cf_sender_rpc_seen(&look, seen, CF_SPAN_LIT(whole), tx, 5, &other, NULL), CF_ERR_AUTH);
  tx[0] = tx_of(2);
  assert_int_equal(cf_sender_rpc_seen(&look, seen, CF_SPAN_LIT(whole), tx, 5, &account, NULL), CF_ERR_AUTH);
  tx[0] = tx_of(1);
  assert_int_equal(cf_sender_rpc_seen(&look, seen, CF_SPAN_LIT(whole), tx, 4, &account, NULL), CF_ERR_FORMAT);
  for (size_t n = 0; n < sizeof whole - 1; n++) assert_int_not_equal(cf_sender_rpc_seen(&look, seen, CF_SPAN(whole, n), tx, 5, &account, NULL), CF_OK);
  memcpy(text, whole, sizeof whole); /* none is in a block, receipt or not: the account's nonce, asked after them, is still theirs */
  memcpy(strstr(text, "\"0x6\""), "\"0x4\"", 5);
  assert_int_equal(cf_sender_rpc_seen(&look, seen, CF_SPAN(text, sizeof whole - 1), tx, 5, &account, NULL), CF_OK);
  for (size_t i = 0; i < 5; i++) assert_int_equal(seen[i].kind, i == 2 ? CF_SEEN_POOL : CF_SEEN_ABSENT);
  memcpy(text, whole, sizeof whole); /* a node that counts its blocks in words */
  memcpy(strstr(text, "\"0x6\""), "\"six\"", 5);
  assert_int_equal(cf_sender_rpc_seen(&look, seen, CF_SPAN(text, sizeof whole - 1), tx, 5, &account, NULL), CF_ERR_FORMAT);
}

/* Every question is there, once, with rising ids; 24 transactions stay below a batch's bound. */
static void test_look(void **state) {
  static uint8_t text[65536];
  cf_hash_t      tx[CF_SENDER_RPC_TXS] = { tx_of(1) };
  cf_wr_t        wr                    = cf_wr_init(text, sizeof text - 1);
  cf_json_t      all, one;
  uint64_t       id, n = 0;
  (void)state;
  cf_sender_rpc_look(&wr, tx, CF_SENDER_RPC_TXS, &account);
  assert_int_equal(cf_json_parse(&all, cf_wr_out(&wr), NULL), CF_OK);
  for (size_t pos = 0; cf_json_each(all, &pos, NULL, &one); n++) {
    assert_int_equal(cf_json_u64(&id, cf_json_get(one, "id")), CF_OK);
    assert_int_equal(id, n + 1);
  }
  assert_int_equal(n, 2 * CF_SENDER_RPC_TXS + 3);
  assert_true(n <= CF_JSONRPC_BATCH_MAX);
}

/* What node i says of a transaction: a letter each.  P in its pool, A and B in the blocks of that name, R reverted in A, . absent,
   ? does not know, - did not answer. */
static struct {
  char const *said;
  unsigned    k;
  char        want;
} const votes[] = {
  { "AAB", 2, 'A' }, { "ABB", 2, 'B' }, { "AB.", 2, '?' }, { "ABP", 2, 'P' }, { "...", 2, '.' }, { "..P", 2, 'P' }, { ".?A", 2, '?' },
  { "..A", 2, '.' }, { "AR.", 2, '?' }, { "A--", 2, '-' }, { "AA-", 2, 'A' }, { "A.-", 2, '?' }, { "A", 1, 'A' },   { "AAA", 3, 'A' },
  { "AAP", 3, 'P' }, { "AA.", 3, '?' }, { "---", 1, '-' }, { "AAPP", 3, 'P' },
};

static cf_seen_t said(char c) {
  cf_seen_t s = { .kind = CF_SEEN_UNKNOWN, .block = 5, .block_hash = tx_of((uint8_t)c), .gas_used = 1, .price_wei = 1 };
  if (c == 'P') s.kind = CF_SEEN_POOL;
  if (c == '.') s.kind = CF_SEEN_ABSENT;
  if (c == 'A' || c == 'B') s.kind = CF_SEEN_SUCCEEDED;
  if (c == 'R') s.kind = CF_SEEN_REVERTED, s.block_hash = tx_of('A');
  return s;
}

static void test_merge(void **state) {
  (void)state;
  for (size_t v = 0; v < COUNT(votes); v++) {
    cf_seen_t seen[4], got;
    cf_look_t look[4], out;
    bool      answered[4];
    unsigned  n = (unsigned)strlen(votes[v].said);
    for (unsigned i = 0; i < n; i++) {
      seen[i]     = said(votes[v].said[i]);
      answered[i] = votes[v].said[i] != '-';
      look[i]     = (cf_look_t){ .number = 10 + i, .nonce = 20 + i, .fees = { 30 + i, 40 + i }, .n = 1 };
    }
    cf_status_t st = cf_sender_rpc_merge(&out, &got, look, seen, answered, n, votes[v].k, 1);
    assert_int_equal(st, votes[v].want == '-' ? CF_ERR_IO : CF_OK);
    if (st) continue;
    cf_seen_t want = said(votes[v].want);
    if (got.kind != want.kind || (got.kind >= CF_SEEN_SUCCEEDED && !cf_hash_eq(&got.block_hash, &want.block_hash))) fail_msg("%s", votes[v].said);
    if (n == 3 && votes[v].k == 2 && answered[2]) assert_true(out.number == 11 && out.nonce == 21 && out.fees.base_wei == 31 && out.fees.tip_wei == 41);
  }
}

int main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_sent),
    cmocka_unit_test(test_seen),
    cmocka_unit_test(test_look),
    cmocka_unit_test(test_merge),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
