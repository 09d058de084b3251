#include "evidence/cf_intel.h"

#include <stdio.h>

#include "codec/cf_pem.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"
#include "document/cf_carrier.h"

/* Intel SGX Root CA.  It stands in two certificates, until 2033 and until 2049: the key is what is pinned. */
static uint8_t const intel_root[64] = {0x0b, 0xa9, 0xc4, 0xc0, 0xc0, 0xc8, 0x61, 0x93, 0xa3, 0xfe, 0x23, 0xd6, 0xb0,
                                       0x2c, 0xda, 0x10, 0xa8, 0xbb, 0xd4, 0xe8, 0x8e, 0x48, 0xb4, 0x45, 0x85, 0x61,
                                       0xa3, 0x6e, 0x70, 0x55, 0x25, 0xf5, 0x67, 0x91, 0x8e, 0x2e, 0xdc, 0x88, 0xe4,
                                       0x0d, 0x86, 0x0b, 0xd0, 0xcc, 0x4e, 0xe2, 0x6a, 0xac, 0xc9, 0x88, 0xe5, 0x05,
                                       0xa9, 0x53, 0x55, 0x8c, 0x45, 0x3f, 0x6b, 0x09, 0x04, 0xae, 0x73, 0x94};

/* SHA-256 of the certificate of 2049, whose own signature was checked when this was written (a test does it again): every chain
   of today has it, and what is known by its hash need not be checked by its key. */
static uint8_t const intel_root_2049[32] = {0x44, 0xa0, 0x19, 0x6b, 0x2b, 0x99, 0xf8, 0x89, 0xb8, 0xe1, 0x49,
                                            0xe9, 0x5b, 0x80, 0x7a, 0x35, 0x0e, 0x74, 0x24, 0x96, 0x43, 0x99,
                                            0xe8, 0x85, 0xa7, 0xcb, 0xb8, 0xcc, 0xfa, 0xb6, 0x74, 0xd3};

cf_status_t cf_intel_signed(cf_span_t msg, uint8_t const signature[64], uint8_t const key[64]) {
  cf_hash_t     digest = cf_sha256(msg);
  cf_p256_pub_t pub;
  memcpy(pub.b, key, sizeof pub.b);
  return cf_p256_verify(&pub, signature, &digest);
}

/* ---- chains ---- */

static cf_verdict_code_t decode_error(cf_verdict_t *v, cf_error_t const *err) {
  cf_verdict_code_t code = err->status == CF_ERR_UNSUPPORTED ? CF_VERDICT_UNSUPPORTED : CF_VERDICT_MALFORMED;
  return cf_verdict_set(v, code, err->item, 0, "%s", err->text);
}

static cf_verdict_code_t read_cert(cf_intel_chain_t *chain, cf_span_t der, char const *item, cf_verdict_t *v) {
  cf_error_t err = {0};
  return cf_cert_decode(&chain->cert[chain->cnt++], der, item, &err) ? decode_error(v, &err) : CF_VERDICT_OK;
}

static cf_verdict_code_t read_der(cf_intel_chain_t *chain, cf_span_t in, char const *item, cf_verdict_t *v) {
  cf_span_t der[CF_INTEL_CHAIN_MAX];
  size_t    cnt;
  if (in.len > sizeof chain->buf || cf_der_split(der, &cnt, CF_INTEL_CHAIN_MAX, in))
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, item, 0, "not up to %d certificates", CF_INTEL_CHAIN_MAX);
  for (size_t i = 0, at = 0; i < cnt; at += der[i++].len) {
    memcpy(chain->buf + at, der[i].ptr, der[i].len);
    cf_verdict_code_t code = read_cert(chain, CF_SPAN(chain->buf + at, der[i].len), item, v);
    if (code) return code;
  }
  return CF_VERDICT_OK;
}

