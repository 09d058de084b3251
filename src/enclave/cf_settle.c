/* Contents: windows closed, intents carried, views applied, signatures let out.  PROTOCOL P8, ONCHAIN 4.7. */
#include "enclave/cf_enclave_state.h"

#include <assert.h>

#include "ledger/cf_settlement.h"
#include "translog/cf_tree.h"

/* ---- a view is applied ---- */

static bool
admitted(cf_enclave_t const *e, cf_addr_t const *owner) {
  if (e->domain.policy.admission == 1) return true;
  for (size_t i = 0; i < e->domain.policy.owners_cnt; i++)
    if (!memcmp(e->domain.policy.owners[i], owner->b, 20)) return true;
  return false;
}

/* What finds no room is passed over, like what concerns strangers: anybody may open accounts and lanes, and nobody may stop us by
   that.  The book then knows less than the ledger, never more, and whoever was passed over leaves by the ledger. */
static cf_status_t
take_message(cf_enclave_t *e, cf_inbox_msg_t const *m) {
  cf_book_msg_t b = { .account = m->id, .asset = m->asset, .units = m->units, .time_s = m->time_s };
  switch (m->kind) {
  case CF_INBOX_OPENED:
    b.kind     = CF_BOOK_OPENED;
    b.owner    = m->addr;
    b.admitted = admitted(e, &m->addr);
    break;
  case CF_INBOX_LANE_OPENED: b.kind = CF_BOOK_LANE_OPENED; break;
  case CF_INBOX_DEPOSITED: b.kind = CF_BOOK_DEPOSITED; break;
  case CF_INBOX_EXIT_REQUESTED: b.kind = CF_BOOK_EXIT_REQUESTED; break;
  case CF_INBOX_EXIT_PAID: b.kind = CF_BOOK_EXIT_PAID; break;
  case CF_INBOX_ALARM: /* status, key and alarm slots of the same block say all of these */
  case CF_INBOX_DEAD:
  case CF_INBOX_INSTANCE_REVOKED:
  case CF_INBOX_KEY_REVOKED:
  case CF_INBOX_PAUSED:
  case CF_INBOX_POLICY_SCHEDULED:
  case CF_INBOX_MEASUREMENT_SET:
  case CF_INBOX_COUNCILS_SCHEDULED:
  case CF_INBOX_ASSET_SET:
  case CF_INBOX_CAP_SET:
  case CF_INBOX_KEY_POLICY_SET:
  case CF_INBOX_MEMBER_REMOVED: return CF_OK;
  }
  cf_status_t st = cf_book_inbox(e->book, &b);
  return st == CF_ERR_BOUND ? CF_OK : st;
}

/* The head moved along our contents: the oldest are final. */
static cf_status_t
executed(cf_enclave_t *e, size_t n, uint64_t time_s) {
  if (!n) return CF_OK;
  for (size_t i = 0; i < n; i++) {
    cf_status_t st = e->contents[i].window ? cf_book_content_executed(e->book, e->contents[i].window) : CF_OK;
    if (st) return st;
  }
  uint64_t from = e->contents[n - 1].last + 1;
  memmove(e->covered, e->covered + (from - e->covered_from), (e->sequence + 1 - from) * sizeof *e->covered);
  e->covered_from = from;
  e->head         = e->contents[n - 1].digest;
  e->settled_s    = time_s;
  e->contents_cnt -= n;
  memmove(e->contents, e->contents + n, e->contents_cnt * sizeof e->contents[0]);
  return CF_OK;
}

static uint64_t
valid_until(cf_content_t const *c) {
  cf_settlement_meta_t meta;
  (void)cf_settlement_meta_unpack(&meta, &c->settlement.meta);
  return meta.valid_until_s;
}

/* One final block shows the head unmoved and the time past validUntil: the oldest content can never execute, nor can what stands
   on it. */
static cf_status_t
abandon(cf_enclave_t *e, uint64_t time_s, cf_receipt_t *doc) {
  if (!e->contents_cnt || time_s <= valid_until(&e->contents[0])) return CF_OK;
  memcpy(doc->abandon, e->contents[0].digest.b, 32);
  e->uncovered   = e->contents[0].first;
  uint64_t first = 0;
  for (size_t i = e->contents_cnt; i > 0; i--)
    if (e->contents[i - 1].window) first = e->contents[i - 1].window;
  e->contents_cnt = 0;
  if (!first) return CF_OK; /* heartbeats: a window closed behind them stays closed */
  e->closed_window = 0;
  return cf_book_content_void(e->book, first);
}

