#include "ledger/cf_slots.h"

#include <assert.h>

#include "codec/cf_eip712.h"
#include "crypto/cf_hash.h"

/* Mappings' slots, and the tags of packed lanes and buckets. */
enum {
  SLOT_KEYS = 16,
  SLOT_ACCOUNTS,
  SLOT_ID_OF,
  SLOT_ASSETS,
  SLOT_POLICIES,
  SLOT_MEASUREMENTS,
  SLOT_COUNCILS,
  SLOT_REVOKED,
  SLOT_NONCES,
  TAG_LANES = 100,
  TAG_FREE_LANES,
  TAG_BUCKET,
  TAG_ROOT,
};

#define DAY_S 86400

cf_hash_t cf_slot_plain(unsigned slot) { return cf_word_u64(slot); }

cf_hash_t cf_slot_add(cf_hash_t const *key, uint64_t n) {
  cf_hash_t sum = *key;
  for (size_t i = 32; i-- > 0 && n;) {
    n += sum.b[i];
    sum.b[i] = (uint8_t)n;
    n >>= 8;
  }
  return sum;
}

static cf_hash_t entry(cf_hash_t key, cf_hash_t slot) {
  cf_hash_t const words[2] = { key, slot };
  return cf_keccak256_words(words, 2);
}

static cf_hash_t entry_u(uint64_t key, unsigned slot) { return entry(cf_word_u64(key), cf_word_u64(slot)); }

cf_hash_t cf_slot_key(cf_addr_t const *key) { return entry(cf_word_addr(key), cf_word_u64(SLOT_KEYS)); }
cf_hash_t cf_slot_account(uint32_t id) { return entry_u(id, SLOT_ACCOUNTS); }
cf_hash_t cf_slot_id_of(cf_addr_t const *owner) { return entry(cf_word_addr(owner), cf_word_u64(SLOT_ID_OF)); }
cf_hash_t cf_slot_asset(uint32_t asset) { return entry_u(asset, SLOT_ASSETS); }
cf_hash_t cf_slot_policy(uint32_t policy) { return entry_u(policy, SLOT_POLICIES); }
cf_hash_t cf_slot_measurement(uint32_t policy, cf_hash_t const *m) { return entry(*m, entry_u(policy, SLOT_MEASUREMENTS)); }
cf_hash_t cf_slot_council(cf_ledger_council_t council, uint32_t version) {
  return entry_u((uint64_t)council << 32 | version, SLOT_COUNCILS);
}
cf_hash_t cf_slot_revoked(cf_hash_t const *instance) { return entry(*instance, cf_word_u64(SLOT_REVOKED)); }
cf_hash_t cf_slot_nonce(cf_addr_t const *sender) { return entry(cf_word_addr(sender), cf_word_u64(SLOT_NONCES)); }
cf_hash_t cf_slot_lanes(uint32_t asset) { return entry_u(asset, TAG_LANES); }
cf_hash_t cf_slot_free_lanes(uint32_t asset) { return entry_u(asset, TAG_FREE_LANES); }
cf_hash_t cf_slot_bucket(uint32_t asset) { return entry_u(asset, TAG_BUCKET); }

cf_hash_t cf_slot_root(uint32_t asset, uint32_t id) {
  cf_hash_t of_asset = entry_u(asset, TAG_ROOT);
  return cf_slot_add(&of_asset, id);
}

/* ---- words ---- */

uint64_t cf_word_get(cf_hash_t const *word, unsigned bit, unsigned width) {
  assert(bit % 8 == 0 && width % 8 == 0 && width <= 64 && bit + width <= 256);
  uint8_t const *at = word->b + 32 - (bit + width) / 8;
  uint64_t       v  = 0;
  for (unsigned i = 0; i < width / 8; i++) v = v << 8 | at[i];
  return v;
}

void cf_word_set(cf_hash_t *word, unsigned bit, unsigned width, uint64_t v) {
  assert(bit % 8 == 0 && width % 8 == 0 && width <= 64 && bit + width <= 256);
  assert(width == 64 || v >> width == 0);
  uint8_t *end = word->b + 32 - bit / 8;
  for (unsigned i = 0; i < width / 8; i++, v >>= 8) *--end = (uint8_t)v;
}

cf_addr_t cf_word_get_addr(cf_hash_t const *word) {
  cf_addr_t a;
  memcpy(a.b, word->b + 12, sizeof a.b);
  return a;
}

bool cf_word_is_zero(cf_hash_t const *word) {
  static cf_hash_t const zero;
  return cf_hash_eq(word, &zero);
}

/* ---- records: one line a field, (bit, width) as in the header ---- */

