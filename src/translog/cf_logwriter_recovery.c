#include "translog/cf_logwriter_state.h"

#include <assert.h>

#include "translog/cf_line.h"

static void
fail(cf_logwriter_t *w, cf_status_t st, char const *text) {
  (void)cf_error_set(&w->err, st, "log", 0, "%s", text);
  w->phase = CF_LOGWRITER_FAILED;
}

static void
ask_file(cf_logwriter_t *w, cf_effects_t *fx, cf_logwriter_phase_t phase, cf_tile_t const *t) {
  w->phase = phase;
  w->asked = *t;
  cf_fx_get(fx, w->cfg.id, cf_logwriter_tile_name(fx, t));
}

static void
ask_segment(cf_logwriter_t *w, cf_effects_t *fx, cf_logwriter_phase_t phase) {
  w->phase = phase;
  cf_fx_get(fx, w->cfg.id, cf_logwriter_segment_name(w, fx));
}

static void
on_entry(void *ctx, uint64_t index, cf_span_t bytes, cf_hash_t const *leaf) {
  cf_logwriter_t *w = ctx;
  assert(index == w->size);
  cf_logwriter_settle_tail(w);
  cf_logwriter_restore(w, bytes, leaf);
  w->filed = w->size;
}

void
cf_logwriter_start(cf_logwriter_t *w, cf_effects_t *fx) {
  assert(w->phase == CF_LOGWRITER_STOPPED);
  w->phase = CF_LOGWRITER_HEAD;
  cf_logreader_init(&w->reader, &(cf_logreader_sink_t){ .entry = on_entry, .ctx = w });
  cf_fx_get(fx, w->cfg.id, CF_SPAN_LIT("log/checkpoint"));
}

/* ---- entries and tiles, against a head ---- */

/* Behind what is known: is there a whole bundle where the partial one is, or should be?  A writer that had no journal may have left one. */
static void
look_beyond(cf_logwriter_t *w, cf_effects_t *fx) {
  if (w->size == w->cfg.cap) {
    fail(w, CF_ERR_BOUND, "the log has reached its capacity");
    return;
  }
  cf_tile_t t = { .row = CF_TILE_ENTRIES, .index = w->size / CF_TILE_WIDTH, .width = CF_TILE_WIDTH };
  ask_file(w, fx, CF_LOGWRITER_WHOLE, &t);
}

/* Wants the next file up to where the journal begins, or the checkpoint; or judges what was read. */
static void
check_next(cf_logwriter_t *w, cf_effects_t *fx) {
  cf_tile_t t;
  if (cf_logreader_want(&w->reader, &t)) {
    ask_file(w, fx, CF_LOGWRITER_CHECK, &t);
  } else if (cf_logreader_end(&w->reader, &w->err)) {
    w->phase = CF_LOGWRITER_FAILED;
  } else if (w->replays) {
    ask_segment(w, fx, CF_LOGWRITER_REPLAY);
  } else {
    look_beyond(w, fx);
  }
}

/* The log as it was when that note was signed is what its files are checked against; an empty one: there was none yet. */
static void
check_from(cf_logwriter_t *w, cf_effects_t *fx, cf_span_t note, uint64_t size, cf_hash_t const *root) {
  if (size > w->cfg.cap || cf_logreader_begin(&w->reader, size, root)) {
    fail(w, CF_ERR_BOUND, "the log is larger than its capacity");
    return;
  }
  if (note.len) memcpy(w->note, note.ptr, note.len);
  w->note_len  = note.len;
  w->note_size = w->signed_size = size;
  w->root                       = *root;
  check_next(w, fx);
}

static void
on_checked_file(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  cf_tile_t want;
  bool      more = cf_logreader_want(&w->reader, &want), cut = more && want.width < w->asked.width;
  if (ev->code == 404 && w->replays && w->asked.width < CF_TILE_WIDTH) { /* it was pruned, and the full one is there */
    w->asked.width = CF_TILE_WIDTH;
    ask_file(w, fx, CF_LOGWRITER_CHECK, &w->asked);
    return;
  }
  if (ev->code == 404) {
    cf_logreader_missing(&w->reader);
  } else {
    cf_logreader_give(&w->reader, ev->body, cut);
    if (!cut) cf_logwriter_note_partial(w, &w->asked);
  }
  check_next(w, fx);
}

static void
check_head(cf_logwriter_t *w, cf_effects_t *fx) {
  cf_hash_t                  empty = cf_tree_empty();
  cf_logwriter_head_t const *h     = &w->head;
  if (h->err.status) {
    w->err   = h->err;
    w->phase = CF_LOGWRITER_FAILED;
  } else if (h->found) {
    check_from(w, fx, CF_SPAN(h->note, h->note_len), h->size, &h->root);
  } else { /* a new log, or one whose first append was cut off */
    check_from(w, fx, CF_SPAN(NULL, 0), 0, &empty);
  }
}

