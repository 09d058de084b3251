/* The leader: brings an enclave from its socket to a started epoch, step by step
   (PROTOCOL P12), and gives it one crossing at a time from then on.  Each step is asked again until it is
   done; what is missing is named in the status. */
#include "gateway/cf_gateway_state.h"

#include <assert.h>

#include "gateway/cf_reconcile.h"

#define POLL_MS       500
#define STRETCH_MAX   (8u << 20)  /* of a journal file, in one crossing */
#define REMOVES_MAX   64          /* old journal files, at one snapshot */
#define REGISTER_S    3600

void
cf_leader_to(cf_gateway_t *g, cf_step_t step) {
  g->step       = step;
  g->step_at_ms = 0;
  g->step_fails = 0;
}

void
cf_leader_later(cf_gateway_t *g) {
  g->step_at_ms = g->now.mono_ms + cf_backoff_ms(g->step_fails++);
}

/* ---- crossings ---- */

bool
cf_leader_ask(cf_gateway_t *g, cf_effects_t *fx, cf_message_type_t type, cf_span_t message) {
  if (g->enclave_id || !message.len) return false;
  g->enclave_id = cf_fx_id(g, CF_ID_ENCLAVE, 0);
  g->crossing   = type;
  cf_fx_ask(fx, g->enclave_id, g->cfg.enclave, CF_SPAN_LIT("enclave"), message, CF_ENCLAVE_MS);
  return true;
}

static cf_wr_t
message(cf_gateway_t *g, cf_message_type_t type) {
  cf_wr_t wr = cf_wr_init(g->ask, CF_FRAME_MAX);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, (uint8_t)type);
  return wr;
}

static void
ask_plain(cf_gateway_t *g, cf_effects_t *fx, cf_message_type_t type) {
  cf_wr_t wr = message(g, type);
  (void)cf_leader_ask(g, fx, type, cf_wr_out(&wr));
}

enum { READ_CERTIFICATE = 1, READ_RECEIPT, READ_STATUS, READ_RELEASES };

static void
ask_read(cf_gateway_t *g, cf_effects_t *fx, uint8_t what, uint64_t sequence) {
  cf_wr_t wr = message(g, CF_MSG_READ);
  cf_wr_u8(&wr, what);
  if (what == READ_RECEIPT) cf_wr_u64(&wr, sequence);
  if (cf_leader_ask(g, fx, CF_MSG_READ, cf_wr_out(&wr))) g->reading = what;
}

static void ask_status(cf_gateway_t *g, cf_effects_t *fx) { ask_read(g, fx, READ_STATUS, 0); }

static cf_public_text_t
reason(cf_refuse_t why) {
  switch ((int)why) {
  case CF_REFUSE_NONE: return CF_PUBLIC_TEXT("no answer");
  case CF_REFUSE_PHASE: return CF_PUBLIC_TEXT("it executed what is not in this journal: restart it");
  case CF_REFUSE_ROOT: return CF_PUBLIC_TEXT("root");
  case CF_REFUSE_ROLLED_BACK: return CF_PUBLIC_TEXT("rolled-back");
  case CF_REFUSE_TIP: return CF_PUBLIC_TEXT("tip");
  case CF_REFUSE_TWIN: return CF_PUBLIC_TEXT("twin");
  case CF_REFUSE_VIEW: return CF_PUBLIC_TEXT("view");
  case CF_REFUSE_JOURNAL: return CF_PUBLIC_TEXT("journal");
  default: return CF_PUBLIC_TEXT("an answer that is none");
  }
}

