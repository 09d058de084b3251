#include "document/cf_carrier.h"

#include <stddef.h>

#include "codec/cf_cbor.h"

#define E cf_tpm_evidence_t
#define F_BSTR_OPT(k, m, hi)                                                                                                     \
  { .name = #m, .key = (k), .type = CF_FIELD_BSTR, .optional = true, .offset = offsetof(E, m), .max = (hi) }
static cf_field_t const fields[] = {
    CF_F_UINT(E, 1, version, 1, UINT32_MAX),
    CF_F_BSTR(E, 2, attest, 1, 1024),
    CF_F_BSTR(E, 3, signature, 1, 1024),
    CF_F_BSTR(E, 4, ak_public, 1, 1024),
    F_BSTR_OPT(5, ek_chain, 16384),
    F_BSTR_OPT(6, ak_chain, 16384),
    CF_F_FIXED(E, 7, pcrs),
    F_BSTR_OPT(8, event_log, 65536),
    CF_F_BSTR(E, 9, certificate, 1, 4096),
    CF_F_FIXED(E, 10, identity),
    CF_F_BSTR(E, 11, nonces, 32, 512),
    CF_F_FIXED(E, 12, program),
    CF_F_FIXED(E, 13, configuration),
};
#undef F_BSTR_OPT
#undef E

cf_table_t const cf_tpm_evidence_table = {.name = "tpm-evidence",
                                          .size = sizeof(cf_tpm_evidence_t),
                                          .bytes_max = CF_CARRIER_MAX,
                                          .fields = fields,
                                          .fields_cnt = CF_COUNT_OF(fields),
                                          .signer = "the TPM's attestation key"};

cf_status_t cf_cmw_decode(cf_span_t *media_type, cf_span_t *content, cf_span_t in, cf_error_t *err) {
  cf_rd_t   rd = cf_rd_span(in);
  size_t    cnt = cf_cbor_array(&rd);
  cf_span_t type = cf_cbor_tstr(&rd), bytes = cf_cbor_bstr(&rd);
  uint64_t  ind = cf_cbor_uint(&rd);
  if (!cf_rd_done(&rd) || cnt != 3 || ind != CF_CMW_EVIDENCE)
    return cf_error_set(err, CF_ERR_FORMAT, "evidence", rd.pos, "not a CMW record [type, bytes, 4]");
  *media_type = type;
  *content = bytes;
  return CF_OK;
}

/* A map of unknown length inside a byte string: written behind a head of the widest form, then moved down to its own. */
void cf_carrier_encode(cf_wr_t *wr, cf_tpm_evidence_t const *e) {
  cf_cbor_w_array(wr, 3);
  cf_cbor_w_str(wr, CF_TPM_EVIDENCE_TYP);
  size_t  head_max = 5;
  cf_wr_t map = *wr;
  if (!cf_wr_room(&map, head_max)) {
    wr->bad = true;
    return;
  }
  size_t at = map.len;
  cf_table_encode(&map, &cf_tpm_evidence_table, e);
  if (map.bad) {
    wr->bad = true;
    return;
  }
  size_t   n = map.len - at;
  uint8_t *body = cf_cbor_w_bstr_room(wr, n);
  if (body) memmove(body, map.buf + at, n);
  cf_cbor_w_uint(wr, CF_CMW_EVIDENCE);
}

cf_status_t cf_carrier_decode(cf_tpm_evidence_t *out, cf_span_t in, cf_error_t *err) {
  cf_span_t   type, content;
  cf_status_t st = cf_cmw_decode(&type, &content, in, err);
  if (st) return st;
  if (!cf_span_eq(type, CF_SPAN_LIT(CF_TPM_EVIDENCE_TYP)))
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "evidence", 1, "media type %.*s", (int)(type.len < 64 ? type.len : 64),
                        (char const *)type.ptr);
  st = cf_table_decode(out, &cf_tpm_evidence_table, content, err);
  if (st) return st;
  if (out->version != 1)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "evidence.version", 0, "version %u", (unsigned)out->version);
  if ((out->ek_chain.len == 0) == (out->ak_chain.len == 0))
    return cf_error_set(err, CF_ERR_FORMAT, "evidence.ek_chain", 0,
                        "one chain is needed: the endorsement key's or the attestation key's");
  return CF_OK;
}

cf_status_t cf_der_split(cf_span_t *out, size_t *cnt, size_t max, cf_span_t in) {
  cf_rd_t rd = cf_rd_span(in);
  *cnt = 0;
  while (cf_rd_left(&rd)) {
    if (*cnt == max) return CF_ERR_BOUND;
    uint8_t const *start = rd.buf + rd.pos;
    uint8_t        tag = cf_rd_u8(&rd), first = cf_rd_u8(&rd);
    size_t         n = first, width = first & 0x7f;
    if (first & 0x80) {
      if (width == 0 || width > 3) return CF_ERR_FORMAT;
      n = cf_rd_be(&rd, width);
      if (n < 0x80 || n >> 8 * (width - 1) == 0) return CF_ERR_FORMAT; /* a shorter form exists */
    }
    cf_rd_take(&rd, n);
    if (rd.bad || tag != 0x30) return CF_ERR_FORMAT;
    out[(*cnt)++] = CF_SPAN(start, (size_t)(rd.buf + rd.pos - start));
  }
  return CF_OK;
}

bool
cf_der_is_certificate(cf_span_t der) {
  cf_rd_t rd = cf_rd_span(der);
  for (int i = 0; i < 2; i++) { /* the heads of Certificate and TBSCertificate */
    (void)cf_rd_take(&rd, 1);
    uint8_t len = cf_rd_u8(&rd);
    if (len & 0x80) (void)cf_rd_take(&rd, len & 0x7f);
  }
  return cf_rd_u8(&rd) == 0xa0;
}
