/* What a ledger's contract holds, each slot proven: the lanes that messages and settlements touched, and what stands behind them. */
#include <inttypes.h>

#include "audit/cf_audit_state.h"
#include "base/cf_math.h"
#include "ledger/cf_slots.h"

#define NEXT_LANES "keep the report: the contract holds something else than what it was told; ask other nodes, too"

bool cf_audit_slots(cf_audit_t *a, cf_hash_t *values, cf_hash_t const *keys, uint64_t n) {
  for (uint64_t at = 0, some; at < n && !a->failed_io; at += some) {
    some = n - at < CF_AUDIT_SLOTS_MAX ? n - at : CF_AUDIT_SLOTS_MAX;
    a->failed_io = a->options.chain->slots(a->options.chain->ctx, values + at, keys + at, (size_t)some) != CF_READ_OK;
  }
  a->n.slots += n;
  return !a->failed_io;
}

/* ---- what messages and bodies lead to ---- */

static void add_units(cf_audit_t *a, cf_lanes_kind_t kind, uint32_t asset, uint32_t id, cf_units_t units) {
  cf_hash_t base = kind == CF_LANES_MAIN ? cf_slot_lanes(asset) : kind == CF_LANES_FREE ? cf_slot_free_lanes(asset) : cf_slot_root(asset, id);
  cf_hash_t key = kind == CF_LANES_ROOT ? base : cf_slot_add(&base, id >> 2), name = cf_sha256(CF_SPAN_OF(key.b));
  uint64_t  row;
  size_t    lane = kind == CF_LANES_ROOT ? 0 : id & 3;
  for (cf_map_find_t f = cf_map_find(&a->by_slot, &name); cf_map_next(&f, &row);) {
    cf_lanes_row_t *l = cf_vec_at(&a->lanes, row);
    if (!cf_hash_eq(&l->key, &key)) continue;
    l->units[lane] += units;
    return;
  }
  cf_map_add(&a->by_slot, &a->mem, &name, a->lanes.cnt);
  cf_lanes_row_t *l = cf_vec_add(&a->lanes, &a->mem);
  *l = (cf_lanes_row_t){.key = key, .kind = kind, .asset = asset, .first = id - (uint32_t)lane};
  l->units[lane] = units;
}

void cf_audit_moved_body(cf_audit_t *a, cf_span_t body) {
  cf_section_t s;
  cf_entry_t   e;
  if (cf_settlement_body_check((uint8_t)a->domain.block0.config.mode, body, NULL)) return; /* and then it was not executed */
  a->bodies++;
  cf_audit_body(a, body);
  for (cf_rd_t rd = cf_rd_span(body); cf_section_next(&rd, &s);)
    while (s.kind != CF_SECTION_DATA && cf_entry_next(&s, &e))
      add_units(a, s.kind == CF_SECTION_POSITIONS ? CF_LANES_MAIN : CF_LANES_FREE, s.asset, e.id, e.amount);
}

static void add(cf_asset_row_t *x, uint64_t *sum, uint64_t units) { x->over |= !cf_add_u64(sum, *sum, units); }

static void take_message(cf_audit_t *a, cf_inbox_msg_t const *m) {
  bool            root = a->domain.block0.config.mode == CF_MODE_ROOT;
  cf_asset_row_t  spare, *x = m->asset < CF_GENESIS_ASSETS_MAX ? &a->assets[m->asset] : &spare;
  if (m->kind == CF_INBOX_OPENED) a->accounts++;
  if (m->kind == CF_INBOX_LANE_OPENED) add_units(a, CF_LANES_MAIN, m->asset, m->id, 0);
  if (m->kind == CF_INBOX_DEPOSITED) {
    add_units(a, root ? CF_LANES_ROOT : CF_LANES_MAIN, m->asset, m->id, m->units);
    add(x, &x->deposited, m->units);
  }
  if (m->kind == CF_INBOX_EXIT_PAID) {
    add_units(a, CF_LANES_MAIN, m->asset, m->id, -(cf_units_t)m->units);
    add_units(a, CF_LANES_FREE, m->asset, m->id, -(cf_units_t)m->free_units);
    add(x, &x->paid, m->units);
    add(x, &x->paid, m->free_units);
  }
}

/* ---- lanes ---- */

static void lane_fault(cf_audit_t *a, cf_lanes_row_t const *l, uint32_t id, uint64_t is, char const *most) {
  static char const *const words[] = {"in its lane", "free", "noted as deposited"};
  cf_units_t               want = l->units[l->kind == CF_LANES_ROOT ? 0 : id & 3];
  int64_t                  told = want < 0 ? -1 : want > INT64_MAX ? INT64_MAX : (int64_t)want;
  cf_audit_fault(a, CF_WHO_ABOUT(CF_RANK_LEDGER, 10, CF_ABOUT_SETTLEMENT), NULL, NEXT_LANES,
                 "account %" PRIu32 " has %llu of asset %" PRIu32 " %s in block %llu; deposits, settlements and exits lead to %s%lld", id, (ull_t)is,
                 l->asset, words[l->kind], (ull_t)a->facts.final.number, most, (long long)told);
}

