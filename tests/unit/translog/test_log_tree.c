#include "log_test.h"

/* A second, slow implementation, straight from RFC 9162's recursive definitions (2.1.1, 2.1.3, 2.1.4). */
static uint64_t
split(uint64_t n) {
  uint64_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

static cf_hash_t
mth(cf_hash_t const *d, uint64_t n) {
  if (n == 0) return cf_tree_empty();
  if (n == 1) return d[0];
  uint64_t  k = split(n);
  cf_hash_t l = mth(d, k), r = mth(d + k, n - k);
  uint8_t   buf[65] = { 1 };
  memcpy(buf + 1, l.b, 32), memcpy(buf + 33, r.b, 32);
  return cf_sha256(CF_SPAN_OF(buf));
}

static size_t
path_of(cf_hash_t *out, uint64_t m, cf_hash_t const *d, uint64_t n) {
  if (n == 1) return 0;
  uint64_t k   = split(n);
  size_t   cnt = m < k ? path_of(out, m, d, k) : path_of(out, m - k, d + k, n - k);
  out[cnt]     = m < k ? mth(d + k, n - k) : mth(d, k);
  return cnt + 1;
}

static size_t
subproof(cf_hash_t *out, uint64_t m, cf_hash_t const *d, uint64_t n, bool b) {
  if (m == n) {
    if (!b) out[0] = mth(d, n);
    return b ? 0 : 1;
  }
  uint64_t k   = split(n);
  size_t   cnt = m <= k ? subproof(out, m, d, k, b) : subproof(out, m - k, d + k, n - k, false);
  out[cnt]     = m <= k ? mth(d + k, n - k) : mth(d, k);
  return cnt + 1;
}

#define N 600
static cf_hash_t leaves[N];

static cf_status_t
read_slow(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  assert_true((index + 1) << level <= *(uint64_t *)ctx); /* never asked beyond the tree */
  *out = mth(leaves + (index << level), UINT64_C(1) << level);
  return CF_OK;
}

static int
setup(void **state) {
  for (unsigned i = 0; i < N; i++) leaves[i] = example_leaf(i);
  return 0;
}

/* FORMATS-LOG section 1 */
static void
test_known_roots(void **state) {
  static struct { unsigned n; char const *root, *leaf; } const known[] = {
    { 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", NULL },
    { 1, "40766b2033429026f53d54502679a839706b4741f8dcaf3a8bba5f41b5ffe075", "40766b2033429026f53d54502679a839706b4741f8dcaf3a8bba5f41b5ffe075" },
    { 2, "2f27a5082c1d42afa488ac350a9fc4390c084f54f71ecdff859e98db8429b479", "e868811a482c27d50b6d45dde79c465d6adb9b06645100477a90cf3d8518898b" },
    { 3, "a64bf26e09128f6fe2fe6f8b2d8c801e166b57c047a7cd9b2b809e7a96a2f1cb", "049d7dcdb56bcfebd313304c9839f196a3d4b6ef3bdc0b08298f93ac8191f0a8" },
    { 4, "256b9e8825e5d370a4ae005d0901ea291977e2927f5cf8e3e72660dd09519edb", "27479b6ab321d2ee477452f68ba527748e863cafe8fbd1df2bf89d1570d1b697" },
    { 5, "1aa68d3074905a581f84cbbd0f753794904fd80451bc4c13e69d9a53bc59502c", "194bb5a2d5bd10e5d1aa6fd5d42980b356caf1da623cd9987c4bfa2f81771ed7" },
    { 6, "08783a523d260480de2ccf0976d7411ed8adaf06f75d5a5de2254c58f968eca9", "514158527515064c7bbd35b44c9f11addcfc38b439554fc9bb0d8b7c661c3e8f" },
    { 7, "9139601cc1ca8ab2a7a0c2c134c04845f2b1ba549a83d6c845cfcda439cc585d", "0cfda576ff4b29ea33c3afdaeed1bd637eb654b28a04302fcab5fd7db07801cc" },
    { 8, "dfcc13b9b0ca932c68de3d59eaaa8fe266a9c8091c0300e8405ebfeb0d0e5832", "c8d81ba4fdd46c6c3c73c87b209eeaf944cf511327211f1f9a81586cf7d4d5a4" },
    { 300, "aebb027d5c3dd08871ee52577a61fc83122d0d14352791943639bd4c12d36943", NULL },
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    cf_hash_t root = cf_tree_root_of(leaves, known[i].n);
    ASSERT_HASH(hash_hex(known[i].root), root);
    if (known[i].leaf) ASSERT_HASH(hash_hex(known[i].leaf), leaves[known[i].n - 1]);
  }
}

static void
check_known_path(char const *const *hex, size_t want_cnt, cf_hash_t const *path, size_t cnt) {
  assert_int_equal(want_cnt, cnt);
  for (size_t i = 0; i < cnt; i++) ASSERT_HASH(hash_hex(hex[i]), path[i]);
}

/* FORMATS-LOG section 1: entry 5 in 8, entry 6 in 7, 3 to 7, 4 to 7, 6 to 8 */
static void
test_known_proofs(void **state) {
#define H0_4 "256b9e8825e5d370a4ae005d0901ea291977e2927f5cf8e3e72660dd09519edb"
#define H4_6 "4a136a70087b637e34c3d3daa6cea768b1db13ec475902d2e240b60e3d999c7a"
#define H4_7 "e429c5b5ccaa9523c37297f1846766f903137e82195c5199e6be57130d1006c8"
#define H6_8 "d448059354605305bf936aa6a0e4c709321c960e2ba6c921b98b9a165319cbe2"
  static char const *const incl_5_8[] = { "194bb5a2d5bd10e5d1aa6fd5d42980b356caf1da623cd9987c4bfa2f81771ed7", H6_8, H0_4 };
  static char const *const incl_6_7[] = { H4_6, H0_4 };
  static char const *const cons_3_7[] = { "049d7dcdb56bcfebd313304c9839f196a3d4b6ef3bdc0b08298f93ac8191f0a8",
                                          "27479b6ab321d2ee477452f68ba527748e863cafe8fbd1df2bf89d1570d1b697",
                                          "2f27a5082c1d42afa488ac350a9fc4390c084f54f71ecdff859e98db8429b479", H4_7 };
  static char const *const cons_4_7[] = { H4_7 };
  static char const *const cons_6_8[] = { H4_6, H6_8, H0_4 };
  static struct { bool consistency; uint64_t m, n; char const *const *path; size_t cnt; } const known[] = {
    { false, 5, 8, incl_5_8, 3 }, { false, 6, 7, incl_6_7, 2 }, { false, 0, 1, NULL, 0 },
    { true, 3, 7, cons_3_7, 4 },  { true, 4, 7, cons_4_7, 1 },  { true, 6, 8, cons_6_8, 3 },
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    uint64_t         n = known[i].n;
    cf_tree_reader_t reader = { read_slow, &n };
    cf_hash_t        path[CF_TREE_PATH_MAX];
    size_t           cnt;
    ASSERT_STATUS(CF_OK, known[i].consistency ? cf_tree_consistency_prove(path, &cnt, &reader, known[i].m, n)
                                              : cf_tree_inclusion_prove(path, &cnt, &reader, n, known[i].m));
    check_known_path(known[i].path, known[i].cnt, path, cnt);
  }
}

static void
test_against_recursive_model(void **state) {
  cf_frontier_t f = { .size = 0 };
  for (uint64_t n = 0; n <= N; n++) {
    if (n) cf_frontier_add(&f, &leaves[n - 1]);
    cf_hash_t        want = mth(leaves, n), root = cf_frontier_root(&f), by_reader;
    cf_tree_reader_t reader = { read_slow, &n };
    ASSERT_HASH(want, root);
    ASSERT_STATUS(CF_OK, cf_tree_root(&by_reader, &reader, n));
    ASSERT_HASH(want, by_reader);

    uint8_t       enc[CF_FRONTIER_ENC_MAX];
    cf_wr_t       wr = cf_wr_init(enc, sizeof enc);
    cf_frontier_t again;
    cf_frontier_encode(&wr, &f);
    assert_int_equal(wr.len, 8 + 32 * (size_t)__builtin_popcountll(n));
    cf_rd_t rd = cf_rd_span(cf_wr_out(&wr));
    ASSERT_STATUS(CF_OK, cf_frontier_decode(&again, &rd));
    assert_true(cf_rd_done(&rd));
    root = cf_frontier_root(&again);
    ASSERT_HASH(want, root);
  }
}

static void
test_inclusion_all_pairs(void **state) {
  for (uint64_t n = 1; n <= 130; n++) {
    cf_hash_t        root = mth(leaves, n);
    cf_tree_reader_t reader = { read_slow, &n };
    for (uint64_t i = 0; i < n; i++) {
      cf_hash_t path[CF_TREE_PATH_MAX + 1], want[CF_TREE_PATH_MAX];
      size_t    cnt, want_cnt = path_of(want, i, leaves, n);
      ASSERT_STATUS(CF_OK, cf_tree_inclusion_prove(path, &cnt, &reader, n, i));
      assert_int_equal(want_cnt, cnt);
      assert_memory_equal(want, path, cnt * sizeof *path);
      ASSERT_STATUS(CF_OK, cf_tree_inclusion_verify(&root, n, i, &leaves[i], path, cnt));
      ASSERT_STATUS(CF_ERR_AUTH, cf_tree_inclusion_verify(&root, n, i, &leaves[i + 1], path, cnt));
      path[cnt] = root;
      ASSERT_STATUS(CF_ERR_FORMAT, cf_tree_inclusion_verify(&root, n, i, &leaves[i], path, cnt + 1));
      ASSERT_STATUS(CF_ERR_FORMAT, cf_tree_inclusion_verify(&root, n, n, &leaves[i], path, cnt));
      if (!cnt) continue;
      ASSERT_STATUS(CF_ERR_FORMAT, cf_tree_inclusion_verify(&root, n, i, &leaves[i], path, cnt - 1));
      path[(i + n) % cnt].b[n % 32] ^= 1;
      ASSERT_STATUS(CF_ERR_AUTH, cf_tree_inclusion_verify(&root, n, i, &leaves[i], path, cnt));
    }
  }
}

static void
test_consistency_all_pairs(void **state) {
  for (uint64_t n = 0; n <= 130; n++) {
    cf_hash_t        root = mth(leaves, n);
    cf_tree_reader_t reader = { read_slow, &n };
    for (uint64_t m = 0; m <= n; m++) {
      cf_hash_t path[CF_TREE_PATH_MAX + 1], want[CF_TREE_PATH_MAX], old = mth(leaves, m), bad = old;
      size_t    cnt, want_cnt = m && m < n ? subproof(want, m, leaves, n, true) : 0;
      bad.b[3] ^= 4;
      ASSERT_STATUS(CF_OK, cf_tree_consistency_prove(path, &cnt, &reader, m, n));
      assert_int_equal(want_cnt, cnt);
      assert_memory_equal(want, path, cnt * sizeof *path);
      ASSERT_STATUS(CF_OK, cf_tree_consistency_verify(&old, m, &root, n, path, cnt));
      ASSERT_STATUS(CF_ERR_AUTH, cf_tree_consistency_verify(&bad, m, &root, n, path, cnt));
      if (m) ASSERT_STATUS(CF_ERR_AUTH, cf_tree_consistency_verify(&old, m, &bad, n, path, cnt));
      path[cnt] = root;
      ASSERT_STATUS(CF_ERR_FORMAT, cf_tree_consistency_verify(&old, m, &root, n, path, cnt + 1));
      if (m < n) ASSERT_STATUS(CF_ERR_FORMAT, cf_tree_consistency_verify(&root, n, &old, m, path, cnt));
      if (!cnt) continue;
      ASSERT_STATUS(CF_ERR_FORMAT, cf_tree_consistency_verify(&old, m, &root, n, path, cnt - 1));
      path[(m + n) % cnt].b[n % 32] ^= 1;
      ASSERT_STATUS(CF_ERR_AUTH, cf_tree_consistency_verify(&old, m, &root, n, path, cnt));
    }
  }
}

static cf_status_t
read_fails(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  return CF_ERR_IO;
}

static void
test_refusals(void **state) {
  cf_tree_reader_t reader = { read_fails, NULL };
  cf_hash_t        path[CF_TREE_PATH_MAX], root;
  size_t           cnt;
  ASSERT_STATUS(CF_ERR_IO, cf_tree_root(&root, &reader, 3));
  ASSERT_STATUS(CF_ERR_IO, cf_tree_inclusion_prove(path, &cnt, &reader, 3, 1));
  ASSERT_STATUS(CF_ERR_IO, cf_tree_consistency_prove(path, &cnt, &reader, 3, 5));
  ASSERT_STATUS(CF_ERR_BOUND, cf_tree_inclusion_prove(path, &cnt, &reader, 3, 3));
  ASSERT_STATUS(CF_ERR_BOUND, cf_tree_consistency_prove(path, &cnt, &reader, 4, 3));
  ASSERT_STATUS(CF_ERR_BOUND, cf_tree_root(&root, &reader, UINT64_MAX));

  cf_frontier_t f;
  uint8_t       big[8] = { 0x80 }, cut[8 + 31] = { 0, 0, 0, 0, 0, 0, 0, 1 };
  cf_rd_t       rd = cf_rd_init(big, sizeof big);
  ASSERT_STATUS(CF_ERR_BOUND, cf_frontier_decode(&f, &rd));
  rd = cf_rd_init(cut, sizeof cut);
  ASSERT_STATUS(CF_ERR_FORMAT, cf_frontier_decode(&f, &rd));
}

/* Paths of the longest trees do not overflow. */
static cf_status_t
read_any(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  memset(out, (int)level, sizeof *out);
  return CF_OK;
}

static void
test_largest_tree(void **state) {
  cf_tree_reader_t reader = { read_any, NULL };
  cf_hash_t        path[CF_TREE_PATH_MAX], root, leaf;
  size_t           cnt;
  memset(&leaf, 0, sizeof leaf);
  ASSERT_STATUS(CF_OK, cf_tree_inclusion_prove(path, &cnt, &reader, CF_TREE_SIZE_MAX, 5));
  assert_int_equal(cnt, 63);
  ASSERT_STATUS(CF_OK, cf_tree_inclusion_root(&root, CF_TREE_SIZE_MAX, 5, &leaf, path, cnt));
  ASSERT_STATUS(CF_ERR_BOUND, cf_tree_consistency_prove(path, &cnt, &reader, 3, CF_TREE_SIZE_MAX));
  ASSERT_STATUS(CF_OK, cf_tree_consistency_prove(path, &cnt, &reader, UINT64_C(1) << 62, CF_TREE_SIZE_MAX));
}

/* Leaves taken together, from any size on, make the tree that they make one by one. */
static void
test_together(void **state) {
  static cf_hash_t entry[200], leaf[200], made[200];
  for (size_t i = 0; i < 200; i++) {
    entry[i] = cf_sha256(CF_SPAN(&i, sizeof i));
    leaf[i]  = cf_tree_leaf(CF_SPAN_OF(entry[i].b));
  }
  for (size_t n = 0; n < 5; n++) {
    memcpy(made, entry, sizeof made);
    cf_tree_leaves(made, made, n); /* in place */
    assert_memory_equal(made, leaf, n * sizeof *leaf);
  }
  for (size_t first = 0; first <= 70; first++) {
    for (size_t more = 0; first + more <= 200; more += 1 + more / 9) {
      cf_frontier_t one = { 0 }, all = { 0 };
      for (size_t i = 0; i < first + more; i++) cf_frontier_add(&one, &leaf[i]);
      for (size_t i = 0; i < first; i++) cf_frontier_add(&all, &leaf[i]);
      memcpy(made, leaf + first, more * sizeof *made);
      cf_frontier_add_all(&all, made, more);
      cf_hash_t a = cf_frontier_root(&one), b = cf_frontier_root(&all);
      assert_int_equal(all.size, one.size);
      assert_true(cf_hash_eq(&a, &b));
      for (unsigned l = 0; l < 63; l++)
        if (one.size >> l & 1) assert_true(cf_hash_eq(&one.node[l], &all.node[l]));
    }
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_known_roots),          cmocka_unit_test(test_known_proofs),
    cmocka_unit_test(test_against_recursive_model), cmocka_unit_test(test_inclusion_all_pairs),
    cmocka_unit_test(test_consistency_all_pairs), cmocka_unit_test(test_refusals),
    cmocka_unit_test(test_largest_tree),          cmocka_unit_test(test_together),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
