/* Invariants 2, 3 and 5 at the boundary: what an enclave lets out, against what witnesses, log and ledger really say. */
#include <assert.h>

#include "cf_town.h"
#include "enclave/cf_enclave_state.h"
#include "ledger/cf_slots.h"

static cf_span_t sub(cf_rd_t *rd) {
  uint32_t n = cf_rd_u32(rd);
  return cf_rd_take_span(rd, n);
}

static cf_check_life_t *life_of(cf_check_t *c, cf_hash_t const *instance) {
  for (size_t i = c->lives; i > 0; i--)
    if (cf_hash_eq(&c->life[i - 1].instance, instance)) return &c->life[i - 1];
  if (c->lives == CF_CHECK_LIVES_MAX)
    memmove(c->life, c->life + 1, --c->lives * sizeof *c->life); /* the oldest has ended long ago */
  c->life[c->lives] = (cf_check_life_t){.instance = *instance, .boot = CF_NO_INDEX};
  return &c->life[c->lives++];
}

/* ---- batches ---- */

static bool refused(cf_span_t list, uint16_t index) {
  for (size_t i = 0; i + 3 <= list.len; i += 3)
    if ((list.ptr[i] << 8 | list.ptr[i + 1]) == index) return true;
  return false;
}

/* An enclave that was shown a counting receipt has it, and so knows its inputs. */
static void taken_before(cf_check_t *c, cf_check_life_t const *l, cf_check_receipt_t const *r) {
  for (size_t k = 0; k < c->receipts; k++) {
    cf_check_receipt_t const *o = &c->receipt[k];
    if (o == r || !o->counts_at || o->counts_at > l->fed) continue;
    for (uint32_t i = 0; i < r->inputs; i++)
      for (uint32_t j = 0; j < o->inputs; j++)
        if (cf_hash_eq(&r->id[i], &o->id[j]))
          cf_world_fail(&c->town->world, 1, "an input of receipt %llu, which counts, is taken again by receipt %llu",
                        (unsigned long long)o->sequence, (unsigned long long)r->sequence);
  }
}

/* ---- 10: what was promised comes before anything new ---- */

enum { BATCHES_ENOUGH = 8 };

static void offered(cf_check_t *c, cf_hash_t const *envelope) {
  for (size_t i = 0; i < c->words; i++)
    if (cf_hash_eq(&c->word[i].envelope, envelope)) c->word[i].kept = true;
}

static bool has_receipt(cf_check_t const *c, cf_hash_t const *envelope) {
  for (size_t k = 0; k < c->receipts; k++)
    for (uint32_t i = 0; i < c->receipt[k].inputs; i++)
      if (cf_hash_eq(&c->receipt[k].id[i], envelope)) return true;
  return false;
}

/* A domain that works and is disturbed no more: a promise that it still knows is in one of its next batches. */
static void keeps_word(cf_check_t *c, cf_machine_t const *m) {
  cf_town_t *t = c->town;
  if (t->world.faults.on || c->lossy || m != &t->site[t->primary].machine) return;
  for (size_t i = 0; i < c->words; i++) {
    cf_check_word_t *p = &c->word[i];
    if (p->kept || ++p->batches < BATCHES_ENOUGH) continue;
    if (!has_receipt(c, &p->envelope))
      cf_world_fail(&t->world, 10, "envelope %02x%02x... was promised a receipt, and is given to no enclave", p->envelope.b[0],
                    p->envelope.b[1]);
    p->kept = true;
  }
}

