/* SHA-256 (FIPS 180-4).  libcrypto's low-level block function, deprecated but there, neither looks up nor allocates anything; where
   the processor has instructions of its own for it, ours saves the way there and does several messages at once. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/cf_sha256.h"

#include <assert.h>
#include <endian.h>
#include <openssl/sha.h>

#include "base/cf_secret.h"
#include "crypto/cf_hash.h"

enum { BLOCK = 64, LENGTH_SZ = 8 };

typedef struct {
  uint32_t h[8];
  uint8_t  buf[BLOCK]; /* len % BLOCK bytes that wait */
  uint64_t len;
} sha_t;
_Static_assert(sizeof(sha_t) <= sizeof(cf_sha256_t), "cf_sha256_t holds it");

static uint32_t const h0[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

static sha_t *
inner(cf_sha256_t *ctx) {
  return (sha_t *)(void *)ctx->opaque;
}

/* ---- blocks ---- */

void
cf_sha256_blocks_plain(uint32_t h[8], uint8_t const *p, size_t n) {
  SHA256_CTX ctx;
  memcpy(ctx.h, h, sizeof ctx.h);
  for (; n > 0; n--, p += BLOCK) SHA256_Transform(&ctx, p);
  memcpy(h, ctx.h, sizeof ctx.h);
}

static void
blocks(uint32_t h[8], uint8_t const *p, size_t n) {
  if (cf_sha256_ni()) cf_sha256_blocks_ni(h, p, n);
  else cf_sha256_blocks_plain(h, p, n);
}

static void
blocks_2(uint32_t ha[8], uint8_t const *pa, uint32_t hb[8], uint8_t const *pb, size_t n) {
  if (cf_sha256_ni()) {
    cf_sha256_blocks_ni_2(ha, pa, hb, pb, n);
  } else {
    cf_sha256_blocks_plain(ha, pa, n);
    cf_sha256_blocks_plain(hb, pb, n);
  }
}

static void
blocks_4(uint32_t h[4][8], uint8_t const *const p[4], size_t n) {
  if (cf_sha256_ni()) {
    cf_sha256_blocks_ni_4(h, p, n);
  } else {
    for (size_t i = 0; i < 4; i++) cf_sha256_blocks_plain(h[i], p[i], n);
  }
}

static cf_hash_t
hash_of(uint32_t const h[8]) {
  cf_hash_t out;
  for (size_t i = 0; i < 8; i++) {
    uint32_t be = htobe32(h[i]);
    memcpy(out.b + 4 * i, &be, sizeof be);
  }
  return out;
}

/* pad makes the one or two last blocks of a message of len bytes, of which the last `rest` (< BLOCK) are at p. */
static size_t
pad(uint8_t last[2 * BLOCK], uint8_t const *p, size_t rest, uint64_t len) {
  size_t   n    = rest < BLOCK - LENGTH_SZ ? 1 : 2;
  uint64_t bits = htobe64(len * 8);
  if (rest) memcpy(last, p, rest);
  last[rest] = 0x80;
  memset(last + rest + 1, 0, n * BLOCK - LENGTH_SZ - rest - 1);
  memcpy(last + n * BLOCK - LENGTH_SZ, &bits, sizeof bits);
  return n;
}

/* ---- in parts ---- */

void
cf_sha256_init(cf_sha256_t *ctx) {
  memcpy(inner(ctx)->h, h0, sizeof h0);
  inner(ctx)->len = 0;
}

void
cf_sha256_add(cf_sha256_t *ctx, void const *ptr, size_t n) {
  sha_t         *s    = inner(ctx);
  uint8_t const *at   = ptr;
  size_t         have = s->len % BLOCK;
  if (!n) return;
  s->len += n;
  if (have) {
    size_t part = n < BLOCK - have ? n : BLOCK - have;
    memcpy(s->buf + have, at, part);
    if (have + part < BLOCK) return;
    blocks(s->h, s->buf, 1);
    at += part;
    n -= part;
  }
  if (n >= BLOCK) blocks(s->h, at, n / BLOCK);
  if (n % BLOCK) memcpy(s->buf, at + n / BLOCK * BLOCK, n % BLOCK);
}

cf_hash_t
cf_sha256_end(cf_sha256_t *ctx) {
  sha_t  *s = inner(ctx);
  uint8_t last[2 * BLOCK];
  blocks(s->h, last, pad(last, s->buf, s->len % BLOCK, s->len));
  cf_wipe(last, sizeof last); /* it may have been a key */
  cf_wipe(s->buf, sizeof s->buf);
  return hash_of(s->h);
}

void
cf_sha256_tag(cf_sha256_t *ctx, char const *what) {
  cf_sha256_init(ctx);
  cf_sha256_s(ctx, CF_SPAN_LIT("counterfoil/"));
  cf_sha256_add(ctx, what, strlen(what));
  cf_sha256_s(ctx, CF_SPAN("/v1", 4)); /* with its NUL */
}

void
cf_sha256_u(cf_sha256_t *ctx, uint64_t v, size_t n) {
  uint8_t be[8];
  assert(n <= sizeof be && (n == sizeof be || v >> (8 * n) == 0));
  for (size_t i = 0; i < n; i++) be[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
  cf_sha256_add(ctx, be, n);
}

/* ---- at once ---- */

cf_hash_t
cf_sha256(cf_span_t in) {
  uint32_t h[8];
  uint8_t  last[2 * BLOCK];
  size_t   whole = in.len / BLOCK;
  memcpy(h, h0, sizeof h);
  if (whole) blocks(h, in.ptr, whole);
  blocks(h, last, pad(last, whole ? in.ptr + whole * BLOCK : in.ptr, in.len % BLOCK, in.len));
  cf_wipe(last, sizeof last);
  return hash_of(h);
}

void
cf_sha256_2(cf_hash_t out[2], cf_span_t const in[2]) {
  uint32_t h[2][8];
  uint8_t  last[2][2 * BLOCK];
  size_t   whole[2], tail[2], both;
  for (size_t i = 0; i < 2; i++) {
    memcpy(h[i], h0, sizeof h0);
    whole[i] = in[i].len / BLOCK;
    tail[i]  = pad(last[i], whole[i] ? in[i].ptr + whole[i] * BLOCK : in[i].ptr, in[i].len % BLOCK, in[i].len);
  }
  both = whole[0] < whole[1] ? whole[0] : whole[1];
  if (both) blocks_2(h[0], in[0].ptr, h[1], in[1].ptr, both);
  for (size_t i = 0; i < 2; i++)
    if (whole[i] > both) blocks(h[i], in[i].ptr + both * BLOCK, whole[i] - both);
  both = tail[0] < tail[1] ? tail[0] : tail[1];
  blocks_2(h[0], last[0], h[1], last[1], both);
  for (size_t i = 0; i < 2; i++) {
    if (tail[i] > both) blocks(h[i], last[i] + both * BLOCK, tail[i] - both);
    out[i] = hash_of(h[i]);
  }
  cf_wipe(last, sizeof last);
}

/* ---- nodes ---- */

static void
node_blocks(uint8_t block[2 * BLOCK], cf_hash_t const *l, cf_hash_t const *r) {
  block[0] = 0x01;
  memcpy(block + 1, l->b, 32);
  memcpy(block + 33, r->b, 32);
  memset(block + 65, 0, 2 * BLOCK - 65);
  block[65]  = 0x80;
  block[126] = 65 * 8 >> 8;
  block[127] = 65 * 8 & 0xff;
}

cf_hash_t
cf_sha256_node(cf_hash_t const *l, cf_hash_t const *r) {
  uint32_t h[8];
  uint8_t  block[2 * BLOCK];
  memcpy(h, h0, sizeof h);
  node_blocks(block, l, r);
  blocks(h, block, 2);
  return hash_of(h);
}

void
cf_sha256_node_2(cf_hash_t *const out[2], cf_hash_t const *const l[2], cf_hash_t const *const r[2]) {
  uint32_t h[2][8];
  uint8_t  block[2][2 * BLOCK];
  for (size_t i = 0; i < 2; i++) {
    memcpy(h[i], h0, sizeof h0);
    node_blocks(block[i], l[i], r[i]);
  }
  blocks_2(h[0], block[0], h[1], block[1], 2);
  for (size_t i = 0; i < 2; i++) *out[i] = hash_of(h[i]);
}

typedef struct {
  uint8_t block[4][2 * BLOCK]; /* what is alike in all nodes is there already */
} nodes_t;

static void
nodes_fill(nodes_t *n, cf_hash_t const child[8]) {
  for (size_t i = 0; i < 4; i++) memcpy(n->block[i] + 1, &child[2 * i], 2 * sizeof *child);
}

/* Four at a time, and the next four are laid out before those are hashed: what was just stored is slow to load across its edges. */
void
cf_sha256_nodes(cf_hash_t *out, cf_hash_t const *child, size_t cnt) {
  nodes_t n[2];
  for (size_t i = 0; i < 8 && i < cnt - cnt % 4; i++) node_blocks(n[i / 4].block[i % 4], child, child);
  if (cnt >= 4) nodes_fill(&n[0], child);
  for (unsigned now = 0; cnt >= 4; cnt -= 4, out += 4, child += 8, now ^= 1) {
    uint32_t             h[4][8];
    uint8_t const *const p[4] = { n[now].block[0], n[now].block[1], n[now].block[2], n[now].block[3] };
    if (cnt >= 8) nodes_fill(&n[now ^ 1], child + 8);
    for (size_t i = 0; i < 4; i++) memcpy(h[i], h0, sizeof h0);
    blocks_4(h, p, 2);
    for (size_t i = 0; i < 4; i++) out[i] = hash_of(h[i]);
  }
  if (cnt >= 2) {
    cf_sha256_node_2((cf_hash_t *const[2]){ &out[0], &out[1] }, (cf_hash_t const *const[2]){ &child[0], &child[2] },
                     (cf_hash_t const *const[2]){ &child[1], &child[3] });
    cnt -= 2, out += 2, child += 4;
  }
  if (cnt) *out = cf_sha256_node(&child[0], &child[1]);
}

/* ---- leaves ---- */

/* The blocks of 0x00 || entry: one that begins with the prefix, those that lie whole in the entry, the padded rest. */
typedef struct {
  uint8_t        first[BLOCK], last[2 * BLOCK];
  uint8_t const *at[3];
  size_t         cnt[3];
} leaf_t;

static void
leaf_blocks(leaf_t *l, cf_span_t entry) {
  size_t len = entry.len + 1, head = len < BLOCK ? 0 : 1, taken = head ? BLOCK - 1 : 0, whole = head ? len / BLOCK - 1 : 0;
  l->first[0] = 0x00;
  if (entry.len) memcpy(l->first + 1, entry.ptr, entry.len < BLOCK ? entry.len : BLOCK - 1);
  uint8_t const *middle = whole ? entry.ptr + taken : l->last;
  uint8_t const *rest   = head ? entry.ptr + (taken + whole * BLOCK) : l->first;
  l->at[0] = l->first, l->at[1] = middle, l->at[2] = l->last;
  l->cnt[0] = head, l->cnt[1] = whole, l->cnt[2] = pad(l->last, rest, len % BLOCK, len);
}

static size_t
least(leaf_t const leaf[4], size_t part) {
  size_t n = leaf[0].cnt[part];
  for (size_t i = 1; i < 4; i++) n = leaf[i].cnt[part] < n ? leaf[i].cnt[part] : n;
  return n;
}

/* Four at a time as far as all four go, what is left of each alone. */
static void
leaf_4(cf_hash_t *out, cf_span_t const *entry, size_t cnt) {
  uint32_t h[4][8];
  leaf_t   leaf[4];
  for (size_t i = 0; i < 4; i++) {
    memcpy(h[i], h0, sizeof h0);
    if (i < cnt) leaf_blocks(&leaf[i], entry[i]);
    else memset(leaf[i].cnt, 0, sizeof leaf[i].cnt);
  }
  for (size_t part = 0; part < 3; part++) {
    size_t all = least(leaf, part);
    if (all) blocks_4(h, (uint8_t const *const[4]){ leaf[0].at[part], leaf[1].at[part], leaf[2].at[part], leaf[3].at[part] }, all);
    for (size_t i = 0; i < cnt; i++)
      if (leaf[i].cnt[part] > all) blocks(h[i], leaf[i].at[part] + all * BLOCK, leaf[i].cnt[part] - all);
  }
  for (size_t i = 0; i < cnt; i++) out[i] = hash_of(h[i]);
}

void
cf_sha256_leaves(cf_hash_t *out, cf_span_t const *entry, size_t cnt) {
  for (size_t n; cnt > 0; cnt -= n, out += n, entry += n) {
    n = cnt < 4 ? cnt : 4;
    leaf_4(out, entry, n);
  }
}
