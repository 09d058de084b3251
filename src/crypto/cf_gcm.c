#include "crypto/cf_gcm.h"

#include <assert.h>

#if defined __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#include "base/cf_secret.h"

#define NI __attribute__((target("aes,pclmul,sse4.1")))
enum { BLOCK = 16, LANES = 8 };
#define EACH_LANE(DO) DO(0), DO(1), DO(2), DO(3), DO(4), DO(5), DO(6), DO(7) /* unrolled: lanes live in registers */

/* Several threads may find it out at once: all find the same. */
bool
cf_gcm_here(void) {
  static int known; /* 0: not yet, 1: no, 2: yes */
  int        state = __atomic_load_n(&known, __ATOMIC_RELAXED);
  unsigned   a, b, c, d;
  if (state) return state == 2;
  unsigned const want = bit_AES | bit_PCLMUL | bit_SSSE3 | bit_SSE4_1;
  bool           here = __get_cpuid(1, &a, &b, &c, &d) && (c & want) == want;
  __atomic_store_n(&known, here ? 2 : 1, __ATOMIC_RELAXED);
  return here;
}

static inline NI __m128i
load(void const *p) {
  return _mm_loadu_si128((__m128i const *)p);
}

static inline NI void
store(void *p, __m128i v) {
  _mm_storeu_si128((__m128i *)p, v);
}

/* ---- AES: FIPS 197 ---- */

/* A round key from the one of its place before and what the key schedule's core makes of the newest. */
static inline NI __m128i
next_round(__m128i before, __m128i core) {
  before = _mm_xor_si128(before, _mm_slli_si128(before, 4));
  before = _mm_xor_si128(before, _mm_slli_si128(before, 8));
  return _mm_xor_si128(before, core);
}

#define WITH_RCON(rcon, v) _mm_shuffle_epi32(_mm_aeskeygenassist_si128(v, rcon), 0xff)
#define WITHOUT_RCON(v)    _mm_shuffle_epi32(_mm_aeskeygenassist_si128(v, 0), 0xaa)

static NI void
expand_128(__m128i k[15], uint8_t const *key) {
  k[0] = load(key);
#define STEP(i, rcon) k[i] = next_round(k[i - 1], WITH_RCON(rcon, k[i - 1]))
  STEP(1, 0x01), STEP(2, 0x02), STEP(3, 0x04), STEP(4, 0x08), STEP(5, 0x10);
  STEP(6, 0x20), STEP(7, 0x40), STEP(8, 0x80), STEP(9, 0x1b), STEP(10, 0x36);
#undef STEP
}

static NI void
expand_256(__m128i k[15], uint8_t const *key) {
  k[0] = load(key);
  k[1] = load(key + 16);
#define STEP(i, rcon) k[i] = next_round(k[i - 2], WITH_RCON(rcon, k[i - 1]))
#define ODD(i)        k[i] = next_round(k[i - 2], WITHOUT_RCON(k[i - 1]))
  STEP(2, 0x01), ODD(3), STEP(4, 0x02), ODD(5), STEP(6, 0x04), ODD(7), STEP(8, 0x08), ODD(9);
  STEP(10, 0x10), ODD(11), STEP(12, 0x20), ODD(13), STEP(14, 0x40);
#undef STEP
#undef ODD
}

static inline NI __m128i
encrypt(cf_gcm_t const *g, __m128i block) {
  block = _mm_xor_si128(block, load(g->round[0]));
  for (unsigned r = 1; r < g->rounds; r++) block = _mm_aesenc_si128(block, load(g->round[r]));
  return _mm_aesenclast_si128(block, load(g->round[g->rounds]));
}

/* The keystream of eight counters. */
static inline NI void
keystream(cf_gcm_t const *g, __m128i s[LANES], __m128i nonce, uint32_t counter) {
  __m128i k = load(g->round[0]);
#define FIRST(i) s[i] = _mm_xor_si128(_mm_insert_epi32(nonce, (int)__builtin_bswap32(counter + i), 3), k)
#define NEXT(i)  s[i] = _mm_aesenc_si128(s[i], k)
#define LAST(i)  s[i] = _mm_aesenclast_si128(s[i], k)
  EACH_LANE(FIRST);
  for (unsigned r = 1; r < g->rounds; r++) {
    k = load(g->round[r]);
    EACH_LANE(NEXT);
  }
  k = load(g->round[g->rounds]);
  EACH_LANE(LAST);
#undef FIRST
#undef NEXT
#undef LAST
}

