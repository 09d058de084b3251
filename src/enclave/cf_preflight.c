/* Would the ledger accept this content?  Its own rules (ONCHAIN 4.5), run on what
   the view showed and the settlements in flight will have made of it. */
#include "enclave/cf_enclave_state.h"

/* The slots that settle reads, gathered for one content. */
typedef struct {
  cf_enclave_t const *e;
  cf_content_t const *content;
  cf_slot_write_t    *lanes; /* open addressing by key; a key of zero is a free place */
  size_t              mask;
} world_t;

/* The keys are Keccak digests plus a small number: their last bytes spread well enough. */
static cf_slot_write_t *
lane_slot(world_t const *w, cf_hash_t const *key) {
  size_t i = ((size_t)key->b[28] << 24 | (size_t)key->b[29] << 16 | (size_t)key->b[30] << 8 | key->b[31]) & w->mask;
  while (!cf_word_is_zero(&w->lanes[i].key) && !cf_hash_eq(&w->lanes[i].key, key)) i = (i + 1) & w->mask;
  return &w->lanes[i];
}

/* What the contents in flight before this one take from a bucket. */
static uint64_t
released(cf_enclave_t const *e, cf_content_t const *before, uint32_t asset) {
  uint64_t sum = 0;
  for (size_t i = 0; i < cf_book_content_cnt(e->book) && cf_book_content(e->book, i)->window < before->window; i++) {
    cf_book_content_t const *c = cf_book_content(e->book, i);
    for (uint32_t k = 0; k < c->entry_cnt; k++)
      if (c->entries[k].asset == asset && c->entries[k].kind == 1)
        sum += (uint64_t)c->entries[k].amount; /* each window's were within the level */
  }
  return sum;
}

static cf_hash_t
read_slot(void *ctx, cf_hash_t const *key) {
  world_t const *w = ctx;
  for (unsigned s = 0; s < CF_SLOT_PLAIN_CNT; s++) {
    cf_hash_t plain = cf_slot_plain(s);
    if (cf_hash_eq(key, &plain)) return s == CF_SLOT_HEAD ? w->content->settlement.prev_head : w->e->view.slots[s];
  }
  cf_hash_t own = cf_slot_key(&w->e->own.settlement_addr);
  if (cf_hash_eq(key, &own)) return w->e->view.key;
  for (size_t i = 0; i < w->e->view.bucket_cnt; i++) {
    cf_hash_t bucket = cf_slot_bucket(w->e->view.bucket[i].asset), words[2];
    if (!cf_hash_eq(key, &bucket)) continue;
    uint64_t level = w->e->view.bucket[i].level, out = released(w->e, w->content, w->e->view.bucket[i].asset);
    level          = out < level ? level - out : 0;
    cf_ledger_bucket_t b = { .level = level, .cap = level, .at_s = w->e->view.time_s };
    cf_ledger_bucket_pack(words, &b);
    return words[0];
  }
  return lane_slot(w, key)->value; /* zero where nothing stands */
}

/* What the contents in flight before this one will have added to a lane. */
static int64_t
in_flight(cf_enclave_t const *e, cf_content_t const *before, uint32_t account, uint32_t asset) {
  int64_t sum = 0;
  for (size_t i = 0; i < cf_book_content_cnt(e->book); i++) {
    cf_book_content_t const *c = cf_book_content(e->book, i);
    if (c->window >= before->window) break;
    size_t lo = 0, hi = c->entry_cnt;
    while (lo < hi) {
      size_t                 mid = (lo + hi) / 2;
      cf_book_entry_t const *at  = &c->entries[mid];
      int                    d = at->asset != asset      ? (at->asset < asset ? -1 : 1)
                                 : at->kind != 0         ? 1
                                 : at->account < account ? -1
                                                         : at->account > account;
      if (!d) {
        sum += at->amount;
        break;
      }
      if (d < 0) lo = mid + 1;
      else hi = mid;
    }
  }
  return sum;
}

cf_refusal_code_t
cf_preflight(cf_enclave_t *e, cf_content_t const *c, cf_span_t body) {
  world_t              w    = { e, c, e->lanes, e->lanes_table - 1 };
  cf_ledger_effects_t  fx   = { .writes = e->lanes + e->lanes_table, .writes_max = e->lanes_cnt - e->lanes_table };
  cf_rd_t              rd   = cf_rd_span(body);
  cf_section_t         section;
  cf_entry_t           entry;
  memset(w.lanes, 0, (w.mask + 1) * sizeof *w.lanes);
  while (cf_section_next(&rd, &section)) {
    if (section.kind != CF_SECTION_POSITIONS) continue;
    cf_hash_t base = cf_slot_lanes(section.asset);
    while (cf_entry_next(&section, &entry)) {
      cf_book_lane_t lane;
      if (!cf_book_lane(e->book, entry.id, section.asset, &lane)) return CF_REFUSAL_LANE;
      cf_hash_t        key  = cf_slot_add(&base, entry.id >> 2);
      cf_slot_write_t *slot = lane_slot(&w, &key);
      slot->key             = key;
      int64_t units;
      if (__builtin_add_overflow((int64_t)lane.balance, in_flight(e, c, entry.id, section.asset), &units) || units < 0)
        return CF_REFUSAL_LANE;
      cf_word_set(&slot->value, cf_lane_bit(entry.id), 64, CF_LANE_OPEN | (uint64_t)units);
    }
  }
  cf_op_t         op = {.kind = CF_OP_SETTLE,
                        .meta = c->settlement.meta,
                        .state_root = c->settlement.state_root,
                        .receipts = c->settlement.receipts,
                        .body = body};
  cf_ledger_env_t env = { .time_s = e->view.time_s, .chain_id = e->domain.block0.config.chain_id, .contract = e->domain.block0.config.contract };
  cf_hash_t       digest;
  cf_refusal_t    r =
      cf_ledger_preflight_settle(&e->domain.block0.config, (cf_slot_reader_t){read_slot, &w}, &env, &op, &e->own.settlement_addr, &fx, &digest);
  return r.code ? r.code : cf_hash_eq(&digest, &c->digest) ? CF_REFUSAL_NONE : CF_REFUSAL_ENTRIES;
}
