/* The book at work, beside a ledger that is only an array of lanes: random
   histories with deposits, windows, settlements, abandons and exits; every
   settlement must be one that the ledger accepts.  A twin made from a snapshot
   is fed the same and must stay the same, root by root.  And the demo's real
   transfers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/cf_hash.h"
#include "enclave/cf_book.h"
#include "workload/cf_clearing.h"

__extension__ typedef __int128 i128;

#define PARTIES 40u
#define ASSETS 3u

static uint64_t seed;

static uint64_t
draw(uint64_t below) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (seed >> 3) % below;
}

/* ---- two books that are fed the same ---- */

typedef struct {
  cf_book_t  *book;
  void       *state;
  cf_sha256_t told; /* everything that was said to anybody */
} side_t;

static cf_book_params_t const params = { .accounts_max = 100, .leaves_max = 300, .entries_max = 500, .inputs_max = 6,
                                         .validity_s = 20, .exit_delay_s = 100, .asset_cnt = ASSETS,
                                         .assets = { { 1, 1 << 20, 1 << 20 }, { 2, 1 << 20, 1 << 20 },
                                                     { 3, 1 << 20, 1 << 20 } } };
static uint8_t const          key[32] = { 42 };

static void
sink(void *host, uint32_t account, cf_span_t bytes) {
  side_t *side = host;
  cf_sha256_u(&side->told, account, 4);
  cf_sha256_s(&side->told, bytes);
}

static void
side_make(side_t *side) {
  cf_clearing_params_t p = { .min_parties = 3, .min_inputs = 4, .window_max_s = 60, .positions_max = 300, .obligations_max = 600,
                             .releases_max = 40, .credit_cnt = 1, .credits = { { 1, 2, 5000 } } };
  uint8_t              buf[64];
  cf_wr_t              wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_params_encode(&wr, &p);
  side->state = malloc(cf_clearing.state_sz(cf_wr_out(&wr)));
  cf_clearing.open(side->state, cf_wr_out(&wr));
  side->book = cf_book_init(aligned_alloc(64, (cf_book_sz(&params) + 63) & ~(size_t)63), &params, key);
  cf_book_bind(side->book, &cf_clearing, side->state, sink, side);
  cf_sha256_init(&side->told);
}

static void
side_free(side_t *side) {
  free(side->book);
  free(side->state);
}

/* ---- the ledger ---- */

typedef struct {
  side_t   sides[2];
  int      side_cnt;
  int64_t  lane[PARTIES + 1][ASSETS + 1];
  bool     open[PARTIES + 1][ASSETS + 1];
  uint64_t exit_at[PARTIES + 1];
  bool     paid[PARTIES + 1];
  uint64_t orders[PARTIES + 1];
  uint64_t now_s, sequence;
  size_t   settled, voided, exits, closed;
} world_t;

#define BOTH(w, call) \
  do { \
    for (int side_ = 0; side_ < (w)->side_cnt; side_++) { \
      cf_book_t *book = (w)->sides[side_].book; \
      assert_int_equal(call, CF_OK); \
    } \
  } while (0)

static void
inbox(world_t *w, cf_book_msg_t msg) {
  BOTH(w, cf_book_inbox(book, &msg));
}

/* What the rules of ONCHAIN 4.5 demand of a body: zero-sum per asset, every lane open and not below zero. */
static void
ledger_settles(world_t *w, cf_book_content_t const *content) {
  i128 sum[ASSETS + 1] = { 0 };
  for (uint32_t i = 0; i < content->entry_cnt; i++) {
    cf_book_entry_t const *e = &content->entries[i];
    sum[e->asset] += e->amount;
    assert_true(w->open[e->account][e->asset]);
    if (e->kind == 1) continue;
    w->lane[e->account][e->asset] += e->amount;
    assert_true(w->lane[e->account][e->asset] >= 0);
  }
  for (uint32_t s = 1; s <= ASSETS; s++) assert_true(sum[s] == 0);
}

