#include "log_test.h"

#include "translog/cf_line.h"
#include "translog/cf_proof.h"
#include "translog/cf_submission.h"

static cf_hash_t path_5_8[3];

static int
setup(void **state) {
  path_5_8[0] = example_leaf(4);
  cf_hash_t l6 = example_leaf(6), l7 = example_leaf(7);
  path_5_8[1] = cf_sha256_node(&l6, &l7);
  path_5_8[2] = example_root(4);
  return 0;
}

static cf_witness_set_t
example_set(void) {
  uint8_t seed[32];
  return (cf_witness_set_t){ .log    = key_from(seed, 0, EXAMPLE_ORIGIN, CF_VKEY_LOG),
                             .cnt    = 1,
                             .member = { key_from(seed, 0x20, EXAMPLE_WITNESS, CF_VKEY_WITNESS) },
                             .k      = 1 };
}

/* ---- .tlog-proof ---- */

#define P0 "GUu1otW9EOXRqm/V1CmAs1bK8dpiPNmYfEv6L4F3Htc=\n"
#define P1 "1EgFk1RgUwW/k2qmoOTHCTIclg4rpskhuYuaFlMZy+I=\n"

static cf_span_t
proof_text(uint8_t *buf, size_t max, char const *extra) {
  cf_tlog_proof_t p = { .extra = SPAN_STR(extra), .index = 5, .path_cnt = 3, .note = CF_SPAN_LIT(EXAMPLE_NOTE) };
  memcpy(p.path, path_5_8, sizeof path_5_8);
  cf_wr_t wr = cf_wr_init(buf, max);
  cf_tlog_proof_write(&wr, &p);
  return cf_wr_out(&wr);
}

static void
test_tlog_proof(void **state) {
  uint8_t          buf[2048];
  cf_span_t        text = proof_text(buf, sizeof buf, "");
  cf_tlog_proof_t  p;
  cf_cosigned_t    head;
  cf_witness_set_t set = example_set();
  cf_hash_t        leaf = example_leaf(5), other = example_leaf(4);
  static char const start[] = "c2sp.org/tlog-proof@v1\nindex 5\n" P0 P1;
  assert_memory_equal(text.ptr, start, sizeof start - 1);
  ASSERT_STATUS(CF_OK, cf_tlog_proof_parse(&p, text, NULL));
  ASSERT_STATUS(CF_OK, cf_tlog_proof_verify(&head, &p, &leaf, &set, NULL));
  assert_int_equal(head.size, 8);
  assert_int_equal(head.time_s, 1700000000);
  ASSERT_STATUS(CF_ERR_AUTH, cf_tlog_proof_verify(&head, &p, &other, &set, NULL));
  p.index = 4;
  ASSERT_STATUS(CF_ERR_AUTH, cf_tlog_proof_verify(&head, &p, &leaf, &set, NULL));
  p.index = 8;
  ASSERT_STATUS(CF_ERR_FORMAT, cf_tlog_proof_verify(&head, &p, &leaf, &set, NULL));
  p.index = 5, p.path_cnt = 2;
  ASSERT_STATUS(CF_ERR_FORMAT, cf_tlog_proof_verify(&head, &p, &leaf, &set, NULL));
  set.k = 0;
  ASSERT_STATUS(CF_ERR_POLICY, cf_tlog_proof_verify(&head, &p, &leaf, &set, NULL));

  text = proof_text(buf, sizeof buf, "aGVsbG8=");
  ASSERT_STATUS(CF_OK, cf_tlog_proof_parse(&p, text, NULL));
  ASSERT_SPAN(CF_SPAN_LIT("aGVsbG8="), p.extra);
}

