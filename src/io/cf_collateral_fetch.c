#include "io/cf_collateral_fetch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cf_text.h"
#include "base/cf_utc.h"
#include "crypto/cf_hash.h"
#include "io/cf_clock.h"
#include "io/cf_https_client.h"

#define LOCK_POLL_MS 20
#define STATE_MAX 64

cf_source_t const cf_sources_default[CF_SOURCES_DEFAULT_CNT] = {
    {CF_SOURCE_PCS, "https://api.trustedservices.intel.com"},
    {CF_SOURCE_FILES, "https://certificates.trustedservices.intel.com"},
    {CF_SOURCE_KDS, "https://kdsintf.amd.com"},
};

struct cf_collateral_fetch {
  cf_fetch_ask_t       ask;
  cf_files_t           dir;
  int64_t              began_ms; /* wall */
  uint64_t             until_ms; /* monotonic: when patience ends */
  cf_loop_t            loop;
  cf_done_queue_t      done;
  cf_https_client_t   *client;
  cf_vendor_patience_t patience[CF_SOURCES_MAX];
  uint64_t             free_ms[CF_SOURCES_MAX]; /* monotonic: a source is not asked before */
  uint8_t             *room;
};

static cf_span_t span(char const *text) { return CF_SPAN(text, strlen(text)); }
static int64_t   wall_ms(void) { return (int64_t)cf_clock_now().wall_ms; }

static void wait_until(cf_collateral_fetch_t *f, uint64_t at_ms) {
  for (uint64_t now_ms; (now_ms = cf_clock_mono_ms()) < at_ms;)
    cf_loop_wait(&f->loop, at_ms - now_ms < 1000 ? (unsigned)(at_ms - now_ms) : 1000);
}

/* ---- what the folder remembers ---- */

/* A small file's text, NUL-terminated; false when there is none, or nothing that was written here. */
static bool state_read(char out[STATE_MAX], cf_files_t const *dir, char const *name) {
  uint8_t *at;
  size_t   sz;
  bool     found;
  if (cf_files_get(&at, &sz, &found, dir, span(name), STATE_MAX - 1, NULL) || !found) return false;
  memcpy(out, at, sz);
  out[sz] = 0;
  free(at);
  return strlen(out) == sz;
}

#define ASKED_NAME_SZ (6 + CF_VENDOR_NAME_MAX)

static void asked_name(char out[ASKED_NAME_SZ], cf_vendor_item_t const *item) {
  memcpy(out, "asked/", 6);
  cf_vendor_name(out + 6, item);
}

/* When the item was last asked for, ms of wall time; 0: never. */
static int64_t asked_read(cf_collateral_fetch_t const *f, cf_vendor_item_t const *item) {
  char     name[ASKED_NAME_SZ], text[STATE_MAX];
  uint64_t ms;
  asked_name(name, item);
  return state_read(text, &f->dir, name) && !cf_dec_u64(&ms, span(text)) && ms <= INT64_MAX ? (int64_t)ms : 0;
}

static cf_status_t asked_write(cf_collateral_fetch_t const *f, cf_vendor_item_t const *item, cf_error_t *err) {
  char name[ASKED_NAME_SZ], text[STATE_MAX];
  asked_name(name, item);
  snprintf(text, sizeof text, "%lld", (long long)wall_ms());
  return cf_files_put(&f->dir, span(name), span(text), err);
}

#define SOURCE_NAME_SZ (8 + 32 + 1)

static void source_name(char out[SOURCE_NAME_SZ], char const *url) {
  cf_hash_t hash = cf_sha256(span(url));
  memcpy(out, "sources/", 8);
  cf_hex_encode(out + 8, CF_SPAN(hash.b, 16));
}

/* "AGAIN FAILURES", Unix seconds and a number. */
static void patience_read(cf_collateral_fetch_t *f, size_t i) {
  char     name[SOURCE_NAME_SZ], text[STATE_MAX];
  uint64_t again_s, failures;
  source_name(name, f->ask.sources[i].url);
  if (!state_read(text, &f->dir, name)) return;
  char *blank = strchr(text, ' ');
  if (!blank || cf_dec_u64(&again_s, CF_SPAN(text, (size_t)(blank - text))) || cf_dec_u64(&failures, span(blank + 1))) return;
  if (again_s > (uint64_t)(wall_ms() / 1000) + 86400 || failures > UINT32_MAX) return; /* longer than anybody is left alone */
  f->patience[i] = (cf_vendor_patience_t){.again_s = (int64_t)again_s, .failures = (uint32_t)failures};
}

