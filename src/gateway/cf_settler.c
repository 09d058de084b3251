/* The settler: contents that the enclave signed go to the ledger until a final
   block shows the head there.  What the ledger answers is a hint; only observers' finality counts.  PROTOCOL P8. */
#include "gateway/cf_chainside.h"

#include "codec/cf_json.h"
#include "gateway/cf_reconcile.h"

enum { AUTHORISED, SUBMITTED, INCLUDED, FINAL, ABANDONED };

cf_hash_t
cf_settler_digest(cf_gateway_t const *g, cf_settlement_doc_t const *doc) {
  cf_settlement_t s;
  memcpy(s.meta.b, doc->meta, 32);
  memcpy(s.prev_head.b, doc->prev_head, 32);
  memcpy(s.state_root.b, doc->state_root, 32);
  memcpy(s.entries.b, doc->entries, 32);
  memcpy(s.receipts.b, doc->receipts, 32);
  return cf_settlement_digest(&g->domain.ledger.separator, &s);
}

cf_settled_t *
cf_settler_at(cf_gateway_t *g, uint64_t number) {
  cf_settled_t *s = &g->settled[number % CF_SETTLEMENTS_MAX];
  return number && s->number == number ? s : NULL;
}

static cf_settled_t *
find(cf_gateway_t *g, cf_hash_t const *digest) {
  for (uint64_t n = g->settlements; n && n + CF_SETTLEMENTS_MAX > g->settlements; n--) {
    cf_settled_t *s = cf_settler_at(g, n);
    if (s && cf_hash_eq(&s->digest, digest)) return s;
  }
  return NULL;
}

static void
state_to(cf_gateway_t *g, cf_settled_t *s, unsigned state) {
  if (s->state != state) cf_metrics_add(&g->metrics, CF_METRIC_SETTLEMENTS + state, cf_public_u64(1));
  s->state = state;
}

void
cf_settler_sent(cf_gateway_t *g, cf_settled_t *s) {
  if (s->state == AUTHORISED) state_to(g, s, SUBMITTED);
}

void
cf_settler_in(cf_gateway_t *g, cf_settled_t *s, uint64_t block) {
  s->block = block;
  state_to(g, s, INCLUDED);
}

static void
body_free(cf_gateway_t *g, cf_settled_t *s) {
  if (s->body >= 0) g->body[s->body].used = false;
  s->body = -1;
}

static void
body_keep(cf_gateway_t *g, cf_settled_t *s, cf_span_t body) {
  cf_hash_t h = cf_sha256(body);
  if (s->body >= 0 || body.len > CF_SETTLEMENT_BODY_MAX || memcmp(h.b, s->doc.body, 32)) return;
  for (int i = 0; i < CF_BODIES_MAX; i++) {
    cf_body_t *b = &g->body[i];
    if (b->used) continue;
    b->used = true;
    b->len  = body.len;
    if (body.len) memcpy(b->bytes, body.ptr, body.len);
    s->body = i;
    return;
  }
}

/* ---- what is known of a content ---- */

static cf_reconcile_settlement_t
fate(cf_gateway_t *g, cf_settled_t *s) {
  cf_hash_t before;
  memcpy(before.b, s->doc.prev_head, 32);
  cf_settled_t const       *p = find(g, &before);
  cf_reconcile_content_t    c = { s->executed, s->abandoned, p && p->state == ABANDONED, s->valid_until_s };
  cf_reconcile_settlement_t f = cf_reconcile_settlement(&c, g->views.time_s);
  if (f == CF_SETTLE_FINAL) state_to(g, s, FINAL);
  if (f == CF_SETTLE_VOID) state_to(g, s, ABANDONED);
  if (f == CF_SETTLE_FINAL || f == CF_SETTLE_VOID) body_free(g, s);
  s->over = f != CF_SETTLE_RESUBMIT || (p && p->over && !p->executed); /* it could only be refused */
  return f;
}

/* One content may come again with the key of a later epoch: that signature is then the one to submit. */
cf_settled_t *
cf_settler_add(cf_gateway_t *g, cf_settlement_doc_t const *doc, uint64_t index, cf_span_t body) {
  cf_hash_t     digest = cf_settler_digest(g, doc);
  cf_settled_t *s      = find(g, &digest);
  if (!s) {
    cf_hash_t            word;
    cf_settlement_meta_t meta;
    memcpy(word.b, doc->meta, 32);
    (void)cf_settlement_meta_unpack(&meta, &word);
    s = &g->settled[++g->settlements % CF_SETTLEMENTS_MAX];
    if (s->number) body_free(g, s);
    *s     = (cf_settled_t){ .number        = g->settlements,
                             .digest        = digest,
                             .sequence      = meta.sequence,
                             .valid_until_s = meta.valid_until_s,
                             .index         = CF_NO_INDEX,
                             .body          = -1 };
    s->doc = *doc;
    cf_metrics_add(&g->metrics, CF_METRIC_SETTLEMENTS, cf_public_u64(1));
  } else if (doc->epoch >= s->doc.epoch) {
    s->doc         = *doc;
    s->retry_at_ms = 0;
  }
  if (g->evm) s->call = cf_settler_evm_name(s);
  s->signer_known = false;
  s->doc.extra = CF_SPAN(NULL, 0);
  if (index != CF_NO_INDEX && s->index == CF_NO_INDEX) s->index = index;
  if (body.ptr) body_keep(g, s, body);
  return s;
}

