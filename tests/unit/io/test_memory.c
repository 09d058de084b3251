/* Files that a process must not forget: changed, exchanged or gone, they are not believed. */
#include "io_util.h"

#include "io/cf_memory.h"

static cf_span_t const body = { .ptr = (uint8_t const *)"what was said last", .len = 18 };

static cf_status_t
get(cf_files_t const *files, char const *name, bool *found) {
  uint8_t    *out;
  size_t      out_sz;
  cf_error_t  err = { 0 };
  cf_status_t st  = cf_memory_get(&out, &out_sz, found, files, CF_SPAN(name, strlen(name)), 1000, &err);
  if (!st && *found) assert_true(cf_span_eq(CF_SPAN(out, out_sz), body));
  if (st) assert_true(strstr(err.text, name) && strstr(err.text, "restore it"));
  assert_true(!st || !out);
  free(out);
  return st;
}

static void
must(cf_files_t const *files, char const *name, cf_status_t want) {
  bool found;
  assert_int_equal(get(files, name, &found), want);
}

static void
test_altered(void **state) {
  cf_files_t  files;
  size_t      len = 0;
  bool        found;
  assert_int_equal(cf_files_open(&files, tmp_path(""), NULL, NULL), CF_OK);
  assert_int_equal(cf_memory_begin(&files, "a", NULL), CF_OK);
  assert_int_equal(get(&files, "a", &found), CF_OK);
  assert_false(found);
  assert_int_equal(cf_memory_put(&files, CF_SPAN_LIT("a"), body, NULL), CF_OK);
  assert_int_equal(get(&files, "a", &found), CF_OK);
  assert_true(found);

  char *bytes = read_file("a", &len), *was = malloc(len);
  memcpy(was, bytes, len);
  assert_int_equal(len, body.len + 32);
  for (size_t at = 0; at < len; at++)
    for (unsigned bit = 0; bit < 8; bit++) {
      was[at] ^= (char)(1 << bit);
      write_file("a", was, len);
      must(&files, "a", CF_ERR_AUTH);
      was[at] ^= (char)(1 << bit);
    }
  for (size_t cut = 0; cut < len; cut++) {
    write_file("a", was, cut);
    must(&files, "a", CF_ERR_AUTH);
  }
  write_file("b", was, len); /* another's */
  must(&files, "b", CF_ERR_AUTH);
  assert_int_equal(unlink(tmp_path("a")), 0);
  must(&files, "a", CF_ERR_STALE); /* a loss, and no beginning */
  assert_int_equal(cf_memory_begin(&files, "a", NULL), CF_OK);
  assert_int_equal(get(&files, "a", &found), CF_OK); /* until somebody says so */
  free(was);
  cf_files_close(&files);
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test_setup_teardown(test_altered, tmp_make, tmp_remove) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
