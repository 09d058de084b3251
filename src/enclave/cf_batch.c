/* BATCH: one crossing, one record, one receipt, of one form whatever happens inside.  PROTOCOL P5, P6. */
#include "enclave/cf_enclave_state.h"

#include <assert.h>

#include "base/cf_secret.h"
#include "session/cf_result.h"
#include "translog/cf_tree.h"

#define HEAD_ROOM (64u << 10) /* of a batch's record and answer, for all that is neither envelope nor message */

/* ---- one envelope ---- */

typedef struct {
  cf_session_t  *session;   /* NULL: none lives; to says where the result goes */
  cf_recipient_t to;
  cf_input_t     input;
  uint8_t        class;     /* decided already when it is not ACCEPTED */
} opened_t;

static cf_refuse_t
open_first(cf_enclave_t *e, cf_envelope_t const *env, opened_t *o) {
  cf_epoch_key_t *k = cf_epoch_key(e, env->epoch);
  if (!k || !k->key) return CF_REFUSE_EPOCH;
  if (cf_session_find(e, env->session)) return CF_REFUSE_REPLAYED;
  if (e->sessions_cnt == e->configuration.sessions_max) return CF_REFUSE_BUSY;
  cf_session_epoch_t epoch = {
      .key = k->key, .certificate = k->certificate, .policy = k->policy, .epoch = k->epoch, .suite = e->configuration.suite};
  cf_session_t       s;
  cf_refuse_t        r = cf_session_accept(&s, &o->input, &o->class, e->plain, &e->ciphers, &e->domain.id, &epoch, env, e->batch_s);
  if (r) return r;
  o->to = s.to;
  if (o->class == CF_RESULT_ACCEPTED) {
    o->session = cf_session_add(e, &s);
  } else { /* its id was used all the same: the same envelope again would be in two batches */
    cf_session_t used = { .to = s.to };
    (void)cf_session_add(e, &used);
  }
  cf_wipe(&s, sizeof s);
  return CF_REFUSE_NONE;
}

static cf_refuse_t
open_next(cf_enclave_t *e, cf_envelope_t const *env, opened_t *o) {
  cf_session_t *s = cf_session_find(e, env->session);
  if (!s)
    return cf_epoch_key(e, env->epoch) ? CF_REFUSE_SESSION_UNKNOWN : CF_REFUSE_EPOCH; /* sessions end with their epoch's grace */
  if (!s->expiry_s) return CF_REFUSE_SESSION_UNKNOWN;                                       /* its opening did not hold */
  cf_refuse_t r = cf_session_open(s, &o->input, e->plain, &e->ciphers, env);
  if (r) return r;
  bool live  = cf_session_live(s, e->batch_s);
  o->session = live ? s : NULL;
  o->to      = s->to;
  o->class   = live ? CF_RESULT_ACCEPTED : CF_RESULT_EXPIRED;
  return CF_REFUSE_NONE;
}

/* decide runs the input through the book.  A fault there stops the enclave. */
static cf_refuse_t
decide(cf_enclave_t *e, opened_t *o, cf_hash_t const *id) {
  if (o->class != CF_RESULT_ACCEPTED) return CF_REFUSE_NONE;
  if (!o->input.form) {
    o->class = CF_RESULT_FORM;
    return CF_REFUSE_NONE;
  }
  uint32_t   account = cf_book_account_of(e->book, &o->session->owner);
  cf_class_t class   = CF_CLASS_ACCESS;
  if (account) {
    cf_correspondent_t *c = cf_correspondent(e, account, true);
    if (c) {
      c->session = (uint32_t)(o->session - e->sessions) + 1;
      c->to      = o->to;
      c->input   = *id;
    }
    if (cf_book_input(e->book, &class, account, o->input.order, o->input.body)) return cf_enclave_stop(e, CF_REFUSE_VIEW);
  }
  o->class = (uint8_t)class;
  return CF_REFUSE_NONE;
}