static void
do_view(world_t *w) {
  BOTH(w, cf_book_view(book, w->now_s));
  for (uint32_t s = 1; s <= ASSETS && draw(3); s++) {
    uint64_t level = draw(1u << 14);
    BOTH(w, cf_book_bucket(book, s, level));
  }
  cf_book_t const *mine = w->sides[0].book;
  if (cf_book_content_cnt(mine) && draw(2)) {
    cf_book_content_t const *content = cf_book_content(mine, 0);
    uint64_t                 window = content->window;
    ledger_settles(w, content);
    BOTH(w, cf_book_content_executed(book, window));
    w->settled++;
  }
  for (uint64_t i = draw(4); i; i--) {
    uint32_t id = 1 + (uint32_t)draw(PARTIES), asset = 1 + (uint32_t)draw(ASSETS);
    uint64_t units = draw(1u << 12);
    if (w->exit_at[id]) continue;
    inbox(w, (cf_book_msg_t){ .kind = CF_BOOK_DEPOSITED, .account = id, .asset = asset, .units = units });
    w->lane[id][asset] += (int64_t)units;
    w->open[id][asset] = true;
  }
}

static bool
debited_in_flight(world_t const *w, uint32_t id) {
  cf_book_t const *book = w->sides[0].book;
  for (size_t i = 0; i < cf_book_content_cnt(book); i++) {
    cf_book_content_t const *content = cf_book_content(book, i);
    for (uint32_t e = 0; e < content->entry_cnt; e++) {
      if (content->entries[e].account == id) return true;
    }
  }
  return false;
}

static void
do_exits(world_t *w) {
  for (uint32_t id = 1; id <= PARTIES; id++) {
    if (!w->exit_at[id] || w->paid[id] || w->now_s < w->exit_at[id] + params.exit_delay_s) continue;
    if (debited_in_flight(w, id)) { /* its validUntil has passed: void, then defaulted, and only then paid out */
      uint64_t first = cf_book_content(w->sides[0].book, 0)->window;
      BOTH(w, cf_book_content_void(book, first));
      w->voided++;
    }
    BOTH(w, cf_book_defaults(book));
    for (uint32_t s = 1; s <= ASSETS; s++) {
      inbox(w, (cf_book_msg_t){ .kind = CF_BOOK_EXIT_PAID, .account = id, .asset = s, .units = (uint64_t)w->lane[id][s] });
      w->lane[id][s] = 0;
    }
    w->paid[id] = true;
    w->exits++;
  }
}

static void
do_inputs(world_t *w) {
  for (uint64_t i = draw(25); i; i--) {
    uint32_t            payer = 1 + (uint32_t)draw(draw(3) ? PARTIES : 3);
    cf_clearing_input_t input = { draw(8) ? CF_CLEARING_OBLIGATION : CF_CLEARING_WITHDRAWAL, 1 + (uint32_t)draw(PARTIES),
                                  1 + (uint32_t)draw(ASSETS), 1 + draw(2000) };
    uint8_t             buf[32];
    cf_wr_t             wr = cf_wr_init(buf, sizeof buf);
    cf_clearing_input_encode(&wr, &input);
    cf_class_t class[2] = { 0 };
    w->orders[payer] += draw(10) != 0;
    for (int k = 0; k < w->side_cnt; k++)
      assert_int_equal(cf_book_input(w->sides[k].book, &class[k], payer, w->orders[payer], cf_wr_out(&wr)), CF_OK);
    if (w->side_cnt == 2) assert_int_equal(class[0], class[1]);
    if (w->exit_at[payer]) assert_true(class[0] != CF_CLASS_ACCEPTED);
  }
}

static void
do_close(world_t *w) {
  bool closed[2] = { false, false };
  for (int k = 0; k < w->side_cnt; k++) assert_int_equal(cf_book_window_close(w->sides[k].book, &closed[k]), CF_OK);
  if (w->side_cnt == 2) assert_int_equal(closed[0], closed[1]);
  w->closed += closed[0];
}

