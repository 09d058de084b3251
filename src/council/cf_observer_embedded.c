/* An embedded ledger: every block from 0, each by the rules. */
#include "council/cf_observer_kind.h"

static void init(cf_observer_t *o) { cf_chain_init(&o->embedded.chain); }

static void fini(cf_observer_t *o) { cf_chain_fini(&o->embedded.chain); }

static uint64_t due(cf_chain_t const *c) { return c->started ? c->head.number + 1 : 0; }

static void ask(cf_observer_t *o, cf_effects_t *fx, cf_now_t now) {
  cf_observer_embedded_t *e = &o->embedded;
  if (!cf_observer_may_ask(o)) return;
  e->asked_s = now.wall_ms / 1000;
  e->poll_at_ms = now.mono_ms + CF_OBSERVER_POLL_MS;
  cf_fx_ask(fx, CF_OBSERVER_ID_LEDGER, o->cfg.ledger, cf_fx_printf(fx, "GET /ledger/blocks/%llu", (unsigned long long)due(&e->chain)),
            CF_SPAN(NULL, 0), CF_OBSERVER_TIMEOUT_MS);
}

static void tick(cf_observer_t *o, cf_effects_t *fx, cf_now_t now) {
  if (now.mono_ms >= o->embedded.poll_at_ms) ask(o, fx, now);
}

/* The block that is due, whole and by the block key: what is wrong with it is that key's fault, and nobody's on the way. */
static bool is_signed(cf_observer_t const *o, cf_block_t *b, cf_span_t bytes) {
  cf_ledger_identity_t const *ledger = &o->cfg.domain->ledger;
  if (cf_block_decode(b, bytes) || b->header.number != due(&o->embedded.chain)) return false;
  cf_hash_t hash = cf_block_hash(&b->header), digest = cf_block_digest(&ledger->separator, &hash);
  cf_addr_t signer;
  return cf_k256_recover(&signer, b->sig, &digest) == CF_OK && cf_addr_eq(&signer, &ledger->contract);
}

/* A block that the block key signed and that does not follow from ours: two chains. */
static bool is_fork(cf_observer_t const *o, cf_span_t bytes) {
  cf_block_t b;
  return is_signed(o, &b, bytes) && !cf_hash_eq(&b.header.parent, &o->embedded.chain.hash);
}

static cf_observer_code_t start_chain(cf_observer_t *o, cf_span_t bytes) {
  cf_chain_t *c = &o->embedded.chain;
  uint8_t     genesis[CF_GENESIS_BYTES_MAX];
  cf_wr_t     wr = cf_wr_init(genesis, sizeof genesis);
  cf_ledger_genesis_write(&wr, &o->cfg.domain->block0);
  cf_span_t   expect = cf_wr_out(&wr);
  cf_status_t st = cf_chain_start(c, bytes, &expect, NULL);
  if (st == CF_OK) o->code = c->hash;
  if (!st) return CF_OBSERVER_OK;
  cf_block_t b;
  if (is_signed(o, &b, bytes)) return CF_OBSERVER_DEPLOYMENT;
  cf_chain_fini(c); /* anybody can answer with that: it is asked for again */
  cf_chain_init(c);
  return CF_OBSERVER_LEDGER;
}

static cf_observer_code_t take_block(cf_observer_t *o, cf_span_t bytes) {
  cf_chain_t *c = &o->embedded.chain;
  if (!c->started) return start_chain(o, bytes);
  cf_status_t st = cf_chain_replay(c, bytes, NULL);
  if (c->broken) return CF_OBSERVER_RULES;
  if (st) return is_fork(o, bytes) ? CF_OBSERVER_FORK : CF_OBSERVER_LEDGER;
  return CF_OBSERVER_OK;
}

/* A block that was watched for came after the moment at which it was last missing; one that is read while catching up has no such
 * bound. */
static bool is_skewed(cf_observer_t const *o, uint64_t now_s) {
  cf_observer_block_t const *b = &o->newest;
  return b->time_s > now_s + CF_BLOCK_SKEW_S || (b->number && b->time_s + CF_BLOCK_SKEW_S < o->embedded.absent_s);
}

static void answered(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev) {
  cf_observer_embedded_t *e = &o->embedded;
  if (!ev->status && ev->code == 404) {
    e->absent_s = e->asked_s;
    cf_observer_ended(o, e->chain.started ? CF_OBSERVER_OK : CF_OBSERVER_LEDGER);
    return;
  }
  cf_observer_code_t code = ev->status || ev->code != 200 ? CF_OBSERVER_LEDGER : take_block(o, ev->body);
  if (!code) {
    o->newest = (cf_observer_block_t){e->chain.head.number, e->chain.hash, e->chain.head.time_s};
    o->skewed = is_skewed(o, ev->now.wall_ms / 1000);
    if (cf_observer_contradicts(o, &o->newest)) code = CF_OBSERVER_FORK;
  }
  if (code) {
    cf_observer_ended(o, code);
    return;
  }
  o->asking = false;
  ask(o, fx, ev->now);
}

cf_observer_kind_t const cf_observer_embedded = {init, fini, ask, answered, tick};
