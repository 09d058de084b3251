/* settle: ONCHAIN 4.5.  The refusals stand in the order of the page, each over the whole body. */
#include "ledger/cf_ledger_impl.h"

__extension__ typedef __int128 i128_t; /* a sum of 8,192 amounts of 64 bits */

static bool times_and_policy(cf_tx_t *tx, cf_settlement_meta_t const *meta) {
  uint64_t                  now = tx->env->time_s;
  cf_ledger_status_t const *s   = &tx->status;
  if (tx->env->chain_id != tx->cfg->chain_id) return cf_tx_refuse(tx, CF_REFUSAL_WRONG_CHAIN, tx->env->chain_id, 0);
  if (s->dead) return cf_tx_refuse(tx, CF_REFUSAL_DEAD, 0, 0);
  if (now < s->paused_until_s) return cf_tx_refuse(tx, CF_REFUSAL_PAUSED, s->paused_until_s, 0);
  if (now > meta->valid_until_s) return cf_tx_refuse(tx, CF_REFUSAL_EXPIRED, meta->valid_until_s, 0);
  if (meta->valid_until_s > meta->as_of_s + tx->cfg->max_validity_s || meta->as_of_s > now)
    return cf_tx_refuse(tx, CF_REFUSAL_VALIDITY, meta->valid_until_s, meta->as_of_s);
  bool before = meta->policy == s->policy_a && now <= s->switch_at_s + tx->cfg->overlap_s;
  bool after  = meta->policy == s->policy_b && now >= s->switch_at_s;
  if (!before && !after) return cf_tx_refuse(tx, CF_REFUSAL_POLICY, meta->policy, 0);
  return true;
}

bool cf_ledger_key_settles(cf_ledger_key_t const *key, cf_ledger_status_t const *status, uint64_t now_s) {
  return key->state == CF_KEY_LIVE && key->epoch >= status->floor_epoch && key->policy >= status->min_key_policy &&
         now_s >= key->not_before_s && now_s <= key->not_after_s;
}

static bool key_may_settle(cf_tx_t *tx, cf_addr_t const *key) {
  cf_hash_t       slot = cf_slot_key(key), word = cf_tx_get(tx, &slot);
  cf_ledger_key_t k   = cf_ledger_key_unpack(&word);
  if (!cf_ledger_key_settles(&k, &tx->status, tx->env->time_s)) return cf_tx_refuse(tx, CF_REFUSAL_KEY, 0, 0);
  return true;
}

/* The writes of the section before.  Releases and exit releases share an asset's free lanes, and no other two sections do. */
typedef struct {
  size_t at, end;
} prior_t;

/* What the section before wrote to slot, if it did.  Both rise, so that one pass over its writes is enough; their keys rise
   too, for no base lies so near 2^256 that they would wrap. */
static cf_slot_write_t *written(cf_tx_t *tx, prior_t *prior, cf_hash_t const *slot) {
  cf_slot_write_t *w = tx->fx->writes;
  while (prior->at < prior->end && memcmp(w[prior->at].key.b, slot->b, 32) < 0) prior->at++;
  return prior->at < prior->end && cf_hash_eq(&w[prior->at].key, slot) ? &w[prior->at] : NULL;
}

static void put_lanes(cf_tx_t *tx, cf_slot_write_t *before, cf_hash_t const *slot, cf_hash_t const *word) {
  if (before) before->value = *word;
  else cf_tx_push(tx, slot, word);
}

/* One section's lanes.  A slot is read and written once, whatever number of its four lanes is touched.  Positions need
   an open lane and leave it open; releases open a free lane that is not.  A lane is a number of 63 bits under its marker:
   the sum is made beside the marker, so that neither a debit nor a credit can carry into it or into a neighbour. */
static bool move_lanes(cf_tx_t *tx, cf_section_t section, prior_t prior) {
  bool       release = section.kind != CF_SECTION_POSITIONS;
  cf_hash_t  lanes   = release ? cf_slot_free_lanes(section.asset) : cf_slot_lanes(section.asset);
  cf_hash_t  slot = { { 0 } }, word = { { 0 } };
  uint32_t   at   = 0; /* of slot; id 0 does not exist, so that its slot may be touched first, with open == false */
  bool       open = false;
  cf_entry_t e;

  cf_slot_write_t *before = NULL; /* to slot, by this call */
  while (cf_entry_next(&section, &e)) {
    if (!open || e.id >> 2 != at) {
      if (open) put_lanes(tx, before, &slot, &word);
      at     = e.id >> 2;
      slot   = cf_slot_add(&lanes, at);
      before = written(tx, &prior, &slot);
      word   = before ? before->value : tx->slots.read(tx->slots.ctx, &slot);
      open   = true;
    }
    uint64_t lane = cf_word_get(&word, cf_lane_bit(e.id), 64);
    if (lane < CF_LANE_OPEN && !release) return cf_tx_refuse(tx, CF_REFUSAL_LANE, section.asset, e.id);
    i128_t units = (i128_t)(lane & CF_LANE_MAX) + e.amount;
    if (units < 0 || units > (i128_t)CF_LANE_MAX) return cf_tx_refuse(tx, CF_REFUSAL_LANE, section.asset, e.id);
    cf_word_set(&word, cf_lane_bit(e.id), 64, CF_LANE_OPEN | (uint64_t)units);
  }
  if (open) put_lanes(tx, before, &slot, &word);
  return true;
}

