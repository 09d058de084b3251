/* Blocks and their replay; the cost of a large opening. */
#include <time.h>

#include "ledger_world.h"

typedef struct {
  world_t   *w; /* actors and genesis; its state is not used */
  cf_chain_t chain;
  uint8_t    body[CF_BLOCK_BODY_MAX];
  cf_wr_t    wr;
  uint32_t   calls;
  uint8_t   *blocks[64];
  size_t     len[64];
  size_t     cnt;
} maker_t;

static cf_span_t block_at(maker_t const *m, size_t n) { return CF_SPAN(m->blocks[n], m->len[n]); }

static void keep(maker_t *m, cf_wr_t const *wr) {
  m->blocks[m->cnt] = malloc(wr->len);
  memcpy(m->blocks[m->cnt], wr->buf, wr->len);
  m->len[m->cnt++] = wr->len;
}

static uint8_t scratch[CF_BLOCK_MAX];

static maker_t *maker_new(void) {
  maker_t *m = calloc(1, sizeof *m);
  m->w       = world_new();
  cf_chain_init(&m->chain);
  cf_wr_t wr = cf_wr_init(scratch, sizeof scratch);
  assert_int_equal(cf_chain_found(&m->chain, &wr, &m->w->g, m->w->block_key.scalar, NULL), CF_OK);
  keep(m, &wr);
  m->wr = cf_wr_init(m->body, sizeof m->body);
  return m;
}

static void maker_free(maker_t *m) {
  for (size_t i = 0; i < m->cnt; i++) free(m->blocks[i]);
  cf_chain_fini(&m->chain);
  world_free(m->w);
  free(m);
}

