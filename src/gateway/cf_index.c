#include "gateway/cf_index.h"

#include <assert.h>

#include "translog/cf_tree.h"

#define NODES(cap) (3 * (cap) + 2 * CF_INDEX_BATCHES)

static uint64_t
mask_for(uint64_t cap) {
  uint64_t n = 16;
  while (n < 2 * cap) n *= 2;
  return n - 1;
}

static size_t
round64(size_t n) {
  return (n + 63) & ~(size_t)63;
}

size_t
cf_index_sz(uint64_t cap) {
  return round64(cap * sizeof(cf_index_entry_t)) + round64((mask_for(cap) + 1) * sizeof(uint32_t)) +
         round64(NODES(cap) * sizeof(cf_hash_t)) + round64(cap * sizeof(cf_index_result_t)) +
         round64(CF_INDEX_BATCHES * sizeof(cf_index_batch_t));
}

void
cf_index_init(cf_index_t *x, uint64_t cap, void *mem) {
  uint8_t *at = mem;
  *x          = (cf_index_t){ .cap = cap, .nodes_cap = NODES(cap), .mask = mask_for(cap) };
  x->entry    = (void *)at, at += round64(cap * sizeof *x->entry);
  x->slot     = (void *)at, at += round64((x->mask + 1) * sizeof *x->slot);
  x->node     = (void *)at, at += round64(x->nodes_cap * sizeof *x->node);
  x->result   = (void *)at, at += round64(cap * sizeof *x->result);
  x->batch    = (void *)at;
}

/* ---- trees ---- */

size_t
cf_levels_make(cf_hash_t *nodes, size_t cnt) {
  size_t from = 0, width = cnt, all = cnt;
  while (width > 1) {
    for (size_t i = 0; i + 1 < width; i += 2) nodes[all++] = cf_sha256_node(&nodes[from + i], &nodes[from + i + 1]);
    if (width & 1) nodes[all++] = nodes[from + width - 1];
    from += width;
    width = (width + 1) / 2;
  }
  return all;
}

size_t
cf_levels_path(cf_hash_t const *nodes, size_t cnt, size_t position, cf_hash_t path[CF_INDEX_PATH_MAX]) {
  size_t n = 0, from = 0;
  for (size_t width = cnt; width > 1; width = (width + 1) / 2, position /= 2) {
    if ((position ^ 1) < width) path[n++] = nodes[from + (position ^ 1)];
    from += width;
  }
  return n;
}

/* ---- the table of envelopes ---- */

static uint64_t
home(cf_index_t const *x, cf_hash_t const *id) {
  uint64_t h;
  memcpy(&h, id->b, sizeof h); /* a digest's bytes are spread already */
  return h & x->mask;
}

static bool
live(cf_index_t const *x, uint64_t number) {
  return number < x->entries && x->entries - number <= x->cap;
}

static uint64_t
find_slot(cf_index_t const *x, cf_hash_t const *id) {
  uint64_t at = home(x, id);
  while (x->slot[at] && !cf_hash_eq(&x->entry[x->slot[at] - 1].id, id)) at = (at + 1) & x->mask;
  return at;
}

cf_index_entry_t *
cf_index_find(cf_index_t const *x, cf_hash_t const *id) {
  uint32_t slot = x->slot[find_slot(x, id)];
  return slot ? &x->entry[slot - 1] : NULL;
}

/* Takes a slot out and closes the gap, so that every probe still ends where it should. */
static void
free_slot(cf_index_t *x, uint64_t gap) {
  x->slot[gap] = 0;
  for (uint64_t at = (gap + 1) & x->mask; x->slot[at]; at = (at + 1) & x->mask) {
    uint64_t want = home(x, &x->entry[x->slot[at] - 1].id);
    if (((at - want) & x->mask) < ((at - gap) & x->mask)) continue;
    x->slot[gap] = x->slot[at];
    x->slot[at]  = 0;
    gap          = at;
  }
}

