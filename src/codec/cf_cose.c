#include "codec/cf_cose.h"

#include "codec/cf_cbor.h"
#include "crypto/cf_hash.h"

enum {
  TAG_SIGN1         = 18,
  HDR_ALG           = 1,
  HDR_KID           = 4,
  HDR_CWT           = 15,
  HDR_TYP           = 16,
  HDR_PAYLOAD_HASH  = 258,
  HDR_PREIMAGE_TYPE = 259,
  CWT_ISS           = 1,
  CWT_SUB           = 2,
  HASH_SHA256       = -16,
};

/* ---- reading ---- */

/* read_cwt reads {1: iss, 2: sub}, exactly. */
static void read_cwt(cf_cose_hdr_t *hdr, cf_rd_t *rd) {
  for (cf_cbor_map_t m = cf_cbor_map(rd); cf_cbor_next(&m);) {
    if (!m.is_text && m.key == CWT_ISS) hdr->iss = cf_cbor_tstr(rd);
    else if (!m.is_text && m.key == CWT_SUB) hdr->sub = cf_cbor_tstr(rd);
    else rd->bad = true;
  }
  if (!hdr->iss.len || !hdr->sub.len) rd->bad = true;
}

/* read_protected reads the header's map; labels that hdr does not name are refused. */
static bool read_protected(cf_cose_hdr_t *hdr, cf_rd_t *rd) {
  int64_t payload_hash = 0;
  for (cf_cbor_map_t m = cf_cbor_map(rd); cf_cbor_next(&m);) {
    switch (m.is_text ? -1 : m.key) {
    case HDR_ALG: hdr->alg = cf_cbor_int(rd); break;
    case HDR_KID: hdr->kid = cf_cbor_bstr(rd); break;
    case HDR_CWT: read_cwt(hdr, rd); break;
    case HDR_TYP: hdr->typ = cf_cbor_tstr(rd); break;
    case HDR_PAYLOAD_HASH: payload_hash = cf_cbor_int(rd); break;
    case HDR_PREIMAGE_TYPE: hdr->preimage_type = cf_cbor_tstr(rd); break;
    default: rd->bad = true;
    }
  }
  return cf_rd_done(rd) && hdr->alg != 0 && hdr->kid.len == 32 && hdr->typ.len != 0 &&
         payload_hash == (hdr->preimage_type.len ? HASH_SHA256 : 0);
}

cf_status_t cf_sign1_decode(cf_sign1_t *out, cf_span_t in, char const *typ, cf_error_t *err) {
  cf_sign1_t s  = { 0 };
  cf_rd_t    rd = cf_rd_span(in);
  if (cf_cbor_tag(&rd) != TAG_SIGN1 || cf_cbor_array(&rd) != 4) rd.bad = true;
  s.protected_hdr      = cf_cbor_bstr(&rd);
  size_t protected_end = rd.pos;
  if (cf_cbor_map(&rd).left != 0) rd.bad = true;
  s.payload     = cf_cbor_bstr(&rd);
  cf_span_t sig = cf_cbor_bstr(&rd);
  if (!cf_rd_done(&rd))
    return cf_error_set(err, CF_ERR_FORMAT, "cose", rd.pos, "not a COSE_Sign1 of tag 18, with nothing unprotected");

  if (s.protected_hdr.len > CF_COSE_PROTECTED_MAX)
    return cf_error_set(err, CF_ERR_BOUND, "cose.protected", 0, "%zu bytes, at most %d", s.protected_hdr.len,
                        CF_COSE_PROTECTED_MAX);
  cf_rd_t hdr = cf_rd_span(s.protected_hdr);
  if (!read_protected(&s.hdr, &hdr))
    return cf_error_set(err, CF_ERR_FORMAT, "cose.protected", protected_end - s.protected_hdr.len + hdr.pos,
                        "a label is missing, unknown or malformed");
  if (s.hdr.alg != CF_COSE_ES256)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "cose.alg", 0, "algorithm %lld, we speak ES256 (-7)", (long long)s.hdr.alg);
  if (sig.len != sizeof s.sig)
    return cf_error_set(err, CF_ERR_FORMAT, "cose.signature", in.len - sig.len, "%zu bytes, not 64", sig.len);
  if (typ && !cf_span_eq(s.hdr.typ, CF_SPAN(typ, strlen(typ))))
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "cose.typ", 0, "not %s", typ);
  memcpy(s.sig, sig.ptr, sizeof s.sig);
  *out = s;
  return CF_OK;
}

/* ---- signing and verifying ---- */