static void on_batch(cf_check_t *c, cf_machine_t *m, cf_rd_t in, cf_rd_t out) {
  cf_town_t   *t = c->town;
  cf_receipt_t doc;
  cf_sign1_t   s;
  uint16_t     cnt = cf_rd_u16(&out);
  cf_span_t    no = cf_rd_take_span(&out, (size_t)cnt * 3);
  (void)sub(&out);
  cf_span_t receipt = sub(&out);
  if (!cf_rd_done(&out) || cf_document_open(&doc, &s, &cf_receipt_table, receipt, NULL)) {
    cf_world_fail(&t->world, 2, "a batch's answer that is none");
    return;
  }
  assert(c->receipts < CF_CHECK_RECEIPTS_MAX);
  cf_check_receipt_t *r = &c->receipt[c->receipts++];
  cf_check_life_t *l = life_of(c, &m->instance);
  cf_check_view_receipt(c, l, &doc);
  *r = (cf_check_receipt_t){.hash = cf_document_hash(s.protected_hdr, s.payload), .sequence = doc.sequence, .epoch = doc.epoch};
  memcpy(r->intent.b, doc.intent, 32);
  memcpy(r->previous.b, doc.previous, 32);
  memcpy(r->instance.b, doc.instance, 32);
  uint16_t n = cf_rd_u16(&in);
  for (uint16_t i = 0; i < n; i++) {
    cf_hash_t id = cf_sha256(sub(&in));
    offered(c, &id);
    if (refused(no, i)) continue;
    assert(r->inputs < CF_CHECK_INPUTS_MAX);
    r->id[r->inputs++] = id;
  }
  keeps_word(c, m);
  cf_hash_t manifest = cf_sha256(CF_SPAN(r->id, r->inputs * sizeof *r->id));
  if (doc.inputs != r->inputs || memcmp(manifest.b, doc.manifest, 32))
    cf_world_fail(&t->world, 1, "receipt %llu does not list what it took", (unsigned long long)doc.sequence);
  taken_before(c, l, r);
  t->world.counts.happened[CF_HAPPENED_RECEIPT]++;
  t->world.counts.happened[CF_HAPPENED_INPUT] += r->inputs;
  static uint8_t const zero[32];
  if (memcmp(doc.abandon, zero, 32)) t->world.counts.happened[CF_HAPPENED_ABANDON]++;
}

/* ---- releases ---- */

/* 7: another boot entry of the domain behind its own, under a quorum: somebody else lives. */
static void alone(cf_check_t *c, cf_check_life_t const *l) {
  for (size_t i = 0; i < c->history->boots_cnt; i++) {
    uint64_t at = c->history->boots[i].index;
    if (l->boot != CF_NO_INDEX && at > l->boot && at < l->fed)
      cf_world_fail(&c->town->world, 7, "the instance of boot entry %llu was shown boot entry %llu, and goes on",
                    (unsigned long long)l->boot, (unsigned long long)at);
  }
}

/* What is let out must stand on a receipt that counts in the log that this enclave was shown, with nobody after it. */
static void grounded(cf_check_t *c, cf_check_life_t const *l, cf_check_receipt_t const *r, char const *what, uint64_t number) {
  cf_world_t *w = &c->town->world;
  if (!r || !r->counts_at) {
    cf_world_fail(w, 5, "%s of %llu left, and its receipt counts in no witnessed log", what, (unsigned long long)number);
    return;
  }
  if (r->counts_at > l->fed)
    cf_world_fail(w, 5, "%s of %llu left before its receipt was shown", what, (unsigned long long)number);
}

/* One content per head, unless a final block shows the head unmoved and the time of the first past. */
static void one_content(cf_check_t *c, cf_check_content_t const *n) {
  cf_town_t *t = c->town;
  for (size_t i = 0; i < c->contents; i++) {
    cf_check_content_t const *o = &c->content[i];
    if (!cf_hash_eq(&o->prev_head, &n->prev_head) || cf_hash_eq(&o->digest, &n->digest)) continue;
    if (o->executed || c->ledger_s <= o->valid_until_s) /* blocks are durable: a ledger that is down now goes on from the newest */
      cf_world_fail(&t->world, 3, "a second content (%llu..%llu) for the head of %llu..%llu, which can still execute",
                    (unsigned long long)n->first, (unsigned long long)n->last, (unsigned long long)o->first,
                    (unsigned long long)o->last);
  }
}

