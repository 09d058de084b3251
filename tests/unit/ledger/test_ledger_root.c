/* Mode root: the tree, what is published of a book, and the book made again from calls alone. */
#include "ledger_model.h"

#include "base/cf_text.h"
#include "ledger/cf_call.h"
#include "ledger/cf_root_book.h"

/* ---- the tree ---- */

enum { TREE_MAX = 300, CAP = 512 };

static cf_hash_t some_hash(uint64_t i) { return cf_sha256(CF_SPAN(&i, sizeof i)); }

/* Every size, each grown by one from the one before, has the naive tree's root and paths. */
static void every_size(void **state) {
  (void)state;
  static cf_hash_t nodes[CF_ROOT_NODES(CAP)], leaves[TREE_MAX + 1];
  cf_root_tree_t   tree;
  cf_root_tree_init(&tree, nodes, CAP);
  for (uint32_t n = 0; n <= TREE_MAX; n++) {
    cf_hash_t root = cf_root_tree_root(&tree), want = naive_root(leaves, n);
    assert_memory_equal(root.b, want.b, 32);
    uint32_t const positions[] = { 0, n / 2, n ? n - 1 : 0, n, CAP - 1 };
    for (size_t i = 0; i < 5; i++) {
      uint8_t   path[CF_ROOT_PATH_SZ], slow[CF_ROOT_PATH_SZ];
      cf_hash_t leaf = cf_root_tree_leaf(&tree, positions[i]);
      cf_root_tree_path(&tree, path, positions[i]);
      naive_path(slow, leaves, n, positions[i]);
      assert_memory_equal(path, slow, sizeof path);
      assert_int_equal(cf_root_path_verify(&root, positions[i], &leaf, CF_SPAN_OF(path)), CF_OK);
    }
    if (n == TREE_MAX) break;
    leaves[n] = some_hash(n);
    cf_root_tree_set(&tree, n, &leaves[n]);
  }
}

/* Leaves set in any order, set again, and emptied: the root is that of what stands there last.  Every capacity gives the same. */
static void in_any_order(void **state) {
  (void)state;
  static cf_hash_t nodes[CF_ROOT_NODES(CAP)], leaves[CAP];
  for (uint32_t cap = 1; cap <= CAP; cap *= 2) {
    cf_root_tree_t tree;
    seed = 0x5deece66d + cap;
    memset(leaves, 0, sizeof leaves);
    cf_root_tree_init(&tree, nodes, cap);
    for (unsigned i = 0; i < 200; i++) {
      uint32_t at = (uint32_t)rnd(cap);
      leaves[at]  = chance(20) ? (cf_hash_t){ { 0 } } : some_hash(seed);
      cf_root_tree_set(&tree, at, &leaves[at]);
      if (i % 8) continue;
      cf_hash_t root = cf_root_tree_root(&tree), want = naive_root(leaves, cap);
      assert_memory_equal(root.b, want.b, 32);
    }
  }
}

static void paths_lead_nowhere_else(void **state) {
  (void)state;
  static cf_hash_t nodes[CF_ROOT_NODES(CAP)];
  uint8_t          path[CF_ROOT_PATH_SZ + 32] = { 0 };
  cf_root_tree_t   tree;
  cf_root_tree_init(&tree, nodes, CAP);
  for (uint32_t i = 0; i < 100; i++) {
    cf_hash_t leaf = some_hash(i);
    cf_root_tree_set(&tree, i, &leaf);
  }
  cf_hash_t root = cf_root_tree_root(&tree), leaf = some_hash(37), other = some_hash(36);
  cf_root_tree_path(&tree, path, 37);
  cf_span_t span = CF_SPAN(path, CF_ROOT_PATH_SZ);
  assert_int_equal(cf_root_path_verify(&root, 37, &leaf, span), CF_OK);
  assert_int_equal(cf_root_path_verify(&root, 37, &other, span), CF_ERR_AUTH);
  for (unsigned bit = 0; bit < 32; bit++)
    assert_int_equal(cf_root_path_verify(&root, 37 ^ (uint32_t)1 << bit, &leaf, span), CF_ERR_AUTH);
  for (size_t i = 0; i < CF_ROOT_PATH_SZ; i++) {
    path[i] ^= 1;
    assert_int_equal(cf_root_path_verify(&root, 37, &leaf, span), CF_ERR_AUTH);
    path[i] ^= 1;
  }
  root.b[0] ^= 1;
  assert_int_equal(cf_root_path_verify(&root, 37, &leaf, span), CF_ERR_AUTH);
  root.b[0] ^= 1;
  for (size_t n = 0; n <= sizeof path; n += 8)
    if (n != CF_ROOT_PATH_SZ) assert_int_equal(cf_root_path_verify(&root, 37, &leaf, CF_SPAN(path, n)), CF_ERR_FORMAT);
}