static bool move_all_lanes(cf_tx_t *tx, cf_span_t body) {
  cf_section_t section;
  prior_t      prior = { 0, 0 };
  for (cf_rd_t rd = cf_rd_span(body); cf_section_next(&rd, &section);) {
    size_t from = tx->fx->writes_cnt;
    if (section.kind != CF_SECTION_DATA && !move_lanes(tx, section, prior)) return false;
    prior = (prior_t){ from, tx->fx->writes_cnt };
  }
  return true;
}

/* Mode root: who is released to without a cap must have waited, so that guardians had the time to stop it. */
static bool exits_are_due(cf_tx_t *tx, cf_span_t body) {
  cf_section_t section;
  cf_entry_t   e;
  for (cf_rd_t rd = cf_rd_span(body); cf_section_next(&rd, &section);) {
    if (section.kind != CF_SECTION_EXITS) continue;
    while (cf_entry_next(&section, &e)) {
      cf_hash_t           slot = cf_slot_account(e.id), word = tx->slots.read(tx->slots.ctx, &slot);
      cf_ledger_account_t account = cf_ledger_account_unpack(&word);
      uint64_t            from    = account.exit_at_s ? account.exit_at_s + tx->cfg->exit_delay_s : 0;
      if (from == 0 || tx->env->time_s < from) return cf_tx_refuse(tx, CF_REFUSAL_EXIT_DELAY, from, 0);
    }
  }
  return true;
}

static i128_t sum(cf_section_t section) {
  i128_t     s = 0;
  cf_entry_t e;
  while (cf_entry_next(&section, &e)) s += e.amount;
  return s;
}

static bool take_from_bucket(cf_tx_t *tx, cf_section_t section) {
  cf_hash_t          key = cf_slot_bucket(section.asset), next = cf_slot_add(&key, 1);
  cf_hash_t          word[2] = { tx->slots.read(tx->slots.ctx, &key), tx->slots.read(tx->slots.ctx, &next) };
  cf_ledger_bucket_t b       = cf_ledger_bucket_unpack(word);
  bool               waited  = b.next_at_s != 0;
  cf_ledger_bucket_fill(&b, tx->env->time_s);
  i128_t released = sum(section);
  if (released > (i128_t)b.level) return cf_tx_refuse(tx, CF_REFUSAL_CAP, section.asset, b.level);
  b.level -= (uint64_t)released;
  cf_ledger_bucket_pack(word, &b);
  cf_tx_push(tx, &key, &word[0]);
  if (waited && b.next_at_s == 0) cf_tx_push(tx, &next, &word[1]);
  return true;
}

static bool body_may_run(cf_tx_t *tx, cf_span_t body) {
  size_t      offset = 0;
  cf_status_t form   = cf_settlement_body_check(tx->cfg->mode, body, &offset);
  if (form) return cf_tx_refuse(tx, CF_REFUSAL_ENTRIES, offset, 0);

  if (!move_all_lanes(tx, body) || !exits_are_due(tx, body)) return false;
  cf_section_t section;
  for (cf_rd_t rd = cf_rd_span(body); cf_section_next(&rd, &section);)
    if (section.kind == CF_SECTION_RELEASES && !take_from_bucket(tx, section)) return false;

  if (tx->cfg->mode == CF_MODE_ROOT) return true; /* what the book moved is behind the state root */
  i128_t   total = 0; /* of the asset whose sections are being read: they are neighbours */
  uint32_t asset = 0;
  for (cf_rd_t rd = cf_rd_span(body); cf_section_next(&rd, &section);) {
    if (section.asset != asset && total != 0) break;
    asset = section.asset;
    total += sum(section);
  }
  if (total != 0) return cf_tx_refuse(tx, CF_REFUSAL_UNBALANCED, asset, 0);
  return true;
}

bool cf_tx_settle(cf_tx_t *tx, cf_op_t const *op, cf_addr_t const *key, cf_hash_t *digest) {
  cf_settlement_meta_t meta;
  bool                 spare_zero = cf_settlement_meta_unpack(&meta, &op->meta);
  if (!times_and_policy(tx, &meta)) return false;
  if (!spare_zero || meta.mode != tx->cfg->mode) return cf_tx_refuse(tx, CF_REFUSAL_MODE, meta.mode, 0);

  cf_hash_t       head_slot = cf_slot_plain(CF_SLOT_HEAD);
  cf_settlement_t s = { op->meta, cf_tx_get(tx, &head_slot), op->state_root, cf_settlement_entries(op->body), op->receipts };
  cf_hash_t       head      = cf_settlement_digest(&tx->cfg->separator, &s);
  cf_addr_t       signer;
  if (!key) {
    if (cf_k256_recover(&signer, op->sig, &head)) return cf_tx_refuse(tx, CF_REFUSAL_KEY, 0, 0);
    key = &signer;
  }
  if (!key_may_settle(tx, key) || !body_may_run(tx, op->body)) return false;

  cf_tx_push(tx, &head_slot, &head);
  tx->fx->settled = (cf_ledger_settled_t){ .due = true, .head = head, .settlement = s };
  *digest         = head;
  return true;
}
