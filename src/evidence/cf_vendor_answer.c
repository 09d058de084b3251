#include "evidence/cf_vendor_answer.h"

#include <stdio.h>

#include "base/cf_text.h"
#include "codec/cf_pem.h"
#include "crypto/cf_hash.h"
#include "evidence/cf_quote_check.h"

#define CHAIN_MAX 16384 /* bytes of a chain as text */

/* One answer, as it is read. */
typedef struct {
  cf_vendor_found_t        *out;
  cf_wr_t                  *room;
  cf_vendor_item_t const   *item;
  cf_vendor_answer_t const *a;
  cf_intel_anchor_t         anchors[CF_ROOTS_MAX];
  cf_intel_time_t           w;
  cf_verdict_t             *v;
} run_t;

static cf_verdict_code_t malformed(run_t *r, char const *what) {
  return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "answer", 0, "%s", what);
}

/* Another item than was asked for. */
static cf_verdict_code_t other(run_t *r, char const *what) {
  return cf_verdict_set(r->v, CF_VERDICT_BINDING, "answer", 0, "%s", what);
}

static void add_part(run_t *r, cf_role_t role, cf_span_t bytes) {
  cf_vendor_record_t *record = &r->out->record;
  record->part[record->part_cnt].role = role;
  r->out->part[record->part_cnt++] = bytes;
}

static void set_dates(run_t *r, int64_t issued_s, int64_t next_s) {
  r->out->record.issued_s = issued_s;
  r->out->record.next_s = next_s;
}

/* ---- fields ---- */

static bool same_name(cf_span_t name, char const *want) {
  if (name.len != strlen(want)) return false;
  for (size_t i = 0; i < name.len; i++) {
    uint8_t a = name.ptr[i], b = (uint8_t)want[i];
    if (a >= 'A' && a <= 'Z') a |= 0x20;
    if (a != b) return false;
  }
  return true;
}

/* What a field is called whose value is the chain of an item's signer. */
static char const *chain_field_name(cf_vendor_kind_t kind) {
  switch (kind) {
  case CF_VENDOR_TCB_INFO:
    return "tcb-info-issuer-chain";
  case CF_VENDOR_IDENTITY:
    return "sgx-enclave-identity-issuer-chain";
  case CF_VENDOR_PCK_CRL:
    return "sgx-pck-crl-issuer-chain";
  case CF_VENDOR_PCK:
    return "sgx-pck-certificate-issuer-chain";
  case CF_VENDOR_ROOT_CRL:
  case CF_VENDOR_VCEK:
  case CF_VENDOR_AMD_CHAIN:
  case CF_VENDOR_AMD_CRL:
    return NULL;
  }
  return NULL;
}

static cf_span_t trim(cf_span_t s) {
  while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) s = CF_SPAN(s.ptr + 1, s.len - 1);
  while (s.len && strchr(" \t\r", s.ptr[s.len - 1])) s.len--;
  return s;
}

/* The one field of that name: several are none. */
static bool field_find(cf_span_t *value, cf_span_t fields, char const *name) {
  size_t found = 0;
  for (size_t pos = 0; pos < fields.len;) {
    uint8_t const *line = fields.ptr + pos, *end = memchr(line, '\n', fields.len - pos), *colon;
    size_t         n = end ? (size_t)(end - line) : fields.len - pos;
    pos += n + 1;
    colon = memchr(line, ':', n);
    if (!colon || !same_name(CF_SPAN(line, (size_t)(colon - line)), name)) continue;
    *value = trim(CF_SPAN(colon + 1, n - (size_t)(colon + 1 - line)));
    found++;
  }
  return found == 1;
}

/* RFC 3986, 2.1; '+' stands for itself. */
static cf_status_t percent_decode(cf_span_t *out, cf_wr_t *room, cf_span_t text) {
  size_t start = room->len;
  if (text.len > CHAIN_MAX * 3) return CF_ERR_BOUND;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = text.ptr[i];
    if (byte == '%') {
      if (text.len - i < 3 || cf_hex_decode(&byte, 1, CF_SPAN(text.ptr + i + 1, 2))) return CF_ERR_FORMAT;
      i += 2;
    }
    if (byte == 0) return CF_ERR_FORMAT;
    cf_wr_u8(room, byte);
  }
  if (room->bad || room->len - start > CHAIN_MAX) return CF_ERR_BOUND;
  *out = CF_SPAN(room->buf + start, room->len - start);
  return CF_OK;
}

