/* Appraisal policies: the document, in both of its forms and spoilt; and every rule, on evidence of every platform under a policy
   that accepts it, with one thing changed. */
#include "books.h"
#include "quotes.h"

#include "evidence/cf_judgement.h"

static quotes_t *quotes;

/* ---- the document ---- */

static uint8_t room[8 * CF_APPRAISAL_MAX];

static cf_status_t open_text(cf_appraisal_t *out, char const *text, cf_error_t *err) {
  cf_wr_t wr = cf_wr_init(room, sizeof room);
  *err = (cf_error_t){0};
  return cf_appraisal_open(out, &wr, CF_SPAN(text, strlen(text)), err);
}

/* What is printed is read again as the same, and so is its encoding. */
static void assert_both_forms(cf_appraisal_t const *p) {
  static uint8_t        text[8 * CF_APPRAISAL_MAX], first[CF_APPRAISAL_MAX], second[CF_APPRAISAL_MAX];
  static cf_appraisal_t again;
  cf_error_t            err = {0};
  cf_wr_t wr = cf_wr_init(text, sizeof text), a = cf_wr_init(first, sizeof first), b = cf_wr_init(second, sizeof second);
  cf_wr_t from_json = cf_wr_init(room, sizeof room);
  cf_table_print(&wr, &cf_appraisal_table, p);
  cf_hash_t hash = cf_appraisal_hash(&a, p);
  if (cf_appraisal_open(&again, &from_json, cf_wr_out(&wr), &err)) fail_msg("%s: %s", err.item, err.text);
  assert_hash(cf_appraisal_hash(&b, &again), hash);
  assert_span(cf_wr_out(&a), cf_wr_out(&b));
  assert_int_equal(cf_appraisal_open(&again, &from_json, cf_wr_out(&a), &err), CF_OK);
  b.len = 0;
  assert_hash(cf_appraisal_hash(&b, &again), hash);
}

#define HEAD "{\"version\":1,\"name\":\"n\",\"class\":\"test\",\"platforms\":[\"tdx\"],\"result_max_age_s\":60"
#define TAIL "\"intel\":{\"statuses\":[\"UpToDate\"]},\"snp\":{}}"
#define PRODUCTION "{\"version\":1,\"name\":\"n\",\"class\":\"production\",\"platforms\":[\"tdx\"],\"result_max_age_s\":60,"
#define HASH "\"0000000000000000000000000000000000000000000000000000000000000000\""

