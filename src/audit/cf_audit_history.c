/* The log's entries, each read once, in order: who lives, what counts, and a row for everything that is judged later. */
#include <stdio.h>

#include "audit/cf_audit_state.h"

cf_epoch_row_t *cf_audit_epoch(cf_audit_t const *a, uint64_t epoch) {
  for (uint64_t i = a->epochs.cnt; i > 0; i--) { /* the newest are asked for most */
    cf_epoch_row_t *e = cf_vec_at(&a->epochs, i - 1);
    if (e->boot.index == epoch) return e;
  }
  return NULL;
}

cf_receipt_row_t *cf_audit_receipt_at(cf_audit_t const *a, uint64_t index) {
  uint64_t lo = 0, hi = a->receipts.cnt;
  while (lo < hi) {
    uint64_t mid = lo + (hi - lo) / 2;
    if (((cf_receipt_row_t *)cf_vec_at(&a->receipts, mid))->index < index) lo = mid + 1;
    else hi = mid;
  }
  cf_receipt_row_t *r = lo < a->receipts.cnt ? cf_vec_at(&a->receipts, lo) : NULL;
  return r && r->index == index ? r : NULL;
}

/* ---- what the history says ---- */

static void on_counts(cf_audit_t *a, cf_history_receipt_t const *h) {
  uint64_t lo = 0, hi = a->receipts.cnt;
  while (lo < hi) {
    uint64_t mid = lo + (hi - lo) / 2;
    if (((cf_receipt_row_t *)cf_vec_at(&a->receipts, mid))->index < h->index) lo = mid + 1;
    else hi = mid;
  }
  ((cf_receipt_row_t *)cf_vec_at(&a->receipts, lo))->kind = CF_RECEIPT_COUNTS;
  *(uint64_t *)cf_vec_add(&a->counting, &a->mem) = lo;
}

/* What verifiers look at in the log before they sign (PROTOCOL P4), looked at again: the certified instance adopts all that
   counted, and opens the same sealing root, unless that was renewed. */
static void on_affirmed(cf_audit_t *a, cf_history_boot_t const *b) {
  cf_history_t const *h = &a->history;
  cf_epoch_row_t     *e = cf_audit_epoch(a, b->index);
  e->boot = *b;
  if (b->certified_index == CF_NO_INDEX || e->fenced) return;
  e->fenced = true;
  if (b->tip_sequence < h->sequence || (b->tip_sequence == h->sequence && h->sequence && !cf_hash_eq(&b->tip_hash, &h->hash)))
    e->refused = "its boot entry adopts less than what counted before it";
  for (uint64_t i = 0; i < a->epochs.cnt; i++) {
    cf_epoch_row_t const *o = cf_vec_at(&a->epochs, i);
    if (o == e || o->boot.certified_index == CF_NO_INDEX || o->boot.index > b->index) continue;
    if (b->root_number < o->boot.root_number ||
        (b->root_number == o->boot.root_number && !cf_hash_eq(&b->commitment, &o->boot.commitment)))
      e->refused = "its sealing root is not that of the certified epoch before";
  }
}

static void on_event(void *ctx, cf_history_event_t const *ev) {
  cf_audit_t *a = ctx;
  if (ev->kind == CF_HISTORY_COUNTS) {
    on_counts(a, ev->receipt);
    return;
  }
  a->event = ev->kind;
  a->event_text = ev->text;
  a->event_boot = ev->boot;
  if (ev->kind == CF_HISTORY_BOOTED) *(uint64_t *)cf_vec_add(&a->boots, &a->mem) = ev->boot->index;
  if (ev->kind == CF_HISTORY_CERTIFICATE) {
    cf_epoch_row_t *e = cf_vec_add(&a->epochs, &a->mem);
    e->boot = *ev->boot;
    e->first_receipt = CF_NO_INDEX;
  }
  if (ev->kind == CF_HISTORY_RESULT) on_affirmed(a, ev->boot);
}

