/* SEV-SNP, Nitro, TPM and CCA under throw-away keys (tests/vectors/evidence/make_*.py): each verdict that they can get, on which
   item; and of one good case each, every byte and every length. */
#include "books.h"

#include "evidence/cf_judgement.h"

static bool is_dated(cf_verdict_code_t code) {
  return code == CF_VERDICT_EXPIRED || code == CF_VERDICT_NOT_YET_VALID || code == CF_VERDICT_COLLATERAL_STALE ||
         code == CF_VERDICT_REVOKED;
}

static uint32_t run_book(char const *file, size_t at_least) {
  static case_t c;
  cf_facts_t    facts;
  cf_verdict_t  v;
  cf_span_t     none;
  cf_json_t     each;
  size_t        cnt = 0, wrong = 0;
  uint32_t      seen = 0;
  book_open(file);
  for (size_t pos = 0; cf_json_each(cf_json_get(book, "cases"), &pos, &none, &each); cnt++) {
    case_read(&c, each);
    cf_verdict_code_t code = cf_evidence_verify(&facts, &c.ask, &v);
    seen |= 1u << code;
    assert_int_equal(code, v.code);
    assert_non_null(v.next);
    assert_int_equal(is_dated(code), v.date_s != 0);
    if (!strcmp(cf_verdict_name(code), c.verdict) && !strcmp(v.item, c.item)) continue;
    print_message("  %s: %s %s expected, got %s %s (%s)\n", c.name, c.verdict, c.item, cf_verdict_name(code), v.item, v.text);
    wrong++;
  }
  print_message("  %s: %zu cases, %zu wrong\n", file, cnt, wrong);
  assert_int_equal(wrong, 0);
  assert_true(cnt >= at_least);
  return seen;
}

#define BIT(verdict) (1u << CF_VERDICT_##verdict)
#define SHARED (BIT(OK) | BIT(MALFORMED) | BIT(UNSUPPORTED) | BIT(SIGNATURE) | BIT(CHAIN) | BIT(NOT_YET_VALID) | BIT(EXPIRED))

static void test_snp(void **state) {
  (void)state;
  uint32_t seen = run_book("snp.json", 100);
  assert_int_equal(seen, SHARED | BIT(REVOKED) | BIT(COLLATERAL_MISSING) | BIT(COLLATERAL_STALE) | BIT(TCB) | BIT(BINDING));
}

static void test_nitro(void **state) {
  (void)state;
  assert_int_equal(run_book("nitro.json", 80), SHARED | BIT(NONCE));
}

static void test_cca(void **state) {
  (void)state;
  uint32_t seen = run_book("cca.json", 80);
  assert_int_equal(seen, BIT(OK) | BIT(MALFORMED) | BIT(UNSUPPORTED) | BIT(SIGNATURE) | BIT(COLLATERAL_MISSING) | BIT(NONCE) |
                             BIT(BINDING));
}

static void test_tpm(void **state) {
  (void)state;
  uint32_t seen = run_book("tpm.json", 60);
  assert_int_equal(seen, BIT(OK) | BIT(MALFORMED) | BIT(UNSUPPORTED) | BIT(SIGNATURE) | BIT(CHAIN) | BIT(EXPIRED) |
                             BIT(COLLATERAL_MISSING) | BIT(BINDING) | BIT(PCR) | BIT(EVENT_LOG));
}

/* ---- every byte, every length ---- */

/* What no signature is over and no check reads.  A key that is known by its public area: of its attributes those that say nothing
   of what it signs.  PCR values: hex digits may be capital letters. */
static bool is_uncovered(cf_role_t role, size_t at, uint8_t was) {
  if (role == CF_ROLE_AK_PUBLIC) return at >= 4 && at < 8;
  return role == CF_ROLE_PCRS && at % 8 == 5 && was >= 'a' && was <= 'f';
}

static bool taken(case_t *c) {
  cf_facts_t   facts;
  cf_verdict_t v;
  return cf_evidence_verify(&facts, &c->ask, &v) == CF_VERDICT_OK;
}