static cf_status_t
take_messages(cf_enclave_t *e, cf_batch_t const *b) {
  cf_status_t st = CF_OK;
  cf_rd_t     rd = cf_rd_span(b->messages);
  while (!st && cf_rd_left(&rd)) {
    cf_inbox_msg_t m = cf_inbox_msg_read(&rd);
    st               = rd.bad ? CF_ERR_FORMAT : take_message(e, &m);
  }
  e->inbox = b->inbox;
  return st;
}

/* Messages alone: head, time and status stay those of the last view until a view is applied whole, because a head whose block
   says more than was read would let a content stand beyond an exit not seen. */
cf_refuse_t
cf_settle_piece(cf_enclave_t *e, cf_batch_t const *b) {
  return take_messages(e, b) ? cf_enclave_stop(e, CF_REFUSE_VIEW) : CF_REFUSE_NONE;
}

cf_refuse_t
cf_settle_view(cf_enclave_t *e, cf_batch_t *b, cf_receipt_t *doc) {
  cf_taken_view_t const *v    = b->view;
  cf_hash_t const       *head = &v->slots[CF_SLOT_HEAD];
  size_t                 n    = 0;
  if (!cf_hash_eq(head, &e->head)) {
    while (n < e->contents_cnt && !cf_hash_eq(head, &e->contents[n].digest)) n++;
    if (n++ == e->contents_cnt) return cf_enclave_stop(e, CF_REFUSE_VIEW);
  }
  cf_status_t st = cf_book_view(e->book, v->time_s);
  for (size_t i = 0; !st && i < v->bucket_cnt; i++) st = cf_book_bucket(e->book, v->bucket[i].asset, v->bucket[i].level);
  if (!st) st = executed(e, n, v->time_s);
  if (!st) st = take_messages(e, b);
  if (!st) st = abandon(e, v->time_s, doc);
  if (!st) st = cf_book_defaults(e->book);
  if (st) return cf_enclave_stop(e, CF_REFUSE_VIEW);
  if (!e->view_any) e->settled_s = v->time_s;
  e->view     = *v;
  e->view_any = true;
  return CF_REFUSE_NONE;
}

/* ---- windows and intents ---- */

static cf_book_content_t const *
book_content(cf_enclave_t const *e, uint64_t window) {
  for (size_t i = 0; i < cf_book_content_cnt(e->book); i++)
    if (cf_book_content(e->book, i)->window == window) return cf_book_content(e->book, i);
  return NULL;
}

cf_refuse_t
cf_settle_close(cf_enclave_t *e) {
  bool     closed = false;
  uint64_t window = cf_book_window(e->book);
  if (!e->view_any || e->closed_window || e->contents_cnt >= e->domain.policy.max_flight) return CF_REFUSE_NONE;
  if (cf_book_window_close(e->book, &closed)) return cf_enclave_stop(e, CF_REFUSE_VIEW);
  if (closed) e->closed_window = window;
  return CF_REFUSE_NONE;
}

static bool
alarmed(cf_taken_view_t const *v) {
  return cf_hash_eq(&v->slots[CF_SLOT_ALARM_HEAD], &v->slots[CF_SLOT_HEAD]);
}

/* A heartbeat keeps the domain from being declared dead: due on an alarm for the present head, or after a quarter of deadAfter in
   silence; and when many receipts wait for a content. */
static bool
heartbeat_due(cf_enclave_t const *e) {
  if (e->contents_cnt) return false;
  return alarmed(&e->view) || e->view.time_s >= e->settled_s + e->domain.block0.config.dead_after_s / 4 ||
         e->sequence - e->uncovered >= CF_COVERED_MAX / 2;
}

/* Authority ends 2V before a running alarm does: nothing signed later may be left when the domain is declared dead.
   ONCHAIN 4.7.5. */
