/* The demo's traffic against a domain run by real processes, for as long as one likes: what leaks, is lost or doubled comes out.

   soak SECONDS [INPUT.csv]   at an even pace that sends the whole set 10 times and then 100 times within 30 minutes; without a file
                              payments of that shape are generated

   Each repetition sends the set's payments in another order, every second one between other parties; 40 withdrawals go with
   each.  Once a second resident memory and open descriptors of every process are looked at.  In the end every position is what
   it must be on the ledger, and the audit holds.  Its last line: "soak: N inputs, 0 lost, 0 doubled, memory flat, descriptors flat,
   audit clean"; exit status 1 when it is not so.

   Flat: from the beginning to the end of the last third a process grows by less than GROWTH_BYTES, and by what it keeps by design
   (docs/operations.md): the gateway for each log entry and envelope, ledger and observers for each block. */
#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cf_demo.h"
#include "cli/cf_tree_reader.h"
#include "cli/cf_web.h"
#include "observe/cf_latency.h"

enum {
  SECONDS_WHOLE = 1800,
  SETS_WHOLE = 110,
  CHUNK = 512, /* sealed and sent at once: 8 posts of 64 */
  WITHDRAWALS = 40,
  READS = 8, /* results read, of each chunk */
  PROCS_MAX = 64,
  SAMPLES_MAX = 1 << 15,
  SETTLE_MS = 120000,
  ATTEST_MS = 60000,
  GROWTH_BYTES = 2 << 20,
  GROWTH_FDS = 4,
  ENTRY_BYTES = 256,    /* gateway: tree, key and slot of a log entry, and its receipt's row */
  ENVELOPE_BYTES = 512, /* gateway: an envelope and its results in the index */
  BLOCK_BYTES = 2048    /* ledger, observers: the calls of a block, by their ids; the state that they made */
};

/* ---- what is sampled ---- */

typedef struct {
  uint64_t ms, rss, fds;
} sample_t;

typedef struct {
  char      name[24];
  pid_t     pid;
  size_t    cnt;
  sample_t *at; /* SAMPLES_MAX */
} watched_t;

typedef struct {
  uint64_t ms, entries, inputs, blocks;
} kept_t; /* what memory grows with, at each sample */

static watched_t watched[PROCS_MAX];
static size_t    watched_cnt;
static kept_t   *kept;
static size_t    kept_cnt;

static uint64_t rss_of(pid_t pid) {
  char     path[64], line[256];
  uint64_t kib = 0;
  snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
  FILE *f = fopen(path, "re");
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "VmRSS: %lu", &kib) == 1) break;
  if (f) fclose(f);
  return kib * 1024;
}

static uint64_t fds_of(pid_t pid) {
  char     path[64];
  uint64_t cnt = 0;
  snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
  DIR *d = opendir(path);
  while (d && readdir(d)) cnt++;
  if (d) closedir(d);
  return cnt;
}

static void watch(char const *name, pid_t pid) {
  char  path[96], kids[256] = "";
  if (watched_cnt == PROCS_MAX) return;
  watched_t *w = &watched[watched_cnt++];
  *w = (watched_t){.pid = pid, .at = calloc(SAMPLES_MAX, sizeof *w->at)};
  if (!w->at) abort();
  snprintf(w->name, sizeof w->name, "%.20s", !strcmp(name, "enclave") ? "launcher" : !strncmp(name, "memfd", 5) ? "enclave" : name);
  snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
  FILE *f = fopen(path, "re");
  if (f && fgets(kids, sizeof kids, f)) {
    char *at = kids;
    for (long kid; (kid = strtol(at, &at, 10)) > 0;) {
      char comm[32] = "child";
      snprintf(path, sizeof path, "/proc/%ld/comm", kid);
      FILE *c = fopen(path, "re");
      if (c && fgets(comm, sizeof comm, c)) comm[strcspn(comm, "\n")] = 0;
      if (c) fclose(c);
      watch(comm, (pid_t)kid);
    }
  }
  if (f) fclose(f);
}

