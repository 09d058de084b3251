#include "codec/cf_cbor.h"

#include "support.h"

/* RFC 8949, Appendix A, whole: the examples that are deterministic and of our subset, and the others. */
static struct {
  char const *hex;
  bool        ok;
} const appendix_a[] = {
  { "00", true },
  { "01", true },
  { "0a", true },
  { "17", true },
  { "1818", true },
  { "1819", true },
  { "1864", true },
  { "1903e8", true },
  { "1a000f4240", true },
  { "1b000000e8d4a51000", true },
  { "1bffffffffffffffff", true },
  { "c249010000000000000000", true }, /* bignums: tagged byte strings to us */
  { "3bffffffffffffffff", true },
  { "c349010000000000000000", true },
  { "20", true },
  { "29", true },
  { "3863", true },
  { "3903e7", true },
  { "f90000", false }, /* floats */
  { "f98000", false },
  { "f93c00", false },
  { "fb3ff199999999999a", false },
  { "f93e00", false },
  { "f97bff", false },
  { "fa47c35000", false },
  { "fa7f7fffff", false },
  { "fb7e37e43c8800759c", false },
  { "f90001", false },
  { "f90400", false },
  { "f9c400", false },
  { "fbc010666666666666", false },
  { "f97c00", false },
  { "f97e00", false },
  { "f9fc00", false },
  { "fa7f800000", false },
  { "fa7fc00000", false },
  { "faff800000", false },
  { "fb7ff0000000000000", false },
  { "fb7ff8000000000000", false },
  { "fbfff0000000000000", false },
  { "f4", true },
  { "f5", true },
  { "f6", true },
  { "f7", false }, /* undefined, and the other simple values */
  { "f0", false },
  { "f8ff", false },
  { "c074323031332d30332d32315432303a30343a30305a", true },
  { "c11a514b67b0", true },
  { "c1fb41d452d9e8200000", false },
  { "d74401020304", true },
  { "d818456449455446", true },
  { "d82076687474703a2f2f7777772e6578616d706c652e636f6d", true },
  { "40", true },
  { "4401020304", true },
  { "60", true },
  { "6161", true },
  { "6449455446", true },
  { "62225c", true },
  { "62c3bc", true },
  { "63e6b0b4", true },
  { "64f0908591", true },
  { "80", true },
  { "83010203", true },
  { "8301820203820405", true },
  { "98190102030405060708090a0b0c0d0e0f101112131415161718181819", true },
  { "a0", true },
  { "a201020304", true },
  { "a26161016162820203", true },
  { "826161a161626163", true },
  { "a56161614161626142616361436164614461656145", true },
  { "5f42010243030405ff", false }, /* indefinite lengths */
  { "7f657374726561646d696e67ff", false },
  { "9fff", false },
  { "9f018202039f0405ffff", false },
  { "9f01820203820405ff", false },
  { "83018202039f0405ff", false },
  { "83019f0203ff820405", false },
  { "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", false },
  { "bf61610161629f0203ffff", false },
  { "826161bf61626163ff", false },
  { "bf6346756ef563416d7421ff", false },
};

static void test_appendix_a(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(appendix_a); i++) {
    uint8_t   buf[64];
    cf_span_t in = hex(buf, sizeof buf, appendix_a[i].hex);
    if ((cf_cbor_check(in, NULL) == CF_OK) != appendix_a[i].ok) fail_msg("%s", appendix_a[i].hex);
    for (size_t n = 0; n < in.len; n++) assert_int_equal(cf_cbor_check(CF_SPAN(in.ptr, n), NULL), CF_ERR_FORMAT);
  }
}

