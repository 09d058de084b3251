/* The state container and its tree, against a slow tree made anew from the definition each time. */
#include "ledger_world.h"

#define KEYS 300

static uint64_t seed = 20240607;
static uint64_t rnd(uint64_t n) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (seed >> 33) % n;
}

/* ---- the slow tree ---- */

typedef struct {
  cf_hash_t key, value, path;
} leaf_t;

static cf_hash_t slow_tree(leaf_t const *const *at, size_t n, unsigned depth) {
  cf_hash_t zero = { { 0 } };
  if (n == 0) return zero;
  uint8_t buf[65];
  if (n == 1) {
    buf[0] = 0;
    memcpy(buf + 1, at[0]->key.b, 32);
    memcpy(buf + 33, at[0]->value.b, 32);
    return cf_sha256(CF_SPAN_OF(buf));
  }
  leaf_t const *half[2][KEYS];
  size_t        cnt[2] = { 0, 0 };
  for (size_t i = 0; i < n; i++) {
    unsigned bit = at[i]->path.b[depth / 8] >> (7 - depth % 8) & 1;
    half[bit][cnt[bit]++] = at[i];
  }
  cf_hash_t l = slow_tree(half[0], cnt[0], depth + 1), r = slow_tree(half[1], cnt[1], depth + 1);
  buf[0] = 1;
  memcpy(buf + 1, l.b, 32);
  memcpy(buf + 33, r.b, 32);
  return cf_sha256(CF_SPAN_OF(buf));
}

static cf_hash_t slow_root(leaf_t const *leaves) {
  leaf_t const *live[KEYS];
  size_t        n = 0;
  for (size_t i = 0; i < KEYS; i++)
    if (!cf_word_is_zero(&leaves[i].value)) live[n++] = &leaves[i];
  return slow_tree(live, n, 0);
}

static void random_slots_and_proofs(void **state) {
  (void)state;
  static leaf_t      leaves[KEYS];
  cf_ledger_state_t *st = cf_ledger_state_new();
  for (size_t i = 0; i < KEYS; i++) {
    cf_hash_t base = cf_slot_lanes((uint32_t)(i % 3)); /* neighbours, as lanes are */
    uint8_t   buf[33] = { 2 };
    leaves[i].key  = i < 8 ? cf_slot_plain((unsigned)i) : cf_slot_add(&base, i);
    memcpy(buf + 1, leaves[i].key.b, 32);
    leaves[i].path = cf_sha256(CF_SPAN_OF(buf));
  }
  for (size_t round = 0; round < 300; round++) {
    for (size_t n = rnd(20) + 1; n-- > 0;) { /* writes of one block: some slots twice, some back to zero */
      leaf_t *l = &leaves[rnd(round < 150 ? KEYS : 12)];
      l->value  = cf_word_u64(rnd(3));
      cf_ledger_state_put(st, &l->key, &l->value);
    }
    cf_hash_t want = slow_root(leaves), root = cf_ledger_state_root(st);
    assert_memory_equal(root.b, want.b, 32);

    cf_hash_t keys[40], values[40];
    size_t    shown = rnd(40) + 1, which[40];
    for (size_t i = 0; i < shown; i++) keys[i] = leaves[which[i] = rnd(KEYS)].key;
    static uint8_t proof[65536];
    cf_wr_t wr = cf_wr_init(proof, sizeof proof);
    cf_ledger_state_prove(st, &wr, keys, shown);
    assert_false(wr.bad);
    assert_int_equal(cf_sparse_verify(&root, cf_wr_out(&wr), keys, shown, values), CF_OK);
    for (size_t i = 0; i < shown; i++) assert_memory_equal(values[i].b, leaves[which[i]].value.b, 32);

    proof[rnd(wr.len)] ^= (uint8_t)(1u << rnd(8)); /* no other proof of anything */
    assert_int_not_equal(cf_sparse_verify(&root, cf_wr_out(&wr), keys, shown, values), CF_OK);
    for (size_t i = 0; i < shown; i++) assert_true(cf_word_is_zero(&values[i]));
  }
  size_t live = 0;
  for (size_t i = 0; i < KEYS; i++) live += !cf_word_is_zero(&leaves[i].value);
  assert_int_equal(cf_ledger_state_cnt(st), live);
  for (size_t i = 0; i < KEYS; i++) {
    cf_hash_t zero = { { 0 } };
    cf_ledger_state_put(st, &leaves[i].key, &zero);
  }
  cf_hash_t root = cf_ledger_state_root(st);
  assert_true(cf_word_is_zero(&root));
  cf_ledger_state_free(st);
}

