#include "codec/cf_eip712.h"

#include "support.h"

static cf_hash_t word_hex(char const *digits) {
  cf_hash_t w;
  hex(w.b, sizeof w.b, digits);
  return w;
}

static cf_hash_t text_hash(char const *s) { return cf_keccak256(CF_SPAN(s, strlen(s))); }

static void test_words(void **state) {
  (void)state;
  cf_hash_t w = cf_word_u64(0x0102030405060708);
  assert_hex(CF_SPAN_OF(w.b), "0000000000000000000000000000000000000000000000000102030405060708");
  cf_addr_t a = { { 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 0xee } };
  w           = cf_word_addr(&a);
  assert_hex(CF_SPAN_OF(w.b), "000000000000000000000000ff0102030405060708090a0b0c0d0e0f101112ee");
}

/* The example of EIP-712 ("Ether Mail"), up to its signature: members that are structs or strings are words as well. */
static void test_mail(void **state) {
  (void)state;
  cf_hash_t separator[] = {
    text_hash("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
    text_hash("Ether Mail"),
    text_hash("1"),
    cf_word_u64(1),
    word_hex("000000000000000000000000cccccccccccccccccccccccccccccccccccccccc"),
  };
  separator[0] = cf_keccak256_words(separator, COUNT(separator));
  assert_hex(CF_SPAN_OF(separator[0].b), "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");

  cf_hash_t cow[]   = { text_hash("Person(string name,address wallet)"), text_hash("Cow"),
                        word_hex("000000000000000000000000cd2a3d9f938e13cd947ec05abc7fe734df8dd826") };
  cf_hash_t bob[]   = { cow[0], text_hash("Bob"), word_hex("000000000000000000000000bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb") };
  cf_hash_t words[] = { cf_keccak256_words(cow, 3), cf_keccak256_words(bob, 3), text_hash("Hello, Bob!") };
  cf_hash_t digest =
      cf_eip712_digest(separator, "Mail(Person from,Person to,string contents)Person(string name,address wallet)", words, 3);
  assert_hex(CF_SPAN_OF(digest.b), "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");

  /* r and s of the example; v = 28 is bit 255 of s (EIP-2098) */
  cf_hash_t cow_key = text_hash("cow");
  uint8_t   sig[64];
  assert_int_equal(cf_k256_sign(sig, cow_key.b, &digest), CF_OK);
  assert_hex(CF_SPAN_OF(sig), "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
                              "87299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562");
}

static void test_digest_sizes(void **state) {
  (void)state;
  cf_hash_t separator = cf_word_u64(7), words[CF_EIP712_WORDS_MAX];
  for (size_t n = 0; n <= CF_EIP712_WORDS_MAX; n++) {
    uint8_t buf[32 * (1 + CF_EIP712_WORDS_MAX)], outer[66] = { 0x19, 0x01 };
    for (size_t i = 0; i < n; i++) words[i] = cf_word_u64(1000 * n + i);
    cf_wr_t   wr   = cf_wr_init(buf, sizeof buf);
    cf_hash_t type = text_hash("T(uint256 a)");
    cf_wr_hash(&wr, &type);
    for (size_t i = 0; i < n; i++) cf_wr_hash(&wr, &words[i]);
    cf_hash_t hash = cf_keccak256(cf_wr_out(&wr));
    memcpy(outer + 2, separator.b, 32);
    memcpy(outer + 34, hash.b, 32);
    cf_hash_t want = cf_keccak256(CF_SPAN_OF(outer)), got = cf_eip712_digest(&separator, "T(uint256 a)", words, n);
    assert_true(cf_hash_eq(&got, &want));
  }
}

/* Every part of a domain enters its separator. */
static void test_domain_parts(void **state) {
  (void)state;
  cf_addr_t       contract = { { 1 } }, other_contract = { { 2 } };
  cf_hash_t       domain = cf_word_u64(1), other_domain = cf_word_u64(2);
  cf_hash_t const all[] = {
    cf_eip712_domain(1, &contract, &domain),
    cf_eip712_domain(2, &contract, &domain),
    cf_eip712_domain(1, &other_contract, &domain),
    cf_eip712_domain(1, &contract, &other_domain),
    cf_eip712_wallet_domain(&domain),
    cf_eip712_wallet_domain(&other_domain),
  };
  for (size_t i = 0; i < COUNT(all); i++)
    for (size_t j = 0; j < i; j++) assert_false(cf_hash_eq(&all[i], &all[j]));
}

int main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_words),
    cmocka_unit_test(test_mail),
    cmocka_unit_test(test_digest_sizes),
    cmocka_unit_test(test_domain_parts),
  };
  return cmocka_run_group_tests_name("eip712", tests, NULL, NULL);
}
