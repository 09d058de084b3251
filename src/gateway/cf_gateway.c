#include "gateway/cf_gateway.h"

#include "gateway/cf_chainside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/cf_json.h"

/* ---- memory: one table of blocks, counted and laid out ---- */

#define JOURNAL "gateway/journal" /* of the log */
#define KEEP_SZ (CF_FRAME_MAX + (1u << 20))
#define LEAVES_SZ ((2 * 16384 + 64) * sizeof(cf_hash_t))
#define ACTS_SZ (CF_SETTLE_FLIGHT_MAX * (4 + (size_t)CF_CALL_MAX))
#define FRAME_SZ (4 + CF_BATCH_BYTES + 64)
#define STORE_SZ (CF_PROMISED_BYTES + (1u << 20))

static struct {
  size_t at; /* of the pointer in cf_gateway_t */
  size_t sz;
} const blocks[] = {
#define BLOCK(member, bytes)                                                                                                     \
  { offsetof(cf_gateway_t, member), (bytes) }
#define SLOT(i)                                                                                                                  \
  BLOCK(slot[i].frame, FRAME_SZ), BLOCK(slot[i].item, CF_BATCH_MAX * sizeof(cf_item_t)),                                         \
      BLOCK(slot[i].item_of, CF_BATCH_MAX * sizeof(uint32_t))
  SLOT(0),
  SLOT(1),
  SLOT(2),
  SLOT(3),
  BLOCK(row, CF_RECEIPT_ROWS * sizeof(cf_row_t)),
  BLOCK(ids, CF_BATCH_MAX * sizeof(cf_hash_t)),
  BLOCK(queue, CF_QUEUE_BYTES),
  BLOCK(body, CF_BODIES_MAX * sizeof(cf_body_t)),
  BLOCK(acts, ACTS_SZ),
  BLOCK(promised_bytes, CF_PROMISED_BYTES),
  BLOCK(ask, CF_FRAME_MAX),
  BLOCK(show, CF_SHOW_BYTES),
  BLOCK(keep, KEEP_SZ),
  BLOCK(archive, CF_ARCHIVE_BYTES),
  BLOCK(answer, CF_ANSWER_BYTES),
  BLOCK(release, CF_RELEASE_BYTES),
  BLOCK(leaves, LEAVES_SZ),
  BLOCK(store, STORE_SZ),
};
_Static_assert(CF_BATCH_SLOTS == 4, "the table above has a row for each");

static size_t
round64(size_t n) {
  return (n + 63) & ~(size_t)63;
}

static bool
in_bounds(cf_gateway_config_t const *c) {
  bool cap = c->log_cap >= CF_LOGWRITER_CAP_MIN && c->log_cap <= CF_LOGWRITER_CAP_MAX && !(c->log_cap & (c->log_cap - 1));
  return cap && c->batch_max && c->batch_max <= CF_BATCH_MAX && c->envelope_max && c->envelope_max <= CF_BATCH_BYTES / 2 &&
         c->index_cap >= 1024 && c->index_cap >= 2 * c->batch_max && c->index_cap < UINT32_MAX / 4;
}

size_t
cf_gateway_sz(cf_gateway_config_t const *cfg) {
  size_t sz = round64(sizeof(cf_gateway_t));
  if (!in_bounds(cfg)) return 0;
  for (size_t i = 0; i < CF_COUNT_OF(blocks); i++) sz += round64(blocks[i].sz);
  if (cfg->evm.nodes) sz += round64(sizeof(cf_evm_side_t));
  return sz + round64(cf_index_sz(cfg->index_cap)) + round64(cf_logwriter_mem_sz(cfg->log_cap));
}

/* Memory is zeroed by the caller, and what is never used is never touched. */
static void
lay(cf_gateway_t *g, uint8_t **index, uint8_t **writer) {
  uint8_t *at = (uint8_t *)g + round64(sizeof *g);
  for (size_t i = 0; i < CF_COUNT_OF(blocks); i++) {
    memcpy((uint8_t *)g + blocks[i].at, &at, sizeof at);
    at += round64(blocks[i].sz);
  }
  if (g->cfg.evm.nodes) {
    g->evm = (cf_evm_side_t *)(void *)at;
    at += round64(sizeof(cf_evm_side_t));
  }
  *index  = at;
  *writer = at + round64(cf_index_sz(g->cfg.index_cap));
}

/* ---- init ---- */

