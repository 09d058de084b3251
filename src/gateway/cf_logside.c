/* The log side: what is to be logged is queued, appended in groups, taken to the
   witnesses, and shown to the enclave with the note that they made of it. */
#include "gateway/cf_gateway_state.h"

#include <assert.h>

#define ROUND_MS 250 /* an append waits so long for the round before it */

/* ---- what entries mean ---- */

static void
keep_entry(cf_kept_entry_t *k, uint64_t index, cf_span_t entry) {
  k->index = index;
  k->len   = entry.len <= sizeof k->bytes ? (uint32_t)entry.len : 0;
  if (k->len) memcpy(k->bytes, entry.ptr, entry.len);
}

static void
forget_epoch(cf_kept_epoch_t *e) {
  e->boot.len = e->certificate.len = 0;
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++) e->result[i].len = 0;
}

static void
on_result(cf_gateway_t *g, cf_history_event_t const *ev) {
  cf_ear_t   ear;
  cf_sign1_t s;
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++)
    if (ev->boot->result_index[i] == ev->index) keep_entry(&g->newest.result[i], ev->index, g->feeding);
  if (ev->boot->certified_index == ev->index || g->certified.boot.index == g->newest.boot.index) g->certified = g->newest;
  if (!cf_ear_open(&ear, &s, g->feeding, NULL) && cf_hash_eq(&ev->boot->instance, &g->instance) &&
      ear.time > g->attest.attested_s)
    g->attest.attested_s = ear.time;
}

/* Every later result of a verifier is news to bundles, and none to the history. */
static void
on_again(cf_gateway_t *g, cf_history_event_t const *ev) {
  cf_ear_t   ear;
  cf_sign1_t s;
  if (cf_ear_open(&ear, &s, g->feeding, NULL) || !g->newest.certificate.len ||
      memcmp(ear.certificate, g->attest.certificate_hash.b, 32))
    return;
  for (size_t i = 0; i < g->domain.genesis.councils_cnt; i++) {
    cf_council_t const *c = &g->domain.genesis.councils[i];
    for (size_t m = 0; c->role == CF_VERIFIERS && m < c->members_cnt; m++) {
      cf_p256_pub_t pub;
      memcpy(pub.b, c->members[m].es256, sizeof pub.b);
      cf_hash_t kid = cf_p256_thumbprint(&pub);
      if (!cf_span_eq(s.hdr.kid, CF_SPAN_OF(kid.b)) || cf_sign1_verify(&s, &pub)) continue;
      keep_entry(&g->newest.result[m], ev->index, g->feeding);
      if (ear.time > g->attest.attested_s) g->attest.attested_s = ear.time;
    }
  }
}

static void
on_history(void *ctx, cf_history_event_t const *ev) {
  cf_gateway_t *g = ctx;
  switch (ev->kind) {
  case CF_HISTORY_BOOTED:
    forget_epoch(&g->newest);
    keep_entry(&g->newest.boot, ev->index, g->feeding);
    if (cf_hash_eq(&ev->boot->instance, &g->instance)) g->boot_index = ev->index;
    return;
  case CF_HISTORY_CERTIFICATE:
    if (ev->boot->index != g->newest.boot.index) return;
    keep_entry(&g->newest.certificate, ev->index, g->feeding);
    if (cf_hash_eq(&ev->boot->instance, &g->instance)) cf_attest_certificate(g, g->feeding, ev->index);
    return;
  case CF_HISTORY_RESULT:
    if (ev->boot->index == g->newest.boot.index) on_result(g, ev);
    return;
  case CF_HISTORY_AGAIN: on_again(g, ev); return;
  case CF_HISTORY_OTHER:
  case CF_HISTORY_COUNTS:
  case CF_HISTORY_WAITS:
  case CF_HISTORY_VOID:
  case CF_HISTORY_FAULT: return;
  }
}

