/* tests/vectors/ledger/ledger.jsonl and root.jsonl are what the rules say, byte for byte, and say enough. */
#include "../../vectors/ledger/generate.h"

static void file_is_what_the_rules_say(char const *path, void make(vectors_t *), uint64_t others) {
  static uint8_t made[VECTOR_MAX], kept[VECTOR_MAX];
  vectors_t      v = { .wr = cf_wr_init(made, sizeof made) };
  make(&v);
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
    if (!(others >> i & 1)) {
      print_message("op %u: %u\n", i, v.accepted[i]);
      assert_true(v.accepted[i] > 0);
    } else assert_int_equal(v.accepted[i], 0);
}

#define NET_FILE  CF_SOURCE_DIR "/tests/vectors/ledger/ledger.jsonl"
#define ROOT_FILE CF_SOURCE_DIR "/tests/vectors/ledger/root.jsonl"

static void net_file(void **state) { (void)state, file_is_what_the_rules_say(NET_FILE, vectors_make, 1 << CF_OP_ROOT_EXIT); }
static void root_file(void **state) {
  (void)state, file_is_what_the_rules_say(ROOT_FILE, vectors_make_root, 1 << CF_OP_OPEN_LANE | 1 << CF_OP_FINALIZE_EXIT);
}

/* Every line is JSON, and every refusal that the rules can give stands in some line. */
static void every_refusal_stands_there(char const *path, char const *others) {
  static char text[VECTOR_MAX];
  FILE *in = fopen(path, "r");
  assert_non_null(in);
  size_t len = fread(text, 1, sizeof text - 1, in), lines = 0;
  fclose(in);
  text[len] = 0;
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
    if (i == CF_REFUSAL_FULL || strstr(others, want + strlen("\"refusal\":"))) continue; /* Full: after 2^32 - 2 accounts */
    if (!strstr(text, want)) print_message("missing: %s\n", want);
    assert_non_null(strstr(text, want));
  }
}

static void net_refusals(void **state) { (void)state, every_refusal_stands_there(NET_FILE, "\"Alive\" \"Head\" \"Leaf\""); }
static void root_refusals(void **state) { (void)state, every_refusal_stands_there(ROOT_FILE, "\"Unbalanced\""); }

int main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(net_file), cmocka_unit_test(root_file), cmocka_unit_test(net_refusals),
                                      cmocka_unit_test(root_refusals) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
