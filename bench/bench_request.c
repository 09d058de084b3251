// link: party io workload lib: crypto m
/* From a sealed input to its signed, journaled receipt, over loopback HTTP, through the programs as they are shipped: a domain
   is founded and started, its parties check the enclave and open sessions.  Gateway and enclave share one processor; the other
   has the load generator, the witnesses, the verifiers and the rest.  Every answer is read, every envelope must have a receipt,
   and one receipt a round is verified.  What is answered is durable in the journal; appending to the log and the witnesses'
   round go on beside it, and must have caught up shortly after each row.

   request-receipt          64 envelopes a POST, 8 connections: envelopes/s
   request-receipt-cpu-us   the same: processor time of gateway and enclave together, per envelope
   request-receipt-1        one envelope a POST, 32 connections: envelopes/s
   request-receipt-p50-us   one envelope a POST, one connection: median from sending to the whole answer
   request-receipt-p99-us   the same, 99th percentile
   receipt-serve            GET /v1/receipts/<id> of random ids among 102,400, 16 connections: receipts/s

   The limit of each is the bare server of bench_floor.h, driven by the same requests in turn. */
#include "bench_domain.h"
#include "bench_floor.h"

enum { PARTIES = 8, CPU = 0, CPU_OTHERS = 1, ROUNDS = 3, POSTS_MAX = 1 << 16, BYTES_MAX = 192 << 20, REPLAYED = 256, SERVED = 102400 };
#define ROUND_S 1.0

typedef struct {
  bench_domain_t       domain;
  bench_party_t        party[PARTIES];
  cf_attested_t const *attested;
  cf_ciphers_t         ciphers;
  uint64_t             sealed;

  /* requests made and not sent yet: [next, cnt) */
  cf_wr_t   bytes;
  cf_span_t post[POSTS_MAX];
  cf_hash_t first[POSTS_MAX]; /* id of a POST's first envelope */
  cf_hash_t id[SERVED];       /* of the newest envelopes, in a ring */
  uint64_t  draw;
  size_t    next, cnt, replayed, head_sz;

  /* what the answers said */
  bench_answer_t seen;
  size_t         receipts, refused, answer_sz, wrong;
  uint8_t        class; /* of the last that was refused */
} run_t;

static run_t run;

/* ---- requests ---- */

static void posts_make(size_t envelopes, size_t cnt) {
  static uint8_t body[CF_ENVELOPE_MAX * 64];
  run.bytes.len = run.next = run.cnt = 0;
  for (size_t i = 0; i < cnt; i++) {
    cf_wr_t wr = cf_wr_init(body, sizeof body);
    char    head[160];
    for (size_t e = 0; e < envelopes; e++, run.sealed++) {
      bench_party_t *p = &run.party[run.sealed % PARTIES], *payee = &run.party[(run.sealed + 1) % PARTIES];
      uint8_t       *sz = cf_wr_room(&wr, 4);
      size_t         from = wr.len;
      bench_seal(&wr, p, run.attested, &run.ciphers, payee->account);
      cf_wr_t at = cf_wr_init(sz, 4);
      cf_wr_u32(&at, (uint32_t)(wr.len - from));
      run.id[run.sealed % SERVED] = cf_envelope_id(CF_SPAN(wr.buf + from, wr.len - from));
      if (!e) run.first[i] = run.id[run.sealed % SERVED];
    }
    int    n = snprintf(head, sizeof head,
                        "POST /v1/envelopes HTTP/1.1\r\nHost: bench\r\nContent-Type: application/octet-stream\r\n"
                           "Content-Length: %zu\r\n\r\n",
                        wr.len);
    size_t from = run.bytes.len;
    cf_wr_bytes(&run.bytes, head, (size_t)n);
    cf_wr_span(&run.bytes, cf_wr_out(&wr));
    run.head_sz = (size_t)n;
    bench_check(!run.bytes.bad, "more requests than there is room for");
    run.post[run.cnt++] = CF_SPAN(run.bytes.buf + from, run.bytes.len - from);
  }
}

static size_t draw(size_t below) {
  run.draw = run.draw * 6364136223846793005 + 1442695040888963407;
  return (size_t)(run.draw >> 33) % below;
}

