/* A ledger on a chain: the observer asks its own node.  A reading is two or three questions, each behind the answer to the one before:
   which block is final, and whether the block that was signed last still stands; with a count of confirmations, the block so
   far below; and the proof of the contract in that block.

   What the node can prove, it must.  That its chain is the one that everybody else means, and that it does not give up its final blocks, is
   what the operator of an observer chose it for: of two nodes that contradict each other one is wrong, and k of n observers, who ask
   different ones, decide (ONCHAIN 4.10, "chain split"). */
#include "council/cf_observer_kind.h"

#include <assert.h>

#include "ledger/cf_ledger_proof.h"

enum { FIRST_ID = 1, QUESTION_MAX = 1024 };

static void init(cf_observer_t *o) {}

static void fini(cf_observer_t *o) {}

static void tick(cf_observer_t *o, cf_effects_t *fx, cf_now_t now) {}

/* ---- questions ---- */

static cf_jw_t begin(cf_wr_t *wr, cf_effects_t *fx) {
  *wr = cf_wr_init(cf_fx_room(fx, QUESTION_MAX), QUESTION_MAX);
  return cf_jw_init(wr);
}

static void send(cf_observer_t *o, cf_effects_t *fx, cf_observer_stage_t stage, cf_wr_t const *wr) {
  assert(!wr->bad);
  o->evm.stage = stage;
  cf_fx_ask(fx, CF_OBSERVER_ID_LEDGER, o->cfg.ledger, CF_SPAN_LIT("POST /"), cf_wr_out(wr), CF_OBSERVER_TIMEOUT_MS);
}

/* Which chain, its newest block that may be final, and the one that was signed last. */
static void ask_tip(cf_observer_t *o, cf_effects_t *fx) {
  cf_observer_evm_t *e = &o->evm;
  cf_wr_t            wr;
  cf_jw_t            j = begin(&wr, fx);
  e->held = o->last;
  cf_jw_arr(&j, NULL);
  cf_evm_ask_chain_id(&j, FIRST_ID);
  cf_evm_ask_block(&j, FIRST_ID + 1, &(cf_evm_at_t){.tag = o->cfg.confirmations ? CF_EVM_LATEST : CF_EVM_FINALIZED});
  if (e->held.any) cf_evm_ask_block(&j, FIRST_ID + 2, &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = e->held.number});
  cf_jw_end(&j, ']');
  send(o, fx, CF_OBSERVER_TIP, &wr);
}

static void ask_final(cf_observer_t *o, cf_effects_t *fx, uint64_t number) {
  cf_wr_t wr;
  cf_jw_t j = begin(&wr, fx);
  o->evm.number = number;
  cf_evm_ask_block(&j, FIRST_ID, &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = number});
  send(o, fx, CF_OBSERVER_FINAL, &wr);
}

static void ask_proof(cf_observer_t *o, cf_effects_t *fx) {
  cf_wr_t wr;
  cf_jw_t j = begin(&wr, fx);
  cf_evm_ask_proof(&j, FIRST_ID, &o->cfg.domain->ledger.contract, NULL, 0,
                   &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = o->evm.block.number});
  send(o, fx, CF_OBSERVER_PROOF, &wr);
}

static void ask(cf_observer_t *o, cf_effects_t *fx, cf_now_t now) {
  if (cf_observer_may_ask(o)) ask_tip(o, fx);
}

/* ---- answers: each ends the reading with a code, or goes on with OK ---- */

/* A question that is asked alone is answered by an object, a batch by an array: cf_jsonrpc_read knows both. */
static bool read_answers(cf_jsonrpc_answer_t *a, size_t n, cf_event_t const *ev) {
  if (ev->status || ev->code != 200 || ev->body.len > CF_EVM_BODY_MAX || cf_jsonrpc_read(a, n, FIRST_ID, ev->body, NULL)) return false;
  for (size_t i = 0; i < n; i++)
    if (a[i].result.type == CF_JSON_BAD) return false;
  return true;
}

/* The block that was signed last, as the node has it now; time_s is its time, which is authentic when the hash is. */
static cf_observer_code_t see_held(cf_observer_t const *o, uint64_t *time_s, cf_json_t v) {
  cf_observer_signed_t const *held = &o->evm.held;
  cf_evm_block_t              b;
  if (cf_evm_read_block(&b, v, &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = held->number}, NULL)) return CF_OBSERVER_LEDGER;
  if (!b.known) return CF_OBSERVER_BEHIND;
  *time_s = b.header.time_s;
  return cf_hash_eq(&b.hash, &held->hash) ? CF_OBSERVER_OK : CF_OBSERVER_FORK;
}

/* A final block, before it is proven. */
static cf_observer_code_t see_final(cf_observer_t *o, cf_effects_t *fx, cf_evm_block_t const *b) {
  o->evm.block = (cf_observer_block_t){b->header.number, b->hash, b->header.time_s};
  o->evm.state_root = b->header.state_root;
  if (cf_observer_contradicts(o, &o->evm.block)) return CF_OBSERVER_FORK;
  ask_proof(o, fx);
  return CF_OBSERVER_OK;
}

