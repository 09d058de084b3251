/* libcounterfoil through its public headers alone: the same verdict as the rooms give, for cases of every platform; nothing that is
   handed out borrows what was handed in; questions that make no sense; bundles; threads. */
#include <counterfoil/bundle.h>
#include <counterfoil/policy.h>
#include <pthread.h>
#include <stdlib.h>

#include "../evidence/books.h"
#include "evidence/cf_judgement.h"

static counterfoil_t *lib;

/* What a program was compiled with stays where it was: a member is only ever added at an end. */
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(offsetof(counterfoil_verdict_t, authentic) == 4 && offsetof(counterfoil_verdict_t, name) == 8 &&
                   offsetof(counterfoil_verdict_t, item) == 16 && offsetof(counterfoil_verdict_t, found) == 24 &&
                   offsetof(counterfoil_verdict_t, next) == 32 && offsetof(counterfoil_verdict_t, platform) == 40 &&
                   offsetof(counterfoil_verdict_t, date_s) == 48 && offsetof(counterfoil_verdict_t, until_s) == 56,
               "counterfoil_verdict_t");
_Static_assert(offsetof(counterfoil_ask_t, flags) == 8 && offsetof(counterfoil_ask_t, bank) == 12 && offsetof(counterfoil_ask_t, items) == 16 &&
                   offsetof(counterfoil_ask_t, item_cnt) == 24 && offsetof(counterfoil_ask_t, at_s) == 32 &&
                   offsetof(counterfoil_ask_t, nonce) == 40 && offsetof(counterfoil_ask_t, policy) == 56 && sizeof(counterfoil_ask_t) == 72,
               "counterfoil_ask_t");
_Static_assert(sizeof(counterfoil_bytes_t) == 16 && offsetof(counterfoil_item_t, bytes) == 8 && sizeof(counterfoil_item_t) == 24 &&
                   offsetof(counterfoil_date_t, from_s) == 8 && offsetof(counterfoil_date_t, to_s) == 16 && sizeof(counterfoil_check_t) == 24,
               "counterfoil_item_t, _date_t, _check_t");
#endif

/* What a caller has: copies, to be taken away from under the library. */
typedef struct {
  counterfoil_item_t items[CF_ITEMS_MAX + CF_ROOTS_MAX];
  counterfoil_ask_t  ask;
} asked_t;

static counterfoil_bytes_t copy_of(cf_span_t s) {
  void *p = malloc(s.len ? s.len : 1);
  assert_non_null(p);
  if (s.len) memcpy(p, s.ptr, s.len);
  return (counterfoil_bytes_t){p, s.len};
}

static void asked_make(asked_t *a, case_t const *c) {
  *a = (asked_t){.ask = COUNTERFOIL_ASK};
  a->ask.items = a->items;
  a->ask.at_s = c->ask.at_s;
  a->ask.bank = c->ask.bank;
  a->ask.nonce = copy_of(c->ask.nonce);
  for (size_t i = 0; i < c->ask.item_cnt; i++)
    a->items[a->ask.item_cnt++] = (counterfoil_item_t){cf_role_name(c->items[i].role), copy_of(c->items[i].bytes)};
  for (size_t i = 0; i < c->ask.root_cnt; i++)
    a->items[a->ask.item_cnt++] = (counterfoil_item_t){"trusted_root", copy_of(c->roots[i].der)};
}

static void asked_free(asked_t *a) {
  for (size_t i = 0; i < a->ask.item_cnt; i++) free((void *)(uintptr_t)a->items[i].bytes.ptr);
  free((void *)(uintptr_t)a->ask.nonce.ptr);
}

static counterfoil_bytes_t text_of(char const *s) { return (counterfoil_bytes_t){s, strlen(s)}; }

static void good_nitro(asked_t *a) {
  static case_t c;
  book_open("nitro.json");
  case_find(&c, NULL);
  asked_make(a, &c);
}

/* ---- the same verdict ---- */

