/* BOOT and JOURNAL: the book from disk, or a fresh one; SNAPSHOT: the book to disk.
   PROTOCOL P3 (opening an existing book), P6 (journal), P12 (restart). */
#include "enclave/cf_enclave_state.h"

#include <assert.h>

#include "base/cf_secret.h"
#include "translog/cf_tree.h"

/* ---- the snapshot's sections ---- */

void
cf_view_kept_write(cf_wr_t *wr, cf_taken_view_t const *v) {
  cf_wr_u64(wr, v->number);
  cf_wr_hash(wr, &v->hash);
  cf_wr_u40(wr, v->time_s);
  cf_wr_hash(wr, &v->proof);
  for (size_t i = 0; i < CF_SLOT_PLAIN_CNT; i++) cf_wr_hash(wr, &v->slots[i]);
  cf_wr_hash(wr, &v->key);
  cf_wr_u64(wr, v->messages);
  cf_wr_u8(wr, (uint8_t)v->bucket_cnt);
  for (size_t i = 0; i < v->bucket_cnt; i++) {
    cf_wr_u24(wr, v->bucket[i].asset);
    cf_wr_u64(wr, v->bucket[i].level);
  }
}

void
cf_inbox_at_write(cf_wr_t *wr, cf_inbox_at_t const *at) {
  cf_wr_hash(wr, &at->fold);
  cf_wr_u64(wr, at->messages);
}

static cf_inbox_at_t
inbox_at_read(cf_rd_t *rd) {
  cf_inbox_at_t at = { .fold = cf_rd_hash(rd) };
  at.messages      = cf_rd_u64(rd);
  return at;
}

static void
view_read(cf_rd_t *rd, cf_taken_view_t *v) {
  v->number = cf_rd_u64(rd);
  v->hash   = cf_rd_hash(rd);
  v->time_s = cf_rd_u40(rd);
  v->proof  = cf_rd_hash(rd);
  for (size_t i = 0; i < CF_SLOT_PLAIN_CNT; i++) v->slots[i] = cf_rd_hash(rd);
  v->key        = cf_rd_hash(rd);
  v->messages   = cf_rd_u64(rd);
  v->bucket_cnt = cf_rd_u8(rd);
  if (v->bucket_cnt > CF_BUCKETS_MAX) rd->bad = true;
  for (size_t i = 0; !rd->bad && i < v->bucket_cnt; i++) {
    v->bucket[i].asset = cf_rd_u24(rd);
    v->bucket[i].level = cf_rd_u64(rd);
  }
}

/* What was applied means for the views to come. */
static void
view_state_set(cf_enclave_t *e) {
  e->view_state = (cf_view_state_t){ .any = e->view_any, .inbox = e->inbox.fold, .messages = e->inbox.messages };
  if (!e->view_any) return;
  e->view_state.number = e->view.number;
  e->view_state.hash   = e->view.hash;
  e->view_state.time_s = e->view.time_s;
}

static void
content_write(cf_wr_t *wr, cf_content_t const *c) {
  cf_wr_u64(wr, c->window);
  cf_wr_u64(wr, c->first);
  cf_wr_u64(wr, c->last);
  cf_wr_hash(wr, &c->receipts_root);
  cf_wr_u64(wr, c->log_size);
  cf_wr_hash(wr, &c->log_root);
  cf_wr_hash(wr, &c->settlement.meta);
  cf_wr_hash(wr, &c->settlement.prev_head);
  cf_wr_hash(wr, &c->settlement.state_root);
  cf_wr_hash(wr, &c->settlement.entries);
  cf_wr_hash(wr, &c->settlement.receipts);
  cf_wr_hash(wr, &c->digest);
  cf_wr_bytes(wr, c->salt, 32);
  cf_wr_u64(wr, c->intent);
}