bool
cf_settler_knows(cf_gateway_t *g, cf_settlement_doc_t const *doc) {
  cf_hash_t           digest = cf_settler_digest(g, doc);
  cf_settled_t const *s      = find(g, &digest);
  return s && memcmp(s->doc.signature, doc->signature, 64) == 0 && s->index != CF_NO_INDEX;
}

void
cf_settler_abandoned(cf_gateway_t *g, cf_hash_t const *digest) {
  cf_settled_t *s = find(g, digest);
  if (s) s->abandoned = true;
}

/* Whoever sent the transaction.  It counts when the block that observers attest stands on that one. */
void
cf_settler_replayed(cf_gateway_t *g, cf_hash_t const *head, uint64_t block) {
  cf_settled_t *s = find(g, head);
  if (s && !s->executed) s->replayed = block + 1;
}

void
cf_settler_final(cf_gateway_t *g, bool final) {
  for (uint64_t n = g->first_unsettled; n <= g->settlements; n++) {
    cf_settled_t *s = cf_settler_at(g, n);
    if (!s || !s->replayed) continue;
    if (final) {
      s->executed = true;
      s->block    = s->replayed - 1;
      g->settled_cnt++;
      (void)fate(g, s);
    }
    s->replayed = 0;
  }
}

/* A final block has this head: it was executed, and all that it stands on. */
void
cf_settler_reached(cf_gateway_t *g, cf_hash_t const *head, uint64_t block) {
  cf_hash_t at = *head;
  for (cf_settled_t *s; (s = find(g, &at)) && !s->executed;) {
    s->executed = true;
    if (!s->block) s->block = block;
    g->settled_cnt++;
    (void)fate(g, s);
    memcpy(at.b, s->doc.prev_head, 32);
  }
}

/* ---- submitting ---- */

void
cf_settler_call(cf_wr_t *wr, cf_op_t const *op, uint64_t deadline_s) {
  uint8_t               *size = cf_wr_room(wr, 4);
  size_t                 from = wr->len;
  static cf_addr_t const nobody;
  cf_wr_bytes(wr, nobody.b, sizeof nobody.b);
  cf_wr_u64(wr, 0);
  cf_wr_u40(wr, deadline_s);
  cf_op_write(wr, op);
  if (wr->bad) return;
  cf_wr_t len = cf_wr_init(size, 4);
  cf_wr_u32(&len, (uint32_t)(wr->len - from));
}

cf_op_t
cf_settler_op(cf_gateway_t const *g, cf_settled_t const *s) {
  cf_op_t op = { .kind = CF_OP_SETTLE, .body = CF_SPAN(g->body[s->body].bytes, g->body[s->body].len) };
  memcpy(op.meta.b, s->doc.meta, 32);
  memcpy(op.state_root.b, s->doc.state_root, 32);
  memcpy(op.receipts.b, s->doc.receipts, 32);
  memcpy(op.sig, s->doc.signature, 64);
  return op;
}

static void
read_body(cf_gateway_t *g, cf_effects_t *fx, cf_settled_t const *s) {
  char hex[65];
  g->body_for = s->number;
  cf_fx_get(fx, cf_fx_id(g, CF_ID_BODY, 0), cf_fx_printf(fx, "public/archive/%s", cf_hex_encode(hex, CF_SPAN(s->doc.body, 32))));
  fx->at[fx->cnt - 1].side = true;
}

/* The contents that may still execute, oldest first: each stands on the one before it, so they go together.  due: some of them for the
   first time, or again. */
