/* What ledger_model.h needs of mode root: the enclave, which keeps a book and publishes what moved in it, and calls of that
   mode.  Included by it, behind its model. */

#include "ledger/cf_root_data.h"

enum { POSITIONS = ASSETS * ACCOUNTS + 1 };

static cf_hash_t  book_leaf[POSITIONS]; /* by position, of the state that the last settlement made has */
static size_t     book_positions;
static mleaf_t    book_next[ASSETS][ACCOUNTS];

static bool exit_due(uint32_t id) { return m.account[id].exit_at && m.now >= m.account[id].exit_at + EXIT_DELAY; }

/* The digests of all leaves of a book. */
static void book_digests(mleaf_t (*leaf)[ACCOUNTS], cf_hash_t reserved) {
  book_leaf[0]   = reserved;
  book_positions = m.next_position;
  for (uint32_t asset = 0; asset < ASSETS; asset++)
    for (uint32_t id = 0; id < ACCOUNTS; id++)
      if (m.root[asset][id].position) book_leaf[m.root[asset][id].position] = naive_leaf(asset, id, &leaf[asset][id]);
}

static void book_credit(uint32_t asset, uint32_t id) {
  mleaf_t *l   = &book_next[asset][id];
  wide_t   due = m.root[asset][id].deposited - l->credited;
  if (!m.root[asset][id].position || due == 0 || chance(30)) return;
  if (chance(20)) due = 1 + (wide_t)rnd((uint64_t)due);
  l->balance += due;
  l->credited += due;
}

static void book_move(uint32_t asset) {
  uint32_t a = some_id(), b = some_id();
  if (a >= ACCOUNTS || b >= ACCOUNTS || a == b || !m.root[asset][b].position || !book_next[asset][a].balance) return;
  wide_t move = 1 + (wide_t)rnd((uint64_t)book_next[asset][a].balance);
  book_next[asset][a].balance -= move;
  book_next[asset][b].balance += move;
}

/* Kind 1 now and then, kind 2 where an exit is due. */
static void book_release(mcall_t *c, uint32_t asset, uint32_t id, uint8_t kind) {
  mleaf_t *l   = &book_next[asset][id];
  bool     out = kind == 2 ? exit_due(id) || chance(1) : chance(6);
  if (c->rows_cnt == ROWS - 1 || l->balance == 0 || !out) return;
  wide_t most = kind == 1 && chance(95) && l->balance > 300 ? 300 : l->balance;
  wide_t some = kind == 2 ? most : 1 + (wide_t)rnd((uint64_t)most);
  l->balance -= some;
  l->released += some;
  c->rows[c->rows_cnt++] = (row_t){ kind, asset, id, (int64_t)some };
}

/* A body's fault never releases more than the book gave away: what the ledger does not check must hold all the same. */
static void spoil_rows(mcall_t *c) {
  if (c->rows_cnt == 0) return;
  row_t *r = &c->rows[rnd(c->rows_cnt)];
  switch (rnd(6)) {
  case 0: r->amount -= (int64_t)rnd(2); break;
  case 1: r->id = (uint32_t)rnd(ACCOUNTS); break;
  case 2: r->kind = (uint8_t)(chance(50) ? 0 : 4); break;
  case 3: r->amount = INT64_MIN; break;
  case 4: r->amount = r->kind == 1 ? INT64_MAX : 0; break;
  case 5: r->amount = -r->amount; break;
  }
}

/* What changed between the last settlement's book and the next, in the form of da. */
static void book_changes(cf_wr_t *wr, cf_da_t da) {
  static mleaf_t const *before[POSITIONS], *after[POSITIONS];
  uint64_t next = 0;
  for (uint32_t asset = 0; asset < ASSETS; asset++)
    for (uint32_t id = 0; id < ACCOUNTS; id++)
      before[m.root[asset][id].position] = &m.leaf[asset][id], after[m.root[asset][id].position] = &book_next[asset][id];
  for (uint32_t i = 0; i < book_positions; i++) {
    cf_root_change_t change = { .position = i, .digest = book_leaf[i] };
    if (i) {
      wide_t credited = after[i]->credited - before[i]->credited, released = after[i]->released - before[i]->released;
      wide_t moved    = after[i]->balance - before[i]->balance - credited + released;
      change.moved    = (int64_t)moved;
      change.credited = (uint64_t)credited;
      if (da == CF_DA_OPEN ? moved == 0 && credited == 0 : moved == 0 && credited == 0 && released == 0) continue;
    }
    cf_root_change_write(wr, da, &next, &change);
  }
}

