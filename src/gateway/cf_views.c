/* Views of the ledger: observers' statements make a block final, the gateway reads the ledger up to that block and no
   further, and writes what the enclave is shown.  How a kind of ledger is read: cf_views_embedded.c, cf_views_evm.c. */
#include "gateway/cf_chainside.h"

#include <stdio.h>

/* ---- finality proofs that receipts will name ---- */

void
cf_views_keep(cf_gateway_t *g, cf_span_t proof) {
  cf_hash_t h = cf_sha256(proof);
  if (proof.len > CF_FINALITY_PROOF_MAX || cf_views_proof(g, &h)) return;
  cf_kept_proof_t *k = &g->proof[g->proof_next++ % CF_PROOFS_MAX];
  k->hash            = h;
  k->len             = (uint32_t)proof.len;
  memcpy(k->bytes, proof.ptr, proof.len);
}

cf_kept_proof_t const *
cf_views_proof(cf_gateway_t const *g, cf_hash_t const *hash) {
  for (size_t i = 0; i < CF_PROOFS_MAX; i++)
    if (g->proof[i].len && cf_hash_eq(&g->proof[i].hash, hash)) return &g->proof[i];
  return NULL;
}

/* Who adopts an enclave that took a view has what its next receipt will be the first to name: it stands in the store before the view is shown. */
static void
store_proof(cf_gateway_t *g, cf_effects_t *fx) {
  cf_span_t proof = CF_SPAN(g->views.proof_bytes, g->views.proof_len);
  cf_hash_t h     = cf_sha256(proof);
  if (cf_hash_eq(&h, &g->stored_proof)) return;
  cf_store_put(&g->writes, CF_STORE_META, CF_SPAN_LIT("view-proof"), proof);
  cf_gateway_store(g, fx);
  g->stored_proof = h;
}

/* ---- the state of the proven block ---- */

void
cf_views_arrived(cf_gateway_t *g, cf_hash_t const *head, cf_hash_t const *status_word) {
  cf_views_t        *v      = &g->views;
  cf_ledger_status_t status = cf_ledger_status_unpack(status_word);
  v->proven                 = false;
  if (!cf_hash_eq(head, &v->head)) v->moved = true;
  v->head   = *head;
  v->paused = status.dead || status.paused_until_s > v->proof.time_s;
  v->time_s = v->proof.time_s;
  v->ready = v->at   = v->proof.number + 1;
  v->fails           = 0;
  if (!g->evm || v->folded <= cf_views_evm_messages(g)) v->silent_since_ms = 0; /* else the enclave took what is not there: nothing new can be shown */
  if (v->want <= v->proof.number) v->wanted = false;
  cf_metrics_set(&g->metrics, CF_METRIC_LEDGER_BLOCK, cf_public_u64(v->proof.number));
}

void
cf_views_failed(cf_gateway_t *g) {
  g->views.retry_at_ms = g->now.mono_ms + cf_backoff_ms(g->views.fails++);
}

/* ---- observers ---- */

void
cf_views_want(cf_gateway_t *g, uint64_t block) {
  g->views.wanted = true;
  if (block > g->views.want) g->views.want = block;
}

static bool
due(cf_gateway_t const *g) {
  cf_views_t const *v = &g->views;
  if (v->wanted) return true;
  uint64_t since_ms = g->now.mono_ms - v->sought_ms;
  if (g->evm && cf_chainside_busy(g)) return since_ms >= CF_FINAL_MS;
  bool shows = g->step >= CF_STEP_VIEW && g->step <= CF_STEP_SERVING;
  return shows && since_ms >= g->domain.genesis.ledger.max_validity_s * 1000 / 4;
}

static void
seek(cf_gateway_t *g, cf_effects_t *fx) {
  cf_views_t *v    = &g->views;
  uint8_t    *body = cf_fx_room(fx, 8);
  cf_wr_t     wr   = cf_wr_init(body, 8);
  cf_wr_u64(&wr, v->want);
  v->asking    = true;
  v->round     = g->serial << 16 | 0xffff;
  v->sought_ms = g->now.mono_ms;
  v->pending   = 0;
  if (!v->silent_since_ms) v->silent_since_ms = g->now.mono_ms;
  memset(v->have, 0, sizeof v->have);
  for (unsigned i = 0; i < g->domain.observers.n; i++, v->pending++)
    cf_fx_ask(fx, cf_fx_id(g, CF_ID_FINALITY, i), g->cfg.observer[i], CF_SPAN_LIT("POST /v1/finality"), CF_SPAN(body, 8),
              CF_PEER_MS);
}

/* k that agree, on a block that is new and not older than what is wanted. */
static bool
prove(cf_gateway_t *g) {
  cf_views_t             *v = &g->views;
  cf_finality_statement_t s[CF_MEMBERS_MAX];
  cf_finality_proof_t     proof;
  cf_finality_t           f;
  size_t                  n = 0;
  for (size_t i = 0; i < g->domain.observers.n; i++)
    if (v->have[i]) s[n++] = v->statement[i];
  if (cf_finality_proof_make(&proof, s, n, g->domain.observers.k) ||
      cf_finality_proof_verify(&f, &proof, &g->domain.ledger, &g->domain.observers, NULL))
    return false;
  bool news = proof.number + 1 > v->ready;
  if (!g->evm || !news) v->silent_since_ms = 0; /* a quorum speaks; of a chain, nodes must say what its block holds */
  if (proof.number < v->want) return false;
  if (!news) {
    v->wanted = false;
    return false;
  }
  cf_wr_t wr = cf_wr_init(v->proof_bytes, sizeof v->proof_bytes);
  cf_finality_proof_write(&wr, &proof);
  if (wr.bad) return false;
  v->proof     = proof;
  v->proof_len = wr.len;
  v->proven    = true;
  v->asking    = false;
  return true;
}

