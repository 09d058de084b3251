/* The leader: brings an enclave from its socket to a started epoch, step by step
   (PROTOCOL P12), and gives it one crossing at a time from then on.  Each step is asked again until it is
   done; what is missing is named in the status. */
#include "gateway/cf_chainside.h"

#include <assert.h>

#define POLL_MS 500
#define REGISTER_S 3600

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

/* BOOT shows a note; what FENCE and SNAPSHOT answer takes the place of journal files whose receipts and manifests must be in the log's
   files by then.  What the others show was read from files, or is none of theirs. */
static bool
stands_on_files(cf_message_type_t type) {
  return type == CF_MSG_BOOT || type == CF_MSG_FENCE || type == CF_MSG_SNAPSHOT;
}

bool
cf_leader_ask(cf_gateway_t *g, cf_effects_t *fx, cf_message_type_t type, cf_span_t message) {
  if (g->enclave_id || !message.len) return false;
  g->enclave_id = cf_fx_id(g, CF_ID_ENCLAVE, 0);
  g->crossing   = type;
  cf_fx_ask(fx, g->enclave_id, g->cfg.enclave, CF_SPAN_LIT("enclave"), message, CF_ENCLAVE_MS);
  fx->at[fx->cnt - 1].side = stands_on_files(type);
  return true;
}

cf_wr_t
cf_leader_message(cf_gateway_t *g, cf_message_type_t type) {
  cf_wr_t wr = cf_wr_init(g->ask, CF_FRAME_MAX);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, (uint8_t)type);
  return wr;
}

static void
ask_plain(cf_gateway_t *g, cf_effects_t *fx, cf_message_type_t type) {
  cf_wr_t wr = cf_leader_message(g, type);
  (void)cf_leader_ask(g, fx, type, cf_wr_out(&wr));
}

void
cf_leader_read(cf_gateway_t *g, cf_effects_t *fx, uint8_t what, uint64_t sequence) {
  cf_wr_t wr = cf_leader_message(g, CF_MSG_READ);
  cf_wr_u8(&wr, what);
  if (what == CF_READ_RECEIPT) cf_wr_u64(&wr, sequence);
  if (cf_leader_ask(g, fx, CF_MSG_READ, cf_wr_out(&wr))) g->reading = what;
}

void
cf_leader_snapshot(cf_gateway_t *g, cf_effects_t *fx) {
  ask_plain(g, fx, CF_MSG_SNAPSHOT);
}

static void
ask_status(cf_gateway_t *g, cf_effects_t *fx) {
  cf_leader_read(g, fx, CF_READ_STATUS, 0);
}