/* ---- GHASH ----

   GCM's field counts bits from the other end.  Blocks are reversed by bytes, so that bit i of a vector is the coefficient of
   x^(127-i); a carry-less product of two such vectors is then the true one divided by x, which the hash key's factor x makes good.
   The reduction folds the lower half into the upper one, 64 bits at a time, by x^128 = x^7 + x^2 + x + 1. */

static inline NI __m128i
reversed(__m128i v) {
  return _mm_shuffle_epi8(v, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

typedef struct { __m128i lo, mid, hi; } product_t;

static inline NI void
product_add(product_t *p, __m128i a, __m128i b) {
  p->lo  = _mm_xor_si128(p->lo, _mm_clmulepi64_si128(a, b, 0x00));
  p->hi  = _mm_xor_si128(p->hi, _mm_clmulepi64_si128(a, b, 0x11));
  p->mid = _mm_xor_si128(p->mid, _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10)));
}

static inline NI __m128i
reduce(product_t p) {
  __m128i const poly = _mm_set_epi64x(0, (long long)0xc200000000000000);
  __m128i       lo   = _mm_xor_si128(p.lo, _mm_slli_si128(p.mid, 8)), hi = _mm_xor_si128(p.hi, _mm_srli_si128(p.mid, 8));
  for (int i = 0; i < 2; i++) lo = _mm_xor_si128(_mm_shuffle_epi32(lo, 0x4e), _mm_clmulepi64_si128(lo, poly, 0x00));
  return _mm_xor_si128(hi, lo);
}

static inline NI __m128i
product(__m128i a, __m128i b) {
  product_t p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };
  product_add(&p, a, b);
  return reduce(p);
}

/* Times x. */
static inline NI __m128i
doubled(__m128i v) {
  __m128i const poly  = _mm_set_epi64x((long long)0xc200000000000000, 1);
  __m128i       carry = _mm_srli_epi64(v, 63), top = _mm_shuffle_epi32(_mm_srai_epi32(v, 31), 0xff);
  v = _mm_or_si128(_mm_slli_epi64(v, 1), _mm_slli_si128(carry, 8));
  return _mm_xor_si128(v, _mm_and_si128(top, poly));
}

/* y goes on over eight reversed blocks, or n <= 8, with one reduction. */
static inline NI __m128i
hash_lanes(cf_gcm_t const *g, __m128i y, __m128i const block[LANES]) {
  product_t p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };
#define ADD(i) product_add(&p, i ? block[i] : _mm_xor_si128(y, block[0]), load(g->power[LANES - 1 - i]))
  EACH_LANE(ADD);
#undef ADD
  return reduce(p);
}

static inline NI __m128i
hash_blocks(cf_gcm_t const *g, __m128i y, __m128i const *block, unsigned n) {
  product_t p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };
  product_add(&p, _mm_xor_si128(y, block[0]), load(g->power[n - 1]));
  for (unsigned i = 1; i < n; i++) product_add(&p, block[i], load(g->power[n - 1 - i]));
  return reduce(p);
}

/* The bytes at p, with zeros behind them up to a whole block. */
static NI __m128i
hash_bytes(cf_gcm_t const *g, __m128i y, uint8_t const *p, size_t n) {
  __m128i  block[LANES];
  uint8_t  last[BLOCK] = { 0 };
  unsigned cnt = 0;
  for (; n >= BLOCK; n -= BLOCK, p += BLOCK) {
    block[cnt++] = reversed(load(p));
    if (cnt == LANES) y = hash_lanes(g, y, block), cnt = 0;
  }
  if (n) {
    memcpy(last, p, n);
    block[cnt++] = reversed(load(last));
  }
  return cnt ? hash_blocks(g, y, block, cnt) : y;
}

