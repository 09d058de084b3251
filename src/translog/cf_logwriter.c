#include "translog/cf_logwriter.h"

#include <assert.h>

#include "codec/cf_cose.h"
#include "translog/cf_line.h"

#define NODES_SZ(cap) (2 * (size_t)(cap) * sizeof(cf_hash_t))
#define KEYS_SZ(cap)  ((size_t)(cap) * sizeof(cf_hash_t))
#define SLOTS_SZ(cap) (2 * (size_t)(cap) * sizeof(uint32_t))

enum { LEAVES = 16 };

cf_hash_t
cf_log_entry_key(cf_span_t entry) {
  cf_sign1_t s;
  if (cf_sign1_decode(&s, entry, NULL, NULL)) return cf_tree_leaf(entry);
  return cf_document_hash(s.protected_hdr, s.payload);
}

size_t
cf_logwriter_mem_sz(uint64_t cap) {
  return NODES_SZ(cap) + KEYS_SZ(cap) + SLOTS_SZ(cap) + CF_LOGWRITER_TAIL_SZ;
}

static void on_recovered(void *ctx, uint64_t index, cf_span_t bytes, cf_hash_t const *leaf);

void
cf_logwriter_init(cf_logwriter_t *w, cf_logwriter_config_t const *cfg) {
  uint64_t cap = cfg->cap;
  assert(cap >= CF_LOGWRITER_CAP_MIN && cap <= CF_LOGWRITER_CAP_MAX && (cap & (cap - 1)) == 0);
  assert(cfg->log.type == CF_VKEY_LOG && cfg->mem && cfg->seed && cfg->key);
  memset(w, 0, sizeof *w);
  w->cfg      = *cfg;
  w->root     = cf_tree_empty();
  uint8_t *at = cfg->mem;
  w->node     = (void *)at, at += NODES_SZ(cap);
  w->key      = (void *)at, at += KEYS_SZ(cap);
  w->slot     = (void *)at, at += SLOTS_SZ(cap);
  w->tail     = at;
  memset(w->slot, 0, SLOTS_SZ(cap));
  cf_logreader_init(&w->reader, &(cf_logreader_sink_t){ .entry = on_recovered, .ctx = w });
}

/* ---- the tree in memory ---- */

static cf_hash_t *
node(cf_logwriter_t const *w, unsigned level, uint64_t index) {
  return w->node + (2 * w->cfg.cap - (2 * w->cfg.cap >> level)) + index;
}

static cf_status_t
read_node(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  cf_logwriter_t const *w = ctx;
  assert((index + 1) << level <= w->size);
  *out = *node(w, level, index);
  return CF_OK;
}

cf_tree_reader_t
cf_logwriter_reader(cf_logwriter_t const *w) {
  union { cf_logwriter_t const *in; void *out; } ctx = { .in = w }; /* read_node writes nothing */
  return (cf_tree_reader_t){ .read = read_node, .ctx = ctx.out };
}

/* Where key's slot is, or the free one where it belongs. */
static uint32_t *
slot_of(cf_logwriter_t const *w, cf_hash_t const *key) {
  cf_rd_t  rd   = cf_rd_init(key->b, sizeof key->b);
  uint64_t mask = 2 * w->cfg.cap - 1, at = cf_rd_u64(&rd) & mask;
  while (w->slot[at] && !cf_hash_eq(&w->key[w->slot[at] - 1], key)) at = (at + 1) & mask;
  return &w->slot[at];
}

/* slot is the key's; the same key again keeps its first index.  The nodes above come with add_nodes. */
static void
add_leaf(cf_logwriter_t *w, cf_hash_t const *leaf, cf_hash_t const *key, uint32_t *slot) {
  assert(w->size < w->cfg.cap);
  uint64_t index = w->size++;
  w->key[index]  = *key;
  if (*slot == 0) *slot = (uint32_t)(index + 1);
  *node(w, 0, index) = *leaf;
}

