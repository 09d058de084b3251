/* Every case of the shared vector collection whose platform is spoken: genuine evidence of machines and clouds, forgeries of it,
   and cases made under throw-away roots.  The result must be the expected one, and every member that is
   expected must be reported with its value; of refused evidence, where a platform's claims are not expected, those that are. */
#include <dirent.h>
#include <time.h>

#include "codec/cf_pem.h"
#include "evidence/cf_judgement.h"
#include "support.h"

#define SHARED CF_SOURCE_DIR "/../shared/vectors/"

static struct {
  char const *tee;
  int         cases;  /* at least so many are there */
  bool        claims; /* what refused evidence said up to the refusal is expected as well */
} const tees[] = {
    {"sgx", 31, true}, {"tdx", 56, true}, {"snp", 24, false}, {"nitro", 18, false}, {"tpm", 32, false}, {"cca", 5, false},
};

static char        dir[1024];
static char const *case_name;
static cf_json_t   vector;

/* ---- what is asked ---- */

static int64_t verify_at(void) {
  char      text[32];
  struct tm tm = {0};
  assert_int_equal(cf_json_str(text, sizeof text, cf_json_get(vector, "verify_at")), CF_OK);
  assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm));
  return (int64_t)timegm(&tm);
}

static size_t read_roots(cf_root_t roots[CF_ROOTS_MAX], cf_span_t pem) {
  static uint8_t pool[1 << 16];
  cf_rd_t        rd = cf_rd_span(pem);
  cf_pem_t       block;
  size_t         cnt = 0, used = 0;
  for (; cf_pem_find(&rd, &block, "CERTIFICATE"); cnt++) {
    assert_true(cnt < CF_ROOTS_MAX);
    assert_int_equal(cf_pem_decode(pool + used, sizeof pool - used, &block), CF_OK);
    roots[cnt] = (cf_root_t){CF_CLASS_OWNER, CF_SPAN(pool + used, block.data_sz)};
    used += block.data_sz;
  }
  assert_true(cnt > 0 && !rd.bad);
  return cnt;
}

static void read_items(cf_evidence_ask_t *ask) {
  static cf_evidence_item_t items[CF_ITEMS_MAX];
  static cf_root_t          roots[CF_ROOTS_MAX];
  cf_span_t                 name;
  cf_json_t                 value, files = cf_json_get(vector, "files");
  for (size_t pos = 0; cf_json_each(files, &pos, &name, &value);) {
    char file[64], path[1100];
    assert_int_equal(cf_json_str(file, sizeof file, value), CF_OK);
    snprintf(path, sizeof path, "%s/%s", dir, file);
    cf_role_t role = cf_role_of(name);
    if (role == CF_ROLE_ROOT) {
      ask->root_cnt = read_roots(roots, file_need(path));
    } else if (role) {
      assert_true(ask->item_cnt < CF_ITEMS_MAX);
      items[ask->item_cnt++] = (cf_evidence_item_t){role, file_need(path)};
    }
  }
  ask->items = items;
  ask->roots = roots;
}

static void read_options(cf_evidence_ask_t *ask) {
  static uint8_t nonce[64];
  cf_json_t      options = cf_json_get(vector, "options"), value = cf_json_get(cf_json_get(vector, "input"), "nonce");
  bool           crl = true;
  if (cf_json_get(options, "require_crl").type == CF_JSON_BOOL)
    assert_int_equal(cf_json_bool(&crl, cf_json_get(options, "require_crl")), CF_OK);
  ask->crl_waived = !crl;
  cf_json_t bank = cf_json_get(options, "bank");
  if (bank.type == CF_JSON_STRING)
    ask->bank = cf_span_eq(bank.text, CF_SPAN_LIT("\"sha1\""))     ? CF_TPM_SHA1
                : cf_span_eq(bank.text, CF_SPAN_LIT("\"sha256\"")) ? CF_TPM_SHA256
                                                                   : CF_TPM_SHA384;
  if (value.type != CF_JSON_STRING) return;
  ask->nonce = CF_SPAN(nonce, (value.text.len - 2) / 2);
  assert_true(ask->nonce.len <= sizeof nonce);
  assert_int_equal(cf_json_hex(nonce, ask->nonce.len, value), CF_OK);
}

