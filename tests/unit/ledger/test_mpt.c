/* Merkle-Patricia proofs.  Roots and nodes: @ethereumjs/mpt 10.1.3; everything else against the trie of mpt_build.h, which those
   roots hold to the same rules. */
#include "ledger_world.h"
#include "mpt_build.h"

#include "base/cf_text.h"
#include "codec/cf_eip712.h"
#include "ledger/cf_mpt.h"

#define ENTRIES_MAX 400
#define PROOF_MAX   (1 << 17)

static mpt_entry_t entries[ENTRIES_MAX];
static uint8_t     proof_buf[PROOF_MAX + 1024];

static cf_hash_t from_hex(char const *digits) {
  cf_hash_t h;
  assert_int_equal(cf_hex_decode(h.b, 32, CF_SPAN(digits, strlen(digits))), CF_OK);
  return h;
}

static uint64_t draw(uint64_t *x) {
  *x ^= *x >> 12;
  *x ^= *x << 25;
  *x ^= *x >> 27;
  return *x * 0x2545f4914f6cdd1du;
}

/* Slots 0 to n - 1, slot i holds 7 i + 1. */
static void fill_slots(size_t n) {
  for (size_t i = 0; i < n; i++) {
    cf_hash_t key = cf_word_u64(i), value = cf_word_u64(7 * i + 1);
    mpt_put_slot(&entries[i], &key, &value);
  }
  qsort(entries, n, sizeof *entries, mpt_by_path);
}

static struct {
  size_t      n;
  char const *root;
} const roots[] = {
  { 0, "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421" },
  { 1, "821e2556a290c86405f8160a2d662042a431ba456b9db265c79bb837c04be5f0" },
  { 2, "40f0b77001025727d546f3f166920d4b3114c7d419360849ccb3e75b70394619" },
  { 3, "6396d45fd909f9544c2ed601e2692cf677ff8f1629869c99b17ab2531cb3f8fa" },
  { 20, "7da8dc65585ad9ff613ad0b7efb17b589d057dbca74be1c8ae72d94ca7e86990" },
  { 300, "44215d79336cbe683bfeb3c642b86d85ad5a4cc6c1b6007d92a5c205900e7bea" },
};