static void
learn_receipt(cf_gateway_t *g, uint64_t index, cf_span_t entry, cf_receipt_t const *doc, cf_sign1_t const *s) {
  static cf_hash_t const none;
  cf_hash_t              abandon;
  cf_row_t              *row = &g->row[doc->sequence % CF_RECEIPT_ROWS];
  memcpy(abandon.b, doc->abandon, 32);
  if (!cf_hash_eq(&abandon, &none)) cf_settler_abandoned(g, &abandon);
  if (row->sequence != doc->sequence) {
    *row      = (cf_row_t){ .sequence = doc->sequence, .index = CF_NO_INDEX, .inputs = doc->inputs };
    row->hash = cf_document_hash(s->protected_hdr, s->payload);
    memcpy(row->manifest.b, doc->manifest, 32);
    memcpy(row->results_root.b, doc->results_root, 32);
    memcpy(row->proof.b, doc->view.proof, 32);
    row->len = (uint32_t)entry.len;
    memcpy(row->bytes, entry.ptr, entry.len);
  }
  if (row->index == CF_NO_INDEX) row->index = index;
  if (doc->sequence > g->logged) {
    g->logged        = doc->sequence;
    g->receipt_epoch = doc->epoch;
  }
  if (doc->sequence > g->sequence) g->sequence = doc->sequence;
  if (doc->view.number) memcpy(g->named_proof.b, doc->view.proof, 32);
}

/* What our enclave signed, and nobody had in his hands since. */
static bool
known(void *ctx, uint64_t sequence, cf_span_t entry) {
  cf_row_t const *row = cf_row(ctx, sequence);
  return row && row->own && cf_span_eq(CF_SPAN(row->bytes, row->len), entry);
}

/* learn reads an entry as it comes into the log. */
static void
learn(cf_gateway_t *g, uint64_t index, cf_span_t entry) {
  cf_sign1_t          s;
  cf_receipt_t        receipt;
  cf_settlement_doc_t settlement;
  g->feeding = entry;
  if (index == 1) keep_entry(&g->deployment, index, entry);
  if (cf_history_feed_known(&g->history, index, entry, on_history, known, g))
    return; /* nothing can be said any more: the enclave will say so, too */
  if (!cf_document_open(&receipt, &s, &cf_receipt_table, entry, NULL)) {
    if (entry.len <= CF_RECEIPT_BYTES && receipt.sequence && memcmp(receipt.domain, g->domain.id.b, 32) == 0)
      learn_receipt(g, index, entry, &receipt, &s);
  } else if (!cf_document_open(&settlement, &s, &cf_settlement_doc_table, entry, NULL)) {
    (void)cf_settler_add(g, &settlement, index, CF_SPAN(NULL, 0));
  }
}

void
cf_logside_recovered(void *ctx, uint64_t index, cf_span_t entry, cf_hash_t const *key) {
  cf_attest_logged(ctx, key);
  learn(ctx, index, entry);
}

/* ---- start ---- */

void
cf_logside_start(cf_gateway_t *g, cf_effects_t *fx) {
  size_t from = fx->cnt;
  cf_logwriter_start(&g->writer, fx);
  cf_gateway_public(fx, from);
}

static void
grown(cf_gateway_t *g, cf_effects_t *fx) {
  size_t      from = fx->cnt;
  cf_status_t st   = cf_publisher_grown(&g->publisher, fx, g->now, cf_logwriter_note(&g->writer), NULL);
  assert(!st); /* the writer's own note */
  cf_gateway_public(fx, from);
}

/* An entry is what it is: ours at this place, or the place is still free. */
static bool
is_entry(cf_gateway_t const *g, uint64_t index, cf_span_t entry) {
  cf_hash_t const *there = cf_logwriter_leaf(&g->writer, index);
  cf_hash_t        ours  = cf_tree_leaf(entry);
  return !there || cf_hash_eq(there, &ours);
}