static cf_verdict_code_t read_pem(cf_intel_chain_t *chain, cf_span_t in, char const *item, cf_verdict_t *v) {
  while (in.len && in.ptr[in.len - 1] == 0) in.len--; /* quotes end the text as C does */
  cf_rd_t  rd = cf_rd_span(in);
  cf_wr_t  wr = cf_wr_init(chain->buf, sizeof chain->buf);
  cf_pem_t block;
  for (size_t at = 0; cf_pem_take_wide(&rd, &block, &wr); at = wr.len) {
    if (chain->cnt == CF_INTEL_CHAIN_MAX || !cf_span_eq(block.label, CF_SPAN_LIT("CERTIFICATE")) || wr.bad)
      return cf_verdict_set(v, CF_VERDICT_MALFORMED, item, 0, "not up to %d certificates", CF_INTEL_CHAIN_MAX);
    cf_verdict_code_t code = read_cert(chain, CF_SPAN(chain->buf + at, block.data_sz), item, v);
    if (code) return code;
  }
  return rd.bad ? cf_verdict_set(v, CF_VERDICT_MALFORMED, item, 0, "not PEM (byte %zu)", rd.pos) : CF_VERDICT_OK;
}

static bool issued(cf_cert_t const *issuer, cf_cert_t const *cert) { return cf_span_eq(issuer->subject, cert->issuer); }

/* The root, then who it issued, then who that issued: chains come in several orders. */
static bool put_in_order(cf_intel_chain_t *chain) {
  for (size_t last = chain->cnt; last > 0; last--) {
    cf_cert_t const *issuer = last < chain->cnt ? &chain->cert[last] : NULL;
    size_t           i = 0;
    while (i < last && !issued(issuer ? issuer : &chain->cert[i], &chain->cert[i])) i++;
    if (i == last) return false;
    cf_cert_t found = chain->cert[i];
    chain->cert[i] = chain->cert[last - 1];
    chain->cert[last - 1] = found;
  }
  return true;
}

/* What link i must be beyond what every chain's is. */
static char const *wrong_kind(cf_intel_chain_t const *chain, size_t i, cf_intel_use_t use) {
  cf_cert_t const *c = &chain->cert[i];
  char             cn[CF_CERT_CN_MAX];
  char const      *name = use == CF_INTEL_PCK ? "SGX PCK Certificate" : use == CF_INTEL_PCK_CA ? "CA" : "SGX TCB Signing";
  if (i > 0) name = i == chain->cnt - 1 ? "SGX Root CA" : "CA";
  if (!cf_cert_cn(cn, c->subject) || !strstr(cn, name)) return "its name is not that of this link";
  if (c->key.kind != CF_KEY_P256) return "its key is not on P-256";
  if (i == 0 && use != CF_INTEL_PCK_CA && !(c->usage & CF_USAGE_SIGN)) return "its key may not sign";
  return NULL;
}

static bool is_intel(cf_cert_t const *root) {
  return root->key.kind == CF_KEY_P256 && memcmp(root->key.b, intel_root, sizeof intel_root) == 0;
}

/* *known: this very certificate is the anchor. */
static bool is_anchor(bool *known, cf_intel_time_t const *w, cf_cert_t const *root) {
  cf_hash_t hash = cf_sha256(root->der);
  bool      found = !w->anchor_cnt && is_intel(root);
  *known = found && memcmp(hash.b, intel_root_2049, sizeof hash.b) == 0;
  for (size_t i = 0; i < w->anchor_cnt; i++) {
    if (!cf_key_eq(&w->anchors[i].key, &root->key)) continue;
    found = true;
    *known |= cf_hash_eq(&w->anchors[i].der, &hash);
  }
  return found;
}

