/* SHOW_LOG: every entry of the log, in order, up to a checkpoint that a witness
   quorum stands behind.  Entries ahead of their checkpoint are read into a copy, so a host that shows nonsense changes nothing.
 */
#include "enclave/cf_enclave_state.h"

#include "translog/cf_tree.h"

/* ---- what an entry means for us ---- */

bool
cf_journal_agrees(cf_enclave_t const *e, uint64_t sequence, cf_hash_t const *hash) {
  if (sequence > e->sequence) return false;
  if (sequence < e->covered_from) return true; /* under an executed content, whose digest binds it */
  return cf_hash_eq(&e->covered[sequence - e->covered_from].hash, hash);
}

static bool
is_own(cf_enclave_t const *e, cf_history_boot_t const *b) {
  return b && cf_hash_eq(&b->instance, &e->instance);
}

/* Before our boot entry stands: is our disk what the log says? */
static cf_refuse_t
judge_disk(cf_enclave_t const *e, cf_history_event_t const *ev) {
  if (ev->kind == CF_HISTORY_COUNTS && !cf_journal_agrees(e, ev->receipt->sequence, &ev->receipt->hash))
    return CF_REFUSE_ROLLED_BACK;
  if (ev->kind == CF_HISTORY_RESULT && ev->boot->certified_index == ev->index) {
    if (e->fresh) return CF_REFUSE_ROOT; /* a certified boot entry, and we have no book */
    if (ev->boot->tip_sequence > e->sequence) return CF_REFUSE_ROLLED_BACK;
    if (ev->boot->tip_sequence && !cf_journal_agrees(e, ev->boot->tip_sequence, &ev->boot->tip_hash)) return CF_REFUSE_TIP;
  }
  return CF_REFUSE_NONE;
}

/* After it: is there another one of us? */
static cf_refuse_t
judge_twin(cf_enclave_t const *e, cf_history_event_t const *ev) {
  switch (ev->kind) {
  case CF_HISTORY_BOOTED: return is_own(e, ev->boot) ? CF_REFUSE_NONE : CF_REFUSE_TWIN;
  case CF_HISTORY_CERTIFICATE:
    return is_own(e, ev->boot) && !cf_hash_eq(&ev->boot->cert_hash, &e->own.certificate_hash) ? CF_REFUSE_TWIN : CF_REFUSE_NONE;
  case CF_HISTORY_FAULT: return is_own(e, ev->boot) ? CF_REFUSE_TWIN : CF_REFUSE_NONE;
  case CF_HISTORY_COUNTS:
  case CF_HISTORY_WAITS:
  case CF_HISTORY_VOID:
  case CF_HISTORY_AGAIN:
    if (!ev->receipt || (!is_own(e, ev->boot) && ev->kind != CF_HISTORY_COUNTS)) return CF_REFUSE_NONE;
    return cf_journal_agrees(e, ev->receipt->sequence, &ev->receipt->hash) ? CF_REFUSE_NONE : CF_REFUSE_TWIN;
  case CF_HISTORY_OTHER:
  case CF_HISTORY_RESULT: return CF_REFUSE_NONE;
  }
  return CF_REFUSE_NONE;
}

static void
on_entry(void *ctx, cf_history_event_t const *ev) {
  cf_enclave_t *e = ctx;
  if (e->ahead.verdict) return;
  cf_history_boot_t const *own = cf_history_by_instance(&e->ahead.history, &e->instance);
  bool                     before =
      !own || (ev->index == own->index && ev->kind == CF_HISTORY_COUNTS); /* what our boot entry decides stood before it */
  e->ahead.verdict             = before ? judge_disk(e, ev) : judge_twin(e, ev);
}

/* ---- the feed ---- */

static cf_refuse_t
drop(cf_enclave_t *e, cf_refuse_t why) {
  e->ahead_any = false;
  return why;
}

static void
feed_copy(cf_feed_t *to, cf_feed_t const *from) {
  to->frontier  = from->frontier;
  to->code_hash = from->code_hash;
  to->verdict   = CF_REFUSE_NONE;
  cf_history_copy(&to->history, &from->history);
}

void
cf_feed_believe(cf_enclave_t *e) {
  e->domain.ledger.code_hash = e->feed.code_hash;
}

/* What stands at a chain's address is for the governors to say, in entry 1 and once: a log that begins otherwise never has a ledger.
   An embedded ledger's blocks are known by the key that genesis names. */
static void
read_deployment(cf_enclave_t *e, cf_span_t entry) {
  if (cf_ledger_kind(&e->domain.ledger) != CF_LEDGER_EVM) return;
  if (cf_domain_deployment(&e->ahead.code_hash, &e->domain, entry, NULL)) e->ahead.verdict = CF_REFUSE_VIEW;
}

static bool
is_root(cf_frontier_t const *f, uint8_t const root[32]) {
  cf_hash_t is = cf_frontier_root(f);
  return !memcmp(is.b, root, 32);
}

/* A receipt that lies here whole was signed here, or by an instance before whose records are ours. */
static bool
known(void *ctx, uint64_t sequence, cf_span_t entry) {
  cf_enclave_t const *e    = ctx;
  size_t              slot = sequence % CF_RECEIPTS_KEPT;
  return sequence >= e->receipts_from && sequence <= e->sequence && cf_span_eq(CF_SPAN(e->receipts[slot], e->receipt_sz[slot]), entry);
}

