/* Sealed results: made in a batch, leaves under its receipt's results root, let out when the receipt counts.
   A batch's results lie in one block: u32 size of the rest | sequence u64 | how many were released u32 | count u32 | inputs u32 |
   each: to[32], order u32, salt[32], sealed span. */
#include "enclave/cf_enclave_state.h"

#include <assert.h>

#include "base/cf_secret.h"
#include "session/cf_result.h"
#include "translog/cf_tree.h"

enum { AT_SEQUENCE = 4, AT_RELEASED = 12, AT_COUNT = 16, AT_INPUTS = 20, HEAD_SZ = 24 };
#define ENTRY_HEAD_SZ (32 + 4 + 32 + 4)
#define PLAIN_HEAD_SZ 96 /* of an encoded cf_result_t without its body, and then some */

static uint64_t
get(uint8_t const *p, size_t n) {
  uint64_t v = 0;
  for (size_t i = 0; i < n; i++) v = v << 8 | p[i];
  return v;
}

static void
put(uint8_t *p, uint32_t v) {
  cf_wr_t wr = cf_wr_init(p, 4);
  cf_wr_u32(&wr, v);
}

static size_t
block_sz(uint8_t const *block) {
  return 4 + (size_t)get(block, 4);
}

static bool
all_released(uint8_t const *block) {
  return get(block + AT_RELEASED, 4) == get(block + AT_COUNT, 4);
}

/* What the smallest bucket takes, which holds an answer, a default, and a notice of one position. */
#define RESULT_SZ (ENTRY_HEAD_SZ + CF_RESULT_HEAD_MAX + CF_BUCKET_MIN + CF_AEAD_TAG_SZ)
static_assert(PLAIN_HEAD_SZ + 64 <= CF_BUCKET_MIN - 4, "a short body leaves the bucket as it is");
/* A position more makes the plaintext 12 bytes longer, and so its bucket at most twice that from the first on: less than a party
   more.  It counts where there are fewer parties than positions. */
#define POSITION_SZ 24

/* A batch tells the parties of each content in flight that it is executed or void; it drops each open obligation, or its two
   parties are in the window that closes; likewise a withdrawal, of one; and it answers its inputs.  Who is in a content has an
   obligation or a withdrawal in it, and no content has more than positions_max rows. */
cf_results_most_t
cf_results_most(cf_enclave_t const *e, uint32_t inputs, uint32_t contents) {
  cf_clearing_params_t const *p       = &e->clearing;
  uint64_t                    open    = 2 * (uint64_t)p->obligations_max + p->releases_max;
  uint64_t                    parties = e->configuration.parties_max < p->positions_max ? e->configuration.parties_max : p->positions_max;
  uint64_t                    flying  = contents * parties < open ? contents * parties : open;
  uint64_t                    cnt     = flying + open + inputs;
  uint64_t more = parties < p->positions_max ? (uint64_t)(contents + 1) * p->positions_max * POSITION_SZ : 0;
  return (cf_results_most_t){ (uint32_t)cnt, HEAD_SZ + cnt * RESULT_SZ + more };
}

/* Behind results_sz all is zero. */
static void
cut(cf_enclave_t *e, size_t sz) {
  cf_wipe(e->results + sz, e->results_sz - sz);
  e->results_sz = sz;
}

void
cf_results_forget(cf_enclave_t *e) {
  size_t kept = 0;
  for (size_t at = 0; at < e->results_sz;) {
    size_t n = block_sz(e->results + at);
    if (!all_released(e->results + at)) {
      memmove(e->results + kept, e->results + at, n);
      kept += n;
    }
    at += n;
  }
  cut(e, kept);
}

static bool
at_final(cf_enclave_t const *e) {
  return e->domain.policy.disclosure == 2;
}

/* Under at_final batches let results go: those without inputs never wait for it, and those with inputs leave room for what all
   that may be open then brings, until it is executed. */
bool
cf_results_room(cf_enclave_t *e, uint32_t inputs) {
  uint32_t contents = at_final(e) ? (uint32_t)e->domain.policy.max_flight + 1 : (uint32_t)cf_book_content_cnt(e->book);
  size_t   want     = cf_results_most(e, inputs, contents).bytes;
  if (e->results_max - e->results_sz < want) cf_results_forget(e);
  return e->results_max - e->results_sz >= want || (at_final(e) && !inputs);
}

static void
drop(cf_enclave_t *e, size_t at) {
  size_t n = block_sz(e->results + at);
  memmove(e->results + at, e->results + at + n, e->results_sz - at - n);
  cut(e, e->results_sz - n);
  e->results_at -= n;
}

