/* What the makers publish: names of items, and which of them some evidence needs. */
#include "books.h"
#include "quotes.h"

#include "evidence/cf_vendor.h"

/* ---- names ---- */

#define CHIP64                                                                                                                   \
  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d" \
  "3e3f"
#define ID16 "000102030405060708090a0b0c0d0e0f"

static struct {
  char const *name;
  bool        good;
} const names[] = {
    {"intel/tcb-info/sgx/00906ed50000", true},
    {"intel/tcb-info/tdx/b0c06f000000", true},
    {"intel/tcb-info/tdx/B0C06F000000", false},
    {"intel/tcb-info/tdx/b0c06f0000", false},
    {"intel/tcb-info/snp/b0c06f000000", false},
    {"intel/tcb-info/tdx", false},
    {"intel/tcb-info/tdx/b0c06f000000/", false},
    {"intel/identity/sgx", true},
    {"intel/identity/tdx", true},
    {"intel/identity/", false},
    {"intel/pck-crl/platform", true},
    {"intel/pck-crl/processor", true},
    {"intel/pck-crl/root", false},
    {"intel/root-crl", true},
    {"intel/root-crl/x", false},
    {"intel/pck/" ID16 "-" ID16 "-0d00-0000", true},
    {"intel/pck/" ID16 "-" ID16 "-0d00", false},
    {"intel/pck/" ID16 "-" ID16 "-0d00-0000-", false},
    {"amd/milan/vcek/" CHIP64 "/3-0-8-115", true},
    {"amd/milan/vcek/" CHIP64 "/03-0-8-115", false},
    {"amd/milan/vcek/" CHIP64 "/3-0-8-256", false},
    {"amd/milan/vcek/" CHIP64 "/3-0-8", false},
    {"amd/milan/vcek/" CHIP64 "/3-0-8-115-1", false},
    {"amd/genoa/vcek/" CHIP64 "/255-255-255-255", true},
    {"amd/turin/vcek/0001020304050607/1-2-3-4-5", true},
    {"amd/turin/vcek/" CHIP64 "/1-2-3-4-5", false},
    {"amd/genoa/vcek-chain", true},
    {"amd/genoa/vlek-chain", true},
    {"amd/turin/vcek-crl", true},
    {"amd/milan/vlek-crl", true},
    {"amd/milan/ark", false},
    {"amd/rome/vcek-crl", false},
    {"arm/cpak", false},
    {"", false},
    {"../objects", false},
};

static void test_names(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    cf_vendor_item_t item;
    char             again[CF_VENDOR_NAME_MAX];
    cf_status_t      st = cf_vendor_of(&item, CF_SPAN(names[i].name, strlen(names[i].name)));
    if (st != (names[i].good ? CF_OK : CF_ERR_FORMAT)) fail_msg("%s: %d", names[i].name, st);
    if (!names[i].good) continue;
    cf_vendor_name(again, &item);
    assert_string_equal(again, names[i].name);
  }
}

/* ---- what is wanted ---- */

/* The names, with a blank behind each, of what the items given need. */
static char const *wanted(cf_evidence_item_t const *items, size_t cnt) {
  static char      text[CF_VENDOR_WANTS_MAX * CF_VENDOR_NAME_MAX];
  cf_vendor_item_t wants[CF_VENDOR_WANTS_MAX];
  size_t           want_cnt;
  text[0] = 0;
  cf_vendor_wants(wants, &want_cnt, items, cnt);
  for (size_t i = 0; i < want_cnt; i++) {
    char name[CF_VENDOR_NAME_MAX];
    cf_vendor_name(name, &wants[i]);
    strcat(strcat(text, name), " ");
  }
  return text;
}

static quotes_t *quotes;

/* The quote of a case alone, and what of the roles in more. */
static char const *wanted_of(char const *name, cf_role_t more) {
  quote_case_t      *c = quotes_find(quotes, name);
  cf_evidence_item_t items[CF_ITEMS_MAX];
  size_t             cnt = 0;
  for (size_t i = 0; i < c->item_cnt; i++)
    if (c->items[i].role == CF_ROLE_QUOTE || c->items[i].role == more) items[cnt++] = c->items[i];
  return wanted(items, cnt);
}

#define TWENTY "20202020202020202020202020202020"
#define ONES "01010101010101010101010101010101"
#define FMSPC "a0b0c0d0e0f0"

static void test_quotes(void **state) {
  (void)state;
  quotes = quotes_load(VECTORS "quotes.json");
  assert_string_equal(wanted_of("TDX 1.0, version 4", 0),
                      "intel/identity/tdx intel/root-crl intel/tcb-info/tdx/" FMSPC " intel/pck-crl/platform ");
  assert_string_equal(wanted_of("SGX, version 3", 0),
                      "intel/identity/sgx intel/root-crl intel/tcb-info/sgx/" FMSPC " intel/pck-crl/platform ");
  /* Half of a pair is not enough, and what is there is not asked for. */
  assert_non_null(strstr(wanted_of("SGX, version 3", CF_ROLE_TCB_INFO), "tcb-info"));
  assert_null(strstr(wanted_of("SGX, version 3", CF_ROLE_PCK_CRL), "pck-crl"));
  quote_case_t *c = quotes_find(quotes, "SGX, version 3");
  assert_string_equal(wanted(c->items, c->item_cnt), "");
  /* A quote without a chain asks for its certificate first; with that, for the rest. */
  assert_string_equal(wanted_of("chain apart, certification data of type 1", 0),
                      "intel/identity/tdx intel/root-crl intel/pck/" TWENTY "-" ONES "-0101-0101 ");
  assert_string_equal(wanted_of("chain apart, certification data of type 1", CF_ROLE_PCK_CHAIN),
                      "intel/identity/tdx intel/root-crl intel/tcb-info/tdx/" FMSPC " intel/pck-crl/platform ");
  uint8_t            bad[100] = {3};
  cf_evidence_item_t junk = {CF_ROLE_QUOTE, CF_SPAN_OF(bad)};
  assert_string_equal(wanted(&junk, 1), "");
  free(quotes);
}

