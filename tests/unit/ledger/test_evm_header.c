/* Headers of EVM blocks.  Hashes: block 0 of Ethereum's main network, and @ethereumjs/block 10 for the forks. */
#include "ledger_world.h"

#include "base/cf_text.h"
#include "codec/cf_rlp.h"
#include "ledger/cf_evm_header.h"

static cf_hash_t from_hex(char const *digits) {
  cf_hash_t h;
  assert_int_equal(cf_hex_decode(h.b, 32, CF_SPAN(digits, strlen(digits))), CF_OK);
  return h;
}

static cf_hash_t bytes_of(uint8_t b) {
  cf_hash_t h;
  memset(h.b, b, 32);
  return h;
}

static char const no_ommers[] = "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
static char const no_items[]  = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";

static void genesis(void **state) {
  cf_evm_header_t h     = { .gas_limit = 5000, .extra_sz = 32, .nonce = { 0, 0, 0, 0, 0, 0, 0, 0x42 } };
  cf_hash_t       extra = from_hex("11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa"), got = cf_evm_header_hash(&h);
  (void)state;
  h.ommers            = from_hex(no_ommers);
  h.state_root        = from_hex("d7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544");
  h.transactions_root = from_hex(no_items);
  h.receipts_root     = from_hex(no_items);
  h.difficulty.b[27]  = 4; /* 2^34 */
  memcpy(h.extra, extra.b, 32);
  cf_hash_t want = from_hex("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");
  got            = cf_evm_header_hash(&h);
  assert_memory_equal(got.b, want.b, 32);
}

static cf_evm_header_t header(cf_evm_fork_t fork) {
  cf_evm_header_t h = {
    .parent = bytes_of(1), .state_root = bytes_of(3), .transactions_root = bytes_of(4), .receipts_root = bytes_of(5),
    .number = 0x1234567, .gas_limit = 36000000, .time_s = 1748736000, .extra_sz = 5, .mix = bytes_of(7), .fork = fork,
    .base_fee_wei = 1000000007,
  };
  h.ommers = from_hex(no_ommers);
  memset(h.beneficiary.b, 2, 20);
  memset(h.logs_bloom, 6, sizeof h.logs_bloom);
  memset(h.extra, 0xab, 5);
  if (fork >= CF_EVM_SHANGHAI) h.withdrawals_root = bytes_of(8);
  if (fork >= CF_EVM_CANCUN) h.blob_gas_used = 131072, h.beacon_root = bytes_of(9);
  if (fork >= CF_EVM_PRAGUE) h.requests_hash = bytes_of(10);
  return h;
}

static struct {
  cf_evm_fork_t fork;
  size_t        sz;
  char const   *hash;
} const forks[] = {
  { CF_EVM_LONDON, 518, "cc0dd12af04f4ec8f8bbd140cf570a06090268fe64bac5105463c02b71cbda71" },
  { CF_EVM_SHANGHAI, 551, "c2a5ad9a3de646bcd45bdec1df34108ee9cc7eab614de866ace881f27c44c812" },
  { CF_EVM_CANCUN, 589, "2964586ae6cfc9670cfd2ef7665a7134c78760e8bd54c199a52014615d69b5f5" },
  { CF_EVM_PRAGUE, 622, "f13dc320dca36af850b91cfd1b912b41d0f0fd3814b0f2ccdedd23b809bf2f73" },
};

static void every_fork(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof forks / sizeof *forks; i++) {
    uint8_t         buf[CF_EVM_HEADER_MAX], again[CF_EVM_HEADER_MAX];
    cf_evm_header_t h = header(forks[i].fork), got;
    cf_hash_t       want = from_hex(forks[i].hash), hash;
    cf_wr_t         wr   = cf_wr_init(buf, sizeof buf), wr2 = cf_wr_init(again, sizeof again);
    cf_evm_header_write(&wr, &h);
    assert_int_equal(wr.len, forks[i].sz);
    assert_int_equal(cf_evm_header_decode(&got, &hash, cf_wr_out(&wr), NULL), CF_OK);
    assert_memory_equal(hash.b, want.b, 32);
    assert_int_equal(got.fork, forks[i].fork);
    assert_true(got.number == h.number && got.time_s == h.time_s && cf_hash_eq(&got.state_root, &h.state_root));
    cf_evm_header_write(&wr2, &got);
    assert_true(cf_span_eq(cf_wr_out(&wr), cf_wr_out(&wr2)));
    for (size_t n = 0; n < wr.len; n++) /* cut anywhere */
      assert_int_equal(cf_evm_header_decode(&got, &hash, CF_SPAN(buf, n), NULL), CF_ERR_FORMAT);
    buf[wr.len] = 0x80;
    assert_int_equal(cf_evm_header_decode(&got, &hash, CF_SPAN(buf, wr.len + 1), NULL), CF_ERR_FORMAT);
    for (size_t at = 3; at < wr.len; at++) { /* what is another header hashes to another block */
      buf[at] ^= 1;
      if (!cf_evm_header_decode(&got, &hash, cf_wr_out(&wr), NULL)) assert_false(cf_hash_eq(&hash, &want));
      buf[at] ^= 1;
    }
  }
}

