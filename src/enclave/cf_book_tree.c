/* The state tree: SHA-256, 20 levels, a leaf for each open lane in order of first
   use; position 0 is reserved for what is not a lane. */
#include <assert.h>

#include "base/cf_secret.h"
#include "enclave/cf_book_state.h"

/* The salt hides the rest: equal lanes, and the same lane twice, look unrelated. */
static cf_hash_t
leaf_digest(cf_hmac_t const *key, leaf_t const *leaf) {
  uint8_t buf[56];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u32(&wr, leaf->account);
  cf_wr_u24(&wr, leaf->asset);
  cf_wr_u64(&wr, leaf->sequence);
  cf_hash_t salt = cf_hmac_of(key, cf_wr_out(&wr));

  wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u8(&wr, 0);
  cf_wr_u32(&wr, leaf->account);
  cf_wr_u24(&wr, leaf->asset);
  cf_wr_u64(&wr, leaf->balance);
  cf_wr_u64(&wr, leaf->held);
  cf_wr_hash(&wr, &salt);
  return cf_sha256(cf_wr_out(&wr));
}

static void
activity_begin(cf_book_t *b) {
  cf_sha256_tag(&b->activity, "activity");
  cf_sha256_h(&b->activity, &b->activity_last);
}

void
cf_book_tree_init(cf_book_t *b) {
  for (uint32_t level = 0; level <= CF_BOOK_DEPTH; level++) {
    if (level) b->empty[level] = cf_sha256_node(&b->empty[level - 1], &b->empty[level - 1]);
    for (uint32_t i = 0; i < b->node_max[level]; i++) b->nodes[level][i] = b->empty[level];
  }
  activity_begin(b);
}

void
cf_book_touch(cf_book_t *b, leaf_t *leaf) {
  if (leaf->sequence == b->sequence + 1) return;
  leaf->sequence = b->sequence + 1;
  b->sort[b->dirty_cnt++].key = (uint64_t)(leaf - b->leaves) + 1;
}

/* The cnt nodes of a level that b->sort names, from those below; two at once take little longer than one. */
static void
level_update(cf_book_t *b, uint32_t level, uint32_t cnt) {
  cf_hash_t const *below = b->nodes[level - 1], *l[2], *r[2];
  cf_hash_t       *out[2];
  for (uint32_t i = 0; i < cnt; i++) {
    uint64_t at = b->sort[i].key;
    bool     pair = 2 * at + 1 < b->node_max[level - 1];
    l[i % 2] = &below[2 * at];
    r[i % 2] = pair ? &below[2 * at + 1] : &b->empty[level - 1];
    out[i % 2] = &b->nodes[level][at];
    if (i % 2) cf_sha256_node_2(out, l, r);
  }
  if (cnt % 2) *out[0] = cf_sha256_node(l[0], r[0]);
}

void
cf_book_tree_update(cf_book_t *b) {
  b->sort[b->dirty_cnt++].key = 0; /* there is room: one more than there are leaves */
  cf_sort(b->sort, b->scratch, b->dirty_cnt);
  cf_hmac_t key;
  cf_hmac_key(&key, CF_SPAN(b->key, 32));
  for (uint32_t i = 1; i < b->dirty_cnt; i++) {
    uint64_t at = b->sort[i].key;
    b->nodes[0][at] = leaf_digest(&key, &b->leaves[at - 1]);
  }
  cf_wipe(&key, sizeof key);
  uint32_t cnt = b->dirty_cnt;
  for (uint32_t level = 0; level < CF_BOOK_DEPTH; level++) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < cnt; i++) {
      uint64_t at = b->sort[i].key / 2;
      if (!kept || b->sort[kept - 1].key != at) b->sort[kept++].key = at;
    }
    cnt = kept;
    level_update(b, level + 1, cnt);
  }
  b->dirty_cnt = 0;
}

void
cf_book_tree_reload(cf_book_t *b) {
  b->dirty_cnt = b->leaf_cnt;
  for (uint32_t i = 0; i < b->leaf_cnt; i++) b->sort[i].key = (uint64_t)i + 1;
  cf_book_tree_update(b);
  activity_begin(b);
}

/* ---- the reserved leaf ---- */

void
cf_book_note(cf_book_t *b, uint8_t kind, cf_span_t record) {
  cf_sha256_u(&b->activity, kind, 1);
  cf_sha256_u(&b->activity, record.len, 4);
  cf_sha256_s(&b->activity, record);
}

void
cf_book_begin(cf_book_t *b, uint64_t now_s) {
  assert(b->workload && !b->in_batch);
  b->in_batch = true;
  b->now_s = now_s;
  b->ctx.now_s = now_s;
}

cf_hash_t
cf_book_seal(cf_book_t *b, uint8_t const *seed, cf_hash_t const *digest) {
  assert(b->in_batch);
  b->activity_last = cf_sha256_end(&b->activity);
  activity_begin(b);

  uint8_t buf[15];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_bytes(&wr, "book/v1", 7);
  cf_wr_u64(&wr, b->sequence + 1);
  cf_hash_t   salt = cf_hmac_sha256(CF_SPAN(seed, 32), cf_wr_out(&wr));
  cf_sha256_t h;
  cf_sha256_tag(&h, "book");
  cf_sha256_u(&h, b->sequence + 1, 8);
  cf_sha256_h(&h, &salt);
  cf_sha256_h(&h, &b->activity_last);
  cf_sha256_h(&h, digest);
  b->nodes[0][0] = cf_sha256_end(&h);

  cf_book_tree_update(b);
  b->sequence++;
  b->in_batch = false;
  return cf_book_root(b);
}