/* ---- what is answered ---- */

static bool same(cf_json_t a, cf_json_t b) {
  cf_span_t key_a, key_b;
  cf_json_t va, vb;
  size_t    pa = 0, pb = 0, cnt_a = 0, cnt_b = 0;
  if (a.type != b.type) return false;
  if (a.type != CF_JSON_ARRAY && a.type != CF_JSON_OBJECT) return cf_span_eq(a.text, b.text);
  while (cf_json_each(b, &pb, &key_b, &vb)) cnt_b++;
  for (pb = 0; cf_json_each(a, &pa, &key_a, &va); cnt_a++) {
    char key[64];
    snprintf(key, sizeof key, "%.*s", (int)key_a.len, (char const *)key_a.ptr);
    if (a.type == CF_JSON_OBJECT) vb = cf_json_get(b, key);
    else if (!cf_json_each(b, &pb, &key_b, &vb)) return false;
    if (!same(va, vb)) return false;
  }
  return cnt_a == cnt_b;
}

static int compare(cf_json_t expect, cf_json_t got, bool all) {
  cf_span_t key;
  cf_json_t want;
  int       wrong = 0;
  for (size_t pos = 0; cf_json_each(expect, &pos, &key, &want);) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)key.len, (char const *)key.ptr);
    if (!strcmp(name, "result") || !strcmp(name, "stage") || !strcmp(name, "reason")) continue;
    cf_json_t value = cf_json_get(got, name);
    if (value.type == CF_JSON_BAD ? !all : same(want, value)) continue;
    print_message("  %s: %s is %.*s, not %.*s\n", case_name, name, (int)value.text.len, (char const *)value.text.ptr,
                  (int)want.text.len, (char const *)want.text.ptr);
    wrong++;
  }
  return wrong;
}

/* ---- what the default policy says ---- */

static struct {
  char const *name, *verdict, *item, *place;
} const defaults[] = {
    {"phala_v4_uptodate", "ok", "", ""},
    {"signal_v3_tcbinfo_v2_july22", "ok", "", ""},
    {"lunal_v4_live_last_day", "ok", "", ""},
    {"base_2024_public_key", "ok", "", "us-east-1"},
    {"dstack_2025_indefinite", "ok", "", "us-east-1"},
    {"fortanix_2021_debug_nonce", "debug", "debug", "us-west-1"},
    {"dstack_2025_debug", "debug", "debug", "us-east-1"},
    {"trustee_occlum_debug", "debug", "debug", ""},
    {"trustee_v4_debug", "debug", "debug", ""},
    {"gosev_milan_v2_debug", "debug", "debug", ""},
    {"signal_cdsi_2026", "tcb", "tcb", ""},
    {"integritee_test2", "tcb", "tcb", ""},
    {"phala_v3_processor_ca", "tcb", "tcb", ""},
    {"trustee_v4_module03", "tcb", "tcb", ""},
    {"edgeless_v4_2025", "tcb", "tcb", ""},
    {"oasis_v4_no_crl", "collateral-missing", "crl", ""},
    {"alibaba_v5_td15", "policy", "migration", ""},
    {"teekit_azure_v4", "policy", "tdattributes", ""},
    {"ms_turin_v5", "collateral-missing", "crl", ""},
    {"teekit_milan_v5_vmpl1", "policy", "report.vmpl", ""},
    {"syn_ok_v4", "test-root", "root", ""},
    {"intel_sample_certtype1", "test-root", "root", ""},
    {"gcp_ecc_p256_chain", "policy", "platform", "asia-southeast1-b"},
    {"veraison_good", "policy", "platform", ""},
};
static size_t defaults_seen;

