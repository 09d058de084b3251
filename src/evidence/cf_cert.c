#include "evidence/cf_cert.h"

#include <stdio.h>

#include "codec/cf_der.h"

#define VERSION_3 2
#define TPM_SHA256 0x000b
#define TPM_SHA384 0x000c

/* ---- algorithms ---- */

#define OID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_EC "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256 "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384 "\x2b\x81\x04\x00\x22"

/* AlgorithmIdentifiers whole, so that no parameter is skipped.  The trailer field of PSS is there or not: DER leaves it out,
   AMD's roots have it. */
#define SHA384_ID "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00"
#define PSS_BODY                                                                                                                 \
  "\xa0\x0f" SHA384_ID "\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08" SHA384_ID "\xa2\x03\x02\x01\x30"
#define OID_PSS "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"

static struct {
  cf_span_t     der;
  cf_cert_alg_t alg;
} const algs[] = {
    {{(uint8_t const *)"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", 12}, CF_CERT_ECDSA_SHA256},
    {{(uint8_t const *)"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03", 12}, CF_CERT_ECDSA_SHA384},
    {{(uint8_t const *)"\x30\x41" OID_PSS "\x30\x34" PSS_BODY, 67}, CF_CERT_RSAPSS_SHA384},
    {{(uint8_t const *)"\x30\x46" OID_PSS "\x30\x39" PSS_BODY "\xa3\x03\x02\x01\x01", 72}, CF_CERT_RSAPSS_SHA384},
};

static cf_cert_alg_t alg_of(cf_span_t der) {
  for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
    if (cf_span_eq(der, algs[i].der)) return algs[i].alg;
  return (cf_cert_alg_t)0;
}

/* ECDSA: SEQUENCE of r and s, each as wide as the curve. */
static cf_status_t signature_check(cf_key_t const *key, cf_cert_alg_t alg, cf_span_t sig, cf_span_t tbs) {
  uint8_t  rs[96];
  cf_rd_t  rd = cf_rd_span(sig);
  uint16_t hash = alg == CF_CERT_ECDSA_SHA256 ? TPM_SHA256 : TPM_SHA384;
  if (alg == CF_CERT_RSAPSS_SHA384) return cf_key_verify(key, CF_SIG_RSAPSS_DIGEST, hash, sig, tbs);
  if (key->kind == CF_KEY_RSA) return CF_ERR_UNSUPPORTED;
  cf_rd_t in = cf_der_enter(&rd, CF_DER_SEQUENCE);
  cf_der_fixed(&in, rs, key->sz / 2);
  cf_der_fixed(&in, rs + key->sz / 2, key->sz / 2);
  if (!cf_rd_done(&in) || !cf_rd_done(&rd)) return CF_ERR_FORMAT;
  return cf_key_verify(key, CF_SIG_ECDSA, hash, CF_SPAN(rs, key->sz), tbs);
}

/* ---- keys ---- */

static bool key_read(cf_key_t *key, cf_rd_t *rd) {
  cf_rd_t   spki = cf_der_enter(rd, CF_DER_SEQUENCE), alg = cf_der_enter(&spki, CF_DER_SEQUENCE);
  cf_span_t oid = cf_der_take(&alg, CF_DER_OID), bits = cf_der_bits(&spki);
  if (!cf_rd_done(&spki) || alg.bad) rd->bad = true;
  if (rd->bad) return false;
  if (cf_span_eq(oid, CF_SPAN_LIT(OID_RSA))) {
    cf_rd_t   in = cf_rd_span(bits), rsa = cf_der_enter(&in, CF_DER_SEQUENCE);
    cf_span_t n = cf_der_integer(&rsa);
    uint64_t  e = cf_der_uint(&rsa, UINT32_MAX);
    if (cf_der_take(&alg, CF_DER_NULL).len || !cf_rd_done(&alg) || !cf_rd_done(&rsa) || !cf_rd_done(&in) || n.len < 2)
      rd->bad = true;
    if (rd->bad || n.ptr[0] || n.len - 1 > CF_KEY_MAX) return false; /* of whole bytes, so with a sign byte */
    *key = (cf_key_t){.kind = CF_KEY_RSA, .e = (uint32_t)e, .sz = n.len - 1};
    memcpy(key->b, n.ptr + 1, key->sz);
    return true;
  }
  cf_span_t curve = cf_der_take(&alg, CF_DER_OID);
  if (!cf_span_eq(oid, CF_SPAN_LIT(OID_EC)) || !cf_rd_done(&alg)) return false;
  if (cf_span_eq(curve, CF_SPAN_LIT(OID_P256))) *key = (cf_key_t){.kind = CF_KEY_P256, .sz = 64};
  else if (cf_span_eq(curve, CF_SPAN_LIT(OID_P384))) *key = (cf_key_t){.kind = CF_KEY_P384, .sz = 96};
  else return false;
  if (bits.len != key->sz + 1 || bits.ptr[0] != 4) return false; /* a compressed point */
  memcpy(key->b, bits.ptr + 1, key->sz);
  return true;
}

