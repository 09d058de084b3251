#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cf_text.h"

#define CNT(a) (sizeof(a) / sizeof *(a))

static void
hex_cases(void **state) {
  static struct { char const *text; size_t sz; char const *want; cf_status_t st; } const cases[] = {
    { "", 0, "", CF_OK },
    { "00ff", 2, "\x00\xff", CF_OK },
    { "0123456789abcdef", 8, "\x01\x23\x45\x67\x89\xab\xcd\xef", CF_OK },
    { "ABCDEF", 3, "\xab\xcd\xef", CF_OK },
    { "aBcDeF", 3, "\xab\xcd\xef", CF_OK },
    { "0", 0, NULL, CF_ERR_FORMAT },
    { "0", 1, NULL, CF_ERR_FORMAT },
    { "00", 0, NULL, CF_ERR_FORMAT },
    { "00", 2, NULL, CF_ERR_FORMAT },
    { "0000", 1, NULL, CF_ERR_FORMAT },
    { "0x00", 2, NULL, CF_ERR_FORMAT },
    { " 0", 1, NULL, CF_ERR_FORMAT },
    { "-1", 1, NULL, CF_ERR_FORMAT },
  };
  for (size_t i = 0; i < CNT(cases); i++) {
    uint8_t out[8];
    assert_int_equal(cf_hex_decode(out, cases[i].sz, CF_SPAN(cases[i].text, strlen(cases[i].text))), cases[i].st);
    if (cases[i].want) assert_memory_equal(out, cases[i].want, cases[i].sz);
  }
}

/* Every byte as first and as second digit, against the C library. */
static void
hex_all_bytes(void **state) {
  for (int c = 0; c < 256; c++) {
    bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    for (int second = 0; second < 2; second++) {
      char    text[3] = { second ? '0' : (char)c, second ? (char)c : '0', 0 };
      uint8_t out;
      assert_int_equal(cf_hex_decode(&out, 1, CF_SPAN(text, 2)), digit ? CF_OK : CF_ERR_FORMAT);
      if (digit) assert_int_equal(out, strtoul(text, NULL, 16));
    }
    uint8_t byte = (uint8_t)c;
    char    got[3], want[3];
    assert_ptr_equal(cf_hex_encode(got, CF_SPAN(&byte, 1)), got);
    snprintf(want, sizeof want, "%02x", (unsigned)c);
    assert_string_equal(got, want);
  }
}

static void
b64_cases(void **state) {
  static struct { char const *text; size_t max; char const *want; cf_status_t st; } const cases[] = {
    /* RFC 4648, section 10 */
    { "", 8, "", CF_OK },
    { "Zg==", 8, "f", CF_OK },
    { "Zm8=", 8, "fo", CF_OK },
    { "Zm9v", 8, "foo", CF_OK },
    { "Zm9vYg==", 8, "foob", CF_OK },
    { "Zm9vYmE=", 8, "fooba", CF_OK },
    { "Zm9vYmFy", 8, "foobar", CF_OK },
    { "+/+/", 8, "\xfb\xff\xbf", CF_OK },
    { "Zm9vYmFy", 6, "foobar", CF_OK },
    { "Zm9vYmFy", 5, NULL, CF_ERR_BOUND },
    { "Zg==", 0, NULL, CF_ERR_BOUND },
    { "Zg", 8, NULL, CF_ERR_FORMAT },         /* padding missing */
    { "Zg=", 8, NULL, CF_ERR_FORMAT },
    { "Zm8", 8, NULL, CF_ERR_FORMAT },
    { "Zh==", 8, NULL, CF_ERR_FORMAT },       /* spare bits */
    { "Zm9=", 8, NULL, CF_ERR_FORMAT },
    { "Z===", 8, NULL, CF_ERR_FORMAT },
    { "====", 8, NULL, CF_ERR_FORMAT },
    { "Z=g=", 8, NULL, CF_ERR_FORMAT },
    { "Zg==Zg==", 8, NULL, CF_ERR_FORMAT },   /* padding inside */
    { "Zm8=Zm8=", 8, NULL, CF_ERR_FORMAT },
    { "Zm9v\n", 8, NULL, CF_ERR_FORMAT },
    { "Zm9\n", 8, NULL, CF_ERR_FORMAT },
    { " m9v", 8, NULL, CF_ERR_FORMAT },
    { "-_-_", 8, NULL, CF_ERR_FORMAT },       /* the URL alphabet is another encoding */
  };
  for (size_t i = 0; i < CNT(cases); i++) {
    uint8_t out[8];
    size_t  sz = 99;
    assert_int_equal(cf_b64_decode(out, &sz, cases[i].max, CF_SPAN(cases[i].text, strlen(cases[i].text))), cases[i].st);
    if (!cases[i].want) {
      assert_int_equal(sz, 99);
      continue;
    }
    assert_int_equal(sz, strlen(cases[i].want));
    assert_memory_equal(out, cases[i].want, sz);
    char again[16];
    assert_int_equal(cf_b64_encode(again, CF_SPAN(out, sz)), cf_b64_sz(sz));
    assert_string_equal(again, cases[i].text);
  }
}

/* Each of the 64 digits has its value, and no other byte has one. */
static void
b64_all_bytes(void **state) {
  static char const digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int c = 0; c < 256; c++) {
    char const *at = c ? strchr(digits, c) : NULL;
    for (int place = 0; place < 4; place++) {
      char    text[4] = { 'A', 'A', 'A', 'A' };
      uint8_t out[3];
      size_t  sz;
      text[place] = (char)c;
      if (place == 3 && c == '=') continue; /* padding: above */
      assert_int_equal(cf_b64_decode(out, &sz, 3, CF_SPAN(text, 4)), at ? CF_OK : CF_ERR_FORMAT);
      if (at) assert_int_equal(out[0] << 16 | out[1] << 8 | out[2], (at - digits) << (18 - 6 * place));
    }
  }
}