static cf_status_t patience_write(cf_collateral_fetch_t const *f, size_t i, cf_error_t *err) {
  char name[SOURCE_NAME_SZ], text[STATE_MAX];
  source_name(name, f->ask.sources[i].url);
  if (!f->patience[i].failures) return cf_files_remove(&f->dir, span(name), err);
  snprintf(text, sizeof text, "%lld %u", (long long)f->patience[i].again_s, f->patience[i].failures);
  return cf_files_put(&f->dir, span(name), span(text), err);
}

/* ---- life ---- */

static cf_status_t lock(cf_collateral_fetch_t *f, cf_error_t *err) {
  for (;;) {
    cf_error_t  why = {0};
    cf_status_t st = cf_files_lock(&f->dir, "lock", &why);
    if (st != CF_ERR_POLICY || cf_clock_mono_ms() >= f->until_ms) {
      if (st) cf_error_set(err, st, "lock", 0, "%s", why.text);
      return st;
    }
    wait_until(f, cf_clock_mono_ms() + LOCK_POLL_MS);
  }
}

static cf_status_t open_client(cf_collateral_fetch_t *f, cf_error_t *err) {
  char const             *urls[CF_SOURCES_MAX];
  cf_https_limits_t const limits = {.body_max = CF_VENDOR_PART_MAX,
                                    .timeout_ms = f->ask.timeout_ms ? f->ask.timeout_ms : CF_FETCH_TIMEOUT_MS,
                                    .ca_file = f->ask.ca_file,
                                    .fields_max = CF_FETCH_FIELDS_MAX};
  for (size_t i = 0; i < f->ask.source_cnt; i++) urls[i] = f->ask.sources[i].url;
  return cf_https_client_new(&f->client, &f->loop, &f->done, urls, f->ask.source_cnt, &limits, err);
}

cf_status_t cf_collateral_fetch_open(cf_collateral_fetch_t **out, char const *folder, cf_fetch_ask_t const *ask,
                                     cf_error_t *err) {
  *out = NULL;
  if (ask->source_cnt > CF_SOURCES_MAX) return cf_error_set(err, CF_ERR_BOUND, "source", 0, "more than %d", CF_SOURCES_MAX);
  cf_collateral_fetch_t *f = calloc(1, sizeof *f);
  if (f) f->room = malloc(CF_VENDOR_ROOM);
  if (!f || !f->room) abort();
  f->ask = *ask;
  f->dir.dir = -1;
  f->began_ms = wall_ms();
  f->until_ms = cf_clock_mono_ms() + ask->patience_ms;
  cf_status_t st = cf_loop_init(&f->loop, err);
  if (!st) st = cf_files_open(&f->dir, folder, "", err);
  if (!st) st = lock(f, err);
  if (!st && ask->source_cnt) st = open_client(f, err);
  for (size_t i = 0; i < ask->source_cnt && !st; i++) patience_read(f, i);
  if (st) cf_collateral_fetch_close(f);
  else *out = f;
  return st;
}

void cf_collateral_fetch_close(cf_collateral_fetch_t *f) {
  if (!f) return;
  cf_https_client_free(f->client);
  for (cf_done_t *d; (d = cf_done_take(&f->done));) cf_done_free(d);
  cf_files_close(&f->dir);
  cf_loop_fini(&f->loop);
  free(f->room);
  free(f);
}

cf_files_t const *cf_collateral_fetch_dir(cf_collateral_fetch_t const *f) { return &f->dir; }

/* ---- one question ---- */

static cf_done_t *ask_one(cf_collateral_fetch_t *f, size_t source, char const *path) {
  char what[CF_VENDOR_PATH_MAX + 4];
  snprintf(what, sizeof what, "GET %s", path);
  wait_until(f, f->free_ms[source]);
  cf_https_client_ask(f->client, source, (unsigned)source, span(what), NULL, CF_SPAN(NULL, 0), 0);
  while (!f->done.first) {
    uint64_t now_ms = cf_clock_mono_ms(), at_ms = cf_https_client_next_ms(f->client),
             wait_ms = at_ms > now_ms ? at_ms - now_ms : 0;
    cf_loop_wait(&f->loop, wait_ms < CF_FETCH_TIMEOUT_MS ? (unsigned)wait_ms : CF_FETCH_TIMEOUT_MS);
    cf_https_client_sweep(f->client);
  }
  f->free_ms[source] = cf_clock_mono_ms() + CF_FETCH_GAP_MS;
  return cf_done_take(&f->done);
}