static void
content_read(cf_rd_t *rd, cf_content_t *c) {
  memset(c, 0, sizeof *c);
  c->window                = cf_rd_u64(rd);
  c->first                 = cf_rd_u64(rd);
  c->last                  = cf_rd_u64(rd);
  c->receipts_root         = cf_rd_hash(rd);
  c->log_size              = cf_rd_u64(rd);
  c->log_root              = cf_rd_hash(rd);
  c->settlement.meta       = cf_rd_hash(rd);
  c->settlement.prev_head  = cf_rd_hash(rd);
  c->settlement.state_root = cf_rd_hash(rd);
  c->settlement.entries    = cf_rd_hash(rd);
  c->settlement.receipts   = cf_rd_hash(rd);
  c->digest                = cf_rd_hash(rd);
  cf_rd_copy(rd, c->salt, 32);
  c->intent = cf_rd_u64(rd);
}

void
cf_epoch_key_write(cf_wr_t *wr, cf_epoch_key_t const *k) {
  static uint8_t const erased[32];
  cf_wr_u64(wr, k->epoch);
  cf_wr_hash(wr, &k->certificate);
  cf_wr_hash(wr, &k->policy);
  cf_wr_bytes(wr, k->sealing ? k->sealing : erased, 32);
  cf_wr_u40(wr, k->until_s);
}

/* The key borrows the reader's bytes. */
static void
epoch_key_read(cf_rd_t *rd, cf_epoch_key_t *k, uint8_t key[32]) {
  memset(k, 0, sizeof *k);
  k->epoch       = cf_rd_u64(rd);
  k->certificate = cf_rd_hash(rd);
  k->policy      = cf_rd_hash(rd);
  cf_rd_copy(rd, key, 32);
  k->sealing = key;
  k->until_s = cf_rd_u40(rd);
}

static void
epochs_write(cf_wr_t *wr, cf_enclave_t const *e) {
  cf_wr_u8(wr, (uint8_t)e->epochs_cnt);
  for (size_t i = 0; i < e->epochs_cnt; i++) cf_epoch_key_write(wr, &e->epochs[i]);
}

static void
epochs_read(cf_rd_t *rd, cf_enclave_t *e) {
  uint8_t        n = cf_rd_u8(rd), key[32];
  cf_epoch_key_t k;
  if (n > CF_EPOCHS_MAX) rd->bad = true;
  for (uint8_t i = 0; i < n && !rd->bad; i++) {
    epoch_key_read(rd, &k, key);
    if (rd->bad) break;
    cf_epoch_key_add(e, k.epoch, &k.certificate, &k.policy, key);
    e->epochs[e->epochs_cnt - 1].until_s = k.until_s;
  }
  cf_wipe(key, sizeof key);
}

static void
receipts_write(cf_wr_t *wr, cf_enclave_t const *e) {
  uint64_t from = e->receipts_from > e->feed.history.sequence + 1 ? e->receipts_from : e->feed.history.sequence + 1;
  cf_wr_u64(wr, from);
  for (uint64_t s = from; s <= e->sequence; s++)
    cf_wr_sub(wr, CF_SPAN(e->receipts[s % CF_RECEIPTS_KEPT], e->receipt_sz[s % CF_RECEIPTS_KEPT]));
  cf_wr_u64(wr, e->covered_from);
  for (uint64_t s = e->covered_from; s <= e->sequence; s++) {
    cf_wr_hash(wr, &e->covered[s - e->covered_from].hash);
    cf_wr_u64(wr, e->covered[s - e->covered_from].epoch);
  }
}

static void
receipts_read(cf_rd_t *rd, cf_enclave_t *e) {
  e->receipts_from = cf_rd_u64(rd);
  if (e->receipts_from < 1 || e->receipts_from > e->sequence + 1 || e->sequence + 1 - e->receipts_from > CF_RECEIPTS_KEPT)
    rd->bad = true;
  for (uint64_t s = e->receipts_from; !rd->bad && s <= e->sequence; s++) {
    cf_span_t r = cf_rd_sub(rd);
    if (rd->bad || r.len > CF_RECEIPT_COSE_MAX) rd->bad = true;
    else memcpy(e->receipts[s % CF_RECEIPTS_KEPT], r.ptr, e->receipt_sz[s % CF_RECEIPTS_KEPT] = (uint32_t)r.len);
  }
  e->covered_from = cf_rd_u64(rd);
  if (e->covered_from < 1 || e->covered_from > e->sequence + 1 || e->sequence + 1 - e->covered_from > CF_COVERED_MAX)
    rd->bad = true;
  for (uint64_t s = e->covered_from; !rd->bad && s <= e->sequence; s++) {
    e->covered[s - e->covered_from].hash  = cf_rd_hash(rd);
    e->covered[s - e->covered_from].epoch = cf_rd_u64(rd);
  }
}

