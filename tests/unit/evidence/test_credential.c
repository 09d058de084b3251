/* MakeCredential against an unmaking written here from the specification (TPM 2.0 Library, part 1, 24), with the private key at
   hand; a real TPM undoes it in the platform room's tests.  And the challenge for every key that it is not for. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "evidence/cf_credential.h"
#include "support.h"

static cf_key_t key_of(EVP_PKEY *pkey) {
  uint8_t    *der = NULL;
  int         n = i2d_PUBKEY(pkey, &der);
  cf_key_t    key;
  cf_status_t st = cf_key_from_spki(&key, CF_SPAN(der, (size_t)n));
  OPENSSL_free(der);
  assert_int_equal(st, CF_OK);
  return key;
}

static void hmac(uint8_t out[32], void const *key, size_t key_sz, cf_span_t in) {
  unsigned n = 32;
  assert_non_null(HMAC(EVP_sha256(), key, (int)key_sz, in.ptr, in.len, out, &n));
}

/* KDFa, spelt out */
static void kdfa(uint8_t out[32], uint8_t const seed[32], char const *label, cf_span_t context, uint32_t bits) {
  uint8_t in[128] = {0, 0, 0, 1};
  size_t  n = 4;
  memcpy(in + n, label, strlen(label) + 1);
  n += strlen(label) + 1;
  memcpy(in + n, context.ptr ? (void const *)context.ptr : "", context.len);
  n += context.len;
  in[n++] = (uint8_t)(bits >> 24), in[n++] = (uint8_t)(bits >> 16), in[n++] = (uint8_t)(bits >> 8), in[n++] = (uint8_t)bits;
  hmac(out, seed, 32, CF_SPAN(in, n));
}

/* false when the integrity value does not fit: made for another name, or altered */
static bool unmake(uint8_t secret[32], EVP_PKEY *ek, cf_span_t name, uint8_t const in[CF_CREDENTIAL_SZ]) {
  uint8_t       seed[256], key[32], mac_key[32], mac[32], over[34 + CF_TPM_NAME_MAX], identity[34], iv[16] = {0};
  size_t        seed_sz = sizeof seed;
  int           n = 0;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ek, NULL);
  void         *label = OPENSSL_memdup("IDENTITY", 9);
  assert_true(EVP_PKEY_decrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0 &&
              EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, 9) > 0);
  bool opened = EVP_PKEY_decrypt(ctx, seed, &seed_sz, in + 72, 256) > 0;
  EVP_PKEY_CTX_free(ctx);
  if (!opened) return false;
  assert_int_equal(seed_sz, 32);
  assert_memory_equal(in, "\x00\x44\x00\x20", 4);
  assert_memory_equal(in + 70, "\x01\x00", 2);
  kdfa(mac_key, seed, "INTEGRITY", CF_SPAN(NULL, 0), 256);
  memcpy(over, in + 36, 34);
  memcpy(over + 34, name.ptr, name.len);
  hmac(mac, mac_key, 32, CF_SPAN(over, 34 + name.len));
  if (memcmp(mac, in + 4, 32)) return false;
  kdfa(key, seed, "STORAGE", name, 128);
  EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
  assert_true(EVP_DecryptInit_ex(c, EVP_aes_128_cfb128(), NULL, key, iv) && EVP_DecryptUpdate(c, identity, &n, in + 36, 34));
  EVP_CIPHER_CTX_free(c);
  assert_memory_equal(identity, "\x00\x20", 2);
  memcpy(secret, identity + 2, 32);
  return true;
}

static void test_round_trip(void **state) {
  (void)state;
  EVP_PKEY    *ek = EVP_RSA_gen(2048), *other = EVP_RSA_gen(2048);
  cf_key_t     pub = key_of(ek);
  cf_entropy_t e = cf_entropy_system();
  uint8_t      secret[32], got[32], out[CF_CREDENTIAL_SZ], again[CF_CREDENTIAL_SZ], name[34] = {0, 0x0b, 7};
  memset(secret, 0x5c, sizeof secret);
  assert_int_equal(cf_credential_make(out, &pub, CF_SPAN_OF(name), secret, &e), CF_OK);
  assert_true(unmake(got, ek, CF_SPAN_OF(name), out));
  assert_memory_equal(got, secret, 32);
  assert_false(unmake(got, other, CF_SPAN_OF(name), out));
  assert_int_equal(cf_credential_make(again, &pub, CF_SPAN_OF(name), secret, &e), CF_OK);
  assert_memory_not_equal(out, again, sizeof out); /* fresh seed, fresh padding */
  name[5] ^= 1;
  assert_false(unmake(got, ek, CF_SPAN_OF(name), out));
  name[5] ^= 1;
  for (size_t at = 4; at < 70; at++) { /* any byte of MAC and ciphertext */
    out[at] ^= 1;
    assert_false(unmake(got, ek, CF_SPAN_OF(name), out));
    out[at] ^= 1;
  }
  EVP_PKEY_free(ek);
  EVP_PKEY_free(other);
}