static bool appraises_as_default(cf_evidence_ask_t const *ask) {
  static cf_judgement_t judged;
  static cf_appraisal_t policy;
  cf_appraisal_default(&policy);
  cf_verdict_code_t code = cf_judge(&judged, ask, &policy);
  char const       *place = judged.claims.said.place;
  for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
    if (strcmp(defaults[i].name, case_name)) continue;
    defaults_seen++;
    if (judged.authentic && !strcmp(cf_verdict_name(code), defaults[i].verdict) && !strcmp(judged.v.item, defaults[i].item) &&
        !strcmp(place, defaults[i].place))
      continue;
    print_message("  %s: the default policy says %s at %s (%s), in \"%s\"\n", case_name, cf_verdict_name(code), judged.v.item,
                  judged.v.text, place);
    return false;
  }
  return true;
}

/* ---- a policy of its own: each register that is reported, and then each with a bit changed ---- */

static char const *const all_statuses[] = {"UpToDate",
                                           "SWHardeningNeeded",
                                           "ConfigurationNeeded",
                                           "ConfigurationAndSWHardeningNeeded",
                                           "OutOfDate",
                                           "OutOfDateConfigurationNeeded",
                                           "TDRelaunchAdvised"};
static size_t            registers_changed;

static void accept_all(cf_appraisal_t *p, cf_facts_t const *f) {
  char const *platform = cf_platform_name(f->platform);
  *p = (cf_appraisal_t){.class = CF_APPRAISAL_TEST,
                        .platforms = {CF_SPAN(platform, strlen(platform))},
                        .platforms_cnt = 1,
                        .roots = {{.platform = (uint64_t)f->platform, .class = (uint64_t)f->cls}},
                        .roots_cnt = 1,
                        .debug = 1,
                        .any_program = 1,
                        .result_max_age_s = 60,
                        .snp = {.vmpl_max = 3}};
  memcpy(p->roots[0].root, f->root.b, 32);
  for (size_t i = 0; i < CF_COUNT_OF(all_statuses); i++)
    p->intel.statuses[p->intel.statuses_cnt++] = CF_SPAN(all_statuses[i], strlen(all_statuses[i]));
  for (size_t i = 0; f->subject == CF_ROLE_QUOTE && i < f->of.quote.advisories.cnt && i < CF_COUNT_OF(p->intel.advisories); i++)
    p->intel.advisories[p->intel.advisories_cnt++] = f->of.quote.advisories.id[i];
}

static cf_verdict_code_t by_programs(cf_facts_t const *f, cf_appraisal_t *p, int64_t at_s) {
  int64_t      until_s;
  cf_verdict_t v;
  p->any_program = p->programs_cnt ? 0 : 1;
  return cf_appraise_under(&until_s, f, p, NULL, at_s, NULL, &v);
}

static void judge_registers(cf_facts_t const *f, cf_json_t measurements, int64_t at_s) {
  static cf_appraisal_t p;
  static uint8_t        values[32][64];
  cf_span_t             name;
  cf_json_t             value;
  accept_all(&p, f);
  if (f->subject == CF_ROLE_PCRS) return; /* nobody vouches for it */
  if (by_programs(f, &p, at_s)) fail_msg("%s: a policy that takes it does not", case_name);
  cf_appraisal_program_t *m = &p.programs[0];
  *m = (cf_appraisal_program_t){.platform = (uint64_t)f->platform, .until = (uint64_t)at_s};
  for (size_t pos = 0; cf_json_each(measurements, &pos, &name, &value) && m->registers_cnt < CF_COUNT_OF(m->registers);) {
    size_t n = (value.text.len - 2) / 2;
    if (value.type != CF_JSON_STRING) continue;
    assert_true(cf_evidence_has_register(f->platform, name));
    assert_int_equal(cf_json_hex(values[m->registers_cnt], n, value), CF_OK);
    m->registers[m->registers_cnt] = (cf_appraisal_register_t){.name = name, .value = CF_SPAN(values[m->registers_cnt], n)};
    m->registers_cnt++;
  }
  if (!m->registers_cnt) return;
  p.programs_cnt = 1;
  if (by_programs(f, &p, at_s)) fail_msg("%s: its own registers are not its program's", case_name);
  for (size_t i = 0; i < m->registers_cnt; i++) {
    values[i][i % m->registers[i].value.len] ^= 1;
    assert_int_equal(by_programs(f, &p, at_s), CF_VERDICT_MEASUREMENT);
    values[i][i % m->registers[i].value.len] ^= 1;
    registers_changed++;
  }
}

