#include "evidence/cf_appraisal.h"

#include "codec/cf_cose.h"
#include "evidence/cf_evidence.h"

/* ---- the table ---- */

#define YEARS_10 315360000
#define TIME_MAX (1ULL << 40)

static char const *const yes_words[] = {NULL, "yes"};
static char const *const class_words[] = {NULL, "production", "test"};
static char const *const platform_words[] = {NULL, "tpm", "sgx", "tdx", "snp", "nitro", "cca"};
static char const *const root_words[] = {NULL, "cloud", "firmware", "discrete", "owner-controlled"};
static char const *const product_words[] = {NULL, "Milan", "Genoa", "Turin"};

#define T cf_appraisal_register_t
static cf_field_t const register_fields[] = {CF_F_TEXT(T, 1, name, 1, 24), CF_F_BSTR(T, 2, value, 1, 64)};
#undef T
static cf_table_t const register_table = {.name = "appraisal-register",
                                          .size = sizeof(cf_appraisal_register_t),
                                          .fields = register_fields,
                                          .fields_cnt = CF_COUNT_OF(register_fields)};

#define T cf_appraisal_program_t
static cf_field_t const program_fields[] = {
    CF_F_WORD(T, 1, platform, platform_words), CF_F_LIST(T, 2, registers, &register_table, 1),
    CF_F_UINT_OPT(T, 3, svn_min, UINT32_MAX), CF_F_UINT(T, 4, until, 1, TIME_MAX), CF_F_TEXT_OPT(T, 5, source, 256)};
#undef T
static cf_table_t const program_table = {.name = "appraisal-program",
                                         .size = sizeof(cf_appraisal_program_t),
                                         .fields = program_fields,
                                         .fields_cnt = CF_COUNT_OF(program_fields)};

#define T cf_appraisal_root_t
static cf_field_t const root_fields[] = {CF_F_WORD(T, 1, platform, platform_words), CF_F_WORD_OPT(T, 2, class, root_words),
                                         CF_F_FIXED(T, 3, root)};
#undef T
static cf_table_t const root_table = {
    .name = "appraisal-root", .size = sizeof(cf_appraisal_root_t), .fields = root_fields, .fields_cnt = CF_COUNT_OF(root_fields)};

#define T cf_appraisal_intel_t
static cf_field_t const intel_fields[] = {
    CF_F_TEXTS(T, 1, statuses, 1), CF_F_TEXTS_OPT(T, 2, advisories), CF_F_UINT_OPT(T, 3, evaluation_min, UINT32_MAX),
    CF_F_UINT_OPT(T, 4, tcb_date_min, TIME_MAX), CF_F_WORD_OPT(T, 5, sept_ve_disable, yes_words)};
#undef T
static cf_table_t const intel_table = {.name = "appraisal-intel",
                                       .size = sizeof(cf_appraisal_intel_t),
                                       .fields = intel_fields,
                                       .fields_cnt = CF_COUNT_OF(intel_fields)};

#define T cf_appraisal_snp_tcb_t
static cf_field_t const snp_tcb_fields[] = {
    CF_F_WORD(T, 1, product, product_words), CF_F_UINT_OPT(T, 2, fmc, 255), CF_F_UINT_OPT(T, 3, bl, 255),
    CF_F_UINT_OPT(T, 4, tee, 255),           CF_F_UINT_OPT(T, 5, snp, 255), CF_F_UINT_OPT(T, 6, ucode, 255)};
#undef T
static cf_table_t const snp_tcb_table = {.name = "appraisal-snp-tcb",
                                         .size = sizeof(cf_appraisal_snp_tcb_t),
                                         .fields = snp_tcb_fields,
                                         .fields_cnt = CF_COUNT_OF(snp_tcb_fields)};

#define T cf_appraisal_snp_t
static cf_field_t const snp_fields[] = {CF_F_UINT_OPT(T, 1, vmpl_max, 3), CF_F_WORD_OPT(T, 2, alias_check, yes_words),
                                        CF_F_WORD_OPT(T, 3, no_smt, yes_words), CF_F_LIST_OPT(T, 4, tcb_min, &snp_tcb_table)};
#undef T
static cf_table_t const snp_table = {
    .name = "appraisal-snp", .size = sizeof(cf_appraisal_snp_t), .fields = snp_fields, .fields_cnt = CF_COUNT_OF(snp_fields)};