static void on_settlement(cf_check_t *c, cf_check_life_t const *l, uint64_t number, cf_span_t item) {
  cf_town_t           *t = c->town;
  cf_rd_t              rd = cf_rd_span(item);
  cf_settlement_doc_t  d;
  cf_settlement_t      s;
  cf_settlement_meta_t meta;
  if (cf_table_decode(&d, &cf_settlement_doc_table, sub(&rd), NULL)) {
    cf_world_fail(&t->world, 3, "a settlement that is none");
    return;
  }
  memcpy(s.meta.b, d.meta, 32);
  memcpy(s.prev_head.b, d.prev_head, 32);
  memcpy(s.state_root.b, d.state_root, 32);
  memcpy(s.entries.b, d.entries, 32);
  memcpy(s.receipts.b, d.receipts, 32);
  (void)cf_settlement_meta_unpack(&meta, &s.meta);
  cf_check_content_t  n = {.digest = cf_settlement_digest(&t->domain->ledger.separator, &s),
                           .prev_head = s.prev_head,
                           .first = d.first,
                           .last = d.last,
                           .valid_until_s = meta.valid_until_s};
  cf_hash_t           intent = cf_intent(d.salt, &n.digest);
  cf_check_receipt_t *at = NULL;
  for (size_t i = 0; i < c->receipts; i++)
    if (cf_hash_eq(&c->receipt[i].intent, &intent) && (!at || c->receipt[i].counts_at)) at = &c->receipt[i];
  grounded(c, l, at, "a signature", number);
  for (size_t i = 0; i < c->contents; i++)
    if (cf_hash_eq(&c->content[i].digest, &n.digest)) return; /* again, perhaps by a successor */
  one_content(c, &n);
  assert(c->contents < CF_CHECK_CONTENTS_MAX);
  c->content[c->contents++] = n;
  t->world.counts.happened[CF_HAPPENED_CONTENT]++;
}

static void on_items(cf_check_t *c, cf_check_life_t const *l, cf_rd_t *rd) {
  uint16_t cnt = cf_rd_u16(rd);
  for (; cnt > 0 && !rd->bad; cnt--) {
    cf_release_kind_t kind = (cf_release_kind_t)cf_rd_u8(rd);
    uint64_t          number = cf_rd_u64(rd);
    cf_span_t         item = sub(rd);
    if (kind == CF_RELEASE_SETTLEMENT) on_settlement(c, l, number, item);
    if (kind != CF_RELEASE_RESULTS) continue;
    cf_check_receipt_t *r = NULL;
    for (size_t i = 0; i < c->receipts; i++)
      if (c->receipt[i].sequence == number && (!r || c->receipt[i].counts_at)) r = &c->receipt[i];
    grounded(c, l, r, "a result", number);
    if (r) r->released = true;
  }
}

static void on_show_log(cf_check_t *c, cf_machine_t *m, cf_rd_t in, cf_rd_t out) {
  cf_check_life_t *l = life_of(c, &m->instance);
  uint64_t         first = cf_rd_u64(&in);
  uint32_t         cnt = cf_rd_u32(&in);
  for (uint32_t i = 0; i < cnt; i++) {
    uint16_t len = cf_rd_u16(&in);
    (void)cf_rd_take(&in, len);
  }
  cf_span_t       note = sub(&in);
  cf_note_t       parsed;
  cf_checkpoint_t cp;
  if (note.len) {
    if (cf_note_parse(&parsed, note, NULL) || cf_checkpoint_parse(&cp, parsed.text, NULL))
      cf_world_fail(&c->town->world, 5, "an enclave relies on a note that is none");
    else if (cf_check_behind(c, cp.size, &cp.root) < c->town->domain->witnesses.k)
      cf_world_fail(&c->town->world, 5, "an enclave relies on a head of %llu entries that %u witnesses stand behind",
                    (unsigned long long)cp.size, cf_check_behind(c, cp.size, &cp.root));
    if (first + cnt > l->fed) l->fed = first + cnt;
    alone(c, l);
  }
  (void)cf_rd_u8(&out); /* phase */
  on_items(c, l, &out);
}

/* ---- 14: the book opens under a root that an enclave of this domain drew ---- */