/* ---- extensions ---- */

#define OID_BASIC_CONSTRAINTS "\x55\x1d\x13"
#define OID_KEY_USAGE "\x55\x1d\x0f"

/* A BOOLEAN with default FALSE, which DER leaves out. */
static bool rd_default_false(cf_rd_t *rd) {
  bool there = cf_der_is(rd, CF_DER_BOOLEAN), value = there && cf_der_bool(rd);
  if (there != value) rd->bad = true;
  return value;
}

static void rd_basic_constraints(cf_cert_t *c, cf_rd_t *rd, cf_span_t value) {
  cf_rd_t in = cf_rd_span(value), seq = cf_der_enter(&in, CF_DER_SEQUENCE);
  c->is_ca = rd_default_false(&seq);
  if (cf_der_is(&seq, CF_DER_INTEGER)) c->path_len = (int)cf_der_uint(&seq, 255);
  if (!cf_rd_done(&seq) || !cf_rd_done(&in)) rd->bad = true;
}

static void rd_key_usage(cf_cert_t *c, cf_rd_t *rd, cf_span_t value) {
  cf_rd_t in = cf_rd_span(value);
  c->usage = cf_der_flags(&in);
  if (!cf_rd_done(&in)) rd->bad = true;
}

static void rd_extension(cf_cert_t *c, cf_rd_t *rd) {
  cf_rd_t       in = cf_der_enter(rd, CF_DER_SEQUENCE);
  cf_cert_ext_t e = {.oid = cf_der_take(&in, CF_DER_OID)};
  bool          critical = rd_default_false(&in);
  e.value = cf_der_take(&in, CF_DER_OCTET_STRING);
  if (!cf_rd_done(&in) || c->ext_cnt == CF_CERT_EXT_MAX || cf_cert_ext(c, e.oid)) rd->bad = true;
  if (rd->bad) return;
  c->ext[c->ext_cnt++] = e;
  if (cf_span_eq(e.oid, CF_SPAN_LIT(OID_BASIC_CONSTRAINTS))) rd_basic_constraints(c, rd, e.value);
  else if (cf_span_eq(e.oid, CF_SPAN_LIT(OID_KEY_USAGE))) rd_key_usage(c, rd, e.value);
  else c->unknown_critical |= critical;
}

cf_cert_ext_t const *cf_cert_ext(cf_cert_t const *cert, cf_span_t oid) {
  for (size_t i = 0; i < cert->ext_cnt; i++)
    if (cf_span_eq(cert->ext[i].oid, oid)) return &cert->ext[i];
  return NULL;
}

/* ---- certificates ---- */

/* SEQUENCE { what is signed, algorithm, signature }; the algorithm stands in both. */
static cf_rd_t rd_signed(cf_rd_t *rd, cf_span_t *tbs, cf_span_t *alg, cf_span_t *signature) {
  cf_rd_t outer = cf_der_enter(rd, CF_DER_SEQUENCE);
  *tbs = cf_der_whole(&outer, CF_DER_SEQUENCE);
  *alg = cf_der_whole(&outer, CF_DER_SEQUENCE);
  *signature = cf_der_bits(&outer);
  cf_rd_t in = cf_rd_span(*tbs), body = cf_der_enter(&in, CF_DER_SEQUENCE);
  body.bad |= !cf_rd_done(&outer) || !cf_rd_done(rd);
  return body;
}