static int look(cf_demo_t const *d, uint64_t inputs) {
  kept_t k = {.ms = cf_mono_ms(), .inputs = inputs};
  int    code = cf_demo_status(&k.entries, d, "log_size");
  if (!code) code = cf_demo_status(&k.blocks, d, "block");
  if (code || kept_cnt == SAMPLES_MAX) return code;
  kept[kept_cnt++] = k;
  for (size_t i = 0; i < watched_cnt; i++) {
    watched_t *w = &watched[i];
    w->at[w->cnt++] = (sample_t){k.ms, rss_of(w->pid), fds_of(w->pid)};
    if (!w->at[w->cnt - 1].rss) return cf_fail(CF_EXIT_FAILS, "soak", "ended", w->name, NULL);
  }
  return 0;
}

static uint64_t mean(sample_t const *at, size_t cnt, bool fds) {
  uint64_t sum = 0;
  for (size_t i = 0; i < cnt; i++) sum += fds ? at[i].fds : at[i].rss;
  return cnt ? sum / cnt : 0;
}

static uint64_t grown(uint64_t from, uint64_t to) { return to > from ? to - from : 0; }

/* The last third's first and last tenth; what may have grown with the log meanwhile. */
static void judge(bool *flat, bool *fds_flat) {
  size_t        from = kept_cnt * 2 / 3, tenth = (kept_cnt - from) / 10 + 1;
  kept_t const *a = &kept[from], *b = &kept[kept_cnt - 1];
  printf("\n process            first KiB   last KiB   grown in the last third   may   descriptors\n");
  for (size_t i = 0; i < watched_cnt; i++) {
    watched_t const *w = &watched[i];
    uint64_t         r0 = mean(w->at + from, tenth, false), r1 = mean(w->at + w->cnt - tenth, tenth, false);
    uint64_t         f0 = mean(w->at + from, tenth, true), f1 = mean(w->at + w->cnt - tenth, tenth, true), may = GROWTH_BYTES;
    if (!strcmp(w->name, "gateway")) may += ENTRY_BYTES * (b->entries - a->entries) + ENVELOPE_BYTES * (b->inputs - a->inputs);
    if (!strcmp(w->name, "ledger") || !strncmp(w->name, "observer", 8)) may += BLOCK_BYTES * (b->blocks - a->blocks);
    printf(" %-18s %9llu  %9llu   %21llu   %5llu   %llu to %llu%s\n", w->name, (unsigned long long)(w->at[0].rss >> 10),
           (unsigned long long)(r1 >> 10), (unsigned long long)(grown(r0, r1) >> 10), (unsigned long long)(may >> 10),
           (unsigned long long)f0, (unsigned long long)f1, grown(r0, r1) > may || grown(f0, f1) > GROWTH_FDS ? "   <-" : "");
    *flat = *flat && grown(r0, r1) <= may;
    *fds_flat = *fds_flat && grown(f0, f1) <= GROWTH_FDS;
  }
}

/* ---- what is sent ---- */

static uint64_t random_state = 1;
static uint64_t draw(uint64_t below) { /* splitmix64 */
  uint64_t z = random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (z ^ z >> 31) % below;
}

/* The set twice, the second time between parties of its own. */
static void twice(cf_demo_input_t *in) {
  size_t n = in->rows_cnt, p = in->parties_cnt;
  in->rows = realloc(in->rows, 2 * n * sizeof *in->rows);
  in->parties = realloc(in->parties, 2 * p * sizeof *in->parties);
  if (!in->rows || !in->parties) abort();
  for (size_t i = 0; i < n; i++) {
    in->rows[n + i] = in->rows[i];
    in->rows[n + i].payer += (uint32_t)p;
    in->rows[n + i].payee += (uint32_t)p;
  }
  for (size_t i = 0; i < p; i++) in->parties[p + i] = in->parties[i];
  in->rows_cnt = 2 * n;
  in->parties_cnt = 2 * p;
}

