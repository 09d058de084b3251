/* The book as bytes: docs/protocol/book.md, "Snapshot". */
#include <assert.h>

#include "enclave/cf_book_state.h"

#define SNAPSHOT_VERSION 1

/* ---- save ---- */

static void
save_account(cf_wr_t *wr, account_t const *a) {
  cf_wr_u32(wr, a->id);
  cf_wr_bytes(wr, a->owner.b, sizeof a->owner.b);
  cf_wr_u8(wr, (uint8_t)((a->admitted ? 1 : 0) | (a->closed ? 2 : 0) | (a->defaulted ? 4 : 0)));
  cf_wr_u8(wr, a->account_class);
  cf_wr_u64(wr, a->exit_at_s);
  cf_wr_u64(wr, a->orders.highest);
  cf_wr_u64(wr, a->orders.below[0]);
  cf_wr_u64(wr, a->orders.below[1]);
  cf_wr_u64(wr, a->inputs_window);
  cf_wr_u32(wr, a->inputs);
}

static void
save_content(cf_wr_t *wr, cf_book_content_t const *content) {
  cf_wr_u64(wr, content->window);
  cf_wr_u32(wr, content->entry_cnt);
  for (uint32_t i = 0; i < content->entry_cnt; i++) {
    cf_wr_u24(wr, content->entries[i].asset);
    cf_wr_u8(wr, content->entries[i].kind);
    cf_wr_u32(wr, content->entries[i].account);
    cf_wr_u64(wr, (uint64_t)content->entries[i].amount);
  }
}

void
cf_book_save(cf_book_t const *b, cf_wr_t *wr) {
  assert(!b->in_batch && !b->fault);
  cf_wr_u8(wr, SNAPSHOT_VERSION);
  cf_wr_u64(wr, b->sequence);
  cf_wr_u64(wr, b->window);
  cf_wr_u64(wr, b->as_of_s);
  cf_wr_hash(wr, &b->activity_last);
  cf_wr_hash(wr, &b->nodes[0][0]);
  cf_wr_u8(wr, b->params.asset_cnt);
  for (size_t i = 0; i < b->params.asset_cnt; i++) {
    cf_wr_u24(wr, b->params.assets[i].asset);
    cf_wr_u64(wr, b->levels[i]);
  }
  cf_wr_u32(wr, b->account_cnt);
  for (uint32_t i = 0; i < b->account_cnt; i++) save_account(wr, &b->accounts[i]);
  cf_wr_u32(wr, b->leaf_cnt);
  for (uint32_t i = 0; i < b->leaf_cnt; i++) {
    cf_wr_u32(wr, b->leaves[i].account);
    cf_wr_u24(wr, b->leaves[i].asset);
    cf_wr_u64(wr, b->leaves[i].balance);
    cf_wr_u64(wr, b->leaves[i].held);
    cf_wr_u64(wr, b->leaves[i].sequence);
  }
  cf_wr_u8(wr, (uint8_t)b->content_cnt);
  for (uint32_t i = 0; i < b->content_cnt; i++) save_content(wr, cf_book_content(b, i));
  b->workload->save(b->state, wr); /* to the end */
}

/* ---- load ---- */

static cf_status_t
load_levels(cf_book_t *b, cf_rd_t *rd) {
  uint8_t cnt = cf_rd_u8(rd);
  if (rd->bad) return CF_ERR_FORMAT;
  if (cnt != b->params.asset_cnt) return CF_ERR_BOUND;
  for (size_t i = 0; i < cnt; i++) {
    if (cf_rd_u24(rd) != b->params.assets[i].asset) return rd->bad ? CF_ERR_FORMAT : CF_ERR_BOUND;
    b->levels[i] = cf_rd_u64(rd);
  }
  return CF_OK;
}

static cf_status_t
load_account(cf_book_t *b, cf_rd_t *rd) {
  uint32_t  id = cf_rd_u32(rd);
  cf_addr_t owner = { { 0 } };
  cf_rd_copy(rd, owner.b, sizeof owner.b);
  uint8_t flags = cf_rd_u8(rd);
  if (rd->bad || !id || flags > 7 || cf_book_account_find(b, id) || cf_book_account_of(b, &owner)) return CF_ERR_FORMAT;
  account_t *a = cf_book_account_add(b, id, &owner);
  if (!a) return CF_ERR_BOUND;
  a->admitted = flags & 1;
  a->closed = flags & 2;
  a->defaulted = flags & 4;
  a->account_class = cf_rd_u8(rd);
  a->exit_at_s = cf_rd_u64(rd);
  a->orders.highest = cf_rd_u64(rd);
  a->orders.below[0] = cf_rd_u64(rd);
  a->orders.below[1] = cf_rd_u64(rd);
  a->inputs_window = cf_rd_u64(rd);
  a->inputs = cf_rd_u32(rd);
  if (rd->bad || a->exit_at_s > UINT64_MAX / 2 || a->inputs_window > b->window) return CF_ERR_FORMAT;
  return a->inputs > b->params.inputs_max ? CF_ERR_BOUND : CF_OK;
}