/* The keys that we were given must be those that genesis names: what they sign would be refused everywhere. */
static cf_status_t
check_keys(cf_gateway_t const *g, cf_error_t *err) {
  cf_ed25519_pub_t log;
  cf_p256_pub_t    pub;
  cf_ed25519_pub(&log, g->cfg.log_seed);
  cf_p256_key_pub(g->cfg.key, &pub);
  if (memcmp(log.b, g->domain.genesis.log.ed25519, 32))
    return cf_error_set(err, CF_ERR_POLICY, "log_seed", 0, "is not the seed of genesis' log key");
  for (size_t i = 0; i < g->domain.policy.gateway_keys_cnt; i++)
    if (!memcmp(pub.b, g->domain.policy.gateway_keys[i], 64)) return CF_OK;
  return cf_error_set(err, CF_ERR_POLICY, "key", 0, "is not a gateway key of policy");
}

/* What it says runs there is what proofs of slots are held to. */
static cf_status_t
check_deployment(cf_gateway_t *g, cf_error_t *err) {
  cf_error_t  why = { 0 };
  cf_status_t st  = cf_domain_deployment(&g->domain.ledger.code_hash, &g->domain, g->cfg.deployment, &why);
  return st ? cf_error_set(err, st, "deployment", why.offset, "%.32s %.120s", why.item, why.text) : CF_OK;
}

cf_status_t
cf_gateway_init(cf_gateway_t **out, void *mem, size_t mem_sz, cf_gateway_config_t const *cfg, cf_error_t *err) {
  size_t want = cf_gateway_sz(cfg);
  if (!want || mem_sz < want)
    return cf_error_set(err, CF_ERR_BOUND, "gateway", 0, "the configuration is out of bounds, or needs more memory");
  cf_gateway_t *g = mem;
  uint8_t      *index, *writer;
  g->cfg = *cfg;
  lay(g, &index, &writer);
  cf_status_t st = cf_domain_open(&g->domain, g->cfg.genesis, NULL, err);
  if (!st) st = check_keys(g, err);
  if (!st && (cfg->evm.nodes != 0) != (g->domain.genesis.ledger.kind == 2))
    st = cf_error_set(err, CF_ERR_POLICY, "evm", 0, "genesis' ledger is of the other kind");
  if (!st && cfg->evm.nodes && !cfg->deployment.len)
    st = cf_error_set(err, CF_ERR_POLICY, "deployment", 0, "of a ledger on a chain it must be given");
  if (!st && cfg->deployment.len) st = check_deployment(g, err);
  if (!st && g->evm) st = cf_chainside_init(g, err);
  if (st) return st;
  memcpy(g->issuer, g->domain.witnesses.log.name, sizeof g->issuer);
  cf_index_init(&g->index, cfg->index_cap, index);
  cf_logwriter_init(&g->writer, &(cf_logwriter_config_t){ .log       = g->domain.witnesses.log,
                                                          .seed      = cfg->log_seed,
                                                          .cap       = cfg->log_cap,
                                                          .mem       = writer,
                                                          .journal   = JOURNAL,
                                                          .id        = CF_ID_WRITER,
                                                          .key       = cf_log_entry_key,
                                                          .recovered = cf_logside_recovered,
                                                          .ctx       = g });
  cf_publisher_config_t pub = { .set = g->domain.witnesses, .reader = cf_logwriter_reader(&g->writer), .id = CF_ID_PUBLISHER };
  memcpy(pub.peer, cfg->witness, sizeof pub.peer);
  st = cf_publisher_init(&g->publisher, &pub, err);
  cf_history_init(&g->history, &g->domain.id, &g->domain.genesis, &g->domain.policy);
  g->boot_index               = CF_NO_INDEX;
  g->results_file             = 1;
  g->replayed                 = UINT64_MAX;
  g->first_unsettled          = 1;
  g->attest.certificate_index = CF_NO_INDEX;
  *out                        = g;
  return st;
}

void
cf_gateway_fini(cf_gateway_t *g) {
  if (g->views.open) cf_chain_fini(&g->views.chain);
  g->views.open = false;
  if (g->evm) free(g->evm->state.messages);
}

/* ---- small things for all files ---- */

void
cf_gateway_public(cf_effects_t *fx, size_t from) {
  for (size_t i = from; i < fx->cnt; i++) {
    cf_effect_t *e       = &fx->at[i];
    e->side              = true;
    bool         file    = e->kind == CF_FX_PUT || e->kind == CF_FX_APPEND || e->kind == CF_FX_REMOVE || e->kind == CF_FX_GET ||
                e->kind == CF_FX_LIST;
    bool         journal = e->name.len >= sizeof JOURNAL - 1 && !memcmp(e->name.ptr, JOURNAL, sizeof JOURNAL - 1);
    if (file && !journal) e->name = cf_fx_printf(fx, "public/%.*s", (int)e->name.len, (char const *)e->name.ptr);
  }
}