/* hash_bstr adds a byte string to a hash, encoded. */
static void hash_bstr(cf_sha256_t *ctx, cf_span_t s) {
  uint8_t head[9];
  cf_wr_t wr = cf_wr_init(head, sizeof head);
  cf_cbor_w_bstr_head(&wr, s.len);
  cf_sha256_add(ctx, head, wr.len);
  cf_sha256_s(ctx, s);
}

cf_hash_t cf_sign1_digest(cf_span_t protected_hdr, cf_span_t payload) {
  cf_sha256_t ctx;
  cf_sha256_init(&ctx);
  cf_sha256_s(&ctx, CF_SPAN_LIT("\x84\x6aSignature1")); /* array of 4, text of 10 */
  hash_bstr(&ctx, protected_hdr);
  hash_bstr(&ctx, CF_SPAN(NULL, 0)); /* external_aad */
  hash_bstr(&ctx, payload);
  return cf_sha256_end(&ctx);
}

cf_status_t cf_sign1_verify(cf_sign1_t const *s, cf_p256_pub_t const *pub) {
  cf_hash_t digest = cf_sign1_digest(s->protected_hdr, s->payload);
  return cf_p256_verify(pub, s->sig, &digest);
}

/* ---- writing ---- */

void cf_sign1_protected(cf_wr_t *wr, cf_cose_hdr_t const *hdr) {
  bool cwt = hdr->iss.len || hdr->sub.len, envelope = hdr->preimage_type.len != 0;
  if (hdr->kid.len != 32 || !hdr->typ.len || (cwt && !(hdr->iss.len && hdr->sub.len)))
    wr->bad = true; /* no reader would take it */
  cf_cbor_w_map(wr, 3 + (size_t)cwt + 2 * (size_t)envelope);
  cf_cbor_w_int(wr, HDR_ALG);
  cf_cbor_w_int(wr, hdr->alg ? hdr->alg : CF_COSE_ES256);
  cf_cbor_w_int(wr, HDR_KID);
  cf_cbor_w_bstr(wr, hdr->kid);
  if (cwt) {
    cf_cbor_w_int(wr, HDR_CWT);
    cf_cbor_w_map(wr, 2);
    cf_cbor_w_int(wr, CWT_ISS);
    cf_cbor_w_tstr(wr, hdr->iss);
    cf_cbor_w_int(wr, CWT_SUB);
    cf_cbor_w_tstr(wr, hdr->sub);
  }
  cf_cbor_w_int(wr, HDR_TYP);
  cf_cbor_w_tstr(wr, hdr->typ);
  if (!envelope) return;
  cf_cbor_w_int(wr, HDR_PAYLOAD_HASH);
  cf_cbor_w_int(wr, HASH_SHA256);
  cf_cbor_w_int(wr, HDR_PREIMAGE_TYPE);
  cf_cbor_w_tstr(wr, hdr->preimage_type);
}

void cf_sign1_encode(cf_wr_t *wr, cf_p256_key_t const *key, cf_cose_hdr_t const *hdr, cf_span_t payload) {
  cf_p256_pub_t pub;
  cf_p256_key_pub(key, &pub);
  cf_hash_t     kid  = cf_p256_thumbprint(&pub);
  cf_cose_hdr_t full = *hdr;
  if (!full.kid.len) full.kid = CF_SPAN_OF(kid.b);

  uint8_t buf[CF_COSE_PROTECTED_MAX];
  cf_wr_t prot = cf_wr_init(buf, sizeof buf);
  cf_sign1_protected(&prot, &full);
  if (prot.bad) {
    wr->bad = true;
    return;
  }
  cf_hash_t digest = cf_sign1_digest(cf_wr_out(&prot), payload);
  uint8_t   sig[64];
  cf_p256_sign(key, sig, &digest);
  cf_sign1_assemble(wr, cf_wr_out(&prot), payload, sig);
}

void cf_sign1_assemble(cf_wr_t *wr, cf_span_t protected_hdr, cf_span_t payload, uint8_t const sig[64]) {
  cf_cbor_w_tag(wr, TAG_SIGN1);
  cf_cbor_w_array(wr, 4);
  cf_cbor_w_bstr(wr, protected_hdr);
  cf_cbor_w_map(wr, 0);
  cf_cbor_w_bstr(wr, payload);
  cf_cbor_w_bstr(wr, CF_SPAN(sig, 64));
}

cf_hash_t cf_document_hash(cf_span_t protected_hdr, cf_span_t payload) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "document");
  cf_sha256_u(&ctx, protected_hdr.len, 4);
  cf_sha256_s(&ctx, protected_hdr);
  cf_sha256_u(&ctx, payload.len, 4);
  cf_sha256_s(&ctx, payload);
  return cf_sha256_end(&ctx);
}
