/* What a machine's hardware does: evidence over the report data asked for.  It is the good case of each platform in
   tests/vectors/evidence, with that data in it, signed anew by the throw-away key of its machine, which make_snp.py,
   make_nitro.py and make_quotes.py draw from its name.  So the collateral that stands beside the case verifies it. */
#ifndef SIGNER_H
#define SIGNER_H

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "../unit/evidence/books.h"
#include "../unit/evidence/quotes.h"

#include "evidence/cf_eventlog.h"
#include "evidence/cf_rtmr.h"

#define SIGNER_BLOB_MAX 65536

typedef struct {
  size_t  len;
  uint8_t bytes[SIGNER_BLOB_MAX];
} blob_t;

/* ---- keys ---- */

static inline BIGNUM *scalar(EC_GROUP const *group, uint8_t const *drawn, size_t n, bool from_one) {
  BIGNUM *d = BN_bin2bn(drawn, (int)n, NULL), *order = BN_dup(EC_GROUP_get0_order(group));
  BN_CTX *ctx = BN_CTX_new();
  if (from_one) assert_true(BN_sub_word(order, 1));
  assert_true(BN_mod(d, d, order, ctx));
  if (from_one) assert_true(BN_add_word(d, 1));
  BN_CTX_free(ctx);
  BN_free(order);
  return d;
}

static inline EVP_PKEY *key_of(int nid, char const *curve, uint8_t const *drawn, size_t n, bool from_one) {
  EC_GROUP       *group = EC_GROUP_new_by_curve_name(nid);
  BIGNUM         *d = scalar(group, drawn, n, from_one);
  EC_POINT       *q = EC_POINT_new(group);
  uint8_t         point[97];
  OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
  EVP_PKEY_CTX   *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  EVP_PKEY       *key = NULL;
  assert_true(EC_POINT_mul(group, q, d, NULL, NULL, NULL));
  size_t len = EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, NULL);
  OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0);
  OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d);
  OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, len);
  OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
  assert_true(EVP_PKEY_fromdata_init(ctx) > 0 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) > 0);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(bld);
  EVP_PKEY_CTX_free(ctx);
  EC_POINT_free(q);
  EC_GROUP_free(group);
  BN_free(d);
  return key;
}

/* pki.py: P384(label). */
static inline EVP_PKEY *key_384(char const *label) {
  uint8_t drawn[64];
  for (size_t at = 0; at < sizeof drawn; at += 32) {
    char text[96];
    snprintf(text, sizeof text, "counterfoil platforms %s %zu", label, at);
    cf_hash_t h = cf_sha256(CF_SPAN(text, strlen(text)));
    memcpy(drawn + at, h.b, 32);
  }
  return key_of(NID_secp384r1, "P-384", drawn, 48, false);
}

/* make_quotes.py: Key.of(name). */
static inline EVP_PKEY *key_256(char const *name) {
  char text[96];
  snprintf(text, sizeof text, "counterfoil test key %s", name);
  cf_hash_t h = cf_sha256(CF_SPAN(text, strlen(text)));
  return key_of(NID_X9_62_prime256v1, "P-256", h.b, 32, true);
}

/* r || s, n bytes each, big-endian. */
static inline void sign(uint8_t *rs, size_t n, EVP_PKEY *key, EVP_MD const *md, cf_span_t message) {
  uint8_t        der[128];
  uint8_t const *at = der;
  size_t         len = sizeof der;
  EVP_MD_CTX    *ctx = EVP_MD_CTX_new();
  assert_true(EVP_DigestSignInit(ctx, NULL, md, NULL, key) > 0 && EVP_DigestSign(ctx, der, &len, message.ptr, message.len) > 0);
  ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
  assert_true(BN_bn2binpad(ECDSA_SIG_get0_r(sig), rs, (int)n) > 0 && BN_bn2binpad(ECDSA_SIG_get0_s(sig), rs + n, (int)n) > 0);
  ECDSA_SIG_free(sig);
  EVP_MD_CTX_free(ctx);
  EVP_PKEY_free(key);
}

/* ---- good cases, read once ---- */

typedef struct {
  bool    read;
  case_t  c;
  uint8_t bytes[1 << 16];
} good_case_t;