cf_status_t cf_vendor_chain_field(cf_span_t *pem, cf_wr_t *room, cf_vendor_kind_t kind, cf_span_t fields) {
  char const *name = chain_field_name(kind);
  cf_span_t   value;
  *pem = CF_SPAN(NULL, 0);
  return name && field_find(&value, fields, name) ? percent_decode(pem, room, value) : CF_OK;
}

static cf_verdict_code_t read_chain_field(run_t *r, cf_span_t *pem) {
  if (cf_vendor_chain_field(pem, r->room, r->item->kind, r->a->fields))
    return malformed(r, "its issuer chain is not percent-encoded text");
  return pem->len ? CF_VERDICT_OK : malformed(r, "it comes without the chain of who signed it, or with several");
}

/* ---- Intel ---- */

static cf_verdict_code_t document_error(run_t *r, cf_error_t const *err) {
  if (err->status == CF_ERR_AUTH) return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "answer", 0, "%s", err->text);
  return malformed(r, err->text);
}

static cf_verdict_code_t document_dates(run_t *r, int64_t issued_s, int64_t next_s) {
  set_dates(r, issued_s, next_s);
  return cf_interval_judge(&r->w.in, issued_s, next_s, r->a->at_s, CF_VERDICT_COLLATERAL_STALE, "answer", r->v);
}

static cf_verdict_code_t read_tcb_info(run_t *r, uint8_t const key[64]) {
  cf_tcb_info_t info;
  cf_error_t    err = {0};
  if (cf_tcb_info_read(&info, r->a->body, key, &err)) return document_error(r, &err);
  if (info.td != (r->item->tee == CF_TEE_TDX)) return other(r, "of another TEE");
  if (memcmp(info.fmspc, r->item->fmspc, sizeof info.fmspc)) return other(r, "of another FMSPC");
  return document_dates(r, info.issued_s, info.next_s);
}

static cf_verdict_code_t read_identity(run_t *r, uint8_t const key[64]) {
  cf_qe_identity_t identity;
  cf_error_t       err = {0};
  if (cf_qe_identity_read(&identity, r->a->body, key, &err)) return document_error(r, &err);
  if (identity.td != (r->item->tee == CF_TEE_TDX)) return other(r, "of the quoting enclave of another TEE");
  return document_dates(r, identity.issued_s, identity.next_s);
}

static cf_verdict_code_t read_document(run_t *r) {
  bool              info = r->item->kind == CF_VENDOR_TCB_INFO;
  cf_intel_chain_t  chain;
  cf_span_t         pem;
  cf_verdict_code_t code = read_chain_field(r, &pem);
  if (!code) code = cf_intel_chain(&chain, &r->w, pem, CF_INTEL_TCB_SIGNING, "issuer-chain", r->v);
  if (!code) code = info ? read_tcb_info(r, chain.cert[0].key.b) : read_identity(r, chain.cert[0].key.b);
  add_part(r, info ? CF_ROLE_TCB_INFO : CF_ROLE_QE_IDENTITY, r->a->body);
  add_part(r, info ? CF_ROLE_TCB_INFO_CHAIN : CF_ROLE_QE_IDENTITY_CHAIN, pem);
  return code;
}