static void say(cf_fetched_t *out, cf_collateral_fetch_t const *f, size_t source, char const *why) {
  char *at = out->why[source];
  snprintf(at, sizeof out->why[0], "%.200s: %.180s", f->ask.sources[source].url, why);
}

/* ---- one item ---- */

/* One run for one item. */
typedef struct {
  cf_collateral_fetch_t  *f;
  cf_vendor_item_t const *item;
  cf_fetched_t           *out;
  cf_vendor_record_t      newest; /* held, of any time */
  bool                    has_newest;
  uint8_t                *chain[2]; /* ASK and ARK, where the answer needs them */
  size_t                  chain_sz[2];
  bool                    over[CF_SOURCES_MAX]; /* a source has nothing more to say about it */
  cf_error_t             *err;
} run_t;

static bool same_parts(cf_vendor_record_t const *a, cf_vendor_record_t const *b) {
  bool same = a->part_cnt == b->part_cnt && a->issued_s == b->issued_s;
  for (size_t i = 0; same && i < a->part_cnt; i++) same = cf_hash_eq(&a->part[i].hash, &b->part[i].hash);
  return same;
}

static cf_status_t keep(run_t *r, cf_vendor_found_t *found, size_t source) {
  cf_vendor_record_t *record = &found->record;
  char                why[96], date[CF_UTC_TEXT];
  if (r->has_newest && record->issued_s < r->newest.issued_s) {
    (void)!cf_utc_write(date, record->issued_s);
    snprintf(why, sizeof why, "gave what was issued on %s, and newer is held", date);
    say(r->out, r->f, source, why);
    r->out->refused = true;
    return CF_OK;
  }
  snprintf(record->source, sizeof record->source, "%s", r->f->ask.sources[source].url);
  record->fetched_s = wall_ms() / 1000;
  for (size_t i = 0; i < record->part_cnt; i++) record->part[i].hash = cf_sha256(found->part[i]);
  r->out->outcome = r->has_newest && same_parts(record, &r->newest) ? CF_FETCH_SAME : CF_FETCH_NEW;
  cf_status_t st = CF_OK;
  if (r->out->outcome == CF_FETCH_NEW) st = cf_collateral_put(&r->f->dir, r->item, record, found->part, r->err);
  if (!st) st = asked_write(r->f, r->item, r->err);
  if (st) return st;
  if (r->out->outcome == CF_FETCH_NEW) r->out->record = *record;
  r->out->found = true;
  return CF_OK;
}

static cf_status_t understand(run_t *r, cf_done_t const *d, size_t source) {
  cf_collateral_fetch_t   *f = r->f;
  cf_vendor_found_t        found;
  cf_verdict_t             v;
  char                     why[240];
  cf_wr_t                  room = cf_wr_init(f->room, CF_VENDOR_ROOM);
  cf_vendor_answer_t const answer = {.fields = d->fields,
                                     .body = d->body,
                                     .ask = CF_SPAN(r->chain[0], r->chain_sz[0]),
                                     .ark = CF_SPAN(r->chain[1], r->chain_sz[1]),
                                     .roots = f->ask.roots,
                                     .root_cnt = f->ask.root_cnt,
                                     .at_s = f->ask.at_s};
  r->over[source] = true;
  if (!cf_vendor_read(&found, &room, r->item, &answer, &v)) return keep(r, &found, source);
  snprintf(why, sizeof why, "gave %s (%s: %.100s)", cf_verdict_name(v.code), v.item, v.text);
  say(r->out, f, source, why);
  r->out->refused = true;
  return CF_OK;
}

/* Who is away or overloaded is asked again later; whoever answered otherwise has nothing more to say. */
static cf_status_t weigh(run_t *r, cf_done_t const *d, size_t source) {
  cf_collateral_fetch_t *f = r->f;
  bool                   busy = d->code == 429 || d->code >= 500 || d->status == CF_ERR_IO || d->status == CF_ERR_AUTH;
  char                   why[240];
  uint32_t               before = f->patience[source].failures;
  cf_vendor_patience_next(&f->patience[source], !busy, d->retry_after_s, wall_ms() / 1000);
  cf_status_t st = before || busy ? patience_write(f, source, r->err) : CF_OK;
  if (st) return st;
  if (!d->status && d->code == 200) return understand(r, d, source);
  r->over[source] = !busy;
  if (d->status) snprintf(why, sizeof why, "%s", d->why ? d->why : cf_status_name(d->status));
  else snprintf(why, sizeof why, "answered %u%s", d->code, d->code == 404 ? ": it has none" : "");
  say(r->out, f, source, why);
  return CF_OK;
}

