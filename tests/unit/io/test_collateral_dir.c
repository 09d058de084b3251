/* Collateral in a folder: evidence judged by what was kept, as of then. */
#include "io_util.h"

#include "../evidence/quotes.h"

#include "io/cf_collateral_dir.h"

#define DAY 86400

static cf_files_t    dir;
static quotes_t     *quotes;
static quote_case_t *good;

static int setup(void **state) {
  if (tmp_make(state)) return -1;
  quotes = quotes_load(CF_SOURCE_DIR "/tests/vectors/evidence/quotes.json");
  good = quotes_find(quotes, "TDX 1.0, version 4");
  return cf_files_open(&dir, tmp_dir, "", NULL) ? -1 : 0;
}

static int teardown(void **state) {
  cf_files_close(&dir);
  free(quotes);
  return tmp_remove(state);
}

static cf_span_t of(cf_role_t role) {
  for (size_t i = 0; i < good->item_cnt; i++)
    if (good->items[i].role == role) return good->items[i].bytes;
  return CF_SPAN(NULL, 0);
}

static void keep(char const *name, int64_t issued_s, cf_role_t one, cf_span_t one_bytes, cf_role_t two) {
  cf_vendor_item_t   item;
  cf_vendor_record_t r = {
      .issued_s = issued_s, .next_s = issued_s + 30 * DAY, .source = "https://vendor", .part_cnt = two ? 2 : 1};
  cf_span_t parts[] = {one_bytes, of(two)};
  r.part[0].role = one;
  r.part[1].role = two;
  assert_int_equal(cf_vendor_of(&item, TEXT_SPAN(name)), CF_OK);
  assert_int_equal(cf_collateral_put(&dir, &item, &r, parts, NULL), CF_OK);
}

static void keep_all(int64_t issued_s) {
  keep("intel/tcb-info/tdx/a0b0c0d0e0f0", issued_s, CF_ROLE_TCB_INFO, of(CF_ROLE_TCB_INFO), CF_ROLE_TCB_INFO_CHAIN);
  keep("intel/identity/tdx", issued_s, CF_ROLE_QE_IDENTITY, of(CF_ROLE_QE_IDENTITY), CF_ROLE_QE_IDENTITY_CHAIN);
  keep("intel/pck-crl/platform", issued_s, CF_ROLE_PCK_CRL, of(CF_ROLE_PCK_CRL), 0);
  keep("intel/root-crl", issued_s, CF_ROLE_ROOT_CA_CRL, of(CF_ROLE_ROOT_CA_CRL), 0);
}

static cf_verdict_code_t judge(cf_collateral_taken_t const *taken, char item[64]) {
  static cf_facts_t facts;
  cf_verdict_t      v;
  cf_evidence_ask_t ask = quotes_ask(good);
  ask.items = taken->items;
  ask.item_cnt = taken->item_cnt;
  cf_verdict_code_t code = cf_evidence_verify(&facts, &ask, &v);
  memcpy(item, v.item, 64);
  return code;
}

static void test_take(void **state) {
  cf_collateral_taken_t taken;
  cf_evidence_item_t    quote = {CF_ROLE_QUOTE, of(CF_ROLE_QUOTE)};
  char                  item[64];
  (void)state;
  assert_int_equal(cf_collateral_take(&taken, &dir, &quote, 1, good->at_s, NULL), CF_OK); /* nothing is there */
  assert_int_equal(taken.item_cnt, 1);
  assert_int_equal(judge(&taken, item), CF_VERDICT_COLLATERAL_MISSING);
  cf_collateral_taken_free(&taken);
  keep_all(good->at_s - DAY);
  keep_all(good->at_s - DAY); /* again is fine */
  assert_int_equal(cf_collateral_take(&taken, &dir, &quote, 1, good->at_s, NULL), CF_OK);
  assert_int_equal(taken.item_cnt, 7);
  assert_int_equal(judge(&taken, item), CF_VERDICT_OK);
  cf_collateral_taken_free(&taken);
  assert_int_equal(cf_collateral_take(&taken, &dir, &quote, 1, good->at_s - 2 * DAY, NULL), CF_OK); /* not issued by then */
  assert_int_equal(taken.item_cnt, 1);
  cf_collateral_taken_free(&taken);
}

