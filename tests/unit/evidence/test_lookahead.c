/* What ends when: nothing that a judgement rests on is left out, and at the first end it says so.  What other collateral changes.
 */
#include "books.h"
#include "quotes.h"

#include "evidence/cf_lookahead.h"

static quotes_t *quotes;

/* The list's first end is the answer's, the second after it is refused for that, and the second itself is not. */
static size_t check_ends(char const *name, cf_evidence_ask_t const *ask, cf_appraisal_t const *policy) {
  static cf_judgement_t judged, last;
  static cf_expiry_t    e;
  cf_evidence_ask_t     then = *ask;
  if (cf_expiry(&e, &judged, ask, policy)) return 0;
  for (size_t i = 1; i < e.dates.cnt; i++) assert_true(e.dates.at[i - 1].to_s <= e.dates.at[i].to_s);
  if (!e.dates.cnt) {
    assert_true(judged.claims.said.valid_until_s == INT64_MAX && !e.ends);
    return 1;
  }
  int64_t end = judged.claims.said.valid_until_s;
  if (policy && judged.until_s < end) end = e.dates.at[0].to_s; /* the result's own end is no date of the evidence */
  if (e.dates.at[0].to_s != end || !e.ends)
    fail_msg("%s: %s ends at %lld, all at %lld", name, e.dates.at[0].item, (long long)e.dates.at[0].to_s, (long long)end);
  if (e.then.date_s != end || e.then_s != end + 1)
    fail_msg("%s: %s ends first; then %s at %s (%lld)", name, e.dates.at[0].item, cf_verdict_name(e.then.code), e.then.item,
             (long long)e.then.date_s);
  then.at_s = end;
  if (cf_judge(&last, &then, policy)) fail_msg("%s: %s at its last second", name, last.v.item);
  return 1;
}

static void test_quotes(void **state) {
  (void)state;
  size_t ok = 0;
  for (size_t i = 0; i < quotes->case_cnt; i++) {
    cf_evidence_ask_t ask = quotes_ask(&quotes->cases[i]);
    ok += check_ends(quotes->cases[i].name, &ask, NULL);
  }
  assert_true(ok > 30);
}

static void test_books(void **state) {
  (void)state;
  static case_t     c;
  char const *const files[] = {"snp.json", "nitro.json", "tpm.json", "cca.json"};
  cf_span_t         none;
  cf_json_t         each;
  for (size_t i = 0; i < CF_COUNT_OF(files); i++) {
    size_t ok = 0;
    book_open(files[i]);
    for (size_t pos = 0; cf_json_each(cf_json_get(book, "cases"), &pos, &none, &each);) {
      case_read(&c, each);
      ok += check_ends(c.name, &c.ask, NULL);
    }
    assert_true(ok > 5);
  }
}

static void test_own(void **state) {
  (void)state;
  bundle_t           b = bundle_load();
  cf_root_t          root = {CF_CLASS_OWNER, b.root};
  cf_evidence_item_t items[] = {{CF_ROLE_EVIDENCE, b.evidence}};
  cf_evidence_ask_t  ask = {.items = items, .item_cnt = 1, .roots = &root, .root_cnt = 1, .domain = b.domain, .at_s = b.at_s};
  assert_int_equal(check_ends("swtpm", &ask, NULL), 1);
  file_forget();
}

/* ---- under a policy ---- */

static cf_appraisal_t lenient(void) {
  return (cf_appraisal_t){.class = CF_APPRAISAL_TEST,
                          .name = CF_SPAN_LIT("own"),
                          .platforms = {CF_SPAN_LIT("tdx"), CF_SPAN_LIT("nitro")},
                          .platforms_cnt = 2,
                          .any_program = 1,
                          .result_max_age_s = 60,
                          .intel = {.statuses = {CF_SPAN_LIT("UpToDate")}, .statuses_cnt = 1}};
}

static void name_root(cf_appraisal_t *p, cf_platform_t platform, cf_hash_t const *root) {
  p->roots_cnt = 1;
  p->roots[0] = (cf_appraisal_root_t){.platform = (uint64_t)platform, .class = CF_CLASS_OWNER};
  memcpy(p->roots[0].root, root->b, 32);
}

