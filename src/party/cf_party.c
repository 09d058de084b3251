#include "party/cf_party.h"

#include <assert.h>

#include "base/cf_secret.h"
#include "codec/cf_cbor.h"

/* ---- sealing ---- */

static bool usable(cf_account_t const *account, cf_attested_t const *a, uint64_t at_s) {
  cf_session_t const *s = &account->session;
  return account->have_session && cf_hash_eq(&s->certificate, &a->certificate) && cf_session_live(s, at_s) &&
         s->in.highest + 1 < CF_SESSION_COUNTER_END;
}

/* A new session takes the place of the newest, which is kept for results that are not read yet. */
static cf_status_t open_session(cf_account_t *account, cf_wr_t *envelope, cf_wallet_t const *w, cf_attested_t const *a,
                                cf_ciphers_t const *ciphers, cf_span_t input, uint64_t at_s, cf_entropy_t const *e) {
  cf_session_t s;
  cf_status_t  st = cf_session_begin(&s, envelope, ciphers, &a->target, w->scalar, &w->result_pub, at_s + CF_SESSION_S,
                                     account->order + 1, input, e);
  if (!st) {
    if (account->have_session && account->before_cnt < CF_SESSIONS_BEFORE) account->before_cnt++;
    if (account->before_cnt) {
      memmove(account->before + 1, account->before, (account->before_cnt - 1) * sizeof *account->before);
      account->before[0] = account->session;
    }
    account->session = s;
    account->have_session = true;
  }
  cf_wipe(&s, sizeof s);
  return st;
}

cf_status_t cf_party_seal(cf_account_t *account, cf_wr_t *envelope, cf_hash_t *id, cf_wallet_t const *w, cf_attested_t const *a,
                          cf_ciphers_t const *ciphers, cf_span_t input, uint64_t at_s, cf_entropy_t const *e, cf_error_t *err) {
  size_t from = envelope->len;
  if (!cf_hash_eq(&account->domain, &a->trust.id))
    return cf_error_set(err, CF_ERR_POLICY, "account", 0, "of another domain than the bundle");
  if (!a->stale && at_s > a->until_s)
    return cf_error_set(err, CF_ERR_STALE, "bundle", 0, "passed until %llu only: attest again", (unsigned long long)a->until_s);
  if (account->pending_cnt == account->pending_max)
    return cf_error_set(err, CF_ERR_BOUND, "account.pending", 0, "%zu inputs wait for their results", account->pending_cnt);

  cf_status_t st = usable(account, a, at_s) ? cf_session_seal(&account->session, envelope, ciphers, &a->trust.id,
                                                              a->target.jurisdiction, account->order + 1, input)
                                            : open_session(account, envelope, w, a, ciphers, input, at_s, e);
  if (st) return cf_error_set(err, st, "input", 0, "could not be sealed: %s", cf_status_name(st));
  account->order++;
  account->kept = a->head;
  *id = cf_envelope_id(CF_SPAN(envelope->buf + from, envelope->len - from));
  account->pending[account->pending_cnt++] = (cf_pending_t){*id, account->order};
  return CF_OK;
}

/* ---- receipts ---- */

cf_status_t cf_receipt_check(cf_receipt_t *out, cf_hash_t *hash, cf_receipt_file_t const *file, cf_hash_t const *envelope,
                             cf_domain_t const *trust, cf_epoch_t const *epoch, cf_error_t *err) {
  cf_sign1_t    sign1;
  cf_p256_pub_t key;
  cf_status_t   st = cf_document_open(out, &sign1, &cf_receipt_table, file->receipt, err);
  if (st) return st;
  memcpy(key.b, epoch->receipt, sizeof key.b);
  if (memcmp(out->domain, trust->id.b, 32)) return cf_error_set(err, CF_ERR_AUTH, "receipt.domain", 0, "of another domain");
  if (out->epoch != epoch->epoch || memcmp(out->instance, epoch->instance, 32))
    return cf_error_set(err, CF_ERR_POLICY, "receipt.epoch", 0, "of epoch %llu, not of the certificate's",
                        (unsigned long long)out->epoch);
  if (cf_sign1_verify(&sign1, &key)) return cf_error_set(err, CF_ERR_AUTH, "receipt", 0, "not signed by the epoch's receipt key");
  cf_hash_t root, leaf = cf_tree_leaf(CF_SPAN_OF(envelope->b));
  memcpy(root.b, out->inputs_root, sizeof root.b);
  if (cf_tree_inclusion_verify(&root, out->inputs, file->index, &leaf, file->path, file->path_cnt))
    return cf_error_set(err, CF_ERR_AUTH, "receipt.inputs_root", 0, "this envelope is not among its inputs");
  *hash = cf_document_hash(sign1.protected_hdr, sign1.payload);
  return CF_OK;
}

cf_status_t cf_party_logged(cf_cosigned_t *head, cf_span_t tlog_proof, cf_span_t entry, cf_domain_t const *trust,
                            cf_error_t *err) {
  cf_tlog_proof_t p;
  cf_hash_t       leaf = cf_tree_leaf(entry);
  cf_status_t     st = cf_tlog_proof_parse(&p, tlog_proof, err);
  return st ? st : cf_tlog_proof_verify(head, &p, &leaf, &trust->witnesses, err);
}

/* ---- results ---- */

#define RELEASED_MAX 4096

cf_status_t cf_released_begin(size_t *cnt, cf_rd_t *rd, cf_error_t *err) {
  *cnt = cf_cbor_array(rd);
  if (rd->bad || *cnt == 0 || *cnt > RELEASED_MAX)
    return cf_error_set(err, CF_ERR_FORMAT, "results", rd->pos, "not a list of released results");
  return CF_OK;
}

