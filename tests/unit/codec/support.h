/* What the codec tests share. */
#ifndef CF_TESTS_CODEC_SUPPORT_H
#define CF_TESTS_CODEC_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cf_bytes.h"
#include "base/cf_text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* hex returns the bytes of hex digits, in buf. */
static inline cf_span_t hex(uint8_t *buf, size_t max, char const *digits) {
  size_t n = strlen(digits) / 2;
  assert_true(n <= max);
  assert_int_equal(cf_hex_decode(buf, n, CF_SPAN(digits, 2 * n)), CF_OK);
  return CF_SPAN(buf, n);
}

/* assert_hex holds when got's bytes are those digits. */
#define assert_hex(got, digits) assert_hex_((got), (digits), __FILE__, __LINE__)
static inline void assert_hex_(cf_span_t got, char const *digits, char const *file, int line) {
  char *text = malloc(2 * got.len + 1);
  cf_hex_encode(text, got);
  if (strcmp(text, digits)) print_error("%s:%d\n  got  %s\n  want %s\n", file, line, text, digits);
  assert_true(strcmp(text, digits) == 0);
  free(text);
}

/* read_whole reads a file of the source tree; the caller frees. */
static inline cf_span_t read_whole(char const *path) {
  FILE *f = fopen(path, "rb");
  if (!f) fail_msg("cannot read %s", path);
  uint8_t *buf = malloc(1 << 20);
  size_t   n   = fread(buf, 1, 1 << 20, f);
  fclose(f);
  return CF_SPAN(buf, n);
}

/* A small generator (xorshift64*), so that a printed seed repeats a run. */
static inline uint64_t rnd(uint64_t *s) {
  *s ^= *s >> 12;
  *s ^= *s << 25;
  *s ^= *s >> 27;
  return *s * 0x2545f4914f6cdd1dULL;
}

#endif
