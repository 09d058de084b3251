/* JWK keys and Azure's blob, made here; the real ones are among the shared vectors. */
#include "evidence/cf_hcl.h"
#include "support.h"

static cf_status_t jwk(cf_key_t *key, char const *text) {
  cf_json_t json;
  assert_int_equal(cf_json_parse(&json, CF_SPAN(text, strlen(text)), NULL), CF_OK);
  return cf_jwk_rsa(key, json);
}

static void test_jwk(void **state) {
  (void)state;
  struct {
    char const *text;
    cf_status_t want;
  } const cases[] = {
      {"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"_-8\"}", CF_OK},
      {"{\"kty\":\"EC\",\"e\":\"AQAB\",\"n\":\"_-8\"}", CF_ERR_UNSUPPORTED},
      {"{\"e\":\"AQAB\",\"n\":\"_-8\"}", CF_ERR_FORMAT},
      {"{\"kty\":\"RSA\",\"n\":\"_-8\"}", CF_ERR_FORMAT},
      {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", CF_ERR_FORMAT},
      {"{\"kty\":\"RSA\",\"e\":\"\",\"n\":\"_-8\"}", CF_ERR_FORMAT},
      {"{\"kty\":\"RSA\",\"e\":\"AQABAQAB\",\"n\":\"_-8\"}", CF_ERR_FORMAT}, /* an exponent of 6 bytes */
      {"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"/+8\"}", CF_ERR_FORMAT},     /* the other alphabet */
      {"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"_-8=\"}", CF_ERR_FORMAT},    /* padding */
      {"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"_-9\"}", CF_ERR_FORMAT},     /* spare bits */
      {"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AP-8\"}", CF_ERR_FORMAT},    /* a leading zero */
      {"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"_\"}", CF_ERR_FORMAT},
      {"[]", CF_ERR_FORMAT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_key_t key;
    if (jwk(&key, cases[i].text) != cases[i].want) fail_msg("%s", cases[i].text);
    if (i) continue;
    assert_int_equal(key.e, 65537);
    assert_int_equal(key.sz, 2);
    assert_memory_equal(key.b, "\xff\xef", 2);
  }
}

static char const runtime[] = "{\"keys\":[{\"kid\":\"HCLEkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AQ\"},"
                              "{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"_-8\"}]}";

static cf_span_t blob(uint8_t *buf, size_t max, uint32_t kind, uint32_t hash, char const *text) {
  static uint16_t const algs[] = {0, CF_TPM_SHA256, CF_TPM_SHA384, CF_TPM_SHA512, CF_TPM_SHA256};
  cf_wr_t               wr = cf_wr_init(buf, max);
  uint8_t               digest[64] = {0};
  size_t                n = strlen(text);
  cf_digest_tpm(digest, algs[hash], CF_SPAN(text, n));
  cf_wr_bytes(&wr, "HCLA", 4);
  memset(cf_wr_room(&wr, 28), 0, 28);
  uint8_t *report = cf_wr_room(&wr, 1184);
  memset(report, 0, 1184);
  memcpy(report + (kind == CF_HCL_TDX ? 128 : 0x50), digest, 64);
  uint32_t const words[] = {(uint32_t)n + 20, 1, kind, hash, (uint32_t)n};
  for (size_t i = 0; i < 5; i++)
    for (int k = 0; k < 4; k++) cf_wr_u8(&wr, (uint8_t)(words[i] >> 8 * k));
  cf_wr_bytes(&wr, text, n);
  memset(cf_wr_room(&wr, 16), 0, 16); /* filling */
  return cf_wr_out(&wr);
}

static void test_hcl(void **state) {
  (void)state;
  uint8_t  buf[4096];
  cf_hcl_t hcl;
  for (uint32_t hash = 1; hash <= 3; hash++) {
    assert_int_equal(cf_hcl_open(&hcl, blob(buf, sizeof buf, hash == 2 ? CF_HCL_TDX : CF_HCL_SNP, hash, runtime), NULL), CF_OK);
    assert_memory_equal(hcl.ak.b, "\xff\xef", 2);
    assert_int_equal(hcl.report.len, 1184);
  }
  assert_int_equal(cf_hcl_open(&hcl, blob(buf, sizeof buf, 3, 1, runtime), NULL), CF_ERR_UNSUPPORTED);
  assert_int_equal(cf_hcl_open(&hcl, blob(buf, sizeof buf, CF_HCL_SNP, 4, runtime), NULL), CF_ERR_UNSUPPORTED);
  assert_int_equal(cf_hcl_open(&hcl, blob(buf, sizeof buf, CF_HCL_SNP, 1, "{\"keys\":[]}"), NULL), CF_ERR_FORMAT);
  assert_int_equal(cf_hcl_open(&hcl, blob(buf, sizeof buf, CF_HCL_SNP, 1, "not JSON"), NULL), CF_ERR_FORMAT);
  cf_span_t in = blob(buf, sizeof buf, CF_HCL_SNP, 1, runtime);
  for (size_t n = 0; n < in.len - 16; n++) assert_int_equal(cf_hcl_open(&hcl, CF_SPAN(buf, n), NULL), CF_ERR_FORMAT);
  static struct {
    char const *name;
    size_t      at;
    cf_status_t want;
  } const cases[] = {
      {"magic", 0, CF_ERR_FORMAT},
      {"data size", 1216, CF_ERR_FORMAT},
      {"report data", 32 + 0x50, CF_ERR_AUTH},
      {"report data, last byte", 32 + 0x50 + 63, CF_ERR_AUTH},
      {"runtime data", 1236 + 12, CF_ERR_AUTH},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    in = blob(buf, sizeof buf, CF_HCL_SNP, 1, runtime);
    buf[cases[i].at] ^= 1;
    if (cf_hcl_open(&hcl, in, NULL) != cases[i].want) fail_msg("%s", cases[i].name);
  }
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_jwk), cmocka_unit_test(test_hcl)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
