/* The recorded folder of tests/vectors/audit: another implementation may audit it, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "audit/cf_audit.h"
#include "base/cf_text.h"

static uint8_t tree[1 << 20];
static size_t  tree_sz;

static bool next(cf_rd_t *rd, cf_span_t *name, cf_span_t *bytes) {
  if (!cf_rd_left(rd)) return false;
  *name = cf_rd_take_span(rd, cf_rd_u16(rd));
  *bytes = cf_rd_take_span(rd, cf_rd_u32(rd));
  return !rd->bad;
}

static cf_status_t list(void *ctx, cf_audit_name_fn *fn, void *fn_ctx) {
  cf_span_t name, bytes;
  for (cf_rd_t rd = cf_rd_init(tree, tree_sz); next(&rd, &name, &bytes);) {
    char text[160];
    assert_true(name.len < sizeof text);
    memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    fn(fn_ctx, text);
  }
  return CF_OK;
}

static cf_read_t read_one(void *ctx, char const *want, size_t max, cf_span_t *out) {
  cf_span_t name, bytes;
  for (cf_rd_t rd = cf_rd_init(tree, tree_sz); next(&rd, &name, &bytes);)
    if (cf_span_eq(name, CF_SPAN(want, strlen(want)))) {
      *out = bytes;
      return bytes.len > max ? CF_READ_LARGE : CF_READ_OK;
    }
  return CF_READ_ABSENT;
}

static void test_recorded(void **state) {
  FILE *f = fopen(CF_SOURCE_DIR "/tests/vectors/audit/life.tree", "r");
  assert_non_null(f);
  tree_sz = fread(tree, 1, sizeof tree, f);
  fclose(f);
  cf_audit_reader_t  r = {list, read_one, NULL};
  cf_audit_options_t o = {0};
  cf_audit_t        *a;
  cf_status_t        st = cf_audit_run(&a, &r, &o);
  if (st) fail_msg("%s: %s", cf_audit_fault_at(a, 0)->file, cf_audit_fault_at(a, 0)->text);
  cf_audit_counts_t const *n = cf_audit_counts(a);
  assert_int_equal(n->hold, 9);
  assert_int_equal(n->inputs, 6);
  assert_int_equal(n->executed, 2);
  assert_int_equal(n->results, 2);
  cf_audit_free(a);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_recorded)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