void
cf_leader_lost(cf_gateway_t *g, cf_effects_t *fx, cf_refuse_t why) {
  if (g->enclave_up || g->halted != why)
    cf_gateway_say(g, fx, CF_LINE_WARN, CF_PUBLIC_TEXT("enclave-lost"), reason(why), g->sequence);
  if (g->fresh_request && !g->fresh_id) {
    cf_front_problem(g, fx, g->fresh_request, 503, "enclave-down", "the enclave went away");
    g->fresh_request = 0;
  }
  g->enclave_up    = false;
  g->enclave_id    = 0;
  g->batching      = false;
  g->getting       = 0;
  g->shown         = 0;
  g->phase         = (cf_phase_t)0;
  g->halted        = why;
  g->boot_index    = CF_NO_INDEX;
  g->registering   = false;
  g->snapshot_due  = false;
  g->follow        = 0;
  g->fresh_certify = false;
  cf_attest_begin(g);
  cf_leader_to(g, why ? CF_STEP_HALTED : CF_STEP_ENCLAVE);
  g->step_at_ms = g->now.mono_ms + POLL_MS;
}

/* ---- start: lease, store, log, index ---- */

static void
scan(cf_gateway_t *g, cf_effects_t *fx, cf_store_kind_t kind) {
  uint8_t *name   = cf_fx_room(fx, 1);
  name[0]         = (uint8_t)kind;
  cf_effect_t *e  = cf_fx(fx, CF_FX_SCAN);
  e->id           = cf_fx_id(g, CF_ID_SCAN, (unsigned)kind);
  e->name         = CF_SPAN(name, 1);
}

void
cf_leader_start(cf_gateway_t *g, cf_effects_t *fx) {
  cf_leader_to(g, CF_STEP_LOG);
  scan(g, fx, CF_STORE_LEASE);
}

static void
take_lease(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_rd_t rd;
  uint8_t holder[16];
  if (cf_store_open(&rd, &g->fence, ev->body)) return;
  g->fence++; /* whoever held it before cannot commit any more */
  cf_entropy_fill(&g->cfg.entropy, holder, sizeof holder);
  g->writes = cf_wr_init(g->store, CF_PROMISED_BYTES);
  cf_store_begin(&g->writes, g->fence);
  cf_store_put(&g->writes, CF_STORE_LEASE, CF_SPAN_LIT("leader"), CF_SPAN_OF(holder));
  cf_gateway_store(g, fx);
  scan(g, fx, CF_STORE_META);
}

static void
on_scan(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  unsigned kind = ev->id >> 8 & 0xff;
  if (ev->status) {
    cf_gateway_say(g, fx, CF_LINE_ERROR, CF_PUBLIC_TEXT("store"), CF_PUBLIC_TEXT("cannot be read"), kind);
    cf_fx(fx, CF_FX_EXIT)->code = 1;
    return;
  }
  switch (kind) {
  case CF_STORE_LEASE: take_lease(g, fx, ev); return;
  case CF_STORE_META:
    cf_attest_load(g, ev);
    scan(g, fx, CF_STORE_ENVELOPE);
    return;
  case CF_STORE_ENVELOPE:
    cf_promises_load(g, ev);
    scan(g, fx, CF_STORE_PROMISE);
    return;
  case CF_STORE_PROMISE:
    cf_promises_load(g, ev);
    cf_logside_start(g, fx);
    return;
  }
}

/* The newest receipts whose envelopes the index has room for. */
static void
index_begin(cf_gateway_t *g) {
  uint64_t inputs = 0;
  g->index_end = g->index_at = g->logged + 1;
  while (g->index_at > 1 && g->logged + 2 - g->index_at < CF_RECEIPT_ROWS) {
    cf_row_t const *row = cf_row(g, g->index_at - 1);
    if (!row || (inputs += row->inputs) > g->cfg.index_cap / 2) break;
    g->index_at--;
  }
}

static void
list(cf_gateway_t *g, cf_effects_t *fx, unsigned kind, cf_span_t name) {
  cf_effect_t *e = cf_fx(fx, CF_FX_LIST);
  e->id          = cf_fx_id(g, kind, 0);
  e->name        = name;
}