/* The bytes of a call, signed by from unless NULL. */
static uint8_t   call_buf[CF_CALL_MAX];
static cf_span_t call_bytes(maker_t const *m, cf_op_t const *op, actor_t const *from, uint64_t nonce, uint64_t deadline_s) {
  static uint8_t op_buf[CF_OP_MAX];
  cf_wr_t op_wr = cf_wr_init(op_buf, sizeof op_buf), wr = cf_wr_init(call_buf, sizeof call_buf);
  cf_op_write(&op_wr, op);
  cf_call_t call = { .nonce = nonce, .deadline_s = deadline_s, .op = cf_wr_out(&op_wr) };
  if (from) assert_int_equal(cf_call_sign(&call, &m->chain.genesis.config.separator, from->scalar), CF_OK);
  cf_call_write(&wr, &call);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

static char const *call(maker_t *m, uint64_t time_s, cf_span_t bytes) {
  cf_ledger_effects_t fx;
  cf_refusal_t no = cf_chain_call(&m->chain, time_s, bytes, &fx);
  if (!no.code) {
    cf_wr_u32(&m->wr, (uint32_t)bytes.len);
    cf_wr_span(&m->wr, bytes);
    m->calls++;
  }
  return cf_refusal_name(no.code);
}

static void seal(maker_t *m, uint64_t time_s) {
  cf_wr_t wr = cf_wr_init(scratch, sizeof scratch);
  cf_chain_seal(&m->chain, &wr, time_s, cf_wr_out(&m->wr), m->calls, m->w->block_key.scalar);
  keep(m, &wr);
  m->wr    = cf_wr_init(m->body, sizeof m->body);
  m->calls = 0;
}

/* Two accounts, money, an exit, in three blocks. */
static maker_t *short_story(void) {
  maker_t *m = maker_new();
  cf_op_t  op;
  actor_t  owner = actor("owner", 1);
  op = op_open(owner.addr);
  assert_string_equal(call(m, T0 + 1, call_bytes(m, &op, NULL, 77, T0 + 9)), "");
  op = op_deposit(0, 1, 500);
  assert_string_equal(call(m, T0 + 1, call_bytes(m, &op, &m->w->issuer, 0, T0 + 9)), "");
  assert_string_equal(call(m, T0 + 1, call_bytes(m, &op, &m->w->issuer, 1, T0 + 9)), "");
  seal(m, T0 + 1);
  seal(m, T0 + 1); /* an empty one in the same second */
  op = op_exit(1);
  assert_string_equal(call(m, T0 + 20, call_bytes(m, &op, &owner, 0, T0 + 20)), "");
  seal(m, T0 + 20);
  return m;
}

static void calls_are_admitted(void **state) {
  (void)state;
  maker_t *m = maker_new();
  actor_t  owner = actor("owner", 1);
  cf_op_t  open = op_open(owner.addr), deposit = op_deposit(0, 1, 5);
  uint8_t  bytes[512];
  assert_string_equal(call(m, T0 + 10, call_bytes(m, &open, NULL, 0, T0 + 9)), "Deadline");
  assert_string_equal(call(m, T0 + 9, call_bytes(m, &open, NULL, 0, T0 + 9)), "");
  assert_string_equal(call(m, T0 + 9, call_bytes(m, &deposit, NULL, 0, T0 + 9)), "Issuer"); /* nobody sent it */
  assert_string_equal(call(m, T0 + 9, call_bytes(m, &deposit, &m->w->issuer, 1, T0 + 9)), "Nonce");
  cf_span_t good = call_bytes(m, &deposit, &m->w->issuer, 0, T0 + 9);
  memcpy(bytes, good.ptr, good.len);
  bytes[0] ^= 1; /* from another */
  assert_string_equal(call(m, T0 + 9, CF_SPAN(bytes, good.len)), "Sender");
  memcpy(bytes, good.ptr, good.len);
  bytes[good.len - 1] ^= 1; /* another amount */
  assert_string_equal(call(m, T0 + 9, CF_SPAN(bytes, good.len)), "Sender");
  assert_string_equal(call(m, T0 + 9, CF_SPAN(good.ptr, good.len - 1)), "Call");
  assert_string_equal(call(m, T0 + 9, CF_SPAN(good.ptr, 5)), "Call");
  assert_string_equal(call(m, T0 + 9, good), "");
  assert_string_equal(call(m, T0 + 9, good), "Nonce"); /* money once */
  deposit.asset = 9;
  assert_string_equal(call(m, T0 + 9, call_bytes(m, &deposit, &m->w->issuer, 1, T0 + 9)), "Asset");
  deposit.asset = 0; /* a refused call uses no nonce */
  assert_string_equal(call(m, T0 + 9, call_bytes(m, &deposit, &m->w->issuer, 1, T0 + 9)), "");
  cf_hash_t slot = cf_slot_nonce(&m->w->issuer.addr), word = cf_ledger_state_get(m->chain.state, &slot);
  assert_int_equal(cf_word_get(&word, 0, 64), 2);
  assert_int_equal(cf_ledger_state_held(m->chain.state, 0), 10);
  maker_free(m);
}

typedef struct {
  size_t calls, messages;
} told_t;
static void told(void *ctx, cf_call_t const *c, cf_op_t const *op, cf_ledger_effects_t const *fx) {
  told_t *t = ctx;
  t->calls++;
  t->messages += fx->message.len != 0;
  assert_true(c->op.len > 0 && op->kind != 0);
}

static void replay_gives_the_same(void **state) {
  (void)state;
  maker_t   *m = short_story();
  told_t     t = { 0 };
  cf_chain_t c;
  cf_error_t err = { 0 };
  cf_chain_init(&c);
  c.hook     = told;
  c.hook_ctx = &t;
  assert_int_equal(cf_chain_start(&c, block_at(m, 0), NULL, &err), CF_OK);
  for (size_t i = 1; i < m->cnt; i++) assert_int_equal(cf_chain_replay(&c, block_at(m, i), &err), CF_OK);
  assert_true(cf_hash_eq(&c.hash, &m->chain.hash) && c.head.number == 3 && c.head.time_s == T0 + 20);
  assert_int_equal(t.calls, 4);
  assert_int_equal(t.messages, 4);
  cf_call_place_t place;
  cf_call_t       first;
  cf_block_t      b;
  cf_span_t       bytes;
  assert_int_equal(cf_block_decode(&b, block_at(m, 1)), CF_OK);
  cf_rd_t rd = cf_rd_span(b.body);
  assert_true(cf_block_call_next(&rd, &bytes) && cf_block_call_next(&rd, &bytes));
  assert_int_equal(cf_call_decode(&first, bytes), CF_OK);
  cf_hash_t id = cf_call_id(&c.genesis.config.separator, &first);
  assert_true(cf_ledger_state_find_call(c.state, &id, &place) && place.block == 1 && place.index == 1);
  assert_int_equal(cf_chain_replay(&c, block_at(m, 3), &err), CF_ERR_STALE); /* again */
  cf_chain_fini(&c);
  maker_free(m);
}

/* Re-signs header h of block n with its body. */
static cf_span_t forge(maker_t const *m, size_t n, void change(cf_block_t *), actor_t const *key) {
  static uint8_t out[65536];
  cf_block_t b;
  assert_int_equal(cf_block_decode(&b, block_at(m, n)), CF_OK);
  change(&b);
  b.header.body_hash = cf_keccak256(b.body);
  cf_hash_t hash = cf_block_hash(&b.header);
  sign_by(b.sig, key, cf_block_digest(&m->chain.genesis.config.separator, &hash));
  cf_wr_t wr = cf_wr_init(out, sizeof out);
  cf_block_write(&wr, &b);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

static void same(cf_block_t *b) { (void)b; }
static void other_number(cf_block_t *b) { b->header.number++; }
static void other_parent(cf_block_t *b) { b->header.parent.b[0] ^= 1; }
static void earlier(cf_block_t *b) { b->header.time_s = T0 - 1; }
static void far(cf_block_t *b) { b->header.time_s = CF_LEDGER_TIME_MAX + 1; }
static void fewer(cf_block_t *b) { b->header.calls--; }
static void more(cf_block_t *b) { b->header.calls++; }
static void cut(cf_block_t *b) { b->body.len--; }
static void other_root(cf_block_t *b) { b->header.state_root.b[0] ^= 1; }
static void late(cf_block_t *b) { b->header.time_s = T0 + 10; } /* behind the calls' deadlines */
static void too_many(cf_block_t *b) { b->header.calls = CF_BLOCK_CALLS_MAX + 1; }

static void replay_refuses(void **state) {
  (void)state;
  maker_t *m = short_story();
  struct { char const *name; void (*change)(cf_block_t *); actor_t const *key; cf_status_t want; bool broken; } const cases[] = {
    { "another key", same, &m->w->nobody, CF_ERR_AUTH, false },
    { "number", other_number, &m->w->block_key, CF_ERR_STALE, false },
    { "parent", other_parent, &m->w->block_key, CF_ERR_AUTH, false },
    { "too many calls", too_many, &m->w->block_key, CF_ERR_BOUND, false },
    { "time falls", earlier, &m->w->block_key, CF_ERR_POLICY, true },
    { "time beyond all", far, &m->w->block_key, CF_ERR_POLICY, true },
    { "a call less", fewer, &m->w->block_key, CF_ERR_POLICY, true },
    { "a call more", more, &m->w->block_key, CF_ERR_POLICY, true },
    { "cut", cut, &m->w->block_key, CF_ERR_POLICY, true },
    { "root", other_root, &m->w->block_key, CF_ERR_POLICY, true },
    { "a refused call", late, &m->w->block_key, CF_ERR_POLICY, true },
    { "as it was", same, &m->w->block_key, CF_OK, false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_chain_t c;
    cf_error_t err = { 0 };
    cf_chain_init(&c);
    assert_int_equal(cf_chain_start(&c, block_at(m, 0), NULL, NULL), CF_OK);
    print_message("%s\n", cases[i].name);
    assert_int_equal(cf_chain_replay(&c, forge(m, 1, cases[i].change, cases[i].key), &err), cases[i].want);
    assert_int_equal(c.broken, cases[i].broken);
    cf_status_t after = cf_chain_replay(&c, block_at(m, cases[i].want ? 1 : 2), NULL);
    assert_int_equal(after, cases[i].broken ? CF_ERR_POLICY : CF_OK); /* what was refused before it ran did nothing */
    cf_chain_fini(&c);
  }
  cf_chain_t c; /* an empty block whose time falls: nothing else is wrong with it */
  cf_chain_init(&c);
  assert_int_equal(cf_chain_start(&c, block_at(m, 0), NULL, NULL), CF_OK);
  assert_int_equal(cf_chain_replay(&c, block_at(m, 1), NULL), CF_OK);
  assert_int_equal(cf_chain_replay(&c, forge(m, 2, earlier, &m->w->block_key), NULL), CF_ERR_POLICY);
  cf_chain_fini(&c);

  cf_block_t b;
  uint8_t    bytes[256];
  memcpy(bytes, m->blocks[2], 178);
  assert_int_equal(m->len[2], 178); /* an empty block is its header and signature */
  for (size_t n = 0; n < 178; n++) assert_int_equal(cf_block_decode(&b, CF_SPAN(bytes, n)), CF_ERR_FORMAT);
  bytes[178] = 0;
  assert_int_equal(cf_block_decode(&b, CF_SPAN(bytes, 179)), CF_ERR_FORMAT); /* a body that is not its hash */
  bytes[0] = 2;
  assert_int_equal(cf_block_decode(&b, CF_SPAN(bytes, 178)), CF_ERR_UNSUPPORTED);
  assert_int_equal(cf_block_decode(&b, CF_SPAN(scratch, CF_BLOCK_MAX + 1)), CF_ERR_BOUND);
  maker_free(m);
}

static void later_genesis(cf_block_t *b) { b->header.time_s++; }
static void start_refuses(void **state) {
  (void)state;
  maker_t *m = short_story();
  uint8_t  genesis[CF_GENESIS_BYTES_MAX];
  cf_wr_t  wr = cf_wr_init(genesis, sizeof genesis);
  cf_ledger_genesis_write(&wr, &m->w->g);
  for (unsigned fault = 0; fault < 7; fault++) {
    cf_chain_t c;
    cf_chain_init(&c);
    cf_span_t expect = cf_wr_out(&wr), block = block_at(m, 0);
    uint8_t   other[CF_GENESIS_BYTES_MAX];
    memcpy(other, genesis, wr.len);
    other[60] ^= 1;
    if (fault == 1) expect.ptr = other;
    if (fault == 2) block = block_at(m, 1);
    if (fault == 3) block = forge(m, 0, same, &m->w->nobody);
    if (fault == 4) block = forge(m, 0, other_root, &m->w->block_key);
    if (fault == 5) block = forge(m, 0, other_parent, &m->w->block_key);
    if (fault == 6) block = forge(m, 0, later_genesis, &m->w->block_key);
    cf_status_t const want[] = { CF_OK, CF_ERR_AUTH, CF_ERR_STALE, CF_ERR_AUTH, CF_ERR_POLICY, CF_ERR_POLICY, CF_ERR_POLICY };
    print_message("fault %u\n", fault);
    assert_int_equal(cf_chain_start(&c, block, &expect, NULL), want[fault]);
    cf_chain_fini(&c);
  }
  cf_chain_t c;
  cf_chain_init(&c);
  cf_wr_t out = cf_wr_init(scratch, sizeof scratch);
  assert_int_equal(cf_chain_found(&c, &out, &m->w->g, m->w->nobody.scalar, NULL), CF_ERR_POLICY); /* not the contract's key */
  cf_chain_fini(&c);
  maker_free(m);
}

static double cpu_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 4,049 accounts, 6,000 lanes, 2,700 deposits, then a settlement over 2,000 lanes: what the demo opens. */
static void large_opening(void **state) {
  (void)state;
  enum { ACCOUNTS = 4049, LANES = 6000, DEPOSITS = 2700 };
  maker_t *m = maker_new();
  double   spent = 0;
  uint64_t issuer_nonce = 0;
  for (uint32_t i = 0; i < ACCOUNTS + LANES + DEPOSITS; i++) {
    cf_op_t op;
    if (i < ACCOUNTS) {
      cf_addr_t owner = { { 1 } };
      memcpy(owner.b + 16, &(uint32_t){ i + 1 }, 4);
      op = op_open(owner);
    } else if (i < ACCOUNTS + LANES) {
      uint32_t n = i - ACCOUNTS;
      op = op_lane(n / ACCOUNTS, n % ACCOUNTS + 1);
    } else op = op_deposit(0, i - ACCOUNTS - LANES + 1, 1000);
    bool      money = op.kind == CF_OP_DEPOSIT;
    cf_span_t bytes = call_bytes(m, &op, money ? &m->w->issuer : NULL, money ? issuer_nonce++ : 0, T0 + 99);
    double    from  = cpu_s();
    assert_string_equal(call(m, T0 + 1, bytes), "");
    bool last = i + 1 == ACCOUNTS + LANES + DEPOSITS;
    if (m->calls == 1024 || last) seal(m, T0 + 1);
    spent += cpu_s() - from;
  }
  print_message("ledger: %.3f s, %zu blocks, %zu slots\n", spent, m->cnt, cf_ledger_state_cnt(m->chain.state));
  cf_chain_t c;
  cf_chain_init(&c);
  double from = cpu_s();
  assert_int_equal(cf_chain_start(&c, block_at(m, 0), NULL, NULL), CF_OK);
  for (size_t i = 1; i < m->cnt; i++) assert_int_equal(cf_chain_replay(&c, block_at(m, i), NULL), CF_OK);
  double replayed = cpu_s() - from;
  print_message("observer: %.3f s\n", replayed);
  assert_true(cf_hash_eq(&c.hash, &m->chain.hash));
#ifdef __OPTIMIZE__
#if !defined(__SANITIZE_ADDRESS__)
  assert_true(replayed < 5); /* about 0.2 s on an idle core */
#endif
#endif
  cf_chain_fini(&c);
  maker_free(m);
}

int main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(calls_are_admitted), cmocka_unit_test(replay_gives_the_same), cmocka_unit_test(replay_refuses),
    cmocka_unit_test(start_refuses),      cmocka_unit_test(large_opening),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