static inline case_t const *good_case(good_case_t *g, char const *file, char const *name) {
  size_t at = 0;
  if (g->read) return &g->c;
  book_open(file);
  case_find(&g->c, name);
  for (size_t i = 0; i < g->c.ask.item_cnt + g->c.ask.root_cnt; i++) { /* the next case's bytes would stand where these do */
    cf_span_t *s = i < g->c.ask.item_cnt ? &g->c.items[i].bytes : &g->c.roots[i - g->c.ask.item_cnt].der;
    assert_true(s->len <= sizeof g->bytes - at);
    memcpy(g->bytes + at, s->ptr, s->len);
    *s = CF_SPAN(g->bytes + at, s->len);
    at += s->len;
  }
  g->read = true;
  return &g->c;
}

/* ---- SNP ---- */

static inline cf_span_t snp_item(cf_role_t role) {
  static good_case_t good;
  case_t const      *c = good_case(&good, "snp.json", "Milan, version 3");
  for (size_t i = 0; i < c->ask.item_cnt; i++)
    if (c->items[i].role == role) return c->items[i].bytes;
  fail_msg("no such item");
  return CF_SPAN(NULL, 0);
}

static inline void snp_report(blob_t *out, uint8_t const data[64], unsigned vmpl) {
  cf_span_t base = snp_item(CF_ROLE_REPORT);
  uint8_t   rs[96];
  assert_int_equal(base.len, 1184);
  out->len = base.len;
  memcpy(out->bytes, base.ptr, base.len);
  out->bytes[0x30] = (uint8_t)vmpl;
  memcpy(out->bytes + 0x50, data, 64);
  sign(rs, 48, key_384("vcek"), EVP_sha384(), CF_SPAN(out->bytes, 0x2a0));
  for (size_t i = 0; i < 48; i++) {
    out->bytes[0x2a0 + i] = rs[47 - i];
    out->bytes[0x2e8 + i] = rs[95 - i];
  }
}

/* The host's table: VCEK, ASK, ARK. */
static inline void snp_table(blob_t *out) {
  static struct {
    char const *guid;
    cf_role_t   role;
  } const rows[] = {{"63da758de6644564adc5f4b93be8accd", CF_ROLE_VEK},
                    {"4ab7b379bbac4fe4a02f05aef327c782", CF_ROLE_ASK},
                    {"c0b406a4a80349529743"
                     "3fb6014cd0ae",
                     CF_ROLE_ARK}};
  size_t at = sizeof rows / sizeof rows[0] * 24 + 24;
  memset(out->bytes, 0, at);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    cf_span_t der = snp_item(rows[i].role);
    uint8_t  *e = out->bytes + 24 * i;
    assert_int_equal(cf_hex_decode(e, 16, CF_SPAN(rows[i].guid, 32)), CF_OK);
    e[16] = (uint8_t)at, e[17] = (uint8_t)(at >> 8);
    e[20] = (uint8_t)der.len, e[21] = (uint8_t)(der.len >> 8);
    memcpy(out->bytes + at, der.ptr, der.len);
    at += der.len;
  }
  out->len = at;
}

/* ---- TDX, SGX ---- */

static inline quotes_t *quotes_all(void) {
  static quotes_t *all;
  return all ? all : (all = quotes_load(VECTORS "quotes.json"));
}

/* A CC event log (CCEL): two events for each register, and what firmware fills the rest of its table with. */
static inline void ccel(blob_t *out) {
  static uint8_t const spec[] = "Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x0c\0\x30\0"; /* SHA-384 alone; no vendor's bytes */
  memset(out->bytes, 0xff, out->len = 32768);
  memset(out->bytes, 0, 32);
  out->bytes[4] = CF_EVENT_NO_ACTION;
  out->bytes[28] = sizeof spec;
  memcpy(out->bytes + 32, spec, sizeof spec);
  uint8_t *at = out->bytes + 32 + sizeof spec;
  for (uint8_t i = 0; i < 2 * CF_RTMR_CNT; i++) {
    uint8_t const head[] = {(uint8_t)(1 + i % CF_RTMR_CNT), 0, 0, 0, 0x0d, 0, 0, 0, 1, 0, 0, 0, 0x0c, 0};
    uint8_t       digest[64];
    cf_digest_tpm(digest, CF_TPM_SHA384, CF_SPAN(&i, 1));
    memcpy(at, head, sizeof head);
    memcpy(at + sizeof head, digest, CF_RTMR_SZ);
    at += sizeof head + CF_RTMR_SZ;
    memcpy(at, "\1\0\0\0", 4);
    at[4] = i;
    at += 5;
  }
}