static void prepare(cf_demo_t *d, size_t inputs) {
  d->party = calloc(d->in.parties_cnt, sizeof *d->party);
  d->position = calloc(d->in.parties_cnt * d->in.assets_cnt, sizeof *d->position);
  d->item = calloc(inputs, sizeof *d->item);
  d->receipt_us = calloc(inputs, sizeof *d->receipt_us);
  d->settled_ms = calloc(1, sizeof *d->settled_ms);
  d->item_max = inputs;
  d->entropy = cf_entropy_system();
  d->ciphers = cf_ciphers_new(cf_suite(1));
  kept = calloc(SAMPLES_MAX, sizeof *kept);
  if (!d->party || !d->position || !d->item || !d->receipt_us || !d->settled_ms || !kept) abort();
  for (size_t p = 0; p < d->in.parties_cnt; p++) {
    cf_pending_t *pending = calloc(CHUNK, sizeof *pending);
    if (!pending) abort();
    cf_wallet_make(&d->party[p].wallet, &d->entropy);
    cf_account_init(&d->party[p].state, &(cf_hash_t){{0}}, pending, CHUNK);
  }
}

/* Everybody can pay all repetitions, and withdraw a unit in each. */
static int fund(cf_demo_t *d, uint64_t sets) {
  size_t n = d->in.rows_cnt;
  int    code = 0;
  for (size_t i = 0; i < n; i++) {
    cf_demo_row_t *r = &d->in.rows[i];
    if (r->amount > UINT64_MAX / 4 / n / sets) r->amount = UINT64_MAX / 4 / n / sets; /* sums stay below 2^63 */
    r->amount = (r->amount + 1) * sets;
  }
  code = cf_demo_deposits(d);
  for (size_t i = 0; i < n; i++) d->in.rows[i].amount = d->in.rows[i].amount / sets - 1;
  return code;
}

static int make_item(cf_demo_t *d, uint32_t row, bool withdraw) {
  cf_demo_row_t const *r = &d->in.rows[row];
  cf_demo_item_t      *it = cf_demo_item(d, r->payer, withdraw ? UINT32_MAX : row, r->asset, withdraw ? 1 : r->amount);
  cf_account_t        *a = &d->party[r->payer].state;
  if (a->pending_cnt == a->pending_max) a->pending_cnt = 0; /* whose results nobody reads here */
  if (!withdraw) {
    cf_demo_at(d, r->payer, r->asset)->out += r->amount;
    cf_demo_at(d, r->payee, r->asset)->in += r->amount;
  }
  return cf_demo_seal(d, it, d->remote.attested);
}

/* Results of what was sent a while ago: they are there. */
static int read_some(cf_demo_t *d, size_t below, uint64_t *late) {
  for (unsigned i = 0; below && i < READS; i++) {
    cf_span_t body;
    bool      found;
    char     *path = cf_fmt("/v1/results/%s", cf_hex(CF_SPAN_OF(d->item[below - 1 - draw(below < 4 * CHUNK ? below : 4 * CHUNK)].id.b)));
    int       code = cf_web_ask(&body, &found, "soak", d->url, path, CF_SPAN(NULL, 0));
    if (code) return code;
    *late += !found;
    free(path);
  }
  return 0;
}

static int send_chunk(cf_demo_t *d, size_t from) {
  int code = cf_demo_send(d, from, false);
  for (size_t i = from; i < d->item_cnt; i++) {
    free((void *)(uintptr_t)d->item[i].envelope.ptr);
    d->item[i].envelope = CF_SPAN(NULL, 0);
  }
  return code;
}

