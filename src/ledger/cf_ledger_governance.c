/* Acts of governors and guardians: ONCHAIN 4.6.  What adds trust waits for the notice and comes into force by time
   alone; what only takes trust away is immediate. */
#include "ledger/cf_ledger_impl.h"

#include "crypto/cf_hash.h"

/* ---- guardians ---- */

static bool revoke(cf_tx_t *tx, cf_act_t const *a) {
  cf_hash_t slot = cf_slot_revoked(&a->hash), word = cf_tx_get(tx, &slot);
  if (!cf_word_is_zero(&word)) return cf_tx_refuse(tx, CF_REFUSAL_REVOKED, 0, 0);
  word = cf_word_u64(1);
  cf_tx_put(tx, &slot, &word);

  cf_hash_t instance_slot = cf_slot_plain(CF_SLOT_INSTANCE), top_slot = cf_slot_plain(CF_SLOT_TOP_EPOCH);
  cf_hash_t instance = cf_tx_get(tx, &instance_slot), top = cf_tx_get(tx, &top_slot);
  if (cf_hash_eq(&instance, &a->hash)) {
    tx->status.floor_epoch = cf_word_get(&top, 0, 40) + 1;
    cf_tx_put_status(tx);
  }
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_INSTANCE_REVOKED, .hash = a->hash });
  return true;
}

/* Not again before what was paused could be used for the whole exit delay. */
static bool pause_domain(cf_tx_t *tx) {
  uint64_t from = tx->status.paused_until_s ? tx->status.paused_until_s + tx->cfg->exit_delay_s : 0;
  if (tx->env->time_s < from) return cf_tx_refuse(tx, CF_REFUSAL_COOLDOWN, from, 0);
  tx->status.paused_until_s = tx->env->time_s + tx->cfg->max_pause_s;
  cf_tx_put_status(tx);
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_PAUSED, .until_s = tx->status.paused_until_s });
  return true;
}

/* ---- governors, with notice ---- */

static bool noticed(cf_tx_t *tx, cf_act_t const *a) {
  uint64_t from = tx->env->time_s + tx->cfg->notice_s;
  return a->from_s >= from ? true : cf_tx_refuse(tx, CF_REFUSAL_NOTICE, from, 0);
}

/* A schedule that waits may be replaced; one whose overlap runs may not. */
static bool overlap_runs(cf_tx_t *tx, uint64_t from_s, uint64_t until_s) {
  uint64_t now = tx->env->time_s;
  if (now < from_s || now > until_s) return false;
  cf_tx_refuse(tx, CF_REFUSAL_PENDING, until_s, 0);
  return true;
}

static bool schedule_policy(cf_tx_t *tx, cf_act_t const *a) {
  cf_ledger_status_t *s = &tx->status;
  if (!noticed(tx, a) || overlap_runs(tx, s->switch_at_s, s->switch_at_s + tx->cfg->overlap_s)) return false;
  if (a->policy <= s->policy_b) return cf_tx_refuse(tx, CF_REFUSAL_VERSION, s->policy_b, 0);
  if (cf_word_is_zero(&a->hash)) return cf_tx_refuse(tx, CF_REFUSAL_ACT, 0, 0);

  if (tx->env->time_s < s->switch_at_s) { /* the one that waits will never be: no key may name it */
    static cf_hash_t const zero;
    cf_hash_t              slot = cf_slot_policy(s->policy_b), mask_slot = cf_slot_add(&slot, 1);
    cf_tx_put(tx, &slot, &zero);
    cf_tx_put(tx, &mask_slot, &zero);
  } else s->policy_a = s->policy_b;
  s->policy_b    = a->policy;
  s->switch_at_s = a->from_s;
  cf_tx_put_status(tx);
  cf_hash_t slot = cf_slot_policy(a->policy), mask_slot = cf_slot_add(&slot, 1);
  cf_tx_put(tx, &slot, &a->hash);
  cf_tx_put(tx, &mask_slot, &a->tcb_mask);
  cf_tx_message(
      tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_POLICY_SCHEDULED, .version = a->policy, .hash = a->hash, .from_s = a->from_s });
  return true;
}

