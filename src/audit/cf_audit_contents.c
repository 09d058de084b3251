/* Settlements: what the log opened, what receipts say that it covers, what the ledger did with it.  PROTOCOL P8. */
#include <stdio.h>
#include <stdlib.h>

#include "audit/cf_audit_state.h"
#include "base/cf_text.h"

static cf_receipt_row_t *receipt_of_intent(cf_audit_t const *a, cf_hash_t const *intent) {
  uint64_t row;
  for (cf_map_find_t f = cf_map_find(&a->by_intent, intent); cf_map_next(&f, &row);) {
    cf_receipt_row_t *r = cf_audit_counting(a, row);
    if (cf_hash_eq(&r->intent, intent)) return r;
  }
  return NULL;
}

/* ---- one content against the receipts ---- */

static cf_hash_t receipts_root(cf_audit_t const *a, uint64_t first, uint64_t last) {
  cf_frontier_t tree = {0};
  for (uint64_t s = first; s <= last; s++) {
    cf_hash_t leaf = cf_tree_leaf(CF_SPAN_OF(cf_audit_counting(a, s)->hash.b));
    cf_frontier_add(&tree, &leaf);
  }
  return cf_frontier_root(&tree);
}

/* Meta: what is bound beside receipts and amounts. */
static char const *meta_fault(cf_audit_t const *a, cf_content_row_t *c, cf_receipt_row_t const *b) {
  cf_hash_t word = cf_hash_of(c->doc.meta);
  bool      zero = cf_settlement_meta_unpack(&c->meta, &word);
  if (!zero || c->meta.mode != a->domain.genesis.ledger.mode) return "another mode, or bits that nothing has";
  if (c->meta.sequence != c->doc.last) return "its sequence is not that of the last receipt covered";
  if (c->meta.policy != a->domain.policy.version) return "under another policy";
  if (c->meta.as_of_s != b->view.time || c->meta.valid_until_s > c->meta.as_of_s + a->domain.genesis.ledger.max_validity_s)
    return "as-of is not the time of the view of its intent's receipt, or valid for too long";
  return NULL;
}

static char const *range_fault(cf_audit_t const *a, cf_content_row_t const *c, cf_receipt_row_t const *b) {
  cf_settlement_doc_t const *d = &c->doc;
  if (d->first < 1 || d->first > d->last || d->last >= b->sequence) return "its receipts do not stand before that of its intent";
  cf_hash_t root = receipts_root(a, d->first, d->last), log_root = cf_hash_of(d->log_root);
  cf_hash_t all = cf_settlement_receipts(d->first, d->last, &root, d->log_size, &log_root);
  if (memcmp(root.b, d->receipts_root, 32) || memcmp(all.b, d->receipts, 32))
    return "its receipts root is not that of the receipts it names";
  if (memcmp(cf_audit_counting(a, d->last)->state_after.b, d->state_root, 32))
    return "its state root is not the last state-after that it covers";
  if (d->log_size != b->not_before.size || memcmp(d->log_root, b->not_before.root, 32))
    return "its checkpoint is not the one that its intent's receipt names";
  return NULL;
}

static char const *signer_fault(cf_audit_t const *a, cf_content_row_t const *c) {
  cf_epoch_row_t const *e = cf_audit_epoch(a, c->doc.epoch);
  cf_addr_t             signer;
  if (!e || cf_k256_recover(&signer, c->doc.signature, &c->digest) || memcmp(signer.b, e->boot.settlement, 20))
    return "not signed by the settlement key of the epoch that it names";
  return e->passes ? NULL : "signed under a certificate that does not pass check 3";
}

static char const *place_fault(cf_audit_t const *a, cf_content_row_t const *c, cf_receipt_row_t const *b) {
  cf_hash_t             prev = cf_hash_of(c->doc.prev_head), head0 = cf_settlement_head0(&a->domain.ledger.separator);
  cf_kept_note_t const *n = cf_audit_note_covering(a, b->index);
  if (!cf_hash_eq(&prev, &head0) && !cf_audit_content(a, &prev)) return "it stands on a head that is no opened content";
  if (!a->listed) return NULL; /* not every kept checkpoint is known then */
  if (!n) return "it was opened, and no kept checkpoint covers the receipt of its intent";
  if (n->size > c->index) return "it was opened before a quorum stood behind the receipt of its intent";
  return NULL;
}

