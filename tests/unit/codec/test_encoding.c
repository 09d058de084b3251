/* The vectors of docs/protocol/encoding.md, which a second implementation made (tests/vectors/codec/make_encoding.py). */
#include "codec/cf_cbor.h"
#include "codec/cf_cose.h"
#include "codec/cf_eip712.h"
#include "codec/cf_json.h"
#include "crypto/cf_aead.h"
#include "support.h"

static cf_span_t file;
static cf_json_t vectors;

static int set_up(void **state) {
  (void)state;
  cf_error_t err = { 0 };
  file           = read_whole(CF_SOURCE_DIR "/tests/vectors/codec/encoding.json");
  if (cf_json_parse(&vectors, file, &err)) fail_msg("%s at %zu", err.text, err.offset);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  free((void *)file.ptr);
  return 0;
}

static cf_json_t at(char const *part, char const *name) {
  cf_json_t v = cf_json_get(cf_json_get(vectors, part), name);
  if (v.type == CF_JSON_BAD) fail_msg("no vector %s.%s", part, name);
  return v;
}

/* bytes_at returns a hex vector's bytes, in memory that lasts to the end of the test. */
static cf_span_t bytes_at(char const *part, char const *name) {
  static uint8_t room[8][1024];
  static int     next;
  uint8_t       *buf = room[next++ % 8];
  cf_json_t      v   = at(part, name);
  size_t         n   = (v.text.len - 2) / 2;
  assert_true(n <= sizeof room[0]);
  assert_int_equal(cf_json_hex(buf, n, v), CF_OK);
  return CF_SPAN(buf, n);
}

static cf_hash_t hash_at(char const *part, char const *name) {
  cf_hash_t h;
  assert_int_equal(cf_json_hex(h.b, 32, at(part, name)), CF_OK);
  return h;
}

static char const *text_at(char const *part, char const *name) {
  static char room[4][128];
  static int  next;
  char       *buf = room[next++ % 4];
  assert_int_equal(cf_json_str(buf, sizeof room[0], at(part, name)), CF_OK);
  return buf;
}

static void assert_span(cf_span_t got, cf_span_t want) { assert_true(cf_span_eq(got, want)); }
#define ASSERT_HASH(got, part, name)                                                                                             \
  do {                                                                                                                           \
    cf_hash_t got_ = (got), want_ = hash_at(part, name);                                                                         \
    assert_true(cf_hash_eq(&got_, &want_));                                                                                      \
  } while (0)

static void test_cbor(void **state) {
  (void)state;
  static uint64_t const numbers[] = { 0, 23, 24, 255, 256, 65535, 65536, 0x100000000, UINT64_MAX };
  cf_span_t             want      = bytes_at("cbor", "item");
  cf_hash_t             domain    = hash_at("hash", "domain");
  uint8_t               buf[256];
  cf_wr_t               wr = cf_wr_init(buf, sizeof buf);
  cf_cbor_w_map(&wr, 6);
  cf_cbor_w_int(&wr, 0);
  cf_cbor_w_uint(&wr, 1);
  cf_cbor_w_int(&wr, 1);
  cf_cbor_w_hash(&wr, &domain);
  cf_cbor_w_int(&wr, 2);
  cf_cbor_w_str(&wr, "\xc3\xbc");
  cf_cbor_w_int(&wr, 3);
  cf_cbor_w_array(&wr, COUNT(numbers));
  for (size_t i = 0; i < COUNT(numbers); i++) cf_cbor_w_uint(&wr, numbers[i]);
  cf_cbor_w_int(&wr, -1);
  cf_cbor_w_null(&wr);
  cf_cbor_w_int(&wr, -2);
  cf_cbor_w_int(&wr, INT64_MIN);
  assert_span(cf_wr_out(&wr), want);
  assert_int_equal(cf_cbor_check(want, NULL), CF_OK);
}

static void test_hash(void **state) {
  (void)state;
  ASSERT_HASH(cf_sha256(CF_SPAN_LIT("an example domain")), "hash", "domain");
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, text_at("hash", "tagged_what"));
  cf_sha256_s(&ctx, bytes_at("hash", "tagged_input"));
  ASSERT_HASH(cf_sha256_end(&ctx), "hash", "tagged");
}

static cf_p256_pub_t public_key(void) {
  cf_p256_pub_t  pub;
  cf_p256_key_t *key = cf_p256_key_from(bytes_at("keys", "p256_secret").ptr);
  assert_non_null(key);
  cf_p256_key_pub(key, &pub);
  cf_p256_key_free(key);
  return pub;
}

static void test_keys(void **state) {
  (void)state;
  cf_p256_pub_t pub = public_key();
  assert_span(CF_SPAN_OF(pub.b), bytes_at("keys", "p256_public"));
  ASSERT_HASH(cf_p256_thumbprint(&pub), "keys", "p256_thumbprint");
  cf_x25519_pub_t box;
  cf_x25519_pub(&box, bytes_at("keys", "x25519_secret").ptr);
  assert_span(CF_SPAN_OF(box.b), bytes_at("keys", "x25519_public"));
  cf_addr_t addr;
  assert_int_equal(cf_k256_addr(&addr, bytes_at("keys", "k256_secret").ptr), CF_OK);
  assert_span(CF_SPAN_OF(addr.b), bytes_at("keys", "k256_address"));
}

