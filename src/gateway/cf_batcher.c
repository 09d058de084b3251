/* The batcher: what arrives while a batch is with the enclave forms the next one.
   The record is durable before anything of the answer leaves.  DESIGN 3; docs/protocol/services.md. */
#include "gateway/cf_gateway_state.h"

#include <assert.h>

#include "gateway/cf_reconcile.h"

#define HEAD_SZ      4  /* version, type, count */
#define RECEIPTS_MAX 16 /* different receipts in one answer */
#define OCTETS "application/octet-stream"

/* ---- slots ---- */

static cf_slot_t *
slot_at(cf_gateway_t *g, size_t i) {
  return &g->slot[(g->slot_first + i) % CF_BATCH_SLOTS];
}

static void
slot_reset(cf_slot_t *s) {
  s->len    = HEAD_SZ;
  s->frames = 0;
  s->items  = 0;
  s->askers = 0;
}

/* A slot that takes cnt more envelopes of that many bytes together; NULL when all are full. */
static cf_slot_t *
slot_for(cf_gateway_t *g, size_t cnt, size_t bytes) {
  size_t     open = g->batching && !g->batch_empty ? 1 : 0; /* the first is with the enclave */
  cf_slot_t *s    = g->slots_used > open ? slot_at(g, g->slots_used - 1) : NULL;
  if (s && s->items + cnt <= g->cfg.batch_max && s->len + bytes <= HEAD_SZ + CF_BATCH_BYTES && s->askers < CF_BATCH_ASKERS)
    return s;
  if (g->slots_used == CF_BATCH_SLOTS) return NULL;
  s = slot_at(g, g->slots_used++);
  slot_reset(s);
  s->since_ms = g->now.mono_ms;
  return s;
}

static void
slot_drop(cf_gateway_t *g) {
  g->slot_first = (g->slot_first + 1) % CF_BATCH_SLOTS;
  g->slots_used--;
}

static void
slot_add(cf_gateway_t *g, cf_slot_t *s, cf_hash_t const *id, cf_span_t envelope) {
  cf_item_t              *item = &s->item[s->items];
  cf_index_entry_t const *have = cf_index_find(&g->index, id);
  *item                        = (cf_item_t){ .id = *id, .frame = CF_NO_FRAME, .known = have ? have->sequence : 0 };
  if (!item->known && envelope.len > g->cfg.envelope_max) item->class = CF_REFUSE_TOO_LARGE;
  if (!item->known && !item->class) {
    cf_wr_t wr = cf_wr_init(s->frame + s->len, 4 + envelope.len);
    cf_wr_sized(&wr, envelope);
    s->len += wr.len;
    s->item_of[s->frames] = s->items;
    item->frame           = s->frames++;
  }
  s->items++;
}

/* ---- answers ---- */

typedef struct {
  cf_gateway_t *g;
  uint64_t      sequence[RECEIPTS_MAX];
  size_t        cnt;
} receipts_t;

/* The place of a receipt in the answer's list; RECEIPTS_MAX when it is not at hand or the list is full. */
static size_t
which(receipts_t *r, uint64_t sequence) {
  size_t i = 0;
  while (i < r->cnt && r->sequence[i] != sequence) i++;
  if (i == r->cnt && i < RECEIPTS_MAX && cf_row(r->g, sequence)) r->sequence[r->cnt++] = sequence;
  return i < r->cnt ? i : RECEIPTS_MAX;
}

static bool
write_receipt_item(receipts_t *r, cf_wr_t *wr, cf_item_t const *item) {
  cf_hash_t               path[CF_INDEX_PATH_MAX];
  size_t                  n;
  cf_index_entry_t const *e = cf_index_find(&r->g->index, &item->id);
  size_t                  w = item->known ? which(r, item->known) : RECEIPTS_MAX;
  if (!e || w == RECEIPTS_MAX || !cf_index_path(&r->g->index, item->known, e->position, path, &n)) return false;
  cf_wr_u8(wr, 1);
  cf_wr_u8(wr, (uint8_t)w);
  cf_wr_u16(wr, (uint16_t)e->position);
  cf_wr_u8(wr, (uint8_t)n);
  for (size_t i = 0; i < n; i++) cf_wr_hash(wr, &path[i]);
  return true;
}