/* In replay: the oldest was released in its time. */
static bool
is_past(cf_enclave_t const *e) {
  return e->batch->replay && (!at_final(e) || get(e->results + AT_SEQUENCE, 8) < e->covered_from);
}

/* In no replay: contents lapsed again and again with the room full.  The oldest notices go that no input's answer stands with,
   because later ones replaced them; the ledger tells what counts. */
static void
make_room(cf_enclave_t *e, size_t want) {
  while (e->results_max - e->results_sz < want) {
    assert(e->results_at); /* what one batch makes has room */
    size_t at = 0;
    while (at < e->results_at && get(e->results + at + AT_INPUTS, 4)) at += block_sz(e->results + at);
    drop(e, at < e->results_at && !is_past(e) ? at : 0);
  }
}

void
cf_results_begin(cf_enclave_t *e, cf_batch_t *b, uint32_t inputs) {
  size_t want   = cf_results_most(e, inputs, (uint32_t)cf_book_content_cnt(e->book)).bytes;
  e->batch      = b;
  e->leaves_cnt = 0;
  e->results_at = e->results_sz;
  while (e->results_max - e->results_sz < want && e->results_at && is_past(e)) drop(e, 0);
  make_room(e, HEAD_SZ);
  cf_wr_t wr = cf_wr_init(e->results + e->results_sz, HEAD_SZ);
  cf_wr_u32(&wr, 0);
  cf_wr_u64(&wr, b->sequence);
  cf_wr_u64(&wr, 0);
  cf_wr_u32(&wr, inputs);
  e->results_sz += HEAD_SZ;
}

void
cf_results_add(cf_enclave_t *e, cf_hash_t const *to, cf_span_t sealed) {
  uint8_t salt[32];
  make_room(e, ENTRY_HEAD_SZ + sealed.len);
  cf_wr_t wr = cf_wr_init(e->results + e->results_sz, e->results_max - e->results_sz);
  assert(e->leaves_cnt < e->leaves_max); /* the book bounds its notices, a batch its inputs */
  cf_entropy_t drbg = cf_drbg_entropy(&e->batch->drbg);
  cf_entropy_fill(&drbg, salt, sizeof salt);
  cf_declassify(salt, sizeof salt, "it leaves with the sealed result");
  cf_wr_hash(&wr, to);
  cf_wr_u32(&wr, e->leaves_cnt);
  cf_wr_bytes(&wr, salt, sizeof salt);
  cf_wr_sub(&wr, sealed);
  assert(!wr.bad);
  e->results_sz += wr.len;
  e->leaves_cnt++;
}

void
cf_result_to(cf_enclave_t *e, cf_wr_t *wr, cf_session_t *session, cf_recipient_t const *to, cf_result_t const *r) {
  cf_entropy_t drbg = cf_drbg_entropy(&e->batch->drbg);
  cf_status_t  st   = CF_OK;
  if (session) cf_result_seal(wr, &e->ciphers, &e->domain.id, session, e->batch->instance, r);
  else st = cf_result_seal_key(wr, &e->ciphers, &e->domain.id, to, e->batch->instance, r, &drbg);
  assert(!wr->bad && !st); /* cf_session_accept refused keys that cannot be sealed to */
}

void
cf_results_sink(void *host, uint32_t account, cf_span_t bytes) {
  cf_enclave_t       *e = host;
  cf_correspondent_t *c = cf_correspondent(e, account, false);
  if (!c) return; /* it never spoke to us: the ledger tells it */
  uint8_t       buf[CF_RESULT_SEALED_MAX];
  cf_wr_t       wr = cf_wr_init(buf, sizeof buf);
  cf_session_t *s = c->session && cf_session_live(&e->sessions[c->session - 1], e->batch_s) ? &e->sessions[c->session - 1] : NULL;
  cf_result_t   r  = { .class = CF_RESULT_NOTICE, .sequence = e->batch->sequence, .status = CF_RESULT_NOT_FINAL, .body = bytes };
  cf_clearing_notice_t notice;
  if (cf_clearing_notice_decode(&notice, bytes) == CF_OK) {
    r.window = notice.kind == CF_CLEARING_DEFAULTED ? 0 : notice.window;
    if (notice.kind == CF_CLEARING_SETTLED || notice.kind == CF_CLEARING_DEFAULTED) r.status = CF_RESULT_FINAL;
  }
  memcpy(r.envelope, c->input.b, 32);
  cf_result_to(e, &wr, s, &c->to, &r);
  cf_results_add(e, &c->input, cf_wr_out(&wr));
}

