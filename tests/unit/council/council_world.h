/* A small world for the members of councils: a real log (writer, publisher, four witnesses), a real embedded ledger, and the
   member under test, each with its own folder and clock, and messages between them that are carried out one by one. */
#ifndef COUNCIL_WORLD_H
#define COUNCIL_WORLD_H

#include "../translog/log_test.h"

#include "../document/document_world.h"

#include "codec/cf_json.h"
#include "council/cf_observer.h"
#include "council/cf_verifier.h"
#include "document/cf_history.h"
#include "ledger/cf_ledgerd.h"
#include "translog/cf_logwriter.h"
#include "translog/cf_publisher.h"
#include "translog/cf_witness.h"

enum { GATE, LEDGER, OTHER_LEDGER, MEMBER, WITNESS, NODES = WITNESS + 4, CLIENT = NODES };
#define PEER_GATEWAY 0
#define PEER_LEDGER 1

typedef struct {
  cf_event_kind_t kind;
  unsigned        node; /* whom it is for                                     */
  unsigned        from; /* REQUEST: who asked (CLIENT: the test)              */
  uint64_t        id;   /* REQUEST: a token; DONE: the effect's               */
  uint64_t        ask;  /* REQUEST: the asker's effect id                     */
  cf_status_t     status;
  unsigned        code;
  char            path[256];
  uint8_t        *body;
  size_t          body_len;
} mail_t;

typedef void step_fn_t(void *core, cf_effects_t *fx, cf_event_t const *ev);

typedef struct {
  void      *core;
  step_fn_t *step;
  mem_dir_t  dir;
  int64_t    clock_s; /* added to the world's */
  bool       down;
  size_t     puts_left; /* durable effects until the power fails */
  bool       last_put;  /* it fails right behind the last one    */
  bool       dead;
  int        exit_code; /* -1: runs */
} node_t;

typedef struct {
  cf_logwriter_t w;
  cf_publisher_t p;
  uint8_t        seed[32];
  cf_span_t      forged_note; /* answered instead of the newest */
  mem_dir_t     *forged_log;  /* tiles from there               */
  char const    *missing;     /* 404 for this path               */
} gate_t;

typedef struct {
  example_t   ex;
  cf_domain_t domain;
  uint64_t    wall_s, mono_ms;
  node_t      node[NODES];
  unsigned    ledger; /* which one the member asks */
  mail_t      mail[256];
  size_t      mail_cnt;
  struct {
    unsigned node, from;
    uint64_t ask;
    bool     open;
  } token[4096];
  uint64_t tokens;
  /* the answer to the test's last question */
  bool           answered;
  unsigned       code;
  uint8_t        answer[1 << 18];
  size_t         answer_len;
  unsigned       codes[600]; /* how many answers had that code */
  char           line[512];  /* the last one that was logged */
  unsigned       lines;
  gate_t         gate;
  cf_witness_t   witness[4];
  uint8_t        witness_seed[4][32];
  cf_ledgerd_t   ledgerd[2];
  cf_hash_t      block_scalar, member_scalar;
  cf_p256_key_t *member_key;
  cf_verifier_t  verifier;
  cf_observer_t  observer;
  step_t         step;
  uint8_t        big[8 << 20];
} world_t;

/* ---- carrying out ---- */

static inline void post(world_t *w, mail_t m, cf_span_t path, cf_span_t body) {
  assert_true(w->mail_cnt < CF_COUNT_OF(w->mail) && path.len < sizeof m.path);
  if (path.len) memcpy(m.path, path.ptr, path.len);
  m.path[path.len] = '\0';
  m.body = malloc(body.len + 1);
  m.body_len = body.len;
  if (body.len) memcpy(m.body, body.ptr, body.len);
  w->mail[w->mail_cnt++] = m;
}

