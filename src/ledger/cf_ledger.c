#include "ledger/cf_ledger.h"

#include <assert.h>
#include <stdio.h>

#include "ledger/cf_ledger_impl.h"

/* ---- one call under way ---- */

cf_hash_t cf_tx_get(cf_tx_t *tx, cf_hash_t const *key) {
  for (size_t i = tx->fx->writes_cnt; i-- > 0;)
    if (cf_hash_eq(&tx->fx->writes[i].key, key)) return tx->fx->writes[i].value;
  return tx->slots.read(tx->slots.ctx, key);
}

void cf_tx_push(cf_tx_t *tx, cf_hash_t const *key, cf_hash_t const *value) {
  if (tx->fx->writes_cnt == tx->fx->writes_max) {
    cf_tx_refuse(tx, CF_REFUSAL_BOUND, tx->fx->writes_max, 0);
    return;
  }
  tx->fx->writes[tx->fx->writes_cnt++] = (cf_slot_write_t){ *key, *value };
}

void cf_tx_put(cf_tx_t *tx, cf_hash_t const *key, cf_hash_t const *value) {
  for (size_t i = tx->fx->writes_cnt; i-- > 0;)
    if (cf_hash_eq(&tx->fx->writes[i].key, key)) {
      tx->fx->writes[i].value = *value;
      return;
    }
  cf_tx_push(tx, key, value);
}

bool cf_tx_refuse(cf_tx_t *tx, cf_refusal_code_t code, uint64_t a, uint64_t b) {
  if (tx->refusal.code == CF_REFUSAL_NONE) tx->refusal = (cf_refusal_t){ code, { a, b } };
  return false;
}

void cf_tx_put_status(cf_tx_t *tx) {
  cf_hash_t key = cf_slot_plain(CF_SLOT_STATUS), word = cf_ledger_status_pack(&tx->status);
  cf_tx_put(tx, &key, &word);
}

void cf_tx_message(cf_tx_t *tx, cf_inbox_msg_t *msg) {
  msg->time_s = tx->env->time_s;
  cf_wr_t wr  = cf_wr_init(tx->fx->message_buf, sizeof tx->fx->message_buf);
  cf_inbox_msg_write(&wr, msg);
  assert(!wr.bad);
  tx->fx->message = cf_wr_out(&wr);

  cf_hash_t key   = cf_slot_plain(CF_SLOT_INBOX);
  cf_hash_t inbox = cf_tx_get(tx, &key);
  inbox           = cf_inbox_fold(&inbox, tx->fx->message);
  cf_tx_put(tx, &key, &inbox);
}

cf_ledger_counters_t cf_tx_counters(cf_tx_t *tx) {
  cf_hash_t key = cf_slot_plain(CF_SLOT_COUNTERS), word = cf_tx_get(tx, &key);
  return cf_ledger_counters_unpack(&word);
}

void cf_tx_put_counters(cf_tx_t *tx, cf_ledger_counters_t const *c) {
  cf_hash_t key = cf_slot_plain(CF_SLOT_COUNTERS), word = cf_ledger_counters_pack(c);
  cf_tx_put(tx, &key, &word);
}

uint32_t cf_tx_council_in_force(cf_tx_t *tx, cf_ledger_counters_t const *c) {
  cf_hash_t         key = cf_slot_council(CF_LEDGER_GOVERNORS, c->council), word = cf_tx_get(tx, &key);
  cf_ledger_seats_t seats = cf_ledger_seats_unpack(&word); /* all councils of a version start together */
  return tx->env->time_s >= seats.from_s ? c->council : c->prev_council;
}

bool cf_tx_signed(cf_tx_t *tx, cf_ledger_council_t council, uint32_t version, cf_member_sigs_t const *sigs,
                  cf_hash_t const *digest) {
  static cf_addr_t const nobody;
  cf_hash_t              base = cf_slot_council(council, version), word = cf_tx_get(tx, &base);
  cf_ledger_seats_t      seats = cf_ledger_seats_unpack(&word);
  if (seats.k == 0 || sigs->cnt != seats.k) return cf_tx_refuse(tx, CF_REFUSAL_SIGNATURES, sigs->cnt, 0);

  for (size_t i = 0; i < sigs->cnt; i++) {
    cf_member_sig_t const *s = &sigs->at[i];
    bool ascending = i == 0 || s->member > sigs->at[i - 1].member;
    if (!ascending || s->member >= seats.n) return cf_tx_refuse(tx, CF_REFUSAL_SIGNATURES, i, 0);
    cf_hash_t seat = cf_slot_add(&base, 1u + s->member);
    word           = cf_tx_get(tx, &seat);
    cf_addr_t member = cf_word_get_addr(&word), signer;
    if (cf_addr_eq(&member, &nobody) || cf_k256_recover(&signer, s->sig, digest) || !cf_addr_eq(&signer, &member))
      return cf_tx_refuse(tx, CF_REFUSAL_SIGNATURES, i, 0);
  }
  return true;
}

