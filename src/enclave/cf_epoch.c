/* Epochs: FENCE, CERTIFY, POSSESS, and the view that starts one.  PROTOCOL P3, P7, P12. */
#include "enclave/cf_enclave_state.h"

#include <assert.h>

#include "base/cf_secret.h"
#include "crypto/cf_hmac.h"

cf_hash_t
cf_root_commitment(cf_enclave_t const *e, size_t root) {
  uint8_t         number[8];
  cf_wr_t         wr      = cf_wr_init(number, sizeof number);
  cf_span_t const parts[] = { CF_SPAN("counterfoil/root/v1", 20), CF_SPAN_OF(e->domain.id.b), CF_SPAN_OF(number) };
  cf_wr_u64(&wr, e->root_number[root]);
  cf_hash_t commitment = cf_hmac_parts(CF_SPAN(e->roots + 32 * root, 32), parts, CF_COUNT_OF(parts));
  cf_declassify(&commitment, sizeof commitment, "a commitment to the root");
  return commitment;
}

/* ---- FENCE ---- */

/* The newest certified boot entry commits to our root; the journal passes through its tip, and what follows that tip is by its
   instance.  (The instances certified before it were asked the same by those that followed them.) */
cf_refuse_t
cf_fence_holds(cf_enclave_t const *e) {
  cf_history_boot_t const *c = cf_history_certified(&e->feed.history);
  if (e->fresh) return c ? CF_REFUSE_ROOT : CF_REFUSE_NONE;
  if (!c) return CF_REFUSE_ROOT;
  cf_hash_t commitment = cf_root_commitment(e, e->root);
  if (c->root_number != e->root_number[e->root] || !cf_hash_eq(&commitment, &c->commitment)) return CF_REFUSE_ROOT;
  if (c->tip_sequence > e->sequence) return CF_REFUSE_ROLLED_BACK;
  if (c->tip_sequence && !cf_journal_agrees(e, c->tip_sequence, &c->tip_hash)) return CF_REFUSE_TIP;
  uint64_t from = c->tip_sequence >= e->covered_from ? c->tip_sequence + 1 : e->covered_from;
  for (uint64_t seq = from; seq <= e->sequence; seq++)
    if (e->covered[seq - e->covered_from].epoch != c->index) return CF_REFUSE_TIP;
  return CF_REFUSE_NONE;
}

static cf_refuse_t
root_for_boot(cf_enclave_t *e) {
  cf_refuse_t why = cf_fence_holds(e);
  if (why || e->root != SIZE_MAX) return why; /* fresh, it may have been made and sealed by a FENCE before this one */
  cf_entropy_fill(&e->entropy, e->roots, 32);
  e->root_number[0] = 1;
  if (e->launcher.seal(e->launcher.ctx, 1, e->roots)) return CF_REFUSE_LAUNCHER;
  e->root      = 0;
  e->roots_cnt = 1;
  return CF_REFUSE_NONE;
}

static void
make_keys(cf_enclave_t *e) {
  e->own.sealing    = cf_secret_new(32);
  e->own.settlement = cf_secret_new(32);
  assert(e->own.sealing && e->own.settlement);
  cf_x25519_make(e->own.sealing, &e->own.sealing_pub, &e->entropy);
  cf_k256_scalar_make(e->own.settlement, &e->entropy);
  cf_status_t st = cf_k256_addr(&e->own.settlement_addr, e->own.settlement);
  assert(!st);
  e->own.receipt = cf_p256_key_new(&e->entropy);
  cf_p256_key_pub(e->own.receipt, &e->own.receipt_pub);
}

static void
make_boot_entry(cf_enclave_t *e) {
  cf_boot_t doc        = { .root_number = e->root_number[e->root], .tip.sequence = e->sequence };
  cf_hash_t commitment = cf_root_commitment(e, e->root);
  cf_hash_t keys =
      cf_epoch_keys_hash(e->configuration.suite, e->own.sealing_pub.b, e->own.receipt_pub.b, e->own.settlement_addr.b);
  memcpy(doc.domain, e->domain.id.b, 32);
  memcpy(doc.identity, e->identity_pub.b, 64);
  memcpy(doc.keys, keys.b, 32);
  memcpy(doc.commitment, commitment.b, 32);
  cf_entropy_fill(&e->entropy, doc.random, sizeof doc.random);
  cf_declassify(doc.random, sizeof doc.random, "it stands in the log");
  if (e->sequence) memcpy(doc.tip.hash, e->previous.b, 32);
  cf_wr_t wr = cf_wr_init(e->own.boot, sizeof e->own.boot);
  cf_document_seal(&wr, NULL, &cf_boot_table, &doc, e->identity, "enclave", "boot");
  assert(!wr.bad);
  e->own.boot_sz = wr.len;
}