static void test_text(void **state) {
  (void)state;
  static struct {
    char const *text;
    cf_status_t want;
    char const *item;
  } const cases[] = {
      {HEAD "," TAIL, CF_OK, ""},
      {" \n" HEAD "," TAIL "\n", CF_OK, ""},
      {HEAD ",\"debug\":\"yes\",\"any_program\":\"yes\"," TAIL, CF_OK, ""},
      {HEAD ",\"debug\":1," TAIL, CF_OK, ""},
      {HEAD ",\"debug\":2," TAIL, CF_ERR_BOUND, "appraisal.debug"},
      {HEAD ",\"debug\":0," TAIL, CF_ERR_FORMAT, "appraisal.debug"},
      {HEAD ",\"debug\":\"no\"," TAIL, CF_ERR_FORMAT, "appraisal.debug"},
      {HEAD ",\"debug\":true," TAIL, CF_ERR_FORMAT, "appraisal.debug"},
      {HEAD ",\"debugg\":\"yes\"," TAIL, CF_ERR_FORMAT, "appraisal.debugg"},
      {HEAD ",\"debug\":\"yes\",\"debug\":\"yes\"," TAIL, CF_ERR_FORMAT, NULL},
      {HEAD ",\"nonce\":-1," TAIL, CF_ERR_FORMAT, "appraisal.nonce"},
      {HEAD ",\"jurisdictions\":[]," TAIL, CF_ERR_FORMAT, "appraisal.jurisdictions"},
      {HEAD ",\"jurisdictions\":[\"\"]," TAIL, CF_ERR_BOUND, "appraisal.jurisdictions"},
      {HEAD ",\"jurisdictions\":[\"a\\u0041\"]," TAIL, CF_ERR_FORMAT, "appraisal.jurisdictions"},
      {HEAD ",\"jurisdictions\":[1]," TAIL, CF_ERR_FORMAT, "appraisal.jurisdictions"},
      {HEAD ",\"jurisdictions\":\"eu\"," TAIL, CF_ERR_FORMAT, "appraisal.jurisdictions"},
      {HEAD ",\"roots\":[{\"platform\":\"tdx\",\"root\":" HASH "}]," TAIL, CF_OK, ""},
      {HEAD ",\"roots\":[{\"platform\":\"tdx\",\"root\":\"00\"}]," TAIL, CF_ERR_FORMAT, "appraisal.roots.root"},
      {HEAD ",\"roots\":[{\"platform\":\"tdx\",\"root\":\"0\"}]," TAIL, CF_ERR_FORMAT, "appraisal.roots.root"},
      {HEAD ",\"roots\":[{\"platform\":\"xyz\",\"root\":" HASH "}]," TAIL, CF_ERR_FORMAT, "appraisal.roots.platform"},
      {HEAD ",\"roots\":[{\"platform\":7,\"root\":" HASH "}]," TAIL, CF_ERR_BOUND, "appraisal.roots.platform"},
      {HEAD ",\"roots\":[{\"platform\":\"tdx\"}]," TAIL, CF_ERR_FORMAT, "appraisal.roots.root"},
      {HEAD ",\"roots\":[[]]," TAIL, CF_ERR_FORMAT, "appraisal.roots"},
      {HEAD ",\"programs\":[{\"platform\":\"tdx\",\"registers\":[{\"name\":\"mrtd\",\"value\":\"00\"}],\"until\":9}]," TAIL,
       CF_OK, ""},
      {HEAD ",\"programs\":[{\"platform\":\"tdx\",\"registers\":[{\"name\":\"mrtd\",\"value\":\"\"}],\"until\":9}]," TAIL,
       CF_ERR_BOUND, "appraisal.programs.registers.value"},
      {HEAD ",\"programs\":[{\"platform\":\"tdx\",\"registers\":[],\"until\":9}]," TAIL, CF_ERR_BOUND,
       "appraisal.programs.registers"},
      {HEAD ",\"programs\":[{\"platform\":\"tdx\",\"registers\":[{\"name\":\"mrtd\",\"value\":\"00\"}]}]," TAIL, CF_ERR_FORMAT,
       "appraisal.programs.until"},
      {HEAD ",\"programs\":[{\"platform\":\"sgx\",\"registers\":[{\"name\":\"mrtd\",\"value\":\"00\"}],\"until\":9}]," TAIL,
       CF_ERR_POLICY, "appraisal.programs.registers"},
      {HEAD ",\"any_program\":\"yes\",\"programs\":[{\"platform\":\"tdx\",\"registers\":[{\"name\":\"mrtd\",\"value\":\"00\"}],"
            "\"until\":9}]," TAIL,
       CF_ERR_POLICY, "appraisal.any_program"},
      {HEAD ",\"intel\":{\"statuses\":[\"Uptodate\"]},\"snp\":{}}", CF_ERR_POLICY, "appraisal.intel.statuses"},
      {HEAD ",\"intel\":{\"statuses\":[\"Revoked\"]},\"snp\":{}}", CF_ERR_POLICY, "appraisal.intel.statuses"},
      {HEAD ",\"intel\":{\"statuses\":[\"TDRelaunchAdvisedConfigurationNeeded\"]},\"snp\":{}}", CF_OK, ""},
      {HEAD ",\"intel\":{\"statuses\":[]},\"snp\":{}}", CF_ERR_BOUND, "appraisal.intel.statuses"},
      {HEAD ",\"intel\":{},\"snp\":{}}", CF_ERR_FORMAT, "appraisal.intel.statuses"},
      {HEAD ",\"intel\":{\"statuses\":[\"UpToDate\"]}}", CF_ERR_FORMAT, "appraisal.snp"},
      {HEAD ",\"snp\":{\"vmpl_max\":4},\"intel\":{\"statuses\":[\"UpToDate\"]}}", CF_ERR_BOUND, "appraisal.snp.vmpl_max"},
      {"{\"version\":2,\"name\":\"n\",\"class\":\"test\",\"platforms\":[\"tdx\"],\"result_max_age_s\":60," TAIL, CF_ERR_BOUND,
       "appraisal.version"},
      {"{\"version\":1,\"name\":\"n\",\"class\":\"test\",\"platforms\":[\"tdx9\"],\"result_max_age_s\":60," TAIL, CF_ERR_POLICY,
       "appraisal.platforms"},
      {"{\"version\":1,\"name\":\"n\",\"class\":\"test\",\"platforms\":[],\"result_max_age_s\":60," TAIL, CF_ERR_BOUND,
       "appraisal.platforms"},
      {PRODUCTION TAIL, CF_OK, ""},
      {PRODUCTION "\"debug\":\"yes\"," TAIL, CF_ERR_POLICY, "appraisal.debug"},
      {PRODUCTION "\"roots\":[{\"platform\":\"tpm\",\"class\":\"owner-controlled\",\"root\":" HASH "}]," TAIL, CF_ERR_POLICY,
       "appraisal.roots"},
      {PRODUCTION "\"roots\":[{\"platform\":\"tpm\",\"class\":\"discrete\",\"root\":" HASH "}]," TAIL, CF_OK, ""},
      {"[]", CF_ERR_FORMAT, NULL},
      {"{", CF_ERR_FORMAT, NULL},
      {"", CF_ERR_FORMAT, NULL},
      {HEAD "," TAIL "x", CF_ERR_FORMAT, NULL},
  };
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++) {
    static cf_appraisal_t p;
    cf_error_t            err;
    cf_status_t           st = open_text(&p, cases[i].text, &err);
    if (st != cases[i].want || (cases[i].item && strcmp(err.item, cases[i].item)))
      fail_msg("%s\n  %s at %s (%s)", cases[i].text, cf_status_name(st), err.item, err.text);
    if (!st) assert_both_forms(&p);
  }
}

