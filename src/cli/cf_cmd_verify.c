/* verify --matrix, verify evidence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cf_text.h"
#include "cli/cf_commands.h"
#include "cli/cf_remote.h"
#include "evidence/cf_evidence.h"

int cf_cmd_verify(cf_args_t const *a) {
  cf_check_row_t row;
  cf_wr_t        wr = cf_room(65536);
  cf_jw_t        j = cf_json_begin(&wr);
  if (!cf_flag(a, "matrix")) return cf_fail_usage(a->command, "evidence, receipt, log or --matrix", "verify");
  if (cf_json_mode()) cf_jw_arr(&j, NULL);
  for (size_t i = 0; cf_evidence_matrix(&row, i); i++) {
    if (!cf_json_mode()) {
      printf("%-6s %-18s %s\n", cf_platform_name(row.platform), row.name, row.what);
      continue;
    }
    cf_jw_obj(&j, NULL);
    cf_jw_str(&j, "platform", cf_platform_name(row.platform));
    cf_jw_str(&j, "check", row.name);
    cf_jw_str(&j, "what", row.what);
    cf_jw_end(&j, '}');
  }
  if (!cf_json_mode()) return 0;
  cf_jw_end(&j, ']');
  return cf_json_end(&j, NULL);
}

/* ---- evidence ---- */

typedef struct {
  cf_evidence_item_t items[CF_ITEMS_MAX];
  size_t             item_cnt;
  cf_root_t          roots[CF_ROOTS_MAX];
  size_t             root_cnt;
} with_t;

/* ROLE=F; roots carry their class: root-cloud=F. */
static int with_arg(with_t *w, cf_args_t const *a, char const *text) {
  static struct {
    char const *name;
    cf_role_t   role;
    int         cls;
  } const roles[] = {{"evidence", CF_ROLE_EVIDENCE, 0},   {"crl", CF_ROLE_CRL, 0},
                     {"statement", CF_ROLE_STATEMENT, 0}, {"root-cloud", CF_ROLE_ROOT, 1},
                     {"root-firmware", CF_ROLE_ROOT, 2},  {"root-discrete", CF_ROLE_ROOT, 3},
                     {"root-owner", CF_ROLE_ROOT, 4}};
  char const *eq = strchr(text, '=');
  cf_span_t   bytes;
  for (size_t i = 0; eq && i < CF_COUNT_OF(roles); i++) {
    if (strlen(roles[i].name) != (size_t)(eq - text) || memcmp(text, roles[i].name, (size_t)(eq - text))) continue;
    int code = cf_slurp(&bytes, eq + 1, CF_CARRIER_MAX);
    if (code) return code;
    if (w->item_cnt == CF_ITEMS_MAX || w->root_cnt == CF_ROOTS_MAX) return cf_fail_usage(a->command, "too many files", text);
    if (roles[i].role == CF_ROLE_ROOT) w->roots[w->root_cnt++] = (cf_root_t){(cf_root_class_t)roles[i].cls, bytes};
    else w->items[w->item_cnt++] = (cf_evidence_item_t){roles[i].role, bytes};
    return 0;
  }
  return cf_fail_usage(a->command,
                       "--with is ROLE=F; roles: evidence, crl, statement, root-cloud, root-firmware, root-discrete, root-owner",
                       text);
}

/* Unix seconds, or RFC 3339 in UTC. */
static int at_arg(int64_t *at_s, cf_args_t const *a) {
  char const *text = cf_arg(a, "at");
  struct tm   tm = {0};
  uint64_t    n;
  *at_s = (int64_t)cf_wall_s();
  if (!text) return 0;
  if (!cf_dec_u64(&n, CF_SPAN(text, strlen(text))) && n < 1ULL << 40) return *at_s = (int64_t)n, 0;
  char const *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
  if (end && !*end) return *at_s = timegm(&tm), 0;
  return cf_fail_usage(a->command, "--at is a time like 2025-06-19T10:12:03Z", text);
}

static int refused(cf_verdict_t const *v) {
  char *found = v->date_s ? cf_fmt("%s (%s)", v->text, cf_time((uint64_t)v->date_s)) : cf_fmt("%s", v->text);
  return cf_fail(CF_EXIT_FAILS, "rejected", cf_verdict_name(v->code), v->item, "found", found, "next",
                 v->next ? v->next : cf_verdict_next(v->code), NULL);
}

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

int cf_cmd_verify_evidence(cf_args_t const *a) {
  static with_t     w;
  static cf_facts_t facts;
  cf_evidence_ask_t ask = {0};
  cf_verdict_t      v = {0};
  cf_domain_t       *trust = NULL;
  cf_hash_t         nonce;
  bool              domain_given, nonce_given;
  int64_t           until;
  int               code = cf_arg_hash(&ask.domain, &domain_given, a, "domain");
  if (!code) code = cf_arg_hash(&nonce, &nonce_given, a, "nonce");
  if (!code) code = at_arg(&ask.at_s, a);
  for (size_t i = 0; !code && cf_arg_at(a, "with", i); i++) code = with_arg(&w, a, cf_arg_at(a, "with", i));
  if (!code && cf_arg(a, "genesis")) code = genesis_arg(&trust, a);
  if (!code && !trust && !domain_given)
    code = cf_fail_usage(a->command, "whose enclave? --genesis F or --domain HEX", "--genesis");
  if (code) return code;
  if (trust) ask.domain = trust->id;
  ask.items = w.items;
  ask.item_cnt = w.item_cnt;
  ask.roots = w.roots;
  ask.root_cnt = w.root_cnt;
  if (!w.item_cnt)
    return cf_fail(CF_EXIT_FAILS, "rejected", "collateral-missing", "evidence", "found", "no evidence was given", "next",
                   "--with evidence=F", NULL);
  if (cf_evidence_verify(&facts, &ask, &v)) return refused(&v);
  if (!trust) return print_facts(&facts, false);
  cf_appraise_ask_t const judge = {.policy = &trust->policy,
                                   .production = trust->genesis.class == 1,
                                   .verifiers = cf_domain_verifiers(trust),
                                   .statement_min = cf_domain_verifiers(trust)->k,
                                   .nonce = nonce_given ? &nonce : NULL,
                                   .at_s = ask.at_s};
  return cf_appraise(&until, &facts, &judge, &v) ? refused(&v) : print_facts(&facts, true);
}
