/* SGX and TDX quotes under throw-away keys: a verdict for each thing that may be wrong; every byte of a good case changed, and
   every part of it cut; how much memory a verification takes. */
#include "quotes.h"
#include "support.h"

static quotes_t *quotes;

/* ---- the cases ---- */

static void test_cases(void **state) {
  (void)state;
  static uint32_t codes;
  int             wrong = 0;
  for (size_t i = 0; i < quotes->case_cnt; i++) {
    quote_case_t const *c = &quotes->cases[i];
    cf_evidence_ask_t   ask = quotes_ask(c);
    cf_facts_t          f;
    cf_verdict_t        v;
    cf_verdict_code_t   code = cf_evidence_verify(&f, &ask, &v);
    char const         *status = code ? "" : cf_tcb_status_name(f.of.quote.status);
    codes |= 1u << code;
    if (!strcmp(cf_verdict_name(code), c->verdict) && !strcmp(v.item, c->item) && v.date_s == c->date_s &&
        !strcmp(status, c->status))
      continue;
    print_message("  %s: %s at %s (%lld, %s), not %s at %s (%lld, %s): %s\n", c->name, cf_verdict_name(code), v.item,
                  (long long)v.date_s, status, c->verdict, c->item, (long long)c->date_s, c->status, v.text);
    wrong++;
  }
  print_message("  %zu cases\n", quotes->case_cnt);
  assert_int_equal(wrong, 0);
  assert_int_equal(codes, 1u << CF_VERDICT_OK | 1u << CF_VERDICT_MALFORMED | 1u << CF_VERDICT_UNSUPPORTED |
                              1u << CF_VERDICT_SIGNATURE | 1u << CF_VERDICT_CHAIN | 1u << CF_VERDICT_NOT_YET_VALID |
                              1u << CF_VERDICT_EXPIRED | 1u << CF_VERDICT_REVOKED | 1u << CF_VERDICT_COLLATERAL_MISSING |
                              1u << CF_VERDICT_COLLATERAL_STALE | 1u << CF_VERDICT_TCB | 1u << CF_VERDICT_BINDING);
}

static cf_facts_t good(char const *name) {
  cf_facts_t        f;
  cf_verdict_t      v;
  cf_evidence_ask_t ask = quotes_ask(quotes_find(quotes, name));
  if (cf_evidence_verify(&f, &ask, &v)) fail_msg("%s: %s", name, v.text);
  return f;
}

static void test_facts(void **state) {
  (void)state;
  cf_facts_t f = good("TDX 1.0, version 4");
  assert_false(f.debug || f.unread);
  assert_int_equal(f.platform, CF_PLATFORM_TDX);
  assert_int_equal(f.of.quote.evaluation, 18);
  assert_int_equal(f.valid_until_s, 1780272000 + 27 * 86400); /* the PCK list's end comes first */
  assert_int_equal(f.crl_issued_s, 1780272000 - 30 * 86400);
  assert_int_equal(f.of.quote.advisories.cnt, 0);
  assert_int_equal(f.of.quote.pck.svn[4], 255);
  f = good("second level");
  assert_int_equal(f.of.quote.advisories.cnt, 2); /* rising, whatever their order was */
  assert_span(f.of.quote.advisories.id[0], CF_SPAN_LIT("INTEL-SA-00001"));
  f = good("lists waived, and not there");
  assert_int_equal(f.crl_issued_s, 0);
  assert_true(good("TD in debug mode").debug && good("TD under test").debug && good("enclave in debug mode").debug);
  assert_int_equal(good("bytes behind the quote").of.quote.q.trailing, 70);
}

