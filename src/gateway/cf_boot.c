/* An enclave's start: its snapshot and journal from disk, its fence, and the files
   that it writes through us; or, when it outlived the gateway before, whether it can be gone on with.  PROTOCOL P12. */
#include "gateway/cf_gateway_state.h"

#include <assert.h>

#include "gateway/cf_reconcile.h"

#define STRETCH_MAX (8u << 20) /* of a journal file, in one crossing */
#define REMOVES_MAX 64         /* old journal files, at one snapshot */

/* ---- the enclave's files ---- */

/* A new instance is given the snapshot and the journal; one that runs already is compared with the journal. */
void
cf_boot_begin(cf_gateway_t *g, cf_effects_t *fx) {
  g->file_at = 0;
  cf_leader_to(g, CF_STEP_FILES);
  if (g->phase == CF_PHASE_OPENING) cf_fx_get(fx, cf_fx_id(g, CF_ID_SNAPSHOT, 0), CF_SPAN_LIT("enclave/snapshot"));
  else cf_start_list(g, fx, CF_ID_JOURNAL_LIST, CF_SPAN_LIT("enclave"));
}

static void
on_snapshot_file(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  bool have       = !ev->status && ev->code == 200 && ev->body.len < CF_FRAME_MAX / 2 + (CF_FRAME_MAX / 4);
  g->snapshot_len = have ? ev->body.len : 0;
  if (have) memcpy(g->keep, ev->body.ptr, ev->body.len);
  cf_start_list(g, fx, CF_ID_JOURNAL_LIST, CF_SPAN_LIT("enclave"));
}

static bool
write_entry(cf_gateway_t *g, cf_wr_t *wr, cf_kept_entry_t const *k, uint64_t size) {
  cf_hash_t path[CF_TREE_PATH_MAX];
  size_t    n = 0;
  if (cf_logwriter_proof(&g->writer, path, &n, k->index, size)) return false;
  cf_wr_u64(wr, k->index);
  cf_wr_sized(wr, CF_SPAN(k->bytes, k->len));
  cf_wr_u8(wr, (uint8_t)n);
  for (size_t i = 0; i < n; i++) cf_wr_hash(wr, &path[i]);
  return true;
}

void
cf_boot_ask(cf_gateway_t *g, cf_effects_t *fx) {
  static uint8_t const   nothing[4 + 2 * (8 + 4 + 1) + 1]; /* note, opening, certificate, results: empty */
  cf_kept_epoch_t const *e  = &g->certified;
  cf_wr_t                wr = cf_leader_message(g, CF_MSG_BOOT);
  if (!e->boot.len || !e->certificate.len || !g->snapshot_len) {
    cf_wr_u32(&wr, 0);
    cf_wr_bytes(&wr, nothing, sizeof nothing);
    (void)cf_leader_ask(g, fx, CF_MSG_BOOT, cf_wr_out(&wr));
    return;
  }
  uint64_t size = g->publisher.cosigned.size;
  uint8_t  cnt  = 0;
  cf_wr_sized(&wr, CF_SPAN(g->keep, g->snapshot_len));
  cf_wr_sized(&wr, cf_logside_note(g));
  bool     ok    = write_entry(g, &wr, &e->boot, size) && write_entry(g, &wr, &e->certificate, size);
  uint8_t *count = cf_wr_room(&wr, 1);
  for (size_t i = 0; ok && i < CF_MEMBERS_MAX; i++)
    if (e->result[i].len && e->result[i].index < size) {
      ok = write_entry(g, &wr, &e->result[i], size);
      cnt++;
    }
  if (!ok || wr.bad) {
    cf_leader_later(g); /* the note does not cover them yet */
    return;
  }
  *count = cnt;
  (void)cf_leader_ask(g, fx, CF_MSG_BOOT, cf_wr_out(&wr));
}

void
cf_boot_answer(cf_gateway_t *g, cf_rd_t *body) {
  g->fresh        = cf_rd_u8(body) != 0;
  g->replayed     = g->fresh ? 0 : UINT64_MAX;
  g->shown        = cf_rd_u64(body);
  g->journal_want = cf_rd_u64(body);
  g->file_raw = g->file_offset = 0;
  g->file_at                   = 0;
  while (g->file_at < g->files_cnt && g->files[g->file_at] < g->journal_want) g->file_at++;
  g->phase = g->fresh ? CF_PHASE_FENCING : CF_PHASE_OPENING;
  cf_leader_to(g, g->fresh ? CF_STEP_FEED : CF_STEP_JOURNAL);
}

