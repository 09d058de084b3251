#include "codec/cf_eip712.h"

#include <assert.h>

static cf_hash_t keccak_text(char const *s) { return cf_keccak256(CF_SPAN(s, strlen(s))); }

cf_hash_t cf_word_u64(uint64_t v) {
  cf_hash_t w = { { 0 } };
  for (size_t i = 0; i < 8; i++) w.b[31 - i] = (uint8_t)(v >> (8 * i));
  return w;
}

cf_hash_t cf_word_addr(cf_addr_t const *a) {
  cf_hash_t w = { { 0 } };
  memcpy(w.b + 12, a->b, sizeof a->b);
  return w;
}

cf_hash_t cf_eip712_domain(uint64_t chain_id, cf_addr_t const *contract, cf_hash_t const *domain) {
  cf_hash_t words[] = {
    keccak_text("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"),
    keccak_text("Counterfoil"),
    keccak_text("1"),
    cf_word_u64(chain_id),
    cf_word_addr(contract),
    *domain,
  };
  return cf_keccak256_words(words, sizeof words / sizeof *words);
}

cf_hash_t cf_eip712_wallet_domain(cf_hash_t const *domain) {
  cf_hash_t words[] = {
    keccak_text("EIP712Domain(string name,string version,bytes32 salt)"),
    keccak_text("Counterfoil"),
    keccak_text("1"),
    *domain,
  };
  return cf_keccak256_words(words, sizeof words / sizeof *words);
}

cf_hash_t cf_eip712_digest(cf_hash_t const *separator, char const *type, cf_hash_t const *words, size_t n) {
  assert(n <= CF_EIP712_WORDS_MAX);
  cf_hash_t fields[1 + CF_EIP712_WORDS_MAX];
  fields[0] = keccak_text(type);
  if (n) memcpy(fields + 1, words, n * sizeof *words);
  cf_hash_t hash = cf_keccak256_words(fields, 1 + n);

  uint8_t signed_bytes[66] = { 0x19, 0x01 };
  memcpy(signed_bytes + 2, separator->b, 32);
  memcpy(signed_bytes + 34, hash.b, 32);
  return cf_keccak256(CF_SPAN_OF(signed_bytes));
}
