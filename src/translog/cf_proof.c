#include "translog/cf_proof.h"

#include "codec/cf_cbor.h"
#include "codec/cf_cose.h"
#include "translog/cf_line.h"
#include "translog/cf_submission.h"

/* ---- .tlog-proof ---- */

#define HEAD "c2sp.org/tlog-proof@v1"

cf_status_t
cf_tlog_proof_parse(cf_tlog_proof_t *out, cf_span_t in, cf_error_t *err) {
  if (in.len > CF_TLOG_PROOF_MAX) return cf_error_set(err, CF_ERR_BOUND, "tlog-proof", 0, "%zu bytes", in.len);
  cf_rd_t rd = cf_rd_span(in);
  out->extra = CF_SPAN(NULL, 0);
  if (!cf_span_eq(cf_rd_line(&rd), CF_SPAN_LIT(HEAD)))
    return cf_error_set(err, rd.bad ? CF_ERR_FORMAT : CF_ERR_UNSUPPORTED, "tlog-proof", 0, "first line is not " HEAD);
  size_t    at   = rd.pos;
  cf_span_t line = cf_rd_line(&rd);
  if (cf_after(&line, CF_SPAN_LIT("extra "))) {
    uint8_t first[4];
    size_t  sz;
    if (!cf_b64_valid(&sz, first, line) || sz == 0) return cf_error_set(err, CF_ERR_FORMAT, "tlog-proof", at, "extra");
    out->extra = line;
    at         = rd.pos;
    line       = cf_rd_line(&rd);
  }
  cf_status_t st = cf_after(&line, CF_SPAN_LIT("index ")) ? cf_dec_u64(&out->index, line) : CF_ERR_FORMAT;
  if (st) return cf_error_set(err, st, "tlog-proof", at, "index");
  st = cf_path_lines_parse(out->path, &out->path_cnt, &rd);
  if (st) return cf_error_set(err, st, "tlog-proof", rd.pos, "path");
  out->note = CF_SPAN(in.ptr + rd.pos, cf_rd_left(&rd));
  return CF_OK;
}

void
cf_tlog_proof_write(cf_wr_t *wr, cf_tlog_proof_t const *p) {
  cf_wr_str(wr, HEAD "\n");
  if (p->extra.len) {
    cf_wr_str(wr, "extra ");
    cf_wr_span(wr, p->extra);
    cf_wr_str(wr, "\n");
  }
  cf_wr_str(wr, "index ");
  cf_wr_dec(wr, p->index);
  cf_wr_str(wr, "\n");
  cf_path_lines_write(wr, p->path, p->path_cnt);
  cf_wr_span(wr, p->note);
}

cf_status_t
cf_tlog_proof_verify(cf_cosigned_t *out, cf_tlog_proof_t const *p, cf_hash_t const *leaf, cf_witness_set_t const *set,
                     cf_error_t *err) {
  cf_cosigned_t head;
  cf_status_t   st = cf_checkpoint_verify(&head, p->note, set, err);
  if (st) return st;
  st = cf_tree_inclusion_verify(&head.root, head.size, p->index, leaf, p->path, p->path_cnt);
  if (st)
    return cf_error_set(err, st, "tlog-proof", 0, "the entry is not number %llu of %llu", (unsigned long long)p->index,
                        (unsigned long long)head.size);
  *out = head;
  return CF_OK;
}

/* ---- COSE receipts ---- */

enum { LABEL_ALG = 1, LABEL_KID = 4, LABEL_CWT = 15, LABEL_VDS = 395, LABEL_VDP = 396 };
enum { VDS_RFC9162_SHA256 = 1, VDP_INCLUSION = -1 };

/* The next key of the map is want. */
static void
want_key(cf_cbor_map_t *m, cf_rd_t *rd, int64_t want) {
  if (!cf_cbor_next(m) || m->is_text || m->key != want) rd->bad = true;
}

/* The map is at its end. */
static void
want_end(cf_cbor_map_t *m, cf_rd_t *rd) {
  if (cf_cbor_next(m)) rd->bad = true;
}