static void
write_item(receipts_t *r, cf_wr_t *wr, cf_item_t const *item) {
  cf_promised_t const *p = item->class ? NULL : cf_promises_find(r->g, &item->id);
  uint8_t class          = item->class ? item->class : CF_REFUSE_REPLAYED; /* executed, and its receipt is not at hand */
  if (!item->class && write_receipt_item(r, wr, item)) class = CF_REFUSE_NONE;
  else if (p && !item->known) {
    cf_wr_u8(wr, 3);
    cf_wr_sized(wr, CF_SPAN(p->promise, p->promise_len));
    class = CF_REFUSE_NONE;
  }
  if (!class) return;
  cf_wr_u8(wr, 2);
  cf_wr_u8(wr, class);
}

static unsigned
status_of(uint8_t class) {
  switch (class) {
  case CF_REFUSE_TOO_LARGE: return 413;
  case CF_REFUSE_DOMAIN:
  case CF_REFUSE_EPOCH:
  case CF_REFUSE_SUITE:
  case CF_REFUSE_JURISDICTION:
  case CF_REFUSE_POLICY_CHANGED: return 422;
  case CF_REFUSE_SESSION_UNKNOWN: return 404;
  case CF_REFUSE_REPLAYED: return 409;
  case CF_REFUSE_UNAUTHENTIC: return 403;
  case CF_REFUSE_BUSY: return 503;
  default: return 400;
  }
}

/* The receipts come first in the answer, so they are collected first. */
static void
answer(cf_gateway_t *g, cf_effects_t *fx, cf_asker_t const *asker, cf_item_t const *item) {
  receipts_t r = { .g = g };
  if (asker->problem && asker->cnt == 1 && item->class) {
    cf_front_problem(g, fx, asker->request, status_of(item->class), cf_refuse_name((cf_refuse_t)item->class),
                     cf_refuse_text((cf_refuse_t)item->class));
    return;
  }
  for (uint32_t i = 0; i < asker->cnt; i++)
    if (item[i].known) (void)which(&r, item[i].known);
  size_t from = g->answers.len;
  cf_wr_u8(&g->answers, 1);
  cf_wr_u8(&g->answers, (uint8_t)r.cnt);
  for (size_t i = 0; i < r.cnt; i++) {
    cf_row_t const *row = cf_row(g, r.sequence[i]);
    cf_wr_sized(&g->answers, CF_SPAN(row->bytes, row->len));
  }
  cf_wr_u16(&g->answers, (uint16_t)asker->cnt);
  for (uint32_t i = 0; i < asker->cnt; i++) write_item(&r, &g->answers, &item[i]);
  assert(!g->answers.bad); /* CF_ANSWER_BYTES is the sum of the bounds */
  cf_fx_reply(fx, asker->request, 200, OCTETS, CF_SPAN(g->answers.buf + from, g->answers.len - from));
}

static void
count_input(cf_gateway_t *g, cf_input_class_t class) {
  cf_metrics_add(&g->metrics, CF_METRIC_INPUTS + class, cf_public_u64(1));
}

static void
answer_all(cf_gateway_t *g, cf_effects_t *fx, cf_slot_t *s) {
  for (size_t a = 0; a < s->askers; a++)
    if (s->asker[a].request) answer(g, fx, &s->asker[a], &s->item[s->asker[a].first]);
}

/* ---- POST /v1/envelopes ---- */

static void
promise_all(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, bool problem) {
  static cf_item_t const none;
  cf_rd_t                rd    = cf_rd_span(ev->body);
  cf_asker_t             asker = { .request = ev->id, .problem = problem };
  cf_slot_t             *s     = &g->slot[0]; /* nothing is queued in this mode: its items are free */
  cf_span_t              envelope, promise;
  while (cf_post_next(&rd, &envelope)) {
    cf_item_t *item              = &s->item[asker.cnt++];
    *item                        = none;
    item->id                     = cf_sha256(envelope);
    cf_index_entry_t const *have = cf_index_find(&g->index, &item->id);
    item->known                  = have ? have->sequence : 0;
    if (item->known) continue;
    if (envelope.len > g->cfg.envelope_max) item->class = CF_REFUSE_TOO_LARGE;
    else if (cf_promises_make(g, &item->id, envelope, &promise, &item->class)) count_input(g, CF_INPUT_PROMISED);
    if (item->class && item->class < CF_INPUT_PROMISED) count_input(g, (cf_input_class_t)item->class);
  }
  cf_gateway_store(g, fx); /* kept before it is promised */
  answer(g, fx, &asker, s->item);
}