static int send_all(cf_demo_t *d, size_t set_rows, size_t inputs, uint64_t seconds) {
  uint32_t *order = calloc(set_rows, sizeof *order);
  uint64_t  began = cf_mono_ms(), looked = 0, late = 0, attested = began;
  size_t    from = 0;
  int       code = 0;
  if (!order) abort();
  for (uint64_t set = 0; !code && d->item_cnt < inputs; set++) {
    for (uint32_t i = 0; i < set_rows; i++) order[i] = i;
    for (size_t i = set_rows; i > 1; i--) {
      size_t   k = draw(i);
      uint32_t t = order[k];
      order[k] = order[i - 1], order[i - 1] = t;
    }
    for (size_t i = 0; !code && i < set_rows && d->item_cnt < inputs; i++) {
      uint32_t row = order[i] + (uint32_t)(set % 2 * set_rows);
      code = make_item(d, row, false);
      if (!code && i < WITHDRAWALS && d->item_cnt < inputs) code = make_item(d, row, true);
      if (code || (d->item_cnt - from < CHUNK && d->item_cnt < inputs)) continue;
      code = send_chunk(d, from);
      if (!code && cf_mono_ms() - attested >= ATTEST_MS) {
        attested = cf_mono_ms();
        code = cf_demo_attest(d);
      }
      if (!code) code = read_some(d, from, &late);
      from = d->item_cnt;
      /* What would be too early waits; what is late catches up. */
      uint64_t due = began + seconds * 1000 * from / inputs;
      do {
        if (!code && cf_mono_ms() - looked >= 1000) {
          looked = cf_mono_ms();
          code = look(d, from);
        }
        if (!code && cf_mono_ms() < due) cf_web_sleep(20);
      } while (!code && cf_mono_ms() < due);
    }
  }
  free(order);
  printf(" sent %zu inputs in %llu s; of the results asked for right behind them %llu were not there yet\n", d->item_cnt,
         (unsigned long long)(cf_mono_ms() - began) / 1000, (unsigned long long)late);
  return code;
}

/* ---- the end ---- */

/* Is the newest settlement final?  Then those before it are, or were abandoned and stand in it. */
static int newest_final(cf_demo_t const *d, bool *final) {
  cf_json_t root;
  uint64_t  n = 0;
  char      state[32] = "";
  int       code = cf_demo_status(&n, d, "settlements");
  if (!code && n) code = cf_web_json(&root, "soak", d->url, cf_fmt("/v1/settlements/%llu", (unsigned long long)n));
  if (!code && n && cf_json_str(state, sizeof state, cf_json_get(root, "state"))) state[0] = 0;
  *final = !strcmp(state, "final");
  return code;
}

static int settled(cf_demo_t *d) {
  static char const *const pair[][2] = {{"receipts", "receipts_logged"}, {"log_size", "cosigned"}};
  unsigned                 quiet = 0;
  for (uint64_t t = 0; quiet < 10; t += 200) {
    bool done;
    int  code = newest_final(d, &done);
    for (size_t i = 0; !code && i < CF_COUNT_OF(pair); i++) {
      uint64_t x = 0, y = 0;
      code = cf_demo_status(&x, d, pair[i][0]);
      if (!code) code = cf_demo_status(&y, d, pair[i][1]);
      done &= x == y;
    }
    if (code) return code;
    quiet = done ? quiet + 1 : 0;
    if (t > SETTLE_MS) return cf_fail(CF_EXIT_FAILS, "soak", "timeout", "settlements", NULL);
    cf_web_sleep(200);
  }
  return 0;
}

static void latencies(cf_demo_t const *d) {
  cf_latency_t *l = calloc(1, sizeof *l);
  if (!l) abort();
  for (size_t i = 0; i < d->receipt_cnt; i++) cf_latency_add(l, cf_public_u64(d->receipt_us[i]));
  printf("\n envelope to durable receipt, 64 in a post: p50 %.1f ms   p90 %.1f   p99 %.1f   p99.9 %.1f   most %.1f\n",
         (double)cf_latency_quantile_us(l, 500) / 1e3, (double)cf_latency_quantile_us(l, 900) / 1e3,
         (double)cf_latency_quantile_us(l, 990) / 1e3, (double)cf_latency_quantile_us(l, 999) / 1e3,
         (double)cf_latency_quantile_us(l, 1000) / 1e3);
  for (unsigned b = 8; b < 26; b++) {
    uint64_t in = cf_latency_upto(l, b + 1) - cf_latency_upto(l, b);
    if (in) printf("   up to %8.1f ms  %llu\n", (double)(1u << (b + 1)) / 1e3, (unsigned long long)in);
  }
  free(l);
}