/* Newer answers do not hide older ones from who asks about then; what is given counts before what is kept. */
static void test_as_of(void **state) {
  cf_collateral_taken_t taken;
  cf_evidence_item_t    items[] = {{CF_ROLE_QUOTE, of(CF_ROLE_QUOTE)}, {CF_ROLE_TCB_INFO, CF_SPAN_LIT("mine")}};
  cf_span_t             newer = CF_SPAN_LIT("newer");
  (void)state;
  keep("intel/root-crl", good->at_s - DAY, CF_ROLE_ROOT_CA_CRL, of(CF_ROLE_ROOT_CA_CRL), 0);
  keep("intel/root-crl", good->at_s, CF_ROLE_ROOT_CA_CRL, newer, 0);
  keep("intel/tcb-info/tdx/a0b0c0d0e0f0", good->at_s, CF_ROLE_TCB_INFO, newer, CF_ROLE_TCB_INFO_CHAIN);
  for (int day = 1; day >= 0; day--) {
    assert_int_equal(cf_collateral_take(&taken, &dir, items, 2, good->at_s - day * DAY, NULL), CF_OK);
    size_t seen = 0;
    for (size_t i = 0; i < taken.item_cnt; i++) {
      if (taken.items[i].role == CF_ROLE_ROOT_CA_CRL) assert_int_equal(cf_span_eq(taken.items[i].bytes, newer), day == 0);
      if (taken.items[i].role == CF_ROLE_TCB_INFO) assert_true(cf_span_eq(taken.items[i].bytes, CF_SPAN_LIT("mine")));
      if (taken.items[i].role == CF_ROLE_TCB_INFO_CHAIN) seen++;
    }
    assert_int_equal(seen, day == 0);
    cf_collateral_taken_free(&taken);
  }
}

static void write_all(char const *name, char const *text) { write_file(name, text, strlen(text)); }

static void test_altered(void **state) {
  cf_collateral_taken_t taken;
  cf_evidence_item_t    quote = {CF_ROLE_QUOTE, of(CF_ROLE_QUOTE)};
  cf_vendor_item_t      item = {.kind = CF_VENDOR_ROOT_CRL};
  cf_vendor_record_t    record;
  bool                  found;
  uint8_t              *list;
  size_t                list_sz;
  char                  name[160];
  cf_error_t            err = {0};
  (void)state;
  keep("intel/root-crl", good->at_s, CF_ROLE_ROOT_CA_CRL, CF_SPAN_LIT("list"), 0);
  assert_int_equal(cf_files_list(&list, &list_sz, &dir, S("objects"), 4096, NULL), CF_OK);
  snprintf(name, sizeof name, "objects/%s", (char *)list);
  free(list);
  write_all(name, "tsil");
  assert_int_equal(cf_collateral_take(&taken, &dir, &quote, 1, good->at_s, &err), CF_ERR_AUTH);
  assert_non_null(strstr(err.text, name));
  cf_collateral_taken_free(&taken);
  unlink(tmp_path(name));
  assert_int_equal(cf_collateral_take(&taken, &dir, &quote, 1, good->at_s, NULL), CF_ERR_AUTH);
  cf_collateral_taken_free(&taken);
  assert_int_equal(cf_files_list(&list, &list_sz, &dir, S("items/intel/root-crl"), 4096, NULL), CF_OK);
  snprintf(name, sizeof name, "items/intel/root-crl/%s", (char *)list);
  free(list);
  char later[160];
  snprintf(later, sizeof later, "items/intel/root-crl/9%s", strrchr(name, '/') + 2);
  assert_int_equal(rename(tmp_path(name), tmp_path(later)), 0); /* a date that its record does not bear */
  assert_int_equal(cf_collateral_find(&record, &found, &dir, &item, INT64_MAX, NULL), CF_ERR_AUTH);
  write_all(later, "{}");
  assert_int_equal(cf_collateral_find(&record, &found, &dir, &item, INT64_MAX, NULL), CF_ERR_FORMAT);
  unlink(tmp_path(later));
  write_all("items/intel/root-crl/readme", "not ours");
  assert_int_equal(cf_collateral_find(&record, &found, &dir, &item, INT64_MAX, NULL), CF_OK);
  assert_false(found);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test_setup_teardown(test_take, setup, teardown),
                                     cmocka_unit_test_setup_teardown(test_as_of, setup, teardown),
                                     cmocka_unit_test_setup_teardown(test_altered, setup, teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
