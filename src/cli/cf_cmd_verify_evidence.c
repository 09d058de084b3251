/* verify evidence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cf_utc.h"
#include "cli/cf_commands.h"
#include "cli/cf_ear_key.h"
#include "cli/cf_evidence_args.h"
#include "cli/cf_remote.h"
#include "evidence/cf_lookahead.h"

static int refused(cf_verdict_t const *v) {
  return cf_fail(CF_EXIT_FAILS, "rejected", cf_verdict_name(v->code), v->item, "found", cf_verdict_found(v), "next",
                 v->next ? v->next : cf_verdict_next(v->code), NULL);
}

/* ---- of a platform's own kind ---- */

/* One line a value; the members of an object behind its name. */
static void print_members(char const *prefix, cf_json_t obj) {
  cf_json_t value;
  cf_span_t key;
  for (size_t pos = 0; cf_json_each(obj, &pos, &key, &value);) {
    char *name = cf_fmt("%s%.*s", prefix, (int)key.len, (char const *)key.ptr);
    if (value.type == CF_JSON_OBJECT) print_members(cf_fmt("%s.", name), value);
    else printf("  %-28s %.*s\n", name, (int)value.text.len, (char const *)value.text.ptr);
  }
}

static void print_ok(cf_judgement_t const *judged) {
  cf_facts_t const *f = &judged->claims.said;
  cf_wr_t           wr = cf_room(CF_JUDGEMENT_MAX);
  cf_jw_t           j = cf_jw_init(&wr);
  cf_json_t         members;
  if (judged->policy)
    printf("ok        %s   accepted by policy %.*s until %s\n", cf_platform_name(f->platform), (int)judged->policy->name.len,
           (char const *)judged->policy->name.ptr, cf_time((uint64_t)judged->until_s));
  else printf("ok        %s   authentic, fresh and unrevoked; whether to accept it is policy's\n", cf_platform_name(f->platform));
  cf_jw_obj(&j, NULL);
  cf_evidence_report(&j, f);
  cf_jw_end(&j, '}');
  if (cf_json_parse(&members, cf_wr_out(&wr), NULL)) abort();
  print_members("", members);
}

/* Why not, and what was not looked at; what was claimed is for programs that look for the machine. */
static void print_notes(cf_judgement_t const *judged) {
  cf_verdict_t const *v = &judged->v;
  for (size_t i = 1; i < CF_ROLE_CNT; i++)
    if (judged->claims.said.unread & CF_ROLE_BIT(i))
      cf_note("note: %s is not needed here, and was not read", cf_role_name((cf_role_t)i));
  if (v->code)
    fprintf(stderr, "%s: %s  %s\n  %-9s %s\n  %-9s %s\n", judged->authentic ? "refused" : "rejected", cf_verdict_name(v->code),
            v->item, "found", cf_verdict_found(v), "next", v->next);
}

/* What the policy said, signed: whatever it was. */
static int write_ear(cf_judgement_t const *judged, cf_span_t nonce, cf_p256_key_t const *key, char const *path) {
  cf_ear_t ear;
  cf_wr_t  wr = cf_room(CF_EAR_MAX);
  cf_judgement_ear(&ear, judged, nonce);
  cf_ear_seal(&wr, &ear, key, "counterfoil");
  return cf_save(path, cf_wr_out(&wr), false);
}

static int judge(cf_evidence_ask_t const *ask, cf_appraisal_t const *policy, char const *ear, cf_p256_key_t const *key) {
  static cf_judgement_t judged;
  cf_wr_t               wr = cf_room(CF_JUDGEMENT_MAX);
  cf_jw_t               j = cf_json_begin(&wr);
  cf_verdict_code_t     code = cf_judge(&judged, ask, policy);
  int                   failed = ear ? write_ear(&judged, ask->nonce, key, ear) : 0;
  if (failed) return failed;
  print_notes(&judged);
  cf_jw_obj(&j, NULL);
  cf_judgement_report(&j, &judged);
  if (ear) cf_ear_key_json(&j, "ear_key", key);
  cf_jw_end(&j, '}');
  int said = cf_json_mode() ? cf_json_end(&j, NULL) : 0;
  if (!cf_json_mode() && !code) print_ok(&judged);
  return code ? CF_EXIT_FAILS : said;
}

/* ---- ahead ---- */

static char *date_text(int64_t unix_s) {
  char text[CF_UTC_TEXT];
  return cf_utc_write(text, unix_s) ? cf_fmt("%s", "never") : cf_fmt("%s", text);
}

