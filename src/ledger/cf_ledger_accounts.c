/* Accounts, lanes, deposits, ways out, the alarm: ONCHAIN 4.6. */
#include "ledger/cf_ledger_impl.h"

static cf_addr_t const nobody;

/* ---- accounts and lanes ---- */

bool cf_tx_account(cf_tx_t *tx, uint32_t id, cf_ledger_account_t *a) {
  cf_hash_t slot = cf_slot_account(id), word = cf_tx_get(tx, &slot);
  *a = cf_ledger_account_unpack(&word);
  return cf_addr_eq(&a->owner, &nobody) ? cf_tx_refuse(tx, CF_REFUSAL_ACCOUNT, id, 0) : true;
}

static void store_account(cf_tx_t *tx, uint32_t id, cf_ledger_account_t const *a) {
  cf_hash_t slot = cf_slot_account(id), word = cf_ledger_account_pack(a);
  cf_tx_put(tx, &slot, &word);
}

bool cf_tx_asset(cf_tx_t *tx, uint32_t asset, cf_ledger_asset_t *a) {
  cf_hash_t slot = cf_slot_asset(asset), word = cf_tx_get(tx, &slot);
  *a = cf_ledger_asset_unpack(&word);
  return cf_addr_eq(&a->token, &nobody) ? cf_tx_refuse(tx, CF_REFUSAL_ASSET, asset, 0) : true;
}

bool cf_tx_open(cf_tx_t *tx, cf_op_t const *op) {
  if (cf_addr_eq(&op->addr, &nobody)) return cf_tx_refuse(tx, CF_REFUSAL_OWNER, 0, 0);
  cf_hash_t id_slot = cf_slot_id_of(&op->addr), known = cf_tx_get(tx, &id_slot);
  if (!cf_word_is_zero(&known)) return cf_tx_refuse(tx, CF_REFUSAL_ALREADY_OPEN, cf_word_get(&known, 0, 32), 0);
  cf_ledger_counters_t c = cf_tx_counters(tx);
  if (c.next_account == UINT32_MAX) return cf_tx_refuse(tx, CF_REFUSAL_FULL, 0, 0);

  uint32_t  id      = c.next_account++;
  cf_hash_t id_word = cf_word_u64(id);
  store_account(tx, id, &(cf_ledger_account_t){ .owner = op->addr });
  cf_tx_put(tx, &id_slot, &id_word);
  cf_tx_put_counters(tx, &c);
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_OPENED, .id = id, .addr = op->addr });
  tx->fx->account = id;
  return true;
}

bool cf_tx_open_lane(cf_tx_t *tx, cf_op_t const *op) {
  cf_ledger_account_t account;
  cf_ledger_asset_t   asset;
  if (!cf_tx_account(tx, op->id, &account) || !cf_tx_asset(tx, op->asset, &asset)) return false;
  cf_hash_t lanes = cf_slot_lanes(op->asset);
  if (cf_tx_lane(tx, &lanes, op->id) & CF_LANE_OPEN) return cf_tx_refuse(tx, CF_REFUSAL_ALREADY_OPEN, op->id, 0);
  cf_tx_put_lane(tx, &lanes, op->id, CF_LANE_OPEN);
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_LANE_OPENED, .asset = op->asset, .id = op->id });
  return true;
}

static bool credit_lane(cf_tx_t *tx, cf_op_t const *op) {
  cf_hash_t lanes = cf_slot_lanes(op->asset);
  uint64_t  lane  = cf_tx_lane(tx, &lanes, op->id) & CF_LANE_MAX;
  if (op->units > CF_LANE_MAX - lane) return cf_tx_refuse(tx, CF_REFUSAL_HELD, op->asset, tx->env->held);
  cf_tx_put_lane(tx, &lanes, op->id, CF_LANE_OPEN | (lane + op->units));
  return true;
}