/* The proof of those slots, in proof_buf. */
static cf_span_t prove_slots(size_t n, cf_hash_t const *keys, size_t keys_cnt) {
  cf_hash_t paths[CF_MPT_KEYS_MAX] = { 0 }, sorted[CF_MPT_KEYS_MAX];
  uint8_t   order[CF_MPT_KEYS_MAX];
  for (size_t i = 0; i < keys_cnt; i++) paths[i] = cf_keccak256(CF_SPAN_OF(keys[i].b));
  cf_mpt_order(order, paths, keys_cnt);
  for (size_t i = 0; i < keys_cnt; i++) sorted[i] = paths[order[i]];
  cf_wr_t wr = cf_wr_init(proof_buf, PROOF_MAX);
  mpt_prove(&wr, entries, n, sorted, keys_cnt);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

static void slots(void **state) {
  (void)state;
  for (size_t r = 0; r < sizeof roots / sizeof *roots; r++) {
    cf_hash_t root = from_hex(roots[r].root), built, keys[CF_MPT_KEYS_MAX], values[CF_MPT_KEYS_MAX];
    fill_slots(roots[r].n);
    built = mpt_root(entries, roots[r].n);
    assert_memory_equal(built.b, root.b, 32);
    for (size_t i = 0; i < CF_MPT_KEYS_MAX; i++) keys[i] = cf_word_u64((i * 5) % 400); /* there, not there, and twice */
    for (size_t cnt = 1; cnt <= CF_MPT_KEYS_MAX; cnt = cnt * 2 + 1) {
      if (cnt > CF_MPT_KEYS_MAX) cnt = CF_MPT_KEYS_MAX;
      cf_span_t proof = prove_slots(roots[r].n, keys, cnt);
      cf_rd_t   rd    = cf_rd_span(proof);
      assert_int_equal(cf_evm_slots_verify(&root, &rd, keys, cnt, values), CF_OK);
      assert_true(cf_rd_done(&rd));
      for (size_t i = 0; i < cnt; i++) {
        uint64_t  k    = (i * 5) % 400;
        cf_hash_t want = cf_word_u64(k < roots[r].n ? 7 * k + 1 : 0);
        assert_memory_equal(values[i].b, want.b, 32);
      }
    }
    cf_rd_t rd = cf_rd_init(proof_buf, 0);
    assert_int_equal(cf_evm_slots_verify(&root, &rd, keys, CF_MPT_KEYS_MAX + 1, values), CF_ERR_BOUND);
  }
}

/* Every bit of a proof counts, so do every missing and every further node. */
static void altered(void **state) {
  cf_hash_t keys[4] = { cf_word_u64(3), cf_word_u64(20), cf_word_u64(19), cf_word_u64(1000) }, values[4], was[4];
  (void)state;
  fill_slots(20);
  cf_hash_t root = mpt_root(entries, 20);
  cf_span_t proof = prove_slots(20, keys, 4);
  cf_rd_t   rd    = cf_rd_span(proof);
  assert_int_equal(cf_evm_slots_verify(&root, &rd, keys, 4, was), CF_OK);
  assert_true(cf_rd_done(&rd) && was[0].b[31] == 22);
  for (size_t bit = 0; bit < 8 * proof.len; bit++) {
    proof_buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    rd             = cf_rd_span(proof);
    cf_status_t st = cf_evm_slots_verify(&root, &rd, keys, 4, values);
    assert_true(st == CF_ERR_AUTH || st == CF_ERR_FORMAT || st == CF_ERR_BOUND);
    proof_buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  for (size_t n = 0; n < proof.len; n++) {
    rd             = cf_rd_init(proof_buf, n);
    cf_status_t st = cf_evm_slots_verify(&root, &rd, keys, 4, values);
    assert_true(st == CF_ERR_FORMAT || st == CF_ERR_AUTH);
  }
  for (size_t i = 0; i < 32; i++) { /* the other root of all roots */
    root.b[i] ^= 1;
    rd = cf_rd_span(proof);
    assert_int_equal(cf_evm_slots_verify(&root, &rd, keys, 4, values), CF_ERR_AUTH);
    root.b[i] ^= 1;
  }
  cf_hash_t other[4] = { cf_word_u64(2), cf_word_u64(20), cf_word_u64(19), cf_word_u64(1000) }; /* of other keys */
  rd = cf_rd_span(proof);
  assert_int_not_equal(cf_evm_slots_verify(&root, &rd, other, 4, values), CF_OK);
}

/* A leaf that says zero, as nodes for development keep them, says zero; one that says it otherwise is none. */
static void zero_kept(void **state) {
  static struct {
    size_t      sz;
    uint8_t     value[2];
    cf_status_t want;
  } const rows[] = { { 1, { 0x80 }, CF_OK }, { 1, { 0x00 }, CF_ERR_FORMAT }, { 2, { 0x81, 0x00 }, CF_ERR_FORMAT }, { 2, { 0x80, 0x80 }, CF_ERR_FORMAT } };
  static cf_hash_t const zero;
  cf_hash_t              key = cf_word_u64(7), path = cf_keccak256(CF_SPAN_OF(key.b)), value = key;
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    entries[0] = (mpt_entry_t){ .path = path, .value_sz = rows[i].sz };
    memcpy(entries[0].value, rows[i].value, rows[i].sz);
    cf_hash_t root = mpt_root(entries, 1);
    cf_wr_t   wr   = cf_wr_init(proof_buf, PROOF_MAX);
    mpt_prove(&wr, entries, 1, &path, 1);
    cf_rd_t rd = cf_rd_span(cf_wr_out(&wr));
    assert_int_equal(cf_evm_slots_verify(&root, &rd, &key, 1, &value), rows[i].want);
    if (!rows[i].want) assert_memory_equal(value.b, zero.b, 32);
  }
}

/* Paths that agree in all but their last nibbles, so that nodes embed nodes. */
static cf_hash_t deep_path(char const *tail) {
  cf_hash_t p;
  memset(p.b, 0x11, 32);
  size_t n = strlen(tail) / 2;
  assert_int_equal(cf_hex_decode(p.b + 32 - n, n, CF_SPAN(tail, 2 * n)), CF_OK);
  return p;
}

static struct {
  char const *tail;
  uint8_t     value; /* 0: not there */
} const deep[] = {
  { "00", 5 }, { "01", 6 }, { "10", 7 }, { "2000", 8 }, { "2011", 9 }, { "02", 0 }, { "2111", 0 }, { "2100", 0 }, { "99", 0 },
  { "3011", 0 }, { "991111111111111111111111111111111111111111111111111111111111111111", 0 },
};

static void embedded(void **state) {
  size_t    n = 0, q = sizeof deep / sizeof *deep;
  cf_hash_t paths[16], want = from_hex("6fa211359930ccc9585ad985bd4c3775234599c7dc494f6d70456a9786fff140"), sorted[16];
  cf_span_t values[16];
  uint8_t   order[16];
  (void)state;
  for (size_t i = 0; i < q; i++) {
    paths[i] = deep_path(strlen(deep[i].tail) > 64 ? deep[i].tail + 2 : deep[i].tail);
    if (strlen(deep[i].tail) > 64) paths[i].b[0] = 0x99; /* ends at the root */
    if (!deep[i].value) continue;
    entries[n++] = (mpt_entry_t){ .path = paths[i], .value_sz = 1, .value = { deep[i].value } };
  }
  qsort(entries, n, sizeof *entries, mpt_by_path);
  cf_hash_t root = mpt_root(entries, n);
  assert_memory_equal(root.b, want.b, 32);
  cf_mpt_order(order, paths, q);
  for (size_t i = 0; i < q; i++) sorted[i] = paths[order[i]];
  cf_wr_t wr = cf_wr_init(proof_buf, PROOF_MAX);
  mpt_prove(&wr, entries, n, sorted, q);
  cf_rd_t rd = cf_rd_span(cf_wr_out(&wr));
  assert_int_equal(cf_mpt_verify(&root, &rd, paths, q, values), CF_OK);
  assert_true(cf_rd_done(&rd));
  for (size_t i = 0; i < q; i++) {
    assert_int_equal(values[i].len, deep[i].value != 0);
    if (deep[i].value) assert_int_equal(values[i].ptr[0], deep[i].value);
  }
  assert_int_equal(wr.len, 67 + 74 + 35 + 41); /* the four that are not embedded */
}

/* Random tries of deep and shallow paths, random sets of keys. */
static void random_tries(void **state) {
  uint64_t seed = 0x1234567;
  (void)state;
  for (unsigned round = 0; round < 400; round++) {
    size_t    n = 1 + draw(&seed) % 40, q = 1 + draw(&seed) % 60;
    unsigned  same = (unsigned)(draw(&seed) % 32); /* bytes that all paths share */
    cf_hash_t paths[60], sorted[60];
    cf_span_t values[60];
    uint8_t   order[60];
    for (size_t i = 0; i < n; i++) {
      memset(&entries[i], 0, sizeof entries[i]);
      for (unsigned b = same; b < 32; b++) entries[i].path.b[b] = (uint8_t)(draw(&seed) >> 40 & (round % 2 ? 0x33 : 0xff));
      entries[i].value_sz = 1 + draw(&seed) % 40;
      memset(entries[i].value, 1 + (int)(draw(&seed) % 250), entries[i].value_sz);
    }
    qsort(entries, n, sizeof *entries, mpt_by_path);
    for (size_t i = 1; i < n;) /* no path twice */
      if (mpt_by_path(&entries[i - 1], &entries[i])) i++;
      else memmove(&entries[i], &entries[i + 1], (--n - i) * sizeof *entries);
    for (size_t i = 0; i < q; i++) {
      paths[i] = entries[draw(&seed) % n].path;
      if (draw(&seed) % 2) paths[i].b[draw(&seed) % 32] ^= (uint8_t)(1u << draw(&seed) % 8);
    }
    cf_mpt_order(order, paths, q);
    for (size_t i = 0; i < q; i++) sorted[i] = paths[order[i]];
    cf_hash_t root = mpt_root(entries, n);
    cf_wr_t   wr   = cf_wr_init(proof_buf, PROOF_MAX);
    mpt_prove(&wr, entries, n, sorted, q);
    cf_rd_t     rd = cf_rd_span(cf_wr_out(&wr));
    cf_status_t st = cf_mpt_verify(&root, &rd, paths, q, values);
    if (st || !cf_rd_done(&rd)) fail_msg("round %u: %s, %zu bytes left", round, cf_status_name(st), cf_rd_left(&rd));
    for (size_t i = 0; i < q; i++) {
      mpt_entry_t  key  = { .path = paths[i] };
      mpt_entry_t *have = bsearch(&key, entries, n, sizeof *entries, mpt_by_path);
      assert_true(cf_span_eq(values[i], have ? CF_SPAN(have->value, have->value_sz) : CF_SPAN(NULL, 0)));
    }
  }
}

/* Nodes that no trie has, each under the root that is its hash. */
static struct {
  char const *name, *node;
  cf_status_t want;
} const nodes[] = {
#define P32 "a02000000000000000000000000000000000000000000000000000000000000000" /* a leaf's key, but one nibble short */
#define LEAF "a12000000000000000000000000000000000000000000000000000000000000000" "00"
  { "a leaf", "e3" LEAF "05", CF_OK },
  { "its path is short", "e2" P32 "05", CF_ERR_FORMAT },
  { "without a value", "e3" LEAF "80", CF_ERR_FORMAT },
  { "its flag is none", "e3" "a16000000000000000000000000000000000000000000000000000000000000000" "00" "05", CF_ERR_FORMAT },
  { "even with a nibble", "e3" "a12100000000000000000000000000000000000000000000000000000000000000" "00" "05", CF_ERR_FORMAT },
  { "three items", "e4" LEAF "0505", CF_ERR_FORMAT },
  { "one item", "e2" LEAF, CF_ERR_FORMAT },
  { "a string", "83646f67", CF_ERR_FORMAT },
  { "no items", "c0", CF_ERR_FORMAT },
  { "extension of nothing", "e200" "a00101010101010101010101010101010101010101010101010101010101010101", CF_ERR_FORMAT },
  { "extension to nothing", "c21180", CF_ERR_FORMAT },
  { "extension to a short hash", "c41182abcd", CF_ERR_FORMAT },
  { "extension through all", "f843" "a10000000000000000000000000000000000000000000000000000000000000000" "00"
                             "a00101010101010101010101010101010101010101010101010101010101010101", CF_ERR_FORMAT },
  { "branch of nothing", "d18080808080808080808080808080808080", CF_OK },
  { "branch with a value", "d18080808080808080808080808080808005", CF_ERR_FORMAT },
  { "branch of eighteen", "d2808080808080808080808080808080808080", CF_ERR_FORMAT },
  { "branch of sixteen", "d080808080808080808080808080808080", CF_ERR_FORMAT },
  { "branch to a list too long to embed",
    "f3" "e2a02000000000000000000000000000000000000000000000000000000000000000" "05"
    "80808080808080808080808080808080", CF_ERR_FORMAT },
};

static void malformed(void **state) {
  cf_hash_t path = { { 0 } };
  cf_span_t value;
  (void)state;
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
    size_t n = strlen(nodes[i].node) / 2;
    assert_int_equal(cf_hex_decode(proof_buf, n, CF_SPAN(nodes[i].node, 2 * n)), CF_OK);
    cf_hash_t   root = cf_keccak256(CF_SPAN(proof_buf, n));
    cf_rd_t     rd   = cf_rd_init(proof_buf, n);
    cf_status_t st   = cf_mpt_verify(&root, &rd, &path, 1, &value);
    if (st != nodes[i].want) fail_msg("%s: %s", nodes[i].name, cf_status_name(st));
  }
  memset(proof_buf, 0, sizeof proof_buf); /* a node longer than any */
  cf_wr_t wr = cf_wr_init(proof_buf, sizeof proof_buf);
  cf_wr_bytes(&wr, "\xf9\x04\x01", 3);
  cf_hash_t root = cf_keccak256(CF_SPAN(proof_buf, 3 + 0x401));
  cf_rd_t   rd   = cf_rd_init(proof_buf, 3 + 0x401);
  assert_int_equal(cf_mpt_verify(&root, &rd, &path, 1, &value), CF_ERR_BOUND);
}