static void test_policy_ends(void **state) {
  (void)state;
  static cf_appraisal_t p;
  static cf_judgement_t judged;
  static cf_expiry_t    e;
  static case_t         c;
  quote_case_t const   *q = quotes_find(quotes, "TDX 1.5, version 5");
  cf_evidence_ask_t     ask = quotes_ask(q);
  p = lenient();
  assert_int_equal(cf_judge(&judged, &ask, NULL), CF_VERDICT_OK);
  name_root(&p, CF_PLATFORM_TDX, &judged.claims.said.root);
  assert_int_equal(check_ends("lists", &ask, &p), 1);
  p.collateral_max_age_s = (uint64_t)(ask.at_s - judged.claims.said.crl_issued_s) + 77;
  assert_int_equal(check_ends("lists, aged", &ask, &p), 1);
  assert_int_equal(cf_expiry(&e, &judged, &ask, &p), CF_VERDICT_OK);
  assert_string_equal(e.dates.at[0].item, "policy.crl");
  assert_int_equal(e.then_s, ask.at_s + 78);
  p.any_program = 0;
  p.programs_cnt = 1;
  cf_span_t mrtd = cf_evidence_register(&judged.claims.said, CF_SPAN_LIT("mrtd"));
  p.programs[0] = (cf_appraisal_program_t){.platform = CF_PLATFORM_TDX,
                                           .registers = {{.name = CF_SPAN_LIT("mrtd"), .value = mrtd}},
                                           .registers_cnt = 1,
                                           .until = (uint64_t)ask.at_s + 5};
  assert_int_equal(cf_expiry(&e, &judged, &ask, &p), CF_VERDICT_OK);
  assert_string_equal(e.dates.at[0].item, "policy.measurement");
  assert_int_equal(e.then.code, CF_VERDICT_MEASUREMENT);
  assert_int_equal(check_ends("program", &ask, &p), 1);
  book_open("nitro.json");
  case_find(&c, NULL);
  p = lenient();
  assert_int_equal(cf_judge(&judged, &c.ask, NULL), CF_VERDICT_OK);
  name_root(&p, CF_PLATFORM_NITRO, &judged.claims.said.root);
  p.evidence_max_age_s = (uint64_t)(c.ask.at_s - judged.claims.said.made_s) + 9;
  assert_int_equal(cf_expiry(&e, &judged, &c.ask, &p), CF_VERDICT_OK);
  assert_string_equal(e.dates.at[0].item, "policy.evidence");
  assert_int_equal(check_ends("age", &c.ask, &p), 1);
}

/* What is refused has no end to look forward to, and what was met on the way is there. */
static void test_refused(void **state) {
  (void)state;
  static cf_judgement_t judged;
  static cf_expiry_t    e;
  cf_evidence_ask_t     ask = quotes_ask(quotes_find(quotes, "TDX 1.5, version 5"));
  ask.at_s += 100LL * 365 * 86400;
  assert_int_not_equal(cf_expiry(&e, &judged, &ask, NULL), CF_VERDICT_OK);
  assert_false(e.ends);
  assert_true(e.dates.cnt > 0);
}

/* ---- other collateral ---- */

static char *report(char *buf, size_t max, cf_evidence_ask_t const *ask, cf_json_t *out) {
  static cf_judgement_t judged;
  cf_wr_t               wr = cf_wr_init(buf, max);
  cf_jw_t               j = cf_jw_init(&wr);
  (void)cf_judge(&judged, ask, NULL);
  cf_jw_obj(&j, NULL);
  cf_judgement_report(&j, &judged);
  cf_jw_end(&j, '}');
  assert_int_equal(cf_json_parse(out, cf_wr_out(&wr), NULL), CF_OK);
  return buf;
}

static void assert_changes(cf_json_t was, cf_json_t is, size_t cnt, char const *want) {
  static char text[1 << 16];
  cf_wr_t     wr = cf_wr_init(text, sizeof text);
  cf_jw_t     j = cf_jw_init(&wr);
  assert_int_equal(cf_judgement_changes(&j, NULL, was, is), cnt);
  cf_wr_u8(&wr, 0);
  assert_false(wr.bad);
  assert_string_equal(text, want);
}

static void test_collateral(void **state) {
  (void)state;
  static char         a[CF_JUDGEMENT_MAX], b[CF_JUDGEMENT_MAX];
  quote_case_t        now = *quotes_find(quotes, "TDX 1.0, version 4");
  quote_case_t const *later = quotes_find(quotes, "level OutOfDate");
  cf_evidence_ask_t   ask = quotes_ask(&now);
  cf_json_t           was, is;
  report(a, sizeof a, &ask, &was);
  assert_changes(was, was, 0, "[]");
  for (size_t i = 0; i < now.item_cnt; i++)
    if (now.items[i].role == CF_ROLE_TCB_INFO) now.items[i] = later->items[i];
  report(b, sizeof b, &ask, &is);
  assert_changes(was, is, 2,
                 "[{\"member\":\"tcb_level_status\",\"was\":\"UpToDate\",\"is\":\"OutOfDate\"},"
                 "{\"member\":\"tcb_status\",\"was\":\"UpToDate\",\"is\":\"OutOfDate\"}]");
}

static void test_members(void **state) {
  (void)state;
  cf_json_t was, is;
  assert_int_equal(cf_json_parse(&was, CF_SPAN_LIT("{\"a\":1,\"b\":{\"c\":[1,2],\"d\":null},\"e\":\"x\"}"), NULL), CF_OK);
  assert_int_equal(cf_json_parse(&is, CF_SPAN_LIT("{\"e\":\"x\",\"b\":{\"c\":[2,1],\"f\":true},\"a\":{}}"), NULL), CF_OK);
  assert_changes(was, is, 3,
                 "[{\"member\":\"a\",\"was\":1,\"is\":{}},{\"member\":\"b.c\",\"was\":[1,2],\"is\":[2,1]},"
                 "{\"member\":\"b.f\",\"was\":null,\"is\":true}]");
}

static int group_setup(void **state) {
  (void)state;
  quotes = quotes_load(CF_SOURCE_DIR "/tests/vectors/evidence/quotes.json");
  return 0;
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_quotes),  cmocka_unit_test(test_books),
                                     cmocka_unit_test(test_own),     cmocka_unit_test(test_policy_ends),
                                     cmocka_unit_test(test_refused), cmocka_unit_test(test_collateral),
                                     cmocka_unit_test(test_members)};
  return cmocka_run_group_tests(tests, group_setup, NULL);
}
