#include "codec/cf_der.h"

#include "support.h"

#define IN(lit)                                                                                                                  \
  { (uint8_t const *)(lit), sizeof(lit) - 1 }

typedef enum { NEXT, INTEGER, UINT, BOOLEAN, TIME, BITS, FLAGS } kind_t;

static struct {
  char const *name;
  kind_t      kind;
  cf_span_t   in;
  bool        good;
  int64_t     value; /* the content's length for NEXT, INTEGER and BITS */
} const cases[] = {
    {"nothing", NEXT, IN(""), false, 0},
    {"null", NEXT, IN("\x05\x00"), true, 0},
    {"cut short", NEXT, IN("\x04\x02x"), false, 0},
    {"no length", NEXT, IN("\x04"), false, 0},
    {"indefinite", NEXT, IN("\x30\x80\x00\x00"), false, 0},
    {"long form of a short length", NEXT, IN("\x04\x81\x01x"), false, 0},
    {"length with a leading zero", NEXT, IN("\x04\x82\x00\x01x"), false, 0},
    {"length of five bytes", NEXT, IN("\x04\x85\x00\x00\x00\x00\x01x"), false, 0},
    {"tag of several bytes", NEXT, IN("\x1f\x01\x00"), false, 0},
    {"length near 2^24", NEXT, IN("\x04\x83\xff\xff\xff"), false, 0},
    {"integer", INTEGER, IN("\x02\x02\x00\xff"), true, 2},
    {"negative integer", INTEGER, IN("\x02\x01\xff"), true, 1},
    {"integer of no bytes", INTEGER, IN("\x02\x00"), false, 0},
    {"integer with a zero too many", INTEGER, IN("\x02\x02\x00\x7f"), false, 0},
    {"integer with a ff too many", INTEGER, IN("\x02\x02\xff\x80"), false, 0},
    {"another tag", INTEGER, IN("\x04\x01x"), false, 0},
    {"255 is not -1", UINT, IN("\x02\x02\x00\xff"), true, 255},
    {"65535", UINT, IN("\x02\x03\x00\xff\xff"), true, 65535},
    {"more than the maximum", UINT, IN("\x02\x03\x01\x00\x00"), false, 0},
    {"-1", UINT, IN("\x02\x01\xff"), false, 0},
    {"nine bytes", UINT, IN("\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00"), false, 0},
    {"true", BOOLEAN, IN("\x01\x01\xff"), true, 1},
    {"false", BOOLEAN, IN("\x01\x01\x00"), true, 0},
    {"BER's true", BOOLEAN, IN("\x01\x01\x01"), false, 0},
    {"boolean of two bytes", BOOLEAN, IN("\x01\x02\xff\xff"), false, 0},
    {"UTCTime", TIME,
     IN("\x17\x0d"
        "180521104510Z"),
     true, 1526899510},
    {"UTCTime of 1950", TIME,
     IN("\x17\x0d"
        "500101000000Z"),
     true, -631152000},
    {"UTCTime of 2049", TIME,
     IN("\x17\x0d"
        "491231235959Z"),
     true, 2524607999},
    {"UTCTime without seconds", TIME,
     IN("\x17\x0b"
        "1805211045Z"),
     false, 0},
    {"UTCTime with an offset", TIME,
     IN("\x17\x11"
        "180521104510+0000"),
     false, 0},
    {"UTCTime of 31 June", TIME,
     IN("\x17\x0d"
        "180631104510Z"),
     false, 0},
    {"GeneralizedTime", TIME,
     IN("\x18\x0f"
        "20500101000000Z"),
     true, 2524608000},
    {"GeneralizedTime where UTCTime is due", TIME,
     IN("\x18\x0f"
        "20491231235959Z"),
     false, 0},
    {"GeneralizedTime with a fraction", TIME,
     IN("\x18\x11"
        "20500101000000.5Z"),
     false, 0},
    {"a leap day of 2100", TIME,
     IN("\x18\x0f"
        "21000229120000Z"),
     false, 0},
    {"a leap day of 2400", TIME,
     IN("\x18\x0f"
        "24000229120000Z"),
     true, 13574606400},
    {"whole bytes", BITS, IN("\x03\x02\x00\xaa"), true, 1},
    {"bits left over", BITS, IN("\x03\x02\x01\xaa"), false, 0},
    {"no count of unused bits", BITS, IN("\x03\x00"), false, 0},
    {"digitalSignature", FLAGS, IN("\x03\x02\x07\x80"), true, 1},
    {"keyCertSign and cRLSign", FLAGS, IN("\x03\x02\x01\x06"), true, 0x60},
    {"keyCertSign as AMD has it", FLAGS, IN("\x03\x02\x01\x04"), true, 0x20},
    {"the ninth bit", FLAGS, IN("\x03\x03\x07\x00\x80"), true, 0x100},
    {"no bits", FLAGS, IN("\x03\x01\x00"), true, 0},
    {"unused bits of no byte", FLAGS, IN("\x03\x01\x01"), false, 0},
    {"an unused bit that is set", FLAGS, IN("\x03\x02\x07\xc0"), false, 0},
    {"eight unused bits", FLAGS, IN("\x03\x02\x08\x00"), false, 0},
    {"33 bits", FLAGS, IN("\x03\x06\x07\x00\x00\x00\x00\x80"), false, 0},
    {"a date as text", TIME,
     IN("\x0c\x0d"
        "180521104510Z"),
     false, 0},
};