static bool
protected_decode(cf_log_receipt_t *r, uint64_t *vds) {
  cf_rd_t       rd = cf_rd_span(r->protected_hdr);
  cf_cbor_map_t m  = cf_cbor_map(&rd);
  want_key(&m, &rd, LABEL_ALG), r->alg = cf_cbor_int(&rd);
  want_key(&m, &rd, LABEL_KID), r->kid = cf_cbor_bstr(&rd);
  want_key(&m, &rd, LABEL_CWT);
  cf_cbor_map_t claims = cf_cbor_map(&rd);
  want_key(&claims, &rd, 1), r->origin = cf_cbor_tstr(&rd);
  want_key(&claims, &rd, 2), r->sub = cf_cbor_tstr(&rd);
  want_end(&claims, &rd);
  want_key(&m, &rd, LABEL_VDS), *vds = cf_cbor_uint(&rd);
  want_end(&m, &rd);
  return cf_rd_done(&rd);
}

static cf_status_t
inclusion_decode(cf_log_receipt_t *r, cf_span_t in) {
  cf_rd_t rd = cf_rd_span(in);
  if (cf_cbor_array(&rd) != 3) return CF_ERR_FORMAT;
  r->size     = cf_cbor_uint(&rd);
  r->index    = cf_cbor_uint(&rd);
  r->path_cnt = cf_cbor_array(&rd);
  if (r->path_cnt > CF_TREE_PATH_MAX) return CF_ERR_BOUND;
  for (size_t i = 0; i < r->path_cnt; i++) r->path[i] = cf_cbor_hash(&rd);
  return cf_rd_done(&rd) ? CF_OK : CF_ERR_FORMAT;
}

cf_status_t
cf_log_receipt_decode(cf_log_receipt_t *out, cf_span_t in, cf_error_t *err) {
  if (in.len > CF_LOG_RECEIPT_MAX) return cf_error_set(err, CF_ERR_BOUND, "log receipt", 0, "%zu bytes", in.len);
  cf_log_receipt_t r   = { .alg = 0 };
  uint64_t         vds = 0;
  cf_rd_t          rd  = cf_rd_span(in);
  if (cf_cbor_tag(&rd) != 18 || cf_cbor_array(&rd) != 4)
    return cf_error_set(err, CF_ERR_FORMAT, "log receipt", rd.pos, "no COSE_Sign1");
  r.protected_hdr = cf_cbor_bstr(&rd);
  cf_cbor_map_t m = cf_cbor_map(&rd);
  want_key(&m, &rd, LABEL_VDP);
  cf_cbor_map_t proofs = cf_cbor_map(&rd);
  want_key(&proofs, &rd, VDP_INCLUSION);
  if (cf_cbor_array(&rd) != 1) rd.bad = true;
  cf_span_t inclusion = cf_cbor_bstr(&rd);
  want_end(&proofs, &rd);
  want_end(&m, &rd);
  cf_cbor_null(&rd);
  cf_cbor_bstr_fixed(&rd, r.sig, sizeof r.sig);
  if (!cf_rd_done(&rd)) return cf_error_set(err, CF_ERR_FORMAT, "log receipt", rd.pos, "not a receipt of inclusion");
  if (!protected_decode(&r, &vds)) return cf_error_set(err, CF_ERR_FORMAT, "log receipt", 0, "protected header");
  if (vds != VDS_RFC9162_SHA256) return cf_error_set(err, CF_ERR_UNSUPPORTED, "log receipt", 0, "another kind of tree");
  cf_status_t st = inclusion_decode(&r, inclusion);
  if (st) return cf_error_set(err, st, "log receipt", 0, "inclusion proof");
  *out = r;
  return CF_OK;
}

