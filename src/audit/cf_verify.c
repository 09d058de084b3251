#include "audit/cf_verify.h"

#include <stdio.h>

#include "audit/cf_audit_state.h"
#include "translog/cf_proof.h"

/* ---- a log ---- */

/* The first fault that was told, as an error. */
static cf_status_t first_fault(cf_audit_t const *a, cf_error_t *err) {
  cf_audit_fault_t const *f = &a->faults[0];
  return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s%s%.120s", f->file, f->file[0] ? ": " : "", f->text);
}

static cf_status_t log_key(cf_vkey_t *key, cf_audit_t *a, cf_error_t *err) {
  cf_span_t text;
  cf_read_t r = cf_audit_try(a, &text, "log.vkey", CF_VKEY_TEXT_MAX + 1);
  if (r == CF_READ_FAILED) return cf_error_set(err, CF_ERR_IO, "log.vkey", 0, "cannot be read");
  if (r != CF_READ_OK) return cf_error_set(err, CF_ERR_FORMAT, "log.vkey", 0, "missing: name the log's key");
  if (text.len && text.ptr[text.len - 1] == '\n') text.len--;
  cf_status_t st = cf_vkey_parse(key, text);
  if (!st && key->type != CF_VKEY_LOG) st = CF_ERR_FORMAT;
  return st ? cf_error_set(err, st, "log.vkey", 0, "not a log's key") : CF_OK;
}

static cf_status_t kept_checkpoints(cf_verify_log_t *out, cf_audit_t *a, cf_error_t *err) {
  for (uint64_t i = 0; i < a->names.cnt; i++) {
    char const     *name = ((cf_name_t *)cf_vec_at(&a->names, i))->name;
    uint64_t        size;
    cf_span_t       bytes;
    cf_note_t       note;
    cf_checkpoint_t c;
    uint8_t         sig[64];
    if (!cf_audit_note_size(&size, name)) continue;
    if (cf_audit_try(a, &bytes, name, CF_NOTE_MAX) != CF_READ_OK)
      return cf_error_set(err, CF_ERR_IO, "log", 0, "%s cannot be read", name);
    cf_status_t st = cf_checkpoint_open(&c, &note, sig, bytes, &a->domain.witnesses.log, err);
    if (st) return st;
    if (c.size != size) return cf_error_set(err, CF_ERR_FORMAT, "log", 0, "%s is a checkpoint of size %llu", name, (ull_t)c.size);
    if (size > a->size)
      return cf_error_set(err, CF_ERR_AUTH, "log", 0, "rollback: %s is larger than log/checkpoint, of size %llu", name,
                          (ull_t)a->size);
    cf_hash_t is = cf_audit_root(a, size);
    if (!cf_hash_eq(&is, &c.root))
      return cf_error_set(err, CF_ERR_AUTH, "log", 0, "fork: %s is not of this log; keep both", name);
    out->checkpoints++;
    if (note.sig_cnt > 1 && size > out->cosigned) out->cosigned = size;
  }
  return CF_OK;
}

cf_status_t cf_verify_log(cf_verify_log_t *out, cf_audit_reader_t const *reader, cf_vkey_t const *vkey, cf_error_t *err) {
  cf_audit_options_t none = {0};
  cf_audit_t        *a = cf_audit_new(reader, &none);
  cf_verify_log_t    log = {0};
  cf_status_t        st = CF_OK;
  if (vkey) a->domain.witnesses.log = *vkey;
  else st = log_key(&a->domain.witnesses.log, a, err);
  if (!st) (void)(cf_audit_list(a) && cf_audit_log(a));
  if (!st && a->n.faults) st = first_fault(a, err);
  if (!st && !a->failed_io) st = kept_checkpoints(&log, a, err);
  if (a->failed_io) st = cf_error_set(err, CF_ERR_IO, "log", 0, "a file could not be read");
  log.size = a->size;
  log.root = a->root;
  if (!st) *out = log;
  cf_audit_free(a);
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
