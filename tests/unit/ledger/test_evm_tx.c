/* Transactions against those that Foundry's cast signed (tests/vectors/ledger/make_evm_tx.sh), and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cf_text.h"
#include "ledger/cf_evm_tx.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define VECTORS_MAX 128

static struct {
  uint8_t     key[32], data[8192], raw[8192 + CF_EVM_TX_FRAME_MAX];
  cf_evm_tx_t tx;
  size_t      raw_sz;
} vectors[VECTORS_MAX];
static size_t vectors_cnt;

static uint8_t scratch[CF_EVM_TX_MAX + CF_EVM_TX_FRAME_MAX], room[CF_EVM_TX_MAX + CF_EVM_TX_FRAME_MAX + 16];

static size_t unhex(uint8_t *out, size_t max, char const *digits) {
  if (!strcmp(digits, "-")) return 0;
  size_t n = strlen(digits + 2) / 2;
  assert_true(n <= max);
  assert_int_equal(cf_hex_decode(out, n, CF_SPAN(digits + 2, 2 * n)), CF_OK);
  return n;
}

static cf_hash_t number(char const *digits) {
  cf_hash_t v = { { 0 } };
  for (; *digits; digits++) {
    unsigned carry = (unsigned)(*digits - '0');
    for (size_t i = 32; i-- > 0; carry >>= 8) {
      carry += 10u * v.b[i];
      v.b[i] = (uint8_t)carry;
    }
  }
  return v;
}

static int load(void **state) {
  static char key[80], to[80], value[80], data[20000], raw[20000];
  FILE       *f = fopen(CF_SOURCE_DIR "/tests/vectors/ledger/evm_tx.txt", "r");
  (void)state;
  assert_non_null(f);
  for (; vectors_cnt < VECTORS_MAX; vectors_cnt++) {
    __typeof__(vectors[0]) *v = &vectors[vectors_cnt];
    cf_evm_tx_t            *t = &v->tx;
    if (fscanf(f, "%79s %lu %lu %lu %lu %lu %79s %79s %19999s %19999s", key, &t->chain_id, &t->nonce, &t->tip_wei, &t->fee_wei,
               &t->gas, to, value, data, raw) != 10)
      break;
    unhex(v->key, sizeof v->key, key);
    t->create = unhex(t->to.b, sizeof t->to.b, to) == 0;
    t->value  = number(value);
    t->data   = CF_SPAN(v->data, unhex(v->data, sizeof v->data, data));
    v->raw_sz = unhex(v->raw, sizeof v->raw, raw);
  }
  assert_true(feof(f));
  fclose(f);
  return vectors_cnt > 70 ? 0 : 1;
}

static cf_status_t decode(cf_evm_signed_t *out, cf_span_t raw) {
  return cf_evm_tx_decode(out, raw, cf_wr_init(scratch, sizeof scratch));
}

static void test_vectors(void **state) {
  (void)state;
  for (size_t i = 0; i < vectors_cnt; i++) {
    __typeof__(vectors[0]) *v   = &vectors[i];
    cf_span_t               raw = CF_SPAN(v->raw, v->raw_sz);
    cf_wr_t                 wr  = cf_wr_init(room, sizeof room);
    uint8_t                 sig[64];
    cf_hash_t               hash, want = cf_keccak256(raw);
    cf_addr_t               from;
    cf_evm_signed_t         got;
    assert_int_equal(cf_evm_tx_sign(&wr, sig, &hash, &v->tx, v->key), CF_OK);
    if (!cf_span_eq(cf_wr_out(&wr), raw)) fail_msg("line %zu is signed otherwise", i + 1);
    assert_memory_equal(hash.b, want.b, 32);

    assert_int_equal(decode(&got, raw), CF_OK);
    assert_int_equal(cf_k256_addr(&from, v->key), CF_OK);
    assert_true(cf_addr_eq(&got.from, &from) && cf_hash_eq(&got.hash, &want) && cf_hash_eq(&got.tx.value, &v->tx.value));
    assert_true(got.tx.chain_id == v->tx.chain_id && got.tx.nonce == v->tx.nonce && got.tx.tip_wei == v->tx.tip_wei &&
                got.tx.fee_wei == v->tx.fee_wei && got.tx.gas == v->tx.gas && got.tx.create == v->tx.create);
    assert_true(cf_addr_eq(&got.tx.to, &v->tx.to) && cf_span_eq(got.tx.data, v->tx.data));
    assert_memory_equal(got.sig, sig, 64);

    wr = cf_wr_init(room, sizeof room);
    cf_evm_tx_write(&wr, &got.tx, got.sig);
    assert_true(cf_span_eq(cf_wr_out(&wr), raw));
    assert_true(v->raw_sz <= v->tx.data.len + CF_EVM_TX_FRAME_MAX);
  }
}

/* No other bytes are that transaction by that key: every bit turned, every byte left out, doubled or put behind. */
static void test_mutations(void **state) {
  static uint8_t  bytes[512];
  cf_evm_signed_t got, before;
  size_t          refused = 0, other = 0;
  (void)state;
  for (size_t i = 0; i < vectors_cnt; i += 6) {
    __typeof__(vectors[0]) *v = &vectors[i];
    if (v->raw_sz > 150) continue;
    assert_int_equal(decode(&before, CF_SPAN(v->raw, v->raw_sz)), CF_OK);
    for (size_t at = 0; at < v->raw_sz; at++)
      for (int how = 0; how < 10; how++) {
        size_t n = v->raw_sz;
        memcpy(bytes, v->raw, n);
        if (how < 8) bytes[at] ^= (uint8_t)(1 << how);
        if (how == 8) memmove(bytes + at, bytes + at + 1, --n - at);
        if (how == 9) memmove(bytes + at + 1, bytes + at, n++ - at);
        if (decode(&got, CF_SPAN(bytes, n))) {
          refused++;
          continue;
        }
        other++;
        assert_false(cf_hash_eq(&got.hash, &before.hash));
        assert_false(cf_addr_eq(&got.from, &before.from));
      }
  }
  assert_true(refused > 1000 && other > 100);
}