cf_status_t cf_cert_decode(cf_cert_t *out, cf_span_t der, char const *item, cf_error_t *err) {
  cf_cert_t c = {.der = der, .path_len = -1};
  cf_span_t alg;
  if (der.len > CF_CERT_MAX) return cf_error_set(err, CF_ERR_BOUND, item, 0, "%zu bytes, more than %d", der.len, CF_CERT_MAX);
  snprintf(c.item, sizeof c.item, "%s", item);
  cf_rd_t rd = cf_rd_span(der), in = rd_signed(&rd, &c.tbs, &alg, &c.signature);
  cf_rd_t version = cf_der_enter(&in, CF_DER_CONTEXT_OF(0));
  if (cf_der_uint(&version, VERSION_3) != VERSION_3 || !cf_rd_done(&version)) in.bad = true;
  c.serial = cf_der_integer(&in);
  if (!cf_span_eq(cf_der_whole(&in, CF_DER_SEQUENCE), alg)) in.bad = true;
  c.issuer = cf_der_whole(&in, CF_DER_SEQUENCE);
  cf_rd_t times = cf_der_enter(&in, CF_DER_SEQUENCE);
  c.from_s = cf_der_time(&times);
  c.to_s = cf_der_time(&times);
  if (!cf_rd_done(&times)) in.bad = true;
  c.subject = cf_der_whole(&in, CF_DER_SEQUENCE);
  bool    key_known = key_read(&c.key, &in);
  cf_rd_t exts = cf_der_enter(&in, CF_DER_CONTEXT_OF(3)), list = cf_der_enter(&exts, CF_DER_SEQUENCE);
  while (!list.bad && cf_rd_left(&list)) rd_extension(&c, &list);
  if (!cf_rd_done(&list) || !cf_rd_done(&exts) || !cf_rd_done(&in))
    return cf_error_set(err, CF_ERR_FORMAT, item, rd.pos, "not a DER certificate of version 3");
  c.alg = alg_of(alg);
  if (!c.alg) return cf_error_set(err, CF_ERR_UNSUPPORTED, item, 0, "another signature algorithm, or other parameters of it");
  if (!key_known) return cf_error_set(err, CF_ERR_UNSUPPORTED, item, 0, "key is not RSA up to 4096 bits, P-256 or P-384");
  *out = c;
  return CF_OK;
}

bool cf_cert_cn(char out[CF_CERT_CN_MAX], cf_span_t name) {
  cf_rd_t rd = cf_rd_span(name), rdns = cf_der_enter(&rd, CF_DER_SEQUENCE);
  size_t  found = 0;
  while (!rdns.bad && cf_rd_left(&rdns)) {
    cf_rd_t set = cf_der_enter(&rdns, CF_DER_SET);
    while (!set.bad && cf_rd_left(&set)) {
      cf_rd_t   pair = cf_der_enter(&set, CF_DER_SEQUENCE);
      cf_span_t oid = cf_der_take(&pair, CF_DER_OID);
      uint8_t   tag;
      cf_span_t text = cf_der_any(&pair, &tag, NULL);
      if (!cf_rd_done(&pair)) return false;
      if (!cf_span_eq(oid, CF_SPAN_LIT("\x55\x04\x03"))) continue;
      if (found++ || (tag != CF_DER_UTF8 && tag != CF_DER_PRINTABLE) || text.len >= CF_CERT_CN_MAX) return false;
      for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e) return false;
      memcpy(out, text.ptr, text.len);
      out[text.len] = 0;
    }
    if (set.bad) return false;
  }
  return found == 1 && !rdns.bad;
}

/* ---- chains ---- */

cf_verdict_code_t cf_interval_judge(cf_interval_t *in, int64_t from_s, int64_t to_s, int64_t at_s, cf_verdict_code_t late,
                                    char const *item, cf_verdict_t *v) {
  cf_dates_add(in->dates, item, from_s, to_s);
  if (at_s < from_s) return cf_verdict_set(v, CF_VERDICT_NOT_YET_VALID, item, from_s, "not valid before this date");
  if (at_s > to_s) return cf_verdict_set(v, late, item, to_s, "was valid until this date");
  if (from_s > in->from_s) in->from_s = from_s;
  if (to_s < in->to_s) in->to_s = to_s;
  return CF_VERDICT_OK;
}