/* ---- a contract's state ---- */

typedef struct {
  cf_addr_t contract;
  cf_hash_t code, storage_root, state_root;
  cf_hash_t keys[3];
  size_t    account_sz, sz; /* of the proof in proof_buf */
} contract_t;

static void contract_make(contract_t *c, char const *code) {
  static mpt_entry_t accounts[30];
  c->contract = (cf_addr_t){ { 0xc0 } };
  c->code     = hash_of(code);
  fill_slots(20);
  c->storage_root = mpt_root(entries, 20);
  for (size_t i = 0; i < 30; i++) {
    uint8_t addr[20] = { (uint8_t)(0xc0 + i) };
    mpt_put_account(&accounts[i], addr, &c->storage_root, &c->code);
  }
  qsort(accounts, 30, sizeof *accounts, mpt_by_path);
  c->state_root  = mpt_root(accounts, 30);
  cf_wr_t   wr   = cf_wr_init(proof_buf, PROOF_MAX);
  cf_hash_t path = cf_keccak256(CF_SPAN_OF(c->contract.b));
  mpt_prove(&wr, accounts, 30, &path, 1);
  c->account_sz = wr.len;
  for (unsigned i = 0; i < 3; i++) c->keys[i] = cf_word_u64(9 + 10 * i);
  uint8_t account[2048];
  assert_true(wr.len < sizeof account);
  memcpy(account, proof_buf, wr.len);
  cf_span_t more = prove_slots(20, c->keys, 3);
  memmove(proof_buf + c->account_sz, proof_buf, more.len);
  memcpy(proof_buf, account, c->account_sz);
  c->sz = c->account_sz + more.len;
}