void
cf_logside_ready(cf_gateway_t *g, cf_effects_t *fx) {
  if (!is_entry(g, 0, g->cfg.genesis) || (g->cfg.deployment.len && !is_entry(g, 1, g->cfg.deployment))) {
    cf_gateway_say(g, fx, CF_LINE_ERROR, CF_PUBLIC_TEXT("log-broken"),
                   CF_PUBLIC_TEXT("its first entries are not this genesis and deployment: restore those files"), g->writer.size);
    cf_fx(fx, CF_FX_EXIT)->code = 1;
    return;
  }
  (void)cf_logside_queue(g, CF_ENTRY_PLAIN, 0, g->cfg.genesis);
  if (g->cfg.deployment.len) (void)cf_logside_queue(g, CF_ENTRY_PLAIN, 0, g->cfg.deployment);
  cf_attest_unlogged(g);
  if (g->writer.size) grown(g, fx);
}

/* ---- appending ---- */

bool
cf_logside_queue(cf_gateway_t *g, cf_entry_kind_t kind, uint64_t number, cf_span_t entry) {
  if (!entry.len || entry.len > CF_ENTRY_MAX || g->queued_cnt == CF_QUEUE_MAX || entry.len > CF_QUEUE_BYTES - g->queue_len)
    return false;
  g->queued[g->queued_cnt++] = (cf_queued_t){
    .kind = kind, .at = (uint32_t)g->queue_len, .len = (uint32_t)entry.len, .key = cf_log_entry_key(entry), .number = number
  };
  memcpy(g->queue + g->queue_len, entry.ptr, entry.len);
  g->queue_len += entry.len;
  return true;
}

bool
cf_logside_has(cf_gateway_t const *g, cf_entry_kind_t kind) {
  for (size_t i = 0; i < g->queued_cnt; i++)
    if (g->queued[i].kind == kind) return true;
  return g->appending && g->appending_kinds >> kind & 1;
}

void
cf_archive_put(cf_gateway_t *g, cf_effects_t *fx, cf_span_t bytes) {
  char      hex[65];
  cf_hash_t h = cf_sha256(bytes);
  for (size_t i = 0; i < CF_COUNT_OF(g->archived); i++)
    if (i < g->archived_next && cf_hash_eq(&g->archived[i], &h)) return;
  g->archived[g->archived_next++ % CF_COUNT_OF(g->archived)] = h;
  cf_fx_put(fx, cf_fx_printf(fx, "public/archive/%s", cf_hex_encode(hex, CF_SPAN_OF(h.b))), bytes);
  fx->at[fx->cnt - 1].side = true;
}

/* What a receipt names must be in the archive before the receipt is in the log: its manifest, and the proof of the view that it
   is the first to name.  False when the step has no room for them. */
static bool
archive_receipt(cf_gateway_t *g, cf_effects_t *fx, cf_wr_t *room, cf_row_t const *row) {
  uint32_t   cnt = 0;
  cf_hash_t *ids = (cf_hash_t *)(void *)cf_wr_room(room, row->inputs * sizeof(cf_hash_t));
  if (!ids) return false;
  if (cf_index_manifest(&g->index, row->sequence, ids, &cnt)) cf_archive_put(g, fx, CF_SPAN(ids, cnt * sizeof(cf_hash_t)));
  cf_kept_proof_t const *p = cf_views_proof(g, &row->proof);
  if (p) cf_archive_put(g, fx, CF_SPAN(p->bytes, p->len));
  return true;
}

static bool
archive(cf_gateway_t *g, cf_effects_t *fx, cf_wr_t *room, cf_queued_t const *q) {
  cf_row_t     *row;
  cf_settled_t *s;
  switch (q->kind) {
  case CF_ENTRY_PLAIN: return true;
  case CF_ENTRY_RECEIPT: return (row = cf_row(g, q->number)) == NULL || archive_receipt(g, fx, room, row);
  case CF_ENTRY_SETTLEMENT:
    s = cf_settler_at(g, q->number);
    if (s && s->body >= 0) cf_archive_put(g, fx, CF_SPAN(g->body[s->body].bytes, g->body[s->body].len));
    return true;
  case CF_ENTRY_RESULT: cf_attest_archive(g, fx, (unsigned)q->number); return true;
  }
  return true;
}

