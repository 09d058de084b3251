// link: enclave workload lib: sqlite3
/* Netting 100,000 obligations among 10,000 parties in 3 assets, from the decided
   input to the sorted, checked content of a settlement:

   ours   through the book: order window, lane, credit and cover checks, a hold
          for every change of a net debit, then close, sort, zero-sum
   limit  the bare arithmetic: sort 200,000 legs by (account, asset), add them up
   peer   SQLite, GROUP BY over a table in memory that is already filled

   Median of 9 interleaved rounds, milliseconds of processor time.  The three agree on every net
   position, or the program fails. */
#include <sqlite3.h>

#include "bench.h"
#include "enclave/cf_book.h"
#include "workload/cf_clearing.h"
#include "workload/cf_sort.h"

#define PARTIES 10000u
#define ASSETS 3u
#define CNT 100000u
#define ROUNDS 9
#define FUNDS ((uint64_t)1 << 40)

typedef struct {
  uint32_t payer, payee, asset;
  uint64_t amount;
} obligation_t;
typedef struct {
  uint32_t account, asset;
  int64_t  net;
} net_t;

static obligation_t obligations[CNT];
static net_t        nets_book[PARTIES * ASSETS], nets_bare[PARTIES * ASSETS], nets_peer[PARTIES * ASSETS];
static uint8_t      book_key[32];
static uint64_t     seed = 0x9e3779b97f4a7c15u; /* every run nets the same graph */

/* A tenth of all legs touch one of 50 hubs, as pools and brokers do. */
static uint32_t party(void) { return 1 + (uint32_t)(bench_draw(&seed) % (bench_draw(&seed) % 10 ? PARTIES : 50)); }

static void obligations_make(void) {
  for (size_t i = 0; i < CNT; i++) {
    obligation_t *o = &obligations[i];
    o->asset = 1 + (uint32_t)(bench_draw(&seed) % ASSETS);
    o->payer = party();
    do o->payee = party();
    while (o->payee == o->payer);
    o->amount = 1 + bench_draw(&seed) % 1000000;
  }
}

/* ---- ours ---- */

static void sink(void *host, uint32_t account, cf_span_t bytes) {
  (void)account;
  *(size_t *)host += bytes.len;
}

static void book_fund(cf_book_t *book) {
  cf_book_begin(book, 0);
  for (uint32_t id = 1; id <= PARTIES; id++) {
    cf_book_msg_t msg = {.kind = CF_BOOK_OPENED, .account = id, .admitted = true};
    memcpy(msg.owner.b, &id, sizeof id);
    bench_check(!cf_book_inbox(book, &msg), "open");
    msg.kind = CF_BOOK_DEPOSITED;
    msg.units = FUNDS;
    for (msg.asset = 1; msg.asset <= ASSETS; msg.asset++) bench_check(!cf_book_inbox(book, &msg), "deposit");
  }
  uint8_t   batch_seed[32] = {0};
  cf_hash_t digest = {{0}};
  (void)cf_book_seal(book, batch_seed, &digest);
}

static double ours(void *book_mem, void *state, size_t *cnt) {
  cf_clearing_params_t params = {.min_parties = 3,
                                 .min_inputs = 3,
                                 .window_max_s = 3600,
                                 .positions_max = 65535,
                                 .obligations_max = CNT,
                                 .releases_max = 16};
  uint8_t              buf[64];
  cf_wr_t              wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_params_encode(&wr, &params);
  bench_check(cf_clearing.state_sz(cf_wr_out(&wr)) <= (size_t)64 << 20, "state size");
  cf_clearing.open(state, cf_wr_out(&wr));
  cf_book_params_t bp = {.accounts_max = PARTIES,
                         .leaves_max = PARTIES * ASSETS,
                         .entries_max = 65535,
                         .inputs_max = CNT,
                         .validity_s = 7200,
                         .exit_delay_s = 172800,
                         .asset_cnt = ASSETS};
  for (uint32_t i = 0; i < ASSETS; i++) bp.assets[i] = (cf_book_asset_t){i + 1, CF_AMOUNT_MAX, CF_AMOUNT_MAX};
  bench_check(cf_book_sz(&bp) <= (size_t)64 << 20, "book size");
  cf_book_t *book = cf_book_init(book_mem, &bp, book_key);
  size_t     told = 0;
  cf_book_bind(book, &cf_clearing, state, sink, &told);
  book_fund(book);

  static uint64_t orders[PARTIES + 1];
  memset(orders, 0, sizeof orders);
  cf_book_begin(book, 1);
  double start = bench_cpu_s();
  for (size_t i = 0; i < CNT; i++) {
    obligation_t const *o = &obligations[i];
    cf_clearing_input_t input = {CF_CLEARING_OBLIGATION, o->payee, o->asset, o->amount};
    wr = cf_wr_init(buf, sizeof buf);
    cf_clearing_input_encode(&wr, &input);
    cf_class_t class;
    bench_check(!cf_book_input(book, &class, o->payer, ++orders[o->payer], cf_wr_out(&wr)) && !class, "input");
  }
  bool closed;
  bench_check(!cf_book_window_close(book, &closed) && closed, "close");
  double took = (bench_cpu_s() - start) * 1e3;

  cf_book_content_t const *content = cf_book_content(book, 0);
  *cnt = content->entry_cnt;
  for (size_t i = 0; i < *cnt; i++) {
    cf_book_entry_t const *e = &content->entries[i];
    nets_book[i] = (net_t){e->account, e->asset, e->amount};
  }
  return took;
}

