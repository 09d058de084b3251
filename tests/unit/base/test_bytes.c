#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/cf_arena.h"
#include "base/cf_bytes.h"
#include "base/cf_math.h"

static void
spans(void **state) {
  uint8_t const a[] = { 1, 2, 3 }, b[] = { 1, 2, 4 };
  assert_true(cf_span_eq(CF_SPAN_OF(a), CF_SPAN(a, 3)));
  assert_false(cf_span_eq(CF_SPAN_OF(a), CF_SPAN_OF(b)));
  assert_true(cf_span_eq(CF_SPAN(a, 2), CF_SPAN(b, 2)));
  assert_false(cf_span_eq(CF_SPAN(a, 2), CF_SPAN_OF(a)));
  assert_true(cf_span_eq(CF_SPAN(NULL, 0), CF_SPAN(a, 0)));
  assert_int_equal(CF_SPAN_LIT("abc").len, 3);
}

static void
reading(void **state) {
  uint8_t const in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24 };
  cf_rd_t       rd   = cf_rd_init(in, sizeof in);
  assert_int_equal(cf_rd_u8(&rd), 0x01);
  assert_int_equal(cf_rd_u16(&rd), 0x0203);
  assert_int_equal(cf_rd_u24(&rd), 0x040506);
  assert_int_equal(cf_rd_u32(&rd), 0x0708090a);
  assert_int_equal(cf_rd_u40(&rd), 0x0b0c0d0e0full);
  assert_int_equal(cf_rd_u64(&rd), 0x1011121314151617ull);
  assert_false(cf_rd_done(&rd));
  assert_int_equal(cf_rd_left(&rd), 1);
  assert_int_equal(cf_rd_u8(&rd), 24);
  assert_true(cf_rd_done(&rd));
  rd = cf_rd_init(in, 3);
  assert_int_equal(cf_rd_le(&rd, 3), 0x030201);
}

/* A short read moves nothing, gives nothing and stays. */
static void
reading_goes_bad_once(void **state) {
  uint8_t const in[] = { 1, 2, 3 };
  cf_rd_t       rd   = cf_rd_init(in, sizeof in);
  (void)cf_rd_u8(&rd);
  assert_int_equal(cf_rd_u24(&rd), 0);
  assert_true(rd.bad);
  assert_int_equal(rd.pos, 1);
  assert_int_equal(cf_rd_u8(&rd), 0); /* though a byte is there */
  assert_null(cf_rd_take(&rd, 0));
  assert_false(cf_rd_done(&rd));
  cf_hash_t h = cf_rd_hash(&rd);
  for (size_t i = 0; i < sizeof h.b; i++) assert_int_equal(h.b[i], 0);
  cf_span_t s = cf_rd_take_span(&rd, 1);
  assert_null(s.ptr);
  assert_int_equal(s.len, 0);
}

static void
reading_near_size_max(void **state) {
  uint8_t const in[] = { 1, 2, 3 };
  for (size_t pos = 0; pos <= sizeof in; pos++) {
    for (size_t k = 0; k < 8; k++) {
      cf_rd_t rd = cf_rd_init(in, sizeof in);
      assert_non_null(cf_rd_take(&rd, pos));
      assert_null(cf_rd_take(&rd, SIZE_MAX - k)); /* pos + n would wrap */
      assert_true(rd.bad);
      assert_int_equal(rd.pos, pos);
    }
  }
}

static void
reading_nothing(void **state) {
  cf_rd_t rd = cf_rd_span(CF_SPAN(NULL, 0));
  assert_true(cf_rd_done(&rd));
  assert_non_null(cf_rd_take(&rd, 0)); /* not an error, so not NULL */
  assert_true(cf_rd_done(&rd));
  assert_int_equal(cf_rd_u8(&rd), 0);
  assert_true(rd.bad);
}

static void
writing(void **state) {
  static uint8_t const want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 0xaa, 0xbb };
  uint8_t              out[sizeof want];
  cf_wr_t              wr = cf_wr_init(out, sizeof out);
  cf_wr_u8(&wr, 0x01);
  cf_wr_u16(&wr, 0x0203);
  cf_wr_u24(&wr, 0x040506);
  cf_wr_u32(&wr, 0x0708090a);
  cf_wr_u40(&wr, 0x0b0c0d0e0full);
  cf_wr_u64(&wr, 0x1011121314151617ull);
  cf_wr_span(&wr, CF_SPAN_LIT("\xaa\xbb"));
  assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN_OF(want)));
}

