#include "ledger/cf_root_book.h"

#include <assert.h>

/* ---- positions ---- */

/* Where (asset, id) stands in the index, or would. */
static uint32_t *place_of(cf_root_book_t const *book, uint32_t asset, uint32_t id) {
  uint32_t mask = 2 * book->tree.cap - 1;
  uint64_t mixed = ((uint64_t)asset << 32 | id) * 0x9e3779b97f4a7c15u;
  for (uint32_t i = (uint32_t)(mixed >> 32) & mask;; i = (i + 1) & mask) {
    cf_root_row_t const *row = &book->rows[book->index[i]];
    if (book->index[i] == 0 || (row->asset == asset && row->id == id)) return &book->index[i];
  }
}

uint32_t cf_root_book_position(cf_root_book_t const *book, uint32_t asset, uint32_t id) { return *place_of(book, asset, id); }

void cf_root_book_init(cf_root_book_t *book, cf_hash_t const *separator, uint32_t cap, cf_root_row_t *rows, uint32_t *index,
                       cf_hash_t *nodes) {
  *book = (cf_root_book_t){
    .rows = rows, .index = index, .cnt = 1, .separator = *separator, .head = cf_settlement_head0(separator)
  };
  cf_root_tree_init(&book->tree, nodes, cap);
  memset(rows, 0, cap * sizeof *rows);
  memset(index, 0, 2 * (size_t)cap * sizeof *index);
}

/* ---- calls ---- */

static cf_status_t deposited(cf_root_book_t *book, uint32_t asset, uint32_t id, uint64_t units) {
  uint32_t *place = place_of(book, asset, id);
  if (*place == 0) {
    if (book->cnt == book->tree.cap) return CF_ERR_BOUND;
    book->rows[book->cnt] = (cf_root_row_t){ .asset = asset, .id = id };
    *place                = book->cnt++;
  }
  book->rows[*place].deposited += units;
  return CF_OK;
}

static void set_leaf(cf_root_book_t *book, uint32_t position) {
  cf_root_row_t const *row    = &book->rows[position];
  cf_hash_t            digest = cf_root_leaf_digest(row->asset, row->id, &row->leaf);
  cf_root_tree_set(&book->tree, position, &digest);
}

/* A balance that fell below 0 is one beyond 96 bits. */
static bool leaf_may_be(cf_root_row_t const *row) {
  return row->leaf.balance >> 96 == 0 && row->leaf.credited_in <= row->deposited && row->leaf.released >> 80 == 0;
}

static bool open_change(cf_root_book_t *book, cf_root_change_t const *c) {
  cf_root_row_t *row = &book->rows[c->position];
  row->leaf.balance += (cf_u128_t)c->moved + c->credited; /* modulo 2^128: a loss is taken away */
  row->leaf.credited_in += c->credited;
  return leaf_may_be(row);
}

static cf_status_t apply_changes(cf_root_book_t *book, cf_da_t da, cf_span_t data) {
  cf_status_t st = cf_root_data_check(da, data);
  if (st) return st;
  cf_root_change_t  change;
  cf_root_changes_t c = cf_root_changes_read(da, data);
  while (cf_root_changes_next(&c, &change)) {
    if (change.position >= book->cnt) return CF_ERR_AUTH;
    if (da == CF_DA_SEALED || change.position == 0) cf_root_tree_set(&book->tree, change.position, &change.digest);
    else if (!open_change(book, &change)) return CF_ERR_AUTH;
    else set_leaf(book, change.position);
  }
  return CF_OK;
}

static cf_status_t apply_releases(cf_root_book_t *book, cf_section_t section) {
  cf_entry_t e;
  while (cf_entry_next(&section, &e)) {
    uint32_t       position = cf_root_book_position(book, section.asset, e.id);
    cf_root_row_t *row      = &book->rows[position];
    uint64_t       units    = (uint64_t)e.amount;
    if (position == 0) return CF_ERR_AUTH;
    row->leaf.balance -= units;
    row->leaf.released += units;
    if (!leaf_may_be(row)) return CF_ERR_AUTH;
    set_leaf(book, position);
  }
  return CF_OK;
}