static void gets_make(void) {
  run.bytes.len = run.next = 0;
  run.cnt = POSTS_MAX;
  for (size_t i = 0; i < run.cnt; i++) {
    char hex[65], head[160];
    cf_hex_encode(hex, CF_SPAN_OF(run.id[draw(SERVED)].b));
    int    n = snprintf(head, sizeof head, "GET /v1/receipts/%s HTTP/1.1\r\nHost: bench\r\n\r\n", hex);
    size_t from = run.bytes.len;
    cf_wr_bytes(&run.bytes, head, (size_t)n);
    run.post[i] = CF_SPAN(run.bytes.buf + from, (size_t)n);
  }
}

static bool next_once(void *ctx, cf_span_t *request) {
  if (run.next == run.cnt) return false;
  *request = run.post[run.next++];
  return true;
}

/* For servers that do not mind: the same requests over and over. */
static bool next_again(void *ctx, cf_span_t *request) {
  size_t many = run.cnt < REPLAYED ? run.cnt : REPLAYED;
  *request = run.post[run.cnt - many + run.replayed++ % many];
  return true;
}

static bool next_random(void *ctx, cf_span_t *request) {
  *request = run.post[draw(run.cnt)];
  return true;
}

static void on_receipts(void *ctx, unsigned code, cf_span_t body) {
  if (code != 200 || !bench_answer_read(&run.seen, body)) {
    run.wrong++;
    return;
  }
  run.receipts += run.seen.receipts;
  run.refused += run.seen.refused + run.seen.promised;
  if (run.seen.refused) run.class = run.seen.class;
  run.answer_sz = body.len;
}

static void on_file(void *ctx, unsigned code, cf_span_t body) {
  run.wrong += code != 200;
  run.receipts++;
  run.answer_sz = body.len;
}

static void on_floor(void *ctx, unsigned code, cf_span_t body) { run.wrong += code != 200; }

/* ---- rounds ---- */

static void check_answers(char const *row) {
  if (run.wrong || run.refused)
    fprintf(stderr, "bench: %s: %zu answers without a receipt, %zu envelopes refused (%s)\n", row, run.wrong, run.refused,
            cf_refuse_name((cf_refuse_t)run.class));
  bench_check(!run.wrong && !run.refused && run.receipts, "not every envelope got its receipt");
  run.receipts = 0;
}

/* One more envelope, alone, to a receipt that is verified. */
static void verify_one(void) {
  cf_receipt_t receipt;
  cf_hash_t    hash;
  posts_make(1, 1);
  cf_span_t answer =
      bench_ask(run.domain.url, "/v1/envelopes", CF_SPAN(run.post[0].ptr + run.head_sz, run.post[0].len - run.head_sz));
  bench_check(bench_answer_read(&run.seen, answer) && run.seen.receipts == 1, "an envelope got no receipt");
  bench_check(
      !cf_receipt_check(&receipt, &hash, &run.seen.first, &run.first[0], &run.attested->trust, &run.attested->epoch, NULL),
      "a receipt does not verify");
}

/* The log has all receipts soon after. */
static void caught_up(char const *row) {
  uint64_t receipts = 1, logged = 0;
  for (int i = 0; receipts != logged && i < 200; i++, bench_sleep_ms(10)) {
    cf_json_t status = bench_ask_json(run.domain.url, "/v1/status");
    bench_check(!cf_json_u64(&receipts, cf_json_get(status, "receipts")) &&
                    !cf_json_u64(&logged, cf_json_get(status, "receipts_logged")),
                "status");
  }
  bench_check(receipts == logged, row);
}

typedef struct {
  double rate[ROUNDS], p50[ROUNDS], p99[ROUNDS], cpu_us[ROUNDS];
} rounds_t;

static void round_keep(rounds_t *r, int i, bench_load_t const *load, size_t envelopes, double cpu_s) {
  r->cpu_us[i] = cpu_s * 1e6 / (double)(load->answers * envelopes);
  r->rate[i] = (double)(load->answers * envelopes) / load->seconds;
  r->p50[i] = load->p50_us;
  r->p99[i] = load->p99_us;
}