/* Each source in its order, once, but for those to be left alone; *soonest_s: when one of them may be asked. */
static cf_status_t round_once(run_t *r, int64_t *soonest_s) {
  cf_collateral_fetch_t *f = r->f;
  cf_status_t            st = CF_OK;
  *soonest_s = INT64_MAX;
  for (size_t i = 0; i < f->ask.source_cnt && !st && !r->out->outcome; i++) {
    char path[CF_VENDOR_PATH_MAX], why[96], date[CF_UTC_TEXT];
    if (r->over[i] || !cf_vendor_path(path, f->ask.sources[i].kind, r->item)) continue;
    if (f->patience[i].again_s > wall_ms() / 1000) {
      if (!r->out->why[i][0]) {
        (void)!cf_utc_write(date, f->patience[i].again_s);
        snprintf(why, sizeof why, "failed before, and is left alone until %s", date);
        say(r->out, f, i, why);
      }
    } else {
      cf_done_t *d = ask_one(f, i, path);
      st = weigh(r, d, i);
      cf_done_free(d);
    }
    if (!r->over[i] && f->patience[i].again_s < *soonest_s) *soonest_s = f->patience[i].again_s;
  }
  return st;
}

static cf_status_t fetch_it(run_t *r) {
  int64_t     soonest_s;
  cf_status_t st;
  for (;;) {
    st = round_once(r, &soonest_s);
    if (st || r->out->outcome || soonest_s == INT64_MAX) return st;
    int64_t  wait_ms = soonest_s * 1000 - wall_ms();
    uint64_t at_ms = cf_clock_mono_ms() + (wait_ms > 0 ? (uint64_t)wait_ms : 0);
    if (at_ms > r->f->until_ms) return CF_OK;
    wait_until(r->f, at_ms);
  }
}

/* The chain that the answer is understood by; false when it cannot be had. */
static cf_status_t need_chain(run_t *r, bool *has, cf_vendor_item_t const *chain) {
  cf_fetched_t got;
  cf_status_t  st = cf_collateral_fetch(&got, r->f, chain, r->err);
  *has = !st && got.found;
  if (st || !got.found) {
    r->out->why_cnt = got.why_cnt;
    memcpy(r->out->why, got.why, sizeof got.why);
    r->out->refused = got.refused;
    return st;
  }
  for (size_t i = 0; i < got.record.part_cnt && !st; i++) {
    size_t k = got.record.part[i].role == CF_ROLE_ARK;
    if (!r->chain[k]) st = cf_collateral_object(&r->chain[k], &r->chain_sz[k], &r->f->dir, &got.record.part[i].hash, r->err);
  }
  return st;
}

/* Lines of sources that were asked, without gaps. */
static void pack(cf_fetched_t *out) {
  for (size_t i = 0; i < CF_SOURCES_MAX; i++)
    if (out->why[i][0]) memmove(out->why[out->why_cnt++], out->why[i], sizeof out->why[0]);
}

static cf_status_t run(run_t *r) {
  cf_collateral_fetch_t *f = r->f;
  cf_vendor_item_t       chain;
  bool                   has = true;
  int64_t                asked_ms = asked_read(f, r->item);
  cf_status_t            st = cf_collateral_find(&r->out->record, &r->out->found, &f->dir, r->item, f->ask.at_s, r->err);
  if (!st) st = cf_collateral_find(&r->newest, &r->has_newest, &f->dir, r->item, INT64_MAX, r->err);
  if (st) return st;
  bool fresh = asked_ms >= f->began_ms && asked_ms <= wall_ms(); /* by another process, while this one waited */
  if (r->out->found && (fresh || !cf_vendor_is_due(&r->out->record, f->ask.at_s, asked_ms, f->ask.max_age_ms, wall_ms()))) {
    r->out->outcome = CF_FETCH_HELD;
    return CF_OK;
  }
  if (cf_vendor_needs(&chain, r->item)) st = need_chain(r, &has, &chain);
  if (st || !has) return st;
  st = fetch_it(r);
  pack(r->out);
  return st;
}

cf_status_t cf_collateral_fetch(cf_fetched_t *out, cf_collateral_fetch_t *f, cf_vendor_item_t const *item, cf_error_t *err) {
  run_t r = {.f = f, .item = item, .out = out, .err = err};
  *out = (cf_fetched_t){0};
  cf_status_t st = run(&r);
  free(r.chain[0]);
  free(r.chain[1]);
  return st;
}