#define T cf_appraisal_t
static cf_field_t const fields[] = {CF_F_UINT(T, 1, version, 1, 1),
                                    CF_F_TEXT(T, 2, name, 1, 64),
                                    CF_F_WORD(T, 3, class, class_words),
                                    CF_F_TEXTS(T, 4, platforms, 1),
                                    CF_F_WORD_OPT(T, 5, maker_roots, yes_words),
                                    CF_F_LIST_OPT(T, 6, roots, &root_table),
                                    CF_F_WORD_OPT(T, 7, accept_discrete, yes_words),
                                    CF_F_WORD_OPT(T, 8, debug, yes_words),
                                    CF_F_WORD_OPT(T, 9, any_program, yes_words),
                                    CF_F_LIST_OPT(T, 10, programs, &program_table),
                                    CF_F_WORD_OPT(T, 11, nonce, yes_words),
                                    CF_F_WORD_OPT(T, 12, revocation, yes_words),
                                    CF_F_UINT_OPT(T, 13, collateral_max_age_s, YEARS_10),
                                    CF_F_UINT_OPT(T, 14, evidence_max_age_s, YEARS_10),
                                    CF_F_UINT_OPT(T, 15, clock_skew_s, 86400),
                                    CF_F_UINT(T, 16, result_max_age_s, 1, YEARS_10),
                                    CF_F_TEXTS_OPT(T, 17, jurisdictions),
                                    CF_F_MAP(T, 18, intel, &intel_table),
                                    CF_F_MAP(T, 19, snp, &snp_table)};
#undef T
cf_table_t const cf_appraisal_table = {.name = "appraisal",
                                       .size = sizeof(cf_appraisal_t),
                                       .bytes_max = CF_APPRAISAL_MAX,
                                       .fields = fields,
                                       .fields_cnt = CF_COUNT_OF(fields)};

/* ---- the two that are made here ---- */

void cf_appraisal_default(cf_appraisal_t *out) {
  *out = (cf_appraisal_t){.version = 1,
                          .name = CF_SPAN_LIT("default"),
                          .class = CF_APPRAISAL_PRODUCTION,
                          .platforms = {CF_SPAN_LIT("sgx"), CF_SPAN_LIT("tdx"), CF_SPAN_LIT("snp"), CF_SPAN_LIT("nitro")},
                          .platforms_cnt = 4,
                          .maker_roots = 1,
                          .any_program = 1,
                          .revocation = 1,
                          .collateral_max_age_s = 366 * 86400, /* the list of Intel's root lives a year */
                          .clock_skew_s = 300,
                          .result_max_age_s = 86400,
                          .intel = {.statuses = {CF_SPAN_LIT("UpToDate")}, .statuses_cnt = 1, .sept_ve_disable = 1}};
}

void cf_appraisal_of_domain(cf_appraisal_t *out, cf_policy_t const *policy, bool production) {
  *out = (cf_appraisal_t){.version = 1,
                          .name = CF_SPAN_LIT("domain"),
                          .class = production ? CF_APPRAISAL_PRODUCTION : CF_APPRAISAL_TEST,
                          .platforms = {CF_SPAN_LIT("tpm")}, /* the one that a domain's enclave can stand on */
                          .platforms_cnt = 1,
                          .accept_discrete = policy->accept_discrete,
                          .roots_cnt = policy->ek_roots_cnt,
                          .programs_cnt = policy->measurements_cnt,
                          .nonce = 0, /* each verifier finds its own in the list */
                          .revocation = 1,
                          .collateral_max_age_s = policy->collateral_max_age_s,
                          .clock_skew_s = policy->clock_skew_s,
                          .result_max_age_s = policy->attest_max_age_s,
                          .intel = {.statuses = {CF_SPAN_LIT("UpToDate")}, .statuses_cnt = 1}};
  for (size_t i = 0; i < policy->ek_roots_cnt; i++) {
    out->roots[i] = (cf_appraisal_root_t){.platform = CF_PLATFORM_TPM, .class = policy->ek_roots[i].class};
    memcpy(out->roots[i].root, policy->ek_roots[i].root, 32);
  }
  for (size_t i = 0; i < policy->measurements_cnt; i++) {
    cf_measurement_t const *m = &policy->measurements[i];
    out->programs[i] =
        (cf_appraisal_program_t){.platform = m->platform,
                                 .registers = {{.name = CF_SPAN_LIT("program"), .value = CF_SPAN_OF(m->program)},
                                               {.name = CF_SPAN_LIT("configuration"), .value = CF_SPAN_OF(m->configuration)},
                                               {.name = CF_SPAN_LIT("measurement"), .value = CF_SPAN_OF(m->measurement)}},
                                 .registers_cnt = 3,
                                 .until = m->until,
                                 .source = m->source};
  }
}