static void
test_tlog_proof_form(void **state) {
#define V "c2sp.org/tlog-proof@v1\n"
  static struct { char const *in; cf_status_t want; } const cases[] = {
    { V "index 0\n\nnote", CF_OK },
    { V "extra aGVsbG8=\nindex 0\n" P0 "\n", CF_OK },
    { "c2sp.org/tlog-proof@v2\nindex 0\n\n", CF_ERR_UNSUPPORTED },
    { "", CF_ERR_FORMAT },
    { "c2sp.org/tlog-proof@v1", CF_ERR_FORMAT },
    { V, CF_ERR_FORMAT },
    { V "extra \nindex 0\n\n", CF_ERR_FORMAT },
    { V "extra aGVsbG9=\nindex 0\n\n", CF_ERR_FORMAT },
    { V "index 0\nextra aGVsbG8=\n\n", CF_ERR_FORMAT },
    { V "index 00\n\n", CF_ERR_FORMAT },
    { V "index 99999999999999999999\n\n", CF_ERR_BOUND },
    { V "index\n\n", CF_ERR_FORMAT },
    { V "index 0\n" P0, CF_ERR_FORMAT },
    { V "index 0\nAAAA\n\n", CF_ERR_FORMAT },
  };
  cf_tlog_proof_t p;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    ASSERT_STATUS(cases[i].want, cf_tlog_proof_parse(&p, SPAN_STR(cases[i].in), NULL));

  static uint8_t big[CF_TLOG_PROOF_MAX + 1];
  for (size_t cnt = CF_TREE_PATH_MAX; cnt <= CF_TREE_PATH_MAX + 1; cnt++) {
    cf_wr_t wr = cf_wr_init(big, sizeof big);
    cf_wr_span(&wr, CF_SPAN_LIT(V "index 0\n"));
    for (size_t i = 0; i < cnt; i++) cf_wr_span(&wr, CF_SPAN_LIT(P0));
    cf_wr_span(&wr, CF_SPAN_LIT("\n"));
    ASSERT_STATUS(cnt > CF_TREE_PATH_MAX ? CF_ERR_BOUND : CF_OK, cf_tlog_proof_parse(&p, cf_wr_out(&wr), NULL));
  }
  ASSERT_STATUS(CF_ERR_BOUND, cf_tlog_proof_parse(&p, CF_SPAN_OF(big), NULL));
}

/* ---- the body of add-checkpoint ---- */

/* FORMATS-LOG section 5 */
static void
test_known_submission(void **state) {
#define BODY \
  "old 3\nBJ19zbVrz+vTEzBMmDnxlqPUtu873AsIKY+TrIGR8Kg=\nJ0ebarMh0u5HdFL2i6UndI6GPK/o+9HfK/idFXDRtpc=\n" \
  "LyelCCwdQq+kiKw1Cp/EOQwIT1T3Hs3/hZ6Y24QptHk=\n5CnFtcyqlSPDcpfxhGdm+QMTfoIZXFGZ5r5XEw0QBsg=\n\n"
  cf_submission_t s;
  uint8_t         buf[1024];
  ASSERT_STATUS(CF_OK, cf_submission_parse(&s, CF_SPAN_LIT(BODY "note"), NULL));
  assert_int_equal(s.old_size, 3);
  assert_int_equal(s.path_cnt, 4);
  ASSERT_SPAN(CF_SPAN_LIT("note"), s.note);
  cf_hash_t old = example_root(3), new = example_root(7);
  ASSERT_STATUS(CF_OK, cf_tree_consistency_verify(&old, 3, &new, 7, s.path, s.path_cnt));
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_submission_write(&wr, &s);
  ASSERT_SPAN(CF_SPAN_LIT(BODY "note"), cf_wr_out(&wr));
}

static void
test_submission_form(void **state) {
  static uint8_t big[CF_NOTE_MAX + 1];
  static struct { char const *in; cf_status_t want; } const cases[] = {
    { "old 0\n\n", CF_OK },        { "old 0\n" P0 "\nx", CF_OK },     { "", CF_ERR_FORMAT },           { "old 0", CF_ERR_FORMAT },
    { "old 0\n", CF_ERR_FORMAT },  { "old 00\n\n", CF_ERR_FORMAT },   { "old -1\n\n", CF_ERR_FORMAT }, { "new 0\n\n", CF_ERR_FORMAT },
    { "old  0\n\n", CF_ERR_FORMAT }, { "old 0\nAAAA\n\n", CF_ERR_FORMAT }, { "old 0\r\n\r\n", CF_ERR_FORMAT },
    { "old 18446744073709551616\n\n", CF_ERR_BOUND },
  };
  cf_submission_t s;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    ASSERT_STATUS(cases[i].want, cf_submission_parse(&s, SPAN_STR(cases[i].in), NULL));
  ASSERT_STATUS(CF_ERR_BOUND, cf_submission_parse(&s, CF_SPAN_OF(big), NULL));
}

/* ---- COSE receipts ---- */