static void
answer_party(cf_enclave_t *e, opened_t const *o, cf_hash_t const *id) {
  uint8_t     buf[CF_RESULT_SEALED_MAX];
  cf_wr_t     wr = cf_wr_init(buf, sizeof buf);
  cf_result_t r  = { .order = o->input.order, .class = o->class, .sequence = e->batch->sequence, .status = CF_RESULT_FINAL };
  memcpy(r.envelope, id->b, 32);
  if (o->class == CF_RESULT_ACCEPTED) {
    r.window = cf_book_window(e->book);
    r.status = CF_RESULT_NOT_FINAL;
  }
  cf_result_to(e, &wr, o->session, &o->to, &r);
  cf_results_add(e, id, cf_wr_out(&wr));
}

static cf_refuse_t
one_envelope(cf_enclave_t *e, cf_span_t bytes, cf_hash_t const *id) {
  cf_envelope_t env;
  opened_t      o = { 0 };
  cf_refuse_t   r = cf_envelope_decode(&env, bytes, e->configuration.envelope_max);
  if (!r) r = cf_envelope_admit(&env, &e->domain.id, &e->domain.policy, e->batch_s);
  if (!r) r = env.kind == CF_ENVELOPE_OPENING ? open_first(e, &env, &o) : open_next(e, &env, &o);
  if (r) return r;
  r = decide(e, &o, id);
  cf_wipe(e->plain, env.ciphertext.len); /* before anything else: the plaintext's work is done; it was no longer than this */
  if (!r) answer_party(e, &o, id);
  return r;
}

/* ---- the batch ---- */

/* The running hash of what stands beside the book: sessions and their windows follow from the envelopes alone. */
static void
note_activity(cf_enclave_t *e, cf_receipt_t const *doc, cf_batch_t const *b) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "activity");
  cf_sha256_h(&ctx, &e->activity);
  cf_sha256_add(&ctx, doc->manifest, 32);
  cf_sha256_add(&ctx, doc->intent, 32);
  cf_sha256_add(&ctx, b->seed, 32);
  e->activity = cf_sha256_end(&ctx);
}

/* The ids of the next envelope and of the one behind it: two hashes together take little longer than one. */
static void
ids(cf_hash_t id[2], cf_rd_t envelopes, bool two) {
  cf_span_t in[2] = { cf_rd_sub(&envelopes), two ? cf_rd_sub(&envelopes) : CF_SPAN(NULL, 0) };
  if (two && !envelopes.bad) cf_sha256_2(id, in);
  else id[0] = cf_envelope_id(in[0]);
}

/* The ids of admitted envelopes go into manifest and tree, and are used up. */
static void
take_ids(cf_frontier_t *tree, cf_sha256_t *manifest, cf_hash_t *id, size_t *cnt) {
  cf_sha256_add(manifest, id, *cnt * sizeof *id);
  cf_tree_leaves(id, id, *cnt);
  cf_frontier_add_all(tree, id, *cnt);
  *cnt = 0;
}

