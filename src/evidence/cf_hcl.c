#include "evidence/cf_hcl.h"

#include "base/cf_text.h"
#include "crypto/cf_hash.h"
#include "evidence/cf_tpm.h"

#define REPORT_SZ 1184
/* Where the two reports keep their 64 bytes of report data. */
#define SNP_DATA_AT 0x50
#define TDX_DATA_AT 128

/* Base64url without padding (RFC 7515, 2), by way of the padded alphabet. */
static cf_status_t b64url(uint8_t *out, size_t *out_sz, size_t out_max, cf_json_t v) {
  char        text[(CF_KEY_MAX + 2) / 3 * 4 + 1];
  cf_status_t st = cf_json_str(text, sizeof text, v);
  if (st) return CF_ERR_FORMAT;
  size_t n = strlen(text);
  if (n % 4 == 1) return CF_ERR_FORMAT;
  for (size_t i = 0; i < n; i++) {
    if (text[i] == '+' || text[i] == '/' || text[i] == '=') return CF_ERR_FORMAT;
    if (text[i] == '-') text[i] = '+';
    if (text[i] == '_') text[i] = '/';
  }
  while (n % 4) text[n++] = '=';
  return cf_b64_decode(out, out_sz, out_max, CF_SPAN(text, n)) ? CF_ERR_FORMAT : CF_OK;
}

cf_status_t cf_jwk_rsa(cf_key_t *out, cf_json_t jwk) {
  char     kty[8];
  uint8_t  e[4];
  size_t   e_sz = 0;
  cf_key_t key = {.kind = CF_KEY_RSA};
  if (cf_json_str(kty, sizeof kty, cf_json_get(jwk, "kty"))) return CF_ERR_FORMAT;
  if (strcmp(kty, "RSA") != 0) return CF_ERR_UNSUPPORTED;
  if (b64url(e, &e_sz, sizeof e, cf_json_get(jwk, "e")) || b64url(key.b, &key.sz, sizeof key.b, cf_json_get(jwk, "n")))
    return CF_ERR_FORMAT;
  if (e_sz == 0 || key.sz == 0 || key.b[0] == 0) return CF_ERR_FORMAT;
  for (size_t i = 0; i < e_sz; i++) key.e = key.e << 8 | e[i];
  *out = key;
  return CF_OK;
}

cf_status_t cf_jwk_ec(cf_key_t *out, cf_json_t jwk) {
  char     kty[8], crv[8];
  size_t   x_sz, y_sz;
  cf_key_t key = {.kind = CF_KEY_P256, .sz = 64};
  if (cf_json_str(kty, sizeof kty, cf_json_get(jwk, "kty"))) return CF_ERR_FORMAT;
  if (strcmp(kty, "EC") != 0) return CF_ERR_UNSUPPORTED;
  if (cf_json_str(crv, sizeof crv, cf_json_get(jwk, "crv"))) return CF_ERR_FORMAT;
  if (strcmp(crv, "P-384") == 0) key = (cf_key_t){.kind = CF_KEY_P384, .sz = 96};
  else if (strcmp(crv, "P-256") != 0) return CF_ERR_UNSUPPORTED;
  size_t half = key.sz / 2; /* RFC 7518, 6.2.1: no leading zero is left out */
  if (b64url(key.b, &x_sz, half, cf_json_get(jwk, "x")) || b64url(key.b + half, &y_sz, half, cf_json_get(jwk, "y")))
    return CF_ERR_FORMAT;
  if (x_sz != half || y_sz != half) return CF_ERR_FORMAT;
  *out = key;
  return CF_OK;
}

static cf_status_t read_ak(cf_key_t *out, cf_span_t runtime, cf_error_t *err) {
  cf_json_t   json, key;
  cf_status_t st = cf_json_parse(&json, runtime, err);
  if (st) return st;
  size_t    pos = 0;
  cf_span_t none;
  for (cf_json_t keys = cf_json_get(json, "keys"); keys.type == CF_JSON_ARRAY && cf_json_each(keys, &pos, &none, &key);) {
    char kid[32];
    if (!cf_json_str(kid, sizeof kid, cf_json_get(key, "kid")) && !strcmp(kid, "HCLAkPub")) return cf_jwk_rsa(out, key);
  }
  return cf_error_set(err, CF_ERR_FORMAT, "hcl", 0, "runtime data without HCLAkPub");
}

cf_status_t cf_hcl_open(cf_hcl_t *out, cf_span_t in, cf_error_t *err) {
  cf_hcl_t       hcl = {0};
  cf_rd_t        rd = cf_rd_span(in);
  uint8_t const *magic = cf_rd_take(&rd, 4);
  cf_rd_take(&rd, 28); /* version, size, request type, status, reserved */
  hcl.report = cf_rd_take_span(&rd, REPORT_SZ);
  uint64_t data_sz = cf_rd_le(&rd, 4);
  cf_rd_take(&rd, 4); /* version */
  uint64_t kind = cf_rd_le(&rd, 4), hash = cf_rd_le(&rd, 4), runtime_sz = cf_rd_le(&rd, 4);
  hcl.runtime = cf_rd_take_span(&rd, runtime_sz);
  if (rd.bad || memcmp(magic, "HCLA", 4) || data_sz != runtime_sz + 20)
    return cf_error_set(err, CF_ERR_FORMAT, "hcl", rd.pos, "not an HCL report");
  uint16_t const algs[] = {0, CF_TPM_SHA256, CF_TPM_SHA384, CF_TPM_SHA512};
  if ((kind != CF_HCL_SNP && kind != CF_HCL_TDX) || hash == 0 || hash > 3)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "hcl", 0, "report type %u, hash type %u", (unsigned)kind, (unsigned)hash);
  hcl.kind = (cf_hcl_kind_t)kind;

  uint8_t want[64] = {0};
  cf_digest_tpm(want, algs[hash], hcl.runtime);
  hcl.bound = CF_SPAN(hcl.report.ptr + (hcl.kind == CF_HCL_SNP ? SNP_DATA_AT : TDX_DATA_AT), sizeof want);
  if (!cf_span_eq(hcl.bound, CF_SPAN_OF(want)))
    return cf_error_set(err, CF_ERR_AUTH, "hcl", 0, "the hardware report is over other runtime data");
  cf_status_t st = read_ak(&hcl.ak, hcl.runtime, err);
  if (!st) *out = hcl;
  return st;
}