static void
sessions_write(cf_wr_t *wr, cf_enclave_t const *e) {
  cf_wr_u32(wr, e->sessions_cnt);
  for (uint32_t i = 0; i < e->sessions_cnt; i++) cf_session_encode(wr, &e->sessions[i]);
  cf_wr_u32(wr, e->correspondents_cnt);
  for (uint32_t i = 0; i < e->correspondents_cnt; i++) {
    cf_correspondent_t const *c = &e->correspondents[i];
    cf_wr_u32(wr, c->account);
    cf_wr_u32(wr, c->session);
    cf_wr_bytes(wr, c->to.session, sizeof c->to.session);
    cf_wr_u64(wr, c->to.epoch);
    cf_wr_u8(wr, (uint8_t)c->to.suite);
    cf_wr_hash(wr, &c->to.policy);
    cf_wr_bytes(wr, c->to.key.b, sizeof c->to.key.b);
    cf_wr_hash(wr, &c->input);
  }
}

static void
sessions_read(cf_rd_t *rd, cf_enclave_t *e) {
  uint32_t n = cf_rd_u32(rd);
  for (uint32_t i = 0; i < n && !rd->bad; i++) {
    cf_session_t s;
    if (cf_session_decode(&s, rd) || cf_session_find(e, s.to.session) || !cf_session_add(e, &s)) rd->bad = true;
    cf_wipe(&s, sizeof s);
  }
  n = cf_rd_u32(rd);
  for (uint32_t i = 0; i < n && !rd->bad; i++) {
    cf_correspondent_t r = { .account = cf_rd_u32(rd), .session = cf_rd_u32(rd) };
    cf_rd_copy(rd, r.to.session, sizeof r.to.session);
    r.to.epoch  = cf_rd_u64(rd);
    r.to.suite  = cf_rd_u8(rd);
    r.to.policy = cf_rd_hash(rd);
    cf_rd_copy(rd, r.to.key.b, sizeof r.to.key.b);
    r.input               = cf_rd_hash(rd);
    bool                holds = !rd->bad && r.account && r.session <= e->sessions_cnt && r.to.suite == e->configuration.suite;
    cf_correspondent_t *c     = holds ? cf_correspondent(e, r.account, true) : NULL;
    if (!c) rd->bad = true;
    else *c = r;
  }
}

static void
state_write(cf_enclave_t *e, cf_wr_t *wr) {
  cf_frontier_encode(wr, &e->feed.frontier);
  cf_history_encode(wr, &e->feed.history);
  cf_wr_hash(wr, &e->feed.code_hash);
  cf_wr_u40(wr, e->checkpoint.time);
  cf_wr_u64(wr, e->checkpoint.size);
  cf_wr_bytes(wr, e->checkpoint.root, 32);
  cf_wr_u64(wr, e->sequence);
  cf_wr_hash(wr, &e->previous);
  cf_wr_hash(wr, &e->state);
  cf_wr_u40(wr, e->batch_s);
  cf_wr_bytes(wr, e->book_key, 32);
  epochs_write(wr, e);
  cf_wr_u8(wr, e->view_any);
  if (e->view_any) cf_view_kept_write(wr, &e->view);
  cf_inbox_at_write(wr, &e->inbox);
  cf_wr_hash(wr, &e->head);
  cf_wr_u64(wr, e->uncovered);
  cf_wr_u64(wr, e->closed_window);
  cf_wr_u40(wr, e->settled_s);
  cf_wr_u8(wr, (uint8_t)e->contents_cnt);
  for (size_t i = 0; i < e->contents_cnt; i++) content_write(wr, &e->contents[i]);
  receipts_write(wr, e);
  cf_wr_hash(wr, &e->activity);
  sessions_write(wr, e);
  cf_wr_sub(wr, CF_SPAN(e->results, e->results_sz));
  cf_book_save(e->book, wr);
}