uint64_t cf_tx_lane(cf_tx_t *tx, cf_hash_t const *lanes, uint32_t id) {
  cf_hash_t key = cf_slot_add(lanes, id >> 2), word = cf_tx_get(tx, &key);
  return cf_word_get(&word, cf_lane_bit(id), 64);
}

void cf_tx_put_lane(cf_tx_t *tx, cf_hash_t const *lanes, uint32_t id, uint64_t lane) {
  cf_hash_t key = cf_slot_add(lanes, id >> 2), word = cf_tx_get(tx, &key);
  cf_word_set(&word, cf_lane_bit(id), 64, lane);
  cf_tx_put(tx, &key, &word);
}

cf_ledger_bucket_t cf_tx_bucket(cf_tx_t *tx, uint32_t asset) {
  cf_hash_t          key = cf_slot_bucket(asset), next = cf_slot_add(&key, 1);
  cf_hash_t const    word[2] = { cf_tx_get(tx, &key), cf_tx_get(tx, &next) };
  cf_ledger_bucket_t b       = cf_ledger_bucket_unpack(word);
  cf_ledger_bucket_fill(&b, tx->env->time_s);
  return b;
}

void cf_tx_put_bucket(cf_tx_t *tx, uint32_t asset, cf_ledger_bucket_t const *b) {
  cf_hash_t key = cf_slot_bucket(asset), next = cf_slot_add(&key, 1), word[2];
  cf_ledger_bucket_pack(word, b);
  cf_tx_put(tx, &key, &word[0]);
  cf_hash_t waits = cf_tx_get(tx, &next);
  if (!cf_hash_eq(&waits, &word[1])) cf_tx_put(tx, &next, &word[1]);
}

uint32_t cf_ledger_policy_in_force(cf_ledger_status_t const *status, uint64_t now_s) {
  return now_s >= status->switch_at_s ? status->policy_b : status->policy_a;
}

/* ---- apply ---- */

static cf_tx_t begin(cf_ledger_config_t const *cfg, cf_slot_reader_t slots, cf_ledger_env_t const *env, cf_ledger_effects_t *fx) {
  assert(cf_addr_eq(&env->contract, &cfg->contract) && env->time_s <= CF_LEDGER_TIME_MAX);
  *fx              = (cf_ledger_effects_t){ .writes = fx->writes, .writes_max = fx->writes_max };
  cf_hash_t key    = cf_slot_plain(CF_SLOT_STATUS);
  cf_hash_t status = slots.read(slots.ctx, &key);
  return (cf_tx_t){ .cfg = cfg, .slots = slots, .env = env, .fx = fx, .status = cf_ledger_status_unpack(&status) };
}

static cf_refusal_t end(cf_tx_t *tx) {
  if (tx->refusal.code) *tx->fx = (cf_ledger_effects_t){ .writes = tx->fx->writes, .writes_max = tx->fx->writes_max };
  return tx->refusal;
}

/* What a dead ledger still does: let money out. */
static bool outlives(cf_op_kind_t kind) {
  return kind == CF_OP_WITHDRAW || kind == CF_OP_FINALIZE_EXIT || kind == CF_OP_ROOT_EXIT || kind == CF_OP_SETTLE;
}

/* In net the money lies in lanes, in root behind the state root: each has its own door out. */
static bool of_mode(cf_op_kind_t kind, uint8_t mode) {
  if (kind == CF_OP_OPEN_LANE || kind == CF_OP_FINALIZE_EXIT) return mode == CF_MODE_NET;
  return kind != CF_OP_ROOT_EXIT || mode == CF_MODE_ROOT;
}

