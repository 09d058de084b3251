/* docs/boundary.md says what crosses the enclave's boundary.  Its table is made from cf_boundary_table: a difference fails, and the
   text that is due is printed (CF_WRITE=1 writes it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "document/cf_boundary.h"

static char const begin[] = "<!-- table: made from src/document/cf_boundary.c -->\n", end[] = "<!-- end of table -->\n";

static void
phases(char *out, uint32_t p) {
  static char const *const names[] = { "new", "opening", "fencing", "certifying", "serving", "draining", "stopped" };
  out[0]                           = '\0';
  for (int i = 0; i < 7; i++)
    if (p >> i & 1) {
      if (out[0]) strcat(out, ", ");
      strcat(out, names[i]);
    }
}

static char *
table(void) {
  char *out = malloc(32768), phase[128];
  int   n   = sprintf(out, "%s| message | in these phases | at most (bytes) | the answer reveals | what makes it harmless |\n|---|---|---|---|---|\n", begin);
  for (size_t i = 0; i < cf_boundary_rows; i++) {
    cf_boundary_row_t const *r = &cf_boundary_table[i];
    phases(phase, r->phases);
    n += sprintf(out + n, "| %s | %s | %zu | %s | %s |\n", r->name, phase, r->in_max, r->reveals, r->check);
  }
  sprintf(out + n, "%s", end);
  return out;
}

static void
test_page_equals_table(void **state) {
  char        path[512] = CF_SOURCE_DIR "/docs/boundary.md";
  char       *page = calloc(1, 65536), *due = table();
  FILE       *f    = fopen(path, "r");
  assert_non_null(f);
  (void)!fread(page, 1, 65535, f);
  fclose(f);
  char *from = strstr(page, begin), *to = strstr(page, end);
  assert_true(from && to);
  bool same = (size_t)(to + strlen(end) - from) == strlen(due) && !strncmp(from, due, strlen(due));
  if (!same && getenv("CF_WRITE")) {
    f = fopen(path, "w");
    fprintf(f, "%.*s%s%s", (int)(from - page), page, due, to + strlen(end));
    fclose(f);
  } else if (!same) {
    fail_msg("docs/boundary.md differs from the code; the table that is due:\n%s", due);
  }
  free(page);
  free(due);
}

/* Each type once, and a class name for each class. */
static void
test_rows_are_distinct(void **state) {
  for (size_t i = 0; i < cf_boundary_rows; i++)
    for (size_t j = 0; j < i; j++) assert_int_not_equal(cf_boundary_table[i].type, cf_boundary_table[j].type);
  for (int r = 0; r <= CF_REFUSE_JOURNAL; r++) {
    char const *name = cf_refuse_name((cf_refuse_t)r);
    if (r <= CF_REFUSE_BUSY || r >= CF_REFUSE_PHASE) assert_string_not_equal(name, "unknown");
    for (int q = 0; q < r; q++)
      if (strcmp(name, "unknown")) assert_string_not_equal(name, cf_refuse_name((cf_refuse_t)q));
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_page_equals_table), cmocka_unit_test(test_rows_are_distinct) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
