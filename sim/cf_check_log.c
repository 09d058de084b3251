/* Invariants 1 and 2, from what witnesses signed and what the log under their quorum says. */
#include <assert.h>
#include <stdlib.h>

#include "base/cf_text.h"
#include "cf_town.h"
#include "translog/cf_line.h"
#include "translog/cf_submission.h"

char const *const cf_check_names[CF_CHECK_INVARIANTS + 1] = {
    [1] = "an accepted input is in exactly one counting receipt",
    [2] = "there is one chain of counting receipts, and one log under a witness quorum",
    [3] = "every content is settled at most once: one content per head, ranges without overlap",
    [4] = "value is conserved",
    [5] = "no signature and no result leave before witnessed inclusion with exclusive view",
    [6] = "after faults stop, everything submitted settles",
    [7] = "an enclave that is shown another one of itself ends",
    [8] = "no witness goes back behind what it answered",
    [9] = "obligations stand against final funds only: a block counts when k observers stand behind it",
    [10] = "a promise is kept: what was promised is given to the enclave, whatever happens to the gateway",
    [11] = "an exit is never blocked: it is taken when it is asked for, and paid when it is due",
    [12] = "an order executes once",
    [13] = "no AEAD key and nonce seal two plaintexts",
    [14] = "a planted root or snapshot never opens a book",
    [15] = "a stale or mixed view of the ledger changes nothing, and what a receipt says of the ledger one block says",
    [16] = "receipts that a certified boot entry adopted count, and nothing else of older instances does",
    [17] = "an honest domain gets out of every fault that it may meet: it serves again when faults stop",
    [18] = "what is published is whole and true: an audit finds nothing",
};

void cf_check_init(cf_check_t *c, cf_town_t *t) {
  *c = (cf_check_t){.town = t};
  c->receipt = calloc(CF_CHECK_RECEIPTS_MAX, sizeof *c->receipt);
  c->given = calloc(CF_CHECK_RECEIPTS_MAX, sizeof *c->given);
  c->word = calloc(CF_CHECK_RECEIPTS_MAX, sizeof *c->word);
  c->content = calloc(CF_CHECK_CONTENTS_MAX, sizeof *c->content);
  c->chain = calloc(CF_CHECK_BLOCKS_MAX, sizeof *c->chain);
  c->entry = calloc(CF_CHECK_LOG_MAX, sizeof *c->entry);
  c->leaf = calloc(CF_CHECK_LOG_MAX, sizeof *c->leaf);
  c->history = calloc(1, sizeof *c->history);
  assert(c->chain && c->word && c->receipt && c->given && c->content && c->entry && c->leaf && c->history);
  cf_history_init(c->history, &t->domain->id, &t->domain->genesis, &t->domain->policy);
}

void cf_check_fini(cf_check_t *c) {
  for (uint64_t i = 0; i < c->size; i++) {
    uint8_t *p;
    memcpy(&p, &c->entry[i].ptr, sizeof p); /* ours: cast away const once */
    free(p);
  }
  free(c->receipt);
  free(c->given);
  free(c->content);
  free(c->entry);
  free(c->chain);
  free(c->word);
  free(c->leaf);
  free(c->history);
}

cf_check_receipt_t *cf_check_receipt(cf_check_t *c, cf_hash_t const *hash) {
  for (size_t i = c->receipts; i > 0; i--)
    if (cf_hash_eq(&c->receipt[i - 1].hash, hash)) return &c->receipt[i - 1];
  return NULL;
}

/* ---- the truth grows ---- */

static void inputs_once(cf_check_t *c, cf_check_receipt_t const *r) {
  for (size_t k = 0; k < c->receipts; k++) {
    cf_check_receipt_t const *o = &c->receipt[k];
    if (!o->counts_at || o == r) continue;
    for (uint32_t i = 0; i < r->inputs; i++)
      for (uint32_t j = 0; j < o->inputs; j++)
        if (cf_hash_eq(&r->id[i], &o->id[j]))
          cf_world_fail(&c->town->world, 1, "envelope %02x%02x... is in the counting receipts %llu and %llu", r->id[i].b[0],
                        r->id[i].b[1], (unsigned long long)o->sequence, (unsigned long long)r->sequence);
  }
  for (uint32_t i = 0; i < r->inputs; i++)
    for (uint32_t j = 0; j < i; j++)
      if (cf_hash_eq(&r->id[i], &r->id[j]))
        cf_world_fail(&c->town->world, 1, "an envelope is twice in receipt %llu", (unsigned long long)r->sequence);
}

