#include "audit/cf_verify.h"

#include "audit/cf_audit_state.h"
#include "audit/cf_logscan.h"
#include "translog/cf_proof.h"

/* ---- a log ---- */

cf_status_t cf_verify_log(cf_verify_log_t *out, cf_audit_reader_t const *reader, cf_vkey_t const *vkey, cf_error_t *err) {
  cf_logscan_t      s;
  cf_logscan_rest_t rest = {0};
  cf_status_t       st = cf_logscan_open(&s, reader, &(cf_logscan_ask_t){.key = vkey}, err);
  if (st) return st;
  for (uint64_t part = 0; !st && part < s.parts; part++) st = cf_logscan_part(&s, reader, part, err);
  if (!st) st = cf_logscan_rest(&rest, &s, reader, NULL, err);
  if (!st) *out = (cf_verify_log_t){.size = s.size, .root = s.root, .checkpoints = rest.checkpoints, .cosigned = rest.cosigned};
  cf_logscan_close(&s);
  return st;
}

/* ---- a receipt ---- */

static cf_status_t check_party(cf_verify_receipt_t const *r, cf_receipt_file_t const *f, cf_hash_t const *envelope,
                               cf_error_t *err) {
  cf_hash_t root, leaf = cf_tree_leaf(CF_SPAN(envelope->b, 32));
  if (cf_tree_inclusion_root(&root, r->doc.inputs, f->index, &leaf, f->path, f->path_cnt) ||
      memcmp(root.b, r->doc.inputs_root, 32))
    return cf_error_set(err, CF_ERR_AUTH, "receipt.path", 0, "does not lead from this envelope to the receipt's inputs root");
  return CF_OK;
}

static cf_status_t check_inclusion(cf_verify_receipt_t *r, cf_audit_t const *a, cf_span_t receipt, cf_span_t bytes,
                                   cf_error_t *err) {
  cf_tlog_proof_t p;
  cf_hash_t       leaf = cf_tree_leaf(receipt);
  cf_status_t     st = cf_tlog_proof_parse(&p, bytes, err);
  if (!st) st = cf_tlog_proof_verify(&r->checkpoint, &p, &leaf, &a->domain.witnesses, err);
  if (st) return st;
  r->state = CF_RECEIPT_INCLUDED;
  r->entry = p.index;
  return CF_OK;
}

static cf_status_t verify_receipt(cf_verify_receipt_t *r, cf_audit_t *a, cf_verify_receipt_ask_t const *ask, cf_error_t *err) {
  cf_receipt_file_t f;
  cf_sign1_t        s;
  cf_status_t       st = cf_domain_open(&a->domain, ask->genesis, NULL, err);
  if (!st) st = cf_receipt_file_decode(&f, ask->file, err);
  if (!st) st = cf_document_open(&r->doc, &s, &cf_receipt_table, f.receipt, err);
  if (st) return st;
  r->hash = cf_document_hash(s.protected_hdr, s.payload);
  r->index = f.index;
  if (memcmp(r->doc.domain, a->domain.id.b, 32))
    return cf_error_set(err, CF_ERR_POLICY, "receipt.domain", 0, "of another domain than genesis'");
  if (memcmp(r->doc.policy, a->domain.policy_hash.b, 32))
    return cf_error_set(err, CF_ERR_POLICY, "receipt.policy", 0, "under another policy than genesis'");
  if (ask->key) {
    cf_hash_t kid = cf_p256_thumbprint(ask->key);
    if (!cf_span_eq(s.hdr.kid, CF_SPAN_OF(kid.b)) || cf_sign1_verify(&s, ask->key))
      return cf_error_set(err, CF_ERR_AUTH, "receipt", 0, "not signed by the epoch's receipt key");
  }
  if (ask->envelope) {
    r->envelope_leaf = cf_tree_leaf(CF_SPAN(ask->envelope->b, 32));
    st = check_party(r, &f, ask->envelope, err);
  }
  if (!st && ask->proof.len) st = check_inclusion(r, a, f.receipt, ask->proof, err);
  return st;
}

cf_status_t cf_verify_receipt(cf_verify_receipt_t *out, cf_verify_receipt_ask_t const *ask, cf_error_t *err) {
  cf_mem_t            mem = {0};
  cf_audit_t         *a = cf_mem_take(&mem, sizeof *a);
  cf_verify_receipt_t r = {.state = CF_RECEIPT_SIGNED};
  cf_status_t         st = verify_receipt(&r, a, ask, err);
  if (!st) *out = r;
  cf_mem_free(&mem);
  return st;
}
