/* SHA-256 with Intel's SHA extensions, one message, two or four.  FIPS 180-4, 6.2.2; the instructions take a..h as two vectors, {a,b,e,f}
   and {c,d,g,h}, and do two rounds each. */
#include "crypto/cf_sha256.h"

#include <assert.h>

#if defined __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define NI __attribute__((target("sha,sse4.1")))

/* Several threads may find it out at once: all find the same. */
bool
cf_sha256_ni(void) {
  static int  known; /* 0: not yet, 1: no, 2: yes */
  int         state = __atomic_load_n(&known, __ATOMIC_RELAXED);
  unsigned    a, b, c, d;
  if (state) return state == 2;
  bool sse = __get_cpuid(1, &a, &b, &c, &d) && c & bit_SSSE3 && c & bit_SSE4_1;
  bool sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
  __atomic_store_n(&known, sse && sha ? 2 : 1, __ATOMIC_RELAXED);
  return sse && sha;
}

static uint32_t const k[64] __attribute__((aligned(16))) = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
  0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
  0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
  0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
  0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
  0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

typedef struct {
  __m128i abef, cdgh;
  __m128i w0, w1, w2, w3; /* the last sixteen words of the schedule */
} lane_t;

static inline NI void
lane_load(lane_t *x, uint32_t const h[8]) {
  __m128i abcd = _mm_loadu_si128((__m128i const *)(void const *)h), efgh = _mm_loadu_si128((__m128i const *)(void const *)(h + 4));
  __m128i cdab = _mm_shuffle_epi32(abcd, 0xb1), hgfe = _mm_shuffle_epi32(efgh, 0x1b);
  x->abef = _mm_alignr_epi8(cdab, hgfe, 8);
  x->cdgh = _mm_blend_epi16(hgfe, cdab, 0xf0);
}

static inline NI void
lane_store(lane_t const *x, uint32_t h[8]) {
  __m128i feba = _mm_shuffle_epi32(x->abef, 0x1b), dchg = _mm_shuffle_epi32(x->cdgh, 0xb1);
  _mm_storeu_si128((__m128i *)(void *)h, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128((__m128i *)(void *)(h + 4), _mm_alignr_epi8(dchg, feba, 8));
}

static inline NI __m128i
words(uint8_t const *p) { /* big-endian */
  __m128i const swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  return _mm_shuffle_epi8(_mm_loadu_si128((__m128i const *)(void const *)p), swap);
}

static inline NI void
lane_block(lane_t *x, uint8_t const *p) {
  x->w0 = words(p);
  x->w1 = words(p + 16);
  x->w2 = words(p + 32);
  x->w3 = words(p + 48);
}

/* Four rounds, from round i on, with their words w. */
static inline NI void
rounds(lane_t *x, int i, __m128i w) {
  __m128i kw = _mm_add_epi32(w, _mm_load_si128((__m128i const *)(void const *)(k + i)));
  x->cdgh    = _mm_sha256rnds2_epu32(x->cdgh, x->abef, kw);
  x->abef    = _mm_sha256rnds2_epu32(x->abef, x->cdgh, _mm_shuffle_epi32(kw, 0x0e));
}

/* The four words after w0 .. w3. */
static inline NI __m128i
schedule(__m128i w0, __m128i w1, __m128i w2, __m128i w3) {
  return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4)), w3);
}

#define QUAD(x, i, a, b, c, d) rounds(x, i, (x)->a), (x)->a = schedule((x)->a, (x)->b, (x)->c, (x)->d)
#define EACH_QUAD(DO)                                                                                                                \
  DO(0, w0, w1, w2, w3);                                                                                                             \
  DO(4, w1, w2, w3, w0);                                                                                                             \
  DO(8, w2, w3, w0, w1);                                                                                                             \
  DO(12, w3, w0, w1, w2);                                                                                                            \
  DO(16, w0, w1, w2, w3);                                                                                                            \
  DO(20, w1, w2, w3, w0);                                                                                                            \
  DO(24, w2, w3, w0, w1);                                                                                                            \
  DO(28, w3, w0, w1, w2);                                                                                                            \
  DO(32, w0, w1, w2, w3);                                                                                                            \
  DO(36, w1, w2, w3, w0);                                                                                                            \
  DO(40, w2, w3, w0, w1);                                                                                                            \
  DO(44, w3, w0, w1, w2)