static void put_measurement(cf_tx_t *tx, cf_act_t const *a, uint64_t from_s) {
  cf_hash_t slot = cf_slot_measurement(a->policy, &a->hash);
  cf_hash_t word = cf_ledger_measurement_pack(&(cf_ledger_measurement_t){ .until_s = a->until_s, .from_s = from_s });
  cf_tx_put(tx, &slot, &word);
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_MEASUREMENT_SET, .version = a->policy, .hash = a->hash, .from_s = from_s,
                                       .until_s = a->until_s });
}

static cf_ledger_measurement_t get_measurement(cf_tx_t *tx, cf_act_t const *a) {
  cf_hash_t slot = cf_slot_measurement(a->policy, &a->hash), word = cf_tx_get(tx, &slot);
  return cf_ledger_measurement_unpack(&word);
}

static bool schedule_measurement(cf_tx_t *tx, cf_act_t const *a) {
  if (!noticed(tx, a)) return false;
  cf_hash_t slot = cf_slot_policy(a->policy), policy = cf_tx_get(tx, &slot);
  if (cf_word_is_zero(&policy)) return cf_tx_refuse(tx, CF_REFUSAL_POLICY, a->policy, 0);
  /* One that has not ended is not touched: a later start would suspend it. */
  cf_ledger_measurement_t m = get_measurement(tx, a);
  if (a->until_s <= a->from_s || m.until_s >= tx->env->time_s) return cf_tx_refuse(tx, CF_REFUSAL_MEASUREMENT, m.until_s, 0);
  put_measurement(tx, a, a->from_s);
  return true;
}

static bool schedule_councils(cf_tx_t *tx, cf_act_t const *a, cf_span_t body) {
  if (!noticed(tx, a)) return false;
  cf_ledger_counters_t c       = cf_tx_counters(tx);
  bool                 waiting = cf_tx_council_in_force(tx, &c) != c.council;
  if (!waiting && overlap_runs(tx, 0, c.prev_council_until_s)) return false;
  if (a->version <= c.council) return cf_tx_refuse(tx, CF_REFUSAL_VERSION, c.council, 0);

  for (unsigned i = 0; i < CF_LEDGER_COUNCILS; i++) {
    cf_seats_t const *s = &a->councils[i];
    if (!cf_seats_check(s)) return cf_tx_refuse(tx, CF_REFUSAL_SEATS, i + 1, 0);
    cf_hash_t base = cf_slot_council((cf_ledger_council_t)(i + 1), a->version);
    cf_hash_t word = cf_ledger_seats_pack(&(cf_ledger_seats_t){ s->k, s->n, s->f, s->n, a->from_s });
    cf_tx_put(tx, &base, &word);
    for (size_t j = 0; j < s->n; j++) {
      cf_hash_t seat = cf_slot_add(&base, 1 + j);
      word           = cf_word_addr(&s->member[j]);
      cf_tx_put(tx, &seat, &word);
    }
  }
  if (!waiting) c.prev_council = c.council;
  c.council              = a->version;
  c.prev_council_until_s = a->from_s + tx->cfg->overlap_s;
  cf_tx_put_counters(tx, &c);
  cf_tx_message(
      tx, &(cf_inbox_msg_t){
              .kind = CF_INBOX_COUNCILS_SCHEDULED, .version = a->version, .hash = cf_keccak256(body), .from_s = a->from_s });
  return true;
}

static void put_asset(cf_tx_t *tx, uint32_t id, cf_ledger_asset_t const *asset) {
  cf_hash_t slot = cf_slot_asset(id), word = cf_ledger_asset_pack(asset);
  cf_tx_put(tx, &slot, &word);
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_ASSET_SET, .asset = id, .addr = asset->token, .scale = asset->scale,
                                       .listed = asset->listed, .from_s = asset->from_s });
}

