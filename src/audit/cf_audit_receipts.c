/* The ten checks of PROTOCOL P6, for every counting receipt, in order: the first that fails is told.  Then who was registered. */
#include <stdio.h>

#include "audit/cf_audit_state.h"

typedef enum { HOLDS, FAILS, NOT_YET, NOT_JUDGED } outcome_t;

static outcome_t fails(cf_audit_t *a, cf_receipt_row_t const *r, unsigned check, char const *file, char const *text) {
  cf_audit_fault(a, (cf_who_t){CF_RANK_RECEIPTS, check, r->sequence, r->index, CF_ABOUT_OTHER}, file, cf_next_keep, "%s", text);
  return FAILS;
}

/* ---- 1, 2: decoding, counting and signature are what made it a row of the history ---- */

/* ---- 3 ---- */

static outcome_t check_evidence(cf_audit_t *a, cf_receipt_row_t *r) {
  cf_epoch_row_t const *e = cf_audit_epoch(a, r->epoch);
  char                  text[240];
  if (!e) return fails(a, r, 3, NULL, "no certificate of its epoch stands in the log");
  if (e->refused) return fails(a, r, 3, NULL, e->refused);
  if (!e->passes) {
    snprintf(text, sizeof text, "epoch %llu has %llu of %llu results that agree with their evidence%s%.150s",
             (ull_t)e->boot.index, (ull_t)e->affirmed, (ull_t)cf_genesis_council(&a->domain.genesis, CF_VERIFIERS)->k,
             e->why.text[0] ? ": " : "", e->why.text);
    return fails(a, r, 3, e->why.file, text);
  }
  if (!cf_hash_eq(&r->measurement, &e->measurement)) return fails(a, r, 3, NULL, "its measurement is not the one appraised");
  if (!r->workload || r->workload_version != a->domain.policy.workload_version)
    return fails(a, r, 3, NULL, "of another workload than policy's");
  return HOLDS;
}

/* ---- 4: there is one policy until activations are entries ---- */

static outcome_t check_policy(cf_audit_t *a, cf_receipt_row_t *r) {
  return cf_hash_eq(&r->policy, &a->domain.policy_hash) ? HOLDS : fails(a, r, 4, NULL, "it names another policy than the one in force");
}

/* ---- 5, 6: what counts follows, hash and state, in sequence ---- */

/* ---- 7 ---- */

static bool add_id(cf_audit_t *a, cf_hash_t const *id, cf_hash_t const *leaf) {
  uint64_t row;
  for (cf_map_find_t f = cf_map_find(&a->by_id, leaf); cf_map_next(&f, &row);)
    if (cf_hash_eq(cf_vec_at(&a->ids, row), id)) return false;
  row = a->ids.cnt;
  *(cf_hash_t *)cf_vec_add(&a->ids, &a->mem) = *id;
  cf_map_add(&a->by_id, &a->mem, leaf, row); /* by the leaf's hash: nobody chooses where that falls */
  return true;
}

static outcome_t check_inputs(cf_audit_t *a, cf_receipt_row_t *r) {
  cf_who_t      who = {CF_RANK_RECEIPTS, 7, r->sequence, r->index, CF_ABOUT_OTHER};
  cf_frontier_t tree = {0};
  bool          once = true;
  char          text[120], by[48];
  cf_span_t     bytes;
  r->first_id = a->ids.cnt;
  snprintf(by, sizeof by, "receipt %llu's manifest", (ull_t)r->sequence);
  if (!cf_audit_archived(a, &bytes, &r->manifest, who, by)) return FAILS;
  if (bytes.len % 32 || bytes.len / 32 != r->inputs) {
    snprintf(text, sizeof text, "its manifest has %zu bytes, for %llu inputs", bytes.len, (ull_t)r->inputs);
    return fails(a, r, 7, NULL, text);
  }
  for (size_t i = 0; i < bytes.len; i += 32) {
    cf_hash_t id = cf_hash_of(bytes.ptr + i), leaf = cf_tree_leaf(CF_SPAN_OF(id.b));
    cf_frontier_add(&tree, &leaf);
    if (add_id(a, &id, &leaf) || !once) continue;
    char hex[16];
    once = false;
    snprintf(text, sizeof text, "envelope %s stands in the domain's manifests twice", cf_short(hex, id.b));
  }
  if (!once) return fails(a, r, 7, NULL, text);
  cf_hash_t root = tree.size ? cf_frontier_root(&tree) : cf_tree_empty();
  return cf_hash_eq(&root, &r->inputs_root) ? HOLDS : fails(a, r, 7, NULL, "its inputs root is not that of its manifest");
}

