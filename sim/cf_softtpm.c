#include "cf_softtpm.h"

#include <assert.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "codec/cf_cose.h"
#include "crypto/cf_hash.h"
#include "document/cf_documents.h"
#include "document/cf_measure.h"

enum {
  ALG_ECC = 0x23,
  ALG_SHA256 = 0x0b,
  ALG_NULL = 0x10,
  ALG_ECDSA = 0x18,
  CURVE_P256 = 3,
  SEED_SZ = 32,
  IDENTITY_SZ = 34,
  BOX_SZ = 256
};
#define AK_ATTRIBUTES 0x00050472u /* fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, sign */
#define CA_FROM 1600000000
#define CA_UNTIL 2000000000

/* ---- the CA ---- */

static void extend(X509 *x, X509 *issuer, char const *name, char const *value) {
  CONF *conf = NCONF_new(NULL);
  BIO  *text = BIO_new_mem_buf("[tpm]\n0.2.23.133.2.1=id:43465449\n1.2.23.133.2.2=counterfoil-sim\n2.2.23.133.2.3=id:1\n", -1);
  long  line;
  X509V3_CTX ctx;
  int        ok = NCONF_load_bio(conf, text, &line);
  X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
  X509V3_set_nconf(&ctx, conf);
  X509_EXTENSION *e = X509V3_EXT_nconf(conf, &ctx, name, value);
  assert(ok > 0 && e && X509_add_ext(x, e, -1));
  X509_EXTENSION_free(e);
  BIO_free(text);
  NCONF_free(conf);
}