static int expiry(cf_evidence_ask_t const *ask, cf_appraisal_t const *policy) {
  static cf_judgement_t judged;
  static cf_expiry_t    e;
  cf_wr_t               wr = cf_room(CF_JUDGEMENT_MAX);
  cf_jw_t               j = cf_json_begin(&wr);
  cf_verdict_code_t     code = cf_expiry(&e, &judged, ask, policy);
  print_notes(&judged);
  cf_jw_obj(&j, NULL);
  cf_judgement_report(&j, &judged);
  cf_expiry_report(&j, &e);
  cf_jw_end(&j, '}');
  if (cf_json_mode()) return cf_json_end(&j, NULL), code ? CF_EXIT_FAILS : 0;
  if (!code) printf("ok        %s   as of %s\n", cf_platform_name(judged.claims.said.platform), date_text(ask->at_s));
  for (size_t i = 0; i < e.dates.cnt; i++) printf("  %-28s %s\n", e.dates.at[i].item, date_text(e.dates.at[i].to_s));
  if (e.ends) printf("then      %s   %s  %s: %s\n", date_text(e.then_s), cf_verdict_name(e.then.code), e.then.item, e.then.text);
  else if (!code) printf("then      nothing of it ends by a date\n");
  return code ? CF_EXIT_FAILS : 0;
}

/* The same evidence under another T, or other collateral: what is said then, and what that changes. */
static int compare(cf_evidence_args_t const *with, cf_appraisal_t const *policy) {
  static cf_judgement_t judged[2];
  cf_json_t             text[2], changes, one;
  cf_span_t             key;
  cf_wr_t               wr = cf_room(4 * CF_JUDGEMENT_MAX), found = cf_room(4 * CF_JUDGEMENT_MAX);
  cf_jw_t               j = cf_json_begin(&wr), c = cf_jw_init(&found);
  for (int i = 0; i < 2; i++) {
    cf_wr_t own = cf_room(CF_JUDGEMENT_MAX);
    cf_jw_t jw = cf_jw_init(&own);
    (void)cf_judge(&judged[i], i ? &with->later : &with->ask, policy);
    cf_jw_obj(&jw, NULL);
    cf_judgement_report(&jw, &judged[i]);
    cf_jw_end(&jw, '}');
    if (cf_json_parse(&text[i], cf_wr_out(&own), NULL)) abort();
  }
  size_t cnt = cf_judgement_changes(&c, NULL, text[0], text[1]);
  print_notes(&judged[1]);
  cf_jw_obj(&j, NULL);
  cf_judgement_report(&j, &judged[1]);
  cf_jw_raw(&j, "changes", cf_wr_out(&found));
  cf_jw_end(&j, '}');
  int code = judged[1].v.code ? CF_EXIT_FAILS : 0;
  if (cf_json_mode()) return cf_json_end(&j, NULL), code;
  if (cf_json_parse(&changes, cf_wr_out(&found), NULL)) abort();
  printf("%-9s %s\n", code ? judged[1].authentic ? "refused" : "rejected" : "ok", cnt ? "changes" : "nothing changes");
  for (size_t pos = 0; cf_json_each(changes, &pos, &key, &one);) {
    char name[128];
    if (cf_json_str(name, sizeof name, cf_json_get(one, "member"))) abort();
    cf_span_t was = cf_json_get(one, "was").text, is = cf_json_get(one, "is").text;
    printf("  %-28s %.*s -> %.*s\n", name, (int)was.len, (char const *)was.ptr, (int)is.len, (char const *)is.ptr);
  }
  return code;
}

/* ---- Counterfoil's own ---- */

