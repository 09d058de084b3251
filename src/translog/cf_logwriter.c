#include "translog/cf_logwriter.h"

#include <assert.h>

#include "codec/cf_cose.h"
#include "translog/cf_line.h"

#define NODES_SZ(cap) (2 * (size_t)(cap) * sizeof(cf_hash_t))
#define KEYS_SZ(cap)  ((size_t)(cap) * sizeof(cf_hash_t))
#define SLOTS_SZ(cap) (2 * (size_t)(cap) * sizeof(uint32_t))
#define RECORD_SZ     (4 + (size_t)CF_LOGRECORD_MAX)

enum { LEAVES = 16 };

cf_hash_t
cf_log_entry_key(cf_span_t entry) {
  cf_sign1_t s;
  if (cf_sign1_decode(&s, entry, NULL, NULL)) return cf_tree_leaf(entry);
  return cf_document_hash(s.protected_hdr, s.payload);
}

size_t
cf_logwriter_mem_sz(uint64_t cap) {
  return NODES_SZ(cap) + KEYS_SZ(cap) + SLOTS_SZ(cap) + CF_LOGWRITER_TAIL_SZ + RECORD_SZ;
}

static void on_recovered(void *ctx, uint64_t index, cf_span_t bytes, cf_hash_t const *leaf);