/* ---- 8 ----
   That it lies behind its epoch's k-th result, and the bound on what comes later, are in what counts: behind the next
   certified boot entry only adopted receipts count, and to these the bound does not apply. */

static outcome_t check_time(cf_audit_t *a, cf_receipt_row_t *r) {
  cf_epoch_row_t const *e = cf_audit_epoch(a, r->epoch);
  cf_checkpoint_ref_t  *nb = &r->not_before;
  cf_kept_note_t const *seen = cf_audit_note_of(a, nb->size), *covers = cf_audit_note_covering(a, r->index);
  char                  name[40];
  if (r->index <= e->boot.certified_index) return fails(a, r, 8, NULL, "it stands before its epoch's k-th result");
  if (nb->size > r->index) return fails(a, r, 8, NULL, "it was made after a checkpoint that covers it");
  snprintf(name, sizeof name, "checkpoints/%020llu", (ull_t)nb->size);
  if (!seen) {
    bool there = a->listed && cf_audit_has(a, name);
    return fails(a, r, 8, name,
                 there ? "the checkpoint that it was made after does not hold"
                       : "missing; it is the checkpoint that the receipt was made after");
  }
  if (memcmp(seen->root.b, nb->root, 32)) return fails(a, r, 8, name, "the checkpoint that it names has another root");
  if (nb->time < seen->time_s || nb->time > seen->top_s)
    return fails(a, r, 8, name, "the checkpoint that it names is of another time");
  if (covers && nb->time > covers->time_s + a->domain.policy.clock_skew_s)
    return fails(a, r, 8, NULL, "made later than the first checkpoint that covers it");
  return HOLDS;
}

/* ---- 9 ---- */

static outcome_t check_witnessed(cf_audit_t *a, cf_receipt_row_t *r) {
  return cf_audit_note_covering(a, r->index) ? HOLDS : NOT_YET;
}

/* ---- 10 ---- */

/* What an observer had verified of the log when it signed: of this log, and kept. */
static bool observer_saw(cf_audit_t *a, cf_proof_row_t *made, cf_finality_sig_t const *s) {
  if (s->log_size > a->good && a->cut) return true;
  cf_hash_t is = s->log_size <= a->good ? cf_audit_root(a, s->log_size) : (cf_hash_t){{0}};
  if (!cf_hash_eq(&is, &s->log_root)) {
    snprintf(made->why, sizeof made->why, "observer %u was shown another log of %llu entries", s->observer, (ull_t)s->log_size);
    return false;
  }
  if (!a->listed || s->log_size == 0 || cf_audit_note_of(a, s->log_size)) return true;
  snprintf(made->file, sizeof made->file, "checkpoints/%020llu", (ull_t)s->log_size);
  snprintf(made->why, sizeof made->why, "missing, or does not hold; observer %u relied on it", s->observer);
  return false;
}