/* The next result of a block that we wrote. */
static void
next_entry(cf_rd_t *rd, uint8_t const **salt, cf_span_t *sealed) {
  (void)cf_rd_take(rd, 32 + 4);
  *salt   = cf_rd_take(rd, 32);
  *sealed = cf_rd_sub(rd);
  assert(!rd->bad);
}

/* Over all results of the batch at once: two hashes together take little longer than one. */
static cf_hash_t
results_root(uint8_t const *entries, size_t sz, uint32_t cnt) {
  cf_rd_t       rd   = cf_rd_init(entries, sz);
  cf_frontier_t tree = { 0 };
  cf_hash_t     leaf[64];
  for (uint32_t at = 0; at < cnt;) {
    uint32_t n = cnt - at < CF_COUNT_OF(leaf) ? cnt - at : CF_COUNT_OF(leaf);
    for (uint32_t i = 0; i < n; i += 2) {
      uint8_t const *salt[2];
      cf_span_t      sealed[2];
      next_entry(&rd, &salt[0], &sealed[0]);
      if (i + 1 < n) {
        next_entry(&rd, &salt[1], &sealed[1]);
        cf_result_leaf_2(&leaf[i], salt, at + i, sealed);
      } else {
        leaf[i] = cf_result_leaf(salt[0], at + i, sealed[0]);
      }
    }
    cf_tree_leaves(leaf, leaf, n);
    cf_frontier_add_all(&tree, leaf, n);
    at += n;
  }
  return cf_frontier_root(&tree);
}

cf_hash_t
cf_results_end(cf_enclave_t *e) {
  uint8_t *block = e->results + e->results_at;
  put(block, (uint32_t)(e->results_sz - e->results_at - 4));
  put(block + AT_COUNT, e->leaves_cnt);
  cf_hash_t root = results_root(block + HEAD_SZ, e->results_sz - e->results_at - HEAD_SZ, e->leaves_cnt);
  if (!e->leaves_cnt) cut(e, e->results_at);
  e->batch = NULL;
  return root;
}

/* A receipt's results leave when it counts under a witness quorum; where policy says at_final, when its content was executed. */
static bool
may_leave(cf_enclave_t const *e, uint64_t sequence) {
  return sequence <= e->feed.history.sequence && (!at_final(e) || sequence < e->covered_from);
}

/* As many of a block's results from number `from` on as there is room for; returns the number behind the last. */
static uint32_t
write_item(cf_wr_t *items, uint8_t const *block, uint32_t from, uint32_t to) {
  size_t  sz   = block_sz(block), room = items->max - items->len;
  cf_rd_t rd   = cf_rd_init(block + HEAD_SZ, sz - HEAD_SZ);
  size_t  head = 1 + 8 + 4 + 4, begin = 0;
  uint32_t n   = 0;
  for (; n < to; n++) {
    if (n == from) begin = rd.pos;
    cf_rd_t each = rd;
    (void)cf_rd_take(&each, ENTRY_HEAD_SZ - 4);
    (void)cf_rd_sub(&each);
    assert(!each.bad);
    if (n >= from && head + each.pos - begin > room) break;
    rd = each;
  }
  if (n <= from) return from;
  cf_wr_u8(items, CF_RELEASE_RESULTS);
  cf_wr_u64(items, get(block + AT_SEQUENCE, 8));
  cf_wr_u32(items, (uint32_t)(4 + rd.pos - begin));
  cf_wr_u32(items, n - from);
  cf_wr_bytes(items, block + HEAD_SZ + begin, rd.pos - begin);
  return n;
}

/* What finds no room is left for the next SHOW_LOG; of what was let out before and is asked for again, too. */
void
cf_results_release(cf_enclave_t *e, cf_wr_t *items, uint16_t *cnt, bool again) {
  for (size_t at = 0; at < e->results_sz; at += block_sz(e->results + at)) {
    uint8_t *block    = e->results + at;
    uint32_t released = (uint32_t)get(block + AT_RELEASED, 4), all = (uint32_t)get(block + AT_COUNT, 4);
    uint32_t from = again ? 0 : released, to = again ? released : all;
    if (from == to || !may_leave(e, get(block + AT_SEQUENCE, 8))) continue;
    uint32_t end = *cnt == UINT16_MAX ? from : write_item(items, block, from, to);
    put(block + AT_RELEASED, end);
    *cnt = (uint16_t)(*cnt + (end > from));
    if (end < to && !again) return;
  }
}