/* A gateway that died before the entry was logged asks again: it gets the same entry, and a file of its own to begin. */
cf_refuse_t
cf_on_fence(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out) {
  if (!cf_rd_done(in)) return CF_REFUSE_MALFORMED;
  if (!e->checkpoint.size || e->ahead_any) return CF_REFUSE_PROOF;
  if (e->phase == CF_PHASE_CERTIFYING && e->boot_index != CF_NO_INDEX) return CF_REFUSE_PHASE;
  if (e->phase == CF_PHASE_FENCING) {
    cf_refuse_t why = root_for_boot(e);
    if (why == CF_REFUSE_LAUNCHER) return why;
    if (why) return cf_enclave_stop(e, why);
    if (!e->own.receipt) make_keys(e);
    make_boot_entry(e);
  }
  cf_refuse_t r = cf_snapshot_make(e, out, e->fresh, e->phase == CF_PHASE_CERTIFYING);
  if (r) return r;
  cf_wr_sub(out, CF_SPAN(e->own.boot, e->own.boot_sz));
  e->phase = CF_PHASE_CERTIFYING;
  return CF_REFUSE_NONE;
}

/* ---- CERTIFY, POSSESS ---- */

cf_refuse_t
cf_on_certify(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out) {
  cf_hash_t   nonces[16];
  uint8_t     cnt = cf_rd_u8(in);
  cf_sha256_t list, binding;
  if (cnt < 1 || cnt > CF_COUNT_OF(nonces)) return CF_REFUSE_BOUND;
  cf_sha256_init(&list);
  for (uint8_t i = 0; i < cnt; i++) {
    nonces[i] = cf_rd_hash(in);
    if (i && memcmp(nonces[i].b, nonces[i - 1].b, 32) <= 0) return CF_REFUSE_MALFORMED;
    cf_sha256_h(&list, &nonces[i]);
  }
  if (!cf_rd_done(in)) return CF_REFUSE_MALFORMED;
  if (!e->own.certificate_sz) return CF_REFUSE_PHASE;
  if (e->launcher.quote(e->launcher.ctx, CF_SPAN(e->own.certificate, e->own.certificate_sz), nonces, cnt))
    return CF_REFUSE_LAUNCHER;
  cf_hash_t list_hash = cf_sha256_end(&list);
  cf_sha256_tag(&binding, "binding");
  cf_sha256_h(&binding, &e->own.certificate_hash);
  cf_sha256_h(&binding, &list_hash);
  cf_hash_t hash = cf_sha256_end(&binding);
  cf_wr_sub(out, CF_SPAN(e->own.certificate, e->own.certificate_sz));
  cf_wr_hash(out, &list_hash);
  cf_wr_hash(out, &hash);
  return CF_REFUSE_NONE;
}

/* certified: k results for our certificate stand in the log, and no later boot entry does. */
static bool
certified(cf_enclave_t const *e) {
  cf_history_boot_t const *c = cf_history_certified(&e->feed.history);
  return c && cf_hash_eq(&c->instance, &e->instance);
}

cf_refuse_t
cf_on_possess(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out) {
  cf_registration_t r = {.key = e->own.settlement_addr,
                         .instance = e->instance,
                         .certificate = e->own.certificate_hash,
                         .measurement = e->measurement};
  r.terms             = cf_rd_hash(in);
  r.evidence          = cf_rd_hash(in);
  if (!cf_rd_done(in)) return CF_REFUSE_MALFORMED;
  if (!certified(e)) return CF_REFUSE_PHASE;
  cf_hash_t   registration = cf_registration_digest(&e->domain.block0.config.separator, &e->domain.id, &r);
  cf_hash_t   digest       = cf_possession_digest(&e->domain.block0.config.separator, &registration);
  uint8_t     sig[64];
  cf_status_t st = cf_k256_sign(sig, e->own.settlement, &digest);
  assert(!st);
  cf_wr_bytes(out, sig, sizeof sig);
  return CF_REFUSE_NONE;
}

/* ---- SHOW_LEDGER ---- */

/* knows: the head is the one we know, or one of our contents in flight. */
static bool
knows(cf_enclave_t const *e, cf_hash_t const *head) {
  if (cf_hash_eq(head, &e->head)) return true;
  for (size_t i = 0; i < e->contents_cnt; i++)
    if (cf_hash_eq(head, &e->contents[i].digest)) return true;
  return false;
}

static void
take_view(cf_enclave_t *e, cf_view_facts_t const *f) {
  cf_taken_view_t *v = &e->view_next;
  memset(v, 0, sizeof *v);
  v->number = f->number;
  v->hash   = f->hash;
  v->time_s = f->time_s;
  v->proof  = cf_sha256(f->proof);
  memcpy(v->slots, f->values, sizeof v->slots);
  v->key      = f->values[CF_SLOT_PLAIN_CNT];
  v->messages = e->view_state.messages;
  for (size_t i = 0; i < e->domain.genesis.assets_cnt && v->bucket_cnt < CF_BUCKETS_MAX; i++) {
    uint32_t  asset   = (uint32_t)e->domain.genesis.assets[i].id;
    cf_hash_t key     = cf_slot_bucket(asset), words[2] = { { { 0 } } };
    if (!cf_view_slot(f, &key, &words[0])) continue;
    cf_ledger_bucket_t b = cf_ledger_bucket_unpack(words); /* a raise that waits is left out: the level is then a lower bound */
    cf_ledger_bucket_fill(&b, f->time_s);
    v->bucket[v->bucket_cnt].asset   = asset;
    v->bucket[v->bucket_cnt++].level = b.level;
  }
  e->view_next_any = true;
}