/* What is refused, and where. */
static struct {
  char const *name, *hex;
  size_t      offset;
} const refused[] = {
  { "nothing", "", 0 },
  { "trailing byte", "0000", 1 },
  { "23 in two bytes", "1817", 0 },
  { "255 in three", "1900ff", 0 },
  { "65535 in five", "1a0000ffff", 0 },
  { "2^32-1 in nine", "1b00000000ffffffff", 0 },
  { "long head of a string", "580161", 0 },
  { "long head of an array", "980100", 0 },
  { "long head of a map", "b8010000", 0 },
  { "long head of a tag", "d81200", 0 },
  { "long head, inside", "8218ff1900ff", 3 },
  { "reserved additional information", "1c", 0 },
  { "reserved additional information", "1d", 0 },
  { "reserved additional information", "1e", 0 },
  { "indefinite integer", "1f", 0 },
  { "break alone", "ff", 0 },
  { "simple false in two bytes", "f814", 0 },
  { "string cut short", "4261", 0 },
  { "string of 2^64-1 bytes", "5bffffffffffffffff", 0 },
  { "string of 2^63 bytes", "5b8000000000000000", 0 },
  { "array of 2^64-1 items", "9bffffffffffffffff", 0 },
  { "map of 2^63 pairs", "bb8000000000000000", 0 },
  { "array longer than its bytes", "8300", 0 },
  { "map longer than its bytes", "a20000", 0 },
  { "map without its last value", "a200810001", 5 },
  { "tag alone", "c1", 1 },
  { "continuation byte alone", "6180", 0 },
  { "overlong", "62c080", 0 },
  { "surrogate", "63eda080", 0 },
  { "over U+10FFFF", "64f4908080", 0 },
  { "text cut inside a character", "62e6b0", 0 },
  { "duplicate key", "a201000100", 3 },
  { "duplicate text key", "a2616101616102", 4 },
  { "keys out of order", "a202000100", 3 },
  { "negative key before a positive one", "a220000000", 3 },
  { "text key before an integer", "a26161000000", 4 },
  { "longer text key first", "a262616100616200", 5 },
  { "byte string as a key", "a1406100", 1 },
  { "array as a key", "a18000", 1 },
  { "key of 2^63", "a11b800000000000000000", 1 },
  { "key of -2^63-1", "a13b800000000000000000", 1 },
  { "a map that is wrong deep down", "8181a2010002a200000000", 9 },
};

static void test_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(refused); i++) {
    uint8_t   buf[64];
    size_t    offset = 99;
    cf_span_t in     = hex(buf, sizeof buf, refused[i].hex);
    assert_int_equal(cf_cbor_check(in, &offset), CF_ERR_FORMAT);
    if (offset != refused[i].offset) fail_msg("%s: refused at %zu, not %zu", refused[i].name, offset, refused[i].offset);
  }
}

static void test_depth(void **state) {
  (void)state;
  static struct { char const *open, *leaf; } const nests[] = { { "\x81", "\x00" }, { "\xa1\x00", "\x00" }, { "\xc1", "\x00" } };
  for (size_t i = 0; i < COUNT(nests); i++)
    for (size_t depth = 0; depth < 40; depth++) {
      uint8_t buf[100];
      cf_wr_t wr = cf_wr_init(buf, sizeof buf);
      for (size_t d = 0; d < depth; d++) cf_wr_bytes(&wr, nests[i].open, i == 1 ? 2 : 1);
      cf_wr_u8(&wr, 0);
      assert_int_equal(cf_cbor_check(cf_wr_out(&wr), NULL), depth <= CF_CBOR_DEPTH_MAX ? CF_OK : CF_ERR_FORMAT);
    }
  static uint8_t deep[1 << 20]; /* no stack is lost over a million brackets */
  memset(deep, 0x81, sizeof deep);
  assert_int_equal(cf_cbor_check(CF_SPAN_OF(deep), NULL), CF_ERR_FORMAT);
}