/* ---- limit ---- */

static double bare(size_t *cnt) {
  static cf_sort_t legs[2 * CNT], scratch[2 * CNT];
  double           start = bench_cpu_s();
  for (uint32_t i = 0; i < CNT; i++) {
    obligation_t const *o = &obligations[i];
    legs[2 * i] = (cf_sort_t){(uint64_t)o->asset << 32 | o->payer, 2 * i};
    legs[2 * i + 1] = (cf_sort_t){(uint64_t)o->asset << 32 | o->payee, 2 * i + 1};
  }
  cf_sort(legs, scratch, 2 * CNT);
  *cnt = 0;
  for (size_t i = 0; i < 2 * CNT;) {
    uint64_t key = legs[i].key;
    int64_t  net = 0;
    for (; i < 2 * CNT && legs[i].key == key; i++) {
      int64_t amount = (int64_t)obligations[legs[i].idx / 2].amount;
      net += legs[i].idx % 2 ? amount : -amount;
    }
    if (net) nets_bare[(*cnt)++] = (net_t){(uint32_t)key, (uint32_t)(key >> 32), net};
  }
  return (bench_cpu_s() - start) * 1e3;
}

/* ---- peer ---- */

static sqlite3 *peer_make(void) {
  sqlite3      *db;
  sqlite3_stmt *stmt;
  bench_check(!sqlite3_open(":memory:", &db), "sqlite open");
  bench_check(!sqlite3_exec(db, "CREATE TABLE o(payer INT, payee INT, asset INT, amount INT); BEGIN", 0, 0, 0), "sqlite table");
  bench_check(!sqlite3_prepare_v2(db, "INSERT INTO o VALUES(?,?,?,?)", -1, &stmt, 0), "sqlite insert");
  for (size_t i = 0; i < CNT; i++) {
    sqlite3_bind_int64(stmt, 1, obligations[i].payer);
    sqlite3_bind_int64(stmt, 2, obligations[i].payee);
    sqlite3_bind_int64(stmt, 3, obligations[i].asset);
    sqlite3_bind_int64(stmt, 4, (sqlite3_int64)obligations[i].amount);
    bench_check(sqlite3_step(stmt) == SQLITE_DONE, "sqlite row");
    sqlite3_reset(stmt);
  }
  sqlite3_finalize(stmt);
  bench_check(!sqlite3_exec(db, "COMMIT", 0, 0, 0), "sqlite commit");
  return db;
}

static double peer(sqlite3 *db, size_t *cnt) {
  sqlite3_stmt *stmt;
  char const   *sql = "SELECT account, asset, SUM(d) AS net FROM (SELECT payee AS account, asset, amount AS d FROM o UNION ALL "
                      "SELECT payer, asset, -amount FROM o) GROUP BY asset, account HAVING net <> 0 ORDER BY asset, account";
  double        start = bench_cpu_s();
  bench_check(!sqlite3_prepare_v2(db, sql, -1, &stmt, 0), "sqlite query");
  *cnt = 0;
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    nets_peer[(*cnt)++] =
        (net_t){(uint32_t)sqlite3_column_int64(stmt, 0), (uint32_t)sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2)};
  }
  double took = (bench_cpu_s() - start) * 1e3;
  sqlite3_finalize(stmt);
  return took;
}

int main(void) {
  void    *book_mem = aligned_alloc(64, (size_t)64 << 20), *state = aligned_alloc(64, (size_t)64 << 20);
  sqlite3 *db;
  double   ms[3][ROUNDS];
  bench_first();
  bench_check(book_mem && state, "memory");
  obligations_make();
  db = peer_make();
  for (int r = 0; r < ROUNDS; r++) {
    size_t a, b, c;
    ms[0][r] = ours(book_mem, state, &a);
    ms[1][r] = bare(&b);
    ms[2][r] = peer(db, &c);
    bench_check(a == b && b == c, "counts differ");
    bench_check(!memcmp(nets_book, nets_bare, a * sizeof *nets_book), "ours and the limit differ");
    bench_check(!memcmp(nets_book, nets_peer, a * sizeof *nets_book), "ours and the peer differ");
  }
  bench_row("netting-100k-ms", "ms", BENCH_TIME, bench_median(ms[0], ROUNDS), bench_median(ms[1], ROUNDS),
            bench_median(ms[2], ROUNDS));
  sqlite3_close(db);
  free(book_mem);
  free(state);
  return 0;
}