static bool
dying(cf_enclave_t const *e, cf_taken_view_t const *v, uint64_t now_s) {
  uint64_t at_s = cf_word_get(&v->slots[CF_SLOT_ALARM_AT], 0, 40);
  return alarmed(v) && now_s + 2 * e->domain.block0.config.max_validity_s >= at_s + e->domain.block0.config.dead_after_s;
}

static bool
ledger_open(cf_enclave_t const *e, cf_taken_view_t const *v) {
  cf_ledger_status_t s = cf_ledger_status_unpack(&v->slots[CF_SLOT_STATUS]);
  return !s.dead && v->time_s >= s.paused_until_s && !dying(e, v, v->time_s);
}

bool
cf_settle_makes_room(cf_enclave_t const *e) {
  cf_taken_view_t const *v = e->view_next_any ? &e->view_next : NULL;
  if (!v) return false;
  bool moved = !cf_hash_eq(&v->slots[CF_SLOT_HEAD], &e->head),
       lapsed = e->contents_cnt && v->time_s > valid_until(&e->contents[0]);
  return moved || ((lapsed || !e->contents_cnt) && ledger_open(e, v));
}

/* A window's body, into e->body; without a window it is empty. */
static cf_wr_t
body_write(cf_enclave_t *e, cf_book_content_t const *from) {
  cf_wr_t body = cf_wr_init(e->body, CF_SETTLEMENT_BODY_MAX);
  if (from) cf_book_content_body(&body, from);
  if (body.len > e->body_sz) e->body_sz = body.len;
  return body;
}

/* build makes the content over all receipts under none; e->body receives the body.  VALIDITY: it could not execute before
   somebody that it debits has left; other codes: what the ledger would say. */
static cf_refusal_code_t
build(cf_enclave_t *e, cf_batch_t const *b, cf_content_t *c) {
  cf_book_content_t const *from = e->closed_window ? book_content(e, e->closed_window) : NULL;
  cf_wr_t                  body = body_write(e, from);
  cf_settlement_meta_t     meta = {
          .sequence = e->sequence, .as_of_s = e->view.time_s, .policy = (uint32_t)e->domain.policy.version, .mode = CF_MODE_NET};
  meta.valid_until_s            = meta.as_of_s + e->domain.block0.config.max_validity_s;
  if (from) {
    uint64_t deadline = cf_book_content_deadline(e->book, from);
    if (deadline != UINT64_MAX && meta.valid_until_s >= deadline) meta.valid_until_s = deadline - 1;
  }
  if (body.bad) return CF_REFUSAL_ENTRIES;
  if (meta.valid_until_s <= e->batch_s)
    return meta.valid_until_s < meta.as_of_s + e->domain.block0.config.max_validity_s ? CF_REFUSAL_VALIDITY : CF_REFUSAL_EXPIRED;
  *c = (cf_content_t){.window = e->closed_window,
                      .first = e->uncovered,
                      .last = e->sequence,
                      .log_size = b->checkpoint.size,
                      .intent = b->sequence};
  memcpy(c->log_root.b, b->checkpoint.root, 32);
  cf_frontier_t tree = { 0 };
  for (uint64_t s = c->first; s <= c->last; s++) {
    cf_hash_t leaf = cf_tree_leaf(CF_SPAN_OF(e->covered[s - e->covered_from].hash.b));
    cf_frontier_add(&tree, &leaf);
  }
  c->receipts_root         = cf_frontier_root(&tree);
  c->settlement.meta       = cf_settlement_meta_pack(&meta);
  c->settlement.prev_head  = e->contents_cnt ? e->contents[e->contents_cnt - 1].digest : e->head;
  c->settlement.state_root = e->state;
  c->settlement.entries    = cf_settlement_entries(cf_wr_out(&body));
  c->settlement.receipts   = cf_settlement_receipts(c->first, c->last, &c->receipts_root, c->log_size, &c->log_root);
  c->digest                = cf_settlement_digest(&e->domain.block0.config.separator, &c->settlement);
  return cf_preflight(e, c, cf_wr_out(&body));
}

/* A closed window that can never be settled as it is opens again, and closes without whoever left; else all behind it were stuck.
 */
static cf_refuse_t
reopen(cf_enclave_t *e) {
  cf_status_t st   = cf_book_content_void(e->book, e->closed_window);
  e->closed_window = 0;
  if (!st) st = cf_book_defaults(e->book);
  return st ? cf_enclave_stop(e, CF_REFUSE_VIEW) : CF_REFUSE_NONE;
}