static void
do_void(world_t *w) {
  size_t cnt = cf_book_content_cnt(w->sides[0].book);
  if (!cnt) return;
  uint64_t first = cf_book_content(w->sides[0].book, draw(cnt))->window;
  BOTH(w, cf_book_content_void(book, first));
  BOTH(w, cf_book_defaults(book));
  w->voided++;
}

/* Held is never above the balance; the book's balances are the ledger's lanes. */
static void
compare_lanes(world_t const *w) {
  for (uint32_t id = 1; id <= PARTIES; id++) {
    for (uint32_t s = 1; s <= ASSETS; s++) {
      cf_book_lane_t lane;
      assert_int_equal(cf_book_lane(w->sides[0].book, id, s, &lane), w->open[id][s]);
      if (!w->open[id][s]) continue;
      assert_int_equal(lane.balance, w->lane[id][s]);
      assert_true(lane.held <= lane.balance);
    }
  }
}

static void
seal(world_t *w) {
  cf_hash_t root[2], digest = { { (uint8_t)w->sequence } };
  uint8_t   fresh[32] = { (uint8_t)draw(256) };
  w->sequence++;
  for (int k = 0; k < w->side_cnt; k++) {
    root[k] = cf_book_seal(w->sides[k].book, fresh, &digest);
    assert_int_equal(cf_book_sequence(w->sides[k].book), w->sequence);
  }
  if (w->side_cnt == 2) assert_memory_equal(root[0].b, root[1].b, 32);
}

static size_t
snapshot(uint8_t *out, size_t max, cf_book_t const *book) {
  cf_wr_t wr = cf_wr_init(out, max);
  cf_book_save(book, &wr);
  assert_false(wr.bad);
  return wr.len;
}

/* The second side is thrown away and made anew from the first one's snapshot. */
static void
twin(world_t *w) {
  static uint8_t one[1 << 20], two[1 << 20];
  if (w->side_cnt == 2) {
    cf_hash_t a = cf_sha256_end(&w->sides[0].told), b = cf_sha256_end(&w->sides[1].told);
    assert_memory_equal(a.b, b.b, 32); /* both told the same */
    side_free(&w->sides[1]);
  }
  side_make(&w->sides[1]);
  w->side_cnt = 2;
  cf_sha256_init(&w->sides[0].told);
  size_t sz = snapshot(one, sizeof one, w->sides[0].book);
  assert_int_equal(cf_book_load(w->sides[1].book, CF_SPAN(one, sz)), CF_OK);
  assert_int_equal(snapshot(two, sizeof two, w->sides[1].book), sz);
  assert_memory_equal(one, two, sz);
  cf_hash_t a = cf_book_root(w->sides[0].book), b = cf_book_root(w->sides[1].book);
  assert_memory_equal(a.b, b.b, 32);
}

static void
history(world_t *w) {
  memset(w, 0, sizeof *w);
  side_make(&w->sides[0]);
  w->side_cnt = 1;
  for (int step = 0; step < 120; step++) {
    if (step % 13 == 5) twin(w);
    w->now_s += draw(6);
    BOTH(w, (cf_book_begin(book, w->now_s), CF_OK));
    if (step == 0) {
      for (uint32_t id = 1; id <= PARTIES; id++) {
        uint8_t class = id % 3, owner = (uint8_t)id;
        inbox(w, (cf_book_msg_t){ .kind = CF_BOOK_OPENED, .account = id, .admitted = true, .account_class = class,
                                  .owner = { { owner } } });
      }
    }
    do_view(w);
    uint32_t leaver = 1 + (uint32_t)draw(PARTIES);
    if (!draw(8) && !w->exit_at[leaver]) {
      w->exit_at[leaver] = w->now_s ? w->now_s : 1;
      inbox(w, (cf_book_msg_t){ .kind = CF_BOOK_EXIT_REQUESTED, .account = leaver, .time_s = w->exit_at[leaver] });
    }
    do_exits(w);
    BOTH(w, cf_book_defaults(book));
    if (!draw(10)) do_void(w);
    if (draw(2)) do_close(w);
    do_inputs(w);
    seal(w);
    compare_lanes(w);
  }
  for (int k = 0; k < w->side_cnt; k++) side_free(&w->sides[k]);
}