static bool run_case(bool claims) {
  static cf_claims_t found;
  static char        text[1 << 16];
  char               path[1100], result[16];
  cf_verdict_t       v;
  cf_json_t          got;
  snprintf(path, sizeof path, "%s/vector.json", dir);
  vector = json_need(path);
  cf_json_t expect = cf_json_get(vector, "expect");
  assert_int_equal(cf_json_str(result, sizeof result, cf_json_get(expect, "result")), CF_OK);
  cf_evidence_ask_t ask = {.at_s = verify_at()};
  read_items(&ask);
  read_options(&ask);
  cf_verdict_code_t code = cf_evidence_examine(&found, &ask, &v);
  assert_int_equal(code, v.code);
  cf_wr_t wr = cf_wr_init(text, sizeof text);
  cf_jw_t j = cf_jw_init(&wr);
  cf_jw_obj(&j, NULL);
  cf_evidence_report(&j, &found.said);
  cf_jw_end(&j, '}');
  assert_int_equal(cf_json_parse(&got, cf_wr_out(&wr), NULL), CF_OK);
  int wrong = compare(expect, got, claims || code == CF_VERDICT_OK);
  if (!code) judge_registers(&found.said, cf_json_get(got, "measurements"), ask.at_s);
  if ((code == CF_VERDICT_OK) != (strcmp(result, "ok") == 0)) {
    print_message("  %s: %s expected, got %s (%s: %s)\n", case_name, result, cf_verdict_name(code), v.item, v.text);
    wrong++;
  } else if (code) print_message("  %-32s %s (%s: %s)\n", case_name, cf_verdict_name(code), v.item, v.text);
  return wrong == 0 && appraises_as_default(&ask);
}

static void run_tee(char const *tee, int cases, bool claims) {
  struct dirent **entries;
  char            folder[512];
  int             ran = 0, agree = 0;
  snprintf(folder, sizeof folder, SHARED "%s", tee);
  int cnt = scandir(folder, &entries, NULL, alphasort);
  assert_true(cnt >= 0);
  for (int i = 0; i < cnt; i++) {
    case_name = entries[i]->d_name;
    if (case_name[0] == '.') continue;
    snprintf(dir, sizeof dir, "%s/%s", folder, case_name);
    ran++;
    agree += run_case(claims);
    file_forget();
  }
  for (int i = 0; i < cnt; i++) free(entries[i]);
  free(entries);
  print_message("  %s: %d of %d cases agree\n", tee, agree, ran);
  assert_true(ran >= cases);
  assert_int_equal(agree, ran);
}

static void test_all(void **state) {
  (void)state;
  DIR *shared = opendir(SHARED);
  if (!shared) {
    print_message("skipped: the shared vectors are not beside this tree\n");
    skip();
  }
  closedir(shared);
  for (size_t i = 0; i < sizeof tees / sizeof tees[0]; i++) run_tee(tees[i].tee, tees[i].cases, tees[i].claims);
  assert_true(registers_changed > 400);
  assert_int_equal(defaults_seen, sizeof defaults / sizeof defaults[0]);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_all)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