static void contracts(void **state) {
  contract_t c;
  cf_hash_t  values[3], other = hash_of("other code");
  (void)state;
  contract_make(&c, "code");
  cf_span_t proof = CF_SPAN(proof_buf, c.sz);
  assert_int_equal(cf_evm_state_verify(&c.state_root, &c.contract, &c.code, proof, c.keys, 3, values), CF_OK);
  assert_true(values[0].b[31] == 64 && values[1].b[31] == 134 && values[2].b[31] == 0);
  assert_int_equal(cf_evm_state_verify(&c.state_root, &c.contract, &other, proof, c.keys, 3, values), CF_ERR_POLICY);
  assert_int_equal(cf_evm_state_verify(&c.storage_root, &c.contract, &c.code, proof, c.keys, 3, values), CF_ERR_AUTH);
  cf_addr_t nobody = { { 0x77 } };
  assert_int_not_equal(cf_evm_state_verify(&c.state_root, &nobody, &c.code, proof, c.keys, 3, values), CF_OK);
  proof_buf[c.sz] = 0xc0;
  assert_int_equal(
      cf_evm_state_verify(&c.state_root, &c.contract, &c.code, CF_SPAN(proof_buf, c.sz + 1), c.keys, 3, values), CF_ERR_FORMAT);
  cf_rd_t          rd = cf_rd_init(proof_buf, c.account_sz);
  cf_evm_account_t account;
  assert_int_equal(cf_evm_account_verify(&account, &c.state_root, &c.contract, &rd), CF_OK);
  assert_true(account.exists && account.nonce == 1 && account.balance_wei.b[30] == 3 && account.balance_wei.b[31] == 0xe8);

  /* One who is not there, in a state without anybody. */
  cf_hash_t nothing = from_hex(roots[0].root);
  rd                = cf_rd_init(proof_buf, 0);
  assert_int_equal(cf_evm_account_verify(&account, &nothing, &c.contract, &rd), CF_OK);
  assert_false(account.exists);
  assert_int_equal(cf_evm_state_verify(&nothing, &c.contract, &c.code, CF_SPAN(NULL, 0), c.keys, 3, values), CF_ERR_POLICY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(slots),
    cmocka_unit_test(altered),
    cmocka_unit_test(zero_kept),
    cmocka_unit_test(embedded),
    cmocka_unit_test(random_tries),
    cmocka_unit_test(malformed),
    cmocka_unit_test(contracts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