static void
on_head(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  cf_logwriter_head_t *h = &w->head;
  cf_checkpoint_t      c;
  h->found = ev->code != 404;
  if (!h->found || cf_checkpoint_open(&c, NULL, NULL, ev->body, &w->cfg.log, &h->err)) {
    /* a journal, if there is one, knows */
  } else if (c.extension.len || ev->body.len > sizeof h->note) {
    (void)cf_error_set(&h->err, CF_ERR_UNSUPPORTED, "log", 0, "log/checkpoint was not written by this writer");
  } else {
    memcpy(h->note, ev->body.ptr, ev->body.len);
    h->note_len = ev->body.len;
    h->size     = c.size;
    h->root     = c.root;
  }
  w->phase          = CF_LOGWRITER_JOURNAL;
  cf_effect_t *list = cf_fx(fx, CF_FX_LIST);
  list->id          = w->cfg.id;
  list->name        = CF_SPAN(w->cfg.journal, strlen(w->cfg.journal));
}

/* ---- the journal ---- */

/* The next of names that are ended by NUL each. */
static cf_span_t
next_name(cf_rd_t *rd) {
  uint8_t const *at   = rd->buf + rd->pos;
  uint8_t const *nul  = memchr(at, 0, cf_rd_left(rd));
  cf_span_t      name = cf_rd_take_span(rd, nul ? (size_t)(nul - at) : cf_rd_left(rd));
  cf_rd_take(rd, 1);
  return name;
}

static bool
segment_number(uint64_t *out, cf_span_t name) {
  *out = 0;
  for (size_t i = 0; i < name.len; i++) {
    if (name.ptr[i] < '0' || name.ptr[i] > '9') return false;
    *out = *out * 10 + (uint64_t)(name.ptr[i] - '0');
  }
  return name.len == 20 && *out <= CF_TREE_SIZE_MAX;
}

/* A file was begun when all of the one before was published, so the last is the only one that counts. */
static void
on_journal(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  uint64_t number;
  for (cf_rd_t rd = cf_rd_span(ev->code == 404 ? CF_SPAN(NULL, 0) : ev->body); cf_rd_left(&rd);) {
    if (!segment_number(&number, next_name(&rd))) continue;
    w->segment     = number;
    w->segment_len = 1;
  }
  if (w->segment_len) ask_segment(w, fx, CF_LOGWRITER_SEGMENT);
  else check_head(w, fx);
}

/* Where a journal file begins: the size that it is named by, under the log's signature.  False when its first record is none. */
static bool
segment_begins(cf_logwriter_t const *w, cf_logrecord_t const *r, cf_hash_t *root) {
  cf_checkpoint_t c;
  *root = cf_tree_empty();
  if (r->first != w->segment) return false;
  if (!r->first) return !r->note.len;
  if (cf_checkpoint_open(&c, NULL, NULL, r->note, &w->cfg.log, NULL) || c.extension.len || c.size != r->first) return false;
  *root = c.root;
  return true;
}

/* The files are what the checkpoint says when the journal is older than it, or holds nothing: its file was begun, and the power failed. */
static void
on_segment(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  cf_rd_t        rd = cf_rd_span(ev->body);
  cf_logrecord_t first, r;
  cf_hash_t      root;
  uint64_t       end = 0;
  bool           any = cf_logrecord_next(&rd, &first) && segment_begins(w, &first, &root);
  if (!any) rd.pos = 0;
  if (!any && !cf_logrecord_ended(&rd)) {
    fail(w, CF_ERR_AUTH, "the journal is damaged at its beginning");
    return;
  }
  for (rd.pos = 0; any && cf_logrecord_next(&rd, &r);)
    if (r.first + r.cnt > end) end = r.first + r.cnt;
  w->replays = any && (w->head.err.status || w->head.size <= end);
  if (w->replays) check_from(w, fx, first.note, first.first, &root);
  else check_head(w, fx);
}