static cf_status_t
state_read(cf_enclave_t *e, cf_rd_t *rd) {
  if (cf_frontier_decode(&e->feed.frontier, rd) || cf_history_decode(&e->feed.history, rd)) return CF_ERR_FORMAT;
  e->feed.code_hash = cf_rd_hash(rd);
  cf_feed_believe(e);
  e->checkpoint.time = cf_rd_u40(rd);
  e->checkpoint.size = cf_rd_u64(rd);
  cf_rd_copy(rd, e->checkpoint.root, 32);
  e->sequence = cf_rd_u64(rd);
  e->previous = cf_rd_hash(rd);
  e->state    = cf_rd_hash(rd);
  e->batch_s = e->now_s = cf_rd_u40(rd);
  cf_rd_copy(rd, e->book_key, 32);
  epochs_read(rd, e);
  e->view_any = cf_rd_u8(rd) != 0;
  if (e->view_any) view_read(rd, &e->view);
  e->inbox = inbox_at_read(rd);
  view_state_set(e);
  e->head          = cf_rd_hash(rd);
  e->uncovered     = cf_rd_u64(rd);
  e->closed_window = cf_rd_u64(rd);
  e->settled_s     = cf_rd_u40(rd);
  e->contents_cnt  = cf_rd_u8(rd);
  if (e->contents_cnt > CF_SETTLE_FLIGHT_MAX) return CF_ERR_FORMAT;
  for (size_t i = 0; i < e->contents_cnt; i++) content_read(rd, &e->contents[i]);
  receipts_read(rd, e);
  e->activity = cf_rd_hash(rd);
  sessions_read(rd, e);
  cf_span_t results = cf_rd_sub(rd);
  if (rd->bad || results.len > e->results_max) return CF_ERR_FORMAT;
  if (results.len) memcpy(e->results, results.ptr, e->results_sz = results.len);
  if (e->checkpoint.time > e->now_s) e->now_s = e->checkpoint.time;
  cf_status_t st = cf_book_load(e->book, cf_rd_take_span(rd, cf_rd_left(rd)));
  if (st || !e->sequence) return st;
  cf_hash_t root = cf_book_root(e->book);
  return cf_hash_eq(&root, &e->state) && cf_book_sequence(e->book) == e->sequence ? CF_OK : CF_ERR_FORMAT;
}

/* ---- making files ---- */

static void
file_begin(cf_enclave_t *e, cf_wr_t *out, cf_file_kind_t kind, cf_hash_t const *chain) {
  cf_file_header_t h = { .kind = kind, .domain = e->domain.id, .root_number = e->root_number[e->root], .instance = e->instance,
                         .file = e->journal_file, .chain = *chain };
  cf_entropy_fill(&e->entropy, h.random, sizeof h.random);
  cf_declassify(h.random, sizeof h.random, "it stands in the file's header");
  cf_file_header_write(out, &h);
  cf_journal_begin(&e->journal, &h, e->roots + 32 * e->root);
}

cf_refuse_t
cf_snapshot_make(cf_enclave_t *e, cf_wr_t *out, bool whole, bool again) {
  static cf_hash_t const none;
  size_t const           head  = 4 + CF_JOURNAL_HEADER_SZ + 4, left = out->max - out->len; /* the plaintext stands where it is sealed */
  size_t const           room  = left > head ? left - head : 0;
  cf_wr_t                plain = cf_wr_init(out->buf + out->len + head, room < CF_SNAPSHOT_MAX ? room : CF_SNAPSHOT_MAX);
  if (whole) state_write(e, &plain);
  if (plain.bad) {
    cf_wipe(plain.buf, plain.max);
    return CF_REFUSE_BUSY;
  }
  if (!again) {
    e->journal_file++;
    e->journal_from = e->journal.chain;
  }
  uint8_t *size = cf_wr_room(out, 4);
  size_t   from = out->len;
  if (whole) {
    file_begin(e, out, CF_FILE_SNAPSHOT, &none);
    cf_journal_seal(&e->journal, e->aead_journal, out, cf_wr_out(&plain));
    e->journal_from = e->journal.chain;
  }
  cf_wr_t n = cf_wr_init(size, 4);
  cf_wr_u32(&n, (uint32_t)(out->len - from));
  cf_wr_u32(out, CF_JOURNAL_HEADER_SZ);
  file_begin(e, out, CF_FILE_JOURNAL, &e->journal_from);
  cf_wr_u64(out, e->journal_file);
  return CF_REFUSE_NONE;
}

