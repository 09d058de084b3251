#include "evidence/cf_tpm.h"

#include "crypto/cf_hash.h"

#define MAGIC 0xff544347u /* TPM_GENERATED_VALUE */
#define ST_QUOTE 0x8018
#define ALG_RSA 0x0001
#define ALG_ECC 0x0023
#define ALG_NULL 0x0010
#define ALG_RSASSA 0x0014
#define ALG_RSAES 0x0015
#define ALG_RSAPSS 0x0016
#define ALG_OAEP 0x0017
#define ALG_ECDSA 0x0018
#define ALG_ECDAA 0x001a
#define CURVE_P256 0x0003
#define CURVE_P384 0x0004
#define EXTRA_MAX 64
#define DIGEST_MAX 64

/* A TPM2B: u16 length and bytes, at most max of them. */
static cf_span_t rd_2b(cf_rd_t *rd, size_t max) {
  size_t n = cf_rd_u16(rd);
  if (n > max) rd->bad = true;
  return cf_rd_take_span(rd, n);
}

/* ---- TPMS_ATTEST ---- */

static void rd_selection(cf_rd_t *rd, cf_tpm_attest_t *out) {
  uint32_t cnt = cf_rd_u32(rd);
  if (cnt > CF_TPM_BANK_MAX) rd->bad = true;
  for (uint32_t i = 0; i < cnt && !rd->bad; i++) {
    cf_tpm_selection_t sel = {.alg = cf_rd_u16(rd)};
    uint8_t            sz = cf_rd_u8(rd);
    if (sz == 0 || sz > 4) rd->bad = true;
    sel.mask = (uint32_t)cf_rd_le(rd, sz);
    if (sel.mask >> CF_TPM_PCR_CNT) rd->bad = true;
    for (size_t k = 0; k < out->selection_cnt; k++) rd->bad |= out->selection[k].alg == sel.alg; /* one bank, one meaning */
    if (!rd->bad) out->selection[out->selection_cnt++] = sel;
  }
}

cf_status_t cf_tpm_attest_decode(cf_tpm_attest_t *out, cf_span_t in, cf_error_t *err) {
  cf_tpm_attest_t a = {0};
  cf_rd_t         rd = cf_rd_span(in);
  if (cf_rd_u32(&rd) != MAGIC)
    return cf_error_set(err, CF_ERR_FORMAT, "tpm.attest", 0, "magic is not TPM_GENERATED: no TPM made this");
  if (cf_rd_u16(&rd) != ST_QUOTE) return cf_error_set(err, CF_ERR_UNSUPPORTED, "tpm.attest", 4, "not a quote");
  a.qualified_signer = rd_2b(&rd, CF_TPM_NAME_MAX);
  a.extra = rd_2b(&rd, EXTRA_MAX);
  a.clock = cf_rd_u64(&rd);
  a.reset_cnt = cf_rd_u32(&rd);
  a.restart_cnt = cf_rd_u32(&rd);
  uint8_t safe = cf_rd_u8(&rd);
  a.safe = safe == 1;
  a.firmware = cf_rd_u64(&rd);
  rd_selection(&rd, &a);
  a.pcr_digest = rd_2b(&rd, DIGEST_MAX);
  if (!cf_rd_done(&rd) || safe > 1)
    return cf_error_set(err, CF_ERR_FORMAT, "tpm.attest", rd.pos, "not a TPMS_ATTEST of %zu bytes", in.len);
  *out = a;
  return CF_OK;
}

/* ---- TPMT_PUBLIC ---- */

static void rd_symmetric(cf_rd_t *rd) {
  if (cf_rd_u16(rd) != ALG_NULL) cf_rd_take(rd, 4); /* key bits, mode */
}

static void rd_scheme(cf_rd_t *rd) {
  uint16_t alg = cf_rd_u16(rd);
  if (alg == ALG_NULL || alg == ALG_RSAES) return;
  cf_rd_take(rd, alg == ALG_ECDAA ? 4 : 2); /* hash, and a counter */
}

/* A coordinate may come without its leading zeros. */
static void rd_padded(cf_rd_t *rd, uint8_t *out, size_t sz) {
  cf_span_t s = rd_2b(rd, sz);
  if (s.len == 0) rd->bad = true;
  else memcpy(out + sz - s.len, s.ptr, s.len);
}

static cf_status_t rd_rsa(cf_rd_t *rd, cf_key_t *key) {
  rd_symmetric(rd);
  rd_scheme(rd);
  size_t    bits = cf_rd_u16(rd);
  uint32_t  e = cf_rd_u32(rd);
  cf_span_t n = rd_2b(rd, CF_KEY_MAX);
  if (rd->bad || n.len == 0 || n.len * 8 != bits || !(n.ptr[0] & 0x80)) return CF_ERR_FORMAT;
  *key = (cf_key_t){.kind = CF_KEY_RSA, .e = e ? e : 65537, .sz = n.len};
  memcpy(key->b, n.ptr, n.len);
  return CF_OK;
}