/* The log's root with a record's entries behind the first w->size - r->first of them; false when it is not as many as it says. */
static bool
root_with(cf_logwriter_t *w, cf_logrecord_t const *r, cf_hash_t *root) {
  uint64_t      known = w->size - r->first;
  cf_rd_t       rd    = cf_rd_span(r->entries);
  cf_span_t     entry[CF_LOGWRITER_LEAVES];
  cf_hash_t     leaf[CF_LOGWRITER_LEAVES];
  cf_frontier_t f = { .size = w->size };
  size_t        n = 0;
  uint32_t      i = 0;
  for (unsigned level = 0; level < 63; level++)
    if (f.size >> level & 1) f.node[level] = *cf_logwriter_node(w, level, (f.size >> level) - 1);
  for (; cf_bundle_next(&rd, &entry[n]); i++) {
    if (i < known) continue;
    if (++n < CF_LOGWRITER_LEAVES) continue;
    cf_sha256_leaves(leaf, entry, n);
    cf_frontier_add_all(&f, leaf, n);
    n = 0;
  }
  cf_sha256_leaves(leaf, entry, n);
  cf_frontier_add_all(&f, leaf, n);
  *root = cf_frontier_root(&f);
  return cf_rd_done(&rd) && i == r->cnt;
}

/* Is it what was appended at that place?  Of what is known already only the root is looked at. */
static bool
is_whole(cf_logwriter_t *w, cf_logrecord_t const *r) {
  cf_hash_t   root;
  cf_status_t st = CF_OK;
  if (r->first + r->cnt <= w->size) st = cf_logwriter_root(w, &root, r->first + r->cnt);
  else if (!root_with(w, r, &root)) st = CF_ERR_FORMAT;
  return !st && cf_hash_eq(&root, &r->root);
}

static void
take_over(cf_logwriter_t *w, cf_logrecord_t const *r) {
  uint64_t  index = r->first;
  cf_span_t entry;
  for (cf_rd_t rd = cf_rd_span(r->entries); cf_bundle_next(&rd, &entry); index++) {
    if (index < w->size) continue;
    cf_hash_t leaf = cf_tree_leaf(entry);
    cf_logwriter_restore(w, entry, &leaf);
  }
  w->root = r->root;
}

typedef enum {
  REPLAYED, /* all of it                      */
  FULL,     /* publish before more is taken   */
  BROKEN,   /* err is set                     */
} replay_t;

static replay_t
broken(cf_logwriter_t *w, cf_status_t st, char const *text) {
  fail(w, st, text);
  return BROKEN;
}

/* A record that begins beyond the log's end cannot be a torn one: what is lost of an append are zeros, which make it less. */
static replay_t
replay(cf_logwriter_t *w, cf_span_t file) {
  cf_rd_t        rd = cf_rd_span(file);
  cf_logrecord_t r;
  cf_logwriter_settle_tail(w);
  for (cf_rd_t at = rd; cf_logrecord_next(&rd, &r); at = rd) {
    if (r.first > w->size) return broken(w, CF_ERR_AUTH, "the journal goes on beyond the end of the log: a file of either is missing");
    uint64_t end = r.first + r.cnt;
    if (!is_whole(w, &r)) {
      rd = at;
      break;
    }
    if (end <= w->size) continue;
    if (end > w->cfg.cap) return broken(w, CF_ERR_BOUND, "the log is larger than its capacity");
    if (end - w->filed > CF_LOGWRITER_BEHIND_MAX || r.entries.len > CF_LOGWRITER_TAIL_SZ - w->tail_len)
      return w->filed < w->size ? FULL : broken(w, CF_ERR_BOUND, "the journal has a group that nobody could append");
    take_over(w, &r);
  }
  return cf_logrecord_ended(&rd) ? REPLAYED : broken(w, CF_ERR_AUTH, "the journal is damaged");
}

static void
on_replay(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  replay_t  how = ev->code == 404 ? broken(w, CF_ERR_IO, "the journal is gone") : replay(w, ev->body);
  cf_hash_t root;
  if (how == BROKEN) return;
  if (how == FULL) {
    cf_logwriter_put_files(w, fx, w->filed, true);
    ask_segment(w, fx, CF_LOGWRITER_REPLAY);
    return;
  }
  bool head = w->head.found && !w->head.err.status;
  if (head && (w->head.size > w->size || cf_logwriter_root(w, &root, w->head.size) || !cf_hash_eq(&root, &w->head.root))) {
    fail(w, CF_ERR_AUTH, "the journal leads to another log than the checkpoint");
    return;
  }
  if (!head || w->head.size < w->size) w->signed_size = 0; /* whatever log/checkpoint is, it becomes the newest */
  else w->signed_size = w->size;
  if (w->filed < w->size) cf_logwriter_put_files(w, fx, w->filed, true);
  look_beyond(w, fx);
}

/* ---- bundles beyond, of a writer without a journal ---- */

/* Takes over the entries of a bundle from a cut-off append.  What it shares with the bundle checked before must be
   the same bytes. */
