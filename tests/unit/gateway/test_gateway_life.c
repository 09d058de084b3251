// link: enclave session workload translog ledger
/* The gateway with a real enclave, real witnesses and a real ledger process behind it. */
#include "party.h"

static void
test_bootstrap(void **state) {
  for (int one = 0; one < 2; one++) {
    town_t *t = town_new(11 + (uint64_t)one, one);
    if (!town_serves(t, 20000)) fail_msg("missing: %s", town_missing(t));
    cf_gateway_status_t s = cf_gateway_status(t->g);
    assert_int_equal(s.mode, 0);
    assert_int_equal(s.epoch, 2);
    assert_int_equal(t->statements, 1);
    town_free(t);
  }
}

/* Results of an envelope: each under its receipt's root. */
static size_t
check_results(town_t *t, cf_span_t env) {
  reply_t *r = get(t, "results", env);
  assert_int_equal(r->code, 200);
  static log_t l;
  log_read(t, &l);
  cf_rd_t rd = cf_rd_span(r->body);
  size_t  n  = cf_cbor_array(&rd);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(cf_cbor_array(&rd), 5);
    uint64_t  sequence = cf_cbor_uint(&rd), order = cf_cbor_uint(&rd);
    cf_hash_t salt = cf_cbor_hash(&rd), path[32];
    cf_span_t sealed = cf_cbor_bstr(&rd);
    size_t    cnt    = cf_cbor_array(&rd);
    for (size_t k = 0; k < cnt; k++) path[k] = cf_cbor_hash(&rd);
    cf_hash_t entry = cf_result_leaf(salt.b, (uint32_t)order, sealed), leaf = cf_tree_leaf(CF_SPAN_OF(entry.b));
    bool      found = false;
    for (size_t e = 0; e < l.cnt; e++) {
      cf_receipt_t doc;
      cf_sign1_t   s;
      cf_hash_t    root;
      if (cf_document_open(&doc, &s, &cf_receipt_table, l.entry[e], NULL) || doc.sequence != sequence) continue;
      memcpy(root.b, doc.results_root, 32);
      for (uint64_t size = 1; size <= 64 && !found; size++) /* how many leaves there are is not told */
        found = order < size && !cf_tree_inclusion_verify(&root, size, order, &leaf, path, cnt);
    }
    assert_true(found);
  }
  assert_true(cf_rd_done(&rd));
  return n;
}

static void
test_whole_life(void **state) {
  town_t   *t = town_new(3, false);
  party_t   p[3];
  cf_span_t env[4];
  unsigned  holds[4];
  assert_true(town_serves(t, 20000));
  for (uint32_t i = 0; i < 3; i++) party_init(t, &p[i], i + 1);
  fund(t, p, 3, 1000);
  town_run(t, 20000); /* V / 4 */
  env[0]      = pay(t, &p[0], 2, 300);
  env[1]      = pay(t, &p[1], 3, 500);
  env[2]      = pay(t, &p[2], 1, 100);
  env[3]      = pay(t, &p[0], 3, 5000);
  answer_t *a = post_and_wait(t, env, 4);
  assert_int_equal(a->receipts, 1);
  for (int i = 0; i < 4; i++) assert_int_equal(a->at[i].kind, 1);
  town_run(t, 3000);
  cf_gateway_status_t s = cf_gateway_status(t->g);
  assert_int_equal(s.settlements, 1);
  assert_int_equal(s.settled, 1);
  assert_int_equal(lane(t, 1), 800);
  assert_int_equal(lane(t, 2), 800);
  assert_int_equal(lane(t, 3), 1400);
  check_log(t, env, holds, 4);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(holds[i], 1);
    assert_true(check_results(t, env[i]) >= 1);
    reply_t          *r = get(t, "receipts", env[i]);
    cf_receipt_file_t f;
    assert_int_equal(r->code, 200);
    assert_int_equal(cf_receipt_file_decode(&f, r->body, NULL), CF_OK);
    assert_int_equal(f.index, i);
  }
  /* the same again is answered with the same receipt, and reaches nobody */
  uint64_t sequence = s.sequence;
  a                 = post_and_wait(t, env, 4);
  assert_int_equal(a->receipts, 1);
  for (int i = 0; i < 4; i++) assert_int_equal(a->at[i].kind, 1);
  town_run(t, 500);
  assert_int_equal(cf_gateway_status(t->g).sequence, sequence);
  town_free(t);
}

static int
setup(void **state) {
  cf_crypto_init();
  ciphers = cf_ciphers_new(cf_suite(1));
  return 0;
}

static int
teardown(void **state) {
  cf_ciphers_free(&ciphers);
  return 0;
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_bootstrap), cmocka_unit_test(test_whole_life) };
  return cmocka_run_group_tests(tests, setup, teardown);
}