static void dispatch(cf_tx_t *tx, cf_op_t const *op) {
  if (!of_mode(op->kind, tx->cfg->mode)) {
    cf_tx_refuse(tx, CF_REFUSAL_MODE, tx->cfg->mode, 0);
    return;
  }
  if (tx->status.dead && !outlives(op->kind)) {
    cf_tx_refuse(tx, CF_REFUSAL_DEAD, 0, 0);
    return;
  }
  switch (op->kind) {
  case CF_OP_SETTLE: cf_tx_settle(tx, op, NULL, &tx->fx->settled.head); return; /* checks Dead in its own order */
  case CF_OP_OPEN: cf_tx_open(tx, op); return;
  case CF_OP_OPEN_LANE: cf_tx_open_lane(tx, op); return;
  case CF_OP_DEPOSIT: cf_tx_deposit(tx, op); return;
  case CF_OP_WITHDRAW: cf_tx_withdraw(tx, op); return;
  case CF_OP_REQUEST_EXIT: cf_tx_request_exit(tx, op); return;
  case CF_OP_FINALIZE_EXIT: cf_tx_finalize_exit(tx, op); return;
  case CF_OP_ROOT_EXIT: cf_tx_root_exit(tx, op); return;
  case CF_OP_ALARM: cf_tx_alarm(tx, op); return;
  case CF_OP_DECLARE_DEAD: cf_tx_declare_dead(tx, op); return;
  case CF_OP_REGISTER: cf_tx_register(tx, op); return;
  case CF_OP_REVOKE_KEY: cf_tx_revoke_key(tx, op); return;
  case CF_OP_ACT: cf_tx_act(tx, op); return;
  }
  cf_tx_refuse(tx, CF_REFUSAL_CALL, 0, 0);
}

cf_refusal_t cf_ledger_apply(cf_ledger_config_t const *cfg, cf_slot_reader_t slots, cf_ledger_env_t const *env, cf_op_t const *op,
                             cf_ledger_effects_t *fx) {
  cf_tx_t tx = begin(cfg, slots, env, fx);
  dispatch(&tx, op);
  return end(&tx);
}

cf_refusal_t cf_ledger_preflight_settle(cf_ledger_config_t const *cfg, cf_slot_reader_t slots, cf_ledger_env_t const *env,
                                        cf_op_t const *settle, cf_addr_t const *key, cf_ledger_effects_t *fx, cf_hash_t *digest) {
  cf_tx_t tx = begin(cfg, slots, env, fx);
  cf_tx_settle(&tx, settle, key, digest);
  return end(&tx);
}

/* ---- names ---- */