static cf_proof_row_t *proof_of(cf_audit_t *a, cf_receipt_row_t const *r, cf_who_t who, bool *told) {
  cf_hash_t           name = cf_hash_of(r->view.proof);
  uint64_t            row;
  cf_span_t           bytes;
  cf_finality_proof_t p;
  cf_finality_t       f;
  cf_error_t          err = {0};
  char                by[64];
  for (cf_map_find_t m = cf_map_find(&a->by_proof, &name); cf_map_next(&m, &row);) {
    cf_proof_row_t *old = cf_vec_at(&a->proofs, row);
    if (cf_hash_eq(&old->name, &name)) return old;
  }
  row = a->proofs.cnt;
  cf_proof_row_t *made = cf_vec_add(&a->proofs, &a->mem);
  made->name = name;
  cf_map_add(&a->by_proof, &a->mem, &name, row);
  snprintf(by, sizeof by, "receipt %llu's finality proof", (ull_t)r->sequence);
  if (!cf_audit_archived(a, &bytes, &name, who, by)) {
    *told = true;
    snprintf(made->why, sizeof made->why, "the finality proof of its view is missing or altered");
    return made;
  }
  cf_status_t st = cf_finality_proof_decode(&p, bytes, &err);
  if (!st) st = cf_finality_proof_verify(&f, &p, &a->domain.ledger, &a->domain.observers, &err);
  if (st) {
    snprintf(made->why, sizeof made->why, "the finality proof of its view: %.100s", err.text);
    return made;
  }
  for (size_t i = 0; i < p.cnt; i++)
    if (!observer_saw(a, made, &p.at[i])) return made;
  made->holds = true;
  made->number = f.number;
  made->hash = f.block_hash;
  made->time_s = f.time_s;
  a->n.proofs++;
  return made;
}

/* The block that observers proved final is the ledger's. */
static outcome_t check_block(cf_audit_t *a, cf_receipt_row_t *r) {
  cf_view_ref_t const *v = &r->view;
  cf_audit_block_t     b = {0};
  char                 named[48], word[40], text[120];
  char const          *file = cf_audit_at(a, named, word, v->number);
  switch (cf_audit_block(a, &b, v->number)) {
  case CF_BLOCK_UNKNOWN:
    return NOT_JUDGED;
  case CF_BLOCK_MISSING:
    snprintf(text, sizeof text, "%smissing; observers proved this block final", word);
    return fails(a, r, 10, file, text);
  case CF_BLOCK_THERE:
    break;
  }
  if (!memcmp(b.hash.b, v->hash, 32) && b.time_s == v->time) return HOLDS;
  snprintf(text, sizeof text, "%s%sobservers proved another block of this number final", word, *word ? "is another one: " : "");
  return fails(a, r, 10, file, text);
}

static outcome_t check_view(cf_audit_t *a, cf_receipt_row_t *r) {
  static uint8_t const    none[32];
  cf_view_ref_t const    *v = &r->view;
  bool                    told = false;
  cf_receipt_row_t const *before = cf_audit_counting(a, r->sequence - 1);
  if (before && v->number < before->view.number)
    return fails(a, r, 10, NULL, "its ledger view is older than that of the receipt before");
  if (!memcmp(v->proof, none, 32)) {
    bool empty = !v->number && !v->time && !memcmp(v->hash, none, 32);
    return empty ? HOLDS : fails(a, r, 10, NULL, "a ledger view without a finality proof");
  }
  cf_proof_row_t const *p = proof_of(a, r, (cf_who_t){CF_RANK_RECEIPTS, 10, r->sequence, r->index, CF_ABOUT_OTHER}, &told);
  if (told) return FAILS;
  if (!p->holds) return fails(a, r, 10, p->file, p->why);
  if (p->number != v->number || p->time_s != v->time || memcmp(p->hash.b, v->hash, 32))
    return fails(a, r, 10, NULL, "its ledger view is not the block that the finality proof is of");
  return check_block(a, r);
}

static outcome_t check_settled(cf_audit_t *a, cf_receipt_row_t *r) {
  outcome_t view = check_view(a, r);
  if (view != HOLDS) return view;
  if (r->content != CF_NO_ROW) return HOLDS;
  if (r->hangs) return NOT_JUDGED; /* its settlement does not hold, as told */
  if (r->sequence <= a->covered_to) return fails(a, r, 10, NULL, "a later receipt is settled, and no content covers this one");
  return HOLDS; /* not yet settled */
}