/* The keys of RFC 8949, 4.2.1, as far as they are of our kinds, in the order given there. */
static void test_map_order(void **state) {
  (void)state;
  uint8_t       buf[]  = { 0xa5, 0x0a, 0, 0x18, 0x64, 1, 0x20, 2, 0x61, 0x7a, 3, 0x62, 0x61, 0x61, 4 };
  cf_rd_t       rd     = cf_rd_init(buf, sizeof buf);
  cf_cbor_map_t m      = cf_cbor_map(&rd);
  int64_t const keys[] = { 10, 100, -1 };
  for (uint64_t i = 0; i < 3; i++) {
    assert_true(cf_cbor_next(&m));
    assert_false(m.is_text);
    assert_int_equal(m.key, keys[i]);
    assert_int_equal(cf_cbor_uint(&rd), i);
  }
  for (uint64_t i = 3; i < 5; i++) {
    assert_true(cf_cbor_next(&m));
    assert_true(m.is_text);
    assert_true(cf_span_eq(m.text, i == 3 ? CF_SPAN_LIT("z") : CF_SPAN_LIT("aa")));
    assert_int_equal(cf_cbor_uint(&rd), i);
  }
  assert_false(cf_cbor_next(&m));
  assert_true(cf_rd_done(&rd));
}

/* Each reader against an item of each type: only its own is read, and else nothing moves. */
static void test_types(void **state) {
  (void)state;
  static char const *const items[] = { "05", "24", "4105", "6161", "8105", "a10505", "c105", "f5", "f6" };
  enum { R_UINT, R_INT, R_BSTR, R_TSTR, R_ARRAY, R_MAP, R_TAG, R_BOOL, R_NULL, R_FIXED, R_CNT };
  static char const reads[R_CNT][10] = { "x........", "xx.......", "..x......", "...x.....", "....x....",
                                         ".....x...", "......x..", ".......x.", "........x", "..x......" };
  for (size_t i = 0; i < COUNT(items); i++)
    for (int r = 0; r < R_CNT; r++) {
      uint8_t   buf[8], one[1] = { 0 };
      cf_span_t in = hex(buf, sizeof buf, items[i]);
      cf_rd_t   rd = cf_rd_span(in);
      switch (r) {
      case R_UINT: assert_int_equal(cf_cbor_uint(&rd), i == 0 ? 5 : 0); break;
      case R_INT: assert_int_equal(cf_cbor_int(&rd), i == 0 ? 5 : i == 1 ? -5 : 0); break;
      case R_BSTR: assert_int_equal(cf_cbor_bstr(&rd).len, i == 2); break;
      case R_TSTR: assert_int_equal(cf_cbor_tstr(&rd).len, i == 3); break;
      case R_ARRAY: assert_int_equal(cf_cbor_array(&rd), i == 4); break;
      case R_MAP: assert_int_equal(cf_cbor_map(&rd).left, i == 5); break;
      case R_TAG: assert_int_equal(cf_cbor_tag(&rd), i == 6); break;
      case R_BOOL: assert_int_equal(cf_cbor_bool(&rd), i == 7); break;
      case R_NULL: cf_cbor_null(&rd); break;
      case R_FIXED:
        cf_cbor_bstr_fixed(&rd, one, 1);
        assert_int_equal(one[0], i == 2 ? 5 : 0);
        break;
      }
      if (rd.bad != (reads[r][i] == '.')) fail_msg("reader %d on %s", r, items[i]);
      if (rd.bad) assert_int_equal(rd.pos, 0);
    }
}