static int print_facts(cf_facts_t const *f, bool appraised) {
  cf_wr_t wr = cf_room(4096);
  cf_jw_t j = cf_json_begin(&wr);
  if (!cf_json_mode()) {
    printf("ok        %s   root of trust %s\nmeasured  %s   program %s\ninstance  %s\n%s", cf_platform_name(f->platform),
           cf_class_name(f->cls), cf_hex(CF_SPAN_OF(f->measurement.b)), cf_hex_short(CF_SPAN_OF(f->program.b)),
           cf_hex(CF_SPAN_OF(f->instance.b)),
           appraised ? "" : "authentic; whether policy allows it was not asked: give --genesis F\n");
    return 0;
  }
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", true);
  cf_jw_bool(&j, "appraised", appraised);
  cf_jw_str(&j, "platform", cf_platform_name(f->platform));
  cf_jw_str(&j, "class", cf_class_name(f->cls));
  cf_jw_hex(&j, "measurement", CF_SPAN_OF(f->measurement.b));
  cf_jw_hex(&j, "instance", CF_SPAN_OF(f->instance.b));
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

static int genesis_arg(cf_domain_t **out, cf_args_t const *a) {
  cf_span_t  entry;
  cf_error_t err = {0};
  int        code = cf_slurp(&entry, cf_arg(a, "genesis"), CF_ENTRY_MAX);
  if (code) return code;
  *out = calloc(1, sizeof **out);
  if (!*out) abort();
  return cf_domain_open(*out, entry, NULL, &err) ? cf_fail_error("genesis", &err) : 0;
}

/* Under the domain's own policy where its genesis is given, and under the asker's where there is one. */
static int judge_own(cf_evidence_args_t *with, cf_appraisal_t const *policy, cf_args_t const *a) {
  cf_evidence_ask_t *ask = &with->ask;
  static cf_facts_t  facts;
  cf_verdict_t       v = {0};
  cf_domain_t       *trust = NULL;
  bool               domain_given;
  int64_t            until;
  int                code = cf_arg_hash(&ask->domain, &domain_given, a, "domain");
  if (!code && ask->nonce.len && ask->nonce.len != 32) code = cf_fail_usage(a->command, "--nonce is 64 hex digits", "--nonce");
  if (!code && cf_arg(a, "genesis")) code = genesis_arg(&trust, a);
  if (!code && !trust && !domain_given)
    code = cf_fail_usage(a->command, "whose enclave? --genesis F or --domain HEX", "--genesis");
  if (code) return code;
  if (trust) ask->domain = trust->id;
  with->later.domain = ask->domain;
  if (!ask->item_cnt)
    return cf_fail(CF_EXIT_FAILS, "rejected", "collateral-missing", "evidence", "found", "no evidence was given", "next",
                   "--with evidence=F", NULL);
  if (with->compares) return compare(with, policy);
  if (cf_flag(a, "expiry")) return expiry(ask, policy);
  if (cf_evidence_verify(&facts, ask, &v)) return refused(&v);
  if (!trust)
    return policy && cf_appraise_under(&until, &facts, policy, NULL, ask->at_s, NULL, &v) ? refused(&v)
                                                                                          : print_facts(&facts, policy);
  cf_appraise_ask_t const appraise = {.policy = &trust->policy,
                                      .production = trust->genesis.class == 1,
                                      .verifiers = cf_domain_verifiers(trust),
                                      .statement_min = cf_domain_verifiers(trust)->k,
                                      .at_s = ask->at_s};
  if (cf_appraise(&until, &facts, &appraise, &v)) return refused(&v);
  return policy && cf_appraise_under(&until, &facts, policy, &appraise, ask->at_s, NULL, &v) ? refused(&v)
                                                                                             : print_facts(&facts, true);
}

/* A result says what a policy said of one judgement; of a domain's enclave its verifiers give it. */
static int ear_arg(cf_p256_key_t **key, cf_args_t const *a, cf_evidence_args_t const *with, bool policy, bool own) {
  if (!cf_arg(a, "ear") && !cf_arg(a, "key")) return 0;
  if (!cf_arg(a, "ear") || !cf_arg(a, "key") || !policy || own || with->compares || cf_flag(a, "expiry"))
    return cf_fail_usage(a->command, "--ear F --key K --policy F: the signed result of one appraisal", "--ear");
  if (with->ask.nonce.len && (with->ask.nonce.len < 8 || with->ask.nonce.len > 64))
    return cf_fail_usage(a->command, "a result's nonce has 8 to 64 bytes", "--nonce");
  return cf_ear_key(key, cf_arg(a, "key"));
}

/* The items as one message, for who is asked over a wire. */
static int write_cmw(cf_evidence_args_t const *with, char const *path) {
  size_t max = 16;
  for (size_t i = 0; i < with->ask.item_cnt; i++) max += with->ask.items[i].bytes.len + CF_MEDIA_TYPE_MAX + 16;
  cf_wr_t wr = cf_room(max);
  cf_items_cmw(&wr, with->ask.items, with->ask.item_cnt);
  return cf_save(path, cf_wr_out(&wr), false);
}

int cf_cmd_verify_evidence(cf_args_t const *a) {
  static cf_evidence_args_t with;
  static cf_appraisal_t     policy;
  bool                      given, own;
  cf_p256_key_t            *key = NULL;
  int                       code = cf_evidence_args(&with, a);
  if (!code) code = cf_appraisal_arg(&policy, &given, a);
  own = !with.ask.item_cnt || cf_evidence_given(&with.ask, CF_ROLE_EVIDENCE);
  if (!code) code = ear_arg(&key, a, &with, given, own);
  if (!code && cf_arg(a, "cmw")) code = write_cmw(&with, cf_arg(a, "cmw"));
  if (code) return code;
  cf_appraisal_t const *by = given ? &policy : NULL;
  if (with.compares && cf_flag(a, "expiry"))
    return cf_fail_usage(a->command, "--expiry is asked of one judgement, not of two", "--expiry");
  if (own) return judge_own(&with, by, a);
  if (with.compares) return compare(&with, by);
  if (cf_flag(a, "expiry")) return expiry(&with.ask, by);
  code = judge(&with.ask, by, cf_arg(a, "ear"), key);
  cf_p256_key_free(key);
  return code;
}