/* below: how many authorities stand between ca and the leaf. */
static cf_verdict_code_t check_authority(cf_cert_t const *ca, size_t below, cf_verdict_t *v) {
  if (!ca->is_ca) return cf_verdict_set(v, CF_VERDICT_CHAIN, ca->item, 0, "not an authority's certificate, and issued one");
  if (!(ca->usage & CF_USAGE_CERT_SIGN))
    return cf_verdict_set(v, CF_VERDICT_CHAIN, ca->item, 0, "its key may not sign certificates");
  if (ca->path_len >= 0 && below > (size_t)ca->path_len)
    return cf_verdict_set(v, CF_VERDICT_CHAIN, ca->item, 0, "more authorities follow than it allows");
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_link(cf_cert_t const *cert, cf_cert_t const *issuer, cf_cert_alg_t alg, cf_verdict_t *v) {
  if (!cf_span_eq(cert->issuer, issuer->subject))
    return cf_verdict_set(v, CF_VERDICT_CHAIN, cert->item, 0, "%s is not the issuer that it names", issuer->item);
  if (cert->alg != alg)
    return cf_verdict_set(v, CF_VERDICT_CHAIN, cert->item, 0, "signed with an algorithm that has no place here");
  if (signature_check(&issuer->key, alg, cert->signature, cert->tbs))
    return cf_verdict_set(v, CF_VERDICT_CHAIN, cert->item, 0, "not signed by %s", issuer->item);
  return CF_VERDICT_OK;
}

/* leaf_cnt: how many at the start are of no authority, 1 or 0. */
static cf_verdict_code_t check_path(cf_interval_t *in, cf_cert_t const *certs, size_t cert_cnt, size_t leaf_cnt, cf_cert_alg_t alg,
                                    int64_t at_s, cf_verdict_t *v) {
  cf_verdict_code_t code = CF_VERDICT_OK;
  for (size_t i = 0; i < cert_cnt && !code; i++) {
    if (certs[i].unknown_critical)
      return cf_verdict_set(v, CF_VERDICT_CHAIN, certs[i].item, 0, "a critical extension that this verifier does not know");
    if (i >= leaf_cnt) code = check_authority(&certs[i], i - leaf_cnt, v);
    if (!code) code = cf_interval_judge(in, certs[i].from_s, certs[i].to_s, at_s, CF_VERDICT_EXPIRED, certs[i].item, v);
  }
  for (size_t i = 0; i + 1 < cert_cnt && !code; i++) code = check_link(&certs[i], &certs[i + 1], alg, v); /* what costs, last */
  return code;
}

cf_verdict_code_t cf_cert_chain_check(cf_interval_t *in, cf_cert_t const *certs, size_t cert_cnt, cf_cert_alg_t alg, int64_t at_s,
                                      cf_verdict_t *v) {
  if (certs[0].is_ca)
    return cf_verdict_set(v, CF_VERDICT_CHAIN, certs[0].item, 0, "an authority's certificate stands for a device");
  return check_path(in, certs, cert_cnt, 1, alg, at_s, v);
}

cf_verdict_code_t cf_cert_authority_check(cf_interval_t *in, cf_cert_t const *certs, size_t cert_cnt, cf_cert_alg_t alg,
                                          int64_t at_s, cf_verdict_t *v) {
  return check_path(in, certs, cert_cnt, 0, alg, at_s, v);
}

cf_status_t cf_cert_self_check(cf_cert_t const *root) {
  if (!cf_span_eq(root->issuer, root->subject)) return CF_ERR_AUTH;
  return signature_check(&root->key, root->alg, root->signature, root->tbs);
}

/* ---- revocation lists ---- */

/* Extensions of a list or of an entry: none may be critical. */
static bool rd_plain_extensions(cf_rd_t *rd) {
  cf_rd_t list = cf_der_enter(rd, CF_DER_SEQUENCE);
  bool    plain = true;
  while (!list.bad && cf_rd_left(&list)) {
    cf_rd_t e = cf_der_enter(&list, CF_DER_SEQUENCE);
    cf_der_take(&e, CF_DER_OID);
    plain &= !rd_default_false(&e);
    cf_der_take(&e, CF_DER_OCTET_STRING);
    if (!cf_rd_done(&e)) list.bad = true;
  }
  rd->bad |= list.bad;
  return plain;
}

typedef struct {
  cf_span_t serial;
  int64_t   since_s;
} entry_t;

static bool rd_entry(entry_t *out, cf_rd_t *rd) {
  cf_rd_t in = cf_der_enter(rd, CF_DER_SEQUENCE);
  out->serial = cf_der_integer(&in);
  out->since_s = cf_der_time(&in);
  bool plain = !cf_rd_left(&in) || rd_plain_extensions(&in);
  if (!cf_rd_done(&in)) rd->bad = true;
  return plain;
}

cf_status_t cf_crl_decode(cf_crl_t *out, cf_span_t der, char const *item, cf_error_t *err) {
  cf_crl_t  c = {0};
  cf_span_t alg;
  bool      plain = true;
  if (der.len > CF_CRL_MAX) return cf_error_set(err, CF_ERR_BOUND, item, 0, "%zu bytes, more than %u", der.len, CF_CRL_MAX);
  cf_rd_t rd = cf_rd_span(der), in = rd_signed(&rd, &c.tbs, &alg, &c.signature);
  if (cf_der_uint(&in, 1) != 1) in.bad = true; /* version 2 */
  if (!cf_span_eq(cf_der_whole(&in, CF_DER_SEQUENCE), alg)) in.bad = true;
  c.issuer = cf_der_whole(&in, CF_DER_SEQUENCE);
  c.from_s = cf_der_time(&in);
  c.to_s = cf_der_time(&in); /* nextUpdate is optional in X.509, and due here */
  if (cf_der_is(&in, CF_DER_SEQUENCE)) c.entries = cf_der_take(&in, CF_DER_SEQUENCE);
  cf_rd_t entries = cf_rd_span(c.entries);
  for (entry_t e; !entries.bad && cf_rd_left(&entries);) plain &= rd_entry(&e, &entries);
  if (cf_rd_left(&in)) {
    cf_rd_t exts = cf_der_enter(&in, CF_DER_CONTEXT_OF(0));
    plain &= rd_plain_extensions(&exts);
    if (!cf_rd_done(&exts)) in.bad = true;
  }
  if (!cf_rd_done(&in) || entries.bad)
    return cf_error_set(err, CF_ERR_FORMAT, item, rd.pos, "not a DER revocation list of version 2");
  c.alg = alg_of(alg);
  if (!c.alg) return cf_error_set(err, CF_ERR_UNSUPPORTED, item, 0, "another signature algorithm, or other parameters of it");
  if (!plain)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, item, 0, "a critical extension: a partial or indirect list proves nothing");
  *out = c;
  return CF_OK;
}