/* A node is no leaf, and an empty leaf is none of a leaf that says something. */
static void leaves(void **state) {
  (void)state;
  cf_u128_t const top80 = ((cf_u128_t)1 << 80) - 1, top96 = ((cf_u128_t)1 << 96) - 1;
  cf_root_leaf_t  full  = { top96, top80, top80, some_hash(1) }, none = { 0 };
  cf_hash_t       zero = { { 0 } }, digest = cf_root_leaf_digest(1, 2, &none);
  assert_memory_equal(digest.b, zero.b, 32);
  uint8_t buf[CF_ROOT_LEAF_SZ];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_root_leaf_write(&wr, &full);
  assert_int_equal(cf_wr_out(&wr).len, sizeof buf);
  for (size_t i = 0; i < 32; i++) assert_int_equal(buf[i], 0xff);
  cf_rd_t        rd = cf_rd_init(buf, sizeof buf);
  cf_root_leaf_t again = cf_root_leaf_read(&rd);
  assert_true(cf_rd_done(&rd) && again.balance == top96 && again.credited_in == top80 && again.released == top80);
  assert_memory_equal(again.salt.b, full.salt.b, 32);

  cf_root_leaf_t const long_ones[] = { { top96 + 1, 0, 0, zero }, { 0, top80 + 1, 0, zero }, { 0, 0, top80 + 1, zero } };
  for (size_t i = 0; i < 3; i++) {
    wr = cf_wr_init(buf, sizeof buf);
    cf_root_leaf_write(&wr, &long_ones[i]);
    assert_true(wr.bad);
  }
  cf_root_leaf_t const some[] = { { 1, 0, 0, zero }, { 0, 1, 0, zero }, { 0, 0, 1, zero }, { 0, 0, 0, some_hash(2) } };
  for (size_t i = 0; i < 4; i++) {
    mleaf_t   slow = { (wide_t)some[i].balance, (wide_t)some[i].credited_in, (wide_t)some[i].released, some[i].salt };
    cf_hash_t want = naive_leaf(0xfffffe, 7, &slow);
    digest         = cf_root_leaf_digest(0xfffffe, 7, &some[i]);
    assert_memory_equal(digest.b, want.b, 32);
    assert_memory_not_equal(digest.b, zero.b, 32);
  }
}

/* ---- what is published ---- */

