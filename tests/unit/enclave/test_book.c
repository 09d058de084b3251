/* The book's doors: parameters, the inbox, order numbers, access and limits, and
   a workload that breaks every rule there is. */
#include "enclave/cf_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "workload/cf_clearing.h"

/* ---- a workload that does what its input says ---- */

typedef struct { char op; uint32_t account; int64_t amount; } step_t;
typedef struct { step_t steps[20]; cf_class_t class; bool closes; } script_t;

static char            rogue_state;
static script_t const *close_script, *settled_script;

static void
play(cf_workload_ctx_t const *ctx, script_t const *script) {
  static uint8_t const bytes[CF_RESULT_MAX + 1];
  for (step_t const *s = script->steps; s->op; s++) {
    if (s->op == 'h') ctx->hold(ctx->host, s->account, 5, (uint64_t)s->amount);
    if (s->op == 'u') ctx->unhold(ctx->host, s->account, 5, (uint64_t)s->amount);
    if (s->op == 'm') ctx->move(ctx->host, s->account, 5, s->amount);
    if (s->op == 'r') ctx->release(ctx->host, s->account, 5, (uint64_t)s->amount);
    if (s->op == 't') ctx->result(ctx->host, s->account, CF_SPAN(bytes, (size_t)s->amount));
  }
}

static size_t rogue_sz(cf_span_t params) { return 1; }
static void   rogue_open(void *state, cf_span_t params) {}
static cf_class_t
rogue_apply(void *state, cf_workload_ctx_t const *ctx, uint32_t account, uint64_t order, cf_span_t input) {
  script_t script;
  memcpy(&script, input.ptr, sizeof script);
  play(ctx, &script);
  return script.class;
}
static bool
rogue_close(void *state, cf_workload_ctx_t const *ctx, uint64_t window) {
  play(ctx, close_script);
  return close_script->closes;
}
static void
rogue_settled(void *state, cf_workload_ctx_t const *ctx, uint64_t window) {
  play(ctx, settled_script);
}
static void        rogue_quit(void *state, cf_workload_ctx_t const *ctx, uint32_t account) {}
static void        rogue_save(void const *state, cf_wr_t *wr) {}
static cf_status_t rogue_load(void *state, cf_span_t in) { return in.len ? CF_ERR_FORMAT : CF_OK; }

static cf_workload_t const rogue = { "rogue", 1, rogue_sz, rogue_open, NULL, rogue_apply, rogue_close, rogue_settled, rogue_settled,
                                     rogue_quit, rogue_save, rogue_load };

/* ---- a book of three accounts with 100 each in asset 5 ---- */

static uint8_t const          key[32] = { 1, 2, 3 };
static cf_book_params_t const params = { .accounts_max = 4, .leaves_max = 6, .entries_max = 8, .inputs_max = 3, .validity_s = 10,
                                         .exit_delay_s = 100, .asset_cnt = 2, .assets = { { 5, 1000, 50 }, { 6, 10, 10 } } };
static size_t                 told;

static void
sink(void *host, uint32_t account, cf_span_t bytes) {
  told++;
}

static void
seal(cf_book_t *book) {
  cf_hash_t digest = { { 0 } };
  (void)cf_book_seal(book, key, &digest);
}

static cf_book_t *
book_make(cf_workload_t const *workload, void *state) {
  void      *mem = aligned_alloc(64, (cf_book_sz(&params) + 63) & ~(size_t)63);
  cf_book_t *book = cf_book_init(mem, &params, key);
  cf_book_bind(book, workload, state, sink, NULL);
  cf_book_begin(book, 0);
  for (uint32_t id = 1; id <= 3; id++) {
    cf_book_msg_t msg = { .kind = CF_BOOK_OPENED, .account = id, .admitted = true, .owner = { { (uint8_t)id } } };
    assert_int_equal(cf_book_inbox(book, &msg), CF_OK);
    msg = (cf_book_msg_t){ .kind = CF_BOOK_DEPOSITED, .account = id, .asset = 5, .units = 100 };
    assert_int_equal(cf_book_inbox(book, &msg), CF_OK);
  }
  assert_int_equal(cf_book_bucket(book, 5, 30), CF_OK);
  told = 0;
  return book;
}

static uint64_t
held(cf_book_t const *book, uint32_t account) {
  cf_book_lane_t lane;
  assert_true(cf_book_lane(book, account, 5, &lane));
  return lane.held;
}