void
cf_batcher_post(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_mode_rule_t rule    = cf_gateway_mode(g);
  bool           problem = cf_span_eq(ev->query, CF_SPAN_LIT("problem"));
  size_t         cnt     = cf_post_count(ev->body);
  if (ev->body.len > CF_BATCH_BYTES || cnt > g->cfg.batch_max) {
    cf_front_problem(g, fx, ev->id, 413, "too-large", "more than one batch holds");
    return;
  }
  if (!cnt) {
    cf_front_problem(g, fx, ev->id, 400, "malformed", "one or more spans are due: u32 length and that many bytes");
    return;
  }
  if (g->stopping || (!rule.executes && !rule.promises)) {
    count_input(g, CF_INPUT_UNAVAILABLE);
    cf_front_problem(g, fx, ev->id, 503, "unavailable", g->stopping ? "stopping" : cf_modes_name(rule.mode));
    return;
  }
  if (!rule.executes) {
    if (!g->slots_used) promise_all(g, fx, ev, problem);
    else cf_front_problem(g, fx, ev->id, 503, "busy", "what was queued is being promised");
    return;
  }
  cf_slot_t *s = slot_for(g, cnt, ev->body.len);
  if (!s) {
    count_input(g, CF_INPUT_BUSY);
    cf_front_problem(g, fx, ev->id, 503, "busy", "the queue is full");
    return;
  }
  cf_asker_t *asker = &s->asker[s->askers];
  *asker            = (cf_asker_t){ .request = ev->id, .first = s->items, .cnt = (uint32_t)cnt, .problem = problem };
  cf_rd_t   rd      = cf_rd_span(ev->body);
  cf_span_t envelope;
  uint16_t  before = s->frames;
  while (cf_post_next(&rd, &envelope)) {
    cf_hash_t id = cf_sha256(envelope);
    slot_add(g, s, &id, envelope);
  }
  g->last_input_ms = g->now.mono_ms;
  g->quiet         = false;
  if (s->frames > before) {
    s->askers++;
    return;
  }
  answer(g, fx, asker, &s->item[asker->first]); /* nothing of it is for the enclave */
  s->items -= (uint32_t)cnt;
  if (!s->frames && !s->askers) g->slots_used--;
}

/* ---- the next batch ---- */

static void
feed_promises(cf_gateway_t *g) {
  for (size_t i = 0; i < g->promised_cnt; i++) {
    cf_promised_t          *p = &g->promised[i];
    cf_index_entry_t const *e = cf_index_find(&g->index, &p->id);
    if (cf_reconcile_promise(e && e->sequence) == CF_PROMISE_KEPT) {
      cf_promises_end(g, &p->id);
      i--; /* another has taken its place */
      continue;
    }
    cf_slot_t *s = p->under_way ? NULL : slot_for(g, 1, 4 + p->len);
    if (!s) continue;
    s->asker[s->askers++] = (cf_asker_t){ .first = s->items, .cnt = 1 };
    slot_add(g, s, &p->id, CF_SPAN(g->promised_bytes + p->at, p->len));
    p->under_way = true;
  }
}

static bool
ask(cf_gateway_t *g, cf_effects_t *fx, uint8_t *frame, size_t len, uint16_t cnt) {
  cf_wr_t wr = cf_wr_init(frame, HEAD_SZ);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_BATCH);
  cf_wr_u16(&wr, cnt);
  if (!cf_leader_ask(g, fx, CF_MSG_BATCH, CF_SPAN(frame, len))) return false;
  g->batching    = true;
  g->batch_empty = cnt == 0;
  return true;
}

void
cf_batcher_empty(cf_gateway_t *g, cf_effects_t *fx) {
  (void)ask(g, fx, g->ask, HEAD_SZ, 0);
}

bool
cf_batcher_ask(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->now.mono_ms < g->busy_until_ms || g->sequence - g->logged >= CF_UNLOGGED_MAX || g->queued_cnt > CF_QUEUE_MAX / 2)
    return false;
  if (g->promised_cnt) feed_promises(g);
  bool first = g->busy && g->follow; /* requests may never end, and an empty batch may be what lets results go and makes room */
  if (g->slots_used && !first) {
    cf_slot_t *s = slot_at(g, 0);
    return ask(g, fx, s->frame, s->len, s->frames);
  }
  if (!g->follow) return false;
  if (!first && !g->quiet && g->last_input_ms && !g->stopping) {
    cf_fx(fx, CF_FX_WAKE)->id = g->last_input_ms + CF_IDLE_MS;
    return false;
  }
  return ask(g, fx, g->ask, HEAD_SZ, 0);
}

/* ---- its answer ---- */

