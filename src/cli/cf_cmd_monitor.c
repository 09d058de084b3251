/* monitor: follows logs and their witnesses, and says what is wrong (docs/monitor.md). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli/cf_commands.h"
#include "cli/cf_monitor_log.h"
#include "cli/cf_process.h"
#include "cli/cf_tree_reader.h"
#include "cli/cf_vkey_arg.h"
#include "cli/cf_web.h"
#include "io/cf_host.h"
#include "io/cf_proc.h"
#include "observe/cf_metrics.h"
#include "platform/cf_confine.h"

#define WITNESSES_MAX (CF_MONITOR_SOURCES_MAX - CF_MONITOR_PLACES_MAX)

typedef struct {
  char const         *folder;
  size_t              log_cnt, place_cnt, witness_cnt;
  cf_monitor_log_t   *log[CF_WORDS_MAX];
  cf_monitor_place_t  place[CF_WORDS_MAX];
  char const         *witness[WITNESSES_MAX];
  uint64_t            every_s, rounds;
  /* what the server tells, made by the rounds */
  pthread_mutex_t lock;
  char           *metrics;
  size_t          metrics_len;
} monitor_t;

/* ---- metrics ---- */

/* A log's name is its operator's choice. */
static char const *label(char out[CF_NOTE_NAME_MAX + 1], char const *name) {
  size_t n = 0;
  for (; name[n] && n < CF_NOTE_NAME_MAX; n++) out[n] = name[n] == '"' || name[n] == '\\' ? '_' : name[n];
  out[n] = 0;
  return out;
}

static void log_metrics(FILE *f, cf_monitor_log_t const *l) {
  char              name[CF_NOTE_NAME_MAX + 1];
  char const       *origin = label(name, l->domain.witnesses.log.name);
  unsigned          open[CF_INCIDENTS] = {0};
  cf_monitor_view_t v;
  for (size_t i = 0; i < cf_monitor_open_count(l->monitor); i++) open[cf_monitor_open_at(l->monitor, i)->kind]++;
  for (cf_incident_kind_t k = 0; k < CF_INCIDENTS; k++)
    fprintf(f, "counterfoil_monitor_incidents{log=\"%s\",kind=\"%s\"} %u\n", origin, cf_incident_name(k), open[k]);
  for (unsigned i = 0; i < cf_monitor_sources(l->monitor); i++) {
    cf_monitor_view(l->monitor, i, &v);
    fprintf(f, "counterfoil_monitor_source_up{log=\"%s\",source=\"%u\"} %d\n", origin, i + 1, v.answers);
    fprintf(f, "counterfoil_monitor_checkpoint_size{log=\"%s\",source=\"%u\"} %llu\n", origin, i + 1, (unsigned long long)v.size);
  }
}

static void make_metrics(monitor_t *m, uint64_t took_ms) {
  char  *text = NULL;
  size_t len = 0;
  FILE  *f = open_memstream(&text, &len);
  if (!f) abort();
  fprintf(f, "# TYPE counterfoil_monitor_incidents gauge\n# TYPE counterfoil_monitor_source_up gauge\n"
             "# TYPE counterfoil_monitor_checkpoint_size gauge\n# TYPE counterfoil_monitor_rounds_total counter\n"
             "# TYPE counterfoil_monitor_round_seconds gauge\n# TYPE counterfoil_monitor_round_time_seconds gauge\n");
  for (size_t i = 0; i < m->log_cnt; i++) log_metrics(f, m->log[i]);
  fprintf(f, "counterfoil_monitor_rounds_total %llu\ncounterfoil_monitor_round_seconds %llu.%03llu\ncounterfoil_monitor_round_time_seconds %llu\n",
          (unsigned long long)m->rounds, (unsigned long long)(took_ms / 1000), (unsigned long long)(took_ms % 1000),
          (unsigned long long)cf_wall_s());
  fclose(f);
  pthread_mutex_lock(&m->lock);
  free(m->metrics);
  m->metrics = text;
  m->metrics_len = len;
  pthread_mutex_unlock(&m->lock);
}

