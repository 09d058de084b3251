/* docs/protocol/documents.md says of every field what the code says: each table's CDDL stands there, word for word, and nothing
 * else does. */
#include "document_world.h"

static char page[1 << 17], text[1 << 15];

static void test_page(void **state) {
  FILE *f = fopen(CF_SOURCE_DIR "/docs/protocol/documents.md", "r");
  assert_non_null(f);
  size_t n = fread(page, 1, sizeof page - 1, f), blocks = 0, tables = 0;
  fclose(f);
  page[n] = '\0';
  for (char const *at = page; (at = strstr(at, "```cddl\n")); at++) blocks++;
  for (; cf_tables[tables]; tables++) {
    cf_wr_t wr = cf_wr_init(text, sizeof text - 1);
    cf_wr_bytes(&wr, "```cddl\n", 8);
    cf_table_schema(&wr, cf_tables[tables]);
    cf_wr_bytes(&wr, "```\n", 4);
    assert_false(wr.bad);
    text[wr.len] = '\0';
    if (!strstr(page, text)) fail_msg("the page and the table of %s disagree; the code says\n%s", cf_tables[tables]->name, text);
  }
  assert_int_equal(blocks, tables);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_page)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
