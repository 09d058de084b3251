#include "cf_world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#define MONO0_MS 1000000 /* of a node's first life; later lives go on from there */
#define DELAY_MAX_MS 8000
#define RESTART_MS 1000 /* until whoever watches over a process starts it again */

/* ---- chance ---- */

uint64_t cf_prng_next(cf_prng_t *p) {
  uint64_t z = p->state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

uint64_t cf_prng_below(cf_prng_t *p, uint64_t n) { return cf_prng_next(p) % n; }
bool     cf_prng_chance(cf_prng_t *p, unsigned rate) { return rate && cf_prng_below(p, 100000) < rate; }

bool cf_world_chance(cf_world_t *w, cf_fault_t f) {
  if (!w->faults.on || !cf_prng_chance(&w->dice, w->faults.rate[f])) return false;
  w->counts.fault[f]++;
  return true;
}

/* ---- what happened, in a word ---- */

/* FxHash's step, a word at a time: differences are to show, nobody forges them. */
static void mix(cf_world_t *w, uint64_t v) { w->hash = ((w->hash << 5 | w->hash >> 59) ^ v) * 0x517cc1b727220a95; }

static void mix_span(cf_world_t *w, cf_span_t s) {
  uint64_t v;
  mix(w, s.len);
  for (; s.len >= sizeof v; s.ptr += sizeof v, s.len -= sizeof v) {
    memcpy(&v, s.ptr, sizeof v);
    mix(w, v);
  }
  v = 0;
  if (s.len) memcpy(&v, s.ptr, s.len);
  mix(w, v);
}

/* ---- telling ---- */

void cf_world_say(cf_world_t *w, char const *fmt, ...) {
  if (!w->trace) return;
  va_list ap;
  va_start(ap, fmt);
  fprintf(w->trace, "%9llu.%03llu  ", (unsigned long long)(w->now_ms / 1000), (unsigned long long)(w->now_ms % 1000));
  vfprintf(w->trace, fmt, ap);
  fputc('\n', w->trace);
  va_end(ap);
}

void cf_world_fail(cf_world_t *w, unsigned invariant, char const *fmt, ...) {
  if (w->violation[0]) return;
  va_list ap;
  va_start(ap, fmt);
  int n = snprintf(w->violation, sizeof w->violation, "invariant %u: ", invariant);
  vsnprintf(w->violation + n, sizeof w->violation - (size_t)n, fmt, ap);
  va_end(ap);
  cf_world_say(w, "VIOLATION %s", w->violation);
}

/* ---- the queue ---- */

static bool before(cf_sim_event_t const *a, cf_sim_event_t const *b) {
  return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

static void push(cf_world_t *w, cf_sim_event_t ev) {
  if (w->queue_cnt == w->queue_max) {
    w->queue_max = w->queue_max ? 2 * w->queue_max : 1024;
    w->queue = realloc(w->queue, w->queue_max * sizeof *w->queue);
    assert(w->queue);
  }
  ev.seq = w->seq++;
  size_t i = w->queue_cnt++;
  for (; i && before(&ev, &w->queue[(i - 1) / 2]); i = (i - 1) / 2) w->queue[i] = w->queue[(i - 1) / 2];
  w->queue[i] = ev;
}

static cf_sim_event_t pop(cf_world_t *w) {
  cf_sim_event_t top = w->queue[0], last = w->queue[--w->queue_cnt];
  size_t         i = 0;
  for (;;) {
    size_t c = 2 * i + 1;
    if (c >= w->queue_cnt) break;
    if (c + 1 < w->queue_cnt && before(&w->queue[c + 1], &w->queue[c])) c++;
    if (!before(&w->queue[c], &last)) break;
    w->queue[i] = w->queue[c];
    i = c;
  }
  if (w->queue_cnt) w->queue[i] = last;
  return top;
}

static uint8_t *copy_of(cf_span_t s) {
  uint8_t *p = malloc(s.len + 1);
  assert(p);
  if (s.len) memcpy(p, s.ptr, s.len);
  p[s.len] = 0;
  return p;
}

/* ---- questions under way ---- */

static cf_sim_ask_t *ask_of(cf_world_t *w, uint64_t id) {
  for (size_t i = 0; i < w->ask_max; i++)
    if (w->ask[i].id == id) return &w->ask[i];
  return NULL;
}

static cf_sim_ask_t *ask_new(cf_world_t *w) {
  cf_sim_ask_t *a = NULL;
  for (size_t i = 0; i < w->ask_max && !a; i++)
    if (!w->ask[i].id) a = &w->ask[i];
  if (!a) {
    size_t more = w->ask_max ? w->ask_max : 64;
    w->ask = realloc(w->ask, (w->ask_max + more) * sizeof *w->ask);
    assert(w->ask);
    memset(w->ask + w->ask_max, 0, more * sizeof *w->ask);
    a = &w->ask[w->ask_max];
    w->ask_max += more;
  }
  memset(a, 0, sizeof *a);
  a->id = ++w->next_ask;
  return a;
}

static void ask_drop(cf_sim_ask_t *a) {
  if (--a->refs) return;
  free(a->body);
  a->body = NULL;
  a->id = 0;
}

static void push_ask(cf_world_t *w, cf_sim_ask_t *a, cf_sim_event_kind_t kind, unsigned node, uint64_t at_ms, bool again) {
  a->refs++;
  push(w, (cf_sim_event_t){.at_ms = at_ms, .kind = kind, .node = node, .id = a->id, .again = again});
}

static void push_done(cf_world_t *w, cf_sim_ask_t *a, uint64_t at_ms, cf_status_t st, unsigned code, cf_span_t body) {
  a->refs++;
  push(w, (cf_sim_event_t){.at_ms = at_ms,
                           .kind = CF_SIM_DONE,
                           .node = a->from,
                           .life = a->from_life,
                           .id = a->id,
                           .status = st,
                           .code = code,
                           .body = copy_of(body),
                           .body_len = body.len});
}

static uint64_t hop_ms(cf_world_t *w, bool frame) {
  if (frame) return 1;
  uint64_t ms = 1 + cf_prng_below(&w->net, 4);
  return cf_world_chance(w, CF_FAULT_DELAY) ? ms + cf_prng_below(&w->dice, DELAY_MAX_MS) : ms;
}

/* Name and query of "GET /path?query", cut apart. */
static void cut(cf_sim_ask_t *a, cf_span_t name) {
  uint8_t const *mark = memchr(name.ptr, '?', name.len);
  size_t         n = mark ? (size_t)(mark - name.ptr) : name.len;
  snprintf(a->path, sizeof a->path, "%.*s", (int)n, (char const *)name.ptr);
  if (mark) snprintf(a->query, sizeof a->query, "%.*s", (int)(name.len - n - 1), (char const *)mark + 1);
}

static void send_ask(cf_world_t *w, unsigned from, cf_effect_t const *e) {
  assert(e->peer < CF_SIM_PEERS_MAX);
  cf_sim_peer_t p = w->node[from].peer[e->peer];
  bool          frame = p.port != NULL;
  cf_sim_ask_t *a = ask_new(w);
  a->from = from;
  a->to = p.node;
  a->from_life = w->node[from].life;
  a->effect = e->id;
  a->body = copy_of(e->body);
  a->body_len = e->body.len;
  a->frame = frame;
  if (frame) snprintf(a->path, sizeof a->path, "%s", p.port);
  else cut(a, e->name);
  w->counts.messages++;
  push_ask(w, a, CF_SIM_TIMEOUT, from, w->now_ms + (e->timeout_ms ? e->timeout_ms : 1), false);
  if (!frame && cf_world_chance(w, CF_FAULT_LOST_REQUEST)) {
    cf_world_say(w, "%s -> %s %s: lost", w->node[from].name, w->node[p.node].name, a->path);
    return;
  }
  uint64_t at_ms = w->now_ms + hop_ms(w, frame);
  push_ask(w, a, CF_SIM_REQUEST, p.node, at_ms, false);
  if (!frame && cf_world_chance(w, CF_FAULT_REPEAT))
    push_ask(w, a, CF_SIM_REQUEST, p.node, at_ms + 1 + cf_prng_below(&w->dice, 3000), true);
}

void cf_world_send(cf_world_t *w, unsigned from, cf_effect_t const *ask) { send_ask(w, from, ask); }

static void send_reply(cf_world_t *w, unsigned node, cf_effect_t const *e) {
  cf_sim_ask_t *a = ask_of(w, e->id >> 1);
  if (!a || a->answered || e->id & 1) return; /* the asker went away, or never asked this */
  bool frame = a->frame;
  if (!frame && e->code >= 400 && e->code != 404)
    cf_world_say(w, "%s: %u to %s %s: %.*s", w->node[node].name, e->code, w->node[a->from].name, a->path, (int)e->body.len,
                 (char const *)e->body.ptr);
  if (!frame && cf_world_chance(w, CF_FAULT_LOST_REPLY)) {
    cf_world_say(w, "%s -> %s reply to %s: lost", w->node[node].name, w->node[a->from].name, a->path);
    return;
  }
  a->answered = true;
  cf_span_t body = frame || !w->on_answer ? e->body : w->on_answer(w->ctx, node, a->from, a->path, e->code, e->body);
  push_done(w, a, w->now_ms + hop_ms(w, frame), CF_OK, e->code, body);
}

/* ---- effects ---- */

static void die(cf_world_t *w, unsigned node) {
  cf_sim_node_t *n = &w->node[node];
  if (!n->up) return;
  n->up = false;
  cf_lane_drop(&n->side);
  if (n->end) n->end(n->ctx);
}

static bool durable_kind(cf_effect_kind_t k) {
  return k == CF_FX_PUT || k == CF_FX_APPEND || k == CF_FX_REMOVE || k == CF_FX_STORE;
}

static bool durable(cf_world_t *w, cf_sim_node_t *n, cf_effect_t const *e) {
  cf_disk_t *d = &w->disk[n->host];
  if (e->kind == CF_FX_PUT) cf_disk_put(d, e->name, e->body);
  if (e->kind == CF_FX_APPEND) cf_disk_append(d, e->name, e->body);
  if (e->kind == CF_FX_REMOVE) cf_disk_remove(d, e->name);
  return e->kind != CF_FX_STORE || !cf_disk_commit(d, e->body);
}

/* What waits in the side lane is done before a process leaves of its own accord. */
static void finish_side(cf_world_t *w, cf_sim_node_t *n) {
  while (n->side.first) {
    cf_sim_job_t *j = cf_lane_take(&n->side, 0);
    if (durable_kind(j->effect.kind)) (void)durable(w, n, &j->effect);
    free(j);
  }
}

/* Some sectors of an append never came to the disk; what was written ahead is there. */
static void append_torn(cf_world_t *w, cf_sim_node_t *n, cf_effect_t const *e) {
  static uint8_t const zeros[4096];
  cf_disk_t           *d = &w->disk[n->host];
  cf_disk_append(d, e->name, e->body);
  cf_disk_file_t *f = cf_disk_file(d, e->name);
  size_t          from = f->len - e->body.len, lost = cf_prng_below(&w->dice, f->len / 512 - from / 512 + 1);
  for (size_t at = from; at < f->len; at = (at / 512 + 1) * 512) {
    size_t end = (at / 512 + 1) * 512 < f->len ? (at / 512 + 1) * 512 : f->len;
    if (at / 512 - from / 512 == lost || cf_prng_chance(&w->dice, 30000)) memset(f->bytes + at, 0, end - at);
  }
  if (cf_prng_chance(&w->dice, 30000)) f->len = from + cf_prng_below(&w->dice, e->body.len + 1);
  cf_disk_append(d, e->name, CF_SPAN(zeros, cf_prng_below(&w->dice, sizeof zeros)));
}

/* The process ends at this effect: its write is whole, gone, or half there. */
static void crash_at(cf_world_t *w, unsigned node, cf_effect_t const *e) {
  cf_sim_node_t *n = &w->node[node];
  char const    *how = "";
  if (durable_kind(e->kind)) {
    if (e->kind == CF_FX_APPEND && cf_world_chance(w, CF_FAULT_TORN_WRITE)) {
      append_torn(w, n, e);
      how = ", torn";
    } else if (cf_world_chance(w, CF_FAULT_LOST_WRITE)) how = ", lost";
    else (void)durable(w, n, e);
  }
  cf_world_say(w, "%s: crash at %.*s%s", n->name, (int)e->name.len, e->name.ptr ? (char const *)e->name.ptr : "", how);
  die(w, node);
  if (!n->left_alone) cf_world_start_at(w, node, w->now_ms + 50 + cf_prng_below(&w->dice, 5000));
}

typedef struct {
  uint64_t id;
  unsigned code;
  uint8_t *body;
  size_t   len;
} read_t;
#define READS_MAX CF_EFFECTS_MAX

static read_t read_back(cf_world_t *w, cf_sim_node_t *n, cf_effect_t const *e) {
  cf_disk_t *d = &w->disk[n->host];
  read_t     r = {.id = e->id, .code = 200};
  if (e->kind == CF_FX_LIST) r.body = cf_disk_list(d, e->name, &r.len);
  else if (e->kind == CF_FX_SCAN) r.body = cf_disk_scan(d, (cf_store_kind_t)e->name.ptr[0], &r.len);
  else {
    cf_disk_file_t const *f = cf_disk_file(d, e->name);
    r.code = f ? 200 : 404;
    r.body = copy_of(f ? cf_disk_bytes(f) : CF_SPAN(NULL, 0));
    r.len = f ? f->len : 0;
  }
  return r;
}

static void tick_no_later(cf_world_t *w, unsigned node, uint64_t at_ms) {
  cf_sim_node_t *n = &w->node[node];
  if (at_ms < w->now_ms) at_ms = w->now_ms;
  if (n->tick_at_ms <= at_ms) return;
  n->tick_at_ms = at_ms;
  push(w, (cf_sim_event_t){.at_ms = at_ms, .kind = CF_SIM_TICK, .node = node, .life = n->life});
}

/* One effect; false when the process ended with it. */
static bool perform(cf_world_t *w, unsigned node, cf_effect_t const *e, read_t *reads, size_t *cnt) {
  cf_sim_node_t *n = &w->node[node];
  w->counts.effects++;
  mix(w, (uint64_t)e->kind << 32 | e->code);
  mix(w, e->id);
  mix_span(w, e->name);
  mix_span(w, e->body);
  if (w->on_effect) w->on_effect(w->ctx, node, e);
  if ((durable_kind(e->kind) || e->kind == CF_FX_ASK || e->kind == CF_FX_REPLY) && cf_world_chance(w, CF_FAULT_CRASH)) {
    crash_at(w, node, e);
    return false;
  }
  switch (e->kind) {
  case CF_FX_PUT:
  case CF_FX_APPEND:
  case CF_FX_REMOVE:
  case CF_FX_STORE:
    if (durable(w, n, e)) {
      if (e->id) reads[(*cnt)++] = (read_t){.id = e->id};
      return true;
    }
    cf_world_say(w, "%s: fenced", n->name);
    die(w, node);
    if (!n->left_alone) cf_world_start_at(w, node, w->now_ms + RESTART_MS);
    return false;
  case CF_FX_GET:
  case CF_FX_LIST:
  case CF_FX_SCAN:
    assert(*cnt < READS_MAX);
    reads[(*cnt)++] = read_back(w, n, e);
    return true;
  case CF_FX_ASK:
    send_ask(w, node, e);
    return true;
  case CF_FX_REPLY:
    send_reply(w, node, e);
    return true;
  case CF_FX_WAKE:
    tick_no_later(w, node, n->born_ms + e->id - MONO0_MS);
    return true;
  case CF_FX_LOG:
    cf_world_say(w, "%s: %.*s", n->name, (int)e->body.len, (char const *)e->body.ptr);
    return true;
  case CF_FX_EXIT:
    cf_world_say(w, "%s: exit %u", n->name, e->code);
    finish_side(w, n);
    die(w, node);
    if (!n->left_alone) cf_world_start_at(w, node, w->now_ms + RESTART_MS);
    return false;
  }
  return true;
}

cf_now_t cf_world_clock(cf_world_t const *w, unsigned node) {
  cf_sim_node_t const *n = &w->node[node];
  return (cf_now_t){.mono_ms = w->now_ms - n->born_ms + MONO0_MS, .wall_ms = (uint64_t)((int64_t)w->now_ms + n->skew_ms)};
}

static void side_later(cf_world_t *w, unsigned node) {
  uint64_t ms = cf_prng_below(&w->net, 8);
  if (cf_world_chance(w, CF_FAULT_SLOW_FILE)) ms += cf_prng_below(&w->dice, 3000);
  push(w, (cf_sim_event_t){.at_ms = w->now_ms + ms, .kind = CF_SIM_SIDE, .node = node, .life = w->node[node].life});
}

/* Into the side lane, when it has to wait there. */
static bool to_side(cf_world_t *w, unsigned node, cf_effect_t const *e) {
  cf_sim_lane_t *l = &w->node[node].side;
  bool           empty = !l->first;
  if (!e->side || (empty && !durable_kind(e->kind))) return false;
  cf_lane_push(l, e);
  if (empty) side_later(w, node);
  return true;
}

static void deliver(cf_world_t *w, unsigned node, cf_event_t ev);

static void deliver_reads(cf_world_t *w, unsigned node, uint32_t life, read_t const *reads, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    if (w->node[node].up && w->node[node].life == life && !w->violation[0])
      deliver(w, node,
              (cf_event_t){
                  .kind = CF_EV_DONE, .id = reads[i].id, .code = reads[i].code, .body = CF_SPAN(reads[i].body, reads[i].len)});
    free(reads[i].body);
  }
}

/* A step and its effects; what it reads comes back to it before anything else does. */
static void deliver(cf_world_t *w, unsigned node, cf_event_t ev) {
  cf_sim_node_t *n = &w->node[node];
  uint32_t       life = n->life;
  read_t        *reads = malloc(READS_MAX * sizeof *reads);
  size_t         cnt = 0;
  assert(reads);
  ev.now = cf_world_clock(w, node);
  w->fx.cnt = w->fx.scratch_len = 0;
  w->counts.events++;
  mix(w, w->now_ms);
  mix(w, (uint64_t)ev.kind << 32 | node);
  mix(w, ev.id);
  n->step(n->ctx, &w->fx, &ev);
  for (size_t i = 0; i < w->fx.cnt && n->up && n->life == life && !w->violation[0]; i++)
    if (!to_side(w, node, &w->fx.at[i]) && !perform(w, node, &w->fx.at[i], reads, &cnt)) break;
  deliver_reads(w, node, life, reads, cnt);
  free(reads);
}

/* ---- events ---- */

/* GETs of what lies under public/ are the host's, not the core's. */
static bool served(cf_world_t *w, cf_sim_ask_t *a, cf_sim_node_t const *n, bool again) {
  static char const *const mounts[] = {"GET /log/",    "GET /checkpoints/", "GET /archive/",
                                       "GET /ledger/", "GET /genesis",      "GET /log.vkey"};
  if (!n->serves_public) return false;
  for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
    if (strncmp(a->path, mounts[i], strlen(mounts[i]))) continue;
    char                  name[256];
    int                   len = snprintf(name, sizeof name, "public%s", a->path + 4);
    cf_disk_file_t const *f = cf_disk_file(&w->disk[n->host], CF_SPAN(name, (size_t)len));
    if (!again && !a->answered) {
      a->answered = true;
      push_done(w, a, w->now_ms + hop_ms(w, false), CF_OK, f ? 200 : 404, f ? cf_disk_bytes(f) : CF_SPAN(NULL, 0));
    }
    return true;
  }
  return false;
}