/* The complete subtrees that leaves from number `from` on end. */
static void
add_nodes(cf_logwriter_t *w, uint64_t from) {
  for (unsigned level = 0; from >> (level + 1) < w->size >> (level + 1); level++) {
    uint64_t first = from >> (level + 1), end = w->size >> (level + 1);
    cf_sha256_nodes(node(w, level + 1, first), node(w, level, 2 * first), end - first);
  }
}

/* The leaf of entry i.  They are made some at a time, for those to come, too. */
typedef struct {
  cf_hash_t leaf[LEAVES];
  size_t    first, cnt;
} leaves_t;

static cf_hash_t const *
leaf_of(leaves_t *l, cf_log_entry_t const *entries, size_t cnt, size_t i) {
  if (i >= l->first + l->cnt) {
    cf_span_t bytes[LEAVES];
    l->first = i;
    l->cnt   = cnt - i < LEAVES ? cnt - i : LEAVES;
    for (size_t k = 0; k < l->cnt; k++) bytes[k] = entries[i + k].bytes;
    cf_sha256_leaves(l->leaf, bytes, l->cnt);
  }
  return &l->leaf[i - l->first];
}

bool
cf_logwriter_find(cf_logwriter_t const *w, cf_hash_t const *key, uint64_t *index) {
  uint32_t const *slot = slot_of(w, key);
  if (*slot) *index = *slot - 1;
  return *slot != 0;
}

/* ---- the tail ---- */

/* Keeps the partial bundle only, at the front. */
static void
settle_tail(cf_logwriter_t *w) {
  uint64_t under_way = w->size / CF_TILE_WIDTH;
  size_t   at        = w->size % CF_TILE_WIDTH ? w->tail_at[under_way - w->tail_first] : w->tail_len;
  w->tail_len -= at;
  memmove(w->tail, w->tail + at, w->tail_len);
  w->tail_first = under_way;
  w->tail_at[0] = 0;
}

/* Puts an entry's bytes behind the tail; to be called before add_leaf. */
static void
add_bytes(cf_logwriter_t *w, cf_span_t bytes) {
  if (w->size % CF_TILE_WIDTH == 0) w->tail_at[w->size / CF_TILE_WIDTH - w->tail_first] = w->tail_len;
  cf_wr_t wr = cf_wr_init(w->tail + w->tail_len, CF_LOGWRITER_TAIL_SZ - w->tail_len);
  cf_bundle_add(&wr, bytes);
  assert(!wr.bad);
  w->tail_len += wr.len;
}

static cf_span_t
bundle_bytes(cf_logwriter_t const *w, uint64_t index) {
  size_t at  = w->tail_at[index - w->tail_first];
  size_t end = (index + 1) * CF_TILE_WIDTH < w->size ? w->tail_at[index + 1 - w->tail_first] : w->tail_len;
  return CF_SPAN(w->tail + at, end - at);
}

/* ---- publishing ---- */

static cf_span_t
tile_name(cf_effects_t *fx, cf_tile_t const *t) {
  char path[CF_TILE_PATH_MAX];
  cf_tile_path(path, t);
  return cf_fx_printf(fx, "log/%s", path);
}

static void
note_partial(cf_logwriter_t *w, cf_tile_t const *t) {
  cf_logwriter_partial_t *p = &w->partial[t->row + 1];
  if (t->width < CF_TILE_WIDTH) {
    p->now[t->width / 64] |= UINT64_C(1) << t->width % 64;
  } else if (p->now[0] | p->now[1] | p->now[2] | p->now[3]) {
    memcpy(p->full, p->now, sizeof p->full);
    memset(p->now, 0, sizeof p->now);
    p->full_idx = t->index;
  }
}

/* The files of a log that grew from size from.  The bundles are left out when they are there already.  Tiles may come in any order, because
   a restart writes them anew from the bundles; bundles may not: one behind a gap would be taken for a later append. */
