/* What the tests of this room share: files, the recorded bundle of a real software TPM, and a TPM played by the test. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cf_text.h"
#include "codec/cf_json.h"
#include "crypto/cf_hash.h"
#include "evidence/cf_evidence.h"

#define VECTORS CF_SOURCE_DIR "/tests/vectors/evidence/"

/* ---- files: kept until the program ends ---- */

static size_t file_used;

static inline cf_span_t file_read(char const *path) {
  static uint8_t pool[8 << 20];
  FILE          *f = fopen(path, "r");
  if (!f) return CF_SPAN(NULL, 0);
  size_t n = fread(pool + file_used, 1, sizeof pool - file_used, f);
  fclose(f);
  assert_true(n < sizeof pool - file_used);
  file_used += n;
  return CF_SPAN(pool + file_used - n, n);
}

/* Everything that was read so far is gone. */
static inline void file_forget(void) { file_used = 0; }

static inline cf_span_t file_need(char const *path) {
  cf_span_t s = file_read(path);
  if (!s.len) fail_msg("%s is missing", path);
  return s;
}

static inline cf_json_t json_need(char const *path) {
  cf_json_t  json;
  cf_error_t err = {0};
  if (cf_json_parse(&json, file_need(path), &err)) fail_msg("%s: %s", path, err.text);
  return json;
}

static inline cf_hash_t json_hash(cf_json_t obj, char const *key) {
  cf_hash_t h;
  if (cf_json_hex(h.b, sizeof h.b, cf_json_get(obj, key))) fail_msg("%s is no digest", key);
  return h;
}

static inline cf_span_t json_bytes(cf_json_t obj, char const *key) {
  static uint8_t pool[1 << 20];
  static size_t  used;
  cf_json_t      v = cf_json_get(obj, key);
  if (v.type != CF_JSON_STRING) fail_msg("%s is missing", key);
  size_t n = (v.text.len - 2) / 2;
  assert_true(n <= sizeof pool - used);
  if (cf_json_hex(pool + used, n, v)) fail_msg("%s is not hex", key);
  used += n;
  return CF_SPAN(pool + used - n, n);
}

static inline cf_hash_t fill(uint8_t v) {
  cf_hash_t h;
  memset(h.b, v, sizeof h.b);
  return h;
}

static inline void assert_hash(cf_hash_t got, cf_hash_t want) { assert_memory_equal(got.b, want.b, sizeof want.b); }
#define assert_span(a, b)                                                                                                        \
  do {                                                                                                                           \
    assert_int_equal((a).len, (b).len);                                                                                          \
    assert_memory_equal((a).ptr, (b).ptr, (b).len);                                                                              \
  } while (0)

/* ---- the recorded bundle ---- */

typedef struct {
  cf_json_t expect;
  cf_span_t evidence, statement, root;
  cf_hash_t domain;
  int64_t   at_s;
} bundle_t;

static inline bundle_t bundle_load(void) {
  bundle_t b = {.expect = json_need(VECTORS "swtpm/vector.json"),
                .evidence = file_need(VECTORS "swtpm/evidence.cbor"),
                .statement = file_need(VECTORS "swtpm/statement.cose"),
                .root = file_need(VECTORS "swtpm/root.der")};
  b.domain = json_hash(b.expect, "domain");
  assert_int_equal(cf_json_i64(&b.at_s, cf_json_get(b.expect, "verify_at")), CF_OK);
  return b;
}

/* ---- a TPM played by the test: what a P-256 attestation key would sign ---- */

typedef struct {
  cf_p256_key_t *key;
  uint8_t public[128];
  size_t public_sz;
} soft_ak_t;

#define SOFT_AK_ATTRIBUTES 0x00050472u /* fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, sign */

static inline soft_ak_t soft_ak(uint32_t attributes) {
  soft_ak_t     ak;
  cf_p256_pub_t pub;
  uint8_t       scalar[32] = {[31] = 7};
  cf_wr_t       wr = cf_wr_init(ak.public, sizeof ak.public);
  ak.key = cf_p256_key_from(scalar);
  cf_p256_key_pub(ak.key, &pub);
  cf_wr_u16(&wr, 0x0023);
  cf_wr_u16(&wr, CF_TPM_SHA256);
  cf_wr_u32(&wr, attributes);
  cf_wr_u16(&wr, 0);      /* policy */
  cf_wr_u16(&wr, 0x0010); /* symmetric */
  cf_wr_u16(&wr, 0x0018); /* ECDSA */
  cf_wr_u16(&wr, CF_TPM_SHA256);
  cf_wr_u16(&wr, 0x0003); /* P-256 */
  cf_wr_u16(&wr, 0x0010); /* KDF */
  cf_wr_u16(&wr, 32);
  cf_wr_bytes(&wr, pub.b, 32);
  cf_wr_u16(&wr, 32);
  cf_wr_bytes(&wr, pub.b + 32, 32);
  ak.public_sz = wr.len;
  return ak;
}

typedef struct {
  uint16_t bank;
  uint32_t mask;
  uint32_t magic;
  uint16_t type;
  bool     empty_bank; /* a second bank of which nothing is selected */
} soft_shape_t;
#define SOFT_SHAPE ((soft_shape_t){CF_TPM_SHA256, CF_TPM_EVIDENCE_PCRS, 0xff544347, 0x8018, false})

/* Writes a TPMS_ATTEST over extra and the digest of values. */
static inline cf_span_t soft_attest(uint8_t *buf, size_t max, soft_shape_t shape, cf_span_t extra, cf_span_t values) {
  cf_wr_t   wr = cf_wr_init(buf, max);
  cf_hash_t digest = cf_sha256(values);
  cf_wr_u32(&wr, shape.magic);
  cf_wr_u16(&wr, shape.type);
  cf_wr_u16(&wr, 0); /* qualified signer */
  cf_wr_u16(&wr, (uint16_t)extra.len);
  cf_wr_span(&wr, extra);
  cf_wr_u64(&wr, 1000);
  cf_wr_u32(&wr, 3);
  cf_wr_u32(&wr, 1);
  cf_wr_u8(&wr, 1);
  cf_wr_u64(&wr, 0x2016051100162800);
  cf_wr_u32(&wr, shape.empty_bank ? 2 : 1);
  cf_wr_u16(&wr, shape.bank);
  cf_wr_u8(&wr, 3);
  for (int i = 0; i < 3; i++) cf_wr_u8(&wr, (uint8_t)(shape.mask >> 8 * i));
  if (shape.empty_bank) cf_wr_be(&wr, 0x000c03000000, 6);
  cf_wr_u16(&wr, 32);
  cf_wr_hash(&wr, &digest);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

/* Writes a TPMT_SIGNATURE of ECDSA over SHA-256. */
static inline cf_span_t soft_sign(uint8_t *buf, size_t max, soft_ak_t const *ak, cf_span_t attest) {
  uint8_t   sig[64];
  cf_hash_t digest = cf_sha256(attest);
  cf_wr_t   wr = cf_wr_init(buf, max);
  cf_p256_sign(ak->key, sig, &digest);
  cf_wr_u16(&wr, 0x0018);
  cf_wr_u16(&wr, CF_TPM_SHA256);
  cf_wr_u16(&wr, 32);
  cf_wr_bytes(&wr, sig, 32);
  cf_wr_u16(&wr, 32);
  cf_wr_bytes(&wr, sig + 32, 32);
  return cf_wr_out(&wr);
}

#endif