/* ---- 16: adoption, counted again from what the log says ---- */

static bool on_chain(cf_check_t *c, cf_check_receipt_t const *r) {
  cf_hash_t at = c->adopter.tip_hash;
  for (cf_check_receipt_t const *o; (o = cf_check_receipt(c, &at)) && o->sequence >= r->sequence; at = o->previous)
    if (o == r) return true;
  return false;
}

/* The receipts that lead from the tip back to the last that counts: when all are logged, all count. */
static void adopted_count(cf_check_t *c) {
  cf_hash_t           at = c->adopter.tip_hash;
  cf_check_receipt_t *r, *waits = NULL;
  for (uint64_t n = c->adopter.tip_sequence; n; n--, at = r->previous) {
    r = cf_check_receipt(c, &at);
    if (!r || !r->logged) return;
    if (r->counts_at) break;
    waits = r;
  }
  if (waits)
    cf_world_fail(&c->town->world, 16, "receipt %llu is adopted and logged, and does not count",
                  (unsigned long long)waits->sequence);
}

static void of_older(cf_check_t *c, cf_check_receipt_t const *r) {
  if (c->adopter.index && r->epoch < c->adopter.index && !on_chain(c, r))
    cf_world_fail(&c->town->world, 16, "receipt %llu of an older instance counts, and nobody adopted it",
                  (unsigned long long)r->sequence);
}

static void on_logged(cf_check_t *c, cf_span_t entry) {
  cf_receipt_t        doc;
  cf_sign1_t          s;
  if (cf_document_open(&doc, &s, &cf_receipt_table, entry, NULL)) return;
  cf_hash_t           hash = cf_document_hash(s.protected_hdr, s.payload);
  cf_check_receipt_t *r = cf_check_receipt(c, &hash);
  if (r) r->logged = true;
}

static void on_history(void *ctx, cf_history_event_t const *ev) {
  cf_check_t *c = ctx;
  if (ev->kind == CF_HISTORY_FAULT)
    cf_world_fail(&c->town->world, 2, "entry %llu of the log: %s", (unsigned long long)ev->index,
                  ev->text ? ev->text : "a fault");
  if (ev->kind == CF_HISTORY_BOOTED) {
    c->town->world.counts.happened[CF_HAPPENED_BOOT]++;
    for (size_t i = 0; i < c->lives; i++)
      if (cf_hash_eq(&c->life[i].instance, &ev->boot->instance)) c->life[i].boot = ev->boot->index;
  }
  if (ev->kind == CF_HISTORY_RESULT && ev->boot->certified_index == ev->index)
    c->adopter = (cf_check_adopter_t){ev->boot->index, ev->boot->tip_sequence, ev->boot->instance, ev->boot->tip_hash};
  if (ev->kind != CF_HISTORY_COUNTS) return;
  cf_check_receipt_t *r = cf_check_receipt(c, &ev->receipt->hash);
  if (!r) {
    cf_world_fail(&c->town->world, 2, "receipt %llu counts, and no enclave made it", (unsigned long long)ev->receipt->sequence);
    return;
  }
  for (size_t i = 0; i < c->receipts; i++)
    if (&c->receipt[i] != r && c->receipt[i].counts_at && c->receipt[i].sequence == r->sequence)
      cf_world_fail(&c->town->world, 2, "two counting receipts have sequence %llu", (unsigned long long)r->sequence);
  r->counts_at = ev->index + 1;
  of_older(c, r);
  inputs_once(c, r);
}

typedef struct {
  cf_check_t *c;
  cf_span_t   entry[CF_CHECK_LOG_MAX];
  cf_hash_t   leaf[CF_CHECK_LOG_MAX];
} reading_t;

static void take(void *ctx, uint64_t index, cf_span_t entry) {
  reading_t *r = ctx;
  bool       known = index < r->c->size && cf_span_eq(entry, r->c->entry[index]);
  r->entry[index] = entry;
  r->leaf[index] = known ? r->c->leaf[index] : cf_tree_leaf(entry);
}

/* One is enough: each is done with before the next begins. */
static reading_t *reading(cf_check_t *c) {
  static reading_t r;
  r.c = c;
  return &r;
}