bool cf_tx_deposit(cf_tx_t *tx, cf_op_t const *op) {
  uint64_t            now = tx->env->time_s;
  cf_ledger_account_t account;
  cf_ledger_asset_t   asset;
  if (now < tx->status.paused_until_s) return cf_tx_refuse(tx, CF_REFUSAL_PAUSED, tx->status.paused_until_s, 0);
  if (!cf_tx_account(tx, op->id, &account)) return false;
  if (account.closed || account.exit_at_s) return cf_tx_refuse(tx, CF_REFUSAL_EXITING, op->id, account.exit_at_s);
  if (!cf_tx_asset(tx, op->asset, &asset)) return false;
  if (!asset.listed || now < asset.from_s) return cf_tx_refuse(tx, CF_REFUSAL_ASSET, op->asset, 0);
  if (tx->cfg->embedded && !cf_addr_eq(&tx->env->sender, &asset.token)) return cf_tx_refuse(tx, CF_REFUSAL_ISSUER, op->asset, 0);
  if (op->units == 0) return cf_tx_refuse(tx, CF_REFUSAL_UNITS, 0, 0);

  bool fits = tx->env->held <= CF_LANE_MAX && op->units <= CF_LANE_MAX - tx->env->held;
  if (!fits) return cf_tx_refuse(tx, CF_REFUSAL_HELD, op->asset, tx->env->held);
  if (tx->cfg->mode == CF_MODE_ROOT ? !cf_tx_root_credit(tx, op) : !credit_lane(tx, op)) return false;
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_DEPOSITED, .asset = op->asset, .id = op->id, .units = op->units });
  tx->fx->pull = (cf_ledger_transfer_t){ true, op->asset, asset.token, tx->env->sender, op->units };
  return true;
}

/* ---- ways out: never paused, never capped ---- */

bool cf_tx_withdraw(cf_tx_t *tx, cf_op_t const *op) {
  cf_ledger_account_t account;
  cf_ledger_asset_t   asset;
  if (!cf_tx_account(tx, op->id, &account)) return false;
  if (!cf_addr_eq(&tx->env->sender, &account.owner)) return cf_tx_refuse(tx, CF_REFUSAL_OWNER, op->id, 0);
  if (!cf_tx_asset(tx, op->asset, &asset)) return false;
  if (cf_addr_eq(&op->addr, &nobody)) return cf_tx_refuse(tx, CF_REFUSAL_RECIPIENT, 0, 0);
  if (op->units == 0) return cf_tx_refuse(tx, CF_REFUSAL_UNITS, 0, 0);
  cf_hash_t lanes = cf_slot_free_lanes(op->asset);
  uint64_t  lane  = cf_tx_lane(tx, &lanes, op->id) & CF_LANE_MAX;
  if (lane < op->units) return cf_tx_refuse(tx, CF_REFUSAL_FREE, lane, 0);
  if (!cf_tx_may_pay(tx, op, op->units)) return false;
  cf_tx_put_lane(tx, &lanes, op->id, CF_LANE_OPEN | (lane - op->units));
  tx->fx->pay = (cf_ledger_transfer_t){ true, op->asset, asset.token, op->addr, op->units };
  return true;
}

bool cf_tx_request_exit(cf_tx_t *tx, cf_op_t const *op) {
  cf_ledger_account_t account;
  if (!cf_tx_account(tx, op->id, &account)) return false;
  if (!cf_addr_eq(&tx->env->sender, &account.owner)) return cf_tx_refuse(tx, CF_REFUSAL_OWNER, op->id, 0);
  if (account.closed || account.exit_at_s) return cf_tx_refuse(tx, CF_REFUSAL_EXITING, op->id, account.exit_at_s);
  account.exit_at_s = tx->env->time_s;
  store_account(tx, op->id, &account);
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_EXIT_REQUESTED, .id = op->id });
  return true;
}

/* Both lanes are emptied; markers stay, so that a settlement that still credits the account runs and can be swept. */
static uint64_t empty_lane(cf_tx_t *tx, cf_hash_t const *lanes, uint32_t id) {
  uint64_t lane = cf_tx_lane(tx, lanes, id), units = lane & CF_LANE_MAX;
  if (units) cf_tx_put_lane(tx, lanes, id, CF_LANE_OPEN);
  return units;
}