static void test_refused(void **state) {
  (void)state;
  EVP_PKEY    *keys[2] = {EVP_RSA_gen(3072), EVP_EC_gen("P-256")}, *ek = EVP_RSA_gen(2048);
  cf_entropy_t e = cf_entropy_system();
  uint8_t      secret[32] = {0}, out[CF_CREDENTIAL_SZ], name[CF_TPM_NAME_MAX + 1] = {0};
  for (int i = 0; i < 2; i++) {
    cf_key_t pub = key_of(keys[i]);
    assert_int_equal(cf_credential_make(out, &pub, CF_SPAN(name, 34), secret, &e), CF_ERR_UNSUPPORTED);
    EVP_PKEY_free(keys[i]);
  }
  cf_key_t pub = key_of(ek);
  assert_int_equal(cf_credential_make(out, &pub, CF_SPAN(name, 0), secret, &e), CF_ERR_BOUND);
  assert_int_equal(cf_credential_make(out, &pub, CF_SPAN(name, CF_TPM_NAME_MAX), secret, &e), CF_OK);
  assert_int_equal(cf_credential_make(out, &pub, CF_SPAN(name, CF_TPM_NAME_MAX + 1), secret, &e), CF_ERR_BOUND);
  memset(pub.b, 0, pub.sz); /* a modulus that is no key */
  assert_int_equal(cf_credential_make(out, &pub, CF_SPAN(name, 34), secret, &e), CF_ERR_UNSUPPORTED);
  EVP_PKEY_free(ek);
}

/* ---- statements ---- */

static void test_statements(void **state) {
  (void)state;
  uint8_t        scalar[32] = {[31] = 5}, buf[CF_STATEMENT_MAX], name[CF_AK_NAME_SZ] = {0, 0x0b, 1};
  cf_hash_t      ek = fill(2), domain = fill(3);
  cf_p256_key_t *key = cf_p256_key_from(scalar);
  cf_p256_pub_t  pub;
  cf_council_t   council = {.k = 1, .members_cnt = 2};
  cf_p256_key_pub(key, &pub);
  memcpy(council.members[1].es256, pub.b, 64);
  cf_statement_t st = {.ak_attributes = 0x50472, .time = 1000};
  memcpy(st.ak_name, name, sizeof name);
  memcpy(st.ek_certificate, ek.b, 32);
  memcpy(st.domain, domain.b, 32);
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_document_seal(&wr, NULL, &cf_statement_table, &st, key, "verifier", "enclave");
  cf_span_t           in = cf_wr_out(&wr);
  cf_statement_want_t want = {name, 0x50472, &ek, &domain, &council, 1000, 100, 5};
  size_t              member;
  int64_t             until;
  assert_int_equal(cf_statement_check(&member, &until, &want, in, NULL), CF_OK);
  assert_int_equal(member, 1);
  assert_int_equal(until, 1100);
  struct {
    int64_t     at_s;
    cf_status_t want;
  } const times[] = {{994, CF_ERR_STALE}, {995, CF_OK}, {1100, CF_OK}, {1101, CF_ERR_STALE}};
  for (size_t i = 0; i < 4; i++) {
    want.at_s = times[i].at_s;
    assert_int_equal(cf_statement_check(&member, &until, &want, in, NULL), times[i].want);
  }
  want.at_s = 1000;
  buf[in.len - 1] ^= 1;
  assert_int_equal(cf_statement_check(&member, &until, &want, in, NULL), CF_ERR_AUTH);
  buf[in.len - 1] ^= 1;
  council.members_cnt = 1;
  assert_int_equal(cf_statement_check(&member, &until, &want, in, NULL), CF_ERR_AUTH);
  council.members_cnt = 2;
  cf_hash_t other = fill(9);
  want.domain = &other;
  assert_int_equal(cf_statement_check(&member, &until, &want, in, NULL), CF_ERR_POLICY);
  want.domain = &domain, want.ek_certificate = &other;
  assert_int_equal(cf_statement_check(&member, &until, &want, in, NULL), CF_ERR_POLICY);
  want.ek_certificate = &ek, want.ak_attributes = 1;
  assert_int_equal(cf_statement_check(&member, &until, &want, in, NULL), CF_ERR_POLICY);
  assert_int_equal(cf_statement_check(&member, &until, &want, CF_SPAN(in.ptr, in.len - 1), NULL), CF_ERR_FORMAT);
  wr = cf_wr_init(buf, sizeof buf);
  cf_epoch_t ep = {.epoch = 1, .boot = 1, .suite = 1, .not_after = 1};
  cf_document_seal(&wr, NULL, &cf_epoch_table, &ep, key, "verifier", "enclave");
  assert_int_equal(cf_statement_check(&member, &until, &want, cf_wr_out(&wr), NULL), CF_ERR_UNSUPPORTED);
  cf_p256_key_free(key);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_statements)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