static void
drop_queued(cf_gateway_t *g, size_t n) {
  size_t bytes = n < g->queued_cnt ? g->queued[n].at : g->queue_len;
  memmove(g->queue, g->queue + bytes, g->queue_len - bytes);
  memmove(g->queued, g->queued + n, (g->queued_cnt - n) * sizeof *g->queued);
  g->queue_len -= bytes;
  g->queued_cnt -= n;
  for (size_t i = 0; i < g->queued_cnt; i++) g->queued[i].at -= (uint32_t)bytes;
}

static void
append(cf_gateway_t *g, cf_effects_t *fx) {
  static cf_log_entry_t const none;
  cf_log_entry_t              entry[CF_GROUP_MAX];
  cf_wr_t                     room = cf_wr_init(g->archive, CF_ARCHIVE_BYTES);
  size_t                      n = 0, puts = fx->cnt;
  uint64_t                    size = g->writer.size;
  unsigned                    kinds = 0;
  for (; n < g->queued_cnt && n < CF_GROUP_MAX; n++) {
    cf_queued_t const *q = &g->queued[n];
    if (fx->cnt - puts >= CF_GROUP_PUTS || !archive(g, fx, &room, q)) break;
    entry[n]       = none;
    entry[n].bytes = CF_SPAN(g->queue + q->at, q->len);
    entry[n].key   = q->key;
    kinds |= 1u << q->kind;
  }
  cf_fx_join(fx, puts);
  size_t from = fx->cnt;
  if (cf_logwriter_append(&g->writer, fx, entry, n, NULL)) {
    cf_gateway_say(g, fx, CF_LINE_ERROR, CF_PUBLIC_TEXT("log-full"),
                   CF_PUBLIC_TEXT("the log outgrows its capacity: restart with a larger one"), g->writer.size);
    cf_fx(fx, CF_FX_EXIT)->code = 1;
    return;
  }
  cf_logwriter_publish(&g->writer, fx);
  cf_gateway_public(fx, from);
  for (size_t i = 0; i < n; i++)
    if (entry[i].index >= size && entry[i].index == g->history.next) learn(g, entry[i].index, entry[i].bytes);
  drop_queued(g, n);
  if (g->publisher.cosigned.size == size) g->quorum_ms = g->now.mono_ms; /* nothing waited until now */
  g->appended_ms = g->now.mono_ms;
  if (g->writer.size > size) {
    fx->at[fx->cnt - 1].id = g->appending = cf_fx_id(g, CF_ID_APPENDED, 0); /* behind all others */
    g->appending_kinds     = kinds;
    grown(g, fx);
  }
  cf_metrics_set(&g->metrics, CF_METRIC_LOG_ENTRIES, cf_public_u64(g->writer.size));
}

/* One append at a time is in the side lane, and several batches share it and the round behind it: but not more than its files
   have room for, because batches wait when receipts pile up. */
void
cf_logside_go(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->writer.phase != CF_LOGWRITER_READY || !g->queued_cnt || g->appending) return;
  uint64_t since = g->now.mono_ms - g->appended_ms, wait = 0;
  if (g->step == CF_STEP_SERVING) wait = CF_PACE_MS;
  if (g->publisher.cosigned.size < g->writer.size) wait = ROUND_MS;
  if (g->queued_cnt >= CF_GROUP_PUTS / 2) wait = 0;
  if (g->appended_ms && since < wait && !g->stopping) {
    cf_fx(fx, CF_FX_WAKE)->id = g->appended_ms + wait;
    return;
  }
  append(g, fx);
}

/* ---- events ---- */

static void
publisher_event(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  size_t from = fx->cnt;
  if (cf_publisher_step(&g->publisher, fx, ev)) {
    g->quorum_ms = g->now.mono_ms;
    cf_metrics_set(&g->metrics, CF_METRIC_CHECKPOINT_SIZE, cf_public_u64(g->publisher.cosigned.size));
  }
  cf_gateway_public(fx, from);
}

void
cf_logside_tick(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  publisher_event(g, fx, ev);
}

