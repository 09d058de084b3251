/* tests/vectors/ledger/ledger.jsonl is what the rules say, byte for byte, and says enough. */
#include "../../vectors/ledger/generate.h"

static void file_is_what_the_rules_say(void **state) {
  (void)state;
  static uint8_t made[VECTOR_MAX], kept[VECTOR_MAX];
  char const    *path = CF_SOURCE_DIR "/tests/vectors/ledger/ledger.jsonl";
  vectors_t      v    = { .wr = cf_wr_init(made, sizeof made) };
  vectors_make(&v);
  if (getenv("CF_REGENERATE")) {
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(made, 1, v.wr.len, out), v.wr.len);
    assert_int_equal(fclose(out), 0);
  }
  FILE *in = fopen(path, "r");
  assert_non_null(in);
  size_t len = fread(kept, 1, sizeof kept, in);
  fclose(in);
  assert_int_equal(len, v.wr.len);
  assert_memory_equal(made, kept, len);
  for (unsigned i = CF_OP_SETTLE; i <= CF_OP_ACT; i++)
    if (i != CF_OP_ROOT_EXIT) {
      print_message("op %u: %u\n", i, v.accepted[i]);
      assert_true(v.accepted[i] > 0);
    }
}

/* Every line is JSON, and every refusal that the rules can give stands in some line. */
static void every_refusal_stands_there(void **state) {
  (void)state;
  static char text[VECTOR_MAX];
  FILE *in = fopen(CF_SOURCE_DIR "/tests/vectors/ledger/ledger.jsonl", "r");
  assert_non_null(in);
  size_t len = fread(text, 1, sizeof text - 1, in), lines = 0;
  fclose(in);
  for (char *at = text; at < text + len; lines++) {
    char *end = strchr(at, '\n');
    assert_non_null(end);
    cf_json_t j;
    assert_int_equal(cf_json_parse(&j, CF_SPAN(at, (size_t)(end - at)), NULL), CF_OK);
    at = end + 1;
  }
  print_message("%zu lines\n", lines);
  for (int i = CF_REFUSAL_WRONG_CHAIN; i < CF_REFUSAL_BOUND; i++) {
    char want[64];
    snprintf(want, sizeof want, "\"refusal\":\"%s\"", cf_refusal_name((cf_refusal_code_t)i));
    if (i == CF_REFUSAL_FULL) continue; /* after 2^32 - 2 accounts */
    if (!strstr(text, want)) print_message("missing: %s\n", want);
    assert_non_null(strstr(text, want));
  }
}

int main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(file_is_what_the_rules_say),
                                      cmocka_unit_test(every_refusal_stands_there) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
