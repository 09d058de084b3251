/* A domain of the built programs, founded and run for a measurement, and parties who check its enclave and open sessions. */
#ifndef CF_BENCH_DOMAIN_H
#define CF_BENCH_DOMAIN_H

#include <dirent.h>
#include <sys/prctl.h>

#include "bench.h"
#include "base/cf_text.h"
#include "codec/cf_json.h"
#include "io/cf_http_client.h"
#include "ledger/cf_call.h"
#include "party/cf_party.h"
#include "workload/cf_clearing.h"

typedef struct {
  char  bin[256]; /* where the programs are */
  char  dir[64];
  char  url[64], ledger[64];
  pid_t up, gateway, enclave;
} bench_domain_t;

typedef struct {
  cf_wallet_t  wallet;
  cf_session_t session;
  uint32_t     account;
  uint64_t     order;
} bench_party_t;

/* ---- asking ---- */

/* An answer's body, the process's; empty when there was none or its code is not 200. */
static inline cf_span_t bench_ask(char const *url, char const *path, cf_span_t body) {
  char       full[4096];
  cf_done_t *done = NULL;
  snprintf(full, sizeof full, "%s%s", url, path);
  cf_status_t st = body.len ? cf_http_post(&done, full, NULL, body, 10000, NULL) : cf_http_get(&done, full, 10000, NULL);
  return !st && done->code == 200 ? done->body : CF_SPAN(NULL, 0);
}

static inline cf_json_t bench_ask_json(char const *url, char const *path) {
  cf_json_t root = {.type = CF_JSON_BAD};
  if (cf_json_parse(&root, bench_ask(url, path, CF_SPAN(NULL, 0)), NULL)) root.type = CF_JSON_BAD;
  return root;
}

static inline void bench_sleep_ms(long ms) {
  nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- running ---- */

static inline pid_t bench_start(bench_domain_t const *d, char const *const *args) {
  char  program[300];
  pid_t pid = fork();
  bench_check(pid >= 0, "fork");
  if (pid) return pid;
  prctl(PR_SET_PDEATHSIG, SIGTERM); /* a measurement that fails leaves nothing running */
  int null = open("/dev/null", O_RDWR);
  dup2(null, 1);
  dup2(null, 2);
  snprintf(program, sizeof program, "%s/counterfoil", d->bin);
  union {
    char const *const *in;
    char *const       *out;
  } argv = {.in = args}; /* execv writes nothing */
  execv(program, argv.out);
  _exit(127);
}

/* policy overrides that of the command, as JSON; NULL: none. */
static inline void bench_domain_make(bench_domain_t *d, char const *bin, char const *policy) {
  char     path[128], port[8];
  int      status;
  unsigned first = 20000 + (unsigned)getpid() % 190 * 64; /* below the ports that connections take, beside other domains */
  *d = (bench_domain_t){.dir = "build/bench/domain-XXXXXX"};
  snprintf(d->bin, sizeof d->bin, "%s", bin);
  bench_check(mkdtemp(d->dir) != NULL, "a folder for a domain");
  snprintf(path, sizeof path, "%s/policy.json", d->dir);
  snprintf(port, sizeof port, "%u", first);
  FILE *f = fopen(path, "w");
  bench_check(f && fputs(policy ? policy : "{}", f) >= 0 && fclose(f) == 0, path);
  pid_t pid = bench_start(d, (char const *const[]){"counterfoil", "init", d->dir, "--policy", path, "--port", port, NULL});
  bench_check(waitpid(pid, &status, 0) == pid && status == 0, "counterfoil init failed; is swtpm here?");
  snprintf(d->url, sizeof d->url, "http://127.0.0.1:%u", first);
  snprintf(d->ledger, sizeof d->ledger, "http://127.0.0.1:%u", first + 1);
}

static inline void bench_domain_up(bench_domain_t *d, char const *only) {
  char const *args[] = {"counterfoil", "up", d->dir, only ? "--only" : NULL, only, NULL};
  d->up = bench_start(d, args);
}

static inline void bench_domain_down(bench_domain_t *d) {
  kill(d->up, SIGTERM);
  waitpid(d->up, NULL, 0);
  d->up = 0;
}

static inline void bench_domain_remove(bench_domain_t *d) {
  char rm[96];
  snprintf(rm, sizeof rm, "rm -rf %s", d->dir);
  bench_check(system(rm) == 0, rm);
}

/* ---- processes ---- */

static inline size_t bench_slurp(char *out, size_t max, char const *path) {
  int     fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, out, max - 1) : 0;
  if (fd >= 0) close(fd);
  out[n > 0 ? n : 0] = 0;
  return n > 0 ? (size_t)n : 0;
}