/* The encoding that another program made of the same text. */
static void test_second_hand(void **state) {
  (void)state;
  char const *const     names[] = {"default", "full"};
  static cf_appraisal_t p, own;
  cf_error_t            err = {0};
  for (size_t i = 0; i < CF_COUNT_OF(names); i++) {
    char path[512];
    snprintf(path, sizeof path, CF_SOURCE_DIR "/tests/fuzz/corpus/fuzz_appraisal/%s", names[i]);
    cf_span_t want = file_need(path);
    snprintf(path, sizeof path, CF_SOURCE_DIR "/tests/fuzz/corpus/fuzz_appraisal/%s.json", names[i]);
    cf_wr_t wr = cf_wr_init(room, sizeof room);
    if (cf_appraisal_open(&p, &wr, file_need(path), &err)) fail_msg("%s: %s", err.item, err.text);
    assert_span(cf_wr_out(&wr), want);
    assert_both_forms(&p);
    if (i) continue;
    cf_appraisal_default(&own);
    wr.len = 0;
    (void)cf_appraisal_hash(&wr, &own);
    assert_span(cf_wr_out(&wr), want);
  }
  file_forget();
}

/* Every byte of an encoding changed, and every length: refused, or read as what it then says. */
static void test_encoding(void **state) {
  (void)state;
  static cf_appraisal_t p, again;
  static uint8_t        good[CF_APPRAISAL_MAX], back[CF_APPRAISAL_MAX];
  cf_wr_t               wr = cf_wr_init(good, sizeof good), spare = cf_wr_init(room, sizeof room);
  cf_appraisal_default(&p);
  assert_both_forms(&p);
  (void)cf_appraisal_hash(&wr, &p);
  for (size_t n = 0; n < wr.len; n++) assert_int_not_equal(cf_appraisal_open(&again, &spare, CF_SPAN(good, n), NULL), CF_OK);
  for (size_t at = 0; at < wr.len * 8; at++) {
    good[at / 8] ^= (uint8_t)(1u << at % 8);
    if (!cf_appraisal_open(&again, &spare, cf_wr_out(&wr), NULL)) {
      cf_wr_t out = cf_wr_init(back, sizeof back);
      (void)cf_appraisal_hash(&out, &again);
      assert_span(cf_wr_out(&out), cf_wr_out(&wr));
    }
    good[at / 8] ^= (uint8_t)(1u << at % 8);
  }
}

/* ---- the rules ---- */

typedef struct {
  cf_facts_t     f;
  cf_appraisal_t p;
  int64_t        at_s;
  uint8_t        body[CF_TD15_REPORT_SZ]; /* of a quote: a copy that may be changed */
} world_t;

/* A policy that accepts these facts, and says of them all that can be said. */
static void accept_all(world_t *w) {
  cf_facts_t const       *f = &w->f;
  cf_appraisal_program_t *m = &w->p.programs[0];
  w->p = (cf_appraisal_t){
      .version = 1,
      .name = CF_SPAN_LIT("own"),
      .class = CF_APPRAISAL_TEST,
      .platforms = {CF_SPAN_LIT("snp"), CF_SPAN(cf_platform_name(f->platform), strlen(cf_platform_name(f->platform)))},
      .platforms_cnt = 2,
      .roots = {{.platform = (uint64_t)f->platform, .class = (uint64_t)f->cls}},
      .roots_cnt = 1,
      .programs_cnt = 1,
      .revocation = f->unlisted ? 0 : 1,
      .collateral_max_age_s = 100 * 86400,
      .evidence_max_age_s = 86400,
      .clock_skew_s = 5,
      .result_max_age_s = 600,
      .intel = {.statuses = {CF_SPAN_LIT("UpToDate")}, .statuses_cnt = 1},
      .snp = {.vmpl_max = 3}};
  memcpy(w->p.roots[0].root, f->root.b, 32);
  *m = (cf_appraisal_program_t){.platform = (uint64_t)f->platform, .until = (uint64_t)w->at_s + 10000};
  static char const *const some[] = {"mrtd",      "rtmr3", "mrservicetd", "mrenclave", "isvprodid", "mrsigner",   "measurement",
                                     "host_data", "pcr0",  "pcr4",        "rim",       "rem3",      "sha256.pcr0"};
  for (size_t i = 0; i < CF_COUNT_OF(some); i++) {
    cf_span_t name = CF_SPAN(some[i], strlen(some[i])), value = cf_evidence_register(f, name);
    if (value.len) m->registers[m->registers_cnt++] = (cf_appraisal_register_t){.name = name, .value = value};
  }
  assert_true(m->registers_cnt > 0);
}

static void load_quote(world_t *w, char const *name) {
  quote_case_t const *c = quotes_find(quotes, name);
  cf_evidence_ask_t   ask = quotes_ask(c);
  cf_verdict_t        v;
  if (cf_evidence_verify(&w->f, &ask, &v)) fail_msg("%s: %s", name, v.text);
  w->at_s = ask.at_s;
  size_t const sizes[] = {0, CF_ENCLAVE_REPORT_SZ, CF_TD_REPORT_SZ, CF_TD15_REPORT_SZ};
  memcpy(w->body, w->f.of.quote.q.body, sizes[w->f.of.quote.q.type]);
  w->f.of.quote.q.body = w->body;
}