#define R32 "0123456789abcdef0123456789abcdef"
static struct {
  char const *name;
  cf_da_t     da;
  char const *in;
  size_t      in_sz;
  cf_status_t want;
} const forms[] = {
#define IN(lit) (lit), sizeof(lit) - 1
  { "none", CF_DA_NONE, IN(""), CF_OK },
  { "none, with a byte", CF_DA_NONE, IN("\0"), CF_ERR_FORMAT },
  { "open: the reserved leaf alone", CF_DA_OPEN, IN(R32), CF_OK },
  { "open: nothing", CF_DA_OPEN, IN(""), CF_ERR_FORMAT },
  { "open: half a digest", CF_DA_OPEN, IN("0123456789abcdef"), CF_ERR_FORMAT },
  { "open: one moves", CF_DA_OPEN, IN(R32 "\2\1"), CF_OK },
  { "open: one is credited", CF_DA_OPEN, IN(R32 "\3\0\5"), CF_OK },
  { "open: one does neither", CF_DA_OPEN, IN(R32 "\2\0"), CF_ERR_FORMAT },
  { "open: credited nothing", CF_DA_OPEN, IN(R32 "\3\2\0"), CF_ERR_FORMAT },
  { "open: the same again", CF_DA_OPEN, IN(R32 "\2\1\0\1"), CF_ERR_FORMAT },
  { "open: cut short", CF_DA_OPEN, IN(R32 "\2"), CF_ERR_FORMAT },
  { "open: a number without an end", CF_DA_OPEN, IN(R32 "\2\x80"), CF_ERR_FORMAT },
  { "open: a number with a byte too many", CF_DA_OPEN, IN(R32 "\2\x81\0"), CF_ERR_FORMAT },
  { "open: the largest number", CF_DA_OPEN, IN(R32 "\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), CF_OK },
  { "open: 2^64", CF_DA_OPEN, IN(R32 "\2\x81\x80\x80\x80\x80\x80\x80\x80\x80\2"), CF_ERR_FORMAT },
  { "open: ten bytes and more to come", CF_DA_OPEN, IN(R32 "\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\1"), CF_ERR_FORMAT },
  { "open: the last position", CF_DA_OPEN, IN(R32 "\xfe\xff\xff\xff\x1f\1"), CF_OK },
  { "open: one behind it", CF_DA_OPEN, IN(R32 "\xfe\xff\xff\xff\x1f\1\2\1"), CF_ERR_FORMAT },
  { "open: position 2^32", CF_DA_OPEN, IN(R32 "\x80\x80\x80\x80\x20\1"), CF_ERR_FORMAT },
  { "sealed: nothing", CF_DA_SEALED, IN(""), CF_OK },
  { "sealed: the reserved leaf", CF_DA_SEALED, IN("\1" R32), CF_OK },
  { "sealed: two", CF_DA_SEALED, IN("\2" R32 "\x80\1" R32), CF_OK },
  { "sealed: the same again", CF_DA_SEALED, IN("\2" R32 "\0" R32), CF_ERR_FORMAT },
  { "sealed: cut short", CF_DA_SEALED, IN("\2" R32 "\1"), CF_ERR_FORMAT },
  { "sealed: the last position", CF_DA_SEALED, IN("\x80\x80\x80\x80\x10" R32), CF_OK },
  { "sealed: position 2^32", CF_DA_SEALED, IN("\x81\x80\x80\x80\x10" R32), CF_ERR_FORMAT },
};

static void forms_of_data(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    print_message("%s\n", forms[i].name);
    assert_int_equal(cf_root_data_check(forms[i].da, CF_SPAN(forms[i].in, forms[i].in_sz)), forms[i].want);
  }
}

/* Known bytes, and what they mean. */
static void known_bytes(void **state) {
  (void)state;
  cf_root_change_t const open[] = { { .position = 0, .digest = some_hash(1) }, { .position = 1, .moved = -1 },
                                    { .position = 3, .moved = 300, .credited = 128 }, { .position = 300, .moved = INT64_MIN } };
  static char const want[] = "\2\1" "\5\xd8\4\x80\1" "\xd2\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\1";
  uint8_t  buf[200];
  cf_wr_t  wr   = cf_wr_init(buf, sizeof buf);
  uint64_t next = 0;
  for (size_t i = 0; i < 4; i++) cf_root_change_write(&wr, CF_DA_OPEN, &next, &open[i]);
  assert_int_equal(wr.len, 32 + sizeof want - 1);
  assert_memory_equal(buf, open[0].digest.b, 32);
  assert_memory_equal(buf + 32, want, sizeof want - 1);
  cf_root_changes_t c = cf_root_changes_read(CF_DA_OPEN, cf_wr_out(&wr));
  cf_root_change_t  got;
  for (size_t i = 0; i < 4; i++) {
    assert_true(cf_root_changes_next(&c, &got));
    assert_true(got.position == open[i].position && got.moved == open[i].moved && got.credited == open[i].credited);
    assert_memory_equal(got.digest.b, open[i].digest.b, 32);
  }
  assert_false(cf_root_changes_next(&c, &got));
  assert_true(cf_rd_done(&c.rd));
}

/* ---- the book ---- */

enum { BOOK_CAP = 512 };

typedef struct {
  cf_root_book_t book;
  cf_root_row_t  rows[BOOK_CAP];
  uint32_t       index[2 * BOOK_CAP];
  cf_hash_t      nodes[CF_ROOT_NODES(BOOK_CAP)];
} reader_t;

static void reader_init(reader_t *r, world_t const *w, uint32_t cap) {
  cf_root_book_init(&r->book, &w->g.config.separator, cap, r->rows, r->index, r->nodes);
}

static cf_u128_t wide(wide_t v) { return (cf_u128_t)v; }

/* The leaver knows his own leaf, of an open domain not even that; his exit is what the ledger accepts. */
static void leave(world_t *w, reader_t const *r, uint32_t asset, uint32_t id) {
  uint8_t        path[CF_ROOT_PATH_SZ];
  cf_op_t        op;
  mleaf_t const *l   = &m.leaf[asset][id];
  cf_root_leaf_t own = { wide(l->balance), wide(l->credited), wide(l->released), l->salt };
  assert_int_equal(cf_root_book_exit(&r->book, &op, path, asset, id, m.sealed ? &own : NULL), CF_OK);
  uint64_t due = (uint64_t)(l->balance + m.root[asset][id].deposited - l->credited);
  assert_int_equal(apply(w, &op, NULL), CF_REFUSAL_NONE);
  assert_true(w->fx.pay.due == (due != 0) && w->fx.pay.units == due);
  if (due) assert_memory_equal(w->fx.pay.party.b, owners[m.account[id].owner].addr.b, 20);
  own.balance++;
  assert_int_equal(cf_root_book_exit(&r->book, &op, path, asset, id, &own), CF_ERR_AUTH);
}

/* One life of a ledger, read from its calls' bytes: after every settlement the tree is the enclave's, of an open domain every
   balance, too; and in the end all leave by it, so that nothing is left but what is free. */
static void read_life(world_t *w, reader_t *r, uint64_t from_seed, bool sealed) {
  static uint8_t bytes[CF_OP_MAX];
  unsigned       settled = 0, archived = 0;
  seed             = from_seed;
  w->g.config.mode = CF_MODE_ROOT;
  w->sealed        = sealed;
  model_start(w);
  m.faults = false;
  reader_init(r, w, BOOK_CAP);
  for (unsigned i = 0; i < 3000 && (!m.dead || i < 1000); i++) {
    quiet = i > 1000;
    m.now += chance(70) ? 0 : rnd(20) + (quiet ? rnd(40) : 0);
    w->now = m.now;
    mcall_t   c;
    cf_op_t   op = make_call(w, &c), read;
    cf_addr_t sender = sender_of(w, &c);
    if (op.kind == CF_OP_ROOT_EXIT) continue;
    static uint8_t list[CF_SETTLEMENT_BODY_MAX];
    cf_wr_t        changes = cf_wr_init(list, sizeof list), wr = cf_wr_init(bytes, sizeof bytes);
    if (op.kind == CF_OP_SETTLE && c.da == CF_DA_NONE) book_changes(&changes, CF_DA_SEALED); /* the log has them */
    cf_op_write(&wr, &op);
    refusal_t want = m_apply(&m, &c);
    assert_string_equal(cf_refusal_name(apply(w, &op, &sender)), want);
    if (*want) continue;
    if (op.kind == CF_OP_SETTLE && c.da == CF_DA_NONE) {
      assert_int_equal(cf_root_book_changes(&r->book, cf_wr_out(&changes)), CF_OK);
      archived++;
    }
    assert_int_equal(cf_op_decode(&read, cf_wr_out(&wr)), CF_OK);
    if (op.kind != CF_OP_SETTLE && sealed) { /* by its message, if it has one */
      cf_rd_t        rd  = cf_rd_span(w->fx.message);
      cf_inbox_msg_t msg = w->fx.message.len ? cf_inbox_msg_read(&rd) : (cf_inbox_msg_t){ 0 };
      assert_int_equal(cf_root_book_message(&r->book, &msg), CF_OK);
    } else assert_int_equal(cf_root_book_call(&r->book, &read), CF_OK);
    cf_hash_t head = head_of(w);
    assert_memory_equal(r->book.head.b, head.b, 32);
    settled += op.kind == CF_OP_SETTLE;
  }
  assert_true(m.dead && settled > 50 && (archived > 5) == sealed);
  for (uint32_t asset = 0; asset < ASSETS; asset++)
    for (uint32_t id = 0; id < ACCOUNTS; id++) {
      uint8_t  path[CF_ROOT_PATH_SZ];
      cf_op_t  op;
      uint32_t position = m.root[asset][id].position;
      assert_int_equal(cf_root_book_position(&r->book, asset, id), position);
      if (position == 0) assert_int_equal(cf_root_book_exit(&r->book, &op, path, asset, id, NULL), CF_ERR_POLICY);
      if (position == 0) continue;
      cf_root_row_t const *row = &r->rows[position];
      mleaf_t const       *l   = &m.leaf[asset][id];
      assert_true(row->asset == asset && row->id == id && row->deposited == wide(m.root[asset][id].deposited));
      if (!sealed)
        assert_true(row->leaf.balance == wide(l->balance) && row->leaf.credited_in == wide(l->credited) &&
                    row->leaf.released == wide(l->released));
      leave(w, r, asset, id);
      m.root[asset][id].closed = true;
    }
  for (uint32_t asset = 0; asset < m.assets; asset++) {
    uint64_t free_units = 0;
    for (uint32_t id = 1; id <= m.accounts; id++) free_units += free_of(w, asset, id) & CF_LANE_MAX;
    assert_int_equal(cf_ledger_state_held(w->st, asset), free_units); /* all that was deposited left, to the unit */
  }
}

static void books_from_calls(void **state) {
  (void)state;
  world_t  *w = world_new();
  reader_t *r = calloc(1, sizeof *r);
  for (unsigned i = 0; i < 2; i++) read_life(w, r, 0x1234567 + 77 * i, i % 2);
  free(r);
  world_free(w);
}

/* ---- books that do not hold ---- */

static uint8_t body_buf[4096];

/* A settlement whose body is rows and data of da, and whose state root is root. */
static cf_op_t settle_of(world_t *w, cf_span_t rows, cf_da_t da, cf_span_t data, cf_hash_t root) {
  cf_wr_t wr = cf_wr_init(body_buf, sizeof body_buf);
  cf_wr_span(&wr, rows);
  if (da) cf_section_data_write(&wr, da), cf_wr_span(&wr, data);
  (void)w;
  return (cf_op_t){ .kind = CF_OP_SETTLE, .state_root = root, .body = cf_wr_out(&wr) };
}

/* The root over the reserved leaf and those of account 1 and 2 in asset 0, salts zero. */
static cf_hash_t root_of_two(cf_hash_t reserved, mleaf_t const two[2]) {
  cf_hash_t const at[] = { reserved, naive_leaf(0, 1, &two[0]), naive_leaf(0, 2, &two[1]) };
  return naive_root(at, 3);
}

static void books_that_do_not_hold(void **state) {
  (void)state;
  static reader_t r;
  world_t        *w = world_new();
  w->g.config.mode  = CF_MODE_ROOT;
  world_found(w);
  mleaf_t const   two[2] = { { 60, 100, 10, { { 0 } } }, { 30, 0, 0, { { 0 } } } }; /* 100 credited, 30 moved on, 10 released */
  cf_hash_t const res    = some_hash(9), good = root_of_two(res, two);
  enum { FAULTS = 13 };
  for (unsigned fault = 0; fault <= FAULTS; fault++) {
    cf_root_change_t changes[] = { { .digest = res }, { .position = 1, .moved = -30, .credited = 100 }, { .position = 2, .moved = 30 } };
    size_t           cnt = 3;
    row_t            release = { 1, 0, 1, 10 };
    cf_hash_t        root    = good;
    cf_da_t          da      = CF_DA_OPEN;
    cf_status_t      want    = CF_ERR_AUTH;
    bool             signs   = (fault >= 4 && fault <= 6) || (fault >= 9 && fault <= 11); /* the enclave signs the nonsense that comes of it */
    switch (fault) {
    case 0: want = CF_OK; break;
    case 1: root.b[31] ^= 1; break;
    case 2: changes[0].digest.b[0] ^= 1; break;
    case 3: changes[1].moved = -29; break;
    case 4: changes[1].credited = 101; break; /* more than was deposited */
    case 5: changes[1].moved = -101; break;   /* more than there is */
    case 6: changes[2].position = 3; break;   /* nobody's */
    case 7: cnt = 2; break;
    case 8: release.amount = 9; break;
    case 9: release.amount = 71; break; /* more than is left */
    case 10: release.id = 3; break;     /* to whom nothing belongs */
    case 11: release.asset = 1; break;
    case 12: da = CF_DA_NONE; break; /* published nowhere */
    case 13: release.kind = 0, want = CF_ERR_FORMAT; break;
    }
    uint8_t  data[200];
    cf_wr_t  wr   = cf_wr_init(data, sizeof data);
    uint64_t next = 0;
    for (size_t i = 0; i < cnt; i++) cf_root_change_write(&wr, CF_DA_OPEN, &next, &changes[i]);
    cf_op_t op = settle_of(w, body_of(w, &release, 1), da, cf_wr_out(&wr), root), out;
    print_message("fault %u\n", fault);
    for (unsigned run = 0; run <= (unsigned)signs; run++) {
      reader_init(&r, w, 4);
      for (uint32_t id = 1; id <= 2; id++)
        for (unsigned times = 0; times < 2; times++) {
          cf_op_t deposit = op_deposit(0, id, id == 1 ? 50 : 5);
          assert_int_equal(cf_root_book_call(&r.book, &deposit), CF_OK);
        }
      if (run) op.state_root = root;
      assert_int_equal(cf_root_book_call(&r.book, &op), want);
      if (signs) root = cf_root_tree_root(&r.book.tree);
    }
    uint8_t path[CF_ROOT_PATH_SZ];
    assert_int_equal(cf_root_book_exit(&r.book, &out, path, 0, 1, NULL), want ? CF_ERR_AUTH : CF_OK);
    if (!want) assert_int_equal(cf_root_path_verify(&root, 1, &r.nodes[1], out.body), CF_OK);
    cf_op_t beat = settle_of(w, EMPTY_BODY, CF_DA_NONE, EMPTY_BODY, good); /* what broke stays broken */
    assert_int_equal(cf_root_book_call(&r.book, &beat), want);
  }
  reader_init(&r, w, 2);
  cf_op_t op = op_deposit(0, 1, 5);
  assert_int_equal(cf_root_book_call(&r.book, &op), CF_OK);
  op = op_deposit(1, 1, 5);
  assert_int_equal(cf_root_book_call(&r.book, &op), CF_ERR_BOUND);
  world_free(w);
}

/* A call left out shows in the head, or before. */
static void nothing_can_be_left_out(void **state) {
  (void)state;
  static reader_t r;
  world_t        *w = world_new();
  w->g.config.mode  = CF_MODE_ROOT;
  world_found(w);
  cf_hash_t const empty = naive_root(NULL, 0);
  cf_hash_t       head[2];
  for (unsigned skip = 0; skip < 2; skip++) {
    reader_init(&r, w, 4);
    for (unsigned i = skip; i < 3; i++) {
      cf_op_t op  = settle_of(w, EMPTY_BODY, CF_DA_NONE, EMPTY_BODY, empty);
      op.meta     = cf_word_u64(i);
      assert_int_equal(cf_root_book_call(&r.book, &op), CF_OK);
    }
    head[skip] = r.book.head;
  }
  assert_memory_not_equal(head[0].b, head[1].b, 32);
  world_free(w);
}

/* ---- the rules, one by one ---- */

static void refused(world_t *w, cf_op_t const *op, cf_addr_t const *sender, char const *want) {
  cf_refusal_code_t code = apply(w, op, sender);
  assert_string_equal(cf_refusal_name(code), want);
}

static world_t *root_world(void) {
  world_t *w       = world_new();
  w->g.config.mode = CF_MODE_ROOT;
  world_found(w);
  return w;
}

static void put_word(world_t *w, cf_hash_t slot, cf_hash_t word) { cf_ledger_state_put(w->st, &slot, &word); }

static void die(world_t *w) {
  cf_op_t op = op_plain(CF_OP_ALARM);
  refused(w, &op, NULL, "");
  w->now += w->g.config.dead_after_s;
  op = op_plain(CF_OP_DECLARE_DEAD);
  refused(w, &op, NULL, "");
}

static void positions_are_given_once(void **state) {
  (void)state;
  world_t *w = root_world();
  populate(w, 3, 100); /* positions 1, 2, 3 */
  cf_hash_t inbox = inbox_of(w);
  cf_op_t   op    = op_deposit(1, 2, 7);
  refused(w, &op, &w->issuer.addr, "");
  op = op_deposit(0, 2, 7);
  refused(w, &op, &w->issuer.addr, "");
  assert_memory_not_equal(inbox.b, inbox_of(w).b, 32);
  assert_true(root_of(w, 0, 1).position == 1 && root_of(w, 0, 2).position == 2 && root_of(w, 0, 3).position == 3);
  assert_true(root_of(w, 1, 2).position == 4 && root_of(w, 1, 2).deposited == 7 && root_of(w, 0, 2).deposited == 107);
  assert_int_equal(lane_of(w, 0, 1), 0); /* there are no lanes */

  cf_ledger_root_t r = { CF_LEDGER_DEPOSITED_MAX - 10, 2, false };
  put_word(w, cf_slot_root(0, 2), cf_ledger_root_pack(&r));
  op = op_deposit(0, 2, 11);
  refused(w, &op, &w->issuer.addr, "Held");
  op.units = 10;
  refused(w, &op, &w->issuer.addr, "");
  assert_true(root_of(w, 0, 2).deposited == CF_LEDGER_DEPOSITED_MAX);

  put_word(w, cf_slot_plain(CF_SLOT_POSITIONS), cf_word_u64(UINT32_MAX - 1));
  op = op_deposit(1, 1, 1);
  refused(w, &op, &w->issuer.addr, "");
  assert_int_equal(root_of(w, 1, 1).position, UINT32_MAX - 1);
  op = op_deposit(1, 3, 1);
  refused(w, &op, &w->issuer.addr, "Full");
  op = op_deposit(1, 1, 1); /* it has one */
  refused(w, &op, &w->issuer.addr, "");
  world_free(w);
}

/* What is of the other mode is refused first of all, by a dead ledger too. */
static void calls_of_the_other_mode(void **state) {
  (void)state;
  world_t *w = root_world();
  for (unsigned dead = 0; dead < 2; dead++) {
    cf_op_t lane = op_lane(0, 1), finalize = op_finalize(9, 9);
    refused(w, &lane, NULL, "Mode");
    assert_int_equal(w->no.fact[0], CF_MODE_ROOT);
    refused(w, &finalize, NULL, "Mode");
    if (!dead) die(w);
  }
  w->g.config.mode = CF_MODE_NET;
  world_found(w);
  for (unsigned dead = 0; dead < 2; dead++) {
    cf_op_t op = op_root_exit(9, 9);
    refused(w, &op, NULL, "Mode");
    assert_int_equal(w->no.fact[0], CF_MODE_NET);
    if (!dead) die(w);
  }
  world_free(w);
}

/* Each refusal of settle beside all that come behind it: it is the one that is told. */
static void settle_refuses_in_order(void **state) {
  (void)state;
  static char const *const names[] = { "Mode", "Key", "Entries", "Lane", "ExitDelay", "Cap", "" };
  world_t *w = root_world();
  populate(w, 3, 1000);
  cf_op_t op = op_exit(1);
  refused(w, &op, owner_of(1), "");
  w->now += w->g.config.exit_delay_s;
  actor_t key = with_key(w);
  for (size_t fault = 0; fault < sizeof names / sizeof *names; fault++) {
    cf_settlement_meta_t meta = good_meta(w);
    if (fault <= 0) meta.mode = CF_MODE_NET;
    row_t rows[] = { { 1, 0, 2, fault <= 5 ? 86401 : 5 },
                     { 2, 0, fault <= 4 ? 2 : 1, fault <= 3 ? INT64_MAX : 6 },
                     { fault <= 2 ? 0 : 1, 1, 1, 1 } };
    op = op_settle(w, fault <= 1 ? &w->nobody : &key, meta, body_of(w, rows, 3));
    refused(w, &op, NULL, names[fault]);
  }
  assert_int_equal(free_of(w, 0, 2), CF_LANE_OPEN | 5);
  assert_int_equal(free_of(w, 0, 1), CF_LANE_OPEN | 6);
  assert_int_equal(free_of(w, 1, 1), CF_LANE_OPEN | 1);
  world_free(w);
}

/* Releases and exit releases of one asset touch the same slots: the second adds to what the first wrote, and no slot is written twice. */
static void exits_add_to_releases(void **state) {
  (void)state;
  enum { N = 60 };
  world_t *w = root_world();
  populate(w, N, 0);
  for (uint32_t id = 1; id <= N; id++) {
    cf_op_t op = op_exit(id);
    refused(w, &op, owner_of(id), "");
  }
  w->now += w->g.config.exit_delay_s;
  actor_t  key = with_key(w);
  uint64_t want[N + 1] = { 0 };
  seed = 99;
  for (unsigned i = 0; i < 20; i++) {
    static row_t rows[4 * N];
    size_t       n = 0;
    for (uint32_t asset = 0; asset < 2; asset++)
      for (uint8_t kind = 1; kind <= 2; kind++)
        for (uint32_t id = 1; id <= N; id++)
          if (chance(40)) {
            rows[n++] = (row_t){ kind, asset, id, (int64_t)(1 + rnd(9)) };
            if (asset == 0) want[id] += (uint64_t)rows[n - 1].amount;
          }
    cf_op_t op = op_settle(w, &key, good_meta(w), body_of(w, rows, n));
    refused(w, &op, NULL, "");
    for (size_t a = 0; a < w->fx.writes_cnt; a++)
      for (size_t b = 0; b < a; b++) assert_memory_not_equal(w->writes[a].key.b, w->writes[b].key.b, 32);
  }
  for (uint32_t id = 1; id <= N; id++) assert_int_equal(free_of(w, 0, id), CF_LANE_OPEN | want[id]);
  world_free(w);
}

/* rootExit: each refusal beside all that come behind it. */
static void root_exit_refuses_in_order(void **state) {
  (void)state;
  static char const *const names[] = { "Alive", "Account", "Asset", "Head", "Leaf", "Leaf", "Leaf", "Leaf", "Nothing", "Held", "" };
  enum { FAULTS = 10 };
  world_t      *w    = root_world();
  mleaf_t const leaf = { 60, 100, 40, hash_of("salt") }; /* of account 2, which has deposited 120 */
  mleaf_t const more = { 60, 121, 40, hash_of("salt") }, most = { INT64_MAX, 100, 0, hash_of("salt") };
  cf_hash_t const at[] = { hash_of("reserved"), { { 0 } }, naive_leaf(0, 2, &leaf) }, at_more[] = { at[0], at[1], naive_leaf(0, 2, &more) },
                  at_most[] = { at[0], at[1], naive_leaf(0, 2, &most) };
  static uint8_t path[CF_ROOT_PATH_SZ];
  for (size_t fault = 0; fault <= FAULTS; fault++) {
    world_found(w);
    populate(w, 3, 0);
    for (uint32_t id = 1; id <= 2; id++) {
      cf_op_t op = op_deposit(0, id, 120);
      refused(w, &op, &w->issuer.addr, "");
    }
    actor_t key = with_key(w);
    mleaf_t const   *shown = fault == 6 ? &more : fault == 7 ? &most : &leaf;
    cf_hash_t const *tree  = fault == 6 ? at_more : fault == 7 ? at_most : at;
    w->state_root = naive_root(tree, 3);
    naive_path(path, tree, 3, 2);
    cf_hash_t prev = head_of(w);
    cf_op_t   s    = op_settle(w, &key, good_meta(w), EMPTY_BODY);
    refused(w, &s, NULL, "");
    if (fault > 0) die(w);

    cf_op_t op = op_root_exit(fault <= 2 ? 9 : 0, fault <= 1 ? 9 : fault == 4 ? 3 : 2);
    op.meta = s.meta, op.prev_head = prev, op.state_root = s.state_root, op.entries = cf_settlement_entries(s.body),
    op.receipts = s.receipts;
    op.leaf     = (cf_root_leaf_t){ wide(shown->balance), wide(shown->credited), wide(shown->released), shown->salt };
    op.body     = CF_SPAN_OF(path);
    if (fault <= 3) op.receipts.b[0] ^= 1;
    if (fault <= 5) op.leaf.released++;
    cf_ledger_root_t r = root_of(w, 0, 2);
    if (fault <= 8) r.closed = true, put_word(w, cf_slot_root(0, 2), cf_ledger_root_pack(&r));
    if (fault <= 9) { /* an embedded ledger pays no more than it holds: 240 less 161 */
      w->fx.pay = (cf_ledger_transfer_t){ true, 0, w->issuer.addr, w->issuer.addr, 161 };
      cf_ledger_state_move(w->st, &w->fx);
    }
    refused(w, &op, NULL, names[fault]);
    if (fault >= 4 && fault <= 7) assert_int_equal(w->no.fact[0], fault == 4 ? 0 : 2);
    if (fault < FAULTS) continue;
    assert_true(w->fx.pay.units == 80 && w->fx.message.len == 0 && root_of(w, 0, 2).closed);
    assert_memory_equal(w->fx.pay.party.b, owner_of(2)->b, 20);
    refused(w, &op, NULL, "Nothing");
    assert_true(root_of(w, 0, 2).closed && !root_of(w, 0, 1).closed);
    op = op_root_exit(0, 1); /* not his path */
    refused(w, &op, NULL, "Head");
  }
  world_free(w);
}

/* A path of another length cannot come by the decoders; nor does it lead anywhere. */
static void paths_are_whole(void **state) {
  (void)state;
  world_t *w = root_world();
  populate(w, 1, 100);
  actor_t key   = with_key(w);
  w->state_root = naive_root(NULL, 0);
  cf_hash_t prev = head_of(w);
  cf_op_t s = op_settle(w, &key, good_meta(w), EMPTY_BODY);
  refused(w, &s, NULL, "");
  die(w);
  uint8_t path[CF_ROOT_PATH_SZ];
  naive_path(path, NULL, 0, 1);
  cf_op_t op = op_root_exit(0, 1);
  op.meta = s.meta, op.prev_head = prev, op.state_root = s.state_root, op.entries = cf_settlement_entries(s.body), op.receipts = s.receipts;
  op.body = CF_SPAN(path, CF_ROOT_PATH_SZ - 32);
  refused(w, &op, NULL, "Leaf");
  op.body = CF_SPAN_OF(path);
  refused(w, &op, NULL, "");
  assert_int_equal(w->fx.pay.units, 100); /* the empty leaf: nothing was credited */
  world_free(w);
}

/* An embedded ledger gives no more than it holds, whatever an enclave released. */
static void withdrawals_are_covered(void **state) {
  (void)state;
  world_t *w = root_world();
  populate(w, 2, 100);
  actor_t key = with_key(w);
  cf_op_t op  = op_settle(w, &key, good_meta(w), BODY(w, { 1, 0, 1, 201 }));
  refused(w, &op, NULL, "");
  op = op_withdraw(0, 1, 201, w->issuer.addr);
  refused(w, &op, owner_of(1), "Held");
  op.units = 200;
  refused(w, &op, owner_of(1), "");
  world_free(w);
}

/* On a chain the token knows what it holds, and the rules leave it to it. */
static void tokens_say_what_they_hold(void **state) {
  (void)state;
  world_t *w           = root_world();
  w->g.config.embedded = false;
  w->g.config.chain_id = 31337;
  world_found(w);
  populate(w, 1, 100);
  die(w);
  cf_op_t         op  = op_root_exit(0, 1);
  cf_ledger_env_t env = world_env(w, &op, NULL);
  env.held            = 99;
  w->fx               = (cf_ledger_effects_t){ .writes = w->writes, .writes_max = CF_LEDGER_WRITES_FEW };
  w->no               = cf_ledger_apply(&w->g.config, cf_ledger_state_reader(w->st), &env, &op, &w->fx);
  assert_int_equal(w->no.code, CF_REFUSAL_NONE);
  assert_int_equal(w->fx.pay.units, 100);
  world_free(w);
}

int main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(every_size), cmocka_unit_test(in_any_order), cmocka_unit_test(paths_lead_nowhere_else),
    cmocka_unit_test(leaves),     cmocka_unit_test(forms_of_data), cmocka_unit_test(known_bytes),
    cmocka_unit_test(books_from_calls), cmocka_unit_test(books_that_do_not_hold), cmocka_unit_test(nothing_can_be_left_out),
    cmocka_unit_test(positions_are_given_once), cmocka_unit_test(calls_of_the_other_mode), cmocka_unit_test(settle_refuses_in_order),
    cmocka_unit_test(exits_add_to_releases), cmocka_unit_test(root_exit_refuses_in_order), cmocka_unit_test(paths_are_whole),
    cmocka_unit_test(withdrawals_are_covered), cmocka_unit_test(tokens_say_what_they_hold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
