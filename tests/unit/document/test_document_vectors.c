/* tests/vectors/document/documents.json, which a second implementation made (make_documents.py): the same documents made here,
   and its signatures verified. */
#include "codec/cf_json.h"
#include "document_world.h"

static char      file[1 << 17];
static cf_json_t vectors;
static example_t ex;

static int set_up(void **state) {
  cf_error_t err = {0};
  FILE      *f = fopen(CF_SOURCE_DIR "/tests/vectors/document/documents.json", "r");
  assert_non_null(f);
  size_t n = fread(file, 1, sizeof file, f);
  fclose(f);
  assert_true(n < sizeof file);
  if (cf_json_parse(&vectors, CF_SPAN(file, n), &err)) fail_msg("%s at %zu", err.text, err.offset);
  cf_hash_t code = example_hash("block 0", 0);
  example_init(&ex);
  example_found(&ex);
  example_deploy(&ex, &code);
  return 0;
}

/* The bytes of a vector, in memory that lasts. */
static cf_span_t bytes_of(cf_json_t obj, char const *key) {
  static uint8_t pool[1 << 17];
  static size_t  used;
  cf_json_t      v = cf_json_get(obj, key);
  if (v.type != CF_JSON_STRING) fail_msg("no vector %s", key);
  size_t n = (v.text.len - 2) / 2;
  assert_true(n <= sizeof pool - used);
  assert_int_equal(cf_json_hex(pool + used, n, v), CF_OK);
  used += n;
  return CF_SPAN(pool + used - n, n);
}

static cf_hash_t hash_of(cf_json_t obj, char const *key) {
  cf_span_t s = bytes_of(obj, key);
  cf_hash_t h;
  assert_int_equal(s.len, 32);
  memcpy(h.b, s.ptr, 32);
  return h;
}

/* Ours against theirs: all but the signature, which only has to verify. */
static void same(char const *name, cf_span_t ours, cf_p256_pub_t pub) {
  cf_json_t  v = cf_json_get(vectors, name);
  cf_hash_t  want = hash_of(v, "hash");
  cf_sign1_t a, b;
  assert_int_equal(cf_sign1_decode(&a, ours, NULL, NULL), CF_OK);
  assert_int_equal(cf_sign1_decode(&b, bytes_of(v, "message"), NULL, NULL), CF_OK);
  if (!cf_span_eq(a.payload, b.payload)) fail_msg("%s: another payload", name);
  assert_span(a.payload, bytes_of(v, "payload"));
  assert_span(a.protected_hdr, b.protected_hdr);
  assert_span(a.protected_hdr, bytes_of(v, "protected"));
  cf_hash_t is = cf_document_hash(a.protected_hdr, a.payload);
  assert_hash(is, want);
  assert_int_equal(cf_sign1_verify(&a, &pub), CF_OK);
  assert_int_equal(cf_sign1_verify(&b, &pub), CF_OK);
}

static uint8_t buf[CF_ENTRY_MAX];
#define BUF buf, sizeof buf

static void test_founding(void **state) {
  cf_hash_t domain = hash_of(vectors, "domain"), separator = hash_of(vectors, "separator"),
            policy = hash_of(vectors, "policy_hash");
  assert_hash(ex.domain, domain);
  assert_hash(ex.separator, separator);
  assert_hash(ex.policy_hash, policy);
  assert_span(ex.genesis.policy, bytes_of(cf_json_get(vectors, "policy"), "payload"));
  assert_span(ex.genesis_body, bytes_of(cf_json_get(vectors, "genesis"), "body"));
  same("genesis", ex.genesis_entry, example_p256_pub("log es256", 0));
  same("deployment", ex.deployment_entry, example_p256_pub("gateway", 0));
}

static void test_councils_word(void **state) {
  static char const *const names[] = {"genesis", "deployment"};
  for (int i = 0; i < 2; i++) {
    cf_council_doc_t d;
    cf_sign1_t       s;
    assert_int_equal(cf_sign1_decode(&s, bytes_of(cf_json_get(vectors, names[i]), "message"), NULL, NULL), CF_OK);
    assert_int_equal(cf_council_doc_decode(&d, s.payload, NULL), CF_OK);
    assert_span(d.body, bytes_of(cf_json_get(vectors, names[i]), "body"));
    assert_int_equal(cf_council_doc_verify(&d, &ex.genesis.councils[0], &ex.separator, T0, NULL), CF_OK);
  }
}

static void test_enclave(void **state) {
  instance_t i = instance_make(0);
  i.boot = 2;
  same("boot", entry_boot(BUF, &ex, &i), i.identity_pub);
  same("epoch", entry_certificate(BUF, &ex, &i), i.identity_pub);

  cf_json_t    hashes = cf_json_get(vectors, "hashes");
  cf_hash_t    previous = hash_of(hashes, "receipt_first_previous"), before = hash_of(hashes, "receipt_first_state");
  cf_hash_t    after = example_hash("state", 0), hash;
  cf_receipt_t r = example_receipt(&ex, &i, 1, &previous, &before, &after);
  memcpy(r.abandon, example_hash("abandon", 0).b, 32);
  same("receipt", entry_receipt(BUF, &hash, &r, i.receipt), i.receipt_pub);

  cf_ear_t       ear = example_ear(&ex, &i);
  cf_p256_key_t *key = example_p256("verifier es256", 0);
  cf_wr_t        wr = cf_wr_init(BUF);
  cf_ear_seal(&wr, &ear, key, "verifier-0");
  same("ear", cf_wr_out(&wr), example_p256_pub("verifier es256", 0));
  cf_p256_key_free(key);
  instance_free(&i);
}