static cf_span_t
journal_name(cf_effects_t *fx, uint64_t number) {
  return cf_fx_printf(fx, "enclave/journal-%020llu", (unsigned long long)number);
}

void
cf_boot_journal(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->file_at < g->files_cnt) {
    g->getting = cf_fx_id(g, CF_ID_JOURNAL, 0);
    cf_fx_get(fx, g->getting, journal_name(fx, g->files[g->file_at]));
    return;
  }
  cf_wr_t wr = cf_leader_message(g, CF_MSG_JOURNAL); /* no file at all */
  cf_wr_u8(&wr, 1);
  cf_wr_u64(&wr, 0);
  cf_wr_u64(&wr, 0);
  (void)cf_leader_ask(g, fx, CF_MSG_JOURNAL, cf_wr_out(&wr));
}

static void adopt_file(cf_gateway_t *g, cf_event_t const *ev);

/* One stretch of whole chunks; the gateway's notes are read on the way. */
static void
on_journal_file(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->id != g->getting) return;
  g->getting = 0;
  if (g->step == CF_STEP_ADOPT) {
    adopt_file(g, ev);
    return;
  }
  cf_rd_t         rd   = cf_rd_span(ev->body);
  cf_wr_t         wr   = cf_leader_message(g, CF_MSG_JOURNAL);
  uint8_t        *last = cf_wr_room(&wr, 1);
  cf_chunk_t      chunk;
  cf_chunk_note_t note;
  if (ev->status || ev->code != 200 || !cf_rd_take(&rd, g->file_raw)) {
    cf_leader_later(g);
    return;
  }
  cf_wr_u64(&wr, g->files[g->file_at]);
  cf_wr_u64(&wr, g->file_offset);
  size_t from = wr.len, raw = rd.pos;
  bool   more = false;
  while (!more && cf_chunk_next(&rd, &chunk)) {
    more = wr.len + chunk.enclave.len > STRETCH_MAX && wr.len > from;
    if (more) break;
    bool sound = !chunk.note.len || (!cf_chunk_note(&note, chunk.note) && cf_batcher_note(g, &note));
    if (!sound) {
      cf_leader_lost(g, fx, CF_REFUSE_JOURNAL);
      return;
    }
    cf_wr_span(&wr, chunk.enclave);
    raw = rd.pos;
  }
  if (!more && !cf_chunk_ended(&rd)) {
    cf_leader_lost(g, fx, CF_REFUSE_JOURNAL);
    return;
  }
  g->file_offset += wr.len - from;
  g->file_raw = raw;
  if (!more) {
    g->file_at++;
    g->file_raw = g->file_offset = 0;
  }
  *last = !more && g->file_at == g->files_cnt;
  (void)cf_leader_ask(g, fx, CF_MSG_JOURNAL, cf_wr_out(&wr));
}

/* What the journal holds and the log does not is logged byte for byte; it counts, because it is adopted. */
static void
relog(cf_gateway_t *g, uint64_t replayed) {
  cf_reconcile_log_t log = { .logged = g->logged, .replayed = replayed };
  for (uint64_t s = g->logged + 1; s <= g->sequence; s++) {
    cf_row_t *row = cf_row(g, s);
    switch (row ? cf_reconcile_receipt(s, &log) : CF_RECEIPT_KNOWN) {
    case CF_RECEIPT_KNOWN: break;
    case CF_RECEIPT_RELOG: (void)cf_logside_queue(g, CF_ENTRY_RECEIPT, s, CF_SPAN(row->bytes, row->len)); break;
    case CF_RECEIPT_DROP: row->sequence = 0; break;
    }
  }
  if (g->sequence > replayed && replayed >= g->logged) g->sequence = replayed;
}

static void
feed_from(cf_gateway_t *g, uint64_t replayed) {
  relog(g, replayed);
  g->phase = CF_PHASE_FENCING;
  cf_leader_to(g, CF_STEP_FEED);
}

void
cf_boot_replayed(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  uint64_t replayed = cf_rd_u64(body);
  if (g->file_at < g->files_cnt) return; /* the next stretch */
  g->replayed = replayed;
  if (replayed > g->sequence && replayed > g->logged) {
    g->adopt     = replayed;
    g->adopt_len = 0;
    /* A snapshot made by cf_boot_adopt may hold one receipt that no chunk here has a note of: the enclave kept it whole. */
    if (replayed == g->sequence + 1) cf_leader_read(g, fx, CF_READ_RECEIPT, replayed);
    else cf_leader_lost(g, fx, CF_REFUSE_JOURNAL);
    return;
  }
  feed_from(g, replayed);
}