/* The checkpoint that should have been kept when c was opened: the newest that the log published by then, if it covers b. */
static char const *due_checkpoint(cf_audit_t *a, char name[40], cf_content_row_t const *c, cf_receipt_row_t const *b) {
  for (uint64_t size = c->index; size > b->index; size--) {
    cf_tile_t t = {.row = 0, .index = size / CF_TILE_WIDTH, .width = (unsigned)(size % CF_TILE_WIDTH)};
    char      tile[4 + CF_TILE_PATH_MAX] = "log/";
    if (t.width) cf_tile_path(tile + 4, &t);
    if (t.width && !cf_audit_has(a, tile)) continue;
    snprintf(name, 40, "checkpoints/%020llu", (ull_t)size);
    return name;
  }
  return NULL;
}

static void judge_content(cf_audit_t *a, cf_content_row_t *c) {
  char                       by[80], file[80];
  cf_who_t                   who = {CF_RANK_RECEIPTS, 10, c->doc.first, c->index, CF_ABOUT_OTHER};
  cf_settlement_doc_t const *d = &c->doc;
  cf_hash_t                  intent = cf_intent(d->salt, &c->digest), body = cf_hash_of(d->body);
  cf_receipt_row_t          *b = receipt_of_intent(a, &intent);
  cf_span_t                  bytes;
  snprintf(by, sizeof by, "the settlement at entry %llu names it", (ull_t)c->index);
  snprintf(file, sizeof file, "archive/");
  cf_hex_encode(file + 8, CF_SPAN_OF(body.b));
  c->bad = true;
  if (!cf_audit_archived(a, &bytes, &body, who, by)) return;
  cf_hash_t entries = cf_settlement_entries(bytes);
  if (memcmp(entries.b, d->entries, 32)) {
    cf_audit_fault(a, who, file, cf_next_keep, "is not the body that the settlement at entry %llu signs", (ull_t)c->index);
    return;
  }
  if (c->moved) cf_audit_moved_body(a, bytes);
  char const *text = b ? NULL : "it opens no counting receipt's intent";
  if (!text) text = range_fault(a, c, b);
  if (!text) text = meta_fault(a, c, b);
  if (!text) text = signer_fault(a, c);
  bool        ours = !text, late = ours && (text = place_fault(a, c, b)) && !cf_audit_note_covering(a, b->index);
  char        due[40];
  char const *missing = ours && text ? due_checkpoint(a, due, c, b) : NULL;
  if (b) c->intent = b->sequence;
  if (late) who = (cf_who_t){CF_RANK_RECEIPTS, 9, b->sequence, b->index, CF_ABOUT_OTHER}; /* what hangs on it makes its witnessing due */
  if (missing && cf_audit_has(a, missing)) missing = NULL; /* it is there: what is wrong is something else */
  if (text) cf_audit_fault(a, who, missing, cf_next_keep, "the settlement at entry %llu: %s", (ull_t)c->index, text);
  else c->bad = false;
}

/* ---- abandoning ---- */

static void abandon_fault(cf_audit_t *a, cf_receipt_row_t const *d, char const *text) {
  cf_audit_fault(a, (cf_who_t){CF_RANK_RECEIPTS, 10, d->sequence, d->index, CF_ABOUT_OTHER}, NULL, cf_next_keep, "abandons a content %s", text);
}

/* What a final view proves in one block: the head did not move, and the time is past. */
static void check_abandon(cf_audit_t *a, cf_receipt_row_t const *d, cf_content_row_t const *c) {
  cf_hash_t prev = cf_hash_of(c->doc.prev_head);
  if (d->view.time <= c->meta.valid_until_s) {
    abandon_fault(a, d, "that could still execute at the time of its view");
    return;
  }
  cf_hash_t head;
  if (!cf_audit_head_at(a, &head, d->view.number)) return; /* the view itself is judged by check 10 */
  if (!cf_hash_eq(&head, &prev)) abandon_fault(a, d, "behind whose head the ledger had moved on");
}