static inline cf_now_t now_of(world_t const *w, unsigned node) {
  return (cf_now_t){.mono_ms = w->mono_ms, .wall_ms = (uint64_t)((int64_t)w->wall_s + w->node[node].clock_s) * 1000};
}

static inline unsigned peer_of(world_t const *w, unsigned node, unsigned peer) {
  if (node == GATE) return WITNESS + peer;
  return peer == PEER_GATEWAY ? GATE : w->ledger;
}

static inline void ask(world_t *w, unsigned from, uint64_t id, unsigned to, cf_span_t name, cf_span_t body) {
  uint64_t token = w->tokens++ % CF_COUNT_OF(w->token);
  w->token[token].node = to;
  w->token[token].from = from;
  w->token[token].ask = id;
  w->token[token].open = true;
  node_t *n = &w->node[to];
  if (n->down || n->dead || n->exit_code >= 0) {
    w->token[token].open = false;
    if (from != CLIENT)
      post(w, (mail_t){.kind = CF_EV_DONE, .node = from, .id = id, .status = CF_ERR_IO}, CF_SPAN(NULL, 0), CF_SPAN(NULL, 0));
    return;
  }
  post(w, (mail_t){.kind = CF_EV_REQUEST, .node = to, .id = token + 1}, name, body);
}

static inline void reply(world_t *w, uint64_t token, unsigned code, cf_span_t body) {
  assert_true(token && w->token[token - 1].open); /* answered once */
  w->token[token - 1].open = false;
  unsigned from = w->token[token - 1].from;
  if (from != CLIENT) {
    post(w, (mail_t){.kind = CF_EV_DONE, .node = from, .id = w->token[token - 1].ask, .code = code}, CF_SPAN(NULL, 0), body);
    return;
  }
  assert_true(body.len <= sizeof w->answer);
  w->answered = true;
  w->codes[code]++;
  w->code = code;
  w->answer_len = body.len;
  memcpy(w->answer, body.ptr, body.len);
}

static inline void durable(node_t *n, cf_effect_t const *e) {
  n->dead = n->puts_left == 0;
  if (n->dead) return;
  n->puts_left--;
  assert_true(mem_perform(&n->dir, e));
  n->dead = n->last_put && n->puts_left == 0;
}

static inline void perform(world_t *w, unsigned node, cf_effects_t const *fx) {
  node_t *n = &w->node[node];
  for (size_t i = 0; i < fx->cnt && !n->dead; i++) {
    cf_effect_t const *e = &fx->at[i];
    mem_file_t const  *f;
    cf_span_t          list;
    switch (e->kind) {
    case CF_FX_PUT:
    case CF_FX_APPEND:
    case CF_FX_REMOVE:
      durable(n, e);
      break;
    case CF_FX_GET:
      f = mem_find(&n->dir, e->name);
      post(w, (mail_t){.kind = CF_EV_DONE, .node = node, .id = e->id, .code = f ? 200 : 404}, CF_SPAN(NULL, 0),
           f ? CF_SPAN(f->bytes, f->len) : CF_SPAN(NULL, 0));
      break;
    case CF_FX_LIST:
      list = mem_list(&n->dir, e->name);
      post(w, (mail_t){.kind = CF_EV_DONE, .node = node, .id = e->id, .code = 200}, CF_SPAN(NULL, 0), list);
      free((void *)(uintptr_t)list.ptr);
      break;
    case CF_FX_ASK:
      ask(w, node, e->id, peer_of(w, node, e->peer), e->name, e->body);
      break;
    case CF_FX_REPLY:
      reply(w, e->id, e->code, e->body);
      break;
    case CF_FX_EXIT:
      n->exit_code = (int)e->code;
      break;
    case CF_FX_LOG:
      snprintf(w->line, sizeof w->line, "%.*s", (int)e->body.len, (char const *)e->body.ptr);
      w->lines++;
      break;
    case CF_FX_WAKE:
      break;
    case CF_FX_STORE:
    case CF_FX_SCAN:
      fail_msg("no core here does that");
      break;
    }
  }
}