static cf_disk_t const *disk_of(cf_town_t const *t, unsigned site) {
  return &t->world.disk[t->world.node[t->site[site].gateway_node].host];
}

/* A head has its quorum: the log that leads to it is the truth from now on. */
static void adopt(cf_check_t *c, cf_check_head_t const *h) {
  cf_town_t *t = c->town;
  reading_t *r = reading(c);
  cf_hash_t  root;
  assert(h->size <= CF_CHECK_LOG_MAX);
  if (h->size <= c->size) {
    root = cf_tree_root_of(c->leaf, h->size);
    if (!cf_hash_eq(&root, &h->root))
      cf_world_fail(&t->world, 2, "two logs of %llu entries have a quorum", (unsigned long long)h->size);
    return;
  }
  cf_disk_t const *where[] = {disk_of(t, t->primary), &t->saved, disk_of(t, !t->primary), &t->dropped}; /* saved: comes back */
  size_t           at = 0;
  for (; at < CF_COUNT_OF(where); at++) {
    if (!cf_read_log(where[at], h->size, take, r)) continue;
    root = cf_tree_root_of(r->leaf, h->size);
    if (cf_hash_eq(&root, &h->root)) break;
  }
  bool found = at < CF_COUNT_OF(where);
  if (found && at > 1 && !t->twin) t->split = true; /* what was under way when its disk was given up: nobody goes on with it */
  if (!found)
    cf_world_fail(&t->world, 2, "a head of %llu entries has a quorum, and nobody has its log", (unsigned long long)h->size);
  for (uint64_t i = 0; found && i < h->size && !t->world.violation[0]; i++) {
    if (i < c->size) {
      if (!cf_hash_eq(&c->leaf[i], &r->leaf[i]))
        cf_world_fail(&t->world, 2, "the log under a quorum changed entry %llu", (unsigned long long)i);
      continue;
    }
    uint8_t *copy = malloc(r->entry[i].len + 1);
    assert(copy);
    memcpy(copy, r->entry[i].ptr, r->entry[i].len);
    c->entry[i] = CF_SPAN(copy, r->entry[i].len);
    c->leaf[i] = r->leaf[i];
    c->size = i + 1;
    on_logged(c, c->entry[i]);
    if (cf_history_feed(c->history, i, c->entry[i], on_history, c))
      cf_world_fail(&t->world, 2, "the history cannot be read at entry %llu", (unsigned long long)i);
    adopted_count(c);
  }
}

/* ---- what witnesses sign ---- */

unsigned cf_check_behind(cf_check_t const *c, uint64_t size, cf_hash_t const *root) {
  for (size_t i = 0; i < c->heads; i++)
    if (c->head[i].size == size && cf_hash_eq(&c->head[i].root, root)) return (unsigned)__builtin_popcount(c->head[i].who);
  return 0;
}

static void signed_by(cf_check_t *c, unsigned witness, cf_check_head_t const *p) {
  unsigned k = c->town->domain->witnesses.k;
  size_t   i = 0;
  while (i < c->heads && (c->head[i].size != p->size || !cf_hash_eq(&c->head[i].root, &p->root))) i++;
  if (i == c->heads) {
    if (c->heads == CF_CHECK_HEADS_MAX) { /* the oldest matter to nobody any more */
      memmove(c->head, c->head + CF_CHECK_HEADS_MAX / 2, CF_CHECK_HEADS_MAX / 2 * sizeof *c->head);
      c->heads = i = CF_CHECK_HEADS_MAX / 2;
    }
    c->head[c->heads++] = (cf_check_head_t){p->size, p->root, 0};
  }
  cf_check_head_t *h = &c->head[i];
  unsigned         was = (unsigned)__builtin_popcount(h->who);
  h->who |= 1u << witness;
  if (was < k && (unsigned)__builtin_popcount(h->who) >= k) adopt(c, h);
}