/* Report data is 0 to 63 in every case. */
static void test_nonce(void **state) {
  (void)state;
  static struct {
    size_t            len;
    uint8_t           first;
    cf_verdict_code_t want;
  } const cases[] = {{64, 0, CF_VERDICT_OK},
                     {64, 1, CF_VERDICT_NONCE},
                     {63, 0, CF_VERDICT_NONCE},
                     {1, 0, CF_VERDICT_NONCE},
                     {65, 0, CF_VERDICT_NONCE}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t           nonce[65];
    cf_facts_t        f;
    cf_verdict_t      v;
    cf_evidence_ask_t ask = quotes_ask(quotes_find(quotes, i & 1 ? "SGX, version 3" : "TDX 1.0, version 4"));
    for (uint8_t k = 0; k < sizeof nonce; k++) nonce[k] = k;
    nonce[0] = cases[i].first;
    ask.nonce = CF_SPAN(nonce, cases[i].len);
    assert_int_equal(cf_evidence_verify(&f, &ask, &v), cases[i].want);
  }
}

/* ---- every byte ---- */

#if defined(__SANITIZE_ADDRESS__)
#define STEP 17
#else
#define STEP 1
#endif

static cf_verdict_code_t verify_with(quote_case_t const *base, size_t i, cf_span_t bytes) {
  cf_facts_t         f;
  cf_verdict_t       v;
  cf_evidence_item_t items[CF_ITEMS_MAX];
  cf_evidence_ask_t  ask = quotes_ask(base);
  memcpy(items, base->items, sizeof items);
  items[i].bytes = bytes;
  ask.items = items;
  cf_verdict_code_t code = cf_evidence_verify(&f, &ask, &v);
  if (code) assert_true(v.item[0] && v.text[0] && v.next);
  return code;
}

/* The one thing that may change: a digit's case in the hex of a document's signature. */
static bool is_only_case(cf_span_t doc, size_t pos, uint8_t was, uint8_t is) {
  return (was ^ is) == 0x20 && pos + 130 >= doc.len && doc.ptr[0] == '{';
}

static void sweep(char const *name, uint8_t mask) {
  static uint8_t copy[CF_QUOTE_MAX];
  quote_case_t  *base = quotes_find(quotes, name);
  for (size_t i = 0; i < base->item_cnt; i++) {
    cf_span_t from = base->items[i].bytes;
    assert_true(from.len <= sizeof copy);
    memcpy(copy, from.ptr, from.len);
    for (size_t pos = 0; pos < from.len; pos += STEP) {
      copy[pos] ^= mask ? mask : (uint8_t)(1u << pos % 8);
      if (!verify_with(base, i, CF_SPAN(copy, from.len)) && !is_only_case(from, pos, from.ptr[pos], copy[pos]))
        fail_msg("%s: %s accepted with byte %zu changed from %#x to %#x", name, cf_role_name(base->items[i].role), pos,
                 from.ptr[pos], copy[pos]);
      copy[pos] = from.ptr[pos];
    }
  }
}

static void test_flips(void **state) {
  (void)state;
  sweep("TDX 1.5, version 5", 0);
}

/* Cut anywhere, it is refused; but the last line of a PEM file may want its end. */
static void test_truncations(void **state) {
  (void)state;
  char const *const names[] = {"TDX 1.5, version 5", "SGX, version 3"};
  for (size_t k = 0; k < 2; k++) {
    quote_case_t *base = quotes_find(quotes, names[k]);
    for (size_t i = 0; i < base->item_cnt; i++) {
      cf_span_t from = base->items[i].bytes;
      for (size_t n = 0; n < from.len; n += STEP)
        if (!verify_with(base, i, CF_SPAN(from.ptr, n)) && !(from.ptr[0] == '-' && n + 1 == from.len))
          fail_msg("%s: %s accepted with %zu of %zu bytes", names[k], cf_role_name(base->items[i].role), n, from.len);
    }
  }
}

/* The same byte in the other's place: items may not be exchanged. */
static void test_exchanged(void **state) {
  (void)state;
  quote_case_t *base = quotes_find(quotes, "TDX 1.0, version 4");
  for (size_t i = 0; i < base->item_cnt; i++)
    for (size_t k = 0; k < base->item_cnt; k++)
      if (!cf_span_eq(base->items[i].bytes, base->items[k].bytes))
        assert_int_not_equal(verify_with(base, i, base->items[k].bytes), CF_VERDICT_OK);
}