/* Each has one receipt, which was checked when it came; the audit counts every envelope of every manifest once. */
static int counted(cf_demo_t *d, uint64_t *lost, uint64_t *doubled, bool *clean) {
  cf_audit_reader_t        reader;
  cf_audit_t              *a;
  cf_audit_options_t const options = {.domain = &d->folder.domain->id, .now_s = cf_wall_s()};
  int                      code = cf_tree_reader(&reader, d->folder.dir);
  if (code) return code;
  uint64_t    began = cf_mono_ms(), unanswered = 0;
  cf_status_t st = cf_audit_run(&a, &reader, &options);
  char        line[200];
  cf_audit_line(a, line);
  printf("\n audit   %s   in %.1f s\n", line, (double)(cf_mono_ms() - began) / 1e3);
  *clean = st == CF_OK;
  uint64_t inputs = cf_audit_counts(a)->inputs;
  for (size_t i = 0; i < d->item_cnt; i++) unanswered += !d->item[i].sequence;
  *lost = d->item_cnt > inputs ? d->item_cnt - inputs : 0;
  *doubled = inputs > d->item_cnt ? inputs - d->item_cnt : 0;
  for (unsigned i = 0; i < 200 && !unanswered; i++) { /* and it is that receipt which holds it */
    cf_demo_item_t const *it = &d->item[draw(d->item_cnt)];
    cf_audit_custody_t    c;
    if (cf_audit_envelope(a, CF_SPAN_OF(it->id.b), &c) || c.receipt != it->sequence) ++*lost;
  }
  if (unanswered) printf(" %llu had no answer of their own\n", (unsigned long long)unanswered);
  cf_audit_free(a);
  return 0;
}

static int remove_one(char const *path, struct stat const *s, int kind, struct FTW *at) {
  (void)s, (void)kind, (void)at;
  return remove(path);
}

static int soak(cf_demo_t *d, char const *dir, uint64_t seconds) {
  size_t   set_rows = d->in.rows_cnt, inputs = (set_rows + WITHDRAWALS) * SETS_WHOLE * seconds / SECONDS_WHOLE;
  uint64_t lost = 0, doubled = 0, sets;
  bool     flat = true, fds_flat = true, clean = false;
  if (inputs < 2 * CHUNK) inputs = 2 * CHUNK;
  sets = inputs / set_rows + 1;
  twice(&d->in);
  prepare(d, inputs);
  int code = cf_demo_domain(d, dir);
  for (size_t p = 0; !code && p < d->in.parties_cnt; p++) d->party[p].state.domain = d->folder.domain->id;
  if (!code) code = cf_demo_evidence(d);
  if (!code) code = fund(d, sets);
  for (size_t i = 0; !code && i < d->procs.cnt; i++) watch(d->procs.at[i].spec.role, d->procs.at[i].pid);
  if (!code) code = send_all(d, set_rows, inputs, seconds);
  if (!code) code = settled(d);
  (void)cf_procs_stop(&d->procs);
  if (!code) {
    judge(&flat, &fds_flat);
    latencies(d);
    code = cf_demo_balances(d);
  }
  if (!code) code = counted(d, &lost, &doubled, &clean);
  if (code) return code;
  printf("soak: %zu inputs, %llu lost, %llu doubled, memory %s, descriptors %s, audit %s\n", d->item_cnt, (unsigned long long)lost,
         (unsigned long long)doubled, flat ? "flat" : "grows", fds_flat ? "flat" : "grow", clean ? "clean" : "fails");
  return lost || doubled || !flat || !fds_flat || !clean;
}

int main(int argc, char **argv) {
  static cf_demo_t d;
  char             dir[] = "/tmp/counterfoil-XXXXXX";
  uint64_t         seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : SECONDS_WHOLE;
  if (!seconds || seconds > SAMPLES_MAX) return fputs("usage: soak SECONDS [INPUT.csv]\n", stderr) < 0 ? 3 : 2;
  signal(SIGPIPE, SIG_IGN);
  cf_crypto_init();
  int code = 0;
  if (argc > 2) code = cf_demo_read(&d.in, argv[2]);
  else cf_demo_generate(&d.in, 1);
  if (code || !mkdtemp(dir)) return 3;
  d.start_ms = d.phase_ms = cf_mono_ms();
  code = soak(&d, dir, seconds);
  if (code) printf("what happened lies in %s\n", dir);
  else (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return code;
}