static void same(case_t *c) {
  static cf_judgement_t judged;
  asked_t               a;
  char                  text[CF_JUDGEMENT_MAX];
  cf_wr_t               wr = cf_wr_init(text, sizeof text - 1);
  cf_jw_t               j = cf_jw_init(&wr);
  cf_verdict_code_t     want = cf_judge(&judged, &c->ask, NULL);
  cf_jw_obj(&j, NULL);
  cf_judgement_report(&j, &judged);
  cf_jw_end(&j, '}');
  text[wr.len] = 0;
  asked_make(&a, c);
  counterfoil_code_t code = counterfoil_verify(lib, &a.ask);
  asked_free(&a); /* and what it said is still there */
  counterfoil_verdict_t const *v = counterfoil_verdict(lib);
  if ((int)code != (int)want || v->code != code || strcmp(v->item, judged.v.item) || strcmp(counterfoil_report(lib), text))
    fail_msg("%s: %s %s", c->name, v->name, v->item);
  assert_string_equal(v->name, cf_verdict_name(want));
  assert_int_equal(v->authentic, judged.authentic);
  assert_true(code ? v->until_s == 0 && *v->found : v->until_s == judged.until_s && !*v->item);
}

static void test_same_verdicts(void **state) {
  static char const *const files[] = {"snp.json", "nitro.json", "tpm.json", "cca.json"};
  static case_t            c;
  cf_span_t                none;
  cf_json_t                each;
  size_t                   cnt = 0;
  for (size_t i = 0; i < CF_COUNT_OF(files); i++) {
    book_open(files[i]);
    for (size_t pos = 0; cf_json_each(cf_json_get(book, "cases"), &pos, &none, &each); cnt++) {
      if (cnt % 4) continue; /* the rooms' own tests have them all */
      case_read(&c, each);
      bool twice = c.ask.item_cnt + c.ask.root_cnt > CF_ITEMS_MAX;
      for (size_t k = 0; k < c.ask.item_cnt; k++) twice |= !c.items[k].bytes.ptr || c.items[k].role == CF_ROLE_ROOT;
      if (!twice) same(&c);
    }
  }
  assert_true(cnt > 300);
}

/* ---- what is handed out ---- */

static void test_members(void **state) {
  asked_t a;
  good_nitro(&a);
  assert_int_equal(counterfoil_verify(lib, &a.ask), COUNTERFOIL_OK);
  assert_string_equal(counterfoil_member(lib, "platform"), "nitro");
  assert_string_equal(counterfoil_member(lib, "ok"), "true");
  assert_null(counterfoil_member(lib, "platform.name"));
  assert_null(counterfoil_member(lib, "nothing"));
  assert_null(counterfoil_member(lib, ""));
  assert_null(counterfoil_member(lib, "."));
  a.ask.at_s += 1000000000;
  assert_int_equal(counterfoil_verify(lib, &a.ask), COUNTERFOIL_EXPIRED);
  assert_null(counterfoil_member(lib, "platform")); /* claims are not for acting on */
  assert_true(strstr(counterfoil_report(lib), "\"platform\"") != NULL);
  asked_free(&a);
}

static void test_expiry_and_changes(void **state) {
  asked_t a;
  int64_t then_s = 0, first;
  size_t  cnt = 0;
  good_nitro(&a);
  assert_null(counterfoil_date(lib, 0));
  assert_int_equal(counterfoil_expiry(lib, &a.ask), COUNTERFOIL_OK);
  assert_non_null(counterfoil_date(lib, 0));
  first = counterfoil_date(lib, 0)->to_s;
  for (size_t i = 1; counterfoil_date(lib, i); i++) assert_true(counterfoil_date(lib, i)->to_s >= first);
  assert_int_equal(counterfoil_then(lib, &then_s)->code, COUNTERFOIL_EXPIRED);
  assert_int_equal(then_s, first + 1);
  counterfoil_t *then = counterfoil_new();
  a.ask.at_s = then_s;
  assert_int_equal(counterfoil_verify(then, &a.ask), COUNTERFOIL_EXPIRED);
  char const *changes = counterfoil_changes(then, counterfoil_report(lib), &cnt);
  assert_true(cnt > 2 && strstr(changes, "\"member\":\"reason\"") != NULL);
  assert_non_null(counterfoil_changes(then, counterfoil_report(then), &cnt));
  assert_int_equal(cnt, 0);
  assert_null(counterfoil_changes(then, "no report", &cnt));
  assert_null(counterfoil_changes(then, NULL, &cnt));
  assert_null(counterfoil_date(then, 0));
  assert_null(counterfoil_then(then, &then_s));
  counterfoil_free(then);
  asked_free(&a);
}

/* ---- questions ---- */