static void serve(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  monitor_t *m = core;
  if (ev->kind == CF_EV_STOP) cf_fx(fx, CF_FX_EXIT)->code = 0;
  if (ev->kind != CF_EV_REQUEST) return;
  if (!cf_span_eq(ev->path, CF_SPAN_LIT("GET /metrics"))) {
    cf_fx_reply(fx, ev->id, 404, "text/plain; charset=utf-8", CF_SPAN_LIT("no such resource\n"));
    return;
  }
  pthread_mutex_lock(&m->lock);
  cf_fx_reply(fx, ev->id, 200, CF_METRICS_TYPE, cf_fx_dup(fx, CF_SPAN(m->metrics, m->metrics_len)));
  pthread_mutex_unlock(&m->lock);
}

/* ---- rounds ---- */

static int one_round(monitor_t *m, size_t *open) {
  uint64_t began = cf_mono_ms();
  int      code = 0;
  *open = 0;
  for (size_t i = 0; !code && i < m->log_cnt; i++) {
    code = cf_monitor_log_round(m->log[i], cf_wall_s());
    *open += cf_monitor_open_count(m->log[i]->monitor);
  }
  m->rounds++;
  make_metrics(m, cf_mono_ms() - began);
  return code;
}

/* What is told is on the disk before it is told: the process may end at any time, and so may this thread. */
static void *rounds(void *ctx) {
  monitor_t *m = ctx;
  size_t     open;
  for (;;) {
    if (one_round(m, &open)) {
      cf_note("monitor: its own files fail; it ends, and goes on from them when it is started again");
      _exit(CF_EXIT_WORLD);
    }
    cf_web_sleep((unsigned)(1000 * m->every_s));
  }
  return NULL;
}

/* ---- confinement ---- */

/* Its own folder, the places' and the ports of those that it asks: docs/confinement.md. */
static cf_status_t confine(monitor_t *m, cf_error_t *err) {
  static cf_confine_t stays;
  unsigned            ignored;
  stays.whole[stays.whole_cnt++] = m->folder;
  for (size_t i = 0; i < m->place_cnt; i++) {
    char const *folder = cf_tree_folder(&m->place[i].under);
    if (folder) stays.read[stays.read_cnt++] = stays.list[stays.list_cnt++] = folder;
    else if (stays.connect_cnt < CF_CONFINE_PORTS_MAX) stays.connect[stays.connect_cnt++] = cf_process_port(m->place[i].where);
  }
  for (size_t i = 0; i < m->witness_cnt && stays.connect_cnt < CF_CONFINE_PORTS_MAX; i++)
    stays.connect[stays.connect_cnt++] = cf_process_port(m->witness[i]);
  return cf_confine(&stays, &ignored, err);
}

/* Called when the server is open: the thread of the rounds has what this one has left. */
static cf_status_t enter(void *ctx, cf_error_t *err) {
  sigset_t    all, before;
  pthread_t   thread;
  cf_status_t st = confine(ctx, err);
  if (st) return st;
  sigfillset(&all); /* signals are the server's */
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int failed = pthread_create(&thread, NULL, rounds, ctx);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed ? cf_error_set(err, CF_ERR_IO, "thread", 0, "%s", strerror(failed)) : CF_OK;
}

/* ---- starting ---- */

static cf_monitor_log_t *log_of(monitor_t *m, cf_domain_t const *domain) {
  for (size_t i = 0; i < m->log_cnt; i++)
    if (cf_hash_eq(&m->log[i]->domain.id, &domain->id)) return m->log[i];
  cf_monitor_log_t *l = calloc(1, sizeof *l);
  if (!l) abort();
  l->witness = m->witness;
  l->witness_cnt = m->witness_cnt;
  return m->log[m->log_cnt++] = l;
}

static bool is_wanted(cf_args_t const *a, cf_hash_t const *id) {
  char const *hex = cf_hex(CF_SPAN_OF(id->b)), *want;
  for (size_t i = 0; (want = cf_arg_at(a, "domain", i)); i++)
    if (!strcasecmp(want, hex)) return true;
  return !cf_flag(a, "domain");
}