static inline void step_node(world_t *w, unsigned node, cf_event_t *ev) {
  node_t *n = &w->node[node];
  if (n->dead || n->exit_code >= 0) return;
  ev->now = now_of(w, node);
  w->step.fx = (cf_effects_t){.scratch = w->big, .scratch_max = sizeof w->big};
  n->step(n->core, &w->step.fx, ev);
  perform(w, node, &w->step.fx);
}

static inline void run(world_t *w) {
  while (w->mail_cnt) {
    mail_t m = w->mail[0];
    memmove(w->mail, w->mail + 1, --w->mail_cnt * sizeof m);
    cf_event_t ev = {.kind = m.kind,
                     .id = m.id,
                     .status = m.status,
                     .code = m.code,
                     .path = SPAN_STR(m.path),
                     .body = CF_SPAN(m.body, m.body_len)};
    step_node(w, m.node, &ev);
    free(m.body);
  }
}

static inline void start(world_t *w, unsigned node) {
  cf_event_t ev = {.kind = CF_EV_START};
  w->node[node].exit_code = -1;
  w->node[node].dead = false;
  w->node[node].last_put = false;
  w->node[node].puts_left = SIZE_MAX;
  step_node(w, node, &ev);
  run(w);
}

/* Time passes, in ticks for everybody. */
static inline void pass(world_t *w, uint64_t seconds) {
  w->wall_s += seconds;
  w->mono_ms += seconds * 1000;
  for (unsigned i = 0; i < NODES; i++) {
    cf_event_t ev = {.kind = CF_EV_TICK};
    if (w->node[i].step) step_node(w, i, &ev);
    run(w);
  }
}

static inline unsigned request(world_t *w, unsigned node, char const *path, cf_span_t body) {
  w->answered = false;
  ask(w, CLIENT, 0, node, SPAN_STR(path), body);
  run(w);
  return w->answered ? w->code : 0;
}

static inline cf_span_t answer_of(world_t const *w) { return CF_SPAN(w->answer, w->answer_len); }

/* The refusal's type is urn:counterfoil:<class>. */
static inline void assert_refused(world_t const *w, unsigned code, char const *class) {
  char       type[128], want[128];
  cf_json_t  json;
  cf_error_t err = {0};
  assert_true(w->answered);
  if (w->code == 200) fail_msg("answered, not refused %s", class);
  assert_int_equal(cf_json_parse(&json, answer_of(w), &err), CF_OK);
  assert_int_equal(cf_json_str(type, sizeof type, cf_json_get(json, "type")), CF_OK);
  snprintf(want, sizeof want, "urn:counterfoil:%s", class);
  if (strcmp(type, want)) fail_msg("refused %s, not %s: %.*s", type, want, (int)w->answer_len, (char const *)w->answer);
  assert_int_equal(w->code, code);
}

/* ---- the gateway's log side ---- */

static inline void gate_step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  world_t  *w = core;
  gate_t   *g = &w->gate;
  cf_span_t path = ev->path;
  if (ev->kind == CF_EV_START) {
    cf_logwriter_start(&g->w, fx);
  } else if (ev->kind == CF_EV_DONE || ev->kind == CF_EV_TICK) {
    if (!cf_logwriter_step(&g->w, fx, ev)) (void)cf_publisher_step(&g->p, fx, ev);
  } else if (cf_span_eq(path, CF_SPAN_LIT("GET /v1/checkpoint"))) {
    cf_span_t note = g->forged_note.len ? g->forged_note : cf_publisher_note(&g->p);
    cf_fx_reply(fx, ev->id, note.len ? 200 : 404, "text/plain", note);
  } else {
    assert_memory_equal(path.ptr, "GET /log/", 9);
    mem_file_t const *f = mem_find(g->forged_log ? g->forged_log : &w->node[GATE].dir, CF_SPAN(path.ptr + 5, path.len - 5));
    if (g->missing && cf_span_eq(SPAN_STR(g->missing), path)) f = NULL;
    cf_fx_reply(fx, ev->id, f ? 200 : 404, "application/octet-stream", f ? CF_SPAN(f->bytes, f->len) : CF_SPAN(NULL, 0));
  }
}