static void
index_go(cf_gateway_t *g, cf_effects_t *fx) {
  cf_hash_t root;
  char      hex[65];
  for (; g->index_at < g->index_end; g->index_at++) {
    cf_row_t const *row = cf_row(g, g->index_at);
    if (row && row->inputs && row->inputs <= CF_BATCH_MAX) {
      cf_fx_get(fx, cf_fx_id(g, CF_ID_MANIFEST, 0), cf_fx_printf(fx, "public/archive/%s", cf_hex_encode(hex, CF_SPAN_OF(row->manifest.b))));
      return;
    }
    if (row) cf_index_add(&g->index, g->index_at, g->ids, 0, &root);
  }
  list(g, fx, CF_ID_RESULTS_LIST, CF_SPAN_LIT("gateway/results"));
}

static void
on_manifest(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_row_t const *row = cf_row(g, g->index_at);
  cf_hash_t       is  = cf_sha256(ev->body), root;
  if (row && !ev->status && ev->code == 200 && cf_hash_eq(&is, &row->manifest) && ev->body.len == row->inputs * 32) {
    memcpy(g->ids, ev->body.ptr, ev->body.len);
    cf_index_add(&g->index, row->sequence, g->ids, (uint32_t)row->inputs, &root);
  }
  g->index_at++;
  index_go(g, fx);
}

/* The numbers in names "<prefix><20 digits>" of a LIST, the newest max of them. */
static size_t
numbers(uint64_t *out, size_t max, cf_span_t names, cf_span_t prefix) {
  size_t  cnt = 0;
  cf_rd_t rd  = cf_rd_span(names);
  while (cf_rd_left(&rd)) {
    uint8_t const *at  = rd.buf + rd.pos;
    uint8_t const *nul = memchr(at, 0, cf_rd_left(&rd));
    cf_span_t      s   = cf_rd_take_span(&rd, nul ? (size_t)(nul - at) : cf_rd_left(&rd));
    cf_rd_take(&rd, cf_rd_left(&rd) ? 1 : 0);
    if (s.len != prefix.len + 20 || (prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len))) continue;
    uint64_t n   = 0;
    size_t   dig = 0;
    for (; dig < 20; dig++) {
      uint8_t c = s.ptr[prefix.len + dig];
      if (c < '0' || c > '9' || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(c - '0'), &n)) break;
    }
    if (dig < 20) continue;
    if (cnt == max) memmove(out, out + 1, --cnt * sizeof *out);
    out[cnt++] = n;
  }
  return cnt;
}

static void
results_go(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->results_at == g->results_cnt) {
    cf_leader_to(g, CF_STEP_ENTRIES);
    cf_logside_ready(g, fx);
    if (g->settlements) cf_views_want(g, 0); /* which of them are final? */
    return;
  }
  cf_fx_get(fx, cf_fx_id(g, CF_ID_RESULTS, 0),
            cf_fx_printf(fx, "gateway/results/%020llu", (unsigned long long)g->results_list[g->results_at]));
}

static void
on_results(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  if ((ev->id & 0xff) == CF_ID_RESULTS_LIST) {
    g->results_cnt  = ev->status ? 0 : numbers(g->results_list, CF_FILES_MAX, ev->body, CF_SPAN(NULL, 0));
    g->results_file = g->results_cnt ? g->results_list[g->results_cnt - 1] + 1 : 1;
  } else {
    if (!ev->status && ev->code == 200) cf_releases_index(g, g->results_list[g->results_at], ev->body);
    g->results_at++;
  }
  results_go(g, fx);
}

/* ---- the enclave's files ---- */

static void
get_snapshot(cf_gateway_t *g, cf_effects_t *fx) {
  cf_fx_get(fx, cf_fx_id(g, CF_ID_SNAPSHOT, 0), CF_SPAN_LIT("enclave/snapshot"));
}

