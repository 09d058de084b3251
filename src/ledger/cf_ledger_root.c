/* Mode root: deposits, and the way out once the ledger is dead.  ONCHAIN 4.6, 4.8; docs/protocol/ledger.md, "Mode root". */
#include "ledger/cf_ledger_impl.h"

static cf_ledger_root_t load_record(cf_tx_t *tx, uint32_t asset, uint32_t id) {
  cf_hash_t slot = cf_slot_root(asset, id), word = cf_tx_get(tx, &slot);
  return cf_ledger_root_unpack(&word);
}

static void store_record(cf_tx_t *tx, uint32_t asset, uint32_t id, cf_ledger_root_t const *r) {
  cf_hash_t slot = cf_slot_root(asset, id), word = cf_ledger_root_pack(r);
  cf_tx_put(tx, &slot, &word);
}

bool cf_tx_root_credit(cf_tx_t *tx, cf_op_t const *op) {
  cf_ledger_root_t r = load_record(tx, op->asset, op->id);
  if (r.deposited + op->units > CF_LEDGER_DEPOSITED_MAX) return cf_tx_refuse(tx, CF_REFUSAL_HELD, op->asset, tx->env->held);
  r.deposited += op->units;
  if (r.position == 0) {
    cf_hash_t slot = cf_slot_plain(CF_SLOT_POSITIONS), word = cf_tx_get(tx, &slot);
    r.position = (uint32_t)cf_word_get(&word, 0, 32);
    if (r.position == UINT32_MAX) return cf_tx_refuse(tx, CF_REFUSAL_FULL, 0, 0);
    word = cf_word_u64((uint64_t)r.position + 1);
    cf_tx_put(tx, &slot, &word);
  }
  store_record(tx, op->asset, op->id, &r);
  return true;
}

bool cf_tx_may_pay(cf_tx_t *tx, cf_op_t const *op, uint64_t units) {
  bool short_of = tx->cfg->embedded && tx->cfg->mode == CF_MODE_ROOT && units > tx->env->held;
  return short_of ? cf_tx_refuse(tx, CF_REFUSAL_HELD, op->asset, tx->env->held) : true;
}

/* What is due to a leaf; false when it claims more than can be. */
static bool due(uint64_t *units, cf_ledger_root_t const *r, cf_root_leaf_t const *leaf) {
  if (leaf->credited_in > r->deposited) return false;
  cf_u128_t sum = leaf->balance + (r->deposited - leaf->credited_in);
  *units        = (uint64_t)sum;
  return sum <= CF_LANE_MAX;
}

bool cf_tx_root_exit(cf_tx_t *tx, cf_op_t const *op) {
  static cf_root_leaf_t const none; /* while nothing was settled */
  cf_ledger_account_t         account;
  cf_ledger_asset_t           asset;
  if (!tx->status.dead) return cf_tx_refuse(tx, CF_REFUSAL_ALIVE, 0, 0);
  if (!cf_tx_account(tx, op->id, &account) || !cf_tx_asset(tx, op->asset, &asset)) return false;

  cf_hash_t       head_slot = cf_slot_plain(CF_SLOT_HEAD), head = cf_tx_get(tx, &head_slot);
  cf_hash_t       head0 = cf_settlement_head0(&tx->cfg->separator);
  cf_settlement_t s = { op->meta, op->prev_head, op->state_root, op->entries, op->receipts };
  cf_hash_t       digest = cf_settlement_digest(&tx->cfg->separator, &s);
  bool            settled = !cf_hash_eq(&head, &head0);
  if (settled && !cf_hash_eq(&digest, &head)) return cf_tx_refuse(tx, CF_REFUSAL_HEAD, 0, 0);

  cf_ledger_root_t r = load_record(tx, op->asset, op->id);
  uint64_t         units = 0;
  digest = cf_root_leaf_digest(op->asset, op->id, &op->leaf);
  bool there = r.position != 0 && (!settled || cf_root_path_verify(&op->state_root, r.position, &digest, op->body) == CF_OK);
  if (!there || !due(&units, &r, settled ? &op->leaf : &none)) return cf_tx_refuse(tx, CF_REFUSAL_LEAF, r.position, 0);
  if (r.closed) return cf_tx_refuse(tx, CF_REFUSAL_NOTHING, 0, 0);
  if (!cf_tx_may_pay(tx, op, units)) return false;
  r.closed = true;
  store_record(tx, op->asset, op->id, &r);
  if (units) tx->fx->pay = (cf_ledger_transfer_t){ true, op->asset, asset.token, account.owner, units };
  return true;
}