/* ---- reading ---- */

static cf_status_t refuse(cf_error_t *err, char const *item, char const *why, cf_span_t what) {
  return cf_error_set(err, CF_ERR_POLICY, item, 0, "%s: %.*s", why, (int)what.len, (char const *)what.ptr);
}

static bool is_word(cf_span_t text, char const *word) { return word && cf_span_eq(text, CF_SPAN(word, strlen(word))); }

static bool is_status(cf_span_t text) {
  for (cf_tcb_status_t s = CF_TCB_UP_TO_DATE; s <= CF_TCB_RELAUNCH_CONFIGURATION; s++)
    if (s != CF_TCB_REVOKED && is_word(text, cf_tcb_status_name(s))) return true;
  return false;
}

static bool is_platform(cf_span_t text) {
  for (size_t i = 1; i < CF_COUNT_OF(platform_words); i++)
    if (is_word(text, platform_words[i])) return true;
  return false;
}

/* A mistyped name would only ever refuse; it is refused here, where it is seen. */
static cf_status_t check_names(cf_appraisal_t const *p, cf_error_t *err) {
  for (size_t i = 0; i < p->platforms_cnt; i++)
    if (!is_platform(p->platforms[i])) return refuse(err, "appraisal.platforms", "no platform", p->platforms[i]);
  for (size_t i = 0; i < p->intel.statuses_cnt; i++)
    if (!is_status(p->intel.statuses[i])) return refuse(err, "appraisal.intel.statuses", "no status", p->intel.statuses[i]);
  for (size_t i = 0; i < p->programs_cnt; i++)
    for (size_t k = 0; k < p->programs[i].registers_cnt; k++) {
      cf_span_t name = p->programs[i].registers[k].name;
      if (!cf_evidence_has_register((cf_platform_t)p->programs[i].platform, name))
        return refuse(err, "appraisal.programs.registers", "no register of that platform", name);
    }
  return CF_OK;
}

static cf_status_t check_rules(cf_appraisal_t const *p, cf_error_t *err) {
  cf_span_t const none = CF_SPAN_LIT("");
  if (p->any_program && p->programs_cnt)
    return refuse(err, "appraisal.any_program", "programs are named as well, so which is meant?", none);
  if (p->class != CF_APPRAISAL_PRODUCTION) return CF_OK;
  if (p->debug) return refuse(err, "appraisal.debug", "only a policy of class test takes what can be looked into", none);
  for (size_t i = 0; i < p->roots_cnt; i++)
    if (p->roots[i].class == CF_CLASS_OWNER)
      return refuse(err, "appraisal.roots", "only a policy of class test takes a root that an owner controls", none);
  return CF_OK;
}

static bool is_json(cf_span_t in) {
  size_t i = 0;
  while (i < in.len && (in.ptr[i] == ' ' || in.ptr[i] == '\t' || in.ptr[i] == '\r' || in.ptr[i] == '\n')) i++;
  return i < in.len && in.ptr[i] == '{';
}

cf_status_t cf_appraisal_open(cf_appraisal_t *out, cf_wr_t *room, cf_span_t in, cf_error_t *err) {
  cf_status_t st = CF_OK;
  if (is_json(in)) {
    size_t start = room->len;
    st = cf_table_of_json(room, &cf_appraisal_table, in, err);
    if (!st) in = CF_SPAN(room->buf + start, room->len - start);
  }
  if (!st) st = cf_table_decode(out, &cf_appraisal_table, in, err);
  if (!st) st = check_names(out, err);
  if (!st) st = check_rules(out, err);
  return st;
}

cf_hash_t cf_appraisal_hash(cf_wr_t *wr, cf_appraisal_t const *policy) {
  size_t start = wr->len;
  cf_table_encode(wr, &cf_appraisal_table, policy);
  return cf_document_hash(CF_SPAN(NULL, 0), CF_SPAN(wr->buf + start, wr->len - start));
}