static void on_request(cf_world_t *w, cf_sim_event_t const *ev, cf_sim_ask_t *a) {
  cf_sim_node_t *n = &w->node[ev->node];
  if (a->answered && !ev->again) return;
  if (!n->up) { /* refused at once */
    if (ev->again || a->answered) return;
    a->answered = true;
    push_done(w, a, w->now_ms + 1, CF_ERR_IO, 0, CF_SPAN(NULL, 0));
    return;
  }
  if (served(w, a, n, ev->again)) return;
  uint64_t id = a->id << 1 | ev->again;
  tick_no_later(w, ev->node, w->now_ms);
  deliver(w, ev->node,
          (cf_event_t){.kind = CF_EV_REQUEST,
                       .id = id,
                       .path = CF_SPAN(a->path, strlen(a->path)),
                       .query = CF_SPAN(a->query, strlen(a->query)),
                       .body = CF_SPAN(a->body, a->body_len)});
}

static bool lives(cf_world_t const *w, unsigned node, uint32_t life) { return w->node[node].up && w->node[node].life == life; }

static void on_asked(cf_world_t *w, cf_sim_event_t const *ev) {
  uint64_t      id = ev->id;
  cf_sim_ask_t *a = ask_of(w, id);
  assert(a);
  if (ev->kind == CF_SIM_REQUEST) on_request(w, ev, a);
  if (ev->kind == CF_SIM_TIMEOUT && !a->answered) {
    a->answered = true;
    if (lives(w, a->from, a->from_life))
      deliver(w, a->from, (cf_event_t){.kind = CF_EV_DONE, .id = a->effect, .status = CF_ERR_IO});
  }
  if (ev->kind == CF_SIM_DONE && lives(w, a->from, a->from_life))
    deliver(w, a->from,
            (cf_event_t){.kind = CF_EV_DONE,
                         .id = a->effect,
                         .status = ev->status,
                         .code = ev->code,
                         .body = CF_SPAN(ev->body, ev->body_len)});
  ask_drop(ask_of(w, id)); /* the table may have moved */
}

