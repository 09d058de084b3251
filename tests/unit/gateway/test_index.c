/* The index of envelopes, against a slow list; the trees, against the log's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/cf_entropy.h"
#include "gateway/cf_index.h"
#include "translog/cf_tree.h"

static cf_hash_t
id_of(uint64_t n) {
  return cf_sha256(CF_SPAN(&n, sizeof n));
}

static cf_index_t
make(uint64_t cap) {
  cf_index_t x;
  cf_index_init(&x, cap, calloc(1, cf_index_sz(cap) + 64));
  return x;
}

static void
test_paths_are_the_tree_s(void **state) {
  cf_index_t x   = make(4096);
  cf_hash_t  ids[300], root, path[CF_INDEX_PATH_MAX], leaf[300];
  for (uint32_t cnt = 0; cnt <= 300; cnt = cnt < 20 ? cnt + 1 : cnt + 56) {
    for (uint32_t i = 0; i < cnt; i++) {
      ids[i]  = id_of(cnt * 1000 + i);
      leaf[i] = cf_tree_leaf(CF_SPAN_OF(ids[i].b));
    }
    cf_index_add(&x, cnt + 1, ids, cnt, &root);
    cf_hash_t want = cf_tree_root_of(leaf, cnt);
    assert_memory_equal(root.b, want.b, 32);
    for (uint32_t i = 0; i < cnt; i++) {
      size_t n = 0;
      assert_true(cf_index_path(&x, cnt + 1, i, path, &n));
      assert_int_equal(cf_tree_inclusion_verify(&root, cnt, i, &leaf[i], path, n), CF_OK);
    }
    size_t n;
    assert_false(cf_index_path(&x, cnt + 1, cnt, path, &n));
    uint32_t  got = 99;
    cf_hash_t out[300];
    assert_true(cf_index_manifest(&x, cnt + 1, out, &got));
    assert_int_equal(got, cnt);
    assert_memory_equal(out, ids, cnt * 32);
  }
  free(x.entry);
}

/* The newest cap envelopes are found, with the right place; older ones never with a wrong one. */
static void
test_ring(void **state) {
  enum { CAP = 64 };
  cf_index_t x = make(CAP);
  uint64_t   next = 0, seq = 0;
  cf_hash_t  ids[8], root;
  for (int round = 0; round < 200; round++) {
    uint32_t cnt = (uint32_t)(round * 7 % 9);
    if (cnt > 8) cnt = 8;
    for (uint32_t i = 0; i < cnt; i++) ids[i] = id_of(next + i);
    cf_index_add(&x, ++seq, ids, cnt, &root);
    next += cnt;
    for (uint64_t n = 0; n < next; n++) {
      cf_hash_t         id = id_of(n);
      cf_index_entry_t *e  = cf_index_find(&x, &id);
      if (next - n <= CAP) assert_non_null(e);
      else assert_null(e);
    }
    if (cnt) {
      cf_index_entry_t *e = cf_index_find(&x, &ids[cnt - 1]);
      assert_int_equal(e->sequence, seq);
      assert_int_equal(e->position, cnt - 1);
    }
  }
  free(x.entry);
}

static size_t
walk(cf_index_t *x, cf_hash_t const *id, uint64_t *sequences) {
  cf_index_entry_t *e = cf_index_find(x, id);
  cf_index_result_t r;
  size_t            n = 0;
  for (uint64_t at = e ? e->results : 0; cf_index_result_next(x, id, &at, &r);) sequences[n++] = r.sequence;
  return n;
}

static void
test_results(void **state) {
  cf_index_t x = make(64);
  cf_hash_t  a = id_of(1), b = id_of(2), root;
  uint64_t   seq[64];
  cf_index_add(&x, 1, &a, 1, &root);
  assert_int_equal(walk(&x, &a, seq), 0);
  cf_index_result(&x, &a, 1, 10, 0, 5);
  cf_index_result(&x, &a, 3, 11, 0, 5);
  cf_index_result(&x, &a, 3, 11, 5, 5); /* two leaves of one receipt */
  cf_index_result(&x, &a, 3, 12, 0, 5); /* let out again after a restart: the same */
  assert_int_equal(walk(&x, &a, seq), 3);
  assert_int_equal(seq[0], 3);
  assert_int_equal(seq[2], 1);
  cf_index_result(&x, &b, 7, 13, 0, 1); /* of an envelope that is not known (any more) */
  assert_int_equal(walk(&x, &b, seq), 1);
  for (uint64_t i = 0; i < 64; i++) { /* the ring comes round: old results are gone, and lead to no stranger's */
    cf_hash_t c = id_of(100 + i);
    cf_index_result(&x, &c, 9, 14 + i, 0, 1);
  }
  assert_int_equal(walk(&x, &a, seq), 0);
  free(x.entry);
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_paths_are_the_tree_s), cmocka_unit_test(test_ring), cmocka_unit_test(test_results) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