static cf_observer_code_t on_tip(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev) {
  cf_observer_evm_t  *e = &o->evm;
  cf_jsonrpc_answer_t a[3];
  cf_evm_block_t      tip;
  uint64_t            held_s = 0;
  if (!read_answers(a, e->held.any ? 3 : 2, ev)) return CF_OBSERVER_LEDGER;
  cf_status_t st = cf_evm_read_chain_id(a[0].result, o->cfg.domain->ledger.chain_id, NULL);
  if (st) return st == CF_ERR_POLICY ? CF_OBSERVER_DEPLOYMENT : CF_OBSERVER_LEDGER;
  cf_observer_code_t code = e->held.any ? see_held(o, &held_s, a[2].result) : CF_OBSERVER_OK;
  if (code) return code;
  if (cf_evm_read_block(&tip, a[1].result, &(cf_evm_at_t){.tag = CF_EVM_LATEST}, NULL)) return CF_OBSERVER_LEDGER;
  uint64_t below = o->cfg.confirmations;
  if (!tip.known || tip.header.number < below || (e->held.any && tip.header.number - below < e->held.number)) return CF_OBSERVER_BEHIND;
  e->held_s = held_s;
  if (!below) return see_final(o, fx, &tip);
  ask_final(o, fx, tip.header.number - below);
  return CF_OBSERVER_OK;
}

static cf_observer_code_t on_final(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev) {
  cf_jsonrpc_answer_t a;
  cf_evm_block_t      b;
  cf_evm_at_t const   at = {.tag = CF_EVM_NUMBER, .number = o->evm.number};
  if (!read_answers(&a, 1, ev) || cf_evm_read_block(&b, a.result, &at, NULL) || !b.known) return CF_OBSERVER_LEDGER;
  return see_final(o, fx, &b);
}

/* A contract that is not there yet is no account, or one that only holds money. */
static cf_observer_code_t on_proof(cf_observer_t *o, cf_event_t const *ev) {
  cf_observer_evm_t  *e = &o->evm;
  cf_jsonrpc_answer_t a;
  cf_evm_account_t    account;
  cf_hash_t const     no_code = cf_keccak256(CF_SPAN(NULL, 0));
  cf_wr_t             room = cf_wr_init(e->proof, sizeof e->proof);
  if (!read_answers(&a, 1, ev) ||
      cf_evm_read_account(&account, &room, a.result, &o->cfg.domain->ledger.contract, &e->state_root, NULL))
    return CF_OBSERVER_LEDGER;
  if (!account.exists || cf_hash_eq(&account.code_hash, &no_code)) return CF_OBSERVER_BEHIND;
  o->code = account.code_hash;
  return CF_OBSERVER_OK;
}

/* Final blocks are minutes old, and how old they may be the parameters say: keyDelay + finality < V / 2 (ONCHAIN 4.1), or what is
   signed on such a block lapses before it can execute.  It binds a node that stands still, too: an old block under a new checkpoint of
   the log would show as live what was revoked since. */
static uint64_t age_max_s(cf_domain_t const *d) {
  cf_ledger_config_t const *c = &d->block0.config;
  return c->max_validity_s / 2 - c->key_delay_s + CF_BLOCK_SKEW_S;
}

static cf_observer_code_t judge_time(cf_observer_t *o, uint64_t now_s) {
  uint64_t time_s = o->evm.block.time_s;
  o->skewed = time_s > now_s + CF_BLOCK_SKEW_S;
  if (o->evm.held.any && time_s < o->evm.held_s) return CF_OBSERVER_RULES;
  return now_s > time_s && now_s - time_s > age_max_s(o->cfg.domain) ? CF_OBSERVER_BEHIND : CF_OBSERVER_OK;
}

static void answered(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev) {
  cf_observer_evm_t *e = &o->evm;
  cf_observer_code_t code = CF_OBSERVER_OK;
  switch (e->stage) {
  case CF_OBSERVER_TIP: code = on_tip(o, fx, ev); break;
  case CF_OBSERVER_FINAL: code = on_final(o, fx, ev); break;
  case CF_OBSERVER_PROOF:
    if (o->last.any && (!e->held.any || o->last.number != e->held.number)) { /* signed meanwhile: is that one on this chain? */
      ask_tip(o, fx);
      return;
    }
    code = on_proof(o, ev);
    if (!code) code = judge_time(o, ev->now.wall_ms / 1000);
    if (!code) o->newest = e->block;
    cf_observer_ended(o, code);
    return;
  }
  if (code) cf_observer_ended(o, code);
}

cf_observer_kind_t const cf_observer_evm = {init, fini, ask, answered, tick};
