/* Keys: register and revokeKey, ONCHAIN 4.6. */
#include "ledger/cf_ledger_impl.h"

/* The verifiers' council in force, or the one before it until its time. */
static bool council_may_sign(cf_tx_t *tx, uint32_t version) {
  cf_ledger_counters_t c        = cf_tx_counters(tx);
  uint32_t             in_force = cf_tx_council_in_force(tx, &c);
  bool                 before   = version == c.prev_council && version != 0 && tx->env->time_s <= c.prev_council_until_s;
  return version == in_force || before ? true : cf_tx_refuse(tx, CF_REFUSAL_COUNCIL, version, 0);
}

static bool signed_by_all(cf_tx_t *tx, cf_op_t const *op, uint32_t council) {
  cf_hash_t digest     = cf_registration_digest(&tx->cfg->separator, &tx->cfg->domain, &op->registration);
  cf_hash_t possession = cf_possession_digest(&tx->cfg->separator, &digest);
  cf_addr_t signer;
  if (!cf_tx_signed(tx, CF_LEDGER_VERIFIERS, council, &op->sigs, &digest)) return false;
  if (cf_k256_recover(&signer, op->sig, &possession) || !cf_addr_eq(&signer, &op->registration.key))
    return cf_tx_refuse(tx, CF_REFUSAL_POSSESSION, 0, 0);
  return true;
}

/* Dates, policy and platform state, by what governors laid down. */
static bool terms_hold(cf_tx_t *tx, cf_op_t const *op, cf_registration_terms_t const *t) {
  uint64_t now = tx->env->time_s;
  if (t->not_after_s > t->not_before_s + CF_KEY_VALIDITY_MAX_S)
    return cf_tx_refuse(tx, CF_REFUSAL_TERM, t->not_before_s, t->not_after_s);

  cf_hash_t slot = cf_slot_policy(t->policy), mask_slot = cf_slot_add(&slot, 1);
  cf_hash_t policy = cf_tx_get(tx, &slot), mask = cf_tx_get(tx, &mask_slot);
  if (cf_word_is_zero(&policy) || t->policy > cf_ledger_policy_in_force(&tx->status, now))
    return cf_tx_refuse(tx, CF_REFUSAL_POLICY, t->policy, 0);
  slot                      = cf_slot_measurement(t->policy, &op->registration.measurement);
  cf_hash_t               word = cf_tx_get(tx, &slot);
  cf_ledger_measurement_t m    = cf_ledger_measurement_unpack(&word);
  if (now < m.from_s || t->not_after_s > m.until_s) return cf_tx_refuse(tx, CF_REFUSAL_MEASUREMENT, m.until_s, 0);
  if (t->policy < tx->status.min_key_policy) return cf_tx_refuse(tx, CF_REFUSAL_KEY_POLICY, tx->status.min_key_policy, 0);
  if (!(mask.b[31 - t->tcb / 8] >> t->tcb % 8 & 1)) return cf_tx_refuse(tx, CF_REFUSAL_TCB, t->tcb, 0);
  return true;
}

bool cf_tx_register(cf_tx_t *tx, cf_op_t const *op) {
  cf_registration_t const *r = &op->registration;
  cf_registration_terms_t  t = cf_registration_terms_unpack(&r->terms);
  if (!council_may_sign(tx, t.council) || !signed_by_all(tx, op, t.council)) return false;

  cf_hash_t       key_slot = cf_slot_key(&r->key), word = cf_tx_get(tx, &key_slot);
  cf_ledger_key_t known = cf_ledger_key_unpack(&word);
  if (!cf_word_is_zero(&word)) return cf_tx_refuse(tx, CF_REFUSAL_KEY_KNOWN, known.state, 0);
  if (!terms_hold(tx, op, &t)) return false;

  /* The last epoch number is never given: floorEpoch must be able to rise above every key. */
  if (t.epoch <= tx->status.floor_epoch || t.epoch == ((uint64_t)1 << 40) - 1)
    return cf_tx_refuse(tx, CF_REFUSAL_EPOCH, tx->status.floor_epoch, 0);
  cf_hash_t revoked_slot = cf_slot_revoked(&r->instance), revoked = cf_tx_get(tx, &revoked_slot);
  if (!cf_word_is_zero(&revoked)) return cf_tx_refuse(tx, CF_REFUSAL_REVOKED, 0, 0);
  uint64_t earliest = tx->env->time_s + tx->cfg->key_delay_s, from = t.not_before_s > earliest ? t.not_before_s : earliest;
  if (from >= t.not_after_s) return cf_tx_refuse(tx, CF_REFUSAL_DELAY, from, 0);

  cf_hash_t instance_slot = cf_slot_plain(CF_SLOT_INSTANCE), top_slot = cf_slot_plain(CF_SLOT_TOP_EPOCH);
  cf_hash_t instance = cf_tx_get(tx, &instance_slot), top = cf_tx_get(tx, &top_slot);
  if (t.fence > 1 || (t.fence == 0 && !cf_hash_eq(&instance, &r->instance))) return cf_tx_refuse(tx, CF_REFUSAL_FENCE, 0, 0);
  if (t.fence == 1) {
    tx->status.floor_epoch = t.epoch;
    cf_tx_put_status(tx);
    cf_tx_put(tx, &instance_slot, &r->instance);
  }
  if (t.epoch > cf_word_get(&top, 0, 40)) {
    top = cf_word_u64(t.epoch);
    cf_tx_put(tx, &top_slot, &top);
  }
  word = cf_ledger_key_pack(&(cf_ledger_key_t){ CF_KEY_LIVE, t.epoch, t.policy, from, t.not_after_s, t.tcb });
  cf_tx_put(tx, &key_slot, &word);
  return true;
}

bool cf_tx_revoke_key(cf_tx_t *tx, cf_op_t const *op) {
  cf_hash_t digest = cf_key_revocation_digest(&tx->cfg->separator, &op->addr);
  cf_addr_t signer;
  if (cf_k256_recover(&signer, op->sig, &digest) || !cf_addr_eq(&signer, &op->addr))
    return cf_tx_refuse(tx, CF_REFUSAL_POSSESSION, 0, 0);
  cf_hash_t       slot = cf_slot_key(&op->addr), word = cf_tx_get(tx, &slot);
  cf_ledger_key_t key = cf_ledger_key_unpack(&word);
  if (key.state == CF_KEY_REVOKED) return cf_tx_refuse(tx, CF_REFUSAL_KEY_KNOWN, key.state, 0);
  key.state = CF_KEY_REVOKED; /* also of a key not yet registered: its registration finds the slot taken */
  word      = cf_ledger_key_pack(&key);
  cf_tx_put(tx, &slot, &word);
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_KEY_REVOKED, .addr = op->addr });
  return true;
}