static cf_refuse_t
inputs(cf_enclave_t *e, cf_batch_t const *b, cf_rd_t *envelopes, cf_receipt_t *doc, cf_wr_t *refused, uint16_t *refused_cnt,
       cf_wr_t *admitted, uint16_t *admitted_cnt) {
  cf_frontier_t tree = { 0 };
  cf_sha256_t   manifest;
  cf_hash_t     id[2], leaf[64];
  size_t        leaves = 0;
  uint16_t      n = cf_rd_u16(envelopes);
  cf_sha256_init(&manifest);
  for (uint16_t i = 0; i < n; i++) {
    if (i % 2 == 0) ids(id, *envelopes, i + 1 < n);
    cf_span_t bytes = cf_rd_sub(envelopes);
    if (envelopes->bad) return b->replay ? CF_REFUSE_JOURNAL : CF_REFUSE_MALFORMED;
    cf_refuse_t r = one_envelope(e, bytes, &id[i % 2]);
    if (e->phase == CF_PHASE_STOPPED || (r && b->replay)) return r ? r : CF_REFUSE_VIEW;
    if (r) {
      cf_wr_u16(refused, i);
      cf_wr_u8(refused, (uint8_t)r);
      ++*refused_cnt;
      continue;
    }
    leaf[leaves++] = id[i % 2];
    if (leaves == CF_COUNT_OF(leaf)) take_ids(&tree, &manifest, leaf, &leaves);
    doc->inputs++;
    if (admitted) {
      cf_wr_sub(admitted, bytes);
      ++*admitted_cnt;
    }
  }
  take_ids(&tree, &manifest, leaf, &leaves);
  cf_hash_t root = cf_frontier_root(&tree), list = cf_sha256_end(&manifest);
  memcpy(doc->inputs_root, root.b, 32);
  memcpy(doc->manifest, list.b, 32);
  return cf_rd_done(envelopes) ? CF_REFUSE_NONE : CF_REFUSE_MALFORMED;
}

static uint16_t
count(cf_rd_t envelopes) {
  return cf_rd_u16(&envelopes);
}

cf_refuse_t
cf_batch_run(cf_enclave_t *e, cf_batch_t *b, cf_rd_t *envelopes, cf_receipt_t *doc, cf_wr_t *refused, uint16_t *refused_cnt,
             cf_wr_t *admitted, uint16_t *admitted_cnt) {
  cf_hash_t seed;
  memcpy(seed.b, b->seed, 32);
  cf_drbg_init(&b->drbg, &seed);
  cf_wipe(&seed, sizeof seed);
  memset(doc, 0, sizeof *doc);
  if (b->checkpoint.time > e->batch_s) e->batch_s = b->checkpoint.time;
  if (b->view && b->view->time_s > e->batch_s) e->batch_s = b->view->time_s;
  if (e->batch_s > e->now_s) e->now_s = e->batch_s;
  cf_epochs_turn(e, b);

  doc->epoch            = b->epoch;
  doc->sequence         = b->sequence;
  doc->workload         = e->domain.policy.workload;
  doc->workload_version = e->domain.policy.workload_version;
  doc->not_before       = b->checkpoint;
  memcpy(doc->domain, e->domain.id.b, 32);
  memcpy(doc->instance, b->instance->b, 32);
  memcpy(doc->previous, e->previous.b, 32);
  memcpy(doc->policy, e->domain.policy_hash.b, 32);
  memcpy(doc->measurement, e->measurement.b, 32);
  memcpy(doc->state_before, e->state.b, 32);

  cf_results_begin(e, b, count(*envelopes));
  cf_book_begin(e->book, e->batch_s);
  cf_refuse_t r = b->view ? cf_settle_view(e, b, doc) : b->messages.len ? cf_settle_piece(e, b) : CF_REFUSE_NONE;
  if (!r) {
    r = cf_settle_intend(e, b, doc);
    if (!r) r = cf_settle_close(e);
  }
  if (!r) r = inputs(e, b, envelopes, doc, refused, refused_cnt, admitted, admitted_cnt);
  if (r) return r;
  cf_hash_t results = cf_results_end(e);
  note_activity(e, doc, b);
  cf_hash_t state = cf_book_seal(e->book, b->seed, &e->activity);
  memcpy(doc->results_root, results.b, 32);
  memcpy(doc->state_after, state.b, 32);
  if (e->view_any) {
    doc->view.number = e->view.number;
    doc->view.time   = e->view.time_s;
    memcpy(doc->view.hash, e->view.hash.b, 32);
    memcpy(doc->view.proof, e->view.proof.b, 32);
  }
  cf_declassify(doc, sizeof *doc, "a receipt: public facts and salted commitments");
  return CF_REFUSE_NONE;
}