void
cf_logside_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->id != CF_ID_WRITER) {
    publisher_event(g, fx, ev);
    return;
  }
  size_t from = fx->cnt;
  (void)cf_logwriter_step(&g->writer, fx, ev);
  cf_gateway_public(fx, from);
  if (g->writer.phase == CF_LOGWRITER_FAILED) {
    cf_gateway_say(g, fx, CF_LINE_ERROR, CF_PUBLIC_TEXT("log-broken"),
                   CF_PUBLIC_TEXT("a file of the log does not agree with its checkpoint"), g->writer.size);
    cf_fx(fx, CF_FX_EXIT)->code = 1;
  }
}

cf_span_t
cf_logside_note(cf_gateway_t const *g) {
  return cf_publisher_note(&g->publisher);
}

/* ---- showing ---- */

/* Reads the bundle with the entries that are to be shown next, behind the files that it stands on. */
static void
read_bundle(cf_gateway_t *g, cf_effects_t *fx, uint64_t to) {
  char      path[CF_TILE_PATH_MAX];
  cf_tile_t t = { .row = CF_TILE_ENTRIES, .index = g->shown / CF_TILE_WIDTH, .width = CF_TILE_WIDTH };
  if ((t.index + 1) * CF_TILE_WIDTH > g->writer.size) t.width = (unsigned)(g->writer.size % CF_TILE_WIDTH);
  cf_tile_path(path, &t);
  g->show_to       = to;
  g->show_note_len = cf_publisher_note(&g->publisher).len;
  memcpy(g->show_note, g->publisher.note, g->show_note_len);
  g->showing = cf_fx_id(g, CF_ID_BUNDLE, 0);
  cf_fx_get(fx, g->showing, cf_fx_printf(fx, "public/log/%s", path));
  fx->at[fx->cnt - 1].side = true;
}

bool
cf_logside_show(cf_gateway_t *g, cf_effects_t *fx) {
  size_t   len = g->show_len;
  uint64_t to  = g->publisher.cosigned.size;
  if (g->phase < CF_PHASE_FENCING || g->phase == CF_PHASE_STOPPED) return false;
  if (len) {
    g->show_len = 0;
    return cf_leader_ask(g, fx, CF_MSG_SHOW_LOG, CF_SPAN(g->show, len));
  }
  if (!g->showing && g->shown < to) read_bundle(g, fx, to);
  return g->showing && g->step != CF_STEP_SERVING; /* batches do not wait for the read, which waits for the log's files */
}

/* The bundle's entries from what was shown to the checkpoint, with its note when they reach it. */
static bool
show_message(cf_gateway_t *g, cf_wr_t *wr, cf_span_t bundle, uint64_t *last) {
  cf_rd_t   rd    = cf_rd_span(bundle);
  uint64_t  index = g->shown / CF_TILE_WIDTH * CF_TILE_WIDTH;
  uint32_t  cnt   = 0;
  cf_span_t entry;
  cf_wr_u8(wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(wr, CF_MSG_SHOW_LOG);
  cf_wr_u64(wr, g->shown);
  uint8_t *count = cf_wr_room(wr, 4);
  for (; wr->len < CF_FEED_BYTES && index < g->show_to && cf_bundle_next(&rd, &entry); index++) {
    if (index < g->shown) continue;
    cf_wr_u16(wr, (uint16_t)entry.len);
    cf_wr_span(wr, entry);
    cnt++;
  }
  if (rd.bad || !cnt) return false;
  cf_wr_t n = cf_wr_init(count, 4);
  cf_wr_u32(&n, cnt);
  cf_wr_sized(wr, index == g->show_to ? CF_SPAN(g->show_note, g->show_note_len) : CF_SPAN(NULL, 0));
  *last = index;
  return true;
}

void
cf_logside_bundle(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->id != g->showing) return;
  g->showing  = 0;
  cf_wr_t  wr = cf_wr_init(g->show, CF_SHOW_BYTES);
  uint64_t to = 0;
  if (ev->status || ev->code != 200 || !show_message(g, &wr, ev->body, &to)) {
    cf_leader_later(g);
    return;
  }
  assert(!wr.bad);
  g->show_to  = to; /* what is shown when the answer comes */
  g->show_len = wr.len;
}