/* ---- the loop ---- */

static outcome_t (*const checks[])(cf_audit_t *, cf_receipt_row_t *) = {check_evidence, check_policy,    check_inputs,
                                                                        check_time,     check_witnessed, check_settled};

static void judge(cf_audit_t *a, cf_receipt_row_t *r) {
  outcome_t all = HOLDS;
  for (size_t i = 0; i < CF_COUNT_OF(checks) && all != FAILS; i++) {
    outcome_t o = checks[i](a, r);
    if (o == FAILS || (o == NOT_JUDGED && all != FAILS) || (o == NOT_YET && all == HOLDS)) all = o;
  }
  switch (all) {
  case HOLDS:
    r->judged = CF_JUDGED_HOLDS;
    return;
  case NOT_YET:
    r->judged = CF_JUDGED_PROVISIONAL;
    return;
  case FAILS:
    r->judged = CF_JUDGED_FAILS;
    return;
  case NOT_JUDGED:
    r->judged = CF_JUDGED_NOT;
    return;
  }
}

/* ---- registrations: no key settles that no certified epoch of the log has ---- */

static char const *registration_fault(cf_audit_t const *a, cf_registration_t const *r) {
  cf_registration_terms_t t = cf_registration_terms_unpack(&r->terms);
  cf_epoch_row_t const   *e = cf_audit_epoch(a, t.epoch);
  if (!e || !cf_hash_eq(&e->boot.cert_hash, &r->certificate)) return "for an epoch certificate that the log does not have";
  if (!cf_hash_eq(&e->boot.instance, &r->instance) || memcmp(e->boot.settlement, r->key.b, 20) ||
      t.log_index != e->boot.cert_index)
    return "whose key, instance or log index is not its certificate's";
  if (t.not_before_s < e->boot.not_before || t.not_after_s > e->boot.not_after || t.policy != a->domain.policy.version)
    return "on other terms than its certificate's";
  if (!e->passes) return "for an epoch that does not pass check 3";
  if (!cf_hash_eq(&e->measurement, &r->measurement)) return "with a measurement other than the one appraised";
  for (uint64_t i = 0; i < a->results.cnt; i++) {
    cf_result_row_t const *x = cf_vec_at(&a->results, i);
    if (x->agrees && !memcmp(x->ear.certificate, r->certificate.b, 32) && !memcmp(x->ear.evidence, r->evidence.b, 32))
      return NULL;
  }
  return "resting on evidence that no result in the log is of";
}

/* Of a key whose call nobody can read: it is at least one that a certificate names. */
static char const *key_fault(cf_audit_t const *a, cf_addr_t const *key) {
  for (uint64_t i = 0; i < a->epochs.cnt; i++) {
    cf_epoch_row_t const *e = cf_vec_at(&a->epochs, i);
    if (!memcmp(e->boot.settlement, key->b, sizeof key->b)) return e->passes ? NULL : "for an epoch that does not pass check 3";
  }
  return "that no epoch certificate in the log names";
}

bool cf_audit_receipts(cf_audit_t *a) {
  for (uint64_t s = 1; s <= a->counting.cnt && !a->failed_io; s++) judge(a, cf_audit_counting(a, s));
  for (uint64_t i = 0; i < a->registrations.cnt && !a->cut; i++) {
    cf_registration_row_t const *g = cf_vec_at(&a->registrations, i);
    char const                  *text = g->known ? registration_fault(a, &g->r) : key_fault(a, &g->r.key);
    char                         named[48], word[40];
    char const                  *file = cf_audit_at(a, named, word, g->block);
    if (text) cf_audit_fault(a, CF_WHO_ABOUT(CF_RANK_RESULTS, 3, CF_ABOUT_ENCLAVE), file, cf_next_keep, "%sregisters a key %s", word, text);
  }
  return !a->failed_io;
}