static void proof_refusals(void **state) {
  (void)state;
  cf_ledger_state_t *st = cf_ledger_state_new();
  cf_hash_t keys[CF_SPARSE_KEYS_MAX + 1], values[CF_SPARSE_KEYS_MAX + 1], one = cf_word_u64(1);
  for (size_t i = 0; i <= CF_SPARSE_KEYS_MAX; i++) {
    keys[i] = cf_slot_account((uint32_t)i);
    if (i < 40) cf_ledger_state_put(st, &keys[i], &one);
  }
  static uint8_t proof[1 << 20];
  cf_wr_t   wr   = cf_wr_init(proof, sizeof proof - 1);
  cf_hash_t root = cf_ledger_state_root(st);
  cf_ledger_state_prove(st, &wr, keys, CF_SPARSE_KEYS_MAX);
  assert_int_equal(cf_sparse_verify(&root, cf_wr_out(&wr), keys, CF_SPARSE_KEYS_MAX, values), CF_OK);
  assert_int_equal(cf_sparse_verify(&root, cf_wr_out(&wr), keys, CF_SPARSE_KEYS_MAX + 1, values), CF_ERR_BOUND);
  assert_int_equal(cf_sparse_verify(&root, cf_wr_out(&wr), keys, 0, values), CF_ERR_BOUND);
  assert_int_equal(cf_sparse_verify(&root, CF_SPAN(proof, wr.len + 1), keys, CF_SPARSE_KEYS_MAX, values), CF_ERR_FORMAT);
  assert_int_equal(cf_sparse_verify(&root, CF_SPAN(proof, wr.len - 1), keys, CF_SPARSE_KEYS_MAX, values), CF_ERR_FORMAT);

  cf_hash_t other = root, key = cf_slot_account(3);
  other.b[0] ^= 1;
  wr = cf_wr_init(proof, sizeof proof);
  cf_ledger_state_prove(st, &wr, &key, 1);
  assert_int_equal(cf_sparse_verify(&other, cf_wr_out(&wr), &key, 1, values), CF_ERR_AUTH);
  cf_hash_t absent = cf_slot_account(4000); /* a proof for one key does not speak of another */
  assert_int_not_equal(cf_sparse_verify(&root, cf_wr_out(&wr), &absent, 1, values), CF_OK);
  static uint8_t hidden[33] = { CF_SPARSE_HASH }; /* a shown key may not hide behind a hash */
  memcpy(hidden + 1, root.b, 32);
  assert_int_equal(cf_sparse_verify(&root, CF_SPAN_OF(hidden), &key, 1, values), CF_ERR_FORMAT);
  cf_hash_t path = cf_sparse_path(&key), leaf = cf_sparse_leaf(&key, &one), none = { { 0 } };
  bool      right = path.b[0] >> 7 != 0; /* a tree that has the leaf on the wrong side */
  cf_hash_t crooked = right ? cf_sha256_node(&leaf, &none) : cf_sha256_node(&none, &leaf), probe = key;
  for (uint32_t i = 50; (cf_sparse_path(&probe).b[0] >> 7 != 0) == right; i++) probe = cf_slot_account(i);
  uint8_t  two[67];
  cf_wr_t  two_wr = cf_wr_init(two, sizeof two);
  cf_wr_u8(&two_wr, CF_SPARSE_NODE);
  if (!right) cf_wr_u8(&two_wr, CF_SPARSE_EMPTY);
  cf_wr_u8(&two_wr, CF_SPARSE_LEAF);
  cf_wr_hash(&two_wr, &key);
  cf_wr_hash(&two_wr, &one);
  if (right) cf_wr_u8(&two_wr, CF_SPARSE_EMPTY);
  assert_int_equal(cf_sparse_verify(&crooked, cf_wr_out(&two_wr), &probe, 1, values), CF_ERR_FORMAT);
  static uint8_t nothing[1] = { CF_SPARSE_EMPTY };
  assert_int_equal(cf_sparse_verify(&root, CF_SPAN_OF(nothing), &key, 1, values), CF_ERR_AUTH);
  cf_hash_t empty_root = { { 0 } };
  assert_int_equal(cf_sparse_verify(&empty_root, CF_SPAN_OF(nothing), &key, 1, values), CF_OK);
  static uint8_t deep[600]; /* nesting ends at 256 */
  memset(deep, CF_SPARSE_NODE, sizeof deep);
  assert_int_equal(cf_sparse_verify(&root, CF_SPAN_OF(deep), &key, 1, values), CF_ERR_FORMAT);
  cf_ledger_state_free(st);
}

static void messages_in_runs(void **state) {
  (void)state;
  cf_ledger_state_t *st = cf_ledger_state_new();
  uint8_t  bytes[40];
  uint64_t taken;
  memset(bytes, 0xab, sizeof bytes);
  for (size_t i = 0; i < 1000; i++) cf_ledger_state_add_message(st, CF_SPAN(bytes, 6 + i % 30));
  assert_int_equal(cf_ledger_state_messages(st), 1000);
  size_t total = 0;
  for (uint64_t at = 0; at < 1000; at += taken) {
    cf_span_t run = cf_ledger_state_message_run(st, at, UINT64_MAX, 100, &taken);
    assert_true(taken > 0 && run.len <= 100);
    total += run.len;
  }
  assert_int_equal(total, 1000 * 6 + 33 * 435 + 45);
  assert_int_equal(cf_ledger_state_message_run(st, 1000, 5, 100, &taken).len, 0);
  assert_int_equal(taken, 0);
  assert_int_equal(cf_ledger_state_message_run(st, 3, 2, 100, &taken).len, 9 + 10);
  assert_int_equal(taken, 2);
  cf_ledger_state_free(st);
}

static void calls_are_found_again(void **state) {
  (void)state;
  cf_ledger_state_t *st = cf_ledger_state_new();
  cf_call_place_t place;
  for (uint32_t i = 0; i < 5000; i++) {
    cf_hash_t id = cf_slot_account(i);
    assert_false(cf_ledger_state_find_call(st, &id, &place));
    cf_ledger_state_add_call(st, &id, (cf_call_place_t){ i / 7, i });
  }
  for (uint32_t i = 0; i < 5000; i++) {
    cf_hash_t id = cf_slot_account(i);
    assert_true(cf_ledger_state_find_call(st, &id, &place) && place.block == i / 7 && place.index == i);
  }
  cf_ledger_state_free(st);
}

int main(void) {
  print_message("seed %llu\n", (unsigned long long)seed);
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(random_slots_and_proofs),
    cmocka_unit_test(proof_refusals),
    cmocka_unit_test(messages_in_runs),
    cmocka_unit_test(calls_are_found_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
