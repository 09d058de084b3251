/* A key file as Ethereum's wallets keep it: Web3 Secret Storage, version 3.  A secp256k1 key under a password; kdf scrypt or pbkdf2
   (hmac-sha256), cipher aes-128-ctr, mac keccak256(derived[16..32] || ciphertext).

   Strict where it counts: members of "crypto" are those of the definition and no others, numbers are numbers, and what the key
   derivation would cost is bounded before it begins.  At the top, what other wallets add is passed over. */
#ifndef CF_PARTY_KEYSTORE_H
#define CF_PARTY_KEYSTORE_H

#include "base/cf_error.h"
#include "crypto/cf_sign.h"

#define CF_KEYSTORE_MAX      4096 /* bytes of a file */
#define CF_KEYSTORE_SALT_MAX 64
#define CF_KEYSTORE_WRITTEN_MAX 768

typedef enum { CF_KEYSTORE_SCRYPT, CF_KEYSTORE_PBKDF2 } cf_keystore_kdf_t;

typedef struct {
  bool              has_addr; /* files need not say whose key they hold, and nothing vouches for it before it is open */
  cf_addr_t         addr;
  cf_keystore_kdf_t kdf;
  uint64_t          n, r, p; /* scrypt */
  uint64_t          rounds;  /* pbkdf2 */
  uint8_t           salt[CF_KEYSTORE_SALT_MAX];
  size_t            salt_sz;
  uint8_t           iv[16];
  uint8_t           ciphertext[32];
  uint8_t           mac[32];
  uint8_t           id[16]; /* a UUID; zero when there is none */
} cf_keystore_t;

/* cf_keystore_decode reads a file.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED: another version, cipher, kdf or prf; CF_ERR_BOUND: a file,
   salt or cost beyond what is taken.  err names the member.  Pure. */
CF_MUST_CHECK cf_status_t cf_keystore_decode(cf_keystore_t *out, cf_span_t in, cf_error_t *err);

/* cf_keystore_open gives the key, and checks that it is the address's where one is named.  scalar is zero unless it is CF_OK.
   CF_ERR_AUTH: wrong password, or an altered file; CF_ERR_FORMAT: opened, and no key; CF_ERR_POLICY: of another address;
   CF_ERR_BOUND, CF_ERR_IO: cf_scrypt. */
CF_MUST_CHECK cf_status_t cf_keystore_open(uint8_t scalar[32], cf_keystore_t const *k, cf_span_t password, cf_error_t *err);

/* cf_keystore_make puts a key under a password; by scrypt with n (a power of two), r 8, p 1.  CF_ERR_FORMAT: scalar is no key;
   CF_ERR_BOUND, CF_ERR_IO: cf_scrypt. */
#define CF_KEYSTORE_N (1u << 17) /* 128 MiB */
CF_MUST_CHECK cf_status_t cf_keystore_make(cf_keystore_t *out, uint8_t const scalar[32], cf_span_t password, uint64_t n,
                                           cf_entropy_t const *e);
/* cf_keystore_write appends the file, CF_KEYSTORE_WRITTEN_MAX bytes at most. */
void cf_keystore_write(cf_wr_t *wr, cf_keystore_t const *k);

#endif
