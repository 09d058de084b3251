#include "evidence/cf_foreign.h"

#define TAG_SIGN1 18
#define INDEFINITE_MAP 0xbf
#define BREAK 0xff
#define TPM_SHA256 0x000b
#define TPM_SHA384 0x000c

cf_foreign_map_t cf_foreign_map(cf_rd_t *rd) {
  cf_foreign_map_t m = {.rd = rd};
  m.indefinite = !rd->bad && cf_rd_left(rd) && rd->buf[rd->pos] == INDEFINITE_MAP;
  if (m.indefinite) cf_rd_take(rd, 1);
  else m.left = cf_cbor_map(rd).left;
  return m;
}

bool cf_foreign_more(cf_foreign_map_t *m) {
  if (m->rd->bad) return false;
  if (!m->indefinite) return m->left && m->left--;
  if (!cf_rd_left(m->rd)) m->rd->bad = true; /* no break */
  else if (m->rd->buf[m->rd->pos] != BREAK) return true;
  else cf_rd_take(m->rd, 1);
  return false;
}

cf_span_t cf_foreign_bstr(cf_rd_t *rd, size_t min, size_t max) {
  cf_span_t s = cf_cbor_bstr(rd);
  if (s.len < min || s.len > max) rd->bad = true;
  return s;
}

cf_span_t cf_foreign_tstr(cf_rd_t *rd, size_t min, size_t max) {
  cf_span_t s = cf_cbor_tstr(rd);
  if (s.len < min || s.len > max) rd->bad = true;
  return s;
}

cf_status_t cf_foreign_sign1_decode(cf_foreign_sign1_t *out, cf_span_t in, bool tag_optional, char const *item, cf_error_t *err) {
  cf_foreign_sign1_t s = {0};
  cf_rd_t            rd = cf_rd_span(in);
  if (in.len > CF_FOREIGN_SIGN1_MAX)
    return cf_error_set(err, CF_ERR_BOUND, item, 0, "%zu bytes, more than %d", in.len, CF_FOREIGN_SIGN1_MAX);
  if ((!tag_optional || cf_cbor_peek(&rd) == CF_CBOR_TAG) && cf_cbor_tag(&rd) != TAG_SIGN1) rd.bad = true;
  if (cf_cbor_array(&rd) != 4) rd.bad = true;
  s.protected_hdr = cf_cbor_bstr(&rd);
  if (cf_cbor_map(&rd).left != 0) rd.bad = true; /* nothing is believed that is not signed */
  s.payload = cf_cbor_bstr(&rd);
  s.signature = cf_cbor_bstr(&rd); /* how long is the key's to say */
  if (!cf_rd_done(&rd)) return cf_error_set(err, CF_ERR_FORMAT, item, rd.pos, "not a COSE_Sign1 of this form");
  if (cf_span_eq(s.protected_hdr, CF_SPAN_LIT("\xa1\x01\x26"))) s.kind = CF_KEY_P256;
  else if (cf_span_eq(s.protected_hdr, CF_SPAN_LIT("\xa1\x01\x38\x22"))) s.kind = CF_KEY_P384;
  else return cf_error_set(err, CF_ERR_UNSUPPORTED, item, 0, "the protected header is not an algorithm alone, ES256 or ES384");
  *out = s;
  return CF_OK;
}

/* Sig_structure (RFC 9052, 4.4). */
cf_status_t cf_foreign_sign1_verify(cf_foreign_sign1_t const *s, cf_key_t const *key) {
  uint8_t buf[CF_FOREIGN_SIGN1_MAX + 64];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  if (key->kind != s->kind) return CF_ERR_AUTH;
  cf_cbor_w_array(&wr, 4);
  cf_cbor_w_str(&wr, "Signature1");
  cf_cbor_w_bstr(&wr, s->protected_hdr);
  cf_cbor_w_bstr(&wr, CF_SPAN(NULL, 0));
  cf_cbor_w_bstr(&wr, s->payload);
  return cf_key_verify(key, CF_SIG_ECDSA, s->kind == CF_KEY_P256 ? TPM_SHA256 : TPM_SHA384, s->signature, cf_wr_out(&wr));
}