void
cf_logwriter_init(cf_logwriter_t *w, cf_logwriter_config_t const *cfg) {
  uint64_t cap = cfg->cap;
  assert(cap >= CF_LOGWRITER_CAP_MIN && cap <= CF_LOGWRITER_CAP_MAX && (cap & (cap - 1)) == 0);
  assert(cfg->log.type == CF_VKEY_LOG && cfg->mem && cfg->seed && cfg->key && cfg->journal);
  memset(w, 0, sizeof *w);
  w->cfg      = *cfg;
  w->root     = cf_tree_empty();
  uint8_t *at = cfg->mem;
  w->node     = (void *)at, at += NODES_SZ(cap);
  w->key      = (void *)at, at += KEYS_SZ(cap);
  w->slot     = (void *)at, at += SLOTS_SZ(cap);
  w->tail     = at, at += CF_LOGWRITER_TAIL_SZ;
  w->record   = at;
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

/* Keeps what is not published yet, from the bundle on that it begins in, at the front. */
static void
settle_tail(cf_logwriter_t *w) {
  uint64_t first = w->filed / CF_TILE_WIDTH, bundles = (w->size + CF_TILE_WIDTH - 1) / CF_TILE_WIDTH;
  if (first == w->tail_first) return;
  size_t at = first < bundles ? w->tail_at[first - w->tail_first] : w->tail_len;
  for (uint64_t i = first; i < bundles; i++) w->tail_at[i - first] = w->tail_at[i - w->tail_first] - at;
  w->tail_len -= at;
  memmove(w->tail, w->tail + at, w->tail_len);
  w->tail_first = first;
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

/* The files of a log that grew from size from.  The bundles are left out when they are there already.  They may come in any order: nothing of
   them is seen before the checkpoint, and the journal has them until then. */
static void
put_files(cf_logwriter_t *w, cf_effects_t *fx, uint64_t from, bool bundles) {
  cf_tile_iter_t it    = cf_tile_iter(from, w->size);
  size_t         first = fx->cnt;
  for (cf_tile_t t; cf_tile_next(&it, &t);) {
    note_partial(w, &t);
    if (t.row != CF_TILE_ENTRIES) {
      cf_hash_t const *hash = node(w, 8 * (unsigned)t.row, t.index * CF_TILE_WIDTH);
      cf_fx_put(fx, tile_name(fx, &t), CF_SPAN(hash, t.width * sizeof *hash));
    } else if (bundles) {
      cf_fx_put(fx, tile_name(fx, &t), bundle_bytes(w, t.index));
    }
  }
  cf_fx_join(fx, first);
  w->filed = w->size;
}

static void
find_root(cf_logwriter_t *w) {
  cf_tree_reader_t reader = cf_logwriter_reader(w);
  cf_status_t      st     = cf_tree_root(&w->root, &reader, w->size);
  assert(!st);
  (void)st;
}

cf_span_t
cf_logwriter_note(cf_logwriter_t *w) {
  if (w->note_size != w->size) {
    cf_wr_t wr = cf_wr_init(w->note, sizeof w->note);
    cf_checkpoint_sign(&wr, &w->cfg.log, w->cfg.seed, w->size, &w->root);
    assert(!wr.bad);
    w->note_len  = wr.len;
    w->note_size = w->size;
  }
  return CF_SPAN(w->note, w->note_len);
}

static void
publish(cf_logwriter_t *w, cf_effects_t *fx) {
  if (w->filed < w->size) put_files(w, fx, w->filed, true);
  if (w->signed_size == w->size) return;
  cf_fx_put(fx, CF_SPAN_LIT("log/checkpoint"), cf_fx_dup(fx, cf_logwriter_note(w)));
  w->signed_size = w->size;
}

static cf_span_t
segment_name(cf_logwriter_t const *w, cf_effects_t *fx) {
  return cf_fx_printf(fx, "%s/%020llu", w->cfg.journal, (unsigned long long)w->segment);
}

/* All that it holds is published. */
static void
remove_segment(cf_logwriter_t *w, cf_effects_t *fx) {
  cf_fx(fx, CF_FX_REMOVE)->name = segment_name(w, fx);
  w->segment_len                = 0;
}

void
cf_logwriter_publish(cf_logwriter_t *w, cf_effects_t *fx) {
  assert(w->phase == CF_LOGWRITER_READY);
  publish(w, fx);
  if (w->segment_len >= CF_LOGWRITER_SEGMENT_SZ) remove_segment(w, fx);
}

/* ---- appending ---- */

/* Does an effect of this step still point into what an append changes? */
static bool
in_use(cf_logwriter_t const *w, cf_effects_t const *fx) {
  for (size_t i = 0; i < fx->cnt; i++)
    if (fx->at[i].body.ptr >= w->tail && fx->at[i].body.ptr < w->record + RECORD_SZ) return true;
  return false;
}

/* The entries from number from on, whose bytes are the tail's from at on.  A file's first record says where the log stood when it was begun. */
static void
put_record(cf_logwriter_t *w, cf_effects_t *fx, uint64_t from, size_t at) {
  bool           fresh = w->segment_len == 0;
  cf_logrecord_t r     = { .first = from, .cnt = (uint32_t)(w->size - from), .root = w->root };
  cf_wr_t        wr    = cf_wr_init(w->record, RECORD_SZ);
  assert(!fresh || (w->signed_size == from && w->note_size == from));
  r.entries = CF_SPAN(w->tail + at, w->tail_len - at);
  if (fresh) r.note = CF_SPAN(w->note, w->note_len), w->segment = from;
  cf_logrecord_write(&wr, &r);
  assert(!wr.bad);
  w->segment_len += wr.len;
  cf_fx_append(fx, segment_name(w, fx), cf_wr_out(&wr));
}

cf_status_t
cf_logwriter_append(cf_logwriter_t *w, cf_effects_t *fx, cf_log_entry_t *entries, size_t cnt, uint64_t *first_new) {
  if (w->phase != CF_LOGWRITER_READY) return CF_ERR_IO;
  if (cnt > CF_LOGWRITER_GROUP_MAX) return CF_ERR_BOUND;
  assert(!in_use(w, fx));
  settle_tail(w);
  size_t sz = 0;
  for (size_t i = 0; i < cnt; i++) {
    if (entries[i].bytes.len > CF_ENTRY_MAX) return CF_ERR_BOUND;
    sz += 2 + entries[i].bytes.len;
  }
  if (sz > CF_BUNDLE_MAX || sz > CF_LOGWRITER_TAIL_SZ - w->tail_len) return CF_ERR_BOUND;
  if (cnt > w->cfg.cap - w->size || cnt > CF_LOGWRITER_BEHIND_MAX - (w->size - w->filed)) return CF_ERR_BOUND;

  if (!w->segment_len) (void)cf_logwriter_note(w); /* where the next file begins */
  uint64_t from = w->size;
  size_t   at   = w->tail_len;
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
  find_root(w);
  put_record(w, fx, from, at);
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

static void
ask_segment(cf_logwriter_t *w, cf_effects_t *fx, cf_logwriter_phase_t phase) {
  w->phase = phase;
  cf_fx_get(fx, w->cfg.id, segment_name(w, fx));
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
  add_bytes(w, bytes);
  add_leaf(w, leaf, &key, slot_of(w, &key));
  add_nodes(w, w->size - 1);
}

static void
on_recovered(void *ctx, uint64_t index, cf_span_t bytes, cf_hash_t const *leaf) {
  cf_logwriter_t *w = ctx;
  assert(index == w->size);
  settle_tail(w);
  recovered(w, bytes, leaf);
  w->filed = w->size;
}

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
    if (!cut) note_partial(w, &w->asked);
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
  cf_span_t     entry[LEAVES];
  cf_hash_t     leaf[LEAVES];
  cf_frontier_t f = { .size = w->size };
  size_t        n = 0;
  uint32_t      i = 0;
  for (unsigned level = 0; level < 63; level++)
    if (f.size >> level & 1) f.node[level] = *node(w, level, (f.size >> level) - 1);
  for (; cf_bundle_next(&rd, &entry[n]); i++) {
    if (i < known) continue;
    if (++n < LEAVES) continue;
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
    recovered(w, entry, &leaf);
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
  settle_tail(w);
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
    put_files(w, fx, w->filed, true);
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
  if (w->filed < w->size) put_files(w, fx, w->filed, true);
  look_beyond(w, fx);
}

/* Takes over the entries of a bundle from a cut-off append.  What it shares with the bundle checked before must be
   the same bytes. */
static bool
adopt(cf_logwriter_t *w, cf_effects_t *fx, cf_span_t bytes) {
  uint64_t  from = w->size;
  cf_rd_t   rd   = cf_rd_span(bytes);
  cf_span_t entry;
  unsigned  cnt = 0;
  settle_tail(w);
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
  put_files(w, fx, from, false);
  find_root(w);
  return true;
}

static void
finish(cf_logwriter_t *w, cf_effects_t *fx) {
  publish(w, fx);
  if (w->segment_len) remove_segment(w, fx);
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
    uint64_t width;
    if (cf_dec_u64(&width, next_name(&rd)) || width == 0 || width >= CF_TILE_WIDTH) continue; /* not a name of ours: audit's business */
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
  case CF_LOGWRITER_HEAD:    on_head(w, fx, ev); break;
  case CF_LOGWRITER_JOURNAL: on_journal(w, fx, ev); break;
  case CF_LOGWRITER_SEGMENT: on_segment(w, fx, ev); break;
  case CF_LOGWRITER_CHECK:   on_checked_file(w, fx, ev); break;
  case CF_LOGWRITER_REPLAY:  on_replay(w, fx, ev); break;
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