static X509 *certify(EVP_PKEY *key, EVP_PKEY *by, X509 *issuer, long serial, bool ca) {
  X509 *x = X509_new();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
  ASN1_TIME_set(X509_getm_notBefore(x), CA_FROM);
  ASN1_TIME_set(X509_getm_notAfter(x), CA_UNTIL);
  if (ca) X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (unsigned char const *)"simulator", -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
  X509_set_pubkey(x, key);
  X509 *from = issuer ? issuer : x;
  extend(x, from, "basicConstraints", ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  extend(x, from, "keyUsage", ca ? "critical,keyCertSign,cRLSign" : "critical,keyEncipherment");
  if (!ca) {
    extend(x, from, "extendedKeyUsage", "2.23.133.8.1");
    extend(x, from, "subjectAltName", "critical,dirName:tpm");
  }
  int ok = X509_sign(x, by, EVP_sha256());
  assert(ok > 0);
  return x;
}

static size_t der_of(uint8_t *out, size_t max, X509 *x) {
  uint8_t *at = out;
  int      n = i2d_X509(x, NULL);
  assert(n > 0 && (size_t)n <= max);
  return (size_t)i2d_X509(x, &at);
}

cf_soft_ca_t const *cf_soft_ca(void) {
  static cf_soft_ca_t ca;
  if (ca.ek_key) return &ca;
  static cf_drbg_t drbg;
  cf_hash_t        seed = cf_sha256(CF_SPAN_LIT("the simulator's authority"));
  cf_drbg_init(&drbg, &seed);
  cf_crypto_seed_libcrypto(cf_drbg_entropy(&drbg));
  EVP_PKEY *root = EVP_EC_gen("P-256"), *ek = EVP_RSA_gen(2048);
  assert(root && ek);
  X509 *root_x = certify(root, root, NULL, 1, true), *ek_x = certify(ek, root, root_x, 2, false);
  ca.root_sz = der_of(ca.root, sizeof ca.root, root_x);
  ca.ek_sz = der_of(ca.ek, sizeof ca.ek, ek_x);
  ca.root_hash = cf_sha256(CF_SPAN(ca.root, ca.root_sz));
  ca.ek_key = ek;
  X509_free(root_x);
  X509_free(ek_x);
  EVP_PKEY_free(root);
  return &ca;
}

/* ---- the attestation key, PCRs ---- */

static void registers(cf_hash_t out[11]) {
  for (size_t i = 0; i < 11; i++) out[i] = cf_sha256(CF_SPAN(&"firmware and kernel"[i], 1));
}

void cf_softtpm_measurement(cf_hash_t *out, cf_hash_t const *program, cf_hash_t const *configuration) {
  cf_hash_t pcrs[11];
  registers(pcrs);
  *out = cf_measurement(CF_PLATFORM_TPM, program, configuration, CF_SPAN(pcrs, sizeof pcrs));
}

void cf_softtpm_init(cf_softtpm_t *t, cf_entropy_t const *e) {
  cf_p256_pub_t pub;
  cf_wr_t       wr = cf_wr_init(t->ak_public, sizeof t->ak_public);
  memset(t, 0, sizeof *t);
  t->ak = cf_p256_key_new(e);
  t->ek = EVP_PKEY_dup(cf_soft_ca()->ek_key);
  assert(t->ek);
  cf_p256_key_pub(t->ak, &pub);
  cf_wr_u16(&wr, ALG_ECC);
  cf_wr_u16(&wr, ALG_SHA256);
  cf_wr_u32(&wr, AK_ATTRIBUTES);
  cf_wr_u16(&wr, 0); /* policy */
  cf_wr_u16(&wr, ALG_NULL);
  cf_wr_u16(&wr, ALG_ECDSA);
  cf_wr_u16(&wr, ALG_SHA256);
  cf_wr_u16(&wr, CURVE_P256);
  cf_wr_u16(&wr, ALG_NULL);
  for (int half = 0; half < 2; half++) {
    cf_wr_u16(&wr, 32);
    cf_wr_bytes(&wr, pub.b + 32 * half, 32);
  }
  t->ak_public_sz = wr.len;
}

void cf_softtpm_fini(cf_softtpm_t *t) {
  cf_p256_key_free(t->ak);
  EVP_PKEY_free(t->ek);
  t->ak = NULL;
  t->ek = NULL;
}

void cf_softtpm_reset(cf_softtpm_t *t, cf_hash_t const *program, cf_hash_t const *configuration, cf_hash_t const *domain) {
  t->program = *program;
  t->configuration = *configuration;
  t->domain = *domain;
  t->reset_cnt++;
}

void cf_softtpm_identify(cf_softtpm_t *t, uint8_t const identity[64]) {
  cf_p256_pub_t pub;
  memcpy(pub.b, identity, 64);
  memcpy(t->identity, identity, 64);
  t->instance = cf_p256_thumbprint(&pub);
}

/* ---- quote ---- */

static cf_span_t attest(cf_softtpm_t const *t, uint8_t *buf, size_t max, cf_hash_t const *binding, cf_span_t values) {
  cf_wr_t   wr = cf_wr_init(buf, max);
  cf_hash_t digest = cf_sha256(values);
  cf_wr_u32(&wr, 0xff544347); /* TPM_GENERATED */
  cf_wr_u16(&wr, 0x8018);     /* a quote */
  cf_wr_u16(&wr, 0);          /* qualified signer */
  cf_wr_u16(&wr, 32);
  cf_wr_hash(&wr, binding);
  cf_wr_u64(&wr, 1000); /* clock */
  cf_wr_u32(&wr, t->reset_cnt);
  cf_wr_u32(&wr, 0); /* restarts */
  cf_wr_u8(&wr, 1);  /* safe */
  cf_wr_u64(&wr, 1); /* firmware */
  cf_wr_u32(&wr, 1);
  cf_wr_u16(&wr, ALG_SHA256);
  cf_wr_u8(&wr, 3);
  for (int i = 0; i < 3; i++) cf_wr_u8(&wr, (uint8_t)(CF_TPM_EVIDENCE_PCRS >> 8 * i));
  cf_wr_u16(&wr, 32);
  cf_wr_hash(&wr, &digest);
  return cf_wr_out(&wr);
}

static cf_span_t sign(cf_softtpm_t const *t, uint8_t *buf, size_t max, cf_span_t message) {
  uint8_t   sig[64];
  cf_hash_t digest = cf_sha256(message);
  cf_wr_t   wr = cf_wr_init(buf, max);
  cf_p256_sign(t->ak, sig, &digest);
  cf_wr_u16(&wr, ALG_ECDSA);
  cf_wr_u16(&wr, ALG_SHA256);
  for (int half = 0; half < 2; half++) {
    cf_wr_u16(&wr, 32);
    cf_wr_bytes(&wr, sig + 32 * half, 32);
  }
  return cf_wr_out(&wr);
}

void cf_softtpm_quote(cf_softtpm_t *t, cf_wr_t *evidence, cf_hash_t *binding, cf_span_t certificate, cf_span_t nonces) {
  cf_soft_ca_t const *ca = cf_soft_ca();
  cf_tpm_evidence_t   e = {.version = 1,
                           .ak_public = CF_SPAN(t->ak_public, t->ak_public_sz),
                           .ek_chain = CF_SPAN(ca->ek, ca->ek_sz),
                           .certificate = certificate,
                           .nonces = nonces};
  uint8_t             attest_buf[256], sig_buf[128];
  cf_hash_t           pcrs[CF_TPM_EVIDENCE_PCR_CNT], low[11];
  cf_sign1_t          s;
  cf_status_t         st = cf_sign1_decode(&s, certificate, cf_epoch_table.typ, NULL);
  assert(!st);
  (void)st;
  cf_hash_t hash = cf_document_hash(s.protected_hdr, s.payload), list = cf_nonces_hash(nonces);
  *binding = cf_binding(&hash, &list);
  registers(low);
  memcpy(pcrs, low, 10 * sizeof *pcrs);
  pcrs[10] = cf_pcr11(&t->program, &t->configuration, &t->domain);
  pcrs[11] = cf_pcr12(&t->instance);
  pcrs[12] = low[10];
  memcpy(e.pcrs, pcrs, sizeof e.pcrs);
  e.attest = attest(t, attest_buf, sizeof attest_buf, binding, CF_SPAN(pcrs, sizeof pcrs));
  e.signature = sign(t, sig_buf, sizeof sig_buf, e.attest);
  memcpy(e.identity, t->identity, 64);
  memcpy(e.program, t->program.b, 32);
  memcpy(e.configuration, t->configuration.b, 32);
  cf_carrier_encode(evidence, &e);
}

/* ---- activation (TCG TPM 2.0 Library, part 1, 24) ---- */

static bool open_seed(cf_softtpm_t const *t, uint8_t seed[SEED_SZ], uint8_t const box[BOX_SZ]) {
  static char const label[] = "IDENTITY";
  uint8_t           out[BOX_SZ];
  size_t            n = sizeof out;
  EVP_PKEY_CTX     *ctx = EVP_PKEY_CTX_new(t->ek, NULL);
  bool              ok = EVP_PKEY_decrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
            EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0 &&
            EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_memdup(label, sizeof label), sizeof label) > 0 &&
            EVP_PKEY_decrypt(ctx, out, &n, box, BOX_SZ) > 0 && n == SEED_SZ;
  EVP_PKEY_CTX_free(ctx);
  if (ok) memcpy(seed, out, SEED_SZ);
  return ok;
}

