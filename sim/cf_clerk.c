#include "cf_clerk.h"

#include <stdlib.h>

#include "cf_town.h"
#include "ledger/cf_act.h"
#include "ledger/cf_settlement.h"

enum { TIMEOUT_MS = 3000, RETRY_MS = 500, CALL_SZ = 512, DAY_S = 86400 };

static bool has(cf_span_t text, char const *word) { return text.len && memmem(text.ptr, text.len, word, strlen(word)); }

static bool is_exit(cf_clerk_act_t const *a) { return a->kind == CF_OP_REQUEST_EXIT || a->kind == CF_OP_FINALIZE_EXIT; }

/* ---- what is planned ---- */

static void add(cf_clerk_t *c, cf_clerk_act_t a) {
  if (c->acts == CF_CLERK_ACTS_MAX) return;
  a.nonce = c->acts + 1000;
  c->act[c->acts++] = a;
}

static void finalize(cf_clerk_t *c, uint32_t account, uint64_t due_ms) {
  for (uint32_t a = 0; a < c->town->assets; a++)
    add(c, (cf_clerk_act_t){.kind = CF_OP_FINALIZE_EXIT, .account = account, .asset = a, .due_ms = due_ms});
}

void cf_clerk_plan(cf_clerk_t *c, cf_town_t *t, uint64_t from_ms, uint64_t until_ms) {
  cf_prng_t *dice = &t->world.dice;
  uint64_t   span = until_ms - from_ms - 6000;
  c->town = t;
  c->deadline_s = from_ms / 1000 + DAY_S;
#define WHEN (from_ms + 6000 + cf_prng_below(dice, span))
  for (uint64_t n = cf_prng_below(dice, 4); n > 0; n--)
    add(c, (cf_clerk_act_t){.kind = CF_OP_DEPOSIT,
                            .account = 1 + (uint32_t)cf_prng_below(dice, t->parties),
                            .asset = (uint32_t)cf_prng_below(dice, t->assets),
                            .units = 1 + cf_prng_below(dice, 5000),
                            .due_ms = WHEN,
                            .sender = t->keys.treasury});
  if (cf_prng_chance(dice, 40000)) add(c, (cf_clerk_act_t){.kind = CF_OP_ACT, .due_ms = WHEN});
  if (cf_prng_chance(dice, 20000)) add(c, (cf_clerk_act_t){.kind = CF_OP_ALARM, .due_ms = WHEN});
  if (!cf_prng_chance(dice, 30000)) return;
  uint32_t account = 1 + (uint32_t)cf_prng_below(dice, t->parties);
  uint64_t at = WHEN;
#undef WHEN
  add(c, (cf_clerk_act_t){.kind = CF_OP_REQUEST_EXIT, .account = account, .due_ms = at, .sender = t->party[account - 1].wallet.scalar});
}

/* Nobody can settle any more: the alarm, its delay, and everybody is paid what the ledger says. */
void cf_clerk_close(cf_clerk_t *c) {
  c->closing = true;
  add(c, (cf_clerk_act_t){.kind = CF_OP_ALARM});
}

uint32_t cf_clerk_leaver(cf_clerk_t const *c) {
  for (size_t i = 0; i < c->acts; i++)
    if (c->act[i].kind == CF_OP_REQUEST_EXIT && c->act[i].done) return c->act[i].account;
  return 0;
}

bool cf_clerk_done(cf_clerk_t const *c) {
  for (size_t i = 0; i < c->acts; i++)
    if (!c->act[i].done) return false;
  return !c->busy;
}

/* ---- one act ---- */

static void sign_pause(cf_clerk_t *c, cf_op_t *op, uint8_t body[64]) {
  cf_wr_t  wr = cf_wr_init(body, 64);
  cf_act_t pause = {.kind = CF_ACT_PAUSE};
  cf_act_write(&wr, &pause);
  op->body = cf_wr_out(&wr);
  op->council = CF_LEDGER_GUARDIANS;
  op->version = 1;
  op->number = c->pauses + 1;
  op->not_after_s = c->deadline_s;
  op->sigs.cnt = 1;
  op->sigs.at[0].member = 0;
  cf_hash_t hash = cf_keccak256(op->body), digest = cf_act_digest(&c->town->domain->ledger.separator, op->council, op->version, op->number,
                                                                  op->not_after_s, &hash);
  if (cf_k256_sign(op->sigs.at[0].sig, c->town->keys.member[CF_GUARDIANS][0].scalar, &digest)) abort();
}

static void post(cf_clerk_t *c, cf_effects_t *fx, cf_clerk_act_t *a) {
  cf_town_t *t = c->town;
  uint8_t    op_buf[256], act_buf[64];
  cf_wr_t    ow = cf_wr_init(op_buf, sizeof op_buf), wr = cf_wr_init(cf_fx_room(fx, CALL_SZ), CALL_SZ);
  cf_op_t    op = {.kind = a->kind, .id = a->account, .asset = a->asset, .units = a->units};
  cf_call_t  call = {.deadline_s = c->deadline_s};
  if (a->sender && !a->posted) a->nonce = a->kind == CF_OP_DEPOSIT ? t->assets * t->parties + c->deposits : 0;
  a->posted = true;
  call.nonce = a->nonce;
  if (a->kind == CF_OP_ACT) sign_pause(c, &op, act_buf);
  cf_op_write(&ow, &op);
  call.op = cf_wr_out(&ow);
  if (a->sender && cf_call_sign(&call, &t->domain->ledger.separator, a->sender)) abort();
  cf_wr_u32(&wr, 0);
  cf_call_write(&wr, &call);
  cf_wr_t len = cf_wr_init(wr.buf, 4);
  cf_wr_u32(&len, (uint32_t)(wr.len - 4));
  c->busy = true;
  cf_fx_ask(fx, ++c->serial, CF_PEER_LEDGER, CF_SPAN_LIT("POST /ledger/acts"), cf_wr_out(&wr), TIMEOUT_MS);
}