static void test_gateway(void **state) {
  cf_p256_key_t      *key = example_p256("gateway", 0);
  cf_p256_pub_t       pub = example_p256_pub("gateway", 0);
  cf_settlement_doc_t s = {.first = 1, .last = 2, .log_size = 9, .epoch = 2};
  struct {
    uint8_t    *to;
    char const *label;
  } const hashes[] = {
      {s.salt, "salt"},       {s.meta, "meta"},          {s.prev_head, "prev head"},         {s.state_root, "state root"},
      {s.entries, "entries"}, {s.receipts, "receipts"},  {s.receipts_root, "receipts root"}, {s.log_root, "log root"},
      {s.body, "body"},       {s.signature, "signature"}};
  for (size_t i = 0; i < CF_COUNT_OF(hashes); i++) memcpy(hashes[i].to, example_hash(hashes[i].label, 0).b, 32);
  memcpy(s.signature + 32, example_hash("signature", 1).b, 32);
  cf_wr_t wr = cf_wr_init(BUF);
  cf_document_seal(&wr, NULL, &cf_settlement_doc_table, &s, key, "gateway", "settlement");
  same("settlement", cf_wr_out(&wr), pub);

  cf_promise_t p = {.epoch = 2, .given = T0 + 50, .until = T0 + 3650};
  memcpy(p.domain, ex.domain.b, 32);
  memcpy(p.envelope, example_hash("envelope", 0).b, 32);
  wr = cf_wr_init(BUF);
  cf_document_seal(&wr, NULL, &cf_promise_table, &p, key, "gateway", "promise");
  same("promise", cf_wr_out(&wr), pub);

  cf_configuration_t c = {.version = 1,
                          .workload = CF_SPAN_LIT("clearing"),
                          .workload_version = 1,
                          .suite = 1,
                          .parties_max = 64,
                          .leaves_max = 1024,
                          .sessions_max = 64,
                          .batch_max = 256,
                          .envelope_max = 4096};
  wr = cf_wr_init(BUF);
  cf_table_encode(&wr, &cf_configuration_table, &c);
  assert_span(cf_wr_out(&wr), bytes_of(cf_json_get(vectors, "configuration"), "payload"));
  cf_p256_key_free(key);
}

static void test_receipt_file(void **state) {
  cf_receipt_file_t f;
  cf_span_t         in = bytes_of(vectors, "receipt_file");
  assert_int_equal(cf_receipt_file_decode(&f, in, NULL), CF_OK);
  assert_int_equal(f.index, 7);
  assert_int_equal(f.path_cnt, 3);
  for (unsigned i = 0; i < 3; i++) {
    cf_hash_t node = example_hash("node", i);
    assert_hash(f.path[i], node);
  }
  assert_span(f.receipt, bytes_of(cf_json_get(vectors, "receipt"), "message"));
  cf_wr_t wr = cf_wr_init(BUF);
  cf_receipt_file_encode(&wr, &f);
  assert_span(cf_wr_out(&wr), in);
}

static void test_hashes(void **state) {
  cf_json_t hashes = cf_json_get(vectors, "hashes");
  cf_hash_t salt = example_hash("salt", 0), digest = example_hash("digest", 0), sealing = example_hash("sealing", 0);
  cf_hash_t got[] = {cf_epoch_keys_hash(1, sealing.b, example_p256_pub("receipt key", 0).b, example_addr("settlement", 0).b),
                     cf_receipt_first_previous(&ex.domain), cf_receipt_first_state(&ex.domain),
                     cf_result_leaf(salt.b, 5, CF_SPAN_LIT("a sealed result")), cf_intent(salt.b, &digest)};
  static char const *const names[] = {"epoch_keys", "receipt_first_previous", "receipt_first_state", "result_leaf", "intent"};
  for (size_t i = 0; i < CF_COUNT_OF(got); i++) {
    cf_hash_t want = hash_of(hashes, names[i]);
    assert_hash(got[i], want);
  }
  cf_hash_t two[2], next = cf_result_leaf(digest.b, 6, CF_SPAN_LIT("another"));
  cf_result_leaf_2(two, (uint8_t const *const[2]){salt.b, digest.b}, 5,
                   (cf_span_t const[2]){CF_SPAN_LIT("a sealed result"), CF_SPAN_LIT("another")});
  assert_hash(two[0], got[3]);
  assert_hash(two[1], next);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_founding), cmocka_unit_test(test_councils_word), cmocka_unit_test(test_enclave),
      cmocka_unit_test(test_gateway),  cmocka_unit_test(test_receipt_file),  cmocka_unit_test(test_hashes),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