static cf_hash_t kdfa(uint8_t const seed[SEED_SZ], char const *label, cf_span_t context, uint32_t bits) {
  uint8_t buf[128];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u32(&wr, 1);
  cf_wr_bytes(&wr, label, strlen(label) + 1);
  cf_wr_span(&wr, context);
  cf_wr_u32(&wr, bits);
  return cf_hmac_sha256(CF_SPAN(seed, SEED_SZ), cf_wr_out(&wr));
}

static void decrypt(uint8_t *out, cf_hash_t const *key, cf_span_t in) {
  uint8_t const   iv[16] = {0};
  int             n = 0;
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  int             ok =
      EVP_DecryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key->b, iv) && EVP_DecryptUpdate(ctx, out, &n, in.ptr, (int)in.len);
  assert(ok && (size_t)n == in.len);
  EVP_CIPHER_CTX_free(ctx);
}

cf_status_t cf_softtpm_activate(cf_softtpm_t const *t, uint8_t secret[32], cf_span_t challenge) {
  uint8_t   name[34] = {0, ALG_SHA256}, seed[SEED_SZ], maced[IDENTITY_SZ + sizeof name], plain[IDENTITY_SZ];
  cf_hash_t digest = cf_sha256(CF_SPAN(t->ak_public, t->ak_public_sz));
  cf_rd_t   rd = cf_rd_span(challenge);
  cf_wr_t   m = cf_wr_init(maced, sizeof maced);
  memcpy(name + 2, digest.b, 32);
  uint16_t       blob = cf_rd_u16(&rd);
  uint16_t       mac_sz = cf_rd_u16(&rd);
  cf_hash_t      mac = cf_rd_hash(&rd);
  uint8_t const *sealed = cf_rd_take(&rd, IDENTITY_SZ);
  uint16_t       box_sz = cf_rd_u16(&rd);
  uint8_t const *box = cf_rd_take(&rd, BOX_SZ);
  if (!cf_rd_done(&rd) || blob != 2 + 32 + IDENTITY_SZ || mac_sz != 32 || box_sz != BOX_SZ) return CF_ERR_FORMAT;
  if (!open_seed(t, seed, box)) return CF_ERR_AUTH;
  cf_hash_t mac_key = kdfa(seed, "INTEGRITY", CF_SPAN(NULL, 0), 256), enc_key = kdfa(seed, "STORAGE", CF_SPAN_OF(name), 128);
  cf_wr_bytes(&m, sealed, IDENTITY_SZ);
  cf_wr_bytes(&m, name, sizeof name);
  cf_hash_t want = cf_hmac_sha256(CF_SPAN_OF(mac_key.b), cf_wr_out(&m));
  if (!cf_hash_eq(&mac, &want)) return CF_ERR_AUTH;
  decrypt(plain, &enc_key, CF_SPAN(sealed, IDENTITY_SZ));
  if (plain[0] != 0 || plain[1] != 32) return CF_ERR_AUTH;
  memcpy(secret, plain + 2, 32);
  return CF_OK;
}