/* ---- fence, snapshot: files that the enclave writes through us ---- */

/* Takes {snapshot, header, file number} of an answer: durable, in this order, before anything behind it. */
bool
cf_boot_write(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  cf_span_t snapshot = cf_rd_sized(body), header = cf_rd_sized(body);
  uint64_t  number = cf_rd_u64(body);
  if (body->bad || !header.len) return false;
  cf_wr_t wr = cf_wr_init(g->keep, CF_FRAME_MAX + (1u << 20));
  cf_wr_span(&wr, snapshot);
  size_t at = wr.len;
  cf_chunk_write(&wr, header, CF_SPAN(NULL, 0), NULL, 0, CF_SPAN(NULL, 0));
  assert(!wr.bad);
  if (snapshot.len) cf_fx_put(fx, CF_SPAN_LIT("enclave/snapshot"), CF_SPAN(g->keep, snapshot.len));
  cf_fx_put(fx, journal_name(fx, number), CF_SPAN(g->keep + at, wr.len - at));
  size_t kept = 0, removed = 0;
  for (size_t i = 0; i < g->files_cnt; i++) {
    bool old = snapshot.len && g->files[i] != number && (g->files[i] < number || g->fresh);
    if (old && removed++ < REMOVES_MAX) cf_fx(fx, CF_FX_REMOVE)->name = journal_name(fx, g->files[i]);
    else if (g->files[i] != number) g->files[kept++] = g->files[i];
  }
  if (kept == CF_FILES_MAX) memmove(g->files, g->files + 1, --kept * sizeof *g->files);
  g->files[kept++] = number;
  g->files_cnt     = kept;
  g->journal_file  = number;
  g->journal_bytes = 0;
  if (snapshot.len) g->snapshot_size = g->writer.size;
  return true;
}

/* Receipts of the log beyond what the enclave replayed: it was shown them, and goes on, so they are void and their numbers come again. */
static void
forget_void(cf_gateway_t *g) {
  if (g->replayed < g->logged) g->logged = g->sequence = g->replayed;
}

void
cf_boot_fenced(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  forget_void(g);
  if (!cf_boot_write(g, fx, body)) {
    cf_leader_lost(g, fx, CF_REFUSE_MALFORMED);
    return;
  }
  cf_span_t     boot = cf_rd_sized(body);
  cf_boot_t     doc;
  cf_sign1_t    s;
  cf_p256_pub_t identity;
  if (!cf_rd_done(body) || cf_document_open(&doc, &s, &cf_boot_table, boot, NULL) ||
      !cf_logside_queue(g, CF_ENTRY_PLAIN, 0, boot)) {
    cf_leader_lost(g, fx, CF_REFUSE_MALFORMED);
    return;
  }
  memcpy(identity.b, doc.identity, sizeof identity.b);
  g->instance = cf_p256_thumbprint(&identity); /* another than at READ, when the process was started again since */
  g->phase = CF_PHASE_CERTIFYING;
  cf_leader_to(g, CF_STEP_CERTIFICATE);
}

/* ---- an enclave that outlived the gateway before ---- */

static void
adopted(cf_gateway_t *g, cf_effects_t *fx) {
  g->snapshot_due   = true; /* before the next batch: a file of our own, and no gap */
  g->attest.renewal = true;
  g->attest.next_ms = 0;
  g->follow         = 2;
  cf_leader_to(g, CF_STEP_SERVING);
  cf_gateway_say(g, fx, CF_LINE_INFO, CF_PUBLIC_TEXT("enclave-adopted"), CF_PUBLIC_TEXT("serving"), g->sequence);
}

/* What it let out is read again before the log is shown and lets out more: contents stand on each other.
   It goes on when everything that it executed is in our journal.  An empty batch that is not can be read back; of another, nobody has the
   manifest: the enclave must start again, from the journal.  What is read back is logged only when a snapshot holds it: were the enclave
   lost in between, no disk would hold what the log counts. */