static int open_places(monitor_t *m, cf_args_t const *a) {
  size_t cnt = a->word_cnt ? a->word_cnt : 1;
  for (size_t i = 0; i < cnt; i++) {
    cf_monitor_place_t *p = &m->place[i];
    cf_error_t          err = {0};
    static cf_domain_t  domain;
    int                 code = cf_monitor_place_open(p, a->word_cnt ? a->word[i] : ".", m->folder);
    if (code) return code;
    if (cf_domain_open(&domain, p->genesis, NULL, &err)) return cf_fail_error("monitor", &err);
    if (!is_wanted(a, &domain.id))
      return cf_fail(CF_EXIT_FAILS, "monitor", "policy", p->where, "found", cf_fmt("it is of domain %s", cf_hex(CF_SPAN_OF(domain.id.b))), NULL);
    cf_monitor_log_t *l = log_of(m, &domain);
    if (l->place_cnt == CF_MONITOR_PLACES_MAX || strlen(p->where) > 1024) return cf_fail_usage(a->command, "too many places of one log, or too long a name", p->where);
    if (!l->place_cnt && cf_domain_open(&l->domain, p->genesis, NULL, &err)) return cf_fail_error("monitor", &err);
    l->place[l->place_cnt++] = p;
  }
  return 0;
}

/* A log of strangers: its key is all that is known of it, and whose cosignatures a policy asks for. */
static cf_monitor_log_t *log_of_stranger(monitor_t *m, cf_vkey_t const *key, cf_tlog_policy_t const *policy) {
  cf_domain_t       domain = {.witnesses.log = *key};
  uint8_t           text[CF_VKEY_TEXT_MAX];
  cf_wr_t           wr = cf_wr_init(text, sizeof text);
  cf_vkey_format(&wr, key);
  domain.id = cf_sha256(cf_wr_out(&wr));
  cf_monitor_log_t *l = log_of(m, &domain);
  if (policy) domain.witnesses.cnt = policy->witness_cnt;
  for (size_t i = 0; policy && i < policy->witness_cnt; i++) domain.witnesses.member[i] = policy->witness[i].key;
  l->stranger = true;
  l->domain = domain;
  l->policy = policy;
  return l;
}

static int add_place(monitor_t *m, cf_args_t const *a, cf_monitor_log_t *l, char const *where) {
  if (l->place_cnt == CF_MONITOR_PLACES_MAX || strlen(where) > 1024) return cf_fail_usage(a->command, "too many places of one log, or too long a name", where);
  l->place[l->place_cnt++] = &m->place[m->place_cnt];
  return cf_monitor_place_stranger(&m->place[m->place_cnt++], where, !cf_flag(a, "heads"));
}

/* One log: at the places that are named, or where the policy says that it is. */
static int open_stranger(monitor_t *m, cf_args_t const *a, cf_vkey_t const *key, cf_tlog_policy_t const *policy, cf_span_t url) {
  cf_monitor_log_t *l = log_of_stranger(m, key, policy);
  int               code = a->word_cnt ? 0 : add_place(m, a, l, url.len ? cf_fmt("%.*s", (int)url.len, (char const *)url.ptr) : ".");
  for (size_t i = 0; !code && i < a->word_cnt; i++) code = add_place(m, a, l, a->word[i]);
  return code;
}

static int open_by_key(monitor_t *m, cf_args_t const *a, cf_tlog_policy_t const *policy) {
  cf_vkey_t key;
  cf_span_t url = CF_SPAN(NULL, 0);
  int       code = cf_vkey_arg(&key, "monitor", a);
  if (code) return code;
  if (key.type != CF_VKEY_LOG) return cf_fail(CF_EXIT_FAILS, "monitor", "format", cf_arg(a, "vkey"), "found", "not a log's key", NULL);
  bool named = !policy || !policy->log_cnt;
  for (size_t i = 0; policy && i < policy->log_cnt; i++)
    if (!memcmp(key.pub.b, policy->log[i].key.pub.b, sizeof key.pub.b)) named = true, url = policy->log[i].url;
  if (!named) return cf_fail(CF_EXIT_FAILS, "monitor", "policy", cf_arg(a, "vkey"), "found", "of no log that the policy names", NULL);
  return open_stranger(m, a, &key, policy, url);
}

/* Every log that the policy names; of several, each where the policy says that it is. */
static int open_by_policy(monitor_t *m, cf_args_t const *a, cf_tlog_policy_t const *policy) {
  int code = 0;
  if (!policy->log_cnt) return cf_fail_usage(a->command, "the policy names no log: --vkey F does", "--quorum");
  if (policy->log_cnt > 1 && a->word_cnt) return cf_fail_usage(a->command, "the policy names several logs: --vkey F says whose place this is", a->word[0]);
  for (size_t i = 0; !code && i < policy->log_cnt; i++) {
    if (policy->log_cnt > 1 && !policy->log[i].url.len)
      return cf_fail_usage(a->command, "the policy has no URL of this one of its logs: --vkey F and a place follow it alone", policy->log[i].key.name);
    code = open_stranger(m, a, &policy->log[i].key, policy, policy->log[i].url);
  }
  return code;
}

