#include "council/cf_follow.h"

#include <assert.h>

#include "translog/cf_tile.h"

#define FILE_VERSION 1
enum { ID_FILE, ID_NOTE, ID_ENTRIES };

char const *cf_follow_name(cf_follow_result_t r) {
  static char const *const names[CF_FOLLOW_RESULTS] = {"ok",   "unreachable", "malformed", "signature", "quorum",
                                                       "back", "fork",        "genesis",   "bound"};
  return names[r];
}

static void state_init(cf_follow_state_t *s, cf_domain_t const *d) {
  memset(s, 0, offsetof(cf_follow_state_t, history));
  s->before.index = CF_NO_INDEX;
  cf_history_init(&s->history, &d->id, &d->genesis, &d->policy);
}

void cf_follow_init(cf_follow_t *f, cf_follow_config_t const *cfg) {
  memset(f, 0, offsetof(cf_follow_t, now));
  f->cfg = *cfg;
  state_init(&f->now, cfg->domain);
}

static void state_copy(cf_follow_state_t *to, cf_follow_state_t const *from) {
  memcpy(to, from, offsetof(cf_follow_state_t, history));
  cf_history_copy(&to->history, &from->history);
}

static cf_follow_step_t ended(cf_follow_t *f, cf_follow_result_t result) {
  f->result = result;
  f->phase = CF_FOLLOW_IDLE;
  return CF_FOLLOW_ENDED;
}

/* ---- what is kept ---- */

static cf_span_t encode(cf_follow_t *f) {
  cf_follow_state_t const *s = &f->now;
  cf_wr_t                  wr = cf_wr_init(f->file, sizeof f->file);
  cf_wr_u8(&wr, FILE_VERSION);
  cf_wr_hash(&wr, &f->cfg.domain->id);
  cf_wr_u64(&wr, s->head.time_s);
  cf_frontier_encode(&wr, &s->frontier);
  cf_wr_u64(&wr, s->before.index);
  cf_wr_u8(&wr, s->before.certified);
  cf_wr_hash(&wr, &s->before.commitment);
  cf_wr_u64(&wr, s->before.tip_sequence);
  cf_wr_hash(&wr, &s->before.tip_hash);
  cf_wr_u64(&wr, s->before.sequence);
  cf_wr_hash(&wr, &s->before.hash);
  cf_wr_hash(&wr, &s->deployment);
  cf_history_encode(&wr, &s->history);
  assert(!wr.bad);
  return cf_wr_out(&wr);
}

static cf_status_t decode(cf_follow_state_t *s, cf_hash_t const *domain, cf_span_t in) {
  cf_rd_t     rd = cf_rd_span(in);
  uint8_t     version = cf_rd_u8(&rd);
  cf_hash_t   whose = cf_rd_hash(&rd);
  uint64_t    time_s = cf_rd_u64(&rd);
  cf_status_t st = cf_frontier_decode(&s->frontier, &rd);
  if (st || version != FILE_VERSION || !cf_hash_eq(&whose, domain)) return CF_ERR_FORMAT;
  s->before.index = cf_rd_u64(&rd);
  uint8_t certified = cf_rd_u8(&rd);
  s->before.certified = certified == 1;
  s->before.commitment = cf_rd_hash(&rd);
  s->before.tip_sequence = cf_rd_u64(&rd);
  s->before.tip_hash = cf_rd_hash(&rd);
  s->before.sequence = cf_rd_u64(&rd);
  s->before.hash = cf_rd_hash(&rd);
  s->deployment = cf_rd_hash(&rd);
  st = cf_history_decode(&s->history, &rd);
  if (st || !cf_rd_done(&rd) || certified > 1 || s->history.next != s->frontier.size || s->frontier.size == 0)
    return CF_ERR_FORMAT;
  s->head = (cf_cosigned_t){.size = s->frontier.size, .root = cf_frontier_root(&s->frontier), .time_s = time_s};
  return CF_OK;
}

