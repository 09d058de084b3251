/* counterfoil-sim: whole deployments under seeded faults.  --seeds n, --from s, --jobs j; --seed s replays one, -v with its
   trace; --calm has no faults; --hash prints each seed's digest of all that happened; --first n ends at the first violation of invariant n;
   --leak runs each seed twice, without faults, with other secrets; --list names faults and invariants.  Exit code: 0; 1 violations; 3 something
   never happened in a long run. */
#include <assert.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cf_leak.h"
#include "cf_town.h"

enum { FAULTS_MS = 30000, CALM_MS = 600000, SPLIT_MS = 120000, STILL_MS = 20000, SEED_TIME_S = 120, JOBS_MAX = 16, RARE = 200 };

typedef struct {
  uint64_t        seed, hash;
  bool            bad;
  cf_sim_counts_t counts;
  char            violation[512];
} outcome_t;

typedef struct {
  uint64_t from, seeds;
  unsigned jobs;
  bool     verbose, calm, hash, leak;
  unsigned first; /* ends at the first violation of this invariant; 0: goes on to the end */
} options_t;

/* ---- one seed ---- */

static void turn_until(cf_town_t *t, uint64_t until_ms) {
  while (cf_world_turn(&t->world, until_ms)) cf_check_ledger(&t->check);
}

/* A receipt that a party has need not be witnessed yet; and the archive has what an entry will name before the log has the entry: a reader of a
   folder that is written to waits (audit.md).  So do we, until nothing is on its way. */
static bool is_still(cf_town_t const *t) {
  cf_site_t const *s = &t->site[t->primary];
  if (!s->gateway || t->world.node[s->gateway_node].side.first) return false;
  cf_gateway_status_t g = cf_gateway_status(s->gateway);
  return g.logged == g.sequence && g.cosigned == g.log_size;
}

static void turn_until_still(cf_town_t *t) {
  for (uint64_t end_at = t->world.now_ms + STILL_MS; !is_still(t) && t->world.now_ms < end_at && !t->world.violation[0];)
    turn_until(t, t->world.now_ms + 1);
}