/* ---- entries by their type ---- */

static char const *where(cf_audit_t *a, uint64_t index, char name[4 + CF_TILE_PATH_MAX]) {
  cf_tile_t t = {CF_TILE_ENTRIES, index / CF_TILE_WIDTH, CF_TILE_WIDTH};
  if (a->size - t.index * CF_TILE_WIDTH < CF_TILE_WIDTH) t.width = (unsigned)(a->size - t.index * CF_TILE_WIDTH);
  memcpy(name, "log/", 4);
  cf_tile_path(name + 4, &t);
  return name;
}

static void entry_fault(cf_audit_t *a, cf_who_t who, char const *text) {
  char name[4 + CF_TILE_PATH_MAX];
  cf_audit_fault(a, who, where(a, who.entry, name), cf_next_keep, "entry %llu: %s", (ull_t)who.entry, text);
}

static void on_receipt(cf_audit_t *a, uint64_t index, cf_span_t entry) {
  cf_receipt_t doc;
  cf_sign1_t   s;
  cf_who_t     who = {CF_RANK_RECEIPTS, 2, 0, index, CF_ABOUT_OTHER};
  if (cf_document_open(&doc, &s, &cf_receipt_table, entry, NULL)) {
    who.check = 1;
    who.receipt = a->history.sequence + 1;
    entry_fault(a, who, a->event_text);
    return;
  }
  who.receipt = doc.sequence;
  if (a->event == CF_HISTORY_FAULT) {
    entry_fault(a, who, a->event_text);
    return;
  }
  if (a->event == CF_HISTORY_AGAIN) return;
  cf_receipt_row_t *r = cf_vec_add(&a->receipts, &a->mem);
  r->index = index;
  r->epoch = doc.epoch;
  cf_epoch_row_t *e = cf_audit_epoch(a, doc.epoch);
  if (e && e->first_receipt == CF_NO_INDEX) e->first_receipt = index;
  r->sequence = doc.sequence;
  r->hash = cf_document_hash(s.protected_hdr, s.payload);
  r->instance = cf_hash_of(doc.instance);
  r->policy = cf_hash_of(doc.policy);
  r->measurement = cf_hash_of(doc.measurement);
  r->previous = cf_hash_of(doc.previous);
  r->state_before = cf_hash_of(doc.state_before);
  r->state_after = cf_hash_of(doc.state_after);
  r->manifest = cf_hash_of(doc.manifest);
  r->inputs_root = cf_hash_of(doc.inputs_root);
  r->intent = cf_hash_of(doc.intent);
  r->abandon = cf_hash_of(doc.abandon);
  r->inputs = doc.inputs;
  r->workload = cf_span_eq(doc.workload, a->domain.policy.workload);
  r->workload_version = doc.workload_version;
  r->not_before = doc.not_before;
  r->view = doc.view;
  r->not_before.extra = r->view.extra = CF_SPAN(NULL, 0);
  r->content = CF_NO_ROW;
  if (a->event != CF_HISTORY_VOID) return;
  /* Beyond an adopted tip a dead instance may have gone on for a while: that is skipped.  All else is somebody's doing. */
  cf_history_boot_t const *c = cf_history_certified(&a->history), *b = a->event_boot;
  r->kind = c && b && b->index < c->index ? CF_RECEIPT_SKIPPED : CF_RECEIPT_REFUSED;
  if (r->kind == CF_RECEIPT_SKIPPED) return;
  r->judged = CF_JUDGED_FAILS;
  who.check = doc.sequence <= a->history.sequence ? 5 : 1;
  entry_fault(a, who, a->event_text);
}