static void
put_tiles(cf_logwriter_t *w, cf_effects_t *fx, uint64_t from, bool bundles) {
  cf_tile_iter_t it    = cf_tile_iter(from, w->size);
  size_t         tiles = 0;
  for (cf_tile_t t; cf_tile_next(&it, &t);) {
    note_partial(w, &t);
    if (t.row != CF_TILE_ENTRIES) {
      cf_hash_t const *first = node(w, 8 * (unsigned)t.row, t.index * CF_TILE_WIDTH);
      cf_fx_put(fx, tile_name(fx, &t), CF_SPAN(first, t.width * sizeof *first));
      fx->at[fx->cnt - 1].joined = tiles++ > 0;
    } else if (bundles) {
      cf_fx_put(fx, tile_name(fx, &t), bundle_bytes(w, t.index));
    }
  }
}

static void
put_checkpoint(cf_logwriter_t *w, cf_effects_t *fx) {
  cf_tree_reader_t reader = cf_logwriter_reader(w);
  cf_status_t      st     = cf_tree_root(&w->root, &reader, w->size);
  cf_wr_t          wr     = cf_wr_init(w->note, sizeof w->note);
  cf_checkpoint_sign(&wr, &w->cfg.log, w->cfg.seed, w->size, &w->root);
  assert(!st && !wr.bad);
  w->note_len = wr.len;
  cf_fx_put(fx, CF_SPAN_LIT("log/checkpoint"), cf_fx_dup(fx, cf_wr_out(&wr)));
}

/* Does an effect of this step still point into the tail? */
static bool
tail_in_use(cf_logwriter_t const *w, cf_effects_t const *fx) {
  for (size_t i = 0; i < fx->cnt; i++)
    if (fx->at[i].body.ptr >= w->tail && fx->at[i].body.ptr < w->tail + CF_LOGWRITER_TAIL_SZ) return true;
  return false;
}

cf_status_t
cf_logwriter_append(cf_logwriter_t *w, cf_effects_t *fx, cf_log_entry_t *entries, size_t cnt, uint64_t *first_new) {
  if (w->phase != CF_LOGWRITER_READY) return CF_ERR_IO;
  if (cnt > CF_LOGWRITER_GROUP_MAX) return CF_ERR_BOUND;
  assert(!tail_in_use(w, fx));
  settle_tail(w);
  size_t room = CF_LOGWRITER_TAIL_SZ - w->tail_len;
  if (cnt > w->cfg.cap - w->size) return CF_ERR_BOUND;
  for (size_t i = 0; i < cnt; i++) {
    if (entries[i].bytes.len > CF_ENTRY_MAX || 2 + entries[i].bytes.len > room) return CF_ERR_BOUND;
    room -= 2 + entries[i].bytes.len;
  }

  uint64_t from = w->size;
  leaves_t leaves;
  leaves.first = leaves.cnt = 0;
  for (size_t i = 0; i < cnt; i++) {
    uint32_t *slot   = slot_of(w, &entries[i].key);
    entries[i].index = *slot ? *slot - 1 : w->size;
    if (*slot) continue;
    cf_hash_t const *leaf = leaf_of(&leaves, entries, cnt, i);
    add_bytes(w, entries[i].bytes);
    add_leaf(w, leaf, &entries[i].key, slot);
  }
  add_nodes(w, from);
  if (first_new) *first_new = from;
  if (w->size == from) return CF_OK;
  put_tiles(w, fx, from, true);
  put_checkpoint(w, fx);
  return CF_OK;
}

size_t
cf_logwriter_prune(cf_logwriter_t *w, cf_effects_t *fx, size_t max) {
  size_t cnt = 0;
  for (int row = CF_TILE_ENTRIES; row < CF_TILE_ROWS; row++) {
    cf_logwriter_partial_t *p = &w->partial[row + 1];
    for (unsigned width = 1; width < CF_TILE_WIDTH && cnt < max; width++) {
      uint64_t bit = UINT64_C(1) << width % 64;
      if (!(p->full[width / 64] & bit)) continue;
      p->full[width / 64] &= ~bit;
      cf_tile_t t = { .row = row, .index = p->full_idx, .width = width };
      cf_fx(fx, CF_FX_REMOVE)->name = tile_name(fx, &t);
      cnt++;
    }
  }
  return cnt;
}