/* The fields of a header, some of them again, then items behind. */
static cf_status_t with(cf_evm_fork_t fork, unsigned drop, unsigned more, cf_span_t item, bool list) {
  uint8_t         buf[CF_EVM_HEADER_MAX + 1024], out[CF_EVM_HEADER_MAX + 1024];
  cf_evm_header_t h  = header(fork);
  cf_wr_t         wr = cf_wr_init(buf, sizeof buf), to = cf_wr_init(out, sizeof out);
  cf_evm_header_write(&wr, &h);
  cf_rd_t  rd = cf_rd_span(cf_wr_out(&wr)), fields = cf_rlp_list(&rd);
  unsigned cnt = 0;
  for (cf_rd_t it = fields; cf_rd_left(&it); cnt++) cf_rlp_next(&it);
  size_t mark = cf_rlp_w_list(&to);
  for (unsigned i = 0; i < cnt - drop; i++) cf_wr_span(&to, cf_rlp_next(&fields).whole);
  for (unsigned i = 0; i < more; i++) {
    size_t at = cf_rlp_w_list(&to);
    if (list) cf_rlp_w_end(&to, at);
    else cf_rlp_w_str(&to, item);
  }
  cf_rlp_w_end(&to, mark);
  cf_error_t err = { 0 };
  return cf_evm_header_decode(&h, NULL, cf_wr_out(&to), &err);
}

static void fields_behind(void **state) {
  static uint8_t const zeros[33];
  cf_span_t            hash = CF_SPAN(zeros, 32), small = CF_SPAN_LIT("\x05");
  (void)state;
  assert_int_equal(with(CF_EVM_PRAGUE, 0, 1, hash, false), CF_OK); /* a fork to come */
  assert_int_equal(with(CF_EVM_PRAGUE, 0, CF_EVM_HEADER_MORE_MAX, hash, false), CF_OK);
  assert_int_equal(with(CF_EVM_PRAGUE, 0, CF_EVM_HEADER_MORE_MAX, small, false), CF_OK);
  assert_int_equal(with(CF_EVM_PRAGUE, 0, CF_EVM_HEADER_MORE_MAX + 1, small, false), CF_ERR_BOUND);
  assert_int_equal(with(CF_EVM_PRAGUE, 0, 1, CF_SPAN(zeros, 33), false), CF_ERR_FORMAT);
  assert_int_equal(with(CF_EVM_PRAGUE, 0, 1, small, true), CF_ERR_FORMAT);
  assert_int_equal(with(CF_EVM_PRAGUE, 0, 40, hash, false), CF_ERR_BOUND); /* and no longer than this */
  assert_int_equal(with(CF_EVM_CANCUN, 1, 0, hash, false), CF_ERR_FORMAT); /* half a fork */
  assert_int_equal(with(CF_EVM_CANCUN, 2, 0, hash, false), CF_ERR_FORMAT);
  assert_int_equal(with(CF_EVM_CANCUN, 3, 0, hash, false), CF_OK); /* Shanghai */
  assert_int_equal(with(CF_EVM_SHANGHAI, 0, 1, hash, false), CF_ERR_FORMAT); /* Cancun's first is an integer */
  assert_int_equal(with(CF_EVM_LONDON, 1, 0, hash, false), CF_OK);
  assert_int_equal(with(CF_EVM_LONDON, 2, 0, hash, false), CF_ERR_FORMAT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(genesis),
    cmocka_unit_test(every_fork),
    cmocka_unit_test(fields_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