static int by_intent(void const *x, void const *y) {
  uint64_t const *a = x, *b = y;
  return a[0] < b[0] ? -1 : a[0] > b[0];
}

/* Contents in the order of their intents, numbered: what stands on a void content comes behind it. */
static void number_contents(cf_audit_t *a) {
  uint64_t(*pair)[2] = cf_mem_take(&a->mem, ((size_t)a->contents.cnt + 1) * sizeof *pair);
  size_t n = 0;
  for (uint64_t i = 0; i < a->contents.cnt; i++) {
    cf_content_row_t const *c = cf_vec_at(&a->contents, i);
    if (c->intent) pair[n][0] = c->intent, pair[n++][1] = i;
  }
  if (n) qsort(pair, n, sizeof *pair, by_intent);
  a->order = cf_mem_take(&a->mem, (n + 1) * sizeof *a->order);
  a->order_cnt = n;
  for (size_t i = 0; i < n; i++) {
    a->order[i] = pair[i][1];
    ((cf_content_row_t *)cf_vec_at(&a->contents, pair[i][1]))->number = i + 1;
  }
}

static void find_void(cf_audit_t *a) {
  for (uint64_t s = 1; s <= a->counting.cnt; s++) {
    cf_receipt_row_t const *d = cf_audit_counting(a, s);
    cf_content_row_t       *c = cf_is_zero(&d->abandon) ? NULL : cf_audit_content(a, &d->abandon);
    if (!c || c->bad) continue; /* one that never left the enclave is not in the log */
    if (c->intent >= s) abandon_fault(a, d, "of later");
    else if (c->abandoned) abandon_fault(a, d, "that is void already");
    else {
      c->abandoned = s;
      check_abandon(a, d, c);
    }
  }
  for (uint64_t i = 0; i < a->order_cnt; i++) {
    cf_content_row_t       *c = cf_vec_at(&a->contents, a->order[i]);
    cf_hash_t               prev = cf_hash_of(c->doc.prev_head);
    cf_content_row_t const *p = cf_audit_content(a, &prev);
    if (p && p->abandoned && !c->abandoned && c->intent <= p->abandoned) c->abandoned = p->abandoned;
    if (c->abandoned && !c->bad) cf_map_add(&a->by_void, &a->mem, &prev, a->order[i]);
  }
}

/* ---- the ledger's head, backwards ---- */

static void check_moves(cf_audit_t *a) {
  uint64_t next = 1;
  for (uint64_t i = 0; i < a->moves.cnt; i++) {
    cf_move_row_t const *m = cf_vec_at(&a->moves, i);
    cf_content_row_t    *c = cf_audit_content(a, &m->digest);
    cf_who_t             who = {CF_RANK_RECEIPTS, 10, next <= a->counting.cnt ? next : 0, CF_NO_INDEX, CF_ABOUT_OTHER};
    char                 named[48], word[40], text[16];
    char const          *file = cf_audit_at(a, named, word, m->block);
    if (!c) {
      cf_audit_fault(a, who, file, cf_next_keep, "%smoves the head to %s, which no settlement of the log opens", word,
                     cf_short(text, m->digest.b));
      return;
    }
    c->executed = true;
    c->block = m->block;
    who.receipt = c->doc.first;
    if (c->bad) continue; /* told */
    if (c->abandoned)
      cf_audit_fault(a, who, file, cf_next_keep, "%sexecutes a content that receipt %llu abandoned", word, (ull_t)c->abandoned);
    if (c->doc.first != next)
      cf_audit_fault(a, who, file, cf_next_keep, "%sexecutes receipts %llu to %llu; %llu is next", word, (ull_t)c->doc.first,
                     (ull_t)c->doc.last, (ull_t)next);
    next = c->doc.last + 1;
  }
}