cf_verdict_code_t cf_intel_chain_read(cf_intel_chain_t *chain, cf_span_t in, cf_intel_use_t use, char const *item,
                                      cf_verdict_t *v) {
  size_t want = use == CF_INTEL_PCK ? 3 : 2;
  chain->cnt = 0;
  cf_verdict_code_t code = in.len && in.ptr[0] == 0x30 ? read_der(chain, in, item, v) : read_pem(chain, in, item, v);
  if (code) return code;
  if (chain->cnt != want) return cf_verdict_set(v, CF_VERDICT_CHAIN, item, 0, "%zu certificates, not %zu", chain->cnt, want);
  if (!put_in_order(chain)) return cf_verdict_set(v, CF_VERDICT_CHAIN, item, 0, "their names make no chain");
  for (size_t i = 0; i < want; i++) snprintf(chain->cert[i].item, sizeof chain->cert[i].item, "%s[%zu]", item, i);
  return CF_VERDICT_OK;
}

cf_verdict_code_t cf_intel_chain(cf_intel_chain_t *chain, cf_intel_time_t *w, cf_span_t in, cf_intel_use_t use, char const *item,
                                 cf_verdict_t *v) {
  bool              known;
  cf_verdict_code_t code = cf_intel_chain_read(chain, in, use, item, v);
  if (code) return code;
  size_t           want = chain->cnt;
  cf_cert_t const *root = &chain->cert[want - 1];
  if (!is_anchor(&known, w, root))
    return cf_verdict_set(v, CF_VERDICT_CHAIN, root->item, 0, "the root is not one that is trusted");
  w->foreign |= !is_intel(root);
  for (size_t i = 0; i < want; i++) {
    char const *wrong = wrong_kind(chain, i, use);
    if (wrong) return cf_verdict_set(v, CF_VERDICT_CHAIN, chain->cert[i].item, 0, "%s", wrong);
  }
  if (use == CF_INTEL_PCK_CA) code = cf_cert_authority_check(&w->in, chain->cert, want, CF_CERT_ECDSA_SHA256, w->at_s, v);
  else code = cf_cert_chain_check(&w->in, chain->cert, want, CF_CERT_ECDSA_SHA256, w->at_s, v);
  if (!code && !known && cf_cert_self_check(root))
    code = cf_verdict_set(v, CF_VERDICT_CHAIN, root->item, 0, "the root did not sign itself: it was altered");
  return code;
}

/* ---- lists ---- */

cf_verdict_code_t cf_intel_list(cf_crl_t *out, cf_intel_time_t *w, cf_span_t der, cf_cert_t const *issuer, char const *item,
                                cf_verdict_t *v) {
  cf_error_t err = {0};
  if (cf_crl_decode(out, der, item, &err)) return decode_error(v, &err);
  if (out->alg != CF_CERT_ECDSA_SHA256)
    return cf_verdict_set(v, CF_VERDICT_UNSUPPORTED, item, 0, "signed with an algorithm that has no place here");
  cf_verdict_code_t code = cf_crl_check(&w->in, out, issuer, w->at_s, item, v);
  if (!code && (w->list_issued_s == 0 || out->from_s < w->list_issued_s)) w->list_issued_s = out->from_s;
  return code;
}

cf_verdict_code_t cf_intel_root_list(cf_crl_t *out, cf_intel_time_t *w, cf_span_t der, char const *item, cf_verdict_t *v) {
  cf_cert_t         root = {.item = "root", .usage = CF_USAGE_CRL_SIGN};
  cf_verdict_code_t code = CF_VERDICT_OK;
  cf_error_t        err = {0};
  if (cf_crl_decode(out, der, item, &err)) return decode_error(v, &err);
  root.subject = out->issuer;
  for (size_t i = 0; i == 0 || (code == CF_VERDICT_SIGNATURE && i < w->anchor_cnt); i++) {
    *v = (cf_verdict_t){.next = cf_verdict_next(CF_VERDICT_OK)};
    if (w->anchor_cnt) root.key = w->anchors[i].key;
    else root.key = (cf_key_t){.kind = CF_KEY_P256, .sz = sizeof intel_root};
    if (!w->anchor_cnt) memcpy(root.key.b, intel_root, sizeof intel_root);
    code = cf_intel_list(out, w, der, &root, item, v);
  }
  return code;
}
