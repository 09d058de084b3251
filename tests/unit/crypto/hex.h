/* Bytes of a hexadecimal literal, for tables of vectors. */
#ifndef CF_TEST_HEX_H
#define CF_TEST_HEX_H

#include <stdlib.h>

#include "base/cf_text.h"

#define HEX_MAX 1024

/* unhex fills buf (HEX_MAX bytes) and returns what it holds; spaces between digits are fine, "-" is empty. */
static inline cf_span_t
unhex(uint8_t *buf, char const *text) {
  char   digits[2 * HEX_MAX];
  size_t n = 0;
  for (; *text; text++) {
    if (*text == ' ' || *text == '-') continue;
    if (n == sizeof digits) abort();
    digits[n++] = *text;
  }
  if (cf_hex_decode(buf, n / 2, CF_SPAN(digits, n))) abort();
  return CF_SPAN(buf, n / 2);
}

#define assert_bytes(got, n, hex)                                                                                                \
  do {                                                                                                                           \
    uint8_t   want_buf_[HEX_MAX];                                                                                                \
    cf_span_t want_ = unhex(want_buf_, hex);                                                                                     \
    assert_int_equal(n, want_.len);                                                                                              \
    assert_memory_equal(got, want_.ptr, want_.len);                                                                              \
  } while (0)

#endif