static cf_index_entry_t *
add_entry(cf_index_t *x, cf_hash_t const *id) {
  uint32_t          place = (uint32_t)(x->entries % x->cap);
  cf_index_entry_t *e     = &x->entry[place];
  if (x->entries >= x->cap) {
    uint64_t at = find_slot(x, &e->id);
    if (x->slot[at] == place + 1) free_slot(x, at); /* an id that came again has a younger entry */
  }
  x->entries++;
  *e          = (cf_index_entry_t){ .id = *id };
  uint64_t at = find_slot(x, id);
  if (x->slot[at]) e->results = x->entry[x->slot[at] - 1].results; /* the younger entry takes over */
  x->slot[at] = place + 1;
  return e;
}

/* Room for n nodes in a row. */
static uint64_t
take_nodes(cf_index_t *x, size_t n) {
  uint64_t at = x->nodes % x->nodes_cap;
  if (at + n > x->nodes_cap) x->nodes += x->nodes_cap - at;
  uint64_t first = x->nodes;
  x->nodes += n;
  return first;
}

void
cf_index_add(cf_index_t *x, uint64_t sequence, cf_hash_t const *ids, uint32_t cnt, cf_hash_t *root) {
  assert(sequence && cnt <= x->cap / 2);
  cf_index_batch_t *b = &x->batch[sequence % CF_INDEX_BATCHES];
  *b                  = (cf_index_batch_t){ .sequence = sequence, .cnt = cnt, .first = x->entries };
  for (uint32_t i = 0; i < cnt; i++) {
    cf_index_entry_t *e = add_entry(x, &ids[i]);
    e->sequence         = sequence;
    e->position         = i;
  }
  *root   = cf_tree_empty();
  b->node = take_nodes(x, 2 * (size_t)cnt + 32);
  if (!cnt) return;
  cf_hash_t *nodes = &x->node[b->node % x->nodes_cap];
  for (uint32_t i = 0; i < cnt; i++) nodes[i] = cf_tree_leaf(CF_SPAN_OF(ids[i].b));
  *root = nodes[cf_levels_make(nodes, cnt) - 1];
}

static cf_index_batch_t const *
batch_of(cf_index_t const *x, uint64_t sequence) {
  cf_index_batch_t const *b = &x->batch[sequence % CF_INDEX_BATCHES];
  return b->sequence == sequence && sequence ? b : NULL;
}

bool
cf_index_manifest(cf_index_t const *x, uint64_t sequence, cf_hash_t *out, uint32_t *cnt) {
  cf_index_batch_t const *b = batch_of(x, sequence);
  if (!b || (b->cnt && !live(x, b->first))) return false;
  for (uint32_t i = 0; i < b->cnt; i++) out[i] = x->entry[(b->first + i) % x->cap].id;
  *cnt = b->cnt;
  return true;
}

bool
cf_index_path(cf_index_t const *x, uint64_t sequence, uint32_t position, cf_hash_t path[CF_INDEX_PATH_MAX], size_t *path_cnt) {
  cf_index_batch_t const *b = batch_of(x, sequence);
  if (!b || position >= b->cnt || x->nodes - b->node > x->nodes_cap) return false;
  *path_cnt = cf_levels_path(&x->node[b->node % x->nodes_cap], b->cnt, position, path);
  return true;
}

/* ---- results ---- */

static cf_index_result_t const *
result_at(cf_index_t const *x, uint64_t number) {
  return number && number <= x->results && x->results - number < x->cap ? &x->result[(number - 1) % x->cap] : NULL;
}

bool
cf_index_result_next(cf_index_t const *x, cf_hash_t const *id, uint64_t *at, cf_index_result_t *out) {
  cf_index_result_t const *r = result_at(x, *at);
  if (!r || !cf_hash_eq(&r->id, id)) return false;
  *out = *r;
  *at  = r->before;
  return true;
}

void
cf_index_result(cf_index_t *x, cf_hash_t const *id, uint64_t sequence, uint64_t file, uint32_t offset, uint32_t len) {
  cf_index_entry_t *e = cf_index_find(x, id);
  if (!e) e = add_entry(x, id);
  cf_index_result_t had;
  for (uint64_t at = e->results; cf_index_result_next(x, id, &at, &had);)
    if (had.sequence == sequence && had.file != file) return; /* released again after a restart */
  x->result[x->results % x->cap] =
      (cf_index_result_t){ .id = *id, .sequence = sequence, .file = file, .offset = offset, .len = len, .before = e->results };
  e->results = ++x->results;
}