cf_refuse_t
cf_on_snapshot(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out) {
  if (!cf_rd_done(in)) return CF_REFUSE_MALFORMED;
  cf_results_forget(e);
  return cf_snapshot_make(e, out, true, false);
}

/* ---- BOOT ---- */

static void
ignore(void *ctx, cf_history_event_t const *ev) {
}

/* shown reads index, entry and path, checks that it stands there under head, and lets the history read it. */
static bool
shown(cf_history_t *h, cf_rd_t *in, cf_cosigned_t const *head) {
  cf_hash_t path[CF_TREE_PATH_MAX];
  uint64_t  index = cf_rd_u64(in);
  cf_span_t entry = cf_rd_sub(in);
  size_t    n     = cf_rd_u8(in);
  if (n > CF_TREE_PATH_MAX) return false;
  for (size_t i = 0; i < n; i++) path[i] = cf_rd_hash(in);
  cf_hash_t leaf = cf_tree_leaf(entry);
  if (in->bad || cf_tree_inclusion_verify(&head->root, head->size, index, &leaf, path, n)) return false;
  h->next = index;
  return !cf_history_feed(h, index, entry, ignore, NULL);
}

/* The log must know the root: an opening entry with its commitment, certified.  PROTOCOL P3. */
static cf_refuse_t
choose_root(cf_enclave_t *e, cf_rd_t *in) {
  cf_history_t *h = &e->ahead.history;
  cf_cosigned_t head;
  if (cf_checkpoint_verify(&head, cf_rd_sub(in), &e->domain.witnesses, NULL)) return CF_REFUSE_PROOF;
  cf_history_init(h, &e->domain.id, &e->domain.genesis, &e->domain.policy);
  if (!shown(h, in, &head) || !shown(h, in, &head)) return CF_REFUSE_PROOF;
  uint8_t n = cf_rd_u8(in);
  for (uint8_t i = 0; i < n; i++)
    if (!shown(h, in, &head)) return CF_REFUSE_PROOF;
  cf_history_boot_t const *c = cf_history_certified(h);
  if (!cf_rd_done(in) || !c) return CF_REFUSE_PROOF;
  for (size_t i = 0; i < e->roots_cnt; i++) {
    cf_hash_t commitment = cf_root_commitment(e, i);
    if (c->root_number == e->root_number[i] && cf_hash_eq(&commitment, &c->commitment)) e->root = i;
  }
  return e->root == SIZE_MAX ? CF_REFUSE_ROOT : CF_REFUSE_NONE;
}

/* A record of the message at work, to be opened where it stands. */
static uint8_t *
own(cf_enclave_t const *e, cf_span_t record) {
  assert(record.ptr >= e->request && record.len <= (size_t)(e->request + e->request_sz - record.ptr));
  return e->request + (record.ptr - e->request);
}