static void on_side(cf_world_t *w, cf_sim_event_t const *ev) {
  cf_sim_lane_t *l = &w->node[ev->node].side;
  if (!lives(w, ev->node, ev->life) || !l->first) return;
  cf_sim_job_t *j = cf_lane_take(l, cf_prng_below(&w->net, cf_lane_group(l)));
  read_t        read;
  size_t        cnt = 0;
  if (perform(w, ev->node, &j->effect, &read, &cnt) && l->first) side_later(w, ev->node);
  free(j);
  deliver_reads(w, ev->node, ev->life, &read, cnt);
}

static void on_tick(cf_world_t *w, cf_sim_event_t const *ev) {
  cf_sim_node_t *n = &w->node[ev->node];
  if (!lives(w, ev->node, ev->life) || n->tick_at_ms != ev->at_ms) return;
  n->tick_at_ms = UINT64_MAX;
  tick_no_later(w, ev->node, w->now_ms + CF_TICK_MS);
  deliver(w, ev->node, (cf_event_t){.kind = CF_EV_TICK});
}

bool cf_world_turn(cf_world_t *w, uint64_t until_ms) {
  if (w->violation[0]) return false;
  if (!w->queue_cnt || w->queue[0].at_ms > until_ms) {
    w->now_ms = until_ms;
    return false;
  }
  cf_sim_event_t ev = pop(w);
  w->now_ms = ev.at_ms;
  switch (ev.kind) {
  case CF_SIM_TICK:
    on_tick(w, &ev);
    break;
  case CF_SIM_REQUEST:
  case CF_SIM_DONE:
  case CF_SIM_TIMEOUT:
    on_asked(w, &ev);
    break;
  case CF_SIM_SIDE:
    on_side(w, &ev);
    break;
  case CF_SIM_START:
    if (!w->node[ev.node].up && !w->node[ev.node].left_alone) cf_world_start(w, ev.node);
    break;
  case CF_SIM_FAULT:
    if (w->on_fault) w->on_fault(w->ctx, ev.id);
    break;
  case CF_SIM_EVENT_KINDS:
    break;
  }
  free(ev.body);
  return true;
}