/* ---- GCM ---- */

NI void
cf_gcm_key(cf_gcm_t *g, uint8_t const *key, size_t key_sz) {
  __m128i k[15], h[LANES];
  assert(key_sz == 16 || key_sz == 32);
  g->rounds = key_sz == 16 ? 10 : 14;
  if (key_sz == 16) expand_128(k, key);
  else expand_256(k, key);
  for (unsigned i = 0; i <= g->rounds; i++) store(g->round[i], k[i]);
  h[0] = doubled(reversed(encrypt(g, _mm_setzero_si128())));
  h[1] = product(h[0], h[0]);
  h[2] = product(h[1], h[0]);
  h[3] = product(h[1], h[1]);
  for (unsigned i = 0; i < 4; i++) h[4 + i] = product(h[3], h[i]);
  for (unsigned i = 0; i < LANES; i++) store(g->power[i], h[i]);
  cf_wipe(k, sizeof k);
  cf_wipe(h, sizeof h);
}

static inline NI void
crypt_block(uint8_t *out, __m128i *hashed, __m128i was, __m128i stream, bool sealing) {
  __m128i is = _mm_xor_si128(was, stream);
  store(out, is);
  *hashed = reversed(sealing ? is : was);
}

/* The last bytes, fewer than eight blocks. */
static NI __m128i
crypt_rest(cf_gcm_t const *g, uint8_t *out, __m128i y, __m128i nonce, uint32_t counter, cf_span_t in, bool sealing) {
  uint8_t buf[LANES * BLOCK] = { 0 };
  __m128i s[LANES];
  if (!in.len) return y;
  if (!sealing) y = hash_bytes(g, y, in.ptr, in.len);
  memcpy(buf, in.ptr, in.len);
  keystream(g, s, nonce, counter);
  for (unsigned i = 0; i < LANES; i++) store(buf + i * BLOCK, _mm_xor_si128(s[i], load(buf + i * BLOCK)));
  memcpy(out, buf, in.len);
  if (sealing) y = hash_bytes(g, y, out, in.len);
  cf_wipe(buf, sizeof buf);
  return y;
}

NI void
cf_gcm_crypt(cf_gcm_t const *g, uint8_t *out, uint8_t tag[16], uint8_t const nonce[12], cf_span_t aad, cf_span_t in,
             bool sealing) {
  uint8_t first[BLOCK] = { 0 };
  memcpy(first, nonce, 12);
  __m128i const base   = load(first), sizes = _mm_set_epi64x((long long)(aad.len * 8), (long long)(in.len * 8));
  __m128i const mask   = encrypt(g, _mm_insert_epi32(base, (int)__builtin_bswap32(1), 3));
  __m128i       y      = hash_bytes(g, _mm_setzero_si128(), aad.ptr, aad.len);
  uint32_t      counter = 2;
  for (; in.len >= LANES * BLOCK; in.ptr += LANES * BLOCK, in.len -= LANES * BLOCK, out += LANES * BLOCK, counter += LANES) {
    __m128i s[LANES], block[LANES];
    keystream(g, s, base, counter);
#define CRYPT(i) crypt_block(out + i * BLOCK, &block[i], load(in.ptr + i * BLOCK), s[i], sealing)
    EACH_LANE(CRYPT);
#undef CRYPT
    y = hash_lanes(g, y, block);
  }
  y = crypt_rest(g, out, y, base, counter, in, sealing);
  y = hash_blocks(g, y, &sizes, 1);
  store(tag, _mm_xor_si128(reversed(y), mask));
}

#else

bool cf_gcm_here(void) { return false; }
void cf_gcm_key(cf_gcm_t *g, uint8_t const *key, size_t key_sz) { assert(!"no such instructions here"); }
void cf_gcm_crypt(cf_gcm_t const *g, uint8_t *out, uint8_t tag[16], uint8_t const nonce[12], cf_span_t aad, cf_span_t in,
                  bool sealing) {
  assert(!"no such instructions here");
}

#endif