static inline void gate_open(world_t *w) {
  gate_t    *g = &w->gate;
  cf_error_t err = {0};
  cf_hash_t  seed = example_hash("log", 0);
  memcpy(g->seed, seed.b, 32);
  cf_logwriter_init(&g->w, &(cf_logwriter_config_t){.log = w->domain.witnesses.log,
                                                    .seed = g->seed,
                                                    .cap = 4096,
                                                    .journal = "journal",
                                                    .id = 7,
                                                    .mem = malloc(cf_logwriter_mem_sz(4096)),
                                                    .key = cf_log_entry_key});
  cf_publisher_config_t cfg = {.set = w->domain.witnesses, .peer = {0, 1, 2, 3}, .reader = cf_logwriter_reader(&g->w), .id = 100};
  assert_int_equal(cf_publisher_init(&g->p, &cfg, &err), CF_OK);
  w->node[GATE].core = w;
  w->node[GATE].step = gate_step;
  start(w, GATE);
  assert_int_equal(g->w.phase, CF_LOGWRITER_READY);
}

/* Appends an entry without a quorum yet; returns its index. */
static uint64_t append(world_t *w, cf_span_t entry) {
  cf_log_entry_t e = {.bytes = entry, .key = cf_log_entry_key(entry)};
  w->step.fx = (cf_effects_t){.scratch = w->big, .scratch_max = sizeof w->big};
  assert_int_equal(cf_logwriter_append(&w->gate.w, &w->step.fx, &e, 1, NULL), CF_OK);
  cf_logwriter_publish(&w->gate.w, &w->step.fx);
  perform(w, GATE, &w->step.fx);
  return e.index;
}

static inline void cosign(world_t *w) {
  w->step.fx = (cf_effects_t){.scratch = w->big, .scratch_max = sizeof w->big};
  assert_int_equal(cf_publisher_grown(&w->gate.p, &w->step.fx, now_of(w, GATE), cf_logwriter_note(&w->gate.w), NULL), CF_OK);
  perform(w, GATE, &w->step.fx);
  run(w);
  assert_int_equal(w->gate.p.cosigned.size, w->gate.w.size);
}

static uint64_t log_entry(world_t *w, cf_span_t entry) {
  uint64_t index = append(w, entry);
  cosign(w);
  return index;
}

/* A canonical note for any head by any of the witnesses (mask), at any time. */
static inline cf_span_t forge_note(world_t *w, uint8_t *buf, size_t max, uint64_t size, cf_hash_t const *root, unsigned mask,
                                   uint64_t time_s) {
  uint8_t    text[512], sig[64];
  cf_wr_t    t = cf_wr_init(text, sizeof text), wr = cf_wr_init(buf, max);
  cf_cosig_t cosig[CF_WITNESSES_MAX] = {{0}};
  cf_checkpoint_format(&t, cf_vkey_name(&w->domain.witnesses.log), size, root);
  cf_ed25519_sign(sig, w->gate.seed, cf_wr_out(&t));
  for (unsigned i = 0; i < 4; i++)
    if (mask >> i & 1) cf_cosig_make(&cosig[i], w->witness_seed[i], time_s, cf_wr_out(&t));
  cf_checkpoint_compose(&wr, cf_wr_out(&t), &w->domain.witnesses, sig, cosig);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

/* Each request is a burst of its own. */
static inline void witness_step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  cf_witness_step(core, fx, ev);
  if (ev->kind == CF_EV_REQUEST) cf_witness_step(core, fx, &(cf_event_t){.kind = CF_EV_TICK, .now = ev->now});
}