static void test_reports(void **state) {
  static case_t c;
  (void)state;
  book_open("snp.json");
  cf_span_t none;
  cf_json_t each;
  size_t    vceks = 0, vleks = 0, old = 0;
  for (size_t pos = 0; cf_json_each(cf_json_get(book, "cases"), &pos, &none, &each);) {
    cf_snp_report_t r;
    case_read(&c, each);
    if (strcmp(c.verdict, "ok")) continue;
    cf_evidence_item_t const *report = NULL, *vek = NULL;
    for (size_t i = 0; i < c.ask.item_cnt; i++) {
      if (c.items[i].role == CF_ROLE_REPORT) report = &c.items[i];
      if (c.items[i].role == CF_ROLE_VEK) vek = &c.items[i];
    }
    if (cf_snp_report_decode(&r, report->bytes, &(cf_error_t){0})) continue; /* in an HCL blob */
    cf_evidence_item_t both[] = {*report, *vek};
    char               chain[32], crl[32];
    cf_snp_product_t   product;
    assert_true(cf_snp_product_of(&product, &r, vek->bytes));
    char const *name = product == CF_SNP_MILAN ? "milan" : product == CF_SNP_GENOA ? "genoa" : "turin";
    snprintf(chain, sizeof chain, "amd/%s/%s-chain ", name, r.signer == CF_SNP_VLEK ? "vlek" : "vcek");
    snprintf(crl, sizeof crl, "amd/%s/%s-crl ", name, r.signer == CF_SNP_VLEK ? "vlek" : "vcek");
    char const *text = wanted(both, 2);
    if (!strstr(text, chain) || !strstr(text, crl) || strstr(text, "/vcek/")) fail_msg("%s: %s", c.name, text);
    text = wanted(report, 1);
    bool masked = true;
    for (size_t i = 0; i < 64; i++) masked &= r.chip_id.ptr[i] == 0;
    bool asks = strstr(text, "/vcek/") != NULL;
    if (asks != (r.signer == CF_SNP_VCEK && !masked)) fail_msg("%s: %s", c.name, text);
    if (r.version == 2 && asks) { /* says nothing of its product */
      assert_non_null(strstr(text, "amd/milan/vcek/"));
      assert_non_null(strstr(text, "amd/genoa/vcek/"));
      assert_null(strstr(text, "chain"));
      old++;
    }
    vceks += asks;
    vleks += r.signer == CF_SNP_VLEK;
  }
  assert_true(vceks && vleks && old);
}

/* ---- records ---- */

#define H1 "00000000000000000000000000000000000000000000000000000000000000aa"
#define RECORD(next, parts)                                                                                                      \
  "{\"issued\":\"2025-05-20T10:12:03Z\"," next "\"fetched\":\"2025-05-21T00:00:00Z\",\"source\":\"https://a\",\"parts\":[" parts \
  "]}"
#define NEXT "\"next\":\"2025-06-19T10:12:03Z\","
#define PART(role) "{\"role\":\"" role "\",\"sha256\":\"" H1 "\"}"

static struct {
  char const *text;
  cf_status_t want;
} const records[] = {
    {RECORD(NEXT, PART("tcb_info") "," PART("tcb_info_chain")), CF_OK},
    {RECORD("", PART("ark")), CF_OK},
    {RECORD("", ""), CF_ERR_FORMAT},
    {RECORD("", PART("ark") "," PART("ask") "," PART("vek")), CF_ERR_FORMAT},
    {RECORD("", PART("owner")), CF_ERR_FORMAT},
    {RECORD(NEXT NEXT, PART("ark")), CF_ERR_FORMAT},
    {RECORD("\"next\":\"never\",", PART("ark")), CF_ERR_FORMAT},
    {" " RECORD("", PART("ark")), CF_ERR_FORMAT},
    {"{}", CF_ERR_FORMAT},
    {"", CF_ERR_FORMAT},
};

static void test_records(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
    cf_vendor_record_t r;
    uint8_t            again[CF_VENDOR_RECORD_MAX];
    cf_wr_t            wr = cf_wr_init(again, sizeof again);
    cf_span_t          in = CF_SPAN(records[i].text, strlen(records[i].text));
    if (cf_vendor_record_read(&r, in, &(cf_error_t){0}) != records[i].want) fail_msg("%s", records[i].text);
    if (records[i].want) continue;
    assert_int_equal(cf_vendor_record_write(&wr, &r), CF_OK);
    assert_span(cf_wr_out(&wr), in);
  }
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_quotes), cmocka_unit_test(test_reports),
                                     cmocka_unit_test(test_records)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
