#include "translog/cf_witness.h"

#include <assert.h>
#include <stdio.h>

#include "base/cf_text.h"
#include "translog/cf_line.h"
#include "translog/cf_submission.h"

#define TEXT "text/plain; charset=utf-8"

void
cf_witness_init(cf_witness_t *w, cf_vkey_t const *self, uint8_t const *seed) {
  assert(self->type == CF_VKEY_WITNESS);
  memset(w, 0, sizeof *w);
  w->self = *self;
  w->seed = seed;
}

static cf_witness_log_t *
find(cf_witness_t *w, size_t cnt, cf_span_t origin) {
  for (size_t i = 0; i < cnt; i++)
    if (cf_span_eq(cf_vkey_name(&w->log[i].log), origin)) return &w->log[i];
  return NULL;
}

void
cf_witness_file(char file[CF_WITNESS_FILE_MAX], cf_vkey_t const *log) {
  cf_hash_t id = cf_sha256(cf_vkey_name(log));
  char      hex[65];
  snprintf(file, CF_WITNESS_FILE_MAX, "witness/%s", cf_hex_encode(hex, CF_SPAN_OF(id.b)));
}

cf_status_t
cf_witness_trust(cf_witness_t *w, cf_vkey_t const *log) {
  if (log->type != CF_VKEY_LOG || find(w, w->log_cnt, cf_vkey_name(log))) return CF_ERR_POLICY;
  if (w->log_cnt == CF_WITNESS_LOGS_MAX) return CF_ERR_BOUND;
  cf_witness_log_t *l = &w->log[w->log_cnt++];
  l->log              = *log;
  w->held_cnt         = w->log_cnt;
  cf_witness_file(l->file, log);
  return CF_OK;
}

/* ---- state ---- */

/* The notes that are not durable yet, in front of whatever relies on them; all of them when the file is made anew. */
static void
keep(cf_witness_t *w, cf_effects_t *fx, bool anew) {
  size_t  cnt = 0;
  cf_wr_t wr  = cf_wr_init(w->out, sizeof w->out);
  for (size_t i = 0; i < w->held_cnt; i++) cnt += w->log[i].cosigned;
  if (anew) cf_witness_state_begin(&wr, cnt);
  for (size_t i = 0; i < w->held_cnt; i++)
    if (anew ? w->log[i].cosigned : w->log[i].dirty) cf_witness_state_add(&wr, CF_SPAN(w->log[i].note, w->log[i].note_len));
  assert(!wr.bad);
  if (!anew && (!w->state_sz || w->state_sz + wr.len > CF_WITNESS_STATE_MAX)) {
    keep(w, fx, true);
    return;
  }
  if (anew) cf_fx_put(fx, CF_SPAN_LIT(CF_WITNESS_STATE), cf_wr_out(&wr));
  else cf_fx_append(fx, CF_SPAN_LIT(CF_WITNESS_STATE), cf_wr_out(&wr));
  w->state_sz   = (anew ? 0 : w->state_sz) + wr.len;
  w->state_grew = !anew;
  for (size_t i = 0; i < w->held_cnt; i++) {
    cf_witness_log_t *l = &w->log[i];
    l->dirty            = false;
    if (!l->cosigned || l->held || i >= w->log_cnt) continue;
    l->held                      = true;
    cf_fx(fx, CF_FX_REMOVE)->name = CF_SPAN(l->file, strlen(l->file));
  }
}

/* What was cosigned, durable, and only then said. */
static void
say(cf_witness_t *w, cf_effects_t *fx, bool anew) {
  if (w->said_cnt || anew) keep(w, fx, anew);
  for (size_t i = 0; i < w->said_cnt; i++) cf_fx_reply(fx, w->said[i].id, 200, TEXT, CF_SPAN(w->said[i].line, w->said[i].len));
  w->said_cnt = 0;
}

static bool
cosigned_by_us(cf_witness_t const *w, cf_note_t const *note) {
  cf_cosig_t own = { .have = false };
  for (size_t i = 0; i < note->sig_cnt; i++)
    if (cf_vkey_signed(&w->self, &note->sig[i]) && cf_cosig_read(&own, &note->sig[i], &w->self, note->text)) return false;
  return own.have;
}