bool cf_tx_finalize_exit(cf_tx_t *tx, cf_op_t const *op) {
  cf_ledger_account_t account;
  cf_ledger_asset_t   asset;
  if (!cf_tx_account(tx, op->id, &account) || !cf_tx_asset(tx, op->asset, &asset)) return false;
  uint64_t from = account.exit_at_s ? account.exit_at_s + tx->cfg->exit_delay_s : 0;
  bool     due  = from != 0 && tx->env->time_s >= from;
  if (!due && !tx->status.dead) return cf_tx_refuse(tx, CF_REFUSAL_EXIT_DELAY, from, 0);
  bool names = !cf_addr_eq(&op->addr, &nobody) && !cf_addr_eq(&op->addr, &account.owner);
  if (names && !cf_addr_eq(&tx->env->sender, &account.owner)) return cf_tx_refuse(tx, CF_REFUSAL_OWNER, op->id, 0);

  cf_hash_t lanes = cf_slot_lanes(op->asset), free_lanes = cf_slot_free_lanes(op->asset);
  uint64_t  units = empty_lane(tx, &lanes, op->id), free_units = empty_lane(tx, &free_lanes, op->id);
  if (units + free_units == 0 && account.closed) return cf_tx_refuse(tx, CF_REFUSAL_NOTHING, 0, 0);
  account.closed = true;
  store_account(tx, op->id, &account);
  cf_tx_message(tx, &(cf_inbox_msg_t){
                        .kind = CF_INBOX_EXIT_PAID, .asset = op->asset, .id = op->id, .units = units, .free_units = free_units });
  if (units + free_units)
    tx->fx->pay = (cf_ledger_transfer_t){ true, op->asset, asset.token, names ? op->addr : account.owner, units + free_units };
  return true;
}

/* ---- the alarm ---- */

bool cf_tx_alarm(cf_tx_t *tx, cf_op_t const *op) {
  (void)op;
  cf_hash_t head_slot = cf_slot_plain(CF_SLOT_HEAD), for_slot = cf_slot_plain(CF_SLOT_ALARM_HEAD),
            at_slot = cf_slot_plain(CF_SLOT_ALARM_AT);
  cf_hash_t head = cf_tx_get(tx, &head_slot), alarm_head = cf_tx_get(tx, &for_slot), at = cf_tx_get(tx, &at_slot);
  if (cf_hash_eq(&head, &alarm_head)) return cf_tx_refuse(tx, CF_REFUSAL_ALARMED, cf_word_get(&at, 0, 40), 0);
  at = cf_word_u64(tx->env->time_s);
  cf_tx_put(tx, &for_slot, &head);
  cf_tx_put(tx, &at_slot, &at);
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_ALARM, .hash = head });
  return true;
}

bool cf_tx_declare_dead(cf_tx_t *tx, cf_op_t const *op) {
  (void)op;
  cf_hash_t head_slot = cf_slot_plain(CF_SLOT_HEAD), for_slot = cf_slot_plain(CF_SLOT_ALARM_HEAD),
            at_slot = cf_slot_plain(CF_SLOT_ALARM_AT);
  cf_hash_t head = cf_tx_get(tx, &head_slot), alarm_head = cf_tx_get(tx, &for_slot), at = cf_tx_get(tx, &at_slot);
  if (!cf_hash_eq(&head, &alarm_head)) return cf_tx_refuse(tx, CF_REFUSAL_NO_ALARM, 0, 0);
  uint64_t from = cf_word_get(&at, 0, 40) + tx->cfg->dead_after_s;
  if (tx->env->time_s < from) return cf_tx_refuse(tx, CF_REFUSAL_DEAD_DELAY, from, 0);
  tx->status.dead = true;
  cf_tx_put_status(tx);
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_DEAD });
  return true;
}