/* What a witness holds on its disk: size 0 when nothing. */
cf_check_head_t cf_check_held(cf_check_t const *c, unsigned witness) {
  cf_disk_t const      *d = &c->town->world.disk[c->town->world.node[c->town->witness[witness].node].host];
  cf_disk_file_t const *f = cf_disk_file(d, CF_SPAN_LIT(CF_WITNESS_STATE));
  cf_check_head_t       held = {.size = 0};
  cf_witness_notes_t    notes;
  cf_checkpoint_t       cp;
  cf_note_t             note;
  cf_span_t             text;
  if (!f || !cf_witness_notes_open(&notes, cf_disk_bytes(f))) return held;
  while (cf_witness_notes_next(&notes, &text))
    if (!cf_note_parse(&note, text, NULL) && !cf_checkpoint_parse(&cp, note.text, NULL) && cp.size >= held.size)
      held = (cf_check_head_t){cp.size, cp.root, 0};
  return held;
}

unsigned cf_check_consistent(cf_check_t *c, cf_disk_t const *d) {
  reading_t *r = reading(c);
  unsigned   n = 0;
  for (unsigned i = 0; i < c->town->domain->witnesses.cnt; i++) {
    cf_check_head_t h = cf_check_held(c, i);
    if (h.size && !cf_read_log(d, h.size, take, r)) continue;
    cf_hash_t root = cf_tree_root_of(r->leaf, h.size);
    n += !h.size || cf_hash_eq(&root, &h.root);
  }
  return n;
}

void cf_check_asked(cf_check_t *c, unsigned witness, cf_event_t const *ev) {
  cf_check_witness_t *w = &c->witness[witness];
  cf_submission_t     s;
  cf_note_t           note;
  cf_checkpoint_t     cp;
  w->request = 0;
  if (ev->kind != CF_EV_REQUEST || cf_submission_parse(&s, ev->body, NULL) || cf_note_parse(&note, s.note, NULL) ||
      cf_checkpoint_parse(&cp, note.text, NULL))
    return;
  w->request = ev->id;
  w->old_size = s.old_size;
  w->size = cp.size;
  w->root = cp.root;
}

/* ---- 8: what a witness answered binds it, whatever happened to it since ---- */

static void went_back(cf_check_t *c, unsigned witness, uint64_t from) {
  cf_check_witness_t const *w = &c->witness[witness];
  if (!w->faulty && from < w->answered)
    cf_world_fail(&c->town->world, 8, "witness %u had cosigned %llu entries, and knows of %llu", witness + 1,
                  (unsigned long long)w->answered, (unsigned long long)from);
}

static void answered(cf_check_t *c, unsigned witness) {
  cf_check_witness_t *w = &c->witness[witness];
  cf_check_head_t     h = {w->size, w->root, 0};
  went_back(c, witness, w->old_size);
  if (!w->faulty && w->size == w->answered && !cf_hash_eq(&w->root, &w->answered_root))
    cf_world_fail(&c->town->world, 8, "witness %u cosigned two heads of %llu entries", witness + 1, (unsigned long long)w->size);
  w->answered = w->size;
  w->answered_root = w->root;
  signed_by(c, witness, &h);
}

void cf_check_effect(cf_check_t *c, unsigned node, cf_effect_t const *e) {
  cf_town_t *t = c->town;
  for (unsigned i = 0; i < t->domain->witnesses.cnt; i++) {
    if (t->witness[i].node != node || e->kind != CF_FX_REPLY || !c->witness[i].request || e->id != c->witness[i].request) continue;
    uint64_t  size;
    cf_rd_t   rd = cf_rd_span(e->body);
    cf_span_t line = cf_rd_line(&rd);
    if (e->code == 200) answered(c, i);
    if (e->code == 409 && !cf_dec_u64(&size, line)) went_back(c, i, size);
  }
}

/* ---- what parties hold ---- */

void cf_check_given(void *check, cf_hash_t const *envelope, cf_hash_t const *receipt, uint64_t sequence) {
  cf_check_t *c = check;
  for (size_t i = 0; i < c->givens; i++)
    if (cf_hash_eq(&c->given[i].envelope, envelope) && cf_hash_eq(&c->given[i].receipt, receipt)) return;
  assert(c->givens < CF_CHECK_RECEIPTS_MAX);
  c->given[c->givens++] = (cf_check_promise_t){*envelope, *receipt, sequence};
}

void cf_check_promised(void *check, cf_hash_t const *envelope) {
  cf_check_t *c = check;
  for (size_t i = 0; i < c->words; i++)
    if (cf_hash_eq(&c->word[i].envelope, envelope)) return;
  assert(c->words < CF_CHECK_RECEIPTS_MAX);
  c->word[c->words++] = (cf_check_word_t){.envelope = *envelope};
}
