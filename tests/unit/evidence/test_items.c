/* What is handed in by name: roles, roots, media types, and a wrapper around several of them. */
#include "codec/cf_cbor.h"
#include "codec/cf_pem.h"
#include "books.h"
#include "evidence/cf_items.h"

static cf_items_t s;
static cf_error_t err;

static cf_status_t add(char const *name, cf_span_t bytes) {
  err = (cf_error_t){0};
  return cf_items_add(&s, CF_SPAN(name, strlen(name)), bytes, &err);
}

static void test_names(void **state) {
  s = (cf_items_t){0};
  for (cf_role_t role = CF_ROLE_EVIDENCE; role < CF_ROLE_CNT; role++) {
    if (role == CF_ROLE_ROOT || role == CF_ROLE_CPAK) continue;
    if (s.cnt == CF_ITEMS_MAX) s.cnt = 0;
    assert_int_equal(add(cf_role_name(role), CF_SPAN_LIT("x")), CF_OK);
    assert_int_equal(s.items[s.cnt - 1].role, role);
  }
  s = (cf_items_t){0};
  static char const *const none[] = {"", "quot", "quotes", "QUOTE", "tcb-info", "root", "root-", "evidence "};
  for (size_t i = 0; i < CF_COUNT_OF(none); i++) assert_int_equal(add(none[i], CF_SPAN_LIT("x")), CF_ERR_UNSUPPORTED);
  for (size_t i = 0; i < CF_ITEMS_MAX; i++) assert_int_equal(add("crl", CF_SPAN_LIT("x")), CF_OK);
  assert_int_equal(add("crl", CF_SPAN_LIT("x")), CF_ERR_BOUND);
  assert_int_equal(s.cnt, CF_ITEMS_MAX);
}

static void test_roots(void **state) {
  static char pem[CF_ITEMS_DER_MAX * 2];
  case_t      c;
  book_open("nitro.json");
  case_find(&c, NULL);
  cf_span_t der = c.roots[0].der;
  s = (cf_items_t){0};
  assert_int_equal(add("root-cloud", der), CF_OK);
  assert_true(s.root_cnt == 1 && s.roots[0].cls == CF_CLASS_CLOUD && s.roots[0].der.ptr == der.ptr);
  cf_wr_t wr = cf_wr_init(pem, sizeof pem);
  for (int i = 0; i < 3; i++) cf_pem_encode(&wr, "CERTIFICATE", der);
  assert_int_equal(add("trusted_root", cf_wr_out(&wr)), CF_OK);
  assert_true(s.root_cnt == 4 && s.cnt == 0 && s.roots[3].cls == CF_CLASS_OWNER && cf_span_eq(s.roots[3].der, der));
  /* Neither, or one that breaks off: nothing of it is kept. */
  size_t used_der = s.der_len;
  assert_int_equal(add("trusted_root", CF_SPAN_LIT("")), CF_ERR_FORMAT);
  assert_int_equal(add("trusted_root", CF_SPAN(wr.buf, wr.len - 5)), CF_ERR_FORMAT);
  assert_true(s.root_cnt == 4 && s.der_len == used_der);
  for (wr.len = 0; wr.len < sizeof pem / 2;) cf_pem_encode(&wr, "CERTIFICATE", der);
  assert_int_equal(add("trusted_root", cf_wr_out(&wr)), CF_ERR_BOUND);
  assert_true(s.root_cnt == 4 && s.der_len == used_der);
}

/* ---- wrapped ---- */

static cf_span_t record(cf_wr_t *wr, size_t n, char const *type, cf_span_t bytes) {
  size_t start = wr->len;
  cf_cbor_w_array(wr, n);
  cf_cbor_w_str(wr, type);
  cf_cbor_w_bstr(wr, bytes);
  for (size_t i = 2; i < n; i++) cf_cbor_w_uint(wr, 4);
  return CF_SPAN(wr->buf + start, wr->len - start);
}