static void
writing_goes_bad_once(void **state) {
  uint8_t out[4] = { 0 };
  cf_wr_t wr     = cf_wr_init(out, 3);
  cf_wr_u16(&wr, 0x0102);
  cf_wr_u16(&wr, 0x0304);
  assert_true(wr.bad);
  cf_wr_u8(&wr, 5); /* though it would fit */
  assert_int_equal(wr.len, 2);
  assert_memory_equal(out, "\1\2\0\0", 4);
  assert_int_equal(cf_wr_out(&wr).len, 0);
  for (size_t k = 0; k < 8; k++) {
    wr = cf_wr_init(out, 3);
    cf_wr_u8(&wr, 1);
    assert_null(cf_wr_room(&wr, SIZE_MAX - k));
    assert_int_equal(wr.len, 1);
  }
}

static void
arena_aligns_zeroes_and_ends(void **state) {
  uint8_t buf[512];
  memset(buf, 0xff, sizeof buf);
  for (size_t skew = 0; skew < 32; skew++) { /* whatever the caller's memory starts at */
    cf_arena_t a    = cf_arena_init(buf + skew, 256);
    uint8_t   *last = NULL;
    for (size_t n = 1;; n = n * 2 + 1) {
      uint8_t *at = cf_arena_take(&a, n);
      if (!at) break;
      assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
      assert_true(at >= buf + skew && at + n <= buf + skew + 256 && at > last);
      for (size_t i = 0; i < n; i++) assert_int_equal(at[i], 0);
      memset(at, 0xff, n);
      last = at + n - 1;
    }
    assert_non_null(last);
    cf_arena_reset(&a);
    assert_non_null(cf_arena_take(&a, 200));
  }
}

static void
arena_bounds(void **state) {
  alignas(max_align_t) uint8_t buf[64];
  cf_arena_t                   a = cf_arena_init(buf, sizeof buf);
  assert_null(cf_arena_take(&a, 65));
  for (size_t volatile huge = SIZE_MAX; huge > SIZE_MAX - 32; huge--) assert_null(cf_arena_take(&a, huge));
  assert_int_equal(a.len, 0);
  assert_non_null(cf_arena_take(&a, 64));
  assert_non_null(cf_arena_take(&a, 0));
  assert_null(cf_arena_take(&a, 1));
  a = cf_arena_init(buf + 1, 8); /* the pad alone is too much */
  assert_null(cf_arena_take(&a, 1));
}

static void
arithmetic(void **state) {
  int64_t  i;
  uint64_t u;
  assert_true(cf_add_i64(&i, INT64_MAX - 1, 1) && i == INT64_MAX);
  assert_false(cf_add_i64(&i, INT64_MAX, 1));
  assert_true(cf_sub_i64(&i, INT64_MIN + 1, 1) && i == INT64_MIN);
  assert_false(cf_sub_i64(&i, INT64_MIN, 1));
  assert_false(cf_sub_i64(&i, 0, INT64_MIN));
  assert_true(cf_add_u64(&u, UINT64_MAX - 1, 1) && u == UINT64_MAX);
  assert_false(cf_add_u64(&u, UINT64_MAX, 1));
  assert_true(cf_sub_u64(&u, 5, 5) && u == 0);
  assert_false(cf_sub_u64(&u, 5, 6));
  assert_true(cf_mul_u64(&u, UINT32_MAX, UINT32_MAX) && u == 0xfffffffe00000001ull);
  assert_false(cf_mul_u64(&u, 1ull << 32, 1ull << 32));
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(spans),
    cmocka_unit_test(reading),
    cmocka_unit_test(reading_goes_bad_once),
    cmocka_unit_test(reading_near_size_max),
    cmocka_unit_test(reading_nothing),
    cmocka_unit_test(writing),
    cmocka_unit_test(writing_goes_bad_once),
    cmocka_unit_test(arena_aligns_zeroes_and_ends),
    cmocka_unit_test(arena_bounds),
    cmocka_unit_test(arithmetic),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