cf_ledger_status_t cf_ledger_status_unpack(cf_hash_t const *w) {
  return (cf_ledger_status_t){
    .dead           = cf_word_get(w, 0, 8) != 0,
    .paused_until_s = cf_word_get(w, 8, 40),
    .policy_a       = (uint32_t)cf_word_get(w, 48, 32),
    .policy_b       = (uint32_t)cf_word_get(w, 80, 32),
    .switch_at_s    = cf_word_get(w, 112, 40),
    .floor_epoch    = cf_word_get(w, 152, 40),
    .min_key_policy = (uint32_t)cf_word_get(w, 192, 32),
  };
}

cf_hash_t cf_ledger_status_pack(cf_ledger_status_t const *s) {
  cf_hash_t w = { { 0 } };
  cf_word_set(&w, 0, 8, s->dead);
  cf_word_set(&w, 8, 40, s->paused_until_s);
  cf_word_set(&w, 48, 32, s->policy_a);
  cf_word_set(&w, 80, 32, s->policy_b);
  cf_word_set(&w, 112, 40, s->switch_at_s);
  cf_word_set(&w, 152, 40, s->floor_epoch);
  cf_word_set(&w, 192, 32, s->min_key_policy);
  return w;
}

cf_ledger_counters_t cf_ledger_counters_unpack(cf_hash_t const *w) {
  return (cf_ledger_counters_t){
    .next_account         = (uint32_t)cf_word_get(w, 0, 32),
    .next_asset           = (uint32_t)cf_word_get(w, 32, 24),
    .council              = (uint32_t)cf_word_get(w, 56, 32),
    .prev_council         = (uint32_t)cf_word_get(w, 88, 32),
    .prev_council_until_s = cf_word_get(w, 120, 40),
    .gov_act              = cf_word_get(w, 160, 48),
    .guard_act            = cf_word_get(w, 208, 48),
  };
}

cf_hash_t cf_ledger_counters_pack(cf_ledger_counters_t const *c) {
  cf_hash_t w = { { 0 } };
  cf_word_set(&w, 0, 32, c->next_account);
  cf_word_set(&w, 32, 24, c->next_asset);
  cf_word_set(&w, 56, 32, c->council);
  cf_word_set(&w, 88, 32, c->prev_council);
  cf_word_set(&w, 120, 40, c->prev_council_until_s);
  cf_word_set(&w, 160, 48, c->gov_act);
  cf_word_set(&w, 208, 48, c->guard_act);
  return w;
}

cf_ledger_key_t cf_ledger_key_unpack(cf_hash_t const *w) {
  return (cf_ledger_key_t){
    .state        = (uint8_t)cf_word_get(w, 0, 8),
    .epoch        = cf_word_get(w, 8, 40),
    .policy       = (uint32_t)cf_word_get(w, 48, 32),
    .not_before_s = cf_word_get(w, 80, 40),
    .not_after_s  = cf_word_get(w, 120, 40),
    .tcb          = (uint8_t)cf_word_get(w, 160, 8),
  };
}

cf_hash_t cf_ledger_key_pack(cf_ledger_key_t const *k) {
  cf_hash_t w = { { 0 } };
  cf_word_set(&w, 0, 8, k->state);
  cf_word_set(&w, 8, 40, k->epoch);
  cf_word_set(&w, 48, 32, k->policy);
  cf_word_set(&w, 80, 40, k->not_before_s);
  cf_word_set(&w, 120, 40, k->not_after_s);
  cf_word_set(&w, 160, 8, k->tcb);
  return w;
}

cf_ledger_account_t cf_ledger_account_unpack(cf_hash_t const *w) {
  return (cf_ledger_account_t){
    .owner     = cf_word_get_addr(w),
    .exit_at_s = cf_word_get(w, 160, 40),
    .closed    = cf_word_get(w, 200, 8) != 0,
  };
}

cf_hash_t cf_ledger_account_pack(cf_ledger_account_t const *a) {
  cf_hash_t w = cf_word_addr(&a->owner);
  cf_word_set(&w, 160, 40, a->exit_at_s);
  cf_word_set(&w, 200, 8, a->closed);
  return w;
}

cf_ledger_asset_t cf_ledger_asset_unpack(cf_hash_t const *w) {
  return (cf_ledger_asset_t){
    .token  = cf_word_get_addr(w),
    .scale  = (uint8_t)cf_word_get(w, 160, 8),
    .listed = cf_word_get(w, 168, 8) != 0,
    .from_s = cf_word_get(w, 176, 40),
  };
}