static void
on_statement(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_views_t             *v = &g->views;
  unsigned                i = ev->id >> 8 & 0xff;
  cf_finality_statement_t s;
  if (!v->asking || ev->id <= v->round || i >= g->domain.observers.n) return;
  v->pending--;
  bool ok = !ev->status && ev->code == 200 && ev->body.len == 1 + CF_FINALITY_STATEMENT_SZ && ev->body.ptr[0] == i &&
            !cf_finality_statement_decode(&s, CF_SPAN(ev->body.ptr + 1, CF_FINALITY_STATEMENT_SZ)) && s.observer == i &&
            !cf_finality_check(&s, &g->domain.ledger, &g->domain.observers);
  snprintf(v->said[i], CF_CLASS_MAX, "%s", ok ? "attested" : "silent");
  if (ok) {
    v->have[i]      = true;
    v->statement[i] = s;
  } else if (!ev->status) (void)cf_gateway_refusal(v->said[i], ev->body);
  if (prove(g)) {
    if (!g->evm) cf_views_embedded_has(g, fx);
    return;
  }
  if (v->pending) return;
  v->asking = false; /* silence, disagreement, or nothing new yet: it is asked again */
  if (v->wanted) cf_views_failed(g);
}

void
cf_views_go(cf_gateway_t *g, cf_effects_t *fx) {
  cf_views_t *v = &g->views;
  if (!g->evm && !v->open) cf_views_embedded_reset(g);
  if (v->asking || v->fetching || g->now.mono_ms < v->retry_at_ms) return;
  if (g->step < CF_STEP_ENTRIES) return; /* what a head means the log tells */
  if (v->proven) g->evm ? cf_views_evm_fetch(g, fx) : cf_views_embedded_fetch(g, fx);
  else if (due(g) && !g->stopping) seek(g, fx);
}

void
cf_views_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  if ((ev->id & 0xff) == CF_ID_BLOCK) cf_views_embedded_done(g, fx, ev);
  else on_statement(g, fx, ev);
}

/* ---- showing ---- */

size_t
cf_views_keys(cf_gateway_t const *g, cf_hash_t keys[CF_VIEW_BUCKETS_MAX]) {
  size_t n = 0;
  for (; n < g->domain.genesis.assets_cnt && n < CF_VIEW_BUCKETS_MAX; n++) keys[n] = cf_slot_bucket((uint32_t)g->domain.genesis.assets[n].id);
  return n;
}

bool
cf_views_ask(cf_gateway_t *g, cf_effects_t *fx) {
  cf_views_t *v = &g->views;
  if (!v->ready || v->ready != v->at || v->proven) return false;
  if (v->shown >= v->ready || v->batch_first) return false;
  if (v->folded > (g->evm ? cf_views_evm_messages(g) : cf_views_embedded_messages(g)))
    return false; /* the enclave is ahead: a later block will do */
  if (g->logged < g->read_back && g->read_back <= g->sequence) return false; /* what it names stands in the store alone, until it is archived */
  cf_hash_t keys[CF_VIEW_BUCKETS_MAX];
  size_t    n = cf_views_keys(g, keys);
  cf_addr_t key;
  memcpy(key.b, g->attest.epoch.settlement, 20);
  cf_wr_t wr = cf_wr_init(g->ask, CF_FRAME_MAX);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_SHOW_LEDGER);
  uint8_t *size = cf_wr_room(&wr, 4);
  size_t   from = wr.len;
  if (!(g->evm ? cf_views_evm_write(g, &wr, &key, keys, n) : cf_views_embedded_write(g, &wr, &key, keys, n))) return false;
  cf_wr_t len = cf_wr_init(size, 4);
  cf_wr_u32(&len, (uint32_t)(wr.len - from));
  cf_views_keep(g, CF_SPAN(v->proof_bytes, v->proof_len));
  store_proof(g, fx);
  return cf_leader_ask(g, fx, CF_MSG_SHOW_LEDGER, cf_wr_out(&wr));
}

static void
batch_first(cf_gateway_t *g) {
  g->views.batch_first = true;
  if (!g->follow) g->follow = 1;
}

void
cf_views_answer(cf_gateway_t *g, cf_rd_t *body) {
  cf_views_t *v     = &g->views;
  uint8_t     phase = cf_rd_u8(body);
  (void)cf_rd_u64(body);
  uint8_t  how    = cf_rd_u8(body);
  uint64_t folded = cf_rd_u64(body);
  if (!cf_rd_done(body)) return;
  g->phase  = (cf_phase_t)phase;
  v->folded = folded;
  if (how == CF_SHOWN_PART) return; /* the next part follows */
  if (how == CF_SHOWN_PIECE && phase == CF_PHASE_SERVING) {
    batch_first(g);
    return;
  }
  v->shown = v->ready;
  unsigned follow =
      v->moved ? 2 : 1; /* a batch applies the view; when holds fall a window may close, and an intent is to be carried */
  if (g->follow < follow) g->follow = follow;
  v->moved = false;
}

/* The view is old to the enclave, or its message was not what it wanted: a newer block is sought. */
void
cf_views_refused(cf_gateway_t *g, cf_refuse_t why) {
  if (why == CF_REFUSE_BUSY) batch_first(g);
  else g->views.ready = 0;
  g->views.retry_at_ms = g->now.mono_ms + cf_backoff_ms(g->views.fails++);
  g->views.wanted      = true;
}