/* What everybody may read of a domain. */
static void ask_public(cf_town_t *t) {
  static char const *const names[] = {"GET /metrics", "GET /v1/status", "GET /v1/domain"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    cf_world_send(&t->world, t->party_node[0],
                  &(cf_effect_t){.kind = CF_FX_ASK,
                                 .peer = CF_PEER_GATEWAY,
                                 .id = UINT64_MAX,
                                 .timeout_ms = 1000,
                                 .name = CF_SPAN(names[i], strlen(names[i]))});
}

static void run_town(outcome_t *out, uint64_t seed, options_t const *o, unsigned secrets, FILE *seen) {
  static cf_town_t town; /* built anew each time; its pages stay */
  cf_town_t       *t = &town;
  char             why[256] = "";
  cf_town_build(t, seed, o->verbose ? stdout : NULL, secrets, seen);
  uint64_t calm_at = t->world.now_ms + FAULTS_MS, end_at = calm_at + CALM_MS;
  if (!o->calm) {
    cf_town_faults(t, calm_at);
    turn_until(t, calm_at);
    cf_town_mend(t);
  }
  bool settled = false, closed = false;
  while (!settled && !t->world.violation[0] && t->world.now_ms < end_at) {
    turn_until(t, t->world.now_ms + 1000);
    if (seen) ask_public(t);
    if (!closed && t->world.now_ms > calm_at + SPLIT_MS && (t->split || cf_town_split(t))) { /* two forks of the log, a quorum for neither: all may leave */
      cf_clerk_close(&t->clerk);
      closed = true;
    }
    settled = closed ? cf_check_all_left(&t->check, why, sizeof why) : cf_check_settled(&t->check, why, sizeof why);
  }
  if (!settled) cf_world_fail(&t->world, closed ? 11 : cf_town_serves(t) ? 6 : 17, "%s; %s", why, cf_town_state(t));
  t->world.counts.happened[CF_HAPPENED_SPLIT] = closed;
  if (!closed) turn_until_still(t);
  if (!t->world.violation[0] && !closed) cf_check_end(&t->check);
  if (!t->world.violation[0] && !closed) cf_check_audit(&t->check);
  *out = (outcome_t){.seed = seed, .hash = t->world.hash, .counts = t->world.counts, .bad = t->world.violation[0] != 0};
  memcpy(out->violation, t->world.violation, sizeof out->violation);
  cf_town_raze(t);
}

/* A host sees the same whatever is sealed. */
static void run_twice(outcome_t *out, uint64_t seed, options_t const *o) {
  char     *seen[2] = {NULL, NULL}, how[420];
  size_t    len[2];
  outcome_t one[2];
  for (unsigned i = 0; i < 2; i++) {
    FILE *f = open_memstream(&seen[i], &len[i]);
    if (!f) abort();
    run_town(&one[i], seed, o, i + 1, f);
    fclose(f);
  }
  *out = one[!one[0].bad];
  if (cf_leak_differ(how, sizeof how, seen[0], seen[1])) {
    out->bad = true;
    snprintf(out->violation, sizeof out->violation, "leak: %s", how);
  }
  if (o->verbose) printf("%zu bytes seen\n", len[0]);
  free(seen[0]);
  free(seen[1]);
}

static void run_seed(outcome_t *out, uint64_t seed, options_t const *o) {
  if (o->leak) run_twice(out, seed, o);
  else run_town(out, seed, o, 0, NULL);
}

/* ---- many: workers that take the next seed ---- */

/* What all share: who ends early takes more. */
typedef struct {
  _Atomic uint64_t next, last; /* seeds not begun yet: next .. last - 1 */
  uint64_t         under_way[JOBS_MAX];
} board_t;

typedef struct {
  pid_t pid; /* 0: none */
  int   fd;
} job_t;

static uint64_t take(board_t *b) {
  uint64_t seed = atomic_fetch_add(&b->next, 1);
  return seed < atomic_load(&b->last) ? seed : UINT64_MAX;
}

static void work(board_t *b, unsigned i, int fd, options_t const *o) {
  uint64_t seed;
  cf_crypto_init();
  /* What is large is mapped anew each time: zero without being written, and pages that nobody touches cost nothing. */
  (void)mallopt(M_MMAP_THRESHOLD, 256 << 10);
  (void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
  while ((seed = take(b)) != UINT64_MAX) {
    outcome_t out;
    b->under_way[i] = seed;
    alarm(SEED_TIME_S);
    run_seed(&out, seed, o);
    fflush(NULL);
    if (write(fd, &out, sizeof out) != sizeof out) _exit(1);
  }
  _exit(0);
}

static void begin(job_t *j, board_t *b, unsigned i, options_t const *o) {
  int fds[2];
  if (pipe(fds)) abort();
  fflush(NULL);
  b->under_way[i] = UINT64_MAX;
  j->fd = fds[0];
  j->pid = fork();
  if (j->pid < 0) abort();
  if (!j->pid) work(b, i, fds[1], o);
  close(fds[1]);
}

/* The next outcome of a worker; false when it ended, as it should.  One that ended otherwise did so with the seed under way. */
static bool hear(outcome_t *out, job_t *j, uint64_t under_way) {
  if (read(j->fd, out, sizeof *out) == sizeof *out) return true;
  int status;
  close(j->fd);
  waitpid(j->pid, &status, 0);
  j->pid = 0;
  if (WIFEXITED(status) && !WEXITSTATUS(status)) return false;
  *out = (outcome_t){.seed = under_way, .bad = true};
  int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  snprintf(out->violation, sizeof out->violation, sig == SIGALRM ? "takes longer than %d s" : "the process ended by signal %d",
           sig == SIGALRM ? SEED_TIME_S : sig);
  return true;
}

static void add(cf_sim_counts_t *sum, cf_sim_counts_t const *one) {
  for (size_t i = 0; i < CF_FAULT_KINDS; i++) sum->fault[i] += one->fault[i];
  for (size_t i = 0; i < CF_HAPPENED_KINDS; i++) sum->happened[i] += one->happened[i];
  sum->events += one->events;
  sum->effects += one->effects;
  sum->messages += one->messages;
}

static bool print_rows(char const *const *names, uint64_t const *counts, size_t cnt, bool demanded, size_t rare) {
  bool whole = true;
  for (size_t i = 0; i < cnt; i++) {
    bool never = demanded && !counts[i] && i != rare;
    printf("  %-34s %12llu%s\n", names[i], (unsigned long long)counts[i], never ? "   never: a failure of the simulator" : "");
    whole &= !never;
  }
  return whole;
}

static unsigned invariant_of(outcome_t const *out) {
  unsigned n = 0;
  return out->bad && sscanf(out->violation, "invariant %u:", &n) == 1 ? n : 0;
}

static int run_all(options_t const *o) {
  job_t           job[JOBS_MAX] = {{0}};
  struct pollfd   fds[JOBS_MAX];
  cf_sim_counts_t sum = {.events = 0};
  uint64_t        done = 0, bad = 0;
  board_t        *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (b == MAP_FAILED) abort();
  b->next = o->from;
  b->last = o->from + o->seeds;
  for (unsigned i = 0; i < o->jobs; i++) begin(&job[i], b, i, o);
  for (unsigned left = o->jobs; left;) {
    for (unsigned i = 0; i < o->jobs; i++) fds[i] = (struct pollfd){.fd = job[i].pid ? job[i].fd : -1, .events = POLLIN};
    if (poll(fds, o->jobs, -1) < 0) continue;
    for (unsigned i = 0; i < o->jobs; i++) {
      outcome_t out;
      if (!fds[i].revents) continue;
      if (!hear(&out, &job[i], b->under_way[i])) {
        left--;
        continue;
      }
      if (!job[i].pid) begin(&job[i], b, i, o);
      done++;
      add(&sum, &out.counts);
      if (out.bad) printf("seed %llu: %s\n", (unsigned long long)out.seed, out.violation);
      if (o->hash) printf("seed %llu: %016llx\n", (unsigned long long)out.seed, (unsigned long long)out.hash);
      bad += out.bad;
      if (o->first && invariant_of(&out) == o->first) b->last = 0; /* those under way still end */
      if (done % 100 == 0) printf("%llu seeds ...\n", (unsigned long long)done), fflush(stdout);
    }
  }
  printf("sim: %llu seeds, %llu violations\n", (unsigned long long)done, (unsigned long long)bad);
  printf("  %-34s %12llu\n  %-34s %12llu\n", "steps", (unsigned long long)sum.events, "messages",
         (unsigned long long)sum.messages);
  bool long_run = o->seeds >= RARE && !o->calm;
  bool whole = print_rows(cf_happened_names, sum.happened, CF_HAPPENED_KINDS, long_run, CF_HAPPENED_SPLIT);
  whole &= print_rows(cf_fault_names, sum.fault, CF_FAULT_KINDS, long_run, CF_FAULT_KINDS);
  return bad ? 1 : whole ? 0 : 3;
}

static int print_list(void) {
  for (size_t i = 0; i < CF_FAULT_KINDS; i++) printf("fault: %s\n", cf_fault_names[i]);
  for (size_t i = 1; i <= CF_CHECK_INVARIANTS; i++) printf("invariant: %zu %s\n", i, cf_check_names[i]);
  return 0;
}

static uint64_t number(char const *s) { return s ? strtoull(s, NULL, 10) : 0; }

int main(int argc, char **argv) {
  options_t o = {.seeds = 100, .jobs = 2};
  bool      list = false;
  for (int i = 1; i < argc; i++) {
    char const *next = i + 1 < argc ? argv[i + 1] : NULL;
    if (!strcmp(argv[i], "--seeds")) o.seeds = number(next), i++;
    else if (!strcmp(argv[i], "--from")) o.from = number(next), i++;
    else if (!strcmp(argv[i], "--seed")) o.from = number(next), o.seeds = 1, i++;
    else if (!strcmp(argv[i], "--jobs")) o.jobs = (unsigned)number(next), i++;
    else if (!strcmp(argv[i], "--calm")) o.calm = true;
    else if (!strcmp(argv[i], "--hash")) o.hash = true;
    else if (!strcmp(argv[i], "--leak")) o.leak = o.calm = true;
    else if (!strcmp(argv[i], "--list")) list = true;
    else if (!strcmp(argv[i], "--first")) o.first = (unsigned)number(next), i++;
    else if (!strcmp(argv[i], "-v")) o.verbose = true;
    else {
      fprintf(stderr, "usage: counterfoil-sim [--seeds N] [--from S] [--seed S] [--jobs J] [--calm] [--hash] [--leak] [--list] [--first INVARIANT] [-v]\n");
      return 2;
    }
  }
  if (list) return print_list();
  if (!o.jobs || o.jobs > JOBS_MAX) o.jobs = 1;
  (void)cf_soft_ca(); /* made once; secrets are not, because their pool would be shared by all children */
  return run_all(&o);
}