static void load_book(world_t *w, char const *file, char const *name) {
  static case_t c;
  cf_verdict_t  v;
  book_open(file);
  case_find(&c, name);
  if (cf_evidence_verify(&w->f, &c.ask, &v)) fail_msg("%s %s: %s", file, c.name, v.text);
  w->at_s = c.ask.at_s;
}

static void load(world_t *w, char const *from) {
  memset(w, 0, sizeof *w);
  if (!strcmp(from, "snp")) load_book(w, "snp.json", NULL);
  else if (!strcmp(from, "snp debug")) load_book(w, "snp.json", "debug is reported, not judged");
  else if (!strcmp(from, "snp listed")) load_book(w, "snp.json", "a list that names another");
  else if (!strcmp(from, "turin")) load_book(w, "snp.json", "Turin");
  else if (!strcmp(from, "nitro")) load_book(w, "nitro.json", NULL);
  else if (!strcmp(from, "nitro debug")) load_book(w, "nitro.json", "debug is reported, not judged");
  else if (!strcmp(from, "nitro nonce")) load_book(w, "nitro.json", "the nonce");
  else if (!strcmp(from, "cca")) load_book(w, "cca.json", NULL);
  else if (!strcmp(from, "cca debug")) load_book(w, "cca.json", "a lifecycle that is not secured is reported, not judged");
  else if (!strcmp(from, "tpm chain")) load_book(w, "tpm.json", "a chain in PEM");
  else if (!strcmp(from, "tpm key")) load_book(w, "tpm.json", NULL);
  else if (!strcmp(from, "tpm log")) load_book(w, "tpm.json", "alone, three banks");
  else load_quote(w, from);
}

#define CHANGE(name, ...)                                                                                                        \
  static void name(world_t *w) { __VA_ARGS__; }