static void
random_histories(void **state) {
  static world_t w;
  size_t         settled = 0, voided = 0, exits = 0;
  (void)state;
  for (uint64_t round = 1; round <= 150; round++) {
    seed = round * 0x9e3779b97f4a7c15u;
    history(&w);
    settled += w.settled;
    voided += w.voided;
    exits += w.exits;
  }
  assert_true(settled > 1000 && voided > 500 && exits > 300); /* everything was met, often */
}

/* ---- snapshots that are not ---- */

static void
bad_snapshots(void **state) {
  static uint8_t good[1 << 16], bad[1 << 16];
  world_t       *w = calloc(1, sizeof *w);
  (void)state;
  seed = 4711;
  side_make(&w->sides[0]);
  w->side_cnt = 1;
  cf_book_begin(w->sides[0].book, 0);
  for (uint32_t id = 1; id <= 4; id++) {
    inbox(w, (cf_book_msg_t){ .kind = CF_BOOK_OPENED, .account = id, .admitted = true, .owner = { { (uint8_t)id } } });
    inbox(w, (cf_book_msg_t){ .kind = CF_BOOK_DEPOSITED, .account = id, .asset = 1, .units = 100 });
  }
  for (uint32_t id = 1; id <= 4; id++) {
    cf_clearing_input_t input = { CF_CLEARING_OBLIGATION, id % 4 + 1, 1, 10 * id };
    uint8_t             buf[32];
    cf_wr_t             wr = cf_wr_init(buf, sizeof buf);
    cf_class_t          class;
    cf_clearing_input_encode(&wr, &input);
    assert_int_equal(cf_book_input(w->sides[0].book, &class, id, 1, cf_wr_out(&wr)), CF_OK);
    assert_int_equal(class, CF_CLASS_ACCEPTED);
  }
  do_close(w);
  assert_int_equal(w->closed, 1);
  seal(w);
  size_t sz = snapshot(good, sizeof good, w->sides[0].book);

  for (size_t cut = 0; cut < sz; cut++) {
    side_make(&w->sides[1]);
    assert_true(cf_book_load(w->sides[1].book, CF_SPAN(good, cut)) != CF_OK);
    side_free(&w->sides[1]);
  }
  enum { HEAD = 1 + 24 + 64, ASSETS_AT = HEAD + 1, ACCOUNTS = ASSETS_AT + 3 * 11, ACCOUNT = 70, LEAF = 31,
         LEAVES = ACCOUNTS + 4 + 4 * ACCOUNT, CONTENTS = LEAVES + 4 + 4 * LEAF };
  static struct { char const *name; size_t at; uint8_t value; cf_status_t want; } const cases[] = {
    { "version",                   0,                                2,    CF_ERR_UNSUPPORTED },
    { "sequence beyond 2^63",      1,                                0x80, CF_ERR_FORMAT },
    { "window 0",                  16,                               0,    CF_ERR_FORMAT },
    { "number of assets",          HEAD,                             2,    CF_ERR_BOUND },
    { "another asset",             ASSETS_AT + 2,                    9,    CF_ERR_BOUND },
    { "101 accounts",              ACCOUNTS + 2,                     1,    CF_ERR_FORMAT },
    { "account 0",                 ACCOUNTS + 7,                     0,    CF_ERR_FORMAT },
    { "account twice",             ACCOUNTS + 4 + ACCOUNT + 3,       1,    CF_ERR_FORMAT },
    { "owner twice",               ACCOUNTS + 4 + ACCOUNT + 4,       1,    CF_ERR_FORMAT },
    { "flag 8",                    ACCOUNTS + 4 + 24,                8,    CF_ERR_FORMAT },
    { "inputs of a later window",  ACCOUNTS + 4 + ACCOUNT - 5,       3,    CF_ERR_FORMAT },
    { "too many inputs",           ACCOUNTS + 4 + ACCOUNT - 1,       7,    CF_ERR_BOUND },
    { "lane of nobody",            LEAVES + 7,                       9,    CF_ERR_FORMAT },
    { "lane twice",                LEAVES + 4 + LEAF + 3,            1,    CF_ERR_FORMAT },
    { "balance of 2^63",           LEAVES + 4 + 7,                   0x80, CF_ERR_FORMAT },
    { "held above the balance",    LEAVES + 4 + 22,                  101,  CF_ERR_FORMAT },
    { "changed in the future",     LEAVES + 4 + 30,                  2,    CF_ERR_FORMAT },
    { "9 contents",                CONTENTS,                         9,    CF_ERR_FORMAT },
    { "content of the open window", CONTENTS + 8,                    2,    CF_ERR_FORMAT },
    { "501 entries",               CONTENTS + 11,                    2,    CF_ERR_BOUND },
    { "entry of kind 2",           CONTENTS + 13 + 3,                2,    CF_ERR_FORMAT },
    { "entries fall",              CONTENTS + 13 + 7,                9,    CF_ERR_FORMAT },
    { "unbalanced content",        CONTENTS + 13 + 15,               31,   CF_ERR_FORMAT },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memcpy(bad, good, sz);
    bad[cases[i].at] = cases[i].value;
    side_make(&w->sides[1]);
    cf_status_t st = cf_book_load(w->sides[1].book, CF_SPAN(bad, sz));
    if (st != cases[i].want) fail_msg("%s: %s", cases[i].name, cf_status_name(st));
    side_free(&w->sides[1]);
  }
  side_make(&w->sides[1]);
  assert_int_equal(cf_book_load(w->sides[1].book, CF_SPAN(good, sz + 1)), CF_ERR_FORMAT);
  side_free(&w->sides[1]);
  side_free(&w->sides[0]);
  free(w);
}