void
cf_gateway_say(cf_gateway_t *g, cf_effects_t *fx, cf_line_level_t level, cf_public_text_t event, cf_public_text_t reason,
               uint64_t count) {
  cf_wr_t   wr   = cf_wr_init(cf_fx_room(fx, 512), 512);
  cf_line_t line = cf_line_begin(&wr, g->now, level, event);
  cf_line_put(&line, CF_FIELD_REASON, reason);
  cf_line_put(&line, CF_FIELD_COUNT, cf_public_u64(count));
  cf_line_end(&line);
  if (!wr.bad) cf_fx(fx, CF_FX_LOG)->body = cf_wr_out(&wr);
}

bool
cf_gateway_refusal(char class[CF_CLASS_MAX], cf_span_t problem) {
  static char const prefix[] = "urn:counterfoil:";
  cf_json_t         top;
  char              type[96];
  if (cf_json_parse(&top, problem, NULL) || cf_json_str(type, sizeof type, cf_json_get(top, "type"))) return false;
  snprintf(class, CF_CLASS_MAX, "%.47s", strncmp(type, prefix, sizeof prefix - 1) ? type : type + sizeof prefix - 1);
  return true;
}

/* The writes so far become one commit; later ones of the step begin another, behind them in the same buffer. */
void
cf_gateway_store(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->writes.len <= 8) return;
  assert(!g->writes.bad); /* the buffer is larger than all that may be promised */
  cf_fx(fx, CF_FX_STORE)->body = cf_wr_out(&g->writes);
  g->writes                    = cf_wr_init(g->writes.buf + g->writes.len, g->writes.max - g->writes.len);
  cf_store_begin(&g->writes, g->fence);
}

cf_mode_rule_t
cf_gateway_mode(cf_gateway_t const *g) {
  uint64_t        now = g->now.mono_ms, now_s = cf_now_s(g);
  cf_mode_facts_t f = { .paused           = g->views.paused,
                        .enclave_up       = g->enclave_up,
                        .started          = g->step == CF_STEP_SERVING,
                        .lease_held       = true,
                        .attested_ago_s   = g->attest.attested_s < now_s ? now_s - g->attest.attested_s : 0,
                        .attest_max_age_s = g->domain.policy.attest_max_age_s,
                        .quorum_wait_ms   = g->publisher.cosigned.size < g->writer.size ? now - g->quorum_ms : 0,
                        .ledger_silent_ms = g->evm && g->evm->sender.halt ? UINT64_MAX /* nothing settles until the operator resumes */
                                            : g->views.silent_since_ms    ? now - g->views.silent_since_ms
                                                                          : 0 };
  return cf_modes_of(&f);
}

char const *
cf_gateway_missing(cf_gateway_t const *g) {
  static char const *const names[] = { "log",         "index",       "entries", "enclave",        "adopt",
                                       "files",       "boot",        "journal", "feed",           "fence",
                                       "certificate", "verifiers",   "results", "possess",        "register",
                                       "view",        "first-batch", "",        "enclave-restart" };
  bool                     waits =
      g->step == CF_STEP_ENTRIES || g->step == CF_STEP_FEED || g->step == CF_STEP_CERTIFICATE || g->step == CF_STEP_RESULTS;
  if (g->step == CF_STEP_ENTRIES && g->writer.phase == CF_LOGWRITER_READY && g->writer.size == 1 && !g->cfg.deployment.len)
    return "deployment";
  if (waits && g->publisher.cosigned.size < g->writer.size) return "witnesses";
  if (g->step == CF_STEP_HALTED && g->halted != CF_REFUSE_PHASE) return cf_refuse_name(g->halted);
  return names[g->step];
}

cf_gateway_status_t
cf_gateway_status(cf_gateway_t const *g) {
  return (cf_gateway_status_t){ .mode        = cf_gateway_mode(g).mode,
                                .missing     = cf_gateway_missing(g),
                                .epoch       = g->attest.certificate_len ? g->attest.epoch.epoch : 0,
                                .sequence    = g->sequence,
                                .logged      = g->logged,
                                .log_size    = g->writer.size,
                                .cosigned    = g->publisher.cosigned.size,
                                .shown       = g->shown,
                                .block       = g->views.shown ? g->views.shown - 1 : 0,
                                .settlements = g->settlements,
                                .settled     = g->settled_cnt,
                                .promises    = g->promised_cnt };
}

/* ---- the step ---- */

