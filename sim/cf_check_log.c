/* Invariants 1 and 2, from what witnesses signed and what the log under their quorum says. */
#include <assert.h>
#include <stdlib.h>

#include "cf_town.h"

void cf_check_init(cf_check_t *c, cf_town_t *t) {
  *c = (cf_check_t){.town = t};
  c->receipt = calloc(CF_CHECK_RECEIPTS_MAX, sizeof *c->receipt);
  c->given = calloc(CF_CHECK_RECEIPTS_MAX, sizeof *c->given);
  c->content = calloc(CF_CHECK_CONTENTS_MAX, sizeof *c->content);
  c->entry = calloc(CF_CHECK_LOG_MAX, sizeof *c->entry);
  c->leaf = calloc(CF_CHECK_LOG_MAX, sizeof *c->leaf);
  c->history = calloc(1, sizeof *c->history);
  assert(c->receipt && c->given && c->content && c->entry && c->leaf && c->history);
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
    if (cf_history_feed(c->history, i, c->entry[i], on_history, c))
      cf_world_fail(&t->world, 2, "the history cannot be read at entry %llu", (unsigned long long)i);
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

unsigned cf_check_consistent(cf_check_t *c, cf_disk_t const *d) {
  reading_t *r = reading(c);
  unsigned   n = 0;
  for (unsigned i = 0; i < c->town->domain->witnesses.cnt; i++) {
    cf_check_head_t const *h = &c->last[i];
    if (h->size && !cf_read_log(d, h->size, take, r)) continue;
    cf_hash_t root = cf_tree_root_of(r->leaf, h->size);
    n += !h->size || cf_hash_eq(&root, &h->root);
  }
  return n;
}

void cf_check_effect(cf_check_t *c, unsigned node, cf_effect_t const *e) {
  cf_town_t *t = c->town;
  for (unsigned i = 0; i < t->domain->witnesses.cnt; i++) {
    if (t->witness[i].node != node) continue;
    cf_checkpoint_t cp;
    cf_note_t       note;
    if (e->kind == CF_FX_PUT && !cf_note_parse(&note, e->body, NULL) && !cf_checkpoint_parse(&cp, note.text, NULL))
      c->pending[i] = c->last[i] = (cf_check_head_t){cp.size, cp.root, 0};
    if (e->kind == CF_FX_REPLY && e->code == 200 && c->pending[i].size) {
      signed_by(c, i, &c->pending[i]);
      c->pending[i].size = 0;
    }
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