cf_verdict_code_t cf_crl_check(cf_interval_t *in, cf_crl_t const *crl, cf_cert_t const *issuer, int64_t at_s, char const *item,
                               cf_verdict_t *v) {
  if (!cf_span_eq(crl->issuer, issuer->subject))
    return cf_verdict_set(v, CF_VERDICT_COLLATERAL_MISSING, item, 0, "the list of another issuer; that of %s is due",
                          issuer->item);
  if (!(issuer->usage & CF_USAGE_CRL_SIGN))
    return cf_verdict_set(v, CF_VERDICT_CHAIN, issuer->item, 0, "its key may not sign lists");
  if (signature_check(&issuer->key, crl->alg, crl->signature, crl->tbs))
    return cf_verdict_set(v, CF_VERDICT_SIGNATURE, item, 0, "the list is not signed by %s", issuer->item);
  return cf_interval_judge(in, crl->from_s, crl->to_s, at_s, CF_VERDICT_COLLATERAL_STALE, item, v);
}

cf_verdict_code_t cf_crl_judge(cf_crl_t const *crl, cf_cert_t const *cert, cf_verdict_t *v) {
  cf_rd_t rd = cf_rd_span(crl->entries);
  for (entry_t e; !rd.bad && cf_rd_left(&rd);) {
    (void)rd_entry(&e, &rd);
    if (cf_span_eq(e.serial, cert->serial))
      return cf_verdict_set(v, CF_VERDICT_REVOKED, cert->item, e.since_s, "its issuer revoked the certificate on this date");
  }
  return CF_VERDICT_OK;
}
