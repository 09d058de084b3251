#include "translog/cf_publisher.h"

#include <assert.h>

#include "translog/cf_line.h"
#include "translog/cf_submission.h"

cf_status_t
cf_publisher_init(cf_publisher_t *p, cf_publisher_config_t const *cfg, cf_error_t *err) {
  cf_status_t st = cf_witness_set_check(&cfg->set, err);
  if (st) return st;
  memset(p, 0, sizeof *p);
  p->cfg = *cfg;
  return CF_OK;
}

cf_span_t
cf_publisher_note(cf_publisher_t const *p) {
  return CF_SPAN(p->note, p->note_len);
}

uint64_t
cf_publisher_waiting_since_ms(cf_publisher_t const *p) {
  return p->phase == CF_PUBLISHER_IDLE ? UINT64_MAX : p->began_ms;
}

cf_span_t
cf_publisher_name(cf_effects_t *fx, uint64_t size) {
  return cf_fx_printf(fx, "checkpoints/%020llu", (unsigned long long)size);
}

/* ---- rounds ---- */

static void
ask(cf_publisher_t *p, cf_effects_t *fx, size_t i) {
  cf_publisher_witness_t *w = &p->witness[i];
  cf_submission_t         s = { .old_size = w->known };
  if (cf_tree_consistency_prove(s.path, &s.path_cnt, &p->cfg.reader, s.old_size, p->round.size)) return;
  uint8_t          note[CF_CHECKPOINT_NOTE_MAX];
  cf_wr_t          n                       = cf_wr_init(note, sizeof note);
  cf_cosig_t const none[CF_WITNESSES_MAX] = { { .have = false } };
  cf_checkpoint_compose(&n, CF_SPAN(p->round.text, p->round.text_len), &p->cfg.set, p->round.log_sig, none);
  s.note = cf_wr_out(&n);

  uint8_t body[6144];
  cf_wr_t b = cf_wr_init(body, sizeof body);
  cf_submission_write(&b, &s);
  assert(!b.bad);
  w->busy       = true;
  w->asked_size = p->round.size;
  w->asked_old  = w->known;
  cf_fx_ask(fx, p->cfg.id + 1 + i, p->cfg.peer[i], CF_SPAN_LIT("POST /add-checkpoint"), cf_fx_dup(fx, cf_wr_out(&b)),
            CF_PUBLISHER_TIMEOUT_MS);
}

/* Asks everybody who has not signed, is not being asked, and whose time has come.  A witness that is ahead of this
   round cannot sign it. */
static void
ask_all(cf_publisher_t *p, cf_effects_t *fx, uint64_t now_ms) {
  for (size_t i = 0; i < p->cfg.set.cnt; i++) {
    cf_publisher_witness_t const *w = &p->witness[i];
    if (!p->cosig[i].have && !w->busy && w->retry_at_ms <= now_ms && w->known <= p->round.size) ask(p, fx, i);
  }
}

static void
begin_asking(cf_publisher_t *p, cf_effects_t *fx, uint64_t now_ms) {
  p->phase = CF_PUBLISHER_ASKING;
  memset(p->cosig, 0, sizeof p->cosig);
  for (size_t i = 0; i < p->cfg.set.cnt; i++) p->witness[i].hops = 0;
  ask_all(p, fx, now_ms);
}

/* Starts on the newest checkpoint, if one waits. */
static void
next_round(cf_publisher_t *p, cf_effects_t *fx, uint64_t now_ms) {
  p->phase = CF_PUBLISHER_IDLE;
  if (p->next.size == 0) return;
  p->round     = p->next;
  p->next.size = 0;
  p->began_ms  = now_ms;
  if (p->looked) {
    begin_asking(p, fx, now_ms);
    return;
  }
  p->looked = true; /* every later size of this life is new */
  p->phase  = CF_PUBLISHER_LOOKING;
  cf_fx_get(fx, p->cfg.id, cf_publisher_name(fx, p->round.size));
}