static cf_public_text_t
reason(cf_refuse_t why) {
  switch ((int)why) {
  case CF_REFUSE_NONE: return CF_PUBLIC_TEXT("no answer");
  case CF_REFUSE_PHASE: return CF_PUBLIC_TEXT("it executed what is not in this journal, or its log has stood still for too long: restart it");
  case CF_REFUSE_ROOT: return CF_PUBLIC_TEXT("root: enclave/snapshot or the sealed root is not what the log knows: restore enclave/ from its newest copy");
  case CF_REFUSE_ROLLED_BACK: return CF_PUBLIC_TEXT("rolled-back: the journal lacks what the log counts: restore enclave/ from its newest copy");
  case CF_REFUSE_TIP: return CF_PUBLIC_TEXT("tip: another life of this enclave went on elsewhere: restore enclave/ as that one left it");
  case CF_REFUSE_TWIN: return CF_PUBLIC_TEXT("twin");
  case CF_REFUSE_VIEW: return CF_PUBLIC_TEXT("view");
  case CF_REFUSE_JOURNAL: return CF_PUBLIC_TEXT("journal: a record is not as it was written: restore enclave/ from its newest copy");
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
  g->showing       = 0;
  g->show_len      = 0;
  g->shown         = 0;
  g->phase         = (cf_phase_t)0;
  g->halted        = why;
  g->boot_index    = CF_NO_INDEX;
  g->registering   = false;
  g->snapshot_due  = false;
  g->follow        = 0;
  g->busy          = false;
  g->views.batch_first = false;
  g->fresh_certify = false;
  cf_attest_begin(g);
  cf_leader_to(g, why ? CF_STEP_HALTED : CF_STEP_ENCLAVE);
  g->step_at_ms = g->now.mono_ms + POLL_MS;
}

/* ---- registration ---- */

static void
ask_possess(cf_gateway_t *g, cf_effects_t *fx) {
  cf_wr_t wr = cf_leader_message(g, CF_MSG_POSSESS);
  cf_wr_hash(&wr, &g->attest.registration.terms);
  cf_wr_hash(&wr, &g->attest.registration.evidence);
  (void)cf_leader_ask(g, fx, CF_MSG_POSSESS, cf_wr_out(&wr));
}

static void
registered(cf_gateway_t *g, uint64_t block) {
  cf_views_want(g, block);
  cf_leader_to(g, CF_STEP_VIEW);
}

static void
post_register(cf_gateway_t *g, cf_effects_t *fx) {
  cf_council_t const *c  = cf_genesis_council(&g->domain.genesis, CF_VERIFIERS);
  cf_op_t             op = { .kind = CF_OP_REGISTER, .registration = g->attest.registration };
  memcpy(op.sig, g->possession, 64);
  for (unsigned i = 0; i < c->members_cnt && op.sigs.cnt < c->k; i++) {
    if (!g->attest.v[i].done) continue;
    op.sigs.at[op.sigs.cnt].member = (uint8_t)i;
    memcpy(op.sigs.at[op.sigs.cnt++].sig, g->attest.v[i].sig, 64);
  }
  uint64_t block = 0;
  if (g->evm) {
    if (cf_settler_evm_register(g, &op, &block)) registered(g, block);
    return;
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
  bool known =
      !ev->status && ev->code == 200 && cf_settler_refused(ev->body, CF_REFUSAL_KEY_KNOWN); /* by a life before this one */
  if (!known && (ev->status || ev->code != 200 || !cf_settler_included(ev->body, 0, &block))) {
    cf_leader_later(g);
    return;
  }
  registered(g, block);
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
    if (!cf_hash_eq(&instance, &g->instance)) {                  /* another one answers: it was started anew in between */
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
  g->adopt        = sequence;
  g->adopt_read   = false;
  g->adopt_shut   = false;
  g->adopt_len    = 0;
  g->shown        = size;
  cf_boot_begin(g, fx);
}

static void
on_read(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  switch (g->reading) {
  case CF_READ_CERTIFICATE: cf_boot_certificate(g, body); return;
  case CF_READ_RECEIPT: cf_boot_receipt(g, fx, body); return;
  case CF_READ_STATUS: on_status(g, fx, body); return;
  case CF_READ_RELEASES: cf_boot_releases(g, fx, body); return;
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
  else if (g->evm && cf_settler_evm_failed(g)) cf_leader_to(g, CF_STEP_REGISTER);
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
  case CF_MSG_BOOT: cf_boot_answer(g, body); return;
  case CF_MSG_JOURNAL: cf_boot_replayed(g, fx, body); return;
  case CF_MSG_SHOW_LOG: on_shown(g, fx, body); return;
  case CF_MSG_FENCE: cf_boot_fenced(g, fx, body); return;
  case CF_MSG_CERTIFY: cf_attest_certified(g, fx, body); return;
  case CF_MSG_POSSESS:
    cf_rd_copy(body, g->possession, sizeof g->possession);
    cf_leader_to(g, CF_STEP_REGISTER);
    return;
  case CF_MSG_SHOW_LEDGER:
    if (g->step == CF_STEP_SERVING) g->step_fails = 0; /* refusals of hours ago are no reason to wait longer */
    on_ledger_shown(g, body);
    return;
  case CF_MSG_BATCH: on_batch(g, fx, body); return;
  case CF_MSG_SNAPSHOT:
    g->snapshot_due = false;
    g->adopt_shut   = g->step == CF_STEP_ADOPT;
    if (!cf_boot_write(g, fx, body)) cf_leader_lost(g, fx, CF_REFUSE_MALFORMED);
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
  case CF_MSG_BATCH:
    cf_batcher_refused(g, fx, why);
    if (g->step == CF_STEP_SERVING) return; /* batches wait for themselves; what is shown meanwhile makes room */
    break;
  case CF_MSG_SHOW_LEDGER:
    cf_views_refused(g, why);
    ask_status(g, fx); /* how many messages it has folded: a replay may have brought it further, or less far */
    break;
  case CF_MSG_CERTIFY:
    if (!g->fresh_certify) cf_attest_failed(g, fx, CF_PUBLIC_TEXT("the enclave refused to certify"));
    else cf_front_bundle(g, fx, g->fresh_request, CF_SPAN(NULL, 0));
    g->fresh_certify = false;
    if (why == CF_REFUSE_PHASE) ask_status(g, fx);
    break;
  case CF_MSG_POSSESS:
    cf_leader_to(g, CF_STEP_ATTEST); /* not certified in its eyes: more results */
    if (why == CF_REFUSE_PHASE) ask_status(g, fx);
    break;
  case CF_MSG_SHOW_LOG: ask_status(g, fx); break;
  case CF_MSG_SNAPSHOT: /* too large with the results that wait, and batches are what lets them go */
    if (why != CF_REFUSE_BUSY || g->step != CF_STEP_SERVING) break;
    g->snapshot_at_ms = g->now.mono_ms + CF_BACKOFF_MAX_MS;
    return;
  }
  cf_leader_later(g);
}

static void
on_enclave(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->id != g->enclave_id) return; /* of a connection that was given up */
  g->enclave_id   = 0;
  cf_rd_t rd      = cf_rd_span(ev->body);
  uint8_t version = cf_rd_u8(&rd), type = cf_rd_u8(&rd), class = cf_rd_u8(&rd);
  if (ev->status || version != CF_BOUNDARY_VERSION || type != (uint8_t)g->crossing || rd.bad)
    cf_leader_lost(g, fx, CF_REFUSE_NONE);
  else if (class) on_refused(g, fx, (cf_refuse_t) class);
  else on_answer(g, fx, &rd);
}

void
cf_leader_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  switch (ev->id & 0xff) {
  case CF_ID_ENCLAVE: on_enclave(g, fx, ev); return;
  case CF_ID_REGISTER: on_registered(g, ev); return;
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
  if (grown >= g->domain.policy.snapshot_entries / 2 || g->journal_bytes >= CF_JOURNAL_BYTES) g->snapshot_due = true;
  if (cf_attest_ask(g, fx) || cf_views_ask(g, fx)) return;
  if (g->snapshot_due && g->now.mono_ms >= g->snapshot_at_ms) { /* what was executed must be in the log first: its notes end with the file */
    if (!g->queued_cnt && g->logged == g->sequence) ask_plain(g, fx, CF_MSG_SNAPSHOT);
    return;
  }
  (void)cf_batcher_ask(g, fx);
}

static void
go_once(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->enclave_id || g->getting || g->now.mono_ms < g->step_at_ms) return;
  bool reread = g->step == CF_STEP_ADOPT && g->phase == CF_PHASE_SERVING && !g->adopt_read;
  if (!reread && cf_logside_show(g, fx)) return;
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
    if (g->file_at < g->files_cnt) cf_boot_journal(g, fx);
    else cf_boot_adopt(g, fx);
    return;
  case CF_STEP_BOOT: cf_boot_ask(g, fx); return;
  case CF_STEP_JOURNAL: cf_boot_journal(g, fx); return;
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
    cf_start_index(g, fx);
  }
  cf_step_t before;
  do {
    before = g->step;
    go_once(g, fx);
  } while (g->step != before);
}