static void
row_fill(cf_row_t *row, cf_receipt_t const *doc, cf_sign1_t const *s, cf_span_t cose) {
  *row      = (cf_row_t){ .sequence = doc->sequence, .index = CF_NO_INDEX, .inputs = doc->inputs, .len = (uint32_t)cose.len };
  row->hash = cf_document_hash(s->protected_hdr, s->payload);
  memcpy(row->manifest.b, doc->manifest, 32);
  memcpy(row->results_root.b, doc->results_root, 32);
  memcpy(row->proof.b, doc->view.proof, 32);
  memcpy(row->bytes, cose.ptr, cose.len);
}

/* accept takes the next receipt into the tables: false when it does not follow, or does not fit the ids. */
static bool
accept(cf_gateway_t *g, cf_span_t cose, cf_hash_t const *ids, uint32_t cnt) {
  cf_receipt_t doc;
  cf_sign1_t   s;
  if (cose.len > CF_RECEIPT_BYTES || cf_document_open(&doc, &s, &cf_receipt_table, cose, NULL)) return false;
  cf_hash_t manifest = cf_sha256(CF_SPAN(ids, cnt * sizeof *ids)), root;
  if (doc.sequence != g->sequence + 1 || doc.inputs != cnt || memcmp(doc.manifest, manifest.b, 32) ||
      memcmp(doc.domain, g->domain.id.b, 32))
    return false;
  cf_index_add(&g->index, doc.sequence, ids, cnt, &root);
  if (memcmp(root.b, doc.inputs_root, 32)) return false;
  row_fill(&g->row[doc.sequence % CF_RECEIPT_ROWS], &doc, &s, cose);
  g->sequence = doc.sequence;
  return true;
}

/* Notes are the gateway's own, and plain: what is logged from them is looked at as if a stranger had written it. */
static bool
is_signed(cf_gateway_t const *g, cf_receipt_t const *doc, cf_sign1_t const *s) {
  for (size_t i = 0; i < g->history.boots_cnt; i++) {
    cf_history_boot_t const *b = &g->history.boots[i];
    if (b->index == doc->epoch && b->cert_index != CF_NO_INDEX) return !cf_sign1_verify(s, &b->receipt);
  }
  return false;
}

bool
cf_batcher_note(cf_gateway_t *g, cf_chunk_note_t const *note) {
  cf_receipt_t doc;
  cf_sign1_t   s;
  if (note->cnt > CF_BATCH_MAX || cf_document_open(&doc, &s, &cf_receipt_table, note->receipt, NULL)) return false;
  if (doc.sequence <= g->sequence) return true; /* known: the log has it, or this life saw it */
  cf_hash_t proof = cf_sha256(note->proof);
  if (!is_signed(g, &doc, &s) || (note->proof.len && memcmp(proof.b, doc.view.proof, 32))) return false;
  for (uint32_t i = 0; i < note->cnt; i++) memcpy(g->ids[i].b, note->ids + 32 * (size_t)i, 32);
  if (note->proof.len) cf_views_keep(g, note->proof);
  if (!accept(g, note->receipt, g->ids, note->cnt)) return false;
  memcpy(g->named_proof.b, doc.view.proof, 32);
  return true;
}

/* Marks what was refused and collects the ids of what was not, in order. */
static bool
read_refusals(cf_gateway_t *g, cf_slot_t *s, cf_rd_t *body, uint32_t *cnt) {
  uint16_t n = cf_rd_u16(body);
  for (uint16_t i = 0; i < n; i++) {
    uint16_t at   = cf_rd_u16(body);
    uint8_t class = cf_rd_u8(body);
    if (body->bad || !s || at >= s->frames || !class || class >= CF_INPUT_PROMISED) return false;
    s->item[s->item_of[at]].class = class;
    count_input(g, (cf_input_class_t) class);
  }
  *cnt = 0;
  for (uint16_t f = 0; s && f < s->frames; f++) {
    cf_item_t *item = &s->item[s->item_of[f]];
    if (item->class) continue;
    g->ids[(*cnt)++] = item->id;
    item->known      = g->sequence + 1;
    count_input(g, CF_INPUT_ACCEPTED);
  }
  return true;
}

/* Promises of a slot that was answered: kept, or, when the envelope was refused for good, void. */
static void
end_promises(cf_gateway_t *g, cf_slot_t const *s) {
  for (size_t a = 0; a < s->askers; a++) {
    if (s->asker[a].request) continue;
    cf_item_t const *item = &s->item[s->asker[a].first];
    cf_promised_t   *p    = cf_promises_find(g, &item->id);
    if (p && item->class == CF_REFUSE_BUSY) p->under_way = false;
    else cf_promises_end(g, &item->id);
  }
}