/* ---- what others ask ---- */

cf_span_t
cf_logwriter_note(cf_logwriter_t const *w) {
  return CF_SPAN(w->note, w->note_len);
}

cf_status_t
cf_logwriter_proof(cf_logwriter_t *w, cf_hash_t *path, size_t *path_cnt, uint64_t index, uint64_t size) {
  cf_tree_reader_t reader = cf_logwriter_reader(w);
  if (size > w->size || index >= size) return CF_ERR_BOUND;
  cf_status_t st = w->edge.size == size ? CF_OK : cf_tree_edge(&w->edge, &reader, size);
  return st ? st : cf_tree_inclusion_prove_at(path, path_cnt, &reader, &w->edge, index);
}

cf_status_t
cf_logwriter_consistency(cf_logwriter_t const *w, cf_hash_t *path, size_t *path_cnt, uint64_t old_size, uint64_t new_size) {
  cf_tree_reader_t reader = cf_logwriter_reader(w);
  return new_size > w->size ? CF_ERR_BOUND : cf_tree_consistency_prove(path, path_cnt, &reader, old_size, new_size);
}

cf_status_t
cf_logwriter_root(cf_logwriter_t const *w, cf_hash_t *root, uint64_t size) {
  cf_tree_reader_t reader = cf_logwriter_reader(w);
  return size > w->size ? CF_ERR_BOUND : cf_tree_root(root, &reader, size);
}

cf_hash_t const *
cf_logwriter_leaf(cf_logwriter_t const *w, uint64_t index) {
  return index < w->size ? node(w, 0, index) : NULL;
}

/* ---- recovery ---- */

static void
fail(cf_logwriter_t *w, cf_status_t st, char const *text) {
  (void)cf_error_set(&w->err, st, "log", 0, "%s", text);
  w->phase = CF_LOGWRITER_FAILED;
}

static void
ask_file(cf_logwriter_t *w, cf_effects_t *fx, cf_logwriter_phase_t phase, cf_tile_t const *t) {
  w->phase = phase;
  w->asked = *t;
  cf_fx_get(fx, w->cfg.id, tile_name(fx, t));
}

void
cf_logwriter_start(cf_logwriter_t *w, cf_effects_t *fx) {
  assert(w->phase == CF_LOGWRITER_STOPPED);
  w->phase = CF_LOGWRITER_HEAD;
  cf_fx_get(fx, w->cfg.id, CF_SPAN_LIT("log/checkpoint"));
}

static void
recovered(cf_logwriter_t *w, cf_span_t bytes, cf_hash_t const *leaf) {
  cf_hash_t key = w->cfg.key(bytes);
  if (w->cfg.recovered) w->cfg.recovered(w->cfg.ctx, w->size, bytes, &key);
  if (w->size % CF_TILE_WIDTH == 0) w->tail_first = w->size / CF_TILE_WIDTH, w->tail_len = 0;
  add_bytes(w, bytes);
  add_leaf(w, leaf, &key, slot_of(w, &key));
  add_nodes(w, w->size - 1);
}

static void
on_recovered(void *ctx, uint64_t index, cf_span_t bytes, cf_hash_t const *leaf) {
  cf_logwriter_t *w = ctx;
  assert(index == w->size);
  recovered(w, bytes, leaf);
}

/* Beyond the checkpoint: is there a whole bundle where the partial one is, or should be? */
static void
look_beyond(cf_logwriter_t *w, cf_effects_t *fx) {
  if (w->size == w->cfg.cap) {
    fail(w, CF_ERR_BOUND, "the log has reached its capacity");
    return;
  }
  if (w->size % CF_TILE_WIDTH == 0) w->tail_first = w->size / CF_TILE_WIDTH, w->tail_len = 0;
  cf_tile_t t = { .row = CF_TILE_ENTRIES, .index = w->size / CF_TILE_WIDTH, .width = CF_TILE_WIDTH };
  ask_file(w, fx, CF_LOGWRITER_WHOLE, &t);
}

