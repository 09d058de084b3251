#include "document/cf_documents.h"

#include <assert.h>

#include "codec/cf_cbor.h"

cf_hash_t
cf_epoch_keys_hash(uint64_t suite, uint8_t const sealing[32], uint8_t const receipt[64], uint8_t const settlement[20]) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "epoch-keys");
  cf_sha256_u(&ctx, suite, 1);
  cf_sha256_add(&ctx, sealing, 32);
  cf_sha256_add(&ctx, receipt, 64);
  cf_sha256_add(&ctx, settlement, 20);
  return cf_sha256_end(&ctx);
}

static cf_hash_t
tag_of_domain(char const *what, cf_hash_t const *domain) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, what);
  cf_sha256_h(&ctx, domain);
  return cf_sha256_end(&ctx);
}

cf_hash_t
cf_receipt_first_previous(cf_hash_t const *domain) {
  return tag_of_domain("receipt-0", domain);
}

cf_hash_t
cf_receipt_first_state(cf_hash_t const *domain) {
  return tag_of_domain("state-0", domain);
}

cf_hash_t
cf_result_leaf(uint8_t const salt[32], uint32_t order, cf_span_t sealed) {
  cf_sha256_t ctx;
  cf_hash_t   h = cf_sha256(sealed);
  cf_sha256_tag(&ctx, "result");
  cf_sha256_add(&ctx, salt, 32);
  cf_sha256_u(&ctx, order, 4);
  cf_sha256_h(&ctx, &h);
  return cf_sha256_end(&ctx);
}

void
cf_result_leaf_2(cf_hash_t out[2], uint8_t const *const salt[2], uint32_t order, cf_span_t const sealed[2]) {
  uint8_t in[2][22 + 32 + 4 + 32];
  cf_sha256_2(out, sealed);
  for (size_t i = 0; i < 2; i++) {
    cf_wr_t wr = cf_wr_init(in[i], sizeof in[i]);
    cf_wr_bytes(&wr, "counterfoil/result/v1", 22); /* with its NUL */
    cf_wr_bytes(&wr, salt[i], 32);
    cf_wr_u32(&wr, order + (uint32_t)i);
    cf_wr_hash(&wr, &out[i]);
  }
  cf_sha256_2(out, (cf_span_t const[2]){ CF_SPAN_OF(in[0]), CF_SPAN_OF(in[1]) });
}

cf_hash_t
cf_intent(uint8_t const salt[32], cf_hash_t const *digest) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "intent");
  cf_sha256_add(&ctx, salt, 32);
  cf_sha256_h(&ctx, digest);
  return cf_sha256_end(&ctx);
}

/* ---- receipt files ---- */

cf_status_t
cf_receipt_file_decode(cf_receipt_file_t *out, cf_span_t in, cf_error_t *err) {
  cf_receipt_file_t f  = { 0 };
  cf_rd_t           rd = cf_rd_span(in);
  if (cf_cbor_array(&rd) != 3) rd.bad = true;
  f.receipt  = cf_cbor_bstr(&rd);
  f.index    = cf_cbor_uint(&rd);
  f.path_cnt = cf_cbor_array(&rd);
  if (!rd.bad && f.path_cnt > CF_COUNT_OF(f.path)) return cf_error_set(err, CF_ERR_BOUND, "receipt-file.path", rd.pos, "longer than any tree");
  for (size_t i = 0; !rd.bad && i < f.path_cnt; i++) f.path[i] = cf_cbor_hash(&rd);
  if (!cf_rd_done(&rd)) return cf_error_set(err, CF_ERR_FORMAT, "receipt-file", rd.pos, "not [receipt, index, [path]]");
  *out = f;
  return CF_OK;
}

void
cf_receipt_file_encode(cf_wr_t *wr, cf_receipt_file_t const *f) {
  cf_cbor_w_array(wr, 3);
  cf_cbor_w_bstr(wr, f->receipt);
  cf_cbor_w_uint(wr, f->index);
  cf_cbor_w_array(wr, f->path_cnt);
  for (size_t i = 0; i < f->path_cnt; i++) cf_cbor_w_hash(wr, &f->path[i]);
}

/* ---- opening and sealing ---- */

cf_status_t
cf_document_open(void *out, cf_sign1_t *sign1, cf_table_t const *t, cf_span_t in, cf_error_t *err) {
  if (in.len > CF_ENTRY_MAX) return cf_error_set(err, CF_ERR_BOUND, t->name, 0, "over %d bytes", CF_ENTRY_MAX);
  cf_status_t st = cf_sign1_decode(sign1, in, t->typ, err);
  return st ? st : cf_table_decode(out, t, sign1->payload, err);
}

static void
seal(cf_wr_t *wr, cf_hash_t *hash, char const *typ, cf_span_t payload, cf_p256_key_t const *key, char const *iss, char const *sub) {
  cf_p256_pub_t pub;
  cf_p256_key_pub(key, &pub);
  cf_hash_t     kid = cf_p256_thumbprint(&pub);
  cf_cose_hdr_t hdr = { .alg = CF_COSE_ES256,
                        .kid = CF_SPAN_OF(kid.b),
                        .iss = CF_SPAN(iss, strlen(iss)),
                        .sub = CF_SPAN(sub, strlen(sub)),
                        .typ = CF_SPAN(typ, strlen(typ)) };
  if (hash) {
    uint8_t buf[512];
    cf_wr_t protected_hdr = cf_wr_init(buf, sizeof buf);
    cf_sign1_protected(&protected_hdr, &hdr);
    assert(!protected_hdr.bad);
    *hash = cf_document_hash(cf_wr_out(&protected_hdr), payload);
  }
  cf_sign1_encode(wr, key, &hdr, payload);
}

void
cf_document_seal(cf_wr_t *wr, cf_hash_t *hash, cf_table_t const *t, void const *doc, cf_p256_key_t const *key, char const *iss,
                 char const *sub) {
  uint8_t payload[CF_ENTRY_MAX];
  cf_wr_t body = cf_wr_init(payload, sizeof payload);
  cf_table_encode(&body, t, doc);
  assert(!body.bad && t->typ);
  seal(wr, hash, t->typ, cf_wr_out(&body), key, iss, sub);
}

void
cf_council_doc_seal(cf_wr_t *wr, char const *typ, cf_council_doc_t const *d, cf_p256_key_t const *key, char const *iss, char const *sub) {
  uint8_t payload[CF_ENTRY_MAX];
  cf_wr_t body = cf_wr_init(payload, sizeof payload);
  cf_council_doc_encode(&body, d);
  assert(!body.bad);
  seal(wr, NULL, typ, cf_wr_out(&body), key, iss, sub);
}