static void
b64_sizes(void **state) {
  for (size_t n = 0; n < 100; n++) {
    uint8_t in[100], out[100];
    char    text[137];
    size_t  sz = 0;
    for (size_t i = 0; i < n; i++) in[i] = (uint8_t)(i * 37 + n * 11 + (i << 5));
    assert_int_equal(cf_b64_encode(text, CF_SPAN(in, n)), cf_b64_sz(n));
    assert_int_equal(strlen(text), cf_b64_sz(n));
    assert_int_equal(cf_b64_decode(out, &sz, n, CF_SPAN(text, strlen(text))), CF_OK);
    assert_int_equal(sz, n);
    assert_memory_equal(in, out, n);
  }
}

static void
dec_cases(void **state) {
  static struct { char const *text; uint64_t want; cf_status_t st; } const cases[] = {
    { "0", 0, CF_OK },
    { "7", 7, CF_OK },
    { "10", 10, CF_OK },
    { "18446744073709551615", UINT64_MAX, CF_OK },
    { "18446744073709551616", 5, CF_ERR_BOUND },
    { "18446744073709551620", 5, CF_ERR_BOUND },
    { "99999999999999999999", 5, CF_ERR_BOUND },
    { "340282366920938463463374607431768211456", 5, CF_ERR_BOUND },
    { "", 5, CF_ERR_FORMAT },
    { "00", 5, CF_ERR_FORMAT },
    { "01", 5, CF_ERR_FORMAT },
    { "+1", 5, CF_ERR_FORMAT },
    { "-1", 5, CF_ERR_FORMAT },
    { " 1", 5, CF_ERR_FORMAT },
    { "1 ", 5, CF_ERR_FORMAT },
    { "1e3", 5, CF_ERR_FORMAT },
    { "0x1", 5, CF_ERR_FORMAT },
    { "1/", 5, CF_ERR_FORMAT },
    { "1:", 5, CF_ERR_FORMAT },
    { "99999999999999999999x", 5, CF_ERR_FORMAT },
  };
  for (size_t i = 0; i < CNT(cases); i++) {
    uint64_t got = 5;
    assert_int_equal(cf_dec_u64(&got, CF_SPAN(cases[i].text, strlen(cases[i].text))), cases[i].st);
    assert_int_equal(got, cases[i].want);
  }
}

static void
utf8_cases(void **state) {
  static struct { char const *text; bool want; } const cases[] = {
    { "", true },
    { "plain", true },
    { "\x7f", true },
    { "\xc2\x80", true },
    { "\xdf\xbf", true },
    { "\xe0\xa0\x80", true },
    { "\xed\x9f\xbf", true },
    { "\xee\x80\x80", true },
    { "\xef\xbf\xbf", true },
    { "\xf0\x90\x80\x80", true },
    { "\xf4\x8f\xbf\xbf", true },
    { "\x80", false },                 /* no head */
    { "\xbf", false },
    { "\xc0\x80", false },             /* overlong */
    { "\xc1\xbf", false },
    { "\xe0\x9f\xbf", false },
    { "\xf0\x8f\xbf\xbf", false },
    { "\xed\xa0\x80", false },         /* surrogates */
    { "\xed\xbf\xbf", false },
    { "\xf4\x90\x80\x80", false },     /* above U+10FFFF */
    { "\xf5\x80\x80\x80", false },
    { "\xff", false },
    { "\xc2", false },                 /* cut short */
    { "\xe2\x82", false },
    { "\xf0\x9f\x98", false },
    { "a\xc2", false },
    { "\xc2" "a", false },
    { "\xe2\x82" "a", false },
    { "\xf0\x9f\x98" "a", false },
    { "\xf0\x9f" "a\x80", false },
  };
  for (size_t i = 0; i < CNT(cases); i++) {
    assert_int_equal(cf_utf8_valid(CF_SPAN(cases[i].text, strlen(cases[i].text))), cases[i].want);
  }
  assert_true(cf_utf8_valid(CF_SPAN("\0", 1)));
  assert_true(cf_utf8_valid(CF_SPAN(NULL, 0)));
}

/* Every code point, made by the definition, is valid unless a surrogate. */
static void
utf8_all_code_points(void **state) {
  for (uint32_t cp = 0x80; cp < 0x110000; cp++) {
    uint8_t b[4];
    size_t  n = 0;
    if (cp >= 0x10000) {
      b[n++] = (uint8_t)(0xf0 | cp >> 18);
      b[n++] = (uint8_t)(0x80 | (cp >> 12 & 63));
    } else if (cp >= 0x800) b[n++] = (uint8_t)(0xe0 | cp >> 12);
    b[n] = (uint8_t)(n ? 0x80 | (cp >> 6 & 63) : 0xc0 | cp >> 6);
    n++;
    b[n++] = (uint8_t)(0x80 | (cp & 63));
    if (cf_utf8_valid(CF_SPAN(b, n)) != !(cp >= 0xd800 && cp < 0xe000)) fail_msg("U+%04X", cp);
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(hex_cases),  cmocka_unit_test(hex_all_bytes), cmocka_unit_test(b64_cases),
    cmocka_unit_test(b64_all_bytes), cmocka_unit_test(b64_sizes),  cmocka_unit_test(dec_cases),
    cmocka_unit_test(utf8_cases), cmocka_unit_test(utf8_all_code_points),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