static bool
gather(cf_gateway_t *g, cf_effects_t *fx) {
  bool due    = false;
  g->acts_cnt = 0;
  if (g->first_unsettled == 0) g->first_unsettled = 1;
  if (g->settlements >= CF_SETTLEMENTS_MAX && g->first_unsettled + CF_SETTLEMENTS_MAX <= g->settlements)
    g->first_unsettled = g->settlements + 1 - CF_SETTLEMENTS_MAX;
  for (uint64_t n = g->first_unsettled; n <= g->settlements && g->acts_cnt < CF_SETTLE_FLIGHT_MAX; n++) {
    cf_settled_t             *s = cf_settler_at(g, n);
    cf_reconcile_settlement_t f = s ? fate(g, s) : CF_SETTLE_VOID;
    if (f == CF_SETTLE_FINAL || f == CF_SETTLE_VOID) {
      if (n == g->first_unsettled) g->first_unsettled++;
      continue;
    }
    if (s->over || s->index == CF_NO_INDEX) continue; /* logged first, submitted second */
    if (s->body < 0) {
      if (g->now.mono_ms < s->retry_at_ms) break; /* what stands on it would be refused */
      s->retry_at_ms = g->now.mono_ms + CF_BACKOFF_MAX_MS;
      read_body(g, fx, s);
      return false;
    }
    if (g->now.mono_ms >= s->retry_at_ms) due = true;
    g->acts_number[g->acts_cnt++] = n;
  }
  return due;
}

static void
post_acts(cf_gateway_t *g, cf_effects_t *fx) {
  cf_wr_t wr = cf_wr_init(g->acts, CF_SETTLE_FLIGHT_MAX * (4 + CF_CALL_MAX));
  for (size_t i = 0; i < g->acts_cnt; i++) {
    cf_settled_t *s  = cf_settler_at(g, g->acts_number[i]);
    cf_op_t const op = cf_settler_op(g, s);
    cf_settler_call(&wr, &op, s->valid_until_s);
  }
  if (wr.bad) return;
  for (size_t i = 0; i < g->acts_cnt; i++) {
    cf_settled_t *s = cf_settler_at(g, g->acts_number[i]);
    s->retry_at_ms  = g->now.mono_ms + cf_backoff_ms(2 + s->fails++);
    cf_settler_sent(g, s);
  }
  g->acts_id = cf_fx_id(g, CF_ID_ACTS, 0);
  cf_fx_ask(fx, g->acts_id, g->cfg.ledger, CF_SPAN_LIT("POST /ledger/acts"), cf_wr_out(&wr), CF_PEER_MS);
  fx->at[fx->cnt - 1].side = true; /* behind the log's files */
}

void
cf_settler_go(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->acts_id || g->body_for || !g->settlements || !g->views.ready || g->stopping) return;
  bool due = gather(g, fx);
  if (g->evm) cf_settler_evm_go(g);
  else if (due) post_acts(g, fx);
}

/* Result i of an answer to POST /ledger/acts: the block that a call stands in; false when it was refused or is not there. */
bool
cf_settler_included(cf_span_t json, size_t i, uint64_t *block) {
  cf_json_t top, item;
  cf_span_t key;
  size_t    pos = 0;
  if (cf_json_parse(&top, json, NULL)) return false;
  cf_json_t results = cf_json_get(top, "results");
  if (results.type != CF_JSON_ARRAY) return false;
  while (cf_json_each(results, &pos, &key, &item))
    if (i-- == 0) return !cf_json_u64(block, cf_json_get(item, "block"));
  return false;
}

/* Was the first call refused for this reason? */
bool
cf_settler_refused(cf_span_t json, cf_refusal_code_t why) {
  cf_json_t top, item;
  cf_span_t key;
  size_t    pos = 0;
  char      name[32];
  if (cf_json_parse(&top, json, NULL)) return false;
  cf_json_t results = cf_json_get(top, "results");
  if (results.type != CF_JSON_ARRAY || !cf_json_each(results, &pos, &key, &item)) return false;
  return !cf_json_str(name, sizeof name, cf_json_get(item, "refusal")) && !strcmp(name, cf_refusal_name(why));
}

static void
on_acts(cf_gateway_t *g, cf_event_t const *ev) {
  if (ev->id != g->acts_id) return;
  g->acts_id      = 0;
  uint64_t newest = 0;
  for (size_t i = 0; i < g->acts_cnt && !ev->status && ev->code == 200; i++) {
    cf_settled_t *s     = cf_settler_at(g, g->acts_number[i]);
    uint64_t      block = 0;
    if (!s || s->executed || !cf_settler_included(ev->body, i, &block)) continue;
    cf_settler_in(g, s, block);
    if (block > newest) newest = block;
  }
  cf_views_want(g, newest); /* whatever was answered: the head says what happened */
}

void
cf_settler_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  if ((ev->id & 0xff) == CF_ID_ACTS) {
    on_acts(g, ev);
    return;
  }
  cf_settled_t *s = cf_settler_at(g, g->body_for);
  g->body_for     = 0;
  if (!s || ev->status || ev->code != 200) return;
  body_keep(g, s, ev->body);
  if (s->body >= 0) s->retry_at_ms = 0;
}