/* FORMATS-LOG section 9 (e): entry 5 in 8, alg -8 */
static char const known_receipt[] =
    "d284582fa4012704446c6f67310fa201766578616d706c652e636f6d2f7465652d6c656467657202666a6f622f343219018b01a119018ca12081586a83080583"
    "5820194bb5a2d5bd10e5d1aa6fd5d42980b356caf1da623cd9987c4bfa2f81771ed75820d448059354605305bf936aa6a0e4c709321c960e2ba6c921b98b9a16"
    "5319cbe25820256b9e8825e5d370a4ae005d0901ea291977e2927f5cf8e3e72660dd09519edbf6584048a1eb6eb9a62392eac042c8e1d58e5f59a09efb1a06f4"
    "aaf360c0956d0668a9a62ec2d577f65596f371f340bad68f48ef66e027cf82b69dedb5838bd73f770d";

static size_t
known_bytes(uint8_t *out) {
  size_t n = strlen(known_receipt) / 2;
  assert_int_equal(cf_hex_decode(out, n, SPAN_STR(known_receipt)), CF_OK);
  return n;
}

static void
test_known_receipt(void **state) {
  uint8_t          bytes[512], again[512], seed[32];
  size_t           n = known_bytes(bytes);
  cf_log_receipt_t r;
  cf_hash_t        root, leaf = example_leaf(5);
  ASSERT_STATUS(CF_OK, cf_log_receipt_decode(&r, CF_SPAN(bytes, n), NULL));
  assert_int_equal(r.alg, -8);
  assert_int_equal(r.size, 8);
  assert_int_equal(r.index, 5);
  ASSERT_SPAN(CF_SPAN_LIT("log1"), r.kid);
  ASSERT_SPAN(CF_SPAN_LIT(EXAMPLE_ORIGIN), r.origin);
  ASSERT_SPAN(CF_SPAN_LIT("job/42"), r.sub);
  ASSERT_STATUS(CF_OK, cf_tree_inclusion_root(&root, r.size, r.index, &leaf, r.path, r.path_cnt));
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_log_receipt_signed(&wr, r.protected_hdr, &root);
  assert_int_equal(wr.len, 96);
  cf_hash_t h = cf_sha256(cf_wr_out(&wr));
  ASSERT_HASH(hash_hex("b61597d0207bc7f63d7ea9eeebf2c7ce613982e2ecfa410e1c61414a1f3aa06d"), h);
  cf_vkey_t log = key_from(seed, 0, EXAMPLE_ORIGIN, CF_VKEY_LOG);
  ASSERT_STATUS(CF_OK, cf_ed25519_verify(&log.pub, r.sig, cf_wr_out(&wr)));
  wr = cf_wr_init(again, sizeof again);
  cf_log_receipt_assemble(&wr, &r);
  ASSERT_SPAN(CF_SPAN(bytes, n), cf_wr_out(&wr));
}

static void
test_receipt_damage(void **state) {
  uint8_t          bytes[513], copy[513];
  size_t           n = known_bytes(bytes);
  cf_log_receipt_t r;
  for (size_t cut = 0; cut < n; cut++) ASSERT_STATUS(CF_ERR_FORMAT, cf_log_receipt_decode(&r, CF_SPAN(bytes, cut), NULL));
  bytes[n] = 0;
  ASSERT_STATUS(CF_ERR_FORMAT, cf_log_receipt_decode(&r, CF_SPAN(bytes, n + 1), NULL));
  static struct { char const *name; size_t at; uint8_t to; cf_status_t want; } const cases[] = {
    { "another tag", 0, 0xd3, CF_ERR_FORMAT },
    { "three items", 1, 0x83, CF_ERR_FORMAT },
    { "header without alg", 5, 0x02, CF_ERR_FORMAT },
    { "another tree", 50, 0x02, CF_ERR_UNSUPPORTED },
    { "label other than 396", 54, 0x8d, CF_ERR_FORMAT },
    { "a consistency proof", 56, 0x21, CF_ERR_FORMAT },
    { "two proofs", 57, 0x82, CF_ERR_FORMAT },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memcpy(copy, bytes, n);
    copy[cases[i].at] = cases[i].to;
    cf_status_t st = cf_log_receipt_decode(&r, CF_SPAN(copy, n), NULL);
    if (st != cases[i].want) print_message("%s\n", cases[i].name);
    ASSERT_STATUS(cases[i].want, st);
  }
  static uint8_t big[CF_LOG_RECEIPT_MAX + 1];
  ASSERT_STATUS(CF_ERR_BOUND, cf_log_receipt_decode(&r, CF_SPAN_OF(big), NULL));
}