static inline void ledger_step(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_ledgerd_step(core, fx, ev); }

/* ---- the world ---- */

static inline void world_open(world_t *w) { /* ex is initialised, and may have been changed */
  cf_error_t err = {0};
  example_found(&w->ex);
  if (cf_domain_open(&w->domain, w->ex.genesis_entry, NULL, &err)) fail_msg("%s: %s", err.item, err.text);
  w->wall_s = T0 + 1000;
  w->mono_ms = 1000000;
  w->ledger = LEDGER;
  for (unsigned i = 0; i < NODES; i++) w->node[i].exit_code = -1, w->node[i].puts_left = SIZE_MAX;
  for (unsigned i = 0; i < 4; i++) {
    cf_hash_t seed = example_hash("witness", i);
    memcpy(w->witness_seed[i], seed.b, 32);
    cf_witness_init(&w->witness[i], &w->domain.witnesses.member[i], w->witness_seed[i]);
    assert_int_equal(cf_witness_trust(&w->witness[i], &w->domain.witnesses.log), CF_OK);
    w->node[WITNESS + i].core = &w->witness[i];
    w->node[WITNESS + i].step = witness_step;
    start(w, WITNESS + i);
  }
  w->block_scalar = example_hash("block", 0);
  for (unsigned i = 0; i < 2 && w->domain.block0.config.embedded; i++) { /* else a test has a chain */
    cf_ledgerd_init(&w->ledgerd[i], &(cf_ledgerd_config_t){.genesis = &w->domain.block0, .scalar = w->block_scalar.b});
    w->node[LEDGER + i].core = &w->ledgerd[i];
    w->node[LEDGER + i].step = ledger_step;
    start(w, LEDGER + i);
  }
  gate_open(w);
}

static inline void world_close(world_t *w) {
  for (unsigned i = 0; i < NODES; i++) mem_free(&w->node[i].dir);
  for (unsigned i = 0; i < 2 && w->domain.block0.config.embedded; i++) cf_ledgerd_fini(&w->ledgerd[i]);
  free(w->gate.w.cfg.mem);
  cf_p256_key_free(w->member_key);
}

/* Entries 0 and 1. */
static inline void world_found(world_t *w) {
  assert_int_equal(log_entry(w, w->ex.genesis_entry), 0);
  example_deploy(&w->ex, &w->ledgerd[0].chain.hash);
  assert_int_equal(log_entry(w, w->ex.deployment_entry), 1);
}

/* ---- instances and their entries ---- */

static uint8_t entry_buf[CF_ENTRY_MAX];
#define BUF entry_buf, sizeof entry_buf

static inline void boot(world_t *w, instance_t *i) { i->boot = log_entry(w, entry_boot(BUF, &w->ex, i)); }

static inline uint64_t certificate(world_t *w, instance_t *i) { return log_entry(w, entry_certificate(BUF, &w->ex, i)); }

static inline void results(world_t *w, instance_t const *i) {
  for (unsigned m = 1; m < 3; m++) (void)log_entry(w, entry_result(BUF, &w->ex, i, m));
}

/* Logs receipt number sequence of i behind *hash and *state, which move on. */
static inline void receipt(world_t *w, instance_t const *i, uint64_t sequence, cf_hash_t *hash, cf_hash_t *state) {
  cf_hash_t    after = example_hash("state", (unsigned)(100 * i->n + sequence));
  cf_receipt_t doc = example_receipt(&w->ex, i, sequence, hash, state, &after);
  (void)log_entry(w, entry_receipt(BUF, hash, &doc, i->receipt));
  *state = after;
}

static inline void first_receipt(world_t const *w, cf_hash_t *hash, cf_hash_t *state) {
  *hash = cf_receipt_first_previous(&w->ex.domain);
  *state = cf_receipt_first_state(&w->ex.domain);
}

#endif