NI void
cf_sha256_blocks_ni(uint32_t h[8], uint8_t const *p, size_t n) {
  lane_t x;
  lane_load(&x, h);
  for (; n > 0; n--, p += 64) {
    __m128i const abef = x.abef, cdgh = x.cdgh;
    lane_block(&x, p);
#define ONE(i, a, b, c, d) QUAD(&x, i, a, b, c, d)
    EACH_QUAD(ONE);
    rounds(&x, 48, x.w0);
    rounds(&x, 52, x.w1);
    rounds(&x, 56, x.w2);
    rounds(&x, 60, x.w3);
    x.abef = _mm_add_epi32(x.abef, abef);
    x.cdgh = _mm_add_epi32(x.cdgh, cdgh);
  }
  lane_store(&x, h);
}

NI void
cf_sha256_blocks_ni_2(uint32_t ha[8], uint8_t const *pa, uint32_t hb[8], uint8_t const *pb, size_t n) {
  lane_t x, y;
  lane_load(&x, ha);
  lane_load(&y, hb);
  for (; n > 0; n--, pa += 64, pb += 64) {
    __m128i const abef = x.abef, cdgh = x.cdgh, abef_y = y.abef, cdgh_y = y.cdgh;
    lane_block(&x, pa);
    lane_block(&y, pb);
#define TWO(i, a, b, c, d) QUAD(&x, i, a, b, c, d), QUAD(&y, i, a, b, c, d)
    EACH_QUAD(TWO);
    rounds(&x, 48, x.w0), rounds(&y, 48, y.w0);
    rounds(&x, 52, x.w1), rounds(&y, 52, y.w1);
    rounds(&x, 56, x.w2), rounds(&y, 56, y.w2);
    rounds(&x, 60, x.w3), rounds(&y, 60, y.w3);
    x.abef = _mm_add_epi32(x.abef, abef);
    x.cdgh = _mm_add_epi32(x.cdgh, cdgh);
    y.abef = _mm_add_epi32(y.abef, abef_y);
    y.cdgh = _mm_add_epi32(y.cdgh, cdgh_y);
  }
  lane_store(&x, ha);
  lane_store(&y, hb);
}

static inline NI void
lane_add(lane_t *x, lane_t const *before) {
  x->abef = _mm_add_epi32(x->abef, before->abef);
  x->cdgh = _mm_add_epi32(x->cdgh, before->cdgh);
}

/* There are not registers enough for four, but the instructions have time for what is fetched again. */
NI void
cf_sha256_blocks_ni_4(uint32_t h[4][8], uint8_t const *const p[4], size_t n) {
  lane_t x, y, z, v;
  lane_load(&x, h[0]);
  lane_load(&y, h[1]);
  lane_load(&z, h[2]);
  lane_load(&v, h[3]);
  for (size_t at = 0; at < 64 * n; at += 64) {
    lane_t const was_x = x, was_y = y, was_z = z, was_v = v;
    lane_block(&x, p[0] + at);
    lane_block(&y, p[1] + at);
    lane_block(&z, p[2] + at);
    lane_block(&v, p[3] + at);
#define FOUR(i, a, b, c, d) QUAD(&x, i, a, b, c, d), QUAD(&y, i, a, b, c, d), QUAD(&z, i, a, b, c, d), QUAD(&v, i, a, b, c, d)
    EACH_QUAD(FOUR);
#define LAST(i, w) rounds(&x, i, x.w), rounds(&y, i, y.w), rounds(&z, i, z.w), rounds(&v, i, v.w)
    LAST(48, w0);
    LAST(52, w1);
    LAST(56, w2);
    LAST(60, w3);
    lane_add(&x, &was_x);
    lane_add(&y, &was_y);
    lane_add(&z, &was_z);
    lane_add(&v, &was_v);
  }
  lane_store(&x, h[0]);
  lane_store(&y, h[1]);
  lane_store(&z, h[2]);
  lane_store(&v, h[3]);
}

#else

bool cf_sha256_ni(void) { return false; }
void cf_sha256_blocks_ni(uint32_t h[8], uint8_t const *p, size_t n) { assert(!"no such instructions here"); }
void cf_sha256_blocks_ni_2(uint32_t ha[8], uint8_t const *pa, uint32_t hb[8], uint8_t const *pb, size_t n) {
  assert(!"no such instructions here");
}
void cf_sha256_blocks_ni_4(uint32_t h[4][8], uint8_t const *const p[4], size_t n) { assert(!"no such instructions here"); }

#endif
