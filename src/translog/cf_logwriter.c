#include "translog/cf_logwriter.h"

#include <assert.h>

#include "codec/cf_cose.h"
#include "translog/cf_line.h"
#include "translog/cf_logwriter_state.h"

#define NODES_SZ(cap) (2 * (size_t)(cap) * sizeof(cf_hash_t))
#define KEYS_SZ(cap)  ((size_t)(cap) * sizeof(cf_hash_t))
#define SLOTS_SZ(cap) (2 * (size_t)(cap) * sizeof(uint32_t))
#define RECORD_SZ     (4 + (size_t)CF_LOGRECORD_MAX)

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
}

/* ---- the tree in memory ---- */

static cf_status_t
read_node(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  cf_logwriter_t const *w = ctx;
  assert((index + 1) << level <= w->size);
  *out = *cf_logwriter_node(w, level, index);
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
  *cf_logwriter_node(w, 0, index) = *leaf;
}

/* The complete subtrees that leaves from number `from` on end. */
static void
add_nodes(cf_logwriter_t *w, uint64_t from) {
  for (unsigned level = 0; from >> (level + 1) < w->size >> (level + 1); level++) {
    uint64_t first = from >> (level + 1), end = w->size >> (level + 1);
    cf_sha256_nodes(cf_logwriter_node(w, level + 1, first), cf_logwriter_node(w, level, 2 * first), end - first);
  }
}

/* The leaf of entry i.  They are made some at a time, for those to come, too. */
typedef struct {
  cf_hash_t leaf[CF_LOGWRITER_LEAVES];
  size_t    first, cnt;
} leaves_t;

static cf_hash_t const *
leaf_of(leaves_t *l, cf_log_entry_t const *entries, size_t cnt, size_t i) {
  if (i >= l->first + l->cnt) {
    cf_span_t bytes[CF_LOGWRITER_LEAVES];
    l->first = i;
    l->cnt   = cnt - i < CF_LOGWRITER_LEAVES ? cnt - i : CF_LOGWRITER_LEAVES;
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

void
cf_logwriter_settle_tail(cf_logwriter_t *w) {
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

void
cf_logwriter_restore(cf_logwriter_t *w, cf_span_t bytes, cf_hash_t const *leaf) {
  cf_hash_t key = w->cfg.key(bytes);
  if (w->cfg.recovered) w->cfg.recovered(w->cfg.ctx, w->size, bytes, &key);
  add_bytes(w, bytes);
  add_leaf(w, leaf, &key, slot_of(w, &key));
  add_nodes(w, w->size - 1);
}

static cf_span_t
bundle_bytes(cf_logwriter_t const *w, uint64_t index) {
  size_t at  = w->tail_at[index - w->tail_first];
  size_t end = (index + 1) * CF_TILE_WIDTH < w->size ? w->tail_at[index + 1 - w->tail_first] : w->tail_len;
  return CF_SPAN(w->tail + at, end - at);
}

/* ---- publishing ---- */

cf_span_t
cf_logwriter_tile_name(cf_effects_t *fx, cf_tile_t const *t) {
  char path[CF_TILE_PATH_MAX];
  cf_tile_path(path, t);
  return cf_fx_printf(fx, "log/%s", path);
}

void
cf_logwriter_note_partial(cf_logwriter_t *w, cf_tile_t const *t) {
  cf_logwriter_partial_t *p = &w->partial[t->row + 1];
  if (t->width < CF_TILE_WIDTH) {
    p->now[t->width / 64] |= UINT64_C(1) << t->width % 64;
  } else if (p->now[0] | p->now[1] | p->now[2] | p->now[3]) {
    memcpy(p->full, p->now, sizeof p->full);
    memset(p->now, 0, sizeof p->now);
    p->full_idx = t->index;
  }
}

void
cf_logwriter_put_files(cf_logwriter_t *w, cf_effects_t *fx, uint64_t from, bool bundles) {
  cf_tile_iter_t it    = cf_tile_iter(from, w->size);
  size_t         first = fx->cnt;
  for (cf_tile_t t; cf_tile_next(&it, &t);) {
    cf_logwriter_note_partial(w, &t);
    if (t.row != CF_TILE_ENTRIES) {
      cf_hash_t const *hash = cf_logwriter_node(w, 8 * (unsigned)t.row, t.index * CF_TILE_WIDTH);
      cf_fx_put(fx, cf_logwriter_tile_name(fx, &t), CF_SPAN(hash, t.width * sizeof *hash));
    } else if (bundles) {
      cf_fx_put(fx, cf_logwriter_tile_name(fx, &t), bundle_bytes(w, t.index));
    }
  }
  cf_fx_join(fx, first);
  w->filed = w->size;
}

void
cf_logwriter_find_root(cf_logwriter_t *w) {
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

cf_span_t
cf_logwriter_segment_name(cf_logwriter_t const *w, cf_effects_t *fx) {
  return cf_fx_printf(fx, "%s/%020llu", w->cfg.journal, (unsigned long long)w->segment);
}

void
cf_logwriter_remove_segment(cf_logwriter_t *w, cf_effects_t *fx) {
  cf_fx(fx, CF_FX_REMOVE)->name = cf_logwriter_segment_name(w, fx);
  w->segment_len                = 0;
}

void
cf_logwriter_publish(cf_logwriter_t *w, cf_effects_t *fx) {
  assert(w->phase == CF_LOGWRITER_READY);
  if (w->filed < w->size) cf_logwriter_put_files(w, fx, w->filed, true);
  if (w->signed_size != w->size) cf_fx_put(fx, CF_SPAN_LIT("log/checkpoint"), cf_fx_dup(fx, cf_logwriter_note(w)));
  w->signed_size = w->size;
  if (w->segment_len >= CF_LOGWRITER_SEGMENT_SZ) cf_logwriter_remove_segment(w, fx);
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
  cf_fx_append(fx, cf_logwriter_segment_name(w, fx), cf_wr_out(&wr));
}

cf_status_t
cf_logwriter_append(cf_logwriter_t *w, cf_effects_t *fx, cf_log_entry_t *entries, size_t cnt, uint64_t *first_new) {
  if (w->phase != CF_LOGWRITER_READY) return CF_ERR_IO;
  if (cnt > CF_LOGWRITER_GROUP_MAX) return CF_ERR_BOUND;
  assert(!in_use(w, fx));
  cf_logwriter_settle_tail(w);
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
  cf_logwriter_find_root(w);
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
      cf_fx(fx, CF_FX_REMOVE)->name = cf_logwriter_tile_name(fx, &t);
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
  return index < w->size ? cf_logwriter_node(w, 0, index) : NULL;
}