static void test_bounds_of_readers(void **state) {
  (void)state;
  uint8_t buf[16];
  cf_rd_t rd = cf_rd_span(hex(buf, sizeof buf, "3b7fffffffffffffff"));
  assert_true(cf_cbor_int(&rd) == INT64_MIN && cf_rd_done(&rd));
  rd = cf_rd_span(hex(buf, sizeof buf, "1b7fffffffffffffff"));
  assert_true(cf_cbor_int(&rd) == INT64_MAX && cf_rd_done(&rd));
  rd = cf_rd_span(hex(buf, sizeof buf, "3b8000000000000000"));
  assert_true(cf_cbor_int(&rd) == 0 && rd.bad);
  rd = cf_rd_span(hex(buf, sizeof buf, "1b8000000000000000"));
  assert_true(cf_cbor_int(&rd) == 0 && rd.bad);
  rd = cf_rd_span(hex(buf, sizeof buf, "420102")); /* a byte string of another size */
  cf_cbor_bstr_fixed(&rd, buf + 8, 1);
  assert_true(rd.bad && rd.pos == 0);
  rd = cf_rd_span(hex(buf, sizeof buf, "f4"));
  assert_true(!cf_cbor_bool(&rd) && cf_rd_done(&rd));

  rd = cf_rd_init(buf, 0);
  assert_int_equal(cf_cbor_peek(&rd), CF_CBOR_BAD);
  assert_false(cf_cbor_peek_null(&rd));
  rd = cf_rd_span(hex(buf, sizeof buf, "f600"));
  assert_true(cf_cbor_peek_null(&rd));
  cf_cbor_null(&rd);
  assert_int_equal(cf_cbor_peek(&rd), CF_CBOR_UINT);
  cf_cbor_null(&rd);
  assert_int_equal(cf_cbor_peek(&rd), CF_CBOR_BAD); /* bad, though a byte is left */
  assert_int_equal(cf_cbor_uint(&rd), 0);
  assert_int_equal(cf_cbor_skip(&rd).len, 0);
}

static void test_skip(void **state) {
  (void)state;
  uint8_t   buf[32];
  cf_rd_t   rd = cf_rd_span(hex(buf, sizeof buf, "a201820203614105f6"));
  cf_span_t s  = cf_cbor_skip(&rd);
  assert_int_equal(s.len, 8);
  assert_ptr_equal(s.ptr, buf);
  assert_true(cf_cbor_peek_null(&rd));
}

/* ---- writing ---- */

static struct {
  uint64_t    v;
  char const *hex;
} const heads[] = {
  { 0, "00" },
  { 23, "17" },
  { 24, "1818" },
  { 255, "18ff" },
  { 256, "190100" },
  { 65535, "19ffff" },
  { 65536, "1a00010000" },
  { 0xffffffff, "1affffffff" },
  { 0x100000000, "1b0000000100000000" },
  { UINT64_MAX, "1bffffffffffffffff" },
};

static void test_write_heads(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(heads); i++) {
    uint8_t buf[16];
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_cbor_w_uint(&wr, heads[i].v);
    assert_hex(cf_wr_out(&wr), heads[i].hex);
    cf_rd_t rd = cf_rd_span(cf_wr_out(&wr));
    assert_true(cf_cbor_uint(&rd) == heads[i].v && cf_rd_done(&rd));

    wr = cf_wr_init(buf, strlen(heads[i].hex) / 2 - 1); /* no room: bad */
    cf_cbor_w_uint(&wr, heads[i].v);
    assert_true(wr.bad);
    if (heads[i].v > INT64_MAX) continue;
    for (int sign = 0; sign < 2; sign++) {
      int64_t v = sign ? -1 - (int64_t)heads[i].v : (int64_t)heads[i].v;
      wr        = cf_wr_init(buf, sizeof buf);
      cf_cbor_w_int(&wr, v);
      rd = cf_rd_span(cf_wr_out(&wr));
      assert_true(cf_cbor_int(&rd) == v && cf_rd_done(&rd));
      assert_int_equal(wr.len, strlen(heads[i].hex) / 2);
    }
  }
}