/* 10 MB of it is refused at once. */
static void test_large(void **state) {
  (void)state;
  size_t        n = 10 << 20;
  uint8_t      *large = calloc(1, n);
  quote_case_t *base = quotes_find(quotes, "TDX 1.0, version 4");
  assert_non_null(large);
  for (size_t i = 0; i < base->item_cnt; i++) {
    memset(large, '[', n);
    assert_int_not_equal(verify_with(base, i, CF_SPAN(large, n)), CF_VERDICT_OK);
    memset(large, '0', n);
    memcpy(large, base->items[i].bytes.ptr, base->items[i].bytes.len);
    assert_int_not_equal(verify_with(base, i, CF_SPAN(large, n)), CF_VERDICT_OK);
  }
  free(large);
}

/* ---- collateral that was kept ---- */

static void test_kept(void **state) {
  (void)state;
  static cf_quote_collateral_t kept;
  cf_facts_t                   cold, warm;
  cf_verdict_t                 v;
  quote_case_t                *c = quotes_find(quotes, "TDX 1.5, version 5");
  cf_evidence_ask_t            ask = quotes_ask(c), again = {.items = c->items, .item_cnt = 1, .kept = &kept, .at_s = c->at_s};
  assert_int_equal(c->items[0].role, CF_ROLE_QUOTE);
  ask.keep = &kept;
  assert_int_equal(cf_evidence_verify(&cold, &ask, &v), CF_VERDICT_OK);
  assert_int_equal(cf_evidence_verify(&warm, &again, &v), CF_VERDICT_OK);
  assert_int_equal(warm.of.quote.status, cold.of.quote.status);
  assert_hash(warm.collateral, cold.collateral);
  assert_hash(warm.root, cold.root);
  assert_true(warm.valid_until_s == cold.valid_until_s && warm.crl_issued_s == cold.crl_issued_s);
  again.at_s = kept.in.to_s; /* both ends are included */
  assert_int_equal(cf_evidence_verify(&warm, &again, &v), CF_VERDICT_OK);
  again.at_s++;
  assert_int_equal(cf_evidence_verify(&warm, &again, &v), CF_VERDICT_COLLATERAL_STALE);
  assert_int_equal(v.date_s, kept.in.to_s);
  again.at_s = kept.in.from_s - 1;
  assert_int_equal(cf_evidence_verify(&warm, &again, &v), CF_VERDICT_NOT_YET_VALID);
  again.at_s = c->at_s;

  cf_evidence_item_t other = quotes_find(quotes, "second level")->items[0]; /* another PCK certificate */
  again.items = &other;
  assert_int_equal(cf_evidence_verify(&warm, &again, &v), CF_VERDICT_COLLATERAL_MISSING);
  assert_string_equal(v.item, "pck_chain");
  other = quotes_find(quotes, "a byte of the body")->items[0];
  assert_int_equal(cf_evidence_verify(&warm, &again, &v), CF_VERDICT_SIGNATURE);
  other = quotes_find(quotes, "SGX, version 4")->items[0]; /* of the same platform, and its collateral is the other TEE's */
  assert_int_equal(cf_evidence_verify(&warm, &again, &v), CF_VERDICT_COLLATERAL_MISSING);
  assert_string_equal(v.item, "qe_identity");

  quote_case_t const *bad = quotes_find(quotes, "module below every level"); /* after a refusal nothing is kept */
  ask = quotes_ask(bad);
  ask.keep = &kept;
  assert_int_equal(cf_evidence_verify(&cold, &ask, &v), CF_VERDICT_TCB);
  again.items = c->items;
  assert_int_equal(cf_evidence_verify(&warm, &again, &v), CF_VERDICT_NOT_YET_VALID);
}

static int group_setup(void **state) {
  (void)state;
  quotes = quotes_load(CF_SOURCE_DIR "/tests/vectors/evidence/quotes.json");
  return 0;
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_cases), cmocka_unit_test(test_facts),       cmocka_unit_test(test_nonce),
      cmocka_unit_test(test_flips), cmocka_unit_test(test_truncations), cmocka_unit_test(test_exchanged),
      cmocka_unit_test(test_large), cmocka_unit_test(test_kept),
  };
  return cmocka_run_group_tests(tests, group_setup, NULL);
}