/* ---- the demo's transfers: Ethereum, blocks 15320500 to 15320599, public record (shared/data) ---- */

static struct { char const *name; uint64_t gross, net; } const tokens[] = { /* gross and net: shared/data/README.md */
  { "WETH", 86579984393781, 8220784306007 },        { "USDT", 75050472370881, 25277881048587 },
  { "USDC", 185791133460472, 15538789132821 },      { "DAI", 2014952535947, 1612184449705 },
  { "SHIB", 6594375377315519, 4958434929959054 },   { "WBTC", 15684524597, 12779021155 },
  { "CRV", 63604553579, 29873646887 },              { "MATIC", 282545611400, 201588708794 },
  { "LDO", 998188288381, 347456670437 },            { "LINK", 53437050252, 38404133050 },
  { "BUSD", 6648567636349, 3257980699454 },         { "AAVE", 6235246024, 3973108644 },
  { "UNI", 6043199075, 5257786718 },                { "FRAX", 272094275244, 116067169324 },
  { "SUSHI", 113345058975, 81699363972 },
};
#define TOKENS (sizeof tokens / sizeof *tokens)

typedef struct { uint32_t payer, payee, asset; uint64_t amount; } transfer_t;

static size_t
transfers_read(transfer_t *out, size_t max) {
  FILE *f = fopen(CF_SOURCE_DIR "/../shared/data/transfers-erc20.csv", "r");
  if (!f) return 0;
  char     line[256], name[16];
  size_t   cnt = 0;
  unsigned time, block;
  while (fgets(line, sizeof line, f)) {
    transfer_t t;
    if (sscanf(line, "%u,%u,p%u,p%u,%15[^,],%lu", &time, &block, &t.payer, &t.payee, name, &t.amount) != 6) continue;
    for (t.asset = 0; t.asset < TOKENS && strcmp(tokens[t.asset].name, name) != 0;) t.asset++;
    assert_true(t.asset < TOKENS && cnt < max);
    t.asset++;
    out[cnt++] = t;
  }
  fclose(f);
  return cnt;
}