static void
on_launcher(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_rd_t rd      = cf_rd_span(ev->body);
  uint8_t version = cf_rd_u8(&rd), type = cf_rd_u8(&rd), class = cf_rd_u8(&rd);
  bool    ok = !ev->status && !rd.bad && version == 1 && class == 0;
  if (ev->id == g->fresh_id && g->fresh_request) {
    cf_front_bundle(g, fx, g->fresh_request, ok && type == 1 ? cf_rd_sized(&rd) : CF_SPAN(NULL, 0));
  } else if (ev->id == g->activate_id && g->activate_request) {
    uint64_t request    = g->activate_request;
    g->activate_request = 0;
    if (ok && type == 3)
      cf_fx_reply(fx, request, 200, "application/octet-stream", cf_fx_dup(fx, cf_rd_take_span(&rd, cf_rd_left(&rd))));
    else cf_front_problem(g, fx, request, ev->status ? 503 : 403, "activate", "the launcher did not answer this challenge");
  }
}

static void
on_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  if (cf_chainside_mine(g, ev->id)) {
    cf_chainside_done(g, fx, ev);
    return;
  }
  if (ev->id < CF_ID_ENCLAVE) {
    cf_logside_done(g, fx, ev);
    return;
  }
  switch (ev->id & 0xff) {
  case CF_ID_APPENDED: g->appending = g->appending == ev->id ? 0 : g->appending; return;
  case CF_ID_BUNDLE: cf_logside_bundle(g, fx, ev); return;
  case CF_ID_FRESH:
  case CF_ID_ACTIVATE: on_launcher(g, fx, ev); return;
  case CF_ID_EVIDENCE:
  case CF_ID_CHALLENGED:
  case CF_ID_NONCE:
  case CF_ID_CHALLENGE:
  case CF_ID_ANSWER:
  case CF_ID_STATEMENT:
  case CF_ID_ATTEST: cf_attest_done(g, fx, ev); return;
  case CF_ID_FINALITY:
  case CF_ID_BLOCK: cf_views_done(g, fx, ev); return;
  case CF_ID_ACTS:
  case CF_ID_BODY: cf_settler_done(g, fx, ev); return;
  case CF_ID_LOOKUP: cf_releases_read(g, fx, ev); return;
  case CF_ID_SCAN:
  case CF_ID_MANIFEST:
  case CF_ID_RESULTS_LIST:
  case CF_ID_RESULTS: cf_start_done(g, fx, ev); return;
  case CF_ID_SNAPSHOT:
  case CF_ID_JOURNAL_LIST:
  case CF_ID_JOURNAL: cf_boot_done(g, fx, ev); return;
  default: cf_leader_done(g, fx, ev); return;
  }
}

static void
on_stop(cf_gateway_t *g) {
  if (g->stopping) return;
  g->stopping   = true;
  g->stop_at_ms = g->now.mono_ms + CF_GATEWAY_DRAIN_MS;
}

/* Ends when nothing is under way that would be lost; what waits longer is in the journal. */
static void
maybe_end(cf_gateway_t *g, cf_effects_t *fx) {
  bool idle = !g->enclave_id && !g->slots_used && !g->queued_cnt && g->step != CF_STEP_LOG;
  if (!idle && g->now.mono_ms < g->stop_at_ms) return;
  cf_fx(fx, CF_FX_EXIT)->code = 0;
}

static void
go_on(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_attest_go(g, fx);
  cf_views_go(g, fx);
  cf_settler_go(g, fx);
  cf_leader_go(g, fx);
  cf_logside_go(g, fx);
  unsigned mode = cf_gateway_mode(g).mode;
  if (mode != g->mode) g->mode_since_ms = g->now.mono_ms;
  g->mode = mode;
  if (g->evm) cf_chainside_go(g, fx, ev);
  if (g->stopping) maybe_end(g, fx);
}

void
cf_gateway_step(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  g->now     = ev->now;
  g->answers = cf_wr_init(g->answer, CF_ANSWER_BYTES);
  g->writes  = cf_wr_init(g->store, STORE_SZ);
  cf_store_begin(&g->writes, g->fence);
  switch (ev->kind) {
  case CF_EV_START: cf_start_begin(g, fx); break;
  case CF_EV_REQUEST: cf_front_request(g, fx, ev); break; /* a batch is made at the burst's end */
  case CF_EV_DONE: on_done(g, fx, ev); break;
  case CF_EV_TICK:
    if (g->now.mono_ms - g->last_input_ms >= CF_IDLE_MS) g->quiet = true; /* requests come before the tick that follows them */
    cf_logside_tick(g, fx, ev);
    break;
  case CF_EV_STOP: on_stop(g); break;
  }
  if (ev->kind != CF_EV_REQUEST && ev->kind != CF_EV_START) go_on(g, fx, ev);
  cf_gateway_store(g, fx);
}