static cf_refuse_t
open_snapshot(cf_enclave_t *e, cf_span_t snapshot) {
  cf_file_header_t h;
  cf_rd_t          rd = cf_rd_span(snapshot);
  if (cf_file_header_read(&h, &rd, CF_FILE_SNAPSHOT) || !cf_hash_eq(&h.domain, &e->domain.id) ||
      h.root_number != e->root_number[e->root])
    return CF_REFUSE_ROOT;
  cf_span_t record = cf_rd_sub(&rd);
  if (!cf_rd_done(&rd) || record.len < CF_AEAD_TAG_SZ) return CF_REFUSE_ROOT; /* cut: it does not open either */
  cf_journal_begin(&e->journal, &h, e->roots + 32 * e->root);
  uint8_t *at = own(e, record);
  if (cf_journal_open(&e->journal, e->aead_journal, at, record)) return CF_REFUSE_ROOT;
  cf_rd_t     plain = cf_rd_init(at, record.len - CF_AEAD_TAG_SZ);
  cf_status_t st    = state_read(e, &plain);
  cf_wipe(at, record.len);
  e->journal_file = h.file - 1; /* the last before the one that it wants */
  return st ? CF_REFUSE_JOURNAL : CF_REFUSE_NONE;
}

cf_refuse_t
cf_on_boot(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out) {
  cf_span_t snapshot = cf_rd_sub(in);
  if (in->bad || e->opened) return in->bad ? CF_REFUSE_MALFORMED : CF_REFUSE_PHASE;
  if (snapshot.len) {
    cf_refuse_t r = choose_root(e, in);
    if (r) {
      e->root = SIZE_MAX;
      return r;
    }
    if ((r = open_snapshot(e, snapshot))) return cf_enclave_stop(e, r);
    e->opened = true;
  } else { /* the rest of the message is empty spans and zero counts, and says nothing */
    e->fresh = e->opened = true;
    e->phase = CF_PHASE_FENCING;
  }
  cf_wr_u8(out, e->fresh);
  cf_wr_u64(out, e->feed.frontier.size);
  cf_wr_u64(out, e->journal_file + 1);
  return CF_REFUSE_NONE;
}

/* ---- JOURNAL ---- */

/* A batch's record, read: what execute wants, and the receipt that it must make. */
typedef struct {
  cf_batch_t      batch;
  cf_taken_view_t view;
  cf_epoch_key_t  opens;
  uint8_t         key[32]; /* secret */
  cf_span_t       envelopes, cose;
} record_t;

static bool
record_read(record_t *r, cf_enclave_t const *e, cf_span_t plain) {
  cf_rd_t     rd = cf_rd_span(plain);
  cf_batch_t *b  = &r->batch;
  memset(r, 0, sizeof *r);
  b->replay   = true;
  b->instance = &e->reading_instance;
  if (cf_rd_u8(&rd) != 1) return false;
  b->sequence = cf_rd_u64(&rd);
  b->epoch    = cf_rd_u64(&rd);
  if (cf_rd_u8(&rd)) {
    epoch_key_read(&rd, &r->opens, r->key);
    b->opens = &r->opens;
  }
  b->checkpoint.time = cf_rd_u40(&rd);
  b->checkpoint.size = cf_rd_u64(&rd);
  cf_rd_copy(&rd, b->checkpoint.root, 32);
  uint8_t shown = cf_rd_u8(&rd);
  if (shown > CF_RECORD_PIECE) return false;
  if (shown == CF_RECORD_VIEW) {
    view_read(&rd, &r->view);
    b->view  = &r->view;
    b->inbox = (cf_inbox_at_t){ r->view.slots[CF_SLOT_INBOX], r->view.messages };
  }
  if (shown == CF_RECORD_PIECE) b->inbox = inbox_at_read(&rd);
  if (shown) b->messages = cf_rd_sub(&rd);
  cf_rd_copy(&rd, b->seed, 32);
  r->envelopes = cf_rd_sub(&rd);
  r->cose      = cf_rd_sub(&rd);
  return cf_rd_done(&rd) && b->sequence == e->sequence + 1 && r->cose.len <= CF_RECEIPT_COSE_MAX;
}