/* An epoch may start when its key is live in one final block, with notBefore passed and nobody newer.  PROTOCOL P3. */
static void
maybe_start(cf_enclave_t *e, cf_view_facts_t const *f) {
  if (e->phase != CF_PHASE_CERTIFYING || !certified(e) || f->key.state != CF_KEY_LIVE || f->key.epoch != e->own.epoch ||
      f->status.floor_epoch != e->own.epoch || !cf_hash_eq(&f->instance, &e->instance) || f->time_s < f->key.not_before_s ||
      f->time_s > f->key.not_after_s)
    return;
  e->phase = CF_PHASE_SERVING; /* the first batch turns the epochs, because replay must do it at the same place */
}

/* keep_messages keeps a view's messages for the batch that applies them.  From the first part on that does not fit they are only
   folded: what was kept by then is a piece of the backlog.  False: a batch must apply first what a view before told. */
static bool
keep_messages(cf_enclave_t *e, cf_view_facts_t const *f) {
  cf_view_state_t const *seen = &e->view_state;
  bool                   first = f->first == seen->messages; /* part of a block */
  if (first) {
    e->messages_sz = e->messages_whole;
    e->backlog     = false;
  }
  if (e->backlog) return true;
  if (f->messages.len > CF_MESSAGES_BYTES - e->messages_sz) {
    if (e->view_next_any && e->phase != CF_PHASE_CERTIFYING) return false;
    e->backlog  = true;
    e->piece_at = first ? (cf_inbox_at_t){ seen->inbox, seen->messages } : (cf_inbox_at_t){ seen->part_inbox, seen->part_messages };
    return true;
  }
  if (f->messages.len) memcpy(e->messages + e->messages_sz, f->messages.ptr, f->messages.len);
  e->messages_sz += f->messages.len;
  return true;
}

/* A view is complete: the whole fold is proven, and with it every message that was kept.  Of a piece only the messages are
   applied; the block's facts come when it is shown again from there on. */
static void
complete(cf_enclave_t *e, cf_view_facts_t const *f, cf_view_state_t const *next) {
  if (e->backlog) {
    e->view_state.partial  = false;
    e->view_state.inbox    = e->piece_at.fold;
    e->view_state.messages = e->piece_at.messages;
    e->view_next_any       = false;
  } else {
    e->view_state = *next;
    take_view(e, f);
  }
  e->piece_any      = e->backlog;
  e->backlog        = false;
  e->messages_whole = e->messages_sz;
  if (f->time_s > e->now_s) e->now_s = f->time_s;
  cf_epoch_keys_erase(e, e->now_s);
  maybe_start(e, f);
}

cf_refuse_t
cf_on_show_ledger(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out) {
  cf_view_facts_t   facts;
  cf_view_verdict_t verdict;
  cf_view_state_t   next;
  cf_span_t         view = cf_rd_sub(in);
  if (!cf_rd_done(in)) return CF_REFUSE_MALFORMED;
  cf_status_t st = cf_view_check(&facts, &verdict, &next, &e->view_state, view, &e->domain.ledger, &e->domain.observers, NULL);
  switch (verdict) {
  case CF_VIEW_FORKED: return cf_enclave_stop(e, CF_REFUSE_VIEW);
  case CF_VIEW_BAD:
    e->view_state.partial = false; /* start that block again */
    e->messages_sz        = e->messages_whole;
    e->backlog            = false;
    return st == CF_ERR_BOUND ? CF_REFUSE_BOUND : CF_REFUSE_PROOF;
  case CF_VIEW_OLD: break;
  case CF_VIEW_COMPLETE:
  case CF_VIEW_PARTIAL:
    if (memcmp(facts.key_addr.b, e->own.settlement_addr.b, 20)) return CF_REFUSE_PROOF;
    if (verdict == CF_VIEW_COMPLETE && !knows(e, &facts.head)) return cf_enclave_stop(e, CF_REFUSE_VIEW);
    if (verdict == CF_VIEW_COMPLETE && e->own.epoch && facts.status.floor_epoch > e->own.epoch)
      return cf_enclave_stop(e, CF_REFUSE_TWIN);
    if (!keep_messages(e, &facts)) return CF_REFUSE_BUSY;
    if (verdict == CF_VIEW_PARTIAL) e->view_state = next;
    else complete(e, &facts, &next);
    break;
  }
  cf_wr_u8(out, (uint8_t)e->phase);
  cf_wr_u64(out, e->view_state.number);
  cf_wr_u8(out, e->view_state.partial ? CF_SHOWN_PART : e->piece_any ? CF_SHOWN_PIECE : CF_SHOWN_WHOLE);
  cf_wr_u64(out, e->view_state.partial ? e->view_state.part_messages : e->view_state.messages);
  return CF_REFUSE_NONE;
}