/* The data section; now and then one that is not of its form. */
static void book_publish(mcall_t *c, cf_wr_t *body) {
  c->da   = (uint8_t)(m.sealed ? (chance(70) ? 2 : 0) : 1);
  c->data = c->da || chance(50);
  if (!c->honest && chance(5)) c->da = (uint8_t)rnd(5), c->data = true;
  if (!c->data) return;
  cf_wr_u8(body, 3);
  cf_wr_u24(body, c->honest || chance(99) ? 0xffffff : (c->bad_data = true, 0xfffffe));
  cf_wr_u8(body, c->da);
  size_t from = body->len;
  if (c->da == CF_DA_OPEN || c->da == CF_DA_SEALED) book_changes(body, (cf_da_t)c->da);
  if (!c->honest && chance(3)) cf_wr_u8(body, (uint8_t)rnd(256));
  c->bad_data |= c->da > 2 || (c->da == 0 && body->len > from);
}

static cf_span_t make_root_body(world_t *w, mcall_t *c) {
  memcpy(book_next, m.leaf, sizeof book_next);
  for (uint32_t asset = 0; asset < m.assets; asset++) {
    for (uint32_t id = 1; id <= m.accounts; id++) book_credit(asset, id);
    for (unsigned i = 0; i < 3; i++) book_move(asset);
    for (uint8_t kind = 1; kind <= 2; kind++)
      for (uint32_t id = 1; id <= m.accounts; id++) book_release(c, asset, id, kind);
  }
  if (m.sealed) /* a salt is new whenever its leaf is */
    for (uint32_t asset = 0; asset < m.assets; asset++)
      for (uint32_t id = 1; id <= m.accounts; id++)
        if (memcmp(&book_next[asset][id], &m.leaf[asset][id], offsetof(mleaf_t, salt)) != 0) {
          uint64_t fresh           = rnd(UINT64_MAX);
          book_next[asset][id].salt = cf_sha256(CF_SPAN(&fresh, sizeof fresh));
        }
  uint64_t fresh = rnd(UINT64_MAX);
  book_digests(book_next, cf_sha256(CF_SPAN(&fresh, sizeof fresh)));
  w->state_root = naive_root(book_leaf, book_positions);
  c->honest     = !m.faults || chance(80);
  if (!c->honest && chance(50)) spoil_rows(c);
  cf_span_t rows = body_of(w, c->rows, c->rows_cnt);
  cf_wr_t   wr   = { .buf = w->body, .max = sizeof w->body, .len = rows.len };
  book_publish(c, &wr);
  return cf_wr_out(&wr);
}

/* The way out of the last state that was settled, with something wrong now and then. */
static cf_op_t make_root_exit(world_t *w, mcall_t *c) {
  static uint8_t path[CF_ROOT_PATH_SZ];
  (void)w;
  for (unsigned tries = 0; tries < 60 && chance(97); tries++) {
    mroot_t const *r = &m.root[c->asset % ASSETS][c->id % ACCOUNTS];
    if (r->position && (!r->closed || chance(2))) break;
    c->id    = some_id();
    c->asset = some_asset();
  }
  cf_op_t op = op_root_exit(c->asset, c->id);
  bool    in = c->asset < ASSETS && c->id < ACCOUNTS;
  mleaf_t l  = in ? m.leaf[c->asset][c->id] : (mleaf_t){ 0 };
  uint32_t position = in ? m.root[c->asset][c->id].position : 0;
  book_digests(m.leaf, m.reserved);
  book_positions = m.settled_positions;
  naive_path(path, book_leaf, book_positions, position);
  op.meta = m.last.meta, op.prev_head = m.last.prev_head, op.state_root = m.last.state_root, op.entries = m.last.entries,
  op.receipts  = m.last.receipts;
  c->head_fits = true;
  if (chance(3)) {
    cf_hash_t *words[] = { &op.meta, &op.prev_head, &op.state_root, &op.entries, &op.receipts };
    words[rnd(5)]->b[rnd(32)] ^= 1;
    c->head_fits = false;
  }
  switch (chance(15) ? rnd(7) : 7) {
  case 0: l.balance += 1 + (wide_t)rnd(5); break;
  case 1: l.credited += 1; break;
  case 2: l.released += 1; break;
  case 3: l.salt.b[rnd(32)] ^= 1; break;
  case 4: path[rnd(sizeof path)] ^= (uint8_t)(1 << rnd(8)); break;
  case 5: naive_path(path, book_leaf, book_positions, (uint32_t)rnd(book_positions + 2)); break;
  case 6: l = (mleaf_t){ 0 }; break;
  default: break;
  }
  c->leaf      = l;
  cf_hash_t to = naive_climb(naive_leaf(c->asset, c->id, &l), position, path);
  c->leaf_fits = memcmp(to.b, op.state_root.b, 32) == 0;
  op.leaf      = (cf_root_leaf_t){ (cf_u128_t)l.balance, (cf_u128_t)l.credited, (cf_u128_t)l.released, l.salt };
  op.body      = CF_SPAN_OF(path);
  return op;
}