static void misuse(asked_t *a, char const *item) {
  assert_int_equal(counterfoil_verify(lib, &a->ask), COUNTERFOIL_MISUSE);
  counterfoil_verdict_t const *v = counterfoil_verdict(lib);
  assert_int_equal(v->code, COUNTERFOIL_MISUSE);
  assert_string_equal(v->item, item);
  assert_true(*v->found && !v->authentic);
  assert_string_equal(counterfoil_report(lib), "");
}

static void test_misuse(void **state) {
  asked_t a, good;
  uint8_t longer[sizeof(counterfoil_ask_t) + 8] = {0};
  good_nitro(&good);
#define AS(change, item) a = good, a.ask.items = a.items, change, misuse(&a, item)
  AS(a.ask.size = 0, "ask");
  AS(a.ask.size--, "ask");
  AS(a.ask.flags = 2, "flags");
  AS(a.ask.bank = 0x10000, "bank");
  AS(a.ask.nonce.len = COUNTERFOIL_NONCE_MAX + 1, "nonce");
  AS(a.items[0].role = "documents", "role");
  AS(a.items[0].role = NULL, "role");
  AS(a.items[0].bytes.ptr = NULL, "document");
  AS(a.items[0].bytes.len = COUNTERFOIL_ITEM_MAX + 1, "document");
  AS(a.items[0].role = "evidence", "evidence");
  AS(a.items[1].bytes.len = 0, "trusted_root");
  AS(a.ask.policy = text_of("{}"), "appraisal.version");
  AS(a.ask.policy = text_of("defaults"), "appraisal");
#undef AS
  assert_int_equal(counterfoil_verify(lib, NULL), COUNTERFOIL_MISUSE);
  /* A later version's structure: what it does not use is no matter. */
  a = good, a.ask.items = a.items, a.ask.size = sizeof longer;
  memcpy(longer, &a.ask, sizeof a.ask);
  assert_int_equal(counterfoil_verify(lib, (counterfoil_ask_t const *)(void const *)longer), COUNTERFOIL_OK);
  longer[sizeof longer - 1] = 1;
  assert_int_equal(counterfoil_verify(lib, (counterfoil_ask_t const *)(void const *)longer), COUNTERFOIL_MISUSE);
  /* More than are judged. */
  counterfoil_item_t many[CF_ITEMS_MAX + 1];
  for (size_t i = 0; i < CF_COUNT_OF(many); i++) many[i] = (counterfoil_item_t){"crl", text_of("0")};
  a = good, a.ask.items = many, a.ask.item_cnt = CF_COUNT_OF(many);
  misuse(&a, "crl");
  /* Nothing at all is a question, with an answer. */
  a.ask.item_cnt = 0;
  assert_int_not_equal(counterfoil_verify(lib, &a.ask), COUNTERFOIL_OK);
  asked_free(&good);
}

static void test_codes(void **state) {
  for (int i = 0; i < CF_VERDICT_CNT; i++) assert_string_equal(counterfoil_code_name((counterfoil_code_t)i), cf_verdict_name((cf_verdict_code_t)i));
  assert_string_equal(counterfoil_code_name((counterfoil_code_t)CF_VERDICT_CNT), "unknown");
  assert_string_equal(counterfoil_code_next((counterfoil_code_t)-7), "");
  assert_string_equal(counterfoil_code_name(COUNTERFOIL_MISUSE), "misuse");
  assert_string_equal(counterfoil_version(), COUNTERFOIL_VERSION);
  counterfoil_free(NULL);
}

static void test_matrix(void **state) {
  counterfoil_check_t row;
  cf_check_row_t      checks;
  size_t              i = 0, policy = 0;
  for (; counterfoil_matrix(&row, i); i++) policy += !strcmp(row.platform, "policy"), assert_true(*row.check && *row.what);
  for (size_t k = 0; cf_evidence_matrix(&checks, k); k++) i--;
  assert_true(i == policy && policy > 10);
}

/* ---- policies ---- */