static void
journal(cf_gateway_t *g, cf_effects_t *fx, cf_span_t record, cf_span_t receipt, cf_row_t const *row, uint32_t cnt) {
  static cf_hash_t const none;
  cf_span_t              proof = CF_SPAN(NULL, 0);
  if (!cf_hash_eq(&row->proof, &g->named_proof) && !cf_hash_eq(&row->proof, &none)) {
    cf_kept_proof_t const *p = cf_views_proof(g, &row->proof);
    if (p) proof = CF_SPAN(p->bytes, p->len);
    g->named_proof = row->proof;
  }
  cf_wr_t wr = cf_wr_init(g->keep, CF_FRAME_MAX + (1u << 20));
  cf_chunk_write(&wr, record, receipt, g->ids, cnt, proof);
  assert(!wr.bad); /* a record is part of a frame */
  cf_fx_append(fx, cf_fx_printf(fx, "enclave/journal-%020llu", (unsigned long long)g->journal_file), cf_wr_out(&wr));
  g->journal_bytes += wr.len;
}

void
cf_batcher_answer(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  cf_slot_t *s      = g->batch_empty ? NULL : slot_at(g, 0);
  uint32_t   cnt    = 0;
  bool       ok     = read_refusals(g, s, body, &cnt);
  cf_span_t  record = cf_rd_sized(body), receipt = cf_rd_sized(body);
  if (!ok || !cf_rd_done(body) || !accept(g, receipt, g->ids, cnt)) {
    cf_leader_lost(g, fx, CF_REFUSE_MALFORMED); /* not what the boundary says: nothing of it leaves */
    return;
  }
  g->batching          = false;
  g->views.batch_first = false;
  cf_row(g, g->sequence)->own = true;
  journal(g, fx, record, receipt, cf_row(g, g->sequence), cnt); /* durable before anything behind it */
  (void)cf_logside_queue(g, CF_ENTRY_RECEIPT, g->sequence, receipt);
  cf_metrics_add(&g->metrics, CF_METRIC_BATCHES, cf_public_u64(1));
  cf_metrics_add(&g->metrics, CF_METRIC_RECEIPTS, cf_public_u64(1));
  if (cnt) g->follow = 2; /* one closes the window, one carries the intent */
  else if (g->follow) g->follow--;
  if (!s) return;
  g->busy = false;
  cf_metrics_took(&g->metrics, CF_LATENCY_RECEIPT, cf_public_u64((g->now.mono_ms - s->since_ms) * 1000));
  answer_all(g, fx, s);
  end_promises(g, s);
  slot_drop(g);
}

/* ---- when there is none ---- */

void
cf_batcher_refused(cf_gateway_t *g, cf_effects_t *fx, cf_refuse_t why) {
  g->batching      = false;
  g->busy          = !g->batch_empty;
  g->busy_until_ms = g->now.mono_ms + CF_BACKOFF_MS;
  if (g->batch_empty) return;
  cf_slot_t *s = slot_at(g, 0);
  if (g->now.mono_ms - s->since_ms < CF_BUSY_MS && !g->stopping) return; /* it is asked again: what is on its way out makes room */
  for (uint16_t f = 0; f < s->frames; f++) s->item[s->item_of[f]].class = CF_REFUSE_BUSY;
  answer_all(g, fx, s);
  end_promises(g, s);
  slot_drop(g);
}

/* One slot in a step.  Nothing of it is in the journal, so nothing was executed that lasts: what waits is promised. */
void
cf_batcher_lost(cf_gateway_t *g, cf_effects_t *fx) {
  g->batching = false;
  if (!g->slots_used) return;
  cf_slot_t *s  = slot_at(g, 0);
  cf_rd_t    rd = cf_rd_init(s->frame + HEAD_SZ, s->len - HEAD_SZ);
  cf_span_t  envelope, promise;
  for (uint16_t f = 0; f < s->frames && cf_post_next(&rd, &envelope); f++) {
    cf_item_t     *item = &s->item[s->item_of[f]];
    cf_promised_t *p    = cf_promises_find(g, &item->id);
    item->class         = CF_REFUSE_NONE;
    item->known         = 0;
    if (p) p->under_way = false;
    else if (cf_promises_make(g, &item->id, envelope, &promise, &item->class)) count_input(g, CF_INPUT_PROMISED);
  }
  cf_gateway_store(g, fx);
  answer_all(g, fx, s);
  slot_drop(g);
}