static struct {
  char const *name;
  char const *fact[2];
} const refusals[CF_REFUSALS] = {
  [CF_REFUSAL_NONE]         = { "", { 0 } },
  [CF_REFUSAL_WRONG_CHAIN]  = { "WrongChain", { "chain" } },
  [CF_REFUSAL_DEAD]         = { "Dead", { 0 } },
  [CF_REFUSAL_PAUSED]       = { "Paused", { "until" } },
  [CF_REFUSAL_EXPIRED]      = { "Expired", { "validUntil" } },
  [CF_REFUSAL_VALIDITY]     = { "Validity", { "validUntil", "asOf" } },
  [CF_REFUSAL_POLICY]       = { "Policy", { "policy" } },
  [CF_REFUSAL_MODE]         = { "Mode", { "mode" } },
  [CF_REFUSAL_KEY]          = { "Key", { 0 } },
  [CF_REFUSAL_ENTRIES]      = { "Entries", { "offset" } },
  [CF_REFUSAL_LANE]         = { "Lane", { "asset", "id" } },
  [CF_REFUSAL_CAP]          = { "Cap", { "asset", "level" } },
  [CF_REFUSAL_UNBALANCED]   = { "Unbalanced", { "asset" } },
  [CF_REFUSAL_OWNER]        = { "Owner", { "id" } },
  [CF_REFUSAL_ALREADY_OPEN] = { "AlreadyOpen", { "id" } },
  [CF_REFUSAL_FULL]         = { "Full", { 0 } },
  [CF_REFUSAL_ACCOUNT]      = { "Account", { "id" } },
  [CF_REFUSAL_ASSET]        = { "Asset", { "asset" } },
  [CF_REFUSAL_EXITING]      = { "Exiting", { "id", "exitAt" } },
  [CF_REFUSAL_UNITS]        = { "Units", { 0 } },
  [CF_REFUSAL_ISSUER]       = { "Issuer", { "asset" } },
  [CF_REFUSAL_HELD]         = { "Held", { "asset", "held" } },
  [CF_REFUSAL_FREE]         = { "Free", { "units" } },
  [CF_REFUSAL_RECIPIENT]    = { "Recipient", { 0 } },
  [CF_REFUSAL_EXIT_DELAY]   = { "ExitDelay", { "from" } },
  [CF_REFUSAL_NOTHING]      = { "Nothing", { 0 } },
  [CF_REFUSAL_ALARMED]      = { "Alarmed", { "since" } },
  [CF_REFUSAL_NO_ALARM]     = { "NoAlarm", { 0 } },
  [CF_REFUSAL_DEAD_DELAY]   = { "DeadDelay", { "from" } },
  [CF_REFUSAL_ALIVE]        = { "Alive", { 0 } },
  [CF_REFUSAL_HEAD]         = { "Head", { 0 } },
  [CF_REFUSAL_LEAF]         = { "Leaf", { "position" } },
  [CF_REFUSAL_COUNCIL]      = { "Council", { "version" } },
  [CF_REFUSAL_SIGNATURES]   = { "Signatures", { "at" } },
  [CF_REFUSAL_POSSESSION]   = { "Possession", { 0 } },
  [CF_REFUSAL_KEY_KNOWN]    = { "KeyKnown", { "state" } },
  [CF_REFUSAL_TERM]         = { "Term", { "notBefore", "notAfter" } },
  [CF_REFUSAL_MEASUREMENT]  = { "Measurement", { "until" } },
  [CF_REFUSAL_KEY_POLICY]   = { "KeyPolicy", { "minKeyPolicy" } },
  [CF_REFUSAL_TCB]          = { "Tcb", { "tcb" } },
  [CF_REFUSAL_EPOCH]        = { "Epoch", { "floorEpoch" } },
  [CF_REFUSAL_REVOKED]      = { "Revoked", { 0 } },
  [CF_REFUSAL_DELAY]        = { "Delay", { "notBefore" } },
  [CF_REFUSAL_FENCE]        = { "Fence", { 0 } },
  [CF_REFUSAL_ACT]          = { "Act", { 0 } },
  [CF_REFUSAL_ACT_NUMBER]   = { "ActNumber", { "last" } },
  [CF_REFUSAL_ACT_EXPIRED]  = { "ActExpired", { "notAfter" } },
  [CF_REFUSAL_COOLDOWN]     = { "Cooldown", { "from" } },
  [CF_REFUSAL_NOTICE]       = { "Notice", { "from" } },
  [CF_REFUSAL_PENDING]      = { "Pending", { "until" } },
  [CF_REFUSAL_VERSION]      = { "Version", { "last" } },
  [CF_REFUSAL_SEATS]        = { "Seats", { "council" } },
  [CF_REFUSAL_NOT_LESS]     = { "NotLess", { 0 } },
  [CF_REFUSAL_BOUND]        = { "Bound", { "max" } },
  [CF_REFUSAL_CALL]         = { "Call", { 0 } },
  [CF_REFUSAL_SENDER]       = { "Sender", { 0 } },
  [CF_REFUSAL_DEADLINE]     = { "Deadline", { "deadline" } },
  [CF_REFUSAL_NONCE]        = { "Nonce", { "next" } },
};

char const *cf_refusal_name(cf_refusal_code_t code) { return code < CF_REFUSALS ? refusals[code].name : ""; }

size_t cf_refusal_print(char *out, size_t out_max, cf_refusal_t const *r) {
  char const *a = refusals[r->code].fact[0], *b = refusals[r->code].fact[1];
  int         n;
  if (b) {
    n = snprintf(out, out_max, "%s(%s=%llu, %s=%llu)", refusals[r->code].name, a, (unsigned long long)r->fact[0], b,
                 (unsigned long long)r->fact[1]);
  } else if (a) n = snprintf(out, out_max, "%s(%s=%llu)", refusals[r->code].name, a, (unsigned long long)r->fact[0]);
  else n = snprintf(out, out_max, "%s()", refusals[r->code].name);
  return n < 0 || out_max == 0 ? 0 : (size_t)n < out_max ? (size_t)n : out_max - 1;
}
