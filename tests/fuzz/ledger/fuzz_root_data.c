/* What settlements in mode root publish, and the book that is made of it.  The first byte chooses open or sealed: data that is of its
   form is written again, byte for byte.  Then a book follows a settlement that carries it: whatever it says, no more is credited than
   was deposited, and each exit that the book makes leads to the root. */
#include <assert.h>

#include "ledger/cf_root_book.h"

enum { CAP = 8, DEPOSIT = 1000 };

static void same_again(cf_da_t da, cf_span_t data) {
  static uint8_t    again[1 << 16];
  cf_wr_t           wr   = cf_wr_init(again, sizeof again);
  cf_root_changes_t c    = cf_root_changes_read(da, data);
  cf_root_change_t  change;
  uint64_t          next = 0;
  while (cf_root_changes_next(&c, &change)) cf_root_change_write(&wr, da, &next, &change);
  bool whole = cf_root_data_check(da, data) == CF_OK;
  assert(whole == cf_rd_done(&c.rd));
  if (whole) assert(cf_span_eq(cf_wr_out(&wr), data));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static cf_root_row_t rows[CAP];
  static uint32_t      index[2 * CAP];
  static cf_hash_t     nodes[CF_ROOT_NODES(CAP)];
  cf_hash_t const      separator = { { 1 } };
  static uint8_t       buf[1 << 16];
  cf_root_book_t       book;
  if (size == 0 || size > 4096) return 0;
  cf_da_t   da = data[0] & 1 ? CF_DA_OPEN : CF_DA_SEALED;
  cf_span_t in = CF_SPAN(data + 1, size - 1);
  same_again(da, in);

  /* Twice: the first run finds the root to which the data leads, if it does. */
  cf_op_t settle = { .kind = CF_OP_SETTLE };
  for (unsigned run = 0; run < 2; run++) {
    cf_root_book_init(&book, &separator, CAP, rows, index, nodes);
    for (uint32_t id = 1; id < 4; id++) {
      cf_op_t     op = { .kind = CF_OP_DEPOSIT, .asset = id & 1, .id = id, .units = DEPOSIT };
      cf_status_t st = cf_root_book_call(&book, &op);
      assert(!st);
    }
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    if (data[0] & 2) cf_section_write(&wr, CF_SECTION_RELEASES, 1, 1), cf_entry_write(&wr, 1, 1 + data[0] / 4);
    cf_section_data_write(&wr, da);
    cf_wr_span(&wr, in);
    settle.body    = cf_wr_out(&wr);
    cf_status_t st = cf_root_book_call(&book, &settle);
    if (st && run) return 0;
    settle.state_root = cf_root_tree_root(&book.tree);
  }
  cf_hash_t head = cf_settlement_digest(&separator, &book.last);
  assert(cf_hash_eq(&head, &book.head));
  for (uint32_t id = 1; id < 4; id++) {
    uint8_t        path[CF_ROOT_PATH_SZ];
    cf_op_t        op;
    cf_root_row_t *row = &rows[id];
    assert(row->leaf.credited_in <= DEPOSIT && row->leaf.balance >> 96 == 0);
    if (cf_root_book_exit(&book, &op, path, id & 1, id, NULL)) continue; /* sealed: not known here */
    cf_hash_t   digest = cf_root_leaf_digest(id & 1, id, &op.leaf);
    cf_status_t st     = cf_root_path_verify(&settle.state_root, id, &digest, op.body);
    assert(!st);
  }
  return 0;
}