static void test_write(void **state) {
  (void)state;
  uint8_t buf[128];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_cbor_w_tag(&wr, 18);
  cf_cbor_w_array(&wr, 6);
  cf_cbor_w_map(&wr, 2);
  cf_cbor_w_int(&wr, 1);
  cf_cbor_w_str(&wr, "a");
  cf_cbor_w_int(&wr, -1);
  cf_cbor_w_bool(&wr, true);
  cf_cbor_w_bool(&wr, false);
  cf_cbor_w_null(&wr);
  cf_cbor_w_bstr(&wr, CF_SPAN_LIT("\x01\x02"));
  cf_cbor_w_tstr(&wr, CF_SPAN_LIT("\xc3\xbc"));
  memcpy(cf_cbor_w_bstr_room(&wr, 2), "\x03\x04", 2);
  assert_hex(cf_wr_out(&wr), "d286a201616120f5f4f642010262c3bc420304");
  assert_int_equal(cf_cbor_check(cf_wr_out(&wr), NULL), CF_OK);

  wr = cf_wr_init(buf, sizeof buf);
  cf_cbor_w_tstr(&wr, CF_SPAN_LIT("\xff")); /* our reader would refuse it */
  assert_true(wr.bad);
  wr = cf_wr_init(buf, 2);
  assert_null(cf_cbor_w_bstr_room(&wr, 2));

  cf_hash_t h = { { 7 } }, back;
  wr          = cf_wr_init(buf, sizeof buf);
  cf_cbor_w_hash(&wr, &h);
  cf_rd_t rd = cf_rd_span(cf_wr_out(&wr));
  back       = cf_cbor_hash(&rd);
  assert_true(cf_rd_done(&rd) && cf_hash_eq(&back, &h));
}

/* ---- printing ---- */

static struct {
  char const *hex, *text;
} const prints[] = {
  { "1bffffffffffffffff", "18446744073709551615" },
  { "3b7fffffffffffffff", "-9223372036854775808" },
  { "3bffffffffffffffff", "-18446744073709551616" },
  { "3b8000000000000000", "-9223372036854775809" },
  { "f4", "false" },
  { "f5", "true" },
  { "f6", "null" },
  { "40", "h''" },
  { "43010aff", "h'010aff'" },
  { "80", "[]" },
  { "a0", "{}" },
  { "d2820102", "18([\n  1,\n  2\n])" },
  { "a201a120f5616180", "{\n  1: {\n    -1: true\n  },\n  \"a\": []\n}" },
  { "69225c0a1b7fc285c3bc", "\"\\\"\\\\\\u000a\\u001b\\u007f\\u0085\\u00fc\"" }, /* nothing that a terminal obeys */
  { "64f0908591", "\"\\ud800\\udd51\"" },
  { "82011800", "/ not deterministic CBOR at byte 2 of 4 /" },
};

static void test_diag(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(prints); i++) {
    uint8_t   buf[64];
    char      out[256];
    cf_span_t in = hex(buf, sizeof buf, prints[i].hex);
    size_t    n  = cf_cbor_diag(out, sizeof out, in);
    assert_string_equal(out, prints[i].text);
    assert_int_equal(n, strlen(out));
    for (size_t max = 1; max <= n; max++) { /* every cut is a prefix */
      char cut[256];
      memset(cut, 'x', sizeof cut);
      assert_int_equal(cf_cbor_diag(cut, max, in), max - 1);
      assert_true(cut[max - 1] == 0 && cut[max] == 'x' && memcmp(cut, out, max - 1) == 0);
    }
  }
  assert_int_equal(cf_cbor_diag(NULL, 0, CF_SPAN_LIT("\x00")), 0);

  uint8_t data[70] = { 0x58, 68 };
  char    out[256], *tail;
  cf_cbor_diag(out, sizeof out, CF_SPAN_OF(data));
  assert_non_null(tail = strchr(out + 2, '\''));
  assert_int_equal(tail - out, 2 + 128);
  assert_string_equal(tail, "' / first 64 of 68 bytes /");
}

int main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_appendix_a), cmocka_unit_test(test_refused),     cmocka_unit_test(test_depth),
    cmocka_unit_test(test_map_order),  cmocka_unit_test(test_types),       cmocka_unit_test(test_bounds_of_readers),
    cmocka_unit_test(test_skip),       cmocka_unit_test(test_write_heads), cmocka_unit_test(test_write),
    cmocka_unit_test(test_diag),
  };
  return cmocka_run_group_tests_name("cbor", tests, NULL, NULL);
}