static bool get_asset(cf_tx_t *tx, uint32_t id, cf_ledger_asset_t *asset) {
  static cf_addr_t const none;
  cf_hash_t              slot = cf_slot_asset(id), word = cf_tx_get(tx, &slot);
  *asset = cf_ledger_asset_unpack(&word);
  return cf_addr_eq(&asset->token, &none) ? cf_tx_refuse(tx, CF_REFUSAL_ASSET, id, 0) : true;
}

static bool schedule_asset(cf_tx_t *tx, cf_act_t const *a) {
  static cf_addr_t const none;
  if (!noticed(tx, a)) return false;
  cf_ledger_counters_t c = cf_tx_counters(tx);
  if (a->asset != c.next_asset || a->asset > CF_ASSET_MAX || cf_addr_eq(&a->token, &none))
    return cf_tx_refuse(tx, CF_REFUSAL_ASSET, a->asset, 0);
  c.next_asset++;
  cf_tx_put_counters(tx, &c);
  cf_tx_put_bucket(tx, a->asset, &(cf_ledger_bucket_t){ .level = a->cap, .cap = a->cap, .at_s = a->from_s });
  put_asset(tx, a->asset, &(cf_ledger_asset_t){ a->token, a->scale, true, a->from_s });
  return true;
}

static void cap_message(cf_tx_t *tx, cf_act_t const *a, uint64_t from_s) {
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_CAP_SET, .asset = a->asset, .units = a->cap, .from_s = from_s });
}

static bool raise_cap(cf_tx_t *tx, cf_act_t const *a) {
  cf_ledger_asset_t asset;
  if (!noticed(tx, a) || !get_asset(tx, a->asset, &asset)) return false;
  cf_ledger_bucket_t b = cf_tx_bucket(tx, a->asset);
  if (a->cap <= b.cap) return cf_tx_refuse(tx, CF_REFUSAL_NOT_LESS, 0, 0);
  b.next_cap  = a->cap;
  b.next_at_s = a->from_s;
  cf_tx_put_bucket(tx, a->asset, &b);
  cap_message(tx, a, a->from_s);
  return true;
}

/* ---- governors, at once ---- */

static bool end_measurement(cf_tx_t *tx, cf_act_t const *a) {
  cf_ledger_measurement_t m = get_measurement(tx, a);
  if (a->until_s >= m.until_s) return cf_tx_refuse(tx, CF_REFUSAL_NOT_LESS, 0, 0);
  put_measurement(tx, a, m.from_s);
  return true;
}

static bool delist_asset(cf_tx_t *tx, cf_act_t const *a) {
  cf_ledger_asset_t asset;
  if (!get_asset(tx, a->asset, &asset)) return false;
  if (!asset.listed) return cf_tx_refuse(tx, CF_REFUSAL_NOT_LESS, 0, 0);
  asset.listed = false;
  put_asset(tx, a->asset, &asset);
  return true;
}

static bool lower_cap(cf_tx_t *tx, cf_act_t const *a) {
  cf_ledger_asset_t asset;
  if (!get_asset(tx, a->asset, &asset)) return false;
  cf_ledger_bucket_t b = cf_tx_bucket(tx, a->asset);
  if (a->cap > b.cap || (a->cap == b.cap && b.next_at_s == 0)) return cf_tx_refuse(tx, CF_REFUSAL_NOT_LESS, 0, 0);
  b.cap = a->cap;
  if (b.level >= b.cap) {
    b.level    = b.cap;
    b.fraction = 0;
  }
  b.next_cap  = 0; /* a raise that waits is taken back, too */
  b.next_at_s = 0;
  cf_tx_put_bucket(tx, a->asset, &b);
  cap_message(tx, a, tx->env->time_s);
  return true;
}

static bool raise_key_policy(cf_tx_t *tx, cf_act_t const *a) {
  if (a->policy <= tx->status.min_key_policy) return cf_tx_refuse(tx, CF_REFUSAL_NOT_LESS, 0, 0);
  if (a->policy > cf_ledger_policy_in_force(&tx->status, tx->env->time_s))
    return cf_tx_refuse(tx, CF_REFUSAL_POLICY, a->policy, 0);
  tx->status.min_key_policy = a->policy;
  cf_tx_put_status(tx);
  cf_tx_message(tx, &(cf_inbox_msg_t){ .kind = CF_INBOX_KEY_POLICY_SET, .version = a->policy });
  return true;
}