static bool
adopt(cf_logwriter_t *w, cf_effects_t *fx, cf_span_t bytes) {
  uint64_t  from = w->size;
  cf_rd_t   rd   = cf_rd_span(bytes);
  cf_span_t entry;
  unsigned  cnt = 0;
  cf_logwriter_settle_tail(w);
  while (cf_bundle_next(&rd, &entry)) cnt++;
  cf_span_t have = CF_SPAN(w->tail, from % CF_TILE_WIDTH ? w->tail_len : 0);
  if (!cf_rd_done(&rd) || cnt != w->asked.width || !cf_after(&bytes, have)) {
    (void)cf_error_set(&w->err, CF_ERR_AUTH, "log", 0, "bundle %llu of width %u does not extend the log",
                       (unsigned long long)w->asked.index, w->asked.width);
    w->phase = CF_LOGWRITER_FAILED;
    return false;
  }
  if (cnt - from % CF_TILE_WIDTH > w->cfg.cap - from) {
    fail(w, CF_ERR_BOUND, "the log is larger than its capacity");
    return false;
  }
  for (rd = cf_rd_span(bytes); cf_bundle_next(&rd, &entry);) {
    cf_hash_t leaf = cf_tree_leaf(entry);
    cf_logwriter_restore(w, entry, &leaf);
  }
  cf_logwriter_put_files(w, fx, from, false);
  cf_logwriter_find_root(w);
  return true;
}

static void
finish(cf_logwriter_t *w, cf_effects_t *fx) {
  w->phase = CF_LOGWRITER_READY;
  cf_logwriter_publish(w, fx);
  if (w->segment_len) cf_logwriter_remove_segment(w, fx);
}

static void
on_whole(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->code != 404) {
    if (adopt(w, fx, ev->body)) look_beyond(w, fx);
    return;
  }
  char path[CF_TILE_PATH_MAX];
  cf_tile_path(path, &w->asked);
  w->phase          = CF_LOGWRITER_WIDTHS;
  cf_effect_t *list = cf_fx(fx, CF_FX_LIST);
  list->id          = w->cfg.id;
  list->name        = cf_fx_printf(fx, "log/%s.p", path);
}

/* The names are widths.  Those up to the size are published; the widest beyond it is the end of a cut-off append. */
static void
on_widths(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  uint64_t widest = w->size % CF_TILE_WIDTH;
  for (cf_rd_t rd = cf_rd_span(ev->code == 404 ? CF_SPAN(NULL, 0) : ev->body); cf_rd_left(&rd);) {
    uint64_t width;
    if (cf_dec_u64(&width, next_name(&rd)) || width == 0 || width >= CF_TILE_WIDTH) continue; /* not a name of ours: audit's business */
    if (width > widest) widest = width;
    cf_tile_t t = { .row = CF_TILE_ENTRIES, .index = w->asked.index, .width = (unsigned)width };
    cf_logwriter_note_partial(w, &t);
    t.row = 0;
    cf_logwriter_note_partial(w, &t);
  }
  if (widest == w->size % CF_TILE_WIDTH) {
    finish(w, fx);
    return;
  }
  cf_tile_t t = { .row = CF_TILE_ENTRIES, .index = w->asked.index, .width = (unsigned)widest };
  ask_file(w, fx, CF_LOGWRITER_PART, &t);
}

/* ---- events ---- */

bool
cf_logwriter_step(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind != CF_EV_DONE || ev->id != w->cfg.id) return false;
  if (ev->status && w->phase < CF_LOGWRITER_READY) {
    fail(w, ev->status, "a file of the log cannot be read");
    return true;
  }
  switch (w->phase) {
  case CF_LOGWRITER_HEAD:    on_head(w, fx, ev); break;
  case CF_LOGWRITER_JOURNAL: on_journal(w, fx, ev); break;
  case CF_LOGWRITER_SEGMENT: on_segment(w, fx, ev); break;
  case CF_LOGWRITER_CHECK:   on_checked_file(w, fx, ev); break;
  case CF_LOGWRITER_REPLAY:  on_replay(w, fx, ev); break;
  case CF_LOGWRITER_WHOLE:   on_whole(w, fx, ev); break;
  case CF_LOGWRITER_WIDTHS:  on_widths(w, fx, ev); break;
  case CF_LOGWRITER_PART:
    if (ev->code == 404) fail(w, CF_ERR_IO, "a bundle that was listed is gone");
    else if (adopt(w, fx, ev->body)) finish(w, fx);
    break;
  case CF_LOGWRITER_STOPPED:
  case CF_LOGWRITER_READY:
  case CF_LOGWRITER_FAILED: break;
  }
  return true;
}