void
cf_batch_commit(cf_enclave_t *e, cf_batch_t const *b, cf_receipt_t const *doc, cf_span_t cose, cf_hash_t const *hash) {
  size_t slot = doc->sequence % CF_RECEIPTS_KEPT;
  assert(cose.len <= CF_RECEIPT_COSE_MAX && doc->sequence - e->covered_from < CF_COVERED_MAX);
  memcpy(e->receipts[slot], cose.ptr, cose.len);
  e->receipt_sz[slot]                             = (uint32_t)cose.len;
  e->covered[doc->sequence - e->covered_from].hash  = *hash;
  e->covered[doc->sequence - e->covered_from].epoch = doc->epoch;
  e->sequence                                     = doc->sequence;
  e->previous                                     = *hash;
  memcpy(e->state.b, doc->state_after, 32);
  if (e->sequence - e->receipts_from >= CF_RECEIPTS_KEPT) e->receipts_from = e->sequence - CF_RECEIPTS_KEPT + 1;
}

/* ---- live ---- */

/* A record up to its envelopes; what the batch admits is written behind. */
static void
record_begin(cf_wr_t *wr, cf_batch_t const *b) {
  cf_wr_u8(wr, 1);
  cf_wr_u64(wr, b->sequence);
  cf_wr_u64(wr, b->epoch);
  cf_wr_u8(wr, b->opens != NULL);
  if (b->opens) cf_epoch_key_write(wr, b->opens);
  cf_wr_u40(wr, b->checkpoint.time);
  cf_wr_u64(wr, b->checkpoint.size);
  cf_wr_bytes(wr, b->checkpoint.root, 32);
  cf_wr_u8(wr, b->view ? CF_RECORD_VIEW : b->messages.len ? CF_RECORD_PIECE : CF_RECORD_NO_VIEW);
  if (b->view) cf_view_kept_write(wr, b->view);
  else if (b->messages.len) cf_inbox_at_write(wr, &b->inbox);
  if (b->view || b->messages.len) cf_wr_sub(wr, b->messages);
  cf_wr_bytes(wr, b->seed, 32);
}

/* room: what is kept until the log and the ledger answer has bounds, and a batch that might pass one is not begun.  Near the end
   of receipts under no executed content only batches go on that lead out of it. */
static bool
room(cf_enclave_t *e, uint16_t inputs) {
  uint64_t covered = e->sequence + 1 - e->covered_from, logged = e->feed.history.sequence;
  if (!cf_results_room(e, inputs) || (logged < e->sequence && e->sequence - logged >= CF_RECEIPTS_KEPT - 1)) return false;
  return covered < CF_COVERED_MAX - CF_COVERED_RESERVE || (covered < CF_COVERED_MAX - 1 && cf_settle_makes_room(e));
}

/* Before anything is done, because what is begun must end. */
static cf_refuse_t
form_holds(cf_enclave_t const *e, cf_rd_t in) {
  uint16_t n = cf_rd_u16(&in);
  if (!in.bad && n > e->configuration.batch_max) return CF_REFUSE_BOUND;
  for (uint16_t i = 0; i < n; i++) (void)cf_rd_sub(&in);
  return cf_rd_done(&in) ? CF_REFUSE_NONE : CF_REFUSE_MALFORMED;
}

/* The answer: refusals, record, receipt.  The record was written where it stands when nothing is refused; cf_on_batch made sure
   that all fits. */
static void
answer_batch(cf_enclave_t *e, cf_wr_t *out, cf_wr_t const *refused, cf_wr_t const *record, cf_wr_t const *receipt) {
  assert(!refused->bad && !record->bad && !receipt->bad);
  if (refused->len) memmove(record->buf + refused->len, record->buf, record->len);
  cf_wr_span(out, cf_wr_out(refused));
  cf_wr_u32(out, (uint32_t)(4 + record->len + CF_AEAD_TAG_SZ));
  cf_journal_seal(&e->journal, e->aead_journal, out, CF_SPAN(record->buf + refused->len, record->len));
  cf_wr_sub(out, cf_wr_out(receipt));
  assert(!out->bad);
}