/* The receipt must come out byte for byte; its signature is the one that was made then. */
static cf_refuse_t
execute(cf_enclave_t *e, record_t *r) {
  cf_receipt_t made, kept;
  cf_sign1_t   s;
  uint8_t      buf[CF_RECEIPT_COSE_MAX];
  cf_wr_t      wr = cf_wr_init(buf, sizeof buf);
  cf_rd_t      in = cf_rd_span(r->envelopes);
  if (e->sequence + 1 - e->covered_from >= CF_COVERED_MAX) return CF_REFUSE_JOURNAL;
  if (cf_batch_run(e, &r->batch, &in, &made, NULL, NULL, NULL, NULL)) return CF_REFUSE_JOURNAL;
  if (cf_document_open(&kept, &s, &cf_receipt_table, r->cose, NULL)) return CF_REFUSE_JOURNAL;
  cf_table_encode(&wr, &cf_receipt_table, &made);
  if (!cf_span_eq(cf_wr_out(&wr), s.payload)) return CF_REFUSE_JOURNAL;
  cf_hash_t hash = cf_document_hash(s.protected_hdr, s.payload);
  cf_batch_commit(e, &r->batch, &made, r->cose, &hash);
  view_state_set(e);
  if (r->batch.checkpoint.size > e->checkpoint.size) e->checkpoint = r->batch.checkpoint; /* never an older one from here on */
  return CF_REFUSE_NONE;
}

static cf_refuse_t
replay(cf_enclave_t *e, cf_span_t plain) {
  record_t    r;
  cf_refuse_t why = record_read(&r, e, plain) ? execute(e, &r) : CF_REFUSE_JOURNAL;
  cf_wipe(&r, sizeof r);
  return why;
}

/* A file's end may be torn: the record that was being written when the machine died.  What comes after must go on from the record
   before. */
static cf_refuse_t
read_records(cf_enclave_t *e, cf_rd_t *rd, bool *torn, uint64_t *records) {
  while (cf_rd_left(rd)) {
    cf_span_t record = cf_rd_sub(rd);
    uint8_t  *at     = rd->bad ? NULL : own(e, record);
    *torn            = !at || cf_journal_open(&e->journal, e->aead_journal, at, record);
    if (*torn && (rd->bad || !cf_rd_left(rd))) return CF_REFUSE_NONE;
    if (*torn) return CF_REFUSE_JOURNAL;
    cf_refuse_t r = replay(e, CF_SPAN(at, record.len - CF_AEAD_TAG_SZ));
    cf_wipe(at, record.len);
    if (r) return r;
    ++*records;
  }
  return CF_REFUSE_NONE;
}

static cf_refuse_t
begin_file(cf_enclave_t *e, cf_rd_t *rd, uint64_t file) {
  cf_file_header_t h;
  if (cf_file_header_read(&h, rd, CF_FILE_JOURNAL) || h.file != file || file != e->journal_file + 1 ||
      !cf_hash_eq(&h.domain, &e->domain.id) || h.root_number != e->root_number[e->root] || !cf_hash_eq(&h.chain, &e->journal.chain))
    return CF_REFUSE_JOURNAL;
  e->journal_file     = file;
  e->reading_instance = h.instance;
  cf_journal_begin(&e->journal, &h, e->roots + 32 * e->root);
  return CF_REFUSE_NONE;
}

cf_refuse_t
cf_on_journal(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out) {
  bool     last    = cf_rd_u8(in) != 0, torn = false;
  uint64_t file    = cf_rd_u64(in), offset = cf_rd_u64(in), records = 0;
  if (in->bad || !e->opened) return in->bad ? CF_REFUSE_MALFORMED : CF_REFUSE_PHASE;
  cf_rd_t     rd = cf_rd_span(cf_rd_take_span(in, cf_rd_left(in)));
  cf_refuse_t r  = CF_REFUSE_NONE;
  if (cf_rd_left(&rd)) {
    r = offset ? (file == e->journal_file ? CF_REFUSE_NONE : CF_REFUSE_JOURNAL) : begin_file(e, &rd, file);
    if (!r) r = read_records(e, &rd, &torn, &records);
  }
  if (r) return cf_enclave_stop(e, r);
  if (last) e->phase = CF_PHASE_FENCING;
  cf_wr_u64(out, e->sequence);
  cf_wr_u8(out, torn);
  cf_wr_u64(out, records);
  return CF_REFUSE_NONE;
}
