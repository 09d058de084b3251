// link: party io workload lib: crypto m
/* audit-inputs: inputs whose place a whole audit of a domain's public files checks, in a second of processor time.  The domain is
   founded and run here: 64,000 session envelopes of 8 parties, settled in windows as they come.

   ours   `counterfoil audit`: signatures, log, receipts, inputs, results, evidence, ledger, and that they belong together
   limit  bare SHA-256 of all bytes of the files that it reads
   peer   none */
#include <ftw.h>

#include "bench_domain.h"

enum { PARTIES = 8, EACH = 256, POSTS = 250, ROUNDS = 3, FILES_MAX = 256 << 20 };

static struct {
  uint8_t *bytes;
  size_t   len;
} all;

/* ---- the domain ---- */

static void post(bench_domain_t *d, bench_party_t *party, cf_attested_t const *attested, cf_ciphers_t const *ciphers, size_t n) {
  static uint8_t body[EACH * (4 + CF_ENVELOPE_MAX)];
  bench_answer_t answer;
  cf_wr_t        wr = cf_wr_init(body, sizeof body);
  for (size_t i = 0; i < n; i++) {
    uint8_t *sz = cf_wr_room(&wr, 4);
    size_t   from = wr.len;
    bench_seal(&wr, &party[i % PARTIES], attested, ciphers, party[(i + 1 + i / PARTIES % 3) % PARTIES].account);
    cf_wr_t at = cf_wr_init(sz, 4);
    cf_wr_u32(&at, (uint32_t)(wr.len - from));
  }
  bench_check(bench_answer_read(&answer, bench_ask(d->url, "/v1/envelopes", cf_wr_out(&wr))) && answer.receipts == n,
              "not every envelope got its receipt");
}

static void logged(bench_domain_t const *d) {
  uint64_t receipts = 1, in_log = 0;
  for (int i = 0; receipts != in_log && i < 3000; i++, bench_sleep_ms(10)) {
    cf_json_t status = bench_ask_json(d->url, "/v1/status");
    bench_check(!cf_json_u64(&receipts, cf_json_get(status, "receipts")) &&
                    !cf_json_u64(&in_log, cf_json_get(status, "receipts_logged")),
                "status");
  }
  bench_check(receipts == in_log, "the log does not catch up");
}

static void run(bench_domain_t *d) {
  static cf_attested_t attested;
  static bench_party_t party[PARTIES];
  bench_domain_up(d, "ledger");
  bench_fund(d, party, PARTIES, (uint64_t)1 << 40);
  bench_domain_down(d);
  bench_domain_up(d, NULL);
  bench_attest(&attested, d);
  cf_ciphers_t ciphers = cf_ciphers_new(cf_suite(attested.target.suite));
  post(d, party, &attested, &ciphers, PARTIES); /* openings */
  for (int i = 0; i < POSTS; i++) post(d, party, &attested, &ciphers, EACH);
  logged(d);
  bench_domain_down(d);
  cf_ciphers_free(&ciphers);
}

/* ---- rounds: inputs a second ---- */

static double ours(bench_domain_t const *d) {
  struct rusage before, after;
  int           status;
  getrusage(RUSAGE_CHILDREN, &before);
  pid_t pid = bench_start(d, (char const *const[]){"counterfoil", "audit", d->dir, NULL});
  bench_check(waitpid(pid, &status, 0) == pid && status == 0, "the audit finds fault");
  getrusage(RUSAGE_CHILDREN, &after);
  double us = (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) + (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec);
  double s = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) + (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec);
  return (PARTIES + EACH * POSTS) / (s + us / 1e6);
}

static int slurp(char const *path, struct stat const *st, int type, struct FTW *at) {
  (void)at;
  if (type != FTW_F) return 0;
  bench_check(all.len + (size_t)st->st_size <= FILES_MAX, "more files than there is room for");
  int     fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, all.bytes + all.len, (size_t)st->st_size) : -1;
  bench_check(n == st->st_size, path);
  close(fd);
  all.len += (size_t)n;
  return 0;
}

static double bare(void) {
  volatile uint8_t sink;
  double           from = bench_cpu_s();
  cf_hash_t        h = cf_sha256(CF_SPAN(all.bytes, all.len));
  sink = h.b[0];
  (void)sink;
  return (PARTIES + EACH * POSTS) / (bench_cpu_s() - from);
}

int main(int argc, char **argv) {
  bench_domain_t d;
  char           public[96];
  double         rate[2][ROUNDS];
  bench_first();
  bench_domain_make(&d, argc > 1 ? argv[1] : "build/bin", "{\"clearing\": {\"obligations_max\": 65536}}");
  run(&d);
  all.bytes = malloc(FILES_MAX);
  snprintf(public, sizeof public, "%s/public", d.dir);
  bench_check(all.bytes && nftw(public, slurp, 16, FTW_PHYS) == 0, "the public files");
  for (int i = 0; i < ROUNDS; i++) {
    rate[0][i] = ours(&d);
    rate[1][i] = bare();
  }
  bench_row("audit-inputs", "inputs/s", BENCH_RATE, bench_median(rate[0], ROUNDS), bench_median(rate[1], ROUNDS), NAN);
  bench_domain_remove(&d);
  return 0;
}