static void test_policy(void **state) {
  asked_t a;
  uint8_t hash[32], again[32];
  good_nitro(&a);
  a.ask.policy = text_of("default");
  assert_int_equal(counterfoil_verify(lib, &a.ask), COUNTERFOIL_TEST_ROOT);
  assert_true(counterfoil_verdict(lib)->authentic);
  assert_int_equal(counterfoil_policy_hash(lib, hash, text_of("default")), COUNTERFOIL_OK);
  char *json = strdup(counterfoil_policy_json(lib, text_of("default")));
  assert_int_equal(counterfoil_policy_check(lib, text_of(json)), COUNTERFOIL_OK);
  assert_int_equal(counterfoil_policy_hash(lib, again, text_of(json)), COUNTERFOIL_OK);
  assert_memory_equal(hash, again, 32);
  assert_null(counterfoil_policy_json(lib, text_of("{\"version\": 1}")));
  assert_int_equal(counterfoil_policy_hash(lib, again, text_of("")), COUNTERFOIL_MISUSE);
  free(json);
  asked_free(&a);
}

/* ---- bundles ---- */

static void test_bundle(void **state) {
  static uint8_t file[1 << 18];
  asked_t        a;
  size_t         sz = 1;
  bool           holds = true;
  uint8_t        record[32], again[32];
  int64_t        at_s = 0;
  good_nitro(&a);
  assert_int_equal(counterfoil_bundle_make(lib, file, 100, &sz, &a.ask), COUNTERFOIL_MISUSE);
  assert_int_equal(sz, 0);
  assert_false(counterfoil_bundle_record(lib, record));
  assert_int_equal(counterfoil_bundle_make(lib, file, sizeof file, &sz, &a.ask), COUNTERFOIL_OK);
  assert_true(sz > 1000 && counterfoil_bundle_record(lib, record));
  asked_free(&a);
  counterfoil_bytes_t bundle = {file, sz}, none = {NULL, 0};
  assert_int_equal(counterfoil_bundle_check(lib, &holds, bundle, none), COUNTERFOIL_OK);
  assert_true(holds && counterfoil_bundle_at(lib, &at_s) && counterfoil_bundle_record(lib, again));
  assert_memory_equal(record, again, 32);
  assert_int_equal(counterfoil_bundle_check(lib, &holds, bundle, text_of("default")), COUNTERFOIL_TEST_ROOT);
  assert_true(holds && counterfoil_verdict(lib)->authentic);
  assert_int_equal(counterfoil_bundle_check(lib, NULL, bundle, text_of("{}")), COUNTERFOIL_MISUSE);
  for (size_t i = 0; i < sz; i += 97) {
    file[i] ^= 0x10;
    assert_int_not_equal(counterfoil_bundle_check(lib, &holds, bundle, none), COUNTERFOIL_OK);
    assert_false(holds || counterfoil_verdict(lib)->authentic || counterfoil_bundle_at(lib, &at_s));
    assert_true(*counterfoil_verdict(lib)->item);
    file[i] ^= 0x10;
  }
  assert_int_equal(counterfoil_bundle_check(lib, &holds, none, none), COUNTERFOIL_MALFORMED);
}

/* ---- threads ---- */

static void *judge_often(void *arg) {
  counterfoil_t *c = counterfoil_new();
  asked_t       *a = arg;
  uintptr_t      wrong = !c;
  for (int i = 0; c && i < 20; i++) wrong += counterfoil_verify(c, &a->ask) != COUNTERFOIL_OK;
  counterfoil_free(c);
  return (void *)wrong; // NOLINT
}

static void test_threads(void **state) {
  pthread_t      t[4];
  pthread_attr_t attr;
  void          *wrong;
  asked_t        a;
  good_nitro(&a);
  assert_true(!pthread_attr_init(&attr) && !pthread_attr_setstacksize(&attr, 512 * 1024)); /* as the header says */
  for (size_t i = 0; i < CF_COUNT_OF(t); i++) assert_int_equal(pthread_create(&t[i], &attr, judge_often, &a), 0);
  for (size_t i = 0; i < CF_COUNT_OF(t); i++) {
    assert_int_equal(pthread_join(t[i], &wrong), 0);
    assert_null(wrong);
  }
  pthread_attr_destroy(&attr);
  asked_free(&a);
}

int main(void) {
  static struct CMUnitTest const tests[] = {cmocka_unit_test(test_same_verdicts), cmocka_unit_test(test_members),
                                            cmocka_unit_test(test_expiry_and_changes), cmocka_unit_test(test_misuse),
                                            cmocka_unit_test(test_codes), cmocka_unit_test(test_matrix), cmocka_unit_test(test_policy),
                                            cmocka_unit_test(test_bundle), cmocka_unit_test(test_threads)};
  lib = counterfoil_new();
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  counterfoil_free(lib);
  return failed;
}