static bool remove_member(cf_tx_t *tx, cf_act_t const *a) {
  static cf_hash_t const zero;
  cf_hash_t         base = cf_slot_council((cf_ledger_council_t)a->council, a->version), word = cf_tx_get(tx, &base);
  cf_ledger_seats_t seats = cf_ledger_seats_unpack(&word);
  if (a->member >= seats.n) return cf_tx_refuse(tx, CF_REFUSAL_COUNCIL, a->version, 0);
  cf_hash_t seat = cf_slot_add(&base, 1u + a->member), member = cf_tx_get(tx, &seat);
  if (cf_word_is_zero(&member)) return cf_tx_refuse(tx, CF_REFUSAL_NOT_LESS, 0, 0);
  if (seats.live <= seats.k) return cf_tx_refuse(tx, CF_REFUSAL_SEATS, a->council, 0);
  seats.live--;
  word = cf_ledger_seats_pack(&seats);
  cf_tx_put(tx, &base, &word);
  cf_tx_put(tx, &seat, &zero);
  cf_tx_message(tx, &(cf_inbox_msg_t){
                        .kind = CF_INBOX_MEMBER_REMOVED, .council = a->council, .version = a->version, .member = a->member });
  return true;
}

/* ---- the call ---- */

static bool run(cf_tx_t *tx, cf_act_t const *a, cf_span_t body) {
  switch (a->kind) {
  case CF_ACT_REVOKE: return revoke(tx, a);
  case CF_ACT_PAUSE: return pause_domain(tx);
  case CF_ACT_SCHEDULE_POLICY: return schedule_policy(tx, a);
  case CF_ACT_SCHEDULE_MEASUREMENT: return schedule_measurement(tx, a);
  case CF_ACT_SCHEDULE_COUNCILS: return schedule_councils(tx, a, body);
  case CF_ACT_SCHEDULE_ASSET: return schedule_asset(tx, a);
  case CF_ACT_RAISE_CAP: return raise_cap(tx, a);
  case CF_ACT_END_MEASUREMENT: return end_measurement(tx, a);
  case CF_ACT_DELIST_ASSET: return delist_asset(tx, a);
  case CF_ACT_LOWER_CAP: return lower_cap(tx, a);
  case CF_ACT_RAISE_KEY_POLICY: return raise_key_policy(tx, a);
  case CF_ACT_REMOVE_MEMBER: return remove_member(tx, a);
  }
  return cf_tx_refuse(tx, CF_REFUSAL_ACT, 0, 0);
}

bool cf_tx_act(cf_tx_t *tx, cf_op_t const *op) {
  cf_act_t a;
  if (cf_act_decode(&a, op->body) || cf_act_council(a.kind) != op->council) return cf_tx_refuse(tx, CF_REFUSAL_ACT, 0, 0);
  cf_ledger_counters_t c    = cf_tx_counters(tx);
  uint64_t            *last = op->council == CF_LEDGER_GUARDIANS ? &c.guard_act : &c.gov_act;
  if (op->version != cf_tx_council_in_force(tx, &c)) return cf_tx_refuse(tx, CF_REFUSAL_COUNCIL, op->version, 0);
  if (op->number <= *last) return cf_tx_refuse(tx, CF_REFUSAL_ACT_NUMBER, *last, 0);
  if (tx->env->time_s > op->not_after_s) return cf_tx_refuse(tx, CF_REFUSAL_ACT_EXPIRED, op->not_after_s, 0);
  cf_hash_t body   = cf_keccak256(op->body);
  cf_hash_t digest = cf_act_digest(&tx->cfg->separator, op->council, op->version, op->number, op->not_after_s, &body);
  if (!cf_tx_signed(tx, (cf_ledger_council_t)op->council, op->version, &op->sigs, &digest)) return false;
  *last = op->number;
  cf_tx_put_counters(tx, &c);
  return run(tx, &a, op->body);
}