cf_status_t
cf_publisher_grown(cf_publisher_t *p, cf_effects_t *fx, cf_now_t now, cf_span_t note, cf_error_t *err) {
  cf_checkpoint_t     c;
  cf_note_t           n;
  cf_publisher_head_t head = { .size = 0 };
  cf_status_t         st   = cf_checkpoint_open(&c, &n, head.log_sig, note, &p->cfg.set.log, err);
  if (st) return st;
  if (c.extension.len) return cf_error_set(err, CF_ERR_POLICY, "checkpoint", 0, "extension lines");
  head.size     = c.size;
  head.root     = c.root;
  head.text_len = n.text.len;
  memcpy(head.text, n.text.ptr, n.text.len);
  if (head.size <= p->round.size || head.size <= p->next.size) return CF_OK;
  p->next = head;
  if (p->phase == CF_PUBLISHER_IDLE) next_round(p, fx, now.mono_ms);
  return CF_OK;
}

/* Takes the canonical note of this round; *note is copied. */
static bool
conclude(cf_publisher_t *p, cf_span_t note) {
  cf_cosigned_t c;
  if (note.len > sizeof p->note || cf_checkpoint_verify_canonical(&c, note, &p->cfg.set, NULL)) return false;
  if (c.size != p->round.size || !cf_hash_eq(&c.root, &p->round.root)) return false;
  p->cosigned = c;
  memcpy(p->note, note.ptr, note.len);
  p->note_len = note.len;
  return true;
}

/* A quorum?  Then the one note of this size is made, durable before anything behind it. */
static bool
count(cf_publisher_t *p, cf_effects_t *fx) {
  unsigned cnt = 0;
  for (size_t i = 0; i < p->cfg.set.cnt; i++) cnt += p->cosig[i].have;
  if (cnt < p->cfg.set.k) return false;
  uint8_t note[CF_CHECKPOINT_NOTE_MAX];
  cf_wr_t wr = cf_wr_init(note, sizeof note);
  cf_checkpoint_compose(&wr, CF_SPAN(p->round.text, p->round.text_len), &p->cfg.set, p->round.log_sig, p->cosig);
  bool ok = conclude(p, cf_wr_out(&wr));
  assert(ok); /* every part was verified */
  cf_fx_put(fx, cf_publisher_name(fx, p->round.size), cf_fx_dup(fx, cf_publisher_note(p)));
  return true;
}

/* ---- answers ---- */

static void
failed(cf_publisher_witness_t *w, cf_witness_answer_t how, uint64_t now_ms) {
  w->last        = how;
  bool     soft  = how == CF_WITNESS_SILENT || how == CF_WITNESS_CONFLICT;
  unsigned shift = w->fails < 7 ? w->fails : 7;
  uint64_t wait  = soft ? (uint64_t)CF_PUBLISHER_BACKOFF_MS << shift : CF_PUBLISHER_BACKOFF_MAX;
  w->retry_at_ms = now_ms + (wait < CF_PUBLISHER_BACKOFF_MAX ? wait : CF_PUBLISHER_BACKOFF_MAX);
  w->fails++;
}

/* 200: the witness's line among those it sent, over what was asked. */
static void
on_cosigned(cf_publisher_t *p, size_t i, cf_event_t const *ev) {
  cf_publisher_witness_t *w  = &p->witness[i];
  cf_vkey_t const        *me = &p->cfg.set.member[i];
  if (p->phase != CF_PUBLISHER_ASKING || w->asked_size != p->round.size) { /* of a round that is over */
    w->known = w->asked_size;
    return;
  }
  cf_note_t  lines;
  cf_cosig_t c = { .have = false };
  if (!cf_note_lines_parse(&lines, ev->body, NULL)) {
    for (size_t l = 0; l < lines.sig_cnt && !c.have; l++) {
      if (!cf_vkey_signed(me, &lines.sig[l])) continue;
      if (cf_cosig_read(&c, &lines.sig[l], me, CF_SPAN(p->round.text, p->round.text_len))) break;
    }
  }
  uint64_t now_s = ev->now.wall_ms / 1000;
  if (!c.have || c.time_s > now_s + CF_PUBLISHER_SKEW_S || now_s > c.time_s + CF_PUBLISHER_SKEW_S) {
    failed(w, CF_WITNESS_LIED, ev->now.mono_ms);
    return;
  }
  p->cosig[i] = c;
  w->known    = w->asked_size;
  w->fails    = 0;
  w->last     = CF_WITNESS_COSIGNED;
}

