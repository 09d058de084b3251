/* EIP-712 digests, under Counterfoil's ledger domain and wallet domain. */
#ifndef CF_CODEC_EIP712_H
#define CF_CODEC_EIP712_H

#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"

/* Words: 32-byte big-endian values, the only ABI shapes we use. */
cf_hash_t cf_word_u64(uint64_t v);
cf_hash_t cf_word_addr(cf_addr_t const *a);

/* cf_eip712_domain is the domain separator of
   EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)
   with name "Counterfoil", version "1", salt = domain. */
cf_hash_t cf_eip712_domain(uint64_t chain_id, cf_addr_t const *contract, cf_hash_t const *domain);
/* The wallet's domain, for signatures that no ledger checks: the same without chainId and verifyingContract:
   EIP712Domain(string name,string version,bytes32 salt). */
cf_hash_t cf_eip712_wallet_domain(cf_hash_t const *domain);
/* cf_eip712_digest is keccak256(0x1901 || separator || keccak256(keccak256(type) || words)).
   n <= CF_EIP712_WORDS_MAX; an array among the fields is a word too, the keccak256 of its elements (cf_keccak256_words). */
#define CF_EIP712_WORDS_MAX 32
cf_hash_t cf_eip712_digest(cf_hash_t const *separator, char const *type, cf_hash_t const *words, size_t n);

#endif