void cf_follow_start(cf_follow_t *f, cf_effects_t *fx) {
  f->phase = CF_FOLLOW_LOADING;
  cf_fx_get(fx, f->cfg.id + ID_FILE, CF_SPAN_LIT(CF_FOLLOW_FILE));
}

static cf_follow_step_t on_file(cf_follow_t *f, cf_event_t const *ev) {
  if (!ev->status && ev->code == 404) return ended(f, CF_FOLLOW_OK);
  if (!ev->status && decode(&f->now, &f->cfg.domain->id, ev->body) == CF_OK) return ended(f, CF_FOLLOW_OK);
  f->result = CF_FOLLOW_MALFORMED;
  f->phase = CF_FOLLOW_BROKEN;
  return CF_FOLLOW_ENDED;
}

/* ---- the first two entries ---- */

static bool is_genesis(cf_domain_t const *d, cf_span_t entry) {
  cf_sign1_t       s;
  cf_council_doc_t doc;
  if (cf_sign1_decode(&s, entry, cf_genesis_table.typ, NULL) || cf_council_doc_decode(&doc, s.payload, NULL)) return false;
  cf_hash_t domain = cf_domain(doc.body);
  return cf_hash_eq(&domain, &d->id);
}

/* ---- a round ---- */

static void on_history(void *ctx, cf_history_event_t const *ev) {
  cf_follow_state_t *s = ctx;
  if (ev->kind != CF_HISTORY_BOOTED) return;
  cf_history_boot_t const *c = cf_history_certified(&s->history);
  s->before =
      (cf_follow_before_t){.index = ev->index, .certified = c != NULL, .sequence = s->history.sequence, .hash = s->history.hash};
  if (!c) return;
  s->before.commitment = c->commitment;
  s->before.tip_sequence = c->tip_sequence;
  s->before.tip_hash = c->tip_hash;
}

static cf_follow_result_t read_entry(cf_follow_t *f, cf_span_t entry) {
  cf_follow_state_t *s = &f->next;
  uint64_t           index = s->frontier.size;
  cf_hash_t          leaf = cf_tree_leaf(entry);
  cf_frontier_add(&s->frontier, &leaf);
  if (index == 0 && !is_genesis(f->cfg.domain, entry)) return CF_FOLLOW_GENESIS;
  if (index == 1 && cf_domain_deployment(&s->deployment, f->cfg.domain, entry, NULL)) return CF_FOLLOW_GENESIS;
  return cf_history_feed(&s->history, index, entry, on_history, s) ? CF_FOLLOW_BOUND : CF_FOLLOW_OK;
}

static cf_tile_t next_bundle(cf_follow_t const *f) {
  uint64_t index = f->next.frontier.size / CF_TILE_WIDTH, left = f->target.size - index * CF_TILE_WIDTH;
  bool     full = left >= CF_TILE_WIDTH || f->whole;
  return (cf_tile_t){.row = CF_TILE_ENTRIES, .index = index, .width = full ? CF_TILE_WIDTH : (unsigned)left};
}

static cf_follow_step_t ask_bundle(cf_follow_t *f, cf_effects_t *fx) {
  char      path[CF_TILE_PATH_MAX];
  cf_tile_t tile = next_bundle(f);
  cf_tile_path(path, &tile);
  f->phase = CF_FOLLOW_ENTRIES;
  cf_fx_ask(fx, f->cfg.id + ID_ENTRIES, f->cfg.gateway, cf_fx_printf(fx, "GET /log/%s", path), CF_SPAN(NULL, 0),
            CF_FOLLOW_TIMEOUT_MS);
  return CF_FOLLOW_GOES_ON;
}