/* posts: as many as a round may use up. */
static void rounds(rounds_t *ours, rounds_t *limit, char const *row, size_t envelopes, size_t conns, size_t posts) {
  uint16_t      port = (uint16_t)strtoul(strrchr(run.domain.url, ':') + 1, NULL, 10);
  bool          get = envelopes == 0;
  size_t        each = get ? 1 : envelopes;
  bench_floor_t floor = {0};
  char          file[128];
  snprintf(file, sizeof file, "%s/floor", run.domain.dir);
  for (int i = -1; i < ROUNDS; i++) { /* the first warms up, and tells how long answers are */
    if (!get) posts_make(envelopes, posts);
    double       cpu_s = bench_cpu_of_s(run.domain.gateway) + bench_cpu_of_s(run.domain.enclave);
    bench_load_t load = bench_load(port, conns, i < 0 ? 0.2 : ROUND_S,
                                   &(bench_work_t){get ? next_random : next_once, get ? on_file : on_receipts, NULL});
    check_answers(row);
    if (i < 0) {
      floor = bench_floor_start(file, run.answer_sz, CPU);
      bench_sleep_ms(300);
    } else round_keep(ours, i, &load, each, bench_cpu_of_s(run.domain.gateway) + bench_cpu_of_s(run.domain.enclave) - cpu_s);
    cpu_s = bench_cpu_of_s(floor.pid);
    load = bench_load(floor.port, conns, i < 0 ? 0.2 : ROUND_S, &(bench_work_t){get ? next_random : next_again, on_floor, NULL});
    if (i >= 0) round_keep(limit, i, &load, each, bench_cpu_of_s(floor.pid) - cpu_s);
  }
  bench_floor_stop(&floor);
  caught_up(row);
  if (!get) verify_one();
}

static void rate_row(char const *row, char const *unit, size_t envelopes, size_t conns, size_t posts) {
  char     cpu[64];
  rounds_t ours, limit;
  rounds(&ours, &limit, row, envelopes, conns, posts);
  bench_row(row, unit, BENCH_RATE, bench_median(ours.rate, ROUNDS), bench_median(limit.rate, ROUNDS), NAN);
  snprintf(cpu, sizeof cpu, "%s-cpu-us", row);
  bench_row(cpu, "us", BENCH_TIME, bench_median(ours.cpu_us, ROUNDS), bench_median(limit.cpu_us, ROUNDS), NAN);
}

static void latency_rows(void) {
  rounds_t ours, limit;
  rounds(&ours, &limit, "request-receipt-p50-us", 1, 1, 10000);
  bench_row("request-receipt-p50-us", "us", BENCH_TIME, bench_median(ours.p50, ROUNDS), bench_median(limit.p50, ROUNDS), NAN);
  bench_row("request-receipt-p99-us", "us", BENCH_TIME, bench_median(ours.p99, ROUNDS), bench_median(limit.p99, ROUNDS), NAN);
}

/* ---- the domain ---- */

static void start(char const *bin) {
  static cf_attested_t attested;
  bench_domain_make(&run.domain, bin, "{\"clearing\": {\"obligations_max\": 65536}}");
  bench_domain_up(&run.domain, "ledger");
  bench_fund(&run.domain, run.party, PARTIES, (uint64_t)1 << 40);
  bench_domain_down(&run.domain);
  bench_domain_up(&run.domain, NULL);
  bench_attest(&attested, &run.domain);
  bench_domain_pin(&run.domain, CPU, CPU_OTHERS);
  bench_pin(0, CPU_OTHERS);
  run.attested = &attested;
  run.ciphers = cf_ciphers_new(cf_suite(attested.target.suite));
  run.bytes = cf_wr_init(malloc(BYTES_MAX), BYTES_MAX);
  for (size_t i = 0; i < PARTIES; i++) verify_one(); /* openings */
}

static bool wanted(char const *word, char const *row) { return !word || strstr(row, word); }

/* bench_request [PROGRAMS [WORD]]: the rows with WORD in their names. */
int main(int argc, char **argv) {
  char const *word = argc > 2 ? argv[2] : NULL;
  bench_first();
  start(argc > 1 ? argv[1] : "build/bin");
  if (wanted(word, "request-receipt-us")) latency_rows();
  if (wanted(word, "request-receipt-1")) rate_row("request-receipt-1", "envelopes/s", 1, 32, 40000);
  if (wanted(word, "request-receipt-64")) rate_row("request-receipt", "envelopes/s", 64, 8, 3000);
  if (wanted(word, "receipt-serve")) {
    posts_make(64, SERVED / 64);
    (void)bench_load((uint16_t)strtoul(strrchr(run.domain.url, ':') + 1, NULL, 10), 8, 600,
                     &(bench_work_t){next_once, on_receipts, NULL});
    check_answers("receipt-serve");
    caught_up("receipt-serve");
    gets_make();
    rate_row("receipt-serve", "receipts/s", 0, 16, 0);
  }
  bench_domain_down(&run.domain);
  bench_domain_remove(&run.domain);
  return 0;
}