static cf_status_t settled(cf_root_book_t *book, cf_op_t const *op) {
  cf_section_t section, data = { .da = CF_DA_NONE };
  cf_status_t  st = cf_settlement_body_check(CF_MODE_ROOT, op->body, NULL);
  for (cf_rd_t rd = cf_rd_span(op->body); !st && cf_section_next(&rd, &section);)
    if (section.kind == CF_SECTION_DATA) data = section;
  if (!st && data.da != CF_DA_NONE) st = apply_changes(book, (cf_da_t)data.da, data.data);
  for (cf_rd_t rd = cf_rd_span(op->body); !st && data.da == CF_DA_OPEN && cf_section_next(&rd, &section);)
    if (section.kind != CF_SECTION_DATA) st = apply_releases(book, section);
  if (st) return st;
  cf_hash_t root = cf_root_tree_root(&book->tree);
  if (!cf_hash_eq(&root, &op->state_root)) return CF_ERR_AUTH;
  book->last = (cf_settlement_t){ op->meta, book->head, op->state_root, cf_settlement_entries(op->body), op->receipts };
  book->head = cf_settlement_digest(&book->separator, &book->last);
  return CF_OK;
}

cf_status_t cf_root_book_call(cf_root_book_t *book, cf_op_t const *op) {
  if (!book->st && op->kind == CF_OP_DEPOSIT) book->st = deposited(book, op->asset, op->id, op->units);
  if (!book->st && op->kind == CF_OP_SETTLE) book->st = settled(book, op);
  return book->st;
}

cf_status_t cf_root_book_message(cf_root_book_t *book, cf_inbox_msg_t const *msg) {
  if (!book->st && msg->kind == CF_INBOX_DEPOSITED) book->st = deposited(book, msg->asset, msg->id, msg->units);
  return book->st;
}

cf_status_t cf_root_book_changes(cf_root_book_t *book, cf_span_t data) {
  if (!book->st) book->st = apply_changes(book, CF_DA_SEALED, data);
  return book->st;
}

/* ---- the way out ---- */

cf_status_t cf_root_book_exit(cf_root_book_t const *book, cf_op_t *op, uint8_t path[CF_ROOT_PATH_SZ], uint32_t asset,
                              uint32_t id, cf_root_leaf_t const *own) {
  static cf_hash_t const      zero;
  static cf_root_leaf_t const none;
  uint32_t                    position = cf_root_book_position(book, asset, id);
  if (book->st) return CF_ERR_AUTH;
  if (position == 0) return CF_ERR_POLICY;
  cf_hash_t      there = cf_root_tree_leaf(&book->tree, position);
  cf_root_leaf_t leaf  = own ? *own : cf_hash_eq(&there, &zero) ? none : book->rows[position].leaf;
  bool           fits  = leaf.balance >> 96 == 0 && leaf.credited_in >> 80 == 0 && leaf.released >> 80 == 0;
  cf_hash_t      digest;
  if (fits) digest = cf_root_leaf_digest(asset, id, &leaf);
  if (!fits || !cf_hash_eq(&digest, &there)) return CF_ERR_AUTH;
  cf_root_tree_path(&book->tree, path, position);
  *op = (cf_op_t){ .kind       = CF_OP_ROOT_EXIT,
                   .asset      = asset,
                   .id         = id,
                   .meta       = book->last.meta,
                   .prev_head  = book->last.prev_head,
                   .state_root = book->last.state_root,
                   .entries    = book->last.entries,
                   .receipts   = book->last.receipts,
                   .leaf       = leaf,
                   .body       = CF_SPAN(path, CF_ROOT_PATH_SZ) };
  return CF_OK;
}