cf_hash_t cf_ledger_asset_pack(cf_ledger_asset_t const *a) {
  cf_hash_t w = cf_word_addr(&a->token);
  cf_word_set(&w, 160, 8, a->scale);
  cf_word_set(&w, 168, 8, a->listed);
  cf_word_set(&w, 176, 40, a->from_s);
  return w;
}

cf_ledger_measurement_t cf_ledger_measurement_unpack(cf_hash_t const *w) {
  return (cf_ledger_measurement_t){ .until_s = cf_word_get(w, 0, 40), .from_s = cf_word_get(w, 40, 40) };
}

cf_hash_t cf_ledger_measurement_pack(cf_ledger_measurement_t const *m) {
  cf_hash_t w = { { 0 } };
  cf_word_set(&w, 0, 40, m->until_s);
  cf_word_set(&w, 40, 40, m->from_s);
  return w;
}

cf_ledger_seats_t cf_ledger_seats_unpack(cf_hash_t const *w) {
  return (cf_ledger_seats_t){
    .k      = (uint8_t)cf_word_get(w, 0, 8),
    .n      = (uint8_t)cf_word_get(w, 8, 8),
    .f      = (uint8_t)cf_word_get(w, 16, 8),
    .live   = (uint8_t)cf_word_get(w, 24, 8),
    .from_s = cf_word_get(w, 32, 40),
  };
}

cf_hash_t cf_ledger_seats_pack(cf_ledger_seats_t const *s) {
  cf_hash_t w = { { 0 } };
  cf_word_set(&w, 0, 8, s->k);
  cf_word_set(&w, 8, 8, s->n);
  cf_word_set(&w, 16, 8, s->f);
  cf_word_set(&w, 24, 8, s->live);
  cf_word_set(&w, 32, 40, s->from_s);
  return w;
}

cf_ledger_bucket_t cf_ledger_bucket_unpack(cf_hash_t const w[2]) {
  return (cf_ledger_bucket_t){
    .level     = cf_word_get(&w[0], 0, 64),
    .cap       = cf_word_get(&w[0], 64, 64),
    .at_s      = cf_word_get(&w[0], 128, 40),
    .fraction  = (uint32_t)cf_word_get(&w[0], 168, 24),
    .next_cap  = cf_word_get(&w[1], 0, 64),
    .next_at_s = cf_word_get(&w[1], 64, 40),
  };
}

void cf_ledger_bucket_pack(cf_hash_t w[2], cf_ledger_bucket_t const *b) {
  memset(w, 0, 2 * sizeof *w);
  cf_word_set(&w[0], 0, 64, b->level);
  cf_word_set(&w[0], 64, 64, b->cap);
  cf_word_set(&w[0], 128, 40, b->at_s);
  cf_word_set(&w[0], 168, 24, b->fraction);
  cf_word_set(&w[1], 0, 64, b->next_cap);
  cf_word_set(&w[1], 64, 40, b->next_at_s);
}

cf_ledger_root_t cf_ledger_root_unpack(cf_hash_t const *w) {
  return (cf_ledger_root_t){
    .deposited = (cf_u128_t)cf_word_get(w, 64, 32) << 64 | cf_word_get(w, 0, 64),
    .position  = (uint32_t)cf_word_get(w, 96, 32),
    .closed    = cf_word_get(w, 128, 8) != 0,
  };
}

cf_hash_t cf_ledger_root_pack(cf_ledger_root_t const *r) {
  cf_hash_t w = { { 0 } };
  cf_word_set(&w, 0, 64, (uint64_t)r->deposited);
  cf_word_set(&w, 64, 32, (uint64_t)(r->deposited >> 64));
  cf_word_set(&w, 96, 32, r->position);
  cf_word_set(&w, 128, 8, r->closed);
  return w;
}

/* ---- the bucket ---- */

/* Fills at the present cap up to time to_s. */
static void fill_at_cap(cf_ledger_bucket_t *b, uint64_t to_s) {
  if (to_s <= b->at_s) return;
  cf_u128_t due = (cf_u128_t)b->cap * (to_s - b->at_s) + b->fraction;
  bool      full = due / DAY_S >= b->cap - b->level;
  b->level    = full ? b->cap : b->level + (uint64_t)(due / DAY_S);
  b->fraction = full ? 0 : (uint32_t)(due % DAY_S);
  b->at_s     = to_s;
}

void cf_ledger_bucket_fill(cf_ledger_bucket_t *b, uint64_t now_s) {
  if (b->next_at_s && now_s >= b->next_at_s) {
    fill_at_cap(b, b->next_at_s);
    b->cap       = b->next_cap;
    b->next_cap  = 0;
    b->next_at_s = 0;
  }
  fill_at_cap(b, now_s);
}