/* DER, or its hex digits, as caches have it. */
static cf_verdict_code_t read_list(run_t *r, cf_span_t *der) {
  cf_span_t body = r->a->body;
  *der = body;
  if (body.len && body.ptr[0] == 0x30 && body.len > 1 && body.ptr[1] > 0x7f) return CF_VERDICT_OK;
  while (body.len && strchr("\r\n", body.ptr[body.len - 1])) body.len--;
  uint8_t *at = cf_wr_room(r->room, body.len / 2);
  if (!at || !body.len || cf_hex_decode(at, body.len / 2, body)) return malformed(r, "neither DER nor hex digits");
  *der = CF_SPAN(at, body.len / 2);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t read_pck_list(run_t *r) {
  cf_intel_chain_t  chain;
  cf_span_t         pem, der;
  cf_crl_t          crl;
  char              cn[CF_CERT_CN_MAX];
  cf_verdict_code_t code = read_chain_field(r, &pem);
  if (!code) code = cf_intel_chain(&chain, &r->w, pem, CF_INTEL_PCK_CA, "issuer-chain", r->v);
  if (code) return code;
  if (!cf_cert_cn(cn, chain.cert[0].subject) || !strstr(cn, r->item->platform_ca ? "Platform CA" : "Processor CA"))
    return other(r, "of another authority");
  code = read_list(r, &der);
  if (!code) code = cf_intel_list(&crl, &r->w, der, &chain.cert[0], "answer", r->v);
  if (code) return code;
  set_dates(r, crl.from_s, crl.to_s);
  add_part(r, CF_ROLE_PCK_CRL, der);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t read_root_list(run_t *r) {
  cf_crl_t          crl;
  cf_span_t         der;
  cf_verdict_code_t code = read_list(r, &der);
  if (!code) code = cf_intel_root_list(&crl, &r->w, der, "answer", r->v);
  if (code) return code;
  set_dates(r, crl.from_s, crl.to_s);
  add_part(r, CF_ROLE_ROOT_CA_CRL, der);
  return CF_VERDICT_OK;
}

/* The leaf in the body, who issued it in the field; of which machine it is, only the machine's own quote tells. */
static cf_verdict_code_t read_pck(run_t *r) {
  cf_intel_chain_t  chain;
  cf_pck_t          pck;
  cf_span_t         pem;
  cf_verdict_code_t code = read_chain_field(r, &pem);
  if (code) return code;
  size_t start = r->room->len;
  cf_wr_span(r->room, r->a->body);
  if (r->a->body.len && r->a->body.ptr[r->a->body.len - 1] != '\n') cf_wr_u8(r->room, '\n');
  cf_wr_span(r->room, pem);
  if (r->room->bad || r->room->len - start > CF_PCK_CHAIN_MAX) return malformed(r, "a chain larger than one is");
  cf_span_t all = CF_SPAN(r->room->buf + start, r->room->len - start);
  code = cf_intel_chain(&chain, &r->w, all, CF_INTEL_PCK, "answer", r->v);
  if (code) return code;
  if (cf_pck_of(&pck, &chain.cert[0])) return malformed(r, "its SGX extension is missing or malformed");
  if (memcmp(pck.pceid, r->item->pceid, sizeof pck.pceid)) return other(r, "of another PCEID");
  set_dates(r, chain.cert[0].from_s, chain.cert[0].to_s);
  add_part(r, CF_ROLE_PCK_CHAIN, all);
  return CF_VERDICT_OK;
}

/* ---- AMD ---- */

enum { VEK, ASK, ARK, CERTS };

static bool is_named(cf_cert_t const *cert, char const *before, char const *product) {
  char cn[CF_CERT_CN_MAX], want[CF_CERT_CN_MAX];
  snprintf(want, sizeof want, "%s%s", before, product);
  return cf_cert_cn(cn, cert->subject) && !strcmp(cn, want);
}

static bool is_pinned(run_t const *r, cf_span_t der) {
  cf_hash_t hash = cf_sha256(der);
  bool      found = !r->a->root_cnt && cf_hash_eq(&hash, &cf_snp_roots[r->item->product]);
  for (size_t i = 0; i < r->a->root_cnt; i++) {
    cf_hash_t root = cf_sha256(r->a->roots[i].der);
    found |= cf_hash_eq(&hash, &root);
  }
  return found;
}

/* certs[ASK] and certs[ARK], the product's own, up to a root that is believed. */
static cf_verdict_code_t read_authorities(run_t *r, cf_cert_t certs[CERTS], cf_span_t ask, cf_span_t ark) {
  char const *product = cf_snp_product_name(r->item->product);
  cf_error_t  err = {0};
  if (cf_cert_decode(&certs[ASK], ask, "ask", &err) || cf_cert_decode(&certs[ARK], ark, "ark", &err))
    return malformed(r, err.text);
  if (!is_pinned(r, ark)) return cf_verdict_set(r->v, CF_VERDICT_CHAIN, "ark", 0, "not a root that is believed");
  if (!is_named(&certs[ARK], "ARK-", product) || !is_named(&certs[ASK], r->item->vlek ? "SEV-VLEK-" : "SEV-", product))
    return other(r, "the chain of another product, or of another kind of key");
  return cf_cert_authority_check(&r->w.in, certs + ASK, 2, CF_CERT_RSAPSS_SHA384, r->a->at_s, r->v);
}

static cf_verdict_code_t read_amd_chain(run_t *r) {
  cf_cert_t certs[CERTS];
  cf_span_t der[2];
  size_t    cnt = 0;
  cf_rd_t   rd = cf_rd_span(r->a->body);
  cf_pem_t  block;
  while (cf_pem_next(&rd, &block)) {
    uint8_t *at = cf_wr_room(r->room, block.data_sz);
    if (cnt == 2 || !cf_span_eq(block.label, CF_SPAN_LIT("CERTIFICATE")) || !at || cf_pem_decode(at, block.data_sz, &block))
      return malformed(r, "not two certificates in PEM");
    der[cnt++] = CF_SPAN(at, block.data_sz);
  }
  if (rd.bad || cnt != 2) return malformed(r, "not two certificates in PEM");
  cf_verdict_code_t code = read_authorities(r, certs, der[0], der[1]);
  if (code) return code;
  set_dates(r, certs[ASK].from_s, certs[ASK].to_s < certs[ARK].to_s ? certs[ASK].to_s : certs[ARK].to_s);
  add_part(r, CF_ROLE_ASK, der[0]);
  add_part(r, CF_ROLE_ARK, der[1]);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t read_vcek(run_t *r) {
  cf_cert_t         certs[CERTS];
  cf_error_t        err = {0};
  cf_verdict_code_t code = read_authorities(r, certs, r->a->ask, r->a->ark);
  if (code) return code;
  if (cf_cert_decode(&certs[VEK], r->a->body, "vek", &err)) return malformed(r, err.text);
  if (!is_named(&certs[VEK], "SEV-VCEK", "")) return other(r, "not a VCEK's certificate");
  code = cf_cert_chain_check(&r->w.in, certs, CERTS, CF_CERT_RSAPSS_SHA384, r->a->at_s, r->v);
  if (!code) code = cf_snp_vek_tcb_check(&certs[VEK], r->item->product, &r->item->tcb, r->v);
  if (!code) code = cf_snp_vcek_chip_check(&certs[VEK], r->item->product, CF_SPAN_OF(r->item->chip), r->v);
  if (code) return code;
  set_dates(r, certs[VEK].from_s, certs[VEK].to_s);
  add_part(r, CF_ROLE_VEK, r->a->body);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t read_amd_list(run_t *r) {
  cf_cert_t         certs[CERTS];
  cf_crl_t          crl;
  cf_error_t        err = {0};
  cf_verdict_code_t code = read_authorities(r, certs, r->a->ask, r->a->ark);
  if (code) return code;
  if (cf_crl_decode(&crl, r->a->body, "answer", &err)) return malformed(r, err.text);
  code = cf_crl_check(&r->w.in, &crl, &certs[ARK], r->a->at_s, "answer", r->v);
  if (code) return code;
  set_dates(r, crl.from_s, crl.to_s);
  add_part(r, CF_ROLE_CRL, r->a->body);
  return CF_VERDICT_OK;
}

/* ---- all ---- */

static cf_verdict_code_t read_kind(run_t *r) {
  switch (r->item->kind) {
  case CF_VENDOR_TCB_INFO:
  case CF_VENDOR_IDENTITY:
    return read_document(r);
  case CF_VENDOR_PCK_CRL:
    return read_pck_list(r);
  case CF_VENDOR_ROOT_CRL:
    return read_root_list(r);
  case CF_VENDOR_PCK:
    return read_pck(r);
  case CF_VENDOR_VCEK:
    return read_vcek(r);
  case CF_VENDOR_AMD_CHAIN:
    return read_amd_chain(r);
  case CF_VENDOR_AMD_CRL:
    return read_amd_list(r);
  }
  return malformed(r, "nothing that could be asked for");
}

cf_verdict_code_t cf_vendor_read(cf_vendor_found_t *out, cf_wr_t *room, cf_vendor_item_t const *item,
                                 cf_vendor_answer_t const *answer, cf_verdict_t *v) {
  run_t r = {.out = out, .room = room, .item = item, .a = answer, .v = v};
  *out = (cf_vendor_found_t){0};
  *v = (cf_verdict_t){.next = cf_verdict_next(CF_VERDICT_OK)};
  if (answer->body.len > CF_VENDOR_PART_MAX) return malformed(&r, "larger than is taken");
  cf_verdict_code_t code = cf_quote_anchors(r.anchors, answer->roots, answer->root_cnt, v);
  if (code) return code;
  r.w = (cf_intel_time_t){.at_s = answer->at_s, .in = CF_INTERVAL_ALL, .anchors = r.anchors, .anchor_cnt = answer->root_cnt};
  return read_kind(&r);
}
