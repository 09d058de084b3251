/* verify log: every entry, tile and kept checkpoint of a log against each other and its key. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/cf_logscan.h"
#include "cli/cf_commands.h"
#include "cli/cf_tree_reader.h"
#include "cli/cf_vkey_arg.h"
#include "cli/cf_web.h"

enum { WORKERS_MAX = 8 };

typedef struct {
  cf_logscan_t     scan;
  _Atomic uint64_t next, entries;
  _Atomic unsigned working;
  pthread_mutex_t  lock;
  uint64_t         failed_part; /* the first that does not hold */
  cf_error_t       err;
  bool             failed;
} job_t;

typedef struct {
  job_t            *job;
  cf_audit_reader_t reader; /* its own */
  pthread_t         thread;
} worker_t;

/* Parts are taken in their order, so that whoever finds a fault has none before it that nobody looks at. */
static void *work(void *ctx) {
  worker_t *w = ctx;
  job_t    *j = w->job;
  for (uint64_t part; (part = atomic_fetch_add(&j->next, 1)) < j->scan.parts;) {
    cf_error_t err = {0};
    if (!cf_logscan_part(&j->scan, &w->reader, part, &err)) {
      atomic_fetch_add(&j->entries, cf_logscan_entries(&j->scan, part));
      continue;
    }
    pthread_mutex_lock(&j->lock);
    if (!j->failed || part < j->failed_part) j->err = err, j->failed_part = part;
    j->failed = true;
    pthread_mutex_unlock(&j->lock);
    atomic_store(&j->next, j->scan.parts);
  }
  atomic_fetch_sub(&j->working, 1);
  return NULL;
}

static void show_progress(job_t *j) {
  uint64_t const began_ms = cf_mono_ms();
  for (unsigned ms = 0; atomic_load(&j->working); ms += 20) {
    cf_web_sleep(20);
    if (ms % 500 || !ms) continue;
    unsigned long long done = atomic_load(&j->entries), took_ms = cf_mono_ms() - began_ms;
    fprintf(stderr, "\rverify log: %llu of %llu entries, %llu a second\x1b[K", done, (unsigned long long)j->scan.size, done * 1000 / took_ms);
  }
  fputs("\r\x1b[K", stderr);
}

/* 0, or an exit status when a place cannot be opened once more. */
static int work_all(job_t *j, worker_t *w, unsigned cnt, char const *where) {
  unsigned begun = 1;
  w[0].job = j;
  for (unsigned i = 1; i < cnt; i++) {
    int code = cf_tree_reader(&w[i].reader, where);
    if (code) return code;
    w[i].job = j;
  }
  bool show = isatty(2) && !cf_json_mode();
  j->working = cnt;
  for (; begun < cnt && !pthread_create(&w[begun].thread, NULL, work, &w[begun]); begun++) {}
  j->working -= cnt - begun;
  bool own = show && !pthread_create(&w[0].thread, NULL, work, &w[0]);
  if (own) show_progress(j);
  else work(&w[0]);
  for (unsigned i = own ? 0 : 1; i < begun; i++) pthread_join(w[i].thread, NULL);
  return 0;
}

static unsigned workers(cf_logscan_t const *s) {
  long     cores = sysconf(_SC_NPROCESSORS_ONLN);
  uint64_t most = cores < 1 ? 1 : cores < WORKERS_MAX ? (uint64_t)cores : WORKERS_MAX;
  return s->parts ? (unsigned)(s->parts < most ? s->parts : most) : 1;
}

int cf_cmd_verify_log(cf_args_t const *a) {
  static job_t      j = {.lock = PTHREAD_MUTEX_INITIALIZER};
  worker_t          w[WORKERS_MAX];
  cf_logscan_rest_t rest;
  static cf_tlog_policy_t policy;
  cf_vkey_t         key;
  cf_logscan_ask_t  ask = {cf_arg(a, "vkey") ? &key : NULL, cf_arg(a, "quorum") ? &policy : NULL};
  int               code = cf_tree_reader(&w[0].reader, cf_dir(a));
  if (!code && ask.key) code = cf_vkey_arg(&key, "verify log", a);
  if (!code && ask.policy) code = cf_quorum_arg(&policy, "verify log", a);
  if (code) return code;
  if (cf_logscan_open(&j.scan, &w[0].reader, &ask, &j.err)) return cf_fail_error("verify log", &j.err);
  code = work_all(&j, w, workers(&j.scan), cf_dir(a));
  if (code) return code;
  if (j.failed || cf_logscan_rest(&rest, &j.scan, &w[0].reader, ask.policy, &j.err)) return cf_fail_error("verify log", &j.err);
  bool const         known = ask.key || (ask.policy && policy.log_cnt);
  char const        *whose = known ? j.scan.key.name : "by the key beside it: --vkey F names one that you trust";
  char const        *quorum = !ask.policy || policy.quorum == CF_TLOG_POLICY_NONE ? "" : cf_fmt(cf_json_mode() ? ",\"cosigned\":%llu" : ", a quorum behind %llu", (unsigned long long)rest.cosigned);
  unsigned long long size = j.scan.size, kept = rest.checkpoints;
  char *line = cf_json_mode() ? cf_fmt("{\"ok\":true,\"size\":%llu,\"root\":\"%s\",\"checkpoints\":%llu%s}\n", size, cf_hex(CF_SPAN_OF(j.scan.root.b)), kept, quorum)
                              : cf_fmt("OK   %llu entries, root %s, %llu checkpoints%s   %s\n", size, cf_hex_short(CF_SPAN_OF(j.scan.root.b)), kept, quorum, whose);
  cf_logscan_close(&j.scan);
  return cf_emit(CF_SPAN(line, strlen(line)), NULL);
}