static cf_status_t rd_ecc(cf_rd_t *rd, cf_key_t *key) {
  rd_symmetric(rd);
  rd_scheme(rd);
  uint16_t curve = cf_rd_u16(rd);
  rd_scheme(rd); /* the KDF's has the same shape */
  if (curve != CURVE_P256 && curve != CURVE_P384) return rd->bad ? CF_ERR_FORMAT : CF_ERR_UNSUPPORTED;
  *key = (cf_key_t){.kind = curve == CURVE_P256 ? CF_KEY_P256 : CF_KEY_P384, .sz = curve == CURVE_P256 ? 64 : 96};
  rd_padded(rd, key->b, key->sz / 2);
  rd_padded(rd, key->b + key->sz / 2, key->sz / 2);
  return CF_OK;
}

cf_status_t cf_tpm_public_decode(cf_tpm_public_t *out, cf_span_t in, cf_error_t *err) {
  /* No TPMT_PUBLIC of a real key starts with its own length less two: types are 1 and 35. */
  if (in.len > 2 && ((size_t)in.ptr[0] << 8 | in.ptr[1]) == in.len - 2) in = CF_SPAN(in.ptr + 2, in.len - 2);
  cf_tpm_public_t p = {.bytes = in};
  cf_rd_t         rd = cf_rd_span(in);
  uint16_t        type = cf_rd_u16(&rd);
  p.name_alg = cf_rd_u16(&rd);
  p.attributes = cf_rd_u32(&rd);
  p.auth_policy = rd_2b(&rd, DIGEST_MAX);
  cf_status_t st = CF_ERR_UNSUPPORTED;
  if (type == ALG_RSA) st = rd_rsa(&rd, &p.key);
  if (type == ALG_ECC) st = rd_ecc(&rd, &p.key);
  if (rd.bad || (!st && !cf_rd_done(&rd))) st = CF_ERR_FORMAT;
  if (st == CF_ERR_FORMAT) return cf_error_set(err, st, "tpm.public", rd.pos, "not a TPMT_PUBLIC of %zu bytes", in.len);
  if (st || cf_digest_tpm_sz(p.name_alg) == 0)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "tpm.public", 0, "key type %#x, name algorithm %#x", type, p.name_alg);
  *out = p;
  return CF_OK;
}

size_t cf_tpm_name(uint8_t out[CF_TPM_NAME_MAX], cf_tpm_public_t const *pub) {
  out[0] = (uint8_t)(pub->name_alg >> 8);
  out[1] = (uint8_t)pub->name_alg;
  return 2 + cf_digest_tpm(out + 2, pub->name_alg, pub->bytes);
}

bool cf_tpm_is_ak(cf_tpm_public_t const *pub) {
  uint32_t set =
      CF_TPM_ATTR_RESTRICTED | CF_TPM_ATTR_SIGN | CF_TPM_ATTR_FIXED_TPM | CF_TPM_ATTR_FIXED_PARENT | CF_TPM_ATTR_ORIGIN;
  return (pub->attributes & (set | CF_TPM_ATTR_DECRYPT)) == set;
}

/* ---- TPMT_SIGNATURE ---- */

cf_status_t cf_tpm_signature_decode(cf_tpm_signature_t *out, cf_span_t in, cf_error_t *err) {
  cf_tpm_signature_t sig = {0};
  cf_rd_t            rd = cf_rd_span(in);
  uint16_t           scheme = cf_rd_u16(&rd);
  sig.hash = cf_rd_u16(&rd);
  switch (scheme) {
  case ALG_RSASSA:
    sig.kind = CF_SIG_RSASSA;
    break;
  case ALG_RSAPSS:
    sig.kind = CF_SIG_RSAPSS;
    break;
  case ALG_ECDSA:
    sig.kind = CF_SIG_ECDSA;
    break;
  default:
    return cf_error_set(err, rd.bad ? CF_ERR_FORMAT : CF_ERR_UNSUPPORTED, "tpm.signature", 0, "scheme %#x", scheme);
  }
  sig.r = rd_2b(&rd, CF_KEY_MAX);
  if (sig.kind == CF_SIG_ECDSA) sig.s = rd_2b(&rd, CF_KEY_MAX);
  if (!cf_rd_done(&rd))
    return cf_error_set(err, CF_ERR_FORMAT, "tpm.signature", rd.pos, "not a TPMT_SIGNATURE of %zu bytes", in.len);
  *out = sig;
  return CF_OK;
}

/* ---- the quote ---- */

static cf_status_t signature_check(cf_tpm_signature_t const *sig, cf_key_t const *key, cf_span_t msg) {
  if (sig->kind != CF_SIG_ECDSA) return cf_key_verify(key, sig->kind, sig->hash, sig->r, msg);
  uint8_t rs[96] = {0};
  size_t  half = key->sz / 2;
  if (key->kind == CF_KEY_RSA) return CF_ERR_UNSUPPORTED;
  if (sig->r.len > half || sig->s.len > half || !sig->r.len || !sig->s.len) return CF_ERR_AUTH;
  memcpy(rs + half - sig->r.len, sig->r.ptr, sig->r.len); /* leading zeros may be missing */
  memcpy(rs + key->sz - sig->s.len, sig->s.ptr, sig->s.len);
  return cf_key_verify(key, sig->kind, sig->hash, CF_SPAN(rs, key->sz), msg);
}