/* rtmrs: where a TD's log leads to; NULL: the registers of the case. */
static inline void intel_quote(blob_t *out, char const *title, uint8_t const data[64], cf_rtmrs_t const *rtmrs) {
  quote_case_t *c = quotes_find(quotes_all(), title);
  cf_quote_t    q;
  out->len = 0;
  for (size_t i = 0; i < c->item_cnt; i++) {
    if (c->items[i].role != CF_ROLE_QUOTE) continue;
    out->len = c->items[i].bytes.len;
    memcpy(out->bytes, c->items[i].bytes.ptr, out->len);
  }
  assert_int_equal(cf_quote_decode(&q, CF_SPAN(out->bytes, out->len), NULL), CF_OK);
  memcpy(out->bytes + (cf_quote_report_data(&q) - out->bytes), data, 64);
  if (rtmrs) memcpy(out->bytes + (q.body - out->bytes) + CF_TD_RTMR, rtmrs->value, sizeof rtmrs->value);
  sign(out->bytes + (q.signature - out->bytes), 32, key_256("attestation"), EVP_sha256(), q.covered);
}

/* ---- Nitro ---- */

static inline void optional(cf_wr_t *wr, char const *name, cf_span_t value) {
  cf_cbor_w_str(wr, name);
  if (value.ptr) cf_cbor_w_bstr(wr, value);
  else cf_cbor_w_null(wr);
}

static inline void nitro_document(blob_t *out, cf_span_t user_data, cf_span_t nonce, cf_span_t public_key) {
  static good_case_t  good;
  static uint8_t      payload[16384], to_sign[20000];
  uint8_t             rs[96];
  cf_nitro_document_t d;
  cf_wr_t             wr = cf_wr_init(payload, sizeof payload), tbs = cf_wr_init(to_sign, sizeof to_sign),
          all = cf_wr_init(out->bytes, sizeof out->bytes);
  case_t const *c = good_case(&good, "nitro.json", "as it should be");
  assert_int_equal(cf_nitro_document_decode(&d, c->items[0].bytes, NULL), CF_OK);
  cf_cbor_w_map(&wr, 9);
  cf_cbor_w_str(&wr, "module_id");
  cf_cbor_w_tstr(&wr, d.module_id);
  cf_cbor_w_str(&wr, "digest");
  cf_cbor_w_str(&wr, "SHA384");
  cf_cbor_w_str(&wr, "timestamp");
  cf_cbor_w_uint(&wr, d.timestamp_ms);
  cf_cbor_w_str(&wr, "pcrs");
  cf_cbor_w_map(&wr, 16);
  for (unsigned i = 0; i < 16; i++) {
    cf_cbor_w_uint(&wr, i);
    cf_cbor_w_bstr(&wr, d.pcr[i]);
  }
  cf_cbor_w_str(&wr, "certificate");
  cf_cbor_w_bstr(&wr, d.certificate);
  cf_cbor_w_str(&wr, "cabundle");
  cf_cbor_w_array(&wr, d.bundle_cnt);
  for (size_t i = 0; i < d.bundle_cnt; i++) cf_cbor_w_bstr(&wr, d.bundle[i]);
  optional(&wr, "public_key", public_key);
  optional(&wr, "user_data", user_data);
  optional(&wr, "nonce", nonce);
  cf_cbor_w_array(&tbs, 4);
  cf_cbor_w_str(&tbs, "Signature1");
  cf_cbor_w_bstr(&tbs, d.sign1.protected_hdr);
  cf_cbor_w_bstr(&tbs, CF_SPAN("", 0));
  cf_cbor_w_bstr(&tbs, cf_wr_out(&wr));
  sign(rs, 48, key_384("nitro leaf"), EVP_sha384(), cf_wr_out(&tbs));
  cf_cbor_w_array(&all, 4);
  cf_cbor_w_bstr(&all, d.sign1.protected_hdr);
  cf_cbor_w_map(&all, 0);
  cf_cbor_w_bstr(&all, cf_wr_out(&wr));
  cf_cbor_w_bstr(&all, CF_SPAN_OF(rs));
  assert_true(!wr.bad && !tbs.bad && !all.bad);
  out->len = all.len;
}

#endif