/* A note of an earlier life: by the log, where it is still trusted, and cosigned by us.  Never back. */
static bool
take(cf_witness_t *w, cf_span_t body, cf_witness_log_t const *must_be) {
  cf_checkpoint_t c;
  cf_note_t       note;
  if (body.len > CF_WITNESS_NOTE_MAX || cf_note_parse(&note, body, NULL) || cf_checkpoint_parse(&c, note.text, NULL)) return false;
  cf_witness_log_t *l = find(w, w->held_cnt, c.origin);
  if (must_be && l != must_be) return false;
  bool trusted = l && l < w->log + w->log_cnt;
  if (trusted && cf_checkpoint_open(&c, &note, NULL, body, &l->log, NULL)) return false;
  if (!cosigned_by_us(w, &note) || (!l && (w->held_cnt == CF_WITNESS_HELD_MAX || c.origin.len > CF_NOTE_NAME_MAX))) return false;
  if (!l) {
    l = &w->log[w->held_cnt++];
    memcpy(l->log.name, c.origin.ptr, c.origin.len);
  }
  if (l->cosigned && (c.size < l->size || (c.size == l->size && !cf_hash_eq(&c.root, &l->root)))) return false;
  memcpy(l->note, body.ptr, body.len);
  l->note_len = body.len;
  l->cosigned = true;
  l->size     = c.size;
  l->root     = c.root;
  return true;
}

static bool
take_state(cf_witness_t *w, cf_span_t state) {
  cf_witness_notes_t notes;
  cf_span_t          note;
  if (!cf_witness_notes_open(&notes, state)) return false;
  while (cf_witness_notes_next(&notes, &note))
    if (!take(w, note, NULL) && !notes.torn) return false;
  return !notes.bad;
}

static void
stop(cf_effects_t *fx, char const *file) {
  cf_fx(fx, CF_FX_LOG)->body = cf_fx_printf(fx, "{\"event\":\"witness-state\",\"file\":\"%s\",\"text\":\"%s\"}", file,
                                            "unreadable or not ours; restore it or retire this key");
  cf_fx(fx, CF_FX_EXIT)->code = 1;
}

enum { STATE_ID = 1, LOG_ID = 2 };

static bool
loaded(cf_witness_t const *w) {
  for (size_t i = 0; i < w->log_cnt; i++)
    if (!w->log[i].loaded) return false;
  return true;
}

static void
on_loaded(cf_witness_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->id < STATE_ID || ev->id >= LOG_ID + w->log_cnt || loaded(w)) return;
  cf_witness_log_t *l = ev->id >= LOG_ID ? &w->log[ev->id - LOG_ID] : NULL;
  bool              ok = !ev->status && (ev->code == 404 || (l ? take(w, ev->body, l) : take_state(w, ev->body)));
  if (!ok) {
    stop(fx, l ? l->file : CF_WITNESS_STATE);
    return;
  }
  if (l) l->loaded = true;
  for (size_t i = 0; !l && i < w->log_cnt; i++) {
    w->log[i].loaded = w->log[i].cosigned;
    if (!w->log[i].loaded) cf_fx_get(fx, LOG_ID + i, CF_SPAN(w->log[i].file, strlen(w->log[i].file)));
  }
  bool any = false;
  for (size_t i = 0; i < w->held_cnt; i++) any = any || w->log[i].cosigned;
  if (loaded(w) && any) keep(w, fx, true);
}

/* ---- answering ---- */

static void
refuse(cf_effects_t *fx, uint64_t id, unsigned code, char const *why) {
  cf_fx_reply(fx, id, code, TEXT, CF_SPAN(why, strlen(why)));
}

/* The checks of the table's rows 409 and 422, in order; CF_OK is a 200. */
static bool
extends(cf_witness_t *w, cf_effects_t *fx, uint64_t id, cf_witness_log_t const *l, cf_submission_t const *s, cf_checkpoint_t const *c) {
  if (s->old_size != l->size) {
    say(w, fx, false);
    cf_fx_reply(fx, id, 409, "text/x.tlog.size", cf_fx_printf(fx, "%llu\n", (unsigned long long)l->size));
    return false;
  }
  cf_hash_t empty = cf_tree_empty();
  if (cf_tree_consistency_verify(l->size ? &l->root : &empty, l->size, &c->root, c->size, s->path, s->path_cnt)) {
    say(w, fx, false);
    refuse(fx, id, 422, "the proof does not lead from the last cosigned checkpoint to this one\n");
    return false;
  }
  if (c->size == 0 && !cf_hash_eq(&c->root, &empty)) {
    refuse(fx, id, 422, "size 0 has one root only\n");
    return false;
  }
  return true;
}