cf_status_t cf_released_next(cf_released_t *out, cf_rd_t *rd, cf_error_t *err) {
  cf_released_t r = {0};
  size_t        n = cf_cbor_array(rd);
  r.sequence = cf_cbor_uint(rd);
  uint64_t leaf = cf_cbor_uint(rd);
  cf_cbor_bstr_fixed(rd, r.salt, sizeof r.salt);
  r.sealed = cf_cbor_bstr(rd);
  r.path_cnt = cf_cbor_array(rd);
  if (n != 5 || leaf > UINT32_MAX || r.path_cnt > sizeof r.path / sizeof *r.path) rd->bad = true;
  for (size_t i = 0; !rd->bad && i < r.path_cnt; i++) r.path[i] = cf_cbor_hash(rd);
  if (rd->bad) return cf_error_set(err, CF_ERR_FORMAT, "results", rd->pos, "not [sequence, order, salt, sealed result, path]");
  r.leaf = (uint32_t)leaf;
  *out = r;
  return CF_OK;
}

void cf_released_list(cf_wr_t *wr, size_t cnt) { cf_cbor_w_array(wr, cnt); }

void cf_released_write(cf_wr_t *wr, cf_released_t const *r) {
  cf_cbor_w_array(wr, 5);
  cf_cbor_w_uint(wr, r->sequence);
  cf_cbor_w_uint(wr, r->leaf);
  cf_cbor_w_bstr(wr, CF_SPAN_OF(r->salt));
  cf_cbor_w_bstr(wr, r->sealed);
  cf_cbor_w_array(wr, r->path_cnt);
  for (size_t i = 0; i < r->path_cnt; i++) cf_cbor_w_hash(wr, &r->path[i]);
}

/* The size of the results tree is nobody's to know.  A path of some length for leaf i fits few shapes of tree: those whose last
   leaf is i, or first differs from i in one of i's zero bits.  Under one root only one of them leads there. */
static bool leads_to(cf_hash_t const *root, cf_hash_t const *leaf, cf_released_t const *r) {
  uint64_t i = r->leaf;
  if (!cf_tree_inclusion_verify(root, i + 1, i, leaf, r->path, r->path_cnt)) return true;
  for (unsigned bit = 0; bit < 32; bit++) {
    if (i >> bit & 1) continue;
    uint64_t last = (i >> bit | 1) << bit;
    if (!cf_tree_inclusion_verify(root, last + 1, i, leaf, r->path, r->path_cnt)) return true;
  }
  return false;
}

cf_status_t cf_result_check(cf_released_t const *r, cf_receipt_t const *receipt, cf_error_t *err) {
  if (r->sequence != receipt->sequence)
    return cf_error_set(err, CF_ERR_POLICY, "result", 0, "a leaf of receipt %llu", (unsigned long long)r->sequence);
  cf_hash_t root, entry = cf_result_leaf(r->salt, r->leaf, r->sealed), leaf = cf_tree_leaf(CF_SPAN_OF(entry.b));
  memcpy(root.b, receipt->results_root, sizeof root.b);
  return leads_to(&root, &leaf, r) ? CF_OK : cf_error_set(err, CF_ERR_AUTH, "result", 0, "not a leaf of the receipt's results");
}

cf_status_t cf_party_result(cf_result_t *out, uint8_t *plain, cf_account_t *account, cf_wallet_t const *w,
                            cf_ciphers_t const *ciphers, cf_released_t const *r, cf_receipt_t const *receipt, cf_error_t *err) {
  cf_error_t  first = {0};
  cf_hash_t   instance;
  cf_status_t st = cf_error_set(&first, CF_ERR_POLICY, "result", 0, "there is no session that it could be sealed to");
  if (account->have_session) {
    first = (cf_error_t){0};
    st = cf_result_open(out, &instance, plain, ciphers, &account->domain, &account->session, w->result, r->sealed, &first);
  }
  for (size_t i = 0; st == CF_ERR_POLICY && i < account->before_cnt; i++) {
    first = (cf_error_t){0};
    st = cf_result_open(out, &instance, plain, ciphers, &account->domain, &account->before[i], w->result, r->sealed, &first);
  }
  if (st) {
    if (err) *err = first;
    return st;
  }
  if (out->sequence != receipt->sequence || memcmp(instance.b, receipt->instance, 32))
    return cf_error_set(err, CF_ERR_POLICY, "result", 0, "it does not name the receipt that it stands under");
  cf_hash_t envelope;
  memcpy(envelope.b, out->envelope, sizeof envelope.b);
  if (out->class != CF_RESULT_NOTICE) cf_account_done(account, &envelope);
  return CF_OK;
}

/* ---- the ledger ---- */

cf_status_t cf_party_call(cf_wr_t *wr, cf_wallet_t const *w, cf_domain_t const *trust, uint64_t nonce, uint64_t deadline_s,
                          cf_op_t const *op) {
  uint8_t   buf[1024]; /* a party's ops are short */
  cf_wr_t   bytes = cf_wr_init(buf, sizeof buf);
  cf_call_t call = {.nonce = nonce, .deadline_s = deadline_s};
  cf_op_write(&bytes, op);
  if (bytes.bad) return CF_ERR_BOUND;
  call.op = cf_wr_out(&bytes);
  cf_status_t st = cf_call_sign(&call, &trust->ledger.separator, w->scalar);
  if (st) return st;
  cf_call_write(wr, &call);
  return wr->bad ? CF_ERR_BOUND : CF_OK;
}