static void judge_root(cf_audit_t *a, cf_lanes_row_t const *l, cf_hash_t const *word) {
  cf_ledger_root_t const r = cf_ledger_root_unpack(word);
  if ((cf_units_t)r.deposited != l->units[0]) lane_fault(a, l, l->first, (uint64_t)r.deposited, "");
}

/* What was withdrawn no message tells: of a free lane it is what is missing there, and never negative. */
static void judge_lanes(cf_audit_t *a, cf_lanes_row_t const *l, cf_hash_t const *word) {
  cf_asset_row_t *x = &a->assets[l->asset];
  for (uint32_t i = 0; i < 4; i++) {
    uint64_t is = cf_word_get(word, 64 * i, 64) & CF_LANE_MAX;
    bool     free_lane = l->kind == CF_LANES_FREE;
    add(x, free_lane ? &x->free_lanes : &x->lanes, is);
    if (free_lane ? (cf_units_t)is > l->units[i] : (cf_units_t)is != l->units[i]) lane_fault(a, l, l->first + i, is, free_lane ? "at most " : "");
    else if (free_lane) add(x, &x->paid, (uint64_t)(l->units[i] - (cf_units_t)is));
  }
}

static void judge_slots(cf_audit_t *a) {
  cf_hash_t keys[CF_AUDIT_SLOTS_MAX], values[CF_AUDIT_SLOTS_MAX];
  for (uint64_t at = 0, n; at < a->lanes.cnt; at += n) {
    for (n = 0; n < CF_AUDIT_SLOTS_MAX && at + n < a->lanes.cnt; n++) keys[n] = ((cf_lanes_row_t *)cf_vec_at(&a->lanes, at + n))->key;
    if (!cf_audit_slots(a, values, keys, n)) return;
    for (uint64_t i = 0; i < n; i++) {
      cf_lanes_row_t const *l = cf_vec_at(&a->lanes, at + i);
      if (l->asset >= CF_GENESIS_ASSETS_MAX) continue;
      if (l->kind == CF_LANES_ROOT) judge_root(a, l, &values[i]);
      else judge_lanes(a, l, &values[i]);
    }
  }
}

/* In mode root what is not released lies behind the state root. */
static void sum_books(cf_audit_t *a) {
  cf_units_t released[CF_GENESIS_ASSETS_MAX] = {0};
  for (uint64_t i = 0; i < a->lanes.cnt; i++) {
    cf_lanes_row_t const *l = cf_vec_at(&a->lanes, i);
    for (int k = 0; k < 4 && l->kind == CF_LANES_FREE && l->asset < CF_GENESIS_ASSETS_MAX; k++) released[l->asset] += l->units[k];
  }
  for (size_t i = 0; i < CF_GENESIS_ASSETS_MAX; i++) {
    cf_asset_row_t *x = &a->assets[i];
    x->over |= (cf_units_t)x->deposited < released[i];
    if (!x->over) x->lanes = x->deposited - (uint64_t)released[i];
  }
}

/* ---- what stands behind them ---- */

static bool times_ten(cf_hash_t *w) {
  unsigned carry = 0;
  for (size_t i = 32; i-- > 0;) {
    carry += w->b[i] * 10u;
    w->b[i] = (uint8_t)carry;
    carry >>= 8;
  }
  return carry == 0;
}

static void by_ten(cf_hash_t *w) {
  unsigned left = 0;
  for (size_t i = 0; i < 32; i++) {
    left = left << 8 | w->b[i];
    w->b[i] = (uint8_t)(left / 10);
    left %= 10;
  }
}

static bool add_word(cf_hash_t *w, cf_hash_t const *y) {
  unsigned carry = 0;
  for (size_t i = 32; i-- > 0;) {
    carry += w->b[i] + (unsigned)y->b[i];
    w->b[i] = (uint8_t)carry;
    carry >>= 8;
  }
  return carry == 0;
}

static bool in_token(cf_hash_t *w, uint64_t units, uint64_t zeros) {
  bool fits = true;
  *w = cf_word_u64(units);
  for (; zeros && fits; zeros--) fits = times_ten(w);
  return fits;
}

static uint64_t in_units(cf_hash_t w, uint64_t zeros) {
  for (; zeros; zeros--) by_ten(&w);
  for (size_t i = 0; i < 24; i++)
    if (w.b[i]) return UINT64_MAX;
  return cf_word_get(&w, 0, 64);
}