cf_refuse_t
cf_settle_intend(cf_enclave_t *e, cf_batch_t *b, cf_receipt_t *doc) {
  cf_entropy_t drbg = cf_drbg_entropy(&b->drbg);
  cf_content_t c;
  uint8_t      salt[32];
  cf_entropy_fill(&drbg, salt, sizeof salt);
  memcpy(doc->intent, salt, 32); /* nothing to settle: 32 random bytes, which look the same */
  static uint8_t const none[32];
  if (memcmp(doc->abandon, none, sizeof none)) return CF_REFUSE_NONE; /* what replaces a void content covers the receipt that says so */
  bool due = e->view_any && e->contents_cnt < CF_SETTLE_FLIGHT_MAX && e->sequence >= e->uncovered &&
             (e->closed_window || heartbeat_due(e));
  if (!due || !ledger_open(e, &e->view)) return CF_REFUSE_NONE;
  cf_refusal_code_t why   = build(e, b, &c);
  bool              never = why == CF_REFUSAL_VALIDITY || why == CF_REFUSAL_LANE || why == CF_REFUSAL_CAP;
  if (why) return never && e->closed_window ? reopen(e) : CF_REFUSE_NONE;
  memcpy(c.salt, salt, 32);
  cf_hash_t intent = cf_intent(c.salt, &c.digest);
  memcpy(doc->intent, intent.b, 32);
  e->contents[e->contents_cnt++] = c;
  e->uncovered                   = c.last + 1;
  e->closed_window               = 0;
  return CF_REFUSE_NONE;
}

/* ---- release ---- */

#define SETTLEMENT_HEAD_MAX 1024 /* of an item: all but the body */

/* A content leaves signed when its intent's receipt counts under a witness quorum: then so do all that it covers. */
void
cf_settle_release(cf_enclave_t *e, cf_wr_t *items, uint16_t *cnt, bool again) {
  if (!e->view_any || dying(e, e->view_next_any ? &e->view_next : &e->view, e->now_s)) return;
  for (size_t i = 0; i < e->contents_cnt; i++) {
    cf_content_t *c = &e->contents[i];
    if (c->intent > e->feed.history.sequence || valid_until(c) < e->now_s) return; /* none behind it may overtake */
    if (c->released != again) continue;
    cf_wr_t body = body_write(e, c->window ? book_content(e, c->window) : NULL);
    if (items->max - items->len < SETTLEMENT_HEAD_MAX + body.len) return; /* the next SHOW_LOG takes it */
    cf_settlement_doc_t doc  = { .first = c->first, .last = c->last, .log_size = c->log_size, .epoch = e->own.epoch };
    cf_hash_t           name = cf_sha256(cf_wr_out(&body));
    memcpy(doc.salt, c->salt, 32);
    memcpy(doc.meta, c->settlement.meta.b, 32);
    memcpy(doc.prev_head, c->settlement.prev_head.b, 32);
    memcpy(doc.state_root, c->settlement.state_root.b, 32);
    memcpy(doc.entries, c->settlement.entries.b, 32);
    memcpy(doc.receipts, c->settlement.receipts.b, 32);
    memcpy(doc.receipts_root, c->receipts_root.b, 32);
    memcpy(doc.log_root, c->log_root.b, 32);
    memcpy(doc.body, name.b, 32);
    cf_status_t st = cf_k256_sign(doc.signature, e->own.settlement, &c->digest);
    assert(!st && !body.bad);
    uint8_t buf[SETTLEMENT_HEAD_MAX - 64];
    cf_wr_t payload = cf_wr_init(buf, sizeof buf);
    cf_table_encode(&payload, &cf_settlement_doc_table, &doc);
    assert(!payload.bad);
    cf_wr_u8(items, CF_RELEASE_SETTLEMENT);
    cf_wr_u64(items, c->last);
    cf_wr_u32(items, (uint32_t)(4 + payload.len + body.len));
    cf_wr_sub(items, cf_wr_out(&payload));
    cf_wr_span(items, cf_wr_out(&body));
    c->released = true;
    ++*cnt;
  }
}
