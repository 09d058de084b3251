#include "evidence/cf_credential.h"

#include <assert.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/cf_secret.h"
#include "crypto/cf_hash.h"
#include "evidence/cf_tpm.h"
#include "evidence/cf_x509_key.h"

#define EK_SZ 256
#define SEED_SZ 32

/* KDFa (part 1, 11.4.10.2) for at most one block of SHA-256: counter, label with its NUL, context, bits. */
static void kdfa(uint8_t *out, size_t out_sz, uint8_t const seed[SEED_SZ], char const *label, cf_span_t context) {
  uint8_t buf[4 + 16 + CF_TPM_NAME_MAX + 4];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u32(&wr, 1);
  cf_wr_bytes(&wr, label, strlen(label) + 1);
  cf_wr_span(&wr, context);
  cf_wr_u32(&wr, (uint32_t)(out_sz * 8));
  assert(!wr.bad && out_sz <= 32);
  cf_hash_t block = cf_hmac_sha256(CF_SPAN(seed, SEED_SZ), cf_wr_out(&wr));
  memcpy(out, block.b, out_sz);
  cf_wipe(&block, sizeof block);
}

/* RSA-OAEP with SHA-256 and the label "IDENTITY" NUL (part 1, B.10.4). */
static bool encrypt_seed(uint8_t out[EK_SZ], cf_key_t const *ek, uint8_t const seed[SEED_SZ]) {
  static char const label[] = "IDENTITY"; /* the NUL belongs to it */
  bool              ok = false;
  size_t            sz = EK_SZ;
  EVP_PKEY         *pkey = cf_key_to_pkey(ek);
  EVP_PKEY_CTX     *ctx = pkey ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
  void             *copy = OPENSSL_memdup(label, sizeof label); /* the context takes it over */
  if (!ctx || !copy || EVP_PKEY_encrypt_init(ctx) <= 0 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) <= 0 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) <= 0 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) <= 0 ||
      EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, sizeof label) <= 0) {
    OPENSSL_free(copy);
    goto out;
  }
  ok = EVP_PKEY_encrypt(ctx, out, &sz, seed, SEED_SZ) > 0 && sz == EK_SZ;
out:
  EVP_PKEY_CTX_free(ctx);
  EVP_PKEY_free(pkey);
  ERR_clear_error();
  return ok;
}

/* The symmetric key is used once, so the IV is zero (part 1, 24.4). */
static void encrypt_identity(uint8_t *out, uint8_t const key[16], cf_span_t in) {
  uint8_t const   iv[16] = {0};
  int             n = 0;
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  int             ok =
      ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key, iv) && EVP_EncryptUpdate(ctx, out, &n, in.ptr, (int)in.len);
  assert(ok && (size_t)n == in.len);
  EVP_CIPHER_CTX_free(ctx);
}

cf_status_t cf_credential_make(uint8_t out[CF_CREDENTIAL_SZ], cf_key_t const *ek, cf_span_t ak_name,
                               uint8_t const secret[CF_CREDENTIAL_SECRET_SZ], cf_entropy_t const *e) {
  if (ek->kind != CF_KEY_RSA || ek->sz != EK_SZ) return CF_ERR_UNSUPPORTED;
  if (ak_name.len == 0 || ak_name.len > CF_TPM_NAME_MAX) return CF_ERR_BOUND;

  uint8_t   seed[SEED_SZ], enc_key[16], mac_key[32], identity[2 + CF_CREDENTIAL_SECRET_SZ];
  uint8_t   maced[sizeof identity + CF_TPM_NAME_MAX];
  cf_hash_t mac;
  cf_wr_t wr = cf_wr_init(out, CF_CREDENTIAL_SZ), id = cf_wr_init(identity, sizeof identity), m = cf_wr_init(maced, sizeof maced);
  cf_entropy_fill(e, seed, sizeof seed);
  kdfa(enc_key, sizeof enc_key, seed, "STORAGE", ak_name);
  kdfa(mac_key, sizeof mac_key, seed, "INTEGRITY", CF_SPAN(NULL, 0));
  cf_wr_u16(&id, CF_CREDENTIAL_SECRET_SZ);
  cf_wr_bytes(&id, secret, CF_CREDENTIAL_SECRET_SZ);
  uint8_t *encrypted = cf_wr_room(&m, sizeof identity);
  encrypt_identity(encrypted, enc_key, CF_SPAN_OF(identity));
  cf_wr_span(&m, ak_name);
  mac = cf_hmac_sha256(CF_SPAN_OF(mac_key), cf_wr_out(&m)); /* over the ciphertext and the name */

  cf_wr_u16(&wr, 2 + 32 + sizeof identity);
  cf_wr_u16(&wr, 32);
  cf_wr_hash(&wr, &mac);
  cf_wr_bytes(&wr, encrypted, sizeof identity);
  cf_wr_u16(&wr, EK_SZ);
  uint8_t    *box = cf_wr_room(&wr, EK_SZ);
  cf_status_t st = box && encrypt_seed(box, ek, seed) ? CF_OK : CF_ERR_UNSUPPORTED; /* a modulus that is no key */
  assert(!wr.bad && wr.len == CF_CREDENTIAL_SZ);
  cf_wipe(seed, sizeof seed);
  cf_wipe(enc_key, sizeof enc_key);
  cf_wipe(mac_key, sizeof mac_key);
  cf_wipe(identity, sizeof identity);
  return st;
}