/* Assets of the same token share what is held of it. */
static void judge_held(cf_audit_t *a, cf_ledger_asset_t const *assets, uint32_t cnt, uint32_t which) {
  cf_asset_row_t        *x = &a->assets[which];
  cf_audit_held_t const *t = &x->token;
  cf_who_t const         who = CF_WHO(CF_RANK_LEDGER, 10);
  cf_hash_t              due = {{0}}, one;
  uint64_t               units = 0;
  bool                   fits = true, any = false, told = false, more = false;
  for (uint32_t i = 0; i < cnt; i++) {
    cf_asset_row_t const *y = &a->assets[i];
    if (!cf_addr_eq(&assets[i].token, &t->token)) continue;
    told |= i < which;
    more |= i > which;
    fits = fits && !y->over && cf_add_u64(&units, y->lanes, y->free_lanes);
    any |= !fits || units != 0;
    fits = fits && (!units || (t->decimals >= assets[i].scale && in_token(&one, units, t->decimals - assets[i].scale) && add_word(&due, &one)));
  }
  if (!t->known && any && !told)
    cf_audit_fault(a, who, NULL, NEXT_LANES, "the token of asset %" PRIu32 " does not say what the ledger holds of it; %llu are due", which, (ull_t)units);
  if (!t->known) return;
  x->held = t->decimals >= assets[which].scale ? in_units(t->amount, t->decimals - assets[which].scale) : 0;
  if ((!fits || memcmp(t->amount.b, due.b, 32) < 0) && !told)
    cf_audit_fault(a, who, NULL, NEXT_LANES, "the ledger holds %llu of asset %" PRIu32 "'s token in block %llu, and owes %llu of the asset%s", (ull_t)x->held,
                   which, (ull_t)a->facts.final.number, (ull_t)(x->lanes + x->free_lanes), more ? ", and others of that token" : "");
}

/* Governors may set an asset anew, and the chain says so. */
static bool was_set(cf_audit_t const *a, uint32_t asset) {
  for (size_t i = 0; i < a->facts.messages_cnt; i++)
    if (a->facts.messages[i].said.kind == CF_INBOX_ASSET_SET && a->facts.messages[i].said.asset == asset) return true;
  return false;
}

static void judge_assets(cf_audit_t *a, bool owes) {
  cf_ledger_genesis_t const *g = &a->domain.block0;
  cf_ledger_asset_t          assets[CF_GENESIS_ASSETS_MAX];
  cf_hash_t                  keys[CF_GENESIS_ASSETS_MAX], values[CF_GENESIS_ASSETS_MAX], word;
  cf_hash_t const            counters = cf_slot_plain(CF_SLOT_COUNTERS);
  if (!cf_audit_slots(a, &word, &counters, 1)) return;
  cf_ledger_counters_t const c = cf_ledger_counters_unpack(&word);
  uint32_t const             cnt = c.next_asset < CF_GENESIS_ASSETS_MAX ? c.next_asset : CF_GENESIS_ASSETS_MAX;
  if (c.next_account != a->accounts + 1)
    cf_audit_fault(a, CF_WHO(CF_RANK_LEDGER, 10), NULL, NEXT_LANES, "the contract has %lld accounts; %llu were opened", (long long)c.next_account - 1,
                   (ull_t)a->accounts);
  for (uint32_t i = 0; i < cnt; i++) keys[i] = cf_slot_asset(i);
  if (!cf_audit_slots(a, values, keys, cnt)) return;
  for (uint32_t i = 0; i < cnt; i++) {
    assets[i] = cf_ledger_asset_unpack(&values[i]);
    bool same = i >= g->assets_cnt || (cf_addr_eq(&assets[i].token, &g->assets[i].token) && assets[i].scale == g->assets[i].scale);
    if (!same && !was_set(a, i))
      cf_audit_fault(a, CF_WHO(CF_RANK_LEDGER, 10), NULL, NEXT_LANES, "asset %" PRIu32 " of the contract has another token or unit than genesis names", i);
  }
  for (uint32_t i = 0; i < cnt && owes && !a->failed_io; i++) {
    a->assets[i].token = (cf_audit_held_t){.token = assets[i].token};
    a->failed_io = a->options.chain->held(a->options.chain->ctx, &a->assets[i].token) != CF_READ_OK;
    if (!a->failed_io) judge_held(a, assets, cnt, i);
  }
}

bool cf_audit_holdings(cf_audit_t *a) {
  cf_hash_t const status = cf_slot_plain(CF_SLOT_STATUS);
  cf_hash_t       word;
  bool            root = a->domain.block0.config.mode == CF_MODE_ROOT;
  if (!a->on_chain || !a->options.chain || !a->inbox_whole || !a->ledger_whole) return true;
  if (a->bodies != a->moves.cnt || a->cut) return true; /* what is missing of the log was told */
  for (size_t i = 0; i < a->facts.messages_cnt; i++) take_message(a, &a->facts.messages[i].said);
  judge_slots(a);
  if (root) sum_books(a);
  if (a->failed_io || !cf_audit_slots(a, &word, &status, 1)) return false;
  a->held_looked = !root || !cf_ledger_status_unpack(&word).dead; /* of a dead one in mode root no message tells what was taken */
  judge_assets(a, a->held_looked);
  return !a->failed_io;
}