static inline pid_t bench_parent(pid_t pid) {
  char path[64], stat[512], *at;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  if (!bench_slurp(stat, sizeof stat, path) || !(at = strrchr(stat, ')'))) return 0;
  return (pid_t)strtol(at + 4, NULL, 10);
}

static inline bool bench_below(pid_t pid, pid_t root) {
  for (int depth = 0; depth < 4 && pid > 1; depth++, pid = bench_parent(pid))
    if (pid == root) return true;
  return false;
}

/* All threads of a process. */
static inline void bench_pin_all(pid_t pid, int cpu) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *tasks = opendir(path);
  bench_check(tasks != NULL, path);
  for (struct dirent *e; (e = readdir(tasks));)
    if (e->d_name[0] != '.') bench_pin((pid_t)strtol(e->d_name, NULL, 10), cpu);
  closedir(tasks);
}

/* Pins all of a domain to one processor, gateway and enclave to another, and keeps their ids. */
static inline void bench_domain_pin(bench_domain_t *d, int cpu, int others) {
  DIR *proc = opendir("/proc");
  bench_check(proc != NULL, "/proc");
  for (struct dirent *e; (e = readdir(proc));) {
    char  path[300], cmdline[4096];
    pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
    if (pid <= 0 || !bench_below(pid, d->up)) continue;
    snprintf(path, sizeof path, "/proc/%s/cmdline", e->d_name);
    size_t n = bench_slurp(cmdline, sizeof cmdline, path), first = strlen(cmdline) + 1;
    if (!strcmp(cmdline, "counterfoil-enclave")) d->enclave = pid;
    if (first < n && !strcmp(cmdline + first, "gateway")) d->gateway = pid;
    bench_pin_all(pid, pid == d->gateway || pid == d->enclave ? cpu : others);
  }
  closedir(proc);
  bench_check(d->gateway && d->enclave, "gateway and enclave were not found");
}

/* ---- parties ---- */

/* Accounts and funds: the ledger's process alone has to run. */
static inline void bench_fund(bench_domain_t const *d, bench_party_t *party, size_t cnt, uint64_t units) {
  static uint8_t buf[65536];
  cf_wr_t        acts = cf_wr_init(buf, sizeof buf);
  cf_entropy_t   e = cf_entropy_system();
  for (size_t i = 0; i < cnt; i++) {
    uint8_t op_buf[256], call_buf[512];
    cf_wr_t op = cf_wr_init(op_buf, sizeof op_buf), call = cf_wr_init(call_buf, sizeof call_buf);
    cf_wallet_make(&party[i].wallet, &e);
    cf_op_write(&op, &(cf_op_t){.kind = CF_OP_OPEN, .addr = party[i].wallet.addr});
    cf_call_write(&call, &(cf_call_t){.nonce = i, .deadline_s = (uint64_t)time(NULL) + 60, .op = cf_wr_out(&op)});
    cf_wr_u32(&acts, (uint32_t)call.len);
    cf_wr_span(&acts, cf_wr_out(&call));
  }
  for (int i = 0; !bench_ask(d->ledger, "/ledger/head", CF_SPAN(NULL, 0)).len && i < 1000; i++) bench_sleep_ms(5);
  bench_check(bench_ask(d->ledger, "/ledger/acts", cf_wr_out(&acts)).len != 0, "accounts were not opened");
  for (size_t i = 0; i < cnt; i++) {
    char      path[128], hex[65];
    cf_hash_t key = cf_slot_id_of(&party[i].wallet.addr), value;
    size_t    at = 0;
    cf_json_t v;
    cf_hex_encode(hex, CF_SPAN_OF(key.b));
    snprintf(path, sizeof path, "/ledger/state?keys=%s", hex);
    cf_json_t slots = cf_json_get(bench_ask_json(d->ledger, path), "slots");
    bench_check(cf_json_each(slots, &at, NULL, &v) && !cf_json_hex(value.b, 32, v), "an account was not found");
    party[i].account = (uint32_t)cf_word_get(&value, 0, 32);
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_wr_u32(&wr, party[i].account);
    cf_wr_u24(&wr, 0);
    cf_wr_u64(&wr, units);
    bench_check(party[i].account && bench_ask(d->ledger, "/ledger/deposit", cf_wr_out(&wr)).len, "a deposit was refused");
  }
}