/* A receipt behind whose view a content could not execute any more, and that does not give it up, says that it was executed. */
static void check_said(cf_audit_t *a, cf_content_row_t const *c) {
  cf_hash_t head;
  if (c->bad || c->executed || c->abandoned) return;
  for (uint64_t s = c->intent + 1; s <= a->counting.cnt; s++) {
    cf_receipt_row_t const *r = cf_audit_counting(a, s);
    if (r->view.time <= c->meta.valid_until_s) continue;
    if (!cf_audit_head_at(a, &head, r->view.number)) return;
    cf_audit_fault(a, (cf_who_t){CF_RANK_RECEIPTS, 10, c->doc.first, c->index, CF_ABOUT_OTHER}, NULL, cf_next_keep,
                   "receipt %llu takes the settlement at entry %llu for executed, and the ledger never did that", (ull_t)s, (ull_t)c->index);
    return;
  }
}

/* ---- which content covers a receipt ---- */

static void cover(cf_audit_t *a, cf_content_row_t const *c, uint64_t row) {
  for (uint64_t s = c->doc.first; s <= c->doc.last; s++) {
    cf_receipt_row_t       *r = cf_audit_counting(a, s);
    cf_content_row_t const *other = r->content == CF_NO_ROW ? NULL : cf_vec_at(&a->contents, r->content);
    if (other) {
      cf_audit_fault(a, (cf_who_t){CF_RANK_RECEIPTS, 10, s, c->index, CF_ABOUT_OTHER}, NULL, cf_next_keep,
                     "two contents cover it, opened at entries %llu and %llu, and neither is void", (ull_t)other->index,
                     (ull_t)c->index);
      return;
    }
    r->content = row;
  }
}

/* Under a content that does not hold nothing can be said of what it covers; what a second one covers is not said twice. */
static void hang(cf_audit_t *a, cf_content_row_t const *c) {
  for (uint64_t s = c->doc.first; s >= 1 && s <= c->doc.last && s <= a->counting.cnt; s++) {
    cf_receipt_row_t *r = cf_audit_counting(a, s);
    if (r->hangs) return;
    r->hangs = true;
  }
}

/* A content that takes the place of a void one reaches over the receipt that said so. */
static void check_replacement(cf_audit_t *a, cf_content_row_t const *c) {
  cf_hash_t prev = cf_hash_of(c->doc.prev_head);
  uint64_t  row;
  for (cf_map_find_t f = cf_map_find(&a->by_void, &prev); cf_map_next(&f, &row);) {
    cf_content_row_t const *v = cf_vec_at(&a->contents, row);
    if (memcmp(v->doc.prev_head, prev.b, 32)) continue;
    if (c->doc.first == v->doc.first && c->doc.last >= v->abandoned) continue;
    cf_audit_fault(a, (cf_who_t){CF_RANK_RECEIPTS, 10, c->doc.first, c->index, CF_ABOUT_OTHER}, NULL, cf_next_keep,
                   "the settlement at entry %llu replaces a void one and does not cover receipts %llu to %llu", (ull_t)c->index,
                   (ull_t)v->doc.first, (ull_t)v->abandoned);
    return;
  }
}

bool cf_audit_contents(cf_audit_t *a) {
  for (uint64_t s = 1; s <= a->counting.cnt; s++) cf_map_add(&a->by_intent, &a->mem, &cf_audit_counting(a, s)->intent, s);
  for (uint64_t i = 0; i < a->moves.cnt && a->on_chain; i++) {
    cf_content_row_t *c = cf_audit_content(a, &((cf_move_row_t *)cf_vec_at(&a->moves, i))->digest);
    if (c) c->moved = true;
  }
  for (uint64_t i = 0; i < a->contents.cnt && !a->failed_io; i++) judge_content(a, cf_vec_at(&a->contents, i));
  if (a->failed_io) return false;
  number_contents(a);
  find_void(a);
  if (!a->cut) check_moves(a);
  for (uint64_t i = 0; i < a->order_cnt && a->ledger_whole && !a->cut; i++) check_said(a, cf_vec_at(&a->contents, a->order[i]));
  for (uint64_t i = 0; i < a->order_cnt; i++) {
    cf_content_row_t const *c = cf_vec_at(&a->contents, a->order[i]);
    if (c->abandoned) continue;
    if (c->bad) {
      hang(a, c);
      continue;
    }
    cover(a, c, a->order[i]);
    if (c->doc.last > a->covered_to) a->covered_to = c->doc.last;
    check_replacement(a, c);
  }
  return true;
}