CHANGE(as_it_is, (void)w)
CHANGE(other_platform, w->p.platforms_cnt = 1)
CHANGE(other_root, w->p.roots[0].root[31] ^= 1)
CHANGE(root_of_other_platform, w->p.roots[0].platform ^= 1)
CHANGE(other_class, w->p.roots[0].class = CF_CLASS_FIRMWARE)
CHANGE(no_roots, w->p.roots_cnt = 0)
CHANGE(makers_alone, w->p.roots_cnt = 0; w->p.maker_roots = 1)
CHANGE(is_makers, makers_alone(w); w->f.maker_root = true)
CHANGE(makers_not_wanted, w->p.roots_cnt = 0; w->f.maker_root = true)
CHANGE(in_production, w->p.class = CF_APPRAISAL_PRODUCTION)
CHANGE(cloud_in_production, in_production(w); w->f.cls = CF_CLASS_CLOUD; w->p.roots[0].class = CF_CLASS_CLOUD)
CHANGE(discrete, w->f.cls = CF_CLASS_DISCRETE; w->p.roots[0].class = CF_CLASS_DISCRETE)
CHANGE(discrete_accepted, discrete(w); w->p.accept_discrete = 1)
CHANGE(debug_taken, w->p.debug = 1)
CHANGE(other_register, w->p.programs[0].registers[w->p.programs[0].registers_cnt - 1].value.len--)
CHANGE(no_such_register, w->p.programs[0].registers[0].name = CF_SPAN_LIT("rtmr9"))
CHANGE(empty_register, w->p.programs[0].registers[0] = (cf_appraisal_register_t){.name = CF_SPAN_LIT("rtmr9")})
CHANGE(no_registers, w->p.programs[0].registers_cnt = 0)
CHANGE(no_programs, w->p.programs_cnt = 0)
CHANGE(any_program, no_programs(w); w->p.any_program = 1)
CHANGE(program_of_other_platform, w->p.programs[0].platform ^= 1)
CHANGE(second_program, w->p.programs[1] = w->p.programs[0]; w->p.programs_cnt = 2; program_of_other_platform(w))
CHANGE(program_ended, w->p.programs[0].until = (uint64_t)w->at_s - 1)
CHANGE(program_ends, w->p.programs[0].until = (uint64_t)w->at_s)
CHANGE(ended_and_not, second_program(w); w->p.programs[0] = w->p.programs[1]; w->p.programs[0].until = 1)
CHANGE(svn_reached, w->p.programs[0].svn_min = 1)
CHANGE(svn_missed, w->p.programs[0].svn_min = UINT32_MAX)
CHANGE(nonce_wanted, w->p.nonce = 1)
CHANGE(just_too_old, w->p.evidence_max_age_s = 1; w->at_s = w->f.made_s + 2)
CHANGE(just_young_enough, w->p.evidence_max_age_s = 1; w->at_s = w->f.made_s + 1)
CHANGE(age_not_asked, w->p.evidence_max_age_s = 0; w->at_s = w->f.made_s + 2 * 86400; w->p.programs[0].until += 3 * 86400)
CHANGE(of_later, w->at_s = w->f.made_s - 6)
CHANGE(within_skew, w->at_s = w->f.made_s - 5)
CHANGE(lists_wanted, w->p.revocation = 1)
CHANGE(lists_old, w->p.collateral_max_age_s = (uint64_t)(w->at_s - w->f.crl_issued_s) - 1)
CHANGE(lists_nearly_old, w->p.collateral_max_age_s = (uint64_t)(w->at_s - w->f.crl_issued_s))
CHANGE(age_of_lists_not_asked, w->p.collateral_max_age_s = 0; w->f.crl_issued_s = 1)
CHANGE(info_old, w->f.collateral_issued_s = w->at_s - 100 * 86400 - 1)
CHANGE(info_nearly_old, w->f.collateral_issued_s = w->at_s - 100 * 86400 + 7)
CHANGE(no_place, w->p.jurisdictions[0] = CF_SPAN_LIT("eu"); w->p.jurisdictions_cnt = 1; w->f.place[0] = 0)
CHANGE(other_place, no_place(w); memcpy(w->f.place, "us-east-1", 10))
CHANGE(similar_place, no_place(w); memcpy(w->f.place, "europe", 7))
CHANGE(its_place, no_place(w); memcpy(w->f.place, "eu", 3))
CHANGE(inside_place, no_place(w); memcpy(w->f.place, "eu-west-1", 10))
CHANGE(second_place, other_place(w); w->p.jurisdictions[w->p.jurisdictions_cnt++] = CF_SPAN_LIT("us-east-1"))
/* Intel */
CHANGE(tolerate_status, w->p.intel.statuses[1] = CF_SPAN_LIT("OutOfDate"); w->p.intel.statuses_cnt = 2)
CHANGE(tolerate_one, tolerate_status(w); w->p.intel.advisories[0] = w->f.of.quote.advisories.id[0]; w->p.intel.advisories_cnt = 1)
CHANGE(tolerate_all, tolerate_one(w); w->p.intel.advisories[1] = w->f.of.quote.advisories.id[1]; w->p.intel.advisories_cnt = 2)
CHANGE(tolerate_advisories, tolerate_all(w); w->p.intel.statuses_cnt = 1)
CHANGE(level_later, w->p.intel.tcb_date_min = (1ULL << 40))
CHANGE(level_early_enough, w->p.intel.tcb_date_min = 1)
CHANGE(evaluation_reached, w->p.intel.evaluation_min = w->f.of.quote.evaluation)
CHANGE(evaluation_missed, w->p.intel.evaluation_min = w->f.of.quote.evaluation + 1)
CHANGE(ve_wanted, w->p.intel.sept_ve_disable = 1; w->body[CF_TD_TDATTRIBUTES + 3] &= 0xef)
CHANGE(ve_wanted_and_set, w->p.intel.sept_ve_disable = 1; w->body[CF_TD_TDATTRIBUTES + 3] |= 0x10)
CHANGE(migratable, w->body[CF_TD_TDATTRIBUTES + 3] |= 0x20)
CHANGE(migratable_taken, migratable(w); debug_taken(w))
CHANGE(service_td, w->body[CF_TD_MRSERVICETD + 47] = 1; w->p.programs[0].registers_cnt--)
/* AMD */
CHANGE(migration_agent, w->f.of.snp.facts.report.policy |= CF_SNP_POLICY_MIGRATE)
CHANGE(vmpl, w->f.of.snp.facts.report.vmpl = 4)
CHANGE(vmpl_of_host, w->f.of.snp.facts.report.vmpl = 0xffffffff)
CHANGE(alias, w->p.snp.alias_check = 1; w->f.of.snp.facts.report.platform_info &= ~CF_SNP_INFO_ALIAS_CHECK)
CHANGE(alias_checked, alias(w); w->f.of.snp.facts.report.platform_info |= CF_SNP_INFO_ALIAS_CHECK)
CHANGE(smt, w->p.snp.no_smt = 1; w->f.of.snp.facts.report.platform_info |= 1; w->f.of.snp.facts.report.policy &= ~(1ULL << 16))
CHANGE(smt_allowed, smt(w); w->f.of.snp.facts.report.platform_info &= ~1ULL; w->f.of.snp.facts.report.policy |= 1ULL << 16)
CHANGE(no_smt, smt_allowed(w); w->f.of.snp.facts.report.policy &= ~(1ULL << 16))
static cf_appraisal_snp_tcb_t *min_of(world_t *w) {
  cf_snp_facts_t const *f = &w->f.of.snp.facts;
  cf_snp_tcb_t const   *t = &f->reported;
  w->f.of.snp.facts.committed = w->f.of.snp.facts.launch = *t;
  w->p.snp.tcb_min_cnt = 1;
  w->p.snp.tcb_min[0] = (cf_appraisal_snp_tcb_t){
      .product = (uint64_t)f->product + 1, .fmc = t->fmc, .bl = t->bl, .tee = t->tee, .snp = t->snp, .ucode = t->ucode};
  return &w->p.snp.tcb_min[0];
}
CHANGE(tcb_reached, min_of(w))
CHANGE(tcb_of_other_product, min_of(w)->product = 3)
CHANGE(short_bl, min_of(w)->bl++)
CHANGE(short_tee, min_of(w)->tee++)
CHANGE(short_snp, min_of(w)->snp++)
CHANGE(short_ucode, min_of(w)->ucode++)
CHANGE(short_fmc, min_of(w)->fmc++)
CHANGE(short_committed, min_of(w); w->f.of.snp.facts.committed.snp--)
CHANGE(short_launch, min_of(w); w->f.of.snp.facts.launch.snp--)