static void
null_sink(void *host, uint32_t account, cf_span_t bytes) {
}

static void
real_transfers(void **state) {
  static transfer_t t[6000];
  static uint64_t   orders[5000], gross[TOKENS + 1], net[TOKENS + 1];
  (void)state;
  size_t cnt = transfers_read(t, sizeof t / sizeof *t);
  if (!cnt) {
    print_message("shared/data/transfers-erc20.csv is not there: passed over\n");
    skip();
  }
  assert_int_equal(cnt, 5693);

  cf_clearing_params_t cp = { .min_parties = 3, .min_inputs = 10, .window_max_s = 60, .positions_max = 8192,
                              .obligations_max = 6000, .releases_max = 8 };
  uint8_t              buf[64];
  cf_wr_t              wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_params_encode(&wr, &cp);
  void *clearing = malloc(cf_clearing.state_sz(cf_wr_out(&wr)));
  cf_clearing.open(clearing, cf_wr_out(&wr));
  cf_book_params_t p = { .accounts_max = 4049, .leaves_max = 8192, .entries_max = 8192, .inputs_max = 6000, .asset_cnt = TOKENS };
  for (uint32_t s = 0; s < TOKENS; s++) p.assets[s] = (cf_book_asset_t){ s + 1, CF_AMOUNT_MAX, 0 };
  cf_book_t *book = cf_book_init(aligned_alloc(64, (cf_book_sz(&p) + 63) & ~(size_t)63), &p, key);
  cf_book_bind(book, &cf_clearing, clearing, null_sink, NULL);
  cf_book_begin(book, 0);
  for (uint32_t id = 1; id <= 4049; id++) {
    cf_book_msg_t msg = { .kind = CF_BOOK_OPENED, .account = id, .admitted = true };
    memcpy(msg.owner.b, &id, sizeof id);
    assert_int_equal(cf_book_inbox(book, &msg), CF_OK);
  }
  for (size_t i = 0; i < cnt; i++) { /* each payer has what it pays in all; payees have lanes */
    cf_book_msg_t msg = { .kind = CF_BOOK_DEPOSITED, .account = t[i].payer, .asset = t[i].asset, .units = t[i].amount };
    assert_int_equal(cf_book_inbox(book, &msg), CF_OK);
    msg = (cf_book_msg_t){ .kind = CF_BOOK_LANE_OPENED, .account = t[i].payee, .asset = t[i].asset };
    assert_int_equal(cf_book_inbox(book, &msg), CF_OK);
  }
  for (size_t i = 0; i < cnt; i++) {
    cf_clearing_input_t input = { CF_CLEARING_OBLIGATION, t[i].payee, t[i].asset, t[i].amount };
    cf_class_t          class;
    wr = cf_wr_init(buf, sizeof buf);
    cf_clearing_input_encode(&wr, &input);
    assert_int_equal(cf_book_input(book, &class, t[i].payer, ++orders[t[i].payer], cf_wr_out(&wr)), CF_OK);
    assert_int_equal(class, CF_CLASS_ACCEPTED);
    gross[t[i].asset] += t[i].amount;
  }
  bool closed;
  assert_int_equal(cf_book_window_close(book, &closed), CF_OK);
  assert_true(closed);
  cf_book_content_t const *content = cf_book_content(book, 0);
  for (uint32_t i = 0; i < content->entry_cnt; i++) {
    if (content->entries[i].amount > 0) net[content->entries[i].asset] += (uint64_t)content->entries[i].amount;
  }
  for (uint32_t s = 1; s <= TOKENS; s++) {
    assert_int_equal(gross[s], tokens[s - 1].gross);
    assert_int_equal(net[s], tokens[s - 1].net);
  }
  free(book);
  free(clearing);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(random_histories),
    cmocka_unit_test(bad_snapshots),
    cmocka_unit_test(real_transfers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