void
cf_log_receipt_assemble(cf_wr_t *wr, cf_log_receipt_t const *r) {
  uint8_t proof[32 + CF_TREE_PATH_MAX * 34];
  cf_wr_t p = cf_wr_init(proof, sizeof proof);
  cf_cbor_w_array(&p, 3);
  cf_cbor_w_uint(&p, r->size);
  cf_cbor_w_uint(&p, r->index);
  cf_cbor_w_array(&p, r->path_cnt);
  for (size_t i = 0; i < r->path_cnt; i++) cf_cbor_w_hash(&p, &r->path[i]);

  cf_cbor_w_tag(wr, 18);
  cf_cbor_w_array(wr, 4);
  cf_cbor_w_bstr(wr, r->protected_hdr);
  cf_cbor_w_map(wr, 1);
  cf_cbor_w_int(wr, LABEL_VDP);
  cf_cbor_w_map(wr, 1);
  cf_cbor_w_int(wr, VDP_INCLUSION);
  cf_cbor_w_array(wr, 1);
  cf_cbor_w_bstr(wr, cf_wr_out(&p));
  cf_cbor_w_null(wr);
  cf_cbor_w_bstr(wr, CF_SPAN_OF(r->sig));
}

void
cf_log_receipt_signed(cf_wr_t *wr, cf_span_t protected_hdr, cf_hash_t const *root) {
  cf_cbor_w_array(wr, 4);
  cf_cbor_w_str(wr, "Signature1");
  cf_cbor_w_bstr(wr, protected_hdr);
  cf_cbor_w_bstr(wr, CF_SPAN(NULL, 0));
  cf_cbor_w_hash(wr, root);
}

void
cf_log_receipt_encode(cf_wr_t *wr, cf_p256_key_t const *key, cf_log_receipt_t const *r, cf_hash_t const *root) {
  cf_p256_pub_t pub;
  cf_p256_key_pub(key, &pub);
  cf_hash_t kid = cf_p256_thumbprint(&pub);
  uint8_t   hdr[1024];
  cf_wr_t   h = cf_wr_init(hdr, sizeof hdr);
  cf_cbor_w_map(&h, 4);
  cf_cbor_w_int(&h, LABEL_ALG), cf_cbor_w_int(&h, CF_COSE_ES256);
  cf_cbor_w_int(&h, LABEL_KID), cf_cbor_w_hash(&h, &kid);
  cf_cbor_w_int(&h, LABEL_CWT), cf_cbor_w_map(&h, 2);
  cf_cbor_w_int(&h, 1), cf_cbor_w_tstr(&h, r->origin);
  cf_cbor_w_int(&h, 2), cf_cbor_w_tstr(&h, r->sub);
  cf_cbor_w_int(&h, LABEL_VDS), cf_cbor_w_int(&h, VDS_RFC9162_SHA256);
  if (h.bad) { /* origin and sub too long for a receipt */
    wr->bad = true;
    return;
  }
  cf_log_receipt_t made   = *r;
  made.protected_hdr      = cf_wr_out(&h);
  cf_hash_t        digest = cf_sign1_digest(made.protected_hdr, CF_SPAN_OF(root->b));
  cf_p256_sign(key, made.sig, &digest);
  cf_log_receipt_assemble(wr, &made);
}

cf_status_t
cf_log_receipt_verify(cf_hash_t *root, cf_log_receipt_t const *r, cf_hash_t const *leaf, cf_span_t origin,
                      cf_p256_pub_t const *pub, cf_error_t *err) {
  cf_hash_t kid = cf_p256_thumbprint(pub), implied;
  if (r->alg != CF_COSE_ES256)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "log receipt", 0, "algorithm %lld", (long long)r->alg);
  if (!cf_span_eq(r->origin, origin)) return cf_error_set(err, CF_ERR_POLICY, "log receipt", 0, "of another log");
  if (!cf_span_eq(r->kid, CF_SPAN_OF(kid.b))) return cf_error_set(err, CF_ERR_POLICY, "log receipt", 0, "by another key");
  cf_status_t st = cf_tree_inclusion_root(&implied, r->size, r->index, leaf, r->path, r->path_cnt);
  if (st) return cf_error_set(err, st, "log receipt", 0, "index %llu of %llu does not fit the path", (unsigned long long)r->index,
                              (unsigned long long)r->size);
  cf_hash_t digest = cf_sign1_digest(r->protected_hdr, CF_SPAN_OF(implied.b));
  st               = cf_p256_verify(pub, r->sig, &digest);
  if (st) return cf_error_set(err, st, "log receipt", 0, "signature does not verify for this entry");
  *root = implied;
  return CF_OK;
}
