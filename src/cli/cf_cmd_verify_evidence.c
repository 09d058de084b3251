/* verify evidence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cf_commands.h"
#include "cli/cf_evidence_args.h"
#include "cli/cf_remote.h"
#include "evidence/cf_judgement.h"

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

static int print_judgement(cf_judgement_t const *judged) {
  cf_facts_t const *f = &judged->claims.said;
  cf_wr_t           wr = cf_room(CF_JUDGEMENT_MAX);
  cf_jw_t           j = cf_json_begin(&wr);
  cf_json_t         members;
  cf_jw_obj(&j, NULL);
  if (cf_json_mode()) cf_judgement_report(&j, judged);
  else cf_evidence_report(&j, f);
  cf_jw_end(&j, '}');
  if (cf_json_mode()) return cf_json_end(&j, NULL);
  if (judged->v.code) return 0; /* a person reads why; what was claimed is for programs that look for the machine */
  if (judged->policy)
    printf("ok        %s   accepted by policy %.*s until %s\n", cf_platform_name(f->platform), (int)judged->policy->name.len,
           (char const *)judged->policy->name.ptr, cf_time((uint64_t)judged->until_s));
  else printf("ok        %s   authentic, fresh and unrevoked; whether to accept it is policy's\n", cf_platform_name(f->platform));
  if (cf_json_parse(&members, cf_wr_out(&wr), NULL)) abort();
  print_members("", members);
  return 0;
}

static int judge(cf_evidence_ask_t const *ask, cf_appraisal_t const *policy) {
  static cf_judgement_t judged;
  cf_verdict_t const   *v = &judged.v;
  cf_verdict_code_t     code = cf_judge(&judged, ask, policy);
  for (size_t i = 1; i < CF_ROLE_CNT; i++)
    if (judged.claims.said.unread & CF_ROLE_BIT(i))
      cf_note("note: %s is not needed here, and was not read", cf_role_name((cf_role_t)i));
  if (code)
    fprintf(stderr, "%s: %s  %s\n  %-9s %s\n  %-9s %s\n", judged.authentic ? "refused" : "rejected", cf_verdict_name(code),
            v->item, "found", cf_verdict_found(v), "next", v->next);
  int said = print_judgement(&judged);
  return code ? CF_EXIT_FAILS : said;
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
static int judge_own(cf_evidence_ask_t *ask, cf_appraisal_t const *policy, cf_args_t const *a) {
  static cf_facts_t facts;
  cf_verdict_t      v = {0};
  cf_domain_t      *trust = NULL;
  cf_hash_t         nonce;
  bool              domain_given, nonce_given;
  int64_t           until;
  int               code = cf_arg_hash(&ask->domain, &domain_given, a, "domain");
  if (!code) code = cf_arg_hash(&nonce, &nonce_given, a, "nonce");
  if (!code && cf_arg(a, "genesis")) code = genesis_arg(&trust, a);
  if (!code && !trust && !domain_given)
    code = cf_fail_usage(a->command, "whose enclave? --genesis F or --domain HEX", "--genesis");
  if (code) return code;
  if (trust) ask->domain = trust->id;
  if (!ask->item_cnt)
    return cf_fail(CF_EXIT_FAILS, "rejected", "collateral-missing", "evidence", "found", "no evidence was given", "next",
                   "--with evidence=F", NULL);
  if (cf_evidence_verify(&facts, ask, &v)) return refused(&v);
  if (!trust)
    return policy && cf_appraise_under(&until, &facts, policy, NULL, ask->at_s, &v) ? refused(&v) : print_facts(&facts, policy);
  cf_appraise_ask_t const appraise = {.policy = &trust->policy,
                                      .production = trust->genesis.class == 1,
                                      .verifiers = cf_domain_verifiers(trust),
                                      .statement_min = cf_domain_verifiers(trust)->k,
                                      .nonce = nonce_given ? &nonce : NULL,
                                      .at_s = ask->at_s};
  if (cf_appraise(&until, &facts, &appraise, &v)) return refused(&v);
  return policy && cf_appraise_under(&until, &facts, policy, &appraise, ask->at_s, &v) ? refused(&v) : print_facts(&facts, true);
}

int cf_cmd_verify_evidence(cf_args_t const *a) {
  static cf_evidence_args_t with;
  static cf_appraisal_t     policy;
  bool                      given;
  int                       code = cf_evidence_args(&with, a);
  if (!code) code = cf_appraisal_arg(&policy, &given, a);
  if (code) return code;
  if (!with.ask.item_cnt || cf_evidence_given(&with.ask, CF_ROLE_EVIDENCE))
    return judge_own(&with.ask, given ? &policy : NULL, a);
  return judge(&with.ask, given ? &policy : NULL);
}