/* ---- what became of it ---- */

static void taken(cf_clerk_t *c, cf_clerk_act_t const *a) {
  cf_town_t      *t = c->town;
  cf_sim_counts_t *n = &t->world.counts;
  uint64_t        now_ms = t->world.now_ms;
  cf_world_say(&t->world, "clerk: act %u of account %u, asset %u is taken", a->kind, a->account, a->asset);
  if (a->kind == CF_OP_DEPOSIT) c->deposits++, n->happened[CF_HAPPENED_DEPOSIT]++;
  if (a->kind == CF_OP_ACT) c->pauses++, n->fault[CF_FAULT_PAUSE]++;
  if (a->kind == CF_OP_REQUEST_EXIT) {
    n->fault[CF_FAULT_EXIT]++;
    finalize(c, a->account, now_ms + (t->domain->genesis.ledger.exit_delay_s + 2) * 1000);
  }
  if (a->kind == CF_OP_ALARM) {
    n->fault[CF_FAULT_ALARM]++;
    if (c->closing) add(c, (cf_clerk_act_t){.kind = CF_OP_DECLARE_DEAD, .due_ms = now_ms + (t->domain->genesis.ledger.dead_after_s + 2) * 1000});
  }
  if (a->kind == CF_OP_DECLARE_DEAD)
    for (uint32_t i = 1; i <= t->parties; i++) finalize(c, i, now_ms);
  if (a->kind == CF_OP_FINALIZE_EXIT) n->happened[CF_HAPPENED_EXIT]++;
}

/* Refused for good, and rightly; or it comes again. */
static bool senseless(cf_clerk_t *c, cf_clerk_act_t const *a, cf_span_t answer) {
  if (a->kind == CF_OP_DEPOSIT) return !has(answer, "\"Paused\"");
  if (a->kind == CF_OP_FINALIZE_EXIT && has(answer, "\"Nothing\"")) return true;
  if (a->kind == CF_OP_DECLARE_DEAD && has(answer, "\"NoAlarm\"")) add(c, (cf_clerk_act_t){.kind = CF_OP_ALARM}); /* the head moved once more */
  if (a->kind == CF_OP_ALARM && c->closing && has(answer, "\"Alarmed\""))
    add(c, (cf_clerk_act_t){.kind = CF_OP_DECLARE_DEAD,
                            .due_ms = c->town->world.now_ms + (c->town->domain->genesis.ledger.dead_after_s + 2) * 1000});
  return !is_exit(a) && !has(answer, "\"DeadDelay\"");
}

/* Due by the ledger's own clock, which may be behind ours. */
static bool due_there(cf_clerk_t const *c, cf_clerk_act_t const *a) {
  return a->kind == CF_OP_REQUEST_EXIT || (a->due_ms <= c->town->check.ledger_s * 1000 && a->due_ms);
}

static void on_answer(cf_clerk_t *c, cf_event_t const *ev) {
  cf_clerk_act_t *a = &c->act[c->at];
  c->busy = false;
  c->retry_ms = ev->now.mono_ms + RETRY_MS;
  if (ev->status || ev->code != 200) return;
  if (!has(ev->body, "\"refusal\"")) {
    a->done = has(ev->body, "\"block\"");
    cf_clerk_act_t const was = *a;
    if (was.done) taken(c, &was);
    return;
  }
  if (is_exit(a) && due_there(c, a) && !has(ev->body, "\"Nothing\"") && !(a->kind == CF_OP_REQUEST_EXIT && has(ev->body, "\"Account\"")))
    cf_world_fail(&c->town->world, 11, "account %u may leave, and cannot: %.*s", a->account, (int)ev->body.len, (char const *)ev->body.ptr);
  cf_clerk_act_t const was = *a;
  bool drop = senseless(c, &was, ev->body);
  c->act[c->at].done = drop;
  cf_world_say(&c->town->world, "clerk: act %u of account %u, asset %u: %.*s", was.kind, was.account, was.asset, (int)ev->body.len,
               (char const *)ev->body.ptr);
}

/* The treasury has one call under way at a time: its calls are numbered. */
static bool may_post(cf_clerk_t const *c, cf_clerk_act_t const *a) {
  if (a->done || a->due_ms > c->town->world.now_ms) return false;
  for (size_t i = 0; i < c->acts && a->kind == CF_OP_DEPOSIT; i++)
    if (&c->act[i] != a && c->act[i].kind == CF_OP_DEPOSIT && c->act[i].posted && !c->act[i].done) return false;
  return true;
}

void cf_clerk_step(void *clerk, cf_effects_t *fx, cf_event_t const *ev) {
  cf_clerk_t *c = clerk;
  if (ev->kind == CF_EV_START) {
    c->busy = false;
    c->retry_ms = 0;
  }
  if (ev->kind == CF_EV_DONE && ev->id == c->serial && c->busy) on_answer(c, ev);
  if (c->busy || !c->town || !c->town->bank.done || ev->now.mono_ms < c->retry_ms) return;
  for (size_t n = 1; n <= c->acts; n++) {
    size_t i = (c->at + n) % c->acts;
    if (!may_post(c, &c->act[i])) continue;
    c->at = i;
    post(c, fx, &c->act[i]);
    return;
  }
}