#define TD "TDX 1.5, version 5"
#define SGX "SGX, version 3"

static void test_rules(void **state) {
  (void)state;
  enum { ANY = -1, NONE = 0 };
  static struct {
    char const *from;
    void (*change)(world_t *w);
    cf_verdict_code_t want;
    char const       *item;
    int64_t           until; /* of ok, from T; -1: not looked at */
  } const cases[] = {
      {TD, as_it_is, CF_VERDICT_OK, "", 600},
      {SGX, as_it_is, CF_VERDICT_OK, "", 600},
      {"snp", as_it_is, CF_VERDICT_OK, "", 600},
      {"nitro", as_it_is, CF_VERDICT_OK, "", ANY},
      {"cca", as_it_is, CF_VERDICT_OK, "", 600},
      {"tpm chain", as_it_is, CF_VERDICT_OK, "", 600},
      {"tpm key", as_it_is, CF_VERDICT_OK, "", 600},
      {TD, other_platform, CF_VERDICT_POLICY, "platform", 0},
      {"tpm chain", other_platform, CF_VERDICT_POLICY, "platform", 0},
      {TD, other_root, CF_VERDICT_POLICY, "root", 0},
      {"cca", other_root, CF_VERDICT_POLICY, "root", 0},
      {"tpm key", other_root, CF_VERDICT_POLICY, "root", 0},
      {"tpm chain", root_of_other_platform, CF_VERDICT_POLICY, "root", 0},
      {"nitro", other_class, CF_VERDICT_POLICY, "root", 0},
      {"snp", no_roots, CF_VERDICT_POLICY, "root", 0},
      {"snp", makers_alone, CF_VERDICT_POLICY, "root", 0},
      {"snp", is_makers, CF_VERDICT_OK, "", 600},
      {"snp", makers_not_wanted, CF_VERDICT_POLICY, "root", 0},
      {TD, in_production, CF_VERDICT_TEST_ROOT, "root", 0},
      {"snp", in_production, CF_VERDICT_TEST_ROOT, "root", 0},
      {"nitro", in_production, CF_VERDICT_TEST_ROOT, "root", 0},
      {"tpm chain", in_production, CF_VERDICT_TEST_ROOT, "root", 0},
      {"tpm chain", cloud_in_production, CF_VERDICT_OK, "", 600},
      {"tpm chain", discrete, CF_VERDICT_POLICY, "accept_discrete", 0},
      {"tpm chain", discrete_accepted, CF_VERDICT_OK, "", 600},
      {"TD in debug mode", as_it_is, CF_VERDICT_DEBUG, "debug", 0},
      {"TD under test", as_it_is, CF_VERDICT_DEBUG, "debug", 0},
      {"enclave in debug mode", as_it_is, CF_VERDICT_DEBUG, "debug", 0},
      {"enclave in debug mode", debug_taken, CF_VERDICT_OK, "", 600},
      {"snp debug", as_it_is, CF_VERDICT_DEBUG, "debug", 0},
      {"nitro debug", as_it_is, CF_VERDICT_DEBUG, "debug", 0},
      {"cca debug", as_it_is, CF_VERDICT_DEBUG, "debug", 0},
      {"cca debug", debug_taken, CF_VERDICT_OK, "", 600},
      {TD, other_register, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {SGX, other_register, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {"snp", other_register, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {"nitro", other_register, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {"cca", other_register, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {"tpm chain", other_register, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {TD, no_such_register, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {TD, empty_register, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {TD, no_registers, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {TD, no_programs, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {TD, any_program, CF_VERDICT_OK, "", 600},
      {TD, program_of_other_platform, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {TD, second_program, CF_VERDICT_OK, "", 600},
      {TD, program_ended, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {TD, program_ends, CF_VERDICT_OK, "", 0},
      {TD, ended_and_not, CF_VERDICT_OK, "", 600},
      {SGX, svn_reached, CF_VERDICT_OK, "", 600},
      {SGX, svn_missed, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {"snp", svn_missed, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {TD, svn_reached, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {"nitro", nonce_wanted, CF_VERDICT_NONCE, "nonce", 0},
      {"nitro nonce", nonce_wanted, CF_VERDICT_OK, "", ANY},
      {"nitro", just_too_old, CF_VERDICT_EXPIRED, "evidence", 0},
      {"nitro", just_young_enough, CF_VERDICT_OK, "", 0},
      {"nitro", age_not_asked, CF_VERDICT_OK, "", ANY},
      {"nitro", of_later, CF_VERDICT_NOT_YET_VALID, "evidence", 0},
      {"nitro", within_skew, CF_VERDICT_OK, "", ANY},
      {"lists waived, and not there", lists_wanted, CF_VERDICT_COLLATERAL_MISSING, "crl", 0},
      {"lists waived, and not there", as_it_is, CF_VERDICT_OK, "", 600},
      {"snp", lists_wanted, CF_VERDICT_COLLATERAL_MISSING, "crl", 0},
      {"snp listed", lists_wanted, CF_VERDICT_OK, "", ANY},
      {TD, lists_old, CF_VERDICT_COLLATERAL_STALE, "crl", 0},
      {TD, lists_nearly_old, CF_VERDICT_OK, "", 0},
      {TD, age_of_lists_not_asked, CF_VERDICT_OK, "", 600},
      {TD, info_old, CF_VERDICT_COLLATERAL_STALE, "tcb_info", 0},
      {TD, info_nearly_old, CF_VERDICT_OK, "", 7},
      {"nitro", no_place, CF_VERDICT_JURISDICTION, "place", 0},
      {TD, no_place, CF_VERDICT_JURISDICTION, "place", 0},
      {"nitro", other_place, CF_VERDICT_JURISDICTION, "place", 0},
      {"nitro", similar_place, CF_VERDICT_JURISDICTION, "place", 0},
      {"nitro", its_place, CF_VERDICT_OK, "", ANY},
      {"tpm chain", inside_place, CF_VERDICT_OK, "", ANY},
      {"nitro", second_place, CF_VERDICT_OK, "", ANY},
      {"level SWHardeningNeeded", as_it_is, CF_VERDICT_TCB, "tcb", 0},
      {"level ConfigurationNeeded", as_it_is, CF_VERDICT_TCB, "tcb", 0},
      {"relaunch advised", as_it_is, CF_VERDICT_TCB, "tcb", 0},
      {"module out of date", as_it_is, CF_VERDICT_TCB, "tcb", 0},
      {"quoting enclave out of date", as_it_is, CF_VERDICT_TCB, "tcb", 0},
      {"second level", as_it_is, CF_VERDICT_TCB, "tcb", 0},
      {"second level", tolerate_status, CF_VERDICT_TCB, "tcb", 0},
      {"second level", tolerate_one, CF_VERDICT_TCB, "tcb", 0},
      {"second level", tolerate_all, CF_VERDICT_OK, "", 600},
      {"second level", tolerate_advisories, CF_VERDICT_TCB, "tcb", 0},
      {TD, level_later, CF_VERDICT_TCB, "tcb.date", 0},
      {TD, level_early_enough, CF_VERDICT_OK, "", 600},
      {TD, evaluation_missed, CF_VERDICT_COLLATERAL_STALE, "tcb_info", 0},
      {SGX, evaluation_reached, CF_VERDICT_OK, "", 600},
      {TD, ve_wanted, CF_VERDICT_POLICY, "tdattributes", 0},
      {TD, ve_wanted_and_set, CF_VERDICT_OK, "", 600},
      {SGX, ve_wanted_and_set, CF_VERDICT_OK, "", 600},
      {TD, migratable, CF_VERDICT_POLICY, "migration", 0},
      {TD, migratable_taken, CF_VERDICT_OK, "", 600},
      {TD, service_td, CF_VERDICT_POLICY, "migration", 0},
      {"snp", migration_agent, CF_VERDICT_POLICY, "migration", 0},
      {"snp", vmpl, CF_VERDICT_POLICY, "report.vmpl", 0},
      {"snp", vmpl_of_host, CF_VERDICT_POLICY, "report.vmpl", 0},
      {"snp", alias, CF_VERDICT_POLICY, "platform_info", 0},
      {"snp", alias_checked, CF_VERDICT_OK, "", 600},
      {"snp", smt, CF_VERDICT_POLICY, "platform_info", 0},
      {"snp", smt_allowed, CF_VERDICT_POLICY, "platform_info", 0},
      {"snp", no_smt, CF_VERDICT_OK, "", 600},
      {"snp", tcb_reached, CF_VERDICT_OK, "", 600},
      {"snp", tcb_of_other_product, CF_VERDICT_TCB, "tcb_min", 0},
      {"snp", short_bl, CF_VERDICT_TCB, "reported_tcb", 0},
      {"snp", short_tee, CF_VERDICT_TCB, "reported_tcb", 0},
      {"snp", short_snp, CF_VERDICT_TCB, "reported_tcb", 0},
      {"snp", short_ucode, CF_VERDICT_TCB, "reported_tcb", 0},
      {"turin", short_fmc, CF_VERDICT_TCB, "reported_tcb", 0},
      {"snp", short_committed, CF_VERDICT_TCB, "committed_tcb", 0},
      {"snp", short_launch, CF_VERDICT_TCB, "launch_tcb", 0},
  };
  int wrong = 0;
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++) {
    static world_t w;
    cf_verdict_t   v;
    int64_t        until = -1;
    load(&w, cases[i].from);
    accept_all(&w);
    cases[i].change(&w);
    cf_verdict_code_t code = cf_appraise_under(&until, &w.f, &w.p, NULL, w.at_s, NULL, &v);
    assert_int_equal(code, v.code);
    assert_non_null(v.next);
    if (code == cases[i].want && !strcmp(v.item, cases[i].item) &&
        (code || cases[i].until == ANY || until - w.at_s == cases[i].until))
      continue;
    print_message("  %zu, %s: %s at %s (%s), until T + %lld\n", i, cases[i].from, cf_verdict_name(code), v.item, v.text,
                  (long long)(until - w.at_s));
    wrong++;
  }
  assert_int_equal(wrong, 0);
}

/* A log beside PCR values that somebody read proves nothing of a machine. */
static void test_nobody_vouches(void **state) {
  (void)state;
  static world_t w;
  cf_verdict_t   v;
  int64_t        until;
  load(&w, "tpm log");
  w.p = (cf_appraisal_t){
      .class = CF_APPRAISAL_TEST, .platforms = {CF_SPAN_LIT("tpm")}, .platforms_cnt = 1, .any_program = 1, .roots_cnt = 1};
  w.p.roots[0].platform = CF_PLATFORM_TPM;
  assert_int_equal(cf_appraise_under(&until, &w.f, &w.p, NULL, w.at_s, NULL, &v), CF_VERDICT_POLICY);
  assert_string_equal(v.item, "root");
}

/* A refusal says which register is another, and what it is. */
static void test_which_register(void **state) {
  (void)state;
  static world_t w;
  cf_verdict_t   v;
  int64_t        until;
  load(&w, "snp");
  accept_all(&w);
  uint8_t const   other[48] = {0xab, 0xcd};
  cf_span_t const is = cf_evidence_register(&w.f, CF_SPAN_LIT("host_data"));
  char            hex[24], want[192];
  w.p.programs[0].registers[1].value = CF_SPAN(other, 32);
  assert_int_equal(cf_appraise_under(&until, &w.f, &w.p, NULL, w.at_s, NULL, &v), CF_VERDICT_MEASUREMENT);
  cf_hex_encode(hex, CF_SPAN(is.ptr, 8));
  snprintf(want, sizeof want, "host_data is %s; policy names abcd000000000000 (of 1 programs the first)", hex);
  assert_string_equal(v.text, want);
  w.p.programs[0].registers[1].name = CF_SPAN_LIT("pcr0");
  assert_int_equal(cf_appraise_under(&until, &w.f, &w.p, NULL, w.at_s, NULL, &v), CF_VERDICT_MEASUREMENT);
  assert_string_equal(v.text, "pcr0 is not there; policy names abcd000000000000 (of 1 programs the first)");
}

/* Counterfoil's own evidence needs a domain's statements. */
static void test_own(void **state) {
  (void)state;
  static world_t     w;
  cf_verdict_t       v;
  int64_t            until;
  bundle_t           b = bundle_load();
  cf_root_t          root = {CF_CLASS_OWNER, b.root};
  cf_evidence_item_t items[] = {{CF_ROLE_EVIDENCE, b.evidence}};
  cf_evidence_ask_t  ask = {.items = items, .item_cnt = 1, .roots = &root, .root_cnt = 1, .domain = b.domain, .at_s = b.at_s};
  assert_int_equal(cf_evidence_verify(&w.f, &ask, &v), CF_VERDICT_OK);
  w.at_s = b.at_s;
  w.p = (cf_appraisal_t){.class = CF_APPRAISAL_TEST,
                         .platforms = {CF_SPAN_LIT("tpm")},
                         .platforms_cnt = 1,
                         .any_program = 1,
                         .roots = {{.platform = CF_PLATFORM_TPM, .class = CF_CLASS_OWNER}},
                         .roots_cnt = 1,
                         .result_max_age_s = 60};
  memcpy(w.p.roots[0].root, w.f.root.b, 32);
  assert_int_equal(cf_appraise_under(&until, &w.f, &w.p, NULL, w.at_s, NULL, &v), CF_VERDICT_COLLATERAL_MISSING);
  assert_string_equal(v.item, "credential");
  w.f.ak_certified = true;
  w.p.nonce = 1;
  assert_int_equal(cf_appraise_under(&until, &w.f, &w.p, NULL, w.at_s, NULL, &v), CF_VERDICT_NONCE);
  w.f.nonce_held = true;
  assert_int_equal(cf_appraise_under(&until, &w.f, &w.p, NULL, w.at_s, NULL, &v), CF_VERDICT_OK);
  file_forget();
}

static int group_setup(void **state) {
  (void)state;
  quotes = quotes_load(CF_SOURCE_DIR "/tests/vectors/evidence/quotes.json");
  return 0;
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_text),  cmocka_unit_test(test_second_hand),    cmocka_unit_test(test_encoding),
      cmocka_unit_test(test_rules), cmocka_unit_test(test_nobody_vouches), cmocka_unit_test(test_which_register),
      cmocka_unit_test(test_own)};
  return cmocka_run_group_tests(tests, group_setup, NULL);
}
