#include "cli/cf_monitor_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cf_text.h"
#include "cli/cf_tree_reader.h"
#include "cli/cf_web.h"
#include "translog/cf_fork.h"

#define WITNESS_MS 5000

/* ---- places ---- */

static cf_status_t place_list(void *ctx, cf_audit_name_fn *fn, void *fn_ctx) {
  cf_monitor_place_t *p = ctx;
  return p->under.list(p->under.ctx, fn, fn_ctx);
}

static cf_read_t place_read(void *ctx, char const *name, size_t max, cf_span_t *bytes) {
  cf_monitor_place_t *p = ctx;
  if (cf_mono_ms() - p->began_ms > CF_MONITOR_PATIENCE_MS + p->bytes * 1000 / CF_MONITOR_RATE) return CF_READ_FAILED;
  cf_read_t r = p->under.read(p->under.ctx, name, max, bytes);
  if (r == CF_READ_OK) p->bytes += bytes->len;
  return r;
}

static void place_begin(cf_monitor_place_t *p) {
  p->began_ms = cf_mono_ms();
  p->bytes = 0;
}

static char *short_hash(cf_span_t s) {
  cf_hash_t h = cf_sha256(s);
  return cf_hex(CF_SPAN(h.b, 8));
}

int cf_monitor_place_open(cf_monitor_place_t *p, char const *where, char const *folder) {
  char     *pin = cf_fmt("%s/places/%s", folder, short_hash(CF_SPAN(where, strlen(where))));
  cf_span_t bytes;
  int       code = cf_tree_reader(&p->under, where);
  if (code) return code;
  p->where = where;
  p->reader = (cf_audit_reader_t){p->under.list ? place_list : NULL, place_read, p};
  place_begin(p);
  if (access(pin, F_OK) == 0) return cf_slurp(&p->genesis, pin, CF_ENTRY_MAX);
  switch (p->reader.read(p, "genesis", CF_ENTRY_MAX, &bytes)) {
  case CF_READ_OK:
    break;
  case CF_READ_FAILED:
    return cf_fail(CF_EXIT_WORLD, "monitor", "io", where, "found", "it does not answer, and was never seen before", NULL);
  case CF_READ_ABSENT:
  case CF_READ_LARGE:
    return cf_fail(CF_EXIT_FAILS, "monitor", "format", where, "found", "no genesis: this is no domain's public folder", NULL);
  }
  uint8_t *own = malloc(bytes.len + 1);
  if (!own) abort();
  memcpy(own, bytes.ptr, bytes.len);
  p->genesis = CF_SPAN(own, bytes.len);
  return cf_save(pin, p->genesis, false);
}

/* The core asks for tiles as they lie in a domain's folder. */
static cf_read_t stranger_read(void *ctx, char const *name, size_t max, cf_span_t *bytes) {
  cf_monitor_place_t *p = ctx;
  cf_read_t           r = place_read(p, name + (strncmp(name, "log/", 4) ? 0 : 4), max, bytes);
  p->failed |= r == CF_READ_FAILED;
  return r;
}

int cf_monitor_place_stranger(cf_monitor_place_t *p, char const *where, bool entries) {
  p->where = where;
  p->log = entries ? malloc(sizeof *p->log) : NULL;
  if (entries && !p->log) abort();
  if (entries) cf_logreader_init(p->log, &(cf_logreader_sink_t){0});
  p->reader = (cf_audit_reader_t){NULL, stranger_read, p};
  return cf_tree_reader(&p->under, where);
}

/* ---- what the core asks for ---- */

static cf_status_t failed(cf_monitor_log_t const *l, char const *name) {
  cf_note("monitor: %s/%s: %s", l->dir, name, strerror(errno));
  return CF_ERR_IO;
}

static cf_status_t keep(void *ctx, cf_span_t record) {
  cf_monitor_log_t *l = ctx;
  for (size_t at = 0; at < record.len;) {
    ssize_t n = write(l->seen, record.ptr + at, record.len - at);
    if (n < 0 && errno != EINTR) return failed(l, "seen");
    if (n > 0) at += (size_t)n;
  }
  return fdatasync(l->seen) ? failed(l, "seen") : CF_OK;
}