static void
messages_were_applied(cf_enclave_t *e) {
  e->messages_sz -= e->messages_whole;
  memmove(e->messages, e->messages + e->messages_whole, e->messages_sz);
  e->messages_whole = 0;
  e->view_next_any  = false;
  e->piece_any      = false;
}

static void
patch(uint8_t *at, uint64_t v, size_t n) {
  cf_wr_t wr = cf_wr_init(at, n);
  cf_wr_be(&wr, v, n);
}

cf_refuse_t
cf_on_batch(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out) {
  cf_refuse_t r = form_holds(e, *in);
  if (r) return r;
  if (!room(e, count(*in))) return CF_REFUSE_BUSY;
  if (out->max - out->len < HEAD_ROOM + cf_rd_left(in) + e->messages_whole + (size_t)count(*in) * CF_REFUSAL_SZ)
    return CF_REFUSE_BOUND; /* more bytes than envelopes that would be admitted */

  cf_batch_t     b = {.instance = &e->instance, .epoch = e->own.epoch, .checkpoint = e->checkpoint, .sequence = e->sequence + 1};
  cf_epoch_key_t opens = {
      .epoch = e->own.epoch, .certificate = e->own.certificate_hash, .policy = e->domain.policy_hash, .sealing = e->own.sealing};
  if (!e->own.journaled) b.opens = &opens;
  cf_entropy_fill(&e->entropy, b.seed, sizeof b.seed);
  if (e->view_next_any || e->piece_any) {
    b.view     = e->view_next_any ? &e->view_next : NULL;
    b.inbox    = (cf_inbox_at_t){ e->view_state.inbox, e->view_state.messages };
    b.messages = CF_SPAN(e->messages, e->messages_whole);
  }
  cf_receipt_t doc;
  uint16_t     refused_cnt = 0, admitted_cnt = 0;
  uint8_t     *refused_at = cf_wr_room(out, 2);
  cf_wr_t      refused    = cf_wr_init(e->refusals, e->configuration.batch_max * CF_REFUSAL_SZ);
  cf_wr_t      record     = cf_wr_init(out->buf + out->len + 4 + 4, out->max - out->len - 4 - 4); /* where it is sealed */
  record_begin(&record, &b);
  uint8_t *span_at = cf_wr_room(&record, 4), *cnt_at = cf_wr_room(&record, 2);
  assert(refused_at && cnt_at);
  r = cf_batch_run(e, &b, in, &doc, &refused, &refused_cnt, &record, &admitted_cnt);
  if (!r) {
    uint8_t   cose[CF_RECEIPT_COSE_MAX];
    cf_wr_t   receipt = cf_wr_init(cose, sizeof cose);
    cf_hash_t hash;
    patch(refused_at, refused_cnt, 2);
    patch(span_at, (uint64_t)(record.buf + record.len - cnt_at), 4);
    patch(cnt_at, admitted_cnt, 2);
    cf_document_seal(&receipt, &hash, &cf_receipt_table, &doc, e->own.receipt, "enclave", "receipt");
    cf_wr_sub(&record, cf_wr_out(&receipt));
    answer_batch(e, out, &refused, &record, &receipt);
    cf_batch_commit(e, &b, &doc, cf_wr_out(&receipt), &hash);
    e->own.journaled = true;
    if (b.view || b.messages.len) messages_were_applied(e);
  }
  if (r) cf_wipe(record.buf, record.len);
  cf_wipe(b.seed, sizeof b.seed);
  cf_wipe(&b.drbg, sizeof b.drbg);
  return !r || e->phase == CF_PHASE_STOPPED ? r : cf_enclave_stop(e, r);
}
