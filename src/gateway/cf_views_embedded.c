/* Views of an embedded ledger: the chain is replayed block by block, up to the one that observers made final. */
#include "gateway/cf_gateway_state.h"

static void
on_call(void *ctx, cf_call_t const *call, cf_op_t const *op, cf_ledger_effects_t const *fx) {
  cf_gateway_t *g = ctx;
  if (fx->settled.due) cf_settler_replayed(g, &fx->settled.head, g->views.chain.head.number + 1);
}

void
cf_views_embedded_reset(cf_gateway_t *g) {
  if (g->views.open) cf_chain_fini(&g->views.chain);
  cf_settler_final(g, false);
  cf_chain_init(&g->views.chain);
  g->views.chain.hook     = on_call;
  g->views.chain.hook_ctx = g;
  g->views.open           = true;
  g->views.at             = 0;
}

static uint64_t
next_block(cf_views_t const *v) {
  return v->chain.started ? v->chain.head.number + 1 : 0;
}

/* Block 0 must be the ledger that genesis speaks of. */
static bool
take_block(cf_gateway_t *g, cf_span_t block) {
  cf_chain_t *c = &g->views.chain;
  if (c->started) return cf_chain_replay(c, block, NULL) == CF_OK;
  uint8_t genesis[CF_GENESIS_BYTES_MAX];
  cf_wr_t wr = cf_wr_init(genesis, sizeof genesis);
  cf_ledger_genesis_write(&wr, &g->domain.block0);
  cf_span_t expect = cf_wr_out(&wr);
  return cf_chain_start(c, block, &expect, NULL) == CF_OK;
}

/* The chain reached the block that observers made final.  Another hash at its height: they followed another chain, and they are
   believed; ours is read again from the beginning. */
static void
arrived(cf_gateway_t *g, cf_effects_t *fx) {
  cf_views_t *v = &g->views;
  v->proven     = false;
  if (!cf_hash_eq(&v->chain.hash, &v->proof.block_hash) || v->chain.head.time_s != v->proof.time_s) {
    cf_gateway_say(g, fx, CF_LINE_ERROR, CF_PUBLIC_TEXT("ledger-forked"),
                   CF_PUBLIC_TEXT("the blocks served are not the chain that observers attest"), v->proof.number);
    cf_views_embedded_reset(g);
    v->retry_at_ms = g->now.mono_ms + CF_BACKOFF_MAX_MS;
    return;
  }
  cf_slot_reader_t slots      = cf_ledger_state_reader(v->chain.state);
  cf_hash_t        head_key   = cf_slot_plain(CF_SLOT_HEAD), status_key = cf_slot_plain(CF_SLOT_STATUS);
  cf_hash_t        head       = slots.read(slots.ctx, &head_key), status = slots.read(slots.ctx, &status_key);
  cf_settler_final(g, true);
  cf_views_arrived(g, &head, &status);
}

void
cf_views_embedded_has(cf_gateway_t *g, cf_effects_t *fx) {
  cf_views_t *v = &g->views;
  if (v->chain.started && v->chain.head.number == v->proof.number) arrived(g, fx);
}

void
cf_views_embedded_fetch(cf_gateway_t *g, cf_effects_t *fx) {
  cf_views_t *v = &g->views;
  v->fetching   = true;
  cf_fx_ask(fx, cf_fx_id(g, CF_ID_BLOCK, 0), g->cfg.ledger,
            cf_fx_printf(fx, "GET /ledger/blocks/%llu", (unsigned long long)next_block(v)), CF_SPAN(NULL, 0), CF_PEER_MS);
}

void
cf_views_embedded_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_views_t *v = &g->views;
  v->fetching   = false;
  if (ev->status || ev->code != 200) {
    cf_views_failed(g);
    return;
  }
  if (!take_block(g, ev->body)) {
    cf_gateway_say(g, fx, CF_LINE_ERROR, CF_PUBLIC_TEXT("ledger-invalid"),
                   CF_PUBLIC_TEXT("a block breaks the rules, or is not the next"), next_block(v));
    cf_views_embedded_reset(g);
    cf_views_failed(g);
    return;
  }
  v->at = v->chain.head.number + 1;
  if (v->chain.head.number == v->proof.number) arrived(g, fx);
}

uint64_t
cf_views_embedded_messages(cf_gateway_t const *g) {
  return cf_ledger_state_messages(g->views.chain.state);
}

bool
cf_views_embedded_write(cf_gateway_t *g, cf_wr_t *wr, cf_addr_t const *key, cf_hash_t const *keys, size_t n) {
  cf_views_t *v = &g->views;
  return !cf_view_write(wr, &v->chain, CF_SPAN(v->proof_bytes, v->proof_len), key, keys, n, v->folded, NULL);
}