static cf_status_t fetch(void *ctx, uint64_t offset, uint8_t *buf, size_t n) {
  cf_monitor_log_t *l = ctx;
  for (size_t at = 0; at < n;) {
    ssize_t got = pread(l->seen, buf + at, n - at, (off_t)(offset + at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failed(l, "seen");
    at += (size_t)got;
  }
  return CF_OK;
}

static cf_status_t proof(void *ctx, char const *id, cf_span_t fork) {
  cf_monitor_log_t *l = ctx;
  return cf_save(cf_fmt("%s/forks/%s.fork", l->dir, id), fork, false) ? CF_ERR_IO : CF_OK;
}

static void tell(void *ctx, cf_incident_t const *i, bool over) {
  cf_monitor_log_t *l = ctx;
  cf_monitor_view_t v;
  uint8_t           buf[4096];
  cf_wr_t           wr = cf_wr_init(buf, sizeof buf);
  cf_jw_t           j = cf_jw_init(&wr);
  char             *time = cf_time(cf_wall_s()), *since = cf_time(i->since_s);
  cf_monitor_view(l->monitor, i->source, &v);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "time", time);
  cf_jw_str(&j, "incident", cf_incident_name(i->kind));
  cf_jw_str(&j, "state", over ? "over" : "open");
  cf_jw_str(&j, "id", i->id);
  cf_jw_str(&j, "since", since);
  cf_jw_str(&j, "log", l->domain.witnesses.log.name);
  cf_jw_hex(&j, "domain", CF_SPAN_OF(l->domain.id.b));
  cf_jw_str(&j, "source", v.name);
  cf_jw_str(&j, "text", i->text);
  if (i->proven) cf_jw_str(&j, "proof", cf_fmt("%s/forks/%s.fork", l->dir, i->id));
  cf_jw_end(&j, '}');
  cf_wr_u8(&wr, '\n');
  fwrite(wr.buf, 1, wr.len, stdout);
  fflush(stdout);
  free(time);
  free(since);
}

/* ---- opening ---- */

static int open_seen(cf_monitor_log_t *l) {
  char      *path = cf_fmt("%s/seen", l->dir);
  cf_span_t  records = CF_SPAN(NULL, 0);
  cf_error_t err = {0};
  size_t     good = 0;
  l->seen = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  struct stat s;
  if (l->seen < 0 || fstat(l->seen, &s)) return cf_fail(CF_EXIT_WORLD, "monitor", "io", path, "found", strerror(errno), NULL);
  int code = s.st_size ? cf_slurp(&records, path, SIZE_MAX / 2) : 0;
  if (code) return code;
  if (cf_monitor_recall(l->monitor, records, &good, &err)) return cf_fail_error("monitor", &err);
  if (good < records.len) cf_note("monitor: %s: %zu bytes that a crash had cut off are dropped", path, records.len - good);
  if (good < records.len && (ftruncate(l->seen, (off_t)good) || fsync(l->seen)))
    return cf_fail(CF_EXIT_WORLD, "monitor", "io", path, "found", strerror(errno), NULL);
  return 0;
}

int cf_monitor_log_open(cf_monitor_log_t *l, char const *folder, cf_monitor_times_t const *times) {
  cf_monitor_config_t cfg = {.set = &l->domain.witnesses,
                             .stale_s = times->stale_s,
                             .silent_s = times->silent_s,
                             .grace_s = l->domain.policy.attest_max_age_s,
                             .policy = l->policy,
                             .quorum_s = times->quorum_s};
  cf_monitor_out_t    out = {keep, fetch, proof, tell, l};
  l->audit_every_s = times->audit_every_s;
  snprintf(l->dir, sizeof l->dir, "%s/logs/%s", folder, cf_hex(CF_SPAN(l->domain.id.b, 8)));
  int code = cf_make_dir(cf_fmt("%s/forks", l->dir));
  if (code) return code;
  l->monitor = cf_monitor_new(&cfg, &out);
  for (size_t i = 0; i < l->place_cnt; i++) l->place[i]->source = cf_monitor_source(l->monitor, l->place[i]->where, false);
  for (size_t i = 0; i < l->witness_cnt; i++) {
    unsigned source = cf_monitor_source(l->monitor, l->witness[i], true);
    if (i == 0) l->first_witness = source;
  }
  for (size_t i = 0; !code && !l->stranger && i < l->place_cnt; i++) {
    char const *where = l->place[i]->where;
    code = cf_state_open(&l->place[i]->state, cf_fmt("%s/%s.state", l->dir, short_hash(CF_SPAN(where, strlen(where)))), &l->domain.id, NULL);
  }
  return code ? code : open_seen(l);
}

/* ---- a round ---- */

static cf_status_t ask_witness(cf_monitor_log_t *l, size_t i) {
  cf_hash_t   origin = cf_sha256(cf_vkey_name(&l->domain.witnesses.log));
  char       *hex = cf_hex(CF_SPAN_OF(origin.b)), *url;
  unsigned    source = l->first_witness + (unsigned)i;
  size_t      n = strlen(l->witness[i]);
  cf_done_t  *d = NULL;
  cf_error_t  err = {0};
  cf_status_t st = CF_OK;
  url = cf_fmt("%.*s/%s/checkpoint", (int)(n && l->witness[i][n - 1] == '/' ? n - 1 : n), l->witness[i], hex);
  switch (cf_http_get(&d, url, WITNESS_MS, &err)) {
  case CF_OK:
    if (d->code != 200 && d->code != 404) cf_monitor_silent(l->monitor, source, "it answers that it cannot");
    else if (d->code == 200 && (d->body.len > CF_NOTE_MAX || !d->body.len))
      cf_monitor_lied(l->monitor, source, "what it gives as checkpoint is none of this log's");
    else st = cf_monitor_note(l->monitor, source, d->code == 200 ? d->body : CF_SPAN(NULL, 0));
    break;
  case CF_ERR_BOUND:
  case CF_ERR_FORMAT:
  case CF_ERR_UNSUPPORTED:
    cf_monitor_lied(l->monitor, source, "it answers without end, or no HTTP");
    break;
  case CF_ERR_AUTH:
  case CF_ERR_POLICY:
  case CF_ERR_STALE:
  case CF_ERR_IO:
    cf_monitor_silent(l->monitor, source, "it does not answer, or not in time");
    break;
  }
  cf_done_free(d);
  free(hex);
  free(url);
  return st;
}

static cf_status_t reopen_state(cf_monitor_log_t const *l, cf_monitor_place_t *p) {
  cf_error_t  err = {0};
  char const *path = p->state.path;
  cf_state_close(&p->state);
  if (!cf_state_open(&p->state, path, &l->domain.id, &err)) return CF_OK;
  cf_note("monitor: %s: %s", path, err.text);
  return CF_ERR_IO;
}

static cf_status_t run_audit(cf_audit_t **a, cf_monitor_log_t const *l, cf_monitor_place_t *p) {
  cf_audit_options_t o = {.domain = &l->domain.id, .now_s = cf_wall_s(), .since = p->state.since};
  cf_status_t        st = cf_audit_run(a, &p->reader, &o);
  if (st != CF_ERR_AUTH) return st;
  cf_audit_free(*a); /* what was in the midst of being written looks like a fault: only what is there a second time is one */
  if (!cf_tree_busy(&p->under)) cf_web_sleep(p->under.list ? 0 : 1000);
  o.now_s = cf_wall_s() + CF_TREE_BUSY_S;
  return cf_audit_run(a, &p->reader, &o);
}

static cf_status_t audit_place(cf_monitor_log_t *l, cf_monitor_place_t *p, uint64_t now_s) {
  cf_audit_t *a;
  cf_error_t  err = {0};
  cf_status_t st = run_audit(&a, l, p), said = CF_OK;
  if (st == CF_ERR_IO) cf_monitor_silent(l->monitor, p->source, "it does not answer, or too slowly, while it is audited");
  else said = cf_monitor_audited(l->monitor, p->source, a);
  cf_audit_free(a);
  p->clean = st != CF_ERR_IO && st != CF_ERR_AUTH;
  p->audited_s = now_s;
  if (said || !p->clean) return said;
  if (!cf_state_save(&p->state, now_s, &err)) return reopen_state(l, p);
  cf_note("monitor: %s", err.text);
  return CF_ERR_IO;
}

/* What it knows of the tree, against everything that anybody showed. */
static cf_status_t compare(cf_monitor_log_t *l, cf_monitor_place_t *p) {
  cf_span_t note;
  if (!p->state.map.len) return CF_OK;
  cf_audit_reader_t tree = cf_since_tree(p->state.since);
  if (tree.read(tree.ctx, "log/checkpoint", CF_NOTE_MAX, &note) != CF_READ_OK) return CF_OK;
  return cf_monitor_compare(l->monitor, p->source, &tree, note);
}

static bool is_due(cf_monitor_log_t const *l, cf_monitor_place_t const *p, cf_checkpoint_t const *head, uint64_t now_s) {
  return !p->clean || head->size != p->audited.size || !cf_hash_eq(&head->root, &p->audited.root) || now_s - p->audited_s >= l->audit_every_s;
}

static cf_status_t ask_place(cf_monitor_log_t *l, cf_monitor_place_t *p, uint64_t now_s) {
  cf_monitor_t   *m = l->monitor;
  cf_span_t       bytes;
  cf_checkpoint_t head;
  uint8_t         note[CF_NOTE_MAX];
  place_begin(p);
  cf_read_t r = p->reader.read(p, "genesis", CF_ENTRY_MAX, &bytes);
  bool another = r == CF_READ_OK && !cf_span_eq(bytes, p->genesis);
  if (r == CF_READ_OK && !another) r = p->reader.read(p, "log/checkpoint", CF_NOTE_MAX, &bytes);
  if (r == CF_READ_FAILED) return cf_monitor_silent(m, p->source, "it does not answer, or not in time"), CF_OK;
  if (r == CF_READ_LARGE) return cf_monitor_lied(m, p->source, "it answers with more than such a file can have, or without end"), CF_OK;
  if (r != CF_READ_OK || another) return cf_monitor_lied(m, p->source, "it shows another genesis, or no log, and was this domain's"), CF_OK;
  bytes = CF_SPAN(memcpy(note, bytes.ptr, bytes.len), bytes.len);
  cf_status_t st = cf_monitor_note(m, p->source, bytes);
  bool        opens = !cf_checkpoint_open(&head, NULL, NULL, bytes, &l->domain.witnesses.log, NULL);
  if (st) return st;
  if (opens && !is_due(l, p, &head, now_s)) cf_monitor_unaudited(m, p->source);
  else st = audit_place(l, p, now_s);
  if (opens) p->audited = head;
  return st ? st : compare(l, p);
}

/* What is new of the entries and tiles.  What was in the midst of being replaced looks like a fault: only what is there a second time is one. */
static void read_stranger(cf_monitor_log_t *l, cf_monitor_place_t *p, cf_checkpoint_t const *head, uint64_t now_s) {
  if (is_due(l, p, head, now_s)) {
    cf_status_t st = CF_ERR_AUTH;
    for (int i = 0; i < 2 && st == CF_ERR_AUTH; i++) {
      if (i && !p->under.list) cf_web_sleep(1000);
      p->fault = (cf_error_t){0};
      st = cf_logscan_more(p->log, &p->reader, head->size, &head->root, &p->fault);
    }
    p->clean = st != CF_ERR_IO;
    p->audited = *head;
    p->audited_s = now_s;
  }
  if (p->fault.status == CF_ERR_AUTH) cf_monitor_altered(l->monitor, p->source, p->fault.text);
}

static cf_status_t ask_stranger(cf_monitor_log_t *l, cf_monitor_place_t *p, uint64_t now_s) {
  cf_monitor_t   *m = l->monitor;
  cf_span_t       bytes;
  cf_checkpoint_t head;
  uint8_t         note[CF_NOTE_MAX];
  place_begin(p);
  p->failed = false;
  cf_read_t r = p->reader.read(p, "checkpoint", CF_NOTE_MAX, &bytes);
  if (r == CF_READ_FAILED) return cf_monitor_silent(m, p->source, "it does not answer, or not in time"), CF_OK;
  if (r == CF_READ_LARGE) return cf_monitor_lied(m, p->source, "it answers with more than such a file can have, or without end"), CF_OK;
  bytes = r == CF_READ_OK ? CF_SPAN(memcpy(note, bytes.ptr, bytes.len), bytes.len) : CF_SPAN(NULL, 0);
  cf_status_t st = cf_monitor_note(m, p->source, bytes);
  if (!st && bytes.len && !cf_checkpoint_open(&head, NULL, NULL, bytes, &l->domain.witnesses.log, NULL)) {
    st = cf_monitor_follow(m, p->source, &p->reader, bytes);
    if (!st && p->log) read_stranger(l, p, &head, now_s);
  }
  if (!st && p->failed) cf_monitor_silent(m, p->source, "it does not answer, or too slowly, when asked for tiles");
  return st;
}

int cf_monitor_log_round(cf_monitor_log_t *l, uint64_t now_s) {
  cf_status_t st = CF_OK;
  cf_monitor_begin(l->monitor, now_s);
  for (size_t i = 0; !st && i < l->witness_cnt; i++) st = ask_witness(l, i);
  for (size_t i = 0; !st && i < l->place_cnt; i++) st = l->stranger ? ask_stranger(l, l->place[i], now_s) : ask_place(l, l->place[i], now_s);
  if (st) return CF_EXIT_WORLD;
  cf_monitor_end(l->monitor);
  return 0;
}