/* ---- lives ---- */

void cf_world_start(cf_world_t *w, unsigned node) {
  cf_sim_node_t *n = &w->node[node];
  if (n->up) return;
  n->up = true;
  n->life++;
  n->born_ms = w->now_ms;
  n->tick_at_ms = UINT64_MAX;
  cf_world_say(w, "%s: starts, life %u", n->name, n->life);
  if (n->start) n->start(n->ctx);
  tick_no_later(w, node, w->now_ms + CF_TICK_MS);
  deliver(w, node, (cf_event_t){.kind = CF_EV_START});
}

void cf_world_start_at(cf_world_t *w, unsigned node, uint64_t at_ms) {
  push(w, (cf_sim_event_t){.at_ms = at_ms, .kind = CF_SIM_START, .node = node});
}

void cf_world_kill(cf_world_t *w, unsigned node) {
  if (w->node[node].up) cf_world_say(w, "%s: killed", w->node[node].name);
  die(w, node);
}

void cf_world_later(cf_world_t *w, uint64_t at_ms, uint64_t id) {
  push(w, (cf_sim_event_t){.at_ms = at_ms, .kind = CF_SIM_FAULT, .id = id});
}

/* ---- the world ---- */

static _Alignas(64) uint8_t scratch[CF_SIM_SCRATCH_SZ]; /* one world at a time */

void cf_world_init(cf_world_t *w, uint64_t seed, FILE *trace) {
  *w = (cf_world_t){.seed = seed, .now_ms = 1700000000000, .trace = trace, .net.state = seed * 2 + 1, .dice.state = ~seed};
  w->fx.scratch_max = CF_SIM_SCRATCH_SZ;
  w->fx.scratch = scratch;
}

void cf_world_fini(cf_world_t *w) {
  for (unsigned i = 0; i < w->nodes; i++) die(w, i);
  while (w->queue_cnt) free(w->queue[--w->queue_cnt].body);
  for (size_t i = 0; i < w->ask_max; i++)
    if (w->ask[i].id) free(w->ask[i].body);
  for (unsigned i = 0; i < w->disks; i++) cf_disk_fini(&w->disk[i]);
  free(w->queue);
  free(w->ask);
}

unsigned cf_world_host(cf_world_t *w) {
  assert(w->disks < CF_SIM_HOSTS_MAX);
  return w->disks++;
}

unsigned cf_world_add(cf_world_t *w, cf_sim_node_t const *n) {
  assert(w->nodes < CF_SIM_NODES_MAX);
  w->node[w->nodes] = *n;
  return w->nodes++;
}