static int open_strangers(monitor_t *m, cf_args_t const *a) {
  static cf_tlog_policy_t        policy;
  cf_tlog_policy_t const *const p = cf_arg(a, "quorum") ? &policy : NULL;
  int                            code = p ? cf_quorum_arg(&policy, "monitor", a) : 0;
  if (code) return code;
  if (cf_flag(a, "domain")) return cf_fail_usage(a->command, "a domain's log is known by its genesis: --domain, or --vkey and --quorum", "--domain");
  if (policy.witness_cnt > CF_WITNESSES_MAX)
    return cf_fail(CF_EXIT_FAILS, "monitor", "bound", cf_arg(a, "quorum"), "found", cf_fmt("more than %d witnesses", CF_WITNESSES_MAX), NULL);
  m->place_cnt = 0;
  return cf_arg(a, "vkey") ? open_by_key(m, a, p) : open_by_policy(m, a, p);
}

static int take_lock(char const *folder) {
  char *path = cf_fmt("%s/lock", folder);
  int   code = cf_make_dir(cf_fmt("%s/places", folder)), fd = code ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (code) return code;
  if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB)) return 0; /* held until the process ends */
  return cf_fail(CF_EXIT_WORLD, "monitor", "busy", path, "found", strerror(errno), "next", "one monitor to a folder", NULL);
}

static int run(monitor_t *m, uint16_t port) {
  cf_host_config_t host = {.role = "monitor", .folder = m->folder, .listen_port = port, .ready_fd = cf_proc_ready_fd(), .log_fd = 2, .enter = enter, .enter_ctx = m};
  make_metrics(m, 0);
  int code = cf_host_run(&host, serve, m);
  _exit(code);
}

int cf_cmd_monitor(cf_args_t const *a) {
  static monitor_t   m = {.lock = PTHREAD_MUTEX_INITIALIZER};
  cf_monitor_times_t times = {.stale_s = 86400, .silent_s = 60, .quorum_s = cf_flag(a, "once") ? 0 : 60, .audit_every_s = 600};
  uint64_t           port = 0;
  size_t             open;
  cf_error_t         err = {0};
  m.every_s = 10;
  m.place_cnt = a->word_cnt ? a->word_cnt : 1;
  m.folder = cf_arg(a, "state");
  if (!m.folder) return cf_fail_usage(a->command, "where is it to keep what it sees? --state DIR", "--state");
  int code = cf_process_begin();
  if (!code) code = cf_arg_u64(&m.every_s, a, "every", 1, 86400);
  if (!code) code = cf_arg_u64(&times.stale_s, a, "stale-after", 1, UINT32_MAX);
  if (!code) code = cf_arg_u64(&times.silent_s, a, "silent-after", 0, UINT32_MAX);
  if (!code) code = cf_arg_u64(&times.quorum_s, a, "quorum-after", 0, UINT32_MAX);
  if (!code) code = cf_arg_u64(&times.audit_every_s, a, "audit-every", 1, UINT32_MAX);
  if (!code) code = cf_arg_u64(&port, a, "port", 1, 65535);
  for (; !code && cf_arg_at(a, "witness", m.witness_cnt); m.witness_cnt++) {
    if (m.witness_cnt == WITNESSES_MAX) return cf_fail_usage(a->command, "too many witnesses", "--witness");
    m.witness[m.witness_cnt] = cf_arg_at(a, "witness", m.witness_cnt);
  }
  if (cf_flag(a, "once")) times.silent_s = 0;
  if (!code) code = take_lock(m.folder);
  if (!code) code = cf_arg(a, "vkey") || cf_arg(a, "quorum") ? open_strangers(&m, a) : open_places(&m, a);
  for (size_t i = 0; !code && i < m.log_cnt; i++) code = cf_monitor_log_open(m.log[i], m.folder, &times);
  if (code || !cf_flag(a, "once")) return code ? code : run(&m, (uint16_t)port);
  if (confine(&m, &err)) return cf_fail_error("monitor", &err);
  code = one_round(&m, &open);
  return code ? code : open ? CF_EXIT_FAILS : 0;
}