/* Compare was done. */
static void
cosign(cf_witness_t *w, cf_witness_log_t *l, cf_effects_t *fx, cf_event_t const *ev, cf_checkpoint_t const *c, cf_span_t text,
       cf_span_t log_line) {
  cf_cosig_t cosig;
  cf_cosig_make(&cosig, w->seed, ev->now.wall_ms / 1000, text);
  cf_wr_t note = cf_wr_init(l->note, sizeof l->note);
  cf_wr_span(&note, text);
  cf_wr_str(&note, "\n");
  cf_wr_span(&note, log_line);
  size_t own = note.len;
  cf_cosig_line(&note, &w->self, &cosig);
  assert(!note.bad);
  l->note_len = note.len;
  l->cosigned = true;
  l->size     = c->size;
  l->root     = c->root;
  l->dirty    = true;
  cf_wr_t line = cf_wr_init(w->said[w->said_cnt].line, sizeof w->said->line);
  cf_wr_span(&line, CF_SPAN(l->note + own, l->note_len - own));
  assert(!line.bad);
  w->said[w->said_cnt].id    = ev->id;
  w->said[w->said_cnt++].len = line.len;
  if (w->said_cnt == CF_WITNESS_BURST_MAX) say(w, fx, false);
  else cf_fx(fx, CF_FX_WAKE)->id = ev->now.mono_ms;
}

static void
on_add_checkpoint(cf_witness_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  cf_submission_t s;
  cf_note_t       note;
  cf_checkpoint_t c;
  if (cf_submission_parse(&s, ev->body, NULL) || cf_note_parse(&note, s.note, NULL) || cf_checkpoint_parse(&c, note.text, NULL)) {
    refuse(fx, ev->id, 400, "not an add-checkpoint request\n");
    return;
  }
  cf_witness_log_t *l = find(w, w->log_cnt, c.origin);
  if (!l) {
    refuse(fx, ev->id, 404, "unknown origin\n");
    return;
  }
  uint8_t sig[64];
  if (cf_checkpoint_open(&c, &note, sig, s.note, &l->log, NULL)) {
    refuse(fx, ev->id, 403, "no valid signature by the log\n");
    return;
  }
  if (s.old_size > c.size) {
    refuse(fx, ev->id, 400, "old size is larger than the checkpoint's\n");
    return;
  }
  if (!extends(w, fx, ev->id, l, &s, &c)) return;
  uint8_t line[CF_NOTE_NAME_MAX + 128];
  cf_wr_t wr = cf_wr_init(line, sizeof line);
  cf_note_line(&wr, &l->log, CF_SPAN_OF(sig));
  cosign(w, l, fx, ev, &c, note.text, cf_wr_out(&wr));
}

/* GET /<hex H(origin)>/checkpoint */
static void
on_get(cf_witness_t *w, cf_effects_t *fx, cf_event_t const *ev, cf_span_t path) {
  for (size_t i = 0; i < w->log_cnt; i++) {
    cf_witness_log_t const *l    = &w->log[i];
    cf_span_t               rest = path;
    if (!cf_after(&rest, CF_SPAN(l->file + 8, 64)) || !cf_span_eq(rest, CF_SPAN_LIT("/checkpoint")) || !l->cosigned) continue;
    say(w, fx, false);
    cf_fx_reply(fx, ev->id, 200, TEXT, CF_SPAN(l->note, l->note_len));
    return;
  }
  refuse(fx, ev->id, 404, "nothing cosigned under this name\n");
}

static void
on_request(cf_witness_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  if (!loaded(w)) {
    refuse(fx, ev->id, 503, "starting\n");
    fx->at[fx->cnt - 1].retry_after_s = 1;
    return;
  }
  cf_span_t path = ev->path;
  if (cf_span_eq(path, CF_SPAN_LIT("POST /add-checkpoint"))) on_add_checkpoint(w, fx, ev);
  else if (cf_after(&path, CF_SPAN_LIT("GET /"))) on_get(w, fx, ev, path);
  else refuse(fx, ev->id, 404, "no such resource\n");
}

void
cf_witness_step(cf_witness_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  switch (ev->kind) {
  case CF_EV_START: cf_fx_get(fx, STATE_ID, CF_SPAN_LIT(CF_WITNESS_STATE)); break;
  case CF_EV_REQUEST: on_request(w, fx, ev); break;
  case CF_EV_DONE: on_loaded(w, fx, ev); break;
  case CF_EV_STOP:
    say(w, fx, w->said_cnt || w->state_grew);
    cf_fx(fx, CF_FX_EXIT)->code = 0;
    break;
  case CF_EV_TICK: say(w, fx, false); break;
  }
}