static cf_refuse_t
read_entries(cf_enclave_t *e, cf_rd_t *in) {
  uint64_t first = cf_rd_u64(in);
  uint32_t count = cf_rd_u32(in);
  if (!e->ahead_any) {
    feed_copy(&e->ahead, &e->feed);
    e->ahead_any = true;
  }
  if (in->bad || first != e->ahead.frontier.size) return CF_REFUSE_PROOF;
  for (uint32_t i = 0; i < count; i++) {
    uint16_t  n     = cf_rd_u16(in);
    cf_span_t entry = cf_rd_take_span(in, n);
    if (in->bad) return CF_REFUSE_MALFORMED;
    cf_hash_t leaf = cf_tree_leaf(entry);
    cf_frontier_add(&e->ahead.frontier, &leaf);
    if (e->ahead.frontier.size == e->checkpoint.size && !is_root(&e->ahead.frontier, e->checkpoint.root))
      return CF_REFUSE_PROOF; /* another log */
    if (first + i == 1) read_deployment(e, entry);
    if (cf_history_feed_known(&e->ahead.history, first + i, entry, on_entry, known, e)) return CF_REFUSE_BOUND;
  }
  return CF_REFUSE_NONE;
}

static cf_refuse_t
take_checkpoint(cf_enclave_t *e, cf_span_t note) {
  cf_cosigned_t c;
  if (cf_checkpoint_verify(&c, note, &e->domain.witnesses, NULL)) return CF_REFUSE_PROOF;
  if (c.size != e->ahead.frontier.size || !is_root(&e->ahead.frontier, c.root.b) || c.size < e->checkpoint.size)
    return CF_REFUSE_PROOF;
  if (e->ahead.verdict) return cf_enclave_stop(e, e->ahead.verdict);
  feed_copy(&e->feed, &e->ahead);
  cf_feed_believe(e);
  e->checkpoint.size = c.size;
  memcpy(e->checkpoint.root, c.root.b, 32);
  if (c.time_s > e->checkpoint.time) e->checkpoint.time = c.time_s;
  if (e->checkpoint.time > e->now_s) e->now_s = e->checkpoint.time;
  return CF_REFUSE_NONE;
}

/* The certificate can be made once the boot entry's place in the log, the epoch's number, is known. */
static void
make_certificate(cf_enclave_t *e, cf_history_boot_t const *own) {
  cf_epoch_t               doc = {.epoch = own->index,
                                  .boot = own->index,
                                  .suite = e->configuration.suite,
                                  .not_before = e->now_s,
                                  .not_after = e->now_s + e->domain.policy.epoch_s};
  cf_history_boot_t const *c   = cf_history_certified(&e->feed.history);
  cf_wr_t                  wr  = cf_wr_init(e->own.certificate, sizeof e->own.certificate);
  memcpy(doc.domain, e->domain.id.b, 32);
  memcpy(doc.instance, e->instance.b, 32);
  memcpy(doc.configuration, e->configuration_hash.b, 32);
  memcpy(doc.sealing, e->own.sealing_pub.b, 32);
  memcpy(doc.receipt, e->own.receipt_pub.b, 64);
  memcpy(doc.settlement, e->own.settlement_addr.b, 20);
  memcpy(doc.policy, e->domain.policy_hash.b, 32);
  if (c) memcpy(doc.previous, c->cert_hash.b, 32);
  cf_document_seal(&wr, &e->own.certificate_hash, &cf_epoch_table, &doc, e->identity, "enclave", "epoch");
  e->own.certificate_sz = wr.len;
  e->own.epoch          = own->index;
  e->boot_index         = own->index;
}

cf_refuse_t
cf_on_show_log(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out) {
  cf_refuse_t r = read_entries(e, in);
  if (r) return drop(e, r);
  cf_span_t note = cf_rd_sub(in);
  if (!cf_rd_done(in)) return drop(e, CF_REFUSE_MALFORMED);
  if (note.len) {
    r            = take_checkpoint(e, note);
    e->ahead_any = false;
    if (r) return r;
  }
  cf_epoch_keys_erase(e, e->now_s);
  cf_history_boot_t const *own = cf_history_by_instance(&e->feed.history, &e->instance);
  if (e->phase == CF_PHASE_CERTIFYING && own && !e->own.certificate_sz) {
    if ((r = cf_fence_holds(e)))
      return cf_enclave_stop(e, r); /* somebody was certified between our boot entry's making and its place */
    make_certificate(e, own);
  }

  cf_wr_u8(out, (uint8_t)e->phase);
  uint8_t *at  = cf_wr_room(out, 2);
  uint16_t cnt = 0;
  if (note.len && e->own.certificate_sz && own && own->cert_index == CF_NO_INDEX) {
    cf_wr_u8(out, CF_RELEASE_CERTIFICATE);
    cf_wr_u64(out, e->own.epoch);
    cf_wr_sub(out, CF_SPAN(e->own.certificate, e->own.certificate_sz));
    cnt++;
  }
  if (note.len && (e->phase == CF_PHASE_SERVING || e->phase == CF_PHASE_DRAINING)) {
    cf_settle_release(e, out, &cnt, false);
    cf_results_release(e, out, &cnt, false);
  }
  cf_wr_t n = cf_wr_init(at, 2);
  cf_wr_u16(&n, cnt);
  return CF_REFUSE_NONE;
}