/* The first vector, "02 f8 73 01 09 84 77359400 85 06fc23ac00 82 5208 94 35.. 88 0de0b6b3a7640000 80 c0 80 a0.. a0..", with a field changed. */
#define FEES "8477359400" "8506fc23ac00"
#define TO "943535353535353535353535353535353535353535"
#define GAS "825208"
#define VALUE "880de0b6b3a7640000"
#define R "a018377c9e8b70b734b6dd936f5b25fddfe584832ef8abd16c448112ed3b03c7b9"
#define S "a00bda2ce55faa1d05711c0e4360cdc8ce4f6a48f79fb97188d273c8123586c87a"
#define REST GAS TO VALUE "80c080" R S
static struct {
  char const *name, *type, *fields;
  cf_status_t want;
} const refusals[] = {
  { "as it was", "02", "0109" FEES REST, CF_OK },
  { "no type", "", "", CF_ERR_FORMAT },
  { "type 1", "01", "0109" FEES REST, CF_ERR_UNSUPPORTED },
  { "type 3", "03", "0109" FEES REST, CF_ERR_UNSUPPORTED },
  { "before EIP-2718", "", "0109" FEES REST, CF_ERR_UNSUPPORTED },
  { "a string", "80", "0109" FEES REST, CF_ERR_FORMAT },
  { "no signature", "02", "0109" FEES GAS TO VALUE "80c0", CF_ERR_FORMAT },
  { "one field more", "02", "0109" FEES REST "80", CF_ERR_FORMAT },
  { "nonce as a byte zero", "02", "0100" FEES REST, CF_ERR_FORMAT },
  { "nonce with a zero before it", "02", "01820009" FEES REST, CF_ERR_FORMAT },
  { "nonce 2^64", "02", "0189010000000000000000" FEES REST, CF_ERR_BOUND },
  { "fee of 33 bytes", "02", "010984773594" "00a1010000000000000000000000000000000000000000000000000000000000000000" REST, CF_ERR_FORMAT },
  { "tip above fee", "02", "0109" "8506fc23ac01" "8506fc23ac00" REST, CF_ERR_BOUND },
  { "an address of 19 bytes", "02", "0109" FEES GAS "9335353535353535353535353535353535353535" VALUE "80c080" R S, CF_ERR_FORMAT },
  { "a list for data", "02", "0109" FEES GAS TO VALUE "c0c080" R S, CF_ERR_FORMAT },
  { "a string for the access list", "02", "0109" FEES GAS TO VALUE "808080" R S, CF_ERR_FORMAT },
  { "an access list", "02", "0109" FEES GAS TO VALUE "80c180" "80" R S, CF_ERR_UNSUPPORTED },
  { "y 2", "02", "0109" FEES GAS TO VALUE "80c002" R S, CF_ERR_AUTH },
  { "y 27", "02", "0109" FEES GAS TO VALUE "80c01b" R S, CF_ERR_AUTH },
  { "r 0", "02", "0109" FEES GAS TO VALUE "80c080" "80" S, CF_ERR_AUTH },
  { "s 0", "02", "0109" FEES GAS TO VALUE "80c080" R "80", CF_ERR_AUTH },
  { "r = n", "02", "0109" FEES GAS TO VALUE "80c080" "a0fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141" S, CF_ERR_AUTH },
  { "s high: n - s with the other y", "02",
    "0109" FEES GAS TO VALUE "80c001" R "a0f425d31aa055e2fa8ee3f1bc9f3237306b4493ef0f8f2eb2ed5e967a9aaf78c7", CF_ERR_AUTH },
};