void
cf_boot_adopt(cf_gateway_t *g, cf_effects_t *fx) {
  bool serving = g->phase == CF_PHASE_SERVING, behind = serving && g->adopt == g->sequence + 1;
  if (!behind && g->adopt != g->sequence) {
    cf_leader_lost(g, fx, CF_REFUSE_PHASE);
    return;
  }
  if (serving && !g->adopt_read) {
    cf_leader_read(g, fx, CF_READ_RELEASES, 0);
    return;
  }
  if (behind) {
    cf_chunk_note_t note = { .receipt = CF_SPAN(g->adopt_receipt, g->adopt_len) };
    if (!g->adopt_len) {
      cf_leader_read(g, fx, CF_READ_RECEIPT, g->adopt);
      return;
    }
    if (g->adopt_shut) {
      if (cf_batcher_note(g, &note)) g->read_back = g->adopt;
      else cf_leader_lost(g, fx, CF_REFUSE_PHASE);
      return;
    }
    if (!g->snapshot_due) relog(g, g->sequence); /* a snapshot ends the file with their notes */
    g->snapshot_due = true;
    g->fresh        = false;
    if (!g->queued_cnt && g->logged == g->sequence) cf_leader_snapshot(g, fx);
    return;
  }
  relog(g, g->sequence);
  cf_history_boot_t const *own = cf_history_by_instance(&g->history, &g->instance);
  g->boot_index                = own ? own->index : CF_NO_INDEX;
  g->journal_file              = g->files_cnt ? g->files[g->files_cnt - 1] : 0;
  g->fresh                     = false;
  if (own && own->index == g->newest.boot.index && g->newest.certificate.len) cf_attest_adopt(g);
  if (serving) adopted(g, fx);
  else if (!own) cf_leader_to(g, CF_STEP_FEED);
  else if (g->attest.certificate_len) cf_leader_to(g, CF_STEP_CERTIFICATE);
  else cf_leader_read(g, fx, CF_READ_CERTIFICATE, 0);
}

/* The receipt of a batch whose answer nobody had.  Only an empty one has a manifest that is known. */
void
cf_boot_receipt(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  cf_span_t    receipt = cf_rd_sized(body);
  cf_receipt_t doc;
  cf_sign1_t   s;
  if (!receipt.len || receipt.len > sizeof g->adopt_receipt || cf_document_open(&doc, &s, &cf_receipt_table, receipt, NULL) || doc.inputs) {
    cf_leader_lost(g, fx, CF_REFUSE_PHASE);
    return;
  }
  /* Were the proof of a view that only this receipt names not in the store, the receipt must never be logged. */
  cf_hash_t proof;
  memcpy(proof.b, doc.view.proof, 32);
  if (doc.view.number && !cf_hash_eq(&proof, &g->named_proof) && !cf_views_proof(g, &proof)) {
    cf_leader_lost(g, fx, CF_REFUSE_PHASE);
    return;
  }
  memcpy(g->adopt_receipt, receipt.ptr, g->adopt_len = receipt.len);
  if (g->step != CF_STEP_JOURNAL) return;
  cf_chunk_note_t note = { .receipt = CF_SPAN(g->adopt_receipt, g->adopt_len) };
  if (!cf_batcher_note(g, &note)) {
    cf_leader_lost(g, fx, CF_REFUSE_JOURNAL);
    return;
  }
  g->read_back = g->adopt;
  feed_from(g, g->adopt);
}

static void
adopt_file(cf_gateway_t *g, cf_event_t const *ev) {
  cf_rd_t         rd = cf_rd_span(ev->body);
  cf_chunk_t      chunk;
  cf_chunk_note_t note;
  while (!ev->status && ev->code == 200 && cf_chunk_next(&rd, &chunk))
    if (chunk.note.len && (cf_chunk_note(&note, chunk.note) || !cf_batcher_note(g, &note))) break;
  g->file_at++;
}

void
cf_boot_certificate(cf_gateway_t *g, cf_rd_t *body) {
  cf_span_t cose = cf_rd_sized(body);
  if (cose.len) {
    (void)cf_logside_queue(g, CF_ENTRY_PLAIN, 0, cose);
    cf_attest_certificate(g, cose, CF_NO_INDEX);
  }
  cf_leader_to(g, CF_STEP_CERTIFICATE); /* or SHOW_LOG will let it out */
}

void
cf_boot_releases(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  cf_releases_take(g, fx, body);
  g->adopt_read = true;
}

void
cf_boot_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  switch (ev->id & 0xff) {
  case CF_ID_SNAPSHOT: on_snapshot_file(g, fx, ev); return;
  case CF_ID_JOURNAL_LIST:
    g->files_cnt = ev->status ? 0 : cf_start_numbers(g->files, CF_FILES_MAX, ev->body, CF_SPAN_LIT("journal-"));
    cf_leader_to(g, g->phase == CF_PHASE_OPENING ? CF_STEP_BOOT : CF_STEP_ADOPT);
    return;
  case CF_ID_JOURNAL: on_journal_file(g, fx, ev); return;
  }
}