static void on_result(cf_audit_t *a, uint64_t index, cf_span_t entry) {
  cf_ear_t   ear;
  cf_sign1_t s;
  if (cf_ear_open(&ear, &s, entry, NULL)) return; /* history told so */
  cf_result_row_t *r = cf_vec_add(&a->results, &a->mem);
  *r = (cf_result_row_t){.index = index, .ear = ear, .member = a->history.verifiers.members_cnt};
  r->ear.verdict = cf_audit_keep(a, ear.verdict);
  for (size_t m = 0; m < a->history.verifiers.members_cnt; m++) {
    cf_p256_pub_t pub;
    memcpy(pub.b, a->history.verifiers.members[m].es256, sizeof pub.b);
    cf_hash_t kid = cf_p256_thumbprint(&pub);
    if (cf_span_eq(s.hdr.kid, CF_SPAN_OF(kid.b))) r->member = m;
  }
}

static void on_settlement(cf_audit_t *a, uint64_t index, cf_span_t entry) {
  cf_settlement_doc_t doc;
  cf_sign1_t          s;
  cf_error_t          err = {0};
  if (cf_document_open(&doc, &s, &cf_settlement_doc_table, entry, &err)) {
    entry_fault(a, (cf_who_t){CF_RANK_RECEIPTS, 10, 0, index, CF_ABOUT_OTHER}, err.text);
    return;
  }
  cf_settlement_t   c = {cf_hash_of(doc.meta), cf_hash_of(doc.prev_head), cf_hash_of(doc.state_root), cf_hash_of(doc.entries),
                         cf_hash_of(doc.receipts)};
  cf_hash_t         digest = cf_settlement_digest(&a->domain.ledger.separator, &c);
  cf_content_row_t *old = cf_audit_content(a, &digest), *r;
  if (old && old->doc.epoch == doc.epoch && !memcmp(old->doc.salt, doc.salt, 32)) return; /* published again */
  if (old) { /* a successor's signature under the same content: it is judged like the first, which stays */
    cf_epoch_row_t const *e = cf_audit_epoch(a, doc.epoch);
    cf_addr_t             signer;
    if (!e || cf_k256_recover(&signer, doc.signature, &digest) || memcmp(signer.b, e->boot.settlement, 20) ||
        memcmp(old->doc.salt, doc.salt, 32))
      entry_fault(a, (cf_who_t){CF_RANK_RECEIPTS, 10, doc.last, index, CF_ABOUT_OTHER},
                  "a content signed again, and not by its epoch's settlement key");
    return;
  }
  uint64_t row = a->contents.cnt;
  r = cf_vec_add(&a->contents, &a->mem);
  r->doc = doc;
  r->doc.extra = CF_SPAN(NULL, 0);
  r->index = index;
  r->digest = digest;
  cf_map_add(&a->by_content, &a->mem, &digest, row);
}

cf_content_row_t *cf_audit_content(cf_audit_t const *a, cf_hash_t const *digest) {
  uint64_t row;
  for (cf_map_find_t f = cf_map_find(&a->by_content, digest); cf_map_next(&f, &row);) {
    cf_content_row_t *c = cf_vec_at(&a->contents, row);
    if (cf_hash_eq(&c->digest, digest)) return c;
  }
  return NULL;
}

static void on_deployment(cf_audit_t *a, uint64_t index, cf_sign1_t const *s) {
  cf_who_t                   who = {CF_RANK_GENESIS, 0, 0, index, CF_ABOUT_OTHER};
  cf_genesis_ledger_t const *l = &a->domain.genesis.ledger;
  cf_council_doc_t           doc;
  cf_deployment_t            d;
  cf_error_t                 err = {0};
  if (index != 1) {
    entry_fault(a, who, "a deployment that is not entry 1");
    return;
  }
  cf_status_t st = cf_council_doc_decode(&doc, s->payload, &err);
  if (!st) st = cf_table_decode(&d, &cf_deployment_table, doc.body, &err);
  if (!st)
    st = cf_council_doc_verify(&doc, cf_genesis_council(&a->domain.genesis, CF_GOVERNORS), &a->domain.ledger.separator, a->domain.genesis.created,
                               &err);
  if (!st && (memcmp(d.domain, a->domain.id.b, 32) || d.kind != l->kind || d.chain_id != l->chain_id ||
              memcmp(d.contract, l->contract, 20)))
    st = cf_error_set(&err, CF_ERR_POLICY, "deployment", 0, "names another domain or ledger than genesis");
  if (st) {
    entry_fault(a, who, err.text);
    return;
  }
  a->deployed = cf_hash_of(d.code_hash);
  a->has_deployment = true;
}

