#include "evidence/cf_quote.h"

#define HEADER_SZ 48
#define KEY_P256 2
#define TEE_SGX 0x00
#define TEE_TDX 0x81
#define CERT_QE 6 /* the QE's report and what certifies it, nested */
#define CERT_MAX_TYPE 5

static uint8_t const intel_qe[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                     0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static cf_status_t read_header(cf_quote_t *q, uint32_t *tee, cf_rd_t *rd, cf_error_t *err) {
  q->version = (uint16_t)cf_rd_le(rd, 2);
  uint16_t key = (uint16_t)cf_rd_le(rd, 2);
  *tee = (uint32_t)cf_rd_le(rd, 4);
  cf_rd_take(rd, 4); /* SVNs that nobody vouches for, or reserved */
  uint8_t const *vendor = cf_rd_take(rd, 16);
  cf_rd_take(rd, 20); /* user data */
  if (rd->bad) return cf_error_set(err, CF_ERR_FORMAT, "quote.header", rd->pos, "cut short");
  if (q->version < 3 || q->version > 5)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "quote.version", 0, "version %u", q->version);
  if (key != KEY_P256) return cf_error_set(err, CF_ERR_UNSUPPORTED, "quote.header", 2, "attestation key type %u", key);
  if (*tee != TEE_SGX && (*tee != TEE_TDX || q->version == 3))
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "quote.header", 4, "TEE type %#x in version %u", *tee, q->version);
  if (memcmp(vendor, intel_qe, sizeof intel_qe))
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "quote.header", 12, "another vendor's quoting enclave");
  return CF_OK;
}

static cf_status_t read_body(cf_quote_t *q, uint32_t tee, cf_rd_t *rd, cf_error_t *err) {
  static uint16_t const sizes[] = {
      [CF_BODY_ENCLAVE] = CF_ENCLAVE_REPORT_SZ, [CF_BODY_TD10] = CF_TD_REPORT_SZ, [CF_BODY_TD15] = CF_TD15_REPORT_SZ};
  uint64_t type = tee == TEE_SGX ? CF_BODY_ENCLAVE : CF_BODY_TD10, size = sizes[type];
  if (q->version == 5) {
    type = cf_rd_le(rd, 2);
    size = cf_rd_le(rd, 4);
    if (type < CF_BODY_ENCLAVE || type > CF_BODY_TD15 || (type == CF_BODY_ENCLAVE) != (tee == TEE_SGX) || size != sizes[type])
      return cf_error_set(err, CF_ERR_FORMAT, "quote.body", HEADER_SZ, "body type %u of %u bytes for TEE type %#x",
                          (unsigned)type, (unsigned)size, tee);
  }
  q->type = (cf_quote_body_t)type;
  q->body = cf_rd_take(rd, (size_t)size);
  if (rd->bad) return cf_error_set(err, CF_ERR_FORMAT, "quote.body", rd->pos, "cut short");
  q->covered = CF_SPAN(rd->buf, rd->pos);
  return CF_OK;
}

/* From the QE's report on: bare in version 3, nested as certification data of type 6 after it. */
static cf_status_t read_qe(cf_quote_t *q, cf_rd_t *rd, cf_error_t *err) {
  q->qe_report = cf_rd_take(rd, CF_ENCLAVE_REPORT_SZ);
  q->qe_signature = cf_rd_take(rd, 64);
  q->qe_auth = cf_rd_take_span(rd, (size_t)cf_rd_le(rd, 2));
  q->cert_type = (uint16_t)cf_rd_le(rd, 2);
  q->cert = cf_rd_take_span(rd, (size_t)cf_rd_le(rd, 4));
  if (!cf_rd_done(rd)) return cf_error_set(err, CF_ERR_FORMAT, "quote.signature", rd->pos, "cut short, or bytes left over");
  if (q->cert_type < 1 || q->cert_type > CERT_MAX_TYPE)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "quote.certification", 0, "certification data of type %u", q->cert_type);
  if (q->qe_auth.len > CF_QUOTE_AUTH_MAX)
    return cf_error_set(err, CF_ERR_BOUND, "quote.signature", 0, "more than %d bytes of authentication data", CF_QUOTE_AUTH_MAX);
  return CF_OK;
}

static cf_status_t read_signature(cf_quote_t *q, cf_span_t data, cf_error_t *err) {
  cf_rd_t rd = cf_rd_span(data);
  q->signature = cf_rd_take(&rd, 64);
  q->attest_key = cf_rd_take(&rd, 64);
  if (q->version == 3) return read_qe(q, &rd, err);
  uint16_t  type = (uint16_t)cf_rd_le(&rd, 2);
  cf_span_t nested = cf_rd_take_span(&rd, (size_t)cf_rd_le(&rd, 4));
  if (!cf_rd_done(&rd)) return cf_error_set(err, CF_ERR_FORMAT, "quote.signature", rd.pos, "cut short, or bytes left over");
  if (type != CERT_QE) return cf_error_set(err, CF_ERR_FORMAT, "quote.certification", 0, "outer type %u, not 6", type);
  cf_rd_t inner = cf_rd_span(nested);
  return read_qe(q, &inner, err);
}

cf_status_t cf_quote_decode(cf_quote_t *out, cf_span_t in, cf_error_t *err) {
  cf_quote_t q = {0};
  cf_rd_t    rd = cf_rd_span(in);
  uint32_t   tee;
  if (in.len > CF_QUOTE_MAX) return cf_error_set(err, CF_ERR_BOUND, "quote", 0, "more than %d bytes", CF_QUOTE_MAX);
  cf_status_t st = read_header(&q, &tee, &rd, err);
  if (!st) st = read_body(&q, tee, &rd, err);
  if (st) return st;
  cf_span_t signature = cf_rd_take_span(&rd, (size_t)cf_rd_le(&rd, 4));
  if (rd.bad) return cf_error_set(err, CF_ERR_FORMAT, "quote.signature", rd.pos, "cut short");
  st = read_signature(&q, signature, err);
  if (st) return st;
  q.trailing = cf_rd_left(&rd);
  *out = q;
  return CF_OK;
}

bool cf_quote_debug(cf_quote_t const *q) {
  return cf_quote_is_td(q) ? q->body[CF_TD_TDATTRIBUTES] != 0 : q->body[CF_ENCLAVE_ATTRIBUTES] & 2;
}

uint8_t const *cf_quote_report_data(cf_quote_t const *q) {
  return q->body + (cf_quote_is_td(q) ? CF_TD_REPORTDATA : CF_ENCLAVE_REPORTDATA);
}