static void check_message(cf_span_t message, cf_span_t protected_hdr, char const *preimage_type, cf_span_t payload) {
  cf_p256_pub_t pub = public_key();
  cf_hash_t     kid = hash_at("keys", "p256_thumbprint");
  char const   *iss = text_at("cose", "iss"), *sub = text_at("cose", "sub"), *typ = text_at("cose", "typ");
  cf_cose_hdr_t hdr = { .kid           = CF_SPAN_OF(kid.b),
                        .iss           = CF_SPAN(iss, strlen(iss)),
                        .sub           = CF_SPAN(sub, strlen(sub)),
                        .typ           = CF_SPAN(typ, strlen(typ)),
                        .preimage_type = CF_SPAN(preimage_type, strlen(preimage_type)) };
  uint8_t       buf[1024];
  cf_wr_t       wr = cf_wr_init(buf, sizeof buf);
  cf_sign1_protected(&wr, &hdr);
  assert_span(cf_wr_out(&wr), protected_hdr);

  cf_sign1_t s;
  assert_int_equal(cf_sign1_decode(&s, message, typ, NULL), CF_OK);
  assert_span(s.protected_hdr, protected_hdr);
  assert_span(s.payload, payload);
  assert_span(s.hdr.iss, hdr.iss);
  assert_span(s.hdr.sub, hdr.sub);
  assert_span(s.hdr.kid, hdr.kid);
  assert_span(s.hdr.preimage_type, hdr.preimage_type);
  assert_int_equal(cf_sign1_verify(&s, &pub), CF_OK);
  wr = cf_wr_init(buf, sizeof buf);
  cf_sign1_assemble(&wr, s.protected_hdr, s.payload, s.sig);
  assert_span(cf_wr_out(&wr), message);
}

static void test_cose(void **state) {
  (void)state;
  cf_span_t protected_hdr = bytes_at("cose", "protected"), payload = bytes_at("cose", "payload");
  cf_hash_t digest = cf_sign1_digest(protected_hdr, payload), want = cf_sha256(bytes_at("cose", "to_be_signed"));
  assert_true(cf_hash_eq(&digest, &want));
  check_message(bytes_at("cose", "message"), protected_hdr, "", payload);
  cf_hash_t hash = cf_sha256(payload);
  check_message(bytes_at("cose", "envelope_message"), bytes_at("cose", "envelope_protected"),
                text_at("cose", "envelope_preimage_type"), CF_SPAN_OF(hash.b));
}

static void test_document(void **state) {
  (void)state;
  ASSERT_HASH(cf_document_hash(bytes_at("cose", "protected"), bytes_at("cose", "payload")), "document", "hash");
  ASSERT_HASH(cf_document_hash(CF_SPAN(NULL, 0), bytes_at("document", "council_body")), "document", "council_hash");
}

static void test_eip712(void **state) {
  (void)state;
  uint64_t  chain_id;
  cf_addr_t contract, signer, want;
  cf_hash_t domain = hash_at("eip712", "domain"), words[8];
  assert_int_equal(cf_json_u64(&chain_id, at("eip712", "chain_id")), CF_OK);
  assert_int_equal(cf_json_hex(contract.b, 20, at("eip712", "contract")), CF_OK);
  cf_hash_t ledger = cf_eip712_domain(chain_id, &contract, &domain), wallet = cf_eip712_wallet_domain(&domain);
  ASSERT_HASH(ledger, "eip712", "ledger_separator");
  ASSERT_HASH(wallet, "eip712", "wallet_separator");

  size_t    n = 0, pos = 0;
  cf_json_t v;
  while (cf_json_each(at("eip712", "words"), &pos, NULL, &v)) assert_int_equal(cf_json_hex(words[n++].b, 32, v), CF_OK);
  char const *type   = text_at("eip712", "type");
  cf_hash_t   digest = cf_eip712_digest(&ledger, type, words, n);
  ASSERT_HASH(digest, "eip712", "ledger_digest");
  ASSERT_HASH(cf_eip712_digest(&wallet, type, words, n), "eip712", "wallet_digest");

  uint8_t sig[64];
  assert_int_equal(cf_k256_sign(sig, bytes_at("keys", "k256_secret").ptr, &digest), CF_OK);
  assert_span(CF_SPAN_OF(sig), bytes_at("eip712", "ledger_signature"));
  assert_int_equal(cf_k256_recover(&signer, sig, &digest), CF_OK);
  assert_int_equal(cf_json_hex(want.b, 20, at("keys", "k256_address")), CF_OK);
  assert_true(cf_addr_eq(&signer, &want));
}

int main(void) {
  cf_crypto_init();
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_cbor), cmocka_unit_test(test_hash),     cmocka_unit_test(test_keys),
    cmocka_unit_test(test_cose), cmocka_unit_test(test_document), cmocka_unit_test(test_eip712),
  };
  return cmocka_run_group_tests_name("encoding", tests, set_up, tear_down);
}