static cf_status_t
load_leaf(cf_book_t *b, cf_rd_t *rd) {
  uint32_t account = cf_rd_u32(rd), asset = cf_rd_u24(rd);
  if (rd->bad || asset > CF_ASSET_LAST || !cf_book_account_find(b, account) || cf_book_leaf_find(b, account, asset))
    return CF_ERR_FORMAT;
  leaf_t *leaf = cf_book_leaf_add(b, account, asset);
  if (!leaf) return CF_ERR_BOUND;
  leaf->balance = cf_rd_u64(rd);
  leaf->held = cf_rd_u64(rd);
  uint64_t sequence = cf_rd_u64(rd);
  if (rd->bad || sequence > b->sequence || leaf->balance > CF_AMOUNT_MAX || leaf->held > CF_AMOUNT_MAX) return CF_ERR_FORMAT;
  if (leaf->held > leaf->balance && !cf_book_account_find(b, account)->closed) return CF_ERR_FORMAT;
  leaf->sequence = sequence;
  return CF_OK;
}

static cf_status_t
load_content(cf_book_t *b, cf_rd_t *rd) {
  cf_book_content_t *content = cf_book_content_at(b, b->content_cnt);
  content->window = cf_rd_u64(rd);
  content->entry_cnt = cf_rd_u32(rd);
  uint64_t before = b->content_cnt ? cf_book_content_at(b, b->content_cnt - 1)->window : 0;
  if (rd->bad || content->window <= before || content->window >= b->window) return CF_ERR_FORMAT;
  if (content->entry_cnt > b->params.entries_max) return CF_ERR_BOUND;
  for (uint32_t i = 0; i < content->entry_cnt; i++) {
    cf_book_entry_t *e = &content->entries[i];
    e->asset = cf_rd_u24(rd);
    e->kind = cf_rd_u8(rd);
    e->account = cf_rd_u32(rd);
    e->amount = (int64_t)cf_rd_u64(rd);
  }
  if (rd->bad || cf_book_content_check(b, content)) return CF_ERR_FORMAT;
  cf_book_content_fly(b, content, 1);
  b->content_cnt++;
  return CF_OK;
}

static cf_status_t
load_tables(cf_book_t *b, cf_rd_t *rd) {
  cf_status_t st = load_levels(b, rd);
  uint32_t    cnt = cf_rd_u32(rd);
  while (!st && b->account_cnt < cnt) st = load_account(b, rd);
  cnt = cf_rd_u32(rd);
  while (!st && b->leaf_cnt < cnt) st = load_leaf(b, rd);
  cnt = cf_rd_u8(rd);
  if (!st && cnt > CF_WINDOWS_MAX) st = CF_ERR_FORMAT;
  while (!st && b->content_cnt < cnt) st = load_content(b, rd);
  return !st && rd->bad ? CF_ERR_FORMAT : st;
}

cf_status_t
cf_book_load(cf_book_t *b, cf_span_t in) {
  assert(b->workload && !b->in_batch && !b->sequence);
  cf_rd_t rd = cf_rd_span(in);
  uint8_t version = cf_rd_u8(&rd);
  if (rd.bad) return CF_ERR_FORMAT;
  if (version != SNAPSHOT_VERSION) return CF_ERR_UNSUPPORTED;
  b->sequence = cf_rd_u64(&rd);
  b->window = cf_rd_u64(&rd);
  b->as_of_s = cf_rd_u64(&rd);
  b->activity_last = cf_rd_hash(&rd);
  b->nodes[0][0] = cf_rd_hash(&rd);
  if (rd.bad || !b->window || b->window > UINT64_MAX / 2 || b->sequence > UINT64_MAX / 2 || b->as_of_s > UINT64_MAX / 2)
    return CF_ERR_FORMAT;
  cf_status_t st = load_tables(b, &rd);
  if (st) return st;
  size_t left = cf_rd_left(&rd);
  st = b->workload->load(b->state, CF_SPAN(cf_rd_take(&rd, left), left));
  if (st) return st;
  cf_book_tree_reload(b);
  return CF_OK;
}