static bool typ_is(cf_sign1_t const *s, char const *typ) { return cf_span_eq(s->hdr.typ, CF_SPAN(typ, strlen(typ))); }

static void one_entry(cf_audit_t *a, uint64_t index, cf_span_t entry) {
  cf_sign1_t s;
  cf_who_t   who = {CF_RANK_RECEIPTS, 0, 0, index, CF_ABOUT_OTHER};
  if (cf_sign1_decode(&s, entry, NULL, NULL)) {
    entry_fault(a, who, a->event_text);
    return;
  }
  bool receipt = typ_is(&s, cf_receipt_table.typ), result = typ_is(&s, CF_EAR_TYP);
  if (receipt) on_receipt(a, index, entry);
  else if (a->event == CF_HISTORY_FAULT) entry_fault(a, who, a->event_text);
  else if (result) on_result(a, index, entry);
  else if (typ_is(&s, cf_settlement_doc_table.typ)) on_settlement(a, index, entry);
  else if (typ_is(&s, cf_deployment_table.typ)) on_deployment(a, index, &s);
  else if (a->event == CF_HISTORY_OTHER && index > 0) entry_fault(a, who, "of a type that no entry has");
}

/* COUNTS comes while the entry is fed, and needs its row: rows of receipts are made before.  So what the history says of the
   entry itself is kept, and what then counts is told after the row exists. */
typedef struct {
  cf_audit_t          *a;
  cf_history_receipt_t counts[CF_HISTORY_WAITING_MAX];
  size_t               cnt;
} turn_t;

static void keep_counts(void *ctx, cf_history_event_t const *ev) {
  turn_t *t = ctx;
  if (ev->kind == CF_HISTORY_COUNTS) t->counts[t->cnt++] = *ev->receipt;
  else on_event(t->a, ev);
}

static bool feed(cf_audit_t *a, turn_t *t, uint64_t index, cf_span_t entry) {
  t->cnt = 0;
  a->event = CF_HISTORY_OTHER;
  a->event_text = "";
  a->event_boot = NULL;
  cf_status_t st = cf_history_feed(&a->history, index, entry, keep_counts, t);
  if (st) {
    entry_fault(a, (cf_who_t){CF_RANK_RECEIPTS, 1, 0, index, CF_ABOUT_OTHER},
                "more receipts wait for their place than anybody keeps: nothing can be said any more");
    return false;
  }
  one_entry(a, index, entry);
  for (size_t i = 0; i < t->cnt; i++) on_counts(a, &t->counts[i]);
  return true;
}