static void test_media_types(void **state) {
  char type[CF_MEDIA_TYPE_MAX];
  for (cf_role_t role = CF_ROLE_EVIDENCE; role < CF_ROLE_CNT; role++) {
    cf_media_type(type, role);
    assert_int_equal(cf_items_type_role(CF_SPAN(type, strlen(type))), role == CF_ROLE_ROOT ? 0 : (int)role);
  }
  assert_int_equal(cf_items_type_role(CF_SPAN_LIT("application/aws-nitro-document")), CF_ROLE_DOCUMENT);
  assert_int_equal(cf_items_type_role(CF_SPAN_LIT("application/octet-stream")), 0);
  assert_int_equal(cf_items_type_role(CF_SPAN_LIT("")), 0);
}

static void test_wrapped(void **state) {
  uint8_t            buf[4096], again[4096];
  cf_evidence_item_t items[12];
  cf_wr_t            wr = cf_wr_init(buf, sizeof buf), other = cf_wr_init(again, sizeof again);
  cf_span_t          own = record(&other, 3, CF_TPM_EVIDENCE_TYP, CF_SPAN_LIT("map"));
  for (size_t i = 0; i < CF_COUNT_OF(items); i++) items[i] = (cf_evidence_item_t){i == 3 ? CF_ROLE_EVIDENCE : CF_ROLE_CRL, i == 3 ? own : CF_SPAN_LIT("list")};
  cf_items_cmw(&wr, items, CF_COUNT_OF(items));
  s = (cf_items_t){0};
  assert_int_equal(add("cmw", cf_wr_out(&wr)), CF_OK);
  assert_int_equal(s.cnt, CF_COUNT_OF(items));
  for (size_t i = 0; i < s.cnt; i++) assert_true(s.items[i].role == items[i].role && cf_span_eq(s.items[i].bytes, items[i].bytes));
  /* One alone, with and without its indicator; a collection that says what it is. */
  for (size_t n = 2; n <= 3; n++) {
    wr.len = 0;
    s = (cf_items_t){0};
    assert_int_equal(add("cmw", record(&wr, n, "application/counterfoil-quote", CF_SPAN_LIT("q"))), CF_OK);
    assert_true(s.cnt == 1 && s.items[0].role == CF_ROLE_QUOTE && cf_span_eq(s.items[0].bytes, CF_SPAN_LIT("q")));
  }
  wr.len = 0;
  cf_cbor_w_map(&wr, 2);
  cf_cbor_w_str(&wr, "a");
  record(&wr, 2, "application/pkix-crl", CF_SPAN_LIT("c"));
  cf_cbor_w_str(&wr, "__cmwc_t");
  cf_cbor_w_str(&wr, "tag:somebody");
  s = (cf_items_t){0};
  assert_int_equal(add("cmw", cf_wr_out(&wr)), CF_OK);
  assert_true(s.cnt == 1 && s.items[0].role == CF_ROLE_CRL);
}

static void test_wrapped_badly(void **state) {
  uint8_t   buf[1024];
  cf_wr_t   wr = cf_wr_init(buf, sizeof buf);
  cf_span_t good = record(&wr, 2, "application/counterfoil-quote", CF_SPAN_LIT("q"));
  s = (cf_items_t){0};
  for (size_t n = 0; n < good.len; n++) assert_int_equal(add("cmw", CF_SPAN(good.ptr, n)), CF_ERR_FORMAT);
  assert_int_equal(s.cnt, 0);
  wr.len = 0;
  assert_int_equal(add("cmw", record(&wr, 4, "application/counterfoil-quote", CF_SPAN_LIT("q"))), CF_ERR_FORMAT);
  wr.len = 0;
  assert_int_equal(add("cmw", record(&wr, 2, "application/counterfoil-trusted-root", CF_SPAN_LIT("q"))), CF_ERR_UNSUPPORTED);
  wr.len = 0;
  assert_int_equal(add("cmw", record(&wr, 2, CF_CMW_TYPE, CF_SPAN_LIT("q"))), CF_ERR_FORMAT);
  assert_int_equal(s.cnt, 0);
  wr.len = 0;
  record(&wr, 2, "application/counterfoil-quote", CF_SPAN_LIT("q"));
  cf_wr_u8(&wr, 0);
  s = (cf_items_t){0};
  assert_int_equal(add("cmw", cf_wr_out(&wr)), CF_ERR_FORMAT);
  assert_int_equal(s.cnt, 0);
}

int main(void) {
  static struct CMUnitTest const tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_roots), cmocka_unit_test(test_media_types),
                                            cmocka_unit_test(test_wrapped), cmocka_unit_test(test_wrapped_badly)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