/* Wants the next file of the checkpoint's size, or judges what was read. */
static void
check_next(cf_logwriter_t *w, cf_effects_t *fx) {
  cf_tile_t t;
  if (cf_logreader_want(&w->reader, &t)) {
    ask_file(w, fx, CF_LOGWRITER_CHECK, &t);
  } else if (cf_logreader_end(&w->reader, &w->err)) {
    w->phase = CF_LOGWRITER_FAILED;
  } else {
    look_beyond(w, fx);
  }
}

static void
on_head(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->code == 404) { /* a new log, or one whose first append was cut off */
    look_beyond(w, fx);
    return;
  }
  cf_checkpoint_t c;
  if (cf_checkpoint_open(&c, NULL, NULL, ev->body, &w->cfg.log, &w->err)) {
    w->phase = CF_LOGWRITER_FAILED;
  } else if (c.extension.len || ev->body.len > sizeof w->note) {
    fail(w, CF_ERR_UNSUPPORTED, "log/checkpoint was not written by this writer");
  } else if (c.size > w->cfg.cap || cf_logreader_begin(&w->reader, c.size, &c.root)) {
    fail(w, CF_ERR_BOUND, "the log is larger than its capacity");
  } else {
    memcpy(w->note, ev->body.ptr, ev->body.len);
    w->note_len    = ev->body.len;
    w->root        = c.root;
    w->signed_size = c.size;
    check_next(w, fx);
  }
}

static void
on_checked_file(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->code == 404) {
    cf_logreader_missing(&w->reader);
  } else {
    cf_logreader_give(&w->reader, ev->body, false);
    note_partial(w, &w->asked);
  }
  check_next(w, fx);
}

/* Takes over the entries of a bundle from a cut-off append.  What it shares with the bundle checked before must be
   the same bytes. */
static bool
adopt(cf_logwriter_t *w, cf_effects_t *fx, cf_span_t bytes) {
  uint64_t  from = w->size;
  cf_rd_t   rd   = cf_rd_span(bytes);
  cf_span_t entry;
  unsigned  cnt = 0;
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
    recovered(w, entry, &leaf);
  }
  put_tiles(w, fx, from, false);
  return true;
}

static void
finish(cf_logwriter_t *w, cf_effects_t *fx) {
  if (w->size > w->signed_size) put_checkpoint(w, fx);
  w->phase = CF_LOGWRITER_READY;
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
    uint8_t const *at  = rd.buf + rd.pos;
    uint8_t const *nul = memchr(at, 0, cf_rd_left(&rd));
    cf_span_t      name = cf_rd_take_span(&rd, nul ? (size_t)(nul - at) : cf_rd_left(&rd));
    uint64_t       width;
    cf_rd_take(&rd, 1);
    if (cf_dec_u64(&width, name) || width == 0 || width >= CF_TILE_WIDTH) continue; /* not a name of ours: audit's business */
    if (width > widest) widest = width;
    cf_tile_t t = { .row = CF_TILE_ENTRIES, .index = w->asked.index, .width = (unsigned)width };
    note_partial(w, &t);
    t.row = 0;
    note_partial(w, &t);
  }
  if (widest == w->size % CF_TILE_WIDTH) {
    finish(w, fx);
    return;
  }
  cf_tile_t t = { .row = CF_TILE_ENTRIES, .index = w->asked.index, .width = (unsigned)widest };
  ask_file(w, fx, CF_LOGWRITER_PART, &t);
}

bool
cf_logwriter_step(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind != CF_EV_DONE || ev->id != w->cfg.id) return false;
  if (ev->status && w->phase < CF_LOGWRITER_READY) {
    fail(w, ev->status, "a file of the log cannot be read");
    return true;
  }
  switch (w->phase) {
  case CF_LOGWRITER_HEAD:   on_head(w, fx, ev); break;
  case CF_LOGWRITER_CHECK:  on_checked_file(w, fx, ev); break;
  case CF_LOGWRITER_WHOLE:  on_whole(w, fx, ev); break;
  case CF_LOGWRITER_WIDTHS: on_widths(w, fx, ev); break;
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