static bool read_bundle(cf_audit_t *a, turn_t *t, uint64_t bundle) {
  char      name[4 + CF_TILE_PATH_MAX] = "log/";
  cf_tile_t tile = {CF_TILE_ENTRIES, bundle, CF_TILE_WIDTH};
  cf_span_t bytes, entry;
  uint64_t  index = bundle * CF_TILE_WIDTH;
  cf_read_t r = CF_READ_ABSENT;
  if (a->size - index < CF_TILE_WIDTH) { r = cf_audit_try(a, &bytes, where(a, index, name), CF_BUNDLE_MAX); }
  if (r == CF_READ_ABSENT) {
    cf_tile_path(name + 4, &tile);
    r = cf_audit_try(a, &bytes, name, CF_BUNDLE_MAX);
  }
  cf_rd_t rd = cf_rd_span(r == CF_READ_OK ? bytes : CF_SPAN(NULL, 0)); /* nothing else is read while it is used */
  for (; index < a->good && index < (bundle + 1) * CF_TILE_WIDTH; index++) {
    cf_hash_t leaf = {{0}};
    if (cf_bundle_next(&rd, &entry)) leaf = cf_tree_leaf(entry);
    if (!cf_hash_eq(&leaf, cf_vec_at(&a->level[0], index))) { /* it was right a moment ago */
      cf_audit_fault(a, (cf_who_t){CF_RANK_LOG, 9, 0, index, CF_ABOUT_OTHER}, name, cf_next_copy, "entry %llu changed while it was read",
                     (ull_t)index);
      a->good = index;
      a->cut = a->unread = true;
      return false;
    }
    if (!feed(a, t, index, entry)) {
      a->unread = true;
      return false;
    }
    if (index == 0 && !cf_span_eq(entry, CF_SPAN(a->genesis_entry, a->genesis_sz)))
      cf_audit_fault(a, CF_WHO(CF_RANK_GENESIS, 0), "genesis", cf_next_copy, "is not the log's entry 0");
  }
  return true;
}

/* ---- receipts that never came to count ---- */

static void undecided(cf_audit_t *a, cf_receipt_row_t *r) {
  cf_history_boot_t const *c = cf_history_certified(&a->history);
  cf_who_t                 who = {CF_RANK_RECEIPTS, 5, r->sequence, r->index, CF_ABOUT_OTHER};
  if (!c || r->epoch != c->index || a->cut) return; /* its fate hangs on a boot entry, or on what could not be read */
  char const *before = a->counting.cnt ? "of the receipt before" : "that genesis fixes";
  char        text[96];
  if (r->sequence != a->history.sequence + 1) return;
  if (!cf_hash_eq(&r->previous, &a->history.hash)) {
    snprintf(text, sizeof text, "its previous hash is not the one %s", before);
  } else if (!cf_hash_eq(&r->state_before, &a->history.state)) {
    who.check = 6;
    snprintf(text, sizeof text, "its state-before is not the state-after %s", before);
  } else {
    return; /* it waits for the fate of a boot entry */
  }
  r->judged = CF_JUDGED_FAILS;
  entry_fault(a, who, text);
}

/* A gap: what waits is there, what it waits for is not. */
static void find_gap(cf_audit_t *a) {
  cf_history_boot_t const *c = cf_history_certified(&a->history);
  cf_receipt_row_t const  *first = NULL;
  for (uint64_t i = 0; c && i < a->receipts.cnt; i++) {
    cf_receipt_row_t const *r = cf_vec_at(&a->receipts, i);
    if (r->kind == CF_RECEIPT_UNDECIDED && r->epoch == c->index && (!first || r->sequence < first->sequence)) first = r;
  }
  if (first && first->sequence > a->history.sequence + 1)
    entry_fault(a, (cf_who_t){CF_RANK_RECEIPTS, 5, first->sequence, first->index, CF_ABOUT_OTHER}, "the receipt before it is not in the log");
}

bool cf_audit_history(cf_audit_t *a) {
  turn_t *t = cf_mem_take(&a->mem, sizeof *t);
  t->a = a;
  cf_history_init(&a->history, &a->domain.id, &a->domain.genesis, &a->domain.policy);
  for (uint64_t b = 0; b * CF_TILE_WIDTH < a->good && !a->failed_io; b++)
    if (!read_bundle(a, t, b)) break;
  for (uint64_t i = 0; i < a->receipts.cnt; i++) {
    cf_receipt_row_t *r = cf_vec_at(&a->receipts, i);
    if (r->kind == CF_RECEIPT_UNDECIDED) undecided(a, r);
  }
  if (!a->cut) find_gap(a);
  return !a->failed_io;
}