/* Of the first case, one item at a time.  Each copy is as long as it says, so that a sanitizer sees a byte too far. */
static void spoil(char const *file) {
  static case_t c;
  cf_span_t     none;
  cf_json_t     first;
  cf_facts_t    facts;
  cf_verdict_t  v;
  size_t        pos = 0;
  book_open(file);
  assert_true(cf_json_each(cf_json_get(book, "cases"), &pos, &none, &first));
  case_read(&c, first);
  assert_int_equal(cf_evidence_verify(&facts, &c.ask, &v), CF_VERDICT_OK);
  for (size_t i = 0; i < c.ask.item_cnt; i++) {
    cf_span_t      good = c.items[i].bytes;
    static uint8_t copy[1 << 14];
    assert_in_range(good.len, 1, sizeof copy);
    for (size_t n = 1; n <= good.len + 1; n++) {
      uint8_t *exact = calloc(1, n);
      for (size_t k = 0; k < n && k < good.len; k++) exact[k] = good.ptr[k];
      c.items[i].bytes = CF_SPAN(exact, n);
      if (n != good.len && taken(&c)) fail_msg("%s: %s of %zu bytes is taken", file, cf_role_name(c.items[i].role), n);
      free(exact);
    }
    for (size_t k = 0; k < good.len; k++) copy[k] = good.ptr[k];
    c.items[i].bytes = CF_SPAN(copy, good.len);
    for (size_t at = 0; at < good.len; at++) {
      copy[at] ^= (uint8_t)(1u << at % 8);
      if (taken(&c) != is_uncovered(c.items[i].role, at, good.ptr[at]))
        fail_msg("%s: byte %zu of %s", file, at, cf_role_name(c.items[i].role));
      copy[at] ^= (uint8_t)(1u << at % 8);
    }
    c.items[i].bytes = good;
  }
}

static void test_snp_bytes(void **state) {
  (void)state;
  spoil("snp.json");
}

static void test_cca_bytes(void **state) {
  (void)state;
  spoil("cca.json");
}

static void test_tpm_bytes(void **state) {
  (void)state;
  spoil("tpm.json");
}

static void test_nitro_bytes(void **state) {
  (void)state;
  spoil("nitro.json");
}

/* ---- names ---- */

/* A document whose module_id is n control characters, each of which takes six bytes in JSON. */
static cf_span_t named(uint8_t *out, size_t n, cf_span_t doc) {
  static uint8_t const key[] = "\x69module_id";
  uint8_t const       *at = memmem(doc.ptr, doc.len, key, 10), *body = memmem(doc.ptr, doc.len, "\xa0\x59", 2);
  assert_true(at && body && at[10] == 0x78);
  size_t head = (size_t)(at + 10 - doc.ptr), old = 2u + at[11], payload = (size_t)(body[2] << 8 | body[3]) - old + n + 3,
         len = head;
  memcpy(out, doc.ptr, head);
  out[body + 2 - doc.ptr] = (uint8_t)(payload >> 8);
  out[body + 3 - doc.ptr] = (uint8_t)payload;
  out[len++] = 0x79;
  out[len++] = (uint8_t)(n >> 8);
  out[len++] = (uint8_t)n;
  memset(out + len, 1, n);
  len += n;
  memcpy(out + len, at + 10 + old, doc.len - head - old);
  return CF_SPAN(out, len + doc.len - head - old);
}

/* What refused evidence said is reported, whoever made it: its names are bounded, so that the report is. */
static void test_names(void **state) {
  (void)state;
  static case_t         c;
  static uint8_t        doc[1 << 15];
  static cf_judgement_t judged;
  static char           text[CF_JUDGEMENT_MAX];
  book_open("nitro.json");
  case_find(&c, NULL);
  cf_span_t good = c.items[0].bytes;
  assert_int_equal(c.items[0].role, CF_ROLE_DOCUMENT);
  for (size_t n = CF_FOREIGN_NAME_MAX; n < 12000; n += 11743 - CF_FOREIGN_NAME_MAX) {
    cf_wr_t   wr = cf_wr_init(text, sizeof text);
    cf_jw_t   j = cf_jw_init(&wr);
    cf_json_t json;
    c.items[0].bytes = named(doc, n, good);
    (void)cf_judge(&judged, &c.ask, NULL);
    assert_int_equal(judged.v.code, n > CF_FOREIGN_NAME_MAX ? CF_VERDICT_MALFORMED : CF_VERDICT_SIGNATURE);
    cf_jw_obj(&j, NULL);
    cf_judgement_report(&j, &judged);
    cf_jw_end(&j, '}');
    assert_int_equal(cf_json_parse(&json, cf_wr_out(&wr), NULL), CF_OK);
  }
  c.items[0].bytes = named(doc, CF_FOREIGN_NAME_MAX + 1, good);
  assert_int_equal(cf_judge(&judged, &c.ask, NULL), CF_VERDICT_MALFORMED);
}

/* PCR values that nothing signed are over no nonce, whatever was asked. */
static void test_over_no_nonce(void **state) {
  static case_t         c;
  static cf_judgement_t judged;
  book_open("tpm.json");
  case_find(&c, "alone, three banks");
  c.ask.nonce = CF_SPAN_LIT("a challenge");
  assert_int_equal(cf_judge(&judged, &c.ask, NULL), CF_VERDICT_OK);
  assert_false(judged.claims.said.nonce_held);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_snp),       cmocka_unit_test(test_nitro),     cmocka_unit_test(test_cca),
      cmocka_unit_test(test_tpm),       cmocka_unit_test(test_snp_bytes), cmocka_unit_test(test_nitro_bytes),
      cmocka_unit_test(test_cca_bytes), cmocka_unit_test(test_tpm_bytes), cmocka_unit_test(test_names),
      cmocka_unit_test(test_over_no_nonce),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