static void
test_receipt_es256(void **state) {
  cf_drbg_t      drbg;
  cf_hash_t      seed = hash_hex("00000000000000000000000000000000000000000000000000000000000000aa");
  cf_p256_pub_t  pub, other_pub;
  cf_drbg_init(&drbg, &seed);
  cf_entropy_t   e   = cf_drbg_entropy(&drbg);
  cf_p256_key_t *key = cf_p256_key_new(&e), *other = cf_p256_key_new(&e);
  cf_p256_key_pub(key, &pub), cf_p256_key_pub(other, &other_pub);
  cf_hash_t kid = cf_p256_thumbprint(&pub), root = example_root(8), leaf = example_leaf(5), got;

  cf_log_receipt_t in = {.origin = CF_SPAN_LIT(EXAMPLE_ORIGIN),
                         .sub = CF_SPAN_LIT("receipt/41"),
                         .size = 8,
                         .index = 5,
                         .path_cnt = 3},
                   r;
  memcpy(in.path, path_5_8, sizeof path_5_8);
  uint8_t buf[CF_LOG_RECEIPT_MAX];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_log_receipt_encode(&wr, key, &in, &root);
  ASSERT_STATUS(CF_OK, cf_log_receipt_decode(&r, cf_wr_out(&wr), NULL));
  assert_int_equal(r.alg, -7);
  ASSERT_SPAN(CF_SPAN_OF(kid.b), r.kid);
  ASSERT_STATUS(CF_OK, cf_log_receipt_verify(&got, &r, &leaf, in.origin, &pub, NULL));
  ASSERT_HASH(root, got);

  cf_log_receipt_t bad = r;
  ASSERT_STATUS(CF_ERR_POLICY, cf_log_receipt_verify(&got, &bad, &leaf, CF_SPAN_LIT("example.com/other"), &pub, NULL));
  ASSERT_STATUS(CF_ERR_POLICY, cf_log_receipt_verify(&got, &bad, &leaf, in.origin, &other_pub, NULL));
  cf_hash_t other_kid = cf_p256_thumbprint(&other_pub);
  bad.kid = CF_SPAN_OF(other_kid.b); /* the other's name on this key's signature */
  ASSERT_STATUS(CF_ERR_AUTH, cf_log_receipt_verify(&got, &bad, &leaf, in.origin, &other_pub, NULL));
  bad = r, bad.alg = -8;
  ASSERT_STATUS(CF_ERR_UNSUPPORTED, cf_log_receipt_verify(&got, &bad, &leaf, in.origin, &pub, NULL));
  bad = r, bad.index = 8;
  ASSERT_STATUS(CF_ERR_FORMAT, cf_log_receipt_verify(&got, &bad, &leaf, in.origin, &pub, NULL));
  bad = r, bad.index = 4;
  ASSERT_STATUS(CF_ERR_AUTH, cf_log_receipt_verify(&got, &bad, &leaf, in.origin, &pub, NULL));
  bad = r, bad.path[1].b[0] ^= 1;
  ASSERT_STATUS(CF_ERR_AUTH, cf_log_receipt_verify(&got, &bad, &leaf, in.origin, &pub, NULL));
  bad = r, bad.sig[63] ^= 1;
  ASSERT_STATUS(CF_ERR_AUTH, cf_log_receipt_verify(&got, &bad, &leaf, in.origin, &pub, NULL));

  /* The one entry of a log: an empty path. */
  in.size = 1, in.index = 0, in.path_cnt = 0;
  leaf = root = example_leaf(0);
  wr          = cf_wr_init(buf, sizeof buf);
  cf_log_receipt_encode(&wr, key, &in, &root);
  ASSERT_STATUS(CF_OK, cf_log_receipt_decode(&r, cf_wr_out(&wr), NULL));
  ASSERT_STATUS(CF_OK, cf_log_receipt_verify(&got, &r, &leaf, in.origin, &pub, NULL));
  cf_p256_key_free(key);
  cf_p256_key_free(other);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_tlog_proof),      cmocka_unit_test(test_tlog_proof_form), cmocka_unit_test(test_known_submission),
    cmocka_unit_test(test_submission_form), cmocka_unit_test(test_known_receipt),   cmocka_unit_test(test_receipt_damage),
    cmocka_unit_test(test_receipt_es256),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