static void
params_have_bounds(void **state) {
  (void)state;
#define CASE(change) \
  do { \
    cf_book_params_t p = params; \
    change; \
    if (cf_book_sz(&p)) fail_msg("%s", #change); \
  } while (0)
  assert_true(cf_book_sz(&params) != 0);
  CASE(p.accounts_max = 0);
  CASE(p.accounts_max = CF_BOOK_LEAVES_MAX + 1);
  CASE(p.leaves_max = 0);
  CASE(p.leaves_max = CF_BOOK_LEAVES_MAX + 1);
  CASE(p.entries_max = 0);
  CASE(p.entries_max = CF_BOOK_ENTRIES_MAX + 1);
  CASE(p.inputs_max = 0);
  CASE(p.validity_s = (uint64_t)UINT32_MAX + 1);
  CASE(p.exit_delay_s = UINT64_MAX);
  CASE(p.asset_cnt = CF_ASSETS_MAX + 1);
  CASE(p.assets[1].asset = 5);
  CASE(p.assets[1].asset = CF_ASSET_LAST + 1);
  CASE(p.assets[0].amount_max = 0);
  CASE(p.assets[0].amount_max = CF_AMOUNT_MAX + 1);
  CASE(p.assets[0].release_max = CF_AMOUNT_MAX + 1);
#undef CASE
  cf_book_params_t large = { .accounts_max = 10000, .leaves_max = 150000, .entries_max = 8192, .inputs_max = 1 };
  assert_true(cf_book_sz(&large) < (size_t)64 << 20); /* 10,000 parties in all 15 assets of the demo */
}

/* ---- what a workload may post ---- */

#define INPUT(...) { .steps = { __VA_ARGS__ } }
#define REFUSE(...) { .steps = { __VA_ARGS__ }, .class = CF_CLASS_CREDIT }
#define CLOSE(...) { .steps = { __VA_ARGS__ }, .closes = true }
#define CARRY(...) { .steps = { __VA_ARGS__ }, .closes = false }
#define HOLD40 INPUT({ 'h', 1, 40 })
#define FOUR { 'h', 1, 1 }, { 'h', 1, 1 }, { 'h', 1, 1 }, { 'h', 1, 1 }
#define EIGHT FOUR, FOUR
#define BAD CF_ERR_POLICY

static void
rogues(void **state) {
  /* one input, then a close; the status of each, and what is held of account 1 after the input */
  static struct { char const *name; script_t input, close; cf_status_t st, close_st; uint64_t held1; } const cases[] = {
    { "honest",                     HOLD40, CLOSE({ 'm', 1, -40 }, { 'm', 2, 40 }), CF_OK, CF_OK, 40 },
    { "honest, with a release",     HOLD40, CLOSE({ 'm', 1, -40 }, { 'm', 2, 10 }, { 'r', 1, 30 }), CF_OK, CF_OK, 40 },
    { "holds and unholds",          INPUT({ 'h', 1, 40 }, { 'u', 1, 15 }), CLOSE({ 0 }), CF_OK, CF_OK, 25 },
    { "refuses after a hold",       REFUSE({ 'h', 1, 40 }, { 'u', 1, 1 }), CLOSE({ 0 }), CF_OK, CF_OK, 0 },
    { "carries over",               HOLD40, CARRY({ 0 }), CF_OK, CF_OK, 40 },
    { "unbalanced by one",          HOLD40, CLOSE({ 'm', 1, -40 }, { 'm', 2, 41 }), CF_OK, BAD, 40 },
    { "money from nothing",         HOLD40, CLOSE({ 'm', 2, 5 }), CF_OK, BAD, 40 },
    { "money into nothing",         HOLD40, CLOSE({ 'm', 1, -5 }), CF_OK, BAD, 40 },
    { "release of nothing",         HOLD40, CLOSE({ 'r', 1, 5 }), CF_OK, BAD, 40 },
    { "debit above the hold",       HOLD40, CLOSE({ 'm', 1, -41 }, { 'm', 2, 41 }), CF_OK, BAD, 40 },
    { "debit that was not held",    HOLD40, CLOSE({ 'm', 3, -1 }, { 'm', 2, 1 }), CF_OK, BAD, 40 },
    { "one lane twice",             HOLD40, CLOSE({ 'm', 1, -20 }, { 'm', 1, -20 }, { 'm', 2, 40 }), CF_OK, BAD, 40 },
    { "a lane that is not open",    HOLD40, CLOSE({ 'm', 1, -40 }, { 'm', 4, 40 }), CF_OK, BAD, 40 },
    { "a move of 0",                HOLD40, CLOSE({ 'm', 1, 0 }), CF_OK, BAD, 40 },
    { "a move of -2^63",            HOLD40, CLOSE({ 'm', 1, INT64_MIN }), CF_OK, BAD, 40 },
    { "a release of 2^63",          HOLD40, CLOSE({ 'r', 1, INT64_MIN }), CF_OK, BAD, 40 },
    { "releases over the bucket",   HOLD40, CLOSE({ 'm', 1, -31 }, { 'r', 1, 31 }), CF_OK, BAD, 40 },
    { "9 entries",                  HOLD40, CLOSE({ 'm', 1, -1 }, { 'm', 2, 1 }, { 'r', 1, 1 }, { 'r', 2, 1 }, { 'r', 3, 1 },
                                                  { 'm', 3, 1 }, { 'm', 1, 1 }, { 'm', 1, 1 }, { 'm', 1, 1 }), CF_OK, BAD, 40 },
    { "moves and carries over",     HOLD40, CARRY({ 'm', 1, -40 }, { 'm', 2, 40 }), CF_OK, BAD, 40 },
    { "holds above the balance",    INPUT({ 'h', 1, 101 }), CLOSE({ 0 }), BAD, BAD, 0 },
    { "holds 0",                    INPUT({ 'h', 1, 0 }), CLOSE({ 0 }), BAD, BAD, 0 },
    { "holds no lane",              INPUT({ 'h', 4, 1 }), CLOSE({ 0 }), BAD, BAD, 0 },
    { "unholds what is not held",   INPUT({ 'h', 1, 5 }, { 'u', 1, 6 }), CLOSE({ 0 }), BAD, BAD, 0 },
    { "moves in an input",          INPUT({ 'm', 1, -5 }), CLOSE({ 0 }), BAD, BAD, 0 },
    { "releases in an input",       INPUT({ 'r', 1, 5 }), CLOSE({ 0 }), BAD, BAD, 0 },
    { "17 postings",                INPUT({ 'h', 1, 1 }, EIGHT, EIGHT), CLOSE({ 0 }), BAD, BAD, 0 },
    { "a result for a stranger",    INPUT({ 't', 9, 5 }), CLOSE({ 0 }), BAD, BAD, 0 },
    { "an empty result",            INPUT({ 't', 1, 0 }), CLOSE({ 0 }), BAD, BAD, 0 },
    { "too large a result",         INPUT({ 't', 1, CF_RESULT_MAX + 1 }), CLOSE({ 0 }), BAD, BAD, 0 },
    { "the largest result",         INPUT({ 't', 1, CF_RESULT_MAX }), CLOSE({ 0 }), CF_OK, CF_OK, 0 },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_book_t *book = book_make(&rogue, &rogue_state);
    cf_class_t class;
    bool       closed = false;
    close_script = &cases[i].close;
    cf_status_t st = cf_book_input(book, &class, 1, 1, CF_SPAN(&cases[i].input, sizeof(script_t)));
    if (st != cases[i].st || held(book, 1) != cases[i].held1) fail_msg("%s: input: %s", cases[i].name, cf_status_name(st));
    if (!st) assert_int_equal(class, cases[i].input.class);
    st = cf_book_window_close(book, &closed);
    if (st != cases[i].close_st) fail_msg("%s: close: %s", cases[i].name, cf_status_name(st));
    if (!st) assert_int_equal(closed, cases[i].close.closes);
    if (st) { /* a fault stays */
      assert_int_equal(cf_book_input(book, &class, 2, 1, CF_SPAN(&cases[0].input, sizeof(script_t))), CF_ERR_POLICY);
      assert_int_equal(cf_book_window_close(book, &closed), CF_ERR_POLICY);
      assert_int_equal(cf_book_content_void(book, 1), CF_ERR_POLICY);
      assert_int_equal(cf_book_content_executed(book, 1), CF_ERR_POLICY);
      assert_int_equal(cf_book_defaults(book), CF_ERR_POLICY);
      cf_book_msg_t msg = { .kind = CF_BOOK_EXIT_REQUESTED, .account = 1, .time_s = 1 };
      assert_int_equal(cf_book_inbox(book, &msg), CF_ERR_POLICY);
    }
    free(book);
  }
}

/* What happens to the holds of a content: they may not be taken while it flies, nor stay when it has settled. */
static void
holds_of_contents(void **state) {
  static script_t const hold = { .steps = { { 'h', 1, 40 } } }, take = { .steps = { { 'u', 1, 1 } } };
  static script_t const content = { .steps = { { 'm', 1, -40 }, { 'm', 2, 40 } }, .closes = true };
  static script_t const fall = { .steps = { { 'u', 1, 40 } } }, too_much = { .steps = { { 'u', 1, 41 } } };
  static script_t const nothing = { .closes = true };
  static struct {
    char const     *name;
    script_t const *input, *settled;
    bool            executed;
    cf_status_t     st;
    uint64_t        balance;
  } const cases[] = {
    { "falls when settled",        NULL,  &fall,     true,  CF_OK,         60 },
    { "falls when void",           NULL,  &fall,     false, CF_OK,         100 },
    { "kept over the settlement",  NULL,  &nothing,  true,  CF_OK,         60 }, /* 40 held of 60: the workload's own affair */
    { "falls too far",             NULL,  &too_much, true,  CF_ERR_POLICY, 60 },
    { "taken while it flies",      &take, &fall,     true,  CF_ERR_POLICY, 100 },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_book_t *book = book_make(&rogue, &rogue_state);
    cf_class_t class;
    bool       closed;
    close_script = &content;
    settled_script = cases[i].settled;
    assert_int_equal(cf_book_input(book, &class, 1, 1, CF_SPAN(&hold, sizeof hold)), CF_OK);
    assert_int_equal(cf_book_window_close(book, &closed), CF_OK);
    cf_status_t st = CF_OK;
    if (cases[i].input) st = cf_book_input(book, &class, 1, 2, CF_SPAN(cases[i].input, sizeof(script_t)));
    if (!st) st = cases[i].executed ? cf_book_content_executed(book, 1) : cf_book_content_void(book, 1);
    cf_book_lane_t lane;
    assert_true(cf_book_lane(book, 1, 5, &lane));
    if (st != cases[i].st || lane.balance != cases[i].balance) fail_msg("%s: %s", cases[i].name, cf_status_name(st));
    free(book);
  }
}

static void
contents_come_in_order(void **state) {
  static script_t const empty = { .closes = true };
  (void)state;
  close_script = settled_script = &empty;
  cf_book_t *book = book_make(&rogue, &rogue_state);
  bool       closed;
  for (size_t i = 0; i < CF_WINDOWS_MAX; i++) {
    assert_int_equal(cf_book_window_close(book, &closed), CF_OK);
    assert_true(closed);
  }
  assert_int_equal(cf_book_window_close(book, &closed), CF_OK);
  assert_false(closed); /* eight are in flight: carried over */
  assert_int_equal(cf_book_content_executed(book, 1), CF_OK);
  assert_int_equal(cf_book_content_void(book, 7), CF_OK);
  assert_int_equal(cf_book_content_cnt(book), 5);
  assert_int_equal(cf_book_window(book), 9);
  assert_int_equal(cf_book_content_executed(book, 3), CF_ERR_POLICY); /* 2 is the oldest */
  free(book);
  book = book_make(&rogue, &rogue_state);
  assert_int_equal(cf_book_content_void(book, 1), CF_ERR_POLICY); /* nothing in flight */
  free(book);
}

/* ---- inputs ---- */

static void
orders_access_limits(void **state) {
  static script_t const nothing = { .class = CF_CLASS_ACCEPTED }, refused = { .class = CF_CLASS_CREDIT };
  static script_t const empty = { .closes = true };
  (void)state;
  close_script = &empty;
  cf_book_t *book = book_make(&rogue, &rogue_state);
  cf_class_t class;
#define GIVE(account, order, script, want) \
  do { \
    assert_int_equal(cf_book_input(book, &class, account, order, CF_SPAN(script, sizeof(script_t))), CF_OK); \
    assert_int_equal(class, want); \
  } while (0)
  GIVE(4, 1, &nothing, CF_CLASS_ACCESS); /* unknown */
  GIVE(1, 1, &refused, CF_CLASS_CREDIT);
  GIVE(1, 1, &nothing, CF_CLASS_DUPLICATE); /* a refused input used its number up */
  GIVE(1, 0, &nothing, CF_CLASS_TOO_OLD);
  GIVE(1, 200, &nothing, CF_CLASS_ACCEPTED);
  GIVE(1, 71, &nothing, CF_CLASS_TOO_OLD);
  GIVE(1, 201 + ((uint64_t)1 << 32), &nothing, CF_CLASS_JUMP);
  GIVE(1, 72, &nothing, CF_CLASS_ACCEPTED);
  GIVE(1, 201, &nothing, CF_CLASS_LIMIT); /* the fourth of this window that reached the workload */
  GIVE(1, 201, &nothing, CF_CLASS_DUPLICATE);
  GIVE(2, 1, &nothing, CF_CLASS_ACCEPTED); /* others have their own */
  bool closed;
  assert_int_equal(cf_book_window_close(book, &closed), CF_OK);
  GIVE(1, 202, &nothing, CF_CLASS_ACCEPTED); /* a new window */
  assert_int_equal(cf_book_admit(book, 1, false, 0), CF_OK);
  GIVE(1, 203, &nothing, CF_CLASS_ACCESS);
  assert_int_equal(cf_book_admit(book, 1, true, 7), CF_OK);
  GIVE(1, 203, &nothing, CF_CLASS_DUPLICATE);
  assert_int_equal(cf_book_admit(book, 9, true, 7), CF_ERR_BOUND);
  cf_book_account_t a;
  assert_true(cf_book_account(book, 1, &a));
  assert_int_equal(a.account_class, 7);
  assert_int_equal(a.order, 203);
  assert_int_equal(cf_book_inbox(book, &(cf_book_msg_t){ .kind = CF_BOOK_EXIT_REQUESTED, .account = 2, .time_s = 50 }), CF_OK);
  GIVE(2, 2, &nothing, CF_CLASS_EXITING);
  free(book);
}

/* ---- the inbox ---- */

static void
inbox(void **state) {
  static struct { char const *name; cf_book_msg_t msg; cf_status_t want; } const cases[] = {
    { "not admitted: passed over", { .kind = CF_BOOK_OPENED, .account = 8, .owner = { { 8 } } }, CF_OK },
    { "its deposit, too",          { .kind = CF_BOOK_DEPOSITED, .account = 8, .asset = 5, .units = 1 }, CF_OK },
    { "lane",                      { .kind = CF_BOOK_LANE_OPENED, .account = 1, .asset = 6 }, CF_OK },
    { "lane again",                { .kind = CF_BOOK_LANE_OPENED, .account = 1, .asset = 5 }, CF_OK },
    { "lane of unknown asset",     { .kind = CF_BOOK_LANE_OPENED, .account = 1, .asset = 7 }, CF_OK },
    { "deposit of unknown asset",  { .kind = CF_BOOK_DEPOSITED, .account = 1, .asset = 7, .units = 1 }, CF_OK },
    { "exit",                      { .kind = CF_BOOK_EXIT_REQUESTED, .account = 1, .time_s = 9 }, CF_OK },
    { "exit paid",                 { .kind = CF_BOOK_EXIT_PAID, .account = 1, .asset = 5, .units = 100 }, CF_OK },
    { "exit paid, no lane",        { .kind = CF_BOOK_EXIT_PAID, .account = 1, .asset = 6 }, CF_OK },
    { "opened twice", { .kind = CF_BOOK_OPENED, .account = 1, .owner = { { 8 } }, .admitted = true }, CF_ERR_POLICY },
    { "owner twice", { .kind = CF_BOOK_OPENED, .account = 8, .owner = { { 1 } }, .admitted = true }, CF_ERR_POLICY },
    { "account 0",                 { .kind = CF_BOOK_OPENED, .admitted = true }, CF_ERR_POLICY },
    { "asset over 24 bits", { .kind = CF_BOOK_DEPOSITED, .account = 1, .asset = 0xffffff, .units = 1 }, CF_ERR_POLICY },
    { "lane overflows", { .kind = CF_BOOK_DEPOSITED, .account = 1, .asset = 5, .units = CF_AMOUNT_MAX }, CF_ERR_POLICY },
    { "more than there is",        { .kind = CF_BOOK_EXIT_PAID, .account = 1, .asset = 5, .units = 101 }, CF_ERR_POLICY },
    { "exit at 0",                 { .kind = CF_BOOK_EXIT_REQUESTED, .account = 1 }, CF_ERR_POLICY },
    { "unknown kind",              { .kind = (cf_book_msg_kind_t)9, .account = 1 }, CF_ERR_POLICY },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_book_t  *book = book_make(&rogue, &rogue_state);
    cf_status_t st = cf_book_inbox(book, &cases[i].msg);
    if (st != cases[i].want) fail_msg("%s: %s", cases[i].name, cf_status_name(st));
    free(book);
  }
  cf_book_t     *book = book_make(&rogue, &rogue_state);
  cf_book_msg_t  msg = { .kind = CF_BOOK_EXIT_REQUESTED, .account = 1, .time_s = 9 };
  cf_book_lane_t lane;
  assert_int_equal(cf_book_inbox(book, &msg), CF_OK);
  assert_int_equal(cf_book_inbox(book, &msg), CF_ERR_POLICY); /* terminal: once */
  assert_false(cf_book_lane(book, 8, 5, &lane));
  free(book);
}

static void
capacities(void **state) {
  (void)state;
  cf_book_t    *book = book_make(&rogue, &rogue_state);
  cf_book_msg_t msg = { .kind = CF_BOOK_OPENED, .account = 4, .admitted = true, .owner = { { 4 } } };
  assert_int_equal(cf_book_inbox(book, &msg), CF_OK);
  msg = (cf_book_msg_t){ .kind = CF_BOOK_OPENED, .account = 5, .admitted = true, .owner = { { 5 } } };
  assert_int_equal(cf_book_inbox(book, &msg), CF_ERR_BOUND); /* the fifth account */
  for (uint32_t asset = 10; asset < 13; asset++) {
    msg = (cf_book_msg_t){ .kind = CF_BOOK_DEPOSITED, .account = 1, .asset = asset, .units = 1 };
    assert_int_equal(cf_book_inbox(book, &msg), CF_OK);
  }
  msg.asset = 13; /* the seventh lane */
  assert_int_equal(cf_book_inbox(book, &msg), CF_ERR_BOUND);
  msg = (cf_book_msg_t){ .kind = CF_BOOK_LANE_OPENED, .account = 1, .asset = 6 };
  assert_int_equal(cf_book_inbox(book, &msg), CF_ERR_BOUND);
  free(book);
}

static void
views(void **state) {
  static cf_book_asset_t const fewer[] = { { 6, 10, 10 } }, bad[] = { { 6, 0, 10 } };
  (void)state;
  cf_book_t *book = book_make(&rogue, &rogue_state);
  assert_int_equal(cf_book_view(book, 100), CF_OK);
  assert_int_equal(cf_book_view(book, 100), CF_OK);
  assert_int_equal(cf_book_view(book, 99), CF_ERR_STALE);
  assert_int_equal(cf_book_view(book, UINT64_MAX), CF_ERR_BOUND);
  assert_int_equal(cf_book_as_of(book), 100);
  assert_int_equal(cf_book_bucket(book, 7, 1), CF_ERR_BOUND);
  assert_int_equal(cf_book_assets_set(book, bad, 1), CF_ERR_BOUND);
  assert_int_equal(cf_book_assets_set(book, fewer, 1), CF_OK);
  assert_int_equal(cf_book_bucket(book, 5, 1), CF_ERR_BOUND);
  assert_int_equal(cf_book_account_of(book, &(cf_addr_t){ { 2 } }), 2);
  assert_int_equal(cf_book_account_of(book, &(cf_addr_t){ { 9 } }), 0);
  free(book);
}

/* ---- exits, with the real workload ---- */

static cf_class_t
pay(cf_book_t *book, uint64_t order, uint32_t payer, uint32_t payee, uint64_t amount) {
  uint8_t             buf[32];
  cf_wr_t             wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_input_t input = { payee ? CF_CLEARING_OBLIGATION : CF_CLEARING_WITHDRAWAL, payee, 5, amount };
  cf_class_t          class;
  cf_clearing_input_encode(&wr, &input);
  assert_int_equal(cf_book_input(book, &class, payer, order, cf_wr_out(&wr)), CF_OK);
  return class;
}

static void *
clearing_make(void) {
  static cf_clearing_params_t const p = { .positions_max = 8, .obligations_max = 10, .releases_max = 2, .window_max_s = 1000 };
  uint8_t                           buf[64];
  cf_wr_t                           wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_params_encode(&wr, &p);
  void *state = malloc(cf_clearing.state_sz(cf_wr_out(&wr)));
  cf_clearing.open(state, cf_wr_out(&wr));
  return state;
}

static void
an_exit(void **state) {
  (void)state;
  void      *clearing = clearing_make();
  cf_book_t *book = book_make(&cf_clearing, clearing);
  bool       closed;
  assert_int_equal(pay(book, 1, 1, 2, 100) | pay(book, 1, 2, 3, 150), CF_CLASS_ACCEPTED);
  assert_int_equal(cf_book_inbox(book, &(cf_book_msg_t){ .kind = CF_BOOK_EXIT_REQUESTED, .account = 1, .time_s = 1000 }), CF_OK);

  /* Time enough: what it owes settles, in a content that must be valid only before it is paid out. */
  assert_int_equal(cf_book_view(book, 1089), CF_OK);
  assert_int_equal(cf_book_defaults(book), CF_OK);
  assert_int_equal(told, 0);
  assert_int_equal(cf_book_window_close(book, &closed), CF_OK);
  assert_true(closed);
  assert_int_equal(cf_book_content_deadline(book, cf_book_content(book, 0)), 1100);

  /* Too late for a new content; what is in flight may still settle and is left alone. */
  assert_int_equal(cf_book_view(book, 1090), CF_OK);
  told = 0;
  assert_int_equal(cf_book_defaults(book), CF_OK);
  assert_int_equal(told, 0);

  /* It did not: void, dropped, and with it what it was to cover. */
  assert_int_equal(cf_book_content_void(book, 1), CF_OK);
  told = 0;
  assert_int_equal(cf_book_defaults(book), CF_OK);
  assert_int_equal(told, 4); /* two obligations, two sides */
  assert_int_equal(held(book, 1) + held(book, 2), 0);
  assert_int_equal(cf_book_defaults(book), CF_OK);
  assert_int_equal(told, 4); /* once */
  cf_book_msg_t paid = { .kind = CF_BOOK_EXIT_PAID, .account = 1, .asset = 5, .units = 100 };
  assert_int_equal(cf_book_inbox(book, &paid), CF_OK);
  assert_int_equal(cf_book_window_close(book, &closed), CF_OK);
  assert_false(closed);
  free(book);
  free(clearing);
}

static void
nobody_leaves(void **state) {
  (void)state;
  void      *clearing = clearing_make();
  cf_book_t *book = book_make(&cf_clearing, clearing);
  bool       closed;
  assert_int_equal(pay(book, 1, 1, 2, 10), CF_CLASS_ACCEPTED);
  assert_int_equal(pay(book, 2, 1, 0, 51), CF_CLASS_LIMIT); /* more than can ever be released at once */
  assert_int_equal(pay(book, 3, 1, 0, 20), CF_CLASS_ACCEPTED);
  assert_int_equal(cf_book_window_close(book, &closed), CF_OK);
  cf_book_content_t const *content = cf_book_content(book, 0);
  assert_int_equal(cf_book_content_deadline(book, content), UINT64_MAX);
  uint8_t body[128];
  cf_wr_t wr = cf_wr_init(body, sizeof body);
  cf_book_content_body(&wr, content);
  static char const want[] = "\0" "\0\0\5" "\0\2" "\0\0\0\1" "\xff\xff\xff\xff\xff\xff\xff\xe2" "\0\0\0\2" "\0\0\0\0\0\0\0\x0a"
                             "\1" "\0\0\5" "\0\1" "\0\0\0\1" "\0\0\0\0\0\0\0\x14"; /* by hand from ONCHAIN 4.3 */
  assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN(want, sizeof want - 1)));
  assert_int_equal(cf_book_bucket(book, 5, 30), CF_OK);
  seal(book);
  cf_book_begin(book, 1);
  assert_int_equal(pay(book, 1, 2, 0, 20), CF_CLASS_ACCEPTED); /* 20 of 30 are in flight */
  assert_int_equal(cf_book_window_close(book, &closed), CF_OK);
  assert_false(closed);
  free(book);
  free(clearing);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(params_have_bounds), cmocka_unit_test(rogues),     cmocka_unit_test(holds_of_contents),
    cmocka_unit_test(contents_come_in_order), cmocka_unit_test(orders_access_limits), cmocka_unit_test(inbox),
    cmocka_unit_test(capacities),         cmocka_unit_test(views),      cmocka_unit_test(an_exit),
    cmocka_unit_test(nobody_leaves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