/* The domain, from its genesis file: what a party has to know beforehand. */
static inline cf_hash_t bench_domain_id(bench_domain_t const *d) {
  static char       entry[CF_ENTRY_MAX + 1];
  static cf_domain_t trust;
  char              path[128];
  snprintf(path, sizeof path, "%s/public/genesis", d->dir);
  size_t n = bench_slurp(entry, sizeof entry, path);
  bench_check(!cf_domain_open(&trust, CF_SPAN(entry, n), NULL, NULL), path);
  return trust.id;
}

/* Waits until the gateway serves, and believes its enclave as a party does: the whole offline check. */
static inline void bench_attest(cf_attested_t *out, bench_domain_t const *d) {
  static cf_bundle_t bundle;
  cf_span_t          bytes = {NULL, 0};
  cf_verdict_t       verdict;
  cf_hash_t          domain = bench_domain_id(d);
  cf_bundle_ask_t    ask = {.domain = &domain};
  for (int i = 0; !bytes.len && i < 8000; i++) {
    bytes = bench_ask(d->url, "/v1/evidence", CF_SPAN(NULL, 0));
    if (!bytes.len) bench_sleep_ms(2);
  }
  bench_check(bytes.len && !cf_bundle_decode(&bundle, bytes, NULL), "the gateway shows no evidence");
  ask.at_s = (uint64_t)time(NULL);
  if (cf_bundle_check(out, &bundle, &ask, &verdict)) fprintf(stderr, "bench: %s: %s\n", verdict.item, verdict.text);
  bench_check(verdict.code == CF_VERDICT_OK, "the evidence does not hold");
}

/* The next envelope of a party: the opening of its session, or an input in it; pays one unit to payee. */
static inline void bench_seal(cf_wr_t *wr, bench_party_t *p, cf_attested_t const *a, cf_ciphers_t const *ciphers,
                              uint32_t payee) {
  uint8_t      buf[64];
  cf_wr_t      input = cf_wr_init(buf, sizeof buf);
  cf_entropy_t e = cf_entropy_system();
  cf_clearing_input_encode(&input, &(cf_clearing_input_t){CF_CLEARING_OBLIGATION, payee, 0, 1});
  p->order++;
  cf_status_t st = p->order > 1 ? cf_session_seal(&p->session, wr, ciphers, &a->trust.id, a->target.jurisdiction, p->order,
                                                  cf_wr_out(&input))
                                : cf_session_begin(&p->session, wr, ciphers, &a->target, p->wallet.scalar, &p->wallet.result_pub,
                                                   (uint64_t)time(NULL) + 3600, p->order, cf_wr_out(&input), &e);
  bench_check(!st && !wr->bad, "seal");
}

/* ---- answers of POST /v1/envelopes ---- */

typedef struct {
  size_t receipts, refused, promised;
  uint8_t class;           /* of the last that was refused */
  cf_receipt_file_t first; /* borrows the answer */
} bench_answer_t;

static inline bool bench_answer_read(bench_answer_t *out, cf_span_t body) {
  cf_span_t receipt[256];
  cf_rd_t   rd = cf_rd_span(body);
  uint8_t   version = cf_rd_u8(&rd);
  size_t    cnt = cf_rd_u8(&rd);
  *out = (bench_answer_t){0};
  for (size_t i = 0; i < cnt; i++) receipt[i] = cf_rd_take_span(&rd, cf_rd_u32(&rd));
  for (size_t left = cf_rd_u16(&rd); left && !rd.bad; left--) {
    uint8_t kind = cf_rd_u8(&rd);
    if (kind == 1) {
      cf_receipt_file_t f = {0};
      size_t            which = cf_rd_u8(&rd);
      f.index = cf_rd_u16(&rd);
      f.path_cnt = cf_rd_u8(&rd);
      if (which >= cnt || f.path_cnt > sizeof f.path / sizeof *f.path) return false;
      for (size_t i = 0; i < f.path_cnt; i++) f.path[i] = cf_rd_hash(&rd);
      f.receipt = receipt[which];
      if (!out->receipts++) out->first = f;
    } else if (kind == 2) out->refused++, out->class = cf_rd_u8(&rd);
    else if (kind == 3) out->promised++, (void)cf_rd_take_span(&rd, cf_rd_u32(&rd));
    else return false;
  }
  return version == 1 && cf_rd_done(&rd);
}

#endif