static int64_t read_one(cf_rd_t *rd, kind_t kind) {
  uint8_t tag;
  switch (kind) {
  case NEXT:
    return (int64_t)cf_der_any(rd, &tag, NULL).len;
  case INTEGER:
    return (int64_t)cf_der_integer(rd).len;
  case UINT:
    return (int64_t)cf_der_uint(rd, 65535);
  case BOOLEAN:
    return cf_der_bool(rd);
  case TIME:
    return cf_der_time(rd);
  case BITS:
    return (int64_t)cf_der_bits(rd).len;
  case FLAGS:
    return cf_der_flags(rd);
  }
  return 0;
}

static void test_cases(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    cf_rd_t rd = cf_rd_span(cases[i].in);
    int64_t got = read_one(&rd, cases[i].kind);
    if (cf_rd_done(&rd) != cases[i].good || (cases[i].good && got != cases[i].value))
      fail_msg("%s: %lld", cases[i].name, (long long)got);
    if (!cases[i].good && got != 0 && cases[i].kind != NEXT) fail_msg("%s: a value in spite of it", cases[i].name);
  }
}

static void test_nested(void **state) {
  (void)state;
  cf_rd_t   rd = cf_rd_span(CF_SPAN_LIT("\x30\x06\x02\x01\x05\x04\x01x\x05\x00"));
  cf_span_t whole;
  uint8_t   tag;
  assert_true(cf_der_is(&rd, CF_DER_SEQUENCE) && !cf_der_is(&rd, CF_DER_SET));
  cf_rd_t seq = cf_der_enter(&rd, CF_DER_SEQUENCE);
  assert_int_equal(cf_der_uint(&seq, 5), 5);
  whole = cf_der_whole(&seq, CF_DER_OCTET_STRING);
  assert_true(cf_span_eq(whole, CF_SPAN_LIT("\x04\x01x")) && cf_rd_done(&seq));
  (void)cf_der_any(&rd, &tag, &whole);
  assert_true(tag == 5 && whole.len == 2 && cf_rd_done(&rd));
  assert_false(cf_der_is(&rd, 5));
  cf_rd_t inner = cf_der_enter(&rd, CF_DER_SEQUENCE); /* a bad cursor is handed on */
  assert_true(rd.bad && inner.bad && !cf_rd_done(&inner));
}

static void test_fixed(void **state) {
  (void)state;
  uint8_t out[2];
  cf_rd_t rd = cf_rd_span(CF_SPAN_LIT("\x02\x01\x07\x02\x03\x00\xff\xfe\x02\x03\x01\x00\x00"));
  cf_der_fixed(&rd, out, 2);
  assert_memory_equal(out, "\x00\x07", 2);
  cf_der_fixed(&rd, out, 2);
  assert_memory_equal(out, "\xff\xfe", 2);
  assert_false(rd.bad);
  cf_der_fixed(&rd, out, 2); /* too large for two bytes */
  assert_true(rd.bad);
  assert_memory_equal(out, "\x00\x00", 2);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_nested), cmocka_unit_test(test_fixed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