static cf_verdict_code_t key_check(cf_tpm_quote_t const *q, cf_verdict_t *v) {
  if (!q->ak) return CF_VERDICT_OK;
  if (!cf_key_eq(&q->ak->key, q->key))
    return cf_verdict_set(v, CF_VERDICT_CHAIN, "tpm.ak", 0, "the public area is another key's");
  if (!cf_tpm_is_ak(q->ak))
    return cf_verdict_set(v, CF_VERDICT_SIGNATURE, "tpm.ak", 0, "attributes %#x: not a restricted signing key",
                          q->ak->attributes);
  return CF_VERDICT_OK;
}

static cf_tpm_bank_t const *bank_of(cf_tpm_quote_t const *q, uint16_t alg) {
  for (size_t i = 0; i < q->bank_cnt; i++)
    if (q->banks[i].alg == alg) return &q->banks[i];
  return NULL;
}

/* pcrDigest is over the selected values, in the order of the selection, under the hash of the signature, not of the bank. */
static cf_verdict_code_t pcr_check(cf_tpm_attest_t const *a, cf_tpm_quote_t const *q, uint16_t hash, cf_verdict_t *v) {
  uint8_t  all[CF_TPM_BANK_MAX * CF_TPM_PCR_CNT * DIGEST_MAX], digest[DIGEST_MAX];
  cf_wr_t  wr = cf_wr_init(all, sizeof all);
  uint32_t claimed = 0, selected = 0;
  for (size_t i = 0; i < q->bank_cnt; i++) claimed += (uint32_t)__builtin_popcount(q->banks[i].mask);
  for (size_t i = 0; i < a->selection_cnt; i++) {
    cf_tpm_selection_t const *sel = &a->selection[i];
    cf_tpm_bank_t const      *bank = bank_of(q, sel->alg);
    size_t                    sz = cf_digest_tpm_sz(sel->alg);
    if (!sel->mask) continue;
    if (!sz || !bank || (bank->mask & sel->mask) != sel->mask)
      return cf_verdict_set(v, CF_VERDICT_PCR, "tpm.pcrs", 0, "a value of bank %#x is quoted and not supplied", sel->alg);
    for (size_t k = 0; k < CF_TPM_PCR_CNT; k++)
      if (sel->mask >> k & 1) cf_wr_bytes(&wr, bank->value[k], sz);
    selected += (uint32_t)__builtin_popcount(sel->mask);
  }
  if (claimed != selected)
    return cf_verdict_set(v, CF_VERDICT_PCR, "tpm.pcrs", 0, "values are supplied that the quote does not cover");
  size_t n = cf_digest_tpm(digest, hash, cf_wr_out(&wr));
  if (!cf_span_eq(CF_SPAN(digest, n), a->pcr_digest))
    return cf_verdict_set(v, CF_VERDICT_PCR, "tpm.pcrs", 0, "values do not hash to the PCR digest of the quote");
  return CF_VERDICT_OK;
}

cf_verdict_code_t cf_tpm_quote_verify(cf_tpm_attest_t *out, cf_tpm_signature_t *sig_out, cf_tpm_quote_t const *q,
                                      cf_verdict_t *v) {
  cf_tpm_attest_t    a;
  cf_tpm_signature_t sig = {.kind = CF_SIG_RSASSA, .hash = CF_TPM_SHA256, .r = q->signature};
  cf_error_t         err = {0};
  if (cf_tpm_attest_decode(&a, q->attest, &err)) return cf_verdict_error(v, &err);
  if (!q->raw_rsa && cf_tpm_signature_decode(&sig, q->signature, &err)) return cf_verdict_error(v, &err);
  cf_verdict_code_t code = key_check(q, v);
  if (code) return code;
  if (sig.hash == CF_TPM_SHA1 && !q->allow_sha1)
    return cf_verdict_set(v, CF_VERDICT_UNSUPPORTED, "tpm.signature", 0, "signature over SHA-1");
  cf_status_t st = signature_check(&sig, q->key, q->attest);
  if (st == CF_ERR_UNSUPPORTED) return cf_verdict_set(v, CF_VERDICT_UNSUPPORTED, "tpm.signature", 0, "key and scheme do not fit");
  if (st) return cf_verdict_set(v, CF_VERDICT_SIGNATURE, "tpm.signature", 0, "the attestation key did not sign this quote");
  if (!cf_span_eq(a.extra, q->nonce))
    return cf_verdict_set(v, CF_VERDICT_BINDING, "tpm.extraData", 0, "the quote is over other data");
  if (q->bank_cnt && (code = pcr_check(&a, q, sig.hash, v))) return code;
  *out = a;
  *sig_out = sig;
  return CF_VERDICT_OK;
}