static void test_refusals(void **state) {
  static uint8_t bytes[512];
  (void)state;
  for (size_t i = 0; i < COUNT(refusals); i++) {
    cf_evm_signed_t got;
    char            text[512];
    size_t          n = strlen(refusals[i].type) / 2, fields = strlen(refusals[i].fields) / 2;
    char            head[8] = "";
    if (fields) snprintf(head, sizeof head, fields > 55 ? "f8%02zx" : "%02zx", fields > 55 ? fields : 0xc0 + fields);
    snprintf(text, sizeof text, "0x%s%s%s", refusals[i].type, head, refusals[i].fields);
    n              = unhex(bytes, sizeof bytes, text);
    cf_status_t st = decode(&got, CF_SPAN(bytes, n));
    if (st != refusals[i].want) fail_msg("%s: %s", refusals[i].name, cf_status_name(st));
  }
}

static void test_bounds(void **state) {
  static uint8_t data[CF_EVM_TX_MAX + 1];
  uint8_t        key[32] = { [31] = 1 }, none[32] = { 0 }, sig[64];
  cf_hash_t      hash;
  cf_evm_tx_t    tx = { .chain_id = 1, .tip_wei = 1, .fee_wei = 1, .gas = 1, .data = CF_SPAN(data, 1000) };
  cf_wr_t        wr = cf_wr_init(room, sizeof room);
  (void)state;
  assert_int_equal(cf_evm_tx_sign(&wr, sig, &hash, &tx, none), CF_ERR_FORMAT);
  tx.tip_wei = 2;
  assert_int_equal(cf_evm_tx_sign(&wr, sig, &hash, &tx, key), CF_ERR_FORMAT);
  tx.tip_wei = 1;
  for (size_t n = CF_EVM_TX_MAX - CF_EVM_TX_FRAME_MAX; n <= CF_EVM_TX_MAX + 1; n++) { /* up to the bound, and not beyond it */
    cf_evm_signed_t got;
    tx.data        = CF_SPAN(data, n);
    wr             = cf_wr_init(room, sizeof room);
    cf_status_t st = cf_evm_tx_sign(&wr, sig, &hash, &tx, key);
    if (st) {
      assert_int_equal(st, CF_ERR_BOUND);
      assert_true(wr.len == 0 && !wr.bad && n > CF_EVM_TX_MAX - 128);
      cf_evm_tx_write(&wr, &tx, sig);
      assert_int_equal(decode(&got, cf_wr_out(&wr)), CF_ERR_BOUND);
    } else assert_int_equal(decode(&got, cf_wr_out(&wr)), CF_OK);
  }
  tx.data = CF_SPAN(data, 100);
  wr      = cf_wr_init(room, 100 + CF_EVM_TX_FRAME_MAX - 1);
  assert_int_equal(cf_evm_tx_sign(&wr, sig, &hash, &tx, key), CF_ERR_BOUND);
}

/* By Foundry: "cast compute-address", nonces of each length that RLP writes otherwise. */
static void test_created(void **state) {
  static struct {
    uint64_t    nonce;
    char const *addr;
  } const rows[] = {{0, "5fbdb2315678afecb367f032d93f642f64180aa3"}, {1, "e7f1725e7734ce288f8367e1bb143e90bb3f0512"}, {127, "5fc748f1feb28d7b76fa1c6b07d8ba2d5535177c"}, {128, "b82008565fdc7e44609fa118a4a681e92581e680"}, {255, "01e21d7b8c39dc4c764c19b308bd8b14b1ba139e"}, {256, "3c1cb427d20f15563ada8c249e71db76d7183b6c"}, {4294967296, "f601e625b5a95b8f9134c58d832d99824cb1d771"}};
  cf_addr_t from, want;
  (void)state;
  assert_int_equal(cf_hex_decode(from.b, 20, CF_SPAN_LIT("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")), CF_OK);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    cf_addr_t got = cf_evm_created(&from, rows[i].nonce);
    assert_int_equal(cf_hex_decode(want.b, 20, CF_SPAN(rows[i].addr, 40)), CF_OK);
    assert_memory_equal(got.b, want.b, 20);
  }
}

int main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_vectors),
    cmocka_unit_test(test_mutations),
    cmocka_unit_test(test_refusals),
    cmocka_unit_test(test_bounds),
    cmocka_unit_test(test_created),
  };
  return cmocka_run_group_tests(tests, load, NULL);
}