/* 409: the witness says at which size it is: another than we thought (asked again at once), or the one that waits
   (asked in its round). Ahead of all that this log ever signed is no answer. */
static void
on_conflict(cf_publisher_t const *p, cf_publisher_witness_t *w, cf_event_t const *ev) {
  uint64_t  newest = p->next.size > p->round.size ? p->next.size : p->round.size;
  uint64_t  size = 0;
  cf_rd_t   rd   = cf_rd_span(ev->body);
  cf_span_t text = cf_rd_line(&rd);
  if (cf_dec_u64(&size, text) || !cf_rd_done(&rd) || size == w->asked_old || size > newest) {
    failed(w, CF_WITNESS_LIED, ev->now.mono_ms);
    return;
  }
  w->known = size;
  if (w->hops++ < CF_PUBLISHER_HOPS_MAX) w->last = CF_WITNESS_CONFLICT;
  else failed(w, CF_WITNESS_CONFLICT, ev->now.mono_ms);
}

static void
on_answer(cf_publisher_t *p, size_t i, cf_event_t const *ev) {
  cf_publisher_witness_t *w = &p->witness[i];
  if (!w->busy) return;
  w->busy = false;
  w->code = ev->status ? 0 : ev->code;
  if (w->code == 200) {
    on_cosigned(p, i, ev);
  } else if (w->code == 409) {
    on_conflict(p, w, ev);
  } else if (w->code == 0 || w->code == 429 || w->code >= 500) {
    failed(w, CF_WITNESS_SILENT, ev->now.mono_ms); /* the old state is assumed: 409 corrects it */
  } else {
    if (w->code == 422) w->known = 0; /* what we thought it knew is wrong: learn it anew */
    failed(w, CF_WITNESS_REFUSED, ev->now.mono_ms);
  }
}

/* The note of an earlier life.  One that this set does not stand behind (a policy changed) stays as it is, and its
   size is passed over: it would be a second note. */
static bool
on_looked(cf_publisher_t *p, cf_effects_t *fx, cf_event_t const *ev) {
  if (p->phase != CF_PUBLISHER_LOOKING) return false;
  if (ev->status == CF_OK && ev->code == 404) {
    begin_asking(p, fx, ev->now.mono_ms);
    return false;
  }
  bool found = ev->status == CF_OK && conclude(p, ev->body);
  next_round(p, fx, ev->now.mono_ms);
  return found;
}

bool
cf_publisher_step(cf_publisher_t *p, cf_effects_t *fx, cf_event_t const *ev) {
  uint64_t now_ms = ev->now.mono_ms;
  if (ev->kind == CF_EV_DONE) {
    if (ev->id < p->cfg.id || ev->id - p->cfg.id > p->cfg.set.cnt) return false;
    if (ev->id == p->cfg.id) return on_looked(p, fx, ev);
    on_answer(p, ev->id - p->cfg.id - 1, ev);
  } else if (ev->kind != CF_EV_TICK) {
    return false;
  }
  if (p->phase != CF_PUBLISHER_ASKING) return false;
  bool done = count(p, fx);
  if (done || (p->next.size && now_ms - p->began_ms >= CF_PUBLISHER_ROUND_MS)) next_round(p, fx, now_ms);
  else ask_all(p, fx, now_ms);
  return done;
}