static bool is_root(cf_check_t const *c, uint8_t const root[32]) {
  for (size_t i = 0; i < c->roots; i++)
    if (!memcmp(c->root[i], root, 32)) return true;
  return false;
}

static void learn_root(cf_check_t *c, cf_machine_t const *m) {
  cf_enclave_t const *e = m->enclave;
  if (!e->fresh || e->root == SIZE_MAX || is_root(c, e->roots + 32 * e->root)) return;
  assert(c->roots < CF_COUNT_OF(c->root));
  memcpy(c->root[c->roots++], e->roots + 32 * e->root, 32);
}

static void on_boot(cf_check_t *c, cf_machine_t const *m) {
  cf_enclave_t const *e = m->enclave;
  if (e->fresh || e->root == SIZE_MAX) return;
  if (!is_root(c, e->roots + 32 * e->root)) cf_world_fail(&c->town->world, 14, "a book was opened under a root that no enclave of the domain drew");
}

/* ---- fences ---- */

/* An enclave that would boot without a receipt that counts in the log that it was shown would use its number again. */
static void on_fence(cf_check_t *c, cf_machine_t *m, cf_rd_t out) {
  cf_check_life_t const *l = life_of(c, &m->instance);
  cf_boot_t              boot;
  cf_sign1_t             s;
  if (sub(&out).len) c->town->world.counts.happened[CF_HAPPENED_SNAPSHOT]++;
  (void)sub(&out);
  (void)cf_rd_u64(&out);
  cf_span_t entry = sub(&out);
  if (cf_document_open(&boot, &s, &cf_boot_table, entry, NULL)) {
    cf_world_fail(&c->town->world, 2, "a boot entry that is none");
    return;
  }
  for (size_t i = 0; i < c->receipts; i++) {
    cf_check_receipt_t const *r = &c->receipt[i];
    if (r->counts_at && r->counts_at <= l->fed && r->sequence > boot.tip.sequence)
      cf_world_fail(&c->town->world, 2, "an enclave adopts receipt %llu, and %llu counts: sequences would be used again",
                    (unsigned long long)boot.tip.sequence, (unsigned long long)r->sequence);
  }
}

void cf_check_boundary(cf_check_t *c, cf_machine_t *m, cf_span_t request, cf_span_t answer) {
  cf_rd_t in = cf_rd_span(request), out = cf_rd_span(answer);
  (void)cf_rd_u8(&in);
  cf_message_type_t type = (cf_message_type_t)cf_rd_u8(&in);
  (void)cf_rd_u16(&out);
  cf_refuse_t class = (cf_refuse_t)cf_rd_u8(&out);
  cf_sim_counts_t *n = &c->town->world.counts;
  for (size_t i = 0; i < cf_boundary_rows; i++)
    if (cf_boundary_table[i].type == type)
      cf_world_say(&c->town->world, "%s: %s %s", c->town->world.node[m->node].name, cf_boundary_table[i].name,
                   class ? cf_refuse_name(class) : "");
  if (class == CF_REFUSE_ROLLED_BACK) n->happened[CF_HAPPENED_ROLLED_BACK]++;
  if (class == CF_REFUSE_TWIN) n->happened[CF_HAPPENED_STOPPED]++;
  if (type == CF_MSG_SHOW_LEDGER) cf_check_view_shown(c, m, class);
  if (class) return;
  if (type == CF_MSG_BATCH) on_batch(c, m, in, out);
  if (type == CF_MSG_SHOW_LOG) on_show_log(c, m, in, out);
  if (type == CF_MSG_FENCE) learn_root(c, m), on_fence(c, m, out);
  if (type == CF_MSG_BOOT) on_boot(c, m);
  if (type == CF_MSG_POSSESS) n->happened[CF_HAPPENED_REGISTER]++;
  if (type == CF_MSG_SNAPSHOT) n->happened[CF_HAPPENED_SNAPSHOT]++;
  if (type == CF_MSG_READ && cf_rd_u8(&in) == 4) on_items(c, life_of(c, &m->instance), &out);
}