/* What was read becomes believed: in memory, and on disk before the caller's effects. */
static cf_follow_step_t adopt(cf_follow_t *f, cf_effects_t *fx) {
  cf_hash_t root = cf_frontier_root(&f->next.frontier);
  if (!cf_hash_eq(&root, &f->target.root)) return ended(f, CF_FOLLOW_FORK);
  state_copy(&f->now, &f->next);
  f->now.head = f->target;
  cf_fx_put(fx, CF_SPAN_LIT(CF_FOLLOW_FILE), encode(f));
  return ended(f, CF_FOLLOW_OK);
}

void cf_follow_begin(cf_follow_t *f, cf_effects_t *fx) {
  assert(f->phase == CF_FOLLOW_IDLE);
  f->phase = CF_FOLLOW_NOTE;
  cf_fx_ask(fx, f->cfg.id + ID_NOTE, f->cfg.gateway, CF_SPAN_LIT("GET /v1/checkpoint"), CF_SPAN(NULL, 0), CF_FOLLOW_TIMEOUT_MS);
}

static cf_follow_step_t on_note(cf_follow_t *f, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->status || ev->code != 200) return ended(f, CF_FOLLOW_UNREACHABLE);
  cf_status_t st = cf_checkpoint_verify_canonical(&f->target, ev->body, &f->cfg.domain->witnesses, NULL);
  if (st) return ended(f, st == CF_ERR_AUTH ? CF_FOLLOW_SIGNATURE : st == CF_ERR_POLICY ? CF_FOLLOW_QUORUM : CF_FOLLOW_MALFORMED);

  cf_cosigned_t *held = &f->now.head;
  if (f->target.time_s < held->time_s) f->target.time_s = held->time_s; /* along a log, time does not fall */
  if (f->target.size < held->size) return ended(f, CF_FOLLOW_BACK);
  if (f->target.size == held->size) {
    if (!cf_hash_eq(&f->target.root, &held->root) && held->size) return ended(f, CF_FOLLOW_FORK);
    held->time_s = f->target.time_s;
    return ended(f, CF_FOLLOW_OK);
  }
  state_copy(&f->next, &f->now);
  f->whole = false;
  return ask_bundle(f, fx);
}

static cf_follow_step_t on_bundle(cf_follow_t *f, cf_effects_t *fx, cf_event_t const *ev) {
  cf_tile_t tile = next_bundle(f);
  if (!ev->status && ev->code == 404 && tile.width < CF_TILE_WIDTH) {
    f->whole = true;
    return ask_bundle(f, fx);
  }
  if (ev->status || ev->code != 200) return ended(f, CF_FOLLOW_UNREACHABLE);
  uint64_t  at = tile.index * CF_TILE_WIDTH;
  cf_rd_t   rd = cf_rd_span(ev->body);
  cf_span_t entry;
  unsigned  cnt = 0;
  for (; cnt < tile.width && cf_bundle_next(&rd, &entry); cnt++, at++) {
    if (at < f->next.frontier.size || at >= f->target.size) continue; /* read before, or behind what the note covers */
    cf_follow_result_t r = read_entry(f, entry);
    if (r) return ended(f, r);
  }
  if (cnt != tile.width || !cf_rd_done(&rd)) return ended(f, CF_FOLLOW_MALFORMED);
  return f->next.frontier.size == f->target.size ? adopt(f, fx) : ask_bundle(f, fx);
}

cf_follow_step_t cf_follow_step(cf_follow_t *f, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind != CF_EV_DONE) return CF_FOLLOW_NOT_MINE;
  if (f->phase == CF_FOLLOW_LOADING && ev->id == f->cfg.id + ID_FILE) return on_file(f, ev);
  if (f->phase == CF_FOLLOW_NOTE && ev->id == f->cfg.id + ID_NOTE) return on_note(f, fx, ev);
  if (f->phase == CF_FOLLOW_ENTRIES && ev->id == f->cfg.id + ID_ENTRIES) return on_bundle(f, fx, ev);
  return CF_FOLLOW_NOT_MINE;
}