static void
on_snapshot_file(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  bool have       = !ev->status && ev->code == 200 && ev->body.len < CF_FRAME_MAX / 2 + (CF_FRAME_MAX / 4);
  g->snapshot_len = have ? ev->body.len : 0;
  if (have) memcpy(g->keep, ev->body.ptr, ev->body.len);
  list(g, fx, CF_ID_JOURNAL_LIST, CF_SPAN_LIT("enclave"));
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

static void
ask_boot(cf_gateway_t *g, cf_effects_t *fx) {
  static uint8_t const   nothing[4 + 2 * (8 + 4 + 1) + 1]; /* note, opening, certificate, results: empty */
  cf_kept_epoch_t const *e  = &g->certified;
  cf_wr_t                wr = message(g, CF_MSG_BOOT);
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

static void
on_boot(cf_gateway_t *g, cf_rd_t *body) {
  g->fresh        = cf_rd_u8(body) != 0;
  g->shown        = cf_rd_u64(body);
  g->journal_want = cf_rd_u64(body);
  g->file_raw = g->file_offset = 0;
  g->file_at = 0;
  while (g->file_at < g->files_cnt && g->files[g->file_at] < g->journal_want) g->file_at++;
  g->phase = g->fresh ? CF_PHASE_FENCING : CF_PHASE_OPENING;
  cf_leader_to(g, g->fresh ? CF_STEP_FEED : CF_STEP_JOURNAL);
}

static cf_span_t
journal_name(cf_effects_t *fx, uint64_t number) {
  return cf_fx_printf(fx, "enclave/journal-%020llu", (unsigned long long)number);
}

static void
get_journal(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->file_at < g->files_cnt) {
    g->getting = cf_fx_id(g, CF_ID_JOURNAL, 0);
    cf_fx_get(fx, g->getting, journal_name(fx, g->files[g->file_at]));
    return;
  }
  cf_wr_t wr = message(g, CF_MSG_JOURNAL); /* no file at all */
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
  g->getting   = 0;
  if (g->step == CF_STEP_ADOPT) {
    adopt_file(g, ev);
    return;
  }
  cf_rd_t  rd  = cf_rd_span(ev->body);
  cf_wr_t  wr  = message(g, CF_MSG_JOURNAL);
  uint8_t *last = cf_wr_room(&wr, 1);
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
on_journal(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  uint64_t replayed = cf_rd_u64(body);
  if (g->file_at < g->files_cnt) return; /* the next stretch */
  if (replayed != g->sequence && replayed > g->logged && replayed > g->sequence) {
    cf_leader_lost(g, fx, CF_REFUSE_JOURNAL); /* it has receipts that were never journaled here */
    return;
  }
  relog(g, replayed);
  g->phase = CF_PHASE_FENCING;
  cf_leader_to(g, CF_STEP_FEED);
}

/* ---- fence, snapshot: files that the enclave writes through us ---- */

/* Takes {snapshot, header, file number} of an answer: durable, in this order, before anything behind it. */
static bool
write_files(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
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

static void
on_fence(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  if (!write_files(g, fx, body)) {
    cf_leader_lost(g, fx, CF_REFUSE_MALFORMED);
    return;
  }
  cf_span_t boot = cf_rd_sized(body);
  if (!cf_rd_done(body) || !cf_logside_queue(g, CF_ENTRY_PLAIN, 0, boot)) {
    cf_leader_lost(g, fx, CF_REFUSE_MALFORMED);
    return;
  }
  g->phase = CF_PHASE_CERTIFYING;
  cf_leader_to(g, CF_STEP_CERTIFICATE);
}

/* ---- registration ---- */

static void
ask_possess(cf_gateway_t *g, cf_effects_t *fx) {
  cf_wr_t wr = message(g, CF_MSG_POSSESS);
  cf_wr_hash(&wr, &g->attest.registration.terms);
  cf_wr_hash(&wr, &g->attest.registration.evidence);
  (void)cf_leader_ask(g, fx, CF_MSG_POSSESS, cf_wr_out(&wr));
}

static void
post_register(cf_gateway_t *g, cf_effects_t *fx) {
  cf_council_t const *c  = cf_genesis_council(&g->genesis, CF_VERIFIERS);
  cf_op_t             op = { .kind = CF_OP_REGISTER, .registration = g->attest.registration };
  memcpy(op.sig, g->possession, 64);
  for (unsigned i = 0; i < c->members_cnt && op.sigs.cnt < c->k; i++) {
    if (!g->attest.v[i].done) continue;
    op.sigs.at[op.sigs.cnt].member = (uint8_t)i;
    memcpy(op.sigs.at[op.sigs.cnt++].sig, g->attest.v[i].sig, 64);
  }
  size_t  max = 4096;
  cf_wr_t wr  = cf_wr_init(cf_fx_room(fx, max), max);
  cf_settler_call(&wr, &op, cf_now_s(g) + REGISTER_S);
  assert(!wr.bad);
  g->registering = true;
  cf_fx_ask(fx, cf_fx_id(g, CF_ID_REGISTER, 0), g->cfg.ledger, CF_SPAN_LIT("POST /ledger/acts"), cf_wr_out(&wr), CF_PEER_MS);
}

static void
on_registered(cf_gateway_t *g, cf_event_t const *ev) {
  uint64_t block = 0;
  if (!g->registering || g->step != CF_STEP_REGISTER) return;
  g->registering = false;
  bool known = !ev->status && ev->code == 200 && cf_settler_refused(ev->body, CF_REFUSAL_KEY_KNOWN); /* by a life before this one */
  if (!known && (ev->status || ev->code != 200 || !cf_settler_included(ev->body, 0, &block))) {
    cf_leader_later(g);
    return;
  }
  cf_views_want(g, block);
  cf_leader_to(g, CF_STEP_VIEW);
}

/* ---- an enclave that outlived the gateway before ---- */

/* It goes on when everything that it executed is in our journal.  An empty batch that is not can be read back, and a snapshot then closes the
   journal's gap; of another, nobody has the manifest: the enclave must start again, from the journal. */
static void
adopt(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->adopt == g->sequence + 1) {
    ask_read(g, fx, READ_RECEIPT, g->adopt);
    return;
  }
  if (g->adopt != g->sequence) {
    cf_leader_lost(g, fx, CF_REFUSE_PHASE);
    return;
  }
  relog(g, g->sequence);
  cf_history_boot_t const *own = cf_history_by_instance(&g->history, &g->instance);
  g->boot_index                = own ? own->index : CF_NO_INDEX;
  g->journal_file              = g->files_cnt ? g->files[g->files_cnt - 1] : 0;
  g->fresh                     = false;
  if (own && own->index == g->newest.boot.index && g->newest.certificate.len) cf_attest_adopt(g);
  if (g->phase == CF_PHASE_SERVING) ask_read(g, fx, READ_RELEASES, 0);
  else if (!own) cf_leader_to(g, CF_STEP_FEED);
  else if (g->attest.certificate_len) cf_leader_to(g, CF_STEP_CERTIFICATE);
  else ask_read(g, fx, READ_CERTIFICATE, 0);
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

/* The receipt of a batch whose answer nobody had.  Only an empty one has a manifest that is known. */
static void
on_read_receipt(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  cf_chunk_note_t note = { .receipt = cf_rd_sized(body) };
  if (!note.receipt.len || !cf_batcher_note(g, &note)) cf_leader_lost(g, fx, CF_REFUSE_PHASE);
}

static void
on_read_certificate(cf_gateway_t *g, cf_rd_t *body) {
  cf_span_t cose = cf_rd_sized(body);
  if (cose.len) {
    (void)cf_logside_queue(g, CF_ENTRY_PLAIN, 0, cose);
    cf_attest_certificate(g, cose, CF_NO_INDEX);
  }
  cf_leader_to(g, CF_STEP_CERTIFICATE); /* or SHOW_LOG will let it out */
}

static void
on_read_releases(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  cf_releases_take(g, fx, body);
  g->snapshot_due    = true; /* before the next batch: a file of our own, and no gap */
  g->attest.renewal  = true;
  g->attest.next_ms  = 0;
  g->follow          = 2;
  cf_leader_to(g, CF_STEP_SERVING);
  cf_gateway_say(g, fx, CF_LINE_INFO, CF_PUBLIC_TEXT("enclave-adopted"), CF_PUBLIC_TEXT("serving"), g->sequence);
}

/* ---- answers ---- */

static void
on_status(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  cf_phase_t phase    = (cf_phase_t)cf_rd_u8(body);
  cf_hash_t  instance = cf_rd_hash(body);
  uint64_t   sequence = cf_rd_u64(body);
  (void)cf_rd_u64(body);
  (void)cf_rd_u64(body);
  uint64_t size = cf_rd_u64(body);
  (void)cf_rd_u64(body);
  uint64_t folded = cf_rd_u64(body);
  if (!cf_rd_done(body)) return;
  if (g->step != CF_STEP_ENCLAVE && g->step != CF_STEP_HALTED) { /* after a refusal: where does it stand? */
    if (!cf_hash_eq(&instance, &g->instance)) { /* another one answers: it was started anew in between */
      cf_leader_lost(g, fx, CF_REFUSE_NONE);
      return;
    }
    g->phase        = phase;
    g->shown        = size;
    g->views.folded = folded;
    return;
  }
  bool ended = phase == CF_PHASE_STOPPED || phase == CF_PHASE_DRAINING;
  if (ended || (cf_hash_eq(&instance, &g->instance) && g->halted)) return; /* it waits for another */
  g->instance     = instance;
  g->enclave_up   = true;
  g->halted       = CF_REFUSE_NONE;
  g->phase        = phase;
  g->views.folded = folded;
  g->views.shown  = 0;
  g->file_at      = 0;
  g->adopt        = sequence;
  g->shown        = size;
  cf_leader_to(g, CF_STEP_FILES);
  if (phase == CF_PHASE_OPENING) get_snapshot(g, fx);
  else list(g, fx, CF_ID_JOURNAL_LIST, CF_SPAN_LIT("enclave"));
}

static void
on_read(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  switch (g->reading) {
  case READ_CERTIFICATE: on_read_certificate(g, body); return;
  case READ_RECEIPT: on_read_receipt(g, fx, body); return;
  case READ_STATUS: on_status(g, fx, body); return;
  case READ_RELEASES: on_read_releases(g, fx, body); return;
  }
}

static void
on_shown(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  g->phase = (cf_phase_t)cf_rd_u8(body);
  g->shown = g->show_to;
  cf_releases_take(g, fx, body);
}

static void
on_ledger_shown(cf_gateway_t *g, cf_rd_t *body) {
  cf_views_answer(g, body);
  if (g->step != CF_STEP_VIEW) return;
  if (g->phase == CF_PHASE_SERVING) cf_leader_to(g, CF_STEP_FIRST);
  else if (g->views.shown) cf_views_want(g, g->views.shown); /* not live yet: a later block */
}

static void
on_batch(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  cf_batcher_answer(g, fx, body);
  if (g->step != CF_STEP_FIRST) return;
  cf_leader_to(g, CF_STEP_SERVING);
  g->follow = 2; /* what the view executed or voided is covered anew */
  cf_gateway_say(g, fx, CF_LINE_INFO, CF_PUBLIC_TEXT("epoch-started"), CF_PUBLIC_TEXT("serving"), g->attest.epoch.epoch);
}

static void
on_answer(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  switch ((int)g->crossing) {
  case CF_MSG_READ: on_read(g, fx, body); return;
  case CF_MSG_BOOT: on_boot(g, body); return;
  case CF_MSG_JOURNAL: on_journal(g, fx, body); return;
  case CF_MSG_SHOW_LOG: on_shown(g, fx, body); return;
  case CF_MSG_FENCE: on_fence(g, fx, body); return;
  case CF_MSG_CERTIFY: cf_attest_certified(g, fx, body); return;
  case CF_MSG_POSSESS:
    cf_rd_copy(body, g->possession, sizeof g->possession);
    cf_leader_to(g, CF_STEP_REGISTER);
    return;
  case CF_MSG_SHOW_LEDGER: on_ledger_shown(g, body); return;
  case CF_MSG_BATCH: on_batch(g, fx, body); return;
  case CF_MSG_SNAPSHOT:
    g->snapshot_due = false;
    if (!write_files(g, fx, body)) cf_leader_lost(g, fx, CF_REFUSE_MALFORMED);
    return;
  }
}

/* These end an instance. */
static bool
ends(cf_refuse_t r) {
  switch ((int)r) {
  case CF_REFUSE_ROOT:
  case CF_REFUSE_ROLLED_BACK:
  case CF_REFUSE_TIP:
  case CF_REFUSE_TWIN:
  case CF_REFUSE_VIEW:
  case CF_REFUSE_JOURNAL: return true;
  }
  return false;
}

static void
on_refused(cf_gateway_t *g, cf_effects_t *fx, cf_refuse_t why) {
  if (ends(why) || (why == CF_REFUSE_PHASE && g->crossing != CF_MSG_POSSESS && g->crossing != CF_MSG_CERTIFY)) {
    cf_leader_lost(g, fx, why);
    return;
  }
  switch ((int)g->crossing) {
  case CF_MSG_BATCH: cf_batcher_refused(g, fx, why); break;
  case CF_MSG_SHOW_LEDGER:
    cf_views_refused(g, why);
    ask_status(g, fx); /* how many messages it has folded: a replay may have brought it further, or less far */
    break;
  case CF_MSG_CERTIFY:
    if (!g->fresh_certify) cf_attest_failed(g);
    else cf_front_bundle(g, fx, g->fresh_request, CF_SPAN(NULL, 0));
    g->fresh_certify = false;
    if (why == CF_REFUSE_PHASE) ask_status(g, fx);
    break;
  case CF_MSG_POSSESS:
    cf_leader_to(g, CF_STEP_ATTEST); /* not certified in its eyes: more results */
    if (why == CF_REFUSE_PHASE) ask_status(g, fx);
    break;
  case CF_MSG_SHOW_LOG: ask_status(g, fx); break;
  }
  cf_leader_later(g);
}

static void
on_enclave(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->id != g->enclave_id) return; /* of a connection that was given up */
  g->enclave_id = 0;
  cf_rd_t rd    = cf_rd_span(ev->body);
  uint8_t version = cf_rd_u8(&rd), type = cf_rd_u8(&rd), class = cf_rd_u8(&rd);
  if (ev->status || version != CF_BOUNDARY_VERSION || type != (uint8_t)g->crossing || rd.bad) cf_leader_lost(g, fx, CF_REFUSE_NONE);
  else if (class) on_refused(g, fx, (cf_refuse_t)class);
  else on_answer(g, fx, &rd);
}

void
cf_leader_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  switch (ev->id & 0xff) {
  case CF_ID_ENCLAVE: on_enclave(g, fx, ev); return;
  case CF_ID_REGISTER: on_registered(g, ev); return;
  case CF_ID_SCAN: on_scan(g, fx, ev); return;
  case CF_ID_MANIFEST: on_manifest(g, fx, ev); return;
  case CF_ID_RESULTS_LIST:
  case CF_ID_RESULTS: on_results(g, fx, ev); return;
  case CF_ID_SNAPSHOT: on_snapshot_file(g, fx, ev); return;
  case CF_ID_JOURNAL_LIST:
    g->files_cnt = ev->status ? 0 : numbers(g->files, CF_FILES_MAX, ev->body, CF_SPAN_LIT("journal-"));
    cf_leader_to(g, g->phase == CF_PHASE_OPENING ? CF_STEP_BOOT : CF_STEP_ADOPT);
    return;
  case CF_ID_JOURNAL: on_journal_file(g, fx, ev); return;
  }
}

/* ---- going on ---- */

/* Everything queued is in the log, witnessed, and fed. */
static bool
up_to_date(cf_gateway_t const *g) {
  return !g->queued_cnt && g->publisher.cosigned.size == g->writer.size && g->shown == g->writer.size;
}

static void
serve(cf_gateway_t *g, cf_effects_t *fx) {
  uint64_t grown = g->writer.size - g->snapshot_size;
  if (grown >= g->policy.snapshot_entries / 2 || g->journal_bytes >= CF_JOURNAL_BYTES) g->snapshot_due = true;
  if (cf_attest_ask(g, fx) || cf_views_ask(g, fx)) return;
  if (g->snapshot_due) { /* what was executed must be in the log first: its notes end with the file */
    if (!g->queued_cnt && g->logged == g->sequence) ask_plain(g, fx, CF_MSG_SNAPSHOT);
    return;
  }
  (void)cf_batcher_ask(g, fx);
}

static void
go_once(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->enclave_id || g->getting || g->now.mono_ms < g->step_at_ms) return;
  if (cf_logside_show(g, fx)) return;
  switch (g->step) {
  case CF_STEP_LOG:
  case CF_STEP_INDEX:
  case CF_STEP_FILES: return;
  case CF_STEP_ENTRIES:
    if (g->writer.size >= 2 && !g->queued_cnt && g->publisher.cosigned.size) cf_leader_to(g, CF_STEP_ENCLAVE);
    return;
  case CF_STEP_ENCLAVE:
  case CF_STEP_HALTED:
    g->step_at_ms = g->now.mono_ms + POLL_MS;
    ask_status(g, fx);
    return;
  case CF_STEP_ADOPT:
    if (g->file_at < g->files_cnt) get_journal(g, fx);
    else adopt(g, fx);
    return;
  case CF_STEP_BOOT: ask_boot(g, fx); return;
  case CF_STEP_JOURNAL: get_journal(g, fx); return;
  case CF_STEP_FEED:
    if (up_to_date(g)) cf_leader_to(g, CF_STEP_FENCE), ask_plain(g, fx, CF_MSG_FENCE);
    return;
  case CF_STEP_FENCE: ask_plain(g, fx, CF_MSG_FENCE); return;
  case CF_STEP_CERTIFICATE:
    if (g->attest.certificate_index != CF_NO_INDEX && up_to_date(g)) cf_leader_to(g, CF_STEP_ATTEST);
    return;
  case CF_STEP_ATTEST: (void)cf_attest_ask(g, fx); return;
  case CF_STEP_RESULTS:
    if (up_to_date(g)) cf_leader_to(g, CF_STEP_POSSESS), ask_possess(g, fx);
    return;
  case CF_STEP_POSSESS: ask_possess(g, fx); return;
  case CF_STEP_REGISTER:
    if (!g->registering) post_register(g, fx);
    return;
  case CF_STEP_VIEW: (void)cf_views_ask(g, fx); return;
  case CF_STEP_FIRST: cf_batcher_empty(g, fx); return;
  case CF_STEP_SERVING: serve(g, fx); return;
  }
}

void
cf_leader_go(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->step != CF_STEP_SERVING && g->slots_used) cf_batcher_lost(g, fx);
  if (g->step == CF_STEP_LOG && g->writer.phase == CF_LOGWRITER_READY) {
    cf_leader_to(g, CF_STEP_INDEX);
    index_begin(g);
    index_go(g, fx);
  }
  cf_step_t before;
  do {
    before = g->step;
    go_once(g, fx);
  } while (g->step != before);
}
